"""A thread or dialogue as prompt and replies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import pyarrow as pa

from .declaration import Row

MESSAGES = pa.list_(
    pa.struct({name: pa.string() for name in ("role", "content", "reasoning_content")})
)
"""A column of messages. ``reasoning_content`` is what the assistant thought before, or null."""
FLAGS = pa.list_(pa.struct({"flag": pa.string(), "reason": pa.string()}))
"""A column of :mod:`.traces` flags."""
Reasoning = Literal["keep", "inline", "drop"]
"""What becomes of reasoning traces: a field of their message, a part of its text, or nothing."""


def with_reasoning(messages: Iterable[Row], how: Reasoning) -> list[Row]:
    """Return messages as a config has them, their traces treated as the recipe says.

    Inline is the form that Qwen3's template writes: <think>, the trace and </think> on lines of
    their own, and an empty line before the reply.
    """
    made = []
    for message in messages:
        content, trace = message["content"], message.get("reasoning_content") or None
        if trace and how == "inline":
            content = f"<think>\n{trace}\n</think>\n\n{content}"
        trace = trace if how == "keep" else None
        made.append({"role": message["role"], "content": content, "reasoning_content": trace})
    return made


def flagged(messages: list[Row], how: Reasoning) -> list[Row]:
    """Return what the checks of :mod:`.traces` find in the traces of messages; nothing where traces
    are dropped. The reason names the turn, where it is not the last."""
    from . import traces  # loaded by the workers alone

    found: list[Row] = []
    for number, message in enumerate(messages):
        trace = message.get("reasoning_content")
        if how == "drop" or not trace:
            continue
        before = messages[number - 1]["content"] if number else ""
        turn = f"turn {number + 1}: " if number + 1 < len(messages) else ""
        for one in traces.flags(trace, message["content"], before):
            found.append({"flag": one.flag, "reason": turn + one.reason})
    return found


def prompt(record: Row) -> list[Row]:
    """Return a record's messages: a thread's question, or all that was said in a dialogue.

    A thread's title and question are one user message; where one holds the other, the longer
    stands for both.
    """
    if "messages" in record:
        messages: list[Row] = record["messages"]
        return messages
    title, question = record["title"] or "", record["question"]
    if title in question:
        text = question
    elif question in title:
        text = title
    else:
        text = f"{title}\n{question}"
    return [{"role": "user", "content": text}]


def asked(record: Row) -> list[Row]:
    """Return the messages that a record's replies answer: those up to the user's last."""
    messages = list(prompt(record))
    while messages and messages[-1]["role"] != "user":
        messages.pop()
    return messages


def rivals(record: Row) -> list[Row]:
    """Return the replies among which a record may have a better and a worse one (dicts of the
    ANSWER schema): a thread's answers, or a dialogue's candidates."""
    replies: list[Row] = record["answers"] if "answers" in record else record["candidates"]
    return replies


def best_answers(record: Row) -> list[Row]:
    """Return a thread's adopted answers, else the recommended ones, else all."""
    answers: list[Row] = record["answers"]
    adopted = [a for a in answers if a["adopted"]]
    return adopted or [a for a in answers if a["recommended"]] or answers


def good_replies(record: Row) -> list[str]:
    """Return the replies that nothing in a record speaks against.

    Those of a thread that :func:`best_answers` gives; of rated or ranked candidates the best;
    what a dialogue without candidates ends with.
    """
    if "answers" in record:
        return [a["text"] for a in best_answers(record)]
    candidates = record["candidates"]
    scored = [c for c in candidates if c["score"] is not None]
    ranked = [c for c in candidates if c["rank"] is not None]
    if scored:
        return [max(scored, key=lambda c: c["score"])["text"]]
    if ranked:
        return [min(ranked, key=lambda c: c["rank"])["text"]]
    last = record["messages"][-1]
    return [last["content"]] if last["role"] == "assistant" and not candidates else []

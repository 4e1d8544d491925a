"""Texts, conversations and pairs as trainers take them.

Trainers drop, cut or bend what does not fit their chat template, mostly without a word. Here such a
row is refused by a rule before they see it. Traces stand in the text of the reply, since the
loaders leave out ``reasoning_content``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from ..rows import Refusal, Row
from ..rows.conversation import with_reasoning

Line = dict[str, Any]
Message = dict[str, str]
Forms = Mapping[str, Callable[[Any], Iterable["Line | Refusal"]]]
"""By the name of a file: what makes its lines of a text, a conversation or a pair."""

_ROLES = ("system", "user", "assistant")
# Texts that a tokenizer takes for its own marks: of ChatML, Llama, Mistral, DeepSeek, Gemma.
_CONTROL = re.compile(r"<[|｜][\w▁]{1,40}[|｜]>|</?s>|\[/?INST\]|<(?:start|end)_of_turn>|<[be]os>")
_TRACE = re.compile(r"\A<think>.*?</think>\s*", re.S)


class Single(NamedTuple):
    """A prompt that ends with the user, and a reply that a mark calls good or bad."""

    prompt: list[Message]
    said: str
    good: bool


class Pair(NamedTuple):
    """A prompt that ends with the user, and two replies that differ, all with their traces."""

    prompt: list[Message]
    chosen: str
    rejected: str


def text(row: Row) -> str | Refusal:
    """Return the text of a document, or why a trainer would not take it."""
    found: str = row["text"]
    if not found.strip():
        return Refusal("empty_text", "")
    return _marked([found]) or found


def talk(row: Row) -> list[Message] | Refusal:
    """Return a conversation that ends with a reply, or why a trainer would not take it."""
    messages = _messages(row["messages"])
    fault = _fault(messages, "assistant")
    return fault or messages


def pair(row: Row) -> Pair | Refusal:
    """Return a pair, or why a trainer would not take it."""
    prompt = _messages(row["prompt"])
    sides = [_messages(row[name]) for name in ("chosen", "rejected")]
    fault = _fault(prompt, "user") or _no_reply(sides[0]) or _no_reply(sides[1])
    if fault:
        return fault
    chosen, rejected = (side[0]["content"] for side in sides)
    if chosen == rejected:
        return Refusal("equal_sides", chosen[:80])
    return Pair(prompt, chosen, rejected)


def single(row: Row) -> Single | Refusal:
    """Return a reply with its mark, or why a trainer would not take it."""
    prompt, side = _messages(row["prompt"]), _messages(row["completion"])
    fault = _fault(prompt, "user") or _no_reply(side)
    return fault or Single(prompt, side[0]["content"], row["label"])


_READ: Mapping[str, Callable[[Row], Any]] = {
    "pretrain": text, "sft": talk, "rl": talk, "preference": pair, "kto": pair, "unpaired": single,
}  # fmt: skip
"""By the name of a file: what is read of a row for it."""


def lines(name: str, row: Row, forms: Forms) -> Iterator[Line | Refusal]:
    """Yield what ``forms[name]`` makes of a row, or why a trainer would not take the row."""
    found = _READ[name](row)
    if isinstance(found, Refusal):
        yield found
    else:
        yield from forms[name](found)


def text_line(text: str) -> Iterator[Line]:
    """Yield a document as most trainers take it."""
    yield {"text": text}


def talk_line(messages: list[Message]) -> Iterator[Line]:
    """Yield a conversation as most trainers take it."""
    yield {"messages": messages}


def pair_line(pair: Pair) -> Iterator[Line]:
    """Yield a pair as the prompt's messages and two replies, each a message."""
    yield {
        "messages": pair.prompt,
        "chosen": reply(pair.chosen),
        "rejected": reply(pair.rejected),
    }


def reply(content: str) -> Message:
    """Return a message of the assistant."""
    return {"role": "assistant", "content": content}


def without_trace(content: str) -> str:
    """Return a reply without the trace that stands before it."""
    return _TRACE.sub("", content)


def singles(pair: Pair) -> list[Single]:
    """Return both replies of a pair with their marks."""
    return [Single(pair.prompt, pair.chosen, True), Single(pair.prompt, pair.rejected, False)]


def bare(prompt: list[Message]) -> list[Message]:
    """Return a prompt whose earlier replies have no traces."""
    return [reply(without_trace(m["content"])) if m["role"] == "assistant" else m for m in prompt]


def parted(messages: list[Message]) -> tuple[str, list[Message]]:
    """Return the system prompt, "" where there is none, and the other messages."""
    if messages[0]["role"] == "system":
        return messages[0]["content"], messages[1:]
    return "", messages


def chars(config: str, row: Row) -> int:
    """Return the characters of a row as one example: its text, its messages, or its prompt with its
    reply, of a pair the longer one; 0 for a config of a guest."""

    def of(messages: list[Row]) -> int:
        return sum(len(m["content"]) + len(m.get("reasoning_content") or "") for m in messages)

    if config == "pretrain":
        return len(row["text"])
    if config == "sft":
        return of(row["messages"])
    if config == "unpaired":
        return of(row["prompt"]) + of(row["completion"])
    if config == "preference":
        return of(row["prompt"]) + max(of(row["chosen"]), of(row["rejected"]))
    return 0


def _messages(messages: Iterable[Row]) -> list[Message]:
    return [
        {"role": m["role"], "content": m["content"]} for m in with_reasoning(messages, "inline")
    ]


def _fault(messages: list[Message], last: str) -> Refusal | None:
    """Return why messages that are to end with the role ``last`` would not be taken."""
    roles = [message["role"] for message in messages]
    unknown = [role for role in roles if role not in _ROLES]
    if unknown:
        return Refusal("unknown_role", unknown[0])
    turns = roles[1:] if roles[:1] == ["system"] else roles
    if "system" in turns:
        return Refusal("late_system", _roles(messages))
    if not turns or turns[-1] != last:
        return Refusal("no_reply" if last == "assistant" else "prompt_end", _roles(messages))
    if turns[0] == "assistant":
        return Refusal("assistant_first", _roles(messages))
    if any(one == other for one, other in pairwise(turns)):
        return Refusal("not_alternating", _roles(messages))
    return _empty(messages) or _marked(message["content"] for message in messages)


def _no_reply(side: list[Message]) -> Refusal | None:
    """Return why the messages of a side are not one reply that would be taken."""
    if [message["role"] for message in side] != ["assistant"]:
        return Refusal("not_one_reply", _roles(side))
    return _empty(side) or _marked([side[0]["content"]])


def _empty(messages: list[Message]) -> Refusal | None:
    for number, message in enumerate(messages, 1):
        if not without_trace(message["content"]).strip():
            return Refusal("empty_turn", f"turn {number}, {message['role']}")
    return None


def _marked(texts: Iterable[str]) -> Refusal | None:
    for one in texts:
        found = _CONTROL.search(one)
        if found:
            return Refusal("control_mark", found[0])
    return None


def _roles(messages: list[Message]) -> str:
    return " ".join(message["role"] for message in messages[:20])

"""What the layouts of questions, dialogues and rival replies share: roles, turns, prompts."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ...records import Answer, Message, excerpt
from . import labels
from .row import RowError, text_of
from .traces import Spelt, told

Row = Mapping[str, Any]

_NAMES = {
    "user": ("user", "human", "patient", "患者", "病人", "用户", "问"),
    "assistant": (
        "assistant", "gpt", "chatgpt", "bot", "model", "doctor", "医生", "大夫", "助手", "答",
    ),
    "system": ("system", "developer"),
}  # fmt: skip
ROLE_OF = {name: role for role, names in _NAMES.items() for name in names}
"""The names of speakers that layouts use, and the role that each stands for."""

TOOLS = ("tool", "function", "tool_call", "tool_response", "observation", "function_call")
"""Speakers of a dialogue that uses tools, which no config holds."""
CONVERSATION = ("conversations", "messages", "conversation")
QUESTION = ("prompt", "question", "query")
INSTRUCTION = ("instruction", "instruct")


def first(row: Row, names: Sequence[str]) -> Any:
    """Return the first of ``names`` that ``row`` has a value for; KeyError where it has none."""
    for name in names:
        if (value := row.get(name)) is not None:
            return value
    raise KeyError(" or ".join(names))


def role(name: Any) -> str:
    """Return the role of a speaker. Raises RowError "unknown_role"."""
    known = ROLE_OF.get(name) if isinstance(name, str) else None
    if known is None:
        known = ROLE_OF.get(text_of(name).strip().lower())
    if known is None and text_of(name).strip().lower() in TOOLS:
        raise RowError("tool_use", f"a turn of {name!r}: dialogues that use tools are not read")
    if known is None:
        raise RowError("unknown_role", f"{excerpt(repr(name))}; known: {', '.join(ROLE_OF)}")
    return known


def turns(value: Any, spelt: Spelt | None = None) -> list[Message]:
    """Return the turns of a text (the user's), of one message object, or of a list of either.

    An object is {role, content} or {from, value}. The reasoning trace of an assistant's turn is
    parted from it, see :mod:`.traces`; ``spelt`` (:attr:`FileReport.traces`) counts it. Texts in a
    list say who speaks by a leading "问：" or "答："; where none does, user and assistant take
    turns. Neighbouring turns of one role become one, parted by a newline; an empty system turn is
    no turn.

    Raises RowError ("unknown_role", "tool_use", "empty_turn", "system_not_first",
    "unfinished_thought"), KeyError for an object without its fields, TypeError for what is no turn.
    """
    spelt = {} if spelt is None else spelt
    if isinstance(value, (str, dict)):
        value = [value]
    elif not isinstance(value, list):
        raise TypeError(f"expected turns of a dialogue, got {type(value).__name__}")
    if value and all(isinstance(item, str) for item in value):
        return ordered(_spoken(value, spelt))
    return ordered([_turn(item, spelt) for item in value])


def _turn(item: Any, spelt: Spelt) -> Message:
    if not isinstance(item, dict):
        raise TypeError(f"expected a message object, got {type(item).__name__}")
    by = role(item["role"] if "role" in item else item["from"])
    if item.get("tool_calls"):
        raise RowError("tool_use", "a turn with tool_calls: dialogues that use tools are not read")
    text = text_of(item["content"] if "content" in item else item["value"])
    return message(by, text, item, spelt)


def message(by: str, text: str, beside: Any, spelt: Spelt) -> Message:
    """Return a turn; an assistant's with its trace. beside: see :func:`.traces.told`."""
    return Message(by, *(told(text, beside, spelt) if by == "assistant" else (text,)))


def with_trace(said: list[Message], row: Row, spelt: Spelt) -> list[Message]:
    """Return turns with the trace that stands in a column of the row: it is of the last reply,
    where that has none of its own."""
    replies = [number for number, turn in enumerate(said) if turn.role == "assistant"]
    if not replies or said[replies[-1]].reasoning_content:
        return said
    last = said[replies[-1]]
    given = [*said]
    given[replies[-1]] = message("assistant", last.content, row, spelt)
    return given


def _spoken(texts: Sequence[str], spelt: Spelt) -> list[Message]:
    parted = [text.replace(":", "：", 1).partition("：") for text in texts]
    if all(colon and name.strip().lower() in ROLE_OF for name, colon, _ in parted):
        return [
            message(role(name), text[len(name) + 1 :], None, spelt)
            for text, (name, _, _) in zip(texts, parted, strict=True)
        ]
    roles = ("user", "assistant")
    return [message(roles[i % 2], text, None, spelt) for i, text in enumerate(texts)]


def ordered(said: list[Message]) -> list[Message]:
    """Merge neighbours of one role; see :func:`turns`."""
    merged: list[Message] = []
    for number, turn in enumerate(said, 1):
        if not turn.content.strip():
            if turn.role == "system":
                continue
            raise RowError("empty_turn", f"turn {number} ({turn.role}) has no text")
        if merged and merged[-1].role == turn.role:
            thoughts = [merged[-1].reasoning_content, turn.reasoning_content]
            merged[-1] = Message(
                turn.role,
                f"{merged[-1].content}\n{turn.content}",
                "\n\n".join(filter(None, thoughts)) or None,
            )
        elif merged and turn.role == "system":
            raise RowError("system_not_first", f"turn {number}: {excerpt(turn.content)}")
        else:
            merged.append(turn)
    return merged


def prompt(
    row: Row, names: Sequence[str] = (*CONVERSATION, *QUESTION), spelt: Spelt | None = None
) -> list[Message]:
    """Return the messages up to and with the user's last: ``system``, ``history``, the question.

    The question is the first of ``names`` in the row (a text or turns), else ``instruction``
    with ``input`` on a line below it. ``history`` holds [question, answer] pairs, or turns.

    Raises RowError "empty_question" or "prompt_ends_with_reply", and those of :func:`turns`.
    """
    spelt = {} if spelt is None else spelt
    value = next((row[name] for name in names if row.get(name) is not None), None)
    if isinstance(value, (list, dict)):
        asked = turns(value, spelt)
    else:
        if value is None:
            value = [text_of(first(row, INSTRUCTION)), text_of(row.get("input"))]
            value = "\n".join(part for part in value if part.strip())
        asked = [Message("user", text_of(value))] if text_of(value).strip() else []
    if not asked or asked[-1].role == "system":
        raise RowError("empty_question", f"fields: {', '.join(map(str, row))}")
    if asked[-1].role != "user":
        raise RowError("prompt_ends_with_reply", excerpt(asked[-1].content))
    if row.get("history") or row.get("system"):
        system = Message("system", text_of(row.get("system")))
        asked = ordered([system, *_past(row.get("history"), spelt), *asked])
    return asked


def _past(history: Any, spelt: Spelt) -> list[Message]:
    if not isinstance(history, (list, type(None))):
        raise TypeError(f"history: expected a list, got {type(history).__name__}")
    if not history or not isinstance(history[0], list):
        return turns(history or [], spelt)
    past = []
    for pair in history:
        if not isinstance(pair, list) or len(pair) != 2:
            raise RowError(
                "wrong_type",
                f"history: expected [question, answer], got {excerpt(repr(pair))}",
            )
        past.append(Message("user", text_of(pair[0])))
        past.append(message("assistant", text_of(pair[1]), None, spelt))
    return past


def shared_prompt(dialogues: Sequence[list[Message]]) -> list[Message]:
    """Return the longest beginning that all dialogues share and after which each has a reply."""
    begun = dialogues[0]
    size, limit = 0, min(map(len, dialogues)) - 1
    while size < limit and all(dialogue[size] == begun[size] for dialogue in dialogues):
        size += 1
    while size > 0 and begun[size - 1].role != "user":
        size -= 1
    return begun[:size]


def department(row: Row) -> str | None:
    """Return ``department``, else ``cate1`` and ``cate2`` as "a>b" (once where both are equal)."""
    return labels.department(row.get("department")) or labels.department(
        [labels.department(row.get(name)) for name in ("cate1", "cate2")]
    )


_NO_QUESTION = frozenset(("", "无", "无。"))


def asked(title: str, question: str) -> tuple[str | None, str]:
    """Return (title, question) of a forum's thread.

    Where the question was left empty, or filled with 无 as such forms demand, the title is the
    question. Raises RowError "empty_question" where neither says anything.
    """
    title, bare = title.strip(), question.strip()
    if bare in _NO_QUESTION:
        if title in _NO_QUESTION:
            raise RowError("empty_question", f"title {title!r}, question {bare!r}")
        question = title
    return (title if title not in _NO_QUESTION else None), question


def rivals(replies: Sequence[Answer]) -> tuple[list[Answer], dict[str, str]]:
    """Return rival replies without empty and repeated ones, and metadata that counts those.

    A text that comes twice would both win and lose against what stands between its places, so
    its first (in a ranking: its best) place counts. One that comes with two scores keeps none.
    """
    kept: dict[str, Answer] = {}
    empty = repeated = 0
    for reply in replies:
        text = reply.text.strip()
        if not text:
            empty += 1
        elif text in kept:
            repeated += 1
            if reply.score != kept[text].score:
                kept[text].score = None
        else:
            kept[text] = reply
    counts = {"empty_replies": empty, "repeated_replies": repeated}
    return list(kept.values()), {name: str(count) for name, count in counts.items() if count}


def ratings(value: Any) -> list[float | None]:
    """Return the numbers that several judges or reward models gave a reply; None where one gave
    none. Raises RowError "bad_score"."""
    given = [] if value is None else value
    if not isinstance(given, list) or not all(map(_is_rating, given)):
        raise RowError(
            "bad_score",
            f"ratings: expected a list of finite numbers, got {excerpt(repr(value))}",
        )
    return [None if one is None else float(one) for one in given]


def _is_rating(value: Any) -> bool:
    if value is None:
        return True
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and abs(value) <= sys.float_info.max  # an int may be too large for a float

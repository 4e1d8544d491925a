"""Turns of dialogues, prompts and rival replies: what their layouts share.

A turn is an object of a speaker and a text, under any of :data:`SPEAKERS` and :data:`TEXTS`, or one
of a question and its reply (:data:`ASKED`, :data:`REPLIED`), or one whose keys are speakers
({"患者": …, "医生": …}). A name counts where it has a value, in any case.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar

import orjson

from ...records import Answer, Message, excerpt
from . import labels, literals
from .row import RowError, text_of
from .speakers import ROLE_OF, marked, role, speaker, spoken, transcript
from .traces import Spelt, told

__all__ = ["ROLE_OF"]

Row = Mapping[str, Any]

CONVERSATION = (
    "conversations", "messages", "conversation", "dialogue", "dialog", "dialogues", "turns",
    "dialogue_turns", "utterances", "chat", "对话",
)  # fmt: skip
QUESTION = ("prompt", "question", "query")
INSTRUCTION = ("instruction", "instruct")
SPEAKERS = ("role", "from", "speaker", "sender", "author", "角色", "说话人")
TEXTS = ("content", "value", "text", "sentence", "utterance", "message", "parts", "内容", "文本")
ASKED = ("question", "query", "prompt", "instruction", "input", "human", "user", "q", "问", "问题")
REPLIED = (
    "answer", "response", "output", "assistant", "gpt", "bot", "reply", "a", "答", "答案", "回答",
)  # fmt: skip
MEDIA = ("image", "images", "video", "videos", "audio", "audios")
"""Columns of what no config holds and without which a text may make no sense."""

BESIDE_TEXT = frozenset((*MEDIA, "tools"))
CONTEXT = ("system", "history", "input")
"""What stands beside a prompt, and belongs to it."""
DEPARTMENT = ("department", "cate1", "cate2")
_PLAIN_PART = (None, "", "text", "input_text", "output_text")
_THOUGHT_PART = ("thinking", "reasoning")
_TOOL_PART = ("tool_use", "tool_call", "tool_result", "tool_response", "function", "function_call")
_AS_DATA = re.compile(r"\s*(?:\[\s*[\[{\"'\]]|\{\s*[\"'])")
_MAY_OPEN = frozenset("[{ \t\r\n")

Made = TypeVar("Made")


def any_case(convert: Callable[..., Made]) -> Callable[..., Made]:
    """Let a conversion, whose last argument is a row, find its fields in any case: where it misses
    one, it is tried with all names in lower case."""

    @wraps(convert)
    def tried(*given: Any) -> Made:
        row = given[-1]
        try:
            return convert(*given)
        except KeyError:
            low = _folded(row)
            if low.keys() == row.keys():
                raise
        return convert(*given[:-1], low)

    return tried


def _folded(row: Row) -> dict[str, Any]:
    """Return a row with its names in lower case; of two that are then the same, the first that has
    a value counts."""
    low: dict[str, Any] = {}
    for name, value in row.items():
        name = str(name).strip().lower()
        if not has_value(low.get(name)):
            low[name] = value
    return low


def has_value(value: Any) -> bool:
    """Whether a field says anything: not null, NaN, nor an empty text, list or object."""
    if value is None:
        return False
    if isinstance(value, str):
        return bool(value) and not value.isspace()
    return value == value and value not in ([], {})


def first(row: Row, names: Sequence[str]) -> Any:
    """Return the first of ``names`` that ``row`` has a value for, else what it has under the first
    that is not null; KeyError where it has none."""
    empty = None
    for name in names:
        value = row.get(name)
        if has_value(value):
            return value
        empty = value if empty is None else empty
    if empty is None:
        raise KeyError(" or ".join(names))
    return empty


def only_text(row: Row) -> None:
    """Raise RowError "tool_use" or "not_text" for a row with tools, or with images or the like."""
    if BESIDE_TEXT.isdisjoint(row):
        return
    tools = row.get("tools")
    if has_value(tools) and not (isinstance(tools, str) and tools.strip() in ("[]", "{}", "null")):
        raise RowError("tool_use", "a row with tools: dialogues that use tools are not read")
    for name in MEDIA:
        if name in row and has_value(given := row[name]) and given != [None]:
            raise RowError("not_text", f"a row with {name}: {excerpt(repr(given))}")


def as_data(value: Any, sure: bool = True) -> Any:
    """Return the list or object that a text holds as JSON, or as Python writes it; any other value
    as it is.

    sure: whether a text that looks like one must be one (RowError "json_invalid", if not); else it
          is one only where it holds turns with their speakers.
    """
    if not isinstance(value, str) or value[:1] not in _MAY_OPEN or not _AS_DATA.match(value):
        return value
    try:
        made = orjson.loads(value)
    except ValueError:
        made = _literal(value)
    if not sure:
        one = made[0] if isinstance(made, list) and made else made
        turns_there = isinstance(one, dict) and not _folded(one).keys().isdisjoint(SPEAKERS)
        return made if turns_there else value
    if not isinstance(made, (list, dict)):
        raise RowError("json_invalid", f"a list or object in a text, but cut off: {excerpt(value)}")
    return made


def _literal(text: str) -> Any:
    # NumPy writes no commas between objects; in Python's spelling a text holds no line end
    return literals.value(re.sub(r"\}[ \t\r]*\n\s*\{", "}, {", text.strip()))


def turns(value: Any, spelt: Spelt | None = None) -> list[Message]:
    """Return the turns of a text (the user's), of one message object, or of a list of either.

    An object is one of the forms that the module names; its content may be a list of parts of
    type text. All may be JSON in a text, or an object of lists. The reasoning trace of an
    assistant's turn is parted from it, see :mod:`.traces`; ``spelt`` (:attr:`FileReport.traces`)
    counts it. Texts say who speaks by a leading "问：" or "答：", see :func:`.speakers.spoken`.
    Lists of two are a speaker and a text where all begin with a speaker, else a question and its
    answer. Neighbouring turns of one role become one, parted by a newline; an empty system turn
    is no turn.

    Raises RowError ("unknown_role", "tool_use", "not_text", "empty_turn", "system_not_first",
    "unfinished_thought", "json_invalid", "wrong_type"), KeyError for an object without its fields,
    TypeError for what is no turn.
    """
    spelt = {} if spelt is None else spelt
    value = as_data(value)
    if isinstance(value, str):
        texts = transcript(value) or spoken([value])
        return ordered([message(by, text, None, spelt) for by, text in texts])
    if isinstance(value, dict):
        value = _rows(value)
    elif not isinstance(value, list):
        raise TypeError(f"expected turns of a dialogue, got {type(value).__name__}")
    kinds = set(map(type, value))
    if kinds == {str}:
        if not all(text.lstrip()[:1] == "{" for text in value):
            return ordered([message(by, text, None, spelt) for by, text in spoken(value)])
        value = list(map(as_data, value))
    elif kinds == {list}:
        return ordered(_pairs(value, "a dialogue", spelt))
    said = []
    for item in value:
        if isinstance(item, dict):
            by, text = item.get("role"), item.get("content")
            if by is None and text is None:
                by, text = item.get("from"), item.get("value")
            plain = by and text and (len(item) == 2 or _calls_nothing(item))
            if plain and isinstance(by, str) and isinstance(text, str):
                said.append(message(ROLE_OF.get(by) or role(by), text, item, spelt))
                continue
        said += _turn(item, spelt)
    return ordered(said)


def _calls_nothing(item: Row) -> bool:
    return not (item.get("tool_calls") or item.get("function_call"))


def _rows(value: dict[str, Any]) -> list[Any]:
    """Return an object of lists ({"role": […], "content": […]}) as a list of objects; any other as
    the one item of a list. Raises RowError "wrong_type" for lists of different lengths."""
    lists = {name: given for name, given in value.items() if isinstance(given, list)}
    names = {str(name).strip().lower() for name in lists}
    spoken_by = not names.isdisjoint(SPEAKERS) and not names.isdisjoint(TEXTS)
    if not spoken_by and (names.isdisjoint(ASKED) or names.isdisjoint(REPLIED)):
        return [value]
    if len({len(given) for given in lists.values()}) > 1:
        sizes = ", ".join(f"{name} {len(given)}" for name, given in lists.items())
        raise RowError("wrong_type", f"an object of lists of different lengths: {sizes}")
    return [dict(zip(lists, items, strict=True)) for items in zip(*lists.values(), strict=True)]


def _turn(item: Any, spelt: Spelt) -> list[Message]:
    if not isinstance(item, dict):
        raise TypeError(f"expected a message object, got {type(item).__name__}")
    low = _folded(item)
    by = next((low[name] for name in SPEAKERS if has_value(low.get(name))), None)
    if by is None and (keyed := _keyed(low)):
        made = []
        for whose, value in keyed:
            text, thoughts = _content(value, whose)
            made.append(message(whose, text, _beside(item, thoughts), spelt))
        return made
    named = [name for name in SPEAKERS if name in low]
    if by is None and not named:
        there = ", ".join(map(str, item)) or "nothing"
        raise KeyError(f"role or from (in a turn that has {there})")
    by = role(by)
    if not _calls_nothing(low):
        raise RowError("tool_use", "a turn with tool_calls: dialogues that use tools are not read")
    texts = [low[name] for name in TEXTS if name in low]
    if not texts:
        there = ", ".join(map(str, item))
        raise KeyError(f"content or value (in a turn that has {there})")
    text, thoughts = _content(next(filter(has_value, texts), None), by)
    return [message(by, text, _beside(item, thoughts), spelt)]


def _beside(item: Row, thoughts: list[str]) -> Row:
    return {**item, "reasoning_content": "\n\n".join(thoughts)} if thoughts else item


def _keyed(low: Row) -> list[tuple[str, Any]]:
    """Return (role, text) of an object that holds a question and its reply, or whose keys are
    speakers; nothing for another."""
    if any(has_value(low.get(name)) for name in TEXTS):
        return []  # then "user" or "doctor" is whose text it is, and no role
    asked = [name for name in ASKED if has_value(low.get(name))]
    replies = [name for name in REPLIED if has_value(low.get(name))]
    if len(replies) > 1 or (len(asked) > 1 and set(asked) != {"instruction", "input"}):
        both = ", ".join([*asked, *replies])
        raise RowError("wrong_type", f"one question and one reply expected in a turn: {both}")
    if asked or replies:
        made = [("system", low["system"])] if has_value(low.get("system")) else []
        question = low[asked[0]] if len(asked) == 1 else [low[name] for name in asked]
        made += [("user", question)] if asked else []
        return made + [("assistant", low[name]) for name in replies]
    names = [name for name, value in low.items() if has_value(value) and name != "model"]
    return [(by, low[name]) for name in names if (by := speaker(name))]


def _content(value: Any, by: str) -> tuple[str, list[str]]:
    """Return the text of a message, and the thoughts that stand as parts of it."""
    if isinstance(value, dict) and not {"type", "text", "parts"}.isdisjoint(value):
        value = value["parts"] if isinstance(value.get("parts"), list) else [value]
    if not isinstance(value, list) or not any(isinstance(part, dict) for part in value):
        return text_of(value), []
    texts: list[str] = []
    thoughts: list[str] = []
    for part in value:
        if not isinstance(part, dict):
            texts.append(text_of(part))
            continue
        kind, text = part.get("type"), part.get("text")
        if isinstance(text, dict):  # {"type": "text", "text": {"value": …}}
            text = text.get("value")
        if kind in _THOUGHT_PART and by == "assistant":
            thoughts.append(text_of(part[kind] if has_value(part.get(kind)) else text).strip())
        elif kind in _TOOL_PART:
            raise RowError(
                "tool_use", f"a part of type {kind!r}: dialogues with tools are not read"
            )
        elif kind in _PLAIN_PART and "text" in part and (kind or text is not None):
            texts.append(text_of(text))
        else:
            what = f"of type {kind!r}" if kind else f"of {', '.join(map(str, part)) or 'nothing'}"
            raise RowError("not_text", f"a part {what} in a turn of the {by}: no text")
    return "\n".join(filter(None, texts)), list(filter(None, thoughts))


def message(by: str, text: str, beside: Any, spelt: Spelt) -> Message:
    """Return a turn; an assistant's with its trace. A word for nothing (:func:`.row.is_nothing`)
    is no text. beside: see :func:`.traces.told`."""
    text = text_of(text)
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


def answered(said: list[Message]) -> tuple[list[Message], int]:
    """Return a dialogue from its first question to its last reply, behind a system message, and how
    many turns were cut; no turns where there is no reply to a question."""
    talk = [m for m in said if m.role != "system"]
    start = 1 if talk and talk[0].role == "assistant" else 0
    end = len(talk) - 1 if talk and talk[-1].role == "user" else len(talk)
    kept = talk[start:end]
    if not kept:
        return [], len(talk)
    return [*said[: len(said) - len(talk)], *kept], len(talk) - len(kept)


def prompt(
    row: Row, names: Sequence[str] = (*CONVERSATION, *QUESTION), spelt: Spelt | None = None
) -> list[Message]:
    """Return the messages up to and with the user's last: ``system``, ``history``, the question.

    The question is the first of ``names`` that has a value (a text or turns), else ``instruction``
    with ``input`` on a line below it. A text that is written as a dialogue and ends where the
    assistant's reply belongs ("Human: …" and "Assistant:") is one, and so is a text whose speakers
    are marked ("<user>: … <bot>: … <user>: …"). ``history`` holds [question, answer] pairs, or
    turns.

    Raises RowError "empty_question" or "prompt_ends_with_reply", and those of :func:`turns`.
    """
    spelt = {} if spelt is None else spelt
    there = [name for name in names if name in row and row[name] is not None]
    name = next((name for name in there if has_value(row[name])), None)
    value = row[name or there[0]] if there else None
    if name is None and (not there or any(has_value(row.get(one)) for one in INSTRUCTION)):
        parts = [text_of(first(row, INSTRUCTION)), text_of(row.get("input"))]
        value = "\n".join(part for part in parts if part.strip())
    elif name is not None:
        value = as_data(value, name in CONVERSATION)
    if isinstance(value, (list, dict)):
        asked = turns(value, spelt)
    elif isinstance(value, str) and (begun := _begun(value)):
        asked = ordered([message(by, text, None, spelt) for by, text in begun])
    else:
        asked = [Message("user", text_of(value))] if text_of(value).strip() else []
    return in_context(asked, row, spelt)


def one_prompt(row: Row, replies: Sequence[Any]) -> None:
    """Raise RowError "list_for_text" for a row of several prompts with a reply each, which is a
    table and no prompt with rival replies: as many texts as replies, and none names a speaker."""
    for name in (*QUESTION, *INSTRUCTION):
        asked = row.get(name)
        if not isinstance(asked, list) or not len(asked) == len(replies) > 1:
            continue
        if all(isinstance(text, str) and not speaker(_name_of(text)) for text in asked):
            raise RowError(
                "list_for_text",
                f"{name!r} is a list of {len(asked)}, as many as there are replies: "
                "a row has one prompt and its replies",
            )


def _name_of(text: str) -> str:
    return re.split("[：:]", text, maxsplit=1)[0]


def in_context(asked: list[Message], row: Row, spelt: Spelt) -> list[Message]:
    """Return a prompt behind the row's ``system`` and ``history``; see :func:`prompt`."""
    if not asked or asked[-1].role == "system":
        raise RowError("empty_question", f"fields: {', '.join(map(str, row))}")
    if asked[-1].role != "user":
        raise RowError("prompt_ends_with_reply", excerpt(asked[-1].content))
    if has_value(row.get("history")) or has_value(row.get("system")):
        system = Message("system", text_of(row.get("system")))
        asked = ordered([system, *_past(row.get("history"), spelt), *asked])
    return asked


def _begun(text: str) -> list[tuple[str, str]]:
    """Return the turns of a dialogue in a text at whose end a reply is to be written, without that
    empty turn; none for any other text."""
    if made := marked(text):
        return made[:-1] if len(made) > 1 and made[-1] == ("assistant", "") else made
    if not text.rstrip().endswith((":", "：")):
        return []
    made = transcript(text)
    return made[:-1] if made and made[-1][0] == "assistant" and not made[-1][1].strip() else []


def _past(history: Any, spelt: Spelt) -> list[Message]:
    history = as_data(history)
    if not isinstance(history, (list, dict, type(None))):
        raise TypeError(f"history: expected a list, got {type(history).__name__}")
    if not history or isinstance(history, dict) or not isinstance(history[0], list):
        return turns(history or [], spelt)
    return _pairs(history, "history", spelt)


def _pairs(pairs: list[Any], what: str, spelt: Spelt) -> list[Message]:
    """Return the turns of lists of two: a speaker and a text where all begin with a speaker, else a
    question and its answer."""
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            why = f"{what}: expected [question, answer], got {excerpt(repr(pair))}"
            raise RowError("wrong_type", why)
    if all(isinstance(by, str) and speaker(by) for by, _ in pairs):
        return [message(role(by), text_of(text), None, spelt) for by, text in pairs]
    past = []
    for question, answer in pairs:
        past.append(Message("user", text_of(question)))
        past.append(message("assistant", text_of(answer), None, spelt))
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
    if named := labels.department(row.get("department")):
        return named
    levels = [row[name] for name in ("cate1", "cate2") if row.get(name) is not None]
    return labels.department(list(map(labels.department, levels))) if levels else None


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

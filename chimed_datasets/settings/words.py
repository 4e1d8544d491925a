"""What is wrong with a value, in words: pydantic's errors as sentences that say what is expected.

Each sentence is whole, and names what it is about by the keys in front of it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import nearest
from ..lang import N_, _

SHOWN_CHARS = 200
"""Of a wrong value, in an error."""

NAME = r"^[a-z0-9][a-z0-9_-]*$"
"""What the name of a source may be."""
PATTERNS = {
    NAME: N_(
        "must have small Latin letters (a-z), digits, - and _ only, and begin with a letter or "
        "digit"
    ),
    r"^[a-z_]+$": N_("must have small Latin letters (a-z) and _ only"),
    r"^[\x20-\x7e]+$": N_("must have Latin letters, digits and other signs of ASCII only"),
    r"^[A-Za-z_][A-Za-z0-9_]*$": N_(
        "must be the name of a variable: Latin letters, digits and _, with no digit first"
    ),
}
"""What is to be said of a text that does not match one of these."""
VALUES = {
    "ai": "llm", "gpt": "llm", "model": "llm", "machine": "llm", "synthetic": "llm",
    "大模型": "llm", "模型": "llm", "机器": "llm", "合成": "llm", "模型生成": "llm",
    "人": "human", "人工": "human", "真人": "human", "医生": "human", "doctor": "human",
    "qa": "thread", "问答": "thread", "question": "thread", "text": "document", "文档": "document",
    "chat": "dialogue", "conversation": "dialogue", "对话": "dialogue", "考题": "exam",
    "remove": "drop", "delete": "drop", "everything": "all",
}  # fmt: skip
"""Other words for values, which are told where one is refused."""


def cut(text: str) -> str:
    """Return a text, cut where it is long."""
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def shown(value: Any) -> str:
    """Return a wrong value for an error, cut where it is long."""
    return cut(repr(value))


def suggested_name(given: str) -> str:
    """Return a name like the one that was given, in the letters that a name may have; "" where
    nothing of it can stand in one."""
    name = re.sub(r"[^a-z0-9_-]{1,999}", "-", given[:64].lower()).strip("-_")
    return name if re.fullmatch(NAME, name) and any(c.isalpha() for c in name) else ""


def sentence(kind: str, context: Mapping[str, Any], value: Any, said: str) -> str:
    """Return what is wrong with a value, without its end.

    kind, context, said: of pydantic's error: its type, ctx and msg. value: ``...`` where it must
    not be repeated.
    """
    told = _SENTENCES.get(kind)
    return told(context, value) if told else said


def _text(context: Mapping[str, Any], value: Any) -> str:
    if isinstance(value, bool | int | float | datetime.date):
        return _("must be text: put it in quotation marks")
    if isinstance(value, list):
        return _("must be one text, not a list")
    return _("must be text") if value is not None else _("must be text, and nothing stands there")


def _list(context: Mapping[str, Any], value: Any) -> str:
    if isinstance(value, Mapping):
        return _("must be a list: begin each of its entries with `- `")
    return (
        _("must be a list, as [{value}]").format(value=value)
        if isinstance(value, str) and value
        else _("must be a list")
    )


def _one_of(context: Mapping[str, Any], value: Any) -> str:
    known = re.findall(r"'([^']*)'", str(context.get("expected", "")))
    if not known:
        return _("must be {names}").format(names=context.get("expected"))
    meant = nearest(value, known, VALUES) if isinstance(value, str) else None
    names = known[0]
    if len(known) > 1:
        names = _("{names} or {last}").format(names=_(", ").join(known[:-1]), last=known[-1])
    if meant:
        return _("must be {names}; did you mean {meant!r}?").format(names=names, meant=meant)
    return _("must be {names}").format(names=names)


def _matches(context: Mapping[str, Any], value: Any) -> str:
    pattern = str(context.get("pattern"))
    words = _(PATTERNS.get(pattern, "")) or _("must match {pattern}").format(pattern=pattern)
    if pattern != NAME:
        return words
    like = suggested_name(value) if isinstance(value, str) else ""
    return (
        _("{words}, such as {like}").format(words=words, like=like)
        if like
        else _("{words}, such as qa-1").format(words=words)
    )


def _at_least(context: Mapping[str, Any], value: Any) -> str:
    least = context.get("min_length", 1)
    return (
        _("must not be empty")
        if least == 1
        else _("must have {least:,} or more").format(least=least)
    )


def _mapping(context: Mapping[str, Any], value: Any) -> str:
    return _("must be a mapping: `key: value`, a line each, indented below it")


_SENTENCES: dict[str, Callable[[Mapping[str, Any], Any], str]] = {
    "string_type": _text,
    "int_type": lambda c, v: _("must be a whole number"),
    "int_parsing": lambda c, v: _("must be a whole number"),
    "int_parsing_size": lambda c, v: _("must be a whole number, of fewer digits"),
    "int_from_float": lambda c, v: _("must be a whole number"),
    "float_type": lambda c, v: _("must be a number"),
    "float_parsing": lambda c, v: _("must be a number"),
    "finite_number": lambda c, v: _("must be a finite number"),
    "bool_type": lambda c, v: _("must be true or false"),
    "bool_parsing": lambda c, v: _("must be true or false"),
    "none_required": lambda c, v: _("must be left out"),
    "list_type": _list,
    "tuple_type": _list,
    "set_type": _list,
    "dict_type": _mapping,
    "mapping_type": _mapping,
    "model_type": _mapping,
    "model_attributes_type": _mapping,
    "dataclass_type": _mapping,
    "literal_error": _one_of,
    "enum": _one_of,
    "greater_than": lambda c, v: _("must be greater than {gt:g}").format(gt=c["gt"]),
    "greater_than_equal": lambda c, v: _("must be {ge:g} or more").format(ge=c["ge"]),
    "less_than": lambda c, v: _("must be less than {lt:g}").format(lt=c["lt"]),
    "less_than_equal": lambda c, v: _("must be {le:g} or less").format(le=c["le"]),
    "multiple_of": lambda c, v: _("must be a multiple of {multiple_of:g}").format(
        multiple_of=c["multiple_of"]
    ),
    "string_too_short": _at_least,
    "string_too_long": lambda c, v: _("must have {max_length:,} characters or fewer").format(
        max_length=c["max_length"]
    ),
    "too_short": _at_least,
    "too_long": lambda c, v: _("must have {max_length:,} entries or fewer").format(
        max_length=c["max_length"]
    ),
    "string_pattern_mismatch": _matches,
    "byte_size": lambda c, v: _("must be a number of bytes, or a size such as 256MiB or 1GB"),
    "byte_size_unit": lambda c, v: _("must be a number of bytes, or a size such as 256MiB or 1GB"),
    "date_type": lambda c, v: _("must be a day, as 2026-11-30"),
    "date_parsing": lambda c, v: _("must be a day, as 2026-11-30"),
    "date_from_datetime_parsing": lambda c, v: _("must be a day, as 2026-11-30"),
}

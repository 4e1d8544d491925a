"""Labels and metadata of a row: each is one line, and none of them ever costs the row.

A label that is missing, null, a word for nothing (:func:`.row.is_nothing`) or of another type is no
label. Only a word for a domain that is not known refuses its row (RowError "unknown_domain"): with
the domain of its source the record would stand under one that it may deny.
"""

from __future__ import annotations

import base64
import datetime
import json
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ...records import excerpt
from . import literals
from .row import RowError, is_nothing, text_of

_SAID_AS = {
    "tcm": (
        "tcm", "chinese", "chinesemedicine", "traditionalchinesemedicine", "traditional", "zhongyi",
        "中医", "中医药", "中医学", "中医药学", "中医科", "国医", "汉医", "中药", "中药学",
        "祖国医学", "传统医学", "传统中医", "中国传统医学", "中醫", "中醫藥", "中醫學", "國醫",
        "漢醫", "中藥", "傳統醫學",
    ),
    "modern": (
        "modern", "modernmedicine", "western", "westernmedicine", "biomedicine", "xiyi", "全科",
        "西医", "西医学", "西药", "现代医学", "现代", "临床医学", "西方医学", "全科医学",
        "西醫", "西醫學", "西藥", "現代醫學", "現代", "臨床醫學", "全科醫學",
    ),
    "general": (
        "general", "other", "others", "nonmedical", "综合", "通用", "一般", "普通", "其他", "其它",
        "其他领域", "非医学", "非医疗", "綜合", "非醫學", "其他領域",
    ),
}  # fmt: skip
DOMAIN_OF = {word: domain for domain, words in _SAID_AS.items() for word in words}
"""Words for a domain, without blanks and hyphens and in small letters, and the domain of each."""
_PART_NAMES = (
    "name", "text", "value", "keyword", "keyphrase", "label", "title", "tag", "term", "word",
    "content", "名称", "名", "词", "关键词", "标签",
)  # fmt: skip
"""Fields of an object that stands where a label belongs, of which the first with a text is it."""
_KEYPHRASES = re.compile(r"[\t\r\n,，、;；|]")
_LISTED = re.compile(r"\s*\[.*\]\s*", re.S)
_MAX_LISTED_CHARS = 4000
_DEEPEST = 4


def one_line(text: str) -> str:
    """Return a text with one blank for each run of blanks and line ends, none around."""
    return " ".join(text.split())


def title(value: Any) -> str | None:
    """Return a title on one line; the parts of a list are parted by blanks."""
    if isinstance(value, str):
        return _title(value)
    return " ".join(_parts(value)) or None


def department(value: Any) -> str | None:
    """Return a department on one line; the levels of a list, or on several lines, are joined by
    ``>``, each once."""
    if isinstance(value, str):
        return _department(value)
    return None if value is None else ">".join(dict.fromkeys(_parts(value))) or None


def domain(value: Any) -> str | None:
    """Return "tcm", "modern" or "general" for a word for one of them, None for none.

    Raises RowError "unknown_domain" for any other word.
    """
    said = next(_parts(value), None) if not isinstance(value, list) else _only(value)
    if said is None:
        return None
    if (known := _domain(said)) is None:
        raise RowError(
            "unknown_domain",
            f"{excerpt(said)!r}; known: tcm (中医), modern (西医), general (其他)",
        )
    return known


def keyphrases(value: Any) -> list[str]:
    """Return the phrases of a list, or of a text in which commas, bars or tabs part them. Of an
    object its name counts; what holds no text is left out."""
    if isinstance(value, str):
        value = _listed(value) or _KEYPHRASES.split(value)
    return list(_parts(value))


def written(value: Any) -> str:
    """Return a value of metadata as text: dates, times and durations in ISO 8601, bytes as UTF-8
    or base64, objects as JSON, a list of texts with 、 between them. "" for what is nothing."""
    try:
        if isinstance(value, (list, tuple)):
            return text_of(value).strip().replace("\n", "、")
        return text_of(value).strip()
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return _plain(value) if not isinstance(value, (dict, list, tuple)) else _json(value)
    except (TypeError, ValueError, RecursionError):
        return ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    """Return what JSON has no form for as text."""
    if isinstance(value, datetime.timedelta):
        sign = "-" if value < datetime.timedelta() else ""
        value = abs(value)
        seconds = f"{value.seconds}.{value.microseconds:06}".rstrip("0").rstrip(".")
        seconds = seconds if value.microseconds else str(value.seconds)
        return f"{sign}P{value.days}DT{seconds}S"
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8").strip()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode("ascii")
    if isinstance(value, (set, frozenset)):
        return "、".join(sorted(map(written, value)))
    return str(value)


def _parts(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts of a value, each on one line: those of a list, the name of an object."""
    if depth > _DEEPEST:
        return
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _parts(item, depth + 1)
    elif isinstance(value, dict):
        named = (next(_parts(value.get(name), depth + 1), None) for name in _PART_NAMES)
        if (first := next(filter(None, named), None)) is not None:
            yield first
    elif isinstance(value, str):
        if not is_nothing(value):
            yield one_line(value)
    elif isinstance(value, (int, float)):
        try:
            text = text_of(value)
        except ValueError:  # an infinite number, or one of too many digits
            return
        if text:
            yield text


def _only(value: list[Any]) -> str | None:
    """Return what all items of a list say, or all of it."""
    said = list(dict.fromkeys(_parts(value)))
    known = {_domain(one) for one in said}
    return said[0] if said and len(known) == 1 else "、".join(said) or None


def _title(text: str) -> str | None:
    text = text.strip()
    if is_nothing(text):
        return None
    return one_line(text) if len(text.splitlines()) > 1 else text


@lru_cache(4096)
def _department(text: str) -> str | None:
    if is_nothing(text):
        return None
    levels = _listed(text) or text.splitlines()
    return ">".join(dict.fromkeys(_parts(levels))) or None


@lru_cache(4096)
def _domain(text: str) -> str | None:
    word = re.sub(r"[\s_\-·]+", "", unicodedata.normalize("NFKC", text)).casefold()
    return DOMAIN_OF.get(word)


def _listed(text: str) -> list[Any] | None:
    """Return the list that a text spells, as cells of a table do: ["a", "b"] or ['a', 'b']."""
    if len(text) > _MAX_LISTED_CHARS or text.count("[") > _DEEPEST or not _LISTED.fullmatch(text):
        return None
    value = literals.value(text.strip())
    return value if isinstance(value, list) else None

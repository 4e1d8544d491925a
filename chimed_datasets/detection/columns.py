"""What stands in the columns of rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, median
from typing import Any

from ..sources.parsing import text_of
from ..sources.parsing.messages import as_data
from .forms import Row, chinese, flat

_ASKS = re.compile(r"[?？]|怎么|怎样|如何|什么|为何|吗|请问|能不能|是否|哪些|多少|咋|呢$")
_URL = re.compile(r"https?://\S+$")
_WORD = re.compile(r"[\w.:/#-]{1,80}", re.A)
_LETTERS = re.compile(r"[A-Ha-h](?:[\s,，、]*[A-Ha-h])*\.?")


@dataclass(frozen=True)
class Column:
    """What the first rows hold in a column.

    texts: its values as text, those that are not empty. share: of rows that have one.
    kind:  "text", "number", "turns" (a list of objects or lists) or "other".
    """

    name: str
    texts: list[str]
    share: float
    kind: str
    lists: bool = False

    @cached_property
    def distinct(self) -> float:
        return len(set(self.texts)) / max(len(self.texts), 1)

    @cached_property
    def length(self) -> float:
        """The mean number of characters."""
        return fmean(map(len, self.texts)) if self.texts else 0.0

    @cached_property
    def middle(self) -> float:
        return median(map(len, self.texts)) if self.texts else 0.0

    @cached_property
    def asks(self) -> float:
        """The share of values that ask something."""
        return asks(self.texts)

    @cached_property
    def chinese(self) -> float:
        return chinese(text[:200] for text in self.texts)

    @cached_property
    def prose(self) -> bool:
        """Whether what stands in it is text that somebody would train on."""
        if self.kind != "text" or not self.texts:
            return False
        words = sum(bool(_WORD.fullmatch(text) or _URL.match(text)) for text in self.texts)
        return self.length >= 8 and words * 2 < len(self.texts) and self.letters >= 0.4

    @cached_property
    def letters(self) -> float:
        begins = "".join(text[:200] for text in self.texts)
        return sum(map(str.isalpha, begins)) / max(len(begins), 1)

    @cached_property
    def long(self) -> bool:
        """Whether to leave it out would be a loss: prose, each value another."""
        listed = self.lists and fmean(map(len, "\n".join(self.texts).split("\n"))) < 12
        filled = self.distinct >= 0.5 and self.share >= 0.3
        return self.prose and self.length >= 15 and filled and not listed


def columns_of(rows: Sequence[Row]) -> list[Column]:
    """Return the columns of rows; those of objects in them under dotted paths."""
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in flat(row).items():
            values.setdefault(name, []).append(value)
    return [_column(name, given, len(rows)) for name, given in values.items()]


def _column(name: str, values: list[Any], rows: int) -> Column:
    some = [value for value in values if value not in (None, "", [], {})]
    some = [_sole(as_data(value, sure=False)) for value in some]
    lists = [value for value in some if isinstance(value, list)]
    kind = "text"
    if some and 2 * len(lists) > len(some):
        inner = [item for value in lists for item in value[:3]]
        if inner and all(isinstance(item, dict | list) for item in inner):
            kind = "turns"
    if some and all(isinstance(value, int | float) for value in some):
        kind = "number"
    elif some and all(isinstance(value, bool | dict | bytes) for value in some):
        kind = "other"
    texts = []
    for value in some if kind in ("text", "number") else ():
        try:
            text = text_of(value).strip()
        except (TypeError, ValueError):
            continue
        texts += [text] if text else []
    share = (len(texts) if kind in ("text", "number") else len(some)) / max(rows, 1)
    return Column(name, texts, share, kind, bool(some) and 2 * len(lists) > len(some))


def _sole(value: Any) -> Any:
    """Return the first wording of [[a question, its other wordings]]."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list) and value[0]:
        return value[0][0] if isinstance(value[0][0], str) else value
    return value


def are_letters(texts: Sequence[str]) -> bool:
    """Whether answers are the letters of choices."""
    return bool(texts) and sum(bool(_LETTERS.fullmatch(t.strip())) for t in texts) * 10 >= 7 * len(
        texts
    )


def asks(texts: Sequence[str]) -> float:
    """Return the share of texts that ask something."""
    return sum(bool(_ASKS.search(text)) for text in texts) / max(len(texts), 1)

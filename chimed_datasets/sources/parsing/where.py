"""Which rows of a source become records: the key ``where`` of a recipe.

    score >= 4
    lang in [zh, zh-Hans] and not (category has 广告 or answer == "")

On the left of a comparison stands a column or a dotted path, in quotes where it has blanks, with ?
behind it where a file may be without it. On the right stands a number, true, false, null or a text
(in quotes where it has blanks or signs). Numbers are compared with what spells a number, too: cells
of a CSV are texts. What is missing, null or a word for nothing is equal to null alone, and neither
less nor greater than anything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from ...errors import RecipeError, did_you_mean
from ...lang import _
from ...records import Malformed, excerpt
from .paths import optional
from .row import KeyedRow, is_nothing

Row = Mapping[str, Any]
Test = Callable[[Row], bool]

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in", "not in", "has")
_TOKEN = re.compile(
    r"""\s*(?:(?P<sign>[=!<>]{1,2}|[()\[\],])|(?P<text>"[^"]*"|'[^']*')|(?P<word>[^\s()\[\],=!<>"']+))"""
)
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_WORDS = {"true": True, "false": False, "null": None, "none": None}


@dataclass(frozen=True)
class Condition:
    """A condition on rows. columns: those that it looks at, maybe: those of them that a file may
    be without."""

    text: str
    columns: tuple[str, ...]
    maybe: frozenset[str]
    holds: Test

    @property
    def named(self) -> dict[str, str]:
        """What a message calls a column -> the column, of those that must be there."""
        return {f"where {c}": c for c in self.columns if c not in self.maybe}

    def of(self, item: KeyedRow | Malformed) -> KeyedRow | Malformed:
        """Return a row that meets the condition, and any other as Malformed "not_selected"."""
        if isinstance(item, Malformed) or self.holds(item[1]):
            return item
        key, row = item
        said = ", ".join(f"{c} is {excerpt(repr(optional(c)(row)))}" for c in self.columns)
        return Malformed(key, "not_selected", f"where {self.text}: {said}")


@lru_cache(256)
def condition(text: str) -> Condition:
    """Return the condition that ``text`` spells.

    Raises :class:`RecipeError` where it spells none.

    >>> condition("score >= 4").holds({"score": "5"})
    True
    """
    parser = _Parser(text)
    holds = parser.any_of()
    if parser.token is not None:
        parser.fail(f"unexpected {parser.shown}", "and", "or")
    columns = tuple(dict.fromkeys(parser.columns))
    return Condition(text, columns, frozenset(parser.maybe), holds)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> Iterator[_Token]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise RecipeError(
                _("where: {excerpt!r} cannot be read in {text!r}.").format(
                    excerpt=excerpt(text[at:].strip()), text=text
                )
            )
        kind = str(found.lastgroup)
        yield _Token(kind, found[kind])
        at = found.end()


class _Parser:
    """Reads a condition from left to right. ``or`` binds less than ``and``, that less than
    ``not``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.left = list(_tokens(text))[::-1]
        self.columns: list[str] = []
        self.maybe: set[str] = set()

    @property
    def token(self) -> _Token | None:
        return self.left[-1] if self.left else None

    @property
    def shown(self) -> str:
        return repr(self.token.text) if self.token else _("the end")

    def fail(self, what: str, *known: str) -> NoReturn:
        word = self.token.text if self.token else ""
        word = word[::-1] if word[::-1] in known else word  # => for >=
        hint = did_you_mean(word, known) if known else ""
        raise RecipeError(
            _("where: {what} in {text!r}.{hint}").format(what=what, text=self.text, hint=hint)
        )

    def take(self, *words: str) -> str:
        """Return the next token, one of ``words``, and pass over it; "" where it is another."""
        if self.token and self.token.kind != "text" and self.token.text in words:
            return self.left.pop().text
        return ""

    def any_of(self) -> Test:
        tests = [self.all_of()]
        while self.take("or"):
            tests.append(self.all_of())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def all_of(self) -> Test:
        tests = [self.one()]
        while self.take("and"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def one(self) -> Test:
        if self.take("not"):
            test = self.one()
            return lambda row: not test(row)
        if self.take("("):
            test = self.any_of()
            if not self.take(")"):
                self.fail(_("expected ')', got {shown}").format(shown=self.shown))
            return test
        if self.token is None or self.token.kind == "sign":
            self.fail(_("expected a column, got {shown}").format(shown=self.shown))
        column = (word := self._word()).removesuffix("?")
        self.columns.append(column)
        if word != column:
            self.maybe.add(column)
        return self._compared(column)

    def _word(self) -> str:
        token = self.left.pop()
        return token.text[1:-1] if token.kind == "text" else token.text

    def _compared(self, column: str) -> Test:
        get = optional(column)
        if (negated := bool(self.take("not"))) and not (self.token and self.token.text == "in"):
            self.fail(_("expected 'in' after 'not', got {shown}").format(shown=self.shown))
        if self.take("in"):
            values = self._list()
            if negated:
                return lambda row: not any(equal(get(row), value) for value in values)
            return lambda row: any(equal(get(row), value) for value in values)
        sign = self.take(*COMPARISONS)
        if not sign:
            self.fail(
                _("expected a comparison after {column!r}, got {shown}").format(
                    column=column, shown=self.shown
                ),
                *COMPARISONS,
            )
        value = self.value()
        if sign == "==":
            return lambda row: equal(get(row), value)
        if sign == "!=":
            return lambda row: not equal(get(row), value)
        if sign == "has":
            return lambda row: _has(get(row), value)
        return lambda row: _ordered(get(row), value, _ORDER[sign])

    def _list(self) -> list[Any]:
        if not self.take("["):
            self.fail(
                _("expected a list such as [a, b] after 'in', got {shown}").format(shown=self.shown)
            )
        values = [self.value()]
        while self.take(","):
            values.append(self.value())
        if not self.take("]"):
            self.fail(_("expected ']', got {shown}").format(shown=self.shown))
        return values

    def value(self) -> Any:
        token = self.token
        if token is None or token.kind == "sign":
            self.fail(_("expected a value, got {shown}").format(shown=self.shown))
        text = self._word()
        if token.kind == "text":
            return text
        if text.lower() in _WORDS:
            return _WORDS[text.lower()]
        number = _number(text)
        return text if number is None else number


def _number(value: Any) -> float | None:
    """Return what is a number, or spells one."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value) if isinstance(value, (int, float, str)) else math.nan
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


def _text(value: Any) -> str:
    return str(value).strip()


def equal(found: Any, value: Any) -> bool:
    """Whether what a row has is ``value``, as a condition says it."""
    missing: bool = found is None or found != found
    missing = missing or (isinstance(found, str) and is_nothing(found)) or found in ([], {})
    if value is None or missing:
        return (value is None and missing) or (value == "" and found == "")
    if isinstance(value, bool):
        spelt = isinstance(found, str) and _text(found).lower() == str(value).lower()
        return found is value or spelt
    if isinstance(value, (int, float)):
        return _number(found) == float(value)
    return bool(_text(found) == value)


def _has(found: Any, value: Any) -> bool:
    """Whether a list has an item, or a text has it in it."""
    if isinstance(found, (list, tuple)):
        return any(equal(item, value) for item in found)
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return isinstance(found, str) and text in found


def _ordered(found: Any, value: Any, compare: Callable[[Any, Any], bool]) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = _number(found)
        return number is not None and compare(number, value)
    if found is None or value is None or isinstance(found, (list, dict)):
        return False
    return compare(_text(found), _text(value))

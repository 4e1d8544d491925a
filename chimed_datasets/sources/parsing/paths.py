"""Columns of a row by their names, and what lies within them by dotted paths.

metadata.book   the field book of the object metadata; over a list, that field of each item
questions.0.0   of lists, the item of that number, from 0
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from ...errors import SourceError, hint, listed, nearest
from ...lang import _
from ...records import Malformed, excerpt
from .row import KeyedRow

LOOK_AHEAD = 100
"""Rows that are looked through for a column before it is called unknown."""
_SHOWN_COLUMNS = 50


def getter(column: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return what gets a column, or a dotted path, from a row; KeyError where it is not there."""
    head, __, path = column.partition(".")

    def get(row: Mapping[str, Any]) -> Any:
        return row[column] if column in row or not path else _follow(row[head], path)

    return get


def optional(column: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return what gets the same, and None where it is not there."""
    get = getter(column)

    def found(row: Mapping[str, Any]) -> Any:
        try:
            return get(row)
        except (KeyError, TypeError):
            return None

    return found


def check_there(named: Mapping[str, str], there: Sequence[str], file: str) -> None:
    """Raise :class:`SourceError` for all columns that neither are ``there`` nor begin in one that
    is. ``named``: what a message calls each -> the column."""
    known = [excerpt(" ".join(name.split())) for name in there[:_SHOWN_COLUMNS]]
    lacking = [
        _("no column {column!r} ({key}).{hint}").format(
            column=column, key=key, hint=hint(nearest(column, known))
        )
        for key, column in named.items()
        if column not in there and column.partition(".")[0] not in there
    ]
    if lacking:
        raise SourceError(f"{file}: {' '.join(lacking)} {listed(known)}")


def looked_at(
    rows: Iterable[KeyedRow | Malformed], named: Mapping[str, str], also: Sequence[str] = ()
) -> Iterator[KeyedRow | Malformed]:
    """Return rows of a file, after a look whether the first of them have the columns that are
    ``named``, see :func:`check_there`. ``also``: columns that they will have.

    Raises :class:`SourceError` where none of them has one.
    """
    rows = iter(rows)
    first = list(islice(rows, LOOK_AHEAD))
    look_at(first, named, also)
    return chain(first, rows)


def look_at(
    first: Sequence[KeyedRow | Malformed], named: Mapping[str, str], also: Sequence[str] = ()
) -> None:
    """Raise :class:`SourceError` where none of the ``first`` rows of a file has a column."""
    keyed = [row for row in first if isinstance(row, tuple)]
    if there := list(dict.fromkeys(name for __, row in keyed for name in row)):
        check_there(named, [*there, *also], keyed[0][0].partition("#")[0])


def replaced(row: Mapping[str, Any], column: str, value: Any) -> dict[str, Any]:
    """Return a copy of ``row`` with ``value`` where a path leads that :func:`getter` follows."""
    head, __, path = column.partition(".")
    if column in row or not path:
        return {**row, column: value}
    return {**row, head: _replaced(row[head], path, value)}


def _replaced(whole: Any, path: str, value: Any) -> Any:
    head, __, rest = path.partition(".")
    if isinstance(whole, list):
        at = int(head)
        return [*whole[:at], _replaced(whole[at], rest, value) if rest else value, *whole[at + 1 :]]
    return {**whole, head: _replaced(whole[head], rest, value) if rest else value}


def _follow(value: Any, path: str) -> Any:
    head, __, rest = path.partition(".")
    if isinstance(value, list):
        if not (head.isascii() and head.isdecimal()):
            return [_follow(item, path) for item in value]
        if int(head) >= len(value):
            raise KeyError(f"{head} of a list of {len(value)}")
        return _follow(value[int(head)], rest) if rest else value[int(head)]
    if not isinstance(value, dict):
        raise TypeError(f"expected an object with {head!r}, got {type(value).__name__}")
    return _follow(value[head], rest) if rest else value[head]

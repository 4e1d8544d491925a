"""Columns of a row by their names, and what lies within them by dotted paths.

metadata.book   the field book of the object metadata; over a list, that field of each item
questions.0.0   of lists, the item of that number, from 0
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def getter(column: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return what gets a column, or a dotted path, from a row; KeyError where it is not there."""
    head, _, path = column.partition(".")

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


def is_there(column: str, names: Mapping[str, Any] | list[str]) -> bool:
    """Whether a column, or the one in which its path begins, is among ``names``."""
    return column in names or column.partition(".")[0] in names


def replaced(row: Mapping[str, Any], column: str, value: Any) -> dict[str, Any]:
    """Return a copy of ``row`` with ``value`` where a path leads that :func:`getter` follows."""
    head, _, path = column.partition(".")
    if column in row or not path:
        return {**row, column: value}
    return {**row, head: _replaced(row[head], path, value)}


def _replaced(whole: Any, path: str, value: Any) -> Any:
    head, _, rest = path.partition(".")
    if isinstance(whole, list):
        at = int(head)
        return [*whole[:at], _replaced(whole[at], rest, value) if rest else value, *whole[at + 1 :]]
    return {**whole, head: _replaced(whole[head], rest, value) if rest else value}


def _follow(value: Any, path: str) -> Any:
    head, _, rest = path.partition(".")
    if isinstance(value, list):
        if not (head.isascii() and head.isdecimal()):
            return [_follow(item, path) for item in value]
        if int(head) >= len(value):
            raise KeyError(f"{head} of a list of {len(value)}")
        return _follow(value[int(head)], rest) if rest else value[int(head)]
    if not isinstance(value, dict):
        raise TypeError(f"expected an object with {head!r}, got {type(value).__name__}")
    return _follow(value[head], rest) if rest else value[head]

"""Rows that hold several rows: a table by columns in one object, and rows under a key.

Where one text belongs, a list is no text. Either the row is a table, ``{"question": [n texts],
"answer": [n texts]}``, which becomes n rows, or it is refused under "list_for_text". A list of rows
that a dotted path leads through, ``{"data": [{"question": …}, …]}`` with the path data.question,
becomes its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from ...records import Malformed
from .row import KeyedRow, Keys, RowError

Row = dict[str, Any]
_DEEPEST = 4
_MANY_LINES = 3
"""From so many on, two lists of one length are no longer taken for the lines of two texts."""


@dataclass(frozen=True)
class Shape:
    """Which fields of a layout hold one text, and which a list by their nature.

    texts:  fields (or dotted paths) of one text each. Of alternatives, parted by ``|``, the first
            that a row has counts.
    lists:  those that may hold a list: the answers of a thread, the messages of a dialogue.
    lines:  whether a list of texts may be the lines of one text.
    others: fields beside them that hold one text each, such as a title.
    """

    texts: tuple[str, ...]
    lists: tuple[str, ...] = ()
    lines: bool = False
    others: tuple[str, ...] = ()

    @cached_property
    def _heads(self) -> tuple[str, ...]:
        """The fields of a row that are looked at; none where any may be one."""
        paths = [path for text in self.texts or self.lists for path in text.split("|")]
        return () if any("." in path for path in paths) else tuple(paths)

    def may_hold_rows(self, row: Row) -> bool:
        """Whether a row needs a look: quick, and for most rows the whole answer."""
        if not self.texts and self._heads:
            turns = row.get(self._heads[0])
            return type(turns) is list and type(next(iter(turns), 0)) is list
        return not self._heads or any(type(row.get(name)) is list for name in self._heads)

    def may_hold_rows_of(self, schema: pa.Schema) -> bool:
        """Whether a row of a table with these columns may need a look, by their types alone."""
        kinds = {name: schema.field(name).type for name in schema.names}
        if not self.texts and self._heads:
            turns = kinds.get(self._heads[0])
            return turns is not None and _is_list(turns) and _is_list(turns.value_type)
        return not self._heads or any(_is_list(kinds[n]) for n in self._heads if n in kinds)

    def among(self, rows: Iterable[Row]) -> bool:
        """Whether any of many rows may need a look."""
        if not self.texts or not self._heads:
            return True
        return any(list in {type(row.get(name)) for row in rows} for name in self._heads)


def _is_list(kind: pa.DataType) -> bool:
    """Whether values may be lists in Python."""
    return pa.types.is_nested(kind) and not pa.types.is_struct(kind)


def keyed_rows(
    keys: Keys, ordinal: int, row: Row, ident: str, shape: Shape, alone: bool
) -> list[KeyedRow | Malformed]:
    """Return :func:`rows_of` with their keys, or the row as Malformed. ordinal: of the first."""
    try:
        rows = rows_of(row, shape, alone, ident)
    except RowError as error:
        return [Malformed(keys.key(ordinal, row.get(ident)), error.rule, error.evidence, row)]
    return [(keys.key(ordinal + n, inner.get(ident)), inner) for n, inner in enumerate(rows)]


def rows_of(row: Row, shape: Shape, alone: bool, ident: str = "id", depth: int = 0) -> list[Row]:
    """Return the rows that a row holds: itself, where it is none of several.

    alone: whether it is all that its file holds. Raises RowError "list_for_text".
    """
    if depth < _DEEPEST and (path := _rows_under(row, shape, alone, ident)) is not None:
        items = _at(row, path)
        return [
            inner
            for item in items
            for inner in rows_of(_with(row, path, item), shape, False, ident, depth + 1)
        ]
    texts = {text: found for text in shape.texts if (found := _found(row, text))}
    lists = {text: found for text in shape.lists if (found := _found(row, text))}
    several = [f for f in (*texts.values(), *lists.values()) if f.size > 1]
    if not several:
        return [row]
    place = several[0].path[:-1]
    size = _size(row, place, texts, lists, shape, alone)
    return [row] if size is None else list(_cut(row, place, size))


@dataclass(frozen=True)
class _Field:
    path: tuple[str, ...]
    value: Any

    @property
    def size(self) -> int:
        """The length of a list, 0 for what is none."""
        return len(self.value) if type(self.value) is list else 0

    @property
    def name(self) -> str:
        return ".".join(self.path)


def _steps(row: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """Return the fields that a path goes through; a field of just its name counts first."""
    return (path,) if path in row else tuple(path.split("."))


def _found(row: Row, alternatives: str) -> _Field | None:
    """Return the first of several fields that the row has; None where a list stands before it."""
    for path in alternatives.split("|"):
        steps = _steps(row, path)
        value: Any = row
        for step in steps:
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            return _Field(steps, value)
    return None


def _through(row: Row, path: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return the steps to the first list of objects that a path leads through, and those behind."""
    steps, value = _steps(row, path), row
    for number, step in enumerate(steps[:-1], 1):
        value = value.get(step) if isinstance(value, dict) else None  # type: ignore[assignment]
        if isinstance(value, list):
            rows = bool(value) and all(isinstance(item, dict) for item in value)
            return (steps[:number], steps[number:]) if rows else None
    return None


def _rows_under(row: Row, shape: Shape, alone: bool, ident: str) -> tuple[str, ...] | None:
    """Return the path to a list whose items are rows; None where there is none."""
    paths = shape.texts or shape.lists
    found = next(filter(None, (_through(row, p) for t in paths for p in t.split("|"))), None)
    if found is None:
        return None
    path = found[0]
    if not shape.lines:
        return path if shape.texts else None
    # The parts of one document stand in a list, too: what is of a row must be in there.
    beside = (_through(row, other) for other in shape.others)
    own = any(place is not None and place[0] == path for place in beside)
    named = alone and any(ident in item for item in _at(row, path))
    return path if own or named else None


def _at(row: Row, path: tuple[str, ...]) -> Any:
    value: Any = row
    for step in path:
        value = value[step]
    return value


def _with(row: Row, path: tuple[str, ...], value: Row) -> Row:
    """Return a copy of ``row`` with another value at ``path``."""
    if not path:
        return value
    return row | {path[0]: _with(row[path[0]] if len(path) > 1 else {}, path[1:], value)}


def _size(
    row: Row,
    place: tuple[str, ...],
    texts: Mapping[str, _Field],
    lists: Mapping[str, _Field],
    shape: Shape,
    alone: bool,
) -> int | None:
    """Return how many rows a row with lists is, or None where it is one.

    Raises RowError "list_for_text" where lists stand for one text each and are no columns.
    """
    said = [value for value in _at(row, place).values() if value is not None and value != []]
    counts = {len(value) if type(value) is list else 0 for value in said}
    by_column = len(said) > 1 and len(counts) == 1 and max(counts) > 1
    if not texts:  # turns of a dialogue are a list; a list of such lists are several dialogues
        (turns,) = lists.values()
        if not all(isinstance(item, list) for item in turns.value):
            return None
        talks = all(isinstance(turn, dict) for item in turns.value for turn in item)
        return turns.size if by_column or talks else None
    if lists:
        (question,), (answer,) = texts.values(), lists.values()
        return _size_of_thread(question, answer)
    found = list(texts.values())
    if any(isinstance(item, (dict, list)) for f in found if f.size for item in f.value):
        return None
    if len(found) > 1:
        return _size_of_lines(found, alone, by_column, len(said))
    beside = [other for name in shape.others if (other := _found(row, name))]
    if by_column or (alone and any(other.size == found[0].size for other in beside)):
        return found[0].size
    return None


def _size_of_thread(question: _Field, answer: _Field) -> int | None:
    if question.size < 2 or answer.value == []:
        return None
    if question.size != answer.size:
        raise RowError("list_for_text", _why([question, answer]))
    return question.size


def _size_of_lines(found: list[_Field], alone: bool, by_column: bool, columns: int) -> int | None:
    """Of fields where a list may be the lines of one text."""
    sizes = {f.size for f in found}
    if alone and len(sizes - {0, 1}) > 1:
        raise RowError("list_for_text", _why(found))
    if by_column and not alone and columns < 3:  # they may be the lines of two texts
        if max(sizes) < _MANY_LINES:
            return None
        raise RowError("list_for_text", _why(found))
    return max(sizes) if by_column or (alone and len(sizes) == 1) else None


def _why(found: list[_Field]) -> str:
    told = [
        f"{f.name!r} is a list of {f.size}" if f.size else f"{f.name!r} is one text" for f in found
    ]
    return (
        f"a list stands where one text belongs: {', '.join(told)}; "
        "a table in one object has lists of one length"
    )


def _cut(row: Row, place: tuple[str, ...], size: int) -> Iterator[Row]:
    """Yield the rows of a table: a list of another length is none of its columns."""
    table = {
        name: None if type(value) is list and len(value) != size else value
        for name, value in _at(row, place).items()
    }
    for number in range(size):
        cells = {n: v[number] if type(v) is list else v for n, v in table.items()}
        yield _with(row, place, cells)

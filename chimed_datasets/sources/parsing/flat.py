"""Rows of plain lines of JSON as columns, without an object of each.

A compiled loop reads them where each line is one object and nothing is out of the ordinary. What
else there is :mod:`.json` reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa

from ...loops import ABSENT, EDGE, KIND, NESTED, NULL, TEXT, compiled
from .row import NOTHING_CHARS, KeyedRow, is_nothing


class Names(NamedTuple):
    """wanted: the fields that columns are made of. alone: others with which a row has to be looked
    at by itself."""

    wanted: tuple[str, ...]
    alone: tuple[str, ...] = ()

    def encoded(self) -> list[bytes] | None:
        """Return all in UTF-8; None where that cannot be."""
        try:
            return [name.encode() for name in (*self.wanted, *self.alone)]
        except UnicodeEncodeError:
            return None


Chosen = Callable[[dict[str, Any]], Names | None]
"""Returns the names for lines whose first row is given; None where no columns are made of them."""


class Texts(NamedTuple):
    """strings: a text for each row, null where it has none. looks: uint8[n], what each looks like
    (``EDGE``, ``SIGN`` and ``BREAK``, see :meth:`.Loops.texts`, of words for nothing). chars:
    int32[n], the characters of each."""

    strings: pa.StringArray
    looks: np.ndarray
    chars: np.ndarray

    def rows(self, look: int) -> np.ndarray:
        """Return int64: the rows whose texts look so."""
        return np.flatnonzero(self.looks & look)

    def at(self, rows: np.ndarray) -> list[str | None]:
        """Return some texts."""
        if not len(rows):
            return []
        found: list[str | None] = self.strings.take(pa.array(rows)).to_pylist()
        return found

    def sizes(self) -> np.ndarray:
        """Return int32[n]: how many bytes of UTF-8 each has."""
        return np.diff(self._stored()[1])

    def begin_with(self, byte: bytes) -> np.ndarray:
        """Return bool[n]: the texts whose first byte of UTF-8 is this."""
        data, bounds = self._stored()
        full = bounds[:-1] < bounds[1:]
        full[full] = data[bounds[:-1][full]] == byte[0]
        return full

    def end_with(self, byte: bytes) -> np.ndarray:
        """Return bool[n]: the texts whose last byte of UTF-8 is this."""
        data, bounds = self._stored()
        full = bounds[:-1] < bounds[1:]
        full[full] = data[bounds[1:][full] - 1] == byte[0]
        return full

    def _stored(self) -> tuple[np.ndarray, np.ndarray]:
        """Return uint8, the texts, and int32[n + 1], where each begins and the last ends."""
        _, bounds, whole = self.strings.buffers()
        ends = np.frombuffer(bounds, np.int32, len(self.strings) + 1)
        return np.frombuffer(whole, np.uint8), ends

    def any_is_nothing(self) -> bool:
        """Whether a text is empty or a word for nothing."""
        return any(text is not None and is_nothing(text) for text in self.at(self.rows(EDGE)))


class FlatRows:
    """Rows of lines of JSON as they are stored. ``keys``: of all, as far as they are given."""

    def __init__(self, data: bytes, names: Names, found: Sequence[np.ndarray]) -> None:
        self.data, self.names = data, names
        self._lines, self._spans, self._marks, self.alone = found
        self.keys: list[str] = []

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, rows: slice) -> FlatRows:
        found = (self._lines, self._spans, self._marks, self.alone)
        return FlatRows(self.data, self.names, [one[rows] for one in found])

    def __iter__(self) -> Iterator[KeyedRow]:
        """Yield the rows one by one."""
        return (self.row(number) for number in range(len(self)))

    def row(self, number: int) -> KeyedRow:
        """Return a row and its key."""
        begin, end = self._lines[number].tolist()
        return self.keys[number], orjson.loads(self.data[begin:end])

    def kinds(self, name: str) -> np.ndarray:
        """Return uint8[n]: what stands under a wanted name, as :meth:`.Loops.rows` says it."""
        kinds: np.ndarray = self._marks[:, self.names.wanted.index(name)] & KIND
        return kinds

    def are_texts(self, *names: str) -> np.ndarray:
        """Return bool[n]: the rows that have a text under each of the wanted names."""
        found: np.ndarray = np.all([self.kinds(name) == TEXT for name in names], axis=0)
        return found

    def may_be_texts(self, name: str) -> bool:
        """Whether each row has a text or nothing under a wanted name."""
        kinds = self.kinds(name)
        return bool(((kinds == TEXT) | (kinds == ABSENT) | (kinds == NULL)).all())

    def texts(self, *names: str) -> Texts:
        """Return the texts under a wanted name; of several names those of a row side by side."""
        at = [self.names.wanted.index(name) for name in names]
        spans, marks = self._spans[:, at].reshape(-1, 2), self._marks[:, at].ravel()
        loops = compiled()
        assert loops is not None  # it made the rows
        out, ends, looks, chars = loops.texts(self.data, spans, marks, NOTHING_CHARS)
        there = (marks & KIND) == TEXT
        bits = None if there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))
        bounds, whole = pa.py_buffer(ends), pa.py_buffer(out)
        return Texts(pa.StringArray.from_buffers(len(marks), bounds, whole, bits), looks, chars)

    def values(self, name: str) -> list[Any]:
        """Return what stands under a wanted name, with None for what does not."""
        kinds = self.kinds(name)
        values: list[Any] = self.texts(name).strings.to_pylist()
        others = np.flatnonzero((kinds != TEXT) & (kinds != ABSENT) & (kinds != NULL)).tolist()
        spans = self._spans[:, self.names.wanted.index(name)].tolist() if others else []
        for row in others:
            begin, end = spans[row]
            values[row] = orjson.loads(self.data[begin:end])
        return values


def flat_rows(data: bytes, most: int, chosen: Chosen) -> FlatRows | None:
    """Return the rows of ``most`` or fewer lines; None where they have to be read one by one: a
    wanted field holds a list or an object, or a line is no plain object (:meth:`.Loops.rows`)."""
    loops = compiled()
    if loops is None:
        return None
    try:
        end = data.find(b"\n")
        row = orjson.loads(data[:end] if end >= 0 else data)
    except ValueError:
        return None
    names = chosen(row) if isinstance(row, dict) else None
    encoded = names.encoded() if names else None
    if names is None or encoded is None:
        return None
    found = loops.rows(data, encoded, len(names.wanted), most)
    if found is None or (found[2] & KIND == NESTED).any():
        return None
    return FlatRows(data, names, found)

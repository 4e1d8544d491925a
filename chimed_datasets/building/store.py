"""The cleaned records of a build between its passes: Arrow files, memory-mapped.

Records are numbered from 0 over all segments in the order of the plan; that number is a
record's index in every array of the build.
"""

from __future__ import annotations

import mmap
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from .. import records

T = TypeVar("T")
REMEMBERED = 4096
"""Batches of which a store remembers what was made."""
MAPPED_BYTES = 1 << 27
"""When a process has looked at so much of mapped files it lets go of their pages: the system would
take them back in need, but until then they count as memory of the process."""


@dataclass(frozen=True)
class Segment:
    """One Arrow file of records of one kind; ``rows`` counts those of each batch in it."""

    path: Path
    kind: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Store:
    """Random access to the records of ``segments`` by index. Cheap to pickle.

    edit: makes of (indices, batch of those records) one with other texts of documents, on their
          way out.
    """

    segments: tuple[Segment, ...]
    edit: Callable[[np.ndarray, pa.RecordBatch], pa.RecordBatch] | None = None

    @cached_property
    def _starts(self) -> np.ndarray:
        """int64[blocks + 1]: index of the first record of each batch."""
        rows = [n for segment in self.segments for n in segment.rows]
        return np.concatenate([[0], np.cumsum(rows, dtype=np.int64)]).astype(np.int64)

    @cached_property
    def _blocks(self) -> list[tuple[Segment, int]]:
        return [(s, number) for s in self.segments for number in range(len(s.rows))]

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getstate__(self) -> dict[str, Any]:
        return {"segments": self.segments, "edit": self.edit}

    def kinds(self) -> np.ndarray:
        """Return the kind of every record (array of str)."""
        return np.repeat([s.kind for s, _ in self._blocks], np.diff(self._starts))

    def blocks(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield (index of the first record, batch) for all records."""
        for block, start in enumerate(self._starts[:-1]):
            batch = self._read(block)
            indices = np.arange(start, start + batch.num_rows)
            yield int(start), self.edit(indices, batch) if self.edit else batch

    def take(
        self, indices: np.ndarray, columns: Collection[str] | None = None
    ) -> Iterator[tuple[np.ndarray, pa.RecordBatch]]:
        """Yield (indices, batch of those records) for ascending ``indices`` (int64).

        columns: those that are wanted, where a kind of record has them (None: all).
        """
        edit = self.edit if columns is None or "text" in columns else None
        for block, rows in self.places(indices):
            wanted = rows + self._starts[block]
            batch = self._read(block)
            if columns is not None and edit is None:
                batch = _only(batch, columns)
            if len(wanted) < batch.num_rows:
                batch = batch.take(pa.array(rows))
            if edit is not None:
                batch = edit(wanted, batch)
                batch = batch if columns is None else _only(batch, columns)
            yield wanted, batch

    def sifted(
        self, indices: np.ndarray, sift: Callable[[pa.RecordBatch], Mapping[int, T]]
    ) -> Iterator[tuple[np.ndarray, np.ndarray, pa.RecordBatch, list[tuple[int, T]]]]:
        """Yield what :meth:`take` does, without the records that are sifted out, which need not be
        copied: (indices, which of these are left, batch of those, what is said of the others).

        sift: what it says of rows of a batch, by their numbers; the others are left.
        """
        for block, rows in self.places(indices):
            where, batch = rows + self._starts[block], self._read(block)
            if self.edit is not None:  # what it says may change with the texts
                batch, rows = self.edit(where, batch.take(pa.array(rows))), np.arange(len(rows))
            out = sift(batch)
            stays = np.ones(batch.num_rows, bool)
            stays[[*out]] = False
            left = np.flatnonzero(stays[rows])
            gone = np.flatnonzero(~stays[rows])
            told = [
                (at, out[row]) for at, row in zip(gone.tolist(), rows[gone].tolist(), strict=True)
            ]
            if len(left) < batch.num_rows:
                batch = batch.take(pa.array(rows[left]))
            yield where, left, batch, told

    def places(self, indices: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Yield (number of a batch, rows in it) for ascending ``indices`` (int64)."""
        cuts = np.searchsorted(indices, self._starts)
        for block in np.flatnonzero(np.diff(cuts)):
            yield int(block), indices[cuts[block] : cuts[block + 1]] - self._starts[block]

    def from_batch(self, block: int, make: Callable[[pa.RecordBatch], T]) -> T:
        """Return what ``make`` (a function of a module) makes of a batch; it is remembered."""
        known = (make, block)
        if known not in self._made:
            if len(self._made) >= REMEMBERED:
                self._made.clear()
            self._made[known] = make(self._read(block))
        made: T = self._made[known]
        return made

    @cached_property
    def starts(self) -> np.ndarray:
        """int64[segments + 1]: index of the first record of each segment."""
        rows = [sum(segment.rows) for segment in self.segments]
        return np.concatenate([[0], np.cumsum(rows, dtype=np.int64)]).astype(np.int64)

    def bytes_of(self, number: int) -> np.ndarray:
        """Return uint8: the file of a segment, mapped; see :meth:`looked_at`."""
        return self._files.bytes_of(self.segments[number].path)

    @cached_property
    def _made(self) -> dict[Any, Any]:
        return {}

    def looked_at(self, size: int) -> None:
        """Note that ``size`` bytes of the mapped files were looked at."""
        self._files.looked_at(size)

    def _read(self, block: int) -> pa.RecordBatch:
        segment, number = self._blocks[block]
        batch = self._files.open(segment.path).get_batch(number)
        self.looked_at(batch.nbytes)
        return batch

    @cached_property
    def _files(self) -> _MappedFiles:
        return _MappedFiles()


def _only(batch: pa.RecordBatch, columns: Collection[str]) -> pa.RecordBatch:
    return batch.select([name for name in batch.schema.names if name in columns])


class _MappedFiles:
    """Opens segments' files, and keeps the last few open: most reads come back for more."""

    def __init__(self) -> None:
        self.open = lru_cache(maxsize=32)(self._open)
        self.bytes_of = lru_cache(maxsize=256)(self._bytes_of)
        self._maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()
        self._seen = 0

    def _open(self, path: Path) -> pa.ipc.RecordBatchFileReader:
        return pa.ipc.open_file(pa.BufferReader(pa.py_buffer(self._mapped(path))))

    def _bytes_of(self, path: Path) -> np.ndarray:
        return np.frombuffer(self._mapped(path), np.uint8)

    def _mapped(self, path: Path) -> mmap.mmap:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._maps.add(mapped)
        return mapped

    def looked_at(self, size: int) -> None:
        self._seen += size
        if self._seen > MAPPED_BYTES:
            for mapped in self._maps if hasattr(mmap, "MADV_DONTNEED") else ():
                mapped.madvise(mmap.MADV_DONTNEED)  # a page that is wanted again comes again
            self._seen = 0


def names_of(store: Store, indices: np.ndarray, columns: Sequence[str]) -> pa.Table:
    """Return columns of the records at ascending ``indices``."""
    schema = pa.schema([records.SCHEMAS["document"].field(name) for name in columns])
    return pa.Table.from_batches(
        [batch.select(columns) for _, batch in store.take(indices, columns)], schema
    )

"""The texts that records are compared by, fetched from the store a few here and a few there.

A search for near-duplicates compares records from anywhere with one another. To take them out of
their Arrow batches costs a millisecond a batch, however few they are; here their bytes are looked
up where they lie in the mapped file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ...records import exam_texts, kind_of, text_columns
from ...records.batch import compared_columns, is_system
from ...records.points import gathered, strings_of
from ...stages.text.grams import ranges
from ..store import Segment, Store

_AROUND = 1 << 18
"""Bytes that Linux maps with one that is looked at, about: 210 KB a text were measured."""


class _Column(NamedTuple):
    """The texts of a column: text i is ``data[bounds[i]:bounds[i + 1]]``, row r has the texts from
    ``items[r]`` to ``items[r + 1]`` (None: text r). ``valid``: bool of each text, None where all
    are. All are views of memory, of which one number costs a third of what it does in NumPy."""

    data: memoryview
    bounds: memoryview
    items: memoryview | None
    valid: memoryview | None


def texts_at(store: Store, indices: np.ndarray, system: bool = True) -> pa.StringArray:
    """Return the texts (:attr:`Batch.compared`) of the records at ``indices``, in their order.

    system: with the system messages of dialogues; see :attr:`Batch.compared_without_system`.
    """
    make = _columns if system else _columns_without_system
    order = np.argsort(indices, kind="stable")
    found: list[bytes] = []
    for block, rows in store.places(indices[order]):
        columns = store.from_batch(block, make)
        found += [_joined(columns, row) for row in rows.tolist()]
    store.looked_at(len(found) * _AROUND)
    return strings_of(found, order)


def _joined(columns: list[_Column], row: int) -> bytes:
    parts = []
    for data, bounds, items, valid in columns:
        for i in (row,) if items is None else range(items[row], items[row + 1]):
            if valid is None or valid[i]:
                parts.append(data[bounds[i] : bounds[i + 1]])
    return b"\n".join(parts)


def _columns_without_system(batch: pa.RecordBatch) -> list[_Column]:
    return _columns(batch, system=False)


def _columns(batch: pa.RecordBatch, system: bool = True) -> list[_Column]:
    columns = []
    names: Mapping[str, pa.Array] = {name: batch.column(name) for name in compared_columns(batch)}
    if kind_of(batch) == "exam":  # its options are in an order of their own
        names = {"": exam_texts(batch)}
    for name, column in names.items():
        texts, counts = text_columns(column)
        items = None
        if not pa.types.is_string(column.type):
            items = np.zeros(len(counts) + 1, np.int64)
            np.cumsum(counts, out=items[1:])
        ends, data = texts.buffers()[1:]
        bounds = np.frombuffer(ends, np.int32, len(texts) + 1, texts.offset * 4)
        valid = texts.is_valid().to_numpy(zero_copy_only=False) if texts.null_count else None
        if name == "messages" and not system:
            valid = ~is_system(batch) if valid is None else valid & ~is_system(batch)
        columns.append(
            _Column(
                memoryview(data or b""),
                bounds.data,
                None if items is None else items.data,
                None if valid is None else valid.data,
            )
        )
    return columns


# --- where all texts lie, found once -----------------------------------------------------------


class Pieces(NamedTuple):
    """Where the texts of n records lie in the files of their segments: that of record i has the
    pieces from ``cuts[i]`` to ``cuts[i + 1]`` (int64[n + 1]), of which each begins somewhere in the
    file (``begins``, int64) and has so many bytes (``sizes``, int64)."""

    cuts: np.ndarray
    begins: np.ndarray
    sizes: np.ndarray

    def of(self, rows: np.ndarray) -> Pieces:
        """Return those of some records."""
        counts = self.cuts[rows + 1] - self.cuts[rows]
        some = ranges(self.cuts[rows], counts)
        cuts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        return Pieces(cuts, self.begins[some], self.sizes[some])


_NO_PIECES = Pieces(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64))


def _together(parts: Sequence[Pieces]) -> Pieces:
    before = np.cumsum([0, *(part.cuts[-1] for part in parts)])
    ends = [part.cuts[1:] + first for part, first in zip(parts, before.tolist(), strict=False)]
    return Pieces(
        np.concatenate([before[:1], *ends]),
        np.concatenate([_NO_PIECES.begins, *(part.begins for part in parts)]),
        np.concatenate([_NO_PIECES.sizes, *(part.sizes for part in parts)]),
    )


def note_pieces(path: Path, segments: Sequence[Segment], system: bool) -> None:
    """Write where the texts of segments lie, for :class:`TextsOnDisk`."""
    np.save(path, np.concatenate(_together([_pieces_of(one, system) for one in segments])))


def _pieces_of(segment: Segment, system: bool) -> Pieces:
    """Return where the texts lie. Those of exam items are made when they are asked for: none."""
    if segment.kind == "exam":
        return _NO_PIECES._replace(cuts=np.zeros(sum(segment.rows) + 1, np.int64))
    with pa.memory_map(str(segment.path)) as file:
        whole = file.read_buffer()
        reader = pa.ipc.open_file(whole)
        batches = [reader.get_batch(number) for number in range(len(segment.rows))]
        return _together([_pieces(batch, whole.address, system) for batch in batches])


def _pieces(batch: pa.RecordBatch, origin: int, system: bool) -> Pieces:
    """origin: the address at which the file begins."""
    rows, begins, sizes = [], [], []
    for column in _columns(batch, system):
        bounds = np.asarray(column.bounds).astype(np.int64)
        row = np.arange(batch.num_rows)
        if column.items is not None:
            row = np.repeat(row, np.diff(np.asarray(column.items)))
        stay = slice(None) if column.valid is None else np.asarray(column.valid)
        data = np.frombuffer(column.data, np.uint8)
        first = data.ctypes.data - origin if len(data) else 0
        rows.append(row[stay])
        begins.append((bounds[:-1] + first)[stay])
        sizes.append(np.diff(bounds)[stay])
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    cuts = np.searchsorted(row[order], np.arange(batch.num_rows + 1))
    return Pieces(cuts, np.concatenate(begins)[order], np.concatenate(sizes)[order])


@dataclass(frozen=True)
class TextsOnDisk:
    """The texts of a store's records, by what :func:`note_pieces` wrote.

    files:  of groups of segments, in their order.
    firsts: the index of the first record of each group.
    read:   what was read of them so far.
    """

    store: Store
    files: tuple[Path, ...]
    firsts: tuple[int, ...]
    system: bool
    read: dict[int, Pieces] = field(default_factory=dict, compare=False)

    def __call__(self, indices: np.ndarray) -> pa.StringArray:
        """Return the texts of the records at ``indices``, in their order; see :func:`texts_at`."""
        store = self.store
        order = np.argsort(indices, kind="stable")
        index = indices[order]
        segment = np.searchsorted(store.starts, index, "right") - 1
        used, source = np.unique(segment, return_inverse=True)
        if any(store.segments[number].kind == "exam" for number in used.tolist()):
            return texts_at(store, indices, self.system)
        bounds = np.append(np.searchsorted(index, self.firsts), len(index)).tolist()
        pieces = _together(
            [
                self._pieces(group).of(index[low:high] - first)
                for group, (first, low, high) in enumerate(
                    zip(self.firsts, bounds[:-1], bounds[1:], strict=True)
                )
                if low < high
            ]
        )
        # What lies near one another is mapped once.
        blocks = np.repeat(source << 40, np.diff(pieces.cuts)) | pieces.begins // _AROUND
        store.looked_at(min(len(np.unique(blocks)), len(index)) * _AROUND)
        files = [store.bytes_of(number) for number in used.tolist()]
        return gathered(files, source, pieces, order)

    def _pieces(self, group: int) -> Pieces:
        if group not in self.read:
            self.read[group] = self._read(group)
        return self.read[group]

    def _read(self, group: int) -> Pieces:
        values = np.load(self.files[group], mmap_mode="r").view(np.ndarray)
        ends = (*self.firsts[1:], len(self.store))
        rows = ends[group] - self.firsts[group]
        pieces = int(values[rows])
        return Pieces(values[: rows + 1], *values[rows + 1 :].reshape(2, pieces))

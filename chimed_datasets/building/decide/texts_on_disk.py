"""The texts that records are compared by, fetched from the store a few here and a few there.

A search for near-duplicates compares records from anywhere with one another. To take them out of
their Arrow batches costs a millisecond a batch, however few they are; here their bytes are looked
up where they lie in the mapped file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ...records import exam_texts, kind_of, text_columns
from ...records.batch import compared_columns, is_system
from ..store import Store

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
    texts: list[bytes] = [b""] * len(found)
    for at, text in zip(order.tolist(), found, strict=True):
        texts[at] = text
    ends = np.zeros(len(texts) + 1, np.int32)
    np.cumsum([len(text) for text in texts], out=ends[1:])
    return pa.StringArray.from_buffers(
        len(texts), pa.py_buffer(ends), pa.py_buffer(b"".join(texts))
    )


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

"""The texts of a batch, whatever its kind.

Stages do not need to know the kinds apart: :func:`leaves` lays all texts of a batch in one flat
array and :func:`with_leaves` puts the changed texts back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .arrow import kind_of
from .model import BODY, FIELDS
from .points import Codepoints, decoded, only, spliced

_PATHS = {
    "document": ("text", "title", "metadata"),
    "thread": ("question", "answers", "title", "department", "keyphrases", "metadata"),
    "dialogue": ("messages", "candidates", "department", "keyphrases", "metadata"),
}


class Leaves(NamedTuple):
    """All texts of a batch side by side.

    texts: ``pa.StringArray`` of length m (nulls where a title or department is missing).
    row:   int32[m], the batch row that each text belongs to.
    field: uint8[m], an index into :data:`FIELDS`.
    """

    texts: pa.StringArray
    row: np.ndarray
    field: np.ndarray

    @property
    def body(self) -> np.ndarray:
        """bool[m]: true for text, question, answers, messages and candidates."""
        return self.field < BODY


def _field_code(path: str) -> int:
    return FIELDS.index("label" if path in ("department", "keyphrases") else path)


def text_columns(column: pa.Array) -> tuple[pa.StringArray, np.ndarray]:
    """Return a column's strings and, for a list, how many each row has."""
    if pa.types.is_string(column.type):
        return column, np.ones(len(column), np.int64)
    counts = np.diff(column.offsets.to_numpy(zero_copy_only=False))
    start, end = column.offsets[0].as_py(), column.offsets[-1].as_py()
    if pa.types.is_map(column.type):
        return column.items.slice(start, end - start), counts
    values = column.values.slice(start, end - start)
    if pa.types.is_struct(values.type):
        values = pc.struct_field(values, "content" if "content" in values.type.names else "text")
    return values, counts


_last: tuple[pa.RecordBatch | None, Leaves | None] = (None, None)
"""The batch that was looked at last, and its leaves: the next stage looks at them, too."""


def leaves(batch: pa.RecordBatch) -> Leaves:
    """Lay all texts of ``batch`` in one flat array, body fields first. Not to be written to."""
    global _last
    known, found = _last
    if known is batch and found is not None:
        return found
    found = _laid_out(batch)
    _last = batch, found
    return found


def _laid_out(batch: pa.RecordBatch) -> Leaves:
    texts, rows, codes = [], [], []
    index = np.arange(batch.num_rows, dtype=np.int32)
    for path in _PATHS[kind_of(batch)]:
        values, counts = text_columns(batch.column(path))
        texts.append(values)
        rows.append(np.repeat(index, counts))
        codes.append(np.full(len(values), _field_code(path), np.uint8))
    return Leaves(pa.concat_arrays(texts), np.concatenate(rows), np.concatenate(codes))


def texts_of(batch: pa.RecordBatch, columns: Sequence[str]) -> tuple[pa.StringArray, np.ndarray]:
    """Return the texts of ``columns``, one after the other, and int32: the row of each text."""
    found = [text_columns(batch.column(name)) for name in columns]
    index = np.arange(batch.num_rows, dtype=np.int32)
    texts = pa.concat_arrays([values for values, _ in found])
    return texts, np.concatenate([np.repeat(index, counts) for _, counts in found])


def with_leaves(batch: pa.RecordBatch, texts: pa.StringArray) -> pa.RecordBatch:
    """Return ``batch`` with its texts replaced by ``texts``, in the order of :func:`leaves`."""
    old = leaves(batch)
    at = 0
    columns = {name: batch.column(name) for name in batch.schema.names}
    for path in _PATHS[kind_of(batch)]:
        column = columns[path]
        count = len(text_columns(column)[0])
        columns[path] = _rebuild(column, texts.slice(at, count))
        at += count
    changed = pa.record_batch(list(columns.values()), schema=batch.schema)

    def carried(text: Codepoints) -> Codepoints:
        differs = pc.or_(
            pc.fill_null(pc.not_equal(old.texts, texts), False),
            pc.xor(old.texts.is_null(), texts.is_null()),
        )
        rows = np.flatnonzero(differs.to_numpy(zero_copy_only=False))
        return spliced(text, rows, decoded(texts.take(pa.array(rows))))

    _carry(old, changed, old._replace(texts=texts), carried)
    return changed


def without_rows(batch: pa.RecordBatch, rows: Iterable[int]) -> pa.RecordBatch:
    """Return ``batch`` without some of its rows."""
    keep = np.ones(batch.num_rows, bool)
    keep[list(rows)] = False
    fewer = batch.filter(pa.array(keep))
    old = leaves(batch)
    stay = keep[old.row]
    place = np.cumsum(keep, dtype=np.int32) - np.int32(1)
    left = Leaves(old.texts.filter(pa.array(stay)), place[old.row[stay]], old.field[stay])
    _carry(old, fewer, left, lambda text: only(text, stay))
    return fewer


def _rebuild(column: pa.Array, new: pa.StringArray) -> pa.Array:
    if pa.types.is_string(column.type):
        return new
    start, end = column.offsets[0].as_py(), column.offsets[-1].as_py()
    offsets = pc.subtract(column.offsets, pa.scalar(start, pa.int32()))
    if pa.types.is_map(column.type):
        return pa.MapArray.from_arrays(offsets, column.keys.slice(start, end - start), new)
    values = column.values.slice(start, end - start)
    if pa.types.is_struct(values.type):
        name = "content" if "content" in values.type.names else "text"
        fields = list(values.type)
        children = [new if f.name == name else pc.struct_field(values, f.name) for f in fields]
        new = pa.StructArray.from_arrays(children, fields=fields)
    return pa.ListArray.from_arrays(offsets, new, type=column.type)


_points: dict[bool, tuple[pa.StringArray, Codepoints]] = {}
"""What was decoded last: under True the leaves of the batch that was looked at last, under False
any other texts. Stages look at the same texts one after the other."""


def codepoints(texts: pa.StringArray) -> Codepoints:
    """Decode a string array once, for everything that looks at characters. The arrays are not to be
    written to."""
    leaf = _last[1]
    whole = leaf is not None and leaf.texts is texts
    known = _points.get(whole)
    if known and known[0] is texts:
        return known[1]
    found = decoded(texts)
    _points[whole] = texts, found
    return found


def _carry(
    old: Leaves, batch: pa.RecordBatch, leaf: Leaves, make: Callable[[Codepoints], Codepoints]
) -> None:
    """Remember the leaves of a batch that was made of another; and their code points, which
    ``make`` makes of those of the other where these are known: to copy what stayed takes a tenth
    of what it does to decode it."""
    global _last
    known = _points.get(True)
    _last = batch, leaf
    if known and known[0] is old.texts:
        _points[True] = leaf.texts, make(known[1])


def keep_items(batch: pa.RecordBatch, column: str, keep: np.ndarray) -> pa.RecordBatch:
    """Return ``batch`` with fewer answers, candidates or messages, their order kept.

    keep: bool, one for each item of the list column, row by row.
    """
    lists = batch.column(column)
    offsets = lists.offsets.to_numpy()
    items = lists.values.slice(offsets[0], offsets[-1] - offsets[0])
    bounds = np.concatenate([[0], np.cumsum(keep)])[offsets - offsets[0]]
    fewer = pa.ListArray.from_arrays(
        pa.array(bounds, pa.int32()), items.filter(pa.array(keep)), type=lists.type
    )
    columns = [fewer if f.name == column else batch.column(f.name) for f in batch.schema]
    return pa.record_batch(columns, schema=batch.schema)


_ORDER = ("title", "question", "messages", "answers", "candidates")
COMPARED = (*_ORDER, "text")
"""The columns that :func:`record_texts` reads."""


def compared_columns(batch: pa.RecordBatch) -> list[str]:
    """Return which columns a batch's records are compared by, in the order of their parts."""
    if kind_of(batch) == "document":
        return ["text"]
    return [name for name in _ORDER if name in batch.schema.names]


def record_texts(batch: pa.RecordBatch) -> pa.StringArray:
    """Return the text that each record is compared by, its parts on lines of their own.

    A document's text; a thread's title, question and answers; a dialogue's messages and
    candidates.
    """
    global _last_texts
    known, found = _last_texts
    if known is batch and found is not None:
        return found
    found = _record_texts(batch)
    _last_texts = batch, found
    return found


_last_texts: tuple[pa.RecordBatch | None, pa.StringArray | None] = (None, None)
"""Decontamination and deduplication look at the same texts, one after the other."""


def record_points(batch: pa.RecordBatch) -> Codepoints:
    """Return the code points of :func:`record_texts`."""
    if kind_of(batch) != "document":
        return codepoints(record_texts(batch))
    points, offsets = codepoints(leaves(batch).texts)  # those of the text come first
    return Codepoints(points[: offsets[batch.num_rows]], offsets[: batch.num_rows + 1])


def _record_texts(batch: pa.RecordBatch) -> pa.StringArray:
    if kind_of(batch) == "document":
        return pc.fill_null(batch["text"], "")
    parts, row = texts_of(batch, compared_columns(batch))
    order = np.argsort(row, kind="stable")
    order = order[parts.is_valid().to_numpy(zero_copy_only=False)[order]]
    ends = np.searchsorted(row[order], np.arange(batch.num_rows + 1))
    parts = parts.take(pa.array(order))
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(ends, pa.int32()), parts), "\n")

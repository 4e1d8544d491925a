"""Rows of Parquet, some at a time, within bounds.

A few bytes of Parquet can stand for very many: pages are compressed, and a text that comes again
is stored once. So texts stay in their dictionaries until it is known what they unfold to.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...errors import SourceError
from ...lang import _
from ...records import Malformed, sums
from ..files import parts
from ..files.decoding import MAX_RECORD_BYTES
from ..files.opening import FileReport, SourceFile, check_growth, explained
from ..files.parts import Part
from .row import KeyedRow, Keys, keys_of
from .tables import Shape, keyed_rows

BATCH_ROWS = 1024
MAX_LISTED = 1 << 26
"""Items that the lists of a column may hold in one row group: a billion nulls take ten bytes."""
MAX_FIXED_BYTES = 1024
"""Bytes of a value where all have the same; what such columns hold is no text."""


def parquet_rows(
    file: SourceFile,
    report: FileReport,
    ident: str = "id",
    shape: Shape | None = None,
    choose: Callable[[list[str]], list[str]] = list,
) -> Iterator[KeyedRow | Malformed]:
    """Yield (key, row) for each row of a Parquet file.

    ident:  the column whose value is the row's own id.
    shape:  which columns hold one text; a table in one row becomes its rows, see :mod:`.tables`.
    choose: returns which of the file's columns are read, of all their names.

    A row past the limit is Malformed under "too_long". Raises :class:`SourceError` for a file that
    unfolds to far more than it holds.
    """
    keys = keys_of(file)
    with file.open() as stream, explained(file.name):
        stored = stream if stream.seekable() else io.BytesIO(stream.read())
        about = pq.read_metadata(stored)
        report.note(file.name, "parquet")
        schema = about.schema.to_arrow_schema()
        columns = choose(schema.names)
        table = pq.ParquetFile(stored, read_dictionary=checked(about, columns, file.name))
        if file.part is not None and file.part.tally is not None:
            _count(table, file.part, keys, columns, ident, shape)
            return
        ordinal, out = keys.first, 0
        for batch in _batches(table, file.part, columns):
            for piece, unfolded in pieces(batch):
                out += unfolded
                check_growth(file.name, file.size, out)
                if _is_too_long(piece, unfolded):
                    why = f"{unfolded:,} bytes, allowed {MAX_RECORD_BYTES:,}"
                    yield Malformed(keys.key(ordinal), "too_long", f"row {ordinal}: {why}")
                    ordinal += 1
                    continue
                for row in python_rows(piece):
                    if shape is None or not shape.may_hold_rows(row):
                        yield keys.key(ordinal, row.get(ident)), row
                        ordinal += 1
                        continue
                    rows = keyed_rows(keys, ordinal, row, ident, shape, about.num_rows == 1)
                    yield from rows
                    ordinal += len(rows)


def _is_too_long(piece: pa.RecordBatch, unfolded: int) -> bool:
    return bool(piece.num_rows == 1 and unfolded > MAX_RECORD_BYTES)


# --- parts ---------------------------------------------------------------------------------------


def group_parts(file: SourceFile) -> list[Part]:
    """Return the parts of a large Parquet file: row groups that follow one another. ``start`` and
    ``end`` count the bytes of the groups. None where it is not cut."""
    if file.size <= parts.LEAST_BYTES or file.is_away or file.part is not None:
        return []
    begun = file.begun()
    with begun.stream as stream:
        if begun.compression or begun.look is None or begun.look.kind != "parquet":
            return []
        try:
            ends = _ends(pq.read_metadata(stream))
        except (pa.ArrowException, OSError):  # reading tells of it
            return []
    places = [0]
    for end in ends:
        if end // parts.PART_BYTES > places[-1] // parts.PART_BYTES:
            places.append(end)
    if ends and places[-1] != ends[-1]:
        places.append(ends[-1])
    cut = [Part(n, start, end, "parquet") for n, (start, end) in enumerate(pairwise(places))]
    return cut if len(cut) > 1 else []


def _ends(about: pq.FileMetaData) -> list[int]:
    """Return where the row groups end, in stored bytes of all before and of each."""
    groups = map(about.row_group, range(about.num_row_groups))
    sizes = (
        sum(group.column(n).total_compressed_size for n in range(group.num_columns)) or 1
        for group in groups
    )
    return list(accumulate(sizes))


def _batches(
    table: pq.ParquetFile, part: Part | None, columns: list[str]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a part, or of all. A batch is of one row group: Arrow reads no list or
    object with texts in a dictionary over two."""
    for number, end in enumerate(_ends(table.metadata)):
        if part is None or part.start < end <= part.end:
            yield from table.iter_batches(BATCH_ROWS, [number], columns)


def _count(
    table: pq.ParquetFile,
    part: Part,
    keys: Keys,
    columns: list[str],
    ident: str,
    shape: Shape | None,
) -> None:
    """Note what the rows of a part are called, and what they unfold to."""
    assert part.tally is not None
    if shape is not None and shape.may_hold_rows_of(table.schema_arrow):
        part.tally.unsure = True
        return
    ordinal = 0
    for batch in _batches(table, part, columns):
        for piece, unfolded in pieces(batch):
            part.tally.unfolded += unfolded
            if _is_too_long(piece, unfolded) or ident not in columns:
                names: list[Any] = [None] * piece.num_rows
            else:
                names = [row[ident] for row in python_rows(piece.select([ident]))]
            keys.of_rows(ordinal, names)
            ordinal += piece.num_rows
    keys.end(ordinal)


# --- bounds --------------------------------------------------------------------------------------


def checked(about: pq.FileMetaData, wanted: list[str], name: str) -> list[str]:
    """Return the paths of the texts in the columns ``wanted``.

    Raises :class:`SourceError` where a row group tells of more than can be meant.
    """
    texts = []
    for number, column in enumerate(map(about.schema.column, range(len(about.schema)))):
        if column.path.split(".")[0] not in wanted:
            continue
        if column.physical_type == "BYTE_ARRAY":
            texts.append(column.path)
        elif column.length > MAX_FIXED_BYTES:
            raise SourceError(
                _(
                    "{name}: {path!r} has values of {length:,} bytes, allowed {max_fixed_bytes:,}."
                ).format(
                    name=name,
                    path=column.path,
                    length=column.length,
                    max_fixed_bytes=MAX_FIXED_BYTES,
                )
            )
        for group in range(about.num_row_groups):
            chunk = about.row_group(group).column(number)
            check_growth(name, chunk.total_compressed_size, chunk.total_uncompressed_size)
            if column.max_repetition_level and chunk.num_values > MAX_LISTED:
                raise SourceError(
                    _(
                        "{name}: {path!r} has {num_values:,} items in one row group, "
                        "allowed {max_listed:,}."
                    ).format(
                        name=name,
                        path=column.path,
                        num_values=chunk.num_values,
                        max_listed=MAX_LISTED,
                    )
                )
    return texts


def pieces(batch: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Yield parts of ``batch``, and what they unfold to: no more than a record may have, except
    for a single row."""
    ends = np.cumsum(sum(map(_sizes, batch.columns), np.zeros(batch.num_rows, np.int64)))
    start = before = 0
    while start < batch.num_rows:
        fits = int(np.searchsorted(ends, before + MAX_RECORD_BYTES, "right"))
        end = max(fits, start + 1)
        yield batch.slice(start, end - start), int(ends[end - 1] - before)
        start, before = end, int(ends[end - 1])


def python_rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return the rows; what Python has no value for, such as a time to the nanosecond or in the
    year 20000, as the text that Arrow writes."""
    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except (ValueError, OverflowError, ArithmeticError, UnicodeDecodeError):
        named = zip(batch.schema.names, batch.columns, strict=True)
        columns = {name: _column(column) for name, column in named}
        cells = zip(*columns.values(), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in cells]
    return rows


def _column(column: pa.Array) -> list[Any]:
    """Return the values of a column one by one."""
    values: list[Any] = []
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    for value in column:
        try:
            values.append(value.as_py())
        except UnicodeDecodeError:  # a text that is none
            values.append(value.as_buffer().to_pybytes() if hasattr(value, "as_buffer") else b"?")
        except (ValueError, OverflowError, ArithmeticError):
            values.append(str(value.cast(pa.string())))
    return values


_ITEM = 8
"""Bytes that anything but a text counts for, and every list, object and text beside its own."""


def _sizes(column: pa.Array) -> np.ndarray:
    """Return int64: the bytes that each value of a column unfolds to."""
    kind, sizes = column.type, np.full(len(column), _ITEM)
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(column.dictionary).take(column.indices).cast(pa.int64())
        sizes += pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False)
    elif pa.types.is_struct(kind):
        sizes = sum(map(_sizes, column.flatten()), sizes)
    elif pa.types.is_fixed_size_list(kind):
        items = column.values.slice(column.offset * kind.list_size, len(column) * kind.list_size)
        sizes += _sizes(items).reshape(len(column), -1).sum(axis=1)
    elif hasattr(column, "offsets"):
        offsets = column.offsets.to_numpy().astype(np.int64)
        parts = [column.keys, column.items] if pa.types.is_map(kind) else [column.values]
        for part in parts:
            items = part.slice(offsets[0], offsets[-1] - offsets[0])
            sizes += sums(_sizes(items), offsets - offsets[0])
    return sizes

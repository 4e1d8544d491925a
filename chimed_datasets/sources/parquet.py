"""Any Parquet, with a mapping of its columns to a document, thread or dialogue.

kind    document (default), thread or dialogue
fields  target: column. Targets of a document: text, title, domain; of a thread: question, answer (a
        text or a list), title, department, keyphrases, domain; of a dialogue: messages,
        department, keyphrases, domain. Any other target is metadata. A column may be a dotted
        path (metadata.book).
id      the column that names a row; else "id", else the row's number
strip   target: [texts to cut from its beginning and end]

A row that is a table (a list of questions and a list of answers) becomes its rows; any other list
in place of one text is Malformed under "list_for_text". Words for an empty value, levels of a
department and domains are read as by `jsonl`. Dates and times are metadata in ISO 8601.

Only the mapped columns are read, some rows at a time. Yields a record a row; a row of more than
64 MiB is Malformed under "too_long".
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pyarrow.parquet as pq

from ..records import Malformed, Record
from .files.decoding import MAX_RECORD_BYTES
from .files.opening import FileReport, SourceFile, check_growth, explained
from .parsing.mapping import Mapped, check_columns, converter, trace_columns
from .parsing.parquet import BATCH_ROWS, checked, pieces, python_rows
from .parsing.row import KeyedRow, Keys, each
from .parsing.tables import keyed_rows

SUFFIXES = (".parquet", ".pq")
TAKES = ("parquet",)
Options = Mapped


def read(
    files: Sequence[SourceFile], options: Mapped, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a record for each row of each file.

    Raises :class:`SourceError` for a file that unfolds to far more than it holds.
    """
    for file in files:
        yield from each(_rows(file, options, report), converter(options, report.traces))


def _rows(file: SourceFile, options: Mapped, report: FileReport) -> Iterator[KeyedRow | Malformed]:
    ident = options.id or "id"
    keys, shape = Keys(file.name), options.shape()
    with file.open() as stream, explained(file.name):
        stored = stream if stream.seekable() else io.BytesIO(stream.read())
        about = pq.read_metadata(stored)
        there = about.schema.to_arrow_schema().names
        report.note(file.name, "parquet")
        check_columns(options, there, file.name)
        mapped = {part for c in options.columns().values() for part in (c, c.split(".")[0])}
        mapped |= set(trace_columns(options))
        wanted = [name for name in there if name in mapped or name == ident]
        table = pq.ParquetFile(stored, read_dictionary=checked(about, wanted, file.name))
        ordinal = out = 0
        for batch in table.iter_batches(BATCH_ROWS, columns=wanted):
            for piece, unfolded in pieces(batch):
                out += unfolded
                check_growth(file.name, file.size, out)
                if piece.num_rows == 1 and unfolded > MAX_RECORD_BYTES:
                    why = f"{unfolded:,} bytes, allowed {MAX_RECORD_BYTES:,}"
                    yield Malformed(keys.key(ordinal), "too_long", f"row {ordinal}: {why}")
                    ordinal += 1
                    continue
                for row in python_rows(piece):
                    if not shape.may_hold_rows(row):
                        yield keys.key(ordinal, row.get(ident)), row
                        ordinal += 1
                        continue
                    rows = keyed_rows(keys, ordinal, row, ident, shape, about.num_rows == 1)
                    yield from rows
                    ordinal += len(rows)

"""Any Parquet, with a mapping of its columns to a document, thread or dialogue.

kind    document (default), thread or dialogue
fields  target: column. Targets of a document: text, title, domain; of a thread: question, answer (a
        text or a list), title, department, keyphrases, domain; of a dialogue: messages,
        department, keyphrases, domain. Any other target is metadata. A column may be a dotted
        path (metadata.book).
id      the column that names a row; else "id", else the row's number
strip   target: [texts to cut from its beginning and end]

Only the mapped columns are read, some rows at a time. Yields a record a row.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pyarrow.parquet as pq

from ..records import Malformed, Record
from ._fields import Mapped, check_columns, records
from ._files import FileReport, SourceFile, compression, explained
from ._rows import Keys, Row

SUFFIXES = (".parquet", ".pq")
Options = Mapped
BATCH_ROWS = 1024


def read(
    files: Sequence[SourceFile], options: Mapped, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a record for each row of each file."""
    for file in files:
        yield from records(_rows(file, options, report), options, file.name)


def _rows(file: SourceFile, options: Mapped, report: FileReport) -> Iterator[Row]:
    ident = options.id or "id"
    keys = Keys(file.name)
    with file.open() as stream, explained(file.name):
        table = pq.ParquetFile(io.BytesIO(stream.read()) if compression(file.name) else stream)
        report.note(file.name, "parquet")
        there = table.schema_arrow.names
        check_columns(options, there, file.name)
        mapped = {part for c in options.columns().values() for part in (c, c.split(".")[0])}
        wanted = [name for name in there if name in mapped or name == ident]
        ordinal = 0
        for batch in table.iter_batches(BATCH_ROWS, columns=wanted):
            for row in batch.to_pylist():
                yield keys.key(ordinal, row.get(ident)), row
                ordinal += 1

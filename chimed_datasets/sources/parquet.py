"""Any Parquet, with a mapping of its columns to a document, thread, dialogue or exam item.

kind    document (default), thread, dialogue or exam
fields  target: column. Targets of a document: text, title, domain; of a thread: question, answer (a
        text or a list), adopted, title, department, keyphrases, domain; of a dialogue: messages,
        department, keyphrases, domain. Any other target is metadata. A column may be a path or
        a list of columns: see [columns](#what-a-mapping-can-say).
id      the column that names a row; else "id", else the row's number
strip   target: [texts to cut from its beginning and end]
where   a condition on the columns (score >= 4); rows that do not meet it go to the ledger
each    a column with a list: the row is read once for each item
join    another table of the source: {with: file, on: column, as: name}
group   a column: rows in which it is the same are one thread with their answers

A row that is a table (a list of questions and a list of answers) becomes its rows; any other list
in place of one text is Malformed under "list_for_text". Words for an empty value, levels of a
department and domains are read as by `jsonl`. Dates and times are metadata in ISO 8601.

Only the mapped columns are read, some rows at a time. Yields a record a row; a row of more than
32 MiB is Malformed under "too_long".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..records import Malformed, Record
from .files.opening import FileReport, SourceFile
from .parsing.mapping import Mapped, check_columns, files_records, trace_columns
from .parsing.parquet import group_parts, parquet_rows
from .parsing.row import KeyedRow

SUFFIXES = (".parquet", ".pq")
TAKES = ("parquet",)
PARTS = group_parts
Options = Mapped


def read(
    files: Sequence[SourceFile], options: Mapped, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a record for each row of each file.

    Raises :class:`SourceError` for a file that unfolds to far more than it holds.
    """
    mapped = {part for c in options.columns().values() for part in (c, c.split(".")[0])}
    mapped |= {options.ident, *trace_columns(options)}
    joined = [options.join.name] if options.join else []

    def rows(file: SourceFile) -> Iterator[KeyedRow | Malformed]:
        def choose(there: list[str]) -> list[str]:
            check_columns(options, [*there, *joined], file.name)
            usual = options.kind == "exam"  # its columns are looked for by their usual names
            return [column for column in there if usual or column in mapped]

        return parquet_rows(file, report, options.ident, options.shape(), choose)

    yield from files_records(files, rows, options, report)

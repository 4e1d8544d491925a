"""Any CSV or TSV with a header line, with a mapping of its columns to a document or thread.

kind    document (default), thread or dialogue
fields  target: column. Targets of a document: text, title, domain; of a thread: question, answer,
        title, department, keyphrases, domain. Any other target is metadata.
id      the column that names a row; else "id", else the row's number
strip   target: [texts to cut from its beginning and end]

The delimiter (comma, tab, semicolon, bar) is found from the header; a first line such as sep=;
names any other. A quoted field may hold line ends, and quotes that are doubled or stand behind a
backslash. Last cells that are left out are empty, if none of them is needed. A header that comes
again is no row. Yields a record a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..records import Malformed, Record
from .files.opening import FileReport, SourceFile
from .parsing.csv import csv_rows
from .parsing.mapping import TARGETS, Mapped, records

SUFFIXES = (".csv", ".tsv")
Options = Mapped


def read(
    files: Sequence[SourceFile], options: Mapped, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a record for each row of each file."""
    columns = options.columns()
    needed = [columns[target] for target in TARGETS[options.kind]]
    for file in files:
        rows = csv_rows(file, report, options.id or "id", lambda _: needed)
        yield from records(rows, options, file.name, report.traces)

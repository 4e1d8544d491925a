"""Any CSV or TSV with a header line, with a mapping of its columns to a document or thread.

header  the names of the columns, in their order, of a file without a header line
kind    document (default), thread, dialogue or exam
fields  target: column. Targets of a document: text, title, domain; of a thread: question, answer,
        adopted, title, department, keyphrases, domain. Any other target is metadata. A column may
        be a list of columns: see [columns](#what-a-mapping-can-say).
id      the column that names a row; else "id", else the row's number
strip   target: [texts to cut from its beginning and end]
where   a condition on the columns (score >= 4); rows that do not meet it go to the ledger
each    a column with a list, as JSON: the row is read once for each item
join    another table of the source: {with: file, on: column, as: name}
group   a column: rows in which it is the same are one thread with their answers

The delimiter (comma, tab, semicolon, bar) is found from the header; a first line such as sep=;
names any other. A quoted field may hold line ends, and quotes that are doubled or stand behind a
backslash. Last cells that are left out are empty, if none of them is needed. A header that comes
again is no row. Yields a record a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..records import Malformed, Record
from .files.opening import FileReport, SourceFile
from .parsing.csv import csv_rows
from .parsing.mapping import Mapped, files_records
from .parsing.row import KeyedRow

SUFFIXES = (".csv", ".tsv")


@dataclass(frozen=True)
class Options(Mapped):
    """The options of a mapping, and names for the columns of a file without a header line."""

    header: list[str] = field(default_factory=list)


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a record for each row of each file, or each group of rows."""
    needed = options.needed()

    def rows(file: SourceFile) -> Iterator[KeyedRow | Malformed]:
        return csv_rows(file, report, options.ident, lambda _: needed, options.header)

    yield from files_records(files, rows, options, report)

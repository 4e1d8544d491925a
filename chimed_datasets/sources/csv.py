"""Any CSV, TSV or workbook with a header line, its columns mapped to a document or thread.

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
sheet   of a workbook: the name of a sheet, or its number from 1; left out, every sheet that has
        the columns

The delimiter (comma, tab, semicolon, bar) is found from the header; a first line such as sep=;
names any other. A quoted field may hold line ends, and quotes that are doubled or stand behind a
backslash. Last cells that are left out are empty, if none of them is needed. A header that comes
again is no row. Yields a record a row.

The sheets of a workbook (XLSX, XLS, ODS) are read as they are seen: see
[workbooks](documents.md#workbooks).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..records import Malformed, Record
from .documents.containers import OFFICE
from .documents.workbooks import SUFFIXES as WORKBOOKS
from .files.opening import FileReport, SourceFile
from .parsing.mapping import Mapped, files_records
from .parsing.parts import table_parts
from .parsing.row import KeyedRow
from .parsing.sheets import SheetName, table_rows

SUFFIXES = (".csv", ".tsv", *WORKBOOKS)
TAKES = OFFICE
PARTS = table_parts


@dataclass(frozen=True)
class Options(Mapped):
    """The options of a mapping, names for the columns of a file without a header line, a sheet."""

    header: list[str] = field(default_factory=list)
    sheet: SheetName = None


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a record for each row of each file, or each group of rows."""
    needed = options.needed()

    def rows(file: SourceFile) -> Iterator[KeyedRow | Malformed]:
        return table_rows(
            file, report, options.ident, lambda _: needed, options.header, options.sheet
        )

    yield from files_records(files, rows, options, report)

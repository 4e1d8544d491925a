"""Rows of a file of any form, by the ending of its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...records import Malformed
from ..documents.containers import OFFICE
from ..documents.workbooks import SUFFIXES as WORKBOOKS
from ..files.opening import FileReport, SourceFile, wanted
from ..files.parts import Part
from .csv import Needed
from .json import OfList, json_rows
from .parquet import group_parts, parquet_rows
from .parts import line_parts
from .row import KeyedRow
from .sheets import SheetName, as_text, table_rows
from .tables import Shape

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".pq", *WORKBOOKS)


def any_rows(
    file: SourceFile,
    report: FileReport,
    ident: str = "id",
    needed: Needed | None = None,
    shape: Shape | None = None,
    of_list: OfList | None = None,
    under: str = "",
    header: Sequence[str] = (),
    sheet: SheetName = None,
) -> Iterator[KeyedRow | Malformed]:
    """Yield (key, row) for a CSV, TSV, JSON, JSON Lines or Parquet file or a workbook; other
    endings are read as JSON, and as a table where a ``header`` is given.

    ``ident``, ``needed``, ``header``: see :func:`.csv.csv_rows`; ``sheet``: see
    :func:`.sheets.table_rows`; ``shape``, ``of_list``, ``under``: see :func:`.json.json_rows`.
    """
    if wanted(file.name, (".parquet", ".pq")):
        if file.takes is not None:
            file = replace(file, takes=(*file.takes, "parquet"))
        return parquet_rows(file, report, ident, shape)
    if header or wanted(file.name, (".csv", ".tsv", *WORKBOOKS)):
        if file.takes is not None:
            file = replace(file, takes=(*file.takes, *OFFICE))
        return table_rows(file, report, ident, needed, header, sheet)
    return json_rows(as_text(file), report, ident, shape, under, of_list)


def any_parts(file: SourceFile) -> list[Part]:
    """Return the parts of a large file that :func:`any_rows` reads as JSON or Parquet; none of any
    other, which stays whole."""
    if wanted(file.name, (".parquet", ".pq")):
        return group_parts(file)
    if wanted(file.name, (".csv", ".tsv", *WORKBOOKS)):
        return []
    return line_parts(file)

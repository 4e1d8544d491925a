"""Rows of a file of any form, by the ending of its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...records import Malformed
from ..files.opening import FileReport, SourceFile, wanted
from .csv import Needed, csv_rows
from .json import OfList, json_rows
from .parquet import parquet_rows
from .row import KeyedRow
from .tables import Shape

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".pq")


def any_rows(
    file: SourceFile,
    report: FileReport,
    ident: str = "id",
    needed: Needed | None = None,
    shape: Shape | None = None,
    of_list: OfList | None = None,
    under: str = "",
) -> Iterator[KeyedRow | Malformed]:
    """Yield (key, row) for a CSV, TSV, JSON, JSON Lines or Parquet file; other endings are read as
    JSON. ``ident``, ``needed``: see :func:`.csv.csv_rows`; ``shape``, ``of_list``, ``under``: see
    :func:`.json.json_rows`."""
    if wanted(file.name, (".parquet", ".pq")):
        if file.takes is not None:
            file = replace(file, takes=(*file.takes, "parquet"))
        return parquet_rows(file, report, ident, shape)
    if wanted(file.name, (".csv", ".tsv")):
        return csv_rows(file, report, ident, needed)
    return json_rows(file, report, ident, shape, under, of_list)

"""Rows of a file of any form, by the ending of its name."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Malformed
from ..files.opening import FileReport, SourceFile, wanted
from .csv import Needed, csv_rows
from .json import json_rows
from .parquet import parquet_rows
from .row import KeyedRow

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".pq")


def any_rows(
    file: SourceFile, report: FileReport, ident: str = "id", needed: Needed | None = None
) -> Iterator[KeyedRow | Malformed]:
    """Yield (key, row) for a CSV, TSV, JSON, JSON Lines or Parquet file; other endings are read as
    JSON. ``ident``, ``needed``: see :func:`.csv.csv_rows`."""
    if wanted(file.name, (".parquet", ".pq")):
        return parquet_rows(file, report, ident)
    if wanted(file.name, (".csv", ".tsv")):
        return csv_rows(file, report, ident, needed)
    return json_rows(file, report, ident)

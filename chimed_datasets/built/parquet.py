"""The data files of a build: how each is written, and what tells two rows apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq


def parquet_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Return a writer with the options of every data file of a build.

    Content-defined chunking keeps the pages of unchanged rows the same when others come or go,
    so that a push uploads little; the page index serves filters of the dataset viewer.
    """
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_content_defined_chunking=True,
        write_page_index=True,
    )


def row_groups(path: Path) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of each row group of a data file."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number).to_pylist()


def row_hash(row: Mapping[str, Any]) -> str:
    """Return the sha256 (hex) over a row's columns, whatever their order."""
    return hashlib.sha256(orjson.dumps(row, option=orjson.OPT_SORT_KEYS)).hexdigest()

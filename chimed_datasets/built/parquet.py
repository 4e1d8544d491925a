"""The data files of a build: their schema, how they are written, and the hash of a row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from datasets import Features


Columns: TypeAlias = "Features | pa.Schema"
"""The columns of a config, as `datasets` has them, or as Arrow has those that are plain."""


def file_schema(columns: Columns) -> pa.Schema:
    """Return the Arrow schema of the data files of a config.

    Every version of `datasets` reads Arrow types alike. It can also keep its own types in the
    schema, under the key "huggingface"; but a version raises for a type there that is newer than
    itself, such as `List`, which came with 4.0. So that key is written only where Arrow cannot say
    what the features say, such as the names of a class label, and with lists in their old form.
    """
    if isinstance(columns, pa.Schema):
        return columns.remove_metadata()
    schema = columns.arrow_schema
    if is_plain(columns):
        return schema.remove_metadata()
    told = {"info": {"features": _old_lists(columns.to_dict())}}
    return schema.with_metadata({"huggingface": json.dumps(told)})


def is_plain(feature: Any) -> bool:
    """Tell whether Arrow types say all that columns (or one of the features) say: values, lists and
    structs do. Such a config loads in every version of `datasets` since 2.16."""
    if isinstance(feature, pa.Schema):
        return True
    from datasets import List, Value

    if isinstance(feature, Mapping):
        return all(map(is_plain, feature.values()))
    if isinstance(feature, List):
        # an older version reads structs in a list of fixed length as a dict of lists
        return feature.length == -1 and is_plain(feature.feature)
    return isinstance(feature, Value)


def _old_lists(told: Any) -> Any:
    """Return features as a dict, with ``[x]`` for a list of x: every version reads that."""
    if not isinstance(told, dict):
        return told
    if told.get("_type") == "List" and told.get("length", -1) == -1:
        return [_old_lists(told["feature"])]
    return {key: _old_lists(value) for key, value in told.items()}


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

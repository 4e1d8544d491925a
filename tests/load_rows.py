"""Prints what a library reads of a build, as JSON. `prove_loads.py` runs this file in environments
that hold that library and not this package.

    python load_rows.py (datasets|pandas|polars|duckdb) BUILD

For each way of reading: how many seconds it took, and config -> split -> [rows, sha256]. The hash is
over the rows in their order, each as canonical JSON. `datasets` also reads a copy of the build whose
card tells of a row too many: "refused" says with which error.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path


def plain(value):
    """Return a value with the types of JSON, whatever a library wraps them in."""
    if hasattr(value, "tolist"):  # NumPy
        value = value.tolist()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return None if value != value else value  # pandas has NaN where nothing is


def digest(rows):
    """Return [number of rows, sha256 over them]."""
    sha, count = hashlib.sha256(), 0
    for row in rows:
        sha.update(json.dumps(plain(row), sort_keys=True, ensure_ascii=False).encode() + b"\n")
        count += 1
    return [count, sha.hexdigest()]


def files_of(build):
    """Return config -> split -> the paths of its data files, in their order."""
    found = {}
    for path in sorted(build.glob("*/*-of-*.parquet")):
        split = path.name.partition("-")[0]
        found.setdefault(path.parent.name, {}).setdefault(split, []).append(str(path))
    return found


def with_datasets(build):
    import datasets

    def read(load):
        start = time.perf_counter()
        found = {
            config: {split: digest(rows) for split, rows in load(config).items()}
            for config in files_of(build)
        }
        return [round(time.perf_counter() - start, 1), found]

    told = {
        "version": datasets.__version__,
        "path": read(lambda config: datasets.load_dataset(str(build), config)),
        "streaming": read(lambda config: datasets.load_dataset(str(build), config, streaming=True)),
        "files": read(
            lambda config: datasets.load_dataset("parquet", data_files=files_of(build)[config])
        ),
    }
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(build, copy)
        card = (copy / "README.md").read_text("utf-8")
        more = re.sub(r"num_examples: (\d+)", lambda m: f"num_examples: {int(m[1]) + 1}", card)
        (copy / "README.md").write_text(more, "utf-8")
        try:
            datasets.load_dataset(str(copy), "sft")
            told["refused"] = ""
        except Exception as error:
            told["refused"] = type(error).__name__
    return told


def by_files(build, rows):
    start = time.perf_counter()
    found = {
        config: {
            split: digest(row for path in paths for row in rows(path))
            for split, paths in splits.items()
        }
        for config, splits in files_of(build).items()
    }
    return [round(time.perf_counter() - start, 1), found]


def with_pandas(build):
    import pandas

    def rows(path):
        return pandas.read_parquet(path).to_dict("records")

    return {"version": pandas.__version__, "files": by_files(build, rows)}


def with_polars(build):
    import polars

    def rows(path):
        return polars.read_parquet(path).to_dicts()

    return {"version": polars.__version__, "files": by_files(build, rows)}


def with_duckdb(build):
    import duckdb

    def rows(path):
        found = duckdb.sql(f"SELECT * FROM '{path}'")
        return (dict(zip(found.columns, row, strict=True)) for row in found.fetchall())

    pretrain = f"'{build}/pretrain/*.parquet'"
    sound, named = duckdb.sql(
        f"SELECT bool_and(json_valid(metadata)), count(metadata ->> '$.book') FROM {pretrain}"
    ).fetchall()[0]
    if not (sound and named):
        raise SystemExit("metadata is not JSON for DuckDB")
    return {"version": duckdb.__version__, "files": by_files(build, rows)}


if __name__ == "__main__":
    print(json.dumps(globals()[f"with_{sys.argv[1]}"](Path(sys.argv[2]))))

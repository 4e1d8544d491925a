"""The manifest's format, and what it says of files and tables."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

FORMAT = 1


def describe(path: Path) -> dict[str, Any]:
    """Return size in bytes and sha256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def fingerprint(content: dict[str, Any]) -> str:
    """Return 64 bits (hex) over a manifest without its own fingerprint."""
    told = json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.sha256(told).hexdigest()[:16]


def count(column: pa.ChunkedArray) -> Counter:
    """Return how often each value of a string column occurs."""
    return Counter({v["values"]: v["counts"] for v in pc.value_counts(column).to_pylist()})


def nested_counts(table: pa.Table, columns: tuple[str, ...]) -> dict[str, Any]:
    """Return the number of rows by ``columns`` as nested dicts, sorted by key."""
    out: dict[str, Any] = {}
    grouped = table.group_by(list(columns)).aggregate([([], "count_all")])
    keys = [grouped[name].to_pylist() for name in columns]
    for *path, last, n in sorted(zip(*keys, grouped["count_all"].to_pylist(), strict=True)):
        level = out
        for key in path:
            level = level.setdefault(key, {})
        level[last] = n
    return out

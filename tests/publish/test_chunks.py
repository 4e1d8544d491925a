"""Shards are cut by their content: a version with few changes moves few bytes.

The Hub stores what a file shares with one that it has only once, by pieces whose ends follow from
the content. A parquet file helps it where its pages do likewise.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chimed_datasets.built.parquet import parquet_writer
from tests.common.text import SYLLABLES

SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string())])
PIECE = 2048


def write(path: Path, rows: list[dict], **other) -> bytes:
    table = pa.Table.from_pylist(rows, SCHEMA)
    if other:
        pq.write_table(table, path, **other)
    else:
        with parquet_writer(path, SCHEMA) as writer:
            writer.write_table(table)
    return path.read_bytes()


def shared(old: bytes, new: bytes) -> float:
    """Return the share of pieces of ``new`` that stand anywhere in ``old``."""
    pieces = [new[at : at + PIECE] for at in range(0, len(new) - PIECE, PIECE)]
    return sum(piece in old for piece in pieces) / len(pieces)


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    """Text of about 9 MB: a page holds a quarter of a megabyte at least, and 1 at most."""
    drawn = np.random.default_rng(0).choice(list(SYLLABLES), (3000, 1000))
    return [{"id": f"r{k:05d}", "text": "".join(text)} for k, text in enumerate(drawn)]


def test_one_record_less_leaves_most_bytes_as_they_were(rows, tmp_path):
    old = write(tmp_path / "old.parquet", rows)
    new = write(tmp_path / "new.parquet", [*rows[:700], *rows[701:]])
    assert shared(old, new) > 0.8
    plain = [
        write(tmp_path / f"{k}.parquet", some, compression="zstd")
        for k, some in enumerate((rows, [*rows[:700], *rows[701:]]))
    ]
    assert shared(*plain) < 0.5, "the measure tells the two ways of writing apart"

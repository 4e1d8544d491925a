"""The ledger: one row for every record that did not reach the output, and why.

Columns: ``id``, ``source``, ``key`` (file and row it came from), ``stage``, ``rule``,
``evidence`` (a short piece of text or a figure), ``twin`` (the record kept in its stead).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("key", pa.string()),
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("evidence", pa.string()),
        ("twin", pa.string()),
    ]
)
EVIDENCE_CHARS = 120


class Result(NamedTuple):
    """What a stage returns.

    batch:  the records that go on, same schema as came in.
    drops:  ledger rows (:data:`SCHEMA`) of those that do not.
    counts: how many texts each named rule changed, for the closing table.
    """

    batch: pa.RecordBatch
    drops: pa.RecordBatch
    counts: dict[str, int]


def rows(
    batch: pa.RecordBatch, stage: str, refused: Mapping[int, tuple[str, str]], twins=None
) -> pa.RecordBatch:
    """Return ledger rows for ``refused``: batch row -> (rule, evidence)."""
    index = sorted(refused)
    took = batch.select(["id", "source", "key"]).take(pa.array(index, pa.int64()))
    columns = [
        *took.columns,
        pa.array([stage] * len(index), pa.string()),
        pa.array([refused[i][0] for i in index], pa.string()),
        pa.array([shorten(refused[i][1]) for i in index], pa.string()),
        pa.array([twins[i] if twins else None for i in index], pa.string()),
    ]
    return pa.record_batch(columns, schema=SCHEMA)


def part(
    batch: pa.RecordBatch,
    stage: str,
    refused: Mapping[int, tuple[str, str]],
    counts: dict[str, int] | None = None,
) -> Result:
    """Part a batch: the rows in ``refused`` go to the ledger, the rest go on."""
    drops = rows(batch, stage, refused)
    if refused:
        keep = np.ones(batch.num_rows, bool)
        keep[list(refused)] = False
        batch = batch.filter(pa.array(keep))
    return Result(batch, drops, counts or {})


def shorten(text: str, limit: int = EVIDENCE_CHARS) -> str:
    """Return ``text`` on one line, cut in the middle where it is longer than ``limit``."""
    line = " ".join(text.split())
    half = (limit - 1) // 2
    return line if len(line) <= limit else f"{line[:half]}…{line[-half:]}"

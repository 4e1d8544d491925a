"""Stages as tests call them: a table goes in, and what comes out is a table again."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from chimed_datasets.records import Batch, Document, Record, to_batch

COMMON = {"source": "s", "license": "cc0", "domain": "modern"}


def batch_of(*some: Record | str) -> pa.RecordBatch:
    """Return records of one kind as a table; a text is a document whose key is its number."""
    made = [Document(str(i), one) if isinstance(one, str) else one for i, one in enumerate(some)]
    return to_batch(made, **COMMON)


class OnTables:
    """A stage that takes a table in place of a batch; what it returns holds the table of its batch."""

    def __init__(self, stage: Any) -> None:
        self.stage = stage

    def __call__(self, table: pa.RecordBatch) -> Any:
        result = self.stage(Batch(table))
        return result._replace(batch=result.batch.table)

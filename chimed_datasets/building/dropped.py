"""The rows of the ledger that tell what was dropped, however many there are.

Millions of bad rows would be more than all else that a build holds: those of the units stay in
their files and are read some thousand at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..records import ledger

GROUP_ROWS = 1 << 20
"""Rows of a row group of a Parquet file, as Arrow writes a table."""


def while_read(table: pa.Table) -> pa.Table:
    """Return the ledger's rows of what could not be read."""
    return table.filter(pc.equal(table["stage"], "read"))


@dataclass(frozen=True)
class Dropped:
    """Rows of the ledger, in their order.

    files:   ledgers of units, as Parquet.
    more:    the rows behind those, in memory.
    reading: only the rows that could not be read are meant.
    """

    files: Sequence[Path] = ()
    more: pa.Table = field(default_factory=ledger.SCHEMA.empty_table)
    reading: bool = False

    def tables(self, *columns: str) -> Iterator[pa.Table]:
        """Yield all rows, some at a time. columns: of these alone, if any is named."""
        names = list(columns or ledger.SCHEMA.names)
        wanted = list(dict.fromkeys([*names, *(["stage"] if self.reading else [])]))
        for path in self.files:
            with pq.ParquetFile(path) as file:
                for number in range(file.num_row_groups):
                    yield self._meant(file.read_row_group(number, wanted)).select(names)
        yield self._meant(self.more).select(names)

    def _meant(self, table: pa.Table) -> pa.Table:
        return while_read(table) if self.reading else table

    def __len__(self) -> int:
        if self.reading:
            return sum(map(len, self.tables("stage")))
        stored = sum(int(pq.read_metadata(path).num_rows) for path in self.files)
        return stored + int(self.more.num_rows)

    def counts(self, *columns: str) -> Counter[tuple[str, ...]]:
        """Return how many rows have which values in ``columns``."""
        out: Counter[tuple[str, ...]] = Counter()
        for table in self.tables(*columns):
            grouped = table.group_by(list(columns)).aggregate([([], "count_all")])
            keys = zip(*(grouped[name].to_pylist() for name in columns), strict=True)
            for key, n in zip(keys, grouped["count_all"].to_pylist(), strict=True):
                out[key] += n
        return out

    def write(self, path: Path) -> None:
        """Write all rows to a Parquet file, the same bytes as of one table that holds them."""
        with pq.ParquetWriter(path, ledger.SCHEMA, compression="zstd") as out:
            groups = 0
            for group in self._groups():
                out.write_table(group)
                groups += 1
                del group  # before the next one is made
            if not groups:
                out.write_table(ledger.SCHEMA.empty_table())

    def _groups(self) -> Iterator[pa.Table]:
        """Yield all rows in tables of GROUP_ROWS, each column in one piece."""
        held: list[pa.Table] = []
        size = 0
        for table in self.tables():
            while table.num_rows:
                part = table.slice(0, GROUP_ROWS - size)
                table = table.slice(part.num_rows)
                held.append(part)
                size += part.num_rows
                if size == GROUP_ROWS:
                    yield _joined(held)
                    size = 0
        if size:
            yield _joined(held)


def _joined(held: list[pa.Table]) -> pa.Table:
    """Return the tables as one, each column in one piece, and empty the list."""
    columns: dict[str, Any] = {}
    for name in ledger.SCHEMA.names:
        parts = [chunk for table in held for chunk in table[name].chunks]
        held[:] = [table.drop_columns([name]) for table in held]
        columns[name] = _in_one(parts)
    held.clear()
    return pa.table(columns, schema=ledger.SCHEMA)


def _in_one(parts: list[pa.StringArray]) -> pa.StringArray | pa.ChunkedArray:
    """Return the texts of all parts in one piece, if they fit in one, and empty the list. Each part
    goes as soon as it is copied, so that two copies of all are not held."""
    bounds = [np.frombuffer(p.buffers()[1], np.int32, len(p) + 1, 4 * p.offset) for p in parts]
    sizes = [int(bound[-1]) - int(bound[0]) for bound in bounds]
    if any(part.null_count for part in parts) or sum(sizes) > np.iinfo(np.int32).max:
        return pa.table({"": pa.chunked_array(parts)}).combine_chunks()[""]
    data = np.empty(sum(sizes), np.uint8)
    ends = [np.zeros(1, np.int32)]
    at = 0
    parts.reverse()
    pool = pa.default_memory_pool()
    for bound, size in zip(bounds, sizes, strict=True):
        part = parts.pop()
        if size:
            data[at : at + size] = np.frombuffer(part.buffers()[2], np.uint8, size, int(bound[0]))
        ends.append(bound[1:] - (bound[0] - np.int32(at)))
        at += size
        del part
        pool.release_unused()
    offsets = np.concatenate(ends)
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))

"""Which dropped records keep their texts, and these texts on their way to the end of a build.

A unit writes the records that its stages drop as they were before each stage, in Arrow batches,
into files beside its ledger; `texts` makes ``ledger/texts.parquet`` of them. Of a sample those stay
whose id has the least hash, so that it is the same however the work is cut.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from itertools import count, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .. import records
from ..built.texts import SAMPLE
from ..recipe import takedowns
from ..records.ledger import as_read

DROPPED = [
    ("stage", pa.string()),
    ("rule", pa.string()),
    ("before", pa.string()),
    ("batch", pa.int32()),
    ("row", pa.int32()),
]
"""Columns behind those of a kind: what dropped the record, and before which stage it was so, the
stage itself in the end; which batch it was read in, and its row there. Those that were taken down
stand under that, to know their copies by."""
RAW = pa.schema([(name, pa.string()) for name in ("id", "key", "stage", "rule", "text")])
"""Rows that are no records."""


class Keep(NamedTuple):
    """Of how many records of a rule and source the texts are kept (None: of all), and the seed."""

    most: int | None = 0
    seed: int = 0

    @classmethod
    def of(cls, texts: str, seed: int) -> Keep:
        """texts: "all", "sample" or "none", as a recipe has it."""
        return cls({"all": None, "sample": SAMPLE, "none": 0}[texts], seed)


def raw_path(folder: Path) -> Path:
    """Return where a unit's rows lie that are no records."""
    return folder / "dropped-none.arrow"


def dropped_path(folder: Path, kind: str) -> Path:
    """Return where a unit's dropped records of a kind lie."""
    return folder / f"dropped-{kind}.arrow"


_MASK = (1 << 64) - 1
_STEP, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_HEX = np.zeros(256, np.uint64)
_HEX[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
_SHIFTS = np.arange(60, -1, -4, dtype=np.uint64)


def hashes(ids: pa.StringArray, seed: int) -> np.ndarray:
    """Return uint64[n]: a seeded hash of each record's id.

    An id ends with a hash of its own; this one is of its last 16 digits (splitmix64).
    """
    if not len(ids):
        return np.zeros(0, np.uint64)
    ends = np.frombuffer(ids.buffers()[1], np.int32, len(ids) + 1, 4 * ids.offset)[1:]
    data = np.frombuffer(ids.buffers()[2], np.uint8)
    digits = _HEX[data[np.maximum(ends[:, None] + np.arange(-16, 0), 0)]]
    one = (digits << _SHIFTS).sum(axis=1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        one = one + np.uint64((seed + 1) * _STEP & _MASK)
        one = (one ^ (one >> np.uint64(30))) * np.uint64(_FIRST)
        one = (one ^ (one >> np.uint64(27))) * np.uint64(_SECOND)
        mixed: np.ndarray = one ^ (one >> np.uint64(31))
        return mixed


def hash_of(name: str, seed: int) -> int:
    """Return the same of one id: an array for each would cost more than all else."""
    one = int(name[-16:], 16) + (seed + 1) * _STEP & _MASK
    one = (one ^ (one >> 30)) * _FIRST & _MASK
    one = (one ^ (one >> 27)) * _SECOND & _MASK
    return one ^ (one >> 31)


class Least:
    """Takes those of each rule that have one of the ``most`` least hashes so far: in the end these,
    and some that were among them for a while."""

    def __init__(self, keep: Keep) -> None:
        self.keep = keep
        self._held: dict[tuple[str, str], list[int]] = {}  # of each rule the hashes, negated

    def takes(self, stage: str, rules: Sequence[str], ids: pa.StringArray) -> list[int]:
        """Return which rows of a stage are taken."""
        most = self.keep.most
        if most is None:
            return list(range(len(ids)))
        ranked = zip(rules, hashes(ids, self.keep.seed).tolist(), strict=True)
        return [
            row for row, (rule, one) in enumerate(ranked) if self._is_low(stage, rule, one, most)
        ]

    def takes_one(self, stage: str, rule: str, name: str) -> bool:
        """Return whether one record is taken."""
        most = self.keep.most
        if most is None:
            return True
        return self._is_low(stage, rule, hash_of(name, self.keep.seed), most)

    def _is_low(self, stage: str, rule: str, one: int, most: int) -> bool:
        held = self._held.setdefault((stage, rule), [])
        if len(held) < most:
            heapq.heappush(held, -one)
        elif one < -held[0]:
            heapq.heapreplace(held, -one)
        else:
            return False
        return True


class KeptTexts:
    """Writes the dropped records of a unit that keep their texts, as they come; of a sample it
    holds hashes alone, however many are dropped."""

    def __init__(self, keep: Keep, source: str, part: Path, removed: Collection[str]) -> None:
        self.keep, self.source, self.part, self.removed = keep, source, part, removed
        self._least = Least(keep)
        self._exits = ExitStack()
        self._writers: dict[Path, Any] = {}
        self._batch, self._ids = -1, pa.nulls(0, pa.string())

    def __enter__(self) -> KeptTexts:
        return self

    def __exit__(self, *error: object) -> None:
        self._exits.close()

    def begin(self, batch: pa.RecordBatch) -> None:
        """Begin with a batch as it was read."""
        self._batch += 1
        self._ids = batch["id"]

    def add(self, states: Sequence[tuple[str, pa.RecordBatch]], drops: pa.RecordBatch) -> None:
        """Add what a stage dropped. states: the batch before each stage up to this one."""
        if self.keep.most == 0 or not drops.num_rows:
            return
        if self.removed:
            listed = pc.is_in(drops["id"], pa.array(sorted(self.removed)))
            self._put(states[-1:], drops.filter(listed), takedowns.STAGE)
            drops = drops.filter(pc.invert(listed))
            if not drops.num_rows:
                return
        stage = drops["stage"][0].as_py()
        taken = self._least.takes(stage, drops["rule"].to_pylist(), drops["id"])
        self._put(states, drops.take(pa.array(taken, pa.int64())), stage)

    def _put(
        self, states: Sequence[tuple[str, pa.RecordBatch]], drops: pa.RecordBatch, stage: str
    ) -> None:
        if not drops.num_rows:
            return
        kind = records.kind_of(states[-1][1])
        schema = pa.schema([*records.SCHEMAS[kind], *map(pa.field, *zip(*DROPPED, strict=True))])
        ids, at = None, pa.nulls(0)
        place = pc.index_in(drops["id"], value_set=self._ids)
        for number, (before, table) in enumerate(states, 1):
            before = stage if number == len(states) else before
            if ids is None or not table["id"].equals(ids):  # few stages drop any of a batch
                ids = table["id"]
                at = pc.index_in(drops["id"], value_set=ids)
            rows = table.take(at.drop_null())
            rules = drops["rule"].filter(at.is_valid())
            n = len(rows)
            more = [pa.repeat(stage, n), rules, pa.repeat(before, n)]
            more += [pa.repeat(pa.scalar(self._batch, pa.int32()), n), place.filter(at.is_valid())]
            self._write(
                dropped_path(self.part, kind), pa.record_batch([*rows.columns, *more], schema)
            )

    def add_read(self, row: records.Malformed) -> None:
        """Add a row that is no record, where it holds what was read; this is let go."""
        value, row.read = row.read, None
        if self.keep.most == 0 or value is None:
            return
        name = records.record_id(self.source, row.key)
        stage = takedowns.STAGE if name in self.removed else "read"
        if stage != "read" or self._least.takes_one(stage, row.rule, name):
            told = [name, row.key, stage, row.rule, as_read(value)]
            self._write(raw_path(self.part), pa.record_batch([[one] for one in told], RAW))

    def _write(self, path: Path, batch: pa.RecordBatch) -> None:
        if path not in self._writers:
            sink = self._exits.enter_context(pa.OSFile(str(path), "wb"))
            self._writers[path] = self._exits.enter_context(pa.ipc.new_file(sink, batch.schema))
        self._writers[path].write_batch(batch)


def least(most: int, seed: int, groups: Sequence[Any], ids: pa.StringArray) -> list[int]:
    """Return the rows that a sample holds: of each group those with the least hashes, in the order
    of groups and hashes. groups: of each row, what can be sorted."""
    ranked = sorted(zip(groups, hashes(ids, seed).tolist(), ids.to_pylist(), count()))
    every = (list(rows) for _, rows in groupby(ranked, key=itemgetter(0)))
    return [row for rows in every for *_, row in rows[:most]]

"""Write: the kept records become rows of the configs, shard by shard, in zstd parquet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..built.manifest import FileHash, describe
from ..built.parquet import file_schema, parquet_writer
from ..built.statistics import Tally, merge, tally
from ..lang import _, retold
from ..plugins import Guest
from ..recipe import Recipe
from ..records import ledger
from ..rows import Builder, Refusal, Rows, builders
from ..rows.labels import Labels, labelled
from ..stages.split import SPLITS
from . import checkpoint
from .decide.keep import Decision
from .store import Store
from .timing import Task, Took, Watch

GROUP_ROWS, GROUP_BYTES = 10_000, 32 * 1024 * 1024
"""A parquet row group ends at either: small enough to stream, large enough to compress."""


@dataclass(frozen=True)
class Shard:
    """One parquet file to be: which records may give it rows."""

    config: str
    split: str
    number: int
    indices: np.ndarray

    @property
    def place(self) -> str:
        """The folder of its checkpoint, under the folder of the work."""
        return f"shards/{self.config}-{self.split}-{self.number:05d}"


class WriteContext(NamedTuple):
    """What every worker needs for `write`. ``key``: of all that the shards are made from."""

    store: Store
    sizes: np.ndarray  # int64: bytes of text of every record
    folder: Path
    key: str
    settings: dict[str, Any]
    choices: dict[str, Any]
    word_sample: float
    labels: Labels | None = None
    guests: tuple[Guest, ...] = ()  # builders from outside the package


_DATA, _EMITTED, _REFUSED = "data.parquet", "emitted.npy", "refused.parquet"
REFUSALS = pa.schema([("index", pa.int64()), ("rule", pa.string()), ("evidence", pa.string())])


class ShardReport(NamedTuple):
    """What became of a shard: its folder, how many rows there are, their tally, what is said of its
    data file, and what it took. What tells of every record stays on disk."""

    config: str
    split: str
    folder: Path
    rows: int
    tally: Tally
    file: FileHash
    took: Took

    @property
    def path(self) -> Path:
        return self.folder / _DATA

    def task(self, before: bool) -> Task:
        """Return what is told of the shard's time. before: whether an earlier run wrote it."""
        of = f"{self.config}/{self.split}"
        drops = len(self.refused())
        return Task("write", self.folder.name, of, self.rows, drops, self.took, before)

    def emitted(self) -> np.ndarray:
        """Return int64[m, 2]: the indices of records, and how many rows each gave."""
        emitted: np.ndarray = np.load(self.folder / _EMITTED)
        return emitted

    def refused(self) -> pa.Table:
        """Return :data:`REFUSALS`: the records that gave none, and why, in their order."""
        return pq.read_table(self.folder / _REFUSED, schema=REFUSALS)


def shards(
    recipe: Recipe,
    configs: Collection[str],
    store: Store,
    features: np.ndarray,
    decision: Decision,
) -> list[Shard]:
    """Cut each split of each of ``configs`` into shards of about ``recipe.shard_size`` of text."""
    kinds = store.kinds()
    out = []
    for builder in builders(recipe.guest_builders).values():
        if builder.name not in configs:
            continue
        fits = np.isin(kinds, builder.kinds) & decision.keep
        for code, split in enumerate(SPLITS):
            indices = np.flatnonzero(fits & (decision.split == code))
            if len(indices) == 0:
                continue
            ends = np.cumsum(features["bytes"][indices])
            number = (ends - 1).clip(0) // recipe.shard_size
            cuts = np.flatnonzero(np.diff(number)) + 1
            for k, part in enumerate(np.split(indices, cuts)):
                out.append(Shard(builder.name, split, k, part))
    return out


def finished_shards(
    context: WriteContext, cut: list[Shard]
) -> tuple[dict[str, ShardReport], list[str]]:
    """Return the reports by place of the shards that an earlier run finished, and why others are
    not used."""
    reports: dict[str, ShardReport] = {}
    refused, stale = [], 0
    for shard in cut:
        content, reason = checkpoint.finished(context.folder / shard.place, context.key)
        if content:
            reports[shard.place] = _report(context, shard, content)
        elif reason == checkpoint.CHANGED:
            stale += 1
        elif reason:
            said = _("checkpoint {place} is not used: {reason}")
            refused.append(said.format(place=shard.place, reason=retold(reason)))
    if stale:
        said = _("writes again: {stale} of {all} shards, for what they are made from changed")
        refused.append(said.format(stale=stale, all=len(cut)))
    return reports, refused


def write_shard(context: WriteContext, shard: Shard) -> ShardReport:
    """Turn a shard's records into rows and write them as zstd parquet: a checkpoint."""
    with checkpoint.making(context.folder / shard.place) as part:
        content = _write(context, shard, part)
        checkpoint.seal(part, context.key, content)
    return _report(context, shard, content)


def _report(context: WriteContext, shard: Shard, content: dict[str, Any]) -> ShardReport:
    folder = context.folder / shard.place
    took = Took(**content["took"])
    return ShardReport(shard.config, shard.split, folder, **{**content, "took": took})


def _write(context: WriteContext, shard: Shard, part: Path) -> dict[str, Any]:
    watch = Watch()
    builder = builders(context.guests)[shard.config]
    refused = [REFUSALS.empty_table()]
    emitted: list[np.ndarray] = [np.zeros(0, np.int64)]
    tallies = []

    def tables() -> Iterator[tuple[np.ndarray, pa.Table]]:
        for where, found in config_rows(builder, context, shard.indices):
            if found.refused:
                refused.append(_refusals(where, found.refused))
            emitted.append(where[found.record])
            yield emitted[-1], found.table

    schema = file_schema(builder.columns)
    with parquet_writer(part / _DATA, schema) as writer:
        for table in _row_groups(tables(), context.sizes):
            watch.lap("rows")
            writer.write_table(table)
            watch.lap("parquet")
            tallies.append(tally(table, context.word_sample))
            watch.lap("count")
        watch.lap("rows")
    record, rows = np.unique(np.concatenate(emitted), return_counts=True)
    np.save(part / _EMITTED, np.stack([record, rows], axis=1).astype(np.int64))
    pq.write_table(pa.concat_tables(refused), part / _REFUSED)
    described = describe(part / _DATA)
    watch.lap("parquet")
    watch.took.bytes = (part / _DATA).stat().st_size
    return {
        "rows": int(rows.sum()),
        "tally": merge(tallies),
        "file": described,
        "took": asdict(watch.took),
    }


def _refusals(where: np.ndarray, refused: Sequence[tuple[int, Refusal]]) -> pa.Table:
    """Return :data:`REFUSALS`; ``refused`` counts among the records at ``where``."""
    rows, given = zip(*refused, strict=True)
    number: dict[Refusal, int] = {}  # most are of few kinds
    kind = pa.array([number.setdefault(why, len(number)) for why in given], pa.int32())
    rules = pa.array([why.rule for why in number], pa.string())
    evidence = pa.array([ledger.shorten(why.evidence) for why in number], pa.string())
    columns = [where[list(rows)], rules.take(kind), evidence.take(kind)]
    return pa.table(columns, schema=REFUSALS)


def _row_groups(
    tables: Iterable[tuple[np.ndarray, pa.Table]], sizes: np.ndarray
) -> Iterator[pa.Table]:
    """Put rows together, and part them, into row groups.

    tables: rows, and the record of each. sizes: int64, bytes of text of every record.
    """
    held: list[pa.Table] = []
    rows = size = 0
    for where, table in tables:
        start = 0
        while start < len(table):
            reached = size + np.cumsum(sizes[where[start:]])
            full = int(np.searchsorted(reached, GROUP_BYTES)) + 1
            count = min(len(table) - start, GROUP_ROWS - rows, full)
            held.append(table.slice(start, count))
            rows, size, start = rows + count, int(reached[count - 1]), start + count
            if rows >= GROUP_ROWS or size >= GROUP_BYTES:
                yield pa.concat_tables(held).combine_chunks()
                held, rows, size = [], 0, 0
    if held:
        yield pa.concat_tables(held).combine_chunks()


def config_rows(
    builder: Builder, context: WriteContext, indices: np.ndarray
) -> Iterator[tuple[np.ndarray, Rows]]:
    """Yield the rows of the records at ascending ``indices``, with the indices of the records that
    :attr:`Rows.record` counts among."""
    if builder.sift is None:
        for where, batch in context.store.take(indices):
            yield where, _rows(builder, context, where, batch)
        return
    sift, settings = builder.sift, context.settings[builder.name]
    for where, left, batch, out in context.store.sifted(indices, lambda one: sift(one, settings)):
        found = _rows(builder, context, where[left], batch)
        refused = [(int(left[row]), why) for row, why in found.refused]
        refused = sorted([*out, *refused], key=itemgetter(0)) if refused else out
        yield where, Rows(found.table, left[found.record], refused)


def _rows(
    builder: Builder, context: WriteContext, where: np.ndarray, batch: pa.RecordBatch
) -> Rows:
    """Return the rows of a batch of records at ``where``, none of which is sifted out."""
    if batch.num_rows == 0:
        return Rows(builder.schema.empty_table(), np.zeros(0, np.int64), [])
    found = _by_columns(builder, context, batch)
    if found is None:
        return _one_by_one(builder, context, where, batch)
    if len(found.left):
        rest = batch.take(pa.array(found.left))
        return _together(found, _one_by_one(builder, context, where[found.left], rest))
    return found


def _by_columns(builder: Builder, context: WriteContext, batch: pa.RecordBatch) -> Rows | None:
    if builder.to_table is None or context.labels is not None:
        return None
    choice = [] if builder.choose is None else [context.choices[builder.name]]
    return builder.to_table(batch, context.settings[builder.name], *choice)


def _together(found: Rows, others: Rows) -> Rows:
    """Return the rows of a batch, of which ``others`` are those of the records that were left."""
    record = np.concatenate([found.record, found.left[others.record]])
    order = np.argsort(record, kind="stable")
    table = pa.concat_tables([found.table, others.table]).take(pa.array(order))
    refused = [*found.refused, *((int(found.left[row]), why) for row, why in others.refused)]
    return Rows(table, record[order], sorted(refused, key=lambda pair: pair[0]))


def _one_by_one(
    builder: Builder, context: WriteContext, where: np.ndarray, batch: pa.RecordBatch
) -> Rows:
    settings, choice = context.settings[builder.name], context.choices[builder.name]
    rows, record, refused = [], [], []
    for row, made in enumerate(labelled(batch, where, context.labels)):
        for one in builder.to_row(made, settings, choice):
            if isinstance(one, dict):
                rows.append(one)
                record.append(row)
            else:
                refused.append((row, one))
    table = pa.Table.from_pylist(rows, builder.schema)
    return Rows(table, np.array(record, np.int64), refused)

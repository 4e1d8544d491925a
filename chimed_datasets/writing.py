"""Write: the kept records become rows of the configs, shard by shard, in zstd parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from . import checkpoint, ledger
from .deciding import Decision
from .declaration import Builder, builders
from .executors.local import LocalExecutor
from .labelling import Labels, put
from .parquet import parquet_writer
from .recipe import Recipe
from .stages.split import SPLITS
from .statistics import merge, tally
from .store import Store

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


@dataclass
class ShardReport:
    """What became of a shard: file, rows by record, refusals, and the tally of its rows."""

    shard: Shard
    path: Path
    rows: int
    emitted: np.ndarray  # int64[m, 2]: record index, its rows
    refused: list[tuple[int, str, str]]
    tally: dict[str, Any]


def shards(recipe: Recipe, store: Store, features: np.ndarray, decision: Decision) -> list[Shard]:
    """Cut each split of each config into shards of about ``recipe.shard_size`` of text."""
    kinds = store.kinds()
    out = []
    for builder in builders().values():
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


_DATA, _EMITTED = "data.parquet", "emitted.npy"


def finished_shards(
    context: WriteContext, cut: list[Shard]
) -> tuple[dict[str, ShardReport], list[str]]:
    """Return the reports by place of the shards that an earlier run finished, and why others are
    not used."""
    reports: dict[str, ShardReport] = {}
    refused = []
    for shard in cut:
        told, reason = checkpoint.finished(context.folder / shard.place, context.key)
        if told:
            reports[shard.place] = _report(context, shard, told)
        elif reason:
            refused.append(f"checkpoint {shard.place} is not used: {reason}")
    return reports, refused


def write_shard(context: WriteContext, shard: Shard) -> ShardReport:
    """Turn a shard's records into rows and write them as zstd parquet: a checkpoint."""
    with checkpoint.making(context.folder / shard.place) as part:
        told = _write(context, shard, part)
        checkpoint.seal(part, context.key, told)
    return _report(context, shard, told)


def _report(context: WriteContext, shard: Shard, told: dict[str, Any]) -> ShardReport:
    part = context.folder / shard.place
    refused = [(index, rule, evidence) for index, rule, evidence in told["refused"]]
    return ShardReport(
        shard, part / _DATA, told["rows"], np.load(part / _EMITTED), refused, told["tally"]
    )


def _write(context: WriteContext, shard: Shard, part: Path) -> dict[str, Any]:
    builder = builders()[shard.config]
    path = part / _DATA
    refused: list[tuple[int, str, str]] = []
    emitted: list[tuple[int, int]] = []
    tallies = []
    total = 0
    with parquet_writer(path, builder.features.arrow_schema) as writer:
        for rows in _row_groups(builder, context, shard, emitted, refused):
            writer.write_table(pa.Table.from_pylist(rows, builder.features.arrow_schema))
            tallies.append(tally(rows, context.word_sample))
            total += len(rows)
    np.save(part / _EMITTED, np.array(emitted, np.int64).reshape(-1, 2))
    return {"rows": total, "refused": refused, "tally": merge(tallies)}


def _row_groups(
    builder: Builder,
    context: WriteContext,
    shard: Shard,
    emitted: list[tuple[int, int]],
    refused: list[tuple[int, str, str]],
) -> Iterator[list[dict]]:
    held: list[dict] = []
    size = 0
    for index, row in config_rows(builder, context, shard.indices):
        if not isinstance(row, dict):
            refused.append((index, row.rule, ledger.shorten(row.evidence)))
            continue
        if emitted and emitted[-1][0] == index:
            emitted[-1] = (index, emitted[-1][1] + 1)
        else:
            emitted.append((index, 1))
        held.append(row)
        size += context.sizes[index]
        if len(held) >= GROUP_ROWS or size >= GROUP_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


def config_rows(
    builder: Builder, context: WriteContext, indices: np.ndarray
) -> Iterator[tuple[int, Any]]:
    """Yield (record index, row or Refusal) of the records at ascending ``indices``."""
    settings, choice = context.settings[builder.name], context.choices[builder.name]
    for where, batch in context.store.take(indices):
        for index, record in zip(where.tolist(), batch.to_pylist(), strict=True):
            put(record, index, context.labels)
            for row in builder.to_row(record, settings, choice):
                yield index, row


SURVEYED_AT_ONCE = 20_000
"""Records that a worker surveys in one go."""


class Survey(NamedTuple):
    """What every worker needs to survey records for one config."""

    store: Store
    split: np.ndarray  # int8: an index into SPLITS, of every record
    config: str
    settings: Any


def choice(
    builder: Builder, settings: Any, store: Store, decision: Decision, executor: LocalExecutor
) -> Any:
    """Return what ``builder`` chooses over all kept records, or None where it does not."""
    if builder.survey is None or builder.choose is None:
        return None
    mine = np.flatnonzero(decision.keep & np.isin(store.kinds(), builder.kinds))
    parts = np.split(mine, range(SURVEYED_AT_ONCE, len(mine), SURVEYED_AT_ONCE))
    shared = Survey(store, decision.split, builder.name, settings)
    found = [figures for part in executor.run(_survey, shared, parts) for figures in part]
    return builder.choose(found, settings)


def _survey(shared: Survey, indices: np.ndarray) -> list[np.ndarray]:
    survey = builders()[shared.config].survey
    assert survey is not None
    return [
        survey(batch, shared.split[where], shared.settings)
        for where, batch in shared.store.take(indices)
    ]

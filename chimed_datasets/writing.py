"""Write: the kept records become rows of the configs, shard by shard, in zstd parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from . import ledger
from .deciding import Decision
from .declaration import Bounds, Builder, builders
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


class WriteContext(NamedTuple):
    """What every worker needs for `write`."""

    store: Store
    sizes: np.ndarray  # int64: bytes of text of every record
    folder: Path
    settings: dict[str, Any]
    bounds: dict[str, Bounds | None]
    word_sample: float


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


def write_shard(context: WriteContext, shard: Shard) -> ShardReport:
    """Turn a shard's records into rows and write them as zstd parquet."""
    builder = builders()[shard.config]
    path = context.folder / f"{shard.config}-{shard.split}-{shard.number:05d}.parquet"
    refused: list[tuple[int, str, str]] = []
    emitted: list[tuple[int, int]] = []
    tallies = []
    total = 0
    with parquet_writer(path, builder.features.arrow_schema) as writer:
        for rows in _row_groups(builder, context, shard, emitted, refused):
            writer.write_table(pa.Table.from_pylist(rows, builder.features.arrow_schema))
            tallies.append(tally(rows, context.word_sample))
            total += len(rows)
    counts = np.array(emitted, np.int64).reshape(-1, 2)
    return ShardReport(shard, path, total, counts, refused, merge(tallies))


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
    settings, bounds = context.settings[builder.name], context.bounds[builder.name]
    for where, batch in context.store.take(indices):
        for index, record in zip(where.tolist(), batch.to_pylist(), strict=True):
            for row in builder.to_row(record, settings, bounds):
                yield index, row


def bounds(builder: Builder, settings: Any, store: Store, decision: Decision) -> Bounds | None:
    """Return the percentiles of what ``builder`` measures over the kept records.

    The low one is rounded down and the high one up to a measured figure, so that small sets
    lose nothing to them.
    """
    if builder.measure is None:
        return None
    figures = [builder.measure(batch) for _, batch in store.take(np.flatnonzero(decision.keep))]
    every = np.concatenate([*figures, np.zeros(0, np.int64)])
    if len(every) == 0:
        return None
    low, high = settings.length_percentiles
    return Bounds(
        float(np.percentile(every, low, method="lower")),
        float(np.percentile(every, high, method="higher")),
    )

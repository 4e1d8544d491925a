"""The plan of a build, in the order a reader would tell it.

    plan    the sources' files become units of work
    read    each unit: decode, clean, simplify, filter, mask, decontaminate   (workers)
    decide  over all records: duplicates, who is kept, who goes to which split
    write   each shard of each config: rows to parquet                       (workers)
    close   the account, statistics, manifest and card; then one rename

Between `read` and `write` the records lie in Arrow files (:mod:`.store`). Nothing depends on how
many workers there are: units, batches and shards are cut by size alone, and every result is
taken in the order of the plan.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from . import benchmarks, ledger, records, sources
from .errors import BuildError, RecipeError
from .executors.local import LocalExecutor
from .recipe import Recipe, Source
from .sources import FileReport, SourceFile
from .sources._files import resolve, sha256
from .stages.decontaminate import Index
from .stages.deduplicate import cluster, keepers, record_texts
from .stages.split import SPLITS
from .store import Segment, Store

if TYPE_CHECKING:
    from .declaration import Bounds, Builder

UNIT_BYTES = 8 * 1024 * 1024
"""Files of a source are put together into units of work of about this size."""
GROUP_ROWS, GROUP_BYTES = 10_000, 32 * 1024 * 1024
"""A parquet row group ends at either: small enough to stream, large enough to compress."""
LANES = {"document": 0, "thread": 1, "dialogue": 1}
"""Records of different lanes feed different configs and are not dropped for one another."""
CANDIDATES_LANE = 2

Progress = Callable[[str, int, int, int], None]
"""Called with (phase, parts done, parts in all, records or rows so far)."""


def _silent(phase: str, done: int, total: int, count: int) -> None:
    pass


# --- plan ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unit:
    """Files of one source that are read together; ``limit`` bounds their records."""

    number: int
    source: Source
    files: tuple[SourceFile, ...]
    limit: int | None = None


class Plan(NamedTuple):
    """The work, and every source's files by the source's name."""

    units: list[Unit]
    files: dict[str, list[SourceFile]]

    def hashes(self) -> dict[str, list[str]]:
        """Return the sha256 of every source's files, in their order."""
        with ThreadPoolExecutor(4) as pool:  # hashing and reading both let go of the GIL
            return {name: list(pool.map(sha256, files)) for name, files in self.files.items()}


def plan(recipe: Recipe, staging: Path, limit: int | None = None) -> Plan:
    """Find every source's files and cut them into units.

    Raises :class:`SourceError` for a path that leads nowhere, before anything is written but
    the archives unpacked into ``staging``.
    """
    units: list[Unit] = []
    files: dict[str, list[SourceFile]] = {}
    for source in recipe.sources:
        layout = sources.layout(source.layout)
        found = resolve(source.path, recipe.base, staging / source.name, layout.suffixes)
        files[source.name] = found
        together = layout.joined or limit is not None
        for group in [found] if together else _groups(found):
            units.append(Unit(len(units), source, tuple(group), limit))
    return Plan(units, files)


def _groups(files: Iterable[SourceFile]) -> Iterator[list[SourceFile]]:
    group: list[SourceFile] = []
    size = 0
    for file in files:
        if group and size + file.size > UNIT_BYTES:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.size
    if group:
        yield group


# --- read ------------------------------------------------------------------------------------


class Chain(NamedTuple):
    """What every worker needs for `read`."""

    folder: Path
    stages: tuple[Any, ...]
    features: Callable[[pa.RecordBatch], Any]
    feature_type: np.dtype


class Match(NamedTuple):
    """A benchmark item found in a record."""

    benchmark: str
    item: str
    record: str
    text: str


@dataclass
class UnitReport:
    """What became of a unit. ``changed`` and ``seconds`` are by stage."""

    number: int
    source: str
    segments: list[Segment] = field(default_factory=list)
    read: int = 0
    chars: int = 0
    dropped: Counter = field(default_factory=Counter)
    changed: dict[str, Counter] = field(default_factory=dict)
    matches: list[Match] = field(default_factory=list)
    files: FileReport = field(default_factory=FileReport)


def read_unit(chain: Chain, unit: Unit) -> UnitReport:
    """Take one unit from bytes to clean records, features and ledger rows on disk."""
    report = UnitReport(unit.number, unit.source.name)
    source = unit.source
    malformed: list[records.Malformed] = []

    def sound() -> Iterator[records.Record]:
        layout = sources.layout(source.layout)
        found = layout.read(unit.files, source.options, report.files)
        for record in islice(found, unit.limit):
            report.read += 1
            if isinstance(record, records.Malformed):
                malformed.append(record)
            else:
                yield record

    drops: list[pa.RecordBatch] = []
    with _Writers(chain, unit) as writers:
        for batch in records.batches(
            sound(),
            source=source.name,
            license=source.license,
            domain=source.domain,
            origin=source.origin,
        ):
            report.chars += int(pc.sum(pc.utf8_length(records.leaves(batch).texts)).as_py() or 0)
            for stage in chain.stages:
                result = stage(batch)
                batch = result.batch
                drops.append(result.drops)
                report.changed.setdefault(stage.name, Counter()).update(result.counts)
                report.matches.extend(Match(*m) for m in getattr(result, "matches", ()))
            if batch.num_rows:
                writers.write(batch)
    report.segments = writers.segments
    drops.append(_malformed_rows(source.name, malformed))
    table = pa.Table.from_batches([d for d in drops if d.num_rows], ledger.SCHEMA)
    report.dropped = Counter(
        zip(table["stage"].to_pylist(), table["rule"].to_pylist(), strict=True)
    )
    pq.write_table(table, chain.folder / f"{unit.number:05d}.ledger.parquet")
    return report


def _malformed_rows(source: str, rows: Sequence[records.Malformed]) -> pa.RecordBatch:
    n = len(rows)
    columns = [
        [records.record_id(source, row.key) for row in rows],
        [source] * n,
        [row.key for row in rows],
        ["read"] * n,
        [row.rule for row in rows],
        [ledger.shorten(row.evidence) for row in rows],
        [None] * n,
    ]
    return pa.record_batch([pa.array(c, pa.string()) for c in columns], schema=ledger.SCHEMA)


class _Writers:
    """The Arrow and feature files of a unit, one of each for every kind that occurs."""

    def __init__(self, chain: Chain, unit: Unit) -> None:
        self.chain, self.unit = chain, unit
        self.open: dict[str, tuple[Any, Any, list[int], Path]] = {}
        self.segments: list[Segment] = []

    def __enter__(self) -> _Writers:
        return self

    def write(self, batch: pa.RecordBatch) -> None:
        kind = records.kind_of(batch)
        if kind not in self.open:
            path = self.chain.folder / f"{self.unit.number:05d}-{kind}.arrow"
            writer = pa.ipc.new_file(str(path), records.SCHEMAS[kind])
            self.open[kind] = (writer, feature_path(path).open("wb"), [], path)
        writer, features, rows, _ = self.open[kind]
        writer.write_batch(batch)
        rows.append(batch.num_rows)
        features.write(_feature_rows(self.chain, batch).tobytes())

    def __exit__(self, *error: object) -> None:
        for kind, (writer, features, rows, path) in self.open.items():
            writer.close()
            features.close()
            self.segments.append(Segment(path, kind, tuple(rows)))


def feature_path(segment: Path) -> Path:
    """Return where a segment's features lie: one fixed-size row for each record."""
    return segment.with_suffix(".features")


def feature_type(bands: int) -> np.dtype:
    """Return the dtype of a feature row; see :meth:`Deduplicate.features`."""
    return np.dtype(
        [
            ("exact", np.uint64, 2),
            ("bands", np.uint64, bands),
            ("prompt", np.uint64),
            ("chars", np.int64),
            ("bytes", np.int64),
            ("id", np.uint64),
            ("lane", np.int8),
        ]
    )


def _feature_rows(chain: Chain, batch: pa.RecordBatch) -> np.ndarray:
    found = chain.features(batch)
    rows = np.zeros(batch.num_rows, chain.feature_type)
    for name in ("exact", "bands", "prompt", "chars"):
        rows[name] = getattr(found, name)
    texts, row, _ = records.leaves(batch)
    sizes = pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False)
    rows["bytes"] = np.bincount(row, sizes, batch.num_rows)
    rows["id"] = [int(name[-16:], 16) for name in batch["id"].to_pylist()]
    rows["lane"] = LANES[records.kind_of(batch)]
    if "candidates" in batch.schema.names:
        rivals = pc.list_value_length(batch["candidates"]).to_numpy(zero_copy_only=False)
        rows["lane"][rivals > 0] = CANDIDATES_LANE
    return rows


# --- decide ----------------------------------------------------------------------------------


class Decision(NamedTuple):
    """What was decided over all records; every array has one entry for each.

    keep:  bool, false for duplicates.
    group: int64, index of the first record of its split group.
    split: int8, an index into SPLITS.
    drops: ledger rows of the duplicates.
    """

    keep: np.ndarray
    group: np.ndarray
    split: np.ndarray
    drops: pa.Table


def decide(recipe: Recipe, store: Store, features: np.ndarray) -> Decision:
    """Cluster, choose who is kept of each cluster, and give every group its split."""
    n = len(store)
    stage = recipe.stages.deduplicate
    keep, root = np.ones(n, bool), np.arange(n)
    drops = ledger.SCHEMA.empty_table()
    if stage is not None:
        clusters = cluster(features["exact"], features["bands"], lambda i: _texts(store, i), stage)
        root = clusters.root
        keep, twin = keepers(root, features["lane"])
        drops = _duplicate_rows(store, clusters, keep, twin)
    group, split = recipe.stages.split.assign(
        root, features["prompt"], features["id"], features["lane"], recipe.seed
    )
    return Decision(keep, group, split, drops)


def _texts(store: Store, indices: np.ndarray) -> pa.StringArray:
    """Return the texts that records are compared by, in the order of ``indices``."""
    order = np.argsort(indices, kind="stable")
    parts = [record_texts(batch) for _, batch in store.take(indices[order])]
    if not parts:
        return pa.array([], pa.string())
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return pa.concat_arrays(parts).take(pa.array(back))


def names_of(store: Store, indices: np.ndarray, columns: Sequence[str]) -> pa.Table:
    """Return columns of the records at ascending ``indices``."""
    schema = pa.schema([records.SCHEMAS["document"].field(name) for name in columns])
    return pa.Table.from_batches(
        [batch.select(columns) for _, batch in store.take(indices)], schema
    )


def _duplicate_rows(store: Store, clusters: Any, keep: np.ndarray, twin: np.ndarray) -> pa.Table:
    gone = np.flatnonzero(~keep)
    names = names_of(store, gone, ["id", "source", "key"])
    kept, back = np.unique(twin[gone], return_inverse=True)
    twins = names_of(store, kept, ["id"])["id"].combine_chunks().take(pa.array(back))
    similarity = clusters.similarity[gone]
    exact = similarity >= 1
    return pa.table(
        [
            *names.columns,
            pa.array(["deduplicate"] * len(gone), pa.string()),
            pa.array(np.where(exact, "exact", "near").tolist(), pa.string()),
            pa.array([f"Jaccard {s:.3f}" for s in similarity], pa.string()),
            twins,
        ],
        schema=ledger.SCHEMA,
    )


# --- write -----------------------------------------------------------------------------------


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
    from .declaration import builders

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
    from .declaration import builders
    from .statistics import merge, tally

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
    from .declaration import Bounds

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


# --- the passes together ---------------------------------------------------------------------


class Prepared(NamedTuple):
    """All that is known when the last record has been read and judged."""

    recipe: Recipe
    plan: Plan
    benchmark_items: dict[str, int]
    reports: list[UnitReport]
    store: Store
    features: np.ndarray
    decision: Decision
    context: WriteContext
    shards: list[Shard]


def prepare(
    recipe: Recipe,
    folder: Path,
    *,
    workers: int = 1,
    limit: int | None = None,
    progress: Progress = _silent,
) -> Prepared:
    """Run `plan`, `read` and `decide`, with ``folder`` (it exists) for what lies in between."""
    from .declaration import builder_settings, builders
    from .statistics import WORD_SAMPLE_CHARS

    settings = builder_settings(recipe.builders)
    work = plan(recipe, folder / "unpacked", limit)
    index, items = _benchmark_index(recipe, folder)
    stages = recipe.stages
    chain_stages = [stages.clean, stages.simplify, stages.filter, stages.mask]
    if stages.decontaminate is not None and index is not None:
        chain_stages.append(stages.decontaminate.against(index))
    featurise = stages.deduplicate or type(stages).model_fields["deduplicate"].default
    chain = Chain(
        folder,
        tuple(stage for stage in chain_stages if stage is not None),
        featurise.features,
        feature_type(featurise.bands),
    )
    executor = LocalExecutor(workers)
    reports = []
    for report in executor.run(read_unit, chain, work.units):
        reports.append(report)
        progress("read", len(reports), len(work.units), sum(r.read for r in reports))
    store = Store(tuple(s for report in reports for s in report.segments))
    features = np.concatenate(
        [np.zeros(0, chain.feature_type)]
        + [np.fromfile(feature_path(s.path), chain.feature_type) for s in store.segments]
    )
    progress("decide", 0, 1, 0)
    decision = decide(recipe, store, features)
    limits = {
        name: bounds(builder, settings[name], store, decision)
        for name, builder in builders().items()
    }
    progress("decide", 1, 1, len(store))
    chars = int(features["chars"][decision.keep].sum())
    sample = min(1.0, WORD_SAMPLE_CHARS / max(chars, 1))
    context = WriteContext(store, features["bytes"], folder, settings, limits, sample)
    cut = shards(recipe, store, features, decision)
    return Prepared(recipe, work, items, reports, store, features, decision, context, cut)


def _benchmark_index(recipe: Recipe, folder: Path) -> tuple[Index | None, dict[str, int]]:
    """Return the index of all benchmarks' items (None without any), and how many each has."""
    if not recipe.benchmarks or recipe.stages.decontaminate is None:
        return None, {}
    items = {}
    for entry in recipe.benchmarks:
        staging = folder / "unpacked" / f"benchmark-{entry.name}"
        files = resolve(entry.path, recipe.base, staging, benchmarks.SUFFIXES)
        items[entry.name] = benchmarks.read(entry.layout, files, FileReport())
        if not items[entry.name]:
            raise RecipeError(f"benchmark {entry.name!r}: no items in {entry.path}.")
    counts = {name: len(found) for name, found in items.items()}
    return Index.build(items, recipe.stages.decontaminate), counts


def dry_run(recipe: Recipe) -> list[str]:
    """Return what a build would read, a line a source. Raises as the build would; writes
    nothing that stays."""
    from .declaration import builder_settings

    builder_settings(recipe.builders)
    with tempfile.TemporaryDirectory(prefix="chimed-") as name:
        found = plan(recipe, Path(name))
        _, items = _benchmark_index(recipe, Path(name))
    lines = []
    for source in recipe.sources:
        files = found.files[source.name]
        units = sum(unit.source is source for unit in found.units)
        lines.append(
            f"{source.name}: {len(files)} file{'s' * (len(files) != 1)}, "
            f"{sum(f.size for f in files):,} bytes, layout {source.layout}, "
            f"{units} unit{'s' * (units != 1)}, licence {source.license}"
        )
    lines.extend(f"benchmark {name}: {count} items" for name, count in items.items())
    return lines


def peak_bytes() -> int:
    """Return the peak resident memory of the largest process so far, children included."""
    import resource

    kib = max(
        resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return kib * (1 if sys.platform == "darwin" else 1024)


def build(
    recipe: Recipe,
    out: str | Path,
    *,
    workers: int = 1,
    overwrite: bool = False,
    limit: int | None = None,
    progress: Progress = _silent,
) -> dict[str, Any]:
    """Build the dataset of ``recipe`` into the folder ``out`` and return its manifest.

    ``out`` appears whole or not at all: everything is made in a folder beside it and renamed.
    Raises :class:`BuildError` where ``out`` exists and ``overwrite`` is false, or where a
    source's records do not add up.
    """
    from .closing import close

    out = Path(out)
    _check_target(out, overwrite)
    with _beside(out) as folder:
        target, work = folder / "dataset", folder / "work"
        work.mkdir()
        prepared = prepare(recipe, work, workers=workers, limit=limit, progress=progress)
        reports = []
        for report in LocalExecutor(workers).run(write_shard, prepared.context, prepared.shards):
            reports.append(report)
            progress("write", len(reports), len(prepared.shards), sum(r.rows for r in reports))
        manifest = close(prepared, reports, target)
        _swap(target, out, folder)
    return manifest


def _check_target(out: Path, overwrite: bool) -> None:
    if not out.exists():
        return
    if not overwrite:
        raise BuildError(f"{out} exists: pass --overwrite to replace it, or another --out.")
    if not out.is_dir() or (any(out.iterdir()) and not (out / "manifest.json").exists()):
        raise BuildError(f"{out} is not a dataset built by chimed: it will not be replaced.")


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A temporary folder on the file system of ``out``, gone afterwards whatever happens."""
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".building", dir=out.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _swap(target: Path, out: Path, folder: Path) -> None:
    """Put the finished dataset in place; a reader sees the old one or the new one."""
    if out.exists():
        os.rename(out, folder / "old")
    os.rename(target, out)

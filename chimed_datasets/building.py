"""The plan of a build, in the order a reader would tell it.

    plan    the sources' files become units of work
    read    each unit: decode, clean, simplify, filter, mask, decontaminate   (workers)
    decide  over all records: duplicates, who is kept, who goes to which split
    write   each shard of each config: rows to parquet                       (workers)
    close   the account, statistics, manifest and card; then one rename

Each has a module of its own: reading, deciding, writing, closing. Between `read` and `write` the
records lie in Arrow files (:mod:`.store`). Nothing depends on how many workers there are: units,
batches and shards are cut by size alone, and every result is taken in the order of the plan.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import benchmarks
from .closing import close
from .deciding import Decision, decide
from .declaration import builder_settings, builders
from .errors import BuildError, RecipeError
from .executors.local import LocalExecutor
from .reading import Chain, Plan, UnitReport, feature_path, feature_type, plan, read_unit
from .recipe import Recipe
from .sources import FileReport
from .sources._files import resolve
from .stages.decontaminate import Index
from .statistics import WORD_SAMPLE_CHARS
from .store import Store
from .writing import Shard, WriteContext, choice, shards, write_shard

Progress = Callable[[str, int, int, int], None]
"""Called with (phase, parts done, parts in all, records or rows so far)."""


def _silent(phase: str, done: int, total: int, count: int) -> None:
    pass


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
    choices = {
        name: choice(builder, settings[name], store, decision, executor)
        for name, builder in builders().items()
    }
    progress("decide", 1, 1, len(store))
    chars = int(features["chars"][decision.keep].sum())
    sample = min(1.0, WORD_SAMPLE_CHARS / max(chars, 1))
    context = WriteContext(store, features["bytes"], folder, settings, choices, sample)
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
    old = folder / "old"
    if out.exists():
        os.rename(out, old)
    try:
        os.rename(target, out)
    except OSError:
        if old.exists():
            os.rename(old, out)
        raise

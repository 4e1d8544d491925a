"""Building a dataset: from a recipe to a folder that appears whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..built.statistics import WORD_SAMPLE_CHARS
from ..errors import BuildError, RecipeError
from ..executors import Executor
from ..executors.local import LocalExecutor
from ..recipe import Recipe, takedowns
from ..rows import builder_settings, builders
from ..sources import FileReport, SourceFile, exams
from ..sources.files.finding import resolve
from ..sources.files.opening import sha256
from ..stages.decontaminate import Index
from . import checkpoint
from .close import close
from .decide.classify import relevance
from .decide.keep import Decision, decide
from .decide.label import label
from .machines import check_local, check_shared
from .read import (
    Chain,
    Plan,
    UnitReport,
    feature_rows,
    feature_type,
    finished_units,
    plan,
    read_unit,
)
from .store import Store
from .write import Shard, ShardReport, WriteContext, choice, finished_shards, shards, write_shard

Progress = Callable[[str, int, int, int], None]
"""Called with (phase, parts done, parts in all, records or rows so far)."""


Tell = Callable[[str], None]
"""Called with a line about what an earlier run left."""


def _silent(*told: Any) -> None:
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
    learnt: dict[str, Any]


def prepare(
    recipe: Recipe,
    folder: Path,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    limit: int | None = None,
    progress: Progress = _silent,
    tell: Tell = _silent,
) -> Prepared:
    """Run `plan`, `read` and `decide`, with ``folder`` (it exists) for what lies in between.

    The work is done by ``executor``, else by ``workers`` processes of this machine.

    Units that an earlier run finished there are not read again, if recipe, code and input are
    the same.
    """
    settings = builder_settings(recipe.builders)
    executor = executor or LocalExecutor(workers)
    folder = folder.absolute()  # workers elsewhere start in another folder
    staging = folder / "unpacked"
    shutil.rmtree(staging, ignore_errors=True)
    work = plan(recipe, staging, limit)
    check_shared(executor, folder, [f for files in work.files.values() for f in files])
    exam_files = benchmark_files(recipe, staging)
    index, items = _benchmark_index(recipe, exam_files)
    keys = work.keys(checkpoint.key_of(base_key(recipe, exam_files), str(limit)))
    stages = recipe.stages
    chain_stages: list[Any] = [stages.clean, stages.simplify, stages.filter, stages.mask]
    if stages.decontaminate is not None and index is not None:
        chain_stages.append(stages.decontaminate.against(index))
    featurise = stages.deduplicate or type(stages).model_fields["deduplicate"].default
    chain = Chain(
        folder,
        keys,
        tuple(stage for stage in chain_stages if stage is not None),
        featurise.features,
        feature_type(featurise.bands),
        recipe.removed,
    )
    done, refused = finished_units(chain, work.units)
    _tell_of(done, refused, len(work.units), "units", tell)
    left = [unit for unit in work.units if unit.number not in done]
    for report in executor.run(read_unit, chain, left):
        done[report.number] = report
        progress("read", len(done), len(work.units), sum(r.read for r in done.values()))
    work.check_unchanged()
    reports = [done[unit.number] for unit in work.units]
    store = Store(tuple(s for report in reports for s in report.segments))
    features = feature_rows(chain.feature_type, store.segments)
    progress("decide", 0, 1, 0)
    relevant = relevance(recipe, store, features, executor)
    decision = decide(recipe, store, features, folder, executor, relevant.refused)
    if recipe.removed:
        _tell_of_takedowns(recipe, folder, reports, decision, tell)
    labels = label(recipe, store, features, decision, executor)
    learnt = {"relevance": relevant.told, "label": labels and labels.told}
    _tell_of_learnt(learnt, tell)
    choices = {
        name: choice(builder, settings[name], store, decision, executor)
        for name, builder in builders().items()
    }
    progress("decide", 1, 1, len(store))
    chars = int(features["chars"][decision.keep].sum())
    sample = min(1.0, WORD_SAMPLE_CHARS / max(chars, 1))
    key = checkpoint.key_of(*keys.values())
    context = WriteContext(store, features["bytes"], folder, key, settings, choices, sample, labels)
    cut = shards(recipe, store, features, decision)
    return Prepared(recipe, work, items, reports, store, features, decision, context, cut, learnt)


def _tell_of(done: Any, refused: list[str], total: int, parts: str, tell: Tell) -> None:
    for line in refused:
        tell(line)
    if done:
        tell(f"going on: {len(done)} of {total} {parts} were finished before")


def _tell_of_learnt(learnt: dict[str, Any], tell: Tell) -> None:
    """Tell how well the held-out examples of each classifier were judged."""
    labels = learnt["label"] or {}
    for name, told in {"relevance": learnt["relevance"], **labels}.items():
        if told and "precision" in told:
            held = told["held_out"]
            many = sum(held.values()) if isinstance(held, dict) else held
            tell(
                f"{name}: precision {told['precision']:.3f}, recall {told['recall']:.3f} "
                f"on {many:,} held-out records"
            )


def _tell_of_takedowns(
    recipe: Recipe, folder: Path, reports: list[UnitReport], decision: Decision, tell: Tell
) -> None:
    """Tell how many records were taken down, and which listed ones no source has."""
    parts = [pq.read_table(folder / report.ledger) for report in reports]
    rows = pa.concat_tables([*parts, decision.drops]).filter(pc.field("stage") == takedowns.STAGE)
    found = set(rows.filter(pc.field("rule") == takedowns.LISTED)["id"].to_pylist())
    copies = len(rows) - len(found)
    tell(f"taken down: {len(found)} of {len(recipe.removed)} listed records, {copies} copies")
    for name in sorted(recipe.removed.keys() - found)[:10]:
        tell(f"taken down, but no source has it: {name}")


def benchmark_files(recipe: Recipe, staging: Path) -> dict[str, list[SourceFile]]:
    """Return the files of each benchmark that the recipe decontaminates against, by its name."""
    if recipe.stages.decontaminate is None:
        return {}
    return {
        entry.name: resolve(
            entry.path, recipe.base, staging / f"benchmark-{entry.name}", exams.SUFFIXES
        )
        for entry in recipe.benchmarks
    }


def base_key(recipe: Recipe, exam_files: dict[str, list[SourceFile]]) -> str:
    """Return a key over all that a unit's result depends on but its own files."""
    return checkpoint.key_of(
        recipe.model_dump_json(),
        json.dumps(recipe.removed),
        *(repr(source.options) for source in recipe.sources),
        checkpoint.code_key(),
        *(
            f"{name} {file.name} {sha256(file)}"
            for name, files in exam_files.items()
            for file in files
        ),
    )


def _benchmark_index(
    recipe: Recipe, exam_files: dict[str, list[SourceFile]]
) -> tuple[Index | None, dict[str, int]]:
    """Return the index of all benchmarks' items (None without any), and how many each has."""
    if not exam_files or recipe.stages.decontaminate is None:
        return None, {}
    items = {}
    for entry in recipe.benchmarks:
        items[entry.name] = exams.read(entry.layout, exam_files[entry.name], FileReport())
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
        _, items = _benchmark_index(recipe, benchmark_files(recipe, Path(name)))
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
    executor: Executor | None = None,
    overwrite: bool = False,
    limit: int | None = None,
    progress: Progress = _silent,
    tell: Tell = _silent,
) -> dict[str, Any]:
    """Build the dataset of ``recipe`` into the folder ``out`` and return its manifest.

    The work is done by ``executor`` (:class:`.executors.ray.RayExecutor` for a cluster), else by
    ``workers`` processes of this machine; the bytes are the same.

    ``out`` appears whole or not at all: everything is made in ``.NAME.building`` beside it and
    renamed. What a build that died had finished there is used again, if recipe, code and input
    are the same; ``tell`` gets a line about it.

    Raises :class:`BuildError` where ``out`` exists and ``overwrite`` is false, where another
    build into it is under way, where it cannot be written, where a machine of the executor does not
    see it, or where a source's records do not add up.
    """
    check_local(str(out))
    out = Path(out)
    executor = executor or LocalExecutor(workers)
    command = checkpoint.key_of(
        recipe.model_dump_json(), json.dumps(recipe.removed), str(limit), checkpoint.code_key()
    )
    try:
        with _workplace(out, command) as folder:
            if folder is None:  # an earlier run of this command died after its last rename
                return json.loads((out / "manifest.json").read_text("utf-8"))
            _check_target(out, overwrite)
            target, work = folder / "dataset", folder / "work"
            shutil.rmtree(target, ignore_errors=True)
            work.mkdir(exist_ok=True)
            prepared = prepare(
                recipe, work, executor=executor, limit=limit, progress=progress, tell=tell
            )
            reports = _written(prepared, executor, progress, tell)
            try:
                manifest = close(prepared, reports, target)
            except BuildError:  # it would end so again
                shutil.rmtree(work)
                raise
            finished = {"command": command, "fingerprint": manifest["fingerprint"]}
            (folder / _FINISHED).write_text(json.dumps(finished), "utf-8")
            _swap(target, out, folder)
    except OSError as error:
        raise BuildError(f"{out}: cannot be built there ({_why(error)}).") from error
    return manifest


def _written(
    prepared: Prepared, executor: Executor, progress: Progress, tell: Tell
) -> list[ShardReport]:
    context, cut = prepared.context, prepared.shards
    done, refused = finished_shards(context, cut)
    _tell_of(done, refused, len(cut), "shards", tell)
    left = [shard for shard in cut if shard.place not in done]
    for shard, report in zip(left, executor.run(write_shard, context, left), strict=True):
        done[shard.place] = report
        progress("write", len(done), len(cut), sum(r.rows for r in done.values()))
    return [done[shard.place] for shard in cut]


def _why(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return (
            "no space left on the device; what was finished is kept, and the same command goes on"
        )
    return error.strerror or str(error)


# --- the place of a build --------------------------------------------------------------------

_FINISHED, _OLD = "finished.json", "old"


@contextmanager
def _workplace(out: Path, command: str) -> Iterator[Path | None]:
    """Hold the folder beside ``out`` that a build is made in; None where it was all done before.

    It stays after a crash if a unit was finished, and is gone otherwise. Before it goes it gets a
    name that says which command was finished: its last removal is that of the name.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = out.with_name(f".{out.name}.building")
    with checkpoint.alone(folder) as ours:
        if not ours:
            raise BuildError(f"another build into {out} is under way: wait for it, or stop it.")
        finished = out.with_name(f".{out.name}.finished-{command[:16]}")
        done = finished.exists() or _is_finished(folder, out, command)
        for rest in out.parent.glob(f".{out.name}.finished-*"):
            shutil.rmtree(rest, ignore_errors=True)
        if (folder / _OLD).exists() and not out.exists():  # died between two renames
            os.rename(folder / _OLD, out)
        try:
            yield None if done else folder
        except BaseException:
            if any(unit.name.isdigit() for unit in (folder / "work" / "units").glob("*")):
                raise
            shutil.rmtree(folder, ignore_errors=True)
            raise
        os.rename(folder, finished)
        shutil.rmtree(finished, ignore_errors=True)


def _is_finished(folder: Path, out: Path, command: str) -> bool:
    try:
        told = json.loads((folder / _FINISHED).read_text("utf-8"))
        built = json.loads((out / "manifest.json").read_text("utf-8"))
        return told == {"command": command, "fingerprint": built["fingerprint"]}
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _check_target(out: Path, overwrite: bool) -> None:
    if not out.exists():
        return
    if not overwrite:
        raise BuildError(f"{out} exists: pass --overwrite to replace it, or another --out.")
    if not out.is_dir() or (any(out.iterdir()) and not (out / "manifest.json").exists()):
        raise BuildError(f"{out} is not a dataset built by chimed: it will not be replaced.")


def _swap(target: Path, out: Path, folder: Path) -> None:
    """Put the finished dataset in place; a reader sees the old one or the new one."""
    if not out.exists():
        os.rename(target, out)
    elif not checkpoint.exchange(target, out):
        os.rename(out, folder / _OLD)
        os.rename(target, out)

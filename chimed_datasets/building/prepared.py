"""All of a build but its writing, in one call: plan, read and decide."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..built.licences import doubt
from ..built.statistics import WORD_SAMPLE_CHARS
from ..errors import RecipeError
from ..executors import Executor
from ..executors.local import cpu_seconds
from ..lang import N_, _
from ..recipe import Recipe, Stages, takedowns
from ..rows import builder_settings, builders
from ..sources import FileReport, SourceFile, exams
from ..sources.files.finding import find
from ..sources.files.staging import staging
from ..stages import OVER_ALL
from ..stages.decontaminate import Index
from ..stages.leaks.items import Reach
from . import checkpoint, origin
from .beside import beside
from .decide.choice import choice
from .decide.contained import are_sampled
from .decide.keep import Decision, decide
from .decide.label import label
from .decide.passages import Passed, both, passages
from .decide.relevance import relevance
from .dropped import Dropped
from .features import feature_rows, feature_type, without_search
from .kept import Keep
from .look import look_at
from .losses import Loss, added
from .machines import check_shared
from .origin import Origin
from .parts import clear_unfolded, in_parts, unfold_again
from .place import UNPACKED
from .plan import Plan, Unit, fetching, plan
from .progress import Opening, Progress, Tell, Warn, opening, silent
from .read import Chain, UnitReport, finished_units, of_whole_units, read_unit
from .store import Store
from .timing import Watch, sizes, tasks, tell_of_phase
from .workers import start_workers
from .write import Shard, WriteContext, shards


class Prepared(NamedTuple):
    """All that is known when the last record has been read and judged.

    features: of every record, as :func:`.features.without_search` leaves them.
    """

    recipe: Recipe
    plan: Plan
    benchmark_items: dict[str, int]
    benchmark_reach: dict[str, Reach]
    reports: list[UnitReport]
    store: Store
    features: np.ndarray
    decision: Decision
    context: WriteContext
    shards: list[Shard]
    learnt: dict[str, Any]
    losses: list[Loss]
    origin: Origin
    passed: Passed | None = None


def prepare(
    recipe: Recipe,
    folder: Path,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    limit: int | None = None,
    allow_empty: bool = False,
    progress: Progress = silent,
    tell: Tell = silent,
) -> Prepared:
    """Run `plan`, `read` and `decide`, with ``folder`` (it exists) for what lies in between.

    The work is done by ``executor``, else by ``workers`` processes of this machine.

    Units that an earlier run finished there are not read again, if recipe, code and input are
    the same.

    Raises :class:`.losses.Stopped` where no record of a source can be read, unless ``allow_empty``:
    after a look at its first records where these tell, else when all was read.
    """
    guests = recipe.guest_builders
    settings = builder_settings(recipe.builders_asked, guests)
    executor = executor or start_workers(workers)
    folder = folder.absolute()  # workers elsewhere start in another folder
    unpacked = folder / UNPACKED
    shutil.rmtree(unpacked, ignore_errors=True)
    opened = opening(progress)
    watch = Watch()
    work = plan(recipe, unpacked, limit, opened)
    for line in work.notes():
        tell(line)
    if not allow_empty:
        for number, look in enumerate(look_at(recipe, work.files, limit)):
            look.check()
            opened("look", look.loss.source.name, number + 1, len(recipe.sources))
    if recipe.benchmarks:
        opened("open", "benchmarks", 0, 1)
    exam_files = benchmark_files(recipe, unpacked, opened, tell)
    watch.lap("open")
    with beside(benchmark_index, recipe, exam_files) as indexed:
        work = work.hashed(opened)
        inputs = [file for files in work.files.values() for file in files]
        check_shared(executor, folder, inputs, tuple(recipe.guests))
        index, items = indexed()
    watch.lap("check and benchmarks")
    common = origin.of_all(recipe, exam_files, limit)
    chain = _chain(recipe, folder, work.origins(common), index)
    watch.lap("open")
    tell_of_phase(progress, "plan", recipe.name, watch)
    reports = _read(chain, work.units, executor, progress, tell)
    watch = Watch(cpu_seconds)
    work.check_unchanged()
    losses = _losses(recipe, work, reports)
    if not allow_empty:
        _check_losses(recipe, losses, folder, reports)
    store = Store(tuple(s for report in reports for s in report.segments))
    features = feature_rows(chain.feature_type, store.segments)
    progress("decide", 0, 1, 0)
    relevant = relevance(recipe, store, features, executor)
    owners = [report.source for report in reports for __ in report.segments]
    watch.lap("relevance")
    passed = passages(recipe, owners, store, executor)
    watch.lap("passages")
    refused = both(relevant.refused, passed and passed.refused)
    decision = decide(recipe, store, features, folder, executor, refused)
    watch.lap("duplicates and splits")
    if passed and len(passed.cuts.index):
        store = replace(store, edit=passed.cuts)  # whoever reads a record from here on
    if recipe.removed:
        _tell_of_takedowns(recipe, folder, reports, decision, tell)
    labels = label(recipe, store, features, decision, executor)
    learnt = {"relevance": relevant.figures, "label": labels and labels.figures}
    _tell_of_learnt(learnt, tell)
    watch.lap("labels")
    choices = {
        name: choice(builder, settings[name], store, decision, executor, guests)
        for name, builder in builders(guests).items()
        if name in settings
    }
    progress("decide", 1, 1, len(store))
    chars = int(features["chars"][decision.keep].sum())
    sample = min(1.0, WORD_SAMPLE_CHARS / max(chars, 1))
    made_from = origin.of_build(recipe, common, work.stored_keys())
    key = checkpoint.key_of(origin.key_of(made_from), *map(chain.key, work.units))
    context = WriteContext(
        store, features["bytes"].copy(), folder, key, settings, choices, sample, labels, guests
    )
    cut = shards(recipe, settings, store, features, decision)
    watch.lap("pairs and shards")
    tell_of_phase(progress, "decide", recipe.name, watch)
    return Prepared(
        recipe, work, items, index.reach() if index else {}, reports, store,
        without_search(features), decision, context, cut, learnt, losses, made_from, passed,
    )  # fmt: skip


def _chain(recipe: Recipe, folder: Path, origins: dict[int, Origin], index: Index | None) -> Chain:
    """Return what a worker needs to read a unit. origins: by the units' numbers."""
    featurise = recipe.stages.deduplicate or Stages.model_fields["deduplicate"].default
    return Chain(
        folder,
        origins,
        per_batch(recipe.stages, index),
        partial(featurise.features, sample=are_sampled(recipe.stages)),
        feature_type(featurise.bands),
        recipe.stages.passages,
        recipe.removed,
        Keep.of(recipe.ledger.texts, recipe.seed),
    )


def _read(
    chain: Chain, units: Sequence[Unit], executor: Executor, progress: Progress, tell: Tell
) -> list[UnitReport]:
    """Read the units that no earlier run has finished; return the reports of all, in order."""
    units = in_parts(chain, units, executor)
    done, refused = finished_units(chain, units)
    tell_of_finished(done, refused, len(units), N_("units"), tell)
    left = [unit for unit in units if unit.place not in done]
    told = tasks(progress)
    sizes(progress)("read", sum(unit.size for unit in left))
    for report in done.values():
        told(report.task(before=True))
    if left:
        progress("read", len(done), len(units), sum(r.read for r in done.values()))
    # The largest files first, so that the workers end at one time; parts of a file in their order.
    left.sort(key=lambda unit: sum(file.size for file in unit.files), reverse=True)
    unfold_again(left, executor)
    for unit, report in zip(left, executor.run(read_unit, chain, left), strict=True):
        done[unit.place] = report
        told(report.task(before=False))
        progress("read", len(done), len(units), sum(r.read for r in done.values()))
    clear_unfolded(chain)
    return of_whole_units(done[unit.place] for unit in units)


def _losses(recipe: Recipe, work: Plan, reports: Sequence[UnitReport]) -> list[Loss]:
    """Return what each source lost while it was read."""
    own: dict[str, list[UnitReport]] = {source.name: [] for source in recipe.sources}
    for report in reports:
        own[report.source].append(report)
    return [
        Loss(
            source,
            sum(report.read for report in own[source.name]),
            added(report.lost for report in own[source.name]),
            {name for report in own[source.name] for name in report.files.encodings.values()},
            work.files[source.name],
        )
        for source in recipe.sources
    ]


def _check_losses(
    recipe: Recipe, losses: Sequence[Loss], folder: Path, reports: Sequence[UnitReport]
) -> None:
    """Raise :class:`.losses.Stopped` for a source of which no record could be read."""
    for loss in losses:
        if loss.all:
            own = [one for one in reports if one.source == loss.source.name]
            files = [folder / name for report in own for name in report.ledger_files]
            raise loss.stop(recipe.stages.in_order().values(), Dropped(files, reading=True))


def per_batch(stages: Stages, index: Index | None) -> tuple[Any, ...]:
    """Return the stages that are on and look at a batch at a time, in their order."""
    stages_on = stages.in_order()
    if stages.decontaminate is not None:
        stages_on["decontaminate"] = index and stages.decontaminate.against(index)
    return tuple(
        stage for name, stage in stages_on.items() if stage is not None and name not in OVER_ALL
    )


def tell_of_finished(done: Any, refused: list[str], total: int, parts: str, tell: Tell) -> None:
    for line in refused:
        tell(line)
    if done:
        tell(
            _("going on: {done} of {total} {parts} were finished before").format(
                done=len(done), total=total, parts=_(parts)
            )
        )


def _tell_of_learnt(learnt: dict[str, Any], tell: Tell) -> None:
    """Tell how well the held-out examples of each classifier were judged."""
    labels = learnt["label"] or {}
    for name, figures in {"relevance": learnt["relevance"], **labels}.items():
        if figures and "precision" in figures:
            held = figures["held_out"]
            many = sum(held.values()) if isinstance(held, dict) else held
            tell(
                _(
                    "{name}: precision {precision:.3f}, recall {recall:.3f} on {many:,} "
                    "held-out records"
                ).format(
                    name=name, precision=figures["precision"], recall=figures["recall"], many=many
                )
            )


def _tell_of_takedowns(
    recipe: Recipe, folder: Path, reports: list[UnitReport], decision: Decision, tell: Tell
) -> None:
    """Tell how many records were taken down, and which listed ones no source has."""
    files = [folder / name for report in reports for name in report.ledger_files]
    every = Dropped(files, decision.drops)
    down = pc.field("stage") == takedowns.STAGE
    rows = pa.concat_tables(table.filter(down) for table in every.tables("id", "stage", "rule"))
    listed = set(rows.filter(pc.field("rule") == takedowns.LISTED)["id"].to_pylist())
    copies = len(rows) - len(listed)
    tell(
        _("taken down: {listed} of {removed} listed records, {copies} copies").format(
            listed=len(listed), removed=len(recipe.removed), copies=copies
        )
    )
    for name in sorted(recipe.removed.keys() - listed)[:10]:
        tell(_("taken down, but no source has it: {name}").format(name=name))


def benchmark_files(
    recipe: Recipe, folder: Path, opening: Opening = silent, tell: Tell = silent
) -> dict[str, list[SourceFile]]:
    """Return the files of each benchmark that the recipe decontaminates against, by its name.
    folder: for what must be unpacked. tell: gets the lines on addresses that could not be looked
    up."""
    if recipe.stages.decontaminate is None:
        return {}
    files = {}
    for number, entry in enumerate(recipe.benchmarks):
        found = find(
            entry.address,
            recipe.base,
            folder / f"benchmark-{entry.name}",
            exams.SUFFIXES,
            entry.files,
            fetching(opening, entry.name, number, len(recipe.benchmarks)),
        )
        files[entry.name] = found.files
        for note in found.stored.notes:
            tell(note)
    return files


def benchmark_index(
    recipe: Recipe, exam_files: dict[str, list[SourceFile]]
) -> tuple[Index | None, dict[str, int]]:
    """Return the index of all benchmarks' items (None without any), and how many each has."""
    if not exam_files or recipe.stages.decontaminate is None:
        return None, {}
    items = {}
    for entry in recipe.benchmarks:
        files = [replace(file, takes=("parquet",)) for file in exam_files[entry.name]]
        items[entry.name] = exams.read(entry.layout, files, FileReport(), entry.form)
        if not items[entry.name]:
            raise RecipeError(
                _("benchmark {name!r}: no items in {path}.").format(
                    name=entry.name, path=entry.path
                )
            )
    counts = {name: len(questions) for name, questions in items.items()}
    return Index.build(items, recipe.stages.decontaminate), counts


def dry_run(recipe: Recipe, *, allow_empty: bool = False) -> list[str]:
    """Return what a build would read, a line a source with a look at its first records, and a
    :class:`.progress.Warn` where many of these are lost. Raises as the build would; writes nothing
    that stays."""
    lines = []
    with staging() as place:
        work = plan(recipe, place, fetch=False)
        looks = look_at(recipe, work.files)
        for source, look in zip(recipe.sources, looks, strict=True):
            if not allow_empty:
                look.check()
            files = work.files[source.name]
            units = sum(unit.source is source for unit in work.units)
            parts = _("1 unit") if units == 1 else _("{n} units").format(n=units)
            many = _("1 file") if len(files) == 1 else _("{n} files").format(n=len(files))
            said = _(
                "{name}: {files}, {bytes:,} bytes, layout {layout}, {units}, licence {license}"
            )
            lines.append(
                said.format(
                    name=source.name,
                    files=many,
                    bytes=sum(f.size for f in files),
                    layout=source.layout,
                    units=parts,
                    license=source.license,
                )
            )
            lines += look.lines()
        index, items = benchmark_index(recipe, benchmark_files(recipe, place))
    lines.extend(work.notes())
    of_items = _("benchmark {name}: {count} items")
    lines.extend(of_items.format(name=name, count=count) for name, count in items.items())
    if index:
        lines += [
            reach.line(name, items[name]) for name, reach in index.reach().items() if any(reach)
        ]
    outside = _("code from outside: {guest}")
    lines.extend(outside.format(guest=guest) for guest in recipe.guests)
    lines.extend(licence_doubts(recipe))
    return lines


def licence_doubts(recipe: Recipe) -> list[Warn]:
    """Return a line on each source whose licence is no id, but as the registry states it."""
    found = []
    for source in recipe.sources:
        stated = source.entry.licence.id if source.entry else None
        said = "" if source.license == stated else doubt(source.license)
        if said:
            line = recipe.line_of("sources", source.name, "license")
            told = (
                _("line {line}: source {name!r}: {said}") if line else _("source {name!r}: {said}")
            )
            found.append(Warn(told.format(line=line, name=source.name, said=said)))
    return found

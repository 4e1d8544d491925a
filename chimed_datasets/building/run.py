"""Building a dataset: from a recipe to a folder that appears whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..built.dataset import open_built
from ..built.manifest import Manifest
from ..errors import BuildError
from ..executors import Executor
from ..lang import N_, _
from ..plugins import described
from ..recipe import Recipe
from . import checkpoint
from .again import note, what_changed
from .close import close
from .leftovers import clean_beside, clean_own
from .losses import Stopped
from .machines import check_local
from .place import (
    FINISHED,
    check_name,
    check_target,
    clear_ledger,
    exists,
    leave_ledger,
    swap,
    why,
    workplace,
)
from .prepared import Prepared, licence_doubts, prepare, tell_of_finished
from .progress import Done, Progress, Tell, opening, silent
from .timing import Watch, tasks, tell_of_phase
from .workers import start_workers
from .write import ShardReport, finished_shards, write_shard


def build(
    recipe: Recipe,
    out: str | Path,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    overwrite: bool = False,
    limit: int | None = None,
    allow_empty: bool = False,
    progress: Progress = silent,
    tell: Tell = silent,
) -> Manifest:
    """Build the dataset of ``recipe`` into the folder ``out`` and return its manifest.

    The work is done by ``executor`` (:class:`.executors.ray.RayExecutor` for a cluster), else by
    ``workers`` processes of this machine; the bytes are the same.

    ``out`` appears whole or not at all: everything is made in ``.NAME.building`` beside it and
    renamed. What a build that died had finished there is used again, if recipe, code and input
    are the same; ``tell`` gets a line about it. At the end it gets a :class:`.progress.Warn` about
    each source that lost more than a fifth of its records while it was read, and about each whose
    licence is no SPDX id.

    Where ``out`` is what this build would make, and ``overwrite`` is false, nothing is done but to
    give ``tell`` a :class:`.progress.Done`.

    Raises :class:`BuildError` where ``out`` is anything else and ``overwrite`` is false, where
    another build into it is under way, where it cannot be written, where a machine of the executor
    does not see it, where no record of a source can be read (unless ``allow_empty``) or none is
    left of all, or where a source's records do not add up. What was dropped by a build that came
    to nothing is in ``NAME.ledger/dropped.parquet`` beside ``out``, until a build into it ends
    well.
    """
    check_local(str(out))
    out = Path(out)
    check_name(out)
    executor = executor or start_workers(workers)
    command = checkpoint.key_of(
        recipe.model_dump_json(),
        json.dumps(recipe.removed),
        str(limit),
        checkpoint.code_key(),
        json.dumps(described(recipe.guests)),
    )
    try:
        with workplace(out, command) as folder:
            if folder is None:  # an earlier run of this command died after its last rename
                return open_built(out).manifest
            target, work = folder / "dataset", folder / "work"
            check_target(out)
            if out.exists() and not overwrite:
                staging, tell_of = folder / "again", opening(progress)
                if changed := what_changed(recipe, out, limit, staging, tell_of, tell):
                    raise exists(out, changed)
                tell(Done(_("{out} is up to date").format(out=out)))
                return open_built(out).manifest
            clean_own(folder, tell)
            clean_beside(out, tell)
            work.mkdir(exist_ok=True)
            with _ledger_left(out):
                prepared = prepare(
                    recipe, work, executor=executor, limit=limit, allow_empty=allow_empty,
                    progress=progress, tell=tell,
                )  # fmt: skip
            reports = write_shards(prepared, executor, progress, tell)
            watch = Watch()
            manifest = _closed(prepared, reports, target, out, executor)
            watch.lap("hashes, statistics, card")
            tell_of_phase(progress, "close", recipe.name, watch)
            finished = {"command": command, "fingerprint": manifest["fingerprint"]}
            (folder / FINISHED).write_text(json.dumps(finished), "utf-8")
            swap(target, out, folder)
        clear_ledger(out)
    except OSError as error:
        raise BuildError(
            _("{out}: cannot be built there ({error}).").format(out=out, error=why(error))
        ) from error
    for loss in prepared.losses:
        if loss.great:
            tell(loss.warning(recipe.stages.in_order().values()))
    for line in licence_doubts(recipe):
        tell(line)
    return manifest


def _closed(
    prepared: Prepared, reports: list[ShardReport], target: Path, out: Path, executor: Executor
) -> Manifest:
    try:
        with _ledger_left(out):
            manifest = close(prepared, reports, target, executor)
            note(prepared.origin, target)
            return manifest
    except BuildError:  # it would end so again
        shutil.rmtree(prepared.context.folder)
        raise


@contextmanager
def _ledger_left(out: Path) -> Iterator[None]:
    """Where a build comes to nothing, leave the ledger of what it dropped beside ``out`` while the
    folder of the work is there, and say where."""
    try:
        yield
    except Stopped as error:
        try:
            where = leave_ledger(out, error.dropped)
        except OSError:  # a full disk: the line is what is left
            where = ""
        raise BuildError(f"{error}{where}", source=error.source) from None


def write_shards(
    prepared: Prepared, executor: Executor, progress: Progress, tell: Tell
) -> list[ShardReport]:
    context, cut = prepared.context, prepared.shards
    done, refused = finished_shards(context, cut)
    tell_of_finished(done, refused, len(cut), N_("shards"), tell)
    left = [shard for shard in cut if shard.place not in done]
    left.sort(key=lambda shard: int(context.sizes[shard.indices].sum()), reverse=True)
    if left:
        progress("write", len(done), len(cut), sum(r.rows for r in done.values()))
    told = tasks(progress)
    for report in done.values():
        told(report.task(before=True))
    for shard, report in zip(left, executor.run(write_shard, context, left), strict=True):
        done[shard.place] = report
        told(report.task(before=False))
        progress("write", len(done), len(cut), sum(r.rows for r in done.values()))
    return [done[shard.place] for shard in cut]

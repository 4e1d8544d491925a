"""Building a dataset, and opening one that was built."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from .. import building
from ..building.progress import Progress, Tell, Warn, bars, notebook_lines, silent
from ..built import dataset
from ..executors import Executor
from ..recipe import Recipe, load
from .dataset import Built

_log = logging.getLogger("chimed_datasets")


def build(
    recipe: str | Path | Recipe,
    out: str | Path | None = None,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    overwrite: bool = False,
    limit: int | None = None,
    allow_empty: bool = False,
    allow_code: bool = False,
    progress: Progress | bool | None = None,
    tell: Tell | None = None,
) -> Built:
    """Build the dataset of a recipe into a folder.

    recipe: the path of a recipe file, or a :class:`Recipe`.
    out: the folder to make. Left out: a folder with the name of the recipe, in the current one.
    workers: processes of this machine that do the work; the bytes are the same with any number.
    executor: does the work in their place; ``chimed_datasets.executors.ray.RayExecutor()`` uses a
              Ray cluster.
    overwrite: whether to replace a dataset that is there.
    limit: read at most so many records of each source; None reads all.
    allow_empty: whether to build without a source of which no record can be read.
    allow_code: whether code that the recipe names by path or by import may run.
    progress: None or True shows how far the build is, in a terminal or a notebook; False shows
              nothing. A function is called with the phase, the parts that are done, the parts in
              all, and the records or rows so far.
    tell: is called with a line about what an earlier run left, and with one about each source that
          lost more than a fifth of its records while it was read. Left out: the lines go to stderr
          where progress is shown, and to the logger ``chimed_datasets`` (level INFO; WARNING for
          what was lost) elsewhere.

    The folder appears whole or not at all. What a stopped build had finished is used by the next
    one: a part is read again where its source, a stage or the library changed. Where ``out`` is
    what this build would make, nothing is done, and ``tell`` gets "OUT is up to date".

    Raises :class:`RecipeError` for a faulty recipe, :class:`SourceError` for a source that cannot
    be read, and :class:`BuildError` where ``out`` is anything else and ``overwrite`` is false,
    where another build into it is under way, where it cannot be written, where no record of a
    source can be read and ``allow_empty`` is false, or where the records do not add up. What a
    build dropped that came to nothing is in ``OUT.ledger/dropped.parquet``, which pandas reads,
    until a build into ``out`` ends well.

    >>> from chimed_datasets import samples
    >>> chimed.build(samples.RECIPE, "first-five", limit=5)
    <Built 'chimed2': 88 of 90 records; rows: pretrain 32, sft 43, preference 30; in first-five>
    """
    checked = recipe if isinstance(recipe, Recipe) else load(recipe, allow_code=allow_code)
    folder = checked.name if out is None else out
    with _shown(progress, tell) as (advance, say):
        manifest = building.build(
            checked, folder, workers=workers, executor=executor, overwrite=overwrite, limit=limit,
            allow_empty=allow_empty, progress=advance, tell=say,
        )  # fmt: skip
    return Built(Path(folder), manifest)


def open_built(folder: str | Path) -> Built:
    """Open a dataset that was built.

    Raises :class:`InvalidDataset` where ``folder`` holds none.

    >>> chimed.open_built("chimed2")
    <Built 'chimed2': 243 of 327 records; rows: pretrain 80, sft 141, preference 79; in chimed2>
    """
    found = dataset.open_built(folder)
    return Built(found.folder, found.manifest)


@contextmanager
def _shown(progress: Progress | bool | None, tell: Tell | None) -> Iterator[tuple[Progress, Tell]]:
    """Yield what the build calls about its progress and with its lines."""
    if callable(progress):
        yield progress, tell or _to_log
        return
    console = Console(stderr=True, highlight=False)
    if progress is not False and console.is_jupyter:
        lines = notebook_lines()
    elif progress is not False and sys.stderr.isatty():
        lines = bars(console)
    else:
        yield silent, tell or _to_log
        return
    with lines as advance:
        yield advance, tell or _to_stderr


def _to_log(line: str) -> None:
    _log.log(logging.WARNING if isinstance(line, Warn) else logging.INFO, "%s", line)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)

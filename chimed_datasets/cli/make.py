"""Commands that make data: build, generate, collect."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import lang
from ..building.progress import Done, Warn, silent
from ..errors import ChimedError, CollectError, GenerateError, RecipeError, broken_extra
from ..lang import _
from .console import (
    AllowCode,
    Followed,
    Quiet,
    RecipeFile,
    RecipeOption,
    hush,
    out,
    progress_bars,
    say,
    say_all,
    the_recipe,
)
from .stopping import stoppable

if TYPE_CHECKING:
    from ..executors import Executor
    from ..recipe import Recipe


class LogForm(StrEnum):
    """How a build logs its parts."""

    JSON = "json"


class ExecutorName(StrEnum):
    """Where the work is done."""

    LOCAL = "local"
    RAY = "ray"


def _check_address(executor: ExecutorName, address: str | None) -> None:
    if address is not None and executor is not ExecutorName.RAY:
        raise RecipeError(_("--address is of a Ray cluster: add --executor ray."))


def build(
    recipe: RecipeFile = None,
    recipe_option: RecipeOption = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="The folder to make. Default: ./<name of the recipe>."
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, metavar="N", help="Number of processes; the bytes are the same.")
    ] = 2,
    executor: Annotated[
        ExecutorName, typer.Option(help="Processes on this machine, or a Ray cluster.")
    ] = ExecutorName.LOCAL,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Address of a Ray cluster. Default: one on this machine."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing dataset.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Read at most N records of each source."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Check the recipe, look at the first records; write nothing."
        ),
    ] = False,
    allow_empty: Annotated[
        bool,
        typer.Option("--allow-empty", help="Build without a source of which nothing can be read."),
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Print where the time went, by step and source.")
    ] = False,
    log: Annotated[
        LogForm | None, typer.Option(help="In place of bars, a line of JSON for each part.")
    ] = None,
    allow_code: AllowCode = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print all tables, as `chimed stats` does.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Build pretrain, sft and preference from a recipe's sources."""
    hush(quiet)
    recipe = the_recipe(recipe, recipe_option)
    with stoppable(lambda: _kept(target)):
        if dry_run:
            _dry_run(recipe, allow_empty, allow_code)
            return
        _check_address(executor, address)
        start = time.perf_counter()
        with progress_bars() if log is None else nullcontext(silent) as shown:
            progress = Followed(shown, log is not None)
            local: Executor | None = None
            if executor is ExecutorName.LOCAL:
                # Their imports take as long as those below: they begin first.
                from ..building.workers import start_workers

                local = start_workers(workers)
            from ..executors.local import collect_seldom

            collect_seldom()

            from .. import building, samples
            from .. import recipe as recipes

            checked = _spoken(recipes.load(recipe or samples.RECIPE, allow_code=allow_code))
            folder = target = target or Path(checked.name)
            doer = local or _cluster(address)
            warnings: list[Warn] = []
            done: list[str] = []

            def tell(line: str) -> None:  # what must not be passed over stands below the tables
                if isinstance(line, Done):
                    done.append(line)
                elif isinstance(line, Warn):
                    warnings.append(line)
                else:
                    progress.tell(line)

            manifest = building.build(
                checked, folder, executor=doer, overwrite=overwrite, limit=limit,
                allow_empty=allow_empty, progress=progress, tell=tell,
            )  # fmt: skip
        if done:
            say(done[0], out)
            return
        from . import closing

        took = closing.Took(time.perf_counter() - start, str(doer), _peak_bytes())
        if verbose:
            from ..built.dataset import open_built

            closing.print_tables(manifest, open_built(folder).statistics())
        else:
            closing.print_losses(manifest)
        if profile:
            _print_profile(progress)
        closing.print_warnings(folder, warnings, progress, whole=verbose)
        closing.print_end(folder, manifest, took)


def _print_profile(progress: Followed) -> None:
    """Print where the time of a build went."""
    from ..building import timing
    from ..report import tables
    from .fitting import print_table

    told = progress.tasks
    for table in tables.profile(timing.by_step(told), timing.by_source(told)):
        print_table(table)
    if before := sum(task.before for task in told):
        say(
            _("{before} of {told} parts are of an earlier run, with what they took then.").format(
                before=before, told=len(told)
            ),
            out,
        )


def _dry_run(recipe: Path | None, allow_empty: bool, allow_code: bool) -> None:
    from .. import building, samples
    from .. import recipe as recipes

    checked = _spoken(recipes.load(recipe or samples.RECIPE, allow_code=allow_code))
    for line in building.dry_run(checked, allow_empty=allow_empty):
        say(line, out)


def _spoken(recipe: Recipe) -> Recipe:
    """Return a recipe in the language that the user asks for: it is that of the card, too."""
    asked = lang.asked()
    if asked and asked != (recipe.lang or "en"):
        recipe = recipe.model_copy(update={"lang": asked})
    lang.suggest(recipe.lang)
    return recipe


def _kept(target: Path | None) -> str:
    """Return what a build that was stopped says of what it had finished."""
    from ..building import checkpoint  # which imports little: the rest may not be there yet

    kept = checkpoint.finished_parts(target) if target and target.name else 0
    if target is None or not kept:
        return _("Stopped before anything was finished. Start again with")
    told = _("Stopped. 1 finished part is kept in {place}. Go on with")
    if kept > 1:
        told = _("Stopped. {kept:,} finished parts are kept in {place}. Go on with")
    return told.format(kept=kept, place=checkpoint.work_place(target))


def _cluster(address: str | None) -> Executor:
    from ..executors.ray import RayExecutor

    return RayExecutor(address)


def generate(
    target: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="The folder to make; DIR.cache lies beside it."),
    ],
    recipe: Annotated[
        Path | None, typer.Argument(metavar="RECIPE", help="A recipe for generating (YAML).")
    ] = None,
    recipe_option: RecipeOption = None,
    workers: Annotated[
        int, typer.Option(min=1, metavar="N", help="Processes that clean the inputs.")
    ] = 2,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the output of another recipe.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Read at most N records of each source."),
    ] = None,
    retry: Annotated[
        bool,
        typer.Option("--retry", help="Ask again about items whose answers were refused."),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the number of requests and the cost; send none."),
    ] = False,
    allow_code: AllowCode = False,
    quiet: Quiet = False,
) -> None:
    """Let models write new records. Run it again to continue."""
    hush(quiet)
    given = the_recipe(recipe, recipe_option)
    if given is None:
        raise typer.BadParameter(_("A recipe is needed: chimed generate RECIPE --out DIR."))
    try:
        from ..generate import recipe as recipes
        from ..generate import run
    except ImportError as error:
        raise GenerateError(broken_extra(error, "generate")) from None
    checked = recipes.load(given, allow_code=allow_code)
    if dry_run:
        for line in run.dry_run(checked, target, workers=workers, limit=limit):
            say_all(line)
        return

    def tell(lines: list[str]) -> None:
        for line in lines:
            say(line)

    start = time.perf_counter()
    with progress_bars() as progress:
        done = run.generate(
            checked, target, workers=workers, limit=limit, overwrite=overwrite, retry=retry,
            progress=progress, tell=tell,
        )  # fmt: skip
    for line in done.lines():
        say_all(line)
    say_all(
        _("{perf_counter:.1f} s; peak memory {peak_bytes:.2f} GiB.").format(
            perf_counter=time.perf_counter() - start, peak_bytes=_peak_bytes() / 2**30
        )
    )
    if done.stopped:
        raise ChimedError(
            _("{target} is not complete: {stopped}. Run again to go on.").format(
                target=target, stopped=lang.retold(done.stopped)
            )
        )


def collect(
    site: Annotated[Path, typer.Argument(metavar="SITE.yaml", help="A site file.")],
    target: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="The folder to fill; run again to continue."),
    ],
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Fetch at most N pages now.")
    ] = None,
    retry: Annotated[
        bool,
        typer.Option("--retry", help="Fetch pages again that failed for a while (5xx, time-outs)."),
    ] = False,
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="Allow private addresses, for a site of your own."),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Fetch the pages of a site, politely, as a source for a recipe."""
    from ..sources.site.site_file import load_site

    hush(quiet)
    checked = load_site(site)
    try:
        from ..collect import crawl
    except ImportError as error:
        raise CollectError(broken_extra(error, "collect")) from None
    with progress_bars() as progress:
        collected = crawl.collect(
            checked, target, allow_private=allow_private, limit=limit, retry=retry,
            progress=progress,
        )  # fmt: skip
    for line in crawl.summary(collected, target):
        say_all(line)


def _peak_bytes() -> int:
    """Return the peak resident memory of the largest process so far, workers included."""
    import resource

    from ..executors.local import peak_memory

    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return max(own * (1 if sys.platform == "darwin" else 1024), peak_memory())

"""The command line. Each command calls one function; heavy imports stay inside them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console

from .._version import __version__
from ..errors import ChimedError, RecipeError

if TYPE_CHECKING:
    from rich.table import Table

    from ..building.prepared import Progress
    from ..built.dataset import Built
    from ..executors import Executor

app = typer.Typer(
    name="chimed",
    help="Build, check and publish Chinese medical datasets for Hugging Face `datasets`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class ExecutorName(StrEnum):
    """Where the work is done."""

    LOCAL = "local"
    RAY = "ray"


class Gating(StrEnum):
    """Who is let in to a gated dataset."""

    AUTO = "auto"
    MANUAL = "manual"


Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A built dataset.")]


def _executor(name: ExecutorName, workers: int, address: str | None) -> Executor:
    if name is ExecutorName.RAY:
        from ..executors.ray import RayExecutor

        return RayExecutor(address)
    if address is not None:
        raise RecipeError("--address is of a Ray cluster: add --executor ray.")
    from ..executors.local import LocalExecutor

    return LocalExecutor(workers)


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except ChimedError as error:
        err.print(f"chimed: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        out.print(f"chimed-datasets {__version__}")
        raise typer.Exit


@app.command()
def build(
    recipe: Annotated[
        Path | None, typer.Option(help="A recipe (YAML). Left out: the bundled samples.")
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--out", help="Where to. Left out: ./<name of the recipe>.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes. Any number, same bytes.")] = 2,
    executor: Annotated[
        ExecutorName, typer.Option(help="Processes here, or a Ray cluster (docs/scale.md).")
    ] = ExecutorName.LOCAL,
    address: Annotated[
        str | None,
        typer.Option(help="Of a Ray cluster. Left out: one on this machine, started if need be."),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing dataset.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Read at most N records of each source.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Check and list the sources; write nothing.")
    ] = False,
) -> None:
    """Build pretrain, sft and preference from a recipe's sources."""
    with _one_line_errors():
        if executor is ExecutorName.LOCAL and not dry_run:
            # What workers are forked from starts now: its imports take as long as those below.
            _executor(executor, workers, address)

    from .. import building, samples
    from .. import recipe as recipes
    from ..report import tables

    with _one_line_errors():
        checked = recipes.load(recipe or samples.RECIPE)
        if dry_run:
            for line in building.dry_run(checked):
                out.print(line, markup=False, soft_wrap=True)
            return
        start = time.perf_counter()
        folder = target or Path(checked.name)
        doer = _executor(executor, workers, address)
        with _progress() as progress:
            manifest = building.build(
                checked, folder, executor=doer, overwrite=overwrite, limit=limit,
                progress=progress, tell=_tell,
            )  # fmt: skip
        seconds = time.perf_counter() - start
        statistics = _statistics(folder)
        for table in tables.closing(manifest, statistics):
            out.print(table)
        read = sum(source["in"] for source in manifest["sources"])
        chars = sum(config["all"]["chars"] for config in statistics.values())
        out.print(
            f"{read:,} records in, {chars:,} characters out in {seconds:.1f} s "
            f"with {doer}; "
            f"peak memory of a process {_peak_bytes() / 2**30:.2f} GiB.",
            markup=False,
        )
        replaced = sum(n for s in manifest["sources"] for n in s["replaced_bytes"].values())
        if replaced:
            out.print(
                f"{replaced:,} undecodable bytes were replaced; manifest.json names the files."
            )
        out.print(
            f'{folder} is ready: load_dataset("{folder}", "{next(iter(statistics))}")',
            markup=False,
            soft_wrap=True,
        )


@app.command()
def stats(
    folder: Folder,
    bias: Annotated[
        bool, typer.Option("--bias", help="What gives the chosen side of a pair away, instead.")
    ] = False,
) -> None:
    """Print what is in a built dataset: rows, characters, words, departments."""
    from ..built.dataset import open_built
    from ..report import tables

    with _one_line_errors():
        built = open_built(folder)
        if bias:
            for table in _bias(built):
                out.print(table)
            return
        statistics = _statistics(folder)
        out.print(tables.account(built.manifest))
        out.print(tables.configs(statistics))
        found = tables.departments(statistics)
        if found:
            out.print(found)


@app.command()
def explain(
    folder: Folder,
    record: Annotated[str, typer.Argument(metavar="RECORD_ID", help="The id of a record or row.")],
) -> None:
    """Tell what became of one record, and why."""
    from ..built.dataset import open_built
    from ..report.explain import explain as story

    with _one_line_errors():
        for line in story(open_built(folder), record):
            out.print(line, markup=False, soft_wrap=True)


@app.command()
def validate(folder: Folder) -> None:
    """Check a built dataset: files, account, splits, rows. Exit 1 if anything is wrong."""
    from ..built.checks import validate as check

    with _one_line_errors():
        complaints = check(folder)
    for complaint in complaints:
        err.print(complaint, style="red", markup=False, soft_wrap=True)
    if complaints:
        raise typer.Exit(1)
    out.print(f"{folder} is sound.", markup=False)


@app.command()
def card(
    folder: Folder,
    url: Annotated[str, typer.Option(help="The page that the dataset will have.")] = "",
    published: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day it is published.")
    ] = None,
    since: Annotated[
        Path | None, typer.Option(metavar="DIR_A", help="The build before: tell what changed.")
    ] = None,
) -> None:
    """Draw the card's pictures, write its Croissant file, and write the card again."""
    from ..built.dataset import open_built
    from ..publish import changelog
    from ..publish.extras import dress

    with _one_line_errors():
        built = open_built(folder)
        if since:
            out.print(changelog.write(open_built(since), built), markup=False, soft_wrap=True)
        for path in dress(built, url, published):
            out.print(path, markup=False, soft_wrap=True)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="DIR_A", help="A built dataset.")],
    new: Annotated[Path, typer.Argument(metavar="DIR_B", help="A later build of it.")],
    changelog: Annotated[
        bool, typer.Option("--changelog", help="Print an entry for a changelog, in Markdown.")
    ] = False,
) -> None:
    """Tell what a new build changed: records by source and rule, rows, columns, settings."""
    from ..built.dataset import open_built
    from ..publish.changelog import entry
    from ..report import tables
    from ..report.diff import compare

    with _one_line_errors():
        found = compare(open_built(old), open_built(new))
    if changelog:
        out.print(entry(found), markup=False, soft_wrap=True, end="")
        return
    if found.old == found.new:
        out.print(f"{old} and {new} are the same build, {found.new}.", markup=False)
        return
    for table in tables.diff(found):
        out.print(table)


@app.command()
def report(
    folder: Folder,
    target: Annotated[
        Path | None, typer.Option("--out", help="Where to. Left out: DIR/report.html.")
    ] = None,
) -> None:
    """Write one HTML page with charts, tables and records to look at; it needs no network."""
    from ..built.dataset import open_built
    from ..report.page import page

    with _one_line_errors():
        built = open_built(folder)
        path = target or folder / "report.html"
        path.write_text(page(built, _statistics(folder)), "utf-8")
    out.print(f"{path}: open it in any browser.", markup=False, soft_wrap=True)


@app.command()
def push(
    folder: Folder,
    repo: Annotated[str, typer.Argument(metavar="ORG/NAME", help="The dataset's repository.")],
    public: Annotated[
        bool, typer.Option("--public", help="Let everybody see it. Left out: private.")
    ] = False,
    gated: Annotated[
        Gating | None, typer.Option(help="Who wants it must ask: let in at once, or by hand.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="A branch; made where need be.")] = None,
    tag: Annotated[str | None, typer.Option(help="A name for this version.")] = None,
    withhold: Annotated[
        bool, typer.Option("--withhold", help="Send ids and hashes of restricted sources only.")
    ] = False,
    vouch: Annotated[
        list[str] | None, typer.Option(metavar="LICENCE", help="You hold the right to hand it on.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check, list files and sizes; send nothing.")
    ] = False,
) -> None:
    """Send a built dataset to the Hugging Face Hub, in one commit."""
    from ..publish import hub

    with _one_line_errors(), hub.outgoing(folder, withhold=withhold, vouched=vouch or ()) as what:
        for name in what.withheld:
            _tell(f"withheld: source {name}, its rows go out as ids and hashes")
        if dry_run:
            for file in what.files:
                out.print(f"{file.size:>14,}  {file.name}", markup=False, soft_wrap=True)
            total = sum(file.size for file in what.files)
            out.print(f"{total:>14,}  bytes in {len(what.files)} files; nothing was sent.")
            return
        asked = cast("hub.Gated | None", gated and gated.value)
        done = hub.push(what, repo, public=public, gated=asked, revision=revision, tag=tag)
    if done.commit:
        out.print(
            f"{done.url}: {len(done.changed)} files in commit {done.commit[:12]}, "
            f"{done.same} were there, {len(done.deleted)} deleted",
            markup=False,
            soft_wrap=True,
        )
    else:
        out.print(f"{done.url} has it already.", markup=False, soft_wrap=True)


@app.command()
def rehydrate(
    folder: Folder,
    target: Annotated[Path, typer.Option("--out", help="Where to.")],
    source: Annotated[
        list[str], typer.Option(metavar="NAME=PATH", help="Where your copy of a source lies.")
    ],
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
) -> None:
    """Make withheld rows again from your own copy of their sources."""
    from ..publish.rehydrate import rehydrate as make

    with _one_line_errors():
        pairs = [given.partition("=") for given in source]
        for name, equals, path in pairs:
            if not (name and equals and path):
                raise ChimedError(f"--source {name!r}: it reads NAME=PATH.")
        with _progress() as progress:
            done = make(
                folder, {name: path for name, _, path in pairs}, target, workers=workers,
                progress=progress,
            )  # fmt: skip
    out.print(
        f"{target}: {done.made:,} rows are back; {done.missing:,} are not in your copy, "
        f"{done.differ:,} differ, {done.left:,} are of other sources",
        markup=False,
        soft_wrap=True,
    )
    if done.missing:
        _tell("A record is known by the name of its file, too: manifest.json lists the names.")


@app.command()
def takedown(
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Ids of records or rows.")],
    recipe: Annotated[Path, typer.Option(help="The recipe whose builds are to leave them out.")],
    reason: Annotated[str, typer.Option(help="Why; the ledger tells it.")] = "",
) -> None:
    """Take records down: every later build of the recipe leaves them and their copies out."""
    from ..recipe import load, takedowns

    with _one_line_errors():
        checked = load(recipe)
        names = [source.name for source in checked.sources]
        new = takedowns.add(checked.takedowns_path, ids, names, reason)
    out.print(
        f"{checked.takedowns_path}: {len(new)} added, {len(ids) - len(new)} were there. "
        "Build again to take them out.",
        markup=False,
        soft_wrap=True,
    )


@app.command()
def sources() -> None:
    """List the layouts that a recipe's sources and benchmarks may have."""
    from rich.table import Table

    from .. import sources as layouts
    from ..sources.exams import LAYOUTS

    table = Table(title="Layouts of sources", title_justify="left")
    for name in ("layout", "what it reads", "own keys"):
        table.add_column(name)
    for key in layouts.layouts():
        layout = layouts.layout(key)
        table.add_row(key, layout.summary, ", ".join(layout.own_keys()) or "·")
    out.print(table)
    table = Table(title="Layouts of benchmarks", title_justify="left")
    table.add_column("layout")
    table.add_column("what it reads")
    for key, summary in LAYOUTS.items():
        table.add_row(key, summary)
    out.print(table)


@app.command()
def generate(
    recipe: Annotated[Path, typer.Option(help="A recipe of a generation (YAML).")],
    target: Annotated[Path, typer.Option("--out", help="Where to; DIR.cache stands beside it.")],
    workers: Annotated[int, typer.Option(min=1, help="Processes that clean the inputs.")] = 2,
    overwrite: Annotated[
        bool, typer.Option(help="Replace what another recipe generated there.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Read at most N records of each source.")
    ] = None,
    retry: Annotated[
        bool, typer.Option(help="Ask again where an answer was not accepted before.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option(help="Tell what would be asked and cost; ask nothing.")
    ] = False,
) -> None:
    """Have models write records from records; run again, it goes on where it was."""
    with _one_line_errors():
        try:
            from ..generate import recipe as recipes
            from ..generate import run
        except ModuleNotFoundError as error:
            raise ChimedError(
                f"{error.name} is not installed: pip install 'chimed-datasets[generate]'"
            ) from None
        checked = recipes.load(recipe)
        if dry_run:
            for line in run.dry_run(checked, target, workers=workers, limit=limit):
                out.print(line, markup=False, soft_wrap=True)
            return

        def tell(lines: list[str]) -> None:
            for line in lines:
                _tell(line)

        start = time.perf_counter()
        with _progress() as progress:
            done = run.generate(
                checked, target, workers=workers, limit=limit, overwrite=overwrite, retry=retry,
                progress=progress, tell=tell,
            )  # fmt: skip
        for line in done.lines():
            out.print(line, markup=False, soft_wrap=True)
        out.print(
            f"{time.perf_counter() - start:.1f} s; peak memory {_peak_bytes() / 2**30:.2f} GiB."
        )
        if done.stopped:
            raise ChimedError(f"{target} is not complete: {done.stopped}. Run again to go on.")


@app.command()
def collect(
    site: Annotated[Path, typer.Argument(metavar="SITE.yaml", help="A site file.")],
    target: Annotated[Path, typer.Option("--out", help="Where to; run again, it goes on.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Fetch at most N pages now.")] = None,
    retry: Annotated[
        bool, typer.Option(help="Ask again for pages that failed in passing (5xx, time-outs).")
    ] = False,
    allow_private: Annotated[
        bool, typer.Option(help="Connect to private addresses too: for a site of your own.")
    ] = False,
) -> None:
    """Fetch the pages of a site, politely, into rows that a recipe's sources read."""
    from ..sources.site.site_file import load_site, needs_collect

    with _one_line_errors():
        checked = load_site(site)
        try:
            from ..collect import crawl
        except ModuleNotFoundError as error:
            raise needs_collect(error) from None
        with _progress() as progress:
            found = crawl.collect(
                checked, target, allow_private=allow_private, limit=limit, retry=retry,
                progress=progress,
            )  # fmt: skip
    for line in crawl.summary(found, target):
        out.print(line, markup=False, soft_wrap=True)


def _bias(built: Built) -> list[Table]:
    from ..report import tables
    from ..report.classifier import text_classifier

    measured = (built.manifest.get("measured") or {}).get("preference")
    if not measured:
        raise ChimedError(f"{built.folder} has no preference pairs: there is no bias to tell of.")
    files = [built.folder / e["file"] for config, _, e in built.files() if config == "preference"]
    found = text_classifier(files)
    if found is None:
        _tell(
            "Too few threads for a text classifier, or scikit-learn is not installed: "
            "pip install 'chimed-datasets[report]'"
        )
    return [tables.bias(measured), tables.classifiers(measured, found)]


def _tell(line: str) -> None:
    err.print(line, markup=False, soft_wrap=True)


def _statistics(folder: Path) -> dict:
    return json.loads((folder / "statistics.json").read_text("utf-8"))


@contextmanager
def _progress() -> Iterator[Progress]:
    """Bars on a terminal; nothing where there is none."""
    if not sys.stderr.isatty():
        yield lambda phase, done, total, count: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err) as bars:
        tasks: dict = {}

        def advance(phase: str, done: int, total: int, count: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=total, rate="")
            seconds = bars.tasks[tasks[phase]].elapsed or 0
            rate = f"{count:,} ({count / seconds:,.0f}/s)" if seconds > 0 else ""
            bars.update(tasks[phase], completed=done, total=total, rate=rate)

        yield advance


def _peak_bytes() -> int:
    """Return the peak resident memory of the largest process so far, workers included."""
    import resource

    from ..executors.local import peak_memory

    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return max(own * (1 if sys.platform == "darwin" else 1024), peak_memory())

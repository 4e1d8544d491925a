"""Commands that look at data: stats, explain, validate, diff, report, sources, selftest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ReportError
from .console import Folder, err, out, say

if TYPE_CHECKING:
    from rich.table import Table

    from ..built.dataset import Built


def stats(
    folder: Folder,
    bias: Annotated[
        bool, typer.Option("--bias", help="Print how easily the chosen side can be guessed.")
    ] = False,
) -> None:
    """Print what is in a built dataset: rows, characters, words, departments."""
    from ..built.dataset import open_built
    from ..report import tables

    built = open_built(folder)
    if bias:
        for table in _bias(built):
            out.print(table)
        return
    statistics = built.statistics()
    out.print(tables.account(built.manifest))
    out.print(tables.configs(statistics))
    for table in tables.reasoning(built.manifest, statistics):
        out.print(table)
    departments = tables.departments(statistics)
    if departments:
        out.print(departments)


def explain(
    folder: Folder,
    record: Annotated[str, typer.Argument(metavar="RECORD_ID", help="The id of a record or row.")],
) -> None:
    """Print what happened to one record, and why."""
    from ..built.dataset import open_built
    from ..report.explain import explain as story

    for line in story(open_built(folder), record):
        out.print(line, markup=False, soft_wrap=True)


def validate(folder: Folder) -> None:
    """Check a built dataset: files, record counts, splits, rows. Exit 1 on a fault.

    Of a sample of test rows it says how many stand mostly inside one training row.
    """
    from ..built import checks, overlap

    complaints = checks.validate(folder)
    notes = [] if complaints else checks.notes(folder)
    for complaint in complaints:
        err.print(complaint, style="red", markup=False, soft_wrap=True)
    if complaints:
        raise typer.Exit(1)
    for note in notes:
        say(note)
    for found in overlap.measure(folder):
        if found.tells:
            say(found.told())
    out.print(f"{folder} is sound.", markup=False)


def diff(
    old: Annotated[Path, typer.Argument(metavar="DIR_A", help="A built dataset.")],
    new: Annotated[Path, typer.Argument(metavar="DIR_B", help="A later build.")],
    changelog: Annotated[
        bool, typer.Option("--changelog", help="Print a changelog entry in Markdown.")
    ] = False,
) -> None:
    """Compare two builds: records by source and rule, rows, columns, settings."""
    from ..built.dataset import open_built
    from ..publish.changelog import entry
    from ..report import tables
    from ..report.diff import compare

    changes = compare(open_built(old), open_built(new))
    if changelog:
        out.print(entry(changes), markup=False, soft_wrap=True, end="")
        return
    if changes.old == changes.new:
        out.print(f"{old} and {new} are the same build, {changes.new}.", markup=False)
        return
    for table in tables.diff(changes):
        out.print(table)


def report(
    folder: Folder,
    target: Annotated[
        Path | None, typer.Option("--out", help="The file to write. Default: DIR/report.html.")
    ] = None,
) -> None:
    """Write one HTML page with charts, tables and records to look at; it needs no network."""
    from ..built.dataset import open_built
    from ..report.page import page

    built = open_built(folder)
    path = target or folder / "report.html"
    path.write_text(page(built, built.statistics()), "utf-8")
    out.print(f"{path}: open it in any browser.", markup=False, soft_wrap=True)


def sources() -> None:
    """List the layouts that a recipe's sources and benchmarks may have."""
    from rich.table import Table

    from .. import plugins
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
    table = Table(title="From installed packages", title_justify="left")
    for name in ("what", "key in a recipe", "package", "what it is"):
        table.add_column(name)
    for kind, word in plugins.KINDS.items():
        for key in plugins.installed(kind):
            guest = plugins.find(kind, key)
            table.add_row(word, key, guest.package, guest.summary)
    if table.row_count:
        out.print(table)


def selftest(
    stages: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STAGE",
            help="clean, simplify, filter, mask, decontaminate, deduplicate. Default: all.",
            show_default=False,
        ),
    ] = None,
    show: Annotated[
        int, typer.Option("--show", min=0, help="Print so many wrong rows of each kind.")
    ] = 0,
    sets: Annotated[
        Path | None,
        typer.Option("--sets", metavar="DIR", help="A folder of labelled rows of your own."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON in place of a table.")
    ] = False,
) -> None:
    """Measure the stages on labelled rows. Exit 1 if one is worse than this version says."""
    from ..built.figures import shipped
    from ..report import tables
    from ..selftest import below, measure

    results = measure(stages or (), sets)
    worse = [] if sets else below(results, shipped())
    if as_json:
        content = [result.as_dict(show) for result in results]
        out.print_json(data=content, ensure_ascii=False, indent=1)
    else:
        out.print(tables.selftest(result.figure for result in results))
        for result in results:
            for one in result.wrong[:show]:
                out.print(one.told(), markup=False, soft_wrap=True)
    for figure, floor in worse:
        err.print(
            f"{figure.stage}, {figure.kind}: {figure.right:,} of {figure.of:,} rows are right, but "
            f"this version says {floor.right:,} of {floor.of:,}.",
            style="red", markup=False, soft_wrap=True,
        )  # fmt: skip
    if worse:
        raise typer.Exit(1)


def _bias(built: Built) -> list[Table]:
    from ..built.bias import by_source
    from ..report import tables
    from ..report.classifier import text_classifier

    about = built.manifest.get("measured") or {}
    measured, labels = about.get("preference"), about.get("unpaired")
    of_labels = [tables.labels(labels)] if labels else []
    if not measured:
        if of_labels:
            return of_labels
        raise ReportError(f"{built.folder} has no preference pairs: there is no bias to tell of.")
    files = [built.folder / e["file"] for config, _, e in built.files() if config == "preference"]
    text = text_classifier(files)
    if text is None:
        say(
            "Too few threads for a text classifier, or scikit-learn is not installed: "
            "pip install 'chimed-datasets[report]'"
        )
    by_split: dict[str, list[Path]] = {}
    for config, split, entry in built.files():
        if config == "preference":
            by_split.setdefault(split, []).append(built.folder / entry["file"])
    sources = tables.bias_by_source(by_source(by_split))
    return [tables.bias(measured), tables.classifiers(measured, text), sources, *of_labels]

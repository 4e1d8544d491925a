"""Commands that look at data: stats, show, validate, diff, report, sources, selftest."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ReportError, printable
from ..lang import _
from . import completing
from .console import (
    AllowCode,
    AsJson,
    Folder,
    Quiet,
    complain,
    err,
    hush,
    opened,
    out,
    print_json,
    say,
    say_all,
    say_command,
)

if TYPE_CHECKING:
    from rich.table import Table

    from ..built.dataset import Built
    from ..report.listing import ShownDrop, ShownRow


SHOWN_TEXTS = 4
"""Texts of a record that `show` prints."""


def stats(
    folder: Folder,
    bias: Annotated[
        bool, typer.Option("--bias", help="Print how easily the chosen side can be guessed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print what is in a built dataset, and what was lost.

    Records by source, what each rule dropped and changed, rows, characters, words, departments.
    """
    from .closing import print_tables
    from .fitting import print_table

    built = opened(folder)
    if as_json:
        print_json(_statistics(built, bias))
    elif bias:
        for table in _bias(built):
            print_table(table)
    else:
        print_tables(built.manifest, built.statistics())


def _statistics(built: Built, bias: bool) -> dict[str, Any]:
    """Return what `stats` tells as JSON can hold it."""
    manifest = built.manifest
    if bias:
        from ..built.bias import by_source

        _check_bias(built)
        measured = manifest.get("measured") or {}
        by = {name: one._asdict() for name, one in by_source(_preference_files(built)).items()}
        measures = {name: measured.get(name) for name in ("preference", "unpaired")}
        return measures | {"by_source": by}
    return {
        "name": manifest["name"],
        "fingerprint": manifest["fingerprint"],
        "sources": {
            one["name"]: {"in": one["in"], "out": one["out"]}
            | {"dropped": manifest["dropped"].get(one["name"], {})}
            for one in manifest["sources"]
        },
        "changed": {
            stage: entry["changed"] for stage, entry in manifest["stages"].items() if entry
        },
        "refused": manifest["refused"],
        "configs": built.statistics(),
    }


def show(
    folder: Folder,
    config: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Rows of this config alone.",
            autocompletion=completing.configs,
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Of this source alone.", autocompletion=completing.sources
        ),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="Dropped records alone: by this rule, stage or stage/rule.",
            autocompletion=completing.rules,
        ),
    ] = None,
    grep: Annotated[
        str, typer.Option(metavar="WORDS", help="Only where a text, a key or an id holds this.")
    ] = "",
    n: Annotated[
        int,
        typer.Option("-n", min=1, metavar="N", help="So many of each config, and of the dropped."),
    ] = 5,
    as_json: AsJson = False,
) -> None:
    """Show rows of a build, and dropped records, with their ids."""
    from ..report import listing

    if config is not None and rule is not None:
        raise ReportError(_("--config is of rows, --rule of dropped records: give one of the two."))
    built = opened(folder)
    listing.check(built, config, source, rule)
    configs = [] if rule else [config] if config else list(built.manifest["configs"])
    rows = {name: listing.rows(built, name, source, grep, n) for name in configs}
    drops = [] if config else listing.dropped(built, source, rule, grep, n)
    if as_json:
        data = {
            "rows": [row.as_dict() for found in rows.values() for row in found],
            "dropped": [one.as_dict() for one in drops],
        }
        print_json(data)
        return
    for name, found in rows.items():
        total = sum(e["rows"] for c, __, e in built.files() if c == name)
        title = (
            _("{name}: {found} of {total:,} rows with {grep!r}")
            if grep
            else _("{name}: {found} of {total:,} rows")
        )
        _print_title(title.format(name=name, found=len(found), total=total, grep=grep))
        for row in found:
            _print_shown_row(row, grep)
    if not config:
        counts = listing.drop_counts(built, source)
        total = sum(n for pair, n in counts.items() if rule in (None, *pair, "/".join(pair)))
        title = (
            _("dropped: {drops} of {total:,} records with {grep!r}")
            if grep
            else _("dropped: {drops} of {total:,} records")
        )
        _print_title(title.format(drops=len(drops), total=total, grep=grep))
        for one in drops:
            _print_shown_drop(one, grep)
    if out.is_terminal:
        say_command(_("What became of one:"), "explain", str(folder), "ID", to=err)


def _print_title(title: str) -> None:
    say_all(printable(title), "bold")


def _print_shown_row(row: ShownRow, grep: str) -> None:
    _print_line(row.id, row.split, row.source, row.department or "")
    _print_texts(row.texts, grep, SHOWN_TEXTS)


def _print_shown_drop(one: ShownDrop, grep: str) -> None:
    from ..built.reasons import reason
    from ..built.texts import says

    _print_line(one.id, f"{one.stage}/{one.rule}", one.source, one.key)
    _print_whole(_("reason"), reason(one.stage, one.rule))
    if one.evidence:
        _print_whole(_("evidence"), one.evidence, grep)
    if one.twin:
        _print_whole(_("kept instead"), one.twin)
    texts = one.texts or ()
    first = [text for text in texts if says(text[0]) or text[0] == "read"]
    about = [text for text in texts if text not in first]
    _print_texts([*first, *about], grep, min(SHOWN_TEXTS, len(first)))


def _print_texts(texts: Sequence[tuple[str, str]], grep: str, first: int) -> None:
    """Print the first texts, and those that hold what was looked for."""
    shown = [
        (place, text)
        for number, (place, text) in enumerate(texts)
        if number < first or (grep and grep.lower() in text.lower())
    ]
    for place, text in shown[: 2 * SHOWN_TEXTS]:
        _print_found(place, text, grep)
    if more := len(texts) - len(shown[: 2 * SHOWN_TEXTS]):
        out.print("    " + _("and {n} more").format(n=more), style="dim")


def _print_line(name: str, *about: str) -> None:
    """Print an id, which is never cut, and what is said of it."""
    from rich.text import Text

    from .fitting import joined, width
    from .wrapping import wrapped

    named, *others = joined([printable(one) for one in (name, *about) if one], width() - 4)
    text = Text(f"  {named}")
    text.stylize("cyan", 0, 2 + len(printable(name)))
    out.print(text, soft_wrap=True)
    for line in others:
        for part in wrapped(f"    {line}", width()):
            out.print(part, markup=False, soft_wrap=True)


def _print_found(place: str, text: str, grep: str) -> None:
    """Print a text on one line, as wide as the screen, from shortly before what was looked for."""
    from rich.text import Text

    from .fitting import cut_to, padded, width
    from .records import PLACE_CHARS, one_line

    line = one_line(text)
    at = line.lower().find(grep.lower()) if grep else -1
    left = max(width() - PLACE_CHARS - 6, 18)
    if at > left // 4:
        line = "…" + line[at - left // 8 :]
    shown = Text(cut_to(line, left))
    if grep:
        shown.highlight_words([grep], style="reverse", case_sensitive=False)
    name = cut_to(one_line(place), PLACE_CHARS)
    head = Text(f"    {padded(name, PLACE_CHARS)} ", style="dim")
    out.print(head + shown, soft_wrap=True)


def _print_whole(place: str, text: str, grep: str = "") -> None:
    """Print a text that is not cut."""
    from rich.text import Text

    from .fitting import padded, print_beside
    from .records import PLACE_CHARS, one_line

    shown = Text(one_line(text))
    if grep:
        shown.highlight_words([grep], style="reverse", case_sensitive=False)
    print_beside(Text(f"    {padded(place, PLACE_CHARS)} ", style="dim"), shown)


def validate(
    folder: Folder,
    as_json: AsJson = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print what is checked, too.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Check a built dataset. Exit status 1 on a fault.

    Files, record counts, splits and rows are checked. Of a sample of test rows it says how many
    stand mostly inside one training row.
    """
    from ..built import checks, overlap

    hush(quiet)
    complaints = checks.validate(folder)
    notes = [] if complaints else checks.notes(folder)
    overlaps = [] if complaints else overlap.measure(folder)
    if as_json:
        print_json(
            {
                "sound": not complaints,
                "complaints": complaints,
                "notes": notes,
                "overlap": [one._asdict() for one in overlaps],
            }
        )
    else:
        if verbose:
            say_all(_("Checked:"))
            for what in checks.CHECKED:
                say_all(f"  {_(what)}")
        for complaint in complaints:
            complain(complaint)
        for note in notes:
            say(note)
        for found in overlaps:
            if found.tells:
                say(found.told())
    if complaints:
        raise typer.Exit(1)
    if not as_json:
        say_all(_("{folder} is sound.").format(folder=folder))


def diff(
    old: Annotated[Path, typer.Argument(metavar="DIR_A", help="A built dataset.")],
    new: Annotated[Path, typer.Argument(metavar="DIR_B", help="A later build.")],
    changelog: Annotated[
        bool, typer.Option("--changelog", help="Print a changelog entry in Markdown.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare two builds.

    Records by source and rule, rows, columns, settings.
    """
    from ..publish.changelog import entry
    from ..report import tables
    from ..report.diff import compare
    from .fitting import print_table

    changes = compare(opened(old), opened(new))
    if as_json:
        print_json(changes.as_dict())
        return
    if changelog:
        out.print(entry(changes), markup=False, soft_wrap=True, end="")
        return
    if changes.old == changes.new:
        say_all(
            _("{old} and {new} are the same build, {new_2}.").format(
                old=old, new=new, new_2=changes.new
            )
        )
        return
    for table in tables.diff(changes):
        print_table(table)


def report(
    folder: Folder,
    target: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The file to write. Default: DIR/report.html."),
    ] = None,
    rows: Annotated[
        int, typer.Option("--rows", min=1, metavar="N", help="So many rows, over all configs.")
    ] = 600,
    before: Annotated[
        bool,
        typer.Option("--before", help="Read the sources again: rows before and after each stage."),
    ] = False,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="RECIPE", help="For --before: the recipe by which sources are read."),
    ] = None,
    allow_code: AllowCode = False,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Write nothing: show all rows to a browser of this machine."),
    ] = False,
    port: Annotated[
        int,
        typer.Option(min=0, max=65_535, metavar="N", help="For --serve. 0: any port that is free."),
    ] = 0,
    quiet: Quiet = False,
) -> None:
    """Write one HTML page with charts, tables and records.

    It needs no network, and opens in any browser.
    """
    from ..report.page import page
    from .explain import changed_in

    hush(quiet)
    built = opened(folder)
    if serve:
        _serve(built, port)
        return
    path = target or folder / "report.html"
    look_up = partial(changed_in, built, recipe=recipe, allow_code=allow_code) if before else None
    path.write_text(page(built, built.statistics(), rows, look_up), "utf-8")
    out.print(_("{path}: open it in any browser.").format(path=path), markup=False, soft_wrap=True)


def _serve(built: Built, port: int) -> None:
    from ..report.serving import Server

    server = Server(built, port)
    out.print(server.address, markup=False, soft_wrap=True)
    say(
        _("Open it in a browser of this machine; whoever has the address can read. Ctrl-C ends it.")
    )
    server.run()


def sources() -> None:
    """List the layouts that a recipe's sources and benchmarks may have."""
    from rich import box
    from rich.table import Table

    from .. import plugins
    from .. import sources as layouts
    from ..sources.exams import LAYOUTS
    from .fitting import print_table

    def table_of(title: str, *names: str) -> Table:
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column(names[0], no_wrap=True)
        for name in names[1:]:
            table.add_column(name, overflow="fold")
        return table

    table = table_of(_("Layouts of sources"), _("layout"), _("what it reads"), _("own keys"))
    for key in layouts.layouts():
        layout = layouts.layout(key)
        table.add_row(key, _(layout.summary), ", ".join(layout.own_keys()) or "·")
    print_table(table)
    table = table_of(_("Layouts of benchmarks"), _("layout"), _("what it reads"))
    for key, summary in LAYOUTS.items():
        table.add_row(key, _(summary))
    print_table(table)
    table = table_of(_("Other names of layouts"), _("layout"), _("other names"))
    names = {key: own for key, (own, __) in layouts.ALIASES.items()}
    for own in sorted(set(names.values())):
        table.add_row(own, ", ".join(sorted(key for key in names if names[key] == own)))
    print_table(table)
    table = table_of(
        _("From installed packages"), _("what"), _("key in a recipe"), _("package"), _("what it is")
    )
    for kind, word in plugins.KINDS.items():
        for key in plugins.installed(kind):
            guest = plugins.find(kind, key)
            table.add_row(word, key, guest.package, guest.summary)
    if table.row_count:
        print_table(table)


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
        int,
        typer.Option("--show", min=0, metavar="N", help="Print so many wrong rows of each kind."),
    ] = 0,
    sets: Annotated[
        Path | None,
        typer.Option("--sets", metavar="DIR", help="A folder of labelled rows of your own."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the stages on labelled rows.

    Exit status 1 if one is worse than this version says.
    """
    from ..built.figures import shipped
    from ..report import tables
    from ..selftest import below, measure
    from .fitting import print_table

    results = measure(stages or (), sets)
    worse = [] if sets else below(results, shipped())
    if as_json:
        print_json([result.as_dict(show) for result in results])
    else:
        print_table(tables.selftest(result.figure for result in results))
        for result in results:
            for one in result.wrong[:show]:
                say_all(one.told())
    for figure, floor in worse:
        complain(
            _(
                "{stage}, {kind}: {right:,} of {of:,} rows are right, but this version "
                "says {right_2:,} of {of_2:,}."
            ).format(
                stage=figure.stage,
                kind=figure.kind,
                right=figure.right,
                of=figure.of,
                right_2=floor.right,
                of_2=floor.of,
            )
        )
    if worse:
        raise typer.Exit(1)


def _check_bias(built: Built) -> None:
    about = built.manifest.get("measured") or {}
    if not (about.get("preference") or about.get("unpaired")):
        raise ReportError(
            _("{folder} has no preference pairs: there is no bias to tell of.").format(
                folder=built.folder
            )
        )


def _preference_files(built: Built) -> dict[str, list[Path]]:
    by_split: dict[str, list[Path]] = {}
    for config, split, entry in built.files():
        if config == "preference":
            by_split.setdefault(split, []).append(built.folder / entry["file"])
    return by_split


def _bias(built: Built) -> list[Table]:
    from ..built.bias import by_source
    from ..report import tables
    from ..report.classifier import text_classifier

    _check_bias(built)
    about = built.manifest.get("measured") or {}
    measured, labels = about.get("preference"), about.get("unpaired")
    of_labels = [tables.labels(labels)] if labels else []
    if not measured:
        return of_labels
    by_split = _preference_files(built)
    text = text_classifier([file for files in by_split.values() for file in files])
    if text is None:
        say(
            _(
                "Too few threads for a text classifier, or scikit-learn is not installed: "
                "pip install 'chimed-datasets[report]'"
            )
        )
    sources = tables.bias_by_source(by_source(by_split))
    return [tables.bias(measured), tables.classifiers(measured, text), sources, *of_labels]

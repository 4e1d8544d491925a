"""Commands to begin with: detect, init, preview."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..building.progress import Warn
from ..errors import ChimedError, RecipeError, printable
from .console import AllowCode, out, say
from .records import cut, print_record, print_text

if TYPE_CHECKING:
    from ..building.preview import Previewed
    from ..detection import Detected
    from ..detection.proposal import Terms

SHOWN_COLUMNS = 24
RECORDS = 3

Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE", help="A file, folder, glob, archive or address."),
]


class Domain(StrEnum):
    """What the records of a source are about."""

    TCM = "tcm"
    MODERN = "modern"
    GENERAL = "general"


# --- detect ----------------------------------------------------------------------------------


def detect(
    files: Files,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON in place of a table.")
    ] = False,
) -> None:
    """Say what files are and which layout reads them, from their first rows."""
    from ..detection import detect as look

    found: list[Detected] = []
    failed: ChimedError | None = None
    for file in files:
        try:
            one = look(file)
        except ChimedError as error:  # the others may be sound
            if len(files) == 1:
                raise
            say(Warn(f"chimed: {error}"))
            failed = error
            continue
        found.append(one)
        if not as_json:
            _print_detected(one)
    if as_json:
        out.print_json(data=[one.as_dict() for one in found], ensure_ascii=False, indent=1)
    if failed:
        raise typer.Exit(1)


def _print_detected(found: Detected) -> None:
    from rich.table import Table
    from rich.text import Text

    style = {"sure": "green", "likely": "yellow", "guess": "yellow"}
    out.print(Text(printable(found.path), style="bold"))
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, said in _said(found):
        text = Text(printable(said))
        if name in style:
            text = Text(printable(said), style=style[name])
        table.add_row(Text(f"  {name}"), text)
    out.print(table)


def _said(found: Detected) -> Iterator[tuple[str, str]]:
    """Yield what is said of a path, by what it is about."""
    what = [found.form, found.encoding, found.packed]
    many = "" if found.files in (None, 1) else f"{found.files:,} files"
    if found.files is None:
        many = "its first files were looked at"
    yield "form", ", ".join(filter(None, (*what, many)))
    if found.columns:
        more = f" … ({len(found.columns)})" if len(found.columns) > SHOWN_COLUMNS else ""
        yield "columns", ", ".join(found.columns[:SHOWN_COLUMNS]) + more
    best = found.best
    if best is None:
        yield "layout", "none"
    else:
        yield "layout", f"{best.layout}{' (of a benchmark)' if best.benchmark else ''}"
        if best.options:
            yield "", _keys(best.options)
    yield found.grade, found.reason
    if best is not None and best.why:
        yield "not read", best.why
    if found.second is not None:
        keys = f" with {_keys(found.second.options)}" if found.second.options else ""
        share = f"{found.second.share:.0%} of the rows"
        yield "second", f"{found.second.layout}: reads {share}{keys}"
    by_reason: dict[str, list[str]] = {}
    for layout, why in found.others.items():
        by_reason.setdefault(why, []).append(layout)
    for number, (why, names) in enumerate(by_reason.items()):
        yield "" if number else "others", f"{', '.join(names)}: {why}"
    for note in found.notes:
        yield "note", note


def _keys(options: Any) -> str:
    from ..detection.proposal import on_one_line

    return ", ".join(f"{key}: {on_one_line(value)}" for key, value in options.items())


# --- init ------------------------------------------------------------------------------------


def init(
    files: Files,
    target: Annotated[Path, typer.Option("--out", "-o", help="The recipe to write.")],
    license_: Annotated[
        str | None,
        typer.Option(
            "--license", metavar="LICENCE", help="Of all files: an SPDX id, as cc-by-4.0."
        ),
    ] = None,
    domain: Annotated[Domain | None, typer.Option(help="What all files are about.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a recipe that is there.")
    ] = False,
) -> None:
    """Write a recipe for files by what `chimed detect` finds; show three records of each."""
    import yaml

    from .. import recipe as recipes
    from ..building.preview import preview as looks
    from ..detection import detect as look
    from ..detection.proposal import SCHEMA, is_source, proposal
    from .schema import write_schema

    _check_target(target, force)
    found = [look(file) for file in dict.fromkeys(files)]
    for one in found:
        if one.best is None:
            say(Warn(f"{one.path}: {one.reason}"))
    terms = _terms([one for one in found if is_source(one)], license_, domain)
    text = proposal(found, terms, target)
    checked = recipes.parse(yaml.safe_load(text), target.absolute().parent, str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w" if force else "x", encoding="utf-8") as file:
        file.write(text)
    write_schema(target.parent / SCHEMA)
    for previewed in looks(checked, n=RECORDS):
        _print_outcome(previewed)
    for one in found:
        if one.best is not None and one.grade != "sure":
            say(Warn(f"{one.path}: layout {one.best.layout}, {one.grade}: {one.reason}"))
    out.print(
        f"{target} is written, and beside it {SCHEMA}, by which editors complete it. "
        f"Look it over, then\n  chimed build --recipe {target} --out OUT",
        markup=False, soft_wrap=True,
    )  # fmt: skip


def _check_target(target: Path, force: bool) -> None:
    if target.is_dir():
        raise RecipeError(f"{target}: a folder; name the file to write, such as my.yaml.")
    if os.path.lexists(target) and not force:
        raise RecipeError(f"{target} exists: pass --force to write over it, or name another file.")


def _terms(
    found: Iterable[Detected], license_: str | None, domain: Domain | None
) -> dict[str, Terms]:
    """Return licence and domain of each file, asked for where no option says them."""
    from ..detection.proposal import Terms

    terms = {}
    for one in found:
        if (license_ is None or domain is None) and not sys.stdin.isatty():
            lack = [
                name
                for name, given in (("--license", license_), ("--domain", domain))
                if given is None
            ]
            raise RecipeError(
                f"{one.path}: no file says its licence and domain, and there is no terminal to "
                f"ask on: give {' and '.join(lack)}."
            )
        under = license_ or typer.prompt(f"Licence of {one.path} (an SPDX id, as cc-by-4.0)")
        about = domain or typer.prompt(
            f"Domain of {one.path}", type=Domain, default=Domain.MODERN, show_choices=True
        )
        terms[one.path] = Terms(under, about.value)
    return terms


# --- preview ---------------------------------------------------------------------------------


def preview(
    recipe: Annotated[
        Path | None, typer.Option(help="A recipe (YAML). Default: the bundled samples.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of this source alone.")
    ] = None,
    n: Annotated[
        int, typer.Option("-n", min=1, max=1000, help="Records of each source.")
    ] = RECORDS,
    allow_code: AllowCode = False,
) -> None:
    """Show the first records of each source as they are read, and what each stage changes."""
    from .. import recipe as recipes
    from .. import samples
    from ..building.preview import decided_later
    from ..building.preview import preview as looks

    checked = recipes.load(recipe or samples.RECIPE, allow_code=allow_code)
    for previewed in looks(checked, source, n):
        _print_head(previewed)
        for shown in previewed.shown:
            print_record(shown)
    later = ", ".join(decided_later(checked))
    out.print(f"\nOnly a build shows {later}: they look at all records.", markup=False)


def _print_head(previewed: Previewed) -> None:
    from rich.text import Text

    source = previewed.source
    head = f"{source.name}: layout {source.layout}, {source.path}"
    out.print(Text(printable(head), style="bold"))
    if not previewed.shown:
        out.print("  no records")


def _print_outcome(previewed: Previewed) -> None:
    """Print the first records of a source as a build would have them."""
    from rich.text import Text

    _print_head(previewed)
    for shown in previewed.shown:
        out.print(Text(f"\n{printable(shown.key)}  {shown.kind}", style="cyan"))
        if step := shown.dropped:
            print_text("", Text(f"dropped by {step.stage}, {printable(step.rule)}: "
                                 f"{printable(step.evidence)}", style="red"))  # fmt: skip
        for place, text in shown.now:
            print_text(place, Text(cut(text)))
    out.print()

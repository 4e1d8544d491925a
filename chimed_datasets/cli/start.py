"""Commands to begin with: detect, init, preview."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import lang
from ..building.progress import Warn
from ..errors import ChimedError, RecipeError, printable
from ..lang import N_, _
from .console import (
    AllowCode,
    AsJson,
    Quiet,
    RecipeFile,
    RecipeOption,
    expanded,
    hush,
    out,
    print_json,
    say,
    say_all,
    say_command,
    the_recipe,
)
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
    as_json: AsJson = False,
) -> None:
    """Say what files are, and which layout reads them."""
    from ..detection import detect as look

    found: list[Detected] = []
    failed: ChimedError | None = None
    for file in map(expanded, files):
        try:
            one = look(file)
        except ChimedError as error:  # the others may be sound
            if len(files) == 1:
                raise
            say(Warn(_("chimed: {error}").format(error=error)))
            failed = error
            continue
        found.append(one)
        if not as_json:
            _print_detected(one)
    if as_json:
        print_json([one.as_dict() for one in found])
    if failed:
        raise typer.Exit(1)


def _print_detected(found: Detected) -> None:
    from .fitting import print_list

    styles = {N_("sure"): "green", N_("likely"): "yellow", N_("guess"): "yellow"}
    say_all(printable(found.path), "bold")
    print_list((_(name), printable(said), styles.get(name, "")) for name, said in _said(found))


def _said(found: Detected) -> Iterator[tuple[str, str]]:
    """Yield what is said of a path, by what it is about."""
    what = [lang.retold(found.form), found.encoding, found.packed]
    many = "" if found.files in (None, 1) else _("{files:,} files").format(files=found.files)
    if found.files is None:
        many = _("its first files were looked at")
    yield N_("form"), _(", ").join(filter(None, (*what, many)))
    if found.columns:
        more = f" … ({len(found.columns)})" if len(found.columns) > SHOWN_COLUMNS else ""
        yield N_("columns"), ", ".join(found.columns[:SHOWN_COLUMNS]) + more
    best = found.best
    if best is None:
        yield N_("layout"), _("none")
    else:
        yield (
            N_("layout"),
            (
                _("{layout} (of a benchmark)").format(layout=best.layout)
                if best.benchmark
                else best.layout
            ),
        )
        if best.options:
            yield "", _keys(best.options)
    yield found.grade, lang.retold(found.reason)
    if best is not None and best.why:
        yield N_("not read"), lang.retold(best.why)
    if found.second is not None:
        keys = _keys(found.second.options)
        share = found.second.share
        yield (
            N_("second"),
            (
                _("{layout}: reads {share:.0%} of the rows with {keys}")
                if keys
                else _("{layout}: reads {share:.0%} of the rows")
            ).format(layout=found.second.layout, share=share, keys=keys),
        )
    by_reason: dict[str, list[str]] = {}
    for layout, why in found.others.items():
        by_reason.setdefault(why, []).append(layout)
    for number, (why, names) in enumerate(by_reason.items()):
        told = f"{', '.join(names)}{_(': ')}{lang.retold(why)}"
        yield "" if number else N_("others"), told
    for note in found.notes:
        yield N_("note"), lang.retold(note)


def _keys(options: Any) -> str:
    from ..detection.proposal import on_one_line

    return ", ".join(f"{key}: {on_one_line(value)}" for key, value in options.items())


# --- init ------------------------------------------------------------------------------------


def init(
    files: Files,
    target: Annotated[
        Path, typer.Option("--out", "-o", metavar="RECIPE", help="The recipe to write.")
    ],
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
    quiet: Quiet = False,
) -> None:
    """Write a recipe for files, by what `chimed detect` finds.

    Three records of each file are shown.
    """
    hush(quiet)
    import yaml

    from .. import recipe as recipes
    from ..building.preview import preview as looks
    from ..detection import detect as look
    from ..detection.proposal import SCHEMA, is_source, proposal
    from .schema import write_schema

    _check_target(target, force)
    found = [look(file) for file in dict.fromkeys(map(expanded, files))]
    for one in found:
        if one.best is None:
            told = _("{name}: {why}").format(name=one.path, why=lang.retold(one.reason))
            say(Warn(told))
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
            say(
                Warn(
                    _("{path}: layout {layout}, {grade}: {reason}").format(
                        path=one.path,
                        layout=one.best.layout,
                        grade=_(one.grade),
                        reason=lang.retold(one.reason),
                    )
                )
            )
    say_all(
        _(
            "{target} is written, and beside it {schema}, by which editors complete it. Look it "
            "over, then"
        ).format(target=target, schema=SCHEMA)
    )
    say_command(" ", "build", str(target), "--out", "OUT")


def _check_target(target: Path, force: bool) -> None:
    if target.is_dir():
        raise RecipeError(
            _("{target}: a folder; name the file to write, such as my.yaml.").format(target=target)
        )
    if os.path.lexists(target) and not force:
        raise RecipeError(
            _("{target} exists: pass --force to write over it, or name another file.").format(
                target=target
            )
        )


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
                _(
                    "{path}: no file says its licence and domain, and there is no terminal "
                    "to ask on: give {lack}."
                ).format(path=one.path, lack=" and ".join(lack))
            )
        under = license_ or typer.prompt(
            _("Licence of {path} (an SPDX id, as cc-by-4.0)").format(path=one.path)
        )
        about = domain or typer.prompt(
            _("Domain of {path}").format(path=one.path),
            type=Domain,
            default=Domain.MODERN,
            show_choices=True,
        )
        terms[one.path] = Terms(under, about.value)
    return terms


# --- preview ---------------------------------------------------------------------------------


def preview(
    recipe: RecipeFile = None,
    recipe_option: RecipeOption = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Of this source alone.")
    ] = None,
    n: Annotated[
        int, typer.Option("-n", min=1, max=1000, metavar="N", help="Records of each source.")
    ] = RECORDS,
    allow_code: AllowCode = False,
) -> None:
    """Show the first records of each source, and what stages change."""
    from .. import recipe as recipes
    from .. import samples
    from ..building.preview import decided_later
    from ..building.preview import preview as looks

    path = the_recipe(recipe, recipe_option) or samples.RECIPE
    checked = recipes.load(path, allow_code=allow_code)
    lang.suggest(checked.lang)
    for previewed in looks(checked, source, n):
        _print_head(previewed)
        for shown in previewed.shown:
            print_record(shown)
    later = ", ".join(decided_later(checked))
    say_all(_("\nOnly a build shows {later}: they look at all records.").format(later=later))


def _print_head(previewed: Previewed) -> None:
    source = previewed.source
    head = f"{source.name}: layout {source.layout}, {source.path}"
    say_all(printable(head), "bold")
    if not previewed.shown:
        say_all(_("  no records"))


def _print_outcome(previewed: Previewed) -> None:
    """Print the first records of a source as a build would have them."""
    from rich.text import Text

    _print_head(previewed)
    for shown in previewed.shown:
        say_all(f"\n{printable(shown.key)}  {shown.kind}", "cyan")
        if step := shown.dropped:
            print_text("", Text(f"dropped by {step.stage}, {printable(step.rule)}: "
                                 f"{printable(step.evidence)}", style="red"))  # fmt: skip
        for place, text in shown.now:
            print_text(place, Text(cut(text)))
    out.print()

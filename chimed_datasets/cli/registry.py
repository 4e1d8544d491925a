"""Known sources and benchmarks: list them, show one, hold one against its files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..errors import RecipeError, printable
from ..lang import _
from . import completing
from .console import AsJson, expanded, print_json, say_all

if TYPE_CHECKING:
    from ..known import Entry


def known(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="One of them; left out, all are listed.",
            autocompletion=completing.known_names,
        ),
    ] = None,
    as_json: AsJson = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Compare it with its files. Exit 1 if they differ."),
    ] = False,
    path: Annotated[
        str | None,
        typer.Option("--path", metavar="PATH", help="With --check: a copy of your own."),
    ] = None,
) -> None:
    """List public Chinese medical corpora and benchmarks by name.

    A recipe calls one by `known: NAME`.
    """
    from ..known import KINDS, entries, listed

    if name is None:
        if check:
            raise RecipeError(_("known: --check needs a NAME."))
        every = [one for kind in KINDS for one in entries(kind)]
        if as_json:
            print_json([one.as_dict() for one in every])
        else:
            _print_list(every)
        return
    found = listed(name)
    if check:
        read = [one for one in found if not one.refused]  # a benchmark is refused as a source
        place = expanded(path) if path else None
        if any(not _checked(one, place) for one in read or found):
            raise typer.Exit(1)
    elif as_json:
        print_json([one.as_dict() for one in found])
    else:
        for one in found:
            _print_one(one)


def _print_list(every: list[Entry]) -> None:
    from rich import box
    from rich.table import Table

    from .fitting import print_table

    for kind in ("sources", "benchmarks"):
        table = Table(title=f"Known {kind}", title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("name", no_wrap=True)
        for column in ("licence", "tier", "what it is"):
            table.add_column(column, overflow="fold")
        for one in every:
            if one.kind == kind:
                tier = "refused" if one.refused else one.tier
                cells = (one.name, one.licence.id, tier, one.title)
                table.add_row(*(escape(printable(cell)) for cell in cells))
        print_table(table)
    say_all(_("chimed known NAME shows one; in a recipe: - {known: NAME}"))


def _print_one(one: Entry) -> None:
    from .fitting import print_list

    say_all(f"{one.name}: {printable(one.title)}", "bold")
    print_list((label, printable(said), "") for label, said in _said(one))


def _said(one: Entry) -> Iterator[tuple[str, str]]:
    """Yield what an entry says, by what it is about."""
    yield "kind", one.kind.removesuffix("s")
    if one.refused:
        yield "refused", one.refused
    yield "page", one.page
    yield "path", one.path or "no address: fetch it yourself, and say path:"
    if one.revision:
        yield "revision", one.revision
    if one.files:
        yield "files", ", ".join(one.files)
    if one.omits:
        yield "not read", one.omits
    options = "".join(f", {key}: {value}" for key, value in one.options.items())
    yield "layout", f"{one.layout}{options}"
    if one.columns:
        yield "fields", ", ".join(one.columns)
    yield "size", one.size or "not stated"
    yield "licence", f"{one.licence.id}, stated by {one.licence.by}"
    yield "tier", one.tier
    if one.republish:
        allowed = "may be handed on" if one.republish.allowed else "may not be handed on"
        yield "texts", f"{allowed}: {one.republish.why}"
    yield "domain", f"{one.domain}; {', '.join(one.language)}, {one.script} script"
    yield "origin", f"{one.origin}, {one.model}" if one.model else one.origin
    for defect in one.defects:
        yield "defect", f"{defect.what} ({defect.where})"
    if one.contains:
        yield "holds", "; ".join(one.contains)
    if one.citation:
        yield "cite", one.citation
    yield "checked", f"{one.checked.when}: {one.checked.against}"


def _checked(one: Entry, path: str | None) -> bool:
    """Print how an entry compares with its files; return whether all is as it says."""
    from ..detection.published import check

    look = check(one, path)
    lines: list[Any] = [f"{one.name} ({one.kind.removesuffix('s')}), as stated: {one.size}"]
    lines += [f"  {name}: {size:,} bytes" for name, size in look.sizes.items()]
    if look.columns:
        compared = "" if one.columns else " (not compared: the entry has no `columns`)"
        lines.append(f"  fields: {', '.join(look.columns)}{compared}")
    lines.append(f"  records of the first rows: {look.records:,}")
    lines += [f"  differs: {line}" for line in look.differences]
    if not look.differences:
        lines.append("  The files are as the entry says.")
    for line in lines:
        say_all(printable(line))
    return not look.differences

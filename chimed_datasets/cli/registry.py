"""Known sources and benchmarks: list them, show one, hold one against its files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ..errors import RecipeError, printable
from ..lang import N_, _, retold
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
        table = Table(
            title=_("Known sources") if kind == "sources" else _("Known benchmarks"),
            title_justify="left",
            box=box.SIMPLE_HEAD,
        )
        table.add_column(_("name"), no_wrap=True)
        for column in (_("licence"), _("tier"), _("what it is")):
            table.add_column(column, overflow="fold")
        for one in every:
            if one.kind == kind:
                tier = _("refused") if one.refused else _(one.tier)
                cells = (one.name, one.licence.id, tier, one.title)
                table.add_row(*(escape(printable(cell)) for cell in cells))
        print_table(table)
    say_all(_("chimed known NAME shows one; in a recipe: - {known: NAME}"))


def _print_one(one: Entry) -> None:
    from .fitting import print_list

    say_all(f"{one.name}: {printable(one.title)}", "bold")
    print_list((_(label), printable(said), "") for label, said in _said(one))


def _said(one: Entry) -> Iterator[tuple[str, str]]:
    """Yield what an entry says, by what it is about."""
    yield N_("kind"), _(one.kind.removesuffix("s"))
    if one.refused:
        yield N_("refused"), one.refused
    yield N_("page"), one.page
    yield N_("path"), one.path or _("no address: fetch it yourself, and say path:")
    if one.revision:
        yield N_("revision"), one.revision
    if one.files:
        yield N_("files"), ", ".join(one.files)
    if one.omits:
        yield N_("not read"), one.omits
    options = "".join(f", {key}: {value}" for key, value in one.options.items())
    yield N_("layout"), f"{one.layout}{options}"
    if one.columns:
        yield N_("fields"), ", ".join(one.columns)
    yield N_("size"), one.size or _("not stated")
    yield N_("licence"), _("{id}, stated by {by}").format(id=one.licence.id, by=one.licence.by)
    yield N_("tier"), _(one.tier)
    if one.republish:
        allowed = _("may be handed on") if one.republish.allowed else _("may not be handed on")
        yield N_("texts"), f"{allowed}: {one.republish.why}"
    yield (
        N_("domain"),
        _("{domain}; {language}, {script} script").format(
            domain=one.domain, language=", ".join(one.language), script=_(one.script)
        ),
    )
    yield N_("origin"), f"{one.origin}, {one.model}" if one.model else one.origin
    for defect in one.defects:
        yield N_("defect"), f"{defect.what} ({defect.where})"
    if one.contains:
        yield N_("holds"), "; ".join(one.contains)
    if one.citation:
        yield N_("cite"), one.citation
    yield N_("checked"), f"{one.checked.when}: {one.checked.against}"


_VALUES = (
    N_("public"), N_("research"), N_("ask"), N_("closed"), N_("simplified"), N_("traditional"),
    N_("both"),
)  # fmt: skip
"""What an entry may say of a tier or a script; domain and origin are those of a recipe."""


def _checked(one: Entry, path: str | None) -> bool:
    """Print how an entry compares with its files; return whether all is as it says."""
    from ..detection.published import check

    look = check(one, path)
    kind = _(one.kind.removesuffix("s"))
    stated = _("{name} ({kind}), as stated: {size}")
    lines = [stated.format(name=one.name, kind=kind, size=one.size)]
    of_file = _("  {name}: {size:,} bytes")
    lines += [of_file.format(name=name, size=size) for name, size in look.sizes.items()]
    if look.columns:
        said = _("  fields: {fields}")
        if not one.columns:
            said = _("  fields: {fields} (not compared: the entry has no `columns`)")
        lines.append(said.format(fields=", ".join(look.columns)))
    lines.append(_("  records of the first rows: {n:,}").format(n=look.records))
    lines += [_("  differs: {line}").format(line=retold(line)) for line in look.differences]
    if not look.differences:
        lines.append(_("  The files are as the entry says."))
    for line in lines:
        say_all(printable(line))
    return not look.differences

"""Help on a narrow screen, on which the tables of typer have no room for names of options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from ..lang import _
from .wrapping import wrapped

_DEFAULT = re.compile(r"\[default: ([^\]]{1,200})\]")
LEAST = 60
"""Columns that the tables of typer need."""


def lines_of(command: Any, ctx: Any, columns: int) -> Iterator[str]:
    """Yield the help of a command in so many columns: each option above what it means."""
    yield from wrapped(command.get_usage(ctx).replace("\n", " "), columns)
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        yield from ("", *wrapped(paragraph, columns))
    params = [param.get_help_record(ctx) for param in command.get_params(ctx)]
    yield from _listed(_("Options"), [record for record in params if record], columns)
    panels: dict[str, list[tuple[str, str]]] = {}
    for name in getattr(command, "commands", {}):
        one = command.get_command(ctx, name)
        if one is not None and not one.hidden:
            first = cleandoc(one.help or "").partition("\n\n")[0]
            panels.setdefault(one.rich_help_panel, []).append((name, first))
    for panel, records in panels.items():
        yield from _listed(panel, records, columns)
    if command.epilog:
        yield from ("", *wrapped(command.epilog, columns))


def _listed(title: str, records: list[tuple[str, str]], columns: int) -> Iterator[str]:
    yield from ("", f"{title}:")
    for names, about in records:
        yield from wrapped(f"  {' '.join(names.split())}", columns)
        yield from wrapped(f"    {_spoken(' '.join(about.split()))}", columns)


def _spoken(about: str) -> str:
    """Return what is said of an option, with the words of typer in the language that is spoken."""
    about = about.replace("[required]", _("[required]"))
    return _DEFAULT.sub(lambda found: _("[default: {}]").format(found[1]), about)

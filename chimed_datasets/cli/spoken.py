"""``--lang``, wherever it stands on the line, and help in that language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from .. import lang
from ..lang import _

OPTION = "--lang"


class Spoken(TyperGroup):
    """All commands: what they print, their help too, is in the language that was asked for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest, asked = taken(args)
        lang.suggest(None)
        lang.use(None)
        if asked is not None:
            found = lang.named(asked)
            if found is None:
                known = ", ".join(lang.LANGUAGES)
                raise typer.BadParameter(
                    _("{option} {asked}: unknown language. Known: {known}.").format(
                        option=OPTION, asked=asked, known=known
                    )
                )
            lang.use(found)
        _translate(self)
        return super().parse_args(ctx, rest)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            _translate(command)
        return command


def taken(args: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the arguments without ``--lang X``, and the last X; None where there is none.

    >>> taken(["stats", "built", "--lang", "zh"])
    (['stats', 'built'], 'zh')
    """
    rest: list[str] = []
    asked = None
    left = iter(args)
    for arg in left:
        if arg == "--":
            return [*rest, arg, *left], asked
        name, equals, value = arg.partition("=")
        if name != OPTION:
            rest.append(arg)
            continue
        given = value if equals else next(left, None)
        if given is None:  # it stands last: whoever reads the options says so
            rest.insert(0, arg)
        else:
            asked = given
    return rest, asked


def _translate(command: Any) -> None:
    """Put a command's help into the language that is spoken. Its English is a text of the
    catalogue; a command is made anew for each line that is typed."""
    for one in (command, *command.params):
        for name in ("help", "rich_help_panel"):
            if getattr(one, name, None):
                setattr(one, name, _(getattr(one, name)))
    if command.epilog:
        before, colon, example = command.epilog.partition(": ")
        command.epilog = f"{_(before + colon.strip())} {example}" if colon else _(before)

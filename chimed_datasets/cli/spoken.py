"""``--lang``, wherever it stands on the line, and help in that language."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.text import Text
from typer.core import TyperGroup

from .. import lang
from ..lang import N_, _
from .wrapping import Folded

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
                if asked:
                    said = _("{option} {asked}: unknown language. Known: {known}.")
                else:
                    said = _("{option} needs a language. Known: {known}.")
                known = ", ".join(lang.LANGUAGES)
                raise typer.BadParameter(said.format(option=OPTION, asked=asked, known=known))
            lang.use(found)
        translate(self, self.params)
        _speak_in_panels()
        return super().parse_args(ctx, rest)

    def get_usage(self, ctx: Any) -> str:
        return said_usage(super().get_usage(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            translate(command, command.params)
        return command


def taken(args: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the arguments without ``--lang X``, and the last X: "" where nothing follows it, None
    where there is none.

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
        asked = value if equals else next(left, "")
    return rest, asked


def translate(command: Any, params: Sequence[Any]) -> None:
    """Put a command's help into the language that is spoken. Its English is a text of the
    catalogue; a command is made anew for each line that is typed."""
    for one in (command, *params):
        for name in ("help", "rich_help_panel"):
            if getattr(one, name, None):
                setattr(one, name, _(getattr(one, name)))
    if command.epilog:
        before, colon, example = command.epilog.partition(": ")
        command.epilog = f"{_(before + colon.strip())} {example}" if colon else _(before)


def said_usage(usage: str) -> str:
    """Return the line on the usage of a command in the language that is spoken."""
    return usage.replace("Usage:", _("Usage:"), 1)


_PANELS = {
    "ARGUMENTS_PANEL_TITLE": N_("Arguments"),
    "OPTIONS_PANEL_TITLE": N_("Options"),
    "COMMANDS_PANEL_TITLE": N_("Commands"),
    "ERRORS_PANEL_TITLE": N_("Error"),
    "DEFAULT_STRING": N_("[default: {}]"),
    "REQUIRED_LONG_STRING": N_("[required]"),
    "RICH_HELP": N_("Try [blue]'{command_path} {help_option}'[/] for help."),
}
"""What typer says itself, by its names for it."""
_OF_HELP = N_("Show this message and exit.")
_OF_USAGE = (
    N_("No such command {name!r}."),
    N_("No such command {name!r}. Did you mean {names}?"),
    N_("No such option: {name}"),
    N_("No such option: {name} (Possible options: {names})"),
    N_("Missing command."),
    N_("Missing argument {name}."),
    N_("Missing option {name}."),
    N_("Option {name!r} requires an argument."),
    N_("Option {name!r} does not take a value."),
    N_("Got unexpected extra argument(s) ({args})"),
    N_("Invalid value for {name!r}: {why}"),
    N_("Input should be a valid integer, unable to parse string as an integer"),
    N_("Input should be a valid number, unable to parse string as a number"),
    N_("Input should be greater than or equal to {n}"),
    N_("Input should be less than or equal to {n}"),
    N_("Input should be greater than {n}"),
    N_("Input should be less than {n}"),
    N_("Value error, {value!r} is not one of {known}."),
)
"""What typer, and pydantic behind it, say of a line that they cannot read: see ``retold``."""


def _speak_in_panels() -> None:
    """Have typer say its own words in the language that is spoken, and break Chinese between any
    two characters: without a blank in it, it would be cut."""
    if lang.language() == "en" and "typer.rich_utils" not in sys.modules:
        return  # its own words are English: no command need import what prints help
    from typer import rich_utils

    for name, text in _PANELS.items():
        if hasattr(rich_utils, name):
            setattr(rich_utils, name, _(text))
    tell = rich_utils.rich_format_error
    if not getattr(tell, "retells", False):

        def retelling(error: Any) -> None:
            said = error.format_message()
            error.format_message = lambda: lang.retold(said)
            tell(error)

        retelling.retells = True  # type: ignore[attr-defined]
        rich_utils.rich_format_error = retelling  # type: ignore[assignment]
    make = getattr(rich_utils, "_make_rich_text", None)
    if make is None or getattr(make, "folds", False):
        return

    def folding(**given: Any) -> Any:
        text = make(**given)
        if isinstance(text, Text):
            text.overflow = "fold"
            return Folded.of(text)
        return text

    folding.folds = True  # type: ignore[attr-defined]
    rich_utils._make_rich_text = folding

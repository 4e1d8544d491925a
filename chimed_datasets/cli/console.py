"""What the commands print to: results to ``out``, progress and errors to ``err``."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand

from .. import lang
from ..building.progress import Progress, Warn, bars, silent
from ..errors import ChimedError, RecipeError, printable
from ..lang import N_, _
from .spoken import Spoken, said_usage, translate
from .wrapping import Screen, wrapped

if TYPE_CHECKING:
    from ..building.timing import Task
    from ..built.dataset import Built

out = Screen(highlight=False)
err = Screen(stderr=True, highlight=False)

INTERRUPTED = 130
"""Exit status of what a user stopped: 128 and the number of the signal."""
_ADDRESS = re.compile(r"\w[\w+.-]*:")
"""Begins an address; it also fits a drive of Windows, whose paths need no "~"."""

AllowCode = Annotated[
    bool,
    typer.Option("--allow-code", help="Run code that the recipe names by path or import."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A built dataset.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print warnings and errors, and nothing else.")
]
RecipeFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="RECIPE", help="A recipe (YAML). Default: the samples.", show_default=False
    ),
]
RecipeOption = Annotated[
    Path | None, typer.Option("--recipe", metavar="RECIPE", help="The same, as an option.")
]


class Command(TyperCommand):
    """A command: a switch shows no type in the help, and a path may begin with ``~`` or hold
    ``$NAME``, which a shell leaves as it is in ``--out=~/x`` and within quotation marks."""

    def get_params(self, ctx: Any) -> list[Any]:
        params = without_types(super().get_params(ctx))
        translate(self, params)
        return params

    def get_usage(self, ctx: Any) -> str:
        return said_usage(super().get_usage(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        if not _helped(self, ctx):
            super().format_help(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        for name, value in ctx.params.items():
            if isinstance(value, Path):
                ctx.params[name] = Path(expanded(str(value)))
        return rest


def _helped(command: Any, ctx: Any) -> bool:
    """Whether the help of a command was printed here, as it is on a narrow screen."""
    from . import helping

    if out.width >= helping.LEAST:
        return False
    for line in helping.lines_of(command, ctx, out.width):
        out.print(line, markup=False, soft_wrap=True)
    return True


def without_types(params: list[Any]) -> list[Any]:
    """Return parameters, of which those that are switches show no ``<bool>``."""
    for param in params:
        if getattr(param, "is_flag", False) and param.metavar is None:
            param.metavar = ""
    return params


def expanded(path: str) -> str:
    """Return a path with ``~`` and ``$NAME`` replaced; an address as it is, since what a variable
    holds is not to be sent away.

    >>> expanded("https://example.org/$HOME"), expanded("$NO_SUCH_NAME/a.csv")
    ('https://example.org/$HOME', '$NO_SUCH_NAME/a.csv')
    """
    if _ADDRESS.match(path):
        return path
    return os.path.expanduser(os.path.expandvars(path))


def the_recipe(argument: Path | None, option: Path | None) -> Path | None:
    """Return the recipe that was given as an argument or as ``--recipe``."""
    if argument is not None and option is not None and argument != option:
        raise RecipeError(
            _("Two recipes were given, {argument} and --recipe {option}: leave one out.").format(
                argument=argument, option=option
            )
        )
    return argument if option is None else option


class OneLineErrors(Spoken):
    """All commands: what a user can meet is one line and exit status 1, never a traceback. What is
    wrong with a recipe is a line for each fault."""

    def get_params(self, ctx: Any) -> list[Any]:
        params = without_types(super().get_params(ctx))
        translate(self, params)
        return params

    def format_help(self, ctx: Any, formatter: Any) -> None:
        if not _helped(self, ctx):
            super().format_help(ctx, formatter)

    def invoke(self, ctx: Any) -> Any:
        hush(False)
        many = False
        try:
            return super().invoke(ctx)
        except ChimedError as error:
            said, many = str(error), bool(error.faults)
        except KeyboardInterrupt:
            err.print(_("Stopped."))
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of a pipe has seen enough: click ends us
                raise
            said = _of_system(error)
        lines = [said] if not many else said.splitlines()
        said = "\n".join(map(_one_line, lines))
        complain(_("chimed: {said}").format(said=said))
        raise typer.Exit(1)


def _one_line(line: str) -> str:
    """Return a line without what steers a terminal; one of a list of faults stays indented."""
    indent = "  " if line.startswith("  ") else ""
    return indent + printable(" ".join(line.split()))


def _of_system(error: OSError) -> str:
    """Return "a/b: Permission denied." for what the system refused."""
    reason = " ".join((error.strerror or str(error) or type(error).__name__).split())
    reason = _(reason.rstrip("."))
    if isinstance(error.filename, str | bytes):
        return _("{name}: {what}.").format(name=os.fsdecode(error.filename), what=reason)
    return _("{said}.").format(said=reason)


_OF_SYSTEMS = (
    N_("No such file or directory"), N_("Permission denied"), N_("No space left on device"),
    N_("Is a directory"), N_("Not a directory"), N_("File exists"), N_("File name too long"),
    N_("Read-only file system"), N_("Too many open files"), N_("Disk quota exceeded"),
    N_("Directory not empty"), N_("Input/output error"),
)  # fmt: skip
"""What Linux says of a file."""


def opened(folder: Path) -> Built:
    """Open a build; what is printed of it is in the language of its recipe, unless the user asks
    for another."""
    from ..built.dataset import open_built

    built = open_built(folder)
    lang.suggest(built.manifest.get("recipe", {}).get("lang"))
    return built


def complain(line: str) -> None:
    """Print what is wrong, in red."""
    _print(line, err, "red")


def hush(quiet: bool) -> None:
    """Print warnings and errors alone from now on, or all again."""
    out.quiet = quiet


def say(line: str, to: Console = err) -> None:
    """Print a line of progress; one that must not be passed over in yellow, and always."""
    if isinstance(line, Warn):
        _print(line, to, "yellow")
    elif not out.quiet:
        _print(line, to)


def say_all(line: str, style: str | None = None) -> None:
    """Print a line of a result."""
    _print(line, out, style)


def _print(line: str, to: Console, style: str | None = None) -> None:
    """Print a line: to a screen with breaks where it may have them, elsewhere whole."""
    for part in wrapped(line.expandtabs(4), to.width) if to.is_terminal else [line]:
        to.print(part, style=style, markup=False, soft_wrap=True)


def say_command(before: str, *words: str, to: Console = out) -> None:
    """Print a command of this program, which is never broken: it is there to be copied."""
    if not out.quiet:
        command = shlex.join(["chimed", *words])
        to.print(f"{before} {command}", markup=False, soft_wrap=True)


def print_json(data: Any) -> None:
    """Print what is for a program: Chinese as it is."""
    quiet, out.quiet = out.quiet, False
    out.print_json(data=data, ensure_ascii=False, indent=1)
    out.quiet = quiet


def progress_bars() -> AbstractContextManager[Progress]:
    """Bars on a terminal; nothing where there is none, or where all is to be quiet."""
    return bars(err) if sys.stderr.isatty() and not out.quiet else nullcontext(silent)


class Followed:
    """What a build calls: the bars, or a log; it keeps what the parts took (``tasks``).

    logs: whether each part, and each line, is a line of JSON on the standard error.
    """

    def __init__(self, shown: Progress, logs: bool) -> None:
        self.shown, self.logs = shown, logs
        self.tasks: list[Task] = []
        self.opening = getattr(shown, "opening", silent)
        self.sizes = getattr(shown, "sizes", silent)

    def __call__(self, phase: str, done: int, total: int, count: int) -> None:
        self.shown(phase, done, total, count)

    def task(self, done: Task) -> None:
        """Take that a part ended."""
        self.tasks.append(done)
        getattr(self.shown, "task", silent)(done)
        if self.logs:
            say(done.line())

    def tell(self, line: str) -> None:
        """Say a line, as the log has lines."""
        say(json.dumps({"line": line}, ensure_ascii=False) if self.logs else line)

"""What the commands print to: results to ``out``, progress and errors to ``err``."""

from __future__ import annotations

import errno
import json
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from ..building.progress import Progress, Warn, bars, silent
from ..errors import ChimedError, printable

if TYPE_CHECKING:
    from ..building.timing import Task

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

INTERRUPTED = 130
"""Exit status of what a user stopped: 128 and the number of the signal."""
AllowCode = Annotated[
    bool,
    typer.Option("--allow-code", help="Run code that the recipe names by path or import."),
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A built dataset.")]


class OneLineErrors(TyperGroup):
    """All commands: what a user can meet is one line and exit status 1, never a traceback. What is
    wrong with a recipe is a line for each fault."""

    def invoke(self, ctx: Any) -> Any:
        many = False
        try:
            return super().invoke(ctx)
        except ChimedError as error:
            said, many = str(error), bool(error.faults)
        except KeyboardInterrupt:
            err.print("Stopped.")
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of a pipe has seen enough: click ends us
                raise
            said = _of_system(error)
        lines = [said] if not many else said.splitlines()
        said = "\n".join(map(_one_line, lines))
        err.print(f"chimed: {said}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1)


def _one_line(line: str) -> str:
    """Return a line without what steers a terminal; one of a list of faults stays indented."""
    indent = "  " if line.startswith("  ") else ""
    return indent + printable(" ".join(line.split()))


def _of_system(error: OSError) -> str:
    """Return "a/b: Permission denied." for what the system refused."""
    reason = " ".join((error.strerror or str(error) or type(error).__name__).split())
    place = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{place}{reason.rstrip('.')}."


def say(line: str, to: Console = err) -> None:
    """Print a line as it is; one that must not be passed over in yellow."""
    style = "yellow" if isinstance(line, Warn) else None
    to.print(line, style=style, markup=False, soft_wrap=True)


def progress_bars() -> AbstractContextManager[Progress]:
    """Bars on a terminal; nothing where there is none."""
    return bars(err) if sys.stderr.isatty() else nullcontext(silent)


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

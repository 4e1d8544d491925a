"""What the commands print to: results to ``out``, progress and errors to ``err``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..building.progress import Progress, bars, silent
from ..errors import ChimedError

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

AllowCode = Annotated[
    bool,
    typer.Option("--allow-code", help="Run code that the recipe names by path or import."),
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A built dataset.")]


@contextmanager
def one_line_errors() -> Iterator[None]:
    try:
        yield
    except ChimedError as error:
        err.print(f"chimed: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None


def say(line: str) -> None:
    err.print(line, markup=False, soft_wrap=True)


def progress_bars() -> AbstractContextManager[Progress]:
    """Bars on a terminal; nothing where there is none."""
    return bars(err) if sys.stderr.isatty() else nullcontext(silent)

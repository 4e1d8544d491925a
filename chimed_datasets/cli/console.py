"""What the commands print to: results to ``out``, progress and errors to ``err``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..errors import ChimedError

if TYPE_CHECKING:
    from ..building.prepared import Progress


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


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Bars on a terminal; nothing where there is none."""
    if not sys.stderr.isatty():
        yield lambda phase, done, total, count: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err) as bars:
        tasks: dict[str, TaskID] = {}

        def advance(phase: str, done: int, total: int, count: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=total, rate="")
            seconds = bars.tasks[tasks[phase]].elapsed or 0
            rate = f"{count:,} ({count / seconds:,.0f}/s)" if seconds > 0 else ""
            bars.update(tasks[phase], completed=done, total=total, rate=rate)

        yield advance

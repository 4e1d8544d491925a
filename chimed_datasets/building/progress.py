"""How a build tells how far it is: bars in a terminal, lines in a notebook."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Progress = Callable[[str, int, int, int], None]
"""Called with (phase, parts done, parts in all, records or rows so far)."""
Tell = Callable[[str], None]
"""Called with a line: about what an earlier run left, or a :class:`Warn` about what was lost."""
_COUNTED = {"read": "records", "write": "rows"}
_SECONDS_BETWEEN = 0.2
"""Of a notebook's line: each change is a message to the browser, and is saved with the page."""


class Warn(str):
    """A line that must not be passed over: a terminal shows it in yellow, a log as a warning."""

    __slots__ = ()


class Done(str):
    """The line of a build that had nothing to do: all was there."""

    __slots__ = ()


def silent(*_: Any) -> None:
    pass


def _rate(count: int, seconds: float) -> str:
    """Return a count, and how many a second it is as soon as one has passed."""
    return f"{count:,} ({count / seconds:,.0f}/s)" if seconds >= 1 else f"{count:,}"


@contextmanager
def bars(console: Console) -> Iterator[Progress]:
    """Draw a bar for each phase on a terminal."""
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
    with Progress(*columns, console=console) as drawn:
        tasks: dict[str, TaskID] = {}

        def advance(phase: str, done: int, total: int, count: int) -> None:
            if phase not in tasks:
                tasks[phase] = drawn.add_task(phase, total=total, rate="")
            seconds = drawn.tasks[tasks[phase]].elapsed or 0
            drawn.update(tasks[phase], completed=done, total=total, rate=_rate(count, seconds))

        yield advance


@contextmanager
def notebook_lines() -> Iterator[Progress]:
    """Show a line for each phase below the cell of a notebook, and change it as the phase goes on.

    It needs IPython alone: the bars of rich and of tqdm are widgets of another package there.
    """
    from IPython import display

    show: Any = display.display
    lines: dict[str, Any] = {}
    begun: dict[str, float] = {}
    shown: dict[str, float] = {}

    def advance(phase: str, done: int, total: int, count: int) -> None:
        now = time.perf_counter()
        if phase in lines and done < total and now - shown[phase] < _SECONDS_BETWEEN:
            return
        seconds = now - begun.setdefault(phase, now)
        counted = f"  {_COUNTED[phase]}: {_rate(count, seconds)}" if phase in _COUNTED else ""
        line = f"{phase:<8}{done} of {total}{counted}"
        forms = {
            "text/plain": line,
            "text/html": f'<pre style="margin:0"><progress value="{done}" max="{total}">'
            f"</progress> {escape(line)}</pre>",
        }
        if phase in lines:
            lines[phase].update(forms, raw=True)
        else:
            lines[phase] = show(forms, raw=True, display_id=True)
        shown[phase] = now

    yield advance

"""How a build tells how far it is: bars in a terminal, lines in a notebook."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

from ..lang import N_, _

if TYPE_CHECKING:
    from rich.console import Console

Progress = Callable[[str, int, int, int], None]
"""Called with (phase, parts done, parts in all, records or rows so far)."""
Opening = Callable[[str, str, int, int], None]
"""Called before the first part is read, with (what is done, to which source, sources done, sources
in all)."""
Tell = Callable[[str], None]
"""Called with a line: about what an earlier run left, or a :class:`Warn` about what was lost."""
_COUNTED = {"read": N_("records: {count}"), "write": N_("rows: {count}")}
PHASES = (
    N_("open"), N_("check"), N_("fetch"), N_("read"), N_("decide"), N_("write"), N_("generate"),
)  # fmt: skip
"""What is told of, in the order of a build; a bar says it in the language that is spoken."""
_BARS = ((100, 20), (60, 8))
"""Columns of the screen, and those that a bar takes then; on a smaller one there is none."""
_WIDE = 100
"""Columns of the screen on which all figures of a phase have room."""
_SECONDS_BETWEEN = 0.2
"""Of a notebook's line: each change is a message to the browser, and is saved with the page."""


class Warn(str):
    """A line that must not be passed over: a terminal shows it in yellow, a log as a warning.

    short: what it is about and how much was lost, as one of several; "" where it has none.
    """

    __slots__ = ("short",)
    short: str

    def __new__(cls, line: str, short: str = "") -> Warn:
        made = super().__new__(cls, line)
        made.short = short
        return made


class Done(str):
    """The line of a build that had nothing to do: all was there."""

    __slots__ = ()


def silent(*__: Any) -> None:
    pass


def opening(progress: Progress) -> Opening:
    """Return what is to be told of the sources while they are opened. Bars show it; a function of
    a user's own is called with the phases alone."""
    found: Opening = getattr(progress, "opening", silent)
    return found


def _left(done: int, size: int, seconds: float) -> tuple[str, str]:
    """Return how fast bytes are read and how long the rest will take: once a second has passed and
    a twentieth is done."""
    if seconds < 1 or not size or done * 20 < size:
        return "", ""
    rest = round(seconds * (size - done) / done)
    left = ""
    if done < size:
        left = _("{time} left").format(time=f"{rest // 60}:{rest % 60:02}")
    return f"{done / seconds / 1e6:,.1f} MB/s", left


def _rate(count: int, begun: int, seconds: float) -> str:
    """Return a count, and how many a second it is as soon as one has passed. begun: the count when
    the phase began, which an earlier run may have left."""
    return f"{count:,} ({(count - begun) / seconds:,.0f}/s)" if seconds >= 1 else f"{count:,}"


def _named(phase: str) -> str:
    """Return what a phase is called, as wide as all are: a Chinese character takes two columns."""
    from rich.cells import set_cell_size

    return set_cell_size(_(phase), 8)


@contextmanager
def bars(console: Console) -> Iterator[Progress]:
    """Draw a bar for each phase on a terminal, and from the start one of what is opened, which goes
    when the first phase begins."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    bar = next((size for least, size in _BARS if console.width >= least), 0)
    columns = (
        TextColumn("{task.description}"),
        *([BarColumn(bar_width=bar)] if bar else []),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        *([TimeElapsedColumn()] if bar else []),
    )
    with Progress(*columns, console=console) as drawn:
        shown = _Bars(drawn)
        try:
            yield shown
        finally:
            shown.close_opening()
            drawn.live.transient = not drawn.tasks  # where there is no bar, no line stands empty


class _Bars:
    """What a build calls; see :func:`bars`."""

    def __init__(self, drawn: Any) -> None:
        self.drawn = drawn
        self.tasks: dict[str, Any] = {}
        self.begun: dict[str, int] = {}
        self.size: dict[str, int] = {}
        self.bytes: Counter[str] = Counter()
        self.opened: Any = drawn.add_task(_named("open"), total=None, rate="")

    def __call__(self, phase: str, done: int, total: int, count: int) -> None:
        self.close_opening()
        if phase not in self.tasks:
            self.tasks[phase] = self.drawn.add_task(_named(phase), total=total, rate="")
            self.begun[phase] = count if done < total else 0
        task = self.tasks[phase]
        (seconds,) = (one.elapsed or 0 for one in self.drawn.tasks if one.id == task)
        speed, left = _left(self.bytes[phase], self.size.get(phase, 0), seconds)
        rate = _rate(count, self.begun[phase], seconds)
        if self.drawn.console.width >= _WIDE:
            rate = f"{rate} {', '.join(filter(None, (speed, left)))}".rstrip()
        else:  # a figure that is cut is worse than one that is not there
            rate = f"{count:,} {left}".rstrip()
        self.drawn.update(task, completed=done, total=total, rate=rate)

    def sizes(self, phase: str, size: int) -> None:
        """Take how many bytes a phase is to read."""
        self.size[phase] = size

    def task(self, done: Any) -> None:
        """Take that a part ended: a :class:`.timing.Task`."""
        if not done.before:
            self.bytes[done.phase] += done.took.bytes

    def opening(self, what: str, source: str, done: int, total: int) -> None:
        """Show what is done to a source before any is read."""
        if self.opened is not None:
            name = _named(what)
            self.drawn.update(
                self.opened, description=name, completed=done, total=total, rate=source
            )

    def close_opening(self) -> None:
        if self.opened is not None:
            self.drawn.remove_task(self.opened)
            self.opened = None


@contextmanager
def notebook_lines() -> Iterator[Progress]:
    """Show a line for each phase below the cell of a notebook, and change it as the phase goes on.

    It needs IPython alone: the bars of rich and of tqdm are widgets of another package there.
    """
    yield _Lines()


class _Lines:
    """What a build calls; see :func:`notebook_lines`."""

    def __init__(self) -> None:
        from IPython import display

        self.show: Any = display.display
        self.lines: dict[str, Any] = {}
        self.begun: dict[str, tuple[float, int]] = {}
        self.shown: dict[str, float] = {}

    def __call__(self, phase: str, done: int, total: int, count: int) -> None:
        now = time.perf_counter()
        start, before = self.begun.setdefault(phase, (now, count if done < total else 0))
        rate = ""
        if phase in _COUNTED:
            rate = _(_COUNTED[phase]).format(count=_rate(count, before, now - start))
        self._line(phase, phase, done, total, rate)

    def opening(self, what: str, source: str, done: int, total: int) -> None:
        """Show what is done to a source before any is read."""
        self._line("open", what, done, total, source)

    def _line(self, key: str, phase: str, done: int, total: int, more: str) -> None:
        now = time.perf_counter()
        if key in self.lines and done < total and now - self.shown[key] < _SECONDS_BETWEEN:
            return
        line = _named(phase) + _("{done} of {total}").format(done=done, total=total)
        line += f"  {more}" if more else ""
        forms = {
            "text/plain": line,
            "text/html": f'<pre style="margin:0"><progress value="{done}" max="{total}">'
            f"</progress> {escape(line)}</pre>",
        }
        if key in self.lines:
            self.lines[key].update(forms, raw=True)
        else:
            self.lines[key] = self.show(forms, raw=True, display_id=True)
        self.shown[key] = now

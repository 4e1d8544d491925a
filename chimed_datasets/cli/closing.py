"""What a build prints at its end: one screen. `chimed stats` prints the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from ..building.progress import Warn
from ..lang import _
from .console import Followed, err, out, say_all, say_command
from .fitting import fits, print_beside, print_table

if TYPE_CHECKING:
    from ..built.manifest import Manifest
    from ..built.statistics import Statistics

SOURCES = 8
"""Sources that have a line of their own, where there is no screen."""
LEAST_SOURCES, OTHER_LINES = 4, 20
"""The same on a small screen, and its lines that are of other things."""
LOSSES = 3
WARNING_LINES = 6
"""Lines that the warnings may take as they are; more are told in short."""


class Took(NamedTuple):
    """What a build took: seconds by the clock, who did it, the bytes of its largest process."""

    seconds: float
    executor: str
    peak: int


def print_losses(manifest: Manifest) -> None:
    """Print what came in and out of each source, and the rules that took most."""
    from rich.text import Text

    from ..report import tables

    room = max(LEAST_SOURCES, out.height - OTHER_LINES) if out.is_terminal else SOURCES
    print_table(tables.sources(manifest, room))
    out.print()
    if losses := tables.largest_losses(manifest)[:LOSSES]:
        out.print(_("Most was lost by:"), style="italic")
    least = max((len(f"{one.records:,}") for one in losses), default=0)
    for one in losses:
        head = Text(f"  {one.records:>{least},} ")
        print_beside(head, Text.assemble((f"{one.stage}/{one.rule}", "bold"), f"  {one.reason}"))
    out.print()


def print_tables(manifest: Manifest, statistics: Statistics) -> None:
    """Print all tables of a build."""
    from ..report import tables

    account, *others = tables.closing(manifest, statistics)
    print_table(account if fits(account, out.width) else tables.stages_of_sources(manifest))
    for table in (*others, tables.departments(statistics)):
        if table is not None:
            print_table(table)
    for line in tables.hard_to_find(manifest):
        say_all(line)


def print_warnings(
    folder: Path, warnings: Sequence[Warn], progress: Followed, *, whole: bool
) -> None:
    """Print what must not be passed over: on a screen in short where it takes many lines, with the
    command that tells all of it; to a file or a log as it is."""
    if whole or progress.logs or not err.is_terminal or _lines(warnings) <= WARNING_LINES:
        for line in warnings:
            progress.tell(line)
        return
    several = [line.short for line in warnings if line.short]
    if several:
        told = _(", ").join(several)
        progress.tell(
            Warn(
                _("Sources that lost more than a fifth while they were read: {told}.").format(
                    told=told
                )
            )
        )
    for line in warnings:
        if not line.short:
            progress.tell(line)
    say_command(_("Which rows, and why:"), "show", str(folder), "--rule", "read", to=err)


def print_end(folder: Path, manifest: Manifest, took: Took) -> None:
    """Print how much came out, how to load it, and what to do next."""
    from .. import loops
    from ..report import tables

    sources = manifest["sources"]
    read, kept = (sum(one[end] for one in sources) for end in ("in", "out"))
    counts = {
        config: sum(file["rows"] for files in splits.values() for file in files)
        for config, splits in manifest["configs"].items()
    }
    rows = _(", ").join(f"{name} {n:,}" for name, n in counts.items())
    told = _("{kept:,} of {read:,} records were kept. Rows: {rows}.")
    if read:
        told = _("{kept:,} of {read:,} records were kept ({share:.1%}). Rows: {rows}.")
    share = kept / read if read else 0
    say_all(told.format(kept=kept, read=read, share=share, rows=rows))
    if replaced := sum(n for one in sources for n in one["replaced_bytes"].values()):
        say_all(
            _(
                "{replaced:,} undecodable bytes were replaced; manifest.json names the files."
            ).format(replaced=replaced)
        )
    for line in tables.hard_to_find(manifest, never=True):
        say_all(line)
    say_all(
        _(
            "It took {seconds:.1f} s with {executor}, {peak:.2f} GiB a process; loops: {loops}."
        ).format(
            seconds=took.seconds,
            executor=took.executor,
            peak=took.peak / 2**30,
            loops=loops.state(),
        )
    )
    say_all(
        _('{folder} is ready: load_dataset("{folder}", "{next}")').format(
            folder=folder, next=next(iter(counts))
        )
    )
    say_command(_("Next:"), "stats", str(folder))


def _lines(warnings: Sequence[Warn]) -> int:
    """Return how many lines of the screen they take."""
    return sum(-(-cell_len(line) // err.width) for line in warnings)

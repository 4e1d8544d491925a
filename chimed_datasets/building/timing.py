"""What the parts of a build took: each part measures itself, and its checkpoint keeps the figures.

They are told of (:func:`tasks`) as the parts end, and are in no file of the dataset.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from .progress import Progress, silent


@dataclass
class Took:
    """What a part took.

    seconds: by the clock. cpu: CPU seconds by step, of the process that did it; of what is decided
    over all records and of closing, those of the workers too. bytes: that it read; of a
    shard, that it wrote.
    """

    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    bytes: int = 0


class Watch:
    """Measures a part while it is made: ``took`` is what it took up to the last :meth:`lap`.

    seconds: returns the CPU seconds so far, of whom they are measured.
    """

    def __init__(self, seconds: Callable[[], float] = time.process_time) -> None:
        self.took = Took()
        self._seconds = seconds
        self._began = time.perf_counter()
        self._last = seconds()

    def lap(self, step: str) -> None:
        """Put the CPU time since the lap before on the account of a step."""
        now = self._seconds()
        self.took.cpu[step] = self.took.cpu.get(step, 0.0) + now - self._last
        self._last = now
        self.took.seconds = time.perf_counter() - self._began


@dataclass(frozen=True)
class Task:
    """A finished part of a build.

    phase:  "plan", "read", "decide", "write" or "close".
    part:   its number or place. of: the source, or the config and split.
    rows:   records that it read, or rows that it wrote. drops: records that it dropped.
    before: whether an earlier run of the build made it.
    """

    phase: str
    part: str
    of: str
    rows: int
    drops: int
    took: Took
    before: bool = False

    def line(self) -> str:
        """Return it as a line of JSON: seconds, CPU seconds in all and by step, MB."""
        told = asdict(self)
        took = told.pop("took")
        told["seconds"] = round(took["seconds"], 3)
        told["cpu_seconds"] = round(sum(took["cpu"].values()), 3)
        told["mb"] = round(took["bytes"] / 1e6, 3)
        told["steps"] = {step: round(seconds, 3) for step, seconds in took["cpu"].items()}
        return json.dumps(told, ensure_ascii=False)


Tell = Callable[[Task], None]


def tasks(progress: Progress) -> Tell:
    """Return what is told of each finished part: ``progress.task``, where there is one."""
    found: Tell = getattr(progress, "task", silent)
    return found


def sizes(progress: Progress) -> Callable[[str, int], None]:
    """Return what is told how many bytes a phase reads in all."""
    found: Callable[[str, int], None] = getattr(progress, "sizes", silent)
    return found


def tell_of_phase(progress: Progress, phase: str, name: str, watch: Watch) -> None:
    """Tell of a phase that is one part."""
    tasks(progress)(Task(phase, "", name, 0, 0, watch.took))


def by_step(told: Iterable[Task]) -> list[dict[str, Any]]:
    """Return a row for each step of each phase: phase, step, cpu_seconds, share (of all CPU)."""
    every: dict[tuple[str, str], float] = {}
    for task in told:
        for step, seconds in task.took.cpu.items():
            every[task.phase, step] = every.get((task.phase, step), 0.0) + seconds
    total = sum(every.values()) or 1.0
    return [
        {"phase": phase, "step": step, "cpu_seconds": seconds, "share": seconds / total}
        for (phase, step), seconds in every.items()
    ]


def by_source(told: Iterable[Task]) -> list[dict[str, Any]]:
    """Return a row for each source: source, parts, rows, mb, cpu_seconds, mb_per_cpu_second."""
    rows: dict[str, dict[str, Any]] = {}
    for task in told:
        if task.phase != "read":
            continue
        row = rows.setdefault(
            task.of, {"source": task.of, "parts": 0, "rows": 0, "mb": 0.0, "cpu_seconds": 0.0}
        )
        row["parts"] += 1
        row["rows"] += task.rows
        row["mb"] += task.took.bytes / 1e6
        row["cpu_seconds"] += sum(task.took.cpu.values())
    for row in rows.values():
        row["mb_per_cpu_second"] = row["mb"] / max(row["cpu_seconds"], 1e-9)
    return list(rows.values())

"""Executors: where the shards run. An executor maps a function over tasks; nothing else.

The stages and the build know only :class:`Executor`: `local` runs tasks in processes of this
machine, `ray` on the nodes of a Ray cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """What a build asks of an executor."""

    def run(self, function: Callable[[S, T], R], shared: S, tasks: Sequence[T]) -> Iterator[R]:
        """Yield ``function(shared, task)`` for each task, in their order.

        ``shared`` reaches each worker once, not once a task. A task may be run again where a
        machine was lost, so that it must leave the same whenever it is run. Raises
        :class:`BuildError` when workers die; what a task raises passes through.
        """
        ...

    def everywhere(self, function: Callable[[S, str], R], shared: S) -> list[tuple[str, R]]:
        """Return (machine, ``function(shared, machine)``) for each machine that tasks may run on
        and that is not this one."""
        ...

    def __str__(self) -> str:
        """Where the tasks run, for the closing line: "2 workers"."""
        ...

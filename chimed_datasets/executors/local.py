"""Run tasks in processes of this machine."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, TypeVar

from ..errors import BuildError

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

_shared: Any = None


@dataclass(frozen=True)
class LocalExecutor:
    """``workers`` processes; with one, everything runs in the calling process."""

    workers: int = 1

    def run(self, function: Callable[[S, T], R], shared: S, tasks: Sequence[T]) -> Iterator[R]:
        """Yield ``function(shared, task)`` for each task, in their order.

        Raises :class:`BuildError` when a worker dies (most often for want of memory); what a
        task raises passes through.
        """
        workers = min(self.workers, len(tasks))
        if workers <= 1:
            yield from (function(shared, task) for task in tasks)
            return
        # Not fork: Arrow and OpenCC hold threads and locks that do not survive it.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, _receive, (shared,)) as pool:
            futures = [pool.submit(_call, function, task) for task in tasks]
            try:
                for future in futures:
                    yield future.result()
            except BrokenProcessPool:
                raise BuildError(
                    "a worker process died, most often for want of memory: "
                    "try fewer --workers, or a smaller shard_size."
                ) from None
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _receive(shared: Any) -> None:
    global _shared
    _shared = shared
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    """End with the parent: one killed by SIGKILL tells nobody, and its workers would wait on."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _call(function: Callable[[Any, T], R], task: T) -> R:
    return function(_shared, task)

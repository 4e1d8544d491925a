"""Run tasks in processes of this machine."""

from __future__ import annotations

import gc
import multiprocessing
import multiprocessing.connection
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from .. import lang
from ..errors import BuildError
from ..lang import _
from .handing import handed

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

_COLLECT_AFTER = (100_000, 50, 100)
"""Objects, and collections of the generation before, between two looks for garbage of
:func:`collect_seldom`."""

_HELD = {-1: 1 << 28, -2: 1 << 24, -3: 1 << 25}
"""Of glibc's mallopt(3): M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, in bytes."""

_shared: Any = None
_peak = 0
_spent = 0.0


def collect_seldom() -> None:
    """Let this process look for garbage less often. Modules, rows and records hold no circles, and
    a look at each of them again and again finds nothing: of imports it takes a tenth."""
    gc.set_threshold(*_COLLECT_AFTER)


def hold_memory() -> None:
    """Let this process keep what it freed, for its next arrays, and Arrow's too.

    A worker makes arrays of the same sizes batch after batch. Given back each time, their pages
    come anew and must be cleared: a fifth of what the system does for a build. Where the C library
    is another than glibc, only Arrow's arrays come from it.
    """
    import ctypes

    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        for option, size in _HELD.items():
            mallopt(option, size)


def peak_memory() -> int:
    """Return the largest resident memory (bytes) of a worker so far; 0 before there was one."""
    return _peak


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of what its workers have done so far."""
    return time.process_time() + _spent


@dataclass(frozen=True)
class LocalExecutor:
    """``workers`` processes; with one, everything runs in the calling process.

    warm: the dotted name of a module that is imported once, before workers are forked; "" for none.
    """

    workers: int = 1
    warm: str = ""

    def start(self) -> None:
        """Start what workers are forked from: it imports while this process goes on. Left out,
        :meth:`run` starts it."""
        if self.workers > 1 and self._context().get_start_method() == "forkserver":
            _start_tracker()  # first, since whoever starts it lets the signal through again
            with _without_interrupts():
                multiprocessing.forkserver.ensure_running()

    def __str__(self) -> str:
        told = _("{n} workers") if self.workers > 1 else _("{n} worker")
        return told.format(n=self.workers)

    def everywhere(self, function: Callable[[S, str], R], shared: S) -> list[tuple[str, R]]:
        """Return nothing: there is no machine but this one."""
        return []

    def run(self, function: Callable[[S, T], R], shared: S, tasks: Sequence[T]) -> Iterator[R]:
        """Yield ``function(shared, task)`` for each task, in their order.

        Raises :class:`BuildError` when a worker dies (most often for want of memory); what a
        task raises passes through. Workers that are under way end at once where this process is
        interrupted, or wants no more results.
        """
        workers = min(self.workers, len(tasks))
        if workers <= 1:
            yield from (function(shared, task) for task in tasks)
            return
        self.start()
        held, ours = multiprocessing.Pipe(duplex=False)
        context = self._context()
        with held, ours, ExitStack() as exits:
            with _without_main():
                args = (exits.enter_context(handed(shared)), held, lang.language())
            pool = exits.enter_context(ProcessPoolExecutor(workers, context, _receive, args))
            try:
                for future in [_submit(pool, function, task) for task in tasks]:
                    result, cost = future.result()
                    _note(cost)
                    yield result
            except BrokenProcessPool:
                raise BuildError(
                    _(
                        "a worker process died, most often for want of memory: try fewer "
                        "--workers, or a smaller shard_size."
                    )
                ) from None
            except (KeyboardInterrupt, GeneratorExit):
                ours.close()
                raise
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _context(self) -> Any:
        """Return how workers start: forked from a server that has done no more than import.

        Not from this process: Arrow and OpenCC hold threads and locks that do not survive a fork
        once they have worked. Where there is no such server (Windows), every worker imports for
        itself.
        """
        if "forkserver" not in multiprocessing.get_all_start_methods():
            return multiprocessing.get_context("spawn")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([self.warm] if self.warm else [])
        return context


def _submit(pool: ProcessPoolExecutor, function: Callable[[Any, T], R], task: T) -> Future[Any]:
    """Submit a task. The pool starts a process for it where none is idle."""
    with _without_main():
        return pool.submit(_call, function, task)


_main_is_aside = threading.Lock()


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep the user's script from new processes.

    multiprocessing has each one run the file of ``__main__`` again, so that a script without
    ``if __name__ == "__main__"`` would start a build in every worker. Nothing that reaches a worker
    is of that module, and an empty one in its place names no file. The lock is for builds in
    several threads: the second one would take the empty module for the script, and leave it there.
    """
    with _main_is_aside:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _start_tracker() -> None:
    """Start the process that removes what this one leaves when it ends at once: it need not tell
    of that, as it would where the user is at the prompt again."""
    before = os.environ.get("PYTHONWARNINGS")
    quiet = "ignore:resource_tracker"
    os.environ["PYTHONWARNINGS"] = f"{before},{quiet}" if before else quiet
    try:
        multiprocessing.resource_tracker.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = before


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keep Ctrl-C from processes that are started here, and from all that are forked from them: a
    terminal sends it to each, and this one alone decides what is done about it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _receive(shared: Any, held: Any, language: str) -> None:
    """Prepare a worker. held: a connection that says nothing, and ends when the worker must.
    language: of what goes wrong."""
    global _shared
    _shared = shared
    lang.use(language)
    # What is there by now stays for good: it is not looked through for garbage.
    gc.freeze()
    collect_seldom()
    hold_memory()
    threading.Thread(target=_follow_parent, args=(held,), daemon=True).start()


def _follow_parent(held: Any) -> None:
    """End with the parent: one killed by SIGKILL tells nobody, and its workers would wait on."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel, held])
        os._exit(1)


class _Cost(NamedTuple):
    """What only a worker knows, since the build is not its parent: its largest resident memory
    so far (bytes), and the CPU seconds of a task."""

    peak: int
    seconds: float


def _call(function: Callable[[Any, T], R], task: T) -> tuple[R, _Cost]:
    began = time.process_time()
    result = function(_shared, task)
    return result, _Cost(_own_peak(), time.process_time() - began)


def _own_peak() -> int:
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _note(cost: _Cost) -> None:
    global _peak, _spent
    _peak = max(_peak, cost.peak)
    _spent += cost.seconds

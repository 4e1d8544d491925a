"""Run tasks on the nodes of a Ray cluster.

A task whose worker or node is lost is run again on another. The driver (the process that builds)
hands out tasks and takes results in order; it must outlive the build. Where it does not, the same
command goes on from the checkpoints, as everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from .. import lang
from ..errors import BuildError, broken_extra
from ..lang import _

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

RETRIES = 5
"""Times that a task is run again after its worker or node was lost."""
AHEAD = 4
"""Tasks under way or finished ahead of their turn, for each CPU of the cluster."""
_LOOK_SECONDS = 120

_held: tuple[str, Any] = ("", None)


class RayExecutor:
    """The CPUs of a Ray cluster, one to a task.

    address: of a running cluster ("auto", "10.0.0.1:6379"). None: that of ``RAY_ADDRESS``, else
             a cluster that runs on this machine, else one that is started for this process.

    Raises :class:`BuildError` where Ray is not installed or no cluster answers.
    """

    def __init__(self, address: str | None = None) -> None:
        self.address = address
        # A cluster that is started here tells nobody of it; of one that runs, its head decides.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise BuildError(
                _("--executor ray: {broken_extra}").format(broken_extra=broken_extra(error, "ray"))
            ) from None
        self.ray: Any = ray
        if ray.is_initialized():
            return
        try:
            ray.init(address=address, log_to_driver=False, include_dashboard=False)
        except Exception as error:  # connection, version and token each have an error of their own
            words = " ".join(str(error).split())[:300]
            raise BuildError(
                _("no Ray cluster at {value}: {name__}: {words}").format(
                    value=address or "this machine", name__=type(error).__name__, words=words
                )
            ) from error

    def __str__(self) -> str:
        nodes = len(self.nodes())
        told = _("{cpus} CPUs of {n} Ray nodes") if nodes != 1 else _("{cpus} CPUs of {n} Ray node")
        return told.format(cpus=self._cpus(), n=nodes)

    def run(self, function: Callable[[S, T], R], shared: S, tasks: Sequence[T]) -> Iterator[R]:
        """Yield ``function(shared, task)`` for each task, in their order; see :class:`Executor`.

        What a finished task returned waits in memory for its turn, so that only so many tasks are
        handed out ahead of the first that is not finished.
        """
        if not tasks:
            return
        kept, spoken = self.ray.put(shared), lang.language()
        call = self.ray.remote(_call).options(max_retries=RETRIES)
        under_way: dict[Any, int] = {}
        done: dict[int, R] = {}
        handed = 0
        try:
            for turn in range(len(tasks)):
                while turn not in done:
                    ahead = turn + AHEAD * max(self._cpus(), 1)
                    while handed < min(len(tasks), ahead):
                        under_way[call.remote(function, [kept], tasks[handed], spoken)] = handed
                        handed += 1
                    ready, __ = self.ray.wait(list(under_way), num_returns=1)
                    for ref in ready:
                        done[under_way.pop(ref)] = self._result(ref)
                yield done.pop(turn)
        finally:
            for ref in under_way:
                self.ray.cancel(ref)

    def everywhere(self, function: Callable[[S, str], R], shared: S) -> list[tuple[str, R]]:
        """Return (node, ``function(shared, node)``) for every node that has CPUs for tasks.

        A node that died a moment ago may still be listed as alive: it is left out.
        """
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        refs = {}
        for node in self.nodes():
            place = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            call = self.ray.remote(function).options(scheduling_strategy=place, num_cpus=0)
            name = f"{node['NodeManagerAddress']} ({node['NodeID'][:8]})"
            refs[name] = call.remote(shared, name)
        ready, __ = self.ray.wait(list(refs.values()), num_returns=len(refs), timeout=_LOOK_SECONDS)
        for name, ref in refs.items():
            if ref not in ready:
                raise BuildError(
                    _("Ray node {name} does not answer within {look_seconds} s.").format(
                        name=name, look_seconds=_LOOK_SECONDS
                    )
                )
        errors = self.ray.exceptions
        results = []
        for name, ref in refs.items():
            try:
                results.append((name, self._result(ref)))
            except BuildError as error:
                if not isinstance(
                    error.__cause__, (errors.TaskUnschedulableError, errors.NodeDiedError)
                ):
                    raise
        return results

    def _result(self, ref: Any) -> Any:
        errors = self.ray.exceptions
        try:
            return self.ray.get(ref)
        except errors.RayTaskError as error:  # raised by the function
            raise error.cause from None
        except errors.RayError as error:
            words = " ".join(str(error).split())[:300]
            raise BuildError(
                _(
                    "the Ray cluster lost a task {retries} times ({name__}), most often "
                    "for want of memory: start nodes with fewer CPUs. {words}"
                ).format(retries=RETRIES + 1, name__=type(error).__name__, words=words)
            ) from error

    def nodes(self) -> list[dict[str, Any]]:
        return [n for n in self.ray.nodes() if n["Alive"] and n["Resources"].get("CPU")]

    def _cpus(self) -> int:
        return int(sum(node["Resources"]["CPU"] for node in self.nodes()))


def _call(function: Callable[[Any, T], R], kept: list[Any], task: T, language: str) -> R:
    """Run one task. ``kept`` holds the reference to what is shared: a worker fetches it once.
    language: of what goes wrong."""
    global _held
    import ray

    lang.use(language)

    (ref,) = kept
    if _held[0] != ref.hex():
        _held = "", None  # let go of the last one first
        _held = ref.hex(), ray.get(ref)
    return function(_held[1], task)

"""The processes of this machine that a build works in. Imports little: they are started first."""

from __future__ import annotations

from ..executors.local import LocalExecutor

WARM = f"{__package__}._warm"
"""The module that workers have imported when they begin."""


def start_workers(workers: int) -> LocalExecutor:
    """Return ``workers`` processes, whose imports begin now, while the caller goes on."""
    executor = LocalExecutor(workers, WARM)
    executor.start()
    return executor

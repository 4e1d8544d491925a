"""Work of the main process beside other work: while workers are waited for, or files are hashed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@contextmanager
def beside(function: Callable[..., T], *given: Any) -> Iterator[Callable[[], T]]:
    """Call a function while the block goes on; yield what waits for it and returns its result.
    Whoever leaves the block by an error waits for nothing."""
    thread = ThreadPoolExecutor(1)
    try:
        yield thread.submit(function, *given).result
    finally:
        thread.shutdown(wait=False)

"""What all workers share, handed to them: written once, and mapped by each.

To send each worker a copy of its own takes long where it is large: arrays with an entry for every
record go to every worker of every search.
"""

from __future__ import annotations

import mmap
import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import reduction
from typing import Any

LEAST = 1 << 20
"""What is smaller (bytes) is sent."""
_ALIGNED = 64
"""Arrow and NumPy want arrays to begin at such places (bytes)."""


@contextmanager
def handed(shared: Any) -> Iterator[Any]:
    """Yield what stands for ``shared`` in the arguments of new processes, where it is unpickled as
    a copy: what a worker changes in it no other sees. It is of use within the block alone."""
    if not hasattr(os, "memfd_create"):  # not on Linux
        yield shared
        return
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(shared, 5, buffer_callback=buffers.append)
    parts = [memoryview(data), *(buffer.raw() for buffer in buffers)]
    if sum(part.nbytes for part in parts) < LEAST:
        yield shared
        return
    with os.fdopen(os.memfd_create("shared"), "wb") as file:  # it goes with the last that has it
        for part in parts:
            file.write(part)
            file.write(bytes(-part.nbytes % _ALIGNED))
        file.flush()
        sizes = [part.nbytes for part in parts]
        del parts, buffers, data
        yield _Handed(file.fileno(), sizes)


class _Handed:
    """Of a file that holds a pickle and its buffers, one behind the other: their sizes (bytes)."""

    def __init__(self, file: int, sizes: Sequence[int]) -> None:
        self.file, self.sizes = file, sizes

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, (reduction.DupFd(self.file), self.sizes)


def _opened(file: Any, sizes: Sequence[int]) -> Any:
    own = file.detach()
    whole = memoryview(mmap.mmap(own, 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE))
    os.close(own)
    parts, begin = [], 0
    for size in sizes:
        parts.append(whole[begin : begin + size])
        begin += size + -size % _ALIGNED
    return pickle.loads(parts[0], buffers=parts[1:])

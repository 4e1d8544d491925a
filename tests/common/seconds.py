"""CPU seconds of a call, for the guards against work that grows with the square of a text."""

from __future__ import annotations

import time
from collections.abc import Callable


def cpu_seconds(work: Callable[[], object], below: float, tries: int = 3) -> float:
    """Return the least CPU seconds of ``work`` in up to ``tries`` tries; the first below ends it.

    A square in the work is there each time; a neighbour of the machine is not.
    """
    spent = []
    while len(spent) < tries and min(spent, default=below) >= below:
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)

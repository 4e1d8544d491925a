"""How much text is fetched at a time, where pairs of records are compared."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

CHUNK_CHARS = 1 << 18
"""Text fetched at a time, except for pairs of longer texts."""


def chunks(sizes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield where chunks of about ``CHUNK_CHARS`` begin and end, each of an item at least.

    >>> list(chunks(np.array([1 << 17, 1 << 17, 1 << 19, 5])))
    [(0, 2), (2, 3), (3, 4)]
    """
    total = np.cumsum(sizes)
    begin = 0
    while begin < len(sizes):
        limit = CHUNK_CHARS + (total[begin - 1] if begin else 0)
        end = max(begin + 1, int(np.searchsorted(total, limit, "right")))
        yield begin, end
        begin = end

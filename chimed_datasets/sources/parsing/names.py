"""The names that the rows of a file have, so that none is given twice, however many there are."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

HELD = 1_000_000
"""So many names are held as they are, some 100 bytes each; of more, a hash of 8 bytes each."""


class Names:
    """A set of names in little memory: 10 million take some 300 MB.

    Beyond :data:`HELD` a name that is not in it is taken for one that is with a chance of the
    number of names over 2**64.
    """

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._hashes: set[int] = set()  # of those that came since the last were sorted
        self._sorted = np.empty(0, np.uint64)

    def __bool__(self) -> bool:
        return bool(self._names or self._hashes or len(self._sorted))

    def add(self, name: str) -> bool:
        """Add a name. Return whether it was not there."""
        if not len(self._sorted):
            if name in self._names:
                return False
            self._names.add(name)
            if len(self._names) >= HELD:
                self._sort(map(_hash, self._names), len(self._names))
                self._names.clear()
            return True
        hashed = _hash(name)
        if hashed in self._hashes:
            return False
        at = bisect_left(self._sorted.data, hashed)
        if at < len(self._sorted) and self._sorted.data[at] == hashed:
            return False
        self._hashes.add(hashed)
        if len(self._hashes) >= HELD:
            self._sort(self._hashes, len(self._hashes))
            self._hashes.clear()
        return True

    def add_new(self, names: set[str]) -> bool:
        """Add names where none of them is there. Return whether that is so; where it may not be,
        none is added."""
        if len(self._sorted) or len(self._names) + len(names) >= HELD:
            return False
        if not self._names.isdisjoint(names):
            return False
        self._names |= names
        return True

    def _sort(self, hashes: Iterable[int], number: int) -> None:
        more = np.fromiter(hashes, np.uint64, number)
        self._sorted = np.sort(np.concatenate((self._sorted, more)))


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())

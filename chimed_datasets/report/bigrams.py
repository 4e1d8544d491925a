"""Which row groups may hold a word: for each pair of neighbouring characters, the groups with it.

A row group of 10,000 rows has some 200,000 pairs, each one of 2^BITS bits: a word of two characters
that is in no text is looked for in about a tenth of the groups, one of four in few of them. Latin
letters are few, and each pair of them is in most groups: of these three in a row count as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import pyarrow as pa

from ..records import codepoints

BITS = 21
_LATIN = 0x250
_FACTOR = np.uint32(0x9E3779B1)


class Bigrams:
    """The index of ``groups`` row groups: 256 kB each. A group that was not added may hold all."""

    def __init__(self, groups: int) -> None:
        self._bits = np.zeros((1 << BITS, (groups + 7) // 8), np.uint8)
        self._known = np.zeros(groups, bool)

    def add(self, group: int, texts: Iterable[pa.Array]) -> None:
        """Take the texts of a group; one group at a time."""
        has = np.zeros(1 << BITS, bool)
        for text in texts:
            has[_hashes(text)] = True
        self._bits[has, group // 8] |= np.uint8(1 << (group % 8))
        self._known[group] = True

    def may_hold(self, words: Iterable[str]) -> np.ndarray:
        """Return bool[groups]: whether a group may hold all of the words; lower case."""
        found = np.ones(len(self._known), bool)
        for word in words:
            for one in np.unique(_hashes(pa.array([word]))):
                row = np.unpackbits(self._bits[one], bitorder="little")[: len(found)]
                found &= row.astype(bool)
        return found | ~self._known


def _hashes(texts: pa.Array) -> np.ndarray:
    """Return uint32[n], a number under 2^BITS for each pair of neighbours in texts, in lower case.
    The last character of a text is no neighbour of the first of the next."""
    signs, ends = _signs(texts)
    if len(signs) < 2:
        return np.zeros(0, np.uint32)
    mixed = signs[:-1] * np.uint32(31) + signs[1:]
    inside = np.ones(len(mixed), bool)
    inside[ends[(ends > 0) & (ends <= len(mixed))] - 1] = False
    latin = signs < _LATIN
    three = np.flatnonzero(latin[:-2] & latin[1:-1] & latin[2:] & inside[:-1] & inside[1:])
    threes = mixed[three] * np.uint32(131) + signs[three + 2]
    found = np.concatenate([mixed[inside], threes])
    found *= _FACTOR
    found >>= np.uint32(32 - BITS)
    return found


def _signs(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return uint32[n], the characters of texts, small ones for capitals, and where texts end."""
    read = codepoints(texts)
    return _small()[read.points], np.asarray(read.offsets[1:])


@lru_cache(maxsize=1)
def _small() -> np.ndarray:
    """Return uint32[0x110000], each character in lower case; as it is, where that is several."""
    table = np.arange(0x110000, dtype=np.uint32)
    for code in range(0x20000):
        small = chr(code).lower()
        if len(small) == 1:
            table[code] = ord(small)
    return table

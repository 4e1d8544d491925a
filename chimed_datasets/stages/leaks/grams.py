"""Grams of the items of benchmarks, and where a text holds them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...loops import WIDEST, compiled
from ...records import Codepoints, look_up
from ..text.grams import gram_hashes, ranges

_BLOCK = 1 << 16
_MOST = 1 << 20
"""Windows looked at at a time: in NumPy, so that they stay in a core's own cache; compiled."""
_BITMAP_BITS = 21
_FIRST_BITS = 16


class Places(NamedTuple):
    """Where grams stand in the items.

    entry, part, offset: int32[p]: the entry, the part (-1 the stem, else the option's number), and
                         where the gram begins in it. points: uint32[p, n], its characters.
    """

    entry: np.ndarray
    part: np.ndarray
    offset: np.ndarray
    points: np.ndarray


class Grams(NamedTuple):
    """Grams of ``n`` characters and where in the items they stand.

    hashes: uint32[u], ascending and unique. starts: int64[u + 1]; the places of hash i are
    ``starts[i]:starts[i + 1]`` of entry, part, offset (int32[p]) and points (uint32[p, n]).
    bitmap: bool[2^21] by a hash's highest bits, a first sieve that fits a core's cache.
    bits:   uint32[2^16], the same with a bit for each, the lowest of a word first.
    first:  int32[2^16 + 1], where those with the same highest bits begin; the last: how many.
    lead:   int64[p], how many characters of ``window`` stand before the gram.
    window: uint32[p, w], what must stand around the gram as well; 0 where anything may.
    """

    n: int
    hashes: np.ndarray
    starts: np.ndarray
    entry: np.ndarray
    part: np.ndarray
    offset: np.ndarray
    points: np.ndarray
    bitmap: np.ndarray
    bits: np.ndarray
    first: np.ndarray
    lead: np.ndarray | None = None
    window: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        n: int,
        places: Places,
        lead: np.ndarray | None = None,
        window: np.ndarray | None = None,
    ) -> Grams:
        hashes = gram_hashes(places.points.ravel(), n)[::n]
        order = np.argsort(hashes, kind="stable")
        unique, starts = np.unique(hashes[order], return_index=True)
        bitmap = np.zeros(1 << _BITMAP_BITS, bool)
        bitmap[unique >> np.uint32(32 - _BITMAP_BITS)] = True
        bits = np.packbits(bitmap, bitorder="little").view("<u4").astype(np.uint32)
        highest = np.arange(1 << _FIRST_BITS, dtype=np.uint32) << np.uint32(32 - _FIRST_BITS)
        first = np.append(np.searchsorted(unique, highest), len(unique)).astype(np.int32)
        ends = np.append(starts, len(order))
        entry, part, offset, points = (column[order] for column in places)
        around = (None, None) if lead is None or window is None else (lead[order], window[order])
        return cls(n, unique, ends, entry, part, offset, points, bitmap, bits, first, *around)

    def find(self, text: Codepoints) -> tuple[np.ndarray, np.ndarray]:
        """Return int64 arrays: positions in ``text.points``, and the places that stand there."""
        at, places = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        points, offsets = text
        block = _MOST if compiled() else _BLOCK
        counts = np.diff(self.starts)
        for begin in range(0, len(points) if len(self.hashes) else 0, block):
            # A bitmap by the hash's high bits rules nearly all windows out; then the hash itself,
            # then the place must lie in one text, then the characters must be equal.
            here, slot = self._known(points[begin : begin + block + self.n - 1])
            here += begin
            count = counts[slot]
            place = ranges(self.starts[slot], count)
            here = np.repeat(here, count)
            inside = offsets[np.searchsorted(offsets, here, "right")] >= here + self.n
            here, place = here[inside], place[inside]
            true = (points[here[:, None] + np.arange(self.n)] == self.points[place]).all(axis=1)
            here, place = here[true], place[true]
            if self.lead is not None and self.window is not None:
                whole = self._fits(text, here - self.lead[place], self.window[place])
                here, place = here[whole], place[whole]
            at.append(here)
            places.append(place)
        return np.concatenate(at), np.concatenate(places)

    def _known(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return int64 twice: the windows of ``points`` whose hash is known, and which it is."""
        if self.n <= WIDEST and (loops := compiled()):
            return loops.probed(points, self.n, self.bits, self.hashes, self.first)
        hashes = gram_hashes(points, self.n)
        here = np.flatnonzero(look_up(self.bitmap, hashes >> np.uint32(32 - _BITMAP_BITS)))
        slot = np.searchsorted(self.hashes, hashes[here])
        slot[slot == len(self.hashes)] = 0
        same = self.hashes[slot] == hashes[here]
        return here[same], slot[same]

    @staticmethod
    def _fits(text: Codepoints, begin: np.ndarray, window: np.ndarray) -> np.ndarray:
        """Return bool: does each window stand at its place, in one text?"""
        points, offsets = text
        sizes = np.count_nonzero(window, axis=1)
        last = np.searchsorted(offsets, np.maximum(begin, 0), "right")
        inside = (begin >= 0) & (offsets[np.minimum(last, len(offsets) - 1)] >= begin + sizes)
        index = np.clip(begin[:, None] + np.arange(window.shape[1]), 0, max(len(points) - 1, 0))
        fits: np.ndarray = inside & ((points[index] == window) | (window == 0)).all(axis=1)
        return fits

"""MinHash signatures of character n-grams, banded into keys.

A. Broder, "On the resemblance and containment of documents" (1997); the bands: Leskovec,
Rajaraman, Ullman, "Mining of Massive Datasets", chapter 3.
"""

from __future__ import annotations

import numpy as np

from ...loops import compiled
from ..text.grams import mix

_BLOCK = 1 << 16
"""Windows per step: their hashes and products (256 KB each) stay in a core's own cache."""


def band_keys(
    hashes: np.ndarray, offsets: np.ndarray, bands: int, rows: int, seed: int
) -> np.ndarray:
    """Return uint64[texts, bands]: texts with an equal key in some band may be near-duplicates.

    hashes, offsets: the n-grams of the texts, as :func:`~._grams.grams_of` returns them.

    Two texts whose n-gram sets have Jaccard similarity J share a key in at least one band with
    probability 1 - (1 - J^rows)^bands. A text without n-grams has no key (0).
    """
    factors = _factors(bands * rows, seed)
    if loops := compiled():
        return loops.bands(hashes, offsets, factors, bands, rows)
    windows = np.diff(offsets)
    has_windows = np.flatnonzero(windows)
    keys = np.zeros((len(windows), bands), np.uint64)
    if len(has_windows) == 0:
        return keys
    least = _least(hashes, offsets[has_windows], factors).reshape(bands, rows, -1)
    for band in range(bands):
        # The band's number goes into its key: equal rows in two bands are no candidates.
        key = np.full(len(has_windows), band + 1, np.uint64)
        for row in least[band]:
            key = mix(key ^ row)
        keys[has_windows, band] = np.maximum(key, np.uint64(1))
    return keys


def _factors(count: int, seed: int) -> np.ndarray:
    """Return uint32[count], odd numbers that stand for permutations.

    The hashes are well mixed, so that multiplication by a random odd number can stand for a
    permutation: one multiplication and one minimum per window.
    """
    factors = (np.random.PCG64(seed).random_raw(count) >> np.uint64(32)).astype(np.uint32)
    return factors | np.uint32(1)


def _least(hashes: np.ndarray, starts: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Return uint32[factors, texts]: each text's least hash under each of the permutations."""
    out = np.full((len(factors), len(starts)), 0xFFFFFFFF, np.uint32)
    product = np.empty(_BLOCK, np.uint32)
    for begin in range(0, len(hashes), _BLOCK):
        block = hashes[begin : begin + _BLOCK]
        first = np.searchsorted(starts, begin, "right") - 1  # it may reach in from the left
        last = np.searchsorted(starts, begin + len(block))
        # Where the texts first..last begin in this block: reduceat takes the least between them.
        cuts = np.maximum(starts[first:last] - begin, 0)
        for factor, row in zip(factors, out, strict=True):
            permuted = np.multiply(block, factor, out=product[: len(block)])
            least = np.minimum.reduceat(permuted, cuts)
            np.minimum(row[first:last], least, out=row[first:last])
    return out

"""How much of a text stands inside one other text, by n-grams of letters and digits."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from ...records import codepoints, look_up
from .grams import fold, grams_of, ranges

NGRAM = 8
MOSTLY = 0.8
"""A text with this share of its n-grams in another stands mostly inside it."""
_BITS = 21


def shares(texts: pa.StringArray, others: Iterable[pa.StringArray]) -> np.ndarray:
    """Return float64[n]: of the n-grams of each text, each counted once, the largest share that one
    text of ``others`` holds; 0 for a text without one.

    >>> a = pa.array(["甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉"])
    >>> shares(a, [pa.array(["前文。甲乙丙丁戊己庚辛，壬后文"])]).round(2).tolist()
    [0.67, 0.0]
    """
    best = np.zeros(len(texts))
    hashes, ends = grams_of(fold(codepoints(texts)), NGRAM)
    owner = np.repeat(np.arange(len(texts)), np.diff(ends))
    pairs = np.unique((hashes.astype(np.uint64) << np.uint64(32)) | owner.astype(np.uint64))
    known, starts = np.unique((pairs >> np.uint64(32)).astype(np.uint32), return_index=True)
    owner = (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)
    counts = np.diff(np.append(starts, len(owner)))
    total = np.bincount(owner, minlength=len(texts))
    seen = np.zeros(1 << _BITS, bool)  # a first sieve that fits a core's cache
    seen[known >> np.uint32(32 - _BITS)] = True
    for some in others if len(known) else ():
        hashes, ends = grams_of(fold(codepoints(some)), NGRAM)
        here = np.flatnonzero(look_up(seen, hashes >> np.uint32(32 - _BITS)))
        slot = np.minimum(np.searchsorted(known, hashes[here]), len(known) - 1)
        same = known[slot] == hashes[here]
        row = np.searchsorted(ends, here[same], "right") - 1
        row, slot = np.divmod(np.unique(row * len(known) + slot[same]), len(known))
        held = owner[ranges(starts[slot], counts[slot])]
        found, times = np.unique(
            np.repeat(row, counts[slot]) * len(texts) + held, return_counts=True
        )
        held = found % len(texts)
        np.maximum.at(best, held, times / total[held])
    return best

"""Jaccard similarity of the n-gram sets of many pairs of texts."""

from __future__ import annotations

import numpy as np

from ..records import Codepoints
from ._grams import gram_hashes, ranges, whole_windows

PASS_CHARS = 1 << 22
"""Text whose n-grams are held at a time (8 bytes each, twice while they are sorted)."""
_BLOCK = 1 << 18
_HASH_BITS = 40
_REST = np.uint64(64 - _HASH_BITS)


def jaccard(text: Codepoints, left: np.ndarray, right: np.ndarray, ngram: int) -> np.ndarray:
    """Return float64[pairs]: |A ∩ B| / |A ∪ B| of the n-gram sets of texts left[i] and right[i].

    n-grams are compared by 40 bits of hash; two texts of 1,000 each meet by chance in one in a
    million comparisons. Longer texts than :data:`PASS_CHARS` are gone through several times, a
    range of hashes at a time, so that memory stays within a few times the text.
    Two texts without n-grams have similarity 0.
    """
    passes = -(-len(text.points) // PASS_CHARS)
    common = np.zeros(len(left), np.int64)
    union = np.zeros(len(left), np.int64)
    for turn in range(passes):
        grams = _grams(text, ngram, turn, passes)
        ends = np.searchsorted(grams >> np.uint64(_HASH_BITS), np.arange(len(text.offsets)))
        count = np.diff(ends)
        swap = count[left] > count[right]
        few, many = np.where(swap, right, left), np.where(swap, left, right)
        pair = np.repeat(np.arange(len(few)), count[few])
        mine = grams[ranges(ends[few], count[few])] & np.uint64((1 << _HASH_BITS) - 1)
        sought = mine | (many[pair].astype(np.uint64) << np.uint64(_HASH_BITS))
        at = np.searchsorted(grams, sought)
        at[at == len(grams)] = 0
        shared = np.bincount(pair[grams[at] == sought], minlength=len(few))
        common += shared
        union += count[left] + count[right] - shared
    return common / np.maximum(union, 1)


def _grams(text: Codepoints, ngram: int, turn: int, passes: int) -> np.ndarray:
    """Return uint64, ascending and unique: text number and hash of each n-gram of this turn."""
    whole = whole_windows(text.offsets, ngram)
    parts = [np.zeros(0, np.uint64)]
    for begin in range(0, len(whole), _BLOCK):
        hashes = gram_hashes(text.points[begin : begin + _BLOCK + ngram - 1], ngram, np.uint64)
        take = whole[begin : begin + _BLOCK]
        if passes > 1:
            take = take & (hashes % np.uint64(passes) == turn)
        at = begin + np.flatnonzero(take)
        number = np.searchsorted(text.offsets, at, "right") - 1
        parts.append((number.astype(np.uint64) << np.uint64(_HASH_BITS)) | hashes[take] >> _REST)
    grams = np.concatenate(parts)
    grams.sort()
    new = np.ones(len(grams), bool)
    np.not_equal(grams[1:], grams[:-1], out=new[1:])
    return grams[new]

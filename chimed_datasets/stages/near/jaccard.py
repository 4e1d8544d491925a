"""Jaccard similarity of the n-gram sets of many pairs of texts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...loops import WIDEST, compiled
from ...records import Codepoints
from ..text.grams import gram_hashes, ranges, whole_windows

PASS_CHARS = 1 << 22
"""Text whose n-grams are held at a time (8 bytes each, twice while they are sorted)."""
_BLOCK = 1 << 18
_HASH_BITS = 40
_NUMBER = np.uint64(_HASH_BITS)
_HASH = np.uint64((1 << _HASH_BITS) - 1)
_REST = np.uint64(64 - _HASH_BITS)


def jaccard(text: Codepoints, left: np.ndarray, right: np.ndarray, ngram: int) -> np.ndarray:
    """Return float64[pairs]: |A ∩ B| / |A ∪ B| of the n-gram sets of texts left[i] and right[i].

    n-grams are compared by 40 bits of hash; two texts of 1,000 each meet by chance in one in a
    million comparisons. Longer texts than :data:`PASS_CHARS` are gone through several times, a
    range of hashes at a time, so that memory stays within a few times the text.
    Two texts without n-grams have similarity 0.
    """
    passes = -(-len(text.points) // PASS_CHARS)
    if passes <= 1 and ngram <= WIDEST and (loops := compiled()):
        one, other, both = loops.shared(text, right, left, ngram, wide=True)
        alike: np.ndarray = both / np.maximum(one + other - both, 1)
        return alike
    common = np.zeros(len(left), np.int64)
    union = np.zeros(len(left), np.int64)
    for turn in range(passes):
        # Text numbers in the high bits: text i's n-grams are grams[ends[i]:ends[i + 1]], ascending.
        grams = _grams(text, ngram, turn, passes)
        ends = np.searchsorted(grams >> _NUMBER, np.arange(len(text.offsets)))
        count = np.diff(ends)
        # Each n-gram of the smaller set is looked for among those of the larger: under its number.
        swap = count[left] > count[right]
        few, many = np.where(swap, right, left), np.where(swap, left, right)
        pair = np.repeat(np.arange(len(few)), count[few])
        mine = grams[ranges(ends[few], count[few])] & _HASH
        sought = mine | np.repeat(many.astype(np.uint64) << _NUMBER, count[few])
        at = np.searchsorted(grams, sought)
        at[at == len(grams)] = 0
        shared = np.bincount(pair[grams[at] == sought], minlength=len(few))
        common += shared
        union += count[left] + count[right] - shared
    return common / np.maximum(union, 1)


def _grams(text: Codepoints, ngram: int, turn: int, passes: int) -> np.ndarray:
    """Return uint64, ascending and unique: text number and hash of each n-gram of this turn."""
    whole = whole_windows(text.offsets, ngram)
    last = np.cumsum(np.maximum(np.diff(text.offsets) - ngram + 1, 0))
    done = 0
    parts = [np.zeros(0, np.uint64)]
    for begin in range(0, len(whole), _BLOCK):
        hashes = gram_hashes(text.points[begin : begin + _BLOCK + ngram - 1], ngram, np.uint64)
        hashes = hashes[whole[begin : begin + _BLOCK]]
        # How many windows of each text are in this block.
        here = np.diff(np.clip(last, done, done + len(hashes)), prepend=done)
        number = np.repeat(np.arange(len(last), dtype=np.uint64) << _NUMBER, here)
        done += len(hashes)
        if passes > 1:
            take = hashes % np.uint64(passes) == turn
            hashes, number = hashes[take], number[take]
        parts.append(number | hashes >> _REST)
    grams = np.concatenate(parts)
    grams.sort()
    new = np.ones(len(grams), bool)
    np.not_equal(grams[1:], grams[:-1], out=new[1:])
    return grams[new]


def gram_sets(text: Codepoints, ngram: int) -> Iterator[np.ndarray]:
    """Yield of each text uint64, ascending: its n-grams, as hashes of 40 bits."""
    grams = _grams(text, ngram, 0, 1)
    ends = np.searchsorted(grams >> _NUMBER, np.arange(len(text.offsets)))
    for begin, end in pairwise(ends.tolist()):
        yield grams[begin:end] & _HASH


# --- an upper bound, without the texts ---------------------------------------------------------

_SKETCH_BITS = 10
_PAIRS = 1 << 12
TEXTS_AT_ONCE = 1 << 8
SKETCHED = 4 << _SKETCH_BITS
"""In the sketch of a text with more n-grams nearly every bit is set: it tells nothing."""


SKETCH_WORDS = (1 << _SKETCH_BITS) // 64


class Sketches(NamedTuple):
    """What is remembered of the n-grams of n texts.

    bits:    uint64[n, 16]; bit h is set where some n-gram has the hash h (of 10 bits).
    windows: int64[n], the n-grams, repeated ones counted again; -1 where there is no sketch.
    """

    bits: np.ndarray
    windows: np.ndarray


def no_sketches(n: int) -> Sketches:
    """Return what stands for the sketches of ``n`` texts of which there are none."""
    return Sketches(np.zeros((n, SKETCH_WORDS), np.uint64), np.full(n, -1))


def sketches(hashes: np.ndarray, offsets: np.ndarray) -> Sketches:
    """Return the sketch of each text, none of a text with more than :data:`SKETCHED` n-grams.

    hashes, offsets: the n-grams of the texts, as :func:`~._grams.grams_of` returns them.
    """
    windows = np.diff(offsets)
    windows[windows > SKETCHED] = -1
    if loops := compiled():
        return Sketches(loops.sketches(hashes, offsets, SKETCHED), windows)
    known = Sketches(no_sketches(len(windows)).bits, windows)
    for begin in range(0, len(windows), TEXTS_AT_ONCE):
        sizes = windows[begin : begin + TEXTS_AT_ONCE]
        here = hashes[offsets[begin] : offsets[begin + len(sizes)]]
        if (sizes < 0).any():
            here = here[np.repeat(sizes >= 0, np.diff(offsets[begin : begin + len(sizes) + 1]))]
        # One row of 1,024 flags a text, side by side; then eight flags to a byte.
        at = (here >> np.uint32(32 - _SKETCH_BITS)).astype(np.int64)
        at += np.repeat(np.arange(len(sizes)) << _SKETCH_BITS, np.maximum(sizes, 0))
        found = np.zeros(len(sizes) << _SKETCH_BITS, bool)
        found[at] = True
        known.bits[begin : begin + TEXTS_AT_ONCE] = (
            np.packbits(found).view(np.uint64).reshape(len(sizes), -1)
        )
    return known


def lacking(flags: np.ndarray, one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return int64[pairs] twice: how many of the ``flags`` (uint64[texts, 16]) of text one[i] text
    other[i] has not, and the other way round."""
    if loops := compiled():
        x, y = loops.lacking(flags, one, other)
        return x, y
    x, y = np.empty((2, len(one)), np.int64)
    for begin in range(0, len(one), _PAIRS):
        some = slice(begin, begin + _PAIRS)
        mine, theirs = flags[one[some]], flags[other[some]]
        x[some] = np.bitwise_count(mine & ~theirs).sum(axis=1, dtype=np.int64)
        y[some] = np.bitwise_count(theirs & ~mine).sum(axis=1, dtype=np.int64)
    return x, y


def jaccard_at_most(known: Sketches, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return float64[pairs]: what the similarity of texts left[i] and right[i] does not exceed.

    Of the n-grams of A at least x are not in B, where x counts the bits that A has and B has not;
    y of those of B are not in A. So |A ∩ B| <= |A| - x and |A ∪ B| >= |A| + y, and the similarity
    is at most (|A| - x) / (|A| + y), even if |A| counts some n-grams twice. The same holds for B.
    Without both sketches it is 1.

    >>> bits = np.zeros((2, SKETCH_WORDS), np.uint64)
    >>> bits[:, 0] = 0b0111, 0b1011
    >>> jaccard_at_most(Sketches(bits, np.array([3, 3])), np.array([0]), np.array([1])).tolist()
    [0.5]
    """
    a, b = known.windows[left], known.windows[right]
    x, y = lacking(known.bits, left, right)
    bound = np.minimum((a - x) / np.maximum(a + y, 1), (b - y) / np.maximum(b + x, 1))
    found: np.ndarray = np.where((a < 0) | (b < 0), 1, bound)
    return found


def contained_at_most(known: Sketches, text: np.ndarray, holder: np.ndarray) -> np.ndarray:
    """Return float64[pairs]: what share of the n-grams of text[i] holder[i] has at most; see
    :func:`jaccard_at_most`. Without both sketches it is 1.

    >>> bits = np.zeros((2, SKETCH_WORDS), np.uint64)
    >>> bits[:, 0] = 0b0111, 0b11011
    >>> known = Sketches(bits, np.array([3, 4]))
    >>> contained_at_most(known, np.array([0, 1]), np.array([1, 0])).round(2).tolist()
    [0.67, 0.5]
    """
    a = known.windows[text]
    x, _ = lacking(known.bits, text, holder)
    unknown = (a <= 0) | (known.windows[holder] < 0)
    found: np.ndarray = np.where(unknown, 1, (a - x) / np.maximum(a, 1))
    return found

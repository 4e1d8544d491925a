"""Character n-grams of many texts at once, as hashes in NumPy."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np

from ...loops import WIDEST, compiled
from ...records import Codepoints, look_up

_BASE = 0x9E3779B97F4A7C15
"""Odd, with bits spread evenly (the golden ratio): base of the rolling hash."""
_BLOCK = 1 << 15
"""Windows hashed at a time: what a dozen passes work on stays in a core's own cache."""
_TABLED = 0x20000
"""From here to 0xE0000 there are only rare Han characters, which stay as they are."""


def warm() -> None:
    """Build the tables that this module keeps for the life of a process."""
    fold_table()
    _not_space()


@lru_cache(maxsize=1)
def fold_table() -> np.ndarray:
    """Return uint32[0x110000]: the code point that stands for each in a comparison, 0 for none.

    Letters and digits are kept (lower case, half width), all else goes: editions of one text,
    and copies of one question, differ most in punctuation, spaces and symbols.
    """
    table = np.arange(0x110000, dtype=np.uint32)
    for point in range(_TABLED):
        char = chr(point)
        if unicodedata.category(char)[0] not in "LN":
            table[point] = 0
            continue
        wide = 0xFF01 <= point <= 0xFF5E
        lower = (chr(point - 0xFEE0) if wide else char).lower()
        table[point] = ord(lower[0])
    table[0xE0000:] = 0  # tags, variation selectors, private use
    table.setflags(write=False)
    return table


@lru_cache(maxsize=1)
def _not_space() -> np.ndarray:
    """Return bool[0x110000], false for white space."""
    table = np.ones(0x110000, bool)
    table[[p for p in range(0x3001) if chr(p).isspace()]] = False
    return table


def without_space(text: Codepoints) -> Codepoints:
    """Return the texts without white space."""
    if loops := compiled():
        return Codepoints(*loops.left(*text, _not_space()))
    return select(text, look_up(_not_space(), text.points))


def fold(text: Codepoints, table: np.ndarray | None = None) -> Codepoints:
    """Return the texts as they are compared: see :func:`fold_table`.

    >>> text = Codepoints(np.array([*map(ord, "ＣＴ 检查，")], np.uint32), np.array([0, 3, 6]))
    >>> folded = fold(text)
    >>> "".join(map(chr, folded.points)), folded.offsets.tolist()
    ('ct检查', [0, 2, 4])
    """
    table = fold_table() if table is None else table
    if loops := compiled():
        return Codepoints(*loops.folded(*text, table))
    points = look_up(table, text.points)
    return select(Codepoints(points, text.offsets), points != 0)


def select(text: Codepoints, keep: np.ndarray) -> Codepoints:
    """Return the texts with the characters alone for which ``keep`` (bool[points]) is true."""
    kept = np.flatnonzero(keep)
    if len(kept) == len(keep):
        return text
    # A text begins behind as many characters as are kept before it.
    return Codepoints(text.points.take(kept), np.searchsorted(kept, text.offsets))


def taken(text: Codepoints, at: np.ndarray) -> Codepoints:
    """Return the texts ``at`` (int64) of ``text``, in that order."""
    size = np.diff(text.offsets)[at]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(size)])
    return Codepoints(text.points[ranges(text.offsets[at], size)], offsets)


def gram_hashes(points: np.ndarray, n: int, dtype: type = np.uint32) -> np.ndarray:
    """Return dtype[len(points) - n + 1], a mixed polynomial hash of every window of ``n``.

    The hash of a window of 2k characters comes from those of its halves, so that ``n`` costs
    about 2 log2(n) passes and not n. Windows that cross from one text to the next are the
    caller's to leave out.
    """
    if len(points) < n:
        return np.zeros(0, dtype)
    if n <= WIDEST and (loops := compiled()):
        return loops.hashes(points, n, dtype)
    out: np.ndarray = np.empty(len(points) - n + 1, dtype)
    for begin in range(0, len(out), _BLOCK):
        out[begin : begin + _BLOCK] = _gram_hashes(points[begin : begin + _BLOCK + n - 1], n, dtype)
    return out


def grams_of(text: Codepoints, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return uint32[k], the hashes of the n-grams of all texts end to end (one that comes again
    counts again), and int64[m + 1], where those of each text begin and the last ones end."""
    if n <= WIDEST and (loops := compiled()):
        return loops.grams(*text, n)
    # A text of k characters has k - n + 1 windows; a shorter one has none.
    ends = np.cumsum(np.maximum(np.diff(text.offsets) - n + 1, 0))
    hashes = gram_hashes(text.points, n)[whole_windows(text.offsets, n)]
    return hashes, np.concatenate([np.zeros(1, np.int64), ends])


def _gram_hashes(points: np.ndarray, n: int, dtype: type) -> np.ndarray:
    # The binary digits of n after the first say how to get to a width of n: each doubles the width,
    # a 1 adds one more character. n = 13 is 0b1101: 1 -> 2 -> 3, 3 -> 6, 6 -> 12 -> 13.
    width, bits = 1, dtype(0).itemsize * 8
    hashes: np.ndarray = points.astype(dtype, copy=False)
    for step in bin(n)[3:]:
        # hash(left half) * BASE^width + hash(right half), modulo 2^bits as integers wrap.
        left, right = hashes[:-width], hashes[width:]
        hashes = left * dtype(pow(_BASE, width, 1 << bits)) + right
        width *= 2
        if step == "1":
            last = points[width : width + len(hashes) - 1]
            hashes = hashes[: len(last)] * dtype(_BASE % (1 << bits)) + last.astype(dtype)
            width += 1
    return mix(hashes)


def mix(hashes: np.ndarray) -> np.ndarray:
    """Spread the bits of an array of hashes (uint32 or uint64) evenly; a bijection."""
    if hashes.dtype == np.uint32:  # the finaliser of MurmurHash3 (Appleby, public domain)
        shifts, factors = (16, 13, 16), (0x85EBCA6B, 0xC2B2AE35)
    else:  # the same of its 64-bit form
        shifts, factors = (33, 33, 33), (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
    out: np.ndarray = hashes ^ (hashes >> hashes.dtype.type(shifts[0]))
    for shift, factor in zip(shifts[1:], factors, strict=True):
        out *= out.dtype.type(factor)
        out ^= out >> out.dtype.type(shift)
    return out


def whole_windows(offsets: np.ndarray, n: int) -> np.ndarray:
    """Return bool[offsets[-1] - n + 1]: does a window of ``n`` stay within one text?"""
    # A window that begins in the last n - 1 characters of a text reaches into the next.
    inside = np.ones(int(offsets[-1]), bool)
    tails = np.minimum(np.diff(offsets), n - 1)
    inside[ranges(offsets[1:] - tails, tails)] = False
    return inside[: max(len(inside) - n + 1, 0)]


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return int64: ``starts[i], starts[i] + 1, …``, ``counts[i]`` of them for each i.

    >>> ranges(np.array([5, 20]), np.array([3, 2])).tolist()
    [5, 6, 7, 20, 21]
    """
    # An arange over all, shifted in each piece by where it starts less where it stands.
    ends = np.cumsum(counts)
    shift = starts - (ends - counts)
    return np.repeat(shift, counts) + np.arange(ends[-1] if len(ends) else 0)

"""Which texts stand to the greatest part inside one other text.

Of each text a sample of its n-grams is kept: those whose first characters have a small hash. A text
inside another shares them all, however long the other is (FracMinHash: Irber et al., "Lightweight
compositional analysis of metagenomes with FracMinHash and minimum metagenome covers", 2022; "mod m"
in A. Broder, "On the resemblance and containment of documents", 1997). Which texts may hold a text
is then asked of its rarest n-grams alone, as many as one that holds the text cannot all lack
(prefix filter: Chaudhuri, Ganti, Kaushik, "A primitive operator for similarity joins", 2006).
What is found is verified on the texts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ...records import codepoints
from ..text.grams import fold, mix, ranges
from ..text.inside import MOSTLY, NGRAM
from .chunks import chunks
from .jaccard import shared

ONE_IN = 8
"""One n-gram of as many is kept of each text, about: half a byte a character."""
LEAST = 20
"""Characters of the shortest text that is looked for: any long text may hold a shorter one."""
HELD = 0.6
"""The share of the kept n-grams that is asked for before the texts are compared. It is below
:data:`.inside.MOSTLY`, since a sample of few n-grams may do less well than the text."""
RARE = 32
COMMON = 1000
"""An n-gram that stands in more texts is not looked up: it tells nothing."""
TRIED = 64
"""So many texts are compared with a text, at most: those that share most."""

FEW = 8
"""A text inside texts of more clusters than this is a phrase that anybody writes."""


class Sampled(NamedTuple):
    """keys: uint32[k], the n-grams that are kept of all texts end to end.
    counts: int64[n], how many of each."""

    keys: np.ndarray
    counts: np.ndarray


class Pairs(NamedTuple):
    """text, holder: int64[p], indices. share: float64[p], of the n-grams of ``text`` those that
    stand in ``holder``."""

    text: np.ndarray
    holder: np.ndarray
    share: np.ndarray

    def among(self, kept: np.ndarray) -> Pairs:
        """Return the pairs of which both are kept (bool[n])."""
        both = kept[self.text] & kept[self.holder]
        return Pairs(*(column[both] for column in self))


def sampled(hashes: np.ndarray, offsets: np.ndarray) -> Sampled:
    """Return the sample of each text.

    hashes, offsets: its n-grams, as :func:`~..text.grams.grams_of` returns them. What is kept are
    longer n-grams, of two that begin three characters apart: few texts share one by chance.
    """
    some = np.flatnonzero(hashes < np.uint32((1 << 32) // ONE_IN))
    row = np.searchsorted(offsets, some, "right") - 1
    whole = some + _APART < offsets[row + 1]
    some, row = some[whole], row[whole]
    keys = mix(hashes[some] * _ODD + hashes[some + _APART])
    return Sampled(keys, np.bincount(row, minlength=len(offsets) - 1))


_APART, _ODD = 3, np.uint32(0x9E3779B1)


def packed(keys: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return uint64, ascending and unique: a key (uint32) and whose it is (int64, below 2^32)."""
    both = keys.astype(np.uint64) << _HIGH
    both |= index.astype(np.uint64)
    return once(both)


_HIGH, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


def once(values: np.ndarray) -> np.ndarray:
    """Return values ascending, each once; they are sorted where they are."""
    values.sort()
    new = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return values[new]


def owners(both: np.ndarray) -> np.ndarray:
    """Return int64: whose each key of :func:`packed` is."""
    return (both & _LOW).astype(np.int64)


def in_several(both: np.ndarray) -> np.ndarray:
    """Return what :func:`packed` gave without the keys that one text alone has."""
    key = both >> _HIGH
    same = np.zeros(len(key) + 1, bool)
    np.equal(key[1:], key[:-1], out=same[1:-1])
    return both[same[1:] | same[:-1]]


def may_be_inside(known: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return bool[n]: of ``total`` kept n-grams, does another text have enough? known: those that
    some other text has."""
    return (total > 0) & (known >= HELD * total)


def candidates(sought: np.ndarray, index: np.ndarray, lists: Lists, fits: Fits) -> Pairs:
    """Return pairs that may be; ``share`` is the part of the n-grams looked up that was found.

    sought: what :func:`packed` gives of the keys of the texts that are sought, by their places in
            ``index`` (int64, ascending).
    """
    key, text = sought >> _HIGH, owners(sought)
    total = np.bincount(text, minlength=len(index))
    start, count = lists(key)
    # The rarest keys of each text first; one that no other text has is the rarest.
    order = np.lexsort((count, text))
    text, start, count = text[order], start[order], count[order]
    spare = (1 - HELD) * total[text]
    first = np.flatnonzero(np.diff(text, prepend=-1))
    rank = np.arange(len(text)) - np.repeat(first, np.diff(np.append(first, len(text))))
    looked = ((rank <= spare) | (count <= RARE)) & (count <= COMMON)
    text, start, count = text[looked], start[looked], count[looked]
    many = np.bincount(text, minlength=len(total))
    holder = lists.owners(ranges(start, count))
    text = np.repeat(text, count)
    right = np.flatnonzero(index[text] != holder)
    right = right[fits(index[text[right]], holder[right])]
    pairs, times = np.unique(
        text[right].astype(np.uint64) << _HIGH | holder[right].astype(np.uint64),
        return_counts=True,
    )
    text, holder = (pairs >> _HIGH).astype(np.int64), owners(pairs)
    # One that holds ``HELD`` of all keys lacks no more than ``spare`` of those looked up.
    enough = times >= np.maximum(many[text] - (1 - HELD) * total[text], 1) - 1e-9
    text, holder, times = text[enough], holder[enough], times[enough]
    order = np.lexsort((holder, -times, text))
    text, holder, times = text[order], holder[order], times[order]
    first = np.flatnonzero(np.diff(text, prepend=-1))
    rank = np.arange(len(text)) - np.repeat(first, np.diff(np.append(first, len(text))))
    tried = rank < TRIED
    share = times[tried] / many[text[tried]]
    return Pairs(index[text[tried]], holder[tried], share)


Fits = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Says of pairs (text, holder) whether they are to be looked at: bool."""


class Lists:
    """Who has each key: what :func:`in_several` gave, in pieces whose keys ascend.

    ``lists(keys)`` returns where the owners of each key (uint64) begin and how many there are
    (int64).
    """

    def __init__(self, pieces: list[np.ndarray]) -> None:
        self.pieces = [piece for piece in pieces if len(piece)]
        self.bounds = np.cumsum([0, *map(len, self.pieces)])

    def __call__(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        start, count = np.zeros((2, len(keys)), np.int64)
        low = keys << _HIGH
        for piece, bound in zip(self.pieces, self.bounds, strict=False):
            here = np.flatnonzero((low >= (piece[0] >> _HIGH) << _HIGH) & (low <= piece[-1]))
            begin = np.searchsorted(piece, low[here])
            start[here] = begin + bound
            count[here] = np.searchsorted(piece, low[here] | _LOW, "right") - begin
        return start, count

    def owners(self, at: np.ndarray) -> np.ndarray:
        """Return int64, the owners that stand at ``at``."""
        out = np.empty(len(at), np.int64)
        piece = np.searchsorted(self.bounds, at, "right") - 1
        for number, one in enumerate(self.pieces):
            here = np.flatnonzero(piece == number)
            out[here] = owners(one[at[here] - self.bounds[number]])
        return out


def verified(
    pairs: Pairs, texts: Callable[[np.ndarray], pa.StringArray], chars: np.ndarray
) -> Pairs:
    """Return the pairs of which the holder has at least :data:`.inside.MOSTLY` of the text's
    n-grams, by their texts.

    texts: fetches for an array of indices. chars: int64, characters of each text, by its index.
    """
    order = np.lexsort((pairs.text, pairs.holder))
    text, holder = pairs.text[order], pairs.holder[order]
    share = np.zeros(len(text))
    new = np.diff(holder, prepend=-1) != 0
    for begin, end in chunks(chars[text] + np.where(new, chars[holder], 0)):
        both = np.stack([text[begin:end], holder[begin:end]])
        wanted, numbers = np.unique(both, return_inverse=True)
        one, other = numbers.reshape(2, -1)
        points = fold(codepoints(texts(wanted)))
        common, own, _ = shared(points, one, other, NGRAM)
        share[begin:end] = common / np.maximum(own, 1)
    holds = share >= MOSTLY
    text, holder, share = text[holds], holder[holds], share[holds]
    order = np.lexsort((holder, -share, text))
    return Pairs(text[order], holder[order], share[order])


class Joined(NamedTuple):
    """text, holder: int64[k], the pairs that belong in one split.
    everywhere: int64, texts that stand inside too many others to join these."""

    text: np.ndarray
    holder: np.ndarray
    everywhere: np.ndarray


def joined(pairs: Pairs, root: np.ndarray) -> Joined:
    """Return which pairs join the groups of a split. root: int64[n], the clusters of texts.

    Texts that hold one sentence are not about one thing: whatever stands inside more than
    :data:`FEW` clusters joins none.
    """
    both = np.stack([pairs.text, root[pairs.holder]])
    text, counts = np.unique(np.unique(both, axis=1)[0], return_counts=True)
    everywhere = text[counts > FEW]
    right = ~np.isin(pairs.text, everywhere)
    return Joined(pairs.text[right], pairs.holder[right], everywhere)


def kept_for(pairs: Pairs, lane: np.ndarray, chars: np.ndarray) -> np.ndarray:
    """Return int64[n]: of each text the one that is kept for it, if those inside others are
    dropped; -1 for one that is kept. Nothing is dropped for a text of another ``lane``."""
    kept = np.full(len(lane), -1)
    same = lane[pairs.text] == lane[pairs.holder]
    text, first = np.unique(pairs.text[same], return_index=True)
    holder = pairs.holder[same][first]  # that with the largest share
    # What holds a text is longer, or as long and earlier: who holds comes before who is held.
    for one in np.lexsort((text, -chars[text])).tolist():
        above = holder[one]
        kept[text[one]] = above if kept[above] < 0 else kept[above]
    return kept

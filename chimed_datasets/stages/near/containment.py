"""Which texts stand to the greatest part inside one other text.

Of each text a sample of its n-grams is kept: those whose first characters have a small hash. A text
inside another shares them all, however long the other is (FracMinHash: Irber et al., "Lightweight
compositional analysis of metagenomes with FracMinHash and minimum metagenome covers", 2022; "mod m"
in A. Broder, "On the resemblance and containment of documents", 1997). Which texts may hold a text
is then asked of a few of its rarest n-grams alone (compare the prefix filter: Chaudhuri, Ganti,
Kaushik, "A primitive operator for similarity joins", 2006). What is found is verified on the texts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ...records import Codepoints, codepoints, look_up
from ..text.grams import fold, grams_of, mix, ranges
from ..text.inside import MOSTLY, NGRAM
from .chunks import chunks

ONE_IN = 8
"""One n-gram of as many is kept of each text, about: half a byte a character."""
LEAST = 20
"""Characters of the shortest text that is looked for: any long text may hold a shorter one."""
HELD = 0.65
"""The share of the kept n-grams that longer texts must have. It is below :data:`.inside.MOSTLY`,
since a sample of few n-grams may do less well than the text."""
LOOKED = 8
"""So many n-grams of a text are looked up: the rarest, but for those that a text which holds it may
lack."""
SEEN = 0.6
"""The share of these that a text must have before the two are compared."""
LIKELY = 0.8
"""The share of the n-grams of five that sketches must allow for. A letter that differs is in fewer
of these than of the longer ones, of which the texts must share :data:`.inside.MOSTLY`."""
COMMON = 1000
"""One that stands in more texts is not looked up: it tells nothing."""
LISTED = 1 << 22
"""So many owners of n-grams are held at a time, except for those of one text."""
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
    cuts = np.searchsorted(some, offsets)
    whole = some < np.repeat(offsets[1:] - _APART, np.diff(cuts))
    counts = np.diff(np.concatenate([[0], np.cumsum(whole)])[cuts])
    some = some[whole]
    return Sampled(mix(hashes[some] * _ODD + hashes[some + _APART]), counts)


_APART, _ODD = 3, np.uint32(0x9E3779B1)


def packed(keys: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return uint64, ascending and unique: a key and whose it is, both below 2^32."""
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


def with_longer(both: np.ndarray) -> np.ndarray:
    """Return whose keys (int64) of :func:`packed` an owner of a smaller number has as well."""
    key = both >> _HIGH
    return owners(both[1:][key[1:] == key[:-1]])


def may_be_inside(known: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return bool[n]: of ``total`` kept n-grams, do longer texts have enough? known: those that
    some longer text has."""
    return (total > 0) & (known >= HELD * total)


def candidates(sought: np.ndarray, index: np.ndarray, lists: Lists, apart: Apart) -> Pairs:
    """Return pairs that may be; ``share`` is the part of the keys looked up that was found. Texts
    are numbered from the longest on: only one of a smaller number may hold one.

    sought: what :func:`packed` gives of the keys of the texts that are sought, by their places in
            ``index`` (int64, their numbers).
    """
    key, text = sought >> _HIGH, owners(sought)
    start, count = lists(key, index[text])
    # The rarest keys of each text come first. As many as a text that holds it may lack say nothing.
    order = np.lexsort((count, text))
    text, start, count = text[order], start[order], count[order]
    total = np.bincount(text, minlength=len(index))
    rank = _rank(text) - ((1 - MOSTLY) * total).astype(np.int64)[text]
    looked = (rank >= 0) & (rank < LOOKED) & (count <= COMMON)
    text, start, count = text[looked], start[looked], count[looked]
    many = np.bincount(text, minlength=len(index))
    least = np.maximum(SEEN * many, 1)
    found = [np.zeros((3, 0), np.int64)]
    listed = np.cumsum(count)
    begin = 0
    while begin < len(text):  # texts whole, as many as have ``LISTED`` owners of their keys
        limit = LISTED + (listed[begin - 1] if begin else 0)
        last = text[max(int(np.searchsorted(listed, limit, "right")) - 1, begin)]
        end = int(np.searchsorted(text, last, "right"))
        holder = lists.owners(ranges(start[begin:end], count[begin:end]))
        mine = np.repeat(text[begin:end], count[begin:end])
        both = mine.astype(np.uint64) << _HIGH | holder.astype(np.uint64)
        both, times = np.unique(both, return_counts=True)
        enough = times >= least[owners(both >> _HIGH)]
        mine, holder, times = owners(both[enough] >> _HIGH), owners(both[enough]), times[enough]
        right = apart(index[mine], holder)
        found.append(np.stack([mine, holder, times])[:, right])
        begin = end
    text, holder, times = np.concatenate(found, axis=1)
    order = np.lexsort((holder, -times, text))
    text, holder, times = text[order], holder[order], times[order]
    tried = _rank(text) < TRIED
    text, holder, times = text[tried], holder[tried], times[tried]
    return Pairs(index[text], holder, times / many[text])


def _rank(values: np.ndarray) -> np.ndarray:
    """Return int64: how many stand before each in its run of equal values."""
    first = np.flatnonzero(np.diff(values, prepend=-1))
    return np.arange(len(values)) - np.repeat(first, np.diff(np.append(first, len(values))))


Apart = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Says of pairs (text, holder) whether they are of two clusters: bool."""


class Lists:
    """Who has each key: what :func:`in_several` gave, in pieces whose keys ascend.

    ``lists(keys, text)`` returns where the owners of each key (uint64) begin, and how many have a
    smaller number than ``text`` (int64).
    """

    def __init__(self, pieces: list[np.ndarray]) -> None:
        self.pieces = [piece for piece in pieces if len(piece)]
        self.bounds = np.cumsum([0, *map(len, self.pieces)])

    def __call__(self, keys: np.ndarray, text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        start, count = np.zeros((2, len(keys)), np.int64)
        low = keys << _HIGH
        for piece, bound in zip(self.pieces, self.bounds, strict=False):
            here = np.flatnonzero((low >= (piece[0] >> _HIGH) << _HIGH) & (low <= piece[-1]))
            begin = np.searchsorted(piece, low[here])
            start[here] = begin + bound
            mine = low[here] | text[here].astype(np.uint64)
            count[here] = np.searchsorted(piece, mine) - begin
        return start, count

    def owners(self, at: np.ndarray) -> np.ndarray:
        """Return int64, the owners that stand at ``at``."""
        out = np.empty(len(at), np.int64)
        piece = np.searchsorted(self.bounds, at, "right") - 1
        for number, one in enumerate(self.pieces):
            here = np.flatnonzero(piece == number)
            out[here] = owners(one[at[here] - self.bounds[number]])
        return out


def shares(text: Codepoints, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return float64[pairs]: of the n-grams of text one[i], each counted once, the share that text
    other[i] holds; 0 for one without any. Of ``other`` only n-grams that some ``one`` may have are
    sorted."""
    hashes, ends = grams_of(text, NGRAM)
    owner = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    sought = np.zeros(len(ends) - 1, bool)
    sought[one] = True
    slots = hashes >> np.uint32(32 - _SIEVE_BITS)
    sieve = np.zeros(1 << _SIEVE_BITS, bool)
    sieve[slots[sought[owner]]] = True
    here = np.flatnonzero(look_up(sieve, slots))
    grams = packed(owner[here], hashes[here])
    bounds = np.searchsorted(grams, np.arange(len(ends), dtype=np.uint64) << _HIGH)
    count = np.diff(bounds)[one]
    pair = np.repeat(np.arange(len(one)), count)
    mine = grams[ranges(bounds[one], count)] & _LOW
    mine |= other.astype(np.uint64)[pair] << _HIGH
    at = np.searchsorted(grams, mine)
    at[at == len(grams)] = 0
    common = np.bincount(pair[grams[at] == mine], minlength=len(one))
    found: np.ndarray = common / np.maximum(count, 1)
    return found


_SIEVE_BITS = 21


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
        share[begin:end] = shares(fold(codepoints(texts(wanted))), one, other)
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

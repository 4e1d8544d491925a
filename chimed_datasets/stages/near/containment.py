"""Which texts stand to the greatest part inside one other text.

Of each text a sample of its n-grams is kept: those whose first characters have a small hash. A text
inside another shares them all, however long the other is (FracMinHash: Irber et al., "Lightweight
compositional analysis of metagenomes with FracMinHash and minimum metagenome covers", 2022; "mod m"
in A. Broder, "On the resemblance and containment of documents", 1997). The samples of the texts
that are sought become a table; those of all texts are looked up in it. What is found is verified
on the texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ...loops import compiled
from ...records import Codepoints, codepoints, look_up
from ..text.grams import fold, grams_of, mix, ranges
from ..text.inside import MOSTLY, NGRAM
from .chunks import chunks

ONE_IN = 16
"""One n-gram of as many is kept of each text, about: a quarter of a byte a character."""
LEAST = 20
"""Characters of the shortest text that is looked for: any long text may hold a shorter one."""
SEEN = 0.5
"""The share of the kept n-grams that another text must have before the two are compared. It is
below :data:`.inside.MOSTLY`, since a sample of few n-grams may do less well than the text."""
LIKELY = 0.8
"""The share of the n-grams of five that sketches must allow for. A letter that differs is in fewer
of these than of the longer ones, of which the texts must share :data:`.inside.MOSTLY`."""
COMMON = 256
"""An n-gram that stands in more texts, as far as those that are sought tell, is not looked up: it
tells nothing."""
LISTED = 1 << 21
"""So many owners of n-grams are held at a time, except for those of one text."""


class Sampled(NamedTuple):
    """keys: uint32[k], the n-grams that are kept of all texts end to end.
    counts: int64[n], how many of each."""

    keys: np.ndarray
    counts: np.ndarray


def no_sample(n: int) -> Sampled:
    """Return what stands for the samples of ``n`` texts of which none are taken."""
    return Sampled(np.zeros(0, np.uint32), np.zeros(n, np.int64))


class Pairs(NamedTuple):
    """text, holder: int64[p], indices. share: float64[p], of the n-grams of ``text`` those that
    stand in ``holder``."""

    text: np.ndarray
    holder: np.ndarray
    share: np.ndarray

    def among(self, kept: np.ndarray) -> Pairs:
        """Return the pairs of which both are kept (bool[n])."""
        return self.where(kept[self.text] & kept[self.holder])

    def where(self, right: np.ndarray) -> Pairs:
        """Return the pairs for which ``right`` (bool[p]) is true."""
        return Pairs(*(column[right] for column in self))


def ordered(found: Iterable[Pairs]) -> Pairs:
    """Return all pairs, each once, ascending by text, the largest share first."""
    nothing = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    columns = zip(nothing, *found, strict=True)
    text, holder, share = (np.concatenate(column) for column in columns)
    order = np.lexsort((holder, -share, text))
    text, holder = text[order], holder[order]
    new = np.ones(len(text), bool)
    new[1:] = (np.diff(text) != 0) | (np.diff(holder) != 0)
    return Pairs(text, holder, share[order]).where(new)


def sampled(hashes: np.ndarray, offsets: np.ndarray) -> Sampled:
    """Return the sample of each text.

    hashes, offsets: its n-grams, as :func:`~..text.grams.grams_of` returns them. What is kept are
    longer n-grams, of two that begin three characters apart: few texts share one by chance.
    """
    if loops := compiled():
        return Sampled(*loops.sampled(hashes, offsets, _BELOW, _APART, int(_ODD)))
    some = np.flatnonzero(hashes < np.uint32(_BELOW))
    cuts = np.searchsorted(some, offsets)
    whole = some < np.repeat(offsets[1:] - _APART, np.diff(cuts))
    counts = np.diff(np.concatenate([[0], np.cumsum(whole)])[cuts])
    some = some[whole]
    return Sampled(mix(hashes[some] * _ODD + hashes[some + _APART]), counts)


_BELOW, _APART, _ODD = (1 << 32) // ONE_IN, 3, np.uint32(0x9E3779B1)


def packed(keys: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Return uint64, ascending and unique: a key and whose it is, both below 2^32."""
    return once(_both(keys, index))


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


class Table(NamedTuple):
    """The sampled n-grams of the texts that are sought.

    sieve:  bool[a power of two]: has any of them an n-gram with these high bits?
    first:  int32[a power of two], by fewer of the bits: where the n-grams with them begin.
    keys:   uint32[k + 1], ascending, each once; the last is a stop.
    starts: int64[k + 2], where the owners of each begin in ``owners``; of those that are
            :data:`COMMON` there are none.
    owners: int32, which of ``texts``.
    texts, counts: int64[m], the texts, ascending, and how many of the n-grams that are not common
            each has.
    """

    sieve: np.ndarray
    first: np.ndarray
    keys: np.ndarray
    starts: np.ndarray
    owners: np.ndarray
    texts: np.ndarray
    counts: np.ndarray


def table(keys: np.ndarray, owner: np.ndarray, share: float = 1) -> Table:
    """Return the table of ``keys`` (uint32) and the texts that have them (int64 below 2^32).

    share: these texts are so much of all.
    """
    both = packed(keys, owner)
    known, counts = np.unique((both >> _HIGH).astype(np.uint32), return_counts=True)
    rare = counts <= max(COMMON * share, _FEWEST)
    held = owners(both[np.repeat(rare, counts)])
    starts = np.concatenate([[0], np.cumsum(np.where(rare, counts, 0))])
    bits = min(max(len(known).bit_length(), 6), 20)
    sieve = np.zeros(1 << (bits + _FINER), bool)
    sieve[known >> np.uint32(32 - bits - _FINER)] = True
    slots = np.arange(1 << bits, dtype=np.uint32) << np.uint32(32 - bits)
    first = np.searchsorted(known, slots).astype(np.int32)
    known, starts = np.append(known, _STOP), np.append(starts, starts[-1])
    texts, which, counts = np.unique(held, return_inverse=True, return_counts=True)
    return Table(sieve, first, known, starts, which.astype(np.int32), texts, counts)


_FINER = 4
_FEWEST = 8
_STOP = np.uint32(0xFFFFFFFF)


def _look_up(table: Table, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which of ``keys`` (uint32) the table has, and where: int64[k] and int64[k]."""
    bits = len(table.first).bit_length() - 1
    sieved = look_up(table.sieve, keys >> np.uint32(32 - bits - _FINER))
    here = np.flatnonzero(sieved)
    keys = keys[here]
    slot = table.first[keys >> np.uint32(32 - bits)]
    behind = np.flatnonzero(table.keys[slot] < keys)
    while len(behind):
        slot[behind] += 1
        behind = behind[table.keys[slot[behind]] < keys[behind]]
    same = table.keys[slot] == keys
    return here[same], slot[same].astype(np.int64)


class Wanted(NamedTuple):
    """Which pairs of texts are wanted, by arrays with an entry for each text: those of two texts
    with unlike ``label`` (int64), of which the one that is looked up is ``kept`` (bool)."""

    kept: np.ndarray
    label: np.ndarray

    def of(self, sought: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return bool[pairs]. other: the texts that are looked up."""
        found: np.ndarray = self.kept[other] & (self.label[sought] != self.label[other])
        return found


def met(table: Table, sample: Sampled, first: int, wanted: Wanted) -> np.ndarray:
    """Return int64[2, pairs], in no order: texts, and others that they may stand inside. Of each
    pair one is sought, the other is one of those sampled.

    sample: of the texts from number ``first`` on.
    """
    least_of_sought = np.maximum((SEEN * table.counts).astype(np.int64), 1)
    if loops := compiled():
        return loops.met(table, sample, first, least_of_sought, wanted, int(1000 * SEEN))
    here, slot = _look_up(table, sample.keys)
    text = np.searchsorted(np.cumsum(sample.counts), here, "right")
    both = once(_both(text, slot))
    repeated = np.bincount(text, minlength=len(sample.counts))
    text, slot = owners(both >> _HIGH), owners(both)
    listed = np.diff(table.starts)[slot]
    # What is common tells nothing, and what comes again does not tell more.
    told = np.bincount(text[listed > 0], minlength=len(sample.counts))
    least = np.maximum((SEEN * (sample.counts - repeated + told)).astype(np.int64), 1)
    found: list[np.ndarray] = [np.zeros((2, 0), np.int64)]
    for begin, end in _texts_whole(text, listed):
        count = listed[begin:end]
        which = table.owners[ranges(table.starts[slot[begin:end]], count)]
        other = np.repeat(text[begin:end], count)
        right = wanted.of(table.texts[which], other + first)
        pair, shared = np.unique(_both(other[right], which[right]), return_counts=True)
        other, which = owners(pair >> _HIGH), owners(pair)
        sought = table.texts[which]
        in_other = shared >= least_of_sought[which]
        in_sought = shared >= least[other]
        found.append(np.stack([sought, other + first])[:, in_other])
        found.append(np.stack([other + first, sought])[:, in_sought])
    return np.concatenate(found, axis=1)


def _both(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Return uint64: of two numbers below 2^32 the first in the high bits."""
    return high.astype(np.uint64) << _HIGH | low.astype(np.uint64)


def _texts_whole(text: np.ndarray, listed: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield where runs of whole texts begin and end that list about :data:`LISTED` owners."""
    total = np.cumsum(listed)
    begin = 0
    while begin < len(text):
        limit = LISTED + (total[begin - 1] if begin else 0)
        last = text[max(int(np.searchsorted(total, limit, "right")) - 1, begin)]
        end = int(np.searchsorted(text, last, "right"))
        yield begin, end
        begin = end


def shares(text: Codepoints, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return float64[pairs]: of the n-grams of text one[i], each counted once, the share that text
    other[i] holds; 0 for one without any. Of ``other`` only n-grams that some ``one`` may have are
    sorted."""
    if loops := compiled():
        every, _, both = loops.shared(text, one, other, NGRAM)
        inside: np.ndarray = both / np.maximum(every, 1)
        return inside
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
    text: np.ndarray,
    holder: np.ndarray,
    texts: Callable[[np.ndarray], pa.StringArray],
    chars: np.ndarray,
) -> Pairs:
    """Return the pairs of which the holder has at least :data:`.inside.MOSTLY` of the text's
    n-grams, by their texts.

    texts: fetches for an array of indices. chars: int64, characters of each text, by its index.
    """
    order = np.lexsort((text, holder))
    text, holder = text[order], holder[order]
    share = np.zeros(len(text))
    new = np.diff(holder, prepend=-1) != 0
    for begin, end in chunks(chars[text] + np.where(new, chars[holder], 0)):
        both = np.stack([text[begin:end], holder[begin:end]])
        wanted, numbers = np.unique(both, return_inverse=True)
        one, other = numbers.reshape(2, -1)
        share[begin:end] = shares(fold(codepoints(texts(wanted))), one, other)
    return Pairs(text, holder, share).where(share >= MOSTLY)


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

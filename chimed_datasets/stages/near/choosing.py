"""Each record of a cluster is weighed against those that are kept; see :mod:`.chosen`.

It stands by itself since the workers alone need what weighs, which takes a tenth of a second to
load.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ...records import Codepoints, codepoints
from ..deduplicate import Deduplicate
from ..text.grams import fold
from .chosen import Alike, Fate, Members
from .exam import is_item, items_apart
from .jaccard import gram_sets
from .quantities import Quantity, quantities
from .stock import plain
from .weigh import Asking, Difference, Pair, contradict, differences, numbers_apart

LOOKED_AT = 16
"""Kept records of a cluster that one is weighed against; of more, the closest of those that have
the same numbers."""
COMPARED = 256
"""Kept records with the same numbers to which the similarity is worked out: the last ones."""
_BLOCK_CHARS = 1 << 16
"""Text whose n-grams are worked out at a time."""
_HELD = 1 << 21
"""n-grams of a cluster that are remembered (8 bytes each)."""


def choose_among(
    members: Members, bounds: Sequence[int], texts: pa.StringArray, stage: Deduplicate
) -> tuple[list[Fate], list[Alike]]:
    """Say who of some clusters is dropped, and who is kept though it is near a kept one.

    bounds: cluster i has the members from ``bounds[i]`` to ``bounds[i + 1]``.
    texts:  the texts of the members, of which no two of a cluster are equal up to white space.
    """
    every = texts.to_pylist()
    clusters = [
        _Cluster(members.take(slice(begin, end)), every[begin:end], stage)
        for begin, end in pairwise(bounds)
    ]
    # The next pair of each cluster at a time: many together are weighed in less.
    found: list[Difference | None] = [None] * len(clusters)
    asking = [cluster.choose() for cluster in clusters]
    while asking:
        pairs = [_sent(one, told) for one, told in zip(asking, found, strict=True)]
        asking = [one for one, pair in zip(asking, pairs, strict=True) if pair]
        found = differences([pair for pair in pairs if pair])
    fates = [fate for cluster in clusters for fate in cluster.fates]
    return fates, [alike for cluster in clusters for alike in cluster.alike]


def _sent(asking: Asking[None], found: Difference | None) -> Pair | None:
    """Send what a pair differs in; return the next pair, if there is one."""
    try:
        return asking.send(found)
    except StopIteration:
        return None


class _Cluster:
    """Records of one cluster and lane, by their number in it, which ascends as indices do."""

    def __init__(self, members: Members, texts: list[str], stage: Deduplicate) -> None:
        self.members, self.stage = members, stage
        self.index = members.index.tolist()
        self.fates: list[Fate] = []
        self.alike: list[Alike] = []
        self._texts = texts
        sets = partial(_Sets, self._texts, stage.ngram)
        self._searched = sets(lambda texts: stage.searched(codepoints(texts)))
        self._letters = sets(lambda texts: fold(codepoints(texts)))
        self._plain = sets(lambda texts: plain(codepoints(texts), stage.ngram))
        self._looked_at: tuple[int, _Numbers] | None = None
        self._templates: dict[str, tuple[int, _Numbers]] = {}
        self._kept: list[int] = []
        self._by_numbers: dict[frozenset[object], list[int]] = defaultdict(list)

    def choose(self) -> Asking[None]:
        """Drop whoever is like one that is kept."""
        for number in range(len(self.index)):
            fate = (yield from self._near(number)) if self.stage.near else None
            if fate:
                self.fates.append(fate)
            else:
                self._keep(number)

    def _keep(self, number: int) -> None:
        self._kept.append(number)
        if len(self.index) > LOOKED_AT:
            told = self._numbers_of(number)
            self._by_numbers[told.key].append(number)
            self._templates.setdefault(told.rest, (number, told))

    def _near(self, number: int) -> Asking[Fate | None]:
        """Return what becomes of a record that a kept one is like; note what it differs in."""
        if len(self._kept) > LOOKED_AT and (told := self._of_a_template(number)):
            self.alike.append(told)
            return None
        told = None
        for other, similarity in self._candidates(number):
            found = yield from self._difference(other, number)
            if found is None:
                return Fate(self.index[number], self.index[other], similarity)
            if told is None:
                asked = self.members.prompt[[number, other]].tolist()
                opposed = contradict(found) and asked[0] == asked[1] != 0
                opposed |= found.kind == "answer"  # of one item, whatever it asks
                told = Alike(
                    self.index[number], self.index[other], found.kind, found.told(), opposed
                )
        if told:
            self.alike.append(told)
        return None

    def _difference(self, other: int, number: int) -> Asking[Difference | None]:
        one, another = self._texts[other], self._texts[number]
        if is_item(one) and is_item(another):
            return (yield from items_apart(one, another))
        found = yield one, another, bool(self.members.document[number])
        return found

    def _candidates(self, number: int) -> list[tuple[int, float]]:
        """Return the kept records that are near, and their similarity, the closest first."""
        kept = self._kept
        if len(kept) > LOOKED_AT:
            same = self._by_numbers.get(self._numbers_of(number).key, [])
            kept = sorted({*same[-COMPARED:], *kept[-LOOKED_AT // 4 :]})
        if not kept:
            return []
        similar = zip(kept, self._similar(number, kept), strict=True)
        near = [pair for pair in similar if pair[1] >= self.stage.threshold]
        return sorted(near, key=lambda pair: -pair[1])[:LOOKED_AT]

    def _similar(self, number: int, others: list[int]) -> list[float]:
        if len(others) == 1:  # the search may have measured it
            for one, other in ((number, others[0]), (others[0], number)):
                known = float(self.members.similarity[one])
                near = known >= self.stage.threshold
                if near and int(self.members.partner[one]) == self.index[other]:
                    return [known]
        found = np.array(self._searched.similarity(number, others))
        some = np.flatnonzero((found >= self.stage.candidate) & (found < self.stage.threshold))
        if len(some):
            few = [others[at] for at in some.tolist()]
            for sets in (self._letters, self._plain):
                found[some] = np.maximum(found[some], sets.similarity(number, few))
        similar: list[float] = found.tolist()
        return similar

    def _numbers_of(self, number: int) -> _Numbers:
        if self._looked_at is None or self._looked_at[0] != number:
            found, rest = quantities(self._texts[number])
            key = frozenset(Counter(q.key for q in found).items())
            self._looked_at = number, _Numbers(key, found, rest)
        return self._looked_at[1]

    def _of_a_template(self, number: int) -> Alike | None:
        """Return what a record of a large cluster differs in, where numbers alone do it: as one
        of very many of a template does. So each costs one comparison, and a short one."""
        mine = self._numbers_of(number)
        first = self._templates.get(mine.rest)
        if first is None or mine.key in self._by_numbers:
            return None
        other, theirs = first
        found = numbers_apart(theirs.found, mine.found)
        if found is None:
            return None
        return Alike(self.index[number], self.index[other], found.kind, found.told(), False)


class _Numbers(NamedTuple):
    """The quantities of a text (``key``: equal for equal ones), and the text without them."""

    key: frozenset[object]
    found: list[Quantity]
    rest: str


class _Sets:
    """The n-gram sets of texts, worked out when one of them is asked for, some texts at a time."""

    def __init__(
        self, texts: list[str], ngram: int, compared: Callable[[pa.StringArray], Codepoints]
    ) -> None:
        """compared: what of some texts is compared."""
        self.texts, self.ngram, self.compared = texts, ngram, compared
        self._known: dict[int, np.ndarray] = {}
        self._size = 0

    def similarity(self, number: int, others: list[int]) -> list[float]:
        """Return the Jaccard similarity of one text to each of the others."""
        theirs = [self._set_of(other) for other in others]
        mine = self._set_of(number)
        counts = np.array([len(one) for one in theirs])
        every = np.concatenate(theirs)
        shared = np.zeros(len(every) + 1, np.int64)
        if len(mine):
            at = np.searchsorted(mine, every)
            at[at == len(mine)] = 0
            np.cumsum(mine[at] == every, out=shared[1:])
        ends = np.cumsum(counts)
        common = shared[ends] - shared[ends - counts]
        found: list[float] = (common / np.maximum(len(mine) + counts - common, 1)).tolist()
        return found

    def _set_of(self, number: int) -> np.ndarray:
        if number not in self._known:
            if self._size > _HELD:
                self._known.clear()
                self._size = 0
            last, chars = number, 0
            while last < len(self.texts) and chars < _BLOCK_CHARS and last not in self._known:
                chars += len(self.texts[last])
                last += 1
            some = self.compared(pa.array(self.texts[number:last], pa.string()))
            for at, found in enumerate(gram_sets(some, self.ngram), number):
                self._known[at] = found
                self._size += len(found)
        return self._known[number]

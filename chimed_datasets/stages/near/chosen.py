"""Who is kept of a cluster, where what two near-duplicates do not share is weighed.

A cluster is a chain of pairs: its ends may be unlike, and two of a pair may differ in a dose. So
each record is compared with those of its cluster that are kept already, in their order: it is
dropped if one of them is near and nothing of weight differs, and is kept otherwise.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from ..deduplicate import Deduplicate
from .quantities import quantities
from .weigh import contradict, difference

LOOKED_AT = 16
"""Kept records of a cluster that one is weighed against; of more, the closest of those that have
the same numbers."""
COMPARED = 256
"""Kept records with the same numbers to which the similarity is worked out: the last ones."""

Fetch = Callable[[np.ndarray], pa.StringArray]
"""Returns the texts of records, by their indices."""


@dataclass(frozen=True, order=True)
class Alike:
    """A record that was kept though it is near another kept one.

    index, other: both; ``other`` comes first.
    kind, reason: what they differ in; in a line, as :meth:`Difference.told` gives it.
    contradicts:  whether both answer one question, and cannot both be right.
    """

    index: int
    other: int
    kind: str
    reason: str
    contradicts: bool


@dataclass(frozen=True)
class Fate:
    """A record that is dropped, and the kept one that it is like.

    index, twin: both.
    exact:       whether they are equal up to white space.
    similarity:  Jaccard similarity, 1 for equal ones.
    """

    index: int
    twin: int
    exact: bool
    similarity: float


@dataclass(frozen=True)
class Members:
    """Records of a cluster and lane, or of several one behind the other: arrays of one length.

    index:               int64, ascending within a cluster.
    exact, prompt:       as in :class:`Features`.
    partner, similarity: as in :class:`Clusters`.
    document:            bool, whether the first words of the text name what it is about.
    """

    index: np.ndarray
    exact: np.ndarray
    prompt: np.ndarray
    partner: np.ndarray
    similarity: np.ndarray
    document: np.ndarray

    def take(self, rows: np.ndarray | slice) -> Members:
        """Return some of them."""
        return Members(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def clusters_of(root: np.ndarray, lane: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the indices, ascending, of each cluster and lane that has more than one record."""
    order = np.lexsort((lane, root))  # stable: ascending index within cluster and lane
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(root[order]) != 0) | (np.diff(lane[order]) != 0)
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(order)))
    several = sizes > 1
    for start, size in zip(starts[several].tolist(), sizes[several].tolist(), strict=True):
        yield order[start : start + size]


def choose_among(
    members: Members, fetch: Fetch, stage: Deduplicate
) -> tuple[list[Fate], list[Alike]]:
    """Say who of one cluster is dropped, and who is kept though it is near a kept one."""
    cluster = _Cluster(members, fetch, stage)
    cluster.decide()
    return cluster.fates, cluster.alike


class _Cluster:
    """The records of one cluster and lane, by their number in it, which ascends as indices do."""

    def __init__(self, members: Members, fetch: Fetch, stage: Deduplicate) -> None:
        self.members, self.stage = members, stage
        self.index = members.index.tolist()
        self.fates: list[Fate] = []
        self.alike: list[Alike] = []
        self._fetch = fetch
        self._texts: dict[int, str] = {}
        self._numbers: dict[int, frozenset[object]] = {}
        self._kept: list[int] = []
        self._by_numbers: dict[frozenset[object], list[int]] = defaultdict(list)

    def decide(self) -> None:
        """Drop whoever is like one that is kept."""
        first: dict[tuple[int, ...], int] = {}
        fates: dict[int, Fate] = {}
        for number, exact in enumerate(map(tuple, self.members.exact.tolist())):
            equal = first.setdefault(exact, number) if self.stage.exact and any(exact) else number
            if equal != number:
                mine = fates.get(equal)
                if mine is None:
                    fates[number] = Fate(self.index[number], self.index[equal], True, 1.0)
                else:
                    fates[number] = replace(mine, index=self.index[number])
                continue
            fate = self._near(number) if self.stage.near else None
            if fate:
                fates[number] = fate
            else:
                self._keep(number)
        self.fates = list(fates.values())

    def _keep(self, number: int) -> None:
        self._kept.append(number)
        if len(self.index) > LOOKED_AT:
            self._by_numbers[self._numbers_of(number)].append(number)

    def _near(self, number: int) -> Fate | None:
        """Return what becomes of a record that a kept one is like; note what it differs in."""
        told: Alike | None = None
        for other, similarity in self._candidates(number):
            found = difference(self._text(other), self._text(number), self._is_document(number))
            if found is None:
                return Fate(self.index[number], self.index[other], False, similarity)
            if told is None:
                asked = self.members.prompt[[number, other]].tolist()
                opposed = contradict(found) and asked[0] == asked[1] != 0
                told = Alike(
                    self.index[number], self.index[other], found.kind, found.told(), opposed
                )
        if told:
            self.alike.append(told)
        return None

    def _candidates(self, number: int) -> list[tuple[int, float]]:
        """Return the kept records that are near, and their similarity, the closest first."""
        kept = self._kept
        if len(kept) > LOOKED_AT:
            same = self._by_numbers.get(self._numbers_of(number), [])
            kept = sorted({*same[-COMPARED:], *kept[-LOOKED_AT // 4 :]})
        if not kept:
            return []
        near = sorted(
            (pair for pair in zip(kept, self._similar(number, kept), strict=True)
             if pair[1] >= self.stage.threshold),
            key=lambda pair: -pair[1],
        )  # fmt: skip
        return near[:LOOKED_AT]

    def _similar(self, number: int, others: list[int]) -> list[float]:
        known = {self.index[other]: other for other in others}
        partner = int(self.members.partner[number])
        if len(others) == 1 and partner in known:
            return [float(self.members.similarity[number])]
        if len(others) == 1 and int(self.members.partner[others[0]]) == self.index[number]:
            return [float(self.members.similarity[others[0]])]
        texts = pa.array([*map(self._text, others), self._text(number)], pa.string())
        last = np.full(len(others), len(others))
        found = self.stage.similarity(texts, np.arange(len(others)), last)
        return [float(one) for one in found]

    def _text(self, number: int) -> str:
        if not self._texts:
            texts = self._fetch(self.members.index).to_pylist()
            self._texts = dict(enumerate(texts))
        return self._texts[number]

    def _numbers_of(self, number: int) -> frozenset[object]:
        if number not in self._numbers:
            found = Counter(q.key for q in quantities(self._text(number))[0])
            self._numbers[number] = frozenset(found.items())
        return self._numbers[number]

    def _is_document(self, number: int) -> bool:
        return bool(self.members.document[number])

"""Who is kept of each cluster, where what two near-duplicates do not share is weighed.

A cluster is a chain of pairs: its ends may be unlike, and two of a pair may differ in a dose. So each
record is compared with those of its cluster that are kept already, in their order: it is dropped if
one of them is near and nothing of weight differs, and is kept otherwise.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ...built.manifest import WeighedEntry
from ...executors import Executor
from ...records import codepoints
from ...stages.deduplicate import Deduplicate
from ...stages.near.clusters import Clusters
from ...stages.near.jaccard import jaccard
from ...stages.near.quantities import quantities
from ...stages.near.weigh import contradict, difference
from ..features import LANES
from ..store import Store
from .texts_on_disk import texts_at

LOOKED_AT = 16
"""Kept records of a cluster that one is weighed against; of more, the closest of those that have
the same numbers."""
COMPARED = 256
"""Kept records with the same numbers to which the similarity is worked out: the last ones."""
_AT_ONCE = 1 << 20
"""Characters of a task, except for a larger cluster."""


class Alike(NamedTuple):
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


class Chosen(NamedTuple):
    """keep:       bool[n].
    twin:       int64[n], the kept record that a dropped one is like; -1 for a kept one.
    exact:      bool[n], true where both are equal up to white space.
    similarity: float32[n], Jaccard similarity to the twin.
    alike:      in the order of records.
    """

    keep: np.ndarray
    twin: np.ndarray
    exact: np.ndarray
    similarity: np.ndarray
    alike: list[Alike]


class _Task(NamedTuple):
    """Some clusters whole: cluster i has the records from ``bounds[i]`` to ``bounds[i + 1]``."""

    index: np.ndarray
    bounds: list[int]
    exact: np.ndarray
    partner: np.ndarray
    similarity: np.ndarray
    prompt: np.ndarray
    document: np.ndarray


class _Fate(NamedTuple):
    index: int
    twin: int
    exact: bool
    similarity: float


def choose(
    store: Store,
    features: np.ndarray,
    found: Clusters,
    lane: np.ndarray,
    stage: Deduplicate,
    executor: Executor,
) -> Chosen:
    """Say who is kept of each cluster and lane; features: see :func:`feature_rows`."""
    n = len(store)
    chosen = Chosen(
        np.ones(n, bool), np.full(n, -1), np.zeros(n, bool), np.zeros(n, np.float32), []
    )
    tasks = list(_tasks(features, found, lane))
    for fates, alike in executor.run(_weigh, (store, stage), tasks):
        for fate in fates:
            chosen.keep[fate.index] = False
            chosen.twin[fate.index] = fate.twin
            chosen.exact[fate.index] = fate.exact
            chosen.similarity[fate.index] = fate.similarity
        chosen.alike.extend(alike)
    chosen.alike.sort()
    return chosen


def _tasks(features: np.ndarray, found: Clusters, lane: np.ndarray) -> Iterator[_Task]:
    """Yield all clusters of more than one record, some at a time: by their characters alone."""
    order = np.lexsort((lane, found.root))  # stable: ascending index within cluster and lane
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(found.root[order]) != 0) | (np.diff(lane[order]) != 0)
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(order)))
    held: list[np.ndarray] = []
    chars = 0
    for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        members = order[start : start + size]
        held.append(members)
        chars += int(features["chars"][members].sum())
        if chars >= _AT_ONCE:
            yield _task(held, features, found)
            held, chars = [], 0
    if held:
        yield _task(held, features, found)


def _task(held: list[np.ndarray], features: np.ndarray, found: Clusters) -> _Task:
    index = np.concatenate(held)
    return _Task(
        index,
        np.cumsum([0, *map(len, held)]).tolist(),
        features["exact"][index],
        found.partner[index],
        found.similarity[index],
        features["prompt"][index],
        features["lane"][index] == LANES["document"],
    )


def _weigh(shared: tuple[Store, Deduplicate], task: _Task) -> tuple[list[_Fate], list[Alike]]:
    store, stage = shared
    fates: list[_Fate] = []
    alike: list[Alike] = []
    for begin, end in zip(task.bounds, task.bounds[1:], strict=False):
        cluster = _Cluster(store, stage, _Task(*(
            column[begin:end] if isinstance(column, np.ndarray) else column for column in task
        )))  # fmt: skip
        cluster.decide()
        fates += cluster.fates
        alike += cluster.alike
    return fates, alike


class _Cluster:
    """The records of one cluster and lane, by their number in it, which ascends as indices do."""

    def __init__(self, store: Store, stage: Deduplicate, task: _Task) -> None:
        self.stage, self.task = stage, task
        self.index = task.index.tolist()
        self.fates: list[_Fate] = []
        self.alike: list[Alike] = []
        self._fetch = partial(texts_at, store, system=False)
        self._texts: dict[int, str] = {}
        self._numbers: dict[int, frozenset[object]] = {}
        self._kept: list[int] = []
        self._by_numbers: dict[frozenset[object], list[int]] = defaultdict(list)

    def decide(self) -> None:
        """Drop whoever is like one that is kept."""
        first: dict[tuple[int, ...], int] = {}
        fates: dict[int, _Fate] = {}
        for number, exact in enumerate(map(tuple, self.task.exact.tolist())):
            equal = first.setdefault(exact, number) if self.stage.exact and any(exact) else number
            if equal != number:
                mine = fates.get(equal)
                if mine is None:
                    fates[number] = _Fate(self.index[number], self.index[equal], True, 1.0)
                else:
                    fates[number] = mine._replace(index=self.index[number])
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

    def _near(self, number: int) -> _Fate | None:
        """Return what becomes of a record that a kept one is like; note what it differs in."""
        told: Alike | None = None
        for other, similarity in self._candidates(number):
            found = difference(self._text(other), self._text(number), self._is_document(number))
            if found is None:
                return _Fate(self.index[number], self.index[other], False, similarity)
            if told is None:
                asked = self.task.prompt[[number, other]].tolist()
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
        partner = int(self.task.partner[number])
        if len(others) == 1 and partner in known:
            return [float(self.task.similarity[number])]
        if len(others) == 1 and int(self.task.partner[others[0]]) == self.index[number]:
            return [float(self.task.similarity[others[0]])]
        texts = codepoints(
            pa.array([*map(self._text, others), self._text(number)], pa.string())
        )
        last = np.full(len(others), len(others))
        found = jaccard(
            self.stage.searched(texts), np.arange(len(others)), last, self.stage.ngram
        )
        return found.tolist()

    def _text(self, number: int) -> str:
        if not self._texts:
            texts = self._fetch(self.task.index).to_pylist()
            self._texts = dict(enumerate(texts))
        return self._texts[number]

    def _numbers_of(self, number: int) -> frozenset[object]:
        if number not in self._numbers:
            found = Counter(q.key for q in quantities(self._text(number))[0])
            self._numbers[number] = frozenset(found.items())
        return self._numbers[number]

    def _is_document(self, number: int) -> bool:
        return bool(self.task.document[number])


def counted(alike: Iterable[Alike]) -> WeighedEntry:
    """Return how many records were kept beside a near-duplicate, as the manifest tells it."""
    alike = list(alike)
    kinds = Counter(one.kind for one in alike)
    return {
        "kept": len(alike),
        "contradict": sum(one.contradicts for one in alike),
        "kinds": dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
    }

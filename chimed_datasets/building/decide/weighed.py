"""Who is kept of each cluster of a build, where near-duplicates are weighed; see `near.chosen`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...built.manifest import WeighedEntry
from ...executors import Executor
from ...stages.deduplicate import Deduplicate
from ...stages.near.chosen import Alike, Fate, Members, choose_among, clusters_of
from ...stages.near.clusters import Clusters
from ..features import LANES
from ..store import Store
from .texts_on_disk import texts_at

AT_ONCE = 1 << 20
"""Characters of a task, except for a larger cluster."""


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


class _Task(NamedTuple):
    """Some clusters whole: cluster i has the members from ``bounds[i]`` to ``bounds[i + 1]``."""

    members: Members
    bounds: list[int]


def _tasks(features: np.ndarray, found: Clusters, lane: np.ndarray) -> Iterator[_Task]:
    """Yield all clusters of more than one record, some at a time: by their characters alone."""
    every = Members(
        np.arange(len(lane)),
        features["exact"],
        features["prompt"],
        found.partner,
        found.similarity,
        features["lane"] == LANES["document"],
    )
    held: list[np.ndarray] = []
    chars = 0
    for members in clusters_of(found.root, lane):
        held.append(members)
        chars += int(features["chars"][members].sum())
        if chars >= AT_ONCE:
            yield _task(every, held)
            held, chars = [], 0
    if held:
        yield _task(every, held)


def _task(every: Members, held: list[np.ndarray]) -> _Task:
    return _Task(every.take(np.concatenate(held)), np.cumsum([0, *map(len, held)]).tolist())


def _weigh(shared: tuple[Store, Deduplicate], task: _Task) -> tuple[list[Fate], list[Alike]]:
    store, stage = shared
    fetch = partial(texts_at, store, system=False)
    fates: list[Fate] = []
    alike: list[Alike] = []
    for begin, end in pairwise(task.bounds):
        found = choose_among(task.members.take(slice(begin, end)), fetch, stage)
        fates += found[0]
        alike += found[1]
    return fates, alike


def counted(alike: Iterable[Alike]) -> WeighedEntry:
    """Return how many records were kept beside a near-duplicate, as the manifest tells it."""
    alike = list(alike)
    kinds = Counter(one.kind for one in alike)
    return {
        "kept": len(alike),
        "contradict": sum(one.contradicts for one in alike),
        "kinds": dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
    }

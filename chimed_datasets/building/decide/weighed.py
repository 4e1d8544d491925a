"""Who is kept of each cluster of a build, where near-duplicates are weighed; see `near.chosen`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ...built.manifest import WeighedEntry
from ...executors import Executor
from ...stages.deduplicate import Deduplicate
from ...stages.near.chosen import (
    Alike,
    Chosen,
    Fate,
    Members,
    chosen,
    clusters_of,
    first_of_equals,
)
from ...stages.near.clusters import Clusters
from ..features import LANES
from ..store import Store
from .texts_on_disk import texts_at

AT_ONCE = 1 << 18
"""Characters of a task, except for a larger cluster."""


def choose(
    store: Store,
    features: np.ndarray,
    found: Clusters,
    lane: np.ndarray,
    stage: Deduplicate,
    executor: Executor,
    lanes: Collection[int] | None = None,
) -> Chosen:
    """Say who is kept of each cluster and lane; features: see :func:`feature_rows`.

    lanes: those alone; of others only equals are dropped.
    """
    first = first_of_equals(found.root, lane, features["exact"], found.exact)
    several = clusters_of(found.root, lane, first)
    if lanes is not None:
        several = (members for members in several if lane[members[0]] in lanes)
    tasks = list(_tasks(features, found, several))
    fates: list[Fate] = []
    alike: list[Alike] = []
    for some in executor.run(_weigh, (store, stage), tasks):
        fates += some[0]
        alike += some[1]
    return chosen(first, fates, alike)


class _Task(NamedTuple):
    """Some clusters whole: cluster i has the members from ``bounds[i]`` to ``bounds[i + 1]``."""

    members: Members
    bounds: list[int]


def _tasks(
    features: np.ndarray, found: Clusters, clusters: Iterable[np.ndarray]
) -> Iterator[_Task]:
    """Yield clusters whole, some at a time: by their characters alone."""
    every = Members(
        np.arange(len(features)),
        features["prompt"],
        found.partner,
        found.similarity,
        features["lane"] == LANES["document"],
    )
    held: list[np.ndarray] = []
    chars = 0
    for members in clusters:
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
    from ...stages.near.choosing import choose_among  # loaded by the workers alone

    store, stage = shared
    texts = texts_at(store, task.members.index, system=False)
    return choose_among(task.members, task.bounds, texts, stage)


def counted(alike: Iterable[Alike]) -> WeighedEntry:
    """Return how many records were kept beside a near-duplicate, as the manifest tells it."""
    alike = list(alike)
    kinds = Counter(one.kind for one in alike)
    return {
        "kept": len(alike),
        "contradict": sum(one.contradicts for one in alike),
        "kinds": dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
    }

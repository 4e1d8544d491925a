"""Learn from the records of a build which are which; refuse those that are not about medicine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ...executors import Executor
from ...records import Batch
from ...stages.text.bayes import Classifier, Verdicts, count, judge, learn
from ...stages.text.grams import mix
from ..store import Store, names_of

HELD_OUT = 5
"""One example of as many is held out."""
AT_ONCE = 20_000
"""Records that a worker looks at in one go."""


def held_out(features: np.ndarray) -> np.ndarray:
    """Return bool[n]: is a record held out? All with one question, or one text, go together."""
    alike = np.where(features["prompt"] != 0, features["prompt"], features["exact"][:, 0])
    out: np.ndarray = mix(alike) % np.uint64(HELD_OUT) == 0
    return out


def learnt(store: Store, executor: Executor, group: np.ndarray, owner: Sequence[int]) -> Classifier:
    """Return a model of the examples.

    group: int32[n], the group of each record, -1 for one that is no example.
    owner: the class of each group.
    """
    shared = (store, group, len(owner))
    counts = np.zeros((len(owner), 0), np.int64)
    for part in executor.run(_count, shared, _parts(np.flatnonzero(group >= 0))):
        counts = part if counts.size == 0 else counts + part
    return learn(counts, owner)


def verdicts(store: Store, executor: Executor, model: Classifier, indices: np.ndarray) -> Verdicts:
    """Return the verdicts on the records at ascending ``indices``, in their order."""
    found = list(executor.run(_judge, (store, model), _parts(indices)))
    nothing = Verdicts(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    return Verdicts(*(np.concatenate(column) for column in zip(nothing, *found, strict=True)))


def _parts(indices: np.ndarray) -> list[np.ndarray]:
    return [p for p in np.split(indices, range(AT_ONCE, len(indices), AT_ONCE)) if len(p)]


def _count(shared: tuple[Store, np.ndarray, int], indices: np.ndarray) -> np.ndarray:
    store, group, groups = shared
    parts = [count(Batch(table), group[where], groups) for where, table in store.take(indices)]
    total: np.ndarray = np.sum(parts, axis=0)
    return total


def _judge(shared: tuple[Store, Classifier], indices: np.ndarray) -> Verdicts:
    store, model = shared
    found = [judge(model, Batch(table)) for _, table in store.take(indices)]
    return Verdicts(*(np.concatenate(column) for column in zip(*found, strict=True)))


def sources_of(store: Store) -> pa.Array:
    """Return the source of every record."""
    return names_of(store, np.arange(len(store)), ["source"])["source"].combine_chunks()


# --- what is not about medicine --------------------------------------------------------------

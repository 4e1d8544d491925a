"""Which of all proposed rows of a config are kept, where it takes a choice over all of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...executors import Executor
from ...plugins import Guest
from ...rows import Builder, builders
from ..store import Store
from .keep import Decision

SURVEYED_AT_ONCE = 20_000
"""Records that a worker surveys in one go."""


class Survey(NamedTuple):
    """What every worker needs to survey records for one config."""

    store: Store
    split: np.ndarray  # int8: an index into SPLITS, of every record
    config: str
    settings: Any
    guests: tuple[Guest, ...] = ()


def choice(
    builder: Builder,
    settings: Any,
    store: Store,
    decision: Decision,
    executor: Executor,
    guests: tuple[Guest, ...] = (),
) -> Any:
    """Return what ``builder`` chooses over all kept records, or None where it does not.

    guests: the builders from outside the package, for the workers.
    """
    if builder.survey is None or builder.choose is None:
        return None
    mine = np.flatnonzero(decision.keep & np.isin(store.kinds(), builder.kinds))
    parts = np.split(mine, range(SURVEYED_AT_ONCE, len(mine), SURVEYED_AT_ONCE))
    shared = Survey(store, decision.split, builder.name, settings, guests)
    found = [figures for part in executor.run(_survey, shared, parts) for figures in part]
    return builder.choose(found, settings)


def _survey(shared: Survey, indices: np.ndarray) -> list[np.ndarray]:
    builder, settings = builders(shared.guests)[shared.config], shared.settings
    survey, sift = builder.survey, builder.sift
    assert survey is not None
    if sift is None:
        taken = shared.store.take(indices)
    else:
        found = shared.store.sifted(indices, lambda batch: sift(batch, settings))
        taken = ((where[left], batch) for where, left, batch, _ in found)
    return [survey(batch, shared.split[where], settings) for where, batch in taken]

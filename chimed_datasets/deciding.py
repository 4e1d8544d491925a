"""Decide: over all records at once, who is a duplicate, who is kept, and who is in which split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from . import ledger, records
from .recipe import Recipe
from .stages.deduplicate import cluster, keepers, record_texts
from .store import Store


class Decision(NamedTuple):
    """What was decided over all records; every array has one entry for each.

    keep:  bool, false for duplicates.
    group: int64, index of the first record of its split group.
    split: int8, an index into SPLITS.
    drops: ledger rows of the duplicates.
    """

    keep: np.ndarray
    group: np.ndarray
    split: np.ndarray
    drops: pa.Table


def decide(recipe: Recipe, store: Store, features: np.ndarray) -> Decision:
    """Cluster, choose who is kept of each cluster, and give every group its split."""
    n = len(store)
    stage = recipe.stages.deduplicate
    keep, root = np.ones(n, bool), np.arange(n)
    drops = ledger.SCHEMA.empty_table()
    if stage is not None:
        clusters = cluster(features["exact"], features["bands"], lambda i: _texts(store, i), stage)
        root = clusters.root
        keep, twin = keepers(root, features["lane"])
        drops = _duplicate_rows(store, clusters, keep, twin)
    group, split = recipe.stages.split.assign(
        root, features["prompt"], features["id"], features["lane"], recipe.seed
    )
    return Decision(keep, group, split, drops)


def _texts(store: Store, indices: np.ndarray) -> pa.StringArray:
    """Return the texts that records are compared by, in the order of ``indices``."""
    order = np.argsort(indices, kind="stable")
    parts = [record_texts(batch) for _, batch in store.take(indices[order])]
    if not parts:
        return pa.array([], pa.string())
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return pa.concat_arrays(parts).take(pa.array(back))


def names_of(store: Store, indices: np.ndarray, columns: Sequence[str]) -> pa.Table:
    """Return columns of the records at ascending ``indices``."""
    schema = pa.schema([records.SCHEMAS["document"].field(name) for name in columns])
    return pa.Table.from_batches(
        [batch.select(columns) for _, batch in store.take(indices)], schema
    )


def _duplicate_rows(store: Store, clusters: Any, keep: np.ndarray, twin: np.ndarray) -> pa.Table:
    gone = np.flatnonzero(~keep)
    names = names_of(store, gone, ["id", "source", "key"])
    kept, back = np.unique(twin[gone], return_inverse=True)
    twins = names_of(store, kept, ["id"])["id"].combine_chunks().take(pa.array(back))
    similarity = clusters.similarity[gone]
    exact = similarity >= 1
    return pa.table(
        [
            *names.columns,
            pa.array(["deduplicate"] * len(gone), pa.string()),
            pa.array(np.where(exact, "exact", "near").tolist(), pa.string()),
            pa.array([f"Jaccard {s:.3f}" for s in similarity], pa.string()),
            twins,
        ],
        schema=ledger.SCHEMA,
    )

"""Decide: over all records at once, who is a duplicate, who is kept, and who is in which split."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...executors import Executor
from ...recipe import Recipe, takedowns
from ...records import ledger
from ...stages.deduplicate import Deduplicate
from ...stages.near.chosen import Alike, Chosen
from ...stages.near.clusters import Clusters, keepers, told
from ...stages.near.containment import Pairs, kept_for
from ..beside import beside
from ..features import LANES
from ..store import Store, names_of
from .contained import Drawn, Inside, Search, settle
from .deduplicate import TEXTS, find_clusters
from .split import subjects_of, works_of
from .weighed import choose


class Decision(NamedTuple):
    """What was decided over all records; every array has one entry for each.

    keep:  bool, false for duplicates, what was refused and what was taken down.
    group: int64, index of the first record of its split group.
    split: int8, an index into SPLITS.
    drops: ledger rows of the duplicates, of what was refused and of what was taken down.
    alike: who was kept beside a near-duplicate, and what they differ in; None where it was not
           weighed.
    inside: which kept records stand mostly inside others; None where none were searched for.
    """

    keep: np.ndarray
    group: np.ndarray
    split: np.ndarray
    drops: pa.Table
    alike: list[Alike] | None = None
    inside: Inside | None = None


class StaysOut(NamedTuple):
    """Records that stay out whatever their duplicates: bool[n], and their ledger rows."""

    mask: np.ndarray
    rows: pa.Table


def stays_out(store: Store, stage: str, parts: list[tuple[np.ndarray, str, list[str]]]) -> StaysOut:
    """Return what a stage keeps out. parts: ascending indices of records, the rule, and the
    evidence of each."""
    mask = np.zeros(len(store), bool)
    tables = []
    for indices, rule, evidence in parts:
        mask[indices] = True
        names = names_of(store, indices, ["id", "source", "key"])
        n = len(indices)
        columns = [[stage] * n, [rule] * n, evidence, [None] * n]
        more = [pa.array(column, pa.string()) for column in columns]
        tables.append(pa.table([*names.columns, *more], schema=ledger.SCHEMA))
    return StaysOut(mask, pa.concat_tables(tables))


_OUT = 127
"""The lane of what was refused: nothing is dropped for a record that is not kept."""


def decide(
    recipe: Recipe,
    store: Store,
    features: np.ndarray,
    folder: Path,
    executor: Executor,
    refused: StaysOut | None = None,
) -> Decision:
    """Cluster, choose who is kept of each cluster, and give every group its split.

    folder: the work's; ``features`` are as in :func:`find_clusters`.
    """
    n = len(store)
    stage = recipe.stages.deduplicate
    root, clusters = np.arange(n), None
    if stage is not None:
        clusters = find_clusters(store, features, stage, folder, executor)
        root = clusters.root
    listed = _listed(store, features["id"], recipe.removed)
    taken = np.isin(root, root[listed])
    out = taken | refused.mask if refused else taken
    lane = np.where(out, _OUT, features["lane"]).astype(np.int8)
    found = _Found(~out)
    # The drawing needs nothing of who is kept: it is done while workers say that.
    with beside(_drawn, recipe, replace(store), features, root, lane) as waited_for:
        if stage is not None and clusters is not None:
            given = _Given(store, features, stage, folder, executor)
            found = _chosen(given, clusters, lane, out)
        drawn = waited_for()
    settled, inside = drawn.split, None
    with beside(_drops, replace(store), found, refused, taken, listed, recipe.removed) as drops:
        if stage is not None and stage.near:
            search = Search(store, features, found.keep, stage, folder, executor)
            settled, inside = settle(recipe.stages.split, drawn, search, recipe.seed)
            inside = inside._replace(every=found.every)
            shutil.rmtree(folder / TEXTS)
        return Decision(found.keep, drawn.group, settled, drops(), found.alike, inside)


class _Found(NamedTuple):
    """Who is kept (bool[n]), and what tells of it; see :class:`Decision`.

    rows: makes ledger rows of the duplicates out of the store; None where there are none.
    """

    keep: np.ndarray
    alike: list[Alike] | None = None
    every: Pairs | None = None
    rows: Callable[[Store], pa.Table] | None = None


class _Given(NamedTuple):
    """See :func:`decide`."""

    store: Store
    features: np.ndarray
    stage: Deduplicate
    folder: Path
    executor: Executor


def _chosen(given: _Given, clusters: Clusters, lane: np.ndarray, out: np.ndarray) -> _Found:
    """Say who is kept of each cluster and lane. out: bool[n], who stays out whatever is said."""
    store, features, stage, _, executor = given
    alike, every = None, None
    if stage.weigh:
        chosen = choose(store, features, clusters, lane, stage, executor)
        alike = [one for one in chosen.alike if not out[one.index]]
        partner = chosen.twin
    else:
        chosen = Chosen(*keepers(clusters.root, lane), clusters.exact, clusters.similarity, [])
        partner = clusters.partner
        items = features["lane"] == LANES["exam"]
        if items.any():  # what they differ in is weighed always: items of one case are many
            found = choose(store, features, clusters, lane, stage, executor, {LANES["exam"]})
            alike = [one for one in found.alike if not out[one.index]]
            chosen = Chosen(
                np.where(items, found.keep, chosen.keep),
                np.where(items, found.twin, chosen.twin),
                np.where(items, found.exact, chosen.exact),
                np.where(items, found.similarity, chosen.similarity),
                [],
            )
            partner = np.where(items, found.twin, partner)
    keep = chosen.keep & ~out
    twin, above, within = chosen.twin, None, None
    if stage.near and stage.contained != "split":
        search = Search(store, features, keep, stage, given.folder, executor)
        every = search(keep, clusters.root, longer=True)
    if every and stage.contained == "drop":
        within = every
        above = kept_for(every, lane, features["chars"])
        keep = keep & (above < 0)
        twin = np.where(above[twin] < 0, twin, above[twin])
        every = every.among(keep)
    told_of = chosen._replace(keep=chosen.keep | out, twin=twin)

    def rows(store: Store) -> pa.Table:
        found = [_duplicate_rows(store, told_of, partner)]
        if within is not None and above is not None:
            found.append(_contained_rows(store, within, above))
        return pa.concat_tables(found)

    return _Found(keep, alike, every, rows)


def _drawn(
    recipe: Recipe, store: Store, features: np.ndarray, root: np.ndarray, lane: np.ndarray
) -> Drawn:
    """Give every group its split, before it is known who is kept."""
    hold_out = recipe.stages.split.hold_out
    works = None if hold_out is None else works_of(store, hold_out)
    asked = np.where(features["prompt"] > 0, features["prompt"], subjects_of(store))
    group, split = recipe.stages.split.assign(root, asked, features["id"], lane, recipe.seed, works)
    return Drawn(group, split, lane, features["id"], works)


def _drops(
    store: Store,
    found: _Found,
    refused: StaysOut | None,
    taken: np.ndarray,
    listed: np.ndarray,
    removed: Mapping[str, str],
) -> pa.Table:
    """Return the ledger's rows of who is not kept."""
    drops = found.rows(store) if found.rows else ledger.SCHEMA.empty_table()
    if refused:
        drops = pa.concat_tables([refused.rows, drops])
    if taken.any():
        rows = _taken_rows(store, taken, listed, removed)
        others = pc.invert(pc.is_in(drops["id"], rows["id"].combine_chunks()))
        drops = pa.concat_tables([rows, drops.filter(others)])
    return drops


def _listed(store: Store, ids: np.ndarray, removed: Mapping[str, str]) -> np.ndarray:
    """Return bool[n]: which records were taken down. ids: uint64, the ends of their ids."""
    ends = np.array([int(name[-16:], 16) for name in removed], np.uint64)
    listed = np.isin(ids, ends)
    near = np.flatnonzero(listed)
    names = names_of(store, near, ["id"])["id"].to_pylist()
    listed[near] = [name in removed for name in names]
    return listed


def _taken_rows(
    store: Store, taken: np.ndarray, listed: np.ndarray, removed: Mapping[str, str]
) -> pa.Table:
    """Ledger rows of the records that were taken down and of their copies."""
    gone = np.flatnonzero(taken)
    names = names_of(store, gone, ["id", "source", "key"])
    rule = np.where(listed[gone], takedowns.LISTED, takedowns.COPY)
    evidence = [removed.get(name, "") for name in names["id"].to_pylist()]
    return pa.table(
        [
            *names.columns,
            pa.array([takedowns.STAGE] * len(gone), pa.string()),
            pa.array(rule.tolist(), pa.string()),
            pa.array(evidence, pa.string()),
            pa.nulls(len(gone), pa.string()),
        ],
        schema=ledger.SCHEMA,
    )


def _duplicate_rows(store: Store, chosen: Chosen, partner: np.ndarray) -> pa.Table:
    """Ledger rows of the duplicates. partner: int64[n], what the similarity was measured to."""
    gone = np.flatnonzero(~chosen.keep)
    twins, partners = _ids(store, chosen.twin[gone]), _ids(store, partner[gone])
    exact = chosen.exact[gone]
    evidence = [
        told(same, similarity, None if partner == kept else partner)
        for same, similarity, partner, kept in zip(
            exact.tolist(),
            chosen.similarity[gone].tolist(),
            partners.to_pylist(),
            twins.to_pylist(),
            strict=True,
        )
    ]
    rule = np.where(exact, "exact", "near").tolist()
    return _rows(store, (gone, rule, evidence), twins)


def _contained_rows(store: Store, inside: Pairs, kept: np.ndarray) -> pa.Table:
    """Ledger rows of what is dropped since it stands in another; see :func:`kept_for`."""
    gone = np.flatnonzero(kept >= 0)
    first = np.searchsorted(inside.text, gone)
    holders = _ids(store, inside.holder[first])
    evidence = [
        f"{share:.1%} of it stands in {holder}"
        for share, holder in zip(inside.share[first].tolist(), holders.to_pylist(), strict=True)
    ]
    rule = np.full(len(gone), "contained").tolist()
    return _rows(store, (gone, rule, evidence), _ids(store, kept[gone]))


def _rows(
    store: Store, told: tuple[np.ndarray, list[str], list[str]], twins: pa.StringArray
) -> pa.Table:
    """Ledger rows of this stage. told: of which records, by which rules, the evidence."""
    gone, rules, evidence = told
    columns = [["deduplicate"] * len(gone), rules, evidence]
    return pa.table(
        [
            *names_of(store, gone, ["id", "source", "key"]).columns,
            *(pa.array(column, pa.string()) for column in columns),
            twins,
        ],
        schema=ledger.SCHEMA,
    )


def _ids(store: Store, indices: np.ndarray) -> pa.StringArray:
    """Return the ids of the records at ``indices``, in any order."""
    every, back = np.unique(indices, return_inverse=True)
    return names_of(store, every, ["id"])["id"].combine_chunks().take(pa.array(back))

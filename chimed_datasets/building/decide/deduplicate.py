"""Clusters of near-duplicates over a whole build, parted: no process holds all band keys.

    part    the band keys of a group of segments, sorted by key, become a file   (workers)
    search  each task takes a range of the keys of some bands from all files     (workers)
    join    the links that were found, by union-find                             (here)

Ranges are cut by the number of records alone, and records that share a key are looked at in the
order of their indices, so that the result does not depend on who does the work, nor on where
files and groups are cut.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...executors import Executor
from ...stages.deduplicate import Deduplicate
from ...stages.near.clusters import Apart, Bucketed, Clusters, Links, Sought, clusters, near_links
from ...stages.near.jaccard import Sketches
from ..features import feature_path, feature_type
from ..store import Segment, Store
from .texts_on_disk import texts_at

AT_ONCE = 1 << 17
"""Records of which a task holds the keys of a band, about."""
MOST_FILES = 128
"""Beyond ``AT_ONCE`` times as many records the groups grow: every task of a search opens all
their files."""


def find_clusters(
    store: Store, features: np.ndarray, stage: Deduplicate, folder: Path, executor: Executor
) -> Clusters:
    """Cluster all records of ``store``.

    features: their feature rows; see :func:`feature_type`. Band keys are read from disk instead.
    folder:   the work's, for what lies in between; nothing of it stays.
    """
    place = folder / "bands"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    files: list[Path] = []

    def search(found: Clusters, apart: Apart, wave: tuple[int, ...]) -> Iterator[Links]:
        if not files:
            shared = _Parting(place, stage, found.exact)
            files.extend(executor.run(write_part, shared, list(enumerate(groups_of(store)))))
        ranges = -(-len(store) // AT_ONCE)
        parted = _Parted(store, stage, tuple(files), ranges, found, features["chars"], apart)
        return executor.run(_search, parted, [(wave, number) for number in range(ranges)])

    found = clusters(features["exact"], stage, search)
    shutil.rmtree(place)
    return found


class _Parting(NamedTuple):
    """What every worker needs to part."""

    place: Path
    stage: Deduplicate
    exact: np.ndarray  # bool, of every record: has it a twin already?


class Group(NamedTuple):
    """Segments that are parted into one file; ``first`` is the index of their first record."""

    first: int
    segments: tuple[Segment, ...]


def groups_of(store: Store) -> list[Group]:
    size = max(AT_ONCE, -(-len(store) // MOST_FILES))
    groups: list[Group] = []
    held: list[Segment] = []
    first = rows = 0
    for segment in store.segments:
        if held and rows + sum(segment.rows) > size:
            groups.append(Group(first, tuple(held)))
            held, first, rows = [], first + rows, 0
        held.append(segment)
        rows += sum(segment.rows)
    return [*groups, Group(first, tuple(held))] if held else groups


def write_part(shared: _Parting, task: tuple[int, Group]) -> Path:
    """Write uint64[bands, 2, records]: of each band the keys, ascending, and whose they are."""
    number, (first, segments) = task
    dtype = feature_type(shared.stage.bands)
    keys = np.concatenate([np.fromfile(feature_path(s.path), dtype)["bands"] for s in segments])
    mine = np.flatnonzero((keys[:, 0] != 0) & ~shared.exact[first : first + len(keys)])
    keys = np.ascontiguousarray(keys[mine].T)
    path = shared.place / f"{number:05d}.npy"
    out = np.empty((shared.stage.bands, 2, len(mine)), np.uint64)
    for key, column in zip(keys, out, strict=True):
        order = np.argsort(key)
        column[0], column[1] = key[order], first + mine[order]
    np.save(path, out)
    return path


class _Parted(NamedTuple):
    """What every worker needs to search. The key space is cut into ``ranges``."""

    store: Store
    stage: Deduplicate
    files: tuple[Path, ...]
    ranges: int
    known: Clusters
    chars: np.ndarray
    apart: Apart


def _search(shared: _Parted, task: tuple[tuple[int, ...], int]) -> Links:
    """Find the near-duplicates of a range of the keys of some bands."""
    wave, number = task
    found: dict[int, list[np.ndarray]] = {band: [] for band in wave}
    for path in shared.files:
        columns = np.load(path, mmap_mode="r")
        for band in wave:
            low, high = (_end(columns[band, 0], n, shared.ranges) for n in (number, number + 1))
            found[band].append(np.array(columns[band, :, low:high]))
    parts = []
    for band, pieces in found.items():
        key, index = np.concatenate(pieces, axis=1)
        parts.append(Bucketed(band, index.astype(np.int64), key))
    store, stage = shared.store, shared.stage
    column = partial(column_at, store, stage)
    sought = Sought(
        partial(texts_at, store, system=not stage.weigh),
        partial(column, "bands"),
        lambda index: Sketches(column("sketch", index), column("windows", index)),
        shared.chars,
    )
    return near_links(shared.known, parts, sought, stage, shared.apart)


def _end(keys: np.ndarray, number: int, ranges: int) -> int:
    """Return where range ``number`` of the keys begins."""
    if number == ranges:
        return len(keys)
    return int(np.searchsorted(keys, np.uint64((number << 64) // ranges)))


def column_at(store: Store, stage: Deduplicate, name: str, indices: np.ndarray) -> np.ndarray:
    """Return a column of the feature rows of the records at ``indices``."""
    dtype = feature_type(stage.bands)
    out = np.empty(len(indices), dtype[name])
    starts = np.cumsum([0, *(sum(segment.rows) for segment in store.segments)])
    order = np.argsort(indices, kind="stable")
    cuts = np.searchsorted(indices[order], starts)
    for segment, start, (low, high) in zip(store.segments, starts, pairwise(cuts), strict=False):
        if low < high:
            rows = np.memmap(feature_path(segment.path), dtype, "r")
            mine = order[low:high]
            out[mine] = rows[name][indices[mine] - start]
    return out

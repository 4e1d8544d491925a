"""Clusters of near-duplicates over a whole build, parted: no process holds all band keys.

    part    the band keys of a group of segments, sorted by key, become a file   (workers)
    search  each task takes a range of the keys of some bands from all files     (workers)
    join    the links that were found, by union-find                             (here)

Ranges are cut by the number of records alone, and records that share a key are looked at in the
order of their indices, so that the result does not depend on who does the work, nor on where
files and groups are cut.
"""

from __future__ import annotations

import mmap
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...executors import Executor
from ...stages.deduplicate import Deduplicate
from ...stages.near.clusters import Apart, Bucketed, Clusters, Links, Sought, clusters, near_links
from ...stages.near.jaccard import Sketches
from ..features import feature_path, feature_type
from ..store import Segment, Store
from .texts_on_disk import TextsOnDisk, note_pieces

AT_ONCE = 1 << 17
"""Records of which a task holds the keys of a band, about."""
TEXTS = "texts"
"""The folder of what tells where the texts of all records lie."""
MOST_FILES = 128
"""Beyond ``AT_ONCE`` times as many records the groups grow: every task of a search opens all
their files."""


def find_clusters(
    store: Store, features: np.ndarray, stage: Deduplicate, folder: Path, executor: Executor
) -> Clusters:
    """Cluster all records of ``store``.

    features: their feature rows; see :func:`feature_type`. Band keys are read from disk instead.
    folder:   the work's, for what lies in between; of it :data:`TEXTS` stays
              where ``stage.near``.
    """
    place, texts = folder / "bands", folder / TEXTS
    for one in (place, texts) if stage.near else (place,):
        shutil.rmtree(one, ignore_errors=True)
        one.mkdir()
    files: list[Path] = []
    chars = np.ascontiguousarray(features["chars"])

    def search(found: Clusters, apart: Apart, wave: tuple[int, ...]) -> Iterator[Links]:
        if not files:
            shared = _Parting(place, texts, stage, found.exact)
            files.extend(executor.run(write_part, shared, list(enumerate(groups_of(store)))))
        ranges = -(-len(store) // AT_ONCE)
        on_disk = texts_of(store, stage, texts)
        parted = _Parted(store, stage, tuple(files), ranges, found, chars, apart, on_disk)
        return executor.run(_search, parted, [(wave, number) for number in range(ranges)])

    found = clusters(features["exact"], stage, search)
    shutil.rmtree(place)
    return found


class _Parting(NamedTuple):
    """What every worker needs to part. texts: the folder for what tells where texts lie."""

    place: Path
    texts: Path
    stage: Deduplicate
    exact: np.ndarray  # bool, of every record: has it a twin already?


def pieces_path(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.npy"


def texts_of(store: Store, stage: Deduplicate, folder: Path) -> TextsOnDisk:
    """Return the texts that records are compared by, as :func:`find_clusters` left word of them in
    ``folder``."""
    groups = groups_of(store)
    files = tuple(pieces_path(folder, number) for number in range(len(groups)))
    return TextsOnDisk(store, files, tuple(group.first for group in groups), not stage.weigh)


class Group(NamedTuple):
    """Segments that are parted into one file; ``first`` is the index of their first record."""

    first: int
    segments: tuple[Segment, ...]


def groups_of(store: Store, least: int | None = None) -> list[Group]:
    """Return all segments, some at a time, that have so many records. least: records of a group;
    None: :data:`AT_ONCE`."""
    size = max(least or AT_ONCE, -(-len(store) // MOST_FILES))
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
    """Write uint64[bands, 2, records]: of each band the keys, ascending, and whose they are. And
    where the texts of these records lie."""
    number, (first, segments) = task
    note_pieces(pieces_path(shared.texts, number), segments, system=not shared.stage.weigh)
    dtype = feature_type(shared.stage.bands)
    parts, mine = [np.zeros((0, shared.stage.bands), np.uint64)], [np.zeros(0, np.int64)]
    for segment in segments:
        if not any(segment.rows):
            continue  # an empty file cannot be mapped
        keys = _mapped(feature_path(segment.path), dtype)["bands"]
        some = np.flatnonzero((keys[:, 0] != 0) & ~shared.exact[first : first + len(keys)])
        parts.append(keys[some])
        mine.append(first + some)
        first += len(keys)
    index, keys = np.concatenate(mine), np.ascontiguousarray(np.concatenate(parts).T)
    path = shared.place / f"{number:05d}.npy"
    out = np.empty((shared.stage.bands, 2, len(index)), np.uint64)
    for key, column in zip(keys, out, strict=True):
        order = np.argsort(key)
        column[0], column[1] = key[order], index[order]
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
    texts: TextsOnDisk


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
    sought = Sought(
        shared.texts,
        lambda index: rows_at(store, stage, index)["bands"],
        partial(sketches_at, store, stage),
        shared.chars,
    )
    return near_links(shared.known, parts, sought, stage, shared.apart)


def _end(keys: np.ndarray, number: int, ranges: int) -> int:
    """Return where range ``number`` of the keys begins."""
    if number == ranges:
        return len(keys)
    return int(np.searchsorted(keys, np.uint64((number << 64) // ranges)))


def rows_at(store: Store, stage: Deduplicate, indices: np.ndarray) -> np.ndarray:
    """Return the feature rows of the records at ``indices``."""
    dtype = feature_type(stage.bands)
    out = np.empty(len(indices), dtype)
    order = np.argsort(indices, kind="stable")
    index = indices[order]
    cuts = np.searchsorted(index, store.starts)
    for number in np.flatnonzero(np.diff(cuts)).tolist():
        some = slice(cuts[number], cuts[number + 1])
        rows = _mapped(feature_path(store.segments[number].path), dtype)
        out[order[some]] = rows[index[some] - store.starts[number]]
    return out


def sketches_at(store: Store, stage: Deduplicate, indices: np.ndarray) -> Sketches:
    """Return the sketches of the records at ``indices``."""
    rows = rows_at(store, stage, indices)
    return Sketches(*(np.ascontiguousarray(rows[name]) for name in ("sketch", "windows")))


def _mapped(path: Path, dtype: np.dtype) -> np.ndarray:
    """Return what ``np.memmap`` does of a file that is not empty, in a third of its time."""
    with path.open("rb") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), dtype)

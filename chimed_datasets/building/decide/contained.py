"""Which records of a build stand mostly inside others, and what the split makes of it.

    table   the sampled n-grams of the records that are sought become files      (here)
    search  each task looks up those of a group of segments, and compares texts  (workers)

Tables and groups are cut by the records alone, so that the result does not depend on who does the
work, nor where.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...executors import Executor
from ...recipe import Stages
from ...stages.deduplicate import SHORT, Deduplicate
from ...stages.near import containment
from ...stages.near.components import join
from ...stages.near.containment import Pairs, Sampled, Table, Wanted, ordered
from ...stages.near.jaccard import contained_at_most
from ...stages.split import Split
from ...stages.text.grams import ranges
from ..features import sample_path
from ..store import Store
from .deduplicate import TEXTS, Group, groups_of, sketches_at, texts_of
from .texts_on_disk import TextsOnDisk

AT_ONCE = 1 << 22
"""n-grams of a table, about (16 bytes each): all others are looked up once for each table."""
LOOKED_UP = 1 << 14
"""Records of a task, about: few, since long ones take much longer, and no worker shall wait."""


class Search(NamedTuple):
    """Searches the kept records of a store, see :meth:`__call__`.

    kept:     bool[n]: the others are not looked at.
    features: the feature rows of all records.
    folder:   the work's, for what lies in between; nothing of it stays. There
              :func:`.deduplicate.find_clusters` has left word of the texts.
    """

    store: Store
    features: np.ndarray
    kept: np.ndarray
    stage: Deduplicate
    folder: Path
    executor: Executor

    def __call__(self, sought: np.ndarray, label: np.ndarray, longer: bool = False) -> Pairs:
        """Return which records stand mostly inside which others, where one of the two is sought.

        sought: bool[n].
        label:  int64[n]; two of one label are no pair.
        longer: only others that are longer; of two of one length the first counts as longer.
        """
        place = self.folder / "grams"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        counts = self.features["sampled"]
        some = np.flatnonzero(sought & self.kept & (counts > 0))
        ends = np.cumsum(counts[some], dtype=np.int64) // AT_ONCE
        parts = np.split(some, np.flatnonzero(np.diff(ends)) + 1) if len(some) else []
        for number, part in enumerate(parts):
            keys = np.concatenate([np.zeros(0, np.uint32), *_keys_of(self.store, counts, part)])
            share = len(part) / max(int(self.kept.sum()), 1)
            table = containment.table(keys, np.repeat(part, counts[part]), share)
            for name, column in table._asdict().items():
                np.save(_file(place, number, name), column)
        texts = texts_of(self.store, self.stage, self.folder / TEXTS)
        chars = self.features["chars"]
        shared = _Shared(
            self.store, place, self.kept, label, longer, counts, chars, self.stage, texts
        )
        tasks = [
            (n, group) for n in range(len(parts)) for group in groups_of(self.store, LOOKED_UP)
        ]
        found = ordered(self.executor.run(_search, shared, tasks))
        shutil.rmtree(place)
        return found


class _Shared(NamedTuple):
    """What every worker needs to know of all records; see :class:`Search`."""

    store: Store
    place: Path
    kept: np.ndarray
    label: np.ndarray
    longer: bool
    sampled: np.ndarray
    chars: np.ndarray
    stage: Deduplicate
    texts: TextsOnDisk


def _file(place: Path, number: int, name: str) -> Path:
    return place / f"{number:05d}-{name}.npy"


def _keys_of(store: Store, counts: np.ndarray, some: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the sampled n-grams of the records at ``some`` (ascending), a segment at a time."""
    starts = np.cumsum([0, *(sum(segment.rows) for segment in store.segments)])
    cuts = np.searchsorted(some, starts)
    for segment, (first, end), (low, high) in zip(
        store.segments, pairwise(starts), pairwise(cuts), strict=True
    ):
        if low < high:
            ends = np.cumsum(counts[first:end], dtype=np.int64)
            mine = some[low:high] - first
            column = np.fromfile(sample_path(segment.path), np.uint32)
            yield column[ranges(ends[mine] - counts[first:end][mine], counts[first:end][mine])]


def _search(shared: _Shared, task: tuple[int, Group]) -> Pairs:
    """Return the verified pairs of the records of a group of segments and those of a table."""
    number, (first, segments) = task
    files = (_file(shared.place, number, name) for name in Table._fields)
    table = Table(*(np.load(path, mmap_mode="r") for path in files))
    wanted = Wanted(shared.kept, shared.label)
    found = []
    for segment in segments:
        rows = sum(segment.rows)
        keys = np.fromfile(sample_path(segment.path), np.uint32)
        counts = shared.sampled[first : first + rows].astype(np.int64)
        found.append(containment.met(table, Sampled(keys, counts), first, wanted))
        first += rows
    text, holder = np.concatenate(found, axis=1)
    right = shared.chars[text] >= containment.LEAST
    if shared.longer:
        more = shared.chars[holder] - shared.chars[text]
        right &= (more > 0) | ((more == 0) & (holder < text))
    text, holder = _likely(shared, text[right], holder[right])
    return containment.verified(text, holder, shared.texts, shared.chars)


def _likely(shared: _Shared, text: np.ndarray, holder: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs without those whose sketches show that the text cannot be inside."""
    wanted, numbers = np.unique(np.stack([text, holder]), return_inverse=True)
    known = sketches_at(shared.store, shared.stage, wanted)
    likely = contained_at_most(known, *numbers.reshape(2, -1)) >= containment.LIKELY
    if shared.stage.weigh:  # the sketch of a short text is not of all its letters
        likely |= shared.chars[text] <= SHORT
    return text[likely], holder[likely]


def are_sampled(stages: Stages) -> bool:
    """Is anything asked of the n-grams of records that are sampled while these are read?"""
    stage, split = stages.deduplicate, stages.split
    if stage is None or not stage.near:
        return False
    return stage.contained != "split" or split.validation + split.test > 0


class Drawn(NamedTuple):
    """A split as it was drawn: of each of n records the group (int64), the split (int8), the lane
    (int8), a number that follows from its id (uint64), and the work (uint64; see
    :meth:`Split.assign`)."""

    group: np.ndarray
    split: np.ndarray
    lane: np.ndarray
    ids: np.ndarray
    work: np.ndarray | None


class Inside(NamedTuple):
    """Which kept records stand mostly inside others.

    apart: the pairs of which one was drawn to validation or test.
    drawn: int8[n], the splits before these were looked at.
    every: all pairs, with holders that are longer; None where not all were searched for.
    """

    apart: Pairs
    drawn: np.ndarray
    every: Pairs | None = None


def settle(stage: Split, drawn: Drawn, search: Search, seed: int) -> tuple[np.ndarray, Inside]:
    """Return int8[n], the splits such that no held-out record stands inside one of another, nor
    another inside it; and what was found.

    A lane of which that leaves a split empty is searched as a whole: only a group of which it is
    known what it is joined to may take the place.
    """
    group, split, lane, ids, work = drawn
    kept = search.kept
    pairs = search(split > 0, group)
    new = stage.settle(group, split, pairs.text, pairs.holder, work)
    lanes = stage.emptied(split, new, np.where(kept, lane, -1), work)
    if lanes:
        whole = kept & np.isin(lane, lanes)
        pairs = ordered([pairs, search(whole, group)])
        new = stage.settle(group, split, pairs.text, pairs.holder, work)
        unit = join(group, pairs.text, pairs.holder)
        mine = np.where(whole, lane, -1)
        new = stage.fill_again(unit, new, ids, mine, seed, kept & ~whole)
    return new, Inside(pairs, split)

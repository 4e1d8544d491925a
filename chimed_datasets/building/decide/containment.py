"""Which records of a build stand mostly inside one other, parted: no process holds all n-grams.

    part    the sampled n-grams of a group of segments, sorted, become a file      (workers)
    gather  each task takes a range of them from all files, and keeps those that
            several records have                                                   (workers)
    search  each task looks up some records of which others have enough, and
            compares the texts                                                     (workers)

Groups, ranges and tasks are cut by the records alone, so that the result does not depend on who
does the work, nor where.
"""

from __future__ import annotations

import shutil
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...executors import Executor
from ...stages.deduplicate import Deduplicate
from ...stages.near import containment
from ...stages.near.containment import Pairs
from ...stages.near.jaccard import Sketches, contained_at_most
from ...stages.text.grams import ranges
from ..features import sample_path
from ..store import Store
from .deduplicate import Group, column_at, groups_of
from .texts_on_disk import texts_at

AT_ONCE = 1 << 22
"""n-grams that a task gathers, about (8 bytes each)."""
CHARS_AT_ONCE = 1 << 22
"""Characters of the records that a task searches for."""


class Sought(NamedTuple):
    """What every worker needs to know of all records.

    kept:  bool[n]: the others are not looked at.
    order: int64[n], all records from the longest on; of two of one length the first comes first.
    root:  int64[n], in that order: the cluster of near-duplicates. None is inside one of its own.
    """

    store: Store
    place: Path
    kept: np.ndarray
    order: np.ndarray
    root: np.ndarray
    sampled: np.ndarray
    chars: np.ndarray
    stage: Deduplicate

    @property
    def number(self) -> np.ndarray:
        """int64[n]: where each record stands in ``order``."""
        number = np.empty(len(self.order), np.int64)
        number[self.order] = np.arange(len(number))
        return number

    def apart(self, text: np.ndarray, holder: np.ndarray) -> np.ndarray:
        """Return bool: are two (by their numbers) of two clusters?"""
        found: np.ndarray = self.root[text] != self.root[holder]
        return found


def find_contained(
    store: Store,
    features: np.ndarray,
    kept: np.ndarray,
    root: np.ndarray,
    stage: Deduplicate,
    folder: Path,
    executor: Executor,
) -> Pairs:
    """Return which kept records stand mostly inside which others, ascending by record, the largest
    share first.

    kept:   bool[n]. root: int64[n], their clusters: see :class:`.clusters.Clusters`.
    folder: the work's, for what lies in between; nothing of it stays.
    """
    place = folder / "grams"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    chars = features["chars"]
    order = np.argsort(-chars, kind="stable")
    sought = Sought(store, place, kept, order, root[order], features["sampled"], chars, stage)
    groups = list(enumerate(groups_of(store)))
    total = np.zeros(len(store), np.int32)
    for first, counts in executor.run(part, sought, groups):
        total[first : first + len(counts)] = counts
    known = np.zeros(len(store), np.int32)
    cuts = -(-int(total.sum()) // AT_ONCE)
    parts = [(number, cuts, len(groups)) for number in range(cuts)]
    for index, counts in executor.run(gather, sought, parts):
        known[index] += counts
    long = chars >= containment.LEAST
    some = np.flatnonzero(containment.may_be_inside(known, total) & long)
    ends = np.cumsum(chars[some]) // CHARS_AT_ONCE
    tasks = np.split(some, np.flatnonzero(np.diff(ends)) + 1) if len(some) else []
    found = list(executor.run(search, (sought, cuts), tasks))
    shutil.rmtree(place)
    nothing = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return Pairs(*(np.concatenate(column) for column in zip(nothing, *found, strict=True)))


def part(sought: Sought, task: tuple[int, Group]) -> tuple[int, np.ndarray]:
    """Write the n-grams of the kept records of a group of segments, see :func:`.packed`.

    Returns the index of its first record, and int32, how many n-grams each has."""
    number, (first, segments) = task
    last = first + sum(sum(segment.rows) for segment in segments)
    keys = np.concatenate([np.fromfile(sample_path(s.path), np.uint32) for s in segments])
    owner = np.repeat(np.arange(first, last), sought.sampled[first:last])
    mine = sought.kept[owner]
    both = containment.packed(keys[mine], sought.number[owner[mine]])
    np.save(sought.place / f"part-{number:05d}.npy", both)
    counts = np.bincount(sought.order[containment.owners(both)] - first, minlength=last - first)
    return first, counts.astype(np.int32)


def gather(sought: Sought, task: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Write those of a range of the n-grams that several records have.

    Returns int64, records that share one of them with a longer one, and int32, how many."""
    number, cuts, groups = task
    pieces = []
    for group in range(groups):
        column = np.load(sought.place / f"part-{group:05d}.npy", mmap_mode="r")
        low, high = (_end(column, n, cuts) for n in (number, number + 1))
        pieces.append(np.array(column[low:high]))
    both = np.concatenate(pieces)
    both.sort()
    both = containment.in_several(both)
    np.save(sought.place / f"several-{number:05d}.npy", both)
    several, counts = np.unique(containment.with_longer(both), return_counts=True)
    return sought.order[several], counts.astype(np.int32)


def _end(both: np.ndarray, number: int, cuts: int) -> int:
    """Return where range ``number`` of the n-grams begins."""
    if number == cuts:
        return len(both)
    return int(np.searchsorted(both, np.uint64(((number << 32) // cuts) << 32)))


def search(shared: tuple[Sought, int], some: np.ndarray) -> Pairs:
    """Return the verified pairs of the records at ``some`` (ascending)."""
    sought, cuts = shared
    files = [sought.place / f"several-{number:05d}.npy" for number in range(cuts)]
    lists = containment.Lists([np.load(path, mmap_mode="r") for path in files])
    mine = containment.packed(*_keys_of(sought, some))
    found = containment.candidates(mine, sought.number[some], lists, sought.apart)
    pairs = Pairs(sought.order[found.text], sought.order[found.holder], found.share)
    pairs = _likely(sought, pairs)
    texts = partial(texts_at, sought.store, system=not sought.stage.weigh)
    return containment.verified(pairs, texts, sought.chars)


def _likely(sought: Sought, pairs: Pairs) -> Pairs:
    """Return the pairs without those whose sketches show that the text cannot be inside."""
    wanted, numbers = np.unique(np.stack([pairs.text, pairs.holder]), return_inverse=True)
    column = partial(column_at, sought.store, sought.stage)
    known = Sketches(column("sketch", wanted), column("windows", wanted))
    likely = contained_at_most(known, *numbers.reshape(2, -1)) >= containment.LIKELY
    return Pairs(*(values[likely] for values in pairs))


def _keys_of(sought: Sought, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the n-grams of the records at ``some``, and int64, the place in it of whose they
    are."""
    starts = np.cumsum([0, *(sum(segment.rows) for segment in sought.store.segments)])
    cuts = np.searchsorted(some, starts)
    keys = [np.zeros(0, np.uint32)]
    for segment, first, (low, high) in zip(
        sought.store.segments, starts, pairwise(cuts), strict=False
    ):
        if low < high:
            counts = sought.sampled[first : first + sum(segment.rows)]
            ends = np.cumsum(counts, dtype=np.int64)
            mine = some[low:high] - first
            if ends[-1]:
                column = np.memmap(sample_path(segment.path), np.uint32, "r")
                keys.append(column[ranges(ends[mine] - counts[mine], counts[mine])])
    counts = sought.sampled[some]
    return np.concatenate(keys), np.repeat(np.arange(len(some)), counts)

"""Who is kept of a cluster, where what two near-duplicates do not share is weighed.

A cluster is a chain of pairs: its ends may be unlike, and two of a pair may differ in a dose. So
each record is compared with those of its cluster that are kept already, in their order: it is
dropped if one of them is near and nothing of weight differs, and is kept otherwise: see
:mod:`.choosing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True, order=True, slots=True)
class Alike:
    """A record that was kept though it is near another kept one.

    index, other: both; ``other`` comes first.
    kind, reason: what they differ in; in a line, as :meth:`Difference.told` gives it.
    contradicts:  whether both answer one question, and cannot both be right.
    """

    index: int
    other: int
    kind: str
    reason: str
    contradicts: bool


@dataclass(frozen=True)
class Fate:
    """A record that is dropped, and the kept one that it is like.

    index, twin: both.
    similarity:  Jaccard similarity.
    """

    index: int
    twin: int
    similarity: float


@dataclass(frozen=True)
class Members:
    """Records of a cluster and lane, or of several one behind the other: arrays of one length.

    index:               int64, ascending within a cluster.
    prompt:              as in :class:`Features`.
    partner, similarity: as in :class:`Clusters`.
    document:            bool, whether the first words of the text name what it is about.
    """

    index: np.ndarray
    prompt: np.ndarray
    partner: np.ndarray
    similarity: np.ndarray
    document: np.ndarray

    def take(self, rows: np.ndarray | slice) -> Members:
        """Return some of them."""
        return Members(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


class Chosen(NamedTuple):
    """Who is kept of n records.

    keep:       bool[n].
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


def first_of_equals(
    root: np.ndarray, lane: np.ndarray, exact: np.ndarray, again: np.ndarray
) -> np.ndarray:
    """Return int64[n]: of each record the first one of its cluster and lane that it is equal to.

    root, again: as ``root`` and ``exact`` of :class:`Clusters`; exact: as in :class:`Features`.
    """
    first = np.arange(len(root))
    concerned = np.zeros(len(root), bool)
    concerned[root[again]] = True
    rows = np.flatnonzero(concerned[root])
    keys = np.stack([*exact[rows].T, lane[rows].astype(np.uint64)])
    order = np.lexsort(keys)  # stable: ascending index among equals
    keys = keys[:, order]
    new = np.ones(len(order), bool)
    new[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0) | ~keys[:2, 1:].any(axis=0)
    first[rows[order]] = rows[order[new]][np.cumsum(new) - 1]
    return first


def clusters_of(root: np.ndarray, lane: np.ndarray, first: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the indices, ascending, of each cluster and lane that has more than one record that is
    the first of its equals. first: see :func:`first_of_equals`."""
    rows = np.flatnonzero(first == np.arange(len(first)))
    rows = rows[np.bincount(root[rows], minlength=1)[root[rows]] > 1]
    order = rows[np.lexsort((lane[rows], root[rows]))]  # stable: ascending within each
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(root[order]) != 0) | (np.diff(lane[order]) != 0)
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(order)))
    several = sizes > 1
    for start, size in zip(starts[several].tolist(), sizes[several].tolist(), strict=True):
        yield order[start : start + size]


def chosen(first: np.ndarray, fates: Iterable[Fate], alike: Iterable[Alike]) -> Chosen:
    """Return who is kept of all records, by what became of the first of their equals."""
    n = len(first)
    found = Chosen(
        np.ones(n, bool), np.full(n, -1), np.zeros(n, bool), np.zeros(n, np.float32), sorted(alike)
    )
    for fate in fates:
        found.keep[fate.index] = False
        found.twin[fate.index] = fate.twin
        found.similarity[fate.index] = fate.similarity
    again = np.flatnonzero(first != np.arange(n))
    equal = first[again]
    kept = found.keep[equal]
    found.keep[again] = False
    found.twin[again] = np.where(kept, equal, found.twin[equal])
    found.exact[again] = kept
    found.similarity[again] = np.where(kept, 1, found.similarity[equal])
    return found

"""Clusters of near-duplicates over all records: who is linked, and who is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ..deduplicate import Deduplicate
from .chunks import chunks
from .components import join
from .jaccard import Sketches, jaccard_at_most, no_sketches

ROUNDS, SMALL = 4, 32
"""A bucket that still holds more than ``SMALL`` records after ``ROUNDS`` is parted further."""


REMEMBERED = 1 << 20
"""Pairs that were compared and are apart, of which so many are not compared again."""


class Apart(NamedTuple):
    """Pairs that were compared and are no near-duplicates: left[i] < right[i] (int64), and the
    similarity of what is searched of them (float64)."""

    left: np.ndarray
    right: np.ndarray
    similarity: np.ndarray


NONE_APART = Apart(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


class Clusters(NamedTuple):
    """The clusters of n records.

    root:       int64[n], the smallest index of the record's cluster.
    exact:      bool[n], true where the record equals an earlier one up to white space.
    partner:    int64[n], an equal record, or the closest one that it was compared with; it is in
                the same cluster. -1 for a record that is alone or the first of its equals.
    similarity: float32[n], Jaccard similarity to ``partner`` of what is searched, verified on
                the texts; 1 for exact duplicates, 0 without a partner.
    """

    root: np.ndarray
    exact: np.ndarray
    partner: np.ndarray
    similarity: np.ndarray


class Sought(NamedTuple):
    """What a search asks of n records; the first three fetch for an array of record indices.

    texts:    the texts that they are compared by (:attr:`Batch.compared`), in their order.
    keys:     uint64[records, bands], the band keys.
    sketches: their sketches.
    chars:    int64[n], characters of every record's text.
    """

    texts: Callable[[np.ndarray], pa.StringArray]
    keys: Callable[[np.ndarray], np.ndarray]
    sketches: Callable[[np.ndarray], Sketches]
    chars: np.ndarray


class Links(NamedTuple):
    """Pairs of near-duplicates: left[i] < right[i] (int64), their similarity (float32); and pairs
    that were found ``apart``."""

    left: np.ndarray
    right: np.ndarray
    similarity: np.ndarray
    apart: Apart = NONE_APART


class Bucketed(NamedTuple):
    """Records (``item``, int64: their indices) and their key (uint64, never 0) in one ``band``."""

    band: int
    item: np.ndarray
    key: np.ndarray


Search = Callable[[Clusters, Apart, tuple[int, ...]], Iterable[Links]]
"""Finds near-duplicates among the records that share a key in one of some bands; it need not tell
of two that are in one cluster already, nor compare those that were found apart."""


def clusters(exact: np.ndarray, settings: Deduplicate, search: Search) -> Clusters:
    """Cluster n records: equal texts first (``exact`` as in :class:`Features`), then by ``search``.

    Bands are searched in waves, of which each may be parted over machines: what one wave has
    joined, the next need not compare. Most near-duplicates share a key in the first band already,
    so that the waves grow.
    """
    n = len(exact)
    found = Clusters(
        np.arange(n), np.zeros(n, bool), np.full(n, -1, np.int64), np.zeros(n, np.float32)
    )
    if settings.exact:
        found = _join_exact(found, exact)
    apart = NONE_APART
    first = 0
    while settings.near and first < settings.bands:
        last = min(max(2 * first, 1), settings.bands)
        links = list(search(found, apart, tuple(range(first, last))))
        found = _linked(found, links)
        columns = zip(apart, *(part.apart for part in links), strict=True)
        apart = Apart(*(np.concatenate(column)[:REMEMBERED] for column in columns))
        first = last
    return found


def _linked(found: Clusters, parts: list[Links]) -> Clusters:
    if not parts:
        return found
    columns = zip(*(part[:3] for part in parts), strict=True)
    left, right, similarity = (np.concatenate(column) for column in columns)
    root = join(found.root, left, right)
    partner, best = found.partner.copy(), found.similarity.copy()
    one, other = np.concatenate([right, left]), np.concatenate([left, right])
    _note(partner, best, one, other, np.tile(similarity, 2))
    return Clusters(root, found.exact, partner, best)


def cluster(
    exact: np.ndarray,
    bands: np.ndarray,
    texts: Callable[[np.ndarray], pa.StringArray],
    settings: Deduplicate,
    chars: np.ndarray | None = None,
    known: Sketches | None = None,
) -> Clusters:
    """Cluster n records by their :class:`Features`, all of them in memory.

    Equal texts are joined first; then every two records that share a band key and whose n-gram
    sets have at least ``settings.threshold`` Jaccard similarity end in one cluster. ``chars``
    (int64[n], :attr:`Features.chars`) bounds how much text is fetched at a time; without it the
    number of records alone does. ``known``: of all records, to spare comparisons.
    """
    sketch = known or no_sketches(len(exact))
    sought = Sought(
        texts,
        lambda index: bands[index],
        lambda index: Sketches(*(column[index] for column in sketch)),
        np.full(len(exact), 1 << 10) if chars is None else chars,
    )

    def search(found: Clusters, apart: Apart, wave: tuple[int, ...]) -> Iterator[Links]:
        parts = []
        for band in wave:
            index = np.flatnonzero(~found.exact & (bands[:, band] != 0))
            parts.append(Bucketed(band, index, bands[index, band]))
        yield near_links(found, parts, sought, settings, apart)

    return clusters(exact, settings, search)


def near_links(
    known: Clusters,
    parts: Sequence[Bucketed],
    sought: Sought,
    settings: Deduplicate,
    apart: Apart = NONE_APART,
) -> Links:
    """Return links that join all near-duplicates within the buckets of ``parts``, except those
    that are in one cluster by ``known``. apart: pairs that need not be compared.

    Nothing here takes time or memory by n: the records of ``parts`` are numbered again.
    """
    parts = [_apart(part, known.root) for part in parts]
    items = np.sort(np.concatenate([part.item for part in parts]))
    items = items[_first_of_run(items)]
    verify = Verify(
        lambda index: sought.texts(items[index]),
        sought.chars[items],
        settings,
        sought.sketches(items),
        _known(items, apart),
    )
    _, first, back = np.unique(known.root[items], return_index=True, return_inverse=True)
    work = _Work(
        items,
        first[back],
        known.partner[items],
        known.similarity[items],
        verify,
        settings,
    )
    for part in parts:
        work.join_band(np.searchsorted(items, part.item), part, sought.keys)
    pairs = [np.zeros((0, 2), np.int64), *work.pairs]
    left, right = np.sort(items[np.concatenate(pairs)], axis=1).T
    similarity = np.concatenate([np.zeros(0, np.float32), *work.similarities])
    return Links(left, right, similarity, _apart_of(items, verify))


def _known(items: np.ndarray, apart: Apart) -> dict[tuple[int, int], tuple[float, float]]:
    """Return what :class:`Verify` need not compare, by the places of both in ``items``."""
    places = np.searchsorted(items, np.stack(apart[:2]))
    places[places == len(items)] = 0
    here = (items[places] == np.stack(apart[:2])).all(axis=0) if len(items) else np.zeros(0, bool)
    return {
        (left, right): (similarity, 0.0)
        for left, right, similarity in zip(
            *places[:, here].tolist(), apart.similarity[here].tolist(), strict=True
        )
    }


def _apart_of(items: np.ndarray, verify: Verify) -> Apart:
    """Return the pairs that ``verify`` found apart, of which none was known."""
    pairs = np.array(verify.new, np.int64).reshape(-1, 2)
    left, right = items[pairs].T
    return Apart(left, right, np.array([verify.known[pair][0] for pair in verify.new]))


def _apart(part: Bucketed, root: np.ndarray) -> Bucketed:
    """Return the records, by key, that share their key with one of another cluster: a few in a
    hundred, most keys being of one record. ``root``: of every record, by index."""
    order = np.argsort(part.key, kind="stable")  # quick where runs of it are sorted already
    key = part.key[order]
    shared = np.zeros(len(key) + 1, bool)
    np.equal(key[1:], key[:-1], out=shared[1:-1])
    shared = shared[1:] | shared[:-1]
    item, key = part.item[order[shared]], key[shared]
    stay = _in_mixed(root[item], *_runs(key))
    return Bucketed(part.band, item[stay], key[stay])


def _join_exact(found: Clusters, exact: np.ndarray) -> Clusters:
    order = np.argsort(exact[:, 0], kind="stable")  # the first of equals comes first
    values = exact[order]
    half = (values[1:, 0] == values[:-1, 0]) & (values[1:, 1] != values[:-1, 1])
    if half.any():  # hardly ever: half of their hashes are equal
        order = np.lexsort((exact[:, 1], exact[:, 0]))
        values = exact[order]
    new = np.ones(len(order), bool)
    new[1:] = (values[1:] != values[:-1]).any(axis=1) | ~values[1:].any(axis=1)
    first = np.empty(len(order), np.int64)
    first[order] = order[new][np.cumsum(new) - 1]
    again = first != np.arange(len(order))
    return Clusters(
        first, again, np.where(again, first, -1), np.where(again, 1, 0).astype(np.float32)
    )


@dataclass
class _Work:
    """The records of a search (``items``: their indices, ascending) and what is known of them.

    root:    int64, of each item: the place in ``items`` of the first one of its cluster.
    partner: int64, the *index* of the record that it is closest to, -1 for none.
    """

    items: np.ndarray
    root: np.ndarray
    partner: np.ndarray
    similarity: np.ndarray
    verify: Verify
    settings: Deduplicate
    pairs: list[np.ndarray] = field(default_factory=list)
    similarities: list[np.ndarray] = field(default_factory=list)

    def join_band(
        self, item: np.ndarray, part: Bucketed, keys: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        """Join the near-duplicates within the buckets of a band.

        Thousands of texts cut from one template can share a bucket and yet be no duplicates; to
        compare all of them would take k^2 comparisons. What is left of such a bucket after a few
        rounds is parted by the next band as well (and the next), so that the closest stay
        together.
        """
        bucket, bands = np.zeros(len(item), np.int64), self.settings.bands
        for depth in range(bands):
            if len(item) == 0:
                break
            other = (part.band + depth) % bands
            key = keys(self.items[item])[:, other] if depth else part.key
            order = np.lexsort((item, key, bucket))
            item, bucket, key = item[order], bucket[order], key[order]
            # Buckets that are left over are parted by the next band's key; they get new numbers.
            bucket = np.cumsum(_first_of_run(bucket) | _first_of_run(key))
            item, bucket = self._join_buckets(item, bucket, finish=depth == bands - 1)

    def _join_buckets(
        self, item: np.ndarray, bucket: np.ndarray, finish: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Join near-duplicates among the ``item`` of each ``bucket`` (both ascending).

        In each round every bucket compares its first member to those of other clusters. Jaccard
        distance is a metric, so what is known of the distances to that leader a rules most other
        pairs out: d(b, c) >= |d(a, c) - d(a, b)|. The leader leaves, and with it each member of
        its cluster that is too far from all the others; the rest go on to the next round. So no
        pair above the threshold is missed, and k copies of a text cost k comparisons, not k^2.

        Returns the items and buckets that were not finished (none with ``finish``).
        """
        reach = 1 - self.settings.candidate + 1e-9
        left_over = [(item[:0], bucket[:0])]
        turn = 0
        while len(item):
            # A bucket whose members are all in one cluster has nothing left to find.
            root = self.root
            starts, sizes = _runs(bucket)
            leader = np.repeat(item[starts], sizes)
            stay = _in_mixed(root[item], starts, sizes)
            if turn >= ROUNDS and not finish:
                large = stay & np.repeat(sizes > SMALL, sizes)
                left_over.append((item[large], bucket[large]))
                stay &= ~large
            item, bucket, leader = item[stay], bucket[stay], leader[stay]
            if len(item) == 0:
                break

            # A lower bound of the distance to the leader for those of other clusters, then, where
            # that is within reach, the distance itself; an upper bound for those of its own.
            apart = root[item] != root[leader]
            distance = np.empty(len(item))
            distance[apart] = 1 - self.verify.at_most(leader[apart], item[apart])
            distance[~apart] = self._at_most(leader[~apart], item[~apart])
            close = np.flatnonzero(apart & (distance <= reach))
            searched, best = self.verify(leader[close], item[close])
            distance[close] = 1 - searched
            near = close[best >= self.settings.threshold - 1e-9]
            self._link(leader[near], item[near], (1 - distance[near]).astype(np.float32))

            # Of those still apart the distance is no less than what stands here, of the others no
            # more: that is enough, and to measure them costs more than it rules out.
            still_apart = self.root[item] != self.root[leader]
            joined = apart & ~still_apart
            joined[near] = False
            distance[joined] = 1
            # By the triangle inequality a member of the leader's cluster can only be near one still
            # apart whose distance to the leader is within ``reach`` of its own.
            starts, sizes = _runs(bucket)
            nearest = np.minimum.reduceat(np.where(still_apart, distance, np.inf), starts)
            border = distance >= np.repeat(nearest, sizes) - reach
            stay = (item != leader) & (still_apart | border)
            item, bucket = item[stay], bucket[stay]
            turn += 1
        items, buckets = zip(*left_over, strict=True)
        return np.concatenate(items), np.concatenate(buckets)

    def _link(self, one: np.ndarray, other: np.ndarray, similarity: np.ndarray) -> None:
        self.root = join(self.root, one, other)
        self.pairs.append(np.stack([one, other], axis=1))
        self.similarities.append(similarity)
        both, partners = np.concatenate([other, one]), self.items[np.concatenate([one, other])]
        _note(self.partner, self.similarity, both, partners, np.tile(similarity, 2))

    def _at_most(self, leader: np.ndarray, item: np.ndarray) -> np.ndarray:
        """Return an upper bound of the distances within one cluster: 1 where nothing is known."""
        partner, similarity = self.partner, self.similarity
        # Each line is surer than the one before, and has the last word where both hold.
        bound = np.ones(len(item))
        direct = partner[item] == self.items[leader]
        other = partner[leader] == self.items[item]
        shared = (partner[item] == partner[leader]) & (partner[item] >= 0)
        both = 2 - similarity[item].astype(float) - similarity[leader]
        bound[shared] = both[shared]
        bound[other] = 1 - similarity[leader[other]]
        bound[direct] = 1 - similarity[item[direct]]
        bound[item == leader] = 0
        return bound


def _note(
    partner: np.ndarray, similarity: np.ndarray, one: np.ndarray, other: np.ndarray, s: np.ndarray
) -> None:
    """Let each record keep the closest of its links (of equal ones, that to the lowest index)."""
    order = np.lexsort((-other, s))
    one, other, s = one[order], other[order], s[order]
    closer = s > similarity[one]
    partner[one[closer]] = other[closer]  # the last of an index holds
    similarity[one[closer]] = s[closer]


def _first_of_run(values: np.ndarray) -> np.ndarray:
    new = np.ones(len(values), bool)
    new[1:] = values[1:] != values[:-1]
    return new


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each run of equal values begins, and how long it is."""
    starts = np.flatnonzero(_first_of_run(values))
    return starts, np.diff(np.append(starts, len(values)))


def _in_mixed(root: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return bool of each item: does its run hold items of several clusters? root: of the items."""
    others = root != np.repeat(root[starts], sizes)
    return np.repeat(np.logical_or.reduceat(others, starts), sizes)


@dataclass(frozen=True)
class Verify:
    """Similarity of pairs of records by their texts; see :meth:`Deduplicate.similarity`.

    Of most pairs that share a key, a sketch of each text proves that they are no near-duplicates;
    the rest are compared. Two that are not quite near share several bands: such pairs are
    ``known`` from then on, those among them that are ``new`` in order.
    """

    texts: Callable[[np.ndarray], pa.StringArray]
    chars: np.ndarray
    settings: Deduplicate
    sketches: Sketches
    known: dict[tuple[int, int], tuple[float, float]] = field(default_factory=dict)
    new: list[tuple[int, int]] = field(default_factory=list)

    def at_most(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return float64, an upper bound of the similarity of each pair of indices."""
        return jaccard_at_most(self.sketches, left, right)

    def __call__(self, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return float64 twice, both similarities of each pair (ascending in ``left``)."""
        pairs = list(zip(left.tolist(), right.tolist(), strict=True))
        found = np.zeros((2, len(pairs)))
        ask = np.array([pair not in self.known for pair in pairs], bool)
        found[:, ask] = self._compared(left[ask], right[ask])
        for at, pair in enumerate(pairs):
            if not ask[at]:
                found[:, at] = self.known[pair]
            elif found[1, at] < self.settings.threshold - 1e-9 and len(self.known) < REMEMBERED:
                self.known[pair] = (float(found[0, at]), float(found[1, at]))
                self.new.append(pair)
        return found[0], found[1]

    def _compared(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        found = np.empty((2, len(left)))
        new = np.concatenate([[True], left[1:] != left[:-1]])[: len(left)]
        for begin, end in chunks(self.chars[right] + np.where(new, self.chars[left], 0)):
            # Each text of the chunk is fetched once; pairs then are of numbers within the chunk.
            pairs = np.stack([left[begin:end], right[begin:end]])
            wanted, numbers = np.unique(pairs, return_inverse=True)
            one, other = numbers.reshape(2, -1)
            found[:, begin:end] = self.settings.similarity(self.texts(wanted), one, other)
        return found


def keepers(root: np.ndarray, lane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keep the smallest index of each cluster and lane.

    Returns ``keep`` (bool[n]) and ``twin`` (int64[n]): the record that was kept instead of a
    dropped one, -1 for a kept one.
    """
    order = np.lexsort((lane, root))  # stable: ascending index within cluster and lane
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(root[order]) != 0) | (np.diff(lane[order]) != 0)
    twin = np.empty(len(order), np.int64)
    twin[order] = order[new][np.cumsum(new) - 1]
    keep = twin == np.arange(len(order))
    twin[keep] = -1
    return keep, twin


def told(exact: bool, similarity: float, other: str | None = None) -> str:
    """Return the evidence for a duplicate.

    other: the record that it was measured against, where that is not its twin. The kept twin may be
           like a record only through others of its cluster.
    """
    if exact:
        return "the same text" + (f" as {other}" if other is not None else "")
    return f"Jaccard {similarity:.3f}" + (f" to {other}" if other is not None else "")

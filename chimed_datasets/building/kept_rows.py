"""ledger/kept.parquet: a row for every record that is in a config, some at a time.

All rows at once would be most of what a large build holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ..stages.near.chosen import Alike
from ..stages.near.containment import Pairs
from ..stages.split import SPLITS
from .decide.keep import Decision
from .dropped import GROUP_ROWS
from .store import Store, names_of

_NAMES = ("id", "source", "key")


class _Column(NamedTuple):
    """What few records have. records: int64, ascending. values: one of each."""

    name: str
    records: np.ndarray
    values: pa.Array

    def of(self, some: np.ndarray) -> pa.Array:
        """Return the values of ``some`` records, null where there is none."""
        place = np.searchsorted(self.records, some)
        place[place == len(self.records)] = 0
        has = self.records[place] == some if len(self.records) else np.zeros(len(some), bool)
        return self.values.take(pa.array(place, mask=~has))


def kept_rows(
    store: Store, decision: Decision, rows: Mapping[str, np.ndarray], in_some: np.ndarray
) -> Iterator[pa.Table]:
    """Yield the rows in tables of :data:`.dropped.GROUP_ROWS`; one at least.

    Behind `group` and `split` each config has a column: its rows of the record (int32). Then stand,
    where they are searched for, `near`, `reason`, `contradicts`, `inside` and `share`.

    rows:    by config, how many rows every record gave it (int32[n]).
    in_some: bool[n], who gave any.
    """
    index = np.flatnonzero(in_some)
    more: list[_Column] = []
    if decision.alike is not None:
        more += _of_alike(store, decision.alike, in_some)
    if (inside := decision.inside) is not None:
        more += _of_inside(store, inside.every or inside.apart, in_some)
    for start in range(0, max(len(index), 1), GROUP_ROWS):
        some = index[start : start + GROUP_ROWS]
        names = names_of(store, some, _NAMES)
        columns = {
            "group": _ids(store, decision.group[some]),
            "split": pa.array(SPLITS).take(pa.array(decision.split[some])),
            **{config: pa.array(counts[some]) for config, counts in rows.items()},
            **{column.name: column.of(some) for column in more},
        }
        for name, column in columns.items():
            names = names.append_column(name, column)
        yield names
        del names, columns, column  # before the next ones are made


def _ids(store: Store, records: np.ndarray) -> pa.Array:
    """Return the ids of records in any order."""
    every, back = np.unique(records, return_inverse=True)
    return names_of(store, every, ["id"])["id"].combine_chunks().take(pa.array(back))


def _of_alike(store: Store, alike: Sequence[Alike], in_some: np.ndarray) -> Iterator[_Column]:
    """Yield what each kept record differs in from the kept one that it is near: `near` (its id),
    `reason`, and on both of a pair that contradict each other `contradicts` (the other's id)."""
    near: dict[int, int] = {}
    reason: dict[int, str] = {}
    contradicts: dict[int, int] = {}
    for one in alike:
        if not (in_some[one.index] and in_some[one.other]):
            continue
        near[one.index], reason[one.index] = one.other, f"kept: {one.reason}"
        if one.contradicts:
            contradicts[one.index] = one.other
            contradicts.setdefault(one.other, one.index)
    at = np.array(sorted(near), np.int64)
    both = np.array(sorted(contradicts), np.int64)
    yield _Column("near", at, _ids(store, _looked_up(near, at)))
    yield _Column("reason", at, pa.array([reason[i] for i in at.tolist()], pa.string()))
    yield _Column("contradicts", both, _ids(store, _looked_up(contradicts, both)))


def _looked_up(other: Mapping[int, int], records: np.ndarray) -> np.ndarray:
    return np.array([other[i] for i in records.tolist()], np.int64)


def _of_inside(store: Store, inside: Pairs, in_some: np.ndarray) -> Iterable[_Column]:
    """Return the record that each kept record mostly stands inside: `inside` (its id), and `share`,
    of its n-grams those that stand there. Of several it is the one with the largest share."""
    inside = inside.among(in_some)
    text, first = np.unique(inside.text, return_index=True)
    share = pa.array(inside.share[first].astype(np.float32))
    names = _ids(store, inside.holder[first])
    return _Column("inside", text, names), _Column("share", text, share)

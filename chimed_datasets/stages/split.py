"""Split: every record goes to train, validation or test, and its like go with it.

A group is a near-duplicate cluster together with all records that ask the same question, and with
all entries of several sources on one subject; it is never in two splits. With ``hold_out`` whole
works are in one split, and what is near to them. Groups whose splits would give each other away,
since a record of one stands mostly inside one of the other, go to train.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..lang import _
from .near.components import join
from .text.grams import mix

SPLITS = ("train", "validation", "test")
_TRAIN, _VALIDATION, _TEST = range(3)
_LAST = np.iinfo(np.uint64).max
FEW = 8
"""What stands inside records of more groups than this is a phrase that anybody writes."""


@dataclass(frozen=True)
class Split:
    """``validation`` and ``test`` are the shares of groups that go there; the rest is train.

    A group's split follows from its smallest record id and the seed alone, so that a record
    stays where it is when other sources come or go. The exception is a small set: each lane
    (documents, conversations) has something in every split as soon as it has three groups, and
    what stands in for a split left empty is the group that came closest to it.

    Another exception is a record of validation or test that stands mostly inside a record of
    another split, such as a section that a book quotes, or that holds one. The groups that such
    records join go to train, all of them. If nothing is left in a split of a lane, groups stand in
    that are joined to none of train, in the order of their draws, each with what it is joined to.
    Where all are joined the split stays empty.

    ``hold_out`` keeps whole works together. "books": all documents with one ``book`` in their
    metadata; "titles": all documents with one title, such as the entries on one disease in several
    encyclopedias. A work's split follows from its name and the seed. A document of another work
    that is in a group with one that is held out is held out as well; so is a record that stands
    mostly inside one that is held out, or that holds one. A passage of a held-out work that stands
    inside documents of more than 8 groups is a phrase, and holds out none of them.
    """

    name: ClassVar[str] = "split"

    validation: Annotated[float, Field(ge=0, lt=1)] = 0.02
    test: Annotated[float, Field(ge=0, lt=1)] = 0.02
    hold_out: Literal["books", "titles"] | None = None

    def __post_init__(self) -> None:
        if self.validation + self.test >= 1:
            raise ValueError(_("validation and test together must leave something to train on"))

    def assign(
        self,
        root: np.ndarray,
        prompt: np.ndarray,
        ids: np.ndarray,
        lane: np.ndarray,
        seed: int,
        work: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Give each of n records its group and its split.

        root:   int64[n], cluster of each record (the smallest index in it).
        prompt: uint64[n], hash of the question, or the number of a subject that several sources
                have entries on; 0 where there is none.
        ids:    uint64[n], a number that follows from the record's id.
        lane:   int8[n], records of one lane feed the same configs.
        work:   uint64[n], hash of the work that a record is of, 0 for none; see ``hold_out``.

        Returns int64[n], the smallest index of the record's group, and int8[n], an index into
        :data:`SPLITS`.
        """
        group = _with_same_prompt(root, prompt)
        is_head = _marked(group, len(group))
        member = (np.cumsum(is_head) - 1)[group]
        least = np.full(member.max(initial=-1) + 1, np.iinfo(np.uint64).max, np.uint64)
        np.minimum.at(least, member, ids.astype(np.uint64))
        draw, chosen = self._drawn(least, seed)
        most = np.full(len(draw), -1, np.int8)  # the split furthest from train of a group's works
        if work is not None and work.any():
            names, of = np.unique(work, return_inverse=True)
            drawn, splits = self._drawn(names, seed)
            named = np.flatnonzero(names)
            self._fill(splits, named[np.argsort(drawn[named], kind="stable")])
            np.maximum.at(most, member, np.where(work > 0, splits[of], np.int8(-1)))
        for number in np.unique(lane):
            groups = np.flatnonzero(_marked(member[lane == number], len(draw)))
            if (most[groups] < 0).all():
                self._fill(chosen, groups[np.argsort(draw[groups], kind="stable")])
        return group, np.where(most < 0, chosen, most)[member]

    def settle(
        self,
        group: np.ndarray,
        split: np.ndarray,
        text: np.ndarray,
        holder: np.ndarray,
        work: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return int8[n], the splits without a pair of records that is in two.

        group, split: as :meth:`assign` returns them for n records; work: as it takes it.
        text, holder: int64[p], indices of records that stand mostly inside others, and of these.

        Groups that pairs join and that are in several splits go to train. Those that are held out
        for their works stay; what is joined to them, and would go to train, is held out as well.
        """
        held = np.zeros(len(group), bool)
        if work is not None:
            held[group[(work > 0) & (split != _TRAIN)]] = True
            held = held[group]
            inside = np.unique(np.stack([text, group[holder]]), axis=1)[0]
            times = np.bincount(inside, minlength=len(group))
            right = ~(held[text] & (times[text] > FEW))
            text, holder = text[right], holder[right]
        unit = join(group, text, holder)
        joined = np.zeros(len(group), bool)
        joined[unit[text]] = True
        rows = np.flatnonzero(joined[unit])
        seen = np.zeros((len(SPLITS), len(group)), bool)
        seen[split[rows], unit[rows]] = True
        furthest = np.full(len(group), _TRAIN, np.int8)
        held_rows = rows[held[rows]]
        np.maximum.at(furthest, unit[held_rows], split[held_rows])
        moved = rows[(seen.sum(axis=0) > 1)[unit[rows]] & ~held[rows]]
        out = split.copy()
        out[moved] = furthest[unit[moved]]
        return out

    def emptied(
        self, before: np.ndarray, after: np.ndarray, lane: np.ndarray, work: np.ndarray | None
    ) -> list[int]:
        """Return the lanes without works that have nothing in a split where they had something.

        before, after: int8[n], splits. lane: int8[n], -1 for what does not count."""
        found = []
        for number in np.unique(lane[lane >= 0]).tolist():
            mine = lane == number
            counts = [np.bincount(split[mine], minlength=len(SPLITS)) for split in (before, after)]
            if (counts[1] < np.minimum(counts[0], 1)).any() and (
                work is None or not work[mine].any()
            ):
                found.append(number)
        return found

    def fill_again(
        self,
        unit: np.ndarray,
        split: np.ndarray,
        ids: np.ndarray,
        lane: np.ndarray,
        seed: int,
        closed: np.ndarray,
    ) -> np.ndarray:
        """Return int8[n], splits where units stand in for those that a lane has left empty.

        unit:            int64[n], the smallest index of what belongs in one split.
        ids, lane, seed: as of :meth:`assign`; -1 for records of lanes that lack nothing.
        closed:          bool[n]: records of which it is not known what they are joined to. Their
                         units stay.
        """
        units, member = np.unique(unit, return_inverse=True)
        least = np.full(len(units), _LAST, np.uint64)
        np.minimum.at(least, member, ids.astype(np.uint64))
        draw, __ = self._drawn(least, seed)
        free = np.ones(len(units), bool)
        free[member[closed]] = False
        chosen = split[units]
        for number in np.unique(lane[lane >= 0]):
            mine = np.flatnonzero(_marked(member[lane == number], len(units)))
            self._fill(chosen, mine[np.argsort(draw[mine], kind="stable")], free)
        found: np.ndarray = chosen[member]
        return found

    def _drawn(self, numbers: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float64[n], 0 to 1, and int8[n], the split that it stands for."""
        draw = mix(numbers ^ mix(np.array([seed], np.uint64))) / 2.0**64
        chosen = np.full(len(draw), _TRAIN, np.int8)
        chosen[draw < self.test + self.validation] = _VALIDATION
        chosen[draw < self.test] = _TEST
        return draw, chosen

    def _fill(self, chosen: np.ndarray, groups: np.ndarray, free: np.ndarray | None = None) -> None:
        """Leave no split of a lane empty; its ``groups`` ascend by their draw, test first.

        One group goes to train, the second to test. Later ones are taken from where there are more.
        free: bool, of each that was ``chosen``: may it move? None: all may.
        """
        may = groups if free is None else groups[free[groups]]
        if _TRAIN not in chosen[groups] and len(may):
            chosen[may[-1]] = _TRAIN
        for split, share in ((_TEST, self.test), (_VALIDATION, self.validation)):
            held = np.bincount(chosen[groups], minlength=len(SPLITS))
            spare = may[held[chosen[may]] > 1]
            if share and not held[split] and len(spare):
                above = spare[chosen[spare] == _TRAIN]  # the nearest: train's first, or test's last
                chosen[above[0] if len(above) else spare[-1]] = split


def _marked(places: np.ndarray, n: int) -> np.ndarray:
    """Return bool[n], true at ``places``: to sort many takes ten times as long."""
    marked = np.zeros(n, bool)
    marked[places] = True
    return marked


def _with_same_prompt(root: np.ndarray, prompt: np.ndarray) -> np.ndarray:
    asked = np.flatnonzero(prompt)
    order = asked[np.argsort(prompt[asked], kind="stable")]
    same = np.flatnonzero(prompt[order[1:]] == prompt[order[:-1]])
    return join(root, order[same], order[same + 1])

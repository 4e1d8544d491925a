"""Split: every record goes to train, validation or test, and its like go with it.

A group is a near-duplicate cluster together with all records that ask the same question, and
whatever stands mostly inside one of them; it is never in two splits. With ``hold_out`` whole works
are in one split, and what is near to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from .near.components import join
from .near.containment import Joined
from .text.grams import mix

SPLITS = ("train", "validation", "test")
_TRAIN, _VALIDATION, _TEST = range(3)
_LAST = np.iinfo(np.uint64).max


@dataclass(frozen=True)
class Split:
    """``validation`` and ``test`` are the shares of groups that go there; the rest is train.

    A group's split follows from its smallest record id and the seed alone, so that a record
    stays where it is when other sources come or go. What stands inside another record does not
    count for that id: it goes where the longer one goes, and moves when a longer one comes, and so
    do two long ones when a record comes that stands in both. A record that stands in very many
    others joins none of them: its group goes to train. Another exception is a small set: each lane
    (documents, conversations) has something in every split as soon as it has three groups, and
    what stands in for a split left empty is the group that came closest to it.

    ``hold_out`` keeps whole works together. "books": all documents with one ``book`` in their
    metadata; "titles": all documents with one title, such as the entries on one disease in several
    encyclopedias. A work's split follows from its name and the seed. A document of another work
    that is in a group with one that is held out is held out as well.
    """

    name: ClassVar[str] = "split"

    validation: Annotated[float, Field(ge=0, lt=1)] = 0.02
    test: Annotated[float, Field(ge=0, lt=1)] = 0.02
    hold_out: Literal["books", "titles"] | None = None

    def __post_init__(self) -> None:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together must leave something to train on")

    def assign(
        self,
        root: np.ndarray,
        prompt: np.ndarray,
        ids: np.ndarray,
        lane: np.ndarray,
        seed: int,
        work: np.ndarray | None = None,
        inside: Joined | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Give each of n records its group and its split.

        root:   int64[n], cluster of each record (the smallest index in it).
        prompt: uint64[n], hash of the question; 0 where there is none.
        ids:    uint64[n], a number that follows from the record's id.
        lane:   int8[n], records of one lane feed the same configs.
        work:   uint64[n], hash of the work that a record is of, 0 for none; see ``hold_out``.
        inside: records that stand mostly inside others.

        Returns int64[n], the smallest index of the record's group, and int8[n], an index into
        :data:`SPLITS`.
        """
        group = _with_same_prompt(root, prompt)
        ids = ids.astype(np.uint64)
        if inside is not None:
            group = join(group, inside.text, inside.holder)
            ids[inside.text] = _LAST  # holders are inside no other, or in one that is longer
        _, member = np.unique(group, return_inverse=True)
        least = np.full(member.max(initial=-1) + 1, _LAST, np.uint64)
        np.minimum.at(least, member, ids)
        draw, chosen = self._drawn(least, seed)
        if inside is not None:
            everywhere = member[inside.everywhere]
            draw[everywhere], chosen[everywhere] = 1, _TRAIN
        most = np.full(len(draw), -1, np.int8)  # the split furthest from train of a group's works
        if work is not None and work.any():
            names, of = np.unique(work, return_inverse=True)
            drawn, splits = self._drawn(names, seed)
            named = np.flatnonzero(names)
            self._fill(splits, named[np.argsort(drawn[named], kind="stable")])
            np.maximum.at(most, member, np.where(work > 0, splits[of], np.int8(-1)))
        for number in np.unique(lane):
            groups = np.unique(member[lane == number])
            if (most[groups] < 0).all():
                self._fill(chosen, groups[np.argsort(draw[groups], kind="stable")])
        return group, np.where(most < 0, chosen, most)[member]

    def _drawn(self, numbers: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return float64[n], 0 to 1, and int8[n], the split that it stands for."""
        draw = mix(numbers ^ mix(np.array([seed], np.uint64))) / 2.0**64
        chosen = np.full(len(draw), _TRAIN, np.int8)
        chosen[draw < self.test + self.validation] = _VALIDATION
        chosen[draw < self.test] = _TEST
        return draw, chosen

    def _fill(self, chosen: np.ndarray, groups: np.ndarray) -> None:
        """Leave no split of a lane empty; its ``groups`` ascend by their draw, test first.

        One group goes to train, the second to test. Later ones are taken from where there are more.
        """
        if _TRAIN not in chosen[groups]:
            chosen[groups[-1]] = _TRAIN
        for split, share in ((_TEST, self.test), (_VALIDATION, self.validation)):
            held = np.bincount(chosen[groups], minlength=len(SPLITS))
            spare = groups[held[chosen[groups]] > 1]
            if share and not held[split] and len(spare):
                above = spare[chosen[spare] == _TRAIN]  # the nearest: train's first, or test's last
                chosen[above[0] if len(above) else spare[-1]] = split


def _with_same_prompt(root: np.ndarray, prompt: np.ndarray) -> np.ndarray:
    asked = np.flatnonzero(prompt)
    order = asked[np.argsort(prompt[asked], kind="stable")]
    same = np.flatnonzero(prompt[order[1:]] == prompt[order[:-1]])
    return join(root, order[same], order[same + 1])

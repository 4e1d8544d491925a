"""Marks that say by themselves whether a reply is good or bad.

    adopted       good: the person who asked adopted it
    recommended   good: it carries a recommendation of the page
    not_adopted   bad: it is marked as not adopted, and another answer of the page is adopted
    score_high    good: its score is at least the `high` that the recipe gives for its source
    score_low     bad: its score is at most the `low` that the recipe gives for its source

A place in a ranking compares replies and judges none: the best of bad replies is a bad one. A page
on which no answer is adopted says nothing either, as most askers never come back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pydantic import ConfigDict

from ..lang import _
from .declaration import Row

PageMark = Literal["adopted", "not_adopted", "recommended"]
PAGE_MARKS: tuple[PageMark, ...] = get_args(PageMark)
GOOD = {
    "adopted": True,
    "recommended": True,
    "not_adopted": False,
    "score_high": True,
    "score_low": False,
}
"""The label that each mark gives."""


@dataclass(frozen=True)
class Thresholds:
    """From which score on a reply is good, and up to which one it is bad. What lies between is
    neither.

    high: a reply with this score or a higher one is good. Left out: no score makes one good.
    low:  a reply with this score or a lower one is bad. Left out: no score makes one bad.
    """

    high: float | None = None
    low: float | None = None
    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        given = [one for one in (self.high, self.low) if one is not None]
        if not given:
            raise ValueError(_("give high, low or both"))
        if not all(map(math.isfinite, given)):
            raise ValueError(_("high and low are finite numbers"))
        if self.high is not None and self.low is not None and self.low >= self.high:
            raise ValueError(
                _("low ({low:g}) must be less than high ({high:g})").format(
                    low=self.low, high=self.high
                )
            )


@dataclass(frozen=True)
class Unpaired:
    """Which replies become rows of the config `unpaired`.

    marks:         the marks of pages that are used.
    scores:        thresholds by the name of a source, since each source has a scale of its own.
                   Scores of other sources are not used.
    repeat_paired: whether a reply also becomes a row where its record offers a pair with it.
    """

    marks: tuple[PageMark, ...] = PAGE_MARKS
    scores: Mapping[str, Thresholds] = field(default_factory=dict)
    repeat_paired: bool = False
    __pydantic_config__ = ConfigDict(extra="forbid")


def switched(given: Any) -> Any:
    """Return the settings that ``unpaired: true`` or ``false`` stands for."""
    if given is True:
        return Unpaired()
    return None if given is False else given


def score(reply: Row) -> float | None:
    """Return a reply's score, else the mean of its ratings, else None."""
    if reply["score"] is not None:
        return float(reply["score"])
    known = [one for one in reply.get("ratings") or () if one is not None]
    return math.fsum(known) / len(known) if known else None


def of_reply(place: int, replies: Sequence[Row], source: str, use: Unpaired) -> Iterator[str]:
    """Yield the marks (keys of :data:`GOOD`) of the reply at ``place`` among its rivals."""
    reply = replies[place]
    if reply["adopted"] and "adopted" in use.marks:
        yield "adopted"
    if reply["recommended"] and "recommended" in use.marks:
        yield "recommended"
    chosen = any(rival["adopted"] for rival in replies)
    if reply["adopted"] is False and chosen and "not_adopted" in use.marks:
        yield "not_adopted"
    bounds, value = use.scores.get(source), score(reply)
    if bounds is None or value is None:
        return
    if bounds.high is not None and value >= bounds.high:
        yield "score_high"
    if bounds.low is not None and value <= bounds.low:
        yield "score_low"

"""A thread or dialogue as prompt and replies, and its replies as chosen/rejected pairs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from .declaration import Bounds, Refusal


class Pair(NamedTuple):
    """Two replies (dicts of the ANSWER schema) to one prompt; ``origin`` says who ranked them."""

    chosen: dict
    rejected: dict
    origin: str


def prompt(record: dict) -> list[dict]:
    """Return the messages that a record's replies answer.

    A thread's title and question are one user message; where one holds the other, the longer
    stands for both.
    """
    if "messages" in record:
        return record["messages"]
    title, question = record["title"] or "", record["question"]
    if title in question:
        text = question
    elif question in title:
        text = title
    else:
        text = f"{title}\n{question}"
    return [{"role": "user", "content": text}]


def best_answers(record: dict) -> list[dict]:
    """Return a thread's adopted answers, else the recommended ones, else all."""
    answers = record["answers"]
    adopted = [a for a in answers if a["adopted"]]
    return adopted or [a for a in answers if a["recommended"]] or answers


def pairs(record: dict, take: str, bounds: Bounds | None) -> list[Pair] | Refusal:
    """Return a record's strict pairs, or why there are none.

    A thread needs exactly one adopted among two or more answers, or, where none is adopted,
    recommended ones beside others; ``bounds`` limits the lengths (characters) of both sides.
    A dialogue needs candidates of which one has the better rank or the higher score. ``take``
    is "all", or "best_worst" for one pair of each record.
    """
    if "messages" in record:
        found = list(_ranked_pairs(record["candidates"]))
        if not found:
            return Refusal(*_why_unranked(record["candidates"]))
        return found if take == "all" else [max(found, key=_margin)]
    if len(record["answers"]) < 2:
        return Refusal("one_answer", f"{len(record['answers'])} answer; a pair needs two")
    found = list(_marked_pairs(record["answers"]))
    if not found:
        marked = sum(bool(a["adopted"]) for a in record["answers"])
        return Refusal("not_one_adopted", f"{marked} of {len(record['answers'])} answers adopted")
    if all(p.chosen["text"] == p.rejected["text"] for p in found):
        return Refusal("equal_sides", found[0].chosen["text"])
    found = [p for p in found if p.chosen["text"] != p.rejected["text"]]
    if bounds is not None:
        inside = [p for p in found if _inside(p.chosen, bounds) and _inside(p.rejected, bounds)]
        if not inside:
            sides = (
                f"{len(found[0].chosen['text'])} and {len(found[0].rejected['text'])} characters"
            )
            return Refusal("length_percentile", f"{sides}; kept: {bounds.low:g} to {bounds.high:g}")
        found = inside
    return found if take == "all" else [_draw(found, record["id"])]


def _marked_pairs(answers: list[dict]) -> Iterator[Pair]:
    adopted = [a for a in answers if a["adopted"]]
    if len(adopted) == 1:
        for rival in answers:
            if rival is not adopted[0]:
                yield Pair(adopted[0], rival, "adopted_vs_unadopted")
    elif not adopted:
        for chosen in answers:
            for rival in answers:
                if chosen["recommended"] and not rival["recommended"]:
                    yield Pair(chosen, rival, "recommended_vs_other")


def _ranked_pairs(candidates: list[dict]) -> Iterator[Pair]:
    """A score decides before a rank; equal ones make no pair, nor do equal texts."""
    for number, one in enumerate(candidates):
        for other in candidates[number + 1 :]:
            if one["score"] is not None and other["score"] is not None:
                better, origin = one["score"] - other["score"], "scored"
            elif one["rank"] is not None and other["rank"] is not None:
                better, origin = other["rank"] - one["rank"], "ranked"
            else:
                continue
            if better and one["text"] != other["text"]:
                yield Pair(one, other, origin) if better > 0 else Pair(other, one, origin)


def _why_unranked(candidates: list[dict]) -> tuple[str, str]:
    if len(candidates) < 2:
        return "one_answer", f"{len(candidates)} candidate replies; a pair needs two"
    if len({c["text"] for c in candidates}) == 1:
        return "equal_sides", candidates[0]["text"]
    marks = [c["score"] if c["score"] is not None else c["rank"] for c in candidates]
    return "no_strict_margin", f"scores or ranks {marks}"


def _margin(pair: Pair) -> float:
    if pair.origin == "scored":
        return pair.chosen["score"] - pair.rejected["score"]
    return pair.rejected["rank"] - pair.chosen["rank"]


def _inside(answer: dict, bounds: Bounds) -> bool:
    return bounds.low <= len(answer["text"]) <= bounds.high


def _draw(found: list[Pair], key: str) -> Pair:
    """Take one by a hash of the record's id, so that its place on the page has no say."""
    return found[int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) % len(found)]

"""Classical Chinese into modern Chinese, paragraph by paragraph.

paragraph  characters asked for at once at most; a longer paragraph is cut at a sentence end
longest    the modern text may have at most so many times the characters of the classical one
shortest   and must have at least so many times of them

Yields one document for each document, with the same paragraphs in the same order; ``parent`` in
its metadata is the classical one. A paragraph that could not be had is left out and has a row in
the ledger; ``paragraphs`` in the metadata says which are there ("0-3,5 of 7"). Not accepted: a
paragraph of another length, that repeats itself, speaks of the model, or is still the classical
text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field

from ...records import Document
from ...rows import Refusal
from .. import checks
from ..checks import Complaint
from ..exchange import Failed, Reply
from ..passages import passages
from . import Drop, Job, Outcome, TaskItem

KINDS = ("document",)
MODELS = "one"
UNCHANGED = 0.95
"""Where this share of the classical bigrams is still there and none is new, nothing was done."""
SHORT = 12
"""A paragraph of fewer characters (a heading, a drug and its dose) may stay as it is."""


@dataclass(frozen=True)
class Settings:
    """See the module."""

    paragraph: Annotated[int, Field(ge=50, le=20_000)] = 600
    longest: Annotated[float, Field(gt=1)] = 4.0
    shortest: Annotated[float, Field(gt=0, lt=1)] = 0.6


class Output(BaseModel):
    modern: str


def items(record: dict[str, Any], settings: Settings, models: int) -> Iterator[TaskItem] | Refusal:
    """One item for a document; each paragraph is a part of it."""
    pieces = [
        (number, piece.text)
        for number, line in enumerate(record["text"].split("\n"))
        for piece in passages(line, settings.paragraph)
    ]
    if not pieces:
        return Refusal("short_document", "no text")
    return iter([TaskItem(record, pieces, "", len(pieces))])


async def run(item: TaskItem, job: Job) -> Outcome:
    """Ask for every paragraph and put together what came."""
    settings: Settings = job.settings

    async def one(text: str) -> Reply[Output] | Failed:
        def check(output: Output) -> Complaint | None:
            return _wrong(output.modern.strip(), text, settings)

        try:
            return await job.ask({"title": item.record["title"], "classical": text}, check)
        except Failed as failure:
            return failure

    replies = await asyncio.gather(*(one(text) for _, text in item.data))
    outcome = Outcome()
    sound: list[Reply[Output]] = []
    lines: dict[int, list[str]] = {}
    for number, ((line, _), reply) in enumerate(zip(item.data, replies, strict=True)):
        if isinstance(reply, Failed):
            outcome.drops.append(Drop(str(number), reply.rule, reply.evidence))
            continue
        sound.append(reply)
        lines.setdefault(line, []).append(" ".join(reply.value.modern.split()))
    outcome.done = len(sound)
    if sound:
        there = [n for n, reply in enumerate(replies) if not isinstance(reply, Failed)]
        about = dict(item.record["metadata"]) | job.provenance(item.record, *sound)
        about["paragraphs"] = f"{ranges(there)} of {len(replies)}"
        outcome.records.append(
            Document(
                f"{item.record['id']}/{job.key}",
                "\n".join("".join(parts) for parts in lines.values()),
                title=item.record["title"],
                domain=item.record["domain"],
                origin="llm",
                metadata=about,
            )
        )
    return outcome


def _wrong(modern: str, classical: str, settings: Settings) -> Complaint | None:
    size = len(classical)
    least, most = int(size * settings.shortest), max(int(size * settings.longest), size + 20)
    return checks.first(
        checks.length("modern", modern, max(least, 1), most),
        checks.refuses(modern),
        checks.loops(modern) if checks.repeated(classical) <= checks.REPEATED else None,
        _unchanged(modern, classical),
    )


def _unchanged(modern: str, classical: str) -> Complaint | None:
    old, new = checks.grams(classical), checks.grams(modern)
    if len(classical) < SHORT or not old or not new:
        return None
    kept = len(old & new) / len(old | new)
    if kept < UNCHANGED:
        return None
    return Complaint(
        "unchanged", f"{kept:.2f} is as it was: {modern}", "这仍是原文：译成现代汉语。"
    )


def ranges(numbers: list[int]) -> str:
    """Return [0, 1, 2, 5] as "0-2,5"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)

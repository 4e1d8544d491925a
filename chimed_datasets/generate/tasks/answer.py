"""Candidate answers to a question, from one or several models and temperatures.

samples  answers from each model
shortest characters of an answer at least
longest  characters of an answer at most
keep     true: the record's own answers stand among the candidates

Takes threads, and dialogues (their own replies to the last user message are not shown to the
model). Yields a dialogue: with one answer it ends with that; with several they are its
candidates, each with its model, unranked. Candidates that could not be had have a row each in
the ledger. Not accepted: an answer of another length, that repeats itself, repeats the question,
or speaks of the model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field

from ...records import Answer
from ...rows import Refusal
from ...rows.conversation import prompt
from .. import checks
from ..checks import Complaint
from ..exchange import Failed, Reply
from . import Drop, Job, Outcome, TaskItem
from ._conversation import answer_of, conversation, dialogue

KINDS = ("thread", "dialogue")
MODELS = "several"


@dataclass(frozen=True)
class Settings:
    """See the module."""

    samples: Annotated[int, Field(ge=1, le=64)] = 1
    shortest: Annotated[int, Field(ge=1)] = 10
    longest: Annotated[int, Field(ge=10)] = 2000
    keep: bool = False


class Output(BaseModel):
    answer: str


def items(record: dict[str, Any], settings: Settings, models: int) -> Iterator[TaskItem] | Refusal:
    """One item for a record; each candidate is a part of it."""
    asked = list(prompt(record))
    own = list(record.get("answers") or record.get("candidates") or ())
    if asked[-1]["role"] == "assistant":
        own.append({"text": asked.pop()["content"]})
    if not asked or asked[-1]["role"] != "user":
        return Refusal("no_question", f"{len(asked)} messages, the last is not the user's")
    return iter([TaskItem(record, (asked, own), "", models * settings.samples)])


async def run(item: TaskItem, job: Job) -> Outcome:
    """Ask every model, and keep what came."""
    asked, own = item.data
    settings: Settings = job.settings

    def check(output: Output) -> Complaint | None:
        return _wrong(output.answer.strip(), asked[-1]["content"], settings)

    async def one(number: int) -> Reply[Output] | Failed:
        model, sample = job.models[number // settings.samples], number % settings.samples
        try:
            return await job.ask({"conversation": conversation(asked)}, check, model, sample)
        except Failed as failure:
            return failure

    replies = await asyncio.gather(*map(one, range(item.parts)))
    outcome = Outcome(
        drops=[
            Drop(str(number), failure.rule, failure.evidence)
            for number, failure in enumerate(replies)
            if isinstance(failure, Failed)
        ]
    )
    sound = [reply for reply in replies if not isinstance(reply, Failed)]
    outcome.done = len(sound)
    if not sound:
        return outcome
    candidates = [Answer(r.value.answer.strip(), model=r.model.model) for r in sound]
    if settings.keep:
        candidates = [answer_of(reply) for reply in own] + candidates
    key = f"{item.record['id']}/{job.key}"
    about = job.provenance(item.record, *sound)
    if len(candidates) == 1:
        asked = [*asked, {"role": "assistant", "content": candidates.pop().text}]
    outcome.records.append(dialogue(item.record, key, asked, candidates, "llm", about))
    return outcome


def _wrong(answer: str, question: str, settings: Settings) -> Complaint | None:
    echo = checks.grams(answer) <= checks.grams(question)
    return checks.first(
        checks.length("answer", answer, settings.shortest, settings.longest),
        checks.refuses(answer),
        checks.loops(answer),
        Complaint("echo", answer, "答案只是重复了问题：回答它。") if echo else None,
    )

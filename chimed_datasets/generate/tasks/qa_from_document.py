"""Questions and answers from a document's passages.

passages      characters of a passage at most; a document is cut into such
shortest      a document of fewer characters is not asked about
per_document  passages of one document at most, evenly over it; left out: all
pairs         questions for each passage
question      characters of a question at most
answer        characters of an answer at most
grounding     least share of an answer's character bigrams that its passage must have

Yields a thread with one answer for each pair; ``passage`` in its metadata is where in the
document's text it comes from (first character, and the one after the last). Not accepted: a
question or answer that points at a text which its reader does not have (文中, 参考上文), an
answer that is not in the passage, that repeats itself or the question, or speaks of the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, field_validator

from ...records import Answer, QAThread
from ...rows import Refusal
from .. import checks
from ..checks import Complaint
from ..passages import Passage, passages, spread
from . import Drop, Job, Outcome, TaskItem

KINDS = ("document",)
MODELS = "one"


@dataclass(frozen=True)
class Settings:
    """See the module."""

    passages: Annotated[int, Field(ge=50, le=20_000)] = 800
    shortest: Annotated[int, Field(ge=1)] = 40
    per_document: Annotated[int, Field(ge=1)] | None = None
    pairs: Annotated[int, Field(ge=1, le=10)] = 1
    question: Annotated[int, Field(ge=10, le=1000)] = 180
    answer: Annotated[int, Field(ge=10, le=10_000)] = 1000
    grounding: Annotated[float, Field(ge=0, le=1)] = 0.35


class Pair(BaseModel):
    question: str
    answer: str


class Output(BaseModel):
    """What in the list is no pair is passed over: the others may be sound."""

    pairs: list[Pair]

    @field_validator("pairs", mode="before")
    @classmethod
    def _whole(cls, pairs: Any) -> Any:
        if not isinstance(pairs, list):
            return pairs
        return [
            one for one in pairs if isinstance(one, dict) and {"question", "answer"} <= set(one)
        ]


def items(record: dict[str, Any], settings: Settings, models: int) -> Iterator[TaskItem] | Refusal:
    """One item for each passage; each pair is a part of it."""
    size = len(record["text"].strip())
    if size < settings.shortest:
        return Refusal("short_document", f"{size} characters, at least {settings.shortest}")
    cut = spread(passages(record["text"], settings.passages), settings.per_document)
    return (TaskItem(record, p, f"{p.start}-{p.end}", settings.pairs) for p in cut)


async def run(item: TaskItem, job: Job) -> Outcome:
    """Ask for all pairs of a passage at once and keep the sound ones."""
    passage: Passage = item.data

    def judged(output: Output) -> list[Complaint | None]:
        asked: set[str] = set()
        return [_wrong(p, passage.text, job.settings, asked) for p in output.pairs[: item.parts]]

    def check(output: Output) -> Complaint | None:
        complaints = judged(output)
        if not complaints:
            return Complaint("no_pair", "an empty list", "没有给出问答。")
        return None if None in complaints else complaints[0]

    reply = await job.ask({"title": item.record["title"], "passage": passage.text}, check)
    outcome = Outcome()
    about = job.provenance(item.record, reply) | {"passage": item.name}
    for number, wrong in enumerate(judged(reply.value)):
        if wrong:
            outcome.drops.append(Drop(str(number), wrong.rule, wrong.evidence))
            continue
        pair = reply.value.pairs[number]
        key = f"{item.record['id']}/{job.key}/{item.name}/{number}"
        answer = Answer(pair.answer.strip(), model=reply.model.model)
        outcome.records.append(
            QAThread(
                key,
                pair.question.strip(),
                [answer],
                domain=item.record["domain"],
                origin="llm",
                metadata=about,
            )
        )
    outcome.done = len(outcome.records)
    for number in range(outcome.done + len(outcome.drops), item.parts):
        outcome.drops.append(Drop(str(number), "no_pair", f"{number} pairs of {item.parts}"))
    return outcome


def _wrong(pair: Pair, passage: str, settings: Settings, asked: set[str]) -> Complaint | None:
    question, answer = pair.question.strip(), pair.answer.strip()
    again = question in asked
    asked.add(question)
    return checks.first(
        checks.length("question", question, 4, settings.question),
        checks.length("answer", answer, 2, settings.answer),
        Complaint("repeated_question", question, "每个问题只问一次。") if again else None,
        checks.pointer(question),
        checks.pointer(answer),
        checks.refuses(answer),
        checks.loops(question + answer),
        _echo(question, answer),
        checks.ungrounded(answer, passage, settings.grounding),
    )


def _echo(question: str, answer: str) -> Complaint | None:
    own = checks.grams(answer)
    if not own or not own <= checks.grams(question):
        return None
    return Complaint("echo", f"{question} {answer}", "答案只是重复了问题：回答它。")

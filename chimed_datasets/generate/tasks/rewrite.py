"""Repair a defective answer; leave a sound one as it is.

change   a repaired answer's length may differ by this share of the old one's

Takes the answers of threads, and the last message of dialogues that end with the assistant.
Yields a dialogue of the question and the answer. ``rewritten`` in its metadata is "yes" (origin
llm, ``defects`` says what was wrong) or "no": then the answer is the old one to the letter, and
its origin the parent's. ``answer`` is the answer's place in its thread. Not accepted: a repair
that changes nothing, is too long or too short, repeats itself or speaks of the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from ...rows import Refusal
from ...rows.conversation import prompt
from .. import checks
from ..checks import Complaint
from . import Job, Outcome, TaskItem
from ._conversation import conversation, dialogue

KINDS = ("thread", "dialogue")
MODELS = "one"


@dataclass(frozen=True)
class Settings:
    """See the module."""

    change: Annotated[float, Field(gt=0, le=1)] = 0.3


class Output(BaseModel):
    verdict: Literal["sound", "defective"]
    defects: list[str]
    answer: str


def items(record: dict[str, Any], settings: Settings, models: int) -> Iterator[TaskItem] | Refusal:
    """One item for each answer."""
    asked = list(prompt(record))
    if asked[-1]["role"] == "assistant":
        old = asked.pop()["content"]
        return iter([TaskItem(record, (asked, old))])
    answers = record.get("answers")
    if not answers:
        return Refusal("no_answer", "no answer to repair")
    return (TaskItem(record, (asked, a["text"]), str(n)) for n, a in enumerate(answers))


async def run(item: TaskItem, job: Job) -> Outcome:
    """Ask whether an answer is sound, and for a better one in the same breath."""
    asked, old = item.data

    def check(output: Output) -> Complaint | None:
        if output.verdict == "sound":
            return None
        return _wrong(output.answer.strip(), old.strip(), job.settings)

    data = {"conversation": conversation(asked), "answer": old}
    reply = await job.ask(data, check)
    sound = reply.value.verdict == "sound"
    about = job.provenance(item.record, reply) | {"rewritten": "no" if sound else "yes"}
    if item.name:
        about["answer"] = item.name
    if not sound:
        about["defects"] = "；".join(d.strip() for d in reply.value.defects if d.strip())
    text = old if sound else reply.value.answer.strip()
    key = "/".join(filter(None, (item.record["id"], job.key, item.name)))
    messages = [*asked, {"role": "assistant", "content": text}]
    origin = item.record["origin"] if sound else "llm"
    return Outcome([dialogue(item.record, key, messages, [], origin, about)], 1)


def bounds(size: int, change: float) -> tuple[int, int]:
    """Return the least and most characters of a repair of ``size`` characters."""
    room = int(size * change + 1e-9)  # 0.3 · 10 is 3, whatever floats make of it
    return max(1, size - room), size + room


def _wrong(new: str, old: str, settings: Settings) -> Complaint | None:
    if new == old:
        return Complaint("unchanged", new, "判为有缺陷的答案必须改动；没有缺陷就判 sound。")
    return checks.first(
        checks.length("answer", new, *bounds(len(old), settings.change)),
        checks.refuses(new),
        checks.loops(new),
    )

"""Give a document a headline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from chimed_datasets.generate.tasks import Job, Outcome, TaskItem
from chimed_datasets.records import Document

KINDS = ("document",)
MODELS = "one"


@dataclass(frozen=True)
class Settings:
    """most: characters of a headline."""

    most: int = 20


class Output(BaseModel):
    headline: str


def items(record: dict[str, Any], settings: Settings, models: int) -> Iterator[TaskItem]:
    """One item for a document."""
    yield TaskItem(record, record["text"])


async def run(item: TaskItem, job: Job) -> Outcome:
    """Ask for a headline."""
    reply = await job.ask({"text": item.data}, lambda output: None)
    made = Document(
        f"{item.record['id']}/{job.key}",
        item.data,
        title=reply.value.headline[: job.settings.most],
        origin="llm",
        metadata=job.provenance(item.record, reply),
    )
    return Outcome([made], 1)

"""titles: a config of questions and the titles that people gave them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from datasets import Features, Value

from chimed_datasets.rows import Builder, Refusal, Row


@dataclass(frozen=True)
class Settings:
    """least: characters that a title must have."""

    least: int = 2


def to_row(record: Row, settings: Settings, choice: None = None) -> Iterator[Row | Refusal]:
    """One row for a thread that has a title."""
    title = record["title"] or ""
    if len(title) < settings.least:
        yield Refusal("no_title", title)
        return
    names = ("id", "question", "source", "license")
    yield {**{name: record[name] for name in names}, "title": title}


BUILDER = Builder(
    name="titles",
    about="Questions with their titles.",
    kinds=("thread",),
    features=Features(
        {name: Value("string") for name in ("id", "question", "title", "source", "license")}
    ),
    settings=Settings,
    to_row=to_row,
)

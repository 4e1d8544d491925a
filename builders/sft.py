"""sft: questions and answers, and dialogues, for supervised fine-tuning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from chimed_datasets.lang import N_
from chimed_datasets.rows import Builder, Choice, Refusal, Row, Rows, columns, exams
from chimed_datasets.rows.conversation import (
    FLAGS,
    MESSAGES,
    Reasoning,
    best_answers,
    flagged,
    prompt,
    with_reasoning,
)


@dataclass(frozen=True)
class Settings:
    """``answers``: "best" takes a thread's adopted answers, where there are none the
    recommended ones, where nothing is marked every answer; "all" takes every answer.

    ``reasoning``: "keep" has a reply's trace in ``reasoning_content``, "inline" before it in its
    text, between <think> and </think>; "drop" leaves it out."""

    answers: Literal["best", "all"] = "best"
    reasoning: Reasoning = "keep"


COLUMNS = pa.schema(
    {
        "id": pa.string(),
        "messages": MESSAGES,
        "department": pa.string(),
        "keyphrases": pa.list_(pa.string()),
        "domain": pa.string(),
        "origin": pa.string(),
        "label_origin": pa.struct(
            {name: pa.string() for name in ("department", "keyphrases", "domain")}
        ),
        "source": pa.string(),
        "license": pa.string(),
        "thread_id": pa.string(),
        "reasoning_flags": FLAGS,
    }
)
_SHARED = ("department", "keyphrases", "domain", "origin", "label_origin", "source", "license")
_NEEDS_IMAGE = Refusal("needs_image", "nobody can answer it without its picture")
_NO_REPLY = Refusal("no_reply", "the dialogue ends with a question; see `preference`")


def to_row(
    record: Row, settings: Settings, choice: Choice | None = None
) -> Iterator[Row | Refusal]:
    """One row for a dialogue or an exam item; one for each answer taken of a thread."""
    shared = {name: record[name] for name in _SHARED}
    if "stem" in record:
        yield _exam(record, settings, shared)
        return
    if "messages" in record:
        if record["messages"][-1]["role"] != "assistant":
            yield _NO_REPLY
            return
        yield {"id": record["id"], **_said(record["messages"], settings), **shared,
               "thread_id": record["id"]}  # fmt: skip
        return
    answers = record["answers"] if settings.answers == "all" else best_answers(record)
    for number, answer in enumerate(answers):
        reply = {
            "role": "assistant",
            "content": answer["text"],
            "reasoning_content": answer["reasoning_content"],
        }
        yield {
            "id": record["id"] if len(answers) == 1 else f"{record['id']}-{number}",
            **_said([*prompt(record), reply], settings),
            **shared,
            "thread_id": record["id"],
        }


def _exam(record: Row, settings: Settings, shared: Row) -> Row | Refusal:
    refused = exams.refusal(record)
    if refused or record["has_image"]:
        return refused or _NEEDS_IMAGE
    said = [("user", exams.task(record)), ("assistant", exams.reply(record))]
    messages = [{"role": role, "content": content} for role, content in said]
    return {"id": record["id"], **_said(messages, settings), **shared, "thread_id": record["id"]}


def _said(messages: list[Row], settings: Settings) -> Row:
    """Return the messages, and what the checks of their traces found."""
    how = settings.reasoning
    return {
        "messages": with_reasoning(messages, how),
        "reasoning_flags": flagged(messages, how),
    }


def to_table(batch: pa.RecordBatch, settings: Settings) -> Rows | None:
    """What `to_row` gives, column by column."""
    if "stem" in batch.schema.names:
        return None
    best = settings.answers == "best"
    return columns.conversations(batch, COLUMNS, best=best, no_reply=_NO_REPLY)


BUILDER = Builder(
    name="sft",
    about=N_("Questions with answers and multi-turn dialogues for supervised fine-tuning."),
    kinds=("thread", "dialogue", "exam"),
    features=COLUMNS,
    settings=Settings,
    to_row=to_row,
    to_table=to_table,
)

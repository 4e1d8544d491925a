"""sft: questions and answers, and dialogues, for supervised fine-tuning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
from datasets import Features, List, Value

from chimed_datasets.rows import Builder, Choice, Refusal, Row, Rows, columns
from chimed_datasets.rows.conversation import best_answers, prompt


@dataclass(frozen=True)
class Settings:
    """``answers``: "best" takes a thread's adopted answers, where there are none the
    recommended ones, where nothing is marked every answer; "all" takes every answer."""

    answers: Literal["best", "all"] = "best"


FEATURES = Features(
    {
        "id": Value("string"),
        "messages": List({"role": Value("string"), "content": Value("string")}),
        "department": Value("string"),
        "keyphrases": List(Value("string")),
        "domain": Value("string"),
        "origin": Value("string"),
        "label_origin": {name: Value("string") for name in ("department", "keyphrases", "domain")},
        "source": Value("string"),
        "license": Value("string"),
        "thread_id": Value("string"),
    }
)
_SHARED = ("department", "keyphrases", "domain", "origin", "label_origin", "source", "license")
_NO_REPLY = Refusal("no_reply", "the dialogue ends with a question; see `preference`")


def to_row(
    record: Row, settings: Settings, choice: Choice | None = None
) -> Iterator[Row | Refusal]:
    """One row for a dialogue; one for each answer taken of a thread."""
    shared = {name: record[name] for name in _SHARED}
    if "messages" in record:
        if record["messages"][-1]["role"] != "assistant":
            yield _NO_REPLY
            return
        yield {"id": record["id"], "messages": record["messages"], **shared,
               "thread_id": record["id"]}  # fmt: skip
        return
    answers = record["answers"] if settings.answers == "all" else best_answers(record)
    for number, answer in enumerate(answers):
        yield {
            "id": record["id"] if len(answers) == 1 else f"{record['id']}-{number}",
            "messages": [*prompt(record), {"role": "assistant", "content": answer["text"]}],
            **shared,
            "thread_id": record["id"],
        }


def to_table(batch: pa.RecordBatch, settings: Settings) -> Rows | None:
    """What `to_row` gives, column by column."""
    best = settings.answers == "best"
    return columns.conversations(batch, FEATURES.arrow_schema, best=best, no_reply=_NO_REPLY)


BUILDER = Builder(
    name="sft",
    about="Questions with answers and multi-turn dialogues for supervised fine-tuning.",
    kinds=("thread", "dialogue"),
    features=FEATURES,
    settings=Settings,
    to_row=to_row,
    to_table=to_table,
)

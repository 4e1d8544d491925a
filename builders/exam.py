"""exam: questions with options whose right letters are known, for rewards by a rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import Field

from chimed_datasets.lang import N_
from chimed_datasets.rows import Builder, Choice, Refusal, Row, exams
from chimed_datasets.rows.conversation import MESSAGES


@dataclass(frozen=True)
class Settings:
    """``phrasings``: "many" puts the task in words that are drawn by the record's id and ``seed``,
    "one" in the same words for all items. Both ask for the letters behind 答案： at the end."""

    phrasings: Literal["many", "one"] = "many"
    seed: Annotated[int, Field(ge=0)] = 42


COLUMNS = pa.schema(
    {
        "id": pa.string(),
        "prompt": MESSAGES,
        "answer": pa.string(),
        "answer_type": pa.string(),
        "options": pa.list_(pa.struct({"letter": pa.string(), "text": pa.string()})),
        "explanation": pa.string(),
        "type": pa.string(),
        "subject": pa.string(),
        "year": pa.int32(),
        "has_image": pa.bool_(),
        "department": pa.string(),
        "domain": pa.string(),
        "origin": pa.string(),
        "label_origin": pa.struct({name: pa.string() for name in ("department", "domain")}),
        "source": pa.string(),
        "license": pa.string(),
    }
)
_SAME = (
    "id", "options", "explanation", "type", "subject", "year", "has_image", "department", "domain",
    "origin", "source", "license",
)  # fmt: skip


def to_row(
    record: Row, settings: Settings, choice: Choice | None = None
) -> Iterator[Row | Refusal]:
    """One row for an item."""
    refused = exams.refusal(record)
    if refused:
        yield refused
        return
    one = settings.phrasings == "one"
    asked = exams.task(record, settings.seed, checked=True, one=one)
    origins = record["label_origin"]
    yield {
        **{name: record[name] for name in _SAME},
        "prompt": [{"role": "user", "content": asked, "reasoning_content": None}],
        "answer": "".join(record["answer"]),
        "answer_type": exams.answer_type(record),
        "label_origin": {name: origins[name] for name in ("department", "domain")},
    }


BUILDER = Builder(
    name="exam",
    about=N_(
        "Exam questions with options and their right letters, for rewards that a rule checks."
    ),
    kinds=("exam",),
    features=COLUMNS,
    settings=Settings,
    to_row=to_row,
)

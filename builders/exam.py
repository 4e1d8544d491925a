"""exam: questions with options whose right letters are known, for rewards by a rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from datasets import Features, List, Value
from pydantic import Field

from chimed_datasets.rows import Builder, Choice, Refusal, Row, exams
from chimed_datasets.rows.conversation import MESSAGES


@dataclass(frozen=True)
class Settings:
    """``phrasings``: "many" puts the task in words that are drawn by the record's id and ``seed``,
    "one" in the same words for all items. Both ask for the letters behind 答案： at the end."""

    phrasings: Literal["many", "one"] = "many"
    seed: Annotated[int, Field(ge=0)] = 42


FEATURES = Features(
    {
        "id": Value("string"),
        "prompt": MESSAGES,
        "answer": Value("string"),
        "answer_type": Value("string"),
        "options": List({"letter": Value("string"), "text": Value("string")}),
        "explanation": Value("string"),
        "type": Value("string"),
        "subject": Value("string"),
        "year": Value("int32"),
        "has_image": Value("bool"),
        "department": Value("string"),
        "domain": Value("string"),
        "origin": Value("string"),
        "label_origin": {name: Value("string") for name in ("department", "domain")},
        "source": Value("string"),
        "license": Value("string"),
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
    about="Exam questions with options and their right letters, for rewards that a rule checks.",
    kinds=("exam",),
    features=FEATURES,
    settings=Settings,
    to_row=to_row,
)

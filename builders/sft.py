"""sft: questions and answers, and dialogues, for supervised fine-tuning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Features, List, Value

from chimed_datasets.conversation import best_answers, prompt
from chimed_datasets.declaration import Builder, Refusal, Rows


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


_NO_REPLY = Refusal("no_reply", "the dialogue ends with a question; see `preference`")


def to_row(record: dict, settings: Settings, choice: None = None) -> Iterator[dict | Refusal]:
    """One row for a dialogue; one for each answer taken of a thread."""
    shared = {
        name: record[name]
        for name in (
            "department",
            "keyphrases",
            "domain",
            "origin",
            "label_origin",
            "source",
            "license",
        )
    }
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
    if "messages" in batch.schema.names:
        found = _dialogues(batch)
    else:
        found = _threads(batch, settings)
    if found is None:
        return None
    record, ids, messages, refused = found
    source = batch.take(pa.array(record))
    n = len(record)
    department = pc.fill_null(pc.not_equal(source["department"], ""), False)
    keyphrases = pc.fill_null(pc.greater(pc.list_value_length(source["keyphrases"]), 0), False)
    own, nothing = pa.scalar("source"), pa.scalar(None, pa.string())
    origins = [pc.if_else(has, own, nothing) for has in (department, keyphrases)]
    made = {
        "id": ids,
        "messages": messages,
        "label_origin": pa.StructArray.from_arrays(
            [*origins, pa.array(["stated"] * n, pa.string())],
            ["department", "keyphrases", "domain"],
        ),
        "thread_id": source["id"],
    }
    schema = FEATURES.arrow_schema
    columns = [made[f.name] if f.name in made else source[f.name] for f in schema]
    cast = [column.cast(field.type) for column, field in zip(columns, schema, strict=True)]
    return Rows(pa.Table.from_arrays(cast, schema=schema), record, refused)


_Found = tuple[np.ndarray, pa.Array, pa.Array, list[tuple[int, Refusal]]]
"""The records that rows are from, the rows' ids and messages, and what is refused."""


def _dialogues(batch: pa.RecordBatch) -> _Found | None:
    counts = pc.list_value_length(batch["messages"]).to_numpy(zero_copy_only=False)
    if batch.num_rows == 0 or counts.min() == 0:
        return None
    last = np.cumsum(counts) - 1
    roles = pc.struct_field(batch["messages"].flatten(), "role")
    replied = pc.equal(roles.take(pa.array(last)), "assistant").to_numpy(zero_copy_only=False)
    record = np.flatnonzero(replied)
    messages = batch["messages"].take(pa.array(record))
    refused = [(int(row), _NO_REPLY) for row in np.flatnonzero(~replied)]
    return record, batch["id"].take(pa.array(record)), messages, refused


def _threads(batch: pa.RecordBatch, settings: Settings) -> _Found | None:
    if batch["question"].null_count:
        return None
    counts = pc.list_value_length(batch["answers"]).to_numpy(zero_copy_only=False)
    answers = batch["answers"].flatten()
    row = np.repeat(np.arange(batch.num_rows), counts)
    taken = np.ones(len(row), bool)
    if settings.answers == "best":  # as `best_answers`
        for mark in ("recommended", "adopted"):
            marked = pc.fill_null(pc.struct_field(answers, mark), False)
            marked = marked.to_numpy(zero_copy_only=False)
            taken = np.where(np.bincount(row[marked], minlength=batch.num_rows)[row], marked, taken)
    record = row[taken]
    several = np.bincount(record, minlength=batch.num_rows)[record] > 1
    first = np.searchsorted(record, record)
    ids = batch["id"].take(pa.array(record))
    if several.any():
        number = np.arange(len(record)) - first
        ids = pa.array(
            [
                f"{name}-{k}" if more else name
                for name, k, more in zip(ids.to_pylist(), number, several, strict=True)
            ],
            pa.string(),
        )
    prompts = [
        prompt({"title": title, "question": question})[0]["content"]
        for title, question in zip(
            batch["title"].to_pylist(), batch["question"].to_pylist(), strict=True
        )
    ]
    replies = pc.struct_field(answers, "text").filter(pa.array(taken))
    both = pa.concat_arrays([pa.array(prompts, pa.string()), replies])
    order = np.stack([record, batch.num_rows + np.arange(len(record))], axis=1).ravel()
    roles = pa.array(["user", "assistant"] * len(record), pa.string())
    said = pa.StructArray.from_arrays([roles, both.take(pa.array(order))], ["role", "content"])
    offsets = pa.array(np.arange(0, 2 * len(record) + 1, 2), pa.int32())
    return record, ids, pa.ListArray.from_arrays(offsets, said), []


BUILDER = Builder(
    name="sft",
    about="Questions with answers and multi-turn dialogues for supervised fine-tuning.",
    kinds=("thread", "dialogue"),
    features=FEATURES,
    settings=Settings,
    to_row=to_row,
    to_table=to_table,
)

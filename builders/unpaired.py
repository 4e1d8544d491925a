"""unpaired: single replies with a mark that says good or bad, for KTO."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from chimed_datasets.lang import N_
from chimed_datasets.rows import Builder, Choice, Refusal, Row, pairs, unpaired
from chimed_datasets.rows.conversation import (
    FLAGS,
    MESSAGES,
    asked,
    flagged,
    rivals,
    with_reasoning,
)

Settings = pairs.Settings

COLUMNS = pa.schema(
    {
        "id": pa.string(),
        "prompt": MESSAGES,
        "completion": MESSAGES,
        "label": pa.bool_(),
        "mark": pa.string(),
        "score": pa.float64(),
        "model": pa.string(),
        "department": pa.string(),
        "label_origin": pa.struct({"department": pa.string()}),
        "source": pa.string(),
        "license": pa.string(),
        "thread_id": pa.string(),
        "reasoning_flags": FLAGS,
    }
)


def to_row(
    record: Row, settings: Settings, choice: Choice | None = None
) -> Iterator[Row | Refusal]:
    """One row for each marked reply. Its id ends with the reply's place in the record, where the
    record has several replies."""
    question, how = asked(record), settings.reasoning
    several = len(rivals(record)) > 1
    for reply in unpaired.propose(record, settings):
        if isinstance(reply, Refusal):
            yield reply
            continue
        said = pairs.message(reply.side)
        yield {
            "id": f"{record['id']}-{reply.side.position}" if several else record["id"],
            "prompt": with_reasoning(question, how),
            "completion": with_reasoning([said], how),
            "label": reply.good,
            "mark": reply.mark,
            "score": reply.side.score,
            "model": reply.side.model,
            "department": record["department"],
            "label_origin": {"department": record["label_origin"]["department"]},
            "source": record["source"],
            "license": record["license"],
            "thread_id": record["id"],
            "reasoning_flags": flagged([*question[-1:], said], how),
        }


BUILDER = Builder(
    name="unpaired",
    about=N_("Single replies to a prompt, each with a mark that says good or bad, for KTO."),
    kinds=("thread", "dialogue"),
    features=COLUMNS,
    settings=Settings,
    to_row=to_row,
    sift=unpaired.sift,
    part_of="preference",
)

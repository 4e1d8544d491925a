"""preference: chosen and rejected replies to one prompt, for RLHF."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Features, List, Value
from pydantic import Field

from chimed_datasets.conversation import pairs, prompt
from chimed_datasets.declaration import Bounds, Builder, Refusal

Percent = Annotated[float, Field(ge=0, le=100)]
_MESSAGES = List({"role": Value("string"), "content": Value("string")})


@dataclass(frozen=True)
class Settings:
    """``pairs``: every strict pair of a prompt's replies, or the best against the worst alone.
    ``length_percentiles``: a thread's pair is refused where the length of either side, in
    characters, lies outside these percentiles of all paired answers."""

    pairs: Literal["all", "best_worst"] = "all"
    length_percentiles: tuple[Percent, Percent] = (1, 99)


FEATURES = Features(
    {
        "id": Value("string"),
        "prompt": _MESSAGES,
        "chosen": _MESSAGES,
        "rejected": _MESSAGES,
        "pair_origin": Value("string"),
        "department": Value("string"),
        "scores": {"chosen": Value("float64"), "rejected": Value("float64")},
        "source": Value("string"),
        "license": Value("string"),
        "thread_id": Value("string"),
    }
)


def measure(batch: pa.RecordBatch) -> np.ndarray:
    """Return the lengths (characters, int64) of all answers of threads that can be paired."""
    if "answers" not in batch.schema.names:
        return np.zeros(0, np.int64)
    adopted = pc.list_flatten(batch["answers"]).field("adopted").fill_null(False)
    parents = pc.list_parent_indices(batch["answers"]).to_numpy()
    marks = np.bincount(parents, adopted.to_numpy(zero_copy_only=False), batch.num_rows)
    rivals = np.bincount(parents, minlength=batch.num_rows)
    lengths = pc.utf8_length(pc.list_flatten(batch["answers"]).field("text"))
    paired = (marks == 1) & (rivals >= 2)
    return lengths.to_numpy(zero_copy_only=False)[paired[parents]].astype(np.int64)


def to_row(
    record: dict, settings: Settings, bounds: Bounds | None = None
) -> Iterator[dict | Refusal]:
    """One row for each strict pair: nothing in it tells the sides apart but their text."""
    found = pairs(record, settings.pairs, bounds)
    if isinstance(found, Refusal):
        yield found
        return
    for number, pair in enumerate(found):
        yield {
            "id": record["id"] if len(found) == 1 else f"{record['id']}-{number}",
            "prompt": prompt(record),
            "chosen": [{"role": "assistant", "content": pair.chosen["text"]}],
            "rejected": [{"role": "assistant", "content": pair.rejected["text"]}],
            "pair_origin": pair.origin,
            "department": record["department"],
            "scores": {"chosen": pair.chosen["score"], "rejected": pair.rejected["score"]},
            "source": record["source"],
            "license": record["license"],
            "thread_id": record["id"],
        }


BUILDER = Builder(
    name="preference",
    about="Tuples of a prompt with a chosen and a rejected reply, for RLHF.",
    kinds=("thread", "dialogue"),
    features=FEATURES,
    settings=Settings,
    to_row=to_row,
    measure=measure,
)

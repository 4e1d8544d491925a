"""pretrain: documents for further pre-training."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Features, Json, Value

from chimed_datasets.declaration import Builder, Refusal, Rows


@dataclass(frozen=True)
class Settings:
    """``title_in_text`` puts the title on a line of its own before the text."""

    title_in_text: bool = False


FEATURES = Features(
    {
        "id": Value("string"),
        "text": Value("string"),
        "title": Value("string"),
        "domain": Value("string"),
        "label_origin": {"domain": Value("string")},
        "source": Value("string"),
        "license": Value("string"),
        "num_chars": Value("int64"),
        "metadata": Json(),
    }
)


def to_row(document: dict, settings: Settings, choice: None = None) -> Iterator[dict | Refusal]:
    """One row for every document; ``num_chars`` counts code points of ``text``."""
    title, text = document["title"], document["text"]
    if settings.title_in_text and title and not text.startswith(title):
        text = f"{title}\n{text}"
    yield {
        "id": document["id"],
        "text": text,
        "title": title,
        "domain": document["domain"],
        "label_origin": document["label_origin"],
        "source": document["source"],
        "license": document["license"],
        "num_chars": len(text),
        "metadata": json.dumps(dict(document["metadata"]), ensure_ascii=False),
    }


def to_table(batch: pa.RecordBatch, settings: Settings) -> Rows | None:
    """What `to_row` gives, column by column."""
    if settings.title_in_text:
        return None
    n = batch.num_rows
    about = [json.dumps(dict(pairs), ensure_ascii=False) for pairs in batch["metadata"].to_pylist()]
    made = {
        "label_origin": pa.StructArray.from_arrays([pa.array(["stated"] * n)], ["domain"]),
        "num_chars": pc.utf8_length(batch["text"]).cast(pa.int64()),
        "metadata": pa.array(about, pa.string()),
    }
    schema = FEATURES.arrow_schema
    columns = [made.get(field.name) for field in schema]
    columns = [batch[f.name] if c is None else c for f, c in zip(schema, columns, strict=True)]
    cast = [column.cast(field.type) for column, field in zip(columns, schema, strict=True)]
    return Rows(pa.Table.from_arrays(cast, schema=schema), np.arange(n), [])


BUILDER = Builder(
    name="pretrain",
    about="Documents for further pre-training.",
    kinds=("document",),
    features=FEATURES,
    settings=Settings,
    to_row=to_row,
    to_table=to_table,
)

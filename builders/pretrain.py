"""pretrain: documents for further pre-training."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from chimed_datasets.lang import N_
from chimed_datasets.rows import Builder, Choice, Refusal, Row, Rows, columns


@dataclass(frozen=True)
class Settings:
    """
    title_in_text: whether the title stands on a line of its own before the text, where the text
                   does not begin with it. "classics" puts it before texts of the domain tcm
                   alone: a section of a classic seldom names the drug or formula it is on.
    """

    title_in_text: bool | Literal["classics"] = "classics"


COLUMNS = pa.schema(
    {
        "id": pa.string(),
        "text": pa.string(),
        "title": pa.string(),
        "domain": pa.string(),
        "label_origin": pa.struct({"domain": pa.string()}),
        "source": pa.string(),
        "license": pa.string(),
        "num_chars": pa.int64(),
        "metadata": pa.string(),
    }
)


def to_row(
    document: Row, settings: Settings, choice: Choice | None = None
) -> Iterator[Row | Refusal]:
    """One row for every document.

    ``num_chars`` counts code points of ``text``. ``metadata`` is a JSON object as text, ``"{}"``
    where there is none, so that ``json.loads`` reads every row.
    """
    title, text = document["title"], document["text"]
    if _titled(document, settings) and title and not text.startswith(title):
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


def _titled(document: Row, settings: Settings) -> bool:
    """Whether the title of a document belongs into its text."""
    if settings.title_in_text == "classics":
        return bool(document["domain"] == "tcm")
    return settings.title_in_text


def to_table(batch: pa.RecordBatch, settings: Settings) -> Rows | None:
    """What `to_row` gives, column by column."""
    if settings.title_in_text is True:
        return None
    domain = "tcm" if settings.title_in_text else None
    return columns.documents(batch, COLUMNS, titled_domain=domain)


BUILDER = Builder(
    name="pretrain",
    about=N_("Documents for further pre-training."),
    kinds=("document",),
    features=COLUMNS,
    settings=Settings,
    to_row=to_row,
    to_table=to_table,
)

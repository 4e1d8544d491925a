"""The texts of dropped records that a build keeps: the format of ``ledger/texts.parquet``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

NAME = "texts"
FILE = f"ledger/{NAME}.parquet"
SAMPLE = 50
"""Records of a rule and source of which the text is kept, unless the recipe asks for others."""
KEPT_CHARS = 20_000
"""Characters of a text that are kept of a sample; a longer one ends with "…"."""
_TEXTS = pa.list_(pa.struct([("place", pa.string()), ("text", pa.string())]))
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("key", pa.string()),
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("kind", pa.string()),
        ("texts", _TEXTS),
        ("before", pa.list_(pa.struct([("stage", pa.string()), ("texts", _TEXTS)]))),
    ]
)
"""texts:  the record as it was when it was dropped. Of a row that is none (``kind`` is null) what
        was read, under the place "read".
before: how it was before each stage that changed it, the first as it was read; null where that is
        not known: a record that is dropped beside all others is kept as it then is.
"""


def kept(folder: Path, ids: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Return the kept texts of a build in ``folder``, of these ``ids`` alone where they are given.

    ``texts`` and those of ``before`` are lists of (place, text). A build of an older version, and
    one that was handed on without the file, has none.
    """
    path = folder / FILE
    if not path.is_file() or (ids is not None and not ids):
        return []
    filters = None if ids is None else [("id", "in", sorted(ids))]
    rows: list[dict[str, Any]] = pq.read_table(path, filters=filters).to_pylist()
    for row in rows:
        row["texts"] = _pairs(row["texts"])
        for state in row["before"] or ():
            state["texts"] = _pairs(state["texts"])
    return rows


def _pairs(texts: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(one["place"], one["text"]) for one in texts]


def states(row: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]], list[tuple[str, str]]]]:
    """Return (stage, texts before it, texts behind it) for each stage that changed a record.

    row: of :func:`kept`.
    """
    before = row["before"] or []
    after = [*(state["texts"] for state in before[1:]), row["texts"]]
    return [
        (state["stage"], state["texts"], then) for state, then in zip(before, after, strict=False)
    ]


_SAYS = (
    "title", "text", "question", "answer", "reply", "system", "user", "assistant", "shared", "stem",
    "option", "explanation",
)  # fmt: skip


def says(place: str) -> bool:
    """Whether a record says what stands there: not what is about it, nor what was thought."""
    return place.partition(" ")[0] in _SAYS and not place.endswith("reasoning")


def body(kind: str | None, texts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what a record says, as the rows of a config would. The title of a document is a column
    of its own."""
    return [
        (place, text)
        for place, text in texts
        if says(place) and not (kind == "document" and place == "title")
    ]


def ids(folder: Path) -> pa.Array:
    """Return the ids of the dropped records of which a build in ``folder`` keeps the text."""
    path = folder / FILE
    if not path.is_file():
        return pa.array([], pa.string())
    return pq.read_table(path, columns=["id"])["id"].combine_chunks()


def count(folder: Path) -> int:
    """Return of how many dropped records a build in ``folder`` keeps the text."""
    path = folder / FILE
    return int(pq.read_metadata(path).num_rows) if path.is_file() else 0

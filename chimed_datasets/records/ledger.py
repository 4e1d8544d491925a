"""The ledger: one row for every record that did not reach the output, and why.

Columns: ``id``, ``source``, ``key`` (file and row it came from), ``stage``, ``rule``,
``evidence`` (a short piece of text or a figure), ``twin`` (the record kept instead).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from .batch import Batch

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("key", pa.string()),
        ("stage", pa.string()),
        ("rule", pa.string()),
        ("evidence", pa.string()),
        ("twin", pa.string()),
    ]
)
EVIDENCE_CHARS = 120
EXCERPT_CHARS = 80
READ_CHARS = 2_000
"""Characters that are kept of a row that is no record."""
_DIGITS = r"\d〇零一二三四五六七八九幺"
_PARTED = rf"[{_DIGITS}\s()（）+.·–—－-]*"
_ADDRESS = r"[A-Za-z0-9@._%+/:?&=#~-]+"
_AT_END = re.compile(rf"(?:(?:[{_DIGITS}]{_PARTED}|{_ADDRESS})\Z)+")
_AT_START = re.compile(rf"(?:{_PARTED}[{_DIGITS}]|{_ADDRESS})+")


class Match(NamedTuple):
    """A benchmark item found in a record, and the record's own text there."""

    benchmark: str
    item: str
    record: str
    text: str


class Result(NamedTuple):
    """What a stage returns.

    batch:   the records that go on, same schema as came in.
    drops:   ledger rows (:data:`SCHEMA`) of those that do not.
    counts:  how many texts each named rule changed, for the closing table.
    matches: the benchmark items behind the drops.
    """

    batch: Batch
    drops: pa.RecordBatch
    counts: dict[str, int]
    matches: Sequence[Match] = ()


def rows(
    table: pa.RecordBatch, stage: str, refused: Mapping[int, tuple[str, str]]
) -> pa.RecordBatch:
    """Return ledger rows (:data:`SCHEMA`) for ``refused``: row of ``table`` -> (rule, evidence).

    The evidence is whole: it is masked before it is shortened, see `building.read`.
    """
    index = sorted(refused)
    took = table.select(["id", "source", "key"]).take(pa.array(index, pa.int64()))
    columns = [
        *took.columns,
        pa.array([stage] * len(index), pa.string()),
        pa.array([refused[i][0] for i in index], pa.string()),
        pa.array([refused[i][1] for i in index], pa.string()),
        pa.nulls(len(index), pa.string()),
    ]
    return pa.record_batch(columns, schema=SCHEMA)


def part(
    batch: Batch,
    stage: str,
    refused: Mapping[int, tuple[str, str]],
    counts: dict[str, int] | None = None,
) -> Result:
    """Part a batch: the rows in ``refused`` go to the ledger, the rest go on."""
    drops = rows(batch.table, stage, refused)
    return Result(batch.without(refused) if refused else batch, drops, counts or {})


def shorten(text: str, limit: int = EVIDENCE_CHARS) -> str:
    """Return ``text`` on one line, cut in the middle where it is longer than ``limit``."""
    line = " ".join(text.split())
    half = (limit - 1) // 2
    return line if len(line) <= limit else f"{line[:half]}…{line[-half:]}"


def as_read(value: Any) -> str:
    """Return what was read of a row that is no record, a text or its values, as a text of at most
    :data:`READ_CHARS` characters."""
    if not isinstance(value, str):
        try:
            value = json.dumps(value, ensure_ascii=False, default=str)
        except (TypeError, ValueError):  # keys that JSON has not
            value = str(value)
    return excerpt(value, end=READ_CHARS).encode("utf-8", "replace").decode()


def excerpt(text: str, start: int = 0, end: int = EXCERPT_CHARS) -> str:
    """Return ``text[start:end]`` with "…" where it is cut, less numbers and addresses there.

    Half a telephone number, card or e-mail address would not be known for one, and stay unmasked.
    """
    piece = text[start:end]
    if end < len(text):
        while (rest := _AT_END.sub("", piece)) != piece:
            piece = rest
        piece += "…"
    if start > 0:
        piece = "…" + piece[found.end() if (found := _AT_START.match(piece)) else 0 :]
    return piece

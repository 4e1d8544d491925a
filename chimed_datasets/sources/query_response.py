"""Questions and replies in JSON or JSON Lines: query, response.

Values may be strings, or lists of strings, which are joined by newlines. An object in which all are
lists of one length is a table, and becomes its rows. history, system and
department are read where a row has them, and a reply's reasoning trace in all its spellings.
Yields a dialogue a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ..records import Dialogue, Malformed, Record, excerpt
from .files.opening import FileReport, SourceFile
from .parsing.by_ending import any_parts, any_rows
from .parsing.messages import department, message, prompt
from .parsing.ready import Ready, ready
from .parsing.row import RowError, text_of
from .parsing.tables import Shape
from .parsing.traces import Spelt

SUFFIXES = (".json", ".jsonl", ".ndjson")
PARTS = any_parts
Options = Ready
SHAPE = Shape(("query", "response"), lines=True)


def read(
    files: Sequence[SourceFile], options: Ready, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Dialogue for each row of each file."""
    for file in files:
        rows = any_rows(file, report, options.ident, shape=SHAPE)
        yield from ready(rows, partial(_dialogue, report.traces), options)


def _dialogue(spelt: Spelt, key: str, row: dict[str, Any]) -> Dialogue:
    reply = text_of(row["response"])
    messages = prompt({**row, "query": text_of(row["query"])}, ("query",), spelt)
    if not reply.strip():
        raise RowError("no_answer", excerpt(messages[-1].content))
    said = message("assistant", reply, row, spelt)
    return Dialogue(key, [*messages, said], department=department(row))

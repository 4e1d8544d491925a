"""Questions and replies in JSON or JSON Lines: query, response.

Values may be strings, or lists of strings, which are joined by newlines. history, system and
department are read where a row has them. Yields a dialogue a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..records import Dialogue, Malformed, Message, Record, excerpt
from .files.opening import FileReport, SourceFile
from .parsing.json import json_rows
from .parsing.messages import department, prompt
from .parsing.row import RowError, each, text_of

SUFFIXES = (".json", ".jsonl")


def read(
    files: Sequence[SourceFile], options: Any, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Dialogue for each row of each file."""
    for file in files:
        yield from each(json_rows(file, report), _dialogue)


def _dialogue(key: str, row: dict[str, Any]) -> Dialogue:
    reply = text_of(row["response"])
    messages = prompt({**row, "query": text_of(row["query"])}, names=("query",))
    if not reply.strip():
        raise RowError("no_answer", excerpt(messages[-1].content))
    return Dialogue(key, [*messages, Message("assistant", reply)], department=department(row))

"""Any JSON or JSON Lines, with a mapping of its fields to a document, thread or dialogue.

kind    document (default), thread or dialogue
fields  target: field. Targets of a document: text, title, domain; of a thread: question, answer (a
        text or a list), title, department, keyphrases, domain; of a dialogue: messages,
        department, keyphrases, domain. Any other target is metadata. A field may be a dotted
        path (metadata.book).
id      the field that names a row; else "id", else the row's number
strip   target: [texts to cut from its beginning and end]

A file holds an object a line, a list of objects, or one object. Yields a record a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..records import Columns, Malformed, Record
from .files.opening import FileReport, SourceFile
from .parsing.json import json_blocks, json_rows
from .parsing.mapping import Mapped, columns, records

SUFFIXES = (".jsonl", ".json", ".ndjson")
Options = Mapped


def read(
    files: Sequence[SourceFile], options: Mapped, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a record for each row of each file."""
    for file in files:
        rows = json_rows(file, report, options.id or "id")
        yield from records(rows, options, file.name, report.traces)


def read_columns(
    files: Sequence[SourceFile], options: Mapped, report: FileReport
) -> Iterator[Record | Malformed | Columns]:
    """Yield the same; plain documents and threads as Columns."""
    for file in files:
        blocks = json_blocks(file, report, options.id or "id")
        yield from columns(blocks, options, file.name, report.traces)

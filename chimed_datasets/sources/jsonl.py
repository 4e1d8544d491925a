"""Any JSON or JSON Lines, with a mapping of its fields to a document, thread or dialogue.

rows    the dotted path of the list in which the rows stand ({"data": [...]}: data); left out, the
        file itself is the rows
kind    document (default), thread or dialogue
fields  target: field. Targets of a document: text, title, domain; of a thread: question, answer (a
        text or a list), title, department, keyphrases, domain; of a dialogue: messages,
        department, keyphrases, domain. Any other target is metadata. A field may be a dotted
        path (metadata.book).
id      the field that names a row; else "id", else the row's number
strip   target: [texts to cut from its beginning and end]

A file holds an object a line, a list of objects, or one object; a file of Python dicts is
read, too. A table in one object ({"question": [...], "answer": [...]}) becomes its rows. Any
other list in place of one text is Malformed under "list_for_text"; the paragraphs of a
document are joined. Of a question in several wordings ([[...]]) the first counts; metadata's
other_questions has the others. NULL, nan, None, N/A and other words that programs write for
an empty value are no text and no label. The levels of a department are joined by ">". A
domain may be said in other words (中医, 西医); a row of another domain is Malformed under
"unknown_domain". Any other label that cannot be read is left out. Yields a record a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..records import Columns, Malformed, Record
from .files.opening import FileReport, SourceFile
from .parsing.json import json_blocks, json_rows
from .parsing.mapping import Mapped, columns, records

SUFFIXES = (".jsonl", ".json", ".ndjson")


@dataclass(frozen=True)
class Options(Mapped):
    """The options of a mapping, and where the rows stand."""

    rows: str | None = None


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a record for each row of each file."""
    for file in files:
        rows = json_rows(file, report, options.id or "id", options.shape(), options.rows or "")
        yield from records(rows, options, file.name, report.traces)


def read_columns(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed | Columns]:
    """Yield the same; plain documents and threads as Columns."""
    for file in files:
        blocks = json_blocks(file, report, options.id or "id", options.shape(), options.rows or "")
        yield from columns(blocks, options, file.name, report.traces)

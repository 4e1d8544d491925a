"""Any JSON or JSON Lines, with a mapping to a document, thread, dialogue or exam item.

rows    the dotted path of the list in which the rows stand ({"data": [...]}: data); `*` stands
        for all fields of an object ({"id1": {...}, "id2": {...}}); left out, the file itself is
        the rows
header  names for the items of rows that are lists
kind    document (default), thread, dialogue or exam
fields  target: field. Targets of a document: text, title, domain; of a thread: question, answer (a
        text or a list), adopted, title, department, keyphrases, domain; of a dialogue: messages,
        department, keyphrases, domain. Any other target is metadata. A field may be a path or
        a list of fields: see [columns](#what-a-mapping-can-say).
id      the field that names a row; else "id", else the row's number
strip   target: [texts to cut from its beginning and end]
where   a condition on the fields (score >= 4); rows that do not meet it go to the ledger
each    a field with a list: the row is read once for each item
join    another table of the source: {with: file, on: field, as: name}
group   a field: rows in which it is the same are one thread with their answers

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
from dataclasses import dataclass, field

from ..records import Columns, Malformed, Record
from .files.opening import FileReport, SourceFile
from .parsing.json import json_blocks, json_rows, small_rows
from .parsing.mapped_columns import flat_names
from .parsing.mapping import Mapped, columns, files_records, small_columns
from .parsing.parts import line_parts
from .parsing.row import KeyedRow, named

SUFFIXES = (".jsonl", ".json", ".ndjson")
PARTS = line_parts


@dataclass(frozen=True)
class Options(Mapped):
    """The options of a mapping, and where the rows stand."""

    rows: str | None = None
    header: list[str] = field(default_factory=list)


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a record for each row of each file, or each group of rows."""
    of_list = named(options.header)

    def rows(file: SourceFile) -> Iterator[KeyedRow | Malformed]:
        under = options.rows or ""
        return json_rows(file, report, options.ident, options.shape(), under, of_list)

    yield from files_records(files, rows, options, report)


def read_columns(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed | Columns]:
    """Yield the same; plain documents and threads as Columns."""
    if options.together:
        yield from read(files, options, report)
        return
    of_list, under, chosen = named(options.header), options.rows or "", flat_names(options)
    for file in files:
        shape = options.shape()
        blocks = json_blocks(file, report, options.ident, shape, under, of_list, chosen)
        yield from columns(blocks, options, report.traces)


def read_small(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[tuple[list[SourceFile], Sequence[Record | Malformed | Columns]]]:
    """Yield small files, several at a time, with what they give; see :func:`small_columns`."""
    shape, under = options.shape(), options.rows

    def rows(file: SourceFile) -> list[KeyedRow] | None:
        return None if under else small_rows(file, options.ident, shape)

    return small_columns(files, rows, options, report)

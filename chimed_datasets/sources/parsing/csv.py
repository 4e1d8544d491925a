"""Rows of comma-, tab- and otherwise separated values, tolerant of what real files hold."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from ...records import Malformed
from ..files.decoding import MAX_RECORD_BYTES, lines
from ..files.opening import FileReport, SourceFile
from .row import KeyedRow, Keys

_DELIMITERS = ",\t;|"
MAX_ROW_LINES = 50_000
"""A quoted field over more lines than this is taken for one that is never closed."""


class _Lines:
    """Hands lines to csv.reader and remembers those of the current row, to go back to them."""

    def __init__(self, numbered: Iterator[tuple[int, str | Malformed]]) -> None:
        self.numbered = numbered
        self.again: list[tuple[int, str | Malformed]] = []
        self.row: list[tuple[int, str | Malformed]] = []
        self.size = 0
        self.unclosed = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        try:
            item = self.again.pop() if self.again else next(self.numbered)
        except StopIteration:
            self.unclosed = bool(self.row)
            raise
        line = item[1]
        if isinstance(line, Malformed):
            if self.row:
                self.again.append(item)
            else:
                self.row.append(item)
            raise csv.Error
        self.row.append(item)
        self.size += len(line)
        if self.size > MAX_RECORD_BYTES or len(self.row) > MAX_ROW_LINES:
            raise csv.Error
        return line + "\n"

    def start(self) -> None:
        """Begin a new row."""
        self.row, self.size, self.unclosed = [], 0, False

    def back(self) -> tuple[int, str | Malformed]:
        """Return the first line of the current row; the others will be read again."""
        self.again += reversed(self.row[1:])
        return self.row[0]


def csv_rows(
    file: SourceFile, report: FileReport, ident: str = "id"
) -> Iterator[KeyedRow | Malformed]:
    """Yield (key, row) for a CSV file with a header line; values are strings.

    ``ident`` is the column whose value is the row's own id.

    The delimiter (comma, tab, semicolon or bar) is the one that the header has most of. A row
    with another number of fields than the header is Malformed under "csv_fields", one with a
    quote that is never closed under "csv_quote"; reading goes on at the line after.
    """
    if csv.field_size_limit() < MAX_RECORD_BYTES:
        csv.field_size_limit(MAX_RECORD_BYTES)  # of the process; its default is 128 KiB
    keys = Keys(file.name)
    source = _Lines(lines(file, report))
    reader: Any = None
    header: list[str] = []
    ordinal = 0
    reason = "not closed"
    while True:
        source.start()
        if reader is None:
            reader = csv.reader(source, delimiter=_delimiter(source))
            source.start()
        try:
            fields = next(reader)
            wrong = "csv_quote" if source.unclosed else ""
        except StopIteration:
            return
        except csv.Error as error:
            fields, wrong, reason = [], "csv_quote", str(error) or "not closed"
        if not wrong:
            if not any(fields) or (len(fields) == 1 != len(header) and not fields[0].strip()):
                continue
            if not header:
                header = _header(fields)
                continue
            if len(fields) > len(header) and not any(fields[len(header) :]):
                fields = fields[: len(header)]
            if len(fields) == len(header):
                row = dict(zip(header, fields, strict=True))
                yield keys.key(ordinal, row.get(ident)), row
                ordinal += 1
                continue
            wrong = "csv_fields"
        number, line = source.back()
        if isinstance(line, Malformed):
            wrong, line = line.rule, line.evidence
        fault = f"{len(fields)} fields, the header has {len(header)}" if fields else reason
        yield Malformed(keys.key(ordinal), wrong, f"line {number}: {fault}: {line}")
        ordinal += 1


def _delimiter(source: _Lines) -> str:
    """Return the delimiter that the first line with text has most of; it is read again."""
    first = ""
    for first in source:
        if first.strip():
            break
    source.again += reversed(source.row)
    return max(_DELIMITERS, key=first.count)


def _header(fields: list[str]) -> list[str]:
    """Return the columns' names; one that comes again gets ``~2``."""
    names: list[str] = []
    for name in map(str.strip, fields):
        count = sum(name == other.partition("~")[0] for other in names)
        names.append(f"{name}~{count + 1}" if count else name)
    return names

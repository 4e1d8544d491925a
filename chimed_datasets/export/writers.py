"""Files that lines go to, one after the other: JSON Lines, Parquet, a workbook."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import ExportError, broken_extra
from ..lang import _
from ..rows import Refusal

SHEET_ROWS = 1_048_576
"""Rows of a sheet, the head among them."""
_AT_ONCE = 1000
_NARROW, _WIDE = 10, 60  # of a column, in digits; a Chinese character takes two
_EPOCH = datetime(2000, 1, 1)  # in place of the time of writing, so that the bytes stay the same


class Writer(Protocol):
    """A file that is being written."""

    def write(self, line: dict[str, Any]) -> Refusal | None:
        """Write a line; return why not, where the file has no room for it."""

    def close(self) -> None:
        """Finish the file."""


class JsonLines:
    """A JSON object a line, in UTF-8."""

    def __init__(self, path: Path, schema: pa.Schema | None = None) -> None:
        self._file = path.open("wb")

    def write(self, line: dict[str, Any]) -> Refusal | None:
        self._file.write(orjson.dumps(line) + b"\n")
        return None

    def close(self) -> None:
        self._file.close()


class Parquet:
    """Parquet with zstd. Raises :class:`ExportError` where the format names no columns."""

    def __init__(self, path: Path, schema: pa.Schema | None = None) -> None:
        if schema is None:
            raise ExportError(
                _("{name}: the format has no columns for it in SCHEMAS.").format(name=path.name)
            )
        self._schema = schema
        self._file = pq.ParquetWriter(path, schema, compression="zstd")
        self._lines: list[dict[str, Any]] = []

    def write(self, line: dict[str, Any]) -> Refusal | None:
        self._lines.append(line)
        if len(self._lines) == _AT_ONCE:
            self._flush()
        return None

    def _flush(self) -> None:
        if self._lines:
            self._file.write_table(pa.Table.from_pylist(self._lines, self._schema))
            self._lines = []

    def close(self) -> None:
        self._flush()
        self._file.close()


class Workbook:
    """A workbook with one sheet: a frozen head, wrapped texts, a filter. Every cell is a text.

    The columns are the keys of the first line, as wide as their texts need. Raises
    :class:`ExportError` where xlsxwriter is missing.
    """

    def __init__(self, path: Path, schema: pa.Schema | None = None) -> None:
        try:
            import xlsxwriter
        except ImportError as error:
            raise ExportError(
                _("a workbook: {broken_extra}.").format(broken_extra=broken_extra(error, "xlsx"))
            ) from None
        # Rows go to the disk one by one. No text becomes a formula, a number or a link.
        self._book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
        self._book.set_properties({"created": _EPOCH})
        self._sheet = self._book.add_worksheet(path.stem[:31])
        self._text = self._book.add_format({"text_wrap": True, "valign": "top"})
        self._head: list[str] = []
        self._width: list[int] = []
        self._rows = 1

    def write(self, line: dict[str, Any]) -> Refusal | None:
        if not self._head:
            self._begin(line)
        if self._rows == SHEET_ROWS:
            return Refusal("sheet_full", f"a sheet has {SHEET_ROWS:,} rows")
        for column, name in enumerate(self._head):
            if text := line.get(name):
                self._width[column] = max(self._width[column], 2 + _digits(text))
                self._sheet.write_string(self._rows, column, text, self._text)
        self._rows += 1
        return None

    def _begin(self, line: dict[str, Any]) -> None:
        self._head = list(line)
        self._width = [2 + len(name) for name in self._head]
        self._sheet.freeze_panes(1, 1)
        bold = self._book.add_format({"bold": True, "bottom": 1})
        for column, name in enumerate(self._head):
            self._sheet.write_string(0, column, name, bold)

    def close(self) -> None:
        for column, width in enumerate(self._width):
            self._sheet.set_column(column, column, min(max(width, _NARROW), _WIDE))
        if self._head:
            self._sheet.autofilter(0, 0, self._rows - 1, len(self._head) - 1)
        self._book.close()


def _digits(text: str) -> int:
    """Return how wide the beginning of a text is."""
    return sum(1 if letter < "\u2e80" else 2 for letter in text[:_WIDE])


WRITERS: dict[str, Callable[[Path, pa.Schema | None], Writer]] = {
    "jsonl": JsonLines,
    "parquet": Parquet,
    "xlsx": Workbook,
}

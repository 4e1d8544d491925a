"""Sheets of an XLS workbook (Excel 5.0 to 2003), with what each cell shows."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from ...errors import SourceError, broken_extra
from ...lang import _
from ..files.opening import SourceFile
from .cells import MAX_MERGES, Merge, Row, Sheet
from .numbers import BUILT_IN, shown, shown_text

MAX_BYTES = 64 * 1024 * 1024
"""A sheet has at most 65,536 rows; a file of more bytes than this holds pictures."""
_CHINESE = "gb18030"


class Book:
    """An open workbook. Texts of Excel 5.0 and 95 are bytes in the code page that the file names;
    936, and none, is read as GB18030. Raises SourceError where it cannot be read."""

    kind = "xls"

    def __init__(self, file: SourceFile, stream: BinaryIO) -> None:
        try:
            import xlrd
        except ImportError as error:
            raise SourceError(f"{broken_extra(error, 'office')}.") from None
        self.types = xlrd
        data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise SourceError(
                _("{name}: more than {max_bytes:,} bytes: save it as XLSX.").format(
                    name=file.name, max_bytes=MAX_BYTES
                )
            )
        self.book = self._opened(data, None)
        if self.book.biff_version < 80 and self.book.codepage in (None, 936, 1252, 32769):
            # A Chinese program may say nothing, or that of the West.
            try:
                self.book = self._opened(data, _CHINESE)
            except UnicodeDecodeError:
                if self.book.codepage in (None, 936):
                    raise SourceError(
                        _("{name}: its texts are in no known code page: save it as XLSX.").format(
                            name=file.name
                        )
                    ) from None
        self.since_1904 = bool(self.book.datemode)
        self.sheets = [
            Sheet(sheet.name, bool(sheet.visibility), self._reader(number))
            for number, sheet in enumerate(self._looked())
        ]

    @property
    def encoding(self) -> str:
        """ "xls", and the code page of the texts where they are in one."""
        return "xls" if self.book.biff_version >= 80 else f"xls+{self.book.encoding}"

    def _opened(self, data: bytes, encoding: str | None) -> Any:
        return self.types.open_workbook(
            file_contents=data, logfile=io.StringIO(), formatting_info=True,
            encoding_override=encoding, on_demand=False, ragged_rows=True,
        )  # fmt: skip

    def _looked(self) -> list[Any]:
        return [self.book.sheet_by_index(n) for n in range(self.book.nsheets)]

    def _reader(self, number: int) -> Callable[[Sheet], Iterator[Row]]:
        def rows(sheet: Sheet) -> Iterator[Row]:
            table = self.book.sheet_by_index(number)
            for column, about in table.colinfo_map.items():
                if about.hidden:
                    sheet.hide(column, column)
            merges = table.merged_cells[:MAX_MERGES]
            sheet.merges = [Merge(t + 1, b, left, right - 1) for t, b, left, right in merges]
            for at in range(table.nrows):
                about = table.rowinfo_map.get(at)
                hidden = about is not None and bool(about.hidden)
                cells = {}
                for column in range(table.row_len(at)):
                    if text := self._shown(table.cell(at, column)):
                        cells[column] = text
                yield Row(at + 1, cells, hidden)

        return rows

    def _shown(self, cell: Any) -> str:
        types = self.types
        if cell.ctype in (types.XL_CELL_EMPTY, types.XL_CELL_BLANK, types.XL_CELL_ERROR):
            return ""
        code = self._code(cell.xf_index)
        if cell.ctype == types.XL_CELL_TEXT:
            text = cell.value.replace("\r\n", "\n").replace("\r", "\n")
            return shown_text(text, code)
        if cell.ctype == types.XL_CELL_BOOLEAN:
            return "TRUE" if cell.value else "FALSE"
        return shown(cell.value, code, self.since_1904)

    def _code(self, style: int | None) -> str:
        if style is None or style >= len(self.book.xf_list):
            return "General"
        key = self.book.xf_list[style].format_key
        built_in = BUILT_IN.get(key)
        given = self.book.format_map.get(key)
        if built_in is not None and (given is None or key in (14, 22) or 27 <= key <= 58):
            return built_in
        return given.format_str if given is not None else "General"

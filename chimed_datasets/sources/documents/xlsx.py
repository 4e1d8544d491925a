"""Sheets of an XLSX workbook, row by row, with what each cell shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import lru_cache
from pathlib import PurePosixPath
from typing import BinaryIO

from ...errors import SourceError
from ...lang import _
from .cells import Merge, Row, Sheet, column_of
from .containers import Container
from .markup import Element, child, get, local, stream, tree
from .numbers import BUILT_IN, shown, shown_text

MAX_STRINGS = 8_000_000
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DIGITS = "$0123456789"
_PLACE = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")


class Book:
    """An open workbook. Raises SourceError, ValueError or KeyError where it is damaged."""

    kind = "xlsx"

    def __init__(self, container: Container) -> None:
        self.container = container
        self.home = self._home()
        folder = PurePosixPath(self.home).parent
        root = tree(container.read(self.home))
        named = self._relations(self.home)
        about = child(root, "workbookPr")
        self.since_1904 = about is not None and get(about, "date1904") in ("1", "true")
        self.strings: list[str] = []
        self.codes: dict[str, str] = {}  # the number of a style -> its format
        for kind, target in named.values():
            if kind == "sharedStrings" and container.find(target):
                self.strings = self._strings(target)
            elif kind == "styles" and container.find(target):
                self.codes = {str(n): code for n, code in enumerate(self._formats(target))}
        self.sheets: list[Sheet] = []
        places = child(root, "sheets")
        for number, one in enumerate(places if places is not None else ()):
            if local(one) != "sheet":
                continue
            kind, target = named.get(get(one, "id"), ("", ""))
            if kind and kind != "worksheet":  # a chart, a macro
                continue
            target = target or str(folder / f"worksheets/sheet{number + 1}.xml")
            hidden = get(one, "state") in ("hidden", "veryHidden")
            self.sheets.append(Sheet(get(one, "name"), hidden, self._reader(target)))

    def _home(self) -> str:
        for kind, target in self._relations("").values():
            if kind == "officeDocument":
                return target
        return "xl/workbook.xml"

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Return id -> (kind, part) of what a part refers to."""
        path = PurePosixPath(part)
        place = str(path.parent / "_rels" / f"{path.name}.rels") if part else "_rels/.rels"
        if self.container.find(place) is None:
            return {}
        found: dict[str, tuple[str, str]] = {}
        for one in tree(self.container.read(place)):
            target = get(one, "Target").replace("\\", "/")
            if not target.startswith("/"):
                parts: list[str] = []
                for step in (path.parent / target).parts if part else PurePosixPath(target).parts:
                    if step == ".." and parts:
                        parts.pop()
                    elif step not in (".", ".."):
                        parts.append(step)
                target = "/".join(parts)
            found[get(one, "Id")] = (get(one, "Type").rpartition("/")[2], target.lstrip("/"))
        return found

    def _strings(self, part: str) -> list[str]:
        strings: list[str] = []
        with self.container.open(part) as source:
            for event, __, element in stream(source, ("si",)):
                if event == "end":
                    strings.append(_rich(element))
                    if len(strings) > MAX_STRINGS:
                        raise SourceError(
                            _("{name}: more than {max_strings:,} texts in it.").format(
                                name=self.container.file.name, max_strings=MAX_STRINGS
                            )
                        )
        return strings

    def _formats(self, part: str) -> list[str]:
        """Return the number format of each style of cells."""
        root = tree(self.container.read(part))
        listed = child(root, "numFmts")
        own = {
            get(one, "numFmtId"): get(one, "formatCode")
            for one in (listed if listed is not None else ())
        }
        styles = child(root, "cellXfs")
        formats = []
        for style in styles if styles is not None else ():
            number = get(style, "numFmtId", "0")
            code = own.get(number)
            built_in = BUILT_IN.get(int(number)) if number.isdecimal() else None
            # Number 14 and its like are shown as the system shows a date, whatever is written.
            if built_in is not None and (code is None or int(number) in (14, 22)):
                code = built_in
            formats.append(code or "General")
        return formats

    def _reader(self, part: str) -> Callable[[Sheet], Iterator[Row]]:
        def rows(sheet: Sheet) -> Iterator[Row]:
            merges = self._merges(part)
            sheet.merges = merges
            with self.container.open(part) as source:
                yield from self._rows(source, sheet)

        return rows

    def _merges(self, part: str) -> list[Merge]:
        """Return which cells are merged, which stands behind all rows."""
        with self.container.open(part) as source:
            tail = _behind(source, b"</sheetData>")
        merges = []
        for found in re.finditer(rb'<(?:\w{1,20}:)?mergeCell\s[^>]{0,40}?ref="([^"]{3,40})"', tail):
            first, __, last = found[1].decode("ascii", "replace").partition(":")
            top, bottom = _place(first), _place(last or first)
            if top and bottom and top <= bottom:
                merges.append(Merge(top[0], bottom[0], top[1], bottom[1]))
        return merges

    def _rows(self, source: BinaryIO, sheet: Sheet) -> Iterator[Row]:
        number = 0
        for event, name, element in stream(source, ("row", "col", "sheetFormatPr")):
            if event == "start":
                continue
            if name == "col":
                if get(element, "hidden") in ("1", "true") or get(element, "width") == "0":
                    first, last = get(element, "min"), get(element, "max")
                    if first.isdecimal() and last.isdecimal():
                        sheet.hide(int(first) - 1, int(last) - 1)
                continue
            if name != "row":
                sheet.rows_hidden = get(element, "zeroHeight") in ("1", "true")
                continue
            given = get(element, "r")
            number = int(given) if given.isdecimal() else number + 1
            hidden = get(element, "hidden")
            shut = hidden in ("1", "true") or get(element, "ht") == "0"
            if not hidden and sheet.rows_hidden and not get(element, "ht"):
                shut = True
            cells: dict[int, str] = {}
            column = -1
            for cell in element:
                place = cell.get("r")
                column = _column(place.rstrip(_DIGITS)) if place else column + 1
                if text := self._shown(cell):
                    cells[column] = text
            yield Row(number, cells, shut)

    def _shown(self, cell: Element) -> str:
        kind = cell.get("t", "n")
        code = self.codes.get(cell.get("s"), "General")
        if kind == "inlineStr":
            inner = child(cell, "is")
            return shown_text(_rich(inner), code) if inner is not None else ""
        value = ""
        for one in cell:
            if one.tag.endswith("}v") or one.tag == "v":
                value = one.text or ""
        if not value:
            return ""
        if kind == "s":
            at = int(value) if value.strip().isdecimal() else -1
            text = self.strings[at] if 0 <= at < len(self.strings) else ""
            return shown_text(text, code) if "@" in code else text
        if kind == "str":
            return shown_text(_unescaped(value), code)
        if kind == "b":
            return "TRUE" if value.strip() == "1" else "FALSE"
        if kind == "e":
            return ""  # an error in a formula is no text
        if kind == "d":
            return _of_date(value, code, self.since_1904)
        try:
            return shown(float(value), code, self.since_1904)
        except ValueError:
            return value


def _of_date(value: str, code: str, since_1904: bool) -> str:
    """Return a cell that holds a date in ISO 8601."""
    try:
        moment = datetime.fromisoformat(value.replace("Z", ""))
    except ValueError:
        return value
    days = moment - datetime.combine(date(1904, 1, 1) if since_1904 else date(1899, 12, 30),
                                     datetime.min.time())  # fmt: skip
    code = "yyyy/m/d" if code == "General" else code
    return shown(days.total_seconds() / 86400, code, since_1904)


def _rich(element: Element) -> str:
    """Return a text of several runs; how it is spoken (phonetic guides) is no part of it."""
    parts = []
    for one in element:
        name = local(one)
        if name == "t":
            parts.append(one.text or "")
        elif name == "r":
            parts += [inner.text or "" for inner in one if local(inner) == "t"]
    return _unescaped("".join(parts))


def _unescaped(text: str) -> str:
    if "_x" in text:
        text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


@lru_cache(20_000)
def _column(letters: str) -> int:
    """Return the column of its letters; those past the last one are none that is seen."""
    plain = letters.replace("$", "")
    return column_of(plain) if plain.isascii() and plain.isalpha() and len(plain) < 4 else 1 << 20


def _place(text: str) -> tuple[int, int] | None:
    """Return (row from 1, column from 0) of a place such as B3."""
    found = _PLACE.fullmatch(text)
    return (int(found[2]), column_of(found[1])) if found else None


_MOST_BEHIND = 64 * 1024 * 1024


def _behind(source: BinaryIO, mark: bytes) -> bytes:
    """Return what stands behind the first ``mark`` of a stream, or nothing."""
    before = b""
    while block := source.read(1 << 20):
        data = before + block
        if (at := data.find(mark)) >= 0:
            return data[at:] + source.read(_MOST_BEHIND)
        before = data[-len(mark) :]
    return b""

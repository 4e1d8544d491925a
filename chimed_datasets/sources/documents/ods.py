"""Sheets of an ODS workbook; a cell holds what it shows beside its value."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...lang import _
from .cells import MAX_COLUMNS, MAX_MERGES, Merge, Row, Sheet
from .containers import Container
from .markup import Element, get, local, stream, tree

_CONTENT = "content.xml"
_ROW = "table-row"
_UNSEEN = ("annotation", "shapes")


class _Walk:
    """The way through the one part in which all sheets stand. table: the number of that which was
    begun last, -1 before the first. inside: how many rows stand around, of tables within cells."""

    def __init__(self, container: Container) -> None:
        self.table, self.inside = -1, 0
        self.events = stream(
            container.open(_CONTENT), ("table", "table-column", "table-row"), "table-row"
        )


class Book:
    """An open workbook. Raises SourceError, ValueError or KeyError where it is damaged."""

    kind = "ods"

    def __init__(self, container: Container) -> None:
        self.container = container
        if container.find("META-INF/manifest.xml"):
            manifest = container.read("META-INF/manifest.xml")
            if any(local(one) == "encryption-data" for one in tree(manifest).iter()):
                raise ValueError(_("it needs a password: save it without one"))
        hidden: set[str] = set()
        names: list[tuple[str, str]] = []
        inside = 0
        with container.open(_CONTENT) as source:
            for event, name, element in stream(
                source, ("style", "table", "table-row"), "table-row"
            ):
                if name == "table-row":
                    inside += 1 if event == "start" else -1
                    if not inside:
                        _let_go(element)
                elif event == "end" and name == "style":
                    if get(element, "family") == "table" and any(
                        get(one, "display") == "false" for one in element
                    ):
                        hidden.add(get(element, "name"))
                elif event == "start" and name == "table" and not inside:
                    names.append((get(element, "name"), get(element, "style-name")))
        self.sheets = [
            Sheet(name, style in hidden, self._reader(number))
            for number, (name, style) in enumerate(names)
        ]
        self._walk: _Walk | None = None

    def _reader(self, wanted: int) -> Callable[[Sheet], Iterator[Row]]:
        def rows(sheet: Sheet) -> Iterator[Row]:
            # Sheets are read in their order, and all stand in one part: it is read once.
            if self._walk is None or self._walk.table >= wanted:
                self._walk = _Walk(self.container)
            return self._rows(self._walk, sheet, wanted)

        return rows

    def _rows(self, walk: _Walk, sheet: Sheet, wanted: int) -> Iterator[Row]:
        number, column = 0, 0
        for event, name, element in walk.events:
            if name == "table" and not walk.inside:
                if event == "start":
                    walk.table += 1
                elif walk.table == wanted:
                    return
            elif name == "table-column" and event == "end" and walk.table == wanted:
                count = _count(element, "number-columns-repeated")
                if get(element, "visibility") in ("collapse", "filter"):
                    sheet.hide(column, column + count - 1)
                column += count
            elif name == "table-row":
                walk.inside += 1 if event == "start" else -1
                if event == "start" or walk.inside:
                    continue
                if walk.table == wanted:
                    count = _count(element, "number-rows-repeated")
                    cells = self._cells(element, sheet, number + 1)
                    hidden = get(element, "visibility") in ("collapse", "filter")
                    for more in range(count if cells else 0):
                        self.container.grown(3 * sum(map(len, cells.values())) + 8)
                        yield Row(number + 1 + more, cells, hidden)
                    number += count
                _let_go(element)

    def _cells(self, row: Element, sheet: Sheet, number: int) -> dict[int, str]:
        cells: dict[int, str] = {}
        column = 0
        for cell in row:
            name = local(cell)
            if name not in ("table-cell", "covered-table-cell"):
                continue
            count = _count(cell, "number-columns-repeated")
            down, right = (
                _count(cell, "number-rows-spanned"),
                _count(cell, "number-columns-spanned"),
            )
            if name == "table-cell":
                if (down > 1 or right > 1) and len(sheet.merges) < MAX_MERGES:
                    end = min(column + right, MAX_COLUMNS) - 1
                    sheet.merges.append(Merge(number, number + down - 1, column, end))
                if text := _shown(cell):
                    for at in range(column, min(column + count, MAX_COLUMNS)):
                        self.container.grown(3 * len(text) + 8)
                        cells[at] = text
            column += count
            if column > MAX_COLUMNS:
                break
        return cells


def _let_go(row: Element) -> None:
    """Let go of a row and of those before it."""
    row.clear()
    parent = row.getparent()
    while parent is not None and row.getprevious() is not None:
        del parent[0]


def _count(element: Element, name: str) -> int:
    given = get(element, name, "1")
    return max(int(given), 1) if given.isdecimal() and len(given) < 10 else 1


def _shown(cell: Element) -> str:
    """Return the paragraphs that a cell shows; what is noted on it is no part of it."""
    lines = [_line(one) for one in cell if local(one) in ("p", "h")]
    return "\n".join(lines).strip("\n")


def _line(paragraph: Element) -> str:
    parts = [paragraph.text or ""]
    for one in paragraph:
        name = local(one)
        if name == "s":
            given = get(one, "c", "1")
            parts.append(" " * min(int(given) if given.isdecimal() else 1, 1000))
        elif name == "tab":
            parts.append("\t")
        elif name == "line-break":
            parts.append("\n")
        elif name == "ruby":
            parts += [_line(base) for base in one if local(base) == "ruby-base"]
        elif name not in _UNSEEN:
            parts.append(_line(one))
        parts.append(one.tail or "")
    return "".join(parts)

"""Rows of the sheets of a workbook, as a person sees them; and of a table of either kind.

A sheet is read as a CSV is: a row names the columns, the rows below are texts under these names.
What a person does not see is left out, and each such row, column and sheet is told of in the
ledger. A cell that goes over several rows is in all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import NamedTuple

from ...errors import SourceError, did_you_mean
from ...lang import _
from ...records import Malformed, excerpt
from ..documents.cells import MAX_COLUMNS, Merge, Row, Sheet, letters_of
from ..documents.containers import OFFICE
from ..documents.workbooks import SUFFIXES as WORKBOOKS
from ..documents.workbooks import Workbook, opened
from ..files.decoding import MAX_RECORD_BYTES
from ..files.opening import FileReport, NotTaken, SourceFile, check_growth, wanted
from .csv import Needed, _name, _told_apart, csv_rows
from .row import KeyedRow, Keys

SheetName = str | int | None
"""Which sheet is read: its name, or its number from 1 among those that are seen; None for every
one that has the columns."""

UNSEEN = ("title_row", "hidden_row", "hidden_column", "hidden_sheet", "other_sheet")
"""The rules that tell of what is no row of the table."""
_LOOKED_AT = 20
"""The names of the columns stand in one of so many rows."""
_MOST_HEADER_ROWS = 4
_TITLE_SHARE = 0.6
"""A row before the names of the columns fills less than this share of the columns."""


def table_rows(
    file: SourceFile,
    report: FileReport,
    ident: str = "id",
    needed: Needed | None = None,
    header: Sequence[str] = (),
    sheet: SheetName = None,
) -> Iterator[KeyedRow | Malformed]:
    """Yield (key, row) for a CSV file or for the sheets of a workbook, whatever its name says.

    See :func:`.csv.csv_rows` for what both take. Raises :class:`SourceError` as that does, and
    where the workbook has no sheet of that name.
    """
    if file.takes is None and not wanted(file.name, WORKBOOKS):
        yield from csv_rows(file, report, ident, needed, header)
        return
    try:
        if not wanted(file.name, WORKBOOKS):
            yield from csv_rows(as_text(file), report, ident, needed, header)
            return
    except NotTaken as found:  # before the first row
        if found.look.kind not in OFFICE:
            raise
    yield from _Table(file, report, ident, needed, header).rows(sheet)


def as_text(file: SourceFile) -> SourceFile:
    """Return a file that is read as text alone: what office programs write is refused."""
    if file.takes is None:
        return file
    return replace(file, takes=tuple(kind for kind in file.takes if kind not in OFFICE))


class _Filled(NamedTuple):
    """A row with the cells that a person sees.

    own:   how many of them are not filled from above or from the left.
    spans: the columns, both ends within, of cells that go over several.
    shut:  hidden columns in which it has something.
    """

    number: int
    cells: dict[int, str]
    hidden: bool
    own: int
    spans: tuple[tuple[int, int], ...]
    shut: tuple[int, ...]


class _Table:
    """The rows of a workbook with their keys."""

    def __init__(
        self,
        file: SourceFile,
        report: FileReport,
        ident: str,
        needed: Needed | None,
        header: Sequence[str],
    ) -> None:
        self.file = replace(file, takes=OFFICE)
        self.report, self.ident, self.needed, self.given = report, ident, needed, header
        self.keys = Keys(file.name)
        self.ordinal = 0
        self.out = 0
        self.columns: Collection[str] = ()  # those that a further sheet must have
        self.passed: dict[str, str] = {}  # sheets that are not read, and what they hold

    def rows(self, sheet: SheetName) -> Iterator[KeyedRow | Malformed]:
        with opened(self.file) as book:
            self.report.note(self.file.name, book.encoding)
            if sheet is not None:
                yield from self._of_sheet(self._named(book, sheet), sure=True)
                return
            seen = [one for one in book.sheets if not one.hidden]
            for one in seen:
                yield from self._of_sheet(one, sure=False)
            if self.columns or self.given:
                for evidence in self.passed.values():
                    yield Malformed(self._key(), "other_sheet", evidence)
            elif seen:  # its rows say what is missing
                first = next((one for one in seen if one.name in self.passed), seen[0])
                yield from self._of_sheet(first, sure=True)
            for one in book.sheets:
                if one.hidden:
                    yield Malformed(
                        self._key(), "hidden_sheet", f"sheet {one.name!r} is hidden; {_AS_KEY}"
                    )

    def _named(self, book: Workbook, sheet: str | int) -> Sheet:
        text = str(sheet).strip()
        for one in book.sheets:
            if one.name.strip() == text:
                return one
        seen = [one for one in book.sheets if not one.hidden]
        if text.isdecimal() and 0 < int(text) <= len(seen):
            return seen[int(text) - 1]
        known = did_you_mean(text, [one.name for one in book.sheets])
        raise SourceError(
            _("{name}: it has no sheet {sheet!r}.{known}").format(
                name=self.file.name, sheet=sheet, known=known
            )
        )

    def _key(self, native: str | None = None) -> str:
        self.ordinal += 1
        return self.keys.key(self.ordinal - 1, native)

    # --- one sheet

    def _of_sheet(self, sheet: Sheet, *, sure: bool) -> Iterator[KeyedRow | Malformed]:
        """Yield the rows of a sheet. sure: whether it is read whatever its columns are."""
        rows = self._filled(sheet)
        first = list(islice(rows, _LOOKED_AT))
        start, depth = (0, 0) if self.given else _header(first, self._wanted())
        names = self._names(first[start : start + depth], sheet)
        if not first or not names:
            return
        if not sure and not self._fits(list(names.values())):
            told = excerpt(", ".join(filter(None, names.values())))
            self.passed[sheet.name] = f"sheet {sheet.name!r} has the columns {told}; {_AS_KEY}"
            return
        where = f"sheet {sheet.name!r}"
        for row in first[:start]:
            if row.cells:
                told = excerpt(" ".join(dict.fromkeys(row.cells.values())))
                yield Malformed(self._key(), "title_row", f"{where}, row {row.number}: {told}")
        if shut := {at for row in first for at in row.shut}:
            told = excerpt(", ".join(map(letters_of, sorted(shut))))
            yield Malformed(self._key(), "hidden_column", f"{where}: hidden are the columns {told}")
        for row in chain(first[start + depth :], rows):
            yield from self._row(row, names, where)

    def _row(
        self, row: _Filled, names: Mapping[int, str], where: str
    ) -> Iterator[KeyedRow | Malformed]:
        if not row.own:
            return
        if row.hidden:
            told = excerpt(" ".join(row.cells.values()))
            yield Malformed(
                self._key(), "hidden_row", f"{where}, row {row.number} is hidden: {told}"
            )
            return
        if len(names) > 1 and row.spans and row.own == 1 and len(row.cells) >= len(names):
            told = excerpt(next(iter(row.cells.values())))
            yield Malformed(self._key(), "title_row", f"{where}, row {row.number}: {told}")
            return
        if not self.given and all(names.get(at) == _title(text) for at, text in row.cells.items()):
            return  # the names come again
        size = sum(map(len, row.cells.values()))
        self.out += 3 * size + 8 * len(row.cells)
        check_growth(self.file.name, self.file.size, self.out)
        if size * 3 > MAX_RECORD_BYTES:
            yield Malformed(
                self._key(), "too_long", f"{where}, row {row.number}: {size:,} characters"
            )
            return
        values = {name: row.cells.get(at, "") for at, name in names.items()}
        for at, text in row.cells.items():
            if at not in names:  # a note beside the table
                values.setdefault(letters_of(at), text)
        yield self._key(values.get(self.ident)), values

    def _wanted(self) -> Collection[str]:
        """Return the columns that a row must name to be the header, where that is known."""
        if self.columns:
            return self.columns
        if self.needed is None:
            return ()
        try:
            return self.needed([])
        except (KeyError, ValueError, LookupError):
            return ()

    def _fits(self, names: Sequence[str]) -> bool:
        """Whether a sheet has the columns that are read; the first that has sets them."""
        if self.given:
            return True
        if self.columns:
            return set(self.columns) <= set(names)
        if len(names) < 2 and not self._wanted():
            return False  # a note, where nothing is known of the columns
        asked = list(self.needed(names)) if self.needed else list(names)
        plain = [name for name in asked if "." not in name]
        if not set(plain) <= set(names) or (self.needed and not asked):
            return False
        self.columns = tuple(filter(None, plain)) or tuple(filter(None, names))
        return True

    def _names(self, rows: Sequence[_Filled], sheet: Sheet) -> dict[int, str]:
        """Return column -> name; of a header of several rows the names stand one below another."""
        if self.given:
            seen = (at for at in range(MAX_COLUMNS + 1) if at not in sheet.hidden_columns)
            return dict(zip(seen, self.given, strict=False))
        titles: dict[int, list[str]] = {}
        for row in rows:
            for at, text in row.cells.items():
                if (name := _title(text)) and name not in titles.setdefault(at, []):
                    titles[at].append(name)
        places = sorted(titles)
        told = _told_apart(["/".join(titles[at]) for at in places])
        return dict(zip(places, told, strict=True))

    # --- what is merged, what is hidden

    def _filled(self, sheet: Sheet) -> Iterator[_Filled]:
        """Yield the rows of a sheet with merged cells filled, hidden columns left out."""
        above: dict[int, tuple[int, str]] = {}  # column -> last row that its merged cell covers
        begins: dict[int, list[Merge]] | None = None
        told = 0
        for row in sheet.rows():
            if begins is None or len(sheet.merges) > told:  # a reader may find them on the way
                begins = begins or {}
                for merge in sheet.merges[told:]:
                    begins.setdefault(merge.top, []).append(merge)
                told = len(sheet.merges)
            spans, cells, own = self._merged(row, begins.pop(row.number, ()), above)
            shut: tuple[int, ...] = ()
            if sheet.hidden_columns:
                shut = tuple(at for at in cells if at in sheet.hidden_columns)
                own -= sum(at in row.cells for at in shut)
                cells = {at: text for at, text in cells.items() if at not in shut}
            if cells:
                yield _Filled(row.number, cells, row.hidden, own, spans, shut)

    def _merged(
        self, row: Row, merges: Sequence[Merge], above: dict[int, tuple[int, str]]
    ) -> tuple[tuple[tuple[int, int], ...], dict[int, str], int]:
        cells = dict(row.cells)
        own = len(cells)
        widest = max(cells, default=-1)
        spans = []
        for merge in merges:
            text = cells.get(merge.left, "")
            if not text:
                continue
            # Nobody sees that a cell is merged far beyond what is filled.
            right = min(merge.right, max(widest, merge.left + 255), MAX_COLUMNS)
            if merge.right > merge.left:
                spans.append((merge.left, right))
            for at in range(merge.left, right + 1):
                if at > merge.left:
                    own -= at in cells
                    cells[at] = text
                if merge.bottom > row.number:
                    above[at] = (merge.bottom, text)
            self.out += (right - merge.left) * 8
        for at, (bottom, text) in list(above.items()):
            if bottom < row.number:
                del above[at]
            elif at not in cells:
                cells[at] = text
                self.out += 8
        check_growth(self.file.name, self.file.size, self.out)
        return tuple(spans), dict(sorted(cells.items())), own


_AS_KEY = "the key `sheet` reads it"


def _title(text: str) -> str:
    """Return the name of a column without the line breaks that its width asked for."""
    lines = [_name(line) for line in text.split("\n")]
    joined = ""
    for line in filter(None, lines):
        apart = joined and joined[-1].isascii() and line[0].isascii()
        joined += f" {line}" if apart else line
    return joined


def _header(rows: Sequence[_Filled], needed: Collection[str]) -> tuple[int, int]:
    """Return which of the first rows names the columns, and over how many rows the names go."""
    if not rows:
        return 0, 0
    plain = {name for name in needed if "." not in name}
    at = None
    if plain:
        titled = (set(map(_title, row.cells.values())) for row in rows)
        at = next((n for n, names in enumerate(titled) if plain <= names), None)
    if at is None:
        counts = [len(r.cells) if _depth(rows, n) > 1 else r.own for n, r in enumerate(rows)]
        enough = max(2, _TITLE_SHARE * max(counts))
        at = next((n for n, count in enumerate(counts) if count >= enough), None)
    if at is None:
        at = next((n for n, row in enumerate(rows) if row.own), 0)
    return at, _depth(rows, at)


def _depth(rows: Sequence[_Filled], at: int) -> int:
    """Return over how many rows the names of the columns go: as long as some of them are merged
    from above, where others are merged over several columns."""
    if not rows[at].spans:
        return 1
    depth = 1
    for row in rows[at + 1 : at + _MOST_HEADER_ROWS]:
        if row.own >= len(row.cells) or row.number != rows[at].number + depth:
            break
        depth += 1
    return depth

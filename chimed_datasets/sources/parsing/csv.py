r"""Rows of comma-, tab- and otherwise separated values, tolerant of what real files hold.

What a quotation mark means is found row by row:

by the book     ``"`` opens a field at its beginning and ends it before a delimiter or a line end;
                ``""`` within is one mark. Where that gives as many fields as the header has, it is
                so, also over several lines.
backslash       ``\"`` within a quoted field is one mark, where a row can be read in no other way.
literal         a field that begins with a word in marks and goes on behind it ("上火"引起) has
                them in its text.
none of these   the row is Malformed, the rows below it are read. Whether the lines below belong to
                the field or are rows of their own is told by their number of fields.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import zip_longest
from typing import Any, NamedTuple

from ...errors import SourceError
from ...lang import _
from ...records import Malformed
from ..files.decoding import Lines, line_blocks
from ..files.opening import FileReport, SourceFile
from .row import KeyedRow, keys_of

_DELIMITERS = ",\t;|"
MAX_COLUMNS = 10_000
"""A header of more columns than this is none."""
MAX_ROW_LINES = 50_000
"""A quoted field over more lines than this is taken for one that is never closed."""
MAX_ROW_CHARS = 16 * 1024 * 1024
"""A row over several lines that has more characters than this is taken for one, too."""
_BACK = 4
"""Each character that was read lets so many be looked at in vain: reading stays linear."""
_LINE = 64
"""A line that is looked at in vain costs as much as so many characters."""
_CHUNK = 512
"""Lines that are handed to csv.reader at once."""
_HELD = 256
"""Short rows in a run that are held back until it is known what they are."""

_SEP = re.compile(r'"?sep=([^\w"\n])"?\s*', re.I)
_ESCAPES = re.compile(r'(?<!\\)((?:\\\\)*)(\\"|""|\Z)')
_NOT_CLOSED = "a quote is never closed"
_BEHIND = "text stands behind a closing quote"

Fields = list[str]


Needed = Callable[[Sequence[str]], Collection[str]]
"""Returns which of a header's columns a row must not leave out."""


def csv_rows(
    file: SourceFile,
    report: FileReport,
    ident: str = "id",
    needed: Needed | None = None,
    header: Sequence[str] = (),
) -> Iterator[KeyedRow | Malformed]:
    """Yield (key, row) for a CSV file with a header line; values are strings.

    ``ident`` is the column whose value is the row's own id. ``needed`` gets the header. ``header``
    names the columns of a file that has no such line; its delimiter is the one that parts most of
    the first lines into so many.

    The delimiter is the one of a first line ``sep=;``, else the one of comma, tab, semicolon and
    bar that the header has most of. A row with more fields than the header is Malformed under
    "csv_fields", one whose quotes part no fields under "csv_quote". In a row with fewer fields
    the last ones are empty; it is Malformed under "csv_fields" where a needed one is among them,
    or where it may be a piece of a row that a line end tore. A header that comes again is no row.
    A lone carriage return in a field without quotes is a line end.

    Raises :class:`SourceError` for a header of more than ``MAX_COLUMNS`` columns.
    """
    table = _Table(file, report, ident, needed, header)
    return table.counted() if table.keys.only_counts else table.rows()


def delimiter_of(line: str) -> str:
    """Return the delimiter that a file's first line names (sep=;), or that it has most of."""
    named = _SEP.fullmatch(line)
    return named[1] if named else max(_DELIMITERS, key=line.count)


# --- lines -----------------------------------------------------------------------------------


class _Source:
    """A file's lines from the one at ``at``; more are read when they are asked for."""

    def __init__(self, file: SourceFile, report: FileReport) -> None:
        self.blocks = line_blocks(file, report)
        self.lines: list[str] = []
        self.at = 0
        self.first = 1  # the number of lines[0]
        self.barrier: Malformed | None = None  # a line that could not be held; it ends a row
        self.ended = False

    def number(self, index: int) -> int:
        return self.first + index

    def has(self, index: int) -> bool:
        """Whether there is a line at ``index``; reads as far as that."""
        while index >= len(self.lines):
            if self.barrier or self.ended:
                return False
            block = next(self.blocks, None)
            if block is None:
                self.ended = True
            elif isinstance(block, Lines):
                if not self.lines:
                    self.first = block.number
                self.lines += block.texts()
            else:
                if not self.lines:
                    self.first = block[0]
                self.barrier = block[1]
        return True

    def next(self) -> bool:
        """Let go of the lines before ``at``; return whether there is one."""
        if self.at >= len(self.lines) or 2 * self.at > max(len(self.lines), 4 * _CHUNK):
            self.first += self.at
            del self.lines[: self.at]
            self.at = 0
        return self.has(self.at)

    def pass_barrier(self) -> tuple[int, Malformed] | None:
        """Return the line that could not be held, with its number, to read on behind it."""
        barrier, self.barrier = self.barrier, None
        if barrier is None:
            return None
        number = self.number(len(self.lines))
        self.first, self.lines, self.at = number + 1, [], 0
        return number, barrier


# --- rows ------------------------------------------------------------------------------------


class _Parsed(NamedTuple):
    """fields of a row over ``lines`` lines; ``fault`` says why it is none."""

    fields: Fields
    lines: int
    fault: str = ""
    odd: bool = False  # quotes stand in a field without quotes


class _Batch(NamedTuple):
    """Rows (a str says why one is none), the number and the text of the line each begins with."""

    rows: Sequence[Fields | str]
    numbers: Sequence[int]
    firsts: Sequence[str]


class _Rows:
    """Parts lines into rows of fields.

    width: the header's number of fields.
    sure:  whether every row so far would be the same whatever stands before and behind it.
    """

    def __init__(self, source: _Source, delimiter: str) -> None:
        self.source = source
        self.delimiter = delimiter
        self.width = 0
        self.sure = True
        self.spare = MAX_ROW_CHARS  # characters that may still be looked at in vain
        self.escaped = self.by_book = 0  # rows with \" that could be read in this way alone
        self.closing = re.compile(rf'"(?={re.escape(delimiter)}|\r*\Z)')
        self.unclosing = (0, 0)  # no line from the first number to before the second closes a field

    def batches(self) -> Iterator[_Batch]:
        """Yield the rows up to the end of the file or a line that could not be held."""
        source, delimiter, size = self.source, self.delimiter, _CHUNK
        most = self.width + 64  # more fields are not parted: they may be millions
        while source.next():
            chunk = source.lines[source.at : source.at + size]
            text = "\n".join(chunk)
            start = source.at
            number = source.number(source.at)
            if '"' not in text and "\r" not in text:
                source.at += len(chunk)
                rows = [line.split(delimiter, most) for line in chunk]
                yield _Batch(rows, range(number, number + len(chunk)), chunk)
                size = _CHUNK
            elif size == 1 or '\\"' in text or "\r" in text:
                self.sure = self.sure and not ('\\"' in text or "\r" in text)
                yield self._one_by_one(source.at + len(chunk))
                size = min(_CHUNK, size * 2)
            else:
                batch, done = self._by_the_book(chunk, number)
                source.at += done
                yield batch
                if done < len(chunk):  # a row is not by the book, or goes on behind the chunk
                    yield self._one_by_one(source.at + 1)
                size = min(_CHUNK, size * 2) if done * 2 >= len(chunk) else size // 2
            share = len(text) * (source.at - start) // len(chunk)
            self.spare = min(MAX_ROW_CHARS, max(0, self.spare) + _BACK * share)

    def _one_by_one(self, end: int) -> _Batch:
        """Return the rows that begin before the line at ``end``."""
        source = self.source
        rows: list[Fields | str] = []
        numbers: list[int] = []
        firsts: list[str] = []
        while source.at < end:
            parsed = self.row(source.at)
            rows.append(parsed.fault or parsed.fields)
            numbers.append(source.number(source.at))
            firsts.append(source.lines[source.at])
            source.at += parsed.lines
        return _Batch(rows, numbers, firsts)

    def _by_the_book(self, chunk: list[str], number: int) -> tuple[_Batch, int]:
        """Return the rows at the beginning of ``chunk`` that are beyond doubt, and their lines."""
        reader = csv.reader([line + "\n" for line in chunk], delimiter=self.delimiter, strict=True)
        rows: list[Any] = []
        ends = [0]
        try:
            for fields in reader:
                rows.append(fields)
                ends.append(reader.line_num)
        except csv.Error:
            pass
        if len(rows) == len(chunk):
            return _Batch(rows, range(number, number + len(chunk)), chunk), len(chunk)
        sure = 0
        for fields in rows:
            if len(fields) != self.width and ends[sure + 1] - ends[sure] > 1:
                break
            sure += 1
        starts = ends[:sure]
        batch = _Batch(rows[:sure], [number + n for n in starts], [chunk[n] for n in starts])
        return batch, ends[sure]

    def row(self, at: int) -> _Parsed:
        """Return the row that begins with the line at ``at``, whatever it is."""
        lines = self.source.lines
        if '"' not in lines[at]:
            return self._parse(at)
        if self.escaped > self.by_book and '\\"' in lines[at]:
            parsed = self._parse(at, escapes=True)
            if self._fits(parsed):
                return parsed
        book = self._parse(at)
        if book.fault or (book.lines > 1 and len(book.fields) != self.width):
            self.sure = False
        far = book.lines
        escaped = literal = None
        if any('\\"' in line for line in lines[at : at + far]):
            self.sure = False
            escaped = self._parse(at, escapes=True)
            far = max(far, escaped.lines)
        if book.fault:
            literal = self._parse(at, literal=True)
            far = max(far, literal.lines)
        parsed = self._chosen(at, book, escaped, literal)
        self.spare -= 3 * _cost(lines[at + parsed.lines : at + far])
        return parsed

    def _chosen(
        self, at: int, book: _Parsed, escaped: _Parsed | None, literal: _Parsed | None
    ) -> _Parsed:
        """Return which of the ways to read a row is right."""
        if escaped and self._fits(escaped):
            if not self._fits(book):
                self.escaped += 1
                return escaped
            if escaped.fields != book.fields and (book.odd or self.escaped > self.by_book):
                return escaped
        elif escaped and self._fits(book):
            self.by_book += 1
        if self._fits(book) or (not book.fault and book.lines == 1):
            return book
        if literal and self._fits(literal):
            return literal
        if escaped and not escaped.fault and escaped.lines == 1:
            return escaped
        return self._judged(at, book)

    def _fits(self, parsed: _Parsed) -> bool:
        return not parsed.fault and len(parsed.fields) == self.width

    def _judged(self, at: int, book: _Parsed) -> _Parsed:
        """Return what a row is that cannot be read: of one line, or with those below it.

        The lines below are rows of their own where most of them are in rows with as many fields
        as the header; else they are a field's text, and go with the row.
        """
        source, span = self.source, 1
        if not book.fault:
            span = book.lines
        elif loose := self._loose(at):
            span = loose
        elif (
            book.fault == _NOT_CLOSED
            and at + book.lines == len(source.lines)
            and (source.ended or source.barrier)
        ):
            span = book.lines
        if span == 1 or self._are_rows(at + 1, at + span):
            self.spare -= 8 * _cost(source.lines[at + 1 : at + span])
            return _Parsed([], 1, book.fault or _NOT_CLOSED)
        return _Parsed([], span, book.fault) if book.fault else book

    def _are_rows(self, at: int, stop: int) -> bool:
        """Whether most of the lines up to ``stop`` are in whole rows."""
        lines = self.source.lines
        most, whole, looked, texts = 8 * (stop - at) + 64, 0, 0, 0
        while at < stop and looked < most:
            parsed = self._parse(at, literal=True, stop=stop)
            looked += parsed.lines
            fits = self._fits(parsed)
            count = parsed.lines if fits else 1
            texts += sum(1 for line in lines[at : at + count] if line.strip())
            whole += count if fits else 0
            at += count
        return 2 * whole > texts and at == stop

    def _parse(
        self, at: int, *, escapes: bool = False, literal: bool = False, stop: int = 0
    ) -> _Parsed:
        r"""Return the row that begins with the line at ``at``, by the book.

        escapes: a backslash before a quote escapes it. literal: a field may begin with words in
        quotes. stop: the row may not go on in the line at that place.
        """
        source, delimiter = self.source, self.delimiter
        line = source.lines[at]
        if '"' not in line and "\r" not in line:
            return _Parsed(line.split(delimiter, self.width + 64 if self.width else -1), 1)
        fields: Fields = []
        count, start, looked, odd = 1, 0, 0, False
        limit = min(stop - at, MAX_ROW_LINES) if stop else MAX_ROW_LINES
        while True:
            if line.startswith('"', start):
                parts = []
                from_ = start + 1
                while (end := _end_of_quoted(line, from_, escapes)) < 0:
                    parts.append(line[from_:])
                    more = looked < self.spare and count < limit and source.has(at + count)
                    if not more:
                        return _Parsed([], count, _NOT_CLOSED)
                    line, from_ = source.lines[at + count], 0
                    looked += len(line) + _LINE
                    count += 1
                parts.append(line[from_:end])
                rest = end + 1
                behind = line[rest : rest + 1]
                if behind == "\r":
                    behind = line[rest:].lstrip("\r")[:1] and behind
                    rest = rest if behind else len(line)
                if behind and behind != delimiter:
                    cell = line[start : _find(line, delimiter, start)]
                    if not literal or parts[1:] or not _is_literal(cell):
                        return _Parsed([], count, _BEHIND)
                    fields.append(cell.replace("\r", "\n"))
                    start += len(cell)
                else:
                    value = "\n".join(parts)
                    if escapes:
                        value = _unescaped(value)
                    elif '""' in value:
                        value = value.replace('""', '"')
                    fields.append(value)
                    start = rest
            else:
                end = _find(line, delimiter, start)
                cell = line[start:end]
                odd = odd or '"' in cell
                if "\r" in cell:
                    cell = (cell.rstrip("\r") if end == len(line) else cell).replace("\r", "\n")
                fields.append(cell)
                start = end
            if start >= len(line):
                return _Parsed(fields, count, odd=odd)
            if count > 1 and len(fields) > self.width + 64:
                return _Parsed([], count, _NOT_CLOSED)
            start += 1

    def _loose(self, at: int) -> int:
        """Return over how many lines the row goes where a quoted field ends with the first quote
        before a delimiter or line end, if that gives the header's number of fields; else 0."""
        lines, index, start, looked = self.source.lines, at, 0, 0
        for count in range(1, self.width + 1):
            line = lines[index]
            if line.startswith('"', start):
                found = self.closing.search(line, start + 1)
                if found is None:
                    index = self._next_closing(index + 1)
                    if not index or looked > self.spare:
                        break
                    line = lines[index]
                    looked += len(line) + _LINE
                    found = self.closing.search(line)
                start = found.end() if found else len(line)
                if not line[start : start + 1].strip("\r") and not line[start:].strip("\r"):
                    start = len(line)
            else:
                start = _find(line, self.delimiter, start)
            if start >= len(line):
                if count == self.width:
                    return index - at + 1
                break
            start += 1
        self.spare -= looked
        return 0

    def _next_closing(self, index: int) -> int:
        """Return the first line from ``index`` in which a quote may end a field, or 0."""
        source, looked = self.source, 0
        begin, end = self.unclosing
        if begin <= source.number(index) < end:
            index = end - source.first
        else:
            begin = source.number(index)
        limit = index + MAX_ROW_LINES
        found = False
        while index < limit and looked < self.spare and source.has(index):
            if self.closing.search(source.lines[index]):
                found = True
                break
            looked += len(source.lines[index]) + _LINE
            index += 1
        self.spare -= looked
        self.unclosing = (begin, source.number(index))
        return index if found else 0


def _cost(lines: list[str]) -> int:
    return sum(map(len, lines)) + _LINE * len(lines)


def _find(line: str, delimiter: str, start: int) -> int:
    end = line.find(delimiter, start)
    return len(line) if end < 0 else end


def _end_of_quoted(line: str, start: int, escapes: bool) -> int:
    """Return where the quote stands that ends a quoted field, or -1."""
    at = start
    while (end := line.find('"', at)) >= 0:
        if escapes and end > at and line[end - 1] == "\\":
            before = line[at:end]
            if (len(before) - len(before.rstrip("\\"))) % 2:
                at = end + 1
                continue
        if not line.startswith('"', end + 1):
            return end
        at = end + 2
    return -1


def _unescaped(text: str) -> str:
    """Return what stood in a quoted field; backslashes count before a quote alone."""
    if "\\\\" not in text and '""' not in text:
        return text.replace('\\"', '"')
    return _ESCAPES.sub(lambda found: found[1][::2] + ('"' if found[2] else ""), text)


def _is_literal(cell: str) -> bool:
    """Whether ``cell``, which begins with a quote, plainly is text with words in quotes."""
    odd = cell.count('"') % 2 or '""' in cell or '\\"' in cell
    return not odd and not cell.rstrip().endswith('"')


# --- the table -------------------------------------------------------------------------------


class _Short(NamedTuple):
    """A row with fewer fields than the header."""

    fields: Fields
    evidence: str


class _Table:
    """A file's rows under its header, with their keys."""

    def __init__(
        self,
        file: SourceFile,
        report: FileReport,
        ident: str,
        needed: Needed | None,
        header: Sequence[str] = (),
    ) -> None:
        self.file, self.ident, self.needed, self.given = file, ident, needed, header
        self.least = 1  # fields of a row that has the needed ones
        self.source = _Source(file, report)
        self.keys = keys_of(file)
        self.ordinal = self.keys.first
        self.sure = True  # see _Rows
        self.parser: _Rows | None = None
        self.header: list[str] = []
        self.names: list[str] = []  # the header as a line that comes again is compared with it
        self.again: Fields = []  # a line that came again, which may do so very often
        self.longest = 0
        self.held: list[_Short] = []
        self.size = 0  # characters that are held
        self.near: Sequence[Fields | str] = ()  # rows beside those that are held

    def counted(self) -> Iterator[KeyedRow | Malformed]:
        """Note what the rows of a part of the file are called; yield none."""
        for __ in self.rows():
            pass
        self.keys.end(self.ordinal, sure=self.sure and self.parser is not None and self.parser.sure)
        yield from ()

    def _begin_behind_header(self) -> None:
        """Begin with a part of the file that is not its first: the header stands in that one."""
        whole = replace(self.file, part=None)
        head = _Table(whole, FileReport(), self.ident, self.needed, self.given)
        opened: Any = head.rows(only_header=True)  # a generator
        with closing(opened) as rows:
            for __ in rows:
                self.sure = False
        if head.parser is None or not head.header:
            self.sure = False
            return
        self.header, self.names = head.header, head.names
        self.longest, self.least = head.longest, head.least
        self.parser = _Rows(self.source, head.parser.delimiter)
        self.parser.width = head.parser.width

    def rows(self, only_header: bool = False) -> Iterator[KeyedRow | Malformed]:
        if self.file.part is not None and self.file.part.number:
            self._begin_behind_header()
        parser = self.parser
        while True:
            while self.source.next():
                if self.header and only_header:
                    return
                if parser is None:
                    parser = self.parser = _Rows(self.source, self._delimiter())
                    if self.given:
                        self._name_columns(list(self.given))
                        parser.width = len(self.given)
                    continue
                if not self.header:
                    yield from self._read_header(parser)
                    continue
                for batch in parser.batches():
                    yield from self._of_batch(batch, parser.delimiter)
            yield from self._let_go()
            passed = self.source.pass_barrier()
            if passed is None:
                return
            self.sure = False
            number, line = passed
            yield Malformed(self._key(), line.rule, f"line {number}: {line.evidence}")

    def _of_batch(self, batch: _Batch, delimiter: str) -> Iterator[KeyedRow | Malformed]:
        header, width, key, ident = self.header, len(self.header), self.keys.key, self.ident
        if len(batch.rows) > 1 or not self.near:
            self.near = batch.rows
        longest = self.longest  # of the last cell of a header that comes again
        counts, place = self.keys.only_counts, header.index(ident) if ident in header else -1
        for at, fields in enumerate(batch.rows):
            # The last item of a str, which says why there is no row, is as short as can be.
            common = len(fields) == width and not self.held
            if common and (len(fields[-1]) > longest or self._is_row(fields)):
                if counts:
                    key(self.ordinal, fields[place] if place >= 0 else None)
                    self.ordinal += 1
                    continue
                row = dict(zip(header, fields, strict=True))
                number = self.ordinal
                self.ordinal += 1
                yield key(number, row.get(ident)), row
            else:
                yield from self._other(fields, batch.numbers[at], batch.firsts[at], delimiter)
                header = self.header

    def _is_row(self, fields: Fields | str) -> bool:
        """Whether fields, as many as the header has, are a row, the last of them a short one."""
        if fields[-1]:
            return type(fields) is list and not self._is_header(fields)
        return any(fields)

    def _other(
        self, fields: Fields | str, number: int, line: str, delimiter: str
    ) -> Iterator[KeyedRow | Malformed]:
        """Yield what a row is that may be anything."""
        if isinstance(fields, str):
            yield from self._let_go()
            yield Malformed(self._key(), "csv_quote", f"line {number}: {fields}: {line}", line)
            return
        width = len(self.header)
        if not any(fields) or (len(fields) == 1 != width and not fields[0].strip()):
            return
        if len(fields) > width and not "".join(fields[width:]).strip(delimiter):
            fields = fields[:width]
            if not any(fields):
                return
        if len(fields) < width:
            evidence = f"line {number}: {len(fields)} fields, the header has {width}: {line}"
            self.sure = False  # the rows around it tell what it is
            self.held.append(_Short(fields, evidence))
            self.size += len(evidence)
            if len(self.held) >= _HELD or self.size > MAX_ROW_CHARS:
                yield from self._let_go()
            return
        if len(fields) > width:
            yield from self._let_go(torn=True)
            count = len(fields) if '"' in line else line.count(delimiter) + 1
            fault = f"{count} fields, the header has {width}"
            yield Malformed(self._key(), "csv_fields", f"line {number}: {fault}: {line}", line)
            return
        yield from self._let_go()
        if self._is_header(fields):
            self.ordinal += 1  # the keys of the rows below stay what they were
            if fields != self.again:
                self.sure = self.sure and [_name(f).casefold() for f in fields] == self.names
                self._name_columns(list(map(_name, fields)))
                self.again = fields
            return
        row = dict(zip(self.header, fields, strict=True))
        yield self._key(row.get(self.ident)), row

    def _key(self, native: str | None = None) -> str:
        self.ordinal += 1
        return self.keys.key(self.ordinal - 1, native)

    # --- rows with fewer fields

    def _let_go(self, torn: bool = False) -> Iterator[KeyedRow | Malformed]:
        """Yield the short rows of a run. ``torn``: what comes next has too many fields."""
        if not self.held:
            return
        run, self.held, self.size = self.held, [], 0
        bad = self._pieces(run)
        if torn:
            bad.add(len(run) - 1)
        for at, (fields, evidence) in enumerate(run):
            if at in bad or len(fields) < self.least:
                yield Malformed(self._key(), "csv_fields", evidence, fields)
            else:
                row = dict(zip_longest(self.header, fields, fillvalue=""))
                yield self._key(row.get(self.ident)), row

    def _pieces(self, run: list[_Short]) -> set[int]:
        """Return which rows of a run may be pieces of a row that line ends tore.

        Programs leave out empty last cells, row for row. The pieces of a torn row follow each
        other, make up the header's number of fields, and the last ends with the row's last cell:
        one that is as often empty, and no longer than those of the rows beside them.
        """
        width = len(self.header)
        lasts = [f[-1] for f in self.near if type(f) is list and len(f) == width and any(f)]
        empty = lasts.count("")
        often_filled = (len(lasts) - empty) * 20 > len(lasts)
        longest = 2 * max(map(len, lasts), default=0) + 8
        left_out = width == 2 and empty > 0 and not often_filled
        if not left_out and any(len(row.fields) == 1 for row in run):
            return set(range(len(run)))  # a line without a delimiter is a text's
        pieces: set[int] = set()
        for start in range(len(run)):
            count, same = len(run[start].fields), True
            for end in range(start + 1, len(run)):
                fields = run[end].fields
                count += len(fields) - 1
                same = same and len(fields) == len(run[start].fields)
                if count > width or len(fields) == 1:
                    break
                if count == width:
                    last_fits = not fields[-1] or (often_filled and len(fields[-1]) <= longest)
                    if last_fits and (end == start + 1 or not same):
                        pieces.update(range(start, end + 1))
                    break
        return pieces

    # --- the header

    def _delimiter(self) -> str:
        """Return the delimiter that the first line names, or that it has most of."""
        source = self.source
        while not (line := source.lines[source.at].strip("\ufeff")).strip():
            source.at += 1
            if not source.has(source.at):
                return _DELIMITERS[0]
        named = _SEP.fullmatch(line)
        if self.given:
            source.lines[source.at] = line  # a byte order mark belongs to no cell
        source.at += named is not None
        if not self.given or named:
            return delimiter_of(line)
        lines = [line for line in source.lines[source.at : source.at + _CHUNK] if line.strip()]
        wide = len(self.given) - 1
        signs = ("\t", *_DELIMITERS)  # where as many lines fit: a text may hold commas, but no tab
        best: str = max(signs, key=lambda sign: sum(line.count(sign) == wide for line in lines))
        return best

    def _read_header(self, parser: _Rows) -> Iterator[Malformed]:
        """Read the line that names the columns; what was to be one and is broken is Malformed."""
        source = self.source
        number, line = source.number(source.at), source.lines[source.at].lstrip("\ufeff")
        source.lines[source.at] = line
        if (columns := line.count(parser.delimiter) + 1) > MAX_COLUMNS:
            raise SourceError(
                _(
                    "{name}: line {number} names {columns:,} columns, allowed "
                    "{max_columns:,}; a CSV begins with a line that names its columns."
                ).format(
                    name=self.file.name, number=number, columns=columns, max_columns=MAX_COLUMNS
                )
            )
        parsed = parser._parse(source.at)
        fields, count = parsed.fields, parsed.lines
        if parsed.fault:
            self.sure = False
            fields, count = line.split(parser.delimiter), 1
            if len(fields) == 1 or not all(map(_name, fields)):
                source.at += 1
                told = f"line {number}: {parsed.fault}: {line}"
                yield Malformed(self._key(), "csv_quote", told, line)
                return
        source.at += count
        names = list(map(_name, fields))
        if any(names):
            self._name_columns(names)
            parser.width = len(names)

    def _name_columns(self, names: list[str]) -> None:
        """Set the header, which comes again where files were put together, perhaps with its
        columns in another order."""
        folded = [name.casefold() for name in names]
        if folded == self.names:
            return  # in the spelling of the first one
        if self.names:
            spelt = dict(zip(self.names, self.header, strict=True))
            names = [spelt[name] for name in folded]
        self.header, self.names = _told_apart(names), folded
        self.longest = max(map(len, names)) + 8
        place = {name: number for number, name in enumerate(self.header, 1)}
        needed = self.needed(self.header) if self.needed else ()
        self.least = max((place.get(name, 1) for name in needed), default=1)

    def _is_header(self, fields: Fields) -> bool:
        """Whether a row names the columns, in whichever order."""
        if fields == self.again:
            return True
        if len(fields[0]) > self.longest or _name(fields[0]).casefold() not in self.names:
            return False
        names = [_name(field).casefold() for field in fields]
        return names == self.names or (
            len(set(names)) == len(names) and set(names) == set(self.names)
        )


def _name(field: str) -> str:
    """Return a column's name without blanks and quotes around it and signs that nobody sees."""
    if not field.isascii():
        field = "".join(c for c in field if unicodedata.category(c) != "Cf")
    return field.strip().strip('"').strip()


def _told_apart(names: list[str]) -> list[str]:
    """Return the columns' names; one that comes again gets ``~2``."""
    count: Counter[str] = Counter()
    told: list[str] = []
    there: set[str] = set()
    for name in names:
        count[name] += 1
        other = name
        while other in there:
            other = f"{name}~{count[name]}"
            count[name] += other in there
        there.add(other)
        told.append(other)
    return told

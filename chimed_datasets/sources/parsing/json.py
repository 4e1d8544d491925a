"""Rows of JSON and CSV files, one by one, each with its key; bad rows become Malformed.

A row's key is ``file#id`` where the row has an ``id``, else ``file#ordinal`` (from 0). A key that
comes again in the file gets ``~2``, ``~3``: keys are unique by construction.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import Any

import orjson

from ...records import EXCERPT_CHARS, Dialogue, Document, Malformed, QAThread, Record, excerpt
from ..files.decoding import MAX_RECORD_BYTES, Lines, line_blocks, lines, texts
from ..files.opening import FileReport, SourceFile

Row = tuple[str, dict[str, Any]]
MAX_ID_CHARS = 200


class RowError(Exception):
    """Raised while a row is made into a record: the row becomes Malformed under ``rule``."""

    def __init__(self, rule: str, evidence: str) -> None:
        super().__init__(rule, evidence)
        self.rule, self.evidence = rule, evidence


_ONE = (Document, QAThread, Dialogue, Malformed)


def each(
    rows: Iterable[Row | Malformed],
    convert: Callable[[str, dict[str, Any]], Record | Malformed | Iterable[Record | Malformed]],
) -> Iterator[Record | Malformed]:
    """Yield ``convert(key, row)`` for every row, one record or several.

    What a conversion raises makes the row Malformed: RowError under its own rule, KeyError under
    "missing_field", TypeError or AttributeError under "wrong_type", ValueError under "bad_value".
    """
    for row in rows:
        if isinstance(row, Malformed):
            yield row
            continue
        key, values = row
        try:
            made = convert(key, values)
            if isinstance(made, _ONE):
                yield made
            else:
                yield from made
        except RowError as error:
            yield Malformed(key, error.rule, error.evidence)
        except KeyError as error:
            there = ", ".join(map(str, values)) or "none"
            yield Malformed(key, "missing_field", f"no {error.args[0]!r}; fields: {there}")
        except (TypeError, AttributeError) as error:
            yield Malformed(key, "wrong_type", str(error))
        except ValueError as error:
            yield Malformed(key, "bad_value", str(error))


def text_of(value: Any) -> str:
    """Return a value as text: lists are joined by newlines, numbers written out, None is "".

    So is NaN, by which tables mark what is missing. Raises ``TypeError`` for a mapping,
    ``ValueError`` for an infinite number.
    """
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and math.isinf(value):
        raise ValueError(f"expected a text, got {value!r}")
    if isinstance(value, (list, tuple)):
        return "\n".join(filter(None, map(text_of, value)))
    if isinstance(value, (int, float)):
        return str(value)
    raise TypeError(f"expected a text, got {type(value).__name__}: {excerpt(str(value))}")


class Keys:
    """Gives every row of a file its key. Where no row has an id, it holds nothing in memory."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.used: dict[str, int] = {}
        self.plain = 0  # ordinals below this were given out before the first id was met

    def key(self, ordinal: int, native: Any = None) -> str:
        """Return the key of row number ``ordinal`` whose own id is ``native``."""
        if type(native) is str:
            name = native.strip()
        else:
            number = isinstance(native, (str, int, float)) and not isinstance(native, bool)
            name = str(native).strip() if number else ""
        if not name or len(name) > MAX_ID_CHARS:
            if not self.used:
                self.plain = ordinal + 1
                return f"{self.file}#{ordinal}"
            name = str(ordinal)
        return f"{self.file}#{self._unique(name)}"

    def _unique(self, name: str) -> str:
        if name not in self.used and not (self.plain and self._is_given_ordinal(name)):
            self.used[name] = 1
            return name
        number = self.used.get(name, 1) + 1
        while (other := f"{name}~{number}") in self.used:
            number += 1
        self.used[name] = number
        self.used[other] = 1
        return other

    def _is_given_ordinal(self, name: str) -> bool:
        return name.isascii() and name.isdecimal() and int(name) < self.plain


# --- JSON ------------------------------------------------------------------------------------

_TOLERANT = json.JSONDecoder(strict=False)
_BETWEEN = re.compile(r"[\s,]*")
_FIRST_KEY = re.compile(r'\{\s*"([^"\\]{1,100})"')
_LITERAL_CHARS = 16
"""An error this near to the end of what was read may be a number, word or escape cut in two."""


def json_rows(file: SourceFile, report: FileReport, ident: str = "id") -> Iterator[Row | Malformed]:
    """Yield (key, object) for JSON Lines, for a list of objects, and for a single object.

    ``ident`` is the field whose value is the row's own id.

    NaN, Infinity and control characters inside strings are tolerated; of a field that an object
    names twice the last value counts; a whole number beyond 64 bits may become a float. What does
    not parse is Malformed under "json_invalid", a value that is no object under "not_an_object",
    one past the limit under "too_long".
    """
    return chain.from_iterable(json_blocks(file, report, ident))


BLOCK_ROWS = 1024


def json_blocks(
    file: SourceFile, report: FileReport, ident: str = "id"
) -> Iterator[list[Row | Malformed]]:
    """Yield the rows of :func:`json_rows`, up to ``BLOCK_ROWS`` of them, or 1 MiB, at a time."""
    keys = Keys(file.name)
    ordinal = 0
    for unit, values in _values(file, report):
        for start in range(0, len(values), BLOCK_ROWS):
            block: list[Row | Malformed] = []
            for number, value in values[start : start + BLOCK_ROWS]:
                if isinstance(value, dict):
                    block.append((keys.key(ordinal, value.get(ident)), value))
                else:
                    block.append(_no_object(keys.key(ordinal), f"{unit} {number}", value))
                ordinal += 1
            yield block


def _no_object(key: str, where: str, value: Any) -> Malformed:
    if isinstance(value, Malformed):
        return Malformed(key, value.rule, f"{where}: {value.evidence}")
    snippet = excerpt(json.dumps(value, ensure_ascii=False))
    return Malformed(key, "not_an_object", f"{where}: {snippet}")


Values = list[tuple[int, Any]]
"""The number of a line or character, and the value or Malformed that begins there."""


def _values(file: SourceFile, report: FileReport) -> Iterator[tuple[str, Values]]:
    """Yield ("line" or "character", values) of a file, whichever way it is written."""
    met = FileReport()  # of the first look, which counts only where it goes on to the end
    with closing(texts(file, met)) as pieces:
        head = next(pieces, "")
        if not _is_lines(head.lstrip()):
            for found in _stream_values(chain([head], pieces)):
                yield "character", [found]
            pieces.close()
            report.note(file.name, met.encodings[file.name], met.replaced.get(file.name, 0))
            return
    for block in line_blocks(file, report):
        yield "line", _loaded(block) if isinstance(block, Lines) else [block]


def _is_lines(head: str) -> bool:
    """Whether each line is a value: not so for a list, or an object written over several lines."""
    if not head.startswith("{"):
        return not head.startswith("[")
    first, *others = filter(None, map(str.strip, head.split("\n", 100)))
    if not others or others[0].startswith("{"):
        return True
    return not any(isinstance(value, Malformed) for value in _parse(first))


def _loaded(block: Lines) -> Values:
    """Return the values of whole lines.

    orjson reads UTF-8 faster than Python decodes it; only what it does not take becomes text.
    All lines at once, so that what was replaced is counted however few the reader goes on to.
    """
    found: Values = []
    rows: Sequence[str | bytes] = block.utf8() or block.texts()
    for number, row in enumerate(rows, block.number):
        try:
            found.append((number, orjson.loads(row)))
        except ValueError:
            text = row if isinstance(row, str) else block.text(row)
            found += [(number, value) for value in _parse_line(text)]
    return found


def _parse_line(text: str) -> Iterable[Any]:
    try:  # what came undecoded may have had broken bytes, and nothing else wrong
        return [orjson.loads(text)]
    except ValueError:
        return _parse(text)


def _parse(text: str) -> Iterator[Any]:
    """Parse a line more tolerantly than orjson: yield the values in it (files that were put
    together without a line end have several), and Malformed where even that fails."""
    at = _skip(text, 0)
    while at < len(text):
        try:
            value, end = _TOLERANT.raw_decode(text, at)
        except (ValueError, RecursionError) as error:  # a number may have too many digits
            yield _invalid(error, text, at)
            return
        yield value
        at = _skip(text, end)


def _skip(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    assert found is not None  # it matches nothing, too
    return found.end()


def _invalid(error: Exception, text: str, start: int) -> Malformed:
    if not isinstance(error, json.JSONDecodeError):
        begins = excerpt(text[start : start + 2 * EXCERPT_CHARS])
        deep = isinstance(error, RecursionError)
        why = "nested too deeply" if deep else "a number of too many digits"
        return Malformed("", "json_invalid", f"{why}: {begins}")
    at, half = error.pos - start, EXCERPT_CHARS // 2
    snippet = excerpt(text[start : error.pos + EXCERPT_CHARS], max(0, at - half), at + half)
    return Malformed("", "json_invalid", f"{error.msg} at +{at}: {snippet}")


def _stream_values(pieces: Iterator[str]) -> Iterator[tuple[int, Any]]:
    """Yield values that follow one another, parted by commas or blanks, in a list or not.

    Memory holds one value. After a broken one the search goes on at the next object that begins
    with a key that an object began with before, so that an error costs one value and not the
    rest of the file.
    """
    text, at, passed = "", 0, 0
    opened = ended = False
    firsts: set[str] = set()

    def more(at_least: int = 1) -> bool:
        """Append text, drop what is behind ``at``; return whether there was any."""
        nonlocal text, at, passed, ended
        new = []
        while at_least > 0 and not ended:
            piece = next(pieces, None)
            ended = piece is None
            new.append(piece or "")
            at_least -= len(new[-1])
        passed += at
        text, at = "".join([text[at:], *new]), 0
        return any(new)

    while True:
        at = _skip(text, at)
        if at == len(text):
            if not more():
                return
            continue
        if text[at] == "[" and not opened:
            opened, at = True, at + 1
            continue
        if text[at] == "]" and opened:
            at += 1
            continue
        where = passed + at
        try:
            value, end = _TOLERANT.raw_decode(text, at)
            if end == len(text) and not isinstance(value, (dict, list, str)) and more():
                continue
        except (ValueError, RecursionError) as error:  # a number may have too many digits
            near_end = getattr(error, "pos", 0) > len(text) - _LITERAL_CHARS
            unfinished = near_end or "Unterminated" in str(error)
            fits = _fits(text, at, len(text))
            if unfinished and fits and more(len(text) - at):  # doubling: linear in all
                continue
            yield where, _invalid(error, text, at) if fits else _too_long(text, at)
            at += 1
            resume = _next_object(firsts)
            while not (found := resume.search(text, at)):
                at = max(at, len(text) - 2 * EXCERPT_CHARS)
                if not more():
                    return
            at = found.end()
            continue
        if len(firsts) < 8 and (first := _FIRST_KEY.match(text, at)):
            firsts.add(first[1])
        yield where, value if _fits(text, at, end) else _too_long(text, at)
        at = end


def _fits(text: str, start: int, end: int) -> bool:
    """Whether this part of ``text`` has no more bytes than a record may have."""
    if (end - start) * 4 <= MAX_RECORD_BYTES:
        return True
    return len(text[start:end].encode("utf-8", "surrogatepass")) <= MAX_RECORD_BYTES


def _too_long(text: str, at: int) -> Malformed:
    begins = excerpt(text[at : at + 2 * EXCERPT_CHARS])
    return Malformed("", "too_long", f"more than the allowed {MAX_RECORD_BYTES:,} bytes: {begins}")


def _next_object(firsts: set[str]) -> re.Pattern[str]:
    keys = "|".join(map(re.escape, sorted(firsts))) or r'[^"\\]+'
    return re.compile(rf'[}}\]",]\s*(?:,\s*)?(?=\{{\s*"(?:{keys})"\s*:)')


# --- CSV -------------------------------------------------------------------------------------

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


def csv_rows(file: SourceFile, report: FileReport, ident: str = "id") -> Iterator[Row | Malformed]:
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
        found = f"{len(fields)} fields, the header has {len(header)}" if fields else reason
        yield Malformed(keys.key(ordinal), wrong, f"line {number}: {found}: {line}")
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

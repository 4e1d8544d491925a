"""Rows of JSON and JSON Lines files, one by one; bad ones become Malformed."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from itertools import chain
from typing import Any

import orjson

from ...records import EXCERPT_CHARS, READ_CHARS, Malformed, excerpt
from ..files.decoding import MAX_RECORD_BYTES, Lines, line_blocks, texts
from ..files.opening import FileReport, SourceFile, compression
from . import literals
from .flat import Chosen, FlatRows, flat_rows
from .row import KeyedRow, Keys, RowError, keys_of
from .tables import Shape, keyed_rows

_TOLERANT = json.JSONDecoder(strict=False)
_BETWEEN = re.compile(r"[\s,\ufeff]*")
"""What parts values: also a byte order mark, where files were put together."""
_NULS = re.compile(r"\0+")
_ROWS_HINT = re.compile(r'\{(?:[^\[{]{0,200},)?\s*"([^"\\]{1,100})"\s*:\s*\[')
_FIRST_KEY = re.compile(r"""\{\s*["']([^"'\\]{1,100})["']""")
_LITERAL_CHARS = 16
"""An error this near to the end of what was read may be a number, word or escape cut in two."""
MAX_VALUES = 4_000_000
"""Signs that part values ({, [, comma, colon) which a value may have: each stands for up to 90
bytes of memory."""
_LARGE = 8 * 1024 * 1024
"""Shorter values are not counted."""
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{\]}"]', re.S)
_DEEP = 500
"""What Python's reader finds nested too deeply has more brackets within one another than this."""


def json_rows(
    file: SourceFile,
    report: FileReport,
    ident: str = "id",
    shape: Shape | None = None,
    under: str = "",
    of_list: OfList | None = None,
) -> Iterator[KeyedRow | Malformed]:
    """Yield (key, object) for JSON Lines, for a list of objects, and for a single object.

    ident: the field whose value is the row's own id.
    shape: which fields hold one text; a table in one object becomes its rows, see :mod:`.tables`.
    under: the dotted path of the list in which the rows stand. ``*`` stands for all fields of an
           object: each holds a row, or a list of rows, and its name is the row's id (a row of
           another id keeps that).
    of_list: makes the object of a row that is a list; it may raise RowError.

    NaN, Infinity and control characters inside strings are tolerated; of a field that an object
    names twice the last value counts; a whole number beyond 64 bits may become a float. A file of
    Python dicts is read as well. What does not parse is Malformed under "json_invalid", a value
    that is no object under "not_an_object", one past the limit under "too_long".
    """
    return chain.from_iterable(json_blocks(file, report, ident, shape, under, of_list))


BLOCK_ROWS = 1024
OfList = Callable[[list[Any]], dict[str, Any]]


def json_blocks(
    file: SourceFile,
    report: FileReport,
    ident: str = "id",
    shape: Shape | None = None,
    under: str = "",
    of_list: OfList | None = None,
    chosen: Chosen | None = None,
) -> Iterator[list[KeyedRow | Malformed] | FlatRows]:
    """Yield the rows of :func:`json_rows`, up to ``BLOCK_ROWS`` of them, or 1 MiB, at a time. The
    rows of a table come all at once.

    chosen: returns the names of which columns are made, for plain rows to come as
            :class:`FlatRows`; among them ``ident``, and the fields of ``shape`` in which a list is
            looked for.
    """
    keys = keys_of(file)
    ordinal = keys.first
    found = _values(file, report, under, ident, chosen)
    for unit, values, alone in _with_alone(found, file.part is None):
        if isinstance(values, FlatRows):
            for start in range(0, len(values), BLOCK_ROWS):
                rows = values[start : start + BLOCK_ROWS]
                rows.keys = keys.of_rows(ordinal, rows.values(ident))
                ordinal += len(rows)
                if not keys.only_counts:
                    yield rows
            continue
        for start in range(0, len(values), BLOCK_ROWS):
            part = values[start : start + BLOCK_ROWS]
            if of_list is not None:
                part = [(number, _object_of(value, of_list)) for number, value in part]
            block = _keyed(part, keys, ordinal, unit, ident, shape, alone)
            ordinal += len(block)
            if not keys.only_counts:
                yield block
    keys.end(ordinal)


def small_rows(file: SourceFile, ident: str, shape: Shape | None) -> list[KeyedRow] | None:
    """Return the rows of a small file (see :meth:`.SourceFile.small`) in UTF-8 that has nothing but
    sound rows: what :func:`json_rows` yields, for a tenth of the time. None for any other file."""
    values = _plain_values(file)
    if not values:
        return None
    found = list(enumerate(values, 1))
    block = _keyed(found, Keys(file.name), 0, "line", ident, shape, len(values) == 1)
    rows = [row for row in block if isinstance(row, tuple)]
    return rows if len(rows) == len(block) else None


def _keyed(
    values: Values, keys: Keys, ordinal: int, unit: str, ident: str, shape: Shape | None,
    alone: bool,
) -> list[KeyedRow | Malformed]:  # fmt: skip
    """Return the rows that values are. ordinal: of the first."""
    dicts = [value for _, value in values if type(value) is dict]
    look = shape is not None and shape.among(dicts)
    if not look and len(dicts) == len(values):
        names = keys.of_rows(ordinal, [value.get(ident) for value in dicts])
        return list(zip(names, dicts, strict=True))
    block: list[KeyedRow | Malformed] = []
    begun = ordinal
    for number, value in values:
        ordinal = begun + len(block)
        if not isinstance(value, dict):
            block.append(_no_object(keys.key(ordinal), f"{unit} {number}", value))
        elif not look or shape is None or not shape.may_hold_rows(value):
            block.append((keys.key(ordinal, value.get(ident)), value))
        else:
            block += keyed_rows(keys, ordinal, value, ident, shape, alone)
    return block


def _with_alone(
    found: Iterator[tuple[str, Values | FlatRows]], whole: bool = True
) -> Iterator[tuple[str, Values | FlatRows, bool]]:
    """Yield what comes, and whether it is the only value of the file. whole: whether what comes is
    all of the file."""
    first = next(found, None)
    if first is None:
        return
    second = next(found, None)
    yield *first, whole and second is None and len(first[1]) == 1
    for unit, values in chain([second] if second else [], found):
        yield unit, values, False


def _object_of(value: Any, of_list: OfList) -> Any:
    if not isinstance(value, list):
        return value
    try:
        return of_list(value)
    except RowError as error:
        return Malformed("", error.rule, error.evidence)


def _no_object(key: str, where: str, value: Any) -> Malformed:
    if isinstance(value, Malformed):
        return Malformed(key, value.rule, f"{where}: {value.evidence}", value.read)
    snippet = excerpt(json.dumps(value, ensure_ascii=False, default=str))
    return Malformed(key, "not_an_object", f"{where}: {snippet}", value)


Values = list[tuple[int, Any]]
"""The number of a line or character, and the value or Malformed that begins there."""


def _values(
    file: SourceFile,
    report: FileReport,
    under: str = "",
    ident: str = "id",
    chosen: Chosen | None = None,
) -> Iterator[tuple[str, Values | FlatRows]]:
    """Yield ("line" or "character", values) of a file, whichever way it is written. chosen: see
    :func:`json_blocks`."""
    path = tuple(under.split(".")) if under else ()
    if not path and (plain := _plain_values(file)):
        report.note(file.name, "utf-8")
        yield "line", list(enumerate(plain, 1))
        return
    met = FileReport()  # of the first look, which counts only where it goes on to the end
    with closing(texts(replace(file, part=None), met)) as pieces:
        head = next(pieces, "")
        python = _is_python(head)
        if path or not _is_lines(head.lstrip("\ufeff\0 \t\r\n")):
            if file.part is not None and file.part.tally is not None:
                file.part.tally.unsure = True
                return
            for value in _stream(_Text(chain([head], pieces), python), path, ident=ident):
                yield "character", [value]
            pieces.close()
            report.note(file.name, met.encodings[file.name], met.replaced.get(file.name, 0))
            return
    for block in line_blocks(file, report):
        if isinstance(block, Lines):
            if chosen is not None and (rows := _flat(block, chosen)) is not None:
                yield "line", rows
                continue
            for values in _loaded(block, python):
                yield "line", values
        else:
            yield "line", [block]


_DIGITS = re.compile(rb"[0-9]{19}")
"""Python reads such a whole number as it is, orjson perhaps as a float."""


def _plain_values(file: SourceFile) -> list[Any] | None:
    """Return the objects of a small file that is UTF-8 and holds one object, or one a line, which
    orjson takes as they are; None for any other file."""
    with suppress(OSError):  # who reads it after all tells of it
        data = file.small()
        if data is None or not data.startswith(b"{"):
            return None
        if data[257:262] == b"ustar" or compression(file.name):
            return None
        try:
            text = data.decode().rstrip()
            if "\n" not in text:
                return None if "\r" in text else [orjson.loads(data)]
            if _is_lines(text):
                rows = [row for row in data.split(b"\n") if row and not row.isspace()]
                values = list(map(orjson.loads, rows))
                return values if all(type(value) is dict for value in values) else None
            deep = data.count(b"{") + data.count(b"[") > _DEEP
            return None if deep or _DIGITS.search(data) else [orjson.loads(data)]
        except ValueError:
            pass
    return None


def _is_lines(head: str) -> bool:
    """Whether each line is a value: not so for a list, or an object written over several lines."""
    if not head.startswith("{"):
        return not head.startswith("[")
    first, *others = filter(None, map(str.strip, head.split("\n", 100)))
    if not others or others[0].startswith("{"):
        return True
    return not any(isinstance(value, Malformed) for value in _parse(first))


def _is_python(head: str) -> bool:
    """Whether the first object of a file is a Python dict. Among rows of JSON one is told of."""
    at = head.find("{")
    try:
        _TOLERANT.raw_decode(head, at) if at >= 0 else None
    except json.JSONDecodeError as error:
        found = literals.read(head, at, error)
        return found.value is not None or found.end < 0
    except (ValueError, RecursionError):
        pass
    return False


def _flat(block: Lines, chosen: Chosen) -> FlatRows | None:
    large = len(block.data) > _LARGE
    return (
        flat_rows(block.data, block.ends + 1, chosen) if not large and block.may_be_utf8() else None
    )


def _loaded(block: Lines, python: bool = False) -> Iterator[Values]:
    """Yield the values of whole lines.

    orjson reads UTF-8 faster than Python decodes it; only what it does not take becomes text.
    All lines at once, so that what was replaced is counted however few the reader goes on to; but
    one by one the values of a large line of many, or of one that holds very many.
    """
    values: Values = []
    rows: Sequence[str | bytes] = block.utf8() or block.texts()
    for number, row in enumerate(rows, block.number):
        if not row or row.isspace():
            continue
        large = len(row) > _LARGE
        try:
            if large and _holds_too_many(row):
                raise ValueError
            values.append((number, orjson.loads(row)))
        except ValueError:
            text = row if isinstance(row, str) else block.text(row)
            if large:
                yield values
                values = []
                yield from ([(number, v)] for _, v in _stream(_Text(iter([text]), python)))
            else:
                values += [(number, value) for value in _parse_line(text, python)]
    yield values


def _holds_too_many(text: str | bytes, start: int = 0, end: int | None = None) -> bool:
    """Whether a part of a text has more than :data:`MAX_VALUES` signs that part values."""
    if isinstance(text, bytes):
        return sum(text.count(sign) for sign in (b"{", b"[", b",", b":")) > MAX_VALUES
    return sum(text.count(sign, start, end) for sign in "{[,:") > MAX_VALUES


def _parse_line(text: str, python: bool) -> Iterable[Any]:
    try:  # what came undecoded may have had broken bytes, and nothing else wrong
        return [orjson.loads(text)]
    except ValueError:
        return _parse(text, python)


def _parse(text: str, python: bool = False) -> Iterator[Any]:
    """Parse a line more tolerantly than orjson: yield the values in it (files that were put
    together without a line end have several), and Malformed where even that fails."""
    at = _skip(text, 0)
    while at < len(text):
        try:
            value, end = _TOLERANT.raw_decode(text, at)
        except (ValueError, RecursionError) as error:  # a number may have too many digits
            if python and (read := literals.read(text, at, error)).value is not None:
                value, end = read
            elif nuls := _NULS.match(text, at):  # what follows may be a row
                value, end = _invalid(text, at, error), nuls.end()
            else:
                yield _invalid(text, at, error)
                return
        yield value
        at = _skip(text, end)


def _skip(text: str, at: int) -> int:
    gap = _BETWEEN.match(text, at)
    assert gap is not None  # it matches nothing, too
    return gap.end()


def _invalid(text: str, start: int, error: Exception) -> Malformed:
    if not isinstance(error, json.JSONDecodeError):
        begins = excerpt(text[start : start + 2 * EXCERPT_CHARS])
        deep = isinstance(error, RecursionError)
        why = "nested too deeply" if deep else "a number of too many digits"
        return Malformed(
            "", "json_invalid", f"{why}: {begins}", text[start : start + READ_CHARS + 1]
        )
    at, half = error.pos - start, EXCERPT_CHARS // 2
    snippet = excerpt(text[start : error.pos + EXCERPT_CHARS], max(0, at - half), at + half)
    why = literals.why(text, error.pos)
    told = f"{error.msg} at +{at}{why}: {snippet}"
    return Malformed("", "json_invalid", told, text[start : start + READ_CHARS + 1])


_PIECE_CHARS = 1 << 16
_SHRUNK_CHARS = 1 << 13


def _cut(text: str) -> Iterator[str]:
    return (text[at : at + _PIECE_CHARS] for at in range(0, len(text), _PIECE_CHARS))


class _Text:
    """Text that comes in pieces: ``text`` is what is held of it, ``at`` the place that is next."""

    def __init__(self, pieces: Iterator[str], python: bool = False) -> None:
        self.pieces: deque[Iterator[str]] = deque([chain.from_iterable(map(_cut, pieces))])
        self.text, self.at, self.passed = "", 0, 0
        self.ended = False
        self.python = python  # whether Python dicts are looked for
        self.looked = 0  # a Python dict that began before this was looked for already
        self.open: set[int] = set()  # where objects begin that are known not to end

    @property
    def where(self) -> int:
        """The number of characters before the place that is next."""
        return self.passed + self.at

    def more(self, at_least: int = 1) -> bool:
        """Append text, drop what is behind ``at``; return whether there was any."""
        new = []
        while at_least > 0 and not self.ended:
            piece = self._piece()
            self.ended = not piece
            new.append(piece)
            at_least -= len(new[-1])
        self.passed += self.at
        self.text, self.at = "".join([self.text[self.at :], *new]), 0
        return any(new)

    def _piece(self) -> str:
        while self.pieces:
            if piece := next(self.pieces[0], ""):
                return piece
            self.pieces.popleft()
        return ""

    def shrink(self) -> None:
        """Hold no more than is needed: an error takes time for all that is held before it."""
        if self.at > _SHRUNK_CHARS or len(self.text) > 4 * _PIECE_CHARS:
            end = self.at + _SHRUNK_CHARS
            if end < len(self.text):
                self.pieces.appendleft(_cut(self.text[end:]))
                self.ended = False
            self.passed += self.at
            self.text, self.at = self.text[self.at : end], 0

    def double(self) -> bool:
        """Hold twice as much, so that reading again takes linear time in all; False at the end,
        and where the value that begins here would be longer than one may be."""
        return not self._too_large() and self.more(len(self.text) - self.at)

    def _too_large(self, end: int | None = None) -> bool:
        """Whether what is held up to ``end``, or all of it, is more than one value may be."""
        end = len(self.text) if end is None else end
        return not _fits(self.text, self.at, end) or (
            end - self.at > _LARGE and _holds_too_many(self.text, self.at, end)
        )

    def _note_open(self, error: Exception, whole: bool) -> None:
        """Remember which objects in a broken value are open where it breaks: they break there too,
        and to read each of them again would take time for every one. Of a value that is too long
        those that begin in its second half may end."""
        end = half = len(self.text)
        if isinstance(error, json.JSONDecodeError):
            end = error.pos
            if self.python and literals.may_begin(self.text, end):
                return
        elif not isinstance(error, RecursionError):
            return
        if not whole:
            half = (self.at + end) // 2
        if len(self.open) > 8 * _DEEP:
            self.open = {place for place in self.open if place > self.where}
        places = _open_at(self.text, self.at, end)
        self.open.update(self.passed + place for place in places if place < half)

    def skip(self) -> bool:
        """Pass over blanks and commas; return whether anything follows."""
        while True:
            self.at = _skip(self.text, self.at)
            if self.at < len(self.text):
                return True
            if not self.more():
                return False

    def value(self) -> Any:
        """Return the next value and pass over it; Malformed, where none is, stays before it."""
        while True:
            try:
                value, end = _TOLERANT.raw_decode(self.text, self.at)
                bare = not isinstance(value, (dict, list, str))
                if end == len(self.text) and bare and self.more():
                    continue
            except (ValueError, RecursionError) as error:  # a number may have too many digits
                near_end = getattr(error, "pos", 0) > len(self.text) - _LITERAL_CHARS
                unfinished = near_end or "Unterminated" in str(error)
                if unfinished and self.double():
                    continue
                read = literals.Read(None, self.at)
                if self.python and self.where >= self.looked:
                    read = literals.read(self.text, self.at, error)
                if read.end < 0 and self.double():
                    continue
                if read.value is None:
                    end = read.end if read.end >= 0 else len(self.text)
                    self.looked = max(self.looked, self.passed + end)
                    whole = not unfinished or not self._too_large()
                    self._note_open(error, whole)
                    return (_invalid if whole else _too_long)(self.text, self.at, error)
                value, end = read
            if self._too_large(end):
                value = _too_long(self.text, self.at)
            self.at = end
            return value


def _stream(
    given: _Text, path: tuple[str, ...] = (), nested: bool = False, ident: str = "id"
) -> Iterator[tuple[int, Any]]:
    """Yield values that follow one another, parted by commas or blanks, in a list or not.

    path:   of each object, the fields that lead to the list whose values are yielded.
    nested: whether the text begins within a list, at whose end the values end.

    Memory holds one value. After a broken one the search goes on at the next object that begins
    with a key that an object began with before, so that an error costs one value and not the
    rest of the file.
    """
    opened = nested
    firsts: set[str] = set()
    while given.skip():
        letter = given.text[given.at]
        if letter == "[" and not opened:
            opened = True
            given.at += 1
            continue
        if letter == "]" and opened:
            given.at += 1
            if nested:
                return
            opened = False  # another list may follow, where files were put together
            continue
        if letter == "{" and path:
            yield from _under(given, path, ident)
            continue
        where, begins = given.where, given.at
        if len(firsts) < 8 and (first := _FIRST_KEY.match(given.text, begins)):
            firsts.add(first[1])
        value = given.value()
        yield where, value
        if given.where == where and not _resumed(given, firsts, letter):
            return


def _resumed(given: _Text, firsts: set[str], letter: str) -> bool:
    """Pass over a broken value; return whether anything follows."""
    if letter == "\0":  # what follows a run of them may be a row
        while nuls := _NULS.match(given.text, given.at):
            given.at = nuls.end()
            if given.at < len(given.text) or not given.more():
                break
        return True
    given.at += 1
    given.shrink()
    resume = _next_object(firsts)
    while True:
        if match := resume.search(given.text, given.at):
            given.at = match.end()
            if given.where not in given.open:
                return True
            continue
        given.at = max(given.at, len(given.text) - 2 * EXCERPT_CHARS)
        if not given.more():
            given.at = len(given.text)
            return False


def _open_at(text: str, start: int, end: int) -> list[int]:
    """Return where the objects begin that the value at ``start`` has open at ``end``, or as soon
    as more brackets are open than ``_DEEP``. Up to there it is right."""
    opened: list[int] = []
    for token in _TOKEN.finditer(text, start, end):
        letter = text[token.start()]
        if letter in "{[":
            opened.append(token.start())
            if len(opened) > _DEEP:
                break
        elif letter in "}]":
            if opened:
                opened.pop()
        elif token.end() - token.start() == 1:  # a text that does not end
            break
    return [place for place in opened if text[place] == "{"]


def _under(given: _Text, path: tuple[str, ...], ident: str = "id") -> Iterator[tuple[int, Any]]:
    """Yield the values in the list to which ``path`` leads from the object that comes next; an
    object in its place is one value."""
    where = given.where
    given.at += 1
    names: list[str] = []
    found = False
    while given.skip():
        if given.text[given.at] == "}":
            given.at += 1
            if not found:
                if path[0] == _ANY:
                    return
                there = ", ".join(names[:_SHOWN_NAMES]) or "none"
                why = f"no {path[0]!r}, which rows: names; fields: {excerpt(there)}"
                yield where, Malformed("", "missing_field", why)
            return
        place = given.where
        name = given.value()
        if not isinstance(name, str) or not given.skip() or given.text[given.at] != ":":
            fault = name if isinstance(name, Malformed) else None
            yield place, fault or Malformed("", "json_invalid", f"no field: {excerpt(str(name))}")
            _resumed(given, set(), "")
            return
        given.at += 1
        names.append(name)
        if not given.skip():
            break
        letter = given.text[given.at]
        wanted = path[0] in (name, _ANY)
        if wanted and letter == "{" and len(path) > 1:
            found = True
            yield from _under(given, path[1:], ident)
        elif wanted and letter == "[" and len(path) == 1:
            found = True
            given.at += 1
            yield from _stream(given, nested=True)
        else:
            place = given.where
            value = given.value()
            if wanted and len(path) == 1:
                found = True
                named = path[0] == _ANY and isinstance(value, dict)
                yield place, {ident: name, **value} if named and ident else value
            elif isinstance(value, Malformed):
                yield place, value
            if given.where == place:
                _resumed(given, set(), "")
                return
    yield where, Malformed("", "json_invalid", "an object that does not end")


_SHOWN_NAMES = 30
_ANY = "*"
"""In a path: every field."""


def _fits(text: str, start: int, end: int) -> bool:
    """Whether this part of ``text`` has no more bytes than a record may have."""
    if (end - start) * 4 <= MAX_RECORD_BYTES:
        return True
    return len(text[start:end].encode("utf-8", "surrogatepass")) <= MAX_RECORD_BYTES


def _too_long(text: str, at: int, _: Exception | None = None) -> Malformed:
    begins = excerpt(text[at : at + 2 * EXCERPT_CHARS])
    many = (len(text) - at) * 4 <= MAX_RECORD_BYTES or _holds_too_many(text, at)
    allowed = f"{MAX_VALUES:,} names and values" if many else f"{MAX_RECORD_BYTES:,} bytes"
    told = f"more than the allowed {allowed}{_rows_hint(begins)}: {begins}"
    return Malformed("", "too_long", told)


def _rows_hint(begins: str) -> str:
    """Return what to do about an object that seems to hold all rows of a file."""
    found = _ROWS_HINT.search(begins)
    return (
        f" (are its rows in {found[1]!r}? The layout jsonl reads rows: {found[1]})" if found else ""
    )


def _next_object(firsts: set[str]) -> re.Pattern[str]:
    keys = "|".join(map(re.escape, sorted(firsts))) or r"""[^"'\\]+"""
    return re.compile(rf"""[}}\]"',]\s*(?:,\s*)?(?=\{{\s*["'](?:{keys})["']\s*:)""")

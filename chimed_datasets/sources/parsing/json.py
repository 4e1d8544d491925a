"""Rows of JSON and JSON Lines files, one by one; bad ones become Malformed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import Any

import orjson

from ...records import EXCERPT_CHARS, Malformed, excerpt
from ..files.decoding import MAX_RECORD_BYTES, Lines, line_blocks, texts
from ..files.opening import FileReport, SourceFile
from .row import KeyedRow, Keys

_TOLERANT = json.JSONDecoder(strict=False)
_BETWEEN = re.compile(r"[\s,]*")
_FIRST_KEY = re.compile(r'\{\s*"([^"\\]{1,100})"')
_LITERAL_CHARS = 16
"""An error this near to the end of what was read may be a number, word or escape cut in two."""


def json_rows(
    file: SourceFile, report: FileReport, ident: str = "id"
) -> Iterator[KeyedRow | Malformed]:
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
) -> Iterator[list[KeyedRow | Malformed]]:
    """Yield the rows of :func:`json_rows`, up to ``BLOCK_ROWS`` of them, or 1 MiB, at a time."""
    keys = Keys(file.name)
    ordinal = 0
    for unit, values in _values(file, report):
        for start in range(0, len(values), BLOCK_ROWS):
            block: list[KeyedRow | Malformed] = []
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
            for value in _stream_values(chain([head], pieces)):
                yield "character", [value]
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
    values: Values = []
    rows: Sequence[str | bytes] = block.utf8() or block.texts()
    for number, row in enumerate(rows, block.number):
        try:
            values.append((number, orjson.loads(row)))
        except ValueError:
            text = row if isinstance(row, str) else block.text(row)
            values += [(number, value) for value in _parse_line(text)]
    return values


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
    gap = _BETWEEN.match(text, at)
    assert gap is not None  # it matches nothing, too
    return gap.end()


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
            while not (match := resume.search(text, at)):
                at = max(at, len(text) - 2 * EXCERPT_CHARS)
                if not more():
                    return
            at = match.end()
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

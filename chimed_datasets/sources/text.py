"""Books as plain text or Markdown, in any Chinese encoding and either script.

split   chapters (default): a Document for each heading (第一章, 卷上, # …, 【…】 alone on a line);
        blank_lines: a Document for each block between blank lines; none: the file is one
unwrap  true: join lines that were broken at a fixed width, where the file looks like it
where   a condition on title, text, section or book; other parts of a book go to the ledger

The leaflet of a drug (【药品名称】, 【成份】, 【用法用量】 and so on) is one Document with its
headings in its text, under the drug's name; a file may hold several. So is a monograph or a formula
(【性味】, 【功效】; 【组成】, 【功用】) under the title before it.

metadata has the book (the file's name) and, where headings are of several levels, the section: the
headings above the chapter's own. Text before the first heading is a Document without a title.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Literal, NamedTuple

from ..records import Document, Malformed, Record
from .files.decoding import MAX_RECORD_BYTES, MAX_TEXT_LINES, read_text
from .files.opening import FileReport, SourceFile, inner
from .files.wrapped import is_wrapped, join_lines, width_of
from .parsing.leaflets import Leaflet, leaflets
from .parsing.ready import ChosenDocument, chosen
from .parsing.shape import first_lines, wrong_layout

SUFFIXES = (".txt", ".md")


@dataclass(frozen=True)
class Options(ChosenDocument):
    """How a file becomes documents; see the layout's description."""

    split: Literal["none", "chapters", "blank_lines"] = "chapters"
    unwrap: bool = True
    FIELDS = ("title", "text", "section", "book")


_NUMBER = r"[一二三四五六七八九十百千零〇○两兩\d]{1,7}"
_ALONE = r"(?=$|[\s\u3000])"
_LEVELS = (
    re.compile(
        rf"第{_NUMBER}[卷部集編编冊册]"
        rf"|[\u4e00-\u9fff]{{0,8}}卷[之第]?(?:{_NUMBER}|[上中下首末终終]){_ALONE}"
    ),
    re.compile(rf"第{_NUMBER}篇"),
    re.compile(
        rf"第{_NUMBER}[章回]"
        rf"|(?:[自原]?序[言文]?|前言|引言|凡例|跋|[后後][记記]|附[录錄]|目[录錄]){_ALONE}"
    ),
    re.compile(rf"第{_NUMBER}[节節]"),
    re.compile(r"【[^】]+】$"),
)
_ANY_LEVEL = re.compile("|".join(f"({level.pattern})" for level in _LEVELS))
_MARKDOWN = re.compile(r"(#{1,6})\s+(.+?)[\s#]*$")
_HEADING_CHARS = 40
_NO_HEADING_ENDS = tuple("。，；、,;：:！？!?")
_INDENT = re.compile(r"^[ \t\u3000]+", re.M)


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield the Documents of each file; a heading over nothing at all is Malformed, and
    a file of JSON or of a table."""
    return chosen(_documents(files, options, report), options)


def _documents(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    for file in files:
        book = inner(file.name).rpartition("/")[2].rpartition(".")[0]
        text = read_text(file, report)
        if found := wrong_layout(first_lines(text)):
            yield Malformed(f"{file.name}#0", "wrong_layout", found)
            continue
        large = text.count("\n") > MAX_TEXT_LINES
        width, pieces = _opened(text, options.unwrap)
        del text
        parts = _SPLITS[options.split](_squeezed(pieces) if large else pieces, book)
        for ordinal, part in enumerate(parts):
            key = f"{file.name}#{ordinal}"
            if not any(part.lines):
                yield Malformed(key, "empty_section", "/".join((*part.above, part.title or "")))
                continue
            if (size := sum(map(len, part.lines)) + part.more.chars) * 3 > MAX_RECORD_BYTES:
                yield Malformed(key, "too_long", f"{size:,} characters in one document")
                continue
            if large and (many := len(part.lines) + part.more.lines) > MAX_TEXT_LINES:
                why = f"{many:,} lines in one document, allowed {MAX_TEXT_LINES:,}"
                yield Malformed(key, "too_long", why)
                continue
            metadata = {"book": book}
            if part.above:
                metadata["section"] = "/".join(part.above)
            yield Document(key, _paragraphs(part.lines, width), part.title, metadata=metadata)


def _paragraphs(lines: list[str], width: int) -> str:
    """Return the lines as text without indents; joined where ``width`` is not 0."""
    text = "\n".join(lines).strip("\n")
    if width:
        indented = len(_INDENT.findall(text))
        # Where only some lines are indented, those begin the paragraphs.
        marks = indented < 0.8 * sum(map(bool, lines))
        text = join_lines(_INDENT.sub("\u3000" if marks else "", text), width)
    return _INDENT.sub("", text)


# --- parts -----------------------------------------------------------------------------------


class _More(NamedTuple):
    """How many lines and characters of a part are not held, since it is too long."""

    lines: int = 0
    chars: int = 0


class _Part(NamedTuple):
    """A stretch of a file, its heading and the headings above that."""

    above: tuple[str, ...]
    title: str | None
    lines: list[str]
    more: _More = _More()


def _opened(text: str, unwrap: bool) -> tuple[int, Iterator[list[str]]]:
    """Return the width that the lines of a book were broken at, 0 where they were not; and the
    lines, in pieces where there are many: each takes some 60 bytes and more, a heading some 600."""
    lines, size = text.count("\n"), MAX_TEXT_LINES // 8
    if lines <= size:
        whole = _lines(text)
        return width_of(whole) if unwrap and is_wrapped(whole) else 0, iter([whole])
    looked = text[: 2 * MAX_TEXT_LINES] if lines > MAX_TEXT_LINES else text
    wrapped = unwrap and is_wrapped(chain.from_iterable(_pieces(looked, size)))
    width = width_of(chain.from_iterable(_pieces(looked, size))) if wrapped else 0
    return width, _pieces(text, size)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.split("\n")]


def _pieces(text: str, size: int) -> Iterator[list[str]]:
    """Yield the lines of a text, in pieces of about ``size`` characters."""
    at = 0
    while at <= len(text):
        end = len(text)
        if at + size < end:
            end = text.rfind("\n", at, at + size)
            end = text.find("\n", at + size) if end < 0 else end
            end = len(text) if end < 0 else end
        yield _lines(text[at:end])
        at = end + 1


def _squeezed(pieces: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield lines with one blank line for each run of them, which count against a bound."""
    last = ""
    for lines in pieces:
        befores = [last, *lines]
        last = lines[-1]
        yield [line for line, before in zip(lines, befores, strict=False) if line or before]


def _bounded(held: list[str], more: _More) -> tuple[list[str], _More]:
    """Return what is held of a part that goes on in the next piece: no more of one that is too
    long than tells that it is not empty."""
    size = sum(map(len, held))
    if not more.lines and len(held) <= MAX_TEXT_LINES and size * 3 <= MAX_RECORD_BYTES:
        return held, more
    kept = next(([line] for line in held if line), held[:1])
    lines, chars = len(held) - len(kept), size - sum(map(len, kept))
    return kept, _More(more.lines + lines, more.chars + chars)


def _whole(pieces: Iterator[list[str]], book: str) -> Iterator[_Part]:
    held, more = next(pieces), _More()
    for lines in pieces:
        held, more = _bounded(held, more)
        held += lines
    if any(held):
        yield _Part((), book, held, more)


def _blocks(pieces: Iterator[list[str]], book: str) -> Iterator[_Part]:
    held: list[str] = []
    more = _More()
    for lines in pieces:
        for filled, block in groupby(lines, key=bool):
            if filled:
                held += block
            elif held:
                yield _Part((), None, held, more)
                held, more = [], _More()
        held, more = _bounded(held, more) if held else (held, more)
    if held:
        yield _Part((), None, held, more)


def _chapters(pieces: Iterator[list[str]], book: str) -> Iterator[_Part]:
    stack: list[tuple[int, str]] = []
    held: list[str] = []
    more = _More()
    covered = False  # the last heading has a leaflet below it

    def part() -> _Part:
        titles = [title for _, title in stack]
        return _Part(tuple(titles[:-1]), titles[-1] if titles else None, held, more)

    lines, following = next(pieces), next(pieces, None)
    while True:
        headings = _headings(lines)
        sheets = _leaflets(lines, headings)
        starts = sorted(headings.keys() | sheets.keys())
        at, end = 0, len(lines) if following is None else _last_start(lines, headings, sheets)
        while at < end:
            sheet = sheets.get(at)
            heading = headings.get(at)
            if sheet is None and heading is None:
                behind = bisect_left(starts, at)
                after = min(end, starts[behind]) if behind < len(starts) else end
                held += lines[at:after]
                at = after
                continue
            level = heading[0] if heading else len(_LEVELS)
            # A heading without text of its own is told by the chapters below it, if it has any.
            if any(held) or (stack and not covered and level <= stack[-1][0]):
                yield part()
            held, more = [], _More()
            while stack and stack[-1][0] >= level:
                stack.pop()
            if sheet is None:
                assert heading is not None
                stack.append(heading)
                covered = False
                at += 1
                continue
            titles = tuple(title for _, title in stack)
            own = [_MARKDOWN.sub(r"【\2】", line) for line in lines[at : sheet.end]]
            yield _Part(titles, sheet.title or (titles[-1] if titles else None), own)
            at, covered = sheet.end, True
        if following is None:
            break
        held, more = _bounded(held, more)
        lines, following = lines[end:] + following, next(pieces, None)
    if any(held) or (stack and not covered):
        yield part()


def _last_start(
    lines: list[str], headings: dict[int, tuple[int, str]], sheets: dict[int, Leaflet]
) -> int:
    """Return where the last chapter or leaflet of a piece begins, which may go on in the next one;
    the number of lines where nothing begins behind the first."""
    chapters = (at for at, (level, _) in headings.items() if level < len(_LEVELS))
    return max(max(chapters, default=0), max(sheets, default=0)) or len(lines)


def _leaflets(lines: list[str], headings: dict[int, tuple[int, str]]) -> dict[int, Leaflet]:
    """Return the leaflets of a book by the line that each begins with."""
    text = "\n".join(["", *lines])
    if "【" not in text and "\n#" not in text:
        return {}
    found = leaflets(lines, {at: level for at, (level, _) in headings.items()})
    return {sheet.start: sheet for sheet in found}


_SPLITS = {"none": _whole, "blank_lines": _blocks, "chapters": _chapters}


def _headings(lines: list[str]) -> dict[int, tuple[int, str]]:
    """Return the headings by their lines. One without a Chinese character is Markdown's."""
    return {
        at: found
        for at, line in enumerate(lines)
        if line and (not line.isascii() or "#" in line) and (found := _heading(line))
    }


def _heading(line: str) -> tuple[int, str] | None:
    """Return (level, title) of a heading; the smaller level stands above."""
    line = line.strip()
    if not line or len(line) > _HEADING_CHARS:
        return None
    if line[0] == "#" and (heading := _MARKDOWN.match(line)):
        return len(heading[1]), " ".join(heading[2].split())
    if not line.endswith(_NO_HEADING_ENDS) and (found := _ANY_LEVEL.match(line)):
        assert found.lastindex is not None
        return found.lastindex, " ".join(line.strip("【】").split())
    return None

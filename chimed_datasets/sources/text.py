"""Books as plain text or Markdown, in any Chinese encoding and either script.

split   chapters (default): a Document for each heading (第一章, 卷上, # …, 【…】 alone on a line);
        blank_lines: a Document for each block between blank lines; none: the file is one
unwrap  true: join lines that were broken at a fixed width, where the file looks like it

The leaflet of a drug (【药品名称】, 【成份】, 【用法用量】 and so on) is one Document with its
headings in its text, under the drug's name; a file may hold several. So is a monograph or a formula
(【性味】, 【功效】; 【组成】, 【功用】) under the title before it.

metadata has the book (the file's name) and, where headings are of several levels, the section: the
headings above the chapter's own. Text before the first heading is a Document without a title.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple

from ..records import Document, Malformed, Record
from .files.decoding import MAX_RECORD_BYTES, MAX_TEXT_LINES, read_text
from .files.opening import FileReport, SourceFile, inner
from .files.wrapped import is_wrapped, join_lines, width_of
from .parsing.leaflets import Leaflet, leaflets
from .parsing.shape import first_lines, wrong_layout

SUFFIXES = (".txt", ".md")


@dataclass(frozen=True)
class Options:
    """How a file becomes documents; see the layout's description."""

    split: Literal["none", "chapters", "blank_lines"] = "chapters"
    unwrap: bool = True


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
_MARKDOWN = re.compile(r"(#{1,6})\s+(.+?)[\s#]*$")
_HEADING_CHARS = 40
_NO_HEADING_ENDS = tuple("。，；、,;：:！？!?")
_INDENT = re.compile(r"^[ \t\u3000]+", re.M)


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield the Documents of each file; a heading over nothing at all is Malformed, and
    a file of JSON or of a table."""
    for file in files:
        book = inner(file.name).rpartition("/")[2].rpartition(".")[0]
        text = read_text(file, report)
        if found := wrong_layout(first_lines(text)):
            yield Malformed(f"{file.name}#0", "wrong_layout", found)
            continue
        if (many := text.count("\n")) > MAX_TEXT_LINES:
            why = f"{many:,} lines, allowed {MAX_TEXT_LINES:,}: part it into smaller files"
            yield Malformed(f"{file.name}#0", "too_long", why)
            continue
        lines = [line.rstrip() for line in text.split("\n")]
        width = width_of(lines) if options.unwrap and is_wrapped(lines) else 0
        for ordinal, part in enumerate(_SPLITS[options.split](lines, book)):
            key = f"{file.name}#{ordinal}"
            if not any(part.lines):
                yield Malformed(key, "empty_section", "/".join((*part.above, part.title or "")))
                continue
            if (size := sum(map(len, part.lines))) * 3 > MAX_RECORD_BYTES:
                yield Malformed(key, "too_long", f"{size:,} characters in one document")
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


class _Part(NamedTuple):
    """A stretch of a file, its heading and the headings above that."""

    above: tuple[str, ...]
    title: str | None
    lines: list[str]


def _whole(lines: list[str], book: str) -> Iterator[_Part]:
    if any(lines):
        yield _Part((), book, lines)


def _blocks(lines: list[str], book: str) -> Iterator[_Part]:
    for filled, block in groupby(lines, key=bool):
        if filled:
            yield _Part((), None, list(block))


def _chapters(lines: list[str], book: str) -> Iterator[_Part]:
    stack: list[tuple[int, str]] = []
    held: list[str] = []

    def part() -> _Part:
        titles = [title for _, title in stack]
        return _Part(tuple(titles[:-1]), titles[-1] if titles else None, held)

    headings = {at: found for at, line in enumerate(lines) if (found := _heading(line))}
    sheets = _leaflets(lines, headings)
    at, covered = 0, False  # covered: the last heading has a leaflet below it
    while at < len(lines):
        sheet = sheets.get(at)
        heading = headings.get(at)
        if sheet is None and heading is None:
            held.append(lines[at])
            at += 1
            continue
        level = heading[0] if heading else len(_LEVELS)
        # A heading without text of its own is told by the chapters below it, if it has any.
        if any(held) or (stack and not covered and level <= stack[-1][0]):
            yield part()
        held = []
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
    if any(held) or (stack and not covered):
        yield part()


def _leaflets(lines: list[str], headings: dict[int, tuple[int, str]]) -> dict[int, Leaflet]:
    """Return the leaflets of a book by the line that each begins with."""
    if not any("【" in line or line.startswith("#") for line in lines):
        return {}
    found = leaflets(lines, {at: level for at, (level, _) in headings.items()})
    return {sheet.start: sheet for sheet in found}


_SPLITS = {"none": _whole, "blank_lines": _blocks, "chapters": _chapters}


def _heading(line: str) -> tuple[int, str] | None:
    """Return (level, title) of a heading; the smaller level stands above."""
    line = line.strip()
    if not line or len(line) > _HEADING_CHARS:
        return None
    if line[0] == "#" and (heading := _MARKDOWN.match(line)):
        return len(heading[1]), " ".join(heading[2].split())
    if not line.endswith(_NO_HEADING_ENDS):
        for level, pattern in enumerate(_LEVELS, 1):
            if pattern.match(line):
                return level, " ".join(line.strip("【】").split())
    return None

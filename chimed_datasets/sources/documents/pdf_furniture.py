"""Running heads, page numbers and notes: what stands on a page beside its text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from .pdf_lines import LOWERED, RAISED, Line, Page, note_sign

EDGE = 0.14
"""Of a page's height, at its top and at its foot: where running heads are."""
_OUTER = 0.07
"""So near to the edge nothing but they is; what is further in stands apart from the text."""
_APART = 1.3
"""So many times the distance of two lines is between a head and the text."""
_NUMBER_EDGE = 0.22
"""Further in a number may be that of a page, too, if those of other pages agree."""
_TITLE, _MOST_TITLES = 40, 20_000
_ROWS = 3
_NOTE_SIZE, _TINY = 0.93, 0.85


class _Row(NamedTuple):
    """All that stands on one base line at an edge. lines: numbers of its lines on the page."""

    side: int
    level: float
    size: float
    cells: tuple[str, ...]
    lines: tuple[int, ...]

    @property
    def shape(self) -> str:
        return shape_of(" ".join(self.cells))

    @property
    def text(self) -> str:
        return "".join("".join(self.cells).split())

    @property
    def place(self) -> int:
        return round(self.level / 3)


_DIGITS = re.compile(r"\d+")
_AFTER_DI = re.compile(r"第[一二三四五六七八九十百零〇]+")
_NUMERALS = re.compile(r"[一二三四五六七八九十百零〇]{1,5}|[ivxlc]{1,7}", re.I)
_MARKS = r"[-–—·•~～_|]{0,3}"
_PAGE_NUMBER = re.compile(
    rf"{_MARKS}(?:第|page|p\.?|页码[:：]?)?#[页頁]?(?:[/,，|]?(?:共|of)?#[页頁]?)?{_MARKS}", re.I
)


_PRINTED = re.compile(r"#[/.-]#[/.-]#,?(?:上午|下午)?#:#(?:AM|PM)?|(?:file|https?)://.*")
"""What browsers print at the edges: when, and from where."""


def shape_of(text: str) -> str:
    """Return a text without blanks, with # for numbers.

    >>> shape_of("第 3 页 共 5 页"), shape_of("— 12 —"), shape_of("第三章 总论")
    ('第#页共#页', '—#—', '第#章总论')
    """
    text = "".join(unicodedata.normalize("NFKC", text[:200]).split())
    text = _DIGITS.sub("#", text)
    text = _AFTER_DI.sub("第#", text)
    bare = text.strip("-–—·•~～_|")
    return text.replace(bare, "#") if _NUMERALS.fullmatch(bare) else text


def is_page_number(shape: str) -> bool:
    return _PAGE_NUMBER.fullmatch(shape) is not None


def _number(cell: str) -> int | None:
    found = re.fullmatch(r"\D{0,3}?(\d{1,5})\D{0,3}?", cell)
    return int(found[1]) if found else None


class Furniture:
    """What comes again at the edges of a document's pages, counted over all of them."""

    def __init__(self) -> None:
        self.pages = 0
        self.shapes: Counter[tuple[int, str]] = Counter()
        self.placed: Counter[tuple[int, str, int]] = Counter()
        self.offsets: Counter[int] = Counter()
        self.largest: dict[str, float] = {}  # of short lines: text -> size
        self.lines: Counter[str] = Counter()  # the same: text with # for numbers -> how many
        self.at_edges: Counter[str] = Counter()  # of these, those at the edges
        self.samples: dict[str, str] = {}  # shape of a row -> the text of one
        self._repeated: dict[tuple[int, int], float] | None = None

    def add(self, page: Page) -> None:
        """Count the edges of a page."""
        self.pages += 1
        for row in _edge_rows(page):
            shape = row.shape
            self.shapes[row.side, shape] += 1
            self.placed[row.side, shape, row.place] += 1
            self.samples.setdefault(shape, row.text)
            self.at_edges[_DIGITS.sub("#", row.text)] += 1
            for cell in row.cells:
                if (number := _number(cell)) is not None:
                    self.offsets[number - page.number] += 1
        for line in page.lines:
            if len(line.text) <= _TITLE and len(self.largest) < _MOST_TITLES:
                text = "".join(line.text.split())
                self.largest[text] = max(line.size, self.largest.get(text, 0.0))
                self.lines[_DIGITS.sub("#", text)] += 1
        for _, number in _outermost_numbers(page):
            self.offsets[number - page.number] += 1

    def cut(self, page: Page, body: float, pitch: float) -> tuple[list[Line], list[str]]:
        """Return a page's lines without what runs over the pages, and the texts that were cut.

        body: the size of the text. pitch: the distance of two of its lines.
        """
        gone: set[int] = set()
        texts: list[str] = []
        rows = _edge_rows(page)
        for side in (0, 1):
            near = [row for row in rows if row.side == side]
            for n, row in enumerate(near):
                inner = _next_level(page, row, near[n + 1 :])
                numbered = any(is_page_number(one.shape) for one in near[:n])
                if not self._runs(page, row, body, pitch, inner, numbered):
                    break
                gone.update(row.lines)
                texts.append(" ".join(row.cells))
        for n, number in _outermost_numbers(page):
            if n not in gone and self.offsets[number - page.number] >= 2:
                gone.add(n)
                texts.append(page.lines[n].text)
        if page.vertical:  # numbers stand above and below the columns
            for n, line in enumerate(page.lines):
                outside = line.left > (1 - EDGE) * page.width or line.right < EDGE * page.width
                if outside and is_page_number(shape_of(line.text)):
                    gone.add(n)
                    texts.append(line.text)
        kept = []
        for n, line in enumerate(page.lines):
            if n not in gone:
                alone = line.beside and n - 1 in gone
                kept.append(replace(line, beside=False) if alone else line)
        return kept, texts

    def _runs(
        self, page: Page, row: _Row, body: float, pitch: float, inner: float | None, numbered: bool
    ) -> bool:
        shape = row.shape
        if is_page_number(shape):
            return row.size <= 1.5 * body
        if row.size > 1.06 * body:
            return False
        outer = _OUTER * page.height
        far_out = row.level < outer or row.level > page.height - outer
        if far_out and self.largest.get(row.text, 0.0) > 1.2 * row.size:
            return True  # it is the title of the document, or of one of its chapters
        if far_out and any(_PRINTED.fullmatch(shape_of(cell)) for cell in row.cells):
            return True
        small = row.size < 0.9 * body
        apart = far_out or inner is None or abs(inner - row.level) >= _APART * pitch
        if not (apart or small) or self._is_of_the_text(row.text):
            return False
        places = (row.place - 1, row.place, row.place + 1)
        again = sum(self.placed[row.side, shape, place] for place in places)
        if again >= 2 or self.shapes[row.side, shape] >= 3:
            edges = {n for one in _edge_rows(page) for n in one.lines}
            rest = (line.text for n, line in enumerate(page.lines) if n not in edges)
            return not any(shape_of(text) == shape for text in rest)  # or it is one of a list
        if len(row.cells) > 1 and self.pages > 1 and not numbered:
            offsets = [number - page.number for cell in (row.cells[0], row.cells[-1])
                       if (number := _number(cell)) is not None]  # fmt: skip
            least = max(2.0, 0.25 * self.pages)
            if any(self.offsets[offset] >= least for offset in offsets):
                return True
        return apart and any(self._share(row.side, place) >= 0.5 for place in places)

    def _is_of_the_text(self, text: str) -> bool:
        """Whether a line comes again and again within pages, as "Example:" does: then it is none
        that runs over them."""
        text = _DIGITS.sub("#", text)
        at_edges = self.at_edges[text]
        return self.lines[text] - at_edges > max(1, 0.5 * at_edges)

    def _share(self, side: int, place: int) -> float:
        """Return how many of the lines at a place are ones that come again."""
        if self._repeated is None:
            total: Counter[tuple[int, int]] = Counter()
            repeated: Counter[tuple[int, int]] = Counter()
            for (at, shape, where), count in self.placed.items():
                total[at, where] += count
                again = count > 1 and not self._is_of_the_text(self.samples[shape])
                repeated[at, where] += count if again else 0
            self._repeated = {key: repeated[key] / total[key] for key in total if total[key] > 3}
        return self._repeated.get((side, place), 0.0)


def _outermost_numbers(page: Page) -> list[tuple[int, int]]:
    """Return the number of the first and of the last line of a page, further in than its edges,
    where that is nothing but a number: (line, number)."""
    out = []
    for sign in (1, -1):
        n = max(range(len(page.lines)), key=lambda n: sign * page.lines[n].level, default=None)
        if n is None:
            continue
        line = page.lines[n]
        place = min(line.level, page.height - line.level) / page.height
        alone = not line.beside and not (page.lines[n + 1 : n + 2] or [line])[0].beside
        number = _number(line.text) if is_page_number(shape_of(line.text)) else None
        if EDGE <= place < _NUMBER_EDGE and alone and number is not None:
            out.append((n, number))
    return out


def _edge_rows(page: Page) -> list[_Row]:
    """Return the rows at the upper edge (side 0) and at the lower one, each from outside in."""
    out = []
    for side in (0, 1):
        lines = [
            (n, line)
            for n, line in enumerate(page.lines)
            if (line.level > (1 - EDGE) * page.height if side == 0
                else line.level < EDGE * page.height)
        ]  # fmt: skip
        lines.sort(key=lambda pair: -pair[1].level if side == 0 else pair[1].level)
        rows: list[list[tuple[int, Line]]] = []
        for pair in lines:
            if rows and abs(rows[-1][-1][1].level - pair[1].level) < 0.35 * pair[1].size:
                rows[-1].append(pair)
            else:
                rows.append([pair])
        for row in rows[:_ROWS]:
            row.sort(key=lambda pair: pair[1].left)
            out.append(
                _Row(side, row[0][1].level, max(line.size for _, line in row),
                     tuple(line.text for _, line in row), tuple(n for n, _ in row))
            )  # fmt: skip
    return out


def _next_level(page: Page, row: _Row, inner: Sequence[_Row]) -> float | None:
    """Return the level of the line that stands next to a row, further in."""
    if inner:
        return inner[0].level
    levels = [line.level for n, line in enumerate(page.lines) if n not in row.lines]
    if row.side == 0:
        return max((level for level in levels if level < row.level), default=None)
    return min((level for level in levels if level > row.level), default=None)


# --- notes -------------------------------------------------------------------------------------

_RAISED = re.compile(f"{RAISED}([^{LOWERED}]*){LOWERED}")
_SIGN = (
    r"(?:[\d\u00b2\u00b3\u00b9\u2070\u2074-\u2079]{1,3}|[\u2460-\u2473*†‡§¶]{1,3}"
    r"|[\[［〔(（]\d{1,3}[\]］〕)）])"
)
_NOTE = re.compile(rf"(?:{RAISED}\s*({_SIGN})\s*{LOWERED}|({_SIGN})(?![\d.、]))\s*")
_PLAIN_NOTE = re.compile(r"([1-9]\d{0,2})(?=[^\W\d_]|[“《(（])")


class Apart(NamedTuple):
    """A page's text, and the notes at its foot, as (sign in the text, or "", mark, lines)."""

    lines: list[Line]
    notes: list[tuple[str, str, list[Line]]]


def _mark(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip("[]〔〕() ")


def without_notes(
    lines: list[Line], body: float, unfinished: bool, number: int, last: int = 0
) -> Apart:
    """Part a page's notes from its text: lines smaller than the text at its foot, from one on that
    begins with a mark.

    body: the size of the text. unfinished: whether a note of the page before goes on here. number:
    of the first note on this page, counted over the document. last: what the note before it had for
    a mark. In the place of a mark that a note belongs to its sign stands
    (see :func:`.pdf_lines.note_sign`); other raised characters stay.

    There are files whose marks are not raised. Their notes have one number after the other, without
    a blank behind it, and the mark stands on the page behind the end of a sentence or of a bracket.
    """
    small = [line.size < _NOTE_SIZE * body for line in lines]
    marks = {_mark(m) for line in lines for m in _RAISED.findall(line.text)}
    notes: list[tuple[str, list[Line]]] = []
    taken: set[int] = set()
    n = len(lines) - 1
    while n >= 0:
        if not small[n]:
            n -= 1
            continue
        end = n
        while (
            n >= 0
            and small[n]
            and (n == end or lines[n].level > lines[n + 1].level - 0.5 or lines[n].beside)
        ):
            n -= 1
        block = range(n + 1, end + 1)
        plain = _plain_marks(lines, block, body, last)
        found = _notes_of(lines, block, marks, plain, unfinished)
        if found is not None and _is_below(lines, block, small):
            notes = found + notes
            taken.update(block[len(block) - sum(len(own) for _, own in found) :])
    signs = {mark: note_sign(number + n) for n, (mark, _) in enumerate(notes) if mark}
    used: set[str] = set()

    def sign(raised: re.Match[str]) -> str:
        mark = _mark(raised[1])
        if mark not in signs:
            return raised[1]
        used.add(mark)
        return signs[mark]

    rest = [line.text for at, line in enumerate(lines) if at not in taken]
    level = {m: place for m in signs if m not in marks and (place := _place_of(m, rest))}
    kept = []
    for at, line in enumerate(lines):
        if at not in taken:
            text = _RAISED.sub(sign, line.text)
            for mark, place in level.items():
                text, cut = place.subn(signs[mark], text)
                used.update([mark] * cut)
            kept.append(line if text == line.text else replace(line, text=text))
    bare = [
        (m, [replace(one, text=_RAISED.sub(r"\1", one.text)) for one in own]) for m, own in notes
    ]
    return Apart(kept, [(signs[m] if m in used else "", m, own) for m, own in bare])


_BEHIND_AN_END = r"(?<=[。，；：！？、）)」』》”])\s?{}(?=$|[。，；：！？、）)]|[\u3400-\u9fff]|\s)"
_ANYWHERE = r"(?:^|(?<=[^\s\d.第图表]))\s?{}(?![\d.%])"


def _place_of(mark: str, texts: Sequence[str]) -> re.Pattern[str] | None:
    """Return where in texts a mark stands that is not raised, None where that may be elsewhere."""
    if mark.isdecimal():
        for shape in (_ANYWHERE, _BEHIND_AN_END):
            place = re.compile(shape.format(mark))
            if _count(place, texts) == 1:
                return place
    return None


def _count(place: re.Pattern[str], texts: Iterable[str]) -> int:
    return sum(len(place.findall(text)) for text in texts)


def _plain_marks(lines: list[Line], block: range, body: float, last: int) -> set[str]:
    """Return the marks of notes in a block of small lines that are not raised: see
    :func:`without_notes`."""
    numbers: list[int] = []
    for at in block:
        found = _PLAIN_NOTE.match(lines[at].text)
        number = int(found[1]) if found else 0
        if number and (not numbers or number == numbers[-1] + 1):
            numbers.append(number)
    if not numbers:
        return set()
    rest = [line.text for at, line in enumerate(lines) if at not in block]
    sure = _count(re.compile(_BEHIND_AN_END.format(numbers[0])), rest) == 1
    if not sure and numbers[0] in (last + 1, 1):
        many = len(numbers) > 1 or lines[block[-1]].size < _TINY * body
        sure = many and all(_count(re.compile(_ANYWHERE.format(n)), rest) for n in numbers)
    return set(map(str, numbers)) if sure else set()


def _notes_of(
    lines: list[Line], block: range, marks: set[str], plain: set[str], unfinished: bool
) -> list[tuple[str, list[Line]]] | None:
    """Return the notes in a block of small lines, or None where it has none.

    marks: that stand raised on the page. plain: see :func:`_plain_marks`.
    """
    notes: list[tuple[str, list[Line]]] = []
    begins = {at: found for at in block if (found := _NOTE.match(lines[at].text))}
    raised = {_mark(found[1]) for found in begins.values() if found[1]}
    for at in block:
        line, found = lines[at], begins.get(at)
        mark = _mark(found[1] or found[2]) if found else ""
        if found and (
            found[1]
            or (mark in marks and mark not in raised)
            or (mark in plain and _PLAIN_NOTE.match(line.text))
        ):
            notes.append((mark, [replace(line, text=line.text[found.end() :])]))
        elif notes:
            notes[-1][1].append(line)
        elif unfinished and at == block.start:
            notes.append(("", [line]))
    return notes or None


def _is_below(lines: list[Line], block: range, small: list[bool]) -> bool:
    """Whether no line of the text stands below a block in its column."""
    first = lines[block.start]
    left = min(lines[at].left for at in block)
    right = max(lines[at].right for at in block)
    return not any(
        line.level < first.level and line.left < right and line.right > left
        for at, line in enumerate(lines)
        if not small[at] and not line.beside
    )

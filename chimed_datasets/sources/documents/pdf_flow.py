"""Lines become headings and paragraphs, joined as a person would.

A line that fills its column goes on in the next, unless that is indented, begins with a bullet or a
number, stands further below or is of another size.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from .pdf_glyphs import Mark
from .pdf_lines import BULLET, HYPHENED, NOTE_SIGN, NUMBERED, Line, Page, bare
from .sections import Block

HEADING = 1.1
"""Headings are so many times as large as the text."""
_LONGEST = 80
"""Characters of a heading."""
_GAP = 1.25
"""So many times the distance of two lines parts paragraphs."""
_MOST_HYPHENED = 20_000
_STEP = 10
"""Between the levels of the outline, for headings that are not in it."""


class Flow(NamedTuple):
    """Lines one below the other: a column of a page, or what a cell holds."""

    lines: list[Line]
    left: float
    right: float


def flows(lines: Sequence[Line]) -> list[Flow]:
    """Return the columns of lines in the order of reading."""
    out: list[list[Line]] = []
    last: Line | None = None
    for line in lines:
        if line.beside and out:
            out[-1].append(line)
            continue
        if (
            last is None
            or line.level > last.level + 0.5 * line.size
            or min(line.right, last.right) < max(line.left, last.left)
        ):
            out.append([])
        out[-1].append(line)
        last = line
    return [Flow(own, *_edges(own)) for own in out]


def _edges(lines: Sequence[Line]) -> tuple[float, float]:
    """Return where a column begins and ends: there at least two lines of it do, if it has many."""
    whole = _whole(lines) or [line for line in lines if not line.beside] or list(lines)
    lefts = sorted(line.left for line in whole)
    rights = sorted((line.core for line in whole), reverse=True)
    em = max(line.size for line in whole)
    least = max(2, 0.12 * len(whole))
    left = next((x for x, y in pairwise(lefts) if y - x < 2), lefts[0])
    for n, right in enumerate(rights):
        if sum(other > right - em for other in rights[n:]) >= least:
            return left, right
    return left, rights[0]


def _whole(lines: Sequence[Line]) -> list[Line]:
    """Return the lines that are no cells of a row."""
    follows = [line.beside for line in lines[1:]] + [False]
    return [line for line, row in zip(lines, follows, strict=True) if not (line.beside or row)]


@dataclass
class Layout:
    """What is counted over all pages of a document."""

    sizes: Counter[float] = field(default_factory=Counter)
    steps: Counter[float] = field(default_factory=Counter)
    columns: Counter[tuple[int, int]] = field(default_factory=Counter)
    headings: Counter[float] = field(default_factory=Counter)
    near: int = 0
    full: int = 0
    within: int = 0
    places: Counter[int] = field(default_factory=Counter)
    depths: dict[float, Counter[int]] = field(default_factory=dict)
    hyphened: set[str] = field(default_factory=set)
    """What is written with a hyphen within a line, in small letters, two parts each: apt-get."""

    def size_of_depth(self, depth: int) -> float:
        """Return the size that most headings at a depth of the outline have, 0 without any."""
        sizes = {size: counts[depth] for size, counts in self.depths.items() if counts[depth]}
        return max(sizes, key=lambda size: sizes[size], default=0.0)

    def add(self, page: Page, marks: Sequence[Mark]) -> None:
        """Count a page's lines. marks: those of the outline that lead to it."""
        titles = [(_squeezed(mark.title), mark.depth) for mark in marks]
        for line in page.lines:
            size = _bin(line.size)
            self.sizes[size] += len(line.text)
            if "-" in line.text and len(self.hyphened) < _MOST_HYPHENED:
                self.hyphened.update(
                    f"{found[0]}-{found[1]}".lower() for found in _PAIR.finditer(line.text)
                )
            if len(line.text) <= _LONGEST:
                self.headings[size] += 1
                text = _squeezed(line.text) if titles else ""
                for title, depth in titles:
                    if _names(text, title):
                        self.depths.setdefault(size, Counter())[depth] += 1
        for flow in flows(page.lines):
            whole = _whole(flow.lines)
            if len(whole) >= 4:
                self.columns[round(flow.left), round(flow.right)] += len(whole)
                near, full = _ends(whole, flow.right)
                self.near += near
                self.within += sum(
                    "\u3400" <= line.text[-1] < "\ufe00"
                    for line in whole
                    if line.right > flow.right - 5 * line.size
                )
                self.full += full
                self.places.update(_places(line, flow.left) for line in whole)
            for above, below in pairwise(whole):
                if abs(above.size - below.size) < 0.05 * below.size:
                    step = (above.level - below.level) / below.size
                    if 0.8 < step < 3:
                        self.steps[round(step * 20) / 20] += 1

    @property
    def body(self) -> float:
        """The size of the text."""
        return self.sizes.most_common(1)[0][0] if self.sizes else 10.0

    @property
    def step(self) -> float:
        """The distance of two lines, in sizes of their letters."""
        if not self.steps:
            return 1.5
        most = max(self.steps.values())
        return min(step for step, count in self.steps.items() if count > 0.4 * most)

    def levels(self) -> dict[float, int]:
        """Return the level of the headings of each size."""
        body = self.body
        total = self.sizes[body]
        sizes = sorted(
            (size for size in self.headings
             if size > HEADING * body and size > body + 0.7 and self.sizes[size] < 0.3 * total),
            reverse=True,
        )  # fmt: skip
        out: dict[float, int] = {}
        rank, last = 0, 0.0
        for size in sizes:
            if not out or last - size > 0.03 * size:
                rank += 1
            out[size] = rank * _STEP
            last = size
        voted = {s: c.most_common(1)[0][0] * _STEP for s, c in self.depths.items() if s in out}
        if not voted:
            return out
        for size in sizes:
            below = [other for other in voted if other <= size]
            nearest = voted[max(below)] - _STEP // 2 if below else max(voted.values()) + _STEP // 2
            out[size] = voted.get(size, nearest)
        return out

    def edges(self, flow: Flow) -> tuple[float, float]:
        """Return the edges of the column that a flow stands in: of a few lines alone they cannot
        be told."""
        whole = _whole(flow.lines)
        em = flow.lines[0].size
        for (left, right), count in self.columns.most_common(1):
            ending = sum(abs(line.right - right) < 1 for line in whole)
            usual = abs(left - flow.left) < em and count > 3 * len(whole)
            if usual and right < flow.right and ending >= max(2, 0.2 * len(whole)):
                return min(float(left), flow.left), float(right)  # some lines run over the edge
        full = sum(abs(line.right - flow.right) < 1.2 * em for line in whole)
        if len(whole) >= 4 and full >= 0.6 * len(whole):
            return flow.left, flow.right
        best, most = None, 0
        for (left, right), count in self.columns.items():
            inside = left - em < flow.left and flow.right < right + 0.7 * em
            if inside and flow.left < left + 0.4 * (right - left) and count > most:
                best, most = (float(left), float(right)), count
        if best is None or most < len(whole):
            return flow.left, flow.right
        return min(best[0], flow.left) if flow.left > best[0] - 2 else flow.left, best[1]


def _bin(size: float) -> float:
    return round(size * 4) / 4


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _names(text: str, title: str) -> bool:
    """Whether a line is the heading that a mark of the outline names, both without blanks; a number
    may stand before, but no bullet: that is an item of a list of headings."""
    if text == title:
        return True
    if BULLET.match(text):
        return False
    longer, shorter = (text, title) if len(text) > len(title) else (title, text)
    before = longer[: len(longer) - len(shorter)]
    return len(shorter) > 1 and longer.endswith(shorter) and _BEFORE.fullmatch(before) is not None


_BEFORE = re.compile(
    r"[（(§]?(?:第|卷|附录|附錄|chapter|part|appendix|section)?[\dA-Zivx一二三四五六七八九十百零〇.．-]{0,8}"
    r"[章节節篇编編部卷回讲講课課]?[、.．:：)）]?",
    re.I,
)


# --- joining -----------------------------------------------------------------------------------

_ENDS = "。！？!?；;：:…”’」』）)】."
_STOPS = "。！？!?…；;：:"


class _Setting(NamedTuple):
    """How the lines of a column are set.

    justified: most end where it ends. counted: how many characters most full lines have, where
    they agree; 0 else. There are files whose lines have one number of characters however wide.
    """

    justified: bool
    counted: int


@dataclass
class _Paragraph:
    """Lines that were joined so far."""

    text: str
    last: Line
    page: int
    left: float
    right: float
    setting: _Setting
    first_left: float
    row_level: float
    rest_left: float | None = None
    count: int = 1
    row: bool = False


class Joined(NamedTuple):
    """A paragraph. size: of its letters. lines: of how many it was made."""

    text: str
    size: float
    page: int
    lines: int


def _is_latin(sign: str) -> bool:
    return sign < "\u2e80" and not sign.isspace()


_PAIR = re.compile(r"(?<![A-Za-z\d])[A-Za-z\d]{1,40}(?=-([A-Za-z\d]{1,40}))")
_LAST_PART, _FIRST_PART = re.compile(r"[A-Za-z\d]{1,40}$"), re.compile(r"[A-Za-z\d]{1,40}")


def _keeps_hyphen(text: str, line: Line, hyphened: Collection[str]) -> bool:
    """Whether the hyphen at the end of a line is one of the word: that has it elsewhere, too, or
    stands in an address."""
    last, first = _LAST_PART.search(text), _FIRST_PART.match(line.text)
    if last is None or first is None:
        return True
    if f"{last[0]}-{first[0]}".lower() in hyphened:
        return True
    return not first[0][0].islower() or "://" in text.rsplit(maxsplit=1)[-1]


def seam(text: str, line: Line, hyphened: Collection[str] = ()) -> str:
    """Return a text with the next line behind it. hyphened: see :attr:`Layout.hyphened`."""
    if text.endswith(HYPHENED):
        hyphen = "-" if _keeps_hyphen(text[:-1], line, hyphened) else ""
        return text[:-1] + hyphen + line.text
    if text.endswith("/-") and "://" in text.rsplit(maxsplit=1)[-1] and line.text[:1].isalnum():
        return text[:-1] + line.text  # TeX breaks an address there, and writes a hyphen
    if not bare(text) or not line.text:
        return text + line.text
    last, first = bare(text)[-1], line.text[0]
    if _is_latin(last) and _is_latin(first) and last not in "—…“‘" and first not in "—…”’":
        word = text.rsplit(maxsplit=1)[-1]
        address = last in "/-_=&?" or ("://" in word and not line.spaced)
        return f"{text}{'' if address and not line.spaced else ' '}{line.text}"
    if line.spaced and _is_latin(last) != _is_latin(first):
        return f"{text} {line.text}"
    return text + line.text


def joined(pages: Iterable[Page], layout: Layout) -> Iterator[Joined]:
    """Yield the paragraphs of pages. Behind a page that is left out none goes on."""
    step, before = layout.step, 0
    held: _Paragraph | None = None
    for page in pages:
        if page.number != before + 1 and held is not None:
            yield _told(held)
            held = None
        before = page.number
        margin = _wide_margin(page, layout)
        cells = _cell_edges(page)
        for flow in flows(page.lines):
            left, right = layout.edges(flow)
            setting = _setting(flow, left, right, layout)
            if right < margin:
                right, setting = margin, _Setting(True, 0)
            follows = [line.beside for line in flow.lines[1:]] + [False]
            for at, line in enumerate(flow.lines):
                new_flow = at == 0
                if held is not None and (line.beside or _is_cell(held, line, new_flow, page, step)):
                    held.text = f"{held.text} {line.text}"
                    held.row, held.last = True, line
                    continue
                if held is not None and not follows[at] and _fills_cell(held, line, cells, step):
                    held.text, held.last = seam(held.text, line, layout.hyphened), line
                    continue
                if (
                    held is not None
                    and not follows[at]
                    and _goes_on(held, line, left, right, new_flow, step)
                ):
                    held.text = seam(held.text, line, layout.hyphened)
                    at_rest = line.left - left
                    if line.text[0] in _OPENING and -0.75 * line.size < at_rest < 0:
                        at_rest = 0.0
                    held.rest_left = at_rest
                    held.last, held.left, held.right, held.setting = line, left, right, setting
                    held.count += 1
                    continue
                if held is not None:
                    yield _told(held)
                held = _Paragraph(
                    line.text, line, page.number, left, right, setting, line.left - left, line.level
                )
    if held is not None:
        yield _told(held)


def _wide_margin(page: Page, layout: Layout) -> float:
    """Return where the lines of a page would end if its margins were alike, where the right one is
    by far the wider on all pages, and hardly a line ends within a sentence: they are short and not
    full, as those of code or of a poem. 0 else."""
    if layout.within > 0.4 * layout.near:
        return 0.0
    left = min((line.left for line in page.lines), default=0.0)
    right = max((line.right for line in page.lines), default=page.width)
    right = max(right, *(right for _, right in layout.columns)) if layout.columns else right
    return page.width - left if page.width - right > left + 0.2 * page.width else 0.0


def _told(held: _Paragraph) -> Joined:
    text = held.text.replace(HYPHENED, "-").strip()
    if (bullet := BULLET.match(text)) and text[bullet.end() :].strip():
        text = f"{bullet[0]} {text[bullet.end() :].strip()}"
    return Joined(text, held.last.size, held.page, held.count)


def _setting(flow: Flow, left: float, right: float, layout: Layout) -> _Setting:
    """Return how a column is set; of a few lines alone this cannot be told."""
    whole = _whole(flow.lines)
    near, full = _ends(whole, right)
    places = Counter(_places(line, left) for line in whole)
    if near < 12:
        near, full = layout.near, layout.full
    if len(whole) < 12:
        places = layout.places
    most, _ = max(places.items(), key=lambda pair: (pair[1], pair[0]), default=(0, 0))
    same = sum(count for number, count in places.items() if abs(number - most) <= 1)
    counted = most if most > 8 and same >= max(4, 0.5 * places.total()) else 0
    return _Setting(full >= 0.7 * near, counted)


def _ends(lines: Sequence[Line], right: float) -> tuple[int, int]:
    """Return how many lines end near the edge of their column, and how many of these at it."""
    near = [line for line in lines if line.right > right - 5 * line.size]
    full = sum(
        min(abs(line.right - right), abs(line.core - right)) < 0.3 * line.size for line in near
    )
    return len(near), full


def _places(line: Line, left: float) -> int:
    """Return how many characters a line has, its indent as well."""
    return len(line.text) + max(round((line.left - left) / line.size), 0)


def _is_cell(held: _Paragraph, line: Line, new_flow: bool, page: Page, step: float) -> bool:
    """Whether a line is the next cell of a row whose cells are drawn one after another."""
    if not new_flow or line.left < held.last.right or held.count > 6 or held.page != page.number:
        return False
    far = abs(line.level - held.row_level)
    if far < 0.3 * line.size:
        return held.row or held.count == 1 or held.last.right < held.right - 1.5 * line.size
    # a cell of one line stands in the middle of a row of several
    narrow = held.last.right - held.last.left < 0.3 * page.width
    return (
        narrow
        and (held.row or held.count == 1)
        and far < 4 * step * line.size
        and (line.level > held.last.level - 0.3 * line.size)
    )


def _cell_edges(page: Page) -> dict[int, float]:
    """Return where the cells of a page's tables end, by where they begin; empty without any."""
    edges: dict[int, float] = {}
    if any(line.beside for line in page.lines):
        for line in page.lines:
            place = round(line.left / 2)
            edges[place] = max(line.right, edges.get(place, 0.0))
    return edges


def _fills_cell(held: _Paragraph, line: Line, cells: dict[int, float], step: float) -> bool:
    """Whether a line goes on with the last cell of a row: it stands below it, and that is full."""
    last, em = held.last, held.last.size
    if not held.row or abs(line.left - last.left) > 0.3 * em or abs(line.size - em) > 0.07 * em:
        return False
    below = 0 < last.level - line.level < _GAP * step * em
    edge = cells.get(round(last.left / 2), last.right)
    return below and edge - last.right < max(min(line.first, 2.2 * em), em) + 0.1 * em


def _is_full(held: _Paragraph, line: Line, stops: bool) -> bool:
    """Whether the last line was ended by the edge of its column: what the next one begins with
    would not have fitted. Where lines end unevenly, one that is long and ends within a sentence is
    full, too."""
    last, em = held.last, held.last.size
    room = held.right - last.right
    counted = held.setting.counted
    if held.setting.justified:
        if room < max(min(line.first, 2.2 * em), em) + 0.1 * em:
            return True
        return not stops and 0 < counted <= _places(last, held.left) and room < 5 * em
    if counted and _places(last, held.left) >= counted - 1:
        return True
    if room < max(line.first, em) + 0.1 * em:
        return True
    within = not stops and last.text[-1] not in _ENDS
    return within and room < min(0.25 * (held.right - held.left), 5 * em)


def _goes_on(
    held: _Paragraph, line: Line, left: float, right: float, new_flow: bool, step: float
) -> bool:
    """Whether a line goes on with the paragraph before it."""
    last = held.last
    em = last.size
    if held.row or abs(line.size - em) > 0.07 * em or BULLET.match(line.text):
        return False
    if not new_flow and last.level - line.level > _GAP * step * em:
        return False
    if _LEADERS.search(last.text):
        return False
    end = bare(last.text)[-1:]
    stops = end != "" and end in _STOPS
    if not _is_full(held, line, stops):
        return False
    if NUMBERED.match(line.text) and (stops or end in _ENDS):
        return False
    at = line.left - left
    if held.rest_left is not None:
        if _aligned(at, held.rest_left, line):  # two indents may be nearly the same
            exact = abs(at - held.rest_left) < 0.02 * em + 0.2
            return not stops or new_flow or exact or line.text[0] in _OPENING
        return new_flow and not stops and _aligned(at, 0.0, line)
    hang = last.hang - last.left
    if hang > 0 and _aligned(at, held.first_left + hang, line):
        return True
    if _aligned(at, held.first_left, line):  # both are indented, or none is
        return at < em or at > _BOX * em or not stops
    if at < held.first_left:  # the first line was indented
        return True
    return hang > 0 and at - held.first_left < 3.5 * em and not stops


_BOX = 3.5
"""In ems: lines that stand further in are those of a box, and not the first of paragraphs."""
_OPENING = "（［〔【《〈「『“‘(["


def _aligned(at: float, place: float, line: Line) -> bool:
    """Whether a line begins at a place; an opening bracket may stand half a character before."""
    shift = at - place
    least = -0.75 if line.text[0] in _OPENING else -0.6
    return least * line.size < shift < 0.6 * line.size


_LEADERS = re.compile(r"(?:\.{4}|(?:\. ){4}|…{2}|·{4}|-{6}|_{6})\s*\d*$")


# --- headings ----------------------------------------------------------------------------------

_CHAPTER = re.compile(
    r"第[\s\d一二三四五六七八九十百零〇]{1,8}[章节篇编部卷回]|附录\s?[A-Z一二三四五]?"
    r"|(?:chapter|part)\s?(?:\d{1,3}|[ivx]{1,6})|appendix\s?[a-z]",
    re.I,
)


def blocks(
    paragraphs: Iterable[Joined], layout: Layout, outline: Sequence[Mark]
) -> Iterator[Block]:
    """Yield headings and paragraphs. A heading is what the outline names on its page, and what is
    larger than the text."""
    levels = layout.levels()
    marks: dict[int, list[Mark]] = {}
    for mark in outline:
        marks.setdefault(mark.page, []).append(mark)
    held: Block | None = None
    held_size = 0.0
    for one in paragraphs:
        level = _level(one, levels, marks.get(one.page, ()), layout)
        if held is not None:
            more = level and one.page == held.page and abs(one.size - held_size) < 0.03 * held_size
            more = more and not (NUMBERED.match(held.text) and NUMBERED.match(one.text))
            number = level and one.page == held.page and _CHAPTER.fullmatch(held.text)
            if ((more and level >= held.level) or number) and len(held.text) + len(
                one.text
            ) < _LONGEST:
                blank = (
                    " " if number or (_is_latin(held.text[-1]) and _is_latin(one.text[0])) else ""
                )
                both = f"{held.text}{blank}{one.text}"
                held = Block(min(held.level, level), both, held.page)
                continue
            yield held
            held = None
        if level:
            held, held_size = Block(level, one.text, one.page), one.size
        else:
            yield Block(0, one.text, one.page)
    if held is not None:
        yield held


def _level(one: Joined, levels: dict[float, int], marks: Sequence[Mark], layout: Layout) -> int:
    if len(one.text) > _LONGEST or not any(sign.isalnum() for sign in one.text):
        return 0
    text = _squeezed(NOTE_SIGN.sub("", one.text)) if marks else ""
    for mark in marks:
        if _names(text, _squeezed(mark.title)):
            larger = one.size > 1.15 * layout.size_of_depth(mark.depth) > 0
            return mark.depth * _STEP - (_STEP // 2 if larger else 0)
    return levels.get(_bin(one.size), 0)

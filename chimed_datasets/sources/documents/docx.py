"""The text of a Word document (DOCX) as headings, paragraphs, rows of tables and notes.

Tracked changes are taken as accepted, hidden text and the table of contents are left out. A text
box is read once, behind the paragraph that it is tied to.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import BinaryIO, NamedTuple

from ...lang import _
from .containers import Container
from .markup import Element, child, get, local, stream, tree
from .numerals import label_of
from .sections import NOTE, Block

_GONE = {"del", "moveFrom", "delText", "delInstrText", "instrText", "pPr", "rPr", "rt", "sdtPr",
         "sdtEndPr", "proofErr", "annotationRef", "tblPr", "trPr", "tcPr", "fldData"}  # fmt: skip
_HOLDERS = ("p", "tbl", "sdt", "customXml", "ins", "del", "moveFrom", "moveTo", "AlternateContent")
"""What stands in a body."""
_BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "ptab": "\t", "noBreakHyphen": "-"}
_NOTES = {"footnoteReference": "footnotes", "endnoteReference": "endnotes"}
_HEADING = re.compile(r"(?:heading|标题)\s?([1-9])", re.I)
_CONTENTS = re.compile(r"(?:toc|目录)\s?\d|toc heading|table of figures", re.I)
_SYMBOLS = dict(zip(b"abgdezhqiklmnxoprstufcyw", "αβγδεζηθικλμνξοπρστυφχψω", strict=True)) | dict(
    zip(b"ABGDEZHQIKLMNXOPRSTUFCYW", "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", strict=True)
) | {0xB0: "°", 0xB1: "±", 0xA3: "≤", 0xB3: "≥", 0xB4: "×", 0xB8: "÷", 0xB7: "•", 0xAE: "→",
     0xAD: "↑", 0xAF: "↓", 0xB9: "≠", 0xBB: "≈", 0xA5: "∞"}  # fmt: skip
"""Signs of the font Symbol that stand for others."""
_TICKS = {0xFE: "☑", 0xFC: "✓", 0xA8: "□", 0x6F: "□", 0x6C: "●", 0x6E: "■", 0xD8: "➢", 0xFD: "☒"}
_HEADING_CHARS = 60
_STOPS = "。！？；，,;!?：:"
_LARGER = 1.12
"""A heading without a style is so many times as large as the text."""


@dataclass
class _Style:
    name: str = ""
    based_on: str = ""
    level: int | None = None  # of its outline, from 0
    size: float | None = None  # in half points
    numbering: tuple[str, int] | None = None  # numId, level
    hidden: bool = False


@dataclass
class _List:
    """counters: level -> number that was given last."""

    levels: dict[int, tuple[str, str, int, bool]] = field(default_factory=dict)
    counters: Counter[int] = field(default_factory=Counter)


class _Paragraph(NamedTuple):
    """text: without its label. level: of a heading, 0 for none. size: of its letters in half
    points, 0 where it is not known."""

    text: str
    level: int
    size: float


class Docx:
    """A document. ``blocks`` yields its headings, paragraphs and notes.

    Raises what :class:`.containers.Container` does, and ValueError where it is damaged.
    """

    def __init__(self, container: Container, *, labels: bool, ruby: bool) -> None:
        self.container, self.labels, self.ruby = container, labels, ruby
        self.home = self._home()
        self.folder = self.home.rpartition("/")[0]
        self.styles = self._styles()
        self.default = next((key for key, s in self.styles.items() if s.name == "normal"), "")
        self.lists: dict[str, _List] = {}
        self._numbering()
        self.notes = {kind: self._notes(kind) for kind in ("footnotes", "endnotes")}
        self.fields: list[list[str]] = []  # of each open field: its instruction, "" or "shown"
        self.found: list[str] = []  # notes that the paragraph refers to
        self.boxes: list[Element] = []

    @property
    def title(self) -> str:
        """The title that the document says of itself, or ""."""
        if self.container.find("docProps/core.xml") is None:
            return ""
        try:
            about = tree(self.container.read("docProps/core.xml"))
        except ValueError:
            return ""
        title = child(about, "title")
        return " ".join((title.text or "").split()) if title is not None else ""

    def _home(self) -> str:
        if self.container.find("_rels/.rels"):
            for one in tree(self.container.read("_rels/.rels")):
                if get(one, "Type").endswith("/officeDocument"):
                    return get(one, "Target").lstrip("/")
        return "word/document.xml"

    def _part(self, name: str) -> Element | None:
        place = f"{self.folder}/{name}.xml".lstrip("/")
        if self.container.find(place) is None:
            return None
        return tree(self.container.read(place))

    # --- styles and lists

    def _styles(self) -> dict[str, _Style]:
        root = self._part("styles")
        styles: dict[str, _Style] = {}
        for one in root if root is not None else ():
            if local(one) != "style" or get(one, "type", "paragraph") != "paragraph":
                continue
            style = _Style()
            for part in one:
                name = local(part)
                if name == "name":
                    style.name = get(part, "val").lower()
                elif name == "basedOn":
                    style.based_on = get(part, "val")
                elif name == "pPr":
                    style.level = _outline(part)
                    style.numbering = _numbered(part)
                elif name == "rPr":
                    style.size = _size(part)
                    style.hidden = _is_on(child(part, "vanish"))
            styles[get(one, "styleId")] = style
        return styles

    def _chain(self, key: str) -> Iterator[_Style]:
        """Yield a style and those that it is based on."""
        seen: set[str] = set()
        key = key or self.default
        while key in self.styles and key not in seen:
            seen.add(key)
            yield self.styles[key]
            key = self.styles[key].based_on

    def _level(self, properties: Element | None, key: str) -> int:
        """Return the level of a heading, from 1 (a title), or 0 for a paragraph."""
        own = _outline(properties) if properties is not None else None
        named = self.styles.get(key or self.default)
        if own is None and named is not None and named.name == "title":
            return 1  # what is based on it may be an author's name
        if own is not None:
            return own + 2 if own < 9 else 0
        for style in self._chain(key):
            if style.level is not None:
                return style.level + 2 if style.level < 9 else 0
            if found := _HEADING.fullmatch(style.name):
                return int(found[1]) + 1
        return 0

    def _numbering(self) -> None:
        root = self._part("numbering")
        drafts: dict[str, dict[int, tuple[str, str, int, bool]]] = {}
        for one in root if root is not None else ():
            if local(one) == "abstractNum":
                levels = (part for part in one if local(part) == "lvl")
                drafts[get(one, "abstractNumId")] = dict(map(_list_level, levels))
            elif local(one) == "num":
                draft = child(one, "abstractNumId")
                levels_ = dict(drafts.get(get(draft, "val") if draft is not None else "", {}))
                for change in one:
                    if local(change) != "lvlOverride":
                        continue
                    at = _number(get(change, "ilvl"))
                    if (own := child(change, "lvl")) is not None:
                        levels_[at] = _list_level(own)[1]
                    if (start := child(change, "startOverride")) is not None and at in levels_:
                        kind, text, __, legal = levels_[at]
                        levels_[at] = (kind, text, _number(get(start, "val")), legal)
                self.lists[get(one, "numId")] = _List(levels_)

    def _label(self, properties: Element | None, key: str) -> str:
        """Return what stands before a paragraph of a list, and count on."""
        numbered = _numbered(properties) if properties is not None else None
        if numbered is None:
            numbered = next((s.numbering for s in self._chain(key) if s.numbering), None)
        if numbered is None or numbered[0] not in self.lists:
            return ""
        of, level = self.lists[numbered[0]], numbered[1]
        if level not in of.levels:
            return ""
        for deeper in [at for at in of.counters if at > level]:
            del of.counters[deeper]
        start = of.levels[level][2]
        of.counters[level] = of.counters[level] + 1 if level in of.counters else start
        if not self.labels:
            return ""
        kind, text, __, legal = of.levels[level]
        if kind == "bullet":
            return f"{'  ' * level}• "
        if kind == "none" and "%" not in text:
            return text

        def number(found: re.Match[str]) -> str:
            at = int(found[1]) - 1
            if at not in of.levels:
                return ""
            shown = "decimal" if legal else of.levels[at][0]
            return label_of(of.counters.get(at, of.levels[at][2]), shown)

        label = re.sub(r"%([1-9])", number, text).strip()
        apart = "" if not label or label[-1] in "、）】．。" else " "
        return f"{'  ' * level}{label}{apart}"

    # --- notes

    def _notes(self, kind: str) -> dict[str, Element]:
        root = self._part(kind)
        return {
            get(one, "id"): one
            for one in (root if root is not None else ())
            if not get(one, "type") or get(one, "type") == "normal"
        }

    def _note(self, kind: str, key: str) -> str:
        element = self.notes[kind].pop(key, None)  # each is read once
        if element is None:
            return ""
        parts = [block.text for block in self._blocks_in(element, inside=True)]
        return " ".join(filter(None, (part.strip() for part in parts)))

    # --- blocks

    def blocks(self, headings: bool) -> Iterator[Block]:
        """Yield headings, paragraphs and notes in their order.

        headings: whether there are any; where no style names one, those that are larger than the
        text are.
        """
        with self.container.open(self.home) as source:
            paragraphs = list(self._blocks_in(_top(source), inside=False))
        levels: dict[float, int] = {}
        if not any(block.level > 0 for block in paragraphs):
            levels = _levels_by_size(paragraphs)
        for block in paragraphs:
            level = block.level
            if level == 0 and levels and _may_head(block):
                level = levels.get(block.size, 0)
            if level > 0 and not headings:
                level = 0
            if block.text.strip():
                yield Block(level, block.text.strip("\n"))

    def _blocks_in(self, parent: Iterable[Element], inside: bool) -> Iterator[_Paragraph]:
        """Yield what stands in a body, a cell or a note. inside: in one of the latter, where there
        are no headings."""
        before = ""  # of a paragraph whose end was deleted
        for one in _children(parent):
            name = local(one)
            if name == "p":
                properties = child(one, "pPr")
                found, self.found = self.found, []
                boxes, self.boxes = self.boxes, []
                made = self._paragraph(one, properties)
                notes, self.found = self.found, found
                own, self.boxes = self.boxes, boxes
                if made is not None:
                    if before:
                        made = made._replace(text=before + made.text)
                        before = ""
                    if _end_is_deleted(properties):
                        before = made.text
                    elif made.text:
                        yield made._replace(level=0) if inside else made
                for note in notes:
                    yield _Paragraph(note, NOTE, 0)
                for box in own:
                    yield from self._blocks_in(box, inside=True)
            elif name == "tbl":
                for row in self._table(one):
                    yield _Paragraph(row, 0, 0)
                notes, self.found = self.found, []
                for note in notes:
                    yield _Paragraph(note, NOTE, 0)
        if before:
            yield _Paragraph(before, 0, 0)

    def _paragraph(self, element: Element, properties: Element | None) -> _Paragraph | None:
        style = child(properties, "pStyle") if properties is not None else None
        key = get(style, "val") if style is not None else ""
        chain = list(self._chain(key))
        sizes: list[float] = []
        text = "".join(self._texts(element, sizes))
        if any(_CONTENTS.fullmatch(one.name) for one in chain[:1]):
            return None
        if any(one.hidden for one in chain):
            return None
        label = self._label(properties, key)
        if not text.strip():
            return _Paragraph("", 0, 0)
        level = self._level(properties, key)
        if not sizes:
            sizes = [size for one in chain if (size := one.size) is not None][:1]
        size = min(sizes) if sizes else 0
        if level:
            text = " ".join(text.split())
        return _Paragraph(label + text, level, size)

    def _texts(self, element: Element, sizes: list[float]) -> Iterator[str]:
        """Yield the pieces of text in a paragraph or a run; sizes: those of its runs are added."""
        for one in _children(element):
            name = local(one)
            if name == "t":
                if self._is_shown():
                    yield one.text or ""
            elif name in _GONE:
                if name == "instrText" and self.fields and self.fields[-1][1] == "":
                    self.fields[-1][0] += one.text or ""
            elif name == "r":
                properties = child(one, "rPr")
                if properties is not None:
                    if _is_on(child(properties, "vanish")):
                        for field_ in one:
                            if local(field_) == "fldChar":
                                self._field(get(field_, "fldCharType"))
                        continue
                    size = _size(properties)
                    if size is not None and any((t.text or "").strip() for t in one):
                        sizes.append(size)
                yield from self._texts(one, sizes)
            elif name == "fldChar":
                self._field(get(one, "fldCharType"))
            elif name == "br" and get(one, "type") in ("page", "column"):
                yield "\n"
            elif name in _BREAKS:
                yield _BREAKS[name]
            elif name == "sym":
                yield _symbol(get(one, "font"), get(one, "char"))
            elif name in _NOTES:
                if note := self._note(_NOTES[name], get(one, "id")):
                    self.found.append(note)
            elif name == "txbxContent":
                self.boxes.append(one)
            elif name == "ruby":
                yield from self._ruby(one, sizes)
            elif name == "f" and child(one, "num") is not None:  # a fraction of a formula
                above, below = child(one, "num"), child(one, "den")
                yield from self._texts(above, sizes)
                yield "/"
                yield from self._texts(below, sizes) if below is not None else ()
            elif name == "fldSimple" and get(one, "instr").strip().upper().startswith("TOC"):
                continue
            else:
                yield from self._texts(one, sizes)

    def _ruby(self, element: Element, sizes: list[float]) -> Iterator[str]:
        base, spoken = child(element, "rubyBase"), child(element, "rt")
        if base is not None:
            yield from self._texts(base, sizes)
        if self.ruby and spoken is not None:
            yield f"（{''.join(self._texts(spoken, []))}）"

    def _field(self, kind: str) -> None:
        if kind == "begin":
            self.fields.append(["", ""])
        elif kind == "separate" and self.fields:
            self.fields[-1][1] = "shown"
        elif kind == "end" and self.fields:
            self.fields.pop()

    def _is_shown(self) -> bool:
        """Whether text that stands here is seen: in the result of fields, but of no contents."""
        return all(
            state == "shown" and not code.strip().upper().startswith("TOC")
            for code, state in self.fields
        )

    # --- tables

    def _table(self, table: Element) -> Iterator[str]:
        """Yield a line for each row, its cells parted by tabs; a cell that goes over several rows
        is in all of them."""
        above: dict[int, str] = {}
        rows: list[tuple[int, str]] = []
        for row in _children(table):
            if local(row) != "tr" or _is_gone(child(row, "trPr")):
                continue
            cells: list[str] = []
            at = 0
            for cell in _children(row):
                if local(cell) != "tc":
                    continue
                about = child(cell, "tcPr")
                if about is not None and child(about, "cellDel") is not None:
                    continue
                span, merged = 1, None
                if about is not None:
                    if (wide := child(about, "gridSpan")) is not None:
                        span = min(_number(get(wide, "val")) or 1, 1000)
                    merged = child(about, "vMerge")
                text = self._cell(cell)
                if merged is not None and get(merged, "val") != "restart":
                    text = above.get(at, text)
                    self.container.grown(3 * len(text))
                above[at] = text
                cells.append(text)
                at += span
            rows.append((len(cells), "\t".join(cells)))
        for count, text in rows:
            if text.strip():
                yield text.rstrip("\t") if count > 1 else text

    def _cell(self, cell: Element) -> str:
        notes: list[str] = []
        parts: list[str] = []
        for block in self._blocks_in(cell, inside=True):
            (notes if block.level == NOTE else parts).append(" ".join(block.text.split()))
        self.found += notes
        return " ".join(filter(None, parts))


def _top(source: BinaryIO) -> Iterator[Element]:
    """Yield what stands in the body, one after another; what was yielded is let go."""
    depth, found = 0, False
    for event, __, element in stream(source, _HOLDERS):
        depth += 1 if event == "start" else -1
        if event == "end" and not depth:
            found = True
            if len(element):  # empty paragraphs may be very many
                yield element
    if not found:
        raise ValueError(_("there is no paragraph in it"))


def _children(element: Iterable[Element]) -> Iterator[Element]:
    """Yield the children, with those of what merely holds them in its place."""
    for one in element:
        name = local(one)
        if name in ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "hyperlink"):
            if name != "sdt" or not _is_contents(one):
                yield from _children(one)
        elif name == "AlternateContent":
            chosen = next((c for c in one if local(c) == "Choice" and len(c)), None)
            chosen = child(one, "Fallback") if chosen is None else chosen
            if chosen is not None:
                yield from _children(chosen)
        elif name not in ("del", "moveFrom", "sdtPr", "sdtEndPr", ""):
            yield one


def _is_contents(element: Element) -> bool:
    """Whether a content control holds the table of contents."""
    about = child(element, "sdtPr")
    part = child(about, "docPartObj") if about is not None else None
    kind = child(part, "docPartGallery") if part is not None else None
    return kind is not None and get(kind, "val") == "Table of Contents"


def _is_on(element: Element | None) -> bool:
    return element is not None and get(element, "val", "1") not in ("0", "false", "off")


def _is_gone(about: Element | None) -> bool:
    """Whether a row was deleted, or is hidden."""
    return about is not None and (child(about, "del") is not None or _is_on(child(about, "hidden")))


def _end_is_deleted(properties: Element | None) -> bool:
    marks = child(properties, "rPr") if properties is not None else None
    return marks is not None and any(local(one) in ("del", "moveFrom") for one in marks)


def _outline(properties: Element) -> int | None:
    found = child(properties, "outlineLvl")
    return _number(get(found, "val")) if found is not None else None


def _numbered(properties: Element) -> tuple[str, int] | None:
    found = child(properties, "numPr")
    if found is None:
        return None
    of, level = child(found, "numId"), child(found, "ilvl")
    return (
        get(of, "val") if of is not None else "",
        _number(get(level, "val")) if level is not None else 0,
    )


def _size(properties: Element) -> float | None:
    found = child(properties, "sz")
    value = get(found, "val") if found is not None else ""
    return float(value) if value.isdecimal() else None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _list_level(element: Element) -> tuple[int, tuple[str, str, int, bool]]:
    """Return (level, (kind of numbers, form, first number, whether all are plain numbers))."""
    kind, text, start = child(element, "numFmt"), child(element, "lvlText"), child(element, "start")
    return _number(get(element, "ilvl")), (
        get(kind, "val") if kind is not None else "decimal",
        get(text, "val") if text is not None else "",
        _number(get(start, "val")) if start is not None else 1,
        _is_on(child(element, "isLgl")),
    )


def _symbol(font: str, code: str) -> str:
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    if not 0xF000 <= number <= 0xF0FF:
        return chr(number) if 0x20 <= number < 0xD800 else ""
    number -= 0xF000
    if font.lower() == "symbol":
        return _SYMBOLS.get(number, chr(number) if 0x20 <= number < 0x40 else "")
    return _TICKS.get(number, "") if "wingdings" in font.lower() else ""


def _may_head(paragraph: _Paragraph) -> bool:
    text = paragraph.text.strip()
    return 0 < len(text) <= _HEADING_CHARS and "\t" not in text and text[-1] not in _STOPS


def _levels_by_size(paragraphs: list[_Paragraph]) -> dict[float, int]:
    """Return size -> level of what is larger than the text, the largest first."""
    sizes = [p.size for p in paragraphs for _ in range(min(len(p.text) // 20, 200) + 1) if p.text]
    if not sizes:
        return {}
    body = median(sizes) or 21.0
    larger = {p.size for p in paragraphs if _may_head(p) and p.size > _LARGER * body}
    return {size: at for at, size in enumerate(sorted(larger, reverse=True)[:6], 1)}

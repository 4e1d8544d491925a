"""Manuals in Debian packages of which the PDF and the web pages are made from one source.

Both come from the same DocBook files, so the text of the web pages is what a reader of the PDF should
give, sign by sign and in the same order. Where the two style sheets print the same source in other
ways, the web page is brought to what the PDF's prints, by rules over its elements (:class:`_Walk`)
and never by what was read. Tables float in the PDF: each is looked for before the caption with its
number, and its errors count like those of the text. What only one of the two has is left out, and
counted (``left_out``).
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from lxml import html


class Pair(NamedTuple):
    """pdf: the PDF within the package. pages: its web page, or the folder of its chapters. note:
    what the PDF prints over a note, where that is another word than on the web page."""

    pdf: str
    pages: str
    note: str = ""


_REFERENCE, _DOC = "usr/share/debian-reference", "usr/share/doc"
PAIRS = {
    "debian-reference-zh-cn": Pair(f"{_REFERENCE}/debian-reference.zh-cn.pdf", _REFERENCE),
    "debian-reference-zh-tw": Pair(f"{_REFERENCE}/debian-reference.zh-tw.pdf", _REFERENCE, "注"),
    "maint-guide-zh-cn": Pair(f"{_DOC}/maint-guide-zh-cn/maint-guide.zh-cn.pdf",
                              f"{_DOC}/maint-guide-zh-cn/html"),
    "debian-edu-doc-zh-cn": Pair(f"{_DOC}/debian-edu-doc-zh-cn/debian-edu-bookworm-manual.pdf",
                                 f"{_DOC}/debian-edu-doc-zh-cn/debian-edu-bookworm-manual.html"),
}  # fmt: skip


def fetched(package: str, folder: Path) -> Path:
    """Return where the files of a Debian package are, which is fetched and not installed."""
    place = folder / package
    if not place.exists():
        subprocess.run(
            ["apt-get", "download", package], cwd=folder, check=True, capture_output=True
        )
        archive = next(folder.glob(f"{package}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", str(archive), str(place)], check=True)
    return place


# --- the reference -----------------------------------------------------------------------------


@dataclass
class Reference:
    """blocks: (kind, text) in order; kind is "text" for headings, paragraphs and items, "code" for
    listings, "cell" for cells of tables without a number. tables: those with one, cell by cell, by
    what stands before the caption in the PDF, as "Table 1.2". notes: footnotes. addresses: of its
    links. left_out: characters, by reason."""

    blocks: list[tuple[str, str]] = field(default_factory=list)
    tables: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    addresses: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)


_BLOCKS = {"p", "li", "td", "th", "tr", "dt", "dd", "div", "pre", "table", "ul", "ol", "dl", "body",
           "blockquote", "hr", "br", *(f"h{n}" for n in range(1, 7))}  # fmt: skip
_CONTENTS = {"toc", "list-of-tables", "list-of-figures"}
_NAVIGATION = {"navheader", "navfooter"}
_XREF = re.compile(
    r"(第\s*\S+\s*[章节節]|(?:[章節]|表格?|附录|附錄)\s*[\dA-Z]+(?:\.\d+)*)[\s.,]*(.*)", re.S
)
_CHAPTER = re.compile(r"^(?:第\s*|章\s*(?=\d+\.))(\d+)(?:\s*章|\.)\s*")
_APPENDIX = re.compile(r"^(?:附录|附錄)\s*([A-Z])[.\s]*")
_CAPTION = re.compile(r"(?:表格?|Table)\s*([\dA-Z]+\.\d+)\.\s*(.*)")
_NUMBER = re.compile(r"((?:\d+|[A-Z])(?:\.\d+)*)\.\s+")


def reference_of(pair: Pair, place: Path) -> Reference:
    """Return the text of a package's web pages."""
    out = Reference()
    for page in _pages(place / pair.pages):
        body = html.fromstring(page.read_bytes()).find(".//body")
        _Walk(out, pair).walk(body)
    return out


def _pages(place: Path) -> Iterator[Path]:
    """Yield the web pages of a manual in the order of its contents."""
    if place.is_file():
        yield place
        return
    index = next(place.glob("index.*.html"))
    ending = index.name.removeprefix("index")
    seen: set[str] = set()
    for link in html.fromstring(index.read_bytes()).iter("a"):
        name = (link.get("href") or "").split("#")[0]
        if name.endswith(ending) and name != index.name and name not in seen and "/" not in name:
            seen.add(name)
            yield place / name


class _Walk:
    """Goes through a page, and writes its blocks into a reference."""

    def __init__(self, out: Reference, pair: Pair) -> None:
        self.out, self.pair = out, pair
        self.held: list[str] = []
        self.label = ""
        self.table: list[str] | None = None

    def flush(self, kind: str) -> None:
        text = "".join(self.held)
        self.held.clear()
        if text.strip():
            text, self.label = self.label + text, ""
        if text.strip() and self.table is not None:
            self.table.append(text)
        elif text.strip():
            self.out.blocks.append((kind, text))

    def leave(self, element: Any, why: str) -> None:
        self.out.left_out[why] += len("".join("".join(element.itertext()).split()))

    def walk(self, element: Any, kind: str = "text") -> None:
        tag = element.tag
        if not isinstance(tag, str) or tag in ("script", "style"):
            return
        classes = set((element.get("class") or "").split())
        if classes & _CONTENTS:
            return self.leave(element, "tables of contents")
        if classes & _NAVIGATION:
            return self.leave(element, "links to other pages")
        if "titlepage" in classes and element.getparent().get("class") in ("article", "book"):
            return self.leave(element, "title pages")
        if "table" in classes and tag == "div":
            return self.numbered(element)
        if classes & {"footnotes"}:
            self.out.addresses.update(plain(a.get("href")) for a in element.find_class("ulink"))
            for note in element.iter("div"):
                if note.get("class") == "footnote":
                    self.out.notes.append("".join(note.itertext()))
            return self.leave(element, "notes")
        if tag == "sup" and "footnote" in classes:
            return self.leave(element, "marks of notes")
        if tag == "a" and "xref" in classes:
            return self.reference(element)
        if tag == "th" and self.pair.note and _boxed_in(element) == "note":
            self.flush(kind)
            self.held.append(self.pair.note)
            return self.flush("cell")
        block = tag in _BLOCKS
        kind = {"pre": "code", "td": "cell", "th": "cell"}.get(tag, kind)
        if tag == "td" and _boxed_in(element) in _BOXES:
            kind = "text"
        if block:
            self.flush(kind)
        if tag == "li":
            self.label = _label(element)
        if element.text:
            self.held.append(element.text)
        for child in element:
            self.walk(child, kind)
            if child.tail:
                self.held.append(child.tail)
        if tag == "a" and "ulink" in classes:
            self.out.addresses.add(plain(element.get("href") or ""))
        if re.fullmatch(r"h\d", tag):
            numbered = not any(one.get("class") == "preface" for one in element.iterancestors())
            self.held[:] = [_title("".join(self.held), numbered=numbered)]
        if block:
            self.flush(kind)

    def numbered(self, element: Any) -> None:
        """Of a table with a number the PDF prints the caption below, and lets both float."""
        self.flush("text")
        title = " ".join(element.find_class("title")[0].text_content().split())
        found = _CAPTION.fullmatch(title)
        assert found, title
        for part in element.find_class("table-contents")[0]:
            if part.tag != "table":
                self.walk(part)
                continue
            self.table = []
            self.walk(part, "cell")
            self.out.tables[f"Table {found[1]}:"] = [*self.table, f"Table {found[1]}: {found[2]}"]
            self.table = None

    def reference(self, element: Any) -> None:
        """Of a reference to a heading the PDF prints the number alone."""
        text = "".join(element.itertext())
        found = _XREF.fullmatch(text)
        self.held.append(found[1] if found else text)
        if found:
            self.out.left_out["titles in references"] += len("".join(found[2].split()))


_BOXES = ("tip", "note", "caution", "warning", "important")


def _boxed_in(cell: Any) -> str:
    """Return the class of the box that a cell's table makes."""
    return next(cell.iterancestors("table")).getparent().get("class") or ""


_BULLETS = "•–∗·"
"""LaTeX's, by depth."""


def _label(item: Any) -> str:
    """Return the bullet or number that the PDF prints before an item of a list."""
    owner = item.getparent()
    if owner.tag == "ul":
        depth = sum(one.tag == "ul" for one in owner.iterancestors())
        return f"{_BULLETS[min(depth, 3)]} "
    n = [one for one in owner if one.tag == "li"].index(item) + int(owner.get("start") or 1)
    kind = owner.get("type") or "1"
    return f"{chr(ord(kind) + n - 1) if kind in 'Aa' else n}. "


def _title(text: str, *, numbered: bool) -> str:
    """Return a heading with its number as the PDF prints it, which numbers none of a preface."""
    text = text.strip()
    text = _CHAPTER.sub(r"Chapter \1 ", text)
    text = _APPENDIX.sub(r"Appendix \1 ", text)
    found = _NUMBER.match(text)
    if found is None:
        return text
    return f"{found[1] if numbered else ''} {text[found.end() :]}"


# --- comparing ---------------------------------------------------------------------------------

_STRAIGHT = str.maketrans("“”‘’∗", "\"\"''*")


def plain(text: str) -> str:
    """Return a text as it is compared: without blanks, with straight quotes and asterisks. TeX prints
    straight quotes as closing ones."""
    return "".join(text.split()).translate(_STRAIGHT)


_LEADERS = re.compile(r"(?:\. ?){8,}\s?\d+")


def first_page(path: Path, reference: Reference) -> int:
    """Return the number of the page that the first heading is on, behind the contents, whose lines
    have dots up to the number of a page."""
    import pypdfium2

    pages = pypdfium2.PdfDocument(path)
    texts = [page.get_textpage().get_text_range() for page in pages]
    last = max(n for n, text in enumerate(texts) if len(_LEADERS.findall(text)) > 4)
    heading = plain(reference.blocks[0][1])
    return next(n for n in range(last + 1, len(texts)) if heading in plain(texts[n])) + 1


def below_the_edge(path: Path) -> list[str]:
    """Return what stands below the lower edge of pages of a PDF, a text for each such page: LaTeX
    does not break a table that is longer than a page."""
    import pypdfium2
    from pypdfium2 import raw

    out = []
    for page in pypdfium2.PdfDocument(path):
        text = page.get_textpage()
        codes = [
            raw.FPDFText_GetUnicode(text, n)
            for n in range(text.count_chars())
            if sum(text.get_charbox(n, loose=True)[1::2]) < -2
        ]
        if told := plain("".join(map(chr, codes))):
            out.append(told)
    return out


class Compared(NamedTuple):
    """characters: of the reference, tables included. errors: edits. tables: edits in those, part of
    the errors. missing: tables that were not found, part of the errors. notes: edits and characters
    of the notes, which are counted apart. left_out: characters by reason, of both sides."""

    characters: int
    errors: int
    tables: int
    missing: int
    notes: tuple[int, int]
    left_out: dict[str, int]


_WRAPPED = "←□"
_BYTES = "b''"


def _printed(reference: Reference) -> re.Pattern[str]:
    """Return the addresses of links as they may be printed behind them."""
    addresses = sorted((f"({one})" for one in reference.addresses if one), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, addresses)) or "(?!)")


_ANCHOR = 20


def _place(
    table: str, caption: int, read: str, costs: Callable[[str, str], list[int]]
) -> tuple[int, int, int] | None:
    """Return where a table begins and ends in what was read, and its edits; None where the end of
    its caption is not found, or its beginning if there is no caption."""
    if caption:
        table, read_so = table[::-1], read[::-1]
    else:
        read_so = read
    start = read_so.find(table[: caption or _ANCHOR])
    if start < 0:
        return None
    found = costs(table, read_so[start : start + 2 * len(table)])
    length = min(range(len(found)), key=lambda n: found[n]) + 1
    end = start + length
    return (
        (len(read) - end, len(read) - start, found[length - 1])
        if caption
        else (start, end, found[length - 1])
    )


def compared(
    reference: Reference,
    got: Sequence[str],
    notes: Sequence[str],
    below: Sequence[str],
    edits: Callable[[str, str], int],
    costs: Callable[[str, str], list[int]],
) -> Compared:
    """Compare what was read, paragraphs and notes, with the reference.

    below: see :func:`below_the_edge`. edits: the number of edits between two texts. costs: the same
    between a text and each beginning of another, from the shortest one.
    """
    out = Counter(reference.left_out)
    printed = _printed(reference)

    def without(text: str, side: str) -> str:
        for why, what in (
            ("addresses behind links", printed),
            ("marks where code is wrapped", re.compile(_WRAPPED)),
            ("b'' around Chinese in code", re.compile(_BYTES)),
        ):
            shorter = what.sub("", text)
            out[f"{why} ({side})"] += len(text) - len(shorter)
            text = shorter
        return text

    want = without("".join(plain(text) for _, text in reference.blocks), "web")
    read = without("".join(map(plain, got)), "PDF")
    characters, in_tables, missing = len(want), 0, 0
    for cells in reference.tables.values():
        whole = without("".join(map(plain, cells)), "web")
        hidden = next((one for one in below if whole.endswith(one)), "")
        out["parts of tables below the edge of a page"] += len(hidden)
        table = whole.removesuffix(hidden)
        characters += len(table)
        caption = 0 if hidden else len(plain(cells[-1]))
        place = _place(table, caption, read, costs)
        if place is None:
            in_tables, missing = in_tables + len(table), missing + 1
            continue
        start, end, cost = place
        in_tables += cost
        read = read[:start] + read[end:]
    told = plain("".join(notes))
    meant = without(plain("".join(reference.notes)), "web")
    return Compared(
        characters, in_tables + edits(want, read), in_tables, missing,
        (edits(meant, without(told, "PDF")), len(meant)), {k: v for k, v in sorted(out.items()) if v},
    )  # fmt: skip


def joined_wrongly(reference: Reference, got: Sequence[str]) -> tuple[int, int]:
    """Return how many paragraphs of the reference were broken, and how many were joined with what
    stands behind them; code and tables aside."""
    printed = _printed(reference)
    texts = [
        printed.sub("", plain(text)) if kind == "text" else "" for kind, text in reference.blocks
    ]
    whole = "\n".join(texts)
    read = [text for one in got if (text := printed.sub("", plain(one)))]
    broken = sum(len(a) > 7 and len(b) > 7 and a[-8:] + b[:8] in whole for a, b in pairwise(read))
    all_read = "\n".join(read)
    joined = sum(
        len(a) > 7 and len(b) > 7 and a[-8:] + b[:8] in all_read and a[-8:] + b[:8] not in whole
        for a, b in pairwise(texts)
    )
    return broken, joined

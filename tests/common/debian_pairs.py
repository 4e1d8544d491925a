"""Manuals in Debian packages of which the PDF and the web pages are made from one source.

Both come from the same DocBook files, so the text of the web pages is what a reader of the PDF should
give, in the same order. Nothing is aligned or searched: the texts are compared as a whole, sign by
sign. Where the two style sheets print other signs for the same source, the web page is brought to
what the PDF's prints, by rules over its elements (:class:`Style`), never by what was read. What one of
the two lacks is left out, and counted (:class:`Reference`).
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lxml import html


class Pair(NamedTuple):
    """pdf: the PDF within the package. pages: its web page, or the folder of its chapters. urls:
    whether the PDF prints the address of a link behind its text."""

    pdf: str
    pages: str
    urls: bool = False


_REFERENCE, _DOC = "usr/share/debian-reference", "usr/share/doc"
PAIRS = {
    "debian-reference-zh-cn": Pair(f"{_REFERENCE}/debian-reference.zh-cn.pdf", _REFERENCE),
    "debian-reference-zh-tw": Pair(f"{_REFERENCE}/debian-reference.zh-tw.pdf", _REFERENCE),
    "maint-guide-zh-cn": Pair(f"{_DOC}/maint-guide-zh-cn/maint-guide.zh-cn.pdf",
                              f"{_DOC}/maint-guide-zh-cn/html", urls=True),
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
    listings, "cell" for those of tables. notes: footnotes. left_out: characters, by reason."""

    blocks: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


_BLOCKS = {"p", "li", "td", "th", "tr", "dt", "dd", "div", "pre", "table", "ul", "ol", "dl", "body",
           "blockquote", "hr", "br", *(f"h{n}" for n in range(1, 7))}  # fmt: skip
_CONTENTS = {"toc", "list-of-tables", "list-of-figures"}
_NAVIGATION = {"navheader", "navfooter"}
_XREF = re.compile(r"(第\s*\S+\s*[章节節])\s*(.*)", re.S)
_CHAPTER = re.compile(r"^第\s*(\d+)\s*章\s*")
_APPENDIX = re.compile(r"^(?:附录|附錄)\s*([A-Z])[.\s]*")
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

    def flush(self, kind: str) -> None:
        text = "".join(self.held)
        self.held.clear()
        if text.strip():
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
        if classes & {"footnotes"}:
            for note in element.iter("div"):
                if note.get("class") == "footnote":
                    self.out.notes.append("".join(note.itertext()))
            return self.leave(element, "notes")
        if tag == "sup" and "footnote" in classes:
            return self.leave(element, "marks of notes")
        if tag == "a" and "xref" in classes:
            return self.reference(element)
        block = tag in _BLOCKS
        kind = {"pre": "code", "td": "cell", "th": "cell"}.get(tag, kind)
        if tag == "td" and element.find(".//p") is not None and _is_admonition(element):
            kind = "text"
        if block:
            self.flush(kind)
        if tag == "li":
            self.held.append(_label(element))
        if element.text:
            self.held.append(element.text)
        for child in element:
            self.walk(child, kind)
            if child.tail:
                self.held.append(child.tail)
        if tag == "a" and "ulink" in classes and self.pair.urls:
            address = element.get("href") or ""
            if "".join(element.itertext()).strip() != address:
                self.held.append(f" ({address})")
        if re.fullmatch(r"h\d", tag):
            self.held[:] = [_title("".join(self.held))]
        if block:
            self.flush(kind)

    def reference(self, element: Any) -> None:
        """Of a reference to a heading the PDF prints the number alone."""
        text = "".join(element.itertext())
        found = _XREF.fullmatch(text)
        self.held.append(found[1] if found else text)
        if found:
            self.out.left_out["titles in references"] += len("".join(found[2].split()))


def _is_admonition(cell: Any) -> bool:
    table = next(cell.iterancestors("table"))
    return (table.getparent().get("class") or "") in (
        "tip",
        "note",
        "caution",
        "warning",
        "important",
    )


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


def _title(text: str) -> str:
    """Return a heading with its number as the PDF prints it."""
    text = text.strip()
    text = _CHAPTER.sub(r"Chapter \1 ", text)
    text = _APPENDIX.sub(r"Appendix \1 ", text)
    found = _NUMBER.match(text)
    return f"{found[1]} {text[found.end() :]}" if found else text


# --- comparing ---------------------------------------------------------------------------------

_STRAIGHT = str.maketrans("“”‘’", "\"\"''")


def plain(text: str) -> str:
    """Return a text as it is compared: without blanks, with straight quotes. TeX prints straight ones
    as closing ones."""
    return "".join(text.split()).translate(_STRAIGHT)

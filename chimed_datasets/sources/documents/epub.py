"""The text of an e-book (EPUB 2 and 3) in the order of reading: headings, paragraphs, notes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote, urldefrag

from ...lang import _
from .containers import Container, told
from .markup import Element, child, get, local, page_tree, tree
from .sections import NOTE, Block

_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""What hides fonts alone."""
_UNSEEN = {"script", "style", "head", "template", "nav", "iframe", "object", "audio", "video",
           "svg", "rp", "rt", "rtc", "annotation", "annotation-xml"}  # fmt: skip
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl",
    "dt", "figcaption", "figure", "footer", "header", "hr", "html", "li", "main", "ol", "p", "pre",
    "section", "summary", "ul", "caption", "table", "tr", "td", "th", "tbody", "thead", "tfoot",
    *_HEADINGS,
}  # fmt: skip
_NOTE_TYPES = {"footnote", "endnote", "rearnote", "doc-footnote", "doc-endnote"}
_NOTES_TYPES = {"footnotes", "endnotes", "rearnotes", "doc-endnotes", "doc-footnotes"}
_MARK_TYPES = {"noteref", "doc-noteref", "footnote-ref", "footnoteref"}
_CONTENTS_TYPES = {"toc", "landmarks", "page-list", "loi", "lot", "doc-toc"}
_MARK = re.compile(
    r"[\[［（(【〔]?\s?(?:注释?|note)?\s?(?:\d{1,4}|[a-z]|[①-⑳㉑-㊿]|[*＊†‡]{1,3}|[一二三四五六七八九十]{1,3})"
    r"\s?[\]］）)】〕]?"
)
_BACK = re.compile(r"[↩↵⤴^↑]\ufe0e?|返回|回到?正文|back")
_WIDE = r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]"
_BROKEN_LINE = re.compile(rf"(?<={_WIDE})[ \t\r]*\n\s*(?={_WIDE})")
_BLANKS = re.compile(r"[ \t\r\n\f\xa0]+")
_BREAK = "\v"
"""A line break that is meant, until blanks are put together."""


class _Item(NamedTuple):
    """A part of the book. properties: as EPUB 3 says them."""

    part: str
    kind: str
    properties: frozenset[str]


class _Entry(NamedTuple):
    """A line of the table of contents: the element that it leads to, "" for a page's beginning."""

    fragment: str
    label: str
    depth: int


class Locked(ValueError):
    """A book whose text is encrypted."""


class Epub:
    """A book. title, author: as it says itself, "" where it does not.

    Raises what :class:`.containers.Container` does, ValueError where it is damaged and
    :class:`Locked`.
    """

    def __init__(self, container: Container, *, labels: bool, ruby: bool) -> None:
        self.container, self.labels, self.ruby = container, labels, ruby
        self._check_encryption()
        self.home = self._home()
        package = tree(container.read(self.home))
        about = child(package, "metadata")
        about = about if about is not None else package
        self.title = next(iter(_said(about, "title")), "")
        self.author = "、".join(dict.fromkeys(_said(about, "creator")))
        self.items = self._items(package)
        spine = child(package, "spine")
        order = [get(one, "idref") for one in (spine if spine is not None else ())]
        contents = self._contents_pages(package)
        self.pages = [
            self.items[key].part
            for key in dict.fromkeys(order)
            if key in self.items
            and "nav" not in self.items[key].properties
            and self.items[key].part not in contents
            and ("html" in self.items[key].kind or self.items[key].kind == "text/x-oeb1-document")
        ]
        self.entries = self._entries(get(spine, "toc") if spine is not None else "")

    def _home(self) -> str:
        root = tree(self.container.read("META-INF/container.xml"))
        for one in root.iter():
            if local(one) == "rootfile" and (path := get(one, "full-path")):
                return path
        raise ValueError(_("META-INF/container.xml names no book"))

    def _check_encryption(self) -> None:
        if self.container.find("META-INF/encryption.xml") is None:
            return
        for one in tree(self.container.read("META-INF/encryption.xml")).iter():
            if local(one) == "EncryptionMethod" and get(one, "Algorithm") not in _FONTS:
                parent = one.getparent()
                if parent is not None and local(parent) == "EncryptedData":
                    raise Locked(_("its text is encrypted (DRM)"))

    def _items(self, package: Element) -> dict[str, _Item]:
        manifest = child(package, "manifest")
        return {
            get(one, "id"): _Item(
                self._part(get(one, "href")),
                get(one, "media-type"),
                frozenset(get(one, "properties").split()),
            )
            for one in (manifest if manifest is not None else ())
            if local(one) == "item"
        }

    def _part(self, href: str, base: str = "") -> str:
        """Return the part that an address leads to; names in it may be percent-encoded."""
        path, __ = urldefrag(href)
        folder = posixpath.dirname(base or self.home)
        for name in (path, unquote(path)):
            part = posixpath.normpath(posixpath.join(folder, name)).lstrip("/")
            if found := self.container.find(part):
                return found
        return posixpath.normpath(posixpath.join(folder, unquote(path))).lstrip("/")

    def _contents_pages(self, package: Element) -> set[str]:
        """Return the pages that the guide of EPUB 2 calls the table of contents."""
        guide = child(package, "guide")
        return {
            self._part(get(one, "href"))
            for one in (guide if guide is not None else ())
            if get(one, "type").lower() == "toc"
        }

    def _entries(self, toc: str) -> dict[str, list[_Entry]]:
        """Return page -> the lines of the table of contents that lead into it."""
        found: dict[str, list[_Entry]] = {}
        nav = next((item for item in self.items.values() if "nav" in item.properties), None)
        try:
            if nav is not None:
                lines = _nav_lines(page_tree(self.container.read(nav.part)))
                base = nav.part
            elif toc in self.items:
                base = self.items[toc].part
                lines = _ncx_lines(tree(self.container.read(base)))
            else:
                return {}
            for href, label, depth in lines:
                entry = _Entry(urldefrag(href)[1], label, depth)
                found.setdefault(self._part(href, base), []).append(entry)
        except (ValueError, KeyError):
            return {}
        return found

    def blocks(self, headings: bool) -> Iterator[Block | str]:
        """Yield headings, paragraphs and notes in the order of the spine; what is wrong with a page
        that cannot be read, as a str."""
        targets = self._note_targets()
        for part in self.pages:
            try:
                root = page_tree(self.container.read(part))
            except (ValueError, KeyError) as error:
                yield f"{part}: {told(error)}"
                continue
            if _is_contents(root):
                continue
            page = _Page(part, targets, self.labels, self.ruby, self.container)
            page.walk(root, self._named(root, part))
            for block in page.blocks:
                yield block if headings or block.level <= 0 else block._replace(level=0)

    def _note_targets(self) -> set[tuple[str, str]]:
        """Return (page, id) of all that marks of notes lead to."""
        found: set[tuple[str, str]] = set()
        for part in self.pages:
            try:
                root = page_tree(self.container.read(part))
            except (ValueError, KeyError):
                continue
            for link in root.iter():
                if local(link) == "a" and _is_mark(link):
                    href = get(link, "href")
                    fragment = unquote(urldefrag(href)[1])
                    page = self._part(href, part) if not href.startswith("#") else part
                    if fragment:
                        found.add((page, fragment))
        return found

    def _named(self, root: Element, part: str) -> dict[str, _Entry]:
        """Return id -> the line of the contents that names what begins there, of a page without
        headings of its own; "" for its beginning."""
        if any(local(one) in _HEADINGS for one in root.iter()):
            return {}
        return {entry.fragment: entry for entry in reversed(self.entries.get(part, []))}


def _said(about: Element, name: str) -> list[str]:
    """Return the texts of the metadata of a name, which may lie deeper in old books."""
    return list(filter(None, (_plain(one) for one in about.iter() if local(one) == name)))


def _nav_lines(root: Element) -> Iterator[tuple[str, str, int]]:
    for nav in root.iter():
        if local(nav) == "nav" and get(nav, "type") in ("toc", ""):
            for link in nav.iter():
                if local(link) == "a":
                    depth = sum(local(one) == "ol" for one in link.iterancestors())
                    yield get(link, "href"), _plain(link), max(depth, 1)
            return


def _ncx_lines(root: Element) -> Iterator[tuple[str, str, int]]:
    for point in root.iter():
        if local(point) == "navPoint":
            label, content = child(point, "navLabel"), child(point, "content")
            if label is not None and content is not None:
                depth = sum(local(one) == "navPoint" for one in point.iterancestors()) + 1
                yield get(content, "src"), _plain(label), depth


def _plain(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _types(element: Element) -> set[str]:
    return set(
        f"{get(element, 'type')} {get(element, 'role')} {get(element, 'class')}".lower().split()
    )


def _is_mark(link: Element) -> bool:
    """Whether a link is the mark of a note: by what it is called, or small and raised."""
    if "#" not in get(link, "href"):
        return False
    types = _types(link)
    if types & _MARK_TYPES:
        return True
    if types & {"backlink", "doc-backlink", "footnote-back"}:
        return False
    if _MARK.fullmatch(_plain(link)) is None:
        return False
    parent = link.getparent()
    return any(local(one) == "sup" for one in link) or (
        parent is not None and local(parent) == "sup"
    )


def _is_back(link: Element) -> bool:
    """Whether a link in a note leads back to its mark."""
    text = _plain(link)
    named = _types(link) & {"backlink", "doc-backlink", "footnote-back"}
    return bool(named) or _BACK.fullmatch(text) is not None or _MARK.fullmatch(text) is not None


def _is_contents(root: Element) -> bool:
    """Whether a page is a table of contents: nearly all of its text are links to other pages."""
    links = linked = 0
    for link in root.iter():
        to = get(link, "href") if local(link) == "a" else ""
        if to and not to.startswith("#") and not _is_mark(link):
            links += 1
            linked += len(_plain(link))
    if links < 4:
        return False
    body = next((one for one in root if local(one) == "body"), root)
    return linked > 0.8 * len(_plain(body))


class _Page:
    """Reads one page. blocks: what was found."""

    def __init__(
        self,
        part: str,
        targets: set[tuple[str, str]],
        labels: bool,
        ruby: bool,
        container: Container,
    ) -> None:
        self.part, self.targets, self.labels, self.ruby = part, targets, labels, ruby
        self.container = container
        self.lists: list[list[int]] = []  # of each that stands around: [-1], or the last number
        self.blocks: list[Block] = []
        self.pieces: list[str] = []
        self.prefix = ""  # the label of the item that begins next
        self.kept = 0  # how many <pre> stand around
        self.level = 0
        self.note = False
        self.named: dict[str, _Entry] = {}

    def walk(self, root: Element, named: dict[str, _Entry]) -> None:
        self.named = named
        self._name("")
        self._element(root)
        self._flush()

    def _name(self, fragment: str) -> None:
        entry = self.named.pop(fragment, None)
        if entry is not None and entry.label:
            self._flush()
            self.blocks.append(Block(entry.depth, entry.label))

    def _flush(self) -> None:
        """End a paragraph."""
        text = "".join(self.pieces)
        self.pieces = []
        if not self.kept:
            text = _BLANKS.sub(" ", _BROKEN_LINE.sub("", text))
        lines = [line.strip(" \u3000") for line in text.replace(_BREAK, "\n").split("\n")]
        lines = [line for line in lines if line]
        if not lines:
            return
        prefix, self.prefix = self.prefix, ""
        if self.note:
            self.blocks.append(Block(NOTE, " ".join(lines)))
        elif self.level:
            self.blocks.append(Block(self.level, " ".join(lines)))
        elif self.blocks and self.blocks[-1].level > 0 and lines == [self.blocks[-1].text]:
            return  # the name that the table of contents gave already
        else:
            self.blocks.append(Block(0, prefix + "\n".join(lines)))

    def _children(self, element: Element) -> None:
        self.pieces.append(element.text or "")
        for one in element:
            self._element(one)
            self.pieces.append(one.tail or "")

    def _element(self, element: Element) -> None:
        name = local(element)
        if not name or get(element, "hidden") == "hidden":
            return
        if (key := get(element, "id")) and key in self.named:
            self._name(key)
        if name in _UNSEEN:
            if name == "rt" and self.ruby:
                self.pieces.append(f"（{_plain(element)}）")
            return
        types = _types(element)
        if types & _CONTENTS_TYPES and name in ("section", "div", "ol", "ul"):
            return
        if name == "br":
            self.pieces.append(_BREAK)
        elif self._is_passed_over(element, name):
            return
        elif name not in _BLOCKS:
            self._children(element)
        elif not self.note and self._is_note(element, name, types):
            self._note(element)
        elif name == "table":
            self._flush()
            for row in self._rows(element):
                self.pieces = [row]
                self.kept += 1
                self._flush()
                self.kept -= 1
        elif name in _HEADINGS:
            self._flush()
            self.level = _HEADINGS[name]
            self._children(element)
            self._flush()
            self.level = 0
        elif name in ("ol", "ul"):
            self._flush()
            start = get(element, "start")
            first = int(start) if start.isdecimal() and len(start) < 9 else 1
            self.lists.append([first - 1 if name == "ol" else -1])
            self._children(element)
            self._flush()
            self.lists.pop()
        elif name == "li":
            self._flush()
            self.prefix = self._label(element)
            self._children(element)
            self._flush()
            self.prefix = ""
        else:
            self._flush()
            self.kept += name == "pre"
            self._children(element)
            self._flush()
            self.kept -= name == "pre"

    def _is_passed_over(self, element: Element, name: str) -> bool:
        """Whether an element is the mark of a note, or leads back to one."""
        if name == "a":
            return _is_mark(element) or (self.note and _is_back(element))
        return name == "sup" and len(element) == 1 and _is_only_mark(element)

    def _within(self) -> _Page:
        """Return what reads a cell or a note of the page."""
        return _Page(self.part, self.targets, False, self.ruby, self.container)

    def _is_note(self, element: Element, name: str, types: set[str]) -> bool:
        if types & _NOTE_TYPES or (types & _NOTES_TYPES and name not in ("body", "html")):
            return True
        if name not in ("p", "li", "div", "dd", "aside", "dl", "td"):
            return False
        if (self.part, get(element, "id")) in self.targets:
            return True
        first = element[0] if len(element) else None
        while first is not None and not (element.text or "").strip():
            if (self.part, get(first, "id")) in self.targets and local(first) not in _BLOCKS:
                return True
            first = first[0] if len(first) and not (first.text or "").strip() else None
        return False

    def _note(self, element: Element) -> None:
        """Read a note, or each of several. What names them is no note."""
        self._flush()
        inner = [
            one
            for one in element.iter()
            if one is not element and (local(one) == "li" or _types(one) & _NOTE_TYPES)
        ]
        among = set(inner)
        for one in inner or [element]:
            if any(above in among for above in one.iterancestors()):
                continue
            page = self._within()
            page.note = True
            page._children(one)
            page._flush()
            text = " ".join(block.text for block in page.blocks)
            text = _without_back(text)
            if text:
                self.blocks.append(Block(NOTE, text))

    def _label(self, item: Element) -> str:
        """Return what stands before an item of a list, as a reader shows it."""
        if not self.labels or not self.lists:
            return ""
        indent = "  " * (len(self.lists) - 1)
        if self.lists[-1][0] < 0:
            return f"{indent}• "
        given = get(item, "value")
        number = int(given) if given.isdecimal() and len(given) < 9 else self.lists[-1][0] + 1
        self.lists[-1][0] = number
        return f"{indent}{number}. "

    def _rows(self, table: Element) -> Iterator[str]:
        """Yield a line for each row, its cells parted by tabs; a cell that goes over several rows
        is in all of them."""
        above: dict[int, tuple[int, str]] = {}  # column -> rows below that have it, its text
        for row in table.iter():
            name = local(row)
            if name == "caption" and (text := self._cell(row)):
                yield text
            if name != "tr" or _table_of(row) is not table:
                continue
            cells: list[str] = []
            at = 0
            for cell in [one for one in row if local(one) in ("td", "th")]:
                at = self._fill(above, cells, at)
                text = self._cell(cell)
                down, right = _span(cell, "rowspan"), _span(cell, "colspan")
                cells.append(text)
                if down > 1:
                    above[at] = (down - 1, text)
                at += right
            self._fill(above, cells, at)
            if any(cells):
                yield "\t".join(cells).rstrip("\t")

    def _fill(self, above: dict[int, tuple[int, str]], cells: list[str], at: int) -> int:
        while at in above:
            left, text = above[at]
            cells.append(text)
            self.container.grown(3 * len(text))
            if left > 1:
                above[at] = (left - 1, text)
            else:
                del above[at]
            at += 1
        return at

    def _cell(self, cell: Element) -> str:
        page = self._within()
        page._children(cell)
        page._flush()
        self.blocks += [block for block in page.blocks if block.level == NOTE]
        texts = [" ".join(block.text.split()) for block in page.blocks if block.level != NOTE]
        return " ".join(texts)


def _is_only_mark(sup: Element) -> bool:
    """Whether a raised text is the mark of a note and nothing else."""
    around = f"{sup.text or ''}{sup[0].tail or ''}".strip(" []［］()（）")
    return not around and local(sup[0]) == "a" and _is_mark(sup[0])


def _without_back(text: str) -> str:
    text = re.sub(r"\s?(?:[↩⤴]\ufe0e?\s?)+$", "", text)
    return text.lstrip(" \u3000.．、:：]】）)").strip()


def _table_of(row: Element) -> Element | None:
    return next((one for one in row.iterancestors() if local(one) == "table"), None)


def _span(cell: Element, name: str) -> int:
    given = get(cell, name, "1")
    return max(1, min(int(given), 1000)) if given.isdecimal() and len(given) < 6 else 1

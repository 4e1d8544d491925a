"""XML as a tree and as a stream, and the pages of e-books; names of elements without namespaces.

No entity is expanded, nothing is fetched, and lxml's own bounds (depth, length of a text) hold.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from html.entities import html5
from types import ModuleType
from typing import Any, BinaryIO

from ...errors import SourceError, broken_extra
from ...lang import _

MAX_TREE_BYTES = 16 * 1024 * 1024
"""What is held as one tree may have so many bytes: in memory a tree has some forty times as
many."""

Element = Any
"""An element of lxml, which has no types of its own."""

_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_KEPT = {"amp", "lt", "gt", "quot", "apos"}


def lxml_etree() -> ModuleType:
    """Return lxml's etree. Raises :class:`SourceError` where it is not installed."""
    try:
        from lxml import etree
    except ImportError as error:
        raise SourceError(f"{broken_extra(error, 'office')}.") from None
    module: ModuleType = etree
    return module


def tree(data: bytes, *, recover: bool = False) -> Element:
    """Return the root of an XML part. Raises ValueError where it is none."""
    etree = lxml_etree()
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, recover=recover,
        remove_comments=True, remove_pis=True, huge_tree=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except etree.LxmlError as error:
        raise ValueError(_short(error)) from None
    if root is None:
        raise ValueError(_("it holds no element"))
    return root


def page_tree(data: bytes) -> Element:
    """Return the root of a page of an e-book (XHTML). Names such as &nbsp; are read, and what is no
    XML is read as HTML. Raises ValueError where it is neither."""
    etree = lxml_etree()
    head = data[:200]
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    if found := re.search(rb"encoding=[\"']([A-Za-z0-9._-]{1,40})", head):
        encoding = found[1].decode("ascii").lower()
        encoding = "gb18030" if encoding in ("gb2312", "gbk") else encoding
    try:
        text = data.decode(encoding, "replace")
    except LookupError:
        text = data.decode("utf-8", "replace")
    text = re.sub(r"\A\ufeff?\s*<\?xml[^>]{0,200}\?>", "", text)
    text = _ENTITY.sub(_sign, text)
    try:
        return tree(text.encode("utf-8", "replace"))
    except ValueError:
        parser = etree.HTMLParser(
            no_network=True, remove_comments=True, remove_pis=True, encoding="utf-8",
            huge_tree=False,
        )  # fmt: skip
        try:
            root = etree.fromstring(text.encode("utf-8", "replace") or b"<p/>", parser)
        except etree.LxmlError as error:
            raise ValueError(_short(error)) from None
        if root is None:
            raise ValueError(_("it holds no element")) from None
        return root


def _sign(found: re.Match[str]) -> str:
    if found[1] in _KEPT:
        return found[0]
    return html5.get(f"{found[1]};", found[0])


class _Units:
    """A source whose bytes are counted until what was read is let go."""

    def __init__(self, source: BinaryIO) -> None:
        self.source, self.size = source, 0

    def read(self, size: int = -1) -> bytes:
        data = self.source.read(size)
        self.size += len(data)
        if self.size > MAX_TREE_BYTES:
            raise ValueError(
                _("a piece of it has more than {MAX_TREE_BYTES:,} bytes").format(
                    MAX_TREE_BYTES=MAX_TREE_BYTES
                )
            )
        return data


def stream(
    source: BinaryIO, wanted: Collection[str], unit: str = ""
) -> Iterator[tuple[str, str, Element]]:
    """Yield (event, name, element) at the beginning and end of each element of one of the names
    ``wanted``, in any namespace. Behind the end of an element its content is let go, so that a
    stream of any length takes little memory; one within another is let go with that. unit: the name
    of those within others that the caller lets go.

    Raises ValueError where the stream is no XML, or one piece is too large to be held.
    """
    etree = lxml_etree()
    held = _Units(source)
    events = etree.iterparse(
        held, events=("start", "end"), tag=[f"{{*}}{name}" for name in wanted],
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    depth = 0
    try:
        for event, element in events:
            name = local(element)
            if event == "start":
                depth += 1
                yield event, name, element
                continue
            depth -= 1
            yield event, name, element
            if depth == 0 or name == unit:
                held.size = 0
            if depth == 0:
                element.clear()
                parent = element.getparent()
                while parent is not None and element.getprevious() is not None:
                    del parent[0]
    except etree.LxmlError as error:
        raise ValueError(_short(error)) from None


def local(element: Element) -> str:
    """Return an element's name without its namespace; "" of a comment and the like."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def get(element: Element, name: str, default: str = "") -> str:
    """Return an attribute, in whichever namespace."""
    value = element.get(name)
    if value is not None:
        return str(value)
    for key, value in element.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return default


def child(element: Element, name: str) -> Element | None:
    """Return the first child of a name, or None."""
    return next((one for one in element if local(one) == name), None)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]

"""The pages of a MediaWiki dump (XML), one after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from ...lang import N_
from .markup import Element, child, get, stream
from .wikitext import redirect_of


class Page(NamedTuple):
    """A page of a wiki. ident: its id, "" where there is none. redirect: where it leads to."""

    title: str
    ident: str
    namespace: int
    redirect: str | None
    text: str
    wiki: str = ""


def pages(source: BinaryIO) -> Iterator[Page | str]:
    """Yield the pages of a dump, with the text of their last revision; at the end of one that is
    broken what is wrong with it."""
    peek = getattr(source, "peek", None)
    if peek is not None and not peek(64)[:64].strip(b"\0 \t\r\n"):
        return
    text = wiki = ""
    try:
        for event, name, element in stream(source, ("siteinfo", "page", "revision"), "revision"):
            if event == "start":
                continue
            if name == "siteinfo":
                wiki = _said(element, "dbname") or _said(element, "sitename")
            elif name == "revision":
                body = child(element, "text")
                text = (body.text or "") if body is not None else ""
                element.clear()  # of all revisions the last one counts
            else:
                title, ident, space = (_said(element, part) for part in ("title", "id", "ns"))
                led = child(element, "redirect")
                redirect = get(led, "title") if led is not None else redirect_of(text)
                number = int(space) if space.lstrip("-").isdecimal() and len(space) < 9 else 0
                yield Page(title, ident, number, redirect, text, wiki)
                text = ""
    except ValueError as error:
        yield N_("the dump ends within a page or is broken: {reason}").format(reason=error)


def _said(element: Element, name: str) -> str:
    found = child(element, name)
    return (found.text or "").strip() if found is not None else ""

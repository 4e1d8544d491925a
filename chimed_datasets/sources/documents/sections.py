"""Headings and paragraphs become Documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ...records import Document, Malformed
from ..files.decoding import MAX_RECORD_BYTES

LINK = "/"
"""Between the headings above a Document's own, in its metadata."""


class Block(NamedTuple):
    """A heading or a paragraph.

    level: of a heading, the smaller above; 0 for a paragraph, -1 for a note, which stands apart.
    page:  that it begins on, from 1; 0 where there are none.
    """

    level: int
    text: str
    page: int = 0


NOTE = -1


def documents(
    blocks: Iterable[Block], name: str, book: str, about: Mapping[str, str], *, notes: str = "apart"
) -> Iterator[Document | Malformed]:
    """Yield a Document for each heading with the paragraphs below it, and one for what stands
    before the first heading; where there is none at all its title is ``book``.

    name:  of the file, for keys. about: metadata that all have. notes: "apart" puts them into the
           metadata, "end" to the end of the text, "cut" leaves them out.

    Headings above a Document's own are its ``section``, the pages it stands on are its ``pages``.
    A heading below another one without any text between becomes text where nothing stands below it.
    A heading over nothing is Malformed under "empty_section", a text beyond the limit "too_long".
    """
    stack: list[tuple[int, str]] = []
    paragraphs: list[str] = []
    apart: list[str] = []
    pages: list[int] = []
    ordinal = size = 0
    headed = False

    def section() -> Document | Malformed:
        key = f"{name}#{ordinal}"
        titles = [title for _, title in stack]
        own = titles[-1] if titles else (None if headed else book)
        if size * 3 > MAX_RECORD_BYTES:
            return Malformed(key, "too_long", f"{size:,} characters in one document")
        if not paragraphs and not apart:
            return Malformed(key, "empty_section", LINK.join(titles))
        metadata = dict(about)
        if titles[:-1]:
            metadata["section"] = LINK.join(titles[:-1])
        if pages and pages[-1]:
            first, last = pages[0], pages[-1]
            metadata["pages"] = f"{first}" if first == last else f"{first}-{last}"
        text = paragraphs + (apart if notes == "end" or not paragraphs else [])
        if apart and paragraphs and notes == "apart":
            metadata["notes"] = "\n".join(apart)
        return Document(key, "\n".join(text), own, metadata=metadata)

    for block in blocks:
        if block.level <= 0:
            if block.level == NOTE:
                apart += [block.text] if notes != "cut" else []
            else:
                paragraphs.append(block.text)
            size += len(block.text)
            if size * 3 > MAX_RECORD_BYTES and len(paragraphs) > 1:
                paragraphs[:], apart[:] = paragraphs[:1], apart[:1]
            pages = [pages[0] if pages else block.page, block.page]
            continue
        headed = True
        bare = not paragraphs and not apart
        if bare and stack and block.level <= stack[-1][0] and len(stack) > 1:
            # nothing is below the last one: a name of an author, a date on a cover
            paragraphs.append(stack.pop()[1])
            bare = False
        if not bare or (stack and block.level <= stack[-1][0]):
            yield section()
            ordinal += 1
            paragraphs, apart, size = [], [], 0
        while stack and stack[-1][0] >= block.level:
            stack.pop()
        stack.append((block.level, block.text))
        pages = [block.page, block.page]
    if paragraphs or apart or stack:
        yield section()

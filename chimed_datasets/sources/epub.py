"""E-books (EPUB 2 and 3): a Document for each heading, in the order of reading.

headings  html (default): a Document for each heading, and where a page has none for each line of
          the table of contents; none: a book is one
notes     apart (default): notes become metadata; end: they stand at the end of their Document;
          cut: they are left out
labels    true: numbers and bullets of lists stand before their items, as they are seen
ruby      cut (default): how a character is spoken is left out; brackets: it stands behind it
where     a condition on title, text, section, book, author or notes; other parts go to the ledger

Pages come in the order of the spine; the table of contents, marks of notes and links back are left
out. A row of a table is a line, its cells parted by tabs; a cell over several rows is in all of
them. metadata has the book and author as it says itself (else the file's name), section (the
headings above a Document's own) and notes.

A book whose text is encrypted is refused under "not_text"; a page that cannot be read is Malformed
under "damaged". Needs the extra `office`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ..lang import N_
from ..records import Malformed, Record
from .documents.containers import OFFICE, fitting, refuse
from .documents.epub import Epub, Locked
from .documents.markup import lxml_etree
from .documents.sections import Block, documents
from .files.opening import FileReport, SourceFile, inner
from .parsing.ready import ChosenDocument, chosen

SUFFIXES = (".epub",)
TAKES = OFFICE


@dataclass(frozen=True)
class Options(ChosenDocument):
    """How a file becomes documents; see the layout's description."""

    headings: Literal["html", "none"] = "html"
    notes: Literal["apart", "end", "cut"] = "apart"
    labels: bool = True
    ruby: Literal["cut", "brackets"] = "cut"
    FIELDS = ("title", "text", "section", "book", "author", "notes")


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield the Documents of each file, and a Malformed row for each page that is damaged."""
    return chosen(_documents(files, options, report), options)


def _documents(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    lxml_etree()
    for file in files:
        with fitting(file, "epub", "an e-book") as parts:
            report.note(file.name, "epub")
            if parts is None:
                continue
            try:
                book = Epub(parts, labels=options.labels, ruby=options.ruby == "brackets")
            except Locked as error:
                refuse(file, N_("an e-book that cannot be read: {error}").format(error=error))
            name = book.title or inner(file.name).rpartition("/")[2].rpartition(".")[0]
            about = {"book": name} | ({"author": book.author} if book.author else {})
            broken: list[str] = []
            blocks = _sound(book.blocks(options.headings == "html"), broken)
            yield from documents(blocks, file.name, name, about, notes=options.notes)
            for number, why in enumerate(broken):
                yield Malformed(f"{file.name}#page-{number}", "damaged", why)


def _sound(blocks: Iterator[Block | str], broken: list[str]) -> Iterator[Block]:
    """Yield the blocks; what is wrong with a page is added to ``broken``."""
    for block in blocks:
        if isinstance(block, str):
            broken.append(block)
        else:
            yield block

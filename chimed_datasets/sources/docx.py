"""Word documents (DOCX): books, guidelines and lectures, a Document for each heading.

headings  styles (default): a Document for each heading, by the styles of the document, and where
          none is one by the size of its letters; none: a file is one
notes     apart (default): footnotes and endnotes become metadata; end: they stand at the end of
          their Document; cut: they are left out
labels    true: numbers and bullets of lists stand before their items, as they are seen
ruby      cut (default): how a character is spoken is left out; brackets: it stands behind it
where     a condition on title, text, section, book or notes; other parts go to the ledger

Tracked changes are read as accepted, what was deleted never comes back. Text in content controls,
hyperlinks and text boxes is read once; hidden text, comments, the table of contents, headers and
footers are left out. A row of a table is a line, its cells parted by tabs; a cell over several rows
is in all of them. metadata has the book (the document's own title where it has a Chinese one, else
the file's name), section (the headings above a Document's own) and notes.

A DOC of Word 97 is refused under "not_text" with the way out: save it as DOCX. Needs the extra
`office`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ..records import Malformed, Record
from .documents.containers import OFFICE, fitting
from .documents.docx import Docx
from .documents.markup import lxml_etree
from .documents.sections import documents
from .files.opening import FileReport, SourceFile, inner
from .parsing.ready import ChosenDocument, chosen

SUFFIXES = (".docx", ".docm")
TAKES = OFFICE
_CHINESE = re.compile(r"[\u3400-\u9fff]{2}")
_NO_TITLE = re.compile(r"(?:Microsoft Word|无标题|未命名|新建|文档\d*$|Word 文档)", re.I)


@dataclass(frozen=True)
class Options(ChosenDocument):
    """How a file becomes documents; see the layout's description."""

    headings: Literal["styles", "none"] = "styles"
    notes: Literal["apart", "end", "cut"] = "apart"
    labels: bool = True
    ruby: Literal["cut", "brackets"] = "cut"
    FIELDS = ("title", "text", "section", "book", "notes")


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield the Documents of each file."""
    return chosen(_documents(files, options, report), options)


def _documents(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    lxml_etree()
    for file in files:
        with fitting(file, "docx", "a Word document") as parts:
            report.note(file.name, "docx")
            if parts is None:
                continue
            docx = Docx(parts, labels=options.labels, ruby=options.ruby == "brackets")
            book = inner(file.name).rpartition("/")[2].rpartition(".")[0]
            title = docx.title
            if _CHINESE.search(title) and not _NO_TITLE.match(title):
                book = title
            blocks = docx.blocks(options.headings == "styles")
            yield from documents(blocks, file.name, book, {"book": book}, notes=options.notes)

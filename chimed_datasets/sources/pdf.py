"""PDFs with a text layer: books, guidelines and papers, a Document for each heading.

headings  size (default): a Document for each heading, which is what the outline names and what is
          larger than the text; none: a file is one
pages     which pages are read, as 5-300 or 5- (left out: all); pages count from 1
where     a condition on title, text, section, book, author, pages or notes; other parts go to the
          ledger
strip     text: [texts to cut from its beginning and end]
notes     apart (default): notes at the foot of a page become metadata; end: they stand at the end
          of their Document; cut: they are left out

One and two columns, columns that were drawn row by row, and vertical text are read in their order.
Lines are joined to paragraphs, radicals become the characters that they stand for; running heads,
page numbers and marks of notes are cut, cells of a row are parted by a blank. metadata has the book
(the PDF's own title where it has a good one, else the file's name), author, section (the headings
above a Document's own), pages and notes.

A glyph of which the file does not say what it is becomes □. A page of them ("no_characters")
and a page that is a picture ("page_is_picture") are Malformed, each by its number. Where more than
half of the pages are, the whole file is ("no_text_layer"): run OCR over it and bring Markdown. A
file that needs a password is Malformed under "needs_password", a broken one under "damaged". Needs
the extra `office`.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from ..errors import RecipeError
from ..lang import N_, _
from ..records import Malformed, Record
from .documents import pdf_flow, pdf_garbage
from .documents.pdf_furniture import Furniture, without_notes
from .documents.pdf_glyphs import MAX_PAGES, Mark, Pdf, Refusal, pdfium
from .documents.pdf_lines import HYPHENED, NOTE_SIGN, Line, Page
from .documents.pdf_pages import held, into
from .documents.sections import NOTE, Block, documents
from .files.opening import BUFFER, FileReport, SourceFile, inner, is_remote
from .files.staging import staging
from .parsing.ready import ChosenDocument, chosen

SUFFIXES = (".pdf",)
PROBE = {"pages": "1-20"}
TAKES = ("pdf",)
OCR = "run OCR over it (as MinerU, marker or PaddleOCR do) and bring its Markdown to layout text"


@dataclass(frozen=True)
class Options(ChosenDocument):
    """How a file becomes documents; see the layout's description."""

    headings: Literal["size", "none"] = "size"
    pages: str | int = ""
    notes: Literal["apart", "end", "cut"] = "apart"
    FIELDS = ("title", "text", "section", "book", "author", "pages", "notes")

    def at(self, base: Path) -> Options:
        """Return the options. Raises :class:`RecipeError` for pages that are none, and
        :class:`SourceError` where the extra is not installed."""
        self.first_and_last()
        pdfium()
        return self

    def first_and_last(self) -> tuple[int, int]:
        """Return the numbers of the first and the last page that are read."""
        if self.pages == "":
            return 1, MAX_PAGES
        found = re.fullmatch(r"(\d{1,6})(?:(-)(\d{1,6})?)?", str(self.pages).replace(" ", ""))
        first = int(found[1]) if found else 0
        last = first if found and not found[2] else int(found[3] or MAX_PAGES) if found else 0
        if not 0 < first <= last:
            raise RecipeError(
                _("pages: {pages!r} is no range of pages: write it as 5-300.").format(
                    pages=self.pages
                )
            )
        return first, last


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield the Documents of each file, and a Malformed row for each page that holds no text."""
    return chosen(_documents(files, options, report), options)


def _documents(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    for file in files:
        with _local(file) as path, tempfile.TemporaryFile() as spool:
            try:
                pdf = into(spool, path, *options.first_and_last())
                yield from _of_file(pdf, file, options, spool)
            except Refusal as refusal:
                if refusal.rule != "damaged" or _has_content(path):
                    yield Malformed(f"{file.name}#0", refusal.rule, refusal.evidence)
            report.note(file.name, "pdf")


def _has_content(path: Path) -> bool:
    with path.open("rb") as stream:
        return bool(stream.read(BUFFER).strip())


@contextmanager
def _local(file: SourceFile) -> Iterator[Path]:
    """Yield where a file lies on this machine, decompressed: pdfium jumps about in it."""
    with file.open() as stream:
        if not is_remote(file.url) and getattr(stream, "name", None) == file.url:
            yield Path(file.url)  # it is neither compressed nor elsewhere
            return
        with staging() as folder:
            with (folder / "document.pdf").open("wb") as copy:
                shutil.copyfileobj(stream, copy, BUFFER)
            yield folder / "document.pdf"


_FEW_LINES = 8
"""A page with more of them is more than a picture with a stamp and a running head."""


def _of_file(
    pdf: Pdf, file: SourceFile, options: Options, spool: IO[bytes]
) -> Iterator[Record | Malformed]:
    marks: dict[int, list[Mark]] = {}
    for mark in pdf.outline:
        marks.setdefault(mark.page, []).append(mark)
    furniture, layout = Furniture(), pdf_flow.Layout()
    bad: dict[int, tuple[str, str]] = {}
    first, last = options.first_and_last()
    many = max(min(last, pdf.pages) - first + 1, 0)
    for number, page, why, __ in held(spool):
        if page is None and why:
            bad[number] = ("no_characters", why)
        elif page is None:
            bad[number] = (
                "page_damaged",
                N_("it cannot be read, or takes too much time or memory"),
            )
        else:
            furniture.add(page)
            layout.add(page, marks.get(number, ()))
    body, pitch = layout.body, layout.step * layout.body
    blank = 0
    for _number, page, _why, picture in held(spool):
        if page is None or (not picture and len(page.lines) > _FEW_LINES):
            continue
        lines, cut = furniture.cut(page, body, pitch)
        stamped = any(pdf_garbage.STAMP.search(text) for text in cut)
        if picture:
            stamps = [line for line in lines if pdf_garbage.STAMP.search(line.text)]
            stamped |= bool(stamps)
            lines = [line for line in lines if line not in stamps]
        if lines:
            continue
        if picture or stamped:
            bad[page.number] = ("page_is_picture", N_("it is a picture: there is no text in it"))
        else:
            blank += 1
    for number, (rule, why) in sorted(bad.items()):
        yield Malformed(f"{file.name}#page-{number}", rule, f"page {number}: {why}")
    if 2 * len(bad) > many - blank:
        told = N_("{bad:,} of its {many:,} pages hold no text that can be read").format(
            bad=len(bad), many=many
        )
        raise Refusal("no_text_layer", f"{told}: {OCR}")
    book = inner(file.name).rpartition("/")[2].rpartition(".")[0]
    about = {"book": _good_title(pdf.about.get("Title", "")) or book}
    if author := _good_author(pdf.about.get("Author", "")):
        about["author"] = author
    good = (one.page for one in held(spool) if one.page and one.number not in bad)
    yield from documents(
        _blocks(good, furniture, layout, pdf, options), file.name, about["book"], about,
        notes=options.notes,
    )  # fmt: skip


# --- headings, paragraphs and notes -------------------------------------------------------------


def _blocks(
    pages: Iterator[Page], furniture: Furniture, layout: pdf_flow.Layout, pdf: Pdf, options: Options
) -> Iterator[Block]:
    """Yield a document's headings and paragraphs, and each note behind the text that its mark
    stands in."""
    body, pitch = layout.body, layout.step * layout.body
    signed: dict[str, str] = {}
    unsigned: list[tuple[int, str]] = []
    count, last, unfinished = 0, 0, False

    def texts() -> Iterator[Page]:
        nonlocal count, last, unfinished
        for page in pages:
            lines, __ = furniture.cut(page, body, pitch)
            lines, notes = without_notes(lines, body, unfinished, count, last)
            count += len(notes)
            for sign, mark, own in notes:
                last = int(mark) if mark.isdecimal() else last
                told = _note(mark, own, layout.hyphened)
                if sign:
                    signed[sign] = told
                else:
                    unsigned.append((page.number, told))
            unfinished = bool(notes) and notes[-1][2][-1].text[-1:] not in "。.！？!?”）)"
            yield page._replace(lines=lines)

    outline = pdf.outline if options.headings == "size" else []
    paragraphs = pdf_flow.joined(texts(), layout)
    if options.headings == "size":
        found = pdf_flow.blocks(paragraphs, layout, outline)
    else:
        found = (Block(0, one.text, one.page) for one in paragraphs)
    for block in found:
        while unsigned and unsigned[0][0] < block.page:
            yield Block(NOTE, unsigned[0][1], unsigned.pop(0)[0])
        signs = NOTE_SIGN.findall(block.text)
        text = block.text
        for sign in signs:
            mark = signed.get(sign, "").partition(" ")[0] if options.notes == "end" else ""
            text = text.replace(sign, mark)
        yield block._replace(text=text)
        for sign in signs:
            if told := signed.pop(sign, ""):
                yield Block(NOTE, told, block.page)
    for number, told in unsigned:
        yield Block(NOTE, told, number)


def _note(mark: str, lines: Sequence[Line], hyphened: Collection[str]) -> str:
    """Return a note as one text with its mark before it."""
    text = ""
    for line in lines:
        text = pdf_flow.seam(text, line, hyphened)
    text = text.replace(HYPHENED, "-").strip()
    return f"[{mark}] {text}" if mark else text


# --- what a file says of itself ------------------------------------------------------------------

_NO_TITLE = re.compile(
    r"(?:microsoft|word|wps|untitled|无标题|未命名|文档|document|slide|幻灯片|新建|print|layout)"
    r"|[\\/]|\.(?:docx?|wps|pdf|indd|pptx?|tex|dvi|html?|cdr|qxd|fh\d*|p65)\b|^[\d\W_]*$",
    re.I,
)
_NO_AUTHOR = re.compile(
    r"^(?:administrator|admin|user|users?\d*|owner|root|microsoft|lenovo|dell|hp|asus|acer|thinkpad"
    r"|pc|unknown|anonymous|author|作者|用户|微软用户|番茄花园|雨林木风|深度技术|电脑|wps.*|.*[@\\].*"
    r"|[\d\W_]*)$",
    re.I,
)


def _good_title(title: str) -> str:
    """Return a title that a person gave to a document, or ""."""
    return "" if len(title) < 2 or len(title) > 120 or _NO_TITLE.search(title) else title


def _good_author(author: str) -> str:
    """Return the name of an author, or "" for that of a machine or its user."""
    return "" if len(author) < 2 or len(author) > 200 or _NO_AUTHOR.search(author) else author

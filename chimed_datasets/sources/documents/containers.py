"""The parts of a file that is a ZIP, within bounds, and what an old Office file is.

DOCX, XLSX, ODS and EPUB are ZIP archives of XML. Nothing of one is unpacked to disk; a part is
read as a stream, and all parts together may become no more than the bytes of an archive may.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, BinaryIO, NoReturn

from ...errors import ChimedError, SourceError
from ...lang import N_, _
from ..files.looks import Look
from ..files.opening import BROKEN, BUFFER, NotTaken, SourceFile, check_growth, explained
from .markup import MAX_TREE_BYTES

MAX_PARTS = 200_000
OFFICE = ("zip", "ole")
"""The kinds, see :mod:`.files.looks`, that office programs write."""
DAMAGED = (*BROKEN, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)

_KINDS = (
    ("xl/workbook", "xlsx"),
    ("word/document", "docx"),
    ("ppt/presentation", "pptx"),
    ("META-INF/container.xml", "epub"),
)
_CONTENT_TYPES = "[Content_Types].xml"
_OF_TYPES = ((b"sheet.binary", "xlsb"), (b"spreadsheetml.", "xlsx"), (b"presentationml.", "pptx"),
             (b"wordprocessingml.", "docx"))  # fmt: skip
_MIMES = {
    b"application/epub+zip": "epub",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.text": "odt",
}
NAMED = {
    "xlsx": N_("an Excel workbook (xlsx): layout csv reads its sheets"),
    "xlsb": N_("a binary Excel workbook (xlsb): save it as XLSX"),
    "ods": N_("a workbook (ods): layout csv reads its sheets"),
    "docx": N_("a Word document (docx): layout docx reads it"),
    "odt": N_("a document of OpenOffice (odt): save it as DOCX"),
    "pptx": N_("a presentation (pptx): save its text as plain text"),
    "epub": N_("an e-book (EPUB): layout epub reads it"),
    "zip": N_("a ZIP archive: give it the ending .zip and it is unpacked"),
    "xls": N_("an old Excel workbook (xls): layout csv reads its sheets"),
    "doc": N_(
        "an old Word document (doc), which is not read: save it as DOCX, in Word, WPS or by "
        "soffice --convert-to docx"
    ),
    "ppt": N_("an old presentation (ppt): save its text as plain text"),
    "locked": N_("an Office file with a password: open it and save it without one"),
    "ole": N_("an old Office file of an unknown kind: save it as DOCX, XLSX or plain text"),
}
"""What a file of a kind is, and what to do with it."""


def refuse(file: SourceFile, what: str) -> NoReturn:
    """Raise :class:`NotTaken`: the file becomes one row of the ledger. Nothing of it may have been
    read before."""
    raise NotTaken(file.name, Look("zip", "not_text", _IS.format(what=what)))


_IS, _DAMAGED = (
    N_("this is {what}"),
    N_("{what} that is damaged ({reason}): open it and save it again"),
)
_CALLED = (N_("a Word document"), N_("an e-book"), N_("a workbook"), N_("an Office file"))
"""What a damaged file is called."""


def refuse_damaged(file: SourceFile, what: str, error: Exception) -> NoReturn:
    """Raise :class:`NotTaken` for a file that is damaged. what: to call it by."""
    refuse(file, _DAMAGED.format(what=what, reason=told(error)))


@contextmanager
def stored(file: SourceFile) -> Iterator[BinaryIO]:
    """Yield the decompressed bytes of a file as a stream in which one can go back and forth."""
    with explained(file.name, (*BROKEN, *file.faults)), ExitStack() as opened:
        stream = opened.enter_context(file.open())
        if file.is_away or not stream.seekable():
            copy = opened.enter_context(tempfile.TemporaryFile())
            while block := stream.read(BUFFER):
                copy.write(block)
            copy.seek(0)
            stream = copy
        yield stream


@contextmanager
def fitting(file: SourceFile, kind: str, what: str) -> Iterator[Container | None]:
    """Yield the parts of a file of one kind, a key of :data:`NAMED`; None for a file with nothing
    in it. What goes wrong is told in one line.

    Raises :class:`NotTaken` for a file of another kind, and for one that is damaged where nothing
    of it was read yet, else :class:`SourceError`. what: to call it by.
    """
    with stored(file) as stream:
        if is_blank(stream):
            yield None
            return
        try:
            found = office_kind(stream)
        except DAMAGED as error:
            refuse_damaged(file, what, error)
        if found != kind:
            other = N_("no {what}: leave it out").format(what=what.partition(" ")[2])
            refuse(file, NAMED.get(found, other))
        try:
            stream.seek(0)
            yield Container(file, stream)
        except ChimedError:
            raise
        except (*DAMAGED, LookupError) as error:
            refuse_damaged(file, what, error)


def is_blank(stream: BinaryIO) -> bool:
    """Whether a file begins with nothing but blanks."""
    head = stream.read(64)
    stream.seek(0)
    return not head.strip(b"\0 \t\r\n")


def told(error: Exception) -> str:
    """Return what an error says, on one short line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def office_kind(stream: BinaryIO) -> str:
    """Return what kind of file a stream is: a key of :data:`NAMED`, or "" where it is none."""
    head = stream.read(8)
    stream.seek(0)
    if head == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _old_kind(stream)
    if not head.startswith(b"PK"):
        return ""
    with zipfile.ZipFile(stream) as archive:
        names = archive.namelist()
        if "mimetype" in names:
            with archive.open("mimetype") as part:
                found = _MIMES.get(part.read(80).strip())
                if found:
                    return found
        if _CONTENT_TYPES in names:
            with archive.open(_CONTENT_TYPES) as part:
                types = part.read(BUFFER)
            for mark, kind in _OF_TYPES:
                if mark in types and b".main" in types:
                    return kind
    if "xl/workbook.bin" in names:
        return "xlsb"
    for start, kind in _KINDS:
        if any(name.replace("\\", "/").startswith(start) for name in names):
            return kind
    return "zip"


def _old_kind(stream: BinaryIO) -> str:
    """Return what kind an OLE file is, by the names in its directory, wherever that stands."""
    marks = {
        "EncryptedPackage": "locked",
        "WordDocument": "doc",
        "PowerPoint Document": "ppt",
        "Workbook": "xls",
        "Book": "xls",
    }
    spelt = {(name + "\0").encode("utf-16-le"): kind for name, kind in marks.items()}
    found: set[str] = set()
    before = b""
    while block := stream.read(BUFFER):
        data = before + block
        found |= {kind for mark, kind in spelt.items() if mark in data}
        before = data[-64:]
    stream.seek(0)
    return next((kind for kind in ("locked", "doc", "ppt", "xls") if kind in found), "ole")


class Container:
    """The parts of a ZIP by their names.

    Raises :class:`SourceError` where the parts become far more bytes than the file has, and
    whatever of :data:`DAMAGED` a broken file leads to.
    """

    def __init__(self, file: SourceFile, stream: BinaryIO) -> None:
        self.file = file
        self.archive = zipfile.ZipFile(stream)
        self.parts = {info.filename.replace("\\", "/"): info for info in self.archive.infolist()}
        self.out = 0
        if len(self.parts) > MAX_PARTS:
            raise SourceError(
                _("{name}: more than {max_parts:,} parts in it.").format(
                    name=file.name, max_parts=MAX_PARTS
                )
            )
        self._folded = {name.lower(): name for name in self.parts}

    def find(self, name: str) -> str | None:
        """Return the part of a name, whatever its case, or None."""
        name = name.lstrip("/")
        return name if name in self.parts else self._folded.get(name.lower())

    def grown(self, size: int) -> None:
        """Count what was read, or what reading led to, in bytes."""
        self.out += size
        check_growth(self.file.name, self.file.size, self.out)

    def open(self, name: str) -> BinaryIO:
        """Return a part as a stream. Raises KeyError where there is none."""
        found = self.find(name)
        if found is None:
            raise KeyError(_("no part {name!r} in it").format(name=name))
        info = self.parts[found]
        if info.flag_bits & 1:
            raise SourceError(
                _("{name}: it needs a password; save it without one.").format(name=self.file.name)
            )
        return io.BufferedReader(_Counted(self.archive.open(info), self), BUFFER)

    def read(self, name: str, most: int = MAX_TREE_BYTES) -> bytes:
        """Return a part whole. Raises ValueError for one of more than ``most`` bytes."""
        with self.open(name) as stream:
            data = stream.read(most + 1)
        if len(data) > most:
            raise ValueError(
                _("its part {name} has more than {most:,} bytes").format(name=name, most=most)
            )
        return data


class _Counted(io.RawIOBase):
    """A part whose bytes are counted while it is read."""

    def __init__(self, stream: IO[bytes], container: Container) -> None:
        self.stream, self.container = stream, container

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self.stream.read(len(view))
        view[: len(data)] = data
        self.container.grown(len(data))
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self.stream.close()
        super().close()

"""What a file is that is not read: by its first bytes, or by its name alone."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from ...lang import N_, retold
from .encodings import detect, is_wide

HEAD = 8 * 1024
"""How many bytes of a file are looked at."""


class Look(NamedTuple):
    """What a file is that is no text.

    kind:     a short name, by which a layout says that it takes such files.
    rule:     the rule under which others refuse it.
    evidence: what it is and what to do, one line.
    """

    kind: str
    rule: str
    evidence: str

    @property
    def told(self) -> str:
        """The evidence in the language that is spoken; the ledger has it in English."""
        return retold(self.evidence)


_COMPRESSED_TWICE = N_("this is a compressed file ({ending}): unpack it yourself")
_PAGE = N_(
    "this is a web page (HTML): layout html reads pages; if it stands where data should be, "
    "download the data again or export it as CSV"
)
_TITLED = N_(
    "this is a web page (HTML) with the title {title!r}: layout html reads pages; if it stands "
    "where data should be, download the data again or export it as CSV"
)
_ENDING = N_("its ending is none of {endings}")

_BEGINNINGS = (
    (b"%PDF-", "pdf", N_("this is a PDF: layout pdf reads it")),
    (b"Rar!\x1a\x07", "rar",
     N_("this is a RAR archive: give it the ending .rar and it is unpacked")),
    (b"7z\xbc\xaf\x27\x1c", "7z",
     N_("this is a 7z archive: give it the ending .7z and it is unpacked")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole",
     N_("this is an old Office file (xls, doc, ppt): layout csv reads the sheets of an .xls; "
        "save a .doc as DOCX, for layout docx")),
    (b"\x89PNG\r\n\x1a\n", "picture", N_("this is a picture (PNG): text in pictures is not read")),
    (b"\xff\xd8\xff", "picture", N_("this is a picture (JPEG): text in pictures is not read")),
    (b"GIF87a", "picture", N_("this is a picture (GIF): text in pictures is not read")),
    (b"GIF89a", "picture", N_("this is a picture (GIF): text in pictures is not read")),
    (b"II*\0", "picture", N_("this is a picture (TIFF): text in pictures is not read")),
    (b"MM\0*", "picture", N_("this is a picture (TIFF): text in pictures is not read")),
    (b"SQLite format 3\0", "sqlite", N_("this is an SQLite database: export its tables as CSV")),
    (b"PAR1", "parquet", N_("this is a Parquet file: layout parquet reads it")),
    (b"PARE", "parquet", N_("this is an encrypted Parquet file: decrypt it first")),
    (b"ARROW1\0\0", "arrow",
     N_("this is an Arrow file (Feather): write it as Parquet, for layout parquet")),
    (b"FEA1", "arrow",
     N_("this is an Arrow file (Feather): write it as Parquet, for layout parquet")),
    (b"Obj\x01", "avro", N_("this is an Avro file: write it as Parquet, for layout parquet")),
    (b"ORC", "orc", N_("this is an ORC file: write it as Parquet, for layout parquet")),
    (b"\x89HDF\r\n\x1a\n", "hdf5",
     N_("this is an HDF5 file: write it as Parquet, for layout parquet")),
    (b"\x93NUMPY", "numpy", N_("this is a NumPy array: write its texts as JSON Lines")),
    *((b"\x80" + version, "pickle",
     N_("this is a pickle of Python: write it as JSON Lines or Parquet"))
      for version in (b"\x02}", b"\x02]", b"\x03}", b"\x03]", b"\x04\x95", b"\x05\x95")),
    (b"{\\rtf", "rtf", N_("this is an RTF document: save it as plain text")),
    (b"\x7fELF", "program", N_("this is a program: this is no data")),
    (b"AT&TFORM", "djvu", N_("this is a DjVu document: take its text out first")),
    (b"WARC/", "warc", N_("this is a web archive: layout warc reads it")),
)  # fmt: skip
_FIRST = frozenset(beginning[:1] for beginning, *_ in _BEGINNINGS)
_OF_LETTERS = (b"PAR1", b"PARE", b"ORC", b"FEA1")
"""A text may begin like this: there must be bytes of no text too."""

_IN_ZIP = (
    (b"xl/", N_("this is an Excel workbook (xlsx): layout csv reads its sheets")),
    (b"word/", N_("this is a Word document (docx): layout docx reads it")),
    (b"ppt/", N_("this is a presentation (pptx): save it as plain text")),
    (b"application/epub+zip", N_("this is an e-book (EPUB): layout epub reads it")),
    (b"opendocument.spreadsheet", N_("this is a workbook (ods): layout csv reads its sheets")),
    (b"opendocument", N_("this is a document of OpenOffice: save it as plain text")),
    (b"[Content_Types].xml",
     N_("this is an Office file (xlsx, docx, pptx): layout csv reads the sheets of a "
        "workbook, layout docx a document")),
)  # fmt: skip
_COMPRESSED = {
    b"\x1f\x8b\x08": ".gz",
    b"BZh": ".bz2",
    b"\xfd7zXZ\0": ".xz",
    b"\x28\xb5\x2f\xfd": ".zst",
}
_POINTER = b"version https://git-lfs.github.com/spec/"

_BEFORE_A_TAG = re.compile(r"(?:\s|<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z))*", re.S)
_TAG_OF_HTML = re.compile(
    r"<(?:!doctype\s+html|(?:html|head|body|table|meta|script|style)\b"
    r"|title>.{0,4000}?<(?:body|meta|br|p|td|h1|/html)\b)",
    re.I | re.S,
)
_TITLE = re.compile(r"<title[^>]*>\s*([^<]{1,80}?)\s*<", re.I)
_CONTROLS = bytes(n for n in range(1, 32) if n not in b"\t\n\v\f\r\x1a\x1b")


def compression_of(head: bytes) -> str:
    """Return the suffix of the compression that a file begins with, or ""."""
    for beginning, suffix in _COMPRESSED.items():
        if head.startswith(beginning) and (suffix != ".bz2" or head[4:10] == b"1AY&SY"):
            return suffix
    return ""


def is_pointer(head: bytes) -> bool:
    """Whether a file is a pointer of Git LFS."""
    return head.removeprefix(codecs.BOM_UTF8).startswith(_POINTER)


def look(head: bytes) -> Look | None:
    """Return what the file is that begins with ``head`` (some 8 KiB, decompressed), or None where
    it may be text."""
    if is_pointer(head):
        return Look(
            "pointer",
            "lfs_pointer",
            N_(
                "this is a pointer of Git LFS, the file itself was not fetched: "
                "run git lfs pull where the repository is"
            ),
        )
    for beginning, kind, evidence in _BEGINNINGS if head[:1] in _FIRST else ():
        if head.startswith(beginning) and (beginning not in _OF_LETTERS or _is_binary(head)):
            return _no_text(kind, evidence)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _in_zip(head)
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return _no_text("picture", N_("this is a picture (BMP): text in pictures is not read"))
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _no_text("picture", N_("this is a picture (WebP): text in pictures is not read"))
    if head[257:262] == b"ustar":
        return _no_text(
            "tar", N_("this is a tar archive: give it the ending .tar and it is unpacked")
        )
    if suffix := compression_of(head):  # what is compressed twice
        return _no_text("compressed", _COMPRESSED_TWICE.format(ending=suffix))
    binary = _is_binary(head)
    encoding = detect(head) if b"\0" in head or binary or head[:1] in _OF_MARKS else "utf-8"
    if binary and not is_wide(encoding):
        return _no_text(
            "binary", N_("this is a binary file, no text in any encoding: leave it out")
        )
    if b"<" not in head:  # in all encodings a tag begins with this byte
        return None
    return _markup(head.decode(encoding, "replace"))


_OF_MARKS = (b"\xff", b"\xfe", b"\0", b"\x84")
"""With these begin the marks of UTF-16, UTF-32 and GB18030."""


def _no_text(kind: str, evidence: str) -> Look:
    return Look(kind, "not_text", evidence)


def _in_zip(head: bytes) -> Look:
    for mark, evidence in _IN_ZIP:
        if mark in head:
            return _no_text("zip", evidence)
    return _no_text("zip", N_("this is a ZIP archive: give it the ending .zip and it is unpacked"))


def _is_binary(head: bytes) -> bool:
    """Whether there are many control characters, beside NULs, which are dirt in any encoding."""
    written = head.replace(b"\0", b"")
    controls = len(written) - len(written.translate(None, _CONTROLS))
    return controls * 20 > len(written)


_DUMP = "<mediawiki"


def _markup(text: str) -> Look | None:
    text = text.lstrip("\ufeff")
    if text.lstrip().startswith((_DUMP, "<?xml")) and _DUMP in text[:2000]:
        return _no_text(
            "mediawiki", N_("this is a dump of a wiki (XML): layout mediawiki reads it")
        )
    start = _BEFORE_A_TAG.match(text)
    assert start is not None  # it matches nothing, too
    begins = text[start.end() :].lstrip("\ufeff")
    if _TAG_OF_HTML.match(begins):
        title = _TITLE.search(begins)
        return Look("html", "is_html", _TITLED.format(title=title[1]) if title else _PAGE)
    if text.lstrip().startswith("<?xml"):
        return _no_text("xml", N_("this is an XML file: convert it to JSON Lines or CSV"))
    return None


# --- by its name -----------------------------------------------------------------------------

_BY_ENDING = {
    **dict.fromkeys(
        (".xlsx", ".xlsm", ".xls", ".ods"), N_("a workbook: layout csv reads its sheets")
    ),
    **dict.fromkeys((".xlsb", ".et"), N_("a workbook: save it as XLSX")),
    **dict.fromkeys(
        (".doc", ".odt", ".wps", ".rtf"), N_("a document: save it as DOCX, which layout docx reads")
    ),
    **dict.fromkeys((".ppt", ".pptx", ".mobi"), N_("a document: save it as plain text")),
    ".docx": N_("a document: layout docx reads it"),
    ".epub": N_("an e-book: layout epub reads it"),
    **dict.fromkeys((".cab", ".lzh", ".z"), N_("an archive that is not unpacked")),
    **dict.fromkeys(
        (".db", ".sqlite", ".sqlite3", ".mdb", ".accdb"), N_("a database: export its tables as CSV")
    ),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff"), N_("a picture")),
    **dict.fromkeys((".parquet", ".pq"), N_("layout parquet reads it")),
    ".pdf": N_("layout pdf reads it"),
    **dict.fromkeys((".csv", ".tsv"), N_("layout csv reads it")),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), N_("layout jsonl reads it")),
    **dict.fromkeys((".txt", ".md"), N_("layout text reads it")),
    **dict.fromkeys((".html", ".htm", ".xhtml", ".shtml"), N_("layout html reads it")),
    **dict.fromkeys((".warc", ".wet"), N_("layout warc reads it")),
}
_ABOUT = re.compile(
    r"(?:readme|licen[cs]e|copying|notice|authors|change|citation|contributing|dataset_info)[^/]*"
    r"|[^/]+\.(?:py|ipynb|sh|ya?ml|toml|cfg|ini|cff|bib|sha256|md5)|(?:makefile|dockerfile)",
    re.I,
)


def why_not_read(ending: str, wanted: tuple[str, ...]) -> str:
    """Return why a file of a folder or archive is passed over.

    ending: of its name, compression aside, as ".xlsx".
    wanted: the endings that the layout reads.
    """
    if why := _BY_ENDING.get(ending.lower()):
        return why
    return _ENDING.format(endings=", ".join(wanted))


_IN_ARCHIVES = (
    N_("member {name_2!r} is a link or a device."),
    N_("member {name_2!r} leads outside the archive."),
    N_("a member has no name that can be read."),
    N_("it needs a password; unpack it yourself."),
    N_("becomes more than {max_bytes:,} bytes; unpack it yourself."),
    N_("more than {max_members:,} files in it."),
    N_(
        "{stored:,} bytes become more than {out:,} (over {max_ratio} times): taken for a "
        "decompression bomb."
    ),
    N_("cannot be read ({reason})."),
    N_(
        "reading RAR and 7z takes libarchive, which this machine lacks: install it (apt install "
        "libarchive13, brew install libarchive), or unpack the file yourself."
    ),
)
"""What is told in English of an archive in an archive, without its name: see ``retold``."""


def is_about(name: str) -> bool:
    """Whether a file tells of the data or makes it, as a README does: nobody misses it."""
    return _ABOUT.fullmatch(name.rpartition("/")[2]) is not None

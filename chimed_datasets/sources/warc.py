"""Web archives: the pages of WARC files, or the texts of WET files.

site   a site file (see docs/reference/site-file.md), relative to the recipe; left out, the main
       text of every page is taken
where  a condition on title, text, url and date, with ``site`` also on what its pages have, see
       `html`; other pages go to the ledger

Responses with status 200 that are web pages, and conversions (WET), are read in the order of the
archive; what a crawler notes beside them (requests, metadata, revisits) holds no page. Without
``site`` a page becomes a Document: its main text, without menus and boxes, under its first heading.
With ``site`` the pages of its allowed domains are read by its selectors, as by the layout `html`.
url and date are kept as metadata. A page that was stored unpacked, or out of its chunks, under the
headers of before is read as it is; one that was stored packed or in chunks without them, as well.

Malformed: another status (``status_404``), no page (``not_html``), no or hardly any text
(``no_text``), text in another language (``not_chinese``), a page of no rule of the site file
(``no_rule``), a record cut off (``truncated``), undecodable (``damaged``) or beyond 32 MiB
(``too_long``). What is not about
medicine is the stage `relevance`'s to refuse.
"""

from __future__ import annotations

import importlib
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import SourceError, broken_extra
from ..records import Document, Malformed, Record
from .files.decoding import MAX_RECORD_BYTES
from .files.opening import FileReport, SourceFile
from .parsing.ready import chosen
from .site import pages
from .site.choice import ChosenPages, OfSite
from .site.pages import record_of
from .site.site_file import Site, load_site

SUFFIXES = (".warc", ".wet")
TAKES = ("warc",)
MIN_CHINESE = 20
"""Chinese characters that a page must have to be worth reading."""
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\u1100-\u11ff\uac00-\ud7af]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u052f]")


@dataclass(frozen=True)
class Options(ChosenPages):
    """How pages are read; see the layout's description."""

    site: str | None = None

    def at(self, base: Path) -> OfSite:
        """Return the site file's content. Raises :class:`RecipeError`, and
        :class:`ChimedError` where a package that is needed is not installed."""
        for name in ("fastwarc", "trafilatura"):
            try:
                importlib.import_module(name)
            except ImportError as error:
                raise SourceError(broken_extra(error, "collect")) from None
        place = Path(os.path.expandvars(self.site)).expanduser() if self.site else None
        site = load_site(base / place) if place else None
        return self.of_site(site, "url", "date")


def read(
    files: Sequence[SourceFile], options: OfSite, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield the record of each page of each archive."""
    return chosen(_pages(files, options.site, report), options.chosen)


def _pages(
    files: Sequence[SourceFile], site: Site | None, report: FileReport
) -> Iterator[Record | Malformed]:
    for file in files:
        for key, page in _captures(file):
            yield page if isinstance(page, Malformed) else _record(key, page, site, file, report)


class _Forward:
    """A stream that can be read and told the place in. fastwarc asks any other for its place by
    ``seek``, and panics where a decompressing one refuses."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.at = stream, 0

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.at += len(data)
        return data

    def tell(self) -> int:
        return self.at


@dataclass(frozen=True)
class Capture:
    """A page as it was archived. ``kind``: its Content-Type; ``html``: false for a WET text."""

    url: str
    date: str
    kind: str
    html: bool
    body: bytes


def _captures(file: SourceFile) -> Iterator[tuple[str, Capture | Malformed]]:
    """Yield (key, capture) of each record that stands for a page."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    wanted = WarcRecordType.response | WarcRecordType.resource | WarcRecordType.conversion
    with file.open() as stream:
        records = ArchiveIterator(
            _Forward(stream),  # type: ignore[arg-type]
            record_types=wanted,
            parse_http=False,  # in _capture, where a damaged answer is that record's loss alone
            stream_detect=False,  # it is decompressed already, and bounded
            quirks_mode=True,
        )
        for number, record in enumerate(records):
            key = f"{file.name}#{number}"
            yield key, _capture(key, record)


def _capture(key: str, record: Any) -> Capture | Malformed:
    url = record.headers.get("WARC-Target-URI", "").strip("<>")
    size = record.content_length
    if size > MAX_RECORD_BYTES:
        return Malformed(key, "too_long", f"{size:,} bytes: {url}")
    content = record.reader.read()
    if len(content) < size:
        return Malformed(key, "truncated", f"{len(content):,} of {size:,} bytes: {url}")
    headers, body = record.headers, content
    if record.is_http:
        failed: OSError | None = None
        headers, body = record.headers, b""
        try:
            headers, body = _answer(record, content, "all")
        except OSError as error:
            failed = error
        if failed or not _is_text(body):
            # What is stored is not always what its header says: unpacked, or out of its chunks.
            try:
                headers, stored = _answer(record, content, "none")
            except OSError as error:
                return Malformed(key, "damaged", f"{error}: {url}")
            if (found := _unpacked(stored)) is not None:
                body = found
            elif failed:
                return Malformed(key, "damaged", f"{failed}: {url}")
        if headers.status_code != 200:
            return Malformed(key, f"status_{headers.status_code or 'unknown'}", url)
    if len(body) > MAX_RECORD_BYTES:
        return Malformed(key, "too_long", f"over {MAX_RECORD_BYTES:,} bytes unpacked: {url}")
    kind = headers.get("Content-Type", "")
    text = record.headers.get("WARC-Type") == "conversion"
    if not text and not pages.is_page(kind, body):
        return Malformed(key, "not_html", f"{kind or 'no Content-Type'}: {url}")
    return Capture(url, record.headers.get("WARC-Date", "")[:10], kind, not text, body)


def _answer(record: Any, content: bytes, decode: str) -> tuple[Any, bytes]:
    """Return headers and body of an answer; a record of its own is made, since one that fails would
    take the archive's reader with it. Raises OSError where it does not unpack."""
    answer = type(record)()
    answer.set_bytes_content(content)
    answer.is_http = True
    answer.parse_http(auto_decode=decode, quirks_mode=True)
    return answer.http_headers, answer.reader.read(MAX_RECORD_BYTES + 1)


_CHUNK = re.compile(rb"[0-9A-Fa-f]{1,8}[ \t]{0,9}(?:;[^\r\n]{0,200})?\r?\n")
_PAGE = re.compile(
    rb"<(?:!doctype|!--|html|head|body|title|meta|div|p|h[1-6]|table|br)[\s>/-]", re.I
)


def _is_text(body: bytes) -> bool:
    """Whether ``body`` does not look packed or chunked."""
    return not (body[:2] == b"\x1f\x8b" or not body or _CHUNK.match(body))


def _unpacked(stored: bytes) -> bytes | None:
    """Return the page that was ``stored``, whatever its header says, or None where it is none:
    as it is, in chunks, packed by gzip or zlib. At most :data:`MAX_RECORD_BYTES` and one more."""
    for body in (stored, _joined(stored)):
        if body is None:
            continue
        for bits in (31, 15, -15) if body[:2] == b"\x1f\x8b" or body[:1] == b"x" else ():
            packed = zlib.decompressobj(bits)
            try:
                page = packed.decompress(body, MAX_RECORD_BYTES + 1)
            except zlib.error:
                continue
            if packed.eof or len(page) > MAX_RECORD_BYTES:
                return page
        if _PAGE.search(body[:2048]) and not _CHUNK.match(body):
            return body
    return None


def _joined(stored: bytes) -> bytes | None:
    """Return the content of chunks, or None where ``stored`` is not in chunks to its end."""
    parts: list[bytes] = []
    at = 0
    while size := _CHUNK.match(stored, at):
        length = int(size[0].split(b";")[0].strip(), 16)
        if not length:
            return b"".join(parts)
        parts.append(stored[size.end() : size.end() + length])
        at = size.end() + length
        if at > len(stored) or not (end := _LINE_END.match(stored, at)):
            return None
        at = end.end()
    return None


_LINE_END = re.compile(rb"\r?\n")


def _record(
    key: str, page: Capture, site: Site | None, file: SourceFile, report: FileReport
) -> Record | Malformed:
    text, encoding, replaced = pages.decode_page(page.body, page.kind)
    report.note(file.name, encoding, replaced)
    record: Record | Malformed
    if site is not None:
        if not page.html or not site.allows(page.url):
            return Malformed(key, "no_rule", f"not of site {site.name!r}: {page.url}")
        record = record_of(key, text, site, page.url)
    elif page.html:
        record = _main(key, text)
    else:
        text = pages.tidy(text)
        record = not_chinese(key, text) or Document(key, text)
    if isinstance(record, Malformed):
        return Malformed(key, record.rule, f"{record.evidence} ({page.url})")
    record.metadata |= {"url": page.url, "date": page.date}
    return record


def _main(key: str, text: str) -> Document | Malformed:
    tree = pages.parse(text)
    # Looked at first: most pages of an archive are in other languages, and this is cheap.
    seen = pages.element_text(tree.root)
    if refused := not_chinese(key, seen):
        return refused
    main = pages.main_text(text, seen)
    if len(_HAN.findall(main)) < MIN_CHINESE:
        return Malformed(key, "no_text", main[:80])
    headings = [*tree.css("h1"), *tree.css("title")]
    titles = (pages.element_text(h.root) or (h.root.text or "").strip() for h in headings)
    return Document(key, main, next(filter(None, titles), None))


def not_chinese(key: str, text: str) -> Malformed | None:
    """Return why ``text`` is not a Chinese one, or None where it is.

    By script: a detector by n-grams of letters (that of resiliparse) knows no Chinese sentence and
    takes a Japanese one for Chinese. Kana and Hangul make up a third of Japanese and Korean text;
    more than a tenth is too much for a Chinese page that quotes some.
    """
    han, other, latin = (len(p.findall(text)) for p in (_HAN, _KANA_HANGUL, _LATIN))
    if han < MIN_CHINESE and han + other + latin < 5 * MIN_CHINESE:
        return Malformed(key, "no_text", f"{han} Chinese characters: {text[:60]}")
    if han < MIN_CHINESE or other > 0.1 * (han + other) or latin > 4 * han:
        return Malformed(key, "not_chinese", f"{han} of {han + other + latin} letters are Chinese")
    return None

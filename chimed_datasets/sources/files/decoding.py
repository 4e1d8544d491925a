"""Bytes to text: decode each line as what it is, count what does not decode."""

from __future__ import annotations

import codecs
import re
import threading
from collections.abc import Generator, Iterable, Iterator
from itertools import groupby
from typing import BinaryIO, NamedTuple

import numpy as np

from ...errors import SourceError
from ...lang import _
from ...records import Malformed, excerpt
from .encodings import (
    HEAD_BYTES,
    OTHERS,
    beginning,
    detect,
    is_wide,
    plausibility,
    reads_as_chinese,
    weights_beyond_ascii,
)
from .opening import BUFFER, FileReport, SourceFile
from .parts import Part

MAX_RECORD_BYTES = 32 * 1024 * 1024
"""A line, row or document longer than this goes to the ledger instead of into memory: the stages
hold some 30 times as many bytes of a text."""
_HELD_BYTES = 4 * BUFFER
"""So many bytes without a line end, quote, comma or blank are held until one comes."""
_NULS = 1024
"""So many NULs are held of a block of NULs alone."""
MAX_TEXT_LINES = 4_000_000
"""A document of a book of more lines goes to the ledger: each takes some 60 bytes and more."""
MAX_TEXT_BYTES = 256 * 1024 * 1024
"""A book is read as a whole; no book is as large as this."""


class Decoded(NamedTuple):
    """text: line ends are \\n. replaced: how many U+FFFD in it stand for bytes that broke."""

    text: str
    encoding: str
    replaced: int


# --- decoding --------------------------------------------------------------------------------

_REPLACE = "chimed-replace"
_broken = threading.local()


def _replace_counted(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    _broken.count += 1
    return "\ufffd", error.end


codecs.register_error(_REPLACE, _replace_counted)


def _text(data: bytes, encoding: str) -> tuple[str, int]:
    """Return the text and how many U+FFFD were put in for broken bytes."""
    text = data.decode(encoding, "replace")
    there = text.count("\ufffd")
    if not there or "\ufffd".encode(encoding, "ignore") not in data:
        return text, there
    _broken.count = 0  # the text has some of its own: slower
    return data.decode(encoding, _REPLACE), _broken.count


def decode(data: bytes) -> Decoded:
    """Decode a whole file. Never fails: bytes that do not decode become U+FFFD, counted.

    ``encoding`` is "utf-8+gb18030" and the like where lines are of different encodings.
    """
    encoding = detect(beginning(data))
    if is_wide(encoding):
        text, replaced = _text(data, encoding)
        text = _without_marks(text)
    else:
        if b"\r" in data and b"\n" not in data:
            data = data.replace(b"\r", b"\n")
        mixed = _Mixed(encoding)
        text, encoding, replaced = mixed.text(data), mixed.encoding, mixed.replaced
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Decoded(text, encoding, replaced)


_MARKED_LINE = re.compile("^\ufeff+", re.M)
_MARKED_BYTES = re.compile(rb"(?:\A|(?<=\n))(?:\xef\xbb\xbf)+")


def _without_marks(text: str) -> str:
    """Take away the marks that stand at the beginning of a line: files were put together there."""
    return _MARKED_LINE.sub("", text) if "\ufeff" in text else text


# A whole line of UTF-8 that is not ASCII alone. It begins with a plain character, which is found
# fast, and a line of another encoding is given up at its first character or two.
_LINE_OF_UTF8 = re.compile(
    rb"\n[^\n\x80-\xff]*+"
    rb"(?:(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})++"
    rb"[^\n\x80-\xff]*+)++(?=\n|\Z)"
)
_RARE_BYTES = 0x21
"""So many bytes from 0x80 on are in nearly every character of UTF-8; in GB18030 and Big5 only rare
characters have them."""
_LONG = re.compile(rb"[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_CERTAIN = re.compile(rb"(?:[\xe2-\xef][\x80-\xbf]{2}[\x00-\x7f]*+){4}")
"""Four characters of three bytes: a line that has them and is valid UTF-8 is UTF-8."""
_FEW = 3
"""So many characters of three bytes beside fewer broken ones are hardly chance in a line of GBK."""
_A_LOOK = 600
"""So many bytes of a line tell whether it is UTF-8 with broken bytes."""
_READS_WELL = 2
"""What reads so well on the mean in the other encoding is no UTF-8 with broken bytes."""
_SURE_BYTES = 256
"""A part of a file with so many bytes beyond ASCII, all of them valid UTF-8, is UTF-8."""


class _Mixed:
    """Decodes text part by part: each line as UTF-8 where it is that, else in the file's other
    encoding. Files of both come about where files were put together.

    other:    the encoding of lines that are not UTF-8, "" as long as none was met.
    utf8:     whether lines of UTF-8 beyond ASCII were met.
    replaced: how many U+FFFD were put in.
    """

    def __init__(self, detected: str = "") -> None:
        self.marked = detected == "utf-8-sig"
        self.other = ""
        self.utf8 = False
        self.replaced = 0
        self._mostly_utf8 = True
        self._settled: bytes | None = None

    @property
    def encoding(self) -> str:
        """How the text so far was encoded."""
        if not self.other:
            return "utf-8-sig" if self.marked else "utf-8"
        return f"utf-8+{self.other}" if self.utf8 else self.other

    def is_utf8(self, data: bytes) -> bool:
        """Whether ``data``, which comes next, may have lines of UTF-8."""
        if not (self.other or self.utf8) and not data.isascii():
            try:
                data.decode()
                self.utf8 = True
            except UnicodeDecodeError:
                self._settle(data)
        return self.utf8 or not self.other

    def text(self, data: bytes, around: bytes | None = None) -> str:
        """Return ``data``, which ends between two characters, as text.

        around: what the other encoding is found from; ``data`` itself where it is left out.
        """
        try:
            text = data.decode()
            if text.isascii():
                return text
            if not self.other or len(data) - len(text) > _SURE_BYTES:
                self.utf8 = True
                return _without_marks(text)
        except UnicodeDecodeError:
            if not self.other:
                self._settle(data if around is None else around)
        if not self.other:
            return _without_marks(self._decoded(data, "utf-8"))
        if not self.utf8 and not self._any_utf8(data):
            return self._in_other(data)
        parts = []
        for of_utf8, lines_ in groupby(data.split(b"\n"), self._is_utf8_line):
            part = b"\n".join(lines_)
            text = _without_marks(self._decoded(part, "utf-8")) if of_utf8 else self._in_other(part)
            parts.append(text)
        return "\n".join(parts)

    def _in_other(self, data: bytes) -> str:
        """Return ``data`` read in the other encoding, which makes a character of the mark of
        UTF-8 and the byte after it."""
        replaced = self.replaced
        text = self._decoded(data, self.other)
        if (
            codecs.BOM_UTF8[:2].decode(self.other, "replace") in text
            and (unmarked := _MARKED_BYTES.sub(b"", data)) != data
        ):
            self.replaced = replaced
            text = self._decoded(unmarked, self.other)
        return _without_marks(text)

    def _decoded(self, data: bytes, encoding: str) -> str:
        text, replaced = _text(data, encoding)
        self.replaced += replaced
        if encoding == "gb18030" and GBK_BLANK in text:
            text = text.replace(GBK_BLANK, "\u3000")
        return text

    def _settle(self, data: bytes) -> None:
        """Find the encoding of the lines of ``data`` that are not UTF-8."""
        if data is self._settled:
            return
        self._settled = data
        lines_of: dict[bool, list[bytes]] = {True: [], False: []}
        sizes = {True: 0, False: 0}
        for line in _lines_of(data):
            if not line.isascii():
                of_utf8 = self._is_utf8_line(line)
                if sizes[of_utf8] < HEAD_BYTES:
                    lines_of[of_utf8].append(beginning(line))
                elif not of_utf8:
                    break
                sizes[of_utf8] += len(line)
        if odd := b"\n".join(lines_of[False]):
            known = self.utf8 or sizes[True] > sizes[False]
            scores = {encoding: plausibility(odd, encoding) for encoding in ("utf-8", *OTHERS)}
            best = max(scores, key=lambda encoding: scores[encoding])
            if best != "utf-8" and (not known or reads_as_chinese(odd, best)):
                self.other, self._mostly_utf8 = best, known
        self.utf8 = self.utf8 or any(map(self._is_utf8_line, lines_of[True]))

    def _any_utf8(self, data: bytes) -> bool:
        """Whether a line of ``data`` is UTF-8; most of it is not."""
        for start in range(0, len(data), BUFFER):
            part = np.frombuffer(data, np.uint8, min(BUFFER, len(data) - start), start)
            rare = part - np.uint8(0x80) < _RARE_BYTES
            many = int(np.count_nonzero(rare))
            if many * 200 > len(part):
                found = (match[0][1:] for match in _LINE_OF_UTF8.finditer(b"\n" + data, start))
                self.utf8 = any(map(self._is_utf8_line, found))
                return self.utf8
            if many and any(map(self._is_utf8_line, _lines_at(data, np.flatnonzero(rare) + start))):
                self.utf8 = True
                return True
        return False

    def _is_utf8_line(self, line: bytes) -> bool:
        """Whether a line is UTF-8, or UTF-8 with a few broken bytes."""
        try:
            text = line.decode()
        except UnicodeDecodeError:
            # Of the characters of another encoding some look like one of two bytes, and most like
            # none at all: a look at the first of them tells.
            line = beginning(line)[:_A_LOOK]
            right = len(_LONG.findall(line))
            wrong = line.decode("utf-8", "replace").count("\ufffd")
            if right == 0 or right < wrong:
                return False
            if not self.other:
                return True
            if right > wrong and right >= _FEW:
                return bool(weights_beyond_ascii(line, self.other).mean() < _READS_WELL)
        else:
            if not self.other or text.isascii() or _CERTAIN.search(line):
                return True
            line = beginning(line)
        # A line of a few characters may be valid in both: what it says in each decides, and where
        # it says as much in both, what most of the file is.
        mine, others = (weights_beyond_ascii(line, e) for e in ("utf-8", self.other))
        if self._mostly_utf8:
            return not (len(others) > 1 and others.mean() >= mine.mean() + 2)
        return bool(mine.mean() > others.mean() + 1)


def _lines_of(data: bytes) -> Iterator[bytes]:
    """Yield lines one by one: who needs only the first ones does not pay for the others."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        yield data[start:end]
        start = end + 1


def _lines_at(data: bytes, places: Iterable[int]) -> Iterator[bytes]:
    """Yield the lines that these ``places``, which ascend, are in, each once."""
    end = -1
    for place in places:
        if place > end:
            start = data.rfind(b"\n", 0, place) + 1
            end = data.find(b"\n", place)
            end = len(data) if end < 0 else end
            yield data[start:end]


GBK_BLANK = "\ue5e5"
"""What Python makes of A3 A0, the full-width blank of many GBK files."""


def read_text(file: SourceFile, report: FileReport) -> str:
    """Return a file's whole text; encoding and replacements are noted in ``report``.

    Raises :class:`SourceError` for a file beyond ``MAX_TEXT_BYTES``.
    """
    data = file.plain()
    if data is None or len(data) > MAX_TEXT_BYTES:
        data = _whole(file)
    text, encoding, replaced = decode(data)
    report.note(file.name, encoding, replaced)
    return text


def _whole(file: SourceFile) -> bytes:
    blocks: list[bytes] = []
    size = 0
    with file.open() as stream:
        while block := stream.read(BUFFER):
            size += len(block)
            if size > MAX_TEXT_BYTES:
                raise SourceError(
                    _(
                        "{name}: over {max_text_bytes:,} bytes, too much for one text; "
                        "part it into smaller files."
                    ).format(name=file.name, max_text_bytes=MAX_TEXT_BYTES)
                )
            blocks.append(block)
    return b"".join(blocks)


class _Decoder:
    """Decodes a file part by part."""

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.mixed = _Mixed()
        self.wide = ""
        self.replaced = 0  # where it is wide

    def blocks(self) -> Iterator[bytes]:
        r"""Yield the file's bytes as they are, but UTF-16 and UTF-32 as UTF-8, without a mark at
        the beginning, and with ``\n`` for ``\r`` where this alone ends lines."""
        only_cr = None
        if self.file.part is not None:  # of which that was looked at before the file was cut
            yield from self._of_part(self.file.part)
            return
        for block in self._unmarked():
            if only_cr is None:
                only_cr = b"\n" not in block and block.find(b"\r", 0, len(block) - 1) >= 0
            yield block.replace(b"\r", b"\n") if only_cr else block

    def _unmarked(self) -> Iterator[bytes]:
        with self.file.open() as stream:
            block = stream.read(BUFFER)
            encoding = detect(beginning(block))
            if is_wide(encoding):
                yield from self._widened(block, stream, encoding)
                return
            self.mixed = _Mixed(encoding)
            while block.startswith(codecs.BOM_UTF8):
                block = block[len(codecs.BOM_UTF8) :]
            while block:
                yield block
                block = stream.read(BUFFER)

    def _of_part(self, part: Part) -> Iterator[bytes]:
        self.mixed = _Mixed(part.encoding)
        with self.file.open() as stream:
            stream.seek(part.start)
            marked = part.start == 0
            left = part.size
            while block := stream.read(min(BUFFER, left)):
                left -= len(block)
                while marked and block.startswith(codecs.BOM_UTF8):
                    block = block[len(codecs.BOM_UTF8) :]
                marked = False
                if part.tally is not None and b"\0" in block:  # these are judged block by block
                    part.tally.unsure = True
                    return
                if block:
                    yield block

    def _widened(self, block: bytes, stream: BinaryIO, encoding: str) -> Iterator[bytes]:
        self.wide = encoding
        decoder = codecs.getincrementaldecoder(encoding)(_REPLACE)
        start = True
        while block or decoder.getstate()[0]:
            _broken.count = 0
            text = decoder.decode(block, final=not block)
            self.replaced += _broken.count
            text = text.lstrip("\ufeff") if start else text
            if text:  # a mark alone, or half a character, gives none yet
                yield text.encode()
                start = False
            block = stream.read(BUFFER)

    def is_utf8(self, data: bytes) -> bool:
        """Whether ``data``, which comes next in the file, may have lines of UTF-8."""
        return bool(self.wide) or self.mixed.is_utf8(data)

    def text(self, data: bytes, around: bytes | None = None) -> str:
        """Return ``data``, which ends between two characters, as text with ``\\n`` line ends and
        without marks where lines begin."""
        text = self.mixed.text(data, around)
        return text.replace("\r\n", "\n") if "\r" in text else text

    def note(self, report: FileReport) -> None:
        replaced = self.replaced + self.mixed.replaced
        report.note(self.file.name, self.wide or self.mixed.encoding, replaced)


def texts(file: SourceFile, report: FileReport) -> Generator[str, None, None]:
    """Yield a file's text in pieces of about 1 MiB, cut at line ends, or where there are none at
    any place."""
    decoder = _Decoder(file)
    blocks = decoder.blocks()
    held: list[bytes] = []
    size = 0
    try:
        block = next(blocks, b"")
        for following in blocks:
            # Bytes below 0x30 are never part of a longer character in any of the encodings.
            cut = block.rfind(b"\n") + 1 or max(map(block.rfind, (b'"', b",", b" "))) + 1
            if not cut and size + len(block) > _HELD_BYTES:
                cut = _between(block)
            if cut:
                yield decoder.text(b"".join([*held, block[:cut]]))
                held, size = [], 0
            held.append(block[cut:])
            size += len(held[-1])
            block = following
        yield decoder.text(b"".join([*held, block]))
    finally:
        decoder.note(report)


def _between(block: bytes) -> int:
    """Return a place near the end of ``block`` where no character of UTF-8 is cut in two."""
    start = next((n for n in range(1, 5) if n <= len(block) and block[-n] >= 0xC0), 0)
    return len(block) - start


class Lines(NamedTuple):
    """Whole lines of a file as they are stored: the number of the first, from 1, and how many line
    ends there are."""

    number: int
    data: bytes
    ends: int
    decoder: _Decoder

    def texts(self) -> list[str]:
        """Return the lines as text, without their ends."""
        text = self.decoder.text(self.data)
        return (text[:-1] if text.endswith("\n") else text.removesuffix("\r")).split("\n")

    def may_be_utf8(self) -> bool:
        """Whether no line of the file up to here is known to be in another encoding."""
        return self.decoder.is_utf8(self.data) and not self.decoder.mixed.other

    def utf8(self) -> list[bytes] | None:
        r"""Return the lines undecoded, some with a ``\r`` at the end; None where the file has lines
        in another encoding: a few of those are valid UTF-8 by chance. What is no UTF-8 after all is
        for :meth:`text` to decode."""
        if not self.may_be_utf8():
            return None
        rows = self.data.split(b"\n")
        return rows[:-1] if rows[-1] == b"" else rows

    def text(self, line: bytes) -> str:
        """Return one of the lines of :meth:`utf8` as text, in whichever encoding it is."""
        return self.decoder.text(line, self.data).removesuffix("\r")


def line_blocks(file: SourceFile, report: FileReport) -> Iterator[Lines | tuple[int, Malformed]]:
    r"""Yield a file's lines some 1 MiB at a time, or a longer line alone.

    Lines end at ``\n`` or ``\r\n`` alone, never at U+2028 and the like. In place of a line
    longer than ``MAX_RECORD_BYTES`` comes its number and a Malformed row, to be passed on. Of very
    many NULs in a line only some are held: what stands beside them may be a row.
    """
    decoder = _Decoder(file)
    held: list[bytes] = []
    size = 0  # of the line that is not yet complete; past the limit no more of it is held
    nuls = 0  # of that line that are not held
    first = number = file.part.before.line if file.part is not None else 1
    try:
        for block in decoder.blocks():
            if block[0] == block[-1] == 0 and not block.strip(b"\0"):
                nuls += len(block) - len(block[:_NULS])
                block = block[:_NULS]
            elif nuls and (end := block.find(b"\n") + 1):
                full = size + nuls + end
                if full > MAX_RECORD_BYTES and _is_nuls(*held, block[:end]):
                    yield number, _too_long(file, number, full, held[0])
                    number += 1
                    held, size, block = [], 0, block[end:]
                nuls = 0
            if size > MAX_RECORD_BYTES and (end := block.find(b"\n") + 1):
                yield number, _too_long(file, number, size + end, held[0])
                number += 1
                held, size, block = [], 0, block[end:]
            if cut := block.rfind(b"\n") + 1:
                data = b"".join([*held, memoryview(block)[:cut]])
                ends = int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))
                yield Lines(number, data, ends, decoder)
                number += ends
                held, size = [], 0
            size += len(block) - cut
            if size <= MAX_RECORD_BYTES:
                held.append(block[cut:])
        if nuls and _is_nuls(*held):
            size += nuls
        if size > MAX_RECORD_BYTES:
            yield number, _too_long(file, number, size, held[0])
        elif size:
            yield Lines(number, b"".join(held), 0, decoder)
        if file.part is not None and file.part.tally is not None:
            file.part.tally.lines = number - first
    finally:
        decoder.note(report)


def _is_nuls(*parts: bytes) -> bool:
    """Whether a line has NULs alone."""
    return not any(part.strip(b"\0\r\n") for part in parts)


def lines(file: SourceFile, report: FileReport) -> Iterator[tuple[int, str | Malformed]]:
    """Yield (number from 1, line without its end, or Malformed); see :func:`line_blocks`."""
    for block in line_blocks(file, report):
        if isinstance(block, Lines):
            yield from enumerate(block.texts(), block.number)
        else:
            yield block


def _too_long(file: SourceFile, number: int, size: int, start: bytes) -> Malformed:
    begins = excerpt(start[:300].decode(detect(start[:300]), "ignore"))
    evidence = f"{size:,} bytes, allowed {MAX_RECORD_BYTES:,}: {begins}"
    return Malformed(f"{file.name}#line-{number}", "too_long", evidence)

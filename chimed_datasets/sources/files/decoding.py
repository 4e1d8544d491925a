"""Bytes to text: find the encoding, decode, count what does not decode."""

from __future__ import annotations

import codecs
import re
import threading
from collections.abc import Generator, Iterator
from functools import lru_cache
from typing import BinaryIO, NamedTuple

import numpy as np

from ...errors import SourceError
from ...records import Malformed, excerpt
from .opening import BUFFER, FileReport, SourceFile

MAX_RECORD_BYTES = 64 * 1024 * 1024
"""A line or row longer than this goes to the ledger instead of into memory."""
MAX_TEXT_BYTES = 256 * 1024 * 1024
"""A book is read as a whole; no book is as large as this."""
HEAD_BYTES = 32 * 1024
"""How much of a file is looked at to find its encoding."""


class Decoded(NamedTuple):
    """text: line ends are \\n. replaced: how many U+FFFD in it stand for bytes that broke."""

    text: str
    encoding: str
    replaced: int


# --- which encoding --------------------------------------------------------------------------

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CANDIDATES = ("utf-8", "gb18030", "big5hkscs", "utf-16-le", "utf-16-be")
_NUL_RUN = re.compile(rb"\0{4,}")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")

# Frequent characters of modern, medical and classical Chinese, both scripts. They make up about
# half of any Chinese text, and a few per cent of one read in a wrong encoding.
_FREQUENT = (
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后"
    "小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长"
    "者其此曰则故与及若乃何亦且盖焉乎夫即谓矣即皆凡使或因今必先非至未太少阳阴气血脉肝脾肺肾胃肠胆热寒湿"
    "风火水土木金虚实表里汗吐泻痛病症证医药汤散丸服治疗患者体身口舌苔黄白赤黑青内外左右升降钱两分枚"
    "合加减去煎煮炙末酒姜枣草参术归芍桂甘苦辛咸酸温平毒味性主诸名食饮便尿眼耳鼻喉咳痰喘胸腹腰背肢骨"
    "检查常需建议症状癌感染炎素型注意产品引起结果正确细胞液压高低糖期急慢女男妇婴儿童手术管理化"
    "四五六七八九二百千半月夜书法理论篇卷章节相情定问答请您吗呢吧什怎样最很更给让被把进行种现重"
    "這來國個說們為時會著過學對裡裏後麼沒於還發當無開經頭動兩長與則蓋謂陽陰氣脈肝腎腸膽熱濕風"
    "虛實證症醫藥湯療體黃內錢減棗參術歸溫諸飲癥檢議狀癌檢產結確細壓糖壓婦兒書論節問答請嗎樣給讓進種現"
    "，。、：；！？（）《》「」『』“”∶　"
)


@lru_cache(maxsize=1)
def _weights() -> np.ndarray:
    """int8[65536]: what each character says for the encoding that it was read in."""
    table = np.zeros(65536, np.int8)
    table[0x20:0x7F] = table[[0x09, 0x0A, 0x0D]] = 1
    table[[ord(c) for c in set(_FREQUENT)]] = 4
    table[:0x09] = table[0x0E:0x20] = table[0x7F:0xA0] = -8  # controls, NUL among them
    table[0xE000:0xF900] = -2  # private use
    table[0xD800:0xE000] = -8
    table[0xFFFD:] = -8
    return table


def _plausibility(head: bytes, encoding: str) -> float:
    """Return the mean weight of the characters that ``head`` holds when read in ``encoding``."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return float(_weights()[np.minimum(points, 0xFFFF)].mean()) if len(points) else 0.0


def _many_nuls(head: bytes) -> bool:
    """Whether ``head`` may be UTF-16 with ASCII in it; a few NULs are dirt in any encoding, and so
    is a run of them, which no text in UTF-16 has."""
    head = _NUL_RUN.sub(b"", head)
    return head.count(0) * 10 > len(head)


def detect(head: bytes) -> str:
    """Return the codec of the text that begins with ``head``.

    A byte order mark decides; then UTF-8, where nearly all of it is valid; then which of UTF-8,
    GB18030, Big5 and UTF-16 gives the most frequent characters and the fewest impossible ones.
    GB18030 and Big5 accept most of each other's bytes, so validity alone would not tell.
    """
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    head = head[:HEAD_BYTES]
    if not _many_nuls(head):
        text = codecs.getincrementaldecoder("utf-8")("replace").decode(head)
        wrong = text.count("\ufffd")
        if wrong == 0 or wrong * 50 < len(head) - len(text) - wrong:
            return "utf-8"
    return max(_CANDIDATES, key=lambda encoding: _plausibility(head, encoding))


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
    _broken.count = 0
    return data.decode(encoding, _REPLACE), _broken.count


def _head(data: bytes) -> bytes:
    """Return the bytes to detect from: plain ASCII at the beginning says nothing."""
    first = _NOT_ASCII.search(data)
    if first is None or first.start() < HEAD_BYTES // 2 or _many_nuls(data[:HEAD_BYTES]):
        return data[:HEAD_BYTES]
    start = data.rfind(b"\n", 0, first.start()) + 1 or first.start()
    return data[start : start + HEAD_BYTES]


def decode(data: bytes) -> Decoded:
    """Decode a whole file. Never fails: bytes that do not decode become U+FFFD, counted."""
    encoding = detect(_head(data))
    text, replaced = _text(data, encoding)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Decoded(text.removeprefix("\ufeff"), encoding, replaced)


def read_text(file: SourceFile, report: FileReport) -> str:
    """Return a file's whole text; encoding and replacements are noted in ``report``.

    Raises :class:`SourceError` for a file beyond ``MAX_TEXT_BYTES``.
    """
    blocks: list[bytes] = []
    size = 0
    with file.open() as stream:
        while block := stream.read(BUFFER):
            size += len(block)
            if size > MAX_TEXT_BYTES:
                raise SourceError(
                    f"{file.name}: over {MAX_TEXT_BYTES:,} bytes, too much for one text; "
                    "part it into smaller files."
                )
            blocks.append(block)
    text, encoding, replaced = decode(b"".join(blocks))
    report.note(file.name, encoding, replaced)
    return text


class _Decoder:
    """Decodes a file part by part; the encoding is decided at the first byte beyond ASCII."""

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.encoding = ""
        self.replaced = 0

    def blocks(self) -> Iterator[bytes]:
        """Yield the file's bytes as they are, but UTF-16 as UTF-8 and without a mark."""
        with self.file.open() as stream:
            block = stream.read(BUFFER)
            encoding = detect(_head(block))
            if encoding.startswith("utf-16"):
                yield from self._utf16(block, stream, encoding)
                return
            if encoding == "utf-8-sig":
                self.encoding = encoding
                block = block[len(codecs.BOM_UTF8) :]
            elif not block.isascii():
                self.encoding = encoding
            while block:
                yield block
                block = stream.read(BUFFER)

    def _utf16(self, block: bytes, stream: BinaryIO, encoding: str) -> Iterator[bytes]:
        self.encoding = encoding
        decoder = codecs.getincrementaldecoder(encoding)(_REPLACE)
        start = True
        while block or decoder.getstate()[0]:
            _broken.count = 0
            text = decoder.decode(block, final=not block)
            self.replaced += _broken.count
            yield (text.removeprefix("\ufeff") if start else text).encode()
            start = False
            block = stream.read(BUFFER)

    def is_utf8(self, data: bytes) -> bool:
        """Whether ``data``, which comes next in the file, is to be read as UTF-8."""
        if not self.encoding and not data.isascii():
            self.encoding = detect(_head(data))
        return self.encoding.startswith("utf-") or not self.encoding

    def text(self, data: bytes) -> str:
        """Return ``data``, which ends between two characters, as text with ``\\n`` line ends."""
        text, replaced = _text(data, "utf-8" if self.is_utf8(data) else self.encoding)
        self.replaced += replaced
        return text.replace("\r\n", "\n") if "\r" in text else text

    def note(self, report: FileReport) -> None:
        report.note(self.file.name, self.encoding or "utf-8", self.replaced)


def texts(file: SourceFile, report: FileReport) -> Generator[str, None, None]:
    """Yield a file's text in pieces of about 1 MiB, cut at any place."""
    decoder = _Decoder(file)
    blocks = decoder.blocks()
    held: list[bytes] = []
    try:
        block = next(blocks, b"")
        for following in blocks:
            # Bytes below 0x30 are never part of a longer character in any of the encodings.
            cut = max(block.rfind(byte) for byte in (b"\n", b'"', b",", b" ")) + 1
            if cut:
                yield decoder.text(b"".join([*held, block[:cut]]))
                held = []
            held.append(block[cut:])
            block = following
        yield decoder.text(b"".join([*held, block]))
    finally:
        decoder.note(report)


class Lines(NamedTuple):
    """Whole lines of a file as they are stored; ``number`` is that of the first, from 1."""

    number: int
    data: bytes
    decoder: _Decoder

    def texts(self) -> list[str]:
        """Return the lines as text, without their ends."""
        text = self.decoder.text(self.data)
        return (text[:-1] if text.endswith("\n") else text.removesuffix("\r")).split("\n")

    def utf8(self) -> list[bytes] | None:
        r"""Return the lines undecoded, some with a ``\r`` at the end; None where the file is not
        UTF-8. What is no text after all is for :meth:`text` to decode."""
        if not self.decoder.is_utf8(self.data):
            return None
        rows = self.data.split(b"\n")
        return rows[:-1] if rows[-1] == b"" else rows

    def text(self, line: bytes) -> str:
        """Return one of the lines of :meth:`utf8` as text."""
        return self.decoder.text(line).removesuffix("\r")


def line_blocks(file: SourceFile, report: FileReport) -> Iterator[Lines | tuple[int, Malformed]]:
    r"""Yield a file's lines some 1 MiB at a time, or a longer line alone.

    Lines end at ``\n`` or ``\r\n`` alone, never at U+2028 and the like. In place of a line
    longer than ``MAX_RECORD_BYTES`` comes its number and a Malformed row, to be passed on.
    """
    decoder = _Decoder(file)
    held: list[bytes] = []
    size = 0  # of the line that is not yet complete; past the limit no more of it is held
    number = 1
    try:
        for block in decoder.blocks():
            if size > MAX_RECORD_BYTES and (end := block.find(b"\n") + 1):
                yield number, _too_long(file, number, size + end, held[0])
                number += 1
                held, size, block = [], 0, block[end:]
            if cut := block.rfind(b"\n") + 1:
                data = b"".join([*held, block[:cut]])
                yield Lines(number, data, decoder)
                number += int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))
                held, size = [], 0
            size += len(block) - cut
            if size <= MAX_RECORD_BYTES:
                held.append(block[cut:])
        if size > MAX_RECORD_BYTES:
            yield number, _too_long(file, number, size, held[0])
        elif size:
            yield Lines(number, b"".join(held), decoder)
    finally:
        decoder.note(report)


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

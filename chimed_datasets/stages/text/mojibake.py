"""Mojibake: text that was decoded with the wrong encoding, read back where that is provable.

A run of characters is repaired only if its bytes under the wrong encoding are valid under the right
one, and what they say is Chinese. Bytes that were lost on the way become U+FFFD.
"""

from __future__ import annotations

import codecs
import re

from .leftovers import LOST, marked_lost


def _bytes_of(*encodings: str) -> dict[int, int]:
    """Characters that the bytes 0x80 to 0xFF were taken for, and those bytes."""
    table: dict[int, int] = {}
    for encoding in encodings:
        for byte in range(0x80, 0x100):
            character = bytes([byte]).decode(encoding, "ignore")
            if character:
                table.setdefault(ord(character), byte)
    return table


_WESTERN = _bytes_of("cp1252", "latin-1")
_BYTE = {character: chr(byte) for character, byte in _WESTERN.items()}


def _class(first: int, last: int) -> str:
    return "[" + re.escape("".join(chr(c) for c, b in _WESTERN.items() if first <= b <= last)) + "]"


_NEXT = _class(0x80, 0xBF)
_NEXT_OR_LOST = _NEXT[:-1] + "\ufffd]"
_UTF8 = re.compile(
    rf"{_class(0xE1, 0xEF)}{_NEXT_OR_LOST}{{2}}|{_class(0xC2, 0xDF)}{_NEXT}"
    rf"|{_class(0xF0, 0xF3)}{_NEXT}{{3}}"
)
_GB_RUN = re.compile(r"(?:[\xa1-\xf7][\xa1-\xfe]){3,}")


def _first_as_gbk() -> list[int]:
    """What GBK makes of the two bytes that a run of UTF-8 begins with, where it is one that
    :func:`_is_common` knows: a Chinese character, a sign of three bytes, or one of two."""
    leads = (0xC2, 0xC3, *range(0xE2, 0xF0))
    pairs = (bytes([lead, trail]) for lead in leads for trail in range(0x80, 0xC0))
    return sorted(ord(pair.decode("gb18030")) for pair in pairs)


FIRST_AS_GBK = _first_as_gbk()
"""Every run of UTF-8 that was read as GBK begins with one of these."""
_FIRST = "".join(map(chr, FIRST_AS_GBK))
_GBK_RUN = re.compile(
    rf"([{_FIRST}](?<![^\x00-\x7f\ufffd].)[^\x00-\x7f\ufffd]{{3,}})([?\ufffd]?)", re.S
)
"""A run from its beginning on."""
MARK = "\ufeff"
"""The mark at the beginning of a file of UTF-8."""
_MARK_AS_GBK = re.compile(
    f"^锘([{''.join(bytes([0xBF, byte]).decode('gb18030') for byte in range(0x40, 0x7F))}])", re.M
)
"""That mark read as GBK, together with the character of ASCII behind it."""
_BROKEN = re.compile("[\ufeff\ufffd]")
_SINGLE = frozenset("，。：；！？、“”‘’…—（）《》【】·°±²³×　")
_SIGNS = _SINGLE | frozenset("–•≥≤≠≈℃µμαβγ÷→←↑↓√®™½")
"""Signs taken for mojibake though nothing near them is."""

WESTERN_SIGNS = range(0xC2, 0xF5)
"""All mojibake that went through Latin-1 or Windows-1252 holds a character of this range."""


def _gbk_signs() -> list[int]:
    """What GBK makes of the first two bytes of a Chinese character or sign in UTF-8."""
    found = set()
    for lead in range(0xE3, 0xF0):
        for trail in range(0x80, 0xC0):
            found.add(ord(bytes([lead, trail]).decode("gb18030")))
    return sorted(c for c in found if c < 0xE000)


GBK_SIGNS = _gbk_signs()
"""Every third character or so of UTF-8 read as GBK is one of these."""


def repair(text: str) -> str:
    """Return ``text`` with UTF-8 read as Latin-1, Windows-1252 or GBK, and GBK read as Latin-1,
    put right. Text that is in order comes back as it is."""
    if "锘" in text:
        text = _MARK_AS_GBK.sub(lambda match: chr(match[1].encode("gb18030")[1]), text)
    found = list(_UTF8.finditer(text))
    if found:
        # One sequence may be chance (café”—); several that give Chinese are not.
        read = [_from_utf8(match[0]) for match in found]
        certain = sum(map(_is_chinese, filter(None, read))) >= 2
        good = iter(r if r and (certain or r in _SIGNS or r == MARK) else None for r in read)
        text = _UTF8.sub(lambda match: next(good) or match[0], text)
    return reread(_GB_RUN.sub(lambda match: _from_gb2312(match[0]) or match[0], text))


def reread(text: str) -> str:
    """Return ``text`` with UTF-8 read as GBK put right."""
    return _GBK_RUN.sub(lambda match: _from_gbk(*match.groups()) or match[0], text)


def _is_chinese(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"


def _from_utf8(sequence: str) -> str | None:
    if LOST in sequence:
        return LOST
    try:
        return sequence.translate(_BYTE).encode("latin-1").decode()
    except UnicodeDecodeError:
        return None


def _from_gb2312(run: str) -> str | None:
    try:
        text = run.encode("latin-1").decode("gb2312")
    except UnicodeError:
        return None
    return text if _is_common(text, at_least=3) else None


def _from_gbk(run: str, sign_of_loss: str) -> str | None:
    """A last character that was cut off before a ? is lost; the others need not be."""
    try:
        data = b"\x80".join(part.encode("gb18030") for part in run.split("€"))
        text, read = codecs.utf_8_decode(data, "strict", not sign_of_loss)
    except UnicodeError:
        return None
    text = marked_lost(text)
    if not _is_common(_BROKEN.sub("", text), at_least=3) or _is_common(run, at_least=1):
        return None
    return text + (LOST if read < len(data) else sign_of_loss)


def _is_common(text: str, at_least: int) -> bool:
    """Whether ``text`` is signs, ASCII and at least so many characters of GB 2312's first level."""
    characters = 0
    for c in text:
        if _is_chinese(c):
            try:
                code = c.encode("gb2312")
            except UnicodeError:
                return False
            if code[0] > 0xD7:
                return False
            characters += 1
        elif c >= "\x80" and not (
            "\u3000" <= c <= "\u303f" or "\uff00" <= c <= "\uff5e" or c in _SINGLE
        ):
            return False
    return characters >= at_least

"""Bytes to text: find the encoding, decode, count what does not decode."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from ..records import Malformed
from ._files import BUFFER, FileReport, SourceFile

MAX_RECORD_BYTES = 64 * 1024 * 1024
"""A line or row longer than this goes to the ledger instead of into memory."""
HEAD_BYTES = 64 * 1024


class Decoded(NamedTuple):
    """text: line ends are \\n. replaced: how many U+FFFD in it stand for bytes that broke."""

    text: str
    encoding: str
    replaced: int


def detect(head: bytes) -> str:
    """Return the codec of the text that begins with ``head``."""
    for bom, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if head.startswith(bom):
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
        return "utf-8"
    except UnicodeDecodeError:
        return "gb18030"


def decode(data: bytes) -> Decoded:
    """Decode a whole file. Never fails: bytes that do not decode become U+FFFD, counted."""
    encoding = detect(data[:HEAD_BYTES])
    text, replaced = _decode(data, encoding)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Decoded(text.removeprefix("\ufeff"), encoding, replaced)


def _decode(data: bytes, encoding: str) -> tuple[str, int]:
    try:
        return data.decode(encoding), 0
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
        return text, text.count("\ufffd")


def read_text(file: SourceFile, report: FileReport) -> str:
    """Return a file's text; encoding and replacements are noted in ``report``."""
    text, encoding, replaced = decode(file.read())
    report.note(file.name, encoding, replaced)
    return text


def lines(file: SourceFile, report: FileReport) -> Iterator[tuple[int, str | Malformed]]:
    """Yield (number from 1, line without its end); a line past the limit is Malformed."""
    for number, line in enumerate(read_text(file, report).split("\n"), 1):
        yield number, line

"""The characters of a PDF's pages and where they stand, by pdfium."""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...errors import SourceError, broken_extra
from ...lang import N_

MAX_GLYPHS = 200_000
"""Of one page; a page of a newspaper has some 20,000."""
MAX_PAGES = 50_000
_MAX_OBJECTS = 20_000
REOPENED = 256
"""After so many pages the file is opened anew: pdfium keeps what it has met."""
_DEPTH = 64


class Runs(NamedTuple):
    """Stretches of a page's characters in one font and size on one line of writing, as arrays.

    start: of each its first character, int64[n + 1]; the last is the number of characters.
    size:  of its letters in points, float64[n]. origin: where its first begins on the base line,
           x and y, float64[n, 2].
    angle: of its base line against the page in degrees, float64[n].
    unmapped: whether the file does not say which character a glyph stands for, bool[n].
    """

    start: np.ndarray
    size: np.ndarray
    origin: np.ndarray
    angle: np.ndarray
    unmapped: np.ndarray


class Glyphs(NamedTuple):
    """A page. All lengths are points; y grows upward.

    number:  of the page, from 1.
    codes:   code points in the order in which they are drawn, uint32[n]; U+0002 is a hyphen at the
             end of a line. No blanks are among them.
    boxes:   left, top, right and bottom of each, float64[n, 4].
    before:  which blank stands before it: 0, MADE_UP or WRITTEN, uint8[n].
    reach:   the box of the written blanks before it, NaN without any, float64[n, 4].
    box:     the same of the page.
    runs:    see :class:`Runs`.
    pictures: the share of the page that pictures cover; only of a page with few characters.
    shapes:  how many shapes are drawn on it; likewise.
    """

    number: int
    codes: np.ndarray
    boxes: np.ndarray
    before: np.ndarray
    reach: np.ndarray
    box: tuple[float, float, float, float]
    runs: Runs
    pictures: float = 0.0
    shapes: int = 0


class Mark(NamedTuple):
    """An entry of the outline: the page that it leads to, its depth (both from 1), its title."""

    page: int
    depth: int
    title: str


class Pdf(NamedTuple):
    """An open PDF. pages: how many it has. about: what it says of itself, as "Title". outline:
    its marks in their order."""

    pages: int
    about: dict[str, str]
    outline: list[Mark]


def pdfium() -> Any:
    """Return pypdfium2's raw functions. Raises :class:`SourceError` where it is not installed."""
    try:
        import pypdfium2.raw
    except ImportError as error:
        raise SourceError(f"{broken_extra(error, 'office')}.") from None
    return pypdfium2.raw


class _Calls(NamedTuple):
    """Functions of pdfium that are called for each character: without the checks of types, which
    take longer than the functions."""

    loose_box: Any
    unicode: Any
    generated: Any
    origin: Any
    size: Any
    matrix: Any
    unmapped: Any
    drawn: Any


_calls: list[_Calls] = []


def _fast(raw: Any) -> _Calls:
    if not _calls:
        from pypdfium2_raw import bindings

        library = ctypes.PyDLL(bindings._libs["pdfium"]._name)
        page, at, place = ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p

        def typed(name: str, result: Any, *arguments: Any) -> Any:
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
            return function

        _calls.append(
            _Calls(
                typed("FPDFText_GetLooseCharBox", ctypes.c_int, page, at, place),
                typed("FPDFText_GetUnicode", ctypes.c_uint, page, at),
                typed("FPDFText_IsGenerated", ctypes.c_int, page, at),
                typed("FPDFText_GetCharOrigin", ctypes.c_int, page, at, place, place),
                typed("FPDFText_GetFontSize", ctypes.c_double, page, at),
                typed("FPDFText_GetMatrix", ctypes.c_int, page, at, place),
                typed("FPDFText_HasUnicodeMapError", ctypes.c_int, page, at),
                typed("FPDFText_GetTextObject", ctypes.c_void_p, page, at),
            )
        )
    return _calls[0]


class Refusal(Exception):
    """A file is not read, under a rule of the ledger and for a reason."""

    def __init__(self, rule: str, evidence: str) -> None:
        super().__init__(rule, evidence)  # as it is pickled
        self.rule, self.evidence = rule, evidence


def _refusal(fault: int) -> Refusal:
    """Return why pdfium did not open a file."""
    if fault == 4:
        mend = "open it with the password and save it without"
        return Refusal("needs_password", f"it needs a password: {mend}")
    if fault == 5:
        mend = "print it into a new PDF"
        return Refusal("needs_password", f"it is protected in a way that is not known: {mend}")
    return Refusal("damaged", N_("it is no PDF, or a damaged one"))


@contextmanager
def _opened(raw: Any, path: Path) -> Iterator[Any]:
    """Open a file. Raises :class:`Refusal` where it is no PDF, or wants a password."""
    raw.FPDF_InitLibrary()
    document = raw.FPDF_LoadDocument(str(path).encode("utf-8", "surrogateescape") + b"\0", None)
    if not document:
        raise _refusal(raw.FPDF_GetLastError())
    try:
        yield document
    finally:
        raw.FPDF_CloseDocument(document)


def opened(path: Path) -> Pdf:
    """Return what a PDF says of itself.

    Raises :class:`Refusal` for a file that is damaged, that wants a password or that has more
    than :data:`MAX_PAGES` pages. A password that only forbids something (printing, copying) is none
    that is needed to read.
    """
    raw = pdfium()
    with _opened(raw, path) as document:
        pages = raw.FPDF_GetPageCount(document)
        if pages > MAX_PAGES:
            raise Refusal("too_long", f"{pages:,} pages, allowed {MAX_PAGES:,}: part it")
        about = {}
        for key in ("Title", "Author", "Creator", "Producer"):
            if told := _text(partial(raw.FPDF_GetMetaText, document, key.encode())):
                about[key] = told
        return Pdf(pages, about, list(_outline(raw, document)))


def _text(ask: Any) -> str:
    """Return a text of UTF-16 that ``ask`` writes into a buffer."""
    size = ask(None, 0)
    if not 2 < size <= 1 << 16:
        return ""
    buffer = ctypes.create_string_buffer(size)
    ask(buffer, size)
    told = buffer.raw[: size - 2].decode("utf-16-le", "replace")
    return " ".join(told.replace("\0", " ").split())


_MAX_MARKS = 50_000


def _outline(raw: Any, document: Any) -> Iterator[Mark]:
    """Yield the marks of the outline; one that leads back to another ends it."""
    seen: set[int] = set()
    stack = [(raw.FPDFBookmark_GetFirstChild(document, None), 1)]
    while stack and len(seen) < _MAX_MARKS:
        mark, depth = stack.pop()
        if not mark:
            continue
        place = ctypes.cast(mark, ctypes.c_void_p).value or 0
        if place in seen or depth > _DEPTH:
            continue
        seen.add(place)
        title = _text(partial(raw.FPDFBookmark_GetTitle, mark))
        target = raw.FPDFBookmark_GetDest(document, mark)
        if not target and (action := raw.FPDFBookmark_GetAction(mark)):
            target = raw.FPDFAction_GetDest(document, action)
        page = raw.FPDFDest_GetDestPageIndex(document, target) if target else -1
        if title and page >= 0:
            yield Mark(page + 1, depth, title)
        stack.append((raw.FPDFBookmark_GetNextSibling(document, mark), depth))
        stack.append((raw.FPDFBookmark_GetFirstChild(document, mark), depth + 1))


def glyphs(path: Path, first: int, last: int) -> Iterator[Glyphs | None]:
    """Yield the pages from ``first`` to ``last`` in order; None for one that is damaged or has too
    many characters."""
    raw = pdfium()
    for start in range(first - 1, last, REOPENED):
        with _opened(raw, path) as document:
            for number in range(start, min(start + REOPENED, last)):
                yield _page(raw, document, number)


def _page(raw: Any, document: Any, number: int) -> Glyphs | None:
    with ExitStack() as stack:
        page = raw.FPDF_LoadPage(document, number)
        if not page:
            return None
        stack.callback(raw.FPDF_ClosePage, page)
        read = _read(raw, page, number)
        turns = raw.FPDFPage_GetRotation(page)
        if read is not None and (lying := _quarters(read)) != turns and len(read.codes):
            # pdfium keeps the order of what stands upright: turn what does not, and read it anew
            raw.FPDFPage_SetRotation(page, lying)
            read, turns = _read(raw, page, number), lying
    return _turned(read, turns) if read is not None else None


def _read(raw: Any, page: Any, number: int) -> Glyphs | None:
    text = raw.FPDFText_LoadPage(page)
    if not text:
        return None
    try:
        count = raw.FPDFText_CountChars(text)
        if not 0 <= count <= MAX_GLYPHS:
            return None
        codes, boxes, before, reach, runs = _characters(raw, text, count)
    finally:
        raw.FPDFText_ClosePage(text)
    box = raw.FS_RECTF()
    raw.FPDF_GetPageBoundingBox(page, ctypes.byref(box))
    edges = np.nan_to_num([box.left, box.top, box.right, box.bottom], posinf=0.0, neginf=0.0)
    left, top, right, bottom = edges.tolist()
    whole = (left, top, right, bottom)
    pictures, shapes = _drawn(raw, page, whole) if count < FEW else (0.0, 0)
    return Glyphs(number + 1, codes, boxes, before, reach, whole, runs, pictures, shapes)


FEW = 200
"""A page with fewer characters may be a picture with a stamp on it."""


def _characters(
    raw: Any, text: Any, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, Runs]:
    calls = _fast(raw)
    handle = ctypes.cast(text, ctypes.c_void_p).value
    codes = _codes(raw, calls, text, handle, count)
    stored = np.zeros((count, 4), np.float32)
    address = stored.ctypes.data
    places = range(address, address + 16 * count, 16)
    deque(map(calls.loose_box, repeat(handle), range(count), places), maxlen=0)
    boxes = stored.astype(np.float64)
    np.nan_to_num(boxes, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    blanks = np.zeros(count, np.uint8)
    shown = codes > 32
    for char in np.flatnonzero(~shown | np.isin(codes, _BLANKS)).tolist():
        made_up = calls.generated(handle, char) == 1
        if codes[char] >= 32:
            blanks[char] = MADE_UP if made_up else WRITTEN
        else:  # a file that does not say what its glyphs are gives control characters
            shown[char] = not made_up
    at = np.flatnonzero(shown & (blanks == 0))
    before = np.zeros(len(at), np.uint8)
    if len(at):
        starts = np.r_[0, at[:-1] + 1]
        before = np.where(starts < at, np.maximum.reduceat(blanks, np.minimum(starts, at)), 0)
    last = np.maximum(at - 1, 0)
    first = np.r_[0, at[:-1] + 1] if len(at) else at
    first = np.where(blanks[np.minimum(first, last)] == WRITTEN, first, last)
    reach = np.concatenate([boxes[first][:, :2], boxes[last][:, 2:]], axis=1)
    reach[(blanks[last] != WRITTEN) | (at == 0)] = np.nan
    codes, boxes = codes[at], boxes[at]
    heads = _heads(boxes)
    runs = _runs(calls, handle, at, heads)
    if _is_ink(codes, boxes):
        _set_evenly(calls, handle, at, codes, boxes, runs)
    return codes, boxes, before.astype(np.uint8), reach, runs


def _is_ink(codes: np.ndarray, boxes: np.ndarray) -> bool:
    """Whether the boxes are those of the ink: those of wide characters have any shape then."""
    left, top, right, bottom = boxes[is_wide(codes)].T
    if not len(left):
        return False
    shape = (right - left) / np.maximum(np.abs(top - bottom), 0.01)
    return bool(np.mean(np.abs(shape - np.median(shape)) > 0.05) > 0.1)


def _set_evenly(
    calls: _Calls, handle: Any, at: np.ndarray, codes: np.ndarray, boxes: np.ndarray, runs: Runs
) -> None:
    """Give the wide characters of fonts whose boxes are those of the ink a square each."""
    counts = np.diff(runs.start)
    level = np.repeat(np.abs(runs.angle) < 1, counts)
    em = np.repeat(runs.size, counts)
    wide = level & is_wide(codes)
    chars = at[wide].tolist()
    places = np.zeros((len(chars), 2))
    first = places.ctypes.data
    for n, char in enumerate(chars):
        calls.origin(handle, char, first + 16 * n, first + 16 * n + 8)
    x, y = places.T
    boxes[wide] = np.stack([x, y + 0.88 * em[wide], x + em[wide], y - 0.12 * em[wide]], axis=1)


def is_wide(codes: np.ndarray) -> np.ndarray:
    """Return bool[n]: whether a character is as wide as it is high, as Chinese ones are."""
    found: np.ndarray = (
        ((codes >= 0x2E80) & (codes < 0xA000))
        | ((codes >= 0xAC00) & (codes < 0xD7B0))
        | ((codes >= 0xF900) & (codes < 0xFB00))
        | ((codes >= 0xFE30) & (codes < 0xFE50))
        | ((codes >= 0xFF00) & (codes < 0xFF61))
        | ((codes >= 0x20000) & (codes < 0x40000))
    )
    return found


MADE_UP, WRITTEN = 1, 2
"""Kinds of blanks: where pdfium saw a gap, and those that the file has."""
_BLANKS = np.array([0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], np.uint32)
HYPHEN = 2
"""What pdfium gives for a hyphen at the end of a line."""


def _codes(raw: Any, calls: _Calls, text: Any, handle: Any, count: int) -> np.ndarray:
    """Return the code points of a page's characters."""
    buffer = (ctypes.c_ushort * (2 * count + 2))()
    written = raw.FPDFText_GetText(text, 0, count, buffer)
    units = np.ctypeslib.as_array(buffer)[: max(written - 1, 0)]
    units = np.where(units == 0xFFFE, HYPHEN, units)
    if len(units) == count and not ((units & 0xF800) == 0xD800).any():
        return units.astype(np.uint32)
    told = map(calls.unicode, repeat(handle), range(count))
    return np.fromiter(told, np.uint32, count)


def _heads(boxes: np.ndarray) -> np.ndarray:
    """Return where runs begin, int64[n]: characters of one run have one height and stand on one
    line, across or down the page."""
    if not len(boxes):
        return np.zeros(0, np.int64)
    left, top, right, bottom = boxes.T
    height = np.abs(top - bottom)
    slack = 0.02 * height[:-1] + 0.02
    level = (np.abs(np.diff(bottom)) < slack) & (np.abs(np.diff(top)) < slack)
    upright = (np.abs(np.diff(left)) < slack) & (np.abs(np.diff(right)) < slack)
    same = upright if upright.sum() > level.sum() else level
    return np.flatnonzero(np.r_[True, ~same])


def _runs(calls: _Calls, handle: Any, at: np.ndarray, heads: np.ndarray) -> Runs:
    n = len(heads)
    sizes, unmapped = np.zeros(n), np.zeros(n, bool)
    matrices = np.zeros((n, 6), np.float32)
    origins = np.zeros((n, 2))
    first, place = matrices.ctypes.data, origins.ctypes.data
    last, of = None, np.zeros(n, np.int64)  # a run and those behind it of one text object
    for run, char in enumerate(at[heads].tolist()):
        drawn = calls.drawn(handle, char)
        if drawn != last or not drawn:
            last, start = drawn, run
            sizes[run] = calls.size(handle, char)
            calls.matrix(handle, char, first + 24 * run)
        of[run] = start
        calls.origin(handle, char, place + 16 * run, place + 16 * run + 8)
        unmapped[run] = calls.unmapped(handle, char) == 1
    sizes, matrices = sizes[of], matrices[of]
    a, b, c, d = matrices[:, :4].astype(np.float64).T
    size = np.abs(sizes) * np.hypot(c, d)
    angle = np.degrees(np.arctan2(b, a))
    np.nan_to_num(size, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    np.nan_to_num(angle, copy=False, nan=0.0)
    np.nan_to_num(origins, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    return Runs(np.r_[heads, len(at)], size, origins, angle, unmapped)


# --- turned pages ------------------------------------------------------------------------------


def _turned(page: Glyphs, quarters: int) -> Glyphs:
    """Return a page as it is shown: turned clockwise by so many quarters."""
    for _ in range(quarters % 4):
        # (x, y) becomes (y, -x)
        left, top, right, bottom = page.boxes.T
        boxes = np.stack([bottom, -left, top, -right], axis=1)
        west, north, east, south = page.box
        x, y = page.runs.origin.T
        runs = page.runs._replace(angle=page.runs.angle - 90, origin=np.stack([y, -x], axis=1))
        left, top, right, bottom = page.reach.T
        reach = np.stack([bottom, -left, top, -right], axis=1)
        page = page._replace(boxes=boxes, reach=reach, box=(south, -west, north, -east), runs=runs)
    return page


def _quarters(page: Glyphs) -> int:
    """Return by how many quarters a page is to be turned clockwise to have most text level."""
    counts = np.diff(page.runs.start)
    if not len(counts):
        return 0
    quarters = np.round(page.runs.angle / 90).astype(int) % 4
    return int(np.argmax(np.bincount(quarters, counts, minlength=4)))


# --- pictures ----------------------------------------------------------------------------------


def _drawn(raw: Any, page: Any, box: tuple[float, float, float, float]) -> tuple[float, int]:
    """Return the share of a page that its pictures cover, and how many shapes it has."""
    area = abs((box[2] - box[0]) * (box[1] - box[3])) or 1.0
    covered, shapes = 0.0, 0
    many = min(raw.FPDFPage_CountObjects(page), _MAX_OBJECTS)
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    for at in range(many):
        drawn = raw.FPDFPage_GetObject(page, at)
        kind = raw.FPDFPageObj_GetType(drawn)
        if kind in (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_FORM):
            if raw.FPDFPageObj_GetBounds(drawn, left, bottom, right, top):
                width = min(right.value, box[2]) - max(left.value, box[0])
                height = min(top.value, box[1]) - max(bottom.value, box[3])
                covered += max(width, 0.0) * max(height, 0.0)
        elif kind in (raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_SHADING):
            shapes += 1
    return min(covered / area, 1.0), shapes

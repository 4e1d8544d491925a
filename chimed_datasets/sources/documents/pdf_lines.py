"""Characters become lines, in the order of reading.

The order in which a page is drawn is that of reading in all but one kind of files: kept unless it
jumps back over a gutter again and again. All lengths are points. A line lies between ``left`` and
``right``; ``level`` is where its base line is above the page's lower edge. A page of vertical text
is turned by a quarter, so that its first column is the line with the highest level.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import numpy as np

from .pdf_glyphs import WRITTEN, Glyphs, is_wide

RAISED, LOWERED = "\x0e", "\x0f"
"""Stand in a line's text around small raised characters, which may be the mark of a note."""
HYPHENED = "\x02"
"""Stands for a hyphen at the end of a line."""
_FIRST_SIGN, _SIGNS = 0xF0000, 0xFFFE
NOTE_SIGN = re.compile(f"[{chr(_FIRST_SIGN)}-{chr(_FIRST_SIGN + _SIGNS - 1)}]")
"""Stands for the mark of a note in a text, until it is known which Document that is in."""
_CELL_GAP = 1.2
"""In ems: more parts the cells of a row, less the letters of a stretched line."""
_SMALL = 0.87
"""Raised characters are smaller than this, compared with those beside them."""
_WRITTEN_GAP = 2.0
"""Behind a blank that the file has: an author's indent, not another cell."""


def note_sign(number: int) -> str:
    """Return the sign of the note of this number; numbers begin anew after 65,534."""
    return chr(_FIRST_SIGN + number % _SIGNS)


def bare(text: str) -> str:
    """Return a text without the signs of notes at its end."""
    while text and text[-1] >= chr(_FIRST_SIGN) and NOTE_SIGN.match(text[-1]):
        text = text[:-1]
    return text


@dataclass(slots=True)
class Line:
    """A line, or a cell of a row.

    text:   its characters. size: of its letters.
    first:  the width of what could not have been left on the line before: a word, or a character
            and the signs that must not begin a line.
    hang:   where the text behind a bullet or number begins; ``left`` without one.
    core:   where its last character ends that is no sign which may hang over the edge.
    spaced: whether the file has a blank between the line before and this one.
    beside: whether it stands on the same base line as the one before, right of it: a cell.
    """

    text: str
    left: float
    right: float
    level: float
    size: float
    first: float
    hang: float
    core: float
    spaced: bool = False
    beside: bool = False


class Page(NamedTuple):
    """A page's lines in the order of reading; width and height as they are read."""

    number: int
    lines: list[Line]
    width: float
    height: float
    vertical: bool


# --- characters --------------------------------------------------------------------------------

# The supplement of radicals, U+2E80 and on, has hardly any compatibility mappings. Here stand, in
# the order of its block, the characters that they are taken for; · where there is none.
_SUPPLEMENT = (
    "·····亻··刀刂·㔾小小兀尣尢·巳幺彑彐忄㣺扌攵·旡日月歺母民氵氺灬爫爫丬牛"
    "犭王疋目示礻竹糹纟罓罒㓁··羊羊羊耂肀聿肉臼艹艹艹虎衤覀西见角角讠贝足车辶辶辶阝"
    "钅長镸长门阜阝雨青韦页风飞食飠飠饣首马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟"
)
LOST = ord("□")
"""For a glyph of which the file does not say what it is."""
_BULLETS = (0xF06C, 0xF06E, 0xF075, 0xF076, 0xF0A7, 0xF0A8, 0xF0B7, 0xF0D8, 0xF0D9, 0xF0FC, 0xF0FE)
"""Those of the fonts Symbol and Wingdings, in their private places."""


@lru_cache(maxsize=1)
def _plain() -> np.ndarray:
    """Return uint32[0x10000]: what each character is read as."""
    table = np.arange(1 << 16, dtype=np.uint32)
    for radical in range(0x2F00, 0x2FD6):
        table[radical] = ord(unicodedata.normalize("NFKC", chr(radical)))
    for radical, character in enumerate(_SUPPLEMENT, 0x2E80):
        table[radical] = ord(character) if character != "·" else radical
    for bullet in _BULLETS:
        table[bullet] = ord("•")
    return table


def _read_as(codes: np.ndarray) -> np.ndarray:
    """Return code points with whole characters for radicals."""
    low = codes < 1 << 16
    high = np.where(codes < _FIRST_SIGN, codes, LOST)
    return np.where(low, _plain()[np.where(low, codes, 0)], high).astype(np.uint32)


# --- lines -------------------------------------------------------------------------------------


class _Set(NamedTuple):
    """Glyphs as they are read: along the line from ``start`` to ``end``, at a level."""

    codes: np.ndarray
    start: np.ndarray
    end: np.ndarray
    level: np.ndarray
    em: np.ndarray
    before: np.ndarray
    reach: np.ndarray


def page_of(glyphs: Glyphs, *, blanks_shown: bool) -> Page:
    """Return the lines of a page.

    blanks_shown: whether a gap between a Chinese character and a Latin one is a blank, in a file
                  that has no blanks of its own. TeX makes such gaps by itself.
    """
    left, top, right, bottom = glyphs.box
    laid, vertical = _laid(glyphs)
    size = (top - bottom, right - left) if vertical else (right - left, top - bottom)
    if not len(laid.codes):
        return Page(glyphs.number, [], *size, vertical)
    blanks_shown = blanks_shown and not (laid.before[1:] == WRITTEN).any()
    pieces = _pieces(laid, blanks_shown, vertical)
    for piece in pieces:
        piece.right, piece.core = min(piece.right, size[0]), min(piece.core, size[0])
    lines = _rows(_ordered(_mended(pieces)))
    return Page(glyphs.number, lines, *size, vertical)


def _laid(glyphs: Glyphs) -> tuple[_Set, bool]:
    """Return the glyphs that can be seen and stand straight, and whether the text is vertical."""
    left, top, right, bottom = glyphs.box
    runs = glyphs.runs
    counts = np.diff(runs.start)
    em = np.repeat(runs.size, counts)
    tilt = np.repeat(np.abs((runs.angle + 45) % 90 - 45), counts)
    turned = np.repeat(np.round(runs.angle / 90).astype(int) % 4, counts)
    boxes = glyphs.boxes
    height = np.abs(boxes[:, 1] - boxes[:, 3])
    em = np.where((em > 0.5) & (em < 1000), em, np.maximum(height, 1.0))
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    base = np.repeat(runs.origin[:, 1], counts)
    level = (tilt < 8) & (y > bottom - 1) & (y < top + 1)
    seen = level & (x > left - 1) & (x < right + 1)
    seen |= level & _over_the_edge(seen, boxes, base, em, turned, 2 * right - left)
    vertical = _is_vertical(x[seen], y[seen], em[seen])
    seen &= (turned == 0) | (vertical & (turned == 3))
    lost = np.repeat(runs.unmapped, counts)
    codes = np.where(lost, np.uint32(LOST), _read_as(glyphs.codes))
    alone = (codes == ord("\u0300")) & (np.abs(boxes[:, 2] - boxes[:, 0]) > 0.2 * em)
    codes = np.where(alone, np.uint32(ord("`")), codes)  # TeX's, which has a place of its own
    before = glyphs.before
    if vertical:
        seen &= ~_level_at_edges(x, y, em, top, bottom)
        # of a word on its side the base line counts: parts of a ligature stand side by side
        lying = np.repeat(runs.origin[:, 0], counts) + 0.45 * em
        level = np.where(turned == 3, lying, x) - left
        start, end = top - boxes[:, 1], top - boxes[:, 3]
        middle, wide = (start + end) / 2, is_wide(codes)
        start = np.where(wide, middle - em / 2, start)
        end = np.where(wide, middle + em / 2, end)
        laid = _Set(codes, start, end, level, em, before, top - glyphs.reach[:, 1::2])
    else:
        laid = _Set(
            codes,
            boxes[:, 0] - left,
            boxes[:, 2] - left,
            base - bottom,
            em,
            before,
            glyphs.reach[:, ::2] - left,
        )
    return _Set(*(part[seen] for part in laid)), vertical


def _over_the_edge(
    seen: np.ndarray,
    boxes: np.ndarray,
    base: np.ndarray,
    em: np.ndarray,
    turned: np.ndarray,
    furthest: float,
) -> np.ndarray:
    """Return bool[n]: what goes on with a line that began on the page, and runs over its right edge
    up to ``furthest``: TeX sets a word that it cannot break so."""
    if seen.all() or not len(seen):
        return seen
    gap = boxes[1:, 0] - boxes[:-1, 2]
    close = (np.abs(np.diff(base)) < 0.2 * em[1:]) & (gap < em[1:]) & (gap > -0.8 * em[1:])
    start = np.r_[True, ~close]  # of each stretch without a gap
    first = seen[start][np.cumsum(start) - 1]
    found: np.ndarray = first & (turned == 0) & (boxes[:, 2] < furthest)
    return found


def _is_vertical(x: np.ndarray, y: np.ndarray, em: np.ndarray) -> bool:
    """Whether most characters stand below the one before."""
    across, down = _steps(x, y, em)
    return bool(down.sum() > across.sum() and down.sum() >= 8)


def _steps(x: np.ndarray, y: np.ndarray, em: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return bool[n - 1] twice: whether the next character follows to the right, and below."""
    dx, dy, unit = np.diff(x), np.diff(y), em[1:]
    across = (np.abs(dy) < 0.4 * unit) & (dx > 0.1 * unit) & (dx < 2 * unit)
    down = (np.abs(dx) < 0.4 * unit) & (dy < -0.3 * unit) & (dy > -1.8 * unit)
    return across, down


def _level_at_edges(
    x: np.ndarray, y: np.ndarray, em: np.ndarray, top: float, bottom: float
) -> np.ndarray:
    """Return bool[n]: what is written across at the upper and lower edge of a vertical page."""
    across, _ = _steps(x, y, em)
    level = np.r_[across, False] | np.r_[False, across]
    height = top - bottom
    found: np.ndarray = level & ((y > top - 0.1 * height) | (y < bottom + 0.1 * height))
    return found


def _pieces(laid: _Set, blanks_shown: bool, vertical: bool) -> list[Line]:
    """Return the stretches of a page without a gap, as lines."""
    codes, start, end, level, em, before, reach = laid
    wide = is_wide(codes)
    larger, smaller = np.maximum(em[1:], em[:-1]), np.minimum(em[1:], em[:-1])
    rise = np.abs(np.diff(level))
    same = (rise <= (0.5 if vertical else 0.35) * larger) | (
        (smaller < _SMALL * larger) & (rise < 0.7 * larger)
    )
    gap = start[1:] - end[:-1]
    parts = np.fmax(reach[1:, 0] - end[:-1], start[1:] - reach[1:, 1])  # before and behind a blank
    gap = np.where(np.isnan(parts), gap, np.minimum(parts, gap))
    most = np.where(before[1:] == WRITTEN, _WRITTEN_GAP, _CELL_GAP) * larger
    same &= (gap < most) & (start[1:] - start[:-1] > -0.3 * larger)
    cuts = np.flatnonzero(~same) + 1
    starts = np.r_[0, cuts]
    ends = np.r_[cuts, len(codes)]
    blank = _blanks(laid, wide, start[1:] - end[:-1], blanks_shown)
    blank[starts] = False
    blank &= ~_stretched(laid, wide, start[1:] - end[:-1], blank, starts)
    marks = _raised(laid, starts)
    text, shift = _written(codes, blank, marks, starts)
    out = []
    most = np.maximum.reduceat(em, starts)
    even = (np.minimum.reduceat(em, starts) > 0.99 * most).tolist()
    furthest = np.maximum.reduceat(end, starts).tolist()
    spaced = (before[starts] == WRITTEN).tolist()
    begins, base, sizes = start[starts].tolist(), level[starts].tolist(), most.tolist()
    # Lists: a look at one value of an array costs as much as thirty of a list's.
    signs, lefts, rights = codes.tolist(), start.tolist(), end.tolist()
    blanks, ems, levels = blank.tolist(), em.tolist(), level.tolist()
    bounds = zip(starts.tolist(), ends.tolist(), strict=True)
    for n, (a, b) in enumerate(bounds):
        size, place = sizes[n], base[n]
        if not even[n]:
            own = ems[a:b]
            least = _SMALL * min(size, 1.3 * median(own))
            size = median([one for one in own if one > least])
            usual = [levels[a + i] for i, one in enumerate(own) if abs(one - size) < 0.1 * size]
            place = median(usual) if usual else place
        told = text[shift[a] : shift[b]].strip()
        if told:
            first, hang = _beginning(signs, lefts, rights, blanks, a, b)
            core = _core(signs, rights, a, b)
            out.append(
                Line(told, begins[n], furthest[n], place, size, first, hang, core, spaced[n])
            )
    return out


def _mended(pieces: list[Line]) -> list[Line]:
    """Return pieces with those put back that pdfium took for a part of the next line: a sign at the
    end of a column beside the first character of another, a mark drawn behind its line."""
    out: list[Line] = []
    for piece in pieces:
        for before in out[-1:-3:-1]:
            em = max(piece.size, before.size)
            level = abs(before.level - piece.level) < 0.2 * em
            if level and piece.size > 0.9 * em and -0.3 * em < piece.left - before.right < 0.6 * em:
                before.text += piece.text
                before.right, before.core = piece.right, piece.core
                break
        else:
            out.append(piece)
    return out


def _blanks(laid: _Set, wide: np.ndarray, gap: np.ndarray, shown: bool) -> np.ndarray:
    """Return bool[n]: whether a blank stands before a character."""
    here, there = wide[1:], wide[:-1]
    em = np.minimum(laid.em[1:], laid.em[:-1])
    before = laid.before[1:]
    any_blank = before > 0
    latin = ~here & ~there & any_blank
    written = (before == WRITTEN) & (~(here & there) | (gap > 0.2 * em))
    mixed = any_blank & (here != there) & shown & (gap > 0.1 * em)
    far = any_blank & (gap > 0.7 * em)
    found: np.ndarray = np.r_[False, latin | written | mixed | far]
    return found


_STRETCHED = 0.3
"""In ems: so far apart are most Chinese characters of a line that is stretched to its column."""


def _stretched(
    laid: _Set, wide: np.ndarray, gap: np.ndarray, blank: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """Return bool[n]: whether a blank before a Chinese character is but the gap of such a line."""
    out = np.zeros(len(wide), bool)
    both = np.r_[False, wide[1:] & wide[:-1]]
    doubtful = both & blank & (laid.before != WRITTEN)
    if not doubtful.any():
        return out
    ems = np.r_[0.0, gap / laid.em[1:]]
    bounds = np.r_[starts, len(wide)]
    for piece in np.unique(np.searchsorted(starts, np.flatnonzero(doubtful), "right") - 1):
        own = np.arange(bounds[piece] + 1, bounds[piece + 1])
        usual = float(np.median(ems[own][both[own]]))
        if usual > _STRETCHED:
            out[own] = doubtful[own] & (ems[own] < 2 * usual)
    return out


def _raised(laid: _Set, starts: np.ndarray) -> np.ndarray:
    """Return bool[n]: small characters above the base line of those around, and digits that are
    raised themselves."""
    codes, level, em = laid.codes, laid.level, laid.em
    n = len(codes)
    digits = _raised_digits(codes, starts)
    counts = np.diff(np.r_[starts, n])
    usual = np.repeat(np.maximum.reduceat(em, starts), counts)
    if not (em < _SMALL * usual).any():
        return digits
    large = em >= 0.9 * usual
    held = np.where(large, level, np.inf)
    base = np.repeat(np.minimum.reduceat(held, starts), counts)
    small = (em < _SMALL * usual) & (level > base + 0.12 * usual) & np.isfinite(base)
    found: np.ndarray = small | digits
    return found


_RAISED_DIGITS = np.array([0xB9, 0xB2, 0xB3, 0x2070, *range(0x2074, 0x207A)], np.uint32)


def _raised_digits(codes: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return bool[n]: digits such as \u2075, with plain ones before them: a font that has not all
    of them gives 17 as 1\u2077. Whether it is a mark is told by the notes of the page."""
    found: np.ndarray = np.isin(codes, _RAISED_DIGITS)
    if found.any():
        begins = np.zeros(len(codes), bool)
        begins[starts] = True
        plain = (codes >= 48) & (codes < 58)
        for _ in range(2):
            found[:-1] |= plain[:-1] & found[1:] & ~begins[1:]
    return found


def _written(
    codes: np.ndarray, blank: np.ndarray, marks: np.ndarray, starts: np.ndarray
) -> tuple[str, list[int]]:
    """Return all text of a page, and where each character stands in it, int[n + 1]."""
    n = len(codes)
    begins = np.zeros(n, bool)
    begins[starts] = True
    opens = marks & (begins | ~np.r_[False, marks[:-1]])
    closes = marks & (np.r_[begins[1:], True] | ~np.r_[marks[1:], False])
    behind = np.r_[False, closes[:-1]]
    extra = blank.astype(int) + opens + behind
    place = np.arange(n) + np.cumsum(extra)
    total = n + int(extra.sum()) + int(closes[-1])
    out = np.full(total, 32, np.uint32)
    out[place] = np.where((codes >= 0xD800) & (codes < 0xE000) | (codes > 0x10FFFF), 0xFFFD, codes)
    out[place[opens] - 1] = ord(RAISED)
    at = np.flatnonzero(behind)
    out[place[at] - extra[at]] = ord(LOWERED)
    if closes[-1]:
        out[-1] = ord(LOWERED)
    text = out.astype("<u4").tobytes().decode("utf-32-le")
    # a piece begins with its mark's sign, and ends with it
    first = place - np.where(behind, extra - 1, extra)
    return text, [*first.tolist(), total]


_OPENS = frozenset(map(ord, "（［｛〔【《〈「『“‘([{"))
_SHUTS = frozenset(map(ord, "，。、；：！？）］｝〕】》〉」』”’…—～·,.;:!?)]}%℃‰"))


def _beginning(
    codes: list[int], start: list[float], end: list[float], blank: list[bool], a: int, b: int
) -> tuple[float, float]:
    """Return the width of a line's first word, and where the text behind its number begins."""
    stop, at = min(b, a + 60), a
    while at < stop - 1 and codes[at] in _OPENS:
        at += 1
    wide = _is_wide(codes[at])
    at += 1
    while at < stop and not blank[at]:
        code = codes[at]
        if code not in _SHUTS and (wide or _is_wide(code)):
            break
        at += 1
    begins = start[a]
    hang = begins
    code = codes[a]
    if not 0x4E01 <= code < 0xF900 or code in _NUMERALS:
        told = "".join([chr(one) if one < 0xD800 else "一" for one in codes[a : min(b, a + 12)]])
        if (found := NUMBERED.match(told)) and a + found.end() < b:
            hang = start[a + found.end()]
    return end[at - 1] - begins, hang


_NUMERALS = frozenset(map(ord, "一二三四五六七八九十第"))


def _core(codes: list[int], end: list[float], a: int, b: int) -> float:
    """Return where the last character of a line ends that cannot hang over the edge."""
    last = b
    while last - 1 > a and codes[last - 1] in _SHUTS:
        last -= 1
    return end[last - 1]


def _is_wide(code: int) -> bool:
    return (
        0x2E80 <= code < 0xA000
        or 0xF900 <= code < 0xFB00
        or 0xFE30 <= code < 0xFF61
        or (code >= 0x20000)
    )


_BULLET = r"(?:[•●○◆◇■□▪▫➢➤✓✔∙◦‣⁃★☆▲△►◼❖∗–](?!\d)|-(?![\dA-Za-z-]))"
NUMBERED = re.compile(
    rf"{_BULLET}|[（(](?:[一二三四五六七八九十]{{1,3}}|\d{{1,3}}|[a-z])[)）]|[一二三四五六七八九十]{{1,3}}[、．.]"
    r"|\d{1,3}(?:[、．)）]|\.(?!\d))|\d{1,2}(?:\.\d{1,2}){1,3}(?![\d.%~～-])"
    r"|[\u2460-\u249b\u2776-\u2793]|\[\d{1,3}\]|［\d{1,3}］"
    r"|第[一二三四五六七八九十百零\d]{1,4}[章节節篇回卷]"
)
"""What an item begins with; blanks are left out before it is asked."""
BULLET = re.compile(_BULLET)


# --- the order of reading ----------------------------------------------------------------------

_LEAST_JUMPS = 4


def _ordered(pieces: list[Line]) -> list[Line]:
    """Return pieces in the order of reading; what is drawn row by row over columns is cut at the
    gutter."""
    gutter = _gutter(pieces)
    if gutter is None:
        return pieces
    out: list[Line] = []
    left: list[Line] = []
    right: list[Line] = []
    for piece in pieces:
        if piece.left < gutter - 2 * piece.size and piece.right > gutter + 2 * piece.size:
            out += [*_ordered(left), *_ordered(right), piece]
            left, right = [], []
        elif piece.left + piece.right < 2 * gutter:
            left.append(piece)
        else:
            right.append(piece)
    return [*out, *_ordered(left), *_ordered(right)]


def _gutter(pieces: Sequence[Line]) -> float | None:
    """Return where a gutter is that the order jumps over again and again, or None.

    A table over the page's width looks the same, but for its short cells.
    """
    jumps = [
        (a, b)
        for a, b in pairwise(pieces)
        if b.left > a.right and abs(a.level - b.level) < 1.2 * max(a.size, b.size)
    ]
    if len(jumps) < _LEAST_JUMPS:
        return None
    # the place that most gaps have in common
    ends = sorted([(a.right, 1) for a, _ in jumps] + [(b.left, -1) for _, b in jumps])
    most = depth = 0
    place = 0.0
    for n, (at, change) in enumerate(ends):
        depth += change
        if depth > most:
            most = depth
            place = (at + ends[n + 1][0]) / 2 if n + 1 < len(ends) else at
    over = [(a, b) for a, b in jumps if a.right <= place <= b.left]
    sides = [[piece for piece in pieces if piece.right <= place + piece.size],
             [piece for piece in pieces if piece.left >= place - piece.size]]  # fmt: skip
    if len(over) < _LEAST_JUMPS or len(over) < 0.5 * min(map(len, sides)):
        return None
    for side, number in ((sides[0], 0), (sides[1], 1)):
        near = [pair[number] for pair in over]
        width = max(piece.right for piece in side) - min(piece.left for piece in side)
        if _gutter(side) is not None:  # there are more than two columns
            continue
        long = median(piece.right - piece.left for piece in near)
        letters = median(len(piece.text) for piece in near)
        if long < 0.7 * width or letters < 8:
            return None
    return place


def _rows(pieces: list[Line]) -> list[Line]:
    """Return lines: a bullet or number with what stands behind it is one; other pieces on the same
    base line are marked as cells."""
    out: list[Line] = []
    for piece in pieces:
        last = out[-1] if out else None
        near = last is not None and abs(last.level - piece.level) < 0.35 * max(
            last.size, piece.size
        )
        if last is None or not near or piece.left < last.right - 0.3 * piece.size:
            out.append(piece)
            continue
        number = NUMBERED.fullmatch(last.text.replace(" ", ""))
        if number and not last.beside and piece.left - last.right < 4 * piece.size:
            blank = "" if _is_wide(ord(last.text[-1])) else " "
            out[-1] = replace(
                last, text=f"{last.text}{blank}{piece.text}", right=piece.right, core=piece.core,
                hang=piece.left, first=last.right - last.left, size=piece.size,
            )  # fmt: skip
        else:
            out.append(replace(piece, beside=True))
    return out

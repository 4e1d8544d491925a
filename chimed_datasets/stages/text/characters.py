"""Characters: controls go, full-width letters and digits become half-width, white space is set
right. One pass over the code points of many texts at once.

Chinese punctuation stays Chinese: NFKC would turn ，：（）！ into ASCII, so the forms to be mapped
are listed one by one.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...records import Codepoints, places_of
from ...records.points import only

SPACE, TAB, NEWLINE, RETURN = 0x20, 0x09, 0x0A, 0x0D
_WIDE_DOT, _JOINER, BACKTICK = 0xFF0E, 0x200D, 0x60

# --- what is mapped ----------------------------------------------------------------------------

# U+E5E5 is what GB 18030 gives for A3 A0, which many files have for a full-width blank.
_SPACES = "\u00a0\u1680\u202f\u205f\u3000\ue5e5" + "".join(map(chr, range(0x2000, 0x200B)))
_LINE_ENDS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
# Signs that text of vertical or narrow setting has for the ordinary ones.
_SIGNS = dict(
    zip(
        "︐︑︒︓︔︕︖︗︘︰︱︵︶︷︸︹︺︻︼︽︾︿﹀﹁﹂﹃﹄﹐﹑﹔﹕﹖﹗﹙﹚﹝﹞",
        "，、。：；！？〖〗：—（）｛｝〔〕【】《》〈〉「」『』，、；：？！（）〔〕",
        strict=True,
    )
)
# Radicals without a compatibility mapping that files made from PDF have for whole characters.
_RADICALS = dict(
    zip(
        "⺠⻁⻄⻅⻆⻉⻋⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻰",
        "民虎西见角贝车长门青韦页风飞食马骨鬼鱼鸟卤麦黄黾齐齿龙",
        strict=True,
    )
)


# Characters that were for private use before Unicode had them, by GB 18030 of 2022 and GBK of old.
_MOVED = dict(
    zip(
        "\ue76c\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796\ue7c7\ue7c8"
        "\ue816\ue817\ue818\ue81e\ue826\ue82b\ue82c\ue831\ue832\ue83b\ue843\ue854\ue855\ue864",
        "€，。、：；！？〖〗…ḿǹ"
        "\U00020087\U00020089\U000200cc\u9fb4\u9fb5\u9fb6\u9fb7\U000215d7\u9fb8\U0002298f"
        "\u9fb9\u9fba\U000241fe\u9fbb",
        strict=True,
    )
)


def _private_use() -> dict[str, str]:
    """Characters that GBK kept at U+E815 to U+E864 before Unicode had them (㖞 of 口眼㖞斜)."""
    trail = [byte for byte in range(0x50, 0xA1) if byte != 0x7F]
    found = {chr(0xE815 + i): bytes([0xFE, b]).decode("gb18030") for i, b in enumerate(trail)}
    return {old: new for old, new in found.items() if not "\ue000" <= new <= "\uf8ff"} | _MOVED


def _forms() -> dict[int, int]:
    """What is mapped to another character: full-width, presentation and compatibility forms."""
    forms = {0xFEE0 + ord(c): ord(c) for c in map(chr, range(0x21, 0x7F)) if c.isalnum()}
    for table in (_SIGNS, _RADICALS, _private_use()):
        forms |= {ord(old): ord(new) for old, new in table.items()}
    for c in [*range(0xF900, 0xFB00), *range(0x2F800, 0x2FA20)]:
        forms[c] = ord(unicodedata.normalize("NFC", chr(c)))
    for c in [*range(0x2F00, 0x2FD6), 0x2E9F, 0x2EF3]:
        forms[c] = ord(unicodedata.normalize("NFKC", chr(c)))
    return {old: new for old, new in forms.items() if old != new}


def _dropped() -> list[int]:
    """What goes: controls, signs without width, marks of direction, variation selectors.

    A variation selector chooses a glyph, not a character. The joiner of emoji is looked at by
    itself. U+FFFD stays: it is counted where the file was read.
    """
    ranges = [
        *[(0x00, 0x08), (0x0E, 0x1B), (0x1F, 0x1F), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD)],
        *[(0x034F, 0x034F), (0x061C, 0x061C), (0x180E, 0x180E), (0x200B, 0x200C), (0x200E, 0x200F)],
        *[(0x202A, 0x202E), (0x2060, 0x206F), (0xFDD0, 0xFDEF), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF)],
        *[(0xFFF9, 0xFFFB), (0xFFFE, 0xFFFF), (0xE0000, 0xE0FFF)],
        *[(plane | 0xFFFE, plane | 0xFFFF) for plane in range(0x10000, 0x110000, 0x10000)],
    ]
    return [c for first, last in ranges for c in range(first, last + 1)]


# --- classes of characters -----------------------------------------------------------------------

ORDINARY, BLANK, DROP, FORM, ODD_BLANK, OTHER = range(6)
"""Classes of :func:`tables`. BLANK: space, tab, newline. ODD_BLANK: spaces and line ends to be
mapped to those. OTHER: what needs a look at its neighbours. Above OTHER is free for others."""


@lru_cache(maxsize=1)
def tables() -> tuple[np.ndarray, np.ndarray]:
    """Return uint8[0x110000], the class of each character, and uint32[0x110000], what stands in its
    place where that is FORM or ODD_BLANK. Not to be written to."""
    classes = np.zeros(0x110000, np.uint8)
    target = np.arange(0x110000, dtype=np.uint32)
    for old, new in _forms().items():
        classes[old], target[old] = FORM, new
    for blanks, new in ((_SPACES, SPACE), (_LINE_ENDS, NEWLINE)):
        for c in map(ord, blanks):
            classes[c], target[c] = ODD_BLANK, new
    classes[_dropped()] = DROP
    classes[[SPACE, TAB, NEWLINE]] = BLANK
    classes[[RETURN, _WIDE_DOT, _JOINER, BACKTICK]] = OTHER
    return classes, target


def texts_at(positions: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return which text each of ``positions`` (ascending) lies in."""
    if len(positions) < len(offsets):
        return np.searchsorted(offsets, positions, "right") - 1
    ends = np.searchsorted(positions, offsets)
    return np.repeat(np.arange(len(offsets) - 1), np.diff(ends))


def odd_blanks(text: Codepoints, at: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Return the texts, some of them again, with blanks that :func:`normalise` may change: at an
    end, tabs, or more than one in a row but for the two line ends of an empty line.

    at, which: positions of all blanks (ascending), and the text that each lies in.
    """
    if not len(at):
        return at
    heads, length = _runs(at, which)
    start, of = at[heads], which[heads]
    outer = (start == text.offsets[of]) | (start + length == text.offsets[of + 1])
    signs = text.points[at]
    breaks = np.add.reduceat(signs == NEWLINE, heads, dtype=np.int64)
    tabs = np.logical_or.reduceat(signs == TAB, heads)
    several = (length > 1) & ((length > 2) | (breaks < 2))
    found: np.ndarray = of[outer | tabs | several]
    return found


def blanks_amiss(text: Codepoints, rows: np.ndarray) -> np.ndarray:
    """Return bool[rows]: in which of the texts ``rows`` (ascending) the blanks are not in order."""
    chosen = np.zeros(len(text.offsets) - 1, bool)
    chosen[rows] = True
    points, offsets = only(text, chosen)
    amiss = np.zeros(len(rows), bool)
    amiss[texts_at(_edits(points, offsets)[0], offsets)] = True
    return amiss


def _edits(points: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what a change of white space would write; see :func:`_blank_edits`."""
    at, kinds = places_of(points, _blanks())
    which = texts_at(at, offsets)
    blank = kinds == 1
    fenced = _fenced(at[~blank], which[~blank])
    return _blank_edits(points, offsets, at[blank], which[blank], fenced)


@lru_cache(maxsize=1)
def _blanks() -> np.ndarray:
    """Return uint8[0x110000]: 1 for a blank, or what is below one, 2 for a backtick."""
    kinds = np.zeros(0x110000, np.uint8)
    kinds[: SPACE + 1], kinds[BACKTICK] = 1, 2
    return kinds


def _runs(at: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where runs of blanks begin among them, and how long each is."""
    # A run ends where the next blank is no neighbour, or lies in another text.
    new_run = np.ones(len(at), bool)
    new_run[1:] = (np.diff(at) > 1) | (which[1:] != which[:-1])
    heads = np.flatnonzero(new_run)
    return heads, np.diff(np.append(heads, len(at)))


def _fenced(at: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Return the texts with a Markdown code block (```), whose blanks mean something.

    at, which: positions of all backticks, and the text that each lies in.
    """
    # Three backticks in a row: the third stands two places after the first.
    three = (at[2:] - at[:-2] == 2) & (which[2:] == which[:-2])
    return np.unique(which[2:][three])


def _blank_edits(
    points: np.ndarray,
    offsets: np.ndarray,
    at: np.ndarray,
    which: np.ndarray,
    fenced: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (positions, new characters): what a change of white space would write, 0 to delete.

    A run of blanks becomes one newline where it holds one, an empty line where it holds more, else
    one space; at the ends of a text it goes. Before the mark of an inner list its spaces stay.
    Tabs stay where they part columns: the line before or behind has tabs too. A single space
    between two Chinese characters stays: it parts the drugs of a formula and the lines of a verse,
    and stands for lost glyphs.

    at, which: positions of all blanks (ascending), and the text that each lies in.
    fenced:    texts with a code block, of which only the ends are trimmed.

    >>> points = np.array([*map(ord, " 头  痛")], np.uint32)
    >>> at = np.array([0, 2, 3])
    >>> edits, new = _blank_edits(points, np.array([0, 5]), at, np.zeros(3, int), np.zeros(0, int))
    >>> edits.tolist(), new.tolist()
    ([0, 3], [0, 0])
    """
    if not len(at):
        return at, np.zeros(0, np.uint32)
    heads, length = _runs(at, which)
    start, of = at[heads], which[heads]
    outer = (start == offsets[of]) | (start + length == offsets[of + 1])
    signs = points[at]
    tabs = signs == TAB
    # Most blanks stand alone, and stay as they are in a text without tabs.
    odd = outer | (length > 1)
    if tabs.any():
        tabbed = np.zeros(len(offsets) - 1, bool)
        tabbed[which[tabs]] = True
        odd |= tabbed[of]
    if not odd.all():
        pick = np.repeat(odd, length)
        at, signs, tabs = at[pick], signs[pick], tabs[pick]
        start, of, length, outer = start[odd], of[odd], length[odd], outer[odd]
        if not len(at):
            return at, np.zeros(0, np.uint32)
        heads = np.cumsum(length) - length
    newlines = np.add.reduceat(signs == NEWLINE, heads, dtype=np.int64)
    # Of each run the first ``kept`` blanks stay, as ``fill``; those after them go.
    kept = np.where(outer, 0, np.clip(newlines, 1, 2))
    fill = np.where(newlines > 0, NEWLINE, SPACE).astype(np.uint32)
    inside = np.arange(len(at)) - np.repeat(heads, length)
    wanted = np.where(inside < np.repeat(kept, length), np.repeat(fill, length), 0)
    inner = np.flatnonzero((newlines > 0) & ~outer)
    for run in _before_list_marks(points, start, length, offsets[of + 1], inner):
        last = int(heads[run] + np.flatnonzero(signs[heads[run] :][: length[run]] == NEWLINE)[-1])
        wanted[last + 1 : heads[run] + length[run]] = SPACE
        wanted[heads[run] : last + 1] = np.where(
            np.arange(last + 1 - heads[run]) < kept[run], NEWLINE, 0
        )
    if tabs.any():
        column = np.repeat(_part_columns(tabs, heads, newlines, of) & ~outer, length)
        wanted[column] = np.where(tabs[column], TAB, 0)
    edit = wanted != signs
    if len(fenced):
        edit &= np.repeat(outer | ~np.isin(of, fenced), length)
    return at[edit], wanted[edit].astype(np.uint32)


def _part_columns(
    tabs: np.ndarray, heads: np.ndarray, newlines: np.ndarray, of: np.ndarray
) -> np.ndarray:
    """Return bool[runs]: which runs of blanks hold tabs, as one on a line next to theirs does.

    tabs: which blanks are tabs. heads, newlines, of: where the runs begin among the blanks, how
    many line breaks each has, and the text that each lies in.
    """
    inner = np.logical_or.reduceat(tabs, heads) & (newlines == 0)
    # Lines are numbered; an empty one between two, or another text, parts them by more than one.
    step = np.minimum(newlines, 2)
    step[1:] += 3 * (of[1:] != of[:-1])
    line = np.cumsum(step)
    with_tabs = np.unique(line[inner])
    found: np.ndarray = inner & (np.isin(line - 1, with_tabs) | np.isin(line + 1, with_tabs))
    return found


_MARKS = np.array([ord(c) for c in "-*+•"], np.uint32)
_FIGURES = np.array([ord(c) for c in "0123456789"], np.uint32)
_POINTS = np.array([ord(c) for c in ".)"], np.uint32)


def _before_list_marks(
    points: np.ndarray, start: np.ndarray, length: np.ndarray, ends: np.ndarray, runs: np.ndarray
) -> list[int]:
    """Return those of ``runs`` of blanks that set in an inner list: a line break, two spaces or
    more, and a mark (- , 1. ) behind them.

    ends: where the text of each run ends.
    """
    behind = start[runs] + length[runs]
    may = behind + 1 < ends[runs]
    may &= (points[behind - 1] == SPACE) & (points[behind - 2] == SPACE)
    runs, behind = runs[may], behind[may]
    mark, after = points[behind], points[behind + 1]
    inner = np.isin(mark, _MARKS) & (after == SPACE)
    inner |= np.isin(mark, _FIGURES) & np.isin(after, _POINTS)
    return [int(run) for run in runs[inner]]


# --- the change --------------------------------------------------------------------------------


class Normalised(NamedTuple):
    """``text`` in order, and bool[m] for each rule: the texts that it changed."""

    text: Codepoints
    control: np.ndarray
    width: np.ndarray
    spaces: np.ndarray


def normalise(text: Codepoints, width: bool = True) -> Normalised:
    """Set the characters of all texts right; doing it twice changes nothing more.

    width: map full-width, presentation and compatibility forms too.

    >>> points = np.array([*map(ord, "ＣＴ\\u3000\\r\\n检查")], np.uint32)
    >>> text = Codepoints(points, np.array([0, 7]))
    >>> done = normalise(text)
    >>> "".join(map(chr, done.text.points)), done.width.tolist(), done.control.tolist()
    ('CT\\n检查', [True], [False])
    """
    count = len(text.offsets) - 1
    changed = {rule: np.zeros(count, bool) for rule in ("control", "width", "spaces")}

    def note(rule: str, positions: np.ndarray, offsets: np.ndarray) -> None:
        changed[rule][texts_at(positions, offsets)] = True

    points, offsets = text.points.copy(), text.offsets
    class_of, target = tables()
    at, classes = places_of(points, class_of)
    blanks = at[classes == ODD_BLANK]
    points[blanks] = target[points[blanks]]
    note("spaces", blanks, offsets)
    others = at[classes == OTHER]
    signs = points[others]
    if width:
        forms = at[classes == FORM]
        points[forms] = target[points[forms]]
        dots = _between(points, offsets, others[signs == _WIDE_DOT], _DIGITS)
        points[dots] = ord(".")
        note("width", np.union1d(forms, dots), offsets)
    # \\r\\n is one line end: the \\r of such a pair goes, any other becomes \\n.
    returns = others[signs == RETURN]
    note("spaces", returns, offsets)
    pair = points[np.minimum(returns + 1, len(points) - 1)] == NEWLINE
    points[returns] = NEWLINE
    drops = at[classes == DROP]
    note("control", drops, offsets)
    points, offsets = _without(points, offsets, np.union1d(drops, returns[pair]))

    # A joiner between two emoji makes one of them; elsewhere it is left over.
    if (signs == _JOINER).any():
        joiners = np.flatnonzero(points == _JOINER)
        within = _between(points, offsets, joiners, _EMOJI)
        loose = np.setdiff1d(joiners, within, assume_unique=True)
        note("control", loose, offsets)
        points, offsets = _without(points, offsets, loose)

    # Blanks come last: what was taken out may have stood between two of them.
    edits, new = _edits(points, offsets)
    note("spaces", edits, offsets)
    points[edits] = new
    points, offsets = _without(points, offsets, edits[new == 0])
    return Normalised(Codepoints(points, offsets), **changed)


def _ranges(*ranges: tuple[int, int]) -> np.ndarray:
    found = np.zeros(0x110000, bool)
    for first, last in ranges:
        found[first : last + 1] = True
    return found


_DIGITS = _ranges((0x30, 0x39))
_EMOJI = _ranges((0x2190, 0x2BFF), (0x1F000, 0x1FAFF))


def _between(
    points: np.ndarray, offsets: np.ndarray, at: np.ndarray, neighbours: np.ndarray
) -> np.ndarray:
    """Return those of the positions ``at`` that have a neighbour of that kind on either side."""
    of = texts_at(at, offsets)
    at = at[(at > offsets[of]) & (at + 1 < offsets[of + 1])]
    within: np.ndarray = at[neighbours[points[at - 1]] & neighbours[points[at + 1]]]
    return within


def _without(
    points: np.ndarray, offsets: np.ndarray, drops: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the texts without the characters at ``drops`` (ascending)."""
    if not len(drops):
        return points, offsets
    keep = np.ones(len(points), bool)
    keep[drops] = False
    return points[keep], offsets - np.searchsorted(drops, offsets)

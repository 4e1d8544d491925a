"""What each text is to be searched for, and whether its characters are in order: one look at the
characters of all texts, so that few go on to patterns."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...loops import compiled
from ...records import Codepoints, places_of
from .characters import BACKTICK, BLANK, DROP, ODD_BLANK, OTHER, odd_blanks, tables, texts_at
from .characters import blanks_amiss as _blanks_amiss
from .cues import RARE, cue_tables, cues_of
from .escapes import SIGNS, may_be_spelt
from .leftovers import LOST, LOST_SIGNS, MARK, MEMORY_SIGNS
from .mojibake import FIRST_AS_GBK, GBK_SIGNS, WESTERN_SIGNS

GARBLED, UNSET, SPELT, HTML, AS_GBK = 1, 2, 4, 8, 16
"""What a text is to be searched for: mojibake, unset memory, escapes, markup; mojibake that went
through GBK alone."""
_MARKUP, _WESTERN, _GBK, _CUE, _LOST, _MEMORY, _ESCAPE, _MARK = range(OTHER + 1, OTHER + 9)
_LATIN, _FIRST = 0x40, 0x80
"""Beside a class: a byte of GB 2312 read as Latin-1; the first of UTF-8 that was read as GBK."""
_CLASS = np.uint8(0x1F)


class Seen(NamedTuple):
    """amiss: bool[m], texts with characters amiss. todo: uint8[m], what they are searched for, by
    bits. cues: uint16[m], of which rules of :mod:`.site` there are cues. marks: int64[m], how many
    question marks each has."""

    amiss: np.ndarray
    todo: np.ndarray
    cues: np.ndarray
    marks: np.ndarray


@lru_cache(maxsize=1)
def table() -> np.ndarray:
    """Return uint8[0x110000]: the classes of characters, with what starts markup, mojibake and
    junk. ``loops.c`` knows their numbers."""
    classes = tables()[0].copy()
    for class_, points in (
        (_GBK, GBK_SIGNS),
        (_WESTERN, WESTERN_SIGNS),
        (_CUE, RARE),
        (_MARKUP, map(ord, "&<[")),
        (_LOST, [ord(c) for c in LOST_SIGNS if ord(c) not in WESTERN_SIGNS]),
        (_MEMORY, map(ord, MEMORY_SIGNS)),
        (_ESCAPE, map(ord, SIGNS)),
        (_MARK, [ord(MARK)]),
    ):
        classes[list(points)] = class_
    classes[0xA1:0xFF] |= _LATIN
    classes[FIRST_AS_GBK] |= _FIRST
    return classes


def seen(text: Codepoints) -> Seen:
    """Look at all texts."""
    at, classes = places_of(text.points, table())
    if loops := compiled():
        found = loops.seen(*text, at, classes, *cue_tables())
    else:
        found = _by_numpy(text, at, classes)
    state, todo, cues, marks = found
    amiss = state & 1 > 0
    odd = np.flatnonzero(state == 2)
    amiss[odd] = _blanks_amiss(text, odd)
    return Seen(amiss, todo, cues, marks)


def _by_numpy(
    text: Codepoints, at: np.ndarray, classes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return what ``loops.seen`` does: uint8[m], 1 where characters are amiss but for blanks, with
    2 where blanks may be; what each is searched for, its cues, its question marks."""
    points, offsets = text
    which = texts_at(at, offsets)
    flags, classes = classes & ~_CLASS, classes & _CLASS
    state, todo = np.zeros((2, len(offsets) - 1), np.uint8)

    def after(signs: np.ndarray, number: int = 1) -> np.ndarray:
        behind: np.ndarray = points[np.minimum(signs + number, len(points) - 1)]
        return behind

    def found(*kinds: int) -> np.ndarray:
        return np.flatnonzero(np.isin(classes, kinds) if kinds[1:] else classes == kinds[0])

    blank = found(BLANK)
    state[odd_blanks(text, at[blank], which[blank])] = 2
    bad = (classes >= DROP) & (classes <= ODD_BLANK)
    bad |= (classes == OTHER) & (points[at] != BACKTICK)
    state[which[bad]] |= 1

    these = found(_MARKUP)
    signs = at[these]
    bracket = (points[signs] == ord("[")) & ~np.isin(after(signs), [ord(c) for c in "sS/"])
    todo[which[these[~bracket]]] |= HTML

    # A sign alone is none: × stands in many texts. Of UTF-8 read as Latin-1 two or three stand
    # together, of GB 2312 six.
    garbled, near, begins = np.zeros((3, len(todo)), bool)
    garbled[which[found(_WESTERN, _LOST)]] = True
    near[which[classes == _LOST]] = True
    these = np.flatnonzero(flags & _LATIN)
    signs = at[these]
    behind = [after(signs, number) for number in range(1, 6)]
    utf8 = (points[signs] >= 0xC2) & _follows(behind[0])
    utf8 &= (points[signs] < 0xE1) | _follows(behind[1])
    gb2312 = np.logical_and.reduce([(c >= 0xA1) & (c <= 0xFE) for c in behind])
    near[which[these[utf8 | gb2312]]] = True
    these = np.flatnonzero(flags & _FIRST)
    before = points[np.maximum(at[these] - 1, 0)]
    first = (at[these] == offsets[which[these]]) | (before < 0x80) | (before == ord(LOST))
    begins[which[these[first]]] = True
    count = np.bincount(which[found(_GBK)], minlength=len(todo))
    many = (count >= 2) & (count * 8 >= np.diff(offsets))
    garbled, begins = garbled | many, begins | many
    todo[garbled & near] |= GARBLED
    todo[garbled & begins & ~near] |= AS_GBK

    these = found(_MEMORY)
    signs = at[these]
    thrice = (points[signs] == after(signs)) & (points[signs] == after(signs, 2))
    todo[which[these[thrice]]] |= UNSET

    these = found(_ESCAPE)
    signs = at[these]
    spelt = may_be_spelt(points[signs], *(after(signs, number) for number in (1, 2, 5)))
    todo[which[these[spelt]]] |= SPELT
    marks = np.bincount(which[found(_MARK)], minlength=len(todo))
    return state, todo, cues_of(text, at[found(_CUE)]), marks


def _follows(c: np.ndarray) -> np.ndarray:
    """Return bool[n]: what Windows-1252 or Latin-1 makes of the bytes 80 to BF, among others, and
    what was lost."""
    found: np.ndarray = ((c >= 0x80) & (c < 0xC0)) | ((c >= 0x152) & (c <= 0x2122))
    found |= c == ord(LOST)
    return found

"""Which texts are worth a search for what a site put round them.

A cue is looked for by its rarest character and a neighbour of that: all texts of a batch are looked
through at once, and few go on to Python.
"""

from __future__ import annotations

import numpy as np

from ...records import Codepoints, look_up
from . import page_lines
from .characters import texts_at
from .site import ADVERTS, AT_BEGINNING, AT_END, BADGE_CUES, CUTS

_BY_FREQUENCY = (  # in medical texts, old and new; characters that are not here are rarer
    "的一有：者用生性要时方发在下大上人出服于我分了热e多医.现二过这小个后t此na情i会您五同"
    "来加无你问解成主s作合自r议入日得复理名地注头手部关期半明保间到品天面还本活功取正g案免即"
    "表C包先致T月补题长更说红减原起证再家片全提处传院新微p开A门觉文特从点h由维看直安(事采"
    "步流程I专论接转按信视供代立x机答电y询宝慢收回P公预咨营试件话w:充标打单示线首源音退闭"
    "R推底备藏客列评布星频兼群vX展详促网户互资员约V送换假编序播纳价W官丝贴举限端民闻击场码"
    "欢狂权优仅读号费众链报站领载篇额买Q侵博威款享职顶q惠彩旧荐责阅扫著印搜戴追顾页付购私拿诚"
    "批店销辑启版订货摘览签聊邮薇盟秒赞窗票淘招抢删赏扣拨薪厂址抖浏稿猜聘旗赔券踩戳舰➕"
)


RULES = ("badge", *CUTS, *ADVERTS, "page_lines")
"""The names of all rules; bit i of a text's cues stands for the i-th."""
BIT = {name: 1 << number for number, name in enumerate(RULES)}


def _pairs() -> dict[str, tuple[int, int]]:
    """Return for each cue two characters of it, which of them (0 or 1) is its rarest, and the bits
    of the rules that have it."""
    of_rules = [rule.cues for rule in [*CUTS.values(), *ADVERTS.values()]]
    cues = zip(RULES, [BADGE_CUES, *of_rules, page_lines.CUES], strict=True)
    pairs: dict[str, tuple[int, int]] = {}
    for name, own in cues:
        for cue in own:
            ranks = [(_BY_FREQUENCY + c).index(c) for c in cue]
            rarest = ranks.index(max(ranks))
            start = min(rarest, len(cue) - 2)
            pair = cue[start : start + 2]
            pairs[pair] = rarest - start, pairs.get(pair, (0, 0))[1] | BIT[name]
    return pairs


_PAIRS = _pairs()
RARE = sorted({ord(pair[rarest]) for pair, (rarest, _) in _PAIRS.items()})
"""The characters by which cues are found."""


def _slot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    mixed: np.ndarray = first * np.uint32(40503) ^ second  # what is above 32 bits falls off
    mixed &= np.uint32(0xFFFF)
    return mixed


def _code(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    code: np.ndarray = first.astype(np.uint64) << np.uint64(21) | second
    return code


_first, _second = (np.array([ord(pair[i]) for pair in _PAIRS], np.uint32) for i in (0, 1))
_SLOTS = np.zeros(0x10000, bool)
"""Where a pair may be one of a cue: one look for each; what is there is compared then."""
_SLOTS[_slot(_first, _second)] = True
_codes = _code(_first, _second)
_order = np.argsort(_codes)
_CODES = _codes[_order]
_BITS = np.array([bits for _, bits in _PAIRS.values()], np.uint16)[_order]


def _bits_of(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return uint16[n]: the bits of the rules that have a cue with these two characters."""
    bits = np.zeros(len(first), np.uint16)
    may = np.flatnonzero(look_up(_SLOTS, _slot(first, second)))
    codes = _code(first[may], second[may])
    place = np.minimum(np.searchsorted(_CODES, codes), len(_CODES) - 1)
    bits[may] = np.where(_CODES[place] == codes, _BITS[place], 0)
    return bits


OF_ADVERTS = sum(BIT[name] for name in ADVERTS)
_OF_CUTS = np.uint16(sum(BIT[name] for name in CUTS))
_BADGE = np.uint16(BIT["badge"])
_LIMITS = np.array(
    [
        *(page_lines.REACH, AT_BEGINNING, AT_END),
        *(BIT["page_lines"], OF_ADVERTS, int(_OF_CUTS), int(_BADGE)),
    ],
    np.int64,
)


def cue_tables() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return what ``loops.seen`` takes to do as :func:`cues_of`: where a pair may be one, the pairs
    and their bits, and what depends on a place."""
    return _SLOTS, _CODES, _BITS, _LIMITS


def cues_of(text: Codepoints, at: np.ndarray) -> np.ndarray:
    """Return uint16[texts]: the bits of the rules a cue of which a text may hold.

    at: positions of the :data:`RARE` characters.
    """
    points = text.points
    last = len(points) - 1
    here = points[at]
    bits = _bits_of(points[np.maximum(at - 1, 0)], here)
    bits |= _bits_of(here, points[np.minimum(at + 1, last)])
    found = np.flatnonzero(bits)
    at, bits = at[found], bits[found]
    cues = np.zeros(len(text.offsets) - 1, np.uint16)
    if not len(found):
        return cues
    of = texts_at(at, text.offsets)
    start, end = text.offsets[of], text.offsets[of + 1]
    near = at >= end - page_lines.REACH
    bits[~near] &= ~np.uint16(BIT["page_lines"])
    bits[near & (bits & np.uint16(OF_ADVERTS) > 0)] |= np.uint16(BIT["page_lines"])
    np.bitwise_or.at(cues, of, bits)
    # A badge amid a text is one where a cut makes an end of its place.
    outer = (bits & _BADGE > 0) & ((at <= start + AT_BEGINNING) | (at >= end - AT_END - 1))
    no_badge = cues & _OF_CUTS == 0
    no_badge[of[outer]] = False
    cues[no_badge] &= ~_BADGE
    return cues

"""Which texts are worth a search for what a site put round them.

A cue is looked for by its rarest character and a neighbour of that: all texts of a batch are looked
through at once, and few go on to Python.
"""

from __future__ import annotations

import numpy as np

from ...records import Codepoints
from . import page_lines
from .characters import texts_at
from .site import ADVERTS, BADGE_CUES, CUTS

_BY_FREQUENCY = (  # in medical texts, old and new; characters that are not here are rarer
    "的一者t有为ni性要大下发方用上时热p服在人小多二现分医x此名我无r同s加主这来半得过会合"
    "应自复入个手议头作明理部面解正问取先再还即地功补间院篇致成月到注门说原案免关保长微包起本觉"
    "直家红证论全减慢由从别转点更开新采安维按立特营步打代事预视底话兼专A接宝题收认T闭观回单品"
    "退公(电C疑标充程线惠藏播首源信备推答X喜客试提示频群I狂换询促举Va详约咨纳e送评文贴假"
    "击端gR官侵仅供载P额列民顶网报户限众展价买链威号权h扫费戴读博拿返序顾批欢责员诚职款优领"
    "追著场盟编薇抢私订W荐站付阅店印窗启拨厂"
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
    mixed: np.ndarray = first.astype(np.uint64) * np.uint64(40503) ^ second
    return mixed & np.uint64(0xFFFF)


_first, _second = (np.array([ord(pair[i]) for pair in _PAIRS], np.uint64) for i in (0, 1))
_SLOTS = np.zeros(0x10000, bool)
"""Where a pair may be one of a cue: one look for each; what is there is compared then."""
_SLOTS[_slot(_first, _second)] = True
_order = np.argsort(_first << np.uint64(21) | _second)
_CODES = (_first << np.uint64(21) | _second)[_order]
_BITS = np.array([bits for _, bits in _PAIRS.values()], np.uint16)[_order]


def _bits_of(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return uint16[n]: the bits of the rules that have a cue with these two characters."""
    bits = np.zeros(len(first), np.uint16)
    may = np.flatnonzero(_SLOTS[_slot(first, second)])
    codes = first[may].astype(np.uint64) << np.uint64(21) | second[may]
    place = np.minimum(np.searchsorted(_CODES, codes), len(_CODES) - 1)
    bits[may] = np.where(_CODES[place] == codes, _BITS[place], 0)
    return bits


_OF_ADVERTS = np.uint16(sum(BIT[name] for name in ADVERTS))


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
    of = texts_at(at, text.offsets)
    near = at >= text.offsets[of + 1] - page_lines.REACH
    bits[~near] &= ~np.uint16(BIT["page_lines"])
    bits[near & (bits & _OF_ADVERTS > 0)] |= np.uint16(BIT["page_lines"])
    cues = np.zeros(len(text.offsets) - 1, np.uint16)
    np.bitwise_or.at(cues, of, bits)
    return cues

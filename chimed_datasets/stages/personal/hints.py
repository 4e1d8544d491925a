"""Which texts of a batch may hold personal data.

Nearly all texts hold nothing of the kind. One look at the code points of the whole batch tells
which may, so that ordinary text costs a few nanoseconds a character.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from ...loops import compiled
from ...records import Codepoints, places_of
from .folding import (
    AT,
    DECIMAL,
    DIGITS,
    DOT,
    ENCLOSED,
    KEY_MARKS,
    LONG,
    MAIL,
    NAMES,
    NUMBER,
    OTHER_DIGITS,
    PROSE,
    SPELT,
    SPELT_DIGITS,
    SURNAMES,
    TRADITIONAL,
    WECHAT_ID,
    WIDE,
    WIDE_SIGNS,
    Windows,
)
from .net import TLDS

_SIGN, _DIGIT, _SPELT, _OTHER, _FOLDS, _OF_WECHAT, _OF_WORDS, _OF_PROSE = range(1, 9)
_CUES = {
    _OF_WECHAT: "信微薇溦嶶绿➕❤♥💗亻",
    _OF_WORDS: "姓址簽签牌寄件货貨住】│\t系姆家照",
    _OF_PROSE: "叫患我",
}
_CLASS = np.zeros(0x110000, np.uint8)
_CLASS[0x21:0x7F] = _SIGN
_CLASS[0xFF01:0xFF5F] = _SIGN
_CLASS[0x30:0x3A] = _CLASS[0xFF10:0xFF1A] = _DIGIT
_CLASS[[ord(c) for c in SPELT_DIGITS]] = _SPELT
_CLASS[[*DECIMAL, *ENCLOSED, *KEY_MARKS]] = _OTHER
_CLASS[[*TRADITIONAL]] = _FOLDS
for _kind, _chars in _CUES.items():
    _CLASS[[ord(c) for c in _chars]] = _kind

# How far before and behind such a place the word, what stands between, and the number reach.
_MARGINS = {
    **dict.fromkeys((NUMBER, LONG, DIGITS), (64, 96)),
    WECHAT_ID: (48, 64),
    NAMES: (32, 320),
}


def windows(
    text: Codepoints, places: dict[int, np.ndarray]
) -> defaultdict[int, dict[int, Windows]]:
    """Return, by text and by hint, the parts to search, apart from one another.

    places: of :func:`hints`.
    """
    found: defaultdict[int, dict[int, Windows]] = defaultdict(dict)
    for hint, at in places.items():
        if not len(at):
            continue
        before, behind = _MARGINS[hint]
        rows = np.searchsorted(text.offsets, at, "right") - 1
        first = text.offsets[rows]
        starts, ends = np.maximum(at - before, first) - first, at + behind - first
        apart = (rows[1:] != rows[:-1]) | (starts[1:] > ends[:-1])
        opens, closes = np.r_[True, apart], np.r_[apart, True]
        parts = zip(starts[opens].tolist(), ends[closes].tolist(), strict=True)
        for row, part in zip(rows[opens].tolist(), parts, strict=True):
            found[row].setdefault(hint, []).append(part)
    return found


_OF_NAMES = np.zeros(0x110000, bool)
_OF_NAMES[[ord(c) for c in SURNAMES]] = True


_BEFORE_A_NAME = np.zeros(0x110000, bool)
_BEFORE_A_NAME[[ord(c) for c in " \u3000\t\n\"“'‘【[*|｜│┃"]] = True
_BEFORE_A_NAME[ord("A") : ord("Z") + 1] = True
_IN_AN_ID = np.zeros(0x110000, bool)
_IN_AN_ID[[p for p in range(0x80) if chr(p).isalnum()]] = True
_IN_AN_ID[[0xFEE0 + p for p in range(0x21, 0x7F) if chr(p).isalnum()]] = True
_BEFORE_AN_ID = _IN_AN_ID.copy()
_BEFORE_AN_ID[[ord(c) for c in ":：=＝+＋-－_(（[【\"“'‘→>~～@❤♥\n\ufe0f"]] = True


class _Cues(NamedTuple):
    """Where characters of some words stand, int64; they and their neighbours, uint32."""

    at: np.ndarray
    char: np.ndarray
    before: np.ndarray
    behind: np.ndarray


def _isin(points: np.ndarray, chars: str) -> np.ndarray:
    """As np.isin, which sorts first; there are few points and few characters."""
    found = np.zeros(len(points), bool)
    for char in chars:
        found |= points == ord(char)
    return found


class _Signs(NamedTuple):
    """What stands near one another, int64, ascending: the places of its first or its only sign. In
    the order of their numbers in ``loops.c``.

    near_5:  five digits within nine characters. row_4: four in a row.
    near_10, near_15: ten within 21, fifteen within 29.
    spelt:   six Chinese digits within nine, or eleven of any kind in a row.
    dots:    a dot or slash of a host. sites: a dot before what hosts end with, or behind www, or
             such a slash. mails: the letter before the bracket of (a) or (at).
    ats:     an @, or the end of a host.
    wechat:  letters that may stand for WeChat. words: where five letters or digits in a row begin.
    colons:  a colon, = or |. wide: what has full width, and is folded.
    The others are the characters of a class: other digits, what folds, cues.
    """

    near_5: np.ndarray
    row_4: np.ndarray
    near_10: np.ndarray
    near_15: np.ndarray
    spelt: np.ndarray
    dots: np.ndarray
    sites: np.ndarray
    mails: np.ndarray
    ats: np.ndarray
    wechat: np.ndarray
    words: np.ndarray
    colons: np.ndarray
    wide: np.ndarray
    other: np.ndarray
    folds: np.ndarray
    of_wechat: np.ndarray
    of_words: np.ndarray
    of_prose: np.ndarray


def _signs(text: Codepoints) -> _Signs:
    points, offsets = text
    hits, kinds = places_of(points, _CLASS)
    if loops := compiled():
        return _Signs(*loops.signs(points, offsets, hits, kinds))

    def near(places: np.ndarray, count: int, width: int) -> np.ndarray:
        """Where ``count`` of the places begin that stand within ``width`` characters."""
        if len(places) < count:
            return places[:0]
        first: np.ndarray = places[: 1 - count]
        found: np.ndarray = first[places[count - 1 :] - first < width]
        return found

    is_sign = kinds <= _DIGIT
    at = hits[is_sign]
    char = points[at]
    wide = char > 0x7F
    char = np.where(wide, char - np.uint32(0xFEE0), char)
    lower = char | 0x20  # of letters; other signs turn into signs that are not asked for
    digit = kinds[is_sign] == _DIGIT
    name = digit | (lower - np.uint32(0x61) < 26)
    is_digit = (kinds == _DIGIT) | (kinds == _OTHER)
    digits_at = hits[is_digit]
    is_spelt = kinds == _SPELT
    spelt = [near(hits[is_spelt], 6, 9), near(hits[is_digit | is_spelt], 11, 11)]
    joined = np.zeros(len(at), bool)  # to the character before
    joined[1:] = np.diff(at) == 1
    last = np.zeros_like(char)
    last[1:] = np.where(joined[1:], lower[:-1], 0)
    letter = name & ~digit
    dot = np.flatnonzero(char[:-2] == ord("."))
    dot = dot[joined[dot] & joined[dot + 1] & joined[dot + 2]]
    dot = dot[name[dot - 1] & letter[dot + 1] & letter[dot + 2]]
    slashes = np.flatnonzero((char == ord("/")) & (last == ord("/")))
    slashes = slashes[last[slashes - 1] == ord(":")]
    in_word = name | (char == ord("-")) | (char == ord("_"))
    word_at = at[in_word]
    begins = np.diff(word_at, prepend=-2) > 1
    firsts = np.searchsorted(word_at, offsets[:-1])
    firsts = firsts[firsts < len(word_at)]
    begins[firsts] = True  # the text before may end with a word
    starts = np.flatnonzero(begins)
    starts = starts[starts + 4 < len(word_at)]
    starts = starts[word_at[starts + 4] - word_at[starts] == 4]
    return _Signs(
        near_5=near(digits_at, 5, 9),
        row_4=near(digits_at, 4, 4),
        near_10=near(digits_at, 10, 21),
        near_15=near(digits_at, 15, 29),
        spelt=np.sort(np.concatenate(spelt)),
        dots=np.sort(at[np.concatenate([dot, slashes])]),
        sites=np.sort(at[np.append(_sites(at, char), slashes)]),
        mails=_mails(points, at, lower, last),
        ats=np.sort(np.append(at[char == ord("@")], at[_ends_of_hosts(at, lower, last, offsets)])),
        wechat=np.sort(_wechat_letters(points, at, lower, last)),
        words=word_at[starts],
        colons=at[(char == ord(":")) | (char == ord("=")) | (char == ord("|"))],
        wide=at[wide & (name | _isin(char, WIDE_SIGNS))],
        **{field: hits[kinds == kind] for field, kind in _OTHERS.items()},
    )


_OTHERS = {
    "other": _OTHER,
    "folds": _FOLDS,
    "of_wechat": _OF_WECHAT,
    "of_words": _OF_WORDS,
    "of_prose": _OF_PROSE,
}


def hints(text: Codepoints) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Return uint16[m]: for each text, bits that tell what may be found in it; and for NUMBER,
    LONG, DIGITS, WECHAT_ID and NAMES int64, ascending: where in the points that begins.

    DIGITS        5 digits within 9 characters near a character that may announce them, or 4 in a
                  row right behind 号
    NUMBER        10 digits within 21 characters
    LONG          15 digits within 29 characters
    AT            an @, or what people write for it
    DOT           a dot between a letter or digit and two letters, or ://; and a dot before what
                  hosts end with, or behind www, or ://
    MAIL          the first of these, and (a) or (at)
    WECHAT_ID     a cue of WeChat's, and a word that could be an id
    SPELT         6 Chinese digits within 9 characters, or one among 10 of any kind
    WIDE          what :func:`.folding.fold` translates
    NAMES         a word that announces a name, an address or a plate
    OTHER_DIGITS  digits beyond ASCII and full width
    PROSE         a phrase that tells a name in prose

    A bit may be set in vain, never missing.
    """
    points, offsets = text
    flags = np.zeros(len(offsets) - 1, np.uint16)
    places: dict[int, np.ndarray] = {}
    signs = _signs(text)

    def texts_at(positions: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.searchsorted(offsets, positions, "right") - 1
        return found

    def cues(at: np.ndarray) -> _Cues:
        behind = (at + 1) % max(len(points), 1)
        return _Cues(at, points[at], points[at - 1], points[behind])

    def flag(positions: np.ndarray, bit: int) -> None:
        if len(positions):
            flags[texts_at(positions)] |= np.uint16(bit)

    flag(signs.other, OTHER_DIGITS | WIDE)
    five = signs.near_5
    has_id = np.zeros(len(flags), bool)
    has_id[texts_at(five)] = True
    four = signs.row_4
    four = four[_near_by(_NUMBER_OF, points, four, -8, 0)]
    words = cues(signs.of_words)
    passports = words.at[(words.char == ord("照")) & _isin(words.before, "护護")]
    places[DIGITS] = np.sort(np.concatenate([five[_announced(points, five)], four, passports]))
    places[NUMBER] = signs.near_10
    places[LONG] = signs.near_15
    flag(places[DIGITS], DIGITS)
    flag(places[NUMBER], NUMBER)
    flag(places[LONG], LONG)
    flag(signs.spelt, SPELT)
    with_dot = _true_at(texts_at(signs.dots), len(flags))
    flags[with_dot & _true_at(texts_at(signs.sites), len(flags))] |= np.uint16(DOT)
    flags[with_dot & _true_at(texts_at(signs.mails), len(flags))] |= np.uint16(MAIL)
    flag(signs.ats, AT)
    flag(words.at[(words.char == ord("姆")) & (words.before == ord("康"))], AT)

    told_wechat = _wechat_cues(points, cues(signs.of_wechat))
    places[WECHAT_ID] = np.sort(np.concatenate([told_wechat, signs.wechat]))
    flag(places[WECHAT_ID], WECHAT_ID)
    has_id |= flags & OTHER_DIGITS > 0
    has_id[texts_at(signs.words)] = True
    flags[~has_id] &= ~np.uint16(WECHAT_ID)

    places[NAMES] = np.sort(_name_cues(points, signs.colons, words))
    flag(places[NAMES], NAMES)
    phrase, cue, before, behind = cues(signs.of_prose)
    told = (cue == ord("叫")) & _isin(before, "我名人字子女儿宝她他孩")
    told |= (cue == ord("患")) & (behind == ord("者")) | (cue == ord("我")) & (behind == ord("是"))
    phrase, cue = phrase[told], cue[told]
    ends = _ends_a_name(points, phrase + 4) | _ends_a_name(points, phrase + 5)
    named = (cue == ord("叫")) | _OF_NAMES[points[(phrase + 2) % max(len(points), 1)]] & ends
    flag(phrase[named], PROSE)
    flag(signs.folds, WIDE)
    flag(words.at[_isin(words.char, "簽貨")], WIDE)
    flag(signs.wide, WIDE)
    return flags, places


# Characters of the words that announce a number, and how far before it they stand.
_FAR = np.zeros(0x110000, bool)
_FAR[[ord(c) for c in "话話机機提座线線热熱真总總络絡号號码碼编編卡证證照系打"]] = True
_NEAR = np.zeros(0x110000, bool)
_NEAR[[ord(c) for c in "扣鹅鵝企球秋丘口寇蔻叩抠住🐧+＋#№QqＱｑTtXxDdOoNnPpZzCcRrEeHh(（"]] = True
_BEHIND = np.zeros(0x110000, bool)
_BEHIND[[ord(c) for c in "QqＱｑ扣鹅鵝"]] = True
_BRACKET = np.zeros(0x110000, bool)
_BRACKET[[ord("("), ord("（")]] = True
_NUMBER_OF = np.zeros(0x110000, bool)
_NUMBER_OF[[ord("号"), ord("號")]] = True


def _announced(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """True where something that may announce a number stands near a place (int64)."""
    found = _near_by(_FAR, points, places, -32, 1)
    found |= _near_by(_NEAR, points, places, -10, 1)
    found |= _near_by(_BEHIND, points, places, 5, 20)
    found |= _near_by(_BRACKET, points, places, 5, 8)
    return found


def _near_by(
    table: np.ndarray, points: np.ndarray, places: np.ndarray, start: int, end: int
) -> np.ndarray:
    """True where a code point of ``table`` stands from ``start`` to ``end`` behind a place."""
    if not len(places):
        return np.zeros(0, bool)
    if loops := compiled():
        return loops.near(points, places, table, start, end)
    around = places[:, None] + np.arange(start, end)
    found: np.ndarray = table[points[np.clip(around, 0, len(points) - 1)]].any(axis=1)
    return found


def _true_at(places: np.ndarray, count: int) -> np.ndarray:
    """Return bool[count], true at the places."""
    found = np.zeros(count, bool)
    found[places] = True
    return found


def _sites(at: np.ndarray, char: np.ndarray) -> np.ndarray:
    """Return indices into ``at`` of dots before what hosts end with, or behind www and before a
    letter, a digit or -."""
    dots = np.flatnonzero(char == ord("."))

    def stands(behind: int, sign: str) -> np.ndarray:
        """True where a letter, large or small, stands so many characters behind a dot."""
        to = np.clip(dots + behind, 0, len(at) - 1)
        found: np.ndarray = (at[to] - at[dots] == behind) & (char[to] | 0x20 == ord(sign))
        return found

    if not len(dots):
        return dots
    first = np.minimum(dots + 1, len(at) - 1)
    joined = (at[first] - at[dots] == 1) & _IN_AN_ID[char[first]]
    joined |= (at[first] - at[dots] == 1) & (char[first] == ord("-"))
    found = joined & stands(-1, "w") & stands(-2, "w") & stands(-3, "w")
    for end in TLDS:
        found |= np.logical_and.reduce([stands(1 + i, sign) for i, sign in enumerate(end)])
    places: np.ndarray = dots[found]
    return places


def _mails(points: np.ndarray, at: np.ndarray, lower: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return where the letter before the bracket of (a) or (at) stands."""
    found = []
    for size, ends in enumerate((lower == ord("a"), (lower == ord("t")) & (last == ord("a")))):
        here = at[ends]
        here = here[(here > size) & (here + 1 < len(points))]
        opened = _isin(points[here - 1 - size], "(（[【<")
        found.append(here[opened & _isin(points[here + 1], ")）]】>")])
    places: np.ndarray = np.sort(np.concatenate(found))
    return places


def _ends_of_hosts(
    at: np.ndarray, lower: np.ndarray, last: np.ndarray, offsets: np.ndarray
) -> np.ndarray:
    """Return indices into ``at`` of the last letters of "com" and "cn"."""
    m_at = np.flatnonzero((lower == ord("m")) & ((last == ord("o")) | (last == ord("0"))))
    m_at = m_at[last[m_at - 1] == ord("c")]
    n_at = np.flatnonzero((lower == ord("n")) & (last == ord("c")))
    m_at, n_at = (
        ends[
            (offsets[np.searchsorted(offsets, at[ends] + 1)] == at[ends] + 1)
            | (at[ends + 1 - len(at)] - at[ends] != 1)
            | (lower[ends + 1 - len(at)] - 0x61 > 25)
        ]
        for ends in (m_at, n_at)
    )
    spaced = np.flatnonzero((lower == ord("m")) & (last == 0))
    spaced = spaced[(at[spaced] - at[spaced - 1] == 2) & (lower[spaced - 1] == ord("o"))]
    return np.concatenate([m_at, n_at, spaced])


def _ends_a_name(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """True where a sign stands, or 今 (今年)."""
    char = points[np.minimum(places, len(points) - 1)]
    found: np.ndarray = (char - np.uint32(0x3400) > 0x9FFF - 0x3400) | (char == ord("今"))
    return found


def _wechat_cues(points: np.ndarray, cues: _Cues) -> np.ndarray:
    """Return where a text may hold a word for WeChat that is no letters."""
    told_at, cue, before, behind = cues
    trust = (cue == ord("信")) & (
        _isin(before, "微威薇徽维魏溦嶶徵卫围敚VvＶｖWwＷｗ") | (before <= 0x3000)
    )
    after = points[(told_at + 2) % max(len(points), 1)]
    blank = (behind == ord(" ")) | (behind == ord("\u3000"))
    small = _isin(cue, "微薇") & (
        (before == ord("加"))
        | (before == ord("我"))
        | (before == ord("➕"))
        | _isin(behind, "芯心𝕏亻")
        | _BEFORE_AN_ID[behind]
        | (blank & (_BEFORE_AN_ID[after] | _isin(after, "芯心信")))
    )
    green = (cue == ord("绿")) & (
        (behind == ord("泡")) | (behind == ord("色")) & (after == ord("软"))
    )
    sure = _isin(cue, "溦嶶➕❤♥💗亻") | green
    found: np.ndarray = told_at[trust | small | sure]
    return found


def _wechat_letters(
    points: np.ndarray, at: np.ndarray, lower: np.ndarray, last: np.ndarray
) -> np.ndarray:
    """Return where letters stand that may stand for WeChat: vx, wechat, v+."""
    v, w, x = ord("v"), ord("w"), ord("x")
    x_at = np.flatnonzero(lower == x)
    near_v = _isin(lower[x_at - 1], "vw") & (at[x_at] - at[x_at - 1] <= 3)
    parted = _isin(lower[x_at - 1], ".-¥") & _isin(lower[np.maximum(x_at - 2, 0)], "vw")
    x_at = x_at[near_v | parted | _isin(points[at[x_at] - 1], "¥❤\ufe0f微")]
    e_at = np.flatnonzero(lower == ord("e"))
    e_at = e_at[(last[e_at] == w) & _isin(lower[e_at + 1 - len(lower)], "ic")]
    v_at = np.flatnonzero((lower == v) | (lower == w))
    beside = points[at[v_at] - 1]
    next_ = lower[v_at + 1 - len(lower)]
    v_at = v_at[
        (last[v_at] == ord("+"))
        | _isin(beside, "加➕的走V")
        | _isin(next_, "+:|")
        | (next_ == (ord("+") | 0x20))
        | (next_ == (ord(":") | 0x20))
    ]
    return np.concatenate([at[x_at], at[e_at], at[v_at]])


def _name_cues(points: np.ndarray, colons: np.ndarray, cues: _Cues) -> np.ndarray:
    """Return where a text may hold a word that announces a name, an address or a plate."""
    told_at, cue, before, behind = cues
    told = (cue == ord("姓")) & _isin(behind, "名 \u3000")
    told |= (cue == ord("址")) & _isin(before, "地住 \u3000")
    told |= _isin(cue, "签簽") & _isin(behind, "名字 ")
    told |= (cue == ord("牌")) & _isin(before, "车車號号") | (cue == ord("牌")) & (
        behind == ord("照")
    )
    told |= (cue == ord("寄")) & _isin(behind, "到往至给")
    told |= _isin(cue, "件货貨系") & (behind == ord("人"))
    told |= (cue == ord("家")) & (behind == ord("在"))
    lives = _isin(before, "家人我现爸妈父母亲者，。；：\n") & ~_isin(behind, "院了进注满入过房，。")
    told |= (cue == ord("住")) & (lives | _isin(behind, "在所：:"))
    told |= _isin(cue, "】│\t") & _isin(before, "者人儿妇兒婦")
    word = colons - (points[colons - 1] == ord(" "))
    ends, before = points[np.maximum(word - 1, 0)], points[np.maximum(word - 2, 0)]
    behind = points[(colons + 1) % len(points)] if len(points) else ends
    is_name = _OF_NAMES[behind] | _BEFORE_A_NAME[behind]
    acts = (ends == ord("人")) | _isin(ends, "主妇婦师師士儿兒刀字") & is_name
    acts |= _isin(ends, ")）") & is_name & (behind != ord("\n"))
    acts |= (ends == ord("者")) & _isin(before, "患病死伤检试诊术傷檢試診術")
    acts |= _isin(ends, "助手") & _isin(before, "一二三助") | _isin(ends, "属屬") & _isin(
        before, "家親亲"
    )
    acts |= (ends == ord("方")) & _isin(before, "患医家")
    # Name: contact: address: with what may be a name or a house behind it
    after = points[(colons + 2) % len(points)] if len(points) else ends
    first = np.where(behind == ord(" "), after, behind)
    word_of = (ends | 0x20, before | 0x20)
    latin = (word_of[0] == ord("e")) & (word_of[1] == ord("m"))
    latin |= (word_of[0] == ord("t")) & (word_of[1] == ord("c"))
    latin |= (word_of[0] == ord("s")) & (word_of[1] == ord("s"))
    acts |= latin & _IN_AN_ID[first]
    places = _isin(ends, "住籍所") | (ends == ord("地")) & _isin(before, "住籍在")
    return np.concatenate([told_at[told], colons[acts | places]])

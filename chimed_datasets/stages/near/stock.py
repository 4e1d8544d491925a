"""What a search for near-duplicates leaves out: clauses that say nothing, and numbers.

Such clauses are greetings, thanks, wishes, headings and general advice. A record that differs from
another only by them is the same record. :func:`plain` leaves them out for the search; where two
records are weighed against each other (:mod:`.weigh`) they do not count either.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from itertools import chain
from typing import NamedTuple

import numpy as np

from ...records import Codepoints, look_up, sums
from ..text.grams import fold_table, ranges, select

MOST = 20
"""Characters of the longest clause that is looked for."""

_ADVISES = re.compile(
    "就医|就诊|医院|医生|医师|门诊|医嘱|咨询|参考|面诊|复诊|复查|随访|休息|饮食|"
    "作息|睡眠|心态|心情|情绪|运动|锻炼|熬夜|劳累|辛辣|烟|酒|"
    "康复|健康|帮助|自行|擅自|盲目|科普|提示|提醒|差异|因人|观察|卫生|保暖|体质|恢复"
)
"""Words of general advice, of which it has at least one."""

_NUMBERS = "0123456789零〇一二两三四五六七八九十百千万亿半壹贰叁肆伍陆柒捌玖拾廿卅每"
_UNITS = (
    "毫微克升斤钱片粒颗丸支袋包滴杯勺匙次回遍天日周月年岁个小时分钟秒度摄氏公千厘米"
    "寸尺单位国际至到之点多余abcdefghijklmnopqrstuvwxyzμ"
)
"""Numbers are compared by what they say, not by their characters."""
_UNIT_CHARS = 3
_PLACE = np.uint32(ord("0"))
"""What stands for a run of numbers and units."""
_CIRCLED = (*range(0x2460, 0x249C), *range(0x24EA, 0x2500), *range(0x2776, 0x2794))
"""①, ⑴, ⒈, ❶: marks of lists."""
_BEHIND_A_MARK = [*map(ord, ".．、)）")]
_MARK_CHARS = 2


def _lines(name: str) -> list[str]:
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


_LINES = [
    [["" if one == "-" else one for one in part.split("/")] for part in line.split(" ")]
    for line in _lines("stock.txt")
]


@lru_cache(maxsize=1)
def _words() -> list[str]:
    words = {word for line in _lines("advice.txt") for word in line.split()}
    return sorted(words, key=lambda word: (-len(word), word))


@lru_cache(maxsize=1)
def _advice() -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(_words())})+")


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    lines = (
        "".join(f"(?:{'|'.join(sorted(part, key=len, reverse=True))})" for part in line)
        for line in _LINES
    )
    return re.compile(f"(?:{'|'.join(lines)}){{1,2}}")


_GREETED = 8
"""Characters of the longest clause that is a greeting by its end: 宝妈你好."""


@lru_cache(maxsize=1 << 14)
def is_stock(clause: str) -> bool:
    """Tell whether a clause, folded, says nothing of the matter.

    >>> is_stock("很高兴为您解答"), is_stock("饭后服用")
    (True, False)
    """
    if clause.endswith(("您好", "你好")) and len(clause) <= _GREETED:
        return True
    return len(clause) <= MOST and _pattern().fullmatch(clause) is not None


@lru_cache(maxsize=1 << 14)
def is_advice(clause: str) -> bool:
    """Tell whether a clause, folded, is general advice: words that are said to any patient.

    >>> is_advice("平时注意休息"), is_advice("平时注意血压")
    (True, False)
    """
    return bool(_ADVISES.search(clause)) and _advice().fullmatch(clause) is not None


@lru_cache(maxsize=1 << 16)
def _says_nothing(clause: bytes) -> bool:
    """Tell whether a clause (UTF-32) is left out."""
    text = str(clause, "utf-32-le")
    return is_stock(text) or is_advice(text)


def warm() -> None:
    """Build the tables that this module keeps for the life of a process."""
    _pattern()
    _advice()
    _table()


# --- the search ----------------------------------------------------------------------------------

_POINT = np.uint32((1 << 21) - 1)
_NUMBER, _UNIT, _BEGINS, _GOES_ON, _ENDS = (np.uint32(1 << bit) for bit in range(21, 26))


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """Return uint32[0x110000]: the folded code point of each (see :func:`fold_table`), and flags:
    is it of a number, or a unit, and where in a clause that says nothing can it stand?"""
    of = np.zeros(0x110000, np.uint32)

    def flag(signs: str, flags: np.uint32) -> None:
        points = np.array([*set(map(ord, signs))], np.int64)
        of[points] |= flags

    flag(_NUMBERS, _NUMBER)
    flag("".join(set(_UNITS) - set(_NUMBERS)), _UNIT)
    for parts in _LINES:
        for way, end in ((parts, _BEGINS), (parts[::-1], _ENDS)):
            for part in way:
                flag("".join(word[0 if end == _BEGINS else -1] for word in part if word), end)
                if "" not in part:
                    break
        flag("".join(chain.from_iterable(parts)), _GOES_ON)
    flag("".join(_words()), _GOES_ON)
    flag("".join(word[0] for word in _words()), _BEGINS)
    flag("".join(word[-1] for word in _words()), _ENDS)
    folded = fold_table().copy()
    folded[list(_CIRCLED)] = 0
    table: np.ndarray = folded | of[folded]
    table.setflags(write=False)
    return table


def plain(text: Codepoints, least: int = 0) -> Codepoints:
    """Return the texts as they are searched: folded (see :func:`fold`), without the clauses that
    say nothing, and with one sign for each run of numbers and their units.

    least: a text of which fewer characters are left stays as it is folded.
    """
    clauses, whole = _cut(text)
    seen, offsets = whole
    folded = seen & _POINT
    gone = np.concatenate([_nothing(seen, folded, clauses), _marks(text, seen, clauses)])
    keep = np.ones(len(seen), bool)
    keep[ranges(clauses.starts[gone], clauses.lengths[gone])] = False
    number = _with_units(seen, _first(text, clauses))
    points = np.where(number, _PLACE, folded)
    kept = np.flatnonzero(keep)
    again = number[kept[1:]] & number[kept[:-1]]
    bounds = np.searchsorted(kept, offsets)
    again[bounds[(bounds > 0) & (bounds < len(kept))] - 1] = False
    keep[kept[1:][again]] = False
    sizes = np.diff(offsets)
    short = np.flatnonzero(sums(keep.view(np.uint8), offsets) < np.minimum(sizes, least))
    as_it_is = ranges(offsets[short], sizes[short])
    keep[as_it_is], points[as_it_is] = True, folded[as_it_is]
    return select(Codepoints(points, offsets), keep)


class _Clauses(NamedTuple):
    """Runs of letters and digits, none of which goes on from one text to the next.

    begins:  int64, where each begins in the text.
    starts:  int64, where it begins once all else is left out.
    lengths: int64.
    """

    begins: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray


def _cut(text: Codepoints) -> tuple[_Clauses, Codepoints]:
    """Return the clauses of texts, and their letters and digits, folded and with flags."""
    seen = look_up(_table(), text.points)
    word = seen != 0
    if not word.any():
        none = np.zeros(0, np.int64)
        return _Clauses(none, none, none), Codepoints(seen[:0], np.zeros_like(text.offsets))
    begins = word.copy()
    begins[1:] &= ~word[:-1]
    bounds = text.offsets[text.offsets < len(word)]
    begins[bounds] = word[bounds]
    ends = word.copy()
    ends[:-1] &= ~word[1:]
    bounds = text.offsets[text.offsets > 0] - 1
    ends[bounds] = word[bounds]
    where = np.flatnonzero(begins)
    lengths = np.flatnonzero(ends) + 1 - where
    clauses = _Clauses(where, np.cumsum(lengths) - lengths, lengths)
    return clauses, select(Codepoints(seen, text.offsets), word)


_GREETS, _WHOM = ord("好"), (ord("你"), ord("您"))


def _nothing(seen: np.ndarray, folded: np.ndarray, clauses: _Clauses) -> np.ndarray:
    """Return the numbers of the clauses that say nothing. seen: folded, with flags."""
    _, starts, lengths = clauses
    last = starts + lengths - 1
    some = np.flatnonzero(
        (lengths <= MOST) & (seen[starts] & _BEGINS != 0) & (seen[last] & _ENDS != 0)
    )
    # Nearly all have a character that no such clause has.
    other = seen[ranges(starts[some], lengths[some])] & _GOES_ON == 0
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths[some])])
    some = some[sums(other.view(np.uint8), ends) == 0]
    greets = np.flatnonzero((lengths <= _GREETED) & (lengths > 1) & (folded[last] == _GREETS))
    greets = greets[np.isin(folded[last[greets] - 1], _WHOM)]
    some = np.union1d(some, greets)
    data = folded.astype("<u4", copy=False).view(np.uint8).data
    found = [
        _says_nothing(bytes(data[begin:end]))
        for begin, end in zip(
            (4 * starts[some]).tolist(), (4 * (last[some] + 1)).tolist(), strict=True
        )
    ]
    nothing: np.ndarray = some[np.array(found, bool)]
    return nothing


def _first(text: Codepoints, clauses: _Clauses) -> np.ndarray:
    """Return bool of each letter or digit: does it stand behind more than a blank?"""
    begins, starts, lengths = clauses
    first = np.zeros(int(lengths.sum()), bool)
    first[starts] = True
    gap = begins[1:] - begins[:-1] - lengths[:-1]
    near = 1 + np.flatnonzero((gap == 1) & (text.points[begins[1:] - 1] == ord(" ")))
    same = _text_of(text, begins[near]) == _text_of(text, begins[near - 1])
    first[starts[near[same]]] = False
    return first


def _text_of(text: Codepoints, at: np.ndarray) -> np.ndarray:
    """Return the number of the text in which each place is."""
    return np.searchsorted(text.offsets, at, "right") - 1


def _marks(text: Codepoints, seen: np.ndarray, clauses: _Clauses) -> np.ndarray:
    """Return the numbers of the clauses that are marks of a list: the 1 of "1. " and of 1、."""
    begins, starts, lengths = clauses
    some = np.flatnonzero(lengths <= _MARK_CHARS)
    ends = starts[some] + lengths[some] - 1
    some = some[seen[starts[some]] & seen[ends] & _NUMBER != 0]
    behind = begins[some] + lengths[some]
    within = behind < text.offsets[_text_of(text, begins[some]) + 1]
    some, behind = some[within], behind[within]
    is_mark = np.isin(text.points[behind], _BEHIND_A_MARK)
    # In 2.5 and in 2、3 the next number goes on at once.
    follows = np.minimum(some + 1, len(begins) - 1)
    goes_on = (begins[follows] == behind + 1) & (seen[starts[follows]] & _NUMBER != 0)
    marks: np.ndarray = some[is_mark & ~goes_on]
    return marks


def _with_units(seen: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return bool of each letter or digit: is it of a number, or one of the next that say of what?

    first: bool of each, true where nothing goes on from the one before."""
    number: np.ndarray = seen & _NUMBER != 0
    last = np.flatnonzero(number)
    for _ in range(_UNIT_CHARS):
        last = last[last < len(seen) - 1] + 1
        last = last[(seen[last] & _UNIT != 0) & ~first[last]]
        number[last] = True
    return number

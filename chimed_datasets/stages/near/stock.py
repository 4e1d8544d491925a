"""What a search for near-duplicates leaves out: clauses that say nothing, and numbers.

Such clauses are greetings, thanks, wishes, headings and general advice. A record that differs from
another only by them is the same record. :func:`plain` leaves them out for the search; where two
records are weighed against each other (:mod:`.weigh`) they do not count either.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np

from ...records import Codepoints, look_up, sums
from ...records.points import only, spliced
from ..text.grams import fold, fold_table, ranges

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
_BLANK = ord(" ")
_BLOCK = 1 << 19
"""Characters that are gone through at a time."""


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


def _begun(lines: list[list[list[str]]], size: int, step: int = 1) -> set[str]:
    """Return the first ``size`` characters of each of ``lines``, all of a shorter one. step: -1 for
    the last characters, the last one first."""
    found: set[str] = set()
    for line in lines:
        begun = {""}
        for part in line[::step]:
            begun = {(head + word[::step])[:size] for head in begun for word in part}
        found |= begun - {""}
    return found


_EDGE = 3


@lru_cache(maxsize=1)
def _stock_edges() -> tuple[set[str], set[str]]:
    """Return what a stock clause begins with and ends with."""
    return _begun(_LINES, _EDGE), {one[::-1] for one in _begun(_LINES, _EDGE, -1)}


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
    heads, tails = _stock_edges()
    return (
        len(clause) <= MOST
        and any(clause[:size] in heads for size in range(1, _EDGE + 1))
        and any(clause[-size:] in tails for size in range(1, _EDGE + 1))
        and _pattern().fullmatch(clause) is not None
    )


@lru_cache(maxsize=1 << 14)
def is_advice(clause: str) -> bool:
    """Tell whether a clause, folded, is general advice: words that are said to any patient.

    >>> is_advice("平时注意休息"), is_advice("平时注意血压")
    (True, False)
    """
    return bool(_ADVISES.search(clause)) and _advice().fullmatch(clause) is not None


def warm() -> None:
    """Build the tables that this module keeps for the life of a process."""
    _pattern()
    _stock_edges()
    _advice()
    _table()
    _edges()


# --- the search ----------------------------------------------------------------------------------

_POINT = np.uint32((1 << 21) - 1)
_NUMBER, _UNIT, _KNOWN = (np.uint32(1 << bit) for bit in range(21, 24))


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """Return uint32[0x110000]: the folded code point of each (see :func:`fold_table`), and flags:
    is it of a number, of a unit, of any clause that says nothing?"""
    of = np.zeros(0x110000, np.uint32)
    known = {*chain.from_iterable(chain.from_iterable(_LINES)), *_words()}
    for signs, flag in ((_NUMBERS, _NUMBER), (_UNITS, _UNIT), ("".join(known), _KNOWN)):
        of[[*set(map(ord, signs))]] |= flag
    folded = fold_table().copy()
    folded[list(_CIRCLED)] = 0
    table: np.ndarray = folded | of[folded]
    table.setflags(write=False)
    return table


_SLOT_BITS = 18
_OPENS, _CLOSES = np.uint8(1), np.uint8(2)


@lru_cache(maxsize=1)
def _edges() -> np.ndarray:
    """Return uint8[2 ** 18]: by the slot of two characters, whether a clause that says nothing can
    begin with them, and whether it can end with them (of these the last one comes first)."""
    table = np.zeros(1 << _SLOT_BITS, np.uint8)
    for flag, step in ((_OPENS, 1), (_CLOSES, -1)):
        for lines in (_LINES, [[_words()]]):
            edges = _begun(lines, 2, step)
            # Behind a line or word of one character comes another one, or nothing.
            behind = {edge[0] for edge in edges} | {"\0"}
            edges |= {edge + sign for edge in edges if len(edge) == 1 for sign in behind}
            edges = {edge for edge in edges if len(edge) == 2}
            signs = np.array([[ord(sign) for sign in edge] for edge in sorted(edges)], np.uint32)
            table[_slot(*signs.T)] |= flag
    table.setflags(write=False)
    return table


def _slot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return where :func:`_edges` has these two characters; 0 stands for none."""
    mixed: np.ndarray = one * np.uint32(0x9E3779B1) + other * np.uint32(0x85EBCA6B)
    return mixed >> np.uint32(32 - _SLOT_BITS)


def plain(text: Codepoints, least: int = 0) -> Codepoints:
    """Return the texts as they are searched: folded (see :func:`fold`), without the clauses that
    say nothing, and with one sign for each run of numbers and their units.

    least: a text of which fewer characters are left stays as it is folded.
    """
    # Some texts at a time: what a dozen passes work on stays in a core's cache.
    places = np.arange(_BLOCK, len(text.points), _BLOCK)
    bounds = np.unique([0, *np.searchsorted(text.offsets, places), len(text.offsets) - 1])
    parts = [Codepoints(text.points[:0], text.offsets[:1])]
    for begin, end in pairwise(bounds.tolist()):
        offsets = text.offsets[begin : end + 1]
        points = text.points[offsets[0] : offsets[-1]]
        parts.append(_plain(Codepoints(points, offsets - offsets[0]), least))
    ends = np.cumsum(np.concatenate([np.diff(part.offsets) for part in parts]))
    points = np.concatenate([part.points for part in parts])
    return Codepoints(points, np.concatenate([np.zeros(1, np.int64), ends]))


def _plain(text: Codepoints, least: int) -> Codepoints:
    seen = look_up(_table(), text.points)
    points = seen & _POINT
    keep = points != 0
    first = np.zeros(len(seen) + 1, bool)  # does a text begin here?
    first[text.offsets] = True
    clauses = _clauses(keep, first)
    marks = _marks(text.points, seen, first, clauses)
    gone = np.concatenate([_nothing(seen, points, clauses), marks])
    keep[ranges(clauses.starts[gone], clauses.lengths[gone])] = False
    number = _with_units(text.points, seen, first)
    keep[_again(number, first, clauses, gone)] = False
    points[np.flatnonzero(number)] = _PLACE
    kept = np.flatnonzero(keep)
    found = Codepoints(points.take(kept), np.searchsorted(kept, text.offsets))
    short = np.diff(found.offsets) < least
    if not short.any():
        return found
    return spliced(found, np.flatnonzero(short), fold(only(text, short)))


class _Clauses(NamedTuple):
    """Runs of letters and digits, none of which goes on from one text to the next: where each
    begins, and how long it is (int64)."""

    starts: np.ndarray
    lengths: np.ndarray


def _clauses(word: np.ndarray, first: np.ndarray) -> _Clauses:
    """word: bool of each character, is it a letter or digit? first: does a text begin there?"""
    turns = np.flatnonzero(np.diff(word, prepend=False, append=False))
    # Where one text ends in a letter and the next begins with one, nothing turns.
    bounds = np.flatnonzero(first[1:-1] & word[1:] & word[:-1]) + 1
    if len(bounds):
        turns = np.sort(np.concatenate([turns, bounds, bounds]))
    starts, ends = turns.reshape(-1, 2).T
    return _Clauses(starts, ends - starts)


_GREETS, _WHOM = ord("好"), (ord("你"), ord("您"))


def _nothing(seen: np.ndarray, points: np.ndarray, clauses: _Clauses) -> np.ndarray:
    """Return the numbers of the clauses that say nothing. seen: ``points`` with their flags."""
    starts, lengths = clauses
    edges = _edges()
    more = lengths > 1
    behind = points[starts + more] * more
    some = np.flatnonzero((edges[_slot(points[starts], behind)] & _OPENS).view(bool))
    some = some[lengths[some] <= MOST]
    last, more = starts[some] + lengths[some] - 1, more[some]
    before = points[last - more] * more
    some = some[edges[_slot(points[last], before)] & _CLOSES != 0]
    # Most of these have a character that no such clause has.
    sizes = lengths[some]
    place = ranges(starts[some], sizes)
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    known = sums((seen[place] & _KNOWN == 0).view(np.uint8), ends) == 0
    some, place = some[known], place[np.repeat(known, sizes)]
    ends = np.flatnonzero(points == _GREETS)
    ends = ends[np.isin(points[ends - 1], _WHOM)]
    greets = np.searchsorted(starts, ends, "right") - 1
    sizes = lengths[greets]
    greets = greets[(starts[greets] + sizes - 1 == ends) & (sizes > 1) & (sizes <= _GREETED)]
    some = np.concatenate([some, greets])
    place = np.concatenate([place, ranges(starts[greets], lengths[greets])])
    hashes = _hashes(points[place], lengths[some])
    found = list(map(_looked_at.get, hashes))
    for at in [at for at, one in enumerate(found) if one is None]:
        start = int(starts[some[at]])
        clause = points[start : start + int(lengths[some[at]])].astype("<u4", copy=False)
        said = str(clause.tobytes(), "utf-32-le")
        if len(_looked_at) >= _REMEMBERED:
            _looked_at.clear()
        found[at] = _looked_at[hashes[at]] = is_stock(said) or is_advice(said)
    nothing: np.ndarray = some[np.array(found, bool)]
    return nothing


_REMEMBERED = 1 << 17
_looked_at: dict[int, bool] = {}
"""Of clauses that were looked at, by their hash, whether they say nothing."""
_POWERS = np.cumprod(np.full(MOST, 0x9E3779B97F4A7C15, np.uint64))


def _hashes(points: np.ndarray, lengths: np.ndarray) -> list[int]:
    """Return a hash of 64 bits of each clause, of ``MOST`` characters at most, end to end."""
    starts = np.cumsum(lengths) - lengths
    if not len(starts):
        return []
    terms = points * _POWERS[np.arange(len(points)) - np.repeat(starts, lengths)]
    hashes: list[int] = np.add.reduceat(terms, starts).tolist()
    return hashes


def _marks(
    points: np.ndarray, seen: np.ndarray, first: np.ndarray, clauses: _Clauses
) -> np.ndarray:
    """Return the numbers of the clauses that are marks of a list: the 1 of "1. " and of 1、."""
    starts, lengths = clauses
    some = np.flatnonzero(lengths <= _MARK_CHARS)
    behind = starts[some] + lengths[some]
    number = seen[starts[some]] & seen[behind - 1] & _NUMBER != 0
    some, behind = some[number & ~first[behind]], behind[number & ~first[behind]]
    is_mark = np.isin(points[behind], _BEHIND_A_MARK)
    # In 2.5 and in 2、3 the next number goes on at once.
    after = np.minimum(behind + 1, len(seen) - 1)
    goes_on = (seen[after] & _NUMBER != 0) & ~first[behind + 1]
    marks: np.ndarray = some[is_mark & ~goes_on]
    return marks


def _with_units(points: np.ndarray, seen: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return bool of each character: is it of a number, or one of the next that say of what? A
    blank may part both."""
    number: np.ndarray = seen & _NUMBER != 0
    last = np.flatnonzero(number)
    for _ in range(_UNIT_CHARS):
        last = last[~first[last + 1]] + 1
        last = last + (points[last] == _BLANK)
        last = last[~(first[last] & (points[last - 1] == _BLANK))]
        last = last[seen[last] & _UNIT != 0]
        number[last] = True
    return number


def _again(
    number: np.ndarray, first: np.ndarray, clauses: _Clauses, gone: np.ndarray
) -> np.ndarray:
    """Return the places of a run of numbers and units but for its first one. A run goes on over
    what stands between clauses, and over those that are ``gone`` (their numbers)."""
    inner = np.zeros(len(number), bool)
    np.logical_and(number[1:], number[:-1], out=inner[1:])
    inner &= ~first[:-1]
    stay = np.ones(len(clauses.starts), bool)
    stay[gone] = False
    starts = clauses.starts[stay]
    ends = starts + clauses.lengths[stay] - 1
    follow = 1 + np.flatnonzero(number[starts[1:]] & number[ends[:-1]])
    text = np.flatnonzero(first)
    begun = np.searchsorted(text, starts[follow], "right")
    follow = follow[np.searchsorted(text, ends[follow - 1], "right") == begun]
    return np.concatenate([np.flatnonzero(inner), starts[follow]])

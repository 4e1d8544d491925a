"""What has no weight in a text: clauses that say nothing, marks of lists, how numbers are written.

Such clauses are greetings, thanks, wishes, headings and general advice. A record that differs from
another only by them is the same record: :func:`plain` leaves them out, and where two records are
weighed against each other (:mod:`.weigh`) they do not count either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...records import Codepoints, look_up
from ...records.points import only
from ..text.grams import fold_table, ranges, select

MOST = 20
"""Characters of the longest clause that is looked for."""

_ADVISES = re.compile(
    "就医|就诊|医院|医生|医师|门诊|医嘱|咨询|参考|面诊|复诊|复查|随访|休息|饮食|"
    "作息|睡眠|心态|心情|情绪|运动|锻炼|熬夜|劳累|辛辣|烟|酒|"
    "康复|健康|帮助|自行|擅自|盲目|科普|提示|提醒|差异|因人|观察|卫生|保暖|体质|恢复"
)
"""Words of general advice, of which it has at least one."""

_NUMERALS = "0123456789零〇一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾廿卅"
_NUMBERS = _NUMERALS + "半每"
_UNITS = (
    "毫微克升斤钱片粒颗丸支袋包滴杯勺匙次回遍天日周月年岁个小时分钟秒度摄氏公千厘米"
    "寸尺单位国际至到之点多余abcdefghijklmnopqrstuvwxyzμ"
)
"""Numbers are compared by what they say, not by their characters."""
_RUN = re.compile(f"[{_NUMBERS}][{_UNITS}]{{0,3}}(?:[{_NUMBERS}][{_UNITS}]{{0,3}})*")
_CIRCLED = (*range(0x2460, 0x249C), *range(0x24EA, 0x2500), *range(0x2776, 0x2794))
"""①, ⑴, ⒈, ❶: marks of lists."""


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


class _Edges(NamedTuple):
    """first, last: characters that a clause of a kind begins or ends with, of which it has both.
    heads, tails: the first and the last :data:`_EDGE` characters, where these are told."""

    first: frozenset[str]
    last: frozenset[str]
    heads: frozenset[str] = frozenset()
    tails: frozenset[str] = frozenset()


@lru_cache(maxsize=1)
def _stock_edges() -> _Edges:
    heads = _begun(_LINES, _EDGE)
    tails = {one[::-1] for one in _begun(_LINES, _EDGE, -1)}
    first, last = (frozenset(ends) for ends in ({h[0] for h in heads}, {t[-1] for t in tails}))
    return _Edges(first, last, frozenset(heads), frozenset(tails))


def stock_tails() -> frozenset[str]:
    """Return the last characters of what :func:`is_stock` is true of: three, or all of a shorter
    clause, of which two may stand one behind the other."""
    return _stock_edges().tails


@lru_cache(maxsize=1)
def _advice_edges() -> _Edges:
    words = _words()
    return _Edges(frozenset(w[0] for w in words), frozenset(w[-1] for w in words))


_STOCK, _EVERY_KIND = 1, 7
"""Bits of :func:`_ends_of_nothing`."""
_GREETED = 8
"""Characters of the longest clause that is a greeting by its end: 宝妈你好."""


def is_stock(clause: str) -> bool:
    """Tell whether a clause, folded, says nothing of the matter.

    >>> is_stock("很高兴为您解答"), is_stock("饭后服用")
    (True, False)
    """
    edges = _stock_edges()
    if clause[-1:] not in edges.last:  # so it is with two of three, and with four of five behind
        return False
    if clause.endswith(("您好", "你好")) and len(clause) <= _GREETED:
        return True
    return (
        clause[0] in edges.first
        and len(clause) <= MOST
        and not edges.heads.isdisjoint((clause[:3], clause[:2], clause[0]))
        and not edges.tails.isdisjoint((clause[-3:], clause[-2:], clause[-1]))
        and _is_stock(clause)
    )


@lru_cache(maxsize=1 << 14)
def _is_stock(clause: str) -> bool:
    return _pattern().fullmatch(clause) is not None


def is_advice(clause: str) -> bool:
    """Tell whether a clause, folded, is general advice: words that are said to any patient.

    >>> is_advice("平时注意休息"), is_advice("平时注意血压")
    (True, False)
    """
    edges = _advice_edges()
    return clause[-1:] in edges.last and clause[0] in edges.first and _is_advice(clause)


@lru_cache(maxsize=1 << 14)
def _is_advice(clause: str) -> bool:
    return bool(_ADVISES.search(clause)) and _advice().fullmatch(clause) is not None


def plain(text: Codepoints, least: int = 0) -> Codepoints:
    """Return texts folded (see :func:`fold`), without the clauses that say nothing and the marks
    of lists, and with one sign for each run of numbers and their units.

    least: of a text of which fewer characters are left, all letters and digits stay.
    """
    spaced = Codepoints(look_up(_spaced(), text.points), text.offsets)
    inside = spaced.points != ord(" ")
    begins, ends = _clauses(inside, text.offsets)
    gone = _that_say_nothing(spaced.points, begins, ends)
    keep = inside.copy()
    keep[ranges(begins[gone], (ends - begins)[gone])] = False
    left = _strings(select(spaced, keep))
    found = _RUN.sub("0", "\n".join(left)).split("\n") if left else []
    short = np.array([len(one) < least for one in found], bool)
    if short.any():
        letters = only(select(spaced, inside), short)
        for row, one in zip(np.flatnonzero(short).tolist(), _strings(letters), strict=True):
            found[row] = one
    ends = np.cumsum([0, *map(len, found)])
    return Codepoints(np.frombuffer("".join(found).encode("utf-32-le"), np.uint32), ends)


def _clauses(inside: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return int64[k] and int64[k]: where each run of ``inside`` (bool) begins and ends, of which
    none goes from one text to the next."""
    edges = np.zeros(len(inside) + 1, bool)
    np.not_equal(inside[1:], inside[:-1], out=edges[1:-1])
    edges[offsets] = True
    at = np.flatnonzero(edges)
    begins, ends = at[:-1], at[1:]
    right = inside[begins]
    return begins[right], ends[right]


def _that_say_nothing(points: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return int64: the numbers of the clauses that are stock, advice, or a number: this is the
    mark of a list, or part of a number, which counts for nothing."""
    return _among(points, begins, ends, _EVERY_KIND, _says_nothing)


def stock_among(points: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return int64: the numbers of the clauses, folded, that :func:`is_stock` is true of.

    points: uint32[k]; clause i is ``points[begins[i] : ends[i]]``.
    """
    return _among(points, begins, ends, _STOCK, _known_stock)


_known_stock = lru_cache(maxsize=1 << 14)(is_stock)


def _among(
    points: np.ndarray,
    begins: np.ndarray,
    ends: np.ndarray,
    kinds: int,
    says_nothing: Callable[[str], bool],
) -> np.ndarray:
    """Return int64: the numbers of the clauses of which ``says_nothing`` is true, which alone those
    of some ``kinds`` are."""
    heads, tails = _ends_of_nothing()
    sizes = ends - begins
    longer = sizes > 1
    first, last = points[begins], points[ends - 1]
    second, before = points[begins + longer], points[ends - 1 - longer]
    may = heads.of(first, second, longer) & tails.of(last, before, longer) & kinds > 0
    you = (before == ord("您")) | (before == ord("你"))
    may |= (last == ord("好")) & you & (sizes <= _GREETED)
    some = np.flatnonzero(may)
    text = points.tobytes().decode("utf-32-le")
    bounds = zip(begins[some].tolist(), ends[some].tolist(), strict=True)
    nothing = [says_nothing(text[begin:end]) for begin, end in bounds]
    found: np.ndarray = some[np.array(nothing, bool)]
    return found


@lru_cache(maxsize=1 << 14)
def _says_nothing(clause: str) -> bool:
    return clause.isnumeric() or is_stock(clause) or is_advice(clause)


class _Ends(NamedTuple):
    """What clauses that say nothing may begin with, or end with, a bit for each kind of them.

    one: uint8[0x110000], by the outermost character where it alone tells.
    two: uint8[65536], by :func:`_pair` of the outermost two.
    """

    one: np.ndarray
    two: np.ndarray

    def of(self, outer: np.ndarray, inner: np.ndarray, longer: np.ndarray) -> np.ndarray:
        """Return uint8[clauses]. longer: bool, of two characters or more."""
        found: np.ndarray = self.one[outer] | self.two[_pair(outer, inner)] * longer
        return found


def _pair(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Return uint32 below 65536: a hash of two characters."""
    found: np.ndarray = (outer * np.uint32(0x101) + inner) & np.uint32(0xFFFF)
    return found


def _strings(text: Codepoints) -> list[str]:
    whole = text.points.tobytes().decode("utf-32-le")
    return [whole[begin:end] for begin, end in pairwise(text.offsets.tolist())]


@lru_cache(maxsize=1)
def _ends_of_nothing() -> tuple[_Ends, _Ends]:
    """Return what a clause that says nothing may begin with, and end with."""
    stock, words = _stock_edges(), _words()
    numeric = [chr(point) for point in range(0x30000) if chr(point).isnumeric()]
    heads = (stock.heads, words, numeric)
    tails = (stock.tails, words, numeric)
    return _ends_of(heads), _ends_of([[one[::-1] for one in kind] for kind in tails])


def _ends_of(kinds: Iterable[Iterable[str]]) -> _Ends:
    """kinds: of each kind of clauses all beginnings."""
    ends = _Ends(np.zeros(0x110000, np.uint8), np.zeros(1 << 16, np.uint8))
    for number, beginnings in enumerate(kinds):
        for beginning in beginnings:
            outer, inner = beginning[0], beginning[1:2]
            if inner:
                pair = (ord(outer) * 0x101 + ord(inner)) & 0xFFFF  # as _pair has it
                ends.two[pair] |= 1 << number
            else:
                ends.one[ord(outer)] |= 1 << number
    return ends


@lru_cache(maxsize=1)
def _spaced() -> np.ndarray:
    """Return :func:`fold_table` with a blank for whatever is no letter or digit."""
    table = fold_table().copy()
    table[list(_CIRCLED)] = 0
    table[table == 0] = ord(" ")
    table.setflags(write=False)
    return table


@lru_cache(maxsize=1)
def without_numerals() -> np.ndarray:
    """Return :func:`fold_table` without numerals, whatever their script: uint32[0x110000]."""
    table = fold_table().copy()
    table[np.isin(table, [*map(ord, _NUMERALS)])] = 0
    table.setflags(write=False)
    return table


def warm() -> None:
    """Build the tables that this module keeps for the life of a process."""
    _pattern()
    _stock_edges()
    _advice()
    _advice_edges()
    without_numerals()
    _spaced()
    _ends_of_nothing()

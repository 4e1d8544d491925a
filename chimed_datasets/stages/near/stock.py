"""Clauses that say nothing of the matter: greetings, thanks, wishes, stock advice, headings.

A record that differs from another only by them is the same record. They are left out where records
are searched for near-duplicates (:func:`plain`), and where two are weighed against each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources

import numpy as np
import pyarrow as pa

from ...records import Codepoints, look_up
from ..text.grams import fold_table, ranges, select

MOST = 20
"""Characters of the longest stock clause that is looked for."""

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


def _lines(name: str) -> list[str]:
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


_LINES = [
    [["" if one == "-" else one for one in part.split("/")] for part in line.split(" ")]
    for line in _lines("stock.txt")
]


@lru_cache(maxsize=1)
def _advice() -> re.Pattern[str]:
    words = sorted(
        {w for line in _lines("advice.txt") for w in line.split()}, key=len, reverse=True
    )
    return re.compile(f"(?:{'|'.join(words)})+")


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    lines = (
        "".join(f"(?:{'|'.join(sorted(part, key=len, reverse=True))})" for part in line)
        for line in _LINES
    )
    return re.compile(f"(?:{'|'.join(lines)}){{1,2}}")


@lru_cache(maxsize=1 << 14)
def is_stock(clause: str) -> bool:
    """Tell whether a clause, folded, says nothing of the matter.

    >>> is_stock("很高兴为您解答"), is_stock("饭后服用")
    (True, False)
    """
    if clause.endswith(("您好", "你好")) and len(clause) <= 8:
        return True
    return len(clause) <= MOST and _pattern().fullmatch(clause) is not None


@lru_cache(maxsize=1 << 14)
def is_advice(clause: str) -> bool:
    """Tell whether a clause, folded, is general advice: words that are said to any patient.

    >>> is_advice("平时注意休息"), is_advice("平时注意血压")
    (True, False)
    """
    return bool(_ADVISES.search(clause)) and _advice().fullmatch(clause) is not None


_EDGE = 3
"""Characters at either end of a clause by which nearly all are ruled out."""
_SLOTS = 1 << 18


@lru_cache(maxsize=1)
def _edges() -> tuple[np.ndarray, np.ndarray]:
    """Return two bool[2 ** 18]: the slots of what stock clauses begin with, and end with."""
    tables = np.zeros((2, _SLOTS), bool)
    for line in _LINES:
        for table, parts, step in ((tables[0], line, 1), (tables[1], line[::-1], -1)):
            open_, done = {""}, set()
            for part in parts:
                longer = {head + word[::step] for head in open_ for word in part}
                done |= {one[:_EDGE] for one in longer if len(one) >= _EDGE}
                open_ = {one for one in longer if len(one) < _EDGE}
            for one in done | open_ - {""}:
                table[_slot([np.array(ord(sign), np.uint64) for sign in one])] = True
    return tables[0], tables[1]


def _slot(signs: Sequence[np.ndarray]) -> np.ndarray:
    """Return where a table has what begins (or ends) with these characters; 0 stands for none."""
    slot = np.zeros_like(signs[0])
    for sign in [*signs, *[np.zeros_like(signs[0])] * (_EDGE - len(signs))]:
        slot = (slot * np.uint64(0x9E3779B1) + sign) & np.uint64(0xFFFFFFFF)
    found: np.ndarray = (slot ^ slot >> np.uint64(15)) & np.uint64(_SLOTS - 1)
    return found


def warm() -> None:
    """Build the tables that this module keeps for the life of a process."""
    _pattern()
    _advice()
    _edges()
    _number_table()


def plain(text: Codepoints) -> Codepoints:
    """Return the texts as they are searched: folded (see :func:`fold`), without the clauses that
    are stock, and without numbers and their units."""
    points = look_up(fold_table(), text.points)
    starts, lengths = _clauses(points, text.offsets)
    begins, ends = _edges()
    some = np.flatnonzero(lengths <= MOST)
    for table, at, step in ((begins, starts, 1), (ends, starts + lengths - 1, -1)):
        signs = []
        for place in range(_EDGE):
            inside = lengths[some] > place
            where = np.where(inside, at[some] + step * place, 0)
            signs.append(np.where(inside, points[where], 0).astype(np.uint64))
        some = some[table[_slot(signs)]]
    starts, lengths = starts[some], lengths[some]
    data = points.astype("<u4", copy=False).view(np.uint8).data
    stock = np.array(
        [
            is_stock(str(data[4 * start : 4 * (start + length)], "utf-32-le"))
            for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
        ],
        bool,
    )
    first = np.zeros(len(points), bool)
    first[text.offsets[:-1][text.offsets[:-1] < len(points)]] = True
    units = _with_units(points, first)
    points = np.array(points)
    points[units] = 0
    points[ranges(starts[stock], lengths[stock])] = 0
    return select(Codepoints(points, text.offsets), points != 0)


def _with_units(points: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return bool of each point: a number, or one of the next characters that say of what.

    first: bool of each point, true where a text begins."""
    kinds = look_up(_number_table(), points)
    run: np.ndarray = kinds == 1
    unit = kinds == 2
    for _ in range(3):
        run[1:] |= unit[1:] & run[:-1] & ~first[1:]
    return run


@lru_cache(maxsize=1)
def _number_table() -> np.ndarray:
    """Return uint32[0x110000]: 1 for the characters of numbers, 2 for those of units."""
    table = np.zeros(0x110000, np.uint32)
    table[[ord(sign) for sign in _UNITS]] = 2
    table[[ord(sign) for sign in _NUMBERS]] = 1
    table.setflags(write=False)
    return table


_NO_LETTER = re.compile(r"[\W_]+")


def without_advice(texts: pa.StringArray) -> pa.StringArray:
    """Return texts without the clauses that are stock or advice: in plain Python, for a few."""
    return pa.array(
        [
            "\n".join(
                clause
                for clause in _NO_LETTER.split(text.lower())
                if not is_stock(clause) and not is_advice(clause)
            )
            for text in texts.to_pylist()
        ],
        pa.string(),
    )


def _clauses(points: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each run of letters and digits begins, and how long it is; none goes on from one
    text to the next. points: folded, 0 for all else."""
    word = points != 0
    if len(word) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    begins = word.copy()
    begins[1:] &= ~word[:-1]
    bounds = offsets[offsets < len(word)]
    begins[bounds] = word[bounds]
    ends = word.copy()
    ends[:-1] &= ~word[1:]
    bounds = offsets[offsets > 0] - 1
    ends[bounds] = word[bounds]
    starts = np.flatnonzero(begins)
    return starts, np.flatnonzero(ends) + 1 - starts

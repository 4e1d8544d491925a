"""What folded texts say, clause by clause, many texts at once; stock clauses are left out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from .signs import Neighbours, text_of
from .stock import stock_among

ENDS = "。!?;\n"
"""They end a sentence."""
_COUNTS = r"\d一二两三四五六七八九十百"
_NEARS = (
    # what cuts: no letter or digit, and none of the signs that stand within a clause
    ("", r"^\w\s%‰\^<>=°℃□", ""),
    ("", ENDS, ""),
    ("", "_", ""),
    # but not within a number
    (r"\d", ",.:", r"\d"),
    (rf"第{_COUNTS}", "、", _COUNTS),
    (rf"{_COUNTS}%‰°a-z天日周月年岁片粒丸袋支次分度克升米", r"\-~/*+", _COUNTS),
    # particles and blanks
    ("", " 的得了呢吧啊呀吗哦嘛么着请您你", ""),
    # letters and digits
    ("", r"^\W_", ""),
)
_END, _CUTS, _JOINS, _LIGHT, _LETTER = 0b10, 0b111, 0b111000, 1 << 6, 1 << 7


class _Sentences(NamedTuple):
    """The sentences of several texts.

    whole: what they say, end to end.
    cuts:  where each clause begins in it, and the end.
    first: the number of the first clause of each, and one more.
    """

    whole: str
    cuts: list[int]
    first: list[int]


class Read:
    """What a text says.

    said:   each sentence that says something: its letters and digits, and the signs within
            numbers, without particles.
    behind: the sign behind the first clause; "" where the text ends there.
    """

    def __init__(self, said: list[str], behind: str, every: _Sentences, begin: int) -> None:
        """begin: which of ``every`` is the first one."""
        self.said, self.behind = said, behind
        self._every, self._begin = every, begin

    def clauses(self, begin: int, end: int) -> list[str]:
        """Return the clauses of the sentences from one number to another."""
        whole, cuts, first = self._every
        first_one, last = first[self._begin + begin], first[self._begin + end]
        return [whole[i:j] for i, j in pairwise(cuts[first_one : last + 1])]

    def ends(self, begin: int, end: int) -> list[int]:
        """Return how many clauses are in one sentence, in two, ..., of those from one number to
        another."""
        first = self._every.first
        before = first[self._begin + begin]
        return [at - before for at in first[self._begin + begin + 1 : self._begin + end + 1]]


@lru_cache(maxsize=1)
def _neighbours() -> Neighbours:
    return Neighbours(_NEARS)


def read(texts: Sequence[str]) -> list[Read]:
    """Return what folded texts say.

    >>> [one] = read(["您好,一日3次,饭后服。多喝水"])
    >>> one.said, one.clauses(0, 2), one.ends(0, 2), one.behind
    (['一日3次饭后服', '多喝水'], ['一日3次', '饭后服', '多喝水'], [2, 3], ',')
    """
    points, offsets, found = _neighbours().of(texts)
    bits = found.astype(np.uint8)
    cut = (bits & _CUTS > 0) & (bits & _JOINS == 0)
    cuts, number = np.flatnonzero(cut), np.cumsum(cut, dtype=np.int32)
    kept = np.flatnonzero(~cut & (bits & _LIGHT == 0))
    clause = number[kept]  # of each character how many signs cut before it
    new = _new(clause)
    clauses, sizes = clause[new], np.diff(new, append=len(kept))
    stay = ~_stock(points, np.flatnonzero(~cut & (bits & _LETTER > 0)), number, clauses)
    clauses = clauses[stay]
    ended = np.concatenate([[0], np.cumsum(bits[cuts] & _END > 0)])
    first = _new(ended[clauses])
    # Of each text the first sentence, and the sign behind its first clause.
    rows = np.searchsorted(kept[new[stay][first]], offsets)
    behind = _behind(points, np.append(cuts, 0)[clauses[first]], rows, offsets)
    whole = text_of(points[kept[np.repeat(stay, sizes)]])
    at, first = np.cumsum(np.append(0, sizes[stay])), np.append(first, len(clauses))
    every = _Sentences(whole, at.tolist(), first.tolist())
    said = [whole[begin:end] for begin, end in pairwise(at[first].tolist())]
    return [
        Read(said[begin:end], sign, every, begin)
        for (begin, end), sign in zip(pairwise(rows.tolist()), behind, strict=True)
    ]


def _new(numbers: np.ndarray) -> np.ndarray:
    """Return int64: where ascending numbers become others, the first one included."""
    return np.flatnonzero(np.append(True, numbers[1:] != numbers[:-1])[: len(numbers)])


def _stock(
    points: np.ndarray, letters: np.ndarray, number: np.ndarray, clauses: np.ndarray
) -> np.ndarray:
    """Return bool: which of the clauses are stock, by their letters and digits.

    letters: int64, where these stand; number: int32, the number of the clause at each point.
    """
    sizes = np.bincount(number[letters], minlength=int(number[-1]) + 1 if len(number) else 0)
    ends = np.cumsum(sizes)
    some = np.flatnonzero(sizes[clauses])  # the others have signs alone: %
    ends, sizes = ends[clauses[some]], sizes[clauses[some]]
    found = np.zeros(len(clauses), bool)
    found[some[stock_among(points[letters], ends - sizes, ends)]] = True
    return found


def _behind(
    points: np.ndarray, cuts: np.ndarray, rows: np.ndarray, offsets: np.ndarray
) -> list[str]:
    """Return of each text the sign behind its first clause, "" where the text ends there.

    cuts: int64, where the sign behind the first clause of each sentence is; rows: int64, the number
    of the first sentence of each text, and one more.
    """
    some = rows[:-1] < rows[1:]
    at = cuts[rows[:-1][some]]
    signs = np.zeros(len(some), np.uint32)
    signs[some] = np.where(at == offsets[1:][some] - 1, 0, points[at])
    return [chr(sign) if sign else "" for sign in signs.tolist()]

"""What folded texts say, clause by clause, many texts at once; stock clauses are left out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from ...records import Codepoints
from .signs import Neighbours, strings
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


class Read:
    """What a text says.

    said:   each sentence that says something: its letters and digits, and the signs within
            numbers, without particles.
    behind: the sign behind the first clause; "" where the text ends there.
    """

    def __init__(self, whole: str, cuts: list[int], bounds: list[int], behind: str) -> None:
        """whole: the clauses of all texts, of which number i begins at ``cuts[i]``; sentence i of
        this one has those from number ``bounds[i]`` to ``bounds[i + 1]``."""
        self._whole, self._cuts, self._bounds = whole, cuts, bounds
        self.said = [whole[cuts[begin] : cuts[end]] for begin, end in pairwise(bounds)]
        self.behind = behind

    def sentences(self, begin: int, end: int) -> list[list[str]]:
        """Return the clauses of each sentence from one number to another."""
        return [
            [self._whole[i:j] for i, j in pairwise(self._cuts[first : last + 1])]
            for first, last in pairwise(self._bounds[begin : end + 1])
        ]


@lru_cache(maxsize=1)
def _neighbours() -> Neighbours:
    return Neighbours(_NEARS)


def read(texts: Sequence[str]) -> list[Read]:
    """Return what folded texts say.

    >>> [one] = read(["您好,一日3次,饭后服。多喝水"])
    >>> one.said, one.sentences(0, 1), one.behind
    (['一日3次饭后服', '多喝水'], [['一日3次', '饭后服']], ',')
    """
    points, offsets, bits = _neighbours().of(texts)
    cut = (bits & _CUTS > 0) & (bits & _JOINS == 0)
    number = np.cumsum(cut)  # of the clause that each character is in
    kept = np.flatnonzero(~cut & (bits & _LIGHT == 0))
    clause = number[kept]
    new = np.flatnonzero(np.diff(clause, prepend=-1))
    sizes = np.diff(new, append=len(kept))
    begins = kept[new]
    stay = ~_stock(points, np.flatnonzero((bits & _LETTER > 0) & ~cut), number, clause[new])
    whole = points[kept[np.repeat(stay, sizes)]]
    cuts = np.concatenate([[0], np.cumsum(sizes[stay])])
    begins = begins[stay]
    sentence = np.cumsum(bits & _END > 0)[begins]
    first = np.flatnonzero(np.diff(sentence, prepend=-1))  # the first clause of each sentence
    # Of each text the first sentence, and the first clause.
    rows = np.searchsorted(begins[first], offsets)
    behind = _behind(points, np.flatnonzero(cut), number, begins[first], rows, offsets)
    (text,) = strings(Codepoints(whole, np.array([0, len(whole)])))
    every, bounds = cuts.tolist(), [*first.tolist(), len(begins)]
    return [
        Read(text, every, bounds[begin : end + 1] if begin < end else [], sign)
        for (begin, end), sign in zip(pairwise(rows.tolist()), behind, strict=True)
    ]


def _stock(
    points: np.ndarray, letters: np.ndarray, number: np.ndarray, clauses: np.ndarray
) -> np.ndarray:
    """Return bool: which of the clauses are stock, by their letters and digits.

    letters: int64, where these stand; number: int64, the number of the clause at each point.
    """
    of = number[letters]
    begins, ends = (np.searchsorted(of, clauses, side) for side in ("left", "right"))
    some = np.flatnonzero(begins < ends)  # the others have signs alone: %
    found = np.zeros(len(clauses), bool)
    found[some[stock_among(points[letters], begins[some], ends[some])]] = True
    return found


def _behind(
    points: np.ndarray,
    cuts: np.ndarray,
    number: np.ndarray,
    sentences: np.ndarray,
    rows: np.ndarray,
    offsets: np.ndarray,
) -> list[str]:
    """Return of each text the sign behind its first clause, "" where the text ends there.

    cuts, sentences: int64, where a sign cuts, and where sentences begin, of which ``rows[i]`` is
    the first one of text i.
    """
    some = rows[:-1] < rows[1:]
    at = cuts[number[sentences[rows[:-1][some]]]]
    signs = np.zeros(len(some), np.uint32)
    signs[some] = np.where(at == offsets[1:][some] - 1, 0, points[at])
    return [chr(sign) if sign else "" for sign in signs.tolist()]

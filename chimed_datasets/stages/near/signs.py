"""Which characters stand beside each other, in many texts at once: by NumPy, over their points."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from ...loops import compiled
from ...records import Codepoints, look_up

Near = tuple[str, str, str]
"""Classes of characters, each as within the brackets of a pattern, "" for any: of one before, of
the character itself, and of one behind it."""
_MOST = 31
_KNOWN = 1 << _MOST


def points_of(texts: Sequence[str]) -> Codepoints:
    """Return the code points of texts."""
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    return Codepoints(points, np.array([0, *accumulate(map(len, texts))], np.int64))


def text_of(points: np.ndarray) -> str:
    """Return the text of code points (uint32)."""
    return points.tobytes().decode("utf-32-le", "surrogatepass")


def strings(text: Codepoints) -> list[str]:
    """Return the texts of code points."""
    whole = text_of(text.points)
    return [whole[begin:end] for begin, end in pairwise(text.offsets.tolist())]


class Found(NamedTuple):
    """What stands beside what in some texts.

    points:  uint32[k], the code points of all texts, a line end behind each.
    offsets: int64[m + 1]; text i is ``points[offsets[i] : offsets[i + 1] - 1]``.
    bits:    uint32[k], of each point which of some neighbourhoods it stands in.
    """

    points: np.ndarray
    offsets: np.ndarray
    bits: np.ndarray


class Neighbours:
    """Up to 31 neighbourhoods, each a :data:`Near`, that are looked for in one go."""

    def __init__(self, nears: Sequence[Near]) -> None:
        if len(nears) > _MOST:
            raise ValueError(f"{len(nears)} neighbourhoods, of {_MOST} at most")
        self._classes = [
            [re.compile(f"[{one}]") if one else None for one in place]
            for place in zip(*nears, strict=True)
        ]
        # Of each place the bits of a character, worked out when it is first met.
        self._tables = [np.zeros(0x110000, np.uint32) for _ in self._classes]

    def of(self, texts: Sequence[str]) -> Found:
        """Return which neighbourhoods the characters of texts stand in, by their numbers. Line
        ends stand before and behind each text."""
        points, _ = points_of(["\n", "\n".join(texts), "\n\n"])
        offsets = np.array([0, *accumulate(len(text) + 1 for text in texts)], np.int64)
        bits = self._beside(points)
        while bits is None:
            self._learn(points)
            bits = self._beside(points)
        return Found(points[1:-1][: offsets[-1]], offsets, bits[: offsets[-1]] ^ np.uint32(_KNOWN))

    def _beside(self, points: np.ndarray) -> np.ndarray | None:
        """Return uint32: the bits of each point but the first and the last. None where one of the
        points is not known."""
        if loops := compiled():
            return loops.beside(points, *self._tables)
        before, at, behind = (look_up(table, points) for table in self._tables)
        return before[:-2] & at[1:-1] & behind[2:] if at.all() else None

    def _learn(self, points: np.ndarray) -> None:
        met = np.zeros(int(points.max()) + 1, bool)
        met[points] = True
        new = np.flatnonzero(met & (self._tables[0][: len(met)] == 0))
        text = text_of(new.astype(np.uint32))
        for classes, table in zip(self._classes, self._tables, strict=True):
            told = np.full(len(new), _KNOWN, np.uint32)
            for number, one in enumerate(classes):
                found = [match.start() for match in one.finditer(text)] if one else slice(None)
                told[found] |= np.uint32(1 << number)
            table[new] = told

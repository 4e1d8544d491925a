"""Texts as they are compared with items: letters and digits alone, in simplified characters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pyarrow as pa

from ...records import codepoints
from ..text.grams import fold, fold_table

SURE = 20
"""So many characters in common do not come about by chance."""
_LATIN_WORTH = 0.25


@lru_cache(maxsize=1)
def simplifying_table() -> np.ndarray:
    """Return the fold table with each traditional character on its simplified one: made once in a
    process, and not to be written to.

    Character by character, on both sides, unlike the stage `simplify`: what phrase tables and
    protected terms make of a text cannot hide an item.
    """
    from opencc import OpenCC

    table = fold_table().copy()
    points = np.array([*range(0x3400, 0xA000), *range(0xF900, 0xFB00), *range(0x20000, 0x2FA20)])
    simple = OpenCC("t2s").convert("\n".join(map(chr, points))).split("\n")
    table[points] = table[[ord(char[0]) for char in simple]]
    return table


def fold_all(texts: Sequence[str], table: np.ndarray) -> list[str]:
    points, offsets = fold(codepoints(pa.array(texts, pa.string())), table)
    whole = points.tobytes().decode("utf-32-le")
    return [whole[a:b] for a, b in pairwise(offsets)]


def simplified(points: np.ndarray, table: np.ndarray) -> str:
    """Return a text with each character in its simplified form, and all else as it is."""
    folded = np.take(table, points)
    return string_of(np.where((points >= 0x3400) & (folded > 0), folded, points).astype(np.uint32))


def string_of(points: np.ndarray) -> str:
    return points.tobytes().decode("utf-32-le")


def points_of(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def total(text: str) -> float:
    return float(worth_of(text).sum())


def worth_of(text: str) -> np.ndarray:
    return np.where(points_of(text) < 0x80, _LATIN_WORTH, 1.0)

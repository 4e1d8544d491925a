"""Rows that are like each other are built apart, so that each pair is judged by itself."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

from .judge import Labelled

_NGRAM = 5
_LIKE = 0.25
"""Two rows are alike from this share of the n-grams of the smaller one."""


def apart(rows: Sequence[Labelled]) -> list[list[int]]:
    """Part rows, given by their numbers, so that no two of a part are alike."""
    grams = [_grams(row) for row in rows]
    having: dict[str, list[int]] = defaultdict(list)
    for number, mine in enumerate(grams):
        for gram in mine:
            having[gram].append(number)
    shared: list[Counter[int]] = [Counter() for _ in rows]
    for numbers in having.values():
        for number in numbers:
            shared[number].update(numbers)
    parts: list[list[int]] = []
    for number, counts in enumerate(shared):
        alike = {
            other
            for other, count in counts.items()
            if other != number and count > _LIKE * min(len(grams[number]), len(grams[other]))
        }
        free = next((part for part in parts if alike.isdisjoint(part)), None)
        if free is None:
            parts.append(free := [])
        free.append(number)
    return parts


def _grams(row: Labelled) -> set[str]:
    """Return the n-grams of the letters and digits of each record of a row."""
    found: set[str] = set()
    for record in row.records:
        text = unicodedata.normalize("NFKC", "".join(map(str, record.values()))).casefold()
        text = "".join(filter(str.isalnum, text))
        found.update(text[at : at + _NGRAM] for at in range(len(text) - _NGRAM + 1))
    return found

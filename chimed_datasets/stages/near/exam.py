"""Whether two exam items that are near are one item: their stems and options, part by part.

Items of one case, or with the same choices (A3, B1), share most of their text and are different
items. So two are one only where their stems are one but for phrases of exams (下列, 哪项),
and where one has all the options of the other, whatever their order.
"""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher

import pyarrow as pa

from ...records import PARTED, codepoints, from_codepoints
from ..text.grams import fold
from .weigh import Difference, difference

_STOCK = re.compile(
    "下列|以下|下面|上述|哪一?[项种个类些]|哪|何者|各项|选项|的|是|为|有|应|可|该|本|此|患者|病人|请问|题|中|属于|关于|有关"
    "|最可能|一[项种个]|什么"
)
_SLIP_CHARS = 40
"""Of a stem with as many letters one may be another, of one twice as long two."""
_ALIKE, _LEAST = 0.8, 5
"""Options of as many letters that are so much alike, and differ in nothing of weight, are one."""


def items_apart(one: str, other: str) -> Difference | None:
    """Return what two items differ in; None where they are one. Both as :func:`.exam_texts` gives
    them.

    >>> options = "\\n\\x1f\\n麻黄汤\\n白虎汤"
    >>> items_apart("治太阳病的方是" + options, "治少阴病的方是" + options).told()
    'differs in stem (太阳 / 少阴)'
    """
    left, mine = _parts(one)
    right, theirs = _parts(other)
    return _stems(left, right) or _options(mine, theirs) or difference(one, other)


def is_item(text: str) -> bool:
    """Whether a compared text is that of an exam item."""
    return f"\n{PARTED}\n" in text


def _parts(text: str) -> tuple[str, list[str]]:
    stem, _, options = text.partition(f"\n{PARTED}\n")
    return stem, options.split("\n")


def _letters(texts: list[str]) -> list[str]:
    found: list[str] = from_codepoints(fold(codepoints(pa.array(texts, pa.string())))).to_pylist()
    return found


def _stems(one: str, other: str) -> Difference | None:
    left, right = _letters([one, other])
    if left == right:
        return None
    slips = min(len(left), len(right)) // _SLIP_CHARS
    first = None
    for tag, i, j, k, m in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        mine, theirs = _STOCK.sub("", left[i:j]), _STOCK.sub("", right[k:m])
        if tag == "equal" or mine == theirs:
            continue
        first = first or Difference("stem", left[i:j], right[k:m])
        slips -= max(len(mine), len(theirs))
    return first if slips < 0 else None


def _options(mine: list[str], theirs: list[str]) -> Difference | None:
    left, right = Counter(_letters(mine)), Counter(_letters(theirs))
    only, others = list((left - right).elements()), list((right - left).elements())
    for text in list(only):
        same = next((o for o in others if _one_option(text, o)), None)
        if same is not None:
            only.remove(text)
            others.remove(same)
    if only and others:
        return Difference("options", only[0], others[0])
    return None


def _one_option(one: str, other: str) -> bool:
    if min(len(one), len(other)) < _LEAST:
        return False
    alike = SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE
    return alike and difference(one, other) is None

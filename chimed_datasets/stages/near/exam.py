"""Whether two exam items that are near are one item: their stems, options and keys, part by part.

Items of one case, or with the same choices (A3, B1), share most of their text and are different
items. So two are one only where their stems are one but for phrases of exams (下列, 哪项),
and where one has all the options of the other, whatever their order. One item with two keys is two:
nobody knows which of them is right.
"""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from typing import NamedTuple

import pyarrow as pa

from ...records import PARTED, RIGHT, codepoints, from_codepoints
from ..text.grams import fold
from .weigh import Asking, Difference, difference

_STOCK = re.compile(
    "下列|以下|下面|上述|哪一?[项种个类些]|哪|何者|各项|选项|的|是|为|有|应|可|该|本|此|患者|病人|请问|题|中|属于|关于|有关"
    "|最可能|一[项种个]|什么"
)
_SLIP_CHARS = 40
"""Of a stem with as many letters one may be another, of one twice as long two."""
_ALIKE, _LEAST = 0.8, 5
"""Options of as many letters that are so much alike, and differ in nothing of weight, are one."""


def items_apart(one: str, other: str) -> Asking[Difference | None]:
    """Ask what the texts of two items differ in, where no stem and no option does; return what the
    items differ in, None where they are one. Both as :func:`.exam_texts` gives them.

    >>> options = "\\n\\x1f\\n白虎汤\\n麻黄汤\\n\\x1f\\n□■"
    >>> asking = items_apart("治太阳病的方是" + options, "治太阳病 的方是" + options)
    >>> next(asking)[1]
    '治太阳病 的方是\\n\\x1f\\n白虎汤\\n麻黄汤'
    """
    left, right = _parts(one), _parts(other)
    if apart := _stems(left.stem, right.stem) or _options(left.options, right.options):
        return apart
    found = yield left.text, right.text, False
    return found or _keys(left, right)


def is_item(text: str) -> bool:
    """Whether a compared text is that of an exam item."""
    return f"\n{PARTED}\n" in text


class _Item(NamedTuple):
    """A compared text, without its key; its stem, options, and those options that are right."""

    text: str
    stem: str
    options: list[str]
    right: list[str]


def _parts(text: str) -> _Item:
    whole, _, key = text.rpartition(f"\n{PARTED}\n")
    stem, _, options = whole.partition(f"\n{PARTED}\n")
    every = options.split("\n")
    right = [option for option, mark in zip(every, key, strict=False) if mark == RIGHT]
    return _Item(whole, stem, every, right)


def _keys(one: _Item, other: _Item) -> Difference | None:
    """Return what two keys of one item differ in: a contradiction. An item whose right option the
    other one has not is another item."""
    if not one.right or not other.right:
        return None
    only, others = _unlike(one.right, other.right)
    if not only and not others:
        return None
    unknown = _unlike(only, other.options)[0] or _unlike(others, one.options)[0]
    said = (only or [""])[0], (others or [""])[0]
    return Difference("options" if unknown else "answer", *said)


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
    only, others = _unlike(mine, theirs)
    return Difference("options", only[0], others[0]) if only and others else None


def _unlike(mine: list[str], theirs: list[str]) -> tuple[list[str], list[str]]:
    """Return the options that only one side has, as letters and digits."""
    left, right = Counter(_letters(mine)), Counter(_letters(theirs))
    only, others = list((left - right).elements()), list((right - left).elements())
    for text in list(only):
        same = next((o for o in others if _one_option(text, o)), None)
        if same is not None:
            only.remove(text)
            others.remove(same)
    return only, others


def _one_option(one: str, other: str) -> bool:
    if min(len(one), len(other)) < _LEAST:
        return False
    alike = SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE
    return alike and difference(one, other) is None

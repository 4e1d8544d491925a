"""Texts that are cut from the beginning and the end of another."""

from __future__ import annotations

import re
from collections.abc import Sequence

DATE = "{date}"
"""Stands for any date, with or without a time of day."""
_DATE = r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?\s{0,3}(?:\d{1,2}[:：]\d{2}(?:[:：]\d{2})?)?"
_BEGINS = re.compile(_DATE)
_ENDS = re.compile(rf"{_DATE}\Z")
_LONGEST = 32


def stripped(text: str, ends: Sequence[str]) -> str:
    """Return ``text`` without ``ends``, each cut once, in their order, from either side.

    >>> stripped("答：多喝水。2015-03-0112:30:15", ["答：", "{date}"])
    '多喝水。'
    """
    text = text.strip()
    for end in ends:
        if end != DATE:
            text = text.removeprefix(end).removesuffix(end).strip()
            continue
        if begins := _BEGINS.match(text):
            text = text[begins.end() :].strip()
        tail = max(0, len(text) - _LONGEST)
        if ended := _ENDS.search(text, tail):
            text = text[: ended.start()].strip()
    return text

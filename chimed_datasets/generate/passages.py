"""Cut a long text where it may be cut: at line ends and sentence ends."""

from __future__ import annotations

import re
from typing import NamedTuple

_END = re.compile(r"[。！？!?；;][”’」』）)]*|\n")


class Passage(NamedTuple):
    """A piece of a text: ``text`` is ``whole[start:end]`` without blanks round it."""

    start: int
    end: int
    text: str


def passages(whole: str, most: int) -> list[Passage]:
    """Cut ``whole`` into pieces of at most ``most`` characters and about equal length.

    A cut is made at the last sentence or line end that fits, and in the middle of a sentence only
    where that is longer than a piece may be. Nothing but blanks is lost between pieces.
    """
    pieces = []
    start, size = 0, len(whole)
    while start < size:
        left = size - start
        # So many pieces are needed; aim at their mean, so that the last is no crumb.
        aim = -(-left // -(-left // most))
        end = start + aim if left > aim else size
        if end < size:
            stop = min(size, start + most)
            ends = [m.end() for m in _END.finditer(whole, start, stop)]
            before = [e for e in ends if e <= end]
            after = [e for e in ends if e > end]
            nearest = [*before[-1:], *after[:1]]
            end = min(nearest, key=lambda e: abs(e - end), default=end)
        text = whole[start:end]
        if bare := text.strip():
            lead = len(text) - len(text.lstrip())
            pieces.append(Passage(start + lead, start + lead + len(bare), bare))
        start = end
    return pieces


def spread(pieces: list[Passage], most: int | None) -> list[Passage]:
    """Return at most ``most`` of ``pieces``, evenly over the whole."""
    if most is None or len(pieces) <= most:
        return pieces
    return [pieces[i * len(pieces) // most] for i in range(most)]

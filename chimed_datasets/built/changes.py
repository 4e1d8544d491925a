"""What differs between two states of a record, and within a text."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

Texts = Sequence[tuple[str, str]]
"""The texts of a record: (place, text)."""


@dataclass(frozen=True)
class Change:
    """A text that a stage changed; None where it was not there before, or is not there after."""

    place: str
    before: str | None
    after: str | None


def changes(before: Texts, after: Texts) -> Iterator[Change]:
    """Yield what differs between two states of a record."""
    if len(before) == len(after):
        for (place, old), (_, new) in zip(before, after, strict=True):
            if old != new:
                yield Change(place, old, new)
        return
    for op, a, b, c, d in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        if op == "equal":
            continue
        gone, come = before[a:b], after[c:d]
        for (place, old), (_, new) in zip(gone, come, strict=False):
            yield Change(place, old, new)
        yield from (Change(place, old, None) for place, old in gone[len(come) :])
        yield from (Change(place, None, new) for place, new in come[len(gone) :])


# --- within a text ---------------------------------------------------------------------------

MOST_COMPARED = 2_000
"""Pieces of more characters are marked as a whole: to compare them sign by sign takes long."""
NEAR = 24
"""Characters that are shown on each side of a change."""


@dataclass(frozen=True)
class Piece:
    """A piece of a text. sign: "=" where it stayed, "-" where it went, "+" where it came, "*" where
    two texts share it, "…" in place of what is not shown."""

    sign: str
    text: str


def marked(before: str | None, after: str | None, near: int = NEAR) -> list[Piece]:
    """Return a text with what changed in it; of what stayed only what is near a change.

    >>> marked("太陽病，發熱。", "太阳病，发热。")[:3]
    [Piece(sign='=', text='太'), Piece(sign='-', text='陽'), Piece(sign='+', text='阳')]
    """
    return _near(list(_pieces(before or "", after or "")), near)


SHARED_CHARS = 6
"""Characters in a row that count as shared by two texts."""


def shared(text: str, other: str, near: int = NEAR) -> list[Piece]:
    """Return a text with the pieces marked that stand in another one, too; of the rest only what is
    near them.

    >>> shared("问：发烧能吃鸡蛋吗？", "发烧能吃鸡蛋吗")[:2]
    [Piece(sign='=', text='问：'), Piece(sign='*', text='发烧能吃鸡蛋吗')]
    """
    size = min(SHARED_CHARS, max(len(other), 1))
    known = {other[at : at + size] for at in range(len(other) - size + 1)}
    held = bytearray(len(text))
    for at in range(len(text) - size + 1):
        if text[at : at + size] in known:
            held[at : at + size] = b"\1" * size
    pieces = [
        Piece("*" if is_shared else "=", "".join(sign for sign, _ in run))
        for is_shared, run in groupby(zip(text, held, strict=True), key=itemgetter(1))
    ]
    return _near(pieces, near)


def _near(pieces: Sequence[Piece], near: int) -> list[Piece]:
    """Return the pieces, of long ones that are not marked only the ends beside marked ones."""
    out: list[Piece] = []
    for at, piece in enumerate(pieces):
        if piece.sign != "=" or len(piece.text) <= 2 * near + 10:
            out.append(piece)
            continue
        first, last = at == 0, at == len(pieces) - 1
        if not first:
            out.append(Piece("=", piece.text[:near]))
        out.append(Piece("…", "…"))
        if not last:
            out.append(Piece("=", piece.text[-near:]))
    return out


def _pieces(before: str, after: str) -> Iterator[Piece]:
    for op, old, new in _opcodes(before.splitlines(True), after.splitlines(True)):
        old_text, new_text = "".join(old), "".join(new)
        if op == "equal":
            yield Piece("=", old_text)
        elif op == "replace" and max(len(old_text), len(new_text)) <= MOST_COMPARED:
            for kind, a, b in _opcodes(old_text, new_text):
                if kind == "equal":
                    yield Piece("=", "".join(a))
                    continue
                yield from (Piece(s, "".join(t)) for s, t in (("-", a), ("+", b)) if t)
        else:
            yield from (Piece(s, t) for s, t in (("-", old_text), ("+", new_text)) if t)


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, Any, Any]]:
    for op, a, b, c, d in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        yield op, old[a:b], new[c:d]

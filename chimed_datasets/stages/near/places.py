"""Where two texts differ, as difflib's SequenceMatcher tells it, in a quarter of its time.

Near-duplicates are short pieces that differ in a few characters, each compared once: then the
search for the longest common piece is quicker by ``in``, which C does, than by an index.
"""

from __future__ import annotations

from collections.abc import Sequence

Place = tuple[int, int, int, int]
"""i, j, k, m: a[i:j] stands in place of b[k:m]; one of the two may be empty."""


def places(a: str, b: str) -> list[Place]:
    """Return where two texts differ, in order: what ``SequenceMatcher(None, a, b, autojunk=False)``
    gives as opcodes other than "equal".

    >>> places("each 5 ml", "each 15 ml")
    [(5, 5, 5, 6)]
    """
    found: list[Place] = []
    todo = [(0, len(a), 0, len(b))]
    while todo:
        i, j, k, m = todo.pop()
        one, other = a[i:j], b[k:m]
        if one == other:
            continue
        start, size = _longest(one, other)
        if not size:
            found.append((i, j, k, m))
            continue
        behind = other.find(one[start : start + size])
        # The last one in is taken first: what stands to the left.
        todo.append((i + start + size, j, k + behind + size, m))
        todo.append((i, i + start, k, k + behind))
    return found


def places_of(a: Sequence[str], b: Sequence[str]) -> list[Place]:
    """Return where two sequences of texts differ; see :func:`places`."""
    sign = {text: chr(number) for number, text in enumerate(set(a).intersection(b), 2)}
    one = "".join([sign.get(text, "\0") for text in a])
    return places(one, "".join([sign.get(text, "\1") for text in b]))


def in_common(a: str, b: str, at_the_end: bool = False) -> int:
    """Return how many characters two texts begin, or end, with in common."""
    least, most = 0, min(len(a), len(b))
    while least < most:
        size = (least + most + 1) // 2
        if (a[-size:] == b[-size:]) if at_the_end else (a[:size] == b[:size]):
            least = size
        else:
            most = size - 1
    return least


def _longest(a: str, b: str) -> tuple[int, int]:
    """Return where the longest piece of a that stands in b begins, the first of several, and its
    length."""
    if not a or not b:
        return 0, 0
    # It is no shorter than what they begin and end with in common. From there on a window goes
    # through a: it grows where it is found, and is shifted where it is not.
    size = max(in_common(a, b), in_common(a, b, at_the_end=True), 1) - 1
    start = at = 0
    for end in range(size + 1, len(a) + 1):
        if a[at:end] in b:
            start = at
        else:
            at += 1
    return start, len(a) - at

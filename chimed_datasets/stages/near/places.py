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
        head, tail = _around(one, other)
        if head + tail and _is_plain(one, other, head, tail):
            found.append((i + head, j - tail, k + head, m - tail))
            continue
        start, size = _longest(one, other, max(head, tail))
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
    if at_the_end:
        x, y = len(a), len(b)
        while least < most:
            size = (least + most + 1) // 2
            if a[x - size : x - least] == b[y - size : y - least]:
                least = size
            else:
                most = size - 1
        return least
    while least < most:
        size = (least + most + 1) // 2
        if a[least:size] == b[least:size]:
            least = size
        else:
            most = size - 1
    return least


def _around(a: str, b: str) -> tuple[int, int]:
    """Return how many characters two texts, which are not equal, begin with in common, and how
    many of what is left they end with."""
    head = in_common(a, b)
    return head, in_common(a[head:], b[head:], at_the_end=True)


def _is_plain(a: str, b: str, head: int, tail: int) -> bool:
    """Tell whether two texts differ in one place, between their common head and tail: no piece of
    either that stands there is found elsewhere, so that none is longer than the head and the tail.
    """
    one, other = a[head : len(a) - tail], b[head : len(b) - tail]
    if any(sign in b for sign in one) or any(sign in a for sign in other):
        return False
    # The tail is the longest piece, but it may stand in the other one's head and tail as well.
    return tail <= head or (a.find(a[len(a) - tail :]), b.find(b[len(b) - tail :])) == (
        len(a) - tail,
        len(b) - tail,
    )


def _longest(a: str, b: str, known: int) -> tuple[int, int]:
    """Return where the longest piece of a that stands in b begins, the first of several, and its
    length. known: it has as many characters at least."""
    if not a or not b:
        return 0, 0
    # From there on a window goes through a: it grows where it is found, and is shifted where not.
    size = max(known, 1) - 1
    start = at = 0
    for end in range(size + 1, len(a) + 1):
        if a[at:end] in b:
            start = at
        else:
            at += 1
    return start, len(a) - at

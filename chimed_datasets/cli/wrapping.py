"""Where a line may be broken: at blanks, and beside any Chinese character.

Widths are those of a terminal ("cells"): a Chinese character takes two columns.
"""

from __future__ import annotations

from rich.cells import cell_len

_NOT_FIRST = "，。、；：！？…）】》〉」』”’％,.;:!?)]}%"
"""What does not begin a line."""
_NOT_LAST = "（【《〈「『“‘([{"
"""What does not end one."""


def breaks(text: str, columns: int) -> list[int]:
    """Return where a line must be broken to fit in so many columns; a word that is longer is broken
    within.

    >>> breaks("发热，头痛三天", 6)
    [3, 6]
    """
    out: list[int] = []
    start = last = used = 0
    for at, char in enumerate(text):
        if at > start and _may_break(text[at - 1], char):
            last = at
        wide = cell_len(char)
        if used + wide > columns and char != " " and at > start:
            start = last = last if last > start else at
            out.append(start)
            used = cell_len(text[start:at])
        used += wide
    return out


def wrapped(text: str, columns: int) -> list[str]:
    """Return the lines of a text, each in so many columns; one that is broken goes on below its own
    beginning.

    >>> wrapped("  out: 27 of 30", 10)
    ['  out: 27', '  of 30']
    """
    out = []
    for line in text.split("\n"):
        body = line.lstrip(" ")
        indent = line[: len(line) - len(body)]
        ends = breaks(body, max(columns - len(indent), 1))
        pieces = [body[a:b] for a, b in zip([0, *ends], [*ends, None], strict=True)]
        out += [f"{indent}{piece.rstrip(' ')}" for piece in pieces]
    return out


def _may_break(before: str, after: str) -> bool:
    if before == " ":
        return after != " "
    if after == " " or before in _NOT_LAST or after in _NOT_FIRST:
        return False
    wide = [cell_len(char) == 2 for char in (before, after)]
    if not any(wide):
        return False
    # Signs of ASCII stay with what they belong to: 5%, [+新+].
    return (wide[0] or before.isalnum()) and (wide[1] or after.isalnum() or after in _NOT_LAST)

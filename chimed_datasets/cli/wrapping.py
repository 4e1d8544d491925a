"""Where a line may be broken: at blanks, and beside any Chinese character.

Widths are those of a terminal ("cells"): a Chinese character takes two columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.containers import Lines
from rich.text import Text

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
    start = last = pulled = used = 0
    for at, char in enumerate(text):
        if at > start and _may_break(text[at - 1], char):
            if _belongs(text[at - 2 : at], char):
                pulled = at
            else:
                last = at
        wide = cell_len(char)
        if used + wide > columns and char != " " and at > start:
            # A word that is longer than a line is broken within, before a sign that begins none.
            fits = char in _NOT_FIRST and cell_len(text[at - 1]) + wide <= columns
            within = at - 1 if fits else at
            start = last = next(end for end in (last, pulled, within, at) if end > start)
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


def broken(text: Text, columns: int) -> Iterator[Text]:
    """Yield a text in lines of so many columns."""
    for line in text.split("\n", allow_blank=True):
        for part in line.divide(breaks(line.plain, columns)):
            part.rstrip()
            yield part


class Folded(Text):
    """A text that a screen breaks where it may be broken; rich breaks Chinese anywhere."""

    __slots__ = ()

    @classmethod
    def of(cls, text: Text) -> Text:
        """Return the same text as one of these."""
        return cls.assemble(
            text, justify=text.justify, overflow=text.overflow, no_wrap=text.no_wrap, end=text.end
        )

    def wrap(self, console: Console, width: int, **given: Any) -> Lines:
        if given.get("no_wrap") or self.no_wrap or not console.is_terminal:
            return super().wrap(console, width, **given)
        lines = Lines(broken(self, width))
        lines.justify(console, width, given.get("justify") or self.justify or "default", "fold")
        return lines


class Screen(Console):
    """A console that breaks the texts in its tables in the same places as all others."""

    def render_str(self, text: str, **given: Any) -> Text:
        return Folded.of(super().render_str(text, **given))


def _belongs(head: str, after: str) -> bool:
    """Whether a word of which ``after`` is the first sign stays with the one before it, as in
    "read 3" and "25 %". head: the two signs before it, the last of them mostly a blank."""
    return head.endswith(" ") and (after == "%" or (after.isdigit() and head[0].isalpha()))


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

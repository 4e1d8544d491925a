"""Lines of prose that were broken at a fixed width, joined again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

LONG_LINE = 28
"""From this many characters on a line is taken for prose; verses and lists are shorter."""
LEFT_OVER = 4
"""So many characters behind a full line are no paragraph's end where lines were broken twice."""
STOPS = "。！？!?.”」』…"
_NEW = re.compile(
    r"[【○●◎\u3000]|又方|一方|按[∶：]|[（(][一二三四五六七八九十\d]+[）)]|[一二三四五六七八九十]+、"
)
_WORD = re.compile(r"[a-z]{2}[A-Za-z][a-z]")


def width_of(lines: Iterable[str]) -> int:
    """Return the width that prose is broken at: the most frequent length of long lines, or 0."""
    lengths = Counter(map(len, lines))
    long = (n for n in lengths if n >= LONG_LINE)
    return max(long, key=lambda n: (lengths[n], n), default=0)


def is_wrapped(lines: Iterable[str]) -> bool:
    """Whether nearly all long lines end where one width would end them.

    Paragraphs that stand on one line each have any length.
    """
    lengths = [len(line) for line in lines if len(line) >= LONG_LINE]
    width = width_of(" " * n for n in lengths)
    near = sum(width - 3 <= n <= width + 2 for n in lengths)
    return len(lengths) >= 3 and near >= 0.6 * len(lengths)


def join_lines(text: str, width: int) -> str:
    """Join the lines of ``text`` (no blanks at their ends) that were broken at ``width``.

    A line goes on in the next one where it is full, or where it ends inside a sentence and is not
    short from its beginning (a heading, a list of drugs). Texts without punctuation have only
    their width to go by; where they were broken twice, at a larger width before, a few characters
    are left over behind a full line, and the text goes on behind those. Blank lines part
    paragraphs and are left out. A ``width`` of 0 joins nothing.
    """
    punctuated = sum(map(text.count, "，。,.、；")) * 60 > len(text)
    joined: list[str] = []
    # size: the length of ``last``; before: that of the line that ``last`` goes on from
    last, size, parts, before = "", 0, 0, 0
    for line in text.split("\n"):
        if not line:
            last = ""
            continue
        if not last or not width:
            goes_on = False
        elif last[-1] in STOPS:
            goes_on = size >= width - 1 and not _NEW.match(line)
        elif size >= width - 4:  # 上 and 右 say what to do with the drugs listed before
            goes_on = line[0] not in "【\u3000" and not (line[0] in "上右" and last[-1] in "）〕")
        elif last[-1] in "∶：:" or _NEW.match(line):
            goes_on = False
        elif not punctuated:
            left_over = size <= LEFT_OVER and before >= width - 4
            goes_on = left_over and len(line) >= width - 4 and line[0] not in "上右"
        elif last[-1] in "，、；,;":
            goes_on = True
        else:  # a list has a blank every few characters
            goes_on = (parts > 1 or size >= LONG_LINE) and last.count(" ") * 12 < size
        if not goes_on:
            joined.append("\n")
        elif "a" <= last[-1] <= "z" and _WORD.match(last[-2:] + line[:2]):
            joined.append(" ")
        joined.append(line)
        before = size if goes_on else 0
        last, size, parts = line, len(line), parts + 1 if goes_on else 1
    return "".join(joined).lstrip("\n")

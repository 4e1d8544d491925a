"""Columns of tables that are written as text: with bars, tabs or commas."""

from __future__ import annotations

import re
from collections.abc import Iterator

_RULE = re.compile(r"[ |:\-+─│]+")
_SIGNS = "|│\t,，"
_MAX_CELLS = 40


def columns(
    text: str, head: re.Pattern[str], words: tuple[str, ...]
) -> Iterator[list[tuple[int, int]]]:
    """Yield, for each column of a table whose first line names it as ``head`` does, where its
    cells stand. A table is lines with as many bars, tabs or commas each.

    words: one of them stands in all that ``head`` matches.
    """
    if "\n" not in text or not any(map(text.__contains__, words)):
        return
    lines, at = [], 0
    for line in text.split("\n"):
        lines.append((at, line))
        at += len(line) + 1
    row = 0
    while row + 1 < len(lines):
        offset, line = lines[row]
        row += 1
        if not any(map(line.__contains__, words)):
            continue
        sign = next((s for s in _SIGNS if s in line), None)
        if sign is None or not head.search(line) or line.count(sign) > _MAX_CELLS:
            continue
        cells = _cells(offset, line, sign)
        named = [i for i, (start, end) in enumerate(cells) if head.fullmatch(text, start, end)]
        below: list[list[tuple[int, int]]] = []
        while named and row < len(lines) and lines[row][1].count(sign) == len(cells) - 1:
            offset, line = lines[row]
            row += 1
            if not _RULE.fullmatch(line):
                below.append(_cells(offset, line, sign))
        for index in named:
            yield [cells[index] for cells in below]


def _cells(offset: int, line: str, sign: str) -> list[tuple[int, int]]:
    found = []
    for cell in line.split(sign):
        inner = cell.strip()
        start = offset + len(cell) - len(cell.lstrip())
        found.append((start, start + len(inner)))
        offset += len(cell) + 1
    return found

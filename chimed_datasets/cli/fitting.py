"""Tables and texts in the columns that a terminal has: nothing is cut, no figure is broken.

A Chinese character takes two columns; widths here are those of a terminal ("cells").
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rich.cells import cell_len

from .console import out
from .wrapping import broken

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

LEAST_NAME = 24
"""Columns that a name needs, where it is longer: such names are broken, figures never."""
LEAST_TEXT = 24
"""The same of the last name of a table without figures, which is a sentence."""
NOTHING = ("", "·")
PIPED_WIDTH = 200
"""Columns of a line where there is no screen."""


def width() -> int:
    """Return the columns of a line: the screen's; of a pipe what COLUMNS says, or many."""
    return out.width if out.is_terminal or os.environ.get("COLUMNS") else PIPED_WIDTH


def cut_to(text: str, columns: int) -> str:
    """Return the beginning of a text that fits in so many columns, with "…" where it is cut. A
    Chinese character takes two.

    >>> cut_to("发热头痛三天", 7)
    '发热头…'
    """
    if cell_len(text) <= columns:
        return text
    used, end = 1, 0  # the "…"
    while end < len(text) and used + cell_len(text[end]) <= columns:
        used += cell_len(text[end])
        end += 1
    return text[:end] + "…"


def padded(text: str, columns: int) -> str:
    """Return a text with blanks behind it, in so many columns; a longer one as it is.

    >>> padded("原因", 6) + "|"
    '原因  |'
    """
    return text + " " * (columns - cell_len(text))


def print_table(table: Table) -> None:
    """Print a table where it fits, else the values of each row beside their names."""
    if fits(table, width()):
        out.print(table, width=width())
        return
    from rich.text import Text

    if table.title:
        out.print(Text.assemble((str(table.title), "italic")))
    for line in lines_of(table, width()):
        out.print(line, soft_wrap=True)
    if table.show_edge:  # which is a blank line below a table, too
        out.print()


def fits(table: Table, columns: int) -> bool:
    """Whether a table has room for its figures, and enough for its names."""
    cells = [_cells(column.header, *column.cells) for column in table.columns]
    needed = (len(cells) + table.show_edge) * 2  # the blanks between them
    for number, (column, texts) in enumerate(zip(table.columns, cells, strict=True)):
        longest = max(
            (cell_len(line) for text in texts for line in text.plain.splitlines()), default=0
        )
        if column.justify != "right" and not column.no_wrap:
            last = number == len(cells) - 1 and number > 0
            longest = min(longest, LEAST_TEXT if last else LEAST_NAME)
        needed += longest
    return needed <= columns


def lines_of(table: Table, columns: int) -> Iterator[Text]:
    """Yield the rows of a table as "name: value" in so many columns; what is nothing is left out.

    The name of a row stands over its values.
    """
    from rich.text import Text

    heads = [_cells(column.header)[0].plain for column in table.columns]
    figures = [column.justify == "right" for column in table.columns]
    names = figures.index(True) if any(figures) else 1
    for row in zip(*(_cells(*column.cells) for column in table.columns), strict=True):
        title = "  ".join(cell.plain for cell in row[:names] if cell.plain)
        yield from broken(Text(title, "bold"), columns)
        pairs = [
            f"{head}: {' '.join(cell.plain.split())}"
            for head, cell in zip(heads[names:], row[names:], strict=True)
            if cell.plain not in NOTHING
        ]
        for line in joined(pairs, columns - 2):
            yield from (Text("  ") + part for part in broken(Text(line), columns - 2))


def print_beside(head: Text, text: Text) -> None:
    """Print a text beside its head, in the columns that are left; in a pipe it is not broken."""
    from rich.text import Text

    if not out.is_terminal and not os.environ.get("COLUMNS"):
        out.print(head + text, soft_wrap=True)
        return
    blank = Text(" " * head.cell_len)
    for number, part in enumerate(broken(text, max(out.width - head.cell_len, 12))):
        out.print((blank if number else head) + part, soft_wrap=True)


def print_list(rows: Iterable[tuple[str, str, str]]) -> None:
    """Print (name, text, style) as a list, each text beside its name."""
    from rich.text import Text

    given = list(rows)
    longest = max((cell_len(name) for name, __, ___ in given), default=0)
    for name, text, style in given:
        print_beside(Text(f"  {padded(name, longest)}  "), Text(text, style))


def joined(parts: Iterable[str], columns: int) -> Iterator[str]:
    """Yield parts side by side, two blanks between them, in lines of so many columns. A longer part
    has its own line.

    >>> list(joined(["in: 27", "out: 24", "lost: 3"], 16))
    ['in: 27  out: 24', 'lost: 3']
    """
    line = ""
    for part in parts:
        if line and cell_len(line) + 2 + cell_len(part) > columns:
            yield line
            line = ""
        line = f"{line}  {part}" if line else part
    if line:
        yield line


def _cells(*given: object) -> list[Text]:
    from rich.text import Text

    return [one if isinstance(one, Text) else Text.from_markup(str(one)) for one in given]

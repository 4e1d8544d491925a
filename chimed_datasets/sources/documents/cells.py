"""A sheet as its readers hand it on: rows of shown texts, what is hidden, what is merged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_COLUMNS = 16_384
MAX_MERGES = 1_000_000


class Row(NamedTuple):
    """number: from 1, as a person counts. cells: column (from 0) -> text, those that show one."""

    number: int
    cells: dict[int, str]
    hidden: bool


class Merge(NamedTuple):
    """Cells that are one: rows from 1, columns from 0, both ends within."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass
class Sheet:
    """A sheet of a workbook.

    hidden:      whether it is.
    read:        yields its rows; sets the rest on the way, before the first row.
    hidden_columns: columns that are.
    merges:      cells that are one.
    rows_hidden: whether rows are hidden that do not say otherwise.
    """

    name: str
    hidden: bool
    read: Callable[[Sheet], Iterator[Row]]
    hidden_columns: set[int] = field(default_factory=set)
    merges: list[Merge] = field(default_factory=list)
    rows_hidden: bool = False

    def hide(self, first: int, last: int) -> None:
        self.hidden_columns.update(range(max(first, 0), min(last, MAX_COLUMNS) + 1))

    def rows(self) -> Iterator[Row]:
        return self.read(self)


def column_of(letters: str) -> int:
    """Return the column (from 0) of its letters.

    >>> column_of("A"), column_of("AA")
    (0, 26)
    """
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def letters_of(column: int) -> str:
    """Return the letters of a column (from 0)."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters

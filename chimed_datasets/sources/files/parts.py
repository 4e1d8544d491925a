"""A part of a large file: a range of its bytes that is read by itself, beside the others.

What is read of a file must not depend on where it is cut. So each part is first read through, for
what its rows are called and how many they are (:class:`Tally`); then it is known with what each
part begins (:class:`Before`). A file that might be read in another way as a whole is not cut.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import xxhash

PART_BYTES = 16 * 1024 * 1024
"""A part has about so many bytes."""
LEAST_BYTES = 32 * 1024 * 1024
"""A file of no more bytes than this is not cut."""
_NUMBERED = re.compile(r"~\d{1,20}\Z", re.A)


def hash_of(name: str) -> int:
    """Return 64 bits of a row's name."""
    return xxhash.xxh3_64_intdigest(name.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class Before:
    """What stands in a file before one of its parts.

    line:    the number of the part's first line, from 1.
    ordinal: the rows before it.
    plain:   the ordinals below this were given out as keys before the first row with an id.
    named:   whether a row before it has an id.
    taken:   hash of a name that comes again in the part -> the last number that it was given.
    """

    line: int = 1
    ordinal: int = 0
    plain: int = 0
    named: bool = False
    taken: Mapping[int, int] = field(default_factory=dict, repr=False)


NOTHING_BEFORE = Before()


@dataclass
class Tally:
    """What the rows of a part are called. Ordinals are counted from the part's first row.

    rows, lines: how many there are; a line ends with its line end.
    first:       the ordinal of the first row with an id, -1 where there is none.
    plain:       int64, the ordinals of the rows without an id.
    named:       uint64, the hashes of the ids, in the order of their rows.
    numbered:    whether an id ends as one that came again: ``~2``.
    unfolded:    the bytes that the rows of Parquet stand for.
    unsure:      the part may be read in another way as a part of the whole file.
    """

    rows: int = 0
    lines: int = 0
    first: int = -1
    plain: Any = field(default_factory=lambda: array("q"))
    named: Any = field(default_factory=lambda: array("Q"))
    numbered: bool = False
    unfolded: int = 0
    unsure: bool = False

    def add(self, ordinal: int, name: str) -> None:
        """Add a row; ``name`` is "" where it has no id."""
        if not name:
            self.plain.append(ordinal)
            return
        if self.first < 0:
            self.first = ordinal
        self.named.append(hash_of(name))
        self.numbered = self.numbered or ("~" in name and bool(_NUMBERED.search(name)))


@dataclass(frozen=True)
class Part:
    """Bytes ``start`` to ``end`` of a file: whole lines, or rows; of Parquet whole row groups.

    number:   its place among the parts.
    encoding: of the file, as its first bytes tell it.
    tally:    what its rows are noted in, which are then not read any further.
    """

    number: int
    start: int
    end: int
    encoding: str = "utf-8"
    before: Before = NOTHING_BEFORE
    tally: Tally | None = None

    @property
    def size(self) -> int:
        return self.end - self.start

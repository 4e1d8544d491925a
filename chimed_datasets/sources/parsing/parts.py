"""Where a large file is cut into parts that are read side by side.

What is read depends neither on where the cuts are nor on how many there are; a file of which that
is not sure stays whole. Cut are plain files of UTF-8 on this machine; a compressed one is unfolded
before, see :mod:`..files.unfolding`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import BinaryIO

import numpy as np

from ..documents.workbooks import SUFFIXES as WORKBOOKS
from ..files import parts
from ..files.encodings import beginning, detect
from ..files.opening import BUFFER, SourceFile, wanted
from ..files.parts import Before, Part, Tally, hash_of
from .names import HELD
from .paths import LOOK_AHEAD

MAX_ROWS = 1 << 25
"""A file of more rows than this is not cut: the hashes of their names are held."""
MAX_SHARED = 200_000
"""So many names may come again in another part."""
_STEP = 64 * 1024
_LINE_END, _QUOTE = b'\n"'


def line_parts(file: SourceFile) -> list[Part]:
    """Return the parts of a file of lines, cut at line ends; none where it is not cut."""
    return _parts(file, _line_starts)


def table_parts(file: SourceFile) -> list[Part]:
    """Return the parts of a CSV file, cut where its rows end if quotes only stand around fields;
    none where it is not cut."""
    return [] if wanted(file.name, WORKBOOKS) else _parts(file, _row_starts)


def _parts(file: SourceFile, starts: Callable[[BinaryIO, int], Iterator[int]]) -> list[Part]:
    size = os.path.getsize(file.unfolded) if file.unfolded else file.size
    if size <= parts.LEAST_BYTES or file.is_away or file.part is not None:
        return []
    begun = file.begun()
    with begun.stream as stream:
        if begun.compression or begun.look is not None or not stream.seekable():
            return []
        head = stream.read(BUFFER)
        encoding = detect(beginning(head))
        if b"\n" not in head or encoding not in ("utf-8", "utf-8-sig"):
            return []
        places = [0, *(at for at in starts(stream, size) if at < size), size]
    cut = [Part(n, start, end, encoding) for n, (start, end) in enumerate(pairwise(places))]
    return cut if len(cut) > 1 else []


def _line_starts(stream: BinaryIO, size: int) -> Iterator[int]:
    """Yield where lines begin, at each multiple of PART_BYTES or after it, each place once."""
    at = 0
    for target in range(parts.PART_BYTES, size, parts.PART_BYTES):
        if target > at:
            at = _behind_line_end(stream, target - 1)
            yield at


def _row_starts(stream: BinaryIO, size: int) -> Iterator[int]:
    """Yield where lines begin before which there is an even number of quotes, at each multiple of
    PART_BYTES or after it, each place once."""
    at = quotes = 0
    target = parts.PART_BYTES
    stream.seek(0)
    while target < size and (block := stream.read(BUFFER)):
        data = np.frombuffer(block, np.uint8)
        if at + len(block) >= target:
            ends = np.flatnonzero(data == _LINE_END)
            before = np.searchsorted(np.flatnonzero(data == _QUOTE), ends)
            starts = at + ends[(quotes + before) % 2 == 0] + 1
            while len(starts := starts[starts >= target]):
                yield int(starts[0])
                target = (int(starts[0]) // parts.PART_BYTES + 1) * parts.PART_BYTES
        quotes += int(np.count_nonzero(data == _QUOTE))
        at += len(block)


def _behind_line_end(stream: BinaryIO, at: int) -> int:
    stream.seek(at)
    while block := stream.read(_STEP):
        if (end := block.find(b"\n")) >= 0:
            return at + end + 1
        at += len(block)
    return at


# --- what stands before each part --------------------------------------------------------------


def placed(cut: Sequence[Part], tallies: Sequence[Tally]) -> list[Part]:
    """Return the parts of a file with what stands before each of them; none where the file is
    to be read as a whole. tallies: of each part."""
    rows = sum(tally.rows for tally in tallies)
    if rows > MAX_ROWS or any(tally.unsure or tally.rows >= HELD for tally in tallies):
        return []
    names: list[np.ndarray] = []
    befores: list[Before] = []
    line, ordinal, plain, named = 1, 0, 0, False
    for tally in tallies:
        befores.append(Before(line, ordinal, plain, named))
        without = np.asarray(tally.plain, np.int64)
        late = without if named else without[without > tally.first]
        if not named and len(before := without[: len(without) - len(late)]):
            plain = ordinal + int(before[-1]) + 1
        if not named and tally.first < 0:
            late = without[:0]
            plain = ordinal + int(without[-1]) + 1 if len(without) else plain
        own = [hash_of(str(ordinal + one)) for one in late.tolist()]
        names.append(np.concatenate([tally.named, np.array(own, np.uint64)]).astype(np.uint64))
        named = named or tally.first >= 0
        line, ordinal = line + tally.lines, ordinal + tally.rows
    taken = _taken(names, plain, any(tally.numbered for tally in tallies))
    if taken is None:
        return []
    whole = [
        replace(part, before=replace(before, taken=own))
        for part, before, own in zip(cut, befores, taken, strict=True)
    ]
    return _with_a_beginning(whole, [tally.rows for tally in tallies])


def _taken(names: Sequence[np.ndarray], plain: int, numbered: bool) -> list[dict[int, int]] | None:
    """Return for each part which of its names were given before it, and how often; None where that
    cannot be told. names: of each part the hashes. plain, numbered: see Before and Tally."""
    counted = [np.unique(one, return_counts=True) for one in names]
    every = np.concatenate([one for one, _ in counted])
    count = np.concatenate([many for _, many in counted])
    owner = np.repeat(np.arange(len(names)), [len(one) for one, _ in counted])
    order = np.argsort(every, kind="stable")
    every, count, owner = every[order], count[order], owner[order]
    again = np.zeros(len(every), bool)
    again[1:] = every[1:] == every[:-1]
    if numbered and (again.any() or (count > 1).any()):  # a~2 may be an id, or the second a
        return None
    shared = int(again.sum())
    if shared > MAX_SHARED or (shared and plain):  # an ordinal given before has taken its name
        return None
    taken: list[dict[int, int]] = [{} for _ in names]
    so_far = 0
    for at in np.flatnonzero(again).tolist():
        name = int(every[at])
        if not again[at - 1]:
            so_far = 0
        so_far += int(count[at - 1])
        taken[owner[at]][name] = so_far
    return taken


def _with_a_beginning(cut: list[Part], rows: Sequence[int]) -> list[Part]:
    """Return the parts, the first with so many rows that its columns can be looked for there."""
    reached = np.cumsum(rows)
    first = int(np.searchsorted(reached, LOOK_AHEAD)) + 1  # parts that are put together
    if first >= len(cut):
        return []
    whole = [replace(cut[0], end=cut[first - 1].end), *cut[first:]]
    return [replace(part, number=number) for number, part in enumerate(whole)]

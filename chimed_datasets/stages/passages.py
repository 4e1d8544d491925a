"""Passages: a line that stands at the ends of many documents of a source and speaks of the page.

A disclaimer, a footer or a notice of a site comes with every document that was taken from it. A
model learns it by heart. Such a passage is cut from all documents of its source; what is cut is
counted, with an example.

A passage is one of the first three or the last six lines of a document. Two are the same where
their letters and digits are: white space, width and punctuation do not count. It is cut where it
stands in enough documents of one source and is a notice: it names the site, its rights, its
liability or how to reach it, and holds no dose, no prohibition and no warning. Many documents alone
are no reason: in medicine what is repeated is mostly content (【用法用量】, 水煎服。,
对本品过敏者禁用。).

Documents are counted before duplicates go, and near-duplicates are searched for in the text before
the cut. Only documents are cut; answers and dialogues are not. With ``clean`` most notices at the
end go before (``page_lines``), however many documents have them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
import xxhash
from pydantic import Field

from ..records import Batch, Codepoints
from .text.grams import fold, ranges

FIRST, LAST = 3, 6
"""So many lines at the head and at the foot of a document may be passages. How many documents have
a line is known only when all were read, so that hashes of these are kept beside the records and
counted in `building/decide`; of all lines they would be too many."""
MOST = 500
"""Letters and digits of the longest line that may go; it has at most as many other signs."""
_NEWLINE = ord("\n")
HASHES = np.dtype([("row", np.uint32), ("hash", np.uint64)])
"""A line that may go: which document it stands in, and what it is known by."""


class Lines(NamedTuple):
    """Lines of documents that may go, in order.

    row:        int64[k], the document.
    start, end: int64[k], where the line stands in the document's text, in code points.
    hash:       uint64[k], over its letters and digits.
    """

    row: np.ndarray
    start: np.ndarray
    end: np.ndarray
    hash: np.ndarray


@dataclass(frozen=True)
class Passages:
    """Cut notices of a site that stand at the ends of many documents; see the module.

    documents: so many documents of a source must have a line among their first or last ones.
    share:     and so large a share of the source's documents.
    chars:     letters and digits that the line must have; over 500 it stays.

    A document of which less is left than ``filter`` asks for (``min_document_chars``) goes to the
    ledger.
    """

    name: ClassVar[str] = "passages"

    documents: Annotated[int, Field(ge=2)] = 20
    share: Annotated[float, Field(ge=0, le=1)] = 0.001
    chars: Annotated[int, Field(ge=1, le=MOST)] = 10

    def least(self, documents: int) -> int:
        """Return how many of a source's ``documents`` must have a line that is cut.

        >>> Passages().least(1_000), Passages().least(100_000)
        (20, 100)
        """
        # Rounded, or 0.001 of 1000 would be a little more than 1.
        return max(self.documents, math.ceil(round(self.share * documents, 6)))

    def hashes(self, batch: Batch) -> np.ndarray:
        """Return :data:`HASHES` of the lines that may go, one for each document and line; none
        where the batch holds no documents."""
        if batch.kind != "document":
            return np.zeros(0, HASHES)
        found = self.lines(batch.compared)
        made = np.zeros(len(found.row), HASHES)
        order = np.lexsort((found.hash, found.row))
        made["row"], made["hash"] = found.row[order], found.hash[order]
        # NumPy compares structures a hundred times as slowly as numbers.
        again = (np.diff(found.row[order]) == 0) & (np.diff(found.hash[order]) == 0)
        first = np.concatenate([np.ones(min(len(made), 1), bool), ~again])
        kept: np.ndarray = made[first]
        return kept

    def lines(self, texts: Codepoints) -> Lines:
        """Return the lines of documents' ``texts`` that may go."""
        points, offsets = texts
        breaks = np.flatnonzero(points == _NEWLINE)
        # A line begins at a text's start and behind a break; the breaks of a text lie within it.
        of_break = np.searchsorted(offsets, breaks, "right") - 1
        full = np.flatnonzero(np.diff(offsets))
        # Where a text ends with a break its last, empty line comes before the next text's first.
        starts = np.concatenate([breaks + 1, offsets[full]])
        ends = np.concatenate([breaks, offsets[full + 1]])
        row = np.concatenate([of_break, full])
        order = np.argsort(starts, kind="stable")
        starts, row = starts[order], row[order]
        ends.sort()
        written = np.flatnonzero(ends > starts)
        starts, ends, row = starts[written], ends[written], row[written]
        of_row = np.bincount(row, minlength=1)
        behind = np.cumsum(of_row)
        number = np.arange(len(row))
        at_end = (number < (behind - of_row + FIRST)[row]) | (number >= (behind - LAST)[row])
        size = ends - starts
        may = np.flatnonzero(at_end & (size >= self.chars) & (size <= 2 * MOST))
        starts, ends, row, size = starts[may], ends[may], row[may], size[may]
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(size)])
        folded = fold(Codepoints(points[ranges(starts, size)], bounds))
        letters = np.diff(folded.offsets)
        fit = np.flatnonzero((letters >= self.chars) & (letters <= MOST))
        data = folded.points.view(np.uint8).data
        hashes = [
            xxhash.xxh3_64_intdigest(data[4 * start : 4 * end])
            for start, end in zip(
                folded.offsets[fit].tolist(), folded.offsets[fit + 1].tolist(), strict=True
            )
        ]
        row = row[fit]
        head = offsets[row]
        return Lines(row, starts[fit] - head, ends[fit] - head, np.array(hashes, np.uint64))


def without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return ``text`` without the lines at ``spans`` (ascending), and without the line breaks that
    they leave at its ends.

    >>> without("本站公告\\n甲\\n乙\\n版权所有", [(0, 4), (9, 13)])
    '甲\\n乙'
    """
    left = "".join(_between(text, spans))
    return left.strip("\n") if spans else text


def _between(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[str]:
    at = 0
    for start, end in spans:
        yield text[at : max(at, start - 1)] if start else ""  # the break before it goes with it
        at = end
    yield text[at:]

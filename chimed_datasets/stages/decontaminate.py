"""Decontaminate: records that hold items of a benchmark are dropped.

Both sides are compared by letters and digits alone, in simplified characters. Hashes find where
a record and an item share an n-gram, the characters themselves confirm it, and then the item as
a whole is judged: one shared n-gram is most often common medical prose.

Of 400 items drawn from the 2,450 of CMMLU's and C-Eval's medical subjects all are found with their
options or with their right answer, and 98 % where the stem alone is asked, whatever its script,
width, number or punctuation; in the midst of prose 68 % of the stems are, those of 40 characters
all. With 3 % of the characters mistyped 83 % of whole items are found, with 8 % 48 %. None of
172,402 real texts (question-answer pairs of patients and LLMs, dialogues, encyclopedia entries,
classics) is dropped. docs/reference/decontaminate.md has the figures by disguise and by length.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from ..records import Batch, Codepoints, TextField, ledger
from .leaks.compared import fold_all, simplifying_table
from .leaks.grams import Grams
from .leaks.items import (
    ANCHOR,
    BenchmarkItem,
    Entry,
    Reach,
    anchor_places,
    entries_of,
    gram_places,
    reached,
)
from .leaks.judge import by_short_stem, judge
from .leaks.record import Record
from .text.grams import fold

_TINY_PART = 16
"""A question that is a stem shorter than an anchor has so many characters, signs included."""


@dataclass(frozen=True)
class Decontaminate:
    """A record is dropped when it holds an item of a benchmark; see :func:`.leaks.judge.judge`.

    ``ngram`` is the shortest run of characters that counts as shared (Brown et al. 2020, "Language
    Models are Few-Shot Learners", appendix C, has 13 words; here it is characters).
    ``coverage`` is the share of a stem's own characters (stock phrases aside) that must be found.
    """

    name: ClassVar[str] = "decontaminate"

    ngram: Annotated[int, Field(ge=5, le=64)] = 13
    coverage: Annotated[float, Field(gt=0, le=1)] = 0.5

    def against(self, index: Index) -> Against:
        """Return the stage proper: it takes a batch and drops what ``index`` holds."""
        return Against(index)


@dataclass(frozen=True)
class Index:
    """All items of all benchmarks, ready to be looked up. Pickles to a few megabytes."""

    settings: Decontaminate
    table: np.ndarray
    entries: tuple[Entry, ...]
    grams: Grams
    anchors: Grams
    tiny: Mapping[str, tuple[int, ...]]
    """Stems shorter than an anchor: the entries that have them."""

    @classmethod
    def build(cls, items: Mapping[str, Sequence[BenchmarkItem]], settings: Decontaminate) -> Index:
        """Index the items of each benchmark by name."""
        table = simplifying_table()
        entries = entries_of(items, table)
        tiny: dict[str, list[int]] = defaultdict(list)
        for number, entry in enumerate(entries):
            if entry.subject and 0 < len(entry.stem) < ANCHOR:
                tiny[entry.stem].append(number)
        return cls(
            settings,
            table,
            tuple(entries),
            Grams.of(settings.ngram, gram_places(entries, settings.ngram)),
            Grams.of(ANCHOR, *anchor_places(entries, settings.ngram)),
            {stem: tuple(numbers) for stem, numbers in tiny.items()},
        )

    def reach(self) -> dict[str, Reach]:
        """Return how the items of each benchmark can be found."""
        n = self.settings.ngram
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for entry in self.entries:
            found[entry.benchmark][reached(entry, n)] += 1
        return {name: Reach(of["whole"], of["never"]) for name, of in found.items()}


@dataclass(frozen=True)
class Against:
    """The stage with its index."""

    index: Index
    name: ClassVar[str] = Decontaminate.name

    def __call__(self, batch: Batch) -> ledger.Result:
        refused: dict[int, tuple[str, str]] = {}
        matches: list[ledger.Match] = []
        for row, entry, rule, passage in _leaks(batch, self.index):
            name = batch.table["id"][row].as_py()
            matches.append(ledger.Match(entry.benchmark, entry.key, name, ledger.shorten(passage)))
            refused.setdefault(row, (rule, f"{entry.benchmark} {entry.key}: {passage}"))
        return ledger.part(batch, self.name, refused)._replace(matches=matches)


def _leaks(batch: Batch, index: Index) -> list[tuple[int, Entry, str, str]]:
    """Return (row, entry, rule, the record's passage) for each item that a record holds, by row."""
    folded = fold(batch.searched, index.table)
    found = list(_by_grams(batch, folded, index))
    known = {(row, id(entry)) for row, entry, *_ in found}
    for row, stem in _tiny_questions(batch, index):
        record = _record(batch, folded, row, index.table)
        for entry in (index.entries[number] for number in index.tiny[stem]):
            leak = by_short_stem(entry, record, record.asked(stem), index.settings)
            if leak and (row, id(entry)) not in known:
                rule, start, end = leak
                found.append((row, entry, rule, record.original(start, end)))
    return sorted(found, key=lambda leak: leak[0])


def _by_grams(
    batch: Batch, folded: Codepoints, index: Index
) -> Iterator[tuple[int, Entry, str, str]]:
    found = []
    for grams in (index.grams, index.anchors):
        at, place = grams.find(folded)
        row = np.searchsorted(folded.offsets, at, "right") - 1
        where = at - folded.offsets[row]
        found.append((row, grams.entry[place], grams.part[place], grams.offset[place], where))
    row, entry, part, offset, at = (np.concatenate(column) for column in zip(*found, strict=True))
    # All that one record shares with one item stands together, part by part, as in the record.
    order = np.lexsort((at, part, entry, row))
    row, entry, part, offset, at = (c[order] for c in (row, entry, part, offset, at))
    cuts = np.flatnonzero((np.diff(row) != 0) | (np.diff(entry) != 0)) + 1
    last, record = -1, None
    for pair in np.split(np.arange(len(row)), cuts) if len(row) else ():
        r, e = int(row[pair[0]]), index.entries[entry[pair[0]]]
        if record is None or r != last:  # a book of exam questions holds thousands of items
            last, record = r, _record(batch, folded, r, index.table)
        leak = judge(e, record, part[pair], offset[pair], at[pair], index.settings)
        if leak:
            rule, start, end = leak
            yield r, e, rule, record.original(start, end)


def _record(batch: Batch, folded: Codepoints, row: int, table: np.ndarray) -> Record:
    text = batch.searched
    return Record(
        text.points[text.offsets[row] : text.offsets[row + 1]],
        folded.points[folded.offsets[row] : folded.offsets[row + 1]],
        table,
        batch.table,
        row,
    )


def _tiny_questions(batch: Batch, index: Index) -> list[tuple[int, str]]:
    """Return (row, stem) where a short question begins or ends with one of ``index.tiny``."""
    if not index.tiny or batch.kind == "document":
        return []
    leaves = batch.leaves
    asking = (TextField.QUESTION, TextField.TITLE, TextField.MESSAGES, TextField.STEM)
    sizes = np.diff(batch.points.offsets)
    short = np.isin(leaves.field, asking) & (sizes > 1) & (sizes <= _TINY_PART)
    at = np.flatnonzero(short)
    texts = leaves.texts.take(pa.array(at)).to_pylist()
    found = {
        (int(leaves.row[i]), stem)
        for i, text in zip(at, fold_all(texts, index.table), strict=True)
        for size in range(1, ANCHOR)
        for stem in (text[:size], text[-size:])
        if stem in index.tiny
    }
    return sorted(found)

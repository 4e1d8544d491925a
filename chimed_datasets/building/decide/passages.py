"""Which lines stand in so many documents of a source that they are cut, and out of which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ...built.manifest import PassagesEntry
from ...executors import Executor
from ...recipe import Recipe
from ...records import codepoints, ledger
from ...stages.passages import HASHES, Passages, without
from ...stages.text.notices import is_notice
from ..features import passages_path
from ..store import Segment, Store
from .classify import AT_ONCE
from .keep import StaysOut, stays_out

_BITS = 22
"""Slots that hashes are first counted in, as a power of two."""
EXAMPLES = 10
"""Lines that the manifest names."""


class Found(NamedTuple):
    """A line that is cut: its source, its text, and how many documents of the source have it among
    their first or last lines."""

    source: str
    text: str
    documents: int


@dataclass(frozen=True)
class Cuts:
    """Cuts passages out of documents as they come out of the store.

    hashes: source -> those of its passages.
    index:  int64, the documents that hold any, ascending.
    """

    stage: Passages
    hashes: dict[str, frozenset[int]]
    index: np.ndarray

    def __call__(self, indices: np.ndarray, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch of the records at ``indices`` (ascending) without the passages."""
        column = batch.schema.get_field_index("text")
        if column < 0 or not len(indices):
            return batch
        first, last = np.searchsorted(self.index, [indices[0], indices[-1] + 1])
        rows = np.flatnonzero(np.isin(indices, self.index[first:last], assume_unique=True))
        if not len(rows):
            return batch
        texts = batch.column(column).to_pylist()
        for row, text in zip(rows.tolist(), self.left(batch.take(pa.array(rows))), strict=True):
            texts[row] = text
        return batch.set_column(column, batch.schema.field(column), pa.array(texts, pa.string()))

    def left(self, batch: pa.RecordBatch) -> list[str]:
        """Return what is left of the texts of documents."""
        texts, sources = batch["text"], batch["source"].to_pylist()
        spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
        columns = self.stage.lines(codepoints(texts))
        for row, start, end, one in zip(*(column.tolist() for column in columns), strict=True):
            if one in self.hashes.get(sources[row], ()):
                spans[row].append((start, end))
        return [without(text, spans[row]) for row, text in enumerate(texts.to_pylist())]


class Passed(NamedTuple):
    """What was found.

    found:   the lines that are cut, those in most documents first.
    cuts:    cuts them.
    chars:   int64, how many characters go from each document of ``cuts.index``.
    refused: the documents of which too little is left.
    """

    found: list[Found]
    cuts: Cuts
    chars: np.ndarray
    refused: StaysOut


def passages(
    recipe: Recipe, sources: Sequence[str], store: Store, executor: Executor
) -> Passed | None:
    """Count the lines of all documents by source, and look at what is left of those that have one
    that is cut; None where the stage is off.

    sources: of each segment of the store.
    """
    stage = recipe.stages.passages
    if stage is None:
        return None
    own: dict[str, list[tuple[int, Segment]]] = defaultdict(list)
    start = 0
    for name, segment in zip(sources, store.segments, strict=True):
        if segment.kind == "document":
            own[name].append((start, segment))
        start += sum(segment.rows)
    found: list[Found] = []
    hashes: dict[str, frozenset[int]] = {}
    index = [np.zeros(0, np.int64)]
    for name, parts in own.items():
        notices = _notices(stage, name, parts, store)
        if notices:
            hashes[name] = frozenset(notices)
            found += notices.values()
            known = np.array(list(notices), np.uint64)
            for start, hashed in _read(parts):
                rows = hashed["row"][np.isin(hashed["hash"], known)]
                index.append(start + np.unique(rows).astype(np.int64))
    cuts = Cuts(stage, hashes, np.concatenate(index))
    found.sort(key=lambda one: (-one.documents, one.source, one.text))
    return _looked_at(recipe, store, executor, found, cuts)


def _read(parts: Sequence[tuple[int, Segment]]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (index of the first record, HASHES) for each segment."""
    for start, segment in parts:
        yield start, np.fromfile(passages_path(segment.path), HASHES)


def _notices(
    stage: Passages, source: str, parts: Sequence[tuple[int, Segment]], store: Store
) -> dict[int, Found]:
    """Return the lines of a source that are cut, by their hash."""
    least = stage.least(sum(sum(segment.rows) for _, segment in parts))
    counts: dict[int, int] = defaultdict(int)
    first: dict[int, int] = {}
    for start, hashed in _frequent(parts, least):
        every, at, many = np.unique(hashed["hash"], return_index=True, return_counts=True)
        places = start + hashed["row"][at].astype(np.int64)
        columns = (column.tolist() for column in (every, places, many))
        for one, place, n in zip(*columns, strict=True):
            counts[one] += n
            first.setdefault(one, place)
    wanted = {one: first[one] for one, n in counts.items() if n >= least}
    texts = _texts(stage, store, wanted)
    return {one: Found(source, texts[one], counts[one]) for one in wanted if is_notice(texts[one])}


def _frequent(parts: Sequence[tuple[int, Segment]], least: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (index of the first record, HASHES) of the lines that may stand in ``least`` documents.

    Ten million documents have some 90 million lines, most of them once. They are first counted in
    slots, which several may share: a line can be frequent only if its slot is.
    """
    slots = np.zeros(1 << _BITS, np.uint32)
    mask = np.uint64((1 << _BITS) - 1)
    for _, hashed in _read(parts):
        slot, many = np.unique(hashed["hash"] & mask, return_counts=True)
        slots[slot] += many.astype(np.uint32)
    for start, hashed in _read(parts):
        yield start, hashed[slots[hashed["hash"] & mask] >= least]


def _texts(stage: Passages, store: Store, wanted: dict[int, int]) -> dict[int, str]:
    """Return lines by their hash. wanted: hash -> index of a document that has the line."""
    out: dict[int, str] = {}
    indices = np.unique(np.array(list(wanted.values()), np.int64))
    for where, batch in store.take(indices, ["text"]):
        texts = batch["text"].to_pylist()
        columns = stage.lines(codepoints(batch["text"]))
        for row, start, end, one in zip(*(column.tolist() for column in columns), strict=True):
            if wanted.get(one) == where[row]:
                out.setdefault(one, texts[row][start:end].strip())
    return out


def _looked_at(
    recipe: Recipe, store: Store, executor: Executor, found: list[Found], cuts: Cuts
) -> Passed:
    stage = recipe.stages.filter
    least = max(1, stage.min_document_chars if stage else 1)
    parts = [p for p in np.split(cuts.index, range(AT_ONCE, len(cuts.index), AT_ONCE)) if len(p)]
    looks = list(executor.run(_look, (store, cuts, least), parts)) if parts else []
    chars = np.concatenate([np.zeros(0, np.int64), *(gone for gone, _ in looks)])
    short = {index: text for _, texts in looks for index, text in texts.items()}
    gone = np.array(sorted(short), np.int64)
    evidence = [ledger.shorten(short[index]) for index in gone.tolist()]
    rows = [(gone, "only_passages", evidence)]
    return Passed(found, cuts, chars, stays_out(store, "passages", rows))


def _look(
    shared: tuple[Store, Cuts, int], indices: np.ndarray
) -> tuple[np.ndarray, dict[int, str]]:
    """Return how many characters go from each document, and the texts of those of which too little
    is left, by index."""
    store, cuts, least = shared
    gone: list[int] = []
    short: dict[int, str] = {}
    for where, batch in store.take(indices):
        texts = batch["text"].to_pylist()
        for index, text, left in zip(where.tolist(), texts, cuts.left(batch), strict=True):
            gone.append(len(text) - len(left))
            if len(left.strip()) < least:
                short[index] = text
    return np.array(gone, np.int64), short


def counted(passed: Passed, in_some: np.ndarray) -> PassagesEntry:
    """Return what the manifest says. in_some: bool, the records that are in a config."""
    stays = in_some[passed.cuts.index]
    return {
        "passages": len(passed.found),
        "documents": int(np.count_nonzero(stays)),
        "chars": int(passed.chars[stays].sum()),
        "examples": [
            {"source": one.source, "text": ledger.shorten(one.text), "documents": one.documents}
            for one in passed.found[:EXAMPLES]
        ],
    }


def both(one: StaysOut | None, other: StaysOut | None) -> StaysOut | None:
    """Return what stays out for either reason; a record has one row, the first's."""
    if one is None or other is None:
        return one or other
    first = set(one.rows["id"].to_pylist())
    others = [name not in first for name in other.rows["id"].to_pylist()]
    rows = pa.concat_tables([one.rows, other.rows.filter(pa.array(others, pa.bool_()))])
    return StaysOut(one.mask | other.mask, rows)

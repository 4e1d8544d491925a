"""The kept texts of dropped records: ``ledger/texts.parquet``, at the end of a build."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .. import records
from ..built.texts import FILE, KEPT_CHARS, SCHEMA
from ..recipe import Recipe, takedowns
from ..recipe.guests import GuestStage
from ..records.texts import Texts, texts_of
from ..stages import place_of
from ..stages.mask import PLACEHOLDERS
from .kept import DROPPED, RAW, Keep, dropped_path, least, raw_path
from .losses import masked

if TYPE_CHECKING:
    from .prepared import Prepared
    from .read import UnitReport
    from .store import Store

Row = dict[str, Any]
T = TypeVar("T", pa.RecordBatch, pa.Table)
GROUP_ROWS, GROUP_CHARS = 2_000, 8_000_000
"""A row group of the file ends at either."""
MASKED_ROWS = 512
"""Records of a unit that are masked at a time."""


@dataclass(frozen=True)
class _Wanted:
    """Which dropped records keep their texts.

    chosen:  the ids of a sample, with their places in it; None: all are meant.
    removed: ids that were taken down. copies: what these said that were dropped by a stage: whoever
             says the same keeps no text either.
    stages:  of the recipe, which may mask.
    """

    chosen: Mapping[str, int] | None
    removed: Collection[str]
    copies: Collection[str]
    stages: Sequence[Any]

    @cached_property
    def _chosen(self) -> pa.Array | None:
        return None if self.chosen is None else pa.array(list(self.chosen), pa.string())

    @cached_property
    def _removed(self) -> pa.Array:
        return pa.array(sorted(self.removed), pa.string())

    def of(self, batch: T, said: Callable[[T], pa.StringArray] | None = None) -> T:
        """Return the rows of a batch or table whose texts are kept. said: what its rows say."""
        if self._chosen is not None:
            batch = batch.filter(pc.is_in(batch["id"], self._chosen))
        if self.removed:
            batch = batch.filter(pc.invert(pc.is_in(batch["id"], self._removed)))
        if said and self.copies and len(batch):
            copies = pa.array(sorted(self.copies), pa.string())
            batch = batch.filter(pc.invert(pc.is_in(said(batch), copies)))
        return batch

    def cut(self, text: str) -> str:
        """Return what is kept of a text: it is masked, so that no half of a number is left."""
        return text if self.chosen is None or len(text) <= KEPT_CHARS else f"{text[:KEPT_CHARS]}…"


class Sought(NamedTuple):
    """Where the texts are looked for, and which.

    folder: of the work. ids: uint64[n], a number that follows from each record's id.
    more:   the ledger's rows of the records that were dropped after all were read.
    """

    recipe: Recipe
    folder: Path
    reports: Sequence[UnitReport]
    store: Store
    ids: np.ndarray
    more: pa.Table


def sought(prepared: Prepared, more: pa.Table) -> Sought:
    """Return what :func:`write_texts` needs: little, as it may go to another process."""
    folder, ids = prepared.context.folder, prepared.features["id"].copy()
    return Sought(prepared.recipe, folder, prepared.reports, prepared.store, ids, more)


def write_texts(work: Sought, target: Path) -> None:
    """Write the file into the finished dataset in ``target``, unless the recipe wants none."""
    recipe, more = work.recipe, work.more
    keep = Keep.of(recipe.ledger.texts, recipe.seed)
    if keep.most == 0:
        return
    more = more.filter(pc.not_equal(more["stage"], takedowns.STAGE))
    wanted = _Wanted(
        _chosen(work, more, keep),
        recipe.removed,
        _said_by_removed(work) if recipe.removed else (),
        tuple(recipe.stages.in_order().values()),
    )
    with _Writer(target / FILE) as out:
        for source in recipe.sources:
            found = _of_source(work, source.name, more, wanted)
            if wanted.chosen is not None:
                place = wanted.chosen
                found = iter(sorted(found, key=lambda row: place[row["id"]]))
            out.write(found)


def _chosen(work: Sought, more: pa.Table, keep: Keep) -> dict[str, int] | None:
    """Return the ids of the sample, with their places in it; None where all are kept."""
    if keep.most is None:
        return None
    place = {source.name: at for at, source in enumerate(work.recipe.sources)}
    removed = work.recipe.removed
    groups: list[tuple[int, tuple[int, str], str]] = []
    ids: list[str] = []
    found = [(place[source], *row) for source, row in _candidates(work)]
    columns = (more[name].to_pylist() for name in ("source", "id", "stage", "rule"))
    found += [(place[source], *row) for source, *row in zip(*columns, strict=True)]
    for at, name, stage, rule in found:
        if name not in removed:
            groups.append((at, place_of(stage), rule))
            ids.append(name)
    rows = least(keep.most, keep.seed, groups, pa.array(ids, pa.string()))
    return {ids[row]: at for at, row in enumerate(rows)}


@contextmanager
def _batches(path: Path) -> Iterator[Iterator[pa.RecordBatch]]:
    """Open the batches of an Arrow file of a unit; none where it has no such file."""
    if not path.is_file():
        yield iter(())
        return
    with pa.memory_map(str(path)) as stored, pa.ipc.open_file(stored) as read:
        yield (read.get_batch(number) for number in range(read.num_record_batches))


def _unit_batches(work: Sought) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yield the source and a batch for all that the units left, each record as it was last."""
    for report in work.reports:
        folders = [work.folder / place for place in report.places]
        dropped = [dropped_path(folder, kind) for kind in records.KINDS for folder in folders]
        for path in (*dropped, *map(raw_path, folders)):
            with _batches(path) as found:
                for batch in found:
                    last = "before" not in batch.schema.names or (
                        batch["before"][0] == batch["stage"][0]
                    )
                    if last:
                        yield report.source, batch


def _candidates(work: Sought) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Yield source, and id, stage and rule of the dropped records that the units left."""
    for source, batch in _unit_batches(work):
        columns = (batch[name].to_pylist() for name in ("id", "stage", "rule"))
        yield from ((source, row) for row in zip(*columns, strict=True))


def _said_by_removed(work: Sought) -> set[str]:
    """Return what the records said that were taken down, and that a stage would have dropped."""
    said: set[str] = set()
    for _, batch in _unit_batches(work):
        gone = batch.filter(pc.equal(batch["stage"], takedowns.STAGE))
        if len(gone):
            said.update(_said(gone).to_pylist())
    return said


def _said(batch: pa.RecordBatch) -> pa.StringArray:
    """Return what each record says, as records are compared."""
    if batch.schema == RAW:
        return batch["text"]
    return records.from_codepoints(_as_records(batch).compared)


def _as_records(batch: pa.RecordBatch) -> records.Batch:
    return records.Batch(batch.select(records.SCHEMAS[records.kind_of(batch)].names))


def _of_source(work: Sought, source: str, more: pa.Table, wanted: _Wanted) -> Iterator[Row]:
    """Yield the rows of the file of one source: of each of its units, then of the records that
    were dropped beside all others."""
    for report in work.reports:
        if report.source != source:
            continue
        folders = [work.folder / place for place in report.places]
        for kind in records.KINDS:
            for folder in folders:
                with _batches(dropped_path(folder, kind)) as batches:
                    yield from _of_stages(batches, wanted)
        for folder in folders:
            with _batches(raw_path(folder)) as batches:
                yield from _of_rows(batches, source, wanted)
    yield from _of_store(work, more.filter(pc.equal(more["source"], source)), wanted)


def _of_stages(batches: Iterable[pa.RecordBatch], wanted: _Wanted) -> Iterator[Row]:
    """Yield what stages dropped, in the order of the records. batches: of the records that one
    stage dropped out of one batch, how they were before each stage, the last before this one; then
    those of the next."""
    held: list[pa.RecordBatch] = []
    rows, last = 0, -1
    for batch in batches:
        if batch["stage"][0].as_py() == takedowns.STAGE:
            continue
        if rows >= MASKED_ROWS and batch["batch"][0].as_py() != last:
            yield from _of_held(held, wanted)
            held, rows = [], 0
        last = batch["batch"][0].as_py()
        mine = wanted.of(batch, _said)
        if len(mine):
            held.append(mine)
            rows += len(mine)
    yield from _of_held(held, wanted)


def _of_held(held: Sequence[pa.RecordBatch], wanted: _Wanted) -> Iterator[Row]:
    """Yield the rows of batches as above; to mask few texts at a time would take long."""
    if not held:
        return
    every = pa.Table.from_batches(held).combine_chunks().to_batches()[0]
    kind = records.kind_of(every)
    states: dict[str, list[tuple[str, Texts]]] = defaultdict(list)
    about = every.select(["id", "source", "key", *(name for name, _ in DROPPED)]).to_pylist()
    found: list[tuple[tuple[int, int], Row]] = []
    for row, texts in zip(about, _masked_texts(every, wanted.stages), strict=True):
        states[row["id"]].append((row["before"], texts))
        if row["before"] == row["stage"]:
            told = _row(row, kind, _as_told(states.pop(row["id"]), wanted.stages), wanted)
            found.append(((row["batch"], row["row"]), told))
    found.sort(key=itemgetter(0))
    yield from (row for _, row in found)


def _masked_texts(mine: pa.RecordBatch, stages: Sequence[Any]) -> list[Texts]:
    batch = _as_records(mine)
    batch = batch.with_texts(masked(batch.leaves.texts, stages))
    return [texts_of(row) for row in batch.table.to_pylist()]


def _as_told(states: Sequence[tuple[str, Texts]], stages: Sequence[Any]) -> list[tuple[str, Texts]]:
    """Return the states of a record that differ; each but the last with the stage that changed it.

    A text that was not cleaned yet may hide a number from the masking: what comes before a state
    in which more is masked is not told.
    """
    signs = set(PLACEHOLDERS.values())
    for stage in stages:
        if isinstance(stage, GuestStage) and stage.finder is not None:
            signs |= set(stage.stage.placeholders.values())
    out = [states[-1]]
    for stage, texts in reversed(states[:-1]):
        if texts == out[-1][1]:
            continue
        if _count(texts, signs) < _count(out[-1][1], signs):
            break
        out.append((stage, texts))
    return out[::-1]


def _count(texts: Texts, signs: Iterable[str]) -> int:
    return sum(text.count(sign) for _, text in texts for sign in signs)


def _of_rows(batches: Iterable[pa.RecordBatch], source: str, wanted: _Wanted) -> Iterator[Row]:
    """Yield the rows that were no records."""
    for batch in batches:
        mine = wanted.of(batch.filter(pc.equal(batch["stage"], "read")), _said)
        read = masked(mine["text"], wanted.stages).to_pylist() if len(mine) else []
        for row, text in zip(mine.to_pylist(), read, strict=True):
            yield _row({**row, "source": source}, None, [("", (("read", text),))], wanted)


def _of_store(work: Sought, more: pa.Table, wanted: _Wanted) -> Iterator[Row]:
    """Yield what was dropped beside all others, as it was then: masked long before."""
    about = {row["id"]: row for row in wanted.of(more).to_pylist()}
    ends = np.array([int(name[-16:], 16) for name in about], np.uint64)
    for _, batch in work.store.take(np.flatnonzero(np.isin(work.ids, ends))):
        for row in batch.to_pylist():
            if (told := about.get(row["id"])) is not None:
                kind = records.kind_of(batch)
                yield _row(told, kind, [("", texts_of(row))], wanted, known=False)


def _row(
    about: Row,
    kind: str | None,
    states: Sequence[tuple[str, Texts]],
    wanted: _Wanted,
    known: bool = True,
) -> Row:
    """Return a row of the file. known: whether it is known how the record was before."""

    def kept(texts: Texts) -> list[dict[str, str]]:
        return [{"place": place, "text": wanted.cut(text)} for place, text in texts]

    before = [{"stage": stage, "texts": kept(texts)} for stage, texts in states[:-1]]
    told = {name: about[name] for name in ("id", "source", "key", "stage", "rule")}
    return {
        **told, "kind": kind, "texts": kept(states[-1][1]), "before": before if known else None,
    }  # fmt: skip


class _Writer:
    """Writes the file, some rows at a time."""

    def __init__(self, path: Path) -> None:
        self.out = pq.ParquetWriter(path, SCHEMA, compression="zstd")

    def __enter__(self) -> _Writer:
        return self

    def write(self, rows: Iterable[Row]) -> None:
        held: list[Row] = []
        chars = 0
        for row in rows:
            held.append(row)
            states = [row["texts"], *(state["texts"] for state in row["before"] or ())]
            chars += sum(len(one["text"]) for texts in states for one in texts)
            if len(held) >= GROUP_ROWS or chars >= GROUP_CHARS:
                self._flush(held)
                held, chars = [], 0
        if held:
            self._flush(held)

    def _flush(self, rows: list[Row]) -> None:
        self.out.write_table(pa.Table.from_pylist(rows, SCHEMA))

    def __exit__(self, *error: object) -> None:
        self.out.close()

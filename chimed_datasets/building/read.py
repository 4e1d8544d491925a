"""Plan and read: the sources' files become units of work; each unit becomes clean records.

A worker takes a unit from bytes to Arrow at once: decode, clean, simplify, filter, mask,
decontaminate, and the features that `decide` needs. What it leaves on disk is a checkpoint: an
Arrow file of records and one of features for each kind, one of ledger rows, and its report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .. import records
from ..recipe import takedowns
from ..records import ledger
from ..sources import FileReport
from ..stages.deduplicate import Features
from ..stages.passages import Passages
from . import checkpoint
from .dropped import while_read
from .features import batch_features, feature_path, passages_path, sample_path
from .kept import Keep, KeptTexts
from .losses import Lost, added, by_rule, fit_to_tell
from .origin import OF_A_SOURCE, Origin, changed, in_words, key_of
from .plan import Unit
from .store import Segment
from .timing import Task, Took, Watch


class Chain(NamedTuple):
    """What every worker needs for `read`. ``origins``: of the units, by number. ``passages``:
    None where the stage is off. ``removed``: the records that were taken down, with the reasons.
    ``keep``: which dropped records keep their texts."""

    folder: Path
    origins: dict[int, Origin]
    stages: tuple[Any, ...]
    features: Callable[[records.Batch], Features]
    feature_type: np.dtype
    passages: Passages | None = None
    removed: Mapping[str, str] = {}
    keep: Keep = Keep()

    def key(self, unit: Unit) -> str:
        """Return the key of a unit's checkpoint."""
        return checkpoint.key_of(unit.source.name, key_of(self.origins[unit.number]))


@dataclass
class UnitReport:
    """What became of a unit. ``changed`` is by stage; ``lost``: while it was read, by rule."""

    number: int
    source: str
    segments: list[Segment] = field(default_factory=list)
    read: int = 0
    changed: dict[str, Counter[str]] = field(default_factory=dict)
    matches: list[ledger.Match] = field(default_factory=list)
    lost: dict[str, Lost] = field(default_factory=dict)
    files: FileReport = field(default_factory=FileReport)
    took: Took = field(default_factory=Took)

    @property
    def ledger(self) -> str:
        """Where the unit's ledger rows lie, under the folder of the work."""
        return f"{unit_place(self.number)}/ledger.parquet"

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON can hold it."""
        return {
            "source": self.source,
            "segments": [[segment.kind, segment.rows] for segment in self.segments],
            "read": self.read,
            "changed": {stage: dict(counts) for stage, counts in self.changed.items()},
            "matches": [list(match) for match in self.matches],
            "lost": {rule: list(lost) for rule, lost in self.lost.items()},
            "files": dict(vars(self.files)),  # no copies: there may be very many files
            "took": asdict(self.took),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any], folder: Path, number: int) -> UnitReport:
        """Return the report that the checkpoint ``number`` of ``folder`` holds: the inverse of
        `to_json`. It may have been made under another number."""
        place = folder / unit_place(number)
        return cls(
            number,
            content["source"],
            [
                Segment(place / f"{kind}.arrow", kind, tuple(rows))
                for kind, rows in content["segments"]
            ],
            content["read"],
            {stage: Counter(counts) for stage, counts in content["changed"].items()},
            [ledger.Match(*match) for match in content["matches"]],
            {rule: Lost(*lost) for rule, lost in content["lost"].items()},
            FileReport(**content["files"]),
            Took(**content["took"]),
        )

    def task(self, before: bool) -> Task:
        """Return what is told of the unit's time. before: whether an earlier run read it."""
        place = self.took, before
        kept = sum(rows for segment in self.segments for rows in segment.rows)
        return Task("read", f"{self.number:05d}", self.source, self.read, self.read - kept, *place)


def unit_place(number: int) -> str:
    """Return the folder of a unit's checkpoint, under the folder of the work."""
    return f"units/{number:05d}"


def finished_units(chain: Chain, units: Sequence[Unit]) -> tuple[dict[int, UnitReport], list[str]]:
    """Return the reports of the units that an earlier run finished, and lines on what is read
    again and why. What that run made and no unit of this one is goes."""
    names = {chain.key(unit): Path(unit_place(unit.number)).name for unit in units}
    gone = checkpoint.arrange((chain.folder / unit_place(0)).parent, names)
    reports: dict[int, UnitReport] = {}
    refused = []
    for unit in units:
        place = chain.folder / unit_place(unit.number)
        content, reason = checkpoint.finished(place, chain.key(unit))
        if content:
            reports[unit.number] = UnitReport.from_json(content, chain.folder, unit.number)
        elif reason:
            refused.append(f"checkpoint {unit_place(unit.number)} is not used: {reason}")
    return reports, [*_read_again(chain, units, reports, gone), *refused]


def _read_again(
    chain: Chain, units: Sequence[Unit], done: Mapping[int, UnitReport], gone: Sequence[Any]
) -> list[str]:
    """Return the line on what is read again since something changed. gone: what
    :func:`.checkpoint.arrange` took away."""
    old = {note["report"]["source"]: note.get("origin", {}) for note in gone}
    left = {unit.source.name: unit for unit in units if unit.number not in done}
    why = {
        name: changed(old[name], chain.origins[unit.number])
        for name, unit in left.items()
        if name in old
    }
    if not why:
        return []
    of_all = [name for name in why[min(why)] if name not in OF_A_SOURCE]
    if of_all:
        return [f"reads all again: {in_words(of_all)}"]
    again = ", ".join(f"{name} ({in_words(names)})" for name, names in why.items())
    others = len({report.source for report in done.values()} - why.keys())
    are = "are" if others != 1 else "is"
    rest = f"; {others} other{'s' * (others != 1)} {are} taken from the last run" if others else ""
    return [f"reads again: {again}{rest}"]


def read_unit(chain: Chain, unit: Unit) -> UnitReport:
    """Take one unit from bytes to clean records, features and ledger rows on disk."""
    with checkpoint.making(chain.folder / unit_place(unit.number)) as part:
        report = _read(chain, unit, part)
        content = report.to_json()
        checkpoint.seal(part, chain.key(unit), content, chain.origins[unit.number])
    return UnitReport.from_json(content, chain.folder, unit.number)


def _read(chain: Chain, unit: Unit, part: Path) -> UnitReport:
    report = UnitReport(unit.number, unit.source.name)
    source = unit.source
    watch = Watch()
    watch.took.bytes = sum(file.size for file in unit.files)

    def sound() -> Iterator[records.Record | records.Columns]:
        layout = source.reader
        read = layout.read_columns if unit.limit is None else layout.read
        for found in islice(read(unit.files, source.options, report.files), unit.limit):
            report.read += len(found) if isinstance(found, records.Columns) else 1
            if isinstance(found, records.Malformed):
                kept.add_read(found)
                told.add_malformed(found)
            else:
                yield found

    with (
        _Writers(chain, part) as writers,
        _Ledger(chain, source.name, part) as told,
        KeptTexts(chain.keep, source.name, part, chain.removed) as kept,
    ):
        for table in records.batches(
            sound(),
            source=source.name,
            license=source.license,
            domain=source.domain,
            origin=source.origin,
        ):
            batch = records.Batch(table)
            watch.lap("parse")
            states: list[tuple[str, pa.RecordBatch]] = []
            for stage in chain.stages:
                if states and states[-1][1] is batch.table:  # the stage before changed nothing
                    states.pop()
                states.append((stage.name, batch.table))
                result = stage(batch)
                batch = result.batch
                told.add(result.drops)
                kept.add(states, result.drops)
                report.changed.setdefault(stage.name, Counter()).update(result.counts)
                report.matches += [m for m in result.matches if m.record not in chain.removed]
                watch.lap(stage.name)
            if batch.num_rows:
                writers.write(batch)
            watch.lap("features")
        watch.lap("parse")  # of rows that gave no record
    report.segments = writers.segments
    report.lost = told.lost
    watch.lap("ledger")
    report.took = watch.took
    return report


LEDGER_ROWS = 16_384
LEDGER_BYTES = 16 * 1024 * 1024
"""Ledger rows, or bytes of their evidence, that are held before they are masked and written."""


class _Ledger:
    """Writes a unit's ``ledger.parquet``: what the stages dropped, then the rows that were none.
    However many rows are bad, some thousand are held. ``lost``: by rule, what could not be read."""

    def __init__(self, chain: Chain, source: str, part: Path) -> None:
        self.chain, self.source = chain, source
        self.spool = part / "malformed.arrow"  # until all that the stages drop is written
        self.lost: dict[str, Lost] = {}
        self._drops: list[pa.RecordBatch] = []
        self._malformed: list[records.Malformed] = []
        self._chars = self._rows = self._bytes = 0
        self._exits = ExitStack()
        self._out = self._exits.enter_context(
            pq.ParquetWriter(part / "ledger.parquet", ledger.SCHEMA)
        )
        self._spooled: pa.RecordBatchFileWriter | None = None

    def __enter__(self) -> _Ledger:
        return self

    def __exit__(self, failed: Any, *_: object) -> None:
        with self._exits:
            if failed is not None:
                return
            self._write_drops()
            if self._spooled is None:
                self._out.write_table(self._told_malformed())
                return
            self._spooled.write_table(self._told_malformed())
            self._spooled.close()
            with pa.memory_map(str(self.spool)) as stored, pa.ipc.open_file(stored) as read:
                for number in range(read.num_record_batches):
                    self._out.write_batch(read.get_batch(number))
            self.spool.unlink()

    def add(self, drops: pa.RecordBatch) -> None:
        """Add what a stage dropped."""
        if not drops.num_rows:
            return
        self._drops.append(drops)
        self._rows += drops.num_rows
        self._bytes += drops.nbytes
        if self._rows >= LEDGER_ROWS or self._bytes >= LEDGER_BYTES:
            self._write_drops()

    def add_malformed(self, row: records.Malformed) -> None:
        """Add a row that is no record."""
        self._malformed.append(row)
        self._chars += len(row.evidence)
        if len(self._malformed) < LEDGER_ROWS and self._chars < LEDGER_BYTES:
            return
        if self._spooled is None:
            self._spooled = pa.ipc.new_file(self.spool, ledger.SCHEMA)
            self._exits.callback(self._spooled.close)
        self._spooled.write_table(self._told_malformed())

    def _write_drops(self) -> None:
        if self._drops:
            self._out.write_table(self._told(self._drops))
        self._drops, self._rows, self._bytes = [], 0, 0

    def _told_malformed(self) -> pa.Table:
        table = self._told([malformed_rows(self.source, self._malformed)])
        self.lost = added([self.lost, by_rule(while_read(table), self.chain.stages)])
        self._malformed, self._chars = [], 0
        return table

    def _told(self, batches: Sequence[pa.RecordBatch]) -> pa.Table:
        table = pa.Table.from_batches(batches, ledger.SCHEMA)
        return ledger_rows(table, self.chain.removed, self.chain.stages)


def malformed_rows(source: str, rows: Sequence[records.Malformed]) -> pa.RecordBatch:
    """Return the ledger's rows of what is no record of a source; the evidence is whole."""
    n = len(rows)
    columns = [
        [records.record_id(source, row.key) for row in rows],
        [source] * n,
        [row.key for row in rows],
        ["read"] * n,
        [row.rule for row in rows],
        [row.evidence for row in rows],
        [None] * n,
    ]
    return pa.record_batch([pa.array(c, pa.string()) for c in columns], schema=ledger.SCHEMA)


def _taken_down(table: pa.Table, removed: Mapping[str, str]) -> pa.Table:
    """Give the ledger rows of taken down records that reason, and nothing of their texts."""
    if not removed:
        return table
    rows = table.to_pylist()
    for row in rows:
        if row["id"] in removed:
            row |= {"stage": takedowns.STAGE, "rule": takedowns.LISTED}
            row |= {"evidence": removed[row["id"]], "twin": None}
    return pa.Table.from_pylist(rows, ledger.SCHEMA)


def ledger_rows(table: pa.Table, removed: Mapping[str, str], stages: Sequence[Any]) -> pa.Table:
    """Return ledger rows as they may be told: of those taken down only that, of the others the
    evidence masked and short."""
    table = _taken_down(table, removed)
    told = fit_to_tell(table["evidence"].combine_chunks(), stages)
    column = table.schema.get_field_index("evidence")
    return table.set_column(column, table.schema.field(column), told)


class _Writers:
    """The Arrow file and the two of features of a unit, for every kind that occurs."""

    def __init__(self, chain: Chain, part: Path) -> None:
        self.chain, self.part = chain, part
        self.open: dict[str, tuple[Any, Any, Any, list[int], Path]] = {}
        self.passages: Any = None
        self.segments: list[Segment] = []
        self.files = ExitStack()  # on a full disk all are closed, whichever fails

    def __enter__(self) -> _Writers:
        return self

    def write(self, batch: records.Batch) -> None:
        kind = batch.kind
        if kind not in self.open:
            path = self.part / f"{kind}.arrow"
            sink = self.files.enter_context(pa.OSFile(str(path), "wb"))
            writer = self.files.enter_context(pa.ipc.new_file(sink, records.SCHEMAS[kind]))
            features = self.files.enter_context(feature_path(path).open("wb"))
            grams = self.files.enter_context(sample_path(path).open("wb"))
            self.open[kind] = (writer, features, grams, [], path)
            if self.chain.passages and kind == "document":
                self.passages = self.files.enter_context(passages_path(path).open("wb"))
        writer, features, grams, rows, _ = self.open[kind]
        writer.write_batch(batch.table)
        if self.chain.passages and kind == "document":
            lines = self.chain.passages.hashes(batch)
            lines["row"] += sum(rows)
            self.passages.write(lines.tobytes())
        rows.append(batch.num_rows)
        found, sample = batch_features(self.chain.features, self.chain.feature_type, batch)
        features.write(found.tobytes())
        grams.write(sample.tobytes())

    def __exit__(self, *error: object) -> None:
        self.files.close()
        for kind, (*_, rows, path) in self.open.items():
            self.segments.append(Segment(path, kind, tuple(rows)))

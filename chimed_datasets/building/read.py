"""Plan and read: the sources' files become units of work; each unit becomes clean records.

A worker takes a unit from bytes to Arrow at once: decode, clean, simplify, filter, mask,
decontaminate, and the features that `decide` needs. What it leaves on disk is a checkpoint: an
Arrow file of records and one of features for each kind, one of ledger rows, and its report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .. import records
from ..errors import SourceError
from ..lang import _, retold, speaking
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

UNITS = "units"
"""The folder of the checkpoints of units, under that of the work."""


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
        part = [f"{unit.part.start}-{unit.part.end}"] if unit.part else []
        return checkpoint.key_of(unit.source.name, key_of(self.origins[unit.number]), *part)


@dataclass
class UnitReport:
    """What became of a unit.

    places:   the folders of its checkpoint, or of those of its parts, under that of the work.
    kinds:    of its records, in the order in which the first of each was read.
    segments: by kind, in that order.
    ledgers:  files of ledger rows under the folder of the work, by kind, then of what was no record
              (:data:`NO_RECORDS`).
    changed:  by stage. by_kind: the matches of the records of each kind. lost: while it was read,
              by rule.
    """

    number: int
    source: str
    places: tuple[str, ...] = ()
    kinds: list[str] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    ledgers: dict[str, list[str]] = field(default_factory=dict)
    read: int = 0
    changed: dict[str, Counter[str]] = field(default_factory=dict)
    by_kind: dict[str, list[ledger.Match]] = field(default_factory=dict)
    lost: dict[str, Lost] = field(default_factory=dict)
    files: FileReport = field(default_factory=FileReport)
    took: Took = field(default_factory=Took)

    @property
    def ledger_files(self) -> list[str]:
        """Where the unit's ledger rows lie, in their order."""
        return [name for kind in (*self.kinds, NO_RECORDS) for name in self.ledgers.get(kind, ())]

    @property
    def matches(self) -> list[ledger.Match]:
        """The benchmark items that were found."""
        return [match for kind in self.kinds for match in self.by_kind.get(kind, ())]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON can hold it."""
        return {
            "source": self.source,
            "kinds": self.kinds,
            "segments": [[segment.kind, segment.rows] for segment in self.segments],
            "ledgers": sorted(self.ledgers),
            "read": self.read,
            "changed": {stage: dict(counts) for stage, counts in self.changed.items()},
            "matches": {kind: list(map(list, found)) for kind, found in self.by_kind.items()},
            "lost": {rule: list(lost) for rule, lost in self.lost.items()},
            "files": dict(vars(self.files)),  # no copies: there may be very many files
            "took": asdict(self.took),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any], folder: Path, unit: Unit) -> UnitReport:
        """Return the report that the checkpoint of ``unit`` in ``folder`` holds: the inverse of
        `to_json`. It may have been made under another number."""
        place = folder / unit.place
        return cls(
            unit.number,
            content["source"],
            (unit.place,),
            content["kinds"],
            [
                Segment(place / f"{kind}.arrow", kind, tuple(rows))
                for kind, rows in content["segments"]
            ],
            {kind: [f"{unit.place}/{_ledger_name(kind)}"] for kind in content["ledgers"]},
            content["read"],
            {stage: Counter(counts) for stage, counts in content["changed"].items()},
            {
                kind: [ledger.Match(*match) for match in found]
                for kind, found in content["matches"].items()
            },
            {rule: Lost(*lost) for rule, lost in content["lost"].items()},
            FileReport(**content["files"]),
            Took(**content["took"]),
        )

    def task(self, before: bool) -> Task:
        """Return what is told of the unit's time. before: whether an earlier run read it."""
        kept = sum(rows for segment in self.segments for rows in segment.rows)
        (place,) = self.places
        name = place.rpartition("/")[2]
        return Task("read", name, self.source, self.read, self.read - kept, self.took, before)


def of_whole_units(reports: Iterable[UnitReport]) -> list[UnitReport]:
    """Return the reports of units, those of the parts of a file put together."""
    of_unit = groupby(reports, key=lambda report: report.number)
    return [_joined(list(parts)) for __, parts in of_unit]


def _joined(parts: Sequence[UnitReport]) -> UnitReport:
    first, *others = parts
    if not others:
        return first
    whole = UnitReport(first.number, first.source, tuple(p for one in parts for p in one.places))
    whole.kinds = list(dict.fromkeys(kind for part in parts for kind in part.kinds))
    every = [segment for part in parts for segment in part.segments]
    whole.segments = [one for kind in whole.kinds for one in every if one.kind == kind]
    whole.lost = added(part.lost for part in parts)
    for part in parts:
        whole.read += part.read
        for kind, names in part.ledgers.items():
            whole.ledgers.setdefault(kind, []).extend(names)
        for kind, found in part.by_kind.items():
            whole.by_kind.setdefault(kind, []).extend(found)
        for stage, counts in part.changed.items():
            whole.changed.setdefault(stage, Counter()).update(counts)
        whole.files.add(part.files)
    return whole


def finished_units(chain: Chain, units: Sequence[Unit]) -> tuple[dict[str, UnitReport], list[str]]:
    """Return the reports of the units that an earlier run finished, by their places, and lines on
    what is read again and why. What that run made and no unit of this one is goes."""
    names = {chain.key(unit): Path(unit.place).name for unit in units}
    gone = checkpoint.arrange(chain.folder / UNITS, names)
    reports: dict[str, UnitReport] = {}
    refused = []
    for unit in units:
        content, reason = checkpoint.finished(chain.folder / unit.place, chain.key(unit))
        if content:
            reports[unit.place] = UnitReport.from_json(content, chain.folder, unit)
        elif reason:
            said = _("checkpoint {place} is not used: {reason}")
            refused.append(said.format(place=unit.place, reason=retold(reason)))
    return reports, [*_read_again(chain, units, reports, gone), *refused]


def _read_again(
    chain: Chain, units: Sequence[Unit], done: Mapping[str, UnitReport], gone: Sequence[Any]
) -> list[str]:
    """Return the line on what is read again since something changed. gone: what
    :func:`.checkpoint.arrange` took away."""
    old = {note["report"]["source"]: note.get("origin", {}) for note in gone}
    left = {unit.source.name: unit for unit in units if unit.place not in done}
    why = {
        name: changed(old[name], chain.origins[unit.number])
        for name, unit in left.items()
        if name in old
    }
    if not why:
        return []
    of_all = [name for name in why[min(why)] if name not in OF_A_SOURCE]
    if of_all:
        return [_("reads all again: {why}").format(why=in_words(of_all))]
    one = _("{name} ({why})")
    again = [one.format(name=name, why=in_words(names)) for name, names in why.items()]
    others = len({report.source for report in done.values()} - why.keys())
    if not others:
        said = _("reads again: {again}")
    elif others == 1:
        said = _("reads again: {again}; 1 other is taken from the last run")
    else:
        said = _("reads again: {again}; {others} others are taken from the last run")
    return [said.format(again=_(", ").join(again), others=others)]


def read_unit(chain: Chain, unit: Unit) -> UnitReport:
    """Take one unit from bytes to clean records, features and ledger rows on disk.

    In English, whatever is spoken: what is wrong with a row stands in the ledger, and its bytes do
    not depend on who builds.
    """
    try:
        with speaking("en"), checkpoint.making(chain.folder / unit.place) as part:
            report = _read(chain, unit, part)
            content = report.to_json()
            checkpoint.seal(part, chain.key(unit), content, chain.origins[unit.number])
    except SourceError as error:  # which ends the build: nothing of it is in a file
        error.args = (retold(str(error)),)
        raise
    return UnitReport.from_json(content, chain.folder, unit)


def _read(chain: Chain, unit: Unit, part: Path) -> UnitReport:
    report = UnitReport(unit.number, unit.source.name)
    source = unit.source
    watch = Watch()
    watch.took.bytes = unit.size
    kinds: dict[str, None] = {}

    def sound() -> Iterator[records.Record | records.Columns]:
        layout = source.reader
        read = layout.read_columns if unit.limit is None else layout.read
        for found in islice(read(unit.files, source.options, report.files), unit.limit):
            report.read += len(found) if isinstance(found, records.Columns) else 1
            if isinstance(found, records.Malformed):
                kept.add_read(found)
                told.add_malformed(found)
            else:
                kinds.setdefault(records.kind_of(found), None)
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
            kind, drops = batch.kind, []
            kept.begin(table)
            watch.lap("parse")
            states: list[tuple[str, pa.RecordBatch]] = []
            for stage in chain.stages:
                if states and states[-1][1] is batch.table:  # the stage before changed nothing
                    states.pop()
                states.append((stage.name, batch.table))
                result = stage(batch)
                batch = result.batch
                drops.append(result.drops)
                kept.add(states, result.drops)
                report.changed.setdefault(stage.name, Counter()).update(result.counts)
                if result.matches:
                    found = [m for m in result.matches if m.record not in chain.removed]
                    report.by_kind.setdefault(kind, []).extend(found)
                watch.lap(stage.name)
            told.add(kind, table, drops)
            if batch.num_rows:
                writers.write(batch)
            watch.lap("features")
        watch.lap("parse")  # of rows that gave no record
    report.kinds = list(kinds)
    report.segments = sorted(writers.segments, key=lambda one: report.kinds.index(one.kind))
    report.ledgers = {kind: [] for kind in told.kinds}
    report.lost = told.lost
    watch.lap("ledger")
    report.took = watch.took
    return report


LEDGER_ROWS = 16_384
LEDGER_BYTES = 16 * 1024 * 1024
"""Ledger rows, or bytes of their evidence, that are held before they are masked and written."""


NO_RECORDS = "none"
"""Stands beside the kinds of records for the rows that were none."""


def _ledger_name(kind: str) -> str:
    return f"ledger-{kind}.parquet"


class _Ledger:
    """Writes a unit's ledger: a file of what the stages dropped of each kind, in the order of the
    records, and one of the rows that were none; none of them is empty. However many rows are bad,
    some thousand are held.

    kinds: of the files. lost: by rule, what could not be read.
    """

    def __init__(self, chain: Chain, source: str, part: Path) -> None:
        self.chain, self.source, self.part = chain, source, part
        self.lost: dict[str, Lost] = {}
        self._drops: dict[str, list[pa.RecordBatch]] = {}
        self._malformed: list[records.Malformed] = []
        self._chars = self._rows = self._bytes = 0
        self._exits = ExitStack()
        self._out: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> _Ledger:
        return self

    def __exit__(self, failed: Any, *__: object) -> None:
        with self._exits:
            if failed is None:
                self._write_drops()
                self._write_malformed()

    @property
    def kinds(self) -> list[str]:
        return list(self._out)

    def add(self, kind: str, table: pa.RecordBatch, drops: Sequence[pa.RecordBatch]) -> None:
        """Add what the stages dropped of a batch of one kind. table: the batch as it was read."""
        drops = [one for one in drops if one.num_rows]
        if not drops:
            return
        (every,) = pa.Table.from_batches(drops).combine_chunks().to_batches()
        if len(drops) > 1:
            place = pc.index_in(every["id"], value_set=table["id"])
            order = np.argsort(place.to_numpy(zero_copy_only=False), kind="stable")
            every = every.take(pa.array(order))
        self._drops.setdefault(kind, []).append(every)
        self._rows += every.num_rows
        self._bytes += every.nbytes
        if self._rows >= LEDGER_ROWS or self._bytes >= LEDGER_BYTES:
            self._write_drops()

    def add_malformed(self, row: records.Malformed) -> None:
        """Add a row that is no record."""
        self._malformed.append(row)
        self._chars += len(row.evidence)
        if len(self._malformed) >= LEDGER_ROWS or self._chars >= LEDGER_BYTES:
            self._write_malformed()

    def _write_drops(self) -> None:
        for kind, drops in self._drops.items():
            self._write(kind, self._told(drops))
        self._drops, self._rows, self._bytes = {}, 0, 0

    def _write_malformed(self) -> None:
        if self._malformed:
            table = self._told([malformed_rows(self.source, self._malformed)])
            self.lost = added([self.lost, by_rule(while_read(table), self.chain.stages)])
            self._write(NO_RECORDS, table)
        self._malformed, self._chars = [], 0

    def _write(self, kind: str, table: pa.Table) -> None:
        if kind not in self._out:
            # Opened here: a writer that fails leaves a file open that it has opened itself.
            sink = self._exits.enter_context(pa.OSFile(str(self.part / _ledger_name(kind)), "wb"))
            self._out[kind] = self._exits.enter_context(pq.ParquetWriter(sink, ledger.SCHEMA))
        self._out[kind].write_table(table)

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
        writer, features, grams, rows, __ = self.open[kind]
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
        for kind, (*__, rows, path) in self.open.items():
            self.segments.append(Segment(path, kind, tuple(rows)))

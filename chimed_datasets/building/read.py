"""Plan and read: the sources' files become units of work; each unit becomes clean records.

A worker takes a unit from bytes to Arrow at once: decode, clean, simplify, filter, mask,
decontaminate, and the features that `decide` needs. What it leaves on disk is a checkpoint: an
Arrow file of records and one of features for each kind, one of ledger rows, and its report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.lib.recfunctions import repack_fields

from .. import records, sources
from ..errors import SourceError
from ..recipe import Recipe, Source, takedowns
from ..records import ledger
from ..sources import FileReport, SourceFile
from ..sources.files.finding import resolve
from ..sources.files.opening import sha256
from ..stages.mask import Mask
from ..stages.near.jaccard import SKETCH_WORDS
from . import checkpoint
from .store import Segment

UNIT_BYTES = 8 * 1024 * 1024
"""Files of a source are put together into units of work of about this size."""
LANES = {"document": 0, "thread": 1, "dialogue": 1}
"""Records of different lanes feed different configs and are not dropped for one another."""
CANDIDATES_LANE = 2


@dataclass(frozen=True)
class Unit:
    """Files of one source that are read together; ``limit`` bounds their records."""

    number: int
    source: Source
    files: tuple[SourceFile, ...]
    limit: int | None = None


@dataclass(frozen=True)
class Plan:
    """The work, every source's files by the source's name, and what they were then."""

    units: list[Unit]
    files: dict[str, list[SourceFile]]
    stamps: dict[str, list[tuple[int, int]]]

    @cached_property
    def hashes(self) -> dict[str, list[str]]:
        """The sha256 of every source's files, in their order."""
        with ThreadPoolExecutor(4) as pool:  # hashing and reading both let go of the GIL
            return {name: list(pool.map(sha256, files)) for name, files in self.files.items()}

    def keys(self, base: str) -> dict[int, str]:
        """Return the key of each unit by its number: ``base``, and the content of its files."""
        of_file = {
            (name, file.name): digest
            for name, files in self.files.items()
            for file, digest in zip(files, self.hashes[name], strict=True)
        }
        return {
            unit.number: checkpoint.key_of(
                base,
                unit.source.name,
                *(f"{f.name} {of_file[unit.source.name, f.name]}" for f in unit.files),
            )
            for unit in self.units
        }

    def check_unchanged(self) -> None:
        """Raise :class:`SourceError` where a file is no longer what it was when it was planned."""
        for name, files in self.files.items():
            for file, stamp in zip(files, self.stamps[name], strict=True):
                if file.stamp() != stamp:
                    raise SourceError(
                        f"source {name!r}: {file.name} changed while the build read it; "
                        "run the same command again."
                    )


def plan(recipe: Recipe, staging: Path, limit: int | None = None) -> Plan:
    """Find every source's files and cut them into units.

    Raises :class:`SourceError` for a path that leads nowhere, before anything is written but
    the archives unpacked into ``staging``.
    """
    units: list[Unit] = []
    files: dict[str, list[SourceFile]] = {}
    for source in recipe.sources:
        layout = sources.layout(source.layout)
        found = resolve(source.path, recipe.base, staging / source.name, layout.suffixes)
        files[source.name] = found
        together = layout.joined or limit is not None
        for group in [found] if together else _groups(found):
            units.append(Unit(len(units), source, tuple(group), limit))
    stamps = {name: [file.stamp() for file in found] for name, found in files.items()}
    return Plan(units, files, stamps)


def _groups(files: Iterable[SourceFile]) -> Iterator[list[SourceFile]]:
    group: list[SourceFile] = []
    size = 0
    for file in files:
        if group and size + file.size > UNIT_BYTES:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.size
    if group:
        yield group


class Chain(NamedTuple):
    """What every worker needs for `read`. ``keys``: of the units, by number. ``removed``: the
    records that were taken down, with the reasons."""

    folder: Path
    keys: dict[int, str]
    stages: tuple[Any, ...]
    features: Callable[[pa.RecordBatch], Any]
    feature_type: np.dtype
    removed: Mapping[str, str] = {}


class Match(NamedTuple):
    """A benchmark item found in a record."""

    benchmark: str
    item: str
    record: str
    text: str


@dataclass
class UnitReport:
    """What became of a unit. ``changed`` is by stage."""

    number: int
    source: str
    segments: list[Segment] = field(default_factory=list)
    read: int = 0
    changed: dict[str, Counter] = field(default_factory=dict)
    matches: list[Match] = field(default_factory=list)
    files: FileReport = field(default_factory=FileReport)

    @property
    def ledger(self) -> str:
        """Where the unit's ledger rows lie, under the folder of the work."""
        return f"{unit_place(self.number)}/ledger.parquet"

    def told(self) -> dict[str, Any]:
        """Return the report as JSON can hold it."""
        return {
            "number": self.number,
            "source": self.source,
            "segments": [[segment.kind, segment.rows] for segment in self.segments],
            "read": self.read,
            "changed": {stage: dict(counts) for stage, counts in self.changed.items()},
            "matches": [list(match) for match in self.matches],
            "files": asdict(self.files),
        }

    @classmethod
    def of(cls, told: dict[str, Any], folder: Path) -> UnitReport:
        """Return the report that a checkpoint of ``folder`` tells; the inverse of :meth:`told`."""
        place = folder / unit_place(told["number"])
        return cls(
            told["number"],
            told["source"],
            [
                Segment(place / f"{kind}.arrow", kind, tuple(rows))
                for kind, rows in told["segments"]
            ],
            told["read"],
            {stage: Counter(counts) for stage, counts in told["changed"].items()},
            [Match(*match) for match in told["matches"]],
            FileReport(**told["files"]),
        )


def unit_place(number: int) -> str:
    """Return the folder of a unit's checkpoint, under the folder of the work."""
    return f"units/{number:05d}"


def finished_units(chain: Chain, units: Sequence[Unit]) -> tuple[dict[int, UnitReport], list[str]]:
    """Return the reports of the units that an earlier run finished, and why others are not used."""
    reports: dict[int, UnitReport] = {}
    refused = []
    for unit in units:
        place = chain.folder / unit_place(unit.number)
        told, reason = checkpoint.finished(place, chain.keys[unit.number])
        if told:
            reports[unit.number] = UnitReport.of(told, chain.folder)
        elif reason:
            refused.append(f"checkpoint {unit_place(unit.number)} is not used: {reason}")
    return reports, refused


def read_unit(chain: Chain, unit: Unit) -> UnitReport:
    """Take one unit from bytes to clean records, features and ledger rows on disk."""
    with checkpoint.making(chain.folder / unit_place(unit.number)) as part:
        report = _read(chain, unit, part)
        told = report.told()
        checkpoint.seal(part, chain.keys[unit.number], told)
    return UnitReport.of(told, chain.folder)


def _read(chain: Chain, unit: Unit, part: Path) -> UnitReport:
    report = UnitReport(unit.number, unit.source.name)
    source = unit.source
    malformed: list[records.Malformed] = []

    def sound() -> Iterator[records.Record | records.Columns]:
        layout = sources.layout(source.layout)
        read = layout.read_columns if unit.limit is None else layout.read
        for found in islice(read(unit.files, source.options, report.files), unit.limit):
            report.read += len(found) if isinstance(found, records.Columns) else 1
            if isinstance(found, records.Malformed):
                malformed.append(found)
            else:
                yield found

    drops: list[pa.RecordBatch] = []
    with _Writers(chain, part) as writers:
        for batch in records.batches(
            sound(),
            source=source.name,
            license=source.license,
            domain=source.domain,
            origin=source.origin,
        ):
            for stage in chain.stages:
                result = stage(batch)
                batch = result.batch
                drops.append(result.drops)
                report.changed.setdefault(stage.name, Counter()).update(result.counts)
                found = (Match(*m) for m in getattr(result, "matches", ()))
                report.matches.extend(m for m in found if m.record not in chain.removed)
            if batch.num_rows:
                writers.write(batch)
    report.segments = writers.segments
    drops.append(_malformed_rows(source.name, malformed))
    table = pa.Table.from_batches([d for d in drops if d.num_rows], ledger.SCHEMA)
    table = _told(_taken_down(table, chain.removed), chain.stages)
    pq.write_table(table, part / "ledger.parquet")
    return report


def _malformed_rows(source: str, rows: Sequence[records.Malformed]) -> pa.RecordBatch:
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


def _told(table: pa.Table, stages: Sequence[Any]) -> pa.Table:
    """Mask the evidence as the records, then shorten it.

    The ledger tells of records that never came to be masked. Half a number is not known for one,
    so that the cut comes last.
    """
    evidence = table["evidence"].combine_chunks()
    for stage in stages:
        if isinstance(stage, Mask):
            evidence, _ = stage.masked(evidence)
    short = pa.array(map(ledger.shorten, evidence.to_pylist()), pa.string())
    column = table.schema.get_field_index("evidence")
    return table.set_column(column, table.schema.field(column), short)


class _Writers:
    """The Arrow and feature files of a unit, one of each for every kind that occurs."""

    def __init__(self, chain: Chain, part: Path) -> None:
        self.chain, self.part = chain, part
        self.open: dict[str, tuple[Any, Any, list[int], Path]] = {}
        self.segments: list[Segment] = []

    def __enter__(self) -> _Writers:
        return self

    def write(self, batch: pa.RecordBatch) -> None:
        kind = records.kind_of(batch)
        if kind not in self.open:
            path = self.part / f"{kind}.arrow"
            writer = pa.ipc.new_file(str(path), records.SCHEMAS[kind])
            self.open[kind] = (writer, feature_path(path).open("wb"), [], path)
        writer, features, rows, _ = self.open[kind]
        writer.write_batch(batch)
        rows.append(batch.num_rows)
        features.write(_feature_rows(self.chain, batch).tobytes())

    def __exit__(self, *error: object) -> None:
        for kind, (writer, features, rows, path) in self.open.items():
            writer.close()
            features.close()
            self.segments.append(Segment(path, kind, tuple(rows)))


def feature_path(segment: Path) -> Path:
    """Return where a segment's features lie: one fixed-size row for each record."""
    return segment.with_suffix(".features")


def feature_type(bands: int) -> np.dtype:
    """Return the dtype of a feature row; see :meth:`Deduplicate.features`."""
    return np.dtype(
        [
            ("exact", np.uint64, 2),
            ("bands", np.uint64, bands),
            ("sketch", np.uint64, SKETCH_WORDS),
            ("windows", np.int64),
            ("prompt", np.uint64),
            ("chars", np.int64),
            ("bytes", np.int64),
            ("id", np.uint64),
            ("lane", np.int8),
        ]
    )


def feature_rows(dtype: np.dtype, segments: Iterable[Segment]) -> np.ndarray:
    """Return the feature rows of all records, without their band keys and sketches: these are most
    of it, and no process needs them all."""
    apart = ("bands", "sketch", "windows")
    names = [name for name in dtype.names or () if name not in apart]
    # A view of some columns keeps all of them: each part is copied before the next is read.
    parts = [repack_fields(np.zeros(0, dtype)[names])]
    parts += [repack_fields(np.fromfile(feature_path(s.path), dtype)[names]) for s in segments]
    return np.concatenate(parts)


def _feature_rows(chain: Chain, batch: pa.RecordBatch) -> np.ndarray:
    found = chain.features(batch)
    rows = np.zeros(batch.num_rows, chain.feature_type)
    for name, column in found._asdict().items():
        rows[name] = column
    texts, row, _ = records.leaves(batch)
    sizes = pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False)
    rows["bytes"] = np.bincount(row, sizes, batch.num_rows)
    rows["id"] = [int(name[-16:], 16) for name in batch["id"].to_pylist()]
    rows["lane"] = LANES[records.kind_of(batch)]
    if "candidates" in batch.schema.names:
        rivals = pc.list_value_length(batch["candidates"]).to_numpy(zero_copy_only=False)
        rows["lane"][rivals > 0] = CANDIDATES_LANE
    return rows

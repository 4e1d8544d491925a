"""Plan and read: the sources' files become units of work; each unit becomes clean records.

A worker takes a unit from bytes to Arrow at once: decode, clean, simplify, filter, mask,
decontaminate, and the features that `decide` needs. What it leaves on disk is one Arrow file of
records, one of features and one of ledger rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from . import ledger, records, sources
from .recipe import Recipe, Source
from .sources import FileReport, SourceFile
from .sources._files import resolve, sha256
from .stages.mask import Mask
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


class Plan(NamedTuple):
    """The work, and every source's files by the source's name."""

    units: list[Unit]
    files: dict[str, list[SourceFile]]

    def hashes(self) -> dict[str, list[str]]:
        """Return the sha256 of every source's files, in their order."""
        with ThreadPoolExecutor(4) as pool:  # hashing and reading both let go of the GIL
            return {name: list(pool.map(sha256, files)) for name, files in self.files.items()}


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
    return Plan(units, files)


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
    """What every worker needs for `read`."""

    folder: Path
    stages: tuple[Any, ...]
    features: Callable[[pa.RecordBatch], Any]
    feature_type: np.dtype


class Match(NamedTuple):
    """A benchmark item found in a record."""

    benchmark: str
    item: str
    record: str
    text: str


@dataclass
class UnitReport:
    """What became of a unit. ``changed`` and ``seconds`` are by stage."""

    number: int
    source: str
    segments: list[Segment] = field(default_factory=list)
    read: int = 0
    chars: int = 0
    dropped: Counter = field(default_factory=Counter)
    changed: dict[str, Counter] = field(default_factory=dict)
    matches: list[Match] = field(default_factory=list)
    files: FileReport = field(default_factory=FileReport)


def read_unit(chain: Chain, unit: Unit) -> UnitReport:
    """Take one unit from bytes to clean records, features and ledger rows on disk."""
    report = UnitReport(unit.number, unit.source.name)
    source = unit.source
    malformed: list[records.Malformed] = []

    def sound() -> Iterator[records.Record]:
        layout = sources.layout(source.layout)
        found = layout.read(unit.files, source.options, report.files)
        for record in islice(found, unit.limit):
            report.read += 1
            if isinstance(record, records.Malformed):
                malformed.append(record)
            else:
                yield record

    drops: list[pa.RecordBatch] = []
    with _Writers(chain, unit) as writers:
        for batch in records.batches(
            sound(),
            source=source.name,
            license=source.license,
            domain=source.domain,
            origin=source.origin,
        ):
            report.chars += int(pc.sum(pc.utf8_length(records.leaves(batch).texts)).as_py() or 0)
            for stage in chain.stages:
                result = stage(batch)
                batch = result.batch
                drops.append(result.drops)
                report.changed.setdefault(stage.name, Counter()).update(result.counts)
                report.matches.extend(Match(*m) for m in getattr(result, "matches", ()))
            if batch.num_rows:
                writers.write(batch)
    report.segments = writers.segments
    drops.append(_malformed_rows(source.name, malformed))
    table = pa.Table.from_batches([d for d in drops if d.num_rows], ledger.SCHEMA)
    table = _masked(table, chain.stages)
    report.dropped = Counter(
        zip(table["stage"].to_pylist(), table["rule"].to_pylist(), strict=True)
    )
    pq.write_table(table, chain.folder / f"{unit.number:05d}.ledger.parquet")
    return report


def _malformed_rows(source: str, rows: Sequence[records.Malformed]) -> pa.RecordBatch:
    n = len(rows)
    columns = [
        [records.record_id(source, row.key) for row in rows],
        [source] * n,
        [row.key for row in rows],
        ["read"] * n,
        [row.rule for row in rows],
        [ledger.shorten(row.evidence) for row in rows],
        [None] * n,
    ]
    return pa.record_batch([pa.array(c, pa.string()) for c in columns], schema=ledger.SCHEMA)


def _masked(table: pa.Table, stages: Sequence[Any]) -> pa.Table:
    """Mask the evidence as the records: the ledger tells of those that never came to be masked."""
    for stage in stages:
        if isinstance(stage, Mask):
            column = table.schema.get_field_index("evidence")
            evidence = table["evidence"].combine_chunks()
            masked, _ = stage.masked(evidence)
            table = table.set_column(column, table.schema.field(column), masked)
    return table


class _Writers:
    """The Arrow and feature files of a unit, one of each for every kind that occurs."""

    def __init__(self, chain: Chain, unit: Unit) -> None:
        self.chain, self.unit = chain, unit
        self.open: dict[str, tuple[Any, Any, list[int], Path]] = {}
        self.segments: list[Segment] = []

    def __enter__(self) -> _Writers:
        return self

    def write(self, batch: pa.RecordBatch) -> None:
        kind = records.kind_of(batch)
        if kind not in self.open:
            path = self.chain.folder / f"{self.unit.number:05d}-{kind}.arrow"
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
            ("prompt", np.uint64),
            ("chars", np.int64),
            ("bytes", np.int64),
            ("id", np.uint64),
            ("lane", np.int8),
        ]
    )


def _feature_rows(chain: Chain, batch: pa.RecordBatch) -> np.ndarray:
    found = chain.features(batch)
    rows = np.zeros(batch.num_rows, chain.feature_type)
    for name in ("exact", "bands", "prompt", "chars"):
        rows[name] = getattr(found, name)
    texts, row, _ = records.leaves(batch)
    sizes = pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False)
    rows["bytes"] = np.bincount(row, sizes, batch.num_rows)
    rows["id"] = [int(name[-16:], 16) for name in batch["id"].to_pylist()]
    rows["lane"] = LANES[records.kind_of(batch)]
    if "candidates" in batch.schema.names:
        rivals = pc.list_value_length(batch["candidates"]).to_numpy(zero_copy_only=False)
        rows["lane"][rivals > 0] = CANDIDATES_LANE
    return rows

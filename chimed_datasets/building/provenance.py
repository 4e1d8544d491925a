"""The manifest of a build: what was built from what. Nothing in it changes from run to run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..built import llama_factory
from ..built.manifest import (
    FORMAT,
    LIBRARY,
    SCHEMA_VERSION,
    Account,
    BenchmarkEntry,
    Configs,
    GuestEntry,
    KnownEntry,
    Manifest,
    Measured,
    ReadSource,
    SourceFileEntry,
    StageEntry,
    Unsigned,
    describe,
    nested,
    nested_counts,
    signed,
)
from ..recipe.guests import GuestStage
from ..rows import builders
from .dropped import Dropped

if TYPE_CHECKING:
    from ..known import Entry
    from ..recipe import Recipe, Source
    from ..sources import SourceFile
    from .prepared import Prepared


LISTED_FILES = 50
"""A source of more files than this is listed by its joint hash alone."""
NAMED_NOT_READ = 10_000
"""So many files that were passed over are named for a source."""


def make(
    prepared: Prepared,
    configs: Configs,
    account: dict[str, Account],
    dropped: Dropped,
    refused: pa.Table,
    measured: Measured,
    target: Path,
) -> Manifest:
    """Draw up the manifest of a build whose files stand in ``target``."""
    recipe = prepared.recipe
    hashes = prepared.plan.hashes
    content: Unsigned = {
        "name": recipe.name,
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "library": LIBRARY,
        # Parquet bytes and texts depend on these.
        "versions": {name: version(name) for name in ("datasets", "pyarrow", "opencc")},
        "seed": recipe.seed,
        "recipe": _plain(recipe.model_dump(mode="json", exclude={"stages"})),
        "stages": _stages(prepared, dropped, measured),
        "sources": [
            {**_source(prepared, source, hashes[source.name]), **account[source.name]}
            for source in recipe.sources
        ],
        "dropped": nested(dropped.counts("source", "stage", "rule")),
        "refused": nested_counts(refused, ("config", "rule")),
        "benchmarks": _benchmarks(prepared),
        "measured": measured,
        "configs": configs,
        "files": {
            str(path.relative_to(target)): describe(path)
            for path in [
                *sorted((target / "ledger").iterdir()),
                *sorted(target.glob(f"{llama_factory.INLINE}/*.parquet")),
                target / "statistics.json",
            ]
        },
    }
    if recipe.guests:
        content["guests"] = _guests(recipe)
    return signed(content)


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, ensure_ascii=False, default=str))


def _stages(
    prepared: Prepared, dropped: Dropped, measured: Measured
) -> dict[str, StageEntry | None]:
    """Each stage's settings, what it changed, and what it dropped; null for one left out."""
    changed: dict[str, Counter[str]] = {}
    for report in prepared.reports:
        for stage, counts in report.changed.items():
            changed.setdefault(stage, Counter()).update(counts)
    if (passages := measured.get("passages")) and passages["documents"]:
        changed["passages"] = Counter(cut=passages["documents"])
    lost = nested(dropped.counts("stage", "rule"))
    out: dict[str, StageEntry | None] = {}
    for name, stage in prepared.recipe.stages.in_order().items():
        out[name] = stage and StageEntry(
            settings=_plain(
                stage.settings if isinstance(stage, GuestStage) else dataclasses.asdict(stage)
            ),
            changed=dict(sorted(changed.get(name, {}).items())),
            dropped=lost.get(name, {}),
        )
    return out


def _guests(recipe: Recipe) -> list[GuestEntry]:
    """The code from outside the package: what it is called, its package and its hash."""
    about = {name: builder.about for name, builder in builders(recipe.guest_builders).items()}
    entries: list[GuestEntry] = []
    for guest, name in recipe.guests.items():
        entry: GuestEntry = {
            "kind": guest.kind,
            "name": name,
            "key": guest.key,
            "package": guest.package,
            "sha256": guest.sha256,
        }
        if guest.kind == "builders":
            entry["about"] = about[name]
        entries.append(entry)
    return entries


def joint_hash(files: list[SourceFile], hashes: list[str]) -> str:
    """Return one sha256 over the names and hashes of a source's files."""
    joint = hashlib.sha256()
    for file, digest in zip(files, hashes, strict=True):
        joint.update(f"{file.name}\0{digest}\n".encode())
    return joint.hexdigest()


def _source(prepared: Prepared, source: Source, hashes: list[str]) -> ReadSource:
    """Hashes of a source's files, and what reading them met."""
    files = prepared.plan.files[source.name]
    replaced: dict[str, int] = {}
    encodings: Counter[str] = Counter()
    traces: Counter[str] = Counter()
    for report in prepared.reports:
        if report.source == source.name:
            replaced.update({k: n for k, n in report.files.replaced.items() if n})
            encodings.update(report.files.encodings.values())
            traces.update(report.files.traces)
    listed: list[SourceFileEntry] = [
        {"name": file.name, "bytes": file.size, "sha256": digest}
        for file, digest in zip(files, hashes, strict=True)
    ]
    entry: ReadSource = {
        "name": source.name,
        "layout": source.layout,
        "path": source.path,
        "license": source.license,
        "domain": source.domain,
        "origin": source.origin,
        "num_files": len(files),
        "sha256": joint_hash(files, hashes),
        "files": listed if len(files) <= LISTED_FILES else [],
        "encodings": dict(sorted(encodings.items())),
        "replaced_bytes": dict(sorted(replaced.items())),
    }
    if passed := prepared.plan.passed[source.name]:
        entry["not_read"] = dict(islice(passed.items(), NAMED_NOT_READ))
        if len(passed) > NAMED_NOT_READ:
            entry["num_not_read"] = len(passed)
    if source.entry is not None:
        entry["known"] = _known(source.entry)
    if traces:
        entry["reasoning"] = dict(sorted(traces.items()))
    return entry


def _known(entry: Entry) -> KnownEntry:
    """What a reader of the dataset must know of a public corpus in it."""
    about: KnownEntry = {
        "name": entry.name,
        "title": entry.title,
        "page": entry.page,
        "tier": entry.tier,
        "licence_by": entry.licence.by,
        "checked": f"{entry.checked.when}: {entry.checked.against}",
    }
    if entry.republish and not entry.republish.allowed:
        about["forbidden"] = entry.republish.why
    if entry.defects:
        about["defects"] = [f"{one.what} ({one.where})" for one in entry.defects]
    if entry.contains:
        about["contains"] = entry.contains
    if entry.model:
        about["model"] = entry.model
    if entry.citation:
        about["citation"] = entry.citation
    return about


def _benchmarks(prepared: Prepared) -> dict[str, BenchmarkEntry]:
    """Items, items found, records dropped and the matching texts, by benchmark."""
    out: dict[str, BenchmarkEntry] = {}
    matches = [match for report in prepared.reports for match in report.matches]
    for name, items in prepared.benchmark_items.items():
        own = [m for m in matches if m.benchmark == name]
        out[name] = {
            "items": items,
            "whole_only": prepared.benchmark_reach[name].whole,
            "not_searched": prepared.benchmark_reach[name].never,
            "items_hit": len({m.item for m in own}),
            "records_dropped": len({m.record for m in own}),
            "matches": [{"item": m.item, "record": m.record, "text": m.text} for m in own],
        }
    return out

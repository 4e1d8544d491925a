"""A build as it may be handed on: rows of restricted sources leave as ids and hashes alone.

:func:`withhold` writes such a copy of a build. ``withheld/rows.parquet`` has a row for each one
left out: config, split, file and place in it, id, record, source, and the sha256 of its content.
The ledger loses what quotes these sources (evidence, the file and row of a record, and the kept
texts of dropped ones). Whoever
holds a copy of the sources makes the rows again: :mod:`.rehydrate`.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..built import bias, card, llama_factory, texts
from ..built.dataset import WITHHELD, Built
from ..built.manifest import (
    BenchmarkEntry,
    BenchmarkMatch,
    Configs,
    DataFile,
    Manifest,
    PassageEntry,
    PassagesEntry,
    Withheld,
    describe,
    signed,
    to_json,
    unsigned,
)
from ..built.parquet import file_schema, parquet_writer, row_groups, row_hash
from ..built.statistics import WORD_SAMPLE_CHARS, Statistics, Tally, of_configs, tally
from ..errors import PublishError
from ..lang import _

SCHEMA = pa.schema(
    [
        ("config", pa.string()),
        ("split", pa.string()),
        ("file", pa.string()),
        ("place", pa.int64()),
        ("id", pa.string()),
        ("record", pa.string()),
        ("source", pa.string()),
        ("sha256", pa.string()),
    ]
)


def withhold(built: Built, sources: Collection[str], target: Path) -> Built:
    """Write a copy of ``built`` without the texts of ``sources`` to the folder ``target``."""
    restricted = [source for source in built.manifest["sources"] if source["name"] in sources]
    domains = {source["name"]: source["domain"] for source in restricted}
    features = built.features()
    gone: list[dict[str, Any]] = []
    groups: dict[str, list[int]] = {}
    configs: Configs = {}
    for config, split, entry in built.files():
        file = entry["file"]
        part = _write_part(
            built.folder / file, target / file, file_schema(features[config]), domains
        )
        gone += [{"config": config, "split": split, "file": file, **row} for row in part.gone]
        groups[file] = part.groups
        if part.rows:
            new: DataFile = {"file": file, "rows": part.rows, **describe(target / file)}
            configs.setdefault(config, {}).setdefault(split, []).append(new)
    if not configs:
        raise PublishError(
            _("{folder} has no row that may go out: every source is withheld.").format(
                folder=built.folder
            )
        )
    _write_ledger(built, sources, target)
    write_withheld(gone, target)
    count = Counter(row["source"] for row in gone)
    withheld: Withheld = {
        "rows": len(gone),
        "sources": [
            {"name": s["name"], "license": s["license"], "rows": count[s["name"]]}
            for s in restricted
        ],
        "groups": groups,
    }
    benchmarks = _unquoted(built.manifest["benchmarks"], sources)
    content: Manifest = {**built.manifest, "benchmarks": benchmarks, "withheld": withheld}
    measured = content.get("measured")
    if measured and (cut := measured.get("passages")):
        content["measured"] = {**measured, "passages": _without_texts(cut, sources)}
    return finish(content, configs, target)


def unlearnt(row: Mapping[str, Any], domains: Mapping[str, str]) -> dict[str, Any]:
    """Return a row without what the stage `label` put on it: that was learnt from all records,
    and one source alone does not give it back. domains: as the recipe states them, by source."""
    origin = dict(row.get("label_origin") or {})
    out = {**row, "label_origin": origin} if origin else dict(row)
    if origin.get("domain") == "classifier":
        out["domain"], origin["domain"] = domains[row["source"]], "stated"
    if origin.get("department") == "classifier":
        out["department"] = origin["department"] = None
    if origin.get("keyphrases") == "tfidf":
        out["keyphrases"], origin["keyphrases"] = [], None
    return out


def finish(manifest: Manifest, configs: Configs, target: Path) -> Built:
    """Write statistics, manifest, card and dataset_info.json for what lies in ``target``."""
    statistics = _statistics(configs, target)
    (target / "statistics.json").write_text(to_json(statistics), "utf-8")
    inline = llama_factory.write_inline(target, configs, statistics)
    others = [*sorted((target / "ledger").iterdir()), *inline, target / "statistics.json"]
    if (target / WITHHELD).exists():
        others.append(target / WITHHELD)
    content = unsigned(manifest)
    content["configs"] = configs
    biases = bias.of_folder(target)
    content["measured"] = {**(manifest.get("measured") or {}), **biases}
    if "unpaired" not in biases:
        content["measured"].pop("unpaired", None)
    content["measured"].pop("texts", None)
    if (target / texts.FILE).is_file():
        content["measured"]["texts"] = texts.count(target)
    content["files"] = {path.relative_to(target).as_posix(): describe(path) for path in others}
    built = Built(target, signed(content))
    (target / "manifest.json").write_text(to_json(built.manifest), "utf-8")
    card.write(built)
    llama_factory.write(target, built.manifest, built.statistics())
    return built


def write_withheld(rows: list[dict[str, Any]], target: Path) -> None:
    (target / WITHHELD).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), target / WITHHELD, compression="zstd")


class _Part(NamedTuple):
    """A data file without the rows of some sources.

    rows:   how many stay; 0: there is no file.
    groups: rows of each of its row groups, as it was.
    gone:   of each row left out, what :data:`SCHEMA` has of it but config, split and file.
    """

    rows: int
    groups: list[int]
    gone: list[dict[str, Any]]


def _write_part(old: Path, new: Path, schema: pa.Schema, domains: Mapping[str, str]) -> _Part:
    """Write the data file ``old`` to ``new`` without the rows of the sources in ``domains``."""
    new.parent.mkdir(parents=True, exist_ok=True)
    names = pq.read_table(old, columns=["source"])["source"]
    if not pc.any(pc.is_in(names, pa.array(sorted(domains), pa.string()))).as_py():
        shutil.copyfile(old, new)  # the same bytes: nothing to upload again
        with pq.ParquetFile(old) as file:
            sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
        return _Part(len(names), sizes, [])
    place, stayed = 0, 0
    groups: list[int] = []
    gone: list[dict[str, Any]] = []
    with parquet_writer(new, schema) as writer:
        for rows in row_groups(old):
            groups.append(len(rows))
            stay = []
            for row in rows:
                if row["source"] in domains:
                    gone.append({"place": place, **_known_by(row, domains)})
                else:
                    stay.append(row)
                place += 1
            if stay:
                writer.write_table(pa.Table.from_pylist(stay, schema))
                stayed += len(stay)
    if not stayed:
        new.unlink()
    return _Part(stayed, groups, gone)


def _known_by(row: Mapping[str, Any], domains: Mapping[str, str]) -> dict[str, str]:
    """Return what a row is known by once its text is gone."""
    return {
        "id": row["id"],
        "record": row.get("thread_id", row["id"]),
        "source": row["source"],
        "sha256": row_hash(unlearnt(row, domains)),
    }


def _write_ledger(built: Built, sources: Collection[str], target: Path) -> None:
    """Write the ledger; rows of ``sources`` lose key and evidence, except which twin was like."""
    (target / "ledger").mkdir(parents=True)
    restricted = pa.array(sorted(sources), pa.string())
    for name in ("kept", "dropped", "refused"):
        table = built.ledger(name)
        hide = pc.is_in(table["source"], restricted)
        for column in ("key", "evidence", "reason"):
            if column in table.column_names:
                where = hide
                if column == "evidence" and "stage" in table.column_names:
                    where = pc.and_(hide, pc.not_equal(table["stage"], "deduplicate"))
                at = table.schema.get_field_index(column)
                blank = pc.if_else(where, pa.scalar("", pa.string()), table[column])
                table = table.set_column(at, table.schema.field(column), blank)
        pq.write_table(table, target / "ledger" / f"{name}.parquet", compression="zstd")
    if (built.folder / texts.FILE).is_file():
        table = built.ledger(texts.NAME)
        table = table.filter(pc.invert(pc.is_in(table["source"], restricted)))
        pq.write_table(table, target / texts.FILE, compression="zstd")


def _unquoted(
    benchmarks: Mapping[str, BenchmarkEntry], sources: Collection[str]
) -> dict[str, BenchmarkEntry]:
    """Return what was found of each benchmark, without the texts of ``sources``."""

    def unquoted(match: BenchmarkMatch) -> BenchmarkMatch:
        restricted = match["record"].rpartition("-")[0] in sources
        return {**match, "text": ""} if restricted else match

    return {
        name: {**entry, "matches": [unquoted(match) for match in entry["matches"]]}
        for name, entry in benchmarks.items()
    }


def _without_texts(cut: PassagesEntry, sources: Collection[str]) -> PassagesEntry:
    """Return which passages were cut, without the texts of ``sources``."""
    examples: list[PassageEntry] = [
        {**one, "text": ""} if one["source"] in sources else one for one in cut["examples"]
    ]
    return {**cut, "examples": examples}


def _statistics(configs: Configs, target: Path) -> Statistics:
    """Return the statistics of the data files, as a build writes them."""
    files = [file for splits in configs.values() for files in splits.values() for file in files]
    size = sum(file["bytes"] for file in files)
    sample = min(1.0, WORD_SAMPLE_CHARS / max(size, 1))

    def tallies(files: list[DataFile]) -> Iterator[Tally]:
        for file in files:
            for rows in row_groups(target / file["file"]):
                yield tally(rows, sample)

    return of_configs(
        {
            config: {split: tallies(files) for split, files in splits.items()}
            for config, splits in configs.items()
        }
    )

"""A build as it may be handed on: rows of restricted sources leave as ids and hashes alone.

:func:`withhold` writes such a copy of a build. ``withheld/rows.parquet`` has a row for each one
left out: config, split, file and place in it, id, record, source, and the sha256 of its content.
The ledger loses what quotes these sources (evidence, and the file and row of a record). Whoever
holds a copy of the sources makes the rows again: :mod:`.rehydrate`.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..built import bias, card, statistics
from ..built import manifest as manifests
from ..built.dataset import WITHHELD, Built
from ..built.parquet import parquet_writer, row_groups, row_hash
from ..errors import PublishError
from ..rows import builders

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
Configs = dict[str, dict[str, list[dict[str, Any]]]]


def withhold(built: Built, sources: Collection[str], target: Path) -> Built:
    """Write a copy of ``built`` without the texts of ``sources`` to the folder ``target``."""
    gone: list[dict[str, Any]] = []
    groups: dict[str, list[int]] = {}
    configs: Configs = {}
    domains = {source["name"]: source["domain"] for source in built.manifest["sources"]}
    for config, split, entry in built.files():
        groups[entry["file"]], rows = _part(
            built, config, split, entry, sources, target, gone, domains
        )
        if rows:
            path = target / entry["file"]
            told = {"file": entry["file"], "rows": rows, **manifests.describe(path)}
            configs.setdefault(config, {}).setdefault(split, []).append(told)
    _write_ledger(built, sources, target)
    write_withheld(gone, target)
    licences = {s["name"]: s["license"] for s in built.manifest["sources"]}
    count = Counter(row["source"] for row in gone)
    withheld = {
        "rows": len(gone),
        "sources": [
            {"name": name, "license": licences[name], "rows": count[name]}
            for name in licences
            if name in sources
        ],
        "groups": groups,
    }
    manifest = {
        **built.manifest,
        "benchmarks": _unquoted(built.manifest["benchmarks"], sources),
        "withheld": withheld,
    }
    if not configs:
        raise PublishError(f"{built.folder} has no row that may go out: every source is withheld.")
    return finish(manifest, configs, target)


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


def finish(manifest: Mapping[str, Any], configs: Configs, target: Path) -> Built:
    """Write statistics, manifest and card of the data files and the ledger in ``target``."""
    stats = _statistics(configs, target)
    (target / "statistics.json").write_text(_json(stats), "utf-8")
    content = {key: value for key, value in manifest.items() if key != "fingerprint"}
    content["configs"] = configs
    content["measured"] = {
        **(manifest.get("measured") or {}),
        "preference": bias.measure(sorted((target / "preference").glob("*.parquet"))),
    }
    others = [*sorted((target / "ledger").iterdir()), target / "statistics.json"]
    if (target / WITHHELD).exists():
        others.append(target / WITHHELD)
    content["files"] = {
        path.relative_to(target).as_posix(): manifests.describe(path) for path in others
    }
    content = {"fingerprint": manifests.fingerprint(content), **content}
    (target / "manifest.json").write_text(_json(content), "utf-8")
    card.write(target, content, stats)
    return Built(target, content)


def write_withheld(rows: list[dict[str, Any]], target: Path) -> None:
    (target / WITHHELD).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), target / WITHHELD, compression="zstd")


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _part(
    built: Built,
    config: str,
    split: str,
    entry: Mapping[str, Any],
    sources: Collection[str],
    target: Path,
    gone: list[dict[str, Any]],
    domains: Mapping[str, str],
) -> tuple[list[int], int]:
    """Write a data file without the rows of ``sources``, which go to ``gone``. Returns the rows
    of each of its row groups as it was, and how many rows stay (0: there is no file)."""
    path, new = built.folder / entry["file"], target / entry["file"]
    new.parent.mkdir(parents=True, exist_ok=True)
    place, left, groups = 0, 0, []
    names = pq.read_table(path, columns=["source"])["source"]
    if not pc.any(pc.is_in(names, pa.array(sorted(sources), pa.string()))).as_py():
        shutil.copyfile(path, new)  # the same bytes: nothing to upload again
        with pq.ParquetFile(path) as file:
            sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
        return sizes, entry["rows"]
    schema = builders()[config].features.arrow_schema
    with parquet_writer(new, schema) as writer:
        for rows in row_groups(path):
            groups.append(len(rows))
            stay = []
            for row in rows:
                if row["source"] in sources:
                    gone.append(
                        {
                            "config": config,
                            "split": split,
                            "file": entry["file"],
                            "place": place,
                            "id": row["id"],
                            "record": row.get("thread_id", row["id"]),
                            "source": row["source"],
                            "sha256": row_hash(unlearnt(row, domains)),
                        }
                    )
                else:
                    stay.append(row)
                place += 1
            if stay:
                writer.write_table(pa.Table.from_pylist(stay, schema))
                left += len(stay)
    if not left:
        new.unlink()
    return groups, left


def _write_ledger(built: Built, sources: Collection[str], target: Path) -> None:
    """Write the ledger; rows of ``sources`` lose key and evidence, except which twin was like."""
    (target / "ledger").mkdir(parents=True)
    restricted = pa.array(sorted(sources), pa.string())
    for name in ("kept", "dropped", "refused"):
        table = built.ledger(name)
        hide = pc.is_in(table["source"], restricted)
        for column in ("key", "evidence"):
            if column in table.column_names:
                told = hide
                if column == "evidence" and "stage" in table.column_names:
                    told = pc.and_(hide, pc.not_equal(table["stage"], "deduplicate"))
                at = table.schema.get_field_index(column)
                blank = pc.if_else(told, pa.scalar("", pa.string()), table[column])
                table = table.set_column(at, table.schema.field(column), blank)
        pq.write_table(table, target / "ledger" / f"{name}.parquet", compression="zstd")


def _unquoted(benchmarks: Mapping[str, Any], sources: Collection[str]) -> dict[str, Any]:
    """Return what was found of each benchmark, without the texts of ``sources``."""

    def quoted(match: Mapping[str, Any]) -> bool:
        return match["record"].rpartition("-")[0] not in sources

    return {
        name: {
            **told,
            "matches": [m if quoted(m) else {**m, "text": ""} for m in told["matches"]],
        }
        for name, told in benchmarks.items()
    }


def _statistics(configs: Configs, target: Path) -> dict[str, Any]:
    """Return the statistics of the data files, as a build writes them."""
    files = [file for splits in configs.values() for files in splits.values() for file in files]
    size = sum(file["bytes"] for file in files)
    sample = min(1.0, statistics.WORD_SAMPLE_CHARS / max(size, 1))
    out: dict[str, Any] = {}
    for config, splits in configs.items():
        tallies = {
            split: statistics.merge(
                statistics.tally(rows, sample)
                for entry in entries
                for rows in row_groups(target / entry["file"])
            )
            for split, entries in splits.items()
        }
        tallies["all"] = statistics.merge(tallies.values())
        out[config] = {split: statistics.finish(total) for split, total in tallies.items()}
    return out

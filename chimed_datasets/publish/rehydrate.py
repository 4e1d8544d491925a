"""Rows that were withheld, made again from a copy of their sources.

The manifest tells how the build treated the sources; only where they lie now is asked for. They
are read, cleaned, simplified, filtered and masked as then, without the deciding over all records:
the ids of ``withheld/rows.parquet`` say which rows there were. Each is compared with its hash.
Labels that were learnt from all records (stage `label`) do not come back.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .. import recipe
from ..building.prepared import Prepared, prepare
from ..building.progress import Progress
from ..building.write import WriteContext
from ..built.dataset import WITHHELD, Built, of_schema_1, open_built
from ..built.manifest import Configs, DataFile, Manifest, Withheld, describe
from ..built.parquet import file_schema, is_plain, parquet_writer, row_groups, row_hash
from ..errors import PublishError, did_you_mean
from ..lang import _
from ..plugins import Guest
from ..records import kind_of
from ..rows import builders
from ..rows.labels import labelled
from .withholding import finish, write_withheld

if TYPE_CHECKING:
    from datasets import Features


CONVERSATIONS = ("sft", "preference")
"""Configs whose messages have reasoning since schema 2."""


class Rehydrated(NamedTuple):
    """``made``: rows that are as they were. ``missing``: their records are not in the copy.
    ``differ``: made otherwise than then, left out. ``left``: of sources that were not given."""

    made: int
    missing: int
    differ: int
    left: int


class _Every:
    """A choice that lets every pair stay: which ones the build took is known."""

    def rule(self, pair: int) -> str:
        return ""


def rehydrate(
    folder: str | Path,
    paths: Mapping[str, str],
    out: str | Path,
    *,
    workers: int = 1,
    allow_code: bool = False,
    progress: Progress = lambda *figures: None,
) -> Rehydrated:
    """Write the dataset in ``folder`` with its withheld rows to ``out``.

    paths: where each withheld source lies, by its name; any fsspec address.
    allow_code: whether code that the build's recipe names by path or import may run.

    Raises :class:`PublishError` where nothing was withheld, for an unknown source, and where
    ``out`` exists.
    """
    built, out = open_built(folder), Path(out)
    withheld = built.manifest.get("withheld")
    if not withheld:
        raise PublishError(_("{folder} has every row: nothing was withheld.").format(folder=folder))
    names = [source["name"] for source in withheld["sources"]]
    for name in paths:
        if name not in names:
            raise PublishError(
                _("nothing of source {name!r} was withheld.{did_you_mean}").format(
                    name=name, did_you_mean=did_you_mean(name, names)
                )
            )
    if not paths:
        raise PublishError(
            _("no source was given: pass --source NAME=PATH for {names}.").format(
                names=", ".join(names)
            )
        )
    if out.exists():
        raise PublishError(_("{out} exists: name another --out.").format(out=out))
    wanted = pq.read_table(built.folder / WITHHELD)
    given = wanted.filter(pc.is_in(wanted["source"], pa.array(list(paths), pa.string())))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as work:
        prepared = prepare(
            _recipe(built, paths, allow_code), Path(work), workers=workers, allow_empty=True,
            progress=progress,
        )  # fmt: skip
        features = _features(built, prepared.context.guests)
        schemas = {name: own.arrow_schema for name, own in features.items()}
        made, differ = _rows(prepared, given, schemas)
        target = Path(work) / "dataset"
        shutil.copytree(built.folder / "ledger", target / "ledger")
        left = [row for row in wanted.to_pylist() if (row["file"], row["place"]) not in made]
        if left:
            write_withheld(left, target)
        _finish(built, withheld, made, left, features | built.features(), target)
        target.rename(out)
    return Rehydrated(len(made), len(given) - len(made) - differ, differ, len(wanted) - len(given))


def _recipe(built: Built, paths: Mapping[str, str], allow_code: bool) -> recipe.Recipe:
    """Return the build's recipe over the given sources alone, without deduplication."""
    manifest = built.manifest
    stages: dict[str, Any] = {"deduplicate": False, "relevance": False, "passages": False}
    keys = {g["name"]: g["key"] for g in manifest.get("guests", ()) if g["kind"] == "stages"}
    stages |= {
        keys.get(name, name): stage["settings"] if stage else False
        for name, stage in manifest["stages"].items()
        if name not in ("split", "relevance", "label", "decontaminate", "deduplicate")
    }
    sources = [
        {
            **{key: value for key, value in source.items() if key not in ("known", "revision")},
            "path": str(paths[source["name"]]),
        }
        for source in manifest["recipe"]["sources"]
        if source["name"] in paths
    ]
    configs = _of_sources(manifest["recipe"].get("builders", {}), paths)
    if built.schema_version < 2:  # what it left out meant another thing then
        configs["pretrain"] = {"title_in_text": False, **(configs.get("pretrain") or {})}
    content = {
        "name": manifest["name"],
        "sources": sources,
        "stages": stages,
        "builders": configs,
        "ledger": {"texts": "none"},
    }
    return recipe.parse(content, Path.cwd(), "manifest.json", allow_code=allow_code)


def _of_sources(builders: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return the settings of configs without those that name another source than ``names``."""
    preference = dict(builders.get("preference") or {})
    unpaired = preference.get("unpaired")
    if not isinstance(unpaired, Mapping) or not unpaired.get("scores"):
        return dict(builders)
    scores = {name: one for name, one in unpaired["scores"].items() if name in names}
    preference["unpaired"] = {**unpaired, "scores": scores}
    return {**builders, "preference": preference}


def _rows(
    prepared: Prepared, wanted: pa.Table, schemas: Mapping[str, pa.Schema]
) -> tuple[dict[tuple[str, int], bytes], int]:
    """Return the rows that are as they were, as JSON by (file, place), and how many differ."""
    by_id = {
        (row["config"], row["id"]): (row["file"], row["place"], row["sha256"])
        for row in wanted.to_pylist()
    }
    owners = pc.unique(wanted["record"])
    made: dict[tuple[str, int], bytes] = {}
    differ = 0
    for __, batch in prepared.store.blocks():
        batch = batch.filter(pc.is_in(batch["id"], owners))
        for config, row in _made(batch, prepared.context, schemas):
            if (config, row["id"]) not in by_id:
                continue
            file, place, sha256 = by_id[config, row["id"]]
            if row_hash(row) == sha256:
                made[file, place] = orjson.dumps(row)
            else:
                differ += 1
    return made, differ


def _features(built: Built, guests: Sequence[Guest]) -> dict[str, Features]:
    """Return config -> the columns that its rows had: those of the build's own files, where it has
    any."""
    features = {name: builder.features for name, builder in builders(guests).items()}
    if built.schema_version < 2:
        features = {
            name: of_schema_1(own) if name in CONVERSATIONS else own
            for name, own in features.items()
        }
    return features | {name: own for name, own in built.features().items() if is_plain(own)}


def _made(
    batch: pa.RecordBatch, context: WriteContext, schemas: Mapping[str, pa.Schema]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (config, row) for every row that the records of a batch can give."""
    records = labelled(batch)
    for name, builder in builders(context.guests).items():
        if name not in context.settings or kind_of(batch) not in builder.kinds:
            continue
        rows = [
            row
            for record in records
            for row in builder.to_row(record, context.settings[name], _Every())
            if isinstance(row, dict)
        ]
        # through Arrow and back, as the rows whose hashes are known
        for row in pa.Table.from_pylist(rows, schemas[name]).to_pylist():
            yield name, row


def _finish(
    built: Built,
    withheld: Withheld,
    made: Mapping[tuple[str, int], bytes],
    left: list[dict[str, Any]],
    features: Mapping[str, Features],
    target: Path,
) -> None:
    """Write the data files with the rows put back in their places, and what tells of them."""
    known = {entry["file"]: (config, split) for config, split, entry in built.files()}
    known |= {row["file"]: (row["config"], row["split"]) for row in left}
    table = pq.read_table(built.folder / WITHHELD, columns=["file", "config", "split"])
    known |= {row["file"]: (row["config"], row["split"]) for row in table.to_pylist()}
    absent = {(row["file"], row["place"]) for row in left}
    configs: Configs = {}
    for file, sizes in withheld["groups"].items():
        config, split = known[file]
        path = target / file
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = _put_back(built.folder / file, file, sum(sizes), made, absent)
        total = _write_groups(path, file_schema(features[config]), sizes, rows)
        if total:
            entry: DataFile = {"file": file, "rows": total, **describe(path)}
            configs.setdefault(config, {}).setdefault(split, []).append(entry)
        else:
            path.unlink()
    manifest: Manifest = {**built.manifest}
    if left:
        count = {s["name"]: 0 for s in withheld["sources"]}
        for row in left:
            count[row["source"]] += 1
        manifest["withheld"] = {
            **withheld,
            "rows": len(left),
            "sources": [{**s, "rows": count[s["name"]]} for s in withheld["sources"]],
        }
    else:
        del manifest["withheld"]
    finish(manifest, configs, target)


def _put_back(
    path: Path,
    file: str,
    size: int,
    made: Mapping[tuple[str, int], bytes],
    absent: set[tuple[str, int]],
) -> Iterator[dict[str, Any] | None]:
    """Yield what stood at each place of a data file, None where it is still withheld."""
    public = (row for rows in row_groups(path) for row in rows) if path.exists() else iter(())
    for place in range(size):
        if (file, place) in absent:
            yield None
        elif (file, place) in made:
            yield orjson.loads(made[file, place])
        else:
            yield next(public)


def _write_groups(
    path: Path, schema: pa.Schema, sizes: list[int], rows: Iterator[dict[str, Any] | None]
) -> int:
    """Write rows in row groups as they were; return how many there are."""
    total = 0
    with parquet_writer(path, schema) as writer:
        for size in sizes:
            group = [row for row in (next(rows) for __ in range(size)) if row is not None]
            if group:
                writer.write_table(pa.Table.from_pylist(group, schema))
                total += len(group)
    return total

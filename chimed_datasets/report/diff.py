"""What a new build changed against an old one, from the ledgers, the rows and the manifests.

A record is known by its id, which follows from its source and its place in it. It was added where
the new build keeps it and the old one does not, and is gone where it is the other way round; the
ledger of the other build says why. It is changed where both keep it and a column of its rows
differs, and moved where its split differs.

Records and rows are joined as whole columns by Arrow and NumPy: two builds of 185,000 records
take seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..built.dataset import WITHHELD, Built, owner_column
from ..built.manifest import Manifest, count

What = Literal["added", "gone"]
NEW, ABSENT = "not in the old sources", "not in the new sources"
BLOCK = 50_000
"""Rows that are compared at once."""
LEFT_OUT = {"sources", "benchmarks", "takedowns", "name"}
"""Keys of a recipe whose values are compared elsewhere, or are paths of somebody's machine."""


class OfSource(NamedTuple):
    """Kept records of a source: before and after, and what lies between."""

    source: str
    before: int
    added: int
    gone: int
    changed: int
    moved: int
    after: int


class Reason(NamedTuple):
    """Why records of a source were added or are gone: "stage: rule" of the build without them."""

    what: What
    source: str
    why: str
    records: int

    @property
    def text(self) -> str:
        """The reason as a reader gets it."""
        known = self.what == "gone" or self.why == NEW
        return self.why if known else f"was dropped by {self.why}"


class OfColumn(NamedTuple):
    """Rows of both builds in which a column differs."""

    config: str
    column: str
    rows: int


class OfSplit(NamedTuple):
    config: str
    split: str
    before: int
    after: int


class OfMove(NamedTuple):
    """Rows of both builds, by their ids, that are in another split."""

    config: str
    before: str
    after: str
    rows: int


class Setting(NamedTuple):
    """A setting whose value changed, as text; "" where there was or is none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Diff:
    """What changed from the build ``old`` to the build ``new`` (their fingerprints)."""

    old: str
    new: str
    sources: list[OfSource]
    reasons: list[Reason]
    columns: list[OfColumn]
    splits: list[OfSplit]
    settings: list[Setting]
    moves: list[OfMove] = field(default_factory=list)

    def total(self) -> OfSource:
        """Return the figures over all sources."""
        figures = zip(*(source[1:] for source in self.sources), strict=True)
        return OfSource("all", *map(sum, figures))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        lists = ("sources", "reasons", "columns", "splits", "moves", "settings")
        rows = {name: [one._asdict() for one in getattr(self, name)] for name in lists}
        return {"old": self.old, "new": self.new, **rows}


def compare(old: Built, new: Built) -> Diff:
    """Return what changed from ``old`` to ``new``."""
    before, after = (built.ledger("kept", ["id", "source", "split"]) for built in (old, new))
    at = _places(before["id"], after["id"])  # of each old record in the new build
    stays = at >= 0
    fresh = np.ones(len(after), bool)
    fresh[at[stays]] = False
    here, there = before.filter(pa.array(stays)), after.take(pa.array(at[stays]))
    moved = here.filter(pc.not_equal(here["split"], there["split"]))
    changed, columns = _changed(old, new)
    changed = here.filter(pc.is_in(here["id"], changed))
    added, gone = after.filter(pa.array(fresh)), before.filter(pa.array(~stays))
    names = [source["name"] for source in new.manifest["sources"]]
    names += [s["name"] for s in old.manifest["sources"] if s["name"] not in names]
    counts = [count(table["source"]) for table in (before, added, gone, changed, moved, after)]
    return Diff(
        old.manifest["fingerprint"],
        new.manifest["fingerprint"],
        [OfSource(name, *(one[name] for one in counts)) for name in names],
        [
            *_reasons("added", added, old, NEW),
            *_reasons("gone", gone, new, ABSENT),
        ],
        columns,
        _splits(old.manifest, new.manifest),
        [*settings(old.manifest, new.manifest), *_headings(old, new)],
        list(_moves(old, new)),
    )


def _places(ids: pa.ChunkedArray, among: pa.ChunkedArray) -> np.ndarray:
    """Return where each id stands in ``among`` (int64[n]), -1 where it does not."""
    places: np.ndarray = pc.fill_null(pc.index_in(ids, among), -1).to_numpy()
    return places.astype(np.int64)


def _reasons(what: What, records: pa.Table, other: Built, unknown: str) -> Iterator[Reason]:
    """Yield why ``other`` does not keep ``records``, the most frequent reason first."""
    dropped = other.ledger("dropped", ["id", "stage", "rule"])
    rules = pc.binary_join_element_wise(dropped["stage"], dropped["rule"], ": ")
    at = pc.index_in(records["id"], dropped["id"])
    why = pc.fill_null(rules.take(at), unknown)
    table = pa.table({"source": records["source"], "why": why})
    counts = table.group_by(["source", "why"]).aggregate([([], "count_all")]).to_pylist()
    for row in sorted(counts, key=lambda r: (-r["count_all"], r["source"], r["why"])):
        yield Reason(what, row["source"], row["why"], row["count_all"])


def _headings(old: Built, new: Built) -> Iterator[Setting]:
    """Yield the columns that one of the builds alone has, by config."""
    for config in new.manifest["configs"]:
        one, two = (_Config(built, config).columns for built in (old, new))
        if one and one != two:
            gone, fresh = ([n for n in a if n not in b] for a, b in ((one, two), (two, one)))
            yield Setting(f"columns of {config}", ", ".join(gone), ", ".join(fresh))


def _splits(old: Manifest, new: Manifest) -> list[OfSplit]:
    rows: list[dict[tuple[str, str], int]] = [
        {
            (config, split): sum(file["rows"] for file in files)
            for config, splits in manifest["configs"].items()
            for split, files in splits.items()
        }
        for manifest in (old, new)
    ]
    before, after = rows
    keys = [*after, *(key for key in before if key not in after)]
    order = {config: k for k, (config, _) in reversed(list(enumerate(keys)))}
    return [
        OfSplit(*key, before.get(key, 0), after.get(key, 0))
        for key in sorted(keys, key=lambda key: order[key[0]])
    ]


def _moves(old: Built, new: Built) -> Iterator[OfMove]:
    """Yield how many rows of both builds went from one split to another."""
    for config, files in new.manifest["configs"].items():
        if old.manifest["configs"].get(config) in (None, files):
            continue
        one, two = (_Config(built, config) for built in (old, new))
        at = _places(one.read("id"), two.read("id"))
        here = np.flatnonzero(at >= 0)
        names = list(dict.fromkeys([*one.splits, *two.splits]))
        before, after = (
            np.repeat([names.index(split) for split in side.splits], side.sizes)
            for side in (one, two)
        )
        pairs, counts = np.unique(
            np.stack([before[here], after[at[here]]]), axis=1, return_counts=True
        )
        for (left, right), rows in zip(pairs.T.tolist(), counts.tolist(), strict=True):
            if left != right:
                yield OfMove(config, names[left], names[right], rows)


# --- rows ------------------------------------------------------------------------------------


def _changed(old: Built, new: Built) -> tuple[pa.Array, list[OfColumn]]:
    """Return ids of records whose rows differ, and in how many rows each column does."""
    owners: list[pa.Array] = []
    columns: list[OfColumn] = []
    withheld = pa.array([], pa.string())
    for built in (old, new):
        if built.manifest.get("withheld"):  # their rows are elsewhere: nothing is known of them
            records = pq.read_table(built.folder / WITHHELD, columns=["record"])["record"]
            withheld = pa.concat_arrays([withheld, pc.unique(records)])
    for config in dict.fromkeys([*old.manifest["configs"], *new.manifest["configs"]]):
        if old.manifest["configs"].get(config) == new.manifest["configs"].get(config):
            continue  # the same files, by their hashes
        one, two = (_Config(built, config) for built in (old, new))
        at = _places(one.read("id"), two.read("id"))
        here = np.flatnonzero(at >= 0)
        alone = np.ones(two.rows, bool)
        alone[at[here]] = False
        differ = np.zeros(len(here), bool)
        for name in (name for name in two.columns if name in one.columns):
            unequal = _unequal(one.read(name), here, two.read(name), at[here])
            differ |= unequal
            if unequal.any():
                columns.append(OfColumn(config, name, int(np.count_nonzero(unequal))))
        mine, theirs = one.read(one.owner), two.read(two.owner)
        touched = np.ones(one.rows, bool)
        touched[here[~differ]] = False
        owners += [*mine.filter(pa.array(touched)).chunks, *theirs.filter(pa.array(alone)).chunks]
    every = pc.unique(pa.chunked_array(owners, pa.large_string())).cast(pa.string())
    return every.filter(pc.invert(pc.is_in(every, withheld))), columns


class _Config:
    """The rows of one config of a build, a column at a time; none where it has no such config."""

    def __init__(self, built: Built, config: str) -> None:
        mine = [(split, entry) for name, split, entry in built.files() if name == config]
        self.files = [built.folder / entry["file"] for _, entry in mine]
        self.splits = [split for split, _ in mine]
        self.sizes = [entry["rows"] for _, entry in mine]
        self.rows = sum(self.sizes)
        schema = pq.read_schema(self.files[0]) if self.files else pa.schema([])
        self.columns, self.owner = schema.names, owner_column(schema)

    def read(self, name: str) -> pa.ChunkedArray:
        if not self.files:
            return pa.chunked_array([], pa.large_string())
        parts = [pq.read_table(path, columns=[name])[name] for path in self.files]
        chunks = [chunk for part in parts for chunk in part.chunks]
        return _wide(pa.chunked_array(chunks, parts[0].type))


def _wide(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without extension types, and plain text with 64-bit offsets: taking rows
    of more than 2 GiB of text fails otherwise."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        column = column.cast(kind.storage_type)
    return column.cast(pa.large_string()) if pa.types.is_string(column.type) else column


def _unequal(
    one: pa.ChunkedArray, here: np.ndarray, two: pa.ChunkedArray, there: np.ndarray
) -> np.ndarray:
    """Return bool[n]: where ``one[here]`` is not ``two[there]``. Two nulls are equal."""
    out = np.zeros(len(here), bool)
    for start in range(0, len(here), BLOCK):
        end = start + BLOCK
        rows = (c.take(pa.array(i[start:end])) for c, i in ((one, here), (two, there)))
        out[start:end] = differing(*(_joined(column) for column in rows))
    return out


def _joined(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def differing(one: pa.Array, two: pa.Array) -> np.ndarray:
    """Return bool[n]: where two arrays differ; lists and structs by what they hold.

    A field that only one of two structs has counts as null in the other. Values of different types
    differ.
    """
    valid = (one.is_valid().to_numpy(False), two.is_valid().to_numpy(False))
    both = valid[0] & valid[1]
    out: np.ndarray = valid[0] != valid[1]
    if pa.types.is_struct(one.type) and pa.types.is_struct(two.type):
        for name in {field.name for kind in (one.type, two.type) for field in kind}:
            fields = [a.field(name) for a in (one, two) if a.type.get_field_index(name) >= 0]
            valued = fields[0].is_valid().to_numpy(False)
            out |= both & (differing(*fields) if len(fields) == 2 else valued)
    elif pa.types.is_list(one.type) and pa.types.is_list(two.type):
        sizes = [pc.fill_null(pc.list_value_length(a), 0).to_numpy() for a in (one, two)]
        out |= sizes[0] != sizes[1]
        alike = np.flatnonzero(~out & (sizes[0] > 0))
        parts = (a.take(pa.array(alike)).flatten() for a in (one, two))
        owner = np.repeat(alike, sizes[0][alike])
        out[owner[differing(*parts)]] = True
    elif one.type != two.type:
        out |= both
    else:
        out |= both & pc.fill_null(pc.not_equal(one, two), False).to_numpy(False)
    return out


# --- settings --------------------------------------------------------------------------------


def settings(old: Manifest, new: Manifest) -> list[Setting]:
    """Return what changed in the recipe, the sources' content and the versions."""
    before, after = _settings_of(old, new), _settings_of(new, old)
    return [
        Setting(name, before.get(name, ""), after.get(name, ""))
        for name in [*after, *(name for name in before if name not in after)]
        if before.get(name, "") != after.get(name, "")
    ]


def _settings_of(manifest: Manifest, other: Manifest) -> dict[str, str]:
    """Return every setting of a build as text by its dotted name.

    A source that the ``other`` build has not is one line. Paths are left out: they are of
    somebody's machine. What lay there is known by its hash.
    """
    out: dict[str, str] = {
        "library": manifest["library"],
        "schema_version": str(manifest.get("schema_version", 1)),
    }
    out |= _flat({"versions": manifest["versions"]})
    recipe = manifest["recipe"]
    out |= _flat({key: value for key, value in recipe.items() if key not in LEFT_OUT})
    built = {source["name"]: source for source in manifest["sources"]}
    known = {source["name"] for source in other["sources"]}
    for source in recipe["sources"]:
        name = f"sources.{source['name']}"
        if source["name"] not in known:
            out[name] = f"layout {source['layout']}, licence {source['license']}"
            continue
        own = {key: value for key, value in source.items() if key not in ("name", "path")}
        out |= _flat({name: {**own, "content": built[source["name"]]["sha256"][:12]}})
    for benchmark in recipe.get("benchmarks", ()):
        items = manifest["benchmarks"][benchmark["name"]]["items"]
        text = f"{items:,} items, layout {benchmark['layout']}"
        out[f"benchmarks.{benchmark['name']}"] = text
    for name, stage in manifest["stages"].items():
        out |= _flat({f"stages.{name}": stage["settings"] if stage else "off"})
    return out


def _flat(value: Any, name: str = "") -> dict[str, str]:
    """Return the leaves of nested mappings by their dotted names; lists are leaves."""
    if isinstance(value, Mapping):
        out: dict[str, str] = {}
        for key, inner in value.items():
            out |= _flat(inner, f"{name}.{key}" if name else str(key))
        return out
    if isinstance(value, list):
        return {name: ", ".join(str(item) for item in value) or "none"}
    if value in (None, ""):
        return {}
    return {name: str(value).lower() if isinstance(value, bool) else str(value)}

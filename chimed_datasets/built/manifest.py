"""The manifest's format, and what it says of files and tables."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

import pyarrow as pa
import pyarrow.compute as pc

from .._version import __version__

FORMAT = 1
SCHEMA_VERSION = 2
"""Of the columns of the data files. 1: ``metadata`` of `pretrain` is a JSON column, and the files
name types that only `datasets` 4.7 and later know. 2: it is text, and the files hold Arrow types.
"""
LIBRARY = f"chimed-datasets {__version__}"
"""What a manifest calls the library that built it."""


class FileHash(TypedDict):
    """A file's size in bytes, and its sha256 in hex."""

    bytes: int
    sha256: str


class DataFile(FileHash):
    """A data file: its path within the build, with slashes, and how many rows it holds."""

    file: str
    rows: int


class SourceFileEntry(FileHash):
    """A file of a source: its name below the source's path."""

    name: str


Account = TypedDict("Account", {"in": int, "out": int, "dropped": int})
"""Records of a source: in = out + dropped."""


class KnownEntry(TypedDict):
    """What is known of a public corpus that a source is.

    name:       its name. title: as its publisher calls it. page: where it is described.
    tier:       "public", "research", "ask" or "closed".
    licence_by: who states the licence.
    forbidden:  why its texts may not be handed on; left out where that is not known.
    defects:    what is wrong with it, and where to look.
    contains:   what it holds of others.
    model:      which model wrote its texts.
    citation:   what to cite.
    checked:    when and against what this was last checked.
    """

    name: str
    title: str
    page: str
    tier: str
    licence_by: str
    forbidden: NotRequired[str]
    defects: NotRequired[list[str]]
    contains: NotRequired[list[str]]
    model: NotRequired[str]
    citation: NotRequired[str]
    checked: str


class ReadSource(TypedDict):
    """A source as the recipe has it, its files, and what reading them met.

    sha256:         over the names and hashes of all its files.
    files:          empty where there are too many to list.
    encodings:      encoding -> files.
    replaced_bytes: file -> bytes that could not be decoded.
    not_read:       file of the source's folders and archives that was passed over -> why; left
                    out where there are none. The first 10,000 by name; ``num_not_read`` is there
                    where there are more.
    reasoning:      reasoning traces by their spelling; left out where there are none.
    known:          of a source that the recipe calls by the name of a public corpus.
    """

    name: str
    layout: str
    path: str
    license: str
    domain: str
    origin: str
    num_files: int
    sha256: str
    files: list[SourceFileEntry]
    encodings: dict[str, int]
    replaced_bytes: dict[str, int]
    not_read: NotRequired[dict[str, str]]
    num_not_read: NotRequired[int]
    reasoning: NotRequired[dict[str, int]]
    known: NotRequired[KnownEntry]


class SourceEntry(ReadSource, Account):
    """A source: what was read, and what became of its records."""


class GuestEntry(TypedDict):
    """Code from outside the package that took part.

    kind:    "layouts", "stages" or "builders".
    name:    what the manifest calls it elsewhere. key: what the recipe calls it.
    package: the installed package and its version; "" for a file.
    sha256:  of the file, or over all files of the package.
    about:   of a builder: one line on its config.
    """

    kind: str
    name: str
    key: str
    package: str
    sha256: str
    about: NotRequired[str]


class StageEntry(TypedDict):
    """A stage: its settings, and rule -> times that it changed or records that it dropped."""

    settings: dict[str, Any]
    changed: dict[str, int]
    dropped: dict[str, int]


class BenchmarkMatch(TypedDict):
    """A benchmark item found in a record; ``text`` is "" where the record's source is withheld."""

    item: str
    record: str
    text: str


class BenchmarkEntry(TypedDict):
    """A benchmark: its items, how many were found, records dropped for them, and the matches.

    whole_only:  items that are found as whole questions, with their options or their right answer,
                 but not wherever a text holds their words. Older builds lack it.
    not_searched: items that cannot be looked for: they hold no word of their own.
    """

    whole_only: NotRequired[int]
    not_searched: NotRequired[int]
    items: int
    items_hit: int
    records_dropped: int
    matches: list[BenchmarkMatch]


class BiasEntry(TypedDict):
    """What gives the chosen side of a pair away: figures of :func:`.bias.measure`."""

    all: dict[str, Any]
    origins: dict[str, dict[str, Any]]
    departments: dict[str, dict[str, Any]]


class LabelsEntry(TypedDict):
    """What gives a label away: figures of :func:`.bias.measure_labels`, of all rows and by
    source."""

    all: dict[str, Any]
    sources: dict[str, dict[str, Any]]


class KindFigure(TypedDict):
    """How many rows of one kind of a labelled set came out right: see :class:`.figures.Figure`.
    low, high: the 95 % interval of right / of."""

    kind: str
    set: str
    made: str
    right: int
    of: int
    low: float
    high: float


class StageFigures(TypedDict):
    """What the self-test says of a stage. default_settings: whether the build's stage has the
    settings that were measured."""

    default_settings: bool
    kinds: list[KindFigure]


class WeighedEntry(TypedDict):
    """kept:       records that were kept though they are near another kept one.
    contradict: of these, those that contradict it on one question.
    kinds:      kind of difference -> records, the most frequent first."""

    kept: int
    contradict: int
    kinds: dict[str, int]


class InsideEntry(TypedDict):
    """One record that stands inside another: their ids, and the share of its n-grams that do."""

    record: str
    inside: str
    share: float


class ContainedEntry(TypedDict):
    """apart:    records that were drawn to validation or test and stand mostly inside a record that
              was drawn to another split.
    to_train: records that therefore went from validation or test to train.
    held_out: records that went to validation or test, or from one to the other; see `hold_out` of
              the split, and splits that would be empty.
    kept:     records that are kept and stand mostly inside another; only where all were looked for.
    example:  the longest of these, else of those apart; not there where there are none."""

    apart: int
    to_train: int
    held_out: int
    kept: NotRequired[int]
    example: NotRequired[InsideEntry]


class PassageEntry(TypedDict):
    """A line that was cut. documents: those of the source that had it among their first or last
    lines, before duplicates went. text: "" where the source is withheld."""

    source: str
    text: str
    documents: int


class PassagesEntry(TypedDict):
    """passages:  lines that were cut, each counted once for a source.
    documents: documents of the dataset out of which any was cut, and chars: how many characters.
    examples:  the lines that stood in most documents."""

    passages: int
    documents: int
    chars: int
    examples: list[PassageEntry]


class Measured(TypedDict, total=False):
    """What was measured beyond counts. Builds of any age lack some of it.

    groups:     all groups, and those in two splits.
    selftest:   stage -> how often it is right on labelled sets, of the stages that are on.
    masking:    in older builds, precision and recall on sentences written by the rules' authors;
                None where masking was off.
    learnt:     stage -> figures of what it learnt.
    weighed:    near-duplicates that differ in something of weight; not there where they were not
                weighed.
    contained:  records that stand mostly inside another; not there where none were searched for.
    passages:   notices of a site that were cut; not there where the stage was off.
    preference: None where there are no pairs.
    unpaired:   not there where the config has no rows.
    texts:      dropped records of which the text is kept; not there where the recipe wants none.
    """

    groups: dict[str, int]
    selftest: dict[str, StageFigures]
    masking: dict[str, Any] | None
    learnt: dict[str, Any]
    weighed: WeighedEntry
    contained: ContainedEntry
    passages: PassagesEntry
    preference: BiasEntry | None
    unpaired: LabelsEntry
    texts: int


class WithheldSource(TypedDict):
    """A source whose rows were left out, and how many there are."""

    name: str
    license: str
    rows: int


class Withheld(TypedDict):
    """Rows that were left out of what was handed on. groups: data file -> rows of each of its row
    groups, as they were."""

    rows: int
    sources: list[WithheldSource]
    groups: dict[str, list[int]]


Configs = dict[str, dict[str, list[DataFile]]]
"""config -> split -> data files."""


class Unsigned(TypedDict):
    """A manifest without its fingerprint.

    schema_version: see :data:`SCHEMA_VERSION`; builds of 0.1.0, which are 1, do not have it.
    dropped: source -> stage -> rule -> records.
    refused: config -> rule -> records that are in another config.
    files:   what is no data file: ledger, statistics, withheld rows.
    """

    name: str
    format: int
    schema_version: NotRequired[int]
    library: str
    versions: dict[str, str]
    guests: NotRequired[list[GuestEntry]]
    seed: int
    recipe: dict[str, Any]
    stages: dict[str, StageEntry | None]
    sources: list[SourceEntry]
    dropped: dict[str, dict[str, dict[str, int]]]
    refused: dict[str, dict[str, int]]
    benchmarks: dict[str, BenchmarkEntry]
    measured: NotRequired[Measured]
    configs: Configs
    files: dict[str, FileHash]
    withheld: NotRequired[Withheld]


class Manifest(Unsigned):
    """What ``manifest.json`` holds: what a dataset was built from, and of which files it is."""

    fingerprint: str


def describe(path: Path) -> FileHash:
    """Return size in bytes and sha256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def fingerprint(content: Mapping[str, Any]) -> str:
    """Return 64 bits (hex) over a manifest without its own fingerprint.

    Where the files of sources and benchmarks lay is left out: their hashes tell what they were, and
    the same files at another place make the same dataset.
    """
    return _hash(_without_places(content))


def older_fingerprint(content: Mapping[str, Any]) -> str:
    """Return the fingerprint that earlier versions gave: over the places of the files, too."""
    return _hash(content)


def _hash(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _without_places(content: Mapping[str, Any]) -> dict[str, Any]:
    recipe = dict(content.get("recipe", {}))
    for key in ("sources", "benchmarks"):
        if key in recipe:
            recipe[key] = [{k: v for k, v in one.items() if k != "path"} for one in recipe[key]]
    return {**content, "recipe": recipe}


def unsigned(manifest: Manifest) -> Unsigned:
    """Return a manifest without its fingerprint: what this is taken of."""
    return cast(Unsigned, {k: v for k, v in manifest.items() if k != "fingerprint"})


def signed(content: Unsigned) -> Manifest:
    """Return a manifest with its fingerprint, which stands first."""
    return {"fingerprint": fingerprint(content), **content}


def to_json(content: Any) -> str:
    """Return the text of a JSON file of a build."""
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def count(column: pa.ChunkedArray) -> Counter[str]:
    """Return how often each value of a string column occurs."""
    return Counter({v["values"]: v["counts"] for v in pc.value_counts(column).to_pylist()})


def nested_counts(table: pa.Table, columns: tuple[str, ...]) -> dict[str, Any]:
    """Return the number of rows by ``columns`` as nested dicts, sorted by key."""
    grouped = table.group_by(list(columns)).aggregate([([], "count_all")])
    keys = zip(*(grouped[name].to_pylist() for name in columns), strict=True)
    return nested(dict(zip(keys, grouped["count_all"].to_pylist(), strict=True)))


def nested(counts: Mapping[tuple[str, ...], int]) -> dict[str, Any]:
    """Return numbers as nested dicts, a level for each part of their names, sorted by key."""
    out: dict[str, Any] = {}
    for (*path, last), n in sorted(counts.items()):
        level = out
        for key in path:
            level = level.setdefault(key, {})
        level[last] = n
    return out

"""Known entries read their corpora in their published forms, laid out in a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from chimed_datasets import known
from chimed_datasets.recipe import Benchmark, Source
from chimed_datasets.sources import FileReport, exams
from chimed_datasets.sources.exams import ExamItem
from chimed_datasets.sources.files.finding import resolve
from tests.known import make

FIXTURE = {"tao-shanghan-commentaries": "tao-shanghan"}
"""Entries that read another part of a fixture that bears another's name."""


def fixture_of(name: str, kind: known.Kind = "sources") -> str:
    """Return the name of the published form that an entry is held against. Of a benchmark that has
    a training part as well it is NAME-test."""
    if kind == "benchmarks" and f"{name}-test" in make.names():
        return f"{name}-test"
    return FIXTURE.get(name, name)


def has_fixture(name: str, kind: known.Kind = "sources") -> bool:
    return fixture_of(name, kind) in make.names()


def place_of(entry: known.Entry, folder: Path) -> str:
    """Return the path in the fixture that an entry's address leads to."""
    if entry.path is None:
        return str(folder)
    hub = re.fullmatch(r"hf://datasets/[^/]+/[^/]+(.*)", entry.path)
    git = re.fullmatch(r"github://[^@]+@[^/]+(.*)", entry.path)
    found = hub or git
    assert found is not None, entry.path
    return str(folder) + found[1]


def read_source(name: str, folder: Path) -> tuple[list[Any], list[str]]:
    """Return what a source's entry makes of the fixture, and the names of the files it read."""
    make.lay_out(fixture_of(name), folder)
    entry = known.entry("sources", name)
    source = Source.model_validate({"known": name, "path": place_of(entry, folder)})
    reader = source.reader
    files = resolve(source.path, folder, folder / "unpacked", reader.suffixes, source.files)
    made = list(reader.read(files, source.options, FileReport()))
    assert len({m.key for m in made}) == len(made)
    return made, [file.name for file in files]


def read_benchmark(name: str, folder: Path) -> list[ExamItem]:
    """Return the items that a benchmark's entry reads of the fixture."""
    make.lay_out(fixture_of(name, "benchmarks"), folder)
    entry = known.entry("benchmarks", name)
    one = Benchmark.model_validate({"known": name, "path": place_of(entry, folder)})
    files = resolve(one.path, folder, folder / "unpacked", exams.SUFFIXES, one.files)
    return exams.read(one.layout, files, FileReport(), one.form)


def rows_left_out(name: str, read_files: list[str]) -> int:
    """Return the rows of files that the entry does not read."""
    out = 0
    for file in make.form(fixture_of(name))["files"]:
        for leaf in make.leaves(file):
            where = "/".join(filter(None, [file["path"], leaf.get("member")]))
            if leaf.get("kind", "aside") != "aside" and not any(
                where.endswith(one) or one.endswith(where) for one in read_files
            ):
                out += leaf["rows"]
    return out

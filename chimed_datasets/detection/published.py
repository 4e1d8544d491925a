"""A known source or benchmark, held against the files that are really there."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from .. import sources
from ..errors import SourceError
from ..known import Entry
from ..lang import N_
from ..records import Malformed, excerpt
from ..sources import FileReport, exams
from ..sources.files.finding import at_revision
from ..sources.files.heads import Head, heads
from ..sources.files.opening import matches
from ..sources.parsing.by_ending import SUFFIXES, any_rows

ROWS = 100
"""Rows of a file that are looked at."""
MOST = 10_000
"""Files that are looked for: an entry may choose a few among many."""
_AT_THE_END = frozenset(("json_invalid", "csv_quote", "csv_fields", "too_long", "not_an_object"))
"""What the last row of a beginning may be."""
_NEED_ALL = frozenset(("no_partner", "no_adopted", "not_selected"))
"""What rows are of whose like the others are not there, or that the entry leaves out itself."""


@dataclass
class Look:
    """What is there of an entry's files, from their first rows.

    sizes:       the files that the entry reads -> bytes as stored.
    columns:     fields of their first rows; compared where the entry names fields.
    records:     records that were made of them.
    lost:        by rule, how many rows are none, and the evidence of the first.
    differences: what is not as the entry says, a line each; empty where all is.
    """

    sizes: dict[str, int] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    records: int = 0
    lost: dict[str, tuple[int, str]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)


def check(entry: Entry, path: str | None = None) -> Look:
    """Compare an entry with its files: their names and sizes, the fields and records of their first
    rows.

    path: a copy of one's own; left out, the entry's address, from which the beginnings are fetched.

    Raises :class:`SourceError` where nothing is there, :class:`RecipeError` for an entry that no
    build takes, and for one without an address.
    """
    filled = entry.filled({"path": path} if path else {})
    place = filled["path"]
    if filled["revision"]:
        place = at_revision(place, filled["revision"])
    look = Look()
    with tempfile.TemporaryDirectory(prefix="chimed-") as staging:
        found = heads(
            place, Path.cwd(), Path(staging), files=MOST, patterns=tuple(entry.files), size=1 << 22
        )
        for head in found.heads:
            copied = head.compression and not head.file.name.endswith(head.compression)
            look.sizes[head.file.name + (head.compression if copied else "")] = head.stored
        look.differences += _of_files(entry, look, found.faults)
        if found.heads:
            _first_rows(entry, found.heads, look)
    return look


def _of_files(entry: Entry, look: Look, faults: dict[str, str]) -> Iterator[str]:
    for pattern in entry.files:
        if not any(matches(name, pattern) for name in look.sizes):
            yield N_("no file is {pattern}").format(pattern=pattern)
    for name, why in faults.items():
        yield f"{name}: {why}"
    for name, size in entry.bytes.items():
        there = [n for n in look.sizes if matches(n, name)]
        if there and look.sizes[there[0]] != size:
            yield N_("{name} has {there:,} bytes, not {size:,}").format(
                name=name, there=look.sizes[there[0]], size=size
            )


def _first_rows(entry: Entry, given: list[Head], look: Look) -> None:
    columns: Counter[str] = Counter()
    for head in given:
        if head.file.name.lower().endswith(SUFFIXES):
            columns.update(_columns(head, entry.options.get("rows") or ""))
    look.columns = list(columns)
    if columns and (gone := [c for c in entry.columns if c not in columns]):
        told = ", ".join(gone)
        look.differences.append(
            N_("no field {told}; there are {columns}").format(
                told=told, columns=excerpt(", ".join(columns))
            )
        )
    if entry.columns and (new := [c for c in columns if c not in entry.columns]):
        look.differences.append(
            N_("fields that the entry does not name: {new}").format(new=", ".join(new))
        )
    try:
        _read(entry, given, look)
    except SourceError as error:
        look.differences.append(str(error))
        return
    for rule, (rows, evidence) in look.lost.items():
        look.differences.append(
            N_("{rows:,} of the first rows are no record ({rule}): {evidence}").format(
                rows=rows, rule=rule, evidence=evidence
            )
        )


def _columns(head: Head, under: str) -> list[str]:
    try:
        rows = islice(any_rows(head.file, FileReport(), under=under), ROWS)
        return list(dict.fromkeys(n for row in rows if isinstance(row, tuple) for n in row[1]))
    except SourceError:
        return []


def _read(entry: Entry, given: list[Head], look: Look) -> None:
    files = [head.file for head in given]
    if entry.kind == "benchmarks":
        own = entry.options
        form = exams.Rows(
            own.get("rows", ""), tuple(own.get("header", ())), own.get("question", "")
        )
        look.records = len(exams.read(entry.layout, files, FileReport(), form))
        return
    layout = sources.layout(entry.layout)
    options = layout.options(entry.options)
    whole = layout.needs_all(options)
    for unit in [given] if whole else [[head] for head in given]:
        cut = any(head.cut for head in unit)
        made: list[Any] = list(
            islice(layout.read([head.file for head in unit], options, FileReport()), ROWS + 1)
        )
        if cut and made and isinstance(made[-1], Malformed) and made[-1].rule in _AT_THE_END:
            made.pop()
        for one in made[:ROWS]:
            if not isinstance(one, Malformed):
                look.records += 1
            elif one.rule not in _NEED_ALL:
                rows, evidence = look.lost.get(one.rule, (0, f"{one.key}: {excerpt(one.evidence)}"))
                look.lost[one.rule] = rows + 1, evidence

"""Records to look at: rows of each config, and dropped records beside what they gave way to.

Which ones is drawn by a hash of their ids: the same build shows the same records.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..built import texts as kept
from ..built.changes import Change
from ..built.dataset import Built, owner_column
from ..built.statistics import row_texts
from ..stages import place_of
from . import items
from .explain import untitled

Row = dict[str, Any]
T = TypeVar("T")
Before = Callable[[Sequence[str]], Mapping[str, Sequence[tuple[str, Sequence[Change]]]]]
"""Record ids -> for some of them (stage, what it changed)."""
Place = tuple[int, int]
"""A data file by its number, and a row of it."""
ROWS, DROPS = 600, 40
"""Rows, spread over configs and sources; dropped records of a rule, spread over sources."""
UNLIKE = 20
"""Records that were kept for one kind of difference which are among the rows."""
_ABOUT = ("near", "reason", "contradicts", "inside", "share")


def rows(built: Built, most: int = ROWS, before: Before | None = None) -> list[Row]:
    """Return rows of every config as the page shows them, in turn over configs and sources.

    most:   so many rows; that of a prompt with several comes with the others.
    before: looks up what stages changed in records.
    """
    files = list(built.files())
    about = notes(built)
    groups: dict[tuple[str, str], list[list[Place]]] = {}
    first: dict[tuple[str, str], list[list[Place]]] = {}
    chosen = _unlike(about)
    for config in built.manifest["configs"]:
        by_source = _threads(built, files, config)
        for source, threads in by_source.items():
            ordered = sorted(threads, key=lambda name: zlib.crc32(name.encode()))
            groups[config, source] = [threads[name] for name in ordered]
            unlike = [threads[name] for name in ordered if name in chosen]
            chosen -= set(threads)  # a record is shown once for what it differs in
            if unlike:
                first[config, source] = unlike
    lists = _by_config(groups, most)
    wanted: dict[Place, list[Place]] = {}
    left = most
    for places in [*in_turn(list(first.values()), most // 3), *in_turn(lists, most)]:
        if left > 0 and places[0] not in wanted:
            wanted[places[0]] = places
            left -= len(places)
    order = [places for places in in_turn(lists, most) if wanted.pop(places[0], None)]
    order += wanted.values()
    found = _read(built, files, order)
    steps = {}
    if before is not None:
        owners = list(dict.fromkeys(owner for _, _, owner, _ in found))
        steps = {name: items.steps_of(told) for name, told in before(owners).items()}
    beside = texts_of(built, {name for one in _abouts(found, about) for name in _named(one)})
    return [
        items.of_rows(
            config, split, own, about.get(owner), beside, steps.get(owner, ())
        )
        for config, split, owner, own in found
    ]  # fmt: skip


def notes(built: Built) -> dict[str, Row]:
    """Return record id -> near, reason, contradicts, inside and share, of the kept records that
    have any of them."""
    path = built.folder / "ledger" / "kept.parquet"
    names = [name for name in _ABOUT if name in pq.read_schema(path).names]
    if not names:
        return {}
    table = pq.read_table(path, columns=["id", *names])
    has = np.zeros(len(table), bool)
    for name in names:
        has |= table[name].is_valid().to_numpy()
    return {row.pop("id"): row for row in table.filter(pa.array(has)).to_pylist()}


def _unlike(about: Mapping[str, Row]) -> set[str]:
    """Return some of the records that were kept beside a near-duplicate, of each kind of
    difference, and of those that contradict another."""
    by_kind: dict[str, list[str]] = {}
    for name in sorted(about, key=lambda name: zlib.crc32(name.encode())):
        for kind in (
            items.unlike(about[name].get("reason")),
            about[name].get("contradicts") and "!",
        ):
            if kind:
                by_kind.setdefault(kind, []).append(name)
    return {name for names in by_kind.values() for name in names[:UNLIKE]}


def _threads(
    built: Built, files: Sequence[tuple[str, str, Any]], config: str
) -> dict[str, dict[str, list[Place]]]:
    """Return source -> record or row -> the places of its rows: one, but of a config that is shown
    by prompt."""
    found: dict[str, dict[str, list[Place]]] = {}
    for number, (name, _, entry) in enumerate(files):
        if name != config:
            continue
        path = built.folder / entry["file"]
        owner = owner_column(pq.read_schema(path)) if config in items.GROUPED else "id"
        table = pq.read_table(path, columns=list(dict.fromkeys([owner, "source"])))
        for row, (one, source) in enumerate(
            zip(table[owner].to_pylist(), table["source"].to_pylist(), strict=True)
        ):
            found.setdefault(source, {}).setdefault(one, []).append((number, row))
    return found


def _by_config(
    groups: Mapping[tuple[str, str], list[list[Place]]], most: int
) -> list[list[list[Place]]]:
    """Return, for each config, the places of its sources in turn."""
    configs = dict.fromkeys(config for config, _ in groups)
    return [
        in_turn([own for (name, _), own in groups.items() if name == config], most)
        for config in configs
    ]  # fmt: skip


def _read(
    built: Built, files: Sequence[tuple[str, str, Any]], order: Sequence[Sequence[Place]]
) -> list[tuple[str, str, str, list[Row]]]:
    """Return config, split, record and rows for each of the places, in their order."""
    wanted: dict[int, list[int]] = {}
    for number, row in (place for places in order for place in places):
        wanted.setdefault(number, []).append(row)
    read: dict[Place, Row] = {}
    for number, indices in wanted.items():
        path = built.folder / files[number][2]["file"]
        ascending = sorted(indices)
        for index, one in zip(ascending, rows_at(path, ascending), strict=True):
            read[number, index] = one
    out = []
    for places in order:
        config, split, _ = files[places[0][0]]
        own = [read[place] for place in places]
        out.append((config, split, own[0].get("thread_id") or own[0]["id"], own))
    return out


def _abouts(
    found: Sequence[tuple[str, str, str, list[Row]]], about: Mapping[str, Row]
) -> Iterator[Row]:
    yield from (about[owner] for _, _, owner, _ in found if owner in about)


def _named(about: Mapping[str, Any]) -> list[str]:
    return [about[name] for name in ("near", "contradicts", "inside") if about.get(name)]


def drops(built: Built, most: int = DROPS) -> list[Row]:
    """Return dropped records of every rule, those with kept texts first: each with its evidence,
    its text, what the stages before changed in it and, where there is one, the record that was kept
    instead or the benchmark item that it holds."""
    table = built.ledger("dropped")
    known = kept.ids(built.folder)
    items_of = exams(built)
    groups: list[list[Row]] = []
    pairs = table.group_by(["stage", "rule"]).aggregate([([], "count_all")]).to_pylist()
    for pair in sorted(pairs, key=lambda p: (place_of(p["stage"]), p["rule"])):
        same = pc.and_(
            pc.equal(table["stage"], pair["stage"]), pc.equal(table["rule"], pair["rule"])
        )
        mine = table.filter(same)
        has_text = pc.is_in(mine["id"], known)
        drawn: list[Row] = []
        for part in (mine.filter(has_text), mine.filter(pc.invert(has_text))):
            ids, sources = part["id"].to_pylist(), part["source"].to_pylist()
            rows_ = _spread(ids, sources, most - len(drawn))
            drawn += part.take(pa.array(rows_, pa.int64())).to_pylist()
        groups.append([{**row, "of": pair["count_all"]} for row in drawn])
    picked = in_turn(groups)
    twins = texts_of(built, {row["twin"] for row in picked if row["twin"]})
    texts = {row["id"]: row for row in kept.kept(built.folder, {row["id"] for row in picked})}
    return [
        items.of_drop(row, texts.get(row["id"]), twins, items_of.get(row["id"], [])[:3])
        | {"of": row["of"]}
        for row in picked
    ]  # fmt: skip


def exams(built: Built) -> dict[str, list[Row]]:
    """Return record id -> the benchmark items that it held: benchmark, item, text."""
    found: dict[str, list[Row]] = {}
    for name, entry in built.manifest["benchmarks"].items():
        for match in entry["matches"]:
            shown = {"benchmark": name, "item": match["item"], "text": match["text"]}
            found.setdefault(match["record"], []).append(shown)
    return found


def _spread(ids: Sequence[str], sources: Sequence[str], most: int) -> list[int]:
    """Return at most ``most`` indices, as many of each source as can be."""
    by_source: dict[str, list[int]] = {}
    for index in sorted(range(len(ids)), key=lambda i: zlib.crc32(ids[i].encode())):
        by_source.setdefault(sources[index], []).append(index)
    return in_turn(by_source.values(), most)


def in_turn(lists: Collection[Sequence[T]], most: int | None = None) -> list[T]:
    """Return at most ``most`` items: the first of each list, then the second of each, and so on."""
    longest = max(map(len, lists), default=0)
    if most is not None:
        longest = min(most, longest)
    found = [own[turn] for turn in range(longest) for own in lists if turn < len(own)]
    return found if most is None else found[:most]


def rows_at(path: Path, indices: Sequence[int]) -> Iterator[Row]:
    """Yield the rows of a data file at ascending ``indices``, one row group in memory."""
    with pq.ParquetFile(path) as file:
        start = 0
        for number in range(file.num_row_groups):
            end = start + file.metadata.row_group(number).num_rows
            here = [index - start for index in indices if start <= index < end]
            if here:
                yield from file.read_row_group(number).take(pa.array(here)).to_pylist()
            start = end


def texts_of(built: Built, names: Collection[str]) -> dict[str, Row]:
    """Return source, config and text of the kept records ``names``, by id."""
    found: dict[str, Row] = {}
    if not names:
        return found
    wanted = pa.array(sorted(names), pa.string())
    for config, _, entry in built.files():
        path = built.folder / entry["file"]
        owner = owner_column(pq.read_schema(path))
        owners = pq.read_table(path, columns=[owner])[owner]
        where = pc.indices_nonzero(pc.is_in(owners, wanted)).to_pylist()
        for row in rows_at(path, where):
            text = "\n".join(untitled(row, one) for one in row_texts(row))[: items.BESIDE_CHARS]
            found.setdefault(row[owner], {"source": row["source"], "config": config, "text": text})
    return found

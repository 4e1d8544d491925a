"""Rows of a build and dropped records, found by config, source, rule and words: each has its id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..built import texts as kept
from ..built.dataset import Built
from ..built.reasons import reason
from ..errors import ReportError, did_you_mean
from ..lang import _
from ..stages import place_of
from .items import texts_of_row
from .sampling import in_turn, rows_at

_AT_ONCE = 8_192
"""Rows that are looked through at a time."""
_NO_TEXTS = {
    "source", "license", "domain", "origin", "label_origin", "pair_origin", "mark", "model",
    "models", "defect", "role", "stage", "rule", "kind", "place", "before",
}  # fmt: skip
"""Columns, and fields in them, in which no words are looked for."""


@dataclass(frozen=True)
class ShownRow:
    """A row of a config. texts: (who says it, text)."""

    id: str
    config: str
    split: str
    source: str
    department: str | None
    texts: Sequence[tuple[str, str]]

    def as_dict(self) -> dict[str, Any]:
        """Return the row as JSON can hold it."""
        return asdict(self) | {"texts": _places(self.texts)}


@dataclass(frozen=True)
class ShownDrop:
    """A dropped record. texts: (place, text) as it was when it was dropped; None: not kept."""

    id: str
    source: str
    key: str
    stage: str
    rule: str
    evidence: str
    twin: str | None
    texts: Sequence[tuple[str, str]] | None

    def as_dict(self) -> dict[str, Any]:
        """Return the record as JSON can hold it."""
        why = reason(self.stage, self.rule)
        texts = None if self.texts is None else _places(self.texts)
        return asdict(self) | {"texts": texts, "reason": why}


def _places(texts: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"place": place, "text": text} for place, text in texts]


def check(built: Built, config: str | None, source: str | None, rule: str | None) -> None:
    """Raise :class:`ReportError` for a config, source or rule that the build does not have."""
    asked = (
        ("config", config, list(built.manifest["configs"])),
        ("source", source, [one["name"] for one in built.manifest["sources"]]),
        ("rule", rule, _rule_names(built)),
    )
    for what, name, known in asked:
        if name is not None and name not in known:
            raise ReportError(
                _("{folder} has no {what} {name!r}.{did_you_mean}").format(
                    folder=built.folder,
                    what=_(what),
                    name=name,
                    did_you_mean=did_you_mean(name, known),
                )
            )


def drop_counts(built: Built, source: str | None = None) -> dict[tuple[str, str], int]:
    """Return (stage, rule) -> dropped records, as stages run."""
    counts: dict[tuple[str, str], int] = {}
    for name, stages in built.manifest["dropped"].items():
        if source in (None, name):
            for stage, rules in stages.items():
                for rule, n in rules.items():
                    counts[stage, rule] = counts.get((stage, rule), 0) + n
    return dict(sorted(counts.items(), key=lambda item: (place_of(item[0][0]), item[0][1])))


def _rule_names(built: Built) -> list[str]:
    """Return what may stand for --rule: a rule, a stage, or both as stage/rule."""
    pairs = drop_counts(built)
    names = [rule for __, rule in pairs] + [stage for stage, __ in pairs]
    return list(dict.fromkeys([*names, *(f"{stage}/{rule}" for stage, rule in pairs)]))


def _meant(stage: str, rule: str, asked: str | None) -> bool:
    return asked in (None, rule, stage, f"{stage}/{rule}")


# --- rows ------------------------------------------------------------------------------------


def rows(
    built: Built, config: str, source: str | None = None, grep: str = "", most: int = 5
) -> list[ShownRow]:
    """Return at most ``most`` rows of a config, in their order; without ``grep`` and ``source``
    spread over the sources.

    grep: words that a text, the id or a label must hold, in any case.
    """
    found: list[ShownRow] = []
    files = [(split, built.folder / e["file"]) for c, split, e in built.files() if c == config]
    if not grep:
        for split, path, places in _first(files, source, most):
            found += [_shown(config, split, row) for row in rows_at(path, places)]
        return found
    for split, path in files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_AT_ONCE):
                table = pa.Table.from_batches([batch])
                where = holding(table, grep)
                if source is not None:
                    where &= _are(table["source"], source)
                at = np.flatnonzero(where)[: most - len(found)]
                taken = table.take(pa.array(at))
                found += [_shown(config, split, row) for row in taken.to_pylist()]
                if len(found) >= most:
                    return found
    return found


def _first(
    files: Sequence[tuple[str, Path]], source: str | None, most: int
) -> Iterator[tuple[str, Path, list[int]]]:
    """Yield, for the files that hold any, the places of the rows to show: of each source the first
    ones, as many of each as can be."""
    by_source: dict[str, list[tuple[int, int]]] = {}
    for number, (__, path) in enumerate(files):
        names = pq.read_table(path, columns=["source"])["source"]
        for name in pc.unique(names).to_pylist():
            if source in (None, name):
                at = pc.indices_nonzero(pc.equal(names, name))[:most].to_pylist()
                by_source.setdefault(name, []).extend((number, row) for row in at)
    taken = in_turn(by_source.values(), most)
    for number, (split, path) in enumerate(files):
        if places := sorted(row for where, row in taken if where == number):
            yield split, path, places


def _shown(config: str, split: str, row: Mapping[str, Any]) -> ShownRow:
    texts = texts_of_row(config, dict(row))
    if row.get("title"):
        texts = [("title", row["title"]), *texts]
    return ShownRow(row["id"], config, split, row["source"], row.get("department"), texts)


def _are(column: pa.ChunkedArray, name: str) -> np.ndarray:
    found: np.ndarray = pc.equal(column, name).to_numpy(zero_copy_only=False)
    return found


def holding(table: pa.Table, words: str) -> np.ndarray:
    """Return bool[n]: whether any text of a row holds ``words``, in any case."""
    found = np.zeros(len(table), bool)
    for name in table.column_names:
        if name not in _NO_TEXTS:
            for rows_ in _rows_holding(table[name].combine_chunks(), words):
                found[rows_] = True
    return found


def _rows_holding(column: pa.Array, words: str) -> Iterator[np.ndarray]:
    """Yield rows of a column, however deep its texts lie."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        holds = pc.fill_null(pc.match_substring(column, words, ignore_case=True), False)
        yield np.flatnonzero(holds.to_numpy(zero_copy_only=False))
    elif pa.types.is_list(column.type):
        parents = pc.list_parent_indices(column).to_numpy()
        for rows_ in _rows_holding(pc.list_flatten(column), words):
            yield parents[rows_]
    elif pa.types.is_struct(column.type):
        for field in column.type:
            if field.name in _NO_TEXTS:
                continue
            yield from _rows_holding(pc.struct_field(column, field.name), words)


# --- dropped records -------------------------------------------------------------------------


def dropped(
    built: Built,
    source: str | None = None,
    rule: str | None = None,
    grep: str = "",
    most: int = 5,
) -> list[ShownDrop]:
    """Return at most ``most`` dropped records, those with kept texts first, and of each rule as
    many as can be.

    rule: a rule, a stage, or stage/rule. grep: words that the text, the evidence, the key or the id
    must hold, in any case.
    """
    with_text = _kept_ids(built, source, rule, grep)
    wanted = dict.fromkeys(_in_turn(with_text, most))
    texts = {row["id"]: row["texts"] for row in kept.kept(built.folder, wanted)}
    told: dict[str, ShownDrop] = {}
    more: list[ShownDrop] = []
    for table in _ledger(built, source, rule):
        own = table.filter(pc.is_in(table["id"], pa.array(list(wanted), pa.string())))
        told |= {row["id"]: _drop(row, texts) for row in own.to_pylist()}
        if len(more) + len(wanted) < most:
            others = table.filter(pa.array(holding(table, grep))) if grep else table
            new = [row for row in others.slice(0, most + len(wanted)).to_pylist()
                   if row["id"] not in wanted]  # fmt: skip
            more += [_drop(row, texts) for row in new]
        elif len(told) == len(wanted):
            break
    return [*(told[name] for name in wanted if name in told), *more][:most]


def _ledger(built: Built, source: str | None, rule: str | None) -> Iterator[pa.Table]:
    """Yield the meant rows of dropped.parquet, some at a time."""
    with pq.ParquetFile(built.folder / "ledger" / "dropped.parquet") as file:
        for batch in file.iter_batches(_AT_ONCE):
            yield _filtered(pa.Table.from_batches([batch]), source, rule)


def _filtered(table: pa.Table, source: str | None, rule: str | None) -> pa.Table:
    if source is not None:
        table = table.filter(pc.equal(table["source"], source))
    if rule is not None:
        stage, slash, name = rule.partition("/")
        if slash:
            where = pc.and_(pc.equal(table["stage"], stage), pc.equal(table["rule"], name))
        else:
            where = pc.or_(pc.equal(table["stage"], rule), pc.equal(table["rule"], rule))
        table = table.filter(where)
    return table


def _kept_ids(
    built: Built, source: str | None, rule: str | None, grep: str
) -> dict[tuple[str, str], list[str]]:
    """Return (stage, rule) -> the dropped records whose texts are kept and meant."""
    path = built.folder / kept.FILE
    found: dict[tuple[str, str], list[str]] = {}
    if not path.is_file():
        return found
    columns = ["id", "source", "key", "stage", "rule", *(["texts"] if grep else [])]
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_AT_ONCE, columns=columns):
            table = _filtered(pa.Table.from_batches([batch]), source, rule)
            if grep:
                table = table.filter(pa.array(holding(table, grep)))
            for row in table.select(["id", "stage", "rule"]).to_pylist():
                found.setdefault((row["stage"], row["rule"]), []).append(row["id"])
    return dict(sorted(found.items(), key=lambda item: (place_of(item[0][0]), item[0][1])))


def _in_turn(groups: Mapping[Any, list[str]], most: int) -> list[str]:
    """Return at most ``most`` of all, as many of each group as can be, group by group."""
    taken = dict.fromkeys(groups, 0)
    left = most
    while left and any(taken[name] < len(own) for name, own in groups.items()):
        for name, own in groups.items():
            if left and taken[name] < len(own):
                taken[name] += 1
                left -= 1
    return [one for name, own in groups.items() for one in own[: taken[name]]]


def _drop(row: Mapping[str, Any], texts: Mapping[str, Any]) -> ShownDrop:
    return ShownDrop(
        row["id"], row["source"], row["key"], row["stage"], row["rule"], row["evidence"] or "",
        row["twin"], texts.get(row["id"]),
    )  # fmt: skip

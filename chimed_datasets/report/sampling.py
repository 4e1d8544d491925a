"""Records to look at: rows of each config, and dropped records beside what they gave way to.

Which ones is drawn by a hash of their ids: the same build shows the same records.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..built import texts as kept
from ..built.changes import Piece, changes, marked, shared
from ..built.dataset import Built, owner_column
from ..built.statistics import row_texts
from ..stages import place_of
from .explain import untitled

Row = dict[str, Any]
T = TypeVar("T")
ROWS, DROPS = 200, 40
"""Rows of a config, spread over its sources; dropped records of a rule, likewise."""
CHANGES = 6
"""Texts that a stage changed which are shown of a record."""
TEXT_CHARS, TWIN_CHARS = 3000, 600
"""A longer text is cut; the page says so."""


def rows(built: Built, most: int = ROWS) -> list[Row]:
    """Return rows of every config: where they are from, and their texts by who says them."""
    out = []
    for config in built.manifest["configs"]:
        names = [(split, built.folder / e["file"]) for c, split, e in built.files() if c == config]
        tables = [pq.read_table(path, columns=["id", "source"]) for _, path in names]
        places = [(number, row) for number, table in enumerate(tables) for row in range(len(table))]
        every = pa.concat_tables(tables)
        ids, sources = every["id"].to_pylist(), every["source"].to_pylist()
        wanted: dict[int, list[int]] = {}
        for index in _spread(ids, sources, most):
            number, row = places[index]
            wanted.setdefault(number, []).append(row)
        for number, indices in sorted(wanted.items()):
            split, path = names[number]
            out += [_shown(config, split, row) for row in rows_at(path, sorted(indices))]
    return out


def drops(built: Built, most: int = DROPS) -> list[Row]:
    """Return dropped records of every rule, those with kept texts first: each with its evidence,
    its text, what the stages before changed in it and, where there is one, the record that was kept
    instead or the benchmark item that it holds."""
    table = built.ledger("dropped")
    known = kept.ids(built.folder)
    exams: dict[str, list[Row]] = {}
    for name, entry in built.manifest["benchmarks"].items():
        for match in entry["matches"]:
            shown = {"benchmark": name, "item": match["item"], "text": match["text"]}
            exams.setdefault(match["record"], []).append(shown)
    picked: list[Row] = []
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
            rows_ = sorted(_spread(ids, sources, most - len(drawn)))
            drawn += part.take(pa.array(rows_, pa.int64())).to_pylist()
        picked += [{**row, "of": pair["count_all"]} for row in drawn]
    twins = _twins(built, {row["twin"] for row in picked if row["twin"]})
    texts = {row["id"]: row for row in kept.kept(built.folder, {row["id"] for row in picked})}
    return [
        {
            **{key: row[key] or "" for key in ("stage", "rule", "source", "id", "key", "evidence")},
            "of": row["of"],
            **_text(row, texts.get(row["id"]), twins, exams),
        }
        for row in picked
    ]


def _text(
    row: Row, text: Row | None, twins: Mapping[str, Row], exams: Mapping[str, list[Row]]
) -> Row:
    """Return what the page shows of a dropped record's text, and beside it.

    text:  of :func:`.texts.kept`; None where the text is not kept.
    """
    twin = {"id": row["twin"], **twins.get(row["twin"], {})} if row["twin"] else None
    items = exams.get(row["id"], [])[:3] if row["stage"] == "decontaminate" else []
    out: Row = {"texts": [], "steps": [], "twin": twin, "exams": items}
    if text is None:
        return out
    texts = [(place, _cut(said, TEXT_CHARS)) for place, said in text["texts"]]
    if items:
        shared_ = "\n".join(item["text"] for item in items)
        out["texts"] = [[place, _pieces(shared(said, shared_, len(said)))] for place, said in texts]
    else:
        out["texts"] = [[place, [["=", said]]] for place, said in texts]
    for stage, before, after in kept.states(text):
        changed = [
            [one.place, _pieces(marked(one.before, one.after))] for one in changes(before, after)
        ]
        out["steps"].append({"stage": stage, "changes": changed[:CHANGES]})
    if twin and "text" in twin:
        said_ = "\n".join(said for _, said in kept.body(text["kind"], text["texts"]))
        own = _cut(said_, TWIN_CHARS)
        out["beside"] = _pieces(marked(twin["text"], own, len(own) + len(twin["text"])))
    return out


def _pieces(pieces: Sequence[Piece]) -> list[list[str]]:
    return [[piece.sign, piece.text] for piece in pieces]


def _spread(ids: Sequence[str], sources: Sequence[str], most: int) -> list[int]:
    """Return at most ``most`` indices, as many of each source as can be."""
    by_source: dict[str, list[int]] = {}
    for index in sorted(range(len(ids)), key=lambda i: zlib.crc32(ids[i].encode())):
        by_source.setdefault(sources[index], []).append(index)
    return in_turn(by_source.values(), most)


def in_turn(lists: Collection[Sequence[T]], most: int) -> list[T]:
    """Return at most ``most`` items: the first of each list, then the second of each, and so on."""
    longest = min(most, max(map(len, lists), default=0))
    return [own[turn] for turn in range(longest) for own in lists if turn < len(own)][:most]


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


_LABELS = (
    "title", "department", "domain", "origin", "pair_origin", "mark", "license", "defect"
)  # fmt: skip


def _shown(config: str, split: str, row: Row) -> Row:
    """Return what the page shows of a row."""
    labels = {name: row[name] for name in _LABELS if row.get(name)}
    if row.get("keyphrases"):
        labels["keyphrases"] = "、".join(row["keyphrases"])
    return {
        "config": config,
        "split": split,
        "id": row["id"],
        "source": row["source"],
        "labels": labels,
        "texts": [[who, _cut(text, TEXT_CHARS)] for who, text in texts_of_row(config, row)],
    }


def texts_of_row(config: str, row: Row) -> list[tuple[str, str]]:
    """Return the texts of a row of a config, each with who says it."""
    if config == "pretrain":
        texts = [("text", row["text"])]
    elif config == "sft":
        texts = [text for m in row["messages"] for text in _said(m["role"], m)]
    elif config == "unpaired":
        texts = [(m["role"], m["content"]) for m in row["prompt"]]
        label = "good" if row["label"] else "bad"
        texts += [text for m in row["completion"] for text in _said(label, m)]
    elif config == "exam":
        texts = [(m["role"], m["content"]) for m in row["prompt"]]
        texts += [("answer", row["answer"])]
        texts += [("explanation", row["explanation"])] if row["explanation"] else []
    elif config != "preference":  # a guest's
        texts = [("text", text) for text in row_texts(row)]
    else:
        texts = [(m["role"], m["content"]) for m in row["prompt"]]
        texts += [
            text for side in ("chosen", "rejected") for m in row[side] for text in _said(side, m)
        ]
    return texts


def _said(who: str, message: Row) -> list[tuple[str, str]]:
    """Return what a message says, behind its reasoning trace where it has one."""
    trace = message.get("reasoning_content")
    said = [(f"{who}, reasoning", trace)] if trace else []
    return [*said, (who, message["content"])]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"


def _twins(built: Built, names: set[str]) -> dict[str, Row]:
    """Return source, config and text of the kept records ``names``, by id."""
    twins: dict[str, Row] = {}
    wanted = pa.array(sorted(names), pa.string())
    for config, _, entry in built.files():
        path = built.folder / entry["file"]
        owner = owner_column(pq.read_schema(path))
        owners = pq.read_table(path, columns=[owner])[owner]
        where = pc.indices_nonzero(pc.is_in(owners, wanted)).to_pylist()
        for row in rows_at(path, where):
            text = _cut("\n".join(untitled(row, text) for text in row_texts(row)), TWIN_CHARS)
            shown = {"source": row["source"], "config": config, "text": text}
            twins.setdefault(row[owner], shown)
    return twins

"""Builds in which records stand inside others: in which split, what is told, what is dropped."""

from __future__ import annotations

import filecmp
import json
import random
from pathlib import Path
from typing import Any

import pytest

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.building.decide import containment
from chimed_datasets.built import overlap
from chimed_datasets.report import tables
from tests.common.files import write_jsonl
from tests.common.text import prose

FIELDS = {"document": {"text": "text"}, "thread": {"question": "question", "answer": "answer"}}
BOOKS = [prose(n, 500) for n in range(40)]
PIECES = [book[20 + 120 * n : 90 + 130 * n] for book in BOOKS for n in range(3)]
PHRASE = prose(4711, 60)


def built(
    folder: Path, texts: list[Any], kind: str = "document", workers: int = 1, **stages: Any
) -> Any:
    rows = [text if isinstance(text, dict) else {"text": text} for text in texts]
    write_jsonl(folder / "rows.jsonl", [{"id": str(n), **row} for n, row in enumerate(rows)])
    source = {"name": "s", "layout": "jsonl", "path": "rows.jsonl", "license": "cc0-1.0"}
    recipe = {
        "name": "contained",
        "sources": [source | {"kind": kind, "id": "id", "fields": FIELDS[kind]}],
        "stages": {"filter": False, "split": {"validation": 0.2, "test": 0.2}} | stages,
    }
    (folder / "recipe.yaml").write_text(json.dumps(recipe), "utf-8")
    out = folder / f"out-{workers}"
    build(load_recipe(folder / "recipe.yaml"), out, workers=workers)
    assert list(validate(out)) == []
    return open_built(out)


def told(dataset: Any) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, Any]]]:
    """Kept and dropped rows of the ledger, by the number in the source."""
    kept, dropped = (dataset.ledger(name).to_pylist() for name in ("kept", "dropped"))
    return tuple({int(r["key"].rpartition("#")[2]): r for r in rows} for rows in (kept, dropped))


def test_a_section_goes_where_the_book_goes(tmp_path):
    dataset = built(tmp_path, BOOKS + PIECES)
    kept, _ = told(dataset)
    assert len({row["split"] for row in kept.values()}) == 3
    for n in range(len(PIECES)):
        piece, book = kept[len(BOOKS) + n], kept[n // 3]
        assert (piece["inside"], piece["share"]) == (book["id"], 1.0)
        assert (piece["split"], piece["group"]) == (book["split"], book["group"])
    for n in range(len(BOOKS)):
        assert kept[n]["inside"] is kept[n]["share"] is None
    entry = dataset.manifest["measured"]["contained"]
    assert (entry["kept"], entry["everywhere"], entry["largest"]) == (len(PIECES), 0, 4)
    example = {row["id"]: row for row in kept.values()}[entry["example"]["record"]]
    assert (example["inside"], example["share"]) == (entry["example"]["inside"], 1.0)
    (table,) = tables.contained(dataset.manifest)
    assert str(len(PIECES)) in [*table.columns[1].cells]
    card = (dataset.folder / "README.md").read_text("utf-8")
    assert f"{len(PIECES)} records stand mostly inside a longer one" in card
    (found,) = overlap.measure(dataset.folder)
    assert found.looked_at > 20
    assert found.inside == 0


def test_a_book_stays_where_it_is_when_its_sections_come(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    without, _ = told(built(tmp_path / "a", BOOKS))
    with_pieces, _ = told(built(tmp_path / "b", BOOKS + PIECES))
    for n in range(len(BOOKS)):
        assert without[n]["split"] == with_pieces[n]["split"]


def test_dropped(tmp_path):
    copy = PIECES[0]
    chain = PIECES[1][:40]
    texts = [*BOOKS, *PIECES, copy, chain]
    dataset = built(tmp_path, texts, deduplicate={"contained": "drop"})
    kept, dropped = told(dataset)
    assert sorted(kept) == list(range(len(BOOKS)))
    for n in range(len(PIECES)):
        row = dropped[len(BOOKS) + n]
        assert (row["stage"], row["rule"]) == ("deduplicate", "contained")
        assert row["twin"] == kept[n // 3]["id"]
        assert row["evidence"] == f"100.0% of it stands in {row['twin']}"
    twin, last = dropped[len(texts) - 2], dropped[len(texts) - 1]
    assert (twin["rule"], twin["twin"]) == ("exact", kept[0]["id"])
    assert (last["rule"], last["twin"]) == ("contained", kept[0]["id"])
    assert dataset.manifest["measured"]["contained"]["kept"] == 0
    assert tables.contained(dataset.manifest) == []


def test_conversations(tmp_path):
    long = [{"question": prose(n, 30), "answer": prose(500 + n, 200)} for n in range(40)]
    short = [{"question": row["question"], "answer": row["answer"][10:90]} for row in long]
    for n, row in enumerate(short):
        row["question"] = row["question"][:-2] + f"{n}"  # no equal question
    kept, _ = told(built(tmp_path, long + short, "thread"))
    for n in range(40):
        assert kept[40 + n]["inside"] == kept[n]["id"]
        assert kept[40 + n]["split"] == kept[n]["split"]


def test_a_phrase_of_all_joins_nothing_and_is_trained_on(tmp_path):
    books = [book + PHRASE for book in BOOKS]
    dataset = built(tmp_path, [*books, PHRASE])
    kept, _ = told(dataset)
    assert len({row["group"] for row in kept.values()}) == len(books) + 1
    assert kept[len(books)]["split"] == "train"
    assert dataset.manifest["measured"]["contained"]["everywhere"] == 1
    (table,) = tables.contained(dataset.manifest)
    assert "inside very many records, therefore in train" in [*table.columns[0].cells]


def test_without_the_search(tmp_path):
    dataset = built(tmp_path, BOOKS + PIECES, deduplicate={"near": False})
    assert "contained" not in dataset.manifest["measured"]
    assert "inside" not in dataset.ledger("kept").column_names


@pytest.mark.parametrize("drop", ["keep", "drop"])
def test_workers_and_parts_change_no_byte(tmp_path, monkeypatch, drop):
    texts = BOOKS + PIECES
    random.Random(3).shuffle(texts)
    stages = {"deduplicate": {"contained": drop}}
    one = built(tmp_path, texts, **stages).folder
    monkeypatch.setattr(containment, "AT_ONCE", 500)
    monkeypatch.setattr(containment, "CHARS_AT_ONCE", 2000)
    two = built(tmp_path, texts, workers=2, **stages).folder
    files = [p.relative_to(one) for p in one.rglob("*") if p.is_file()]
    same, other, missing = filecmp.cmpfiles(one, two, files, shallow=False)
    assert (other, missing) == ([], [])
    assert len(same) > 4

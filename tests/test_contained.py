"""Builds in which records stand inside others: in which split, what is told, what is dropped."""

from __future__ import annotations

import filecmp
import json
import random
from pathlib import Path
from typing import Any

import pytest

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.building.decide import contained, deduplicate
from chimed_datasets.built import overlap
from chimed_datasets.report import tables
from tests.common.files import write_jsonl
from tests.common.text import prose

FIELDS = {
    "document": {"text": "text", "book": "book"},
    "thread": {"question": "question", "answer": "answer"},
}
BOOKS = [prose(n, 500) for n in range(40)]
PIECES = [book[20 + 120 * n : 160 + 130 * n] for book in BOOKS for n in range(3)]
CHAIN = BOOKS[0][100:] + BOOKS[1][:200]


def built(
    folder: Path, texts: list[Any], kind: str = "document", workers: int = 1, **stages: Any
) -> Any:
    rows = [text if isinstance(text, dict) else {"text": text, "book": None} for text in texts]
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


def without_search(folder: Path, texts: list[Any], kind: str = "document", **stages: Any) -> Any:
    """Build the same where nothing is looked for: records stay in the splits that are drawn."""
    (folder / "drawn").mkdir()
    return built(folder / "drawn", texts, kind, deduplicate={"near": False}, **stages)


def test_what_is_joined_over_splits_goes_to_train_and_all_else_stays(tmp_path):
    texts = BOOKS + PIECES[: len(BOOKS)]  # pieces of the first third of the books
    dataset = built(tmp_path, texts)
    kept, _ = told(dataset)
    drawn, _ = told(without_search(tmp_path, texts))
    moved, apart = set(), set()
    for n in range(len(BOOKS)):
        mine = [n, *(len(BOOKS) + m for m in range(len(BOOKS)) if m // 3 == n)]
        before = {drawn[m]["split"] for m in mine}
        after = {kept[m]["split"] for m in mine}
        assert after == (before if len(before) == 1 else {"train"})
        moved |= {m for m in mine if drawn[m]["split"] != kept[m]["split"]}
        apart |= {m for m in mine[1:] if drawn[m]["split"] not in ("train", drawn[n]["split"])}
        if before != {"train"}:  # one of each pair was held out
            for m in mine[1:]:
                if {drawn[m]["split"], drawn[n]["split"]} != {"train"}:
                    assert (kept[m]["inside"], kept[m]["share"]) == (kept[n]["id"], 1.0)
        assert kept[n]["inside"] is kept[n]["share"] is None
    assert len({row["split"] for row in kept.values()}) == 3
    assert all(kept[m]["group"] == drawn[m]["group"] for m in kept)
    entry = dataset.manifest["measured"]["contained"]
    assert (entry["apart"], entry["to_train"], entry["held_out"]) == (len(apart), len(moved), 0)
    assert len(apart) > 5
    assert "kept" not in entry
    example = {row["id"]: row for row in kept.values()}[entry["example"]["record"]]
    assert (example["inside"], example["share"]) == (entry["example"]["inside"], 1.0)
    (table,) = tables.contained(dataset.manifest)
    assert [*table.columns[1].cells][:2] == [str(len(apart)), str(len(moved))]
    card = (dataset.folder / "README.md").read_text("utf-8")
    assert f"{len(apart)} records that were drawn for validation or test" in card
    assert f"{len(moved)} records went to train" in card
    (found,) = overlap.measure(dataset.folder)
    assert found.inside == 0


def test_a_short_section_with_numbers_is_found_in_a_long_one(tmp_path):
    """To the search for near-duplicates a number of a short text is one sign; here it is none."""
    sections = [
        f"{prose(n, 24)}，每次5毫升，每日3次，连服{n + 2}天，{prose(n + 60, 24)}" for n in range(20)
    ]
    texts = [
        f"{prose(n + 90, 200)}。{one}。{prose(n + 120, 200)}" for n, one in enumerate(sections)
    ]
    kept, _ = told(built(tmp_path, texts + sections, deduplicate={"contained": "report"}))
    found = [kept[20 + n]["inside"] == kept[n]["id"] for n in range(20)]
    assert sum(found) >= 17  # of so short a text all sampled n-grams may fall away


def test_reported_are_all_and_the_splits_are_the_same(tmp_path):
    texts = BOOKS + PIECES
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    dataset = built(tmp_path / "a", texts, deduplicate={"contained": "report"})
    kept, _ = told(dataset)
    for n in range(len(PIECES)):
        piece, book = kept[len(BOOKS) + n], kept[n // 3]
        assert (piece["inside"], piece["share"]) == (book["id"], 1.0)
    for n in range(len(BOOKS)):
        assert kept[n]["inside"] is kept[n]["share"] is None
    assert dataset.manifest["measured"]["contained"]["kept"] == len(PIECES)
    other, _ = told(built(tmp_path / "b", texts))
    assert {n: row["split"] for n, row in kept.items()} == {
        n: row["split"] for n, row in other.items()
    }
    card = (dataset.folder / "README.md").read_text("utf-8")
    assert f"{len(PIECES)} records stand mostly inside a longer one" in card


def test_no_split_is_left_empty(tmp_path):
    """Every book has pieces in all splits: whole books stand in, with their pieces."""
    kept, _ = told(built(tmp_path, BOOKS + PIECES))
    assert len({row["split"] for row in kept.values()}) == 3
    for n in range(len(PIECES)):
        assert kept[len(BOOKS) + n]["split"] == kept[n // 3]["split"]


def test_where_all_is_joined_all_is_trained_on(tmp_path):
    chain = [BOOKS[0], CHAIN[:200], CHAIN[250:], CHAIN]
    kept, _ = told(built(tmp_path, chain, split={"validation": 0.4, "test": 0.4}))
    assert {row["split"] for row in kept.values()} == {"train"}


def test_a_work_that_is_held_out_stays_out(tmp_path):
    split = {"validation": 0.2, "test": 0.2, "hold_out": "books"}
    rows = [
        {"text": text, "book": f"book {n}"}
        for n, book in enumerate(BOOKS)
        for text in book_of(book)
    ]
    rows += [
        {"text": BOOKS[n][5:140] + prose(900 + n, 20), "book": f"book {len(BOOKS) - n}"}
        for n in range(len(BOOKS))
    ]
    dataset = built(tmp_path, rows, split=split)
    kept, _ = told(dataset)
    drawn, _ = told(without_search(tmp_path, rows, split=split))
    quotes = range(4 * len(BOOKS), len(rows))
    out = {n for n in drawn if drawn[n]["split"] != "train"}
    assert {n: kept[n]["split"] for n in out} == {n: drawn[n]["split"] for n in out}
    moved = {n for n in kept if kept[n]["split"] != drawn[n]["split"]}
    joined = set()
    for n, quote in enumerate(quotes):  # the first section of a book, and another book quotes it
        if {4 * n, quote} & out:
            joined |= {4 * n, quote} - out
            assert "train" not in (kept[4 * n]["split"], kept[quote]["split"])
    assert moved == joined
    assert len(moved) > 5
    (found,) = overlap.measure(dataset.folder)
    assert found.inside == 0
    assert dataset.manifest["measured"]["contained"]["held_out"] == len(moved)


def book_of(text: str) -> list[str]:
    """The sections of a book."""
    return [text[125 * n : 125 * (n + 1)] for n in range(4)]


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
    assert dataset.manifest["measured"]["contained"] == {
        "apart": 0, "to_train": 0, "held_out": 0, "kept": 0
    }  # fmt: skip
    assert tables.contained(dataset.manifest) == []


def test_conversations(tmp_path):
    long = [{"question": prose(n, 30), "answer": prose(500 + n, 200)} for n in range(40)]
    short = [{"question": row["question"], "answer": row["answer"][10:90]} for row in long]
    for n, row in enumerate(short):
        row["question"] = row["question"][:-2] + f"{n}"  # no equal question
    stages = {"deduplicate": {"contained": "report"}}
    kept, _ = told(built(tmp_path, long + short, "thread", **stages))
    for n in range(40):
        assert kept[40 + n]["inside"] == kept[n]["id"]
        assert kept[40 + n]["split"] == kept[n]["split"]


def test_without_the_search(tmp_path):
    dataset = built(tmp_path, BOOKS + PIECES, deduplicate={"near": False})
    assert "contained" not in dataset.manifest["measured"]
    assert "inside" not in dataset.ledger("kept").column_names


def test_without_a_split_nothing_is_looked_for(tmp_path):
    dataset = built(tmp_path, BOOKS + PIECES, split={"validation": 0, "test": 0})
    assert dataset.manifest["measured"]["contained"]["apart"] == 0
    assert set(dataset.ledger("kept")["inside"].to_pylist()) == {None}


@pytest.mark.parametrize("mode", ["split", "report", "drop"])
def test_workers_and_parts_change_no_byte(tmp_path, monkeypatch, mode):
    texts = BOOKS + PIECES
    random.Random(3).shuffle(texts)
    stages = {"deduplicate": {"contained": mode}}
    one = built(tmp_path, texts, **stages).folder
    monkeypatch.setattr(contained, "AT_ONCE", 50)
    monkeypatch.setattr(contained, "LOOKED_UP", 15)
    monkeypatch.setattr(deduplicate, "AT_ONCE", 30)
    two = built(tmp_path, texts, workers=2, **stages).folder
    files = [p.relative_to(one) for p in one.rglob("*") if p.is_file()]
    same, other, missing = filecmp.cmpfiles(one, two, files, shallow=False)
    assert (other, missing) == ([], [])
    assert len(same) > 4

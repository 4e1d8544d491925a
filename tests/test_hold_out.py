"""`split: {hold_out: …}` in a build: whole books, and entries of one title, are in one split."""

from __future__ import annotations

import random
from collections import defaultdict

import pyarrow.parquet as pq
import pytest

from chimed_datasets import build, open_built
from chimed_datasets.errors import RecipeError
from chimed_datasets.recipe import parse
from tests.common.files import write_jsonl

BOOKS, SECTIONS = 40, 6


def built_with(folder, **split):
    signs = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜"
    draw = random.Random(1)
    rows = [
        {
            "id": f"{book}-{n}",
            "book": f"《医书{signs[book]}》" if n % 2 else f"医书{signs[book]}",
            "title": f"病名{signs[n]}",
            "text": "".join(draw.choice(signs) for _ in range(60)),
        }
        for book in range(BOOKS)
        for n in range(SECTIONS)
    ]
    write_jsonl(folder / "a.jsonl", rows)
    fields = {name: name for name in ("text", "title", "book")}
    source = {"name": "a", "layout": "jsonl", "path": "a.jsonl", "license": "mit", "id": "id"}
    stages = {"split": {"test": 0.1, "validation": 0.1, **split}, "filter": False, "clean": False}
    made = {"name": "o", "sources": [source | {"fields": fields}], "stages": stages}
    build(parse(made, folder), folder / "built")
    return open_built(folder / "built")


def splits_by(built, part: int) -> dict[str, set[str]]:
    """The number of a row's book or section -> the splits that its rows are in."""
    found = defaultdict(set)
    for _, split, entry in built.files():
        for name in pq.read_table(built.folder / entry["file"], columns=["id"])["id"].to_pylist():
            found[name].add(split)
    kept = built.ledger("kept", ["key", "split"]).to_pylist()
    where = defaultdict(set)
    for row in kept:
        where[row["key"].rpartition("#")[2].split("-")[part]].add(row["split"])
    assert {split for splits in found.values() for split in splits} == {
        "train",
        "validation",
        "test",
    }
    return where


@pytest.mark.parametrize(("hold_out", "part"), [("books", 0), ("titles", 1)])
def test_works_are_in_one_split(tmp_path, hold_out, part):
    found = splits_by(built_with(tmp_path, hold_out=hold_out), part)
    assert len(found) == (BOOKS, SECTIONS)[part]
    assert {len(splits) for splits in found.values()} == {1}


def test_sections_go_by_themselves_where_it_is_not_asked_for(tmp_path):
    assert max(map(len, splits_by(built_with(tmp_path), 0).values())) > 1


def test_what_can_be_held_out(tmp_path):
    with pytest.raises(RecipeError, match="hold_out"):
        built_with(tmp_path, hold_out="authors")

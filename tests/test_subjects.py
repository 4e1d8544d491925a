"""Entries of several sources on one subject are in one split."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from chimed_datasets import build, open_built
from chimed_datasets.recipe import parse
from tests.common.files import write_jsonl

SIGNS = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜"


def groups_of(folder, titles: dict[str, list[str | None]], kind: str = "document") -> dict:
    """Build sources with records of these titles; source -> title -> the groups it is in."""
    draw = random.Random(1)
    texts = ("text",) if kind == "document" else ("question", "answer")
    sources = []
    for name, mine in titles.items():
        rows = [
            {"title": title} | {text: "".join(draw.choices(SIGNS, k=60)) for text in texts}
            for title in mine
        ]
        write_jsonl(folder / f"{name}.jsonl", rows)
        fields = {field: field for field in ("title", *texts)}
        source = {"name": name, "layout": "jsonl", "path": f"{name}.jsonl", "license": "mit"}
        sources.append(source | {"kind": kind, "fields": fields})
    stages = {"filter": False, "clean": False, "split": {"test": 0.3, "validation": 0.3}}
    build(parse({"name": "o", "sources": sources, "stages": stages}, folder), folder / "built")
    built = open_built(folder / "built")
    found: dict = defaultdict(lambda: defaultdict(set))
    splits = defaultdict(set)
    for row in built.ledger("kept", ["source", "key", "group", "split"]).to_pylist():
        line = int(row["key"].rpartition("#")[2])
        found[row["source"]][titles[row["source"]][line]].add(row["group"])
        splits[row["group"]].add(row["split"])
    assert {len(where) for where in splits.values()} == {1}
    return found


def test_entries_on_one_subject_are_one_group(tmp_path):
    subjects = [f"{sign}病" for sign in SIGNS]
    found = groups_of(tmp_path, {"a": subjects, "b": subjects[::-1], "c": subjects[:5]})
    for subject in subjects:
        assert len(found["a"][subject] | found["b"][subject] | found["c"][subject] or {0}) == 1
    assert len(set.union(*found["a"].values())) == len(subjects)


@pytest.mark.parametrize(
    ("a", "b", "together"),
    [
        ("维生素B12缺乏", " 维生素b12缺乏", True),
        ("感冒", "感冒病", False),
        ("", "", False),
        (None, None, False),
    ],
)
def test_which_titles_are_one_subject(tmp_path, a, b, together):
    others = [f"{sign}病" for sign in SIGNS]
    found = groups_of(tmp_path, {"a": [a, *others[:20]], "b": [b, *others[20:]]})
    assert bool(found["a"][a] & found["b"][b]) == together


def test_a_title_of_one_source_is_no_subject(tmp_path):
    found = groups_of(tmp_path, {"a": ["桂枝汤"] * 5 + ["麻黄汤"], "b": ["感冒"]})
    assert len(found["a"]["桂枝汤"]) == 5


def test_a_title_that_comes_very_often_is_a_kind_of_chapter(tmp_path):
    found = groups_of(tmp_path, {"a": ["概述"] * 9, "b": ["概述"], "c": ["概述"] * 8})
    assert len(found["a"]["概述"]) == 9
    assert len(found["b"]["概述"] | found["c"]["概述"]) == 1


def test_titles_of_questions_are_no_subjects(tmp_path):
    titles = [f"{sign}病" for sign in SIGNS]
    found = groups_of(tmp_path, {"a": titles, "b": titles}, kind="thread")
    assert not any(found["a"][title] & found["b"][title] for title in titles)

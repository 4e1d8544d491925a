"""The stage `label`: what records without a label get, what they do not, and that each says so."""

from __future__ import annotations

import random

import pytest
from datasets import load_dataset

import chimed_datasets as chimed
from chimed_datasets.recipe import parse
from tests.common.files import write_jsonl

WORDS = {
    "骨科": ["骨折", "膝盖", "韧带", "腰椎", "石膏", "关节", "扭伤", "拍片", "脚踝", "半月板"],
    "皮肤科": ["皮疹", "瘙痒", "湿疹", "药膏", "红斑", "脱屑", "痤疮", "过敏", "荨麻疹", "毛囊"],
    "中医": ["脉浮", "舌苔", "恶寒", "阴虚", "气滞", "桂枝", "经络", "脾胃", "痰湿", "补气"],
}
TALK = [
    "最近一直这样",
    "不知道怎么办",
    "请问严重吗",
    "已经三天了",
    "需要去医院吗",
    "平时要注意什么",
]
STRANGE = ["发动机异响", "轮胎气压", "变速箱油", "刹车片", "火花塞", "雨刮器"]
OFF = {"deduplicate": False, "filter": False}


def question(words: list[str], number: int) -> dict[str, str]:
    draw = random.Random(number)
    asked = "，".join([*draw.sample(words, 4), draw.choice(TALK)])
    return {"question": f"{asked}？", "answer": f"{'，'.join(draw.sample(words, 4))}。第{number}号"}


def source(folder, name: str, rows: list[dict], **more) -> dict:
    write_jsonl(folder / f"{name}.jsonl", rows)
    fields = {key: key for key in rows[0] if key != "id"}
    return {"name": name, "layout": "jsonl", "path": f"{name}.jsonl", "license": "mit",
            "kind": "thread", "fields": fields} | more  # fmt: skip


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Two sources with labels, one without, one about something else."""
    folder = tmp_path_factory.mktemp("label")
    named = [
        question(WORDS[name], n) | {"department": name, "keyphrases": WORDS[name][:1]}
        for n in range(120) for name in ("骨科", "皮肤科")
    ]  # fmt: skip
    tcm = [question(WORDS["中医"], n) for n in range(300, 420)]
    bare = [
        question(WORDS[name], n) | {"of": name} for n in range(500, 520)
        for name in ("骨科", "皮肤科", "中医")
    ]  # fmt: skip
    cars = [question(STRANGE, n) for n in range(700, 720)]
    return folder, [
        source(folder, "named", named, domain="modern"),
        source(folder, "tcm", tcm, domain="tcm"),
        source(folder, "bare", bare),
        source(folder, "cars", cars),
    ]


@pytest.fixture(scope="module")
def labelled(sources):
    """(manifest, sft's rows by source, what the build said), with the stage on."""
    folder, entries = sources
    stages = OFF | {"label": {"keyphrases": 3}}
    lines: list[str] = []
    recipe = parse({"name": "l", "sources": entries, "stages": stages}, folder)
    manifest = chimed.build(recipe, folder / "on", tell=lines.append)
    assert chimed.validate(folder / "on") == []
    return manifest, by_source(folder / "on"), lines


def by_source(build) -> dict[str, list[dict]]:
    rows: dict[str, list[dict]] = {}
    for split in load_dataset(str(build), "sft").values():
        for row in split:
            rows.setdefault(row["source"], []).append(row)
    return rows


def of(row: dict) -> str:
    """Return which words a row is made of."""
    text = row["messages"][0]["content"]
    return max(WORDS, key=lambda name: sum(word in text for word in WORDS[name]))


def test_departments_by_classifier_where_the_source_has_none(labelled):
    rows = labelled[1]
    assert {r["label_origin"]["department"] for r in rows["named"]} == {"source"}
    assert all(r["department"] == of(r) for r in rows["named"])
    mine = [r for r in rows["bare"] if of(r) != "中医"]
    given = [r for r in mine if r["department"]]
    assert len(given) > 0.8 * len(mine)
    for row in given:
        assert row["department"] == of(row)
        assert row["label_origin"]["department"] == "classifier"
    for row in (r for r in mine if not r["department"]):
        assert row["label_origin"]["department"] is None


def test_what_is_like_nothing_that_was_learnt_gets_no_department(labelled):
    cars = labelled[1]["cars"]
    assert {(r["department"], r["label_origin"]["department"]) for r in cars} == {(None, None)}


def test_domains_only_where_the_recipe_says_nothing(labelled):
    rows = labelled[1]
    for name, domain in (("named", "modern"), ("tcm", "tcm")):
        assert {(r["domain"], r["label_origin"]["domain"]) for r in rows[name]} == {
            (domain, "stated")
        }
    judged = [r for r in rows["bare"] if r["label_origin"]["domain"] == "classifier"]
    assert len(judged) > 0.8 * len(rows["bare"])
    for row in judged:
        assert row["domain"] == ("tcm" if of(row) == "中医" else "modern")


def test_keyphrases_by_tfidf_where_the_source_has_none(labelled):
    rows = labelled[1]
    assert {tuple(r["keyphrases"]) for r in rows["named"]} <= {("骨折",), ("皮疹",)}
    assert {r["label_origin"]["keyphrases"] for r in rows["named"]} == {"source"}
    with_some = [r for r in rows["tcm"] if r["keyphrases"]]
    assert len(with_some) > 0.8 * len(rows["tcm"])
    for row in with_some:
        assert row["label_origin"]["keyphrases"] == "tfidf"
        assert len(row["keyphrases"]) <= 3
        said = "".join(m["content"] for m in row["messages"])
        assert all(phrase in said for phrase in row["keyphrases"])
    for row in (r for r in rows["tcm"] if not r["keyphrases"]):
        assert row["label_origin"]["keyphrases"] is None


def test_the_manifest_and_the_terminal_have_the_figures(labelled):
    manifest, rows, lines = labelled
    told = manifest["measured"]["learnt"]["label"]
    given = [r for s in rows.values() for r in s if r["label_origin"]["department"] == "classifier"]
    assert told["department"]["given"] == len(given)
    assert told["department"]["classes"] == 2
    for name in ("department", "domain"):
        assert told[name]["precision"] >= 0.9
        assert 0 < told[name]["recall"] <= 1
        assert any(line.startswith(f"{name}: precision") for line in lines), lines


def test_off_nothing_is_made_up_and_each_label_still_says_where_it_is_from(sources):
    folder, entries = sources
    recipe = parse({"name": "l", "sources": entries, "stages": OFF}, folder)
    manifest = chimed.build(recipe, folder / "off")
    assert manifest["measured"]["learnt"]["label"] is None
    rows = by_source(folder / "off")
    origins = {
        name: {tuple(sorted(r["label_origin"].items())) for r in found}
        for name, found in rows.items()
    }
    source, nothing = (
        (("department", o), ("domain", "stated"), ("keyphrases", o)) for o in ("source", None)
    )
    assert origins == {"named": {source}, "tcm": {nothing}, "bare": {nothing}, "cars": {nothing}}
    assert {r["department"] for r in rows["bare"]} == {None}


def test_too_few_to_learn_from_leaves_them_without(sources, tmp_path):
    folder, entries = sources
    stages = OFF | {"label": {"min_examples": 500, "keyphrases": 0}}
    recipe = parse({"name": "l", "sources": entries, "stages": stages}, folder)
    manifest = chimed.build(recipe, tmp_path / "few")
    told = manifest["measured"]["learnt"]["label"]
    assert told["department"]["given"] == 0
    assert told["department"]["reason"] == "too few examples to learn from"
    rows = by_source(tmp_path / "few")
    assert {r["department"] for r in rows["bare"]} == {None}
    assert {tuple(r["keyphrases"]) for r in rows["bare"]} == {()}

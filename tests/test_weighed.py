"""Builds in which near-duplicates are weighed: who stays, who goes, and what is told of them."""

from __future__ import annotations

import filecmp
import json
from pathlib import Path
from typing import Any

import pytest

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.building.decide import weighed
from chimed_datasets.report import tables
from chimed_datasets.report.explain import explain
from tests.common.files import write_jsonl

FIELDS = {
    "document": {"text": "text"},
    "thread": {"question": "question", "answer": "answer"},
    "dialogue": {"messages": "messages"},
}
QUESTION = "爷爷七十五岁，房颤，刚开始吃利伐沙班，饮食上有什么忌讳没有？"
ANSWER = "利伐沙班随餐服用，{}和菠菜一起吃，青菜的量不必限制。牙龈出血或大便发黑就停药查血，拔牙前先告诉医生。"


def thread(answer: str, question: str = QUESTION) -> dict[str, Any]:
    return {"question": question, "answer": answer}


def built(folder: Path, kind: str, rows: list[dict[str, Any]], workers: int = 1, **stage: Any):
    rows = [{"id": str(number), **row} for number, row in enumerate(rows)]
    write_jsonl(folder / "rows.jsonl", rows)
    source = {"name": "s", "layout": "jsonl", "path": "rows.jsonl", "license": "cc0-1.0"}
    recipe = {
        "name": "weighed",
        "sources": [source | {"kind": kind, "id": "id", "fields": FIELDS[kind]}],
        "stages": {
            "filter": False,
            "deduplicate": stage,
            "split": {"validation": 0, "test": 0},
        },
    }
    (folder / "recipe.yaml").write_text(json.dumps(recipe), "utf-8")
    out = folder / f"out-{workers}"
    build(load_recipe(folder / "recipe.yaml"), out, workers=workers)
    assert list(validate(out)) == []
    return open_built(out)


def told(dataset: Any) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Kept and dropped rows of the ledger, by the id in the source."""
    kept, dropped = (dataset.ledger(name).to_pylist() for name in ("kept", "dropped"))
    return tuple({row["key"].rpartition("#")[2]: row for row in rows} for rows in (kept, dropped))


def test_answers_that_contradict_each_other(tmp_path):
    dataset = built(
        tmp_path, "thread",
        [thread(ANSWER.format(word)) for word in ("可以", "不可以", "可以")],
    )  # fmt: skip
    kept, dropped = told(dataset)
    assert list(kept) == ["0", "1"]
    assert dropped["2"]["twin"] == kept["0"]["id"]
    assert kept["0"]["reason"] is None
    assert kept["1"]["reason"].startswith("kept: differs in negation (")
    assert kept["1"]["near"] == kept["1"]["contradicts"] == kept["0"]["id"]
    assert kept["0"]["contradicts"] == kept["1"]["id"]
    assert kept["0"]["group"] == kept["1"]["group"]
    measured = dataset.manifest["measured"]["weighed"]
    assert measured == {"kept": 1, "contradict": 1, "kinds": {"negation": 1}}
    (table,) = tables.weighed(dataset.manifest)
    assert [*table.columns[0].cells] == ["negation", "all", "of these, contradict on one question"]
    story = "\n".join(explain(dataset, kept["1"]["id"]))
    assert "kept: differs in negation" in story
    assert "contradicts" in story
    assert "kept beside a near-duplicate" in (dataset.folder / "README.md").read_text("utf-8")


def test_another_dose_is_no_contradiction(tmp_path):
    answer = "每天{}，晚饭后服，四周后复查血脂和肝功，肌肉酸痛明显就先停药，别和西柚一起吃，也别自己加药。"
    dataset = built(tmp_path, "thread", [thread(answer.format(d)) for d in ("10毫克", "40毫克")])
    kept, _ = told(dataset)
    assert kept["1"]["reason"] == "kept: differs in dose (10毫克 / 40毫克)"
    assert kept["1"]["contradicts"] is None


def test_the_same_answer_in_another_dress(tmp_path):
    answers = [
        "每天三次，一次5毫升，饭后服。",
        "您好，很高兴为您解答。每天3次，一次5ml，饭后服。祝您健康！",
        "1. 每日三次\n2. 每次五毫升\n3. 饭后服用",
    ]
    question = "孩子四岁半，感冒咳嗽有痰，医生开了一瓶氨溴索口服液，该怎么喝？"
    kept, dropped = told(built(tmp_path, "thread", [thread(a, question) for a in answers]))
    assert list(kept) == ["0"]
    assert list(dropped) == ["1", "2"]


def test_unweighed_as_before(tmp_path):
    dataset = built(
        tmp_path, "thread",
        [thread(ANSWER.format(word)) for word in ("可以", "不可以")], weigh=False,
    )  # fmt: skip
    kept, dropped = told(dataset)
    assert (list(kept), list(dropped)) == (["0"], ["1"])
    assert "reason" not in kept["0"]
    assert "weighed" not in dataset.manifest["measured"]


HERBS = """
    陈皮 防风 荆芥 薄荷 牛蒡 桔梗 前胡 杏仁 紫苏 葛根 柴胡 升麻 菊花 桑叶 蝉蜕 浮萍 藁本 辛夷 苍耳 羌活
"""
STEPS = [
    f"第{n}味取{herb}，洗净后切成薄片，放在竹匾里晾到半干，再收进瓷罐。"
    for n, herb in enumerate(HERBS.split())
]


def test_each_dropped_record_is_like_its_keeper(tmp_path):
    """A window that moves on by a sentence: neighbours are near, the ends share nothing."""
    rows = [{"text": "".join(STEPS[n : n + 10])} for n in range(11)]
    kept, dropped = told(built(tmp_path, "document", rows))
    assert 1 < len(kept) < 11
    ids = {row["id"]: name for name, row in kept.items()}
    for name, row in dropped.items():
        assert abs(int(ids[row["twin"]]) - int(name)) <= 2
        assert row["evidence"].startswith("Jaccard 0.8") or row["evidence"].startswith(
            "Jaccard 0.9"
        )
    (tmp_path / "old").mkdir()
    old, _ = told(built(tmp_path / "old", "document", rows, weigh=False))
    assert len(old) == 1


def dialogue(system: str, reply: str) -> dict[str, Any]:
    said = [("system", system), ("user", "体检说窦性心动过缓，要紧吗？"), ("assistant", reply)]
    return {"messages": [{"role": role, "content": text} for role, text in said if text]}


@pytest.mark.parametrize("weigh", [True, False])
def test_a_system_prompt_hides_no_equal_pair(tmp_path, weigh):
    reply = "经常运动的人心率每分钟五十多次很常见，没有头晕乏力就不用治，一年查一次心电图。"
    system = "你是一名严谨的心内科医师，只回答与心血管有关的问题，不开处方，不做诊断。" * 3
    rows = [dialogue("", reply), dialogue(system, reply), dialogue(system, "先做动态心电图再说。")]
    kept, _ = told(built(tmp_path, "dialogue", rows, weigh=weigh))
    assert list(kept) == (["0", "2"] if weigh else ["0", "1", "2"])


def many() -> list[dict[str, Any]]:
    """A template of fifty doses, some of them twice, and pairs that are near."""
    text = "第{}号方：石膏{}克，知母十二克，麦冬十五克，水煎服，日一剂，分三次凉服，热退即止，儿童酌减，脾胃虚寒者不宜。"
    rows = [{"text": text.format("某", n % 50 + 1)} for n in range(60)]
    return rows + [{"text": "".join(STEPS[n : n + 10])} for n in range(11)]


def test_many_of_one_template(tmp_path):
    kept, dropped = told(built(tmp_path, "document", many()[:60]))
    assert len(kept) == 50
    assert sorted(map(int, dropped)) == list(range(50, 60))


def test_workers_change_no_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(weighed, "AT_ONCE", 500)
    one, two = (built(tmp_path, "document", many(), workers=n).folder for n in (1, 2))
    files = [p.relative_to(one) for p in one.rglob("*") if p.is_file()]
    same, other, missing = filecmp.cmpfiles(one, two, files, shallow=False)
    assert (other, missing) == ([], [])
    assert len(same) > 4

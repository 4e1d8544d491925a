"""Planted defects: one error each, nothing else changed, the same each time."""

from __future__ import annotations

import difflib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimed_datasets.rows import defects
from chimed_datasets.rows.defects import KINDS, plant


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("每次5mg，口服。", "每次50mg，口服。"),
        ("每次0.25克，口服。", "每次2.5克，口服。"),
        ("每次0.5 g口服。", "每次5 g口服。"),
        ("甘草三钱，水煎服。", "甘草三十钱，水煎服。"),
        ("甘草一两，水煎服。", "甘草十两，水煎服。"),
        ("大枣十枚。", "大枣一百枚。"),
        ("每次服12.5毫克。", "每次服125毫克。"),
        ("血红蛋白120g/L，正常。", None),
        ("体重60kg，休息三两天。", None),
        ("过了二十一天。", None),
        ("附子三十克。", None),  # a number of several characters is left alone
    ],
)
def test_wrong_dose(text, wrong):
    assert defects.wrong_dose(text, 0) == wrong


def test_the_drug_is_another_wherever_it_is_named():
    text = "可服阿莫西林，阿莫西林饭后服，忌酒。"
    for where in range(0, 2**24, 2**16 * 7):
        wrong = defects.wrong_drug(text, where)
        assert "阿莫西林" not in wrong
        new = wrong[len("可服") : wrong.index("，")]
        assert wrong == text.replace("阿莫西林", new)
        assert new in defects.CLASS_OF
        assert defects.CLASS_OF[new] not in ("antibiotic", "patent", *defects.HERBS)


@pytest.mark.parametrize(
    ("text", "trade"), [("用黄连清热。", "herb"), ("服逍遥丸。", "patent"), ("服吗啡。", "drug")]
)
def test_herb_for_herb_and_drug_for_drug(text, trade):
    for where in range(0, 2**24, 2**16 * 5):
        wrong = defects.wrong_drug(text, where)
        (new,) = set(defects.NAME.findall(wrong))
        assert defects.trade_of(defects.CLASS_OF[new]) == trade
        assert new not in text


def test_each_drug_stands_in_one_class():
    names = [name for names in defects.DRUGS.values() for name in names.split()]
    assert len(names) == len(set(names)) > 150


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("你好，考虑为慢性胃炎，建议复查。", "你好，不考虑慢性胃炎，建议复查。"),
        ("这种情况属于过敏性鼻炎。", "这种情况不属于过敏性鼻炎。"),
        ("可能是偏头痛引起的高血压。", "不可能是偏头痛引起的高血压。"),
        ("诊断为肺部感染。", "可以排除肺部感染。"),
        ("不考虑胃炎。", None),
        ("考虑多休息。", None),
        ("不属于传染病。", None),
    ],
)
def test_contradicted_diagnosis(text, wrong):
    assert defects.contradicted_diagnosis(text, 0) == wrong


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("注意休息，多喝水，吃清淡的。孕妇禁用。", "注意休息，多喝水，吃清淡的。"),
        (
            "这是上呼吸道感染；高热不退请立即去医院。多喝温水，可以物理降温。",
            "这是上呼吸道感染；多喝温水，可以物理降温。",
        ),
        ("多喝水，多休息，清淡饮食。", None),
        ("不要吃。", None),  # nothing would be left
    ],
)
def test_dropped_warning(text, wrong):
    assert defects.dropped_warning(text, 0) == wrong


GOOD = "考虑为急性咽炎。可服阿莫西林0.5g，每日三次，口服一周左右。青霉素过敏者禁用。"


def test_each_kind_has_its_place_and_changes_nothing_else():
    found = {}
    for key in map(str, range(60)):
        made = plant(GOOD, key)
        found.setdefault(made.kind, set()).add(made.text)
        assert plant(GOOD, key) == made
        parts = difflib.SequenceMatcher(None, GOOD, made.text, autojunk=False).get_opcodes()
        changed = {GOOD[i:j] for tag, i, j, _, _ in parts if tag != "equal"}
        assert sum(map(len, changed)) <= 13
    assert set(found) == set(KINDS)


def test_only_the_kinds_asked_for():
    assert {plant(GOOD, str(n), ["wrong_dose"]).kind for n in range(20)} == {"wrong_dose"}
    assert plant("多休息。", "k") is None


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("服阿莫西林三十克0.5mg考虑为胃炎。不要，禁用黄连"), max_size=60))
def test_a_planted_text_differs_and_is_not_empty(text):
    made = plant(text, "k")
    assert made is None or (made.text != text and made.text.strip() and made.kind in KINDS)


@pytest.mark.real_data
def test_most_answers_of_doctors_have_a_place_for_a_defect(shared_data):
    path = shared_data / "llm_generated/huatuo_llama_med.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()][:2000]
    kinds = [made.kind for n, row in enumerate(rows) if (made := plant(row["output"], str(n)))]
    assert {*kinds} == set(KINDS)

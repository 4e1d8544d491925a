"""Exam items from record to rows: batches, stages, duplicates, splits, leaks, a build of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import load_dataset

from chimed_datasets import build, dataset_builder, open_built, validate
from chimed_datasets.built.card import COLUMNS
from chimed_datasets.built.checks import check_conversations
from chimed_datasets.built.texts import body
from chimed_datasets.built.texts import kept as kept_texts
from chimed_datasets.publish.croissant import croissant
from chimed_datasets.records import (
    SCHEMAS,
    Answer,
    Batch,
    Document,
    ExamItem,
    Option,
    QAThread,
    batches,
    from_codepoints,
    kind_of,
    num_chars,
)
from chimed_datasets.rows import builders, exams
from chimed_datasets.sources.exams import ExamItem as Question
from chimed_datasets.stages.clean import Clean
from chimed_datasets.stages.decontaminate import Decontaminate, Index
from chimed_datasets.stages.deduplicate import Deduplicate, first_prompts
from chimed_datasets.stages.filter import Filter
from chimed_datasets.stages.mask import Mask
from chimed_datasets.stages.near.exam import items_apart
from chimed_datasets.stages.near.weigh import Difference, difference
from chimed_datasets.stages.simplify import Simplify
from tests.common.exams import ACTS, HERBS

TEXTS = ("麻黄汤", "桂枝汤", "白虎汤", "小柴胡汤")


def item(stem: str, *texts: str, answer: str = "A", **more: Any) -> ExamItem:
    texts = texts or TEXTS
    options = [Option(letter, text) for letter, text in zip("ABCDEFGH", texts, strict=False)]
    return ExamItem(more.pop("key", f"f#{stem}"), stem, options, list(answer), **more)


def batch(*items: Any) -> Batch:
    return Batch(next(batches(items, source="s", license="l", domain="tcm")))


def rows(some: Batch) -> list[dict[str, Any]]:
    return some.table.to_pylist()


# --- records --------------------------------------------------------------------------------------

CASE = "患者女，34岁，恶寒发热三天，无汗，头身疼痛，咳嗽气喘，舌苔薄白，脉浮紧。"


def test_a_batch_holds_what_the_item_says():
    whole = item(
        "最佳方剂是", answer="AC", shared_stem=CASE, explanation="表实无汗。", type="A3/A4",
        subject="方剂学", year=2019, has_image=True, department="中医科", keyphrases=["感冒"],
        metadata={"paper": "1"},
    )  # fmt: skip
    made = batch(whole, item("治太阳中风的方是"))
    assert made.kind == kind_of(whole) == kind_of(made.table) == "exam"
    assert made.table.schema == SCHEMAS["exam"]
    first, second = rows(made)
    assert first["options"] == [
        {"letter": a, "text": t} for a, t in zip("ABCD", TEXTS, strict=True)
    ]
    assert (first["answer"], first["year"], first["has_image"]) == (["A", "C"], 2019, True)
    assert (second["shared_stem"], second["explanation"], second["year"]) == (None, None, None)
    assert num_chars(whole) == len(CASE + "最佳方剂是表实无汗。" + "".join(TEXTS))
    assert made.with_texts(made.leaves.texts).table.equals(made.table)
    assert rows(made.without([0])) == [second]


def test_the_order_of_options_does_not_count():
    turned = item("治伤寒表实证的方是", *reversed(TEXTS), answer="D", key="other")
    one, other = from_codepoints(batch(item("治伤寒表实证的方是"), turned).compared).to_pylist()
    assert one == other
    assert "麻黄汤\n桂枝汤" in from_codepoints(batch(item("问")).searched)[0].as_py()


# --- stages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    ["ABCD", "1234", ["B1", "B6", "B12", "C"], ["+", "++", "+++", "±"], ["是", "否"], ["TSH", "ACTH", "LH"],
     ["同上", "无", "不详", "略"], ["对", "错"], ["0.5g", "1g", "1.5g", "2g"], ["张仲景", "李时珍", "孙思邈"]],
)  # fmt: skip
@pytest.mark.parametrize("stage", [Clean(), Simplify(), Filter(), Mask()])
def test_options_of_a_letter_or_a_number_survive(stage, options):
    given = batch(item("下列哪一项属于水溶性的物质", *options))
    result = stage(given)
    assert len(result.drops) == 0
    assert rows(result.batch) == rows(given)


def test_personal_data_goes_from_every_text():
    phone = "电话13812345678"
    given = item(
        "患者首选", phone, "乙", shared_stem=f"患者{phone}，咳嗽。", explanation=f"问{phone}"
    )
    made = Mask()(batch(given)).batch
    assert "13812345678" not in str(rows(made))
    assert str(rows(made)).count("[手机号]") == 3


def test_traditional_options_become_simplified():
    made = Simplify()(batch(item("補氣的藥是", "黃芪", "當歸"))).batch
    (row,) = rows(made)
    assert row["stem"] == "补气的药是"
    assert [o["text"] for o in row["options"]] == ["黄芪", "当归"]


@pytest.mark.parametrize("explanation", ["哈" * 60, "锟斤拷锟斤拷锟斤拷锟斤拷"])
def test_a_bad_explanation_goes_alone(explanation):
    given = batch(item("治伤寒表实证的方是", explanation=explanation), item("治中风的方是"))
    cleaned = Clean()(given).batch
    result = Filter()(cleaned)
    assert len(result.drops) == 0
    assert [row["explanation"] for row in rows(result.batch)] == [None, None]


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (item("方"), "too_short"),
        (item("Which of these is the drug of first choice"), "low_chinese"),
        (item("治伤寒表实证的方是", "麻黄汤", " "), "empty"),
    ],
)
def test_what_is_no_question_is_dropped(given, rule):
    assert Filter()(batch(given)).drops["rule"].to_pylist() == [rule]


# --- near-duplicates and splits -------------------------------------------------------------------

APART = [
    # B1: the same choices, another question
    (item("善治太阳头痛的药是"), item("善治阳明头痛的药是"), "stem"),
    # A3: the same case, another question
    (item("最可能的诊断是", shared_stem=CASE), item("首选的方剂是", shared_stem=CASE), "stem"),
    (item("下列属于麻黄汤组成的是"), item("下列不属于麻黄汤组成的是"), "stem"),
    (item("治伤寒的方是", "甲方", "乙方", "丙方"), item("治伤寒的方是", "甲方", "乙方", "丁方"), "options"),
    (item("血压收缩压正常值低于多少", "120", "130"), item("血压收缩压正常值低于多少", "140", "130"), "options"),
]  # fmt: skip
ALIKE = [
    (item("治伤寒表实证的方是"), item("治伤寒表实证的方是哪一项？", *reversed(TEXTS), answer="D")),
    (item("12.治伤寒表实证的方是（ ）"), item("下列治伤寒表实证的方是")),
    (
        item("治伤寒表实证的方是", *TEXTS, "承气汤"),
        item("治伤寒表实证的方是"),
    ),  # five options, four
    (item("选方", shared_stem=CASE), item(f"{CASE}\n选方")),
]


def apart(one: str, other: str) -> Difference | None:
    asking, found = items_apart(one, other), None
    while True:
        try:
            found = difference(*asking.send(found))
        except StopIteration as done:
            return done.value


def compared(given: ExamItem) -> str:
    return from_codepoints(batch(given).compared)[0].as_py()


@pytest.mark.parametrize(("one", "other", "kind"), APART)
def test_items_that_share_most_of_their_text_are_apart(one, other, kind):
    found = apart(compared(one), compared(other))
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize(("one", "other"), ALIKE[:1] + ALIKE[2:])
def test_items_in_other_words_are_one(one, other):
    assert apart(compared(one), compared(other)) is None


TWO_KEYS = [
    (item("治伤寒表实证的方是"), item("治伤寒表实证的方是", answer="B")),
    # the same letter of turned options is another answer; another letter may be the same
    (item("治伤寒表实证的方是"), item("下列治伤寒表实证的方是", *reversed(TEXTS))),
    (item("治伤寒的方有", answer="AB"), item("治伤寒的方有", answer="A")),
    (item("下列哪项不对", "甲", "乙"), item("下列哪项不对", "甲", "乙", answer="B")),
]


@pytest.mark.parametrize(("one", "other"), TWO_KEYS)
def test_one_item_with_two_keys_is_a_contradiction(one, other):
    found = apart(compared(one), compared(other))
    assert found is not None
    assert found.kind == "answer"


def test_a_right_option_that_the_other_item_has_not_is_no_contradiction():
    five = item("治伤寒表实证的方是", *TEXTS, "大青龙汤", answer="E")
    found = apart(compared(five), compared(item("治伤寒表实证的方是")))
    assert found is not None
    assert found.kind == "options"


def test_options_of_several_lines_are_one_each():
    texts = ("麻黄汤\n三剂", "桂枝汤\n三剂")
    one, other = (item("治伤寒的方是", *texts, answer=a) for a in "AB")
    assert apart(compared(one), compared(one)) is None
    assert apart(compared(one), compared(other)).kind == "answer"


@pytest.mark.parametrize("weigh", [True, False])
def test_the_key_is_no_part_of_what_is_searched(weigh):
    stage = Deduplicate(weigh=weigh)
    some = [batch(item("治伤寒表实证的方是", answer=a)) for a in ("A", "B", "ABC")]
    found = [stage.features(one) for one in some]
    assert len({one.bands.tobytes() for one in found}) == 1
    assert len({one.exact.tobytes() for one in found}) == 3


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (item("最可能的诊断是", shared_stem=CASE), CASE),
        (item(f"{CASE}最可能的诊断是？"), CASE),
        (item("治伤寒表实证的方是"), "治伤寒表实证的方是"),
        (item("下列说法正确的是"), None),
    ],
)
def test_what_items_of_one_split_share(given, asked):
    assert first_prompts(batch(given)).to_pylist() == [asked]


def test_features_are_of_every_kind():
    found = Deduplicate().features(batch(*(one for pair in ALIKE for one in pair)))
    exact = found.exact[:, 0].tolist()
    assert exact[0] != exact[1]
    assert np.all(found.chars > 0)


# --- leaks ----------------------------------------------------------------------------------------

LEAKED = Question(
    "b#1",
    "治疗支气管哮喘急性发作首选的药物是",
    ("沙丁胺醇气雾剂", "氨茶碱片", "色甘酸钠", "青霉素"),
    "A",
)


@pytest.mark.parametrize(
    "given",
    [
        item(LEAKED.stem, *LEAKED.options),
        item(LEAKED.stem, *reversed(LEAKED.options), answer="D"),
        item(f"1. {LEAKED.stem}（ ）", *LEAKED.options),
        item("首选的药物是", *LEAKED.options, shared_stem="治疗支气管哮喘急性发作首选的药物是"),
        item(
            "下列正确的是", "甲", "乙", explanation=f"{LEAKED.stem}？A. 沙丁胺醇气雾剂 B. 氨茶碱片"
        ),
    ],
)
def test_an_item_of_a_benchmark_is_found_in_an_item(given):
    stage = Decontaminate().against(Index.build({"b": [LEAKED]}, Decontaminate()))
    assert len(stage(batch(given)).drops) == 1
    assert len(stage(batch(item("治太阳病的方是"))).drops) == 0


# --- rows -----------------------------------------------------------------------------------------


def labelled(given: ExamItem) -> dict[str, Any]:
    (row,) = rows(batch(given))
    return row | {"label_origin": {"department": None, "keyphrases": None, "domain": "stated"}}


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (item("问", "甲", "甲 "), "option_twice"),
        (item("问", "甲"), "few_options"),
        (item("问", "甲", "乙", answer="C"), "answer_not_option"),
        (item("问", answer="B", explanation="甲乙均可，故选A。"), "explanation_differs"),
        (item("问", answer="B", explanation="故选项A错误，故本题选B。"), None),
        (item("问", answer="AC", explanation="故选A、C。"), None),
        (item("问", answer="B", explanation="故不选A"), None),
    ],
)
def test_what_gives_no_row(given, rule):
    record = labelled(given)
    found = exams.refusal(record)
    assert (found.rule if found else None) == rule
    for config in ("sft", "exam"):
        builder = builders()[config]
        (made,) = builder.to_row(record, builder.settings(), None)
        assert isinstance(made, dict) is (rule is None)


def test_tasks_are_put_in_several_words_and_always_the_same():
    records = [labelled(item(f"第{n}题问什么", explanation="因为如此。")) for n in range(60)]
    for make in (exams.task, exams.reply):
        texts = [make(record) for record in records]
        assert texts == [make(record) for record in records]
        assert texts != [make(record, 7) for record in records]
    ends = {exams.task(record).rpartition("\n")[2] for record in records}
    assert len(ends) == 4
    for record in records:
        text = exams.task(record)
        assert all(option["text"] in text for option in record["options"])
        assert "因为如此。" in exams.reply(record)
        assert "A" in exams.reply(record)
    assert len({exams.task(r, one=True).replace(r["stem"], "") for r in records}) == 1


def test_an_item_that_needs_its_picture_is_no_conversation():
    record = labelled(item("图中所示为何", has_image=True))
    sft, exam = builders()["sft"], builders()["exam"]
    (refused,) = sft.to_row(record, sft.settings(), None)
    assert refused.rule == "needs_image"
    (row,) = exam.to_row(record, exam.settings(), None)
    assert row["has_image"] is True


# --- a build --------------------------------------------------------------------------------------


def source_rows() -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [
        {
            "question": f"{name}的主要功效是",
            "options": {a: ACTS[(n + k) % len(ACTS)] for k, a in enumerate("ABCDE")},
            "answer": "ABC"[n % 3],
            "explanation": f"{name}见于中药学。" if n % 2 else "",
            "question_type": "单项选择题",
        }
        for n, name in enumerate(HERBS)
    ]
    made.append({**made[0], "options": dict(zip("ABCDE", reversed(made[0]["options"].values()), strict=True)),
                 "answer": "E"})  # fmt: skip
    made.append(
        {
            "question": "可以发汗的药有",
            "options": {"A": "麻黄", "B": "桂枝", "C": "石膏"},
            "answer": "AB",
        }
    )
    made += [
        {"share_content": CASE, "question": [
            {"sub_question": "1)．证属（  ）。\nA．太阳伤寒\nB．太阳中风\nC．阳明经证", "answer": ["A"]},
            {"sub_question": "2)．选方（  ）。\nA．桂枝汤\nB．麻黄汤\nC．白虎汤", "answer": ["B"]},
        ]},
        {"share_content": "（共用备选答案）\nA.汗法\nB.下法\nC.吐法", "question": [
            {"sub_question": "1)．阳明腑实用", "answer": ["B"]}, {"sub_question": "2)．太阳伤寒用", "answer": ["A"]},
        ]},
    ]  # fmt: skip
    return made


def recipe(folder: Path, **more: Any) -> Path:
    given = source_rows()
    (folder / "exam.json").write_text(json.dumps(given, ensure_ascii=False), "utf-8")
    talk = [{"question": "孩子咳嗽三天怎么办", "answer": "建议多喝水，观察体温，必要时就诊。"}]
    (folder / "qa.jsonl").write_text(json.dumps(talk[0], ensure_ascii=False), "utf-8")
    content = {
        "name": "made",
        "sources": [
            {"name": "exam", "layout": "exam", "path": "exam.json", "license": "cc0-1.0", "domain": "tcm"},
            {"name": "qa", "layout": "jsonl", "kind": "thread", "path": "qa.jsonl", "license": "cc0-1.0"},
        ],
        **more,
    }  # fmt: skip
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exam")
    out = folder / "made"
    build(recipe(folder), out)
    return out


def rows_of(folder: Path, config: str) -> list[dict[str, Any]]:
    return [
        row | {"split": path.name.partition("-")[0]}
        for path in sorted((folder / config).glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def test_a_build_has_the_config_and_the_conversations(made):
    assert validate(made) == []
    found = rows_of(made, "exam")
    assert len(found) == len(HERBS) + 1 + 4  # the turned one is a duplicate
    conversations = rows_of(made, "sft")
    assert len(conversations) == len(found) + 1
    assert {row["id"] for row in found} < {row["id"] for row in conversations}
    explained = {row["id"]: row["explanation"] for row in found if row["explanation"]}
    assert len(explained) == 6
    for row in conversations:
        reply = row["messages"][-1]["content"]
        assert explained.get(row["id"], "") in reply
    dropped = open_built(made).ledger("dropped").to_pylist()
    assert [(row["stage"], row["rule"]) for row in dropped] == [("deduplicate", "exact")]
    case = [row for row in found if CASE in row["prompt"][0]["content"]]
    assert len(case) == 2
    assert len({row["split"] for row in case}) == 1


SIBLINGS = [
    {"share_content": CASE, "question": [
        {"sub_question": f"{n})．此时最应当{act}的{what}是（  ）。\nA．汗法\nB．下法\nC．吐法", "answer": [a]}
        for n, act, what, a in ((1, "先用", "治法", "A"), (2, "后用", "治法", "B"), (3, "先用", "禁忌", "C"))
    ]},
    {"share_content": "（共用备选答案）\nA.麻黄汤\nB.桂枝汤\nC.白虎汤", "question": [
        {"sub_question": f"{n})．善治{what}的方剂首先应当考虑（  ）。", "answer": [a]}
        for n, what, a in ((1, "太阳伤寒", "A"), (2, "太阳中风", "B"), (3, "阳明经证", "C"))
    ]},
]  # fmt: skip


@pytest.mark.parametrize("weigh", [True, False])
def test_siblings_stay_whether_differences_are_weighed_or_not(tmp_path, weigh):
    """Items of one case, or with the same choices, share nearly all of their text."""
    path = recipe(tmp_path, stages={"deduplicate": {"weigh": weigh, "threshold": 0.6}})
    (tmp_path / "exam.json").write_text(json.dumps(SIBLINGS, ensure_ascii=False), "utf-8")
    build(path, tmp_path / "out")
    dropped = open_built(tmp_path / "out").ledger("dropped").to_pylist()
    assert dropped == []
    assert len(rows_of(tmp_path / "out", "exam")) == 6


@pytest.mark.parametrize("weigh", [True, False])
def test_equal_items_with_two_keys_both_stay_and_both_say_so(tmp_path, weigh):
    """Which of the two is right, nobody knows: neither is dropped as a copy of the other."""
    first = source_rows()[0]
    copies = [first, {**first, "answer": "B"}, {**first, "question": f"下列{first['question']}"}]
    path = recipe(tmp_path, stages={"deduplicate": {"weigh": weigh}})
    (tmp_path / "exam.json").write_text(json.dumps(copies, ensure_ascii=False), "utf-8")
    build(path, tmp_path / "out")
    built = open_built(tmp_path / "out")
    kept = {row["key"]: row for row in built.ledger("kept").to_pylist() if row["exam"]}
    assert sorted(kept) == ["exam.json#0", "exam.json#1"]
    one, other = kept["exam.json#0"], kept["exam.json#1"]
    assert (one["contradicts"], other["contradicts"]) == (other["id"], one["id"])
    assert other["reason"] == "kept: differs in answer (发汗解表 / 温通经脉)"
    dropped = built.ledger("dropped").to_pylist()
    assert [(row["key"], row["twin"]) for row in dropped] == [("exam.json#2", one["id"])]
    assert built.manifest["measured"]["weighed"]["contradict"] == 1
    found = {row["answer"]: row["split"] for row in rows_of(tmp_path / "out", "exam")}
    assert set(found) == {"A", "B"}
    assert len(set(found.values())) == 1


def test_it_loads(made):
    found = load_dataset(str(made), "exam")
    assert found["train"].column_names[:6] == [
        "id", "prompt", "answer", "answer_type", "options", "explanation"
    ]  # fmt: skip
    kinds = {row["answer"]: row["answer_type"] for split in found.values() for row in split}
    assert kinds["AB"] == "multiple"
    assert kinds["A"] == "single"


def test_a_datasets_builder_gives_the_same_rows(made, tmp_path):
    one = dataset_builder("exam", made.parent / "recipe.yaml", cache_dir=tmp_path)
    one.download_and_prepare()
    assert sum(map(len, one.as_dataset().values())) == len(rows_of(made, "exam"))


def test_the_text_of_a_dropped_item_is_kept_as_people_read_it(made):
    (row,) = kept_texts(made)
    assert row["kind"] == "exam"
    assert [place for place, _ in row["texts"]] == [
        "stem", "option A", "option B", "option C", "option D", "option E", "answer"
    ]  # fmt: skip
    assert dict(row["texts"])["answer"] == "E"
    assert body(row["kind"], row["texts"]) == row["texts"]


def test_what_stands_beside_the_rows_knows_them(made):
    built = open_built(made)
    assert "exam" in built.manifest["configs"]
    assert built.statistics()["exam"]["all"]["rows"] == 17
    card = (made / "README.md").read_text("utf-8")
    assert "letters of the right options" in card
    assert "multiple-choice" in card
    kept = built.ledger("kept").to_pylist()
    assert sum(row["exam"] for row in kept) == 17


def test_the_croissant_file_and_the_card_say_what_its_columns_are(made):
    """In the words of the exam: an answer is letters there, and no reply."""
    described = croissant(open_built(made))
    (records,) = [one for one in described["recordSet"] if one["@id"] == "exam"]
    fields = {field["name"]: field["description"] for field in records["field"]}
    card = (made / "README.md").read_text("utf-8")
    for column in ("answer", "answer_type", "options", "explanation", "has_image", "origin"):
        assert fields[column] != column
        assert f"| {fields[column]} |" in card
    assert fields["origin"] != COLUMNS["origin"]
    assert fields["split"] == ", ".join(
        f"{split} ({sum(f['rows'] for f in files)} rows)"
        for split, files in open_built(made).manifest["configs"]["exam"].items()
    )
    assert "Answers of `exam`" in str(described["rai:dataAnnotationProtocol"])
    assert "rewards by a rule" in " ".join(described["rai:dataUseCases"])


def test_without_exam_items_there_is_no_such_config(tmp_path):
    path = recipe(tmp_path)
    content = yaml.safe_load(path.read_text("utf-8"))
    content["sources"] = content["sources"][1:]
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    build(path, tmp_path / "out")
    assert not (tmp_path / "out" / "exam").exists()
    assert "exam" not in open_built(tmp_path / "out").ledger("kept").column_names


def test_its_settings(tmp_path):
    build(recipe(tmp_path, builders={"exam": {"phrasings": "one"}}), tmp_path / "out")
    found = rows_of(tmp_path / "out", "exam")
    ends = {(r["answer_type"], r["prompt"][0]["content"].rpartition("\n")[2]) for r in found}
    assert len(ends) == 2


def changed(made: Path, folder: Path, **columns: Any) -> list[str]:
    """Change the first row of a shard; return what the check of rows says."""

    shutil.copytree(made, folder)
    path = sorted((folder / "exam").glob("train-*"))[0]
    table = pq.read_table(path)
    listed = table.to_pylist()
    listed[0] |= columns
    pq.write_table(pa.Table.from_pylist(listed, table.schema), path)
    return list(check_conversations(open_built(folder)))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"answer": "Z"}, "the answer of"),
        ({"answer": ""}, "the answer of"),
        ({"options": [{"letter": "A", "text": "甲"}, {"letter": "B", "text": "甲"}], "answer": "A"}, "option twice"),
        ({"options": [{"letter": "A", "text": "甲"}, {"letter": "A", "text": "乙"}], "answer": "A"}, "the answer of"),
        ({"answer_type": "some"}, "'some'"),
        ({"prompt": []}, "does not end with the user"),
    ],
)  # fmt: skip
def test_validate_knows_the_answers(made, tmp_path, columns, said):
    assert said in " ".join(changed(made, tmp_path / "copy", **columns))


def test_an_item_stands_beside_threads_and_documents():
    kinds = [
        Batch(one).kind
        for one in batches(
            [Document("a", "文"), QAThread("b", "问", [Answer("答")]), item("问")],
            source="s", license="l", domain="tcm",
        )
    ]  # fmt: skip
    assert kinds == ["document", "thread", "exam"]

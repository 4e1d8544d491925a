"""Exam items are read in every published form: no letter, order, text or answer is changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from chimed_datasets.recipe.model import Benchmark, Source
from chimed_datasets.records import (
    Batch,
    ExamItem,
    Malformed,
    batches,
)
from chimed_datasets.sources import FileReport, exams
from chimed_datasets.sources.files.finding import resolve
from chimed_datasets.stages.decontaminate import Decontaminate, Index
from tests.common.exam_dresses import dressed
from tests.known import make

FORMS: dict[str, dict[str, Any]] = {
    "cmb-exam": {},
    "cmexam": {},
    "cmexam-hub": {},
    "mlec-qa": {"id": "qid"},
    "mlec-qa-test": {"id": "qid"},
    "medqa-mcmle": {},
    "medqa-bigbio": {},
    "tcmbench": {"rows": "example", "id": "index"},
    "pharmacist-exam-2023": {},
    "medbench": {},
}


def read(folder: Path, **keys: Any) -> list[ExamItem | Malformed]:
    entry = {"name": "e", "license": "x", "layout": "exam", "path": str(folder), **keys}
    source = Source.model_validate(entry)
    reader = source.reader
    files = resolve(source.path, folder, folder / "unpacked", reader.suffixes, source.files)
    return list(reader.read(files, source.options, FileReport()))


def bare(text: str | None) -> str:
    return "".join((text or "").split())


@pytest.mark.parametrize("name", FORMS)
def test_every_item_of_a_form_is_as_its_key_says(tmp_path, name):
    make.lay_out(name, tmp_path)
    made = read(tmp_path, **FORMS[name])
    items = [one for one in made if isinstance(one, ExamItem)]
    bad = [one for one in made if isinstance(one, Malformed)]
    assert len({one.key for one in made}) == len(made)
    every = [one for each in make.form(name)["expect"] for one in each.get("several", [each])]
    wanted = [w for w in every if w.get("record") == "exam" and w["answers"]]
    assert len(items) == len(wanted)
    for want in wanted:
        (item,) = [
            one
            for one in items
            if bare(one.stem) == bare(want["stem"])
            and [o.letter for o in one.options] == list(want["options"])
        ]
        assert [(o.letter, o.text) for o in item.options] == [*want["options"].items()]
        assert item.answer == want["answers"]
        assert bare(item.shared_stem) == bare(want.get("shared"))
        assert bare(item.explanation) == bare(want.get("explanation"))
        if "subject" in want:
            assert item.subject == want["subject"]
    assert len(bad) == len(every) - len(wanted)
    assert {one.rule for one in bad} <= {
        "no_answer", "answer_not_option", "needs_image", "no_options"
    }  # fmt: skip


def test_promptcblue_where_it_is_an_exam(tmp_path):
    make.lay_out("promptcblue", tmp_path)
    made = read(tmp_path, id="sample_id", files=["train.json"])
    first, *others = made
    assert isinstance(first, ExamItem)
    assert [(o.letter, o.text) for o in first.options] == [("A", "是的"), ("B", "不是")]
    assert first.answer == ["A"]
    assert first.stem.endswith("“夜间反复咳嗽”")  # the options do not stand in it once more
    assert [one.rule for one in others] == ["no_options", "no_options"]


QUESTION = {"question": "下列哪味药可以温中散寒", "answer": "B"}
FOUR = {"A": "黄连", "B": "干姜", "C": "石膏", "D": "知母"}
OPTIONS = [
    FOUR,
    [f"{letter}. {text}" for letter, text in FOUR.items()],
    [f"（{letter}）{text}" for letter, text in FOUR.items()],
    list(FOUR.values()),
    [{"key": letter, "value": text} for letter, text in FOUR.items()],
    [{"label": letter, "text": text} for letter, text in FOUR.items()],
    [{"option": letter, "content": text} for letter, text in FOUR.items()],
    [{letter: text} for letter, text in FOUR.items()],
    {"label": list(FOUR), "text": list(FOUR.values())},
    "\n".join(f"{letter} {text}" for letter, text in FOUR.items()),
    " ".join(f"{letter}、{text}" for letter, text in FOUR.items()),
    json.dumps(FOUR, ensure_ascii=False),
    "黄连|干姜|石膏|知母",
]


@pytest.mark.parametrize("options", OPTIONS, ids=range(len(OPTIONS)))
def test_options_of_every_dress_are_the_same(tmp_path, options):
    row = {**QUESTION, "options": options}
    (tmp_path / "e.json").write_text(json.dumps([row], ensure_ascii=False), "utf-8")
    (item,) = read(tmp_path)
    assert {o.letter: o.text for o in item.options} == FOUR
    assert item.answer == ["B"]


def one(tmp_path: Path, row: dict[str, Any], **keys: Any) -> ExamItem | Malformed:
    (tmp_path / "e.json").write_text(json.dumps([row], ensure_ascii=False), "utf-8")
    (made,) = read(tmp_path, **keys)
    return made


ANSWERS = [
    ("b", ["B"]),
    ("BD", ["B", "D"]),
    ("D、B", ["B", "D"]),
    ("B,D", ["B", "D"]),
    (["B", "D"], ["B", "D"]),
    ("ＢＤ", ["B", "D"]),
    ("干姜", ["B"]),
    (["干姜", "知母"], ["B", "D"]),
    ("B. 干姜", ["B"]),
    ("答案：B", ["B"]),
    ("【答案】BD", ["B", "D"]),
    ("干姜；知母", ["B", "D"]),
    ("(B)", ["B"]),
    ("", "no_answer"),
    (None, "no_answer"),
    ("nan", "no_answer"),
    ("E", "answer_not_option"),
    ("BE", "answer_not_option"),
    ("生姜", "answer_not_option"),
    ("B. 知母", "answer_not_option"),
    (1, "answer_not_option"),
    ({"x": 1}, "answer_not_option"),
]


@pytest.mark.parametrize(("answer", "right"), ANSWERS)
def test_answers_of_every_dress(tmp_path, answer, right):
    made = one(tmp_path, {"question": "下列可以温中散寒的是", "options": FOUR, "answer": answer})
    if isinstance(right, str):
        assert isinstance(made, Malformed)
        assert made.rule in (right, "no_answer", "answer_unclear")
    else:
        assert made.answer == right


@pytest.mark.parametrize(
    ("row", "right"),
    [
        ({"answer": "食盐", "answer_idx": "D"}, ["D"]),
        ({"answer": "精盐", "answer_idx": "D"}, ["D"]),  # the text is of another edition
        ({"answer": "食盐", "answer_idx": "A"}, "answer_unclear"),
        ({"label": 3}, ["D"]),
        ({"answer_idx": 0}, ["A"]),
        ({"label": 7}, "answer_not_option"),
        ({"target": "食盐"}, ["D"]),
    ],
)
def test_letters_and_texts_of_one_row_must_agree(tmp_path, row, right):
    options = ["日光", "海鱼", "蛋黄", "食盐"]
    made = one(tmp_path, {"question": "补维生素D无用的是", "options": options, **row})
    if isinstance(right, str):
        assert isinstance(made, Malformed)
        assert made.rule == right
    else:
        assert made.answer == right


def test_an_option_of_one_letter_is_not_taken_for_its_own(tmp_path):
    """Vitamins: option A is B, option B is C."""
    vitamins = [{"key": "A", "value": "B"}, {"key": "B", "value": "C"}, {"key": "C", "value": "D"}]
    made = one(tmp_path, {"question": "坏血病是缺哪种维生素", "options": vitamins, "answer": "B"})
    assert [(o.letter, o.text) for o in made.options] == [("A", "B"), ("B", "C"), ("C", "D")]
    assert made.answer == ["B"]
    bare_list = {"question": "坏血病是缺哪种维生素", "options": ["B", "C", "D"], "answer": "B"}
    assert one(tmp_path, bare_list).rule == "answer_unclear"  # the letter, or the vitamin?


def test_empty_options_go_and_letters_stay(tmp_path):
    options = {"A": "甲", "B": "", "C": "丙", "D": None, "E": "戊"}
    made = one(tmp_path, {"question": "问哪一个", "options": options, "answer": "CE"})
    assert [(o.letter, o.text) for o in made.options] == [("A", "甲"), ("C", "丙"), ("E", "戊")]
    assert made.answer == ["C", "E"]
    gone = one(tmp_path, {"question": "问哪一个", "options": options, "answer": "B"})
    assert gone.rule == "answer_not_option"


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"options": ["甲", "乙", "甲"], "answer": "B"}, "option_twice"),
        ({"options": {"A": "甲", "B": ""}, "answer": "A"}, "no_options"),
        ({"answer": "A"}, "no_options"),
        ({"question": "", "options": FOUR, "answer": "A"}, "no_question"),
        ({"options": FOUR, "answer": "A", "image": "a.png"}, "needs_image"),
        ({"options": FOUR, "answer": "A", "question": "如图所示的病变是"}, "needs_image"),
        ({"options": FOUR, "answer": "A", "question": "下图中箭头所指为"}, "needs_image"),
    ],
)
def test_what_is_no_item_is_refused_by_name(tmp_path, row, rule):
    made = one(tmp_path, {"question": "下列哪个正确", **row})
    assert isinstance(made, Malformed)
    assert made.rule == rule


@pytest.mark.parametrize(
    "stem", ["心电图示ST段抬高，诊断为", "X线可见图像模糊的原因是", "脑电图检查的目的是"]
)
def test_a_word_with_picture_in_it_needs_none(tmp_path, stem):
    assert one(tmp_path, {**QUESTION, "question": stem, "options": FOUR}).has_image is False


def test_an_item_with_a_picture_may_be_marked(tmp_path):
    row = {**QUESTION, "options": FOUR, "image": "a.png"}
    assert one(tmp_path, row, images="mark").has_image is True
    with pytest.raises(ValidationError, match="images: must be refuse or mark"):
        one(tmp_path, row, images="keep")


@pytest.mark.parametrize(
    ("column", "said", "type_"),
    [
        ("qtype", "A1型题", "A1"), ("qtype", "A3/A4型题", "A3/A4"), ("qtype", "B型题", "B1"),
        ("question_type", "多项选择题", "X"), ("question_type", "单项选择题", None), ("题型", "X型题", "X"),
        ("question_type", "配伍选择题", "B1"), ("type", "multiple_choice", None), ("qtype", "A2", "A2"),
        ("type", "不定项选择题", "X"), ("type", "A4", "A3/A4"),
    ],
)  # fmt: skip
def test_types_of_chinese_exams(tmp_path, column, said, type_):
    made = one(tmp_path, {**QUESTION, "options": FOUR, column: said})
    assert made.type == type_


def test_what_is_said_of_an_item(tmp_path):
    about = {"解析": "干姜温中散寒。", "科目": "中药学", "年份": "2019年", "科室": "中医科"}
    made = one(tmp_path, {**QUESTION, "options": FOUR, **about}, metadata=["年份"])
    assert (made.explanation, made.subject, made.year) == ("干姜温中散寒。", "中药学", 2019)
    assert (made.department, made.metadata) == ("中医科", {"年份": "2019年"})
    for nothing in ("略", "无。", "", None, "nan"):
        assert one(tmp_path, {**QUESTION, "options": FOUR, "解析": nothing}).explanation is None


def test_ready_keys_choose_and_cut(tmp_path):
    rows = [
        {**QUESTION, "options": FOUR, "level": level, "explanation": "答：温中。"}
        for level in (1, 2)
    ]
    (tmp_path / "e.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    low, high = read(tmp_path, where="level >= 2", strip={"explanation": ["答："]})
    assert low.rule == "not_selected"
    assert high.explanation == "温中。"


def test_a_case_is_shared_by_rows_of_one_question(tmp_path):
    case = "患者男，40岁，胃脘冷痛三年，得温则减。"
    made = one(tmp_path, {**QUESTION, "options": FOUR, "share_content": case})
    assert (made.shared_stem, made.stem, made.type) == (case, QUESTION["question"], "A3/A4")


MAPPED = {"stem": "q", "answer": "right", "explanation": "why", "source": "book"}


@pytest.mark.parametrize("layout", ["jsonl", "csv"])
def test_a_mapping_names_the_columns(tmp_path, layout):
    row = {"q": "下列哪味药温中", "o1": "黄连", "o2": "干姜", "o3": "", "right": "B",
           "why": "题解：干姜温中。", "book": "中药学", "answer": "黄连"}  # fmt: skip
    if layout == "csv":
        text = ",".join(row) + "\n" + ",".join(row.values()) + "\n"
    else:
        text = json.dumps(row, ensure_ascii=False)
    (tmp_path / f"e.{layout}").write_text(text, "utf-8")
    fields = {**MAPPED, "options": ["o1", "o2", "o3"]}
    (made,) = read(
        tmp_path, layout=layout, kind="exam", fields=fields, strip={"explanation": ["题解："]}
    )
    assert [(o.letter, o.text) for o in made.options] == [("A", "黄连"), ("B", "干姜")]
    assert (made.answer, made.explanation) == (["B"], "干姜温中。")
    assert made.metadata == {"source": "中药学"}


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("cmexam", "csv"),
        ("cmexam-hub", "jsonl"),
        ("medqa-bigbio", "parquet"),
        ("tcmbench", "jsonl"),
    ],
)
def test_the_mapping_reads_what_the_layout_reads(tmp_path, name, layout):
    make.lay_out(name, tmp_path)
    more = {"rows": "example"} if name == "tcmbench" else {}
    mapped = read(tmp_path, layout=layout, kind="exam", **more)
    assert mapped == read(tmp_path, **more)


def test_a_mapped_column_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(Exception, match="no column 'stam'"):
        one(tmp_path, {**QUESTION, "options": FOUR}, layout="jsonl", kind="exam",
            fields={"stem": "stam"})  # fmt: skip


@pytest.mark.parametrize("name", [*FORMS, "promptcblue-dev"])
def test_a_benchmark_and_a_record_are_two_uses_of_one_reader(tmp_path, name):
    make.lay_out(name, tmp_path)
    rows = FORMS.get(name, {}).get("rows")
    one_of = Benchmark(name="b", layout="mixed", path=str(tmp_path), rows=rows)
    files = resolve(one_of.path, tmp_path, tmp_path / "unpacked", exams.SUFFIXES, [])
    questions = exams.read("mixed", files, FileReport(), one_of.form)
    records = [r for r in read(tmp_path, **FORMS.get(name, {})) if isinstance(r, ExamItem)]
    by_text = {(bare(q.stem), tuple(map(bare, q.options))) for q in questions}
    for record in records:
        options = tuple(bare(option.text) for option in record.options)
        stem = bare(f"{record.shared_stem or ''}{record.stem}")
        assert any(options == o and s.endswith(bare(record.stem)) for s, o in by_text), stem


PLANTED = [
    "cmb-exam-test", "cmexam-test", "cmexam-hub", "mlec-qa-test", "medqa-mcmle", "medqa-bigbio",
    "tcmbench", "promptcblue-dev", "pharmacist-exam-2023", "medbench", "healthbench", "ceval-medical",
    "cmmlu-medical",
]  # fmt: skip


def questions_of(name: str, folder: Path) -> list[exams.ExamItem]:
    make.lay_out(name, folder)
    rows = FORMS.get(name, {}).get("rows")
    one_of = Benchmark(name="b", layout="mixed", path=str(folder), rows=rows)
    files = resolve(one_of.path, folder, folder / "unpacked", exams.SUFFIXES, [])
    files = [file for file in files if "answer" not in file.name]  # CMB's answers have no question
    return exams.read("mixed", files, FileReport(), one_of.form)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_item_is_found_whatever_its_dress(tmp_path, name):
    """What cannot be looked for is counted. A short one is found as a question, but need not be in
    the midst of a page: that is counted, too."""
    questions = questions_of(name, tmp_path)
    assert questions
    index = Index.build({name: questions}, Decontaminate())
    stage, reach = Decontaminate().against(index), index.reach()[name]
    missed = in_pages = 0
    for question in questions:
        found = []
        for record in dressed(question).values():
            table = next(batches([record], source="s", license="l", domain="modern"))
            found.append(len(stage(Batch(table)).drops) > 0)
        in_pages += not found.pop(2)
        missed += not all(found)
    assert missed <= reach.never
    assert in_pages <= (reach.whole if name == "healthbench" else 0) + reach.never
    assert f"{reach.never:,} cannot be looked for" in reach.line(name, len(questions))

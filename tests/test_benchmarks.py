"""Benchmarks: each layout's items, and that a row which is none is a clear error."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chimed_datasets.errors import RecipeError, SourceError
from chimed_datasets.sources import FileReport
from chimed_datasets.sources.exams import LAYOUTS, SUFFIXES, ExamItem, read
from chimed_datasets.sources.files.finding import resolve

CMMLU = """,Question,A,B,C,D,Answer
0,胃的入口称为,贲门,幽门,胃底,胃窦,A
1,胆汁由何处分泌,胆囊,肝细胞,胰腺,脾,B
"""
CEVAL = "id,question,A,B,C,D,answer,explanation\n0,胃的入口称为,贲门,幽门,胃底,胃窦,A,因为\n"
CEVAL_TEST = 'id,question,A,B,C,D\n0,"胃的入口,称为",贲门,幽门,胃底,胃窦\n'


def items_of(folder: Path, layout: str, **files: str | bytes) -> list[ExamItem]:
    """Read files given as name=content; ``__`` in a name stands for a dot."""
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name.replace("__", ".")).write_bytes(data)
    found = resolve(str(folder), folder, folder / "unpacked", SUFFIXES)
    return read(layout, found, FileReport())


def lines(*rows: object) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


STOMACH = ("贲门", "幽门", "胃底", "胃窦")


@pytest.mark.parametrize(
    ("layout", "name", "content", "expected"),
    [
        (
            "cmmlu",
            "a__csv",
            CMMLU,
            [
                ("胃的入口称为", STOMACH, "A"),
                ("胆汁由何处分泌", ("胆囊", "肝细胞", "胰腺", "脾"), "B"),
            ],
        ),
        ("cmmlu", "a__csv", CMMLU.encode("gb18030"), None),
        ("cmmlu", "a__csv", b"\xef\xbb\xbf" + CMMLU.encode(), None),
        ("ceval", "a__csv", CEVAL, [("胃的入口称为", STOMACH, "A")]),
        ("ceval", "a__csv", CEVAL_TEST, [("胃的入口,称为", STOMACH, None)]),
        (
            "ceval",
            "a__csv__gz",
            gzip.compress(CEVAL.encode(), mtime=0),
            [("胃的入口称为", STOMACH, "A")],
        ),
        ("mcq", "a__csv", CEVAL, [("胃的入口称为", STOMACH, "A")]),
        (
            "mcq",
            "a__jsonl",
            lines(
                {"question": "问甲", "options": ["一", "二"], "answer": "一"},
                {"stem": "问乙", "choices": {"A": "一", "B": "二"}, "answer_idx": "B"},
                {"question": "问丙", "options": [{"key": "A", "text": "第一"}, {"text": "第二"}]},
                {"Question": "问丁", "A": "一", "B": "二", "C": "三", "D": "", "label": 2},
                {"question": "问戊", "options": [1, 2.5], "answer": 0},
            ),
            [
                ("问甲", ("一", "二"), "一"),
                ("问乙", ("一", "二"), "B"),
                ("问丙", ("第一", "第二"), None),
                ("问丁", ("一", "二", "三"), "2"),
                ("问戊", ("1", "2.5"), "0"),
            ],
        ),
        (
            "mcq",
            "a__json",
            json.dumps([{"question": "问甲", "options": ["一"], "answer": "一"}]),
            [("问甲", ("一",), "一")],
        ),
        (
            "questions",
            "a__jsonl",
            lines(
                {"query": "何谓少阳病", "target": "口苦"},
                {"instruction": "何谓太阳病", "output": "脉浮"},
                {"prompt": "何谓阳明病", "question": " "},
                {"text": "何谓太阴病", "answer": ""},
            ),
            [
                ("何谓少阳病", (), "口苦"),
                ("何谓太阳病", (), "脉浮"),
                ("何谓阳明病", (), None),
                ("何谓太阴病", (), None),
            ],
        ),
        ("questions", "a__csv", "question\n何谓少阳病\n", [("何谓少阳病", (), None)]),
        ("questions", "a__json", "[]", []),
        (
            "mixed",
            "a__jsonl",
            '{"question": "何谓少阳病"}\n{"question": "热？", "A": "甲", "B": "乙", "answer": "A"}\n',
            [("何谓少阳病", (), None), ("热？", ("甲", "乙"), "A")],
        ),
    ],
)
def test_items_of_each_layout(tmp_path, layout, name, content, expected):
    items = items_of(tmp_path, layout, **{name: content})
    if expected is None:
        expected = [
            ("胃的入口称为", STOMACH, "A"),
            ("胆汁由何处分泌", ("胆囊", "肝细胞", "胰腺", "脾"), "B"),
        ]
    assert [(i.stem, i.options, i.answer) for i in items] == expected
    assert len({item.key for item in items}) == len(items)


TOUR = ("贲门", "幽门", "胃底")
ONE_TEXT = [
    "A 贲门\nB 幽门\nC 胃底",
    "A. 贲门\r\nB. 幽门\r\nC. 胃底\r\n",
    "A. 贲门 B. 幽门 C. 胃底",
    "A.贲门B.幽门C.胃底",
    "A 贲门 B 幽门 C 胃底",
    "A、贲门　B、幽门　C、胃底",
    "A：贲门；B：幽门；C：胃底",
    "（A）贲门（B）幽门（C）胃底",
    "A) 贲门\nB) 幽门\nC) 胃底",
    "[A] 贲门 [B] 幽门 [C] 胃底",
    "Ａ．贲门\nＢ．幽门\nＣ．胃底",
    "a. 贲门\nb. 幽门\nc. 胃底",
    "1. 贲门\n2. 幽门\n3. 胃底",
    "①贲门②幽门③胃底",
    "贲门\n幽门\n胃底",
    "贲门|幽门|胃底",
    '["贲门", "幽门", "胃底"]',
    "['贲门', '幽门', '胃底']",
    '{"A": "贲门", "B": "幽门", "C": "胃底"}',
    '[{"key": "A", "value": "贲门"}, {"key": "B", "value": "幽门"}, {"key": "C", "value": "胃底"}]',
]


@pytest.mark.parametrize("text", ONE_TEXT)
@pytest.mark.parametrize("name", ["options", "Options", "option", "choices", "candidates", "选项"])
def test_options_in_one_text(tmp_path, name, text):
    (item,) = items_of(tmp_path, "mcq", a__jsonl=lines({"question": "入口？", name: text}))
    assert (item.stem, item.options) == ("入口？", TOUR)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A.维生素A、维生素B、维生素C\nB.维生素D", ("维生素A、维生素B、维生素C", "维生素D")),
        ("A、维生素A、维生素B\nB、维生素D", ("维生素A、维生素B", "维生素D")),
        ("A. 37.5℃ B. 38.5℃", ("37.5℃", "38.5℃")),
        ("1 mg\n2 mg", ("1 mg", "2 mg")),
        ("1.5 mg\n2.5 mg", ("1.5 mg", "2.5 mg")),
        ("A型\nB型\nO型", ("A型", "B型", "O型")),
        ("A. 甲 B. 乙\nC. 丙 D. 丁", ("甲", "乙", "丙", "丁")),
    ],
)
def test_letters_and_numbers_that_belong_to_the_options(tmp_path, text, expected):
    (item,) = items_of(tmp_path, "mcq", a__jsonl=lines({"question": "问", "options": text}))
    assert item.options == expected


@pytest.mark.parametrize(
    "row",
    [
        {"题目": "入口？", "选项": ["贲门", "幽门", "胃底"]},
        {"Stem": "入口？", "options": [{"key": "A", "value": "贲门"}, "幽门", {"C": "胃底"}]},
        {"query": "入口？", "choices": {"label": ["A", "B", "C"], "text": list(TOUR)}},
        {"qtext": "入口？", "option": {"A": "贲门", "B": "幽门", "C": "胃底", "D": "", "E": None}},
        {"problem": "入口？", "options": ["A. 贲门", "B. 幽门", "C. 胃底"]},
        {"input": "入口？", "option_a": "贲门", "option_b": "幽门", "option_c": "胃底"},
        {"问题": "入口？", "选项A": "贲门", "选项B": "幽门", "选项C": "胃底"},
        {"question": "入口？", "opa": "贲门", "opb": "幽门", "opc": "胃底", "cop": 1},
        {"question": "入口？", "choice1": "贲门", "choice2": "幽门", "choice3": "胃底"},
        {"question": "入口？", "options": [{"label": "A", "option": "贲门"}, "幽门", "胃底", None]},
        {"question": "入口？\nA．贲门\nB．幽门\nC．胃底"},
        {"question": "入口？ A、贲门 B、幽门 C、胃底"},
        {"prompt": [{"role": "user", "content": "入口？"}], "options": list(TOUR)},
    ],
)
def test_names_and_forms_of_items(tmp_path, row):
    (item,) = items_of(tmp_path, "mcq", a__jsonl=lines(row | {"答案": "A"}))
    assert (item.stem, item.options, item.answer) == ("入口？", TOUR, "A")


def parquet_of(*rows: dict) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("layout", "row", "expected"),
    [
        (
            "cmmlu",
            {"Question": "入口？", **dict(zip("ABCD", STOMACH, strict=True)), "Answer": "A"},
            STOMACH,
        ),
        ("mcq", {"question": "入口？", "choices": list(STOMACH), "answer": ["A"]}, STOMACH),
        (
            "mcq",
            {
                "question": "入口？",
                "options": dict(zip("ABCD", STOMACH, strict=True)),
                "answer": "A",
            },
            STOMACH,
        ),
        (
            "mcq",
            {"question": "入口？", "options": "A 贲门\nB 幽门", "answer": "A"},
            ("贲门", "幽门"),
        ),
        ("questions", {"question": "入口？", "answer": "A"}, ()),
    ],
)
@pytest.mark.parametrize("name", ["a__parquet", "a__pq", "a__parquet__gz"])
def test_benchmarks_in_parquet(tmp_path, layout, row, expected, name):
    data = parquet_of(row | {"id": None}, row | {"id": 7})
    data = gzip.compress(data) if name.endswith("gz") else data
    made = items_of(tmp_path, layout, **{name: data})
    file = name.replace("__", ".")
    assert [item.key for item in made] == [f"{file}#0", f"{file}#7"]
    assert {(item.stem, item.options, item.answer) for item in made} == {("入口？", expected, "A")}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a__tsv", "question\tA\tB\n入口？\t贲门\t幽门\n"),
        ("a__ndjson", lines({"question": "入口？", "options": ["贲门", "幽门"]})),
        (
            "a__jsonl__gz",
            gzip.compress(
                lines({"question": "入口？", "A": "贲门", "B": "幽门"}).encode(), mtime=0
            ),
        ),
    ],
)
def test_benchmarks_in_other_files(tmp_path, name, content):
    (item,) = items_of(tmp_path, "mcq", **{name: content})
    assert (item.stem, item.options) == ("入口？", ("贲门", "幽门"))


def test_one_item_without_options_among_many_is_named(tmp_path):
    good = {"question": "入口？", "options": ["贲门", "幽门"], "answer": "A"}
    with pytest.raises(
        SourceError, match=r"a\.parquet#1: no options: .*found: question, options, answer"
    ):
        items_of(tmp_path, "mcq", a__parquet=parquet_of(good, good | {"options": None}, good))
    with pytest.raises(SourceError, match=r"a\.parquet: cannot be read"):
        items_of(tmp_path, "mcq", a__parquet=b"PAR1 no parquet PAR1")


def test_questions_on_one_case(tmp_path):
    tour = "A．贲门\nB．幽门"
    rows = [
        {"share_content": "男，40岁，胃痛。",
         "question": [{"sub_question": f"先看哪里\n{tour}", "answer": ["A"]},
                      {"sub_question": "再看哪里", "options": ["胃底", "胃窦"], "answer": ["B"]}]},
        {"share_content": tour, "question": [{"sub_question": "入口？", "answer": ["A"]}]},
    ]  # fmt: skip
    items = items_of(tmp_path, "mcq", a__jsonl=lines(*rows))
    assert [(i.key, i.stem, i.options, i.answer) for i in items] == [
        ("a.jsonl#0.0", "男，40岁，胃痛。\n先看哪里", ("贲门", "幽门"), "A"),
        ("a.jsonl#0.1", "男，40岁，胃痛。\n再看哪里", ("胃底", "胃窦"), "B"),
        ("a.jsonl#1.0", "入口？", ("贲门", "幽门"), "A"),
    ]


def test_every_layout_is_told_of_and_tested():
    assert set(LAYOUTS) == {"cmmlu", "ceval", "mcq", "questions", "mixed"}
    assert all(LAYOUTS.values())


def test_keys_name_file_and_row(tmp_path):
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "b.csv").write_text(CMMLU, "utf-8")
    items = items_of(tmp_path, "cmmlu", a__csv=CMMLU)
    assert [item.key for item in items] == ["a.csv#0", "a.csv#1", "dev/b.csv#0", "dev/b.csv#1"]


def test_a_folder_named_after_a_csv_does_not_make_its_files_csv(tmp_path):
    folder = tmp_path / "from.csv.d"
    folder.mkdir()
    (folder / "a.jsonl").write_text(lines({"question": "何谓少阳病"}), "utf-8")
    assert [item.stem for item in items_of(tmp_path, "questions")] == ["何谓少阳病"]


def test_an_unknown_layout():
    with pytest.raises(
        RecipeError, match=r"unknown benchmark layout 'cmlu'\. Did you mean 'cmmlu'"
    ):
        read("cmlu", [], FileReport())


@pytest.mark.parametrize(
    ("layout", "name", "content", "complaint"),
    [
        (
            "cmmlu",
            "a__csv",
            "Question,A,B,C\n问,一,二,三\n",
            "a.csv#0: no column d; found: question",
        ),
        ("ceval", "a__csv", "id,title,A,B,C,D\n0,问,一,二,三,四\n", "a.csv#0: no column question"),
        ("cmmlu", "a__csv", "Question,A,B,C,D\n ,一,二,三,四\n", "a.csv#0: no question: expected"),
        (
            "cmmlu",
            "a__csv",
            "Question,A,B,C,D\n问,一,二\n",
            "a.csv#0: csv_fields: line 2: 3 fields",
        ),
        ("ceval", "a__csv", 'question,A,B,C,D\n"问,一,二,三,四\n', "a.csv#0: csv_quote: line 2"),
        ("cmmlu", "a__jsonl", lines(["问"]), "a.jsonl#0: not_an_object"),
        ("mcq", "a__jsonl", lines({"question": "问"}), "no options: expected options, "),
        ("mcq", "a__jsonl", lines({"question": "问", "options": "一二三"}), "no options: "),
        ("mcq", "a__jsonl", lines({"question": "问", "options": []}), "no options: "),
        ("mcq", "a__jsonl", lines({"options": ["一"]}), "a.jsonl#0: no question: expected one of"),
        ("mcq", "a__jsonl", lines({"question": 5, "options": ["一"]}), "no question: "),
        ("questions", "a__jsonl", lines({"q": "问"}), "no question: .*; found: q"),
        ("questions", "a__jsonl", lines({"text": "问"}, {"text": ""}), "a.jsonl#1: no question: "),
        ("questions", "a__jsonl", '{"text": "问"}\n{"text": \n', "a.jsonl#1: json_invalid: line 2"),
    ],
)
def test_a_row_that_is_no_item_stops_the_build(tmp_path, layout, name, content, complaint):
    with pytest.raises(SourceError, match=complaint) as error:
        items_of(tmp_path, layout, **{name: content})
    assert "\n" not in str(error.value)
    assert error.value.key in str(error.value)


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "count"), [("cmmlu", 1289), ("ceval", 1161)])
def test_real_benchmarks(shared_data, tmp_path, name, count):
    path = str(shared_data / "benchmarks" / name)
    items = read(name, resolve(path, tmp_path, tmp_path, SUFFIXES), FileReport())
    assert len(items) == count
    assert all(item.stem.strip() and len(item.options) == 4 for item in items)
    told = [item for item in items if item.answer]
    assert {item.answer for item in told} == set("ABCD")
    assert (len(told) == count) is (name == "cmmlu")

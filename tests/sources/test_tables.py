"""Files in which one row holds many: tables by columns, rows under a key; lists in place of a text."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layout_reading import outcome, read, spoken

from chimed_datasets.records import Malformed
from chimed_datasets.sources import FileReport, SourceFile
from chimed_datasets.sources.files.opening import BUFFER
from chimed_datasets.sources.parsing.json import json_rows

ASKED, TOLD = ["甲问", "乙问", "丙问"], ["甲答", "乙答", "丙答"]
PAIRS = list(zip(ASKED, TOLD, strict=True))
ROWS = [{"question": q, "answer": a} for q, a in PAIRS]
THREAD = {"kind": "thread"}


def made_of(folder: Path, value: object, key: str = "jsonl", lines: bool = False, **own: object):
    values = value if lines else [value]
    path = folder / "a.json"
    path.write_text("\n".join(json.dumps(v, ensure_ascii=False) for v in values), "utf-8")
    return read(key, path, **own)


def pairs(made: list) -> list[tuple[str, str]]:
    return [(m.question, m.answers[0].text) for m in made]


UNDER = {"question": "data.question", "answer": "data.answer"}
TABLES = {
    "columns": ({"question": ASKED, "answer": TOLD}, {}),
    "and more": ({"version": 2, "question": ASKED, "answer": TOLD, "tags": ["a"]}, {}),
    "columns under a key": ({"data": {"question": ASKED, "answer": TOLD}}, UNDER),
    "rows under a key": ({"version": 2, "data": ROWS}, UNDER),
    "columns in each row under a key": (
        {"data": [{"question": ASKED[:2], "answer": TOLD[:2]}, ROWS[2]]},
        UNDER,
    ),
    "question under a key": (
        {"data": [{"q": q} for q in ASKED], "answer": TOLD},
        {"question": "data.q", "answer": "answer"},
    ),
}


@pytest.mark.parametrize("case", [c for c in TABLES if c != "question under a key"])
def test_a_table_becomes_its_rows(tmp_path, case):
    value, fields = TABLES[case]
    made = made_of(tmp_path, value, **THREAD, fields=fields)
    assert pairs(made) == PAIRS
    assert [m.key for m in made] == ["a.json#0", "a.json#1", "a.json#2"]


def test_tables_among_rows_have_keys_of_their_own(tmp_path):
    values = [ROWS[0], {"question": ASKED, "answer": TOLD, "id": ["x", "y", "x"]}, ROWS[1]]
    made = made_of(tmp_path, values, lines=True, **THREAD)
    assert [m.key for m in made] == ["a.json#0", "a.json#x", "a.json#y", "a.json#x~2", "a.json#4"]
    assert pairs(made) == [PAIRS[0], *PAIRS, PAIRS[1]]


def test_labels_of_a_table_go_with_their_rows(tmp_path):
    value = {"question": ASKED, "answer": TOLD, "科": ["内科", None, "骨科"], "词": ["a", "b"]}
    fields = {"department": "科", "keyphrases": "词"}
    made = made_of(tmp_path, value, **THREAD, fields=fields)
    assert [m.department for m in made] == ["内科", None, "骨科"]
    assert [m.keyphrases for m in made] == [[], [], []]  # a list of two is no column of it


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            {"question": ASKED, "answer": TOLD[:2]},
            "'question' is a list of 3, 'answer' is a list of 2",
        ),
        ({"question": ASKED, "answer": "答"}, "'question' is a list of 3, 'answer' is one text"),
        ({"question": ASKED, "answer": ["答"]}, "'answer' is a list of 1"),
    ],
)
def test_a_list_in_place_of_one_text_is_refused(tmp_path, row, told):
    first, second = made_of(tmp_path, [row, ROWS[0]], lines=True, **THREAD)
    assert first.rule == "list_for_text"
    assert told in first.evidence
    assert pairs([second]) == PAIRS[:1]


def test_lists_that_are_right_stay_what_they_are(tmp_path):
    rows = [
        {"question": "问", "answer": TOLD},
        {"question": ["问"], "answer": TOLD},
        {"question": [["问", "又问"]], "answer": ["答"]},
    ]
    made = made_of(tmp_path, rows, lines=True, **THREAD)
    assert [m.question for m in made] == ["问"] * 3
    assert [len(m.answers) for m in made] == [3, 3, 1]
    assert made[2].metadata == {"other_questions": "又问"}


@pytest.mark.parametrize(
    ("key", "asked", "told"),
    [("instruction", "instruction", "output"), ("query_response", "query", "response")],
)
def test_tables_of_instructions(tmp_path, key, asked, told):
    for more in ({}, {"version": "1"}, {"system": None}):
        made = made_of(tmp_path, {asked: ASKED, told: TOLD, **more}, key)
        assert [tuple(text for _, text in spoken(m)) for m in made] == PAIRS
    (bad,) = made_of(tmp_path, {asked: ASKED, told: TOLD[:2]}, key)
    assert (bad.rule, "list of 3" in bad.evidence) == ("list_for_text", True)
    # Lines of one text, as the layout's description says: with an id of its own, or not as many.
    lines = [{"id": 1, asked: ASKED, told: TOLD}, {asked: ASKED[:2], told: TOLD[:1]}]
    made = made_of(tmp_path, lines, key, lines=True)
    assert [len(m.messages) for m in made] == [2, 2]
    short = [{asked: ASKED[:2], told: TOLD[:2]}] * 2
    assert [len(m.messages) for m in made_of(tmp_path, short, key, lines=True)] == [2, 2]
    twice = [{asked: ASKED, told: TOLD}] * 2  # which may be either
    assert {m.rule for m in made_of(tmp_path, twice, key, lines=True)} == {"list_for_text"}


def test_tables_of_documents_and_dialogues(tmp_path):
    value = {"text": ["一。", "二。"], "title": ["甲", "乙"]}
    made = made_of(tmp_path, value, fields={"title": "title"})
    assert [(m.text, m.title) for m in made] == [("一。", "甲"), ("二。", "乙")]
    (whole,) = made_of(tmp_path, {"text": ["一。", "二。"]})  # the paragraphs of one
    assert whole.text == "一。\n二。"
    talk = [{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}]
    made = made_of(tmp_path, {"messages": [talk, talk, talk]}, kind="dialogue")
    assert [len(m.messages) for m in made] == [2, 2, 2]


def test_tables_in_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"question": [ASKED, ["问"], ASKED], "answer": [TOLD, ["答"], ["答"]]}), path
    )
    made = read("parquet", path, **THREAD)
    assert outcome(made) == [*((str(n), "QAThread") for n in range(4)), ("4", "list_for_text")]
    assert pairs(made[:3]) == PAIRS
    pq.write_table(pa.table({"data": [ROWS]}), path)
    assert pairs(read("parquet", path, **THREAD, fields=UNDER)) == PAIRS


# --- rows: -----------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    ("value", "rows"),
    [
        ({"v": [1, {"data": []}], "data": ROWS, "n": {"data": 3}}, "data"),
        ({"a": {"b": 1, "data": ROWS}, "data": [1]}, "a.data"),
        ({"data": {"question": ASKED, "answer": TOLD}}, "data"),
        ([{"data": ROWS[:1]}, {"data": ROWS[1:]}], "data"),
    ],
)
def test_rows_under_a_key(tmp_path, value, rows, indent):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent), "utf-8")
    made = read("jsonl", path, **THREAD, rows=rows)
    assert pairs(made) == PAIRS
    assert [m.key for m in made] == ["a.json#0", "a.json#1", "a.json#2"]


def test_rows_under_a_key_of_each_line(tmp_path):
    made = made_of(tmp_path, [{"data": [row]} for row in ROWS], lines=True, **THREAD, rows="data")
    assert pairs(made) == PAIRS


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ('{"rows": []}', ["missing_field"]),
        ('{"data": 7}', ["not_an_object"]),
        ('{"data": [7, {"text": "文"}]}', ["not_an_object", None]),
        (
            '{"data": [{"text": "文"}, {"text": oops}, {"text": "字"}], "n": 1}',
            [None, "json_invalid", None],
        ),
        ('{"data": [{"text": "文"}', [None, "json_invalid"]),
        ('{"n" 1, "data": [{"text": "文"}]}', ["json_invalid"]),
    ],
)
def test_rows_that_are_not_there(tmp_path, text, rules):
    path = tmp_path / "a.json"
    path.write_text(text, "utf-8")
    made = read("jsonl", path, rows="data")
    assert [getattr(m, "rule", None) for m in made] == rules


def test_rows_under_a_key_are_streamed(tmp_path, monkeypatch):
    monkeypatch.setattr("chimed_datasets.sources.parsing.json.MAX_RECORD_BYTES", BUFFER)
    monkeypatch.setattr("chimed_datasets.sources.files.decoding.MAX_RECORD_BYTES", BUFFER)
    path = tmp_path / "a.json"
    row = json.dumps({"text": "热" * 1000}, ensure_ascii=False)
    path.write_text(f'{{"version": 1, "data": [{", ".join([row] * 2000)}]}}', "utf-8")
    file = SourceFile("a.json", str(path), path.stat().st_size)
    assert sum(1 for _ in json_rows(file, FileReport(), under="data")) == 2000
    (bad,) = json_rows(file, FileReport())
    assert isinstance(bad, Malformed)
    assert bad.rule == "too_long"


# --- nearly JSON -----------------------------------------------------------------------------

DICTS = [
    "{'question': '甲问', 'answer': '甲\"答\"', 'n': None, 'yes': True, 'x': nan}",
    "{'question': \"乙'问\", 'answer': ('乙答',), 'n': 3}",
]
READ = [("甲问", '甲"答"'), ("乙'问", "乙答")]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(DICTS),
        "".join(DICTS),
        f"[{', '.join(DICTS)}]",
        f"[\n {DICTS[0]},\n {DICTS[1]}\n]",
        "\n".join(d.replace(", ", ",\n  ") for d in DICTS),
    ],
)
def test_a_file_of_python_dicts_is_read(tmp_path, text):
    (tmp_path / "a.jsonl").write_text(text, "utf-8")
    assert pairs(read("jsonl", tmp_path, **THREAD)) == READ


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (DICTS[0], "single quotes"),
        ('{"question": None}', "a word of Python"),
        ('{"question": "问", "answer": "答",}', "a comma before the closing bracket"),
        ('{"question": "问" /* der */}', "a comment"),
    ],
)
def test_what_is_nearly_json_among_rows_is_told(tmp_path, line, word):
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(ROWS[0])}\n{line}\n", "utf-8")
    _, bad = read("jsonl", tmp_path, **THREAD)
    assert bad.rule == "json_invalid"
    assert word in bad.evidence


HOSTILE = {
    "code": "{'a': __import__('os').system('true')}",
    "deep": "{'a': " + "[" * 5000,
    "deep pairs": "{'a': " + "(" * 200_000 + ")" * 200_000 + "}",
    "signs": "{'a': " + "-" * 200_000 + "1}",
    "many": "{'a': [" + "1, " * 200_000 + "]}",
    "digits": "{'a': " + "9" * 200_000 + "}",
    "escapes": "{'a': '" + "\\N" * 100_000 + "'}",
    "open": "{'a': 1, " * 20_000,
    "open quotes": "{'a': '" * 20_000,
}


@pytest.mark.no_cover
@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("as_list", [False, True])
def test_hostile_dicts_are_told_of(tmp_path, case, as_list):
    text = f"[{HOSTILE[case]}, {DICTS[0]}" if as_list else f"{HOSTILE[case]}\n{DICTS[0]}"
    (tmp_path / "a.jsonl").write_text(text, "utf-8")
    start = time.process_time()
    made = read("jsonl", tmp_path, **THREAD)
    assert time.process_time() - start < 20
    assert made[0].rule in ("json_invalid", "missing_field")
    assert all(len(m.evidence) < 400 for m in made if isinstance(m, Malformed))


# --- marks and NULs between rows ---------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", ",\n"])
@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_a_line_of_nuls_costs_itself(tmp_path, end, size):
    told = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    (tmp_path / "a.jsonl").write_text(end.join([*told, "\0" * size, *told]), "utf-8")
    made = read("jsonl", tmp_path, **THREAD)
    assert [getattr(m, "rule", "") for m in made] == ["", "", "", "json_invalid", "", "", ""]


def test_marks_and_nuls_before_a_row(tmp_path):
    told = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    nuls = "\0" * 9
    text = f"\ufeff{told[0]}\n\ufeff\ufeff{told[1]}\n{nuls}{told[2]}"
    (tmp_path / "a.jsonl").write_text(text, "utf-8")
    made = read("jsonl", tmp_path, **THREAD)
    assert [getattr(m, "rule", "") for m in made] == ["", "", "json_invalid", ""]


BROKEN = [
    '{"a":1,',
    '{"a":[1],"b":{"c":1},',
    '{"a":',
    '{"a":[',
    '{"a":"',
    '"',
    "[",
    "{",
    "}",
    ",",
    "-",
]


@pytest.mark.no_cover
@pytest.mark.parametrize("unit", [*BROKEN, "true", "1.5e", "{//", '[{"a":1},', '{"a":1}'])
@pytest.mark.parametrize("begins", ["", "["])
def test_broken_json_takes_linear_time(tmp_path, unit, begins):
    (tmp_path / "a.jsonl").write_text(begins + unit * (200_000 // len(unit)), "utf-8")
    start = time.process_time()
    file = SourceFile("a.jsonl", str(tmp_path / "a.jsonl"), 200_000)
    assert all(made for made in json_rows(file, FileReport()))
    assert time.process_time() - start < 20  # a second or two; with a square in it, minutes

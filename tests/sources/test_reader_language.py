"""What a source entry may say of rows: conditions, joins, groups, paths, texts of several columns."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from layout_reading import FIXTURES, outcome, read, read_rows, spoken

from chimed_datasets.errors import RecipeError, SourceError
from chimed_datasets.records import Malformed, QAThread
from chimed_datasets.sources import layout
from chimed_datasets.sources.parsing.ends import stripped
from chimed_datasets.sources.parsing.on_disk import group_rows, join_rows
from chimed_datasets.sources.parsing.where import condition

# --- where -----------------------------------------------------------------------------------

ROW = {
    "score": 4,
    "cell": "4.0",
    "lang": "zh",
    "tags": ["内科", "儿科"],
    "text": "发热三天",
    "good": True,
    "empty": "NULL",
    "meta": {"year": 2019, "two words": "a"},
    "date": "2015-03-01",
    "think (raw)": "x",
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("score >= 4", True),
        ("score > 4", False),
        ("cell == 4", True),
        ("cell <= 3.9", False),
        ("lang == zh", True),
        ('lang == "zh"', True),
        ("lang != zh", False),
        ("lang in [en, zh]", True),
        ("lang not in [en, zh]", False),
        ("tags has 儿科", True),
        ("tags has 外科", False),
        ("text has '发热'", True),
        ("good == true", True),
        ("good", None),
        ("empty == null", True),
        ("gone == null", True),
        ("gone == ''", False),
        ("gone != 1", True),
        ("gone < 1 or gone >= 1", False),
        ("meta.year >= 2019 and not meta.year > 2020", True),
        ("date < 2015-04-01", True),
        ("'think (raw)' == x", True),
        ("score == 5 or score == 4 and lang == en", False),
        ("(score == 5 or score == 4) and lang == zh", True),
        ("not (lang == en)", True),
    ],
)
def test_a_condition_holds(text, holds):
    if holds is None:
        with pytest.raises(RecipeError, match="expected a comparison"):
            condition(text)
    else:
        assert condition(text).holds(ROW) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("score => 4", "expected a comparison after 'score', got '=>'.*Did you mean '>='"),
        ("score >", "expected a value, got the end"),
        ("lang in zh", r"expected a list such as \[a, b\] after 'in'"),
        ("lang in [zh", "expected ']', got the end"),
        ("(score == 1", r"expected '\)', got the end"),
        ("score == 1 lang == zh", "unexpected 'lang'.*Known: and, or"),
        ("score === 1", "expected a value, got '='"),
        ("lang == 'zh", "cannot be read"),
        ("", "expected a column, got the end"),
        ("lang not zh", "expected 'in' after 'not'"),
    ],
)
def test_what_is_no_condition_is_told_with_its_place(text, said):
    with pytest.raises(RecipeError, match=said) as raised:
        layout("jsonl").options({"where": text})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("key", ["jsonl", "parquet", "csv"])
def test_rows_that_are_not_selected_are_told_of(tmp_path, key):
    rows = [{"q": f"问题{n}", "a": "答", "score": n} for n in range(4)]
    own = {"kind": "thread", "fields": {"question": "q", "answer": "a"}, "where": "score >= 2"}
    if key == "jsonl":
        made = read_rows(key, tmp_path, rows, **own)
    else:
        import pandas as pd

        path = tmp_path / f"rows.{key}"
        getattr(pd.DataFrame(rows), f"to_{key}")(path, index=False)
        made = read(key, path, **own)
    assert sorted(outcome(made)) == [
        ("0", "not_selected"),
        ("1", "not_selected"),
        ("2", "QAThread"),
        ("3", "QAThread"),
    ]
    (first,) = [m for m in made if m.key.endswith("#0")]
    assert first.evidence.startswith("where score >= 2: score is ")


def test_a_column_of_a_condition_may_be_missing_where_it_says_so(tmp_path):
    rows = [{"instruction": "痒", "output": "别抓"}]
    assert outcome(read_rows("instruction", tmp_path, rows, where="score? == null")) == [
        ("0", "Dialogue")
    ]
    assert outcome(read_rows("instruction", tmp_path, rows, where="score? > 3")) == [
        ("0", "not_selected")
    ]
    with pytest.raises(SourceError, match=r"rows.json: no column 'outpt' \(where outpt\)"):
        read_rows("instruction", tmp_path, rows, where="outpt == a")
    (made,) = read_rows("jsonl", tmp_path, [{"text": "文"}], where="score? < 1 or text == 文")
    assert made.text == "文"


def test_rows_that_are_joined_by_their_model_are_chosen_and_cut(tmp_path):
    talks = [
        {"source": "s", "id": 1, "model": m, "topic": "皮肤", "messages": ["问：痒", f"答：{m}抓"]}
        for m in "甲乙丙"
    ]
    scores = [{"source": "s", "id": 1, "model": m, "scores": 3} for m in "甲乙丙"]
    own = {
        "where": "model != 丙",
        "metadata": ["topic"],
        "strip": {"user": ["痒"], "assistant": ["抓"]},
    }
    made = read_rows("scored", tmp_path, talks + scores, **own)
    assert [m.rule for m in made if isinstance(m, Malformed)] == [
        "not_selected",
        "not_selected",
        "empty_turn",
    ]
    own["strip"] = {"assistant": ["抓"]}
    (one,) = [
        m
        for m in read_rows("scored", tmp_path, talks + scores, **own)
        if not isinstance(m, Malformed)
    ]
    assert [(a.text, a.model, a.score) for a in one.candidates] == [
        ("甲", "甲", 3),
        ("乙", "乙", 3),
    ]
    assert one.metadata == {"topic": "皮肤"}


def test_a_column_of_a_condition_must_be_there(tmp_path):
    with pytest.raises(SourceError, match=r"no column 'scor' \(where scor\). Did you mean 'score'"):
        read_rows("jsonl", tmp_path, [{"text": "文", "score": 1}], where="scor > 0")


# --- columns ---------------------------------------------------------------------------------


def test_a_text_is_put_together_from_several_columns(tmp_path):
    rows = [
        {"name": "感冒", "cause": ["风寒", "风热"], "cure": " 休息 ", "gone": ""},
        {"name": None},
    ]
    own = {
        "fields": {"text": ["name", {"病因": "cause"}, {"治疗": "cure"}, "gone"], "title": "name"}
    }
    made = read_rows("jsonl", tmp_path, rows, **own)
    assert made[0].text == "感冒\n病因：风寒、风热\n治疗：休息"
    assert made[0].title == "感冒"
    assert made[1] == Malformed(
        "rows.json#1", "no_text", "['name', 'cause', 'cure', 'gone'] is empty"
    )


def test_turns_are_put_together_from_several_columns(tmp_path):
    rows = [
        {
            "told": "咳嗽三天。",
            "talk": ["医生：发热吗？", "病人：不发热。", "医生：多喝水。", "病人：好"],
        },
        {"told": "头痛", "talk": []},
    ]
    own = {"kind": "dialogue", "fields": {"messages": ["told", "talk"]}}
    one, other = read_rows("jsonl", tmp_path, rows, **own)
    assert spoken(one) == [
        ("user", "咳嗽三天。"),
        ("assistant", "发热吗？"),
        ("user", "不发热。"),
        ("assistant", "多喝水。"),
    ]
    assert one.metadata == {"cut_turns": "1"}
    assert other.rule == "no_answer"
    said = {"messages": [{"system": "s"}, {"user": "q"}, {"医生": "a"}]}
    rows = [{"s": "你是医生", "q": "痒", "a": "别抓"}]
    (made,) = read_rows("jsonl", tmp_path, rows, kind="dialogue", fields=said)
    assert spoken(made) == [("system", "你是医生"), ("user", "痒"), ("assistant", "别抓")]


def test_paths_lead_into_lists_and_a_list_may_be_read_item_by_item(tmp_path):
    rows = [{"id": "a", "questions": [["发热怎么办", "发烧怎么办"]], "answers": ["喝水"]}]
    fields = {"question": "questions.0.1", "answer": "answers.0"}
    (made,) = read_rows("jsonl", tmp_path, rows, kind="thread", fields=fields)
    assert (made.question, made.answers[0].text) == ("发烧怎么办", "喝水")
    fields = {"question": "questions.0", "answer": "answers"}
    made = read_rows("jsonl", tmp_path, rows, kind="thread", fields=fields, each="questions.0")
    assert [(m.key, m.question) for m in made] == [
        ("rows.json#a", "发热怎么办"),
        ("rows.json#a#1", "发烧怎么办"),
    ]
    fields = {"question": "questions.0.0", "answer": "answers.7"}
    (made,) = read_rows("jsonl", tmp_path, rows, kind="thread", fields=fields)
    assert made.rule == "missing_field"


def test_a_column_that_may_be_missing(tmp_path):
    rows = [{"text": "文"}]
    (made,) = read_rows("jsonl", tmp_path, rows, fields={"book": "shu?"})
    assert made.metadata == {}
    with pytest.raises(SourceError, match="no column 'shu'"):
        read_rows("jsonl", tmp_path, rows, fields={"book": "shu"})


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"fields": {"text": [{"a": "b", "c": "d"}]}}, "fields.text: expected columns"),
        ({"fields": {"text": []}}, "fields.text: expected columns"),
        (
            {"kind": "dialogue", "fields": {"messages": [{"usr": "q"}]}},
            "'usr' is no speaker. Did you mean 'user'",
        ),
        ({"group": "a"}, "a thread, not a document"),
        ({"join": {"with": "a.csv", "on": {"a": "b", "c": "d"}}}, "join.on: expected one column"),
        ({"join": {"file": "a.csv"}}, "join"),
        ({"grup": "a"}, "unknown key 'grup'. Did you mean 'group'"),
    ],
)
def test_what_a_mapping_cannot_say(own, said):
    with pytest.raises(RecipeError, match=said):
        layout("jsonl").options(own)


# --- rows without names ----------------------------------------------------------------------


@pytest.mark.parametrize("sign", ["\t", ","])
def test_columns_by_their_number(tmp_path, sign):
    lines = [
        ["\ufeff内科", "1", "发热，怎么办", "喝水, 休息" if sign == "\t" else "喝水"],
        ["外科", "0", "痛"],
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(map(sign.join, lines)) + "\n", "utf-8")
    own = {
        "header": ["department", "label", "q", "a"],
        "kind": "thread",
        "fields": {"question": "q", "answer": "a", "department": "department", "adopted": "label"},
    }
    one, other = read("csv", path, **own)
    assert (one.department, one.question, one.answers[0].adopted) == ("内科", "发热，怎么办", True)
    assert other.rule == "csv_fields"


def test_rows_that_are_lists(tmp_path):
    rows = [["发热", "喝水"], ["痛"]]
    own = {"header": ["q", "a"], "kind": "thread", "fields": {"question": "q", "answer": "a"}}
    one, other = read_rows("jsonl", tmp_path, rows, **own)
    assert one.question == "发热"
    assert other == Malformed(other.key, "wrong_type", other.evidence)
    assert "a list of 1, header names 2" in other.evidence
    talk = read_rows("sharegpt", tmp_path, [["病人：痒", "医生：别抓"], ["痒"]])
    assert spoken(talk[0]) == [("user", "痒"), ("assistant", "别抓")]
    assert talk[1].rule == "no_answer"


def test_an_object_whose_keys_are_ids(tmp_path):
    path = tmp_path / "a.json"
    rows = {
        "x1": {"text": "一"},
        "x2": {"text": "二", "id": "own"},
        "x3": [{"text": "三"}],
        "x4": 5,
    }
    path.write_text(json.dumps(rows), "utf-8")
    assert outcome(read("jsonl", path, rows="*")) == [
        ("x1", "Document"),
        ("own", "Document"),
        ("2", "Document"),
        ("3", "not_an_object"),
    ]
    path.write_text(json.dumps({"data": {"zh": rows}, "about": 1}), "utf-8")
    assert len(read("jsonl", path, rows="data.zh.*")) == 4


# --- join and group --------------------------------------------------------------------------


def write_tables(folder: Path) -> Path:
    questions = "question_id,content\n1,发热怎么办？\n2,头痛怎么办？\n3,没有人答\n"
    answers = "ans_id,question_id,content\n9,2,休息。\n8,1,喝水。\n7,2,看医生。\n6,5,没有问题\n5,,没有号码\n"
    (folder / "question.csv").write_text(questions, "utf-8")
    (folder / "answer.csv").write_text(answers, "utf-8")
    return folder


JOINED = {
    "kind": "thread",
    "join": {"with": "question.csv", "on": "question_id"},
    "group": "question_id",
    "fields": {"question": "question.content", "answer": "content"},
}


def test_two_tables_become_threads(tmp_path):
    made = read("csv", write_tables(tmp_path), **JOINED)
    threads = [m for m in made if isinstance(m, QAThread)]
    assert [(t.key, t.question, [a.text for a in t.answers]) for t in threads] == [
        ("answer.csv#2", "头痛怎么办？", ["休息。", "看医生。"]),
        ("answer.csv#1", "发热怎么办？", ["喝水。"]),
    ]
    lost = {m.key: (m.rule, m.evidence) for m in made if isinstance(m, Malformed)}
    assert lost == {
        "answer.csv#row 3": ("no_partner", "question_id is '5': 没有问题"),
        "answer.csv#row 4": ("no_partner", "question_id has no value: 没有号码"),
        "question.csv#row 2": ("no_partner", "question_id is '3': 没有人答"),
    }


def test_a_table_of_another_form_and_other_names(tmp_path):
    write_tables(tmp_path)
    (tmp_path / "question.csv").unlink()
    rows = [{"qid": 1, "content": "发热？"}, {"qid": 2, "content": "头痛？"}]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    own = JOINED | {
        "join": {"with": "q.jsonl", "on": {"question_id": "qid"}, "as": "asked"},
        "fields": {"question": "asked.content", "answer": "content"},
    }
    found = layout("csv")
    options = found.options(own)
    from chimed_datasets.sources import FileReport
    from chimed_datasets.sources.files.finding import resolve

    files = resolve(str(tmp_path), tmp_path, tmp_path / "s", (".csv", ".jsonl"))
    made = list(found.read(files, options, FileReport()))
    assert [m.question for m in made if isinstance(m, QAThread)] == ["头痛？", "发热？"]
    assert pickle.loads(pickle.dumps(options)) == options


@pytest.mark.parametrize("name", ["questions.csv", "*.csv"])
def test_the_table_of_a_join_must_be_one_file_among_others(tmp_path, name):
    with pytest.raises(SourceError, match=r"join\.with: "):
        read(
            "csv", write_tables(tmp_path), **JOINED | {"join": {"with": name, "on": "question_id"}}
        )


def test_what_a_group_loses(tmp_path):
    rows = [
        {"g": 1, "q": "痒", "a": "别抓", "ok": 1},
        {"g": 2, "q": "痛", "a": "忍", "ok": 0},
        {"g": 1, "q": "痒", "a": "抓", "ok": "0"},
        {"g": 1, "q": "肿", "a": "冰敷", "ok": 0},
        {"g": None, "q": "麻", "a": "动", "ok": True},
        {"g": 1, "q": "痒", "a": "", "ok": 1},
        {"g": 3, "q": "酸", "a": "揉", "ok": "perhaps"},
    ]
    fields = {"question": "q", "answer": "a", "adopted": "ok"}
    made = read_rows("jsonl", tmp_path, rows, kind="thread", group="g", fields=fields)
    assert sorted(outcome(made)) == [
        ("1", "QAThread"),
        ("2", "no_adopted"),
        ("row 3", "group_differs"),
        ("row 4", "QAThread"),
        ("row 5", "no_answer"),
        ("row 6", "unknown_mark"),
    ]
    (one,) = [m for m in made if m.key == "rows.json#1"]
    assert [(a.text, a.adopted) for a in one.answers] == [("别抓", True), ("抓", False)]


GROUPED = {"kind": "thread", "group": "g", "fields": {"question": "q", "answer": "a"}}


def test_a_group_is_whole_whose_rows_lie_in_several_files(tmp_path):
    """Shards part a group anywhere; files that number their groups each for itself do not mix."""
    files = {
        "a.jsonl": [(1, "痒", "别抓"), (2, "痛", "忍")],
        "b.jsonl": [(2, "痛", "休息"), (1, "肿", "冰敷"), (1, "麻", "动"), (3, "酸", "揉")],
        "c.jsonl": [(2, "痛 ", "看医生"), (1, "肿", "抬高")],
    }
    for name, rows in files.items():
        lines = [json.dumps(dict(zip("gqa", row, strict=True))) for row in rows]
        (tmp_path / name).write_text("\n".join(lines), "utf-8")
    found = layout("jsonl")
    options = found.options(GROUPED)
    assert found.together(options)
    assert not found.needs_all(options)
    made = read("jsonl", tmp_path, **GROUPED)
    threads = [m for m in made if isinstance(m, QAThread)]
    assert [(t.key, t.question, [a.text for a in t.answers]) for t in threads] == [
        ("a.jsonl#1", "痒", ["别抓"]),
        ("b.jsonl#1", "肿", ["冰敷", "抬高"]),
        ("a.jsonl#2", "痛", ["忍", "休息", "看医生"]),
        ("b.jsonl#3", "酸", ["揉"]),
    ]
    assert [(m.key, m.rule) for m in made if isinstance(m, Malformed)] == [
        ("b.jsonl#row 2", "group_differs")
    ]


def test_a_row_without_a_group_has_no_key_of_one(tmp_path):
    rows = [
        {"g": None, "q": "痒", "a": "别抓"},
        {"g": "0", "q": "痛", "a": "忍"},
        {"g": "长" * 300, "q": "肿", "a": "冰敷"},
    ]
    made = read_rows("jsonl", tmp_path, rows, **GROUPED)
    assert [m.key for m in made] == ["rows.json#row 0", "rows.json#0", "rows.json#row 2"]


def test_a_group_larger_than_a_record_may_be_is_told_of(tmp_path):
    rows = [{"g": n == 7, "q": "痒", "a": "别抓" * 1_000_000} for n in range(8)]
    made = read_rows("jsonl", tmp_path, rows, **GROUPED)
    assert sorted(outcome(made)) == [("False", "too_long"), ("True", "QAThread")]
    (lost,) = [m for m in made if isinstance(m, Malformed)]
    assert lost.evidence.startswith("42,001,792 bytes of answers, allowed 33,554,432: 痒")


def test_triples_of_a_subject_in_several_files_are_one_document(tmp_path):
    (tmp_path / "a.txt").write_text("甘草\t性味\t甘平\n人参\t功效\t补气\n", "utf-8")
    (tmp_path / "b.txt").write_text("head\trelation\ttail\n甘草\t功效\t补脾\n", "utf-8")
    own = {"header": ["subject", "predicate", "object"], "where": "predicate != 归经"}
    made = read("entities", tmp_path, **own)
    assert [(m.key, m.text) for m in made] == [
        ("a.txt#0", "甘草\n性味：甘平。\n功效：补脾。"),
        ("a.txt#1", "人参\n功效：补气。"),
    ]
    with pytest.raises(RecipeError, match="Did you mean 'subject'"):
        layout("entities").options(own | {"where": "subjct == 甘草"})


def test_several_partners_make_several_rows():
    rows = [("a#0", {"k": 1, "x": "甲"}), ("a#1", {"k": 2.0, "x": "乙"})]
    table = [("t#0", {"k": "1", "y": 1}), ("t#1", {"k": 1, "y": 2}), ("t#2", {"k": "2", "y": 3})]
    assert [
        (key, row["x"], row["t"]["y"]) for key, row in join_rows(rows, table, "k", "k", "t")
    ] == [
        ("a#0", "甲", 1),
        ("a#0#1", "甲", 2),
        ("a#1", "乙", 3),
    ]


def test_groups_stand_in_the_order_of_their_first_rows():
    rows = [(f"f#{n}", {"g": value}) for n, value in enumerate("cabac")]
    assert [(g.value, [key for key, _ in g.rows]) for g in group_rows(rows, "g")] == [
        ("c", ["f#0", "f#4"]),
        ("a", ["f#1", "f#3"]),
        ("b", ["f#2"]),
    ]


BOUND = """
import resource, sys
from chimed_datasets.sources.parsing.on_disk import group_rows, join_rows
def rows(file):
    for n in range(int(sys.argv[1])):
        yield f"{file}#{n}", {"n": n, "g": n * 7919 % 5_000, "text": "每天量两次血压并记录下来。" * 400 + str(n)}
begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert sum(1 for _ in join_rows(rows("a"), rows("b"), "n", "n", "b")) == int(sys.argv[1])
assert sum(1 for group in group_rows(rows("a"), "g") for _ in group.rows) == int(sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begun)
"""


@pytest.mark.whole
def test_memory_does_not_grow_with_the_rows():
    """12,000 rows of 16 kB are 190 MB; the database holds 64 MiB of them at a time."""
    run = [sys.executable, "-c", BOUND, "12000"]
    grown = int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    assert grown < 135 * 1024  # KiB


@pytest.mark.whole
@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_the_proof_of_joins_and_groups_runs(tmp_path):
    proof = Path(__file__).parents[1] / "prove_join.py"
    run = [sys.executable, proof, "--rows", "4000", "--folder", tmp_path]
    lines = subprocess.run(run, check=True, capture_output=True, text=True).stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", "join"], ["ok", "group"], ["ok", "both"]]
    assert list(tmp_path.iterdir()) == []


# --- layouts that know their columns ---------------------------------------------------------


def test_ready_layouts_take_key_metadata_condition_and_ends(tmp_path):
    rows = [
        {"_id": "a", "source": "甲", "score": 5, "instruction": "问：痒", "output": "答：别抓"},
        {"_id": "b", "source": "乙", "score": 1, "instruction": "问：痛", "output": "答：忍"},
        {"_id": "c", "source": "", "score": 5, "instruction": "问：痛", "output": "答："},
    ]
    own = {
        "id": "_id",
        "metadata": ["source"],
        "where": "score > 2",
        "strip": {"user": ["问："], "assistant": ["答："]},
    }
    one, two, three = read_rows("instruction", tmp_path, rows, **own)
    assert (one.key, one.metadata) == ("rows.json#a", {"source": "甲"})
    assert spoken(one) == [("user", "痒"), ("assistant", "别抓")]
    assert (two.key, two.rule) == ("rows.json#b", "not_selected")
    assert (three.key, three.rule) == ("rows.json#c", "empty_turn")


@pytest.mark.parametrize(
    ("key", "target", "hint"),
    [("sharegpt", "usr", "user"), ("qa_csv", "answers", "answer"), ("entities", "txt", "text")],
)
def test_a_text_to_strip_that_a_layout_does_not_have(key, target, hint):
    with pytest.raises(RecipeError, match=f"unknown text '{target}'. Did you mean '{hint}'"):
        layout(key).options({"strip": {target: ["x"]}})


@pytest.mark.parametrize(
    ("text", "ends", "left"),
    [
        ("答：多喝水。2015-03-01 12:30:15", ["答：", "{date}"], "多喝水。"),
        ("多喝水。2015-03-0112:30", ["{date}"], "多喝水。"),
        ("2015年3月1日 多喝水", ["{date}"], "多喝水"),
        ("2015年起发病", ["{date}"], "2015年起发病"),
        ("答：答：好", ["答："], "答：好"),
        ("好", ["答：", "{date}"], "好"),
    ],
)
def test_texts_are_cut_from_both_ends(text, ends, left):
    assert stripped(text, ends) == left


def test_pairs_whose_origin_is_stated(tmp_path):
    rows = [{"question": "痒", "response_chosen": "别抓", "response_rejected": "抓"}]
    own = {"pair_origin": "doctor_vs_model", "model": "BenTsao"}
    (made,) = read_rows("preference_pairs", tmp_path, rows, **own)
    assert [(a.text, a.rank, a.model) for a in made.candidates] == [
        ("别抓", None, None),
        ("抓", None, "BenTsao"),
    ]
    (made,) = read_rows("preference_pairs", tmp_path, rows, pair_origin="llm_ranked")
    assert made.metadata == {"ranked_by": "llm"}
    with pytest.raises(RecipeError, match="model: it is said of pairs"):
        layout("preference_pairs").options({"model": "BenTsao"})


def test_triples_become_documents(tmp_path):
    for name, sign, head in (("a.txt", "\t", ""), ("a.csv", ",", "head,relation,tail\n")):
        lines = [
            ["甘草", "性味", "甘平"],
            ["人参", "功效", "补气"],
            ["甘草", "功效", "补脾"],
            ["坏行"],
        ]
        text = head + "".join(sign.join(line) + "\n" for line in lines)
        path = tmp_path / name
        path.write_text(text, "utf-8")
        made = read("entities", path, header=["subject", "predicate", "object"])
        assert [m.text for m in made if not isinstance(m, Malformed)] == [
            "甘草\n性味：甘平。\n功效：补脾。",
            "人参\n功效：补气。",
        ]
        assert [m.rule for m in made if isinstance(m, Malformed)] == ["csv_fields"]


def test_consultations_in_blocks():
    one, two, three = read("dialogue_blocks", FIXTURES / "dialogue_blocks")
    assert spoken(one) == [
        ("user", "每年冬天咳嗽，痰白，早上重。\n过敏史：青霉素\n需要拍片子吗？"),
        ("assistant", "先拍胸片，\n戒烟。"),
    ]
    assert one.metadata == {"disease": "慢性支气管炎", "cut_turns": "1"}
    assert (one.key, one.department) == ("2012.txt#11", "呼吸内科")
    assert "白云镇" not in repr([one, two, three])
    assert spoken(two)[-1] == ("assistant", "您好，请说。\n颈椎病可能。\n少低头，做肩颈操。")
    assert (three.key, three.rule) == ("2012.txt#13", "no_answer")


def test_a_text_without_blocks_is_told_of(tmp_path):
    (tmp_path / "a.txt").write_text("第一章\n寒者热之。\n", "utf-8")
    (made,) = read("dialogue_blocks", tmp_path)
    assert made.rule == "no_dialogue"

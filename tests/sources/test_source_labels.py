"""Words for nothing, and labels: a department is a line, a domain one of three, none costs a row."""

from __future__ import annotations

import datetime
import decimal
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layout_reading import outcome, read, spoken

from chimed_datasets.records import Columns
from chimed_datasets.sources import FileReport, SourceFile, layout
from chimed_datasets.sources.parsing import labels
from chimed_datasets.sources.parsing.row import NOTHING, is_nothing, text_of
from tests.common.files import write_jsonl

WORDS = sorted(filter(None, NOTHING))
THREAD = {"kind": "thread", "fields": {"department": "科"}}


@pytest.mark.parametrize("word", [*WORDS, " NULL ", "\tnan\n", "   "])
def test_words_for_nothing(word):
    assert is_nothing(word)
    assert not text_of(word).strip()
    assert labels.department(word) is labels.domain(word) is labels.title(word) is None
    assert labels.keyphrases([word, "咳嗽"]) == ["咳嗽"]
    assert labels.written(word) == ""


@pytest.mark.parametrize(
    "text", ["无", "没有", "Na", "NA 通道", "none of them", "0", "-", "null值"]
)
def test_words_that_say_something(text):
    assert not is_nothing(text)
    assert text_of(text) == text


@pytest.mark.parametrize("word", ["NULL", " nan", r"\N"])
@pytest.mark.parametrize("key", ["jsonl", "csv", "parquet"])
def test_nothing_in_every_layout_of_a_mapping(tmp_path, word, key):
    rows = [("问一", word, "内科"), (word, "答二", "内科"), ("问三", "答三", word)]
    names = ("question", "answer", "科")
    path = tmp_path / f"a.{key}"
    if key == "csv":
        path.write_text("\n".join(map(",".join, [names, *rows])), "utf-8")
    elif key == "jsonl":
        write_jsonl(path, [dict(zip(names, row, strict=True)) for row in rows])
    else:
        pq.write_table(
            pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))), path
        )
    made = read(key, path, **THREAD)
    assert outcome(made) == [("0", "no_answer"), ("1", "empty_question"), ("2", "QAThread")]
    assert made[2].department is None


def test_plain_rows_with_a_word_for_nothing_as_a_label_stay_columns(tmp_path):
    rows = [
        {"question": "问", "answer": "答", "科": word, "注": word} for word in ("NULL", "骨科\n")
    ]
    path = write_jsonl(tmp_path / "a.jsonl", rows)
    found = layout("jsonl")
    options = found.options({"kind": "thread", "fields": {"department": "科", "note": "注"}})
    file = SourceFile("a.jsonl", str(path), path.stat().st_size)
    (columns,) = found.read_columns([file], options, FileReport())
    assert isinstance(columns, Columns)
    assert [r.department for r in columns.records()] == [None, "骨科"]
    assert [r.metadata for r in columns.records()] == [{}, {"note": "骨科"}]


def test_nothing_in_an_instruction(tmp_path):
    rows = [
        {"instruction": "问", "input": "NaN", "output": "答"},
        {"instruction": "问", "input": "", "output": "N/A"},
        {"instruction": "None", "output": "答"},
    ]
    made = read("instruction", write_jsonl(tmp_path / "a.jsonl", rows))
    assert outcome(made) == [("0", "Dialogue"), ("1", "no_answer"), ("2", "empty_question")]
    assert spoken(made[0]) == [("user", "问"), ("assistant", "答")]


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("内科", "内科"),
        (["内科", " 心血管\n内科 "], "内科>心血管 内科"),
        (["内科", "内科", None, "nan", ""], "内科"),
        ("内科\n心内科", "内科>心内科"),
        ("['内科', '心内科']", "内科>心内科"),
        ('["内科"]', "内科"),
        ("[内科]", "[内科]"),
        ({"id": 3, "name": "骨科"}, "骨科"),
        ([{"name": "外科"}, {"name": "骨科"}], "外科>骨科"),
        (7, "7"),
        (None, None),
        ([], None),
        ({}, None),
        ({"id": 3}, None),
        (b"x", None),
        (float("inf"), None),
        ([10**5000], None),
        ([[[[[[["深"]]]]]]], None),
    ],
)
def test_departments(value, label):
    assert labels.department(value) == label


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        *((w, "tcm") for w in ("tcm", "TCM", " 中医 ", "中醫藥", "国医", "Traditional Chinese Medicine", ["中医"])),
        *((w, "modern") for w in ("modern", "Modern", "西医", "现代医学", "western-medicine", {"name": "西医"})),
        *((w, "general") for w in ("general", "综合", "其他", "ＧＥＮＥＲＡＬ")),
        *((w, None) for w in (None, "", "NULL", [], {})),
    ],
)  # fmt: skip
def test_domains(value, domain):
    assert labels.domain(value) == domain


def test_a_row_of_another_domain_is_refused_with_what_is_known(tmp_path):
    rows = [{"text": f"文{d}", "类": d} for d in ("中医", "兽医", None, ["中医", "西医"], "西医")]
    path = write_jsonl(tmp_path / "a.jsonl", rows)
    made = read("jsonl", path, fields={"domain": "类"})
    assert [getattr(m, "rule", None) or m.domain for m in made] == [
        "tcm", "unknown_domain", None, "unknown_domain", "modern",
    ]  # fmt: skip
    assert made[1].evidence == "'兽医'; known: tcm (中医), modern (西医), general (其他)"


@pytest.mark.parametrize(
    ("value", "phrases"),
    [
        (
            [{"name": "咳嗽"}, {"id": 1}, "发热", None, ["乏力", 3], b"x"],
            ["咳嗽", "发热", "乏力", "3"],
        ),
        ({"text": "咳嗽"}, ["咳嗽"]),
        ("咳嗽，发热\n乏力;nan", ["咳嗽", "发热", "乏力"]),
        ("['咳嗽', '发热']", ["咳嗽", "发热"]),
        (None, []),
        (3.5, ["3.5"]),
    ],
)
def test_keyphrases(value, phrases):
    assert labels.keyphrases(value) == phrases


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime.datetime(2020, 1, 2, 3, 4, 5), "2020-01-02T03:04:05"),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        (datetime.timedelta(days=1, seconds=2, microseconds=500), "P1DT2.0005S"),
        (datetime.timedelta(seconds=10), "P0DT10S"),
        (decimal.Decimal("1.50"), "1.50"),
        ("文".encode(), "文"),
        (b"\xff", "/w=="),
        (float("inf"), "inf"),
        ({"a": datetime.date(2020, 1, 2)}, '{"a": "2020-01-02"}'),
        (["附子", "乾薑"], "附子、乾薑"),
        ({"a": (10**5000,)}, ""),
    ],
)
def test_metadata_is_written_out(value, text):
    assert labels.written(value) == text


@pytest.mark.parametrize("above", [None, "", [], "文", 7, {"b": None}])
def test_what_stands_above_a_label_costs_no_row(tmp_path, above):
    rows = [{"text": "文", "a": {"b": "一"}}, {"text": "文", "a": above}]
    fields = {"note": "a.b", "title": "a.b", "domain": "a.c"}
    made = read("jsonl", write_jsonl(tmp_path / "a.jsonl", rows), fields=fields)
    assert [(m.title, m.metadata) for m in made] == [("一", {"note": "一"}), (None, {})]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 10**18], pa.timestamp("ns")),
        pa.array([1, 9 * 10**14], pa.timestamp("s")),
        pa.array([1, 2**62], pa.duration("s")),
        pa.array([decimal.Decimal("1.5"), None]),
        pa.array([b"\xff", b"a"]),
        pa.array([datetime.time(1, 2), None]),
    ],
    ids=lambda c: str(c.type),
)
def test_times_of_parquet_are_metadata(tmp_path, column):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["文", "字"], "t": column}), path)
    made = read("parquet", path, fields={"t": "t"})
    assert outcome(made) == [("0", "Document"), ("1", "Document")]
    assert made[0].metadata["t"]
    assert json.dumps(made[1].metadata)


def test_a_row_without_its_columns_tells_what_would_read_it(tmp_path):
    (tmp_path / "a.csv").write_text("dept,user_query,reply_text\n内科,问,答\n", "utf-8")
    (made,) = read("qa_csv", tmp_path)
    assert made.evidence == (
        "no 'ask'; fields: dept, user_query, reply_text; layout: csv, kind: thread, "
        "fields: {question: user_query, answer: reply_text} would read it"
    )

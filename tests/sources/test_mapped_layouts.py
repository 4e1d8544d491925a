"""Layouts with a mapping of fields: jsonl, csv, parquet; and generated, whose rows are records."""

from __future__ import annotations

import tracemalloc
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from layout_reading import FIXTURES, outcome, read, spoken

from chimed_datasets.errors import RecipeError, SourceError
from chimed_datasets.records import Answer, Dialogue, Document, Malformed, Message, QAThread
from chimed_datasets.sources import FileReport, layout
from chimed_datasets.sources.files.decoding import MAX_RECORD_BYTES
from chimed_datasets.sources.files.opening import SourceFile
from chimed_datasets.sources.parsing.mapping import Mapped
from chimed_datasets.sources.parsing.parquet import MAX_LISTED
from chimed_datasets.sources.parsing.row import RowError
from chimed_datasets.sources.parsing.tables import Shape, rows_of
from tests.common.files import write_jsonl

CLAUSES = {
    "id": "clause_id",
    "fields": {
        "text": "original_text",
        "book": "book_title",
        "chapter": "chapter",
        "herbs": "herbs",
        "number": "metadata.no",
    },
}


# --- jsonl -----------------------------------------------------------------------------------


def test_clauses_become_documents():
    made = read("jsonl", FIXTURES / "jsonl/clauses.jsonl", **CLAUSES)
    assert made == [
        Document(
            "clauses.jsonl#SH_1",
            "寒者熱之，熱者寒之。",
            metadata={"book": "溪山論", "chapter": "辨寒熱第一", "number": "1"},
        ),
        Document(
            "clauses.jsonl#SH_2",
            "脈遲為寒，脈數為熱。",
            metadata={
                "book": "溪山論",
                "chapter": "辨寒熱第一",
                "herbs": "附子、乾薑",
                "number": "2",
            },
        ),
        Malformed("clauses.jsonl#SH_2~2", "no_text", "'original_text' is empty"),
        Malformed("clauses.jsonl#SH_4", "wrong_type", "expected a text, got dict: {'text': '錯'}"),
    ]


def test_context_and_target_become_threads():
    made = read(
        "jsonl",
        FIXTURES / "jsonl/context_target.jsonl",
        kind="thread",
        fields={"question": "context", "answer": "target"},
        strip={"question": ["问题：", "回答: "]},
    )
    assert made == [
        QAThread(
            "context_target.jsonl#0",
            "夜里咳嗽怎么办？",
            [Answer("垫高枕头，睡前不要吃东西。")],
        ),
        Malformed("context_target.jsonl#1", "empty_question", "'context' is empty"),
        QAThread(
            "context_target.jsonl#2", "小儿积食有哪些表现？", [Answer("口臭"), Answer("腹胀")]
        ),
    ]


def test_messages_become_dialogues(tmp_path):
    rows = [
        {"messages": ["咳嗽", "几天了？"], "科": "内科", "标签": ["咳嗽", " "]},
        {"messages": ["咳嗽"]},
        {"messages": []},
        {"messages": 7},
        {"messages": [{"role": "鬼", "content": "呜"}]},
    ]
    made = read(
        "jsonl",
        write_jsonl(tmp_path / "a.jsonl", rows),
        kind="dialogue",
        fields={"department": "科", "keyphrases": "标签"},
    )
    assert outcome(made) == [
        ("0", "Dialogue"),
        ("1", "no_answer"),
        ("2", "no_answer"),
        ("3", "wrong_type"),
        ("4", "unknown_role"),
    ]
    assert (made[0].department, made[0].keyphrases) == ("内科", ["咳嗽"])
    assert spoken(made[0]) == [("user", "咳嗽"), ("assistant", "几天了？")]


@pytest.mark.parametrize(
    ("row", "path", "value"),
    [
        ({"a": {"b": {"c": "深"}}}, "a.b.c", "深"),
        ({"a": [{"b": "一"}, {"b": "二"}]}, "a.b", "一、二"),
        ({"a.b": "点", "a": {"b": "不是"}}, "a.b", "点"),  # a column of just that name
        ({"a": {"b": None}}, "a.b", None),
        ({"a": {}}, "a.b", None),
        ({"a": {"b": {"c": 1}}}, "a.b", '{"c": 1}'),
        ({"a": {"b": True}}, "a.b", "True"),
    ],
)
def test_dotted_paths(tmp_path, row, path, value):
    made = read(
        "jsonl",
        write_jsonl(tmp_path / "a.jsonl", [{"text": "文", **row}]),
        fields={"note": path},
    )
    assert made == [Document("a.jsonl#0", "文", metadata={"note": value} if value else {})]


def test_a_dotted_path_through_a_text_is_a_wrong_type(tmp_path):
    rows = [{"note": "文", "a": {"b": "一"}}, {"note": "文", "a": "一"}]
    made = read("jsonl", write_jsonl(tmp_path / "a.jsonl", rows), fields={"text": "a.b"})
    assert outcome(made) == [("0", "Document"), ("1", "wrong_type")]
    assert made[1].evidence == "expected an object with 'b', got str"


@pytest.mark.parametrize(
    ("own", "complaint"),
    [
        ({"fields": {"text": "txet"}}, r"no column 'txet' \(fields\.text\).*Did you mean 'text'"),
        ({"fields": {"note": "nose.x"}}, r"no column 'nose\.x' \(fields\.note\)"),
        ({"id": "ident"}, r"no column 'ident' \(id\)"),
        ({"kind": "thread"}, r"no column 'question' \(fields\.question\)"),
    ],
)
def test_a_column_that_is_not_there_is_named(tmp_path, own, complaint):
    path = write_jsonl(tmp_path / "a.jsonl", [{"text": "文", "note": "注"}])
    with pytest.raises(SourceError, match=r"^a\.jsonl: " + complaint) as error:
        read("jsonl", path, **own)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("own", "complaint"),
    [
        ({"kind": "book"}, "kind"),
        ({"fields": ["text"]}, "fields"),
        ({"strip": {"txet": ["a"]}}, "strip: 'txet' is not among the fields"),
        ({"id": 7}, "id"),
    ],
)
def test_options_that_are_none_stop_before_anything_is_read(own, complaint):
    with pytest.raises(RecipeError, match=complaint) as error:
        read("jsonl", Path("/nowhere"), **own)
    assert "\n" not in str(error.value)


def test_rows_without_ids_or_with_doubtful_ones_have_keys(tmp_path):
    idents = [None, "", 1, "1", 1.5, True, [1], " a ", "a", "x" * 300]
    rows = [{"text": "文", "id": ident} for ident in idents]
    made = read("jsonl", write_jsonl(tmp_path / "a.jsonl", rows))
    assert [m.key.split("#")[1] for m in made] == [
        "0", "1", "1~2", "1~3", "1.5", "5", "6", "a", "a~2", "9",
    ]  # fmt: skip


# --- csv -------------------------------------------------------------------------------------


def test_commentaries_in_a_csv_behind_a_mark():
    report = FileReport()
    made = read(
        "csv",
        FIXTURES / "csv/commentaries.csv",
        report,
        id="commentary_id",
        fields={"text": "commentary_text", "author": "commentator", "book": "book"},
    )
    assert report.encodings == {"commentaries.csv": "utf-8-sig"}
    assert made == [
        Document(
            "commentaries.csv#C1",
            "熱因寒用，\n寒因熱用。",
            metadata={"author": "溪翁", "book": "溪山論註"},
        ),
        Document("commentaries.csv#C2", "所謂「逆之」者，正治也。", metadata={"book": "溪山論註"}),
        Malformed(
            "commentaries.csv#2",
            "csv_fields",
            "line 5: 2 fields, the header has 4: C3,溪山論註",
        ),
    ]


def test_a_tsv_with_chinese_columns():
    (made,) = read(
        "csv",
        FIXTURES / "csv/问答.tsv",
        kind="thread",
        fields={"question": "问题", "answer": "回答", "title": "标题", "keyphrases": "关键词"},
    )
    assert made == QAThread(
        "问答.tsv#0", "夜里咳嗽怎么办", [Answer("垫高枕头")], "咳嗽", keyphrases=["咳嗽", "睡眠"]
    )


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_delimiters_are_found(tmp_path, delimiter):
    rows = [["编号", "text"], ["1", "甲，乙；丙、丁"], ["2", "戊"]]
    told = "\n".join(delimiter.join(row) for row in rows)
    (tmp_path / "a.csv").write_text(f"\n\n{told}\n", "utf-8")
    made = read("csv", tmp_path, id="编号")
    assert [(m.key, m.text) for m in made] == [("a.csv#1", "甲，乙；丙、丁"), ("a.csv#2", "戊")]


# --- parquet ---------------------------------------------------------------------------------


def test_parquet_reads_lists_and_paths():
    report = FileReport()
    made = read(
        "parquet",
        FIXTURES / "parquet/threads.parquet",
        report,
        kind="thread",
        fields={"question": "q", "answer": "a", "department": "meta.科室"},
    )
    assert report.encodings == {"threads.parquet": "parquet"}
    assert made == [
        QAThread(
            "threads.parquet#p1", "头痛怎么办", [Answer("休息"), Answer("喝水")], department="内科"
        ),
        Malformed("threads.parquet#p2", "empty_question", "'q' is empty"),
        Malformed("threads.parquet#p3", "empty_question", "'q' is empty"),
    ]


def parquet(path: Path, **columns: list) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_parquet_over_several_row_groups_and_batches(tmp_path):
    texts = [f"第{n}段" for n in range(2500)]
    made = read("parquet", parquet(tmp_path / "a.parquet", text=texts))
    assert [(m.key, m.text) for m in made] == [(f"a.parquet#{n}", t) for n, t in enumerate(texts)]


@pytest.mark.parametrize(
    ("columns", "own", "complaint"),
    [
        ({"body": ["文"]}, {}, r"no column 'text' \(fields\.text\)\. Known: body"),
        ({"text": ["文"]}, {"id": "key"}, r"no column 'key' \(id\)"),
        ({"text": ["文"]}, {"kind": "dialogue"}, r"no column 'messages'"),
        ({"text": pa.array([], pa.string())}, {"fields": {"note": "n"}}, "no column 'n'"),
    ],
)
def test_a_parquet_of_another_schema_is_named(tmp_path, columns, own, complaint):
    with pytest.raises(SourceError, match=r"^a\.parquet: " + complaint) as error:
        read("parquet", parquet(tmp_path / "a.parquet", **columns), **own)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("column", "rule"),
    [
        ([b"\xff\xfe"], "wrong_type"),
        ([{"a": 1}], "wrong_type"),
        ([None], "no_text"),
        ([[]], "no_text"),
        ([7], None),
        ([["甲", "乙"]], None),
    ],
)
def test_columns_of_other_types(tmp_path, column, rule):
    (made,) = read("parquet", parquet(tmp_path / "a.parquet", text=pa.array(column)))
    assert getattr(made, "rule", None) == rule


# --- what unfolds ------------------------------------------------------------------------------

LONG = MAX_RECORD_BYTES + 1


def stored_once(path: Path, text: str, rows: int) -> Path:
    """Write rows of one text, which Parquet stores once."""
    again = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), [text])
    pq.write_table(pa.table({"text": again}), path, compression="zstd")
    assert path.stat().st_size < 100_000
    return path


def test_a_text_that_parquet_stores_once_is_not_unfolded_at_once(tmp_path):
    path = stored_once(tmp_path / "a.parquet", "头" * 2_000_000, 40)  # 240 MB
    before = pa.total_allocated_bytes()
    rows, most = 0, 0
    for record in layout("parquet").read(
        [SourceFile("a.parquet", str(path), path.stat().st_size)], Mapped(), FileReport()
    ):
        rows += len(record.text) == 2_000_000
        most = max(most, pa.total_allocated_bytes() - before)
    assert rows == 40
    assert most < 100_000_000


def test_a_parquet_that_unfolds_beyond_measure_is_refused(tmp_path):
    path = stored_once(tmp_path / "a.parquet", "头" * 2_000_000, 1000)  # 6 GB
    tracemalloc.start()
    with pytest.raises(SourceError, match=r"^a\.parquet: .*taken for a decompression bomb"):
        read("parquet", path)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["短", "长" * (LONG // 3 + 1), "短"]),
        pa.array([["短"], ["长" * (1 << 20)] * 22, ["短"]]),
        pa.array([[{"a": "短"}], [{"a": "长" * (1 << 20)}] * 22, [{"a": "短"}]]),
        pa.array([["短"], [None] * (LONG // 8), ["短"]], pa.list_(pa.string())),
    ],
    ids=["text", "list", "objects", "nulls"],
)
def test_a_row_of_too_many_bytes_is_malformed_and_the_rest_goes_on(tmp_path, column):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": column}), path)
    fields = {"text": "text.a" if "struct" in str(column.type) else "text"}
    first, second, third = read("parquet", path, fields=fields)
    assert (first.text, third.text) == ("短", "短")
    assert (second.key, second.rule) == ("a.parquet#1", "too_long")
    assert f"allowed {MAX_RECORD_BYTES:,}" in second.evidence


def test_a_list_of_too_many_items_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    nulls = pa.ListArray.from_arrays(
        pa.array([0, MAX_LISTED + 1], pa.int32()), pa.nulls(MAX_LISTED + 1, pa.string())
    )
    pq.write_table(pa.table({"text": nulls}), path)
    assert path.stat().st_size < 10_000_000
    with pytest.raises(
        SourceError, match=r"a\.parquet: 'text\.list\.element' has 67,108,865 items"
    ):
        read("parquet", path)


# --- generated -------------------------------------------------------------------------------

GENERATED = [
    Document("甲", "一段。", "题", "tcm", "llm", {"parent": "x-1", "model": "m"}),
    QAThread("乙", "问", [Answer("答", True, False)], "题", "内科", ["热"], "modern", "llm"),
    Dialogue("丙", [Message("user", "问"), Message("assistant", "答")], origin="llm"),
    Dialogue(
        "丁",
        [Message("system", "令"), Message("user", "问")],
        [Answer("好", model="m", score=2.0, rank=0, ratings=[1.0, None]), Answer("坏", rank=1)],
        metadata={"ranked_by": "rm", "judges": "a,b"},
    ),
]
KIND = {Document: "document", QAThread: "thread", Dialogue: "dialogue"}


def test_records_that_were_written_come_back(tmp_path):
    rows = [{"kind": KIND[type(record)], **asdict(record)} for record in GENERATED]
    made = read("generated", write_jsonl(tmp_path / "records.jsonl", rows))
    for record, expected in zip(made, GENERATED, strict=True):
        expected = type(expected)(**vars_of(expected) | {"key": f"records.jsonl#{expected.key}"})
        assert record == expected


def vars_of(record) -> dict:
    return {name: getattr(record, name) for name in record.__slots__}


def test_generated_rows_of_the_fixture():
    made = read("generated", FIXTURES / "generated")
    assert outcome(made) == [
        ("d1", "Document"),
        ("t1", "QAThread"),
        ("c1", "Dialogue"),
        ("c2", "Dialogue"),
        ("x1", "unknown_kind"),
        ("x2", "unknown_role"),
    ]
    assert [m.origin for m in made[:4]] == ["llm"] * 4
    assert [c.ratings for c in made[3].candidates] == [[1.5, 2.0], [-0.5, None]]


GOOD = {"kind": "thread", "question": "问", "answers": [{"text": "答"}]}


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"text": "文"}, "missing_field"),
        ({"kind": "document"}, "missing_field"),
        ({"kind": "document", "text": ["文"]}, "wrong_type"),
        (GOOD | {"answers": "答"}, "wrong_type"),
        (GOOD | {"answers": [{"text": "答", "adopted": "True"}]}, "wrong_type"),
        (GOOD | {"answers": [{"text": "答", "rank": True}]}, "wrong_type"),
        (GOOD | {"answers": [{"text": "答", "good": True}]}, "unknown_field"),
        (GOOD | {"answers": [{"text": "答", "ratings": ["1"]}]}, "bad_score"),
        (GOOD | {"metadata": ["a"]}, "wrong_type"),
        (GOOD | {"department": 7}, "wrong_type"),
        ({"kind": "dialogue", "messages": [{"role": "user"}]}, "missing_field"),
        ({"kind": "dialogue", "messages": ["问"]}, "wrong_type"),
    ],
)
def test_generated_rows_that_are_none(tmp_path, row, rule):
    (made,) = read("generated", write_jsonl(tmp_path / "records.jsonl", [row]))
    assert made.rule == rule


# --- any rows at all -------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["甲", " ", "", "问：乙"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=4,
)
COLUMNS = ("text", "question", "answer", "messages", "kind", "answers", "title", "note", "id")
ROWS = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, VALUES)), max_size=5)
OWN = [
    ("jsonl", {"fields": {"title": "title", "note": "note.a"}}),
    ("jsonl", {"kind": "thread", "fields": {"keyphrases": "note"}}),
    ("jsonl", {"kind": "dialogue", "fields": {"department": "title"}}),
    ("generated", {}),
]


def rows_within(row: dict, shape: Shape | None) -> int:
    """How many rows a row is: several, where it is a table by columns."""
    try:
        return len(rows_of(row, shape, False)) if shape and shape.may_hold_rows(row) else 1
    except RowError:
        return 1


@pytest.mark.parametrize(("key", "own"), OWN)
@settings(max_examples=60, deadline=None)
@given(ROWS)
@example([{"answer": [[], []]}])  # without a question it is no table of two
def test_a_row_becomes_a_record_or_is_told_of(tmp_path_factory, key, own, rows):
    rows = [*rows, dict.fromkeys(COLUMNS)]  # each column is there once
    path = write_jsonl(tmp_path_factory.mktemp("rows") / "a.jsonl", rows)
    made = read(key, path, **own)
    options = layout(key).options(own)
    shape = options.shape() if isinstance(options, Mapped) else None
    assert len(made) == sum(rows_within(row, shape) for row in rows)
    assert all(m.rule and m.evidence for m in made if isinstance(m, Malformed))

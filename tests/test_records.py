"""Records as Arrow batches: leaves there and back, code points, bounds, stable ids."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimed_datasets import records
from chimed_datasets.records import (
    KINDS,
    SCHEMAS,
    Answer,
    Batch,
    Codepoints,
    Dialogue,
    Document,
    ExamItem,
    Message,
    Option,
    QAThread,
    TextField,
)
from tests.common.stages import COMMON

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
OPTIONAL = st.none() | TEXT
META = st.dictionaries(TEXT, TEXT, max_size=3)
ANSWER = st.builds(
    Answer,
    TEXT,
    adopted=st.none() | st.booleans(),
    author=OPTIONAL,
    score=st.none() | st.floats(allow_nan=False),
    rank=st.none() | st.integers(0, 9),
)
LABELS = {"department": OPTIONAL, "keyphrases": st.lists(TEXT, max_size=3), "metadata": META}
MESSAGE = st.builds(Message, st.sampled_from(records.ROLES), TEXT)
RECORDS = {
    "document": st.builds(Document, TEXT, TEXT, title=OPTIONAL, metadata=META),
    "thread": st.builds(
        QAThread, TEXT, TEXT, st.lists(ANSWER, max_size=3), title=OPTIONAL, **LABELS
    ),
    "dialogue": st.builds(
        Dialogue,
        TEXT,
        st.lists(MESSAGE, max_size=4),
        candidates=st.lists(ANSWER, max_size=3),
        **LABELS,
    ),
    "exam": st.builds(
        ExamItem,
        TEXT,
        TEXT,
        st.lists(st.builds(Option, st.sampled_from("ABCDE"), TEXT), max_size=4),
        st.lists(st.sampled_from("ABCDE"), max_size=2),
        **dict.fromkeys(("shared_stem", "explanation", "type", "subject"), OPTIONAL),
        year=st.none() | st.integers(1900, 2100),
        has_image=st.booleans(),
        **LABELS,
    ),
}


@st.composite
def batches(draw) -> pa.RecordBatch:
    """A batch of any kind, as made or as a slice, a filter or a take leaves it."""
    kind = draw(st.sampled_from(KINDS))
    some = draw(st.lists(RECORDS[kind], min_size=1, max_size=6))
    batch = records.to_batch(some, **COMMON)
    n = batch.num_rows
    how = draw(st.sampled_from(["whole", "slice", "filter", "take"]))
    if how == "slice":
        start = draw(st.integers(0, n))
        batch = batch.slice(start, draw(st.integers(0, n - start)))
    elif how == "filter":
        batch = batch.filter(pa.array(draw(st.lists(st.booleans(), min_size=n, max_size=n))))
    elif how == "take":
        rows = st.lists(st.integers(0, n - 1), max_size=6)
        batch = batch.take(pa.array(draw(rows), pa.int64()))
    return batch


# --- leaves --------------------------------------------------------------------------------------


@given(batches())
def test_leaves_come_back_where_they_were(batch):
    leaf = Batch(batch).leaves
    assert len(leaf.texts) == len(leaf.row) == len(leaf.field)
    again = Batch(batch).with_texts(leaf.texts).table
    again.validate(full=True)
    assert again.schema == SCHEMAS[records.kind_of(batch)]
    assert again.to_pylist() == batch.to_pylist()


@given(batches())
def test_new_leaves_change_texts_and_nothing_else(batch):
    leaf = Batch(batch).leaves
    marked = [None if t is None else f"{t}-{i}" for i, t in enumerate(leaf.texts.to_pylist())]
    changed = Batch(batch).with_texts(pa.array(marked, pa.string())).table
    changed.validate(full=True)
    back = Batch(changed).leaves
    assert back.texts.to_pylist() == marked
    assert back.row.tolist() == leaf.row.tolist()
    for name in ("id", "source", "key", "domain", "origin", "license"):
        assert changed[name].equals(batch[name])
    for old, new in zip(batch.to_pylist(), changed.to_pylist(), strict=True):
        for column in ("answers", "candidates"):
            pairs = zip(old.get(column, ()), new.get(column, ()), strict=True)
            assert all({**a, "text": 0} == {**b, "text": 0} for a, b in pairs)
        pairs = zip(old.get("messages", ()), new.get("messages", ()), strict=True)
        assert all(a["role"] == b["role"] for a, b in pairs)


@given(batches(), st.data())
def test_what_a_batch_takes_over_is_what_a_look_at_it_finds(table, data):
    """Texts change, records go and answers go, in any order, with the code points known or not."""
    batch = Batch(table)
    for _ in range(data.draw(st.integers(1, 4))):
        old = batch.leaves.texts
        known = data.draw(st.sets(st.sampled_from(["points", "compared"])))
        for name in sorted(known):
            getattr(batch, name)
        change = data.draw(st.sampled_from(["texts", "leaves", "rows", "items"]))
        column = {"thread": "answers", "dialogue": "candidates"}.get(batch.kind)
        if change == "leaves":
            valid = np.flatnonzero(old.is_valid().to_numpy(zero_copy_only=False))
            at = np.array([i for i in valid.tolist() if data.draw(st.booleans())], np.int64)
            new = pa.array([data.draw(TEXT) for _ in at], pa.string())
            rows = st.sets(st.integers(0, batch.num_rows - 1)) if batch.num_rows else st.just(set())
            gone = data.draw(rows)
            expected = old.to_pylist()
            for i, text in zip(at.tolist(), new.to_pylist(), strict=True):
                expected[i] = text
            of_row = batch.leaves.row.tolist()
            batch = batch.with_leaves(at, records.codepoints(new), gone)
            left = [text for text, row in zip(expected, of_row, strict=True) if row not in gone]
            assert batch.leaves.texts.to_pylist() == left
        elif change == "rows" and batch.num_rows:
            batch = batch.without(data.draw(st.sets(st.integers(0, batch.num_rows - 1))))
        elif change == "items" and column:
            n = sum(map(len, batch.table[column].to_pylist()))
            keep = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
            batch = batch.keep_items(column, np.array(keep, bool))
        else:
            texts = [
                text if text is None else data.draw(st.just(text) | TEXT)
                for text in old.to_pylist()
            ]
            batch = batch.with_texts(pa.array(texts, pa.string()))
        fresh = Batch(batch.table)
        assert batch.leaves.texts.equals(fresh.leaves.texts)
        np.testing.assert_array_equal(batch.leaves.row, fresh.leaves.row)
        np.testing.assert_array_equal(batch.leaves.field, fresh.leaves.field)
        for name in ("points", "compared"):
            for one, other in zip(getattr(batch, name), getattr(fresh, name), strict=True):
                np.testing.assert_array_equal(one, other)
                assert one.dtype == other.dtype


@pytest.mark.parametrize("kind", KINDS)
def test_leaves_of_an_empty_batch(kind):
    batch = pa.RecordBatch.from_pylist([], schema=SCHEMAS[kind])
    leaf = Batch(batch).leaves
    assert (len(leaf.texts), len(leaf.row), len(leaf.field)) == (0, 0, 0)
    assert Batch(batch).with_texts(leaf.texts).table.equals(batch)


def test_leaves_know_their_row_and_field():
    threads = [
        QAThread("a", "问", [Answer("答一"), Answer("答二")], title="题", keyphrases=["词"]),
        QAThread("b", "再问", [], department="内科", metadata={"城市": "北京"}),
    ]
    leaf = Batch(records.to_batch(threads, **COMMON)).leaves
    found = [
        (text, int(row), TextField(field).column)
        for text, row, field in zip(leaf.texts.to_pylist(), leaf.row, leaf.field, strict=True)
        if text is not None
    ]
    assert found == [
        ("问", 0, "question"),
        ("再问", 1, "question"),
        ("答一", 0, "answers"),
        ("答二", 0, "answers"),
        ("题", 0, "title"),
        ("内科", 1, "label"),
        ("词", 0, "label"),
        ("北京", 1, "metadata"),
    ]
    assert leaf.body.sum() == 4


# --- single items --------------------------------------------------------------------------------


@given(batches(), st.data())
def test_keep_items_takes_out_single_answers(batch, data):
    column = {"thread": "answers", "dialogue": "candidates"}.get(records.kind_of(batch))
    if column is None:
        return
    lists = batch[column].to_pylist()
    n = sum(map(len, lists))
    keep = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    fewer = Batch(batch).keep_items(column, np.array(keep, bool)).table
    fewer.validate(full=True)
    flags = iter(keep)
    assert fewer[column].to_pylist() == [[a for a in row if next(flags)] for row in lists]
    assert fewer.drop_columns([column]).equals(batch.drop_columns([column]))


# --- code points ---------------------------------------------------------------------------------


@given(st.lists(st.none() | TEXT), st.integers(0, 3))
def test_code_points_there_and_back(texts, start):
    array = pa.array(texts, pa.string()).slice(min(start, len(texts)))
    text = records.codepoints(array)
    told = [t or "" for t in array.to_pylist()]
    assert text.points.dtype == np.uint32
    assert "".join(map(chr, text.points)) == "".join(told)
    assert text.offsets.tolist() == [0, *np.cumsum([len(t) for t in told]).tolist()]
    back = records.from_codepoints(text)
    back.validate(full=True)
    assert back.to_pylist() == told


def test_code_points_under_a_null_do_not_count():
    hidden = pa.StringArray.from_buffers(
        2, pa.py_buffer(np.array([0, 3, 6], np.int32)), pa.py_buffer("痛热".encode())
    )
    nulled = pc.if_else(pa.array([True, None]), hidden, None)
    text = records.codepoints(nulled)
    assert (text.points.tolist(), text.offsets.tolist()) == ([ord("痛")], [0, 1, 1])


@given(st.lists(st.lists(st.integers(0, 9), max_size=4)))
def test_sums_per_text(groups):
    offsets = np.cumsum([0, *map(len, groups)])
    values = np.array([v for g in groups for v in g], np.uint8)
    assert records.sums(values, offsets).tolist() == [sum(g) for g in groups]
    assert records.sums(values > 4, offsets).tolist() == [sum(v > 4 for v in g) for g in groups]


def test_no_texts_have_no_code_points():
    text = records.codepoints(pa.array([], pa.string()))
    assert records.from_codepoints(text).to_pylist() == []
    assert records.from_codepoints(Codepoints(text.points, np.zeros(3, np.int64))).to_pylist() == [
        "",
        "",
    ]


# --- to_batch and batches ------------------------------------------------------------------------


def test_to_batch_fills_in_what_a_record_leaves_out():
    some = [Document("a", "文"), Document("b", "文", domain="tcm", origin="llm")]
    batch = records.to_batch(some, **COMMON)
    assert batch["domain"].to_pylist() == ["modern", "tcm"]
    assert batch["origin"].to_pylist() == ["human", "llm"]
    assert batch["license"].to_pylist() == ["cc0", "cc0"]
    assert batch["id"].to_pylist() == [records.record_id("s", "a"), records.record_id("s", "b")]


def test_to_batch_keeps_no_author_and_nothing_empty():
    thread = QAThread(
        "a",
        "问",
        [Answer("答", author="张医生")],
        title="",
        keyphrases=["", "词"],
        metadata={"x": ""},
    )
    row = records.to_batch([thread], **COMMON).to_pylist()[0]
    assert row["answers"][0]["author"] == records.pseudonym("张医生") != "张医生"
    assert (row["title"], row["keyphrases"], row["metadata"]) == (None, ["词"], [])


@pytest.mark.parametrize(
    ("given_", "stored"), [("头\ud83d痛", "头\ufffd痛"), ("\ud83d\ude0a", "😊")]
)
def test_lone_surrogates_become_replacement_characters(given_, stored):
    thread = QAThread(given_, given_, [Answer(given_)], title=given_, metadata={given_: given_})
    row = records.to_batch([thread], **COMMON).to_pylist()[0]
    assert row["question"] == row["title"] == row["key"] == row["answers"][0]["text"] == stored
    assert row["metadata"] == [(stored, stored)]


def test_batches_are_bounded_and_keep_order():
    some = [Document(str(i), "字" * 10) for i in range(25)]
    found = list(records.batches(some, max_rows=10, **COMMON))
    assert [b.num_rows for b in found] == [10, 10, 5]
    assert [k for b in found for k in b["key"].to_pylist()] == [str(i) for i in range(25)]
    assert [b.num_rows for b in records.batches(some, max_chars=40, **COMMON)] == [4] * 6 + [1]


def test_a_long_record_ends_its_batch():
    some = [Document("a", "字"), Document("long", "字" * 100), Document("b", "字")]
    found = list(records.batches(some, max_chars=50, **COMMON))
    assert [b["key"].to_pylist() for b in found] == [["a", "long"], ["b"]]


def test_batches_hold_one_kind_each():
    dialogue = Dialogue("d", [Message("user", "问")], [Answer("甲"), Answer("乙乙")])
    some = [Document("a", "文"), QAThread("t", "问", [Answer("答")]), dialogue, Document("b", "文")]
    found = list(records.batches(some, **COMMON))
    assert [records.kind_of(b) for b in found] == ["document", "thread", "dialogue"]
    assert [records.kind_of(r) for r in some] == ["document", "thread", "dialogue", "document"]
    assert [records.num_chars(r) for r in some] == [1, 2, 4, 1]
    assert list(records.batches([], **COMMON)) == []


# --- ids -----------------------------------------------------------------------------------------


def test_ids_are_stable_and_depend_on_source_and_key():
    assert records.record_id("qa", "a.csv#1") == "qa-057b24b0d7818c137502"  # as published
    ids = {
        records.record_id(s, k)
        for s, k in [("qa", "1"), ("qa", "2"), ("q", "a1"), ("qa1", ""), ("qa", "\ud800")]
    }
    assert len(ids) == 5
    assert all(i.rsplit("-", 1)[1].isalnum() and len(i.rsplit("-", 1)[1]) == 20 for i in ids)


def test_pseudonyms_are_equal_for_equal_names_alone():
    assert records.pseudonym(None) is None
    assert records.pseudonym("") is None
    assert records.pseudonym("甲") == records.pseudonym("甲") != records.pseudonym("乙")

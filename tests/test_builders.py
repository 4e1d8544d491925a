"""Builders: what is made column by column is what `to_row` makes, record by record."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from chimed_datasets import records
from chimed_datasets.records import Answer, Dialogue, Document, Message, QAThread
from chimed_datasets.rows import Refusal, builder_settings, builders
from chimed_datasets.rows.labels import labelled
from tests.common.stages import COMMON

DRAW = random.Random(7)
MARKS = (None, False, True)


def some(values):
    return DRAW.choice(values)


def answers(most):
    return [
        Answer(f"答{n}。" * n, some(MARKS), some(MARKS), score=some((None, 1.0)))
        for n in range(DRAW.randrange(1, most + 1))
    ]


def documents():
    return [
        Document(
            str(n),
            "头痛，发热。" * n,
            some((None, f"题{n}")),
            metadata={"book": "甲"} if n % 2 else {},
        )
        for n in range(1, 30)
    ]


def threads():
    return [
        QAThread(
            str(n),
            some(("头痛怎么办？", "题目", "")),
            answers(4) if n else [Answer("答")],
            some((None, "题目", "头痛")),
            some((None, "内科")),
            some(([], ["头痛", "发热"])),
            origin=some(("human", "llm")),
        )
        for n in range(60)
    ]


def dialogues():
    turns = [Message("user", "你好"), Message("assistant", "您好"), Message("user", "头痛")]
    return [
        Dialogue(str(n), turns[: some((2, 3))], some(([], answers(3))), some((None, "外科")))
        for n in range(40)
    ]


def one_by_one(builder, batch, settings):
    rows, refused = [], []
    for number, record in enumerate(labelled(batch)):
        for made in builder.to_row(record, settings, None):
            (refused if isinstance(made, Refusal) else rows).append((number, made))
    return rows, refused


@pytest.mark.parametrize("name", ["pretrain", "sft"])
@pytest.mark.parametrize("make", [documents, threads, dialogues])
@pytest.mark.parametrize("given", [{}, {"sft": {"answers": "all"}}])
def test_by_columns_as_by_row(name, make, given):
    builder, settings = builders()[name], builder_settings(given)[name]
    whole = records.to_batch(make(), **COMMON)
    if records.kind_of(whole) not in builder.kinds:
        return
    schema = builder.features.arrow_schema
    for batch in (whole, whole.slice(5, 11), whole.slice(3, 0)):
        found = builder.to_table(batch, settings)
        rows, refused = one_by_one(builder, batch, settings)
        if found is None:
            assert len(batch) == 0
            continue
        expected = pa.Table.from_pylist([row for _, row in rows], schema)
        assert found.table.to_pylist() == expected.to_pylist()
        assert found.table.schema == schema
        assert found.record.tolist() == [number for number, _ in rows]
        assert found.refused == refused


def test_what_needs_a_row_by_row_look_says_so():
    batch = records.to_batch(documents(), **COMMON)
    builder = builders()["pretrain"]
    settings = builder_settings({"pretrain": {"title_in_text": True}})["pretrain"]
    assert builder.to_table(batch, settings) is None


@pytest.mark.parametrize("make", [threads, dialogues])
def test_what_is_sifted_out_gives_no_row(make):
    builder, settings = builders()["preference"], builder_settings({})["preference"]
    batch = records.to_batch(make(), **COMMON)
    found = builder.sift(batch, settings)
    assert 5 < len(found) < len(batch)
    _, refused = one_by_one(builder, batch, settings)
    assert found == {row: why for row, why in refused if row in found}

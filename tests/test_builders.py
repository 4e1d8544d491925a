"""Builders: what is made column by column is what `to_row` makes, record by record."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given as given_one
from hypothesis import strategies as st

from chimed_datasets import records
from chimed_datasets.building.store import Segment, Store
from chimed_datasets.building.write import WriteContext, config_rows
from chimed_datasets.records import Answer, Dialogue, Document, Message, QAThread
from chimed_datasets.rows import Refusal, builder_settings, builders
from chimed_datasets.rows.labels import labelled
from chimed_datasets.rows.pairs import figures
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


def chapters():
    """Documents that all have one pair of metadata."""
    texts = ["头痛，发热。", "题\n", "题目\n头痛"]
    return [
        Document(
            str(n), DRAW.choice(texts), some((None, "题", "题目")), metadata={"book": f"{n % 3}"}
        )
        for n in range(20)
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
@pytest.mark.parametrize("make", [documents, chapters, threads, dialogues])
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


TITLES = [None, "", "巴戟天", "味辛", "味"]


@pytest.mark.parametrize("domain", ["tcm", "modern", None])
@pytest.mark.parametrize("setting", ["classics", True, False])
def test_a_classic_names_what_it_is_on(domain, setting):
    """By default the title stands before the texts of classics; those of others stay as they are."""
    texts = ["味辛，微温。𠀀", "", "巴戟天味辛。"]
    made = [Document(f"{k}-{n}", x, t) for k, t in enumerate(TITLES) for n, x in enumerate(texts)]
    batch = records.to_batch(made, **{**COMMON, "domain": domain})
    builder = builders()["pretrain"]
    settings = builder_settings({"pretrain": {"title_in_text": setting}})["pretrain"]
    if setting == "classics":
        assert settings == builder_settings({})["pretrain"]
    titled = setting is True or (setting == "classics" and domain == "tcm")
    rows = [row for _, row in one_by_one(builder, batch, settings)[0]]
    for row, one in zip(rows, made, strict=True):
        named = titled and one.title and not one.text.startswith(one.title)
        assert row["text"] == (f"{one.title}\n{one.text}" if named else one.text)
        assert row["num_chars"] == len(row["text"])
    found = builder.to_table(batch, settings)
    if setting is not True:
        assert found.table == pa.Table.from_pylist(rows, builder.features.arrow_schema)


def test_modern_documents_are_the_same_bytes_with_and_without_titles_of_classics():
    builder = builders()["pretrain"]
    batch = records.to_batch(documents(), **{**COMMON, "domain": "modern"})
    tables = [
        builder.to_table(batch, builder_settings({"pretrain": {"title_in_text": one}})["pretrain"])
        for one in ("classics", False)
    ]
    assert tables[0].table.equals(tables[1].table)


@pytest.mark.parametrize("make", [threads, dialogues])
def test_what_is_sifted_out_gives_no_row(make):
    builder, settings = builders()["preference"], builder_settings({})["preference"]
    batch = records.to_batch(make(), **COMMON)
    found = builder.sift(batch, settings)
    assert 5 < len(found) < len(batch)
    _, refused = one_by_one(builder, batch, settings)
    assert found == {row: why for row, why in refused if row in found}


# --- pairs of which only the ranks are known --------------------------------------------------

RANKED = [Answer("多喝水。", rank=0), Answer("捂一捂𠀀", rank=1)]
ASKED = [Message("user", "头痛怎么办？")]


def ranked(n, replies=RANKED, messages=ASKED, **given):
    return Dialogue(str(n), list(messages), list(replies), **given)


PLAIN = {
    "the first is better": {},
    "the second is better": {"replies": [Answer("甲", rank=7), Answer("乙乙", rank=2)]},
    "it has a department": {"department": "内科"},
    "an empty department": {"department": ""},
    "an LLM wrote it": {"origin": "llm"},
    "many turns": {"messages": [*ASKED, Message("assistant", "多久了？"), Message("user", "三天")]},
    "marks that rank no candidates": {
        "replies": [
            Answer("甲", adopted=True, recommended=False, author="张", rank=2),
            Answer("乙", adopted=True, recommended=True, rank=1),
        ]
    },
    "metadata": {"metadata": {"book": "甲", "judges": "a, b"}},
}
NOT_PLAIN = {
    "one reply": {"replies": RANKED[:1]},
    "no reply": {"replies": []},
    "three replies": {"replies": [*RANKED, Answer("丙", rank=2)]},
    "equal ranks": {"replies": [Answer("甲", rank=1), Answer("乙", rank=1)]},
    "equal texts": {"replies": [Answer("甲", rank=1), Answer("甲", rank=2)]},
    "one rank": {"replies": [Answer("甲", rank=1), Answer("乙")]},
    "scores": {"replies": [Answer("甲", rank=1, score=0.0), Answer("乙", rank=2, score=1.0)]},
    "one score": {"replies": [Answer("甲", rank=1, score=0.5), Answer("乙", rank=2)]},
    "ratings": {"replies": [Answer("甲", rank=1, ratings=[1.0]), Answer("乙", ratings=[2.0])]},
    "a model": {"replies": [Answer("甲", rank=1, model="m"), Answer("乙", rank=2)]},
    "a trace of a reply": {
        "replies": [Answer("甲", rank=1, reasoning_content="想。"), Answer("乙", rank=2)]
    },
    "a trace in what was said": {
        "messages": [*ASKED, Message("assistant", "多久？", "想。"), Message("user", "三天")]
    },
    "the assistant speaks last": {"messages": [*ASKED, Message("assistant", "多喝水。")]},
    "judged by a model": {"metadata": {"ranked_by": "llm", "judges": "a"}},
}


def row_by_row(batch, settings, choice):
    """Return the rows, the record of each, and the refusals, as `to_row` makes them."""
    rows, record, refused = [], [], []
    for number, made in enumerate(labelled(batch)):
        for one in builders()["preference"].to_row(made, settings, choice):
            if isinstance(one, Refusal):
                refused.append((number, one))
            else:
                rows.append(one)
                record.append(number)
    return rows, record, refused


def setting(**given):
    return builder_settings({"preference": given})["preference"]


@pytest.mark.parametrize("name", [*PLAIN, *NOT_PLAIN])
def test_which_pairs_are_made_by_columns(name):
    given = (PLAIN | NOT_PLAIN)[name]
    builder, settings = builders()["preference"], setting()
    whole = records.to_batch([ranked(n, **given) for n in range(3)], **COMMON)
    batch = whole.slice(1, 2)
    offered = builder.survey(batch, np.zeros(2, np.int8), settings)
    assert offered.tolist() == figures(labelled(batch), [0, 0], settings).tolist()
    choice = builder.choose([offered], settings)
    found = builder.to_table(batch, settings, choice)
    if name in NOT_PLAIN:
        assert found is None
        return
    rows, record, refused = row_by_row(batch, settings, choice)
    schema = builder.features.arrow_schema
    assert found.table.schema == schema
    assert found.table.to_pylist() == pa.Table.from_pylist(rows, schema).to_pylist()
    assert (found.record.tolist(), found.refused, found.left.tolist()) == (record, refused, [])


@pytest.mark.parametrize(
    "origins", [{"scored": None}, {"ranked": None, "corrupted": None}, {"corrupted": None}]
)
def test_no_pair_is_made_by_columns_where_more_than_ranks_may_make_one(origins):
    builder, settings = builders()["preference"], setting(origins=origins)
    batch = records.to_batch([ranked(n) for n in range(3)], **COMMON)
    choice = builder.choose([builder.survey(batch, np.zeros(3, np.int8), settings)], settings)
    assert builder.to_table(batch, settings, choice) is None


SETTINGS = [
    {},
    {"origins": {"ranked": {"limit": 3}}},
    {"origins": {"doctor_vs_model": None, "ranked": {"trim": [20, 20]}, "llm_ranked": None}},
    {"balance_length": True},
    {"pairs": "best_worst", "reasoning": "keep"},
]


@given_one(
    cases=st.lists(st.sampled_from([*PLAIN.values(), *NOT_PLAIN.values()]), min_size=1, max_size=9),
    settings=st.sampled_from(SETTINGS).map(lambda given: setting(**given)),
)
def test_pairs_by_columns_and_row_by_row_make_a_build_together(cases, settings):
    builder = builders()["preference"]
    batch = records.to_batch([ranked(n, **one) for n, one in enumerate(cases)], **COMMON)
    splits = np.arange(len(batch), dtype=np.int8) % 3
    offered = builder.survey(batch, splits, settings)
    expected = figures(labelled(batch), splits.tolist(), settings)
    assert sorted(offered.tolist()) == sorted(expected.tolist())
    choice = builder.choose([offered], settings)
    rows, record, refused = row_by_row(batch, settings, choice)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "records.arrow"
        with pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_batch(batch)
        store = Store((Segment(file, "dialogue", (len(batch),)),))
        context = WriteContext(
            store, np.zeros(0), Path(folder), "", {"preference": settings},
            {"preference": choice}, 0.0,
        )  # fmt: skip
        ((where, found),) = config_rows(builder, context, np.arange(len(batch)))
    assert where.tolist() == list(range(len(batch)))
    table = pa.Table.from_pylist(rows, builder.features.arrow_schema)
    assert found.table.to_pylist() == table.to_pylist()
    assert (found.record.tolist(), found.refused) == (record, refused)

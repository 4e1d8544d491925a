"""Spans of a guest: what becomes of them in a batch and in an array, and which are refused."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimed_datasets.errors import ChimedError
from chimed_datasets.records import Answer, Batch, QAThread, ledger
from chimed_datasets.stages.mask import PLACEHOLDERS, Span, find, mask_text
from chimed_datasets.stages.text.spans import masked_by, masked_texts, replaced
from tests.common.stages import batch_of

NAMES = {"name": "[姓名]", "place": "[地名]"}


def fixed(*lists: list):
    """A guest that answers what it was told to."""
    return lambda texts: list(lists)


def look_up(words: dict[str, str]):
    """A guest that finds words: word -> type."""

    def spans(texts: list[str]) -> list[list[Span]]:
        found = []
        for text in texts:
            places = [(text.find(word), word) for word in words]
            found.append(sorted(Span(at, at + len(w), words[w]) for at, w in places if at >= 0))
        return found

    return spans


def test_every_text_of_a_record_is_masked():
    thread = QAThread(
        "0",
        "李四头痛怎么办？",
        [Answer("李四多休息。"), Answer("来江城看。")],
        title="李四",
        department="江城内科",
        keyphrases=["李四"],
        metadata={"by": "李四"},
    )
    result = masked_by(
        Batch(batch_of(thread)), "names", look_up({"李四": "name", "江城": "place"}), NAMES
    )
    (row,) = result.batch.table.to_pylist()
    assert row["question"] == "[姓名]头痛怎么办？"
    assert [answer["text"] for answer in row["answers"]] == ["[姓名]多休息。", "来[地名]看。"]
    assert (row["title"], row["department"], row["keyphrases"]) == (
        "[姓名]",
        "[地名]内科",
        ["[姓名]"],
    )
    assert dict(row["metadata"]) == {"by": "[姓名]"}
    assert result.counts == {"name": 5, "place": 2}
    assert result.drops.num_rows == 0
    assert result.drops.schema == ledger.SCHEMA


def test_the_points_of_the_batch_follow_its_texts():
    batch = Batch(batch_of("李四来了", "无人"))
    assert len(batch.points.points) == 6
    new = masked_by(batch, "names", look_up({"李四": "name"}), NAMES).batch
    fresh = Batch(new.table).points
    assert np.array_equal(new.points.points, fresh.points)
    assert np.array_equal(new.points.offsets, fresh.offsets)


def test_nothing_found_leaves_the_batch_as_it_is():
    batch = Batch(batch_of("感冒", "发热"))
    result = masked_by(batch, "names", fixed([], []), NAMES)
    assert result.batch is batch
    assert result.counts == {}


def test_nulls_and_empty_texts_are_not_shown_to_the_guest():
    seen = []

    def guest(texts: list[str]) -> list[list[Span]]:
        seen.append(texts)
        return [[Span(0, 1, "name")] for _ in texts]

    texts, counts = masked_texts(pa.array([None, "甲乙", "", None, "丙"]), "names", guest, NAMES)
    assert texts.to_pylist() == [None, "[姓名]乙", "", None, "[姓名]"]
    assert counts == {"name": 2}
    assert seen == [["甲乙", "丙"]]
    assert masked_texts(pa.array([None, ""], pa.string()), "names", guest, NAMES)[1] == {}
    assert len(seen) == 1


def test_offsets_count_code_points():
    text = "𠮷😀张三e\u0301"
    texts, _ = masked_texts(pa.array([text]), "names", fixed([Span(2, 4, "name")]), NAMES)
    assert texts.to_pylist() == ["𠮷😀[姓名]e\u0301"]


def test_spans_may_be_plain_tuples_and_numbers_of_numpy():
    given_ = np.array([[0, 1], [1, 2]])
    spans = [(*pair, "name") for pair in given_] + [[2, 3, "place"]]
    texts, counts = masked_texts(pa.array(["甲乙丙丁"]), "names", fixed(iter(spans)), NAMES)
    assert texts.to_pylist() == ["[姓名][姓名][地名]丁"]
    assert counts == {"name": 2, "place": 1}


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([Span(2, 2, "name")], "the span 2:2 is empty; it must end after its start."),
        ([Span(3, 1, "name")], "the span 3:1 is empty"),
        ([Span(-1, 1, "name")], "the span -1:1 is outside of the text, which has 4 characters."),
        ([Span(2, 5, "name")], "the span 2:5 is outside of the text"),
        ([Span(0, 2, "name"), Span(1, 3, "place")], "the span 1:3 overlaps the one before it, 0:2"),
        ([Span(0, 2, "name"), Span(0, 2, "name")], "the span 0:2 overlaps the one before it, 0:2"),
        ([Span(2, 3, "name"), Span(0, 1, "name")], "sort the spans by their start."),
        ([Span(0, 1, "nmae")], "a type without a placeholder, 'nmae'. Did you mean 'name'?"),
        ([(0, 1)], "expected a span (start, end, type), got tuple of 2."),
        ([{"word": "甲乙丙丁"}], "expected a span (start, end, type), got dict."),
        ([(0.0, 1, "name")], "a span is (int, int, str), got (float, int, str)."),
        ([(0, True, "name")], "got (int, bool, str)."),
        ([(0, 1, None)], "got (int, int, NoneType)."),
        (None, "expected a list of spans, got NoneType."),
        ("甲乙", "expected a list of spans, got str."),
    ],
)
def test_what_cannot_be_masked_is_told_in_one_line(spans, said):
    thread = QAThread("qa.csv#7", "你好", [Answer("甲乙丙丁")])
    with pytest.raises(ChimedError) as raised:
        masked_by(Batch(batch_of(thread)), "names", fixed([], spans), NAMES)
    message = str(raised.value)
    assert message.startswith("names: record qa.csv#7, answers: ")
    assert said in message
    assert "\n" not in message
    assert "甲" not in message  # what was to be masked is not repeated
    assert (raised.value.source, raised.value.key) == ("s", "qa.csv#7")
    assert raised.value.stage == "names"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([[]], "names: got lists of spans for 1 of 2 texts"),
        ([[], [], []], "names: got lists of spans for 3 of 2 texts"),
        (None, "names: expected a list of spans for each text, got NoneType."),
    ],
)
def test_one_list_for_each_text(answer, said):
    with pytest.raises(ChimedError, match=said):
        masked_texts(pa.array(["甲", "乙"]), "names", lambda texts: answer, NAMES)


def test_an_array_is_told_by_the_place_in_it():
    with pytest.raises(ChimedError, match="names: record 2, text: the span 0:9 is outside"):
        masked_texts(pa.array(["甲", None, "乙"]), "names", fixed([], [(0, 9, "name")]), NAMES)


@st.composite
def texts_with_spans(draw):
    """A text and spans of it: ascending, apart, some of them side by side."""
    text = draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    pairs = [pair for pair in pairwise(cuts) if draw(st.booleans())]
    return text, [Span(*pair, draw(st.sampled_from(sorted(NAMES)))) for pair in pairs]


@given(st.lists(st.none() | texts_with_spans(), max_size=6))
def test_what_lies_between_the_spans_stays(cases):
    full = [case for case in cases if case]
    texts = pa.array([case and case[0] for case in cases], pa.string())
    new, counts = masked_texts(texts, "names", fixed(*(spans for _, spans in full)), NAMES)
    expected = []
    for case in cases:
        if not case:
            expected.append(None)
            continue
        text, spans = case
        kinds = {i: span for span in spans for i in range(span.start, span.end)}
        starts = {span.start: NAMES[span.type] for span in spans}
        expected.append("".join(starts.get(i, "" if i in kinds else c) for i, c in enumerate(text)))
    assert new.to_pylist() == expected
    assert sum(counts.values()) == sum(len(spans) for _, spans in full)


@given(st.lists(st.sampled_from(["甲", "13912345678", "，", "a@b.com", "QQ：12345678", "😀"])))
def test_the_built_in_types_are_a_guest_like_any_other(parts):
    text = "".join(parts)
    once = replaced(text, find(text), PLACEHOLDERS)
    texts, _ = masked_texts(
        pa.array([text]), "mask", lambda found: [find(one) for one in found], PLACEHOLDERS
    )
    assert texts.to_pylist() == [once]
    assert mask_text(once)[0] == mask_text(text)[0]

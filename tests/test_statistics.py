"""Statistics: what is counted, that tallies add up in any order, and words from a sample."""

from __future__ import annotations

import json
import random
import re
import sys
import unicodedata
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chimed_datasets.built import statistics
from chimed_datasets.built.statistics import (
    LENGTH_EDGES,
    count_han,
    finish,
    merge,
    row_texts,
    segmenter,
    tally,
)
from chimed_datasets.stages.filter import HAN, kind_table

SENTENCES = (
    "太阳之为病，脉浮，头项强痛而恶寒。",
    "患者反复咳嗽三个月，夜间加重，痰白而稀，服用头孢克洛250毫克每日三次后未见好转。",
    "高血压病人要少吃盐，每天不超过6克，并按时服药、定期测量血压。",
    "当归、川芎、白芍、熟地黄各9克，水煎服，每日一剂。",
    "胃镜检查提示慢性浅表性胃炎，幽门螺杆菌阳性，建议四联疗法14天。",
    "儿童发热超过38.5℃可口服布洛芬混悬液，间隔6至8小时。",
)


def document(number: int, text: str, **more: object) -> dict:
    return {"id": f"s-{number:016x}", "text": text, "domain": "tcm", "source": "s", **more}


def documents(n: int) -> list[dict]:
    draw = random.Random(1)
    return [document(i, "".join(draw.choices(SENTENCES, k=draw.randint(1, 5)))) for i in range(n)]


@pytest.fixture
def segmenter_anew():
    segmenter.cache_clear()
    yield
    segmenter.cache_clear()


# --- characters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("头痛3天，T 38.5℃。", 3),
        ("㐀䶵", 2),
        ("𠮷野家", 3),
        ("二〇二四年", 5),
        ("\uf979\ufa11", 2),
        ("䷀䷁乾坤", 2),  # hexagrams are signs
        ("カタカナ한글abc、（）", 0),
    ],
)
def test_han_characters(text, count):
    assert count_han(text) == count


def test_han_characters_are_those_of_the_filter():
    """Every code point of Unicode: what the filter takes for Chinese is counted, nothing else."""
    kinds = kind_table()
    points = np.flatnonzero(np.arange(0x110000) // 0x800 != 0xD800 // 0x800)
    han = points[kinds[points] == HAN]
    other = points[kinds[points] != HAN]
    assert count_han("".join(map(chr, han))) == len(han) > 90_000
    assert count_han("".join(map(chr, other))) == 0
    named = [c for c in map(chr, other) if unicodedata.name(c, "").startswith("CJK UNIFIED")]
    assert named == []


def test_texts_of_each_config():
    messages = [{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}]
    answer = [{"role": "assistant", "content": "好"}]
    assert row_texts({"text": "正文"}) == ["正文"]
    assert row_texts({"messages": messages}) == ["问", "答"]
    row = {"prompt": messages, "chosen": answer, "rejected": messages[1:]}
    assert row_texts(row) == ["问", "答", "好", "答"]


# --- words ---------------------------------------------------------------------------------------


def test_words_are_those_of_jieba(segmenter_anew, monkeypatch):
    rows = documents(60)
    with_rjieba = tally(rows, 1)
    one = segmenter()
    segmenter.cache_clear()
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with_jieba = tally(rows, 1)
    assert segmenter().__module__ == "jieba" != one.__module__
    assert with_rjieba == with_jieba  # they part at figures with signs alone: 0.25g, 90-140
    assert with_jieba["words"] > 500


def test_punctuation_is_no_word():
    assert tally([document(0, "头痛，发热！（三天）…… ——")], 1)["words"] == 3


@given(st.lists(st.text(st.sampled_from("头痛发热 a1_²½.%-，…🙂\n"), max_size=30), max_size=5))
def test_words_hold_a_letter_or_a_digit(texts):
    expected = sum(bool(re.search(r"\w", piece)) for t in texts for piece in segmenter()(t))
    assert tally([document(n, text) for n, text in enumerate(texts)], 1)["words"] == expected


def test_words_are_scaled_up_from_a_sample_of_rows():
    rows = documents(3000)
    all_words = finish(tally(rows, 1))
    sampled = finish(tally(rows, 0.2))
    assert all_words["words_counted_on"] == 1
    assert 0.15 < sampled["words_counted_on"] < 0.25
    assert sampled["words"] == pytest.approx(all_words["words"], rel=0.02)
    assert finish(tally(rows, 0))["words"] == 0
    for name in all_words.keys() - {"words", "words_counted_on"}:
        assert all_words[name] == sampled[name], name


def test_the_sample_is_drawn_by_id():
    rows = documents(200)
    assert tally(rows, 0.3) == tally(rows[::-1], 0.3)


# --- tallies -------------------------------------------------------------------------------------


def test_a_tally():
    rows = [
        document(0, "头痛" * 8),
        document(1, "发热三天。", domain="modern"),
        {
            "id": "t",
            "messages": [{"role": "user", "content": "头痛"}, {"role": "assistant", "content": ""}],
            "domain": "modern",
            "source": "qa",
            "department": None,
            "origin": "human",
        },
        {
            "id": "p",
            "prompt": [{"role": "user", "content": "问"}],
            "chosen": [],
            "rejected": [],
            "source": "qa",
            "department": "内科",
            "pair_origin": "adopted",
        },
    ]
    found = merge([tally(rows[:2], 0), tally(rows[2:3], 0), tally(rows[3:], 0)])  # by config
    assert (found["rows"], found["chars"], found["han_chars"]) == (
        4,
        16 + 5 + 3 + 1,
        16 + 4 + 2 + 1,
    )
    assert found["lengths"][:3] == [3, 1, 0]
    assert len(found["lengths"]) == len(LENGTH_EDGES)
    assert found["domain"] == {"tcm": 1, "modern": 2}
    assert found["source"] == {"s": 2, "qa": 2}
    assert found["department"] == {"": 1, "内科": 1}
    assert found["origin"] == {"human": 1, "adopted": 1}
    json.dumps(found)


@hypothesis_settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=5), st.permutations(range(6)), st.floats(0, 1))
def test_merging_is_free_of_order_and_of_cuts(cuts, order, sample):
    rows = documents(30)
    edges = [0, *sorted(cuts), 30]
    parts = [tally(rows[a:b], sample) for a, b in pairwise(edges)]
    whole = tally(rows, sample)
    shuffled = [parts[i] for i in order if i < len(parts)]
    assert merge(parts) == merge(shuffled) == whole
    assert merge([merge(parts[:1]), merge(parts[1:])]) == whole
    assert finish(merge(shuffled)) == finish(whole)


def test_nothing_at_all():
    done = finish(merge([]))
    assert (done["rows"], done["words"], done["mean_length"], done["words_counted_on"]) == (
        0,
        0,
        0,
        1,
    )
    assert finish(tally([document(0, "")], 1))["words"] == 0


def test_a_finished_tally_is_sorted_by_count():
    rows = [document(i, "头痛", source=name) for i, name in enumerate("bbbaac")]
    assert list(finish(tally(rows, 1))["source"].items()) == [("b", 3), ("a", 2), ("c", 1)]
    assert statistics.WORD_SAMPLE_CHARS == 5_000_000


def test_a_guest_may_name_its_columns_as_it_likes():
    """Columns are counted where they hold messages, whatever a column of their name holds else."""
    said = [{"role": "user", "content": "头痛"}]
    rows = [{"id": "1", "prompt": said, "completion": "多喝水", "chosen": ["甲"], "source": "s"}]
    table = pa.Table.from_pylist(rows)
    counted = tally(table, 1.0)
    assert (counted["rows"], counted["chars"]) == (1, 2)
    assert row_texts(rows[0]) == ["头痛"]

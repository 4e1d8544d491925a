"""Character n-grams: what texts are compared by, windows within a text, mixed hashes, band keys."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimed_datasets.records import Codepoints, codepoints
from chimed_datasets.stages.near.minhash import band_keys
from chimed_datasets.stages.text.grams import (
    fold,
    fold_table,
    grams_of,
    mix,
    ranges,
    select,
    whole_windows,
    without_space,
)

TEXTS = st.lists(st.text(st.sampled_from("甲乙a1，。 \n\u3000𠀀Ａ"), max_size=9), max_size=8)


def strings(text: Codepoints) -> list[str]:
    points = "".join(map(chr, text.points))
    return [points[a:b] for a, b in zip(text.offsets[:-1], text.offsets[1:], strict=True)]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("头痛，3 天。", "头痛3天"),
        ("ＡＳＰＩＲＩＮ　０．５ｇ", "aspirin05g"),
        ("Straße Ⅳ α Β", "straßeⅳαβ"),
        ("İstanbul", "istanbul"),
        ("二〇二四年", "二〇二四年"),
        ("𠮷㐀", "𠮷㐀"),
        ("🙂★①ⅱ㎎", "①ⅱ"),
        ("", ""),
        ("？！", ""),
        ("a\ufe0f\u200b\U000e0041b", "ab"),
    ],
)
def test_fold(text, folded):
    assert strings(fold(codepoints(pa.array([text])))) == [folded]


def test_the_fold_table_is_idempotent_and_cannot_be_written_to():
    table = fold_table()
    assert (table[table] == table).all()
    with pytest.raises(ValueError):
        table[65] = 1


@given(TEXTS)
def test_texts_keep_their_bounds(texts):
    text = codepoints(pa.array(texts, pa.string()))
    assert strings(without_space(text)) == ["".join(t.split()) for t in texts]
    folded = strings(fold(text))
    assert folded == [
        "".join(c for c in t.lower() if c.isalnum()).replace("ａ", "a") for t in texts
    ]
    assert strings(select(text, np.zeros(len(text.points), bool))) == [""] * len(texts)
    assert select(text, np.ones(len(text.points), bool)) is text


@given(TEXTS, st.data())
def test_texts_of_the_characters_that_are_kept(texts, data):
    size = sum(map(len, texts))
    keep = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    kept = iter(keep)
    expected = ["".join(c for c in text if next(kept)) for text in texts]
    found = select(codepoints(pa.array(texts, pa.string())), np.array(keep, bool))
    assert strings(found) == expected
    assert found.points.dtype == np.uint32


@given(TEXTS, st.integers(1, 6))
def test_windows_within_one_text(texts, n):
    text = codepoints(pa.array(texts, pa.string()))
    total = int(text.offsets[-1])
    expected = [
        any(a <= i and i + n <= b for a, b in zip(text.offsets[:-1], text.offsets[1:], strict=True))
        for i in range(max(total - n + 1, 0))
    ]
    assert whole_windows(text.offsets, n).tolist() == expected


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=10))
def test_ranges(pairs):
    starts, counts = np.array(pairs, np.int64).reshape(-1, 2).T
    expected = [start + k for start, count in pairs for k in range(count)]
    assert ranges(starts, counts).tolist() == expected


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
def test_mixing_loses_nothing_and_spreads_the_bits(dtype):
    numbers = np.arange(200_000, dtype=dtype)
    mixed = mix(numbers)
    assert mixed.dtype == dtype
    assert len(np.unique(mixed)) == len(numbers)
    assert numbers[5] == 5  # the input is left alone
    for bit in range(dtype(0).itemsize * 8):
        share = ((mixed >> dtype(bit)) & dtype(1)).mean()
        assert 0.49 < share < 0.51, bit


def test_band_keys():
    texts = [
        "高血压病人要少吃盐按时服药",
        "高血压病人要少吃盐按时服药",
        "胃痛三天",
        "",
        "甲乙丙丁戊",
    ]
    text = codepoints(pa.array(texts))
    keys = band_keys(*grams_of(text, 5), 16, 4, 42)
    assert keys.shape == (5, 16)
    assert (keys[0] == keys[1]).all()
    assert (keys[[2, 3]] == 0).all()
    assert (keys[[0, 1, 4]] != 0).all()
    assert len(np.unique(keys[0])) == 16
    assert not (keys[0] == keys[4]).any()
    assert not (keys[0] == band_keys(*grams_of(text, 5), 16, 4, 43)[0]).any()
    assert band_keys(*grams_of(text, 4), 3, 1, 42)[2].all()
    assert band_keys(*grams_of(codepoints(pa.array([], pa.string())), 5), 16, 4, 42).shape == (
        0,
        16,
    )
    assert not band_keys(*grams_of(codepoints(pa.array(["", "a"])), 5), 2, 2, 1).any()


def test_band_keys_do_not_depend_on_block_bounds():
    """A text that reaches over several blocks has the keys that it has alone."""
    draw = np.random.default_rng(1)
    texts = ["".join(map(chr, draw.integers(0x4E00, 0x9000, n))) for n in (70_000, 10, 140_000, 7)]
    together = band_keys(*grams_of(codepoints(pa.array(texts)), 5), 4, 2, 42)
    for text, keys in zip(texts, together, strict=True):
        assert (band_keys(*grams_of(codepoints(pa.array([text])), 5), 4, 2, 42)[0] == keys).all()

"""The classifier behind `relevance` and `label`: what it counts, how it judges, where it cuts."""

from __future__ import annotations

import numpy as np
import pytest

from chimed_datasets.records import Batch, Document, to_batch
from chimed_datasets.stages.text.bayes import BITS, count, cut, features, judge, learn


def batch(*texts: str, title: str | None = None):
    made = [Document(f"k{n}", text, title) for n, text in enumerate(texts)]
    return Batch(to_batch(made, source="s", license="l", domain="modern"))


def test_features_are_characters_and_pairs_within_a_record():
    rows = np.bincount(features(batch("咳嗽痰", "头痛", "！")).row, minlength=3)
    assert rows.tolist() == [3 + 2, 2 + 1, 0]
    assert len(features(batch("咳嗽", title="肺")).row) == 3 + 1  # no pair across the two
    assert sorted(features(batch("ＣＴ")).bucket) == sorted(features(batch("ct")).bucket)


def test_counts_of_parts_add_up():
    texts = ["咳嗽有痰", "图书馆开放", "头痛三天", "没有组"]
    group = np.array([0, 1, 0, -1])
    whole = count(batch(*texts), group, 2)
    assert whole.shape == (2, 1 << BITS)
    assert whole.sum(1).tolist() == [4 + 3 + 4 + 3, 5 + 4]
    parts = [count(batch(text), group[n : n + 1], 2) for n, text in enumerate(texts)]
    assert (sum(parts) == whole).all()


def test_the_nearest_group_speaks_for_its_class():
    """A small source of classics is as much medicine as a large modern one."""
    texts = ["手机屏幕更换"] * 20 + ["血压升高头痛"] * 500 + ["脉浮而紧恶寒"] * 5
    group = np.repeat([0, 1, 2], [20, 500, 5])
    model = learn(count(batch(*texts), group, 3), [0, 1, 1])
    found = judge(model, batch("脉浮恶寒", "血压高", "手机换屏", "？"))
    assert found.best[:3].tolist() == [1, 1, 0]
    assert (found.margin[:3] > 0).all()
    assert found.margin[3] == 0  # without features nothing is said


@pytest.mark.parametrize(
    ("margin", "right", "wanted", "findable", "told"),
    [
        # All right enough: the nearer side decides, however near.
        ([3, 2, 1], [1, 1, 1], 0.9, 4, (0, 1, 0.75)),
        ([4, 3, 2, 1], [1, 1, 1, 0], 0.9, 3, (2, 1, 1)),
        ([4, 3, 2, 1], [1, 1, 0, 1], 0.75, 4, (0, 0.75, 0.75)),
        ([4, 3, 2, 1], [1, 0, 1, 1], 1, 4, (4, 1, 0.25)),
        ([1, 4, 3, 2], [0, 1, 1, 1], 0.9, 3, (2, 1, 1)),  # in any order
        ([2, 1], [0, 0], 0.5, 2, (float("inf"), 0, 0)),
        ([], [], 0.5, 2, (float("inf"), 0, 0)),
    ],
)  # fmt: skip
def test_where_it_cuts(margin, right, wanted, findable, told):
    assert cut(np.array(margin, float), np.array(right, bool), wanted, findable) == told

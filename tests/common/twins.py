"""Texts that loops stumble over, for what is done once compiled and once in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from chimed_datasets import loops
from chimed_datasets.records import Codepoints, codepoints

BLOCK = 2048
"""Windows that a compiled loop takes at a time."""
SIGNS = (
    "头痛三天发热咳嗽患者医生给予治疗服药不宜" * 3 + "，。：；！？、（）“”"
    "abcxyzABCWVQ0123456789 \t\n\r@.:/_-+=*`|#￥\u3000\u00a0\u200b\ufeff\ufffd\ue5e5\x00\x7f\x85"
    "ＡＢｖｘ０１９：＠．①⑴㎎〇零一二信微姓址牌照叫我是李王𠀀𠮷🙂👨\u200d👩\ufe0f\U0010ffff"
)


def every_case() -> dict[str, Codepoints]:
    """Return texts by the name of what is odd about them."""
    long = [BLOCK + more for more in (-1, 0, 1)]
    cases: dict[str, list[str | None]] = {
        "no text": [],
        "empty texts": ["", "", ""],
        "a null": [None],
        "nulls between": ["头痛", None, "", "发热 三天", None],
        "one character": ["痛"],
        "shorter than n": ["头痛三天"[:size] for size in range(5)] + ["发热咳嗽五天服药后好"] * 2,
        "astral": ["𠀀𠮷🙂𠀀𠮷🙂𠀀", "\U0010ffff" * 9, "a𠀀b"],
        "two bytes": ["é" * 20, "\u07ff\u0080\u0800\uffff\U00010000"],
        "one sign": ["呀" * 3000, "\n" * 40, " " * 5000, "=" * 17],
        "blanks": [
            " 头  痛\n\n\n三天\t\t服药\r\n",
            "\n\n - a\n  1. b\n```\n a\n```",
            "\u3000头\u3000痛 ",
        ],
        "lines": [
            "一行\n" * 9,
            "甲\n乙\n甲\n乙\n甲\n",
            "甲\n乙\n丙\n丁",
            "\n\n\n\n",
            "\n甲\n\n甲\n",
        ],
        "blocks": [random_text(np.random.default_rng(size), size + 4) for size in long],
        "over blocks": [random_text(np.random.default_rng(1), 3 * BLOCK + 17), "头痛"],
    }
    return {name: codepoints(pa.array(texts, pa.string())) for name, texts in cases.items()} | {
        "a slice": codepoints(pa.array(["前面的", "头痛𠀀三天" * 9, None, "后"]).slice(1, 2)),
        "many": batch_of(np.random.default_rng(7), 400),
    }


def behind() -> Codepoints:
    """Return texts behind and before which there are points of no text."""
    text = batch_of(np.random.default_rng(3), 20)
    more = np.full(40, ord("头"), np.uint32)
    return Codepoints(np.concatenate([text.points, more]), text.offsets)


def random_text(random: np.random.Generator, size: int) -> str:
    """Return a text of ``size`` signs, in which passages come again."""
    signs = "".join(SIGNS[i] for i in random.integers(0, len(SIGNS), size))
    if size > 40 and random.random() < 0.5:
        head = signs[: random.integers(1, 30)]
        signs = (head * (size // len(head) + 1))[: size // 2] + signs[size // 2 : size]
    return signs[:size]


def batch_of(random: np.random.Generator, count: int) -> Codepoints:
    sizes = np.minimum(random.geometric(0.03, count) - 1, 3000)
    sizes[random.random(count) < 0.1] = 0
    texts = [random_text(random, int(size)) for size in sizes]
    return codepoints(pa.array(texts, pa.string()))


def assert_alike(made: Callable[[Codepoints], Any], text: Codepoints) -> None:
    """Fail unless the compiled loops and NumPy make the same of a text, dtypes as well."""
    kept = Codepoints(text.points.copy(), text.offsets.copy())
    with loops.switched(True):
        ours = list(_flat(made(text)))
    with loops.switched(False):
        theirs = list(_flat(made(text)))
    assert np.array_equal(kept.points, text.points)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_array_equal(mine, other)


def _flat(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, (pa.Array, pa.ChunkedArray)):
        value = [len(value), value.null_count, *value.to_pylist()]
        yield np.array([repr(one) for one in value])
    elif isinstance(value, dict):
        for name in sorted(value):
            yield from _flat(value[name])
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _flat(one)
    else:
        yield np.asarray(value)

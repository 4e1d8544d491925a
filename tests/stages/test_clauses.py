"""Clauses of many texts, beside those that patterns cut of each text alone."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from chimed_datasets.stages.near.clauses import read
from chimed_datasets.stages.near.stock import is_stock

NUMERAL = "一二两三四五六七八九十百"
CUT = re.compile(
    r"([\W_](?:(?<=[。!?;\n])[。!?;\n]*|(?<=[,.:])(?:(?!\d)|(?<!\d.))"
    r"|(?<=[^\s。!?;,.:、%‰/~^*<>=+°℃□-])"
    rf"|(?<=、)(?:(?![\d{NUMERAL}])|(?<![\d{NUMERAL}第].))"
    rf"|(?<=[-~/*+])(?:(?<![\d{NUMERAL}%‰°a-z天日周月年岁片粒丸袋支次分度克升米].)|(?![\d{NUMERAL}]))))"
)
SENTENCE = re.compile(r"[^。!?;\n]+[。!?;\n]*")
LIGHT = re.compile("[ 的得了呢吧啊呀吗哦嘛么着请您你]")


def clauses_of(sentence: str) -> list[tuple[str, str]]:
    """Return each clause that says something, and the sign behind it."""
    pieces = CUT.split(sentence)
    return [
        (bare, cut[:1])
        for piece, cut in zip(pieces[::2], [*pieces[1::2], ""], strict=True)
        if (bare := LIGHT.sub("", piece)) and not is_stock(re.sub(r"[\W_]+", "", piece))
    ]


WORDS = (
    "头痛 发热 您好 您 谢谢 祝您健康 不客气 的 了 第 一 十 3 12 ５ ml 片 天 % ‰ ° □ _ = + * - ~ / ^ < > . , : 、 ( ) 。 ! ? ;"
    " 𠀀 🙂 é ٣ 9"
)
PIECES = [*WORDS.split(), " ", "\n", "\t", "\u2028"]


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=20).map("".join), max_size=5))
def test_clauses_are_those_of_the_patterns(texts):
    for text, found in zip(texts, read(texts), strict=True):
        sentences = [told for one in SENTENCE.findall(text) if (told := clauses_of(one))]
        assert found.said == ["".join(clause for clause, _ in told) for told in sentences]
        assert found.behind == (sentences[0][0][1] if sentences else "")
        every = len(sentences)
        assert found.clauses(0, every) == [clause for told in sentences for clause, _ in told]
        for begin in range(every):
            some = [clause for told in sentences[begin : begin + 2] for clause, _ in told]
            assert found.clauses(begin, min(begin + 2, every)) == some
            assert found.ends(begin, begin + 1) == [len(sentences[begin])]


def test_no_text_and_none_that_says_anything():
    assert read([]) == []
    for texts in ([""], ["", "。", "您好"]):
        assert [one.said for one in read(texts)] == [[] for _ in texts]

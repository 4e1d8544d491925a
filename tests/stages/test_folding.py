"""How texts are folded before they are weighed: many at once as each alone, by every rule."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimed_datasets.stages.near.folding import RULES, folded, in_usual_signs, usual_signs


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ＣＴ　正常，无需复查", "ct 正常,无需复查"),
        ("“能不能”喝《牛奶》？", "能喝牛奶?"),
        ("应该不应该喝", "应该不应该喝"),
        ("是不是应该不应该喝", "是应该喝"),
        ("10的9次方，10的九次方，10(9)", "10^9,10^9,10^9"),
        ("3×5，3 - 5，三乘以五", "3*5,3-5,三*五"),
        ("-20度，零-5℃，.5g，3次/日", "零下20度,零零下5°c,0.5g,3次每日"),
        ("二○二三年，血型○", "二〇二三年,血型○"),
        ("水[1]煎(图五十九)\n足三里图\n足大趾端", "水煎\n\n足大指端"),
        ("=某=\n篇名:甲\n分类:乙\n组成:丙", "\n\n丙"),
        ("1. 甲\n（二）乙。首先，丙；● 丁", "甲\n乙。丙;丁"),
        ("酸钾（7:1）片", "酸钾(7:1)片"),
        ("服三,四日，〔某某〕汤，??汤", "服三、四日,□汤,□汤"),
        ("一行有二十四个汉字以上的文字在此处断开而没有标点符号结尾\n下一行\n短\n行", None),
        ("②ⅳ10⁹ 3½ …≥5℃", " iv10^9 3又1/2 ...>=5°c"),
        ("e\u0301 ｶﾞ", "é ガ"),
    ],
)
def test_what_is_folded(text, found):
    if found is None:
        found = text.replace("\n", "", 1)
    assert folded([text]) == [found]


def test_every_sign_alone_and_between_others():
    every = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    alone = [usual_signs(sign) for sign in every]
    assert in_usual_signs(every) == alone
    within = in_usual_signs([f"头{sign}痛" for sign in every])
    assert [one for one in within if not (one[0] == "头" and one[-1] == "痛")] == []
    told = [
        (one, other)
        for one, other in zip(within, alone, strict=True)
        if one[1:-1] != other and unicodedata.normalize("NFKC", one) == one
    ]
    assert told == []


SIGNS = st.text(
    st.sampled_from("aB9½²①Ⅳ≥…℃“”，、　 \t\n\u0301\u0323\u3099か가ᄀ\u1161ﬁ①🙂頭痛\ue100"),
    max_size=12,
)


@given(st.lists(SIGNS, max_size=5))
def test_signs_become_usual_in_all_texts_as_in_each(texts):
    assert in_usual_signs(texts) == [usual_signs(text) for text in texts]


WORDS = (
    "病人 患儿 家 能 不 没 是 可以 应该 有 次方 的 9 10 三 十 百 ( ) [ ] < > - ~ / : × * x 乘 以 · ○ 〇 . , ， 。 、 ; ! ?"
    " 度 ° 摄氏 g 毫克 kg 次 天 min h 图 见 = 篇名: 分类: 条文 属性 组成 注 〔 〕 ?? 趾 足 大 端 # ● 第 首先 其次 最后 点"
    " 汉字汉字汉字汉字汉字汉字汉字汉字 头痛 脉浮"
)
PIECES = [*WORDS.split(), " ", " ", "\n", "\n", "", "\t"]


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), max_size=4))
def test_a_rule_is_tried_wherever_it_changes_a_text(texts):
    whole = in_usual_signs(texts)
    for rule in RULES:
        whole = [rule.change(text) for text in whole]
    assert folded(texts) == whole

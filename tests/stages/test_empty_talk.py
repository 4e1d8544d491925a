"""Texts that say nothing, and texts that only look so: each rule on both sides."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimed_datasets.records import Answer, Dialogue, Document, Message, QAThread
from chimed_datasets.stages.filter import Filter, NoContent, is_choice
from chimed_datasets.stages.text import empty_talk, scraps
from chimed_datasets.stages.text.figures import chinese_share, without_rules
from tests.common.seconds import cpu_seconds
from tests.common.stages import OnTables, batch_of

ASKED = "老人半夜小腿抽筋，要补什么？"
keep = OnTables(Filter())


def rule_of(record, stage: OnTables = keep) -> str | None:
    drops = stage(batch_of(record)).drops.to_pylist()
    return drops[0]["rule"] if drops else None


def reply(text: str, asked: str = ASKED) -> QAThread:
    return QAThread("k", asked, [Answer(text)])


REFUSED = [
    ("作为一款人工智能助手，我没办法给您开药，请咨询医生。", "refusal"),
    ("很抱歉，这个请求涉及违规内容，我不能回答。", "refusal"),
    ("I am sorry, I can't help.", "refusal"),
    ("该评论已被管理员屏蔽", "deleted"),
    ("您要找的页面不存在，请稍后重试。", "deleted"),
    ("楼上说得对", "pointer"),
    ("占位，路过", "pointer"),
    (ASKED, "echo"),
    (f"“{ASKED}”", "echo"),
    ("补钙补钙补钙补钙补钙补钙补钙", "echo"),
    ("您好，您的咨询已成功提交，请耐心等候。", "template"),
    ("请您补充一下年龄和检查结果。", "template"),
    ("可以分为下面几步：", "cut_off"),
    ("这几种药是《伤寒", "cut_off"),
    ("????? ??? ?????? ??", "lost_characters"),
]
KEPT = [
    "抱歉，这里无法给出诊断，先热敷小腿，再查血钙。",
    "作为医生，我不能保证，但多数人补钙后好转。",
    "同上次一样，睡前吃一片钙。",
    "收到化验单了，血钙偏低，每天补六百毫克。",
    "感谢信任，先停利尿药。",
    "不能。",
    "不可以",
    "20mg",
    "可以，睡前拉伸",
    "染色体缺失不能删除基因型信息",
]
DOCUMENTS = [
    ("首页 > 科普 > 骨科\n登录 注册 意见反馈 返回顶部", "navigation"),
    ("上一篇：小腿抽筋的原因 下一篇：补钙的误区", "navigation"),
    ("本站内容仅供参考，转载请注明出处。© 2020 某网 版权所有", "legal"),
    ("补钙哪家好_补钙产品排名_补钙多少钱_补钙的药_补钙价格", "keywords"),
    ("标签：补钙,补钙价格,补钙图片,补钙怎么补", "keywords"),
    ("老��小��抽��要��什", "lost_characters"),
    ("芍薬甘草湯はこむら返りに用いる漢方薬です。筋肉のけいれんを和らげる。", "other_language"),
]
ARTICLES = [
    "首页病案要写明主要诊断，返回病区后归档，不得涂改。",
    "芍药甘草汤酸甘化阴，主治脚挛急。日语写作「芍薬甘草湯」。",
    "转载文献中的剂量须核对原文，儿童剂量另计，版权页写明版次。",
    "小腿抽筋分三种：缺钙、受凉、过劳。怎么分？看时间与诱因。",
    "关键词：芍药甘草汤；腿抽筋；观察。方法：六十例分两组。",
    "缺字以□代之：□□汤治脚挛急，其方今已不传于世。",
]


@pytest.mark.parametrize(("text", "rule"), REFUSED)
def test_replies_that_say_nothing(text, rule):
    assert rule_of(reply(text)) == rule
    rest = tuple(name for name in get_args(NoContent) if name != rule)
    assert rule_of(reply(text), OnTables(Filter(no_content=rest))) != rule


@pytest.mark.parametrize("text", KEPT)
def test_replies_that_say_something(text):
    assert rule_of(reply(text)) is None


@pytest.mark.parametrize(("text", "rule"), DOCUMENTS)
def test_documents_that_say_nothing(text, rule):
    assert rule_of(Document("k", text)) == rule
    assert rule_of(Document("k", text), OnTables(Filter(no_content=()))) is None


@pytest.mark.parametrize("text", ARTICLES)
def test_documents_that_say_something(text):
    assert rule_of(Document("k", text)) is None


def test_an_answer_goes_alone():
    thread = QAThread("k", ASKED, [Answer("先查血钙。"), Answer("楼上说得对")])
    result = keep(batch_of(thread))
    assert [a["text"] for a in result.batch["answers"][0].as_py()] == ["先查血钙。"]
    assert result.counts == {"pointer_answer": 1}


@pytest.mark.parametrize(
    ("turns", "rule"),
    [
        (["腿抽筋", "请您补充一下年龄和检查结果。", "七十岁", "先查血钙。"], None),
        (["腿抽筋", "请您补充一下年龄和检查结果。"], "template"),
        (["谢谢医生", "不客气，祝您早日康复"], None),
        (["腿抽筋", "先查血钙。", "开药", "作为AI助手，我不能开药。"], "refusal"),
    ],
)
def test_what_is_part_of_a_talk(turns, rule):
    roles = ("user", "assistant")
    messages = [Message(roles[i % 2], turn) for i, turn in enumerate(turns)]
    assert rule_of(Dialogue("k", messages)) == rule


@pytest.mark.parametrize(
    ("said", "asked", "right"),
    [
        ("B", "抽筋多缺什么？A.铁 B.钙 C.锌", True),
        ("②④", "属实的是①缺钙②受凉③发热④过劳", True),
        ("BD", "下列是（A）铁（B）钙（C）锌（D）镁", True),
        ("×", "判断：缺钙会抽筋。", True),
        ("能", "能吃钙片吗？", True),
        ("B", ASKED, False),
        ("是", "腿抽筋怎么办？", False),
        ("好", "能吃钙片吗？", False),
    ],
)
def test_answers_to_exams(said, asked, right):
    assert is_choice(said, asked) is right
    assert (rule_of(reply(said, asked)) is None) is right


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Ca 1.98mmol/L，K 4.1，Mg 0.7，ALP 88U/L", 1.0),
        ("NS 100ml ivgtt qd", 1.0),
        ("20240101 3.14159", 0.0),
        ("Please take one tablet with water before the meal", 0.0),
        ("", 0.0),
    ],
)
def test_figures_do_not_count_against_chinese(text, share):
    assert chinese_share([text]) == share


def test_names_in_latin_letters_count_half():
    names = "可选" + "levetiracetam、gabapentin"
    assert chinese_share([names]) > 2 / (2 + 23)
    assert chinese_share(["可选 the drug of the year and it is"]) < 0.15


def test_rules_and_signs_of_tables():
    assert without_rules("======血钙|1.98") == "=血钙1.98"
    assert without_rules("□□□□□") == "□□□□□"


@pytest.mark.parametrize(
    "text", ["腿抽筋呀呀呀呀呀呀呀呀呀呀呀怎么办", "========================\n血钙偏低，补钙"]
)
def test_a_cry_and_a_rule_are_one_sign(text):
    assert rule_of(reply(text)) is None


@given(st.text(max_size=60), st.text(max_size=30))
def test_any_text_can_be_judged(text, asked):
    for name in empty_talk.RULES:
        empty_talk.says_nothing(text, name, asked)
    scraps.is_search_words(text)
    scraps.lost_share(text)
    scraps.breaks_off(text)
    scraps.is_echo(text, asked)
    assert 0 <= chinese_share([text, asked]) <= 1


@pytest.mark.no_cover
@pytest.mark.parametrize("piece", ["我无法", "首页>", "版权，", "抱歉", "a.", "#补钙#", "？"])
def test_hostile_texts_take_no_time(piece):
    text = piece * (100_000 // len(piece))

    def sought() -> None:
        for name in empty_talk.RULES:
            empty_talk.says_nothing(text, name)
        scraps.is_search_words(text)

    assert cpu_seconds(sought, below=5) < 5

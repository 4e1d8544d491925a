"""The classifier of texts that say nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimed_datasets.records import codepoints
from chimed_datasets.stages.text import no_content

LEARNED = Path(__file__).resolve().parents[1] / "no_content"


def folded(texts: list[str]):
    return no_content.fold(codepoints(pa.array(texts, pa.string())))


def score(texts: list[str], reply: bool = True) -> list[float]:
    verdicts = no_content.judge(folded(texts), np.full(len(texts), reply), -1e9)
    assert verdicts.at.tolist() == list(range(len(texts)))
    return verdicts.score.tolist()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("非常抱歉，身为语言模型我没有办法替您判断，请向专业人士求助哦。", "refusal"),
        ("Copyright 2009-2021 康乐健康网 版权所有 粤ICP备00000号 未经书面许可不得转载", "legal"),
        ("首页 | 资讯 | 问答 | 视频 | 登录 | 注册 | 手机版 | 返回顶部", "navigation"),
        ("该楼层疑似违规已被系统折叠 隐藏此楼 查看此楼", "deleted"),
        ("祖传膏方，三天见效，签约治疗，无效全额退款，加微信立减五百，名额有限！", "advert"),
        ("感谢您的咨询，医生正在赶来的路上，请您耐心等待，祝您生活愉快！", "template"),
    ],
)
def test_what_says_nothing_is_told_with_its_kind(text, kind):
    model = no_content.model()
    verdicts = no_content.judge(folded([text]), np.array([kind in ("refusal", "template")]), 0.0)
    assert [model.kinds[k] for k in verdicts.kind] == [kind]
    assert no_content.suspects(folded([text])).all()


@pytest.mark.parametrize(
    "text",
    [
        "抱歉回复晚了。布洛芬按体重每公斤10毫克，间隔六小时再用。",
        "不能同服，西柚会让他汀的血药浓度升高。",
        "太阳之为病，脉浮，头项强痛而恶寒。",
        "WBC 11.2×10⁹/L，NEUT% 81，CRP 45 mg/L",
        "广告说三天断根不可信，银屑病目前只能控制，不要停正规治疗。",
    ],
)
def test_what_says_something_is_left_alone(text):
    assert score([text])[0] < no_content.model().cut.min()
    assert score([text], reply=False)[0] < no_content.model().cut.min()


@given(st.lists(st.text(max_size=40), max_size=12), st.data())
def test_a_verdict_does_not_hang_on_what_stands_beside(texts, data):
    reply = data.draw(st.booleans())
    together = score(texts, reply) if texts else []
    assert together == [score([text], reply)[0] for text in texts]
    gate = no_content.suspects(folded(texts))
    assert gate.tolist() == [bool(no_content.suspects(folded([text]))[0]) for text in texts]


def test_runs_say_no_more_than_their_beginning():
    assert score(["痒呀呀" + "呀" * 30]) == score(["痒呀呀"[:2] + "呀"])


def test_blocks_do_not_show():
    long = ["甲乙丙丁" * 9000, "抱歉我无法回答这个问题。", "子丑寅卯" * 7001]
    weights = no_content.gate_weights(folded(long), no_content.model().gate)
    apart = [no_content.gate_weights(folded([t]), no_content.model().gate) for t in long]
    assert (weights == np.concatenate(apart)).all()


def test_the_weights_are_those_of_the_texts():
    sys.path.insert(0, str(LEARNED))
    try:
        from learn import digest, labelled
    finally:
        sys.path.remove(str(LEARNED))
    path = Path(no_content.__file__).with_name("no_content.npz")
    with np.load(path) as held:
        about = json.loads(bytes(held["about"]).decode())
    texts = labelled()
    assert about["sha256"] == digest()
    assert about["texts"] == len(texts)
    assert about["dropped"] == sum(text.kind is not None for text in texts)

"""The stage `passages`: which lines may go, which of them are notices, and what the cut leaves."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimed_datasets.records import Batch, codepoints
from chimed_datasets.stages.passages import FIRST, LAST, Passages, without
from chimed_datasets.stages.text.notices import is_notice
from tests.common.stages import batch_of

FOOTER = "本站内容仅供参考，不能作为诊断及医疗的依据。"


def lines(*texts: str, **settings) -> list[tuple[int, str]]:
    """(document, line) for each line that may go."""
    found = Passages(**settings).lines(codepoints(pa.array(texts, pa.string())))
    columns = (column.tolist() for column in found)
    return [(row, texts[row][start:end]) for row, start, end, _ in zip(*columns, strict=True)]


def hashes(*texts: str) -> list[int]:
    return Passages().lines(codepoints(pa.array(texts, pa.string()))).hash.tolist()


@pytest.mark.parametrize(
    "notice",
    [
        FOOTER,
        "免责声明：以上内容不能代替医生面诊，如有不适请及时就医。",
        "温馨提示：以上信息仅供参考，具体用药请遵医嘱。",
        "版权所有 健康知识网 未经授权请勿转载",
        "Copyright © 2019 健康知识网 All Rights Reserved 京ICP备12345678号",
        "转载请注明来源：健康知识网",
        "文中图片来源于网络，如有侵权请联系删除。",
        "更多健康知识请关注我们的微信公众号“健康知识网”。",
        "地址：幸福路一百号市中医院门诊楼，邮编：100000",
        "咨询电话：010-12345678，欢迎来电垂询。",
        "本文仅代表作者个人观点，与本网站立场无关。",
        "乘车路线：乘坐公交五路到中医院站下车即到。",
        "互联网药品信息服务资格证书编号：（浙）-非经营性-2017-0143",
        "Disclaimer: The content is for informational purposes only.",
        "用户须同意《隐私政策》与《服务协议》方可继续。",
        "上一篇：高血压的饮食 下一篇：糖尿病的运动",
    ],
)
def test_notices_of_a_page(notice):
    assert is_notice(notice)


@pytest.mark.parametrize(
    "content",
    [
        "【用法用量】",
        "对本品过敏者禁用，过敏体质者慎用。",
        "如正在使用其他药品，使用本品前请咨询医师或药师。",
        "如有问题可与生产企业联系，咨询电话：见包装。",
        "水煎服，每日一剂，早晚分服。",
        "上为细末，每服二钱，水一盏，煎七分，去滓温服。",
        "右七味，以水一斗，煮取三升，去滓，温服一升，日三服。",
        "药品监管分级：本品为镇咳类非处方药药品。",
        "密封，置阴凉干燥处保存，避免儿童接触。",
        "请仔细阅读说明书并在医师指导下使用。",
        "孕妇及哺乳期妇女应在医师指导下使用。",
        "药物治疗期间出现胸闷、气促时应立即就医。",
        "本网站提醒您：对青霉素过敏者禁用本品。",
        "口服，一次2～3粒，一日3次，仅供参考。",
        "分类：血液制品/血容量扩充/水糖电解质酸碱平衡调节剂。",
        "大网膜与视网膜，基本网状结构如上图所示。",
        "精微博大，奥义毕宣，前人已有专本刊行。",
        "刻录其原文，不加一字注解，姑存其说以供参考。",
        "治小便不通，诸药无效，方见《慈惠小编》。",
        "太阳之为病，脉浮，头项强痛而恶寒。",
        "青少年心理热线：周一到周日开通，欢迎来电。",
        "12320卫生热线：投诉乱收费、问传染病都可拨打热线电话。",
        "药品生产许可证号见包装，生产企业地址：见说明书。",
        "本品应在有《放射性药品使用许可证》第三类的医疗单位使用。",
        "本报告仅对送检标本负责，血红蛋白偏低。",
        "如有自杀念头，请拨打本站公布的危机干预热线。",
    ],
)
def test_content_is_no_notice(content):
    assert not is_notice(content)


@pytest.mark.parametrize(
    "other",
    [
        "　　本站内容仅供参考，不能作为诊断及医疗的依据。  ",
        "本站内容仅供参考,不能作为诊断及医疗的依据.",
        "本 站 内容仅供参考， 不能作为诊断 及医疗的依据",
        "【本站内容仅供参考，不能作为诊断及医疗的依据】",
    ],
)
def test_white_space_and_punctuation_do_not_count(other):
    assert hashes(f"正文。\n{FOOTER}") == hashes(f"正文。\n{other}")


def test_width_and_case_do_not_count():
    assert hashes("Copyright 2019 ABC") == hashes("ＣＯＰＹＲＩＧＨＴ　２０１９　ａｂｃ")
    assert hashes(FOOTER) != hashes(FOOTER.replace("参考", "参看"))


def test_lines_at_the_ends_alone():
    text = "\n".join(f"第{n}行的内容足够长了吧" for n in range(100, 130))
    found = [line for _, line in lines(text)]
    assert found == text.split("\n")[:FIRST] + text.split("\n")[-LAST:]


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([], []),
        ([""], []),
        (["", FOOTER, "", FOOTER + "\n", "\n\n" + FOOTER], [(1, FOOTER), (3, FOOTER), (4, FOOTER)]),
        (["甲\n乙\n丙"], []),
        (["【用法用量】\n一二三四五六七八九十"], [(0, "一二三四五六七八九十")]),
        (["一二三四五六七八九，。、！"], []),
        (["字。" * 501, "字。" * 500 + "。"], []),
        (["字" * 501, "字" * 500], [(1, "字" * 500)]),
    ],
)
def test_which_lines_may_go(texts, found):
    assert lines(*texts) == found


@pytest.mark.parametrize(
    ("texts", "counted"),
    [
        (["甲"], []),
        ([f"{FOOTER}\n甲\n{FOOTER}"], [0]),
        ([FOOTER, FOOTER], [0, 1]),
        ([f"{FOOTER}\n一二三四五六七八九十\n{FOOTER}", "", FOOTER], [0, 0, 2]),
    ],
)
def test_a_document_counts_once_for_a_line(texts, counted):
    found = Passages().hashes(Batch(batch_of(*texts)))
    assert found["row"].tolist() == counted
    assert len(np.unique(found)) == len(found)


def test_the_length_is_a_setting():
    assert lines("一二三", chars=3) == [(0, "一二三")]


@pytest.mark.parametrize(
    ("documents", "least"),
    [(20, 20), (1_000, 20), (20_000, 20), (20_001, 21), (100_000, 100), (10_000_000, 10_000)],
)
def test_how_many_documents_it_takes(documents, least):
    assert Passages().least(documents) == least


def test_no_share_is_a_share():
    assert Passages(share=0).least(10**9) == 20


letters = st.text("甲乙丙丁戊己庚辛壬癸，。 ", max_size=15)


@given(st.lists(st.lists(letters, max_size=14).map("\n".join), max_size=6), st.data())
def test_what_is_no_passage_stays(texts, data):
    """Whatever lines go, all the others stay, in their order."""
    found = Passages(chars=3).lines(codepoints(pa.array(texts, pa.string())))
    gone = data.draw(st.sets(st.sampled_from(sorted({*found.hash.tolist(), 0}))))
    for row, text in enumerate(texts):
        mine = (found.row == row) & np.isin(found.hash, np.array(sorted(gone), np.uint64))
        spans = list(zip(found.start[mine].tolist(), found.end[mine].tolist(), strict=True))
        cut = [text[start:end] for start, end in spans]
        left = without(text, spans)
        if not spans:
            assert left == text
        assert "\n" not in "".join(cut)
        kept = [line for line in left.split("\n") if line]
        every = [line for line in text.split("\n") if line]
        for line in cut:
            assert len(line) >= 3
        assert sorted(kept + cut) == sorted(every)
        assert [line for line in every if line in kept and line not in cut] == [
            line for line in kept if line not in cut
        ]

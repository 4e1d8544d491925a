"""What columns are called, by what they hold: Chinese, pinyin and English, in lower case."""

from __future__ import annotations

import re

_WORDS = {
    "question": (
        "question questions query ask asked prompt instruction instruct input problem context q "
        "user human patient inquiry consultation complaint description "
        "问题 提问 问 题目 题干 咨询 咨询内容 患者提问 病情描述 病情 患者 主诉 描述 疑问 用户 "
        "wenti tiwen wen timu zixun bingqing miaoshu zhusu huanzhe"
    ),
    "answer": (
        "answer answers reply replies response responses output target completion a assistant bot "
        "gpt doctor advice solution suggestion "
        "回答 答案 答复 回复 答 解答 医生回答 医生回复 建议 医生建议 专家回答 医生 助手 "
        "huida daan dafu huifu da jieda jianyi yisheng"
    ),
    "department": (
        "department departments dept cate category specialty speciality clinic division "
        "科室 科 门诊 科别 所属科室 一级科室 分科 keshi ke menzhen"
    ),
    "title": (
        "title headline subject topic heading name "
        "标题 题名 主题 篇名 章节名 名称 biaoti zhuti timing mingcheng"
    ),
    "text": (
        "text content body passage document article paragraph abstract fulltext raw summary "
        "内容 文本 正文 全文 原文 段落 文章 条文 neirong wenben zhengwen quanwen yuanwen"
    ),
}
NAMES = {target: frozenset(words.split()) for target, words in _WORDS.items()}
_GENERAL = ("内容", "文本", "描述")
"""What may stand behind any other word in a name."""
_SIMPLIFIED = str.maketrans(
    "問題標內診醫師復覆類別門諮詢編號專敘", "问题标内诊医师复复类别门咨询编号专叙"
)


def by_name(name: str) -> tuple[str, int] | None:
    """Return what a column of this name holds, and how sure that is: 3 is the name itself, 2 a
    word at its end, 1 a word in it.

    >>> by_name("Question"), by_name("original_text"), by_name("ke_shi"), by_name("患者问题描述")
    (('question', 3), ('text', 2), ('department', 3), ('question', 1))
    """
    last = name.rpartition(".")[2].strip().lower().translate(_SIMPLIFIED)
    plain = re.sub(r"[\s_-]+", "_", re.sub(r"(?<=[a-z])\d+$", "", last))
    for target, words in NAMES.items():
        if plain in words or plain.replace("_", "") in words:
            return target, 3
    *_, end = plain.split("_")
    if end != plain and len(end) > 1:
        for target, words in NAMES.items():
            if end in words:
                return target, 2
    return None if last.isascii() else _by_part(last)


def _by_part(name: str) -> tuple[str, int] | None:
    """Return what a Chinese name holds by the words in it."""
    words = [(w, t) for t in NAMES for w in NAMES[t] if len(w) > 1 and not w.isascii()]
    ends = [(len(w), t) for w, t in words if name.endswith(w) and w not in _GENERAL]
    if ends:
        return max(ends)[1], 2
    for target in ("answer", "question", "department", "title", "text"):
        if any(word in name for word, of in words if of == target):
            return target, 1
    return None

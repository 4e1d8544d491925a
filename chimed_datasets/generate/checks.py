"""What makes an answer unacceptable, each check with its rule, its evidence and the mend.

A check returns a :class:`Complaint` or None. ``evidence`` goes to the ledger; ``mend`` is told to
the model when it may try again, so it holds figures and words of ours, never text of the data.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..rows.traces import REFUSAL


class Complaint(NamedTuple):
    """rule: a name for the ledger. evidence: figures or a piece of text. mend: what to do."""

    rule: str
    evidence: str
    mend: str


# --- pointers --------------------------------------------------------------------------------

# Each names the passage, unless the characters belong to other words: 日本文献, 以上文献, 中文中.
_POINTER = re.compile(
    "|".join(
        (
            "(?<![日基根样标脚版剧课译])本文(?![献化明字物本件])",
            "本段(?!时)|该段(?!时)|本篇|该文(?![献化字])",
            "(?<![以晚马史])上文(?![献化字物件])",
            "(?<![以如皮])下文(?![献化字物件])",
            "(?<![目眼])前文(?![献化])|(?<!日)[原后]文(?![献化])|短文",
            "(?:本|该|此|这篇|一篇|以上)文章|文章(?=[中里内]|提到|指出|介绍|认为|说)",
            "(?<![中英法日俄韩论作散语国外汉德横约])文中(?!医)",
            "(?:这|此|该|上述|以上|下列|给定的?|所给的?|提供的)一?[段篇则]?"
            "(?:文字|文本|短文|段落|片段|材料|资料|内容|原文)",
            "(?:材料|资料|段落|片段|文本|文字|原文|篇|书)中"
            "(?:提到|提及|所|未|没有|并未|指出|说|写|记载|介绍|描述|认为)",
            "(?:参考|参见|参阅|参看|详见|见|请看|如)"
            "(?:上面|前面|以上|上述|下述|上方|下方|前述|原书|本书|附录|附图|[上下附][图表])",
            "参考(?:资料|材料|文献|答案|内容|信息)[:：]",
            "根据(?:上面|以上|上述)的?(?:描述|叙述|记载|信息)",
        )
    )
)


def pointer(text: str) -> Complaint | None:
    """Complain of a text that points at another which its reader does not have (参考上文, 文中)."""
    match = _POINTER.search(text)
    if not match:
        return None
    around = text[max(0, match.start() - 12) : match.end() + 12]
    mend = "读者看不到材料：不要出现“上文”“文中”“本文”“参考”之类的指代，把意思直接写出来。"
    return Complaint("pointer", f"{match[0]}: {around}", mend)


# --- grounding -------------------------------------------------------------------------------

_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff0-9A-Za-z]+")
_FORMULA = frozenset("的了是在有和与及或可能应该会也都就这那而为以于等中用因所其之者不")


def grams(text: str, size: int = 2) -> set[str]:
    """Return the character n-grams inside runs of Han characters, letters and digits."""
    return {run[i : i + size] for run in _RUN.findall(text) for i in range(len(run) - size + 1)}


def grounding(answer: str, passage: str) -> float:
    """Return the share of the answer's character bigrams that the passage has, 0 to 1.

    Bigrams of two function words (的是, 可以) say nothing and do not count. An answer without
    a bigram that counts is grounded (1.0) where the passage holds it as it stands.

    Measured on 3,000 passages of 300 characters of classics of Chinese medicine: of 9,000
    sentences from other chapters 95 % are under 0.07, 99 % under 0.17 and 99.9 % under 0.39.
    """
    own = {gram for gram in grams(answer) if not _FORMULA.issuperset(gram)}
    if not own:
        bare = "".join(_RUN.findall(answer))
        return float(bool(bare) and bare in "".join(_RUN.findall(passage)))
    return len(own & grams(passage)) / len(own)


def ungrounded(answer: str, passage: str, least: float) -> Complaint | None:
    """Complain of an answer whose :func:`grounding` in the passage is under ``least``."""
    share = grounding(answer, passage)
    if share >= least:
        return None
    mend = "答案没有依据材料：只用材料里写明的内容回答，尽量沿用材料的用词。"
    return Complaint("ungrounded", f"{share:.2f} under {least:g}: {answer}", mend)


# --- form ------------------------------------------------------------------------------------

REPEATED = 0.4
"""A text of which more than this share repeats itself is no prose; see :func:`repeated`. Of 7,644
answers of doctors two are above it, and both say the same twice over; of 3,000 passages of
classics none is (the highest has 0.33)."""
_GRAM = 6


def repeated(text: str) -> float:
    """Return the share of a text's character 6-grams that stand in it before, 0 to 1."""
    body = "".join(text.split())
    total = len(body) - _GRAM + 1
    if total <= 0:
        return 0.0
    return 1 - len({body[i : i + _GRAM] for i in range(total)}) / total


def loops(text: str) -> Complaint | None:
    """Complain of a text that says the same again and again."""
    share = repeated(text)
    if share <= REPEATED:
        return None
    return Complaint("repetition", f"{share:.2f} repeats: {text}", "文字大量重复：每句话只说一次。")


def refuses(text: str) -> Complaint | None:
    """Complain of a model that speaks of itself or declines instead of answering."""
    match = REFUSAL.search(text)
    if not match:
        return None
    return Complaint("refusal", f"{match[0]}: {text}", "不要谈论自己，也不要拒绝：直接给出内容。")


def length(name: str, text: str, least: int, most: int) -> Complaint | None:
    """Complain of a text outside ``least`` to ``most`` characters; ``name`` begins the rule."""
    size = len(text)
    if least <= size <= most:
        return None
    mend = f"{name} 有 {size} 个字，应在 {least} 到 {most} 个字之间。"
    return Complaint(f"{name}_length", f"{size} characters, not {least} to {most}: {text}", mend)


def first(*complaints: Complaint | None) -> Complaint | None:
    """Return the first complaint there is."""
    return next(filter(None, complaints), None)

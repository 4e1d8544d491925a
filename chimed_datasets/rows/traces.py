"""Checks of a reasoning trace beside its reply: tags with a reason, never drops.

    contradicts   the trace settles on another option, drug or yes/no than the reply
    language      the trace is in another language than the reply
    copied        the reply is copied whole from the trace
    loops         the trace says the same again and again
    cut_off       the trace or the reply ends in the middle of a sentence, a list or a formula
    refusal       the trace or the reply refuses as a model that cannot help, or holds nothing

A flag is raised where little doubt is left: a row without one is not thereby sound.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from .conclusions import contradiction, sentences

FLAGS = ("contradicts", "language", "copied", "loops", "cut_off", "refusal")
"""The names of all flags, in the order in which :func:`flags` gives them."""
REASON = 120
"""Most characters of a reason."""


class Flag(NamedTuple):
    """flag: one of :data:`FLAGS`. reason: one line of at most 120 characters, with evidence."""

    flag: str
    reason: str


def flags(reasoning: str, reply: str, question: str = "") -> list[Flag]:
    """Return what is wrong with a trace and its reply, in the order of :data:`FLAGS`.

    Each flag comes once at most; blanks at either end of the texts have no say. ``question`` helps
    to tell what a short reply means: the options of an exam, whether yes or no was asked.
    """
    trace, reply, question = _bare(reasoning), _bare(reply), _bare(question)
    found = []
    for flag, check in zip(FLAGS, _CHECKS, strict=True):
        reason = check(trace, reply, question)
        if reason is not None:
            found.append(Flag(flag, _one_line(reason)))
    return found


_THINK = re.compile(r"</?think(?:ing)?>")


def _bare(text: str) -> str:
    return _THINK.sub("", text).strip()


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= REASON else line[: REASON - 1] + "…"


def _solid(text: str) -> str:
    """Return the letters and digits of a text."""
    return "".join(filter(str.isalnum, text))


# --- language --------------------------------------------------------------------------------

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_QUOTED = re.compile(
    '“[^“”]{0,400}”|"[^"\n]{0,400}"|「[^「」]{0,400}」|`[^`]{0,400}`|《[^《》]{0,80}》'
)
# Words of one script in a row, as running text has them; single terms are no language.
_LATIN_RUN = re.compile(r"(?:[A-Za-zÀ-ɏḀ-ỿ]++['’\-]?[,.;:!?()\d\s%/\"]{0,6}){5,}+")
_FUNCTION = re.compile(
    r"\b(?:the|is|are|was|of|and|to|in|that|with|for|this|should|an?|be|or|not|it|as"
    r"|der|die|und|ist|nicht|les?|la|et|est|une?|des|el|los|que|por|va|cua|la|và|của|không)\b",
    re.I,
)
_KANA = re.compile("[\u3041-\u30fa]")
_OTHER = re.compile("[\u0370-\u1fff\uac00-\ud7af]")
_WORD = 2.0
"""Chinese characters that say as much as a word of letters."""
_FEW = 2
"""Fewest letters (a word counts as two) by which a language is told."""


def _chinese_share(text: str) -> float | None:
    """Return the share of Chinese among the running text, 0 to 1; None where there is none."""
    text = _QUOTED.sub("", text)
    han = len(_HAN.findall(text))
    kana = len(_KANA.findall(text))
    other = len(_OTHER.findall(text)) + kana
    for run in _LATIN_RUN.finditer(text):
        words = len(run[0].split())
        if len(_FUNCTION.findall(run[0])) >= 0.15 * words:
            other += int(_WORD * words)
    if kana > 0.15 * (han + kana):
        other, han = other + han, 0
    return han / (han + other) if han + other >= _FEW else None


def _other_language(trace: str, reply: str, question: str) -> str | None:
    thought, told = _chinese_share(trace), _chinese_share(reply)
    if told is None:
        told = _chinese_share(question)
    if thought is None or told is None or (thought < 0.5) == (told < 0.5):
        return None
    if abs(thought - told) < 0.4:
        return None
    return f"{thought:.0%} of the trace is Chinese, {told:.0%} of the reply"


# --- copied ----------------------------------------------------------------------------------

_LEAST_COPIED = 25
_COPIED = 0.8


def _copied(trace: str, reply: str, question: str) -> str | None:
    own, of = _solid(reply), _solid(trace)
    size = len(own)
    if size < _LEAST_COPIED or not of:
        return None
    # A block of 80 % holds the middle 60 %: find that, then see how far it goes on.
    cut = size // 5
    middle = own[cut : size - cut]
    at, longest = of.find(middle), 0
    for _ in range(8):
        if at < 0:
            break
        left = 0
        while left < min(cut, at) and own[cut - 1 - left] == of[at - 1 - left]:
            left += 1
        end, right = at + len(middle), 0
        while right < min(cut, len(of) - end) and own[size - cut + right] == of[end + right]:
            right += 1
        longest = max(longest, len(middle) + left + right)
        at = of.find(middle, at + 1)
    if longest < max(_COPIED * size, _LEAST_COPIED):
        return None
    return f"{longest} of {size} characters of the reply stand in the trace: {reply}"


# --- loops -----------------------------------------------------------------------------------

GRAM = 6


def repeated(text: str) -> float:
    """Return the share of a text's character 6-grams that stand in it before, 0 to 1."""
    body = "".join(text.split())
    total = len(body) - GRAM + 1
    if total <= 0:
        return 0.0
    return 1 - len({body[i : i + GRAM] for i in range(total)}) / total


_LOOP_GRAM, _LOOP_TIMES = 5, 3
_WINDOW = 160
_LOOPED = 0.6
_LOOP_CHARS = 40


def _loops(trace: str, reply: str, question: str) -> str | None:
    body = "".join(trace.split())
    if len(body) < _LOOP_CHARS:
        return None
    grams = [body[i : i + _LOOP_GRAM] for i in range(len(body) - _LOOP_GRAM + 1)]
    counts = Counter(grams)
    most, times = counts.most_common(1)[0]
    if times < _LOOP_TIMES:
        return None
    again = [counts[gram] >= _LOOP_TIMES for gram in grams]
    window = min(_WINDOW, len(again))
    inside = worst = sum(again[:window])
    for i in range(window, len(again)):
        inside += again[i] - again[i - window]
        worst = max(worst, inside)
    if worst < _LOOPED * window:
        return None
    at = body.index(most)
    return f"{times} times: {body[at : at + 40]}"


# --- cut off ---------------------------------------------------------------------------------

_OPEN_END = re.compile(
    r"(?:[，、：:,（(“「《【\[{=+×÷→<≥≤~～]|(?<=[^\-\s])-"
    r"|因此|所以|因而|故选?|所以选|应选|答案[是为]|因为|由于|但是?|而且?|并且?|以及|及|和|与|或者?|如果|若|例如|比如|包括|其中"
    r"|从而|导致|根据|通过|对于|关于|随着|即|如|以|把|被|将|从|向|使|让|为了|虽然|尽管|不仅|首先|其次|然后|接下来"
    r"|(?:主要|分别|可能|应该|原因|考虑|一般|方法|诊断|结论|表现|选择)[是为]"
    r"|(?:^|\n)\s*(?:\d{1,2}[.、)）]|[-*•]|[一二三四五六七八九十]、|[（(]\d{1,2}[)）]|[①-⑩]|#{1,6})"
    r"|\\[a-z]*)$"
)
_ENGLISH_END = re.compile(
    r"\b(?:the|an?|of|and|to|because|therefore|so|with|in|for|is|are|that|which|or|but|if|as|by|from|on)$"
)
_FINAL = frozenset("。！？!?；;.…~～”’」』)）】》\"'")
_PAIRS = (
    ("（", "）"),
    ("(", ")"),
    ("“", "”"),
    ("「", "」"),
    ("《", "》"),
    ("【", "】"),
    ("[", "]"),
)


def _ends_open(text: str) -> str | None:
    if not text:
        return None
    tail = text[-40:]
    match = _OPEN_END.search(tail) or _ENGLISH_END.search(tail)
    if match and match[0] != text:
        return f"ends with {tail[-20:]}"
    line = text[-400:].rpartition("\n")[2]
    for opened, closed in _PAIRS:
        at = line.rfind(opened)
        if at >= 0 and closed not in line[at:] and line.count(opened) > line.count(closed):
            return f"{opened} is never closed: {line[at:][:40]}"
    if text.count("$$") % 2 or text.count("```") % 2:
        return f"a formula or block is never closed: {tail[-20:]}"
    if line.replace("$$", "").count("$") % 2:
        return f"a formula is never closed: {tail[-20:]}"
    return None


def _cut_off(trace: str, reply: str, question: str) -> str | None:
    for name, text in (("trace", trace), ("reply", reply)):
        reason = _ends_open(text)
        if reason:
            return f"the {name} {reason}"
    return None


# --- refusal ---------------------------------------------------------------------------------

REFUSAL = re.compile(
    r"作为(?:一个|一名|一款)?(?:AI|人工智能|大?语言模型|智能助手)"
    r"|(?:抱歉|对不起|很遗憾)[，,]?(?:但)?我?(?:无法|不能|没有办法)"
    r"|我(?:无法|不能)(?:回答|提供|满足|完成|协助)"
    r"|(?i:as an ai\b|i(?:'m| am) sorry|i can(?:no|')t (?:help|assist|provide))"
)
"""A model that speaks of itself or declines. In a long text this alone is no refusal."""
_DECLINES = re.compile(
    r"(?:无法|不能|没办法|没有办法|没法|不便|不方便|不会|无权|难以)(?:就此|为您|为你|给您|给你|向您|对此|继续|直接|具体|再|在此)?"
    r"(?:回答|作答|提供|给出|满足|完成|协助|帮助|帮到|解答|答复|处理|讨论|回应|评论|给予|做出|作出|判断|诊断|开)"
    r"|(?:应该?|应当|需要?|只能|必须|决定|得|会)[^，。,]{0,6}(?:拒绝|婉拒|谢绝|回绝)(?:回答|提供|这|该|用户|请求|作答|$|[，。])"
    r"|超出(?:了)?我的(?:能力|知识|职责|范围)|(?:违反|不符合)[^，。]{0,8}(?:政策|规定|准则|使用)"
    r"|(?i:cannot|can't|unable to|won't) (?i:help|assist|provide|answer|comply|give|diagnose)"
)
_GENERIC = re.compile(
    r"(?:咨询|联系|寻求|请教|询问|求助)[^。]{0,14}(?:医生|医师|专业|医疗|药师|机构|人士|人员)"
    r"|(?:及时|尽快|前往|到|去)[^。]{0,10}(?:就医|就诊|医院)|请见谅|敬请谅解|感谢您?的?理解|其他问题|祝您|谢谢|抱歉|对不起"
    r"|(?i:sorry|consult|professional|doctor)"
)
_HELD_BACK = 20
"""A text with this many letters beside refusals and commonplaces holds something."""
_NOTHING = re.compile(
    r"\W*(?:略|暂无|同上|见上|如上|待补充|未知|无内容|思考中|正在思考|嗯|好的?|无|空|todo|n/?a|none|null|nan|undefined)?\W*",
    re.I,
)
_NO_REPLY = re.compile(
    r"\W*(?:略|暂无|同上|见上|如上|待补充|无内容|思考中|正在思考|todo|n/?a|none|null|nan|undefined)?\W*",
    re.I,
)


def _refuses(text: str) -> str | None:
    said = sentences(text[:2000])
    declined = [one for one in said if REFUSAL.search(one) or _DECLINES.search(one)]
    if not declined:
        return None
    rest = (one for one in said if one not in declined and not _GENERIC.search(one))
    if sum(map(len, rest)) >= _HELD_BACK:
        return None
    return declined[0]


def _refusal(trace: str, reply: str, question: str) -> str | None:
    for name, text, nothing in (("trace", trace, _NOTHING), ("reply", reply, _NO_REPLY)):
        if len(text) <= 20 and nothing.fullmatch(text):
            return f"the {name} holds nothing: {text}"
        refused = _refuses(text)
        if refused:
            return f"the {name} refuses: {refused}"
    return None


_CHECKS: tuple[Callable[[str, str, str], str | None], ...] = (
    contradiction, _other_language, _copied, _loops, _cut_off, _refusal,
)  # fmt: skip

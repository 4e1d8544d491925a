"""Checks of a reasoning trace beside its reply: tags with a reason, never drops.

    contradicts   the trace settles on another option, drug or yes/no than the reply
    language      the trace is in another language than the reply
    copied        the reply is copied whole from the trace
    loops         the trace says the same again and again
    cut_off       the trace or the reply ends in the middle of a sentence, a list or a formula
    refusal       the trace or the reply refuses as a model that cannot help, or holds nothing

A row without a flag is not thereby sound: docs/reference/traces.md tells how often each flag is
right on labelled rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from operator import add
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
    return (_THINK.sub("", text) if "<" in text else text).strip()


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= REASON else line[: REASON - 1] + "…"


_SOLID = re.compile(r"[^\W_]+")


def _solid(text: str) -> str:
    """Return the letters and digits of a text."""
    return "".join(_SOLID.findall(text))


# --- language --------------------------------------------------------------------------------

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_QUOTED = re.compile(
    '“[^“”]{0,400}”|"[^"\n]{0,400}"|「[^「」]{0,400}」|`[^`]{0,400}`|《[^《》]{0,80}》'
)
_WORD = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ]++(?:['’\-][A-Za-zÀ-ɏḀ-ỿ]++)*+")
# Words in a row, as running text has them; a term of up to four words is no language.
_RUN = re.compile(
    r"(?<![A-Za-zÀ-ɏḀ-ỿ])[A-Za-zÀ-ɏḀ-ỿ]++(?:[^A-Za-zÀ-ɏḀ-ỿ\u2e80-\u9fff\n]{1,6}[A-Za-zÀ-ɏḀ-ỿ]++){4,}+"
)
_FUNCTION = re.compile(
    r"\b(?:[Tt]he|[Tt]his|[Tt]hat|[Ii][sfnt]|are|was|of|and|to|with|for|should|an?|A|be|or"
    r"|[Nn]ot?|as|on|by|can|has"
    r"|der|die|und|ist|nicht|les?|la|et|est|une?|des|los|que|por|para|và|của|không)\b"
)
_KANA_OR_HANGUL = re.compile("[\u3041-\u30fa\uac00-\ud7af]")
_KANA = re.compile("[\u3041-\u30fa]")
_OTHER = re.compile("[\uac00-\ud7af]|[\u0370-\u1dff]{3,}")
_BYTES = 2.4
_CHARACTERS = 2
"""Chinese characters that say as much as a word of letters; fewest by which a language is told."""
_TRANSLATES = re.compile(
    r"[翻英日韩法德俄拉]译?[文语丁]|翻译|译[成为]|[Tt]ranslat|[Ii]n (?:English|Latin)|学名|English"
)


def _wide(text: str) -> bool:
    """Tell whether most characters of a text take three bytes: Chinese ones, and its points."""
    return len(text.encode("utf-8", "replace")) > _BYTES * len(text)


def _chinese_share(text: str) -> float | None:
    """Return the share of Chinese among the running text, 0 to 1; None where there is none."""
    if _wide(text) and not _KANA_OR_HANGUL.search(text):
        return 1.0
    text = _QUOTED.sub("", text)
    han, kana = len(_HAN.findall(text)), len(_KANA.findall(text))
    other = sum(map(len, _OTHER.findall(text))) + kana
    if _WORD.search(text):
        words = 0
        for run in _RUN.findall(text):
            size = len(_WORD.findall(run))
            # Without these words it is a list of terms, unless there is little else.
            long = sum(len(word) > 2 for word in _WORD.findall(run))
            if len(_FUNCTION.findall(run)) >= 0.1 * size or (
                size >= 8 and han < size and 2 * long > size
            ):
                words += size
        other += _CHARACTERS * words
    if kana > 0.15 * (han + kana):
        other, han = other + han, 0
    return han / (han + other) if han + other >= _CHARACTERS else None


def _other_language(trace: str, reply: str, question: str) -> str | None:
    thought, told = _chinese_share(trace), _chinese_share(reply)
    if told is None:
        told = _chinese_share(question)
    if thought is None or told is None or abs(thought - told) < 0.4:
        return None
    if told < thought and _TRANSLATES.search(question):
        return None  # the reply is in the language that was asked for
    return f"{thought:.0%} of the trace is Chinese, {told:.0%} of the reply"


# --- copied ----------------------------------------------------------------------------------

_LEAST_COPIED = 20
_COPIED = 0.7


def _copied(trace: str, reply: str, question: str) -> str | None:
    own, of = _solid(reply), _solid(trace)
    size = len(own)
    if size < _LEAST_COPIED or not of:
        return None
    # A block of 70 % holds the middle 40 %: find that, then see how far it goes on.
    cut = size * 3 // 10
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

_TOKEN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[A-Za-z]+|[0-9]+(?:\.[0-9]+)?")
_PIECE = re.compile(r"[^，。；！？、：,;!?:\n]+")
_LEAST_PIECES = 5
_WINDOWS = ((40, 0.4), (60, 0.5), (80, 0.54), (150, 0.58))
"""Pairs of neighbouring characters or words, and the share of different ones under which a text
goes round. Set so that none of 17,000 answers of models does."""
_WIDE = 150
_WHOLE, _PROBE = 0.45, 8
_WAVERS = re.compile(
    r"(?<=[。？！，,.?!\n])(?:或者|要不|再不然|不过|但|可是|还是|那么|等等|等一下|不对|再想|再看|wait|but|or|hmm)",
    re.I,
)
_WAVERING, _WAVERING_PAIRS = 6, (_WIDE, 0.7)
_SAID_AGAIN = 0.5


def _loops(trace: str, reply: str, question: str) -> str | None:
    tokens: Sequence[str] = _solid(trace) if _wide(trace) else _TOKEN.findall(trace)
    pairs = list(map(add, tokens, tokens[1:]))
    if len(pairs) < _WINDOWS[0][0]:
        return _says_again(trace)
    step = len(trace) // 6 + 1
    probes = [trace[at : at + _PROBE] for at in range(step, len(trace), step)]
    if sum(trace.count(probe) > 1 for probe in probes) > 2:  # passages longer than a window
        reason = _goes_round(pairs, _WHOLE)
        if reason:
            return reason
    for begin in range(0, max(1, len(pairs) - _WIDE // 3), _WIDE * 2 // 3):
        wide = pairs[begin : begin + _WIDE]
        old = len(wide) - len(set(wide))
        for size, least in _WINDOWS:
            last = len(wide) - size
            if last < 0:
                break
            if old < (1 - least) * size:
                continue
            for at in (*range(0, last, size // 3), last):
                reason = _goes_round(wide[at : at + size], least)
                if reason:
                    return reason
        size, least = _WAVERING_PAIRS
        wavering = len(wide) == size and old > (1 - least) * size
        if wavering and len(_WAVERS.findall(trace)) >= _WAVERING:
            return _goes_round(wide, least)
    return None


def _goes_round(pairs: list[str], least: float) -> str | None:
    size = len(pairs)
    share = len(set(pairs)) / size
    if share >= least:
        return None
    again, times = Counter(pairs).most_common(1)[0]
    at = pairs.index(again)
    words = "".join(pairs[at : at + 30 : 2])
    return f"{share:.0%} of {size} pairs are new, {again} comes {times} times: {words}"


def _says_again(trace: str) -> str | None:
    """Tell whether half of a short text is clauses that stand there three times."""
    pieces = [solid for piece in _PIECE.findall(trace) if (solid := _solid(piece))]
    if len(pieces) < _LEAST_PIECES:
        return None
    counts = Counter(pieces)
    again = {piece: times for piece, times in counts.items() if times > 2 and len(piece) > 1}
    chars = sum(len(piece) * times for piece, times in again.items())
    if chars < _SAID_AGAIN * sum(map(len, pieces)):
        return None
    worst = max(again, key=again.__getitem__)
    return f"{again[worst]} times: {worst}"


# --- cut off ---------------------------------------------------------------------------------

_OPEN_END = re.compile(
    r"(?:[，、：:,（(“「《【\[{=+×÷→<≥≤]|(?<=[^\-\s])-"
    r"|因此|所以|因而|(?<![缘何病])故|(?:所以|因此|故|应|那么|只能|最终)选择?|(?:答案|本题"
    r"|此题)选|(?:同时|还|也|先)要|答案[是为]|因为"
    r"|由于|但是?"
    r"|(?<!而)而且?|并且|(?<![合吞兼])并|以及|(?<![涉提普触累波顾得不])及|(?<![缓温平饱调柔])和"
    r"|(?<![参给])与"
    r"|或者?|如果|假如|若|例如|比如|包括|(?:注意|提醒|强调|说明|指出|补充)的是|(?<!在)其中|从而"
    r"|(?:从而|进而|会|可能|易)导致|(?<![有的为])根据|对于|关于|随着"
    r"|(?<![可足])以|把|(?<![棉])被|(?<![方倾意志趋定取走内外偏])向|为了|虽然|尽管|不仅|首先"
    r"|其次|然后|接下来"
    r"|(?:主要|分别|可能|应该|原因|考虑|一般|方法|诊断|结论|表现|选择|需要的)[是为]"
    r"|应先用|应当(?:先)?用|首先用|给予|(?:因此|所以|，)建议|建议您|请您|祝您|(?:是|应|请|建议"
    r"|需)您?(?:及时|尽快|尽量)"
    r"|属于|具有|位于|来自|(?<![有果])需要|应当|应该|(?<![有不])可能"
    r"|每[次日天](?:服用?)?\d+(?:\.\d*)?|[是为约达至于]\d+\.|[；;]\s?\d{1,2}|(?:服用?|每次"
    r"|用)[^，。]{0,12}\d+\s?m"
    r"|(?:^|\n)[ \t]{0,8}(?:\d{1,2}[.、)）]|[-*•]|[一二三四五六七八九十]、|第[一二三四五六][，、]?"
    r"|[（(]\d{1,2}[)）]|[①-⑩]|#{1,6})"
    r"|\\[a-z]*)$"
)
_WHOLE_WORD = re.compile(
    r"(?:[即均都亦也皆尚还认许方才]可|[可足]以|[缓温平饱调柔]和|[有没不]需要?"
    r"|[涉提普触累波顾来]及|临床|[^应先]首选"
    r"|由[^。，]{1,12}(?:导致|引起)|其他|吉他|回家|专家|大家|住院|辅助|帮助|细菌)$"
)
_ITEM = re.compile(r"\s*(?:[-*•]|\d{1,2}[.、)）]|[①-⑩])")
_ENGLISH_END = re.compile(
    r"\b(?:the|an?|of|and|to|because|therefore|so|with|in|for|is|are|that|which|or|but|if|as|by"
    r"|from|on|should|can)$"
)
_NEVER_LAST = frozenset(
    "可和患需包并建该不对及免于细辅其使他采就相综避功临还表神霉保随也针与早这电支咨骨呼措组祝接严日客阿普帮但"
    "西由个较尽基造泼恶反休提氯青予贫往沙希乙葡监淋都抑颅即萄评请氟衣专妊卫酰硝输自必脱脊遗穿更纤困局疑洛链李最很以而或根检疾疫蛋摄凝呕维"
)
"""Characters that stand before a stop less than once in 100 times, in 17,000 answers of models."""
_TAIL, _MIN_SENTENCE = 24, 15
_PAIRS = (("（(", "）)"), ("“", "”"), ("「", "」"), ("《", "》"), ("【[", "】]"))
_NUMBER = {"两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6}
_ANNOUNCED = re.compile(
    "(?:有|分为?|以下|下面|从|包括|是|这|主要"
    "|如下)[^。，：:\n]{0,8}([两二三四五六])(?:大)?(?:个|点|种|方面|步|条|项|类"
    "|层)[^。：:\n]{0,8}[。：:\n]"
)
_ORDINALS = (
    ("第一", "第二", "第三", "第四", "第五", "第六"),
    ("一是", "二是", "三是", "四是", "五是", "六是"),
    ("一、", "二、", "三、", "四、", "五、", "六、"),
    ("其一", "其二", "其三", "其四", "其五", "其六"),
    ("①", "②", "③", "④", "⑤", "⑥"),
    ("1.", "2.", "3.", "4.", "5.", "6."),
    ("1、", "2、", "3、", "4、", "5、", "6、"),
)


def _ends_open(text: str) -> str | None:
    tail = text[-_TAIL:]
    match = _OPEN_END.search(tail) or _ENGLISH_END.search(tail)
    before, _, line = text[-1000:].rpartition("\n")
    never = tail[-1:] in _NEVER_LAST and len(text) >= _MIN_SENTENCE
    if (match and match[0] != text) or never:
        listed = _ITEM.match(line) and _ITEM.match(before.rpartition("\n")[2])
        whole = _WHOLE_WORD.search(tail) or (listed and before[-1:].isalnum())
        if not whole or (match and not match[0].isalnum()):
            return f"ends with {tail[-20:]}"
    if line.startswith("|") and before.endswith("|") and not line.endswith("|"):
        return f"ends inside a row of a table: {line[-40:]}"
    for opening, closing in _PAIRS:
        opened = max(map(line.rfind, opening))
        if opened > max(map(line.rfind, closing)):
            return f"{line[opened]} is never closed: {line[opened:][:40]}"
    if (
        text.count("```") % 2
        or line.count("**") % 2
        or text.count("$") % 2
        or text.count("\\[") > text.count("\\]")
    ):
        return f"a formula or block is never closed: {tail[-20:]}"
    return _list_ends(text[-400:])


def _list_ends(text: str) -> str | None:
    """Tell whether a text announces more points than it numbers up to its end."""
    found = list(_ANNOUNCED.finditer(text))
    if not found:
        return None
    announced = found[-1]
    points = text[announced.end() :]
    for ordinals in _ORDINALS:
        numbered = sum(one in points for one in ordinals)
        if numbered >= 2 and all(one in points for one in ordinals[:numbered]):
            last = points[points.rindex(ordinals[numbered - 1]) :]
            if numbered < _NUMBER[announced[1]] and len(sentences(last)) <= 1:
                return f"announces {announced[1]} points, numbers {numbered}: {last}"
            return None
    return None


def _cut_off(trace: str, reply: str, question: str) -> str | None:
    for name, text in (("trace", trace), ("reply", reply)):
        reason = _ends_open(text) if text else None
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
    r"(?:无法|不能|没办法|没有办法|没法|不便|不方便|不会|无权|难以|不再|不予)(?:就此|为您|为你"
    r"|给您|给你|向您|对此|继续|直接|具体|再|在此|多){0,2}"
    r"(?:回答|作答|提供|给出|满足|完成|协助|帮助|帮到|解答|答复|处理|讨论|回应|评论|给予|做出"
    r"|作出|显示|展示|置评|多说|告知|透露|协助)"
    r"|我(?:只?是)(?:一个|一名|个)?(?:AI|人工智能|语言模型|机器人|程序|智能)|(?:我|这个)[^，。]{0,4}不太?清楚|聊点?别的"
    r"|换一?个话题|话题[^，。]{0,4}敏感"
    r"|(?:回答|解答|判断|帮|答|做)不(?:了|上|来)|不多说|恕(?:我|难)|无可奉告|爱莫能助"
    r"|不作(?:具体|进一步|任何)?(?:答复|回答|评论|解释)"
    r"|谢绝|婉拒|(?:交给|留给|让)(?:更?专业|医生|医师)|不(?:是|在)我(?:该|能|的)"
    r"|以[^。，]{0,8}(?:医生|医师)的?(?:意见|判断|诊断)为准"
    r"|超出(?:了)?(?:我的|本)|(?:违反|不符合|根据|涉及|按照)[^。，]{0,10}(?:政策|规定|准则|规范"
    r"|法规|敏感)|换个?(?:话题|问题)"
)
_DECLINES_IN_ENGLISH = re.compile(
    r"not (?:something i|able to|going to|comply|appropriate for me)|i must decline"
    r"|decline to|leave (?:that|this) to"
    r"|(?:cannot|can't|unable to|won't) (?:help|assist|provide|answer|comply"
    r"|give|diagnose|offer|discuss)",
    re.I,
)
_GENERIC = re.compile(
    r"(?:咨询|联系|寻求|请教|询问|求助|查阅|由)[^。]{0,14}(?:医生|医师|专业|医疗|药师|机构|人士"
    r"|人员|教材|老师)"
    r"|(?:及时|尽快|前往|到|去|建议您?)[^。]{0,10}(?:就医|就诊|医院)|见谅|谅解|理解|其他问题|祝"
    r"|谢|抱歉|对不起|遗憾|愿您?|希望"
    r"|不容易|辛苦|很?重要|比较?复杂|因人而异|具体情况|独一无二|马虎|不便|信任|提问|关心|担心"
    r"|您好|你好|收到|代替|面诊|评估后|遵医嘱|建议您?$"
    r"|(?i:sorry|consult|professional|doctor|physician|prescriber|pharmacist|provider"
    r"|feel better|thank|take care|different|best wishes)"
)
_REFERS = re.compile("(?:咨询|请教|询问|前往|就诊|就医|医院)|医生|医师")
_ASKS_WHERE = re.compile("科|哪里|哪儿|哪个|医院|医生|医师|谁|部位|挂")
_ASKS = re.compile("[?？吗呢么什怎哪几多能要该]")
_URGENT = re.compile("急诊|120|急救|[0-9]")
_DECIDES = re.compile(
    r"(?:只能|应该?|应当|需要?|必须|决定|得|还是|就|那么|算了|要|这里|稳妥起见|所以)[^。不]{0,8}"
    r"(?:谢绝|婉拒|回绝|拒绝(?=回答|提供|作答|这|该|用户|请求|[，。,]|$)|不作(?:具体)?答复"
    r"|不回答|不予回答|不提供|不给出)"
    r"|(?i:must (?:not comply|decline|refuse)|should (?:decline|refuse)|i(?:'ll"
    r"| will) (?:decline|refuse))"
)
_BROKEN = re.compile(
    "(?:服务器?|网络)(?:繁忙|错误|异常)|系统繁忙|稍后(?:再试|重试)|生成失败|无法生成"
    "|已被(?:过滤|屏蔽|拦截)|暂不支持|敏感词|暂不予?显示"
)
# What is left of a text without these words is what it says.
_TALK = re.compile(
    "思考过程|过程|省略|略|跳过|无需|不需要|不用|简单|比较|题目?|耐心|等待|医生|回复|已|希望"
    "|以上|有(?:所)?帮助|就|好的|嗯+|首先|让我|我来|我|需要|思考|想想|想一下|想|仔细|认真|分析"
    "|用户|提出|提问|问了"
    "|问的|问题|回答|一下|这是|这个|这|一个|一道"
    "|关于|医学|医疗|健康|先|然后|给出|答案|根据|情况|接下来|下面|如下|应该|看看|看|可以|开始"
    "|整理|组织|语言|思路|直接|作答|即可"
    "|您好|你好|请问|有什么|帮您|帮助|很高兴|为您|服务|明白了?|知道了|收到|感谢|谢谢|您|你|的"
    "|了|吧|要|是|来|就|请|很|好|对|吗|呢"
)
_LEAST_TALK, _LEAST_SAID = {"trace": 4, "reply": 8}, 4
_LONG = 600
_HELD_BACK = 20
"""A text with this many letters beside refusals and commonplaces holds something."""
_NOTHING = re.compile(
    r"\W*(?:略|暂无|同上|见上|如上|待补充|未知|无内容|思考中|正在思考|嗯|好的?|无|空|todo|n/?a|none|null|nan|undefined)?\W*",
    re.I,
)
_SIGN = re.compile("[×√✓✗✔✘○+±↑↓]")
_NO_REPLY = re.compile(
    r"\W*(?:略|暂无|同上|见上|如上|待补充|无内容|思考中|正在思考|todo|n/?a|none|null|nan|undefined)?\W*",
    re.I,
)


_REFUSALS = (REFUSAL, _DECLINES, _DECLINES_IN_ENGLISH)


def _refuses(text: str, question: str) -> str | None:
    """Return the words with which a text refuses, unless it says something of its own as well."""
    if len(text) > _LONG:
        return None
    declined: list[str] = []
    if any(pattern.search(text) for pattern in _REFUSALS):
        declined = [
            one for one in sentences(text) if any(pattern.search(one) for pattern in _REFUSALS)
        ]
    refers = (
        _REFERS.search(text)
        and not _URGENT.search(text)
        and not _ASKS_WHERE.search(question)
        and _ASKS.search(question)
    )
    if not declined and not refers:
        return None
    asked, left = _two(question), _HELD_BACK if declined else _HELD_BACK // 5
    for one in sentences(text):
        if one in declined:
            continue
        for clause in _PIECE.findall(one):
            pairs = _two(clause)
            if len(pairs & asked) < 0.5 * len(pairs) and not _GENERIC.search(clause):
                left -= len(pairs)
                if left <= 0:
                    return None
    return declined[0] if declined else text


def _says(text: str) -> bool:
    solid = _solid(text)
    return bool(_HAN.sub("", solid)) or len(_TALK.sub("", solid)) >= _LEAST_SAID


def _two(text: str) -> set[str]:
    solid = _solid(text)
    return {solid[i : i + 2] for i in range(len(solid) - 1)}


def _refusal(trace: str, reply: str, question: str) -> str | None:
    for name, text, nothing in (("trace", trace, _NOTHING), ("reply", reply, _NO_REPLY)):
        if len(text) <= 20 and nothing.fullmatch(text) and not _SIGN.search(text):
            return f"the {name} holds nothing: {text}"
        if _LEAST_TALK[name] <= len(text) <= 100 and not _says(text):
            return f"the {name} holds nothing: {text}"
    if len(reply) <= 80 and (broken := _BROKEN.search(reply)):
        return f"the reply holds nothing: {broken[0]}"
    decided = _DECIDES.search(trace[-150:])
    if decided:
        return f"the trace refuses: {decided[0]}"
    for name, text in (("trace", trace), ("reply", reply)):
        refused = _refuses(text, question)
        if refused:
            return f"the {name} refuses: {refused}"
    return None


_CHECKS: tuple[Callable[[str, str, str], str | None], ...] = (
    contradiction, _other_language, _copied, _loops, _cut_off, _refusal,
)  # fmt: skip

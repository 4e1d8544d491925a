"""How exam questions are written: numbers before them, letters before options, blanks to fill.

Patterns look at texts as they are, before letters and digits alone are compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_HAN_NUMBER = "[一二三四五六七八九十百]{1,4}"
_NUMBER = rf"(?:\d{{1,4}}|{_HAN_NUMBER})"
_SORT = (
    "(?:单项|多项|单选|多选|选择|判断|填空|问答|简答|论述|名词解释|是非|配伍|共用题干|案例分析|病例分析"
    "|[A-Z]\\d{0,2}型?)(?:选择)?"
)
_OPEN, _CLOSE = r"[【\[（(〔〖《「]", r"[】\]）)〕〗》」]"
_LEAD = rf"""(?:
    第\s*{_NUMBER}\s*[小大]?[题问道]\s*[：:.、．,，]?
  | {_OPEN}[^】\])）〕]{{0,8}}?\d{{1,4}}[^】\])）〕]{{0,6}}?{_CLOSE}\s*[：:.、．]?
  | {_OPEN}\s*(?:第?\s*{_NUMBER}\s*[题问]?|Q\s*\d{{0,4}}|{_SORT}题?|题目?|题干|问题?|例题?|真题|考题
      |(?:19|20)\d\d年?\S{{0,6}}|\d{{1,2}}\s*分)\s*{_CLOSE}\s*[：:.、．]?
  | [QqＱ]\s*(?:uestion)?\s*\d{{0,4}}\s*[：:.、．)）]
  | \d{{1,4}}\s*[.．](?!\d) | \d{{1,4}}\s*[、)）:：](?!\d) | \d{{1,4}}[ \u3000\t]+(?=[^\d\s])
  | {_HAN_NUMBER}\s*[、.．](?![一二三四五六七八九十])
  | [\u4e00-\u9fff]\s*\d{{1,4}}\s*(?:[.．、:：)），,。;；](?!\d)|[ \t\u3000]+(?=[^\d\s]))
  | [\u4e00-\u9fff]\s*[（(\[【·.:：-]\s*\d{{1,4}}\s*[^\w%％\s]+\s*(?=[^\d\s])
  | (?:№|[Nn][Oo]\.?|[\u4e00-\u9fff]|\b)\s*\d{{1,4}}\s*[-—–－|｜/~～»>〉·•]+\s*(?=[^\d\s])
  | (?:№|[Nn][Oo]\.?)\s*\d{{1,4}}\s*[.．、:：)）]?\s*(?=[^\d\s])
  | [①-⑳⑴-⒛㈠-㈩❶-❿➀-➓]\s*[.、．：:]?
  | (?:{_SORT}题|题目|题干|试题|问题|问|题|例题?|练习题?|考题|真题|患者|病人|用户|学生)
      \s*{_NUMBER}?\s*[：:]
  | (?:{_SORT}题|[试考习真例]?题目?|问题?|[案病]?例)\s*
      (?:\d{{1,4}}\s*[.．、)）]?(?![\d.．])|{_HAN_NUMBER}\s*[.．、)）])\s*
)"""
_LEADS = re.compile(rf"[\s*\#>•·●◆■○▪★☆※△▲▶►◇□§-]*{_LEAD}\s*", re.X)
_TRAILS = re.compile(
    rf"(?<!\s)\s*[（(\[【]\s*(?:\d+(?:\.\d)?\s*分|{_SORT}题?|[A-Fa-f][A-Fa-f、,，\s]{{0,8}}"
    r"|(?:19|20)\d\d年?\S{0,6})\s*[）)\]】]\s*(?:[。.？?]\s*)?$"
)
_BLANK = re.compile(
    r"[（(\[【]\s*[A-Fa-f]?\s*[）)\]】]|[_＿](?:\s*[_＿])+|[—－-]{3,}|…{2,}|\.{4,}|□{2,}|\(\s*\?\s*\)"
)
_ASKS_FOR = re.compile(
    "(?:(?:下列|以下|下面)(?:关于)?(?:选项|各项|各种|几项|何者)?中?)?"
    "(?:什么|哪(?:一|几)?[项种个类些味条经穴方型组者处脏时期年级位]?|何[时处者种物]|多少|几(?=[个种次天年月日周岁时条类项腰肋]))"
    "(?:(?<=[什么种个类些项味])(?:药物|药|方剂|疾病|症状|体征|检查|治法|方法|措施|因素|原因|部位|脏器|脏腑|器官"
    "|穴位|经脉|物质|情况|细胞|激素|维生素|神经|血管))?"
)
_ASKING = re.compile(
    "什么|哪|何|几|多少|吗|呢|怎|是否|能否|可否|谁|[是为于指属见括含有由需应选致在]$|不包括|除外"
    "|简述|试述|请|写出|说明|列举|论述|如何|能不能|可不可以|要不要|会不会|算不算|是不是"
)
_BARE = re.compile(
    "下列|以下|下面|上述|关于|有关|对于|哪一?[项种个类些者]?|什么|选项|各项|说法|叙述|描述|表述|观点|论述|陈述"
    "|正确|错误|恰当|合适|准确|符合|属于|包括|除外|除了|不[是对属]?|最?可能性?|最大|最佳|最好|首先|首选|应该?|考虑"
    "|诊断|治疗|检查|处理|措施|方法|原因|药物|方剂|代表方|选方|治法|证型|证候|病机|病因|患者|病人|该|本|此|其|上"
    "|题|问题|答案|选择|请|问|主要|常见|临床表现|意义|价值|有|无|的|了|是|为|在|中|于|与|和|对|项|种|个|一|最|可|能|以"
)
_LABEL = re.compile(
    r"\s*(?:[（(\[【]\s*(?P<a>[A-Ja-j]|\d{1,2})\s*[）)\]】]\s*[.．、]?|(?P<b>[A-Ja-j])\s*[.．、:：)）,，]"
    r"|(?P<c>\d{1,2})\s*(?:[.．、)）:：](?!\d))|(?P<d>[①-⑩]))\s*"
)
_FULL = str.maketrans(
    "ＡＢＣＤＥＦＧＨＩＪａｂｃｄｅｆｇｈｉｊ０１２３４５６７８９",
    "ABCDEFGHIJabcdefghij0123456789",
)
_CIRCLED = str.maketrans("①②③④⑤⑥⑦⑧⑨", "123456789")
_SEQUENCES = ("ABCDEFGHIJ", "123456789", "0123456789")
_OPTION = re.compile(
    r"\s*(?:[（(\[【]\s*[A-Ja-j1-9]\s*[）)\]】]|[A-Ja-j]\s*[.．、:：)）,，]|[AＡ](?=\s*[\u4e00-\u9fff])"
    r"|1\s*[.．、)）](?!\d)|①)"
)
_ANSWER = re.compile(
    r"\s*(?:[【\[（(]\s*)?(?:正确|标准|参考|本题)?(?:答案|答|解析|解答|选项|选[A-E：:])\s*[】\]）)]?\s*[：:是为]?"
)
_BETWEEN = re.compile(
    "(?:正确|标准|参考|本题|的|选项|答案|回答|答|应选|选择|选|应该|应当|应|就是|为|是|属于|[a-j1-9])*"
)
_ENDING = re.compile(
    "(?:(?:又|应|主要|分别|都|各)?(?:是|为|有|指|在|于)?的?"
    "(?:什么|啥|哪(?:一|几)?[个些种项类条味位处型者]|哪里|哪儿|谁|多少|几个|何|怎样的?|如何)?"
    r"|(?:是|为|有|在|于|需要?|约|达到?)(?:什么|哪|何|多[大长久高]|第几)\w{0,2}"
    r"|(?<=[是为于在属见指有致选用与和由归走入主行循治宜约达占])(?:什么|啥|哪|何|几|多|第几|怎样)\w{0,4}"
    r")(?:呢|啊|呀|吧)?(?=\W|$)"
)
"""What may stand between a stem and the end of the question that is made of it."""
_TAIL = re.compile(
    r"[\s*\"”’」』】》]*(?P<blank>(?:[（(\[【]\s*[A-Fa-fＡ-Ｆ]?\s*[）)\]】]|[_＿](?:\s*[_＿])+|[—－-]{2,}|…+|\.{3,}|□+)?)"
    r"\s*(?P<mark>[？?。.！!：:；;]*)[\s*_\"”’」』】》]*"
)
_POLITE = re.compile(
    r"(?:请问(?:一下)?|请教(?:一下)?|问一下|想问(?:一下)?|咨询(?:一下)?|你好|您好|医生|大夫|老师|同学|各位"
    r"|麻烦|帮我?(?:看看|看一下|解答|做一下)?|请(?:你|您)?(?:回答|解答|作答|选择|看)?(?:下面|以下|下列|这)?[的道个]?(?:一道)?"
    r"(?:选择|单选|多选|填空|问答|考试)?(?:题目?|问题)?|(?:这|有)(?:一|道)*题|我|[，,、：:！!。~～\s])*"
)
_MARKUP = " \t\u3000*#>_-—•·●◆■○▪\"'“‘「『【《[(（"
_SENTENCE = re.compile(r"[\n。？！?!；;]")
_ASIDE = 80


class Around(NamedTuple):
    """What stands around a question in a text.

    begins, ends: whether a line or sentence begins and ends with it.
    numbered:     whether a number or "question:" stands before it.
    blank:        whether a blank to fill stands behind it.
    asked:        whether a question mark or a colon does.
    alone:        whether it has its line for itself.
    worded:       whether 是什么 or the like stands between it and its end.
    choices:      whether the letter of an option comes next.
    answer:       whether a word like 答案 comes next.
    before:       where in the text its number or line begins; after: where what follows begins.
    """

    begins: bool
    ends: bool
    numbered: bool
    blank: bool
    asked: bool
    alone: bool
    worded: bool
    choices: bool
    answer: bool
    before: int
    after: int

    @property
    def of_an_exam(self) -> bool:
        return self.numbered or self.blank or self.choices or self.answer


def bare_stem(stem: str) -> str:
    """Return a question without its number and without remarks such as （2分）.

    >>> texts = ("12.脾主运化", "第3题：何谓气虚", "1.5 mg 是", "（二）气的功能是（2分）")
    >>> [bare_stem(text) for text in texts]
    ['脾主运化', '何谓气虚', '1.5 mg 是', '气的功能是']
    """
    for _ in range(3):
        found = _LEADS.match(stem)
        if not found or not stem[found.end() :].strip():
            break
        stem = stem[found.end() :]
    without = _TRAILS.sub("", stem)
    return without if without.strip() else stem


def bare_options(options: Sequence[str]) -> tuple[str, ...]:
    """Return options without their letters or numbers, where all have theirs in order.

    >>> [bare_options(some) for some in (["A.目", "B.耳"], ["１、早", "２、晚"], ["A型", "B型"])]
    [('目', '耳'), ('早', '晚'), ('A型', 'B型')]
    """
    found = [_LABEL.match(option.translate(_FULL)) for option in options]
    marks = "".join((m["a"] or m["b"] or m["c"] or m["d"] or "") if m else "" for m in found)
    rest = [option[m.end() :] if m else option for option, m in zip(options, found, strict=True)]
    marks = marks.translate(_CIRCLED)
    ordered = any(marks.upper() == marks_of[: len(options)] for marks_of in _SEQUENCES)
    if len(options) > 1 and ordered and all(text.strip() for text in rest):
        return tuple(rest)
    return tuple(options)


def right_options(answer: str | None, options: Sequence[str]) -> tuple[str, ...]:
    """Return the right answers as texts: of "A" or "BD" the options, else what is said.

    >>> right_options("BC", ["甲", "乙", "丙"]), right_options("A. 甲", ["甲", "乙"])
    (('乙', '丙'), ('甲',))
    >>> right_options("神", []), right_options(None, ["甲"])
    (('神',), ())
    """
    if not answer:
        return ()
    if not options:
        return (answer,)
    letters = re.sub(r"[\s,，、;；.．]", "", answer.translate(_FULL)).upper()
    if re.fullmatch("[A-J]+", letters):
        places = ["ABCDEFGHIJ".index(letter) for letter in letters]
        return tuple(options[i] for i in places if i < len(options))
    said = answer[m.end() :] if (m := _LABEL.match(answer.translate(_FULL))) else answer
    return tuple(option for option in options if option.strip() == said.strip())


def statement(stem: str, answers: Sequence[str]) -> str:
    """Return a stem with its blanks filled in, where the answers are as many as these; else "".

    >>> statement("肺主（　），肾主____", ["皮毛；骨"]), statement("肝藏____", ["血"])
    ('肺主皮毛，肾主骨', '')
    """
    pieces = _BLANK.split(stem)
    if len(answers) == 1 and len(pieces) > 2:
        answers = re.split(r"[；;，,、/\s]+", answers[0].strip())
    inner = len(pieces) > 2 or bool(re.search(r"\w", pieces[-1]))
    if len(pieces) != len(answers) + 1 or not inner:
        return ""
    return "".join(piece + answer for piece, answer in zip(pieces, [*answers, ""], strict=True))


def gaps(stem: str) -> list[list[str]]:
    """Return the pieces of a question around what is to be filled in: blanks, or 哪种, 什么, 何时.

    >>> gaps("主治（　）的方剂是____。"), gaps("下列哪项不属于桑菊饮的组成"), gaps("何谓气虚")
    ([['主治', '的方剂是', '。']], [['', '不属于桑菊饮的组成']], [])
    """
    blanks = _BLANK.split(stem)
    if len(blanks) > 1:
        return [blanks]
    found = _ASKS_FOR.finditer(stem)
    return [[stem[: one.start()], stem[one.end() :]] for one in found]


def has_blank(stem: str) -> bool:
    return bool(_BLANK.search(stem))


def has_subject(stem: str) -> bool:
    """Tell whether a question says what it is about: 下列说法正确的是 does not.

    >>> [has_subject(text) for text in ("下列说法正确的是", "最可能的诊断是", "肝开窍于")]
    [False, False, True]
    """
    return len(re.findall(r"\w", _BARE.sub("", stem))) > 1


def asks(stem: str) -> bool:
    """Tell whether the words ask or are to be completed; a heading such as 霍乱的传播途径 is not.

    >>> [asks(text) for text in ("霍乱的传播途径", "霍乱的传播途径是", "煎剂一般煎几次？")]
    [False, True, True]
    """
    return has_blank(stem) or bool(_ASKING.search(re.sub(r"(?<![\W_])[\W_]+$", "", stem)))


def around(text: str, start: int, end: int, first: int, last: int) -> Around:
    """Return what stands around ``text[start:end]``; first, last: the part of ``text`` it is in."""
    head = text[max(first, start - _ASIDE) : start]
    cuts = [found.end() for found in _SENTENCE.finditer(head)]
    cut = cuts[-1] if cuts else 0
    line = head[cut:].strip(_MARKUP)
    begins = numbered = False
    if cut or start - len(head) == first:  # the line does not begin further away
        raw = head[cut:].lstrip("*#>_-—•·●◆■○▪\"'“‘「『 \t\u3000")
        numbered = _all_leads(raw)
        begins = numbered or not line or bool(_POLITE.fullmatch(line))
        if not begins and re.search("[：:]$", line):
            begins = True
    ending = _ENDING.match(text, end, min(last, end + _ASIDE))
    worded = bool(ending and ending[0])
    if ending:
        end = ending.end()
    tail = _TAIL.match(text[end : min(last, end + _ASIDE)])
    assert tail is not None  # every part of it may be empty
    after = end + tail.end()
    rest = text[after : min(last, after + _ASIDE)]
    choices, answer = bool(_OPTION.match(rest)), bool(_ANSWER.match(rest))
    line_ends = after >= last or "\n" in tail[0]
    ends = line_ends or bool(tail["blank"] or tail["mark"]) or choices or answer
    starts_line = start - len(head) + cut == first or (cut > 0 and head[cut - 1] == "\n")
    return Around(
        begins,
        ends,
        numbered,
        bool(tail["blank"]),
        any(mark in tail["mark"] for mark in "？?：:"),
        starts_line and line_ends,
        worded,
        choices,
        answer,
        start - len(head) + cut,
        after,
    )


def last_end(text: str) -> int:
    """Return where the last sentence of a text begins."""
    return max((found.end() for found in _SENTENCE.finditer(text)), default=0)


def first_end(text: str) -> int:
    """Return where the first sentence of a text ends, before its sign."""
    found = _SENTENCE.search(text)
    return found.start() if found else len(text)


def _all_leads(text: str) -> bool:
    """Tell whether a text is nothing but a question's number, or several such marks."""
    for _ in range(3):
        # A lead is known by what follows it, which is a question here.
        found = _LEADS.match(text + "问")
        if not found or found.end() > len(text):
            return False
        text = text[found.end() :]
        if not text.strip(_MARKUP):
            return True
    return False


def only_polite(text: str) -> bool:
    """Tell whether nothing but 请问, 老师您好 and the like stands there."""
    return bool(_POLITE.fullmatch(text.strip(_MARKUP)))


def leads_to_answer(between: str) -> bool:
    """Tell whether folded text between a question and its answer says nothing else."""
    return bool(_BETWEEN.fullmatch(between))


def bracketed(text: str, start: int, end: int) -> bool:
    """Tell whether ``text[start:end]`` stands in brackets, or on a line drawn for it."""
    before, after = text[max(start - 2, 0) : start].strip(), text[end : end + 2].strip()
    return before[-1:] in tuple("（([【_＿") and after[:1] in tuple("）)]】_＿")

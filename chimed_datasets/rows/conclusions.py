"""What a text settles on, and where two texts settle on opposite things.

An option letter, a drug or prescription, a finding, one of two alternatives, an amount, a yes or
no. A text often weighs what it rejects, so only its last conclusion counts, and where two texts may
be reconciled nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .defects import NAME

WHOLE = 2400
"""Characters of a trace that are read where its end says too little."""
TAIL = 300
"""Characters in which a conclusion is sought: at the end of a trace, at both ends of a reply."""

_FOLD = str.maketrans(
    {chr(0xFF21 + i): chr(0x41 + i) for i in range(26)}
    | {chr(0xFF10 + i): chr(0x30 + i) for i in range(10)}
    | dict(zip("（）：．，", "():.,", strict=True))
    | dict.fromkeys('*`$_#{}"“”‘’「」『』【】[]\u200b', None)
)
_BOXED = re.compile(r"\\boxed|\\text")
_STOP = re.compile(r"[。！？!?；;\n]")
_CLAUSE = re.compile(r"[^。！？!?；;\n,、]+")
_CONCLUDES = re.compile(
    "所以|因此|因而|综上|总之|总的来说|综合|结论|最终|最后|故|那就|这样|可见|应当?回答|回复|答案"
)
_PLANS = re.compile(
    "(?:好[,，]?)?(?:接下来|下面|然后|回答[时里中]|回复[时里中]|写[回答解清上作时出]|整理|组织|语气|提醒|注意|另外|再(?:提|说|写|补)|附带"
    "|最后(?:再)?(?:提|说|写|补)|还要|给出|开始写|可以(?:写|回答)了)"
)
"""How a sentence begins that says what to write, not what is so."""
_ELSE = re.compile("(?:若|如果|如对|假如|倘若|万一|除非|[^,，]{0,8}过敏|备选|替代|无效)")
"""How a sentence begins that tells what holds for others."""


def _folded(text: str) -> str:
    return _BOXED.sub("", text.translate(_FOLD))


def ends(text: str) -> str:
    """Return the beginning and the end of a long text, the whole of a short one."""
    return text if len(text) <= 2 * TAIL else f"{text[:TAIL]}\n{text[-TAIL:]}"


def sentences(text: str) -> list[str]:
    return [one for piece in _STOP.split(text) if (one := piece.strip())]


def concluding(trace: str) -> list[str]:
    """Return the sentences with which a trace concludes: from the last of its last three that has
    a word of conclusion, else the last. What the trace plans to write after that is left out."""
    last = sentences(trace)[-8:]
    while len(last) > 1 and (_PLANS.match(last[-1]) or _ELSE.match(last[-1])):
        last.pop()
    last = last[-3:]
    for at in range(len(last) - 1, -1, -1):
        if _CONCLUDES.search(last[at]):
            return last[at:]
    return last[-1:]


def contradiction(trace: str, reply: str, question: str = "") -> str | None:
    """Return what a trace settles on and what a reply settles on instead, or None."""
    whole, reply = _folded(trace[-WHOLE:]), _folded(ends(reply))
    trace, question = _folded(trace[-TAIL:]), _folded(question[-2 * TAIL :])
    last = concluding(trace)
    return (
        _other_option(whole, trace, last, reply, question)
        or _other_drug(last, reply)
        or _other_first(last, reply)
        or _other_finding(last, reply)
        or _rejected_choice(whole, last, reply)
        or _other_of_two(last, reply, question)
        or _opposite_words(last, reply)
        or _other_amount(last, reply, question)
        or _other_stance(trace, reply, question)
        or _other_english_stance(last, reply, question)
    )


# --- options ---------------------------------------------------------------------------------

_X = (
    r"(?P<x>[A-H①-⑩](?:[\s、,和与及/]{0,3}[A-H①-⑩]){0,9})"
    r"(?![A-Za-z0-9%+\-]|超|型|族|肝|细胞|链|淋巴|级|期|类|组|区|线|波|点|蛋白|反应)"
)
_ANSWER = re.compile(
    r"(?P<cue>(?:答案|选项|结论|错误项|正确项)(?:应该|应当|应|就|只能|还|确定|定|显然|无疑|当然|必然|毫无疑问)?(?:是|为|选|:"
    r"|\s|即){1,3}"
    r"|选(?:择|项|:|定|的?是|\s){0,3}|(?:最后|我|直接|就|应)答|(?:所以|因此|那就|就)(?:应?该?是"
    r"|为|只有)?|(?<!不能)(?:锁定|敲定|确定|(?<![确一否肯])定)(?:为|是)?|只?剩(?:下|的|了|只有){0,3}(?:选项)?"
    r"|只有|指向了?|倾向于?|(?<![A-H])还是"
    r"|(?:[Aa]nswer|[Oo]ption|[Cc]hoice)(?:\s(?:is|has to be|must be|should be)|:)?\s?"
    r"|(?:[Cc]hoose|[Pp]ick|[Ss]elect|[Gg]o with)\s"
    r"|(?:正确|错误|符合)(?:的|题意的)?(?:选项|答案|组合|说法|一?项)?(?:是|为|:))\(?\s?" + _X
)
_RIGHT = re.compile(
    _X + "(?:项|选项)?(?:是|才是|更|最)?(?:正确|符合|合适|恰当|对的|吧|贴切|像|佳|好"
    r"|(?<!不)对$)"
)
_DOUBTED = re.compile(
    r"(?:不|别|误|错|勿|会|有人|可能|排除|曾|先(?!说)|(?<!只)能|想|是否|原本|本来"
    r"|差点|险些|一度|容易|起初|乍看)[^。,;]{0,3}$"
    r"|(?:若|如果|假如|要是|倘|万一)[^。;!?\n]{0,80}$"
)
_TAKEN_BACK = re.compile(
    r"\)?(?:项|选项)?[更也就都则]?(?:吗|呢|的话|不对|错|有误|不正确|[?？]|似乎|就错|是错|则)"
)
_CERTAIN = re.compile(_X + "(?:项|选项)?(?:无疑|没错|才对|胜出|入选)")
_JUDGES = re.compile(
    "(?P<out>排除|不选|剔除|去掉)|(?P<no>不对|不符|错|不正确|有误|不成立|不支持|不合|不考虑|不像)"
    "|(?P<yes>正确|(?<!不)对(?![于照比应象症])|符合|成立)"
)
_JUDGED_ONE = re.compile(
    _X + r"[项选都也均全更就是\s,]{0,3}(?:" + _JUDGES.pattern.replace("(?P<", "(?P<a") + ")"
    r"|(?:" + _JUDGES.pattern + r")" + _X.replace("?P<x>", "?P<z>")
)
_ASKS_WRONG = re.compile(
    "错误|不正确|不对|不属于|不包括|不是|除外|不宜|不应|不恰当|有误|不符|不会|不能|不可|不需|无关|哪项不"
)
_BARE = re.compile(r"\W*" + _X + r"(?:\W*$|[.、:)。,]|\s)")
_ALONE = re.compile(r"\W*" + _X + r"[项吧了\W]{0,3}")
_OPTION = re.compile(
    r"(?<![A-Za-z])([A-H])\s?[.、:)]\s?([^\n]{1,40}?)(?=\s*(?<![A-Za-z])[A-H]\s?[.、:)]"
    r"|[\n;；。?？]|$)"
)
_SURE = re.compile(
    "综合|正确|吧|符合|考虑|诊断|答案|所以|因此|应|选|即|就是|明确|支持|典型|首选|最|用"
)
_UNSURE = re.compile("不|非|排除|除外|错|无|未|若|如果|先")


def _letters(text: str) -> frozenset[str]:
    return frozenset(c for c in text if "A" <= c <= "H" or "①" <= c <= "⑩")


def _options(question: str) -> dict[str, str]:
    found = dict(_OPTION.findall(question))
    return {k: v.strip(" ,、") for k, v in found.items()} if len(found) > 1 else {}


def _answers(text: str) -> list[tuple[frozenset[str], str]]:
    """Return what a text says the answer is, each time, with its words."""
    found = []
    for match in _ANSWER.finditer(text):
        before, after = text[max(0, match.start() - 80) : match.start()], text[match.end() :]
        if not _DOUBTED.search(before) and not _TAKEN_BACK.match(after[:8]):
            found.append((_letters(match["x"]), match[0]))
    return found


def _named(text: str, options: dict[str, str]) -> frozenset[str]:
    """Return the options whose words a text has, unless others hold them.

    Three characters at an option's end stand for it where no other ends with them (肺栓塞).
    """
    found = {k: v for k, v in options.items() if len(v) > 1 and v in text}
    if not found:
        ends = [v[-3:] for v in options.values()]
        found = {
            k: v for k, v in options.items()
            if len(v) > 3 and v[-3:] in text and ends.count(v[-3:]) == 1
        }  # fmt: skip
    if not found:
        own = {k: _own_part(v, options) for k, v in options.items()}
        found = {k: v for k, v in own.items() if len(v) > 1 and v in text}
    return frozenset(
        k for k, v in found.items() if not any(v != w and v in w for w in found.values())
    )


def _own_part(option: str, options: dict[str, str]) -> str:
    """Return an option without the end that it shares with another: 中枢性 of 中枢性尿崩症."""
    shared = 0
    for other in options.values():
        if other != option:
            size = 0
            while size < min(len(option), len(other)) and option[-1 - size] == other[-1 - size]:
                size += 1
            shared = max(shared, size)
    return option[: len(option) - shared] if shared > 1 else ""


def _left_over(text: str, options: dict[str, str], question: str) -> frozenset[str]:
    """Return the options that are left once a text has judged the others one by one."""
    right: set[str] = set()
    wrong: set[str] = set()
    out: set[str] = set()
    sets = {"yes": right, "no": wrong, "out": out}
    for sentence in sentences(text):
        groups = list(re.finditer(_X, sentence))
        if len(groups) == 1:
            words = list(_JUDGES.finditer(sentence, groups[0].end()))
            found = [(groups[0]["x"], words[-1].lastgroup)] if words else []
        else:
            found = [
                (m["x"] or m["z"], next(k for k in sets if m[k] or m["a" + k]))
                for m in _JUDGED_ONE.finditer(sentence)
            ]
        for letters, kind in found:
            for one in sets.values():
                one -= _letters(letters)
            sets[kind or "no"] |= _letters(letters)
    every = frozenset(options)
    if _ASKS_WRONG.search(question):
        left, rest = wrong, right | out
    else:
        left, rest = right, wrong | out
    if left and left | rest == every:
        return frozenset(left)
    return every - rest if not left and len(every - rest) == 1 else frozenset()


def _other_option(whole: str, trace: str, last: list[str], reply: str, question: str) -> str | None:
    options = _options(question)
    replied = [letters for letters, _ in _answers(reply)]
    bare = _BARE.match(reply)
    if bare:
        replied.append(_letters(bare["x"]))
    first = next(iter(sentences(reply)), "")
    if not replied and options and not _UNSURE.search(first):
        one = _named(first, options)
        if len(one) == 1:
            replied.append(one)
    if not replied:
        return None
    settled = _answers(trace)
    settled += [(_letters(m["x"]), m[0]) for m in _CERTAIN.finditer("。".join(last))]
    if last and (alone := _ALONE.fullmatch(last[-1])):
        settled.append((_letters(alone["x"]), last[-1]))
    clauses = [
        c for one in last for c in _clauses(one) if _SURE.search(c) and not _UNSURE.search(c)
    ]  # fmt: skip
    right = [_letters(m["x"]) for c in clauses for m in _RIGHT.finditer(c)]
    if settled:
        letters, words = settled[-1]
    elif len(right) == 1:
        letters, words = right[0], "，".join(clauses)
    else:
        words = "，".join(clauses)
        letters = _named(words, options)
        if len(letters) != 1:
            letters = _left_over(whole, options, question) if len(options) > 2 else frozenset()
            words = "what is left"
        if not letters and (early := _answers(whole)):
            letters, words = early[-1]
        if not letters:
            return None
    kinds = {letter < "Z" for letter in letters}
    for other in replied:
        if {letter < "Z" for letter in other} != kinds or other == letters:
            return None
    return f"the trace settles on {''.join(sorted(letters))} ({words}), the reply on " + "".join(
        sorted(replied[0])
    )


# --- drugs -----------------------------------------------------------------------------------

_STEM = (
    "西林|沙星|霉素|地平|洛尔|普利|沙坦|他汀|拉唑|替丁|列汀|列净|列酮|格列..|[昔韦]韦|那韦|洛韦"
    "|康唑"
    "|双胍|单抗|替尼|西泮|唑仑|环素|硝唑|磺胺|西汀|舍曲林|拉明|雷他定|利嗪|沙班|格雷|米特|匹林"
    "|布洛芬"
    "|塞米|螺内酯|噻嗪|溴索|司琼|西泮|[酸化][钙钠钾镁锌铁]|甲状腺素|卡因|秋水仙碱|别嘌[呤]?醇|华法林|肝素|地高辛"
    "|氨基酚|昔布|米松|尼松|尼龙|胰岛素|甲硝唑|头孢[\u4e00-\u9fff]{1,3}"
)
_FORM = (
    "汤(?!药)|散(?![热步寒发])|丸|饮子|饮(?![食水酒料用])|颗粒|胶囊|口服液|滴丸|冲剂|合剂"
    "|丹(?!参|皮)"
    "|膏(?!药)|片(?!段|子|面)|糖浆|注射液"
)
_DRUG = re.compile(
    rf"{NAME.pattern}|[\u4e00-\u9fff]{{0,5}}?(?:{_STEM})|[^\W\d_a-zA-Z的和与或及法食给是在用为]{{2,7}}?(?:{_FORM})"
)
_AS = re.compile(f"(?<=..)(?:{_FORM})$")
_CHOICE = re.compile(
    "(?P<cue>首选|选用|选择|改用|换用|应用|使用|建议用?|可用|可选|宜用|当用|方用|方选|给予"
    "|予以?|服用"
    "|口服|含服|外涂|涂抹|(?:静脉)?(?:注射|滴注|推注)|静[推注滴]|肌注|吸入|处方|主方|选方|推荐|用药|[应可宜]?用|选|开|给(?:他|她|孩子|患者|病人)用?|先给|定为?)"
    r"(?:药物?|方剂?|中成药|处方|抗生素|治疗|的?是|为|用|服用?|口服|使用|首选|:|\s){0,4}"
)
_DOSE = re.compile(r"\s?\d")
_REFUSED = re.compile("不|勿|别|禁|忌|避免|停|慎|未|而非|无需|排除|否则|没有")
_HEDGED = re.compile(
    "若|如果|如对|备选|过敏|替代|次选|无效|必要时|也可|亦可|其次|加用|联合|或者|合用|曾|之前"
)
_SAME = {
    "芬必得": "布洛芬", "美林": "布洛芬", "扶他林": "双氯芬酸", "吗丁啉": "多潘立酮",
    "强的松": "泼尼松", "优甲乐": "左甲状腺素", "扑尔敏": "氯苯那敏", "熟地": "熟地黄",
    "泰诺林": "对乙酰氨基酚", "扑热息痛": "对乙酰氨基酚", "拜新同": "硝苯地平",
    "络活喜": "氨氯地平", "波立维": "氯吡格雷", "立普妥": "阿托伐他汀",
    "金匮肾气丸": "肾气丸", "开瑞坦": "氯雷他定",
}  # fmt: skip


def _name(drug: str) -> str:
    """Return a drug's common name, a formula's without its form: 逍遥散 and 逍遥丸 are one."""
    return _SAME.get(drug) or _AS.sub("", drug) or drug


def _chosen(clauses: list[str]) -> dict[str, str]:
    """Return the drugs that clauses choose, with the words."""
    found: dict[str, str] = {}
    for clause in clauses:
        if _REFUSED.search(clause) or _HEDGED.search(clause):
            continue
        for cue in _CHOICE.finditer(clause):
            drug = _DRUG.match(clause, cue.end())
            if drug:
                found[_name(drug[0])] = cue[0] + drug[0]
    return found


def _has(clause: str, name: str) -> bool:
    """Tell whether a clause has a drug; 桂枝 6g is a herb of other formulas than 桂枝汤."""
    at = clause.find(name)
    return at >= 0 and not (len(name) == 2 and _DOSE.match(clause, at + 2))


def _clauses(text: str) -> list[str]:
    return _CLAUSE.findall(text)


def _other_drug(last: list[str], reply: str) -> str | None:
    settled = _chosen([c for s in last for c in _clauses(s)])
    if not settled:
        return None
    clauses = _clauses(reply)
    chosen = _chosen(clauses)
    known = {alias for alias, name in _SAME.items() if name in settled} | set(settled)
    with_it = [clause for clause in clauses if any(_has(clause, name) for name in known)]
    words = next(iter(settled.values()))
    if not with_it and any(name in reply for name in known) and not chosen:
        return None
    if with_it:
        if all(re.search("不[能宜可要建推应]|禁用|忌|避免|勿", clause) for clause in with_it):
            return f"the trace settles on {words}, the reply says {with_it[0]}"
        return None
    if not chosen or any(a in b or b in a for a in chosen for b in settled):
        return None
    return f"the trace settles on {words}, the reply on {next(iter(chosen.values()))}"


# --- what is chosen first, diagnosed, counted ------------------------------------------------

_FIRST = re.compile(
    r"首选(?:的[^,。;\n]{0,6}?)?(?:检查|方法|治疗|药物)?(?:是|为|:)?([^\W\d_]{2,12})"
)
_IS_FIRST = re.compile(
    r"([\u4e00-\u9fff]{2,8})[A-Z]?(?:是|为|才是)(?:首选|一线|最佳选择|第一选择)(?![^,。;]{0,4}[之但])"
)
_NAMES = re.compile("(?:^|[,。])答(?!案|复|题|应)([\u4e00-\u9fff]{2,8})$")
_MARKED = re.compile(
    r"(?P<cue>考虑|诊断|辨证|证属|最可能|最符合|结论|更支持|支持的|更像|像是|挂|应为)(?:[为是:的]|诊断"
    r"|属于){0,3}([^\W\d_a-zA-Z]{2,10}+)(?![^\W\d_a-zA-Z])"
)


def _other_first(last: list[str], reply: str) -> str | None:
    """Compare what comes first by its last two characters, the head of a Chinese noun."""
    end = "。".join(last)
    thought = _FIRST.findall(end) or _IS_FIRST.findall(end) or _NAMES.findall(end)
    told = _FIRST.findall(reply)
    if not told:
        told = list(_chosen(_clauses("。".join(sentences(reply)[:2]))))
        if any(one[:2] in reply for one in thought) or any(one[:2] in end for one in told):
            return None
    if len(thought) != 1 or len(told) != 1:
        return None
    one, other = thought[0], told[0]
    if _DRUG.fullmatch(one) and _DRUG.match(other) and one not in reply and other not in end:
        return f"the trace settles on 首选{one}, the reply on {other}"
    if one[-2:] in reply or other[-2:] in one or one in other or other in one:
        return None
    return f"the trace settles on 首选{one}, the reply on 首选{other}"


def _other_finding(last: list[str], reply: str) -> str | None:
    """Compare what both take for the cause, where they share hardly a character."""
    end = "。".join(last)
    thought = [m for m in _MARKED.finditer(end) if not _NO_NAME.search(m[2])]
    told = [m for m in _MARKED.finditer(reply) if not _NO_NAME.search(m[2])]
    if not thought or not told:
        return None
    for one in thought:
        for other in told:
            common = set(one[2]) & set(other[2]) - set("性的病症科")
            if (
                len(common) > min(len(one[2]), len(other[2])) // 4
                or one[2][-2:] in reply
                or other[2][-2:] in end
            ):
                return None
    return f"the trace settles on {thought[-1][0]}, the reply on {told[0][0]}"


# --- what the trace weighed and left ---------------------------------------------------------

_PICKS = re.compile(
    "(?:首选|选用|选择|推荐|改用|使用|[应可宜当方就]用|(?:^|[,。])用|给予|处方|服用|口服|挂|按揉?"
    "|针刺?|考虑|辨证|属于|支持|符合|像|(?:诊断|应该?)[为是]|就是|缺"
    "|(?:穴位?|药物?|方剂?|检查|科室?|证型|原因|疾?病|方法|因素)[^,。;:]{0,4}?(?:是|为|选))"
    r"(?:的|是|为|用|了|:|药物?|\s){0,3}([\u4e00-\u9fff]{2,8})(?![\u4e00-\u9fff])"
)
_WEIGHED = re.compile("不|但|若|如果|偏|只|才|排除|非|无|虽|却|起初|先想|首先想|容易|误|反而|会")
_NO_NAME = re.compile(
    "^[到以在了将对把这那就可您自其继]|[的和与]|患者|病人|医[生师]|治疗|检查|药物|方法|对症|专业|建议|方案"
    "|意见|诊断|措施|因素|方式|情况|饮食|休息"
)


def _rejected_choice(whole: str, last: list[str], reply: str) -> str | None:
    """Tell whether a reply picks what the trace weighed before it settled on something else."""
    end = "。".join(last)
    lead = "。".join(sentences(reply)[:2])
    thought = [
        m
        for c in _clauses(end)
        if not _REFUSED.search(c) and not _HEDGED.search(c)
        for m in _PICKS.finditer(c)
        if not _NO_NAME.search(m[1])
    ]
    if reason := _refused_before(whole, last, lead):
        return reason
    if not thought:
        return None
    if any(m[1][i : i + 2] in reply for m in thought for i in range(min(3, len(m[1]) - 1))):
        return None
    at = whole.rfind(thought[0].string)
    end, before = whole[at:], sentences(whole[:at])
    for clause in _clauses(lead):
        if _REFUSED.search(clause) or _HEDGED.search(clause):
            continue
        for told in _PICKS.finditer(clause):
            name = told[1]
            if _NO_NAME.search(name) or name[:2] in end:
                continue
            for size in range(min(len(name), 8), 1, -1):
                if size == 2 and len(name) > 2 and not _AFTER_A_NAME.match(name, 2):
                    break
                if any(name[:size] in one and _WEIGHED.search(one) for one in before):
                    return f"the trace settles on {thought[-1][0]}, the reply on {told[0]}"
    return None


def _refused_before(whole: str, last: list[str], lead: str) -> str | None:
    """Tell whether a reply picks by its full name what the trace refused for good."""
    for clause in _clauses(lead):
        if _REFUSED.search(clause) or _HEDGED.search(clause):
            continue
        for told in _PICKS.finditer(clause):
            name = told[1]
            if len(name) < 3 or _NO_NAME.search(name) or name not in whole:
                continue
            with_it = [one for one in _clauses(whole) if name in one]
            refused = [one for one in with_it if _RULED_OUT.search(one[: one.find(name)])]
            if len(refused) == len(with_it):
                return f"the trace says {refused[-1]}, the reply {told[0]}"
    return None


_RULED_OUT = re.compile("(?:不(?:支持|考虑|选|是|像|宜|用|能用|符合)|排除|除外|并非)[^,。;]{0,3}$")
_AFTER_A_NAME = re.compile("穴|汤|散|丸|科|病|症|炎|位|[的是为,，]")

# --- one of two ------------------------------------------------------------------------------

_OR = re.compile(
    r"([A-Za-z\u4e00-\u9fff]{2,14}),?还是(?:要|是|该|应该|选|用|去|做|得)?([A-Za-z\u4e00-\u9fff]{2,10}?)"
    r"(?:更?好|比较好|合适|呢|啊|的?[?？,。]|$)"
    r"|([A-Za-z\u4e00-\u9fff]{2,8})[和与跟]([A-Za-z\u4e00-\u9fff]{2,8}?),?(?:哪[个种一]|选哪|应?该?[选用吃]哪)"
)
_TWO = tuple(
    (re.compile(one), re.compile(other))
    for one, other in (
        ("冷敷|冰敷", "热敷"),
        ("平卧|仰卧", "端坐|半卧|坐位"),
        ("[饭餐]前|空腹", "[饭餐]后|随餐"),
        ("良性", "恶性"),
        ("阴虚", "阳虚"),
        ("风寒", "风热"),
        ("隐性", "显性"),
        ("手术|开刀|切除", "保守治疗|先?观察|随访"),
        (
            "急诊|120|(?:马上|立即|立刻|尽快|赶紧)[去到]?[^,。]{0,3}(?:医院|就医)",
            "在家[^,。]{0,10}(?:观察|休息)|居家观察|不[用必急需][^,。]{0,4}医院",
        ),
        ("晨起|早[上晨]", "睡前|晚上"),
        ("加量|增加剂量", "减量|减少剂量"),
        ("继续(?:服|吃|用)|不[能要可]停", "停药|停用|停服"),
        ("病毒性?感染", "细菌性?感染"),
        ("升高|增高|偏高", "降低|偏低|减低"),
        ("收缩", "扩张|舒张"),
        ("左[侧心]", "右[侧心]"),
        ("上升|增加", "下降|减少"),
    )
)
"""What excludes each other: a conclusion that names one side only, and a reply the other."""
_ONLY_ASKED = 9
"""From here on a pair counts where the question has one side or asks which."""
_ASKS_WHICH = re.compile("什么感染|怎么变|如何变|变化|还是|哪一?侧|哪边|什么时候|何时|什么作用")
_AGAINST = re.compile("(?:不|非|别|勿|忌|禁|排除|避免|无需|没必要)[^,。;]{0,5}$")
_ON_ONES_OWN = re.compile("自行|擅自|立即|立刻|突然|马上|盲目|随便|随意|单独|一定|都|是所有|急")
_IF = re.compile("才|合并|若|如果|除非|万一|再(?=[去到做改手开])")
_DEPENDS = re.compile(
    "之后|以后|后[再换用要]|后再|后改|再改|后期|急性期|缓解后|有症状|再手术|分情况|看情况|取决于"
)


_ONE_OF_TWO = re.compile("|".join(side.pattern for two in _TWO for side in two))


def _sides(text: str, one: re.Pattern[str], other: re.Pattern[str]) -> set[int]:
    """Return which sides of a pair a text is for: 0, 1, both or none."""
    found: set[int] = set()
    for clause in _clauses(text):
        if _IF.search(clause):
            continue
        for side, pattern in enumerate((one, other)):
            for match in pattern.finditer(clause):
                against = _AGAINST.search(clause[: match.start()])
                if against and _ON_ONES_OWN.search(against[0]):
                    return {0, 1}
                found.add(1 - side if against else side)
    return found


def _asked_two(question: str) -> tuple[re.Pattern[str], re.Pattern[str]] | None:
    """Return the alternatives of a question of the form A 还是 B."""
    match = _OR.search(question)
    if not match:
        return None
    one, other = match[1] or match[3], match[2] or match[4]
    for general in ("治疗", "服用", "使用", "检查"):
        one = one.removesuffix(general)
    if len(one) < 2 or len(other) < 2:
        return None
    for size in range(2, 1 + min(len(one), len(other), 5)):
        a, b = one[-size:], other[:size]
        if any(map(str.__eq__, a, b)):
            break
    else:
        a, b = one[-2:], other[:2]
    while a[-1] == b[-1] and len(a) > 2:
        a, b = a[:-1], b[:-1]
    if a == b:
        return None
    return re.compile(re.escape(a)), re.compile(re.escape(b))


_OPPOSITES = (
    "高低",
    "阴阳",
    "寒热",
    "冷热",
    "左右",
    "内外",
    "增减",
    "升降",
    "虚实",
    "隐显",
    "急慢",
)
_NO_OPPOSITE = frozenset("血性分天度气温")
"""What stands after one of two opposites too often to be the same matter."""
_WITH_OPPOSITE = re.compile(f"[{''.join(_OPPOSITES)}](?![{''.join(_OPPOSITES)}])([\u4e00-\u9fff])")


def _opposite_words(last: list[str], reply: str) -> str | None:
    """Compare words that differ in one character only, which is the opposite: 低流量, 高流量."""
    end, lead = "。".join(last), "。".join(sentences(reply)[:2])
    if _DEPENDS.search(end) or _DEPENDS.search(lead):
        return None
    for match in _WITH_OPPOSITE.finditer(end):
        word = match[0]
        pair = next(two for two in _OPPOSITES if word[0] in two)
        other = pair[1 - pair.index(word[0])] + word[1]
        at = lead.find(other)
        if at < 0 or word[1] in _NO_OPPOSITE or word in reply or other in end:
            continue
        if end[match.end() : match.end() + 1] != lead[at + 2 : at + 3]:
            continue
        if not _AGAINST.search(end[: match.start()]) and not _AGAINST.search(lead[:at]):
            return f"the trace settles on {end[match.start() :][:6]}, the reply on {lead[at:][:6]}"
    return None


def _other_of_two(last: list[str], reply: str, question: str) -> str | None:
    end, lead = "。".join(last), "。".join(sentences(reply)[:2])
    asked = _asked_two(question)
    if not asked and not (_ONE_OF_TWO.search(end) and _ONE_OF_TWO.search(lead)):
        return None
    if _DEPENDS.search(end) or _DEPENDS.search(lead):
        return None
    pairs = list(enumerate(_TWO))
    if asked:
        pairs.insert(0, (0, asked))
    for at, (one, other) in pairs:
        if not one.search(lead) and not other.search(lead):
            continue
        thought = _sides(end, one, other)
        if len(thought) == 2 and at == 0:
            thought = next(
                (sides for c in _clauses(end)[::-1] if (sides := _sides(c, one, other))), set()
            )
        if len(thought) != 1:
            continue
        told = _sides(lead, one, other)
        if len(told) != 1 or told == thought or thought & _sides(reply, one, other):
            continue
        asks = one.search(question) or other.search(question) or _ASKS_WHICH.search(question)
        if at >= _ONLY_ASKED and not asks:
            continue
        return f"the trace says {end}, the reply {lead}"
    return None


# --- how much, how long ----------------------------------------------------------------------

_NUMBER = r"(\d++(?:\.\d++)?|[半一二两三四五六七八九十]{1,2})"
_AMOUNT = re.compile(
    r"(?<![\d.])(?P<per>每)?" + _NUMBER + r"(?:\s?[~～\-–—到至]\s?" + _NUMBER + r")?\s?"
    r"(m[lL]|mg|[μu]g|kg|g|L|毫升|毫克|微克|公斤|克|升|片|粒|滴|支|袋|丸|年|个?月|周|星期|天|日|小时|分钟|%|U|单位"
    r"|mmol/L|mmHg|℃|厘米|cm|毫米|mm|岁|针|剂(?!量))(?!前|期|岁[^,。]{0,2}[以之])"
)
_OFTEN = re.compile("[每一]个?([天日周月年])(?:吃|用|服|打|复查|注射|口服)?([一二两三四])次")
_TOTAL = re.compile("(?:合计|取|选|最终|一?共|总[量计]?|相当于|就是|即|[=≈])[^,。]{0,8}$")
_TIMES = re.compile("[2-4两二三四]次")
_DIGITS = {"半": 0.5, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7,
           "八": 8, "九": 9, "十": 10}  # fmt: skip
_UNITS = {
    "mg": ("mass", 1), "毫克": ("mass", 1), "g": ("mass", 1000), "克": ("mass", 1000),
    "μg": ("mass", 0.001), "ug": ("mass", 0.001), "微克": ("mass", 0.001),
    "ml": ("volume", 1), "mL": ("volume", 1), "毫升": ("volume", 1), "L": ("volume", 1000),
    "升": ("volume", 1000), "kg": ("weight", 1), "公斤": ("weight", 1),
    "小时": ("hours", 1), "分钟": ("hours", 1 / 60), "天": ("days", 1), "日": ("days", 1),
    "周": ("days", 7), "星期": ("days", 7), "月": ("days", 30), "个月": ("days", 30),
    "年": ("days", 365), "U": ("units", 1), "单位": ("units", 1),
}  # fmt: skip
_HOW_MUCH = re.compile("多少|几|剂量|用量|怎么[吃用服]|计算|[Hh]ow (?:much|many)")
_HOW_LONG = re.compile(
    "[一每][天日周月]几次|几次|多久|多长|几[天周年个]|多少[天周年月个]|什么时候|何时|疗程|间隔"
    "|频率|[Hh]ow (?:long|often)"
)
_FAR = 1.5
"""How many times one amount must be the other: rounding is no contradiction."""


def _number_of(number: str) -> float:
    if number[0] not in _DIGITS:
        return float(number)
    if len(number) == 1:
        return _DIGITS[number]
    tens, ones = _DIGITS[number[0]], _DIGITS[number[1]]
    return 10 + ones if tens == 10 else tens * 10 if ones == 10 else tens + ones


def _amounts(text: str) -> list[tuple[str, float, float, str]]:
    """Return the amounts of a text: what is measured, from, to, and the words."""
    found = []
    for match in _AMOUNT.finditer(text):
        per, low, high, unit = match.groups()
        kind, times = _UNITS.get(unit, (unit, 1))
        if not (per and kind in ("days", "hours")):
            values = [times * _number_of(one) for one in (low, high or low)]
            found.append((kind, min(values), max(values), match[0]))
    for match in _OFTEN.finditer(text):
        value = _UNITS[match[1]][1] / _DIGITS[match[2]]
        found.append(("interval", value, value, match[0]))
    return found


def _other_amount(last: list[str], reply: str, question: str) -> str | None:
    """Compare the amounts with which a trace ends with those of the same kind in a reply."""
    long, much = _HOW_LONG.search(question), _HOW_MUCH.search(question)
    if not long and not much:
        return None
    end = last[-1] if last else ""
    thought, told = _amounts(end), _amounts(reply)
    lead = _amounts("。".join(sentences(reply)[:2]))
    often = _TIMES.search(end) or _TIMES.search(reply)
    for kind in dict.fromkeys(one[0] for one in thought):
        timed = kind in ("days", "hours", "interval")
        ours = [one for one in thought if one[0] == kind]
        theirs = [one for one in told if one[0] == kind]
        if not (long if timed else much) or not any(one[0] == kind for one in lead):
            continue
        alike = all(a <= ours[-1][1] and ours[-1][2] <= b for _, a, b, _ in ours)
        if len(ours) > 1 and (alike or _TOTAL.search(end[: end.rfind(ours[-1][3])])):
            ours = ours[-1:]
        if len(ours) > 1 or len(theirs) > 2:
            continue
        _, low, high, words = ours[0]
        if any(low < _FAR * b and a < _FAR * high for _, a, b, _ in theirs):
            continue
        ratios = {max(a / low, low / a) for _, a, _, _ in theirs if a and low}
        if often and not timed and ratios & {2.0, 3.0, 4.0}:
            continue  # at one time, in one day
        if low and any(a for _, a, _, _ in theirs):
            return f"the trace settles on {words}, the reply on {theirs[0][3]}"
    return None


# --- yes and no ------------------------------------------------------------------------------


class Stance(NamedTuple):
    """kind: see ``_OPPOSITE``. about: the words that it is about. words: the clause.
    leads: the clause begins with it."""

    kind: str
    about: str
    words: str
    leads: bool


_STANCE = re.compile(
    "(?P<fine>没有?(?:问题|影响|禁忌|关系|妨碍)|无妨|无碍|放心[吃用服喝做打])"
    "|(?P<needless>不(?:需要?|必|用|一定要|一定需要)|无需|无须|没必要|没有必要|可以?不)"
    "|(?P<forbidden>不(?:能|可以?|宜|建议|应该?|应当|要|推荐|适合|适宜|主张|行)"
    "|(?<![特分区差鉴级个])别(?=[再急]?[吃用喝服打做碰去停])"
    "|(?<![虎舍顾由])不得|禁止|禁用|严禁|禁忌|忌|避免|切勿|千万别)"
    "|(?P<isnot>不是|并非|不属于|不算)"
    "|(?P<wont>不(?:大|太)?会)"
    "|(?P<odd>不正常|异常)|(?P<normal>正常)"
    "|(?P<must>(?:必须|(?<!有)需要|需|应该|应当|有必要|(?<![反适效相响对供感])应|(?<![的疗业和])建议(?=.)"
    "|得(?=[去做打吃立马尽赶])|(?<![重主必需只])要)(?!避免|禁止|戒))"
    "|(?P<may>可以|能够|(?<![功可性智])能|(?<![即均])可(?!能)|适合|推荐|允许)"
    "|(?P<is>(?<![但就还不总若只或凡好])(?<!的(?=是$))是(?!否|不是|因|由)|属于)"
    "|(?P<will>(?<![机社协学])会)"
)
_OPPOSITE = {
    "forbidden": {"may", "must", "fine"}, "fine": {"forbidden"}, "needless": {"must"},
    "isnot": {"is"}, "wont": {"will"},
    "may": {"forbidden"}, "must": {"forbidden", "needless"}, "is": {"isnot"}, "will": {"wont"},
    "odd": {"normal"}, "normal": {"odd"},
}  # fmt: skip
_ASKED = re.compile(
    "(?P<do>能不能|可不可以|可以|能|可否|能否|行不行|要不要|需不需要|需要|用不用|必须|该不该"
    "|应该|应当|要|宜)"
    "|(?P<be>是不是|是否|是|属于|算)|(?P<occur>会不会|会)|(?P<norm>正常)"
)
_EVENT = re.compile("(会|需?要|可?以?能)([^会不要能用,。?？]{2,4})[吗么]")
_QUESTION = re.compile(
    "吗|么|嘛|能不能|可不可以|是不是|要不要|需不需要|会不会|是否|能否|可否|行不行|用不用|该不该"
)
_OF_KIND = {
    "do": {"forbidden", "needless", "may", "must", "fine"}, "be": {"is", "isnot"},
    "occur": {"will", "wont"}, "norm": {"odd", "normal"},
}  # fmt: skip
_ONLY_IF = re.compile(
    "如果|若|除非|期|(?<![小及])时|急性|严重|空腹|过量|大量|长期|同时|一起|完全|擅自|自行|立即|马上"
    "|过度|随意|随便|突然|盲目"
    "|部分|少量|适量|一律|单独|仅|只|暂|先|之后|以后|之前|以前|周|月|虽然|尽管|但|而|等|说|问"
)
_EMPTY = re.compile(
    "[再还的了地得啊吧呢哦您你他她这个该此,。!？?]|患者|病人|情况|继续|放心|服用|使用|食用|应用"
)
_NOT_SAID = re.compile(
    "不是|并非|没有|不等于|不代表|网上|有人|传言|以为|老人说|说$|认为$|觉得$|担心|不说明|是否|想知道|能否"
)
_VERB = re.compile("[吃用喝服做打去有是行量]{0,2}")
_TRUE = re.compile(
    r"[\s(:,.]*(?:答案?[:是为]*)?[\s(:,.]*(?P<no>错误|错|不正确|不对|×|否|F(?!\w))?(?P<yes>正确"
    r"|对(?![于症])"
    r"|√|T(?!\w))?"
)
_JUDGED = re.compile(
    "(?:说法|题干|本题|表述|判断|命题|观点|叙述|这句话?|答案)[^。,]{0,8}?(?:(?P<no>错误?|不正确"
    "|不对|有误|不成立)|(?P<yes>正确|对|成立))"
)


_PART = re.compile(r"[^,、:]+")
_ALSO_NOT = re.compile("^也不[能可]")
_LEADS = re.compile(
    "(?:所以|因此|结论|答案?|您|你|他|她|一般|通常|情况|这种|是|当然|现在|故|其实|确实|就|的|[\\s:,→])*+"
)
_HELPS = re.compile("提供|替代|代替|诊断|帮助|判断|注意|根据")
_OF_THE_ANSWER = re.compile(
    "[^,。]{0,6}(?:回答|作答|解答|回应|回复|评论|讨论|置评|提供|给出|替代|代替)"
)
"""What an answer may do or not, which is not what was asked."""
_ADVICE = ("建议", "应该", "应当", "应", "推荐", "避免", "忌", "适合")
"""What begins advice of any kind, so that it need not answer what was asked."""


def _stances(texts: list[str], kinds: set[str]) -> Iterator[Stance]:
    """Yield what each clause says first of those kinds."""
    for text in texts:
        for clause in _PART.findall(text):
            for match in _STANCE.finditer(clause):
                if match.lastgroup in kinds:
                    before = clause[: match.start()]
                    if not _NOT_SAID.search(before) and before.strip() != "我":
                        after, kind = clause[match.end() :], match.lastgroup
                        if _OF_THE_ANSWER.match(after):
                            break
                        if kind == "needless" and _ALSO_NOT.search(after):
                            kind = "forbidden"
                        leads = bool(_LEADS.fullmatch(before)) and not match[0].endswith(_ADVICE)
                        leads = leads and not _HELPS.search(after)
                        about = _EMPTY.sub("", after).strip()
                        yield Stance(kind, about, clause.strip(), leads)
                    break


def _pairs(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}


def _concerns(about: str, question: str) -> bool:
    """Tell whether what a stance is about is what was asked: nothing, a bare verb, or its words."""
    if _VERB.fullmatch(about):
        return True
    if len(about) == 1:
        return about in question
    pairs = _pairs(about)
    return bool(pairs) and len(pairs & _pairs(question)) >= 0.3 * len(pairs)


def _relevant(some: list[Stance], others: list[Stance], question: str) -> list[Stance]:
    """Return those that are about what was asked, or about what one of the others is about."""
    return [
        one
        for one in some
        if _concerns(one.about, question) or any(_alike(one.about, o.about) for o in others)
    ]


def _alike(one: str, other: str) -> bool:
    a, b = _pairs(one), _pairs(other)
    return bool(a and b) and len(a & b) >= 0.5 * min(len(a), len(b))


_AMOUNTS_OF = ("少量", "适量", "部分")
_ABSOLUTE = re.compile("当然不|严禁|禁[食用]|绝对|完全|一[点口]都?不|千万|坚决|任何")
_ANY = re.compile("(?<!不是)任何|随时|所有人都|^绝对")
_HOW_SOON = re.compile("立即|立刻|马上|长期|大量|尽快|完全|期")


def _unconditional(one: Stance, given: set[str]) -> bool:
    """Tell whether a stance has no condition but those of the question; whether at once or for
    long matters only where something is denied."""
    if _ANY.search(one.words):
        return True
    words = one.words
    if one.kind in ("must", "may", "will", "fine"):
        words = _HOW_SOON.sub("", words)
    return given.issuperset(_ONLY_IF.findall(words))


def _first_clause(text: str) -> str:
    match = _CLAUSE.search(text)
    return match[0].strip() if match else ""


def _other_stance(trace: str, reply: str, question: str) -> str | None:
    if "判断" in question or "正确" in question:
        judged, verdict = list(_JUDGED.finditer(trace[-200:])), _TRUE.match(reply)
        if judged and verdict and (verdict["yes"] or verdict["no"]):
            if bool(judged[-1]["no"]) != bool(verdict["no"]):
                return f"the trace says {judged[-1][0]}, the reply {verdict[0]}"
            return None
    asked = _ASKED.search(question)
    if not asked or not asked.lastgroup or not _QUESTION.search(question):
        return None
    question = _EMPTY.sub("", question)
    kinds = _OF_KIND[asked.lastgroup]
    if event := _EVENT.search(question):
        denied = ("不需要" if "要" in event[1] else "不" + event[1]) + event[2]
        trace, reply = (text.replace("不" + event[2], denied) for text in (trace, reply))
    told = list(_stances(sentences(reply)[:3], kinds))
    thought = list(_stances(sentences(trace)[-3:], kinds))
    answer = told[:1] if told and told[0].leads and told[0].words == _first_clause(reply) else []
    told, thought = (
        answer + _relevant(told[len(answer) :], thought, question),
        _relevant(thought, told, question),
    )
    if not told or not thought:
        return None
    # What either says of the matter must all be one way: where conditions are weighed, both agree.
    first, against = told[0], _OPPOSITE[told[0].kind]
    if any(one.kind not in against for one in thought):
        return None
    if {one.kind for one in told} & {one.kind for one in thought}:
        return None
    given = set(_ONLY_IF.findall(question))
    plain = [one for one in thought if _unconditional(one, given)]
    if _ABSOLUTE.search(first.words):
        plain = thought
    if any(one.kind == "forbidden" and _ABSOLUTE.search(one.words) for one in thought):
        given.update(_AMOUNTS_OF)
    if not plain or not _unconditional(first, given):
        return None
    one = plain[-1]
    return f"the trace says {one.words}, the reply {first.words}"


_YES_NO = re.compile(r"\s*(?:(?P<yes>[Yy]es)|(?P<no>[Nn]o))\b")
_ENGLISH_NO = re.compile(
    r"\b(?:not (?:be )?(?:safe|take|use|recommended|advisable|need|necessary|required)"
    r"|(?:should|must|can|do|does) ?n[o']t\b|cannot|avoid(?:ed)?|contraindicated|unsafe"
    r"|answer is no|so no\b|no need)",
    re.I,
)
_ENGLISH_YES = re.compile(
    r"\b(?:(?:is|are) (?:generally |quite |considered )?"
    r"(?:safe|fine|ok|okay|recommended|needed|necessary)|so yes|answer is yes|yes\b"
    r"|(?:she|he|they|you|the patient) (?:can|may|should|must)\b(?! not))",
    re.I,
)
_ENGLISH_IF = re.compile(r"\b(?:if|unless|but|however|except|only|until|depends)\b", re.I)


def _other_english_stance(last: list[str], reply: str, question: str) -> str | None:
    """Compare the yes or no with which an English reply begins with a trace's last sentence."""
    answer = _YES_NO.match(reply)
    if not answer or not last or _ENGLISH_IF.search(last[-1]) or re.search(r" or ", question):
        return None
    no, yes = _ENGLISH_NO.search(last[-1]), _ENGLISH_YES.search(last[-1])
    if bool(no) == bool(yes) or bool(no) == bool(answer["no"]):
        return None
    return f"the trace says {last[-1]}, the reply {answer[0]}"

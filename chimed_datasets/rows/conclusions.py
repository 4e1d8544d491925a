"""What a text settles on, and where two texts settle on opposite things.

An option letter, a drug or prescription, a yes or no. A text often weighs what it rejects, so only
its last conclusion counts, and where two texts may be reconciled nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .defects import NAME

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


def _folded(text: str) -> str:
    return _BOXED.sub("", text.translate(_FOLD))


def ends(text: str) -> str:
    """Return the beginning and the end of a long text, the whole of a short one."""
    return text if len(text) <= 2 * TAIL else f"{text[:TAIL]}\n{text[-TAIL:]}"


def sentences(text: str) -> list[str]:
    return [one for piece in _STOP.split(text) if (one := piece.strip())]


def concluding(trace: str) -> list[str]:
    """Return the sentences with which a trace concludes: from the last of its last three that has
    a word of conclusion, else the last."""
    last = sentences(trace)[-3:]
    for at in range(len(last) - 1, -1, -1):
        if _CONCLUDES.search(last[at]):
            return last[at:]
    return last[-1:]


def contradiction(trace: str, reply: str, question: str = "") -> str | None:
    """Return what a trace settles on and what a reply settles on instead, or None."""
    trace, reply = _folded(trace[-TAIL:]), _folded(ends(reply))
    question = _folded(question[-2 * TAIL :])
    last = concluding(trace)
    return (
        _other_option(trace, last, reply, _options(question))
        or _other_drug(last, reply)
        or _other_first(last, reply)
        or _other_finding(last, reply)
        or _other_amount(trace, last, reply, question)
        or _other_stance(trace, reply, question)
    )


# --- options ---------------------------------------------------------------------------------

_X = (
    r"(?P<x>[A-H①-⑩](?:[\s、,和与及/]{0,3}[A-H①-⑩]){0,9})"
    r"(?![A-Za-z0-9%+\-]|超|型|族|肝|细胞|链|淋巴|级|期|类|组|区|线|波|点|蛋白|反应)"
)
_ANSWER = re.compile(
    r"(?P<cue>(?:答案|选项|结论|错误项|正确项)(?:应该|应当|应|就|只能|还|确定|定)?(?:是|为|选|:"
    r"|\s|即){1,3}"
    r"|选(?:择|项|:|定|的?是|\s){0,3}|(?:最后|我|直接|就|应)答|(?:所以|因此|那就|就)(?:应?该?是"
    r"|为|只有)?|[Aa]nswer(?: is|:)\s?"
    r"|正确(?:的)?(?:选项|答案)?(?:是|为|:))\(?\s?" + _X
)
_RIGHT = re.compile(_X + "(?:项|选项)?(?:是|才是|更|最)?(?:正确|符合|合适|恰当|对的|吧)")
_DOUBTED = re.compile(
    r"(?:不|别|误|错|勿|会|有人|可能|排除|曾|先|(?<!只)能|想|是否|原本|本来)[^。,;]{0,3}$"
    r"|(?:若|如果|假如|要是|倘|万一)[^。;!?\n]{0,80}$"
)
_TAKEN_BACK = re.compile(
    r"\)?(?:项|选项)?(?:吗|呢|的话|不对|错|有误|不正确|[?？]|似乎|就错|是错|则)"
)
_BARE = re.compile(r"\W*" + _X + r"(?:\W*$|[.、:)]|\s)")
_OPTION = re.compile(
    r"(?<![A-Za-z])([A-H])\s?[.、:)]\s?([^\n]{1,40}?)(?=\s*(?<![A-Za-z])[A-H]\s?[.、:)]"
    r"|[\n;；。?？]|$)"
)
_SURE = re.compile(
    "综合|正确|吧|符合|考虑|诊断|答案|所以|因此|应|选|即|就是|明确|支持|典型|首选|最"
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
    return frozenset(
        k for k, v in found.items() if not any(v != w and v in w for w in found.values())
    )


def _other_option(trace: str, last: list[str], reply: str, options: dict[str, str]) -> str | None:
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
    "|口服|处方|主方|选方|推荐|用药|[应可宜]?用|选|开|给(?:他|她|孩子|患者|病人)用?|定为?)"
    r"(?:药物?|方剂?|中成药|处方|抗生素|治疗|的?是|为|用|服用?|口服|使用|首选|:|\s){0,4}"
)
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


def _clauses(text: str) -> list[str]:
    return _CLAUSE.findall(text)


def _other_drug(last: list[str], reply: str) -> str | None:
    settled = _chosen([c for s in last for c in _clauses(s)])
    if not settled:
        return None
    clauses = _clauses(reply)
    chosen = _chosen(clauses)
    known = {alias for alias, name in _SAME.items() if name in settled} | set(settled)
    with_it = [clause for clause in clauses if any(name in clause for name in known)]
    words = next(iter(settled.values()))
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
_MARKED = re.compile(
    r"(?P<cue>考虑|诊断|辨证|证属|最可能|最符合|挂|应为)(?:[为是:的]|诊断"
    r"|属于){0,3}([^\W\d_a-zA-Z]{2,10})"
)
_AMOUNT = re.compile(
    r"(?<![\d.])(\d++(?:\.\d++)?)\s?(m[lLgG]|毫升|毫克|微克|片|粒|滴|支|袋|g|克|kg|公斤|天|周"
    r"|个月|小时|分钟"
    r"|分(?!钟)|次|%|U|单位)"
)
_HOW_MUCH = re.compile("多少|几|剂量|用量|怎么[吃用服]|多久|多长|计算|[?？]$")
_NUMBERS = re.compile(r"\d++(?:\.\d++)?")
_FAR = 1.5
"""How many times one amount must be the other: rounding is no contradiction."""


def _other_first(last: list[str], reply: str) -> str | None:
    """Compare what comes first by its last two characters, the head of a Chinese noun."""
    thought = _FIRST.findall("。".join(last))
    if len(thought) != 1 or len(told := _FIRST.findall(reply)) != 1:
        return None
    one, other = thought[0], told[0]
    if one[-2:] in reply or other[-2:] in one or one in other or other in one:
        return None
    return f"the trace settles on 首选{one}, the reply on 首选{other}"


def _other_finding(last: list[str], reply: str) -> str | None:
    """Compare what both take for the cause, where they share hardly a character."""
    end = "。".join(last)
    thought = list(_MARKED.finditer(end))
    if not thought or not (told := list(_MARKED.finditer(reply))):
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


def _other_amount(trace: str, last: list[str], reply: str, question: str) -> str | None:
    """Compare the one amount of a trace's end with the one of the same unit in a reply."""
    if not _HOW_MUCH.search(question):
        return None
    thought = _AMOUNT.findall(last[-1] if last else "")
    told = _AMOUNT.findall(reply)
    for number, unit in thought[-1:]:
        same = {n for n, u in told if u == unit}
        if len(same) != 1 or number in _NUMBERS.findall(reply) or same & {*_NUMBERS.findall(trace)}:
            return None
        one, other = sorted((float(number), float(min(same))))
        if other >= _FAR * one:
            return f"the trace settles on {number}{unit}, the reply on {min(same)}{unit}"
    return None


# --- yes and no ------------------------------------------------------------------------------


class Stance(NamedTuple):
    """kind: see ``_OPPOSITE``. about: the words that it is about. words: the clause."""

    kind: str
    about: str
    words: str


_STANCE = re.compile(
    "(?P<needless>不(?:需要?|必|用|一定要|一定需要)|无需|无须|没必要|没有必要|可以?不)"
    "|(?P<forbidden>不(?:能|可以?|宜|建议|应该?|应当|要|推荐|适合|适宜|主张|行)"
    "|(?<![虎舍顾由])不得|禁止|禁用|严禁|禁忌|忌|避免|切勿|千万别)"
    "|(?P<isnot>不是|并非|不属于|不算)"
    "|(?P<wont>不(?:大|太)?会)"
    "|(?P<odd>不正常|异常)|(?P<normal>正常)"
    "|(?P<must>必须|(?<!有)需要|需|应该|应当|有必要|(?<![反适效相响对供感])应|建议"
    "|得(?=[去做打吃立马尽赶])|(?<![重主必需只])要)"
    "|(?P<may>可以|能够|(?<![功可性智])能|(?<![即均])可(?!能)|适合|推荐|允许|没问题)"
    "|(?P<is>(?<![但就还不总若只或凡])是(?!否|不是|因|由)|属于)"
    "|(?P<will>(?<![机社协学])会)"
)
_OPPOSITE = {
    "forbidden": {"may", "must"}, "needless": {"must"}, "isnot": {"is"}, "wont": {"will"},
    "may": {"forbidden"}, "must": {"forbidden", "needless"}, "is": {"isnot"}, "will": {"wont"},
    "odd": {"normal"}, "normal": {"odd"},
}  # fmt: skip
_ASKED = re.compile(
    "(?P<do>能不能|可不可以|可以|能|可否|能否|行不行|要不要|需不需要|需要|用不用|必须|该不该"
    "|应该|应当|要|宜)"
    "|(?P<be>是不是|是否|是|属于|算)|(?P<occur>会不会|会)|(?P<norm>正常)"
)
_QUESTION = re.compile(
    "吗|么|嘛|不能|可不可以|是不是|要不要|需不需要|会不会|是否|能否|可否|行不行|用不用|该不该"
)
_OF_KIND = {
    "do": {"forbidden", "needless", "may", "must"}, "be": {"is", "isnot"},
    "occur": {"will", "wont"}, "norm": {"odd", "normal"},
}  # fmt: skip
_ONLY_IF = re.compile(
    "如果|若|除非|期|时|急性|严重|空腹|过量|大量|长期|同时|一起|完全|擅自|自行|立即|马上"
    "|过度|随意|随便|突然|盲目"
    "|部分|少量|适量|一律|单独|仅|只|暂|先|之后|以后|之前|以前|周|月|虽然|尽管|但|而|等|说|问"
)
_EMPTY = re.compile(
    "[的了地得啊吧呢哦您你他她这个该此,。!？?]|患者|病人|情况|继续|放心|服用|使用|食用|应用"
)
_NOT_SAID = re.compile(
    "不是|并非|没有|不等于|不代表|网上|有人|传言|以为|老人说|不说明|是否|想知道|能否"
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


def _stances(texts: list[str], kinds: set[str]) -> Iterator[Stance]:
    """Yield what each clause says first of those kinds."""
    for text in texts:
        for clause in _CLAUSE.findall(text):
            for match in _STANCE.finditer(clause):
                if match.lastgroup in kinds:
                    if not _NOT_SAID.search(clause[: match.start()]):
                        about = _EMPTY.sub("", clause[match.end() :]).strip()
                        yield Stance(match.lastgroup, about, clause.strip())
                    break


def _pairs(text: str) -> set[str]:
    return {text[i : i + 2] for i in range(len(text) - 1)}


def _concerns(about: str, question: str) -> bool:
    """Tell whether what a stance is about is what was asked: nothing, a bare verb, or its words."""
    if _VERB.fullmatch(about):
        return True
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
    told = list(_stances(sentences(reply)[:3], kinds))
    thought = list(_stances(sentences(trace)[-3:], kinds))
    told, thought = _relevant(told, thought, question), _relevant(thought, told, question)
    if not told or not thought:
        return None
    # What either says of the matter must all be one way: where conditions are weighed, both agree.
    first, against = told[0], _OPPOSITE[told[0].kind]
    if any(one.kind not in against for one in thought):
        return None
    if {one.kind for one in told} & {one.kind for one in thought}:
        return None
    given = set(_ONLY_IF.findall(question))
    plain = [one for one in thought if given.issuperset(_ONLY_IF.findall(one.words))]
    if not plain or not given.issuperset(_ONLY_IF.findall(first.words)):
        return None
    one = plain[-1]
    return f"the trace says {one.words}, the reply {first.words}"

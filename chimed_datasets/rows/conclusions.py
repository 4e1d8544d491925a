"""What a text settles on, and where two texts settle on opposite things.

An option letter, a drug or prescription, a yes or no. A text often weighs what it rejects, so only
its last conclusion counts, and where two texts may be reconciled nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .defects import NAME

TAIL = 600
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
    options = _options(question)
    return (
        _other_option(trace, reply, options)
        or _other_drug(trace, reply)
        or _other_stance(trace, reply, question)
    )


# --- options ---------------------------------------------------------------------------------

_X = (
    r"(?P<x>[A-H①-⑩](?:[\s、,和与及/]{0,3}[A-H①-⑩]){0,9})"
    r"(?![A-Za-z0-9%+\-]|超|型|族|肝|细胞|链|淋巴|级|期|类|组|区|线|波|点|蛋白|反应)"
)
_ANSWER = re.compile(
    r"(?P<cue>(?:答案|选项|结论)(?:应该|应当|应|就|只能|还|确定|定)?(?:是|为|选|:|\s|即){1,3}"
    r"|选(?:择|项|:|定|的?是|\s){0,3}"
    r"|正确(?:的)?(?:选项|答案)?(?:是|为|:))\(?\s?" + _X
)
_DOUBTED = re.compile(
    r"(?:不|别|误|错|勿|若|如果|假如|要是|会|有人|可能|排除|曾|先|能|想|是否|原|本)"
    r"[^。,;]{0,3}$"
)
_TAKEN_BACK = re.compile(
    r"\)?(?:项|选项)?(?:吗|呢|的话|不对|错|有误|不正确|[?？]|似乎|就错|是错|则)"
)
_BARE = re.compile(r"\W*" + _X + r"(?:\W*$|[.、:)]|\s)")
_OPTION = re.compile(
    r"(?<![A-Za-z])([A-H])\s?[.、:)]\s?([^A-H\n]{1,40}?)(?=\s*(?:[A-H]\s?[.、:)]|[\n;；。?？]|$))"
)


def _letters(text: str) -> frozenset[str]:
    return frozenset(c for c in text if "A" <= c <= "H" or "①" <= c <= "⑩")


def _options(question: str) -> dict[str, str]:
    found = dict(_OPTION.findall(question))
    return {k: v.strip(" ,、") for k, v in found.items()} if len(found) > 1 else {}


def _answers(text: str) -> list[tuple[frozenset[str], str]]:
    """Return what a text says the answer is, each time, with its words."""
    found = []
    for match in _ANSWER.finditer(text):
        before, after = text[max(0, match.start() - 8) : match.start()], text[match.end() :]
        if not _DOUBTED.search(before) and not _TAKEN_BACK.match(after[:8]):
            found.append((_letters(match["x"]), match[0]))
    return found


def _named(text: str, options: dict[str, str]) -> frozenset[str]:
    """Return the options whose words a text has, unless others hold them."""
    found = {k: v for k, v in options.items() if len(v) > 1 and v in text}
    return frozenset(
        k for k, v in found.items() if not any(v != w and v in w for w in found.values())
    )


def _other_option(trace: str, reply: str, options: dict[str, str]) -> str | None:
    replied = [letters for letters, _ in _answers(reply)]
    bare = _BARE.match(reply)
    if bare:
        replied.append(_letters(bare["x"]))
    first = next(iter(sentences(reply)), "")
    if not replied and options and len(one := _named(first, options)) == 1:
        replied.append(one)
    if not replied:
        return None
    settled = _answers(trace)
    if settled:
        letters, words = settled[-1]
    elif options:
        words = "，".join(concluding(trace))
        letters = _named(words, options)
        if len(letters) != 1 or re.search("不|非|排除|除外|错", words):
            return None
    else:
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
    "西林|沙星|霉素|地平|洛尔|普利|沙坦|他汀|拉唑|替丁|列汀|列净|列酮|格列..|[昔韦]韦|那韦|洛韦|康唑"
    "|双胍|单抗|替尼|西泮|唑仑|环素|硝唑|磺胺|西汀|舍曲林|拉明|雷他定|利嗪|沙班|格雷|米特|匹林|布洛芬"
    "|氨基酚|昔布|米松|尼松|尼龙|胰岛素|甲硝唑|头孢[\u4e00-\u9fff]{1,3}"
)
_FORM = "汤|散|丸|饮|饮子|颗粒|胶囊|口服液|滴丸|冲剂|合剂|丹|膏|片|糖浆|注射液"
_DRUG = re.compile(
    rf"{NAME.pattern}|[\u4e00-\u9fff]{{0,5}}?(?:{_STEM})|[\u4e00-\u9fff]{{2,7}}?(?:{_FORM})"
)
_CHOICE = re.compile(
    "(?P<cue>首选|选用|选择|改用|换用|应用|使用|建议用?|可用|可选|宜用|当用|方用|方选|给予|予以?|服用"
    "|口服|处方|主方|选方|推荐|用药|[应可宜]?用|选|开)"
    r"(?:药物?|方剂?|的?是|为|用|服用?|口服|使用|首选|:|\s){0,3}"
)
_REFUSED = re.compile("不|勿|别|禁|忌|避免|停|慎|未|而非|无需|排除|否则|没有")
_HEDGED = re.compile(
    "若|如果|如对|备选|过敏|替代|次选|无效|必要时|也可|亦可|其次|加用|联合|或者|合用|曾|之前"
)
_SAME = {
    "芬必得": "布洛芬", "美林": "布洛芬", "扶他林": "双氯芬酸", "吗丁啉": "多潘立酮",
    "强的松": "泼尼松", "优甲乐": "左甲状腺素", "扑尔敏": "氯苯那敏", "熟地": "熟地黄",
    "泰诺林": "对乙酰氨基酚", "扑热息痛": "对乙酰氨基酚", "拜新同": "硝苯地平",
    "络活喜": "氨氯地平", "波立维": "氯吡格雷", "立普妥": "阿托伐他汀", "金匮肾气丸": "肾气丸", "开瑞坦": "氯雷他定",
}  # fmt: skip


def _name(drug: str) -> str:
    return _SAME.get(drug, drug)


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


def _other_drug(trace: str, reply: str) -> str | None:
    settled = _chosen([c for s in concluding(trace) for c in _clauses(s)])
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


# --- yes and no ------------------------------------------------------------------------------


class Stance(NamedTuple):
    """kind: see ``_OPPOSITE``. about: the words that it is about. words: the clause."""

    kind: str
    about: str
    words: str


_STANCE = re.compile(
    "(?P<forbidden>不(?:能|可以?|宜|建议|应该?|应当|得|要|推荐|适合|适宜)|禁止|禁用|严禁|禁忌|忌|避免|切勿|千万别)"
    "|(?P<needless>不(?:需要?|必|用|一定要|一定需要)|无需|无须|没必要|没有必要)"
    "|(?P<isnot>不是|并非|不属于|不算)"
    "|(?P<wont>不会)"
    "|(?P<must>必须|需要|需|应该|应当|有必要|应|建议|要)"
    "|(?P<may>可以|能够|能|可|适合|推荐|允许)"
    "|(?P<is>(?<![但就还不总若只或凡])是(?!否|不是)|属于)"
    "|(?P<will>会)"
)
_OPPOSITE = {
    "forbidden": {"may", "must"}, "needless": {"must"}, "isnot": {"is"}, "wont": {"will"},
    "may": {"forbidden"}, "must": {"forbidden", "needless"}, "is": {"isnot"}, "will": {"wont"},
}  # fmt: skip
_ASKED = re.compile(
    "吗|么|能不能|可不可以|是不是|要不要|需不需要|会不会|是否|能否|可否|对不对|行不行|用不用"
)
_ONLY_IF = re.compile(
    "如果|若|除非|期|时|急性|严重|空腹|过量|大量|长期|同时|一起|完全|擅自|自行|立即|马上|过度|随意|随便|突然|盲目"
    "|部分|少量|适量|一律|单独|仅|只|暂|先|后|前|虽然|尽管|但|而"
)
_EMPTY = re.compile("[的了地得啊吧呢哦您你患者病人这个该此情况]")


def _stances(texts: list[str]) -> Iterator[Stance]:
    for text in texts:
        for clause in _CLAUSE.findall(text):
            match = _STANCE.search(clause)
            if match and match.lastgroup:
                about = _EMPTY.sub("", clause[match.end() :]).strip()
                yield Stance(match.lastgroup, about, clause.strip())


def _alike(one: str, other: str) -> bool:
    """Tell whether two objects share half the pairs of characters of the shorter one."""
    if len(one) < 2 or len(other) < 2:
        return bool(one) and bool(other) and (one in other or other in one)
    a = {one[i : i + 2] for i in range(len(one) - 1)}
    b = {other[i : i + 2] for i in range(len(other) - 1)}
    return len(a & b) >= 0.5 * min(len(a), len(b))


def _other_stance(trace: str, reply: str, question: str) -> str | None:
    if question and not _ASKED.search(question):
        return None
    told = list(_stances(sentences(reply)[:2]))
    thought = list(_stances(concluding(trace)))
    if not told or not thought:
        return None
    first = told[0]
    for one in thought:
        if one.kind not in _OPPOSITE[first.kind]:
            continue
        if not (
            _alike(one.about, first.about) or (not first.about and _alike(one.about, question))
        ):
            continue
        conditions = set(_ONLY_IF.findall(one.words)) ^ set(_ONLY_IF.findall(first.words))
        agreed = any(
            s.kind not in _OPPOSITE[first.kind] and _alike(s.about, first.about) for s in thought
        ) or any(s.kind == one.kind and _alike(s.about, one.about) for s in told)
        if not conditions and not agreed:
            return f"the trace says {one.words}, the reply {first.words}"
    return None

"""Numbers with their units, whatever way they are written.

3次 and 三次 are one quantity, and so are 5毫升 and 5ml, 0.4毫克 and 400微克, 半片 and 1/2片.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

_NUMERALS = "零〇一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾廿卅"
_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")}
_DIGITS |= {sign: value for value, sign in enumerate("〇壹贰叁肆伍陆柒捌玖")} | {"两": 2}
_POWERS = {"十": 10, "拾": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}

_UNITS: dict[str, tuple[str, float]] = {}
"""Each spelling of a unit -> its dimension, and how many of that it is."""
for _line in resources.files(__package__).joinpath("units.txt").read_text("utf-8").splitlines():
    _dimension, _factor, *_spellings = _line.split()
    if _dimension != "#":
        _UNITS |= {
            one: (one if _dimension == "=" else _dimension, float(_factor)) for one in _spellings
        }

_DOSE = {
    "g",
    "ml",
    "iu",
    "次",
    "片",
    "粒",
    "丸",
    "支",
    "袋",
    "包",
    "滴",
    "匙",
    "勺",
    "剂",
    "钱",
    "两",
}

_BARE = _NUMERALS.replace("两", "")


def _number(digits: str = "", spelled: str = "") -> str:
    """Return the pattern of a number, ``digits`` and ``spelled`` before each way of writing."""
    return (
        rf"(?:{digits}\d+(?:\.\d+)?"
        r"(?:(?:[百千]?[万亿]|[百千](?![分克卡米帕焦瓦赫]))(?:\d{1,4}[百千]?(?![\d.]))?)?"
        rf"|(?:{spelled}(?:[{_BARE}]|两(?=[百千万亿]))+|两)(?:点[{_BARE}]+|\.[{_BARE}\d])?)"
    )


_NUMBER = _number()
_SOUGHT = _number(r"(?<!\d)", rf"(?<![{_BARE}])(?<!两(?=[百千万亿]))")
"""A number where it begins: a search from each of its digits would take quadratic time."""
_UNIT = "|".join(
    re.escape(unit) + ("(?!之)" if unit == "分" else "")
    for unit in sorted(_UNITS, key=len, reverse=True)
)
_GIVEN = "|".join(
    sorted((one for one, (of, _) in _UNITS.items() if of in _DOSE - {"次"}), key=len, reverse=True)
)
_AFTER = r"(?![a-z])"
_HALF = "半(?!夏|身|月板|卧|乳|衰|边)"
_PER = {
    spelling: name
    for name, spellings in {
        "kg": "kg 公斤 千克", "l": "l 升", "dl": "dl 分升", "ml": "ml 毫升", "h": "h 小时",
        "min": "min 分钟 分", "m2": "m2 平方米",
    }.items()
    for spelling in spellings.split()
}  # fmt: skip
_PER_UNIT = "|".join(sorted(_PER, key=len, reverse=True))
_QUANTITY = re.compile(
    rf"(?P<half>半)(?P<halved>(?:{_UNIT}){_AFTER})"
    rf"|(?P<minus>零下|负(?=\d))?(?P<share>百分之|千分之)?(?P<a>{_NUMBER})"
    rf"(?:(?P<ua>{_UNIT}){_AFTER})?(?P<more>{_HALF})?"
    rf"(?:(?P<sep>[-~—–至到比:/×x*]|分之)(?:百分之)?(?P<b>{_NUMBER})"
    rf"(?:(?P<ub>{_UNIT}){_AFTER})?(?P<plus>{_HALF})?)?"
    rf"(?:每(?P<per>{_PER_UNIT}){_AFTER}(?:体重)?)?"
)
_NO_NUMBER = re.compile(
    "一(?:般|定|样|起|直|些|种|下|点|方面|旦|律|切|边|向|再|致|共|体|同|时|度|连|番|味|经|身|心|概|阵|"
    "带|侧|面|来|则|路|个(?!月|小时|星期|礼拜|钟头)|位|名|并|者|股|条|如|道|云|曰|作|本)"
    "|四(?=[苓芩])|五(?=[苓芩])|万[一分能]|十分(?![钟之])|千万(?=[别不要勿])|第一时间|一一|两侧"
)
"""Words that begin with a numeral and count nothing."""
_NONE_BEFORE = rf"(?<![{_NUMERALS}\d.点])"
_NONE_BEFORE_IT = rf"(?<![{_NUMERALS}\d.点].)"
"""The same behind the first character: a search for what begins with one of some is quick."""
_FEW = rf"(?:\d{{1,2}}|[{_BARE}]{{1,3}}|两)"
_STEPS = "|".join(f"{_BARE[i]}{_NONE_BEFORE_IT}、?{_BARE[i + 1]}" for i in range(3, 10))
_LATE = ("下午", "傍晚", "晚上", "晚", "夜里", "夜间")
_ROMAN = {
    "i": 1,
    "ii": 2,
    "iii": 3,
    "iv": 4,
    "v": 5,
    "vi": 6,
    "vii": 7,
    "viii": 8,
    "ix": 9,
    "x": 10,
}
_WHOLE = {"年": (12, "个月"), "岁": (12, "个月"), "小时": (60, "分钟"), "钟头": (60, "分钟")}


def _sum(match: re.Match[str]) -> str:
    """Return 1小时30分 as 90分钟, 一年六个月 as 18个月."""
    many, unit = _WHOLE[match[2]]
    return f"{_number_in(match[1]) * many + _number_in(match[3]):g}{unit}"


def _length(match: re.Match[str]) -> str:
    """Return 1米65 as 165cm, 一米八 as 180cm."""
    tens = "".join(str(_DIGITS.get(sign, sign)) for sign in match[2])
    return f"{100 * _number_in(match[1]) + int(tens.ljust(2, '0')):g}cm"


def _clock(match: re.Match[str]) -> str:
    """Return 下午三点半 as 15:30."""
    day, said, minutes = match.groups()
    hour = _number_in(said)
    if day in _LATE and hour < 12:
        hour += 12
    spelt = {"半": 30.0, "一刻": 15.0, "三刻": 45.0, "": 0.0}
    minutes = (minutes or "").strip("分:")
    return f"{hour:g}:{spelt[minutes] if minutes in spelt else _number_in(minutes):02g}"


_TOLD = (
    r"(?=(?:口?服用?|内服|[吃用喝涂擦敷做各共]|外[用涂敷擦])?"
    rf"(?:{_NUMBER}[-~至到])?{_NUMBER}[次回遍服])"
)
"""How often comes next."""
_Change = str | Callable[[re.Match[str]], str]
_SPELT_OUT: tuple[tuple[frozenset[str], tuple[str, ...], re.Pattern[str], _Change], ...] = tuple(
    (frozenset(needles.split()[0]), (*needles.split()[1:],), re.compile(pattern), instead)
    for needles, pattern, instead in (
        (",", r"(?<=\d),(?=\d{3}(?!\d))", ""),
        # signs of prescriptions, and Roman numerals
        (
            "ivx",
            r"(?<![a-z])(i{1,3}|iv|vi{0,3}|ix|x)(?=[度级型期°类])",
            lambda match: str(_ROMAN[match[1]]),
        ),
        ("q隔", r"(?<![a-z])qod(?![a-z])|隔[日天]", "每2天"),
        ("q", r"(?<![a-z])q(\d\d?)h(?![a-z])", r"每\1小时1次"),
        ("q", r"(?<![a-z])qn(?![a-z])", "每晚1次"),
        ("q", r"(?<![a-z])qd(?![a-z])", "每日1次"),
        ("b", r"(?<![a-z])bid(?![a-z])", "每日2次"),
        ("t", r"(?<![a-z])tid(?![a-z])", "每日3次"),
        ("q", r"(?<![a-z])qid(?![a-z])", "每日4次"),
        ("b", r"(?<=\d)bpm(?![a-z])", "次每分"),
        (
            "压",
            r"(?:收缩压|高压)[为是]?(\d{2,3})(?:mmhg|毫米汞柱)?"
            r"[ ,、/和]?(?:舒张压|低压)[为是]?(?=\d)",
            r"\1/",
        ),
        # two units in one
        (
            "度c 度 °c",
            rf"({_SOUGHT})(?:度|°c)(\d|[{_BARE[2:10]}])(?![\d{_NUMERALS}]|{_UNIT})",
            r"\1.\2度",
        ),
        (
            "点时:",
            rf"([上下]午|早[上晨]?|清晨|凌晨|中午|傍晚|晚上?|夜[里间])({_FEW})"
            rf"(?:(?=:\d\d)|点[钟整]?|时)(半|[一三]刻|:\d\d|{_FEW}分|{_FEW}(?!{_UNIT}))?(?![\d{_NUMERALS}])",
            _clock,
        ),
        (
            "点",
            rf"{_NONE_BEFORE}()({_FEW})点(?:[钟整]|(半|[一三]刻|{_FEW}分)|(?<=[12]\d点)(?![\d{_NUMERALS}]))",
            _clock,
        ),
        ("时头 小时 钟头", rf"({_SOUGHT})个?(小时|钟头)零?({_FEW})分钟?", _sum),
        ("月 个月", rf"({_SOUGHT})([年岁])零?又?({_FEW})个月", _sum),
        (
            "米",
            rf"{_NONE_BEFORE}(\d|[{_BARE[2:10]}两])米(\d{{1,2}}|[{_BARE[:10]}]{{1,2}})(?![\d{_NUMERALS}.]|{_UNIT})",
            _length,
        ),
        ("半 个半", rf"({_SOUGHT})个半(月|小时|钟头|星期|礼拜)", r"\1个\2半"),
        ("半 半月 半个月", rf"(?<![{_NUMERALS}\d个上下每前后])半个?月(?![板形线牙经])", "15天"),
        ("夜 天 日", rf"({_SOUGHT})([天日])\1夜", r"\1天"),
        ("大 个月大", rf"({_SOUGHT})个月大(?!小)", r"\1月龄"),
        ("号", rf"(?<=月)({_FEW})号", r"\1日"),
        ("代 年代", r"(?:19|(?:20|二十)世纪)?(?:([5-9])0|([五六七八九])十)年代", r"1900-\1\2年代"),
        # halves and parts
        ("半 两半 钱半 斤半 升半 寸半", rf"{_NONE_BEFORE}(?=[两钱斤升寸]{_HALF})", "一"),
        (
            "半之 一半 二分之一",
            rf"{_NONE_BEFORE}(?:一半|二分之一)(?![\d{_NUMERALS}夏]|{_UNIT})",
            "50%",
        ),
        (
            "又 / 分之",
            rf"({_SOUGHT})又([{_NUMERALS}\d])(?:/|分之)([{_NUMERALS}\d])",
            lambda match: _mixed(match),
        ),
        # ranges without a sign
        (
            "三四五六七八九",
            rf"({_STEPS})(?![\d{_NUMERALS}])",
            lambda match: "-".join(match[1].strip("、")[:: len(match[1]) - 1]),
        ),
        ("第", rf"第([{_BARE[2:9]}])([{_BARE[3:10]}])(?![\d{_NUMERALS}])", r"第\1-\2"),
        (
            "十",
            rf"([二三四五六七八九]?十)([{_BARE[2:9]}])([{_BARE[3:10]}])(?={_UNIT})",
            r"\1\2-\1\3",
        ),
        ("十 十五", rf"{_NONE_BEFORE}(十五)([二三四五]十)(?={_UNIT})", r"\1-\2"),
        (
            "十百千",
            rf"([{_BARE[2:9]}]){_NONE_BEFORE_IT}、?([{_BARE[3:10]}两])([十百千])",
            r"\1\3-\2\3",
        ),
        (
            "二两三四五六七八九",
            rf"([{_BARE[2:9]}两]){_NONE_BEFORE_IT}((?<=一)两|[{_BARE[3:10]}])(?={_UNIT})",
            r"\1-\2",
        ),
        ("、,", rf"(?<![\d{_NUMERALS}、,.])({_FEW})[、,]({_FEW})(?={_UNIT})", r"\1-\2"),
        ("第", rf"(第{_FEW})[、,](?={_FEW})", r"\1-"),
        ("多余来几", rf"(\d|[{_NUMERALS}])[多余来几](?={_UNIT})", r"\1"),
        # per: each in one order
        (
            "每",
            rf"每({_PER_UNIT}){_AFTER}(?:体重)?({_NUMBER}(?:[-~至到]{_NUMBER})?(?:{_UNIT}))",
            r"\2每\1",
        ),
        ("每", "每(?=周|个?星期|个?礼拜|个?月|年)", "每1"),
        # 每天, 一日, 每次, 一次: what a dose is told by; of 每日5克 the day counts
        (
            "日天次",
            rf"[每一1日](?:(?<=日)(?<![{_NUMERALS}\d月].){_TOLD}"
            rf"|(?<!日)(?:(?<![{_NUMERALS}\d.第].)[天日]{_TOLD}"
            rf"|(?<=每)[天日d]{_AFTER}(?![^\d{_NUMERALS}]{{0,3}}{_NUMBER}(?:{_GIVEN}))"
            rf"|(?<![{_NUMERALS}\d.第].)次))",
            "",
        ),
        ("每", "每[天日]", "1天"),
    )
)
_WEAK = {"", "个", "种", "位", "名", "次", "类", "者", "侧", "条", "处"}
"""One of these is as good as not said: 一种, 1个."""


_ONE = {("", unit) for unit in _WEAK}


_ANY = re.compile(rf"[\d{_NUMERALS}半每隔日bqtivx]")
_SPELT_BY = re.compile(f"[{''.join(sorted({sign for signs, *_ in _SPELT_OUT for sign in signs}))}]")
_BEGINS = re.compile(rf"[\d{_NUMERALS}半负]")
"""A quantity begins with one of these: a search for it is quick."""


PLACE = "\ue100"
"""What stands for a quantity in the rest of a text: of private use, and so in no text."""


class Quantity(NamedTuple):
    """``key`` is equal for equal quantities; ``said`` is how it is written; ``dose``: of what is
    given or how often, not any number."""

    key: tuple[object, ...]
    said: str
    dose: bool


def quantities(text: str) -> tuple[list[Quantity], str]:
    """Return the quantities of a text (half width, lower case), and the text without them."""
    if not _ANY.search(text):
        return [], text
    text = _spelt_out(text)
    hidden = _NO_NUMBER.sub(_hidden, text)
    shown = text == hidden
    text = hidden
    found: list[Quantity] = []
    rest: list[str] = []
    taken = end = 0
    for begins in _BEGINS.finditer(text):
        at = begins.start()
        if at < end or not (match := _QUANTITY.match(text, at)):
            continue
        end = match.end()
        if quantity := _read(match[0], *match.groups()):
            if quantity.key[0] != 1 or quantity.key[1:] not in _ONE:
                found.append(quantity)
            rest += text[taken:at], PLACE
            taken = end
    rest.append(text[taken:])
    left = "".join(rest)
    return found, left if shown else left.translate(_SHOWN)


def _spelt_out(text: str) -> str:
    """Return a text with its quantities in the ways of writing that are read."""
    signs = frozenset(_SPELT_BY.findall(text))
    todo = [*_rules_of(signs)] if signs else []
    while todo:
        rule = todo.pop()
        _, strings, pattern, instead = _SPELT_OUT[rule]
        if not strings or any(string in text for string in strings):
            spelt = pattern.sub(instead, text)
            if spelt != text:
                text = spelt
                todo = [one for one in _rules_of(frozenset(_SPELT_BY.findall(text))) if one > rule]
    return text


@lru_cache(maxsize=1 << 12)
def _rules_of(signs: frozenset[str]) -> list[int]:
    """Return the numbers of the rules that need one of some signs, the last one first."""
    rules = [number for number, rule in enumerate(_SPELT_OUT) if not rule[0].isdisjoint(signs)]
    return rules[::-1]


def _hidden(match: re.Match[str]) -> str:
    return match[0].translate(_HIDDEN)


_HIDDEN = {ord(sign): 0xF0000 + number for number, sign in enumerate(_NUMERALS)}
_SHOWN = {hidden: sign for sign, hidden in _HIDDEN.items()}


@lru_cache(maxsize=1 << 14)
def _read(
    said: str,
    half: str | None,
    halved: str | None,
    minus: str | None,
    share: str | None,
    a: str | None,
    ua: str | None,
    more: str | None,
    sep: str | None,
    b: str | None,
    ub: str | None,
    plus: str | None,
    per: str | None,
) -> Quantity | None:
    """Return what a match of ``_QUANTITY`` says, by its groups."""
    if half or not a:
        return _quantity((0.5,), "", halved or "", said)
    unit, sep = ub or ua or "", sep or ""
    first = _number_in(a)
    if more:
        first += 0.5
    if minus:
        first = -first
    if share:
        unit = unit or ("%" if share == "百分之" else "‰")
    if not unit and not sep and a in ("一", "万", "千", "百", "亿"):
        return None
    per = _PER.get(per or "", "")
    if not b:
        return _quantity((first,), "", unit, said, per)
    second = _number_in(b) + (0.5 if plus else 0)
    if ub and ua and _UNITS[ub][0] != _UNITS[ua][0]:
        return _quantity((first, second), ua, ub, said, per)
    if sep in ("/", "比", ":"):
        sep = "/"
        if first < second <= 10 and first.is_integer() and second.is_integer():
            first, second, sep = second, first, "分之"
    if sep == "分之":
        part = second / (first or 1)
        return _quantity((part if unit else 100 * part,), "", unit or "%", said, per)
    if sep in "至到—–~":
        sep = "-"
    if ua and ub and ua != ub:
        first *= _UNITS[ua][1] / _UNITS[ub][1]
    sep = "x" if sep in ("×", "x", "*") else sep
    return _quantity((first, second), sep, unit, said, per)


def _mixed(match: re.Match[str]) -> str:
    """Return 1又1/2 as 1.5."""
    part = [_number_in(one) for one in match.group(2, 3)]
    if "/" not in match[0]:
        part.reverse()
    return f"{_number_in(match[1]) + part[0] / (part[1] or 1):g}"


def _quantity(values: tuple[float, ...], sep: str, unit: str, said: str, per: str = "") -> Quantity:
    dimension, factor = _UNITS.get(unit, (unit, 1.0))
    values = tuple(float(f"{value * factor:.6g}") for value in values)
    key = (*values, sep + per, dimension)
    return Quantity(key, said, dimension in _DOSE)


_WITH_POWER = re.compile(r"(\d+(?:\.\d+)?)([百千万亿]*)")


def _number_in(text: str) -> float:
    if text[0] in _NUMERALS and "." in text:  # 三十八.七, of 三十八度七
        whole, _, part = text.partition(".")
        return _number_in(whole) + _number_in(part) / 10
    if text[0].isdigit():
        value, power = 0.0, 1
        for number, powers in _WITH_POWER.findall(text):  # 1万2千, 300万, 1万2
            times = math.prod(_POWERS[sign] for sign in powers)
            if not powers and power >= 100 and len(number) == 1:
                times = power // 10
            value, power = value + float(number) * times, times
        return value
    whole, _, part = text.partition("点")
    if len(whole) > 1 and not set(whole) & {*_POWERS, "廿", "卅"}:  # 一二〇: digit by digit
        value = float("".join(str(_DIGITS.get(sign, 0)) for sign in whole))
    else:
        value = float(_spelt(whole))
    digits = "".join(str(_DIGITS.get(sign, 0)) for sign in part)
    return value + float(f"0.{digits}") if digits else value


def _spelt(text: str) -> int:
    """Return the number that a spelt one stands for: 三百二十 is 320, 廿一 21, 一百二 120."""
    total = section = digit = last = 0
    for sign in text.replace("廿", "二十").replace("卅", "三十"):
        if sign in _DIGITS:
            digit = _DIGITS[sign]
            if digit == 0:
                last = 0
            continue
        power = _POWERS[sign]
        if power >= 10**4:
            total, section = (total + (section + digit or 1) * power), 0
        else:
            section += (digit or 1) * power
        digit, last = 0, power
    return total + section + (digit * last // 10 if last >= 100 else digit)

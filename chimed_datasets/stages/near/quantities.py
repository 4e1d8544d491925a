"""Numbers with their units, whatever way they are written.

3次 and 三次 are one quantity, and so are 5毫升 and 5ml, 0.4毫克 and 400微克, 半片 and 1/2片.
"""

from __future__ import annotations

import re
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

_NUMBER = rf"(?:\d+(?:\.\d+)?(?:万|亿)?|[{_NUMERALS}]+(?:点[{_NUMERALS}]+|\.[{_NUMERALS}\d])?)"
_UNIT = "|".join(
    re.escape(unit) + ("(?!之)" if unit == "分" else "")
    for unit in sorted(_UNITS, key=len, reverse=True)
)
_AFTER = r"(?![a-z])"
_QUANTITY = re.compile(
    rf"(?P<half>半)(?P<halved>(?:{_UNIT}){_AFTER})"
    rf"|(?P<share>百分之|千分之)?(?P<a>{_NUMBER})(?:(?P<ua>{_UNIT}){_AFTER})?(?P<more>半)?"
    rf"(?:(?P<sep>[-~—–至到比:/×x*]|分之)(?:百分之)?(?P<b>{_NUMBER}))?"
    rf"(?:(?P<ub>{_UNIT}){_AFTER})?(?P<plus>半(?!夏|身|月板|卧|乳|衰))?"
)
_NO_NUMBER = re.compile(
    "[一](?:般|定|样|起|直|些|种|下|点|方面|旦|律|切|边|向|再|致|共|体|同|时|度|连|番|味|经|身|心|概|阵|"
    "带|侧|面|来|则|路|个(?!月|小时|星期|礼拜|钟头)|位|名|并|者|股|条|如|道)|万[一分能]|十分(?!钟)|千万(?=[别不要勿])|第一时间|一一|两侧"
)
"""Words that begin with a numeral and count nothing."""
_ALONE = rf"(?<![{_NUMERALS}])"
_SPELT_OUT = (
    (re.compile(rf"({_NUMBER})度(\d|[{_NUMERALS[1:11]}])(?![\d{_NUMERALS}]|{_UNIT})"), r"\1.\2度"),
    (re.compile("隔[日天]"), "每2天"),
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?<![a-z])bid(?![a-z])"), "2次"),
    (re.compile(r"(?<![a-z])tid(?![a-z])"), "3次"),
    (re.compile(r"(?<![a-z])qid(?![a-z])"), "4次"),
    (re.compile(r"(\d+|[一二三四五六七八九十]+)点(?:半|三十分?|30分?)"), r"\1:30"),
    (re.compile(r"(\d+|[一二三四五六七八九十]+)点([\d一二三四五六七八九十]+)分"), r"\1:\2"),
    (
        re.compile(rf"([二三四五六七八九]?十)([一二三四五六七八])([二三四五六七八九])(?={_UNIT})"),
        r"\1\2-\1\3",
    ),
    (re.compile(rf"{_ALONE}([一二三四五六七八])([二两三四五六七八九])([十百千])"), r"\1\3-\2\3"),
    (re.compile(rf"{_ALONE}([一二两三四五六七八九])([二两三四五六七八九])(?={_UNIT})"), r"\1-\2"),
    (re.compile(rf"(?<![\d、])(\d{{1,2}})[、,](\d{{1,2}})(?={_UNIT})"), r"\1-\2"),
    (re.compile(rf"(\d|[{_NUMERALS}])[多余来几](?={_UNIT})"), r"\1"),
    (re.compile("每(?=周|个?星期|个?礼拜|个?月|年|个?小时|分钟)"), "每1"),
)
_WEAK = {"", "个", "种", "位", "名", "次", "类", "者", "侧", "条", "处"}
"""One of these is as good as not said: 一种, 1个."""
_SAID = re.compile(
    r"每(?=[天日次])[天日次]|[一1](?=[天日次])[天日次]|(?<!\d)日(?=[一二两三四五六七八九1-9][次服])"
)
"""每天, 一日, 每次, 一次: what a dose is told by unless another is named."""


_ONE = {("", unit) for unit in _WEAK}


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
    found: list[Quantity] = []

    def take(match: re.Match[str]) -> str:
        quantity = _read(match)
        if quantity is None:
            return match[0]
        if quantity.key[0] != 1 or quantity.key[1:] not in _ONE:
            found.append(quantity)
        return PLACE

    for pattern, instead in _SPELT_OUT:
        text = pattern.sub(instead, text)
    text = _NO_NUMBER.sub(lambda match: match[0].translate(_HIDDEN), _SAID.sub("", text))
    rest = _QUANTITY.sub(take, text)
    return found, rest.translate(_SHOWN)


_HIDDEN = {ord(sign): 0xF0000 + number for number, sign in enumerate(_NUMERALS)}
_SHOWN = {hidden: sign for sign, hidden in _HIDDEN.items()}


def _read(match: re.Match[str]) -> Quantity | None:
    if match["half"]:
        return _quantity((0.5,), "", match["halved"], match[0])
    unit, sep = match["ub"] or match["ua"] or "", match["sep"] or ""
    first = _number_in(match["a"])
    if match["plus"] or match["more"]:
        first += 0.5
    if match["share"]:
        unit = unit or ("%" if match["share"] == "百分之" else "‰")
    if not unit and not sep and match["a"] in ("一", "万", "千", "百", "亿"):
        return None
    if not match["b"]:
        return _quantity((first,), "", unit, match[0])
    second = _number_in(match["b"])
    if match["ub"] and match["ua"] and _UNITS[match["ub"]][0] != _UNITS[match["ua"]][0]:
        return _quantity((first, second), match["ua"], match["ub"], match[0])
    if sep == "分之":
        return _quantity((second / (first or 1),), "", unit, match[0])
    if (
        sep in ("/", "比", ":")
        and first < second <= 10
        and first.is_integer()
        and second.is_integer()
    ):
        return _quantity((first / second,), "", unit, match[0])
    if sep in "至到—–~":
        sep = "-"
    if sep == "-" and match["ua"] and match["ub"] and match["ua"] != match["ub"]:
        factor = _UNITS[match["ua"]][1] / _UNITS[match["ub"]][1]
        first *= factor
    sep = "/" if sep in ("比", ":") else "x" if sep in ("×", "x", "*") else sep
    return _quantity((first, second), sep, unit, match[0])


def _quantity(values: tuple[float, ...], sep: str, unit: str, said: str) -> Quantity:
    dimension, factor = _UNITS.get(unit, (unit, 1.0))
    key = (*(float(f"{value * factor:.6g}") for value in values), sep, dimension)
    return Quantity(key, said, dimension in _DOSE)


def _number_in(text: str) -> float:
    if text[0] in _NUMERALS and "." in text:  # 三十八.七, of 三十八度七
        whole, _, part = text.partition(".")
        return _number_in(whole) + _number_in(part) / 10
    if text[0].isdigit():
        power = _POWERS.get(text[-1], 1)
        return float(text.rstrip("万亿")) * power
    whole, _, part = text.partition("点")
    if not set(whole) & set(_POWERS) and len(whole) > 1:  # 一二〇: digit by digit
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

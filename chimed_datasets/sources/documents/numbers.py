"""A number as the cell of a sheet shows it: number formats of workbooks.

A format has up to four sections (above zero, below, zero, text), or sections with conditions. The
signs of a section are cut into tokens once; a format comes again in very many cells. Dates without
a form of their own are written as a Chinese system does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from .numerals import counted

BUILT_IN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: '"¥"#,##0', 6: '"¥"#,##0',
    7: '"¥"#,##0.00', 8: '"¥"#,##0.00', 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
    13: "# ??/??", 14: "yyyy/m/d", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy/m/d h:mm", 27: 'yyyy"年"m"月"',
    28: 'm"月"d"日"', 29: 'm"月"d"日"', 30: "m-d-yy", 31: 'yyyy"年"m"月"d"日"',
    32: 'h"时"mm"分"', 33: 'h"时"mm"分"ss"秒"', 34: '上午/下午h"时"mm"分"',
    35: '上午/下午h"时"mm"分"ss"秒"', 36: 'yyyy"年"m"月"', 37: "#,##0;-#,##0", 38: "#,##0;-#,##0",
    39: "#,##0.00;-#,##0.00", 40: "#,##0.00;-#,##0.00", 41: "#,##0;-#,##0;-",
    42: '"¥"#,##0;-"¥"#,##0;-', 43: "#,##0.00;-#,##0.00;-", 44: '"¥"#,##0.00;-"¥"#,##0.00;-',
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
    50: 'yyyy"年"m"月"', 51: 'm"月"d"日"',
    52: 'yyyy"年"m"月"', 53: 'm"月"d"日"', 54: 'm"月"d"日"', 55: '上午/下午h"时"mm"分"',
    56: '上午/下午h"时"mm"分"ss"秒"', 57: 'yyyy"年"m"月"', 58: 'm"月"d"日"',
}  # fmt: skip
"""Formats that a file names by number alone, as a Chinese system shows them."""

_TOKEN = re.compile(
    r"\"[^\"]*\"?|[\\!].|_.|\*.|\[[^\]]{0,80}\]|General|G/通用格式|AM/PM|A/P|上午/下午|E[+-]"
    r"|\.0{1,9}(?=\D|$)|y+|m+|d+|h+|s+|a{3,4}|e+|[0#?]|.",
    re.I | re.S,
)
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?\d{1,20}(?:\.\d{1,20})?)\]")
_SHOWN_DIGITS = 15
"""A number of a workbook has so many digits; what stands behind them is noise of its bits."""
_GENERAL_CHARS = 11
_LONGEST = 500
"""A format with more signs than this is none."""
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEK = "一二三四五六日"
_TESTS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "=": lambda a, b: a == b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<>": lambda a, b: a != b,
}


class _Token(NamedTuple):
    """kind: "text", "digit", "date", "elapsed", "half" (of a day), "general", "exponent" or the
    sign itself (. , % / @)."""

    kind: str
    text: str


@dataclass(frozen=True)
class _Section:
    tokens: tuple[_Token, ...]
    test: tuple[str, float] | None
    numerals: str
    """"1", "2" or "3" of [DBNum1] and its like, or ""."""

    @property
    def is_date(self) -> bool:
        return any(token.kind in ("date", "elapsed", "half") for token in self.tokens)


def is_date(code: str) -> bool:
    """Whether a format shows dates or times."""
    return _sections(code)[0].is_date


@lru_cache(65_536)
def shown(value: float, code: str, since_1904: bool = False) -> str:
    """Return a number as a cell with the format ``code`` shows it.

    since_1904: whether days are counted from 1904, as old programs of the Mac do.

    >>> shown(0.893, "0.0%"), shown(8.0, "General"), shown(46008, 'yyyy"年"m"月"d"日"')
    ('89.3%', '8', '2025年12月17日')
    """
    try:
        return _shown(value, code, since_1904)
    except (ArithmeticError, ValueError, OverflowError, InvalidOperation):
        return _general(value)


def shown_text(text: str, code: str) -> str:
    """Return a text as a cell with the format ``code`` shows it: ``@`` stands for the text."""
    if "@" not in code or code == "@":
        return text
    sections = _sections(code)
    section = sections[3] if len(sections) > 3 else sections[-1]
    if not any(token.kind == "@" for token in section.tokens):
        return text
    parts = (
        text if token.kind == "@" else token.text
        for token in section.tokens
        if token.kind in ("@", "text")
    )
    return "".join(parts).strip()


def _shown(value: float, code: str, since_1904: bool) -> str:
    sections = _sections(code)
    section, absolute = _chosen(value, sections)
    if section is None:
        return _general(value)
    if section.is_date:
        return _date(value, section, since_1904)
    kinds = {token.kind for token in section.tokens}
    if "general" in kinds or ("@" in kinds and "digit" not in kinds):
        number = _general(abs(value) if absolute else value)
        number = _numerals(number, section.numerals, reading=True)
        named = ("general", "@")
        return "".join(
            number if token.kind in named else token.text
            for token in section.tokens
            if token.kind in ("text", *named)
        ).strip()
    if "digit" not in kinds:
        return "".join(token.text for token in section.tokens if token.kind == "text").strip()
    number = _number(abs(value), section)
    sign = "-" if value < 0 and not absolute and any(c in "123456789" for c in number) else ""
    return f"{sign}{number}".strip()


def _chosen(value: float, sections: Sequence[_Section]) -> tuple[_Section | None, bool]:
    """Return the section that shows a value, and whether that says itself that it is below 0."""
    if any(section.test for section in sections):
        for section in sections[:3]:
            if section.test is None or _TESTS[section.test[0]](value, section.test[1]):
                below = section.test is not None and section.test[0] in "<=" and value < 0
                return section, below and len(sections) > 1
        return None, False
    if len(sections) == 1:
        return sections[0], False
    if value < 0:
        return sections[1], True
    if value == 0 and len(sections) > 2:
        return sections[2], False
    return sections[0], False


@lru_cache(4096)
def _sections(code: str) -> list[_Section]:
    if len(code) > _LONGEST:
        code = "General"
    pieces: list[list[str]] = [[]]
    for token in _TOKEN.findall(code):
        if token == ";":
            pieces.append([])
        else:
            pieces[-1].append(token)
    return [_section(piece) for piece in pieces[:4]]


def _section(pieces: list[str]) -> _Section:
    tokens: list[_Token] = []
    test, numerals = None, ""
    for text in pieces:
        low = text.lower()
        if text[0] == '"':
            tokens.append(_Token("text", text.strip('"')))
        elif text[0] in "\\!" and len(text) > 1:
            tokens.append(_Token("text", text[1]))
        elif text[0] in "_*" and len(text) > 1:
            tokens.append(_Token("text", " " if text[0] == "_" else ""))
        elif text[0] == "[" and len(text) > 1:
            inner = low.strip("[]")
            if inner and not inner.strip(inner[0]) and inner[0] in "hms":
                tokens.append(_Token("elapsed", inner))
            elif found := _CONDITION.fullmatch(text):
                test = (found[1], float(found[2]))
            elif inner.startswith("dbnum"):
                numerals = inner[5:6]
            elif inner in ("$-f800", "$-x-sysdate"):
                tokens += [_Token("date", "F800")]
            elif inner in ("$-f400", "$-x-systime"):
                tokens += [_Token("date", "F400")]
            elif inner.startswith("$"):
                tokens.append(_Token("text", text[2:-1].partition("-")[0]))
        elif low in ("general", "g/通用格式"):
            tokens.append(_Token("general", ""))
        elif low in ("am/pm", "a/p", "上午/下午"):
            tokens.append(_Token("half", text))
        elif low in ("e+", "e-"):
            tokens.append(_Token("exponent", text))
        elif len(text) > 1 and text[0] == ".":
            tokens.append(_Token("fraction", text))
        elif low[0] in "ymdhsae" and low.isascii() and low.isalpha():
            tokens.append(_Token("date", low))
        elif text in "0#?":
            tokens.append(_Token("digit", text))
        elif text in ".,%/@":
            tokens.append(_Token(text, text))
        else:
            tokens.append(_Token("text", text))
    return _Section(tuple(_settled(tokens)), test, numerals)


def _settled(tokens: list[_Token]) -> list[_Token]:
    """Return tokens whose fractions are those of seconds, or digits; a form that a system sets is
    the Chinese one."""
    if any(token.text in ("F800", "F400") for token in tokens):
        day = any(token.text == "F800" for token in tokens)
        pieces = 'yyyy"年"m"月"d"日"' if day else "h:mm:ss"
        return list(_section(_TOKEN.findall(pieces)).tokens)
    out: list[_Token] = []
    for token in tokens:
        if token.kind != "fraction":
            out.append(token)
        elif any(t.kind in ("date", "elapsed") and t.text[0] == "s" for t in out[-1:]):
            out.append(_Token("date", token.text))
        else:
            out += [_Token(".", "."), *(_Token("digit", "0") for _ in token.text[1:])]
    dates = any(token.kind in ("date", "elapsed", "half") for token in out)
    if dates:  # a number within a date is a sign as any other
        return [
            _Token("text", t.text) if t.kind in (".", ",", "/", "%", "digit") else t for t in out
        ]
    return out


# --- numbers ---------------------------------------------------------------------------------


def _general(value: float) -> str:
    """Return a number without a format: no more digits than a cell shows, long numbers whole."""
    if value != value or value in (float("inf"), float("-inf")):
        return ""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    text = f"{value:.{_SHOWN_DIGITS}g}"
    if "e" not in text:
        whole = text.lstrip("-").partition(".")[0]
        decimals = max(_GENERAL_CHARS - 1 - len(whole), 0)
        rounded = Decimal(text).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
        if rounded or abs(value) >= 1:
            return f"{rounded.normalize():f}" if decimals else str(int(rounded))
    mantissa, _, exponent = f"{value:.5E}".partition("E")
    power = int(exponent)
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}E{'-' if power < 0 else '+'}{abs(power):02d}"


def _number(value: float, section: _Section) -> str:
    tokens = list(section.tokens)
    if any(token.kind == "exponent" for token in tokens):
        return _scientific(value, tokens)
    if any(t.kind == "/" for t in tokens) and not any(t.kind == "." for t in tokens):
        return _fraction(value, tokens)
    number = Decimal(f"{value:.{_SHOWN_DIGITS}g}")
    number = number.scaleb(2 * sum(token.kind == "%" for token in tokens))
    point = next((n for n, token in enumerate(tokens) if token.kind == "."), len(tokens))
    places = [n for n, token in enumerate(tokens[:point]) if token.kind == "digit"]
    last = places[-1] if places else -1
    number = number.scaleb(-3 * _thousands(tokens, point))
    grouped = any(token.kind == "," for token in tokens[:last]) if places else False
    decimals = [token.text for token in tokens[point:] if token.kind == "digit"]
    number = number.quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    whole, _, part = f"{number:f}".partition(".")
    least = sum(tokens[n].text == "0" for n in places)
    whole = whole.lstrip("0").rjust(least, "0")
    shown_decimals = len(part)
    while (
        shown_decimals and decimals[shown_decimals - 1] != "0" and part[shown_decimals - 1] == "0"
    ):
        shown_decimals -= 1
    part = part[:shown_decimals]
    out = _whole(tokens[:point], whole, grouped)
    left = iter(part)
    for token in tokens[point:]:
        if token.kind == "digit":
            out.append(next(left, ""))
        elif token.kind == ".":
            out.append("." if part or "0" in decimals else "")
        elif token.kind in ("text", "%"):
            out.append(token.text)
    return _numerals("".join(out), section.numerals, reading=not decimals)


def _thousands(tokens: Sequence[_Token], point: int) -> int:
    """Return how many commas stand right behind the last digit before the point and of all: each
    leaves out three digits."""
    count = 0
    ends = [max((n for n in range(end) if tokens[n].kind == "digit"), default=end) for end in
            {point, len(tokens)}]  # fmt: skip
    for end in set(ends):
        for token in tokens[end + 1 :]:
            if token.kind != ",":
                break
            count += 1
    return count


def _whole(tokens: Sequence[_Token], digits: str, grouped: bool) -> list[str]:
    """Return the pieces of the whole part: its digits stand in their places from the right, those
    that are left over in the first."""
    count = sum(token.kind == "digit" for token in tokens)
    if grouped:
        groups = f"{int(digits):,}".rjust(len(digits), "0") if digits else ""
        if digits and len(digits) > len(str(int(digits))):  # noughts in front
            groups = f"{int('1' + digits):,}"[1:].lstrip(",")
        digits, head = "", groups
    else:
        head = digits[: max(len(digits) - count + 1, 0)] if count else digits
        digits = digits[len(head) :]
    out: list[str] = []
    left = count
    for token in tokens:
        if token.kind == "digit":
            if grouped:
                out.append(head if left == count else "")
            elif left == count:
                out.append(head)
            else:
                at = len(digits) - left
                out.append(digits[at] if 0 <= at < len(digits) else "")
            left -= 1
        elif token.kind in ("text", "%"):
            out.append(token.text)
    return out


def _scientific(value: float, tokens: Sequence[_Token]) -> str:
    at = next(n for n, token in enumerate(tokens) if token.kind == "exponent")
    front = [token for token in tokens[:at] if token.kind in ("digit", ".")]
    point = next((n for n, token in enumerate(front) if token.kind == "."), len(front))
    step, decimals = max(point, 1), len(front) - point - 1 if point < len(front) else 0
    number = Decimal(f"{value:.{_SHOWN_DIGITS}g}")
    power = number.adjusted() // step * step if number else 0
    mantissa = number.scaleb(-power).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    if mantissa >= Decimal(10) ** step:
        power += step
        mantissa = number.scaleb(-power).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    sign = "-" if power < 0 else "+" if tokens[at].text[1] == "+" else ""
    least = sum(token.kind == "digit" for token in tokens[at:])
    before = "".join(t.text for t in tokens[:at] if t.kind == "text")
    behind = "".join(t.text for t in tokens[at:] if t.kind == "text")
    return f"{before}{mantissa:f}E{sign}{str(abs(power)).rjust(least, '0')}{behind}"


def _fraction(value: float, tokens: Sequence[_Token]) -> str:
    at = next(n for n, token in enumerate(tokens) if token.kind == "/")
    below = "".join(t.text for t in tokens[at + 1 :] if t.kind in ("digit", "text")).strip()
    above: list[_Token] = []
    for token in reversed(tokens[:at]):
        if token.kind != "digit":
            break
        above.append(token)
    mixed = any(token.kind == "digit" for token in tokens[: at - len(above)])
    whole = int(value) if mixed else 0
    rest = Fraction(f"{value:.{_SHOWN_DIGITS}g}") - whole
    if below.isdecimal() and int(below):
        part = Fraction(round(rest * int(below)), 1)
        top, bottom = int(part), int(below)
    else:
        part = rest.limit_denominator(10 ** max(min(len(below), 4), 1) - 1)
        top, bottom = part.numerator, part.denominator
    if mixed and top >= bottom:
        whole, top = whole + 1, 0
    if not top and mixed:
        return str(whole)
    return f"{whole} {top}/{bottom}" if mixed and whole else f"{top}/{bottom}"


# --- dates -----------------------------------------------------------------------------------


def _moment(serial: float, since_1904: bool) -> datetime:
    """Return the moment of a count of days. 1900 is taken for a leap year, as workbooks do."""
    if since_1904:
        return datetime(1904, 1, 1) + timedelta(days=serial)
    return datetime(1899, 12, 30 if serial >= 60 else 31) + timedelta(days=serial)


def _date(serial: float, section: _Section, since_1904: bool) -> str:
    tokens = section.tokens
    if serial < 0:
        return _general(serial)
    finest = max(
        (len(t.text) - 1 for t in tokens if t.text[0:1] == "." and t.kind == "date"), default=0
    )
    seconds = Decimal(f"{serial:.{_SHOWN_DIGITS}g}") * 86400
    # The time is cut where minutes are the finest that is shown, as a clock shows it.
    unit = Decimal(1).scaleb(-finest)
    rounded = seconds.quantize(unit, ROUND_HALF_UP)
    moment = _moment(float(rounded // 86400), since_1904) + timedelta(
        microseconds=int((rounded % 86400) * 1_000_000)
    )
    halved = any(token.kind == "half" for token in tokens)
    out: list[str] = []
    for n, token in enumerate(tokens):
        if token.kind == "text":
            out.append(token.text)
        elif token.kind == "half":
            out.append(_half(moment.hour, token.text))
        elif token.kind == "elapsed":
            per = {"h": 3600, "m": 60, "s": 1}[token.text[0]]
            out.append(str(int(rounded // per)).rjust(len(token.text), "0"))
        elif token.kind == "date":
            minutes = token.text[0] == "m" and len(token.text) < 3 and _is_minutes(tokens, n)
            text = _part(moment, token.text, minutes, halved, rounded)
            out.append(_numerals(text, section.numerals, reading=token.text[0] not in "ye"))
    return "".join(out).strip()


def _is_minutes(tokens: Sequence[_Token], at: int) -> bool:
    """Whether m stands for minutes: behind hours or before seconds."""
    timed = [t for t in tokens[:at] if t.kind in ("date", "elapsed")]
    if timed and timed[-1].text[0] == "h":
        return True
    following = next((t for t in tokens[at + 1 :] if t.kind in ("date", "elapsed")), None)
    return following is not None and following.text[0] == "s"


def _part(moment: datetime, code: str, minutes: bool, halved: bool, seconds: Decimal) -> str:
    size, first = len(code), code[0]
    if first == ".":
        return f"{seconds % 1:.{size - 1}f}"[1:]
    if first in "ye":
        return f"{moment.year:04d}" if size > 2 or first == "e" else f"{moment.year % 100:02d}"
    if first == "a":
        day = _WEEK[moment.weekday()]
        return f"星期{day}" if size == 4 else day
    if first == "d" and size > 2:
        return _DAYS[moment.weekday()][: 3 if size == 3 else None]
    if first == "m" and not minutes and size > 2:
        return _MONTHS[moment.month - 1][: {3: 3, 5: 1}.get(size)]
    hour = (moment.hour % 12 or 12) if halved else moment.hour
    number = {"d": moment.day, "h": hour, "s": moment.second}.get(
        first, moment.minute if minutes else moment.month
    )
    return str(number).rjust(2 if size > 1 else 1, "0")


def _half(hour: int, text: str) -> str:
    before, _, behind = text.partition("/")
    return before if hour < 12 else behind


# --- numerals --------------------------------------------------------------------------------

_SCRIPTS = {
    "1": ("〇一二三四五六七八九", "十百千万亿"),
    "2": ("零壹贰叁肆伍陆柒捌玖", "拾佰仟万亿"),
    "3": ("０１２３４５６７８９", ""),
}


def _numerals(text: str, script: str, *, reading: bool) -> str:
    """Return a number in Chinese numerals. reading: as it is read (二十三), not sign by sign."""
    if script not in _SCRIPTS:
        return text
    signs, units = _SCRIPTS[script]
    if reading and units and text.isdecimal() and len(text) <= 12:
        return _read(int(text), signs, units)
    return text.translate({ord(str(n)): sign for n, sign in enumerate(signs)})


def _read(number: int, signs: str, units: str) -> str:
    if number == 0:
        return signs[0]
    parts: list[str] = []
    for large, unit in ((100_000_000, units[4]), (10_000, units[3]), (1, "")):
        share, number = divmod(number, large)
        if share:
            text = counted(share, signs, units, short=False)
            parts.append((signs[0] if parts and share < 1000 else "") + text + unit)
    out = "".join(parts)
    return out[1:] if out.startswith(signs[1] + units[0]) and signs[0] == "〇" else out

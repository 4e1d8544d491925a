"""Numbers as lists write them: letters, Roman, Chinese, in circles."""

from __future__ import annotations

_DIGITS = "零一二三四五六七八九"
_LEGAL = "零壹贰叁肆伍陆柒捌玖"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
_ROMAN = (("m", 1000), ("cm", 900), ("d", 500), ("cd", 400), ("c", 100), ("xc", 90), ("l", 50),
          ("xl", 40), ("x", 10), ("ix", 9), ("v", 5), ("iv", 4), ("i", 1))  # fmt: skip
_COUNTED = ("chinesecounting", "chinesecountingthousand", "japanesecounting",
            "taiwanesecounting", "taiwanesecountingthousand", "ideographdigital",
            "japanesedigitaltenthousand", "koreancounting")  # fmt: skip


def label_of(number: int, kind: str) -> str:
    """Return a number of a list. kind: as Word names it (decimal, upperRoman, chineseCounting …);
    one that is not known is written in digits.

    >>> label_of(12, "chineseCounting"), label_of(4, "lowerRoman"), label_of(3, "upperLetter")
    ('十二', 'iv', 'C')
    """
    kind = kind.lower()
    if kind == "none":
        return ""
    if number < 1 or number > 9999:
        return str(number)
    if kind in ("upperroman", "lowerroman"):
        return _roman(number).upper() if kind == "upperroman" else _roman(number)
    if kind in ("upperletter", "lowerletter"):
        letter = chr((65 if kind == "upperletter" else 97) + (number - 1) % 26)
        return letter * ((number - 1) // 26 + 1)
    if kind in _COUNTED:
        return counted(number, _DIGITS, "十百千")
    if kind in ("chineselegalsimplified", "ideographlegaltraditional"):
        return counted(number, _LEGAL, "拾佰仟", short=False)
    if kind == "ideographtraditional" and number <= 10:
        return _STEMS[number - 1]
    if kind == "ideographzodiac" and number <= 12:
        return _BRANCHES[number - 1]
    if kind.startswith("decimalenclosedcircle") and number <= 20:
        return chr(0x2460 + number - 1)
    if kind == "decimalenclosedparen" and number <= 20:
        return chr(0x2474 + number - 1)
    if kind == "decimalenclosedfullstop" and number <= 20:
        return chr(0x2488 + number - 1)
    if kind == "decimalzero":
        return f"{number:02d}"
    if kind in ("decimalfullwidth", "decimalfullwidth2"):
        return str(number).translate({48 + n: 0xFF10 + n for n in range(10)})
    return str(number)


def _roman(number: int) -> str:
    out = ""
    for sign, value in _ROMAN:
        out += sign * (number // value)
        number %= value
    return out


def counted(number: int, digits: str, units: str, *, short: bool = True) -> str:
    """Return a number from 1 to 9999 as it is read. units: ten, hundred, thousand; short: 十二 and
    not 一十二."""
    out, gap = "", False
    for power, unit in ((1000, units[2]), (100, units[1]), (10, units[0]), (1, "")):
        digit, number = divmod(number, power)
        if digit:
            out += (digits[0] if gap and out else "") + digits[digit] + unit
            gap = False
        else:
            gap = True
    return out[1:] if short and out.startswith(digits[1] + units[0]) else out

"""Mobiles and land-lines of China, and phones of other places."""

from __future__ import annotations

from ..text.patterns import pattern
from .folding import SPELT_DIGITS, Spans, Windows, blank, matches, spelt
from .numbers import (
    BEGUN,
    DASH,
    ENDS,
    GAP,
    SEPARATORS,
    SIGN,
    continued,
    is_announced,
    is_date,
    is_quantity,
)

# 11 digits, the first three of which name the network: written together or parted 3-4-4, 3-3-5,
# 3-8, 4-3-4, 4-4-3, 7-4 or one by one, each time by the same sign.
# Each pattern begins with a class of first characters, so that `re` can run to the next such one;
# the forms are sorted out behind it.
_COUNTRY = r"(?:(?<=[(（])(?:\+|00)?86[)）]|(?<=\+)86|(?<=0)086|(?<=8)6)"  # behind its first sign
_PART = rf"(?: ?[{DASH}.·_] ?|[{DASH}]{{2}}| {{1,2}})"
_MOBILE = pattern(
    rf"[(（+018](?:{BEGUN}|(?<=[人话机式][1-9].))(?:(?<=1)|(?<=0)1|{_COUNTRY}{_PART}?1)"
    r"(?:[3-9][0-9](?:[0-9]{8}"
    rf"|(?P<a>{_PART})(?:[0-9]{{4}}(?P=a)[0-9]{{4}}|[0-9]{{3}}(?P=a)[0-9]{{5}}|[0-9]{{8}})"
    rf"|[0-9](?P<b>{_PART})(?:[0-9]{{3}}(?P=b)[0-9]{{4}}|[0-9]{{4}}(?P=b)[0-9]{{3}})"
    rf"|[0-9]{{4}}{_PART}[0-9]{{4}})"
    rf"|(?P<c>[{DASH}.·_ ])[3-9](?:(?P=c)[0-9]){{9}})(?:{ENDS}|(?=[2-9]\.1[3-9]))"
)
_MORE_NUMBERS = pattern(r" (?!1[3-9])[0-9]")

# Parted by the same short sign or word in 3-4-4 or one by one: nothing else is written so.
_NO_UNIT = r"(?:(?![年月日岁例元次万亿天个只片粒号/／:：~～，,;；.])[^0-9\sA-Za-z])"
_PARTED = pattern(
    rf"1{BEGUN}(?:[3-9][0-9](?P<a> ?(?:{_NO_UNIT}){{1,3}} ?)[0-9]{{4}}(?P=a)[0-9]{{4}}"
    rf"|(?P<b>[^0-9\s.]{{1,3}})[3-9](?:(?P=b)[0-9]){{9}}){ENDS}"
)
# Behind its word any short signs may part the digits, and a letter may stand for one that it
# looks like.
_LOOSE = pattern(
    rf"[+81lI](?:(?<![0-9(（].)(?:(?<=1)|(?:(?<=\+)86|(?<=8)6){SIGN}{{0,2}}1)"
    rf"{SIGN}{{0,3}}[3-9](?:{SIGN}{{0,3}}[0-9]){{9}}(?![0-9])"
    rf"|(?<![0-9A-Za-z].)(?<=[1lI])[3-9З][0-9OoIlЗ]{{9}}(?![0-9A-Za-z]))"
)


def mobiles(text: str, windows: Windows) -> Spans:
    for match in matches(_MOBILE, text, windows):
        in_table = " " in match[0] and _MORE_NUMBERS.match(text, match.end())
        start, end = match.span()
        if in_table:
            continue
        if not is_quantity(text, start, end) or is_announced(text, start):
            yield start, end


def parted_mobiles(text: str, windows: Windows) -> Spans:
    found = [m.span() for m in matches(_PARTED, text, windows)]
    yield from found
    for match in matches(_LOOSE, blank(text, found), windows):
        if match[0][:2].isdigit() and match[0].isdigit():
            continue  # a plain number was judged by `mobiles`
        look_alikes = any(c in "OoIlЗ" for c in match[0])
        if sum(map(str.isdigit, match[0])) < (7 if look_alikes else 11):
            continue
        if look_alikes or is_announced(text, match.start()):
            yield match.span()


_PLAIN_MOBILE = pattern(
    r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])"
    rf"|(?<![0-9])1[3-9][0-9](?P<a>[{DASH} ，,、。])[0-9]{{4}}(?P=a)[0-9]{{4}}(?![0-9])"
)


def spelt_mobiles(text: str, windows: Windows) -> Spans:
    for match in matches(_PLAIN_MOBILE, spelt(text), windows):
        if any(map(text[match.start() : match.end()].__contains__, SPELT_DIGITS)):
            yield match.span()


# Area codes: 010 and 02x with numbers of 8 digits, 03xx to 09xx with 7 or 8. Written without a
# break, the number must start as subscribers' numbers do (2 to 8).
_BIG_CITY, _CITY = r"(?:10|2[0-57-9])", r"[3-9][0-9]{2}"
_LOCAL_8 = rf"[1-9](?:[0-9]{{3}}[{DASH} ]?[0-9]{{4}}|(?:[.·][0-9]){{7}})"
_LOCAL_7 = rf"[1-9](?:[0-9]{{2}}[{DASH} ]?[0-9]{{4}}|(?:[.·][0-9]){{6}})"
_LOCAL = rf"(?:{_LOCAL_8}|{_LOCAL_7})"
_BREAK = rf"(?: ?[{DASH}] ?|[{DASH}]{{2}}| {{1,2}})"
_EXTENSION = rf"(?: ?(?:转接?|分机号?|[Ee]xt\.?|#|[{DASH}]) ?[0-9]{{1,6}})?{ENDS}"
_LANDLINE = pattern(
    rf"[(（+048]{BEGUN}(?<![0-9]-.)(?:"
    rf"{_COUNTRY}{_BREAK}?[(（]?0?(?:{_BIG_CITY}[)）]?{_BREAK}{_LOCAL_8}"
    rf"|{_CITY}[)）]?{_BREAK}{_LOCAL})"
    rf"|(?:(?<=[(（])(?=0[0-9]{{2,3}}[)）])0|(?<=0))"
    rf"(?:{_BIG_CITY}(?:[)）]{_BREAK}?|{_BREAK}){_LOCAL_8}"
    rf"|{_CITY}(?:[)）]{_BREAK}?|{_BREAK}){_LOCAL})"
    rf"|(?<=0)(?:{_BIG_CITY}[2-8][0-9]{{7}}|{_CITY}[2-8][0-9]{{6,7}})"
    rf"|(?<=[48])00(?:(?P<a>[{DASH} ])(?:[0-9]{{3}}(?P=a)[0-9]{{4}}|[0-9]{{4}}(?P=a)[0-9]{{3}})"
    rf"|[0-9](?P<b>[{DASH} ])[0-9]{{3}}(?P=b)[0-9]{{3}}|[{DASH} ]?[0-9]{{7}})"
    rf"|(?:(?<=[(（])0|(?<=0))(?:[{DASH} ]?[0-9]){{2,3}} ?[{DASH})）] ?"
    rf"[1-9](?: [0-9]){{2,3}} ?[{DASH} ] ?[0-9](?: [0-9]){{3}})"
    rf"{_EXTENSION}"
)
_SUBSCRIBER = rf"([2-9][0-9]{{2,3}}[{DASH} ]?[0-9]{{4}}{_EXTENSION})"
_LANDLINE_MORE = pattern(rf"(?:[ /,;，、；或和及]{{1,2}}|或者|还是|以及){_SUBSCRIBER}")
_HELPLINE = pattern(
    r"(?:援助|危机|干预|希望24|救助)(?:公益|心理|免费|服务|咨询)?(?:热线|电话)[^0-9。；;\n]{0,6}$"
)
"""Lines for whoever is in need are public, like 12356."""


def landlines(text: str, windows: Windows) -> Spans:
    found = []
    for match in matches(_LANDLINE, text, windows):
        start, end = match.span()
        if match[0][0] in "48" and _HELPLINE.search(text, max(0, start - 24), start):
            continue
        if not is_quantity(text, start, end) or is_announced(text, start):
            found.append((start, end))
    rest = blank(text, found)
    for span in found:
        yield span
        yield from continued(rest, span[1], _LANDLINE_MORE)


# Country codes of two and three digits, and North America and Russia with one (ITU-T E.164).
_CODE = (
    r"(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    r"|2[1-689][0-9]|3[578][0-9]|42[0-9]|5[09][0-9]|6[789][0-9]|8[058][0-9]|9[679][0-9])"
)
_ABROAD = pattern(
    rf"[+0(（](?:(?<![0-9A-Za-z+)）].)(?<=\+){_CODE}(?![0-9]{{13}})"
    rf"[{DASH} ]?(?:[(（][0-9]{{1,4}}[)）])?(?:[{DASH} .]?[0-9]){{6,11}}{ENDS}"
    rf"|(?<![0-9.].)(?<=0)0(?:85[23]|886)[{DASH} ]?(?:[{DASH} ]?[0-9]){{7,9}}{ENDS}"
    rf"|(?<=[(（])\+?(?:85[23]|886)[)）][{DASH} ]?(?:[{DASH} ]?[0-9]){{7,9}}{ENDS})"
)


CODE_CUES = ("+", "0085", "00886", "(85", "(886", "（85", "（886")


def phones_abroad(text: str, windows: Windows) -> Spans:
    for match in matches(_ABROAD, text, windows):
        digits = match[0].translate(SEPARATORS)
        if len(digits) >= 9 and not digits.startswith("+86"):
            yield match.span()


LANDLINE_CUES = (
    *("电话", "手机", "手提", "座机", "固话", "热线", "传真", "总机", "联系", "联络"),
    *("tel", "Tel", "TEL", "phone", "Phone", "fax", "Fax", "obile", "WhatsApp", "Line"),
)
_ANNOUNCED = pattern(
    r"(?:电话|手机|手提|座机|固话|热线|传真|总机|联[系络](?:方式|我)"
    r"|(?<![A-Za-z0-9_])(?:tel|Tel|TEL|phone|Phone|telephone|Telephone|fax|Fax|[Mm]obile|WhatsApp))"
    rf"{GAP}"
    rf"(?P<number>(?:\+|00)?[(（]?[0-9](?:[{DASH} .()（）/·]{{0,2}}[0-9]){{6,14}}{_EXTENSION})"
)
_DATE = pattern(r"(?:19|20)[0-9]{2}[^0-9]{1,2}[01]?[0-9][^0-9]")
_RANGE = pattern(r"(?:19|20)[0-9]{2} ?[-–—~] ?(?:19|20)[0-9]{2}")


def announced_landlines(text: str, windows: Windows) -> Spans:
    """Behind its word a number of 7 to 15 digits is a phone, with an area code or without."""
    for match in matches(_ANNOUNCED, text, windows):
        start, end = match.span("number")
        number = match["number"].strip()
        digits = number.translate(SEPARATORS)
        if is_date(digits[:8]) or _DATE.match(number) or _RANGE.match(number):
            continue
        opened = number[0] not in "(（" and text[start - 1 : start] in ("(", "（")
        in_brackets = number[0] in "(（" or (opened and (")" in number or "）" in number))
        if in_brackets and digits[0] == "1":
            continue  # no area code begins with 1
        if digits[0] == "1" and not number.startswith("1 ") and len(digits) < 11:
            continue
        if _HELPLINE.search(text, max(0, start - 24), start):
            continue
        if len(digits) < 10 and is_quantity(text, start, end):
            continue
        if in_brackets and opened:
            start -= 1  # of the area code
        yield start, end
        yield from continued(text, end, _LANDLINE_MORE)

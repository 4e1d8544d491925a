"""Passports, ids of Hong Kong, Macau and Taiwan, permits, licences, and number plates."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..text.patterns import pattern
from .folding import Spans, Windows, matches
from .numbers import GAP

_KIND = r"(?:号码?|字号|统一编号|编号|证号|[Nn][Oo]\.?|[Nn]umber)?"
_TOKEN = (
    r"(?P<n>(?=(?:[A-Z0-9]{0,4}[ -]?[A-Z]{0,2}[0-9]{3,}|[0-9]))(?=(?:[A-Z /-]{0,4}[0-9]){5})"
    r"[A-Z0-9]{1,3}[ -]?[A-Z0-9/]{4,17}(?: ?[(（][0-9A][)）])?)(?![A-Za-z0-9*×])"
)
_MORE = pattern(rf"[、，,;；/和及与或]{{1,2}}{_TOKEN}")
_PASSPORT = pattern(
    rf"(?:护照|(?<![A-Za-z])(?i:passport)){_KIND}{GAP}"
    rf"(?:{_TOKEN}|(?P<m>(?=[A-Z]{{0,4}}[0-9])(?=(?:[A-Z]*[0-9]){{3}})[A-Z0-9]{{8,10}})(?![A-Za-z"
    rf"0-9*×]))"
)
PASSPORT_CUES = ("护照", "護照", "assport", "ASSPORT")


def passports(text: str, windows: Windows) -> Spans:
    yield from _with_more(matches(_PASSPORT, text, windows), text)


_OTHER_ID = pattern(
    r"(?=[身回台港通居入军士警驾永证学导A-Z])(?:身份证|身分证|身分證|HKID|(?<![A-Za-z])ARC"
    r"|回乡证|台胞证|[通港]行证|通行证|居[留住]证|入台证|入[境出]证|军官证|士[兵官]证|警官证"
    r"|驾[驶照]证?|永久居留|永居证|证件(?=号|[:：])|学生证|导游证)"
    rf"{_KIND}(?:{GAP}(?:号码|证号|证件号码?)?){GAP}{_TOKEN}"
    r"|(?P<h>(?<![A-Za-z0-9])[A-Z]{1,2} ?[0-9]{6} ?[(（][0-9A][)）])"
)
OTHER_ID_CUE = pattern(
    r"[证證留驾HA(（](?:(?<=[份分乡胞行居留住台境出官兵居生游]证)|(?<=分證)|(?<=证)件[号:：]"
    r"|(?<=久居留)|(?<=驾)[驶照]|(?<=H)KID|(?<=A)RC|(?<=[(（])[0-9A][)）])"
)
OTHER_ID_CUES = ("证", "證", "HKID", "ARC", "永久居留", "(", "（", "驾照")


def hong_kong_check(id_: str) -> bool:
    """True where the check character of a Hong Kong identity card, e.g. A123456(3), is right."""
    signs = [c for c in id_ if c.isalnum()]
    letters = [ord(c) - 55 for c in signs[:-7]]
    values = ([36] * (2 - len(letters)) + letters) + [int(c) for c in signs[-7:-1]]
    check = 10 if signs[-1] == "A" else int(signs[-1])
    return (sum(w * v for w, v in zip(range(9, 1, -1), values, strict=True)) + check) % 11 == 0


def other_ids(text: str, windows: Windows) -> Spans:
    """An id behind its word; that of Hong Kong by its check character, too."""
    yield from _with_more(matches(_OTHER_ID, text, windows, OTHER_ID_CUE), text)


def _with_more(found: Iterable[re.Match[str]], text: str) -> Spans:
    for match in found:
        if match.lastgroup == "h":
            if hong_kong_check(match["h"]):
                yield match.span("h")
            continue
        start, end = match.span(match.lastgroup or 0)
        yield start, end
        while more := _MORE.match(text, end):
            yield more.span("n")
            end = more.end()


_PLATE = pattern(
    r"(?:车牌号?码?|牌照号?码?|车号|号牌)"
    r"(?:[为是 :：(（【“\"|]|[^0-9A-Za-z。！？；;，,\n]){0,6}?"
    r"(?P<n>(?:[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领][A-Z]{1,2} ?[·"
    r".•-]? ?[A-HJ-NP-Z0-9]{4,6}"
    r"[学警挂港澳领]?|[A-Z]{2,3}[ -]?[0-9]{3,4}|[0-9]{3,4}-[A-Z]{2}))(?![A-Za-z0-9])"
)


def licence_plates(text: str, windows: Windows) -> Spans:
    return (m.span("n") for m in matches(_PLATE, text, windows))

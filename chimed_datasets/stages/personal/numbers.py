"""What tells the number of a person from other digits; resident ids and bank cards."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable

from ..text.patterns import pattern
from .folding import Spans, Windows, matches

DASH = "-‐‑–—−"
SEPARATORS = str.maketrans("", "", " " + DASH + ".·_/,，、*~～:：()（）[]【】…☆★•\ue001")
BEGUN = r"(?<![0-9].)(?:(?<![0-9]\..)|(?<=(?<![0-9.])[1-9]\..))"
"""Not inside a number, nor behind its point; behind "1." of a list it may begin. It stands behind
the first character: where a pattern begins with a class, `re` runs from one such to the next."""
ENDS = r"(?![0-9])(?!\.[0-9])"
SIGN = rf"[{DASH} .·_/,，、*~～:：()（）\[\]【】…☆★•\ue001]"
"""What may part the digits of a number that its word announces."""

GAP = (
    r"(?:[(（][^()（）\n0-9]{1,8}[)）])?"
    r"(?:号码?|字号|编号|统一编号|账号|帐号|分别|依次|均?[为是在:：=＝."
    r"|｜│/\[【〔「“”\"'‘’»(（➡➔➜→№#❤☆\t \ue001]"
    r"|[Nn][Oo]\.?(?![A-Za-z])|[Nn]umber|(?:ID|Id|id)(?![A-Za-z0-9])|[)）\]】〕」\n]){0,6}"
    r"(?:[1-9①②③][.、)）])?"
)
"""What may stand between an announcing word and its number."""
PROSE = r"[^0-9A-Za-z。！？；;!?\n\ue000]{0,8}"
"""A few words of prose between them."""

OTHER_NUMBER = pattern(
    r"(?:批号|批次号?|文号|货号|单号|条码|条形码|编码|编号|注册号|注册证号?|许可证号?|序列号|流水号"
    r"|追溯码|监管码|合同号|设备号|样本号|标本号|序号|项目号|总数|计数|数量|总量|步数|拷贝数"
    r"|[Nn][Oo]\.?|SN|ISBN|ISSN|PMID)"
    r"[为是:： ]{0,3}$"
)
_WORD_BEFORE = pattern(r"[A-Za-z_]{1,12}$")
_PHONE_WORD = pattern(
    r"(?i:tel|(?:tele|cell)?phone|mobile|mob|cell|call|fax|ext|[tmpqv]|qq|[vw]x|wechat|weixin)"
)
_NO_NAME = pattern(r"(?i:pmid|pmc|isbn|issn|chr|sku|code|lot|batch|gene|snp|clone|doi|hg|mm)")
_A_NAME = pattern(r"[A-Z][a-z]{1,11}|[a-z]{3,12}")
_UNIT_BEFORE = pattern(r"[0-9](?:kg|cm|mm|mg|ml|g|m)$")
_WORD_AFTER = pattern(r"(?!(?i:qq|vx|wx|wechat|weixin|tel|ext)(?![A-Za-z]))[A-Za-z_]")
UNIT = pattern(
    r" ?(?:[×*^%‰℃]|/ ?[A-Za-zμ]"
    r"|(?:[IK]?U|iu|u|cfu|CFU|copies|bp|k?g|mg|[μu]?[gmlL]|m[lL]|mol|Hz|ms|s|h)(?![A-Za-z])"
    r"|个(?!人)|拷贝|例|条|株|粒|枚|只(?!在)|次(?![日晨])|倍|步|局|岁|元(?!宵)|美元|万(?!一)|亿"
    r"|天(?!天)"
    r"|年(?!前)|月|日(?!期)|秒|分钟|小时)"
)
PHONE_WORDS = (
    r"电话|手机|手提|座机|固话|热线|传真|总机|联系(?:方式|我|人)?|联络|致电|来电|回电|电联|拨打?"
    r"|号码"
    r"|打(?:给|我|这)|[☎☏📞📱📲]|(?<![A-Za-z])(?i:tel|phone|mobile|call|fax|dianhua"
    r"|shouji)(?![a-z])"
)
_PHONE_BEFORE = pattern(rf"(?:{PHONE_WORDS})[^0-9。！？!?；;\n]{{0,12}}$|(?:手ji|打)$")


def is_announced(text: str, start: int, words: re.Pattern[str] = _PHONE_BEFORE) -> bool:
    """True where a word that announces a phone stands a little before ``start``."""
    return words.search(text, max(0, start - 20), start) is not None


def is_quantity(text: str, start: int, end: int) -> bool:
    """True where the digits of ``text[start:end]`` count or name something else than a person."""
    before = max(0, start - 12)
    if OTHER_NUMBER.search(text, before, start):
        return True
    word = _WORD_BEFORE.search(text, before, start)
    if word and not _PHONE_WORD.fullmatch(word[0]) and not _UNIT_BEFORE.search(text, before, start):
        is_name = _A_NAME.fullmatch(word[0]) and not _NO_NAME.fullmatch(word[0])
        if not is_name or (word.start() and text[word.start() - 1].isdigit()):
            return True
    if _WORD_AFTER.match(text, end) or UNIT.match(text, end):
        return True
    return text[start:end].endswith("0000000")


def is_date(digits: str) -> bool:
    """True for YYYYMMDD of 1900 to 2099 in the calendar."""
    try:
        datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return digits[:2] in ("19", "20")


def continued(text: str, end: int, pattern: re.Pattern[str]) -> Spans:
    """Yield the further numbers of a list such as "010-…、…" or "QQ … 或 …"."""
    while (match := pattern.match(text, end)) and not is_quantity(text, *match.span(1)):
        yield match.span(1)
        end = match.end()


def any_of(cues: Iterable[str], latin_cues: Iterable[str]) -> str:
    """Return a pattern of cue words; Latin ones must not be the end of a longer word."""
    return rf"(?:{'|'.join(map(re.escape, cues))}|(?<![A-Za-z0-9_])(?:{'|'.join(latin_cues)}))"


_PROVINCE = pattern(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91")
_ID_18 = pattern(rf"[1-9]{BEGUN}(?:[ -]?[0-9]){{16}}[ -]?[0-9Xx](?:{ENDS}|(?=[2-9]\.[1-9]))")
_ID_15 = pattern(rf"[1-9]{BEGUN}[0-9]{{14}}{ENDS}(?![Xx])")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_checksum(body: str) -> str:
    """Return the check character of the first 17 digits of a resident ID (GB 11643-1999)."""
    total = sum(int(d) * w for d, w in zip(body, _ID_WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def resident_ids(text: str, windows: Windows) -> Spans:
    for match in matches(_ID_18, text, windows):
        number = match[0].translate(SEPARATORS).upper()
        known = _PROVINCE.match(number) and is_date(number[6:14])
        if known and id_checksum(number[:17]) == number[17]:
            yield match.span()
    for match in matches(_ID_15, text, windows):
        known = _PROVINCE.match(match[0]) and is_date("19" + match[0][6:12])
        if known and not is_quantity(text, *match.span()):
            yield match.span()


ID_CUES = ("身份证", "身分证", "身份号", "公民身份", "证件号", "身份 证")
_ID_CUES = r"(?:身份证|身分证|身份号|公民身份|证件号|身份 ?证)"
_ANNOUNCED_ID = pattern(
    rf"{_ID_CUES}{GAP}(?P<number>[1-9](?:{SIGN}?[0-9]){{13,18}}(?:{SIGN}?[Xx])?)(?![0-9A-Za-z*×])"
    rf"|(?:{_ID_CUES})(?!正?反?面|复印件){PROSE}(?P<typo>[1-9][0-9]{{16}}[0-9Xx])(?![0-9A-Za-z*×])"
)


def announced_resident_ids(text: str, windows: Windows) -> Spans:
    """Behind its word the form is enough: people mistype a digit."""
    for match in matches(_ANNOUNCED_ID, text, windows):
        yield match.span(match.lastgroup or 0)


_CARD = pattern(
    rf"[2-9]{BEGUN}(?:[0-9]{{15,18}}"
    r"|[0-9]{3}(?P<a>[ -])[0-9]{4}(?P=a)[0-9]{4}(?P=a)[0-9]{4}(?:(?P=a)[0-9]{1,3})?"
    rf"|[0-9]{{5}}[ -][0-9]{{10,13}}){ENDS}"
)
# Issuer prefixes: UnionPay at 16 to 19 digits; Visa, Mastercard and JCB at 16; and what Chinese
# banks gave out before UnionPay's prefixes (9558, 9559, 601382).
_CARD_PREFIX = pattern(
    r"(?:62|81)[0-9]{14,17}"
    r"|(?=[0-9]{16}$)(?:4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|352[89]|35[3-8])[0-9]+"
    r"|955[89][0-9]{12}(?:[0-9]{3})?|601382[0-9]{13}"
)


def luhn(number: str) -> bool:
    """True where the digits pass the check of ISO/IEC 7812-1."""
    digits = [int(d) for d in reversed(number)]
    return sum(digits[::2] + [sum(divmod(2 * d, 10)) for d in digits[1::2]]) % 10 == 0


def bank_cards(text: str, windows: Windows) -> Spans:
    for match in matches(_CARD, text, windows):
        number = match[0].translate(SEPARATORS)
        known = _CARD_PREFIX.fullmatch(number) and luhn(number)
        if known and not is_quantity(text, *match.span()):
            yield match.span()


CARD_CUES = (
    "卡",
    "账",
    "帐",
    "存折",
    "银行",
    "农行",
    "工行",
    "建行",
    "中行",
    "交行",
    "招行",
    "ccount",
    "A/C",
)
_ANNOUNCED_CARD = pattern(
    r"(?:卡号?|[账帐][号户]|存折|银行|银hang|[农工建中交招]行|建hang|[Aa]ccount|A/C)"
    rf"(?:{GAP}|{PROSE})"
    rf"(?P<number>[0-9](?:{SIGN}?[0-9]){{14,18}})(?![0-9A-Za-z*×])"
)
_NO_CARD = pattern(r"(?:订单号?|单号|批号|条码|条形码|流水号|编码)[^0-9]{0,4}$")


def announced_bank_cards(text: str, windows: Windows) -> Spans:
    """Behind its word the form, 15 to 19 digits, is enough."""
    for match in matches(_ANNOUNCED_CARD, text, windows):
        if not _NO_CARD.search(text, max(0, match.start(1) - 12), match.start(1)):
            yield match.span(1)

"""Mask personal data: phone numbers, ids and addresses on the net, each by a typed placeholder.

A span is the number itself with its country code, area code, brackets and extension. The words
that announce it (电话, QQ, 住院号) stay. Names, postal addresses, number plates, passports and the
ids of other countries are out of scope; so are public short numbers (120, 12320, 12345, 96xxx),
public accounts (微信公众号) and numbers that are masked already (138****1234).

Numbers are told from other digits by a structure of their own where they have one (numbering
plan, check digit, calendar date), and by a cue word where they have not (QQ, WeChat, record
numbers, land-lines without an area code). Digits are left alone inside a longer number, before a
unit (13812345678 IU/ml) and after the name of another kind of number (批号13812345678).

Measured on 656 labelled sentences with 393 such numbers (:mod:`chimed_datasets.stages.mask_eval`
prints the table by type; a match has the right type and both ends):

    all 656 sentences                            precision 0.995, recall 0.987
    the 331 that were written before a first run precision 0.991, recall 0.977
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import did_you_mean
from ..records import Batch, Codepoints, codepoints, ledger
from .text.spans import Span as Span  # `stages.mask.Span`, as it was
from .text.spans import replaced

Type = Literal[
    "email",
    "url",
    "resident_id",
    "bank_card",
    "mobile",
    "landline",
    "qq",
    "wechat",
    "record_number",
]
TYPES: tuple[Type, ...] = get_args(Type)
"""All types."""

PLACEHOLDERS: dict[str, str] = {
    "email": "[邮箱]",
    "url": "[网址]",
    "resident_id": "[身份证号]",
    "bank_card": "[银行卡号]",
    "mobile": "[手机号]",
    "landline": "[电话]",
    "qq": "[QQ]",
    "wechat": "[微信]",
    "record_number": "[病历号]",
}


MAX_ROUNDS = 8


@dataclass(frozen=True)
class Mask:
    """Replace personal data by placeholders, in bodies, titles, labels and metadata values.

    types: what to mask, any of :data:`TYPES`; their order does not matter.

    Drops nothing. ``counts`` holds the number of spans masked per type. Masking a masked text
    changes nothing. Raises ``ValueError`` for an unknown type.
    """

    types: tuple[Type, ...] = TYPES
    name: ClassVar[str] = "mask"

    def __post_init__(self) -> None:
        for type_ in self.types:
            if type_ not in TYPES:
                raise ValueError(f"types: unknown type {type_!r}.{did_you_mean(type_, TYPES)}")

    def __call__(self, batch: Batch) -> ledger.Result:
        masked, counts = self.masked(batch.leaves.texts, batch.points)
        if counts:
            batch = batch.with_texts(masked)
        return ledger.part(batch, self.name, {}, {t: counts[t] for t in TYPES if counts[t]})

    def masked(
        self, texts: pa.StringArray, points: Codepoints | None = None
    ) -> tuple[pa.StringArray, Counter[str]]:
        """Return ``texts`` with placeholders, and the number of spans masked per type.

        points: the code points of ``texts``, where they are known.
        """
        text = points or codepoints(texts)
        hints, numbers = _hints(text)
        rows = np.flatnonzero(hints & ~np.uint8(_WIDE))
        bounds = np.searchsorted(numbers, text.offsets)
        counts: Counter[str] = Counter()
        changed = np.zeros(len(texts), bool)
        values = []
        start = text.offsets
        for row, body in zip(rows.tolist(), texts.take(pa.array(rows)).to_pylist(), strict=True):
            mine = numbers[bounds[row] : bounds[row + 1]] - start[row]
            masked, found = mask_text(body, self.types, int(hints[row]), _windows(mine.tolist()))
            if found:
                changed[row] = True
                values.append(masked)
                counts.update(found)
        if values:
            texts = pc.replace_with_mask(texts, pa.array(changed), pa.array(values, pa.string()))
        return texts, counts


def mask_text(
    text: str,
    types: tuple[str, ...] = TYPES,
    hints: int = 0xFF,
    windows: Windows | None = None,
) -> tuple[str, Counter[str]]:
    """Return ``text`` with placeholders, and the number of spans masked per type.

    A placeholder may free a number that was hidden by its neighbour, so the search is repeated
    until nothing is found: masking a masked text changes nothing. :data:`MAX_ROUNDS` keeps the time
    linear where a hostile text frees one number in each round; real text needs one or two.
    """
    counts: Counter[str] = Counter()
    for _ in range(MAX_ROUNDS):
        spans = find(text, types, hints, windows)
        if not spans:
            break
        windows = None  # of the text as it was
        text = replaced(text, spans, PLACEHOLDERS)
        counts.update(span.type for span in spans)
    return text, counts


def find(
    text: str,
    types: tuple[str, ...] = TYPES,
    hints: int = 0xFF,
    windows: Windows | None = None,
) -> list[Span]:
    """Return the spans of personal data in ``text``, in order, without overlaps.

    hints:   bits of :func:`_hints`; what cannot occur is not searched.
    windows: where long numbers may stand; None: anywhere.
    """
    found: list[Span] = []
    folded = fold(text, hints)
    whole: Windows = [(0, len(text))]
    for type_, spans, needs, cues in FINDERS:
        if type_ not in types or not needs & hints:
            continue
        if cues and not any(map(folded.__contains__, cues)):
            continue
        where = windows if needs == _NUMBER and windows is not None else whole
        if claimed := list(spans(folded, where)):
            found += [Span(*span, type_) for span in claimed]
            folded = _blank(folded, claimed)
    return sorted(found)


# --- which texts are worth a search ------------------------------------------------------------
# Nearly all texts hold nothing of the kind. One look at the code points of the whole batch tells
# which may, so that ordinary text costs a few nanoseconds a character.

_DIGITS, _NUMBER, _AT, _DOT, _WECHAT_ID, _SPELT, _WIDE = (1 << bit for bit in range(7))
_SPELT_DIGITS = "零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
_CAN_SPELL = np.zeros(0x10000, bool)
_CAN_SPELL[[ord(c) for c in _SPELT_DIGITS + "0123456789０１２３４５６７８９"]] = True


_MARGIN = 64
"""No number with what belongs to it is as long."""
Windows = list[tuple[int, int]]


def _windows(places: list[int]) -> Windows:
    """Return the parts of a text to search for long numbers, apart from one another.

    places: where ten digits begin that stand within 21 characters, ascending.
    """
    found: Windows = []
    for place in places:
        start, end = max(place - _MARGIN, 0), place + 21 + _MARGIN
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


def _hints(text: Codepoints) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8[m]: for each text, bits that tell what may be found in it; and int64: where ten
    digits begin that stand within 21 characters.

    _DIGITS     5 digits within 9 characters
    _NUMBER     10 digits within 21 characters
    _AT         an @
    _DOT        a dot between a letter or digit and two letters, or ://
    _WECHAT_ID  a cue of WeChat's, and a word that could be an id
    _SPELT      11 digits in a row, Chinese ones among them or not
    _WIDE       a full-width letter, digit or sign of an address

    A bit may be set in vain, never missing.
    """
    points, offsets = text
    flags = np.zeros(len(offsets) - 1, np.uint8)

    def texts_at(positions: np.ndarray) -> np.ndarray:
        return np.searchsorted(offsets, positions, "right") - 1

    # Unsigned differences wrap, so that each range is one comparison. Spaces are left out.
    distance = points - np.uint32(0x21)
    signs = distance < 0x5E
    distance -= np.uint32(0xFEE0)
    signs |= distance < 0x5E
    at = np.flatnonzero(signs)
    char = points[at]
    wide = char > 0x7F
    char = np.where(wide, char - np.uint32(0xFEE0), char)
    lower = char | 0x20  # of letters; other signs turn into signs that are not asked for
    digit = char - np.uint32(0x30) < 10
    name = digit | (lower - np.uint32(0x61) < 26)

    digits_at = at[digit]
    flags[texts_at(digits_at[4:][digits_at[4:] - digits_at[:-4] <= 8])] |= _DIGITS
    near = digits_at[9:] - digits_at[:-9] <= 20
    flags[texts_at(digits_at[9:][near])] |= _NUMBER
    numbers = digits_at[: len(near)][near]
    flags[texts_at(at[char == ord("@")])] |= _AT

    joined = np.zeros(len(at), bool)  # to the character before
    joined[1:] = np.diff(at) == 1
    last = np.zeros_like(char)
    last[1:] = np.where(joined[1:], lower[:-1], 0)
    letter = name & ~digit
    dot = np.flatnonzero(char[:-2] == ord("."))
    dot = dot[joined[dot] & joined[dot + 1] & joined[dot + 2]]
    dot = dot[name[dot - 1] & letter[dot + 1] & letter[dot + 2]]
    slashes = np.flatnonzero((char == ord("/")) & (last == ord("/")))
    slashes = slashes[last[slashes - 1] == ord(":")]
    flags[texts_at(at[np.concatenate([dot, slashes])])] |= _DOT

    flags[texts_at(_wechat_cues(points, at, lower, last))] |= _WECHAT_ID
    in_word = name | (char == ord("-")) | (char == ord("_"))
    word_at = at[in_word]
    begins = np.diff(word_at, prepend=-2) > 1
    firsts = np.searchsorted(word_at, offsets[:-1])
    firsts = firsts[firsts < len(word_at)]
    begins[firsts] = True  # the text before may end with a word
    starts = np.flatnonzero(begins)
    starts = starts[starts + 5 < len(word_at)]
    starts = starts[word_at[starts + 5] - word_at[starts] == 5]
    has_id = flags & _DIGITS > 0
    has_id[texts_at(word_at[starts])] = True
    flags[~has_id] &= ~np.uint8(_WECHAT_ID)

    flags[texts_at(_spelt_runs(points))] |= _SPELT
    if wide.any():
        folds = name | np.isin(char, [ord(c) for c in _WIDE_SIGNS])
        flags[texts_at(at[wide & folds])] |= _WIDE
    return flags, numbers


def _wechat_cues(
    points: np.ndarray, at: np.ndarray, lower: np.ndarray, last: np.ndarray
) -> np.ndarray:
    """Return where a text may hold one of :data:`_WECHAT_CUES` or :data:`_WECHAT_LATIN_CUES`."""
    letter = np.flatnonzero(points == ord("信"))
    before = points[letter - 1]
    letter = letter[np.isin(before, [ord(c) for c in "微威薇徽维VvＶｖ"]) | (before <= 0x3000)]
    added = np.flatnonzero(points == ord("微"))
    added = added[points[added - 1] == ord("加")]
    v, w, x = ord("v"), ord("w"), ord("x")
    x_at = np.flatnonzero(lower == x)
    x_at = x_at[(last[x_at] == v) | (last[x_at] == w)]
    e_at = np.flatnonzero(lower == ord("e"))
    e_at = e_at[(last[e_at] == w) & np.isin(lower[e_at + 1 - len(lower)], [ord("i"), ord("c")])]
    v_at = np.flatnonzero(lower == v)
    v_at = v_at[(last[v_at] == ord("+")) | (points[at[v_at] - 1] == ord("加"))]
    return np.concatenate([letter, added, at[x_at], at[e_at], at[v_at]])


def _spelt_runs(points: np.ndarray) -> np.ndarray:
    """Return a position in each run of 11 or more digits, spelt ones included.

    Such a run holds two neighbouring samples of every fifth character, so only a fifth of the
    text is looked at. From the first such pair a run reaches back 4 characters at most.
    """
    sample = _CAN_SPELL[np.minimum(points[::5], 0xFFFF)]
    pair = np.flatnonzero(sample[1:] & sample[:-1]) * 5
    window = pair[:, None] + np.arange(-4, 11)
    inside = (window >= 0) & (window < len(points))
    window = np.where(inside, window, 0)
    can = _CAN_SPELL[np.minimum(points[window], 0xFFFF)] & inside
    back = np.cumprod(can[:, 3::-1], axis=1).sum(axis=1)
    on = np.cumprod(can[:, 4:], axis=1).sum(axis=1)
    long: np.ndarray = pair[back + on >= 11]
    return long


# --- what the finders read -----------------------------------------------------------------------
# All patterns run on folded text of the same length: half-width letters, digits and address signs,
# plain spaces. \b and \w are avoided: Chinese letters are \w, and numbers stand between them
# without spaces. Every repetition is bounded or starts behind a look-behind that only the first
# character of a run passes, so the time is linear in the text.

_WIDE_SIGNS = "@./_-+"
_NARROW = {0xFEE0 + c: c for c in range(0x21, 0x7F) if chr(c).isalnum() or chr(c) in _WIDE_SIGNS}
_BLANK = "\ue000"  # stands where a span was claimed; no pattern takes it

Spans = Iterator[tuple[int, int]]


def _matches(pattern: re.Pattern[str], text: str, windows: Windows) -> Iterator[re.Match[str]]:
    for start, end in windows:
        yield from pattern.finditer(text, start, end)


def fold(text: str, hints: int) -> str:
    if hints & _WIDE:  # translating a text costs more than all patterns together
        text = text.translate(_NARROW)
    for space in "\u00a0\u2002\u2003\u2009\u3000":
        text = text.replace(space, " ")
    return text


def _blank(text: str, spans: list[tuple[int, int]]) -> str:
    parts, at = [], 0
    for start, end in sorted(spans):
        parts += [text[at:start], _BLANK * (end - start)]
        at = end
    return "".join([*parts, text[at:]])


_DASH = "-‐‑–—−"
_SEPARATORS = str.maketrans("", "", " " + _DASH)
_STARTS = r"(?<![0-9])(?<![0-9]\.)"
_ENDS = r"(?![0-9])(?!\.[0-9])"
_OTHER_NUMBER = re.compile(
    r"(?:批号|批次号?|文号|货号|单号|条码|条形码|编码|编号|注册号|注册证号?|许可证号?|序列号|流水号"
    r"|追溯码|监管码|合同号|设备号|样本号|标本号|序号|项目号|[Nn][Oo]\.?|SN|ISBN|ISSN|PMID)"
    r"[为是:： ]{0,3}$"
)
_WORD_BEFORE = re.compile(r"[A-Za-z_]{1,12}$")
_PHONE_WORD = re.compile(
    r"(?i:tel|(?:tele|cell)?phone|mobile|mob|cell|call|fax|ext|[tmpqv]|qq|[vw]x|wechat|weixin)"
)
_WORD_AFTER = re.compile(r"(?!(?i:qq|vx|wx|wechat|weixin|tel|ext)(?![A-Za-z]))[A-Za-z_]")
_UNIT = re.compile(
    r" ?(?:[×*^%‰℃]|/ ?[A-Za-zμ]"
    r"|(?:[IK]?U|iu|u|cfu|CFU|copies|bp|k?g|mg|[μu]?[gmlL]|m[lL]|mol|Hz|ms|s|h)(?![A-Za-z])"
    r"|个(?!人)|拷贝|例|条|株|粒|枚|只|次|倍|步|局|岁|元|美元|万|亿|天|年|月|日|秒|分钟|小时)"
)


def _is_quantity(text: str, start: int, end: int) -> bool:
    """True where the digits of ``text[start:end]`` count or name something else than a person."""
    before = max(0, start - 12)
    if _OTHER_NUMBER.search(text, before, start):
        return True
    word = _WORD_BEFORE.search(text, before, start)
    if word and not _PHONE_WORD.fullmatch(word[0]):
        return True
    if _WORD_AFTER.match(text, end) or _UNIT.match(text, end):
        return True
    return text[start:end].endswith("0000000")


def _is_date(digits: str) -> bool:
    """True for YYYYMMDD of 1900 to 2099 in the calendar."""
    try:
        datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return digits[:2] in ("19", "20")


def _continued(text: str, end: int, pattern: re.Pattern[str]) -> Spans:
    """Yield the further numbers of a list such as "010-…、…" or "QQ … 或 …"."""
    while (match := pattern.match(text, end)) and not _is_quantity(text, *match.span(1)):
        yield match.span(1)
        end = match.end()


def _any_of(cues: tuple[str, ...], latin_cues: tuple[str, ...]) -> str:
    """Return a pattern of cue words; Latin ones must not be the end of a longer word."""
    return rf"(?:{'|'.join(map(re.escape, cues))}|(?<![A-Za-z0-9_])(?:{'|'.join(latin_cues)}))"


# --- addresses on the net ------------------------------------------------------------------------

_LABEL = r"[A-Za-z0-9-]{1,63}(?<=[A-Za-z0-9])\."
_LABELS = rf"(?:{_LABEL}){{1,4}}"
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[.%+-]*+([A-Za-z0-9_][A-Za-z0-9._%+-]{0,63}+"
    rf"(?: ?@ ?|[(（\[【<](?:at|AT)[)）\]】>]){_LABELS}[A-Za-z]{{2,24}})(?![A-Za-z])"
)


def _emails(text: str, _: Windows) -> Spans:
    return (m.span(1) for m in _EMAIL.finditer(text))


_URL_CHAR = r"[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]"
_TLD = (
    "com|net|org|edu|gov|mil|cn|hk|tw|jp|kr|uk|info|biz|top|xyz|vip|club|shop|site|online|wang|cc"
    "|tv|mobi|asia"
)
# Three forms, sorted out after the first character, so that `re` can skip to the next such one.
_URL = re.compile(
    rf"[A-Za-z0-9](?:(?<=[HhFf])(?i:ttps?|tp)://(?=[A-Za-z0-9]){_URL_CHAR}++"
    rf"|(?<![A-Za-z0-9@._-].)(?<=[Ww])(?i:ww)\.{_LABELS}[A-Za-z]{{2}}{_URL_CHAR}*+"
    rf"|(?<![A-Za-z0-9@._%+-].)[A-Za-z0-9-]{{0,62}}(?<=[A-Za-z0-9])\.(?:{_LABEL}){{0,3}}"
    rf"(?<=[A-Za-z0-9-]{{2}}\.)(?:{_TLD}|{_TLD.upper()})(?![A-Za-z0-9-])(?:[:/?#]{_URL_CHAR}*+)?)"
)


def _urls(text: str, _: Windows) -> Spans:
    for match in _URL.finditer(text):
        yield match.start(), match.start() + _end_of_url(match[0])


def _end_of_url(url: str) -> int:
    """Return where the address ends and the punctuation of the sentence begins."""
    end, unopened = len(url), url.count(")") - url.count("(")
    while url[end - 1] in ".,;:!?'*_~-(" or (url[end - 1] == ")" and unopened > 0):
        unopened += (url[end - 1] == "(") - (url[end - 1] == ")")
        end -= 1
    return end


# --- numbers with a structure of their own -----------------------------------------------------

_PROVINCE = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91")
_ID_18 = re.compile(rf"{_STARTS}[1-9](?:[ -]?[0-9]){{16}}[ -]?[0-9Xx]{_ENDS}")
_ID_15 = re.compile(rf"{_STARTS}[1-9][0-9]{{14}}{_ENDS}(?![Xx])")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_checksum(body: str) -> str:
    """Return the check character of the first 17 digits of a resident ID (GB 11643-1999)."""
    total = sum(int(d) * w for d, w in zip(body, _ID_WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def _resident_ids(text: str, windows: Windows) -> Spans:
    for match in _matches(_ID_18, text, windows):
        number = match[0].translate(_SEPARATORS).upper()
        known = _PROVINCE.match(number) and _is_date(number[6:14])
        if known and id_checksum(number[:17]) == number[17]:
            yield match.span()
    for match in _matches(_ID_15, text, windows):
        known = _PROVINCE.match(match[0]) and _is_date("19" + match[0][6:12])
        if known and not _is_quantity(text, *match.span()):
            yield match.span()


_CARD = re.compile(
    rf"{_STARTS}(?:[2-9][0-9]{{15,18}}"
    r"|[2-9][0-9]{3}(?P<a>[ -])[0-9]{4}(?P=a)[0-9]{4}(?P=a)[0-9]{4}(?:(?P=a)[0-9]{1,3})?"
    rf"|[2-9][0-9]{{5}}[ -][0-9]{{10,13}}){_ENDS}"
)
# Issuer prefixes: UnionPay at 16 to 19 digits; Visa, Mastercard and JCB at 16; and what Chinese
# banks gave out before UnionPay's prefixes (9558, 9559, 601382).
_CARD_PREFIX = re.compile(
    r"(?:62|81)[0-9]{14,17}"
    r"|(?=[0-9]{16}$)(?:4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|352[89]|35[3-8])[0-9]+"
    r"|955[89][0-9]{12}(?:[0-9]{3})?|601382[0-9]{13}"
)


def luhn(number: str) -> bool:
    """True where the digits pass the check of ISO/IEC 7812-1."""
    digits = [int(d) for d in reversed(number)]
    return sum(digits[::2] + [sum(divmod(2 * d, 10)) for d in digits[1::2]]) % 10 == 0


def _bank_cards(text: str, windows: Windows) -> Spans:
    for match in _matches(_CARD, text, windows):
        number = match[0].translate(_SEPARATORS)
        known = _CARD_PREFIX.fullmatch(number) and luhn(number)
        if known and not _is_quantity(text, *match.span()):
            yield match.span()


# 11 digits, the first three of which name the network: written together or parted 3-4-4, 3-3-5,
# 3-8, 4-3-4, 7-4 or one by one, each time by the same sign.
_COUNTRY = r"(?:[(（](?:\+|00)?86[)）]|(?:\+|00)?86)"
_PART = rf"(?: ?[{_DASH}.·_] ?|[{_DASH}]{{2}}| {{1,2}})"
_MOBILE = re.compile(
    rf"{_STARTS}(?:{_COUNTRY}{_PART}?|0)?"
    r"1(?:[3-9][0-9](?:[0-9]{8}"
    rf"|(?P<a>{_PART})(?:[0-9]{{4}}(?P=a)[0-9]{{4}}|[0-9]{{3}}(?P=a)[0-9]{{5}}|[0-9]{{8}})"
    rf"|[0-9](?P<b>{_PART})[0-9]{{3}}(?P=b)[0-9]{{4}}"
    rf"|[0-9]{{4}}{_PART}[0-9]{{4}})"
    rf"|(?P<c>[{_DASH}.·_ ])[3-9](?:(?P=c)[0-9]){{9}}){_ENDS}"
)
_MORE_NUMBERS = re.compile(r" (?!1[3-9])[0-9]")


def _mobiles(text: str, windows: Windows) -> Spans:
    for match in _matches(_MOBILE, text, windows):
        in_table = " " in match[0] and _MORE_NUMBERS.match(text, match.end())
        if not in_table and not _is_quantity(text, *match.span()):
            yield match.span()


_SPELL = str.maketrans(_SPELT_DIGITS, "001234567891123456789")
_PLAIN_MOBILE = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")


def _spelt_mobiles(text: str, _: Windows) -> Spans:
    for match in _PLAIN_MOBILE.finditer(text.translate(_SPELL)):
        if not text[match.start() : match.end()].isascii():
            yield match.span()


# Area codes: 010 and 02x with numbers of 8 digits, 03xx to 09xx with 7 or 8. Written without a
# break, the number must start as subscribers' numbers do (2 to 8). After a cue, a number without
# an area code or of another country is taken as well.
_BIG_CITY, _CITY = r"(?:10|2[0-57-9])", r"[3-9][0-9]{2}"
_LOCAL_8 = rf"[1-9](?:[0-9]{{3}}[{_DASH} ]?[0-9]{{4}}|(?:[.·][0-9]){{7}})"
_LOCAL_7 = rf"[1-9](?:[0-9]{{2}}[{_DASH} ]?[0-9]{{4}}|(?:[.·][0-9]){{6}})"
_LOCAL = rf"(?:{_LOCAL_8}|{_LOCAL_7})"
_BREAK = rf"(?: ?[{_DASH}] ?|[{_DASH}]{{2}}| {{1,2}})"
_EXTENSION = rf"(?: ?(?:转接?|分机号?|[Ee]xt\.?|[{_DASH}]) ?[0-9]{{1,6}})?{_ENDS}"
_LANDLINE = re.compile(
    rf"{_STARTS}(?<![0-9]-)(?:"
    rf"{_COUNTRY}{_BREAK}?[(（]?0?(?:{_BIG_CITY}[)）]?{_BREAK}{_LOCAL_8}"
    rf"|{_CITY}[)）]?{_BREAK}{_LOCAL})"
    rf"|(?:[(（](?=0[0-9]{{2,3}}[)）]))?0(?:{_BIG_CITY}(?:[)）]{_BREAK}?|{_BREAK}){_LOCAL_8}"
    rf"|{_CITY}(?:[)）]{_BREAK}?|{_BREAK}){_LOCAL})"
    rf"|0(?:{_BIG_CITY}[2-8][0-9]{{7}}|{_CITY}[2-8][0-9]{{6,7}})"
    rf"|[48]00(?:(?P<a>[{_DASH} ])(?:[0-9]{{3}}(?P=a)[0-9]{{4}}|[0-9]{{4}}(?P=a)[0-9]{{3}})"
    rf"|[0-9](?P<b>[{_DASH} ])[0-9]{{3}}(?P=b)[0-9]{{3}}|[{_DASH} ]?[0-9]{{7}}))"
    rf"{_EXTENSION}"
)
_SUBSCRIBER = rf"([2-9][0-9]{{2,3}}[{_DASH} ]?[0-9]{{4}}{_EXTENSION})"
_LANDLINE_MORE = re.compile(rf"[ /,;，、；或和及]{{1,2}}{_SUBSCRIBER}")
_LANDLINE_CUES = ("电话", "座机", "固话", "热线", "传真", "总机")
_LANDLINE_LATIN_CUES = (
    "tel",
    "Tel",
    "TEL",
    "phone",
    "Phone",
    "telephone",
    "Telephone",
    "fax",
    "Fax",
)
_ABROAD = (
    rf"(?:\+[0-9]{{1,3}}[{_DASH} ])?[2-9][0-9]{{2}}[{_DASH} ][0-9]{{3}}[{_DASH} ][0-9]{{4}}{_ENDS}"
)
_ANNOUNCED_LANDLINE = re.compile(
    rf"{_any_of(_LANDLINE_CUES, _LANDLINE_LATIN_CUES)}"
    rf"(?:号码?|[为是 :：.(（]){{0,4}}(?:{_SUBSCRIBER}|({_ABROAD}))"
)


def _landlines(text: str, windows: Windows) -> Spans:
    matches = _matches(_LANDLINE, text, windows)
    found = [m.span() for m in matches if not _is_quantity(text, *m.span())]
    rest = _blank(text, found)
    for span in found:
        yield span
        yield from _continued(rest, span[1], _LANDLINE_MORE)


def _announced_landlines(text: str, _: Windows) -> Spans:
    for match in _ANNOUNCED_LANDLINE.finditer(text):
        start, end = match.span(match.lastindex or 0)
        if not _is_date(text[start:end]) and not _is_quantity(text, start, end):
            yield start, end
            yield from _continued(text, end, _LANDLINE_MORE)


# --- numbers known by a cue ----------------------------------------------------------------------

_QQ = re.compile(
    r"(?:(?<![A-Za-z])(?:[Qq] ?[Qq]|[Qq](?=群|号|[:：]))|扣扣|企鹅)"
    r"(?:号码?|(?:交流|病友)?群号?|账号|同号|微信|吧|[为是和或 :：/,，=(（-]){0,6}"
    rf"([1-9][0-9]{{4,10}}){_ENDS}"
)
_QQ_MORE = re.compile(rf"[ /,;，、；或和]{{1,2}}([1-9][0-9]{{4,10}}){_ENDS}")


def _qqs(text: str, _: Windows) -> Spans:
    for match in _QQ.finditer(text):
        if not _is_quantity(text, *match.span(1)):
            yield match.span(1)
            yield from _continued(text, match.end(), _QQ_MORE)


_WECHAT_CUES = (
    *("微信", "微 信", "威信", "薇信", "徽信", "维信", "V信", "v信"),
    *("加微", "加V", "加v", "+V", "+v"),
)
_WECHAT_LATIN_CUES = (
    *("vx", "Vx", "vX", "VX", "wx", "Wx", "wX", "WX"),
    *("weixin", "Weixin", "WeiXin", "WEIXIN", "wechat", "Wechat", "WeChat", "WECHAT"),
)
_WECHAT = re.compile(
    rf"{_any_of(_WECHAT_CUES, _WECHAT_LATIN_CUES)}"
    r"((?:号码?|账号|(?:ID|Id|id)(?=[ :：是为])|[为是 :：(（=]){0,5})"
    r"([A-Za-z][A-Za-z0-9_-]{5,19}|[1-9][0-9]{5,10})(?!\.?[A-Za-z0-9_@-])"
)
_APP = re.compile(r"(?i:wechat|weixin|android|iphone|windows|harmony|facebook|whatsapp|alipay)")
_WXID = re.compile(r"(?<![A-Za-z0-9_-])wxid_[a-z0-9]{8,20}(?![A-Za-z0-9_-])")


def _wechats(text: str, _: Windows) -> Spans:
    """An id of letters or digits alone needs a colon or the like after the cue."""
    found = [m.span() for m in _WXID.finditer(text)]
    yield from found
    for match in _WECHAT.finditer(_blank(text, found)):
        gap, id_ = match.groups()
        if (id_.isdigit() and _is_quantity(text, *match.span(2))) or _APP.fullmatch(id_):
            continue
        if any(c in gap for c in "号:：是为(（=") or not (id_.isalpha() or id_.isdigit()):
            yield match.span(2)


_RECORD = re.compile(
    r"(?:住院|病历|病案|门诊|就诊|诊疗|登记|检查|影像|病理|放射|超声|医保|社保|患者)"
    r"(?:病历)?卡?(?:号码?|编号|ID)(?:[Nn][Oo]\.?|[为是 :：#№]){0,4}"
    rf"([A-Za-z]{{0,4}}-?[0-9]{{1,20}}(?:-[0-9]{{1,20}}){{0,4}}[A-Za-z]?){_ENDS}(?![A-Za-z])"
)


def _record_numbers(text: str, _: Windows) -> Spans:
    for match in _RECORD.finditer(text):
        digits = sum(c.isdigit() for c in match[1])
        if 5 <= digits <= 20 and not _UNIT.match(text, match.end()):
            yield match.span(1)


class Finder(NamedTuple):
    """``spans`` is called where a text has one of the hints in ``needs`` and one of the cues (if
    there are any). What needs a long number alone looks into the windows alone."""

    type: Type
    spans: Callable[[str, Windows], Spans]
    needs: int
    cues: tuple[str, ...] = ()


FINDERS = (  # the order is that of their claims: an address may hold a number
    Finder("email", _emails, _AT | _DOT, ("@", "at", "AT")),
    Finder("url", _urls, _DOT),
    Finder("resident_id", _resident_ids, _NUMBER),
    Finder("bank_card", _bank_cards, _NUMBER),
    Finder("mobile", _mobiles, _NUMBER),
    Finder("landline", _landlines, _NUMBER),
    Finder("landline", _announced_landlines, _DIGITS, _LANDLINE_CUES + _LANDLINE_LATIN_CUES),
    Finder("qq", _qqs, _DIGITS, ("q", "Q", "扣扣", "企鹅")),
    Finder("wechat", _wechats, _WECHAT_ID),
    Finder("record_number", _record_numbers, _DIGITS, ("号", "ID")),
    Finder("mobile", _spelt_mobiles, _SPELT),
)

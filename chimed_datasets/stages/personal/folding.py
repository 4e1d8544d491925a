"""One form for all digits, letters and signs, without a change of length.

Patterns run on folded text: half-width letters, digits and signs, plain spaces, and the characters
of the words that announce a number in simplified script. \\b and \\w are avoided: Chinese letters
are \\w, and numbers stand between them without spaces. Every repetition is bounded or starts behind
a look-behind that only the first character of a run passes, so the time is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache, lru_cache

import numpy as np

from ..text.patterns import pattern

Spans = Iterator[tuple[int, int]]
Windows = list[tuple[int, int]]

WIDE_SIGNS = "@./_-+*"
_NARROW = {0xFEE0 + c: c for c in range(0x21, 0x7F) if chr(c).isalnum() or chr(c) in WIDE_SIGNS}
BLANK = "\ue000"
"""Stands where a span was claimed; no pattern takes it."""
MARK = "\ue001"
"""Stands for the signs that turn a digit into a key or a heart into a picture."""
KEY_MARKS = (0xFE0F, 0x20E3)

SPELT_DIGITS = "零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
SPELL = {ord(c): ord(d) for c, d in zip(SPELT_DIGITS, "001234567891123456789", strict=True)}

_ENCLOSED = (
    *(range(0x2460, 0x249C), range(0x24EA, 0x2500), range(0x2776, 0x2794)),
    *(range(0x3220, 0x322A), range(0x3280, 0x328A), range(0x1F100, 0x1F10B)),
)
"""Numbers in circles and brackets and with a full stop. They number lists, too."""


def _digits_of_all_scripts() -> dict[int, str]:
    points = np.arange(0x80, 0x20000, dtype=np.uint32)  # ideographs and tags alone lie beyond
    text = points.tobytes().decode("utf-32-le", "surrogatepass")
    return {ord(digit): str(int(digit)) for digit in re.findall(r"\d", text)}  # \d: category Nd


DECIMAL = {p: d for p, d in _digits_of_all_scripts().items() if not 0xFF10 <= p <= 0xFF19}
"""Decimal digits of all scripts and faces but ASCII and full width."""
ENCLOSED = {
    point: str(int(unicodedata.numeric(chr(point))) % 10)  # no form has room for a second digit
    for points in _ENCLOSED
    for point in points
    if unicodedata.numeric(chr(point), None) is not None
}
_ENCLOSED_CLASS = "[" + "".join(map(chr, ENCLOSED)) + "]"
_ENCLOSED_RUN = pattern(rf"{_ENCLOSED_CLASS}(?:[ \-.]?{_ENCLOSED_CLASS}){{3,}}")
TRADITIONAL = str.maketrans(
    "號電話機碼證帳賬戶檢編診歷醫療聯絡銀護門樣標單險會員樓區鄉鎮縣與陸臺灣澳寫檔體聲內報條這個號"
    "簽屬"
    "貨寄兒婦產監對點間時園開請為統記車鵝學長黃吳鄭謝許簡羅蘇溫賴陳張劉楊趙馬莊葉盧錢孫韓馮蔣詹"
    "蕭鄧龍範鍾顧賀湯嚴華龔萬齊雲",
    "号电话机码证帐账户检编诊历医疗联络银护门样标单险会员楼区乡镇县与陆台湾澳写档体声内报条这个号"
    "签属"
    "货寄儿妇产监对点间时园开请为统记车鹅学长黄吴郑谢许简罗苏温赖陈张刘杨赵马庄叶卢钱孙韩冯蒋詹"
    "萧邓龙范钟顾贺汤严华龚万齐云",
)
"""Characters of the words that announce, and of common surnames, in traditional script."""
SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范"
    "彭郎鲁韦昌马苗凤花方俞任袁柳"
    "酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛"
    "禹狄米贝明臧计伏成戴谈宋茅庞"
    "熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯昝管"
    "卢莫经房裘缪干解应宗丁宣贲邓"
    "郁单杭洪包诸左石崔吉钮龚程嵇邢滑裴陆荣翁荀羊於惠甄曲家封芮羿储靳汲邴糜松井段富巫乌焦巴弓牧隗"
    "山谷车侯宓蓬全郗班仰秋仲伊宫"
    "宁仇栾暴甘钭厉戎祖武符刘景詹束龙叶幸司韶郜黎蓟薄印宿白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴胥能苍"
    "双闻莘党翟谭贡劳逄姬申扶堵冉"
    "宰郦雍却璩桑桂濮牛寿通边扈燕冀郏浦尚农温别庄晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终暨居衡"
    "步都耿满弘匡国文寇广禄阙东欧殳"
    "沃利蔚越夔隆师巩厍聂晁勾敖融冷訾辛阚那简饶空曾毋沙乜养鞠须丰巢关蒯相查后荆红游竺权逯盖益桓公"
    "肖闫付覃岳佟隋代阳卿漆邸苑仝"
    "芦亓仉尧晋邝遇矫牧侴厚盘青塔尕泽战冼麦粟楚鹿蔚云缑亢况有琴商牟佘佴伯赏墨哈谯笪年爱佟言福岑覃"
    "迟原滕揭"
)
SURNAMES += "".join(chr(t) for t, s in TRADITIONAL.items() if chr(s) in SURNAMES)
FOLDED = _NARROW | TRADITIONAL | {point: ord(digit) for point, digit in DECIMAL.items()}
FOLDED |= {point: ord(MARK) for point in KEY_MARKS}
FOLDED |= dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2009\u3000"), ord(" "))


@cache
def _fold_table() -> np.ndarray:
    return _table(FOLDED)


@cache
def _spell_table() -> np.ndarray:
    return _table(SPELL)


def _table(mapping: Mapping[int, int]) -> np.ndarray:
    """uint32[0x110000]: what becomes of each code point."""
    table = np.arange(0x110000, dtype=np.uint32)
    table[[*mapping]] = [*mapping.values()]
    return table


def _turned(text: str, table: np.ndarray) -> str:
    """As str.translate, which asks for each character beyond ASCII by itself."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return table[points].tobytes().decode("utf-32-le", "surrogatepass")


@lru_cache(maxsize=1)
def spelt(text: str) -> str:  # asked for by one finder after the other
    """Return ``text`` with its Chinese digits as ASCII digits."""
    return _turned(text, _spell_table())


def fold(text: str, hints: int) -> str:
    if hints & WIDE:
        text = _turned(text, _fold_table())
        return _ENCLOSED_RUN.sub(_plain, text) if hints & OTHER_DIGITS else text
    for space in "\u00a0\u2002\u2003\u2009\u3000":
        text = text.replace(space, " ")
    return text


def _plain(run: re.Match[str]) -> str:
    return run[0].translate(ENCLOSED)


def blank(text: str, spans: Collection[tuple[int, int]]) -> str:
    if not spans:
        return text
    parts, at = [], 0
    for start, end in sorted(spans):
        parts += [text[at:start], BLANK * (end - start)]
        at = end
    return "".join([*parts, text[at:]])


def with_marks(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans, each with the marks behind it, which belong to its last digit."""
    spans = list(spans)
    if not spans or MARK not in text:
        return spans
    found = []
    for start, end in spans:
        while text[end : end + 1] == MARK:
            end += 1
        found.append((start, end))
    return found


def matches(
    pattern: re.Pattern[str],
    text: str,
    windows: Windows,
    cue: re.Pattern[str] | None = None,
) -> Iterator[re.Match[str]]:
    """Yield the matches in the windows.

    cue: what stands in all that the pattern matches and costs less to look for.
    """
    for start, end in windows:
        if cue is None or cue.search(text, start, end):
            yield from pattern.finditer(text, start, end)


DIGITS, NUMBER, AT, DOT, WECHAT_ID, SPELT, WIDE, NAMES = (1 << bit for bit in range(8))
OTHER_DIGITS, PROSE, LONG, MAIL = (1 << bit for bit in range(8, 12))
"""Bits of :func:`.hints.hints`."""
ALL_HINTS = (1 << 12) - 1

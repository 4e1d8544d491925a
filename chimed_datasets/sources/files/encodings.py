"""Which encoding text is in, by its first bytes."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

import numpy as np

HEAD_BYTES = 32 * 1024
"""How much of a file is looked at to find its encoding."""

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before that of UTF-16, which it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    ("\ufeff".encode("gb18030"), "gb18030"),
)
OTHERS = ("gb18030", "big5hkscs")
_WIDE = ("utf-16-le", "utf-16-be")
_LEAST_WIDE = 0.75
"""The plausibility from which bytes without a mark are UTF-16: ASCII has 1, Chinese about 2, and
bytes that are no text at all seldom more than 0."""
_LEAST_FREQUENT = 0.2
"""The share of frequent characters from which lines in a file of UTF-8 are of another encoding."""
_NUL_RUN = re.compile(rb"\0{4,}")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")

# Frequent characters of modern, medical and classical Chinese, both scripts. They make up about
# half of any Chinese text, and a few per cent of one read in a wrong encoding.
_FREQUENT = (
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后"
    "小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长"
    "者其此曰则故与及若乃何亦且盖焉乎夫即谓矣即皆凡使或因今必先非至未太少阳阴气血脉肝脾肺肾胃肠胆热寒湿"
    "风火水土木金虚实表里汗吐泻痛病症证医药汤散丸服治疗患者体身口舌苔黄白赤黑青内外左右升降钱两分枚"
    "合加减去煎煮炙末酒姜枣草参术归芍桂甘苦辛咸酸温平毒味性主诸名食饮便尿眼耳鼻喉咳痰喘胸腹腰背肢骨"
    "检查常需建议症状癌感染炎素型注意产品引起结果正确细胞液压高低糖期急慢女男妇婴儿童手术管理化"
    "四五六七八九二百千半月夜书法理论篇卷章节相情定问答请您吗呢吧什怎样最很更给让被把进行种现重"
    "這來國個說們為時會著過學對裡裏後麼沒於還發當無開經頭動兩長與則蓋謂陽陰氣脈肝腎腸膽熱濕風"
    "虛實證症醫藥湯療體黃內錢減棗參術歸溫諸飲癥檢議狀癌檢產結確細壓糖壓婦兒書論節問答請嗎樣給讓進種現"
    "，。、：；！？（）《》「」『』“”∶　"
)


@lru_cache(maxsize=1)
def _weights() -> np.ndarray:
    """int8[65536]: what each character says for the encoding that it was read in."""
    table = np.zeros(65536, np.int8)
    table[0x20:0x7F] = table[[0x09, 0x0A, 0x0D]] = 1
    table[[ord(c) for c in set(_FREQUENT)]] = 4
    table[:0x09] = table[0x0E:0x20] = table[0x7F:0xA0] = -8  # controls, NUL among them
    table[0xE000:0xF900] = -2  # private use
    table[0xD800:0xE000] = -8
    table[0xFFFD:] = -8
    return table


def _points(data: bytes, encoding: str) -> np.ndarray:
    """Return uint32: the code points of ``data`` read in ``encoding``; a cut end is left out."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(data)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def plausibility(head: bytes, encoding: str) -> float:
    """Return the mean weight of the characters that ``head`` holds when read in ``encoding``."""
    points = _points(head, encoding)
    return float(_weights()[np.minimum(points, 0xFFFF)].mean()) if len(points) else 0.0


def weights_beyond_ascii(data: bytes, encoding: str) -> np.ndarray:
    points = _points(data, encoding)
    weights: np.ndarray = _weights()[np.minimum(points[points >= 0x80], 0xFFFF)]
    return weights


def _many_nuls(head: bytes) -> bool:
    """Whether ``head`` may be UTF-16 with ASCII in it; a few NULs are dirt in any encoding, and so
    is a run of them, which no text in UTF-16 or UTF-32 has."""
    if b"\0" not in head:
        return False
    head = _NUL_RUN.sub(b"", head)
    return head.count(0) * 10 > len(head)


def _utf32(head: bytes) -> str:
    """Return the codec of UTF-32 without a mark, or "": every fourth byte is 0, the one beside it
    names one of 17 planes, and it is 0 too for nearly all characters."""
    units = np.frombuffer(head[: len(head) // 4 * 4], np.uint8).reshape(-1, 4)
    for codec, high, plane in (("utf-32-le", 3, 2), ("utf-32-be", 0, 1)):
        planes = units[:, plane]
        if len(units) and not units[:, high].any() and (planes <= 16).all():
            full = units.any(axis=1)
            if full.mean() > 0.9 and (planes == 0).mean() > 0.5:
                return codec
    return ""


def detect(head: bytes) -> str:
    """Return the codec of the text that begins with ``head``.

    A byte order mark decides; then UTF-32, which no other text looks like; then UTF-8, where
    nearly all of it is valid; then which of UTF-8, GB18030, Big5 and UTF-16 gives the most
    frequent characters and the fewest impossible ones. GB18030 and Big5 accept most of each
    other's bytes, and UTF-16 takes any, so validity alone would not tell.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    head = head[:HEAD_BYTES]
    if not _many_nuls(head):
        try:
            text = head.decode()
        except UnicodeDecodeError:  # perhaps a character that is cut at the end
            text = codecs.getincrementaldecoder("utf-8")("replace").decode(head)
        wrong = text.count("\ufffd")
        if wrong == 0 or wrong * 50 < len(head) - len(text) - wrong:
            return "utf-8"
    elif utf32 := _utf32(head):
        return utf32
    scores = {encoding: plausibility(head, encoding) for encoding in ("utf-8", *OTHERS, *_WIDE)}
    for encoding in _WIDE:
        if scores[encoding] < _LEAST_WIDE:
            del scores[encoding]
    return max(scores, key=lambda encoding: scores[encoding])


def beginning(data: bytes) -> bytes:
    """Return the bytes to detect from: plain ASCII at the beginning says nothing."""
    first = _NOT_ASCII.search(data)
    if first is None or first.start() < HEAD_BYTES // 2 or _many_nuls(data[:HEAD_BYTES]):
        return data[:HEAD_BYTES]
    start = data.rfind(b"\n", 0, first.start()) + 1 or first.start()
    return data[start : start + HEAD_BYTES]


def reads_as_chinese(data: bytes, encoding: str) -> bool:
    weights = weights_beyond_ascii(data, encoding)
    return len(weights) > 1 and float((weights == _weights().max()).mean()) >= _LEAST_FREQUENT


def is_wide(encoding: str) -> bool:
    """Whether lines of ``encoding`` do not end in the byte that those of ASCII end in."""
    return encoding.startswith(("utf-16", "utf-32"))

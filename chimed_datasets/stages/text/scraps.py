"""Texts that are no text: lists of search words, lost characters, replies that break off.

Each function looks at one text that the filter suspects. None asks what a text
is about: a list of search words is one by its form, a reply that breaks off by where it ends.
"""

from __future__ import annotations

import re
from collections import Counter

from .leftovers import LOST
from .mojibake import GBK_SIGNS, WESTERN_SIGNS
from .patterns import pattern

# --- search words --------------------------------------------------------------------------------

_LABEL = re.compile(
    r"\s*(?:(?:热门|相关)?关键[词字]|keywords?|tags?|标签|热搜榜?|热门(?:搜索|标签|问题)"
    r"|大家都在[搜看问]|友情链接|猜你(?:喜欢|想[问看])"
    r"|相关(?:文章|阅读|搜索|推荐|问题|词条|链接)|推荐阅读|延伸阅读)\s*[:：\n]",
    re.I,
)
_HASHES = re.compile(r"\s*(?=(?:#[^#\n]{1,20}#\s*){3})")
_ITEMS = re.compile(r"[#,，|｜_;；\n?？!！·•/]+|\s+|(?<![0-9.])[0-9]{1,2}[.、]?(?=[\u4e00-\u9fff])")
_SEARCHED = re.compile(
    r"医院|哪家|哪里|哪儿|哪个|哪种|多少钱|价[格位钱]|费用|收费|排[名行]|十大|品牌|牌子|推荐|批发"
    r"|市场|论坛|贴吧|吧$|图片|视频|偏方|食谱"
    r"|怎么|怎样|如何|什么|可以|能[吃喝治自根]|会不会|传染|专科|地址|电话|挂号|口碑|评价|测评"
    r"|官网|网$|咨询|费$|最好|症状|治疗|初期|价目|药$"
)
_LEAST_ITEMS = 4
_ALIKE, _ALL_ALIKE, _ASKED, _SHORT = 0.6, 0.8, 0.5, 14
"""Shares of items that begin alike, that share a word, that ask; their mean length."""


def is_search_words(text: str) -> bool:
    """Tell whether a text is a list of search words, or of links: items about one thing, half of
    which ask for a price, a place or a cure, and no sentence that answers."""
    label = _LABEL.match(text) or _HASHES.match(text)
    if label:
        text = text[label.end() :]
    elif text.count("。") > 1:
        return False
    if label:
        text = text.replace("、", ",")
    items = [item for item in _ITEMS.split(text) if len(item) > 1]
    if len(items) < _LEAST_ITEMS or (label and "。" in text):
        return False
    asked = sum(map(bool, map(_SEARCHED.search, items))) / len(items)
    if sum(map(len, items)) > _SHORT * len(items) or asked < (0 if label else _ASKED):
        return False
    heads = Counter(item[:2] for item in items)
    shared = Counter(p for item in items for p in {item[i : i + 2] for i in range(len(item) - 1)})
    alike = max(heads.values()) >= (_ASKED if label else _ALIKE) * len(items)
    if not label and ("我" in text or "建议" in text):
        return False
    return (
        alike or max(shared.values()) >= _ALL_ALIKE * len(items) or bool(label and asked >= _ASKED)
    )


# --- lost characters -----------------------------------------------------------------------------

_FILLED = re.compile("(?:锟斤拷|锟[斤拷]?|斤拷|锘[匡縷]|烫{3,}|屯{3,}|葺{3,})+")
"""What U+FFFD, a byte order mark and memory that nobody wrote to look like, read as GBK."""
_ODD = frozenset(map(chr, GBK_SIGNS))
_WESTERN = frozenset(
    chr(c) for c in (*range(0xA1, 0xC0), *WESTERN_SIGNS, 0xC0, 0xC1, 0xF5, 0xF6, 0xF8)
)
_ASKING = re.compile(r"\?{2,}")
ODD = _ODD | _WESTERN | frozenset(f"{LOST}锟斤拷锘匡縷烫屯葺?=%\\")
"""Characters of which texts that :func:`lost_share` tells hold more than ``LEAST_ODD``."""
_CODED = re.compile(r"(?:=[0-9A-F]{2}|%[0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})")
_GONE = LEAST_ODD = 0.1
_MISREAD, _MISREAD_WESTERN, _QUERIES = 0.25, 0.4, 0.7


def lost_share(text: str) -> str | None:
    """Return a figure that tells that a text's characters are lost or misread; None where it is
    readable."""
    size = sum(not c.isspace() for c in text)
    filled = sum(len(m[0]) for m in _FILLED.finditer(text)) + text.count(LOST)
    if filled > _GONE * size:
        return f"lost characters {filled / size:.2f} > {_GONE:g}"
    misread = sum(c in _ODD for c in text)
    if misread >= 3 and misread > _MISREAD * size:
        return f"misread as GBK {misread / size:.2f} > {_MISREAD:g}"
    western = sum(c in _WESTERN for c in text)
    if western >= 4 and western > _MISREAD_WESTERN * size:
        return f"misread as Latin-1 {western / size:.2f} > {_MISREAD_WESTERN:g}"
    coded = sum(len(m[0]) for m in _CODED.finditer(text))
    if coded > _MISREAD_WESTERN * size:
        return f"bytes spelt out {coded / size:.2f} > {_MISREAD_WESTERN:g}"
    queries = sum(len(m[0]) for m in _ASKING.finditer(text))
    if queries >= 6 and queries > _QUERIES * size:
        return f"question marks {queries / size:.2f} > {_QUERIES:g}"
    return None


# --- another language ----------------------------------------------------------------------------

KANA_AND_HANGUL = ((0x3041, 0x3096), (0x30A1, 0x30FA), (0xAC00, 0xD7A3))
"""First and last code points."""
_KANA = pattern(f"[{''.join(f'{chr(a)}-{chr(b)}' for a, b in KANA_AND_HANGUL)}]")
_FOREIGN = 0.2


def foreign_share(text: str) -> float:
    """Return the share of kana and hangul among the characters of a text, 0 to 1."""
    return len(_KANA.findall(text)) / max(sum(not c.isspace() for c in text), 1)


def is_foreign(text: str) -> bool:
    """Tell whether a text is Japanese or Korean: a fifth or more of it is kana or hangul."""
    return foreign_share(text) >= _FOREIGN


# --- replies that break off ----------------------------------------------------------------------

_SENTENCE = re.compile(r"[。！？!?；;\n](?=.)", re.S)
_ANNOUNCES = re.compile(
    r"[:：]\s*(?:[(（]?(?:[0-9]{1,2}|[一二三①]|[a-zA-Z])[.、．)）]\s*)?$|^[0-9一][.、．)）]?$"
    r"|未完(?:待续)?[）)】]?$"
)
_OPEN_QUOTE = re.compile(r"[《“「『（(【][^》”」』）)】]{0,20}$")
_OPEN_WORD = pattern(
    r"(?:[，,、]|(?<![反适效供感响对相照])应|(?<![行认因作成称分])为|与|以及|(?<![以普涉])及|或"
    r"|(?<![甚乃以])至|(?<![存现所潜内实])在|从|(?<![相绝针])对|将|被|把|(?<![许认尚])可"
    r"|(?<![急必])需|(?<![首优])先|避|每|由|向|且|并|而|之|其|该|各|较|均|皆|则|若|如|因|即|仅|只"
    r"|还|也|很|更|最|已|曾|再|又|使|令|让|给|(?<=[当会能])是|主要表现为?|表现为?|包括|例如|比如"
    r"|如下|由于|因为|所以|但是|不过|而且|如果|首先|其次|约|第)$|(?<=.{5})(?:目前|一般|通常)$"
)
BROKEN_MOST = 60


def breaks_off(text: str) -> bool:
    """Tell whether a short reply breaks off in its first sentence, having only announced."""
    text = text.strip()
    if not 1 < len(text) <= BROKEN_MOST or _SENTENCE.search(text):
        return False
    if _ANNOUNCES.search(text):
        return True
    return len(text) > 3 and bool(_OPEN_QUOTE.search(text) or _OPEN_WORD.search(text))


# --- replies that repeat -------------------------------------------------------------------------

_SIGNS = re.compile(r"[\W_]+")
_ANSWERING = re.compile(r"^(?:问|答|答案|回答|回复)(?=[:：])")
_WORD_AGAIN = pattern("(([\u4e00-\u9fff])(?!\\2)[\u4e00-\u9fff]{1,2}?)\\1{5,}")
_TIMES = 4
_UNIT_AGAIN = re.compile(rf"(.{{1,12}}?)\1{{{_TIMES - 1},}}")
LEAST_AGAIN = 12


def is_echo(text: str, asked: str) -> bool:
    """Tell whether a reply only repeats what was asked, once or more, or one phrase of its own."""
    if text[:1].isalnum() and asked[:1].isalnum() and text[0] not in "问答回":
        differ = text[0] != asked[0] and text.count(text[0]) < _TIMES
        if differ:  # as most do
            return False
    said, asked = _SIGNS.sub("", _ANSWERING.sub("", text.strip())), _SIGNS.sub("", asked)
    if len(said) >= LEAST_AGAIN and _UNIT_AGAIN.fullmatch(said):
        return True
    return bool(asked) and len(asked) > 3 and not said.replace(asked, "") and bool(said)


def is_one_word(text: str) -> bool:
    """Tell whether a text is one word of up to three characters again and again."""
    return bool(_WORD_AGAIN.fullmatch(_SIGNS.sub("", text)))


KEYWORD_CUES = (
    "#[^#]{1,12}#|[Kk]eyword|[Tt]ags?\\s*[:：]|关键[词字]|标签[:：]|热搜|热门|都在[搜看问]|友情链接"
    "|猜你|推荐阅读|延伸阅读|相关(?:文章|阅读|搜索|推荐|问题|词条|链接)|医院[^。]{0,20}医院"
    "|哪家|多少钱|价格|排名|品牌|偏方|怎么[^。]{0,12}(?:什么|怎么|哪)"
)
"""What is found in the first characters of every text that :func:`is_search_words` tells."""

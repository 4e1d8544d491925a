"""QQ numbers and WeChat ids, known by a word before them."""

from __future__ import annotations

from ..text.patterns import pattern
from .folding import MARK, Spans, Windows, blank, matches
from .numbers import ENDS, SEPARATORS, continued, is_date, is_quantity

_QQ_WORD = (
    r"[QqO+➕加扣抠叩寇蔻球秋丘口企🐧](?:(?<![A-Za-z].)(?:(?<=[Qq])(?:[ .\-·_]?[Qq]"
    r"|(?=群|号|我|多少|[:：]|[1-9][0-9]{5}))|(?<=O)ICQ|(?<=[+➕加]) ?[Qq])"
    r"|(?<=扣)[1一 .\-]?扣|(?<=抠)抠|(?<=叩)叩|(?<=[寇蔻])[寇蔻]|(?<=[球秋丘])[球秋丘]"
    r"|(?<=口)口(?=[:：号])|(?<=企)[ .\-]?[鹅e]|(?<=🐧)|(?<=扣)(?=[:：群号]|[1-9][0-9]{5}))"
)
_QQ = pattern(
    rf"{_QQ_WORD}"
    r"(?:号码?|(?:交流|病友|[一二三四叁])?群号?|[账帐]号|同号|客服|微信|吧|我"
    r"|[（(][^()（）0-9]{1,6}[)）]"
    r"|[为是和或 :：/,，=(（【\[“\"」】➕\ue001-]){0,6}"
    rf"([1-9](?:[0-9]{{4,10}}|[0-9]{{1,3}}(?:[ .\-][0-9]{{1,3}}){{2,4}}|(?:[ .\-][0-9]){{4,10}}"
    rf"|[0-9]{{3,5}}[ .\-][0-9]{{3,5}})){ENDS}"
)
_QQ_PROSE = pattern(rf"{_QQ_WORD}[^0-9A-Za-z。！？!?;；\n\ue000]{{1,9}}([1-9][0-9]{{6,9}}){ENDS}")
_QQ_BEHIND = pattern(
    r"([1-9](?<![0-9.A-Za-z].)[0-9]{5,10})(?:这个| ?[，,（(])? ?(?:[Qq][Qq]|扣扣|企鹅)(?!浏览)"
)
_QQ_MORE = pattern(
    rf"(?:[（(][^()（）0-9]{{1,6}}[)）])?[ /,;，、；或和]{{1,2}}(?:[一二三四]群)?([1-9][0-9]{{4,1"
    rf"0}}){ENDS}"
)
QQ_CUES = ("q", "Q", "扣", "企", "抠", "叩", "寇", "蔻", "球球", "秋秋", "丘丘", "口口", "🐧")


def qqs(text: str, windows: Windows) -> Spans:
    found = []
    for match in matches(_QQ, text, windows):
        digits = match[1].translate(SEPARATORS)
        if (
            is_date(digits)
            and (len(digits) == 8)
            and (match[0][0] not in "Qq" or digits != match[1])
        ):
            continue
        # Right behind the word or a colon a number is no quantity, whatever follows it.
        close = match[1].isdigit() and text[match.start(1) - 1] in "Qq扣群号:："
        if close or not is_quantity(text, *match.span(1)):
            found.append(match.span(1))
            found += continued(text, match.end(), _QQ_MORE)
    yield from found
    rest = blank(text, found)
    for one in (_QQ_PROSE, _QQ_BEHIND):
        for match in matches(one, rest, windows):
            if not is_quantity(rest, match.start(1), match.start(1) + 1):
                yield match.span(1)
                rest = blank(rest, [match.span(1)])


_SIGNS = rf"[ .\-/_·★☆❤♥{MARK}]{{0,2}}"
_WECHAT_WORD = (
    rf"(?:(?<=[微薇威徽维魏溦嶶徵]){_SIGNS}信(?!息)|(?<![A-Za-z].)(?<=[VvWwＶ]){_SIGNS}信"
    r"|(?<=w)ei信|(?<=W)(?:EI|ei)信|(?<=[卫围])信"
    r"|(?<=[微薇溦])xin|(?<=[VvWw薇])亻言|(?<=彳)敚信|(?<=我)薇|(?<=[威薇])❤"
    r"|(?<=[微薇威卫维VvWwＶ])[❤♥💗]|(?<=微) ?[芯心](?=[:：]|[A-Za-z])|(?<=微)(?i:x)|(?<=微)𝕏"
    r"|(?<=加)薇|(?<=加)微(?![生创量])|(?<=➕)[VvWw微薇]|(?<=[➕+]) ?[微薇]|(?<=绿)(?:泡泡|色软件)"
    r"|(?<=[加+])[Vv]|(?<![A-Za-z].)(?<=[Vv])\+|(?<=我)微(?=[ :：A-Za-z])|(?<=[微薇])(?=[:：]))"
)
_WECHAT_LATIN = (
    rf"(?<![A-Za-z0-9_].)(?:(?<=[VvWw])(?:{_SIGNS}|¥)[Xx]|(?<=[Ww])(?i:eixin|echat)"
    r"|(?<=[Ww])(?i:eix(?=[a-z]))|(?<=[Vv])(?=[:：]))"
)
_FIRST = "[微薇威徽维魏溦嶶徵VvWwＶ卫围彳我加➕+绿]"
_ID = r"[A-Za-z][A-Za-z0-9_-]{4,19}|[1-9][0-9]{5,10}"
_WECHAT = pattern(
    rf"{_FIRST}(?:{_WECHAT_WORD}|{_WECHAT_LATIN})"
    r"((?:号码?|[账帐]号|客服|好友|同号|[搜加]|(?:ID|Id|id)(?=[ :：是为])"
    r"|[（(][^()（）]{1,8}[)）](?=[:：])"
    rf"|[为是 :：(（=【\[“\"'亻言信❤♥\n{MARK}]){{0,5}})"
    rf"({_ID})(?!\.?[A-Za-z0-9_@-])"
)
_WECHAT_PROSE = pattern(
    rf"{_FIRST}(?:{_WECHAT_WORD}|{_WECHAT_LATIN}|(?<=[Vv])通道)"
    r"[^A-Za-z0-9。！？!?；;]{0,10}?(?:[:：是搜我主加的\n]|——搜)"
    r"([a-z](?=[a-z0-9-]{0,19}[0-9_])[a-z0-9_-]{5,19})(?!\.?[A-Za-z0-9_@-])"
)
_WECHAT_BEHIND = pattern(
    r"(?<![A-Za-z0-9_@.-])([a-z](?=[a-z0-9-]{0,19}[0-9_])[a-z0-9_-]{4,19})[ （(]{0,2}微 ?信(?!息)"
)
_BEHIND_CUE = pattern(r"微 ?信(?!息)")
_WECHAT_MORE = pattern(
    r"(?:、|，|,|/|或者?|和|及)([a-z](?=[a-z0-9-]{0,19}[0-9_])[a-z0-9_-]{5,19})(?!\.?[A-Za-z0-9_@"
    r"-])"
)
_APP = pattern(
    r"(?i:wechat|weixin|android|iphone|windows|harmony|facebook|whatsapp|alipay|covid-19)"
)
_WXID = pattern(r"wxid_(?<![A-Za-z0-9_-].{5})[a-z0-9]{8,20}(?![A-Za-z0-9_-])")
_TERM = pattern(r"[A-Z]{1,5}-?[0-9]{1,4}")


def wechats(text: str, windows: Windows) -> Spans:
    """An id of letters or digits alone needs a colon or the like after the word."""
    found = [m.span() for m in matches(_WXID, text, windows)]
    for match in matches(_WECHAT, blank(text, found), windows):
        gap, id_ = match.groups()
        if id_.isdigit() and is_quantity(text, *match.span(2)) and not gap:
            continue
        if _APP.fullmatch(id_) or _TERM.fullmatch(id_):
            continue
        has_sign = any(c in gap for c in '号:：是为(（=【[“"搜')
        if len(id_) < 6 and not (has_sign and any(map(str.isdigit, id_))):
            continue
        if has_sign or not (id_.isalpha() or id_.isdigit()):
            found.append(match.span(2))
    rest = blank(text, found)
    for one, cue in ((_WECHAT_PROSE, None), (_WECHAT_BEHIND, _BEHIND_CUE)):
        for match in matches(one, rest, windows, cue):
            if not _APP.fullmatch(match[1]):
                found.append(match.span(1))
        rest = blank(text, found)
    yield from found
    for span in found:
        end = span[1]
        while more := _WECHAT_MORE.match(rest, end):
            yield more.span(1)
            end = more.end()

"""Junk of question-and-answer sites, by named rules.

cuts     where the page's own apparatus begins (提问者对于答案的评价, 补充问题, 提问人的追问): all
         from there on goes from an answer. What the asker added belongs to the question: there the
         marker goes, with the date that the page put there, and what follows stays
badges   marks at the beginning or end of an answer (已采纳, 最佳答案, 医生回复：)
adverts  what asks a reader to get in touch or to buy; one common word (热线, 点击, 免费) is never
         enough. Numbers and addresses alone are left to the mask.

Every rule names its cues: a text without one of them cannot match and is not searched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from ...records import excerpt
from . import patterns


class Rule(NamedTuple):
    """A pattern and what must be in a text that it matches; a cue has 2 characters or more."""

    pattern: re.Pattern[str]
    cues: tuple[str, ...]

    def search(self, text: str) -> re.Match[str] | None:
        for cue in self.cues:
            if cue in text:
                return self.pattern.search(text)
        return None


def _rule(pattern: str, *cues: str, flags: int = 0, begins: str = "") -> Rule:
    """begins: all characters that a match begins with. Python finds them by itself only where every
    branch begins with a plain one; elsewhere the pattern is tried at each character."""
    if begins:
        pattern = f"(?=[{begins}])(?:{pattern})"
    return Rule(patterns.pattern(pattern, flags), cues)


# --- cuts ----------------------------------------------------------------------------------------

_DATE = (
    r"(?:19|20)[0-9]{2}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?"
    r"(?:\s?[0-9]{1,2}[:：时][0-9]{1,2}(?:[:：分][0-9]{1,2}秒?)?)?"
)
_DECORATION = r"[-=—*【\[（(]{0,9}"
_BEFORE = rf"(?:(?:^|(?<=[\s。！？!?；;…~～)）】\]]))(?:{_DATE}\s{{0,3}})?{_DECORATION})"
_LINE = rf"(?:^(?:{_DATE}\s{{0,3}})?{_DECORATION})"
"""The beginning of a line. Behind a full stop a word is prose: 先问部位。追问：…"""
_BLANK = rf"(?:(?<=\s)(?:{_DATE}\s{{0,3}})?{_DECORATION})"
"""Behind a blank: the lines of a page that were joined."""
_AFTER = rf"(?=\s{{0,3}}(?:[】\]）)]?\s?[:：]|[（(]?{_DATE}|时间|[】\]）)]|\n|$))"
_WHO = r"(?:提问者|提问人|患者|网友|楼主)"
_SUPPLEMENT = r"(?:补充问题|问题补充|补充提问)"

CUTS: dict[str, Rule] = {
    # 提问者对于答案的评价 is never prose; shorter forms must stand where a heading would.
    "answer_rating": _rule(
        rf"{_BEFORE}?{_WHO}对于?(?:此|该|本|这个?)?(?:答案|回答|回复|医生)的?评[价分]"
        rf"|{_BEFORE}提问[者人]的?评[价分]{_AFTER}",
        *[who + of for who in "案答复生者人" for of in ("评", "的评")],
        flags=re.M,
    ),
    "supplement": _rule(
        rf"(?:{_LINE}|{_BLANK})(?:{_WHO}的?)?{_SUPPLEMENT}{_AFTER}"
        rf"|{_SUPPLEMENT}(?=\s{{0,3}}[:：]?\s{{0,3}}{_DATE})",
        "充问题",
        "题补",
        "充提问",
        "充说明",
        flags=re.M,
    ),
    # Behind a blank 追问 is the page's where it has a date, or where 追答 answers it.
    "follow_up": _rule(
        rf"{_BEFORE}?(?:提问者|提问人)的?追问"
        rf"|{_LINE}(?:{_WHO}的?)?追[问答]{_AFTER}"
        rf"|{_BLANK}(?:{_WHO}的?)?追[问答](?=\s{{0,3}}[】\]）)]?\s?[:：]?\s?{_DATE})"
        rf"|{_BLANK}(?:{_WHO}的?)?追问(?=[】\]）)]?\s?[:：][^\n]{{0,200}}\s追答)",
        "追问",
        "追答",
        "追加",
        flags=re.M,
    ),
}

# In a question, what a page put before the asker's additions. Nothing before it, nothing is added:
# such a marker stays. A date behind a colon is the asker's (2013-05-06 做了CT), one with a time is
# the page's.
_TIMED = rf"(?=[^\s:：时]{{6,11}}\s?[0-9]{{1,2}}[:：时]){_DATE}"
_STAMP = (
    rf"(?:\s{{0,3}}(?:时间\s?[:：]?\s?)?"
    rf"(?:[（(]?{_DATE}(?![^\s:：）)])[）)]?\s?[:：]?|[:：]?\s{{0,3}}{_TIMED})?)"
)
_CLOSED = rf"\s{{0,3}}[】\]）)]?{_STAMP}\s?[:：]?(?:\s{{0,3}}{_TIMED})?[ \t]{{0,9}}\n?"
ADDED = {
    "supplement": patterns.pattern(
        rf"(?:(?<=\n)|(?<=[ \t]))(?:{_DATE}\s{{0,3}})?{_DECORATION}(?:{_WHO}的?)?"
        rf"(?:{_SUPPLEMENT}{_AFTER}|补充说明(?=[】\]）)]?\s?[:：])){_CLOSED}"
        rf"|(?<=[^\n])(?:{_WHO}的?)?{_SUPPLEMENT}(?=\s{{0,3}}[:：]?\s{{0,3}}{_DATE}){_CLOSED}"
    ),
    "follow_up": patterns.pattern(
        rf"(?:(?<=\n)|(?<=[ \t])(?=[^追\n]{{0,40}}追问[^\n]{{0,200}}\s追答))(?:{_DATE}\s{{0,3}})?"
        rf"{_DECORATION}(?:{_WHO}的?)?追(?:加(?:问题|提问)|问){_AFTER}{_CLOSED}"
        rf"|(?<=[^\n])(?:提问者|提问人)的?追问(?=\s{{0,3}}(?:{_DATE}|[:：]|\n)){_CLOSED}"
    ),
}
_REPLY = re.compile(
    rf"(?:^|(?<=\s))(?:{_DATE}\s{{0,3}})?{_DECORATION}(?:医生的?)?追答{_AFTER}[^\x00]*", re.M
)


def joined(text: str, name: str) -> str:
    """Return a question without the marker of what the asker added to it; the addition stays.

    name: "supplement" or "follow_up". What the doctor said in between (追答) goes with the latter.

    >>> joined("血糖高能吃西瓜吗\\n问题补充：空腹七点八。", "supplement")
    '血糖高能吃西瓜吗\\n空腹七点八。'
    """
    if not any(cue in text for cue in CUTS[name].cues):
        return text
    marked = ADDED[name].sub("\x00", text)
    if name == "follow_up" and "追答" in text:
        marked = _REPLY.sub("", marked)
    if marked == text:
        return text
    return marked.replace("\n\x00", "\n").replace("\x00", "\n").rstrip(" \n\t-=—*")


def cut(text: str, rule: Rule) -> str:
    """Return ``text`` up to where ``rule`` matches first, without blanks and rules at its end."""
    found = rule.search(text)
    return text[: found.start()].rstrip(" \n\t-=—*") if found else text


# --- badges --------------------------------------------------------------------------------------

_MARK = (
    r"(?:该?(?:答案|回答|回复)?已被?(?:提问者|提问人|网友|楼主)?采纳|(?:提问者|提问人|网友"
    r"|楼主)采纳"
    r"|(?:最佳|推荐|满意|精华|优质)(?:答案|回答))"
)
_SPEAKER = r"(?:医生|医师|专家|大夫|药师)的?(?:回复|回答|答复|解答)"
_OPENING = re.compile(
    rf"(?:\s{{0,9}}(?:[\[【(（](?:{_MARK}|{_SPEAKER})[\]】)）][:：]?|{_MARK}(?:[:：]|(?=\s)|$)"
    rf"|{_SPEAKER}[:：]))+\s*"
)
_CLOSING = re.compile(
    rf"(?:[\[【(（](?:{_MARK}|{_SPEAKER})[\]】)）]|(?:(?<=[\s。！？!?；;…~～)）])"
    rf"|^){_MARK})[。！!]?\s{{0,9}}$"
)
AT_BEGINNING, AT_END = 60, 30
"""Characters at the ends of a text that may hold a badge."""
BADGE_CUES = ("采纳", "答案", "回答", "回复", "答复", "解答")
_BADGE_CUE = re.compile("|".join(BADGE_CUES))


def strip_badges(text: str) -> str:
    """Return ``text`` without badges at its beginning and end."""
    if _BADGE_CUE.search(text, 0, AT_BEGINNING) and (found := _OPENING.match(text)):
        text = text[found.end() :]
    end = len(text)
    while _BADGE_CUE.search(text, max(0, end - AT_END), end):
        found = _CLOSING.search(text, max(0, end - AT_END), end)
        if not found:
            break
        end = found.start()
        while end and text[end - 1].isspace():
            end -= 1
    return text[:end]


# --- adverts -------------------------------------------------------------------------------------

_CHANNEL = r"(?:微信|薇信|威信|V信|vx|wx|weixin|QQ|扣扣)"
_CHANNEL_CUES = (
    *("微信", "薇信", "威信", "V信", "v信", "vx", "VX", "Vx", "wx", "WX", "Wx", "eixin"),
    *("QQ", "qq", "Qq", "扣扣", "公众号", "二维码"),
)
_ID = r"(?:[A-Za-z](?=[A-Za-z_-]{0,18}[0-9])[-_A-Za-z0-9]{4,19}|[1-9][0-9]{4,11})"
_NUMBER = (
    r"(?:[（(]?0[0-9]{2,3}[)）]?[-—－ ]?[1-9][0-9]{6,7}|[48]00[-—－ ]?[0-9]{3,4}[-—－ ]?[0-9]{3,4}"
    r"|1[3-9][0-9]{9})(?![0-9])"
)
_NEAR = r"[^。！？!?\n]{0,20}"

_SHOP = (
    r"(?:货到付款|包邮|厂家直销|正品保证|官方旗舰店|淘宝店|限时(?:优惠|抢购|特价)"
    r"|[名数]额?量?有限|先到先得|假一赔[十百]"
    r"|免费(?:试用|试戴|领取|体验|送货)|(?:无效|全额|不满意)(?:全额)?退款|立减|半价"
    r"|[一二三四五六七八九0-9]折(?!断|叠|返)"
    r"|买[一二两三0-9]{1,2}[盒瓶个]?送|抢购|下单|七天无理由|送货上门|以旧换新|旧机换新|一件代发"
    r"|拿货|微信同[号步]"
    r"|(?:诚|招)招?(?:代理|加盟)|加盟(?:热线|费)|月入|轻松兼职|零门槛|(?:效果好|见效|有效)再付款"
    r"|先试后买|本人代理|详[询聊]"
    r"|领红包|优惠(?:价|券|活动)|特价|补贴[0-9]|签合同|包成功|包性别|到店[即就]送|老顾客|会员日"
    r"|私[信聊]?我|批发价|促销"
    r"|量大从优|现货|秒发|价格面议|[原现]价[0-9]|大促|扫码(?:购买|下单)|满[0-9]{2,4}(?:包邮|减)"
    r"|领券|手慢无|全场|买[一二三四]免一|狂欢"
    r"|满意再付|底薪|提成|诚聘|招聘启事|主营|长期供应|可开发票|还送|链接在主页|回头客|需要的私聊"
    r"|(?<!太平)惠民(?!和剂|药局|局)|名额仅|费全免|费减半|补贴"
    r"|(?:订购|购买|代购)(?:热线|电话|微信|网址)|新用户|立即(?:抢|购|下载|领)|现在(?:购买|预约"
    r"|下单))"
)
"""What a shop says."""
_PROMISE = (
    r"(?:祖传秘方|秘方|断根|包治|根治|不反弹|专治|月瘦|无副作用|专家一对一"
    r"|最新[^。！？\n]{0,6}(?:设备|仪器)|疗程(?:断|见效)"
    r"|代理|药膏|顾问)"
)
"""What a shop promises, and a physician may say as well: it counts beside one of those alone."""

_SALE_BEGINS = (
    "0-9一七三下不专主九买二五代以价优会促假先免全八六到加包半厂原可名四回大官底微惠手扫批抢招"
    "拿提效数断新无旧最月有本根正淘满特狂现疗祖私秒秘立签老药补见订诚详货购费轻还送量链长限零需顾领"
)
"""What a sign of a shop or a promise begins with."""

ADVERTS: dict[str, Rule] = {
    # 加我微信; 添加微信 abc123; 关注公众号领取…; 扫码咨询
    "advert_contact": _rule(
        rf"(?:加|添加|关注)(?:一?下)?(?:我们?|医生|专家|老师|客服|助理)的?(?:个人|私人)?{_CHANNEL}"
        rf"|(?:加|添加|联系|咨询|详询)(?:一?下)?(?:医生|专家|老师|客服)?的?(?:个人|私人)?{_CHANNEL}"
        rf"(?:号码?|群)?[为是:： ]{{0,3}}{_ID}"
        r"|(?:关注|搜索|扫描?|长按|识别)[^。！？!?\n]{0,12}(?:公众号|二维码)[^。！？!?\n]{0,12}"
        r"(?:领取|领红包|咨询|免费|预约|了解更多|加入|进群)"
        r"|搜公众号[^。！？!?\n]{0,16}(?:回复|领|关注)|(?:➕|加)[Vv薇](?![A-Za-z])[^。！？!?"
        r"\n]{0,8}",
        *_CHANNEL_CUES,
        "➕V",
        "➕v",
        "➕薇",
        "加V",
        "加v",
        "加薇",
        flags=re.I,
        begins="➕关加咨扫搜添联识详长",
    ),
    # 咨询热线：400-…; 拨打免费电话 010-…
    "advert_hotline": _rule(
        r"(?:咨询|预约|健康|服务|免费|订购|客服|全国|专家|医院|报名|24小时)[^。！？!?\n]{0,4}"
        rf"(?:热线|电话|专线)(?:号码)?[为是:： ]{{0,3}}{_NUMBER}"
        rf"|(?:拨打|致电|来电)(?:我们?|我院|本院|专家|医生|免费"
        rf"|咨询)[^。！？!?\n]{{0,10}}{_NUMBER}",
        "热线",
        "电话",
        "专线",
        "致电",
        "来电",
        "拨打",
        begins="2专健免全医咨客报拨服来致订预",
    ),
    # 点击咨询; 点击进入; 点击我…交流; 点击上方的在线专家
    "advert_click": _rule(
        r"点击(?:我|与我)[^。！？!?\n]{0,8}(?:咨询|交流|沟通|对话|联系)"
        r"|点击(?:(?:上方|下方|左侧|右侧|右上角|左上角|页面)?[^。，,！？!?\n]{0,8}"
        r"(?:在线专家|在线医生|在线咨询|在线客服|专家咨询|免费咨询|预约|半价))"
        r"|点击[“\"【「]?(?:进行)?(?:进入|咨询|交流)",
        "点击",
    ),
    # 免费咨询 and the like beside a call to act: 登录…, 详情…, 我院…, a number, an address
    "advert_consult": _rule(
        r"(?:免费|在线|网上)(?:专家|名医|电话)?(?:咨询|预约|答疑)"
        rf"{_NEAR}(?:扫码|二维码|www\.|https?:|立即|马上|赶快|详情|我院|本院|{_NUMBER})"
        r"|(?:扫码|二维码|www\.|https?:|立即|马上|赶快|详情请?|我院|本院)"
        rf"{_NEAR}(?:免费|在线|网上)(?:专家|名医|电话)?(?:咨询|预约|答疑)",
        *[a + b for a in "费线上家医话" for b in ("咨", "预", "答")],
        begins="hw二免在我扫本立网详赶马",
    ),
    # two signs of a shop near each other
    "advert_sale": _rule(
        r"(?P<one>货到付款|包邮|厂家直销|正品保证|官方旗舰店|淘宝店|限时(?:优惠|抢购|特价)|名额有限"
        rf"|(?:订购|购买|代购)(?:热线|电话|微信|网址)|免费(?:试用|领取)){_NEAR}(?!(?P=one))"
        rf"(?:货到付款|包邮|厂家直销|正品保证|官方旗舰店|淘宝店|限时(?:优惠|抢购|特价)|名额有限"
        rf"|(?:订购|购买|代购)(?:热线|电话|微信|网址)|免费(?:试用|领取)|假一赔[十百]"
        rf"|{_NUMBER}|https?:|www\.)"
        rf"|(?P<sign>{_SHOP})[^\n]{{0,60}}?(?=[{_SALE_BEGINS}])(?!(?P=sign))(?:{_SHOP}|{_PROMISE})"
        rf"|{_PROMISE}[^\n]{{0,40}}?(?=[{_SALE_BEGINS}]){_SHOP}",
        *(
            "先到先得",
            "退款",
            "立减",
            "半价",
            "送一",
            "抢购",
            "下单",
            "天无理",
            "送货上",
            "费送货",
            "旧换",
            "机换",
            "件代发",
        ),
        *(
            "拿货",
            "信同号",
            "信同步",
            "招代理",
            "人代理",
            "诚招",
            "加盟",
            "月入",
            "兼职",
            "再付款",
            "先试后",
            "详询",
            "详聊",
            "领红包",
            "优惠价",
            "优惠券",
            "优惠活",
        ),
        *(
            "特价",
            "补贴",
            "签合同",
            "包成功",
            "包性",
            "即送",
            "顾客",
            "会员日",
            "私信",
            "私聊",
            "私我",
            "批发",
            "促销",
        ),
        *(
            "从优",
            "现货",
            "秒发",
            "面议",
            "现价",
            "原价",
            "大促",
            "扫码购",
            "领券",
            "手慢无",
            "全场",
            "免一",
            "狂欢",
            "底薪",
        ),
        *(
            "提成",
            "诚聘",
            "启事",
            "主营",
            "长期供",
            "发票",
            "还送",
            "接在主",
            "回头客",
            "惠民",
            "名额仅",
            "全免",
            "费减",
        ),
        *("新用", "立即抢", "立即购", "立即领", "假一赔", "试戴"),
        *("货到付款", "包邮", "厂家直销", "品保证", "旗舰店", "淘宝店", "限时优", "限时抢购"),
        *(
            "限时特价",
            "名额有限",
            "购热",
            "购电",
            "购微",
            "购网",
            "买热",
            "买电",
            "买微",
            "买网",
            "在购",
            "码购",
            "免费试用",
            "免费领取",
        ),
        begins=_SALE_BEGINS,
    ),
    # 欢迎来我院就诊; 我院网址：…
    "advert_hospital": _rule(
        r"(?:热烈)?欢迎(?:您|广大患者|患者|患友)?(?:前来|来到?|到|莅临|致电"
        r"|来电)[^。！？!?\n]{0,6}(?:我院|本院)"
        r"|(?:我院|本院)的?(?:网址|官网|网站|QQ|微信|热线|乘车路线|专家热线)[为是:：]",
        "我院",
        "本院",
    ),
}


_CUE = {name: re.compile("|".join(map(re.escape, rule.cues))) for name, rule in ADVERTS.items()}
ADVERT_CUE = re.compile("|".join(found.pattern for found in _CUE.values()))
"""What every advert has one of."""
_SHORT, _AROUND = 2_000, 400
"""Characters: a longer text is searched round its cues alone, so far before and behind each."""
_SENTENCE_ENDS = "。！？!?\n"
_QUESTION = re.compile(
    r"[?？][”\"』」]?$|(?:吗|是不是|能不能|可不可以|怎么办|可信|靠谱|真的假的|要不要"
    r"|该不该)[^，,]{0,6}$"
)
_WARNING = re.compile(
    r"不要|别(?:信|买|加|扫|点|再|轻信|被|去|花|用)|[切请]?勿|不可信|[不没]能?信|不可靠|不靠谱"
    r"|没有批准|警惕|谨防|小心|当心|提防|防骗|骗(?!你)"
    r"|假的|虚假|诈骗|违法|违规|举报|上当|陷阱|套路|话术|不必(?:买|加)|拒绝|夸大"
    r"|没有(?:可靠)?(?:证据|依据)|涉嫌|处罚|禁止|不得|不应"
)
_REPORT = patterns.pattern(
    r"有人(?:说|问|让|在)|网上(?:说|有人|看到|宣传|卖|买)|(?:卖家|商家|广告|对方|店家|厂家|推销"
    r"|销售|微商|直播|公众号)[^。]{0,8}(?:说|写|称|让|宣传|打着|声)"
    r"|号称|声称|宣称|自称|谎称|所谓|打着|以[^。]{0,12}为(?:名|由|诱饵)|这句话|听说|据说"
    r"|看到[^。]{0,8}(?:广告|说|写)|问卷|调查|研究|患者(?:加|扫|点|被|曾)"
)
_OF_THE_PUBLIC = re.compile(
    r"心理|自杀|轻生|危机|援助|急救|中毒|急诊|妇幼|助产|疾控|卫生热线|公益|红十字|指南|解释|编写"
    r"|护士站|总机|住院处|随访|社区|献血|接种|医保|监督"
    r"|投诉|救援|求助|不良反应|说明书|药师|母乳"
)
_OF_TRADE = patterns.pattern(
    rf"{_SHOP}|免费|专家|优惠|订购|祖传|秘方|根治|断根|名医|专治|疗效|特效"
)
_ENOUGH = 60
"""With this many characters beside it the telephone number of a text is no advert: it is masked."""


def advert(text: str, names: Sequence[str]) -> tuple[str, str] | None:
    """Return (rule, evidence) of the first of the rules ``names`` that ``text`` breaks.

    A sentence that asks about an advert, warns of one or reports it is none, nor is a help line.
    """
    for name in names:
        rule = ADVERTS[name]
        matches = (rule.pattern.finditer(text, *span) for span in _near_cues(text, _CUE[name]))
        for found in chain.from_iterable(matches):
            begin = max(text.rfind(end, 0, found.start()) for end in _SENTENCE_ENDS) + 1
            end = min(
                (at for at in (text.find(e, found.end()) for e in _SENTENCE_ENDS) if at >= 0),
                default=len(text),
            )
            sentence = text[begin : end + 1].strip()
            if _is_about(sentence) or (name == "advert_hotline" and _helps(text, sentence)):
                continue
            return name, excerpt(text, max(0, found.start() - 10), found.end() + 20)
    return None


def _near_cues(text: str, cue: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) of what of ``text`` is to be searched: all of a short one with a cue, of a
    long one what lies round the cues."""
    if len(text) <= _SHORT:
        if cue.search(text):
            yield 0, len(text)
        return
    begin = end = 0
    for found in cue.finditer(text):
        if found.start() - _AROUND > end:
            if end:
                yield begin, end
            begin = found.start() - _AROUND
        end = found.end() + _AROUND
    if end:
        yield begin, min(end, len(text))


def _is_about(sentence: str) -> bool:
    """Tell whether a sentence asks about, warns of or reports an advert."""
    return any(pattern.search(sentence) for pattern in (_QUESTION, _WARNING, _REPORT))


def _helps(text: str, sentence: str) -> bool:
    """Tell whether a number to call is a help line, or a line of trade's absence in a long text."""
    if _OF_TRADE.search(sentence):
        return False
    return bool(_OF_THE_PUBLIC.search(sentence)) or len(text) - len(sentence) >= _ENOUGH

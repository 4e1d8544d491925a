"""Lines of a page at the end of a text: what the site says of itself, not of medicine.

    责任编辑：…  上一篇：…  推荐阅读：…     a label of a page and its value
    赞(12) 踩(0) 评论 分享 举报             buttons, and nothing else
    转载请注明出处。 Copyright © …          rights and liability
    点击咨询在线专家>>                      a call to act that names a part of a page or an app

Looked at from the end: whole lines first, then the last sentences of the last line. The first one
that is none ends the search, so that a line amid a text stays. A call to act counts only where
little else is said in its sentence: one with a finding, a drug or a physician to go to stays. A
text that would have nothing left but a greeting stays whole: whether it says anything is for
adverts and filters to judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import repeat

from .patterns import pattern

_MOST = 12
"""Units that are taken off one text."""
_LONG = 120
"""Characters of a line or sentence; a longer one is no line of a page."""
_LITTLE = 10
"""Letters and characters that a call to act may have beside the words of pages."""
_LEFT = 8
"""Letters and characters that must be left of a text."""
REACH = _LONG + 20
"""A cue further from the end than this is not in the last line or sentence."""

_TITLES = (
    r"(?:相关|推荐|延伸|拓展|更多|精彩|热门|热点|最新|精选)(?:阅读|文章|推荐|问答|链接|资讯|视频|搜索)"
    r"|猜[你您]喜欢|[大网][家友](?:还|都)?在[看搜问]|看[了过]本文的(?:人|网友)还看[了过]?"
    r"|阅读(?:推荐|排行)"
)
"""What a page has above titles of others."""
_READING = rf"{_TITLES}|(?:相关|热门|最新|推荐|更多)问题"
_LABEL = pattern(
    r"(?:责任|实习|文章|本文|网站|微信|值班|内容|新媒体)编辑|责编|编辑整理|[上下]一[篇页条]|原标题"
    rf"|{_READING}|(?:原文|本文|文章)(?:链接|地址|网址|来源|出处)|(?:稿件|图片|新闻)来源"
    r"|(?:分享|转发|收藏|推荐)[到至给](?:朋友圈?|好友)?|版权(?:声明|归属|说明)"
    r"|免责(?:声明|条款|说明)|(?:官方|关注)?(?:微信)?公众号|官方(?:微信|微博)|关注我们"
    r"|(?:文章|本文)(?:标签|分类|栏目)|[Tt]ags?"
)
_SITE = (
    r"网站?|百度[^\s，。]{0,4}|论坛|贴吧|公众号|微信|微博|APP|频道|知乎|新浪|搜狐|腾讯|客户端"
    r"|在线|[日晚时]报|https?:\S{1,80}|www\.\S{1,80}"
)
_NAMED = pattern(
    rf"(?:来源|稿源|转自|摘自|出处)[:：]\s?[^\n，。；]{{0,20}}(?:{_SITE})$"
    r"|(?:编辑|责编|小编)[:：]\s?\S{1,8}$"
    r"|标签[:：]\s?[^，。、；\s]{1,10}(?:[ ,|][^，。、；\s]{1,10}){1,9}$"
    r"|(?:发布|更新|发表|编辑|回答|提问)(?:时间|日期|于)[:：]?\s?[0-9][-0-9年月日:： /.]{3,20}$"
    r"|(?:浏览|阅读|点击|访问|收藏|点赞|评论|回复|分享|查看)(?:次数|人数|量|数)?[:：]?\s?"
    r"[0-9]{1,9}\s?[次人]?$|共\s?[0-9]{1,6}\s?[条个]\s?(?:评论|回答|回复|答案)$"
)
"""A label whose word alone says too little: it counts with a value as pages have it."""
_BESIDE = re.compile(r"(?:作者|记者|通讯员|审核|校对|供稿|摄影|文)[:：]\s?\S{1,12}$")
"""A label that counts beside one of those."""
_LABELS = re.compile(r"[ \u3000\t|｜]{1,9}(?=[^\s0-9:：]{1,6}[:：])")
_VALUE_END = re.compile(r"[。！!]\s*\S")
_HEADING = re.compile(rf"[【\[(（■◆●▼>»]{{0,3}}\s?(?:{_TITLES})\s?[】\])）]?\s?[:：]?")
"""Above a list of titles."""

_WEAK = (
    r"评论|回复|推荐|更多|编辑|引用|关注|追问|追答|喜欢|顶|踩|赞|有用|没用|无用|登[录陆]|注册|首页|末页"
    r"|尾页|搜索|咨询|提问|回答|采纳|[好差]评|支持|反对|转发|返回|打印|关闭|复制|删除|修改|报错|纠错|反馈"
    r"|设置|[上下]一页|顶部|浏览|阅读|(?:新浪|腾讯)?微博|微信|朋友圈|QQ(?:空间|好友)?|空间|人人网|豆瓣|百度"
)
_STRONG = (
    r"点赞|收藏|举报|展开|收起(?:全文)?|赞同|打赏|分享(?:[到至给](?:微信|微博|朋友圈|好友|QQ|空间))?"
    r"|打印(?:本[页文]|此文)|关闭(?:本|此)?(?:窗口|页面|本页)"
    r"|返回(?:顶部|首页|列表|上一页|目录|上页)|回到顶部|展开(?:全部|全文|更多|阅读全文)"
    r"|阅读(?:全文|原文|更多)|查看(?:全文|原文|更多|全部|详情|其他)(?:内容|回答|答案|评论|文章|问题)?"
    r"|显示全部|加载更多|加载中|点击(?:展开|加载|查看)(?:更多|全文|全部)?|[上下]一[篇条]|等你来答"
    r"|我要(?:提问|回答|咨询|评论|纠错|分享|收藏|投稿)|我来(?:回答|答|说两句)|写(?:回答|评论)"
    r"|发表(?:评论|回复|回答)|添加评论|全部评论|复制链接|加入收藏|收藏(?:本[站页文]|此[页文])|设为首页"
    r"|(?:热门|相关|最新|推荐|更多)(?:问题|文章|专家|医生|回答|问答|评论)|网站地图|(?:关于|联系)我们"
    r"|意见反馈|在线客服|(?:提问者|提问人|网友|楼主)采纳|已?(?:被)?(?:提问者|网友|楼主)?采纳"
    r"|已[赞踩]过|(?:最佳|满意)答案|觉得(?:有用|没用)|(?:下载|打开)(?:APP|App|app|客户端)"
    r"|(?:立即|马上|免费|在线|一键|快速|向(?:TA|他|她|医生|专家))(?:提问|咨询|预约|挂号|问诊|下载|购买)"
    r"|点击(?:预约|咨询|挂号|提问|购买|下载|报名|领取)(?:专家|医生|挂号|名额)?"
)
_BUTTON = re.compile(
    rf"(?:(?P<strong>{_STRONG})|{_WEAK})(?P<count>[:：]?\s?[(（\[]?\s?[0-9]{{1,7}}\+?万?\s?[)）\]]?)?"
    r"|[0-9]{1,7}"
)
_BETWEEN = r"[\s|｜/·•＞>»«<＜＋【】\[\]、，,_\-—↑↓←→]"
_PARTS = re.compile(rf"{_BETWEEN}+|(?<=[)）])")
_BEGINS = re.compile(rf"{_BETWEEN}*(?:{_BUTTON.pattern})")
"""How a line of buttons begins."""

_RIGHTS = pattern(
    r"转载(?:请|须|需|务必|时)(?:要|您)?(?:注明|标明|保留|联系|说明)"
    r"|(?:未经|谢绝|禁止|严禁|请勿|不得|商业|如需|欢迎)[^。\n]{0,12}转载"
    r"|转载[^。\n]{0,8}(?:授权|出处|自(?:网络|互联网))|版权所有|侵权[^。\n]{0,6}(?:删|联系)"
    r"|(?:著作权|版权)[^。\n]{0,2}(?:归|属)[^。\n]{0,12}所有|(?:联系|告知|通知)[^。\n]{0,8}(?:立删|删除)"
    r"|(?i:all rights reserved|copyright\s?(?:©|\(c\)|[0-9]{4}))|公网安备"
    r"|[京沪粤浙苏鲁川渝津冀豫鄂湘皖赣闽琼桂黔滇陕甘青宁新蒙黑吉辽晋藏]ICP[备证]"
    r"|(?:本|此)(?:文|站|网|篇|回答|内容|资料)(?:的|所有|部分)?(?:内容|文字|图片|信息|文章|资料)?"
    r"(?:均|都|系|为)?(?:来源于?|来自于?|转自|摘自|整理自|选自|转载自|由)[:：]?"
    r"(?:网络|互联网|网友|[^。，\n]{0,12}(?:网|论坛|公众号|APP|频道|小编))"
    r"|(?:内容|信息|资料|图片|文章|以上)(?:均|都)?(?:来源于|来自于?)(?:网络|互联网)"
    r"|[仅只]代表作者(?:本人|个人)?(?:的)?观点"
    r"|本(?:站|网|网站|平台|栏目|APP|页面)(?!状)[^。\n]{0,24}"
    r"(?:仅供参考|不(?:能|可|得)?(?:代替|替代|作为)|不承担|概不负责|立场|转载|转自|来自)"
)
_FEEDBACK = pattern(
    r"[你您]对(?:这个|这条|本|该|此|我的)?(?:回答|答案|回复)的评价"
    r"|(?:本|该|此)(?:回答|答案|回复)已?被[^。\n]{0,10}(?:采纳|推荐|认可)"
    r"|(?:(?:本|该|此|以上)(?:回答|答案|内容|文章|问题)|本文)由[^。\n]{0,20}"
    r"(?:提供|审核|整理|上传|发布|推荐)"
    r"|[0-9]{1,7}\s?[个位名]?(?:人|网友)(?:(?:觉得|认为)有用|觉得有帮助|赞同|点赞|收藏|看过|已赞"
    r"|(?:浏览|阅读)$)"
    r"|(?:觉得|认为|感觉)[^。\n]{0,12}(?:点赞|点个赞|采纳|收藏|转发|好评|五星)|请[^，。\n]{0,4}五星好?评?"
)
_CLAUSE = pattern(
    r"(?:(?<=[，,。！!～~；;\s])|^)(?:如果?(?:我的)?(?:回答|答案|建议)?(?:能|可以)?(?:对?[您你])?"
    r"(?:觉得)?(?:满意|有帮助|有所帮助|有用)(?:的话)?[，, ]?)?"
    r"(?:请|望|求|希望|恳请|敬请|谢谢|感谢|欢迎)(?:[您你]|能|能够|及时|给予|予以|给个){0,4}采纳"
    r"(?:一下|哦|吧|为盼|谢谢|我的(?:回答|答案|建议)|[，, ](?:谢谢|祝[^。！!]{2,8})){0,2}"
    r"[。！!～~. ]{0,3}$"
)
"""What asks for a badge: a clause of it goes alone."""

_FIRM = (
    r"点击|点此|点我|戳(?:这里|我|此|下方|链接)|扫码|扫一扫|识别(?:图中)?二维码"
    r"|扫描?(?:下方|上方|文末|文中|图中|左侧|右侧|以下|下面|屏幕|此|我)?的?二?维?码"
    r"|长按(?:识别|二维码|图片|[上下]图|复制|关注|保存)"
)
_LOOSE = (
    r"关注(?!度)|下载|订阅|私信|搜索?|转发|收藏|登[录陆]|访问|进入|联系|查看|阅读|浏览|了解|咨询|预约"
    r"|领取|添加|加入|参与|分享|打开|提问"
)
_THINGS = (
    r"二维码|公众号|(?<![A-Za-z])(?i:APP)(?![A-Za-z])|客户端|小程序|本站|本网站?|网站首页|直播间"
    r"|(?:QQ|微信|粉丝|交流)群|视频号|抖音|www\.[\w.]{1,60}|https?:[\w./]{1,80}"
)
_LINKS = (
    r"这里|此处|链接|网址|官网|官方网站|网站|微信|微博|头像|主页|首页|全文|原文|详情|专栏|栏目|专题"
    r"|[上下左右](?:方|侧|上角|下角)|在线|专家|客服|免费|名额|更多[^。\n，]{0,12}|我们|顾问|按钮"
)
_CALL = pattern(
    rf"(?:{_FIRM})[^。\n]{{0,40}}?(?:{_THINGS}|{_LINKS})"
    rf"|(?:{_THINGS}|{_LINKS})[^。\n]{{0,20}}?(?:{_FIRM})"
    rf"|(?:{_LOOSE})[^。\n]{{0,20}}?(?:{_THINGS})|(?:{_THINGS})[^。\n]{{0,20}}?(?:{_LOOSE})"
    r"|(?:关注|订阅|收藏|添加|私信)(?:一?下)?(?:我们?|本人|[小医]编)?的?"
    r"(?:微信|微博|头像|主页|专栏|栏目|专题|账号|频道)|关注我们|私信我"
    r"|登[录陆][^，。\n]{1,8}网站?[^。\n]{0,4}(?:查看|了解|阅读|咨询|获取)"
    r"|(?:转发|分享)[给到][^，。\n]{0,8}(?:朋友|家人|亲友|圈)"
    r"|点个?赞|点个关注|一键三连|(?:收藏|转发)[、，和 ]?(?:点赞|收藏|转发|关注|分享|评论)"
)
_WORDS = pattern(
    rf"{_FIRM}|{_LOOSE}|{_THINGS}|{_LINKS}"
    r"|点个?赞|点个关注|一键三连|评论|在看|不迷路|支持一下|记得|帮助|对你|觉得|喜欢|朋友|家人|身边"
    r"|微信号?|知识|资讯|内容|信息|文章|精彩|健康|体检|解答|指导|服务|专业|一对一|一键|马上|立[即刻]"
    r"|赶[快紧]|快来|现在|即可|就能|可以|欢迎|敬请|请|想要?|知道|获取|如果?|需要?|有|[您你我]们?|大家"
    r"|的|了|吧|哦|啊|和|与|或|更多?|为|在|进行|问题|疑问|其[他它]|医生|号"
    r"|[:：]\s?[\"“「《]?[^，。！!\s]{1,16}"
)
"""Words of a call that say nothing of medicine; a name behind a colon too."""
_WONDER = re.compile(
    r"(?:[您你]?(?:还)?想(?:要)?|更多|如需)(?:了解|知道|学习|获取)?更?多?[^。\n]{0,16}[?？]"
)
"""A question that a call behind it answers."""
_STAYS = pattern(
    r"心理|自杀|轻生|危机|援助|急救|急诊|中毒|(?<![0-9A-Za-z])(?:1[12]0|123[0-9]{2})(?![0-9])|公益"
    r"|红十字|不良反应|说明书|指南|文献|药监|疾控|卫健|国家|政府|政务|世卫|世界卫生|医保|接种|献血|社区"
    r"|复诊|复查|就诊|就医|挂号|化验|报告|检查|门诊|血压|血糖|穴|骗|不要|(?<!识)别|[切请]勿|警惕|谨防|小心|不可信"
    r"|(?:本|我|我们|去|到|在|该|当地)[^，。]{0,2}医院|\.gov|\.org|\.edu|who\.int|cdc|nih"
    r"|^\s?(?:[0-9]{1,2}[.、)）]|[-*•#] |第.{1,3}步|步骤)|[`{}=|]|选项卡|菜单|单元格"
)
"""What makes a call to act one of medicine, of the public, or a step of a manual."""
_ONLY_NUMBERS = re.compile(
    r"(?:(?:24小时|免费|健康|专家|在线|全国|官方|咨询|预约|客服|服务|订购|报名|商务|合作){1,4}"
    r"(?:热线|电话|专线|QQ|qq|微信|网址|网站)?号?群?[:：]\s?"
    r"[-+@._/:A-Za-z0-9—－() （）]{5,60}[\s,，;；|]{0,9})+"
)
_ADVERT = 60
"""Characters of a line that may go as an advert: a longer one may say something of medicine."""


def _each(first: str, then: str = "") -> str:
    """Return ``then`` behind each of the signs ``first``: of branches that all begin with a sign,
    a search knows where none can begin, and is ten times as fast as one with a set."""
    return "|".join(re.escape(sign) + then for sign in first)


_MAY = re.compile(
    rf"{_each(':：】]')}"
    rf"|{_each('关荐伸展多彩门点新选', '(?:阅读|文章|推荐|问答|链接|资讯|视频|搜索)')}"
    rf"|猜[你您]喜|{_each('家友', '(?:还|都)?在[看搜问]')}|看[了过]?本文|阅读[推排]"
    rf"|{_each('览读击问藏赞论复享看数量间期于共', '.?[0-9]')}"
)
"""What every label or heading of a page has one of."""
_SIGN = re.compile(
    # rights
    r"转载|版权|侵权|著作权|删|ICP|网|论坛|公众号|频道|小编|代表作|本站|本平|本栏|本页"
    rf"|{_each('Gg', '[Hh][Tt]')}|{_each('Aa', '[Pp][Pp]')}"
    # feedback
    rf"|的评价|{_each('答案复', '已?被')}|{_each('答案容章题文', '由')}"
    rf"|{_each('0123456789', '.?.?人')}"
    r"|点赞|个赞|采纳|收藏|转发|好评|五星"
    # calls to act
    r"|点击|点此|点我|戳|扫|维码|长按|客户端|小程序|直播间|Q群|信群|丝群|流群|视频号|抖音|www|http"
    r"|微信|微博|头像|主页|专栏|栏目|专题|账号|关注我|私信我|登录|登陆|键三连|点个"
    r"|发给|发到|享给|享到"
)
"""What every sentence of the other kinds has one of."""

_DECORATION = " \t\n\r\u3000-=—*_~·•>»<«|｜★☆◆■●▲▼↑↓←→【】[]()（）「」"
_AROUND_BUTTONS = _DECORATION + ":：。"
_RULE = re.compile(r"[-=—*_~·•\s]{2,}")
_STOPS = "。！？!?；;…"
_CLOSERS = '。！？!?；;…～~”"』」）)】]》>< \t.,，'


def without_page_lines(text: str, is_advert: Callable[[str], bool]) -> str:
    """Return ``text`` without the lines and sentences of a page at its end.

    is_advert: tells whether a line is an advert; one that stands as a line by itself goes.

    >>> without_page_lines("角膜炎不要用激素。\\n责任编辑：小陈\\n下一篇：鼻炎", lambda line: False)
    '角膜炎不要用激素。'
    """
    end = len(text)
    listed = _titles(text)
    if listed is not None:
        end = listed
    found = listed is not None
    for _ in range(_MOST):
        while end and text[end - 1] in " \t\n":
            end -= 1
        begin = text.rfind("\n", 0, end) + 1
        may = found or _may_be_sentence(text, begin, end)
        if begin and end - begin <= _LONG and _is_line(text[begin:end], may, found, is_advert):
            end, found = begin, True
            continue
        if may:
            start = _last_sentence(text, begin, end)
            if end - start <= _LONG and start > 0 and _is_sentence(text[start:end], found):
                end, found = start, True
                continue
        near = max(begin, end - 60)
        if (
            text.find("采纳", near, end) >= 0
            and (clause := _CLAUSE.search(text, near, end))
            and clause.start() > 0
        ):
            end, found = clause.start(), True
            continue
        break
    if not found:
        return text
    left = text[:end].rstrip(" \t\n，,")
    return left if _letters(left) >= _LEFT else text


def _titles(text: str) -> int | None:
    """Return where a heading such as 相关阅读 begins that has but titles under it, or None."""
    at = len(text)
    for _ in range(_MOST):
        begin = text.rfind("\n", 0, at) + 1
        line = text[begin:at].strip()
        if not begin or len(line) > 50 or line[-1:] in ("。", "；"):
            return None
        if at < len(text) and _HEADING.fullmatch(line):
            return begin
        at = begin - 1
    return None


def _last_sentence(text: str, begin: int, end: int) -> int:
    """Return where the last sentence of ``text[begin:end]`` begins."""
    at = _last_letter(text, begin, end)
    floor = max(begin, at - _LONG - 1)
    stop = max(map(text.rfind, _STOPS, repeat(floor), repeat(at))) + 1
    bracket = max(map(text.rfind, "【（(", repeat(max(stop, begin + 1)), repeat(at)))
    return max(stop, bracket, floor)


def _last_letter(text: str, begin: int, end: int) -> int:
    """Return where the signs at the end of ``text[begin:end]`` begin."""
    return begin + len(text[begin:end].rstrip(_CLOSERS))


def _may_be_sentence(text: str, begin: int, end: int) -> bool:
    """Tell whether the line ``text[begin:end]``, or the last sentence of it, has what every line
    and sentence of a page has."""
    floor = max(begin, _last_letter(text, begin, end) - _LONG - 1)
    return bool(_SIGN.search(text, floor, end) or _MAY.search(text, floor, end))


def _is_line(line: str, may: bool, found: bool, is_advert: Callable[[str], bool]) -> bool:
    """Tell whether a whole line is one of a page.

    may: it may be a sentence of it, see :func:`_may_be_sentence`. found: a line under it was one.
    """
    if _RULE.fullmatch(line):
        return found
    if line[0] == line[-1] == "|":  # the row of a table
        return False
    if (may and _is_sentence(line, found)) or _are_buttons(line):
        return True
    if _ONLY_NUMBERS.fullmatch(line.strip(_DECORATION)) or (
        len(line) <= _ADVERT and is_advert(line)
    ):
        return not _STAYS.search(line)
    return False


def _is_sentence(unit: str, found: bool) -> bool:
    """Tell whether a line or the last sentence speaks of the page."""
    bare = unit.strip(_DECORATION)
    if _is_labelled(bare) or (found and _WONDER.fullmatch(bare)):
        return True
    if not _SIGN.search(bare):
        return False
    if _RIGHTS.search(bare) or _FEEDBACK.search(bare):
        return True
    if not _CALL.search(bare) or _STAYS.search(bare) or bare[-1:] in "?？":
        return False
    return _letters(_WORDS.sub("", bare)) <= _LITTLE


def _is_labelled(bare: str) -> bool:
    """Tell whether ``bare`` is labels of a page with their values."""
    if not _MAY.search(bare):
        return False
    label = _LABEL.match(bare)
    if label and bare[label.end() : label.end() + 2].strip()[:1] in (":", "：", "】", "]"):
        return not _VALUE_END.search(bare, label.end()) or "责" in label[0] or "权" in label[0]
    if _HEADING.fullmatch(bare):
        return True
    parts = _LABELS.split(bare)
    named = [bool(_NAMED.match(part)) for part in parts]
    return any(named) and all(
        one or _BESIDE.match(part) for one, part in zip(named, parts, strict=True)
    )


def _are_buttons(line: str) -> bool:
    """Tell whether a line holds buttons alone: one that only pages have, or two and more."""
    bare = line.strip(_AROUND_BUTTONS)
    if not _BEGINS.match(bare):
        return False
    parts = [part for part in _PARTS.split(bare) if part]
    found = [_BUTTON.fullmatch(part) for part in parts]
    named = [match for match in found if match and not match[0].isdigit()]
    if not all(found) or not named:
        return False
    return len(named) > 1 or bool(named[0]["strong"] or named[0]["count"])


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


CUES = (
    *(
        "责编",
        "编辑",
        "小编",
        "原标",
        "一篇",
        "一页",
        "阅读",
        "关文",
        "荐文",
        "门文",
        "关问",
        "门问",
    ),
    *(
        "新问",
        "关推",
        "门推",
        "关链",
        "彩推",
        "关资",
        "门搜",
        "关视",
        "猜你",
        "猜您",
        "在搜",
        "了本文",
    ),
    *(
        "分享",
        "转发",
        "收藏",
        "点赞",
        "个赞",
        "赞同",
        "举报",
        "打赏",
        "赞(",
        "踩(",
        "赞过",
        "文链",
        "文地",
        "文网址",
    ),
    *(
        "文来源",
        "文出处",
        "稿件",
        "片来源",
        "闻来源",
        "源：",
        "源:",
        "转自",
        "摘自",
        "稿源",
        "自网",
        "自互",
        "于网",
        "于互",
    ),
    *(
        "版权",
        "著作权",
        "侵权",
        "转载",
        "免责",
        "ICP",
        "网安备",
        "Rights",
        "yright",
        "表作者",
        "公众号",
    ),
    *(
        "官方微",
        "标签",
        "Tag",
        "浏览",
        "点击",
        "点此",
        "点我",
        "戳这",
        "戳我",
        "戳此",
        "戳下",
        "戳链",
        "扫码",
    ),
    *(
        "扫一扫",
        "维码",
        "长按",
        "下载",
        "订阅",
        "私信",
        "APP",
        "App",
        "客户端",
        "小程",
        "本站",
        "本网",
        "直播间",
    ),
    *(
        "信群",
        "Q群",
        "丝群",
        "流群",
        "视频号",
        "抖音",
        "www.",
        "ttp",
        "打印",
        "关闭窗",
        "关闭本",
        "关闭页",
        "回顶部",
    ),
    *(
        "回首页",
        "回列",
        "展开",
        "收起",
        "看全文",
        "看原文",
        "看更多",
        "看详情",
        "载更多",
        "示全部",
        "我要提",
    ),
    *(
        "我要回",
        "我来回",
        "评论",
        "采纳",
        "的评价",
        "答由",
        "案由",
        "文由",
        "上传",
        "人觉",
        "无用",
        "注我",
    ),
    *(
        "微博",
        "热线",
        "线Q",
        "询电",
        "约电",
        "客服",
        "立删",
        "布于",
        "布时",
        "新时间",
        "发表时",
        "答于",
    ),
    *(
        "即咨",
        "费咨",
        "线咨",
        "费提",
        "上预",
        "即预",
        "A提问",
        "你来答",
        "五星",
    ),
)
"""What every line of a page has one of, so that a text without them is not searched."""

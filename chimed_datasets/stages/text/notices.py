"""Notices of a page: lines about the site, its rights, its liability and how to reach it.

`page_lines` knows the words of such a line well enough to cut it from one text alone. Here a line
is known to stand in many documents, so that less is needed: a word of the page, and nothing that a
patient must know. What has neither is left alone: a heading (【用法用量】), a formula's last line
(水煎服。), an attribute of an encyclopedia.
"""

from __future__ import annotations

from .patterns import pattern

_OF_THE_PAGE = pattern(
    # rights
    r"版权|著作权|转载|侵权|未经[^，。]{0,8}(?:授权|许可|允许|同意)"
    r"|(?i:all rights reserved|copyright)|ICP[备证]|网安备|翻印必究|最终解释权"
    r"|(?:隐私|用户|服务|会员)(?:政策|协议|条款)"
    r"|(?i:privacy policy|terms of (?:use|service)|cookies?)"
    # the site
    r"|(?<![基根标样原读])本(?:站(?!立)|网(?!状)|页面?|平台|栏目|频道|公众号|小程序|APP|专栏|数据库|资料库"
    r"|词条|百科|刊(?!行)|书城)|网站|网址|公众号|客户端|小程序|微信|(?<!精)微博|扫码|维码|(?i:www\.|https?:)|网友|小编(?=[为给带就来提教推整告])"
    r"|编辑部|责任编辑|责编|投稿|勘误|本报(?!告)"
    # what its texts are good for
    r"|(?i:disclaimer|informational purposes)|免责"
    r"|[仅只]供[^，。]{0,8}(?:参考|学习|交流|阅读|研究|了解|科普)"
    r"|不(?:能|可|可以|得|应|宜|足以)?(?:用于|用来)?(?:代替|替代|取代|作为|构成)[^，。]{0,12}"
    r"(?:诊断|诊疗|诊治|就诊|就医|面诊|医嘱|治疗|建议|依据|意见|医[生师])"
    r"|不承担|概不负责|不代表[^，。]{0,10}(?:观点|立场|意见)|代表[^，。]{0,6}个人"
    r"|(?:本文|文中|以上|上述|页面|资料)(?:所有|全部)?的?(?:内容|信息|资料|文章|文字|图片|观点|科普)"
    r"|(?:内容|信息|资料|图片|文章)[^，。]{0,4}(?:来源于|来自|源自|摘自|整理自)"
)
_OF_THE_HOUSE = pattern(
    r"(?:联系|咨询|服务|客服|投诉|举报|预约|挂号|门诊|急诊|办公|总机)(?:电话|热线|方式|邮箱)|热线[:：]"
    r"|(?:许可证|资格证书?)(?:编?号|[:：(（])"
    r"|(?:电话|地址|邮编|邮箱|传真)[:：]|(?:乘车|公交|交通)(?:路线|线路)|邮政编码|(?i:e-?mail)"
    r"|(?:欢迎|敬请)[^，。]{0,6}(?:关注|订阅|收藏|转发|访问|来电|来院|垂询|莅临|光临|咨询)"
    r"|[上下]一[篇页][:：]|(?:相关|推荐|热门)(?:阅读|文章)|返回(?:首页|顶部|列表)|点击(?:查看|进入|阅读|这里|此处|关注)"
)
_DOSE = (
    r"[0-9一二两三四五六七八九十半百][\s0-9.~～-]{0,6}(?i:mg|ml|μg|ug|iu|g|kg|毫克|微克|毫升|单位|克|升|钱|[两分]"
    r"(?![类种期])|丸|片|粒|袋|支|滴|包|枚|斗|盏|[次日天](?!见))"
)
_TO_A_PATIENT = pattern(
    _DOSE
    + r"|禁用|慎用|禁忌|禁服|禁食|忌[用服食口]|停[药用]|减量|过敏|孕妇|妊娠|哺乳|儿童|小儿|婴幼?儿"
    r"|老年|肝肾|过量|中毒|不良反应|副作用|相互作用|急救|自杀|危机|心理|戒烟"
    r"|(?<![0-9])(?:12[03]|123[0-9]{2})(?![0-9])"
)
"""What stays in a text whatever stands beside it."""
_OF_A_DRUG = pattern(
    r"处方药|药师|口服|外用|服用|用法|用量|煎|冲服|顿服|温服|去滓|为末|[每一]日|主治|功[效能]|适应证|适应症|贮藏|密封"
    r"|避光|规格|批准文号|生产(?:企业|厂家|单位|地址)|制药|药业|不宜|不得|切忌|[切请]勿|避免"
)
"""What stays where the line does not speak of the page itself."""


def is_notice(line: str) -> bool:
    """Tell whether a line that stands in many documents is a notice of the page.

    >>> is_notice("本站内容仅供参考，具体用药请遵医嘱。"), is_notice("对本品过敏者禁用，孕妇慎用。")
    (True, False)
    """
    if _TO_A_PATIENT.search(line):
        return False
    if _OF_THE_PAGE.search(line):
        return True
    return bool(_OF_THE_HOUSE.search(line) and not _OF_A_DRUG.search(line))

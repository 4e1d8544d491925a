"""Clauses that say nothing of the matter: greetings, thanks, wishes, stock advice, headings.

A record that differs from another only by them is the same record. They are left out where records
are searched for near-duplicates (:func:`plain`), and where two are weighed against each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ...records import Codepoints, look_up
from ..text.grams import fold_table, ranges, select

MOST = 20
"""Characters of the longest stock clause that is looked for."""

# A line is a product of alternatives, parted by blanks; "-" stands for nothing.
_PATTERNS = """
-/医生/大夫/老师/专家/主任/医师/朋友/亲/亲爱的/尊敬的/这位/各位 -/用户/患者/朋友/网友/医生/专家/家长/女士/先生 你好/您好/大家好/早上好/上午好/下午好/晚上好/你好啊/您好啊/你们好
你好/您好 医生/大夫/朋友/患者/网友/家长/专家/老师/主任/亲/女士/先生
hi/hello/嗨/哈喽/在吗/在么/请问/想请问/请教一下/请教/想咨询一下/想问一下/我想问一下/我想请问/咨询一下/麻烦问一下/请问医生/请问大夫/医生/大夫/请问一下/问一下/你好请问/您好请问
-/非常/十分/很/首先 感谢/谢谢 -/你/您/大家 -/的/对我们的/对我的 咨询/提问/信任/支持/关注/来信/来电/理解/配合/回复/回答/解答/帮助/耐心解答/邀请/提供的信息
-/非常/十分/很/多/先/万分/再次/再次非常/最后 感谢/谢谢 -/你/您/大家/医生/大夫/了/啦/你们/各位/各位医生/您的/医生了/大夫了/专家/老师
-/我/我们 很/非常 高兴/荣幸/乐意 -/能/能够/可以 为/给/帮 你/您 解答/回答/服务/提供帮助/解答问题/回答问题/解答疑问/解答您的问题/提供咨询/解惑
-/我/下面/现在/这里/由我/就让我/让我 -/来 -/为/给 你/您 解答/回答/解答一下/解答如下/做解答/分析/分析一下/做如下解答
-/以上/上述/以上内容/以上回答/以上建议/以上信息/以上意见/上述内容/上述建议/内容/本回答/本内容/回答/仅为个人意见 -/仅/只/只能/仅仅 -/供/作/作为/做 -/你/您/大家/患者 参考/借鉴
-/以上/上述/这 -/是/就是/为/便是 -/我/我们 -/对/就/针对 -/你/您/该/您提出的/你提出的/本 -/的 -/问题/情况/病情/咨询/提问 -/的 -/所做的/做出的/给出的 解答/回答/分析/建议/回复/意见
-/具体/最终/实际/详细 -/请/需/要/应/情况/用药/治疗/方案/治疗方案/用药方案/用量/诊断 -/以/遵/遵从/遵照/听从/按照 -/当地/主治/专业/临床/接诊/面诊 医生/医师/医嘱/医生诊断/医生面诊/线下医生 -/为准/指导/意见/建议/的意见/的建议/的指导/的诊断/的指导意见/诊断为准/意见为准
-/请/请您/具体/应/务必/需/需要/要 遵/遵从/遵照/谨遵/听从/在 -/医嘱/医生的/医生/医师 -/医嘱/指导/建议/意见/下/指导下 -/用药/使用/服用/服药/治疗/进行/进行治疗/下用药/下使用/下服用/下治疗
-/如/若/如果/如有/若有/一旦/如您/倘若 -/有/还有/仍有/出现/感到/觉得/存在/您有 -/任何/其他/其它/什么/明显/持续/更多 不适/不舒服/异常/疑问/问题/症状/不明白/不清楚/需要/不良反应/不适症状/不适感/情况/不懂的 -/的/的话/的地方/时/请
-/如/若/如果/如有/若有 -/症状/病情/情况/不适 -/持续/仍/仍然/没有/仍未/不见/未 不缓解/加重/不见好转/缓解/改善/好转/未缓解/未见好转/不能缓解/没有好转/没有缓解/无缓解
-/请/请您/建议/建议您/建议你/应/应当/应该/要/需/需要/务必/可以/最好/还是/还请/也请/可/及/必要时/还是建议/一定要/记得/麻烦 -/您/你 -/及时/尽快/尽早/马上/立即/随时/立刻/赶快/早日/早点/第一时间 -/到/去/前往/来/赴/上/至/到当地/去当地/到附近/到您当地的/往 -/正规/当地/附近/专业/大/三甲/当地正规/正规的/专科/就近的/上级/相关/专业的 -/医院/医疗机构/门诊/专科/科室/医院的相关科室/大医院/医院相关科室/专科医院 就医/就诊/看医生/就医检查/就诊治疗/就医治疗/检查/看病/治疗/诊治/看看/检查治疗/就医诊治/看医师/面诊/复诊/咨询/咨询医生/咨询医师/联系医生/求医/检查一下/做检查/进一步检查/接受治疗/进行检查
-/请/可/可以/欢迎/欢迎您/也可以/您可以/还可以/请您/建议 -/随时/继续/再次/再/及时/在线/下次/向我/与我/与/向/来/来电/一定/到我院/向我们 -/向/与/和/找 -/我/我们/医生/专业医生/在线医生/主治医生 -/进行 咨询/追问/留言/提问/联系/沟通/来电/来电咨询/询问
祝/祝您/祝你/祝愿/祝愿您/祝愿你/愿/愿您/愿你/希望您/希望你/衷心祝您/衷心祝愿您/最后祝/最后祝您/最后祝你/预祝/预祝您/祝大家/祝患者/祝宝宝/祝孩子/祝老人/祝他/祝她/也祝/在此祝/在此祝您/祝你们/祝您和家人/并祝您/祝您及家人 -/身体/早日/生活/天天/工作/一切/早/尽快/永远/全家/阖家/心情/万事/每天/家人/健康/身心/新年/节日/生意 健康/康复/愉快/快乐/安康/顺利/好/痊愈/恢复/恢复健康/幸福/平安/好运/顺心/如意/开心/健康快乐/健康愉快/美满/健健康康/健康平安/早日康复/恢复正常/好转/身体健康
祝好/身体健康/早日康复/祝早日康复/祝健康/万事如意/生活愉快/健康快乐/平安健康/天天开心/工作顺利/阖家幸福/阖家安康/此致/敬礼/望早日康复/祝你好运/祝您好运/祝福您/祝福你/祝安
希望/但愿 -/我/我们/以上 -/的 回答/解答/建议/回复/意见/分析/答复/内容/信息/能/这些/这些建议/这些信息 -/能/能够/可以/会 -/对/给/帮/帮到/帮助到/解决 -/你/您/大家 -/有/有所/带来/您的问题/你的问题/的问题 -/帮助/所帮助/一些帮助
希望/但愿 -/能/可以/能够/对 -/对/给/帮/帮到/帮助到 -/你/您/大家 -/有/有所/带来 -/帮助/所帮助/一些帮助/用
望/请/还望/敬请/满意请/如满意请/记得/麻烦/请及时/满意/如果满意请/若满意请 采纳/点赞/好评/给好评/关注/五星好评/评价/谅解/见谅/理解/给个好评
问/答/问题/回答/回复/解答/答复/答案/医生回答/医生回复/医生解答/专家回答/专家解答/专家回复/患者提问/患者问/病情描述/病情分析/指导意见/指导建议/意见建议/医师建议/医生建议/健康咨询描述/想得到的帮助/曾经的治疗情况和效果/最佳答案/网友回答/网友提问/提问/问诊/用户提问/医师回答/医师解答/温馨提示/温馨提醒/友情提示/总结/摘要/综上所述/综上/总之/总的来说/总而言之/小贴士/答曰/问曰/问题描述/问题分析/概述/正文/建议/分析/要点/说明/提示/注意/注/具体如下/如下/主要内容/详细解答/详情/回答如下/解答如下
-/希望 -/大家/您/你/患者/家长/患者朋友/各位 不要/不必/不用/无需/别/勿/请勿/请不要/切勿 -/太/过于/过度/过分/太过/再 担心/紧张/着急/焦虑/担忧/惊慌/恐慌/害怕/过虑
-/请/请您 -/您/你 放心/放宽心/耐心/理解/别客气/不客气/不用谢/别担心/保重/多保重/注意身体/多注意身体/注意休息/多休息
-/平时/日常/生活中/日常生活中/同时/另外/此外/平常/还/也/并/患者/治疗期间/用药期间/服药期间/建议/建议您/请/应/应该/还要/还应/也要 -/要/应/需/需要/应该/一定要/尽量 -/多/多多/好好/充分 注意/保证/加强/保持/做到/养成 -/多/适当/充足的/充足/良好的/良好/规律的/规律/合理/合理的/劳逸结合/健康的/愉快的/愉快/乐观的/积极的/积极乐观的/稳定的/舒畅的/轻松的/平和的 休息/饮食/睡眠/作息/保暖/锻炼/运动/营养/卫生/个人卫生/心情/心态/情绪/生活习惯/饮食习惯/作息习惯/身体/护理/观察/心情舒畅/心情愉快/情绪稳定/饮食清淡/饮食卫生/饮食规律/作息规律/生活规律/休息和饮食/劳逸结合/体育锻炼/营养均衡
-/平时/日常/同时/另外/建议/注意/患者/治疗期间/用药期间/服药期间/饮食上/饮食方面 -/要/应/需/应该/宜/尽量 饮食/生活/作息/情绪/心情/睡眠/营养/运动/休息 -/要/应/宜/尽量/保持 清淡/规律/均衡/稳定/愉快/舒畅/充足/适量/适度/合理/清淡为主/以清淡为主/清淡易消化/有规律/规律作息
-/平时/日常/同时/另外/建议/注意/要/应/尽量/患者/治疗期间/用药期间/服药期间/期间/也要/还要 避免/不要/别/少/切勿/忌 -/过度/过于/长期/经常/食用/吃/进食/摄入/吸/喝 熬夜/劳累/疲劳/紧张/焦虑/辛辣/刺激/辛辣刺激/辛辣食物/刺激性食物/辛辣刺激食物/辛辣刺激性食物/油腻/生冷/着凉/受凉/感冒/烟酒/精神紧张/情绪激动/劳累熬夜/熬夜劳累/剧烈运动/自行停药/自行用药/乱用药/盲目用药/擅自停药/自行加减药量/私自停药/随意停药/随意用药
-/请/切勿/不要/切记不要/不可/勿/请勿/不得/不能 自行/盲目/擅自/随意/私自/随便 -/用药/停药/换药/加量/减量/服药/购药/增减药量/更改剂量/调整剂量/改变剂量/加减药量/加减剂量
-/本/此/该/本文/以上/文中 -/内容/信息/回答/建议/文章 -/仅为/只是/仅是/仅作/属于/仅为健康 -/健康 科普/科普内容/科普知识/科普参考/个人观点/个人意见/个人建议
-/以上/本/内容/信息/回答/建议/但/也/并/均 不能/不可/不/无法/并不能 -/作为/代替/替代/取代/构成 -/医生的/医师的/专业/执业医师/线下/任何/当面/临床 -/诊断/诊疗/医疗/面诊/就医/用药/医学 -/依据/建议/意见/诊断/的依据/和治疗/治疗依据/治疗/就诊
-/因/由于/每个人的/个人/患者/人体/但 个体/体质/病情/情况/个人情况/个人体质 -/存在/有/因人 -/差异/而异/不同/各异/较大/有差异/差异较大
不客气/不用谢/别客气/没关系/不用客气/应该的/好的/好/嗯/嗯嗯/明白了/知道了/收到/是的/ok/行/哦
"""

_ADVICE = """
如 若 如果 有 出现 任何 其他 其它 什么 不适 不舒服 症状 病情 加重 恶化 持续 不缓解 未缓解 没有 缓解 好转 改善 明显 异常 情况 时 的话 的 请 应 应该 应当 需
需要 要 建议 最好 务必 一定 您 你 患者 家长 大家 家属 及时 尽快 尽早 立即 马上 随时 到 去 前往 往 正规 当地 附近 专业 专科 相关 医院 医疗 机构 门诊 科室 就医 就诊
复诊 看医生 看 检查 治疗 诊治 咨询 联系 医生 医师 大夫 主治 专业人士 意见 指导 下 在 由 遵 遵照 按照 听从 遵从 医嘱 用药 服药 使用 进行 以 为准 具体 仅供 仅 供 作 作为
参考 以上 内容 信息 回答 解答 不能 代替 替代 取代 面诊 诊断 诊疗 方案 因人而异 个体 差异 存在 切勿 不要 勿 自行 盲目 擅自 随意 乱 停药 换药 加量 减量 必要时 进一步 平时
日常 生活中 注意 休息 多 多喝水 多饮水 保持 良好 好 心态 心情 情绪 愉快 舒畅 乐观 稳定 规律 作息 清淡 饮食 均衡 营养 合理 适当 适量 适度 运动 锻炼 加强 增强 体质 劳逸结合 避免 熬夜 劳累
过度 辛辣 刺激 刺激性 食物 油腻 戒烟 限酒 戒酒 烟酒 祝 早日 康复 健康 身体 生活 习惯 充足 睡眠 保证 希望 帮助 能 对 有所 也 还 可 可以 继续 追问 定期 复查 随访 密切 观察 关注 变化 为好 为宜 即可 疑问 和 与
及 或 并 并且 以及 等 尽量 养成 保暖 防止 着凉 受凉 避免受凉 个人 卫生 精神 紧张 压力 放松 心理 配合 积极 耐心 坚持 根据 结合 自身 实际 综合 判断 评估 决定 后 再 因此 所以 同时 另外 此外 最后
总之 温馨 提示 提醒 友情 本 文 仅为 科普 不作为 依据 不构成 任何 而 是 还是 去 一下 才 会 更 有利于 有助于 恢复 身心
"""
_ADVISES = re.compile(
    "就医|就诊|医院|医生|医师|门诊|医嘱|咨询|参考|面诊|复诊|复查|随访|休息|饮食|作息|睡眠|心态|心情|情绪|运动|锻炼|熬夜|劳累|辛辣|烟|酒|"
    "康复|健康|帮助|自行|擅自|盲目|科普|提示|提醒|差异|因人|观察|卫生|保暖|体质|恢复"
)
"""Words of which general advice is made, and those of which it has at least one."""

_NUMBERS = "0123456789零〇一二两三四五六七八九十百千万亿半壹贰叁肆伍陆柒捌玖拾廿卅每"
_UNITS = (
    "毫微克升斤钱片粒颗丸支袋包滴杯勺匙次回遍天日周月年岁个小时分钟秒度摄氏公千厘米寸尺单位国际至到之点多余"
    "abcdefghijklmnopqrstuvwxyzμ"
)
_SEARCH_DROPS = (
    f"{_NUMBERS}的地得了呢吧啊呀吗哦嘛么请您你"
)
"""Numbers are compared by what they say, not by their characters; the rest are particles."""


_LINES = [
    [["" if one == "-" else one for one in part.split("/")] for part in line.split(" ")]
    for line in _PATTERNS.strip().splitlines()
]


@lru_cache(maxsize=1)
def _advice() -> re.Pattern[str]:
    words = sorted(set(_ADVICE.split()), key=len, reverse=True)
    return re.compile(f"(?:{'|'.join(words)})+")


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    lines = (
        "".join(f"(?:{'|'.join(sorted(part, key=len, reverse=True))})" for part in line)
        for line in _LINES
    )
    return re.compile(f"(?:{'|'.join(lines)}){{1,2}}")


@lru_cache(maxsize=1 << 14)
def is_stock(clause: str) -> bool:
    """Tell whether a clause, folded, says nothing of the matter.

    >>> is_stock("很高兴为您解答"), is_stock("饭后服用")
    (True, False)
    """
    if clause.endswith(("您好", "你好")) and len(clause) <= 8:
        return True
    return len(clause) <= MOST and _pattern().fullmatch(clause) is not None


@lru_cache(maxsize=1 << 14)
def is_advice(clause: str) -> bool:
    """Tell whether a clause, folded, is general advice: words that are said to any patient.

    >>> is_advice("平时注意休息"), is_advice("平时注意血压")
    (True, False)
    """
    return bool(_ADVISES.search(clause)) and _advice().fullmatch(clause) is not None


_EDGE = 3
"""Characters at either end of a clause by which nearly all are ruled out."""
_SLOTS = 1 << 18


@lru_cache(maxsize=1)
def _edges() -> tuple[np.ndarray, np.ndarray]:
    """Return two bool[2 ** 18]: the slots of what stock clauses begin with, and end with."""
    tables = np.zeros((2, _SLOTS), bool)
    for line in _LINES:
        for table, parts, step in ((tables[0], line, 1), (tables[1], line[::-1], -1)):
            open_, done = {""}, set()
            for part in parts:
                longer = {head + word[::step] for head in open_ for word in part}
                done |= {one[:_EDGE] for one in longer if len(one) >= _EDGE}
                open_ = {one for one in longer if len(one) < _EDGE}
            for one in done | open_ - {""}:
                table[_slot([np.array(ord(sign), np.uint64) for sign in one])] = True
    return tables[0], tables[1]


def _slot(signs: Sequence[np.ndarray]) -> np.ndarray:
    """Return where a table has what begins (or ends) with these characters; 0 stands for none."""
    slot = np.zeros_like(signs[0])
    for sign in [*signs, *[np.zeros_like(signs[0])] * (_EDGE - len(signs))]:
        slot = (slot * np.uint64(0x9E3779B1) + sign) & np.uint64(0xFFFFFFFF)
    return (slot ^ slot >> np.uint64(15)) & np.uint64(_SLOTS - 1)


@lru_cache(maxsize=1)
def _search_table() -> np.ndarray:
    """Return uint32[0x110000]: what a folded code point counts as in a search, 0 for nothing."""
    table = fold_table().copy()
    table[[ord(sign) for sign in _SEARCH_DROPS]] = 0
    table.setflags(write=False)
    return table


def warm() -> None:
    """Build the tables that this module keeps for the life of a process."""
    _pattern()
    _advice()
    _edges()
    _number_table()
    _search_table()


def plain(text: Codepoints) -> Codepoints:
    """Return the texts as they are searched: folded (see :func:`fold`), and without numbers and
    their units, particles, and the clauses that are stock."""
    points = look_up(fold_table(), text.points)
    starts, lengths = _clauses(points, text.offsets)
    begins, ends = _edges()
    some = np.flatnonzero(lengths <= MOST)
    for table, at, step in ((begins, starts, 1), (ends, starts + lengths - 1, -1)):
        signs = []
        for place in range(_EDGE):
            inside = lengths[some] > place
            where = np.where(inside, at[some] + step * place, 0)
            signs.append(np.where(inside, points[where], 0).astype(np.uint64))
        some = some[table[_slot(signs)]]
    starts, lengths = starts[some], lengths[some]
    data = points.astype("<u4", copy=False).view(np.uint8).data
    stock = np.array(
        [
            is_stock(str(data[4 * start : 4 * (start + length)], "utf-32-le"))
            for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
        ],
        bool,
    )
    units = _with_units(points)
    points = np.array(look_up(_search_table(), points))
    points[units] = 0
    points[ranges(starts[stock], lengths[stock])] = 0
    return select(Codepoints(points, text.offsets), points != 0)


def _with_units(points: np.ndarray) -> np.ndarray:
    """Return bool of each point: a number, or one of the next characters that say of what."""
    kinds = look_up(_number_table(), points)
    run = kinds == 1
    unit = kinds == 2
    for _ in range(3):
        run[1:] |= unit[1:] & run[:-1]
    return run


@lru_cache(maxsize=1)
def _number_table() -> np.ndarray:
    """Return uint32[0x110000]: 1 for the characters of numbers, 2 for those of units."""
    table = np.zeros(0x110000, np.uint32)
    table[[ord(sign) for sign in _UNITS]] = 2
    table[[ord(sign) for sign in _NUMBERS]] = 1
    table.setflags(write=False)
    return table


def _clauses(points: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each run of letters and digits begins, and how long it is; none goes on from one
    text to the next. points: folded, 0 for all else."""
    word = points != 0
    if len(word) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    begins = word.copy()
    begins[1:] &= ~word[:-1]
    bounds = offsets[offsets < len(word)]
    begins[bounds] = word[bounds]
    ends = word.copy()
    ends[:-1] &= ~word[1:]
    bounds = offsets[offsets > 0] - 1
    ends[bounds] = word[bounds]
    starts = np.flatnonzero(begins)
    return starts, np.flatnonzero(ends) + 1 - starts

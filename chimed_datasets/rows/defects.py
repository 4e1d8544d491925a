"""Planted defects: one controlled error in a good answer, by rule, the same each time.

    wrong_dose               a dose becomes ten times as high
    wrong_drug               a drug or herb becomes one of another class, wherever it is named
    contradicted_diagnosis   what the answer takes the illness for is denied
    dropped_warning          what it warns of is left out

The text is otherwise as it was, so that a model learns what is wrong and not how wrong answers
look. Nothing here is advice: the results are wrong on purpose.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

Kind = Literal["wrong_dose", "wrong_drug", "contradicted_diagnosis", "dropped_warning"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Planted(NamedTuple):
    """A text with its one defect."""

    text: str
    kind: str


def plant(text: str, key: str, kinds: Sequence[str] = KINDS) -> Planted | None:
    """Plant one defect of ``kinds`` in ``text``, or return None where none has a place in it.

    Which kind, and where, is drawn by a hash of ``key``: kinds come out about as often as the
    texts allow.
    """
    for kind in sorted(kinds, key=lambda kind: _draw(key, kind)):
        made = _PLANTERS[kind](text, _draw(key, kind, "where"))
        if made is not None and made != text:
            return Planted(made, kind)
    return None


def _draw(*parts: str) -> int:
    return int.from_bytes(hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest())


def _at(matches: Sequence[re.Match[str]], where: int) -> re.Match[str] | None:
    return matches[where % len(matches)] if matches else None


# --- doses -----------------------------------------------------------------------------------

_HAN = "一二三四五六七八九十"
# Doses of drugs and herbs; not those of a laboratory (g/L), of bodies (kg), of time (三两天).
_DOSE = re.compile(
    rf"(?P<number>(?<!\d)\d++(?:\.\d++)?|(?<![{_HAN}百第])[{_HAN}](?![{_HAN}百]))"
    r"(?P<unit>\s*(?:m[gl]|ug|μg|g|毫克|微克|毫升|克|片|粒|丸|支|袋|滴|枚|钱|两(?![天日个周月年次种])))"
    r"(?![a-zA-Z]|/[LlDd]|／|/升)",
    re.I,
)


def wrong_dose(text: str, where: int) -> str | None:
    """Make one dose ten times as high."""
    one = _at(list(_DOSE.finditer(text)), where)
    if one is None:
        return None
    return text[: one.start("number")] + _tenfold(one["number"]) + text[one.end("number") :]


def _tenfold(number: str) -> str:
    if number == "十":
        return "一百"
    if number in _HAN:
        return "十" if number == "一" else f"{number}十"
    whole, _, part = number.partition(".")
    digits = (whole + part[:1].ljust(1, "0")).lstrip("0") or "0"
    return f"{digits}.{part[1:]}" if part[1:] else digits


# --- drugs -----------------------------------------------------------------------------------

DRUGS: dict[str, str] = {
    "antibiotic": "阿莫西林 头孢克肟 头孢呋辛 头孢拉定 阿奇霉素 罗红霉素 红霉素 克林霉素 "
    "左氧氟沙星 诺氟沙星 青霉素 甲硝唑 替硝唑 庆大霉素 万古霉素 多西环素",
    "antiviral": "阿昔洛韦 更昔洛韦 利巴韦林 奥司他韦 恩替卡韦 拉米夫定 干扰素",
    "antifungal": "氟康唑 伊曲康唑 酮康唑 特比萘芬 克霉唑 制霉菌素",
    "pressure": "硝苯地平 氨氯地平 卡托普利 依那普利 缬沙坦 氯沙坦 美托洛尔 比索洛尔 普萘洛尔 "
    "氢氯噻嗪 螺内酯 呋塞米",
    "sugar": "二甲双胍 格列美脲 格列齐特 格列本脲 阿卡波糖 胰岛素 西格列汀",
    "clotting": "阿司匹林 氯吡格雷 华法林 肝素 利伐沙班",
    "lipids": "阿托伐他汀 瑞舒伐他汀 辛伐他汀 非诺贝特",
    "stomach": "奥美拉唑 雷贝拉唑 兰索拉唑 泮托拉唑 雷尼替丁 法莫替丁 多潘立酮 吗丁啉 莫沙必利 "
    "铝碳酸镁 硫糖铝",
    "pain": "布洛芬 对乙酰氨基酚 双氯芬酸 吲哚美辛 塞来昔布 曲马多 吗啡 扶他林 芬必得",
    "allergy": "氯雷他定 西替利嗪 扑尔敏 氯苯那敏 苯海拉明 依巴斯汀",
    "steroid": "泼尼松 强的松 地塞米松 甲泼尼龙 氢化可的松 倍他米松",
    "nerves": "卡马西平 丙戊酸钠 苯妥英钠 地西泮 阿普唑仑 氟西汀 舍曲林 帕罗西汀 奥氮平 甲钴胺",
    "thyroid": "左甲状腺素 优甲乐 甲巯咪唑 丙硫氧嘧啶",
    "breath": "沙丁胺醇 氨茶碱 孟鲁司特 布地奈德 氨溴索",
    "patent": "六味地黄丸 逍遥丸 归脾丸 补中益气丸 知柏地黄丸 金匮肾气丸 藿香正气水 板蓝根颗粒 "
    "连花清瘟胶囊 龙胆泻肝丸 牛黄解毒片 复方丹参片 速效救心丸 银翘解毒片 乌鸡白凤丸 "
    "桂附地黄丸 参苓白术散 保和丸",
    "warm": "附子 干姜 肉桂 吴茱萸 桂枝 麻黄 细辛 生姜",
    "cold": "黄连 黄芩 黄柏 石膏 知母 栀子 大黄 芒硝 金银花 连翘 龙胆草",
    "tonic": "人参 黄芪 党参 白术 当归 熟地黄 熟地 阿胶 鹿茸 枸杞子 甘草 山药",
    "moving": "川芎 红花 桃仁 丹参 三棱 莪术 枳实 厚朴 陈皮 木香 香附 柴胡",
    "draining": "茯苓 泽泻 车前子 猪苓 薏苡仁 滑石 木通",
    "phlegm": "半夏 天南星 贝母 桔梗 杏仁 瓜蒌 款冬花 紫菀",
}  # fmt: skip
"""Names by class: a wrong drug is of another class, but herb for herb, patent for patent."""
HERBS = ("warm", "cold", "tonic", "moving", "draining", "phlegm")
CLASS_OF = {name: kind for kind, names in DRUGS.items() for name in names.split()}
NAME = re.compile("|".join(sorted(map(re.escape, CLASS_OF), key=len, reverse=True)))


def trade_of(kind: str) -> str:
    return "herb" if kind in HERBS else "patent" if kind == "patent" else "drug"


def wrong_drug(text: str, where: int) -> str | None:
    """Put a drug of another class in the place of one, wherever it is named."""
    named = list(dict.fromkeys(NAME.findall(text)))
    if not named:
        return None
    old = named[where % len(named)]
    kind = CLASS_OF[old]
    # There is one class of patent medicines: any other of them is wrong enough.
    rivals = [
        name
        for name, other in CLASS_OF.items()
        if (other != kind or kind == "patent") and trade_of(other) == trade_of(kind)
        if name not in text
    ]
    if not rivals:
        return None
    new = rivals[(where >> 16) % len(rivals)]
    return NAME.sub(lambda match: new if match[0] == old else match[0], text)


# --- diagnoses -------------------------------------------------------------------------------

_ILLNESS = (
    "(?:炎|病|症|癌|瘤|综合征|感染|溃疡|结石|贫血|过敏|高血压|骨折|梗死|梗塞|出血|积液|增生|囊肿"
    "|息肉|湿疹|疱疹|荨麻疹|感冒|中风|哮喘|痔疮|失眠|便秘|不良|不足|失调|亏虚|湿热|虚弱)"
)
_CLAIM = re.compile(
    r"(?P<claim>(?<!不)考虑(?:为|是)?|(?<!不能)(?<!无法)诊断(?:为|是)|(?<!不)可能是|(?<!不)属于"
    r"|(?<!不)符合|(?<!不)(?:应该|应当|大多|多半|一般)是|(?<!不)提示(?:有|为)?|(?<!不)患(?:有|了)"
    r"|(?<!不)多(?:为|是))"
    rf"(?=[^，。；！？、\n不没非无]{{0,14}}?{_ILLNESS})"
)
_DENIED = {
    "考虑": "不考虑", "诊断": "可以排除", "可能": "不可能是", "属于": "不属于", "符合": "不符合",
    "应该": "不会是", "应当": "不会是", "大多": "不会是", "多半": "不会是", "一般": "不会是",
    "提示": "不提示", "患有": "没有患", "患了": "没有患", "多为": "不会是", "多是": "不会是",
}  # fmt: skip


def contradicted_diagnosis(text: str, where: int) -> str | None:
    """Deny one of the illnesses that the answer names as the cause."""
    one = _at(list(_CLAIM.finditer(text)), where)
    if one is None:
        return None
    return text[: one.start()] + _DENIED[one["claim"][:2]] + text[one.end() :]


# --- warnings --------------------------------------------------------------------------------

_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]+|[^。！？!?；;\n]+$")
_WARNING = re.compile(
    r"禁用|慎用|忌用|禁忌|切忌|忌[食口辛烟酒生]|禁[食止酒烟]|避免|切勿|切不可|千万不|不宜|不可自行|不要|"
    r"勿[自随滥]|副作用|不良反应|毒性|遵(?:照)?医嘱|在医生指导|医师指导|"
    r"(?:及时|立即|尽快|马上|尽早)[^，。；]{0,6}(?:就医|就诊|医院|急诊|复诊|检查)|"
    r"过敏者|孕妇|哺乳期|密切(?:观察|注意)|警惕|小心|危险"
)
_LEFT = 0.3
"""A text of which less than this share would be left is a warning as a whole: it stays."""
_LEAST = 10


def dropped_warning(text: str, where: int) -> str | None:
    """Leave out every sentence that warns."""
    sentences = _SENTENCE.findall(text)
    calm = [one for one in sentences if not _WARNING.search(one)]
    left = "".join(calm).rstrip()
    if len(calm) == len(sentences) or len(left) < max(_LEAST, _LEFT * len(text)):
        return None
    return left


_PLANTERS: dict[str, Callable[[str, int], str | None]] = {
    "wrong_dose": wrong_dose,
    "wrong_drug": wrong_drug,
    "contradicted_diagnosis": contradicted_diagnosis,
    "dropped_warning": dropped_warning,
}

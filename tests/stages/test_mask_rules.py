"""The rules of the mask, type by type: what is found behind which words, and what stays."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimed_datasets import records
from chimed_datasets.stages.mask import NAMED_IN_PROSE, Mask, mask_text
from tests.common.stages import OnTables, batch_of


def masked(text: str) -> str:
    return mask_text(text)[0]


FOUND = {
    "the word of a phone is stronger than what stands beside": [
        ("手机13866660417只在白天开", "手机[手机号]只在白天开"),
        ("电话13866660417年前有效", "电话[手机号]年前有效"),
        ("电话号码No.13866660417", "电话号码No.[手机号]"),
        ("家属Amy13866660417已通知", "家属Amy[手机号]已通知"),
        ("联系电话1.13866660417 2.15966660418", "联系电话1.[手机号] 2.[手机号]"),
        ("电话：①13866660417②15966660418", "电话：①[手机号]②[手机号]"),
    ],
    "digits of all kinds": [
        ("手机①③⑧⑥⑥⑥⑥⓪④①⑦", "手机[手机号]"),
        ("手机𝟏𝟑𝟖𝟔𝟔𝟔𝟔𝟎𝟒𝟏𝟕", "手机[手机号]"),
        ("手机1️⃣3️⃣8️⃣6️⃣6️⃣6️⃣6️⃣0️⃣4️⃣1️⃣7️⃣", "手机[手机号]"),
        ("手机٠١٣٨٦٦٦٦٠٤١٧", "手机[手机号]"),
        ("电话幺三八，六六六六，零四幺七", "电话[手机号]"),
        ("住院号一二零三四五八", "住院号[病历号]"),
        ("QQ五八三七二六一五", "QQ[QQ]"),
    ],
    "signs between digits": [
        ("电话138/6666/0417", "电话[手机号]"),
        ("电话138(6666)0417", "电话[手机号]"),
        ("手机1386 6660 417", "手机[手机号]"),
        ("138杠6666杠0417", "[手机号]"),
        ("手机138666604I7", "手机[手机号]"),
    ],
    "a mistyped check digit": [
        ("身份证号：110101199003075830", "身份证号：[身份证号]"),
        ("身份证号一栏填110101199003075830", "身份证号一栏填[身份证号]"),
        ("农行卡号6228480402564890010", "农行卡号[银行卡号]"),
        ("账号：1012 3109 9367 8365", "账号：[银行卡号]"),
    ],
    "phones of other places": [
        ("香港电话+852 9123 4508", "香港电话[电话]"),
        ("澳门电话：00853-66128307", "澳门电话：[电话]"),
        ("台湾手机0979-944-168", "台湾手机[电话]"),
        ("诊所电话(04)2252-0128", "诊所电话[电话]"),
        ("手机+49 154 78353772", "手机[电话]"),
    ],
    "mail spelt apart": [
        ("邮箱li.test（a）example.com", "邮箱[邮箱]"),
        ("邮箱li_test艾特163点com", "邮箱[邮箱]"),
        ("邮箱li dot test at example dot com", "邮箱[邮箱]"),
        ("邮箱li@163。com", "邮箱[邮箱]"),
    ],
    "WeChat and QQ in odd writing": [
        ("加薇ab_4471", "加薇[微信]"),
        ("➕V：abcd5894", "➕V：[微信]"),
        ("微.信：abc0318", "微.信：[微信]"),
        ("微信号：ab094", "微信号：[微信]"),
        ("请加abc_520（微信）", "请加[微信]（微信）"),
        ("有事Q我897591118", "有事Q我[QQ]"),
        ("扣：752837320", "扣：[QQ]"),
        ("QQ 863 024 567", "QQ [QQ]"),
        ("进群931766060（扣扣）", "进群[QQ]（扣扣）"),
    ],
    "records": [
        ("CT号：C0890525", "CT号：[病历号]"),
        ("病人ID：0885246", "病人ID：[病历号]"),
        ("MRN: 41451491", "MRN: [病历号]"),
        ("诊疗卡：1005450962", "诊疗卡：[病历号]"),
        ("胃镜编号402501", "胃镜编号[病历号]"),
        ("新农合医疗证号：5720470924", "新农合医疗证号：[病历号]"),
        ("病案号【478310】", "病案号【[病历号]】"),
        ("门诊号｜1008359171", "门诊号｜[病历号]"),
        ("住 院 号：0754433", "住 院 号：[病历号]"),
        ("住院号依次为207388、208672、465549", "住院号依次为[病历号]、[病历号]、[病历号]"),
        ("床号,住院号\n11,0362054", "床号,住院号\n11,[病历号]"),
    ],
    "ids and plates": [
        ("护照号码：E97192908", "护照号码：[护照号]"),
        ("Passport No.: G41130028", "Passport No.: [护照号]"),
        ("香港身份证Z338586(1)", "香港身份证[证件号]"),
        ("持A123456(3)登记", "持[证件号]登记"),
        ("澳门身份证：1234568(8)", "澳门身份证：[证件号]"),
        ("身分證字號：A106319182", "身分證字號：[证件号]"),
        ("台胞证16579368", "台胞证[证件号]"),
        ("居留证：AC01234568", "居留证：[证件号]"),
        ("车牌号：皖A46896", "车牌号：[车牌号]"),
        ("车牌闽D·172Q4", "车牌[车牌号]"),
    ],
    "names behind their word": [
        ("姓名：蒲云生　性别：女", "姓名：[姓名]　性别：女"),
        ("姓　名：张　敏\n性别：女", "姓　名：[姓名]\n性别：女"),
        ("姓名：阿依古丽·玉素甫，22岁", "姓名：[姓名]，22岁"),
        ("姓名：司马玉梅 年龄 29", "姓名：[姓名] 年龄 29"),
        ("联系人：瞿若水（夫妻）", "联系人：[姓名]（夫妻）"),
        ("收件人晏知远，到付", "收件人[姓名]，到付"),
        ("主刀：桑维山，一助：蔺拾月", "主刀：[姓名]，一助：[姓名]"),
        ("家属签字：缪长山，日期略", "家属签字：[姓名]，日期略"),
        ("【患者】穆若水，女，33岁", "【患者】[姓名]，女，33岁"),
        ("|编号|姓名|\n|---|---|\n|1|熊大山|", "|编号|姓名|\n|---|---|\n|1|[姓名]|"),
        ("Patient Name: Li Xiaomei", "Patient Name: [姓名]"),
        ('{"姓名":"方小山"}', '{"姓名":"[姓名]"}'),
    ],
    "addresses behind their word": [
        ("现住址：青禾省临溪市望湖区栖霞路21号7栋，退休", "现住址：[地址]，退休"),
        ("地址：安澜市东明区槐荫街36弄；职业：教师", "地址：[地址]；职业：教师"),
        ("药请寄到云阜省石泉县柳树乡河湾村4组，谢谢", "药请寄到[地址]，谢谢"),
        ("家住阳光花园三期17号楼，咳嗽", "家住[地址]，咳嗽"),
        ("Address: 27 Renmin Road, Dalian", "Address: [地址]"),
    ],
}

STAYS = {
    "units, counts and other numbers": [
        "病毒载量13866660417拷贝/ml", "每年13866660417例次", "批号13866660417", "Reads总数：13866660417",
        "130/40，100/100", "rs13866660417", "引物ATG13866660417TAA", "随访12345天", "1.5片，每日2次；2.5片，睡前",
    ],
    "trials, papers and helplines": [
        "登记号为NCT05564506", "试验登记号ChiCTR-TRC-40536442", "CAS登记号：64-17-5",
        "https://doi.org/10.1016/S0140-6736(20)30183-6", "心理援助热线400-161-9996",
    ],
    "what is masked already": [
        "手机138****2468", "身份证号330106********0034", "住院号：*******", "姓名：李某某", "姓名：王×",
    ],
    "heads of columns and empty fields": [
        "姓名、性别、年龄须填写", "姓名：不详", "姓名：_____", "姓名：性别：年龄：", "地址变更请登记",
        "住院号由系统生成", "病历号共8位", "护照过期请换证", "车牌识别系统在东门", "联系人一栏填家属", "联系人之一萨尔维·巴茨到场",
        "实习生姓名：[您的姓名]",
    ],
    "physicians, authors, drugs and turns of a dialogue": [
        "作者：李时珍　书名：本草纲目", "主编：葛均波", "通讯作者：王辰", "主任医师：王辰",
        "药品名称：马来酸依那普利片", "通用名称：黄连素片", "患者：黄疸，三天了", "患者：白带多，有异味",
        "孕妇：慎用。", "气虚者：黄芪，党参", "犬伤人：干姜末，敷之", "张景岳谓：阳非有余",
    ],
    "places that are no address of a person": [
        "生产地址：安澜市东明区槐荫街36弄", "网址：见说明", "你更喜欢住在城市还是乡村？",
        "我住在一个比较安全的社区。", "住院部在门诊楼后面", "四川松潘产川贝",
    ],
    "words of contact in other meanings": [
        "加薇甘菊的方子", "加V5导联观察ST段", "微信支付80元", "QQ浏览器打不开报告", "球蛋白偏低",
        "卫星灶2枚，最大1.2cm", "微创手术后第三天",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [pair for kind in FOUND.values() for pair in kind])
def test_what_is_found(text, expected):
    assert masked(text) == expected


@pytest.mark.parametrize("text", [text for kind in STAYS.values() for text in kind])
def test_what_stays(text):
    assert masked(text) == text


def test_a_batch_finds_what_a_text_alone_holds():
    """The look at the code points of a batch leaves out no text, and no place in a long one."""
    texts = [text for kind in FOUND.values() for text, _ in kind]
    texts += [f"{'煎服三钱，' * 60}{text}。{'煎服三钱，' * 60}" for text in texts]
    out = OnTables(Mask())(batch_of(*texts)).batch["text"].to_pylist()
    assert out == [masked(text) for text in texts]


@given(st.lists(st.sampled_from([text for kind in FOUND.values() for text, _ in kind]), max_size=4))
@settings(max_examples=200, deadline=None)
def test_masking_is_idempotent_on_what_stands_together(parts):
    once = masked("\n".join(parts))
    assert masked(once) == once


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("医生好，我叫费听山，今年29岁", 1),
        ("患者宓怀山，男，61岁", 1),
        ("我是张小满，想问问", 1),
        ("患者张先生，45岁", 0),
        ("患者李某，12岁", 0),
        ("我叫了救护车，等了很久", 0),
        ("姓名：费听山", 0),
    ],
)
def test_texts_that_may_name_a_person_are_counted(text, told):
    assert OnTables(Mask())(batch_of(text)).counts.get(NAMED_IN_PROSE, 0) == told
    without = Mask(types=("mobile",))
    assert NAMED_IN_PROSE not in OnTables(without)(batch_of(text)).counts


def test_what_is_counted_is_not_changed():
    batch = batch_of(records.Document("a", "医生好，我叫费听山，今年29岁"))
    assert OnTables(Mask())(batch).batch is batch

"""What two near-duplicates do not share: numbers, stock clauses, and what has weight."""

from __future__ import annotations

import json
import random
import unicodedata
from importlib import resources

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimed_datasets.records import codepoints, from_codepoints
from chimed_datasets.stages.near import weigh
from chimed_datasets.stages.near.places import places_of
from chimed_datasets.stages.near.quantities import quantities
from chimed_datasets.stages.near.stock import is_advice, is_stock, plain
from chimed_datasets.stages.near.weigh import contradict, difference, is_old


def said(text: str) -> list[tuple[object, ...]]:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [quantity.key for quantity in quantities(folded)[0]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("一日3次", "每天三次"),
        ("一次5毫升", "每次5ml"),
        ("0.4毫克", "400微克"),
        ("零点四毫克", "0.4mg"),
        ("半片", "1/2片"),
        ("一片半", "1.5片"),
        ("两个半小时", "150分钟"),
        ("48小时", "两天"),
        ("半年", "6个月"),
        ("两三天", "2～3天"),
        ("2片～3片", "2至3片"),
        ("三十八度七", "38.7℃"),
        ("百分之六点五", "6.5%"),
        ("三分之一", "1/3"),
        ("一比二", "1：2"),
        ("一百二十", "120"),
        ("1,000毫升", "一升"),
        ("隔日一次", "每两天1次"),
        ("二〇二三年", "2023年"),
        ("tid", "三次"),
        ("第3天", "第三天"),
    ],
)
def test_one_quantity_in_two_ways(one, other):
    assert said(one) == said(other) != []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("每次5毫升", "每次15毫升"),
        ("5毫克", "5微克"),
        ("三钱", "五钱"),
        ("2～3片", "2～8片"),
        ("每天三次", "每周三次"),
        ("半片", "一片半"),
        ("7.8", "78"),
        ("1：2", "1：20"),
        ("十岁", "十个月"),
    ],
)
def test_other_quantities(one, other):
    assert said(one) != said(other)


@pytest.mark.parametrize("text", ["一般", "一起", "万一", "一个问题", "一定", "十分"])
def test_words_that_count_nothing(text):
    assert said(text) == []


@pytest.mark.parametrize(
    ("clause", "stock"),
    [
        ("您好", True),
        ("很高兴为您解答", True),
        ("祝您早日康复", True),
        ("如有不适请及时就医", True),
        ("以上回答仅供参考", True),
        ("宝妈你好", True),
        ("饭后服用", False),
        ("可以运动", False),
        ("不建议手术", False),
        ("", False),
    ],
)
def test_stock(clause, stock):
    assert is_stock(clause) is stock


def test_all_that_the_list_says_is_stock():
    """What is ruled out at a glance, before a clause is matched, is none of it."""
    text = resources.files("chimed_datasets.stages.near").joinpath("stock.txt").read_text("utf-8")
    lines = [line.split(" ") for line in text.splitlines() if line and line[0] != "#"]
    draw = random.Random(3)
    said = set()
    for _ in range(3000):
        clause = ""
        for line in draw.choices(lines, k=draw.choice((1, 1, 2))):
            words = (draw.choice(part.split("/")) for part in line)
            clause += "".join(word for word in words if word != "-")
        if 0 < len(clause) <= 20:
            said.add(clause)
    assert [clause for clause in sorted(said) if not is_stock(clause)] == []
    left = plain(codepoints(pa.array(sorted(said))))
    assert len(left.points) == 0


def test_advice():
    assert is_advice("平时注意休息")
    assert not is_advice("平时注意血糖")


def test_plain_leaves_out_stock_and_what_numbers_say_within_each_text():
    texts = [
        "您好，泡脚有用，水温40度。祝您健康！",
        "泡脚有用，水温四十度。",
        "谢谢",
        "",
        "您",
        "好",
    ]
    found = plain(codepoints(pa.array(texts)))
    made = [
        "".join(map(chr, found.points[a:b]))
        for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True)
    ]
    assert made == ["泡脚有用水温0", "泡脚有用水温0", "", "", "您", ""]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("平时注意休息。饭后服。如有不适请及时就医", "饭后服"),
        ("宝妈你好，饭后服", "饭后服"),
        ("1. 每日三次\n2、饭后服\n③睡前服", "0饭后服睡前服"),
        ("每次5 ml，每日3次", "0"),
        ("体温38.5度，血压120/80", "体温0血压0"),
        ("第3、4天，服5。好", "第0服0"),
        ("您好 祝您健康", ""),
    ],
)
def test_what_is_searched(text, left):
    found = from_codepoints(plain(codepoints(pa.array([text]))))
    assert found.to_pylist() == [left]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("您好，祝您健康", "您好祝您健康"),
        ("5.6，3.2", "5632"),
        ("您好，服药5毫升", "您好服药5毫升"),
        ("您好，饭后服药5毫升", "饭后服药0"),
    ],
)
def test_a_text_of_which_little_is_left_stays_whole(text, left):
    found = from_codepoints(plain(codepoints(pa.array([text])), least=5))
    assert found.to_pylist() == [left]


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                ["您好", "3", "三", "天", "ml", "，", " ", ".", "\n", "饭后", "多休息"]
            ),
            max_size=9,
        ).map("".join),
        max_size=6,
    )
)
def test_what_is_searched_of_a_text_is_its_own(texts):
    for least in (0, 5):
        together = from_codepoints(plain(codepoints(pa.array(texts, pa.string())), least))
        alone = [
            from_codepoints(plain(codepoints(pa.array([text])), least))[0].as_py() for text in texts
        ]
        assert together.to_pylist() == alone


LONG = "，饭后半小时温水送服，忌生冷油腻，服药期间多喝水。"


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("阿奇霉素每日0.5克", "阿奇霉素每日0.25克", "dose"),
        ("血钾5.6", "血钾3.6", "number"),
        ("术后可以游泳", "术后不可以游泳", "negation"),
        ("胸水无血性", "胸水有血性", "negation"),
        ("右肾有积水", "左肾有积水", "side"),
        ("孕妇每日一片", "男性每日一片", "person"),
        ("转氨酶升高", "转氨酶降低", "direction"),
        ("抗体呈阳性", "抗体呈阴性", "direction"),
        ("脉细而弱", "脉洪而弱", "direction"),
        ("此方宜久服", "此方忌久服", "negation"),
        ("查出胰腺癌两天", "查出胰腺炎两天", "disease"),
        ("证属肺热", "证属胃热", "part"),
        ("服用缬沙坦", "服用氯沙坦", "drug"),
        ("加黄柏同煎", "加知母同煎", "herb"),
        ("针刺合谷", "针刺内关", "point"),
        ("先查CT", "先查MRI", "name"),
    ],
)
def test_what_has_weight(one, other, kind):
    found = difference(f"病情平稳，{one}{LONG}", f"病情平稳，{other}{LONG}")
    assert found is not None
    assert found.kind == kind
    assert found.told().startswith(f"differs in {kind} (")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("每日三次，每次5毫升", "每日3次,每次5ml"),
        ("您好，每日三次", "每日三次。祝您早日康复！"),
        ("**每日三次**", "每日三次"),
        ("1. 每日三次\n2. 饭后服", "每日三次\n饭后服"),
        ("血压明显的升高", "血压明显地升高"),
        ("能不能喝牛奶？可以喝。", "能喝牛奶吗？可以喝。"),
        ("多休息，少熬夜", "少熬夜，多休息"),
        ("ＣＴ正常，无需复查", "CT正常 无需复查"),
        ("高血压病人慎用", "高血压患者慎用"),
        ("黄芪补气", "黄芪补气。孕妇在医师指导下使用。"),
        ("血热末清", "血热未清"),
        ("麻痒□痛", "麻痒焮痛"),
    ],
)
def test_what_has_none(one, other):
    assert difference(one, other) is None
    assert difference(other, one) is None


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("迪道\n分类：抗炎药", "依尔松\n分类：抗炎药", True),
        ("胆石症是常见病", "胆囊炎是常见病", True),
        ("【药品名称】正柴胡饮颗粒", "【药品名称】小柴胡颗粒", True),
        ("迪道\n分类：抗炎药", "标题一行\n迪道\n分类：抗炎药", False),
        ("年久者，主小便不通", "久者，主小便不通", False),
    ],
)
def test_the_subject_of_an_entry(one, other, differ):
    found = difference(one, other, entries=True)
    assert (found is not None) is differ
    if differ:
        assert found.kind == "subject"


def test_a_part_of_a_list_is_not_more_of_a_text():
    whole = "生地18克，丹皮9克，甘草6克，水煎服。"
    found = difference(whole, whole.replace("丹皮9克，", ""))
    assert (found.kind, found.other) == ("dose", "")
    assert difference(whole, "方解见前。" + whole) is None


def test_contradictions():
    for one, other in (("可以喝酒", "不可以喝酒"), ("宜热敷", "忌热敷")):
        assert contradict(difference(one, other))
    assert not contradict(difference("每次1片", "每次2片"))


OLD = "太阳之为病，脉浮，头项强痛而恶寒者，其人{}，宜桂枝汤主之。上为末，水煎，{}，温服。"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("山楂", "山查"),
        ("黄柏", "黄蘖"),
        ("黄芩", "黄苓"),
        ("黄耆", "黄□"),
        ("元参三钱", "玄参三钱"),
        ("浓朴二两", "厚朴二两"),
        ("细末", "细未"),
        ("毋食燥物", "母食燥物"),
        ("心下痞硬", "心下痞鞭"),
        ("两半", "一两半"),
        ("足大趾端", "足大指端"),
        ("五苓散", "五芩散"),
        ("五分（图五十九）", "五分"),
        ("五分（一名紫金丹）", "五分"),
        ("《内经》曰：“五分”", "内经曰五分"),
        ("［1］五分", "五分"),
        ("五分，计左右共二十六穴", "五分"),
        ("再服一日愈", "再服愈"),
    ],
)
def test_editions_of_one_passage(one, other):
    for place in (0, 1):
        said = [OLD.format(*("五分", word)[:: 1 - 2 * place]) for word in (one, other)]
        assert difference(*said, entries=True) is None
        assert difference(*said[::-1], entries=True) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("芍药三钱", "芍药五钱"),
        ("白芍", "白术"),
        ("黄连", "黄柏"),
        ("干姜", "干葛"),
        ("少阳病", "少阴病"),
        ("不可下", "可下"),
        ("证属气虚", "证属血虚"),
        ("微温", "微寒"),
        ("大黄二两", "大黄二钱"),
        ("加硫黄、大黄", "加大黄"),
        ("败毒散", "排脓散"),
        ("阴陵泉左", "阴陵泉右"),
    ],
)
def test_editions_that_say_something_else(one, other):
    said = [OLD.format("五分", word) for word in (one, other)]
    assert difference(*said, entries=True) is not None
    assert difference(*said[::-1], entries=True) is not None


def test_an_old_text_that_differs_in_many_places_is_weighed_by_doses_and_herbs():
    lines = [f"{sign}者，脉之{sign}也，其证为甚矣。" for sign in "浮沉迟数滑涩虚实"]
    said = "".join(lines), "".join(lines).replace("证", "候").replace("甚", "剧")
    slip = said[1].replace("脉之浮", "脉之沉")
    assert difference(said[0], slip, entries=True) is None
    assert difference(said[0], said[1][:40].replace("脉之浮", "脉之沉"), entries=True) is not None
    dose = "芍药{}，甘草（炙）。"
    found = difference(said[0] + dose.format("三钱"), slip + dose.format("五钱"), entries=True)
    assert found.kind == "dose"


def test_a_mark_of_a_list_is_not_the_end_of_a_bracket():
    said = "阿莫西林克拉维酸钾（{}）片，每日两次，饭后服用。"
    assert difference(said.format("7:1"), said.format("4:1")) is not None
    assert difference(said.format("7:1"), said.format("7:2")) is not None


@pytest.mark.parametrize(
    ("text", "old"),
    [
        ("太阳之为病，脉浮，头项强痛而恶寒。", True),
        ("芍药三钱 甘草二两 上为末，水二盅煎服。", True),
        ("感冒的症状有头痛和发热。", False),
        ("通用名：阿莫西林。英文名：Amoxicillin 之胶囊也。", False),
        ("患者主诉头痛，患者拒绝检查。", False),
    ],
)
def test_what_is_in_classical_chinese(text, old):
    assert is_old(text) is old


@given(
    st.lists(st.sampled_from(["头痛", "咳嗽", "发热", "服用5ml", "x"]), max_size=9),
    st.lists(st.sampled_from(["头痛", "咳嗽", "发热", "服用6ml", "y"]), max_size=9),
)
def test_sentences_apart_are_told_as_a_whole_comparison_tells_them(a, b):
    moved = {*a} & {*b}
    told = [
        (i, j, k, m)
        for i, j, k, m in places_of(a, b)
        if (i < j and k < m) or not moved.issuperset(a[i:j] + b[k:m])
    ]
    if {*a} - moved and {*b} - moved and len(a) == len(b):
        apart = [at for at, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
        if moved.isdisjoint(a[at] for at in apart) and moved.isdisjoint(b[at] for at in apart):
            assert weigh.spans_apart(a, b) == told


WORDS = (
    "不 没有 无 忌 避免 非 不足以 孕妇 儿童 老年人 黄芪 黄芩 阿莫西林 高血压 肺炎 hcv b 左 右 上 胃 肝"
    " 的 可以 服用 头痛 片 胶囊 症 后 前 之 下"
)
PIECES = st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=14).map("".join)


@given(PIECES, PIECES, PIECES, PIECES, st.booleans())
def test_what_is_around_a_change_decides_as_the_whole_does(head, one, other, tail, old):
    sides = head + one + tail, head + other + tail
    told = weigh.weighed(*sides, old)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weigh, "REACH", 1000)
        assert weigh.weighed(*sides, old) == told


TEXTS = st.lists(
    st.sampled_from(["", OLD, LONG, *WORDS.split(), "每日3次", "三钱", "。", "，"]), max_size=9
)


@given(st.lists(st.tuples(TEXTS.map("".join), TEXTS.map("".join), st.booleans()), max_size=5))
def test_many_pairs_are_weighed_as_each_alone(pairs):
    assert weigh.differences(pairs) == [difference(*pair) for pair in pairs]


def test_labelled_pairs_are_weighed_as_each_alone():
    file = resources.files("chimed_datasets.selftest").joinpath("pairs/deduplicate.jsonl")
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    sides = [
        ["\n".join(side) if isinstance(side, list) else side for side in (row["one"], row["other"])]
        for row in rows
    ]
    pairs = [(*both, number % 2 > 0) for number, both in enumerate(sides)]
    found = weigh.differences(pairs)
    assert found == [difference(*pair) for pair in pairs]
    assert sum(map(bool, found)) > len(pairs) // 4

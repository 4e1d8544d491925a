"""Flags on a reasoning trace and its reply: what each finds, and what it leaves alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chimed_datasets.rows.traces import FLAGS, flags
from tests.rows_traces_table import PLACE, figures, rows

SOUND = "先看主诉和体征，再想可能的病因，最后给出处理办法。"
ANSWER = "建议清淡饮食，规律作息，一周后复查。"
ASKED = "胃不舒服怎么办？"


def raised(reasoning: str = SOUND, reply: str = ANSWER, question: str = ASKED) -> list[str]:
    return [one.flag for one in flags(reasoning, reply, question)]


EXAM = "首选药物是？A.青霉素 B.红霉素 C.万古霉素 D.甲硝唑"


@pytest.mark.parametrize(
    ("reasoning", "reply", "question"),
    [
        ("综合分析，故选B。", "答案：C。", EXAM),
        ("综合分析，故选Ｂ。", "Ａ", EXAM),
        ("排除A，答案应为C。", "正确答案是 **D**", EXAM),
        ("A、C、D都符合，所以选ACD。", "ABD", "多选题。"),
        ("符合的是①③，因此选①③。", "②③", ""),
        ("一开始想选A，但细看不对。最终选D。", "选A", EXAM),
        ("这种情况最应该用的是万古霉素。", "A", EXAM),
        ("综上，首选阿莫西林。", "首选布洛芬，饭后服。", "用什么药？"),
        ("肝郁脾虚，方用逍遥散。", "可用归脾汤加减，水煎服。", "用什么方？"),
        ("所以建议服用二甲双胍。", "不建议您使用二甲双胍，有风险。", "能用药吗？"),
        ("所以是不能喝酒的。", "可以喝酒，没有影响。", "吃药期间能不能喝酒？"),
        ("因此不需要手术。", "需要手术，请尽早安排。", "需要做手术吗？"),
        ("所以必须做手术。", "不用做手术，观察就行。", "要不要做手术？"),
        ("幽门螺杆菌可经口传播，所以会传染。", "不会传染，放心。", "幽门螺杆菌会传染吗？"),
        ("所以这是过敏反应。", "不是过敏，不必处理。", "这是过敏吗？"),
        ("这个说法是错误的。", "正确。", "判断题：肺主疏泄。"),
        ("一次15mg，一天两次，合计30mg。", "每天总量为300mg。", "一天总量多少？"),
        ("考虑支气管哮喘。", "考虑胃食管反流。", "这是什么病？"),
    ],
)  # fmt: skip
def test_contradicts(reasoning, reply, question):
    assert raised(reasoning, reply, question) == ["contradicts"]


@pytest.mark.parametrize(
    ("reasoning", "reply", "question"),
    [
        ("不选A，C也不对，故选B。", "B", EXAM),
        ("如果是过敏患者，应选B；本例无过敏史，选A。", "答案是A。B用于过敏者。", EXAM),
        ("有人会选C，其实应选A。", "Ａ．青霉素", EXAM),
        ("所以选A、C、D。", "ACD", ""),
        ("首选青霉素。", "首选是青霉素类，如阿莫西林。", "用什么药？"),
        ("首选布洛芬，也可用对乙酰氨基酚。", "可以用美林退热。", "用什么药？"),
        ("方用逍遥散。", "推荐逍遥丸，一次8丸。", "用什么方？"),
        ("空腹不能吃，饭后可以吃。", "可以吃，饭后吃。", "能吃柿子吗？"),
        ("孕早期不能用。", "孕晚期可以用。", "孕妇能用吗？"),
        ("不能自行停药。", "可以停药，但要在医生指导下逐渐减量。", "能停药吗？"),
        ("所以可以适量吃。", "并非不能吃。", "能吃海鲜吗？"),
        ("并不是所有人都要手术，他需要手术。", "需要手术。", "需要手术吗？"),
        ("维生素C缺乏，选择B超检查不合适。", "补充维生素C。", "缺什么？"),
        ("考虑心梗。", "考虑急性心肌梗死。", "这是什么病？"),
        ("合计约7.2mL，取7mL。", "一次7毫升，约140mg。", "一次几毫升？"),
    ],
)  # fmt: skip
def test_what_does_not_contradict(reasoning, reply, question):
    assert "contradicts" not in raised(reasoning, reply, question)


ENGLISH = "The patient has a cough with fever, so pneumonia should be considered and a chest film is needed."


@pytest.mark.parametrize(
    ("reasoning", "reply", "question", "other"),
    [
        (ENGLISH, ANSWER, ASKED, True),
        (SOUND, ENGLISH, ASKED, True),
        (ENGLISH, ENGLISH, "What is it?", False),
        ("用户问胃病。" + ENGLISH + ENGLISH, ANSWER, ASKED, True),
        (ENGLISH, "A", EXAM, True),
        ("胃の調子が悪いときは、まず食事の内容を確認する必要があります。", ANSWER, ASKED, True),
        ("Пациент жалуется на боль в желудке, нужна гастроскопия.", ANSWER, ASKED, True),
        ("환자는 위가 아프다고 합니다. 내시경이 필요합니다.", ANSWER, ASKED, True),
        ("患者EGFR突变，可用osimertinib、gefitinib、erlotinib、afatinib、dacomitinib。", ANSWER, ASKED, False),
        ("学名Panax ginseng C. A. Mey.，属五加科。", "Panax ginseng C. A. Mey.", "人参的学名？", False),
        ("指南原文写道“The patient should be treated with aspirin for at least one year”，据此回答。", ANSWER, ASKED, False),
        ("先看主訴和體徵，再想可能的病因，最後給出處理辦法。", ANSWER, ASKED, False),
        ("翻译题，用现在时。", ENGLISH, "请把下面的话翻译成英文：……", False),
        ("0.1 mg/kg × 70 kg = 7 mg，7 mg / 2 mg/ml = 3.5 ml。", "3.5 ml", "抽几毫升？", False),
    ],
)  # fmt: skip
def test_language(reasoning, reply, question, other):
    assert ("language" in raised(reasoning, reply, question)) is other


LONG = "高血压患者平时要限盐，每天不超过5克，同时控制体重，坚持运动，按时服药，并定期测量血压。"


@pytest.mark.parametrize(
    ("reasoning", "reply", "copied"),
    [
        (LONG, LONG, True),
        (f"先想清楚。下面是回答：{LONG}", LONG.replace("，", ", "), True),
        (f"先想清楚。{LONG}", f"您好！根据您的情况，{LONG}祝您健康！", True),
        (f"答：\n{LONG}\n就这样写。", f"**{LONG}**", True),
        ("肺主气，故选A。", "A", False),
        ("首选阿莫西林。", "阿莫西林", False),
        ("限盐、减重、运动、服药、测血压，这几点都要讲到。", LONG, False),
        (f"{LONG[:24]}再补充细节。", LONG, False),
    ],
)
def test_copied(reasoning, reply, copied):
    assert ("copied" in raised(reasoning, reply)) is copied


@pytest.mark.parametrize(
    ("reasoning", "loops"),
    [
        ("患者需要休息，需要多喝水。" * 12, True),
        ("".join(f"第{i}天要休息，多喝水，吃清淡的。" for i in range(1, 12)), True),
        (SOUND + "要考虑病毒感染的的可能，" + "的可能性" * 8 + "。", True),
        ("选B。不对，选C。选B。不对，选C。选B。不对，选C。", True),
        ("Let me check the dose again. It is 5 mg per day. " * 8, True),
        ("或者是胃炎？胃炎会痛。但也可能是溃疡，溃疡更痛。" * 6, True),
        ("太阳之为病，脉浮，头项强痛而恶寒。阳明之为病，胃家实是也。少阳之为病，口苦，咽干，目眩也。", False),
        ("第1周每天40mg；第2周每天30mg；第3周每天20mg；第4周每天10mg，然后停药。", False),
        ("是心梗吗？看心电图。是夹层吗？量双臂血压。是气胸吗？听呼吸音。是栓塞吗？查D-二聚体。", False),
        ("A正确，肝主疏泄；B正确，脾主运化；C错误，肺不主血；D正确，肾藏精。", False),
    ],
)  # fmt: skip
def test_loops(reasoning, loops):
    assert ("loops" in raised(reasoning)) is loops


@pytest.mark.parametrize(
    ("end", "open_"),
    [
        ("。治疗上应当先用", True), ("，因此", True), ("。所以选", True), ("，包括", True), ("，", True),
        ("：", True), ("。需要注意的是", True), ("（例如", True), ("，每次服用5", True), ("。因为", True),
        ("：\n1. 休息\n2. 喝水\n3.", True), ("：\n- 休息\n- ", True), ("，代入公式$\\frac{1", True),
        ("，得(140-62)×70÷(", True), ("。首选“", True), ("主要有三点。第一，休息。第二，喝水。", True),
        ("，建议到医院检查以明确是否有其他疾", True), ("。多休息即可", False), ("，这样就可以", False),
        ("，日最大量80mg", False), ("。（完）", False), ("……", False), ("～", False), ("，要看SAA", False),
        ("，由病毒感染引起", False), ("，病情趋于平和", False), ("，这些部位常受累及", False), ("。是这样吗？", False),
        ("：\n- 休息\n- 喝水\n- 补充维生素C", False), ("主要有两点。第一，休息。第二，喝水。", False),
        ("。58×30×1.5=2610", False), ("，如有需要", False), ("，效果最好", False),
    ],
)  # fmt: skip
def test_cut_off(end, open_):
    assert ("cut_off" in raised(SOUND[:-1] + end)) is open_
    assert ("cut_off" in raised(reply=ANSWER[:-1] + end)) is open_


@pytest.mark.parametrize(
    "reply", ["B", "可以", "需要", "和胃", "是", "应该", "阿莫西林", "不", "因此"]
)
def test_a_short_reply_is_not_cut_off(reply):
    assert "cut_off" not in raised(reply=reply)


@pytest.mark.parametrize(
    ("reasoning", "reply"),
    [
        (SOUND, "抱歉，我无法回答这个问题。"),
        (SOUND, "作为一个人工智能语言模型，我不能提供医疗建议，请咨询专业医生。"),
        (SOUND, "很遗憾，这个问题我帮不了您，建议您前往医院就诊。祝您早日康复！"),
        (SOUND, "I'm sorry, but I can't help with that. Please consult a doctor."),
        (SOUND, "服务器繁忙，请稍后再试。"),
        (SOUND, ""), (SOUND, "……"), (SOUND, "N/A"), (SOUND, "（略）"), (SOUND, "待补充"),
        ("", ANSWER), ("无", ANSWER), ("好的，我来思考一下这个问题。", ANSWER), ("<think>\n\n</think>", ANSWER),
        ("胃痛可能是胃炎。但我是AI，不应诊断，所以这里只能拒绝回答。", ANSWER),
        (SOUND, "健康问题因人而异，具体情况请您咨询专业医生，祝您早日康复。"),
    ],
)  # fmt: skip
def test_refusal(reasoning, reply):
    assert [flag for flag in raised(reasoning, reply) if flag != "language"] == ["refusal"]


@pytest.mark.parametrize(
    ("reasoning", "reply", "question"),
    [
        (SOUND, "我无法代替医生诊断，不过胃痛常见的原因是胃炎和溃疡，可以先吃铝碳酸镁，三天不好就做胃镜。", ASKED),
        (SOUND, "不能排除胃溃疡，需要做胃镜。", ASKED),
        (SOUND, "应该去消化内科就诊。", "应该去哪个科室就诊？"),
        (SOUND, "不客气，祝您早日康复！有问题随时咨询医生。", "谢谢医生。"),
        (SOUND, "请立即前往急诊。", "胸痛两小时怎么办？"),
        ("患者拒绝手术，应尊重他的决定，改用药物。", ANSWER, ASKED),
        ("不能拒绝回答，要给出急救办法：催吐、洗胃、送医。", ANSWER, ASKED),
        (SOUND, "无", "有没有后遗症？"), (SOUND, "好", "这样行吗？"), (SOUND, "会出现神经系统异常。", ASKED),
    ],
)  # fmt: skip
def test_what_is_no_refusal(reasoning, reply, question):
    assert "refusal" not in raised(reasoning, reply, question)


def test_flags_come_once_in_order_with_a_short_reason():
    found = flags("所以选B，" * 30 + "因此", "抱歉，我无法回答。")
    assert [one.flag for one in found] == sorted({one.flag for one in found}, key=FLAGS.index)
    assert len(found) > 1
    for one in found:
        assert one.reason
        assert "\n" not in one.reason
        assert len(one.reason) <= 120
    assert flags(SOUND, ANSWER, ASKED) == []


PIECES = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            ["所以", "选", "A", "B", "①", "可以", "不能", "需要", "首选", "阿莫西林", "。", "，", "\n", "1.", "|", "$", "（", "作为AI",
             "抱歉", "the ", "drug ", "5mg", "三点：", "第一", "第二", "考虑", "考", "吗？", "**", " ", "\\frac{"]
        )
    ).map("".join),
)  # fmt: skip


@hypothesis_settings(deadline=None)
@given(
    PIECES,
    PIECES,
    PIECES,
    st.integers(1, 40),
    st.sampled_from(["", " ", "\n\n", "\u3000", " \t\r\n"]),
)
def test_any_text_and_trailing_blanks(reasoning, reply, question, times, blanks):
    reasoning *= times
    found = flags(reasoning, reply, question)
    assert all(one.flag in FLAGS and 0 < len(one.reason) <= 120 for one in found)
    assert flags(reasoning + blanks, reply + blanks, question + blanks) == found


# --- the labelled rows ------------------------------------------------------------------------

# Precision and recall over both halves, rounded down to 0.05: what a change may not fall under.
LEAST = {
    "contradicts": (0.85, 0.70),
    "language": (0.95, 0.95),
    "copied": (1.00, 0.95),
    "loops": (1.00, 0.80),
    "cut_off": (1.00, 0.90),
    "refusal": (0.90, 0.90),
}


def test_the_figures_on_the_labelled_rows():
    """``python tests/rows_traces_table.py`` prints them, for each half and for both."""
    labelled = rows(PLACE / "dev.jsonl", PLACE / "held.jsonl")
    assert len(labelled) == 240
    assert {fault for row in labelled for fault in row["faults"]} == set(FLAGS) == set(LEAST)
    for flag, found in figures(labelled).items():
        precision, recall = LEAST[flag]
        assert found.precision >= precision, flag
        assert found.recall >= recall, flag


def test_the_page_says_what_is_measured():
    page = (PLACE.parents[2] / "docs" / "reference" / "traces.md").read_text("utf-8")
    for flag, found in figures(rows(PLACE / "held.jsonl")).items():
        assert f"| `{flag}` | {found.precision:.2f} | {found.recall:.2f} |" in page

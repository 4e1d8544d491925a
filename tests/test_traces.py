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


LETTERS = "病原体最可能是？A.产毒性大肠埃希菌 B.诺如病毒 C.志贺菌 D.轮状病毒"
WRONG_ONE = "关于肝的说法，错误的是？A.主疏泄 B.藏血 C.主通调水道 D.开窍于目"


@pytest.mark.parametrize(
    ("reasoning", "reply", "question"),
    [
        # how a letter is settled on
        ("综合比较B和D，D更贴切，定D。", "本题应选B。", LETTERS),
        ("那就D吧。", "B", LETTERS),
        ("A、B、C都解释不了季节。只剩下D了。", "选A。", LETTERS),
        ("看来看去还是D。", "答案是C", LETTERS),
        ("秋季、蛋花汤样便都指向D。写解析时说明季节。", "故答案为A。", LETTERS),
        ("脓血便才想C，所以D无疑。", "选C，脓血便。", LETTERS),
        ("综上，D项符合题意。", "应选A。", LETTERS),
        ("D。", "答案：B", LETTERS),
        ("So the answer has to be D.", "The answer is B.", LETTERS),
        ("Only option D fits.", "Answer: B", LETTERS),
        ("正确的是①③④。", "正确的组合是①②④。", "下列说法正确的是：①…②…③…④…"),
        # what is left, what was judged
        ("半夏反乌头，A、C排除；B不反甘草，排除。剩下的那个就是了。", "选A。", "与甘草相反的是：A.半夏 B.白芍 C.贝母 D.甘遂"),
        ("A对，B对，D也对。", "A", WRONG_ONE),
        ("A正确；B正确；C错误，那是肺的功能；D正确。", "选B。", WRONG_ONE),
        ("A不对，季节不符；B不对，多见于成人；C不对，脓血便。", "B", LETTERS),
        ("先说结论：选D。秋季腹泻以轮状病毒为主，婴幼儿多见，先吐后泻。其他几个都有不合之处，写的时候逐一说明。", "选B。", LETTERS),
        # what is chosen: a formula, a drug, a point, a department, a disease
        ("若是无汗、脉浮紧才考虑麻黄汤。这里有汗。用桂枝汤调和营卫。", "建议使用麻黄汤：麻黄9g、桂枝6g。", "用什么方？"),
        ("合谷偏于头面。最对症的是内关。就推荐内关，给出定位。", "最有效的穴位是合谷，位于手背。", "晕车按哪个穴位？"),
        ("神经内科管头晕，但翻身才晕是耳石症，应该挂耳鼻喉科。", "建议您挂神经内科。", "翻身头晕挂什么科？"),
        ("甲亢、更年期都不像，支持的是嗜铬细胞瘤。", "考虑更年期综合征，注意休息。", "阵发性高血压、头痛、出汗是什么病？"),
        ("所以处方是奥司他韦，接下来写用法和注意。", "可以服用阿昔洛韦，一天五次。", "流感吃什么药？"),
        ("首先想到心梗，但血压两侧不等，更支持主动脉夹层。", "诊断为急性心肌梗死，马上溶栓。", "最可能的诊断？"),
        # one of two
        ("刚扭伤，血管还在出血，先冷敷，48小时后再说别的。所以这会儿应该冷敷。", "马上热敷，可以活血化瘀，好得快。", "脚刚扭了，冷敷还是热敷？"),
        ("进食会影响吸收，应饭前吃。", "饭后吃，减少刺激。", "优甲乐饭前吃还是饭后吃？"),
        ("五心烦热，舌红少苔，这是阴虚。", "您这是阳虚，要温补。", "我是阴虚还是阳虚？"),
        ("边缘光滑，多年不变，考虑良性。", "多半是恶性的，尽快切除。", "结节是良性还是恶性？"),
        ("所以马上叫120去急诊，不能在家观察。", "可以先在家卧床休息，观察两三天。", "右手无力要马上去医院吗？"),
        ("这种情况保守治疗即可，不必开刀。", "建议尽快手术切除。", "该怎么治？"),
        ("属于常染色体隐性遗传。", "白化病是显性遗传。", "白化病怎么遗传？"),
        # yes and no
        ("所以答案是不行。", "可以的，没有问题。", "感冒能打疫苗吗？"),
        ("两者没有相互作用，可以一起吃。", "不能一起吃，会有毒性。", "维生素C和钙片能一起吃吗？"),
        ("说白了，不传染。", "会传染的，要分开住。", "白癜风会传染吗？"),
        ("没有禁忌，放心用。", "孕妇禁用。", "孕妇能用炉甘石洗剂吗？"),
        ("So yes, she can take it while breastfeeding.", "No. You should not take ibuprofen while breastfeeding.", "Can I take ibuprofen while breastfeeding?"),
        ("This combination is not safe and should be avoided.", "Yes, you can take them together.", "Is it safe to take both?"),
        # how much, how long
        ("每次应吃半片，即12.5mg。", "每次吃50mg。", "一次吃多少？"),
        ("所以间隔至少3个月再怀孕。", "1个月后就可以怀孕。", "停药多久能怀孕？"),
        ("疗程14天。", "吃3天就可以停。", "要吃多久？"),
        ("算下来是5ml。写上用法。", "一次喝15毫升。", "一次喝多少毫升？"),
        ("应该是一周一次。", "一天一次，按时吃。", "甲氨蝶呤多久吃一次？"),
    ],
)  # fmt: skip
def test_contradicts_however_it_is_worded(reasoning, reply, question):
    assert "contradicts" in raised(reasoning, reply, question)


@pytest.mark.parametrize(
    ("reasoning", "reply", "question"),
    [
        ("选A不对；选B也不对；选C更不对。", "选D。", LETTERS),
        ("B有点像，但多见于成人。", "D", LETTERS),
        ("A对，B对，C错，D对。", "选C。C错误，通调水道的是肺。", WRONG_ONE),
        ("A错误，B错误，C正确，D错误。选C。", "C正确。", LETTERS),
        ("看到这里差点就定B，但成人多见，定D。", "D", LETTERS),
        ("答案D。B用来干扰。", "选D，不是B。", LETTERS),
        ("A、B、C排除。", "答案为D。", LETTERS),
        ("维生素B缺乏。就补B族维生素。", "A", "缺什么？A.维生素B B.铁"),
        ("用桂枝汤。若无汗则用麻黄汤。", "桂枝汤主之，不用麻黄汤。", "用什么方？"),
        ("可以用合谷，也可以用内关。就推荐内关。", "首选内关，还可以配合谷。", "晕车按哪个穴位？"),
        ("先排除心梗。考虑反流。", "考虑胃食管反流，但要先排除心梗。", "什么病？"),
        ("考虑心梗，应急诊。", "您可能是急性冠脉综合征，请立即打120。", "胸痛两小时怎么办？"),
        ("考虑上感。", "考虑普通感冒，多休息。", "什么病？"),
        ("扭伤48小时内冷敷，之后热敷。", "先冷敷，两天后改热敷。", "冷敷还是热敷？"),
        ("早期多无症状，可观察。有症状再手术。", "目前观察即可，如果出现疼痛再手术。", "要手术吗？"),
        ("应该饭后吃。", "随餐或饭后吃，不要空腹。", "饭前吃还是饭后吃？"),
        ("急性期不能运动，缓解期可以运动。", "现在先别运动，缓解后可以。", "能运动吗？"),
        ("患者说听不懂，不能回答问题，是失语。", "患者能理解却不能回答，是运动性失语。", "能听懂指令，问他姓名不能回答，病变在哪？"),
        ("不是所有的都要切。她这个要切。", "建议切除。", "息肉要切吗？"),
        ("没有必要忌口，除非过敏。", "不用忌口。若过敏就别吃。", "需要忌口吗？"),
        ("一次10mg，一天三次。", "一天总共30mg，分三次。", "一天吃多少？"),
        ("最多1g，即两片。", "一次不超过1000毫克。", "一次最多吃多少？"),
        ("疗程2周。", "吃14天。", "吃多久？"),
        ("至少3天，一般5到7天。", "大约5天。", "几天能好？"),
        ("首选头孢，但他过敏，换阿奇霉素。", "用阿奇霉素。", "用什么药？"),
        ("推荐对乙酰氨基酚。", "可以吃必理通。", "吃什么退烧？"),
        ("挂消化内科。", "看消化科门诊。", "挂什么科？"),
        ("不能直接给剂量，说原则。所以不建议自行用药。", "可以用，但要在医生指导下用。", "能用吗？"),
        ("The answer is B, not D.", "B", LETTERS),
        ("So it is safe in pregnancy.", "Yes. There is no need to avoid it.", "Is it safe in pregnancy?"),
        ("不会遗传给儿子，会传给女儿。", "会传给女儿，不会传给儿子。", "会遗传吗？"),
        ("所以可以吃。", "抱歉，这个问题我不能回答。", "能吃柿子吗？"),
        ("不是癌，是良性结节。", "是良性的，不是恶性肿瘤。", "是良性还是恶性？"),
    ],
)  # fmt: skip
def test_what_does_not_contradict_however_it_is_worded(reasoning, reply, question):
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
    ("reasoning", "loops"),
    [
        # said again in other words
        ("老年男性夜尿多，最常见是前列腺增生。也就是说，前列腺增生是老年男性起夜的常见原因。换句话说，老年男性晚上起夜，多半是前列腺增生。总的来看，老年男性夜尿最常见的原因是前列腺增生。归根到底，老年男性夜尿多还是前列腺增生。", True),
        # begun again
        ("嗯，用户问糖尿病人能不能吃西瓜，要看量。\n好的，用户问的是糖尿病人能不能吃西瓜，关键看量。\n用户想问糖尿病人能否吃西瓜，看吃多少。\n嗯，用户问糖尿病人能不能吃西瓜，这要看量。\n少吃。", True),
        ("每周一次。Wait，确认一下，甲氨蝶呤是每周一次，不是每天一次。Wait，再确认，甲氨蝶呤每周一次，不是每天。Wait，每天吃甲氨蝶呤不对，是每周一次。Wait，甲氨蝶呤，每周一次，确认。", True),
        # a long paragraph with one word changed each time
        ("".join(f"患者{w}，面色萎黄，纳差，腹胀便溏，四肢倦怠，少气懒言，舌淡苔白，脉缓弱，这是脾气虚，运化失职，水谷不化，清阳不升，治宜益气健脾，方用四君子汤，以人参补气，白术健脾燥湿，茯苓渗湿，甘草和中。" for w in ("疲乏", "无力", "懒动")), True),
        ("The dose is 5 mg once a week. Wait, the weekly dose is 5 mg, once a week. Hmm, 5 mg once a week is the dose. So the dose is once a week, 5 mg. Wait, the dose is 5 mg a week, once.", True),
        # a draft said twice, options gone through, a check, a table
        ("先打草稿：限盐，每天不超过5克；控制体重；坚持运动。检查：剂量没写，可以。定稿：限盐，每天不超过5克；控制体重；坚持运动。", False),
        ("选项是腹水、出血、脑病和隐痛。A腹水，是失代偿表现，不选。B出血，是失代偿表现，不选。C脑病，是失代偿表现，不选。D隐痛，代偿期就有，选D。", False),
        ("等等，剂量要再核对：18×8=144mg，144÷20=7.2mL。等等，浓度是20mg/mL没错。再看体重，18kg。好，7.2mL。", False),
        ("肝生心，心生脾，脾生肺，肺生肾，肾生肝。肝克脾，脾克肾，肾克心，心克肺，肺克肝。", False),
        ("早上空腹血糖7.2，偏高。中午餐后血糖11.3，偏高。晚上餐后血糖12.6，偏高。睡前血糖8.1，尚可。", False),
        ("第一天血压140/90，偏高。第二天血压138/88，偏高。第三天血压138/90，偏高。第四天血压140/88，偏高。第五天血压142/90，偏高。", False),
        ("高血压是病因，左室肥厚是结果。左室肥厚又引起舒张功能减退，舒张功能减退引起肺淤血，肺淤血引起气促。", False),
    ],
)  # fmt: skip
def test_loops_in_other_words(reasoning, loops):
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


@pytest.mark.parametrize(
    ("reasoning", "reply", "question"),
    [
        # a trace that keeps to rules against answering, whatever the reply says
        ("内容涉及生死。根据内容规范，不宜作出回应，需中止作答。", ANSWER, ASKED),
        ("室早8000次，可不用药。我没有行医资格，按要求不得输出这类建议。", ANSWER, ASKED),
        ("The policy says no dosing information, so I should not answer this.", "Take it with food.", "How much?"),
        ("按平台要求，这类话题我要回避，不展开。", ANSWER, ASKED),
        ("这超出我的能力范围，我就不回答了。", ANSWER, ASKED),
        # polite, and empty
        (SOUND, "感谢您的提问。健康无小事，每个人的体质都不一样，保持好心情最重要，祝您早日康复！", ASKED),
        (SOUND, "这个问题比较专业，我还在学习中，暂时没有办法给出准确的答案，请您谅解。", ASKED),
        (SOUND, "您的心情我非常理解，身体不舒服确实让人担心。还是请专业的医生来为您判断吧。", ASKED),
        (SOUND, "这方面的问题，建议您线下找医生详细了解。", "二甲双胍饭前吃还是饭后吃？"),
        (SOUND, "不好意思，这题我不会。", "肺主什么？"),
        (SOUND, "关于这一点，我不便发表看法，请以官方说明为准。", ASKED),
        (SOUND, "I understand how worrying this must be. Please speak with your doctor, who knows your situation best.", "Can I take ibuprofen with aspirin?"),
        (SOUND, "Unfortunately, I'm not able to give medical advice. Please see a healthcare professional.", "Can I take ibuprofen with aspirin?"),
        (SOUND, "该问题暂无法显示回答。", ASKED),
    ],
)  # fmt: skip
def test_refusal_however_polite(reasoning, reply, question):
    assert "refusal" in raised(reasoning, reply, question)


@pytest.mark.parametrize(
    ("reasoning", "reply", "question"),
    [
        (SOUND, "别担心，多喝水就好。", ASKED),
        (SOUND, "不用担心，这是正常的。", "宝宝打嗝正常吗？"),
        (SOUND, "尽快去医院查胃镜。", ASKED),
        (SOUND, "可以，先咨询医生再减量。", "能减药吗？"),
        (SOUND, "抱歉让您久等了。这种皮疹是湿疹，抹保湿霜即可。", ASKED),
        (SOUND, "很遗憾，这种病目前无法根治，但用药可以控制。", ASKED),
        (SOUND, "I'm sorry to hear that you are in pain. Rest, ice and ibuprofen usually help within a week.", "My ankle hurts. What can I do?"),
        (SOUND, "See your doctor today: a red, swollen calf may be a clot.", "My calf is swollen. What should I do?"),
        (SOUND, "我没办法隔着屏幕确诊，不过伴发热的话先查血常规。", ASKED),
        ("听懂但不能回答，是运动性失语。", "运动性失语，病变在左侧额下回。", "能听懂，问他姓名不能回答，病变在哪？"),
        ("按医保规定，这项不予报销，要说清楚。", "这项医保不报销，需要自费。", "能报销吗？"),
        ("按照规范，抗生素不能随便给，要有指征。说明理由。", ANSWER, ASKED),
        ("不宜给出具体剂量，但可以讲原则和就医时机。", ANSWER, ASKED),
        ("有伦理规定，医生不能透露病情，除非本人同意。据此回答。", "不可以，除非您本人同意。", "医生能告诉别人我的病情吗？"),
        ("I can't predict the course, but I can explain the risk score.", ANSWER, ASKED),
        (SOUND, "祝贺您！指标都正常，继续保持。", "我的报告怎么样？"),
        (SOUND, "因人而异，一般3到5天。", "多久能好？"),
        (SOUND, "请教您一下，疼痛在饭前还是饭后？有没有黑便？", ASKED),
        (SOUND, "请提供年龄和体重，才能算剂量。", "吃多少？"),
        (SOUND, "去皮肤科看看。", "身上起疹子挂哪个科？"),
    ],
)  # fmt: skip
def test_what_is_no_refusal_however_short(reasoning, reply, question):
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

# Precision and recall, rounded down to 0.05: what a change may not fall under.
TRAINED = {
    "contradicts": (1.00, 1.00),
    "language": (1.00, 0.95),
    "copied": (1.00, 0.95),
    "loops": (1.00, 1.00),
    "cut_off": (1.00, 0.90),
    "refusal": (1.00, 1.00),
}
FRESH = {"contradicts": (0.95, 0.45), "loops": (0.90, 0.95), "refusal": (1.00, 0.80)}
WORDED = {
    "contradicts": (1.00, 0.80),
    "language": (1.00, 1.00),
    "loops": (1.00, 0.80),
    "refusal": (1.00, 0.80),
}
"""Rows that go with the tests above, in as many wordings as came to mind."""


@pytest.mark.parametrize(
    ("names", "size", "least"),
    [
        (("dev", "held"), 240, TRAINED),
        (("fresh",), 160, FRESH),
        (("worded",), 131, WORDED),
    ],
)
def test_the_figures_on_the_labelled_rows(names, size, least):
    """``python tests/rows_traces_table.py`` prints them, for each set and for all."""
    labelled = rows(*(PLACE / f"{name}.jsonl" for name in names))
    assert len(labelled) == size
    assert {fault for row in labelled for fault in row["faults"]} == set(least)
    assert set(TRAINED) == set(FLAGS)
    for flag, found in figures(labelled).items():
        if flag in least:
            precision, recall = least[flag]
            assert found.precision >= precision, flag
            assert found.recall >= recall, flag
        else:
            assert found.wrong <= 1, flag


def test_the_page_says_what_is_measured():
    page = (PLACE.parents[2] / "docs" / "reference" / "traces.md").read_text("utf-8")
    found = figures(rows(PLACE / "fresh.jsonl"))
    for flag in FRESH:
        right, wrong, missed = found[flag]
        counts = f"{right}, {wrong}, {missed}"
        row = f"| `{flag}` | {found[flag].precision:.2f} | {found[flag].recall:.2f} | {counts} |"
        assert row in page

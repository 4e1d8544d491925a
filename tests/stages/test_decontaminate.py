"""Decontamination: what is a leak of a benchmark's item, in whatever form, and what is not."""

from __future__ import annotations

import pickle
import random

import opencc
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimed_datasets import records
from chimed_datasets.errors import RecipeError
from chimed_datasets.records import Answer, Dialogue, Message, QAThread, ledger
from chimed_datasets.settings import checked
from chimed_datasets.sources import FileReport, exams
from chimed_datasets.sources.exams import ExamItem
from chimed_datasets.sources.files.finding import resolve
from chimed_datasets.stages.decontaminate import Decontaminate, Index
from chimed_datasets.stages.leaks.items import STOCK
from chimed_datasets.stages.text import exam_forms
from chimed_datasets.stages.text.grams import gram_hashes
from tests.common.files import read_jsonl
from tests.common.seconds import cpu_seconds
from tests.common.stages import OnTables, batch_of

to_traditional = opencc.OpenCC("s2t").convert

CASE = ExamItem(
    "exam#case",
    "男，46岁，时有上腹部烧灼样疼痛三年，进食后可缓解，近一周排柏油样便，伴头晕乏力。最可能的诊断是",
    ("胃溃疡", "十二指肠球部溃疡", "胃癌", "慢性浅表性胃炎"),
)
FORMULA = ExamItem(
    "exam#formula",
    "下列关于小青龙汤的叙述，正确的是",
    ("主治外寒里饮之证", "方中重用石膏知母", "功在清热泻火解毒", "组成有附子干姜人参"),
)
SHORT = ExamItem(
    "exam#short", "主治太阳中风的方剂是____", ("桂枝汤", "麻黄汤", "小柴胡汤", "白虎汤")
)
WORD = ExamItem(
    "exam#word",
    "鼓室",
    ("外侧壁是鼓膜", "内侧壁就是迷路壁", "前壁通向乳突小房", "上壁为颈静脉壁"),
)
LONG_OPTIONS = ExamItem(
    "exam#options",
    "正确的是",
    (
        "桂枝汤中桂枝与芍药等量，一散一收，调和营卫而不伤正气",
        "麻黄汤去桂枝加石膏即成，专治汗出而喘、身无大热的病人",
        "大青龙汤倍用麻黄，发汗之力最猛，脉微弱者万万不可服用",
        "小柴胡汤须去渣再煎，取其和解少阳枢机而不偏于寒热之意",
    ),
)
OPEN = ExamItem("exam#open", "试述慢性肾功能衰竭患者出现高钾血症时心电图的主要变化及其处理原则")
BARE = ExamItem("exam#bare", "支气管哮喘急性发作期患者", ("宜卧床", "宜少食", "宜远行", "宜饮酒"))
ITEMS = [CASE, FORMULA, SHORT, WORD, LONG_OPTIONS, OPEN, BARE]
CHOICES = [item for item in ITEMS if item.options and item is not BARE]

PROSE = (
    "慢性胃炎的病人平时应当注意饮食，少吃辛辣刺激的食物，按时服药。",
    "上腹部疼痛的原因很多，进食后缓解的多见于十二指肠溃疡，建议做胃镜检查以明确诊断。",
    "小青龙汤出自《伤寒论》，由麻黄、芍药、细辛、干姜、甘草、桂枝、五味子、半夏组成。",
    "桂枝汤主治太阳中风，头痛发热，汗出恶风。麻黄汤主治太阳伤寒，无汗而喘。",
    "鼓室是中耳的主要部分，位于颞骨岩部内，借咽鼓管通鼻咽部。",
    "支气管哮喘急性发作期患者应当及时就医，吸入短效支气管扩张剂。",
    "慢性肾功能衰竭患者容易出现高钾血症，应当限制含钾食物，定期复查血钾和心电图。",
)


def stage_for(*items: ExamItem, **settings_: object):
    stage = Decontaminate(**settings_)
    return OnTables(stage.against(Index.build({"exam": list(items)}, stage)))


STAGE = stage_for(*ITEMS)


def found(text: str, stage=STAGE) -> list[tuple[str, str]]:
    """(item, rule) of all that is found in one text."""
    result = stage(batch_of(text))
    rules = [drop["rule"] for drop in result.drops.to_pylist()]
    assert bool(rules) == bool(result.matches)
    return [(match.item, rule) for match, rule in zip(result.matches, rules, strict=False)]


def items_in(text: str, stage=STAGE) -> set[str]:
    return {match.item for match in stage(batch_of(text)).matches}


def written(item: ExamItem, options: list[str] | None = None) -> str:
    lines = [f"{a}. {o}" for a, o in zip("ABCD", options or item.options, strict=False)]
    return "\n".join([item.stem, *lines])


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def around(text: str) -> str:
    return "".join(PROSE * 3) + text + "".join(PROSE[::-1] * 3)


FORMS = {
    "as it is": written,
    "options in another order": lambda i: written(i, list(i.options)[::-1]),
    "one option left out": lambda i: written(i, list(i.options)[:3]),
    "options in a row": lambda i: i.stem + "：" + "、".join(i.options) + "？",
    "traditional script": lambda i: to_traditional(written(i)),
    "full width": lambda i: wide(written(i)),
    "other punctuation": lambda i: (
        written(i).replace("，", " , ").replace("。", "…").replace("：", "")
    ),
    "blanks between": lambda i: " ".join(written(i)),
    "inside a long document": lambda i: around(written(i)),
    "upper case": lambda i: written(i).upper(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("item", CHOICES, ids=lambda i: i.key)
def test_an_item_is_found_in_any_form(item, form):
    text = FORMS[form](item)
    assert items_in(text) == {item.key}
    assert STAGE(batch_of(text)).batch.num_rows == 0


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        (CASE.stem, [("exam#case", "stem")]),
        (around(CASE.stem), [("exam#case", "stem")]),
        (CASE.stem + "\n答案：十二指肠球部溃疡", [("exam#case", "stem")]),
        (to_traditional(CASE.stem), [("exam#case", "stem")]),
        (OPEN.stem + "。", [("exam#open", "stem")]),
        (around(OPEN.stem[3:]), [("exam#open", "stem")]),
        (written(FORMULA), [("exam#formula", "choices")]),
        (written(SHORT), [("exam#short", "choices")]),
        (written(WORD), [("exam#word", "choices")]),
        ("\n".join(LONG_OPTIONS.options), [("exam#options", "options")]),
        (around("。".join(LONG_OPTIONS.options[1:])), [("exam#options", "options")]),
    ],
)
def test_the_rule_that_tells(text, hits):
    assert found(text) == hits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "。",
        *PROSE,
        around(""),
        *STOCK,
        "，".join(STOCK),
        "下列关于桂枝汤的叙述，正确的是哪一项？最可能的诊断是什么？首选的治疗方法是什么？",
        "下列关于小青龙汤的叙述，正确的是",  # whole, but nothing in it is the item's own
        "主治太阳中风的方剂是什么？常用的有很多。",
        "支气管哮喘急性发作期患者，应当吸氧。",
        "".join(CASE.options),
        "、".join(SHORT.options),
        "鼓室：上壁、下壁、前壁、后壁、内侧壁、外侧壁。",
        "男，46岁，反复上腹部疼痛三年，近一周排黑便。",
        LONG_OPTIONS.options[0],  # one of four
        OPEN.stem[:14],
    ],
)
def test_what_is_no_leak(text):
    assert items_in(text) == set()
    batch = batch_of(text)
    assert STAGE(batch).batch.equals(batch)


def test_a_word_for_a_stem_needs_its_options_beside_it():
    options = list(WORD.options)
    assert items_in("。".join(options)) == set()
    assert items_in(around("鼓室是中耳的一部分" + "。".join(options[:1]))) == set()
    assert items_in(around("鼓室的" + "，".join(options[1:]))) == {"exam#word"}
    far = "".join(PROSE * 9).replace("鼓室", "中耳")
    assert items_in("鼓室" + far + "，".join(options)) == set()
    small = ExamItem("exam#small", "脾胃", ("主运化", "主受纳", "主升清", "主降浊"))
    assert items_in(written(small), stage_for(small)) == set()


def test_a_phrase_common_to_unlike_stems_is_nobodys_own():
    """Six questions share 属于本病特征性临床表现的是; only the disease before it is their own."""
    diseases = [
        "风湿性心脏病",
        "急性肾小球肾炎",
        "缺铁性贫血",
        "病毒性心肌炎",
        "过敏性紫癜",
        "支气管扩张",
    ]
    items = [
        ExamItem(
            d,
            f"{d}患者入院后查体所见属于本病特征性临床表现的是",
            tuple(f"{d[:2]}之{c}" for c in "甲乙丙丁"),
        )
        for d in diseases
    ]
    text = "慢性阻塞性肺病患者入院后查体所见属于本病特征性临床表现的是什么？"
    assert items_in(text, stage_for(*items)) == set()
    assert items_in(text, stage_for(items[0])) == {diseases[0]}  # unless it stands but once
    assert items_in(written(items[2]), stage_for(*items)) == {"缺铁性贫血"}


def test_figures_alone_are_no_leak():
    item = ExamItem(
        "exam#figures",
        "女，32岁，血压150～160/90～100mmHg，体温36.7℃，脉搏90次/分，情绪激动时头痛、心悸、多汗",
    )
    stage = stage_for(item)
    assert items_in("我的血压是150～160/90～100mmHg，体温36.7，怎么办？", stage) == set()
    assert items_in(item.stem, stage) == {"exam#figures"}


def test_an_item_in_two_records_is_in_neither():
    half = len(CASE.stem) // 2 - 1
    batch = batch_of(CASE.stem[:half], CASE.stem[half:], "无关的一段话。")
    one_by_one = [STAGE(batch.slice(i, 1)).drops.num_rows for i in range(3)]
    assert STAGE(batch).drops.num_rows == sum(one_by_one)
    split = batch_of("讲一讲" + SHORT.stem[:5], SHORT.stem[5:] + "".join(SHORT.options))
    assert STAGE(split).drops.num_rows == 0


# --- short stems, numbers and letters, answers ----------------------------------------------------


def thread(question: str, answer: str = "要看具体情况，请面诊。", **more) -> QAThread:
    return QAThread("t", question, [Answer(answer)], **more)


def talk(*said: str) -> Dialogue:
    return Dialogue("d", [Message(("user", "assistant")[i % 2], t) for i, t in enumerate(said)])


LUNG = ExamItem("luo", "络脉起于", ("经脉", "皮部", "四末", "脏腑"), "A")
SPLEEN = ExamItem("chun", "其华在唇的脏是", ("脾", "肝", "心", "肾"), "A")
BEE = ExamItem("feng", "蜜蜂蜇伤后宜外敷何物？", (), "小苏打水")
WRONG = ExamItem(
    "wu", "下列关于艾灸的说法错误的是", ("孕妇腹部可灸", "可温经", "可散寒", "可回阳"), "A"
)
BARE_STEM = ExamItem(
    "kong", "下列说法正确的是", ("艾叶性温而味辛苦", "艾叶性寒味酸", "艾叶无味"), "A"
)
NUMBERED = ExamItem(
    "hao", "（7）外踝尖直上三寸的穴位是", ("A．悬钟", "B．阳交", "C．外丘", "D．光明"), "A"
)
BLANK = ExamItem("kongge", "手太阴经的原穴是（　），位于腕横纹上", ("太渊", "列缺", "鱼际"), "A")
WHICH = ExamItem(
    "na", "下列哪种药物不属于保泰松同类的解热镇痛药", ("吗啡", "阿司匹林", "布洛芬"), "A"
)
HEADING = ExamItem("ti", "膈神经", ("支配膈肌", "支配胸大肌", "支配斜方肌", "支配三角肌"), "A")
SHORT_ITEMS = [LUNG, SPLEEN, BEE, WRONG, BARE_STEM, NUMBERED, BLANK, WHICH, HEADING]
SHORT_STAGE = stage_for(*SHORT_ITEMS)


@pytest.mark.parametrize(
    ("record", "item", "rule"),
    [
        # a question that equals a stem, at any length and in any dress
        (thread("络脉起于"), "luo", "question"),
        (thread("络脉起于？"), "luo", "question"),
        (thread("請問：絡脈起於____"), "luo", "question"),
        (thread("3．络脉起于（　　）"), "luo", "question"),
        (thread("其华在唇的脏是"), "chun", "question"),
        (thread("**其华在唇 的脏是（ ）。**"), "chun", "question"),
        (thread("其华在唇的脏是哪一个呢？"), "chun", "question"),
        (thread("蜜蜂蜇伤后宜外敷何物"), "feng", "question"),
        (thread("老师您好，请问蜜蜂蜇伤后宜外敷何物？谢谢！"), "feng", None),
        (thread("略", title="【第12题】蜜蜂蜇伤后宜外敷何物？"), "feng", "question"),
        (talk("你好", "你好。", "蜜蜂蜇伤后宜外敷何物？", "用水冲洗。"), "feng", "question"),
        (thread("下列关于艾灸的说法，错误的是"), "wu", "question"),
        (thread("Q5: 外踝尖直上三寸的穴位是？"), "hao", "question"),
        # its options behind it, in a row or with their letters
        (thread("其华在唇的脏是\n①肾 ②心 ③脾 ④肝", "③"), "chun", "choices"),
        ("一、选择题\n1. 蜈蚣有毒吗？\n2. 其华在唇的脏是（ ） A.心 B.肝 C.脾 D.肾", "chun", "choices"),
        ("其华在唇的脏是：脾、肝、心、肾", "chun", "choices"),
        ("外踝尖直上三寸的穴位是\n（1）光明（2）外丘（3）悬钟（4）阳交", "hao", "choices"),
        # a line of an exam in a text
        (around("\n12、其华在唇的脏是\n13、蜈蚣有毒\n"), "chun", "question"),
        (around("\n问：蜜蜂蜇伤后宜外敷何物？\n答：冲洗即可。\n"), "feng", "question"),
        # the right answer behind it
        (thread("下列说法正确的是", "艾叶性温而味辛苦"), "kong", "answer"),
        (thread("膈神经", "支配膈肌。"), "ti", "answer"),
        ("其华在唇的脏是（脾）。", "chun", "answer"),
        ("其华在唇的脏是脾。", "chun", "answer"),
        (around("外踝尖直上三寸的穴位是悬钟。"), "hao", "answer"),
        # its gap filled in
        ("手太阴经的原穴是太渊，位于腕横纹上。", "kongge", "filled"),
        (around("手太阴经的原穴是（太渊），位于腕横纹上。"), "kongge", "filled"),
        (around("吗啡不属于保泰松同类的解热镇痛药。"), "na", "filled"),
    ],
)  # fmt: skip
def test_short_items_are_found(record, item, rule):
    result = SHORT_STAGE(batch_of(record))
    assert [match.item for match in result.matches] == [item]
    if rule:
        assert [drop["rule"] for drop in result.drops.to_pylist()] == [rule]


@pytest.mark.parametrize(
    "record",
    [
        # the words of a short stem in prose
        "络脉起于经脉，行于浅表，故曰支而横者为络。",
        "脾主肌肉，其华在唇的脏是它，口唇红润则脾气健。",
        around("络脉起于经脉。"),
        "蜜蜂蜇伤后宜外敷何物，各家说法不一，多数主张先拔刺再冲洗。",
        "艾灸的说法很多，下列关于艾灸的说法错误的是少数。",
        "手太阴经的原穴在腕部，位于腕横纹上的还有大陵。",
        "膈神经：由颈丛发出，支配膈肌的运动。",
        # another question, and one on the same subject
        thread("络脉起于哪里，止于哪里，怎么循行？"),
        thread("其华在面的脏是"),
        thread("黄蜂蜇伤后宜外敷何物？"),
        thread("蜜蜂蜇伤后能不能外敷小苏打水，要敷多久？"),
        thread("内踝尖直上三寸的穴位是？"),
        thread("手少阴经的原穴是（　），位于腕横纹上", "神门"),
        # a stem that names no subject, and one that asks nothing
        thread("下列说法正确的是"),
        thread("下列说法正确的是", "请把选项发来。"),
        thread("膈神经", "由第三至第五颈神经前支组成。"),
        "膈神经\n由第三至第五颈神经前支组成。",
        # options alone, and with another stem
        thread("哪些药会伤胃？", "吗啡、阿司匹林、布洛芬都可能。"),
        "脾、肝、心、肾各有所主。",
    ],
)
def test_short_items_are_not_seen_everywhere(record):
    assert SHORT_STAGE(batch_of(record)).matches == []


STEROIDS = ExamItem(
    "steroid", "长期服用泼尼松的患者突然停药后最容易出现的不良后果是", ("肾上腺危象", "低血糖", "脱发")
)  # fmt: skip


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("长期服用泼尼松的患者突然停药后最容易出现的不良后果有哪些？", True),
        ("请问，长期服用泼尼松的患者，突然停药后最容易出现的不良后果？", True),
        ("长期服用普萘洛尔的患者突然停药后最容易出现的不良后果是", False),
        ("长期服用泼尼松的患者突然停药后不容易出现的不良后果是", False),
    ],
)
def test_a_question_that_asks_of_another_thing_stays(question, found):
    """A drug, side, number or negation that differs makes another question of a long stem."""
    matches = stage_for(STEROIDS)(batch_of(thread(question))).matches
    assert [match.item for match in matches] == ["steroid"] * found
    with_options = f"{question}\n{written(STEROIDS).partition(chr(10))[2]}"
    assert stage_for(STEROIDS)(batch_of(thread(with_options))).matches  # its options tell


def test_what_cannot_be_found_anywhere_is_counted():
    stage = Decontaminate()
    nothing = ExamItem("x", "。", ("，",))
    index = Index.build({"one": [CASE, *SHORT_ITEMS, nothing], "two": [CASE, OPEN]}, stage)
    assert index.reach() == {"one": (len(SHORT_ITEMS), 1), "two": (0, 0)}
    line = index.reach()["one"].line("one", 11)
    assert "of 11 items 9 are too short" in line
    assert "1 cannot be looked for" in line


@pytest.mark.parametrize(
    ("written_as", "stem"),
    [
        ("12.何谓气虚", "何谓气虚"),
        ("12、何谓气虚", "何谓气虚"),
        ("（12）何谓气虚", "何谓气虚"),
        ("第12题 何谓气虚", "何谓气虚"),
        ("第十二题：何谓气虚", "何谓气虚"),
        ("Q12: 何谓气虚", "何谓气虚"),
        ("【12】何谓气虚", "何谓气虚"),
        ("【单选题】12．何谓气虚", "何谓气虚"),
        ("一、何谓气虚", "何谓气虚"),
        ("⑫ 何谓气虚", "何谓气虚"),
        ("题目：何谓气虚（2分）", "何谓气虚"),
        ("何谓气虚（ A ）", "何谓气虚"),
        ("1.5 g 是多少", "1.5 g 是多少"),
        ("25岁女性，发热", "25岁女性，发热"),
        ("3、4岁小儿", "3、4岁小儿"),
        ("24:00 服药", "24:00 服药"),
        ("一二度烧伤", "一二度烧伤"),
        ("12.", "12."),
    ],
)
def test_numbers_of_stems_are_known_by_their_form(written_as, stem):
    assert exam_forms.bare_stem(written_as) == stem


@pytest.mark.parametrize(
    ("options", "bare"),
    [
        (["A.甲", "B.乙"], ("甲", "乙")),
        (["A、甲", "B、乙"], ("甲", "乙")),
        (["(A)甲", "(B)乙"], ("甲", "乙")),
        (["Ａ．甲", "Ｂ．乙"], ("甲", "乙")),
        (["①甲", "②乙"], ("甲", "乙")),
        (["1.甲", "2.乙"], ("甲", "乙")),
        (["1.5 g", "2.5 g"], ("1.5 g", "2.5 g")),
        (["A.甲", "C.乙"], ("A.甲", "C.乙")),
        (["A.", "B."], ("A.", "B.")),
        (["维生素A", "维生素B"], ("维生素A", "维生素B")),
    ],
)
def test_letters_of_options_are_known_by_their_form(options, bare):
    assert exam_forms.bare_options(options) == bare


# --- records, ledger, matches --------------------------------------------------------------------


def test_the_parts_of_a_thread_and_a_dialogue_count_together():
    text = written(FORMULA)
    stem, options = text.split("\n", 1)
    thread = QAThread("t", stem, [Answer("不知道。"), Answer(options)])
    turns = [Message("user", stem), Message("assistant", options)]
    for record in (
        thread,
        QAThread("u", "请问", [Answer(options)], title=stem),
        Dialogue("d", turns),
        Dialogue("e", turns[:1], [Answer(options)]),
    ):
        result = STAGE(batch_of(record))
        assert [match.item for match in result.matches] == ["exam#formula"]
        assert result.batch.num_rows == 0


def test_ledger_row_and_match_show_the_text():
    text = "甲。\n" + to_traditional(CASE.stem) + "\n乙。"
    batch = batch_of("无关的一段话。", text)
    result = STAGE(batch)
    (drop,), (match,) = result.drops.to_pylist(), result.matches
    name = records.record_id("s", "1")
    assert (drop["id"], drop["stage"], drop["rule"]) == (name, "decontaminate", "stem")
    assert drop["evidence"].startswith(f"exam exam#case: {to_traditional(CASE.stem)[:20]}")
    assert (match.benchmark, match.item, match.record) == ("exam", "exam#case", name)
    assert match.text == ledger.shorten(to_traditional(CASE.stem))
    assert result.batch["key"].to_pylist() == ["0"]
    assert result.counts == {}


def test_all_items_of_all_benchmarks_in_a_record_are_told():
    stage = Decontaminate()
    index = Index.build({"one": [CASE, OPEN], "two": [CASE]}, stage)
    result = OnTables(stage.against(index))(batch_of(CASE.stem + "\n" + OPEN.stem))
    assert {(m.benchmark, m.item) for m in result.matches} == {
        ("one", "exam#case"),
        ("one", "exam#open"),
        ("two", "exam#case"),
    }
    assert result.drops.num_rows == 1


def test_neighbours_in_the_batch_have_no_say():
    texts = [written(item) for item in CHOICES] + list(PROSE) + ["", CASE.stem]
    random.Random(1).shuffle(texts)
    batch = batch_of(*texts)
    alone = [STAGE(batch.slice(i, 1)) for i in range(len(texts))]
    together = STAGE(batch)
    assert together.matches == [match for result in alone for match in result.matches]
    assert together.drops.to_pylist() == [d for r in alone for d in r.drops.to_pylist()]
    assert together.batch.num_rows + together.drops.num_rows == len(texts)
    assert STAGE(together.batch).batch.equals(together.batch)


@pytest.mark.parametrize("kind", records.KINDS)
def test_an_empty_batch(kind):
    batch = pa.RecordBatch.from_pylist([], schema=records.SCHEMAS[kind])
    result = STAGE(batch)
    assert (result.batch, result.drops.num_rows, result.matches) == (batch, 0, [])


# --- index and settings --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "items", [[], [ExamItem("k", "")], [ExamItem("k", "。", ("", "，"))], [SHORT], [CASE], [WORD]]
)
def test_any_list_of_items_can_be_indexed(items):
    stage = stage_for(*items)
    assert items_in(around(""), stage) == set()
    assert items_in(around("".join(map(written, items))), stage) == {
        item.key for item in items if item in ITEMS
    }


PHRASES = st.text(st.sampled_from("头痛发热a1，𠀀"), max_size=20)


@given(st.lists(st.tuples(PHRASES, st.lists(PHRASES, max_size=3)), max_size=6), st.integers(5, 9))
def test_every_gram_of_every_item_is_indexed(items, n):
    made = [ExamItem(str(k), stem, tuple(options)) for k, (stem, options) in enumerate(items)]
    index = Index.build({"exam": made}, Decontaminate(ngram=n))
    expected = [
        (text[i : i + n], number, part, i)
        for number, entry in enumerate(index.entries)
        for part, text in enumerate((entry.stem, *entry.options), -1)
        for i in range(len(text) - n + 1)
    ]
    grams = index.grams
    texts = ["".join(map(chr, row)) for row in grams.points]
    found = zip(
        texts, grams.entry.tolist(), grams.part.tolist(), grams.offset.tolist(), strict=True
    )
    assert sorted(found) == sorted(expected)
    for gram, begin, end in zip(grams.hashes, grams.starts[:-1], grams.starts[1:], strict=True):
        assert {int(gram_hashes(row, n)[0]) for row in grams.points[begin:end]} == {int(gram)}


def test_the_index_travels_to_workers():
    again = OnTables(Decontaminate().against(pickle.loads(pickle.dumps(STAGE.stage.index))))
    batch = batch_of(written(CASE), *PROSE)
    assert again(batch).matches == STAGE(batch).matches != []


def test_settings_have_their_effect():
    part = CASE.stem[3:30]  # two thirds of the stem's own
    assert items_in(part, stage_for(CASE)) == {"exam#case"}
    assert items_in(part, stage_for(CASE, coverage=0.9)) == set()
    broken = "，又".join(CASE.stem[i : i + 9] for i in range(0, len(CASE.stem), 9))
    assert items_in(broken, stage_for(CASE)) == set()
    assert items_in(broken, stage_for(CASE, ngram=5)) == {"exam#case"}


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"ngram": 4}, "ngram: must be 5 or more"),
        ({"coverage": 0}, "coverage: "),
        ({"n_gram": 8}, "Did you mean 'ngram'?"),
    ],
)
def test_settings_are_checked(given, complaint):
    with pytest.raises(RecipeError) as error:
        checked(Decontaminate, given, "stages.decontaminate")
    assert complaint in str(error.value)


# --- cost ----------------------------------------------------------------------------------------


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "piece",
    [
        *(CASE.stem, CASE.stem[:14], SHORT.stem, SHORT.stem[:5], WORD.stem, "头", "\n", "a"),
        *(WORD.options[1], LONG_OPTIONS.options[0], STOCK[0], "".join(STOCK)),
    ],
)
def test_a_hostile_megabyte_takes_no_time(piece):
    batch = batch_of(piece * (1_000_000 // len(piece)))
    assert cpu_seconds(lambda: STAGE(batch), below=4) < 4


@pytest.mark.no_cover
def test_a_book_of_a_thousand_items_takes_no_time():
    """The text is read once, not once for each item in it."""
    draw = random.Random(2)
    items = [
        ExamItem(
            f"b#{i}",
            "".join(draw.choice("心肝脾肺肾胃胆肠痛热寒湿燥火风痰血气") for _ in range(40)),
        )
        for i in range(1000)
    ]
    book = "\n".join("".join(PROSE * 3) + item.stem for item in items)
    assert items_in(book, stage_for(*items)) == {item.key for item in items}
    assert cpu_seconds(lambda: items_in(book, stage_for(*items)), below=6) < 6


# --- real data -----------------------------------------------------------------------------------


def real_items(shared_data) -> dict[str, list[ExamItem]]:
    found = {}
    for name in ("cmmlu", "ceval"):
        files = resolve(
            str(shared_data / "benchmarks" / name), shared_data, shared_data, exams.SUFFIXES
        )
        found[name] = exams.read(name, files, FileReport())
    return found


def real_prose(shared_data) -> list[str]:
    path = shared_data / "llm_generated" / "huatuo_llama_med.jsonl"
    rows = read_jsonl(path)
    return [row["instruction"] + "\n" + row["output"] for row in rows]


PLANTS = {  # form -> recall to be reached; see the module for what was measured
    "as it is": 0.98,
    "options in another order": 0.98,
    "traditional script": 0.98,
    "full width": 0.98,
    "options in a row": 0.98,
    "inside prose": 0.98,
    "the stem alone": 0.65,
}


@pytest.mark.real_data
@pytest.mark.slow
def test_planted_items_of_real_benchmarks_are_found(shared_data):
    """300 items in each form; the stem alone is found from some 20 characters of its own on."""
    items = real_items(shared_data)
    prose = real_prose(shared_data)
    stage = Decontaminate()
    against = OnTables(stage.against(Index.build(items, stage)))
    draw = random.Random(1)
    chosen = draw.sample([item for found in items.values() for item in found], 300)
    forms = {
        **FORMS,
        "inside prose": lambda i: "".join(draw.sample(prose, 20)) + written(i) + prose[0],
        "the stem alone": lambda i: i.stem,
    }
    for form, floor in PLANTS.items():
        result = against(batch_of(*(forms[form](item) for item in chosen)))
        assert result.drops.num_rows >= floor * 300, form
        long = [i for i, item in enumerate(chosen) if len(item.stem) >= 30]
        kept = set(result.batch["key"].to_pylist())
        assert not kept & set(map(str, long)), form


@pytest.mark.real_data
@pytest.mark.slow
def test_real_sources_hold_no_item(shared_data):
    """A look at every n-gram that they share with the benchmarks found no leak, so that each
    record dropped here would be a false alarm."""
    items = real_items(shared_data)
    stage = Decontaminate()
    against = OnTables(stage.against(Index.build(items, stage)))
    prose = real_prose(shared_data)
    assert len(prose) > 8000
    assert against(batch_of(*prose)).matches == []

"""Layouts of questions, answers and dialogues: qa_csv, qa_blocks, chimed_pages, instruction,
query_response, sharegpt, over files in their true layout."""

from __future__ import annotations

from itertools import pairwise, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_reading import FIXTURES, outcome, read, read_rows, spoken

from chimed_datasets.records import (
    Answer,
    Dialogue,
    Malformed,
    Message,
    QAThread,
    batches,
    pseudonym,
)
from chimed_datasets.sources import FileReport
from chimed_datasets.sources.parsing.messages import ROLE_OF, turns
from chimed_datasets.sources.parsing.row import RowError, is_nothing

# --- qa_csv, qa_blocks -----------------------------------------------------------------------


def test_qa_csv_reads_gb18030_with_quotes_and_names_bad_rows():
    report = FileReport()
    made = read("qa_csv", FIXTURES / "qa_csv/gastroenterology.csv", report)
    assert report.encodings == {"gastroenterology.csv": "gb18030"}
    assert not report.replaced
    assert outcome(made) == [
        ("0", "QAThread"),
        ("1", "QAThread"),
        ("2", "QAThread"),
        ("3", "no_answer"),
        ("4", "empty_question"),
        ("5", "csv_fields"),
    ]
    assert made[1] == QAThread(
        "gastroenterology.csv#1",
        "三岁男孩，平时爱吃肉，\n三天没有大便,哭闹",
        [Answer("多喝水，每天吃两份带皮的水果，固定在早饭后坐便盆。\n出现呕吐或腹胀就去医院。")],
        "孩子便秘三天",
        "消化科",
    )
    assert made[2].question == made[2].title == "乙肝小三阳能打疫苗吗？"  # 无 fills the form only


def test_qa_csv_finds_columns_by_other_names_behind_a_bom():
    (made,) = read("qa_csv", FIXTURES / "qa_csv/other_header.csv")
    assert made == QAThread(
        "other_header.csv#0",
        "甘油三酯二点五，需要马上吃药吗？",
        [Answer("每天走路六千步，控制主食，三个月后复查血脂。")],
        "血脂偏高怎么办？",
        "心血管科",
    )


def test_qa_csv_without_its_columns_says_what_there_is(tmp_path):
    (tmp_path / "a.csv").write_text("标题,内容\n头痛,三天\n", "utf-8")
    (made,) = read("qa_csv", tmp_path)
    assert made == Malformed("a.csv#0", "missing_field", "no 'ask'; fields: 标题, 内容")


def test_qa_blocks():
    made = read("qa_blocks", FIXTURES / "qa_blocks/cardiology.txt")
    assert outcome(made) == [
        ("0", "QAThread"),
        ("1", "QAThread"),
        ("2", "no_answer"),
        ("3", "empty_question"),
    ]
    assert made[0] == QAThread(
        "cardiology.txt#0",
        "体检心电图提示偶发房性早搏，没有感觉，要吃药吗？",
        [Answer("偶发的房性早搏没有症状时一般不用吃药，少喝浓茶和咖啡，半年后复查心电图。")],
        "早搏要不要治",
    )
    assert made[1].title is made[1].department is None
    assert made[1].question == "一个没有标题的问题，家里老人下肢浮肿该挂什么科？"
    assert made[1].answers[0].text.count("\n") == 1


# --- chimed_pages ----------------------------------------------------------------------------


def test_a_page_keeps_order_marks_and_context_but_no_link():
    made = read("chimed_pages", FIXTURES / "chimed_pages/pages.json")
    assert outcome(made) == [
        ("40100001", "QAThread"),
        ("40100002", "QAThread"),
        ("40100003", "no_answer"),
        ("40100004", "unknown_mark"),
        ("40100005", "wrong_type"),
        ("40100006", "wrong_type"),
    ]
    page = made[0]
    assert page == QAThread(
        "pages.json#40100001",
        "感冒后咳嗽两周，夜里重，白痰，没有发烧。\n患者信息：男；42岁",
        [
            Answer(
                "感冒后咳嗽多能在三周内自行缓解，夜里重可以用右美沙芬，超过八周要拍胸片。",
                adopted=True,
                recommended=False,
                author="d771",
            ),
            Answer("多喝水。", adopted=False, recommended=None, author="d138"),
        ],
        "咳嗽两周不好",
        "内科>呼吸内科",
        ["咳嗽", "感冒", "白痰"],
        metadata={
            "question_time": "2018-03-05 09:12:00",
            "follow_ups": "请问可以喝梨水吗？\n可以，少放冰糖。",
            "specialties": "",
            "permission": "",
        },
    )
    (batch,) = batches(made[:2], source="s", license="l", domain="d")
    stored = str(batch.to_pylist())
    assert pseudonym("d771") in stored
    assert "d771" not in stored
    assert "ask.example" not in stored


def test_a_page_without_question_text_asks_its_title():
    page = read("chimed_pages", FIXTURES / "chimed_pages/pages.json")[1]
    assert (page.title, page.question) == ("宝宝出牙晚正常吗",) * 2
    assert page.answers[0].adopted is None
    assert page.keyphrases == []


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_the_flattened_form_is_the_same_in_json_and_csv(ending):
    made = read("chimed_pages", FIXTURES / f"chimed_pages/flattened.{ending}")
    assert [
        (p.question, p.department, p.metadata["specialties"], [a.adopted for a in p.answers])
        for p in made
    ] == [
        ("甲状腺结节四毫米需要手术吗？", "内分泌科", "内分泌科\n内分泌科", [True, False]),
        ("运动后膝盖响", None, "骨科\n中医科", [False, True]),
    ]
    assert [a.text for a in made[1].answers] == ["没有疼痛的弹响不用处理。", "补钙。"]


def test_flattened_answers_go_by_number_and_may_have_gaps(tmp_path):
    row = {f"answer_{n}": f"第{n}个回答" for n in (10, 2, 1)} | {
        "question": "几个？",
        "answer_3": "",
    }
    (made,) = read_rows("chimed_pages", tmp_path, [row])
    assert [a.text for a in made.answers] == ["第1个回答", "第2个回答", "第10个回答"]


@pytest.mark.parametrize(
    ("mark", "value"),
    [
        *((m, True) for m in ("True", "true", " TRUE ", "1", 1, True, 1.0, "是")),
        *((m, False) for m in ("False", "false", "0", 0, False, "否")),
        *((m, None) for m in ("", " ", None, "null", "nan")),
    ],
)
def test_marks(tmp_path, mark, value):
    page = {"question_content": "头晕？", "answers": [{"answer": "量血压。", "adopted": mark}]}
    (made,) = read_rows("chimed_pages", tmp_path, [page])
    assert made.answers[0].adopted is value
    assert made.answers[0].recommended is None


@pytest.mark.parametrize("mark", ["采纳", 2, "maybe", ["True", "False"]])
def test_a_mark_is_never_guessed(tmp_path, mark):
    page = {"question_content": "头晕？", "answers": [{"answer": "量血压。", "recommended": mark}]}
    (made,) = read_rows("chimed_pages", tmp_path, [page])
    assert made.rule == "unknown_mark"
    assert "recommended" in made.evidence


@pytest.mark.parametrize(
    ("page", "rule"),
    [
        ({"question_content": "问", "answers": "一段文字"}, "wrong_type"),
        ({"question_content": "问", "answers": {"answer": "答"}}, "wrong_type"),
        ({"question_content": "问", "answers": None}, "no_answer"),
        ({"question_content": "问"}, "missing_field"),
        ({"answers": [{"answer": "答"}]}, "missing_field"),
        ({"question_content": " ", "title": "无", "answers": [{"answer": "答"}]}, "empty_question"),
        ({"question": "问", "answer_1": None}, "no_answer"),
        ({"question": "问", "answer_x": "答"}, "missing_field"),
    ],
)
def test_pages_that_are_none(tmp_path, page, rule):
    (made,) = read_rows("chimed_pages", tmp_path, [page])
    assert made.rule == rule


def test_objects_in_patient_infos_and_follow_ups_are_kept(tmp_path):
    page = {
        "question_content": "失眠？",
        "patient_infos": [{"年龄": 30}, "女"],
        "follow_ups": [{"text": "多久了", "time": "今天"}],
        "answers": [{"answer": "先记睡眠日记。"}],
    }
    (made,) = read_rows("chimed_pages", tmp_path, [page])
    assert made.question == '失眠？\n患者信息：{"年龄": 30}；女'
    assert made.metadata["follow_ups"] == '{"text": "多久了", "time": "今天"}'


# --- instruction, query_response -------------------------------------------------------------


def test_instruction():
    made = read("instruction", FIXTURES / "instruction/consultations.json")
    assert outcome(made) == [
        ("z001", "Dialogue"),
        ("z002", "Dialogue"),
        ("2", "Dialogue"),
        ("z003", "Dialogue"),
        ("z004", "no_answer"),
        ("z005", "empty_question"),
        ("z006", "wrong_type"),
        ("z007", "missing_field"),
    ]
    assert [r for r, _ in spoken(made[0])] == ["user", "assistant"] * 3
    assert spoken(made[0])[0][1].startswith("医生，我偏头痛三年了")
    assert spoken(made[0])[4:] == [
        ("user", "那我需要做核磁吗？"),
        ("assistant", "疼痛性质没有变化时不必急着做核磁，先记两周头痛日记。"),
    ]
    assert [m.department for m in made[:4]] == ["内科>神经内科", "皮肤科", None, None]
    assert spoken(made[1])[0] == ("user", "湿疹能用热水洗吗？\n患者：女，二十八岁，双手湿疹")
    assert spoken(made[2])[0] == ("user", " 磁铁贴在膝盖上能治关节炎吗？")
    assert spoken(made[3]) == [
        ("system", "你是一名营养师。"),
        ("user", "孕期血糖高怎么吃？\n早餐举个例子。"),
        ("assistant", "主食减半，粗细搭配。\n早餐：一个鸡蛋，一杯无糖牛奶，一小个玉米。"),
    ]
    assert made[6].evidence == "history: expected [question, answer], got ['只有一半']"


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"instruction": {"a": 1}, "output": "好"}, "wrong_type"),
        ({"instruction": "问", "output": {"a": 1}}, "wrong_type"),
        ({"instruction": "问", "output": "好", "history": "早先"}, "wrong_type"),
        ({"instruction": "问", "output": "好", "history": [["早", ""]]}, "empty_turn"),
        ({"instruction": "问", "output": "好", "history": [["早", "好"], None]}, "wrong_type"),
        (
            {"instruction": "问", "output": "好", "history": [{"role": "鬼", "content": "呜"}]},
            "unknown_role",
        ),
        ({"output": "好"}, "missing_field"),
        ("不是对象", "not_an_object"),
    ],
)
def test_instruction_rows_that_are_none(tmp_path, row, rule):
    (made,) = read_rows("instruction", tmp_path, [row])
    assert made.rule == rule


def test_query_response():
    made = read("query_response", FIXTURES / "query_response/pairs.jsonl")
    assert [kind for _, kind in outcome(made)] == [
        "Dialogue",
        "Dialogue",
        "no_answer",
        "empty_question",
        "missing_field",
    ]
    assert spoken(made[1]) == [
        ("user", "蜂蜜能给婴儿吃吗？\n十个月大。"),
        ("assistant", "一岁以内不要吃蜂蜜。"),
    ]


# --- sharegpt --------------------------------------------------------------------------------


def test_sharegpt():
    made = read("sharegpt", FIXTURES / "sharegpt/chats.jsonl")
    assert outcome(made) == [
        *((f"s{n}", "Dialogue") for n in (1, 2, 3, 4)),
        ("s5", "no_answer"),
        ("s6", "tool_use"),
        ("s7", "empty_turn"),
        ("s8", "no_answer"),
        ("s9", "no_answer"),
        ("s10", "missing_field"),
    ]
    assert [r for r, _ in spoken(made[0])] == ["user", "assistant"] * 2
    assert made[0].department == "肾内科"
    assert made[0].metadata == {}
    assert spoken(made[1]) == [
        ("system", "你是全科医生。"),
        ("user", "脚崴了。\n已经肿了。"),
        ("assistant", "先停止走路，冰敷二十分钟。"),
    ]
    assert made[1].metadata == made[2].metadata == {"cut_turns": "1"}
    assert spoken(made[2]) == [("user", "胸口闷。"), ("assistant", "有没有出汗、左臂发麻？")]
    assert spoken(made[3]) == [
        ("user", "打呼噜会缺氧吗？"),
        ("assistant", "会，憋醒的人要做睡眠监测。"),
    ]
    assert made[5].evidence.startswith("a turn of 'function_call'")


def turn(role: str, content: object) -> dict:
    return {"role": role, "content": content}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("头疼", [("user", "头疼")]),
        (turn("human", "头疼"), [("user", "头疼")]),
        (["疼", "几天？", "三天"], [("user", "疼"), ("assistant", "几天？"), ("user", "三天")]),
        (["患者: 头疼", "医生：几天了：说说"], [("user", " 头疼"), ("assistant", "几天了：说说")]),
        (["问：头疼", "没有名字"], [("user", "头疼"), ("assistant", "没有名字")]),
        ([turn(" Doctor ", "您好")], [("assistant", "您好")]),
        ([turn("system", ""), turn("user", ["头", "疼"])], [("user", "头\n疼")]),
        ([turn("system", "甲"), turn("system", "乙")], [("system", "甲\n乙")]),
        ([{"from": "问", "value": "头疼", "loss": 1}], [("user", "头疼")]),
        ([], []),
    ],
)  # fmt: skip
def test_turns(value, expected):
    assert [(m.role, m.content) for m in turns(value)] == expected


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ([turn("user", "a"), turn("system", "b")], RowError),
        ([turn("tool", "a")], RowError),
        ([turn("user", " \n")], RowError),
        ([turn("user", {"a": 1})], TypeError),
        ([turn("user", "a"), "b"], TypeError),
        (7, TypeError),
        ([{"role": "user"}], KeyError),
        ([{"content": "a"}], KeyError),
    ],
)
def test_turns_that_are_none(value, error):
    with pytest.raises(error):
        turns(value)


def said(text: str) -> bool:
    return not is_nothing(text)


@given(
    st.lists(
        st.builds(turn, st.sampled_from(sorted(ROLE_OF)), st.text().filter(said)),
        max_size=8,
    )
)
def test_turns_alternate_and_lose_no_text(given_turns):
    roles = [ROLE_OF[t["role"]] for t in given_turns]
    if "system" in roles[sum(1 for _ in takewhile("system".__eq__, roles)) :]:
        with pytest.raises(RowError, match="system_not_first"):
            turns(given_turns)
        return
    made = turns(given_turns)
    assert all(a.role != b.role for a, b in pairwise(made))
    assert all(isinstance(m, Message) for m in made)
    assert "\n".join(m.content for m in made) == "\n".join(t["content"] for t in given_turns)


def test_sharegpt_takes_a_system_message_from_its_own_field(tmp_path):
    row = {
        "system": "你是药师。",
        "conversations": [turn("user", "饭前吃？"), turn("bot", "饭后。")],
    }
    (made,) = read_rows("sharegpt", tmp_path, [row])
    assert spoken(made) == [("system", "你是药师。"), ("user", "饭前吃？"), ("assistant", "饭后。")]


# --- any rows at all -------------------------------------------------------------------------

TEXTS = st.sampled_from(
    ["头痛三天", "吃药", "多喝水", "问：疼吗", "准确: 4", "True", "\ud800", " ", ""]
)
JUNK = st.none() | st.booleans() | st.floats() | st.just({"a": [1]}) | st.just([[None]])
SPEAKERS = st.sampled_from(["user", "assistant", "human", "gpt", "system", "tool", None])


def mostly(good: st.SearchStrategy) -> st.SearchStrategy:
    return st.integers(0, 9).flatmap(lambda n: good if n else JUNK)


MESSAGES = st.fixed_dictionaries(
    {"role": SPEAKERS, "content": mostly(TEXTS)}
) | st.fixed_dictionaries({"from": SPEAKERS, "value": mostly(TEXTS)})
TALK = st.lists(MESSAGES, max_size=5) | st.lists(TEXTS, max_size=3) | MESSAGES | TEXTS
SCORES = TEXTS | st.integers(1, 5) | st.dictionaries(TEXTS, st.integers(1, 5), max_size=2)
REPLIES = st.lists(
    mostly(
        st.fixed_dictionaries(
            {"answer": mostly(TEXTS)},
            optional={"adopted": mostly(TEXTS), "model": TEXTS, "score": mostly(SCORES)},
        )
    ),
    max_size=3,
)
PAIRS = st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=2)
PROMPT = {"prompt": TALK, "instruction": TEXTS, "input": TEXTS}
CONTEXT = {"system": mostly(TEXTS), "history": mostly(PAIRS), "id": mostly(TEXTS)}
ROW = {
    "chimed_pages": ({"question_content": TEXTS, "answers": REPLIES},
                     {"title": TEXTS, "labels": TEXTS, "patient_infos": TALK}),
    "instruction": ({"instruction": TEXTS, "output": TEXTS}, CONTEXT),
    "preference_pairs": ({"chosen": TALK, "rejected": TALK}, PROMPT | CONTEXT),
    "query_response": ({"query": TEXTS, "response": TEXTS}, CONTEXT),
    "ranked": ({"instruction": TEXTS, "output": st.lists(TEXTS, max_size=4)}, CONTEXT),
    "scored": ({"id": TEXTS, "model": st.sampled_from("ab")},
               PROMPT | {"responses": REPLIES, "conversation": TALK, "scores": SCORES}),
    "sharegpt": ({"conversations": TALK}, {"system": TEXTS}),
}  # fmt: skip


def rows_of(key: str) -> st.SearchStrategy[list[dict]]:
    required, optional = ROW[key]
    loose = {name: mostly(values) for name, values in required.items()}
    row = st.fixed_dictionaries(loose, optional=optional)
    return st.lists(row, min_size=1, max_size=6)


@pytest.mark.parametrize("key", ROW)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_row_becomes_a_record_or_is_named_malformed(key, data):
    rows = data.draw(rows_of(key))
    with TemporaryDirectory() as folder:
        made = read_rows(key, Path(folder), rows)
    if key != "scored":  # which joins rows
        assert len(made) == len(rows)
    for m in made:
        if isinstance(m, Malformed):
            assert m.rule
            assert m.evidence
        elif isinstance(m, Dialogue):
            roles = [message.role for message in m.messages]
            assert roles[-1] == ("user" if m.candidates else "assistant")
            assert all(message.content.strip() for message in m.messages)
            assert all(candidate.text.strip() for candidate in m.candidates)
        else:
            assert m.question.strip()
            assert m.answers


# --- real files ------------------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("key", "path", "rows"),
    [
        ("qa_csv", "qa_csv/internal_medicine_sample.csv", 7644),
        ("qa_blocks", "qa_csv/internal_medicine_blocks.txt", 4048),
        ("instruction", "dialogue/cmtmedqa_test.json", 1144),
        ("instruction", "llm_generated/huatuo_llama_med.jsonl", 8658),
    ],
)
def test_real_files_are_read_whole(shared_data, key, path, rows):
    report = FileReport()
    made = read(key, shared_data / path, report)
    assert len(made) == rows
    assert not [m for m in made if isinstance(m, Malformed)]
    assert not report.replaced


@pytest.mark.real_data
def test_drifted_rows_and_departments_of_the_real_dialogues(shared_data):
    made = read("instruction", shared_data / "dialogue/cmtmedqa_test.json")
    assert sum(len(m.messages) > 2 for m in made) == 977
    assert sum(m.department is None for m in made) == 145  # one of them is called nan
    assert "整形美容" in {m.department for m in made}


def test_the_levels_of_a_department_in_a_cell_are_one_line(tmp_path):
    cells = ['"内科\n呼吸内科"', "\"['内科', '呼吸内科']\"", "内科>呼吸内科"]
    rows = "".join(f"{cell},,咳了三天怎么办,多喝水\n" for cell in cells)
    (tmp_path / "a.csv").write_text(f"department,title,ask,answer\n{rows}", "utf-8")
    assert {m.department for m in read("qa_csv", tmp_path / "a.csv")} == {"内科>呼吸内科"}

"""Turns in the forms that real corpora have, through `turns` and through the layouts."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from layout_reading import outcome, read, read_rows, spoken

from chimed_datasets.records import Dialogue, Malformed
from chimed_datasets.sources.parsing.messages import turns
from chimed_datasets.sources.parsing.row import RowError
from chimed_datasets.sources.parsing.speakers import speaker

U, A, S = "user", "assistant", "system"


def said(value: object) -> list[tuple[str, str]]:
    return [(m.role, m.content) for m in turns(value)]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *((n, U) for n in ("患者", "患者家属", "咨询者", "提问者", " Human ", "USER", "网友", "Q")),
        *((n, A) for n in ("医师", "主任", "药师", "护士", "客服", "AI", "AI助手", "专家", "回答")),
        *((n, U) for n in ("患者1", "病人A", "患者甲", "user_2", "patient 3", "【患者】", "患者（女，35岁）")),
        *((n, A) for n in ("医生1", "医生B", "王医生", "李主任", "欧阳大夫", "儿科医生", "主治医师", "**医生**")),
        *((n, A) for n in ("Dr. Wang", "doctor li", "<|assistant|>", "医生（内科）")),
        *((n, A) for n in ("醫生", "王醫師", "護士", "藥師", "回覆")),
        *((n, U) for n in ("問", "病人家屬", "諮詢者")),
        *((n, S) for n in ("系统", "Developer")),
        *((n, None) for n in ("甲", "请问医生", "谢谢医生", "许多医生", "护工", "users", "A", "张先生", "")),
    ],
)  # fmt: skip
def test_speakers(name, role):
    assert speaker(name) == role


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        # All name their speaker, in any of the usual ways
        (["咨询者：嗓子哑", "王医生：哑了几天"], [(U, "嗓子哑"), (A, "哑了几天")]),
        (["【患者】嗓子哑", "【医生】：哑了几天"], [(U, "嗓子哑"), (A, "哑了几天")]),
        (["Q: 嗓子哑", "A: 少说话", "Q: 几天好"], [(U, " 嗓子哑"), (A, " 少说话"), (U, " 几天好")]),
        (["Q1：嗓子哑", "A1：少说话"], [(U, "嗓子哑"), (A, "少说话")]),
        # One alone does not: it is the other's, between two of one, or at an end
        (["患者：嗓子哑", "哑了几天", "患者：五天"], [(U, "嗓子哑"), (A, "哑了几天"), (U, "五天")]),
        (["嗓子哑", "医生：哑了几天", "患者：五天"], [(U, "嗓子哑"), (A, "哑了几天"), (U, "五天")]),
        (["医生：您好", "患者：嗓子哑", "少说话"], [(A, "您好"), (U, "嗓子哑"), (A, "少说话")]),
        (["嗓子哑", "医生：哑了几天", "五天", "医生：少说话"],
         [(U, "嗓子哑"), (A, "哑了几天"), (U, "五天"), (A, "少说话")]),
        (["系统：全科问诊", "嗓子哑", "少说话"], [(S, "全科问诊"), (U, "嗓子哑"), (A, "少说话")]),
        # None does: they take turns
        (["嗓子哑", "早上8:30起", "建议：少说话"], [(U, "嗓子哑"), (A, "早上8:30起"), (U, "建议：少说话")]),
        (["看 http://a.b/c", "体温：37度"], [(U, "看 http://a.b/c"), (A, "体温：37度")]),
        # Another speaker within a text
        (["患者：嗓子哑\n医生：哑了几天", "患者：五天", "医生：少说话"],
         [(U, "嗓子哑"), (A, "哑了几天"), (U, "五天"), (A, "少说话")]),
        (["患者：嗓子哑", "医生：常有人问\n问：能喝酒吗\n答：不能"],
         [(U, "嗓子哑"), (A, "常有人问\n问：能喝酒吗\n答：不能")]),
        ("病人：嗓子哑\n三天了\n医生：少说话", [(U, "嗓子哑\n三天了"), (A, "少说话")]),
        ("医生：少说话是什么意思", [(A, "少说话是什么意思")]),
    ],
)  # fmt: skip
def test_texts_that_begin_with_their_speaker(texts, expected):
    assert said(texts) == expected


@pytest.mark.parametrize(
    "texts",
    [
        ["患者：嗓子哑", "哑了几天", "医生：少说话"],  # the patient's or the doctor's
        ["患者：嗓子哑", "哑了几天", "五天", "医生：少说话"],  # a text may go over two
        ["患者：嗓子哑", "医生：建议两条", "1. 少说话"],  # goes on, more likely
        ["患者：嗓子哑", "护工：扶他来的", "医生：少说话"],
        ["患者：嗓子哑", "医生：少说话", "建议：多喝水"],
        ["甲：嗓子哑", "乙：少说话"],
        ["护工：嗓子哑", "家政：少说话", "好的"],
        ["医生：我嗓子哑", "少说话", "医生：要几天", "五天"],  # a patient who says 医生
        ["嗓子哑", "患者：五天", "少说话"],
    ],
)
def test_a_speaker_is_never_guessed(texts):
    with pytest.raises(RowError) as error:
        turns(texts)
    assert error.value.rule == "unknown_role"
    assert error.value.evidence


MESSAGES = [{"role": "user", "content": "嗓子哑"}, {"role": "assistant", "content": "少说话"}]
TWO = [(U, "嗓子哑"), (A, "少说话")]
NULLS = {"role": None, "content": None, "from": "human", "value": "嗓子哑"}
FORMS = {
    "nulls beside": [NULLS, {**NULLS, "role": "bot", "content": "少说话", "from": "", "value": None}],
    "nan beside": [{**NULLS, "role": float("nan")}, MESSAGES[1]],
    "speaker and sentence": [{"speaker": "患者", "sentence": "嗓子哑"}, {"speaker": "医生", "text": "少说话"}],
    "other case": [{"Role": "User", "Content": "嗓子哑"}, {"ROLE": "GPT", "Value": "少说话"}],
    "mixed names": [{"role": "user", "value": "嗓子哑"}, {"from": "assistant", "content": "少说话"}],
    "Chinese names": [{"角色": "患者", "内容": "嗓子哑"}, {"角色": "医生", "内容": "少说话"}],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "嗓子哑", "image_url": None}]},
              {"role": "assistant", "content": [{"type": "output_text", "text": "少说话"}]}],
    "one part": [{"role": "user", "content": {"type": "text", "text": "嗓子哑"}}, MESSAGES[1]],
    "parts by name": [{"role": "user", "parts": [{"text": "嗓子哑"}]}, {"role": "model", "parts": ["少说话"]}],
    "JSON": json.dumps(MESSAGES),
    "JSON, readable": json.dumps(MESSAGES, ensure_ascii=False, indent=1),
    "Python": repr(MESSAGES),
    "NumPy": "\n ".join(map(repr, MESSAGES)).join("[]"),
    "each as JSON": [json.dumps(message) for message in MESSAGES],
    "object of lists": {"role": ["user", "assistant"], "content": ["嗓子哑", "少说话"]},
    "object of lists of from": {"from": ["human", "gpt"], "value": ["嗓子哑", "少说话"], "weight": [0, 1]},
    "object of questions": {"question": ["嗓子哑"], "answer": ["少说话"]},
    "objects of a pair": [{"question": "嗓子哑", "answer": "少说话"}],
    "human and assistant": [{"human": "嗓子哑", "assistant": "少说话"}],
    "sorted names": [{"assistant": "少说话", "human": "嗓子哑"}],
    "instruction": [{"instruction": "嗓子哑", "input": "", "output": "少说话"}],
    "keys are speakers": [{"患者": "嗓子哑"}, {"医生": "少说话"}],
    "keys in one": [{"患者": "嗓子哑", "医生": "少说话", "id": 3}],
    "lists of two": [["嗓子哑", "少说话"]],
    "lists by speaker": [["user", "嗓子哑"], ["assistant", "少说话"]],
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form):
    assert said(FORMS[form]) == TWO


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["conversations", "dialogue", "Messages", "data", "turns"])
def test_every_form_through_the_layout(tmp_path, form, name):
    (made,) = read_rows("sharegpt", tmp_path, [{name: FORMS[form], "messages": None}])
    assert spoken(made) == TWO


@pytest.mark.parametrize(
    "form", ["nulls beside", "parts", "object of lists", "human and assistant"]
)
def test_forms_in_parquet(tmp_path, form):
    other = [{"role": "user", "content": "咳"}, {"role": "assistant", "content": "几天"}]
    rows = [FORMS[form], other] if form == "nulls beside" else [FORMS[form]]
    pq.write_table(pa.table({"messages": rows}), tmp_path / "a.parquet")
    made = read("parquet", tmp_path, kind="dialogue")
    assert spoken(made[0]) == TWO


def test_messages_as_json_in_a_column_of_texts(tmp_path):
    pq.write_table(pa.table({"messages": [json.dumps(MESSAGES)]}), tmp_path / "a.parquet")
    (made,) = read("parquet", tmp_path, kind="dialogue")
    assert spoken(made) == TWO


@pytest.mark.parametrize(
    ("value", "rule", "told"),
    [
        ({"role": ["user"], "content": ["嗓子哑", "少说话"]}, "wrong_type", "role 1, content 2"),
        ('[{"role": "user", "content": "嗓子', "json_invalid", "cut off"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": "a"}]}], "not_text", "image_url"),
        ([{"role": "user", "content": [{"image": "a.png"}, {"text": "看"}]}], "not_text", "image"),
        ([{"role": "assistant", "content": [{"type": "tool_use"}]}], "tool_use", "tool_use"),
        ([{"role": "assistant", "content": None, "function_call": {"name": "f"}}], "tool_use", "calls"),
        ([{"role": "assistant", "tool_calls": [{"name": "f"}]}], "tool_use", "tool_calls"),
        ([{"question": "嗓子哑", "answer": "少说话", "output": "喝水"}], "wrong_type", "answer, output"),
        ([{"role": "护工", "content": "嗓子哑"}], "unknown_role", "护工"),
        ([{"content": "嗓子哑", "doctor": "王"}], "missing_field", "content, doctor"),
        ([{"user": "u1", "text": "嗓子哑"}], "missing_field", "user, text"),
        ([{"role": "user", "words": "嗓子哑"}], "missing_field", "role, words"),
        ([["嗓子哑", "少说话"], ["再见"]], "wrong_type", "expected [question, answer]"),
        ([{"role": "user", "content": "嗓子哑"}, None], "wrong_type", "NoneType"),
    ],
)  # fmt: skip
def test_what_is_not_read_says_what_was_found(tmp_path, value, rule, told):
    (made,) = read_rows("sharegpt", tmp_path, [{"messages": value}])
    assert (made.rule, told in made.evidence) == (rule, True), made


def test_a_part_that_is_a_thought_is_the_trace():
    parts = [{"type": "thinking", "thinking": "声带"}, {"type": "text", "text": "少说话"}]
    (_, reply) = turns([MESSAGES[0], {"role": "assistant", "content": parts}])
    assert (reply.content, reply.reasoning_content) == ("少说话", "声带")


@pytest.mark.parametrize("layout", ["sharegpt", "instruction", "preference_pairs"])
@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"images": ["a.png"]}, "not_text"),
        ({"audio": "a.wav"}, "not_text"),
        ({"tools": [{"name": "f"}]}, "tool_use"),
        ({"images": [], "audio": None, "videos": [None], "tools": "[]"}, None),
    ],
)
def test_rows_of_more_than_text(tmp_path, layout, more, rule):
    row = {
        "sharegpt": {"messages": MESSAGES},
        "instruction": {"instruction": "嗓子哑", "output": "少说话"},
        "preference_pairs": {"prompt": "嗓子哑", "chosen": "少说话", "rejected": "不知道"},
    }[layout]
    (made,) = read_rows(layout, tmp_path, [row | more])
    assert (made.rule if isinstance(made, Malformed) else None) == rule


@pytest.mark.parametrize(
    "history",
    [
        [["嗓子哑", "几天了"]],
        [["user", "嗓子哑"], ["assistant", "几天了"]],
        [{"question": "嗓子哑", "answer": "几天了"}],
        [{"role": "user", "content": "嗓子哑"}, {"role": "assistant", "content": "几天了"}],
        {"role": ["user", "assistant"], "content": ["嗓子哑", "几天了"]},
        ["嗓子哑", "几天了"],
        '[["嗓子哑", "几天了"]]',
    ],
)
def test_histories(tmp_path, history):
    row = {"Instruction": "五天", "Output": "少说话", "history": history}
    (made,) = read_rows("instruction", tmp_path, [row])
    assert spoken(made) == [(U, "嗓子哑"), (A, "几天了"), (U, "五天"), (A, "少说话")]


GOOD, BAD = {"role": "assistant", "content": "少说话"}, {"role": "assistant", "content": "不知道"}
ASKED = MESSAGES[:1]
PAIRS = {
    "rejected_response": {"messages": MESSAGES, "rejected_response": "不知道"},
    "as a message": {"messages": MESSAGES, "rejected_response": [BAD]},
    "as a list of a text": {"messages": MESSAGES, "rejected_response": ["不知道"]},
    "rejected_messages": {"messages": MESSAGES, "rejected_messages": [*ASKED, BAD]},
    "nulls beside": {"messages": MESSAGES, "chosen": None, "rejected": None, "rejected_response": "不知道"},
    "the turns end with the chosen": {"prompt": "嗓子哑", "messages": MESSAGES, "chosen": MESSAGES,
                                      "rejected": [*ASKED, BAD]},
    "in the replies": {"chosen": MESSAGES, "rejected": [*ASKED, BAD]},
    "as JSON": {"chosen": json.dumps(MESSAGES), "rejected": json.dumps([*ASKED, BAD])},
    "prompt as messages": {"prompt": ASKED, "chosen": GOOD, "rejected": BAD},
    "prompt as JSON": {"prompt": json.dumps(ASKED), "chosen": "少说话", "rejected": "不知道"},
    "by speaker": {"chosen": "\n\nHuman: 嗓子哑\n\nAssistant: 少说话",
                   "rejected": "\n\nHuman: 嗓子哑\n\nAssistant: 不知道"},
    "to be completed": {"prompt": "Human: 嗓子哑\n\nAssistant:", "chosen": "少说话", "rejected": "不知道"},
    "chosen_response": {"question": "嗓子哑", "chosen_response": "少说话", "rejected_response": "不知道"},
    "other case": {"Prompt": "嗓子哑", "Chosen": "少说话", "Rejected": "不知道"},
}  # fmt: skip


@pytest.mark.parametrize("form", PAIRS)
def test_pairs_in_every_form(tmp_path, form):
    (made,) = read_rows("preference_pairs", tmp_path, [PAIRS[form]])
    assert isinstance(made, Dialogue), made
    assert [(by, text.strip()) for by, text in spoken(made)] == TWO[:1]
    assert [(c.text.strip(), c.rank) for c in made.candidates] == [("少说话", 0), ("不知道", 1)]


MARKED = {
    "in brackets": " <user>: 嗓子哑了 <bot>: 多久了？ <user>: 三天，<3 次咳嗽",
    "without colons": "<human>嗓子哑了<assistant>多久了？<human>三天，<3 次咳嗽",
    "closed": "<患者>嗓子哑了</患者>\n<医生>多久了？</医生>\n<患者>三天，<3 次咳嗽</患者>",
    "to be completed": "<user>: 嗓子哑了 <bot>: 多久了？ <user>: 三天，<3 次咳嗽 <bot>:",
    "a template": "<|user|>\n嗓子哑了</s>\n<|assistant|>\n多久了？</s>\n<|user|>\n三天，<3 次咳嗽</s>\n<|assistant|>",
    "ChatML": "<|im_start|>user\n嗓子哑了<|im_end|>\n<|im_start|>assistant\n多久了？<|im_end|>\n"
    "<|im_start|>user\n三天，<3 次咳嗽<|im_end|>\n<|im_start|>assistant\n",
    "headers": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n嗓子哑了<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n多久了？<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\n三天，<3 次咳嗽<|eot_id|>",
}


@pytest.mark.parametrize("form", MARKED)
@pytest.mark.parametrize("layout", ["instruction", "query_response"])
def test_speakers_that_are_marked_in_a_prompt(tmp_path, layout, form):
    names = {"instruction": ("instruction", "output"), "query_response": ("query", "response")}
    row = dict(zip(names[layout], (MARKED[form], "少说话"), strict=True))
    (made,) = read_rows(layout, tmp_path, [row])
    assert spoken(made) == [(U, "嗓子哑了"), (A, "多久了？"), (U, "三天，<3 次咳嗽"), (A, "少说话")]


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        ("<user>: 嗓子哑了", [(U, "嗓子哑了")]),
        ("嗓子哑了<user>", [(U, "嗓子哑了<user>")]),
        ("<b>嗓子</b>哑了<user>", [(U, "<b>嗓子</b>哑了<user>")]),
        ("<5 岁的孩子嗓子哑>了", [(U, "<5 岁的孩子嗓子哑>了")]),
        ("<user>: 嗓子哑了 <bot>: 多久了？", "prompt_ends_with_reply"),
        ("<user>: 嗓子哑了 <user>: 三天了", [(U, "嗓子哑了\n三天了")]),
        ("<system>你是医生。<user>嗓子哑了", [(S, "你是医生。"), (U, "嗓子哑了")]),
    ],
)
def test_prompts_with_marks_of_their_own(tmp_path, asked, outcome):
    (made,) = read_rows("instruction", tmp_path, [{"instruction": asked, "output": "少说话"}])
    if isinstance(outcome, str):
        assert made.rule == outcome
    else:
        assert spoken(made) == [*outcome, (A, "少说话")]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"messages": MESSAGES, "rejected_response": "少说话"}, "chosen_equals_rejected"),
        ({"messages": ASKED, "rejected_response": "不知道"}, "not_one_reply"),
        ({"messages": MESSAGES, "rejected_response": ""}, "empty_reply"),
        ({"messages": MESSAGES}, "missing_field"),
        ({"messages": MESSAGES, "chosen": "喝水", "rejected": "不知道"}, "prompt_ends_with_reply"),
    ],
)
def test_pairs_beside_messages_that_are_none(tmp_path, row, rule):
    (made,) = read_rows("preference_pairs", tmp_path, [row])
    assert made.rule == rule


def test_a_system_message_of_the_row_comes_first_beside_messages(tmp_path):
    row = {"system": "你是医生。", "messages": MESSAGES, "rejected_response": "不知道"}
    (made,) = read_rows("preference_pairs", tmp_path, [row])
    assert spoken(made) == [(S, "你是医生。"), *TWO[:1]]


def test_scored_and_ranked_rows_take_the_same_forms(tmp_path):
    responses = [{"text": "少说话", "score": 2}, {"text": "喝水", "score": 1}]
    rows = [
        {"messages": ASKED, "responses": responses},
        {"dialogue": json.dumps(ASKED), "responses": json.dumps(responses)},
        {"Messages": {"role": ["user"], "content": ["嗓子哑"]}, "Responses": responses},
    ]
    made = read_rows("scored", tmp_path, rows)
    assert outcome(made) == [(str(n), "Dialogue") for n in range(3)]
    ranked = [{"Instruction": "嗓子哑", "Output": ["少说话", "喝水"]},
              {"messages": ASKED, "output": '["少说话", "喝水"]'}]  # fmt: skip
    made += read_rows("ranked", tmp_path, ranked)
    for one in made:
        assert spoken(one) == TWO[:1]
        assert [c.text for c in one.candidates] == ["少说话", "喝水"]


def test_ranks_in_columns(tmp_path):
    row = {"query": "嗓子哑", "history": [], "rank2": "喝水", "rank1": "少说话", "rank10": "不知道"}
    (made,) = read_rows("ranked", tmp_path, [row])
    assert [(c.text, c.rank) for c in made.candidates] == [
        ("少说话", 0),
        ("喝水", 1),
        ("不知道", 2),
    ]


def test_a_page_whose_names_of_the_other_form_are_null(tmp_path):
    rows = [
        {"question_content": None, "question": "嗓子哑？", "answers": None, "answer_1": "少说话"},
        {"question_content": "嗓子哑？", "question": None, "answers": [{"answer": "少说话"}], "answer_1": None},
    ]  # fmt: skip
    for page in read_rows("chimed_pages", tmp_path, rows):
        assert (page.question, [a.text for a in page.answers]) == ("嗓子哑？", ["少说话"])


@pytest.mark.parametrize("word", ["nan", "NULL", "None", " N/A ", "\\N"])
def test_words_for_nothing_are_no_turns_and_no_replies(tmp_path, word):
    asked, empty = {"role": "user", "content": "嗓子哑"}, {"role": "assistant", "content": word}
    rows = {
        "sharegpt": [
            [
                {"messages": [asked, empty]},
                {"messages": ["嗓子哑", word]},
                {"messages": [word, "喝水"]},
            ],
            "empty_turn",
        ],
        "preference_pairs": [
            [
                {"prompt": "嗓子哑", "chosen": "少说话", "rejected": word},
                {"prompt": "嗓子哑", "chosen": word, "rejected": "喝水"},
                {"messages": [asked, empty], "rejected_response": "喝水"},
            ],
            "empty_reply empty_turn",
        ],
        "instruction": [[{"instruction": "嗓子哑", "output": word}], "no_answer"],
    }
    for layout, (given, rules) in rows.items():
        for made in read_rows(layout, tmp_path, given):
            assert isinstance(made, Malformed), (layout, made)
            assert made.rule in rules.split()
    (tmp_path / "a.txt").write_text(f"嗓子哑\n{word}\n\n{word},{word}\n喝水\n", "utf-8")
    assert [m.rule for m in read("qa_blocks", tmp_path / "a.txt")] == [
        "no_answer",
        "empty_question",
    ]
    system = {"role": "system", "content": word}
    (made,) = read_rows(
        "sharegpt", tmp_path, [{"messages": [system, asked, {**empty, "content": "喝水"}]}]
    )
    assert spoken(made) == [(U, "嗓子哑"), (A, "喝水")]


def test_a_table_of_prompts_is_no_prompt_with_rival_replies(tmp_path):
    asked, said = ["嗓子哑怎么办", "几天能好"], ["少说话", "一周上下"]
    scored = [{"text": text, "score": n} for n, text in enumerate(said)]
    rows = {
        "ranked": [
            {"instruction": asked, "output": said},
            {"question": "嗓子哑", "output": [said, ["喝水", "休息"]]},
        ],
        "scored": [{"prompt": asked, "responses": scored}],
    }
    for layout, given in rows.items():
        assert [m.rule for m in read_rows(layout, tmp_path, given)] == ["list_for_text"] * len(
            given
        )
    spoken_for = {"prompt": ["问：嗓子哑", "答：哑了几天", "问：五天"]}
    scored.append({"text": "喝水", "score": 5})
    (made,) = read_rows("scored", tmp_path, [spoken_for | {"responses": scored}])
    assert spoken(made) == [(U, "嗓子哑"), (A, "哑了几天"), (U, "五天")]

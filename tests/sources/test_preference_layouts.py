"""Layouts of rival replies: preference_pairs, ranked, scored, over files in their true layout."""

from __future__ import annotations

import json
import shutil

import pytest
from layout_reading import FIXTURES, outcome, read, read_rows, spoken

from chimed_datasets.records import Answer, Dialogue, Malformed, Message, batches
from chimed_datasets.rows.pairs import Settings, propose
from chimed_datasets.sources.parsing.messages import rivals, shared_prompt


def texts(record: Dialogue) -> list[tuple[str, int | None]]:
    return [(c.text, c.rank) for c in record.candidates]


# --- preference_pairs ------------------------------------------------------------------------


def test_preference_pairs():
    made = read("preference_pairs", FIXTURES / "preference_pairs/rows.json")
    assert outcome(made) == [
        *((str(n), "Dialogue") for n in range(5)),
        ("5", "chosen_equals_rejected"),
        ("6", "missing_field"),
        ("7", "empty_reply"),
        ("8", "missing_field"),
        ("9", "prompt_ends_with_reply"),
        ("10", "not_one_reply"),
    ]
    assert made[0] == Dialogue(
        "rows.json#0",
        [Message("system", "你是急诊医生。"), Message("user", "烫伤起泡了，可以挑破吗？")],
        [
            Answer("不要挑破，流水冲十五分钟后盖上干净纱布。", rank=0),
            Answer("挑破涂牙膏。", rank=1),
        ],
    )
    assert spoken(made[1]) == [("user", "流鼻血要仰头吗？")]
    # What both lists begin with is the prompt, and is no part of the replies.
    assert spoken(made[2]) == [("user", "发烧要捂汗吗？")]
    assert texts(made[2]) == [("不要捂，减少衣物。", 0), ("捂出汗就好。", 1)]
    # One side repeats the prompt without its system message, the other does not.
    assert spoken(made[3]) == [("system", "你是药师。"), ("user", "头孢后能喝酒吗？")]
    assert texts(made[3]) == [("停药一周内不要喝酒。", 0), ("少喝一点没事。", 1)]
    assert spoken(made[4]) == [
        ("user", "你好"),
        ("assistant", "您好，请讲。"),
        ("user", "解释检验单\n血红蛋白九十二"),
    ]
    assert texts(made[4]) == [("轻度贫血，查铁蛋白。", 0), ("正常。", 1)]
    assert made[10].evidence == "beyond the prompt there is: assistant, user, assistant"


def said(*contents: str) -> list[dict]:
    return [
        {"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(contents)
    ]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"prompt": "问", "chosen": 3, "rejected": "乙"}, "wrong_type"),
        ({"prompt": "问", "chosen": [], "rejected": "乙"}, "empty_reply"),
        ({"prompt": "问", "chosen": said("问"), "rejected": "乙"}, "not_one_reply"),
        ({"prompt": " ", "chosen": "甲", "rejected": "乙"}, "empty_question"),
        ({"prompt": [], "chosen": "甲", "rejected": "乙"}, "empty_question"),
        ({"chosen": said("问", "甲"), "rejected": said("另问", "乙")}, "missing_field"),
        ({"chosen": said("问", "甲"), "rejected": said("问", "甲")}, "chosen_equals_rejected"),
        ({"prompt": "问", "chosen": said("问", "甲"), "rejected": "甲"}, "chosen_equals_rejected"),
        # The dialogues part before their last reply: no prompt is shared by the last replies.
        (
            {"chosen": said("问", "甲", "再问", "丙"), "rejected": said("问", "乙", "再问", "丁")},
            "not_one_reply",
        ),
    ],
)
def test_pairs_that_are_none(tmp_path, row, rule):
    (made,) = read_rows("preference_pairs", tmp_path, [row])
    assert made.rule == rule


# --- ranked ----------------------------------------------------------------------------------


def test_ranked():
    made = read("ranked", FIXTURES / "ranked/rows.json")
    assert outcome(made) == [
        ("0", "Dialogue"),
        ("1", "Dialogue"),
        ("2", "wrong_type"),
        ("3", "no_answer"),
        ("4", "empty_question"),
    ]
    assert [role for role, _ in spoken(made[0])] == ["user", "assistant", "user"]
    assert [rank for _, rank in texts(made[0])] == [0, 1, 2]
    assert texts(made[1]) == [("病毒性感冒不需要抗生素。", 0), ("要吃。", 1)]
    assert made[1].metadata == {"empty_replies": "1", "repeated_replies": "1"}


def test_a_repeated_text_with_two_scores_is_ranked_by_neither():
    kept, counts = rivals([Answer("甲", score=5), Answer("乙", score=4), Answer(" 甲 ", score=3)])
    assert [(a.text, a.score) for a in kept] == [("甲", None), ("乙", 4)]
    assert counts == {"repeated_replies": "1"}


# --- scored ----------------------------------------------------------------------------------


def test_scored_rows():
    made = read("scored", FIXTURES / "scored/rows.jsonl")
    assert outcome(made) == [
        ("0", "Dialogue"),
        ("1", "Dialogue"),
        ("2", "criteria_differ"),
        ("3", "bad_score"),
        ("4", "wrong_type"),
        ("5", "no_answer"),
        ("6", "missing_field"),
    ]
    assert [(c.model, c.score) for c in made[0].candidates] == [
        ("甲", 4.5),
        ("乙", 1.0),
        ("丙", None),
    ]
    assert made[0].metadata == {}
    assert spoken(made[1]) == [("user", "解释病名\n荨麻疹")]
    assert [(c.model, c.score) for c in made[1].candidates] == [("甲", 4.5), ("乙", 2.5)]
    assert made[1].metadata == {"criteria": "准确, 易懂"}


RATED = {
    "prompt": "发热怎么办？",
    "judges": ["seed0", "seed1"],
    "responses": [
        {"model": "甲", "text": "多喝水。", "ratings": [0.5, 1.5]},
        {"model": "乙", "text": "捂汗。", "ratings": [-1, None]},
    ],
}


def test_ratings_of_an_ensemble(tmp_path):
    (made,) = read_rows("scored", tmp_path, [RATED], by="rm")
    assert made.metadata == {"judges": "seed0, seed1", "ranked_by": "rm"}
    assert [(c.score, c.ratings) for c in made.candidates] == [
        (1.0, [0.5, 1.5]),
        (-1.0, [-1, None]),
    ]


@pytest.mark.parametrize("value", ["0.5", ["0.5"], [True], [float("inf")], {"a": 1}])
def test_ratings_that_are_none(tmp_path, value):
    (made,) = read_rows(
        "scored", tmp_path, [RATED | {"responses": [{"text": "答", "ratings": value}]}]
    )
    assert made.rule == "bad_score"


def test_dialogues_of_several_models_are_joined_with_their_scores():
    made = read("scored", FIXTURES / "scored/disc_medllm")
    assert made[0] == Malformed(
        "gpt4_scores/cmd/result_gamma_cmd.jsonl#0-7",
        "score_without_dialogue",
        "gamma has no dialogue CMD#0-7",
    )
    assert [m.key for m in made[1:]] == ["CMD#0-7", "CMD#0-9"]
    first, second = made[1:]
    assert first == Dialogue(
        "CMD#0-7",
        [Message("user", "孩子半夜咳嗽怎么办？")],
        [
            Answer("咳了几天？有没有发烧？", model="alpha", score=4.875),
            Answer("吃止咳药。", model="beta", score=2.75),
        ],
        "儿科",
        metadata={
            "难度": "易",
            "judged_turns": "4",
            "criteria": "Accuracy, Helpfulness, Linguistic Quality, Proactivity",
        },
    )
    assert [(c.model, c.score) for c in second.candidates] == [("alpha", 4.5), ("beta", None)]
    assert second.department == "内科"


def test_the_join_does_not_depend_on_which_file_comes_first(tmp_path):
    shutil.copytree(FIXTURES / "scored/disc_medllm", tmp_path / "same")
    scores = tmp_path / "same/gpt4_scores"
    scores.rename(tmp_path / "same/0_scores")  # now before the dialogues
    there = read("scored", FIXTURES / "scored/disc_medllm")
    assert sorted(map(repr, read("scored", tmp_path / "same"))) == sorted(
        repr(m).replace("gpt4_scores", "0_scores") for m in there
    )


def test_an_empty_file_among_those_that_are_joined_is_told_of(tmp_path):
    shutil.copytree(FIXTURES / "scored/disc_medllm", tmp_path / "same")
    (tmp_path / "same/none.json").touch()
    assert read("scored", tmp_path / "same")[-1] == Malformed(
        "none.json#0", "no_records", "0 bytes"
    )


def dialogue(ident: str, model: str, *contents: str, **more: object) -> dict:
    return {"id": ident, "model": model, "conversation": said(*contents), **more}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # Not one turn is shared.
        ([dialogue("1", "a", "问", "甲"), dialogue("1", "b", "另问", "乙")], ["no_shared_prompt"]),
        # The same model twice: the first stays.
        ([dialogue("1", "a", "问", "甲"), dialogue("1", "a", "问", "乙")], ["repeated_row", "甲"]),
        ([dialogue("1", "a", "问", "甲", score=2, dataset_info=7)], ["wrong_type"]),
        (
            [dialogue("1", "a", "问", "甲"), {"id": "1", "model": "a", "scores": "好"}],
            ["bad_score", "甲"],
        ),
        ([{"id": "1", "model": "a", "scores": None}], ["missing_field"]),
        ([{"id": "1", "model": "a", "scores": {"x": None, "y": 2}}], ["bad_score"]),
        ([{"id": "1", "scores": "3"}], ["missing_field"]),
        ([{"model": "a", "scores": "3"}], ["missing_field"]),
        (
            [
                dialogue("1", "a", "问", "甲", scores={"x": 3}),
                dialogue("1", "b", "问", "乙", score=2),
            ],
            ["criteria_differ"],
        ),
        # Two sets may use the same ids.
        (
            [
                dialogue("1", "a", "问", "甲", source="s"),
                dialogue("1", "a", "问", "乙", source="t"),
            ],
            ["甲", "乙"],
        ),
    ],
)
def test_joined_rows(tmp_path, rows, expected):
    made = read_rows("scored", tmp_path, rows)
    assert [m.rule if isinstance(m, Malformed) else m.candidates[0].text for m in made] == expected


def test_the_prompt_is_all_that_the_dialogues_share(tmp_path):
    rows = [
        dialogue("1", "a", "问", "几天？", "三天", "吃药", score=4),
        dialogue("1", "b", "问", "几天？", "三天", "喝水", "好", "再见", score="3.5"),
    ]
    (made,) = read_rows("scored", tmp_path, rows)
    assert [content for _, content in spoken(made)] == ["问", "几天？", "三天"]
    assert [(c.text, c.score) for c in made.candidates] == [("吃药", 4.0), ("喝水", 3.5)]
    assert made.metadata == {"judged_turns": "6"}


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ([("q", "a"), ("q", "b")], ["q"]),
        ([("q", "a"), ("q", "a")], ["q"]),
        ([("q", "a", "r", "s"), ("q", "a")], ["q"]),
        ([("q", "a", "r", "s")], ["q", "a", "r"]),
        ([("q", "a"), ("p", "b")], []),
        ([("q",), ("q",)], []),
        ([(), ("q", "a")], []),
    ],
)
def test_shared_prompt(contents, expected):
    dialogues = [
        [Message(("user", "assistant")[n % 2], text) for n, text in enumerate(talk)]
        for talk in contents
    ]
    assert [m.content for m in shared_prompt(dialogues)] == expected


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (4, 4.0),
        ("4.5", 4.5),
        (None, None),
        ("", None),
        (float("nan"), None),
        ({}, None),
        ({"a": 1, "b": "2"}, 1.5),
        ("准确性：4/5\n\n 完整性: 3分 ", 3.5),
        ("Linguistic Quality: 4.5", 4.5),
        (True, "bad_score"),
        ([4], "bad_score"),
        ("4 of 5", "bad_score"),
        (float("inf"), "bad_score"),
        ("准确: 4\n说得好", "bad_score"),
        ({"a": {"b": 1}}, "bad_score"),
    ],
)
def test_scores(tmp_path, score, expected):
    row = {"prompt": "问", "responses": [{"text": "答", "score": score}]}
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([row]), "utf-8")
    (made,) = read("scored", path)
    got = made.rule if isinstance(made, Malformed) else made.candidates[0].score
    assert got == expected


# --- real files ------------------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("key", "path", "records", "candidates", "strict"),
    [
        ("preference_pairs", "dpo_zh_demo.json", 300, 600, 300),
        ("preference_pairs", "dpo_zh_500.jsonl", 500, 1000, 500),
        ("ranked", "oaast_rm_zh.json", 775, 1987, 1798),
        ("scored", "disc_medllm", 241, 1446, 1937),
    ],
)
def test_real_files(shared_data, key, path, records, candidates, strict):
    made = read(key, shared_data / "preference" / path)
    assert len(made) == records
    assert sum(len(m.candidates) for m in made) == candidates
    rows = [
        row
        for batch in batches(made, source="s", license="l", domain="d")
        for row in batch.to_pylist()
    ]
    found = [propose(row, Settings()) for row in rows]
    assert sum(len(f) for f in found if isinstance(f, list)) == strict


@pytest.mark.real_data
def test_every_real_model_answers_the_same_first_question(shared_data):
    made = read("scored", shared_data / "preference/disc_medllm")
    assert {len(m.candidates) for m in made} == {6}
    assert {len(m.messages) for m in made} == {1}
    assert {m.metadata["judged_turns"] for m in made} == {"6"}
    assert [m.key for m in made if any(c.score is None for c in m.candidates)] == ["CMD#0-33275"]

"""A record as prompt and replies."""

from __future__ import annotations

import pytest

from chimed_datasets.rows.conversation import asked, best_answers, good_replies, prompt, rivals


def answer(text, **marks):
    blank = {"adopted": None, "recommended": None, "score": None, "rank": None, "model": None}
    return {"text": text, **blank, **marks}


def thread(*answers, title=None, question="头痛怎么办？"):
    return {"title": title, "question": question, "answers": list(answers)}


def dialogue(*contents, candidates=()):
    messages = [
        {"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(contents)
    ]
    return {"messages": messages, "candidates": list(candidates)}


@pytest.mark.parametrize(
    ("title", "question", "text"),
    [
        (None, "头痛怎么办？", "头痛怎么办？"),
        ("头痛", "头痛怎么办？", "头痛怎么办？"),
        ("头痛三天怎么办？", "头痛三天", "头痛三天怎么办？"),
        ("偏头痛", "三天了怎么办？", "偏头痛\n三天了怎么办？"),
    ],
)
def test_title_and_question_are_one_message(title, question, text):
    assert prompt(thread(title=title, question=question)) == [{"role": "user", "content": text}]


@pytest.mark.parametrize(
    ("contents", "left"),
    [(("问",), 1), (("问", "答"), 1), (("问", "答", "再问"), 3), (("问", "答", "再问", "再答"), 3)],
)
def test_what_was_asked_ends_with_the_user(contents, left):
    record = dialogue(*contents)
    assert asked(record) == record["messages"][:left]
    assert len(record["messages"]) == len(contents)  # the record keeps its own


def test_rivals_are_answers_or_candidates():
    assert [r["text"] for r in rivals(thread(answer("甲"), answer("乙")))] == ["甲", "乙"]
    assert [r["text"] for r in rivals(dialogue("问", candidates=[answer("丙")]))] == ["丙"]


@pytest.mark.parametrize(
    ("record", "good"),
    [
        (thread(answer("甲"), answer("乙", adopted=True)), ["乙"]),
        (thread(answer("甲", recommended=True), answer("乙", adopted=False)), ["甲"]),
        (thread(answer("甲"), answer("乙")), ["甲", "乙"]),
        (dialogue("问", candidates=[answer("甲", score=1.0), answer("乙", score=2.0)]), ["乙"]),
        (dialogue("问", candidates=[answer("甲", rank=1), answer("乙", rank=0)]), ["乙"]),
        (dialogue("问", candidates=[answer("甲"), answer("乙")]), []),
        (dialogue("问", "答"), ["答"]),
        (dialogue("问"), []),
    ],
)
def test_good_replies(record, good):
    assert good_replies(record) == good
    if "answers" in record:
        assert [a["text"] for a in best_answers(record)] == good

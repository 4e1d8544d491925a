"""The rule reward: which options an answer in Chinese chooses. The table is the rule."""

from __future__ import annotations

import pytest

OPTIONS = {"A": "心包炎", "B": "心肌炎", "C": "心绞痛", "D": "心肌梗死", "E": "高血压"}

ONE = [
    # the letter alone, or before the option
    ("B", "B"), ("b", "B"), ("B.", "B"), ("B。", "B"), ("（B）", "B"), ("【B】", "B"), ("Ｂ", "B"), ("**B**", "B"),
    ("B. 心肌炎", "B"), ("B、心肌炎", "B"), ("B 心肌炎", "B"), ("B：心肌炎", "B"), ("B心肌炎", "B"), ("(D) 心肌梗死", "D"),
    # 答案
    ("答案是B", "B"), ("答案：B", "B"), ("答案:B。", "B"), ("答案为 B", "B"), ("正确答案是B", "B"), ("正确答案：（B）", "B"),
    ("【答案】B", "B"), ("本题答案为B项。", "B"), ("答：B", "B"), ("答案应该是 (D)", "D"), ("答案选B", "B"),
    ("所以，正确答案是：B. 心肌炎", "B"), ("答案是**B. 心肌炎**", "B"), ("**答案：B**", "B"), ("B是正确答案", "B"),
    ("最终答案：\\boxed{B}", "B"), ("\\boxed{B}", "B"), ("$\\boxed{\\text{B}}$", "B"), ("<answer>B</answer>", "B"),
    ("The answer is B.", "B"), ("Answer: (B)", "B"),
    # 选
    ("选B", "B"), ("应选B", "B"), ("应选择D项", "D"), ("故选B。", "B"), ("故本题选B", "B"), ("所以应该选择B选项。", "B"),
    ("我选择 B", "B"), ("选 B 项", "B"), ("解：选B", "B"), ("选项B", "B"), ("选D. 心肌梗死", "D"), ("宜选D。", "D"),
    # 正确
    ("正确的选项是B", "B"), ("正确选项为B：心肌炎", "B"), ("B项正确", "B"), ("B选项是正确的。", "B"), ("只有B正确", "B"),
    ("选项D正确", "D"), ("A错误，无摩擦音；B正确；C错误；D错误。", "B"),
    # the text of the option
    ("心肌炎", "B"), ("最可能的诊断是心肌炎。", "B"), ("答案：心肌炎", "B"), ("不是心包炎，是心肌炎", "B"),
    # a negated option
    ("A不对，C不对，应选B。", "B"), ("不是A，而是B。", "B"), ("排除A、C、D、E，选B。", "B"), ("不选A，选B", "B"),
    ("答案不是A，是B", "B"), ("A、C、D、E均不符合，因此答案是B", "B"), ("除A外都可以排除，故选A", "A"),
    ("选B，不选A", "B"), ("答案：B（心肌炎），而不是A（心包炎）。", "B"), ("不能选B", ""), ("B是错误的", ""),
    ("答案不是B", ""), ("A和C都不对", ""), ("排除B", ""), ("B项不正确", ""),
    # thoughts, and what is said behind the answer
    ("<think>可能是A，也可能是C。</think>\n答案：B", "B"), ("<think>答案：A</think>B", "B"), ("<think>答案：A，但是", ""),
    ("首先想到A，但是综合考虑，答案是B", "B"), ("A还是B？答案：B", "B"), ("答案是A。不对，重新考虑，答案应为B。", "B"),
    ("感染后出现心悸、心律失常。\n\n答案：B", "B"), ("答案：B\n\n解析：A项有摩擦音，C项有胸痛。", "B"),
    ("B。因为A、C、D都没有发热。", "B"), ("A项：有摩擦音，不符。\nB项：符合题意。\n故选B。", "B"),
    # letters that are no options
    ("维生素B1缺乏，故选C", "C"), ("患者缺乏维生素B。", ""), ("应查CT和DNA", ""), ("做B超检查", ""), ("A型血", ""),
    ("A细胞和B细胞", ""), ("B族维生素", ""), ("血清A群抗原阳性，选D", "D"),
    # nothing chosen
    ("", ""), ("我不知道", ""), ("以上都不对", ""), ("没有正确选项", ""), ("答案：F", ""), ("请咨询医生。", ""),
    # several where one is asked
    ("A、B、C、D、E", "ABCDE"), ("答案是A或B", "AB"), ("答案：A、B", "AB"), ("选A和B", "AB"), ("AB", "AB"),
    ("B. 心包炎", "AB"), ("答案：B 高血压", "BE"), ("可能是A，也可能是B", "AB"), ("答案：A。答案：B。", "AB"), ("A B C D E都有可能，答案：A、C", "AC"),
]  # fmt: skip
SEVERAL = [
    ("ABD", "ABD"), ("A、B、D", "ABD"), ("选B、D", "BD"), ("答案：A,B,D", "ABD"), ("答案是ABD。", "ABD"), ("A B D", "ABD"),
    ("正确答案为A、B和D", "ABD"), ("应选A、B、D三项，C不正确。", "ABD"), ("A. 心包炎；B. 心肌炎；D. 心肌梗死", "ABD"),
    ("A正确，B正确，C错误，D正确。", "ABD"), ("答案：A. 心包炎\nB. 心肌炎", "AB"), ("除C、E外均正确", "ABD"),
    ("以上都是", "ABCDE"), ("全部正确", "ABCDE"), ("心包炎、心肌炎", "AB"), ("\\boxed{A, B, D}", "ABD"),
    ("答案：BDA", "ABD"), ("选A、C、D，B不选", "ACD"), ("A、B、D。C为干扰项", "ABD"), ("答案：ABD\n解析：C、E不符。", "ABD"),
    ("<think>A对，B对，C？</think>答案：AB", "AB"), ("故选：A，D", "AD"), ("B；D", "BD"), ("(A)(B)(D)", "ABD"),
    ("①心包炎 ②心肌炎，故选A、B", "AB"), ("正确选项：A、D。B、C错误。", "AD"), ("答案为A、B、C、D、E", "ABCDE"),
]  # fmt: skip
TABLE = [*((said, right, False) for said, right in ONE), *((s, r, True) for s, r in SEVERAL)]


@pytest.mark.parametrize(("said", "right", "several"), TABLE)
def test_the_letters_that_an_answer_chooses(script, said, right, several):
    assert script("rewards").chosen(said, OPTIONS, several=several) == right


def test_the_table_is_long_enough():
    assert len(TABLE) >= 80
    assert len({said for said, *_ in TABLE}) == len(TABLE)


NESTED = {"A": "肾炎", "B": "肾盂肾炎", "C": "急性肾炎"}


@pytest.mark.parametrize(
    ("said", "right"),
    [("肾盂肾炎", "B"), ("考虑急性肾炎", "C"), ("肾炎", "A"), ("诊断：急性肾盂肾炎", "B")],
)
def test_the_longest_option_counts(script, said, right):
    assert script("rewards").chosen(said, NESTED) == right


@pytest.mark.parametrize(
    ("said", "answer", "kind", "reward"),
    [
        ("答案：B", "B", "single", 1.0), ("答案：A", "B", "single", 0.0), ("答案：A、B", "B", "single", 0.0),
        ("答案：AB", "AB", "multiple", 1.0), ("答案：A", "AB", "multiple", 0.0), ("答案：ABC", "AB", "multiple", 0.0),
        ("A. 心包炎，B. 心肌炎", "AB", "multiple", 1.0), ("不知道", "B", "single", 0.0),
        ("除C外均正确", "ABDE", "multiple", 1.0),
    ],
)  # fmt: skip
def test_the_reward(script, said, answer, kind, reward):
    options = [[{"letter": a, "text": t} for a, t in OPTIONS.items()]]
    talk = [[{"role": "assistant", "content": said}]]
    for completions in (talk, [said]):
        given = script("rewards").exam_reward(
            completions=completions, answer=[answer], answer_type=[kind], options=options, more=1
        )
        assert given == [reward]


@pytest.mark.parametrize(
    "said", ["A" * 50_000, "答案：" * 20_000, "不是A，" * 20_000, "选A、" * 20_000 + "B"]
)
def test_long_answers_take_no_long_time(script, said):
    import time

    began = time.monotonic()
    script("rewards").chosen(said, OPTIONS)
    assert time.monotonic() - began < 2

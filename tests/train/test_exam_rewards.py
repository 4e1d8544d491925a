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
# Written later, in dresses that the reader had not met, three times over: before anything was mended
# for them it read 82 of 99 right, then 48 of 50, then 38 of 40.
LATER = [
    ("### 答案\n\n**B**", "B"), ("## 最终答案\nB", "B"), ("> **答案：** B. 心肌炎", "B"),
    ("- A. 心包炎 ❌\n- B. 心肌炎 ✅\n- C. 心绞痛 ❌\n- D. 心肌梗死 ❌", "B"),
    ("| 选项 | 判断 |\n|---|---|\n| A | 错误 |\n| B | 正确 |\n| C | 错误 |", "B"), ("答案：Ｂ．心肌炎", "B"), ("［答案］　Ｄ", "D"),
    ("选项Ｂ最符合题意。", "B"), ("本题的正确选项是选项B。", "B"), ("正确答案：选项 D（心肌梗死）", "D"),
    ("A选项：有摩擦音，题中没有，排除；C选项：发作性胸痛，不符；D选项：酶学升高明显，也不支持。综上，本题选B。", "B"),
    ("首先看A，心包炎多有心包摩擦音；再看C，心绞痛含服硝酸甘油可缓解；D多见于老年人。结合病毒感染史，考虑B。", "B"), ("不选A", ""), ("不应选B项。", ""), ("不选A、C，选D", "D"),
    ("排除AC，选B", "B"), ("可排除A、C、E，剩下B和D，结合发热史，最后选B。", "B"), ("排除法：A×，C×，D×，E×，只剩B。", "B"),
    ("A、C、D、E都可以排除，剩下的是B。", "B"), ("答案应为：D。", "D"), ("答案应当是选项D，即心肌梗死。", "D"),
    ("The correct answer is option B (myocarditis).", "B"), ("Option D is correct.", "D"),
    ("Therefore, I would choose B.", "B"), ("Final answer: B", "B"), ("The answer is not A; it is B.", "B"),
    ("Answer: B. Explanation: A and C are wrong because there is no friction rub.", "B"),
    ("**Answer**: B\n\n**Explanation**: A is incorrect, C is incorrect.", "B"),
    ("综上所述，答案为 $\\boxed{\\text{B. 心肌炎}}$。", "B"), ("\\[\\boxed{\\mathrm{D}}\\]", "D"), ("$$\\boxed{B}$$", "B"),
    ("我认为是B", "B"), ("应该是B吧", "B"), ("B吧，心肌炎比较像。", "B"),
    ("这道题考查心肌炎的诊断。病毒感染后两周出现心悸、乏力，首先考虑心肌炎，故正确答案为B。心包炎（A）常有胸痛和摩擦音。", "B"),
    ("答案：B\n\n选项分析：\nA. 心包炎：不符合。\nC. 心绞痛：不符合。\nD. 心肌梗死：不符合。", "B"), ("答案解析：患者有病毒感染史。答案：B", "B"),
    ("【解析】A错，C错。【答案】D", "D"), ("参考答案：D", "D"), ("标准答案是D", "D"), ("D项最为恰当", "D"), ("D为最佳答案", "D"), ("最佳选项：D", "D"),
    ("这题应当选D而不是B", "D"), ("与其选A，不如选B。", "B"), ("虽然A也有可能，但B更符合，答案选B", "B"), ("如果有摩擦音则选A，但本例没有，所以选B", "B"),
    ("很多人误选A，其实应选B。", "B"), ("易错选A，正确的是B。", "B"), ("A、B、C均错误，故选D", "D"), ("B和C容易混淆，B有感染史，C没有，故答案为B", "B"),
    ("本题无正确答案", ""), ("无法判断，可能是任何一项。", ""), ("答案：（Ｄ）心肌梗死", "D"), ("正确答案为“B”。", "B"), ("选“D”", "D"), ("答案→B", "B"),
    ("ans: B", "B"), ("{\"answer\": \"B\"}", "B"), ("```\nB\n```", "B"), ("答案是 B ，理由：A、C、D、E 均与题意不符。", "B"),
    ("患者血型为AB型，心电图V1～V4导联ST段抬高，诊断为心肌梗死，选D。", "D"), ("血清HBsAg阳性、C反应蛋白升高，故选D", "D"), ("C反应蛋白升高", ""),
    ("考虑维生素C缺乏，答案B", "B"), ("故选择：B选项——心肌炎", "B"), ("答案：B；", "B"), ("B√", "B"), ("选B（排除A、C）", "B"), ("本题选非D不可", "D"),
    ("**解答过程**\n1. 患者有上呼吸道感染史；\n2. 心电图示早搏。\n\n**结论：选 B**", "B"), ("本题选B。A选项心包炎不符合题意。", "B"),
    ("【答案】B【解析】病毒性心肌炎以青少年多见。", "B"), ("答案B", "B"), ("正确选项：Ｂ（心肌炎）", "B"), ("综上，D项是最佳选择。", "D"),
    ("因此最合适的选项是 D. 心肌梗死。", "D"), ("A项错误；C项错误；D项错误；E项错误。", ""), ("先排除A和C，再排除E，在B与D之间，胸痛持续超过30分钟，支持D。", "D"),
    ("若为青年患者，则选B；本例为老年患者，应选D。", "D"), ("题干未提示A、C，故选D。", "D"), ("此题易误选为C，正确答案为D。", "D"), ("不应选A，应选B", "B"),
    ("选项A不正确，选项B正确", "B"), ("A不符合；B符合；C不符合；D不符合", "B"), ("我的答案是：「B」", "B"), ("答案为《B》", "B"), ("答：本题应选（D）。", "D"),
    ("<think>\n也许选A？不对。\n</think>\n\n**答案：B**\n\n因为 A 没有摩擦音。", "B"), ("So the answer should be (B).", "B"),
    ("The best answer is D.", "D"), ("I would go with option D, myocardial infarction.", "D"),
    ("Option A is incorrect because there is no rub. Option B is correct.", "B"),
    ("A patient with palpitations after a viral infection most likely has myocarditis, so the answer is B.", "B"),
    ("答案就是B", "B"), ("答案当然是B啦", "B"), ("答案：B\n\n**为什么不选A？** 心包炎有摩擦音。", "B"),
    ("本题答案：B。知识点：心肌炎的诊断。错误选项A、C、D的分析略。", "B"), ("首选D", "D"), ("应首先考虑的是D", "D"), ("选择第二项", ""),
    ("这道题没有给出足够的信息，但最接近的是B", "B"), ("不排除A，但首先考虑B", "B"), ("由于缺乏A的证据，答案锁定为B。", "B"), ("A、B都像，权衡后选B。", "B"),
    ("B、D两项中，D更合适", "D"), ("答案不唯一，可选A或B", "AB"),
    ("解题思路：先看A，A为心包炎，不符；再看B，符合。\n\n所以本题应该选 **B**。", "B"), ("本题选 B 。", "B"), ("选B，理由如下：A项……C项……", "B"),
    ("B（心肌炎）是本题的正确答案，而A（心包炎）不是。", "B"), ("答案选项：D", "D"), ("D选项正确，其他选项均错误。", "D"), ("只能选D", "D"), ("毫无疑问是D。", "D"),
    ("A和C可以排除，故答案在B、D中，B更符合，选B。", "B"), ("答案为B而非A", "B"), ("应该排除的是A和C，正确的是B", "B"), ("B可能性最大", "B"), ("最可能的是B", "B"),
    ("A不正确的原因是没有摩擦音，因此选B", "B"), ("1. 分析题干\n2. 逐项判断：A✗ B✓ C✗ D✗ E✗\n3. 得出结论：B", "B"),
    ("【正确答案】 D\n【答案解析】 A、B、C选项均不正确。", "D"), ("正确答案：D，而不是A、B、C", "D"), ("选B不选D", "B"),
    ("The correct choice is (D) 心肌梗死.", "D"), ("Based on the above analysis, B is the answer.", "B"),
    ("The answer: $\\boxed{\\text{(B)}}$", "B"), ("My answer is B because C is not consistent.", "B"),
    ("\\boxed{B. 心肌炎}", "B"), ("<answer>\nB\n</answer>", "B"), ("嗯，我觉得应该选C……不对，应该选B。", "B"),
    ("起初考虑为A，后来改为B，最终答案：B", "B"), ("答案：\n\nB", "B"), ("答案：\n**B. 心肌炎**", "B"), ("B选项最合适，C选项次之", "B"),
    ("这题没有唯一答案", ""),
]  # fmt: skip
LATER_SEVERAL = [
    ("答案应为：BCD。", "BCD"), ("B、D", "BD"), ("B，D", "BD"), ("正确答案：B D", "BD"), ("**正确答案：A、B、D**\n\n- C：错误", "ABD"),
    ("选项A、B、D正确，选项C、E错误。", "ABD"), ("本题应选择A、B、D三个选项", "ABD"), ("A、B、D均正确", "ABD"), ("A（对）B（对）C（错）D（对）E（错）", "ABD"),
    ("1. A 正确\n2. B 正确\n3. C 错误\n4. D 正确\n5. E 错误", "ABD"), ("排除C、E，选ABD", "ABD"), ("除了C，其余都对", "ABDE"),
    ("除E以外都选", "ABCD"), ("\\boxed{ABD}", "ABD"), ("\\boxed{A},\\boxed{B},\\boxed{D}", "ABD"),
    ("The correct options are A, B, and D.", "ABD"), ("Answer: A, B and D", "ABD"),
    ("A, C, and E are correct; B and D are not.", "ACE"), ("答案：Ａ、Ｂ、Ｄ", "ABD"), ("答案是A B D三项", "ABD"),
    ("不选C和E，选A、B、D", "ABD"), ("五项全选", "ABCDE"), ("全选", "ABCDE"), ("A、B、C、D、E全部正确", "ABCDE"),
    ("正确的有：A、B、D；错误的有：C、E", "ABD"), ("答案：A+B+D", "ABD"), ("A和B对，D也对", "ABD"), ("答案是AB以及D", "ABD"),
    ("**答案：ABD**（C项错误）", "ABD"), ("A对；B对；C不对；D对；E不对", "ABD"), ("A √ B √ C × D √ E ×", "ABD"), ("正确的是①A ②B ③D", "ABD"),
    ("本题为多选题，正确答案为：A、B、D、E。", "ABDE"), ("答案：A、B、D（不包括C）", "ABD"), ("选ABDE，因为C与本病无关", "ABDE"),
    ("A、B、D符合，C、E不符合", "ABD"), ("应全选，即ABCDE", "ABCDE"), ("除C项外，其他选项均正确，故答案为ABDE", "ABDE"),
    ("A 和 B 均正确；C 错误；D 正确", "ABD"), ("Correct answers: A, B, D", "ABD"), ("The answers are A and C.", "AC"),
    ("A、B、D 三项均属于；C、E 不属于。", "ABD"), ("答案：**A**、**B**、**D**", "ABD"), ("应选：A、B、D；不应选：C、E", "ABD"),
    ("正确答案是ABD，C和E是错的", "ABD"), ("A:对 B:对 C:错 D:对 E:错", "ABD"),
    ("**A** ✅\n**B** ✅\n**C** ❌\n**D** ✅\n**E** ❌\n", "ABD"), ("除去C，选ABDE", "ABDE"), ("本题A、C、E都是正确答案", "ACE"),
    ("ACE", "ACE"), ("答案为A、C和E。解析：B错在……", "ACE"),
]  # fmt: skip
ONE += LATER
SEVERAL += LATER_SEVERAL
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

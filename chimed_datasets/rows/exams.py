"""Exam items as prompts and replies: how the task is put, and what is refused.

How a question is put is drawn by the record's id and a seed: the same in every build.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Literal

from .declaration import Refusal, Row

AnswerType = Literal["single", "multiple"]
ANSWER_TYPES: tuple[AnswerType, ...] = ("single", "multiple")

_HEADS = {
    "single": (
        "",
        "请回答下面的单项选择题。\n\n",
        "下面是一道医学考试题，只有一个选项正确。\n\n",
        "单选题：\n",
    ),
    "multiple": (
        "",
        "请回答下面的多项选择题。\n\n",
        "下面是一道医学考试题，正确的选项可能不止一个。\n\n",
        "多选题：\n",
    ),
}
_TAILS = {
    "single": ("请选出正确的一项。", "正确答案是哪一项？", "请给出答案。", "应该选哪一项？"),
    "multiple": (
        "请选出所有正确的选项。",
        "正确答案是哪些？",
        "请给出全部正确的选项。",
        "应该选哪几项？",
    ),
}
_CHECKED = {
    "single": (
        "请在回答的最后一行写出答案，格式为“答案：A”。",
        "先分析，再在最后写“答案：”和选项的字母。",
        "最后请用“答案：”加一个字母的形式给出结论。",
    ),
    "multiple": (
        "请在回答的最后一行写出全部正确的选项，格式为“答案：AB”。",
        "先分析，再在最后写“答案：”和所有正确选项的字母。",
        "最后请用“答案：”加字母的形式给出结论，不要遗漏。",
    ),
}
_MARKS = ("{}. {}", "{}、{}", "（{}）{}")
_EXPLAINED = (
    "{why}\n\n答案：{answer}",
    "答案：{answer}\n\n解析：{why}",
    "{why}\n\n所以选{letters}。",
    "正确答案是{answer}。\n\n{why}",
)
_BARE = ("答案：{answer}", "{answer}", "正确答案是{letters}。", "选{letters}。", "应选{answer}。")
_CHOSEN = re.compile(
    r"(?:故|因此|所以|综上)(?:本题|此题)?(?:的?正确)?(?:答案)?(?:应|宜|当)?(?:选择?|[为是])\s?[：:]?\s?"
    r"(?P<letters>[A-J](?:\s?[、,，和及]?\s?[A-J]){0,9})(?![A-Za-z项])"
)


def answer_type(record: Row) -> AnswerType:
    """Return whether one option is to be named, or all right ones."""
    return "multiple" if record["type"] == "X" or len(record["answer"]) > 1 else "single"


def refusal(record: Row) -> Refusal | None:
    """Return why an item gives no row: its answer must be sure, and its options must differ."""
    texts = [option["text"].strip() for option in record["options"]]
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if len(texts) < 2:
        return Refusal("few_options", record["stem"])
    if twice is not None:
        return Refusal("option_twice", f"{twice}: {record['stem']}")
    letters = [option["letter"] for option in record["options"]]
    if not record["answer"] or not set(record["answer"]) <= set(letters):
        said = "".join(record["answer"])
        return Refusal("answer_not_option", f"{said}; options: {' '.join(letters)}")
    found = [one["letters"] for one in _CHOSEN.finditer(record["explanation"] or "")]
    chosen = set(re.findall("[A-J]", found[-1])) if found else set()
    if chosen and chosen != set(record["answer"]):
        said = f"{''.join(sorted(chosen))}, not {''.join(record['answer'])}"
        return Refusal("explanation_differs", f"the explanation chooses {said}")
    return None


def task(record: Row, seed: int = 42, *, checked: bool = False, one: bool = False) -> str:
    """Return the text that puts an item to a model: how, its shared stem and stem, and its options.

    checked: with the form in which the answer is to be given, so that a rule can read it. one: the
             same words for all items.
    """
    kind = answer_type(record)
    tails = (_CHECKED if checked else _TAILS)[kind]
    draw = _Draw(record["id"], 0 if one else seed, one)
    head, tail, mark = draw.of(_HEADS[kind]), draw.of(tails), draw.of(_MARKS)
    options = "\n".join(mark.format(o["letter"], o["text"]) for o in record["options"])
    shared = record["shared_stem"]
    question = f"{shared}\n{record['stem']}" if shared else record["stem"]
    return f"{head}{question}\n{options}\n{tail}"


def reply(record: Row, seed: int = 42) -> str:
    """Return the right answer as a reply, with the explanation where there is one."""
    draw = _Draw(record["id"], seed + 1)
    texts = {option["letter"]: option["text"] for option in record["options"]}
    letters = "、".join(record["answer"])
    named = "；".join(f"{letter}. {texts[letter]}" for letter in record["answer"])
    why = record["explanation"]
    form = draw.of(_EXPLAINED if why else _BARE)
    return form.format(why=why, answer=named, letters=letters)


class _Draw:
    """Draws that follow from a name and a seed alone."""

    def __init__(self, name: str, seed: int, first: bool = False) -> None:
        self._name, self._seed, self._first = name, seed, first
        self._number = 0

    def of(self, given: Sequence[str]) -> str:
        self._number += 1
        if self._first:
            return given[0]
        key = f"{self._seed} {self._number} {self._name}"
        digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
        return given[int.from_bytes(digest, "big") % len(given)]

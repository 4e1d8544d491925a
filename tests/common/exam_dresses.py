"""An item of a benchmark as training data may hold it."""

from __future__ import annotations

from typing import Any

from chimed_datasets.records import Answer, Dialogue, Document, ExamItem, Message, Option, QAThread
from chimed_datasets.sources.exams import ExamItem as Question

LETTERS = "ABCDEFGH"


def dressed(question: Question) -> dict[str, Any]:
    """Return dress -> a record: a thread, a dialogue, a page, an item with its options turned, an
    explanation of another item."""
    options = "\n".join(f"{a}. {t}" for a, t in zip(LETTERS, question.options, strict=False))
    turned = "\n".join(f"{a}、{t}" for a, t in zip(LETTERS, question.options[::-1], strict=False))
    asked = f"{question.stem}\n{options}".strip()
    other = f"请回答：{question.stem}\n{turned}".strip()
    made: dict[str, Any] = {
        "thread": QAThread("t", asked, [Answer("见书。")]),
        "dialogue": Dialogue("d", [Message("user", other), Message("assistant", "见书。")]),
        "page": Document("p", f"习题\n\n1. {asked}\n\n2. 试述中医的四诊"),
    }
    if question.options:
        choices = [Option(a, t) for a, t in zip(LETTERS, question.options[::-1], strict=False)]
        made["item"] = ExamItem("e", question.stem, choices, ["A"])
        two = [Option("A", "甲"), Option("B", "乙")]
        made["explanation"] = ExamItem("x", "下列正确的是", two, ["A"], explanation=asked)
    return made

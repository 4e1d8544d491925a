"""A page of questions and answers as a thread, whatever form the page was saved in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...records import Answer, QAThread, excerpt
from . import labels
from .messages import asked, department, has_value
from .row import RowError, text_of
from .traces import Spelt, told

MARKS = {
    **dict.fromkeys(("true", "1", "1.0", "yes", "是", "已采纳"), True),
    **dict.fromkeys(("false", "0", "0.0", "no", "否", "未采纳"), False),
    **dict.fromkeys(("", "none", "null", "nan"), None),
}


def thread(spelt: Spelt, key: str, page: dict[str, Any]) -> QAThread:
    """Return the record of a page; ``spelt`` counts reasoning traces. Raises RowError, KeyError or
    TypeError for what is none."""
    answers = page.get("answers")
    if not has_value(answers) and ("answers" not in page or _numbers(page)):
        answers = _flattened(page)
    if not isinstance(answers, (list, type(None))):
        raise TypeError(f"answers: expected a list, got {type(answers).__name__}")
    answers = [a for a in answers or () if _said(a)]
    title, question = asked(
        labels.title(page.get("title")) or "",
        text_of(_question(page)),
    )
    if not answers:
        raise RowError("no_answer", excerpt(question))
    if patient := "；".join(filter(None, map(_plain, _items(page.get("patient_infos"))))):
        question = f"{question}\n患者信息：{patient}"
    specialties = [labels.department(a.get("specialty")) or "" for a in answers]
    return QAThread(
        key,
        question,
        [
            Answer(
                reply,
                mark(a.get("adopted"), "adopted"),
                mark(a.get("recommended"), "recommended"),
                text_of(a.get("mid")).strip() or None,
                reasoning_content=reasoning,
            )
            for a in answers
            for reply, reasoning in [told(text_of(a["answer"]), a, spelt)]
        ],
        title,
        department(page) or _agreed(specialties),
        _keyphrases(page.get("labels")),
        metadata={
            "question_time": labels.written(page.get("question_time")),
            "follow_ups": "\n".join(filter(None, map(_plain, _items(page.get("follow_ups"))))),
            "specialties": "\n".join(specialties) if any(specialties) else "",
            "permission": labels.written(page.get("permission")),
        },
    )


def _question(page: Mapping[str, Any]) -> Any:
    there = [name for name in ("question_content", "question") if name in page]
    if not there:
        raise KeyError("question")
    return page[next((name for name in there if has_value(page[name])), there[0])]


def _numbers(page: Mapping[str, Any]) -> list[str]:
    tails = [name.removeprefix("answer_") for name in page if name.startswith("answer_")]
    return sorted((t for t in tails if t.isascii() and t.isdecimal()), key=int)


def _flattened(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the answers of a flattened row, by their numbers."""
    numbers = _numbers(page)
    if not numbers:
        raise KeyError("answers or answer_1")
    names = ("answer", "specialty", "adopted", "recommended", "mid")
    return [{name: page.get(f"{name}_{number}") for name in names} for number in numbers]


def _said(answer: Any) -> bool:
    if not isinstance(answer, dict):
        raise TypeError(f"answers: expected objects, got {type(answer).__name__}")
    return bool(text_of(answer.get("answer")).strip())


def mark(value: Any, name: str) -> bool | None:
    """Return what a mark says, None for nothing. Raises RowError "unknown_mark"; ``name``: what it
    is called."""
    if value is None or value is True or value is False:
        return value
    word = text_of(value).strip().lower()
    if word not in MARKS:
        raise RowError(
            "unknown_mark",
            f"{name}: {excerpt(word)!r}; known: {', '.join(filter(None, MARKS))}",
        )
    return MARKS[word]


def _agreed(specialties: list[str]) -> str | None:
    """The doctors' specialty is the page's department only where all have the same."""
    return specialties[0] or None if len(set(specialties)) == 1 else None


def _keyphrases(value: Any) -> list[str]:
    parts = value.replace("\n", "\t").split("\t") if isinstance(value, str) else [value]
    return list(dict.fromkeys(labels.keyphrases(parts)))


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _plain(item: Any) -> str:
    """Return one of patient_infos or follow_ups as text; what has parts keeps them as JSON."""
    if isinstance(item, dict):
        return json.dumps(item, ensure_ascii=False)
    return text_of(item).strip()

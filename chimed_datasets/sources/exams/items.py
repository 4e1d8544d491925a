"""A row of an exam as one item or several: stem, choices, and what says which are right.

All forms are read here, whether the items are looked for in a dataset (a benchmark) or are training
data (:mod:`.records`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...lang import _
from .options import Choice, as_written, choices_of, split, within_stem

STEMS = (
    "question", "stem", "query", "problem", "prompt", "instruction", "instruct", "input", "text",
    "qtext", "question_text", "question_stem", "sub_question", "题目", "问题", "题干", "试题",
    "题目内容",
)  # fmt: skip
_SHARED_WITH_PARTS = (
    "share_content", "shared_content", "shared_stem", "case", "passage", "description", "共用题干",
    "材料",
)  # fmt: skip
_SHARED = ("share_content", "shared_content", "shared_stem", "共用题干")
"""Columns that hold what several rows have in common, each of which asks one question."""
INDICES = ("answer_idx", "answer_index", "label")
ANSWERS = (
    "answer", "answer_idx", "label", "target", "output", "answers", "correct_answer", "答案",
    "正确答案", "标准答案", "answer_index", "correct_option", "right_answer", "参考答案",
)  # fmt: skip
_LISTS = ("question", "questions", "sub_questions", "qa_pairs")
_MAY_LIST = {*STEMS, *_LISTS}
_OBJECTS = re.compile(r"\s{0,9}\[\s{0,9}\{")
_HEADING = re.compile(r"[（(【]?共用备选答案[)）】]?[：:]?")
_NUMBER = re.compile(r"\s{0,8}[（(]?\d{1,2}[)）]\s{0,3}[.．、]?\s{0,3}")
_LISTED = re.compile(r"\n选项[：:](?P<listed>[^\n]{1,2000})(?:\n答[：:]?)?\s{0,8}\Z")


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its names in lower case. Messages and the parts of a question, which a cell
    of CSV holds as a text, are lists."""
    return {name: _listed(name, value) for name, value in _low(row)}


def _low(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((str(name).lower().strip(), value) for name, value in row.items())


def _listed(name: str, value: Any) -> Any:
    if not isinstance(value, str) or name not in _MAY_LIST or not _OBJECTS.match(value):
        return value
    made = as_written(value)
    return made if isinstance(made, list) and all(isinstance(m, Mapping) for m in made) else value


def parts(row: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return the questions of a row that holds several, on one case or with the same choices, each
    with all that the row says of itself; None of a row that is one question.

    row: its names are in lower case. The case of a part is its ``shared_stem``.
    """
    for name in _LISTS:
        many = row.get(name)
        if not isinstance(many, list) or not all(isinstance(one, Mapping) for one in many):
            continue
        own = [plain(one) for one in many]
        if not own or any("role" in part for part in own):
            continue  # messages
        about = {key: value for key, value in row.items() if key not in (*_LISTS, *_SHARED)}
        told = (row[case] for case in _SHARED_WITH_PARTS if isinstance(row.get(case), str))
        shared, choices = _case(next(told, ""))
        made = []
        for part in own:
            made.append({**about, **part, "question": stem_of(part)})
            _share(made[-1], shared, choices)
        return made
    return None


def whole(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of one question with the case, or choices, that it shares with other rows."""
    told = next((row[name] for name in _SHARED if isinstance(row.get(name), str)), "")
    if not told.strip():
        return row
    made = {key: value for key, value in row.items() if key not in _SHARED}
    _share(made, *_case(told))
    return made


def _case(told: str) -> tuple[str, tuple[Choice, ...]]:
    """Part what several questions share into a case and choices."""
    shared = told.strip()
    if choices := split(shared):
        return "", choices
    heading, choices = within_stem(shared)  # behind a heading: （共用备选答案）
    if choices:
        return ("" if _HEADING.fullmatch(heading.strip()) else heading), choices
    return shared, ()


def _share(row: dict[str, Any], shared: str, choices: tuple[Choice, ...]) -> None:
    if choices:
        row.setdefault("options", {choice.label: choice.text for choice in choices})
        row.setdefault("qtype", "B1")
    if shared:
        row["shared_stem"] = shared
        row.setdefault("qtype", "A3/A4")


def shared_of(row: Mapping[str, Any]) -> str:
    """Return the case that a row of :func:`parts` or :func:`whole` shares with others; "" for
    none."""
    shared = row.get("shared_stem")
    return shared.strip() if isinstance(shared, str) else ""


def stem_of(row: Mapping[str, Any]) -> str:
    """Return the question of a row. Raises ValueError where it has none."""
    for name in STEMS:
        value = row.get(name)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, list) and (asked := _asked(value)):
            return asked
    raise ValueError(
        _("no question: expected one of {STEMS}; found: {row}.").format(
            STEMS=", ".join(STEMS), row=", ".join(row)
        )
    )


def _asked(value: list[Any]) -> str:
    """Return what the user says in a prompt of messages; "" for another list."""
    talk = value if all(isinstance(turn, Mapping) for turn in value) else []
    said = [turn.get("content") for turn in talk if turn.get("role") in ("user", "human")]
    return "\n".join(text for text in said if isinstance(text, str)).strip()


def asked_of(row: Mapping[str, Any]) -> tuple[str, tuple[Choice, ...]]:
    """Return the question of a row, without its choices, and these; none where it has none. Raises
    ValueError for a row without a question, or in whose choices none can be told from another."""
    stem = stem_of(row)
    choices = choices_of(row)
    if not choices:
        return within_stem(stem)
    found = _LISTED.search(stem)  # PromptCBLUE: the choices once more, behind the question
    if found and all(choice.text in found["listed"] for choice in choices):
        return stem[: found.start()].rstrip(), choices
    return stem, choices


def without_number(stem: str) -> str:
    """Return a question without its number among those of a case: 1)．证属（  ）。"""
    found = _NUMBER.match(stem)
    return stem[found.end() :] if found and stem[found.end() :].strip() else stem


def answers(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of the columns of a row that say what is right."""
    for name in ANSWERS:
        value = row.get(name)
        if value not in (None, "", [], ()) and value == value:
            yield name, value

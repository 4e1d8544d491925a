"""Exam items as records: training data, with their explanations, types and right answers.

No text is changed. What is no item, or not sure, is refused by a rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from ...records import ExamItem, Malformed, Option, excerpt
from ..parsing import labels
from ..parsing.row import KeyedRow, RowError, is_nothing, text_of
from . import items
from .options import Choice, lettered

Images = Literal["refuse", "mark"]
_EXPLANATIONS = (
    "explanation", "analysis", "解析", "解释", "答案解析", "试题解析", "explain", "exp", "comment",
)  # fmt: skip
_SUBJECTS = (
    "subject", "exam_subject", "subject_name", "knowledge_point", "medical discipline",
    "discipline", "科目", "学科", "考试科目", "考点",
)  # fmt: skip
_TYPES = ("qtype", "question_type", "题型", "type")
_YEARS = ("year", "exam_year", "年份", "考试年份")
_DEPARTMENTS = ("department", "clinical department", "科室")
_PICTURES = (
    "qimage", "image", "images", "img", "image_path", "image_url", "figure", "picture", "pic",
    "图片", "图像",
)  # fmt: skip
_NEEDS_PICTURE = re.compile(
    r"如[下上右左附]?图所?示?|[下上右左附][图]所?[示为中]|(?<!可)见[下右附]图|图中(?:箭头|所示)|根据[下该此附]图"
    r"|<img\b|!\[[^\]\n]{0,80}\]\(|[\[【](?:图片|图)[\]】]"
)
_SAYS_NOTHING = frozenset(
    ("略", "无", "暂无", "暂无解析", "无解析", "没有解析", "见教材", "解析：略", "解析略")
)
_TYPE = re.compile(r"(?P<a>[ABC]\d?(?:\s?[/、]\s?[AB]\d)?|X)\s?型?题?", re.I)
_SEVERAL = re.compile(r"多选|多项|不定项|multi(?:ple)?[_ -]?(?:answers|select|response)", re.I)
_SAME_CHOICES = re.compile(r"配伍|共用备选|共用选项")
_SHARED_CASE = re.compile(r"共用题干|病例串|案例分析串")
_LETTERS = re.compile(r"[A-J]+")
_BETWEEN = re.compile(r"[\s,，、;；.．/|和及与]+")
_BEFORE = re.compile(r"\s{0,20}[【\[（(]?(?:正确|标准|参考)?答案[】\]）)]?[是为：:\s]*")
_MARKED = re.compile(
    r"[（(\[【]?\s?(?P<letter>[A-Ja-jＡ-Ｊ])\s?[)）\]】]?\s?[.．、:：)）\s]\s?(?P<text>.+)", re.S
)
_FULL = str.maketrans(
    "ＡＢＣＤＥＦＧＨＩＪ①②③④⑤⑥⑦⑧⑨１２３４５６７８９", "ABCDEFGHIJ123456789123456789"
)


def part_rows(row: KeyedRow | Malformed) -> Iterator[KeyedRow | Malformed]:
    """Yield a row for each question of a row: under its names and, beside them, in lower case."""
    if isinstance(row, Malformed):
        yield row
        return
    key, values = row
    try:
        low = items.plain(values)
        found = items.parts(low)
    except ValueError as error:
        yield Malformed(key, "no_question", excerpt(str(error)), values)
        return
    if found is None:
        yield key, {**values, **items.whole(low)}
        return
    for number, part in enumerate(found):
        part["question"] = items.without_number(part["question"])
        yield f"{key}#{number}", {**values, **part}


def item(key: str, row: Mapping[str, Any], images: Images = "refuse") -> ExamItem:
    """Return the item of a row of :func:`part_rows`.

    images: what becomes of an item that needs a picture: it is refused, or marked.

    Raises RowError: "no_question", "no_options" (fewer than two have a text), "option_twice",
    "no_answer", "answer_not_option", "answer_unclear" or "needs_image".
    """
    try:
        stem, choices = items.asked_of(row)
    except ValueError as error:
        rule = "no_question" if str(error).startswith("no question") else "no_options"
        raise RowError(rule, excerpt(str(error))) from None
    options = lettered(choices)
    shared = items.shared_of(row)
    if len(options) < 2:
        raise RowError("no_options", excerpt(stem))
    texts = [option.text.strip() for option in options]
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if twice is not None:
        raise RowError("option_twice", f"{excerpt(twice)}: {excerpt(stem)}")
    pictured = _has_picture(row) or bool(_NEEDS_PICTURE.search(f"{shared}\n{stem}"))
    if pictured and images == "refuse":
        raise RowError("needs_image", excerpt(stem))
    right = _answer(row, choices, options, stem)
    return ExamItem(
        key,
        stem.strip(),
        [Option(option.label, text) for option, text in zip(options, texts, strict=True)],
        right,
        shared_stem=shared or None,
        explanation=_explanation(row),
        type=_type(row),
        subject=_first(row, _SUBJECTS),
        year=_year(row),
        has_image=pictured,
        department=labels.department(_any_of(row, _DEPARTMENTS)),
    )


def _has_picture(row: Mapping[str, Any]) -> bool:
    return any(
        bool(value) and value == value and not (isinstance(value, str) and is_nothing(value))
        for value in (row.get(name) for name in _PICTURES)
    )


def _any_of(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "", [])), None)


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """Return what a row says under the first of some names, as a text."""
    for name in names:
        if text := labels.written(row.get(name)).strip():
            return text
    return None


def _explanation(row: Mapping[str, Any]) -> str | None:
    for name in _EXPLANATIONS:
        value = row.get(name)
        text = text_of(value).strip() if isinstance(value, (str, list)) else ""
        if text and text.rstrip("。.") not in _SAYS_NOTHING:
            return text
    return None


def _type(row: Mapping[str, Any]) -> str | None:
    """Return the type of a question: A1, A2, A3/A4, B1, X. Other words for one right answer say no
    type."""
    for name in _TYPES:
        value = row.get(name)
        if not isinstance(value, str):
            continue
        if found := _TYPE.fullmatch(value.strip()):
            bare: str = re.sub(r"\s", "", found["a"]).upper().replace("、", "/")
            return {"B": "B1", "A3": "A3/A4", "A4": "A3/A4"}.get(bare, bare)
        for pattern, type_ in ((_SEVERAL, "X"), (_SAME_CHOICES, "B1"), (_SHARED_CASE, "A3/A4")):
            if pattern.search(value):
                return type_
    return None


def _year(row: Mapping[str, Any]) -> int | None:
    found = re.search(r"(?<!\d)(?:19[5-9]\d|20\d\d)(?!\d)", _first(row, _YEARS) or "")
    return int(found[0]) if found else None


def _answer(
    row: Mapping[str, Any], given: Sequence[Choice], options: Sequence[Choice], stem: str
) -> list[str]:
    """Return the letters of the right options, in their order."""
    found: list[list[str]] = []
    wrong: RowError | None = None
    for name, value in items.answers(row):
        try:
            letters = _letters(value, given, options, name in items.INDICES)
        except RowError as error:
            wrong = wrong or error
            continue
        if letters:
            found.append(letters)
        if name not in ("answer", *items.INDICES):
            break  # other names stand in where these say nothing
    if any(one != found[0] for one in found):
        told = " / ".join("".join(letters) for letters in found)
        raise RowError("answer_unclear", f"{told}: {excerpt(stem)}")
    if found:
        return found[0]
    raise wrong or RowError("no_answer", excerpt(stem))


def _letters(
    value: Any, given: Sequence[Choice], options: Sequence[Choice], index: bool
) -> list[str]:
    """Return what one value names: letters, the labels of the row, or texts of options."""
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    right: set[str] = set()
    for one in values:
        if isinstance(one, Mapping):
            one = next((one[name] for name in ("text", "value", "label", "key") if name in one), "")
        if isinstance(one, bool) or not isinstance(one, (str, int, float)):
            raise RowError("answer_unclear", excerpt(str(one)))
        if isinstance(one, float) and one.is_integer():
            one = int(one)
        right |= _of_text(str(one), given, options, index or isinstance(one, int))
    return [option.label for option in options if option.label in right]


def _of_text(
    said: str, given: Sequence[Choice], options: Sequence[Choice], index: bool
) -> set[str]:
    bare = _BEFORE.sub("", said, count=1).strip() if "答案" in said else said.strip()
    if is_nothing(bare):
        return set()
    by_text = {option.text.strip(): option.label for option in options}
    letters = _BETWEEN.sub("", bare.translate(_FULL)).strip("()（）[]【】。")
    named = {option.label for option in options}
    text = by_text.get(bare)
    if letters.isupper() or len(letters) == 1:
        letters = letters.upper()
    if _LETTERS.fullmatch(letters):
        chosen = set(letters)
        own = all(choice.label for choice in given)
        if chosen <= named and (text is None or own or chosen == {text}):
            return chosen
        if text is not None and not chosen <= named:
            return {text}
        if text is not None:
            raise RowError("answer_unclear", f"{excerpt(said)} is a letter and an option")
        raise RowError("answer_not_option", f"{excerpt(said)}; options: {' '.join(sorted(named))}")
    if text is not None:
        return {text}
    labels_of = {c.label: o for c, o in zip(given, lettered_all(given), strict=True) if c.label}
    if letters in labels_of and labels_of[letters] in named:
        return {labels_of[letters]}
    if index and letters.isdecimal() and not labels_of and int(letters) < len(given):
        place = lettered_all(given)[int(letters)]
        if place in named:
            return {place}
    if found := _MARKED.fullmatch(bare):
        letter, rest = found["letter"].translate(_FULL).upper(), found["text"].strip()
        if by_text.get(rest.rstrip("。")) == letter or by_text.get(rest) == letter:
            return {letter}
    pieces = [piece.strip() for piece in re.split(r"[\n;；|]", bare) if piece.strip()]
    if len(pieces) > 1 and all(piece in by_text for piece in pieces):
        return {by_text[piece] for piece in pieces}
    raise RowError("answer_not_option", f"{excerpt(said)}; options: {' '.join(sorted(named))}")


def lettered_all(given: Sequence[Choice]) -> list[str]:
    """Return the letter of each choice of a row, of empty ones too."""
    full = lettered([Choice(choice.label, choice.text or "-") for choice in given])
    return [choice.label for choice in full]

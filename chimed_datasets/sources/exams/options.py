"""The choices of a question, in all the forms in which benchmarks keep them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import orjson

from ...lang import _
from ..parsing import literals

NAMES = (
    "options", "option", "choices", "choice", "candidates", "answer_choices", "选项", "备选答案",
    "备选项", "候选项",
)  # fmt: skip
LETTERS = "ABCDEFGHIJ"
_COLUMN = re.compile(
    r"(?:option|opt|op|choice|选项|答案)?[ _]?([a-j])|(?:option|choice|选项)[ _]?([0-9])"
)
_TEXT = ("value", "text", "content", "option_text", "option_content", "内容", "选项内容", "option")
_LABEL = ("key", "label", "id", "letter", "index", "option_id", "选项", "序号")
MAX_BEGINS = 20
"""Places in a question at which its choices may begin that are looked at."""

_FULL = str.maketrans(
    "ＡＢＣＤＥＦＧＨＩＪａｂｃｄｅｆｇｈｉｊ①②③④⑤⑥⑦⑧⑨⑩１２３４５６７８９",
    "ABCDEFGHIJabcdefghij0123456789123456789",
)
_SEQUENCES = (
    "ABCDEFGHIJ", "abcdefghij", "ＡＢＣＤＥＦＧＨＩＪ", "ａｂｃｄｅｆｇｈｉｊ",
    "①②③④⑤⑥⑦⑧⑨⑩", "123456789", "0123456789", "１２３４５６７８９",
)  # fmt: skip
"""Letters and numbers that stand before choices, as they are written."""
_MARK = re.compile(
    r"\s*(?:(?P<open>[(（\[【])\s{0,3})?(?P<label>[A-Ja-jＡ-Ｊａ-ｊ]|\d{1,2}|[①-⑩])\s*"
    r"(?P<close>[)）\]】]?)\s*(?P<sep>[.．、：:，,。·]?)\s?"
)


class Choice(NamedTuple):
    """One choice. label: the letter or number before it, as ``A`` or ``1``; "" where the row has
    none. text: "" where the row has the letter alone."""

    label: str
    text: str


def options_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the texts of a row's choices, in order, without empty ones; see :func:`choices_of`."""
    return _texts(choices_of(row))


def lettered(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """Return the choices that have a text, each under its letter: its own, or the one of its place
    where any has none or another sign.

    >>> lettered([Choice("1", "甲"), Choice("2", ""), Choice("3", "丙")])
    (Choice(label='A', text='甲'), Choice(label='C', text='丙'))
    """
    own = [choice.label for choice in choices]
    if len(set(own)) < len(own) or not all(len(one) == 1 and one in LETTERS for one in own):
        own = [*LETTERS, *(str(n) for n in range(len(LETTERS), len(own)))][: len(own)]
    made = (Choice(letter, choice.text) for letter, choice in zip(own, choices, strict=True))
    return tuple(choice for choice in made if choice.text.strip())


def choices_of(row: Mapping[str, Any]) -> tuple[Choice, ...]:
    """Return a row's choices in order, the empty ones too; none where it has none.

    row: its names are in lower case. The choices stand under one of :data:`NAMES`: a list of texts
         or of objects, an object by letters or of lists, any of these as JSON in a text, or one
         text with the letters before them; or in columns a, b, c… or option_a, option_b….

    Raises ValueError for a text in which no choices can be told from one another.
    """
    for name in NAMES:
        if not _empty(value := row.get(name)):
            return _of(value, name)
    columns = {found[1] or found[2]: key for key in row if (found := _COLUMN.fullmatch(key))}
    return tuple(Choice(letter.upper(), _text(row[columns[letter]])) for letter in sorted(columns))


_ENDS = "[)）\\]】.．、：:，,]"
_LINE = r"(?<=\n)[ \t\u3000]{0,8}"
_WITHIN = ((_LINE, _ENDS, 2), (_LINE, r"\s", 3), (r"(?<=[\s)）?？。：:])", _ENDS, 3))
"""What stands before and behind the A of the first choice, and how many choices it takes."""


def within_stem(stem: str) -> tuple[str, tuple[Choice, ...]]:
    """Part a question from the choices that stand behind it in one text, from an A at the
    beginning of a line or, where they are three and more, behind a blank or a bracket."""
    for before, behind, least in _WITHIN:
        begins = re.finditer(rf"{before}(?=(?:[(（\[【]\s{{0,3}})?[AＡ]\s{{0,3}}{behind})", stem)
        for found in islice(begins, MAX_BEGINS):
            options = split(stem[found.end() :])
            if found.start() and len(_texts(options)) >= least:
                return stem[: found.end()].rstrip(), options
    return stem, ()


def split(text: str) -> tuple[Choice, ...]:
    """Return the choices of one text in which a letter or number stands before each ("A. …\\nB. …",
    also on one line); none where there are fewer than two, or one has a text."""
    first = _MARK.match(text)
    if not first or not (label := _plain(first["label"])) or label.lower() not in ("a", "1", "0"):
        return ()
    circled = first["label"] in "①②③④⑤⑥⑦⑧⑨⑩"
    marked = bool(first["close"] or first["sep"] or circled)
    if not marked and not first[0][-1].isspace():
        return ()
    if label.isdigit() and not circled and (not marked or text[first.end() :][:1].isdigit()):
        return ()  # 1.5 mg, 1 mg
    style = _style(first, circled)
    ways = [
        _walk(text, first, _LINE + style),
        _walk(text, first, r"(?<=[\s;；。，,])" + style),
    ]
    if marked:
        ways.append(_walk(text, first, style))
    return max(ways, key=lambda way: len(_texts(way)))  # of equals the first, the surest


def _style(first: re.Match[str], circled: bool) -> str:
    """Return the pattern of a label that is written as the first is; LABEL stands for a letter."""
    begin = r"[(（\[【]\s{0,3}" if first["open"] else ""
    end = r"\s{0,3}[)）\]】]" if first["close"] else ""
    if circled:
        return f"{begin}LABEL{end}"
    if first["sep"]:
        alike = next(group for group in (".．。·", "、", "：:", "，,") if first["sep"] in group)
        return rf"{begin}LABEL{end}\s{{0,3}}[{alike}]"
    return f"{begin}LABEL{end}" + ("" if end else r"\s")


def _walk(text: str, first: re.Match[str], style: str) -> tuple[Choice, ...]:
    spelt = first["label"]
    sequence = next(labels for labels in _SEQUENCES if labels[0] == spelt)
    cuts, ends, at = [0], [first.end()], first.end()
    for label in sequence[1:]:
        found = re.compile(style.replace("LABEL", label)).search(text, max(at - 1, 0))
        if not found:
            break
        cuts.append(found.start())
        ends.append(found.end())
        at = found.end()
    parts = [
        text[b:e].strip(" \t\r\n\u3000;；")
        for b, e in zip(ends, [*cuts[1:], len(text)], strict=True)
    ]
    if len(cuts) < 2 or not any(parts):
        return ()
    labels = [_plain(label).upper() for label in sequence[: len(cuts)]]
    return tuple(map(Choice, labels, parts))


def _texts(choices: Sequence[Choice]) -> tuple[str, ...]:
    return tuple(choice.text for choice in choices if choice.text.strip())


def _of(value: Any, name: str) -> tuple[Choice, ...]:
    if isinstance(value, str):
        value = as_written(value)
    if isinstance(value, str):
        options = split(value) or tuple(Choice("", line) for line in _lines(value))
        if not options:
            raise ValueError(
                _("{name!r} is one text, and no letters part it: {value!r}").format(
                    name=name, value=value[:80]
                )
            )
        return options
    if isinstance(value, Mapping):
        lists = {str(k).lower(): v for k, v in value.items() if isinstance(v, (list, tuple))}
        if lists:  # {"label": ["A", "B"], "text": ["…", "…"]}
            column = next((one for one in _TEXT if one in lists), "")
            if not column:
                raise ValueError(
                    _("{name!r} is an object of lists: {lists}").format(
                        name=name, lists=", ".join(lists)
                    )
                )
            value = lists[column]
            labels = next((lists[one] for one in _LABEL if one in lists), [])
            if len(labels) == len(value):
                return tuple(map(Choice, map(_label, labels), map(_option, value)))
        else:
            return tuple(Choice(_label(key), _option(one)) for key, one in value.items())
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{name!r} is a {type(value).__name__}")
    if any(isinstance(one, Mapping) for one in value):
        return _unlabelled([Choice(_label_in(one), _option(one)) for one in value])
    return _unlabelled([Choice("", _text(one)) for one in value])


def as_written(text: str) -> Any:
    """Return what a text holds as JSON, or as Python writes it; the text where it holds neither."""
    bare = text.strip()
    if (bare[:1], bare[-1:]) not in (("[", "]"), ("{", "}")):
        return text
    try:
        made = orjson.loads(bare)
    except ValueError:
        made = literals.value(bare)
    return made or text


def _lines(text: str) -> tuple[str, ...]:
    """Return the lines of a text, or what bars, tabs or semicolons part, as choices."""
    for mark, least in (("\n", 2), ("\t", 2), ("|", 2), ("｜", 2), ("；", 3), (";", 3)):
        parts = [part.strip() for part in text.split(mark) if part.strip()]
        if len(parts) >= least:
            return tuple(parts)
    return ()


def _unlabelled(choices: list[Choice]) -> tuple[Choice, ...]:
    """Return choices without the letters before their texts, where all that have a text have theirs
    in order."""
    texts = [choice.text for choice in choices if choice.text.strip()]
    marks = [_MARK.match(text) for text in texts]
    letters = [_plain(mark["label"]).upper() if mark else "" for mark in marks]
    parted = all(mark and (mark["close"] or mark["sep"]) for mark in marks)
    if len(texts) > 1 and parted and "".join(letters) == LETTERS[: len(texts)]:
        rest = [text[mark.end() :].strip() for text, mark in zip(texts, marks, strict=True) if mark]
        if sum(map(bool, rest)) > 1:
            return tuple(map(Choice, letters, rest))
    return tuple(choices)


def _label(given: Any) -> str:
    """Return a letter or number as it stands before a choice, without signs, in its plain form."""
    text = _text(given).strip().strip("()（）[]【】.．、:： ")
    found = re.fullmatch(r"(?:option|opt|选项)?[ _]?(\w)", text, re.I)
    return _plain(found[1]).upper() if found else text


def _label_in(option: Any) -> str:
    """Return the letter that an object has for its choice."""
    if not isinstance(option, Mapping):
        return ""
    low = {str(name).strip().lower(): value for name, value in option.items()}
    for name in (*_LABEL, "option"):
        label = _label(low[name]) if isinstance(low.get(name), (str, int)) else ""
        if len(label) == 1 and len(low) > 1:
            return label
    return _label(next(iter(low))) if len(low) == 1 and len(_label(next(iter(low)))) == 1 else ""


def _option(option: Any) -> str:
    """An option may be a text, or an object that holds it beside its letter."""
    if not isinstance(option, Mapping):
        return _text(option)
    low = {str(name).strip().lower(): value for name, value in option.items()}
    for name in _TEXT:
        if isinstance(low.get(name), (str, int, float)):
            return _text(low[name])
    texts = [_text(value) for name, value in low.items() if name not in _LABEL]
    return max(texts, key=len, default="")


def _text(value: Any) -> str:
    return "" if _empty(value) or isinstance(value, (Mapping, list, tuple)) else str(value)


def _empty(value: Any) -> bool:
    return value is None or value != value or value in ("", [], {}, ())


def _plain(label: str) -> str:
    return label.translate(_FULL) if len(label) == 1 else label

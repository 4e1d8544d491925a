"""Benchmarks whose items must not be in a dataset: read for decontamination, never copied.

A layout says how a benchmark's files hold its items; :data:`LAYOUTS` names them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import RecipeError, SourceError, did_you_mean
from ...records import Malformed
from ..files.opening import FileReport, SourceFile, wanted
from ..parsing.csv import csv_rows
from ..parsing.json import json_rows


@dataclass(frozen=True, slots=True)
class ExamItem:
    """One question of a benchmark.

    key:     file and row it came from.
    options: the texts of the choices, in order; empty for an open question.
    answer:  as the file gives it ("A", or the answer's text); None where it is withheld.
    """

    key: str
    stem: str
    options: tuple[str, ...] = ()
    answer: str | None = None


LAYOUTS = {
    "cmmlu": "CMMLU: CSV with the columns Question, A, B, C, D and Answer",
    "ceval": "C-Eval: CSV with the columns id, question, A, B, C, D, and answer where it is told",
    "mcq": "multiple choice in CSV, JSON or JSONL: question or stem; options (a list or mapping) "
    "or columns A, B, C…; answer",
    "questions": "open questions in CSV, JSON or JSONL: question, stem, query, prompt or text",
}

SUFFIXES = (".csv", ".json", ".jsonl")
"""The file endings that a benchmark's folder or archive is searched for, compression aside."""

_STEMS = ("question", "stem", "query", "problem", "prompt", "instruction", "text")
_OPTIONS = ("options", "option", "choices", "candidates")
_ANSWERS = ("answer", "answer_idx", "label", "target", "output")
_LETTERS = "abcdefghij"


def read(layout: str, files: Sequence[SourceFile], report: FileReport) -> list[ExamItem]:
    """Read all items of a benchmark, in the order of ``files``.

    Raises :class:`RecipeError` for an unknown ``layout`` and :class:`SourceError` for a row that
    is no item of it: an item passed over in silence would not be protected.
    """
    check_layout(layout)
    convert = _CONVERTERS[layout]
    items = []
    for file in files:
        for row in _rows(file, report):
            if isinstance(row, Malformed):
                why = f"{row.rule}: {row.evidence}"
                raise SourceError(f"benchmark row {row.key}: {why}", key=row.key)
            key, values = row
            try:
                items.append(convert(key, _plain(values)))
            except ValueError as error:
                raise SourceError(f"benchmark row {key}: {error}", key=key) from None
    return items


def check_layout(layout: str) -> None:
    """Raise :class:`RecipeError` for a layout that is none of :data:`LAYOUTS`."""
    if layout not in LAYOUTS:
        known = did_you_mean(layout, LAYOUTS)
        raise RecipeError(f"unknown benchmark layout {layout!r}.{known}")


def item_of(key: str, row: Mapping[str, Any]) -> ExamItem:
    """Return the item that a mapping holds, under the names that the layouts "mcq" (where it has
    options) and "questions" know. Raises ValueError where it has no question."""
    lists = {name: list(v) if isinstance(v, tuple) else v for name, v in row.items()}
    row = _plain(lists)
    has_options = any(row.get(name) for name in (*_OPTIONS, *_LETTERS))
    return (_choices if has_options else _open_question)(key, row)


def _rows(file: SourceFile, report: FileReport) -> Iterator[tuple[str, dict[str, Any]] | Malformed]:
    if wanted(file.name, (".csv",)):
        return csv_rows(file, report, needed=list)  # an item with a choice too few is none
    return json_rows(file, report)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its names in lower case."""
    return {str(name).lower().strip(): value for name, value in row.items()}


def _four_choices(key: str, row: Mapping[str, Any]) -> ExamItem:
    missing = [name for name in ("question", "a", "b", "c", "d") if row.get(name) is None]
    if missing:
        raise ValueError(f"no column {', '.join(missing)}; found: {', '.join(row)}.")
    return ExamItem(key, _stem(row), tuple(str(row[c]) for c in "abcd"), _answer(row))


def _choices(key: str, row: Mapping[str, Any]) -> ExamItem:
    options = next((row[name] for name in _OPTIONS if row.get(name)), None)
    if options is None:
        options = [row[c] for c in _LETTERS if row.get(c) not in (None, "")]
    if isinstance(options, Mapping):
        options = list(options.values())
    if not isinstance(options, list) or not options:
        raise ValueError(f"no options: expected {', '.join(_OPTIONS)}, or columns A, B, C….")
    return ExamItem(key, _stem(row), tuple(map(_option, options)), _answer(row))


def _open_question(key: str, row: Mapping[str, Any]) -> ExamItem:
    return ExamItem(key, _stem(row), (), _answer(row))


def _stem(row: Mapping[str, Any]) -> str:
    for name in _STEMS:
        value = row.get(name)
        if isinstance(value, str) and value.strip():
            return value
    raise ValueError(f"no question: expected one of {', '.join(_STEMS)}; found: {', '.join(row)}.")


def _option(option: Any) -> str:
    """An option may be a text or an object that holds it beside its letter."""
    if isinstance(option, Mapping):
        texts = [v for v in option.values() if isinstance(v, str)]
        return max(texts, key=len, default="")
    return str(option)


def _answer(row: Mapping[str, Any]) -> str | None:
    return next((str(row[name]) for name in _ANSWERS if row.get(name) not in (None, "")), None)


_CONVERTERS: dict[str, Callable[[str, Mapping[str, Any]], ExamItem]] = {
    "cmmlu": _four_choices,
    "ceval": _four_choices,
    "mcq": _choices,
    "questions": _open_question,
}

"""Questions with one answer each in a CSV or a workbook: department, title, ask, answer.

department  of a hospital, such as 心血管科
title       the headline
ask         the question; where it is empty or 无, the title is the question
answer      the one answer; nothing says whether it was adopted

sheet   of a workbook: the name of a sheet, or its number from 1; left out, every sheet that has
        the columns

Columns are found by name, in any order and case, also under their usual other names (科室, 标题,
question or 问题, 回答). Last cells that are left out are empty, but for the answer. Yields a QA
thread a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from ..records import Answer, Malformed, QAThread, Record, excerpt
from .documents.containers import OFFICE
from .documents.workbooks import SUFFIXES as WORKBOOKS
from .files.opening import FileReport, SourceFile
from .parsing import labels
from .parsing.messages import asked
from .parsing.parts import table_parts
from .parsing.ready import ReadyThread, ready
from .parsing.row import RowError, text_of
from .parsing.sheets import SheetName, table_rows
from .parsing.traces import Spelt, told

SUFFIXES = (".csv", *WORKBOOKS)
TAKES = OFFICE
PARTS = table_parts
COLUMNS = {
    "department": ("department", "科室"),
    "title": ("title", "标题"),
    "ask": ("ask", "question", "提问", "问题"),
    "answer": ("answer", "response", "回答", "答案"),
}


@dataclass(frozen=True)
class Options(ReadyThread):
    """The sheet of a workbook, beside what may be said of every layout."""

    sheet: SheetName = None


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a QAThread for each row of each file."""
    for file in files:
        rows = table_rows(file, report, options.ident, _needed, sheet=options.sheet)
        yield from ready(rows, partial(_thread, report.traces), options)


@lru_cache(maxsize=64)
def _columns(header: tuple[str, ...]) -> dict[str, str]:
    """Return the name in ``header`` of each column that is there."""
    there = {name.strip().lower(): name for name in reversed(header)}
    return {
        column: next(there[name] for name in names if name in there)
        for column, names in COLUMNS.items()
        if not there.keys().isdisjoint(names)
    }


def _needed(header: Sequence[str]) -> list[str]:
    return [name for column, name in _columns(tuple(header)).items() if column == "answer"]


def _thread(spelt: Spelt, key: str, row: dict[str, Any]) -> QAThread:
    columns = _columns(tuple(row))
    text = {column: text_of(row[name]) for column, name in columns.items()}
    title, question = asked(text.get("title", ""), text["ask"])
    if not text["answer"].strip():
        raise RowError("no_answer", excerpt(question))
    answer, reasoning = told(text["answer"], row, spelt)
    answers = [Answer(answer, reasoning_content=reasoning)]
    department = labels.department(text.get("department"))
    return QAThread(key, question, answers, title, department)

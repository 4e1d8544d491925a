"""Pages of 39 Ask Doctors (JSON or JSON Lines), or ChiMed's flattened form (also CSV, XLSX).

A page: department ("a>b"), title, patient_infos (list), question_content, question_time, labels
(keyphrases joined by TAB), answers (list of mid, adopted, recommended, answer and more) and
follow_ups (list). Flattened: question, and answer_1, specialty_1, adopted_1 for each answer.

sheet   of a workbook: the name of a sheet, or its number from 1; left out, every sheet that has
        the columns

Yields a QA thread a page, its answers in the order of the page; an empty answer is left out.
patient_infos becomes a last line of the question (患者信息：…); question_time, follow_ups, the
doctors' specialties and permission are kept as metadata. A doctor (mid) is kept as a hash; links
and answer times are not kept. adopted and recommended are true, false or empty (the page does not
say); any other mark makes the page Malformed, as a guessed mark would be a wrong preference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ..records import Malformed, Record
from .documents.containers import OFFICE
from .documents.workbooks import SUFFIXES as WORKBOOKS
from .files.opening import FileReport, SourceFile, wanted
from .parsing.json import json_rows
from .parsing.ready import ReadyThread, ready
from .parsing.sheets import SheetName, as_text, table_rows
from .parsing.threads import thread

TABLES = (".csv", *WORKBOOKS)
SUFFIXES = (".json", ".jsonl", *TABLES)
TAKES = OFFICE


@dataclass(frozen=True)
class Options(ReadyThread):
    """The sheet of a workbook, beside what may be said of every layout."""

    sheet: SheetName = None


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a QAThread for each page of each file."""
    for file in files:
        if wanted(file.name, TABLES):
            rows = table_rows(file, report, options.ident, sheet=options.sheet)
        else:
            rows = json_rows(as_text(file), report, options.ident)
        yield from ready(rows, partial(thread, report.traces), options)

"""Questions of an exam with options and right answers, in the forms in which exams are public.

question     a text, under one of the usual names (question, qtext, input, prompt, 题目, 题干); or a
             list of questions on one case, or with the same choices (share_content)
options      a list of texts or of objects ({"key": "A", "value": …}), an object by letters, columns
             (A, option_a, 选项A), one text with a letter before each, or behind the question; empty
             ones are none
answer       letters (B, ABD, [A, C]), or the text of an option; several are all right
explanation  why (also analysis, 解析); of what else a row says, its type (qtype, 题型), subject
             (exam_subject, 科目), year and department are kept
image        a question that needs a picture goes to the ledger, or is marked

Files are CSV, TSV, JSON, JSON Lines, Parquet or workbooks. Letters, order and texts stay as they
are. A row that is no item, or whose answer is not sure, is Malformed: "no_question", "no_options",
"option_twice", "no_answer", "answer_not_option", "answer_unclear" or "needs_image". Yields an exam
item for each question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from ..records import Malformed, Record
from .documents.containers import OFFICE
from .exams.records import Images, item, part_rows
from .files.opening import FileReport, SourceFile
from .parsing.by_ending import SUFFIXES as ENDINGS
from .parsing.by_ending import any_rows
from .parsing.ready import ReadyExam, ready
from .parsing.sheets import SheetName

SUFFIXES = ENDINGS
TAKES = ("parquet", *OFFICE)


@dataclass(frozen=True)
class Options(ReadyExam):
    """The options of the layout.

    rows:   the dotted path of the list in which the rows stand, see `jsonl`.
    images: "refuse" sends questions that need a picture to the ledger, "mark" keeps them with
            ``has_image``; `sft` takes none of them.
    sheet:  of a workbook: the name of a sheet, or its number from 1; left out, every sheet with
            the columns of the first.
    """

    rows: str | None = None
    images: Images = "refuse"
    sheet: SheetName = None


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield an ExamItem for each question of each file."""
    for file in files:
        under, sheet = options.rows or "", options.sheet
        rows = any_rows(file, report, options.ident, needed=list, under=under, sheet=sheet)
        every = chain.from_iterable(map(part_rows, rows))
        yield from ready(every, partial(item, images=options.images), options)

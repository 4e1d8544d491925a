"""Pages of 39 Ask Doctors (JSON or JSON Lines), or ChiMed's flattened form of them (also CSV).

A page: department ("a>b"), title, patient_infos (list), question_content, question_time, labels
(keyphrases joined by TAB), answers (list of mid, adopted, recommended, answer and more) and
follow_ups (list). Flattened: question, and answer_1, specialty_1, adopted_1 for each answer.

Yields a QA thread a page, its answers in the order of the page; an empty answer is left out.
patient_infos becomes a last line of the question (患者信息：…); question_time, follow_ups, the
doctors' specialties and permission are kept as metadata. A doctor (mid) is kept as a hash; links
and answer times are not kept. adopted and recommended are true, false or empty (the page does not
say); any other mark makes the page Malformed, as a guessed mark would be a wrong preference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ..records import Malformed, Record
from .files.opening import FileReport, SourceFile, wanted
from .parsing.csv import csv_rows
from .parsing.json import json_rows
from .parsing.ready import ReadyThread, ready
from .parsing.threads import thread

SUFFIXES = (".json", ".jsonl", ".csv")
Options = ReadyThread


def read(
    files: Sequence[SourceFile], options: ReadyThread, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a QAThread for each page of each file."""
    for file in files:
        read_rows = csv_rows if wanted(file.name, (".csv",)) else json_rows
        rows = read_rows(file, report, options.ident)
        yield from ready(rows, partial(thread, report.traces), options)

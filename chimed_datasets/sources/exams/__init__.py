"""Benchmarks whose items must not be in a dataset: read for decontamination, never copied.

A layout says how a benchmark's files hold its items; :data:`LAYOUTS` names them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import RecipeError, SourceError, did_you_mean
from ...lang import _
from ...records import Malformed
from ..files.opening import FileReport, SourceFile
from ..parsing.by_ending import SUFFIXES as ENDINGS
from ..parsing.by_ending import any_rows
from ..parsing.row import KeyedRow
from ..parsing.sheets import UNSEEN, SheetName
from .items import answers, asked_of, parts, plain, shared_of, stem_of, whole
from .options import NAMES, options_of


@dataclass(frozen=True, slots=True)
class ExamItem:
    """One question of a benchmark. As training data it is a :class:`.records.ExamItem`.

    key:     file and row it came from.
    options: the texts of the choices, in order; empty for an open question.
    answer:  as the file gives it ("A", or the answer's text); None where it is withheld.
    """

    key: str
    stem: str
    options: tuple[str, ...] = ()
    answer: str | None = None


LAYOUTS = {
    "cmmlu": "CMMLU: the columns Question, A, B, C, D and Answer",
    "ceval": "C-Eval: the columns id, question, A, B, C, D, and answer where it is told",
    "mcq": "multiple choice: question or stem; options (a list, a mapping, or one text with a "
    "letter before each) or columns A, B, C…, or both in one text; answer",
    "questions": "open questions: question, stem, query, prompt or text",
    "mixed": "rows of both kinds: as `mcq` where a row has options, else as `questions`",
}

SUFFIXES = ENDINGS
"""The file endings that a benchmark's folder or archive is searched for, compression aside. Any
layout may be in any of these."""


@dataclass(frozen=True)
class Rows:
    """Where the rows of a benchmark stand, beside what its layout knows.

    rows:     the dotted path of the list in which they stand, see :func:`.json.json_rows`.
    header:   names of columns, of a table without a header line.
    question: the column that is the question, where it has another name than the usual ones.
    sheet:    of a workbook, its name or its number from 1; None for every one of the same columns.
    """

    rows: str = ""
    header: tuple[str, ...] = ()
    question: str = ""
    sheet: SheetName = None

    def of(self, file: SourceFile, report: FileReport) -> Iterator[KeyedRow | Malformed]:
        """Yield the rows of a file; an item with a choice too few is none."""
        return any_rows(
            file, report, needed=list, under=self.rows, header=self.header, sheet=self.sheet
        )

    def asked(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row with its question under the usual name."""
        if not self.question:
            return row
        given = row.get(self.question.lower())
        if given is None:
            raise ValueError(
                _("no column {question!r}; found: {row}.").format(
                    question=self.question, row=", ".join(row)
                )
            )
        return row | {"question": given}


def read(
    layout: str, files: Sequence[SourceFile], report: FileReport, form: Rows | None = None
) -> list[ExamItem]:
    """Read all items of a benchmark, in the order of ``files``.

    Raises :class:`RecipeError` for an unknown ``layout`` and :class:`SourceError` for a row that
    is no item of it: an item passed over in silence would not be protected.
    """
    check_layout(layout)
    convert = _CONVERTERS[layout]
    form = form or Rows()
    items = []
    for file in files:
        for row in form.of(file, report):
            if isinstance(row, Malformed):
                if row.rule in UNSEEN and row.rule != "other_sheet":
                    continue  # titles and what is hidden
                why = f"{row.rule}: {row.evidence}"
                raise SourceError(
                    _("benchmark row {key}: {why}").format(key=row.key, why=why), key=row.key
                )
            key, values = row
            try:
                for place, part in _questions(key, form.asked(plain(values))):
                    items.append(convert(place, part))
            except ValueError as error:
                raise SourceError(
                    _("benchmark row {key}: {error}").format(key=key, error=error), key=key
                ) from None
    return items


def check_layout(layout: str) -> None:
    """Raise :class:`RecipeError` for a layout that is none of :data:`LAYOUTS`."""
    if layout not in LAYOUTS:
        known = did_you_mean(layout, LAYOUTS)
        raise RecipeError(
            _("unknown benchmark layout {layout!r}.{known}").format(layout=layout, known=known)
        )


def item_of(key: str, row: Mapping[str, Any]) -> ExamItem:
    """Return the item that a mapping holds, under the names that the layouts "mcq" (where it has
    options) and "questions" know. Raises ValueError where it has no question."""
    lists = {name: list(v) if isinstance(v, tuple) else v for name, v in row.items()}
    row = plain(lists)
    has_options = any(row.get(name) for name in NAMES) or bool(options_of(row))
    return (_choices if has_options else _open_question)(key, row)


def _questions(key: str, row: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each question of a row that holds several; any other row as one."""
    found = parts(row)
    if found is None:
        yield key, whole(row)
        return
    for number, part in enumerate(found):
        yield f"{key}.{number}", part


def _item(key: str, row: Mapping[str, Any], stem: str, options: tuple[str, ...]) -> ExamItem:
    shared = shared_of(row)
    return ExamItem(key, f"{shared}\n{stem}" if shared else stem, options, _answer(row))


def _four_choices(key: str, row: Mapping[str, Any]) -> ExamItem:
    missing = [name for name in ("question", "a", "b", "c", "d") if row.get(name) is None]
    if missing:
        raise ValueError(
            _("no column {missing}; found: {row}.").format(
                missing=", ".join(missing), row=", ".join(row)
            )
        )
    return ExamItem(key, stem_of(row), tuple(str(row[c]) for c in "abcd"), _answer(row))


def _choices(key: str, row: Mapping[str, Any]) -> ExamItem:
    stem_of(row)  # says by itself what is missing
    try:
        stem, choices = asked_of(row)
    except ValueError as error:
        raise ValueError(
            _("no options: {error}; found: {row}.").format(error=error, row=", ".join(row))
        ) from None
    options = tuple(choice.text for choice in choices if choice.text.strip())
    if not options:
        raise ValueError(
            _("no options: expected {NAMES}, or columns A, B, C…; found: {row}.").format(
                NAMES=", ".join(NAMES[:5]), row=", ".join(row)
            )
        )
    return _item(key, row, stem, options)


def _open_question(key: str, row: Mapping[str, Any]) -> ExamItem:
    return _item(key, row, stem_of(row), ())


def _either(key: str, row: Mapping[str, Any]) -> ExamItem:
    try:
        return _choices(key, row)
    except ValueError:
        return _open_question(key, row)


def _answer(row: Mapping[str, Any]) -> str | None:
    for __, value in answers(row):
        if isinstance(value, (list, tuple)):
            value = "\n".join(map(str, value))
        return str(value)
    return None


_CONVERTERS: dict[str, Callable[[str, Mapping[str, Any]], ExamItem]] = {
    "cmmlu": _four_choices,
    "ceval": _four_choices,
    "mcq": _choices,
    "questions": _open_question,
    "mixed": _either,
}

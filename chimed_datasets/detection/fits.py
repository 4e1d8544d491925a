"""How well a layout fits: its own reader, run over the beginnings of the files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Any
from unicodedata import east_asian_width

from ..errors import ChimedError, SourceError
from ..lang import N_, _
from ..records import Dialogue, Document, Malformed, QAThread, Record
from ..records import ExamItem as ExamRecord
from ..sources import FileReport, Layout, exams, layout
from ..sources.exams import ExamItem
from ..sources.files.heads import Head
from ..sources.files.opening import wanted
from ..sources.parsing.messages import as_data
from ..sources.parsing.sheets import UNSEEN
from ..sources.parsing.speakers import marked
from .columns import Column, are_letters, columns_of
from .forms import ROWS, Form, first_of, flat
from .mapping import Guess, guess

_BLANKS = re.compile(r"\s+")
MAPPED = {".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet"}
"""The layouts that map columns of any name, by the form that they read."""


_PARTLY = ("scored", "entities", "chimed_pages", "cirrussearch")
"""Layouts that leave out by intent: later turns, web addresses, links."""


_ASKED = (*UNSEEN, "not_selected", "other_page")
"""What a layout leaves out since nobody asked for it: titles, what is hidden, redirects."""


@dataclass(frozen=True)
class Fit:
    """What a layout made of the first rows.

    layout:    its key. options: its own keys of a recipe.
    benchmark: whether it is one of a benchmark.
    read, kept: how many rows it read, and how many became records with what they need.
    why:       why the others did not, short; "" where all did.
    records:   the first records.
    unread:    columns of text that are in no record.
    mapping:   what the columns are, where they are mapped.
    """

    layout: str
    read: int
    kept: int
    why: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    benchmark: bool = False
    records: Sequence[Record] = field(default=(), repr=False)
    unread: tuple[str, ...] = ()
    covered: float = 1.0
    mapping: Guess | None = None

    @property
    def share(self) -> float:
        return self.kept / self.read if self.read else 0.0

    @property
    def worth(self) -> float:
        """What fits are compared by: the share of rows read, less what is left out of them."""
        return self.share * (0.4 + 0.6 * self.covered) * (0.97 if self.mapping else 1.0)


def tried(found: Layout, heads: Sequence[Head], form: Form, options: Mapping[str, Any]) -> Fit:
    """Return how well a layout fits files of one form."""
    try:
        got = _read(found, heads, found.settled(found.options({**found.probe, **options}), Path()))
    except ChimedError as error:
        return Fit(found.key, 1, 0, _short(str(error)), options)
    return _judged(found.key, got, form, options)


def _read(found: Layout, heads: Sequence[Head], options: Any) -> list[Record | Malformed]:
    each = max(ROWS // max(len(heads), 1), 20)
    report = FileReport()
    if found.joined:
        files = [head.file for head in heads]
        cut = any(head.cut for head in heads)
        got = first_of(partial(found.read, files, options, report), 2 * ROWS, False)
        broken = ("json_invalid", "too_long", "score_without_dialogue") if cut else ()
        return [one for one in got if not (isinstance(one, Malformed) and one.rule in broken)]
    got = []
    without = 0
    for head in heads:
        of_file = first_of(partial(found.read, [head.file], options, report), each, head.cut)
        without += all(isinstance(one, Malformed) for one in of_file)
        got += of_file
    if 4 * without > len(heads) and without < len(heads):
        raise SourceError(
            _("nothing of {without} of {heads} files can be read").format(
                without=without, heads=len(heads)
            )
        )
    return got


def _judged(
    key: str, got: Sequence[Record | Malformed], form: Form, options: Mapping[str, Any]
) -> Fit:
    got = [one for one in got if not (isinstance(one, Malformed) and one.rule in _ASKED)]
    faults: Counter[str] = Counter()
    examples: dict[str, str] = {}
    records: list[Record] = []
    for one in got:
        if isinstance(one, Malformed):
            rule, evidence = one.rule, one.evidence
        elif lack := _lack(key, one):
            rule, evidence = lack, ""
        else:
            records.append(one)
            continue
        faults[rule] += 1
        examples.setdefault(rule, evidence)
    if records:  # a reply without a score is one beside those that have one
        got = got[: len(got) - faults.pop(_UNSCORED, 0)]
    why = ""
    if faults:
        rule, count = faults.most_common(1)[0]
        told = _short(examples[rule])
        why = told if rule == "missing_field" else f"{rule}: {told}" if told else rule
        why = f"{why} ({count} of {len(got)})" if records else why
    elif not got:
        why = N_("no rows")
    unread, covered = _unread(form, records)
    if key in _PARTLY:
        unread, covered = (), max(covered, 0.9)
    if records and key != "jsonl" and _are_choices(records):
        return Fit(key, len(got), 0, N_("its answers are letters of choices"), options)
    return Fit(
        key, len(got), len(records), why, options, False, records[:ROWS], unread, covered
    )  # fmt: skip


_UNSCORED = N_("no reply has a score")


def _lack(key: str, record: Record) -> str:
    """Return what a record lacks that its reader lets pass, or ""."""
    if isinstance(record, Document):
        return "" if len(record.text.strip()) > 1 else N_("no text")
    if (
        key == "scored"
        and isinstance(record, Dialogue)
        and all(one.score is None and not one.ratings for one in record.candidates)
    ):
        return _UNSCORED
    if isinstance(record, QAThread) and not any(one.text.strip() for one in record.answers):
        return N_("no answer")
    return ""


def _are_choices(records: Sequence[Record]) -> bool:
    answers = [one.answers[0].text for one in records if isinstance(one, QAThread) and one.answers]
    answers += [
        one.messages[-1].content for one in records if isinstance(one, Dialogue) and one.messages
        and not one.candidates
    ]  # fmt: skip
    return len(answers) * 2 > len(records) and are_letters(answers)


def _short(told: str) -> str:
    """Return why a row is no record, on one short line."""
    told = " ".join(told.split())
    told = re.sub(r"; fields: .*|; found: .*|\.? Known: .*|\. Did you mean .*", "", told)
    told = re.sub(r"(no '\w+) or [^']*'", r"\1'", told)  # of the usual names the first
    cells = accumulate(1 + (east_asian_width(sign) in "WF") for sign in told)
    fits = sum(width <= _CELLS for width in cells)
    return told if fits == len(told) else f"{told[: fits - 1]}…"


_CELLS = 60
"""As wide as a reason may be on a terminal, where a Chinese character takes two cells."""


# --- what is not read ------------------------------------------------------------------------


def texts_of(record: Record) -> Iterator[str]:
    """Yield all texts of a record, those about it too."""
    yield from record.metadata.values()
    if isinstance(record, Document):
        yield from (record.title or "", record.text)
        return
    yield from (record.department or "", *record.keyphrases)
    if isinstance(record, ExamRecord):
        yield from (record.shared_stem or "", record.stem, record.explanation or "")
        yield from (option.text for option in record.options)
        return
    if isinstance(record, QAThread):
        yield from (record.title or "", record.question)
        replies = record.answers
    else:
        for message in record.messages:
            yield from (message.content, message.reasoning_content or "")
        replies = record.candidates
    for reply in replies:
        yield from (reply.text, reply.reasoning_content or "")


def _unread(form: Form, records: Sequence[Record]) -> tuple[tuple[str, ...], float]:
    """Return the columns of text that are in no record, and the share of the text in long columns
    that is in one."""
    if not form.rows or not records:
        return (), 1.0
    held = _BLANKS.sub("", "\n".join(text for one in records for text in texts_of(one)))
    kept, lost = 0.0, []
    total = 0.0
    rows = form.rows[: max(len(records) // 2, 10)]
    columns = [c for c in columns_of(rows) if c.long or c.kind == "turns"]
    wholes = {c.name: _strings_of(rows, c) for c in columns}
    for column in columns:
        texts = [_BLANKS.sub("", text) for text in wholes[column.name]]
        texts = [t for t in texts if len(t) > 3 and (not t.isascii() or len(t) >= 20)][:60]
        if not texts:
            continue
        size = sum(map(len, texts)) * column.share
        read = fmean(_share_in(text, held) for text in texts)
        total += size
        kept += size * read
        if read < 0.3 and not any(
            other.name != column.name and set(wholes[other.name]) & set(wholes[column.name])
            for other in columns
        ):
            lost.append(column.name)
    return tuple(lost), kept / total if total else 1.0


_WINDOW = 16


def _share_in(text: str, held: str) -> float:
    """Return how much of a text is in what was read, by three pieces of it. Where two are there, it
    is: labels and marks are cut off, and a trace stands apart from its reply."""
    if len(text) <= 3 * _WINDOW:
        middle = text[len(text) // 4 : -(len(text) // 4) or None]
        return float(middle in held)
    at = [(len(text) - _WINDOW) * part // 10 for part in (2, 5, 8)]
    there = sum(text[start : start + _WINDOW] in held for start in at)
    return 1.0 if there > 1 else there / 3


def _strings_of(rows: Sequence[Mapping[str, Any]], column: Column) -> list[str]:
    out: list[str] = []

    def collect(value: Any, depth: int = 0) -> None:
        if isinstance(value, str):
            data = as_data(value, sure=False) if value[:1] in ("[", "{") else value
            if isinstance(data, str) or depth >= 4:  # marks of speakers are no text
                out.extend([said for __, said in marked(value)] or [value])
            else:
                collect(data, depth + 1)
        elif isinstance(value, list | tuple) and depth < 4:
            for one in value:
                collect(one, depth + 1)
        elif isinstance(value, dict) and depth < 4:
            collect(list(value.values()), depth + 1)

    for row in rows:
        collect(flat(row).get(column.name))
    return out


# --- mappings --------------------------------------------------------------------------------


def mapped(heads: Sequence[Head], form: Form) -> Fit | None:
    """Return how well the best guess of a mapping fits, or None where no column is text."""
    key = MAPPED[form.family]
    guessed = guess(form.rows)
    if guessed is None:
        return None
    options: dict[str, Any] = {}
    if form.under:
        options["rows"] = form.under
    if guessed.kind != "document":
        options["kind"] = guessed.kind
    if guessed.ident:
        options["id"] = guessed.ident
    options["fields"] = guessed.fields
    if guessed.strip:
        options["strip"] = guessed.strip
    fit = tried(layout(key), heads, form, options)
    return replace(fit, mapping=guessed)


# --- benchmarks ------------------------------------------------------------------------------


def exam(heads: Sequence[Head], form: Form) -> Fit | None:
    """Return how well the layouts of benchmarks fit: None where hardly a row has choices."""
    items: list[ExamItem] = []
    for number, row in enumerate(form.rows):
        try:
            items.append(exams.item_of(str(number), row))
        except (ValueError, TypeError, AttributeError):
            continue
    choices = [item for item in items if len(item.options) > 1]
    if not choices or 2 * len(choices) < len(form.rows):
        return None
    answers = [item.answer for item in choices if item.answer]
    names = {name.lower().strip() for name in form.columns}
    key = "mcq"
    if {"question", "a", "b", "c", "d"} <= names:
        key = "ceval" if "id" in names else "cmmlu"
    short = sum(len(answer) <= 40 for answer in answers) >= 0.8 * len(answers)
    why = "" if short else N_("its answers are long")
    kept = len(choices) if short else 0
    columns = [c.name for c in columns_of(form.rows) if c.long and c.length > 40]
    stem = {item.stem for item in choices}
    unread = tuple(
        name for name in columns if not stem & {str(flat(row).get(name)) for row in form.rows}
    )
    return Fit(key, len(form.rows), kept, why, benchmark=True, unread=unread)


def applies(found: Layout, family: str) -> bool:
    """Whether a layout reads files of a form."""
    endings = {".jsonl": (".jsonl", ".json"), ".warc": (".warc", ".wet")}.get(family, (family,))
    return bool(set(endings) & set(found.suffixes))


def of_files(found: Layout, heads: Sequence[Head]) -> list[Head]:
    """Return the files that a layout finds in a folder or archive; the only one counts always."""
    if len(heads) == 1 and "/" not in heads[0].file.name:
        return list(heads)
    return [head for head in heads if wanted(head.file.name, found.suffixes)]

"""What may be said of layouts that know their columns: key, metadata, condition, texts to cut.

A layout that makes records of rows hands both to :func:`ready`; one that makes them of pages or of
parts of a book has :func:`chosen` look at them. A mapping says these for its own targets, see
:mod:`.mapping`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...errors import RecipeError, did_you_mean
from ...lang import _
from ...records import Dialogue, Document, ExamItem, Malformed, QAThread, Record, excerpt
from . import labels
from .ends import stripped
from .paths import looked_at, optional
from .row import KeyedRow, RowError, each
from .where import condition

Convert = Callable[[str, dict[str, Any]], Record]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Keys that all layouts share which know their columns.

    where: a condition, such as score >= 4; what does not meet it goes to the ledger.
    strip: whose text: [texts to cut from its beginning and end].
    """

    where: str | None = None
    strip: dict[str, list[str]] = field(default_factory=dict)
    TARGETS: ClassVar[tuple[str, ...]] = ("user", "assistant", "system")
    FIELDS: ClassVar[tuple[str, ...]] = ()
    """What a condition may ask for, where it is the same in all files."""
    BEHIND_FIRST: ClassVar[bool] = False
    """Whether what is read is not the first part of a file."""

    def __post_init__(self) -> None:
        for target in self.strip:
            if target not in self.TARGETS:
                raise RecipeError(
                    _("strip: unknown text {target!r}.{did_you_mean}").format(
                        target=target, did_you_mean=did_you_mean(target, self.TARGETS)
                    )
                )
        if self.where is not None:
            condition(self.where)
        if self.FIELDS:
            self.asks_for(self.FIELDS)

    @property
    def together(self) -> bool:
        """Whether all files of a source are read at once."""
        return False

    def asks_for(self, names: Sequence[str]) -> None:
        """Raise :class:`RecipeError` where the condition asks for what is not among ``names``."""
        for column in condition(self.where).columns if self.where is not None else ():
            if column not in names:
                known = did_you_mean(column, names)
                raise RecipeError(
                    _("where: there is no {column!r}.{known}").format(column=column, known=known)
                )


@dataclass(frozen=True)
class ChosenThread(Chosen):
    """The same of a layout of threads; ``strip`` takes question, answer and title."""

    TARGETS: ClassVar[tuple[str, ...]] = ("question", "answer", "title")


@dataclass(frozen=True)
class ChosenDocument(Chosen):
    """The same of a layout of documents; ``strip`` takes text and title."""

    TARGETS: ClassVar[tuple[str, ...]] = ("text", "title")


@dataclass(frozen=True)
class Ready(Chosen):
    """Keys that layouts of rows share.

    id:       the column that names a row; else "id", else the row's number.
    metadata: columns that are kept as metadata, under their names.
    """

    id: str | None = None
    metadata: list[str] = field(default_factory=list)

    @property
    def ident(self) -> str:
        """The column that names a row."""
        return self.id or "id"


@dataclass(frozen=True)
class ReadyThread(Ready):
    """The same of a layout of threads."""

    TARGETS = ChosenThread.TARGETS


@dataclass(frozen=True)
class ReadyDocument(Ready):
    """The same of a layout of documents."""

    TARGETS = ChosenDocument.TARGETS


@dataclass(frozen=True)
class ReadyExam(Ready):
    """The same of a layout of exam items; ``strip`` takes stem, shared_stem and explanation."""

    TARGETS: ClassVar[tuple[str, ...]] = ("stem", "shared_stem", "explanation")


def ready(
    rows: Iterable[KeyedRow | Malformed], convert: Convert, options: Ready
) -> Iterator[Record | Malformed]:
    """Yield what ``convert`` makes of the rows that ``options`` choose, with what they ask for."""
    cut, kept = stripper(options), keeper(options)

    def made(key: str, row: dict[str, Any]) -> Record:
        record = convert(key, row)
        record.metadata |= kept(row)
        return cut(record)

    plain = not (options.strip or options.metadata)
    yield from each(selected(rows, options), convert if plain else made)


def selected(rows: Iterable[KeyedRow | Malformed], options: Chosen) -> Iterable[Any]:
    """Return rows; those that do not meet the condition of ``options`` are Malformed.

    Raises :class:`SourceError` where it asks for a column that none of the first rows has.
    """
    if options.where is None:
        return rows
    asked = condition(options.where)
    if not options.FIELDS and not options.BEHIND_FIRST:
        rows = looked_at(rows, asked.named)
    return map(asked.of, rows)


def keeper(options: Ready) -> Callable[[Mapping[str, Any]], dict[str, str]]:
    """Return what makes metadata of a row, as ``options`` ask for it."""
    kept = {name: optional(name) for name in options.metadata}

    def of_row(row: Mapping[str, Any]) -> dict[str, str]:
        found = {name: labels.written(get(row)) for name, get in kept.items()}
        return {name: text for name, text in found.items() if text}

    return of_row


def stripper(options: Chosen) -> Callable[[Record], Record]:
    """Return what cuts the texts of a record, as ``options`` ask for it: it raises RowError where
    nothing is left of one."""
    ends = {target: [end.strip() for end in given] for target, given in options.strip.items()}

    def cut(record: Record) -> Record:
        if ends:
            _strip(record, ends)
        return record

    return cut


def stripped_records(
    records: Iterable[Record | Malformed], options: Chosen
) -> Iterator[Record | Malformed]:
    """Yield records whose texts are cut; one of which nothing is left is Malformed."""
    cut = stripper(options)
    for record in records:
        try:
            yield record if isinstance(record, Malformed) else cut(record)
        except RowError as error:
            yield Malformed(record.key, error.rule, error.evidence)


def chosen(records: Iterable[Record | Malformed], options: Chosen) -> Iterator[Record | Malformed]:
    """Yield the records that ``options`` choose, with what they ask for: a condition asks for
    their texts, title, department and metadata, a thread's answers being one text, ``answer``."""
    if options.where is not None:
        of = condition(options.where).of
        records = (_selected(record, of) for record in records)
    return stripped_records(records, options) if options.strip else iter(records)


def _selected(
    record: Record | Malformed, of: Callable[[KeyedRow | Malformed], KeyedRow | Malformed]
) -> Record | Malformed:
    if isinstance(record, Malformed):
        return record
    left = of((record.key, _fields_of(record)))
    return left if isinstance(left, Malformed) else record


def _fields_of(record: Record) -> dict[str, Any]:
    fields: dict[str, Any] = dict(record.metadata)
    if isinstance(record, Document):
        return fields | {"title": record.title, "text": record.text}
    fields["department"] = record.department
    if isinstance(record, QAThread):
        fields |= {"title": record.title, "question": record.question}
        fields["answer"] = "\n".join(answer.text for answer in record.answers)
    return fields


def _strip(record: Record, ends: dict[str, list[str]]) -> None:
    """Cut the texts of a record. Raises RowError where nothing is left of one."""

    def cut(text: str, target: str, rule: str = "") -> str:
        if target not in ends:
            return text
        left = stripped(text, ends[target])
        if rule and not left:
            raise RowError(rule, excerpt(text))
        return left

    if isinstance(record, Document):
        record.text = cut(record.text, "text", "no_text")
    elif isinstance(record, QAThread):
        record.question = cut(record.question, "question", "empty_question")
        for answer in record.answers:
            answer.text = cut(answer.text, "answer", "no_answer")
    elif isinstance(record, ExamItem):
        record.stem = cut(record.stem, "stem", "no_question")
        record.shared_stem = cut(record.shared_stem or "", "shared_stem") or None
        record.explanation = cut(record.explanation or "", "explanation") or None
        return
    else:
        _strip_dialogue(record, cut)
        return
    if record.title is not None:
        record.title = cut(record.title, "title") or None


def _strip_dialogue(record: Dialogue, cut: Callable[[str, str, str], str]) -> None:
    for message in record.messages:
        message.content = cut(message.content, message.role, "empty_turn")
    for candidate in record.candidates:
        candidate.text = cut(candidate.text, "assistant", "empty_reply")

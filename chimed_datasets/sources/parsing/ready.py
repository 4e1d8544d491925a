"""What may be said of layouts that know their columns: key, metadata, condition, texts to cut.

A mapping says these for its own targets, see :mod:`.mapping`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...errors import RecipeError, did_you_mean
from ...records import Dialogue, Document, ExamItem, Malformed, QAThread, Record, excerpt
from . import labels
from .ends import stripped
from .paths import optional
from .row import KeyedRow, RowError, each
from .where import condition

Convert = Callable[[str, dict[str, Any]], Record]


@dataclass(frozen=True)
class Ready:
    """Keys that layouts of fixed columns share.

    id:       the column that names a row; else "id", else the row's number.
    metadata: columns that are kept as metadata, under their names.
    where:    a condition on the columns, such as score >= 4; other rows go to the ledger.
    strip:    whose text: [texts to cut from its beginning and end].
    """

    id: str | None = None
    metadata: list[str] = field(default_factory=list)
    where: str | None = None
    strip: dict[str, list[str]] = field(default_factory=dict)
    TARGETS: ClassVar[tuple[str, ...]] = ("user", "assistant", "system")

    def __post_init__(self) -> None:
        for target in self.strip:
            if target not in self.TARGETS:
                raise RecipeError(
                    f"strip: unknown text {target!r}.{did_you_mean(target, self.TARGETS)}"
                )
        if self.where is not None:
            condition(self.where)

    @property
    def ident(self) -> str:
        """The column that names a row."""
        return self.id or "id"


@dataclass(frozen=True)
class ReadyThread(Ready):
    """The same of a layout of threads; ``strip`` takes question, answer and title."""

    TARGETS: ClassVar[tuple[str, ...]] = ("question", "answer", "title")


@dataclass(frozen=True)
class ReadyDocument(Ready):
    """The same of a layout of documents; ``strip`` takes text and title."""

    TARGETS: ClassVar[tuple[str, ...]] = ("text", "title")


@dataclass(frozen=True)
class ReadyExam(Ready):
    """The same of a layout of exam items; ``strip`` takes stem, shared_stem and explanation."""

    TARGETS: ClassVar[tuple[str, ...]] = ("stem", "shared_stem", "explanation")


def ready(
    rows: Iterable[KeyedRow | Malformed], convert: Convert, options: Ready
) -> Iterator[Record | Malformed]:
    """Yield what ``convert`` makes of the rows that ``options`` choose, with what they ask for."""
    if options.where is not None:
        rows = map(condition(options.where).of, rows)
    kept = {name: optional(name) for name in options.metadata}
    ends = {target: [end.strip() for end in given] for target, given in options.strip.items()}
    if not kept and not ends:
        yield from each(rows, convert)
        return

    def made(key: str, row: dict[str, Any]) -> Record:
        record = convert(key, row)
        if ends:
            _strip(record, ends)
        for name, get in kept.items():
            if text := labels.written(get(row)):
                record.metadata[name] = text
        return record

    yield from each(rows, made)


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

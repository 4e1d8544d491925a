"""What a recipe says of a mapping: which column becomes which part of a record."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from ...errors import RecipeError, did_you_mean
from ...lang import _
from ..exams.records import Images
from .speakers import speaker
from .tables import Shape
from .traces import FIELDS
from .where import condition

TARGETS = {
    "document": {"text": "text"},
    "thread": {"question": "question", "answer": "answer"},
    "dialogue": {"messages": "messages"},
    "exam": {},
}
"""What a record of each kind cannot do without, and the column it is looked for by default."""
LABELS = {
    "document": ("title", "domain"),
    "thread": ("title", "domain", "department", "keyphrases", "reasoning_content", "adopted"),
    "dialogue": ("domain", "department", "keyphrases", "reasoning_content"),
    "exam": ("domain", "department", "keyphrases"),
}
"""Further targets of each kind; every other target becomes metadata."""
EXAM = {
    "stem": "question", "shared_stem": "shared_stem", "options": "options", "answer": "answer",
    "explanation": "explanation", "type": "qtype", "subject": "subject", "year": "year",
    "image": "qimage",
}  # fmt: skip
"""Targets of an exam item, and the usual name of each, under which it is read. What is not mapped
is looked for under its usual names."""

Part = str | dict[str, str]
"""A column, or what stands before it: the column."""


@dataclass(frozen=True)
class Join:
    """Another table of the same source, whose rows are put into those of the first.

    with: the file, or a glob, among the source's files. It is read as its ending says.
    on:   the column whose values are the same in both; or {ours: theirs}.
    as:   the name of the field that a row's partner becomes; left out, that of the file.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    with_: Annotated[str, Field(alias="with", min_length=1)]
    on: str | dict[str, str]
    as_: Annotated[str | None, Field(alias="as", min_length=1)] = None

    def __post_init__(self) -> None:
        if not isinstance(self.on, str) and len(self.on) != 1:
            raise RecipeError(_("join.on: expected one column, or {ours: theirs}."))

    @property
    def columns(self) -> tuple[str, str]:
        """Ours and theirs."""
        if isinstance(self.on, str):
            return self.on, self.on
        ((ours, theirs),) = self.on.items()
        return ours, theirs

    @property
    def name(self) -> str:
        return self.as_ or PurePosixPath(self.with_).name.partition(".")[0]


@dataclass(frozen=True)
class Mapped:
    """The options of the layouts that map columns.

    kind:   what a row becomes.
    fields: target -> column. A column may be a dotted path into objects ("metadata.book") and into
            lists (questions.0); over a list it takes that field of each item. A list of columns
            puts several together; of each may be said what stands before it: [name, {病因: cause}],
            for messages who says it: [{user: q}, {assistant: a}]. A column with ? behind it may be
            missing in a file. Targets beyond those of the kind are metadata.
    id:     the column whose value, with the file's name, is the record's key; else "id", else
            the row's number.
    strip:  target -> texts that are cut from its beginning and its end.
    where:  a condition, such as score >= 4; other rows go to the ledger.
    each:   a column with a list: the row is read once for each of its items.
    join:   another table of the source: {with: file, on: column, as: field}.
    group:  a column: the rows in which it is the same are one thread with their answers.
    images: of exam items: "refuse" sends those that need a picture to the ledger, "mark" keeps them
            with ``has_image``.

    The reasoning trace of a reply is looked for in the reply, in the column of the target
    ``reasoning_content`` and, where there is none, in columns with one of the usual names.
    """

    kind: Literal["document", "thread", "dialogue", "exam"] = "document"
    fields: dict[str, str | list[Part]] = field(default_factory=dict)
    id: str | None = None
    strip: dict[str, list[str]] = field(default_factory=dict)
    where: str | None = None
    each: str | None = None
    join: Join | None = None
    group: str | None = None
    images: Images = "refuse"

    BEHIND_FIRST: ClassVar[bool] = False
    """Whether what is read is not the first part of a file: its columns were looked for there."""

    def targets(self) -> dict[str, str | list[Part]]:
        """Return target -> column, or several, with the defaults of the kind."""
        every: dict[str, str | list[Part]] = {**TARGETS[self.kind], **self.fields}
        return {
            target: _bare_name(given)
            if isinstance(given, str)
            else [
                _bare_name(part)
                if isinstance(part, str)
                else {label: _bare_name(column) for label, column in part.items()}
                for part in given
            ]
            for target, given in every.items()
        }

    def columns(self, *, sure: bool = False) -> dict[str, str]:
        """Return "fields.target" or another key -> column, for every column that is named.

        sure: leave out those that may be missing.
        """
        named: dict[str, str] = {}
        every: dict[str, str | list[Part]] = {**TARGETS[self.kind], **self.fields}
        for target, given in every.items():
            for number, part in enumerate(given if isinstance(given, list) else [given]):
                place = f"fields.{target}" + (f".{number}" if number else "")
                column = part if isinstance(part, str) else next(iter(part.values()))
                if not (sure and column.endswith("?")):
                    named[place] = _bare_name(column)
        if self.where is not None:
            asked = condition(self.where)
            named |= asked.named if sure else {f"where {c}": c for c in asked.columns}
        others = {"id": self.id, "each": self.each, "group": self.group}
        named |= {
            key: _bare_name(column)
            for key, column in others.items()
            if column and not (sure and column.endswith("?"))
        }
        if self.join:
            named["join.on"] = self.join.columns[0]
        return named

    @property
    def together(self) -> bool:
        """Whether all files of a source are read at once."""
        return self.join is not None or self.group is not None

    @property
    def ident(self) -> str:
        """The column that names a row. The rows of a group have no names of their own."""
        return _bare_name(self.id) if self.id else ("" if self.group else "id")

    def needed(self) -> list[str]:
        """Return the columns, or paths, without which a row is none."""
        found = [self.targets()[target] for target in TARGETS[self.kind]]
        return [column for column in found if isinstance(column, str)]

    def shape(self) -> Shape | None:
        """Return which columns hold one text, so that a table in one object is known; None where
        nothing is looked for, since a recipe says what to do with lists."""
        if self.kind == "exam":
            return None
        columns = self.targets()
        simple = {t: column for t, column in columns.items() if isinstance(column, str)}
        if self.each or self.group or any(t not in simple for t in TARGETS[self.kind]):
            return None
        if self.kind == "thread":
            return Shape((simple["question"],), (simple["answer"],))
        if self.kind == "dialogue":
            return Shape((), (simple["messages"],))
        others = tuple(column for target, column in simple.items() if target != "text")
        return Shape((simple["text"],), lines=True, others=others)

    def __post_init__(self) -> None:
        for target in self.strip:
            if target not in self.targets():
                known = did_you_mean(target, self.targets())
                raise RecipeError(
                    _("strip: {target!r} is not among the fields.{known}").format(
                        target=target, known=known
                    )
                )
        for target, given in self.fields.items():
            _check_parts(target, given, self.kind)
        if self.where is not None:
            condition(self.where)
        if self.group and self.kind != "thread":
            raise RecipeError(
                _("group: the rows of a group are a thread, not a {kind}.").format(kind=self.kind)
            )


def behind_first(options: Any) -> Any:
    """Return the options for a part of a file that is not its first."""
    later = copy(options)
    object.__setattr__(later, "BEHIND_FIRST", True)
    return later


def _bare_name(column: str) -> str:
    return column.removesuffix("?")


def _check_parts(target: str, given: str | list[Part], kind: str) -> None:
    if isinstance(given, str):
        return
    labels = [label for part in given if isinstance(part, dict) for label in part]
    if not given or any(isinstance(part, dict) and len(part) != 1 for part in given):
        raise RecipeError(
            _(
                "fields.{target}: expected columns, as [name, {{病因: cause}}]: each a "
                "column, or one text before it with the column."
            ).format(target=target)
        )
    if kind == "dialogue" and target == "messages":
        for label in labels:
            if not speaker(label):
                known = did_you_mean(label, ("user", "assistant", "system"))
                raise RecipeError(
                    _("fields.messages: {label!r} is no speaker.{known}").format(
                        label=label, known=known
                    )
                )


def trace_columns(options: Mapped) -> tuple[str, ...]:
    """Return the columns of usual names in which a trace is looked for: what is not mapped."""
    if options.kind in ("document", "exam") or "reasoning_content" in options.fields:
        return ()
    mapped = {column.partition(".")[0] for column in options.columns().values()}
    return tuple(name for name in FIELDS if name not in mapped)

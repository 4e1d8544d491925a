"""Field mapping: rows of any columns become Documents, QA threads, Dialogues or exam items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import PurePosixPath
from types import NoneType
from typing import Annotated, Any, Literal

from pydantic import Field

from ...errors import RecipeError, SourceError, did_you_mean
from ...records import (
    Answer,
    Columns,
    Dialogue,
    Document,
    Malformed,
    Message,
    QAThread,
    Record,
    excerpt,
)
from ..exams.items import ANSWERS
from ..exams.records import Images, item, part_rows
from ..files.opening import FileReport, SourceFile, matches
from . import labels as label
from .by_ending import any_rows
from .ends import stripped
from .messages import answered, as_data, has_value, message, ordered, turns, with_trace
from .on_disk import group_rows, join_rows
from .paths import getter, is_there, optional, replaced
from .row import NOTHING, NOTHING_CHARS, KeyedRow, RowError, each, is_nothing, text_of
from .speakers import speaker
from .tables import Shape
from .threads import mark
from .traces import FIELDS, Spelt, field_of, may_think, told
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
LOOK_AHEAD = 100
"""Rows that are looked through for a column before it is called unknown."""
_AS_LABEL: dict[str, Callable[[Any], str | None]] = {
    "title": label.title,
    "department": label.department,
    "domain": label.domain,
}


Part = str | dict[str, str]
"""A column, or what stands before it: the column."""


@dataclass(frozen=True)
class Join:
    """Another table of the same source, whose rows are put into those of the first.

    with: the file, or a glob, among the source's files. It is read as its ending says.
    on:   the column whose values are the same in both; or {ours: theirs}.
    as:   the name of the field that a row's partner becomes; left out, that of the file.
    """

    with_: Annotated[str, Field(alias="with", min_length=1)]
    on: str | dict[str, str]
    as_: Annotated[str | None, Field(alias="as", min_length=1)] = None

    def __post_init__(self) -> None:
        if not isinstance(self.on, str) and len(self.on) != 1:
            raise RecipeError("join.on: expected one column, or {ours: theirs}.")

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
    group:  a column: the rows of a file in which it is the same are one thread with their answers.
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
            named |= {f"where {c}": c for c in condition(self.where).columns}
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
                raise RecipeError(f"strip: {target!r} is not among the fields.{known}")
        for target, given in self.fields.items():
            _check_parts(target, given, self.kind)
        if self.where is not None:
            condition(self.where)
        if self.group and self.kind != "thread":
            raise RecipeError(f"group: the rows of a group are a thread, not a {self.kind}.")


def _bare_name(column: str) -> str:
    return column.removesuffix("?")


def _check_parts(target: str, given: str | list[Part], kind: str) -> None:
    if isinstance(given, str):
        return
    labels = [label for part in given if isinstance(part, dict) for label in part]
    if not given or any(isinstance(part, dict) and len(part) != 1 for part in given):
        raise RecipeError(
            f"fields.{target}: expected columns, as [name, {{病因: cause}}]: each a column, "
            "or one text before it with the column."
        )
    if kind == "dialogue" and target == "messages":
        for label in labels:
            if not speaker(label):
                known = did_you_mean(label, ("user", "assistant", "system"))
                raise RecipeError(f"fields.messages: {label!r} is no speaker.{known}")


Items = Iterable[KeyedRow | Malformed]


def records(
    rows: Items,
    options: Mapped,
    file: str,
    spelt: Spelt | None = None,
    table: Items | None = None,
) -> Iterator[Record | Malformed]:
    """Yield a record for each row of ``file``, or each group of them; ``spelt`` counts reasoning
    traces by spelling.

    table: the rows of the table that the recipe joins.

    Raises :class:`SourceError` where a column of ``options`` is in none of the first rows.
    """
    if options.each:
        rows = chain.from_iterable(_exploded(item, options.each) for item in rows)
    if options.join and table is not None:
        _, theirs = options.join.columns
        rows = _checked(rows, options, file, (options.join.name,))
        rows = join_rows(rows, table, options.join.columns[0], theirs, options.join.name)
    else:
        rows = _checked(rows, options, file)
    if options.where is not None:
        rows = map(condition(options.where).of, rows)
    if options.kind == "exam":
        rows = chain.from_iterable(map(exam_rows(options), rows))
    convert = converter(options, spelt)
    if options.group:
        yield from _threads(rows, options, convert)
    else:
        yield from each(rows, convert)


def files_records(
    files: Sequence[SourceFile],
    rows: Callable[[SourceFile], Items],
    options: Mapped,
    report: FileReport,
) -> Iterator[Record | Malformed]:
    """Yield what :func:`records` makes of every file; ``rows`` reads one.

    With ``join`` all files of the source come at once: those that it names are the table, whose
    rows are joined to those of all others. Raises :class:`SourceError` where it names none, or all.
    """
    if options.join is None:
        for file in files:
            yield from records(rows(file), options, file.name, report.traces)
        return
    tables = [file for file in files if matches(file.name, options.join.with_)]
    others = [file for file in files if file not in tables]
    if not tables or not others:
        there = did_you_mean(options.join.with_, [file.name for file in files])
        what = "is no file of the source" if others else "names every file of the source"
        raise SourceError(f"join.with: {options.join.with_!r} {what}.{there}")
    table = chain.from_iterable(any_rows(file, report, ident="") for file in tables)
    every = chain.from_iterable(rows(file) for file in others)
    yield from records(every, options, others[0].name, report.traces, table)


def _checked(rows: Items, options: Mapped, file: str, joined: tuple[str, ...] = ()) -> Items:
    """Return rows whose columns were looked for among the first of them."""
    rows = iter(rows)
    first = list(islice(rows, LOOK_AHEAD))
    _check_first(first, options, file, joined)
    return chain(first, rows)


def _exploded(item: KeyedRow | Malformed, column: str) -> Items:
    """Return a row for each item of the list in a column; the row itself, where there is none."""
    if isinstance(item, Malformed):
        return [item]
    key, row = item
    items = optional(column)(row)
    try:
        items = as_data(items)
    except RowError:  # a text that only begins as a list does
        return [item]
    if not isinstance(items, list) or not items:
        return [item]
    return [
        (f"{key}#{n}" if n else key, replaced(row, column, inner)) for n, inner in enumerate(items)
    ]


def _threads(
    rows: Items, options: Mapped, convert: Callable[[str, dict[str, Any]], Record]
) -> Iterator[Record | Malformed]:
    """Yield a thread for the rows of each group: the first says the question and all about it."""
    assert options.group is not None
    for group in group_rows(rows, options.group):
        if isinstance(group, Malformed):
            yield _of_group(group)
            continue
        whole: QAThread | None = None
        for made in each(group.rows, convert):
            if not isinstance(made, QAThread):
                assert isinstance(made, Malformed)
                yield _of_group(made)
            elif whole is None:
                whole = made
                if group.value and not options.id:
                    whole.key = f"{made.key.partition('#')[0]}#{group.value}"
            elif made.question.strip() == whole.question.strip():
                whole.answers += made.answers
            else:
                yield _of_group(Malformed(made.key, "group_differs", excerpt(made.question)))
        if whole is None:
            continue
        if "adopted" in options.fields and not any(a.adopted for a in whole.answers):
            yield Malformed(whole.key, "no_adopted", excerpt(whole.question))
            continue
        yield whole


def _of_group(row: Malformed) -> Malformed:
    """Return a row under a key that no group has: groups are named by their values."""
    return Malformed(row.key.replace("#", "#row ", 1), row.rule, row.evidence)


def columns(
    blocks: Iterable[list[KeyedRow | Malformed]],
    options: Mapped,
    file: str,
    spelt: Spelt | None = None,
) -> Iterator[Record | Malformed | Columns]:
    """Yield what :func:`records` makes of the rows of all blocks; those of a block in which
    nothing is out of the ordinary as Columns. Neither ``join`` nor ``group`` may be given."""
    convert, plain = converter(options, spelt), _plain(options)
    select = condition(options.where).of if options.where is not None else None
    if column := options.each:
        blocks = ([row for item in block for row in _exploded(item, column)] for block in blocks)
    blocks = iter(blocks)
    first: list[list[KeyedRow | Malformed]] = []
    while sum(map(len, first)) < LOOK_AHEAD and (block := next(blocks, None)) is not None:
        first.append(block)
    _check_first(list(islice(chain.from_iterable(first), LOOK_AHEAD)), options, file)
    for block in chain(first, blocks):
        if select:
            items = list(map(select, block))
            yield from (item for item in items if isinstance(item, Malformed))
            block = [item for item in items if not isinstance(item, Malformed)]
            if not block:
                continue
        if options.kind == "exam":
            block = list(chain.from_iterable(map(exam_rows(options), block)))
        if columns := plain(block):
            yield columns
        else:
            yield from each(block, convert)


def _check_first(
    first: list[KeyedRow | Malformed], options: Mapped, file: str, joined: tuple[str, ...] = ()
) -> None:
    there = dict.fromkeys(name for row in first if isinstance(row, tuple) for name in row[1])
    if there:
        check_columns(options, [*there, *joined], file)


_SHOWN_COLUMNS = 50


def check_columns(options: Mapped, there: list[str], file: str) -> None:
    """Raise :class:`SourceError` for a mapped column that is not ``there``."""
    for key, column in options.columns(sure=True).items():
        if not is_there(column, there):
            known = did_you_mean(
                column, [excerpt(" ".join(name.split())) for name in there[:_SHOWN_COLUMNS]]
            )
            raise SourceError(f"{file}: no column {column!r} ({key}).{known}")


def _composed(parts: list[Part]) -> Callable[[Mapping[str, Any]], str]:
    """Return what puts the texts of several columns together, a line each: a text that stands
    before one comes with it (病因：风寒。). What is missing or empty is left out."""
    getters = [
        ("", optional(part)) if isinstance(part, str) else (label, optional(column))
        for part in parts
        for label, column in ([("", "")] if isinstance(part, str) else part.items())
    ]

    def text(row: Mapping[str, Any]) -> str:
        lines = []
        for name, get in getters:
            value = get(row)
            if name and isinstance(value, list):
                said = "、".join(filter(None, (text_of(item).strip() for item in value)))
            else:
                said = text_of(value).strip()
            if said:
                lines.append(f"{name}：{said}" if name else said)
        return "\n".join(lines)

    return text


def _any_getter(given: str | list[Part]) -> Callable[[Mapping[str, Any]], Any]:
    return getter(given) if isinstance(given, str) else _composed(given)


def _said(given: str | list[Part], counted: Spelt) -> Callable[[Mapping[str, Any]], list[Message]]:
    """Return what gets the turns of a row: of several columns one after another, a text that no
    speaker is named for being the user's."""
    if isinstance(given, str):
        get = getter(given)
        return lambda row: turns(get(row), counted)
    parts: list[tuple[str | None, Callable[[Mapping[str, Any]], Any]]] = []
    for part in given:
        if isinstance(part, str):
            parts.append((None, optional(part)))
        else:
            ((label, column),) = part.items()
            parts.append((speaker(label), optional(column)))

    def said(row: Mapping[str, Any]) -> list[Message]:
        made: list[Message] = []
        for by, get in parts:
            value = get(row)
            if not has_value(value):
                continue
            made += [message(by, text_of(value), None, counted)] if by else turns(value, counted)
        return ordered(made)

    return said


def trace_columns(options: Mapped) -> tuple[str, ...]:
    """Return the columns of usual names in which a trace is looked for: what is not mapped."""
    if options.kind in ("document", "exam") or "reasoning_content" in options.fields:
        return ()
    mapped = {column.partition(".")[0] for column in options.columns().values()}
    return tuple(name for name in FIELDS if name not in mapped)


def exam_rows(
    options: Mapped,
) -> Callable[[KeyedRow | Malformed], Iterator[KeyedRow | Malformed]]:
    """Return what yields a row for each question of a row, what is mapped under the usual names."""
    getters: dict[str, Callable[[Mapping[str, Any]], Any]] = {}
    for target, given in options.targets().items():
        if target in EXAM:
            getters[EXAM[target]] = _listed(given) if target == "options" else _any_getter(given)
    ends = {target: [end.strip() for end in given] for target, given in options.strip.items()}
    cut = {EXAM[target]: given for target, given in ends.items() if target in EXAM}
    others = ANSWERS if "answer" in options.fields else ()

    def rows(item: KeyedRow | Malformed) -> Iterator[KeyedRow | Malformed]:
        if isinstance(item, Malformed) or not getters:
            yield from part_rows(item)
            return
        key, row = item
        named = {name: _optional(get, row) for name, get in getters.items()}
        for name, given in cut.items():
            if isinstance(named[name], str):
                named[name] = stripped(named[name], given)
        left = {name: value for name, value in row.items() if name.lower() not in others}
        yield from part_rows((key, left | named))

    return rows


def _listed(given: str | list[Part]) -> Callable[[Mapping[str, Any]], Any]:
    """Return what gets the options of a row: of several columns one from each, under the letter
    that is said before it."""
    if isinstance(given, str):
        return getter(given)
    parts = [part if isinstance(part, dict) else {"": part} for part in given]
    columns = [(label, optional(column)) for part in parts for label, column in part.items()]
    return lambda row: [{"key": label, "value": get(row)} for label, get in columns]


def converter(
    options: Mapped, spelt: Spelt | None = None
) -> Callable[[str, dict[str, Any]], Record]:
    """Return what makes a record of a row and its key; ``spelt`` counts reasoning traces."""
    columns = options.targets()
    counted: Spelt = {} if spelt is None else spelt
    needed = {target: columns.pop(target) for target in TARGETS[options.kind]}
    usual = trace_columns(options)
    get_trace = get_mark = None
    if options.kind != "document" and (column := columns.pop("reasoning_content", None)):
        get_trace = _any_getter(column)
    if options.kind == "exam":
        columns = {target: given for target, given in columns.items() if target not in EXAM}
    if options.kind == "thread" and (column := columns.pop("adopted", None)):
        get_mark = _any_getter(column)
    labels = {t: _any_getter(columns.pop(t)) for t in LABELS[options.kind] if t in columns}
    others = {target: _any_getter(column) for target, column in columns.items()}
    ends = {target: [end.strip() for end in given] for target, given in options.strip.items()}

    def cut(target: str, text: str) -> str:
        return stripped(text, ends[target]) if target in ends else text

    def beside(row: dict[str, Any]) -> dict[str, Any]:
        """Return where a trace may stand beside the reply."""
        if get_trace:
            return {"reasoning_content": _optional(get_trace, row)}
        return {name: row[name] for name in usual if name in row}

    def about(row: dict[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for target, get in labels.items():
            value = _optional(get, row)
            if target == "keyphrases":
                fields[target] = label.keyphrases(value)
            elif target in ends and isinstance(value, str):
                fields[target] = _AS_LABEL[target](cut(target, value))
            else:
                fields[target] = _AS_LABEL[target](value)
        if others:
            plain = {t: cut(t, label.written(_optional(get, row))) for t, get in others.items()}
            fields["metadata"] = {target: value for target, value in plain.items() if value}
        return fields

    if options.kind == "document":
        get_text = _any_getter(needed["text"])

        def document(key: str, row: dict[str, Any]) -> Record:
            body = cut("text", text_of(get_text(row)))
            if not body.strip():
                raise RowError("no_text", f"{_names(needed['text'])} is empty")
            return Document(key, body, **about(row))

        return document
    if options.kind == "thread":
        get_question = _any_getter(needed["question"])
        get_answer = _any_getter(needed["answer"])

        def thread(key: str, row: dict[str, Any]) -> Record:
            asked, other = _one_question(get_question(row))
            question = cut("question", text_of(asked))
            if not question.strip():
                raise RowError("empty_question", f"{_names(needed['question'])} is empty")
            given = get_answer(row)
            given = given if isinstance(given, list) else [given]
            answers = [cut("answer", text_of(answer)) for answer in given]
            written = [answer for answer in answers if answer.strip()]
            if not written:
                raise RowError("no_answer", excerpt(question))
            fields, trace = about(row), beside(row)
            if other:
                fields["metadata"] = fields.get("metadata", {}) | {"other_questions": other}
            if len(written) > 1:  # it is nobody's
                name, text = field_of(trace)
                fields["metadata"] = fields.get("metadata", {}) | ({name: text} if text else {})
                trace = {}
            made = [told(answer, trace, counted) for answer in written]
            kept = [Answer(reply, reasoning_content=reasoning) for reply, reasoning in made]
            if get_mark:
                _add_marks(kept, get_mark(row), len(given))
            return QAThread(key, question, kept, **fields)

        return thread
    if options.kind == "exam":

        def exam(key: str, row: dict[str, Any]) -> Record:
            made = item(key, row, options.images)
            for name, value in about(row).items():
                setattr(made, name, value or getattr(made, name))
            return made

        return exam
    said, several = _said(needed["messages"], counted), isinstance(needed["messages"], list)

    def dialogue(key: str, row: dict[str, Any]) -> Record:
        messages = with_trace(said(row), beside(row), counted)
        kept, cut = answered(messages) if several else (messages, 0)
        if not kept or kept[-1].role != "assistant":
            raise RowError("no_answer", excerpt(messages[-1].content) if messages else "no turns")
        fields = about(row)
        if cut:
            fields["metadata"] = fields.get("metadata", {}) | {"cut_turns": str(cut)}
        return Dialogue(key, kept, **fields)

    return dialogue


def _plain(options: Mapped) -> Callable[[list[KeyedRow | Malformed]], Columns | None]:
    """Return what makes Columns of a block of rows where every mapped field is a text, and those
    not needed may be missing; None of any other block. Then nothing is left to do of what
    :func:`converter` does but to strip what is about the record."""
    composed = any(isinstance(column, list) for column in options.fields.values())
    wanted = {t: column for t, column in options.targets().items() if isinstance(column, str)}
    needed = {target: wanted.pop(target, "") for target in TARGETS[options.kind]}
    labels = [target for target in LABELS[options.kind] if target in wanted]
    others = [target for target in wanted if target not in labels]
    kind = Document if options.kind == "document" else QAThread
    dotted = any("." in column for column in (*needed.values(), *wanted.values()))
    odd = options.kind in ("dialogue", "exam") or "keyphrases" in labels or options.strip or dotted
    odd = odd or "reasoning_content" in labels or "adopted" in labels or composed
    usual = frozenset(trace_columns(options))

    def plain(block: list[KeyedRow | Malformed]) -> Columns | None:
        keyed = [item for item in block if isinstance(item, tuple)]
        if odd or len(keyed) < len(block):
            return None
        if usual and not all(usual.isdisjoint(row) for _, row in keyed):
            return None
        fields: dict[str, list[Any]] = {"key": [key for key, _ in keyed]}
        for target, column in needed.items():
            texts: list[Any] = [row.get(column) for _, row in keyed]
            if set(map(type, texts)) != {str} or _any_is_nothing(texts):
                return None
            if target == "answer" and any(map(may_think, texts)):
                return None
            fields["answers" if target == "answer" else target] = texts
        about: dict[str, list[str | None]] = {}
        for target, column in wanted.items():
            texts = [row.get(column) for _, row in keyed]
            if not set(map(type, texts)) <= {str, NoneType}:
                return None
            if target == "domain" and not _known_domains(texts):
                return None
            as_label = _AS_LABEL.get(target, _bare) if target in labels else _bare
            about[target] = [as_label(text) if text else None for text in texts]
        fields |= {target: about[target] for target in labels}
        if others:
            rest = zip(*(about[target] for target in others), strict=True)
            fields["metadata"] = [
                {target: text for target, text in zip(others, row, strict=True) if text}
                for row in rest
            ]
        return Columns(kind, fields)

    return plain


def _any_is_nothing(texts: list[str]) -> bool:
    short = [bare for text in texts if len(bare := text.strip()) <= NOTHING_CHARS]
    return not NOTHING.isdisjoint(short)


def _known_domains(texts: list[str | None]) -> bool:
    try:
        return all(label.domain(text) for text in set(texts) if text and not is_nothing(text))
    except RowError:
        return False


def _bare(text: str) -> str | None:
    text = text.strip()
    return None if is_nothing(text) else text


def _one_question(value: Any) -> tuple[Any, str]:
    """Return the question of [q], and of [[q, other wordings]] the first, with the others."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        first, *others = value[0] or [""]
        return first, "\n".join(filter(None, map(text_of, others)))
    if isinstance(value, list) and len(value) > 1:
        raise RowError(
            "list_for_text", f"a list of {len(value)} stands where one text belongs, the question"
        )
    return value, ""


def _optional(get: Callable[[Mapping[str, Any]], Any], row: Mapping[str, Any]) -> Any:
    """Return what a label or metadata is made of: nothing where something else stands above it."""
    try:
        return get(row)
    except (KeyError, TypeError):
        return None


def _names(given: str | list[Part]) -> str:
    """Return the columns of a target, for an error."""
    if isinstance(given, str):
        return repr(given)
    return repr([part if isinstance(part, str) else next(iter(part.values())) for part in given])


def _add_marks(answers: list[Answer], given: Any, number: int) -> None:
    """Give the answers of a row its mark, or each its own of a list of marks."""
    marks = given if isinstance(given, list) else [given] * len(answers)
    if len(marks) != len(answers) or (len(answers) > 1 and not isinstance(given, list)):
        raise RowError(
            "wrong_type", f"adopted: a mark for each of {number} answers expected, got {given!r}"
        )
    for answer, one in zip(answers, marks, strict=True):
        answer.adopted = mark(one, "adopted")

"""Field mapping: rows of any columns become Documents, QA threads or Dialogues."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from types import NoneType
from typing import Any, Literal

from ...errors import RecipeError, SourceError, did_you_mean
from ...records import Answer, Columns, Dialogue, Document, Malformed, QAThread, Record, excerpt
from . import labels as label
from .messages import turns, with_trace
from .row import NOTHING, NOTHING_CHARS, KeyedRow, RowError, each, is_nothing, text_of
from .tables import Shape
from .traces import FIELDS, Spelt, field_of, may_think, told

TARGETS = {
    "document": {"text": "text"},
    "thread": {"question": "question", "answer": "answer"},
    "dialogue": {"messages": "messages"},
}
"""What a record of each kind cannot do without, and the column it is looked for by default."""
LABELS = {
    "document": ("title", "domain"),
    "thread": ("title", "domain", "department", "keyphrases", "reasoning_content"),
    "dialogue": ("domain", "department", "keyphrases", "reasoning_content"),
}
"""Further targets of each kind; every other target becomes metadata."""
LOOK_AHEAD = 100
"""Rows that are looked through for a column before it is called unknown."""
_AS_LABEL: dict[str, Callable[[Any], str | None]] = {
    "title": label.title,
    "department": label.department,
    "domain": label.domain,
}


@dataclass(frozen=True)
class Mapped:
    """The options of the layouts that map columns.

    kind:   what a row becomes.
    fields: target -> column. A column may be a dotted path into objects ("metadata.book"); over a
            list it takes that field of each item. Targets beyond those of the kind are metadata.
    id:     the column whose value, with the file's name, is the record's key; else "id", else
            the row's number.
    strip:  target -> texts that are cut from its beginning and its end.

    The reasoning trace of a reply is looked for in the reply, in the column of the target
    ``reasoning_content`` and, where there is none, in columns with one of the usual names.
    """

    kind: Literal["document", "thread", "dialogue"] = "document"
    fields: dict[str, str] = field(default_factory=dict)
    id: str | None = None
    strip: dict[str, list[str]] = field(default_factory=dict)

    def columns(self) -> dict[str, str]:
        """Return target -> column with the defaults of the kind."""
        return TARGETS[self.kind] | self.fields

    def shape(self) -> Shape:
        """Return which columns hold one text, so that a table in one object is known."""
        columns = self.columns()
        if self.kind == "thread":
            return Shape((columns["question"],), (columns["answer"],))
        if self.kind == "dialogue":
            return Shape((), (columns["messages"],))
        others = tuple(column for target, column in columns.items() if target != "text")
        return Shape((columns["text"],), lines=True, others=others)

    def __post_init__(self) -> None:
        for target in self.strip:
            if target not in self.columns():
                known = did_you_mean(target, self.columns())
                raise RecipeError(f"strip: {target!r} is not among the fields.{known}")


def records(
    rows: Iterable[KeyedRow | Malformed], options: Mapped, file: str, spelt: Spelt | None = None
) -> Iterator[Record | Malformed]:
    """Yield a record for each row of ``file``; ``spelt`` counts reasoning traces by spelling.

    Raises :class:`SourceError` where a column of ``options`` is in none of the first rows.
    """
    rows = iter(rows)
    first = list(islice(rows, LOOK_AHEAD))
    _check_first(first, options, file)
    yield from each(chain(first, rows), converter(options, spelt))


def columns(
    blocks: Iterable[list[KeyedRow | Malformed]],
    options: Mapped,
    file: str,
    spelt: Spelt | None = None,
) -> Iterator[Record | Malformed | Columns]:
    """Yield what :func:`records` makes of the rows of all blocks; those of a block in which
    nothing is out of the ordinary as Columns."""
    convert, plain = converter(options, spelt), _plain(options)
    blocks = iter(blocks)
    first: list[list[KeyedRow | Malformed]] = []
    while sum(map(len, first)) < LOOK_AHEAD and (block := next(blocks, None)) is not None:
        first.append(block)
    _check_first(list(islice(chain.from_iterable(first), LOOK_AHEAD)), options, file)
    for block in chain(first, blocks):
        if columns := plain(block):
            yield columns
        else:
            yield from each(block, convert)


def _check_first(first: list[KeyedRow | Malformed], options: Mapped, file: str) -> None:
    there = dict.fromkeys(name for row in first if isinstance(row, tuple) for name in row[1])
    if there:
        check_columns(options, list(there), file)


_SHOWN_COLUMNS = 50


def check_columns(options: Mapped, there: list[str], file: str) -> None:
    """Raise :class:`SourceError` for a mapped column that is not ``there``."""
    wanted = {**{f"fields.{t}": c for t, c in options.columns().items()}, "id": options.id}
    for key, column in wanted.items():
        if column and column not in there and column.split(".")[0] not in there:
            known = did_you_mean(
                column, [excerpt(" ".join(name.split())) for name in there[:_SHOWN_COLUMNS]]
            )
            raise SourceError(f"{file}: no column {column!r} ({key}).{known}")


def _getter(column: str) -> Callable[[Mapping[str, Any]], Any]:
    """Return what gets a column, or a dotted path, from a row; KeyError where it is not there."""
    head, _, path = column.partition(".")

    def get(row: Mapping[str, Any]) -> Any:
        return row[column] if column in row or not path else _follow(row[head], path)

    return get


def _follow(value: Any, path: str) -> Any:
    if isinstance(value, list):
        return [_follow(item, path) for item in value]
    head, _, rest = path.partition(".")
    if not isinstance(value, dict):
        raise TypeError(f"expected an object with {head!r}, got {type(value).__name__}")
    return _follow(value[head], rest) if rest else value[head]


def trace_columns(options: Mapped) -> tuple[str, ...]:
    """Return the columns of usual names in which a trace is looked for: what is not mapped."""
    if options.kind == "document" or "reasoning_content" in options.fields:
        return ()
    mapped = {column.partition(".")[0] for column in options.columns().values()}
    return tuple(name for name in FIELDS if name not in mapped)


def converter(
    options: Mapped, spelt: Spelt | None = None
) -> Callable[[str, dict[str, Any]], Record]:
    """Return what makes a record of a row and its key; ``spelt`` counts reasoning traces."""
    columns = options.columns()
    counted: Spelt = {} if spelt is None else spelt
    needed = {target: columns.pop(target) for target in TARGETS[options.kind]}
    usual = trace_columns(options)
    get_trace = None
    if options.kind != "document" and (column := columns.pop("reasoning_content", None)):
        get_trace = _getter(column)
    labels = {t: _getter(columns.pop(t)) for t in LABELS[options.kind] if t in columns}
    others = {target: _getter(column) for target, column in columns.items()}
    ends = {target: [end.strip() for end in given] for target, given in options.strip.items()}

    def cut(target: str, text: str) -> str:
        return _stripped(text, ends[target]) if target in ends else text

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
        get_text = _getter(needed["text"])

        def document(key: str, row: dict[str, Any]) -> Record:
            body = cut("text", text_of(get_text(row)))
            if not body.strip():
                raise RowError("no_text", f"{needed['text']!r} is empty")
            return Document(key, body, **about(row))

        return document
    if options.kind == "thread":
        get_question, get_answer = _getter(needed["question"]), _getter(needed["answer"])

        def thread(key: str, row: dict[str, Any]) -> Record:
            asked, other = _one_question(get_question(row))
            question = cut("question", text_of(asked))
            if not question.strip():
                raise RowError("empty_question", f"{needed['question']!r} is empty")
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
            return QAThread(key, question, kept, **fields)

        return thread
    get_messages = _getter(needed["messages"])

    def dialogue(key: str, row: dict[str, Any]) -> Record:
        messages = with_trace(turns(get_messages(row), counted), beside(row), counted)
        if not messages or messages[-1].role != "assistant":
            raise RowError("no_answer", excerpt(messages[-1].content) if messages else "no turns")
        return Dialogue(key, messages, **about(row))

    return dialogue


def _plain(options: Mapped) -> Callable[[list[KeyedRow | Malformed]], Columns | None]:
    """Return what makes Columns of a block of rows where every mapped field is a text, and those
    not needed may be missing; None of any other block. Then nothing is left to do of what
    :func:`converter` does but to strip what is about the record."""
    wanted = options.columns()
    needed = {target: wanted.pop(target) for target in TARGETS[options.kind]}
    labels = [target for target in LABELS[options.kind] if target in wanted]
    others = [target for target in wanted if target not in labels]
    kind = Document if options.kind == "document" else QAThread
    dotted = any("." in column for column in options.columns().values())
    odd = options.kind == "dialogue" or "keyphrases" in labels or options.strip or dotted
    odd = odd or "reasoning_content" in labels
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


def _stripped(text: str, ends: list[str]) -> str:
    text = text.strip()
    for end in ends:
        text = text.removeprefix(end).removesuffix(end).strip()
    return text

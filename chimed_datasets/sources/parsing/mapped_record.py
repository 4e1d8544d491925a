"""A row of any columns becomes a record, as a mapping says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...records import Answer, Dialogue, Document, Malformed, Message, QAThread, Record, excerpt
from ..exams.items import ANSWERS
from ..exams.records import item, part_rows
from . import labels as label
from .ends import stripped
from .mapped import EXAM, LABELS, TARGETS, Mapped, Part, trace_columns
from .messages import answered, has_value, message, ordered, turns, with_trace
from .paths import getter, optional
from .row import KeyedRow, RowError, text_of
from .speakers import speaker
from .threads import mark
from .traces import Spelt, field_of, told

AS_LABEL: dict[str, Callable[[Any], str | None]] = {
    "title": label.title,
    "department": label.department,
    "domain": label.domain,
}


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
                fields[target] = AS_LABEL[target](cut(target, value))
            else:
                fields[target] = AS_LABEL[target](value)
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

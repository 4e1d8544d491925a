"""What `chimed generate` wrote: a folder with records.jsonl.

A row is a record as `chimed_datasets.records` has it: kind (document, thread, dialogue or exam),
key, and that kind's fields. Each says itself what wrote it (origin, and in its metadata parent,
task, model, prompt, sampling and date).

A reward model (or any other scorer) that is run over such a folder writes the same rows again, each
candidate with its ``ratings`` (a number from each model of the ensemble) and each row's metadata
with ranked_by: "rm" and judges: the models' names, joined by commas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..records import (
    ROLES,
    Answer,
    Dialogue,
    Document,
    ExamItem,
    Malformed,
    Message,
    Option,
    QAThread,
    Record,
)
from .files.opening import FileReport, SourceFile
from .parsing.json import json_rows
from .parsing.messages import ratings
from .parsing.parts import line_parts
from .parsing.ready import Chosen, ChosenDocument, ChosenThread, Ready, ReadyExam, ready
from .parsing.row import RowError

SUFFIXES = (".jsonl",)
PARTS = line_parts


@dataclass(frozen=True)
class Options(Ready):
    """The keys of a layout of rows; ``strip`` takes the texts of records of all kinds.

    id: the field that names a row; "key" where it is left out.
    """

    TARGETS = tuple(
        dict.fromkeys(
            target
            for keys in (ChosenDocument, ChosenThread, ReadyExam, Chosen)
            for target in keys.TARGETS
        )
    )

    @property
    def ident(self) -> str:
        return self.id or "key"


_LARGEST = 2**31 - 1
_TYPES = {
    "text": str, "adopted": bool, "recommended": bool, "author": str, "model": str,
    "score": (int, float), "rank": int, "ratings": list, "reasoning_content": str,
}  # fmt: skip


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a record for each row."""
    for file in files:
        yield from ready(json_rows(file, report, options.ident), _record, options)


def _record(key: str, row: Mapping[str, Any]) -> Record:
    kind = row["kind"]
    about = {
        "domain": _typed(row, "domain", str),
        "origin": _typed(row, "origin", str),
        "metadata": {str(k): str(v) for k, v in (_typed(row, "metadata", dict) or {}).items()},
    }
    title = _typed(row, "title", str)
    if kind == "document":
        return Document(key, _needed(row, "text"), title, **about)
    labels = {
        "department": _typed(row, "department", str),
        "keyphrases": [str(k) for k in _typed(row, "keyphrases", list) or []],
    }
    if kind == "thread":
        answers = [_answer(a) for a in row["answers"]]
        return QAThread(key, _needed(row, "question"), answers, title, **labels, **about)
    if kind == "dialogue":
        messages = [_message(m) for m in row["messages"]]
        candidates = [_answer(a) for a in row.get("candidates") or []]
        return Dialogue(key, messages, candidates, **labels, **about)
    if kind == "exam":
        return _exam(key, row, {**labels, **about})
    raise RowError("unknown_kind", f"{kind!r:.40}; known: document, thread, dialogue, exam")


def _exam(key: str, row: Mapping[str, Any], about: dict[str, Any]) -> ExamItem:
    options = [Option(_needed(o, "letter"), _needed(o, "text")) for o in row["options"]]
    said = {n: _typed(row, n, str) for n in ("shared_stem", "explanation", "type", "subject")}
    letters = {option.letter for option in options}
    right = [str(letter) for letter in row["answer"]]
    if not right or not set(right) <= letters:
        raise RowError("answer_not_option", f"{right}; options: {' '.join(sorted(letters))}")
    return ExamItem(
        key,
        _needed(row, "stem"),
        options,
        right,
        year=_typed(row, "year", int),
        has_image=bool(_typed(row, "has_image", bool)),
        **said,
        **about,
    )


def _answer(value: Mapping[str, Any]) -> Answer:
    _needed(value, "text")
    unknown = set(value) - set(_TYPES)
    if unknown:
        raise RowError("unknown_field", f"answer: {', '.join(sorted(unknown))}")
    made = Answer(**{name: _typed(value, name, of) for name, of in _TYPES.items()})
    made.ratings = ratings(made.ratings)
    return made


def _message(value: Mapping[str, Any]) -> Message:
    if value["role"] not in ROLES:
        raise RowError("unknown_role", f"{value['role']!r:.40}; known: {', '.join(ROLES)}")
    reasoning = _typed(value, "reasoning_content", str)
    return Message(value["role"], _needed(value, "content"), reasoning)


def _needed(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a text, got {type(value).__name__}")
    return value


def _typed(row: Mapping[str, Any], name: str, of: Any) -> Any:
    """Return a field that may be missing or null. Raises TypeError for another type, ValueError
    for a number that is too large to be stored."""
    value = row.get(name)
    if isinstance(value, (int, float)) and abs(value) > _LARGEST:
        raise ValueError(f"{name}: a number beyond {_LARGEST:,}")
    if value is None or (isinstance(value, of) and (of is bool or not isinstance(value, bool))):
        return value
    raise TypeError(f"{name}: got {type(value).__name__}")

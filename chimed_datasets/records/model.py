"""The four kinds of records, as a source yields them.

Document   one text (a book chapter, an encyclopedia entry) with a title
QAThread   a question and its answers, in page order, with the marks of the page
Dialogue   messages; `candidates` are rival replies to the last message, ranked or scored
ExamItem   a question of an exam with its options and the letters of the right ones
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ROLES = ("system", "user", "assistant")


class TextField(IntEnum):
    """Where in a record a text stands. Those before ``TITLE`` are its body, the rest are about it;
    ``REASONING`` is what a model thought before a reply; ``LABEL`` is a department or keyphrase."""

    TEXT = 0
    QUESTION = 1
    ANSWERS = 2
    MESSAGES = 3
    CANDIDATES = 4
    REASONING = 5
    SHARED_STEM = 6
    STEM = 7
    OPTIONS = 8
    EXPLANATION = 9
    TITLE = 10
    LABEL = 11
    METADATA = 12

    @cached_property
    def column(self) -> str:
        """The name in lower case: that of the record's field, except for reasoning and labels."""
        return self.name.lower()


@dataclass(slots=True)
class Document:
    """One text with a title: a chapter of a book, an entry of an encyclopedia.

    ``key`` is unique within the source and the same in every run: the record's id is made of it and
    of the source's name. ``domain`` (``"tcm"``, ``"modern"``, ``"general"``) and ``origin``
    (``"human"``, ``"llm"``) are those of the source where they are ``None``.
    """

    key: str
    text: str
    title: str | None = None
    domain: str | None = None
    origin: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Answer:
    """One answer of a thread, or one candidate reply to a dialogue.

    ``rank`` counts from 0 (best); a higher ``score`` is better; ``author`` is hashed before it
    is stored. ``None`` means that the source does not say, which is not the same as ``False``.
    ``ratings`` are those of each judge or reward model, in one order for all rivals of a record
    (None where one gave none); higher is better. ``reasoning_content`` is what a model thought
    before it wrote the answer.
    """

    text: str
    adopted: bool | None = None
    recommended: bool | None = None
    author: str | None = None
    model: str | None = None
    score: float | None = None
    rank: int | None = None
    ratings: list[float | None] = field(default_factory=list)
    reasoning_content: str | None = None


@dataclass(slots=True)
class QAThread:
    """A question and its ``answers`` in the order of the page."""

    key: str
    question: str
    answers: list[Answer]
    title: str | None = None
    department: str | None = None
    keyphrases: list[str] = field(default_factory=list)
    domain: str | None = None
    origin: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Message:
    """One turn of a dialogue: its text is ``content``; ``role`` is ``"system"``, ``"user"`` or
    ``"assistant"``. ``reasoning_content`` is what an assistant thought before it."""

    role: str
    content: str
    reasoning_content: str | None = None


@dataclass(slots=True)
class Dialogue:
    """``messages`` end with the assistant, unless ``candidates`` reply to them."""

    key: str
    messages: list[Message]
    candidates: list[Answer] = field(default_factory=list)
    department: str | None = None
    keyphrases: list[str] = field(default_factory=list)
    domain: str | None = None
    origin: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Option:
    """One option of an exam item: the letter by which answers name it, and its text."""

    letter: str
    text: str


@dataclass(slots=True)
class ExamItem:
    """A question of an exam. ``options`` are in the order of the source, and ``answer`` has the
    letters of the right ones, in the same order.

    ``shared_stem`` is what several questions have in common, such as a case. ``type`` is that of
    Chinese exams: ``"A1"``, ``"A2"``, ``"A3/A4"``, ``"B1"``, ``"X"`` (several right answers).
    ``has_image``: nobody can answer it without a picture that is not here.
    """

    key: str
    stem: str
    options: list[Option]
    answer: list[str]
    shared_stem: str | None = None
    explanation: str | None = None
    type: str | None = None
    subject: str | None = None
    year: int | None = None
    has_image: bool = False
    department: str | None = None
    keyphrases: list[str] = field(default_factory=list)
    domain: str | None = None
    origin: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Malformed:
    """A row that is none of the four; it goes to the ledger under ``rule`` with ``evidence``.

    ``read``: what was read, as text or as the row's values, where a reader has it at hand.
    """

    key: str
    rule: str
    evidence: str
    read: Any = field(default=None, repr=False, compare=False)


Record = Document | QAThread | Dialogue | ExamItem


@dataclass(slots=True)
class Columns:
    """Records of one kind field by field: a cheaper form for a layout to yield plain ones in.

    fields: field -> a value for each record; the same fields in all that a source yields, and
            among them those without a default. A thread has one answer of which nothing is known
            but the text: ``answers`` holds these texts. A dialogue has one message, the user's:
            ``messages`` holds these texts; and two candidates, ranked 0 and 1: ``candidates`` holds
            their texts as tuples. Values stand in a list, or in an array of Arrow: texts in a
            ``pa.StringArray`` (null for None, no empty one for what may be None), candidates in a
            ``pa.FixedSizeListArray`` of two, metadata in a ``pa.MapArray``; keys in a list.
    chars:  int64[n], what :meth:`num_chars` returns, where it is known.
    """

    kind: type[Document] | type[QAThread] | type[Dialogue]
    fields: dict[str, Any]
    chars: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.fields["key"])

    def __getitem__(self, rows: slice) -> Columns:
        chars = None if self.chars is None else self.chars[rows]
        left = {name: values[rows] for name, values in self.fields.items()}
        return Columns(self.kind, left, chars)

    def records(self) -> list[Record]:
        """Return the same, record by record."""
        columns = {
            name: values if isinstance(values, list) else values.to_pylist()
            for name, values in self.fields.items()
        }
        if "metadata" in columns:
            columns["metadata"] = list(map(dict, columns["metadata"]))
        if "answers" in columns:
            columns["answers"] = [[Answer(text)] for text in columns["answers"]]
        if "candidates" in columns:
            columns["messages"] = [[Message("user", text)] for text in columns["messages"]]
            columns["candidates"] = [
                [Answer(text, rank=rank) for rank, text in enumerate(texts)]
                for texts in columns["candidates"]
            ]
        rows = zip(*columns.values(), strict=True)
        return [self.kind(**dict(zip(columns, row, strict=True))) for row in rows]

    def num_chars(self) -> np.ndarray:
        """Return int64[n]: the characters of each record, as :func:`num_chars` counts them."""
        if self.chars is not None:
            return self.chars
        body = [field.column for field in TextField if field < TextField.TITLE]
        texts = [self.fields[name] for name in body if name in self.fields]
        sizes = [_sizes(column) for column in texts]
        total: np.ndarray = np.sum(sizes, axis=0)
        return total


def _sizes(column: list[Any] | pa.Array) -> np.ndarray:
    """Return int64[n]: the characters of the text, or the texts, that each record has there."""
    if isinstance(column, list):
        return np.fromiter(map(_count(column), column), np.int64)
    pairs = pa.types.is_fixed_size_list(column.type)
    sizes = pc.utf8_length(column.flatten() if pairs else column).to_numpy(zero_copy_only=False)
    chars: np.ndarray = sizes.astype(np.int64)
    return chars.reshape(-1, 2).sum(axis=1) if pairs else chars


def _count(column: list[Any]) -> Callable[[Any], int]:
    """Return what counts the characters of the text, or the texts, that each record has there."""
    if column and isinstance(column[0], tuple):
        return lambda texts: sum(map(len, texts))
    return len


def record_id(source: str, key: str) -> str:
    """Return the stable id of a record: its source's name and 80 bits over source and key.

    80 bits keep the chance of one collision among 10^9 records below 10^-6.
    """
    return record_ids(source, [key])[0]


def record_ids(source: str, keys: Iterable[str]) -> list[str]:
    """Return the ids of records of one source; see :func:`record_id`."""
    begun = hashlib.blake2b(f"{source}\0".encode("utf-8", "surrogatepass"), digest_size=10)
    found = []
    for key in keys:
        digest = begun.copy()
        digest.update(key.encode("utf-8", "surrogatepass"))
        found.append(f"{source}-{digest.hexdigest()}")
    return found


def pseudonym(name: str | None) -> str | None:
    """Return 64 bits over an author's name: equal authors stay equal, the name is not kept."""
    if not name:
        return None
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).hexdigest()


def num_chars(record: Record) -> int:
    """Return the characters of a record's texts (code points)."""
    if isinstance(record, Document):
        return len(record.text)
    if isinstance(record, ExamItem):
        texts = [record.shared_stem, record.stem, record.explanation]
        return sum([len(t or "") for t in texts]) + sum([len(o.text) for o in record.options])
    if isinstance(record, QAThread):
        size, replies = len(record.question), record.answers
    else:
        size, replies = sum([len(m.content) for m in record.messages]), record.candidates
        size += sum([len(m.reasoning_content or "") for m in record.messages])
    for reply in replies:
        size += len(reply.text) + len(reply.reasoning_content or "")
    return size

"""Records in Arrow form: the schema of each kind, and batches of records of one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import fields
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from .model import (
    Answer,
    Columns,
    Dialogue,
    Document,
    ExamItem,
    QAThread,
    Record,
    num_chars,
    pseudonym,
    record_ids,
)

_COMMON = [
    ("id", pa.string()),
    ("source", pa.string()),
    ("key", pa.string()),
    ("domain", pa.string()),
    ("origin", pa.string()),
    ("license", pa.string()),
    ("metadata", pa.map_(pa.string(), pa.string())),
]


_LABELS = [("department", pa.string()), ("keyphrases", pa.list_(pa.string()))]


ANSWER = pa.struct(
    [
        ("text", pa.string()),
        ("adopted", pa.bool_()),
        ("recommended", pa.bool_()),
        ("author", pa.string()),
        ("model", pa.string()),
        ("score", pa.float64()),
        ("rank", pa.int32()),
        ("ratings", pa.list_(pa.float64())),
        ("reasoning_content", pa.string()),
    ]
)


MESSAGE = pa.struct(
    [("role", pa.string()), ("content", pa.string()), ("reasoning_content", pa.string())]
)


OPTION = pa.struct([("letter", pa.string()), ("text", pa.string())])


SCHEMAS = {
    "document": pa.schema([*_COMMON, ("title", pa.string()), ("text", pa.string())]),
    "thread": pa.schema(
        [
            *_COMMON,
            *_LABELS,
            ("title", pa.string()),
            ("question", pa.string()),
            ("answers", pa.list_(ANSWER)),
        ]
    ),
    "dialogue": pa.schema(
        [*_COMMON, *_LABELS, ("messages", pa.list_(MESSAGE)), ("candidates", pa.list_(ANSWER))]
    ),
    "exam": pa.schema(
        [
            *_COMMON,
            *_LABELS,
            ("shared_stem", pa.string()),
            ("stem", pa.string()),
            ("options", pa.list_(OPTION)),
            ("answer", pa.list_(pa.string())),
            ("explanation", pa.string()),
            ("type", pa.string()),
            ("subject", pa.string()),
            ("year", pa.int32()),
            ("has_image", pa.bool_()),
        ]
    ),
}


KINDS = tuple(SCHEMAS)


_KIND_OF_CLASS = {
    Document: "document",
    QAThread: "thread",
    Dialogue: "dialogue",
    ExamItem: "exam",
}
_OWN_COLUMN = {"text": "document", "answers": "thread", "stem": "exam"}


def kind_of(record: Record | Columns | pa.RecordBatch | pa.Schema) -> str:
    """Return "document", "thread", "dialogue" or "exam"."""
    if isinstance(record, Columns):
        return _KIND_OF_CLASS[record.kind]
    if not isinstance(record, (pa.RecordBatch, pa.Schema)):
        return _KIND_OF_CLASS[type(record)]
    names = record.names if isinstance(record, pa.Schema) else record.schema.names
    return next((kind for column, kind in _OWN_COLUMN.items() if column in names), "dialogue")


def _storable(text: str | None) -> str | None:
    """Lone surrogates (from JSON escapes) have no UTF-8 form: they become U+FFFD."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _strings(texts: Iterable[str | None]) -> pa.Array:
    if isinstance(texts, pa.Array):
        return texts
    texts = list(texts)
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array(map(_storable, texts), pa.string())


def _offsets(rows: Iterable[Sized]) -> pa.Array:
    """Return where each row's items begin among those of all, and where the last row's end."""
    lengths = np.fromiter(map(len, rows), np.int32)
    return pa.array(np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)]))


def _texts(rows: list[list[str]]) -> pa.ListArray:
    """Return a list array of strings."""
    return pa.ListArray.from_arrays(_offsets(rows), _strings(chain.from_iterable(rows)))


def _lists(
    rows: list[list[Any]], type_: pa.StructType, **columns: Callable[[Any], Any]
) -> pa.Array:
    """Return a list array of structs; a field is what its function in ``columns`` says of an item,
    else the item's attribute of that name."""
    items = list(chain.from_iterable(rows))
    children = []
    for field_ in type_:
        values = map(columns.get(field_.name, attrgetter(field_.name)), items)
        text = pa.types.is_string(field_.type)
        children.append(_strings(values) if text else pa.array(list(values), field_.type))
    structs = pa.StructArray.from_arrays(children, fields=list(type_))
    return pa.ListArray.from_arrays(_offsets(rows), structs, type=pa.list_(type_))


def _sole_answers(texts: list[str] | pa.StringArray) -> pa.Array:
    n = len(texts)
    children = [_strings(texts), *(pa.nulls(n, known.type) for known in list(ANSWER)[1:])]
    structs = pa.StructArray.from_arrays(children, fields=list(ANSWER))
    offsets = pa.array(np.arange(n + 1, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, structs, type=pa.list_(ANSWER))


def _sole_messages(texts: list[str] | pa.StringArray) -> pa.Array:
    """Return lists of one message each, the user's."""
    n = len(texts)
    children = [pa.repeat("user", n), _strings(texts), pa.nulls(n, pa.string())]
    structs = pa.StructArray.from_arrays(children, fields=list(MESSAGE))
    offsets = pa.array(np.arange(n + 1, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, structs, type=pa.list_(MESSAGE))


def _ranked(texts: list[tuple[str, str]] | pa.FixedSizeListArray) -> pa.Array:
    """Return lists of two answers each, of which nothing is known but the text and the rank."""
    n = len(texts)
    children = {known.name: pa.nulls(2 * n, known.type) for known in ANSWER}
    children["text"] = _sides(texts).flatten()
    children["rank"] = pa.array(np.tile(np.arange(2, dtype=np.int32), n))
    structs = pa.StructArray.from_arrays([*children.values()], fields=list(ANSWER))
    offsets = pa.array(np.arange(0, 2 * n + 1, 2, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, structs, type=pa.list_(ANSWER))


def _sides(texts: list[tuple[str, str]] | pa.FixedSizeListArray) -> pa.FixedSizeListArray:
    if isinstance(texts, pa.Array):
        return texts
    return pa.FixedSizeListArray.from_arrays(_strings(chain.from_iterable(texts)), 2)


def _answers(rows: list[list[Answer]]) -> pa.Array:
    return _lists(
        rows,
        ANSWER,
        author=lambda a: pseudonym(a.author),
        ratings=lambda a: a.ratings or None,
    )


def _metadata(rows: Sequence[dict[str, str]] | pa.MapArray) -> pa.MapArray:
    if isinstance(rows, pa.Array):
        return rows
    about = [[pair for pair in own.items() if pair[1]] for own in rows]
    names, values = zip(*chain.from_iterable(about), strict=True) if any(about) else ((), ())
    return pa.MapArray.from_arrays(_offsets(about), _strings(names), _strings(values))


def _no_pairs(n: int) -> pa.MapArray:
    nothing, ends = pa.array([], pa.string()), pa.array(np.zeros(n + 1, np.int32))
    return pa.MapArray.from_arrays(ends, nothing, nothing)


def _end_to_end(name: str, parts: list[Any]) -> Any:
    """Return the values of a field of several Columns."""
    if all(isinstance(part, list) for part in parts):
        return list(chain.from_iterable(parts))
    return pa.concat_arrays([_laid(name, part) for part in parts])


def _laid(name: str, values: list[Any] | pa.Array) -> pa.Array:
    """Return the values of a field of Columns as an array."""
    if isinstance(values, pa.Array):
        return values
    if name in ("candidates", "metadata"):
        return _sides(values) if name == "candidates" else _metadata(values)
    if name in ("text", "question", "answers", "messages"):
        return _strings(values)
    return _strings(text or None for text in values)  # what may be missing


def to_batch(
    records: list[Any] | Columns, *, source: str, license: str, domain: str, origin: str = "human"
) -> pa.RecordBatch:
    """Lay records, all of one kind, in an Arrow batch of its schema in :data:`SCHEMAS`.

    ``domain`` and ``origin`` stand in where a record names none.
    """
    n = len(records)
    if isinstance(records, Columns):
        kind, given = _KIND_OF_CLASS[records.kind], records.fields
    else:
        kind = kind_of(records[0])
        given = {f.name: [getattr(r, f.name) for r in records] for f in fields(records[0])}

    def strings(name: str, else_: str | None = None) -> pa.Array:
        if isinstance(given.get(name), pa.Array):
            return given[name] if else_ is None else given[name].fill_null(else_)
        if name in given:
            return _strings(own or else_ for own in given[name])
        return pa.repeat(pa.scalar(else_, pa.string()), n)

    columns: dict[str, pa.Array] = {
        "id": _strings(record_ids(source, given["key"])),
        "source": pa.repeat(source, n),
        "key": _strings(given["key"]),
        "domain": strings("domain", domain),
        "origin": strings("origin", origin),
        "license": pa.repeat(license, n),
        "metadata": _metadata(given.get("metadata", [])) if "metadata" in given else _no_pairs(n),
    }
    if kind != "document":
        phrases = [[k for k in own if k] for own in given.get("keyphrases", ())]
        columns["department"] = strings("department")
        columns["keyphrases"] = _texts(phrases or [[]] * n)
    if kind in ("document", "thread"):
        columns["title"] = strings("title")
    if kind == "document":
        columns["text"] = _strings(given["text"])
    elif kind == "thread":
        answers = _sole_answers if isinstance(records, Columns) else _answers
        columns["question"] = _strings(given["question"])
        columns["answers"] = answers(given["answers"])
    elif kind == "exam":
        columns |= {n: strings(n) for n in ("shared_stem", "explanation", "type", "subject")}
        columns["stem"] = _strings(given["stem"])
        columns["options"] = _lists(given["options"], OPTION)
        columns["answer"] = _texts(given["answer"])
        columns["year"] = pa.array(given["year"], pa.int32())
        columns["has_image"] = pa.array(given["has_image"], pa.bool_())
    elif isinstance(records, Columns):
        columns["messages"] = _sole_messages(given["messages"])
        columns["candidates"] = _ranked(given["candidates"])
    else:
        columns["messages"] = _lists(given["messages"], MESSAGE)
        columns["candidates"] = _answers(given["candidates"])
    schema = SCHEMAS[kind]
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)


class _Batch:
    """Records of one kind that wait for others to become a batch with."""

    def __init__(self) -> None:
        self.parts: list[list[Record] | Columns] = []
        self.rows = self.chars = 0

    def add(self, record: Record) -> None:
        if not self.parts or isinstance(self.parts[-1], Columns):
            self.parts.append([])
        self.parts[-1].append(record)  # type: ignore[union-attr]
        self.rows += 1
        self.chars += num_chars(record)

    def fill(self, columns: Columns, max_rows: int, max_chars: int) -> Columns:
        """Add records until either bound is met; return those that are left."""
        sizes = np.cumsum(columns.num_chars())
        within = int(np.searchsorted(sizes, max_chars - self.chars))
        taken = min(within + 1, max_rows - self.rows, len(columns))
        self.parts.append(columns[:taken])
        self.rows += taken
        self.chars += int(sizes[taken - 1])
        return columns[taken:]

    def made(self, **common: str) -> pa.RecordBatch:
        """Return the batch; see :func:`to_batch`."""
        columns = [part for part in self.parts if isinstance(part, Columns)]
        loose = [record for part in self.parts if not isinstance(part, Columns) for record in part]
        made = []
        if columns:
            joined = {
                name: _end_to_end(name, [part.fields[name] for part in columns])
                for name in columns[0].fields
            }
            made.append(to_batch(Columns(columns[0].kind, joined), **common))
        if loose:
            made.append(to_batch(loose, **common))
        if len(made) == 1:
            return made[0]
        is_loose = np.repeat(
            [not isinstance(part, Columns) for part in self.parts], [*map(len, self.parts)]
        )
        order = np.empty(len(is_loose), np.int64)
        order[np.argsort(is_loose, kind="stable")] = np.arange(len(is_loose))
        return pa.concat_batches(made).take(pa.array(order))


def batches(
    records: Iterable[Record | Columns],
    max_rows: int = 4096,
    max_chars: int = 4_000_000,
    **common: str,
) -> Iterator[pa.RecordBatch]:
    """Group a stream of records into batches of one kind, bounded in rows and characters.

    The bound on characters keeps one long record from dragging thousands of others into memory
    with it. Order is kept within a kind.
    """
    held: dict[type, _Batch] = {}
    for item in records:
        kind = item.kind if isinstance(item, Columns) else type(item)
        more = True
        while more:
            if kind not in held:
                held[kind] = _Batch()
            batch, more = held[kind], False
            if isinstance(item, Columns):
                item = batch.fill(item, max_rows, max_chars)
                more = len(item) > 0
            else:
                batch.add(item)
            if batch.rows >= max_rows or batch.chars >= max_chars:
                yield held.pop(kind).made(**common)
    for rest in held.values():
        yield rest.made(**common)

"""The three record kinds and their Arrow form.

A source yields :class:`Document`, :class:`QAThread` or :class:`Dialogue`; from there on
everything is an Arrow record batch of one kind. Stages do not need to know the kinds apart:
:func:`leaves` lays all texts of a batch in one flat array and :func:`with_leaves` puts the
changed texts back.

    Document   one text (a book chapter, an encyclopedia entry) with a title
    QAThread   a question and its answers, in page order, with the marks of the page
    Dialogue   messages; `candidates` are rival replies to the last message, ranked or scored
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass, field, fields
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ROLES = ("system", "user", "assistant")


@dataclass(slots=True)
class Document:
    """``key`` is unique within the source and stable over runs; see :func:`record_id`."""

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
    (None where one gave none); higher is better.
    """

    text: str
    adopted: bool | None = None
    recommended: bool | None = None
    author: str | None = None
    model: str | None = None
    score: float | None = None
    rank: int | None = None
    ratings: list[float | None] = field(default_factory=list)


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
    role: str  # one of ROLES
    content: str


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
class Malformed:
    """A row that is none of the three; it goes to the ledger under ``rule`` with ``evidence``."""

    key: str
    rule: str
    evidence: str


Record = Document | QAThread | Dialogue


@dataclass(slots=True)
class Columns:
    """Documents or threads field by field: a cheaper form for a layout to yield plain ones in.

    fields: field -> a value for each record; the same fields in all that a source yields, and
            among them those without a default. A thread has one answer of which nothing is known
            but the text: ``answers`` holds these texts.
    """

    kind: type[Document] | type[QAThread]
    fields: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(self.fields["key"])

    def __getitem__(self, rows: slice) -> Columns:
        return Columns(self.kind, {name: values[rows] for name, values in self.fields.items()})

    def records(self) -> list[Record]:
        """Return the same, record by record."""
        columns = dict(self.fields)
        if "answers" in columns:
            columns["answers"] = [[Answer(text)] for text in columns["answers"]]
        rows = zip(*columns.values(), strict=True)
        return [self.kind(**dict(zip(columns, row, strict=True))) for row in rows]

    def num_chars(self) -> np.ndarray:
        """Return int64[n]: the characters of each record, as :func:`num_chars` counts them."""
        texts = [self.fields[name] for name in FIELDS[:BODY] if name in self.fields]
        return np.sum([np.fromiter(map(len, column), np.int64) for column in texts], axis=0)


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
    ]
)
MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])

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
}
KINDS = tuple(SCHEMAS)
_KIND_OF_CLASS = {Document: "document", QAThread: "thread", Dialogue: "dialogue"}


def kind_of(record: Record | pa.RecordBatch | pa.Schema) -> str:
    """Return "document", "thread" or "dialogue"."""
    if not isinstance(record, (pa.RecordBatch, pa.Schema)):
        return _KIND_OF_CLASS[type(record)]
    names = record.names if isinstance(record, pa.Schema) else record.schema.names
    return "document" if "text" in names else "thread" if "answers" in names else "dialogue"


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


def _storable(text: str | None) -> str | None:
    """Lone surrogates (from JSON escapes) have no UTF-8 form: they become U+FFFD."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _strings(texts: Iterable[str | None]) -> pa.Array:
    texts = list(texts)
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array(map(_storable, texts), pa.string())


def _offsets(rows: Iterable[Sized]) -> pa.Array:
    """Return where each row's items begin among those of all, and where the last row's end."""
    lengths = np.fromiter(map(len, rows), np.int32)
    return pa.array(np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)]))


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


def _sole_answers(texts: list[str]) -> pa.Array:
    n = len(texts)
    children = [_strings(texts), *(pa.nulls(n, known.type) for known in list(ANSWER)[1:])]
    structs = pa.StructArray.from_arrays(children, fields=list(ANSWER))
    offsets = pa.array(np.arange(n + 1, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, structs, type=pa.list_(ANSWER))


def _answers(rows: list[list[Answer]]) -> pa.Array:
    return _lists(
        rows,
        ANSWER,
        author=lambda a: pseudonym(a.author),
        ratings=lambda a: a.ratings or None,
    )


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
        if name in given:
            return _strings(own or else_ for own in given[name])
        return pa.repeat(pa.scalar(else_, pa.string()), n)

    about = [[p for p in own.items() if p[1]] for own in given.get("metadata", ())] or [[]] * n
    names, values = zip(*chain.from_iterable(about), strict=True) if any(about) else ((), ())
    columns: dict[str, pa.Array] = {
        "id": _strings(record_ids(source, given["key"])),
        "source": pa.repeat(source, n),
        "key": _strings(given["key"]),
        "domain": strings("domain", domain),
        "origin": strings("origin", origin),
        "license": pa.repeat(license, n),
        "metadata": pa.MapArray.from_arrays(_offsets(about), _strings(names), _strings(values)),
    }
    if kind != "document":
        phrases = [[k for k in own if k] for own in given.get("keyphrases", ())] or [[]] * n
        columns["department"] = strings("department")
        columns["keyphrases"] = pa.ListArray.from_arrays(
            _offsets(phrases), _strings(chain.from_iterable(phrases))
        )
    if kind != "dialogue":
        columns["title"] = strings("title")
    if kind == "document":
        columns["text"] = _strings(given["text"])
    elif kind == "thread":
        answers = _sole_answers if isinstance(records, Columns) else _answers
        columns["question"] = _strings(given["question"])
        columns["answers"] = answers(given["answers"])
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

    def records(self) -> list[Record] | Columns:
        columns = [part for part in self.parts if isinstance(part, Columns)]
        if len(columns) == len(self.parts):
            joined = {
                name: list(chain.from_iterable(part.fields[name] for part in columns))
                for name in columns[0].fields
            }
            return Columns(columns[0].kind, joined)
        lists = (p.records() if isinstance(p, Columns) else p for p in self.parts)
        return list(chain.from_iterable(lists))


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
                yield to_batch(held.pop(kind).records(), **common)
    for rest in held.values():
        yield to_batch(rest.records(), **common)


def num_chars(record: Record) -> int:
    """Return the characters of a record's texts (code points)."""
    if isinstance(record, Document):
        return len(record.text)
    if isinstance(record, QAThread):
        size, replies = len(record.question), record.answers
    else:
        size, replies = sum([len(m.content) for m in record.messages]), record.candidates
    for reply in replies:
        size += len(reply.text)
    return size


# --- the texts of a batch, whatever its kind -------------------------------------------------

FIELDS = ("text", "question", "answers", "messages", "candidates", "title", "label", "metadata")
"""What a leaf is. The first five are the record's body; the rest are about it."""
BODY = 5
_PATHS = {
    "document": ("text", "title", "metadata"),
    "thread": ("question", "answers", "title", "department", "keyphrases", "metadata"),
    "dialogue": ("messages", "candidates", "department", "keyphrases", "metadata"),
}


class Leaves(NamedTuple):
    """All texts of a batch side by side.

    texts: ``pa.StringArray`` of length m (nulls where a title or department is missing).
    row:   int32[m], the batch row that each text belongs to.
    field: uint8[m], an index into :data:`FIELDS`.
    """

    texts: pa.StringArray
    row: np.ndarray
    field: np.ndarray

    @property
    def body(self) -> np.ndarray:
        """bool[m]: true for text, question, answers, messages and candidates."""
        return self.field < BODY


def _field_code(path: str) -> int:
    return FIELDS.index("label" if path in ("department", "keyphrases") else path)


def text_columns(column: pa.Array) -> tuple[pa.StringArray, np.ndarray]:
    """Return a column's strings and, for a list, how many each row has."""
    if pa.types.is_string(column.type):
        return column, np.ones(len(column), np.int64)
    counts = np.diff(column.offsets.to_numpy(zero_copy_only=False))
    start, end = column.offsets[0].as_py(), column.offsets[-1].as_py()
    if pa.types.is_map(column.type):
        return column.items.slice(start, end - start), counts
    values = column.values.slice(start, end - start)
    if pa.types.is_struct(values.type):
        values = pc.struct_field(values, "content" if "content" in values.type.names else "text")
    return values, counts


_last: tuple[pa.RecordBatch | None, Leaves | None] = (None, None)
"""The batch that was looked at last, and its leaves: the next stage looks at them, too."""


def leaves(batch: pa.RecordBatch) -> Leaves:
    """Lay all texts of ``batch`` in one flat array, body fields first. Not to be written to."""
    global _last
    known, found = _last
    if known is batch and found is not None:
        return found
    found = _laid_out(batch)
    _last = batch, found
    return found


def _laid_out(batch: pa.RecordBatch) -> Leaves:
    texts, rows, codes = [], [], []
    index = np.arange(batch.num_rows, dtype=np.int32)
    for path in _PATHS[kind_of(batch)]:
        values, counts = text_columns(batch.column(path))
        texts.append(values)
        rows.append(np.repeat(index, counts))
        codes.append(np.full(len(values), _field_code(path), np.uint8))
    return Leaves(pa.concat_arrays(texts), np.concatenate(rows), np.concatenate(codes))


def texts_of(batch: pa.RecordBatch, columns: Sequence[str]) -> tuple[pa.StringArray, np.ndarray]:
    """Return the texts of ``columns``, one after the other, and int32: the row of each text."""
    found = [text_columns(batch.column(name)) for name in columns]
    index = np.arange(batch.num_rows, dtype=np.int32)
    texts = pa.concat_arrays([values for values, _ in found])
    return texts, np.concatenate([np.repeat(index, counts) for _, counts in found])


def with_leaves(batch: pa.RecordBatch, texts: pa.StringArray) -> pa.RecordBatch:
    """Return ``batch`` with its texts replaced by ``texts``, in the order of :func:`leaves`."""
    old = leaves(batch)
    at = 0
    columns = {name: batch.column(name) for name in batch.schema.names}
    for path in _PATHS[kind_of(batch)]:
        column = columns[path]
        count = len(text_columns(column)[0])
        columns[path] = _rebuild(column, texts.slice(at, count))
        at += count
    changed = pa.record_batch(list(columns.values()), schema=batch.schema)

    def carried(text: Codepoints) -> Codepoints:
        differs = pc.or_(
            pc.fill_null(pc.not_equal(old.texts, texts), False),
            pc.xor(old.texts.is_null(), texts.is_null()),
        )
        rows = np.flatnonzero(differs.to_numpy(zero_copy_only=False))
        return _spliced(text, rows, _decoded(texts.take(pa.array(rows))))

    _carry(old, changed, old._replace(texts=texts), carried)
    return changed


def without_rows(batch: pa.RecordBatch, rows: Iterable[int]) -> pa.RecordBatch:
    """Return ``batch`` without some of its rows."""
    keep = np.ones(batch.num_rows, bool)
    keep[list(rows)] = False
    fewer = batch.filter(pa.array(keep))
    old = leaves(batch)
    stay = keep[old.row]
    place = np.cumsum(keep, dtype=np.int32) - np.int32(1)
    left = Leaves(old.texts.filter(pa.array(stay)), place[old.row[stay]], old.field[stay])
    _carry(old, fewer, left, lambda text: _only(text, stay))
    return fewer


def _rebuild(column: pa.Array, new: pa.StringArray) -> pa.Array:
    if pa.types.is_string(column.type):
        return new
    start, end = column.offsets[0].as_py(), column.offsets[-1].as_py()
    offsets = pc.subtract(column.offsets, pa.scalar(start, pa.int32()))
    if pa.types.is_map(column.type):
        return pa.MapArray.from_arrays(offsets, column.keys.slice(start, end - start), new)
    values = column.values.slice(start, end - start)
    if pa.types.is_struct(values.type):
        name = "content" if "content" in values.type.names else "text"
        fields = list(values.type)
        children = [new if f.name == name else pc.struct_field(values, f.name) for f in fields]
        new = pa.StructArray.from_arrays(children, fields=fields)
    return pa.ListArray.from_arrays(offsets, new, type=column.type)


class Codepoints(NamedTuple):
    """The texts of an array as one buffer of code points.

    points:  uint32[k], UTF-32 code points of all texts, end to end.
    offsets: int64[m + 1]; text i is ``points[offsets[i]:offsets[i + 1]]`` (empty for null).
    """

    points: np.ndarray
    offsets: np.ndarray


_points: dict[bool, tuple[pa.StringArray, Codepoints]] = {}
"""What was decoded last: under True the leaves of the batch that was looked at last, under False
any other texts. Stages look at the same texts one after the other."""


def codepoints(texts: pa.StringArray) -> Codepoints:
    """Decode a string array once, for everything that looks at characters. The arrays are not to be
    written to."""
    leaf = _last[1]
    whole = leaf is not None and leaf.texts is texts
    known = _points.get(whole)
    if known and known[0] is texts:
        return known[1]
    found = _decoded(texts)
    _points[whole] = texts, found
    return found


def _carry(
    old: Leaves, batch: pa.RecordBatch, leaf: Leaves, make: Callable[[Codepoints], Codepoints]
) -> None:
    """Remember the leaves of a batch that was made of another; and their code points, which
    ``make`` makes of those of the other where these are known: to copy what stayed takes a tenth
    of what it does to decode it."""
    global _last
    known = _points.get(True)
    _last = batch, leaf
    if known and known[0] is old.texts:
        _points[True] = leaf.texts, make(known[1])


def _spliced(text: Codepoints, rows: np.ndarray, new: Codepoints) -> Codepoints:
    """Return the texts with those at ``rows`` (ascending) replaced by ``new``."""
    points, offsets = text
    sizes = np.diff(offsets)
    sizes[rows] = np.diff(new.offsets)
    pieces, at = [], 0
    for start, end, first, last in zip(
        offsets[rows].tolist(),
        offsets[rows + 1].tolist(),
        new.offsets[:-1].tolist(),
        new.offsets[1:].tolist(),
        strict=True,
    ):
        pieces += [points[at:start], new.points[first:last]]
        at = end
    return Codepoints(np.concatenate([*pieces, points[at:]]), _ends(sizes))


def _only(text: Codepoints, stay: np.ndarray) -> Codepoints:
    """Return the texts for which ``stay`` (bool) is true."""
    points, offsets = text
    edges = np.flatnonzero(np.diff(stay, prepend=False, append=False))
    bounds = offsets[edges].reshape(-1, 2).tolist()
    kept = [points[:0], *(points[start:end] for start, end in bounds)]
    return Codepoints(np.concatenate(kept), _ends(np.diff(offsets)[stay]))


def _ends(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def _decoded(texts: pa.StringArray) -> Codepoints:
    lengths = pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False)
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if offsets[-1] == 0:
        return Codepoints(np.zeros(0, np.uint32), offsets)
    ends = texts.buffers()[1]
    bounds = np.frombuffer(ends, np.int32, len(texts) + 1, texts.offset * 4)
    if texts.null_count:  # the bytes under a null need not be empty
        nulls = texts.is_null().to_numpy(zero_copy_only=False)
        if np.diff(bounds)[nulls].any():
            return _decoded(pc.fill_null(texts, ""))
    data = memoryview(texts.buffers()[2])[int(bounds[0]) : int(bounds[-1])]
    points = np.frombuffer(str(data, "utf-8").encode("utf-32-le"), np.uint32)
    return Codepoints(points, offsets)


def from_codepoints(text: Codepoints) -> pa.StringArray:
    """Return the strings that ``text`` holds: the inverse of :func:`codepoints`, without nulls."""
    points, offsets = text
    data = points.astype("<u4", copy=False).tobytes().decode("utf-32-le").encode()
    bounds = offsets.astype(np.int32)
    if len(data) > len(points):
        more = (points >= 0x80).view(np.uint8) + (points >= 0x800) + (points >= 0x10000)
        bounds[1:] += np.cumsum(sums(more, offsets)).astype(np.int32)
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(bounds), pa.py_buffer(data))


def look_up(table: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return ``table[points]``, not to be written to, for points (uint32) that the table has.

    NumPy turns such an index into 64-bit integers first; Arrow takes it as it is, in a third of the
    time.
    """
    values = pa.array(table.view(np.uint8) if table.dtype == bool else table)
    found = pc.take(values, pa.array(points), boundscheck=False).to_numpy(zero_copy_only=False)
    return found.view(bool) if table.dtype == bool else found


def sums(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return int64[m]: the sum of ``values[offsets[i]:offsets[i + 1]]`` for each text."""
    starts, ends = offsets[:-1], offsets[1:]
    total = np.zeros(len(starts), np.int64)
    full = np.flatnonzero(ends > starts)
    if len(full):  # between two full texts there are only empty ones
        total[full] = np.add.reduceat(values, starts[full], dtype=np.int64)
    return total


def keep_items(batch: pa.RecordBatch, column: str, keep: np.ndarray) -> pa.RecordBatch:
    """Return ``batch`` with fewer answers, candidates or messages, their order kept.

    keep: bool, one for each item of the list column, row by row.
    """
    lists = batch.column(column)
    offsets = lists.offsets.to_numpy()
    items = lists.values.slice(offsets[0], offsets[-1] - offsets[0])
    bounds = np.concatenate([[0], np.cumsum(keep)])[offsets - offsets[0]]
    fewer = pa.ListArray.from_arrays(
        pa.array(bounds, pa.int32()), items.filter(pa.array(keep)), type=lists.type
    )
    columns = [fewer if f.name == column else batch.column(f.name) for f in batch.schema]
    return pa.record_batch(columns, schema=batch.schema)

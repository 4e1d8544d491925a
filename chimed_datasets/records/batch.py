"""A batch of records of one kind, and what it knows of its texts.

Stages do not need to know the kinds apart: :attr:`Batch.leaves` lays all texts of a batch in one
flat array, :attr:`Batch.points` are their characters, and :meth:`Batch.with_texts` puts changed
texts back. What one stage worked out is there for the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .arrow import kind_of
from .model import TextField
from .points import (
    Codepoints,
    codepoints,
    from_codepoints,
    joined,
    only,
    only_strings,
    put,
    spliced,
)

_PATHS = {
    "document": ("text", "title", "metadata"),
    "thread": (
        "question", "answers", "answers.reasoning_content", "title", "department", "keyphrases",
        "metadata",
    ),
    "dialogue": (
        "messages", "candidates", "messages.reasoning_content", "candidates.reasoning_content",
        "department", "keyphrases", "metadata",
    ),
    "exam": (
        "shared_stem", "stem", "options", "explanation", "department", "keyphrases", "subject",
        "metadata",
    ),
}  # fmt: skip
"""Where the texts of a kind are, those of the body first."""
_REASONING = "reasoning_content"
_COMPARED = (
    "title", "question", "messages", "answers", "candidates", "shared_stem", "stem", "options",
)  # fmt: skip
_LABELS = ("department", "keyphrases", "subject")
PARTED = "\x1f"
"""Stands alone on a line between the stem of an exam item and its options, and between these and
its key, where items are compared."""
RIGHT, WRONG = "■", "□"
"""The key of an exam item where items are compared: one of these for each of its options. They are
no letters, so that items with two keys are found as one."""


class Leaves(NamedTuple):
    """All texts of a batch side by side. Not to be written to.

    texts: ``pa.StringArray`` of length m (nulls where a title or department is missing).
    row:   int32[m], the batch row that each text belongs to.
    field: uint8[m], a :class:`TextField`.
    """

    texts: pa.StringArray
    row: np.ndarray
    field: np.ndarray

    @property
    def body(self) -> np.ndarray:
        """bool[m]: true for text, question, answers, messages and candidates, and for stems,
        options and explanations."""
        return self.field < TextField.TITLE


class Batch:
    """Records of one kind: ``table`` has the schema of its kind in :data:`SCHEMAS`.

    A batch does not change; what is made of it is another batch, which takes over what is known of
    the texts that stayed.
    """

    def __init__(self, table: pa.RecordBatch) -> None:
        self.table = table
        self.kind = kind_of(table)

    @property
    def num_rows(self) -> int:
        return len(self.table)

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        """Where the batch has texts. Most have no reasoning: its leaves are left out then."""
        return tuple(path for path in _PATHS[self.kind] if self._has(path))

    def _has(self, path: str) -> bool:
        if not path.endswith(_REASONING):
            return True
        texts, _ = _texts_at(self.table, path)
        return bool(texts.null_count < len(texts))

    @property
    def thinks(self) -> bool:
        """Whether a reply of any record has a reasoning trace."""
        return any(path.endswith(_REASONING) for path in self._paths)

    @cached_property
    def leaves(self) -> Leaves:
        """All texts of the batch in one flat array, body fields first."""
        texts, rows, codes = [], [], []
        index = np.arange(self.num_rows, dtype=np.int32)
        for path in self._paths:
            values, counts = _texts_at(self.table, path)
            texts.append(values)
            rows.append(np.repeat(index, counts))
            codes.append(np.full(len(values), _field_of(path), np.uint8))
        return Leaves(pa.concat_arrays(texts), np.concatenate(rows), np.concatenate(codes))

    @cached_property
    def points(self) -> Codepoints:
        """The code points of ``leaves.texts``. Not to be written to."""
        return codepoints(self.leaves.texts)

    @cached_property
    def compared(self) -> Codepoints:
        """The code points of the text that each record is compared by, its parts on lines of their
        own: a document's text; a thread's title, question and answers; a dialogue's messages and
        candidates; an exam item's stems and options, see :func:`exam_texts`."""
        if self.kind == "exam":
            return codepoints(exam_texts(self.table))
        if self.kind != "document":
            return self._joined()
        points, offsets = self.points  # those of the text come first
        return Codepoints(points[: offsets[self.num_rows]], offsets[: self.num_rows + 1])

    @property
    def compared_without_system(self) -> Codepoints:
        """As :attr:`compared`, without the system messages of dialogues."""
        if self.kind != "dialogue" or not is_system(self.table).any():
            return self.compared
        return self._joined(system=False)

    @cached_property
    def searched(self) -> Codepoints:
        """As :attr:`compared`, with the reasoning behind it: what benchmark items are looked for
        in. An exam item's options are in their own order, its explanation stands behind them."""
        if self.kind == "exam":
            return self._joined(["explanation"])
        if not self.thinks:
            return self.compared
        return self._joined(path for path in self._paths if path.endswith(_REASONING))

    def _joined(self, more: Iterable[str] = (), system: bool = True) -> Codepoints:
        paths = (*compared_columns(self.table), *more)
        texts, row, _ = self.leaves
        counts = [len(_texts_at(self.table, path)[0]) for path in self._paths]
        ends = dict(zip(self._paths, np.cumsum(counts).tolist(), strict=True))
        sizes = dict(zip(self._paths, counts, strict=True))
        # The leaves of each path, in the order of the paths asked for: column by column.
        columns = {path: np.arange(ends[path] - sizes[path], ends[path]) for path in paths}
        if not system:
            columns["messages"] = columns["messages"][~is_system(self.table)]
        parts = np.concatenate([*columns.values()])
        # Column by column becomes record by record; what is null is no part.
        parts = parts[np.argsort(row[parts], kind="stable")]
        parts = parts[texts.is_valid().to_numpy(zero_copy_only=False)[parts]]
        cuts = np.searchsorted(row[parts], np.arange(self.num_rows + 1))
        return joined(self.points, parts, cuts)

    def with_texts(self, texts: pa.StringArray) -> Batch:
        """Return the batch with ``texts`` in place of its own, in the order of :attr:`leaves`."""
        new = self._with(texts)
        if "points" in vars(self):  # to copy what stayed costs a tenth of decoding it
            rows = np.flatnonzero(_differ(self.leaves.texts, texts))
            new.points = spliced(self.points, rows, codepoints(texts.take(pa.array(rows))))
        return new

    def with_leaves(self, rows: np.ndarray, new: Codepoints, gone: Collection[int] = ()) -> Batch:
        """Return the batch with the texts ``new`` at ``rows`` (int64, ascending) of its
        :attr:`leaves`, where no null is, and without the rows ``gone`` of its table."""
        texts, points = self.leaves.texts, None
        stay = self._stay(gone)
        left = put(texts, rows, from_codepoints(new), stay)
        if "points" in vars(self):
            points = spliced(self.points, rows, new, stay)
        if gone:
            return self._left(gone, left, points)
        done = self._with(left)
        if points:
            done.points = points
        return done

    def _with(self, texts: pa.StringArray) -> Batch:
        new = Batch(_filled(self.table, self._paths, texts))
        new._paths = self._paths
        new.leaves = self.leaves._replace(texts=texts)
        return new

    def without(self, rows: Collection[int]) -> Batch:
        """Return the batch without some of its rows."""
        stay = self._stay(rows)
        points = only(self.points, stay) if "points" in vars(self) else None
        done = self._left(rows, only_strings(self.leaves.texts, stay), points)
        if "compared" in vars(self) and self.kind != "document":
            done.compared = only(self.compared, _kept(self.num_rows, rows))
        return done

    def _stay(self, gone: Collection[int]) -> np.ndarray:
        """Return bool of each leaf: is it of a row that is not ``gone``?"""
        stay: np.ndarray = _kept(self.num_rows, gone)[self.leaves.row]
        return stay

    def _left(
        self, gone: Collection[int], texts: pa.StringArray, points: Codepoints | None
    ) -> Batch:
        """Return the batch without the rows ``gone``, with ``texts`` for all that stay."""
        keep, (old, row, field) = _kept(self.num_rows, gone), self.leaves
        # Without its texts a table is filtered in no time.
        hollow = _filled(self.table, self._paths, pa.nulls(len(old), pa.string()))
        new = Batch(_filled(hollow.filter(pa.array(keep)), self._paths, texts))
        new._paths = self._paths
        place = np.cumsum(keep, dtype=np.int32) - np.int32(1)  # old row -> new row
        new.leaves = Leaves(texts, place[row[keep[row]]], field[keep[row]])
        if points:
            new.points = points
        return new

    def keep_items(self, column: str, keep: np.ndarray) -> Batch:
        """Return the batch with fewer answers, candidates or messages, their order kept.

        keep: bool, one for each item of the list column, row by row.
        """
        lists = self.table.column(column)
        offsets = lists.offsets.to_numpy()
        items = lists.values.slice(offsets[0], offsets[-1] - offsets[0])
        # How many items are kept before each row's first: where it starts in the shorter list.
        bounds = np.concatenate([[0], np.cumsum(keep)])[offsets - offsets[0]]
        fewer = pa.ListArray.from_arrays(
            pa.array(bounds, pa.int32()), items.filter(pa.array(keep)), type=lists.type
        )
        schema = self.table.schema
        columns = [fewer if f.name == column else self.table.column(f.name) for f in schema]
        new = Batch(pa.record_batch(columns, schema=schema))
        if "points" in vars(self) and not self.thinks:
            at = self._paths.index(column)
            before = sum(len(_texts_at(self.table, path)[0]) for path in self._paths[:at])
            texts, row, field = self.leaves
            stay = np.ones(len(texts), bool)
            stay[before : before + len(keep)] = keep
            new.leaves = Leaves(texts.filter(pa.array(stay)), row[stay], field[stay])
            new.points = only(self.points, stay)
        return new


def _kept(count: int, gone: Collection[int]) -> np.ndarray:
    """Return bool[count]: false for the rows that are ``gone``."""
    keep = np.ones(count, bool)
    keep[list(gone)] = False
    return keep


def _filled(table: pa.RecordBatch, paths: Iterable[str], texts: pa.StringArray) -> pa.RecordBatch:
    """Return ``table`` with ``texts`` in place of those that it has at ``paths``."""
    at = 0
    columns = {name: table.column(name) for name in table.schema.names}
    for path in paths:
        name, _, field = path.partition(".")
        count = len(text_columns(columns[name])[0])
        columns[name] = _rebuilt(columns[name], texts.slice(at, count), field)
        at += count
    return pa.record_batch(list(columns.values()), schema=table.schema)


def _field_of(path: str) -> TextField:
    if path.endswith(_REASONING):
        return TextField.REASONING
    return TextField["LABEL" if path in _LABELS else path.upper()]


def _differ(old: pa.StringArray, new: pa.StringArray) -> np.ndarray:
    """Return bool[m]: whether text or null became another."""
    values = pc.fill_null(pc.not_equal(old, new), False)
    changed: np.ndarray = pc.or_(values, pc.xor(old.is_null(), new.is_null())).to_numpy(
        zero_copy_only=False
    )
    return changed


def _texts_at(table: pa.RecordBatch, path: str) -> tuple[pa.StringArray, np.ndarray]:
    name, _, field = path.partition(".")
    return text_columns(table.column(name), field)


def text_columns(column: pa.Array, field: str = "") -> tuple[pa.StringArray, np.ndarray]:
    """Return a column's strings and int64: how many each row has (one, where it is no list).

    field: of a list of messages or answers, which of their texts; "": what they say.
    """
    if pa.types.is_string(column.type):
        return column, np.ones(len(column), np.int64)
    counts = np.diff(column.offsets.to_numpy(zero_copy_only=False))
    start, end = column.offsets[0].as_py(), column.offsets[-1].as_py()
    if pa.types.is_map(column.type):
        return column.items.slice(start, end - start), counts
    values = column.values.slice(start, end - start)
    if pa.types.is_struct(values.type):
        values = pc.struct_field(values, field or _said(values.type))
    return values, counts


def compared_columns(table: pa.RecordBatch) -> Sequence[str]:
    """Return the columns that records are compared by, in the order of their parts; see
    :attr:`Batch.compared`."""
    if kind_of(table) == "document":
        return ["text"]
    return [name for name in _COMPARED if name in table.schema.names]


def exam_texts(table: pa.RecordBatch) -> pa.StringArray:
    """Return the text that each item of a batch of exam items is compared by, a part a line: its
    shared stem and stem, :data:`PARTED`, its options in the order of their texts, so that the
    order of the source does not count, :data:`PARTED`, and which of them are right. The explanation
    is left out: one source has it, another has not."""
    column = table.column("options")
    texts, counts = text_columns(column)
    texts = pc.replace_substring(texts, "\n", " ")
    row = np.repeat(np.arange(len(counts)), counts)
    rank = np.empty(len(texts), np.int64)
    rank[pc.sort_indices(texts).to_numpy(zero_copy_only=False)] = np.arange(len(texts))
    order = pa.array(np.lexsort((rank, row)))
    ends = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    options = pc.binary_join(pa.ListArray.from_arrays(ends, texts.take(order)), "\n")
    right = pa.array(_marks(column, table["answer"]), pa.string())
    key = pc.binary_join(pa.ListArray.from_arrays(ends, right.take(order)), "")
    parts = (
        table["shared_stem"],
        table["stem"],
        pa.scalar(PARTED),
        options,
        pa.scalar(PARTED),
        key,
    )
    return pc.binary_join_element_wise(*parts, "\n", null_handling="skip")


def _marks(options: pa.ListArray, answers: pa.ListArray) -> list[str]:
    """Return :data:`RIGHT` or :data:`WRONG` for each option of each item, in their order."""
    letters = pc.struct_field(options.flatten(), "letter").to_pylist()
    counts = pc.list_value_length(options).to_pylist()
    marks: list[str] = []
    for count, answer in zip(counts, answers.to_pylist(), strict=True):
        own = letters[len(marks) : len(marks) + count]
        marks += [RIGHT if letter in answer else WRONG for letter in own]
    return marks


def is_system(table: pa.RecordBatch) -> np.ndarray:
    """Return bool of each message of a batch of dialogues: is it the system's?"""
    messages = table.column("messages")
    start, end = messages.offsets[0].as_py(), messages.offsets[-1].as_py()
    roles = pc.struct_field(messages.values.slice(start, end - start), "role")
    found: np.ndarray = pc.equal(roles, "system").to_numpy(zero_copy_only=False)
    return found


def _said(type_: pa.StructType) -> str:
    return "content" if "content" in type_.names else "text"


def _rebuilt(column: pa.Array, new: pa.StringArray, field: str = "") -> pa.Array:
    """Return a text, list or map column with other strings; field: see :func:`text_columns`."""
    if pa.types.is_string(column.type):
        return new
    start, end = column.offsets[0].as_py(), column.offsets[-1].as_py()
    offsets = pc.subtract(column.offsets, pa.scalar(start, pa.int32()))
    if pa.types.is_map(column.type):
        return pa.MapArray.from_arrays(offsets, column.keys.slice(start, end - start), new)
    values = column.values.slice(start, end - start)
    if pa.types.is_struct(values.type):
        name = field or _said(values.type)
        fields = list(values.type)
        children = [new if f.name == name else pc.struct_field(values, f.name) for f in fields]
        new = pa.StructArray.from_arrays(children, fields=fields)
    return pa.ListArray.from_arrays(offsets, new, type=column.type)

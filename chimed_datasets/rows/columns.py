"""The rows of a batch column by column: what `to_row` of a builder gives, with no dict a record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .conversation import FLAGS, prompt
from .declaration import Refusal, Rows
from .ranking import Ranking

SIDES = ["chosen", "rejected"]
_to_json = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` makes an encoder each time


def documents(
    batch: pa.RecordBatch, schema: pa.Schema, *, titled_domain: str | None = None
) -> Rows:
    """Return a row for every document of ``batch``, with the columns of ``schema``.

    Texts of ``titled_domain`` that do not begin with their title get it on a line before them.
    """
    n = batch.num_rows
    text = batch["text"] if titled_domain is None else _titled(batch, titled_domain)
    made = {
        "text": text,
        "label_origin": pa.StructArray.from_arrays([pa.repeat("stated", n)], ["domain"]),
        "num_chars": pc.utf8_length(text),
        "metadata": _written(batch["metadata"]),
    }
    return Rows(_table(batch, made, schema), np.arange(n), [])


def _written(about: pa.MapArray) -> pa.StringArray:
    """Return the pairs of each row as JSON. Many documents are of one book."""
    ends = about.offsets.to_numpy()
    names, texts = (one.slice(ends[0], ends[-1] - ends[0]) for one in (about.keys, about.items))
    once = names.unique().to_pylist()
    if len(once) == 1 and (np.diff(ends) == 1).all():
        few = texts.dictionary_encode()
        made = [_to_json({once[0]: text}) for text in few.dictionary.to_pylist()]
        return pa.array(made, pa.string()).take(few.indices)
    written = lru_cache(maxsize=None)(lambda pairs: _to_json(dict(pairs)))
    return pa.array([written(tuple(pairs)) for pairs in about.to_pylist()], pa.string())


def _titled(batch: pa.RecordBatch, domain: str) -> pa.StringArray:
    """Return the texts, those of a domain with their title before them."""
    texts, titles = batch["text"], batch["title"]
    named = pc.and_(pc.equal(batch["domain"], domain), pc.not_equal(titles, ""))
    named = pc.fill_null(named, False)
    if not pc.any(named).as_py():
        return texts
    most = pc.max(pc.utf8_length(titles)).as_py()
    begins = pc.utf8_slice_codeunits(texts, 0, most).to_pylist()
    without = [
        not begin.startswith(title or "")
        for begin, title in zip(begins, titles.to_pylist(), strict=True)
    ]
    missing = pc.and_(named, pa.array(without, pa.bool_()))
    before = pc.if_else(missing, titles, pa.scalar(None, pa.string()))
    return pc.binary_join_element_wise(before, texts, "\n", null_handling="skip")


def conversations(
    batch: pa.RecordBatch, schema: pa.Schema, *, best: bool, no_reply: Refusal
) -> Rows | None:
    """Return a row for every answer that is taken of a thread, or for every dialogue.

    best: take the answers of :func:`~.conversation.best_answers`, not all. no_reply: of a dialogue
    that ends with a question. None where a record has to be looked at by itself, as one with a
    reasoning trace.
    """
    if _thinks(batch):
        return None
    dialogues = "messages" in batch.schema.names
    taken = _dialogues(batch, no_reply) if dialogues else _threads(batch, best)
    if taken is None:
        return None
    source = _of(batch, taken.record)
    department = pc.not_equal(source["department"], "")
    keyphrases = pc.greater(pc.list_value_length(source["keyphrases"]), 0)
    origins = [_where(has, "source") for has in (department, keyphrases)]
    made = {
        "id": taken.ids,
        "messages": taken.messages,
        "label_origin": pa.StructArray.from_arrays(
            [*origins, pa.repeat("stated", len(taken.record))],
            ["department", "keyphrases", "domain"],
        ),
        "thread_id": source["id"],
        "reasoning_flags": _empty(len(taken.record), FLAGS),
    }
    return Rows(_table(source, made, schema), taken.record, taken.refused)


def ranked_pairs(batch: pa.RecordBatch, found: Ranking, schema: pa.Schema) -> Rows:
    """Return a row for every record of ``found``, with the columns of ``schema``; the others of
    ``batch`` are left."""
    n = len(found.row)
    source = _of(batch, found.row)
    replies = pc.struct_field(source["candidates"].flatten(), "text")
    place = [found.better, 1 - found.better]  # of the chosen one and of the rejected one
    nothing = pa.nulls(n, pa.float64())
    model = _where(pc.equal(source["origin"], "llm"), "llm")
    no_flags = _empty(n, FLAGS)
    origin = _where(pc.not_equal(source["department"], ""), "source")
    made = {
        "prompt": source["messages"],
        **{
            side: _sole_replies(replies.take(pa.array(2 * np.arange(n) + at)))
            for side, at in zip(SIDES, place, strict=True)
        },
        "pair_origin": pa.repeat("ranked", n),
        "label_origin": pa.StructArray.from_arrays([origin], ["department"]),
        "scores": pa.StructArray.from_arrays(
            [nothing, nothing, pa.array(found.margin), nothing], [*SIDES, "margin", "std"]
        ),
        "votes": _empty(n, schema.field("votes").type),
        "models": pa.StructArray.from_arrays([model, model], SIDES),
        "positions": pa.StructArray.from_arrays([pa.array(at, pa.int32()) for at in place], SIDES),
        "defect": pa.nulls(n, pa.string()),
        "thread_id": source["id"],
        "reasoning_flags": pa.StructArray.from_arrays([no_flags, no_flags], SIDES),
    }
    left = np.ones(batch.num_rows, bool)
    left[found.row] = False
    return Rows(_table(source, made, schema), found.row, [], np.flatnonzero(left))


def _of(batch: pa.RecordBatch, rows: np.ndarray) -> pa.RecordBatch:
    """Return the rows of a batch by number, ascending; the batch, where they are all of its own."""
    if np.array_equal(rows, np.arange(batch.num_rows)):
        return batch
    return batch.take(pa.array(rows))


def _empty(n: int, kind: pa.ListType) -> pa.ListArray:
    """Return ``n`` empty lists."""
    nothing = pa.array([], kind.value_type)
    return pa.ListArray.from_arrays(pa.array(np.zeros(n + 1, np.int32)), nothing, type=kind)


def _sole_replies(texts: pa.StringArray) -> pa.ListArray:
    """Return lists of one message each, the assistant's, without a trace."""
    n = len(texts)
    said = pa.StructArray.from_arrays(
        [pa.repeat("assistant", n), texts, pa.nulls(n, pa.string())],
        ["role", "content", "reasoning_content"],
    )
    return pa.ListArray.from_arrays(pa.array(np.arange(n + 1), pa.int32()), said)


def _where(mask: pa.BooleanArray, word: str) -> pa.StringArray:
    """Return ``word`` where ``mask`` is true, else null."""
    return pc.if_else(pc.fill_null(mask, False), pa.scalar(word), pa.scalar(None, pa.string()))


def _thinks(batch: pa.RecordBatch) -> bool:
    """Whether any reply has a reasoning trace."""
    replies = batch["messages" if "messages" in batch.schema.names else "answers"].flatten()
    traces = pc.struct_field(replies, "reasoning_content")
    return bool(traces.null_count < len(traces))


def _table(source: pa.RecordBatch, made: Mapping[str, pa.Array], schema: pa.Schema) -> pa.Table:
    """Return the columns of ``schema``: those that were made, the others as in ``source``."""
    columns = (made[f.name] if f.name in made else source[f.name] for f in schema)
    cast = [column.cast(field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(cast, schema=schema)


class _Taken(NamedTuple):
    """The records that rows are from, the rows' ids and messages, and what is refused."""

    record: np.ndarray
    ids: pa.Array
    messages: pa.Array
    refused: list[tuple[int, Refusal]]


def _dialogues(batch: pa.RecordBatch, no_reply: Refusal) -> _Taken | None:
    counts = pc.list_value_length(batch["messages"]).to_numpy(zero_copy_only=False)
    if batch.num_rows == 0 or counts.min() == 0:
        return None
    last = np.cumsum(counts) - 1
    roles = pc.struct_field(batch["messages"].flatten(), "role")
    replied = pc.equal(roles.take(pa.array(last)), "assistant").to_numpy(zero_copy_only=False)
    record = np.flatnonzero(replied)
    messages = batch["messages"].take(pa.array(record))
    refused = [(int(row), no_reply) for row in np.flatnonzero(~replied)]
    return _Taken(record, batch["id"].take(pa.array(record)), messages, refused)


def _threads(batch: pa.RecordBatch, best: bool) -> _Taken | None:
    if batch["question"].null_count:
        return None
    counts = pc.list_value_length(batch["answers"]).to_numpy(zero_copy_only=False)
    answers = batch["answers"].flatten()
    row = np.repeat(np.arange(batch.num_rows), counts)
    taken = np.ones(len(row), bool)
    if best:  # as `best_answers`
        for mark in ("recommended", "adopted"):
            marked = pc.fill_null(pc.struct_field(answers, mark), False)
            marked = marked.to_numpy(zero_copy_only=False)
            taken = np.where(np.bincount(row[marked], minlength=batch.num_rows)[row], marked, taken)
    record = row[taken]
    several = np.bincount(record, minlength=batch.num_rows)[record] > 1
    first = np.searchsorted(record, record)
    ids = _of(batch.select(["id"]), record)["id"]
    if several.any():
        number = np.arange(len(record)) - first
        ids = pa.array(
            [
                f"{name}-{k}" if more else name
                for name, k, more in zip(ids.to_pylist(), number, several, strict=True)
            ],
            pa.string(),
        )
    replies = pc.struct_field(answers, "text").filter(pa.array(taken))
    both = pa.concat_arrays([_prompts(batch), replies])
    order = np.stack([record, batch.num_rows + np.arange(len(record))], axis=1).ravel()
    roles = pa.array(["user", "assistant"] * len(record), pa.string())
    said = pa.StructArray.from_arrays(
        [roles, both.take(pa.array(order)), pa.nulls(len(roles), pa.string())],
        ["role", "content", "reasoning_content"],
    )
    offsets = pa.array(np.arange(0, 2 * len(record) + 1, 2), pa.int32())
    return _Taken(record, ids, pa.ListArray.from_arrays(offsets, said), [])


def _prompts(batch: pa.RecordBatch) -> pa.StringArray:
    """Return the text of :func:`~.conversation.prompt` of each thread."""
    titles, questions = batch["title"], batch["question"]
    titled = pc.fill_null(pc.not_equal(titles, ""), False)
    if not pc.any(titled).as_py():
        return questions
    both = zip(titles.to_pylist(), questions.to_pylist(), strict=True)
    made = (
        prompt({"title": title, "question": question})[0]["content"] for title, question in both
    )
    return pa.array(made, pa.string())

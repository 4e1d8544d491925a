"""Spans of personal data become typed placeholders, whoever found them.

The stage `mask` finds numbers and addresses. A guest, which is code outside of this package such as
a model that finds names, says in one call where its spans are in many texts; the rest is done here:

    >>> from chimed_datasets.records import Batch, Document, to_batch
    >>> def names(texts):
    ...     found = [(text, text.find("张三")) for text in texts]
    ...     return [[Span(at, at + 2, "name")] if at >= 0 else [] for text, at in found]
    >>> documents = [Document("0", "患者张三，腹痛两日。"), Document("1", "忌食生冷。")]
    >>> batch = Batch(to_batch(documents, source="s", license="mit", domain="modern"))
    >>> result = masked_by(batch, "names", names, {"name": "[姓名]"})
    >>> result.batch.table["text"].to_pylist(), result.counts
    (['患者[姓名]，腹痛两日。', '忌食生冷。'], {'name': 1})
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import ChimedError, did_you_mean
from ...lang import _
from ...records import Batch, TextField, ledger


class Span(NamedTuple):
    """``text[start:end]`` is personal data of one type. Offsets count code points."""

    start: int
    end: int
    type: str


SpanFinder = Callable[[list[str]], Iterable[Iterable[tuple[int, int, str]]]]
"""Takes texts, none of them empty; returns for each, in their order, its spans (:class:`Span` or
a tuple like it), ascending and without overlaps. No spans: an empty list."""


def replaced(text: str, spans: Iterable[Span], placeholders: Mapping[str, str]) -> str:
    """Return ``text`` with a placeholder for each of its spans (ascending, without overlaps)."""
    parts, at = [], 0
    for start, end, type_ in spans:
        parts += [text[at:start], placeholders[type_]]
        at = end
    return "".join([*parts, text[at:]])


def masked_by(
    batch: Batch, name: str, finder: SpanFinder, placeholders: Mapping[str, str]
) -> ledger.Result:
    """Mask what ``finder`` finds in a batch: in bodies, titles, labels and metadata values, as the
    stage `mask` does. Drops nothing. ``counts`` holds the number of spans masked per type.

    name:         of the guest's stage; errors begin with it.
    placeholders: type of a span -> what stands in its place ("name" -> "[姓名]").

    Raises :class:`ChimedError`, one line that names the stage and the record and never holds its
    text, where spans are empty, out of order, overlapping, out of the text, or of a type without a
    placeholder.
    """
    leaf = batch.leaves

    def place(at: int) -> dict[str, str]:
        row = int(leaf.row[at])
        return {
            "key": batch.table["key"][row].as_py(),
            "source": batch.table["source"][row].as_py(),
            "field": TextField(leaf.field[at]).column,
        }

    masked, counts = _masked(leaf.texts, name, finder, placeholders, place)
    if counts:
        batch = batch.with_texts(masked)
    return ledger.part(batch, name, {}, counts)


def masked_texts(
    texts: pa.StringArray, name: str, finder: SpanFinder, placeholders: Mapping[str, str]
) -> tuple[pa.StringArray, dict[str, int]]:
    """Return ``texts`` with placeholders, and the number of spans masked per type: as
    :func:`masked_by`, for an array such as the evidence of a ledger. Nulls stay null.
    """
    return _masked(texts, name, finder, placeholders, lambda at: {"key": str(at)})


def _masked(
    texts: pa.StringArray,
    name: str,
    finder: SpanFinder,
    placeholders: Mapping[str, str],
    place: Callable[[int], dict[str, str]],
) -> tuple[pa.StringArray, dict[str, int]]:
    """place: index of a text -> "key" of its record, and where they are known its "source" and the
    text's "field"."""
    full = pc.fill_null(pc.greater(pc.binary_length(texts), 0), False)
    rows = np.flatnonzero(full.to_numpy(zero_copy_only=False))
    bodies = texts.take(pa.array(rows)).to_pylist()
    answer: Any = finder(list(bodies)) if bodies else []
    if not isinstance(answer, Iterable):
        raise ChimedError(
            _("{name}: expected a list of spans for each text, got {a}.").format(
                name=name, a=_a(answer)
            )
        )
    lists: list[Any] = list(answer)
    if len(lists) != len(bodies):
        raise ChimedError(
            _(
                "{name}: got lists of spans for {lists} of {bodies} texts; give one for "
                "each text, empty where nothing is found."
            ).format(name=name, lists=len(lists), bodies=len(bodies))
        )
    counts: Counter[str] = Counter()
    changed = np.zeros(len(texts), bool)
    values = []
    for row, body, given in zip(rows.tolist(), bodies, lists, strict=True):
        try:
            spans = _checked(given, len(body), placeholders)
        except ValueError as error:
            raise _misplaced(name, str(error), **place(row)) from None
        if spans:
            changed[row] = True
            values.append(replaced(body, spans, placeholders))
            counts.update(span.type for span in spans)
    if values:
        texts = pc.replace_with_mask(texts, pa.array(changed), pa.array(values, pa.string()))
    return texts, {type_: counts[type_] for type_ in placeholders if counts[type_]}


def _misplaced(
    name: str, why: str, key: str, source: str | None = None, field: str = "text"
) -> ChimedError:
    return ChimedError(
        _("{name}: record {key}, {field}: {why}").format(name=name, key=key, field=field, why=why),
        source=source,
        key=key,
        stage=name,
    )


def _checked(given: Any, size: int, placeholders: Mapping[str, str]) -> list[Span]:
    """Return the spans of a text of ``size`` characters. Raises ValueError for the first that
    cannot be masked; its message does not hold what the guest gave, which may be the text."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ValueError(f"expected a list of spans, got {_a(given)}.")
    spans: list[Span] = []
    for one in given:
        if not isinstance(one, (tuple, list)) or len(one) != 3:
            raise ValueError(f"expected a span (start, end, type), got {_a(one)}.")
        start, end, type_ = one
        if not (_is_whole(start) and _is_whole(end) and isinstance(type_, str)):
            kinds = ", ".join(type(part).__name__ for part in one)
            raise ValueError(f"a span is (int, int, str), got ({kinds}).")
        span = Span(int(start), int(end), type_)
        where = f"the span {span.start}:{span.end}"
        if type_ not in placeholders:
            known = did_you_mean(type_, placeholders)
            raise ValueError(f"{where} has a type without a placeholder, {type_!r}.{known}")
        if span.start >= span.end:
            raise ValueError(f"{where} is empty; it must end after its start.")
        if span.start < 0 or span.end > size:
            raise ValueError(f"{where} is outside of the text, which has {size} characters.")
        if spans and span.start < spans[-1].end:
            before = f"the one before it, {spans[-1].start}:{spans[-1].end}"
            if span.end <= spans[-1].start:
                raise ValueError(f"{where} stands after {before}; sort the spans by their start.")
            raise ValueError(f"{where} overlaps {before}; give one span for both.")
        spans.append(span)
    return spans


def _is_whole(number: object) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)


def _a(thing: object) -> str:
    """Return what kind of thing it is, not what it holds."""
    size = f" of {len(thing)}" if isinstance(thing, (tuple, list)) else ""
    return f"{type(thing).__name__}{size}"

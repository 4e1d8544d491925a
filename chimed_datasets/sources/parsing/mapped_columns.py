"""Rows of texts alone become Columns, without a record of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...loops import BREAK, EDGE, SIGN
from ...records import Columns, Document, Malformed, QAThread
from . import labels as label
from .flat import Chosen, FlatRows, Names, Texts
from .mapped import LABELS, TARGETS, Mapped, trace_columns
from .mapped_record import AS_LABEL
from .row import NOTHING, NOTHING_CHARS, KeyedRow, RowError, is_nothing
from .traces import may_think


class PlainColumns:
    """Makes Columns of a block of rows where every mapped field is a text, and those not needed may
    be missing; None of any other block. Then nothing is left to do of what :func:`converter` does
    but to strip what is about the record.

    never: the options ask for something else.
    """

    def __init__(self, options: Mapped) -> None:
        kind = options.kind
        composed = any(isinstance(column, list) for column in options.fields.values())
        self.wanted = {
            t: column for t, column in options.targets().items() if isinstance(column, str)
        }
        self.needed = {target: self.wanted.pop(target, "") for target in TARGETS[kind]}
        self.labels = [target for target in LABELS[kind] if target in self.wanted]
        self.others = [target for target in self.wanted if target not in self.labels]
        self.kind = Document if kind == "document" else QAThread
        columns = (*self.needed.values(), *self.wanted.values())
        odd = ("keyphrases", "reasoning_content", "adopted")
        self.never = bool(
            kind in ("dialogue", "exam")
            or any(target in self.labels for target in odd)
            or options.strip
            or any("." in column for column in columns)
            or composed
        )
        self.usual = frozenset(trace_columns(options))
        self.names = Names(tuple(dict.fromkeys((options.ident, *columns))), tuple(self.usual))

    def of_block(self, block: Sequence[KeyedRow | Malformed]) -> Columns | None:
        """Return the Columns of rows."""
        keyed = [item for item in block if isinstance(item, tuple)]
        if self.never or len(keyed) < len(block):
            return None
        if self.usual and not all(self.usual.isdisjoint(row) for _, row in keyed):
            return None
        fields: dict[str, list[Any]] = {"key": [key for key, _ in keyed]}
        for target, column in self.needed.items():
            texts: list[Any] = [row.get(column) for _, row in keyed]
            if set(map(type, texts)) != {str} or _any_is_nothing(texts):
                return None
            if target == "answer" and any(map(may_think, texts)):
                return None
            fields["answers" if target == "answer" else target] = texts
        about: dict[str, list[str | None]] = {}
        for target, column in self.wanted.items():
            texts = [row.get(column) for _, row in keyed]
            if not set(map(type, texts)) <= {str, NoneType}:
                return None
            if target == "domain" and not _known_domains(texts):
                return None
            as_label = self._as_label(target)
            about[target] = [as_label(text) if text else None for text in texts]
        fields |= {target: about[target] for target in self.labels}
        if self.others:
            rest = zip(*(about[target] for target in self.others), strict=True)
            fields["metadata"] = [
                {target: text for target, text in zip(self.others, row, strict=True) if text}
                for row in rest
            ]
        return Columns(self.kind, fields)

    def of_flat(self, rows: FlatRows) -> Columns | None:
        """Return the same of rows that are columns already."""
        if self.never or rows.alone.any() or not rows.are_texts(*self.needed.values()).all():
            return None
        fields: dict[str, Any] = {"key": rows.keys}
        chars = np.zeros(len(rows), np.int64)
        for target, column in self.needed.items():
            texts = rows.texts(column)
            if texts.any_is_nothing():
                return None
            if target == "answer" and any(
                may_think(text or "") for text in texts.at(texts.rows(SIGN))
            ):
                return None
            fields["answers" if target == "answer" else target] = texts.strings
            chars += texts.chars
        about: dict[str, pa.StringArray] = {}
        for target, column in self.wanted.items():
            if not rows.may_be_texts(column):
                return None
            texts = rows.texts(column)
            if target == "domain" and not _known_domains(texts.strings.unique().to_pylist()):
                return None
            as_label = self._as_label(target)
            if as_label in (_bare, label.title):  # they change but few texts
                about[target] = _relabelled(texts, as_label)
            else:
                about[target] = _each_once(texts.strings, as_label)
        fields |= {target: about[target] for target in self.labels}
        if self.others:
            fields["metadata"] = _pairs({target: about[target] for target in self.others})
        return Columns(self.kind, fields, chars)

    def _as_label(self, target: str) -> Callable[[str], str | None]:
        return AS_LABEL.get(target, _bare) if target in self.labels else _bare


def flat_names(options: Mapped) -> Chosen | None:
    """Return which fields of rows :class:`PlainColumns` makes columns of, where they are read for
    nothing else."""
    plain = PlainColumns(options)
    if plain.never or options.each or options.where is not None:
        return None
    return lambda first: plain.names


def _relabelled(texts: Texts, as_label: Callable[[str], str | None]) -> pa.StringArray:
    """Return texts as labels. ``as_label`` leaves a text as it is that has no blank at an end, ends
    no line, and is no word for nothing."""
    rows = texts.rows(EDGE | BREAK)
    rows = rows[texts.strings.is_valid().to_numpy(False)[rows]]
    if not len(rows):
        return texts.strings
    new = [as_label(text) if text else None for text in texts.at(rows)]
    mask = np.zeros(len(texts.strings), bool)
    mask[rows] = True
    return pc.replace_with_mask(texts.strings, pa.array(mask), pa.array(new, pa.string()))


def _each_once(texts: pa.StringArray, as_label: Callable[[str], str | None]) -> pa.StringArray:
    """Return texts as labels, few of which differ."""
    once = texts.dictionary_encode()
    new = [as_label(text) if text else None for text in once.dictionary.to_pylist()]
    return pa.array(new, pa.string()).take(once.indices)


def _pairs(columns: dict[str, pa.StringArray]) -> pa.MapArray:
    """Return for each row the names of columns and its texts there, where it has one."""
    n = len(next(iter(columns.values())))
    there = np.stack([column.is_valid().to_numpy(False) for column in columns.values()], axis=1)
    row, name = np.nonzero(there)
    every = pa.concat_arrays([*columns.values()]).take(pa.array(name * n + row))
    names = pa.array([*columns], pa.string()).take(pa.array(name))
    ends = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    return pa.MapArray.from_arrays(pa.array(ends), names, every)


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

"""Rows of texts alone become Columns, without a record of each."""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType
from typing import Any

from ...records import Columns, Document, Malformed, QAThread
from . import labels as label
from .mapped import LABELS, TARGETS, Mapped, trace_columns
from .mapped_record import AS_LABEL
from .row import NOTHING, NOTHING_CHARS, KeyedRow, RowError, is_nothing
from .traces import may_think


def plain_columns(options: Mapped) -> Callable[[list[KeyedRow | Malformed]], Columns | None]:
    """Return what makes Columns of a block of rows where every mapped field is a text, and those
    not needed may be missing; None of any other block. Then nothing is left to do of what
    :func:`converter` does but to strip what is about the record."""
    composed = any(isinstance(column, list) for column in options.fields.values())
    wanted = {t: column for t, column in options.targets().items() if isinstance(column, str)}
    needed = {target: wanted.pop(target, "") for target in TARGETS[options.kind]}
    labels = [target for target in LABELS[options.kind] if target in wanted]
    others = [target for target in wanted if target not in labels]
    kind = Document if options.kind == "document" else QAThread
    dotted = any("." in column for column in (*needed.values(), *wanted.values()))
    odd = options.kind in ("dialogue", "exam") or "keyphrases" in labels or options.strip or dotted
    odd = odd or "reasoning_content" in labels or "adopted" in labels or composed
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
            as_label = AS_LABEL.get(target, _bare) if target in labels else _bare
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

"""The stages: what is done to every record, in the order of :data:`ORDER`.

A stage is a frozen dataclass. Its fields are its settings: they stand under ``stages:`` in a recipe
and in the manifest. One that looks at a batch at a time (:data:`PER_BATCH`) is called with it and
returns a :class:`~chimed_datasets.records.Result`: the batch that goes on, ledger rows for the
records that do not, and counts per rule. It does no I/O, so that any executor can run it anywhere.

The stages in :data:`OVER_ALL` need to see all records: here are their settings and what they ask of
each batch, and ``building/decide`` decides.

A stage from outside the package looks at a batch at a time, too. Its module names its class STAGE.
The class has ``name`` and, beside it, ``after``: the stage of :data:`PER_BATCH` that it follows, or
"read" to be the first. One that masks may have, in place of ``__call__``,

    ``spans(texts)``   for each of the texts (a list of str, none of them empty) its spans of
                       personal data, as :class:`Span` or (start, end, type),
    ``placeholders``   type -> what stands in its place.
"""

from __future__ import annotations

from ..records import Batch, Leaves, Result, TextField, codepoints, from_codepoints, look_up, sums
from ..records.ledger import excerpt, part
from .text.spans import Span, SpanFinder

__all__ = [
    "ORDER",
    "OVER_ALL",
    "PER_BATCH",
    "Batch",
    "Leaves",
    "Result",
    "Span",
    "SpanFinder",
    "TextField",
    "codepoints",
    "excerpt",
    "from_codepoints",
    "look_up",
    "part",
    "place_of",
    "sums",
]

PER_BATCH = ("clean", "simplify", "filter", "mask", "decontaminate")
OVER_ALL = ("relevance", "passages", "deduplicate", "split", "label")
ORDER = ("read", "takedown", *PER_BATCH, *OVER_ALL)
"""All that may take a record out, as a record meets it; `read` and `takedown` are no settings."""


def place_of(stage: str) -> tuple[int, str]:
    """Return a key to sort stages by; the configs, which refuse records too, come last."""
    return (ORDER.index(stage) if stage in ORDER else len(ORDER)), stage

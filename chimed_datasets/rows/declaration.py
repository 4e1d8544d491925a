"""What a builder module declares: one dataset config, as a table that can be read aloud.

The modules stand in ``builders/`` (importable as ``chimed_datasets.builders``); each holds one
:class:`Builder` named ``BUILDER``. `building.write` makes their rows and writes them to parquet;
`hf` makes real `datasets` builders of them, which give the same rows.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from datasets import Features

from ..errors import RecipeError, did_you_mean
from ..settings import checked

CONFIGS = ("pretrain", "sft", "preference")
Row = dict[str, Any]
"""A record, a message or a row of a config, by the names of its fields."""


class Refusal(NamedTuple):
    """Why a record of the right kind gives no row in this config."""

    rule: str
    evidence: str = ""


class Rows(NamedTuple):
    """Rows that a batch of records gives.

    table:   of the builder's schema.
    record:  int64[rows], the batch row that each is from, ascending.
    refused: batch rows that give none, ascending, and why.
    """

    table: pa.Table
    record: np.ndarray
    refused: list[tuple[int, Refusal]]


class Choice(Protocol):
    """Which of the rows that all records offer a build takes."""

    def rule(self, pair: int) -> str:
        """Return why the row with this hash does not stay; "" where it does."""


@dataclass(frozen=True)
class Builder:
    """One config of the dataset.

    name:     the config's name.
    about:    one line for the card.
    kinds:    the record kinds that it takes.
    features: the columns.
    settings: a frozen dataclass, set under ``builders: {name: …}`` in a recipe.

    Callables that say what a record gives:

    to_row:   ``(record, settings, choice)`` to rows, or to a :class:`Refusal`. ``record`` is one of
              :func:`.labels.labelled`: a dict of the record's schema with ``label_origin`` beside.
              A row has the columns of ``features``, and its ``id`` starts with the record's id.
              ``choice`` is a :class:`Choice`, or None where the record alone decides.

    Faster ways to the same, for a whole record batch; each may be left out:

    to_table: ``(batch, settings)`` to the :class:`Rows` that ``to_row`` would give, column by
              column, or None where it has to be ``to_row``. Called only where the stage `label`
              does not run: the records have no labels but their own.
    sift:     ``(batch, settings)`` to the batch rows that give none, and why, as ``to_row`` would
              say: records that need no look one by one.

    A choice over all records; both may be left out, where a row depends on its record alone:

    survey:   ``(batch, splits, settings)`` to an array of figures; ``splits`` are the codes of the
              records' splits (int8[rows]).
    choose:   ``(arrays of figures, settings)`` to the :class:`Choice`, from those of all kept
              records, in any order.
    """

    name: str
    about: str
    kinds: tuple[str, ...]
    features: Features
    settings: type
    to_row: Callable[[Row, Any, Any], Iterator[Row | Refusal]]
    to_table: Callable[[pa.RecordBatch, Any], Rows | None] | None = None
    sift: Callable[[pa.RecordBatch, Any], dict[int, Refusal]] | None = None
    survey: Callable[[pa.RecordBatch, np.ndarray, Any], np.ndarray] | None = None
    choose: Callable[[Sequence[np.ndarray], Any], Choice] | None = None


@lru_cache(maxsize=1)
def builders() -> dict[str, Builder]:
    """Return the declared builders by name, in the order pretrain, sft, preference."""
    modules = (importlib.import_module(f"chimed_datasets.builders.{name}") for name in CONFIGS)
    return {module.BUILDER.name: module.BUILDER for module in modules}


def builder_settings(given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Check the ``builders:`` part of a recipe. Raises :class:`RecipeError`."""
    for name in given:
        if name not in CONFIGS:
            raise RecipeError(f"builders: unknown config {name!r}.{did_you_mean(name, CONFIGS)}")
    return {
        name: checked(builder.settings, given.get(name), f"builders.{name}")
        for name, builder in builders().items()
    }

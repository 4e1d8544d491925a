"""What a builder module declares: one dataset config, as a table that can be read aloud.

The modules stand in ``builders/`` (importable as ``chimed_datasets.builders``); each holds one
:class:`Builder` named ``BUILDER``. `chimed_datasets.hf` makes real `datasets` builders of them
and `chimed_datasets.building` writes them to parquet: both go through the same declarations.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from datasets import Features

from .errors import RecipeError, did_you_mean
from .settings import settings

CONFIGS = ("pretrain", "sft", "preference")


class Refusal(NamedTuple):
    """Why a record of the right kind gives no row in this config."""

    rule: str
    evidence: str = ""


@dataclass(frozen=True)
class Builder:
    """One config of the dataset.

    name:     the config's name.
    about:    one line for the card.
    kinds:    the record kinds that it takes.
    features: the columns.
    settings: a frozen dataclass, set under ``builders: {name: …}`` in a recipe.
    to_row:   ``(record, settings, choice)`` to rows, or to a :class:`Refusal`. ``record`` is a
              dict of the record's schema; a row's ``id`` starts with the record's id.
    survey:   ``(batch, splits, settings)`` to an array of figures; ``splits`` are the codes of the
              records' splits. Left out where a row depends on its record alone.
    choose:   ``(arrays of figures, settings)`` to the ``choice``, from those of all kept records.
    """

    name: str
    about: str
    kinds: tuple[str, ...]
    features: Features
    settings: type
    to_row: Callable[[dict, Any, Any], Iterator[dict | Refusal]]
    survey: Callable[[pa.RecordBatch, np.ndarray, Any], np.ndarray] | None = None
    choose: Callable[[Sequence[np.ndarray], Any], Any] | None = None


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
        name: settings(builder.settings, given.get(name), f"builders.{name}")
        for name, builder in builders().items()
    }

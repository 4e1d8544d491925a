"""Phrases: drop records that hold one of the given phrases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pyarrow.compute as pc

from chimed_datasets.stages import Batch, Result, part


@dataclass(frozen=True)
class Phrases:
    """Drop records that hold one of the given phrases.

    phrases: none of these may stand in the body of a record (``phrase``).
    """

    phrases: tuple[str, ...] = ()
    name: ClassVar[str] = "phrases"
    after: ClassVar[str] = "filter"

    def __call__(self, batch: Batch) -> Result:
        leaf = batch.leaves
        refused: dict[int, tuple[str, str]] = {}
        for phrase in self.phrases:
            found = pc.fill_null(pc.match_substring(leaf.texts, phrase), False)
            for row in leaf.row[found.to_numpy(zero_copy_only=False) & leaf.body].tolist():
                refused.setdefault(row, ("phrase", phrase))
        return part(batch, self.name, refused)


STAGE = Phrases

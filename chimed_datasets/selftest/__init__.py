"""The library measured on labelled rows: ``chimed selftest``.

    sets/   the rows, and ABOUT files that say how they were made; nobody edits a row
    pairs/  the rows for what compares a record with another, or with a benchmark
    judge   what a labelled row asks for, and whether a text gives it
    apart   rows that are like each other, in different builds
    run     real builds over the rows, read back from Parquet and ledger; the figures

The rows were written before the rules, by an author who does not write the rules. The figures that
a version ships stand in ``built/figures.json``; ``python -m chimed_datasets.selftest`` writes them
anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import on_first_use

if TYPE_CHECKING:
    from .run import Result, below, measure

__all__ = ["Result", "below", "measure"]

__getattr__, __dir__ = on_first_use(__name__, {"Result": "run", "below": "run", "measure": "run"})

"""Building a dataset, in the order a reader would tell it.

    plan     the sources' files become units of work
    read     each unit: decode, clean, simplify, filter, mask, decontaminate   (workers)
    decide/  over all records: what is not about medicine, notices that many documents share,
             duplicates, who is kept, who goes to which split, what is labelled
    write    each shard of each config: rows to parquet                       (workers)
    close    the account, statistics, manifest and card; then one rename

Between `read` and `write` the records lie in Arrow files (:mod:`.store`). Nothing depends on how
many workers there are: units, batches and shards are cut by size alone, and every result is taken
in the order of the plan.

What `read` and `write` finish is kept (:mod:`.checkpoint`) in ``.NAME.building`` beside the target
until the build is whole: after a crash the same command goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import on_first_use

if TYPE_CHECKING:
    from .prepared import dry_run
    from .run import build

__all__ = ["build", "dry_run"]

__getattr__, __dir__ = on_first_use(__name__, {"build": "run", "dry_run": "prepared"})

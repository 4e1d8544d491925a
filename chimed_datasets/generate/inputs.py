"""The inputs of a generation: clean records, cut into items for each task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from ..building.prepared import Prepared
from ..rows import Refusal
from .asking import Job
from .tasks import Drop, Outcome, TaskItem

DRAWN_AT_ONCE = 256
"""Records read together when they are drawn in no order of the files."""


class Input(NamedTuple):
    """An item with the job that does it; ``ready`` where nothing needs to be asked."""

    job: Job | None
    item: TaskItem
    ready: Outcome | None = None


@dataclass
class Inputs:
    """Iterates over the inputs of all tasks, the same ones each time.

    Every record that passed the stages gives each task that takes its kind one or more items, or
    a refusal; one that no task takes is refused under "no_task". With ``sample`` records are drawn
    by a hash of id and seed until each task has that many items.
    """

    prepared: Prepared
    jobs: list[Job]
    seed: int
    sample: int | None = None
    drawn: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Input]:
        self.drawn = Counter()
        due = {job.key: self.sample or 0 for job in self.jobs}
        for record in self._records():
            if self.sample is not None and not any(due.values()):
                return
            self.drawn[record["source"]] += 1
            taken = False
            for job in self.jobs:
                key = job.key
                kind = job.work
                if _kind(record) not in kind.kinds:
                    continue
                taken = True
                items = kind.items(record, job.settings, len(job.models))
                if isinstance(items, Refusal):
                    yield Input(job, TaskItem(record, None), _refused(items))
                    continue
                for item in items:
                    if self.sample is not None:
                        if not due[key]:
                            break
                        due[key] -= 1
                    yield Input(job, item)
            if not taken:
                why = Refusal("no_task", f"no task takes a {_kind(record)}")
                yield Input(None, TaskItem(record, None), _refused(why))

    def _records(self) -> Iterator[dict[str, Any]]:
        kept = np.flatnonzero(self.prepared.decision.keep)
        store = self.prepared.store
        if self.sample is None:
            for _, batch in store.take(kept):
                yield from rows(batch)
            return
        mixed = _mixed(self.prepared.features["id"][kept], self.seed)
        order = kept[np.argsort(mixed, kind="stable")]
        for at in range(0, len(order), DRAWN_AT_ONCE):
            some = order[at : at + DRAWN_AT_ONCE]
            by_index: dict[int, dict[str, Any]] = {}
            for indices, batch in store.take(np.sort(some)):
                by_index.update(zip(indices.tolist(), rows(batch), strict=True))
            yield from (by_index[index] for index in some.tolist())


def rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Yield the records of a batch as dicts, metadata as a dict too."""
    for record in batch.to_pylist():
        record["metadata"] = dict(record["metadata"])
        yield record


def _kind(record: dict[str, Any]) -> str:
    return "document" if "text" in record else "thread" if "answers" in record else "dialogue"


def _refused(why: Refusal) -> Outcome:
    return Outcome(drops=[Drop("", why.rule, why.evidence)])


def _mixed(ids: np.ndarray, seed: int) -> np.ndarray:
    """Return uint64 numbers in no order that ids or files have (the finisher of splitmix64)."""
    with np.errstate(over="ignore"):
        x = ids.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15) % 2**64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))

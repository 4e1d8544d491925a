"""Single replies that are marked as good or bad, and stand in no pair of their record."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import marks, pairs
from .conversation import rivals
from .declaration import Refusal, Row
from .marks import GOOD
from .pairs import Settings, Side


class MarkedReply(NamedTuple):
    """A reply, whether it is good, and the mark that says so (a key of :data:`.marks.GOOD`)."""

    side: Side
    good: bool
    mark: str


def propose(record: Row, settings: Settings) -> list[MarkedReply | Refusal]:
    """Return the marked replies that a record gives, in their order, and why others are left out.

    A text that two marks judge differently is left out wherever it stands; equal replies count
    once. What the record offers in a pair is left to the pairs, also where the recipe leaves that
    pair out: a limit or a trim would mean little if its replies came back here.
    """
    use = settings.unpaired
    assert use is not None  # the config is made only where the recipe sets it
    replies = rivals(record)
    found: dict[str, list[tuple[int, str]]] = {}
    for place, reply in enumerate(replies):
        for mark in marks.of_reply(place, replies, record["source"], use):
            found.setdefault(reply["text"], []).append((place, mark))
    if not found:
        return [_no_mark(len(replies))]
    taken = set() if use.repeat_paired else _paired(record, settings)
    unnamed = pairs.writer(record, replies)
    made: list[MarkedReply | Refusal] = []
    for text, said in found.items():
        place, mark = said[0]
        if len({GOOD[one] for _, one in said}) > 1:
            made.append(Refusal("marks_disagree", ", ".join(dict.fromkeys(m for _, m in said))))
        elif text not in taken:
            side = pairs.side(replies[place], place, unnamed)
            side = side._replace(score=marks.score(replies[place]))
            made.append(MarkedReply(side, GOOD[mark], mark))
    return made or [Refusal("all_paired", f"replies with a mark: {len(found)}")]


def _paired(record: Row, settings: Settings) -> set[str]:
    """Return the texts that stand in a pair which the record offers. A pair with a planted defect
    does not count: it makes no use of a mark."""
    offered = pairs.propose(record, settings)
    if isinstance(offered, Refusal):
        return set()
    sides = (side for pair in offered for side in (pair.chosen, pair.rejected))
    return {side.text for side in sides if side.position is not None}


def _no_mark(replies: int) -> Refusal:
    if not replies:
        return Refusal("no_candidate", "the dialogue has no candidate replies")
    return Refusal("no_mark", f"replies: {replies}")


def sift(batch: pa.RecordBatch, settings: Settings) -> dict[int, Refusal]:
    """Return the records without any sign that could be a mark, and why they give no row."""
    column = batch["answers" if "answers" in batch.schema.names else "candidates"]
    replies, owners = column.flatten(), pc.list_parent_indices(column).to_numpy()
    signs = [pc.struct_field(replies, name) for name in ("adopted", "recommended")]
    seen = np.zeros(len(replies), bool)
    for sign in signs:
        seen |= pc.fill_null(sign, False).to_numpy(zero_copy_only=False)
    if settings.unpaired and settings.unpaired.scores:
        rated = pc.struct_field(replies, "score").is_valid()
        sized = pc.greater(pc.list_value_length(pc.struct_field(replies, "ratings")), 0)
        for sign in (rated, pc.fill_null(sized, False)):
            seen |= sign.to_numpy(zero_copy_only=False)
    without = np.ones(batch.num_rows, bool)
    without[owners[seen]] = False
    counts = pc.list_value_length(column).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(without)
    return {
        row: _no_mark(int(n)) for row, n in zip(rows.tolist(), counts[rows].tolist(), strict=True)
    }

"""What becomes of a record when texts of it are refused."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...records import Batch, TextField

Reason = tuple[str, str]
"""(rule, evidence), as in the ledger."""


def without_explanations(
    batch: Batch, bad: Mapping[int, Reason]
) -> tuple[Batch, dict[int, Reason], dict[str, int]]:
    """Take bad explanations out of exam items, which are whole without them.

    Returns the batch, what else is bad, and how many explanations each rule took.
    """
    leaf = batch.leaves
    gone = [at for at in bad if leaf.field[at] == TextField.EXPLANATION]
    if not gone:
        return batch, dict(bad), {}
    mask = np.zeros(len(leaf.texts), bool)
    mask[gone] = True
    nothing = pa.scalar(None, pa.string())
    batch = batch.with_texts(pc.if_else(pa.array(mask), nothing, leaf.texts))
    counts: dict[str, int] = {}
    for at in gone:
        counts[bad[at][0]] = counts.get(bad[at][0], 0) + 1
    return batch, {at: reason for at, reason in bad.items() if not mask[at]}, counts


def without_bad(
    batch: Batch, bad: Mapping[int, Reason], refused: dict[int, Reason]
) -> tuple[Batch, dict[str, int]]:
    """Take bad answers and candidates out of ``batch``; see :func:`good_answers`.

    Returns the batch (no row is taken out of it) and how many answers each rule took.
    """
    keep, counts = good_answers(batch, bad, refused)
    return with_answers(batch, keep), counts


def good_answers(
    batch: Batch, bad: Mapping[int, Reason], refused: dict[int, Reason]
) -> tuple[dict[TextField, np.ndarray], dict[str, int]]:
    """Return for fields of which some go, bool of each answer: does it stay? And how many answers
    each rule took from records that are not refused. Those of refused records stay with them.

    bad:     leaf -> reason; any other text refuses its record.
    refused: row -> reason. Records are added to it whose text, or last answer, is bad.
    """
    leaf = batch.leaves
    answers: dict[TextField, dict[int, Reason]] = {TextField.ANSWERS: {}, TextField.CANDIDATES: {}}
    for at, reason in bad.items():
        if (field := TextField(leaf.field[at])) in answers:
            answers[field][at] = reason
        else:
            refused.setdefault(int(leaf.row[at]), reason)
    counts: dict[str, int] = {}
    stay = {}
    for field, gone in answers.items():
        if not gone:
            continue
        items = np.flatnonzero(leaf.field == field)
        keep = ~np.isin(items, list(gone))
        left = np.bincount(leaf.row[items[keep]], minlength=batch.num_rows)
        for at, reason in gone.items():
            if not left[leaf.row[at]]:
                refused.setdefault(int(leaf.row[at]), reason)
        for at, (rule, _) in gone.items():
            if int(leaf.row[at]) not in refused:
                counts[rule] = counts.get(rule, 0) + 1
        keep |= np.isin(leaf.row[items], list(refused))
        if not keep.all():
            stay[field] = keep
    return stay, counts


def with_answers(batch: Batch, stay: Mapping[TextField, np.ndarray]) -> Batch:
    """Return the batch with the answers that stay; see :func:`good_answers`."""
    for field, keep in stay.items():
        batch = batch.keep_items(field.column, keep)
    return batch

"""What becomes of a record when texts of it are refused."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...records import Batch, TextField

Reason = tuple[str, str]
"""(rule, evidence), as in the ledger."""


def without_bad(
    batch: Batch, bad: Mapping[int, Reason], refused: dict[int, Reason]
) -> tuple[Batch, dict[str, int]]:
    """Take bad answers and candidates out of ``batch``.

    bad:     leaf -> reason; any other text refuses its record.
    refused: row -> reason. Records are added to it whose text, or last answer, is bad.

    Returns the batch (no row is taken out of it) and how many answers each rule took from records
    that are not refused.
    """
    leaf = batch.leaves
    answers: dict[int, dict[int, Reason]] = {TextField.ANSWERS: {}, TextField.CANDIDATES: {}}
    for at, reason in bad.items():
        if (field := int(leaf.field[at])) in answers:
            answers[field][at] = reason
        else:
            refused.setdefault(int(leaf.row[at]), reason)
    counts: dict[str, int] = {}
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
        batch = batch.keep_items(TextField(field).column, keep)
    return batch, counts

"""Records that offer one pair, as columns tell without a look at each: two ranked replies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class Ranking(NamedTuple):
    """Records of a batch with two replies, of which nothing is known but which ranks higher.

    row:    int64[n], ascending: batch rows.
    better: int64[n]: which of the two replies, 0 or 1.
    margin: float64[n]: by how much their ranks differ.
    chars:  int64[n, 2]: the characters of the better and of the worse reply.
    """

    row: np.ndarray
    better: np.ndarray
    margin: np.ndarray
    chars: np.ndarray

    def where(self, mask: np.ndarray) -> Ranking:
        """Return the records for which ``mask`` (bool[n]) is true."""
        return Ranking(*(column[mask] for column in self))


_NO_ROWS = np.zeros(0, np.int64)
NONE = Ranking(_NO_ROWS, _NO_ROWS, np.zeros(0), np.zeros((0, 2), np.int64))


def plainly_ranked(batch: pa.RecordBatch) -> Ranking:
    """Return the records that offer one pair, and offer it by rank alone.

    They are dialogues that end with the user and have no traces. Their two replies have unequal
    texts and ranks, and no score, rating or model; nobody is said to have ranked them.
    """
    if "candidates" not in batch.schema.names:
        return NONE
    row = np.flatnonzero(pc.list_value_length(batch["candidates"]).to_numpy(False) == 2)
    if len(row) == 0:
        return NONE
    if len(row) < batch.num_rows:
        batch = batch.take(pa.array(row))
    replies = batch["candidates"].flatten()
    ranks = pc.struct_field(replies, "rank")
    gap = np.diff(ranks.fill_null(0).to_numpy(False).astype(np.int64).reshape(-1, 2))[:, 0]
    texts = pc.struct_field(replies, "text")
    one, other = (texts.take(pa.array(np.arange(k, len(texts), 2))) for k in (0, 1))
    told = _valid(ranks)
    for name in ("score", "ratings", "model", "reasoning_content"):
        told &= ~_valid(pc.struct_field(replies, name))
    plain = told.reshape(-1, 2).all(axis=1) & (gap != 0) & _ends_with_the_user(batch["messages"])
    plain &= ~_valid(pc.map_lookup(batch["metadata"], "ranked_by", "last"))
    plain &= pc.not_equal(one, other).fill_null(False).to_numpy(False)
    better = (gap < 0).astype(np.int64)
    chars = pc.utf8_length(texts).to_numpy(False).astype(np.int64).reshape(-1, 2)
    chars = np.take_along_axis(chars, np.stack([better, 1 - better], axis=1), axis=1)
    return Ranking(row, better, np.abs(gap).astype(np.float64), chars).where(plain)


def _valid(column: pa.Array) -> np.ndarray:
    valid: np.ndarray = column.is_valid().to_numpy(False)
    return valid


def _ends_with_the_user(dialogues: pa.ListArray) -> np.ndarray:
    """Return bool[n]: whether the last message is the user's and none has a trace."""
    counts = pc.list_value_length(dialogues).to_numpy(False).astype(np.int64)
    messages = dialogues.flatten()
    plain = np.zeros(len(counts), bool)
    some = counts > 0
    roles = pc.struct_field(messages, "role").take(pa.array((np.cumsum(counts) - 1)[some]))
    plain[some] = pc.equal(roles, "user").fill_null(False).to_numpy(False)
    traced = _valid(pc.struct_field(messages, "reasoning_content"))
    plain[np.repeat(np.arange(len(counts)), counts)[traced]] = False
    return plain

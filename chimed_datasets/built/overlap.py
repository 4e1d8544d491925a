"""How many rows of the test split stand, to the greatest part, inside one training row.

Near-duplicates are in one split; a section that a longer text quotes whole is no near-duplicate of
it, and may be in another. This looks at the texts themselves.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..stages.text import inside
from .dataset import Built, open_built

SAMPLE = 2_000
"""So many test rows of a config are looked at, drawn by a hash of their ids."""
_LEAST = 20
"""A shorter row, in characters, is not looked at: any long text may hold it."""
_FEWEST = 20
_ROWS = 4096
_TEXTS = {"pretrain": "text", "sft": "messages"}


class Overlap(NamedTuple):
    """config: whose rows. looked_at: test rows. inside: those that a training row mostly holds."""

    config: str
    looked_at: int
    inside: int

    @property
    def tells(self) -> bool:
        """Whether there is something to tell: a row that is inside, or enough rows to say none."""
        return self.inside > 0 or self.looked_at >= _FEWEST

    def told(self) -> str:
        """Return a line that tells of it."""
        share = self.inside / self.looked_at
        return (
            f"{self.config}: {self.inside:,} of {self.looked_at:,} test rows that were looked at "
            f"({share:.1%}) stand mostly inside one training row"
        )


def measure(folder: str | Path) -> list[Overlap]:
    """Return what is found for each config that has rows to train and to test on.

    Raises :class:`InvalidDataset` where there is no dataset.
    """
    built = open_built(folder)
    found = []
    for config, column in _TEXTS.items():
        held = _sample(built, config, column)
        train = _texts(built, config, "train", column)
        if len(held):
            shares = inside.shares(held, (texts for _, texts in train))
            found.append(Overlap(config, len(held), int((shares >= inside.MOSTLY).sum())))
    return found


def _sample(built: Built, config: str, column: str) -> pa.StringArray:
    drawn: list[tuple[int, str, str]] = []
    for ids, texts in _texts(built, config, "test", column):
        long = pc.greater_equal(pc.utf8_length(texts), _LEAST)
        for name, text in zip(
            ids.filter(long).to_pylist(), texts.filter(long).to_pylist(), strict=True
        ):
            drawn.append((zlib.crc32(name.encode()), name, text))
        drawn = sorted(drawn)[:SAMPLE]
    return pa.array([text for _, _, text in drawn], pa.string())


def _texts(
    built: Built, config: str, split: str, column: str
) -> Iterator[tuple[pa.StringArray, pa.StringArray]]:
    """Yield ids and texts of the rows of a split, some at a time."""
    for name, part, entry in built.files():
        if (name, part) == (config, split):
            file = pq.ParquetFile(built.folder / entry["file"])
            for batch in file.iter_batches(_ROWS, columns=["id", column]):
                values = batch.column(column)
                yield batch.column("id"), _said(values) if column == "messages" else values


def _said(messages: pa.ListArray) -> pa.StringArray:
    """Return what is said in each row, system messages aside."""
    turns = messages.flatten()
    content = pc.if_else(
        pc.equal(pc.struct_field(turns, "role"), "system"), None, pc.struct_field(turns, "content")
    )
    lists = pa.ListArray.from_arrays(
        pc.subtract(messages.offsets, messages.offsets[0]), pc.fill_null(content, "")
    )
    return pc.binary_join(lists, "\n")

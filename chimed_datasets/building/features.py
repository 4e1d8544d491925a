"""What is kept of each record to decide over all: a row of fixed size, beside its text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.lib.recfunctions import repack_fields

from ..records import Batch
from ..stages.deduplicate import Features
from ..stages.near.jaccard import SKETCH_WORDS
from .store import Segment

LANES = {"document": 0, "thread": 1, "dialogue": 1, "exam": 3}
"""Records of different lanes feed different configs and are not dropped for one another."""
CANDIDATES_LANE = 2


def feature_path(segment: Path) -> Path:
    """Return where a segment's features lie: one fixed-size row for each record."""
    return segment.with_suffix(".features")


def sample_path(segment: Path) -> Path:
    """Return where the sampled n-grams of a segment's records lie end to end: uint32. The column
    ``sampled`` of the feature rows counts those of each record."""
    return segment.with_suffix(".grams")


def passages_path(segment: Path) -> Path:
    """Return where the lines of a segment's documents lie that may be cut:
    :data:`~.stages.passages.HASHES`, their rows counted over the whole segment."""
    return segment.with_suffix(".passages")


def feature_type(bands: int) -> np.dtype:
    """Return the dtype of a feature row; see :meth:`Deduplicate.features`."""
    return np.dtype(
        [
            ("exact", np.uint64, 2),
            ("bands", np.uint64, bands),
            ("sketch", np.uint64, SKETCH_WORDS),
            ("windows", np.int64),
            ("prompt", np.uint64),
            ("chars", np.int64),
            ("sampled", np.int32),
            ("bytes", np.int64),
            ("id", np.uint64),
            ("lane", np.int8),
        ]
    )


def numbers_of(ids: pa.StringArray) -> np.ndarray:
    """Return uint64[n]: the last 64 bits of each record id."""
    if not len(ids):
        return np.zeros(0, np.uint64)
    bounds = np.frombuffer(ids.buffers()[1], np.int32, len(ids) + 1, ids.offset * 4)
    data = np.frombuffer(ids.buffers()[2], np.uint8)
    digits = data[bounds[1:, None] + np.arange(-16, 0)].tobytes().decode()
    return np.frombuffer(bytes.fromhex(digits), ">u8").astype(np.uint64)


def feature_rows(dtype: np.dtype, segments: Iterable[Segment]) -> np.ndarray:
    """Return the feature rows of all records, without their band keys and sketches: these are most
    of it, and no process needs them all."""
    apart = ("bands", "sketch", "windows")
    names = [name for name in dtype.names or () if name not in apart]
    # A view of some columns keeps all of them: each part is copied before the next is read.
    parts = [repack_fields(np.zeros(0, dtype)[names])]
    parts += [repack_fields(np.fromfile(feature_path(s.path), dtype)[names]) for s in segments]
    return np.concatenate(parts)


def without_search(features: np.ndarray) -> np.ndarray:
    """Return of :func:`feature_rows` what is asked for when duplicates are found: `id`, `chars`."""
    left: np.ndarray = repack_fields(features[["id", "chars"]])
    return left


def batch_features(
    features: Callable[[Batch], Features], dtype: np.dtype, batch: Batch
) -> tuple[np.ndarray, np.ndarray]:
    """Return the feature rows of a batch, of the ``dtype`` that :func:`feature_type` gives, and
    uint32, the sampled n-grams of its records end to end.

    ``features`` is :meth:`Deduplicate.features` of the settings in use.
    """
    found = features(batch)
    rows = np.zeros(batch.num_rows, dtype)
    for name, column in found._asdict().items():
        if name != "grams":
            rows[name] = column
    texts, row, _ = batch.leaves
    sizes = pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False)
    rows["bytes"] = np.bincount(row, sizes, batch.num_rows)
    rows["id"] = numbers_of(batch.table["id"])
    rows["lane"] = LANES[batch.kind]
    if batch.kind == "dialogue":
        rivals = pc.list_value_length(batch.table["candidates"]).to_numpy(zero_copy_only=False)
        rows["lane"][rivals > 0] = CANDIDATES_LANE
    return rows, found.grams

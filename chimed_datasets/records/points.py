"""The texts of an array as one buffer of code points (UTF-32), for all that looks at characters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class Codepoints(NamedTuple):
    """The texts of an array as one buffer of code points.

    points:  uint32[k], UTF-32 code points of all texts, end to end.
    offsets: int64[m + 1]; text i is ``points[offsets[i]:offsets[i + 1]]`` (empty for null).
    """

    points: np.ndarray
    offsets: np.ndarray


def spliced(text: Codepoints, rows: np.ndarray, new: Codepoints) -> Codepoints:
    """Return the texts with those at ``rows`` (ascending) replaced by ``new``."""
    points, offsets = text
    sizes = np.diff(offsets)
    sizes[rows] = np.diff(new.offsets)
    pieces, at = [], 0
    for start, end, first, last in zip(
        offsets[rows].tolist(),
        offsets[rows + 1].tolist(),
        new.offsets[:-1].tolist(),
        new.offsets[1:].tolist(),
        strict=True,
    ):
        pieces += [points[at:start], new.points[first:last]]
        at = end
    return Codepoints(np.concatenate([*pieces, points[at:]]), _ends(sizes))


def only(text: Codepoints, stay: np.ndarray) -> Codepoints:
    """Return the texts for which ``stay`` (bool) is true."""
    points, offsets = text
    # Where runs of texts that stay begin and end: each run is copied in one piece.
    edges = np.flatnonzero(np.diff(stay, prepend=False, append=False))
    bounds = offsets[edges].reshape(-1, 2).tolist()
    kept = [points[:0], *(points[start:end] for start, end in bounds)]
    return Codepoints(np.concatenate(kept), _ends(np.diff(offsets)[stay]))


def _ends(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def codepoints(texts: pa.StringArray) -> Codepoints:
    lengths = pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False)
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if offsets[-1] == 0:
        return Codepoints(np.zeros(0, np.uint32), offsets)
    ends = texts.buffers()[1]
    bounds = np.frombuffer(ends, np.int32, len(texts) + 1, texts.offset * 4)
    if texts.null_count:  # the bytes under a null need not be empty
        nulls = texts.is_null().to_numpy(zero_copy_only=False)
        if np.diff(bounds)[nulls].any():
            return codepoints(pc.fill_null(texts, ""))
    data = memoryview(texts.buffers()[2])[int(bounds[0]) : int(bounds[-1])]
    points = np.frombuffer(str(data, "utf-8").encode("utf-32-le"), np.uint32)
    return Codepoints(points, offsets)


def from_codepoints(text: Codepoints) -> pa.StringArray:
    """Return the strings that ``text`` holds: the inverse of :func:`codepoints`, without nulls."""
    points, offsets = text
    data = points.astype("<u4", copy=False).tobytes().decode("utf-32-le").encode()
    bounds = offsets.astype(np.int32)
    if len(data) > len(points):
        # UTF-8 takes one byte more from each of these code points on.
        more = (points >= 0x80).view(np.uint8) + (points >= 0x800) + (points >= 0x10000)
        bounds[1:] += np.cumsum(sums(more, offsets)).astype(np.int32)
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(bounds), pa.py_buffer(data))


def look_up(table: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return ``table[points]``, not to be written to, for points (uint32) that the table has.

    NumPy turns such an index into 64-bit integers first; Arrow takes it as it is, in a third of the
    time.
    """
    values = pa.array(table.view(np.uint8) if table.dtype == bool else table)
    taken = pc.take(values, pa.array(points), boundscheck=False)
    found: np.ndarray = taken.to_numpy(zero_copy_only=False)
    return found.view(bool) if table.dtype == bool else found


def sums(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return int64[m]: the sum of ``values[offsets[i]:offsets[i + 1]]`` for each text."""
    starts, ends = offsets[:-1], offsets[1:]
    total = np.zeros(len(starts), np.int64)
    full = np.flatnonzero(ends > starts)
    if len(full):  # between two full texts there are only empty ones
        total[full] = np.add.reduceat(values, starts[full], dtype=np.int64)
    return total

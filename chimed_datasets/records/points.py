"""The texts of an array as one buffer of code points (UTF-32), for all that looks at characters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..loops import compiled


class Codepoints(NamedTuple):
    """The texts of an array as one buffer of code points.

    points:  uint32[k], UTF-32 code points of all texts, end to end.
    offsets: int64[m + 1]; text i is ``points[offsets[i]:offsets[i + 1]]`` (empty for null).
    """

    points: np.ndarray
    offsets: np.ndarray


def spliced(
    text: Codepoints, rows: np.ndarray, new: Codepoints, stay: np.ndarray | None = None
) -> Codepoints:
    """Return the texts with those at ``rows`` (ascending) replaced by ``new``; of these, where it
    is given, those for which ``stay`` (bool) is true."""
    if loops := compiled():
        staying = np.ones(len(text.offsets) - 1, bool) if stay is None else stay
        return Codepoints(*loops.spliced(text, rows, new, staying))
    points, offsets = text
    if stay is not None and not stay.all():  # what goes has no characters left, then no place
        left, gone = stay[rows], np.flatnonzero(~stay)
        some = only(new, left)
        every = np.union1d(rows[left], gone)
        sizes = np.zeros(len(every), np.int64)
        sizes[np.searchsorted(every, rows[left])] = np.diff(some.offsets)
        made = spliced(text, every, Codepoints(some.points, _ends(sizes)))
        return Codepoints(made.points, _ends(np.diff(made.offsets)[stay]))
    sizes = np.diff(offsets)
    sizes[rows] = np.diff(new.offsets)
    pieces, at = [], int(offsets[0])
    for start, end, first, last in zip(
        offsets[rows].tolist(),
        offsets[rows + 1].tolist(),
        new.offsets[:-1].tolist(),
        new.offsets[1:].tolist(),
        strict=True,
    ):
        pieces += [points[at:start], new.points[first:last]]
        at = end
    return Codepoints(np.concatenate([*pieces, points[at : offsets[-1]]]), _ends(sizes))


def only(text: Codepoints, stay: np.ndarray) -> Codepoints:
    """Return the texts for which ``stay`` (bool) is true."""
    if loops := compiled():
        nothing = Codepoints(text.points[:0], np.zeros(1, np.int64))
        return Codepoints(*loops.spliced(text, np.zeros(0, np.int64), nothing, stay))
    points, offsets = text
    # Where runs of texts that stay begin and end: each run is copied in one piece.
    edges = np.flatnonzero(np.diff(stay, prepend=False, append=False))
    bounds = offsets[edges].reshape(-1, 2).tolist()
    kept = [points[:0], *(points[start:end] for start, end in bounds)]
    return Codepoints(np.concatenate(kept), _ends(np.diff(offsets)[stay]))


def put(
    texts: pa.StringArray, rows: np.ndarray, new: pa.StringArray, stay: np.ndarray | None = None
) -> pa.StringArray:
    """Return the strings with those at ``rows`` (ascending) replaced by ``new``; of these, where it
    is given, those for which ``stay`` (bool) is true. No null is at ``rows``, before or after.

    What lies between is copied in one piece: Arrow's own goes string by string.
    """
    valid = _valid(texts)
    if valid is not None and stay is not None:
        valid = valid[stay]
    return _strings(spliced(_bytes(texts), rows, _bytes(new), stay), valid)


def only_strings(texts: pa.StringArray, stay: np.ndarray) -> pa.StringArray:
    """Return the strings, and nulls, for which ``stay`` (bool) is true."""
    valid = _valid(texts)
    return _strings(only(_bytes(texts), stay), None if valid is None else valid[stay])


def _bytes(texts: pa.StringArray) -> Codepoints:
    """Return the bytes (uint8) of strings, and where each begins."""
    _, ends, whole = texts.buffers()
    if ends is None or not len(texts):
        return Codepoints(np.zeros(0, np.uint8), np.zeros(len(texts) + 1, np.int64))
    bounds = np.frombuffer(ends, np.int32, len(texts) + 1, texts.offset * 4)
    data = np.frombuffer(whole, np.uint8) if whole else np.zeros(0, np.uint8)
    return Codepoints(data, bounds.astype(np.int64))


def _valid(texts: pa.StringArray) -> np.ndarray | None:
    if not texts.null_count:
        return None
    valid: np.ndarray = texts.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _strings(text: Codepoints, valid: np.ndarray | None) -> pa.StringArray:
    """Return strings of the bytes ``text``; null where ``valid`` (bool) is not true."""
    data, offsets = text
    if offsets[-1] > np.iinfo(np.int32).max:
        raise pa.ArrowCapacityError("strings of more than 2 GiB in a batch")
    whole = pa.py_buffer(data)
    bounds = pa.py_buffer(offsets.astype(np.int32))
    bits = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.StringArray.from_buffers(len(offsets) - 1, bounds, whole, bits)


def joined(text: Codepoints, pieces: np.ndarray, cuts: np.ndarray) -> Codepoints:
    """Return texts made of others, each on a line of its own: text i of those with the numbers
    ``pieces[cuts[i]:cuts[i + 1]]`` (int64)."""
    if loops := compiled():
        return Codepoints(*loops.joined(*text, pieces, cuts, ord("\n")))
    sizes = np.diff(text.offsets)[pieces]
    first = np.zeros(len(pieces), bool)
    first[cuts[:-1][np.diff(cuts) > 0]] = True
    # Before each piece but the first of a text there is a line end.
    begins = np.cumsum(sizes + ~first) - sizes
    total = int(begins[-1] + sizes[-1]) if len(pieces) else 0
    points = np.full(total, ord("\n"), np.uint32)
    # Where a character comes from, less where it goes to, is the same over a piece.
    shift = np.repeat(text.offsets[pieces] - begins, sizes)
    to = np.arange(len(shift)) + np.repeat(begins - (np.cumsum(sizes) - sizes), sizes)
    points[to] = text.points[to + shift]
    ends = np.append(0, begins + sizes)
    return Codepoints(points, ends[cuts])


def gathered(
    files: Sequence[np.ndarray],
    source: np.ndarray,
    pieces: tuple[np.ndarray, np.ndarray, np.ndarray],
    order: np.ndarray,
) -> pa.StringArray:
    """Return texts that lie in ``files`` (uint8), text i in file ``source[i]``, each at the place
    that ``order`` has for it; a line end between two pieces of a text.

    pieces: int64[texts + 1], int64 and int64: where the pieces of each text begin among all, where
            each piece begins in its file, and how many bytes it has.
    """
    cuts, begins, sizes = pieces
    if loops := compiled():
        ends = np.zeros(len(order) + 1, np.int64)
        ends[order + 1] = sums(sizes, cuts) + np.maximum(np.diff(cuts) - 1, 0)
        ends = np.cumsum(ends)
        data = loops.gathered(files, source, pieces, ends[order], int(ends[-1]))
        bounds = pa.py_buffer(ends.astype(np.int32))
        return pa.StringArray.from_buffers(len(order), bounds, pa.py_buffer(data))
    views = [file.data for file in files]
    spans = list(zip(begins.tolist(), (begins + sizes).tolist(), strict=True))
    texts = [
        b"\n".join([views[file][a:b] for a, b in spans[low:high]])
        for file, (low, high) in zip(source.tolist(), pairwise(cuts.tolist()), strict=True)
    ]
    return strings_of(texts, order)


def strings_of(texts: list[bytes], order: np.ndarray) -> pa.StringArray:
    """Return texts in UTF-8 as strings, each at the place that ``order`` has for it."""
    found = [b""] * len(texts)
    for at, text in zip(order.tolist(), texts, strict=True):
        found[at] = text
    ends = np.zeros(len(found) + 1, np.int32)
    np.cumsum([len(text) for text in found], out=ends[1:])
    whole = pa.py_buffer(b"".join(found))
    return pa.StringArray.from_buffers(len(found), pa.py_buffer(ends), whole)


def _ends(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def codepoints(texts: pa.StringArray) -> Codepoints:
    """Return the code points of ``texts``."""
    if loops := compiled():
        stored = utf8(texts)
        if stored and (found := loops.decoded(*stored)):
            return Codepoints(*found)
    lengths = pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False)
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if offsets[-1] == 0:
        return Codepoints(np.zeros(0, np.uint32), offsets)
    bounds = _bounds(texts)
    if bounds is None:
        return codepoints(pc.fill_null(texts, ""))
    inside = memoryview(texts.buffers()[2])[int(bounds[0]) : int(bounds[-1])]
    points = np.frombuffer(str(inside, "utf-8").encode("utf-32-le"), np.uint32)
    return Codepoints(points, offsets)


def utf8(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the texts as they are stored: uint8, and int32[m + 1], where each begins there and the
    last ends. None where a null has bytes under it."""
    bounds = _bounds(texts)
    whole = texts.buffers()[2]
    data = np.frombuffer(whole, np.uint8) if whole else np.zeros(0, np.uint8)
    return None if bounds is None else (data, bounds)


def _bounds(texts: pa.StringArray) -> np.ndarray | None:
    """Return int32[m + 1], where each text begins in the bytes of ``texts``; None where a null has
    bytes under it."""
    ends = texts.buffers()[1]
    if ends is None or not len(texts):
        return np.zeros(len(texts) + 1, np.int32)
    bounds: np.ndarray = np.frombuffer(ends, np.int32, len(texts) + 1, texts.offset * 4)
    if texts.null_count:
        nulls = texts.is_null().to_numpy(zero_copy_only=False)
        if np.diff(bounds)[nulls].any():
            return None
    return bounds


def from_codepoints(text: Codepoints) -> pa.StringArray:
    """Return the strings that ``text`` holds: the inverse of :func:`codepoints`, without nulls."""
    points, offsets = text
    if (loops := compiled()) and (made := loops.encoded(points, offsets)):
        whole, ends = (pa.py_buffer(one) for one in made)
        return pa.StringArray.from_buffers(len(offsets) - 1, ends, whole)
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


def places_of(points: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return int64, where ``table`` (uint8 or bool, for all points) is not 0, ascending, and uint8,
    what it is there."""
    if loops := compiled():
        return loops.places(points, table)
    classes = look_up(table, points).view(np.uint8)
    at = np.flatnonzero(classes)
    return at, classes[at]


def counts_of(text: Codepoints, table: np.ndarray) -> np.ndarray:
    """Return int64[m, 8]: how many characters of each text are of each class, 0 to 7, of ``table``
    (uint8). Most are best of class 0."""
    if loops := compiled():
        return loops.counted(*text, table)
    at, classes = places_of(text.points, table)
    counts = np.zeros((len(text.offsets) - 1, 8), np.int64)
    for number in range(1, 8):
        # Where a text ends among the positions of a class, less where it begins.
        counts[:, number] = np.diff(np.searchsorted(at[classes == number], text.offsets))
    counts[:, 0] = np.diff(text.offsets) - counts.sum(axis=1)
    return counts


def sums(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return int64[m]: the sum of ``values[offsets[i]:offsets[i + 1]]`` for each text."""
    starts, ends = offsets[:-1], offsets[1:]
    total = np.zeros(len(starts), np.int64)
    full = np.flatnonzero(ends > starts)
    if len(full):  # between two full texts there are only empty ones
        total[full] = np.add.reduceat(values, starts[full], dtype=np.int64)
    return total

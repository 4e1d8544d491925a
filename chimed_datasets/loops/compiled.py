"""The compiled loops as functions over NumPy arrays. What each returns is what its twin in NumPy
does; ``loops.c`` names it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import library

_NUMBER, _BUFFER = ctypes.c_int64, ctypes.c_void_p
WIDEST = 1024
"""The longest n-gram that the loops take."""

# What each function takes: b a buffer, n a number of 64 bits, w one of 32 bits.
_TAKES = {
    "folded": "bnbnbnbb",
    "left": "bnbnbnbb",
    "hashes32": "bnnb",
    "hashes64": "bnnb",
    "grams": "bnbnnbb",
    "bands": "bnbnbnnb",
    "sketches": "bnbnnb",
    "sampled": "bnbnwnwbb",
}
_TYPES = {"b": _BUFFER, "n": _NUMBER, "w": ctypes.c_uint32}

Pair = tuple[np.ndarray, np.ndarray]


class Loops:
    """The functions of one library. Texts are uint32 ``points`` and int64 ``offsets``, as in
    :class:`~chimed_datasets.records.Codepoints`. Raises ``ValueError`` where offsets do not ascend
    or lie outside of the points, before anything is read."""

    def __init__(self, made: ctypes.CDLL) -> None:
        self._functions = {}
        for name, takes in _TAKES.items():
            function = getattr(made, f"loops_{name}")
            function.argtypes = [_TYPES[kind] for kind in takes]
            function.restype = _NUMBER
            self._functions[name] = function

    def _call(self, name: str, *given: Any) -> int:
        taken = [one.ctypes.data if isinstance(one, np.ndarray) else one for one in given]
        done: int = self._functions[name](*taken)
        if done < 0:
            raise ValueError(f"{name}: offsets that do not fit the texts")
        return done

    def folded(self, points: np.ndarray, offsets: np.ndarray, table: np.ndarray) -> Pair:
        """Return uint32 and int64: ``table`` (uint32) at each of the points, without zeros."""
        points, offsets, table = _points(points), _offsets(offsets), _points(table)
        out, ends = np.empty(len(points), np.uint32), np.empty(len(offsets), np.int64)
        where = points, len(points), offsets, len(offsets) - 1
        count = self._call("folded", *where, table, len(table), out, ends)
        return out[:count], ends

    def left(self, points: np.ndarray, offsets: np.ndarray, table: np.ndarray) -> Pair:
        """Return uint32 and int64: the points for which ``table`` (bool) is true."""
        points, offsets, table = _points(points), _offsets(offsets), _bytes(table)
        out, ends = np.empty(len(points), np.uint32), np.empty(len(offsets), np.int64)
        where = points, len(points), offsets, len(offsets) - 1
        count = self._call("left", *where, table, len(table), out, ends)
        return out[:count], ends

    def hashes(self, points: np.ndarray, n: int, dtype: type) -> np.ndarray:
        """Return dtype (uint32 or uint64): the hashes of all windows of ``n``."""
        points = _points(points)
        out: np.ndarray = np.empty(max(len(points) - n + 1, 0), dtype)
        name = "hashes64" if out.itemsize == 8 else "hashes32"
        self._call(name, points, len(points), n, out)
        return out

    def grams(self, points: np.ndarray, offsets: np.ndarray, n: int) -> Pair:
        """Return uint32 and int64: the hashes of the n-grams of each text, and where they begin."""
        points, offsets = _points(points), _offsets(offsets)
        out, ends = np.empty(len(points), np.uint32), np.empty(len(offsets), np.int64)
        where = points, len(points), offsets, len(offsets) - 1
        return out[: self._call("grams", *where, n, out, ends)], ends

    def bands(
        self, hashes: np.ndarray, offsets: np.ndarray, factors: np.ndarray, bands: int, rows: int
    ) -> np.ndarray:
        """Return uint64[texts, bands]: the keys of MinHash under ``factors``
        (uint32[bands * rows])."""
        hashes, offsets, factors = _points(hashes), _offsets(offsets), _points(factors)
        if len(factors) != bands * rows:
            raise ValueError("bands: a factor for each row of each band")
        out = np.empty((len(offsets) - 1, bands), np.uint64)
        where = hashes, len(hashes), offsets, len(offsets) - 1
        self._call("bands", *where, factors, bands, rows, out)
        return out

    def sketches(self, hashes: np.ndarray, offsets: np.ndarray, most: int) -> np.ndarray:
        """Return uint64[texts, 16]: the flags of each text of up to ``most`` n-grams."""
        hashes, offsets = _points(hashes), _offsets(offsets)
        out = np.empty((len(offsets) - 1, 16), np.uint64)
        where = hashes, len(hashes), offsets, len(offsets) - 1
        self._call("sketches", *where, most, out)
        return out

    def sampled(
        self, hashes: np.ndarray, offsets: np.ndarray, below: int, apart: int, odd: int
    ) -> Pair:
        """Return uint32 and int64[texts]: the sampled n-grams, and how many each text has."""
        hashes, offsets = _points(hashes), _offsets(offsets)
        out, counts = np.empty(len(hashes), np.uint32), np.empty(len(offsets) - 1, np.int64)
        where = hashes, len(hashes), offsets, len(offsets) - 1
        return out[: self._call("sampled", *where, below, apart, odd, out, counts)].copy(), counts


def _points(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.uint32)


def _offsets(values: np.ndarray) -> np.ndarray:
    if not len(values):
        raise ValueError("offsets: one more than texts")
    return np.ascontiguousarray(values, np.int64)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values).view(np.uint8)


_forced: list[bool] = []
_made: list[Loops] = []


def compiled() -> Loops | None:
    """Return the compiled loops; None where NumPy has to do."""
    if _forced and not _forced[-1]:
        return None
    if not _made:
        made = library.found().library
        if made is None:
            return None
        _made.append(Loops(made))
    return _made[0]


@contextmanager
def switched(on: bool) -> Iterator[None]:
    """Use the compiled loops within the block, where there are any, or not."""
    _forced.append(on)
    try:
        yield
    finally:
        _forced.pop()

"""The compiled loops as functions over NumPy arrays. What each returns is what its twin in NumPy
does; ``loops.c`` names it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import library

_NUMBER, _BUFFER = ctypes.c_int64, ctypes.c_void_p
WIDEST = 1024
"""The longest n-gram that the loops take."""
ABSENT, NULL, TEXT, WHOLE, OTHER, NESTED = range(6)
KIND = 7
"""What :meth:`Loops.rows` tells of a value, in these low bits. WHOLE: of 0 or more, below 10**18;
OTHER: another number, true or false."""
EDGE, SIGN, BREAK = 1, 2, 4
"""What :meth:`Loops.texts` tells of a text."""

# What each function takes: b a buffer, n a number of 64 bits, w one of 32 bits.
_TAKES = {
    "folded": "bnbnbnbb",
    "left": "bnbnbnbb",
    "joined": "bnbnbnbnwbnb",
    "spliced": "bnbnbnbnbbnbnb",
    "hashes32": "bnnb",
    "hashes64": "bnnb",
    "grams": "bnbnnbb",
    "bands": "bnbnbnnb",
    "sketches": "bnbnnb",
    "sampled": "bnbnwnwbb",
    "decoded": "bnbnbb",
    "chinese": "bnbnb",
    "bytes": "bn",
    "encoded": "bnbnbnb",
    "places": "bnbnbb",
    "counted": "bnbnbnb",
    "runs": "bnbnnb",
    "repeats": "bnbnnbnbnbb",
    "lines": "bnbnwnbnbb",
    "gates": "bnbnbnbnbbnb",
    "scored": "bnbnbbwbnnbnbbb",
    "different": "bnbnbnnbnb",
    "near": "bnbnbnnnb",
    "probed": "bnnbbnbbb",
    "signs": "bnbnbbnbbbbn",
    "seen": "bnbnbbnbbbnbbbbb",
    "shared": "bnbnbbnnnbnb",
    "lacking": "bnbbnb",
    "gathered": "bbnbbnbbnbbn",
    "met": "bnbnnbnbnbnbbnbbnnbbnbbbbbbn",
    "rows": "bnbbnnbbbbn",
    "texts": "bnbbnnbnbbb",
    "beside": "bnbbbnb",
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
        if (done := self._try(name, *given)) < 0:
            raise ValueError(f"{name}: offsets that do not fit the texts")
        return done

    def _try(self, name: str, *given: Any) -> int:
        taken = [one.ctypes.data if isinstance(one, np.ndarray) else one for one in given]
        done: int = self._functions[name](*taken)
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

    def joined(
        self,
        points: np.ndarray,
        offsets: np.ndarray,
        pieces: np.ndarray,
        cuts: np.ndarray,
        between: int,
    ) -> Pair:
        """Return uint32 and int64: texts made of those with the numbers
        ``pieces[cuts[i]:cuts[i + 1]]``, the point ``between`` between two."""
        points, offsets = _points(points), _offsets(offsets)
        pieces, cuts = np.ascontiguousarray(pieces, np.int64), _offsets(cuts)
        if len(pieces) and not (pieces.min() >= 0 and pieces.max() < len(offsets) - 1):
            raise ValueError("joined: texts that there are not; their offsets")
        room = int(np.clip(np.diff(offsets), 0, len(points))[pieces].sum()) + len(pieces)
        out, ends = np.empty(room, np.uint32), np.empty(len(cuts), np.int64)
        where = points, len(points), offsets, len(offsets) - 1
        made = pieces, len(pieces), cuts, len(cuts) - 1, between, out, len(out), ends
        return out[: self._call("joined", *where, *made)], ends

    def spliced(self, text: Pair, rows: np.ndarray, new: Pair, stay: np.ndarray) -> Pair:
        """Return units as those of ``text`` (uint32 or uint8) and int64: the texts with those at
        ``rows`` replaced by ``new``, where ``stay`` (bool) is true."""
        kind = text[0].dtype
        (points, offsets), (others, bounds) = (
            (np.ascontiguousarray(units, kind), _offsets(ends)) for units, ends in (text, new)
        )
        rows, stay = np.ascontiguousarray(rows, np.int64), _bytes(stay)
        if len(stay) != len(offsets) - 1 or len(rows) != len(bounds) - 1:
            raise ValueError("spliced: as many as there are texts; their offsets")
        room = len(points) + len(others)
        out, ends = np.empty(room, kind), np.empty(int(np.count_nonzero(stay)) + 1, np.int64)
        where = points, len(points), offsets, len(offsets) - 1
        by = rows, len(rows), others, len(others), bounds
        count = self._call("spliced", *where, *by, stay, kind.itemsize, out, room, ends)
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

    def decoded(self, data: np.ndarray, bounds: np.ndarray) -> Pair | None:
        """Return uint32 and int64: the points of texts in UTF-8, and where they begin. None where
        one is no UTF-8.

        data: uint8; text i is ``data[bounds[i]:bounds[i + 1]]``, by int32.
        """
        data, bounds = _bytes(data), np.ascontiguousarray(bounds, np.int32)
        # A page of it that is not written to takes no memory.
        out = np.empty(max(int(bounds[-1]) - int(bounds[0]), 0), np.uint32)
        ends = np.empty(len(bounds), np.int64)
        count = self._try("decoded", data, len(data), bounds, len(bounds) - 1, out, ends)
        return None if count < 0 else (out[:count], ends)

    def chinese(self, data: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, int]:
        """Return int64[texts], the characters of texts in UTF-8, and how many Chinese ones there
        are in all. data, bounds: see :meth:`decoded`."""
        data, bounds = _bytes(data), np.ascontiguousarray(bounds, np.int32)
        chars = np.empty(len(bounds) - 1, np.int64)
        return chars, self._call("chinese", data, len(data), bounds, len(bounds) - 1, chars)

    def encoded(self, points: np.ndarray, offsets: np.ndarray) -> Pair | None:
        """Return uint8 and int32: the texts in UTF-8, and where each begins. None where that cannot
        be: points of no text, or that are no characters, or more than 2 GiB."""
        points, offsets = _points(points), _offsets(offsets)
        room = max(self._try("bytes", points, len(points)), 0)
        out, bounds = np.empty(room, np.uint8), np.empty(len(offsets), np.int32)
        where = points, len(points), offsets, len(offsets) - 1
        return None if self._try("encoded", *where, out, room, bounds) < 0 else (out, bounds)

    def places(self, points: np.ndarray, table: np.ndarray) -> Pair:
        """Return int64 and uint8: where ``table`` (uint8 or bool) is not 0, and its value."""
        points, table = _points(points), _bytes(table)
        out, classes = np.empty(len(points), np.int64), np.empty(len(points), np.uint8)
        count = self._call("places", points, len(points), table, len(table), out, classes)
        return out[:count], classes[:count]

    def counted(self, points: np.ndarray, offsets: np.ndarray, table: np.ndarray) -> np.ndarray:
        """Return int64[texts, 8]: how many points of each text are of each class of ``table``."""
        points, offsets, table = _points(points), _offsets(offsets), _bytes(table)
        out = np.empty((len(offsets) - 1, 8), np.int64)
        where = points, len(points), offsets, len(offsets) - 1
        self._call("counted", *where, table, len(table), out)
        return out

    def runs(self, points: np.ndarray, offsets: np.ndarray, length: int) -> np.ndarray:
        """Return bool[texts]: in which one character begins ``length`` times in a row?"""
        points, offsets = _points(points), _offsets(offsets)
        out = np.empty(len(offsets) - 1, np.uint8)
        self._call("runs", points, len(points), offsets, len(offsets) - 1, length, out)
        return out.view(bool)

    def repeats(self, points: np.ndarray, offsets: np.ndarray, least: int) -> Pair:
        """Return int64[texts] twice: how many 8-grams are sampled of each text of ``least``
        characters or more, and how many of these stood before."""
        points, offsets = _points(points), _offsets(offsets)
        longest = min(int(np.diff(offsets).max(initial=0)), len(points))
        scratch, table = np.empty(longest + 14, np.uint32), np.empty(_slots(longest), np.uint32)
        samples, again = np.empty((2, len(offsets) - 1), np.int64)
        where = points, len(points), offsets, len(offsets) - 1, least
        self._call("repeats", *where, scratch, len(scratch), table, len(table), samples, again)
        return samples, again

    def lines(
        self, points: np.ndarray, offsets: np.ndarray, end: int, least: int, most: int
    ) -> Pair:
        """Return int64[texts] twice: how many characters lines of each text of ``least`` lines or
        more have, and how many those that did not stand before.

        most: no text has more lines.
        """
        points, offsets = _points(points), _offsets(offsets)
        table = np.empty(2 * _slots(most), np.int64)
        written, fresh = np.empty((2, len(offsets) - 1), np.int64)
        where = points, len(points), offsets, len(offsets) - 1
        self._call("lines", *where, end, least, table, len(table), written, fresh)
        return written, fresh

    def gates(
        self,
        points: np.ndarray,
        offsets: np.ndarray,
        which: np.ndarray,
        table: np.ndarray,
        single: np.ndarray,
        pairs: np.ndarray,
    ) -> np.ndarray:
        """Return int64: of each text of the numbers ``which`` (int64) the sum of ``single``
        (int16[65536]) over the low bits of the points, as ``table`` (uint32) has them, and of
        ``pairs`` (int16[a power of two]) over the hashes of neighbours."""
        points, offsets, table = _points(points), _offsets(offsets), _points(table)
        which = np.ascontiguousarray(which, np.int64)
        single, pairs = (np.ascontiguousarray(one, np.int16) for one in (single, pairs))
        bits = len(pairs).bit_length() - 1
        if len(single) != 1 << 16 or len(pairs) != 1 << bits:
            raise ValueError("gates: tables of another size")
        out = np.empty(len(which), np.int64)
        where = points, len(points), offsets, len(offsets) - 1, which, len(which)
        self._call("gates", *where, table, len(table), single, pairs, bits, out)
        return out

    def scored(
        self,
        points: np.ndarray,
        offsets: np.ndarray,
        begin: np.ndarray,
        salts: np.ndarray,
        end: int,
        weights: np.ndarray,
    ) -> Pair:
        """Return int64[texts], how many n-grams of 1 to 4 points each text has, and
        int64[texts, heads], what they weigh by ``weights`` (int8[heads, a power of two]).

        begin, salts: uint32[texts]; ``end``: what stands behind each text.
        """
        points, offsets = _points(points), _offsets(offsets)
        begin, salts = _points(begin), _points(salts)
        weights = np.ascontiguousarray(weights, np.int8)
        many, bits = len(offsets) - 1, weights.shape[1].bit_length() - 1
        if weights.shape[1] != 1 << bits or not len(begin) == len(salts) == many:
            raise ValueError("scored: tables of another size")
        longest = min(int(np.diff(offsets).max(initial=0)), len(points))
        scratch, seen = np.empty(longest + 2, np.uint32), np.zeros(1 << bits, np.uint32)
        counts, out = np.empty(many, np.int64), np.empty((many, len(weights)), np.int64)
        where = points, len(points), offsets, many, begin, salts, end
        made = weights, len(weights), bits, scratch, len(scratch), seen, counts, out
        self._call("scored", *where, *made)
        return counts, out

    def different(
        self, points: np.ndarray, offsets: np.ndarray, which: np.ndarray, n: int
    ) -> np.ndarray:
        """Return int64: how many windows of ``n`` with different hashes (uint64) the texts of the
        numbers ``which`` (int64) have."""
        points, offsets = _points(points), _offsets(offsets)
        which = np.ascontiguousarray(which, np.int64)
        many = len(offsets) - 1
        if len(which) and not (which.min() >= 0 and which.max() < many):
            raise ValueError("different: texts that there are not; their offsets")
        longest = min(int(np.diff(offsets)[which].max(initial=0)), len(points))
        table, out = np.empty(_slots(longest), np.uint64), np.empty(len(which), np.int64)
        where = points, len(points), offsets, many, which, len(which), n
        self._call("different", *where, table, len(table), out)
        return out

    def signs(
        self, points: np.ndarray, offsets: np.ndarray, hits: np.ndarray, classes: np.ndarray
    ) -> list[np.ndarray]:
        """Return 18 arrays of int64, what stands near one another among the signs at ``hits``
        (int64, ascending), by its number in ``loops.c``.

        classes: uint8, the class of each of ``hits``.
        """
        points, offsets = _points(points), _offsets(offsets)
        hits, classes = np.ascontiguousarray(hits, np.int64), _bytes(classes)
        if len(hits) != len(classes):
            raise ValueError("signs: a class for each of them")
        count = len(hits)
        at, sign = np.empty(count, np.int64), np.empty(count, np.int32)
        out, kinds = np.empty(8 * count, np.int64), np.empty(8 * count, np.uint8)
        where = points, len(points), offsets, len(offsets) - 1, hits, classes, count
        told = self._call("signs", *where, at, sign, out, kinds, len(out))
        out, kinds = out[:told], kinds[:told]
        return [out[kinds == kind] for kind in range(18)]

    def near(
        self, points: np.ndarray, places: np.ndarray, table: np.ndarray, start: int, end: int
    ) -> np.ndarray:
        """Return bool: does a point for which ``table`` (bool) is true stand from ``start`` to
        before ``end`` behind each of the places (int64)?"""
        points, table = _points(points), _bytes(table)
        places = np.ascontiguousarray(places, np.int64)
        if not len(points) or abs(start) > WIDEST or abs(end) > WIDEST:
            raise ValueError("near: no points, or too far from them; their offsets")
        out = np.empty(len(places), np.uint8)
        where = points, len(points), places, len(places), table, len(table), start, end
        self._call("near", *where, out)
        return out.view(bool)

    def seen(
        self,
        points: np.ndarray,
        offsets: np.ndarray,
        hits: np.ndarray,
        classes: np.ndarray,
        slots: np.ndarray,
        codes: np.ndarray,
        bits: np.ndarray,
        limits: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return uint8[texts] twice, uint16[texts] and int64[texts]: whether the characters of each
        text are amiss, what it is searched for, its cues, its question marks; see ``loops.c``.

        hits: int64, ascending, and classes: uint8, signs and their classes. slots: bool[65536],
        codes: uint64, ascending, bits: uint16, limits: int64[7], what the cues are.
        """
        points, offsets = _points(points), _offsets(offsets)
        hits, classes = np.ascontiguousarray(hits, np.int64), _bytes(classes)
        codes, bits = np.ascontiguousarray(codes, np.uint64), np.ascontiguousarray(bits, np.uint16)
        limits = np.ascontiguousarray(limits, np.int64)
        sizes = len(hits) - len(classes), len(slots) - (1 << 16), len(codes) - len(bits)
        if any(sizes) or len(limits) != 7:
            raise ValueError("seen: tables of another size")
        count = len(offsets) - 1
        state, todo = np.empty((2, count), np.uint8)
        cues, marks = np.empty(count, np.uint16), np.empty(count, np.int64)
        where = points, len(points), offsets, count, hits, classes, len(hits)
        tables = _bytes(slots), codes, bits, len(codes), limits
        self._call("seen", *where, *tables, state, todo, cues, marks)
        return state, todo, cues, marks

    def probed(
        self, points: np.ndarray, n: int, sieve: np.ndarray, known: np.ndarray, first: np.ndarray
    ) -> Pair:
        """Return int64 twice: where windows of ``n`` begin whose hash is one of ``known``
        (uint32, ascending), and which of these.

        sieve: uint32[2^16], a bit by the 21 highest of a hash, the lowest of a word first.
        first: int32[2^16 + 1], where those of ``known`` begin, by the 16 highest.
        """
        points, known = _points(points), _points(known)
        if len(sieve) != 1 << 16 or len(first) != (1 << 16) + 1:
            raise ValueError("probed: tables of another size")
        out, slots = np.empty((2, max(len(points) - n + 1, 0)), np.int64)
        tables = _points(sieve), known, len(known), np.ascontiguousarray(first, np.int32)
        count = self._call("probed", points, len(points), n, *tables, out, slots)
        return out[:count], slots[:count]

    def shared(
        self, text: Pair, one: np.ndarray, other: np.ndarray, n: int, wide: bool = False
    ) -> np.ndarray:
        """Return int64[3, pairs]: how many different n-grams text ``one[i]`` has, how many text
        ``other[i]``, and how many both.

        wide: told apart by 40 bits of hashes of 64 bits, else by hashes of 32 bits.
        """
        points, offsets = _points(text[0]), _offsets(text[1])
        one, other = (_numbers(some, len(offsets) - 1) for some in (one, other))
        # As slots_for has it: a power of two, half as many more as there are n-grams or above.
        grams = np.clip(np.diff(offsets) - n + 1, 0, len(points))
        slots = np.left_shift(1, np.ceil(np.log2(np.maximum(grams + grams // 2, 4))).astype(int))
        table = np.empty(int((slots[one] + slots[other]).max(initial=0)), np.uint64)
        out = np.empty((len(one), 3), np.int64)
        where = points, len(points), offsets, len(offsets) - 1, one, other, len(one), n
        self._call("shared", *where, wide, table, len(table), out)
        return out.T

    def lacking(self, flags: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return int64[2, pairs]: how many of the ``flags`` (uint64[texts, 16]) of text ``one[i]``
        text ``other[i]`` has not, and the other way round."""
        flags = np.ascontiguousarray(flags, np.uint64)
        one, other = (_numbers(some, len(flags)) for some in (one, other))
        out = np.empty((len(one), 2), np.int64)
        self._call("lacking", flags, len(flags), one, other, len(one), out)
        return out.T

    def gathered(
        self,
        files: Sequence[np.ndarray],
        source: np.ndarray,
        pieces: tuple[np.ndarray, np.ndarray, np.ndarray],
        at: np.ndarray,
        room: int,
    ) -> np.ndarray:
        """Return uint8[room]: texts made of pieces of ``files`` (uint8, each in one piece of
        memory), a line end between two of one text.

        source: int64[texts], the file of each. at: int64[texts], where each goes.
        pieces: int64[texts + 1], int64 and int64: where the pieces of each text begin among all,
                where each piece begins in its file, and how many bytes it has.
        """
        places = np.array([file.ctypes.data for file in files], np.uint64)
        lengths = np.array([len(file) for file in files], np.int64)
        source, at = (np.ascontiguousarray(one, np.int64) for one in (source, at))
        cuts, (begins, sizes) = _offsets(pieces[0]), (_offsets(one, 0) for one in pieces[1:])
        if not (len(source) == len(at) == len(cuts) - 1 and len(begins) == len(sizes)):
            raise ValueError("gathered: as many of each; their offsets")
        out = np.empty(room, np.uint8)
        where = places, lengths, len(files), source, cuts, len(source), begins, sizes, len(sizes)
        self._call("gathered", *where, at, out, room)
        return out

    def met(
        self,
        table: Sequence[np.ndarray],
        sample: Pair,
        begin: int,
        least: np.ndarray,
        wanted: Pair,
        seen: int,
    ) -> np.ndarray:
        """Return int64[2, pairs]: texts, and others that may hold them; see ``containment.met``.

        table, sample, wanted: its :class:`Table`, :class:`Sampled` and :class:`Wanted`.
        least: int64, how many each of the table's texts must share.
        seen: thousandths of what a text has of which it must share as many.
        """
        sieve, first, known, starts, owners, texts = table[:6]
        keys, ends = _points(sample[0]), np.concatenate([[0], np.cumsum(sample[1])])
        kept, label = _bytes(wanted[0]), np.ascontiguousarray(wanted[1], np.int64)
        bits, finer = (len(one).bit_length() - 1 for one in (first, sieve))
        finer -= bits
        slots, count = len(known), len(texts)
        if (len(sieve), len(first)) != (1 << (bits + finer), 1 << bits) or not (
            len(starts) == slots + 1 and len(least) == count and len(kept) == len(label)
        ):
            raise ValueError("met: tables of another size; their offsets")
        where = keys, len(keys), _offsets(ends), len(ends) - 1, begin
        tables = _bytes(sieve), finer, np.ascontiguousarray(first, np.int32), bits, _points(known)
        held = slots - 1, _offsets(starts), np.ascontiguousarray(owners, np.int32), len(owners)
        given = _offsets(texts, 0), _offsets(least, 0), count, seen, kept, label, len(label)
        scratch = np.zeros(slots, np.uint32), np.zeros(count, np.int32), np.empty(count, np.int64)
        state, room = np.zeros(1, np.int64), 2 * count + (1 << 16)
        found = []
        while True:
            out = np.empty((2, room), np.int64)
            some = self._call(
                "met", *where, *tables, *held, *given, *scratch, state, out[0], out[1], room
            )
            found.append(out[:, :some].copy())
            if state[0] >= len(ends) - 1:
                return np.concatenate(found, axis=1)

    def rows(
        self, data: bytes | np.ndarray, names: Sequence[bytes], wanted: int, room: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
        """Return what stands under names in lines of JSON, each of them blank or one object: for
        each row int32[2], where it begins and ends; for the first ``wanted`` of the names
        uint8[wanted], what it has there, and int32[wanted, 2], where; bool, whether it has one of
        the other names. None where a line is anything else, or may be read in several ways.

        room: no fewer rows than there are.
        """
        bounds = np.concatenate([[0], np.cumsum([*map(len, names)])]).astype(np.int32)
        whole, known = np.frombuffer(data, np.uint8), np.frombuffer(b"".join(names), np.uint8)
        lines, spans = np.empty((room, 2), np.int32), np.empty((room, wanted, 2), np.int32)
        marks, others = np.empty((room, wanted), np.uint8), np.empty(room, np.uint8)
        where = whole, len(whole), known, bounds, len(names), wanted
        count = self._try("rows", *where, lines, spans, marks, others, room)
        if count < 0:
            return None
        return lines[:count], spans[:count], marks[:count], others[:count].view(bool)

    def texts(
        self, data: bytes | np.ndarray, spans: np.ndarray, marks: np.ndarray, most: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return uint8 and int32[texts + 1]: texts that :meth:`rows` found, without escapes, in
        UTF-8; and uint8[texts], what each looks like: the sum of :data:`EDGE` (a blank at its
        beginning or end, or all of its up to ``most`` characters ASCII), :data:`SIGN` (it has <, [
        or U+25C1) and :data:`BREAK` (it has one at which Python ends a line); and int32[texts], the
        characters of each. What is no text is an empty one, and looks like nothing.

        spans: int32[texts, 2]. marks: uint8[texts].
        """
        spans = np.ascontiguousarray(spans, np.int32)
        marks = np.ascontiguousarray(marks, np.uint8)
        if len(spans) != len(marks):
            raise ValueError("texts: a mark for each; their offsets")
        texts = (marks & KIND) == TEXT
        room = int((spans[:, 1] - spans[:, 0]).sum(where=texts, dtype=np.int64))
        out, whole = np.empty(max(room, 0), np.uint8), np.frombuffer(data, np.uint8)
        ends, looks = np.empty(len(marks) + 1, np.int32), np.empty(len(marks), np.uint8)
        chars, where = np.empty(len(marks), np.int32), (whole, len(whole), spans, marks, len(marks))
        count = self._call("texts", *where, most, out, room, ends, looks, chars)
        return out[:count], ends, looks, chars

    def beside(
        self, points: np.ndarray, before: np.ndarray, at: np.ndarray, behind: np.ndarray
    ) -> np.ndarray | None:
        """Return uint32[k - 2]: of each of the k points but the first and the last the bits that
        ``before`` of the point before it, ``at`` of itself and ``behind`` of the next one have in
        common (uint32 tables of one size). None where ``at`` has no bits for one of them."""
        points, before, at, behind = map(_points, (points, before, at, behind))
        if not len(before) == len(at) == len(behind):
            raise ValueError("beside: tables of another size")
        out: np.ndarray = np.empty(max(len(points) - 2, 0), np.uint32)
        none = self._call("beside", points, len(points), before, at, behind, len(at), out)
        return None if none else out


def _numbers(values: np.ndarray, end: int) -> np.ndarray:
    """Return int64, from 0 to less than ``end``."""
    if len(values) and not (values.min() >= 0 and values.max() < end):
        raise ValueError("texts that there are not; their offsets")
    return np.ascontiguousarray(values, np.int64)


def _slots(count: int) -> int:
    """Return a power of two that is twice as many, and 4 or more."""
    return max(1 << (2 * count - 1).bit_length(), 4) if count else 4


def _points(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.uint32)


def _offsets(values: np.ndarray, least: int = 1) -> np.ndarray:
    if len(values) < least:
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

"""Texts that say nothing, told by a small linear classifier over characters and their n-grams.

Refusals, menus, notices, adverts and the like have no common words that a rule could name, but they
have a common tone. The classifier learned it from texts that were written for it (``texts`` in
``tests/no_content``, which has the script that learns) and from texts of medical corpora, which it
must leave alone. It looks at a text as a whole: a word such as 无法 or 版权 weighs little beside
advice.

Two steps: all texts are weighed by their characters and pairs (:func:`suspects`); the few that may
say nothing are weighed again, by their n-grams of 1 to 4 characters, for each kind (:func:`judge`).
Weights are small integers and sums are exact, so that a text has one score on every machine.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...loops import compiled
from ...records import Codepoints, look_up, sums
from .grams import grams_of, mix, select, taken

GATE_BITS, BITS = 16, 17
"""Buckets that n-grams are hashed to, as powers of two: of the first look, of the second."""
GRAMS = (1, 2, 3, 4)
LEAST, MOST = 5, 300
"""Characters of the texts that it can judge: the texts that it learned from have up to 250, and a
reply of one word is right or wrong, not empty."""
_DOCUMENT, _REPLY, _END = 2, 4, 3
"""Signs put before and behind a text."""
_BLOCK = 1 << 15
"""Characters weighed at a time, so that they stay in a core's own cache."""
_FILE = Path(__file__).with_name("no_content.npz")


class Model(NamedTuple):
    """What was learned.

    kinds:  the names of the kinds of texts, as the rules of the filter.
    gate:   int16[2, 2 ** GATE_BITS], weights of characters (by their last 16 bits) and of pairs.
    least:  a text whose weights, over the root of their number, sum to less is no suspect.
    weight: int8[1 + kinds, 2 ** BITS], weights of n-grams: that a text says nothing, then of
            each kind.
    scale:  float64[1 + kinds], what a weight of 1 stands for.
    bias:   float64[1 + kinds], the score of a text without n-grams.
    cut:    float64[kinds], the score from which on a text that is most like a kind says nothing.
    """

    kinds: tuple[str, ...]
    gate: np.ndarray
    least: float
    weight: np.ndarray
    scale: np.ndarray
    bias: np.ndarray
    cut: np.ndarray


@lru_cache(maxsize=1)
def model() -> Model:
    """Return the model that comes with the library."""
    with np.load(_FILE) as held:
        about = json.loads(bytes(held["about"]).decode())
        return Model(
            tuple(about["kinds"]),
            held["gate"],
            about["least"],
            held["weight"],
            np.array(about["scale"]),
            np.array(about["bias"]),
            np.array(about["cut"]),
        )


def warm() -> None:
    """Build the tables that this module keeps for the life of a process."""
    model()
    fold_table()


@lru_cache(maxsize=1)
def fold_table() -> np.ndarray:
    """Return uint32[0x110000]: the code point that stands for each character: letters in lower
    case, half width, any digit as 0, any blank as a space but for the end of a line."""
    table = np.arange(0x110000, dtype=np.uint32)
    table[0xFF01:0xFF5F] = np.arange(0x21, 0x7F)
    for first in (0x41, 0xFF21):
        table[first : first + 26] = np.arange(0x61, 0x7B)
    for first in (0x30, 0xFF10):
        table[first : first + 10] = ord("0")
    table[[0x09, 0xA0, 0x3000]] = ord(" ")
    table[0x0D] = ord("\n")
    table.setflags(write=False)
    return table


def fold(text: Codepoints) -> Codepoints:
    """Return the texts as the model reads them: see :func:`fold_table`."""
    return Codepoints(look_up(fold_table(), text.points), text.offsets)


def suspects(
    text: Codepoints, held: Model | None = None, at: np.ndarray | None = None
) -> np.ndarray:
    """Return bool: which of the texts ``at`` (int64; None: of all) may say nothing."""
    held = held or model()
    at = np.arange(len(text.offsets) - 1) if at is None else at
    size = np.diff(text.offsets)[at]
    if loops := compiled():
        total = loops.gates(*text, at, fold_table(), *held.gate)
    else:
        some = fold(taken(text, at))
        total = sums(gate_weights(some, held.gate), some.offsets)
    found: np.ndarray = total >= held.least * np.sqrt(np.maximum(2 * size - 1, 1))
    return found & (size > 0)


def gate_weights(text: Codepoints, gate: np.ndarray) -> np.ndarray:
    """Return int16[points]: what each character weighs, with the pair that it begins."""
    points, offsets = text
    weights = np.empty(len(points), np.int16)
    for begin in range(0, len(points), _BLOCK):
        here = points[begin : begin + _BLOCK + 1]
        of_pairs = gate[1].take(pair_slots(here[:-1], here[1:]))
        weights[begin : begin + _BLOCK] = gate[0].take(here[:_BLOCK] & np.uint32(0xFFFF))
        weights[begin : begin + len(of_pairs)] += of_pairs
    # A pair across the end of a text is none.
    last = offsets[1:-1] - 1
    last = last[(last >= 0) & (last + 1 < len(points))]
    weights[last] = gate[0].take(points[last] & np.uint32(0xFFFF))
    return weights


def pair_slots(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return uint32[n], below 2 ** GATE_BITS: the bucket of each pair of characters."""
    mixed: np.ndarray = first * np.uint32(0x9E3779B1) + second * np.uint32(0x85EBCA6B)
    return mixed >> np.uint32(32 - GATE_BITS)


class Features(NamedTuple):
    """The n-grams of texts, each once a text: ``bucket`` (int64[m], below 2 ** BITS) of the texts
    ``of`` (int64[m], in order)."""

    bucket: np.ndarray
    of: np.ndarray


def features(text: Codepoints, reply: np.ndarray) -> Features:
    """Return the n-grams of folded texts, where they begin and end included.

    reply: bool[texts], which of them reply to a question; they begin with another sign.
    """
    points, offsets = _without_runs(text)
    marked = np.insert(points, offsets[:-1], _begins(reply))
    ends = offsets[1:] + np.arange(1, len(offsets))
    marked = np.insert(marked, ends, np.uint32(_END))
    text = Codepoints(marked, offsets + 2 * np.arange(len(offsets)))
    keys = [np.zeros(0, np.int64)]
    for n in GRAMS:
        hashes, places = grams_of(text, n)
        of = np.repeat(np.arange(len(offsets) - 1), np.diff(places))
        # Characters and pairs count once for all texts, once more for replies or documents alone:
        # 我 means something else in each.
        for salt in (n,) if n > 2 else (n, n + 8 * (1 + reply[of].astype(np.uint32))):
            buckets = mix(hashes ^ np.asarray(salt, np.uint32)) >> np.uint32(32 - BITS)
            keys.append(of << BITS | buckets.astype(np.int64))
    found = np.sort(np.concatenate(keys))  # faster than np.unique, whose hashing such keys upset
    found = found[np.diff(found, prepend=-1) != 0]
    return Features(found & ((1 << BITS) - 1), found >> BITS)


def _without_runs(text: Codepoints) -> Codepoints:
    """Return the texts with at most two of a character in a row: 痒呀呀呀 says what 痒呀 does."""
    points, offsets = text
    again = np.zeros(len(points), bool)
    again[2:] = (points[2:] == points[1:-1]) & (points[2:] == points[:-2])
    starts = offsets[:-1][np.diff(offsets) > 0]
    again[starts] = False
    again[starts[starts + 1 < len(points)] + 1] = False
    return select(text, ~again)


class Verdicts(NamedTuple):
    """Texts that are like those that say nothing.

    at:    int64[n], their places.
    score: float64[n], by how much more a text is like one that says nothing than like one that
           says something; 0 is in the middle.
    kind:  int64[n], the place, in ``Model.kinds``, of the kind that it is most like."""

    at: np.ndarray
    score: np.ndarray
    kind: np.ndarray


def judge(text: Codepoints, reply: np.ndarray, least: float, held: Model | None = None) -> Verdicts:
    """Return the verdicts on folded texts, of those with a score of ``least`` or more.

    reply: bool[texts], as :func:`features` takes it.
    """
    held = held or model()
    score = np.round(_scores(text, reply, held, slice(0, 1))[0], 2)
    at = np.flatnonzero(score >= least)
    kinds = _scores(taken(text, at), reply[at], held, slice(1, None))
    return Verdicts(at, score[at], np.argmax(kinds, axis=0))


def _scores(text: Codepoints, reply: np.ndarray, held: Model, heads: slice) -> np.ndarray:
    """Return float64[heads, texts]."""
    weights, scale, bias = held.weight[heads], held.scale[heads, None], held.bias[heads, None]
    if loops := compiled():
        begins, salts = _begins(reply), 1 + reply.astype(np.uint32)
        counts, total = loops.scored(*text, begins, salts, _END, weights)
    else:
        many = len(text.offsets) - 1
        bucket, of = features(text, reply)
        counts = np.bincount(of, minlength=many)
        total = np.stack([np.bincount(of, one.take(bucket), many) for one in weights], axis=1)
    found: np.ndarray = total.T / np.sqrt(np.maximum(counts, 1)) * scale + bias
    return found


def _begins(reply: np.ndarray) -> np.ndarray:
    return np.where(reply, _REPLY, _DOCUMENT).astype(np.uint32)

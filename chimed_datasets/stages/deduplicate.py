"""Deduplicate: one record of each cluster of equal or nearly equal texts is kept.

Each batch gives features (:meth:`Deduplicate.features`); over the features of all records
:func:`cluster` finds the clusters and :func:`keepers` says who stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from pydantic import Field

from ..records import Batch, Codepoints, codepoints
from ..records.points import only, spliced
from .near.containment import no_sample, sampled
from .near.jaccard import jaccard, no_sketches, sketches
from .near.minhash import band_keys
from .near.stock import plain, without_numerals
from .text.exam_forms import has_subject, last_end
from .text.grams import fold, grams_of, without_space

_CANDIDATE = 0.8
SHORT = 120
"""Characters. A longer text is a candidate whatever stock clauses stand around it."""
_PROMPT_CHARS = 5
"""A question of fewer characters ("你好") is shared by chance."""


@dataclass(frozen=True)
class Deduplicate:
    """``threshold`` is the Jaccard similarity of the sets of character ``ngram``-grams.

    Texts are compared by their letters and digits alone (case, width, punctuation and spaces
    do not count). ``bands`` and ``rows`` shape the MinHash search for candidates, which are then
    verified: 16 bands of 4 rows find 99.98 % of the pairs at similarity 0.8. Texts of fewer than
    ``ngram`` characters are duplicates only if ``exact``: equal up to white space.

    ``weigh``: near-duplicates that differ in a dose, a negation, a side, a drug, or whatever else
    has weight (see :mod:`.near.weigh`), both stay, and each record that is dropped is like the one
    that is kept instead. The search then passes over numerals, and meets pairs that are less alike:
    two texts are near where they reach ``threshold`` without numerals, with them, or without all
    that has no weight (greetings, general advice, marks of lists; a number with its unit is one
    sign), and 0.8 times ``threshold`` without numerals. System prompts are not compared. Exam items
    are weighed always: those of one case share most of their text, and two keys of one item are a
    contradiction that both tell.

    ``contained``: which records are looked for of which 0.8 or more stands inside one other, such
    as a section that a book quotes whole. "split": those of validation and test, and those inside
    them; see ``split``. "report": all, which the ledger then tells. "drop": all, and each is
    dropped for the longer one. Only where ``near`` is true.
    """

    name: ClassVar[str] = "deduplicate"

    exact: bool = True
    near: bool = True
    weigh: bool = True
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.8
    ngram: Annotated[int, Field(ge=1, le=64)] = 5
    bands: Annotated[int, Field(ge=1, le=256)] = 16
    rows: Annotated[int, Field(ge=1, le=64)] = 4
    seed: Annotated[int, Field(ge=0)] = 42
    contained: Literal["split", "report", "drop"] = "split"

    def features(self, batch: Batch, sample: bool = False) -> Features:
        """Compute what the search for clusters and the split need to know of each record.

        sample: with the n-grams by which texts inside others are found.
        """
        texts = batch.compared_without_system if self.weigh else batch.compared
        prompts = fold(codepoints(first_prompts(batch)))
        if self.near:
            grams = grams_of(self._letters(texts), self.ngram)
            # What a short text is without stock clauses is not what a longer one has of it.
            kept = sampled(*grams) if sample else no_sample(batch.num_rows)
            short = self._short(texts)
            if short.any():
                few = grams_of(plain(only(texts, short), self.ngram), self.ngram)
                # A text's n-grams are put in place as its characters would be.
                put = spliced(Codepoints(*grams), np.flatnonzero(short), Codepoints(*few))
                grams = put.points, put.offsets
            bands = band_keys(*grams, self.bands, self.rows, self.seed)
            known = sketches(*grams)
        else:
            bands = np.zeros((batch.num_rows, self.bands), np.uint64)
            known = no_sketches(batch.num_rows)
            kept = no_sample(batch.num_rows)
        return Features(
            exact=_exact(without_space(texts)),
            bands=bands,
            sketch=known.bits,
            windows=known.windows,
            prompt=_prompts(prompts),
            chars=np.diff(texts.offsets),
            sampled=kept.counts,
            grams=kept.keys,
        )

    def searched(self, texts: Codepoints) -> Codepoints:
        """Return texts as they are searched for near-duplicates: letters and digits. Where they
        are weighed there are no numerals among them, since 三次 and 3次 are one, and of a short
        text no clauses without weight, since a greeting is much of it."""
        letters, short = self._letters(texts), self._short(texts)
        if not short.any():
            return letters
        return spliced(letters, np.flatnonzero(short), plain(only(texts, short), self.ngram))

    def _short(self, texts: Codepoints) -> np.ndarray:
        """Return bool[texts]: is a text searched without its stock clauses?"""
        return self.weigh & (np.diff(texts.offsets) <= SHORT)

    def _letters(self, texts: Codepoints) -> Codepoints:
        return fold(texts, without_numerals()) if self.weigh else fold(texts)

    @property
    def candidate(self) -> float:
        """The similarity of what is searched from which two texts can be near."""
        return _CANDIDATE * self.threshold if self.weigh else self.threshold

    def similarity(
        self, texts: pa.StringArray, left: np.ndarray, right: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return float64[pairs] twice: the Jaccard similarity of what is searched of texts left[i]
        and right[i], and the one that ``threshold`` is of, which is no less."""
        points = codepoints(texts)
        searched = jaccard(self.searched(points), left, right, self.ngram)
        best, short = searched.copy(), self._short(points)
        # Two short texts are searched without what has no weight: to compare these so is no news.
        plain_already = short[left] & short[right]
        for compared, told in (
            (fold, np.zeros(len(left), bool)),
            (lambda few: plain(few, self.ngram), plain_already),
        ):
            some = np.flatnonzero((searched >= self.candidate) & (best < self.threshold) & ~told)
            if len(some):
                wanted = np.zeros(len(texts), bool)
                wanted[left[some]] = wanted[right[some]] = True
                number = np.cumsum(wanted) - 1
                few = compared(only(points, wanted))
                found = jaccard(few, number[left[some]], number[right[some]], self.ngram)
                best[some] = np.maximum(best[some], found)
        return searched, best


class Features(NamedTuple):
    """One row for each record of a batch.

    exact:  uint64[n, 2], hash of the text without white space; (0, 0) for an empty one.
    bands:  uint64[n, bands], MinHash band keys; 0 where the text is shorter than an n-gram.
    sketch, windows: uint64[n, 16] and int64[n], :class:`~._jaccard.Sketches` of the texts.
    prompt: uint64[n], hash of the question or first user message; 0 where there is none, or
            too little of one to tell it from others.
    chars:  int64[n], characters of the text.
    sampled, grams: int64[n] and uint32[all], :class:`~.near.containment.Sampled`: the n-grams by
            which texts inside others are found.
    """

    exact: np.ndarray
    bands: np.ndarray
    sketch: np.ndarray
    windows: np.ndarray
    prompt: np.ndarray
    chars: np.ndarray
    sampled: np.ndarray
    grams: np.ndarray


def _prompts(text: Codepoints) -> np.ndarray:
    """Return uint64[texts]: the hash of each prompt, 0 of one that is too short."""
    found = np.zeros(len(text.offsets) - 1, np.uint64)
    long = np.flatnonzero(np.diff(text.offsets) >= _PROMPT_CHARS)
    data = text.points.view(np.uint8).data
    bounds = (4 * text.offsets[long]).tolist(), (4 * text.offsets[long + 1]).tolist()
    found[long] = [
        xxhash.xxh3_64_intdigest(data[start:end]) for start, end in zip(*bounds, strict=True)
    ]
    return found


def _exact(text: Codepoints) -> np.ndarray:
    """Return uint64[texts, 2]."""
    data, bounds = text.points.view(np.uint8).data, pairwise((4 * text.offsets).tolist())
    digests = b"".join([xxhash.xxh3_128_digest(data[start:end]) for start, end in bounds])
    pairs = np.frombuffer(digests, ">u8").astype(np.uint64).reshape(-1, 2)
    pairs[np.diff(text.offsets) == 0] = 0
    return pairs


_CASE_CHARS = 20
"""A case has so many characters at least before what is asked of it."""


def exam_prompts(table: pa.RecordBatch) -> pa.StringArray:
    """Return what an exam item shares with others that must stand in its split: its shared stem, or
    what its stem has of a case before its last sentence, or its stem. Null for a stem that does not
    say what it is about (下列说法正确的是): many items begin with it."""
    found: list[str | None] = []
    for shared, stem in zip(
        table["shared_stem"].to_pylist(), table["stem"].to_pylist(), strict=True
    ):
        if shared and shared.strip():
            found.append(shared)
            continue
        asked = stem.rstrip("。？?！! \n")
        case = stem[: last_end(asked)]
        if len(case) >= _CASE_CHARS:
            found.append(case)
        else:
            found.append(stem if has_subject(stem) else None)
    return pa.array(found, pa.string())


def first_prompts(batch: Batch) -> pa.StringArray:
    """Return a thread's question (its title where there is none), a dialogue's first user message,
    or what :func:`exam_prompts` says of exam items; null for a document."""
    table = batch.table
    if batch.kind == "exam":
        return exam_prompts(table)
    if batch.kind == "thread":
        asked = pc.not_equal(pc.utf8_trim_whitespace(table["question"]), "")
        return pc.if_else(pc.fill_null(asked, False), table["question"], table["title"])
    first = pa.nulls(batch.num_rows, pa.string())
    if batch.kind == "document":
        return first
    row = pc.list_parent_indices(table["messages"])
    messages = pc.list_flatten(table["messages"])
    users = np.flatnonzero(pc.equal(messages.field("role"), "user"))
    at = np.full(batch.num_rows, -1)
    rows, where = np.unique(row.to_numpy()[users], return_index=True)
    at[rows] = users[where]
    return messages.field("content").take(pa.array(at, mask=at < 0))

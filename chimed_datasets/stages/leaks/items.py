"""Items of benchmarks as they are compared, and what of each is looked up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

import numpy as np

from ...lang import _
from ..text import exam_forms
from ..text.grams import whole_windows
from .compared import SURE, fold_all, points_of, simplified, total, worth_of
from .grams import Places

STOCK = (
    "下列哪项", "下列哪一项", "下列哪种", "下列哪个", "以下哪项", "以下哪一项", "以下哪种",
    "下列选项中", "以下选项中", "下列各项中", "下列关于", "以下关于", "下列有关", "下列说法中",
    "下列叙述中", "是正确的", "是错误的", "正确的是", "错误的是", "不正确的是", "不恰当的是",
    "叙述正确的是", "叙述错误的是", "描述正确的是", "描述错误的是", "说法正确的是", "说法错误的是",
    "的叙述中", "的说法中", "的描述中", "最可能的诊断是", "可能性最大的诊断是", "首先考虑的诊断是",
    "首先应考虑", "最可能的原因是", "首选的治疗方法是", "首选的治疗措施是", "首选的治疗药物是",
    "首选的检查方法是", "最有价值的检查是", "最有意义的检查是", "应采取的措施是", "正确的处理是",
    "下一步处理是", "应首先进行的检查是", "为明确诊断", "主要的临床表现", "最常见的原因是",
    "不包括下列哪项", "不属于下列哪项", "除了", "除外",
)  # fmt: skip
"""Phrases of exam questions; those that :func:`_stock_grams` finds come on top."""
_STOCK_GRAM, _STOCK_CONTEXTS = 6, 5
ANCHOR = 5
"""Characters by which a stem shorter than an n-gram is looked up; a still shorter one ("鼓室") is
looked up by an option."""
_WINDOW = 16
"""Of a piece that is looked up by an anchor, so many characters around it are compared at once."""
_LEAST_PIECE = 6
"""A shorter piece of a stem is not looked for by itself."""


class BenchmarkItem(Protocol):
    """A question of a benchmark: what :func:`chimed_datasets.sources.exams.read` returns."""

    @property
    def key(self) -> str:
        """The file and row it came from."""

    @property
    def stem(self) -> str:
        """The question itself."""

    @property
    def options(self) -> tuple[str, ...]:
        """The choices; none for an open question."""

    @property
    def answer(self) -> str | None:
        """The right one: its letter, or its text; None where it is not told."""


class Entry(NamedTuple):
    """An item as it is compared: folded, simplified, without numbers before it or letters before
    its options.

    text:    the stem as it is written, simplified.
    own:     float[len(stem)], what each character is worth as evidence: 0 in a stock phrase, 1/4
             for a Latin letter or digit (about 2 bits, to some 9 of a Chinese character), else 1.
    answers: the right options, or the answer; none where it is not told.
    gaps:    the pieces of the stem around what is to be filled in, for each way to see it.
    blank:   whether a blank is what is to be filled in (else it is 哪种, 什么, 何时).
    subject: whether the stem says what it is about, other than 下列说法正确的是.
    asks:    whether the stem asks, other than a heading such as 霍乱的传播途径.
    """

    benchmark: str
    key: str
    text: str
    stem: str
    own: np.ndarray
    options: tuple[str, ...]
    answers: tuple[str, ...] = ()
    gaps: tuple[tuple[str, ...], ...] = ()
    blank: bool = False
    subject: bool = True
    asks: bool = True


def entries_of(items: Mapping[str, Sequence[BenchmarkItem]], table: np.ndarray) -> list[Entry]:
    """Return the items of each benchmark as they are compared; table: see :func:`fold_all`."""
    named = [(name, item) for name, found in items.items() for item in found]
    asked = [exam_forms.bare_stem(simplified(points_of(item.stem), table)) for __, item in named]
    stems = fold_all(asked, table)
    stock = _stock_grams(stems) | set(fold_all(STOCK, table))
    lengths = sorted({len(phrase) for phrase in stock})
    heads = {phrase[:2] for phrase in stock}
    given = [exam_forms.bare_options(item.options) for __, item in named]
    right = [
        exam_forms.right_options(item.answer, options)
        for (__, item), options in zip(named, given, strict=True)
    ]
    gaps = [exam_forms.gaps(stem) for stem in asked]
    for ways, stem, told in zip(gaps, asked, right, strict=True):
        if filled := exam_forms.statement(stem, told):
            ways.append([filled])
    choices = iter(fold_all([option for options in given for option in options], table))
    answers = iter(fold_all([answer for some in right for answer in some], table))
    pieces = iter(fold_all([piece for ways in gaps for way in ways for piece in way], table))
    return [
        Entry(
            name,
            item.key,
            asked[i],
            stem,
            _own(stem, stock, lengths, heads),
            tuple(islice(choices, len(given[i]))),
            tuple(filter(None, islice(answers, len(right[i])))),
            tuple(tuple(islice(pieces, len(way))) for way in gaps[i]),
            exam_forms.has_blank(asked[i]),
            exam_forms.has_subject(asked[i]),
            exam_forms.asks(asked[i]),
        )
        for i, ((name, item), stem) in enumerate(zip(named, stems, strict=True))
    ]


def _stock_grams(stems: Iterable[str]) -> set[str]:
    """Return the grams of ``_STOCK_GRAM`` characters that are common to unlike stems.

    "Unlike" means at least ``_STOCK_CONTEXTS`` different neighbourhoods to one side. A gram of a
    case history that several items share has one neighbourhood, however many they are.
    """
    before: dict[str, set[str]] = defaultdict(set)
    after: dict[str, set[str]] = defaultdict(set)
    k = _STOCK_GRAM
    places = [(stem, i) for stem in stems for i in range(len(stem) - k + 1)]
    grams = [stem[i : i + k] for stem, i in places]
    times = Counter(grams)
    for gram, (stem, i) in zip(grams, places, strict=True):
        if times[gram] >= _STOCK_CONTEXTS:  # few do, and none of the others can be among them
            before[gram].add(stem[max(i - k, 0) : i])
            after[gram].add(stem[i + k : i + 2 * k])
    return {g for g in before if max(len(before[g]), len(after[g])) >= _STOCK_CONTEXTS}


def _own(stem: str, stock: set[str], lengths: Sequence[int], heads: set[str]) -> np.ndarray:
    """Return what each character is worth; ``lengths`` are those of the phrases of ``stock``,
    ``heads`` the two characters that each begins with."""
    own = worth_of(stem)
    for i in range(len(stem)):
        if stem[i : i + 2] in heads:
            for length in lengths:
                if stem[i : i + length] in stock and i + length <= len(stem):
                    own[i : i + length] = 0
    return own


def gram_places(entries: Sequence[Entry], n: int) -> Places:
    """Return every gram of every stem and option."""
    texts = [text for entry in entries for text in (entry.stem, *entry.options)]
    parts = [part for entry in entries for part in range(-1, len(entry.options))]
    counts = [1 + len(entry.options) for entry in entries]
    ends = np.cumsum([0, *map(len, texts)])
    at = np.flatnonzero(whole_windows(ends, n))
    text = np.searchsorted(ends, at, "right") - 1
    return Places(
        np.repeat(np.arange(len(entries), dtype=np.int32), counts)[text],
        np.array(parts, np.int32)[text],
        (at - ends[text]).astype(np.int32),
        points_of("".join(texts))[at[:, None] + np.arange(n)],
    )


class Reach(NamedTuple):
    """How many items of a benchmark are found less well than anywhere in a text.

    whole: as a whole question alone, or with their options.
    never: not at all.
    """

    whole: int
    never: int

    def line(self, name: str, items: int) -> str:
        """Return a line that tells it of the benchmark ``name`` with so many items."""
        return _(
            "benchmark {name}: of {items:,} items {whole:,} are too short to be found in any text; "
            "they are found as whole questions, with their options or with the right answer. "
            "{never:,} cannot be looked for."
        ).format(name=name, items=items, whole=self.whole, never=self.never)


def telling(entry: Entry) -> set[str]:
    """Options of one character, and those that the stem itself holds, tell nothing."""
    return {option for option in entry.options if len(option) > 1 and option not in entry.stem}


def reached(entry: Entry, n: int) -> str:
    """Return how an item can be found: "anywhere" in a text, as a "whole" question, or "never"."""
    long = [option for option in entry.options if len(option) >= n and total(option) >= SURE]
    if entry.own.sum() >= SURE or (long and len(long) > len(entry.options) / 2):
        return "anywhere"
    if entry.stem and (entry.subject or entry.answers or len(telling(entry)) > 1):
        return "whole"
    return "never"


def anchor_places(entries: Sequence[Entry], ngram: int) -> tuple[Places, np.ndarray, np.ndarray]:
    """Return where the anchors stand, and what is around each: see :class:`Grams`.

    Part -1 is a stem too short for n-grams (one shorter than an anchor with what may follow it: an
    option behind its letter, 答案, the right answer); from 0 on the longest option of a stem that
    is shorter than an anchor; -2 and below the longest piece of a stem with a gap, by its number.
    """
    n = ANCHOR
    common = Counter(e.stem[i : i + n] for e in entries for i in range(len(e.stem) - n + 1))
    where, grams, starts, windows = [], [], [], []
    for number, entry in enumerate(entries):
        pieces = [(-1, entry.stem)] if n <= len(entry.stem) < ngram else []
        if len(entry.stem) < n:
            longest = max(enumerate(entry.options), key=lambda o: len(o[1]), default=(-1, ""))
            pieces += [longest] if n <= len(longest[1]) < ngram else []
            if entry.subject and len(entry.stem) > 2:
                behind = ["答", *(mark + option for option in entry.options for mark in "a1")]
                pieces += [(-1, entry.stem + more) for more in (*behind, *entry.answers)]
        for gap, parts in enumerate(entry.gaps):
            longest_part = max(parts, key=len)
            if len(parts) == 1 or (any(parts[1:]) and len(longest_part) >= _LEAST_PIECE):
                pieces.append((-2 - gap, longest_part))
        for part, text in pieces:
            if len(text) < n:
                continue
            i = min(range(len(text) - n + 1), key=lambda i: common[text[i : i + n]])
            where.append((number, part, i))
            grams.append(text[i : i + n])
            first = min(i, max(len(text) - _WINDOW, 0))
            starts.append(i - first)
            windows.append(text[first : first + _WINDOW].ljust(_WINDOW, "\0"))
    columns = np.array(where, np.int32).reshape(-1, 3)
    points = points_of("".join(grams)).reshape(-1, n)
    around = points_of("".join(windows)).reshape(-1, _WINDOW)
    places = Places(columns[:, 0], columns[:, 1], columns[:, 2], points)
    return places, np.array(starts, np.int64), around

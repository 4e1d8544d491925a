"""Decontaminate: records that hold items of a benchmark are dropped.

Both sides are compared by letters and digits alone, in simplified characters. Hashes find where
a record and an item share an n-gram, the characters themselves confirm it, and then the item as
a whole is judged: one shared n-gram is most often common medical prose.

Of 400 items drawn from the 2,450 of CMMLU's and C-Eval's medical subjects all are found with their
options or with their right answer, and 98 % where the stem alone is asked, whatever its script,
width, number or punctuation; in the midst of prose 68 % of the stems are, those of 40 characters
all. With 3 % of the characters mistyped 83 % of whole items are found, with 8 % 48 %. None of
172,402 real texts (question-answer pairs of patients and LLMs, dialogues, encyclopedia entries,
classics) is dropped. docs/reference/decontaminate.md has the figures by disguise and by length.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice, pairwise
from typing import Annotated, ClassVar, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from pydantic import Field

from ..records import Batch, Codepoints, TextField, codepoints, compared_columns, ledger, look_up
from .near import weigh as near
from .text import exam_forms
from .text.grams import fold, fold_table, gram_hashes, ranges, whole_windows

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
_LATIN_WORTH = 0.25
_SURE = 20
"""So many characters in common do not come about by chance."""
_ANCHOR = 5
"""Characters by which a stem shorter than an n-gram is looked up; a still shorter one ("鼓室") is
looked up by an option."""
_TINY_PART = 16
"""A question that is a stem shorter than an anchor has so many characters, signs included."""
_WINDOW = 16
"""Of a piece that is looked up by an anchor, so many characters around it are compared at once."""
_LEAST_PIECE = 6
"""A shorter piece of a stem is not looked for by itself."""
_FILLING = 20
"""What fills a blank has at most so many characters, where the right answer is not known."""
_ENDING, _ANSWER = 6, 20
"""A question may end with so many characters more than its stem (在哪个部位); a right answer is
looked for in twice so many at the beginning of a reply."""
_CASE = 40
"""A stem with so many characters of its own is a case history."""
_NEAR = 100
"""Options are looked for this many characters around a stem, and twice their own length."""
_WITHIN_SENTENCE = "，,、"
_BLOCK = 1 << 16
_BITMAP_BITS = 21


@dataclass(frozen=True)
class Decontaminate:
    """A record is dropped when it holds an item of a benchmark; see :func:`_judge`.

    ``ngram`` is the shortest run of characters that counts as shared (Brown et al. 2020, "Language
    Models are Few-Shot Learners", appendix C, has 13 words; here it is characters).
    ``coverage`` is the share of a stem's own characters (stock phrases aside) that must be found.
    """

    name: ClassVar[str] = "decontaminate"

    ngram: Annotated[int, Field(ge=5, le=64)] = 13
    coverage: Annotated[float, Field(gt=0, le=1)] = 0.5

    def against(self, index: Index) -> Against:
        """Return the stage proper: it takes a batch and drops what ``index`` holds."""
        return Against(index)


# --- the index -------------------------------------------------------------------------------


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


@dataclass(frozen=True)
class Index:
    """All items of all benchmarks, ready to be looked up. Pickles to a few megabytes."""

    settings: Decontaminate
    table: np.ndarray
    entries: tuple[Entry, ...]
    grams: Grams
    anchors: Grams
    tiny: Mapping[str, tuple[int, ...]]
    """Stems shorter than an anchor: the entries that have them."""

    @classmethod
    def build(cls, items: Mapping[str, Sequence[BenchmarkItem]], settings: Decontaminate) -> Index:
        """Index the items of each benchmark by name."""
        table = _simplifying_table()
        named = [(name, item) for name, found in items.items() for item in found]
        asked = [exam_forms.bare_stem(_simplified(_points(item.stem), table)) for _, item in named]
        stems = _folded(asked, table)
        stock = _stock_grams(stems) | set(_folded(STOCK, table))
        lengths = sorted({len(phrase) for phrase in stock})
        heads = {phrase[:2] for phrase in stock}
        given = [exam_forms.bare_options(item.options) for _, item in named]
        right = [
            exam_forms.right_options(item.answer, options)
            for (_, item), options in zip(named, given, strict=True)
        ]
        gaps = [exam_forms.gaps(stem) for stem in asked]
        for ways, stem, told in zip(gaps, asked, right, strict=True):
            if filled := exam_forms.statement(stem, told):
                ways.append([filled])
        choices = iter(_folded([option for options in given for option in options], table))
        answers = iter(_folded([answer for some in right for answer in some], table))
        pieces = iter(_folded([piece for ways in gaps for way in ways for piece in way], table))
        entries = [
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
        tiny: dict[str, list[int]] = defaultdict(list)
        for number, entry in enumerate(entries):
            if entry.subject and 0 < len(entry.stem) < _ANCHOR:
                tiny[entry.stem].append(number)
        return cls(
            settings,
            table,
            tuple(entries),
            Grams.of(settings.ngram, _gram_places(entries, settings.ngram)),
            Grams.of(_ANCHOR, *_anchor_places(entries, settings.ngram)),
            {stem: tuple(numbers) for stem, numbers in tiny.items()},
        )

    def reach(self) -> dict[str, Reach]:
        """Return how the items of each benchmark can be found."""
        n = self.settings.ngram
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for entry in self.entries:
            found[entry.benchmark][_reached(entry, n)] += 1
        return {name: Reach(of["whole"], of["never"]) for name, of in found.items()}


@lru_cache(maxsize=1)
def _simplifying_table() -> np.ndarray:
    """Return the fold table with each traditional character on its simplified one: made once in a
    process, and not to be written to.

    Character by character, on both sides, unlike the stage `simplify`: what phrase tables and
    protected terms make of a text cannot hide an item.
    """
    from opencc import OpenCC

    table = fold_table().copy()
    points = np.array([*range(0x3400, 0xA000), *range(0xF900, 0xFB00), *range(0x20000, 0x2FA20)])
    simple = OpenCC("t2s").convert("\n".join(map(chr, points))).split("\n")
    table[points] = table[[ord(char[0]) for char in simple]]
    return table


def _folded(texts: Sequence[str], table: np.ndarray) -> list[str]:
    points, offsets = fold(codepoints(pa.array(texts, pa.string())), table)
    whole = points.tobytes().decode("utf-32-le")
    return [whole[a:b] for a, b in pairwise(offsets)]


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


def _sum(text: str) -> float:
    return float(_worth(text).sum())


def _worth(text: str) -> np.ndarray:
    return np.where(_points(text) < 0x80, _LATIN_WORTH, 1.0)


def _own(stem: str, stock: set[str], lengths: Sequence[int], heads: set[str]) -> np.ndarray:
    """Return what each character is worth; ``lengths`` are those of the phrases of ``stock``,
    ``heads`` the two characters that each begins with."""
    own = _worth(stem)
    for i in range(len(stem)):
        if stem[i : i + 2] in heads:
            for length in lengths:
                if stem[i : i + length] in stock and i + length <= len(stem):
                    own[i : i + length] = 0
    return own


class Places(NamedTuple):
    """Where grams stand in the items.

    entry, part, offset: int32[p]: the entry, the part (-1 the stem, else the option's number), and
                         where the gram begins in it. points: uint32[p, n], its characters.
    """

    entry: np.ndarray
    part: np.ndarray
    offset: np.ndarray
    points: np.ndarray


def _gram_places(entries: Sequence[Entry], n: int) -> Places:
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
        _points("".join(texts))[at[:, None] + np.arange(n)],
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
        return (
            f"benchmark {name}: of {items:,} items {self.whole:,} are too short to be found in any "
            "text; they are found as whole questions, with their options or with the right answer. "
            f"{self.never:,} cannot be looked for."
        )


def _reached(entry: Entry, n: int) -> str:
    """Return how an item can be found: "anywhere" in a text, as a "whole" question, or "never"."""
    long = [option for option in entry.options if len(option) >= n and _sum(option) >= _SURE]
    if entry.own.sum() >= _SURE or (long and len(long) > len(entry.options) / 2):
        return "anywhere"
    if entry.stem and (entry.subject or entry.answers or len(_telling(entry)) > 1):
        return "whole"
    return "never"


def _anchor_places(entries: Sequence[Entry], ngram: int) -> tuple[Places, np.ndarray, np.ndarray]:
    """Return where the anchors stand, and what is around each: see :class:`Grams`.

    Part -1 is a stem too short for n-grams (one shorter than an anchor with what may follow it: an
    option behind its letter, 答案, the right answer); from 0 on the longest option of a stem that
    is shorter than an anchor; -2 and below the longest piece of a stem with a gap, by its number.
    """
    n = _ANCHOR
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
    points = _points("".join(grams)).reshape(-1, n)
    around = _points("".join(windows)).reshape(-1, _WINDOW)
    places = Places(columns[:, 0], columns[:, 1], columns[:, 2], points)
    return places, np.array(starts, np.int64), around


class Grams(NamedTuple):
    """Grams of ``n`` characters and where in the items they stand.

    hashes: uint32[u], ascending and unique. starts: int64[u + 1]; the places of hash i are
    ``starts[i]:starts[i + 1]`` of entry, part, offset (int32[p]) and points (uint32[p, n]).
    bitmap: bool[2^21] by a hash's highest bits, a first sieve that fits a core's cache.
    lead:   int64[p], how many characters of ``window`` stand before the gram.
    window: uint32[p, w], what must stand around the gram as well; 0 where anything may.
    """

    n: int
    hashes: np.ndarray
    starts: np.ndarray
    entry: np.ndarray
    part: np.ndarray
    offset: np.ndarray
    points: np.ndarray
    bitmap: np.ndarray
    lead: np.ndarray | None = None
    window: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        n: int,
        places: Places,
        lead: np.ndarray | None = None,
        window: np.ndarray | None = None,
    ) -> Grams:
        hashes = gram_hashes(places.points.ravel(), n)[::n]
        order = np.argsort(hashes, kind="stable")
        unique, starts = np.unique(hashes[order], return_index=True)
        bitmap = np.zeros(1 << _BITMAP_BITS, bool)
        bitmap[unique >> np.uint32(32 - _BITMAP_BITS)] = True
        ends = np.append(starts, len(order))
        entry, part, offset, points = (column[order] for column in places)
        around = (None, None) if lead is None or window is None else (lead[order], window[order])
        return cls(n, unique, ends, entry, part, offset, points, bitmap, *around)

    def find(self, text: Codepoints) -> tuple[np.ndarray, np.ndarray]:
        """Return int64 arrays: positions in ``text.points``, and the places that stand there."""
        at, places = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        points, offsets = text
        for begin in range(0, len(points) if len(self.hashes) else 0, _BLOCK):
            # A bitmap by the hash's high bits rules nearly all windows out; then the hash itself,
            # then the place must lie in one text, then the characters must be equal.
            hashes = gram_hashes(points[begin : begin + _BLOCK + self.n - 1], self.n)
            seen = look_up(self.bitmap, hashes >> np.uint32(32 - _BITMAP_BITS))
            here = np.flatnonzero(seen)
            slot = np.searchsorted(self.hashes, hashes[here])
            slot[slot == len(self.hashes)] = 0
            same = self.hashes[slot] == hashes[here]
            here, slot = here[same] + begin, slot[same]
            count = np.diff(self.starts)[slot]
            place = ranges(self.starts[slot], count)
            here = np.repeat(here, count)
            inside = offsets[np.searchsorted(offsets, here, "right")] >= here + self.n
            here, place = here[inside], place[inside]
            true = (points[here[:, None] + np.arange(self.n)] == self.points[place]).all(axis=1)
            here, place = here[true], place[true]
            if self.lead is not None and self.window is not None:
                whole = self._fits(text, here - self.lead[place], self.window[place])
                here, place = here[whole], place[whole]
            at.append(here)
            places.append(place)
        return np.concatenate(at), np.concatenate(places)

    @staticmethod
    def _fits(text: Codepoints, begin: np.ndarray, window: np.ndarray) -> np.ndarray:
        """Return bool: does each window stand at its place, in one text?"""
        points, offsets = text
        sizes = np.count_nonzero(window, axis=1)
        last = np.searchsorted(offsets, np.maximum(begin, 0), "right")
        inside = (begin >= 0) & (offsets[np.minimum(last, len(offsets) - 1)] >= begin + sizes)
        index = np.clip(begin[:, None] + np.arange(window.shape[1]), 0, max(len(points) - 1, 0))
        fits: np.ndarray = inside & ((points[index] == window) | (window == 0)).all(axis=1)
        return fits


# --- the stage -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Against:
    """The stage with its index."""

    index: Index
    name: ClassVar[str] = Decontaminate.name

    def __call__(self, batch: Batch) -> ledger.Result:
        refused: dict[int, tuple[str, str]] = {}
        matches: list[ledger.Match] = []
        for row, entry, rule, passage in _leaks(batch, self.index):
            name = batch.table["id"][row].as_py()
            matches.append(ledger.Match(entry.benchmark, entry.key, name, ledger.shorten(passage)))
            refused.setdefault(row, (rule, f"{entry.benchmark} {entry.key}: {passage}"))
        return ledger.part(batch, self.name, refused)._replace(matches=matches)


def _leaks(batch: Batch, index: Index) -> list[tuple[int, Entry, str, str]]:
    """Return (row, entry, rule, the record's passage) for each item that a record holds, by row."""
    folded = fold(batch.searched, index.table)
    found = list(_by_grams(batch, folded, index))
    known = {(row, id(entry)) for row, entry, *_ in found}
    for row, stem in _tiny_questions(batch, index):
        record = _record(batch, folded, row, index.table)
        for entry in (index.entries[number] for number in index.tiny[stem]):
            leak = _by_short_stem(entry, record, record.asked(stem), index.settings)
            if leak and (row, id(entry)) not in known:
                rule, start, end = leak
                found.append((row, entry, rule, record.original(start, end)))
    return sorted(found, key=lambda leak: leak[0])


def _by_grams(
    batch: Batch, folded: Codepoints, index: Index
) -> Iterator[tuple[int, Entry, str, str]]:
    found = []
    for grams in (index.grams, index.anchors):
        at, place = grams.find(folded)
        row = np.searchsorted(folded.offsets, at, "right") - 1
        where = at - folded.offsets[row]
        found.append((row, grams.entry[place], grams.part[place], grams.offset[place], where))
    row, entry, part, offset, at = (np.concatenate(column) for column in zip(*found, strict=True))
    # All that one record shares with one item stands together, part by part, as in the record.
    order = np.lexsort((at, part, entry, row))
    row, entry, part, offset, at = (c[order] for c in (row, entry, part, offset, at))
    cuts = np.flatnonzero((np.diff(row) != 0) | (np.diff(entry) != 0)) + 1
    last, record = -1, None
    for pair in np.split(np.arange(len(row)), cuts) if len(row) else ():
        r, e = int(row[pair[0]]), index.entries[entry[pair[0]]]
        if record is None or r != last:  # a book of exam questions holds thousands of items
            last, record = r, _record(batch, folded, r, index.table)
        leak = _judge(e, record, part[pair], offset[pair], at[pair], index.settings)
        if leak:
            rule, start, end = leak
            yield r, e, rule, record.original(start, end)


def _record(batch: Batch, folded: Codepoints, row: int, table: np.ndarray) -> _Record:
    text = batch.searched
    return _Record(
        text.points[text.offsets[row] : text.offsets[row + 1]],
        folded.points[folded.offsets[row] : folded.offsets[row + 1]],
        table,
        batch.table,
        row,
    )


def _tiny_questions(batch: Batch, index: Index) -> list[tuple[int, str]]:
    """Return (row, stem) where a short question begins or ends with one of ``index.tiny``."""
    if not index.tiny or batch.kind == "document":
        return []
    leaves = batch.leaves
    asking = (TextField.QUESTION, TextField.TITLE, TextField.MESSAGES)
    sizes = np.diff(batch.points.offsets)
    short = np.isin(leaves.field, asking) & (sizes > 1) & (sizes <= _TINY_PART)
    at = np.flatnonzero(short)
    texts = leaves.texts.take(pa.array(at)).to_pylist()
    found = {
        (int(leaves.row[i]), stem)
        for i, text in zip(at, _folded(texts, index.table), strict=True)
        for size in range(1, _ANCHOR)
        for stem in (text[:size], text[-size:])
        if stem in index.tiny
    }
    return sorted(found)


@dataclass(frozen=True)
class _Record:
    """One text: its points as they are and as they are compared; the batch and row it is of."""

    points: np.ndarray
    folded: np.ndarray
    table: np.ndarray
    batch: pa.RecordBatch
    row: int

    @cached_property
    def text(self) -> str:
        """The text in simplified characters, as long as it is."""
        return _simplified(self.points, self.table)

    @cached_property
    def parts(self) -> list[tuple[int, int, bool]]:
        """Where each part of the text begins and ends, and whether it is a question's: title and
        question of a thread, what the user says in a dialogue."""
        out, at = [], 0
        record = self.batch.slice(self.row, 1)
        for name in compared_columns(self.batch):
            value = record.column(name)[0].as_py()
            for one in value if isinstance(value, list) else [value]:
                said = one.get("content", one.get("text")) if isinstance(one, dict) else one
                if said is not None:
                    asked = name in ("title", "question") or (
                        isinstance(one, dict) and one.get("role") == "user"
                    )
                    out.append((at, at + len(said), asked))
                    at += len(said) + 1
        if at <= len(self.points):
            out.append((at, len(self.points), False))  # reasoning
        return out

    def asked(self, words: str) -> np.ndarray:
        """Return int64: where in the compared form of its questions ``words`` stand."""
        found = []
        for first, last, asked in self.parts:
            start, end = self.compared_places(first, last)
            said = self.compared(start, end) if asked else ""
            found += [start + at.start() for at in re.finditer(re.escape(words), said)]
        return np.array(found, np.int64)

    def part_of(self, at: int) -> tuple[int, int, bool]:
        """Return the part that a place of the text lies in."""
        return next((part for part in self.parts if at < part[1]), self.parts[-1])

    def places(self, start: int, end: int) -> tuple[int, int]:
        """Return where in the text the compared form ``start:end`` stands."""
        return int(self._kept[start]), int(self._kept[end - 1]) + 1

    def is_all(self, start: int, end: int) -> bool:
        """Is the compared passage a part of the record by itself, a question's number aside?"""
        here, (first, last, _) = self.around(start, end)
        rest = self.text[first : here.before] + self.text[here.after : last]
        return here.begins and not here.worded and not any(map(str.isalnum, rest))

    def around(self, start: int, end: int) -> tuple[exam_forms.Around, tuple[int, int, bool]]:
        """Return what stands around a passage, and the part it is in."""
        first, last = self.places(start, end)
        part = self.part_of(first)
        return exam_forms.around(self.text, first, last, part[0], max(part[1], last)), part

    def compared(self, start: int, end: int) -> str:
        return _string(self.folded[max(start, 0) : max(end, 0)])

    @cached_property
    def _kept(self) -> np.ndarray:
        return np.flatnonzero(np.take(self.table, self.points))

    def sentence(self, start: int, end: int, most: int) -> str:
        """Return the text of a passage and what its sentences have around it, ``most`` compared
        characters on either side."""
        first, last = self.places(start, end)
        begin, _ = self.places(max(start - most, 0), end)
        _, finish = self.places(start, min(end + most, len(self.folded)))
        before, after = self.text[begin:first], self.text[last:finish]
        before = before[exam_forms.last_end(before) :]
        return before + self.text[first:last] + after[: exam_forms.first_end(after)]

    def compared_places(self, start: int, end: int) -> tuple[int, int]:
        """Return where in the compared form ``start:end`` of the text stands."""
        first, last = np.searchsorted(self._kept, (start, end)).tolist()
        return first, last

    def original(self, start: int, end: int) -> str:
        """Return the text whose compared form is ``start:end``."""
        return _string(self.points[self._kept[start] : self._kept[end - 1] + 1])

    def place_of(self, words: str, near: int, reach: int) -> int | None:
        """Return where ``words`` stand last up to ``near``, or first after it, within ``reach``."""
        before = self.compared(near - reach, near).rfind(words)
        if before >= 0:
            return max(near - reach, 0) + before
        after = self.compared(near, near + reach).find(words)
        return near + after if after >= 0 else None

    def stands_alone(self, start: int, end: int) -> bool:
        """Is the passage a sentence or line of its own, not part of one?"""
        before = self._kept[start] - 1
        after = self._kept[end - 1] + 1
        around = [self.points[i] for i in (before, after) if 0 <= i < len(self.points)]
        return not any(self.table[p] or chr(p) in _WITHIN_SENTENCE for p in around)


def _simplified(points: np.ndarray, table: np.ndarray) -> str:
    """Return a text with each character in its simplified form, and all else as it is."""
    folded = np.take(table, points)
    return _string(np.where((points >= 0x3400) & (folded > 0), folded, points).astype(np.uint32))


def _string(points: np.ndarray) -> str:
    return points.tobytes().decode("utf-32-le")


def _points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


Leak = tuple[str, int, int]


def _judge(
    entry: Entry,
    record: _Record,
    part: np.ndarray,
    offset: np.ndarray,
    at: np.ndarray,
    settings: Decontaminate,
) -> Leak | None:
    """Decide whether a record holds an item, from the grams that they share.

    part, offset: where in the item; at: where in the record's compared text, ascending in each
    part. Returns the rule, and start and end in the compared text:

    "stem":    ``coverage`` of the stem's own characters stand in one place, and at least 20. A
               stem with fewer must be whole, and either a sentence of its own or followed by one
               of the options: "the treatment of X" alone occurs in any text on X. Stock phrases
               are nobody's own; a stem with less than an n-gram of its own is not judged so.
    "choices": ``coverage`` of the stem (of one shorter than an n-gram: all), stock phrases
               included, and more than half of the options around it, in any order. Around a stem
               of a word ("鼓室") they must have 20 characters.
    "options": ``coverage`` of more than half of the options, each of at least 20 characters.
    "question", "answer", "filled": see :func:`_whole` and :func:`_by_gaps`.
    """
    stem = part == -1
    if len(entry.stem) >= settings.ngram:
        found = _by_stem(entry, record, offset[stem], at[stem], settings)
    elif len(entry.stem) >= _ANCHOR:
        found = _by_short_stem(entry, record, np.unique(at[stem] - offset[stem]), settings)
    else:
        found = _by_word(entry, record, np.unique((at - offset)[part >= 0]))
        starts = np.unique((at - offset)[stem])
        found = found or _by_short_stem(entry, record, starts, settings)
    return (
        found
        or _by_options(entry, part, offset, at, settings)
        or _by_gaps(entry, record, part, at - offset, settings)
    )


def _by_stem(
    entry: Entry, record: _Record, offset: np.ndarray, at: np.ndarray, settings: Decontaminate
) -> Leak | None:
    n, own, worth = settings.ngram, entry.own, _worth(entry.stem)
    for places, starts in _clusters(offset, at, 2 * len(worth) + _NEAR):
        start, end = int(starts[0]), int(starts[-1]) + n
        covered = _cover(len(worth), places, n)
        if own.sum() >= n:
            if own[covered].sum() >= max(settings.coverage * own.sum(), _SURE) and (
                covered.all() or not _asks_other(entry, record, start, end)
            ):
                return "stem", start, end
            if covered.all() and (record.stands_alone(start, end) or _answered(entry, record, end)):
                return "stem", start, end
        if worth[covered].sum() >= settings.coverage * worth.sum() and _chosen_from(
            entry, record, start, end
        ):
            return "choices", start, end
    return _by_short_stem(entry, record, at[offset == 0], settings)


def _asks_other(entry: Entry, record: _Record, start: int, end: int) -> bool:
    """Does a question that shares most of a stem ask of another drug, side or number? A case
    history is told at length, and is the item's whatever was changed in it."""
    if entry.own.sum() >= _CASE or not record.part_of(record.places(start, end)[0])[2]:
        return False
    passage = record.sentence(start, end, len(entry.stem))
    return near.difference(entry.text, passage) is not None


def _by_short_stem(
    entry: Entry, record: _Record, starts: np.ndarray, settings: Decontaminate
) -> Leak | None:
    for start in starts.tolist():
        end = start + len(entry.stem)
        if record.compared(start, end) != entry.stem:
            continue
        if _chosen_from(entry, record, start, end):
            return "choices", start, end
        if leak := _whole(entry, record, start, end, settings):
            return leak
    return None


def _whole(
    entry: Entry, record: _Record, start: int, end: int, settings: Decontaminate
) -> Leak | None:
    """Return the rule by which a whole stem at ``start:end`` is a leak, and these; None for none:

    "question": it is what a question asks, at any length; or it is a line or sentence of its own
                that looks like one of an exam: a number before it, a blank, the letter of an option
                or 答案 behind it. A stem that does not say what it is about (下列说法正确的是) is
                nothing by itself.
    "choices":  its short options follow, with letters or in a row.
    "answer":   the right answer follows at once: behind a question mark, in brackets, where nothing
                else is said, or where both have an n-gram's worth of characters.
    """
    here, part = record.around(start, end)
    if not here.begins and entry.own.sum() < settings.ngram:
        return None
    if _short_options(entry, record, end):
        return "choices", start, end
    ends = here.ends and (part[2] or not here.worded)
    if here.begins and ends and entry.subject and _is_asked(entry, record, here, part):
        return "question", start, end
    if here.begins and part[2] and _replied(entry, record, end, part[1]):
        return "answer", start, end
    for answer, answer_end in _answers_behind(entry, record, end):
        begin = answer_end - len(answer)
        worth = _sum(entry.stem) + _sum(answer)
        if entry.subject and record.is_all(start, answer_end):
            return "answer", start, end
        if entry.subject and (here.asked or here.blank or here.numbered):
            return "answer", start, end
        if entry.subject and exam_forms.bracketed(record.text, *record.places(begin, answer_end)):
            return "answer", start, end
        if worth >= settings.ngram and (entry.subject or _sum(answer) >= _ANCHOR):
            return "answer", start, end
    return None


def _is_asked(
    entry: Entry, record: _Record, here: exam_forms.Around, part: tuple[int, int, bool]
) -> bool:
    """Is a whole stem the question of a thread or of a dialogue's user, or one of an exam?"""
    first, last, asked = part
    long_enough = entry.asks or len(entry.stem) > _ANCHOR
    if not asked:
        if here.alone and here.asked and entry.asks:
            return True
        return here.of_an_exam and entry.asks
    if here.of_an_exam and long_enough:
        return True
    before, after = record.text[first : here.before], record.text[here.after : last]
    rest = "" if exam_forms.only_polite(before) else before
    rest += "" if exam_forms.only_polite(after) else after
    return long_enough and sum(map(str.isalnum, rest)) <= len(entry.stem) / 2


def _short_options(entry: Entry, record: _Record, end: int) -> bool:
    """Do the options come next, with their letters, or all of them in a row?"""
    options = [option for option in entry.options if option]
    if len(options) < 2:
        return False
    size = sum(map(len, options))
    after = record.compared(end, end + size + 3 * len(options) + 4)
    if sorted(after[:size]) == sorted("".join(options)):
        return True
    lettered = [o for o in set(options) if re.search(f"[a-j1-9①-⑩]{re.escape(o)}", after)]
    return len(lettered) > max(len(set(options)) / 2, 1)


def _replied(entry: Entry, record: _Record, end: int, last: int) -> bool:
    """Does a question that says little more than a stem get the right answer as its reply?"""
    reply = record.compared_places(last, last)[0]
    if reply - end > _ENDING or not entry.subject:
        return False
    said = record.compared(reply, reply + 2 * _ANSWER)
    return any(
        exam_forms.leads_to_answer(said[: said.find(answer)])
        for answer in entry.answers
        if _sum(answer) >= 1 and answer in said
    )


def _answers_behind(entry: Entry, record: _Record, end: int) -> Iterator[tuple[str, int]]:
    """Yield each right answer that comes next, and where it ends; where the right one is not
    told, each option that tells something."""
    for answer in entry.answers or sorted(_telling(entry)):
        at = record.compared(end, end + len(answer) + 8).find(answer)
        if at >= 0 and exam_forms.leads_to_answer(record.compared(end, end + at)):
            yield answer, end + at + len(answer)


def _by_gaps(
    entry: Entry, record: _Record, part: np.ndarray, begin: np.ndarray, settings: Decontaminate
) -> Leak | None:
    """Find a stem with its gap filled in: "filled", where pieces and filling have an n-gram's worth
    of characters or are all that is said. A blank may hold anything short; what stands for 哪种 or
    什么 is the right answer."""
    hits = sorted(
        {(-2 - p, b) for p, b in zip(part.tolist(), begin.tolist(), strict=True) if p < -1}
    )
    for gap, start in hits:
        parts = entry.gaps[gap]
        longest = max(range(len(parts)), key=lambda i: len(parts[i]))
        if record.compared(start, start + len(parts[longest])) != parts[longest]:
            continue
        span = _filled(entry, record, parts, longest, start)
        if not span:
            continue
        if record.is_all(*span):
            return "filled", span[0], span[1]
        if _sum(record.compared(*span)) >= settings.ngram and (
            entry.own.sum() >= settings.ngram or record.around(*span)[0].begins
        ):
            return "filled", span[0], span[1]
    return None


def _filled(
    entry: Entry, record: _Record, parts: Sequence[str], longest: int, start: int
) -> tuple[int, int] | None:
    """Return where a stem with its gaps filled stands, around its longest piece at ``start``."""
    answers = entry.answers or sorted(_telling(entry))
    right = 0
    first, end = start, start + len(parts[longest])
    for piece in parts[longest + 1 :]:
        found = _next(
            record.compared(end, end + _FILLING + len(piece) + 2), piece, answers, entry.blank
        )
        if found is None:
            return None
        size, hit = found
        end, right = end + size, right + hit
    for piece in reversed(parts[:longest]):
        text = record.compared(first - _FILLING - len(piece) - 2, first)
        found = _next(text[::-1], piece[::-1], [a[::-1] for a in answers], entry.blank)
        if found is None:
            return None
        size, hit = found
        first, right = first - size, right + hit
    return (first, end) if right or entry.blank else None


def _next(text: str, piece: str, answers: Sequence[str], blank: bool) -> tuple[int, bool] | None:
    """Return how much of ``text`` is a filling and ``piece`` behind it, and whether the filling is
    a right answer; None where neither a right answer nor, for a blank, anything short is there."""
    for answer in answers:
        at = text.find(answer)
        if 0 <= at <= 2:
            rest = text[at + len(answer) :]
            if (more := rest.find(piece)) in (0, 1, 2):
                return at + len(answer) + more + len(piece), True
    if blank and piece and 0 < (at := text.find(piece)) <= _FILLING:
        return at + len(piece), False
    if blank and not piece:
        return 0, False
    return None


def _by_word(entry: Entry, record: _Record, options: np.ndarray) -> Leak | None:
    for option in options.tolist():
        start = record.place_of(entry.stem, option, _reach(entry))
        if start is not None:
            end = start + len(entry.stem)
            if _chosen_from(entry, record, start, end, _SURE):
                return "choices", start, end
    return None


def _by_options(
    entry: Entry, part: np.ndarray, offset: np.ndarray, at: np.ndarray, settings: Decontaminate
) -> Leak | None:
    n, spans = settings.ngram, []
    for number in np.unique(part[part >= 0]):
        mine, worth = part == number, _worth(entry.options[number])
        if len(worth) < n or worth.sum() < _SURE:
            continue
        if worth[_cover(len(worth), offset[mine], n)].sum() >= settings.coverage * worth.sum():
            spans.append((int(at[mine].min()), int(at[mine].max()) + n))
    if len(spans) > len(entry.options) / 2:
        return "options", min(start for start, _ in spans), max(end for _, end in spans)
    return None


def _clusters(
    offset: np.ndarray, at: np.ndarray, gap: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Part places in a record that lie more than ``gap`` from one another."""
    if len(at):
        cuts = np.flatnonzero(np.diff(at) > gap) + 1
        yield from zip(np.split(offset, cuts), np.split(at, cuts), strict=True)


def _cover(length: int, offset: np.ndarray, n: int) -> np.ndarray:
    covered = np.zeros(length, bool)
    for start in np.unique(offset):
        covered[start : start + n] = True
    return covered


def _telling(entry: Entry) -> set[str]:
    """Options of one character, and those that the stem itself holds, tell nothing."""
    return {option for option in entry.options if len(option) > 1 and option not in entry.stem}


def _reach(entry: Entry) -> int:
    return _NEAR + 2 * sum(map(len, entry.options))


def _chosen_from(entry: Entry, record: _Record, start: int, end: int, least: int = 0) -> bool:
    """Do more than half of the options, of ``least`` characters, stand around the stem?"""
    telling, reach = _telling(entry), _reach(entry)
    around = record.compared(start - reach, start) + "\n" + record.compared(end, end + reach)
    found = [option for option in telling if option in around]
    return (
        len(telling) > 1
        and len(found) > len(telling) / 2
        and sum(_worth(option).sum() for option in found) >= least
    )


def _answered(entry: Entry, record: _Record, end: int) -> bool:
    """Does one of the options come next (a letter or two may stand before it)?"""
    return any(o in record.compared(end, end + len(o) + 2) for o in _telling(entry))

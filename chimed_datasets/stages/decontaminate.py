"""Decontaminate: records that hold items of a benchmark are dropped.

Both sides are compared by letters and digits alone, in simplified characters. Hashes find where
a record and an item share an n-gram, the characters themselves confirm it, and then the item as
a whole is judged: one shared n-gram is most often common medical prose.

Of 300 items drawn from the 2,450 of CMMLU's and C-Eval's medical subjects and planted whole, 99.3 %
are found, whatever the order of their options, script, width or punctuation, alone or in the midst
of other text. Of their stems alone 70 % are: all of 25 characters or more, 74 % of those of 13 to
24, no shorter one. With 3 % of the characters changed 72 % of whole items are found, with 8 % 40 %.
No record of the 180,024 that this was tried on (question-answer pairs of patients and LLMs,
encyclopedia entries, classics) is dropped, and a look at all the 13-grams that they share with
the benchmarks shows no leak among them: figures of blood pressure, names of diseases and tests.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice, pairwise
from typing import Annotated, ClassVar, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from pydantic import Field

from ..records import Batch, Codepoints, codepoints, ledger, look_up
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


class Entry(NamedTuple):
    """An item as it is compared: folded, simplified.

    own: float[len(stem)], what each character is worth as evidence: 0 in a stock phrase, 1/4 for
         a Latin letter or digit (about 2 bits, to some 9 of a Chinese character), else 1.
    """

    benchmark: str
    key: str
    stem: str
    own: np.ndarray
    options: tuple[str, ...]


@dataclass(frozen=True)
class Index:
    """All items of all benchmarks, ready to be looked up. Pickles to a few megabytes."""

    settings: Decontaminate
    table: np.ndarray
    entries: tuple[Entry, ...]
    grams: Grams
    anchors: Grams

    @classmethod
    def build(cls, items: Mapping[str, Sequence[BenchmarkItem]], settings: Decontaminate) -> Index:
        """Index the items of each benchmark by name."""
        table = _simplifying_table()
        named = [(name, item) for name, found in items.items() for item in found]
        stems = _folded([item.stem for _, item in named], table)
        stock = _stock_grams(stems) | set(_folded(STOCK, table))
        lengths = sorted({len(phrase) for phrase in stock})
        choices = iter(_folded([option for _, item in named for option in item.options], table))
        entries = []
        for (name, item), stem in zip(named, stems, strict=True):
            options = tuple(islice(choices, len(item.options)))
            entries.append(Entry(name, item.key, stem, _own(stem, stock, lengths), options))
        return cls(
            settings,
            table,
            tuple(entries),
            Grams.of(settings.ngram, _gram_places(entries, settings.ngram)),
            Grams.of(_ANCHOR, _anchor_places(entries, settings.ngram)),
        )


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


def _worth(text: str) -> np.ndarray:
    return np.where(_points(text) < 0x80, _LATIN_WORTH, 1.0)


def _own(stem: str, stock: set[str], lengths: Sequence[int]) -> np.ndarray:
    """Return what each character is worth; ``lengths`` are those of the phrases of ``stock``."""
    own = _worth(stem)
    for length in lengths:
        for i in range(len(stem) - length + 1):
            if stem[i : i + length] in stock:
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


def _anchor_places(entries: Sequence[Entry], ngram: int) -> Places:
    """Return the rarest gram of each stem too short for n-grams, or of its longest option."""
    n = _ANCHOR
    common = Counter(e.stem[i : i + n] for e in entries for i in range(len(e.stem) - n + 1))
    where, grams = [], []
    for number, entry in enumerate(entries):
        part, text = -1, entry.stem
        if len(text) < n:
            part, text = max(enumerate(entry.options), key=lambda o: len(o[1]), default=(-1, ""))
        if n <= len(text) < ngram:
            i = min(range(len(text) - n + 1), key=lambda i: common[text[i : i + n]])
            where.append((number, part, i))
            grams.append(text[i : i + n])
    columns = np.array(where, np.int32).reshape(-1, 3)
    points = _points("".join(grams)).reshape(-1, n)
    return Places(columns[:, 0], columns[:, 1], columns[:, 2], points)


class Grams(NamedTuple):
    """Grams of ``n`` characters and where in the items they stand.

    hashes: uint32[u], ascending and unique. starts: int64[u + 1]; the places of hash i are
    ``starts[i]:starts[i + 1]`` of entry, part, offset (int32[p]) and points (uint32[p, n]).
    bitmap: bool[2^21] by a hash's highest bits, a first sieve that fits a core's cache.
    """

    n: int
    hashes: np.ndarray
    starts: np.ndarray
    entry: np.ndarray
    part: np.ndarray
    offset: np.ndarray
    points: np.ndarray
    bitmap: np.ndarray

    @classmethod
    def of(cls, n: int, places: Places) -> Grams:
        hashes = gram_hashes(places.points.ravel(), n)[::n]
        order = np.argsort(hashes, kind="stable")
        unique, starts = np.unique(hashes[order], return_index=True)
        bitmap = np.zeros(1 << _BITMAP_BITS, bool)
        bitmap[unique >> np.uint32(32 - _BITMAP_BITS)] = True
        ends = np.append(starts, len(order))
        entry, part, offset, points = (column[order] for column in places)
        return cls(n, unique, ends, entry, part, offset, points, bitmap)

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
            at.append(here[true])
            places.append(place[true])
        return np.concatenate(at), np.concatenate(places)


# --- the stage -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Against:
    """The stage with its index."""

    index: Index
    name: ClassVar[str] = Decontaminate.name

    def __call__(self, batch: Batch) -> ledger.Result:
        refused: dict[int, tuple[str, str]] = {}
        matches: list[ledger.Match] = []
        for row, entry, rule, passage in _leaks(batch.searched, self.index):
            name = batch.table["id"][row].as_py()
            matches.append(ledger.Match(entry.benchmark, entry.key, name, ledger.shorten(passage)))
            refused.setdefault(row, (rule, f"{entry.benchmark} {entry.key}: {passage}"))
        return ledger.part(batch, self.name, refused)._replace(matches=matches)


def _leaks(text: Codepoints, index: Index) -> Iterator[tuple[int, Entry, str, str]]:
    """Yield (row, entry, rule, the record's passage) for each item that a text holds."""
    folded = fold(text, index.table)
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
            last, record = (
                r,
                _Record(
                    text.points[text.offsets[r] : text.offsets[r + 1]],
                    folded.points[folded.offsets[r] : folded.offsets[r + 1]],
                    index.table,
                ),
            )
        leak = _judge(e, record, part[pair], offset[pair], at[pair], index.settings)
        if leak:
            rule, start, end = leak
            yield r, e, rule, record.original(start, end)


@dataclass(frozen=True)
class _Record:
    """One text: its points as they are and as they are compared."""

    points: np.ndarray
    folded: np.ndarray
    table: np.ndarray

    def compared(self, start: int, end: int) -> str:
        return _string(self.folded[max(start, 0) : max(end, 0)])

    @cached_property
    def _kept(self) -> np.ndarray:
        return np.flatnonzero(np.take(self.table, self.points))

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
    """
    stem = part == -1
    if len(entry.stem) >= settings.ngram:
        found = _by_stem(entry, record, offset[stem], at[stem], settings)
    elif len(entry.stem) >= _ANCHOR:
        found = _by_short_stem(entry, record, np.unique(at[stem] - offset[stem]))
    else:
        found = _by_word(entry, record, np.unique(at - offset))
    return found or _by_options(entry, part, offset, at, settings)


def _by_stem(
    entry: Entry, record: _Record, offset: np.ndarray, at: np.ndarray, settings: Decontaminate
) -> Leak | None:
    n, own, worth = settings.ngram, entry.own, _worth(entry.stem)
    for places, starts in _clusters(offset, at, 2 * len(worth) + _NEAR):
        start, end = int(starts[0]), int(starts[-1]) + n
        covered = _cover(len(worth), places, n)
        if own.sum() >= n:
            if own[covered].sum() >= max(settings.coverage * own.sum(), _SURE):
                return "stem", start, end
            if covered.all() and (record.stands_alone(start, end) or _answered(entry, record, end)):
                return "stem", start, end
        if worth[covered].sum() >= settings.coverage * worth.sum() and _chosen_from(
            entry, record, start, end
        ):
            return "choices", start, end
    return None


def _by_short_stem(entry: Entry, record: _Record, starts: np.ndarray) -> Leak | None:
    for start in starts.tolist():
        end = start + len(entry.stem)
        if record.compared(start, end) == entry.stem and _chosen_from(entry, record, start, end):
            return "choices", start, end
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

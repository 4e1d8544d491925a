"""Statistics of the rows of a config: characters, words, lengths, departments.

A tally is a plain dict that can be merged; finished, it is written as JSON. Words are counted with
a jieba-compatible segmenter; on large builds over a sample of rows drawn by a hash of their ids.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import filterfalse
from typing import Any, TypedDict, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..loops import compiled
from ..records import codepoints, counts_of, utf8
from .manifest import count

_WORD = re.compile(r"\w")
LENGTH_EDGES = (0, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
"""Lower edges of the length histogram's bins, in characters; the last bin is open."""
_HAN = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF), (0x3007, 0x3007))
"""Blocks of CJK ideographs, and 〇. Not the hexagrams that stand between the first two."""
WORD_SAMPLE_CHARS = 5_000_000
"""Beyond this many characters words are counted on a sample of about this size."""


class _Counts(TypedDict):
    """Figures of rows.

    chars, han_chars: code points of their texts, with a line end between two texts of a row; and
                      those that are Chinese.
    words:            of the sampled rows in a tally; of all rows, scaled up, in figures.
    lengths:          rows by characters, a number for each of :data:`LENGTH_EDGES`.
    domain, source, department, origin: rows by value, "" where a row has none.
    reasoning_chars:  code points of reasoning traces that have a field of their own; not in chars.
    reasoning:        rows with a trace, of either form, by source.
    reasoning_flags:  what the checks of traces found, by flag.
    """

    rows: int
    chars: int
    han_chars: int
    words: int
    lengths: list[int]
    domain: dict[str, int]
    source: dict[str, int]
    department: dict[str, int]
    origin: dict[str, int]
    reasoning_chars: int
    reasoning: dict[str, int]
    reasoning_flags: dict[str, int]


class Tally(_Counts):
    """Counts of some rows. word_sample_chars: code points of the rows whose words were counted."""

    word_sample_chars: int


class Figures(_Counts):
    """Counts as they are written. words_counted_on: the share (0 to 1) of the characters whose
    words were counted; mean_length: characters of a row."""

    words_counted_on: float
    mean_length: float


Statistics = dict[str, dict[str, Figures]]
"""config -> split, and "all" for the splits of a config, -> figures: ``statistics.json``."""


@lru_cache(maxsize=1)
def segmenter() -> Callable[[str], list[str]]:
    """Return rjieba's cut (jieba's boundaries at some 20 times its speed), or jieba's.

    The two part at figures with signs or units (0.25g, 90-140), which jieba cuts up: of 1,500
    answers of doctors, 105,752 words by the one and 105,812 by the other.
    """
    try:
        import rjieba
    except ImportError:
        import jieba

        jieba.setLogLevel("WARNING")
        return cast("Callable[[str], list[str]]", jieba.lcut)
    return cast("Callable[[str], list[str]]", rjieba.cut)


def row_texts(row: dict[str, Any]) -> list[str]:
    """Return the texts of a row of any config."""
    if "text" in row:
        return [row["text"]]
    said = (row.get(name, ()) for name in _MESSAGES)
    messages = (m for some in said if isinstance(some, list) for m in some)
    return [m["content"] for m in messages if isinstance(m, dict) and "content" in m]


def count_han(text: str) -> int:
    """Return how many Chinese characters (CJK ideographs of all planes) ``text`` holds."""
    return characters(pa.array([text]))[1]


def characters(texts: pa.StringArray) -> tuple[np.ndarray, int]:
    """Return int64[n], how many characters each text has, and how many Chinese ones all have."""
    if (loops := compiled()) and (stored := utf8(texts)):
        return loops.chinese(*stored)
    text = codepoints(texts)
    han = counts_of(text, _other_than_han())[:, 0].sum()
    return np.diff(text.offsets), int(han)


@lru_cache(maxsize=1)
def _other_than_han() -> np.ndarray:
    """Return uint8[0x110000], 0 for a Chinese character, else 1."""
    table = np.ones(0x110000, np.uint8)
    for first, last in _HAN:
        table[first : last + 1] = 0
    return table


_COUNTED: dict[str, tuple[str, ...]] = {
    "domain": ("domain",),
    "source": ("source",),
    "department": ("department",),
    "origin": ("origin", "pair_origin", "mark"),
}
_MESSAGES = ("messages", "prompt", "chosen", "rejected", "completion")
INLINE = "<think>\n"
"""What a reply begins with whose trace stands in its text."""


def tally(rows: pa.Table | Sequence[dict[str, Any]], word_sample: float) -> Tally:
    """Count ``rows`` of one config; ``word_sample`` (0 to 1): the share whose words are counted."""
    table = rows if isinstance(rows, pa.Table) else _table(rows)
    lengths, texts, han = np.zeros(len(table), np.int64), np.zeros(len(table), np.int64), 0
    for name in _texts(table):
        chars, texts_here, han_here = _measured(table[name].combine_chunks())
        lengths, texts, han = lengths + chars, texts + texts_here, han + han_here
    lengths += np.maximum(texts - 1, 0)  # a line end between two texts of a row
    words, sampled = _words(table, word_sample) if word_sample and len(table) else (0, 0)
    counts = {name: _values(table, columns) for name, columns in _COUNTED.items()}
    thinks, reasoning_chars = _reasoning(table)
    bins = np.searchsorted(LENGTH_EDGES, lengths, side="right") - 1
    return {
        "rows": len(table),
        "chars": int(lengths.sum()),
        "han_chars": han,
        "words": words,
        "word_sample_chars": sampled,
        "lengths": np.bincount(bins, minlength=len(LENGTH_EDGES)).tolist(),
        "domain": counts["domain"],
        "source": counts["source"],
        "department": counts["department"],
        "origin": counts["origin"],
        "reasoning_chars": reasoning_chars,
        "reasoning": _values(table.filter(pa.array(thinks)), ["source"]),
        "reasoning_flags": _flags(table),
    }


def _texts(table: pa.Table) -> list[str]:
    """Return the columns of texts. A guest's config may have a column of the same name and of
    another type: it is none."""

    def holds(name: str) -> bool:
        kind = table.schema.field(name).type
        if name == "text":
            return True
        inner = kind.value_type if pa.types.is_list(kind) else kind
        return pa.types.is_struct(inner) and "content" in inner.names

    return [name for name in ("text", *_MESSAGES) if name in table.column_names and holds(name)]


def _values(table: pa.Table, columns: Sequence[str]) -> dict[str, int]:
    """Return how often each value occurs in those of ``columns`` that there are; "" for null."""
    counts: Counter[str] = Counter()
    for name in columns:
        if name in table.column_names:
            counts.update(count(pc.fill_null(table[name].cast(pa.string()), "")))
    return dict(counts)


def _table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Return the columns that a tally looks at."""
    counted = (column for columns in _COUNTED.values() for column in columns)
    wanted = {"id", "text", "reasoning_flags", *_MESSAGES, *counted}
    names = [name for name in (rows[0] if rows else ()) if name in wanted]
    return pa.table({name: pa.array([row[name] for row in rows]) for name in names})


def _measured(column: pa.Array) -> tuple[np.ndarray, np.ndarray, int]:
    """Return int64[rows], the characters of texts or lists of messages; int64[rows], how many
    texts; and how many Chinese characters there are in all."""
    counts = np.ones(len(column), np.int64)
    if pa.types.is_list(column.type):
        counts = pc.list_value_length(column).to_numpy(zero_copy_only=False).astype(np.int64)
        column = column.flatten()
        if len(column) == 0:
            return counts, counts, 0
        column = pc.struct_field(column, "content")
    chars, han = characters(column.cast(pa.string()))
    before = np.concatenate([[0], np.cumsum(chars)])
    ends = np.concatenate([[0], np.cumsum(counts)])
    return np.diff(before[ends]), counts, han


def _reasoning(table: pa.Table) -> tuple[np.ndarray, int]:
    """Return bool[rows], whether a message of the row has a trace, in its field or in its text;
    and the characters of those in fields."""
    thinks, size = np.zeros(len(table), bool), 0
    for name in (name for name in _texts(table) if name != "text"):
        column = table[name].combine_chunks()
        messages = column.flatten()
        if len(messages) == 0 or "reasoning_content" not in messages.type.names:
            continue
        traces = pc.struct_field(messages, "reasoning_content").cast(pa.string())
        inline = pc.starts_with(pc.struct_field(messages, "content"), INLINE)
        has = pc.or_(traces.is_valid(), inline).to_numpy(zero_copy_only=False)
        row = pc.list_parent_indices(column).to_numpy()
        thinks[row[has]] = True
        size += pc.sum(pc.utf8_length(traces)).as_py() or 0
    return thinks, size


def _flags(table: pa.Table) -> dict[str, int]:
    """Return how often each flag stands in a row, or on a side of one."""
    if "reasoning_flags" not in table.column_names:
        return {}
    column = table["reasoning_flags"].combine_chunks()
    sides = [column]
    if pa.types.is_struct(column.type):
        sides = [pc.struct_field(column, side) for side in ("chosen", "rejected")]
    counts: Counter[str] = Counter()
    for side in sides:
        if pa.types.is_null(side.type.value_type):  # of a few rows, and none has one
            continue
        counts.update(count(pa.chunked_array([pc.struct_field(side.flatten(), "flag")])))
    return dict(counts)


def _words(table: pa.Table, share: float) -> tuple[int, int]:
    """Return the words of a sample of rows, drawn by a hash of their ids, and its characters."""
    limit = round(share * 2**32)
    drawn = [zlib.crc32(name.encode()) < limit for name in table["id"].to_pylist()]
    names = _texts(table)
    words = sampled = 0
    others: Counter[str] = Counter()  # signs, and figures with signs: few differ
    for row in table.select(names).filter(pa.array(drawn)).to_pylist():
        text = "\n".join(row_texts(row))
        pieces = segmenter()(text)
        rest = list(filterfalse(str.isalnum, pieces))
        words += len(pieces) - len(rest)
        others.update(rest)
        sampled += len(text)
    return words + sum(n for piece, n in others.items() if _WORD.search(piece)), sampled


def merge(tallies: Iterable[Tally]) -> Tally:
    """Add tallies up; the order does not matter."""
    total: dict[str, Any] = dict(tally([], 0))
    for one in tallies:
        for name, value in cast("dict[str, Any]", one).items():
            if isinstance(value, int):
                total[name] += value
            elif isinstance(value, list):
                total[name] = [a + b for a, b in zip(total[name], value, strict=True)]
            else:
                total[name] = dict(Counter(total[name]) + Counter(value))
    return cast(Tally, total)


def finish(total: Tally) -> Figures:
    """Return a merged tally as it is written: sorted, words scaled up from their sample."""
    share = total["word_sample_chars"] / total["chars"] if total["chars"] else 1.0
    out: dict[str, Any] = {
        k: v for k, v in total.items() if k not in ("word_sample_chars", "words")
    }
    out["words"] = round(total["words"] / share) if share else 0
    out["words_counted_on"] = round(share, 4)
    out["mean_length"] = round(total["chars"] / total["rows"], 1) if total["rows"] else 0
    for name, value in out.items():
        if isinstance(value, dict):
            out[name] = dict(sorted(value.items(), key=lambda item: (-item[1], item[0])))
    return cast(Figures, out)


def of_configs(tallies: Mapping[str, Mapping[str, Iterable[Tally]]]) -> Statistics:
    """Return the statistics of a build from config -> split -> tallies."""
    out: Statistics = {}
    for config, splits in tallies.items():
        totals = {split: merge(some) for split, some in splits.items()}
        totals["all"] = merge(totals.values())
        out[config] = {split: finish(total) for split, total in totals.items()}
    return out

"""What gives the preferred side away: length, place, author, Markdown, politeness; by origin and
by department.

A reward model learns what tells chosen from rejected most cheaply. These figures say how far
such short cuts go; :func:`measure` reads the built parquet of config ``preference`` and needs
nothing but Arrow and NumPy. :func:`measure_labels` does the same for the labels of ``unpaired``: a
source whose replies are all good, or bad ones that are all short, give the label away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .figures import wilson
from .manifest import BiasEntry, LabelsEntry, Measured
from .statistics import INLINE

MARKDOWN = r"(?m)^ {0,3}(#{1,6} |[-*+] |\d{1,2}\. |> |```)|\*\*[^*\n]+\*\*|^\|.+\|$"
"""A line that starts as a heading, list, quote or code block; bold text; a table row. (RE2)"""
INLINE_TRACE = r"(?s)\A<think>\n.*?\n</think>\n\n"
"""A reasoning trace before a reply in its text: what is measured is the reply. (RE2)"""
POLITE = "您好|你好|请问|谢谢|感谢|不客气|祝您|祝你|祝愿|抱歉|对不起|很高兴|希望.{0,12}帮助"
DATE = r"(?:19|20)\d\d\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}"
"""A day, as sites put it behind an answer. (RE2)"""
DEPARTMENTS, FEWEST_PAIRS = 30, 20
"""At most so many departments are listed, each with at least so many pairs."""


class Pairs(NamedTuple):
    """The last replies of n pairs side by side.

    chosen, rejected:   strings.
    origin, department: strings, "" where the row has none.
    thread:             strings; pairs of one thread share their prompt.
    place:              int64[n, 2], chosen first: the replies' places in their source, -1 unknown.
    model:              bool[n, 2]: whether a model is known to have written the reply.
    thinks:             bool[n, 2]: whether the reply has a reasoning trace.
    """

    chosen: pa.StringArray
    rejected: pa.StringArray
    origin: np.ndarray
    department: np.ndarray
    thread: np.ndarray
    place: np.ndarray
    model: np.ndarray
    thinks: np.ndarray


def read(path: Path) -> Pairs:
    """Read the pairs of one ``preference`` shard; builds of any age, whatever columns they lack."""
    return _pairs(pq.read_table(path, columns=_there(pq.read_schema(path))))


def _read_groups(path: Path) -> Iterator[Pairs]:
    """Yield what :func:`read` returns, a row group at a time: a shard at once takes memory that is
    new to the process, which costs as much as to read it."""
    with pq.ParquetFile(path) as file:
        columns = _there(file.schema_arrow)
        for number in range(file.num_row_groups):
            yield _pairs(file.read_row_group(number, columns=columns))


_COLUMNS = ("chosen", "rejected", "pair_origin", "department", "thread_id", "positions", "models")


def _there(schema: pa.Schema) -> list[str]:
    return [name for name in _COLUMNS if name in schema.names]


def _pairs(table: pa.Table) -> Pairs:
    origin, department, thread = (
        pc.fill_null(table[name], "").to_numpy()
        for name in ("pair_origin", "department", "thread_id")
    )
    place = _both(table, "positions", lambda column: pc.fill_null(column, -1), -1)
    model = _both(table, "models", lambda column: pc.is_valid(column), False)
    sides = (table["chosen"], table["rejected"])
    chosen, rejected = (
        pc.replace_substring_regex(_last(side, "content"), INLINE_TRACE, "") for side in sides
    )
    thinks = np.stack([_thinks(side) for side in sides], axis=1)
    return Pairs(chosen, rejected, origin, department, thread, place, model, thinks)


def _both(table: pa.Table, name: str, function: Any, default: Any) -> np.ndarray:
    """Return what ``function`` makes of both sides of a struct column, chosen first: [n, 2]."""
    if name not in table.column_names:
        return np.full((len(table), 2), default)
    sides = (pc.struct_field(table[name], side) for side in ("chosen", "rejected"))
    return np.stack([function(side).to_numpy() for side in sides], axis=1)


def _last(messages: pa.ChunkedArray, field: str) -> pa.StringArray:
    """Return a field of the last message of each row."""
    lists = pa.concat_arrays(messages.chunks)
    ends = pa.array(lists.offsets.to_numpy()[1:] - 1)
    return pc.struct_field(lists.values, field).take(ends)


def _thinks(messages: pa.ChunkedArray) -> np.ndarray:
    """Return bool[n]: whether the last message has a trace, in its field or in its text."""
    inline = pc.starts_with(_last(messages, "content"), INLINE)
    if "reasoning_content" in messages.type.value_type.names:
        inline = pc.or_(inline, _last(messages, "reasoning_content").is_valid())
    found: np.ndarray = inline.to_numpy(zero_copy_only=False)
    return found


def measure(files: Iterable[Path]) -> BiasEntry | None:
    """Return the figures (see :func:`_figures`) of all pairs, by origin and by department.

    None where there are no pairs. ``departments`` holds the largest ones, see
    :data:`DEPARTMENTS`; pairs of no department are among "all" alone.
    """
    parts = [
        (_signs(pairs), pairs.origin, pairs.department)
        for path in files
        for pairs in _read_groups(path)
    ]
    if not any(len(origin) for _, origin, _ in parts):
        return None
    signs = {name: np.concatenate([part[0][name] for part in parts]) for name in parts[0][0]}
    origin, department = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
    every = np.ones(len(origin), bool)
    departments = Counter(department.tolist())
    departments.pop("", None)
    largest = sorted(departments.items(), key=lambda item: (-item[1], item[0]))[:DEPARTMENTS]
    return {
        "all": _figures(signs, every),
        "origins": {name: _figures(signs, origin == name) for name in sorted(set(origin))},
        "departments": {
            name: _figures(signs, department == name) for name, n in largest if n >= FEWEST_PAIRS
        },
    }


def of_folder(folder: Path) -> Measured:
    """Return what a manifest says of the bias of the configs in a build's folder."""
    preference, unpaired = (sorted((folder / n).glob("*.parquet")) for n in _MEASURED)
    measured: Measured = {"preference": measure(preference)}
    if labels := measure_labels(unpaired):
        measured["unpaired"] = labels
    return measured


_MEASURED = ("preference", "unpaired")


class OfSource(NamedTuple):
    """What gives the chosen side away within a source.

    pairs, tested: how many in all, and in the split that the rule is tried on.
    longer_wins, first_wins: as of :func:`_figures`, of all pairs.
    dated_wins:    how often the side that alone has a date in it is the chosen one; None where no
                   pair differs.
    authors:       the share of pairs of which a model wrote one side and a person the other.
    right:         how often "longer" or "shorter", whichever is right more often in train, names
                   the chosen side of another split; None where no pair there differs.
    """

    pairs: int
    tested: int
    longer_wins: float | None
    first_wins: float | None
    dated_wins: float | None
    authors: float
    right: float | None


def by_source(files: Mapping[str, Iterable[Path]]) -> dict[str, OfSource]:
    """Return what gives the chosen side away by source, and under "" for all sources, each with its
    own rule of length.

    files: split -> the ``preference`` files of it. The rule is learnt on train, and tried on test,
    where there are none on validation, else on train itself.
    """
    shards = [
        (split, pairs, pq.read_table(path, columns=["source"])["source"].to_numpy())
        for split, some in files.items()
        for path, pairs in ((path, read(path)) for path in some)
    ]
    if not any(len(source) for *_, source in shards):
        return {}
    parts = [_signs(pairs) for _, pairs, _ in shards]
    signs = {name: np.concatenate([one[name] for one in parts]) for name in parts[0]}
    dated = np.concatenate([_dated(pairs) for _, pairs, _ in shards])
    source = np.concatenate([source for *_, source in shards])
    split = np.concatenate([np.full(len(source), name, object) for name, _, source in shards])
    tried = next((s for s in ("test", "validation") if (split == s).any()), "train")
    longer = np.sign(signs["chars"][:, 0] - signs["chars"][:, 1])
    guess = np.zeros(len(source), np.int64)
    for name in np.unique(source):
        learnt = longer[(source == name) & (split == "train")].sum()
        guess[source == name] = 1 if learnt >= 0 else -1
    found = {}
    for name in ("", *sorted(set(source))):
        mine = source == name if name else np.ones(len(source), bool)
        test = mine & (split == tried) & (longer != 0)
        model = signs["model"][mine]
        found[name] = OfSource(
            int(mine.sum()),
            int(np.count_nonzero(mine & (split == tried))),
            _wins(signs["chars"][mine]),
            _wins(-signs["place"][mine]),
            _wins(dated[mine]),
            round(float((model[:, 0] != model[:, 1]).mean()), 4),
            round(float((longer[test] == guess[test]).mean()), 4) if test.any() else None,
        )
    return found


def _dated(pairs: Pairs) -> np.ndarray:
    """Return int64[n, 2]: whether a date stands in each side."""
    found = (pc.match_substring_regex(side, DATE) for side in (pairs.chosen, pairs.rejected))
    return np.stack([side.to_numpy(zero_copy_only=False) for side in found], axis=1).astype(int)


class LongerWins(NamedTuple):
    """How often the longer side is the chosen one.

    differ:    pairs whose sides differ in length, at least one; the others tell nothing.
    share:     of these (0 to 1), those whose longer side is the chosen one.
    low, high: the 95 % interval of the share. Pairs of one thread share their prompt and often a
               side: where they go together, they count as fewer.
    """

    differ: int
    share: float
    low: float
    high: float


def longer_wins(
    files: Iterable[Path], named: Callable[[str], str] = str
) -> dict[str, dict[str, LongerWins]]:
    """Return how often the longer side is the chosen one: "all" -> {"all": …}, "origin" and
    "department" -> name -> figures. Groups in which no pair differs in length are left out.

    files: the ``preference`` files. named: gives the group of a department.
    """
    parts = [
        (signs["chars"][:, 0] - signs["chars"][:, 1], pairs.origin, pairs.department, pairs.thread)
        for pairs in map(read, files)
        for signs in (_signs(pairs),)
    ]
    out: dict[str, dict[str, LongerWins]] = {"all": {}, "origin": {}, "department": {}}
    if not parts:
        return out
    more, origin, department, thread = (np.concatenate(part) for part in zip(*parts, strict=True))
    differ = more != 0
    won, thread = more[differ] > 0, thread[differ]
    groups = {
        "all": np.full(len(won), "all", object),
        "origin": origin[differ],
        "department": np.array([named(one) if one else "" for one in department[differ]], object),
    }
    for kind, names in groups.items():
        for name in sorted(set(names.tolist()) - {""}):
            mine = names == name
            out[kind][name] = _longer(won[mine], thread[mine])
    return out


def _longer(won: np.ndarray, thread: np.ndarray) -> LongerWins:
    """Return the figures of pairs: bool[n], whether the longer side won, and their threads."""
    pairs, share = len(won), float(won.mean())
    _, number = np.unique(thread.astype(str), return_inverse=True)
    size, wins = np.bincount(number), np.bincount(number, won)
    # Of what threads add to the variance of the share: a ratio estimator, threads as its units.
    spread = float(((wins - share * size) ** 2).sum())
    alone = share * (1 - share) * pairs
    counted = min(pairs, pairs * alone / spread) if spread else len(size)
    low, high = wilson(share * counted, counted)
    return LongerWins(pairs, share, low, high)


def measure_labels(files: Iterable[Path]) -> LabelsEntry | None:
    """Return the figures (see :func:`_of_labels`) of all rows of ``unpaired``, and by source; None
    where there are no rows."""
    columns = ["completion", "label", "source"]
    tables = [pq.read_table(path, columns=columns) for path in files]
    table = pa.concat_tables(tables) if tables else None
    if not table:
        return None
    said = table["completion"]
    texts = pc.replace_substring_regex(_last(said, "content"), INLINE_TRACE, "")
    chars = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    good, thinks = table["label"].to_numpy(), _thinks(said)
    source = table["source"].to_numpy()
    return {
        "all": _of_labels(good, chars, thinks),
        "sources": {
            name: _of_labels(*(column[source == name] for column in (good, chars, thinks)))
            for name in sorted(set(source))
        },
    }


def _of_labels(good: np.ndarray, chars: np.ndarray, thinks: np.ndarray) -> dict[str, Any]:
    """Return the figures of rows: of each its label (bool[n]), the characters of its reply without
    a trace (int[n]), and whether there is a trace (bool[n]).

    rows, true: how many, and the share (0 to 1) whose label is true.
    labels:     for "true" and "false", where there are any: rows, mean_chars, median_chars, and
                thinks, the share with a trace.
    """
    out: dict[str, Any] = {"rows": len(good), "true": round(float(good.mean()), 4), "labels": {}}
    for name, mine in (("true", good), ("false", ~good)):
        if mine.any():
            out["labels"][name] = {
                "rows": int(np.count_nonzero(mine)),
                "mean_chars": round(float(chars[mine].mean()), 1),
                "median_chars": round(float(np.median(chars[mine])), 1),
                "thinks": round(float(thinks[mine].mean()), 4),
            }
    return out


def _signs(pairs: Pairs) -> dict[str, np.ndarray]:
    """Return what is measured of each side: name -> array [n, 2], chosen first."""

    def both(function: Any) -> np.ndarray:
        sides = [function(s).to_numpy(zero_copy_only=False) for s in (pairs.chosen, pairs.rejected)]
        return np.stack(sides, axis=1)

    known = (pairs.place >= 0).all(axis=1, keepdims=True)
    return {
        "chars": both(pc.utf8_length).astype(np.int64),
        "place": np.where(known, pairs.place, 0).astype(np.int64),
        "model": pairs.model,
        "thinks": pairs.thinks,
        "markdown": both(lambda texts: pc.match_substring_regex(texts, MARKDOWN)),
        "polite": both(lambda texts: pc.match_substring_regex(texts, POLITE)),
    }


def _figures(signs: dict[str, np.ndarray], mask: np.ndarray) -> dict[str, Any]:
    """Return the figures of the pairs in ``mask``.

    chars, thinks, markdown, polite:         of the chosen and of the rejected side: mean and
                                             median characters, and shares (0 to 1).
    longer_wins, markdown_wins, polite_wins,
    model_wins, first_wins, thinks_wins:     how often the side that is longer, or alone has
                                             the sign or a trace, or alone is a model's, or
                                             stands first in its source, is the chosen one; null
                                             where no pair differs. 0.5 gives nothing away.
    """
    chars = signs["chars"][mask]
    out: dict[str, Any] = {
        "pairs": len(chars),
        "mean_chars": _sides(chars.mean(axis=0), 1),
        "median_chars": _sides(np.median(chars, axis=0), 1),
        "longer_wins": _wins(chars),
        "first_wins": _wins(-signs["place"][mask]),
        "model_wins": _wins(signs["model"][mask].astype(np.int64)),
        "thinks": _sides(signs["thinks"][mask].mean(axis=0), 4),
        "thinks_wins": _wins(signs["thinks"][mask].astype(np.int64)),
    }
    for name in ("markdown", "polite"):
        has = signs[name][mask]
        out[name] = _sides(has.mean(axis=0), 4)
        out[f"{name}_wins"] = _wins(has.astype(np.int64))
    return out


def _sides(values: np.ndarray, digits: int) -> dict[str, float]:
    chosen, rejected = (round(float(v), digits) for v in values)
    return {"chosen": chosen, "rejected": rejected}


def _wins(values: np.ndarray) -> float | None:
    more = values[:, 0] - values[:, 1]
    differ = np.count_nonzero(more)
    return round(float(np.count_nonzero(more > 0) / differ), 4) if differ else None

"""The figures behind the charts, from what a build wrote: chart name -> rows of plain values and a
sentence that says what they show.

    waterfall    records in, dropped by each stage, and in a config
    rules        records dropped, by rule
    domains      records kept and dropped, by source, the sources of a domain together
    lengths      rows by length, of each config
    departments  rows of the configs of conversations, by the first level of their department
    clusters     clusters of duplicates by size
    overlap      pairs of sources that share clusters of near-duplicates
    bias         how often the longer reply is the chosen one

Every row of a chart with bars has ``order`` (its line, int, from 0), ``label`` (what stands before
it), ``start`` and ``end`` (of its bar, in the chart's unit) and ``figure`` (what is written behind
its bar; "" for a part that is not the last of its line); where that is long, ``short`` is for a
narrow chart. The other values are those that a click filters by, and those of the tooltip. A chart
without figures has no rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..built.bias import LongerWins, longer_wins
from ..built.dataset import Built
from ..built.manifest import Manifest
from ..built.reasons import reason
from ..built.statistics import LENGTH_EDGES, Statistics
from ..stages import place_of
from ..stages.near.components import join

Row = dict[str, Any]


class Told(NamedTuple):
    """The rows of a chart, and one sentence with figures that says what they show."""

    rows: list[Row]
    says: str


NOTHING = Told([], "")
RULES, DEPARTMENTS, PAIRS = 15, 20, 12
"""At most so many rules, departments and pairs of sources have a line of their own."""
BIAS_DEPARTMENTS, FEWEST_PAIRS = 12, 20
"""At most so many departments in the chart of bias, each with at least so many pairs."""
CLUSTER_EDGES = (2, 3, 4, 5, 10, 20, 50, 100)
"""Lower edges of the cluster sizes, in records; the last bin is open."""
MIDDLE, NEARLY_ALL = 0.5, 0.99
"""The shares of the rows of a config that the chart of lengths marks."""
GAP = 1
"""Empty lines before a heading that is not the first."""
LEVEL = ">"
"""What parts the levels of a department: 内科>心血管内科."""
_LEVEL = re.compile(r"[>＞]")


def figures(built: Built, statistics: Statistics) -> dict[str, Told]:
    """Return the figures of every chart, in the order of a page."""
    manifest = built.manifest
    return {
        "waterfall": waterfall(manifest),
        "rules": rules(manifest),
        "domains": domains(manifest),
        "lengths": lengths(statistics),
        "departments": departments(statistics),
        "clusters": clusters(built.ledger("dropped", ["twin"])["twin"]),
        "overlap": overlap(built),
        "bias": bias(built),
    }


def percent(part: float, whole: float) -> str:
    """Return a share in words: never 0% of something, never 100% of what is not all.

    >>> [percent(*pair) for pair in ((1, 3), (1, 9_000), (8_999, 9_000), (0, 5), (5, 5))]
    ['33.3%', '<0.1%', '>99.9%', '0%', '100%']
    """
    if not whole or part == 0:
        return "0%"
    if part == whole:
        return "100%"
    share = part / whole
    return "<0.1%" if share < 0.0005 else ">99.9%" if share >= 0.9995 else f"{share:.1%}"


def first_level(department: str) -> str:
    """Return the first level of a department's name: 皮肤科 of 皮肤科>过敏."""
    return _LEVEL.split(department)[0].strip() or department


def _many(n: int, one: str, more: str = "") -> str:
    return f"{n:,} {one if n == 1 else more or one + 's'}"


# --- records in, dropped, kept -----------------------------------------------------------------


def _lost(manifest: Manifest) -> Counter[tuple[str, str]]:
    """Return (stage, rule) -> records dropped."""
    lost: Counter[tuple[str, str]] = Counter()
    for stages in manifest["dropped"].values():
        for stage, of_stage in stages.items():
            lost.update({(stage, rule): n for rule, n in of_stage.items() if n})
    return lost


def _came_in(manifest: Manifest) -> int:
    return sum(source["in"] for source in manifest["sources"])


def waterfall(manifest: Manifest) -> Told:
    """Steps from the records that came in to those in a config, a step for each stage that dropped
    any; each from ``start`` to ``end``."""
    lost, total = _lost(manifest), _came_in(manifest)
    if not total:
        return NOTHING
    by_stage: Counter[str] = Counter()
    for (stage, _), n in lost.items():
        by_stage[stage] += n
    ran = {stage: k for k, stage in enumerate(("read", "takedown", *manifest.get("stages", {})))}
    ranked = sorted(by_stage, key=lambda stage: (ran.get(stage, len(ran)), place_of(stage)))
    rows = [_step("came in", "records", "", 0, total, f"{total:,}", total, "")]
    left = total
    for stage in ranked:
        n = by_stage[stage]
        name = f"no row in {stage}" if stage in manifest["configs"] else stage
        largest = max((key for key in lost if key[0] == stage), key=lambda key: (lost[key], key))
        why = f"mostly {largest[1]} ({lost[largest]:,}): {reason(*largest)}"
        figure = f"−{n:,} ({percent(n, total)})"
        rows.append(_step(name, "dropped", stage, left - n, left, figure, n, why))
        left -= n
    rows.append(_step("kept", "kept", "", 0, left, f"{left:,} ({percent(left, total)})", left, ""))
    says = f"Of {_many(total, 'record')} that came in, {left:,} ({percent(left, total)}) are kept"
    if by_stage:
        most = max(ranked, key=lambda stage: by_stage[stage])
        says += f"; the stage {most} dropped most, {by_stage[most]:,} "
        says += f"({percent(by_stage[most], total)} of all)"
    return Told([{**row, "order": k} for k, row in enumerate(rows)], f"{says}.")


def _step(
    label: str, kind: str, stage: str, start: int, end: int, figure: str, n: int, why: str
) -> Row:
    return {"label": label, "kind": kind, "stage": stage, "start": start, "end": end,
            "figure": figure, "records": n, "why": why}  # fmt: skip


def rules(manifest: Manifest) -> Told:
    """Records dropped, by rule, the largest first."""
    lost, total = _lost(manifest), _came_in(manifest)
    gone = sum(lost.values())
    ranked = sorted(lost, key=lambda key: (-lost[key], place_of(key[0]), key[1]))
    rows: list[Row] = [
        {"order": k, "label": f"{stage}: {rule}", "stage": stage, "rule": rule, "kind": "dropped",
         "start": 0, "end": lost[stage, rule], "records": lost[stage, rule],
         "figure": f"{lost[stage, rule]:,} ({percent(lost[stage, rule], total)})",
         "why": reason(stage, rule)}
        for k, (stage, rule) in enumerate(ranked[:RULES])
    ]  # fmt: skip
    if not rows:
        return NOTHING
    first = rows[0]
    says = (
        f"{_many(len(ranked), 'rule')} dropped {_many(gone, 'record')}; {first['label']} dropped "
        f"most, {first['records']:,} ({percent(first['records'], total)} of all that came in)"
    )
    if rest := ranked[RULES:]:
        says += f"; the other {_many(len(rest), 'rule')}, without a bar, dropped "
        says += f"{sum(lost[key] for key in rest):,}"
    return Told(rows, f"{says}.")


def domains(manifest: Manifest) -> Told:
    """Records kept and dropped, by source; the sources of a domain stand below its sum."""
    sources = manifest["sources"]
    total = _came_in(manifest)
    if not total:
        return NOTHING
    rows: list[Row] = []
    order = -GAP
    for domain in dict.fromkeys(source["domain"] for source in sources):
        order += GAP
        mine = [source for source in sources if source["domain"] == domain]
        came, out = (sum(source[key] for source in mine) for key in ("in", "out"))
        head = {
            "order": order,
            "label": f"domain {domain}",
            "head": True,
            "domain": domain,
            "source": "",
        }
        rows.append({**head, "start": 0, "end": 0, "records": came, "kind": "kept",
                     "figure": f"{out:,} of {came:,} kept ({percent(out, came)})",
                     "short": f"{out:,} ({percent(out, came)})"})  # fmt: skip
        order += 1
        for source in sorted(mine, key=lambda source: (-source["in"], source["name"])):
            came, out = source["in"], source["out"]
            line = {"order": order, "label": source["name"], "source": source["name"],
                    "domain": domain}  # fmt: skip
            rows += [
                {**line, "kind": "kept", "list": "rows", "start": 0, "end": out, "records": out,
                 "figure": ""},
                {**line, "kind": "dropped", "list": "drops", "start": out, "end": came,
                 "records": came - out,
                 "figure": f"{out:,} of {came:,} kept ({percent(out, came)})",
                 "short": f"{out:,} ({percent(out, came)})"},
            ]  # fmt: skip
            order += 1
    most = max(sources, key=lambda source: source["in"])
    says = (
        f"Source {most['name']} is the largest of {len(sources)}, with {most['in']:,} of "
        f"{_many(total, 'record')} ({percent(most['in'], total)})"
    )
    losing = [source for source in sources if source["dropped"]]
    if losing:
        worst = max(losing, key=lambda source: source["dropped"] / source["in"])
        says += (
            f"; {worst['name']} loses the greatest share, {worst['dropped']:,} of {worst['in']:,} "
            f"({percent(worst['dropped'], worst['in'])})"
        )
    return Told(rows, f"{says}.")


# --- rows --------------------------------------------------------------------------------------


def lengths(statistics: Statistics) -> Told:
    """Rows by length in characters, of each config from its first to its last bin that holds any;
    ``end`` is the share (0 to 1) of the config's rows.

    The statistics count bins: the median row is in the bin that is marked, no more is known.
    """
    rows: list[Row] = []
    said = []
    order = -GAP
    for config, splits in statistics.items():
        total, counts = splits["all"]["rows"], splits["all"]["lengths"]
        if not total:
            continue
        order += GAP
        sums = np.cumsum(counts)
        middle, high = (int(np.searchsorted(sums, p * total)) for p in (MIDDLE, NEARLY_ALL))
        rows.append({"order": order, "label": config, "head": True, "config": config, "start": 0,
                     "end": 0, "figure": _many(total, "row"), "rows": total})  # fmt: skip
        held = np.flatnonzero(counts)
        for k in range(held[0], held[-1] + 1):
            order += 1
            marks = [name for name, at in (("median", middle), ("99%", high)) if at == k]
            mark = f"  ◆ {', '.join(marks)}" if marks else ""
            rows.append(
                {"order": order, "label": _bin(LENGTH_EDGES, k), "config": config, "start": 0,
                 "end": counts[k] / total, "rows": counts[k], "length": _bin(LENGTH_EDGES, k),
                 "least": LENGTH_EDGES[k], "most": _upper(LENGTH_EDGES, k),
                 "figure": f"{counts[k]:,} ({percent(counts[k], total)}){mark}"}
            )  # fmt: skip
        order += 1
        top = _upper(LENGTH_EDGES, high)
        bound = f"at most {top:,}" if top is not None else f"{LENGTH_EDGES[high]:,} or more"
        said.append(f"{_bin(LENGTH_EDGES, middle)} in {config} (99% have {bound})")
    if not rows:
        return NOTHING
    return Told(rows, f"The median row has this many characters: {'; '.join(said)}.")


def _bin(edges: tuple[int, ...], k: int) -> str:
    low, high = edges[k], _upper(edges, k)
    if high is None:
        return f"{low:,}+"
    return f"{low:,}" if high == low else f"{low:,}–{high:,}"


def _upper(edges: tuple[int, ...], k: int) -> int | None:
    """Return the largest value of a bin, None for the open one."""
    return edges[k + 1] - 1 if k + 1 < len(edges) else None


def departments(statistics: Statistics) -> Told:
    """Rows by the first level of their department and by config, the largest first; then, as
    figures without a bar, the smaller departments and the rows that have none."""
    by_config = {
        config: statistics[config]["all"]["department"]
        for config in ("sft", "preference", "unpaired", "exam")
        if config in statistics and statistics[config]["all"]["department"]
    }
    total = sum(sum(names.values()) for names in by_config.values())
    levels: dict[str, dict[str, Counter[str]]] = {}
    for config, counts in by_config.items():
        for name, n in counts.items():
            if name:
                within = levels.setdefault(
                    first_level(name), {"configs": Counter(), "names": Counter()}
                )
                within["configs"][config] += n
                within["names"][name] += n
    if not levels:
        return NOTHING
    sums = {level: of["configs"].total() for level, of in levels.items()}
    ranked = sorted(sums, key=lambda level: (-sums[level], level))
    rows: list[Row] = []
    for order, level in enumerate(ranked[:DEPARTMENTS]):
        figure = f"{sums[level]:,} ({percent(sums[level], total)})"
        line = {"order": order, "label": level, "department": level,
                "names": _largest(levels[level]["names"])}  # fmt: skip
        start = 0
        for config in by_config:
            if n := levels[level]["configs"][config]:
                last = start + n == sums[level]
                rows.append({**line, "config": config, "start": start, "end": start + n,
                             "rows": n, "figure": figure if last else ""})  # fmt: skip
                start += n
    named, smaller = sum(sums.values()), ranked[DEPARTMENTS:]
    aside = {
        _many(len(smaller), "smaller one"): sum(sums[level] for level in smaller),
        "no department": total - named,
    }
    for label, n in aside.items():
        if n:
            rows.append(
                {"order": rows[-1]["order"] + 1, "label": label, "department": "", "config": "",
                 "names": "", "start": 0, "end": 0, "rows": n, "aside": True,
                 "figure": f"{n:,} ({percent(n, total)}), no bar"}
            )  # fmt: skip
    largest = ranked[0]
    says = (
        f"{named:,} of {_many(total, 'row')} ({percent(named, total)}) of {_and(by_config)} name "
        f"one of {_many(len(ranked), 'department')}; the largest is {largest} with "
        f"{sums[largest]:,} ({percent(sums[largest], total)})"
    )
    return Told(rows, f"{says}.")


def _largest(names: Counter[str], most: int = 6) -> str:
    """Return the most frequent names with their numbers, and how many more there are."""
    told = ", ".join(f"{name} {n:,}" for name, n in names.most_common(most))
    return told + (f" and {len(names) - most} more" if len(names) > most else "")


def _and(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


# --- duplicates --------------------------------------------------------------------------------


def clusters(twins: pa.ChunkedArray) -> Told:
    """Clusters by size: a kept record with all the records that it stands for. ``end`` counts
    records: one of each cluster was kept."""
    counts = pc.value_counts(twins.drop_null()).field("counts").to_numpy() + 1
    if not len(counts):
        return NOTHING
    which = np.searchsorted(CLUSTER_EDGES, counts, side="right") - 1
    rows: list[Row] = []
    for k in range(which.max() + 1):
        here = counts[which == k]
        n, records = len(here), int(here.sum())
        size = _bin(CLUSTER_EDGES, k)
        line = {"order": k, "label": f"{size} records", "size": size, "clusters": n,
                "stage": "deduplicate"}  # fmt: skip
        figure = f"{_many(n, 'cluster')}: {records - n:,} dropped" if n else "none"
        rows += [
            {**line, "kind": "kept", "start": 0, "end": n, "records": n, "figure": ""},
            {**line, "kind": "dropped", "start": n, "end": records, "records": records - n,
             "figure": figure, "short": f"{records - n:,} dropped" if n else "none"},
        ]  # fmt: skip
    gone = int(counts.sum()) - len(counts)
    pairs = int(np.count_nonzero(counts == 2))
    says = (
        f"{_many(gone, 'record')} went as duplicates of {len(counts):,} that were kept: "
        f"{_many(pairs, 'cluster')} ({percent(pairs, len(counts))}) of two records, and the "
        f"largest of {int(counts.max()):,}."
    )
    return Told(rows, says)


def overlap(built: Built) -> Told:
    """Pairs of sources by the clusters of near-duplicates that hold records of both.

    A cluster is a kept record with the records that were dropped for it, and with the kept ones
    that are near it and differ in something of weight.
    """
    cluster, source = _clustered(built)
    if not len(cluster):
        return NOTHING
    (number, held), records = np.unique(
        np.stack([cluster, source]), axis=1, return_counts=True
    )  # sorted by cluster: the sources of each stand side by side
    ends = np.flatnonzero(np.diff(number, append=-1)) + 1
    starts = np.concatenate([[0], ends[:-1]])
    several = np.flatnonzero(ends - starts > 1)
    shared: Counter[tuple[int, int]] = Counter()
    inside: Counter[tuple[int, int]] = Counter()
    for start, end in zip(starts[several].tolist(), ends[several].tolist(), strict=True):
        for one, other in combinations(range(start, end), 2):
            pair = int(held[one]), int(held[other])
            shared[pair] += 1
            inside[pair] += int(records[one] + records[other])
    if not shared:
        return NOTHING
    names = [one["name"] for one in built.manifest["sources"]]
    ranked = sorted(shared, key=lambda pair: (-shared[pair], pair))
    rows: list[Row] = [
        {"order": k, "label": f"{names[one]} + {names[other]}", "kind": "records", "start": 0,
         "end": shared[one, other], "clusters": shared[one, other],
         "records": inside[one, other], "source": names[other], "other": names[one],
         "stage": "deduplicate",
         "figure": f"{_many(shared[one, other], 'cluster')} "
                   f"({percent(shared[one, other], len(ends))})"}
        for k, (one, other) in enumerate(ranked[:PAIRS])
    ]  # fmt: skip
    first = rows[0]
    says = (
        f"{len(several):,} of {_many(len(ends), 'cluster')} of near-duplicates "
        f"({percent(len(several), len(ends))}) hold records of several sources; two sources share "
        f"at most {first['clusters']:,} ({first['other']} and {first['source']}: "
        f"{_many(first['records'], 'record')})"
    )
    if rest := ranked[PAIRS:]:
        says += f"; {_many(len(rest), 'more pair')} of sources, without a bar, share no more"
    return Told(rows, f"{says}.")


def _clustered(built: Built) -> tuple[np.ndarray, np.ndarray]:
    """Return int64[n] twice: of each record that is in a cluster, the cluster's number and the
    source's place in the manifest."""
    names = pq.read_schema(built.folder / "ledger" / "kept.parquet").names
    near = ["near"] if "near" in names else []  # there where near-duplicates are weighed
    kept = built.ledger("kept", ["id", "source", *near])
    dropped = built.ledger("dropped", ["id", "source", "twin"])
    ids, of = (
        pa.chunked_array([*kept[name].chunks, *dropped[name].chunks], pa.string())
        for name in ("id", "source")
    )
    beside = kept["near"].chunks if near else [pa.nulls(len(kept), pa.string())]
    other = pa.chunked_array([*beside, *dropped["twin"].chunks], pa.string())
    linked = pc.index_in(other, value_set=ids.combine_chunks())
    left = np.flatnonzero(linked.is_valid().to_numpy())
    right = linked.drop_null().to_numpy().astype(np.int64)
    root = join(np.arange(len(ids)), left, right)
    members = np.unique(np.concatenate([left, right]))
    places = pa.array([source["name"] for source in built.manifest["sources"]])
    source = pc.index_in(of, value_set=places).to_numpy().astype(np.int64)
    return root[members], source[members]


# --- preferences -------------------------------------------------------------------------------


def bias(built: Built) -> Told:
    """How often the longer reply is the chosen one: all pairs, by origin, by department; each with
    the 95 % interval of its share and the pairs that differ in length."""
    files = [built.folder / entry["file"] for config, _, entry in built.files()
             if config == "preference"]  # fmt: skip
    found = longer_wins(files, first_level)
    every = found["all"].get("all")
    if every is None:
        return NOTHING
    parts = [[_interval("all pairs", every, {"head": True})]]
    origins = found["origin"]
    if len(origins) > 1:
        mine = [_interval(name, one, {"origin": name}) for name, one in sorted(origins.items())]
        parts.append([_heading("by origin"), *mine])
    by_pairs = sorted(found["department"].items(), key=lambda item: (-item[1].differ, item[0]))
    enough = [(name, one) for name, one in by_pairs if one.differ >= FEWEST_PAIRS]
    if enough:
        mine = [_interval(n, one, {"department": n}) for n, one in enough[:BIAS_DEPARTMENTS]]
        parts.append([_heading("by department"), *mine])
    says = (
        f"The longer reply is the chosen one in {every.share:.1%} of the "
        f"{_many(every.differ, 'pair')} whose replies differ in length (95% interval "
        f"{every.low:.1%} to {every.high:.1%}); 50% gives nothing away"
    )
    rows = [
        {**row, "order": k + GAP * number}
        for k, (number, row) in enumerate((n, row) for n, part in enumerate(parts) for row in part)
    ]
    return Told(rows, f"{says}.")


def _heading(label: str) -> Row:
    return {"label": label, "head": True, "share": None, "low": None, "high": None, "figure": ""}


def _interval(label: str, one: LongerWins, keys: Mapping[str, Any]) -> Row:
    figure = f"{one.share:.1%} ({one.low:.0%}–{one.high:.0%}), n = {one.differ:,}"
    return {"label": label, "config": "preference", "origin": "", "department": "",
            "share": one.share, "low": one.low, "high": one.high, "pairs": one.differ,
            "figure": figure, "short": f"{one.share:.0%}, n = {one.differ:,}", **keys}  # fmt: skip

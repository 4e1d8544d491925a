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
from ..lang import N_, _
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


_MANY = {
    "record": (N_("{n:,} record"), N_("{n:,} records")),
    "rule": (N_("{n:,} rule"), N_("{n:,} rules")),
    "row": (N_("{n:,} row"), N_("{n:,} rows")),
    "pair": (N_("{n:,} pair"), N_("{n:,} pairs")),
    "more pair": (N_("{n:,} more pair"), N_("{n:,} more pairs")),
    "cluster": (N_("{n:,} cluster"), N_("{n:,} clusters")),
    "department": (N_("{n:,} department"), N_("{n:,} departments")),
    "smaller one": (N_("{n:,} smaller one"), N_("{n:,} smaller ones")),
}


def _many(n: int, what: str) -> str:
    return _(_MANY[what][n != 1]).format(n=n)


def _sentence(*parts: str) -> str:
    """Return one sentence of parts that could each be one."""
    return _("; ").join(part for part in parts if part) + _(".")


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
    for (stage, _rule), n in lost.items():
        by_stage[stage] += n
    ran = {stage: k for k, stage in enumerate(("read", "takedown", *manifest.get("stages", {})))}
    ranked = sorted(by_stage, key=lambda stage: (ran.get(stage, len(ran)), place_of(stage)))
    rows = [_step(_("came in"), "records", "", 0, total, f"{total:,}", total, "")]
    left = total
    for stage in ranked:
        n = by_stage[stage]
        name = stage
        if stage in manifest["configs"]:
            name = _("no row in {config}").format(config=stage)
        largest = max((key for key in lost if key[0] == stage), key=lambda key: (lost[key], key))
        why = _("mostly {rule} ({records:,}): {reason}").format(
            rule=largest[1], records=lost[largest], reason=reason(*largest)
        )
        figure = f"−{n:,} ({percent(n, total)})"
        rows.append(_step(name, "dropped", stage, left - n, left, figure, n, why))
        left -= n
    rows.append(
        _step(_("kept"), "kept", "", 0, left, f"{left:,} ({percent(left, total)})", left, "")
    )
    says = _("Of {records} that came in, {kept:,} ({share}) are kept").format(
        records=_many(total, "record"), kept=left, share=percent(left, total)
    )
    more = ""
    if by_stage:
        most = max(ranked, key=lambda stage: by_stage[stage])
        more = _("the stage {stage} dropped most, {records:,} ({share} of all)").format(
            stage=most, records=by_stage[most], share=percent(by_stage[most], total)
        )
    return Told([{**row, "order": k} for k, row in enumerate(rows)], _sentence(says, more))


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
    says = [
        _("{rules} dropped {records}").format(
            rules=_many(len(ranked), "rule"), records=_many(gone, "record")
        ),
        _("{rule} dropped most, {records:,} ({share} of all that came in)").format(
            rule=first["label"],
            records=first["records"],
            share=percent(first["records"], total),
        ),
    ]
    if rest := ranked[RULES:]:
        lost_to_rest = sum(lost[key] for key in rest)
        says.append(
            _("the other {rules}, without a bar, dropped {records:,}").format(
                rules=_many(len(rest), "rule"), records=lost_to_rest
            )
        )
    return Told(rows, _sentence(*says))


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
            "label": _("domain {domain}").format(domain=domain),
            "head": True,
            "domain": domain,
            "source": "",
        }
        rows.append({**head, "start": 0, "end": 0, "records": came, "kind": "kept",
                     "figure": _kept_of(out, came),
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
                 "figure": _kept_of(out, came),
                 "short": f"{out:,} ({percent(out, came)})"},
            ]  # fmt: skip
            order += 1
    most = max(sources, key=lambda source: source["in"])
    says = _(
        "Source {source} is the largest of {sources}, with {came:,} of {records} ({share})"
    ).format(
        source=most["name"],
        sources=len(sources),
        came=most["in"],
        records=_many(total, "record"),
        share=percent(most["in"], total),
    )
    losing, more = [source for source in sources if source["dropped"]], ""
    if losing:
        worst = max(losing, key=lambda source: source["dropped"] / source["in"])
        more = _("{source} loses the greatest share, {dropped:,} of {came:,} ({share})").format(
            source=worst["name"],
            dropped=worst["dropped"],
            came=worst["in"],
            share=percent(worst["dropped"], worst["in"]),
        )
    return Told(rows, _sentence(says, more))


def _kept_of(out: int, came: int) -> str:
    return _("{kept:,} of {came:,} kept ({share})").format(
        kept=out, came=came, share=percent(out, came)
    )


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
            marks = [name for name, at in ((_("median"), middle), ("99%", high)) if at == k]
            mark = f"  ◆ {_(', ').join(marks)}" if marks else ""
            rows.append(
                {"order": order, "label": _bin(LENGTH_EDGES, k), "config": config, "start": 0,
                 "end": counts[k] / total, "rows": counts[k], "length": _bin(LENGTH_EDGES, k),
                 "least": LENGTH_EDGES[k], "most": _upper(LENGTH_EDGES, k),
                 "figure": f"{counts[k]:,} ({percent(counts[k], total)}){mark}"}
            )  # fmt: skip
        order += 1
        top = _upper(LENGTH_EDGES, high)
        if top is not None:
            one = _("{median} in {config} (99% have at most {most:,})")
        else:
            one = _("{median} in {config} (99% have {least:,} or more)")
        said.append(
            one.format(
                median=_bin(LENGTH_EDGES, middle), config=config, most=top, least=LENGTH_EDGES[high]
            )
        )
    if not rows:
        return NOTHING
    says = _("The median row has this many characters: {figures}.")
    return Told(rows, says.format(figures=_("; ").join(said)))


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
        _("no department"): total - named,
    }
    for label, n in aside.items():
        if n:
            rows.append(
                {"order": rows[-1]["order"] + 1, "label": label, "department": "", "config": "",
                 "names": "", "start": 0, "end": 0, "rows": n, "aside": True,
                 "figure": _("{n:,} ({share}), no bar").format(n=n, share=percent(n, total))}
            )  # fmt: skip
    largest = ranked[0]
    says = _("{named:,} of {rows} ({share}) of {configs} name one of {departments}").format(
        named=named,
        rows=_many(total, "row"),
        share=percent(named, total),
        configs=_and(by_config),
        departments=_many(len(ranked), "department"),
    )
    more = _("the largest is {department} with {rows:,} ({share})").format(
        department=largest, rows=sums[largest], share=percent(sums[largest], total)
    )
    return Told(rows, _sentence(says, more))


def _largest(names: Counter[str], most: int = 6) -> str:
    """Return the most frequent names with their numbers, and how many more there are."""
    told = _(", ").join(f"{name} {n:,}" for name, n in names.most_common(most))
    if len(names) <= most:
        return told
    return _("{names} and {more} more").format(names=told, more=len(names) - most)


def _and(names: Iterable[str]) -> str:
    *first, last = names
    if not first:
        return last
    return _("{names} and {last}").format(names=_(", ").join(first), last=last)


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
        label, gone_of_it = _("{size} records").format(size=size), _("none")
        line = {"order": k, "label": label, "size": size, "clusters": n,
                "stage": "deduplicate"}  # fmt: skip
        figure = gone_of_it
        if n:
            gone_of_it = _("{records:,} dropped").format(records=records - n)
            figure = _("{clusters}: {records:,} dropped").format(
                clusters=_many(n, "cluster"), records=records - n
            )
        rows += [
            {**line, "kind": "kept", "start": 0, "end": n, "records": n, "figure": ""},
            {**line, "kind": "dropped", "start": n, "end": records, "records": records - n,
             "figure": figure, "short": gone_of_it},
        ]  # fmt: skip
    gone = int(counts.sum()) - len(counts)
    pairs = int(np.count_nonzero(counts == 2))
    says = _(
        "{records} went as duplicates of {kept:,} that were kept: {clusters} ({share}) of two "
        "records, and the largest of {largest:,}."
    ).format(
        records=_many(gone, "record"),
        kept=len(counts),
        clusters=_many(pairs, "cluster"),
        share=percent(pairs, len(counts)),
        largest=int(counts.max()),
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
    says = [
        _(
            "{several:,} of {clusters} of near-duplicates ({share}) hold records of several sources"
        ).format(
            several=len(several),
            clusters=_many(len(ends), "cluster"),
            share=percent(len(several), len(ends)),
        ),
        _("two sources share at most {clusters:,} ({one} and {other}: {records})").format(
            clusters=first["clusters"],
            one=first["other"],
            other=first["source"],
            records=_many(first["records"], "record"),
        ),
    ]
    if rest := ranked[PAIRS:]:
        says.append(
            _("{pairs} of sources, without a bar, share no more").format(
                pairs=_many(len(rest), "more pair")
            )
        )
    return Told(rows, _sentence(*says))


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
    files = [built.folder / entry["file"] for config, _split, entry in built.files()
             if config == "preference"]  # fmt: skip
    found = longer_wins(files, first_level)
    every = found["all"].get("all")
    if every is None:
        return NOTHING
    parts = [[_interval(_("all pairs"), every, {"head": True})]]
    origins = found["origin"]
    if len(origins) > 1:
        mine = [_interval(name, one, {"origin": name}) for name, one in sorted(origins.items())]
        parts.append([_heading(_("by origin")), *mine])
    by_pairs = sorted(found["department"].items(), key=lambda item: (-item[1].differ, item[0]))
    enough = [(name, one) for name, one in by_pairs if one.differ >= FEWEST_PAIRS]
    if enough:
        mine = [_interval(n, one, {"department": n}) for n, one in enough[:BIAS_DEPARTMENTS]]
        parts.append([_heading(_("by department")), *mine])
    says = _(
        "The longer reply is the chosen one in {share:.1%} of the {pairs} whose replies differ in "
        "length (95% interval {low:.1%} to {high:.1%}); 50% gives nothing away."
    ).format(share=every.share, pairs=_many(every.differ, "pair"), low=every.low, high=every.high)
    rows = [
        {**row, "order": k + GAP * number}
        for k, (number, row) in enumerate((n, row) for n, part in enumerate(parts) for row in part)
    ]
    return Told(rows, says)


def _heading(label: str) -> Row:
    return {"label": label, "head": True, "share": None, "low": None, "high": None, "figure": ""}


def _interval(label: str, one: LongerWins, keys: Mapping[str, Any]) -> Row:
    figure = f"{one.share:.1%} ({one.low:.0%}–{one.high:.0%}), n = {one.differ:,}"
    return {"label": label, "config": "preference", "origin": "", "department": "",
            "share": one.share, "low": one.low, "high": one.high, "pairs": one.differ,
            "figure": figure, "short": f"{one.share:.0%}, n = {one.differ:,}", **keys}  # fmt: skip

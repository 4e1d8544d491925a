"""The figures behind the plots, from what a build wrote: chart name -> rows of plain values.

    departments  rows of sft, preference, unpaired and exam by department
    lengths      rows by length, for each config
    domains      rows by source and domain
    waterfall    records in, dropped by each rule, out
    clusters     clusters of duplicates by size
    bias         how often the longer reply is the chosen one

A chart without figures has an empty list.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..built.dataset import Built
from ..built.manifest import Manifest
from ..built.statistics import LENGTH_EDGES, Statistics
from ..stages import place_of

Row = dict[str, Any]
DEPARTMENTS, RULES = 20, 18
"""At most so many departments and rules have a bar of their own."""
CLUSTER_EDGES = (2, 3, 4, 5, 10, 20, 50, 100)
"""Lower edges of the cluster sizes; the last bin is open."""


def figures(built: Built, statistics: Statistics) -> dict[str, list[Row]]:
    """Return the figures of every chart."""
    return {
        "departments": departments(statistics),
        "lengths": lengths(statistics),
        "domains": domains(built),
        "waterfall": waterfall(built.manifest),
        "clusters": clusters(built.ledger("dropped", ["twin"])["twin"]),
        "bias": bias(built.manifest),
    }


def departments(statistics: Statistics) -> list[Row]:
    """Rows by department and config; the smaller departments in one."""
    by_config = {
        config: {d: n for d, n in statistics[config]["all"]["department"].items() if d}
        for config in ("sft", "preference", "unpaired", "exam")
        if config in statistics
    }
    total = sum((Counter(counts) for counts in by_config.values()), Counter())
    ranked = sorted(total, key=lambda d: (-total[d], d))
    largest, rest = ranked[:DEPARTMENTS], ranked[DEPARTMENTS:]
    names = [*largest, *([f"其他 ({len(rest)} more)"] if rest else [])]
    out = []
    for config, counts in by_config.items():
        values = [counts.get(d, 0) for d in largest] + ([sum(counts.get(d, 0) for d in rest)])
        out += [
            {"department": name, "config": config, "rows": n, "order": k}
            for k, (name, n) in enumerate(zip(names, values, strict=False))
            if n
        ]
    return out


def lengths(statistics: Statistics) -> list[Row]:
    """Rows by length in characters; ``share`` is of the config's rows."""
    return [
        {"config": config, "length": _bin(LENGTH_EDGES, k), "from": _edge(LENGTH_EDGES, k),
         "order": k, "rows": n, "share": n / splits["all"]["rows"]}
        for config, splits in statistics.items()
        for k, n in enumerate(splits["all"]["lengths"])
        if splits["all"]["rows"]
    ]  # fmt: skip


def _bin(edges: tuple[int, ...], k: int) -> str:
    low = edges[k]
    if k + 1 == len(edges):
        return f"{low:,}+"
    return f"{low:,}" if edges[k + 1] == low + 1 else f"{low:,}–{edges[k + 1] - 1:,}"


def _edge(edges: tuple[int, ...], k: int) -> str:
    """Return a bin's lower edge, short: 512, 1k, 2k."""
    low = edges[k]
    return f"{low // 1024}k" if low and low % 1024 == 0 else str(low)


def domains(built: Built) -> list[Row]:
    """Rows of all configs by source and domain; a row of preference or unpaired has that of its
    source."""
    stated = {source["name"]: source["domain"] for source in built.manifest["sources"]}
    total: Counter[tuple[str, str]] = Counter()
    for _, _, entry in built.files():
        path = built.folder / entry["file"]
        names = [name for name in ("source", "domain") if name in pq.read_schema(path).names]
        table = pq.read_table(path, columns=names)
        for group in table.group_by(names).aggregate([([], "count_all")]).to_pylist():
            source = group["source"]
            total[source, group.get("domain") or stated[source]] += group["count_all"]
    order = {name: k for k, name in enumerate(stated)}
    return [
        {"source": source, "domain": domain, "rows": n, "order": order[source]}
        for (source, domain), n in sorted(total.items(), key=lambda e: (order[e[0][0]], e[0][1]))
    ]


def waterfall(manifest: Manifest) -> list[Row]:
    """Steps from the records that came in to those that went out, each from start to end."""
    lost: Counter[tuple[str, str]] = Counter()
    for stages in manifest["dropped"].values():
        for stage, rules in stages.items():
            for rule, n in rules.items():
                lost[stage, rule] += n
    largest = set(sorted(lost, key=lambda key: (-lost[key], key))[:RULES])
    steps = [
        (f"{stage}: {rule}", lost[stage, rule])
        for stage, rule in sorted(largest, key=lambda k: (place_of(k[0]), -lost[k], k))
    ]
    others = sum(n for key, n in lost.items() if key not in largest)
    if others:
        steps.append((f"{len(lost) - len(largest)} more rules", others))
    left = sum(source["in"] for source in manifest["sources"])
    out = [{"step": "records in", "kind": "in", "start": 0, "end": left, "records": left}]
    for name, n in steps:
        out.append(
            {"step": name, "kind": "dropped", "start": left - n, "end": left, "records": n}
        )  # fmt: skip
        left -= n
    out.append({"step": "records out", "kind": "out", "start": 0, "end": left, "records": left})
    return [{**step, "order": k} for k, step in enumerate(out)]


def clusters(twins: pa.ChunkedArray) -> list[Row]:
    """Clusters by size: a kept record with all the records that it stands for."""
    counts = pc.value_counts(twins.drop_null()).field("counts").to_numpy() + 1
    which = np.searchsorted(CLUSTER_EDGES, counts, side="right") - 1
    return [
        {
            "size": _bin(CLUSTER_EDGES, k),
            "from": _short(CLUSTER_EDGES, k),
            "order": k,
            "clusters": int(np.count_nonzero(which == k)),
            "records": int(counts[which == k].sum()),
        }
        for k in range(len(CLUSTER_EDGES))
        if len(counts)
    ]


def _short(edges: tuple[int, ...], k: int) -> str:
    """Return a bin's lower edge, with a + where the bin holds more than one size."""
    whole = _bin(edges, k)
    return whole if whole == str(edges[k]) else f"{edges[k]}+"


def bias(manifest: Manifest) -> list[Row]:
    """How often the longer reply is the chosen one: all pairs, by origin, by department."""
    measured = (manifest.get("measured") or {}).get("preference")
    if not measured:
        return []
    groups = [
        ("all", "all pairs", measured["all"]),
        *(("origin", name, f) for name, f in measured["origins"].items()),
        *(("department", name, f) for name, f in list(measured["departments"].items())[:15]),
    ]
    return [
        {"group": name, "kind": kind, "share": f["longer_wins"], "pairs": f["pairs"], "order": k}
        for k, (kind, name, f) in enumerate(groups)
        if f["longer_wins"] is not None
    ]

"""Terminal tables of a build."""

from __future__ import annotations

from typing import Any

from rich.table import Table


def closing(manifest: dict[str, Any], statistics: dict[str, Any]) -> list[Table]:
    """Return the closing tables: the account by source, what was dropped, and the configs."""
    return [account(manifest), drops(manifest), configs(statistics)]


def account(manifest: dict[str, Any]) -> Table:
    """Records in, dropped by stage, and out, by source."""
    stages = sorted({s for found in manifest["dropped"].values() for s in found}, key=_stage_order)
    table = Table(title="Records", title_justify="left")
    table.add_column("source")
    for name in ("in", *stages, "out"):
        table.add_column(name, justify="right")
    totals = [0] * (len(stages) + 2)
    for source in manifest["sources"]:
        found = manifest["dropped"].get(source["name"], {})
        lost = [sum(found.get(stage, {}).values()) for stage in stages]
        figures = [source["in"], *lost, source["out"]]
        totals = [a + b for a, b in zip(totals, figures, strict=True)]
        table.add_row(source["name"], *map(_figure, figures))
    table.add_section()
    table.add_row("all", *map(_figure, totals))
    return table


def drops(manifest: dict[str, Any]) -> Table:
    """Records dropped by stage and rule."""
    total: dict[tuple[str, str], int] = {}
    for stages in manifest["dropped"].values():
        for stage, rules in stages.items():
            for rule, n in rules.items():
                total[stage, rule] = total.get((stage, rule), 0) + n
    table = Table(title="Dropped, by rule", title_justify="left")
    table.add_column("stage")
    table.add_column("rule")
    table.add_column("records", justify="right")
    for (stage, rule), n in sorted(total.items(), key=lambda e: (_stage_order(e[0][0]), -e[1])):
        table.add_row(stage, rule, _figure(n))
    return table


def configs(statistics: dict[str, Any]) -> Table:
    """Rows, characters and words by config and split."""
    table = Table(title="Configs", title_justify="left")
    table.add_column("config")
    table.add_column("split")
    for name in ("rows", "characters", "Chinese characters", "words", "mean length"):
        table.add_column(name, justify="right")
    for config, splits in statistics.items():
        for split, s in splits.items():
            figures = (s["rows"], s["chars"], s["han_chars"], s["words"])
            style = "bold" if split == "all" else None
            table.add_row(
                config, split, *map(_figure, figures), f"{s['mean_length']:,.1f}", style=style
            )
        table.add_section()
    return table


def departments(statistics: dict[str, Any], most: int = 15) -> Table | None:
    """The most frequent departments of sft, or None where there are none."""
    found = statistics.get("sft", {}).get("all", {}).get("department", {})
    named = {name: n for name, n in found.items() if name}
    if not named:
        return None
    table = Table(title="Departments in sft", title_justify="left")
    table.add_column("department")
    table.add_column("rows", justify="right")
    for name, n in list(named.items())[:most]:
        table.add_row(name, _figure(n))
    if len(named) > most:
        table.add_row(f"{len(named) - most} more", _figure(sum(list(named.values())[most:])))
    return table


_ORDER = ("read", "clean", "simplify", "filter", "mask", "decontaminate", "deduplicate")


def _stage_order(stage: str) -> tuple[int, str]:
    return (_ORDER.index(stage) if stage in _ORDER else len(_ORDER)), stage


def _figure(n: int) -> str:
    return f"{n:,}" if n else "·"

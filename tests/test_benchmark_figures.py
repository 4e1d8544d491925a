"""The tables of speed show what the benchmark measured: docs/why/benchmarks.json is what it wrote."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RUN = json.loads((ROOT / "docs" / "why" / "benchmarks.json").read_text("utf-8"))


def named(cell: str) -> str:
    """Return the run of a table's first cell."""
    bare = re.sub(r"`|[,(（].*| \d.*", "", cell).strip()
    return bare.removesuffix(" build")


def rows(path: str) -> dict[str, list[str]]:
    """Return the cells behind the first one of each row of a table that tells of a run."""
    found = {}
    for line in (ROOT / path).read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and named(cells[0]) in RUN and re.match(r"[\d,.]+$", cells[1]):
            assert named(cells[0]) not in found, line
            found[named(cells[0])] = cells[1:]
    return found


def shown(run: dict) -> list[str]:
    seconds, cpu = f"{run['seconds']:,.1f}", f"{run['cpu']:,.1f}"
    return [seconds, cpu, f"{run['peak'] / 1e9:.2f}"]


@pytest.mark.parametrize("path", ["README.md", "README.zh-CN.md"])
def test_the_readmes_rows(path):
    found = rows(path)
    assert set(found) == {"chimed", "datatrove", "data-juicer"}
    for name, cells in found.items():
        run = RUN[name]
        met = 100 - 100 * run["not_met"] / run["planted"]
        assert cells == [*shown(run), f"{run['rows_in'] - run['rows_out']:,}", f"{met:.2f} %"], name


def test_the_pages_rows():
    found = rows("docs/why/benchmarks.md")
    assert set(found) == set(RUN)
    for name, cells in found.items():
        assert cells[:3] == shown(RUN[name]), name


@pytest.mark.parametrize("path", ["README.md", "README.zh-CN.md", "docs/why/benchmarks.md"])
def test_what_is_told_of_them(path):
    """The sentence above the table: seconds, and how many times as long the others take."""
    said = re.sub(r"\s+", " ", (ROOT / path).read_text("utf-8"))
    ours = RUN["chimed"]["seconds"]
    assert re.search(rf" {ours:.0f} (seconds|秒)", said)
    for name in ("datatrove", "data-juicer"):
        times = RUN[name]["seconds"] / ours
        assert re.search(rf" {times:.0f} (times|倍)", said), name

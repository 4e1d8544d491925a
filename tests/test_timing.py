"""Where the time of a build went: as its parts told, and as the commands print it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from chimed_datasets import build, load_recipe, open_built
from chimed_datasets.building.timing import by_source, by_step
from chimed_datasets.cli import app


class Noted:
    """Keeps what parts took; ends the build after so many were read."""

    def __init__(self, most: int | None = None) -> None:
        self.most, self.tasks, self.size = most, [], {}

    def __call__(self, phase, done, total, count):
        if phase == "read" and done == self.most:
            raise KeyboardInterrupt

    def task(self, done):
        self.tasks.append(done)

    def sizes(self, phase, size):
        self.size[phase] = size


def test_each_part_tells_what_it_took(workshop):
    noted = Noted()
    out = workshop / "out"
    manifest = build(load_recipe(workshop / "recipe.yaml"), out, progress=noted)
    phases = [task.phase for task in noted.tasks]
    assert list(dict.fromkeys(phases)) == ["plan", "read", "decide", "write", "close"]
    read = by_source(noted.tasks)
    assert {row["source"]: row["rows"] for row in read} == {
        source["name"]: source["in"] for source in manifest["sources"]
    }
    parts = [task for task in noted.tasks if task.phase == "read"]
    assert noted.size["read"] == sum(task.took.bytes for task in parts)
    written = {f"{config}/{split}" for config, split, _ in open_built(out).files()}
    assert {task.of for task in noted.tasks if task.phase == "write"} == written
    steps = by_step(noted.tasks)
    assert {"parse", "clean", "filter", "mask", "features"} <= {row["step"] for row in steps}
    assert all(row["cpu_seconds"] >= 0 for row in steps)
    assert sum(row["share"] for row in steps) == pytest.approx(1)


def test_parts_of_an_earlier_run_say_so_and_keep_their_figures(workshop):
    recipe, first, then = load_recipe(workshop / "recipe.yaml"), Noted(2), Noted()
    with pytest.raises(KeyboardInterrupt):
        build(recipe, workshop / "out", progress=first)
    build(recipe, workshop / "out", progress=then)
    before = [task for task in then.tasks if task.before]
    took = {task.part: task.took for task in first.tasks if task.phase == "read"}
    assert {task.part: task.took for task in before} == took
    assert len(before) == 2
    assert {task.phase for task in before} == {"read"}


def test_the_command_prints_it_and_logs_it(workshop, monkeypatch):
    monkeypatch.chdir(workshop)
    args = ["build", "--recipe", "recipe.yaml", "--out", "out", "--workers", "1"]
    done = CliRunner().invoke(app, [*args, "--profile", "--log", "json"], env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.output
    assert "CPU time by step" in done.stdout
    assert "Reading, by source" in done.stdout
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    parts = [line for line in lines if "phase" in line]
    assert {"plan", "read", "decide", "write", "close"} == {part["phase"] for part in parts}
    for part in parts:
        assert part["cpu_seconds"] == pytest.approx(sum(part["steps"].values()), abs=0.02)
        assert part["seconds"] >= 0
    assert all(set(line) == {"line"} for line in lines if "phase" not in line)


def test_the_time_is_in_no_file_of_the_dataset(workshop):
    build(load_recipe(workshop / "recipe.yaml"), workshop / "out")
    for path in (workshop / "out").rglob("*.json"):
        assert '"took"' not in path.read_text("utf-8"), path

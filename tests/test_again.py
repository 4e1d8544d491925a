"""The same command again: over a finished build, and over a stopped one whose sources changed."""

from __future__ import annotations

import filecmp
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from chimed_datasets import build, load_recipe, validate
from chimed_datasets.building import checkpoint, origin
from chimed_datasets.building.origin import changed, in_words
from chimed_datasets.cli import app
from chimed_datasets.errors import BuildError
from chimed_datasets.recipe import Recipe, Stages, parse
from tests.common.files import write_jsonl
from tests.common.text import prose


def tree(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def assert_same(one: Path, other: Path) -> None:
    assert tree(one) == tree(other)
    assert filecmp.cmpfiles(one, other, tree(one), shallow=False)[1:] == ([], [])


def edit(workshop: Path, change: Callable[[dict], object]) -> None:
    path = workshop / "recipe.yaml"
    recipe = yaml.safe_load(path.read_text("utf-8"))
    change(recipe)
    path.write_text(yaml.safe_dump(recipe, allow_unicode=True), "utf-8")


def longer(workshop: Path) -> None:
    write_jsonl(workshop / "docs.jsonl", [{"id": i, "text": prose(i, 80)} for i in range(41)])


# --- over a finished build -----------------------------------------------------------------------


def test_nothing_changed(workshop):
    recipe, out, told = load_recipe(workshop / "recipe.yaml"), workshop / "out", []
    first = build(recipe, out)
    before = {name: (out / name).stat().st_mtime_ns for name in tree(out)}
    again = build(recipe, out, workers=2, tell=told.append)
    assert told == [f"{out} is up to date"]
    assert again.manifest == first.manifest
    assert {name: (out / name).stat().st_mtime_ns for name in tree(out)} == before
    assert not list(workshop.glob(".out*"))


def test_on_the_command_line(workshop):
    command = ["build", "--recipe", str(workshop / "recipe.yaml"), "--out", str(workshop / "out")]
    assert CliRunner().invoke(app, command).exit_code == 0
    again = CliRunner().invoke(app, command)
    assert (again.exit_code, again.stdout, again.stderr) == (
        0, f"{workshop / 'out'} is up to date\n", "",
    )  # fmt: skip
    longer(workshop)
    changed = CliRunner().invoke(app, command)
    assert changed.exit_code == 1
    assert changed.stderr.endswith("It is not up to date: the files of source docs changed.\n")
    assert CliRunner().invoke(app, [*command, "--overwrite"]).exit_code == 0
    assert CliRunner().invoke(app, command).stdout.endswith("is up to date\n")


def seed(recipe):
    recipe["seed"] = 1


def domain(recipe):
    recipe["sources"][0]["domain"] = "modern"


def turned_round(recipe):
    recipe["sources"].reverse()


def one_less(recipe):
    del recipe["sources"][2]


def one_more(recipe):
    more = {"name": "more", "layout": "text", "path": "more.txt", "license": "mit"}
    recipe["sources"].append(more)


def without_labels(recipe):
    recipe["stages"] = {"filter": {"min_document_chars": 30}, "split": {"test": 0.2}}


def limits(recipe):
    recipe["builders"] = {"preference": {"balance_length": True}}


def shards(recipe):
    recipe["shard_size"] = 4096


CHANGED = [
    (lambda w: longer(w), "the files of source docs changed"),
    (lambda w: (w / "docs.jsonl").unlink(), "docs.jsonl: there is no such file or folder"),
    (lambda w: edit(w, seed), "seed changed"),
    (lambda w: edit(w, domain), "the recipe entry of source docs changed"),
    (lambda w: edit(w, turned_round), "the order of sources changed"),
    (
        lambda w: edit(w, one_less),
        "the recipe entry of source ranked, the files of source ranked changed",
    ),
    (lambda w: edit(w, without_labels), "stage filter, stage split changed"),
    (lambda w: edit(w, limits), "builders.preference changed"),
    (lambda w: edit(w, shards), "shard_size changed"),
    (
        lambda w: (w / "takedowns.txt").write_text("docs-00000000000000000000\n"),
        "the list of takedowns changed",
    ),
    (lambda w: (w / "out" / "README.md").unlink(), "its README.md is missing"),
    (
        lambda w: (w / "out" / "ledger" / "kept.parquet").write_bytes(b"x"),
        "ledger/kept.parquet: changed since the build (size or sha256 differs)",
    ),
    (lambda w: (w / "out" / "statistics.json").unlink(), "statistics.json: missing"),
    (lambda w: (w / "out" / ".origin.json").unlink(), "it has no .origin.json"),
    (lambda w: (w / "out" / ".origin.json").write_text("[]"), "its .origin.json is damaged"),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Builds are made once: workshop -> its copy with a finished build."""
    made: list[Path] = []

    def copy(workshop: Path) -> Path:
        if not made:
            made.append(tmp_path_factory.mktemp("finished") / "out")
            build(load_recipe(workshop / "recipe.yaml"), made[0])
        shutil.copytree(made[0], workshop / "out")
        return workshop / "out"

    return copy


@pytest.mark.parametrize(("change", "reason"), CHANGED)
def test_what_changed_is_named(workshop, finished, change, reason):
    out = finished(workshop)
    change(workshop)
    with pytest.raises(BuildError) as caught:
        build(load_recipe(workshop / "recipe.yaml"), out)
    start = f"{out} exists: pass --overwrite to replace it, or another --out. It is not up to date:"
    assert str(caught.value).startswith(start)
    assert reason in str(caught.value)


def test_what_another_version_built(workshop, finished, monkeypatch):
    out, library = finished(workshop), checkpoint.library()
    monkeypatch.setattr(checkpoint, "library", lambda: {**library, "pyarrow": "1.0"})
    with pytest.raises(BuildError, match="It is not up to date: pyarrow changed"):
        build(load_recipe(workshop / "recipe.yaml"), out)


def test_an_archive_is_not_unpacked_for_it(workshop, monkeypatch):
    shutil.make_archive(str(workshop / "docs"), "zip", workshop, "docs.jsonl")
    edit(workshop, lambda recipe: recipe["sources"][0].update(path="docs.zip"))
    build(load_recipe(workshop / "recipe.yaml"), workshop / "out")

    def unpack(*_):
        raise AssertionError

    told: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr("chimed_datasets.sources.files.archives.unpack", unpack)
        build(load_recipe(workshop / "recipe.yaml"), workshop / "out", tell=told.append)
        assert told == [f"{workshop / 'out'} is up to date"]
        (workshop / "docs.zip").write_bytes((workshop / "docs.zip").read_bytes() + b"\0")
        with pytest.raises(BuildError, match="the files of source docs changed"):
            build(load_recipe(workshop / "recipe.yaml"), workshop / "out")


def test_an_archive_at_an_address(workshop):
    """It is read through, not over the network a second time while it is built."""
    shutil.make_archive(str(workshop / "docs"), "zip", workshop, "docs.jsonl")
    address = (workshop / "docs.zip").as_uri()
    edit(workshop, lambda recipe: recipe["sources"][0].update(path=address))
    recipe, told = load_recipe(workshop / "recipe.yaml"), []
    build(recipe, workshop / "out")
    build(recipe, workshop / "out", tell=told.append)
    assert told == [f"{workshop / 'out'} is up to date"]
    longer(workshop)
    shutil.make_archive(str(workshop / "docs"), "zip", workshop, "docs.jsonl")
    with pytest.raises(BuildError, match="the files of source docs changed"):
        build(recipe, workshop / "out")


def test_a_foreign_folder_stays(workshop):
    out = workshop / "out"
    out.mkdir()
    with pytest.raises(BuildError, match=r"exists: pass --overwrite .*: it is empty"):
        build(load_recipe(workshop / "recipe.yaml"), out)
    (out / "mine.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(BuildError, match="is not a dataset built by chimed"):
            build(load_recipe(workshop / "recipe.yaml"), out, overwrite=overwrite)
    assert tree(out) == ["mine.txt"]


# --- over a stopped build ------------------------------------------------------------------------


def stop(workshop: Path) -> None:
    """Build all units and shards, and stop before the end."""

    def die(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chimed_datasets.building.run.close", die)
        with pytest.raises(KeyboardInterrupt):
            build(load_recipe(workshop / "recipe.yaml"), workshop / "out")


def go_on(workshop: Path, monkeypatch, **more) -> tuple[list[str], list[str]]:
    """Go on with a stopped build and with a new one beside it, whose bytes must be the same.
    Returns the sources of which anything was read, and what was told."""
    from chimed_datasets.building import prepared

    recipe, read, told = load_recipe(workshop / "recipe.yaml"), [], []
    original = prepared.read_unit

    def noted(chain, unit):
        read.append(unit.source.name)
        return original(chain, unit)

    with monkeypatch.context() as patch:
        patch.setattr(prepared, "read_unit", noted)
        build(recipe, workshop / "out", tell=told.append, **more)
    build(recipe, workshop / "from-scratch", **more)
    assert_same(workshop / "out", workshop / "from-scratch")
    assert validate(workshop / "out") == []
    assert not list(workshop.glob(".out*"))
    return read, told


def also(workshop: Path) -> None:
    (workshop / "more.txt").write_text(f"# 更多\n{prose(7, 90)}\n", "utf-8")
    edit(workshop, one_more)


REST = "; 2 others are taken from the last run"
MENDED = {
    "files": (longer, ["docs"], f"reads again: docs (its files changed){REST}"),
    "entry": (
        lambda w: edit(w, domain), ["docs"],
        f"reads again: docs (its recipe entry changed){REST}",
    ),
    "both": (
        lambda w: (longer(w), edit(w, domain)), ["docs"],
        f"reads again: docs (its recipe entry, its files changed){REST}",
    ),
    "added": (also, ["more"], "going on: 3 of 4 units were finished before"),
    "removed": (lambda w: edit(w, one_less), [], "going on: 2 of 2 units were finished before"),
    "order": (lambda w: edit(w, turned_round), [], "going on: 3 of 3 units were finished before"),
    "order and entry": (
        lambda w: (edit(w, domain), edit(w, turned_round)), ["docs"],
        f"reads again: docs (its recipe entry changed){REST}",
    ),
    "a later stage": (
        lambda w: edit(w, lambda r: r.update(stages={"split": {"test": 0.2}})), [],
        "going on: 3 of 3 units were finished before",
    ),
    "a stage": (
        lambda w: edit(w, without_labels), ["pages", "docs", "ranked"],
        "reads all again: stage filter changed",
    ),
    "features": (
        lambda w: edit(w, lambda r: r.update(stages={"deduplicate": {"bands": 8}})),
        ["pages", "docs", "ranked"], "reads all again: stage deduplicate changed",
    ),
    "takedowns": (
        lambda w: (w / "takedowns.txt").write_text("docs-00000000000000000000\n"),
        ["pages", "docs", "ranked"], "reads all again: the list of takedowns changed",
    ),
    "builders": (lambda w: edit(w, limits), [], "going on: 3 of 3 units were finished before"),
    "shards": (lambda w: edit(w, shards), [], "going on: 3 of 3 units were finished before"),
}  # fmt: skip


@pytest.mark.parametrize(("mend", "read", "line"), MENDED.values(), ids=MENDED)
def test_what_is_read_again(workshop, monkeypatch, mend, read, line):
    stop(workshop)
    mend(workshop)
    found, told = go_on(workshop, monkeypatch)
    assert (found, told[0]) == (read, line)


def test_a_limit_reads_all_again(workshop, monkeypatch):
    stop(workshop)
    read, told = go_on(workshop, monkeypatch, limit=20)
    assert (len(read), told[0]) == (3, "reads all again: --limit changed")


def test_another_version_reads_all_again(workshop, monkeypatch):
    stop(workshop)
    library = checkpoint.library()
    monkeypatch.setattr(checkpoint, "library", lambda: {**library, "pyarrow": "1.0"})
    read, told = go_on(workshop, monkeypatch)
    assert (len(read), told[0]) == (3, "reads all again: pyarrow changed")


def test_a_checkpoint_of_an_older_version_says_so(workshop, monkeypatch):
    stop(workshop)
    for path in (workshop / ".out.building" / "work" / "units").glob("*/done.json"):
        path.write_text('{"key": "old", "files": {}, "report": {"source": "docs"}}')
    read, told = go_on(workshop, monkeypatch)
    assert (len(read), told[0]) == (3, "reads all again: the library changed")


def test_one_part_of_a_source(workshop, monkeypatch):
    """Of a source with several parts the one that changed is read."""
    monkeypatch.setattr("chimed_datasets.building.plan.UNIT_BYTES", 1)
    (workshop / "docs").mkdir()
    for name in "abc":
        rows = [{"id": name, "text": prose(ord(name), 80)}]
        write_jsonl(workshop / "docs" / f"{name}.jsonl", rows)
    edit(workshop, lambda recipe: recipe["sources"][0].update(path="docs"))
    stop(workshop)
    write_jsonl(workshop / "docs" / "b.jsonl", [{"id": "b", "text": prose(9, 80)}])
    read, told = go_on(workshop, monkeypatch)
    assert read == ["docs"]
    assert told[0] == f"reads again: docs (its files changed){REST}"
    assert told[1] == "going on: 4 of 5 units were finished before"


def test_changed_twice(workshop, monkeypatch):
    """Back to the recipe of the first run: what the second took away is read again."""
    stop(workshop)
    edit(workshop, domain)
    stop(workshop)
    edit(workshop, lambda recipe: recipe["sources"][0].update(domain="tcm"))
    assert go_on(workshop, monkeypatch)[0] == ["docs"]


def test_killed_while_parts_get_new_names(workshop, monkeypatch):
    stop(workshop)
    units = workshop / ".out.building" / "work" / "units"
    (units / "00001").rename(units / "moved-anything")
    (units / f"00002{checkpoint.PARTIAL}0").mkdir()
    edit(workshop, turned_round)
    assert go_on(workshop, monkeypatch)[0] == []


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ({"a": "1", "b": "2"}, {"a": "1", "b": "3"}, "b changed"),
        ({"a": "1"}, {"a": "1", "b": "3"}, "b changed"),
        ({"a": "1", "b": "2"}, {"a": "1"}, "b changed"),
        ({"the order of x": "1"}, {"the order of x": "2"}, "the order of x changed"),
        ({"the order of x": "1", "a": "1"}, {"the order of x": "2", "a": "2"}, "a changed"),
        ({"z": ""}, {name: name for name in "abcde"}, "a, b, c and 3 others changed"),
    ],
)
def test_changes_in_words(old, new, line):
    assert in_words(changed(old, new)) == line


def test_the_page_names_every_stage():
    """What the page says of each is what ``MENDED`` shows of some."""
    page = (Path(__file__).parents[1] / "docs/how-to/build-again.md").read_text("utf-8")
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| ")]
    told = {
        how.strip(): set(re.findall(r"`(\w+)`", what)) for what, how in rows if "`clean`" in what
    }
    assert set(told) == {"everything"}
    nothing = next(what for what, how in rows if how.strip() == "nothing")
    later = {"relevance", "split", "label"}
    assert set(re.findall(r"`(\w+)`", nothing)) == later | {"builders", "shard_size", "name"}
    assert told["everything"] | later == set(Stages.model_fields)


def test_no_key_of_a_recipe_is_forgotten():
    """Each is in what a build was made from, or told piece by piece there."""
    recipe = parse(
        {"sources": [{"name": "a", "layout": "text", "path": "a", "license": "mit"}]}, Path()
    )
    made_from = origin.of_build(recipe, origin.of_all(recipe, {}, None), {"a": ""})
    pieces = {"sources", "benchmarks", "stages", "builders", "takedowns"}
    assert set(Recipe.model_fields) - pieces <= made_from.keys()
    assert {f"stage {name}" for name in Stages.model_fields} <= made_from.keys()

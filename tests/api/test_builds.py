"""`chimed.build`: what it takes, and how it tells what it does."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

import chimed_datasets as chimed
from chimed_datasets.building.progress import notebook_lines
from chimed_datasets.errors import BuildError, InvalidDataset, RecipeError

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("kind", [str, Path, chimed.load_recipe])
def test_a_path_or_a_recipe(workshop, kind):
    built = chimed.build(kind(workshop / "recipe.yaml"), workshop / "out")
    assert built.folder == workshop / "out"
    assert built == chimed.open_built(str(workshop / "out"))


def test_left_out_the_folder_has_the_name_of_the_recipe(workshop, monkeypatch):
    monkeypatch.chdir(workshop)
    built = chimed.build("recipe.yaml")
    assert built.folder == Path("small")
    assert chimed.validate("small") == []
    assert chimed.build("recipe.yaml").manifest == built.manifest
    with pytest.raises(BuildError, match="small exists"):
        chimed.build("recipe.yaml", limit=3)


def test_what_cannot_be_built(workshop):
    with pytest.raises(RecipeError, match=r"nowhere\.yaml"):
        chimed.build(workshop / "nowhere.yaml")
    with pytest.raises(BuildError, match="built on a disk"):
        chimed.build(workshop / "recipe.yaml", "s3://bucket/out")
    with pytest.raises(InvalidDataset, match="holds no dataset"):
        chimed.open_built(workshop)


# --- how it tells what it does ---------------------------------------------------------------


@pytest.fixture
def stopped(workshop, monkeypatch) -> Path:
    """A recipe whose build into ``out`` was stopped, so that the next one has a line to tell."""
    with monkeypatch.context() as patch:
        patch.setattr("chimed_datasets.building.run.write_shards", interrupted)
        with pytest.raises(KeyboardInterrupt):
            chimed.build(workshop / "recipe.yaml", workshop / "out")
    return workshop / "recipe.yaml"


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


LINE = "going on: 3 of 3 units were finished before"


@pytest.mark.parametrize("progress", [None, True, False])
def test_where_there_is_no_terminal_it_is_silent(stopped, capsys, caplog, progress):
    caplog.set_level(logging.INFO, "chimed_datasets")
    chimed.build(stopped, stopped.with_name("out"), progress=progress)
    assert capsys.readouterr() == ("", "")
    assert caplog.record_tuples == [("chimed_datasets", logging.INFO, LINE)]


def test_functions_of_ones_own(stopped, capsys, caplog):
    caplog.set_level(logging.INFO, "chimed_datasets")
    seen, told = [], []
    chimed.build(
        stopped,
        stopped.with_name("out"),
        progress=lambda *figures: seen.append(figures),
        tell=told.append,
    )
    assert {phase for phase, *_ in seen} == {"decide", "write"}
    assert told == [LINE]
    assert capsys.readouterr() == ("", "")
    assert caplog.record_tuples == []


def test_a_notebooks_line_is_not_changed_at_every_step(displayed):
    """tests/test_tour.py looks at what a notebook shows of it."""
    with notebook_lines() as progress:
        for done in range(1, 10_001):
            progress("read", done, 10_000, 3 * done)
    assert displayed[0].startswith("read    1 of 10000  records: 3")
    assert displayed[-1].startswith("read    10000 of 10000  records: 30,000")
    assert len(displayed) < 100


@pytest.mark.parametrize(
    ("options", "shown"), [("", True), ("progress=False", False)], ids=["bars", "none"]
)
def test_in_a_terminal(stopped, options, shown):
    """Bars, and the lines above them, on stderr."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    code = (
        "import chimed_datasets as chimed\n"
        f"chimed.build({str(stopped)!r}, {str(stopped.with_name('out'))!r}, {options})\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        told = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the end, on Linux
                break
            if not part:
                break
            told += part
        assert process.stdout is not None
        assert process.stdout.read() == b""
    os.close(ours)
    assert process.returncode == 0, told.decode()
    for word in (LINE, "write", "━"):
        assert (word in told.decode()) is shown, told.decode()

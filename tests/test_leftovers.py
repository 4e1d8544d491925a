"""What stopped builds left is named, and goes where nothing is lost by it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from chimed_datasets import build, load_recipe, validate
from chimed_datasets.building import checkpoint
from chimed_datasets.sources.files.staging import locked, staging

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files of one's own."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setenv("TMPDIR", str(place))
    return place


def stop(workshop: Path, name: str) -> Path:
    """Stop a build before its end; return its folder."""

    def die(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chimed_datasets.building.run.close", die)
        with pytest.raises(KeyboardInterrupt):
            build(load_recipe(workshop / "recipe.yaml"), workshop / name)
    return workshop / f".{name}.building"


def told_by(workshop: Path, name: str = "out") -> list[str]:
    told: list[str] = []
    build(load_recipe(workshop / "recipe.yaml"), workshop / name, tell=told.append)
    assert validate(workshop / name) == []
    return told


def test_what_can_be_gone_on_from_is_named_and_stays(workshop):
    folder = stop(workshop, "try")
    (line,) = told_by(workshop)
    assert re.sub(r"\d+ KB", "N KB", line) == (
        f"a stopped build left {folder} (N KB, 12 finished parts): build into {workshop / 'try'} "
        "again to go on, or delete it"
    )
    assert told_by(workshop, "try")[0] == "going on: 3 of 3 units were finished before"


def nothing_finished(folder: Path) -> None:
    shutil.rmtree(folder / "work" / "units")
    shutil.rmtree(folder / "work" / "shards")


def another_version(folder: Path) -> None:
    for path in folder.glob("work/*/*/done.json"):
        note = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**note, "origin": {**note["origin"], "pyarrow": "1.0"}}))


def old_version(folder: Path) -> None:
    for path in folder.glob("work/*/*/done.json"):
        path.write_text('{"key": "0", "files": {}, "report": {}}')


@pytest.mark.parametrize("of_no_use", [nothing_finished, another_version, old_version])
def test_what_is_of_no_use_goes(workshop, of_no_use):
    folder = stop(workshop, "try")
    of_no_use(folder)
    (line,) = told_by(workshop)
    assert line.startswith(f"removed what a stopped build left: {folder} (")
    assert not folder.exists()


def test_what_was_renamed_before_it_went_goes(workshop):
    folder = workshop / f".try.finished-{'0' * 16}"
    stop(workshop, "try").rename(folder)
    assert told_by(workshop)[0].startswith(f"removed what a stopped build left: {folder} (")
    assert not folder.exists()


def test_what_a_living_build_holds_stays(workshop):
    folder = stop(workshop, "try")
    nothing_finished(folder)
    with checkpoint.alone(folder) as ours:
        assert ours
        assert told_by(workshop) == []
    assert folder.exists()


@pytest.mark.parametrize("more", ["old/manifest.json", "mine.txt", "work/../own/notes.txt"])
def test_what_holds_more_stays(workshop, more):
    """Such as the dataset that was to be replaced, where two names cannot be exchanged."""
    folder = stop(workshop, "try")
    nothing_finished(folder)
    place = (folder / more).resolve()
    place.parent.mkdir(exist_ok=True)
    place.write_text("{}")
    assert told_by(workshop) == []
    assert place.exists()


def test_what_only_looks_like_it_stays(workshop):
    for name in (".try.building.txt", ".try.finished-x", "try.building", ".building"):
        (workshop / name).mkdir()
    (workshop / ".a.building").write_text("a file")
    (workshop / "elsewhere").mkdir()
    (workshop / ".b.building").symlink_to("elsewhere")
    before = sorted(path.name for path in workshop.iterdir())
    assert told_by(workshop) == []
    assert sorted(path.name for path in workshop.iterdir() if path.name != "out") == before


def test_what_its_own_last_run_left(workshop):
    folder = stop(workshop, "out")
    (folder / "dataset" / "pretrain").mkdir(parents=True)
    (folder / "dataset" / "pretrain" / "train.parquet").write_bytes(b"x" * 3000)
    for place in ("units/00001", "shards/sft-train-00000"):
        partial = folder / "work" / f"{place}{checkpoint.PARTIAL}0"
        partial.mkdir()
        (partial / "document.arrow").write_bytes(b"x" * 1000)
    (folder / "work" / "unpacked" / "docs").mkdir(parents=True)
    (folder / "work" / "unpacked" / "docs" / "000000").write_bytes(b"x" * 2000)
    (folder / "work" / "seen-0123").write_text("seen-0123")
    told = told_by(workshop)
    assert told[0] == "removed what the last run left unfinished: 7 KB, 2 unfinished parts"
    assert told[1] == "going on: 3 of 3 units were finished before"
    assert not folder.exists()


KILLED = """
import os, signal
from chimed_datasets.sources.files.staging import staging
with staging() as place:
    (place / "000000").write_bytes(b"x" * 5000)
    print(place, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_temporary_folders_of_killed_runs(workshop, temporary):
    done = subprocess.run(
        [sys.executable, "-c", KILLED], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    left = Path(done.stdout.strip())
    assert left.parent == temporary
    (temporary / "chimed-of-others").mkdir()
    with staging() as living:
        assert told_by(workshop) == [f"removed what a stopped run left: {left} (5 KB)"]
        assert living.exists()
    assert [path.name for path in temporary.iterdir()] == ["chimed-of-others"]


def test_a_lock_is_told_from_none(tmp_path):
    with locked(tmp_path) as first, locked(tmp_path) as second:
        assert (first, second) == (True, False)
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").write_text("")
    for name in ("link", "file", "nothing"):
        with locked(tmp_path / name) as held:
            assert not held

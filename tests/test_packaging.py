"""What a user gets from a wheel: one top-level name, with all the files that the code reads."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(*command: object, **more: object) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, check=False, **more
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of the files that git knows, so that nothing left over from a build is in it."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
    ).stdout.decode()
    if not listed:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            place = folder / "tree" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes((ROOT / name).read_bytes())
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, folder / "tree")
    return next(folder.glob("*.whl"))


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as file:
        return set(file.namelist())


def test_one_top_level_name(wheel):
    tops = {name.split("/")[0] for name in names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"chimed_datasets"}


def test_every_file_of_the_package_is_in_it(wheel):
    tracked = subprocess.run(
        ["git", "ls-files", "chimed_datasets", "builders", "cards"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    expected = {
        name if name.startswith("chimed_datasets/") else f"chimed_datasets/{name}"
        for name in tracked
    }
    assert expected - names(wheel) == set()
    assert not [name for name in names(wheel) if "test" in name or name.endswith(".pyc")]


def test_it_works_from_elsewhere(wheel, tmp_path):
    run("-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path / "site", wheel)
    away = tmp_path / "away"
    away.mkdir()
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "HF_HUB_OFFLINE": "1"}
    code = "import chimed_datasets.builders as b; print(b.__file__)"
    where = run("-c", code, cwd=away, env=env).stdout
    assert str(tmp_path / "site") in where
    start = "from chimed_datasets.cli import app; app()"
    assert "build" in run("-c", start, "--help", cwd=away, env=env).stdout
    run("-c", start, "build", cwd=away, env=env)
    run("-c", start, "validate", "chimed2", cwd=away, env=env)

"""A build that dies: what stood there stands, and the same command goes on to the same bytes."""

from __future__ import annotations

import filecmp
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chimed_datasets import build, load_recipe, validate
from chimed_datasets.building import checkpoint
from chimed_datasets.building.read import read_unit
from chimed_datasets.errors import BuildError, SourceError
from tests.common.files import write_jsonl
from tests.common.text import prose

SCRIPT = Path(__file__).with_name("killed_build.py")
RANDOM_MOMENTS = 200


def run(workshop: Path, out: Path, *options: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SCRIPT), str(workshop / "recipe.yaml"), str(out)]
    return subprocess.run(
        [*command, *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
        cwd=SCRIPT.parents[1],
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])},
    )


def tree(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def assert_same(one: Path, other: Path) -> None:
    assert tree(one) == tree(other)
    assert filecmp.cmpfiles(one, other, tree(one), shallow=False)[1:] == ([], [])


def assert_clean(out: Path) -> None:
    """Nothing of a build is left beside it."""
    left = [p.name for p in out.parent.iterdir() if p.name.startswith(f".{out.name}")]
    assert left == []


@pytest.fixture
def unbroken(workshop):
    build(load_recipe(workshop / "recipe.yaml"), workshop / "unbroken")
    return workshop / "unbroken"


def killed_then_resumed(workshop: Path, unbroken: Path, *options: object) -> str:
    """Kill a build, run the command again, and compare; return what the second run told."""
    out = workshop / "out"
    first = run(workshop, out, *options)
    assert first.returncode in (-9, 0), first.stderr
    if out.exists() and "--overwrite" not in options:
        assert_same(out, unbroken)
    second = run(workshop, out, *[o for o in options if o == "--overwrite"])
    if first.returncode == 0 and "--overwrite" not in options:
        assert second.stdout == f"{out} is up to date\n"
    assert second.returncode == 0, second.stderr
    assert_same(out, unbroken)
    assert_clean(out)
    return second.stdout


def moments(workshop: Path) -> int:
    counted = run(workshop, workshop / "counted", "--count")
    return int(counted.stdout.split()[-1])


def test_killed_at_some_writes(workshop, unbroken):
    """In short form; test_killed_at_every_write has them all."""
    last = moments(workshop)
    assert last > 40
    for at in (last // 4, last // 2, last - 3):
        killed_then_resumed(workshop, unbroken, "--at", at)
        subprocess.run(["rm", "-r", str(workshop / "out")], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("overwrite", [False, True])
def test_killed_at_every_write(workshop, unbroken, overwrite):
    out = workshop / "out"
    options: tuple = ("--overwrite",) if overwrite else ()
    for at in range(1, moments(workshop) + 1):
        if overwrite:
            build(load_recipe(workshop / "recipe.yaml"), out, limit=20, overwrite=True)
            before = workshop / "before"
            subprocess.run(["rm", "-rf", str(before)], check=True)
            subprocess.run(["cp", "-r", str(out), str(before)], check=True)
            first = run(workshop, out, "--at", at, *options)
            assert first.returncode in (-9, 0)
            if first.returncode == -9:  # a reader finds the old dataset or the new one
                old = (
                    tree(out) == tree(before)
                    and not filecmp.cmpfiles(out, before, tree(before), shallow=False)[1]
                )
                if not old:
                    assert_same(out, unbroken)
            run(workshop, out, *options)
            assert_same(out, unbroken)
            assert_clean(out)
        else:
            killed_then_resumed(workshop, unbroken, "--at", at)
            subprocess.run(["rm", "-r", str(out)], check=True)


@pytest.mark.slow
def test_killed_at_random_moments(workshop, unbroken):
    draw = random.Random(7)
    for _ in range(RANDOM_MOMENTS):
        after = draw.uniform(0.05, 2.5)
        killed_then_resumed(
            workshop, unbroken, "--after", round(after, 3), "--workers", draw.choice([1, 2])
        )
        subprocess.run(["rm", "-r", str(workshop / "out")], check=True)


NO_EXCHANGE = """
import os, signal, sys
from chimed_datasets import build, load_recipe
from chimed_datasets.building import checkpoint
checkpoint.exchange = lambda new, old: False
recipe, out, at, seen = load_recipe(sys.argv[1]), sys.argv[2], int(sys.argv[3]), 0

def hook(event, args):
    global seen
    if event == "os.rename" and PLACES & {str(path) for path in args[:2]}:
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)

folder = os.path.join(os.path.dirname(out), f".{os.path.basename(out)}.building")
PLACES = {out, folder, os.path.join(folder, "old")}
sys.addaudithook(hook)
build(recipe, out, overwrite=True)
"""
"""A build where two names cannot be exchanged, killed before its Nth rename of the target, of what
it replaces, or of its own folder."""


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_killed_where_names_cannot_be_exchanged(workshop, unbroken, monkeypatch, at):
    recipe, out, before = workshop / "recipe.yaml", workshop / "out", workshop / "before"
    build(load_recipe(recipe), out, limit=10)
    shutil.copytree(out, before)
    first = subprocess.run(
        [sys.executable, "-c", NO_EXCHANGE, str(recipe), str(out), str(at)],
        capture_output=True,
        text=True,
        check=False,
        cwd=SCRIPT.parents[1],
    )
    assert first.returncode == -signal.SIGKILL, first.stderr
    with pytest.raises(BuildError, match="exists: pass --overwrite"):
        build(load_recipe(recipe), out, limit=20)
    assert_same(out, before if at < 3 else unbroken)  # one or the other, whole
    monkeypatch.setattr(checkpoint, "exchange", lambda new, old: False)
    build(load_recipe(recipe), out, limit=20, overwrite=True)
    assert validate(out) == []
    assert_clean(out)


# --- what is used again, and what is not --------------------------------------------------------


@pytest.fixture
def broken(workshop, monkeypatch):
    """A build of the workshop that died before it was closed; returns what the next one tells."""

    def die(*_):
        raise KeyboardInterrupt

    out = workshop / "out"
    with monkeypatch.context() as patch:
        patch.setattr("chimed_datasets.building.run.close", die)
        with pytest.raises(KeyboardInterrupt):
            build(load_recipe(workshop / "recipe.yaml"), out)
    assert not out.exists()

    def again(**more) -> list[str]:
        told: list[str] = []
        build(load_recipe(workshop / "recipe.yaml"), out, tell=told.append, **more)
        assert validate(out) == []
        assert_clean(out)
        return told

    return again


def units(workshop: Path) -> Path:
    return workshop / ".out.building" / "work" / "units"


def test_all_that_was_finished_is_used(broken, workshop, unbroken):
    told = broken()
    assert told[0] == "going on: 3 of 3 units were finished before"
    assert told[1].startswith("going on: 9 of 9 shards")
    assert_same(workshop / "out", unbroken)


def test_workers_do_not_matter(broken, workshop, unbroken):
    assert broken(workers=2)[0] == "going on: 3 of 3 units were finished before"
    assert_same(workshop / "out", unbroken)


def test_a_changed_input_is_read_again(broken, workshop):
    write_jsonl(workshop / "docs.jsonl", [{"id": i, "text": prose(i, 80)} for i in range(41)])
    told = broken()
    assert told == [
        "reads again: docs (its files changed); 2 others are taken from the last run",
        "going on: 2 of 3 units were finished before",
        # rows depend on all records
        "writes again: 9 of 9 shards, for what they are made from changed",
    ]


def test_a_changed_recipe_begins_anew(broken, workshop):
    path = workshop / "recipe.yaml"
    path.write_text(path.read_text("utf-8") + "seed: 43\n", "utf-8")
    assert not any(line.startswith("going on") for line in broken())


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda unit: (unit / "done.json").write_text("{"), "its done.json is damaged"),
        (lambda unit: (unit / "done.json").unlink(), "its done.json is damaged"),
        (
            lambda unit: (unit / "document.arrow").write_bytes(b"x"),
            "its file document.arrow is damaged",
        ),
        (
            lambda unit: (unit / "document.features").unlink(),
            "its file document.features is damaged",
        ),
    ],
)
def test_a_damaged_checkpoint_is_refused(broken, workshop, unbroken, damage, reason):
    damage(units(workshop) / "00000")
    told = broken()
    assert told[0] == f"checkpoint units/00000 is not used: {reason}"
    assert told[1] == "going on: 2 of 3 units were finished before"
    assert_same(workshop / "out", unbroken)


# --- what stops a build -------------------------------------------------------------------------


def test_two_builds_into_one_folder(workshop):
    with checkpoint.alone(workshop / ".out.building") as ours:
        assert ours
        with pytest.raises(BuildError, match="another build into"):
            build(load_recipe(workshop / "recipe.yaml"), workshop / "out")
    build(load_recipe(workshop / "recipe.yaml"), workshop / "out")


def test_a_source_that_changes_during_the_build(workshop, monkeypatch):
    from chimed_datasets.building import prepared

    read = prepared.read_unit

    def change(chain, unit):
        report = read(chain, unit)
        with (workshop / "docs.jsonl").open("a") as file:
            file.write('{"id": 99, "text": "后来写上的一行文字，长短合适。"}\n')
        return report

    monkeypatch.setattr(prepared, "read_unit", change)
    with pytest.raises(SourceError, match="changed while the build read it"):
        build(load_recipe(workshop / "recipe.yaml"), workshop / "out")
    assert not (workshop / "out").exists()


def test_disk_full(workshop, tmp_path):
    """A file system of 100 KB, mounted for the test."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    try:
        with pytest.raises(BuildError, match="no space left on the device"):
            build(load_recipe(workshop / "recipe.yaml"), place / "out")
        assert not (place / "out").exists()
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_read_only_folder(workshop, tmp_path):
    place = tmp_path / "fixed"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    try:
        with pytest.raises(BuildError, match="cannot be built there"):
            build(load_recipe(workshop / "recipe.yaml"), place / "out")
    finally:
        subprocess.run(["umount", str(place)], check=True)


def killed(chain, unit):
    """Read a unit; the worker that has the second is killed, as for want of memory."""
    if unit.number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return read_unit(chain, unit)


def test_a_worker_that_the_system_kills(workshop, monkeypatch):
    recipe, out = load_recipe(workshop / "recipe.yaml"), workshop / "out"
    build(recipe, out, limit=10)
    before = workshop / "before"
    shutil.copytree(out, before)
    with monkeypatch.context() as patch:
        patch.setattr("chimed_datasets.building.prepared.read_unit", killed)
        with pytest.raises(
            BuildError, match="a worker process died, most often for want of memory"
        ):
            build(recipe, out, workers=2, overwrite=True)
    assert_same(out, before)
    build(recipe, out, workers=2, overwrite=True)
    assert validate(out) == []
    assert_clean(out)


def test_workers_do_not_outlive_a_killed_build(workshop):
    script = (
        "import os, signal, time\n"
        "from chimed_datasets.executors.local import LocalExecutor\n"
        "from tests.test_survival import sleep\n"
        "if __name__ == '__main__':\n"
        "    for pid in LocalExecutor(2).run(sleep, 0.0, [0, 1]): print(pid, flush=True)\n"
        "    for pid in LocalExecutor(2).run(sleep, 60.0, [0, 1]): pass\n"
    )
    path = workshop / "script.py"
    path.write_text(script)
    process = subprocess.Popen(
        [sys.executable, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])},
    )
    assert process.stdout is not None
    for _ in range(2):
        process.stdout.readline()
    children: list[int] = []
    for _ in range(200):
        children = [int(c) for c in _children(process.pid)]
        if len(children) >= 2:
            break
        _nap()
    assert len(children) >= 2
    process.kill()
    process.wait()
    process.stdout.close()
    for _ in range(200):
        if not any(_runs(pid) for pid in children):
            break
        _nap()
    assert not any(_runs(pid) for pid in children)


def sleep(seconds: float, _: int) -> int:
    import time

    time.sleep(seconds)
    return os.getpid()


def _nap() -> None:
    import time

    time.sleep(0.05)


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False

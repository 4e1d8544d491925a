"""Ctrl-C, sent to a real process: alone, and to all of its group as a terminal sends it."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from chimed_datasets import validate
from tests.common.files import write_jsonl
from tests.common.text import prose

ROOT = Path(__file__).resolve().parents[1]
SLOW = """
import time
from chimed_datasets.sources import Document, read_text

SUFFIXES = (".txt",)

def read(files, options, report):
    for file in files:
        for number, line in enumerate(read_text(file, report).splitlines()):
            time.sleep(0.2)
            yield Document(f"{file.name}#{number}", line)
"""


@pytest.fixture
def slow(tmp_path):
    """A recipe of one source that is read at once, and of two that take 12 s and more."""
    # the largest file is read first
    write_jsonl(tmp_path / "docs.jsonl", [{"id": i, "text": prose(i, 80)} for i in range(80)])
    (tmp_path / "slow.py").write_text(SLOW)
    sources = [{"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "mit"}]
    for n in range(2):
        lines = "\n".join(prose(1000 * n + i, 80) for i in range(60))
        (tmp_path / f"slow{n}.txt").write_text(lines, "utf-8")
        sources.append(
            {"name": f"slow{n}", "layout": "./slow.py", "path": f"slow{n}.txt", "license": "mit"}
        )
    (tmp_path / "r.yaml").write_text(yaml.safe_dump({"name": "slow", "sources": sources}))
    return tmp_path


def command(workers: int) -> list[str]:
    words = ["build", "--recipe", "r.yaml", "--out", "my out", "--allow-code"]
    return [*words, "--workers", str(workers)]


def start(folder: Path, workers: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", "from chimed_datasets.cli import app; app()", *command(workers)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def until(true, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def first_unit(folder: Path):
    return lambda: (folder / ".my out.building/work/units/00000/done.json").exists()


def of_group(process: subprocess.Popen) -> list[int]:
    """Return who is alive of the process and all that it started."""
    alive = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            state, _, group = (place / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(group) == process.pid and state != "Z":
            alive.append(int(place.name))
    return alive


def rest(process: subprocess.Popen, seconds: float) -> tuple[str, str]:
    """Return what is left of both streams: `communicate` would lose what a `readline` read ahead."""
    assert process.stdout is not None
    assert process.stderr is not None
    err = process.stderr.read()
    out = process.stdout.read()
    process.wait(seconds)
    return out, err


def interrupt(process: subprocess.Popen, group: bool) -> None:
    (os.killpg if group else os.kill)(process.pid, signal.SIGINT)


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
@pytest.mark.parametrize("group", [False, True], ids=["one", "group"])
@pytest.mark.parametrize("workers", [1, 2])
def test_stopped_and_gone_on_with(slow, workers, group):
    process = start(slow, workers)
    until(first_unit(slow))
    pressed = time.monotonic()
    interrupt(process, group)
    assert process.stderr is not None
    assert process.stderr.readline() == "Stopping…\n"
    said_after = time.monotonic() - pressed
    out, err = rest(process, 60)
    assert time.monotonic() - pressed < 8  # 12 s of reading were to come, or 24 with one worker
    assert said_after < 4
    again = shlex.join(["chimed", *command(workers)])
    assert (process.returncode, out) == (130, "")
    assert err == (f"Stopped. 1 finished part is kept in .my out.building. Go on with: {again}\n")
    until(lambda: of_group(process) == [])

    kept = slow / ".my out.building" / "work"
    assert (kept / "units" / "00000" / "done.json").exists()
    assert not (slow / "my out").exists()
    (slow / "slow0.txt").write_text(prose(1, 80), "utf-8")
    (slow / "slow1.txt").write_text(prose(2, 80), "utf-8")
    process = start(slow, workers)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "going on: 1 of 3 units were finished before" in err
    assert validate(slow / "my out") == []
    assert not kept.parent.exists()


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_time_ends_it_at_once(slow, workers):
    """Here what is left to do after the first takes long."""
    process = subprocess.Popen(
        [sys.executable, "-c", LONG_END, *command(workers)],
        cwd=slow, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    until(first_unit(slow))
    interrupt(process, True)
    assert process.stderr is not None
    assert process.stderr.readline() == "Stopping…\n"
    pressed = time.monotonic()
    interrupt(process, True)
    _, err = rest(process, 60)
    assert time.monotonic() - pressed < 8
    assert (process.returncode, err) == (130, "")
    until(lambda: of_group(process) == [])


LONG_END = """
import time
from chimed_datasets.building import place
from chimed_datasets.cli import app

place.restore = lambda *_: time.sleep(60 * (place.restored > 0)) or setattr(place, "restored", 1)
place.restored = 0
app()
"""


def test_before_anything_is_finished(slow):
    shutil.move(slow / "slow0.txt", slow / "docs.txt")
    recipe = yaml.safe_load((slow / "r.yaml").read_text())
    recipe["sources"] = [{**recipe["sources"][1], "path": "docs.txt"}]
    (slow / "r.yaml").write_text(yaml.safe_dump(recipe))
    process = start(slow, 1)
    until((slow / ".my out.building" / "work").exists)
    interrupt(process, True)
    _, err = process.communicate(timeout=60)
    again = shlex.join(["chimed", *command(1)])
    assert process.returncode == 130
    assert err.splitlines() == [
        "Stopping…",
        f"Stopped before anything was finished. Start again with: {again}",
    ]
    assert not (slow / ".my out.building").exists()


@pytest.mark.parametrize("seconds", [1.0, 1.6, 3.2])
def test_never_a_traceback(slow, seconds):
    """While modules are imported, while workers start, while sources are looked at."""
    process = start(slow, 2)
    time.sleep(seconds)
    interrupt(process, True)
    _, err = process.communicate(timeout=60)
    until(lambda: of_group(process) == [])
    assert (process.returncode, "Traceback" in err) == (130, False)

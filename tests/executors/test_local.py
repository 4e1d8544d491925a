"""Processes of this machine know nothing of the script that builds: it needs no guard."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chimed_datasets.executors import local

ROOT = Path(__file__).resolve().parents[2]
# Each ends by telling that the module of the script is in its place again.
END = "print('ran', sys.modules['__main__'] is main, flush=True)\n"
BUILD = """
import sys
main = sys.modules["__main__"]
import chimed_datasets as chimed
from chimed_datasets import samples
chimed.build(chimed.load_recipe(samples.RECIPE), "out", workers=2)
assert "datasets" not in sys.modules  # half of what there is to import
"""
POOL = """
import sys
main = sys.modules["__main__"]
from operator import add
from chimed_datasets.executors.local import LocalExecutor
assert list(LocalExecutor(2).run(add, 1, [1, 2, 3])) == [2, 3, 4]
"""
SPAWN = "import multiprocessing as m; m.get_all_start_methods = lambda: ['spawn']\n"
THREADS = """
import sys, threading
main = sys.modules["__main__"]
from operator import add
from chimed_datasets.executors.local import LocalExecutor

def work():
    for _ in range(3):
        assert list(LocalExecutor(2).run(add, 1, [1, 2, 3])) == [2, 3, 4]

threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
GARBAGE = """
import gc, sys
main = sys.modules["__main__"]
from chimed_datasets.executors.local import LocalExecutor

def mine():
    return gc.get_threshold(), gc.get_freeze_count()

before = mine()
told = "(__import__('gc').get_threshold(), __import__('gc').get_freeze_count())"
(known, kept), _ = LocalExecutor(2).run(eval, told, [{}, {}])
assert known[0] > before[0][0] and kept > 1000, (known, kept)
assert mine() == before
"""
FAILED = """
import sys
main = sys.modules["__main__"]
from operator import truediv
from chimed_datasets.executors.local import LocalExecutor
class Local:  # cannot be pickled: its module is aside while the processes start
    pass
for shared, tasks in ((1, [1, 0]), (Local(), [1, 2])):
    try:
        list(LocalExecutor(2).run(truediv, shared, tasks))
    except Exception as error:
        print(type(error).__name__)
"""


def run(place: Path, *command: str, given: str | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=place,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{place}"},
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("start", ["", SPAWN], ids=["forked from a server", "as on Windows"])
def test_a_script_without_a_guard(tmp_path, start):
    """It runs once, and not again in each worker."""
    (tmp_path / "mine.py").write_text(start + BUILD + END, "utf-8")
    assert run(tmp_path, "mine.py") == "ran True\n"
    assert (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("command", "given"),
    [(("-m", "mine"), None), (("-c", POOL + END), None), (("-",), POOL + END)],
    ids=["a module", "a command", "standard input"],
)
def test_however_it_is_run(tmp_path, command, given):
    (tmp_path / "mine.py").write_text(POOL + END, "utf-8")
    assert run(tmp_path, *command, given=given) == "ran True\n"


def test_workers_do_not_look_through_what_stays(tmp_path):
    """And how the process that builds looks for garbage is its own affair."""
    (tmp_path / "mine.py").write_text(GARBAGE + END, "utf-8")
    assert run(tmp_path, "mine.py") == "ran True\n"


def test_the_script_is_back_in_its_place_after_threads(tmp_path):
    (tmp_path / "mine.py").write_text(THREADS + END, "utf-8")
    assert run(tmp_path, "mine.py") == "ran True\n"


def test_the_script_is_back_in_its_place_after_a_failure(tmp_path):
    (tmp_path / "mine.py").write_text(FAILED + END, "utf-8")
    *errors, end = run(tmp_path, "mine.py").splitlines()
    assert errors[0] == "ZeroDivisionError"
    assert len(errors) == 2
    assert end == "ran True"


def test_workers_keep_memory_that_the_process_that_builds_gives_back():
    pool = "__import__('pyarrow').default_memory_pool().backend_name"
    mine = eval(pool)
    assert set(local.LocalExecutor(2).run(eval, pool, [{}, {}])) == {"system"}
    assert eval(pool) == mine


@pytest.mark.parametrize("workers", [1, 2])
def test_cpu_seconds_are_those_of_workers_too(workers):
    """Of the work, not of the worker: it does nothing else."""
    now = "__import__('time').process_time()"
    work = f"({now}, sum(range(5_000_000)), {now})"
    before = local.cpu_seconds()
    done = list(local.LocalExecutor(workers).run(eval, work, [{}, {}]))
    spent = sum(end - begin for begin, _, end in done)
    assert 0.01 < spent <= local.cpu_seconds() - before

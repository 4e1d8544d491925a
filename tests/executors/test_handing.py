"""What all workers share reaches each whole, however large it is, and is its own there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPAWN = "import multiprocessing as m; m.get_all_start_methods = lambda: ['spawn']\n"
ELSEWHERE = "import os; vars(os).pop('memfd_create', None)\n"
WORK = """
import os

def changed(shared, task):
    column, words, table, empty = shared
    before = int(column.sum())
    column[task] += 1
    told = (table["a"].to_pylist()[:2], len(empty), words)
    return before, int(column.sum()), told, os.getpid()
"""
MAIN = """
import numpy as np, pyarrow as pa
from chimed_datasets.executors.local import LocalExecutor
from work import changed

column = np.arange(500_000)
table = pa.table({"a": np.arange(300_000)})
shared = (column, {"some": "words"}, table, np.zeros(0, np.int32))
total = int(column.sum())
open_before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
for _ in range(3):
    found = list(LocalExecutor(2).run(changed, shared, range(6)))
    seen = {}
    for before, after, told, worker in found:
        assert before == seen.get(worker, total), "another worker's change was seen"
        assert after == before + 1
        assert told == ([0, 1], 0, {"some": "words"})
        seen[worker] = after
assert int(column.sum()) == total
if open_before:  # the first run starts the server, and leaves what leads to it
    assert len(os.listdir("/proc/self/fd")) <= open_before + 6
print("done")
"""


@pytest.mark.parametrize(
    "start", ["", SPAWN, ELSEWHERE], ids=["forked from a server", "spawned", "not on Linux"]
)
def test_large_things_reach_every_worker(tmp_path, start):
    (tmp_path / "work.py").write_text(WORK, "utf-8")
    (tmp_path / "mine.py").write_text("import os\n" + start + MAIN, "utf-8")
    done = subprocess.run(
        [sys.executable, "mine.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout == "done\n", done.stderr

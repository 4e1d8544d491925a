"""How a build shows how far it is, from the first second."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from chimed_datasets import build, load_recipe
from chimed_datasets.building.progress import bars, notebook_lines
from chimed_datasets.building.timing import Task, Took

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def drawn():
    """Returns what stands on a terminal after what was done with the bars."""

    def draw(act) -> list[str]:
        clock = [100.0]
        console = Console(
            file=io.StringIO(), force_terminal=True, width=100, color_system=None,
            get_time=lambda: clock[0],
        )  # fmt: skip
        shown = []
        with bars(console) as progress:

            def look(after: float = 0.0) -> None:
                clock[0] += after
                paper = Console(file=io.StringIO(), width=100)
                paper.print(progress.drawn.get_renderable())
                shown.append(" ".join(re.sub("[━╸╺]+", "", paper.file.getvalue()).split()))

            act(progress, look)
        return shown

    return draw


def test_what_is_opened_stands_there_until_reading_begins(drawn):
    def act(progress, look):
        look()
        progress.opening("open", "classics", 0, 3)
        look()
        progress.opening("check", "pages", 2, 3)
        look()
        progress("read", 0, 9, 0)
        progress.opening("open", "late", 0, 1)
        look()

    assert drawn(act) == [
        "open 0/? 0:00:00",
        "open 0/3 classics 0:00:00",
        "check 2/3 pages 0:00:00",
        "read 0/9 0 0:00:00",
    ]


def test_a_rate_after_a_second_and_of_this_run_alone(drawn):
    def act(progress, look):
        progress("read", 4, 9, 4000)  # which an earlier run left
        look(0.5)
        progress("read", 5, 9, 5000)
        look(1.5)
        progress("read", 6, 9, 6000)
        look()

    assert [line.partition("/9 ")[2] for line in drawn(act)] == [
        "4,000 0:00:00",
        "5,000 0:00:02",
        "6,000 (1,000/s) 0:00:02",
    ]


def test_bytes_a_second_and_what_is_left_by_what_was_read(drawn):
    def read(size):
        return Task("read", "0", "a", 1000, 0, Took(bytes=size))

    def act(progress, look):
        progress.sizes("read", 80_000_000)
        progress("read", 0, 9, 0)
        progress.task(replace(read(50_000_000), before=True))  # which is no speed of this run
        look(2.0)
        progress.task(read(20_000_000))
        progress("read", 1, 9, 1000)
        look(2.0)
        progress.task(read(60_000_000))
        progress("read", 9, 9, 2000)
        look()

    assert [line.partition("/9 ")[2] for line in drawn(act)] == [
        "0 0:00:02",
        "1,000 (500/s) 10.0 MB/s, 0:06 left 0:00:04",
        "2,000 (500/s) 20.0 MB/s 0:00:04",
    ]


def test_a_notebook_shows_it_too(displayed):
    with notebook_lines() as progress:
        progress.opening("open", "classics", 0, 3)
        progress("read", 0, 3, 0)
    assert displayed == ["open    0 of 3  classics", "read    0 of 3  records: 0"]


def test_each_source_is_named_while_it_is_opened(workshop):
    seen = []

    class Noted:
        def __call__(self, *figures):
            pass

        def opening(self, what, source, done, total):
            seen.append((what, source, done, total))

    build(load_recipe(workshop / "recipe.yaml"), workshop / "out", progress=Noted())
    assert seen == [
        *(("open", name, n, 3) for n, name in enumerate(("docs", "pages", "ranked"))),
        *(("look", name, n + 1, 3) for n, name in enumerate(("docs", "pages", "ranked"))),
        *(("check", name, n, 3) for n, name in enumerate(("docs", "pages", "ranked"))),
    ]


def test_on_a_terminal_the_bar_is_the_first_thing(workshop):
    """It stands there before what takes long is even imported."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    code = (
        "import sys, time\n"
        "from chimed_datasets.cli import app, console\n"
        "from chimed_datasets.cli import make\n"
        "def slow(*_):\n"
        "    assert 'chimed_datasets.building.run' not in sys.modules\n"
        "    time.sleep(1)\n"
        "    sys.exit(7)\n"
        "import chimed_datasets.building.workers as workers\n"
        "workers.start_workers = slow\n"
        "app(['build', '--out', 'nowhere'])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-c", code], stderr=theirs, env=environment, cwd=workshop
    ) as process:
        os.close(theirs)
        told = b""
        while True:
            try:
                told += os.read(ours, 65536)
            except OSError:  # its end
                break
    os.close(ours)
    assert process.returncode == 7
    assert b"open" in told


def test_in_a_pipe_there_are_plain_lines(workshop):
    words = ["build", "--recipe", "recipe.yaml", "--out", "out"]
    done = subprocess.run(
        [sys.executable, "-c", "from chimed_datasets.cli import app; app()", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=workshop, capture_output=True, check=True,
    )  # fmt: skip
    assert b"\x1b" not in done.stderr + done.stdout
    assert b"open" not in done.stderr

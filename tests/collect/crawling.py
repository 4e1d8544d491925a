"""Crawls of the local sites through the real command line, and what the tests ask of them.

Importing Scrapy takes longer than most of these crawls. So one process imports it, and forks for
each: every crawl is a process of its own, with its own reactor, that can be killed.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import yaml

from chimed_datasets.collect.examples import ENCYCLOPEDIA, PLATFORM
from chimed_datasets.collect.examples.site import Site, encyclopedia

FAST = {
    "delay": 0,
    "throttle": False,
    "concurrency": 4,
    "timeout": 3,
    "retries": 1,
    "retry_wait": 0,
}
FORKING = Path(__file__).with_name("forking.py")


def site_file(folder: Path, site: Site, **changes: Any) -> Path:
    """Write the example's site file for ``site``, at a pace for tests; return its path."""
    example = ENCYCLOPEDIA if site.pages is encyclopedia else PLATFORM
    content = yaml.safe_load(example.read_text("utf-8"))
    content |= {"start_urls": [f"{site.url}/"], "pace": FAST} | changes
    path = folder / f"{example.stem}.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return path


@functools.cache
def _warm() -> subprocess.Popen[str]:
    """Return the process that forks; it ends with this one, whose pipe it reads."""
    process = subprocess.Popen(
        [sys.executable, FORKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(process.communicate)
    return process


@dataclass(frozen=True)
class Running:
    """A command under way: its process, and the folder where its output goes."""

    pid: int
    place: Path

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


def begin(path: Path, out: Path, *options: str) -> Running:
    """Start ``chimed collect`` in a process of its own."""
    place = Path(mkdtemp(dir=path.parent if path.exists() else out.parent))
    process = _warm()
    process.stdin.write(
        json.dumps([str(place), ["collect", str(path), "--out", str(out), *options]])
    )
    process.stdin.write("\n")
    process.stdin.flush()
    return Running(int(process.stdout.readline()), place)


def end(running: Running) -> tuple[int, str, str]:
    """Wait for a crawl; return (exit status, stdout, stderr)."""
    until((running.place / "status").exists, 120)
    status, out, err = ((running.place / name).read_text() for name in ("status", "out", "err"))
    return int(status), out, err


def crawl(path: Path, out: Path, *options: str) -> str:
    """Run ``chimed collect`` on a private site and return what it printed."""
    status, told, err = end(begin(path, out, "--allow-private", *options))
    assert status == 0, err
    return told


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def quiet(site: Site, seconds: float = 0.5) -> None:
    """Wait until a crawl hangs on held pages alone and has taken in all others."""
    until(lambda: bool(site.holding))
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < seconds:
        if len(site.log) != seen:
            seen, since = len(site.log), time.monotonic()
        time.sleep(0.02)


def jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def outcomes(out: Path) -> dict[str, str]:
    """Return path and query -> reason for every page without a record."""
    return {row["url"].split("/", 3)[3]: row["reason"] for row in jsonl(out / "ledger.jsonl")}


def answered(site: Site) -> list[str]:
    """Return the pages that the server answered whole with status 200, in their order."""
    return [a.path for a in site.log if a.status == 200 and a.path != "/robots.txt"]

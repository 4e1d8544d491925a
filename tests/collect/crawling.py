"""Crawls of the local sites through the real command line, and what the tests ask of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from chimed_datasets.collect.examples import ENCYCLOPEDIA, PLATFORM
from chimed_datasets.collect.examples.site import Site, encyclopedia

FAST = {
    "delay": 0,
    "throttle": False,
    "concurrency": 4,
    "timeout": 2,
    "retries": 1,
    "retry_wait": 0,
}
CHIMED = [sys.executable, "-c", "from chimed_datasets.cli import app; app()"]


def site_file(folder: Path, site: Site, **changes: Any) -> Path:
    """Write the example's site file for ``site``, at a pace for tests; return its path."""
    example = ENCYCLOPEDIA if site.pages is encyclopedia else PLATFORM
    content = yaml.safe_load(example.read_text("utf-8"))
    content |= {"start_urls": [f"{site.url}/"], "pace": FAST} | changes
    path = folder / f"{example.stem}.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return path


def begin(path: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    """Start ``chimed collect`` in a process of its own."""
    command = [*CHIMED, "collect", str(path), "--out", str(out), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for a crawl; return (exit status, stdout, stderr)."""
    out, err = process.communicate(timeout=90)
    return process.returncode, out, err


def crawl(path: Path, out: Path, *options: str) -> str:
    """Run ``chimed collect`` on a private site and return what it printed."""
    status, told, err = end(begin(path, out, "--allow-private", *options))
    assert status == 0, err
    return told


def until(true: Callable[[], bool], seconds: float = 30) -> None:
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

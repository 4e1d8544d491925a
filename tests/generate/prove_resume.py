"""Kill a generation on a real server, twice, and go on: is anything paid twice, all there?

    pip install -e '.[generate,local]'
    python tests/generate/prove_resume.py --passages 200

Starts the local server (llama.cpp, Gemma 3 270M base) twice, draws passages of the classics
beside the project, and has a question and an answer written about each at temperature 0: once
killed with SIGKILL after a third and two thirds of the answers, and, beside it, once unbroken.
What reaches a server is counted by a proxy. With ``--kill held`` the server has nothing under way
when the client dies (the client has); with ``--kill any`` it is killed in the midst of answers.
Exits 1 where an answer that the client had was asked for again, or the two results differ by a
byte.

``--short`` asks with a prompt of a fifth of the length, where the machine has little to spare:
reading the prompt is most of the work.
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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from counting_proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]
CLASSICS = ROOT.parent / "shared" / "data" / "tcm_classics"
SHORT = """\
{# version 1 #}
根据 passage 写一组问答，答案沿用 passage 的用词，只输出 JSON。
--- user
{"title": "灯心草", "passage": "灯心草，味甘淡，性微寒。清心火，利小便。"}
--- assistant
{"pairs": [{"question": "灯心草有什么功效？", "answer": "灯心草能清心火，利小便。"}]}
"""


@contextlib.contextmanager
def local_server(threads: int = 1) -> Iterator[int]:
    """Start the project's local server and yield its port once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "chimed_datasets.generate.local_server", "--port", str(port),
         "--threads", str(threads)],
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


def recipe(url: str, source: dict, passages: int, short: bool = False) -> dict:
    """Return a recipe that asks about ``passages`` passages of 160 characters, one a section."""
    task = {"task": "qa_from_document", "models": ["gemma"], "passages": 160, "per_document": 1,
            "answer": 200, "repairs": 0}  # fmt: skip
    return {
        "name": "classics-qa",
        "sources": [source],
        "sample": passages,
        "endpoint": {"base_url": url, "concurrency": 2, "timeout": 3600},
        "models": [{"name": "gemma", "model": "local", "temperature": 0, "max_tokens": 80}],
        "tasks": [task | ({"prompt": "short.jinja", "passages": 80} if short else {})],
        "budget": {"requests": 10 * passages},
    }


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


def broken_run(make: Callable[[str], dict], passages: int, kill: str, out: Path) -> dict:
    """Run until it is killed, twice, and then to the end; return what was counted."""
    path, limit = out.with_name("broken.yaml"), 2 * passages
    told: dict = {"kills": []}
    with local_server() as port, Proxy(port) as proxy:
        path.write_text(yaml.safe_dump(make(proxy.url)), "utf-8")
        for answers in (passages // 3, 2 * passages // 3):
            proxy.hold = answers if kill == "held" else None
            process = start(path, out, limit)
            until(lambda: stored(out) >= answers, process)  # noqa: B023
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            told["kills"].append({"stored": stored(out), "forwarded": proxy.forwarded.total()})
            print(json.dumps(told["kills"][-1]), flush=True)
        proxy.hold = None
        told["last run"] = finish(start(path, out, limit)).splitlines()
        told["requests"] = proxy.forwarded.total()
        told["asked twice"] = proxy.forwarded.total() - len(proxy.forwarded)
        told["answered twice"] = sum(n > 1 for n in proxy.answered.values())
    return told


def unbroken_run(make: Callable[[str], dict], passages: int, out: Path) -> dict:
    path = out.with_name("unbroken.yaml")
    with local_server() as port, Proxy(port) as proxy:
        path.write_text(yaml.safe_dump(make(proxy.url)), "utf-8")
        told = finish(start(path, out, 2 * passages)).splitlines()
        return {"run": told, "requests": proxy.forwarded.total()}


def prove(source: dict, passages: int, kill: str, work: Path, short: bool = False) -> dict:
    """Run broken and, on another server, unbroken, and return the counts."""

    def make(url: str) -> dict:
        return recipe(url, source, passages, short)

    (work / "short.jinja").write_text(SHORT, "utf-8")
    broken, whole, begun = work / "broken", work / "unbroken", time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(broken_run, make, passages, kill, broken)
        other = pool.submit(unbroken_run, make, passages, whole)
        told = {"passages": passages, "kill": kill, "broken": one.result()}
        told |= {"unbroken": other.result(), "seconds": round(time.monotonic() - begun, 1)}
    names = ("records.jsonl", "ledger.parquet", "manifest.json")
    told["equal"] = {n: (broken / n).read_bytes() == (whole / n).read_bytes() for n in names}
    tasks = json.loads((whole / "manifest.json").read_text("utf-8"))["tasks"]
    told["outcome"] = {k: tasks[0][k] for k in ("inputs", "results", "records", "dropped")}
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--passages", type=int, default=200)
    parser.add_argument("--kill", choices=("held", "any"), default="held")
    parser.add_argument("--short", action="store_true", help="a short prompt, shorter passages")
    parser.add_argument("--work", type=Path, help="where to leave both results; left out: nowhere")
    given = parser.parse_args()
    source = {"name": "classics", "layout": "tcm_classics", "path": str(CLASSICS),
              "license": "public-domain", "domain": "tcm"}  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        work = given.work or Path(name)
        work.mkdir(parents=True, exist_ok=True)
        told = prove(source, given.passages, given.kill, work, given.short)
    print(json.dumps(told, ensure_ascii=False, indent=1))
    sys.exit(0 if sound(told) else 1)


def sound(told: dict) -> bool:
    """Whether all is there, and nothing was paid twice that the client had."""
    broken = told["broken"]
    allowed = 0 if told["kill"] == "held" else 2 * len(broken["kills"])  # what was under way
    same = all(told["equal"].values())
    return same and not broken["answered twice"] and broken["asked twice"] <= allowed


if __name__ == "__main__":
    main()

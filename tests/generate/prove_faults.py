"""Ten thousand rows through an endpoint that goes wrong on purpose: is each accounted for?

    python tests/generate/prove_faults.py --rows 10000 --concurrency 64
    python tests/generate/prove_faults.py --waits    # 400 rows, 8 at once, usual settings: seconds

The endpoint (fault_server.py) refuses, fails, hangs up, hangs, dawdles, sends half a body, half a
JSON, another shape and endless repetition, each by a draw over seed and request. The client is
`chimed generate` in a process of its own. Prints what went wrong how often, rows and requests a
second, and the client's peak memory. Exits 1 unless every input is in the records or in the ledger,
once, with its own answer, and the endpoint counted the requests that the account has.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq
import yaml
from fault_server import Server

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # run as a file, Python looks in this folder alone

from makers import write_documents  # noqa: E402

from chimed_datasets import records  # noqa: E402
from tests.common.text import prose  # noqa: E402

WAITS = ("429", "500", "half_body", "wrong_body", "drop")
"""Faults after which the next try comes soon: refused for 0.2 s, failed, half a body, cut."""


def recipe(url: str, endpoint: dict) -> dict:
    source = {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "cc0-1.0",
              "kind": "document", "fields": {"text": "text", "title": "title"}}  # fmt: skip
    return {
        "name": "faults",
        "sources": [source],
        "endpoint": {"base_url": url, **endpoint},
        "models": [{"name": "m", "model": "x", "max_tokens": 200}],
        "tasks": [{"task": "qa_from_document", "models": ["m"]}],
    }  # fmt: skip


def prove(rows: int, server: Server, endpoint: dict, work: Path) -> dict:
    """Run and return the figures; see :func:`wrong` for what must be true of them."""
    write_documents(work / "docs.jsonl", rows)
    path, out = work / "recipe.yaml", work / "out"
    with server:
        path.write_text(yaml.safe_dump(recipe(server.url, endpoint)), "utf-8")
        begun = time.monotonic()
        code = "from chimed_datasets.cli import app; app()"
        done = subprocess.run(
            [sys.executable, "-c", code, "generate", "--recipe", str(path), "--out", str(out)],
            cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": "1"}, capture_output=True, text=True,
        )  # fmt: skip
        seconds = time.monotonic() - begun
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    asking = server.stats.last - server.stats.first
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return {
        "rows": rows,
        "concurrency": endpoint["concurrency"],
        "faults": dict(sorted(server.stats.faults.items())),
        "requests": server.stats.arrived,
        "under way at once": server.stats.most,
        "seconds": round(seconds, 1),
        "seconds asking": round(asking, 1),
        "requests a second": round(server.stats.arrived / asking),
        "seconds of CPU of the client": round(used.ru_utime + used.ru_stime, 1),
        "peak MiB of the client": round(peak),
        "told": done.stdout.splitlines(),
        "wrong": wrong(out, rows, server.stats.arrived, done.stdout),
    }


def wrong(out: Path, rows: int, arrived: int, told: str) -> list[str]:
    """Return what is amiss in a finished folder: nothing, it is to be hoped."""
    lines = (out / "records.jsonl").read_text("utf-8").splitlines()
    made = [json.loads(line) for line in lines]
    lost = pq.read_table(out / "ledger.parquet").to_pylist()
    (job,) = json.loads((out / "manifest.json").read_text("utf-8"))["tasks"]
    place = {records.record_id("docs", f"docs.jsonl#{n}"): n for n in range(rows)}
    results = [place.get(row["metadata"]["parent"]) for row in made]
    found = []
    if sorted([*results, *(place.get(row["id"]) for row in lost)]) != list(range(rows)):
        found.append("an input is lost, told of twice, or unknown")
    if results != sorted(results):
        found.append("records are not in the order of the inputs")
    if (job["inputs"], job["results"], sum(job["dropped"].values())) != (
        rows,
        len(made),
        len(lost),
    ):
        found.append("the manifest's account is another")
    if not all(row["rule"] and row["evidence"] for row in lost):
        found.append("a ledger row does not say why")
    for n, row in zip(results, made, strict=True):
        if row["answers"][0]["text"] != f"古人说：{prose(n, 120)[:30]}":
            found.append(f"row {n} has another row's answer")
    if told.partition(" requests sent")[0].split()[-1] != f"{arrived:,}":
        found.append("the endpoint counted other requests than the account")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.1, help="share of requests that fail")
    parser.add_argument("--waits", action="store_true", help="without faults, and with 22 %%")
    given = parser.parse_args()
    if given.waits:
        runs = [
            (400, Server(rate=rate, wire=WAITS, delay=0.06, keep_bodies=False), {"concurrency": 8})
            for rate in (0.0, 0.22)
        ]
    else:
        server = Server(
            seed=given.seed, rate=given.rate, bad=0.1, hopeless=0.03, hang=6.0, delay=0.002,
            retry_after="0.1", keep_bodies=False,
        )  # fmt: skip
        own = {"concurrency": given.concurrency, "timeout": 5, "backoff": 0.05, "attempts": 12}
        runs = [(given.rows, server, own)]
    amiss = False
    for rows, server, endpoint in runs:
        with tempfile.TemporaryDirectory() as name:
            told = prove(rows, server, endpoint, Path(name))
        print(json.dumps(told, ensure_ascii=False, indent=1))
        amiss |= bool(told["wrong"])
    sys.exit(1 if amiss else 0)


if __name__ == "__main__":
    main()

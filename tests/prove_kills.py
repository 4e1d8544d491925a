"""Proves that a build that is killed goes on to the same bytes, also where sources are mended.

    python tests/prove_kills.py [--kills 100] [--seed 7] [--folder DIR]

Builds a small recipe of six sources (plain files, many files, a zip, a .gz, pairs) in thirteen and
more parts. Each build is killed with SIGKILL at a random moment of its whole time, with one worker
or two, once or several times in a row; after a kill the recipe or a file is mended one time in
three: a file changes, an entry changes, a source is added, taken out or moved, a stage changes.
Then the same command runs to its end. Its bytes must be those of an unbroken build of what the
recipe is by then, and nothing may be left beside it. Half of the builds replace a dataset.

It prints a line for each build, and at the end the kills by what stood on the disk. Exit code 1
where any byte differs. 100 kills take about ten minutes.
"""

from __future__ import annotations

import argparse
import filecmp
import gzip
import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import zipfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from chimed_datasets import build, load_recipe  # noqa: E402
from chimed_datasets.building import plan, workers  # noqa: E402
from tests.common.files import write_jsonl  # noqa: E402
from tests.common.sources import page  # noqa: E402
from tests.common.text import prose  # noqa: E402

plan.UNIT_BYTES = 8_000
importlib.import_module(workers.WARM)


class Shop:
    """A recipe and its files, which can be mended."""

    def __init__(self, folder: Path, draw: random.Random) -> None:
        self.folder, self.draw = folder, draw
        self.version = dict.fromkeys(("books", "many", "packed", "gz", "pages", "ranked"), 0)
        document = {"layout": "jsonl", "kind": "document", "fields": {"text": "text"}}
        self.sources: list[dict] = [
            {"name": "books", "path": "books.jsonl", **document},
            {"name": "many", "path": "many", **document},
            {"name": "packed", "path": "packed.zip", **document},
            {"name": "gz", "path": "gz.jsonl.gz", **document},
            {"name": "pages", "path": "pages.jsonl", "layout": "chimed_pages"},
            {"name": "ranked", "path": "ranked.jsonl", "layout": "ranked"},
        ]
        self.sources = [{"license": "mit", "domain": "tcm", **one} for one in self.sources]
        self.out: list[dict] = []
        self.least = 10
        for name in self.version:
            self.write(name)

    def write(self, name: str) -> None:
        """Write the files of a source, and the recipe."""
        base = 10_000 * (1 + list(self.version).index(name))
        base += 1000 * self.version[name]
        documents = [{"id": i, "text": prose(base + i // 2 * 2, 90)} for i in range(60)]
        if name == "many":
            for n in range(8):
                # One file of eight changes with the version.
                first = base if n == 3 else 20_000 + 5000
                rows = [{"id": i, "text": prose(first + 100 * n + i, 90)} for i in range(20)]
                write_jsonl(self.folder / "many" / f"{n}.jsonl", rows)
        elif name == "pages":
            pages = [page(i + self.version[name]) for i in range(30)]
            write_jsonl(self.folder / "pages.jsonl", pages)
        elif name == "ranked":
            rows = [
                {"instruction": prose(base + i, 20), "output": [prose(base + 300 + i), prose(i)]}
                for i in range(40)
            ]
            write_jsonl(self.folder / "ranked.jsonl", rows)
        else:
            write_jsonl(self.folder / "plain.jsonl", documents)
            plain = (self.folder / "plain.jsonl").read_bytes()
            (self.folder / "plain.jsonl").unlink()
            if name == "books":
                (self.folder / "books.jsonl").write_bytes(plain)
            elif name == "gz":
                (self.folder / "gz.jsonl.gz").write_bytes(gzip.compress(plain, mtime=0))
            else:
                with zipfile.ZipFile(self.folder / "packed.zip", "w") as packed:
                    for n in range(3):
                        packed.writestr(zipfile.ZipInfo(f"{n}.jsonl"), plain[: -n * 3000 or None])
        recipe = {
            "name": "killed", "sources": self.sources, "shard_size": 15_000,
            "stages": {"filter": {"min_document_chars": self.least}},
        }  # fmt: skip
        (self.folder / "recipe.yaml").write_text(yaml.safe_dump(recipe, allow_unicode=True))

    def mend(self) -> str:
        """Change something; return what."""
        kind = self.draw.choice(["file", "file", "entry", "entry", "take", "add", "move", "stage"])
        source = self.draw.choice(self.sources)
        name = source["name"]
        if kind == "file":
            self.version[name] += 1
        elif kind == "entry":
            source["domain"] = {"tcm": "modern", "modern": "tcm"}[source["domain"]]
        elif kind == "take" and len(self.sources) > 3:
            self.sources.remove(source)
            self.out.append(source)
        elif kind == "stage":
            self.least = self.least % 30 + 10
        elif self.out:
            source = self.out.pop()
            name = source["name"]
            self.sources.insert(self.draw.randrange(len(self.sources) + 1), source)
        else:
            self.draw.shuffle(self.sources)
        self.write(name)
        return f"{kind} {name}"

    def state(self) -> str:
        """Return a hash of all that a build depends on here."""
        text = json.dumps([self.sources, self.version, self.least], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Ended(NamedTuple):
    """What became of a build: its exit code, negative where a signal ended it, and what it said."""

    code: int
    said: str
    seconds: float


def run(
    shop: Shop, out: Path, workers: int = 1, after: float = 0, overwrite: bool = False
) -> Ended:
    """Build in a process of its own, which is killed ``after`` so many seconds (0: never).

    The process is forked from this one, that has done no more than import: of a fresh one most of
    the time would be imports.
    """
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        pid = os.fork()
        if not pid:
            code = 1
            try:
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
                if after:
                    threading.Thread(target=_kill, args=(after,), daemon=True).start()
                recipe = load_recipe(shop.folder / "recipe.yaml")
                build(recipe, out, workers=workers, overwrite=overwrite, tell=print)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        said.seek(0)
        return Ended(os.waitstatus_to_exitcode(status), said.read(), time.monotonic() - start)


def _kill(after: float) -> None:
    time.sleep(after)
    os.kill(os.getpid(), signal.SIGKILL)


def phase(out: Path) -> str:
    """Return what stood on the disk after a kill."""
    work = out.with_name(f".{out.name}.building")
    if not work.exists():
        finished = list(out.parent.glob(f".{out.name}.finished-*"))
        return "swapped, or going" if finished else "not begun, or ended"
    units, shards = (list((work / "work" / name).glob("*")) for name in ("units", "shards"))
    if (work / "finished.json").exists():
        return "about to be swapped"
    if (work / "dataset").exists():
        return "closing"
    if shards:
        return "writing"
    partial = any(".partial-" in unit.name for unit in units)
    return "reading" if partial or not units else "between parts, or deciding"


def differs(one: Path, other: Path) -> list[str]:
    names = [
        {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        for folder in (one, other)
    ]
    differ = filecmp.cmpfiles(one, other, names[0] & names[1], shallow=False)
    return sorted([*(names[0] ^ names[1]), *differ[1], *differ[2]])


class Proof:
    """Builds that are killed, and their unbroken twins."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.draw = folder, random.Random(seed)
        (folder / "shop").mkdir(parents=True)
        self.shop = Shop(folder / "shop", self.draw)
        self.unbroken: dict[str, Path] = {}
        self.phases: Counter[str] = Counter()
        self.kills = self.mended = self.failed = self.builds = 0
        self.seconds = run(self.shop, self.folder / "timed").seconds

    def twin(self) -> Path:
        """Return an unbroken build of what the recipe is now."""
        state = self.shop.state()
        if state not in self.unbroken:
            place = self.folder / "unbroken" / state
            done = run(self.shop, place)
            assert done.code == 0, done.said
            self.unbroken[state] = place
        return self.unbroken[state]

    def one(self, most: int) -> None:
        """Kill a build up to ``most`` times, let it end, and compare."""
        out = self.folder / "out" / "killed"
        self.builds += 1
        replaces = self.draw.random() < 0.5
        if not replaces:
            shutil.rmtree(out, ignore_errors=True)
        happened = []
        for _ in range(self.draw.randint(1, most)):
            workers = self.draw.choice([1, 1, 1, 2])
            # Of two, each imports for itself first.
            longest = self.seconds * (1 + (workers > 1))
            after = self.draw.uniform(0.01, longest)
            done = run(self.shop, out, workers, after, replaces)
            if done.code == 0:
                happened.append("ended")
                break
            assert done.code == -signal.SIGKILL, done.said
            self.kills += 1
            self.phases[phase(out)] += 1
            happened.append(phase(out))
            if self.draw.random() < 1 / 3:
                happened.append(self.shop.mend())
                self.mended += 1
                if out.exists():  # which is of an older state
                    replaces = True
        done = run(self.shop, out, self.draw.choice([1, 1, 1, 2]), 0, replaces)
        wrong = [done.said.strip()[-300:]] if done.code else differs(out, self.twin())
        left = [p.name for p in out.parent.iterdir() if p.name.startswith(".")] if not wrong else []
        self.failed += bool(wrong or left)
        told = next((line for line in done.said.splitlines() if line.startswith("reads")), "")
        said = "DIFFERS " + ", ".join(wrong) if wrong else f"LEFT {left}" if left else "same bytes"
        print(f"{said}: {'; '.join(happened)}{f' ({told})' if told else ''}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        proof = Proof((args.folder or Path(name)) / "kills", args.seed)
        while proof.kills < args.kills:
            proof.one(min(4, args.kills - proof.kills))
    for stood, times in proof.phases.most_common():
        print(f"{times:4} {stood}")
    print(
        f"{proof.kills} kills in {proof.builds} builds, mended after {proof.mended} of them: "
        + ("the same bytes" if not proof.failed else f"{proof.failed} builds differ")
    )
    return int(proof.failed > 0)


if __name__ == "__main__":
    sys.exit(main())

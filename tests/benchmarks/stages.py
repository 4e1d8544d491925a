"""Characters a second of reading and of each stage, in one process, over real data.

    python tests/benchmarks/stages.py [--chars 20000000] [--data ../shared/data] [--repeat 1]

Seconds are of this process's CPU, the stages' over the first so many characters of the classics'
records, in the batches that a build makes. Each batch goes through all stages before the next, as in
a build. A first batch is not counted: tables are built and patterns compiled then.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from chimed_datasets import records
from chimed_datasets.built import statistics
from chimed_datasets.records import Batch, Malformed
from chimed_datasets.sources import FileReport, exams, layout
from chimed_datasets.sources.files.finding import resolve
from chimed_datasets.stages.clean import Clean
from chimed_datasets.stages.decontaminate import Decontaminate, Index
from chimed_datasets.stages.deduplicate import Deduplicate
from chimed_datasets.stages.filter import Filter
from chimed_datasets.stages.mask import Mask
from chimed_datasets.stages.simplify import Simplify

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
READ = [("tcm_classics", "tcm_classics"), ("entities", "cmekg"), ("entities", "remedi")]


def read(key: str, path: Path, chars: int) -> tuple[list[records.Record], int, float]:
    """Return records of about ``chars`` characters, how many those are, and the seconds."""
    found = layout(key)
    with TemporaryDirectory() as staging:
        files = resolve(str(path), Path("/"), Path(staging), found.suffixes)
        start = time.process_time()
        made, size = [], 0
        for record in found.read(files, found.options({}), FileReport()):
            if not isinstance(record, Malformed):
                made.append(record)
                size += len(record.text)
            if size >= chars:
                break
        return made, size, time.process_time() - start


def in_batches(made: Iterable[records.Record]) -> Iterator[pa.RecordBatch]:
    return records.batches(made, source="s", license="l", domain="tcm")


def characters(table: pa.RecordBatch) -> int:
    return len(Batch(table).points.points)


def through(chain: list[Any], tables: list[pa.RecordBatch]) -> dict[str, float]:
    """Take each table through all stages, as a build does; return the seconds of each stage."""
    seconds: Counter[str] = Counter()
    for number, table in enumerate([tables[0], *tables]):
        batch = Batch(table)
        for stage in [*chain, Deduplicate()]:
            start = time.process_time()
            if isinstance(stage, Deduplicate):
                stage.features(batch)
            else:
                batch = stage(batch).batch
            seconds[stage.name] += (time.process_time() - start) * (number > 0)
    return seconds


def line(name: str, chars: int, seconds: float) -> None:
    print(f"{name:<28} {chars / 1e6:>7.1f} M {seconds:>8.2f} s {chars / seconds / 1e6:>7.1f} M/s")


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    given.add_argument("--chars", type=int, default=20_000_000)
    given.add_argument("--data", type=Path, default=SHARED)
    given.add_argument("--repeat", type=int, default=1, help="The least of N passes of each stage.")
    asked = given.parse_args()
    classics: list[records.Record] = []
    for key, name in READ:
        made, chars, seconds = read(key, asked.data / name, asked.chars)
        line(f"read {key} ({name})", chars, seconds)
        classics = classics or made

    start = time.process_time()
    tables = list(in_batches(classics))
    line("records to Arrow", sum(map(characters, tables)), time.process_time() - start)
    items = {}
    for key in ("cmmlu", "ceval"):
        files = resolve(str(asked.data / "benchmarks" / key), Path("/"), Path("/"), (".csv",))
        items[key] = exams.read(key, files, FileReport())
    index = Index.build(items, Decontaminate())
    chain = [Clean(), Simplify(), Filter(), Mask(), Decontaminate().against(index)]
    passes = [through(chain, tables) for _ in range(asked.repeat)]
    chars = sum(map(characters, tables))
    for name in passes[0]:
        line(name, chars, min(seconds[name] for seconds in passes))

    rows = (row for table in tables for row in table.select(["id", "text"]).to_pylist())
    few = list(islice(rows, 5_000))
    statistics.segmenter()("热")
    start = time.process_time()
    told = statistics.tally(few, 1.0)
    line("statistics (5,000 rows)", told["chars"], time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.2f} GiB")


if __name__ == "__main__":
    main()

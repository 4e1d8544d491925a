"""The same records in other files: what a build takes of each, beside the plain ones.

    python tests/benchmarks/shapes.py DATA OUT [--turns 3] [--only NAME ...]

DATA is what make_data.py makes; its pairs (351,600 rows at scale 1) are laid down as

    parts        16 files of JSON Lines, as they are
    one          one file of JSON Lines
    csv-parts, csv
                 16 files of CSV, and one
    parquet      one file, of row groups of 16,384 rows
    zip, tar     one archive of the 16 files
    gz, xz, bz2, zst
                 one compressed file
    rows, files  the first 100,000 rows: one file, and 100,000 files of one row

Each is built with two workers, all in turn, so many times. Printed: the medians, and the ratios to
the first of its kind (parts, csv-parts, rows) turn by turn: their median and range.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import gzip
import json
import lzma
import shutil
import statistics
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
import zstandard
from measured import run

SMALL = 100_000
COLUMNS = ("id", "department", "question", "answer")
BESIDE = {
    "parts": ("one", "parquet", "zip", "tar", "gz", "xz", "bz2", "zst"),
    "csv-parts": ("csv",),
    "rows": ("files",),
}
"""What is compared with what."""


def rows_of(data: Path) -> Iterator[bytes]:
    """Yield the lines of all parts, with their ends."""
    for path in sorted((data / "qa").glob("*.jsonl")):
        with path.open("rb") as lines:
            yield from lines


def packed(data: Path, path: Path, pack: Callable[[bytes], bytes]) -> None:
    path.write_bytes(pack(b"".join(rows_of(data))))


def sheets(paths: list[Path], target: Callable[[int], Path]) -> None:
    """Write each file's rows as CSV; to one file where ``target`` says so."""
    for number, path in enumerate(paths):
        to = target(number)
        first = not to.exists()
        with to.open("a", newline="", encoding="utf-8") as out, path.open("rb") as lines:
            for line in lines:
                row = orjson.loads(line)
                if first:
                    csv.writer(out).writerow(COLUMNS)
                    first = False
                csv.writer(out).writerow([row.get(name) for name in COLUMNS])


def lay(name: str, data: Path, place: Path) -> None:
    """Write the files of a shape under ``place``."""
    place.mkdir(parents=True)
    parts = sorted((data / "qa").glob("*.jsonl"))
    match name:
        case "parts":
            for path in parts:
                shutil.copy(path, place)
        case "one":
            packed(data, place / "one.jsonl", bytes)
        case "csv-parts":
            sheets(parts, lambda number: place / f"{number:02d}.csv")
        case "csv":
            sheets(parts, lambda number: place / "one.csv")
        case "parquet":
            schema = pa.schema([(name, pa.string()) for name in COLUMNS])
            rows = [orjson.loads(line) for line in rows_of(data)]
            table = pa.Table.from_pylist(rows, schema)
            pq.write_table(table, place / "one.parquet", row_group_size=16_384)
        case "zip":
            with zipfile.ZipFile(place / "one.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                for path in parts:
                    archive.write(path, path.name)
        case "tar":
            with tarfile.open(place / "one.tar", "w") as archive:
                for path in parts:
                    archive.add(path, path.name)
        case "gz":
            packed(data, place / "one.jsonl.gz", gzip.compress)
        case "xz":
            packed(data, place / "one.jsonl.xz", lambda raw: lzma.compress(raw, preset=1))
        case "bz2":
            packed(data, place / "one.jsonl.bz2", bz2.compress)
        case "zst":
            packed(data, place / "one.jsonl.zst", zstandard.compress)
        case "rows" | "files":
            for number, line in enumerate(rows_of(data)):
                if number == SMALL:
                    break
                if name == "rows":
                    with (place / "one.jsonl").open("ab") as out:
                        out.write(line)
                else:
                    folder = place / f"{number // 1000:03d}"
                    folder.mkdir(exist_ok=True)
                    (folder / f"{number:06d}.jsonl").write_bytes(line)


def recipe(place: Path) -> Path:
    """Write the recipe over a shape's files, and return where it lies."""
    layout = "csv" if "csv" in place.name else "parquet" if place.name == "parquet" else "jsonl"
    entry = {
        "name": "qa", "layout": layout, "path": place.name, "license": "apache-2.0",
        "domain": "modern", "kind": "thread",
        "fields": {name: name for name in COLUMNS},
    }  # fmt: skip
    path = place.with_suffix(".yaml")
    path.write_text(yaml.safe_dump({"name": "shape", "sources": [entry]}, sort_keys=False))
    return path


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    given.add_argument("data", type=Path)
    given.add_argument("out", type=Path)
    given.add_argument("--turns", type=int, default=3)
    given.add_argument("--only", nargs="*", default=[])
    asked = given.parse_args()
    names = [
        name
        for first, others in BESIDE.items()
        for name in (first, *others)
        if not asked.only or name in asked.only
    ]
    chimed = Path(sys.executable).with_name("chimed")
    for name in names:
        if not (asked.out / name).exists():
            lay(name, asked.data, asked.out / name)
    log = asked.out / "shapes.json"
    told: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(asked.turns):
        for name in names:
            made = asked.out / "made" / name
            made.parent.mkdir(exist_ok=True)
            command = [chimed, "build", "--recipe", recipe(asked.out / name), "--out", made]
            measured = run([*command, "--workers", "2", "--overwrite"], made.with_suffix(".log"))
            if measured.code:
                sys.exit(f"{name}: failed, see {made.with_suffix('.log')}")
            told[name].append((measured.seconds, measured.cpu))
            log.write_text(json.dumps(told, indent=1) + "\n")
    print(
        "| shape | wall s | CPU s | beside | wall, times | CPU, times |\n|---|---|---|---|---|---|"
    )
    first_of = {name: first for first, others in BESIDE.items() for name in others}
    for name, found in told.items():
        wall, cpu = (statistics.median(column) for column in zip(*found, strict=True))
        line = f"| {name} | {wall:.1f} | {cpu:.1f} |"
        first = told.get(first_of.get(name, ""))
        if first:
            line += f" {first_of[name]} |"
            for at in (0, 1):
                ratios = [one[at] / other[at] for one, other in zip(found, first, strict=True)]
                line += f" {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |"
        else:
            line += " | | |"
        print(line)


if __name__ == "__main__":
    main()

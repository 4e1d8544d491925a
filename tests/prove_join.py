"""Proves that a join and a group of 10 million rows live in 1 GB.

    python tests/prove_join.py [CASE…] [--rows N] [--folder DIR]

CASES: `join` reads a table of answers whose questions lie in another one, both of N rows, in no
order; `group` reads N rows of which every four are a thread, parted over four files; `both` joins
the tables and then groups, as cMedQA2 needs it. The files are CSV with an id in every row, 60
characters a question and 100 an answer. They are made in a temporary folder (of DIR, else of
TMPDIR), and are gone at the end.

Each case is read in a process of its own as a build reads it. A line says

rows     of the table that is read, and its records
s        seconds, and those of the CPU: the two differ on a machine that others use as well
memory   the largest proportional set size (PSS) of all processes of the reading, looked at ten times a
         second; of a page that several have each counts its share
disk     the most that files without a name took, which is what the database holds; and the files
         that are read

A case fails at more than MAX_GB of memory, and where a record is lost. Exit code 1 if one does. Of
10 million rows a case takes some ten minutes of CPU and up to 14 GB of disk. Linux alone tells of these sizes.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

MAX_GB = 1.0
LOOKS = 10
QUESTION = "一岁宝宝反复发热三天，伴有咳嗽和流清涕，晚上睡不好，请问需要去医院检查吗？家里可以先用什么药？平时饮食要注意些什么"
ANSWER = "建议先测体温，超过三十八度五可以口服退热药，多喝温水，注意休息，观察精神状态。如果持续高热不退、呼吸急促或者精神很差，应当尽快到儿科就诊，做血常规和胸片检查，在医生指导下用药，不要自行使用抗生素，饮食清淡。"
FILES = 4
THREAD: dict[str, Any] = {"kind": "thread", "id": "ans_id"}
JOIN = {"with": "question.csv", "on": "question_id"}
CASES: dict[str, dict[str, Any]] = {
    "join": THREAD
    | {"join": JOIN, "fields": {"question": "question.content", "answer": "content"}},
    "group": THREAD | {"group": "question_id", "fields": {"question": "q", "answer": "content"}},
    "both": THREAD
    | {
        "join": JOIN,
        "group": "question_id",
        "fields": {"question": "question.content", "answer": "content"},
    },
}


def shuffled(number: int) -> Iterator[int]:
    """Yield 0 … number-1 in no order, without a list of them."""
    step = int(number * 0.6180339887)
    while math.gcd(step, number) > 1:
        step += 1
    yield from (n * step % number for n in range(number))


def make(case: str, folder: Path, rows: int) -> int:
    """Write the files of a case; return how many records they give."""
    asked = rows if case == "join" else rows // 4
    if case != "group":
        with (folder / "question.csv").open("w") as out:
            out.write("question_id,content\n")
            for n in shuffled(asked):
                out.write(f"{n},{QUESTION}{n}\n")
    files = FILES if case == "group" else 1
    outs = [(folder / f"answer-{n}.csv").open("w") for n in range(files)]
    for out in outs:
        out.write(
            "ans_id,question_id,q,content\n" if case == "group" else "ans_id,question_id,content\n"
        )
    for number, n in enumerate(shuffled(rows)):
        question = n % asked
        text = f"{QUESTION}{question}," if case == "group" else ""
        outs[number % files].write(f"a{number},{question},{text}{ANSWER}{number}\n")
    for out in outs:
        out.close()
    return asked


def read(case: str, folder: Path) -> None:
    """Read the files of a case; print how many records, answers and other rows there are."""
    from chimed_datasets.records import Malformed
    from chimed_datasets.sources import FileReport, layout
    from chimed_datasets.sources.files.finding import resolve

    found = layout("csv")
    options = found.options(CASES[case])
    records = answers = lost = 0
    files = resolve(str(folder), folder, folder / "staging", found.suffixes)
    for made in found.read(files, options, FileReport()):
        if isinstance(made, Malformed):
            lost += 1
        else:
            records += 1
            answers += len(made.answers)  # type: ignore[union-attr]
    print(records, answers, lost)


def family(pid: int) -> list[int]:
    """Return a process and all that it has started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [one for child in task.read_text().split() for one in family(int(child))]
    return found


def sizes(pid: int) -> tuple[int, int]:
    """Return the bytes of memory that a process and its children hold, and those of their files
    without a name."""
    memory = 0
    disk: dict[int, int] = {}
    try:
        for one in family(pid):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            memory += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
            for file in Path(f"/proc/{one}/fd").iterdir():
                about = file.stat()
                if about.st_nlink == 0:
                    disk[about.st_ino] = about.st_blocks * 512
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        pass  # it has just ended
    return memory, sum(disk.values())


def cpu() -> float:
    """Return the CPU seconds of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def prove(case: str, rows: int, base: Path | None) -> bool:
    """Make the files of a case, read them and print its line. Return whether it is within."""
    with tempfile.TemporaryDirectory(dir=base) as name:
        folder = Path(name)
        records = make(case, folder, rows)
        size = sum(file.stat().st_size for file in folder.iterdir())
        command = [sys.executable, __file__, case, "--read", name]
        env = os.environ | {"PYTHONPATH": str(ROOT)} | ({"TMPDIR": str(base)} if base else {})
        begun, used = time.monotonic(), cpu()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        memory = disk = 0
        while process.poll() is None:
            now = sizes(process.pid)
            memory, disk = max(memory, now[0]), max(disk, now[1])
            time.sleep(1 / LOOKS)
        seconds, used = time.monotonic() - begun, cpu() - used
        said = process.stdout.read().split() if process.stdout else []
    whole = said == [str(records), str(rows), "0"]
    fails = memory > MAX_GB * 1e9 or not whole or process.returncode != 0
    print(
        f"{'FAILS' if fails else 'ok':5} {case:6} {rows:>11,} rows, {' '.join(said)} "
        f"(records, answers, lost){seconds:8.0f} s, CPU {used:.0f} s  memory {memory / 1e6:5.0f} MB  "
        f"disk {disk / 1e9:.1f} GB beside {size / 1e9:.1f} GB of files",
        flush=True,
    )
    return not fails


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", help=f"{', '.join(CASES)}. Left out: all.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="where the files are made. Default: TMPDIR.")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if unknown := [case for case in args.cases if case not in CASES]:
        parser.error(f"unknown case {unknown[0]!r}. Known: {', '.join(CASES)}.")
    if args.read:
        read(args.cases[0], args.read)
        return 0
    within = [prove(case, args.rows, args.folder) for case in args.cases or CASES]
    return 0 if all(within) else 1


if __name__ == "__main__":
    sys.exit(main())

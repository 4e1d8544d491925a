"""Run a command and measure it with all its children: wall time, CPU seconds, peak memory."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

TICK = os.sysconf("SC_CLK_TCK")


class Measured(NamedTuple):
    """seconds: wall. cpu: user and system of all processes. peak: bytes, proportional set sizes of
    all processes together (shared pages count once). load: the machine's, when it ended."""

    seconds: float
    cpu: float
    peak: int
    load: float
    code: int


def run(command: Sequence[str | Path], log: Path, timeout: float = 7200) -> Measured:
    """Run ``command``; Linux only. What it prints goes to ``log``."""
    start = time.perf_counter()
    cpu: dict[int, float] = {}
    peak = 0
    with log.open("w") as out:
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=out)
        try:
            while process.poll() is None:
                memory = 0
                for pid in _tree(process.pid):
                    seconds, size = _look(pid)
                    cpu[pid] = max(cpu.get(pid, 0.0), seconds)
                    memory += size
                peak = max(peak, memory)
                if time.perf_counter() - start > timeout:
                    break
                time.sleep(0.1)
        finally:
            for pid in reversed(list(_tree(process.pid))) if process.poll() is None else []:
                os.kill(pid, 9)
            process.wait()
    wall = time.perf_counter() - start
    return Measured(wall, sum(cpu.values()), peak, os.getloadavg()[0], process.returncode)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                yield from _tree(int(child))
    except OSError:
        return


def _look(pid: int) -> tuple[float, int]:
    """Return a process's CPU seconds and its memory in bytes."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        found = re.search(r"Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return 0.0, 0
    own = (int(fields[11]) + int(fields[12])) / TICK
    return own, 1024 * int(found[1]) if found else 0

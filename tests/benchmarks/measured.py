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
    all processes together (shared pages count once), looked at every second; own: the same without
    the pages of mapped files, which the system takes back when it needs them. load: the machine's
    when it ended."""

    seconds: float
    cpu: float
    peak: int
    own: int
    load: float
    code: int


def run(command: Sequence[str | Path], log: Path, timeout: float = 7200) -> Measured:
    """Run ``command``; Linux only. What it prints goes to ``log``."""
    start = time.perf_counter()
    cpu: dict[int, float] = {}
    peak = own = 0
    with log.open("w") as out:
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=out)
        try:
            turn = 0
            while process.poll() is None:
                pids = list(_tree(process.pid))
                for pid in pids:
                    cpu[pid] = max(cpu.get(pid, 0.0), _seconds(pid))
                if turn % 10 == 0:  # the kernel walks all pages for it
                    held = [_memory(pid) for pid in pids]
                    peak = max(peak, sum(total for total, _ in held))
                    own = max(own, sum(anonymous for _, anonymous in held))
                if time.perf_counter() - start > timeout:
                    break
                turn += 1
                time.sleep(0.1)
        finally:
            for pid in reversed(list(_tree(process.pid))) if process.poll() is None else []:
                os.kill(pid, 9)
            process.wait()
    wall = time.perf_counter() - start
    return Measured(wall, sum(cpu.values()), peak, own, os.getloadavg()[0], process.returncode)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                yield from _tree(int(child))
    except OSError:
        return


def _seconds(pid: int) -> float:
    """Return a process's CPU seconds."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def _memory(pid: int) -> tuple[int, int]:
    """Return a process's share of memory in bytes, and what of it is not of files."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0, 0
    total, anonymous = (re.search(rf"{name}:\s+(\d+)", told) for name in ("Pss", "Pss_Anon"))
    return (1024 * int(total[1]), 1024 * int(anonymous[1])) if total and anonymous else (0, 0)

"""Pages of the documentation as a reader uses them: from the top, block by block, in one folder.

A block of YAML or Python that begins with ``# name.yaml`` is saved under that name; other Python is
run as a file. The lines of a ``text`` block are in what was printed before it: blanks do not count,
and "…" stands for what is left out, between lines or at the end of one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
INSTALLS = ("pip install ", "git clone ", "python -m venv ")
TESTS = re.compile(r"^pip install -e '?\.\[dev\]'? .*&& pytest$", re.M)


class Block(NamedTuple):
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```", page, re.M | re.S)]


def runnable(text: str) -> str:
    """Return the lines of a bash block without those that install."""
    lines = []
    for line in text.splitlines():
        installs, joined, rest = line.partition(" && ")
        if not line.startswith(INSTALLS):
            lines.append(line)
        elif joined and installs == "pip install -e .":
            lines.append(rest)
    return "\n".join(lines)


def checkout(place: Path) -> Path:
    """Make ``place`` look like a checkout, in which a reader types the commands."""
    place.mkdir(exist_ok=True)
    for name in ("chimed_datasets", "builders", "cards", "setup.cfg"):
        (place / name).symlink_to(ROOT / name)
    return place


def ran(
    place: Path, *command: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in ``place`` as a reader does, on a screen of 100 columns."""
    scripts = Path(sys.executable).parent
    assert (scripts / "chimed").exists(), "the package is not installed: pip install -e '.[dev]'"
    told = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "HF_HOME": str(place / "hf"),
        "COLUMNS": "100",
        **(environment or {}),
    }
    return subprocess.run(command, cwd=place, env=told, capture_output=True, text=True, check=False)


def run(place: Path, *command: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a command in ``place`` as a reader does; return what it printed. It must succeed."""
    done = ran(place, *command, environment=environment)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def bash(place: Path, commands: str, environment: Mapping[str, str] | None = None) -> str:
    """Run the lines of a bash block, those that install aside."""
    lines = runnable(commands)
    if not lines.strip():
        return ""
    return run(place, "bash", "-euo", "pipefail", "-c", lines, environment=environment)


def save(place: Path, text: str) -> Path | None:
    """Save a block under the name in its first line; None where there is none."""
    name = re.match(r"# (\S+\.(?:yaml|py))\n", text)
    if not name:
        return None
    path = place / name[1]
    path.write_text(text, "utf-8")
    return path


def python(place: Path, text: str, environment: Mapping[str, str] | None = None) -> str:
    """Save a block of Python under its name, or run it as a file where it has none."""
    if save(place, text):
        return ""
    (place / "example.py").write_text(text, "utf-8")
    return run(place, sys.executable, "example.py", environment=environment)


def not_shown(text: str, printed: str) -> list[str]:
    """Return the lines of a ``text`` block that are not in what was printed, in that order."""
    left, missing = [squeezed(line) for line in printed.splitlines()], []
    for line in map(squeezed, text.splitlines()):
        if line and line != "…":
            found = (n for n, one in enumerate(left) if one == line or begins(one, line))
            if (at := next(found, None)) is None:
                missing.append(line)
            else:
                left = left[at + 1 :]
    return missing


def begins(line: str, shown: str) -> bool:
    """Whether a line is shown with its end left out."""
    return shown.endswith("…") and line.startswith(shown[:-1])


def squeezed(line: str) -> str:
    return " ".join(line.split())

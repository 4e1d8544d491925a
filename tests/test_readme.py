"""Every command and every example of the README runs as it stands there.

Installing is the exception: those lines are compared with what .ci/run does in a fresh
environment. The tour's sources are the fixtures of their layouts.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest
import yaml

from chimed_datasets.built.checks import validate
from chimed_datasets.cli import app
from chimed_datasets.recipe import parse
from tests.publish.conftest import TOKEN
from tests.publish.hub import Hub, serve

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
FIXTURES = ROOT / "tests" / "fixtures"
TESTS = re.compile(r"^pip install -e '?\.\[dev\]'? .*&& pytest$", re.M)


class Block(NamedTuple):
    language: str
    text: str


BLOCKS = [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```", README, re.M | re.S)]


def runnable(text: str) -> str:
    """Return the lines of a bash block without those that install."""
    lines = []
    for line in text.splitlines():
        installs, joined, rest = line.partition(" && ")
        if not line.startswith("pip install"):
            lines.append(line)
        elif joined and not TESTS.match(line):
            assert installs == "pip install -e ."
            lines.append(rest)
    return "\n".join(lines)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with the sources that my.yaml of the README names."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(FIXTURES / "tcm_classics", folder / "books")
    shutil.copy(FIXTURES / "qa_csv" / "gastroenterology.csv", folder / "qa.csv")
    (folder / "cmmlu").mkdir()
    row = ",Question,A,B,C,D,Answer\n0,下列哪一项属于五脏,胆,心,胃,膀胱,B\n"
    (folder / "cmmlu" / "anatomy.csv").write_text(row, "utf-8")
    return folder


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """The Hub of this test: no other is reached."""
    with serve({TOKEN: "org"}) as server:
        yield server


def run(place: Path, hub: Hub, *command: str) -> str:
    scripts = Path(sys.executable).parent
    assert (scripts / "chimed").exists(), "the package is not installed: pip install -e '.[dev]'"
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "HF_HOME": str(place / "hf"),
        "HF_ENDPOINT": hub.endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0",
        "HF_TOKEN": TOKEN,
    }
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


SERVE = "python -m chimed_datasets.collect.examples"


def serve_sites(place: Path, command: str) -> subprocess.Popen:
    """Serve the example sites as a reader does in another terminal, but on free ports."""
    serving = subprocess.Popen([sys.executable, *command.split()[1:], "0"], cwd=place)
    deadline = time.monotonic() + 60
    while not (place / "encyclopedia.yaml").exists():
        assert serving.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return serving


@pytest.fixture
def serving() -> Iterator[list[subprocess.Popen]]:
    """What runs beside the blocks; it ends with the test."""
    processes: list[subprocess.Popen] = []
    yield processes
    for process in processes:
        process.terminate()
        process.wait(10)


def test_the_readme_from_top_to_bottom(place, hub, serving):
    """The blocks build on one another, so that they run in the reader's order."""
    ran = []
    for language, text in BLOCKS:
        if language == "yaml":
            name = re.match(r"# (\S+\.yaml)\n", text)
            assert name, "a YAML block begins with the name of its file"
            (place / name[1]).write_text(text, "utf-8")
        elif language == "python":
            run(place, hub, sys.executable, "-c", text)
        elif text.startswith(SERVE):
            serving.append(serve_sites(place, text))
        elif language == "bash" and (commands := runnable(text)):
            if "RECORD_ID" in commands:
                known = pq.read_table(place / "built" / "ledger" / "kept.parquet", columns=["id"])
                commands = commands.replace("RECORD_ID", known["id"][0].as_py())
            ran.append(run(place, hub, "bash", "-euo", "pipefail", "-c", commands))
    told = "\n".join(ran)
    assert "messages" in told  # what load_dataset printed
    assert "built is sound." in told
    assert "It is in split" in told
    assert hub.repos["org/chimed2"].private
    assert "14 records of" in told
    for folder in ("chimed2", "built", "built-again", "questions"):
        assert validate(place / folder) == []


def test_only_known_kinds_of_blocks():
    assert {block.language for block in BLOCKS} == {"bash", "yaml", "python"}


def test_the_recipes_are_sound(tmp_path):
    for language, text in BLOCKS:
        if language == "yaml":
            parse(yaml.safe_load(text), tmp_path)


def test_what_a_build_leaves_is_as_told(place):
    table = README[README.index("What a build leaves:") :].partition("\n\n")[2].partition("\n\n")[0]
    told = {name.rstrip("/") for row in table.splitlines() for name in told_paths(row)}
    build = place / "chimed2"
    there = {p.relative_to(build).as_posix() for p in [*build.iterdir(), *build.glob("ledger/*")]}
    assert told == there - {"ledger"}


def told_paths(row: str) -> list[str]:
    return re.findall(r"`([\w./]+)`", row.split("|")[1])


def test_every_command_is_told_of():
    told = set(re.findall(r"(?:`|^|&& )chimed ([a-z]+)", README, re.M))
    known = {c.name or c.callback.__name__ for c in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    assert told == known


def test_ci_runs_the_readmes_own_test_command():
    (command,) = TESTS.findall(README)
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    grep = re.search(r"^command=\$\((grep .*)\)$", script, re.M)
    found = subprocess.run(["bash", "-c", grep[1]], cwd=ROOT, capture_output=True, text=True)
    assert found.stdout.strip() == command
    assert 'eval "$command"' in script
    assert (ROOT / "constraints.txt").exists()
    assert "-c constraints.txt" in command


def test_requirements_and_disclaimer():
    setup = (ROOT / "setup.cfg").read_text("utf-8")
    least = re.search(r"python_requires = >=(\S+)", setup)[1]
    assert f"Python {least} or later" in README
    assert "nothing in it is medical advice" in README.replace("\n", " ")

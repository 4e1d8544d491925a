"""Every command and every example of the README runs as it stands there, and prints what is shown.

The Chinese one has the same blocks (tests/test_lang.py), so that of it only those are run that
print what it shows.

Installing is the exception: those lines are compared with what .ci/run does in a fresh
environment. The tour's sources are those of the bundled samples, as in a checkout.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from chimed_datasets.built.checks import validate
from chimed_datasets.cli import app
from chimed_datasets.recipe import parse
from tests.common import pages
from tests.publish.hub import TOKEN, Hub, serve

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = pages.blocks(README)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A checkout, in which the commands of the README are typed."""
    return pages.checkout(tmp_path_factory.mktemp("readme"))


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """The Hub of this test: no other is reached."""
    with serve({TOKEN: "org"}) as server:
        yield server


def of_hub(hub: Hub) -> dict[str, str]:
    """Return the variables by which commands of others find the Hub of this test."""
    return {
        "HF_ENDPOINT": hub.endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0",
        "HF_TOKEN": TOKEN,
    }


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
        if language == "text":
            assert pages.not_shown(text, ran[-1]) == []
        elif language == "yaml":
            assert pages.save(place, text), "a YAML block begins with the name of its file"
        elif language == "python":
            ran.append(pages.python(place, text, of_hub(hub)))
        elif text.startswith(SERVE):
            serving.append(serve_sites(place, text))
        else:
            if "RECORD_ID" in text:
                known = pq.read_table(place / "built" / "ledger" / "kept.parquet", columns=["id"])
                text = text.replace("RECORD_ID", known["id"][0].as_py())
            ran.append(pages.bash(place, text, of_hub(hub)))
    told = "\n".join(ran)
    assert "messages" in told  # what load_dataset printed
    assert "built is sound." in told
    assert "It was dropped by deduplicate" in told
    assert hub.repos["org/chimed2"].private
    assert "14 records of" in told
    for folder in ("chimed2", "built", "built-again", "questions"):
        assert validate(place / folder) == []


def test_what_the_chinese_one_shows(tmp_path):
    """Up to the last block of output; none of these commands asks a network."""
    chinese = pages.blocks((ROOT / "README.zh-CN.md").read_text("utf-8"))
    place = pages.checkout(tmp_path / "checkout")
    reader = {"CHIMED_LANG": "zh", "HF_HUB_OFFLINE": "1"}
    shown = [number for number, block in enumerate(chinese) if block.language == "text"]
    printed = ""
    for language, text in chinese[: shown[-1] + 1]:
        if language == "bash":
            printed = pages.bash(place, text, reader) or printed
        elif language == "yaml":
            assert pages.save(place, text)
        else:
            assert language == "text"
            assert pages.not_shown(text, printed) == []
    assert len(shown) >= 3


@pytest.mark.parametrize("blocks", [BLOCKS, pages.blocks((ROOT / "README.zh-CN.md").read_text())])
def test_only_known_kinds_of_blocks(blocks):
    assert {block.language for block in blocks} == {"bash", "yaml", "python", "text"}


def test_the_recipes_are_sound(tmp_path):
    for language, text in BLOCKS:
        if language == "yaml":
            parse(yaml.safe_load(text), tmp_path)


def test_what_a_build_leaves_is_as_told(place):
    table = README[README.index("What a build leaves:") :].partition("\n\n")[2].partition("\n\n")[0]
    told = {name.rstrip("/") for row in table.splitlines() for name in told_paths(row)}
    build = place / "chimed2"
    there = {p.relative_to(build).as_posix() for p in [*build.iterdir(), *build.glob("ledger/*")]}
    beside = {"report.html", "pictures", "croissant.json"}  # of `report` and `card`, run above
    assert told == there - {"ledger"} - beside
    assert beside <= there


def told_paths(row: str) -> list[str]:
    return re.findall(r"`([\w./]+)`", row.split("|")[1])


def test_every_command_is_told_of():
    told = set(re.findall(r"(?:`|^|&& )chimed ([a-z]+)", README, re.M))
    known = {c.name or c.callback.__name__ for c in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    assert told == known


def test_ci_runs_the_readmes_own_test_command():
    (command,) = pages.TESTS.findall(README)
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    grep = re.search(r"^command=\$\((grep .*)\)$", script, re.M)
    found = subprocess.run(["bash", "-c", grep[1]], cwd=ROOT, capture_output=True, text=True)
    assert found.stdout.strip() == command
    assert 'step "$command"' in script
    assert (ROOT / "constraints.txt").exists()
    assert "-c constraints.txt" in command


def test_requirements_and_disclaimer():
    setup = (ROOT / "setup.cfg").read_text("utf-8")
    least = re.search(r"python_requires = >=(\S+)", setup)[1]
    assert f"Python {least} or later" in README
    assert "nothing in it is medical advice" in README.replace("\n", " ")

"""Every command and every example of the README runs as it stands there, and prints what is shown.

The Chinese one has the same blocks (tests/test_lang.py), so that of it only those are run that
print what it shows.

Installing is the exception: those lines are compared with what .ci/run does in a fresh
environment. The tour's sources are those of the bundled samples, as in a checkout.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from chimed_datasets.built.card import LEAST_DATASETS
from chimed_datasets.built.checks import validate
from chimed_datasets.cli import app
from chimed_datasets.recipe import parse
from tests.common import pages

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = pages.blocks(README)
OFFLINE = {"HF_HUB_OFFLINE": "1"}
"""No command of it asks a network."""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A checkout, in which the commands of the README are typed."""
    return pages.checkout(tmp_path_factory.mktemp("readme"))


def test_the_readme_from_top_to_bottom(place):
    """The blocks build on one another, so that they run in the reader's order."""
    ran = []
    for language, text in BLOCKS:
        if language == "text":
            assert pages.not_shown(text, ran[-1]) == []
        elif language == "yaml":
            assert pages.save(place, text), "a YAML block begins with the name of its file"
        elif language == "python":
            ran.append(pages.python(place, text, OFFLINE))
        else:
            ran.append(pages.bash(place, text, OFFLINE))
    told = "\n".join(ran)
    assert "messages" in told  # what load_dataset printed
    assert "built is sound." in told
    assert "It was dropped by deduplicate" in told
    for folder in ("chimed2", "built", "built-again"):
        assert validate(place / folder) == []


def test_what_the_chinese_one_shows(tmp_path):
    """Up to the last block of output."""
    chinese = pages.blocks((ROOT / "README.zh-CN.md").read_text("utf-8"))
    place = pages.checkout(tmp_path / "checkout")
    reader = {**OFFLINE, "CHIMED_LANG": "zh"}
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
    """On the page that README links to; what stands there is of the README's own commands."""
    page = (ROOT / "docs" / "reference" / "build.md").read_text("utf-8")
    table = page[page.index("| file | what it holds |") :].partition("\n\n")[0]
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


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_badges_are_true(name):
    page = (ROOT / name).read_text("utf-8")
    setup = (ROOT / "setup.cfg").read_text("utf-8")
    python = re.search(r"python_requires = >=(\S+)", setup)[1]
    licence = re.search(r"^license = (\S+)$", setup, re.M)[1]
    badges = re.findall(r"https://img.shields.io/badge/(\S+)-[0-9a-f]{6}\)", page)
    assert badges == [
        f"licence-{licence.replace('-', '--')}",
        f"python-{python}%2B",
        f"datasets-{LEAST_DATASETS}%2B",
    ]


def test_requirements_and_disclaimer():
    setup = (ROOT / "setup.cfg").read_text("utf-8")
    least = re.search(r"python_requires = >=(\S+)", setup)[1]
    assert f"Python {least} or later" in README
    assert "nothing in it is medical advice" in README.replace("\n", " ")

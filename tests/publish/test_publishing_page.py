"""docs/how-to/publish.md from top to bottom: every command and example runs, against the Hub here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from chimed_datasets import load_recipe, open_built, validate
from chimed_datasets.built import licences
from chimed_datasets.cli import app
from tests.common import pages
from tests.publish.hub import Hub
from tests.publish.scope import ModelScope

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "publish.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.M | re.S)


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A checkout, in which the commands of the page are typed."""
    monkeypatch.chdir(pages.checkout(tmp_path))
    return tmp_path


def outside(hub: Hub, *command: str) -> None:
    """Run a command of others: it reads where the Hub is when it starts."""
    where = {"HF_ENDPOINT": hub.endpoint, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1",
             "HF_HOME": str(Path.cwd() / "hf")}  # fmt: skip
    done = subprocess.run(
        command, env=os.environ | where, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def run(line: str, hub: Hub) -> None:
    words = shlex.split(line)
    if words[:2] == ["hf", "download"]:
        outside(hub, str(Path(sys.executable).with_name("hf")), *words[1:])
    if words[0] in ("mkdir", "cp"):
        pages.bash(Path.cwd(), line)
        return
    if words[0] in ("hf", "modelscope"):
        return  # logging in: the fixture did
    assert words[0] == "chimed", line
    if "RECORD_ID" in words:
        kept = open_built("mine").ledger("kept")
        words[words.index("RECORD_ID")] = kept["id"][0].as_py()
    done = CliRunner().invoke(app, words[1:])
    assert done.exit_code == 0, f"{line}\n{done.output}\n{done.exception!r}"


def test_the_page_from_top_to_bottom(place, hub: Hub, modelscope: ModelScope, monkeypatch):
    monkeypatch.setenv("MODELSCOPE_CACHE", str(place / "modelscope-cache"))
    clinic = (place / "chimed_datasets" / "samples" / "outpatient.csv").read_bytes()
    modelscope.put("org/raw", {"clinic.csv": clinic})
    raw = modelscope.repos["org/raw"]
    raw.tags["v1"] = raw.branches["master"]
    for language, text in BLOCKS:
        if language == "yaml":
            Path(re.match(r"# (\S+\.yaml)\n", text)[1]).write_text(text, "utf-8")
        elif language == "bash":
            for line in text.splitlines():
                if not line.startswith("pip install"):
                    run(line, hub)
        elif "load_dataset" in text:
            outside(hub, sys.executable, "-c", text)
        else:
            exec(text, {})
    repo = hub.repos["org/mine"]
    assert repo.private
    assert set(repo.tags) == {"v1", "v2"}
    assert len(repo.messages) == 3
    assert validate("whole") == []
    assert open_built("whole").manifest["configs"] == open_built("mine").manifest["configs"]
    assert len(load_recipe("mine.yaml").removed) == 1
    card = repo.commits[repo.tags["v2"]]["README.md"].data.decode()
    assert "1 are dropped by takedown: listed" in card
    assert "report.html" not in repo.commits[repo.tags["v2"]]
    there = modelscope.repos["org/mine"]
    assert there.private
    plain = there.commits[there.tags["v2"]]["README.md"].data.decode()  # its pages' addresses: none
    assert plain == re.sub(r"<source media=.*\n", "", card)
    assert "-dark.png" in card
    assert validate("far") == []


def test_the_licence_of_the_example_forbids_it():
    recipe = yaml.safe_load(next(text for language, text in BLOCKS if language == "yaml"))
    assert [licences.terms(s["license"]) for s in recipe["sources"]] == ["free", "forbidden"]


def test_every_option_of_a_push_is_told_of():
    told = CliRunner().invoke(app, ["push", "--help"], env={"COLUMNS": "200"}).output
    told = re.sub(r"\x1b\[[0-9;]*m", "", told)
    known = set(re.findall(r"--[a-z-]+", told)) - {"--help"}
    listed = set(re.findall(r"^\| `(--[a-z-]+)", PAGE, re.M))
    assert listed == known


def test_every_error_told_of_is_one():
    sources = "".join(
        path.read_text("utf-8") for path in (ROOT / "chimed_datasets" / "publish").glob("*.py")
    ).replace("{status}", "0")
    phrases = [
        phrase
        for line in PAGE.partition("## When it does not work")[2].splitlines()
        for phrase in re.findall(r"`([^`]+)`", line.partition(" | ")[0])
    ]
    assert len(phrases) > 5
    for phrase in phrases:
        assert re.sub(r" \(\d+\)", "", phrase) in sources, phrase

"""docs/how-to/generate.md runs as it stands there; the reference tells of every key and origin."""

from __future__ import annotations

import importlib.util
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fault_server import Server
from typer.testing import CliRunner

from chimed_datasets.built.checks import validate
from chimed_datasets.cli import app
from chimed_datasets.generate.tasks import task, tasks
from chimed_datasets.rows.pairs import ORIGINS
from tests.common import pages

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "generate.md").read_text("utf-8")
TASKS = (ROOT / "docs" / "reference" / "generation.md").read_text("utf-8")
PAIRS = (ROOT / "docs" / "reference" / "preference-pairs.md").read_text("utf-8")
BLOCKS = pages.blocks(PAGE)
SERVE = "python -m chimed_datasets.generate.local_server --port 8000"
ADDRESS = "http://127.0.0.1:8000/v1"


def walk(place: Path, url: str) -> str:
    """Do what the page says with a server at ``url``, and return what was printed."""
    pages.checkout(place)
    told = []
    for language, text in BLOCKS:
        if language == "yaml":
            name = text.splitlines()[0].removeprefix("# ")
            (place / name).write_text(text.replace(ADDRESS, url), "utf-8")
            continue
        for line in text.splitlines():
            if line == SERVE or line.startswith("pip install"):
                continue
            program, *arguments = shlex.split(line)
            if program in ("mkdir", "cp"):
                pages.bash(place, line)
                continue
            assert program == "chimed"
            done = CliRunner().invoke(app, arguments, env={"COLUMNS": "120"})
            assert done.exit_code == 0, f"{line}\n{done.output}"
            told.append(done.output)
    assert validate(place / "built") == []
    return "\n".join(told)


def test_the_walk_through(tmp_path, monkeypatch):
    """Against the endpoint of the tests; the slow one below has the real server."""
    monkeypatch.chdir(tmp_path)
    with Server() as server:
        told = walk(tmp_path, server.url)
    assert "qa_from_document: 4 inputs, 3 results" in told  # one is too short to be asked about
    assert "answer: 3 inputs, 3 results" in told
    for words in ("requests to send", "built is sound", "doctor_vs_model", "corrupted"):
        assert words in told


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None,
    reason="no model server: pip install -e '.[local]'",
)
def test_the_walk_through_on_the_real_server(tmp_path, monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, *SERVE.replace("8000", str(port)).split()[1:]]
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    monkeypatch.chdir(tmp_path)
    try:
        assert "local:" in server.stdout.readline()
        told = walk(tmp_path, ADDRESS.replace("8000", str(port)))
    finally:
        server.terminate()
        server.wait(30)
    assert "qa_from_document: 4 inputs" in told
    assert "answer: 3 inputs" in told


def test_every_task_and_key_is_told():
    rows = {row[0]: row for row in re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", TASKS, re.M)}
    for key in tasks():
        assert re.findall(r"`(\w+)`", rows[key][1]) == task(key).own_keys()


def test_every_origin_is_told():
    assert [origin for origin in ORIGINS if f"`{origin}`" not in PAIRS] == []


def test_the_server_is_started_as_the_page_says():
    assert SERVE in PAGE
    assert all(ADDRESS in text for _, text in BLOCKS if "endpoint:" in text)


def test_the_recipe_that_the_page_counts_is_there():
    (name,) = re.findall(r"`(tests/recipes/\S+\.yaml)`", PAIRS)
    assert yaml.safe_load((ROOT / name).read_text("utf-8"))["builders"]["preference"]

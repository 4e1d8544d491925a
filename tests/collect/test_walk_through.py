"""docs/how-to/collect.md: its commands run as they stand there, on the example sites; its files are sound."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import yaml

from chimed_datasets.collect.examples.content import ENTRIES, THREADS
from chimed_datasets.recipe import parse
from chimed_datasets.sources.site.site_file import load_site

from crawling import jsonl, until  # isort: skip

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "how-to" / "collect.md").read_text("utf-8")
SITE_FILE = (DOCS / "reference" / "site-file.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.M | re.S)


def test_the_walk_through(tmp_path):
    install, serve, *commands = (text for language, text in BLOCKS if language == "bash")
    named = [text for language, text in BLOCKS if language == "yaml" and text.startswith("# both")]
    (tmp_path / "both.yaml").write_text(*named, "utf-8")
    assert install == "pip install -e '.[collect]'\n"
    scripts = Path(sys.executable).parent
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HF_HOME": str(tmp_path / "hf")}
    assert serve.strip().endswith("examples .")
    command = f"exec {serve.strip()} 0"  # free ports: others may run this, too
    served = subprocess.Popen(["bash", "-c", command], cwd=tmp_path, env=environment)
    try:
        until((tmp_path / "encyclopedia.yaml").exists)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "".join(commands)],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        served.terminate()
        served.wait(10)
    assert "both is sound." in done.stdout
    assert len(jsonl(tmp_path / "platform" / "threads.jsonl")) == len(THREADS)
    assert len(jsonl(tmp_path / "encyclopedia" / "articles.jsonl")) == len(ENTRIES)
    manifest = json.loads((tmp_path / "both" / "manifest.json").read_text("utf-8"))
    assert sum(source["out"] for source in manifest["sources"]) == len(THREADS) + len(ENTRIES)
    for config in ("pretrain", "sft", "preference"):
        assert list((tmp_path / "both" / config).glob("train*.parquet"))
    leaves = PAGE[PAGE.index("What it leaves:") :].partition("\n\n")[2].partition("\n\n")[0]
    told = set(re.findall(r"`([\w.]+\.\w+)`", leaves))
    assert told - {"articles.jsonl"} == {p.name for p in (tmp_path / "platform").iterdir()}


def test_its_site_file_and_recipe_are_sound(tmp_path):
    _, recipe = (text for language, text in BLOCKS if language == "yaml")
    (site,) = re.findall(r"^```yaml\n(.*?)^```", SITE_FILE, re.M | re.S)
    (tmp_path / "site.yaml").write_text(site, "utf-8")
    assert [page.kind for page in load_site(tmp_path / "site.yaml").pages] == ["thread", "article"]
    assert parse(yaml.safe_load(recipe), tmp_path).asked == {"archive"}


def test_a_port_that_is_taken_is_told_in_a_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "chimed_datasets.collect.examples", str(tmp_path), port]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert "already in use" in run.stderr
    assert "0 takes free ports.\n" in run.stderr
    assert run.stderr.count("\n") == 1

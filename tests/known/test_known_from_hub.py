"""A recipe of eight known sources is built from a Hub on this machine, twice to the same bytes."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pytest

from chimed_datasets import build
from chimed_datasets.errors import SourceError
from chimed_datasets.recipe.model import parse
from tests.known.hub_server import put_form, served_hub
from tests.publish.hub import Hub

NAMES = (
    "huatuo26m-lite",
    "huatuo-encyclopedia-qa",
    "huatuogpt-sft-v1",
    "medical-o1-reasoning-sft",
    "disc-med-sft",
    "chatmed-consult",
    "shibing624-reward",
    "zhwiki",
)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def fetched(hub: Hub) -> list[tuple[str, int]]:
    """Return the files that were sent, or begun to be, and how many bytes of them."""
    every = [(path, size) for path, sizes in hub.sent.items() for size in sizes]
    return [(path, size) for path, size in every if "/resolve/" in path]


def test_eight_known_sources_are_built_from_a_hub(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # between tries
    content = {
        "name": "eight",
        "sources": [{"known": name} for name in NAMES],
        "benchmarks": [{"known": "cmmlu-medical"}],
        "stages": {"filter": {"min_document_chars": 5}},
        "builders": {"preference": {"origins": {"doctor_vs_model": None}}},
    }
    with served_hub(monkeypatch) as hub:
        for name in (*NAMES, "cmmlu-medical"):
            put_form(hub, name, tmp_path / name)
        for fault in (429, 503, "cut", "half", "reset"):
            hub.fail("GET", "/resolve/", fault)
        build(parse(content, tmp_path), tmp_path / "one")
        first = fetched(hub)
        assert len(first) == len({path for path, _ in first}) + 2  # those that were cut
        build(parse(content, tmp_path), tmp_path / "two")
        assert fetched(hub) == first
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        asked, told = len(hub.requests), []
        build(parse(content, tmp_path), tmp_path / "three", tell=told.append)
        assert len(hub.requests) == asked
        assert sum("HF_HUB_OFFLINE is set; its files are those of" in line for line in told) == 9
        told.clear()
        build(parse(content, tmp_path), tmp_path / "three", tell=told.append)
        assert len(told) == 10  # an address, and that it is up to date
        assert told[-1].endswith("three is up to date")
    assert digests(tmp_path / "one") == digests(tmp_path / "two") == digests(tmp_path / "three")
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text("utf-8"))
    assert [source["name"] for source in manifest["sources"]] == list(NAMES)
    assert [source["name"] for source in manifest["sources"] if not source["out"]] == []
    assert all(source["known"]["tier"] for source in manifest["sources"])


def test_what_a_hub_does_not_have_is_one_line(tmp_path, monkeypatch):
    recipe = parse({"sources": [{"known": "huatuo26m-lite"}]}, tmp_path)
    with served_hub(monkeypatch), pytest.raises(SourceError, match="Huatuo26M-Lite"):
        build(recipe, tmp_path / "out")

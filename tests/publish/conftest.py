"""Builds to publish, and a Hub on this machine to publish them to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from chimed_datasets import build, load_recipe
from tests.conftest import page, prose, write_jsonl
from tests.hostile import bad  # noqa: F401  a fixture
from tests.publish.hub import Hub, serve

TOKEN = "hf_aSecretThatMustNotBeSeen"


def recipe(folder: Path, pages: str = "mit", **more: object) -> Path:
    """Write three small sources and a recipe over them; ``pages`` is the licence of one."""
    write_jsonl(folder / "docs.jsonl", [{"id": i, "text": prose(i, 80)} for i in range(40)])
    twin = {**page(3), "id": "copy"}
    write_jsonl(folder / "pages.jsonl", [*(page(i) for i in range(60)), twin, "not a page"])
    ranked = [
        {
            "instruction": prose(90_000 + i, 20),
            "output": [prose(91_000 + 10 * i + k) for k in range(3)],
        }
        for i in range(30)
    ]
    write_jsonl(folder / "ranked.jsonl", ranked)
    sources = [
        {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "cc0-1.0",
         "domain": "tcm", "kind": "document", "fields": {"text": "text"}},
        {"name": "pages", "layout": "chimed_pages", "path": "pages.jsonl", "license": pages},
        {"name": "ranked", "layout": "ranked", "path": "ranked.jsonl", "license": "apache-2.0"},
    ]  # fmt: skip
    content = {"name": "small", "sources": sources, **more}
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return path


@pytest.fixture(scope="session")
def free(tmp_path_factory) -> Path:
    """A build of which everything may go out."""
    folder = tmp_path_factory.mktemp("free")
    build(load_recipe(recipe(folder)), folder / "small")
    return folder / "small"


@pytest.fixture(scope="session")
def later(tmp_path_factory) -> Path:
    """Another build of the same sources, with another seed: its splits differ."""
    folder = tmp_path_factory.mktemp("later")
    build(load_recipe(recipe(folder, seed=7)), folder / "small")
    return folder / "small"


@pytest.fixture(scope="session")
def contract(tmp_path_factory) -> Path:
    """A build with a source under contract; the source lies beside it."""
    folder = tmp_path_factory.mktemp("contract")
    build(load_recipe(recipe(folder, "contract")), folder / "small")
    return folder / "small"


@pytest.fixture
def hub(monkeypatch) -> Iterator[Hub]:
    """A Hub that this process's `huggingface_hub` speaks to, logged in as org."""
    with serve({TOKEN: "org"}) as server:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.endpoint)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr(time, "sleep", lambda seconds: None)  # between tries
        yield server

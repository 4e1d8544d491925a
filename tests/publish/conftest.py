"""Builds to publish, and a Hub and a ModelScope on this machine to publish them to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chimed_datasets import build, load_recipe
from tests.common.sources import recipe
from tests.hostile import bad  # noqa: F401  a fixture
from tests.publish import scope
from tests.publish.hub import TOKEN, Hub, serve


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


@pytest.fixture
def modelscope(monkeypatch, tmp_path) -> Iterator[scope.ModelScope]:
    """A ModelScope that this process's client speaks to, logged in as org."""
    with scope.serve({scope.TOKEN: "org"}) as server:
        scope.log_in(server, monkeypatch, tmp_path / "modelscope-home")
        yield server

"""What docstrings show of the dense helpers is what happens."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from tests.common import house

ROOT = Path(__file__).resolve().parents[1]
SHOWN = [
    name
    for name, path in house.modules(ROOT).items()
    if ">>>" in path.read_text("utf-8") and house.room_of(name) in ("records", "stages", "api")
]


def test_the_densest_helpers_show_what_they_do():
    assert {"grams", "components", "jaccard", "characters"} <= {n.rpartition(".")[2] for n in SHOWN}


@pytest.mark.parametrize("name", SHOWN)
def test_docstrings(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.attempted > 0
    assert found.failed == 0

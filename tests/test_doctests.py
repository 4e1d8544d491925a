"""What docstrings show is what happens: of the dense helpers, and of every public function."""

from __future__ import annotations

import doctest
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

import chimed_datasets
from chimed_datasets import samples
from tests.common import house

ROOT = Path(__file__).resolve().parents[1]
SHOWN = [
    name
    for name, path in house.modules(ROOT).items()
    if ">>>" in path.read_text("utf-8") and house.room_of(name) in ("records", "stages")
]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def test_the_densest_helpers_show_what_they_do():
    assert {"grams", "components", "jaccard", "characters"} <= {n.rpartition(".")[2] for n in SHOWN}


@pytest.mark.parametrize("name", SHOWN)
def test_docstrings(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.attempted > 0
    assert found.failed == 0


# --- the public names ------------------------------------------------------------------------


def public() -> dict[str, Callable]:
    """Return the public functions, and ``Built`` with its methods, as the page of the API shows
    them."""
    names = {name: getattr(chimed_datasets, name) for name in chimed_datasets.__all__}
    found = {name: value for name, value in names.items() if inspect.isfunction(value)}
    built = chimed_datasets.Built
    methods = {
        f"Built.{name}": value
        for name, value in inspect.getmembers(built, inspect.isfunction)
        if not name.startswith("_") and value.__module__.startswith("chimed_datasets.")
    }
    return found | {"Built": built} | methods


@pytest.fixture(scope="module")
def samples_built(tmp_path_factory) -> Path:
    """A folder with the bundled samples as ``chimed build`` leaves them, and ``my.yaml``."""
    place = tmp_path_factory.mktemp("doctests")
    (place / "my.yaml").write_text(
        "name: mine\nsources:\n"
        "  - {name: clinic, layout: qa_csv, license: cc0-1.0, path: "
        f"{samples.RECIPE.with_name('outpatient.csv')}}}\n"
    )
    chimed_datasets.build(samples.RECIPE, place / "chimed2")
    return place


@pytest.mark.parametrize("name", ["chimed_datasets", *public()])
def test_the_page_of_the_api_shows_what_happens(samples_built, monkeypatch, name):
    """Each example stands alone, where ``import chimed_datasets as chimed`` was typed."""
    monkeypatch.chdir(samples_built)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", samples_built / "cache")
    shown = inspect.getdoc({"chimed_datasets": chimed_datasets, **public()}[name]) or ""
    test = doctest.DocTestParser().get_doctest(
        shown, {"chimed": chimed_datasets}, name, filename=None, lineno=0
    )
    assert test.examples, f"{name} has no example in its docstring"
    assert doctest.DocTestRunner(optionflags=FLAGS).run(test).failed == 0


def test_what_must_have_an_example():
    assert {"build", "open_built", "load_recipe", "Built.load", "Built.ledger"} <= set(public())

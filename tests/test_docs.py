"""The documents tell of the code as it is: they are generated from it, or run against it."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

import chimed_datasets.sources
from chimed_datasets import records
from chimed_datasets.building.run import build
from chimed_datasets.recipe import Benchmark, Recipe, Source, parse
from chimed_datasets.sources import layout, layouts
from chimed_datasets.sources.exams import LAYOUTS
from docs import recipe_page

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)


# --- docs/how-to/plug-ins.md --------------------------------------------------------------------


def test_the_guests_of_the_page_are_those_that_are_tested():
    """tests/test_guests.py installs and runs the files of tests/guests."""
    page = (ROOT / "docs" / "how-to" / "plug-ins.md").read_text("utf-8")
    shown = dict(re.findall(r'^```\w+ title="(.*?)"\n(.*?)^```', page, re.M | re.S))
    package = ROOT / "tests" / "guests"
    there = {
        str(path.relative_to(package)): path.read_text("utf-8")
        for path in package.rglob("*")
        if path.suffix in (".py", ".jinja", ".toml") and path.name != "__init__.py"
    }
    assert shown == there


# --- docs/reference/recipe.md --------------------------------------------------------------------------


def test_the_reference_is_what_the_code_says():
    mend = "python docs/recipe_page.py > docs/reference/recipe.md"
    assert (ROOT / "docs" / "reference" / "recipe.md").read_text("utf-8") == recipe_page.page(), (
        mend
    )


def test_the_reference_is_printed_by_the_module():
    command = [sys.executable, str(ROOT / "docs" / "recipe_page.py")]
    run = subprocess.run(command, capture_output=True, check=True)
    assert run.stdout.decode() == recipe_page.page()


def test_the_example_is_a_recipe(tmp_path):
    recipe = parse(yaml.safe_load(recipe_page.EXAMPLE), tmp_path)
    assert recipe.stages.simplify is None
    assert recipe.shard_size == 256 * 2**20


@pytest.mark.parametrize("model", [Recipe, Source, Benchmark])
def test_every_common_key_is_explained(model):
    _, told = recipe_page.explained(inspect.getdoc(model), model.model_fields)
    assert set(told) == set(model.model_fields)


@pytest.mark.parametrize("key", layouts())
def test_every_own_key_is_explained(key):
    assert all(row.split("|")[4].strip() for row in rows_of(key))
    assert [row.split("`")[1] for row in rows_of(key)] == layout(key).own_keys()


reference = functools.cache(recipe_page.page)


def rows_of(key: str) -> list[str]:
    """Return the rows of the table of a layout's own keys."""
    section = re.search(rf"^### `{key}`\n(.*?)(?=^##|\Z)", reference(), re.M | re.S)[1]
    lines = section.strip().rpartition("\n\n")[2].splitlines()
    return lines[2:] if lines[0].startswith("| key ") else []


def test_every_benchmark_layout_is_listed():
    page = recipe_page.page()
    assert [name for name in LAYOUTS if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize(
    ("text", "prose", "told"),
    [
        ("a: one\n   more\nb:  two\n\nThe rest.", "\nThe rest.", {"a": "one more", "b": "two"}),
        ("a   one\n    more\n\nc   no key", "\nc   no key", {"a": "one more"}),
        ("a, b\n    both\nThe rest.", "The rest.", {"a": "both", "b": "See ``a``."}),
        ("``a``: flows\non.\n\nThe rest.", "\nThe rest.", {"a": "flows on."}),
        ("``a`` is told in prose: so.", "``a`` is told in prose: so.", {}),
    ],
)
def test_docstrings_are_parted(text, prose, told):
    assert recipe_page.explained(text, ["a", "b"]) == (prose, told)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "boolean"}, "true or false"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "number, > 0, ≤ 1"),
        ({"enum": ["a", "b"], "type": "string"}, "`a`, `b`"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        ({"type": "array", "items": {"type": "string"}}, "list of text"),
        ({"type": "array", "prefixItems": [{"type": "number"}] * 2}, "list of 2: number"),
        ({"type": "object", "additionalProperties": {"$ref": "#/x/Y"}}, "mapping of text to `Y`"),
    ],
)
def test_what_a_schema_allows(schema, said):
    assert recipe_page._value(schema) == said


# --- docs/sources.md -------------------------------------------------------------------------

GUIDE = ROOT / "docs" / "how-to" / "add-a-source.md"


@pytest.fixture
def cards(tmp_path, monkeypatch):
    """The guide's example layout, as if it stood among the others; and two cards for it."""
    module, _ = blocks(GUIDE, "python")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "cards.py").write_text(module, "utf-8")
    where = [*chimed_datasets.sources.__path__, str(tmp_path / "more")]
    monkeypatch.setattr(chimed_datasets.sources, "__path__", where)
    (tmp_path / "cards").mkdir()
    text = "Q: 感冒发热三天，需要去医院吗？\nA: 体温超过三十九度或持续三天以上，应当去医院。\n\nQ: 没有回答的卡片"
    (tmp_path / "cards" / "a.cards").write_text(text, "utf-8")
    yield tmp_path
    sys.modules.pop("chimed_datasets.sources.cards", None)


def test_the_example_layout_builds(cards):
    (recipe,) = blocks(GUIDE, "yaml")
    build(parse(yaml.safe_load(recipe), cards), cards / "out")
    (row,) = pq.read_table(cards / "out" / "sft").to_pylist()
    assert row["messages"][1]["content"] == "体温超过三十九度或持续三天以上，应当去医院。"
    assert row["department"] == "内科"
    (dropped,) = pq.read_table(cards / "out" / "ledger" / "dropped.parquet").to_pylist()
    assert (dropped["key"], dropped["rule"]) == ("a.cards#1", "no_answer")
    assert layout("cards").summary.endswith(".")


def test_the_example_test_passes(cards, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "sources"))
    monkeypatch.setattr(importlib.import_module("layout_reading"), "FIXTURES", cards)
    _, test = blocks(GUIDE, "python")
    names: dict = {}
    exec(test, names)
    names["test_cards"]()


def test_the_record_kinds_are_as_told():
    rows = re.findall(r"^\| `(\w+)` \| (`key`.*) \|$", GUIDE.read_text("utf-8"), re.M)
    told = {name: re.findall(r"`(\w+)`", fields) for name, fields in rows}
    assert told == {
        name: [field.name for field in dataclasses.fields(getattr(records, name))]
        for name in ("Document", "QAThread", "Dialogue", "ExamItem", "Malformed")
    }


def test_the_helpers_are_there():
    found = re.findall(r"`(files|parsing)\.(\w+)`", GUIDE.read_text("utf-8"))
    assert len(found) > 5
    for module, name in found:
        home = importlib.import_module(f"chimed_datasets.sources.{module}")
        if name not in home.__all__:
            importlib.import_module(f"{home.__name__}.{name}")


# --- every page ------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            there = page.parent / path if path else page
            assert there.exists(), target
            assert not anchor or anchor in anchors(there), target


def anchors(page: Path) -> set[str]:
    text = page.read_text("utf-8")
    named = set(re.findall(r'^<a id="([^"]+)"></a>$', text, re.M))
    headings = re.findall(r"^#+ (.*)", text, re.M)
    return named | {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}

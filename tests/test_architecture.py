"""The house: who may import whom, a light start, a small public surface, everything told of."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import chimed_datasets
from chimed_datasets.recipe import Stages
from chimed_datasets.rows import CONFIGS
from chimed_datasets.sources import layout, layouts
from tests.common import house

ROOT = Path(__file__).resolve().parents[1]

# room -> the rooms that it may import, each of which stands in the table before it
MAY_IMPORT: dict[str, str] = {
    "_version": "",
    "cards": "",
    "errors": "",
    "lazy": "",
    "records": "",
    "samples": "",
    "executors": "errors",
    "settings": "errors",
    "stages": "errors records",
    "rows": "errors settings",
    "sources": "errors records settings",
    "builders": "rows",
    "built": "errors rows stages",
    "collect": "_version errors sources",
    "recipe": "errors rows settings sources stages",
    "building": "_version built errors executors lazy recipe records rows sources stages",
    "docs": "recipe rows sources",
    "report": "built errors stages",
    "generate": "_version building built errors recipe records rows settings",
    "hf": "_version building errors recipe rows",
    "publish": "building built errors recipe records report rows",
    "chimed_datasets": "_version building built errors hf lazy recipe records",
    "cli": "_version building built collect errors executors generate publish recipe report samples sources",
}  # fmt: skip

# circles of modules that are still there
KNOWN_CIRCLES: list[list[str]] = [
]  # fmt: skip


def test_every_module_is_in_a_room_of_the_table():
    assert {house.room_of(module) for module in house.modules(ROOT)} == set(MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_nothing_imports_upward(room):
    assert house.of_rooms(ROOT)[room] <= set(MAY_IMPORT[room].split())


def test_no_circle_between_modules():
    assert house.circles(house.of_modules(ROOT)) == KNOWN_CIRCLES


def test_no_private_name_across_rooms():
    found = set()
    for user, module, name in house.uses(ROOT):
        parts = [*module.split("."), *name.split(".")]
        private = [part for part in parts if part.startswith("_") and not part.startswith("__")]
        if private and private != ["_version"] and house.room_of(user) != house.room_of(module):
            found.add((user, f"{module}.{name}".removesuffix(".")))
    assert found == set()


def test_train_examples_know_nothing_of_the_library():
    for path in (ROOT / "train_examples").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.startswith("chimed_datasets")], path


def test_builders_are_found_by_name_alone():
    for path in (ROOT / "chimed_datasets").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("chimed_datasets.builders"), path


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import chimed_datasets", {"datasets", "torch", "pyarrow", "pydantic", "opencc"}),
        ("import chimed_datasets.cli", {"datasets", "torch", "pyarrow", "pydantic", "opencc"}),
        ("import chimed_datasets.sources", {"datasets", "torch"}),
        ("import chimed_datasets.building.read", {"datasets", "torch", "chimed_datasets.builders"}),
    ],
)
def test_what_an_import_costs(code, absent):
    script = f"{code}; import sys; print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) & absent == set()


def test_public_names():
    assert chimed_datasets.__all__ == sorted(chimed_datasets.__all__)
    assert len(chimed_datasets.__all__) <= 14
    for name in chimed_datasets.__all__:
        assert getattr(chimed_datasets, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = chimed_datasets.nothing


def test_every_layout_and_stage_is_documented():
    recipe = (ROOT / "docs" / "recipe.md").read_text("utf-8")
    for key in layouts():
        assert layout(key).summary.endswith("."), key
        assert f"`{key}`" in recipe, key
    for stage in Stages.model_fields:
        assert f"`{stage}`" in recipe, stage


def test_builder_modules_are_alike():
    for name in CONFIGS:
        tree = ast.parse((ROOT / "builders" / f"{name}.py").read_text("utf-8"))
        names = {n.name for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
        names |= {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets}
        assert {"Settings", "FEATURES", "to_row", "BUILDER"} <= names

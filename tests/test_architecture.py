"""The house: who may import whom, a light start, a small public surface, everything told of."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import chimed_datasets
from chimed_datasets.declaration import CONFIGS
from chimed_datasets.recipe import Stages
from chimed_datasets.sources import layout, layouts

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "chimed_datasets"
FLOOR = {"errors", "records", "ledger", "settings", "_version"}
MAY_IMPORT = {
    "errors": set(),
    "records": set(),
    "ledger": {"records"},
    "settings": {"errors"},
    "store": set(),
    "parquet": set(),
    "takedowns": FLOOR,
    "statistics": set(),
    "executors": {"errors"},
    "sources": FLOOR,
    "stages": FLOOR,
    "benchmarks": FLOOR | {"sources"},
    "declaration": FLOOR,
    "conversation": FLOOR | {"declaration"},
    "columns": FLOOR | {"conversation", "declaration"},
    "recipe": FLOOR | {"sources", "stages", "benchmarks", "declaration", "takedowns"},
    "report": FLOOR
    | {"declaration", "checking", "manifest", "parquet", "stages", "statistics", "takedowns"},
    "publish": FLOOR | {"declaration", "checking", "manifest", "parquet", "statistics", "report"},
}


def imported(path: Path) -> set[str]:
    """Return the rooms of this library that a module imports, anywhere in it."""
    inside = path.relative_to(PACKAGE).parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = inside[: len(inside) - node.level]
            whole = [*base, *(node.module or "").split(".")] if node.module else list(base)
            names = [whole[0]] if whole else [alias.name for alias in node.names]
            found.update(name for name in names if name)
    return found


ROOMS = sorted(
    p
    for name in MAY_IMPORT
    for p in [*PACKAGE.glob(f"{name}.py"), *PACKAGE.glob(f"{name}/**/*.py")]
)


@pytest.mark.parametrize("path", ROOMS, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_imports_upward(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert imported(path) <= MAY_IMPORT[room] | {room}


def test_the_rooms_are_there():
    assert {p.relative_to(PACKAGE).parts[0].removesuffix(".py") for p in ROOMS} == set(MAY_IMPORT)


def test_builders_are_found_by_name_alone():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("chimed_datasets.builders"), path


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import chimed_datasets", {"datasets", "torch", "pyarrow", "pydantic", "opencc"}),
        ("import chimed_datasets.cli", {"datasets", "torch", "pyarrow", "pydantic", "opencc"}),
        ("import chimed_datasets.sources", {"datasets", "torch"}),
        ("import chimed_datasets.reading", {"datasets", "torch", "chimed_datasets.builders"}),
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

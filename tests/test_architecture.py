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
from tests.common import house

ROOT = Path(__file__).resolve().parents[1]

# room -> the rooms that it may import, each of which stands in the table before it
MAY_IMPORT: dict[str, str] = {
    "_version": "",
    "cards": "",
    "checkpoint": "",
    "conversation": "",
    "defects": "",
    "errors": "",
    "records": "",
    "samples": "",
    "store": "",
    "executors": "errors",
    "settings": "errors",
    "stages": "errors records",
    "takedowns": "errors",
    "comparing": "records stages store",
    "declaration": "errors settings",
    "sources": "errors records settings",
    "benchmarks": "errors records sources",
    "collect": "_version errors sources",
    "columns": "conversation declaration",
    "pairing": "conversation declaration defects",
    "sharing": "checkpoint errors executors sources",
    "builders": "columns conversation declaration pairing",
    "recipe": "benchmarks declaration errors settings sources stages takedowns",
    "docs": "benchmarks declaration recipe sources",
    "reading": "checkpoint errors recipe records sources stages store takedowns",
    "clustering": "comparing executors reading stages store",
    "deciding": "clustering executors recipe records stages store takedowns",
    "learning": "deciding errors executors recipe records stages store",
    "labelling": "deciding executors learning recipe stages store",
    "building": "benchmarks built checkpoint closing deciding declaration errors executors labelling learning reading recipe sharing sources stages store takedowns writing",
    "built": "_version building declaration errors recipe report sources",
    "closing": "building built deciding declaration errors records stages writing",
    "report": "built errors stages",
    "writing": "built checkpoint deciding declaration executors labelling recipe records stages store",
    "generate": "_version building built conversation declaration errors recipe records settings",
    "hf": "_version building checkpoint declaration errors reading recipe writing",
    "publish": "built declaration errors report",
    "chimed_datasets": "_version building built errors hf recipe records",
    "rehydrating": "building built declaration errors labelling publish recipe records store",
    "cli": "_version benchmarks building built collect errors executors generate publish recipe rehydrating report samples sources takedowns",
}  # fmt: skip

# circles of modules that are still there
KNOWN_CIRCLES: list[list[str]] = [
    ["chimed_datasets.building", "chimed_datasets.built.card", "chimed_datasets.built.checks", "chimed_datasets.built.manifest", "chimed_datasets.closing", "chimed_datasets.report.diff", "chimed_datasets.report.tables"],
    ["chimed_datasets.generate.asking", "chimed_datasets.generate.cache", "chimed_datasets.generate.exchange", "chimed_datasets.generate.recipe", "chimed_datasets.generate.tasks"],
    ["chimed_datasets.sources._archives", "chimed_datasets.sources._files"],
]  # fmt: skip

# (user, name with a leading underscore) across rooms that are still there
KNOWN_PRIVATE: set[tuple[str, str]] = {
    ("chimed_datasets.benchmarks", "chimed_datasets.sources._files.FileReport"),
    ("chimed_datasets.benchmarks", "chimed_datasets.sources._files.SourceFile"),
    ("chimed_datasets.benchmarks", "chimed_datasets.sources._files.wanted"),
    ("chimed_datasets.benchmarks", "chimed_datasets.sources._rows.csv_rows"),
    ("chimed_datasets.benchmarks", "chimed_datasets.sources._rows.json_rows"),
    ("chimed_datasets.building", "chimed_datasets.sources._files.resolve"),
    ("chimed_datasets.building", "chimed_datasets.sources._files.sha256"),
    ("chimed_datasets.cli", "chimed_datasets.sources._site_file.load_site"),
    ("chimed_datasets.cli", "chimed_datasets.sources._site_file.needs_collect"),
    ("chimed_datasets.clustering", "chimed_datasets.stages._jaccard.Sketches"),
    ("chimed_datasets.collect.crawl", "chimed_datasets.sources._pages"),
    ("chimed_datasets.collect.crawl", "chimed_datasets.sources._pages.decode_page"),
    ("chimed_datasets.collect.crawl", "chimed_datasets.sources._pages.is_page"),
    ("chimed_datasets.collect.crawl", "chimed_datasets.sources._pages.parse"),
    ("chimed_datasets.collect.crawl", "chimed_datasets.sources._pages.row_of"),
    ("chimed_datasets.collect.crawl", "chimed_datasets.sources._rows.RowError"),
    ("chimed_datasets.collect.crawl", "chimed_datasets.sources._site_file.Site"),
    ("chimed_datasets.collect.export", "chimed_datasets.sources._site_file.ArticlePage"),
    ("chimed_datasets.collect.export", "chimed_datasets.sources._site_file.Site"),
    ("chimed_datasets.labelling", "chimed_datasets.stages._bayes.Measured"),
    ("chimed_datasets.labelling", "chimed_datasets.stages._bayes.cut"),
    ("chimed_datasets.learning", "chimed_datasets.stages._bayes.Model"),
    ("chimed_datasets.learning", "chimed_datasets.stages._bayes.Verdicts"),
    ("chimed_datasets.learning", "chimed_datasets.stages._bayes.count"),
    ("chimed_datasets.learning", "chimed_datasets.stages._bayes.cut"),
    ("chimed_datasets.learning", "chimed_datasets.stages._bayes.judge"),
    ("chimed_datasets.learning", "chimed_datasets.stages._bayes.learn"),
    ("chimed_datasets.learning", "chimed_datasets.stages._grams.mix"),
    ("chimed_datasets.reading", "chimed_datasets.sources._files.resolve"),
    ("chimed_datasets.reading", "chimed_datasets.sources._files.sha256"),
    ("chimed_datasets.reading", "chimed_datasets.stages._jaccard.SKETCH_WORDS"),
    ("chimed_datasets.sharing", "chimed_datasets.sources._files.is_remote"),
}  # fmt: skip


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
    assert found == KNOWN_PRIVATE


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

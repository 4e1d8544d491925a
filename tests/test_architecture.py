"""The house: who may import whom, a light start, a small public surface, everything told of."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import chimed_datasets
from chimed_datasets.generate.tasks import tasks
from chimed_datasets.recipe import Stages
from chimed_datasets.rows import CONFIGS
from chimed_datasets.sources import layout, layouts
from chimed_datasets.stages import ORDER, OVER_ALL, PER_BATCH
from tests.common import house

ROOT = Path(__file__).resolve().parents[1]

# Floor by floor: room -> what else it may import. A room stands above all that it imports.
MAY_IMPORT = {
    # 1: what errors and records are; data that is found by name
    "lang": "",
    "errors": "lang",
    "_version": "",
    "lazy": "",
    "loops": "",
    "records": "loops",
    "samples": "",
    "cards": "",
    # 2: settings, code from outside, who does the work, what is done to every record
    "settings": "lang errors",
    "plugins": "lang errors",
    "executors": "lang errors",
    "stages": "lang errors loops records",
    # 3: from files to records, from records to rows
    "sources": "lang errors loops plugins records settings",
    "rows": "lang errors settings plugins",
    "known": "lang errors settings",
    # 4: what a user asked for; what a build leaves on disk
    "recipe": "lang errors settings plugins records stages sources rows known",
    "built": "lang errors _version loops records stages rows",
    "collect": "lang errors _version sources",
    "detection": "lang errors records sources known",
    "builders": "lang rows",
    # 5: the build; telling people
    "building": "lang errors _version lazy plugins known records executors stages sources rows recipe built",
    "report": "lang errors records stages built",
    "export": "lang errors plugins rows built",
    # 6: what stands on a build
    "generate": "lang errors _version plugins records settings rows recipe built building",
    "publish": "lang errors plugins records rows recipe built building report",
    "hf": "lang errors _version rows recipe building",
    "selftest": "lang errors lazy stages recipe built building",
    # 6 and 7: the doors for Python and for the command line, and the writer of a page of the documentation
    "api": "lang errors records settings executors stages sources recipe built building report",
    "cli": "lang errors _version loops plugins known executors sources recipe built samples collect detection building "
    "report export generate publish selftest",
    "chimed_datasets": "errors _version lazy records stages recipe built hf api",
    "docs": "errors records sources rows known recipe built export report",
}
FLOORS, ROOT_FILES = 8, 7


def test_every_module_is_in_a_room_of_the_table():
    assert {house.room_of(module) for module in house.modules(ROOT)} == set(MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_nothing_imports_upward(room):
    above = set(list(MAY_IMPORT)[list(MAY_IMPORT).index(room) :])
    assert not set(MAY_IMPORT[room].split()) & above
    assert house.of_rooms(ROOT)[room] <= set(MAY_IMPORT[room].split())


def test_no_circle_between_modules():
    assert house.circles(house.of_modules(ROOT)) == []


def test_the_house_is_as_low_as_it_was_drawn():
    assert max(house.floors(house.of_rooms(ROOT)).values()) <= FLOORS
    assert len(list((ROOT / "chimed_datasets").glob("*.py"))) <= ROOT_FILES


def test_nobody_imports_the_command_line():
    for use in house.uses(ROOT):
        assert house.room_of(use.module) != "cli" or house.room_of(use.user) == "cli", use


@pytest.mark.parametrize(
    "alike",
    [set(PER_BATCH + OVER_ALL), set(layouts()), set(tasks())],
    ids=["stages", "layouts", "tasks"],
)
def test_what_is_alike_does_not_know_each_other(alike):
    """What two layouts, stages or tasks share lies in a folder beside them."""
    home = {"clean": "stages", "jsonl": "sources", "judge": "generate.tasks"}
    package = next(f"{house.NAME}.{home[name]}" for name in sorted(alike) if name in home)
    modules = {f"{package}.{name}" for name in alike}
    assert modules <= set(house.modules(ROOT))
    for use in house.uses(ROOT):
        assert use.user == use.module or {use.user, use.module} - modules, use


def test_the_order_of_stages_stands_once():
    """The recipe has a field for each, in that order; each is a file of its own."""
    assert tuple(Stages.model_fields) == PER_BATCH + OVER_ALL
    assert ORDER[-len(Stages.model_fields) :] == PER_BATCH + OVER_ALL


NETWORK = {"aiohttp", "httpx", "httpx2", "openai", "requests", "scrapy", "socket", "twisted"}
HUBS = {  # clients of hubs, and the modules that use them
    "huggingface_hub": {"publish.hub", "sources.files.hub"},
    "modelscope_hub": {"publish.modelscope", "sources.files.modelscope"},
    "modelscope": set(),
}


def imported(path: Path) -> set[str]:
    """Return the modules that a file names in its imports, but those of its own package."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return found


def test_only_three_rooms_touch_the_network():
    """Beside them, remote files are opened by fsspec, in sources/files."""
    for name, path in house.modules(ROOT).items():
        tops = {module.partition(".")[0] for module in imported(path)}
        if tops & NETWORK:
            assert house.room_of(name) in ("collect", "generate", "publish"), name
        if "fsspec" in tops:
            assert name.startswith("chimed_datasets.sources.files."), name
        for client in tops & set(HUBS):
            assert name.removeprefix("chimed_datasets.") in HUBS[client], name


def test_no_private_name_across_rooms():
    found = set()
    for user, module, name in house.uses(ROOT):
        parts = [*module.split("."), *name.split(".")]
        private = [part for part in parts if re.match(r"_[^_]", part)]  # _ is a name as any other
        if private and private != ["_version"] and house.room_of(user) != house.room_of(module):
            found.add((user, f"{module}.{name}".removesuffix(".")))
    assert found == set()


USES_PRIVATE_NAMES = """
import chimed_datasets.cli, chimed_datasets._a
from os import _exit
from chimed_datasets.stages import mask as module, _b
from chimed_datasets.stages._c import x
module._d; module.__name__; Mask()._e; self._f; result._replace(x=1); os._exit(1)
patch.setattr(module, "_g", 1); patch.setattr("chimed_datasets.stages.mask._h", 1)
patch.setattr(path, "_i", 1); getattr(module, "_j"); x("_k"); x("chimed_datasets.a.b")
"""


def test_private_names_are_found_however_they_are_used():
    given = frozenset(f"_{letter}" for letter in "abcdefghjk")  # _i is none of the library
    found = house.private_uses(USES_PRIVATE_NAMES, given)
    assert found == {f"_{letter}" for letter in "abcdeghj"}


def test_no_test_uses_a_private_name():
    """But for the one that finds all patterns by itself, and names some that it leaves out."""
    given = house.privates(ROOT)
    assert len(given) > 500
    for path in (ROOT / "tests").rglob("*.py"):
        if path.name != "test_patterns.py":
            assert house.private_uses(path.read_text("utf-8"), given) == set(), path


def test_no_test_imports_from_a_conftest():
    """What tests share lies in tests/common."""
    for path in (ROOT / "tests").rglob("*.py"):
        for module in imported(path):
            assert module.rpartition(".")[2] != "conftest", path


def test_train_examples_know_nothing_of_the_library():
    for path in (ROOT / "train_examples").rglob("*.py"):
        assert not [m for m in imported(path) if m.startswith("chimed_datasets")], path


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
        (
            "import chimed_datasets.building.run",
            {"datasets", "torch", "chimed_datasets.rows.traces"},
        ),
        ("import chimed_datasets.building._warm", {"datasets", "torch"}),
    ],
)
def test_what_an_import_costs(code, absent):
    script = f"{code}; import sys; print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) & absent == set()


def test_the_command_line_does_not_look_through_all_at_its_end():
    script = (
        "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 1000)); "
        "import chimed_datasets.cli"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "True\n"


def test_public_names():
    assert chimed_datasets.__all__ == sorted(chimed_datasets.__all__)
    shown = [name for name in dir(chimed_datasets) if not name.startswith("__")]
    assert sorted([*shown, "__version__"]) == chimed_datasets.__all__
    assert len(chimed_datasets.__all__) <= 24
    for name in chimed_datasets.__all__:
        assert getattr(chimed_datasets, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = chimed_datasets.nothing


def test_every_layout_and_stage_is_documented():
    recipe = (ROOT / "docs" / "reference" / "recipe.md").read_text("utf-8")
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
        assert {"Settings", "COLUMNS", "to_row", "BUILDER"} <= names

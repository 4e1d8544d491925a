"""What a user gets from a wheel: one top-level name, with all the files that the code reads."""

from __future__ import annotations

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "tests" / "benchmarks" / "peers"
"""Other projects' code paths to measure against, each in an environment of its own."""
READERS = [ROOT / "tests" / name for name in ("load_rows.py", "read_trainer.py")]
"""What reads a build or an export with other libraries, in environments of their own."""
ASIDE = "local"
"""The extra that is not part of dev: a model server with a model, 290 MB, for slow tests alone."""


def run(*command: object, **more: object) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, check=False, **more
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """The files that git knows, so that nothing left over from a build is among them."""
    folder = tmp_path_factory.mktemp("tree")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
    ).stdout.decode()
    if not listed:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes((ROOT / name).read_bytes())
    return folder


def wheel_of(tree: Path, folder: Path, **env: str) -> Path:
    env = {**os.environ, **env}
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, tree, env=env)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory) -> Path:
    return wheel_of(tree, tmp_path_factory.mktemp("wheel"))


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as file:
        return set(file.namelist())


def test_one_top_level_name(wheel):
    tops = {name.split("/")[0] for name in names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"chimed_datasets"}


def test_every_file_of_the_package_is_in_it(wheel):
    tracked = subprocess.run(
        ["git", "ls-files", "chimed_datasets", "builders", "cards"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    expected = {
        name if name.startswith("chimed_datasets/") else f"chimed_datasets/{name}"
        for name in tracked
    }
    assert expected - names(wheel) == set()
    own = "chimed_datasets/selftest/"
    others = {name.replace(own, "") for name in names(wheel)}
    assert not [name for name in others if "test" in name or name.endswith(".pyc")]


def test_it_works_from_elsewhere(wheel, tmp_path):
    run("-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path / "site", wheel)
    away = tmp_path / "away"
    away.mkdir()
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "HF_HUB_OFFLINE": "1"}
    code = "import chimed_datasets.builders as b; print(b.__file__)"
    where = run("-c", code, cwd=away, env=env).stdout
    assert str(tmp_path / "site") in where
    start = "from chimed_datasets.cli import app; app()"
    assert "build" in run("-c", start, "--help", cwd=away, env=env).stdout
    run("-c", start, "build", cwd=away, env=env)
    run("-c", start, "validate", "chimed2", cwd=away, env=env)


def loops_of(wheel: Path, site: Path) -> str:
    """Install a wheel and return what it says of its loops."""
    run("-m", "pip", "install", "-q", "--no-deps", "--target", site, wheel)
    start = "from chimed_datasets.cli import app; app(['--version'])"
    env = {**os.environ, "PYTHONPATH": str(site), "CHIMED_LOOPS": ""}
    return run("-c", start, cwd=site, env=env).stdout.splitlines()[-1]


def test_one_wheel_of_a_platform_has_compiled_loops(wheel, tmp_path):
    if shutil.which(sysconfig.get_config_var("CC").split()[0]) is None:
        pytest.skip("no compiler")
    assert "-cp311-abi3-" in wheel.name
    assert loops_of(wheel, tmp_path).startswith("loops: compiled")


def test_it_installs_without_a_compiler(tree, tmp_path):
    bare = tmp_path / "tree"
    shutil.copytree(tree, bare, ignore=shutil.ignore_patterns("build", "*.so"))
    wheel = wheel_of(bare, tmp_path, CC="no-such-compiler")
    assert loops_of(wheel, tmp_path / "site") == "loops: NumPy (not compiled)"


# --- what it needs is what it asks for --------------------------------------------------------


def requirements() -> dict[str, set[str]]:
    """Return the distributions, by normal name, that each extra of setup.cfg asks for; "" stands
    for those that are always installed, an extra of our own for what that asks for."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    lines = {"": setup["options"]["install_requires"], **setup["options.extras_require"]}
    asked = {
        name: set(filter(None, map(str.strip, text.split("\n")))) for name, text in lines.items()
    }
    for names in asked.values():
        for own in [name for name in names if name.startswith("chimed-datasets[")]:
            names.remove(own)
            names.update(*(asked[extra] for extra in own[len("chimed-datasets[") : -1].split(",")))
    return {extra: {normal(line) for line in names} for extra, names in asked.items()}


def normal(requirement: str) -> str:
    """Return a distribution's name as the index knows it, without version and marker."""
    name = re.match(r"[\w.-]+", requirement)
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def third_party(*folders: str) -> dict[str, str]:
    """Return module -> a file that imports it, at its top or within a function."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    paths = [path for path in paths if PEERS not in path.parents]
    ours = {path.stem for path in paths} | {"chimed_datasets", "docs", "tests"}
    paths = [path for path in paths if path not in READERS]
    found: dict[str, str] = {}
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            elif (
                isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
            ):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                names = [node.args[0].value] if called in ("import_module", "importorskip") else []
            for name in (name.partition(".")[0] for name in names):
                if name and name not in sys.stdlib_module_names | ours:
                    found.setdefault(name, path.relative_to(ROOT).as_posix())
    return found


def unasked(modules: dict[str, str], asked: set[str]) -> list[str]:
    known = packages_distributions()
    return [
        f"{path} imports {module}"
        for module, path in sorted(modules.items())
        if not asked & {normal(name) for name in known.get(module, [module])}
    ]


def test_what_the_library_imports_is_asked_for():
    """Also what comes along with another package: that may one day do without it."""
    modules = third_party("chimed_datasets", "builders", "cards")
    assert {"pyarrow", "scrapy", "trafilatura", "openai"} <= set(modules)  # it finds them
    asked = set().union(*requirements().values())
    assert unasked(modules, asked) == []


def test_what_the_tests_import_is_asked_for():
    """So that no test is skipped, in the environment that CI makes, for want of a package."""
    asked = requirements()
    assert unasked(third_party("tests"), asked[""] | asked["dev-all"]) == []


def test_the_extra_dev_all_has_all_others():
    asked = requirements()
    aside = asked.pop(ASIDE)
    assert set().union(*asked.values()) == asked[""] | asked["dev-all"]
    assert not aside & asked["dev-all"]
    assert not {"torch", "ray", "trl"} & asked["dev"]

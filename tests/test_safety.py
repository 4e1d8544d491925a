"""What comes from outside cannot run code, and nothing tells of its use."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chimed_datasets import build, load_recipe
from chimed_datasets.errors import RecipeError

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted([*(ROOT / "chimed_datasets").rglob("*.py"), *(ROOT / "builders").rglob("*.py")])

# --- no code from outside --------------------------------------------------------------------

FORBIDDEN = {"eval", "exec", "__import__"}
"""Builtins that run what they are given. (`compile` is `re.compile` everywhere.)"""
RUNS_DATA = {"marshal", "shelve", "dill", "joblib", "cloudpickle", "imp"}
PICKLE = {
    "handing.py": "what the same build hands to its own workers, in memory without a name",
    "hf.py": "its own cache, under the user's own folder",
    "on_disk.py": "rows that the same process put into a database without a name",
}
"""Modules that may unpickle, and what."""
TELEMETRY = {"sentry_sdk", "posthog", "mixpanel", "analytics", "statsd", "wandb", "mlflow"}
YAML_LOADER = "UniqueKeys"
"""A subclass of yaml.SafeLoader: the one loader that may be used."""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield (dotted name, call) for all calls by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the top-level names of all packages that are imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


def complaints(source: str, name: str) -> list[str]:
    """Return what a module does that it must not."""
    tree = ast.parse(source)
    found = [f"imports {p}" for p in imports(tree) if p in RUNS_DATA | TELEMETRY]
    if name not in PICKLE and "pickle" in imports(tree):
        found.append("imports pickle")
    for called, node in calls(tree):
        given = {k.arg: ast.unparse(k.value) for k in node.keywords}
        if called in FORBIDDEN:
            found.append(f"calls {called}")
        if given.get("trust_remote_code", "False") != "False":
            found.append("trusts remote code")
        if given.get("allow_pickle", "False") != "False":
            found.append("lets NumPy unpickle")
        if given.get("shell", "False") != "False" or called in ("os.system", "os.popen"):
            found.append("runs a shell")
        loads = called.startswith("yaml.") and called.split(".")[1] in ("load", "load_all")
        if called in ("yaml.unsafe_load", "yaml.full_load") or (
            loads and given.get("Loader") != YAML_LOADER
        ):
            found.append("loads YAML with tags")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_runs_foreign_code_or_tells_of_its_use(path):
    assert complaints(path.read_text("utf-8"), path.name) == []


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "exec(text)",
        "import pickle",
        "from pickle import loads",
        "import marshal",
        "import sentry_sdk",
        "load_dataset(name, trust_remote_code=True)",
        "np.load(path, allow_pickle=True)",
        "subprocess.run(line, shell=True)",
        "os.system(line)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.load(text)",
        "yaml.unsafe_load(text)",
    ],
)
def test_the_test_sees_it(source):
    assert complaints(source, "some.py")


def test_ray_is_told_not_to_tell():
    source = (ROOT / "chimed_datasets/executors/ray.py").read_text("utf-8")
    told = 'os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")'
    assert told in source
    assert source.index(told) < source.index("import ray")


# --- recipes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch {0}']",
        "!!python/object/new:os.system ['touch {0}']",
        "!!python/name:os.system",
        "!!python/module:os",
        "!unknown x",
    ],
)
def test_yaml_with_tags_is_refused(tmp_path, value):
    made = tmp_path / "made"
    path = tmp_path / "recipe.yaml"
    path.write_text(f"name: {value.format(made)}\nsources: []\n", "utf-8")
    with pytest.raises(RecipeError, match="not valid YAML: could not determine a constructor"):
        load_recipe(path)
    assert not made.exists()


@pytest.mark.no_cover
def test_yaml_that_grows_is_refused(tmp_path):
    """A billion laughs: a few lines of aliases that stand for more values than memory holds."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    path = tmp_path / "recipe.yaml"
    path.write_text("\n".join([*lines, "sources: *a11"]), "utf-8")
    start = time.process_time()
    with pytest.raises(RecipeError, match="its aliases stand for more than 100,000 values"):
        load_recipe(path)
    assert time.process_time() - start < 10


def test_yaml_that_holds_itself_is_refused(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("name: loop\nsources: &a [*a]\n", "utf-8")
    with pytest.raises(RecipeError, match="its aliases stand for more than"):
        load_recipe(path)


def test_aliases_may_save_typing(workshop):
    path = workshop / "recipe.yaml"
    text = path.read_text("utf-8")
    path.write_text(text + "\nstages: {clean: &on true, simplify: *on}\n", "utf-8")
    assert load_recipe(path).stages.simplify


def test_a_recipe_may_point_outside_its_folder(workshop):
    """`..` is allowed: a recipe is its user's own. The manifest says what was read."""
    inner = workshop / "recipes"
    inner.mkdir()
    text = (workshop / "recipe.yaml").read_text("utf-8")
    (inner / "recipe.yaml").write_text(text.replace("path: ", "path: ../"), "utf-8")
    manifest = build(load_recipe(inner / "recipe.yaml"), workshop / "out")
    assert {source["path"] for source in manifest["sources"]} == {
        "../docs.jsonl", "../pages.jsonl", "../ranked.jsonl",
    }  # fmt: skip

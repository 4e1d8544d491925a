"""Guests: layouts, stages, configs and tasks from outside the package, and who may run them."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from datasets import load_dataset

from chimed_datasets import build, load_recipe, plugins, validate
from chimed_datasets.built.dataset import open_built
from chimed_datasets.errors import BuildError, RecipeError, SourceError
from chimed_datasets.export import format_of, write_export
from chimed_datasets.generate.recipe import parse as parse_generation
from chimed_datasets.publish.extras import write_extras
from chimed_datasets.publish.rehydrate import rehydrate
from chimed_datasets.publish.withholding import withhold
from chimed_datasets.report.explain import explain
from chimed_datasets.report.page import page
from tests.common import guests

LAYOUT = (guests.PACKAGE / "forum_guests" / "forum.py").read_text("utf-8")
STAGE = (guests.PACKAGE / "forum_guests" / "phrases.py").read_text("utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    return guests.install(tmp_path_factory.mktemp("guests"))


@pytest.fixture
def installed(site, monkeypatch):
    """The guest package, as if it had been installed where Python looks."""
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    yield site
    for name in [name for name in sys.modules if name.partition(".")[0] == "forum_guests"]:
        del sys.modules[name]


@pytest.fixture
def made(installed, tmp_path) -> Path:
    """A build with a guest's layout, stages and config."""
    recipe = load_recipe(guests.written(tmp_path, guests.recipe(tmp_path)))
    build(recipe, tmp_path / "out", workers=2)
    return tmp_path / "out"


def rows(folder: Path, config: str) -> list[dict]:
    return [row for split in load_dataset(str(folder), config).values() for row in split]


def test_guests_take_part(made):
    assert validate(made) == []
    built = open_built(made)
    dropped = {
        (row["key"], row["stage"], row["rule"]) for row in built.ledger("dropped").to_pylist()
    }
    assert {("talk.forum#1", "read", "no_answer"), ("talk.forum#2", "phrases", "phrase")} == dropped
    assert {row["title"] for row in rows(made, "titles")} == {"头痛三天", "失眠"}
    said = [row["messages"][-1]["content"] for row in rows(made, "sft")]
    assert any("[姓名]大夫说" in text for text in said)
    assert not any("王小明" in text for text in said)
    assert {row["department"] for row in rows(made, "sft")} == {"内科"}


def test_a_guest_stands_in_manifest_and_card(made, tmp_path):
    manifest = open_built(made).manifest
    told = {(g["kind"], g["name"], g["package"]) for g in manifest["guests"]}
    assert told == {
        ("layouts", "forum", "forum-guests 1.2"),
        ("stages", "phrases", "forum-guests 1.2"),
        ("stages", "names", "forum-guests 1.2"),
        ("builders", "titles", "forum-guests 1.2"),
    }
    assert all(len(g["sha256"]) == 64 for g in manifest["guests"])
    order = list(manifest["stages"])
    assert order[order.index("filter") + 1] == "phrases"
    assert order[order.index("mask") + 1] == "names"
    assert manifest["stages"]["names"]["changed"] == {"name": 1}
    card = (made / "README.md").read_text("utf-8")
    assert "| layout | forum | forum-guests 1.2 |" in card
    assert "Questions with their titles." in card
    shown = yaml.safe_load(card.split("```yaml")[1].split("```")[0])
    assert shown["stages"]["phrases"] == {"phrases": ["进群领药"]}


def test_what_reads_a_build_does_without_the_guests(made, tmp_path, monkeypatch):
    """Who downloads the dataset has not installed the guest package."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "forum_guests"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if not p.endswith("/site")])
    assert validate(made) == []
    built = open_built(made)
    assert "titles" in page(built, built.statistics())
    record = next(row for row in built.ledger("kept").to_pylist() if row["titles"])
    assert any(line.startswith("titles/") for line in explain(built, record["id"]))
    write_extras(built)
    assert validate(made) == []
    copy = withhold(built, {"talk"}, tmp_path / "copy")
    assert "titles" not in copy.manifest["configs"]
    assert validate(tmp_path / "copy") == []


def test_withheld_rows_come_back_with_the_guests(made, tmp_path):
    withhold(open_built(made), {"talk"}, tmp_path / "copy")
    done = rehydrate(tmp_path / "copy", {"talk": str(tmp_path / "talk.forum")}, tmp_path / "back")
    assert (done.missing, done.differ) == (0, 0)
    for config in ("sft", "titles"):
        assert rows(tmp_path / "back", config) == rows(made, config)


def command(site: Path, *words: object, **env: str) -> subprocess.CompletedProcess:
    """Run the command line with the guest package installed."""
    return subprocess.run(
        [sys.executable, "-c", "from chimed_datasets.cli import app; app()", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path]), **env},
    )


def test_a_build_on_ray_is_the_same(site, made, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    done = command(
        site, "build", "--recipe", recipe, "--out", tmp_path / "ray", "--executor", "ray"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "ray" / "manifest.json").read_text("utf-8"))
    assert told["fingerprint"] == open_built(made).manifest["fingerprint"]


def test_the_command_line_tells_of_guests(site, tmp_path):
    recipe = guests.written(tmp_path, guests.recipe(tmp_path))
    done = command(site, "build", "--recipe", recipe, "--dry-run", COLUMNS="200")
    assert "code from outside: layout 'forum' of forum-guests 1.2 (sha256 " in done.stdout
    listed = command(site, "sources", COLUMNS="200")
    assert "forum" in listed.stdout
    assert "forum-guests 1.2" in listed.stdout


# --- code that a recipe names ----------------------------------------------------------------

TRAP = "from pathlib import Path\nPath({mark!r}).write_text('ran')\n"


def strange(folder: Path, where: str, mark: Path) -> dict:
    """Return a recipe of a stranger whose code leaves a mark; ``where`` says what names it."""
    (folder / "trap.py").write_text(TRAP.format(mark=str(mark)), "utf-8")
    (folder / "trap_package").mkdir(exist_ok=True)
    (folder / "trap_package" / "__init__.py").write_text(TRAP.format(mark=str(mark)), "utf-8")
    (folder / "trap_package" / "code.py").write_text("", "utf-8")
    guests.recipe(folder)
    source = {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "cc0-1.0",
              "kind": "document", "fields": {"text": "text"}}  # fmt: skip
    content: dict = {"name": "strange", "sources": [source]}
    kind, key = where.split(" ")
    if kind == "layout":
        source["layout"] = key
    elif kind == "task":
        content |= {
            "endpoint": {"base_url": "http://localhost:1/v1"},
            "models": [{"name": "m", "model": "m"}],
            "tasks": [{"task": key, "models": ["m"]}],
        }
    else:
        content[f"{kind}s"] = {key: {}}
    return content


NAMED = [
    f"{kind} {key}"
    for kind in ("layout", "stage", "builder")
    for key in ("./trap.py", "trap_package.code", "trap_package:code", "trap.py:STAGE")
]


@pytest.mark.parametrize("where", NAMED)
@pytest.mark.parametrize(
    "words",
    [
        ("build", "--out", "o"),
        ("build", "--dry-run"),
        ("takedown", "docs-0000000000000000"),
        ("generate", "--out", "o"),
        ("generate", "--out", "o", "--dry-run"),
    ],
    ids=" ".join,
)
def test_a_strangers_recipe_runs_nothing(where, words, tmp_path, monkeypatch, capsys):
    from chimed_datasets.cli import app

    mark = tmp_path / "mark"
    path = guests.written(tmp_path, strange(tmp_path, where, mark))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    option = [str(path)] if words[0] == "generate" else ["--recipe", str(path)]
    option = ["--recipe", str(path)]
    with pytest.raises(SystemExit) as ended:
        app([*words, *option])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert not mark.exists(), said
    assert not (tmp_path / "o").exists()
    key = where.split(" ")[1]
    place = str(tmp_path / "trap.py") if ".py" in key else "trap_package"
    lines = said.strip().splitlines()
    assert len(lines) == 1 or words[0] == "generate"  # to which this recipe lacks more
    (line,) = (line for line in lines if "would run" in line)
    assert repr(key) in line
    assert place in line
    assert "--allow-code" in line


def test_a_strangers_generation_runs_no_task(tmp_path, monkeypatch):
    mark = tmp_path / "mark"
    monkeypatch.syspath_prepend(str(tmp_path))
    for key in ("./trap.py", "trap_package.code"):
        content = strange(tmp_path, f"task {key}", mark)
        with pytest.raises(RecipeError, match="allow-code"):
            parse_generation(content, tmp_path)
        assert not mark.exists()


def test_a_strangers_prompt_reaches_nothing(tmp_path):
    """A prompt file is a template: it may come with the recipe, and is no way to code."""
    from chimed_datasets.generate.asking import prompt
    from chimed_datasets.generate.recipe import TaskEntry

    attack = "{# version 1 #}\n{{ ''.__class__.__mro__[1].__subclasses__() }}"
    (tmp_path / "p.jinja").write_text(attack, "utf-8")
    entry = TaskEntry(task="answer", models=["m"], prompt="p.jinja")
    with pytest.raises(RecipeError, match="unsafe"):
        prompt(entry, tmp_path, {})


def test_withheld_rows_of_a_strangers_build(made, tmp_path, monkeypatch):
    """The manifest of a downloaded dataset is a recipe of a stranger, too."""
    copy = withhold(open_built(made), {"talk"}, tmp_path / "copy").folder
    mark = tmp_path / "mark"
    (tmp_path / "trap.py").write_text(TRAP.format(mark=str(mark)), "utf-8")
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    for source in manifest["recipe"]["sources"]:
        source["layout"] = str(tmp_path / "trap.py")
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(RecipeError, match="allow-code"):
        rehydrate(copy, {"talk": str(tmp_path / "talk.forum")}, tmp_path / "back")
    assert not mark.exists()


# --- code by path and by import, where it is allowed -----------------------------------------


def by_path(folder: Path, **stage: object) -> Path:
    """Write a recipe with a layout and a stage beside it; return its path."""
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "talk.py").write_text(LAYOUT, "utf-8")
    (folder / "code" / "words.py").write_text(STAGE, "utf-8")
    content = guests.recipe(folder)
    content["sources"][0]["layout"] = "code/talk.py"
    content["stages"] = {"./code/words.py": stage or {"phrases": ["进群领药"]}}
    del content["builders"]
    return guests.written(folder, content)


def test_code_beside_the_recipe(tmp_path):
    path = by_path(tmp_path)
    recipe = load_recipe(path, allow_code=True)
    one = build(recipe, tmp_path / "one", workers=1)
    two = build(recipe, tmp_path / "two", workers=2)
    assert one["fingerprint"] == two["fingerprint"]
    assert {(g["kind"], g["name"], g["key"], g["package"]) for g in one["guests"]} == {
        ("layouts", "code/talk.py", "code/talk.py", ""),
        ("stages", "phrases", "./code/words.py", ""),
    }
    assert one["stages"]["phrases"]["dropped"] == {"phrase": 1}
    told = {g["kind"]: g["sha256"] for g in one["guests"]}
    assert told == {
        "layouts": hashlib.sha256((tmp_path / "code" / "talk.py").read_bytes()).hexdigest(),
        "stages": hashlib.sha256((tmp_path / "code" / "words.py").read_bytes()).hexdigest(),
    }


def test_where_the_code_lies_is_told_to_nobody(tmp_path):
    """The same recipe in another folder is the same: its dump, its manifest, its key."""
    told = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        recipe = load_recipe(by_path(tmp_path / name), allow_code=True)
        made = build(recipe, tmp_path / name / "out", progress=False)
        told.append((recipe.model_dump_json(), json.dumps(dict(made))))
    assert told[0] == told[1]
    assert str(tmp_path).encode().hex() not in told[0][0] + told[0][1]
    assert '"./code/words.py":{"phrases":["进群领药"]}' in told[0][0]


def test_code_by_import(installed, tmp_path):
    content = guests.recipe(tmp_path)
    content["sources"][0]["layout"] = "forum_guests.forum"
    content["stages"] = {"forum_guests.phrases:Phrases": {"phrases": ["进群领药"]}}
    content["builders"] = {"forum_guests.titles": {}}
    path = guests.written(tmp_path, content)
    made = build(load_recipe(path, allow_code=True), tmp_path / "out", workers=2)
    assert {g["package"] for g in made["guests"]} == {"forum-guests 1.2"}
    assert set(made["configs"]) == {"pretrain", "sft", "titles"}


def test_a_changed_guest_is_read_anew(tmp_path):
    """Its code is part of the key of a checkpoint, and an edited file is another module."""
    path = by_path(tmp_path)
    before = build(load_recipe(path, allow_code=True), tmp_path / "out")
    code = tmp_path / "code" / "words.py"
    code.write_text(code.read_text("utf-8").replace('("phrase", phrase)', '("words", phrase)'))
    recipe = load_recipe(path, allow_code=True)
    after = build(recipe, tmp_path / "out", overwrite=True)
    assert before["stages"]["phrases"]["dropped"] == {"phrase": 1}
    assert after["stages"]["phrases"]["dropped"] == {"words": 1}
    assert before["fingerprint"] != after["fingerprint"]


def test_a_guest_that_changes_while_it_builds(tmp_path):
    recipe = load_recipe(by_path(tmp_path), allow_code=True)
    code = tmp_path / "code" / "talk.py"
    code.write_text(code.read_text("utf-8") + "\n# edited\n", "utf-8")
    (guest,) = (g for g in recipe.guests if g.kind == "layouts")
    sys.modules.pop(guest.module, None)  # as in a worker that starts now
    with pytest.raises(ImportError, match="another file by now"):
        importlib.import_module(guest.module)


# --- guests that are not as they should be ----------------------------------------------------

BAD_STAGES = {
    "STAGE = 3": "a stage is a frozen dataclass",
    "class STAGE: pass": "a stage is a frozen dataclass",
    "@dataclass(frozen=True)\nclass STAGE: pass": "`name` is None",
    "@dataclass(frozen=True)\nclass STAGE:\n name: ClassVar = 'filter'": "which a stage of the package",
    "@dataclass(frozen=True)\nclass STAGE:\n name: ClassVar = 'x'": "`after` is None",
    "@dataclass(frozen=True)\nclass STAGE:\n name: ClassVar = 'x'\n after: ClassVar = 'filtre'": "Did you mean 'filter'",
    "@dataclass(frozen=True)\nclass STAGE:\n name: ClassVar = 'x'\n after: ClassVar = 'mask'": "has __call__",
    "@dataclass(frozen=True)\nclass STAGE:\n name: ClassVar = 'x'\n after: ClassVar = 'mask'\n"
    " def spans(self, texts): ...": "add `placeholders`",
    "1 / 0": "ZeroDivisionError: division by zero (words.py, line 3)",
    "import nothing_of_this_name": "ModuleNotFoundError",
}  # fmt: skip


@pytest.mark.parametrize("code", BAD_STAGES)
def test_a_bad_stage_stops_before_anything_is_written(code, tmp_path):
    path = by_path(tmp_path)
    head = "from dataclasses import dataclass\nfrom typing import ClassVar\n"
    (tmp_path / "code" / "words.py").write_text(head + code, "utf-8")
    with pytest.raises(RecipeError) as error:
        load_recipe(path, allow_code=True)
    assert BAD_STAGES[code] in str(error.value)
    assert "code/words.py" in str(error.value)
    assert "\n" not in str(error.value)


BAD_LAYOUTS = {
    "def read(files, options, report): ...": "a layout has SUFFIXES",
    "SUFFIXES = ('.x',)": "a layout has a function read",
    "SUFFIXES = ('.x',)\nOptions = 3\ndef read(files, options, report): ...": "Options is a dataclass",
}


@pytest.mark.parametrize("code", BAD_LAYOUTS)
def test_a_bad_layout_stops_before_anything_is_written(code, tmp_path):
    path = by_path(tmp_path)
    (tmp_path / "code" / "talk.py").write_text(code, "utf-8")
    with pytest.raises(RecipeError) as error:
        load_recipe(path, allow_code=True)
    assert BAD_LAYOUTS[code] in str(error.value)


WRONG = {
    "return batch": "it returned Batch",
    "raise ValueError('乱')": "ValueError: 乱 (words.py, line ",
    "return part(batch.without([0]), self.name, {})": "8 records came in, 7 went on and 0",
    "return part(batch, 'other', {0: ('x', 'y')})": "name another stage",
    "r = part(batch, self.name, {}); return Result(r.batch, part(batch, self.name, {0: ('x', 'y')}).drops, {})":
        "8 records came in, 8 went on and 1",
}  # fmt: skip


@pytest.mark.parametrize("body", WRONG)
def test_a_stage_that_loses_records_does_not_get_away_with_it(body, tmp_path):
    path = by_path(tmp_path)
    code = tmp_path / "code" / "words.py"
    head = STAGE.partition("        leaf = ")[0]
    code.write_text(f"{head}        {body}\n\n\nSTAGE = Phrases\n", "utf-8")
    content = yaml.safe_load(path.read_text("utf-8"))
    content["sources"] = content["sources"][1:]
    with pytest.raises(BuildError) as error:
        build(load_recipe(guests.written(tmp_path, content), allow_code=True), tmp_path / "out")
    assert WRONG[body] in str(error.value)
    assert error.value.stage == "phrases"
    assert not (tmp_path / "out").exists()


def test_a_layout_that_fails_says_where(tmp_path):
    path = by_path(tmp_path)
    code = tmp_path / "code" / "talk.py"
    code.write_text(LAYOUT.replace("title, question", "[][0]; title, question"), "utf-8")
    with pytest.raises(SourceError) as error:
        build(load_recipe(path, allow_code=True), tmp_path / "out", workers=2)
    assert "layout 'code/talk.py'" in str(error.value)
    assert "IndexError" in str(error.value)
    assert "(talk.py, line " in str(error.value)


def test_unknown_names_and_names_that_are_offered(installed, tmp_path):
    content = guests.recipe(tmp_path)
    content["sources"][0]["layout"] = "forun"
    with pytest.raises(RecipeError, match=r"unknown layout 'forun'. Did you mean 'forum'"):
        load_recipe(guests.written(tmp_path, content))
    content = guests.recipe(tmp_path, stages={"phrase": {}})
    with pytest.raises(RecipeError, match=r"unknown key 'phrase'. Did you mean 'phrases'"):
        load_recipe(guests.written(tmp_path, content))
    content = guests.recipe(tmp_path, builders={"title": {}})
    with pytest.raises(RecipeError, match=r"unknown config 'title'. Did you mean 'titles'"):
        load_recipe(guests.written(tmp_path, content))
    assert "forum" in plugins.offered("layouts", [])
    content = guests.recipe(tmp_path, stages={"phrases": {"phrase": ["x"]}})
    with pytest.raises(RecipeError, match=r"unknown key 'phrase'. Did you mean 'phrases'"):
        load_recipe(guests.written(tmp_path, content))


def test_a_guests_stage_can_be_left_out(installed, tmp_path):
    content = guests.recipe(tmp_path, stages={"phrases": False})
    made = build(load_recipe(guests.written(tmp_path, content)), tmp_path / "out")
    assert "phrases" not in made["stages"]


def test_a_guests_export(made, tmp_path):
    form = format_of("questions")
    assert form.guest is not None
    files = write_export(open_built(made), form, tmp_path / "to")
    assert {file.config for file in files} == {"sft", "titles"}
    asked = [
        json.loads(line)["question"]
        for file in files
        for line in (tmp_path / "to" / file.file).read_text("utf-8").splitlines()
    ]
    assert sum("请问头痛三天怎么办？" in text for text in asked) == 2
    told = json.loads((tmp_path / "to" / "index.json").read_text("utf-8"))
    assert told == {file.file: file.lines for file in files}

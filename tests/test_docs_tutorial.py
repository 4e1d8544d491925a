"""docs/start/first-dataset.md, in both languages: every command runs in order, and prints what is shown."""

from __future__ import annotations

import pytest

from chimed_datasets.built.checks import validate
from tests.common import pages

START = pages.ROOT / "docs" / "start"


@pytest.mark.parametrize(
    ("name", "spoken"), [("first-dataset.md", "en"), ("first-dataset.zh.md", "zh")]
)
def test_the_tutorial_from_top_to_bottom(tmp_path, name, spoken):
    place = pages.checkout(tmp_path / "checkout")
    reader = {"CHIMED_LANG": spoken}
    printed, shown = "", 0
    for language, text in pages.blocks((START / name).read_text("utf-8")):
        if language == "bash":
            printed = pages.bash(place, text, reader) or printed
        elif language == "python":
            printed = pages.python(place, text, reader) or printed
        elif language == "yaml":
            assert pages.save(place, text), "a YAML block begins with the name of its file"
        else:
            assert language == "text"
            assert pages.not_shown(text, printed) == []
            shown += 1
    assert shown >= 8
    for folder in ("chimed2", "mine-1", "mine-2"):
        assert validate(place / folder) == []


@pytest.mark.parametrize(
    ("shown", "printed", "missing"),
    [
        ("a  b\n…\nd", "x\n a b \nc\nd\n", []),
        ("d\na", "a\nd\n", ["a"]),
        ("e", "a\n", ["e"]),
        ("a b…\nd", "a b c\nd\n", []),
        ("a b…\nc", "a c\nc\n", ["a b…"]),
    ],
)
def test_what_is_shown_stands_in_what_was_printed(shown, printed, missing):
    assert pages.not_shown(shown, printed) == missing


@pytest.mark.parametrize(("name", "spoken"), [("recipe.md", "en"), ("recipe.zh.md", "zh")])
def test_the_faults_on_the_page_of_recipes(tmp_path, name, spoken):
    """Of a wrong recipe, as it is printed."""
    (tmp_path / "my.yaml").write_text(WRONG, "utf-8")
    command = ["chimed", "--lang", spoken, "build", "my.yaml", "--dry-run"]
    done = pages.ran(tmp_path, *command)
    assert done.returncode == 1
    page = (pages.ROOT / "docs" / "reference" / name).read_text("utf-8")
    shown = next(block.text for block in pages.blocks(page) if block.language == "text")
    assert len(shown.splitlines()) == 5
    assert pages.not_shown(shown, done.stderr) == []


WRONG = """\
name: 内科
sources:
  - name: clinic
    layuot: qa_csv
    path: qa.csv
    domain: 外科
"""
"""A recipe with four faults."""


@pytest.mark.slow
def test_the_tiny_models_of_the_training_page(tmp_path):
    """Its commands in their order, to the chat with the model and the tables of the chain."""
    place = pages.checkout(tmp_path / "checkout")
    (place / "train_examples").symlink_to(pages.ROOT / "train_examples")
    page = (pages.ROOT / "docs" / "how-to" / "train.md").read_text("utf-8")
    tiny = page.partition("## Five minutes")[2].partition("\n## ")[0]
    for _, text in pages.blocks(tiny):
        pages.bash(place, text, {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""})
    assert (place / "out" / "chain" / "results.md").exists()
    assert (place / "out" / "tiny" / "sft-best").is_dir()

"""docs/start/first-dataset.md: every command runs in order, and prints what the page shows."""

from __future__ import annotations

import pytest

from chimed_datasets.built.checks import validate
from tests.common import pages

PAGE = (pages.ROOT / "docs" / "start" / "first-dataset.md").read_text("utf-8")


def test_the_tutorial_from_top_to_bottom(tmp_path):
    place = pages.checkout(tmp_path / "checkout")
    printed, shown = "", 0
    for language, text in pages.blocks(PAGE):
        if language == "bash":
            printed = pages.bash(place, text) or printed
        elif language == "python":
            printed = pages.python(place, text) or printed
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
    ],
)
def test_what_is_shown_stands_in_what_was_printed(shown, printed, missing):
    assert pages.not_shown(shown, printed) == missing


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

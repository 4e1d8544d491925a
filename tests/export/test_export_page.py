"""docs/how-to/export.md: its commands run as they stand there; it tells of every format."""

from __future__ import annotations

import json

import yaml

from chimed_datasets.export import LOST, formats
from tests.common import pages

PAGE = (pages.ROOT / "docs" / "how-to" / "export.md").read_text("utf-8")
BLOCKS = pages.blocks(PAGE)


def test_the_page_from_the_top(tmp_path):
    place = pages.checkout(tmp_path / "checkout")
    offline = {"HF_HUB_OFFLINE": "1"}
    for language, text in BLOCKS:
        if language == "bash":
            pages.bash(place, text, offline)
        elif language == "python":
            (place / "page.py").write_text(text, "utf-8")
            said = pages.run(place, "python", "page.py", environment=offline)
            assert said.split("\n")[0] == "['prompt', 'completion', 'label']"
    lines = (place / "for-llama-factory" / LOST).read_text("utf-8").splitlines()
    for line in lines:
        assert all(f"`{key}`" in PAGE for key in json.loads(line))
    (settings, _) = (yaml.safe_load(text) for language, text in BLOCKS if language == "yaml")
    told = json.loads((place / settings["dataset_dir"] / "dataset_info.json").read_text("utf-8"))
    assert {settings["dataset"], settings["eval_dataset"]} <= set(told)
    assert (place / "to-read" / "sft-train.xlsx").is_file()


def test_every_format_is_in_the_help(capsys):
    from chimed_datasets.cli import app

    try:
        app(["export", "--help"])
    except SystemExit:
        said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for key in formats():
        assert key in said

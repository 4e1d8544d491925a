"""A build of 0.1.0, as it left it: every command that reads a build still takes it.

Its data files have schema version 1: `metadata` is a JSON column, and types of `datasets` are named.
"""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.cli import app
from chimed_datasets.publish.rehydrate import rehydrate
from chimed_datasets.publish.withholding import withhold
from chimed_datasets.report.diff import compare
from tests.common.text import prose

FIXTURE = Path(__file__).with_name("fixtures") / "builds" / "0.1.0"


@pytest.fixture
def old(tmp_path) -> Path:
    shutil.copytree(FIXTURE / "built", tmp_path / "old")
    return tmp_path / "old"


@pytest.fixture(scope="module")
def new(tmp_path_factory) -> Path:
    """The same recipe over the same sources, built now; texts of classics have no title, as then."""
    folder = tmp_path_factory.mktemp("new")
    recipe = load_recipe(FIXTURE / "recipe.yaml")
    untitled = {"pretrain": {"title_in_text": False}}
    build(recipe.model_copy(update={"builders": untitled}), folder / "new")
    return folder / "new"


def run(*command: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in command])
    assert done.exit_code == 0, done.output
    return done.output


def test_it_is_of_the_first_schema(old, new):
    assert open_built(old).manifest["library"] == "chimed-datasets 0.1.0"
    assert "schema_version" not in open_built(old).manifest
    assert (open_built(old).schema_version, open_built(new).schema_version) == (1, 2)


def test_validate(old):
    told = run("validate", old)
    assert "is sound" in told
    assert "README.md: of chimed-datasets 0.1.0" in told.replace("\n", " ")


def test_stats_and_export(old):
    assert "ranked" in run("stats", old)
    run("export", old, "--to", "jsonl", "--out", old.with_name("lines"))
    lines = (old.with_name("lines") / "pretrain-train.jsonl").read_text("utf-8").splitlines()
    assert {"book": "伤寒论", "dynasty": "汉"} in [
        json.loads(json.loads(line)["metadata"]) for line in lines
    ]


def test_report(old):
    run("report", old)
    page = (old / "report.html").read_text("utf-8")
    packed = page.partition('id="records">')[2].partition("</script>")[0]
    assert prose(500_000, 12) in gzip.decompress(base64.b64decode(packed)).decode()


def test_explain(old):
    (twin,) = open_built(old).ledger("dropped").filter([False, True]).to_pylist()
    assert (twin["stage"], twin["rule"]) == ("deduplicate", "exact")
    assert f"Kept instead: {twin['twin']}" in run("explain", old, twin["id"])
    assert "pretrain/" in run("explain", old, twin["twin"])


def test_its_card_is_written_anew(old):
    run("card", old)
    card = (old / "README.md").read_text("utf-8")
    assert "Loads with `datasets` 4.7 or later." in card
    assert validate(old) == []
    front = yaml.safe_load(card.split("---\n")[1])
    assert ["features" in info for info in front["dataset_info"]] == [False, True, True]


def test_push(old):
    assert "nothing was sent" in run("push", old, "org/small", "--dry-run")


def test_withheld_rows_come_back(old, tmp_path):
    """The new library makes the rows that 0.1.0 made, with the same hashes."""
    copy = withhold(open_built(old), ["docs", "pages"], tmp_path / "copy")
    assert validate(copy.folder) == []
    assert copy.schema_version == 1
    given = {"docs": str(FIXTURE / "docs.jsonl"), "pages": str(FIXTURE / "pages.jsonl")}
    back = rehydrate(copy.folder, given, tmp_path / "back")
    assert (back.missing, back.differ, back.left) == (0, 0, 0)
    assert validate(tmp_path / "back") == []
    assert compare(open_built(old), open_built(tmp_path / "back")).columns == []


def test_diff_says_that_the_schema_changed_and_calls_no_row_changed(old, new):
    diff = compare(open_built(old), open_built(new))
    total = diff.total()
    assert (total.added, total.gone, total.changed, total.moved) == (0, 0, 0, 0)
    assert diff.columns == []
    assert ("schema_version", "1", "2") in [tuple(setting) for setting in diff.settings]
    assert "schema_version" in run("diff", old, new)
    back = compare(open_built(new), open_built(old))
    assert back.columns == []


def test_the_texts_of_its_metadata_stay(old, new):
    texts = [
        sorted(
            text
            for path in (folder / "pretrain").glob("*.parquet")
            for text in pq.read_table(path, columns=["metadata"])["metadata"].to_pylist()
        )
        for folder in (old, new)
    ]
    assert texts[0] == texts[1]
    assert "{}" in texts[1]

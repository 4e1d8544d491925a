"""What was taken down is in no later build: not the record, not its copies, not its words."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.cli import app
from chimed_datasets.errors import ChimedError
from chimed_datasets.hf import content_hash
from chimed_datasets.recipe import takedowns
from chimed_datasets.records import record_id
from tests.common.sources import page, recipe

KEPT = record_id("pages", "pages.jsonl#p3")
COPY = record_id("pages", "pages.jsonl#copy")
MALFORMED = record_id("pages", "pages.jsonl#61")


def everything(folder) -> str:
    told = ""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            told += json.dumps(pq.read_table(path).to_pylist(), ensure_ascii=False)
        elif path.is_file():
            told += path.read_text("utf-8")
    return told


def ledger(folder) -> dict[str, dict]:
    rows = pq.read_table(folder / "ledger" / "dropped.parquet").to_pylist()
    return {row["id"]: row for row in rows}


def take(path, *ids: str, reason: str = "") -> str:
    more = ["--reason", reason] if reason else []
    done = CliRunner().invoke(app, ["takedown", *ids, "--recipe", str(path), *more])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("listed", [KEPT, COPY])
def test_the_record_and_its_copies_go(tmp_path, listed):
    path = recipe(tmp_path)
    build(load_recipe(path), tmp_path / "before")
    words = page(3)["answers"][0]["answer"][:20]
    assert words in everything(tmp_path / "before")
    take(path, listed, reason="asked for by its author")
    lines: list[str] = []
    build(load_recipe(path), tmp_path / "after", tell=lines.append)
    assert lines == ["taken down: 1 of 1 listed records, 1 copies"]
    assert validate(tmp_path / "after") == []
    told = everything(tmp_path / "after")
    assert words not in told
    rows = ledger(tmp_path / "after")
    other = COPY if listed == KEPT else KEPT
    assert [rows[listed][k] for k in ("stage", "rule", "evidence", "twin")] == [
        "takedown", "listed", "asked for by its author", None,
    ]  # fmt: skip
    assert [rows[other][k] for k in ("stage", "rule", "evidence")] == ["takedown", "copy", ""]
    before, after = (open_built(tmp_path / n).manifest["sources"] for n in ("before", "after"))
    for old, new in zip(before, after, strict=True):
        assert old["in"] == new["in"] == new["out"] + new["dropped"]


def test_what_another_stage_had_dropped_is_told_of_as_taken_down(tmp_path):
    """The ledger's evidence quotes a record."""
    path = recipe(tmp_path)
    take(path, MALFORMED)
    build(load_recipe(path), tmp_path / "after")
    assert "not a page" not in everything(tmp_path / "after")
    assert ledger(tmp_path / "after")[MALFORMED]["stage"] == "takedown"


def test_without_deduplication_the_listed_record_goes_alone(tmp_path):
    path = recipe(tmp_path, stages={"deduplicate": False})
    take(path, KEPT)
    build(load_recipe(path), tmp_path / "after")
    assert KEPT in ledger(tmp_path / "after")
    assert COPY not in ledger(tmp_path / "after")


def test_workers_and_resuming_make_no_difference(tmp_path):
    path = recipe(tmp_path)
    take(path, KEPT)
    first = build(load_recipe(path), tmp_path / "one", workers=1)
    second = build(load_recipe(path), tmp_path / "two", workers=2)
    assert first == second


def test_a_row_names_its_record_and_an_id_is_added_once(tmp_path):
    path = recipe(tmp_path)
    assert "1 added, 0 were there" in take(path, f"{KEPT}-1").replace("\n", " ")
    assert "0 added, 1 were there" in take(path, KEPT).replace("\n", " ")
    assert load_recipe(path).removed == {KEPT: ""}


def test_a_recipe_may_name_its_file(tmp_path):
    path = recipe(tmp_path, takedowns="gone/ids.txt")
    with pytest.raises(ChimedError, match=r"takedowns: there is no file .*gone/ids.txt"):
        load_recipe(path)
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "ids.txt").write_text(f"# notes\n\n{KEPT} a reason of words\n", "utf-8")
    assert load_recipe(path).removed == {KEPT: "a reason of words"}
    take(path, COPY)
    assert set(load_recipe(path).removed) == {KEPT, COPY}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("p3", "'p3' is no id of a record"),
        ("pages-123", "20 hex digits"),
        (f"page-{KEPT.rpartition('-')[2]}", "there is no source 'page'. Did you mean 'pages'?"),
    ],
)
def test_ids_that_are_none(tmp_path, name, message):
    path = recipe(tmp_path)
    done = CliRunner().invoke(app, ["takedown", name, "--recipe", str(path)])
    assert done.exit_code == 1
    assert message in done.output.replace("\n", " ")
    assert not (tmp_path / takedowns.DEFAULT).exists()


def test_a_bad_line_names_file_and_line(tmp_path):
    path = recipe(tmp_path)
    (tmp_path / takedowns.DEFAULT).write_text("# first\nwhat?\n", "utf-8")
    with pytest.raises(ChimedError, match=r"takedowns\.txt, line 2: 'what\?' is no id"):
        load_recipe(path)


def test_a_listed_record_that_no_source_has_is_told_of(tmp_path):
    path = recipe(tmp_path)
    stranger = record_id("pages", "pages.jsonl#p999")
    take(path, stranger)
    lines: list[str] = []
    build(load_recipe(path), tmp_path / "after", tell=lines.append)
    assert lines[-1] == f"taken down, but no source has it: {stranger}"


def test_the_streamed_builder_honours_it_too(tmp_path):
    path = recipe(tmp_path)
    before = content_hash(load_recipe(path))
    take(path, KEPT)
    assert content_hash(load_recipe(path)) != before


def test_the_card_names_the_file_without_its_folder(tmp_path):
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "gone.txt").write_text(f"{KEPT}\n", "utf-8")
    path = recipe(tmp_path, takedowns="private/gone.txt")
    build(load_recipe(path), tmp_path / "after")
    card = (tmp_path / "after" / "README.md").read_text("utf-8")
    assert "takedowns: gone.txt" in card
    assert "| takedown | listed | 1 |" in card
    assert yaml.safe_load(card.split("```yaml\n")[1].split("```")[0])["takedowns"] == "gone.txt"

"""The commands detect, init and preview, as a newcomer types them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from chimed_datasets import build, load_recipe, validate
from chimed_datasets.cli import app
from tests.common.files import write_jsonl
from tests.common.odd_files import FILES, pairs, rows
from tests.common.text import prose

BY_NAME = {odd.name: odd for odd in FILES}
BUILT = (
    "gb18030-semicolon.csv", "big5.csv", "pinyin.csv", "under-two-keys.json", "header-line.jsonl",
    "nested-chat.json", "answers-list.jsonl", "by-columns.json", "python-dicts.txt", "qa.parquet",
    "chat.parquet", "several.zip", "books.tar.gz", "hidden-gz.jsonl", "dpo.jsonl",
)  # fmt: skip
TERMS = ("--license", "cc-by-4.0", "--domain", "modern")


def chimed(*args: object) -> str:
    """Return what a command prints; it must succeed."""
    run = CliRunner().invoke(app, list(map(str, args)), env={"COLUMNS": "80"})
    assert run.exit_code == 0, run.output
    return run.output


def refused(*args: object) -> str:
    run = CliRunner().invoke(app, list(map(str, args)), env={"COLUMNS": "200"})
    assert run.exit_code == 1, run.output
    assert "Traceback" not in run.output
    return run.output


@pytest.mark.parametrize("name", BUILT)
def test_what_init_writes_builds_unchanged(name, tmp_path):
    file = BY_NAME[name].make(tmp_path)
    recipe = tmp_path / "my.yaml"
    shown = chimed("init", file, "-o", recipe, *TERMS)
    assert "is written" in shown
    manifest = build(load_recipe(recipe), tmp_path / "out", workers=1, progress=False).manifest
    assert validate(tmp_path / "out") == []
    [source] = manifest["sources"]
    assert source["in"] >= 8
    assert source["out"] >= 4
    assert source["license"] == "cc-by-4.0"


def test_a_recipe_has_comments_on_what_is_guessed(tmp_path):
    recipe = tmp_path / "my.yaml"
    file = BY_NAME["pinyin.csv"].make(tmp_path)
    exam = BY_NAME["exam.csv"].make(tmp_path / "exams")
    empty = BY_NAME["empty.txt"].make(tmp_path)
    chimed("init", file, exam, empty, "-o", recipe, *TERMS)
    text = recipe.read_text("utf-8")
    assert "# A guess: which column is what." in text
    assert "question: wen_ti  # by its name" in text
    assert "# likely: " in text
    assert "# empty.txt is left out, an empty file: " in text
    assert max(map(len, text.splitlines())) <= 100 + len(str(tmp_path))
    content = yaml.safe_load(text)
    assert content["sources"][0]["path"] == "pinyin.csv"
    assert content["benchmarks"] == [{"name": "exam", "layout": "ceval", "path": "exams/exam.csv"}]


def test_init_shows_three_records_as_they_come_out(tmp_path):
    file = write_jsonl(tmp_path / "t.jsonl", rows("instruction", "output"))
    shown = chimed("init", file, "-o", tmp_path / "r.yaml", *TERMS)
    assert [f"t.jsonl#{n}" in shown for n in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "give --license and --domain"),
        (["--license", "mit"], "give --domain"),
        (["--domain", "tcm"], "give --license"),
    ],
)
def test_without_a_terminal_init_names_the_options(given, said, tmp_path):
    file = write_jsonl(tmp_path / "t.jsonl", rows("instruction", "output"))
    assert said in refused("init", file, "-o", tmp_path / "r.yaml", *given)
    assert not (tmp_path / "r.yaml").exists()


def test_on_a_terminal_init_asks(tmp_path):
    write_jsonl(tmp_path / "t.jsonl", rows("instruction", "output"))
    master, slave = pty.openpty()
    command = [sys.executable, "-c", "from chimed_datasets.cli import app; app()"]
    os.write(master, b"mit\ntcm\n")
    subprocess.run(
        [*command, "init", "t.jsonl", "-o", "r.yaml"],
        cwd=tmp_path, stdin=slave, capture_output=True, check=True, timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    os.close(master)
    os.close(slave)
    [source] = yaml.safe_load((tmp_path / "r.yaml").read_text("utf-8"))["sources"]
    assert (source["license"], source["domain"]) == ("mit", "tcm")


def test_init_writes_over_nothing_without_force(tmp_path):
    file = write_jsonl(tmp_path / "t.jsonl", rows("instruction", "output"))
    target = tmp_path / "r.yaml"
    target.write_text("mine", "utf-8")
    assert "pass --force" in refused("init", file, "-o", target, *TERMS)
    assert target.read_text("utf-8") == "mine"
    chimed("init", file, "-o", target, *TERMS, "--force")
    assert load_recipe(target).sources[0].layout == "instruction"
    assert "a folder" in refused("init", file, "-o", tmp_path, *TERMS, "--force")


@pytest.mark.parametrize(
    "name", ["paper.pdf", "empty.txt", "exam.csv", "page.html", "title-row.csv"]
)
def test_init_refuses_what_is_no_source(name, tmp_path):
    file = BY_NAME[name].make(tmp_path)
    said = refused("init", file, "-o", tmp_path / "r.yaml", *TERMS)
    assert "no file can be a source" in said
    assert not (tmp_path / "r.yaml").exists()


def test_names_of_sources_are_allowed_and_told_apart(tmp_path):
    files = [
        write_jsonl(tmp_path / folder / name, rows("instruction", "output"))
        for folder, name in (("a", "问答.jsonl"), ("b", "问答.jsonl"), ("c", "My QA.jsonl"))
    ]
    chimed("init", *files, "-o", tmp_path / "r.yaml", *TERMS)
    names = [source.name for source in load_recipe(tmp_path / "r.yaml").sources]
    assert names == ["source", "source-2", "my-qa"]


# --- detect ----------------------------------------------------------------------------------


def test_detect_fits_eighty_columns_and_says_why_not(tmp_path, monkeypatch):
    file = BY_NAME["gb18030-semicolon.csv"].make(tmp_path)
    monkeypatch.chdir(tmp_path)
    said = chimed("detect", file.name)
    assert "a table parted by semicolons, gb18030" in said
    assert "科室, 标题, 问题, 回答" in said
    assert "qa_csv" in said
    assert "second" in said
    assert "chimed_pages: no 'answers'" in said
    wide = [sum(1 + (sign > "\u2e80") for sign in line) for line in said.splitlines()]
    assert max(wide) <= 80


def test_detect_gives_json(tmp_path):
    file = BY_NAME["under-a-key.json"].make(tmp_path)
    [found] = json.loads(chimed("detect", file, "--json"))
    assert found["layout"]["name"] == "jsonl"
    assert found["layout"]["keys"]["rows"] == "data"
    assert found["layout"]["share"] == 1
    assert found["grade"] == "likely"
    assert found["columns"] == ["question", "answer"]


def test_detect_goes_on_behind_a_path_that_leads_nowhere(tmp_path):
    file = BY_NAME["under-a-key.json"].make(tmp_path)
    said = refused("detect", tmp_path / "none.csv", file)
    assert "no such file" in said
    assert "jsonl" in said
    assert "no such file" in refused("detect", tmp_path / "none.csv")


# --- preview ---------------------------------------------------------------------------------


@pytest.fixture
def recipe(tmp_path) -> Path:
    write_jsonl(
        tmp_path / "a.jsonl",
        [
            {"text": "<p>太陽病，發熱，汗出，惡風，脈緩者，名為中風。</p>復診請撥 13912345678"},
            {"text": "短"},
            {"text": prose(2)},
            {"other": 1},
        ],
    )
    write_jsonl(tmp_path / "b.jsonl", [{"question": q, "answer": a} for _, _, q, a in pairs(9)])
    common = {"layout": "jsonl", "license": "mit"}
    sources = [
        {"name": "a", "path": "a.jsonl", **common},
        {"name": "b", "path": "b.jsonl", "kind": "thread", **common},
    ]
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump({"name": "small", "sources": sources}), "utf-8")
    return path


def test_preview_marks_what_each_stage_changed(recipe):
    said = " ".join(chimed("preview", "--recipe", recipe, "--source", "a", "-n", 4).split())
    assert "clean changes text: [-<p>-]" in said
    assert "太[-陽-]{+阳+}病" in said
    assert "{+[手机号]+}" in said.replace(" ", "")
    assert "a.jsonl#1" in said
    assert "dropped by filter, short" in said or "dropped by filter, " in said
    assert "cannot be read, missing_field: no 'text'" in said
    assert "b.jsonl" not in said
    assert "Only a build shows passages, deduplicate, split" in said.replace("relevance, ", "")


def test_preview_shows_n_of_each_source(recipe):
    said = chimed("preview", "--recipe", recipe, "-n", 2)
    assert [key in said for key in ("a.jsonl#1", "a.jsonl#2", "b.jsonl#1", "b.jsonl#2")] == [
        True, False, True, False,
    ]  # fmt: skip
    assert "Did you mean" in refused("preview", "--recipe", recipe, "--source", "bb")


def test_a_preview_is_what_a_build_does(recipe, tmp_path):
    """A record's id and its fate are those of a build."""
    from chimed_datasets.building.preview import preview

    built = build(load_recipe(recipe), tmp_path / "out", workers=1, progress=False)
    dropped = {row["id"]: row for row in built.dropped().to_dict("records")}
    for source in preview(load_recipe(recipe), n=9):
        for shown in source.shown:
            if shown.dropped:
                assert dropped[shown.id]["rule"] == shown.dropped.rule
                assert dropped[shown.id]["evidence"] == shown.dropped.evidence

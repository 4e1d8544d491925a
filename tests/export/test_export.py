"""Exports: every row is in a file or in the ledger; a guest's format is one like ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from datasets import load_dataset

from chimed_datasets import build, load_recipe
from chimed_datasets.built.dataset import open_built
from chimed_datasets.cli import app
from chimed_datasets.errors import ExportError, RecipeError
from chimed_datasets.export import LOST, format_of, formats, write_export
from tests.common.sources import recipe


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    build(load_recipe(recipe(folder)), folder / "out")
    return open_built(folder / "out")


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_jsonl_holds_every_row(built, tmp_path):
    files = write_export(built, format_of("jsonl"), tmp_path / "to")
    assert {file.config for file in files} == {"pretrain", "sft", "preference"}
    for file in files:
        rows = load_dataset(str(built.folder), file.config, split=file.split)
        told = lines(tmp_path / "to" / file.file)
        assert told == rows.to_list()
        assert (file.rows, file.lines, file.lost) == (len(rows), len(rows), {})
    assert lines(tmp_path / "to" / LOST) == []


CODE = '''"""A format for tests."""
from chimed_datasets.rows import Refusal
CONFIGS = ("sft",)
def convert(config, row):
    long = int(row["id"][-1], 16) % 2 == 1
    {body}
'''


def written(folder: Path, body: str) -> str:
    path = folder / "form.py"
    path.write_text(CODE.replace("{body}", body), "utf-8")
    return str(path)


def test_what_a_format_cannot_hold_is_told(built, tmp_path):
    body = 'yield Refusal("too_long", "字") if long else {"id": row["id"]}'
    form = format_of(written(tmp_path, body), allow_code=True)
    files = write_export(built, form, tmp_path / "to")
    lost = lines(tmp_path / "to" / LOST)
    assert lost
    assert {(one["config"], one["rule"], one["evidence"]) for one in lost} == {
        ("sft", "too_long", "字")
    }
    there = [
        line["id"] for file in files if file.lines for line in lines(tmp_path / "to" / file.file)
    ]
    rows = load_dataset(str(built.folder), "sft")
    assert sorted([*there, *(one["id"] for one in lost)]) == sorted(
        name for split in rows.values() for name in split["id"]
    )
    assert sum(file.lost["too_long"] for file in files) == len(lost)


def test_a_row_without_a_line_is_told(built, tmp_path):
    form = format_of(written(tmp_path, "return []"), allow_code=True)
    files = write_export(built, form, tmp_path / "to")
    lost = lines(tmp_path / "to" / LOST)
    assert {one["rule"] for one in lost} == {"no_line"}
    assert len(lost) == sum(file.rows for file in files)
    assert list((tmp_path / "to").iterdir()) == [tmp_path / "to" / LOST]


@pytest.mark.parametrize(
    ("key", "more", "said"),
    [
        ("jsonl", {"configs": ["stf"]}, "has no config 'stf'. Did you mean 'sft'?"),
        ("form", {"configs": ["pretrain"]}, "takes sft; asked for pretrain."),
        ("fails", {}, "ZeroDivisionError: division by zero (form.py, line 6)"),
    ],
)
def test_faults(key, more, said, built, tmp_path):
    if key != "jsonl":
        key = written(tmp_path, "1 / 0" if key == "fails" else "yield row")
    with pytest.raises(ExportError) as error:
        write_export(built, format_of(key, allow_code=True), tmp_path / "to", **more)
    assert said in str(error.value)
    assert not (tmp_path / "to").exists()


def test_what_stands_there_stays(built, tmp_path):
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "mine").touch()
    with pytest.raises(ExportError, match="exists"):
        write_export(built, format_of("jsonl"), tmp_path / "to")
    assert (tmp_path / "to" / "mine").exists()
    write_export(built, format_of("jsonl"), tmp_path / "to", overwrite=True)
    assert not (tmp_path / "to" / "mine").exists()


def test_unknown_formats_and_code(tmp_path):
    assert formats() == [
        "alpaca", "axolotl", "jsonl", "llama-factory", "ms-swift", "openrlhf", "sharegpt", "trl-kto",
        "verl", "xlsx",
    ]  # fmt: skip
    with pytest.raises(RecipeError, match=r"unknown export 'json'. Did you mean 'jsonl'"):
        format_of("json")
    with pytest.raises(RecipeError, match="allow-code"):
        format_of(written(tmp_path, "raise SystemExit"))
    (tmp_path / "form.py").write_text("", "utf-8")
    with pytest.raises(RecipeError, match="has a function convert"):
        format_of(str(tmp_path / "form.py"), allow_code=True)


def test_the_command(built, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        app(["export", str(built.folder), "--to", "jsonl", "--out", str(tmp_path / "to")])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "sft-train.jsonl" in said
    assert f"{tmp_path / 'to'} is ready." in said

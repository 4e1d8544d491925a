"""What `chimed.build` and `chimed.open_built` return: tables, texts, and the keys of the manifest."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, DatasetDict
from IPython.core.formatters import DisplayFormatter

import chimed_datasets as chimed
from chimed_datasets import samples
from chimed_datasets.built.checks import WITHHELD
from chimed_datasets.errors import ReportError
from chimed_datasets.publish.withholding import withhold
from chimed_datasets.records import ledger
from chimed_datasets.report.explain import explain


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "hf-cache")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> chimed.Built:
    return chimed.build(samples.RECIPE, tmp_path_factory.mktemp("api") / "x=1")


def test_it_is_the_manifest_as_a_mapping(built):
    manifest = json.loads((built.folder / "manifest.json").read_text("utf-8"))
    assert isinstance(built, Mapping)
    assert dict(built) == manifest == built.manifest
    assert list(built) == list(manifest)
    assert json.dumps(dict(built)) == json.dumps(manifest)
    assert built["sources"] == manifest["sources"]
    assert built.get("nothing") is None
    assert "configs" in built
    with pytest.raises(KeyError, match="nothing"):
        _ = built["nothing"]


def test_it_equals_what_says_the_same(built, tmp_path):
    assert built == built.manifest
    assert built.manifest == built
    assert built == chimed.open_built(built.folder)
    assert built == chimed.build(samples.RECIPE, tmp_path / "elsewhere")
    few = chimed.build(samples.RECIPE, tmp_path / "few", limit=2)
    assert built != few
    assert built != few.manifest
    assert built != built["name"]
    for twin in (copy.copy(built), pickle.loads(pickle.dumps(built))):
        assert (type(twin), twin, twin.folder) == (chimed.Built, built, built.folder)
    with pytest.raises(TypeError, match="unhashable"):
        hash(built)


def test_one_line_at_a_prompt(built):
    assert repr(built) == str(built) == (
        "<Built 'chimed2': 243 of 327 records; rows: pretrain 80, sft 141, preference 79; "
        f"in {built.folder}>"
    )  # fmt: skip


def in_notebook(value: object) -> dict[str, str]:
    """Return form -> what a notebook shows of a value."""
    return DisplayFormatter().format(value)[0]


def test_a_table_in_a_notebook(built):
    html = in_notebook(built)["text/html"]
    assert html.count("<tr>") == 1 + 9
    assert "<td>sft</td><td>train</td><td>111</td><td>9,767</td>" in html
    assert "read 43, clean 6, filter 12, decontaminate 7, deduplicate 12, preference 4" in html


def test_nothing_of_the_data_is_markup(built, tmp_path):
    bad = "<script>&"
    manifest = {**built.manifest, "name": bad, "dropped": {"s": {bad: {bad: 1}}}}
    figures = {"rows": 1, "chars": 1, "han_chars": 1, "words": 1, "mean_length": 1.0}
    (tmp_path / "statistics.json").write_text(json.dumps({bad: {bad: figures}}))
    html = in_notebook(chimed.Built(tmp_path, manifest))["text/html"]
    assert "<script" not in html
    assert html.count("&lt;script&gt;&amp;") == 4


def test_a_dataset_that_is_gone_has_its_line_left(built, tmp_path):
    gone = chimed.Built(tmp_path / "gone", built.manifest)
    assert in_notebook(gone) == {"text/plain": repr(gone)}


def test_stats_are_those_of_the_build(built):
    table = built.stats("arrow")
    assert table.schema.names == [
        "config", "split", "rows", "chars", "han_chars", "words", "mean_length",
    ]  # fmt: skip
    frame = built.stats()
    assert isinstance(frame, pd.DataFrame)
    assert [str(t) for t in frame.dtypes[2:]] == ["int64"] * 4 + ["float64"]
    told = built.statistics()
    sums = frame.groupby("config")[["rows", "chars", "han_chars"]].sum()
    for config, figures in sums.T.items():
        assert dict(figures) == {name: told[config]["all"][name] for name in figures.index}
    row = frame.set_index(["config", "split"]).loc[("sft", "train")]
    assert row["mean_length"] == told["sft"]["train"]["mean_length"]


def test_dropped(built):
    table = built.dropped(format="arrow")
    assert table.schema.names == ledger.SCHEMA.names
    assert len(table) == 327 - 243 == len(built.dropped())
    for given in (
        {"stage": "filter"},
        {"source": "pages", "stage": "deduplicate"},
        {"rule": "near"},
    ):
        told = built.dropped(**given, format="arrow").to_pylist()
        assert told == [row for row in table.to_pylist() if given.items() <= row.items()]
        assert told
    assert len(built.dropped(stage="relevance")) == 0  # a stage that dropped nothing
    assert len(built.dropped(rule="no_such_rule")) == 0


@pytest.mark.parametrize("config", ["pretrain", "sft", "preference"])
def test_rows(built, config):
    table = built.rows(config, format="arrow")
    files = [pq.ParquetFile(built.folder / f["file"]) for c, _, f in built.files() if c == config]
    assert table.to_pylist() == [row for file in files for row in file.read().to_pylist()]
    assert table.schema.names == list(built.features()[config])
    frame = built.rows(config, "test")
    assert isinstance(frame, pd.DataFrame)
    assert list(frame["id"]) == built.rows(config, "test", "arrow")["id"].to_pylist()
    assert len(frame) == built.statistics()[config]["test"]["rows"]
    for file in files:
        file.close()


def test_rows_that_were_left_out(built, tmp_path):
    left = chimed.open_built(withhold(built, ["pages"], tmp_path / "sent").folder)
    assert (left.folder / WITHHELD).exists()
    assert "pages" not in set(left.rows("sft")["source"])
    assert 0 < len(left.rows("sft")) < len(built.rows("sft"))


def test_load(built, monkeypatch):
    loaded = built.load("sft")
    assert isinstance(loaded, DatasetDict)
    assert {split: rows.num_rows for split, rows in loaded.items()} == {
        split: figures["rows"]
        for split, figures in built.statistics()["sft"].items()
        if split != "all"
    }
    one = built.load("sft", split="train")
    assert isinstance(one, Dataset)
    streamed = built.load("sft", split="train", streaming=True)
    assert next(iter(streamed)) == one[0]


def test_explain(built):
    (name, *_) = built.dropped(rule="near")["id"]
    told = built.explain(name)
    assert told.split("\n") == explain(built, name)
    assert repr(told) == str(told) == told
    assert in_notebook(told) == {"text/plain": told}


@pytest.mark.parametrize(
    ("ask", "complaint"),
    [
        (lambda b: b.rows("stf"), "unknown config 'stf'. Did you mean 'sft'? Known: preference, "),
        (lambda b: b.load("stf"), "unknown config 'stf'. Did you mean 'sft'?"),
        (lambda b: b.rows("sft", "trian"), "unknown split 'trian'. Did you mean 'train'? Known: "),
        (lambda b: b.dropped(stage="fliter"), "unknown stage 'fliter'. Did you mean 'filter'?"),
        (lambda b: b.dropped(source="page"), "unknown source 'page'. Did you mean 'pages'?"),
        (lambda b: b.stats("panda"), "unknown format 'panda'. Did you mean 'pandas'?"),
        (lambda b: b.rows("sft", format="polars"), "unknown format 'polars'."),
        (lambda b: b.explain("nobody"), "knows no record 'nobody'"),
    ],
)
def test_what_is_not_there(built, ask, complaint):
    with pytest.raises(ReportError) as caught:
        ask(built)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_is_a_class_of_its_own_and_the_librarys(built):
    from chimed_datasets.built.dataset import Built

    assert isinstance(built, Built)
    assert isinstance(built.ledger("kept"), pa.Table)

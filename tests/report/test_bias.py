"""What gives the chosen side away: the figures, the trivial classifiers, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from chimed_datasets.building.run import build
from chimed_datasets.built.bias import measure
from chimed_datasets.built.checks import validate
from chimed_datasets.built.manifest import FORMAT
from chimed_datasets.cli import app
from chimed_datasets.recipe import load
from chimed_datasets.report import tables
from chimed_datasets.report.classifier import text_classifier
from tests.common.text import prose

RECIPE = Path(__file__).resolve().parents[1] / "recipes" / "preference.yaml"

TEXT = pa.string()
MESSAGES = pa.list_(pa.struct({"role": TEXT, "content": TEXT}))
SCHEMA = pa.schema(
    {
        "chosen": MESSAGES,
        "rejected": MESSAGES,
        "pair_origin": TEXT,
        "department": TEXT,
        "thread_id": TEXT,
        "positions": pa.struct({"chosen": pa.int32(), "rejected": pa.int32()}),
        "models": pa.struct({"chosen": TEXT, "rejected": TEXT}),
    }
)


def shard(path, pairs):
    """Write pairs of (chosen, rejected, origin, department, places, models) as a shard."""

    def said(text):
        return [{"role": "assistant", "content": text}]

    def sides(one):
        return dict(zip(("chosen", "rejected"), one, strict=True))

    rows = [
        {
            "chosen": said(chosen),
            "rejected": said(rejected),
            "pair_origin": origin,
            "department": department,
            "thread_id": str(n),
            "positions": sides(places),
            "models": sides(models),
        }
        for n, (chosen, rejected, origin, department, places, models) in enumerate(pairs)
    ]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path)
    return [path]


def test_each_figure(tmp_path):
    pairs = [
        ("长的回答在此。", "短。", "ranked", "内科", (0, 1), (None, "m")),
        ("短。", "长的回答在此。", "ranked", "内科", (1, 0), (None, None)),
        ("**粗体**", "您好，请问您？", "ranked", None, (0, 1), ("m", None)),
        ("同长", "等长", "corrupted", None, (None, None), (None, None)),
    ]
    found = measure(shard(tmp_path / "a.parquet", pairs * 10))
    every = found["all"]
    assert every["pairs"] == 40
    assert every["mean_chars"] == {"chosen": 4.2, "rejected": 4.5}
    assert every["longer_wins"] == pytest.approx(1 / 3, abs=0.001)
    assert every["first_wins"] == pytest.approx(2 / 3, abs=0.001)
    assert every["model_wins"] == 0.5
    assert (every["markdown_wins"], every["polite_wins"]) == (1.0, 0.0)
    assert every["markdown"] == {"chosen": 0.25, "rejected": 0.0}
    assert found["origins"]["corrupted"]["longer_wins"] is None
    assert found["origins"]["ranked"]["pairs"] == 30
    assert found["departments"]["内科"]["longer_wins"] == 0.5
    cells = [list(column.cells) for column in tables.bias(found).columns]
    assert cells[0] == ["all", "corrupted", "ranked", "内科"]
    assert cells[4] == ["33.3%", "·", "33.3%", "50.0%"]


@pytest.mark.parametrize(("sign", "least", "most"), [("当然", 0.95, 1.0), ("", 0.3, 0.7)])
def test_a_word_that_only_chosen_texts_have_is_found(tmp_path, sign, least, most):
    pairs = [
        (sign + prose(n, 30), prose(1000 + n, 30), "ranked", None, (0, 1), (None, None))
        for n in range(120)
    ]
    files = shard(tmp_path / "a.parquet", pairs)
    found = text_classifier(files)
    assert found["pairs"] == 120
    assert least <= found["accuracy"] <= most
    assert found == text_classifier(files)
    cells = list(tables.classifiers(measure(files), found).columns[1].cells)
    assert cells[-1] == f"{found['accuracy']:.1%}"


def test_few_threads_are_not_classified(tmp_path):
    pair = ("甲的回答", "乙的回答", "ranked", None, (0, 1), (None, None))
    files = shard(tmp_path / "a.parquet", [pair] * 49)
    assert text_classifier(files) is None
    cells = list(tables.classifiers(measure(files), None).columns[1].cells)
    assert cells[-1] == "·"


@pytest.mark.real_data
def test_preference_from_four_origins_with_balanced_lengths(shared_data, tmp_path):
    """tests/recipes/preference.yaml over a part of the data; docs/reference/preference-pairs.md has the whole."""
    out = tmp_path / "out"
    manifest = build(load(RECIPE), out, limit=150)
    assert validate(out) == []
    found = manifest["measured"]["preference"]
    origins = {"adopted_vs_unadopted", "corrupted", "llm_ranked", "ranked"}
    assert origins <= set(found["origins"])
    assert found["all"]["pairs"] > 250
    assert found["all"]["longer_wins"] == pytest.approx(0.5, abs=0.02)
    told = CliRunner().invoke(app, ["stats", str(out), "--bias"], env={"COLUMNS": "100"})
    assert told.exit_code == 0, told.output
    for words in (*origins, "the longer one", "the one that a model wrote", "TF-IDF"):
        assert words in told.output


def test_without_pairs_the_command_says_so(tmp_path):
    content = {"format": FORMAT, "measured": {"preference": None}}
    (tmp_path / "manifest.json").write_text(json.dumps(content), "utf-8")
    told = CliRunner().invoke(app, ["stats", str(tmp_path), "--bias"])
    assert told.exit_code == 1
    assert "has no preference pairs" in told.output

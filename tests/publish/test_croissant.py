"""The Croissant file: `mlcroissant` loads it offline and reads a record of every config by it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import mlcroissant
import pytest
from datasets import load_dataset

from chimed_datasets import open_built
from chimed_datasets.built.dataset import Built
from chimed_datasets.publish import croissant
from chimed_datasets.rows import builders

REQUIRED = ("@context", "@type", "conformsTo", "name", "description", "license", "url",
            "datePublished", "creator", "citeAs", "version", "inLanguage", "keywords",
            "distribution", "recordSet")  # fmt: skip
RAI = ("dataCollection", "dataCollectionType", "dataCollectionMissingData",
       "dataPreprocessingProtocol", "dataManipulationProtocol", "dataAnnotationProtocol",
       "dataBiases", "dataUseCases", "dataLimitations", "personalSensitiveInformation",
       "dataReleaseMaintenancePlan")  # fmt: skip
PAGE = "https://example.org/datasets/small"


@pytest.fixture(scope="module")
def described(free, tmp_path_factory) -> Path:
    """A copy of a build with its Croissant file."""
    folder = tmp_path_factory.mktemp("croissant") / "small"
    shutil.copytree(free, folder)
    told = croissant.croissant(open_built(folder), PAGE, datetime(2026, 1, 2))
    (folder / "croissant.json").write_text(croissant.text(told), "utf-8")
    return folder


def test_the_required_and_the_responsible_fields_are_there(described):
    """mlcroissant's own check is lenient: what must be there is asked for here."""
    told = json.loads((described / "croissant.json").read_text("utf-8"))
    assert [key for key in REQUIRED if not told.get(key)] == []
    assert [key for key in RAI if not told.get(f"rai:{key}")] == []
    assert told["url"] == PAGE
    assert told["datePublished"].startswith("2026-01-02")
    manifest = open_built(described).manifest
    assert manifest["fingerprint"] in told["citeAs"]
    assert {record["@id"] for record in told["recordSet"]} == set(manifest["configs"])
    for record in told["recordSet"]:
        named = {field["name"] for field in record["field"]}
        assert named == {"split", *builders()[record["@id"]].features}


@pytest.mark.parametrize("config", ["pretrain", "sft", "preference"])
def test_a_record_of_every_config_is_read_by_it(described, config):
    read = mlcroissant.Dataset(
        jsonld=str(described / "croissant.json"), mapping={"repo": str(described)}
    )
    record = next(iter(read.records(config)))
    split = record[f"{config}/split"].decode()
    rows = load_dataset(
        "parquet", data_files=str(described / config / f"{split}-*.parquet"), split="train"
    )
    (row,) = [row for row in rows if row["id"] == record[f"{config}/id"].decode()]
    assert record[f"{config}/source"].decode() == row["source"]
    if config == "pretrain":
        assert record["pretrain/text"].decode() == row["text"]
        assert record["pretrain/num_chars"] == row["num_chars"]
    else:
        name = "messages" if config == "sft" else "chosen"
        sides = [
            {part.rpartition("/")[2]: value and value.decode() for part, value in message.items()}
            for message in record[f"{config}/{name}"]
        ]
        assert sides == row[name]


def test_load_dataset_does_not_look_at_it(described, tmp_path):
    for config, splits in open_built(described).manifest["configs"].items():
        found = load_dataset(str(described), config, cache_dir=str(tmp_path))
        assert {s: rows.num_rows for s, rows in found.items()} == {
            split: sum(f["rows"] for f in files) for split, files in splits.items()
        }


def test_hostile_texts_stay_texts(bad: Built):
    told = croissant.croissant(bad)
    again = json.loads(croissant.text(told))
    hostile = next(s["license"] for s in bad.manifest["sources"] if s["name"] == "docs")
    assert hostile in again["license"]
    assert hostile in again["rai:dataCollection"]


def test_masking_that_was_off_is_told(free):
    built = open_built(free)
    stages = {**built.manifest["stages"], "mask": None}
    told = croissant.croissant(replace(built, manifest={**built.manifest, "stages": stages}))
    assert any("Masking was off" in line for line in told["rai:personalSensitiveInformation"])

"""Recipes: good ones are read, bad ones stop with one line that names file, key and mend."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from chimed_datasets import build, samples, validate
from chimed_datasets.errors import RecipeError
from chimed_datasets.recipe import load, parse

GOOD = {"name": "a", "layout": "qa_csv", "path": "x.csv", "license": "mit"}


def test_defaults(tmp_path):
    recipe = parse({"sources": [GOOD]}, tmp_path)
    assert (recipe.name, recipe.seed, recipe.base) == ("chimed2", 42, tmp_path)
    assert recipe.stages.deduplicate.threshold == 0.8
    assert recipe.stages.decontaminate.ngram == 13
    assert recipe.sources[0].domain == "modern"


def test_a_stage_can_be_set_and_switched_off(tmp_path):
    stages = {"deduplicate": {"threshold": 0.9}, "mask": False}
    recipe = parse({"sources": [GOOD], "stages": stages}, tmp_path)
    assert recipe.stages.deduplicate.threshold == 0.9
    assert recipe.stages.mask is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "sources: Field required"),
        ({"sources": []}, "sources: List should have at least 1 item"),
        ({"sources": [GOOD], "sede": 1}, "unknown key 'sede'. Did you mean 'seed'?"),
        ({"sources": [{**GOOD, "licence": "x"}]}, "unknown key 'licence'. Did you mean 'license'?"),
        ({"sources": [{**GOOD, "layout": "qa_cvs"}]}, "layout 'qa_cvs'. Did you mean 'qa_csv'?"),
        (
            {"sources": [{k: v for k, v in GOOD.items() if k != "license"}]},
            "license: Field required",
        ),
        ({"sources": [{**GOOD, "domain": "tmc"}]}, "sources.0.domain: Input should be 'tcm'"),
        ({"sources": [GOOD, GOOD]}, "sources: the name 'a' is used twice."),
        ({"sources": [{**GOOD, "name": "Ä b"}]}, "sources.0.name"),
        ({"sources": [GOOD], "stages": {"mark": False}}, "'mark'. Did you mean 'mask'?"),
        (
            {"sources": [GOOD], "stages": {"deduplicate": {"treshold": 0.9}}},
            "stages.deduplicate: unknown key 'treshold'. Did you mean 'threshold'?",
        ),
        ({"sources": [GOOD], "stages": {"deduplicate": {"threshold": 2}}}, "threshold"),
        ({"sources": [GOOD], "stages": {"deduplicate": 3}}, "expected a mapping of settings"),
        (
            {"sources": [GOOD], "benchmarks": [{"name": "b", "layout": "cmlu", "path": "x"}]},
            "unknown layout 'cmlu'. Did you mean 'cmmlu'?",
        ),
        ({"sources": [GOOD], "builders": {"stf": {}}}, "unknown config 'stf'. Did you mean 'sft'?"),
        (
            {"sources": [GOOD], "builders": {"sft": {"answer": "all"}}},
            "builders.sft: unknown key 'answer'. Did you mean 'answers'?",
        ),
        ({"sources": [GOOD], "builders": {"sft": {"answers": "some"}}}, "builders.sft: answers"),
        ({"sources": [GOOD], "shard_size": "much"}, "shard_size"),
        (["sources"], "a recipe is a mapping"),
    ],
)
def test_bad_recipes(tmp_path, content, message):
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    with pytest.raises(RecipeError) as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert message in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources: [", "not valid YAML"),
        ("seed: 1\nseed: 2\nsources: []", "key 'seed' stands twice"),
        ("sources: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("", "a recipe is a mapping"),
    ],
)
def test_bad_yaml(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message):
        load(path)


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"\xff\xfe\x00sources")
    with pytest.raises(RecipeError, match="UTF-8"):
        load(path)


def test_missing_recipe(tmp_path):
    with pytest.raises(RecipeError, match="there is no such recipe"):
        load(tmp_path / "none.yaml")


def test_a_recipe_of_0_1_0_builds_as_it_did(tmp_path):
    """It says what the defaults are: the rows are those of the bundled samples."""
    recipe = load(Path(__file__).with_name("recipes") / "release-0.1.0.yaml")
    build(recipe, tmp_path / "old")
    build(load(samples.RECIPE), tmp_path / "samples")
    assert validate(tmp_path / "old") == []
    shards = sorted(p.relative_to(tmp_path / "old") for p in tmp_path.glob("old/*/*.parquet"))
    assert len(shards) == 12
    for shard in shards:
        assert (tmp_path / "old" / shard).read_bytes() == (
            tmp_path / "samples" / shard
        ).read_bytes()

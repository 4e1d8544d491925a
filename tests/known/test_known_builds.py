"""A recipe that calls sources by name: what it takes over, what manifest, card and Croissant say, and
what stops a push."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chimed_datasets import build
from chimed_datasets.built import licences
from chimed_datasets.built.dataset import open_built
from chimed_datasets.errors import PublishError, RecipeError
from chimed_datasets.known.registry import read_entry
from chimed_datasets.publish.croissant import croissant
from chimed_datasets.publish.gate import restricted
from chimed_datasets.recipe.model import parse
from tests.known import make

HERE = Path("/")


def recipe(*sources: dict, **more: object):
    return parse({"sources": list(sources), **more}, HERE)


def test_an_entry_fills_in_all_that_a_recipe_does_not_say():
    one = recipe({"known": "huatuo26m-lite"}).sources[0]
    assert one.name == "huatuo26m-lite"
    assert one.address == "hf://datasets/FreedomIntelligence/Huatuo26M-Lite"
    assert (one.layout, one.license, one.origin) == ("jsonl", "apache-2.0", "llm")
    assert one.files == ["format_data.jsonl"]
    assert one.options.fields["department"] == "label"
    own = {
        "name": "mine",
        "path": "a.jsonl",
        "license": "mit",
        "where": "score >= 4",
        "domain": "tcm",
    }
    other = recipe({"known": "huatuo26m-lite", **own}).sources[0]
    assert (other.name, other.path, other.license, other.domain) == (
        "mine",
        "a.jsonl",
        "mit",
        "tcm",
    )
    assert other.options.where == "score >= 4"
    assert other.options.fields["department"] == "label"


def test_a_revision_is_part_of_the_address():
    one = recipe({"known": "huatuo26m-lite", "revision": "abc"}).sources[0]
    assert one.address == "hf://datasets/FreedomIntelligence/Huatuo26M-Lite@abc"
    bench = [{"known": "cmmlu-medical-parquet"}]
    made = recipe({"known": "huatuo26m-lite"}, benchmarks=bench).benchmarks[0]
    assert made.address == "hf://datasets/haonan-li/cmmlu@refs%2Fconvert%2Fparquet"
    bench = [{"known": "cmmlu-medical-parquet", "path": "mine/"}]
    assert recipe({"known": "huatuo26m-lite"}, benchmarks=bench).benchmarks[0].address == "mine/"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"known": "huatuo26-lite"}, "no entry 'huatuo26-lite' among the sources. Did you mean"),
        ({"known": "tcm-ladder"}, "no entry 'tcm-ladder' among the sources"),
        (
            {"known": "tcmbench"},
            "is refused: its questions are for evaluation: name it under bench",
        ),
        ({"known": "huatuo-consultation-qa"}, "is refused: its answers are web addresses"),
        ({"known": "shizhengpt-vision", "path": "x"}, "is refused: its rows make no sense without"),
        ({"known": "meddialog-raw"}, "no address that files can be fetched from: get it at https"),
        ({"known": "huatuo26m-lite", "filds": {}}, "unknown key 'filds'. Did you mean 'fields'"),
        (
            {"known": "huatuo26m-lite", "revision": "a", "path": "b.jsonl"},
            "revision: 'b.jsonl' is no",
        ),
    ],
)
def test_what_cannot_be_called_by_name(given, said):
    with pytest.raises(RecipeError, match=said):
        recipe(given)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("titel: x", "unknown key 'titel'. Did you mean 'title'"),
        ("name: x", "name: it is told by the file's place and name"),
        ("[a]", "an entry is a mapping"),
        (
            "{title: a, page: b, path: c, layout: csv, licence: {id: x, by: y}, tier: free, "
            "checked: {when: a, against: b}}",
            "tier: must be public, research, ask or closed",
        ),
    ],
)
def test_an_entry_is_checked(tmp_path, text, said):
    path = tmp_path / "mine.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(RecipeError, match=said):
        read_entry(path, "sources")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A build of three known sources, one of which may not be handed on."""
    folder = tmp_path_factory.mktemp("known")
    for name in ("huatuo26m-lite", "webmedqa", "classical-tcm-canon"):
        make.lay_out(name, folder / name)
    own = {"license": "cc-by-4.0"}  # as one who takes the card's word lightly
    content = {
        "name": "by-name",
        "sources": [
            {"known": "huatuo26m-lite", "path": "huatuo26m-lite", "where": "score >= 3"},
            {"known": "webmedqa", "path": "webmedqa"},
            {"known": "classical-tcm-canon", "path": "classical-tcm-canon", **own},
        ],
        "stages": {"filter": False, "split": {"validation": 0, "test": 0}},
    }
    build(parse(content, folder), folder / "out")
    return folder / "out"


def test_the_build_says_what_is_known_of_its_sources(built):
    manifest = json.loads((built / "manifest.json").read_text("utf-8"))
    lite, qa, canon = manifest["sources"]
    assert lite["known"]["tier"] == "public"
    assert lite["known"]["licence_by"] == "its card on the Hub"
    assert any("no safety label" in defect for defect in lite["known"]["defects"])
    assert lite["known"]["checked"].startswith("2026-11-30: form as published")
    assert "forbidden" not in qa["known"]
    assert canon["known"]["forbidden"] == "its card forbids the re-use of the whole"
    assert manifest["dropped"]["huatuo26m-lite"]["read"]["not_selected"] == 1
    assert manifest["recipe"]["sources"][0]["known"] == "huatuo26m-lite"
    card = (built / "README.md").read_text("utf-8")
    assert (
        "[Huatuo26M-Lite](https://huggingface.co/datasets/FreedomIntelligence/Huatuo26M-Lite)"
        in card
    )
    assert "stated by its card on the Hub; tier public" in card
    assert "the score is no safety label" in card
    assert "Its texts may not be handed on: its card forbids the re-use of the whole" in card
    pytest.importorskip("mlcroissant")
    limits = str(croissant(open_built(built))["rai:dataLimitations"])
    assert "tier closed" in limits
    assert "the score is no safety label" in limits


def test_what_may_not_be_handed_on_stops_a_push(built):
    dataset = open_built(built)
    (found,) = licences.restricted(dataset.manifest)
    assert (found.source, found.licence) == ("classical-tcm-canon", "cc-by-4.0")
    with pytest.raises(PublishError, match="forbids the re-use of the whole"):
        restricted(dataset)

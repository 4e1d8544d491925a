"""Recipes: good ones are read, bad ones stop with one line that names file, key and mend."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import chimed_datasets as chimed
from chimed_datasets import build, samples, validate
from chimed_datasets.errors import MOST_FAULTS, RecipeError
from chimed_datasets.recipe import load, parse
from chimed_datasets.records import record_id
from chimed_datasets.sources.site.site_file import Site

GOOD = {"name": "a", "layout": "qa_csv", "path": "x.csv", "license": "mit"}
SITE = {
    "name": "p",
    "license": "mit",
    "contact": "a@b.example",
    "start_urls": ["https://a.example/"],
    "allowed_domains": ["a.example"],
    "pages": [{"kind": "article", "match": "/", "title": "h1", "text": "p"}],
}


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
        ({}, "'sources' is missing. Say what the dataset is made of"),
        ({"sources": []}, "sources: must not be empty"),
        ({"sources": [GOOD], "sede": 1}, "unknown key 'sede'. Did you mean 'seed'?"),
        (
            {"sources": [{**GOOD, "licence": "x"}]},
            "source 'a': 'licence' and 'license' mean the same: keep one of them.",
        ),
        ({"sources": [{**GOOD, "layout": "qa_cvs"}]}, "layout 'qa_cvs'. Did you mean 'qa_csv'?"),
        (
            {"sources": [{k: v for k, v in GOOD.items() if k != "license"}]},
            "source 'a': 'license' is missing. Say under which one it may be used: an SPDX id",
        ),
        (
            {"sources": [{**GOOD, "domain": "tmc"}]},
            "source 'a': domain: must be tcm, modern or general; did you mean 'tcm'? (got 'tmc').",
        ),
        (
            {"sources": [GOOD, GOOD]},
            "source 'a': name: the name 'a' is used twice, first by entry 1.",
        ),
        ({"sources": [{**GOOD, "name": "Ä b"}]}, "name: must have small Latin letters"),
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
        (
            {"sources": [GOOD], "builders": {"sft": {"answers": "some"}}},
            "builders.sft.answers: must be best or all (got 'some').",
        ),
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


SOURCES = "sources: [{name: a, layout: jsonl, path: a, license: mit}]\n"


def aliases(count: int, each: int) -> str:
    """Return lists of ``each`` aliases of the list before."""
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * each)}]\n" for n in range(1, count)]
    return "a0: &a0 [x]\n" + "".join(lines)


HOSTILE = {
    "brackets": ("[" * 100_000, "nested deeper than 50"),
    "braces": ("{a: " * 100_000, "nested deeper than 50"),
    "dashes": ("- " * 100_000, "nested deeper than 50"),
    "indents": ("".join(f"{' ' * n}a:\n" for n in range(300)), "nested deeper than 50"),
    "a bomb of aliases": (aliases(10, 10), "more than 100,000 values"),
    "a chain of aliases": (aliases(300, 1), "its aliases are nested deeper than 50"),
    "a bomb of merges": (aliases(10, 10).replace("[", "{<<: [").replace("]", "]}"), "not valid"),
    "itself": ("sources: &a [*a]", "more than 100,000 values"),
    "many values": ("a: b\n" * 200_000, "holds more than 100,000 values"),
    "many keys": ("".join(f"k{n}: 1\n" for n in range(30_000)), "unknown key 'k0'"),
    "a long key": (f"{SOURCES}? {'x' * 300_000}\n: 1", "unknown key 'xxx"),
    "a long value": (f"{SOURCES}seed: {'x' * 300_000}", "(got 'xxx"),
    "many bytes": ("#" * 5_000_000, "more than 4,194,304 bytes"),
    "zero bytes": (f"{SOURCES}seed: \0", "a zero byte stands in line 2"),
    "an escape": (f"{SOURCES}name: \x1b[31m", "U+001B"),
    "tabs": ("sources:\n\t- name: a", "cannot start any token in line 2"),
    "no date": (f"{SOURCES}seed: 2024-99-99", "a value cannot be read"),
    "no time": (f"{SOURCES}seed: !!timestamp x", "a value cannot be read"),
    "no bool": (f"{SOURCES}seed: !!bool x", "a value cannot be read"),
    "too many digits": (f"{SOURCES}seed: {'9' * 5000}", "a value cannot be read"),
    "a list as a key": (f"? [a]\n: b\n{SOURCES}", "unhashable key"),
    "GBK": (f"{SOURCES}# 医学问答数据\n".encode("gbk"), "from line 2 on (it is likely GBK): save"),
    "UTF-16": (SOURCES.encode("utf-16"), "it is likely UTF-16"),
    "no text": (bytes(range(256)), "it is no text"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_recipe_is_one_short_line(tmp_path, case):
    content, message = HOSTILE[case]
    path = tmp_path / "bad.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RecipeError) as caught:
        load(path)
    said = str(caught.value)
    assert message in said
    head, *lines = said.split("\n")
    assert len(head) < len(str(path)) + 600
    assert len(lines) <= MOST_FAULTS + 1
    assert all(len(line) < 400 for line in lines)


def test_a_recipe_without_an_end_is_not_read_to_it():
    with pytest.raises(RecipeError, match="more than 4,194,304 bytes"):
        load("/dev/zero")


def test_a_folder_in_place_of_a_recipe(tmp_path):
    with pytest.raises(RecipeError, match="a folder stands where a recipe is expected"):
        load(tmp_path)


def test_missing_recipe(tmp_path):
    with pytest.raises(RecipeError, match="there is no such recipe"):
        load(tmp_path / "none.yaml")


def test_a_recipe_of_0_1_0_builds_as_it_did(tmp_path):
    """It says what the defaults were: the rows are those of the bundled samples that were there,
    where these leave the titles out of the texts of classics as it does."""
    recipe = load(Path(__file__).with_name("recipes") / "release-0.1.0.yaml")
    build(recipe, tmp_path / "old")
    now = load(samples.RECIPE)
    untitled = {**now.builders, "pretrain": {"title_in_text": False}}
    there = {
        kind: [
            one for one in getattr(now, kind) if one.name in {o.name for o in getattr(recipe, kind)}
        ]
        for kind in ("sources", "benchmarks")
    }
    build(now.model_copy(update={"builders": untitled, **there}), tmp_path / "samples")
    assert validate(tmp_path / "old") == []
    shards = sorted(p.relative_to(tmp_path / "old") for p in tmp_path.glob("old/*/*.parquet"))
    assert len(shards) == 13
    for shard in shards:
        assert (tmp_path / "old" / shard).read_bytes() == (
            tmp_path / "samples" / shard
        ).read_bytes()


TAKEN = record_id("a", "x.csv#0")


@pytest.mark.parametrize("given", [None, "away.txt"])
def test_the_public_class_makes_what_the_file_makes(tmp_path, monkeypatch, given):
    """From the current folder: with its takedowns, and what the layouts' own keys name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / (given or "takedowns.txt")).write_text(f"{TAKEN} asked for\n")
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(SITE))
    (tmp_path / "x.csv").write_text("question,answer\n咳嗽怎么办？,多喝温水，注意休息。\n", "utf-8")
    (tmp_path / "page.html").write_text(
        "<h1>发热</h1><p>发热时应当多饮水，注意休息，三天不退就去医院。</p>", "utf-8"
    )
    pages = {
        "name": "p",
        "layout": "html",
        "path": "page.html",
        "license": "mit",
        "site": "site.yaml",
    }
    content = {"name": "small", "sources": [GOOD, pages], "stages": {"filter": False}} | (
        {"takedowns": given} if given else {}
    )
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(content))
    made, loaded = chimed.Recipe(**content), chimed.load_recipe("small.yaml")
    assert made == loaded
    assert made.base == loaded.base == Path()
    assert made.removed == loaded.removed == {TAKEN: "asked for"}
    assert [source.options for source in made.sources] == [
        source.options for source in loaded.sources
    ]
    assert isinstance(made.sources[1].options.site, Site)
    made_of, loaded_of = (chimed.build(one, out) for one, out in ((made, "a"), (loaded, "b")))
    assert made_of["recipe"] == loaded_of["recipe"]
    assert made_of["fingerprint"] == loaded_of["fingerprint"]
    ledgers = [(tmp_path / out / "ledger" / "dropped.parquet").read_bytes() for out in "ab"]
    assert ledgers[0] == ledgers[1]


def test_the_public_class_explains_in_one_line():
    with pytest.raises(chimed.ChimedError) as caught:
        chimed.Recipe(sources=[GOOD], sede=1)
    assert str(caught.value) == (
        "unknown key 'sede'. Did you mean 'seed'? Known: "
        "benchmarks, builders, lang, ledger, name, seed, shard_size, sources, stages, takedowns."
    )


@pytest.mark.parametrize(
    ("changes", "source", "stage"),
    [
        ({"sources": [{**GOOD, "layout": "qa_cvs"}]}, "a", None),
        ({"sources": [{**GOOD, "licence": "x"}]}, "a", None),
        ({"sources": [{**GOOD, "layout": "html", "site": "none.yaml"}]}, "a", None),
        ({"stages": {"deduplicate": {"treshold": 0.9}}}, None, "deduplicate"),
        ({"seed": "much"}, None, None),
    ],
)
def test_an_error_knows_its_source_and_stage(tmp_path, changes, source, stage):
    with pytest.raises(RecipeError) as caught:
        parse({"sources": [GOOD]} | changes, tmp_path)
    assert (caught.value.source, caught.value.stage) == (source, stage)

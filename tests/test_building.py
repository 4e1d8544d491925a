"""A build as a whole: what comes out, what is told of it, and what it refuses to do."""

from __future__ import annotations

import filecmp
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from chimed_datasets import build, load_recipe, validate
from chimed_datasets.building.dropped import Dropped
from chimed_datasets.building.kept_rows import kept_rows
from chimed_datasets.built.figures import shipped
from chimed_datasets.errors import BuildError, ChimedError, SourceError
from chimed_datasets.recipe import parse
from tests.common.files import write_jsonl
from tests.common.sources import page
from tests.common.text import prose


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "hf-cache")


def built_rows(folder: Path, config: str) -> list[dict]:
    files = sorted((folder / config).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def ledger(folder: Path, name: str = "dropped") -> list[dict]:
    return pq.read_table(folder / "ledger" / f"{name}.parquet").to_pylist()


def files_of(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_three_configs_load(workshop):
    out = workshop / "out"
    manifest = build(load_recipe(workshop / "recipe.yaml"), out)
    assert validate(out) == []
    for config in ("pretrain", "sft", "preference"):
        loaded = load_dataset(str(out), config)
        assert set(loaded) == {"train", "validation", "test"}
        streamed = load_dataset(str(out), config, streaming=True)
        for split, rows in loaded.items():
            assert len(rows) == sum(f["rows"] for f in manifest["configs"][config][split])
            assert list(streamed[split]) == list(rows)
    sources = {s["name"]: (s["in"], s["out"], s["dropped"]) for s in manifest["sources"]}
    assert sources == {"docs": (40, 40, 0), "pages": (51, 50, 1), "ranked": (10, 10, 0)}
    dropped = ledger(out)
    assert [(d["source"], d["stage"], d["rule"]) for d in dropped] == [
        ("pages", "read", "not_an_object")
    ]


def test_rows_of_each_config(workshop):
    out = workshop / "out"
    build(load_recipe(workshop / "recipe.yaml"), out)
    documents = built_rows(out, "pretrain")
    assert {d["domain"] for d in documents} == {"tcm"}
    assert all(d["num_chars"] == len(d["text"]) for d in documents)
    conversations = built_rows(out, "sft")
    # one adopted answer of each of 40 pages; both answers of 10 pages without a mark
    assert len(conversations) == 40 + 2 * 10
    first = next(
        c for c in conversations if c["messages"][0]["content"].startswith(page(3)["title"])
    )
    assert first["messages"][1]["content"] == page(3)["answers"][0]["answer"]
    assert first["department"] == "内科>心血管科"
    assert first["keyphrases"] == ["头痛", "发热"]
    tuples = built_rows(out, "preference")
    origins = [t["pair_origin"] for t in tuples]
    assert origins.count("ranked") == 10 * 3
    assert origins.count("adopted_vs_unadopted") == 40
    refused = {r["rule"] for r in ledger(out, "refused") if r["config"] == "preference"}
    assert refused == {"not_one_adopted"}


def test_same_bytes_whatever_the_workers(workshop, monkeypatch):
    monkeypatch.setattr("chimed_datasets.building.plan.UNIT_BYTES", 2000)
    recipe = load_recipe(workshop / "recipe.yaml")
    for name, workers in (("one", 1), ("two", 2), ("three", 3)):
        build(recipe, workshop / name, workers=workers)
    for name in ("two", "three"):
        assert files_of(workshop / name) == files_of(workshop / "one")
        _, differ, errors = filecmp.cmpfiles(
            workshop / "one", workshop / name, files_of(workshop / "one"), shallow=False
        )
        assert (differ, errors) == ([], [])


def test_small_shards_hold_the_same_rows(workshop):
    recipe = load_recipe(workshop / "recipe.yaml")
    build(recipe, workshop / "whole")
    small = parse({**recipe.model_dump(exclude={"stages"}), "shard_size": 2000}, workshop)
    manifest = build(small, workshop / "cut")
    assert len(manifest["configs"]["sft"]["train"]) > 2
    assert validate(workshop / "cut") == []
    for config in ("pretrain", "sft", "preference"):
        assert built_rows(workshop / "cut", config) == built_rows(workshop / "whole", config)


def test_no_thread_and_no_question_in_two_splits(tmp_path):
    """Pages that ask the same question differ in their answers: all kept, all in one split."""
    pages = [page(i, title="", question_content=prose(i % 30, 30)) for i in range(90)]
    write_jsonl(tmp_path / "pages.jsonl", pages)
    recipe = parse(
        {
            "sources": [
                {"name": "p", "layout": "chimed_pages", "path": "pages.jsonl", "license": "mit"}
            ]
        },
        tmp_path,
    )
    build(recipe, tmp_path / "out")
    where: dict[str, set[str]] = {}
    for split in ("train", "validation", "test"):
        for config in ("sft", "preference"):
            for file in (tmp_path / "out" / config).glob(f"{split}-*.parquet"):
                for row in pq.read_table(file).to_pylist():
                    prompt = (row.get("messages") or row["prompt"])[0]["content"]
                    where.setdefault(prompt, set()).add(split)
    assert len(where) == 30
    assert all(len(splits) == 1 for splits in where.values())


def test_duplicates_name_their_twin(tmp_path):
    text = prose(1, 120)
    rows = [{"text": text}, {"text": text}, {"text": text[:-6] + prose(2, 5)}, {"text": prose(3)}]
    write_jsonl(tmp_path / "d.jsonl", rows)
    source = {"name": "d", "layout": "jsonl", "path": "d.jsonl", "license": "mit",
              "kind": "document", "fields": {"text": "text"}}  # fmt: skip
    build(parse({"sources": [source]}, tmp_path), tmp_path / "out")
    kept = {k["key"]: k["id"] for k in ledger(tmp_path / "out", "kept")}
    assert set(kept) == {"d.jsonl#0", "d.jsonl#3"}
    told = {d["key"]: (d["stage"], d["rule"], d["twin"]) for d in ledger(tmp_path / "out")}
    assert told == {
        "d.jsonl#1": ("deduplicate", "exact", kept["d.jsonl#0"]),
        "d.jsonl#2": ("deduplicate", "near", kept["d.jsonl#0"]),
    }


def test_a_record_that_fits_no_config_is_in_the_ledger(tmp_path):
    tied = {"prompt": prose(1), "responses": [
        {"model": "a", "text": prose(2), "score": 3}, {"model": "b", "text": prose(3), "score": 3}
    ]}  # fmt: skip
    clear = {"prompt": prose(4), "responses": [
        {"model": "a", "text": prose(5), "score": 1}, {"model": "b", "text": prose(6), "score": 3}
    ]}  # fmt: skip
    write_jsonl(tmp_path / "s.jsonl", [tied, clear])
    recipe = parse(
        {"sources": [{"name": "s", "layout": "scored", "path": "s.jsonl", "license": "mit"}]},
        tmp_path,
    )
    build(recipe, tmp_path / "out")
    assert [(d["key"], d["rule"]) for d in ledger(tmp_path / "out")] == [
        ("s.jsonl#0", "no_strict_margin")
    ]
    (row,) = built_rows(tmp_path / "out", "preference")
    assert row["scores"] == {"chosen": 3.0, "rejected": 1.0, "margin": 2.0, "std": None}
    assert row["chosen"][0]["content"] == prose(6)


def test_lost_records_fail_the_build(workshop, monkeypatch):
    nothing = Dropped()
    monkeypatch.setattr("chimed_datasets.building.close.dropped_rows", lambda *_: nothing)
    with pytest.raises(BuildError, match=r"'pages': 51 records came in, but 50 went out and 0"):
        build(load_recipe(workshop / "recipe.yaml"), workshop / "out")
    assert not (workshop / "out").exists()


def test_a_record_that_is_told_of_twice_fails_the_build(workshop, monkeypatch):
    """Also where the numbers by source add up, since another record is not told of."""

    def twice(*given):
        for table in kept_rows(*given):
            ids = table["id"].to_pylist()
            yield table.set_column(0, "id", pa.array([ids[0], ids[0], *ids[2:]]))

    monkeypatch.setattr("chimed_datasets.building.close.kept_rows", twice)
    with pytest.raises(BuildError, match=r"^record \S+-[0-9a-f]{20} is told of twice"):
        build(load_recipe(workshop / "recipe.yaml"), workshop / "out")
    assert not (workshop / "out").exists()


def test_existing_target(workshop):
    recipe = load_recipe(workshop / "recipe.yaml")
    out = workshop / "out"
    build(recipe, out, limit=5)
    with pytest.raises(BuildError, match="--overwrite"):
        build(recipe, out)
    build(recipe, out, overwrite=True)
    assert validate(out) == []
    (workshop / "mine").mkdir()
    (workshop / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(BuildError, match="will not be replaced"):
        build(recipe, workshop / "mine", overwrite=True)
    assert (workshop / "mine" / "thesis.txt").read_text() == "years of work"


def test_rebuilt_in_place_loads_the_new_rows(workshop):
    recipe = load_recipe(workshop / "recipe.yaml")
    out = workshop / "out"
    build(recipe, out, limit=12)
    before = load_dataset(str(out), "pretrain")["train"].num_rows
    build(recipe, out, overwrite=True)
    assert load_dataset(str(out), "pretrain")["train"].num_rows > before


@pytest.mark.parametrize("overwrite", [False, True])
def test_killed_build_leaves_the_target_alone(workshop, overwrite):
    """SIGKILL in the middle: what stood there stands there, whole."""
    out = workshop / "out"
    recipe = load_recipe(workshop / "recipe.yaml")
    if overwrite:
        build(recipe, out, limit=5)
    before = files_of(out) if overwrite else []
    code = (
        "import time, chimed_datasets.building.run as b\n"
        "b.close = lambda *a: (print('closing', flush=True), time.sleep(60))\n"
        "from chimed_datasets import load_recipe\n"
        f"recipe = load_recipe({str(workshop / 'recipe.yaml')!r})\n"
        f"b.build(recipe, {str(out)!r}, overwrite={overwrite})\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
    )
    assert process.stdout.readline() == b"closing\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert out.exists() == overwrite
    if overwrite:
        assert files_of(out) == before
        assert validate(out) == []


@pytest.mark.parametrize(
    ("path", "complaint"),
    [("nowhere.jsonl", "nowhere.jsonl"), ("nothing-*.jsonl", "nothing-"), ("empty", "empty")],
)
def test_missing_source_stops_before_anything_is_written(workshop, path, complaint):
    (workshop / "empty").mkdir()
    source = {"name": "x", "layout": "ranked", "path": path, "license": "mit"}
    with pytest.raises(SourceError, match=complaint):
        build(parse({"sources": [source]}, workshop), workshop / "out")
    assert not (workshop / "out").exists()
    assert not list(workshop.glob(".out.*"))


def test_recipe_without_any_row_is_an_error(tmp_path):
    write_jsonl(tmp_path / "d.jsonl", [{"text": ""}])
    source = {"name": "d", "layout": "jsonl", "path": "d.jsonl", "license": "mit",
              "kind": "document", "fields": {"text": "text"}}  # fmt: skip
    with pytest.raises(ChimedError, match="no record"):
        build(parse({"sources": [source]}, tmp_path), tmp_path / "out")


def test_progress_tells_every_phase(workshop):
    seen = []
    build(
        load_recipe(workshop / "recipe.yaml"),
        workshop / "out",
        progress=lambda phase, done, total, count: seen.append((phase, done, total, count)),
    )
    assert [p for p, done, total, _ in seen if done == total] == ["read", "decide", "write"]
    assert max(count for phase, _, _, count in seen if phase == "read") == 101


def test_nothing_of_this_run_is_in_the_manifest(workshop):
    """No time, no host, no absolute path: the manifest is the same wherever it is made."""
    build(load_recipe(workshop / "recipe.yaml"), workshop / "out")
    text = (workshop / "out" / "manifest.json").read_text()
    assert str(workshop) not in text
    for day in {figure.made for figure in shipped()}:  # of the labelled sets, on any day
        text = text.replace(f'"made": "{day}"', '"made": ""')
    assert time.strftime("%Y-%m-%d") not in text
    json.loads(text)

"""Rows of restricted sources go out as ids and hashes, and come back from a user's own copy."""

from __future__ import annotations

import json
import shutil

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.built.dataset import WITHHELD, Built
from chimed_datasets.errors import PublishError, SourceError
from chimed_datasets.publish.hub import outgoing, push
from chimed_datasets.publish.rehydrate import rehydrate
from chimed_datasets.publish.withholding import withhold
from tests.common.files import write_jsonl
from tests.common.sources import page, recipe


@pytest.fixture
def sent(contract, tmp_path) -> Built:
    return withhold(open_built(contract), ["pages"], tmp_path / "sent")


def rows(built: Built, config: str) -> list[dict]:
    found = [
        r
        for c, _, e in built.files()
        if c == config
        for r in pq.read_table(built.folder / e["file"]).to_pylist()
    ]
    return sorted(found, key=lambda row: row["id"])


def test_nothing_of_the_source_is_in_any_file(contract, sent):
    """Every file of the copy is searched for what the source alone says."""
    texts = [page(i)["title"] for i in range(1, 60)]
    texts += [answer["answer"] for i in range(1, 60) for answer in page(i)["answers"]]
    told = ""
    for path in sorted(sent.folder.rglob("*")):
        if path.suffix == ".parquet":
            told += json.dumps(pq.read_table(path).to_pylist(), ensure_ascii=False)
        elif path.is_file():
            told += path.read_text("utf-8")
    for text in texts:
        assert text[:20] not in told
    assert "not a page" not in told, "the ledger's evidence quotes the source"
    assert "pages.jsonl#" not in told
    whole = "".join(json.dumps(rows(open_built(contract), "sft"), ensure_ascii=False))
    assert texts[1][:8] in whole


def test_the_copy_is_a_sound_dataset(contract, sent, tmp_path):
    assert validate(sent.folder) == []
    withheld = pq.read_table(sent.folder / WITHHELD).to_pylist()
    assert {row["source"] for row in withheld} == {"pages"}
    whole = open_built(contract)
    for config in ("pretrain", "sft", "preference"):
        every = {row["id"] for row in rows(whole, config)}
        left = {row["id"] for row in rows(sent, config)}
        gone = {row["id"] for row in withheld if row["config"] == config}
        assert (left | gone, left & gone) == (every, set())
        assert (config in sent.manifest["configs"]) == bool(left)
        if not left:
            continue
        found = load_dataset(str(sent.folder), config, cache_dir=str(tmp_path / "cache"))
        assert sum(split.num_rows for split in found.values()) == len(left)
    card = (sent.folder / "README.md").read_text("utf-8")
    assert f"| pages | contract | {len(withheld)} |" in card
    assert sent.manifest["fingerprint"] != whole.manifest["fingerprint"]


def test_untouched_files_keep_their_bytes(contract, sent):
    """They need not be uploaded again."""
    for config, _, entry in sent.files():
        same = (contract / entry["file"]).read_bytes() == (sent.folder / entry["file"]).read_bytes()
        assert same == (config == "pretrain")


def test_rehydrated_files_are_byte_for_byte_those_of_the_build(contract, sent, tmp_path):
    done = rehydrate(sent.folder, {"pages": contract.parent / "pages.jsonl"}, tmp_path / "whole")
    assert done.made == sent.manifest["withheld"]["rows"]
    assert done[1:] == (0, 0, 0)
    again = open_built(tmp_path / "whole")
    assert validate(again.folder) == []
    assert again.manifest["configs"] == open_built(contract).manifest["configs"]
    assert not (again.folder / "withheld").exists()
    assert "withheld" not in again.manifest
    told = [
        json.loads((place / "statistics.json").read_text("utf-8"))
        for place in (again.folder, contract)
    ]
    assert told[0] == told[1]


def test_a_copy_that_lacks_some_and_has_others_changed(contract, sent, tmp_path):
    pages = [page(i) for i in range(60)]
    pages[5]["answers"][0]["answer"] += "按时吃饭。"
    write_jsonl(tmp_path / "own" / "pages.jsonl", pages[:30])
    done = rehydrate(sent.folder, {"pages": tmp_path / "own" / "pages.jsonl"}, tmp_path / "some")
    total = sent.manifest["withheld"]["rows"]
    assert done.made + done.missing + done.differ == total
    assert done.differ > 0
    assert done.missing > 0
    some = open_built(tmp_path / "some")
    assert validate(some.folder) == []
    assert some.manifest["withheld"]["rows"] == total - done.made
    rest = rehydrate(some.folder, {"pages": contract.parent / "pages.jsonl"}, tmp_path / "all")
    assert rest[1:] == (0, 0, 0)
    assert (
        open_built(tmp_path / "all").manifest["configs"] == open_built(contract).manifest["configs"]
    )


def test_two_sources_one_at_a_time(contract, tmp_path):
    sent = withhold(open_built(contract), ["pages", "docs"], tmp_path / "sent")
    assert "pretrain" not in sent.manifest["configs"]
    assert validate(sent.folder) == []
    done = rehydrate(sent.folder, {"docs": contract.parent / "docs.jsonl"}, tmp_path / "docs")
    assert (done.missing, done.differ) == (0, 0)
    assert done.left > 0
    assert validate(tmp_path / "docs") == []
    assert rows(open_built(tmp_path / "docs"), "pretrain") == rows(open_built(contract), "pretrain")


@pytest.mark.parametrize(
    ("paths", "error", "message"),
    [
        ({}, PublishError, "pass --source NAME=PATH for pages"),
        (
            {"page": "x"},
            PublishError,
            r"nothing of source 'page' was withheld. Did you mean 'pages'\?",
        ),
        ({"pages": "/nowhere.jsonl"}, SourceError, "nowhere"),
    ],
)
def test_errors(sent, tmp_path, paths, error, message):
    with pytest.raises(error, match=message):
        rehydrate(sent.folder, paths, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_whole_build_has_nothing_to_make(contract, tmp_path):
    with pytest.raises(PublishError, match="has every row"):
        rehydrate(contract, {"pages": "x"}, tmp_path / "out")


def test_pushed_with_ids_and_hashes_only(hub, contract):
    with outgoing(contract, withhold=True) as what:
        assert what.withheld == ["pages"]
        push(what, "org/small")
    repo = hub.repos["org/small"]
    there = repo.commits[repo.branches["main"]]
    assert WITHHELD in there
    assert page(1)["title"].encode() not in b"".join(file.data for file in there.values())


def test_what_was_withheld_already_is_no_reason(hub, sent):
    """A withheld copy may be pushed on by whoever has it."""
    with outgoing(sent.folder) as what:
        push(what, "org/small")


def test_a_source_that_is_all_there_is(tmp_path):
    path = recipe(tmp_path, "contract")
    content = (
        path.read_text("utf-8").replace("cc0-1.0", "contract").replace("apache-2.0", "contract")
    )
    path.write_text(content, "utf-8")
    build(load_recipe(path), tmp_path / "small")
    with (
        pytest.raises(PublishError, match="every source is withheld"),
        outgoing(tmp_path / "small", withhold=True),
    ):
        pass


def test_tampered_hashes_are_noticed(contract, sent, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(sent.folder, copy)
    table = pq.read_table(copy / WITHHELD)
    pq.write_table(table.slice(1), copy / WITHHELD)
    assert any(WITHHELD in complaint for complaint in validate(copy))

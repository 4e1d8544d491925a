"""What people preferred becomes pairs: webMedQA's adopted answers and Zhongjing's four ranks by name,
cMedQA2's joined tables without pairs, since nobody said which of its answers is better."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from chimed_datasets import build, known
from chimed_datasets.recipe.model import parse
from tests.known import make
from tests.known.reading import place_of

NAMES = ("webmedqa", "cmedqa2", "zhongjing-rlhf")
DATE = re.compile(r"\d{4}-\d\d-\d\d")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    for name in NAMES:
        make.lay_out(name, folder / name)
    content = {
        "name": "people",
        "sources": [
            {"known": name, "path": place_of(known.entry("sources", name), folder / name)}
            for name in NAMES
        ],
        "stages": {"filter": False},
        "builders": {"preference": {"length_percentiles": [0, 100]}},
    }
    build(parse(content, folder), folder / "out")
    return folder / "out"


def rows(folder: Path, config: str, source: str) -> list[dict[str, Any]]:
    files = sorted((folder / config).glob("*.parquet"))
    every = [row for file in files for row in pq.read_table(file).to_pylist()]
    return [row for row in every if row["source"] == source]


def ledger(folder: Path, name: str, source: str) -> list[dict[str, Any]]:
    found = pq.read_table(folder / "ledger" / f"{name}.parquet").to_pylist()
    return [row for row in found if row["source"] == source]


def sides(folder: Path, source: str) -> list[tuple[str, str, str]]:
    """(question, chosen, rejected) of every pair, in any order."""
    return sorted(
        (row["prompt"][-1]["content"], row["chosen"][-1]["content"], row["rejected"][-1]["content"])
        for row in rows(folder, "preference", source)
    )


def test_the_adopted_answer_of_webmedqa_stands_against_each_other_one(built):
    wanted = [
        (record["question"], good["text"], bad["text"])
        for record in make.wanted("webmedqa")
        for good in record["answers"]
        for bad in record["answers"]
        if good["adopted"] and not bad["adopted"]
    ]
    assert len(wanted) == 4
    assert sides(built, "webmedqa") == sorted(wanted)
    pairs = rows(built, "preference", "webmedqa")
    assert {row["pair_origin"] for row in pairs} == {"adopted_vs_unadopted"}
    assert not any(DATE.search(text) for pair in sides(built, "webmedqa") for text in pair)


def test_the_rivals_of_webmedqa_keep_their_places(built):
    places = {
        row["prompt"][0]["content"][:4]: (row["positions"]["chosen"], row["positions"]["rejected"])
        for row in rows(built, "preference", "webmedqa")
    }
    assert places["背上长了"] == (1, 0)


def test_every_row_of_webmedqa_is_accounted_for(built):
    """Eleven rows: nine in four threads, two in one without an adopted answer, one broken. One thread
    has one answer: it is a row of sft, and no pair."""
    dropped = {row["rule"] for row in ledger(built, "dropped", "webmedqa")}
    assert dropped == {"csv_fields", "no_adopted"}
    assert len(ledger(built, "kept", "webmedqa")) == len(make.wanted("webmedqa")) - 1
    refused = ledger(built, "refused", "webmedqa")
    assert [(row["config"], row["rule"]) for row in refused] == [("preference", "one_answer")]
    assert len(rows(built, "sft", "webmedqa")) == 4


def test_each_rank_of_zhongjing_stands_against_each_lower_one(built):
    wanted = [
        (record["turns"][-1]["user"], better, worse)
        for record in make.wanted("zhongjing-rlhf")
        for n, better in enumerate(record["ranked"])
        for worse in record["ranked"][n + 1 :]
    ]
    assert len(wanted) == 6 + 6 + 1
    assert sides(built, "zhongjing-rlhf") == sorted(wanted)
    pairs = rows(built, "preference", "zhongjing-rlhf")
    assert {row["pair_origin"] for row in pairs} == {"ranked"}
    assert {len(row["prompt"]) for row in pairs} == {1, 3}  # with the turns before
    assert ledger(built, "dropped", "zhongjing-rlhf") == []


def test_answers_of_cmedqa2_are_joined_and_ranked_by_nobody(built):
    """The negatives of its candidates are answers to other questions, drawn by chance."""
    assert sides(built, "cmedqa2") == []
    wanted = make.wanted("cmedqa2")
    answers = [(one["question"], a["text"]) for one in wanted for a in one["answers"]]
    made = [
        (row["messages"][0]["content"], row["messages"][1]["content"])
        for row in rows(built, "sft", "cmedqa2")
    ]
    assert sorted(made) == sorted(answers)
    refused = [row["rule"] for row in ledger(built, "refused", "cmedqa2")]
    assert sorted(refused) == ["not_one_adopted", "one_answer", "one_answer"]
    assert [row["rule"] for row in ledger(built, "dropped", "cmedqa2")] == ["no_partner"] * 2

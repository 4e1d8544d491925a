"""What fuzzing found stays found; and a few cases of every parser and of the masking."""

from __future__ import annotations

import json
import random
import zlib

import pytest

from chimed_datasets.sources import layouts
from tests.fuzz import run

KEPT = list(run.kept())


@pytest.mark.parametrize(("key", "path"), KEPT, ids=[f"{k}/{p.name}" for k, p in KEPT])
def test_kept_cases(key, path):
    run.replay(key, path)


@pytest.mark.parametrize("key", [*layouts(), run.MASKING])
def test_a_few_cases(key):
    draw = random.Random(zlib.crc32(key.encode()))
    corpus = [data for one in layouts() for _, data in run.seeds(one)]
    for _ in range(4):
        bad = run.one(key, draw, corpus)
        assert bad is None, bad


def test_every_layout_has_something_to_start_from():
    for key in layouts():
        if key != "warc":  # its archives are made by tests/collect
            assert any(data for _, data in run.seeds(key)), key


@pytest.mark.parametrize(
    "more",
    [
        {"rank": 10**30},
        {"score": 10**400},
        {"score": -1e300},
        {"model": "\ud800"},
        {"author": "\ud800"},
        {"ratings": [10**400]},
    ],
)
def test_numbers_and_names_that_arrow_cannot_hold(more):
    row = {
        "key": "t1",
        "kind": "thread",
        "question": "头痛怎么办？",
        "answers": [{"text": "多休息。", **more}],
        "domain": "\ud800",
    }
    run.check_file("generated", "rows.jsonl", json.dumps(row).encode())

"""`explain` tells where a record came from and what became of it."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from chimed_datasets import build, load_recipe, open_built
from chimed_datasets.errors import ReportError
from chimed_datasets.report.explain import explain
from tests.common.files import write_jsonl
from tests.common.sources import page
from tests.common.text import prose


@pytest.fixture
def built(workshop):
    rows = [page(i) for i in range(30)]
    copy = {**page(0), "id": "copy"}
    write_jsonl(workshop / "pages.jsonl", [*rows, copy, page(31, ("False", "False")), 5])
    build(load_recipe(workshop / "recipe.yaml"), workshop / "out")
    return open_built(workshop / "out")


def record(built, ledger: str, key: str) -> str:
    rows = pq.read_table(built.folder / "ledger" / f"{ledger}.parquet").to_pylist()
    return next(row["id"] for row in rows if row["key"] == key)


def test_a_kept_record(built):
    name = record(built, "kept", "pages.jsonl#p0")
    story = "\n".join(explain(built, name))
    assert "came from pages.jsonl#p0 of source 'pages' (layout chimed_pages, licence mit)" in story
    assert "sft/" in story
    assert "preference/" in story
    assert "Kept instead of 1 duplicate" in story
    assert record(built, "dropped", "pages.jsonl#copy") in story


def test_a_duplicate(built):
    story = "\n".join(explain(built, record(built, "dropped", "pages.jsonl#copy")))
    assert "dropped by deduplicate, rule 'exact'" in story
    assert f"Kept instead: {record(built, 'kept', 'pages.jsonl#p0')}" in story
    assert page(0)["answers"][0]["answer"][:10] in story


def test_a_malformed_row(built):
    story = "\n".join(explain(built, record(built, "dropped", "pages.jsonl#32")))
    assert "dropped by read, rule 'not_an_object'" in story


def test_a_row_of_a_record_and_a_refusal(built):
    name = record(built, "kept", "pages.jsonl#p31")
    story = "\n".join(explain(built, f"{name}-1"))
    assert f"{name}-0" in story
    assert "No row in preference: not_one_adopted (0 of 2 answers adopted)" in story


def test_an_unknown_id(built):
    name = record(built, "kept", "pages.jsonl#p0")
    with pytest.raises(ReportError, match=f"Did you mean {name}"):
        explain(built, name[:-1])
    with pytest.raises(ReportError, match="knows no record"):
        explain(built, prose(1))

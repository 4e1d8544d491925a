"""The head of the report: its sums are those of the build, its checks those of `validate`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chimed_datasets import build, load_recipe, open_built
from chimed_datasets.built.check_list import checked
from chimed_datasets.built.checks import CHECKS, validate
from chimed_datasets.built.dataset import Built
from chimed_datasets.report.head import head
from tests.common.files import write_jsonl
from tests.common.sources import page


@pytest.fixture
def built(workshop) -> Built:
    pages = [page(i) for i in range(30)]
    write_jsonl(workshop / "pages.jsonl", [*pages, {**page(0), "id": "copy"}, 5])
    build(load_recipe(workshop / "recipe.yaml"), workshop / "out")
    return open_built(workshop / "out")


def test_the_sums_are_those_of_the_build(built):
    found = head(built, built.statistics())
    assert (found["came_in"], found["kept"]) == (82, 80)  # 50 documents beside the pages
    assert found["share"] == pytest.approx(80 / 82)
    source = next(one for one in found["sources"] if one["name"] == "pages")
    assert (source["licence"], source["came_in"], source["kept"]) == ("mit", 32, 30)
    assert [check["passed"] for check in found["checks"]] == [True] * len(found["checks"])
    rows = {config: splits["all"]["rows"] for config, splits in built.statistics().items()}
    assert found["rows"] == sum(rows.values())
    for config, total in rows.items():
        mine = [split for split in found["splits"] if split["config"] == config]
        assert sum(split["rows"] for split in mine) == total
        assert sum(split["share"] for split in mine) == pytest.approx(1)
    assert found["bytes"] == sum(
        (built.folder / entry["file"]).stat().st_size for _, _, entry in built.files()
    )
    assert found["version"].startswith("chimed-datasets ")
    assert len(found["date"]) == len("2026-11-30")


def test_a_sound_build_passes_every_check(built):
    found = checked(built)
    assert len(found) == len(CHECKS) + 2
    assert all(one.passed and not one.complaints for one in found)
    seen = {one.name: one.observed for one in found}
    assert seen["every record is kept or dropped, once"] == "82 in; 80 kept + 2 dropped = 82"
    assert seen["no group is in two splits"] == "80 groups"


def test_a_fault_is_told_as_validate_tells_it(built):
    Path(built.folder / "README.md").write_text("other", "utf-8")
    failed = [one for one in checked(built) if not one.passed]
    assert [one.name for one in failed] == ["the card says what the manifest says"]
    assert failed[0].complaints == validate(built.folder)


def test_what_is_not_run_is_not_passed(built):
    shutil.rmtree(built.folder / "ledger")
    found = checked(built)
    assert found[0].passed
    assert found[1].passed is False
    assert "of " in found[1].observed
    assert {one.passed for one in found[2:]} == {None}
    assert [text for one in found for text in one.complaints] == validate(built.folder)

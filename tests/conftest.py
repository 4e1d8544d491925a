"""Shared fixtures."""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path

import pytest
import yaml
from hypothesis import settings

from chimed_datasets import lang
from tests.common.files import SHARED, write_jsonl
from tests.common.sources import page
from tests.common.text import prose

# What is said is compared in English, whatever the developer's locale is; so it is in children.
os.environ["CHIMED_LANG"] = "en"

# pytest-xdist sets both in its workers, and a console would keep to them.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)

# A slow moment of the machine is no fault of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the project, where there is one."""
    if not SHARED.is_dir():
        pytest.skip("no real data beside the project (../shared/data)")
    return SHARED


@pytest.fixture(autouse=True)
def caches(tmp_path_factory, monkeypatch) -> Path:
    """Folders of its own, not made yet, for what a test fetches; and no waiting between tries."""
    folder = tmp_path_factory.getbasetemp() / "caches" / uuid.uuid4().hex
    monkeypatch.setenv("CHIMED_CACHE", str(folder / "chimed"))
    monkeypatch.setenv("HF_HUB_CACHE", str(folder / "hub"))
    if "huggingface_hub.constants" in sys.modules:  # it has read its environment
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "hub"))
    monkeypatch.setattr("chimed_datasets.sources.files.far.PAUSES", [0.0] * 5)
    return folder


@pytest.fixture(autouse=True)
def english():
    """A language that a command was asked for is of that command alone."""
    yield
    lang.use(None)
    lang.suggest(None)


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """A folder with three small sources and ``recipe.yaml`` over them."""
    folder = tmp_path / "workshop"
    write_jsonl(folder / "docs.jsonl", [{"id": i, "text": prose(i, 80)} for i in range(40)])
    write_jsonl(
        folder / "pages.jsonl",
        [page(i) for i in range(40)]
        + [page(i, ("False", "False")) for i in range(40, 50)]
        + ["not a page"],
    )
    write_jsonl(
        folder / "ranked.jsonl",
        [
            {
                "instruction": prose(90_000 + i, 20),
                "output": [prose(91_000 + 10 * i + k) for k in range(3)],
            }
            for i in range(10)
        ],
    )
    sources = [
        {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "cc0-1.0",
         "domain": "tcm", "kind": "document", "fields": {"text": "text"}},
        {"name": "pages", "layout": "chimed_pages", "path": "pages.jsonl", "license": "mit"},
        {"name": "ranked", "layout": "ranked", "path": "ranked.jsonl", "license": "apache-2.0"},
    ]  # fmt: skip
    recipe = {"name": "small", "sources": sources}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe, allow_unicode=True), "utf-8")
    return folder


# --- tiers ---------------------------------------------------------------------------------------

HEAVY = ("tests/train/", "tests/executors/test_ray.py")
"""Trained models and a cluster: they need the extra [dev-all]."""
WHOLE = (
    *HEAVY,
    # pages read from the top, command by command
    "tests/test_readme.py",
    "tests/test_tour.py::test_the_tour",
    "tests/test_docs_tutorial.py",
    "tests/collect/test_walk_through.py",
    "tests/generate/test_generating_page.py",
    "tests/publish/test_publishing_page.py",
    "tests/export/test_export_page.py::test_the_page_from_the_top",
    # code from outside, on a cluster
    "tests/test_guests.py::test_a_build_on_ray_is_the_same",
    # all patterns against their worst texts
    "tests/test_patterns.py::test_no_pattern_takes_more_than_linear_time",
    # kills, and clusters in many orders
    "tests/test_survival.py::test_killed_at_some_writes",
    "tests/test_stopping.py::test_stopped_and_gone_on_with[1-",
    "tests/test_stopping.py::test_stopped_and_gone_on_with[2-one",
    "tests/test_stopping.py::test_a_second_time_ends_it_at_once",
    "tests/test_stopping.py::test_never_a_traceback",
    "tests/generate/test_generate_run.py::test_a_run_killed_twice",
    "tests/stages/test_deduplicate.py::test_the_order_of_records_changes_no_cluster",
    "tests/stages/test_deduplicate.py::test_sketches_change_no_cluster",
    # whole books and encyclopedias beside the project
    "tests/sources/test_real_data.py::test_an_encyclopedia",
    # a wheel, and the site
    "tests/test_packaging.py::test_it_works_from_elsewhere",
    "tests/test_docs_site.py::test_the_site_builds",
    "tests/test_docs_site.py::test_the_pieces_examples",
    # pushes that fail in every way, and what takes processes of its own
    "tests/publish/test_push.py::test_a_push_that_fails_leaves_the_old_version",
    "tests/publish/test_push.py::test_push_and_load_from_the_command_line",
    "tests/publish/test_modelscope.py::test_a_push_that_fails_leaves_the_old_version",
    "tests/sources/test_modelscope_addresses.py::test_a_build_from_there",
    "tests/executors/test_local.py::test_a_script_without_a_guard[as on Windows]",
    "tests/collect/test_crawl.py::test_killed_twice_and_resumed_without_loss",
    "tests/test_survival.py::test_killed_where_names_cannot_be_exchanged",
    "tests/generate/test_generate_run.py::test_300_rows_through_every_fault",
    "tests/stages/test_deduplicate.py::test_bands_collide_as_often",
    "tests/api/test_pieces.py::test_every_shape_gives_the_same",
)
"""What takes most of the time: `make test-all`, not the default tier."""


def _left_out(config: pytest.Config) -> bool:
    return "not whole" in config.option.markexpr


@pytest.fixture
def displayed(monkeypatch) -> list[str]:
    """What a notebook is given to show, as plain text, in its order."""
    sent: list[str] = []

    class Handle:
        def update(self, forms, raw):
            sent.append(forms["text/plain"])

    def display(forms, raw, display_id):
        sent.append(forms["text/plain"])
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    return sent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import torch and Ray where their tests are left out."""
    place = f"{collection_path.relative_to(config.rootpath).as_posix()}/"
    return (
        True
        if _left_out(config) and place.startswith(tuple(f"{h.rstrip('/')}/" for h in HEAVY))
        else None
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(WHOLE):
            item.add_marker("whole")
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(
                pytest.mark.timeout(3600)
            )  # proofs of minutes, on a machine that may be busy

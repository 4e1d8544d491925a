"""docs/how-to/look.md: every command runs, and prints what the page shows."""

from __future__ import annotations

from chimed_datasets.recipe import Ledger
from tests.common import pages

PAGE = (pages.ROOT / "docs" / "how-to" / "look.md").read_text("utf-8")


def test_the_page_from_the_top(tmp_path):
    place = pages.checkout(tmp_path / "checkout")
    printed, shown = "", 0
    for language, text in pages.blocks(PAGE):
        if language == "bash":
            printed = pages.bash(place, text)
        elif language == "text":
            assert pages.not_shown(text, printed) == []
            shown += 1
    assert shown == 2


def test_the_ledger_page_has_every_value():
    ledger = (pages.ROOT / "docs" / "reference" / "ledger.md").read_text("utf-8")
    part = ledger.partition("## texts.parquet")[2]
    for value in Ledger.model_json_schema()["properties"]["texts"]["enum"]:
        assert f"`{value}`" in part

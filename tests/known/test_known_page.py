"""The page of known sources is what its command prints."""

from __future__ import annotations

from pathlib import Path

from docs import known_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "known-sources.md"


def test_the_page_is_what_the_command_prints():
    mend = "python docs/known_page.py > docs/reference/known-sources.md"
    assert PAGE.read_text("utf-8") == known_page.page(), mend

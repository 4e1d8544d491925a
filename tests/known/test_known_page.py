"""The page of known sources is what its command prints."""

from __future__ import annotations

from pathlib import Path

from docs import known_page
from tests.common.packed import libarchive

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "known-sources.md"


def test_the_page_is_what_the_command_prints():
    libarchive()  # an entry's fixture is packed
    mend = "python docs/known_page.py > docs/reference/known-sources.md"
    assert PAGE.read_text("utf-8") == known_page.page(), mend

"""A build with hostile texts, and a browser to open pages in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile import bad  # noqa: F401  a fixture

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Headless Chromium. Without one the tests are skipped; on CI they fail."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as play:
        own = play.chromium.executable_path
        if not found and not Path(own).exists():
            told = "no browser: apt-get install chromium, or playwright install chromium"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(told)
        opened = play.chromium.launch(executable_path=found or own, args=QUIET)
        yield opened
        opened.close()

"""Screens of the report for docs/how-to/look.md: each part in both themes, of the bundled samples.

    python docs/screens.py [BUILD [FOLDER]]

Writes docs/how-to/screens/*.webp; of another build into another folder, to be looked at. Needs the
extras `report` and `serve`, playwright and Chromium.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from playwright.sync_api import sync_playwright

OURS = Path(__file__).parent / "how-to" / "screens"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
THEMES: tuple[Any, ...] = ("light", "dark")
WIDE, PHONE = 1100, 390
MOST = 1700
"""Pixels of a screen's height; what is below is cut off."""


class Screen(NamedTuple):
    """A part of the page. state: of the address. opens: whether the first record is opened."""

    name: str
    part: str
    state: str = ""
    opens: bool = False
    width: int = WIDE
    most: int = MOST


SCREENS = [
    Screen("head", "body", most=1650),
    Screen("charts", "#charts", most=2900),
    Screen("records", "#rows", "rows.config=preference", True, most=1300),
    Screen("dropped", "#drops", "drops.stage=deduplicate&drops.rule=near", True),
    Screen("leak", "#drops", "drops.stage=decontaminate", True, most=1300),
    Screen("votes", "#votes"),
    Screen("tables", "#tables"),
    Screen("phone", "#drops", "drops.stage=deduplicate&drops.rule=near", True, PHONE),
]


def chimed(*arguments: str) -> None:
    subprocess.run(["chimed", "--lang", "en", *arguments], check=True)


@contextlib.contextmanager
def served(build: Path) -> Iterator[str]:
    """Serve the page over all rows; yield its address."""
    command = ["chimed", "--lang", "en", "report", "--serve", str(build)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield next(
                found[0] for line in process.stdout if (found := re.search(r"http://\S+", line))
            )
        finally:
            process.terminate()


def take(tab: Any, address: str, screen: Screen) -> Image.Image:
    """Return a picture of one part of the page."""
    tab.goto(f"{address}#{screen.state}")
    tab.wait_for_selector("#rows .list > details, #drops .list > details")
    tab.wait_for_timeout(1500)  # charts are drawn
    records = tab.locator(f"{screen.part} .list > details > summary")
    if screen.part == "#votes":
        for which, key in ((0, "y"), (1, "x")):
            tab.locator("#rows .list > details > summary").nth(which).focus()
            tab.keyboard.press(key)
    if screen.opens:
        records.first.click()
    tab.wait_for_timeout(500)
    shown = tab.locator(screen.part).screenshot()
    picture: Image.Image = Image.open(io.BytesIO(shown)).convert("RGB")
    return picture.crop((0, 0, picture.width, min(picture.height, screen.most)))


def main(build: Path | None, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        if build is None:
            build = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "chimed2"
            chimed("build", "--out", str(build))
        chimed("report", str(build))
        page = (build / "report.html").resolve().as_uri()
        whole = stack.enter_context(served(build))
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=next(filter(None, map(shutil.which, BROWSERS)), None),
            args=["--no-sandbox"],
        )
        served_head = Screen("served", "#rows", "rows.q=糖尿病", True)
        for theme in THEMES:
            for screen in (*SCREENS, served_head):
                context = browser.new_context(
                    color_scheme=theme, viewport={"width": screen.width, "height": 900}
                )
                with context.new_page() as tab:
                    picture = take(tab, whole if screen is served_head else page, screen)
                name = folder / f"{screen.name}-{theme}.webp"
                picture.save(name, quality=70, method=6)
                print(name, picture.size, name.stat().st_size)
                context.close()
        browser.close()


if __name__ == "__main__":
    given = [Path(one) for one in sys.argv[1:]]
    main(given[0] if given else None, given[1] if len(given) > 1 else OURS)

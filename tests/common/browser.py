"""The report's page in a browser, as a reader uses it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlencode

DESK, PHONE = (1440, 900), (390, 844)
SHOWN = """([part, wanted]) => {
  const shown = document.getElementById(part).dataset.shown;
  if (shown === undefined) return false;
  const now = Object.fromEntries(new URLSearchParams(shown));
  return Object.entries(wanted).every(([key, value]) => (now[key] || "") === value);
}"""
"""Whether a list shows what its filters mean."""


class Opened:
    """A page in the browser; ``told`` holds console messages, errors, dialogs and requests."""

    def __init__(self, tab) -> None:
        self.tab = tab
        self.told: list[str] = []
        tab.on("console", lambda m: self.told.append(f"console {m.type}: {m.text}"))
        tab.on("pageerror", lambda e: self.told.append(f"error: {e}"))
        tab.on("request", lambda r: self.told.append(f"request: {r.url[:80]}"))

    def heads(self, part: str):
        """The lines of a list's records."""
        return self.tab.locator(f"#{part} .list > details > summary")

    def shown(self, part: str) -> list[str]:
        return self.heads(part).all_inner_texts()

    def count(self, part: str) -> str:
        return self.tab.locator(f"#{part} > .count").inner_text()

    def search(self, part: str, words: str) -> list[str]:
        self.tab.locator(f"#{part} input[type=search]").fill(words)
        self.wait_for(part, q=words)
        return self.shown(part)

    def choose(self, part: str, **filters: str) -> list[str]:
        """Set filters of a list, and return what it shows."""
        for key, value in filters.items():
            self.tab.locator(f"#{part} select[data-key={key}]").select_option(value)
        self.wait_for(part, **filters)
        return self.shown(part)

    def only(self, part: str, **filters: str) -> list[str]:
        """Set these filters of a list and no others, as a link does."""
        meant = urlencode({f"{part}.{key}": value for key, value in filters.items()})
        self.tab.evaluate("hash => { location.hash = hash }", meant)
        empty = dict.fromkeys(("q", "config", "source", "stage", "rule", "tag"), "")
        self.wait_for(part, **empty | filters)
        return self.shown(part)

    def options(self, part: str, key: str) -> dict[str, int]:
        """Return value -> the number that a filter says it has."""
        found = {}
        for one in self.tab.locator(f"#{part} select[data-key={key}] option").all():
            value, text = one.get_attribute("value"), one.inner_text()
            if value:
                found[value] = int(text.rpartition("(")[2].rstrip(")").replace(",", ""))
        return found

    def wait_for(self, part: str, **filters: str) -> None:
        """Wait until a list shows what these filters mean."""
        self.tab.wait_for_function(SHOWN, arg=[part, filters])

    def open(self, part: str, number: int = 0):
        """Open a record of a list, and return what it says."""
        self.heads(part).nth(number).click()
        body = self.tab.locator(f"#{part} .list > details").nth(number).locator(".body")
        body.wait_for()
        return body

    def state(self) -> dict[str, str]:
        """Return what the address holds."""
        return dict(parse_qsl(self.tab.evaluate("location.hash.slice(1)")))

    def focus(self) -> str:
        """Return what has the focus, as a person would name it."""
        return self.tab.evaluate(
            "(e => [e.tagName.toLowerCase(), e.id || e.className || e.dataset.key || ''].join(' ')"
            ".trim())(document.activeElement)"
        )


@contextmanager
def opened(browser, address: str, size=DESK, scheme: str = "light") -> Iterator[Opened]:
    """Open a page at an address, and wait until all of it is drawn."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme,
        reduced_motion="reduce",
    )  # fmt: skip
    context.set_default_timeout(60_000)  # a loaded machine is slow
    found = Opened(context.new_page())
    found.tab.goto(address)
    found.tab.wait_for_selector(f":root[data-drawn={scheme}]")
    yield found
    context.close()


def luminance(colour: str) -> float:
    """Return WCAG's relative luminance of "rgb(r, g, b)"."""
    levels = [int(n) / 255 for n in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    r, g, b = [n / 12.92 if n <= 0.03928 else ((n + 0.055) / 1.055) ** 2.4 for n in levels]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b

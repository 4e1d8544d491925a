"""Saved web pages, read by the selectors of a site file.

site  the site file (see docs/collect.md), relative to the recipe

A file holds one page. Where the site file tells of several kinds of pages, the first that finds
what it cannot do without (question and answers, or a text) is used. Yields a QA thread or a
Document a page; a page that fits none is Malformed under the reason of the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..records import Document, Malformed, Record
from .chimed_pages import thread
from .files.opening import FileReport, SourceFile
from .parsing.json import RowError
from .site import pages
from .site.site_file import Site, load_site

SUFFIXES = (".html", ".htm", ".shtml", ".xhtml")


@dataclass(frozen=True)
class Options:
    """How pages are read; see the layout's description."""

    site: str

    def at(self, base: Path) -> Site:
        """Return the site file's content. Raises :class:`RecipeError`."""
        return load_site(base / self.site)


def read(
    files: Sequence[SourceFile], site: Site, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield the record of each file."""
    for file in files:
        text, encoding, replaced = pages.decode_page(file.read())
        report.note(file.name, encoding, replaced)
        yield record_of(f"{file.name}#0", text, site)


def record_of(key: str, text: str, site: Site, url: str | None = None) -> Record | Malformed:
    """Return the record of a page; ``url``, where it is known, says what kind of page it is."""
    rules = site.pages if url is None else [rule] if (rule := site.page(url)) else []
    refused = Malformed(key, "no_rule", f"no page of site {site.name!r} matches {url}")
    for number, rule in enumerate(rules):
        try:
            # A tree of its own: reading a page by a rule takes out what the rule removes.
            return as_record(key, rule.kind, pages.row_of(pages.parse(text), rule, site))
        except RowError as error:
            if number == 0:
                refused = Malformed(key, error.rule, error.evidence)
    return refused


def as_record(key: str, kind: str, row: dict[str, Any]) -> Record:
    """Return the record of a row that :func:`_pages.row_of` made."""
    if kind == "thread":
        return thread(key, row)
    more = {k: v for k, v in row.items() if k not in ("title", "text", "license") and v}
    return Document(key, row["text"], row["title"] or None, metadata=more)

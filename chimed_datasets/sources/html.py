"""Saved web pages, read by the selectors of a site file.

site   the site file (see docs/reference/site-file.md), relative to the recipe
where  a condition on title, text and the site file's metadata, or on title, question, answer and
       department; other pages go to the ledger

A file holds one page. Where the site file tells of several kinds of pages, the first that finds
what it cannot do without (question and answers, or a text) is used. Yields a QA thread or a
Document a page; a page that fits none is Malformed under the reason of the first, one of more
than 16 MiB under "too_long".
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..records import Malformed, Record
from .files.opening import FileReport, SourceFile
from .parsing.ready import chosen
from .site import pages
from .site.choice import ChosenPages, OfSite
from .site.pages import record_of
from .site.site_file import Site, load_site

SUFFIXES = (".html", ".htm", ".shtml", ".xhtml")
TAKES = ("html", "xml")
MAX_PAGE_BYTES = 16 * 1024 * 1024
"""A page with more goes to the ledger: as a tree it takes some forty times as much memory."""


@dataclass(frozen=True)
class Options(ChosenPages):
    """How pages are read; see the layout's description."""

    site: str

    def at(self, base: Path) -> OfSite:
        """Return the site file's content. Raises :class:`RecipeError`."""
        return self.of_site(load_site(base / Path(os.path.expandvars(self.site)).expanduser()))


def read(
    files: Sequence[SourceFile], options: OfSite, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield the record of each file."""
    assert options.site is not None
    return chosen(_pages(files, options.site, report), options.chosen)


def _pages(
    files: Sequence[SourceFile], site: Site, report: FileReport
) -> Iterator[Record | Malformed]:
    for file in files:
        with file.open() as stream:
            page = stream.read(MAX_PAGE_BYTES + 1)
        if len(page) > MAX_PAGE_BYTES:
            told = f"more than the allowed {MAX_PAGE_BYTES:,} bytes: part it into pages"
            yield Malformed(f"{file.name}#0", "too_long", told)
            continue
        text, encoding, replaced = pages.decode_page(page)
        report.note(file.name, encoding, replaced)
        yield record_of(f"{file.name}#0", text, site)

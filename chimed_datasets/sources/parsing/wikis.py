"""Which pages of a wiki are read, and in which script: what all dumps of wikis take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from .ready import ChosenDocument
from .row import RowError


@dataclass(frozen=True)
class WikiPages(ChosenDocument):
    """The keys that every layout of a wiki's pages takes.

    namespaces: numbers of those that are read.
    categories: words, one of which a category of the page must hold; none: every page is read.
    variant:    which text of ``-{zh-hans:…;zh-hant:…}-`` is read.
    """

    namespaces: list[int] = field(default_factory=lambda: [0])
    categories: list[str] = field(default_factory=list)
    variant: Literal["zh-cn", "zh-tw", "zh-hk", "zh-sg", "zh-mo", "zh-my", "zh-hans", "zh-hant"] = (
        "zh-cn"
    )
    FIELDS = ("title", "text", "page", "keyphrases", "wiki")

    def check_namespace(self, title: str, number: int) -> None:
        """Raise RowError "other_page" for a page of another namespace."""
        if number not in self.namespaces:
            raise RowError("other_page", f"{title}: it is in namespace {number}")

    def check_categories(self, title: str, categories: Iterable[str]) -> None:
        """Raise RowError "other_page" for a page in none of the categories."""
        words = self.categories
        if words and not any(word in one for one in categories for word in words):
            raise RowError("other_page", f"{title}: no category is among those asked for")

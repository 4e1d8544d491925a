"""Which pages of a site a source entry chooses, and what it cuts from their texts."""

from __future__ import annotations

from dataclasses import dataclass

from ..parsing.ready import Chosen, ChosenDocument, ChosenThread
from .site_file import Site, ThreadPage

_THREAD = ("title", "question", "answer", "department", "question_time", "follow_ups")


@dataclass(frozen=True)
class OfSite:
    """What the layouts of pages read by. site: None where the main text of a page is taken."""

    site: Site | None
    chosen: Chosen


@dataclass(frozen=True)
class ChosenPages(Chosen):
    """The keys of layouts of pages, of which some may become threads, others documents."""

    TARGETS = tuple(dict.fromkeys((*ChosenDocument.TARGETS, *ChosenThread.TARGETS)))

    def of_site(self, site: Site | None, *about: str) -> OfSite:
        """Return what is read by. about: the metadata of every page.

        Raises :class:`RecipeError` where the condition asks for what no page of the site has.
        """
        names = [*about]
        for rule in site.pages if site else ():
            own = _THREAD if isinstance(rule, ThreadPage) else ("title", "text", *rule.metadata)
            names += [*own, "permission"]
        self.asks_for(list(dict.fromkeys(names if site else ("title", "text", *names))))
        return OfSite(site, self)

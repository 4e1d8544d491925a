"""Relevance: refuse records of web archives that are not about medicine.

A small linear classifier (naive Bayes over characters and their pairs) is learnt in the build: from
the sources that are not asked about, against those with ``domain: general``. Each source is a model
of its own, and a record is about medicine where the nearest source is; so that a large collection
of classics does not make modern pages look foreign. A fifth of the examples is held out, all
records with one question together; the build prints how well they were told apart, and the
manifest keeps it. Nothing is downloaded.

Refused are ``not_medical`` and, with ``keep_general: false``, ``general_text``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from ..errors import RecipeError, did_you_mean
from ..lang import _

MIN_EXAMPLES = 50
"""Records that a side must have to learn from."""


@dataclass(frozen=True)
class Relevance:
    """Refuse what is not about medicine; see the module.

    sources:      the names of the sources that are asked about; left out, those of the layout
                  `warc`. Without any, the stage does nothing.
    precision:    how many of the held-out records that are taken for medical must be so. Where
                  more are anyway, the nearer side decides.
    keep_general: false drops the general texts once they were learnt from.
    """

    sources: list[str] | None = None
    precision: Annotated[float, Field(gt=0, le=1)] = 0.95
    keep_general: bool = True
    name: ClassVar[str] = "relevance"

    def asked(self, layouts: Mapping[str, str], domains: Mapping[str, str]) -> set[str]:
        """Return the names of the sources that are asked about.

        layouts, domains: of all sources, by name. Raises :class:`RecipeError` where an unknown
        source is named, or nothing is there to learn from.
        """
        for name in self.sources or ():
            if name not in layouts:
                raise RecipeError(
                    _("stages.relevance: unknown source {name!r}.{did_you_mean}").format(
                        name=name, did_you_mean=did_you_mean(name, layouts)
                    )
                )
        if self.sources is None:
            asked = {name for name, layout in layouts.items() if layout == "warc"}
        else:
            asked = set(self.sources)
        sides = {domain == "general" for name, domain in domains.items() if name not in asked}
        if asked and sides != {True, False}:
            lacking = "a medical source" if True in sides else "a source with domain: general"
            raise RecipeError(
                _(
                    "stages.relevance: {asked} cannot be judged without {lacking} to learn "
                    "from. Add one, or switch the stage off: stages: {{relevance: false}}."
                ).format(asked=", ".join(sorted(asked)), lacking=lacking)
            )
        return asked

"""Names: mask the names of the doctors that a recipe lists, as a model that finds names would."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chimed_datasets.stages import Span


@dataclass(frozen=True)
class Names:
    """Mask names.

    names: what to look for.
    """

    names: tuple[str, ...] = ()
    name: ClassVar[str] = "names"
    after: ClassVar[str] = "mask"
    placeholders: ClassVar[Mapping[str, str]] = {"name": "[姓名]"}

    def spans(self, texts: list[str]) -> list[list[Span]]:
        """Return the spans of the names in each text."""
        if not self.names:
            return [[] for _ in texts]
        any_of = re.compile("|".join(map(re.escape, self.names)))
        return [[Span(m.start(), m.end(), "name") for m in any_of.finditer(t)] for t in texts]


STAGE = Names

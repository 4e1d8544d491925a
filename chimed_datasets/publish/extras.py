"""What stands beside a build for its readers: pictures, the Croissant file, and the card anew.

None of it is part of a build: pictures follow the renderer's version, and `validate` only asks
that the card tells of what is there.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ..built import card
from ..built.dataset import Built
from ..report import pictures
from . import croissant


def dress(built: Built, url: str = "", published: datetime | None = None) -> list[Path]:
    """Draw the pictures, write the Croissant file and the card; return the files.

    Raises :class:`ChimedError` where a package for it is missing.
    """
    statistics = built.statistics()
    described = croissant.text(croissant.croissant(built.manifest, url, published))
    drawn = pictures.draw(built, statistics)
    (built.folder / card.CROISSANT).write_text(described, "utf-8")
    card.write(built.folder, built.manifest, statistics)
    return [*drawn, built.folder / card.CROISSANT, built.folder / "README.md"]

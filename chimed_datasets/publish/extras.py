"""What stands beside a build for its readers: pictures, the Croissant file, and the card again.

None of it is part of a build: pictures follow the renderer's version, and `validate` only asks
that the card shows what is there.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ..built import card, llama_factory
from ..built.dataset import Built
from ..errors import PublishError, ReportError
from ..lang import _, speaking
from ..report import pictures
from . import croissant


def write_extras(
    built: Built,
    url: str = "",
    published: datetime | None = None,
    language: str | None = None,
) -> list[Path]:
    """Draw the pictures, write the Croissant file and the card; return the files.

    language: of pictures and card, one of :data:`..lang.LANGUAGES`; None: that of the recipe, else
              English.

    Raises :class:`PublishError` where a package for it is missing; the card is written then too,
    with what stands beside the build already.
    """
    llama_factory.write(built.folder, built.manifest, built.statistics())
    try:
        described = croissant.text(croissant.croissant(built, url, published))
        with speaking(language or card.language_of(built.manifest)):
            drawn = pictures.draw(built, built.statistics())
    except (PublishError, ReportError) as error:
        card.write(built, language)
        raise PublishError(
            _("{error}; the card was written without it").format(error=error)
        ) from None
    (built.folder / card.CROISSANT).write_text(described, "utf-8")
    card.write(built, language)
    return [*drawn, built.folder / card.CROISSANT, built.folder / "README.md"]

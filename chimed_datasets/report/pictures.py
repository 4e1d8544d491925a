"""The card's pictures: the charts drawn as PNG files into ``DIR/pictures/``, NAME.png for a light
page and NAME-dark.png for a dark one, and says.json: NAME -> what the picture says.

`vl-convert` draws without a browser and without the network, in a font that comes along
(:mod:`.fonts`): ``pip install 'chimed-datasets[report]'``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from ..built import card
from ..built.dataset import Built
from ..built.manifest import to_json
from ..built.statistics import Statistics
from ..errors import ReportError, broken_extra
from . import fonts
from .charts import TITLES, VEGA_LITE, WIDTH, charts, theme
from .figures import figures

SCALE = 2
"""Pixels for each unit of a chart: sharp on a fine screen."""
_CELLS = WIDTH // 6
"""Letters of a line of what a picture says; a Chinese character is two wide."""


def renderer() -> Any:
    """Return the module `vl_convert`. Raises :class:`ReportError` where it is not installed."""
    try:
        import vl_convert
    except ImportError as error:
        raise ReportError(broken_extra(error, "report")) from None
    return vl_convert


def draw(built: Built, statistics: Statistics) -> list[Path]:
    """Draw every chart that has figures into ``pictures/``, in both themes; return the files."""
    folder = built.folder / card.PICTURES
    specs = charts(figures(built, statistics))
    drawn = {
        folder / f"{name}{card.DARK * dark}.png": png(titled(name, spec), dark)
        for name, spec in specs.items()
        for dark in (False, True)
    }
    says = {name: spec["usermeta"]["says"] for name, spec in specs.items()}
    drawn[folder / card.SAYS] = to_json(says).encode()
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for path, content in drawn.items():
        path.write_bytes(content)
    return list(drawn)


def titled(name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a chart's specification with its title and, below it, what it says."""
    says = list(_wrapped(spec["usermeta"]["says"]))
    return {**spec, "title": {"text": TITLES[name], "subtitle": says}}


def _wrapped(text: str) -> Iterator[str]:
    """Yield the lines of a sentence, as few as can be and of about the same length."""
    even = _cells(text) / ceil(_cells(text) / _CELLS) + 8
    line, wide = "", 0
    for word in text.split():
        cells = _cells(word)
        if line and wide + 1 + cells > min(even, _CELLS):
            yield line
            line, wide = "", 0
        line, wide = f"{line} {word}".strip(), wide + cells + bool(line)
    yield line


def _cells(text: str) -> int:
    return sum(1 + (east_asian_width(sign) in "WF") for sign in text)


def png(spec: Mapping[str, Any], dark: bool = False) -> bytes:
    """Draw one specification on the ground of a theme, with the Chinese font."""
    draws = renderer()
    with fonts.folder() as folder:
        draws.register_font_directory(str(folder))
        image: bytes = draws.vegalite_to_png(
            dict(spec), vl_version=VEGA_LITE, scale=SCALE, config=theme(fonts.NAME, dark)
        )
    return image

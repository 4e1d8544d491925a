"""The card's pictures: the charts drawn as PNG files into ``DIR/pictures/``, NAME.png for a light
page and NAME-dark.png for a dark one, and says.json: NAME -> what the picture says.

`vl-convert` draws without a browser and without the network, in a font that comes along
(:mod:`.fonts`): ``pip install 'chimed-datasets[report]'``.
"""

from __future__ import annotations

import re
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
from ..lang import language
from . import fonts
from .charts import VEGA_LITE, WIDTH, charts, theme, title
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
    return {**spec, "title": {"text": title(name), "subtitle": says}}


_PIECES = re.compile(
    "(\\s?)([（《]{0,3}(?:[^\\s\u3000-\u9fff\uff00-\uffef]+|[\u3400-\u9fff])[，。、；：）》！？]{0,3})"
)
"""What stays on one line: a word, or a Chinese character, with the Chinese signs round it."""


def _wrapped(text: str) -> Iterator[str]:
    """Yield the lines of a sentence, as few as can be and of about the same length."""
    even = _cells(text) / ceil(_cells(text) / _CELLS) + 8
    line, wide = "", 0
    pieces = [(" ", word) for word in text.split()]
    if language() != "en":
        pieces = _PIECES.findall(text)
    for space, word in pieces:
        cells, gap = _cells(word), bool(space and line)
        if line and wide + gap + cells > min(even, _CELLS):
            yield line
            line, wide, gap = "", 0, False
        line, wide = f"{line}{' ' * gap}{word}", wide + cells + gap
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

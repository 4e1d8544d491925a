"""The card's pictures: the charts drawn as PNG files into ``DIR/pictures/``.

`vl-convert` draws without a browser and without the network, in a font that comes along
(:mod:`.fonts`): ``pip install 'chimed-datasets[report]'``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..built.dataset import Built
from ..built.statistics import Statistics
from ..errors import ReportError, broken_extra
from . import fonts
from .charts import TITLES, VEGA_LITE, charts, theme
from .figures import figures

SCALE = 2
"""Pixels for each unit of a chart: sharp on a fine screen."""


def renderer() -> Any:
    """Return the module `vl_convert`. Raises :class:`ReportError` where it is not installed."""
    try:
        import vl_convert
    except ImportError as error:
        raise ReportError(broken_extra(error, "report")) from None
    return vl_convert


def draw(built: Built, statistics: Statistics) -> list[Path]:
    """Draw every chart that has figures into ``pictures/`` and return the files."""
    folder = built.folder / "pictures"
    drawn = {
        folder / f"{name}.png": png({**spec, "title": TITLES[name]})
        for name, spec in charts(figures(built, statistics)).items()
    }
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for path, content in drawn.items():
        path.write_bytes(content)
    return list(drawn)


def png(spec: Mapping[str, Any]) -> bytes:
    """Draw one specification on white, with the Chinese font."""
    draws = renderer()
    with fonts.folder() as folder:
        draws.register_font_directory(str(folder))
        image: bytes = draws.vegalite_to_png(
            dict(spec), vl_version=VEGA_LITE, scale=SCALE, config=theme(fonts.NAME)
        )
    return image

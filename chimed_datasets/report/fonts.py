"""The Chinese font that pictures and report bring with them: Noto Sans SC, from
`pylopdf-fonts-zh-cn` (SIL Open Font License). No machine need have a Chinese font of its own.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from ..errors import ReportError, broken_extra

NAME = "Noto Sans SC"
_FILE = "NotoSansSC-Regular.otf"
_FIRST = 0x2E80
"""Below it stand the scripts that every machine has a font for; from it on, Chinese."""


@contextmanager
def folder() -> Iterator[Path]:
    """Yield the folder of the font. Raises :class:`ReportError` where it is not installed."""
    try:
        font = resources.files("pylopdf_fonts_zh_cn")
    except ModuleNotFoundError:
        raise ReportError(
            "the Chinese font is not installed: pip install 'chimed-datasets[report]'"
        ) from None
    with resources.as_file(font) as place:
        yield place


def web_font(text: str) -> str:
    """Return the font with the Chinese characters of ``text`` alone, as a base64 WOFF."""
    try:
        from fontTools import subset
    except ImportError as error:
        raise ReportError(broken_extra(error, "report")) from None
    options = subset.Options()
    options.flavor = "woff"
    options.hinting = False
    options.layout_features = []
    options.drop_tables += ["GSUB", "GPOS", "BASE", "VORG", "vhea", "vmtx"]
    with folder() as place, subset.load_font(str(place / _FILE), options) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=sorted({ord(sign) for sign in text if ord(sign) >= _FIRST}))
        cutter.subset(font)
        out = io.BytesIO()
        subset.save_font(font, out, options)
    return base64.b64encode(out.getvalue()).decode()

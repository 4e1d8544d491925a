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
from ..lang import _

NAME = "Noto Sans SC"
_FILE = "NotoSansSC-Regular.otf"
_FIRST = 0x2E80
"""Below it stand the scripts that every machine has a font for; from it on, Chinese."""
_NOT_NEEDED = (b"GSUB", b"GPOS", b"BASE", b"VORG", b"vhea", b"vmtx")
"""Tables for forms that the page does not ask for, and for vertical text."""


@contextmanager
def folder() -> Iterator[Path]:
    """Yield the folder of the font. Raises :class:`ReportError` where it is not installed."""
    try:
        font = resources.files("pylopdf_fonts_zh_cn")
    except ModuleNotFoundError:
        raise ReportError(
            _("the Chinese font is not installed: pip install 'chimed-datasets[report]'")
        ) from None
    with resources.as_file(font) as place:
        yield place


def web_font(text: str) -> str:
    """Return the font with the Chinese characters of ``text`` alone, as a base64 WOFF."""
    try:
        import uharfbuzz as hb
        from fontTools.ttLib import TTFont
    except ImportError as error:
        raise ReportError(broken_extra(error, "report")) from None
    wanted = hb.SubsetInput()
    wanted.unicode_set.update({ord(sign) for sign in set(text) if ord(sign) >= _FIRST})
    wanted.flags = hb.SubsetFlags.NO_HINTING
    wanted.layout_feature_tag_set.clear()
    wanted.drop_table_tag_set.update(int.from_bytes(tag, "big") for tag in _NOT_NEEDED)
    with folder() as place:
        face = hb.Face(hb.Blob.from_file_path(str(place / _FILE)))
        cut = hb.subset(face, wanted).blob.data
    with TTFont(io.BytesIO(cut), recalcTimestamp=False) as font:
        font.flavor = "woff"
        out = io.BytesIO()
        font.save(out)
    return base64.b64encode(out.getvalue()).decode()

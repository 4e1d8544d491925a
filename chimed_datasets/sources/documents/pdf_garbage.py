"""Pages that hold no text: glyphs without a character, pictures of pages, stamps on them.

How much of a page is Chinese says nothing: pages of code, of figures or in English are good. The
file itself says it, where it does not tell which character a glyph is; and where it tells a wrong
one, how few of the characters are ones that anybody writes. Of good text 97 % and more of the
Chinese characters are among the common ones, of a page of rare names 64 %, of glyph numbers taken
for characters 16 to 26 %.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from .pdf_glyphs import HYPHEN, Glyphs, is_wide

MAX_UNMAPPED = 0.25
"""Of a page's glyphs, those of which the file does not say what they are. Good pages of formulas
and of tables of signs have up to 20 %, pages without ToUnicode 77 % and more."""
MAX_CONTROLS = 0.10
"""Of them, those that stand for no character or a private one: signs of formulas and lists do."""
MIN_COMMON = 0.45
_ENOUGH = 20
"""So few of a kind say nothing."""
STAMP = re.compile(
    r"扫描全能王|扫描创建|扫描王|由.{0,12}扫描|CamScanner|Scanned (?:with|by)|Scanner", re.I
)
"""What apps print on the pages that they scan."""
_PICTURE, _WHOLE_PAGE = 0.2, 0.8
"""How much of a page without text a picture covers that may be the page; and of one with a running
head of its own, where a smaller one is a figure."""


@lru_cache(maxsize=1)
def _common() -> tuple[np.ndarray, np.ndarray]:
    """Return bool[0x10000] twice: the characters of the first level of GB 2312, and of Big5."""
    simplified, traditional = np.zeros(1 << 16, bool), np.zeros(1 << 16, bool)
    for lead in range(0xB0, 0xD8):
        for trail in range(0xA1, 0xFF if lead < 0xD7 else 0xFA):
            simplified[ord(bytes([lead, trail]).decode("gb2312"))] = True
    for lead in range(0xA4, 0xC7):
        for trail in (*range(0x40, 0x7F), *range(0xA1, 0xFF)):
            if lead < 0xC6 or trail < 0x7F:
                traditional[ord(bytes([lead, trail]).decode("big5"))] = True
    return simplified, traditional


def why_garbage(page: Glyphs) -> str:
    """Return why a page's characters are none, or "" where they may be text."""
    codes = page.codes
    n = len(codes)
    if not n:
        return ""
    unmapped = int(np.diff(page.runs.start)[page.runs.unmapped].sum())
    if unmapped > MAX_UNMAPPED * n:
        return f"the file does not say which characters {unmapped:,} of its {n:,} glyphs are"
    private = (codes >= 0xE000) & (codes < 0xF900) | (codes >= 0xF0000)
    controls = (codes < 32) & (codes != HYPHEN) | (codes >= 0x7F) & (codes < 0xA0)
    none = int((controls | (codes == 0xFFFD)).sum())
    if none > max(MAX_CONTROLS * n, min(_ENOUGH, n // 2)):
        return f"{none:,} of its {n:,} characters are control characters"
    han = is_wide(codes) & ((codes >= 0x3400) & (codes < 0xFE30) | (codes >= 0x20000)) | private
    letters = codes[han | (codes >= 0x1000) & (codes < 0x1E00)]
    if len(letters) < _ENOUGH:
        return ""
    low = letters[letters < 0x10000]
    share = max(int(level[low].sum()) for level in _common()) / len(letters)
    if share < MIN_COMMON and int(private.sum()) * 2 < len(letters) + n:
        return f"only {share:.0%} of its {len(letters):,} characters are common ones"
    return ""


def is_picture(page: Glyphs) -> bool:
    """Whether what is drawn on a page without text, or with a running head alone, is the page."""
    if len(page.codes):
        return page.pictures > _WHOLE_PAGE
    return page.pictures > _PICTURE or page.shapes > 40

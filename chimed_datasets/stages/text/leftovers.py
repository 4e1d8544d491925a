"""What a conversion or a broken program left in place of text: 锟斤拷, ï¿½, 烫烫烫.

lost    characters that one program could not read and wrote as U+FFFD, and that another read in
        the wrong encoding: 锟斤拷 is what GBK makes of two U+FFFD in UTF-8, ï¿½ what Latin-1 makes
        of one, 閿熸枻鎷 what GBK makes of 锟斤拷. Each becomes one U+FFFD again; what stood there
        is unknown
memory  memory that a program never set and wrote out as text: bytes CC, CD, DD or EE FE, which GBK
        reads as 烫, 屯, 葺 or 铪. Three or more of them in a row go; 开水烫 and 屯留 stay
blanks  聽聽聽: blanks that do not break (&nbsp;), in UTF-8, read as GBK. Three or more become one
marks   ??????: what a program wrote that had no place for Chinese. Nothing is put in their place
"""

from __future__ import annotations

import re
from itertools import chain

LOST = "\ufffd"
LOST_SIGNS = "锟閿ï锘"
"""What stands for lost characters holds one of these; in Chinese text they are rare."""
_UNSET = "烫屯葺铪"
_BLANK = "聽"
MEMORY_SIGNS = _UNSET + _BLANK
MARK = "?"


def _after_lost() -> str:
    """What GBK makes of the last byte of a U+FFFD and the byte behind it."""
    trails = chain(range(0x40, 0x7F), range(0x80, 0xFF))
    return "".join(bytes([0xBD, trail]).decode("gb18030") for trail in trails)


# Two U+FFFD have six bytes, three characters of GBK. Of an odd number one is left over, and its
# last byte takes that of the next character with it.
_ODD = f"(?:锟[{_after_lost()}]|锟)?[?\ufffd]?"
_RUN = re.compile(rf"((?:锟斤拷)+){_ODD}|锟斤|ï¿½|(閿熸枻鎷(?:烽敓鏂ゆ嫹)?)")
_ALONE = re.compile(f"锟[{_after_lost()}]|锟[?\ufffd]")
_MEMORY = re.compile(f"(?:([{_UNSET}])\\1\\1+)+")
_BLANKS = re.compile(f"{_BLANK}{{3,}}")
_NOTHING = re.compile(r"[\W_□]*")


def marked_lost(text: str) -> str:
    """Return ``text`` with U+FFFD for what stands for lost characters.

    >>> marked_lost("养血锟斤拷锟斤拷止痛"), marked_lost("徐锟主任")
    ('养血\ufffd\ufffd止痛', '徐锟主任')
    """
    if "锟斤" not in text and "ï¿½" not in text and "閿熸枻鎷" not in text:
        return text
    certain = "锟斤拷" in text
    text = _RUN.sub(_lost, text)
    return _ALONE.sub(LOST, text) if certain else text


def _lost(match: re.Match[str]) -> str:
    pairs, again = match.groups()
    if again:
        return LOST * (1 + len(again) // 9)
    if not pairs:
        return LOST
    return LOST * (len(pairs) // 3 + (match.end() > match.end(1)))


def without_memory(text: str) -> str:
    """Return ``text`` without memory that was never set, and with a blank for blanks that GBK read
    as 聽.

    >>> without_memory("烫烫烫烫屯屯屯黄芪补气"), without_memory("水还烫烫的")
    ('黄芪补气', '水还烫烫的')
    """
    return _BLANKS.sub(" ", _MEMORY.sub("", text))


def is_nothing(text: str) -> bool:
    """Whether ``text`` holds nothing but lost characters, signs and blanks."""
    return _NOTHING.fullmatch(text) is not None

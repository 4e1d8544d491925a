r"""Escapes that a conversion spelt out letter by letter: ``\n``, ``\u3000``, ``\xa0``, ``\"``.

Undone where nothing else can be meant:

named    ``\u4e2d``, ``\u{4e2d}``, ``%u4e2d``, Excel's ``_x000D_``, and u4e2du6587 whose
         backslashes were lost: a code point in hexadecimal, each by itself. ``\xe4\xb8\xad``: bytes
         of UTF-8, or one character of Latin-1
a line   ``\n`` and ``\r\n`` between Chinese characters, signs and figures; where one stands so, or
         a named escape does, the text is an escaped one, and its ``\t``, ``\r``, ``\"`` and ``\/``
         go too

Left alone: LaTeX (``\nu``, ``\times``), regular expressions, paths (``C:\new``), and texts that
speak of escapes or show code.
"""

from __future__ import annotations

import re

import numpy as np

from .patterns import pattern

SIGNS = "\\%_u"
"""Every escape begins with one of these."""
_HEX = np.zeros(128, bool)
_HEX[[ord(c) for c in "0123456789abcdefABCDEF"]] = True
_BEHIND = np.zeros(128, bool)
_BEHIND[[ord(c) for c in "nutxU\"'/\\"]] = True
_HAN = "\u3400-\u9fff\uf900-\ufaff"
_WIDE = f"{_HAN}\u3000-\u303f\uff00-\uffef\u2010-\u2026\u00b7①-⓿\U0001f300-\U0001faff"
_NAMED = re.compile(
    r"\\{1,4}(?:u([0-9A-Fa-f]{4})(?:\\{1,4}u([Dd][C-Fc-f][0-9A-Fa-f]{2}))?"
    r"|u\{([0-9A-Fa-f]{2,6})\}|U([0-9A-Fa-f]{8})(?![0-9A-Fa-f])"
    r"|((?:x[0-9A-Fa-f]{2}(?:\\{1,4}(?=x))?){1,999}))"
    r"|%u([0-9A-Fa-f]{4})|_x(00[0-9A-Fa-f]{2})_"
)
_BARE = re.compile(r"(?<![0-9A-Za-z\\%])(?:u[0-9a-fA-F]{4}){2,999}(?![0-9A-Za-z])")
_CLASS = re.compile(r"\[[^\]\n\s]{0,80}?\\u[0-9A-Fa-f]{4}-\\[ux]|\\u[0-9A-Fa-f]{4}-\\u")
"""A class of characters, as regular expressions have them."""
_LINES = r"(?:(?:\\{1,4}r)?\\{1,4}n){1,9}"
_BREAK = pattern(
    rf"(?<=[{_WIDE}]){_LINES}(?=$|[{_WIDE}\s0-9A-Z*#(\[<\\-])"
    r"(?<!\\n(?=Vdash|VDash|Rightarrow|Leftarrow))"
    rf"|(?:^|(?<=[\sA-Za-z0-9.,;:!?)\]}}>%+*])){_LINES}(?=[{_WIDE}])"
)
"""Line ends that are spelt out, beside Chinese and with nothing that a command could have."""
_PATH = re.compile(
    r"(?<![A-Za-z])[C-HZc-hz]:\\[^\s，。；、：！？]{0,200}"
    r"|\\\\[A-Za-z0-9]{2,30}\\(?!\\)[^\s，。；]{0,200}"
)
_QUOTED = re.compile(r"([\"'“”‘’`「])(?:\\{1,4}[nrt]){1,9}([\"'“”‘’`」])")
"""An escape that is spoken of: "\\n"."""
_TALK = re.compile(
    r"换行符|转义|反斜杠|制表符|字符串|正则表达式"
    r"|(?:print|printf|println|join|split|replace|sub|strip|echo|puts|write|log|format)"
    r"\s?\(\s?[rbf]?[\"']"
)
_JSON = re.compile(r"\s*(?:\[\s*)?(?:\{\s*\"[^\"\n]{1,99}\"\s*:|\[\s*\")")
"""JSON as a text, as metadata may hold it: its escapes are its own."""
_COMMANDS = (
    "u|abla|e|eq|eg|i|ot|otin|olimits|onumber|ewline|ewcommand|ewpage|leq|geq|mid|"
    "ormalsize|oindent|atural|earrow|warrow|sim|cong|less|gtr|exists|parallel|prec|succ|"
    "subseteq|au|an|anh|ext|extbf|extit|extrm|extsf|exttt|extstyle|frac|binom|heta|imes|"
    "ilde|o|op|riangle|riangleq|ag|herefore|hinspace|iny|itle|ho|ight|ightarrow|"
    "ightharpoonup|m|angle|ceil|floor|vert|oot|times|isingdotseq|ightleftharpoons"
)
"""Commands of LaTeX without their first letter: nu, neq, tau, times, rho, right and others."""
_ANY = re.compile(
    r"\\{1,4}r\\{1,4}n(?![a-z])"
    rf"|\\{{1,4}}([nrt])(?!(?:{_COMMANDS})(?![a-z]))"
    r"|\\{1,3}([\"'/])"
)
"""What else is undone in a text that was escaped; the commands of LaTeX are not."""
_ASIDE = re.compile(r"\\[a-mo-qsv-wyzA-TV-Z()\[\]|,;!{}]|\$")
_CHARACTER = {"n": "\n", "r": "\n", "t": "\t"}


def may_be_spelt(
    sign: np.ndarray, second: np.ndarray, third: np.ndarray, sixth: np.ndarray
) -> np.ndarray:
    """Return bool[n]: which of n :data:`SIGNS` may begin an escape, by the characters behind them.

    All are code points. A text without one has nothing to be undone.
    """
    ascii_ = second < 128
    after = np.where(ascii_, second, 0)
    hexadecimal = _HEX[np.where(third < 128, third, 0)]
    found: np.ndarray = (sign == ord("\\")) & _BEHIND[after]
    found &= (second != ord("x")) | hexadecimal
    found |= (sign == ord("%")) & (second == ord("u")) & hexadecimal
    found |= (sign == ord("_")) & (second == ord("x")) & (third == ord("0"))
    found |= (sign == ord("u")) & _HEX[after] & hexadecimal & (sixth == ord("u"))
    return found


def unescaped(text: str) -> str:
    r"""Return ``text`` with the escapes that were spelt out as what they stand for.

    >>> unescaped(r"咳嗽\n无痰，\u3000夜里重")
    '咳嗽\n无痰，\u3000夜里重'
    >>> print(unescaped(r"$\nu \neq \rho$，见C:\new\表1"))
    $\nu \neq \rho$，见C:\new\表1
    """
    if "\\" not in text and "%u" not in text and "_x" not in text:
        return _BARE.sub(_bare, text) if "u" in text else text
    if _JSON.match(text) or _TALK.search(text):
        return text
    new = text if _CLASS.search(text) else _NAMED.sub(_named, text)
    new = _BARE.sub(_bare, new)
    if "\\" not in new:
        return new
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\x00{len(kept) - 1}\x00"

    # What is a path, or spoken of, stands aside. A null is no character of any text.
    plain = new.replace("\x00", "")
    aside = _QUOTED.sub(keep, _PATH.sub(keep, plain))
    done, found = _BREAK.subn(_breaks, aside)
    if found or new != text or _says_so(aside):
        done = _ANY.sub(_any, done)
    if done == aside:
        return new
    return re.sub("\x00([0-9]{1,9})\x00", lambda match: kept[int(match[1])], done)


def _says_so(text: str) -> bool:
    r"""Whether quotes, slashes or tabs alone say that ``text`` was escaped: each of its quotes is
    (\"上火\"), or tabs part Chinese, and no other command is near."""
    if _ASIDE.search(text):
        return False
    quotes = text.count('\\"')
    if quotes >= 2 and quotes % 2 == 0 and quotes == text.count('"'):
        return bool(_SAID.search(text))
    return ":\\/\\/" in text or bool(_TABS.search(text))


_SAID = pattern(rf"\\\"[{_WIDE}]|[{_WIDE}]\\\"")
_TABS = pattern(rf"[{_WIDE}]\\t(?=[{_WIDE}0-9]|\\)")


def _named(match: re.Match[str]) -> str:
    first, second, braced, wide, octets, percent, cell = match.groups()
    if octets:
        return _octets(match[0])
    point = int(first or braced or wide or percent or cell, 16)
    if second and 0xD800 <= point < 0xDC00:
        point = 0x10000 + ((point - 0xD800) << 10) + (int(second, 16) - 0xDC00)
        second = None
    if cell:
        return "\n" if point in (0x0A, 0x0D) else " " if point < 0x20 else match[0]
    if point > 0x10FFFF or (percent and point < 0x80):
        return match[0]
    character = "\ufffd" if 0xD800 <= point < 0xE000 else chr(point)
    return character + ("\ufffd" if second else "")


def _octets(spelt: str) -> str:
    """Bytes are UTF-8 where they can be; else each is a character of Latin-1. Controls stay."""
    data = bytes.fromhex(re.sub(r"[\\x]", "", spelt))
    if any(byte < 0x20 and byte not in b"\t\n\r" for byte in data):
        return spelt
    try:
        return data.decode()
    except UnicodeDecodeError:
        return spelt if any(0x80 <= byte < 0xA0 for byte in data) else data.decode("latin-1")


def _bare(match: re.Match[str]) -> str:
    spelt = match[0]
    text = "".join(chr(int(spelt[i + 1 : i + 5], 16)) for i in range(0, len(spelt), 5))
    return text if re.fullmatch(f"[{_HAN}\u3000-\u303f\uff00-\uffef]+", text) else spelt


def _breaks(match: re.Match[str]) -> str:
    return "\n" * match[0].count("n")


def _any(match: re.Match[str]) -> str:
    letter, sign = match.groups()
    return sign if sign else _CHARACTER[letter or "n"]

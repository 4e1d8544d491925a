"""Mail addresses, spelt apart or not, and web addresses."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from ..text.patterns import pattern
from .folding import Spans, Windows, matches

_LABEL = r"[A-Za-z0-9-]{1,63}(?<=[A-Za-z0-9])\."
_LABELS = rf"(?:{_LABEL}){{1,4}}"
_EMAIL = pattern(
    r"(?<![A-Za-z0-9._%+-])[.%+-]*+([A-Za-z0-9_][A-Za-z0-9._%+-]{0,63}+"
    rf"(?: ?@ ?|[(（\[【<](?:at|AT|a|A)[)）\]】>]){_LABELS}[A-Za-z]{{2,24}})(?![A-Za-z])"
)
# What people write for @ and for the dot. A plain word "at" counts before a spelt dot alone.
_AT = (
    r"(?: ?@ ?|%40|_(?:at|AT)_| ?[(（\[【<{〔] ?(?i:at|a|@|艾特|爱特|圈a|小老鼠) ?[)）\]】>}〕] ?"
    r"| ?[·*#] ?(?i:at) ?[·*#] ?| ?(?:艾特|爱特|圈[aA]?|小老鼠) ?)"
)
_DOT = r"(?: ?[.。，,·] ?| ?[(（\[【] ?(?i:dot|点|\.) ?[)）\]】] ?| ?(?:dot|DOT|点) ?)"
_SPELT_DOT = r"(?: ?[(（\[【] ?(?i:dot|点|\.) ?[)）\]】] ?| ?(?:dot|DOT|点|·) ?)"
_END = r"(?:(?:com|COM|c0m|net|org|edu|gov|cn)(?:\.cn)?|康姆)(?![A-Za-z0-9])"
_HOST = r"[A-Za-z0-9一二三六-]{1,40}"
_LOCAL = r"(?<![A-Za-z0-9._%+-])([A-Za-z0-9_](?:[A-Za-z0-9.+-]|_(?!at_|AT_)){0,63}"
_SPELT_EMAIL = pattern(
    rf"{_LOCAL}{_AT}(?:{_HOST}{_DOT}){{1,3}}{_END})"
    rf"|{_LOCAL}(?: (?:dot|DOT) [A-Za-z0-9]{{1,20}})? (?:at|AT) {_HOST}{_SPELT_DOT}{_END})"
    r"|(?<![A-Za-z0-9._%+-])((?:[A-Za-z0-9._] ){2,40}@(?: ?[A-Za-z0-9]){1,30} ?\. ?(?:[a-z] )"
    r"{1,5}[a-z])"
    r"(?![A-Za-z])"
)


_AT_SIGN = pattern(
    r"[@(（\[【<](?<![^A-Za-z0-9._%+ -].)(?:(?<=@) ?|(?:at|AT|a|A)[)）\]】>])[A-Za-z0-9-]{1,63}\."
)
_LOCAL_CHARS = frozenset(string.ascii_letters + string.digits + "._%+-")
_LONGEST_HOST = 4 * 64 + 24
_SPELT_AT = pattern(
    r"[@%_(（\[【<{〔·*#艾爱圈小]"
    rf"(?:(?<=@)(?: ?[A-Za-z0-9一二三六-]){{1,40}}?{_DOT}"
    r"|(?:(?<=圈)[aA]?|(?<=%)40|(?<=_)(?:at|AT)_"
    r"|(?<=[(（\[【<{〔]) ?(?i:at|a|@|艾特|爱特|圈a|小老鼠) ?[)）\]】>}〕]"
    rf"|(?<=[·*#]) ?(?i:at) ?[·*#]|(?<=[艾爱])特|(?<=小)老鼠) ?{_HOST}{_DOT})"
)
_WORD_AT = pattern(rf"[aA](?:(?<= a)t|(?<= A)T) {_HOST}{_SPELT_DOT}")


def emails(text: str, windows: Windows) -> Spans:
    """As of all the text: _EMAIL would try each word of a text in Latin script."""
    around: Windows = []
    for sign in matches(_AT_SIGN, text, windows):
        start, end = sign.start(), sign.end() + _LONGEST_HOST
        start -= text[start - 1 : start] == " "
        while start and text[start - 1] in _LOCAL_CHARS:
            start -= 1
        if around and start <= around[-1][1]:
            around[-1] = around[-1][0], end
        else:
            around.append((start, end))
    return (m.span(1) for m in matches(_EMAIL, text, around))


SPELT_CUES = ("@", "at", "AT", "圈", "小老鼠", "特", "(a", "（a", "【a", "%40", "A")


_HOST_END = pattern(
    r"(?:com|COM|c0m|net|org|edu|gov|cn)(?![A-Za-z0-9])|康姆|@(?: ?[A-Za-z0-9]){1,30} ?\. ?[a-z] "
)


def spelt_emails(text: str, windows: Windows) -> Spans:
    has_at = _SPELT_AT.search(text) or _WORD_AT.search(text)
    if has_at and _HOST_END.search(text):  # they cost a tenth of the pattern
        yield from (m.span(m.lastindex or 0) for m in matches(_SPELT_EMAIL, text, windows))


_URL_CHAR = r"[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]"
TLDS = (
    *("com", "net", "org", "edu", "gov", "mil", "cn", "hk", "tw", "jp", "kr", "uk", "info"),
    *("biz", "top", "xyz", "vip", "club", "shop", "site", "online", "wang", "cc", "tv", "mobi"),
    "asia",
)
"""What hosts end with; ``loops.c`` has them as well."""
_TLD = "|".join(TLDS)
# Three forms, sorted out after the first character, so that `re` can skip to the next such one.
_URL = pattern(
    rf"[A-Za-z0-9](?:(?<=[HhFf])(?i:ttps?|tp)://(?=[A-Za-z0-9]){_URL_CHAR}++"
    rf"|(?<![A-Za-z0-9@._-].)(?<=[Ww])(?i:ww)\.{_LABELS}[A-Za-z]{{2}}{_URL_CHAR}*+"
    rf"|(?<![A-Za-z0-9@._%+-].)[A-Za-z0-9-]{{0,62}}(?<=[A-Za-z0-9])\.(?:{_LABEL}){{0,3}}"
    rf"(?<=[A-Za-z0-9-]{{2}}\.)(?:{_TLD}|{_TLD.upper()})(?![A-Za-z0-9-])(?:[:/?#]{_URL_CHAR}*+)?)"
)
_URL_SIGN = pattern(
    rf"[.:](?:(?<=\.)(?:(?:{_TLD}|{_TLD.upper()})(?![A-Za-z0-9-])|(?<=[Ww]{{3}}\.)[A-Za-z0-9-])"
    r"|(?<=:)//)"
)
_REACH = 4 * 64
"""So far behind its beginning stands the first sign of an address, at most."""
_OF_A_WORK = pattern(
    r"(?i:https?://)?(?i:www\.|dx\.)?(?i:doi\.org|clinicaltrials\.gov|chictr\.org\.cn|pubmed\.ncbi"
    r"\.nlm\.nih\.gov|www\.ncbi\.nlm\.nih\.gov)(?![A-Za-z0-9.-])"
)
"""Addresses of papers and trials lead to no person; they are how a text tells its source."""


def urls(text: str, windows: Windows) -> Spans:
    for match in _addresses(text, windows):
        if not _OF_A_WORK.match(match[0]):
            yield match.start(), match.start() + _end_of_url(match[0])


def _addresses(text: str, windows: Windows) -> Iterator[re.Match[str]]:
    """As `matches` of _URL, which would try each word of a text in Latin script."""
    for start, end in windows:
        while sign := _URL_SIGN.search(text, start, end):
            match = _URL.search(text, max(start, sign.start() - _REACH), end)
            if not match:
                break
            yield match
            start = match.end()


def _end_of_url(url: str) -> int:
    """Return where the address ends and the punctuation of the sentence begins."""
    end, unopened = len(url), url.count(")") - url.count("(")
    while url[end - 1] in ".,;:!?'*_~-(" or (url[end - 1] == ")" and unopened > 0):
        unopened += (url[end - 1] == "(") - (url[end - 1] == ")")
        end -= 1
    return end

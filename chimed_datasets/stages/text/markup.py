"""HTML that was left in a text: entities become characters, tags go.

Only what is markup beyond doubt is touched: 血压<120, P<0.05, A<B>C and <内经> stay as they are.
"""

from __future__ import annotations

import html
import re
from html.entities import html5

FENCE = "```"
"""A text with a Markdown code block shows markup, so it is left alone."""


# --- entities ------------------------------------------------------------------------------------

_ENTITY = re.compile(
    r"&(?:amp;){0,9}(#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};"
    r"|(?:nbsp|ensp|emsp|ldquo|rdquo|lsquo|rsquo|quot|hellip|mdash|ndash|middot|times|deg|lt|gt)"
    r"(?![A-Za-z0-9=]))[；]?"
)


def unescape(text: str) -> str:
    """Return ``text`` with its entities as characters, escaped twice (&amp;nbsp;) or not.

    Only those of HTML's own list with their semicolon, and a few frequent ones without it:
    &copy=1 in an address is none.
    """
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    entity = match[1]
    if entity[0] == "#":
        return html.unescape("&" + entity)
    if entity[-1] == ";":
        return html5[entity] if entity in html5 else match[0]
    return html5[entity + ";"]


# --- tags ----------------------------------------------------------------------------------------

_NEW_LINE = re.compile(
    "address|article|aside|blockquote|body|br|center|dd|div|dl|dt|figcaption|figure|footer|form"
    "|h[1-6]|head|header|hr|html|legend|li|main|nav|ol|option|p|pre|section|select|table|tbody"
    "|tfoot|thead|title|tr|ul"
)
_INLINE = re.compile(
    "abbr|acronym|big|button|cite|code|del|em|embed|fieldset|font|frame|iframe|img|input|ins|kbd"
    "|label|link|mark|marquee|meta|nobr|noscript|object|param|small|source|span|strike|strong"
    "|style|script|sub|sup|svg|td|textarea|th|tt|var|video|audio|wbr"
)
_THOUGHT = re.compile("think|thinking|thoughts?|reasoning")
"""Marks of a reasoning trace: without them the thought would read as a part of the reply."""
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:_-]{0,20})(|\s[^<>]{0,2000})/?>")
_DECLARATION = re.compile(r"<!(?:DOCTYPE|doctype)[^<>]{0,500}>|<\?xml[^<>]{0,500}>")
_HIDDEN = (
    (re.compile(r"<!--"), re.compile(r"-->")),
    (re.compile(r"<script(?=[\s>])", re.I), re.compile(r"</script\s{0,9}>", re.I)),
    (re.compile(r"<style(?=[\s>])", re.I), re.compile(r"</style\s{0,9}>", re.I)),
    # What was struck out is not part of the text: <del>50</del>5mg are 5 mg.
    (re.compile(r"<del(?=[\s>])", re.I), re.compile(r"</del\s{0,9}>", re.I)),
    (re.compile(r"<strike(?=[\s>])", re.I), re.compile(r"</strike\s{0,9}>", re.I)),
)
_SUPERSCRIPT = re.compile(
    r"<sup(?:\s[^<>]{0,200})?>([^\n]{0,80}?)</sup\s{0,9}>"
    r"|<span\s[^<>]{0,200}vertical-align\s?:\s?super[^<>]{0,200}>([^<\n]{0,20})</span\s{0,9}>"
    r"|\[sup\]([0-9+−-]{1,4})\[/sup\]|\[/?(?:sup|sub)\]",
    re.I,
)
_STRUCK = re.compile(r"(?<=.)<s(?:\s[^<>]{0,200})?>[^<\n]{1,80}</s\s{0,9}>", re.I)
"""Not at the beginning of a line: <s> and </s> stand round the texts of some models."""
_POWER = re.compile(r"([+−–—－＋-]?[0-9０-９]{1,4}[+−-]?|[+−-])(\.[0-9]+)?((?:/|[^\W\d])[^<]*)?")
"""What is raised: a number, what follows its point, and a unit that was taken in by mistake."""
_RAISED = str.maketrans("0123456789０１２３４５６７８９+-−–—－＋", "⁰¹²³⁴⁵⁶⁷⁸⁹⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁻⁻⁺")


def strip_tags(text: str) -> str:
    """Return ``text`` without tags. Block tags become line breaks, 10<sup>9</sup> becomes 10⁹, and
    10<sup>5.2</sup> becomes 10^5.2. What was struck out goes.

    Tags are those of HTML, and others (<l>…</l>) where both ends are there; a name of one letter
    but p needs both ends too. Scripts, styles and comments go with what they hold.
    """
    if "[" in text or "<" in text:
        text = _SUPERSCRIPT.sub(_raised, text)
    if "<" not in text:
        return text
    for opening, closing in _HIDDEN:
        text = _without_hidden(text, opening, closing)
    text = _STRUCK.sub("", _DECLARATION.sub("", text))
    found = _TAG.findall(text)
    opened = {name.lower() for slash, name, _ in found if not slash}
    paired = opened & {name.lower() for slash, name, _ in found if slash}

    def replaced(match: re.Match[str]) -> str:
        _, name, attributes = match.groups()
        name = name.lower()
        block = _NEW_LINE.fullmatch(name)
        if _THOUGHT.fullmatch(name):
            return match[0]
        if name not in paired:
            if not block and not _INLINE.fullmatch(name):
                return match[0]
            if attributes.strip(" \t\r\n/") and "=" not in attributes:
                return match[0]
        return "\n" if block else " " if name in ("td", "th") else ""

    return _TAG.sub(replaced, text) if found else text


def _raised(match: re.Match[str]) -> str:
    inner = next((part for part in match.groups() if part is not None), "")
    found = _POWER.fullmatch(_TAG.sub("", inner).strip())
    if not found:
        return inner
    power, point, unit = found.groups()
    if point:
        return f"^{power}{point}{unit or ''}"
    return power.translate(_RAISED) + (unit or "")


def _without_hidden(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    """Cut from each opening to its closing; an opening without one stays."""
    parts, at = [], 0
    while start := opening.search(text, at):
        end = closing.search(text, start.end())
        if end is None:
            break
        parts.append(text[at : start.start()])
        at = end.end()
    return "".join([*parts, text[at:]]) if parts else text

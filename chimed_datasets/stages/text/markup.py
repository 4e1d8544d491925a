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
_ROW = re.compile("li|tr")
"""Each begins a line of a list or table, whatever else stands between it and the one before."""
_CELL = re.compile("td|th")
_FORMAT = re.compile("b|i|u|a|q|s|font|em|strong|span|big|small|ins|mark|code")
_THOUGHT = re.compile("think|thinking|thoughts?|reasoning")
"""Marks of a reasoning trace: without them the thought would read as a part of the reply."""
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:_-]{0,20})(|\s[^<>]{0,2000})/?>")
_CUT_SHORT = re.compile(
    r"<(?:/[A-Za-z][A-Za-z0-9]{0,9}|br|hr|p|div|span|img|font|strong|table|li|ul|ol|tr|td|h[1-6]"
    r"|(?:[A-Za-z][A-Za-z0-9]{0,9})\s[a-zA-Z-]{1,20}=[^<>]{0,500})\s{0,9}/?\s*$",
    re.I,
)
"""A tag at the end of a text that was cut off amid it; P<b and 血压<90 are none."""
_LOOSE = re.compile(
    r"<(/?)\s{1,3}(/?)(br|hr|div|span|img|font|strong|table|li|ul|ol|tr|td|p)\s{0,3}/?>", re.I
)
"""A tag with a blank behind its bracket."""
_DECLARATION = re.compile(r"<!(?:DOCTYPE|doctype)[^<>]{0,500}>|<\?xml[^<>]{0,500}>")
_HIDDEN = (
    (re.compile(r"<!--"), re.compile(r"-->")),
    (re.compile(r"<script(?=[\s>])", re.I), re.compile(r"</script\s{0,9}>", re.I)),
    (re.compile(r"<style(?=[\s>])", re.I), re.compile(r"</style\s{0,9}>", re.I)),
    # What was struck out is not part of the text: <del>50</del>5mg are 5 mg.
    (re.compile(r"<del(?=[\s>])", re.I), re.compile(r"</del\s{0,9}>", re.I)),
    (re.compile(r"<strike(?=[\s>])", re.I), re.compile(r"</strike\s{0,9}>", re.I)),
)
_NEW_ROW, _PLACE = "\x00", "\x01"
"""Stand for a row's line break and for a picture until all tags are gone; controls go anyway."""
PICTURE = "[图]"
"""Stands for a picture that was, or may have been, a part of a value."""
_ALT = re.compile(r"(?i:\balt)\s{0,3}=\s{0,3}(?:\"([^\"]{0,200})\"|'([^']{0,200})')")
_FILE = re.compile(r"\.(?:jpe?g|png|gif|bmp|webp|svg)\b|^(?:image|img|pic|图片?)[-_ 0-9]*$", re.I)
_FORMULA = re.compile(r"[=<>≤≥≈×÷±^√∑]|[0-9]\s?(?:[a-zA-Zμ%℃°]|[+*/-]\s?[0-9])")
_VALUE_BEFORE = re.compile(r"(?:[0-9.=<>≤≥≈×÷±~～+/^％%-]|小于|大于|等于|约为|达到)\s?$")
_VALUE_BEHIND = re.compile(
    r"\s?(?:[0-9.=<>≤≥≈×÷±%^]|(?:m?mol|[mkμ]?g|m?L|ml|mm|cm|mmHg|kPa|U|IU)(?![a-z])"
    r"|片(?![子状])|粒|丸|支(?!气)|袋|滴|岁|小时|分钟|毫米|厘米|毫克|微克|毫升|公斤|千克|[次克升]/|℃|度[，。])"
)
_WORD = re.compile(r"\w\s?$")
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

    The lines of lists and tables follow one another; a TAB parts the cells. A picture amid a value
    leaves its words (``alt``), else [图]: 血氧分压<img>95mmHg is no 95 for sure.

    Tags are those of HTML, and others (<l>…</l>) where both ends are there; a name of one letter
    but p needs both ends too. Scripts, styles and comments go with what they hold.
    """
    if _NEW_ROW in text or _PLACE in text:
        text = text.replace(_NEW_ROW, "").replace(_PLACE, "")
    if "[" in text or "<" in text:
        text = _SUPERSCRIPT.sub(_raised, text)
    if "<" not in text:
        return text
    for opening, closing in _HIDDEN:
        text = _without_hidden(text, opening, closing)
    text = _STRUCK.sub("", _DECLARATION.sub("", text))
    text = _LOOSE.sub(r"<\1\2\3>", text)
    if text.rfind("<") > text.rfind(">"):
        text = _CUT_SHORT.sub("", text)
    found = _TAG.findall(text)
    opened = {name.lower() for slash, name, _ in found if not slash}
    closed = {name.lower() for slash, name, _ in found if slash}
    paired = opened & closed
    crossed = any(map(_FORMAT.fullmatch, closed - opened))  # <b>…</i>: one was meant for the other

    alts: list[str] = []
    settled: dict[str, str] = {}  # what stands for each kind of tag: a text has few
    doubtful: set[str] = set()  # the tags that may be a comparison, by what stands before them

    def replaced(match: re.Match[str]) -> str:
        stands = settled.get(match[0])
        if stands is None:
            stands = decided(match)
        return match[0] if match[0] in doubtful and _behind_a_sign(match) else stands

    def decided(match: re.Match[str]) -> str:
        slash, name, attributes = match.groups()
        name = name.lower()
        if name == "img":
            alts.append(attributes)
            return _PLACE
        if _FORMAT.fullmatch(name) and not (slash or name in paired or _INLINE.fullmatch(name)):
            doubtful.add(match[0])
        settled[match[0]] = stands_for(match[0], slash, name, attributes)
        return settled[match[0]]

    def stands_for(tag: str, slash: str, name: str, attributes: str) -> str:
        block = _NEW_LINE.fullmatch(name)
        if _THOUGHT.fullmatch(name):
            return tag
        if name not in paired:
            known = block or _INLINE.fullmatch(name)
            if not known and not (_FORMAT.fullmatch(name) and (slash or crossed)):
                return tag
            if attributes.strip(" \t\r\n/") and "=" not in attributes:
                return tag
        if _ROW.fullmatch(name):
            return "" if slash else _NEW_ROW
        if _CELL.fullmatch(name):
            return " " if slash else "\t"
        return "\n" if block else ""

    if not found:
        return text
    text = _rows(_TAG.sub(replaced, text))
    return _pictures(text, alts) if alts else text


def _behind_a_sign(match: re.Match[str]) -> bool:
    """Whether an opening tag may be a comparison: A<B> and P<i> are."""
    before = match.string[match.start() - 1 : match.start()]
    return before.isascii() and before.isalnum()


def _rows(text: str) -> str:
    """Return ``text`` with one line break for each mark of a row and the blanks round it."""
    if _NEW_ROW not in text:
        return text
    parts = [part.strip(" \n\r\t") for part in text.split(_NEW_ROW)]
    parts[-1] = text[text.rindex(_NEW_ROW) + 1 :].lstrip(" \n\r\t")
    return "\n".join(part for part in parts if part)


def _pictures(text: str, attributes: list[str]) -> str:
    """Return ``text`` with nothing for its pictures; amid a value, their words or a mark."""
    parts = text.split(_PLACE)
    done = [parts[0]]
    for number, own in enumerate(attributes, 1):
        found = _ALT.search(own)
        alt = (found[1] or found[2] or "").strip() if found else ""
        alt = "" if _FILE.search(alt) else alt
        before, behind = done[-1][-12:], parts[number][:12]
        if _VALUE_BEFORE.search(before) or (_VALUE_BEHIND.match(behind) and _WORD.search(before)):
            done.append(alt or PICTURE)
        elif _FORMULA.search(alt):
            done.append(alt)
        done.append(parts[number])
    return "".join(done)


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

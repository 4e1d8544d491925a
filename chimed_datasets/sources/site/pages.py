"""Web pages to rows: bytes to text in the right encoding, elements to readable lines, and the
fields that a site file names.

A thread's row has the fields of the layout `chimed_pages`, an article's row ``title``, ``text``
and its metadata; both have ``license`` and ``permission``. Answers stand in the order of the
page, with their marks as the page has them.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...errors import SourceError, broken_extra
from ...records import Document, Malformed, Record, pseudonym
from ..files.decoding import GBK_BLANK, Decoded, decode
from ..parsing.row import RowError
from ..parsing.threads import thread
from .site_file import Answers, ArticlePage, Pick, Site, ThreadPage, is_xpath

if TYPE_CHECKING:
    from parsel import Selector

_DECLARED = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{2,20})", re.I)
_TRUSTED = {
    **dict.fromkeys(("utf-8", "utf8"), "utf-8"),
    **dict.fromkeys(("gb2312", "gbk", "gb18030", "x-gbk"), "gb18030"),
    **dict.fromkeys(("big5", "big5-hkscs", "big5hkscs"), "big5hkscs"),
}
"""Declared encodings that are believed where the bytes bear them out. Others (iso-8859-1 above
all) are what a server sends when nobody set anything."""


def decode_page(body: bytes, header: str = "") -> Decoded:
    """Return a page's text; ``header`` is its Content-Type, "" where there is none.

    An encoding that header or page declare is used where the whole page is valid in it; else it
    is found from the bytes, as for any file.
    """
    if not body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        stated = re.search(r"charset\s*=\s*[\"']?([\w-]+)", header, re.I)
        meta = _DECLARED.search(body[:4096])
        for name in (stated and stated[1], meta and meta[1].decode()):
            codec = _TRUSTED.get((name or "").lower())
            if codec:
                try:
                    text = body.decode(codec)
                except UnicodeDecodeError:
                    continue
                if codec == "gb18030":
                    text = text.replace(GBK_BLANK, "\u3000")
                return Decoded(text.replace("\r\n", "\n"), codec, 0)
    return decode(body)


def parse(text: str) -> Selector:
    """Return the page as a tree; broken HTML is mended as browsers do."""
    try:
        from parsel import Selector
    except ImportError as error:
        raise SourceError(broken_extra(error, "collect")) from None
    return Selector(text=text.replace("\0", "") or "<html/>", type="html")


# --- elements to text ------------------------------------------------------------------------

_UNSEEN = {
    "script",
    "style",
    "template",
    "noscript",
    "head",
    "iframe",
    "object",
    "button",
    "select",
}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "br", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
    "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody",
    "tfoot", "thead", "tr", "ul", "caption",
}  # fmt: skip
_CELLS = {"td", "th"}
_WIDE = r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]"
_BROKEN_LINE = re.compile(rf"(?<={_WIDE})[ \t]*\n\s*(?={_WIDE})")
_BLANKS = re.compile(r"[^\S\n]+")


def element_text(element: Any) -> str:
    """Return the text of an lxml element as it is seen: a line for each block, cells of a table
    parted by blanks, scripts and comments left out."""
    from lxml import etree

    parts: list[str] = []
    kept = 0  # how many <pre> stand around: there a line break is one
    walk = etree.iterwalk(element, events=("start", "end", "comment", "pi"))
    for event, node in walk:
        tag = node.tag
        if event == "start":
            if tag in _UNSEEN:
                walk.skip_subtree()
                continue
            kept += tag == "pre"
            parts.append("\n" if tag in _BLOCKS else " " if tag in _CELLS else "")
            parts.append(_flowing(node.text, kept))
            continue
        if event == "end":
            kept -= tag == "pre"
            parts.append("\n" if tag in _BLOCKS and tag not in _UNSEEN else "")
        if node is not element:
            parts.append(_flowing(node.tail, kept))
    return tidy("".join(parts))


def _flowing(text: str | None, kept: int) -> str:
    """A line break inside a paragraph is a blank, and nothing between Chinese characters."""
    if not text or kept or "\n" not in text:
        return text or ""
    return _BROKEN_LINE.sub("", text).replace("\n", " ")


def tidy(text: str) -> str:
    """Return the lines without outer blanks and without empty ones."""
    lines = (_BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(filter(None, lines))


def is_page(content_type: str, body: bytes) -> bool:
    """Whether a response is a web page: by its Content-Type, and by its first bytes without."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        return True
    return kind in ("", "text/plain") and b"<html" in body[:2048].lower()


_PIECES = re.compile(r"\W+")


def main_text(text: str, seen: str) -> str:
    """Return the lines of a page that are its main text; ``seen`` is its whole `element_text`.

    Which lines these are is trafilatura's judgement; how they read is ours, as it writes a short
    page without line breaks. Its settings are those that lost least of our test pages: a menu too
    many is the lesser harm, an answer or a list of symptoms gone the greater. See
    docs/why/main-text.md.
    """
    try:
        import trafilatura
    except ImportError as error:
        raise SourceError(broken_extra(error, "collect")) from None
    page = text.replace("\0", "")
    if "<html" not in page[:10_000].lower():  # it takes a mere fragment for no page
        page = f"<html><body>{page}</body></html>"
    main = trafilatura.extract(page, favor_recall=True, include_comments=False)
    bare = _PIECES.sub("", main or "")
    lines = []
    for line in seen.split("\n"):
        pieces = [piece for piece in _PIECES.split(line) if piece]
        taken = sum(len(piece) for piece in pieces if piece in bare)
        if taken and 2 * taken >= sum(map(len, pieces)):
            lines.append(line)
    return "\n".join(lines)


# --- fields ----------------------------------------------------------------------------------


def _find(within: Selector, selector: str) -> Any:
    return within.xpath(selector) if is_xpath(selector) else within.css(selector)


def _texts(within: Selector, pick: Pick | None) -> Iterator[str]:
    """Yield the non-empty texts of what ``pick`` finds, in the order of the page."""
    if pick is None:
        return
    for element in _find(within, pick.select):
        root = element.root
        text = tidy(str(root)) if isinstance(root, (str, float, bool)) else element_text(root)
        if pick.pattern:
            match = re.search(pick.pattern, text)
            text = (match[1] if match.re.groups else match[0]) or "" if match else ""
        if text.strip():
            yield text.strip()


def _first(within: Selector, pick: Pick | None) -> str:
    return next(_texts(within, pick), "")


def _remove(page: Selector, rule: ThreadPage | ArticlePage) -> None:
    for selector in rule.remove:
        for element in _find(page, selector):
            if (parent := getattr(element.root, "getparent", lambda: None)()) is not None:
                _drop(parent, element.root)


def _drop(parent: Any, element: Any) -> None:
    """Take an element out and leave the text behind it."""
    if element.tail:
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)


def row_of(page: Selector, rule: ThreadPage | ArticlePage, site: Site) -> dict[str, Any]:
    """Return the row of a page.

    Raises :class:`RowError` ("no_question", "no_answer", "no_text") where the page lacks what its
    kind cannot do without. The page is changed: what ``rule.remove`` finds is gone.
    """
    _remove(page, rule)
    terms = {"license": site.terms, "permission": site.permission or ""}
    if isinstance(rule, ThreadPage):
        return _thread(page, rule) | terms
    text = "\n".join(_texts(page, rule.text))
    if not text:
        raise RowError("no_text", f"nothing at {rule.text.select!r}")
    more = {name: "\n".join(_texts(page, pick)) for name, pick in rule.metadata.items()}
    return {"title": _first(page, rule.title), "text": text, **more} | terms


def _thread(page: Selector, rule: ThreadPage) -> dict[str, Any]:
    question = "\n".join(_texts(page, rule.question))
    title = _first(page, rule.title)
    if not (question or title):
        raise RowError("no_question", f"nothing at {rule.question.select!r}")
    answers = _answers(page, rule.answers)
    if not answers:
        raise RowError("no_answer", f"nothing at {rule.answers.each!r}: {title or question}")
    return {
        "department": ">".join(_texts(page, rule.department)),
        "title": title,
        "question_content": question,
        "patient_infos": list(_texts(page, rule.patient_info)),
        "question_time": _first(page, rule.question_time),
        "labels": "\t".join(_texts(page, rule.keyphrases)),
        "answers": answers,
        "follow_ups": list(_texts(page, rule.follow_ups)),
    }


def _answers(page: Selector, rule: Answers) -> list[dict[str, Any]]:
    """Return the answers in page order. One that a page shows twice (in a box of its own and in
    the list) is one answer, at its first place, with the marks of both."""
    answers: list[dict[str, Any]] = []
    for part in _find(page, rule.each):
        text = "\n".join(_texts(part, rule.text))
        if not text:
            continue
        author = pseudonym(_first(part, rule.author))
        twins = (a for a in answers if a["answer"] == text and author in (a["mid"], None))
        answer = next(twins, None)
        if answer is None:
            answer = {"answer": text, "mid": author}
            answers.append(answer)
        for mark in ("adopted", "recommended"):
            if (pick := getattr(rule, mark)) is not None:
                answer[mark] = answer.get(mark, False) or _marked(part, pick)
    return answers


def _marked(part: Selector, pick: Pick) -> bool:
    """A mark is there where its selector finds something, be it an icon without text."""
    if pick.pattern:
        return any(_texts(part, pick))
    return bool(_find(part, pick.select))


def record_of(key: str, text: str, site: Site, url: str | None = None) -> Record | Malformed:
    """Return the record of a page; ``url``, where it is known, says what kind of page it is."""
    rules = site.pages if url is None else [rule] if (rule := site.page(url)) else []
    refused = Malformed(key, "no_rule", f"no page of site {site.name!r} matches {url}")
    for number, rule in enumerate(rules):
        try:
            # A tree of its own: reading a page by a rule takes out what the rule removes.
            return as_record(key, rule.kind, row_of(parse(text), rule, site))
        except RowError as error:
            if number == 0:
                refused = Malformed(key, error.rule, error.evidence)
    return refused


def as_record(key: str, kind: str, row: dict[str, Any]) -> Record:
    """Return the record of a row that :func:`row_of` made."""
    if kind == "thread":
        return thread({}, key, row)
    more = {k: v for k, v in row.items() if k not in ("title", "text", "license") and v}
    return Document(key, row["text"], row["title"] or None, metadata=more)

"""The text of a wiki page: what a reader sees of its templates, tables, links and notes.

mwparserfromhell parts the page; which pieces a reader sees is said here. Templates that show a text
of their own are in :data:`TEXTS`; all others (boxes, references, navigation) are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...errors import SourceError, broken_extra
from ...lang import _
from .variants import resolved

MAX_CHARS = 3_000_000
"""A wiki takes no page of more than 2 MiB."""

_FILES = {"file", "image", "media", "文件", "檔案", "档案", "图像", "圖像", "图片", "圖片", "媒体",
          "媒體"}  # fmt: skip
_CATEGORIES = {"category", "分类", "分類"}
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]{2,10})?|simple|zh-[a-z-]{2,20}", re.I)
_GONE = {
    "ref", "references", "gallery", "timeline", "imagemap", "score", "templatestyles", "graph",
    "mapframe", "maplink", "section", "indicator", "includeonly", "inputbox", "categorytree",
    "rt", "rp", "style", "script", "hiero", "languages",
}  # fmt: skip
_LINES = {"br", "hr", "p", "div", "li", "dd", "dt", "ul", "ol", "dl", "blockquote", "center",
          "poem", "pre", "caption"}  # fmt: skip
_RAW = {"nowiki", "math", "chem", "code", "pre", "syntaxhighlight", "source", "tt", "kbd"}
_MAGIC = re.compile(r"__[A-Z]{2,30}__|__(?:目录|无目录|強制目錄|强制目录|不转换|无编辑段落)__")
_EMPTY = re.compile(r"[（(][\s，,;；、:：]{0,20}[)）]|《》|“”|\[\]")
_NO_TEXT = {"displaytitle", "defaultsort"}
_FIRST = {
    "nowrap", "nobr", "small", "big", "nobold", "bold", "b", "i", "em", "strong", "abbr", "kbd",
    "tt", "sup", "sub", "ruby", "nihongo", "僻字", "僻字2", "pua", "zy", "quote", "quotation",
    "cquote",    "blockquote", "引用", "link", "smaller", "larger", "lj", "audio", "ipa", "unicode",
    "zh", "cjk-new-char", "linktext", "le", "link-en", "link-ja", "link-de", "link-fr",
    "link-la", "link-ru", "link-ko", "link-es", "link-it", "ill", "illm", "ilh",
    "internal link helper", "internallinkhelper", "internal link helper/en", "青空", "mono", "u",
    "char", "keypress", "vanchor", "visible anchor", "wikt", "en-link", "snamei", "sname",
    "species",
}  # fmt: skip
_THIRD_OR_FIRST = {"le", "link-en", "link-ja", "link-de", "link-fr", "link-la", "link-ru",
                   "link-ko", "link-es", "link-it", "en-link"}  # fmt: skip
_SECOND = {"lang", "color", "fontcolor", "font color", "fontsize", "font", "transl"}
_TONGUES = {
    "en": "英语", "la": "拉丁语", "de": "德语", "fr": "法语", "ja": "日语", "ru": "俄语",
    "el": "希腊语", "grc": "古希腊语", "es": "西班牙语", "it": "意大利语", "ko": "韩语",
    "ar": "阿拉伯语", "sa": "梵语", "pt": "葡萄牙语", "vi": "越南语", "bo": "藏语", "mn": "蒙古语",
    "nl": "荷兰语", "fa": "波斯语", "he": "希伯来语", "hi": "印地语", "th": "泰语",
    "ug": "维吾尔语",
}  # fmt: skip
_SIGNS = {"!": "|", "=": "=", "·": "·", "dot": "·", "bullet": "•", "nbsp": " ", "spaces": " ",
          "-": "\n", "clear": "\n", "snd": " – "}  # fmt: skip


@dataclass
class WikiPage:
    """text: of a page, without empty lines. categories: that it names, in their order."""

    text: str = ""
    categories: list[str] = field(default_factory=list)


def parser() -> Any:
    """Return mwparserfromhell. Raises :class:`SourceError` where it is not installed."""
    try:
        import mwparserfromhell
    except ImportError as error:
        raise SourceError(f"{broken_extra(error, 'office')}.") from None
    return mwparserfromhell


_LINKED = re.compile(r"\[\[\s{0,5}(?:category|分类|分類)\s{0,5}:([^\[\]|\n]{1,200})", re.I)


def categories_of(text: str) -> list[str]:
    """Return the categories that a wiki text names, without reading the rest of it."""
    return list(dict.fromkeys(_title(one) for one in _LINKED.findall(text)))


_REDIRECT = re.compile(
    r"\s{0,20}#(?:redirect|重定向)\s{0,5}[:：]?\s{0,5}\[\[([^\]|#\n]{1,300})", re.I
)


def redirect_of(text: str) -> str | None:
    """Return where a wiki text leads to that says nothing else, or None."""
    found = _REDIRECT.match(text)
    return _title(found[1]) if found else None


_OPENED = re.compile(
    r"(\{\{|\{\||\[)|(\}\}|\|\}|\])|<(/?)([a-z][a-z0-9]{0,20})(?=[\s>])[^<>]{0,500}>", re.I
)
_SINGLE = {"br", "wbr", "hr", "meta", "link", "img", "li", "dt", "dd", "th", "td", "tr"}
_MOST_WORK = 100_000_000
"""Each sign that is never closed makes the parser read to the page's end: so many characters."""


def _check_closed(text: str) -> None:
    """Raise ValueError where so much is opened and never closed that reading takes long."""
    depths: dict[str, int] = {}
    most = 0
    for opens, closes, slash, tag in _OPENED.findall(text):
        name = opens or {"}}": "{{", "|}": "{|", "]": "["}.get(closes, tag.lower())
        if name in _SINGLE:
            continue
        depth = max(depths.get(name, 0) + (-1 if closes or slash else 1), 0)
        depths[name] = depth
        most = max(most, depth)
    if most * len(text) > _MOST_WORK:
        raise ValueError(
            _("{most:,} templates, links or elements in it are never closed").format(most=most)
        )


def page_of(text: str, variant: str = "zh-cn") -> WikiPage:
    """Return what a reader of ``variant`` sees of a wiki text. Raises ValueError for one that opens
    very much and closes none of it."""
    text = resolved(text, variant)
    _check_closed(text)
    page = WikiPage(categories=categories_of(text))
    pieces = list(_Reader().of(parser().parse(text, skip_style_tags=False)))
    page.text = tidied("".join(pieces))
    return page


def tidied(text: str) -> str:
    """Return the lines that hold something, without magic words and empty brackets; a heading over
    nothing is left out."""
    text = _EMPTY.sub("", _MAGIC.sub("", text))
    lines: list[str] = []
    for line in text.split("\n"):
        line = " ".join(part for part in line.split(" ") if part)
        line = line.strip(" \t\u3000") if "\t" not in line else line.strip(" \u3000")
        if not line.strip(_HEAD + " \t"):
            continue
        if line.startswith(_HEAD):
            level = len(line) - len(line.lstrip(_HEAD))
            while lines and lines[-1].startswith(_HEAD) and _level(lines[-1]) >= level:
                lines.pop()
        lines.append(line)
    while lines and lines[-1].startswith(_HEAD):
        lines.pop()
    return "\n".join(line.lstrip(_HEAD) for line in lines)


_HEAD = "\x01"
"""A heading begins with so many of these as its level is, until the lines are put together."""


def _level(line: str) -> int:
    return len(line) - len(line.lstrip(_HEAD))


def _title(text: str) -> str:
    return " ".join(text.replace("_", " ").split())


class _Reader:
    """Yields the pieces of text of parsed wiki text."""

    def of(self, code: Any) -> Iterator[str]:
        if code is None:
            return
        for node in code.nodes:
            kind = type(node).__name__
            if kind == "Text":
                yield str(node.value)
            elif kind == "Wikilink":
                yield from self._link(node)
            elif kind == "Template":
                yield from self._template(node)
            elif kind == "Tag":
                yield from self._tag(node)
            elif kind == "Heading":
                text = "".join(self.of(node.title))
                yield "\n" + _HEAD * int(node.level) + " ".join(text.split()) + "\n"
            elif kind == "ExternalLink":
                if node.title is not None:
                    yield from self.of(node.title)
                elif not node.brackets:
                    yield str(node.url)
            elif kind == "HTMLEntity":
                yield _entity(node)
            elif kind == "Argument":
                yield from self.of(node.default)

    def _text(self, code: Any) -> str:
        return "".join(self.of(code)).strip()

    def _link(self, node: Any) -> Iterator[str]:
        target = str(node.title).strip()
        shown = target.startswith(":")
        space, colon, __ = target.lstrip(":").partition(":")
        space = space.strip().lower()
        if not shown and colon and (space in _FILES or space in _CATEGORIES):
            return
        if not shown and colon and _LANGUAGE.fullmatch(space) and node.text is None:
            return
        if node.text is not None and str(node.text).strip():
            yield from self.of(node.text)
            return
        text = "".join(self.of(node.title)).strip().lstrip(":")
        if node.text is not None:  # [[甲 (乙)|]] is shown as 甲
            text = re.sub(r"\s?[（(][^（(）)]{0,200}[)）]$", "", text.partition(":")[2] or text)
        yield text.replace("_", " ").partition("#")[0] or text

    def _template(self, node: Any) -> Iterator[str]:
        name = _title(str(node.name)).lower().removeprefix("template:")
        name = name.partition(":")[0] if name.partition(":")[0] in _NO_TEXT else name
        if name in _SIGNS:
            yield _SIGNS[name]
            return
        given = {str(one.name).strip(): one.value for one in node.params}

        def value(*keys: str) -> str:
            return next((text for key in keys if (text := self._text(given.get(key)))), "")

        if name.startswith("lang-"):
            text = value("1")
            tongue = _TONGUES.get(name[5:], "")
            yield f"{tongue}：{text}" if tongue and text else text
        elif name in ("tsl", "translink"):
            yield value("4", "3", "2")
        elif name.startswith(("internal link helper", "link-")) or name in _THIRD_OR_FIRST:
            yield value("3", "d", "1")
        elif name in _SECOND:
            yield value("2", "1")
        elif name in ("convert", "cvt", "val"):
            yield value("1") + (f" {value('2', 'u')}" if name != "val" or value("u") else "")
        elif name in ("chem", "chem2"):
            yield "".join(self._text(one.value) for one in node.params)
        elif name in ("frac", "sfrac"):
            yield "/".join(self._text(one.value) for one in node.params[-2:])
        elif name in _FIRST:
            yield value("text", "quote", "content", "1")

    def _tag(self, node: Any) -> Iterator[str]:
        name = str(node.tag).strip().lower()
        if name in _GONE:
            return
        if name == "table":
            yield "\n"
            for row in self._table(node):
                yield row + "\n"
            yield "\n"
        elif name in _RAW:
            lines = name in ("pre", "syntaxhighlight", "source")
            yield "\n" * lines + str(node.contents) + "\n" * lines
        elif name in _LINES:
            yield "\n" if not node.wiki_markup or name == "hr" else ""
            yield from self.of(node.contents) if not node.self_closing else ()
            yield "\n" if not node.wiki_markup and name != "br" else ""
        elif not node.self_closing:
            yield from self.of(node.contents)

    # --- tables

    def _table(self, table: Any) -> Iterator[str]:
        """Yield a line for each row, its cells parted by tabs; a cell that goes over several rows
        is in all of them."""
        above: dict[int, tuple[int, str]] = {}
        for row in self._rows(table):
            cells: list[str] = []
            at = 0
            for cell in row:
                at = _fill(above, cells, at)
                text = " ".join(tidied("".join(self.of(cell.contents))).split())
                if str(cell.wiki_markup or "") == "|" and str(cell.contents).startswith("+"):
                    text = text[1:].strip()  # the caption
                down, right = _span(cell, "rowspan"), _span(cell, "colspan")
                cells.append(text)
                if down > 1:
                    above[at] = (down - 1, text)
                at += right
            _fill(above, cells, at)
            if any(cells):
                yield "\t".join(cells).rstrip("\t")

    def _rows(self, table: Any) -> Iterator[list[Any]]:
        """Yield the cells of each row. Those before the first row are one, the caption another."""
        loose: list[Any] = []
        nodes = list(table.contents.nodes) if table.contents is not None else []
        for node in nodes:
            name = str(node.tag).strip().lower() if type(node).__name__ == "Tag" else ""
            if name in ("td", "th", "caption"):
                if name == "caption" or str(node.contents).startswith("+"):
                    yield [node]
                else:
                    loose.append(node)
                continue
            if name in ("tr", "tbody", "thead", "tfoot"):
                if loose:
                    yield loose
                    loose = []
                if name == "tr":
                    yield [
                        one
                        for one in node.contents.nodes
                        if type(one).__name__ == "Tag" and str(one.tag).lower() in ("td", "th")
                    ]
                else:
                    yield from self._rows(node)
        if loose:
            yield loose


def _fill(above: dict[int, tuple[int, str]], cells: list[str], at: int) -> int:
    while at in above:
        left, text = above.pop(at)
        cells.append(text)
        if left > 1:
            above[at] = (left - 1, text)
        at += 1
    return at


def _span(cell: Any, name: str) -> int:
    for one in cell.attributes:
        if str(one.name).strip().lower() == name:
            given = str(one.value).strip().strip("\"'")
            return max(1, min(int(given), 100)) if given.isdecimal() and len(given) < 6 else 1
    return 1


def _entity(node: Any) -> str:
    try:
        text = str(node.normalize())
    except (ValueError, OverflowError, KeyError):
        return str(node)
    return " " if text == "\xa0" else text

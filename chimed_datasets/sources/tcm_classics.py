r"""Classics of Chinese medicine as tagged text: <篇名>, <目录>, 内容：, hard-wrapped lines.

A file is a book. It begins with ``<篇名>`` and the lines 书名, 作者, 朝代 and 年份; each section
begins with ``<目录>`` and its place in the book, then ``<篇名>`` and its title, then 内容： or
属性： and the text. Yields one Document a section under the key ``file#ordinal``, with book,
author, dynasty, year and section (its place, as 卷二/中经) as metadata.

Repaired: lines broken at a fixed width are joined; ``\x…\x`` becomes a heading on its own line
(inside a sentence only the marks go); of a picture the caption stays; ``∶`` becomes ``：``; glyphs
that the transcription lacks (a lone blank, ``KT``, ``HT``) become ``□``.

terms  true: undo the word list that put modern words into most of these books, as 香港脚 for 脚气,
       锻石 for 石灰, 伊芳 for 伊; false leaves every character as it is
where  a condition on title, text, section, book, author, dynasty or year, such as dynasty == 清;
       other sections go to the ledger
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ..records import Document, Malformed, Record, excerpt
from .files.decoding import read_text
from .files.opening import FileReport, SourceFile
from .files.wrapped import join_lines, width_of
from .parsing.ready import ChosenDocument, chosen
from .parsing.shape import first_lines, wrong_layout

SUFFIXES = (".txt",)


@dataclass(frozen=True)
class Options(ChosenDocument):
    """``terms``: undo the word list. A condition may ask for what a section and its book have."""

    terms: bool = True
    FIELDS = ("title", "text", "section", "book", "author", "dynasty", "year")


# A pattern that begins with plain text is searched many times faster: what must stand before it is
# looked back at.
_SECTION = re.compile(r"<目录>(?<=^<目录>)", re.M)
_TITLE = re.compile(r"([^\n]*)\s*(?:<篇名>([^\n]*))?\s*(?:[内属][^\n]{0,2}：)?")
_ABOUT = re.compile(r"^(书名|作者|朝代|年份)[：:∶][ \u3000]*(.*?)[ \u3000]*$", re.M)
_NAMES = {"书名": "book", "作者": "author", "朝代": "dynasty", "年份": "year"}


def read(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    """Yield a Document for each section; a section without text is Malformed."""
    return chosen(_sections(files, options, report), options)


def _sections(
    files: Sequence[SourceFile], options: Options, report: FileReport
) -> Iterator[Record | Malformed]:
    for file in files:
        book = read_text(file, report).replace(" \n", "\n")  # every broken line ends so
        if found := wrong_layout(first_lines(book)):
            yield Malformed(f"{file.name}#0", "wrong_layout", found)
            continue
        head, *sections = _SECTION.split(book)
        if not sections and book.strip():
            yield Malformed(f"{file.name}#0", "no_sections", excerpt(book, end=200))
        about = {_NAMES[name]: _marks(value) for name, value in _ABOUT.findall(head) if value}
        width = width_of(book.split("\n"))
        mends = _mends(book) if options.terms else []
        for ordinal, section in enumerate(sections):
            titled = _TITLE.match(section)
            assert titled is not None  # all of it is optional
            place, title = (_marks((part or "").strip()) for part in titled.groups())
            whole = f"{place}\n{title}\n{_repaired(section[titled.end() :], width)}"
            for mend in mends:
                whole = mend(whole)
            place, title, text = whole.split("\n", 2)
            key = f"{file.name}#{ordinal}"
            if text:
                where = {"section": place.replace("\\", "/")} if place else {}
                yield Document(key, text, title or None, metadata=about | where)
            else:
                yield Malformed(key, "empty_section", f"{place} {title}")


# --- lines -----------------------------------------------------------------------------------

_PICTURE = re.compile(r"\\r([^\\\n]*)\\p[^\\\n]*\\r|\\p[\w-]*\.bmp")
_WRAPPED_MARK = re.compile(r"\\x\n\\x(?<=[^\n\\]{27}[^\n\\。！？∶方]\\x\n\\x)")
_HEADING = re.compile(
    r"\\x(?<=^\\x)([^\\\n]*)\\x(?:$|[ \u3000]+(?=[^ \n（〔])|([（〔][^\n]*[）〕]$))", re.M
)
_ITEM = re.compile(r"\\x(?<=^\\x)", re.M)
_MARK = re.compile(r"\\[xrke]?")
_SIGN = re.compile(r"^(?:@@@$|%)|(?<![\d ]) ?%$", re.M)


def _repaired(body: str, width: int) -> str:
    """Return a section's text with one paragraph or heading a line."""
    if "\\" in body or "@" in body or "%" in body:
        body = _PICTURE.sub(r"\1", body)
        body = _WRAPPED_MARK.sub("", body)
        body = _HEADING.sub(r"\n\1\2\n\n", body)
        body = _ITEM.sub("\n", body)
        body = _MARK.sub("", body)
        if "@" in body or "%" in body:
            body = _SIGN.sub("", body)
    if "\n" in body:
        body = join_lines(body, width)
    return _marks(body).strip()


# --- glyphs ----------------------------------------------------------------------------------

_LETTERS = re.compile(r"(?<![KH]T)((?:[KH]T)++)(?![A-Za-z]) ?")
_BEFORE_MARK = re.compile(r" (?=[，。、；：∶！？）》】〕])(?<![）)】〕\n ] )")
_AFTER_MARK = re.compile(r" (?=[^\s（])(?<=[（《【〔“，、：∶] )")
_LONE = re.compile(r" (?=（)(?<=[一-鿿] )(?<![一-鿿]{2} )")
_BETWEEN = re.compile(r" (?=[一-鿿])(?<=[一-鿿] )")
_PART_WITH_BLANK = re.compile(r"(?<![^，。、；：∶！？ ])[^，。、；：∶！？ ]* [^，。、；：∶！？]*")


def _marks(text: str) -> str:
    """Return ``text`` with □ for lost glyphs and ： for ∶ (the sign of a ratio)."""
    return _glyphs(text).replace("∶", "：")


def _glyphs(text: str) -> str:
    """Put □ in the place of glyphs that the transcription left blank or gave a letter code."""
    if "T" in text:
        text = _LETTERS.sub(_lost, text)
    if " " not in text:
        return text
    text = _BEFORE_MARK.sub("□", text)
    text = _AFTER_MARK.sub("□", text)
    text = _LONE.sub("□", text)
    text = text.replace(" 咀", "□咀")
    return "\n".join(lost_glyphs(line) if " " in line else line for line in text.split("\n"))


def _lost(match: re.Match[str]) -> str:
    """Return a □ for each code; letters right before it would make it a part of a word."""
    before = match.string[match.start() - 1 : match.start()]
    return match[0] if before.isascii() and before.isalpha() else "□" * (len(match[1]) // 2)


def lost_glyphs(line: str) -> str:
    """Between two characters a blank is a lost glyph in prose, but parts the items of a list."""
    if line.count(" ") * 12 > len(line) or "。" not in line or "） " in line or ") " in line:
        return line
    return _PART_WITH_BLANK.sub(_one_blank, line)


def _one_blank(match: re.Match[str]) -> str:
    part = match[0]
    if part.count(" ") != 1:
        return part
    before, after = part.split(" ")
    heading = (match.start() == 0 and len(before) <= 4) or after.startswith(
        ("治", "疗", "主", "即")
    )
    verse = len(before) == len(after) >= 4
    return part if heading or verse else _BETWEEN.sub("□", part)


# --- terms -----------------------------------------------------------------------------------

# The files were run through a word processor's list of Taiwanese and mainland words, which took
# parts of classical words for modern ones. (what it wrote, what stood there)
_TERMS = (
    ("香港脚", "脚气"),
    ("毒瓦斯", "毒气"),
    ("瓦斯", "煤气"),
    ("野狼", "狼"),
    ("锻石", "石灰"),
    ("伊芳", "伊"),
    ("盒饭", "便当"),
    ("快捷方式", "捷径"),
    ("短剧", "小品"),
    ("冷冻饮料", "冷饮"),
    ("厘清", "分清"),
    ("浓朴", "厚朴"),
)
# Of these the first is a good word as well: it is put back only in books that hardly have the
# second, as they would if nobody had replaced it.
_DOUBTFUL = (
    ("营运", "运行", "营运"),
    ("加载", "载入", "加载"),
    ("学人", "学者", "学人"),
    ("根据", "依", "根据(?<!毫无根据)(?<!凿凿根据)"),
    (
        "浓",
        "厚",
        "浓(?:(?<=[皮肉苔气味忠敦温深淳宗肥坚肤宽俱]浓)(?![煎汁缩])"
        "|(?=[薄肠味德衣被实土肉皮纸布裹覆盖葬礼恩利赠酬谢敷封涂]))",
    ),
)


def _mends(book: str) -> list[Callable[[str], str]]:
    """Return what is to be done to each text of ``book``."""
    mends: list[Callable[[str], str]] = []
    for wrong, right in _TERMS:
        if wrong in book:
            mends.append(partial(_replace, wrong, right))
    for wrong, right, pattern in _DOUBTFUL:
        if book.count(wrong) > 3 * book.count(right):
            mends.append(partial(_substitute, wrong, re.compile(pattern), right))
    return mends


def _replace(wrong: str, right: str, text: str) -> str:
    return text.replace(wrong, right)


def _substitute(wrong: str, pattern: re.Pattern[str], right: str, text: str) -> str:
    return pattern.sub(right, text) if wrong in text else text

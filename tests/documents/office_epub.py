"""E-books of known text, EPUB 2 and 3, as their makers write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from office_docx import GONE, Known
from office_sheets import zipped

from tests.common.text import prose

_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
_PAGE = (
    _HEAD + '<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml" '
    'xmlns:epub="http://www.idpf.org/2007/ops"><head><title>{gone}</title><style>p {{}}</style></head>'
    "<body>{body}</body></html>"
)


def page(body: str) -> str:
    return _PAGE.format(body=body, gone=GONE)


def epub(
    pages: Sequence[tuple[str, str, str]],
    *,
    spine: Sequence[str] = (),
    about: str = "",
    guide: str = "",
    toc: str = "",
    folder: str = "OEBPS/",
    **more: str,
) -> bytes:
    """Return a book of (name, body, properties); spine: the names in the order of reading."""
    names = [name for name, _, _ in pages]
    items = "".join(
        f'<item id="i{n}" href="{quote(name)}" media-type="application/xhtml+xml" properties="{properties}"/>'
        for n, (name, _, properties) in enumerate(pages)
    )
    refs = "".join(f'<itemref idref="i{names.index(name)}"/>' for name in spine or names)
    if toc:
        items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    package = (
        f'{_HEAD}<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/">{about}</metadata><manifest>{items}</manifest>'
        f'<spine toc="ncx">{refs}</spine>{guide}</package>'
    )
    parts: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": f'{_HEAD}<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        f'<rootfiles><rootfile full-path="{folder}book.opf" media-type="application/oebps-package+xml"/>'
        "</rootfiles></container>",
        f"{folder}book.opf": package,
    }
    parts |= {f"{folder}{name}": page(body) for name, body, _ in pages}
    if toc:
        parts[f"{folder}toc.ncx"] = f'{_HEAD}<ncx xmlns="n"><navMap>{toc}</navMap></ncx>'
    return zipped(parts | more, stored=("mimetype",))


def order_of_the_spine() -> Known:
    """Names that sort otherwise, Chinese and percent-encoded; the contents are a page of the spine."""
    a, b, c, d = (prose(n, 80) for n in range(100, 104))
    contents = (
        f'<nav epub:type="toc"><ol><li><a href="{quote("乙.xhtml")}">{GONE}</a></li></ol></nav>'
    )
    data = epub(
        [
            ("nav.xhtml", contents, "nav"),
            (
                "a1.xhtml",
                f"<h1>第二章 脉诊</h1><p>{c[:30]}\n   {c[30:]}</p><h2>浮脉</h2><p>{d}</p>",
                "",
            ),
            (
                "乙 卷.xhtml",
                f"<h1>第一章 望诊</h1><p>{a}</p><p>{b[:20]}<b>{b[20:30]}</b>{b[30:]}</p>",
                "",
            ),
        ],
        spine=["nav.xhtml", "乙 卷.xhtml", "a1.xhtml"],
        about="<dc:title>诊断学</dc:title><dc:creator>甲</dc:creator>",
    )
    return Known(data, [("第一章 望诊", [a, b]), ("第二章 脉诊", [c]), ("浮脉", [d])])


def ruby_and_entities() -> Known:
    a = prose(110, 60)
    spoken = "<ruby>匹<rp>(</rp><rt>音匹</rt><rp>)</rp></ruby><ruby><rb>痹</rb><rt>bì</rt></ruby>证"
    body = (
        f"<h1>正音</h1><p>{a}&nbsp;{spoken}&mdash;&ldquo;风&rdquo;&#x5bd2;</p><p>一行<br/>二行</p>"
        f"<p hidden='hidden'>{GONE}</p><script>{GONE}</script><pre>甲  乙\n丙</pre>"
    )
    data = epub([("c.xhtml", body, "")])
    return Known(
        data,
        [("正音", [f"{a} 匹痹证—“风”寒", "一行", "二行", "甲  乙", "丙"])],
        absent=(GONE, "音匹", "bì"),
    )


def notes_of_epub_3() -> Known:
    a, b, one, two = (prose(n, 50) for n in range(120, 124))
    body = (
        f'<h1>注释</h1><p>{a[:20]}<a epub:type="noteref" href="#n1">1</a>{a[20:]}</p><p>{b}'
        '<sup><a href="#n2">[2]</a></sup></p>'
        f'<aside epub:type="footnote" id="n1"><p>{one}</p></aside>'
        '<section class="footnotes"><hr/><ol><li id="n2"><p>'
        f'{two}<a href="#r2" class="footnote-back">↩︎</a></p></li></ol></section>'
    )
    return Known(epub([("c.xhtml", body, "")]), [("注释", [a, b])], [one, two])


def notes_of_epub_2() -> Known:
    """Notes on a page of their own; the contents are a page that the guide names."""
    a, b, one, two = (prose(n, 50) for n in range(130, 134))
    chapter = (
        f'<h2>太阳病</h2><p>{a}<a id="r1" href="notes.html#n1"><sup>①</sup></a></p>'
        f'<p>{b}<sup><a id="r2" href="notes.html#n2">[2]</a></sup></p>'
    )
    notes = (
        f'<p id="n1"><a href="c1.html#r1">①</a>{one}</p>'
        f'<p><a id="n2" href="c1.html#r2">[2]</a> {two}</p>'
    )
    contents = f'<p><a href="c1.html">{GONE}</a></p>'
    links = "".join(f'<p><a href="c1.html#x{n}">{GONE}{n}</a></p>' for n in range(6))
    data = epub(
        [("toc.html", contents, ""), ("mulu.html", links, ""), ("c1.html", chapter, ""), ("notes.html", notes, "")],
        guide='<guide><reference type="toc" href="toc.html"/></guide>',
        folder="",
    )  # fmt: skip
    return Known(data, [("太阳病", [a, b])], [one, two])


def headings_of_the_contents() -> Known:
    """No page has a heading: the table of contents names the chapters."""
    a, b, c = (prose(n, 70) for n in range(140, 143))
    toc = (
        '<navPoint><navLabel><text>卷一 总论</text></navLabel><content src="p1.xhtml"/>'
        '<navPoint><navLabel><text>阴阳</text></navLabel><content src="p1.xhtml#s2"/></navPoint></navPoint>'
        '<navPoint><navLabel><text>卷二 各论</text></navLabel><content src="p2.xhtml"/></navPoint>'
    )
    data = epub(
        [
            ("p1.xhtml", f'<p class="t">卷一 总论</p><p>{a}</p><p id="s2">阴阳</p><p>{b}</p>', ""),
            ("p2.xhtml", f"<div><p>{c}</p></div>", ""),
        ],
        toc=toc,
    )
    return Known(data, [("卷一 总论", [a]), ("阴阳", [b]), ("卷二 各论", [c])])


def tables_and_lists() -> Known:
    a = prose(150, 50)
    body = (
        f"<h1>方剂</h1><p>{a}</p><table><tr><th>类别</th><th>方名</th><th>组成</th></tr>"
        "<tr><td rowspan='2'>补益剂</td><td>四君子汤</td><td><p>人参</p><p>白术</p></td></tr>"
        "<tr><td>四物汤</td><td>熟地</td></tr></table>"
        "<ol start='3'><li>先煎<ul><li>附子</li></ul></li><li><p>后下</p></li></ol>"
    )
    rows = ["类别\t方名\t组成", "补益剂\t四君子汤\t人参 白术", "补益剂\t四物汤\t熟地"]
    lines = [a, *rows, "3. 先煎", "  • 附子", "4. 后下"]
    return Known(epub([("c.xhtml", body, "")]), [("方剂", lines)], rows=rows)


def no_xml() -> Known:
    """Tags that are never closed and signs that are no XML, as old makers write."""
    a, b = prose(160, 60), prose(161, 60)
    body = f"<h1>针灸<p>{a}<p>{b} A & B < C<br>"
    return Known(epub([("c.xhtml", body, "")]), [("针灸", [a, f"{b} A & B < C"])])


EPUB: dict[str, Callable[[], Known]] = {
    "order_of_the_spine.epub": order_of_the_spine,
    "ruby_and_entities.epub": ruby_and_entities,
    "notes_of_epub_3.epub": notes_of_epub_3,
    "notes_of_epub_2.epub": notes_of_epub_2,
    "headings_of_the_contents.epub": headings_of_the_contents,
    "tables_and_lists.epub": tables_and_lists,
    "no_xml.epub": no_xml,
}

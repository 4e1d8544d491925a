"""Word documents of known text, written as XML: what Word, WPS and LibreOffice write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from office_sheets import zipped

from tests.common.text import prose

_SPACES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "v": "urn:schemas-microsoft-com:vml",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
}
SPACES = " ".join(f'xmlns:{name}="{url}"' for name, url in _SPACES.items())
GONE = "删去的字不再回来"


@dataclass(frozen=True)
class Known:
    """A document and what stands in it.

    sections: (title or None, lines) of each Document, in their order.
    notes:    those of all, in their order. rows: lines of tables, which stand among the lines.
    absent:   what must never come.
    """

    data: bytes
    sections: list[tuple[str | None, list[str]]]
    notes: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    absent: tuple[str, ...] = (GONE,)
    own: dict[str, object] = field(default_factory=dict)


def run(text: str, about: str = "") -> str:
    return f'<w:r><w:rPr>{about}</w:rPr><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def paragraph(*inner: str, style: str = "", about: str = "") -> str:
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    body = "".join(one if one.startswith("<") else run(one) for one in inner)
    return f"<w:p><w:pPr>{named}{about}</w:pPr>{body}</w:p>"


def heading(text: str, level: int = 1) -> str:
    return paragraph(text, style=str(level))


STYLES = "".join(
    [
        '<w:style w:type="paragraph" w:default="1" w:styleId="a"><w:name w:val="Normal"/><w:rPr><w:sz w:val="21"/></w:rPr></w:style>',
        '<w:style w:type="paragraph" w:styleId="T"><w:name w:val="Title"/></w:style>',
        '<w:style w:type="paragraph" w:styleId="TOC1"><w:name w:val="toc 1"/></w:style>',
        '<w:style w:type="paragraph" w:styleId="L"><w:name w:val="List Paragraph"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>',
        '<w:style w:type="paragraph" w:styleId="mine"><w:name w:val="我的标题"/><w:basedOn w:val="2"/></w:style>',
        *(
            f'<w:style w:type="paragraph" w:styleId="{n}"><w:name w:val="heading {n}"/><w:basedOn w:val="a"/>'
            f'<w:pPr><w:outlineLvl w:val="{n - 1}"/></w:pPr></w:style>'
            for n in (1, 2, 3)
        ),
    ]
)


def level(at: int, kind: str, text: str) -> str:
    return (
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


NUMBERING = (
    '<w:abstractNum w:abstractNumId="7">'
    + level(0, "chineseCounting", "%1、")
    + level(1, "decimal", "%1.%2.").replace("</w:lvl>", "<w:isLgl/></w:lvl>")
    + level(2, "bullet", "\uf0b7")
    + '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/>'
    "</w:lvlOverride></w:num>"
)


def docx(*body: str, home: str = "word/document.xml", **parts: str) -> bytes:
    """Return a document of a body; parts: name -> inner XML of further parts."""
    folder = home.rpartition("/")[0]
    roots = {"styles": "styles", "numbering": "numbering", "footnotes": "footnotes",
             "endnotes": "endnotes"}  # fmt: skip
    given = {"styles": STYLES, "numbering": NUMBERING} | parts
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    relation = f"{_SPACES['r']}/officeDocument"
    made: dict[str, str | bytes] = {
        "[Content_Types].xml": f'{head}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Override PartName="/{home}" ContentType="application/vnd.openxmlformats-officedocument.'
        'wordprocessingml.document.main+xml"/></Types>',
        "_rels/.rels": f'{head}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{relation}" Target="{home}"/></Relationships>',
        home: f"{head}<w:document {SPACES}><w:body>{''.join(body)}<w:sectPr/></w:body></w:document>",
        f"{folder}/header1.xml": f"{head}<w:hdr {SPACES}>{paragraph(GONE)}</w:hdr>",
    }
    for name, inner in given.items():
        if name in roots:
            made[f"{folder}/{name}.xml"] = f"{head}<w:{name} {SPACES}>{inner}</w:{name}>"
        else:
            made[name] = inner
    return zipped(made)


def _table(rows: list[list[str]], more: str = "") -> str:
    lines = "".join(
        f"<w:tr>{''.join(c if c.startswith('<w:tc>') else f'<w:tc>{paragraph(c)}</w:tc>' for c in row)}</w:tr>"
        for row in rows
    )
    return f"<w:tbl><w:tblPr/>{lines}{more}</w:tbl>"


def by_headings() -> Known:
    a, b, c, d = (prose(n, 90) for n in range(4))
    data = docx(
        paragraph("温病条辨讲义", style="T"), paragraph(a), heading("第一章 上焦篇"), paragraph(b),
        heading("风温", 2), paragraph(c[:40], "<w:r><w:br/></w:r>", c[40:]),
        paragraph("银翘散", style="mine"), paragraph(d),
    )  # fmt: skip
    return Known(
        data,
        [
            ("温病条辨讲义", [a]),
            ("第一章 上焦篇", [b]),
            ("风温", [c[:40], c[40:]]),
            ("银翘散", [d]),
        ],
    )


def tracked_changes() -> Known:
    a, b, c = (prose(n, 60) for n in range(10, 13))
    gone = f'<w:del w:id="1"><w:r><w:delText>{GONE}</w:delText></w:r></w:del>'
    moved = (
        f'<w:moveFrom w:id="2">{run(GONE)}</w:moveFrom><w:moveTo w:id="3">{run(b[20:])}</w:moveTo>'
    )
    lost = "<w:rPr><w:del w:id='4'/></w:rPr>"
    row = f"<w:tr><w:trPr><w:del w:id='5'/></w:trPr><w:tc>{paragraph(GONE)}</w:tc></w:tr>"
    data = docx(
        heading("修订"), paragraph(a[:20], gone, f'<w:ins w:id="6">{run(a[20:])}</w:ins>'),
        paragraph(b[:20], moved), paragraph(c[:30], about=lost), paragraph(c[30:]),
        _table([["药名", "用量"], ["甘草", f"<w:tc>{paragraph('6克', gone)}</w:tc>"]], row),
        f'<w:del w:id="7">{paragraph(GONE)}</w:del>',
    )  # fmt: skip
    rows = ["药名\t用量", "甘草\t6克"]
    return Known(data, [("修订", [a, b, c, *rows])], rows=rows)


def _box(text: str) -> str:
    inner = f"<w:txbxContent>{paragraph(text)}</w:txbxContent>"
    return (
        "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wp:anchor><a:graphic><a:graphicData>"
        f"<wps:wsp><wps:txbx>{inner}</wps:txbx></wps:wsp></a:graphicData></a:graphic></wp:anchor></w:drawing>"
        f"</mc:Choice><mc:Fallback><w:pict><v:shape><v:textbox>{inner}</v:textbox></v:shape></w:pict>"
        "</mc:Fallback></mc:AlternateContent></w:r>"
    )


def boxes_controls_and_links() -> Known:
    a, b, c, d, e = (prose(n, 50) for n in range(20, 25))
    old = f"<w:r><w:pict><v:shape><v:textbox><w:txbxContent>{paragraph(e)}</w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
    control = f"<w:sdt><w:sdtPr><w:alias w:val='x'/></w:sdtPr><w:sdtContent>{paragraph(b)}</w:sdtContent></w:sdt>"
    within = f"<w:sdt><w:sdtContent>{run(c[:10])}</w:sdtContent></w:sdt>"
    link = f"<w:hyperlink r:id='x'>{run(c[10:])}</w:hyperlink>"
    data = docx(
        heading("文本框"), paragraph(a, _box(d)), control, paragraph(within, link), paragraph(old),
    )  # fmt: skip
    return Known(data, [("文本框", [a, d, b, c, e])])


def notes() -> Known:
    a, b, one, two = (prose(n, 45) for n in range(30, 34))
    mark = (
        '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:{0}Reference w:id="{1}"/></w:r>'
    )
    foot = (
        '<w:footnote w:type="separator" w:id="0"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>'
        f'<w:footnote w:id="2">{paragraph("<w:r><w:footnoteRef/></w:r>", " ", one)}</w:footnote>'
    )
    end = f'<w:endnote w:id="2">{paragraph("<w:r><w:endnoteRef/></w:r>", two)}</w:endnote>'
    cell = f"<w:tc>{paragraph('甘草', mark.format('endnote', 2))}</w:tc>"
    data = docx(
        heading("脚注"), paragraph(a[:20], mark.format("footnote", 2), a[20:]), paragraph(b),
        _table([[cell, "补气药"]]), footnotes=foot, endnotes=end,
    )  # fmt: skip
    return Known(data, [("脚注", [a, b, "甘草\t补气药"])], [one, two], ["甘草\t补气药"])


def lists() -> Known:
    texts = [prose(n, 30) for n in range(40, 47)]

    def item(text: str, at: int, of: int = 1) -> str:
        about = f'<w:numPr><w:ilvl w:val="{at}"/><w:numId w:val="{of}"/></w:numPr>'
        return paragraph(text, about=about)

    data = docx(
        heading("列表"), paragraph(texts[0], style="L"), item(texts[1], 1), item(texts[2], 2),
        item(texts[3], 1), item(texts[4], 0), item(texts[5], 1), item(texts[6], 0, 2),
    )  # fmt: skip
    labels = ["一、", "  1.1. ", "    • ", "  1.2. ", "二、", "  2.1. ", "五、"]
    lines = [label + text for label, text in zip(labels, texts, strict=True)]
    return Known(data, [("列表", lines)])


def tables() -> Known:
    over = "<w:tcPr><w:vMerge w:val='restart'/></w:tcPr>"
    below = "<w:tcPr><w:vMerge/></w:tcPr>"
    wide = "<w:tcPr><w:gridSpan w:val='2'/></w:tcPr>"

    def cell(text: str, about: str = "") -> str:
        return f"<w:tc>{about}{paragraph(text)}</w:tc>"

    inner = f"<w:tc>{_table([['人参', '白术']])}{paragraph('茯苓')}</w:tc>"
    rows = [
        ["类别", "方名", "组成"],
        [cell("补益剂", over), "四君子汤", inner],
        [cell("", below), "四物汤", f"<w:tc>{paragraph('熟地')}{paragraph('当归')}</w:tc>"],
        [cell("以上两方", wide), ""],
    ]
    shown = [
        "类别\t方名\t组成",
        "补益剂\t四君子汤\t人参 白术 茯苓",
        "补益剂\t四物汤\t熟地 当归",
        "以上两方",
    ]
    a, b = prose(50, 60), prose(51, 60)
    data = docx(heading("表格"), paragraph(a), _table(rows), paragraph(b))
    return Known(data, [("表格", [a, *shown, b])], rows=shown)


def fields_and_hidden_text() -> Known:
    a, b, c = (prose(n, 60) for n in range(60, 63))

    def kind(name: str) -> str:
        return f'<w:r><w:fldChar w:fldCharType="{name}"/></w:r>'

    code = '<w:r><w:instrText>HYPERLINK "https://a.example"</w:instrText></w:r>'
    contents = '<w:r><w:instrText>TOC \\o "1-3"</w:instrText></w:r>'
    linked = kind("begin") + code + kind("separate") + run(a[10:]) + kind("end")
    toc = (
        "<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val='Table of Contents'/></w:docPartObj>"
        f"</w:sdtPr><w:sdtContent>{paragraph(GONE)}</w:sdtContent></w:sdt>"
    )
    data = docx(
        toc, paragraph(kind("begin"), contents, kind("separate"), GONE, style="TOC1"),
        paragraph(GONE, style="TOC1"), paragraph(kind("end")),
        heading("域"), paragraph(a[:10], linked), paragraph(run(GONE, "<w:vanish/>"), b),
        paragraph(c[:5], '<w:r><w:sym w:font="Symbol" w:char="F062"/></w:r>', "-受体",
                  '<w:r><w:noBreakHyphen/></w:r>', c[5:]),
        paragraph("<w:r><w:ruby><w:rt>" + run("dǎng shēn") + "</w:rt><w:rubyBase>" + run("党参")
                  + "</w:rubyBase></w:ruby></w:r>", "补气。"),
        paragraph("<m:oMath><m:f><m:num><m:r><m:t>体重</m:t></m:r></m:num><m:den><m:r><m:t>身高²</m:t>"
                  "</m:r></m:den></m:f></m:oMath>"),
    )  # fmt: skip
    return Known(
        data,
        [("域", [a, b, f"{c[:5]}β-受体-{c[5:]}", "党参补气。", "体重/身高²"])],
        absent=(GONE, "HYPERLINK", "TOC", "dǎng"),
    )


def sizes_for_headings() -> Known:
    """No style names a heading, as in many documents: their letters are larger."""
    a, b, c = (prose(n, 120) for n in range(70, 73))
    large, larger = '<w:sz w:val="28"/>', '<w:sz w:val="44"/>'
    data = docx(
        paragraph(run("针灸讲稿", larger)), paragraph(a), paragraph(run("一、取穴", large)), paragraph(b),
        paragraph(run("二、手法", large)), paragraph(c),
        home="text/main2.xml",
    )  # fmt: skip
    return Known(data, [("针灸讲稿", [a]), ("一、取穴", [b]), ("二、手法", [c])])


def without_headings() -> Known:
    lines = [prose(n, 70) for n in range(80, 90)]
    return Known(docx(*map(paragraph, lines), styles=""), [("plain", lines)])


DOCX: dict[str, Callable[[], Known]] = {
    "by_headings.docx": by_headings,
    "tracked_changes.docx": tracked_changes,
    "boxes_controls_and_links.docx": boxes_controls_and_links,
    "notes.docx": notes,
    "lists.docx": lists,
    "tables.docx": tables,
    "fields_and_hidden_text.docx": fields_and_hidden_text,
    "sizes_for_headings.docx": sizes_for_headings,
    "plain.docx": without_headings,
}

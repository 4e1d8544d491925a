"""PDFs of known text, made by the programs that make them in the world.

A document is a list of :class:`Item`; :func:`written` draws one. Each maker takes it and writes a PDF.
LibreOffice (``soffice``), XeLaTeX (``xelatex``) and Chromium are used where they are installed;
reportlab, fpdf2 and pikepdf are packages. What a maker lacks is made from what another wrote: pages
without a ToUnicode, radicals for characters, scans, passwords.
"""

from __future__ import annotations

import html
import io
import os
import random
import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FONTS = "pylopdf_fonts_zh_cn"


class Item(NamedTuple):
    """kind: "title", "h1", "h2", "p", "li" (an item of a list). note: at the foot of the page, to
    the last word of the text."""

    kind: str
    text: str
    note: str = ""


# --- text --------------------------------------------------------------------------------------

PEOPLE = [
    "患者",
    "老人",
    "小儿",
    "孕妇",
    "青年男子",
    "中年妇女",
    "体弱的人",
    "久病的人",
    "初诊者",
    "住院病人",
    "高血压病人",
    "脾胃虚弱的人",
]
COMPLAINTS = [
    "头痛",
    "眩晕",
    "咳嗽",
    "咽干",
    "失眠",
    "心悸",
    "腹胀",
    "便溏",
    "腰膝酸软",
    "手足不温",
    "口苦",
    "胸闷",
    "乏力",
    "自汗",
    "盗汗",
    "耳鸣",
    "食欲不振",
    "皮肤瘙痒",
    "关节肿痛",
    "小便短赤",
    "月经不调",
    "气短懒言",
    "舌质淡红",
    "苔薄白",
    "脉细弱",
    "面色萎黄",
    "发热恶寒",
]
DRUGS = [
    "黄芪",
    "党参",
    "白术",
    "茯苓",
    "当归",
    "川芎",
    "白芍",
    "熟地",
    "柴胡",
    "黄芩",
    "半夏",
    "陈皮",
    "甘草",
    "生姜",
    "大枣",
    "麻黄",
    "桂枝",
    "杏仁",
    "石膏",
    "知母",
    "附子",
    "干姜",
    "人参",
    "麦冬",
    "五味子",
    "酸枣仁",
    "远志",
    "阿司匹林",
    "二甲双胍",
    "氨氯地平",
    "阿莫西林",
    "硝苯地平",
]
USES = [
    "煎汤内服",
    "研末冲服",
    "水煎两次",
    "饭后温服",
    "睡前服用",
    "外敷患处",
    "分三次服",
    "连服七日",
    "隔日一次",
    "遵医嘱加减",
]
AIMS = [
    "益气健脾",
    "养血安神",
    "疏肝理气",
    "清热化痰",
    "温中散寒",
    "祛风除湿",
    "活血化瘀",
    "滋阴降火",
    "补肾固精",
    "宣肺止咳",
    "利水消肿",
    "降低血压",
    "控制血糖",
    "减轻炎症",
]
DOSES = ["10g", "15 g", "6～9g", "0.5 g", "120mg", "2.5%", "3 片", "1/2 剂", "50ml", "7.8 mmol/L"]
LATIN = [
    "HbA1c",
    "CT",
    "MRI",
    "Helicobacter pylori",
    "WHO",
    "BMI",
    "qi deficiency",
    "COPD",
    "ACE inhibitor",
]
TITLES = [
    "总论",
    "病因病机",
    "诊断要点",
    "辨证论治",
    "方药加减",
    "针灸取穴",
    "饮食调护",
    "预防与康复",
    "常见误区",
    "随访记录",
]


def sentence(draw: random.Random) -> str:
    """Return a sentence of Chinese medicine; it need not be true."""
    one, two, three = (draw.choice for _ in range(3))
    forms: list[Callable[[], str]] = [
        lambda: f"{one(PEOPLE)}多见{two(COMPLAINTS)}、{three(COMPLAINTS)}，治宜{one(AIMS)}，可用{two(DRUGS)}{one(DOSES)}{two(USES)}。",
        lambda: f"本方以{one(DRUGS)}为君，{two(DRUGS)}、{three(DRUGS)}为臣，佐以{one(DRUGS)}，共奏{two(AIMS)}之功。",
        lambda: f"若兼{one(COMPLAINTS)}，去{two(DRUGS)}，加{three(DRUGS)}{one(DOSES)}；{two(COMPLAINTS)}甚者，重用{one(DRUGS)}。",
        lambda: f"检查{one(LATIN)}，结果为{draw.randint(1, 99)}.{draw.randint(0, 9)}，提示{two(COMPLAINTS)}与体质有关（见下文）。",
        lambda: f"“{one(COMPLAINTS)}者，{two(AIMS)}为先”，此说可从。",
        lambda: f"据{draw.randint(1980, 2024)}年的资料，{one(PEOPLE)}中约{draw.randint(3, 95)}%有{two(COMPLAINTS)}，服{three(DRUGS)}后好转。",
        lambda: f"{one(DRUGS)}味甘，性微温，归脾、肺二经，能{two(AIMS)}，常与{three(DRUGS)}同用，以治{one(COMPLAINTS)}！",
    ]  # fmt: skip
    return draw.choice(forms)()


def paragraph(draw: random.Random, least: int = 1, most: int = 6) -> str:
    return "".join(sentence(draw) for _ in range(draw.randint(least, most)))


def written(
    seed: int, chapters: int = 3, sections: int = 2, paragraphs: int = 4, *,
    lists: bool = True, notes: int = 0, title: str = "",
) -> list[Item]:  # fmt: skip
    """Return a document: chapters, sections, paragraphs, lists; some paragraphs have a note."""
    draw = random.Random(seed)
    out = [Item("title", title)] if title else []
    for chapter in range(1, chapters + 1):
        out.append(Item("h1", f"第{'一二三四五六七八九十'[chapter - 1]}章 {draw.choice(TITLES)}"))
        for section in range(1, sections + 1):
            out.append(Item("h2", f"{chapter}.{section} {draw.choice(TITLES)}"))
            for number in range(paragraphs):
                note = paragraph(draw, 1, 2) if notes and draw.randrange(notes) == 0 else ""
                out.append(Item("p", paragraph(draw), note))
                if lists and number == paragraphs // 2:
                    out += [Item("li", paragraph(draw, 1, 3)) for _ in range(draw.randint(2, 5))]
    return out


def plain(items: Sequence[Item]) -> list[str]:
    """Return the body of a document: a text for each heading and paragraph."""
    return [item.text for item in items]


# --- programs ----------------------------------------------------------------------------------


def program(name: str) -> str | None:
    names = {"chromium": ("chromium", "chromium-browser", "google-chrome")}.get(name, (name,))
    return next((found for one in names if (found := shutil.which(one))), None)


def ran(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=280, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout)[-500:].decode("utf-8", "replace"))


def by_chromium(page: str, *, header: bool = False) -> bytes:
    """Return the print of a page of HTML."""
    found = program("chromium")
    assert found
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "book.html").write_text(page, "utf-8")
        command = [found, "--headless", "--no-sandbox", "--disable-gpu", "--print-to-pdf=out.pdf"]
        ran([*command, *([] if header else ["--no-pdf-header-footer"]), "book.html"], folder)
        return (folder / "out.pdf").read_bytes()


def page_of(items: Sequence[Item], style: str = "", title: str = "临床讲义") -> str:
    tags = {"title": "h1", "h1": "h2", "h2": "h3", "p": "p", "li": "li"}
    rows = []
    for item in items:
        tag = tags[item.kind]
        body = f"<{tag}>{html.escape(item.text)}</{tag}>"
        rows.append(f"<ul>{body}</ul>" if tag == "li" else body)
    return (
        f'<html lang="zh"><meta charset="utf-8"><title>{title}</title><style>'
        "body{font-family:'Noto Sans SC','Noto Sans CJK SC',serif;font-size:11pt;line-height:1.6}"
        f"p{{text-indent:2em;margin:0;text-align:justify}}{style}</style>"
        f"<body>{''.join(rows)}</body></html>"
    ).replace("</ul><ul>", "")


_OFFICE = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        ("office", "office"), ("style", "style"), ("text", "text"), ("table", "table"),
        ("fo", "xsl-fo-compatible"), ("svg", "svg-compatible"),
    )
)  # fmt: skip


def by_libreoffice(
    items: Sequence[Item], *, columns: int = 1, head: str = "", vertical: bool = False,
    indent: bool = True, size: float = 10.5, rows: Sequence[Sequence[str]] = (),
    align: str = "justify",
) -> bytes:  # fmt: skip
    """Return a document of LibreOffice Writer as PDF.

    head: the running head; then there is a foot with the page number, too. indent: paragraphs begin
    two characters further in; else a blank is between them. rows: of a table at the end.
    """
    found = program("soffice")
    assert found
    mode = ' style:writing-mode="tb-rl"' if vertical else ""
    cols = (
        f'<style:columns fo:column-count="{columns}" fo:column-gap="0.8cm"/>' if columns > 1 else ""
    )
    first = f'fo:text-indent="{2 * size}pt"' if indent else 'fo:margin-bottom="8pt"'

    def style(name: str, points: float, more: str = "", bold: str = "") -> str:
        return (
            f'<style:style style:name="{name}" style:family="paragraph"><style:paragraph-properties {more}/>'
            f'<style:text-properties fo:font-size="{points}pt" style:font-size-asian="{points}pt" {bold}'
            'style:font-name="F" style:font-name-asian="F"/></style:style>'
        )

    bold = 'fo:font-weight="bold" style:font-weight-asian="bold" '
    number = '<text:page-number text:select-page="current"/>'
    edges = (
        f'<style:header><text:p text:style-name="Ph">{head}</text:p></style:header>'
        f'<style:footer><text:p text:style-name="Pc">第 {number} 页 共 <text:page-count/> 页</text:p></style:footer>'
        if head
        else ""
    )
    edge = (
        '<style:header-style><style:header-footer-properties fo:min-height="0.6cm" fo:margin-bottom="0.5cm"/></style:header-style><style:footer-style><style:header-footer-properties fo:min-height="0.6cm" fo:margin-top="0.5cm"/></style:footer-style>'
        if head
        else ""
    )
    body = []
    for n, item in enumerate(items):
        text = html.escape(item.text)
        if item.note:
            text += (
                f'<text:note text:id="n{n}" text:note-class="footnote"><text:note-citation>{n}</text:note-citation>'
                f'<text:note-body><text:p text:style-name="Pn">{html.escape(item.note)}</text:p></text:note-body></text:note>'
            )
        if item.kind in ("title", "h1", "h2"):
            level = {"title": 1, "h1": 1, "h2": 2}[item.kind]
            body.append(
                f'<text:h text:style-name="H{item.kind}" text:outline-level="{level}">{text}</text:h>'
            )
        elif item.kind == "li":
            body.append(
                f'<text:list text:style-name="L"><text:list-item><text:p text:style-name="Pl">{text}</text:p></text:list-item></text:list>'
            )
        else:
            body.append(f'<text:p text:style-name="Pp">{text}</text:p>')
    if rows:
        cells = "".join(
            "<table:table-row>"
            + "".join(
                f'<table:table-cell><text:p text:style-name="Pl">{html.escape(cell)}</text:p></table:table-cell>'
                for cell in row
            )
            + "</table:table-row>"
            for row in rows
        )
        body.append(
            f'<table:table table:name="T"><table:table-column table:number-columns-repeated="{len(rows[0])}"/>{cells}</table:table>'
        )
    document = f"""<?xml version="1.0" encoding="UTF-8"?>
<office:document {_OFFICE} office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.text">
<office:font-face-decls><style:font-face style:name="F" svg:font-family="'Noto Serif CJK SC'"/></office:font-face-decls>
<office:automatic-styles>
{style("Pp", size, f'{first} fo:text-align="{align}" fo:line-height="150%"')}
{style("Pl", size, f'fo:text-align="{align}" fo:line-height="150%"')}
{style("Pn", size - 2)}{style("Ph", 9)}{style("Pc", 9, 'fo:text-align="center"')}
{style("Htitle", 20, 'fo:text-align="center" fo:margin-bottom="12pt"', bold)}
{style("Hh1", 16, 'fo:margin-top="12pt" fo:margin-bottom="8pt"', bold)}
{style("Hh2", 13, 'fo:margin-top="8pt" fo:margin-bottom="6pt"', bold)}
<text:list-style style:name="L"><text:list-level-style-bullet text:level="1" text:bullet-char="•">
<style:list-level-properties text:space-before="0.6cm" text:min-label-width="0.5cm"/></text:list-level-style-bullet></text:list-style>
<style:page-layout style:name="P"><style:page-layout-properties fo:page-width="21cm" fo:page-height="29.7cm"
 fo:margin-top="2.2cm" fo:margin-bottom="2.2cm" fo:margin-left="2.5cm" fo:margin-right="2.5cm"{mode}>{cols}
</style:page-layout-properties>{edge}</style:page-layout></office:automatic-styles>
<office:master-styles><style:master-page style:name="Standard" style:page-layout-name="P">{edges}</style:master-page></office:master-styles>
<office:body><office:text>{"".join(body)}</office:text></office:body></office:document>"""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "book.fodt").write_text(document, "utf-8")
        profile = f"-env:UserInstallation=file://{folder}/profile"
        ran([found, profile, "--headless", "--convert-to", "pdf", "book.fodt"], folder)
        return (folder / "book.pdf").read_bytes()


_TEX_SIGNS = str.maketrans({"%": r"\%", "&": r"\&", "#": r"\#", "_": r"\_", "$": r"\$"})


def by_xelatex(
    items: Sequence[Item], *, kind: str = "ctexart", options: str = "", preamble: str = ""
) -> bytes:
    """Return a document of XeLaTeX with ctex as PDF; its numbers of chapters are typed."""
    found = program("xelatex")
    assert found
    body, listed = [], False
    names = {"h1": "chapter*" if kind == "ctexbook" else "section*", "h2": "subsection*"}
    for item in items:
        text = item.text.translate(_TEX_SIGNS)
        if listed and item.kind != "li":
            body.append(r"\end{itemize}")
        if item.kind == "li" and not listed:
            body.append(r"\begin{itemize}")
        listed = item.kind == "li"
        note = rf"\footnote{{{item.note.translate(_TEX_SIGNS)}}}" if item.note else ""
        if item.kind in names:
            mark = {"h1": r"\markboth{" + text + "}{" + text + "}", "h2": ""}[item.kind]
            body.append(rf"\{names[item.kind]}{{{text}}}{mark}")
        elif item.kind == "title":
            body.append(rf"\begin{{center}}\Huge {text}\end{{center}}")
        else:
            body.append((r"\item " if listed else "") + text + note + "\n")
    if listed:
        body.append(r"\end{itemize}")
    lines = "\n".join(body)
    source = (
        rf"\documentclass[{options}]{{{kind}}}" + "\n" + preamble
        + "\n\\begin{document}\n" + lines + "\n\\end{document}\n"
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "book.tex").write_text(source, "utf-8")
        for _ in range(2):
            ran([found, "-interaction=batchmode", "book.tex"], folder)
        return (folder / "book.pdf").read_bytes()


# --- packages ----------------------------------------------------------------------------------


def by_reportlab(items: Sequence[Item], *, indent: bool = True, size: float = 10.5) -> bytes:
    """Return a document of reportlab, in a font that is not embedded."""
    from reportlab.lib.enums import TA_JUSTIFY
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    common: dict[str, Any] = {"fontName": "STSong-Light", "wordWrap": "CJK"}
    styles = {
        "title": ParagraphStyle("t", fontSize=20, leading=30, **common),
        "h1": ParagraphStyle("h1", fontSize=16, leading=24, **common),
        "h2": ParagraphStyle("h2", fontSize=13, leading=20, **common),
        "p": ParagraphStyle("p", fontSize=size, leading=1.6 * size, firstLineIndent=2 * size if indent else 0,
                            spaceAfter=0 if indent else 8, alignment=TA_JUSTIFY, **common),
        "li": ParagraphStyle("li", fontSize=size, leading=1.6 * size, leftIndent=2 * size, bulletIndent=size, **common),
    }  # fmt: skip
    told = [
        Paragraph(
            html.escape(item.text), styles[item.kind], bulletText="•" if item.kind == "li" else None
        )
        for item in items
    ]
    out = io.BytesIO()
    SimpleDocTemplate(out, title="讲义", author="某某").build(told)
    return out.getvalue()


def _book(**how: Any) -> Any:
    """Return an empty document of fpdf2 with a Chinese font, F."""
    import importlib

    from fpdf import FPDF

    pdf = FPDF(**how)
    fonts = Path(str(importlib.import_module(FONTS).__file__)).parent
    pdf.add_font("F", fname=fonts / "NotoSansSC-Regular.otf")
    return pdf


def by_fpdf(
    items: Sequence[Item], *, head: str = "", vertical: bool = False, size: float = 11
) -> bytes:
    """Return a document of fpdf2 with an embedded font."""
    from fpdf.enums import WrapMode

    pdf = _book()

    class Book(type(pdf)):  # type: ignore[misc]
        def header(self) -> None:
            if head:
                self.set_font("F", size=9)
                self.cell(
                    0,
                    8,
                    head,
                    new_x="LMARGIN",
                    new_y="NEXT",
                    align="R" if self.page_no() % 2 else "L",
                )
                self.ln(4)

        def footer(self) -> None:
            if head:
                self.set_y(-14)
                self.set_font("F", size=9)
                self.cell(0, 8, f"— {self.page_no()} —", align="C")

    pdf.__class__ = Book
    pdf.set_title("讲义")
    pdf.set_auto_page_break(True, 20)
    pdf.add_page()
    for item in items:
        points = {"title": 22, "h1": 16, "h2": 13}.get(item.kind, size)
        pdf.set_font("F", size=points)
        text = (
            "\u3000\u3000" if item.kind == "p" else "• " if item.kind == "li" else ""
        ) + item.text
        pdf.multi_cell(
            0, points * 0.6, text, new_x="LMARGIN", new_y="NEXT", align="L", wrapmode=WrapMode.CHAR
        )
    return bytes(pdf.output())


def new_canvas() -> tuple[Any, io.BytesIO]:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen import canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    out = io.BytesIO()
    return canvas.Canvas(out, pagesize=(595, 842)), out


def wrapped(text: str, width: int, indent: int = 2, *, counted: bool = False) -> list[str]:
    """Return lines of so many full characters; counted: of so many characters, however wide."""
    from reportlab.pdfbase import pdfmetrics

    new_canvas()
    lines, line, size = [], "\u3000" * indent, float(indent)
    for sign in text:
        own = 1.0 if counted else pdfmetrics.stringWidth(sign, "STSong-Light", 1)
        if size > width or (size + own > width and sign not in "，。、；：！？”）%"):
            lines.append(line)
            line, size = "", 0.0
        line += sign
        size += own
    return [*lines, line]


def row_by_row(
    items: Sequence[Item], *, columns: int = 2, size: float = 10, shift: float = 0.0,
    counted: bool = False,
) -> bytes:  # fmt: skip
    """Return pages of columns that are drawn line by line over all of them, as some programs do.

    shift: points by which the right columns stand lower. counted: lines have as many characters
    each, however wide.
    """
    canvas, out = new_canvas()
    width = int((500 - 24 * (columns - 1)) / columns / size)
    step = width * size + 24
    lines = [line for item in items
             for line in wrapped(item.text, width, 2 if item.kind == "p" else 0, counted=counted)]  # fmt: skip
    each, per_page = 40, 40 * columns
    for number, first in enumerate(range(0, len(lines), per_page), 1):
        held = lines[first : first + per_page]
        tall = min(each, -(-len(held) // columns))
        canvas.setFont("STSong-Light", 9)
        canvas.drawCentredString(297, 810, "内科学讲义")
        canvas.setFont("STSong-Light", size)
        for row in range(tall):
            for column in range(columns):
                at = column * tall + row
                if at < len(held):
                    text = held[at]
                    x = 48 + column * step + size * (len(text) - len(text.lstrip("\u3000")))
                    canvas.drawString(
                        x, 770 - row * 1.7 * size - shift * column, text.lstrip("\u3000")
                    )
        canvas.setFont("STSong-Light", 9)
        canvas.drawCentredString(297, 30, f"· {number} ·")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def table(rows: Sequence[Sequence[str]], size: float = 10) -> bytes:
    """Return pages with a table drawn row by row."""
    canvas, out = new_canvas()
    for first in range(0, len(rows), 30):
        canvas.setFont("STSong-Light", size)
        for n, row in enumerate(rows[first : first + 30]):
            for column, cell in enumerate(row):
                canvas.drawString(60 + column * 480 / len(row), 760 - n * 20, cell)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def upright(items: Sequence[Item], size: float = 12) -> bytes:
    """Return pages of vertical text, each character drawn in its place."""
    pdf = _book(unit="pt", format=(595, 842))
    columns = []
    for item in items:
        text = "\u3000" * (2 if item.kind == "p" else 0) + item.text
        columns += [text[n : n + 40] for n in range(0, len(text), 40)]
    per_page = 24
    for number, first in enumerate(range(0, len(columns), per_page), 1):
        pdf.add_page()
        pdf.set_font("F", size=size)
        for n, column in enumerate(columns[first : first + per_page]):
            for row, sign in enumerate(column):
                if sign != "\u3000":
                    pdf.text(530 - n * 20, 72 + row * size * 1.1, sign)
        pdf.set_font("F", size=9)
        pdf.text(290, 812, str(number))
    return bytes(pdf.output())


# --- changes -----------------------------------------------------------------------------------


def pages_of(data: bytes) -> Any:
    import pikepdf

    return pikepdf.open(io.BytesIO(data))


def saved(pdf: Any, **how: Any) -> bytes:
    out = io.BytesIO()
    pdf.save(out, **how)
    return out.getvalue()


def without_unicode(data: bytes) -> bytes:
    """Return a PDF that does not say which characters its glyphs are."""
    import pikepdf

    pdf = pages_of(data)
    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Dictionary) and "/ToUnicode" in thing:
            del thing["/ToUnicode"]
    return saved(pdf)


def with_wrong_unicode(data: bytes) -> bytes:
    """Return a PDF that says that its glyphs' numbers are characters: rare Chinese ones."""
    return _mapped(data, lambda code, _: chr(0x4E00 + (int(code, 16) * 97) % 0x5000))


RADICALS = dict(
    zip(
        "一人水气火木金食风黄骨长齿马鱼鸟龙龟青门车贝见角页心手肉舌血走足身目耳口大女子山日月毛牛犬",
        "⼀⼈⽔⽓⽕⽊⾦⻝⻛⻩⻣⻓⻮⻢⻥⻦⻰⻳⻘⻔⻋⻉⻅⻆⻚⼼⼿⾁⾆⾎⾛⾜⾝⽬⽿⼝⼤⼥⼦⼭⽇⽉⽑⽜⽝",
        strict=True,
    )
)


def with_radicals(data: bytes) -> bytes:
    """Return a PDF that names radicals in the place of characters, as some makers do."""
    return _mapped(data, lambda _, sign: RADICALS.get(sign, sign))


def _mapped(data: bytes, change: Callable[[str, str], str]) -> bytes:
    import pikepdf

    pdf = pages_of(data)

    def one(found: re.Match[bytes]) -> bytes:
        code, told = found[1].decode(), bytes.fromhex(found[2].decode()).decode("utf-16-be")
        return b"<%s> <%s>" % (found[1], change(code, told).encode("utf-16-be").hex().encode())

    def rows(found: re.Match[bytes]) -> bytes:  # <first> <last> <value> becomes one of each
        first, last, value = (int(found[n], 16) for n in (1, 2, 3))
        size = len(found[1])
        told = [f"<{first + n:0{size}x}> <{first + n:0{size}x}> <{change(f'{first + n:x}', chr(value + n)).encode('utf-16-be').hex()}>"
                for n in range(min(last - first + 1, 256))]  # fmt: skip
        return "\n".join(told).encode()

    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Dictionary) and "/ToUnicode" in thing:
            cmap = thing["/ToUnicode"].read_bytes()
            parts = re.split(
                rb"(begin(?:bfchar|bfrange).*?end(?:bfchar|bfrange))", cmap, flags=re.S
            )
            for n, part in enumerate(parts):
                if part.startswith(b"beginbfchar"):
                    parts[n] = re.sub(rb"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>", one, part)
                elif part.startswith(b"beginbfrange"):
                    part = re.sub(
                        rb"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]{4})>", rows, part
                    )
                    part = re.sub(
                        rb"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>\s*\[([^\]]*)\]",
                        lambda m: m[1] and b"<%s> <%s> [%s]" % (m[1], m[2], b" ".join(
                            b"<%s>" % change("0", bytes.fromhex(one_.decode()).decode("utf-16-be")).encode("utf-16-be").hex().encode()
                            for one_ in re.findall(rb"<([0-9a-fA-F]+)>", m[3]))), part)  # fmt: skip
                    parts[n] = part
            thing["/ToUnicode"] = pdf.make_stream(b"".join(parts))
    return saved(pdf)


def with_password(data: bytes, *, owner: str = "o", user: str = "") -> bytes:
    import pikepdf

    return saved(pages_of(data), encryption=pikepdf.Encryption(owner=owner, user=user))


def scanned(pages: int, stamp: str = "", size: tuple[int, int] = (60, 85)) -> bytes:
    """Return pages that are pictures, each with the stamp of the app that made them."""
    from reportlab.lib.utils import ImageReader

    canvas, out = new_canvas()
    for number in range(1, pages + 1):
        canvas.drawImage(ImageReader(_picture(size, number)), 20, 40, 555, 780)
        if stamp:
            canvas.setFont("STSong-Light", 8)
            canvas.drawString(400, 20, stamp.format(number))
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _picture(size: tuple[int, int], seed: int) -> io.BytesIO:
    """Return a grey PNG."""
    width, height = size
    draw = random.Random(seed)
    rows = b"".join(b"\0" + draw.randbytes(width) for _ in range(height))

    def chunk(kind: bytes, body: bytes) -> bytes:
        sum_ = zlib.crc32(kind + body)
        return len(body).to_bytes(4, "big") + kind + body + sum_.to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
    return io.BytesIO(png + chunk(b"IEND", b""))


def bound(*parts: bytes) -> bytes:
    """Return one PDF of the pages of several."""
    import pikepdf

    whole = pikepdf.new()
    for part in parts:
        whole.pages.extend(pages_of(part).pages)
    return saved(whole)


def turned(data: bytes, *, lying: bool = False) -> bytes:
    """Return a PDF whose pages are drawn lying, and are to be turned by whoever shows them; lying:
    nobody turns them."""
    pdf = pages_of(data)
    for page in pdf.pages:
        _, _, width, height = (float(x) for x in page.mediabox)
        page.mediabox = [0, 0, height, width]
        if "/CropBox" in page:
            del page["/CropBox"]
        page.contents_add(f"q 0 1 -1 0 {height} 0 cm".encode(), prepend=True)
        page.contents_add(b"Q")
        if not lying:
            page.Rotate = 90
    return saved(pdf)


def many_pages_with_font(pages: int) -> bytes:
    """Return a book of so many pages that holds its font, as most books do."""
    draw = random.Random(0)
    pdf = _book()
    for _ in range(pages):
        pdf.add_page()
        pdf.set_font("F", size=10)
        lines = [line for _ in range(8) for line in wrapped(paragraph(draw, 3, 3), 48)]
        for row, text in enumerate(lines[:42]):
            x = 17 + 3.53 * (len(text) - len(text.lstrip("\u3000")))
            pdf.text(x, 20 + 6 * row, text.lstrip("\u3000"))
    return bytes(pdf.output())


def many_pages(pages: int) -> bytes:
    """Return a book of so many pages, quickly; its font is not in the file."""
    draw = random.Random(0)
    canvas, out = new_canvas()
    for number in range(1, pages + 1):
        canvas.setFont("STSong-Light", 10)
        lines = [line for _ in range(8) for line in wrapped(paragraph(draw, 3, 3), 48)]
        for row, text in enumerate(lines[:42]):
            x = 48 + 10 * (len(text) - len(text.lstrip("\u3000")))
            canvas.drawString(x, 780 - row * 17, text.lstrip("\u3000"))
        canvas.drawCentredString(297, 30, f"- {number} -")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def drawn(*contents: bytes, pages: Sequence[int] = ()) -> bytes:
    """Return a PDF of these contents, a page each; pages: which of them, from 0, each page shows."""
    shown = list(pages) or list(range(len(contents)))
    first = 4 + len(contents)
    kids = b" ".join(b"%d 0 R" % (first + n) for n in range(len(shown)))
    things = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(shown)),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for content in contents:
        packed = zlib.compress(content, 9)
        things.append(
            b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed)
        )
    about = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>"
    things += [about + b"/Contents %d 0 R>>" % (4 + number) for number in shown]
    out, places = [b"%PDF-1.5\n"], []
    at = len(out[0])
    for number, thing in enumerate(things, 1):
        places.append(at)
        out.append(b"%d 0 obj\n%s\nendobj\n" % (number, thing))
        at += len(out[-1])
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(things) + 1
    out.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table))
    out.append(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, at))
    return b"".join(out)


def words(many: int, word: bytes = b"aaaa bbbb cccc dddd eeee") -> bytes:
    """Return the content of a page of so many lines."""
    return b"BT /F 10 Tf 10 800 Td " + b"0 -12 Td (%s) Tj " % word * many + b"ET"


def environment_has(*names: str) -> bool:
    return all(program(name) for name in names) and os.name == "posix"

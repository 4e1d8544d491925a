"""Workbooks of known rows, made without an office program: XLSX, XLS, ODS."""

from __future__ import annotations

import datetime
import io
import struct
import warnings
import zipfile
from collections.abc import Sequence

import openpyxl

ROWS = [
    ["科室", "问题", "回答", "有效率", "日期", "价格"],
    ["心内科", "高血压能吃咸菜吗？", "少吃盐，按时服药。", "89.3%", "2025年12月17日", "¥1,234.50"],
    ["心内科", "头晕怎么办？", "先测血压。\n再休息。", "8", "2025/1/2", "¥0.90"],
    ["呼吸科", "咳嗽三天怎么办？", "多喝水，<不要>抽烟。", "0.5", "2024年2月29日", ""],
]
"""What a person sees, the names of the columns first."""
HIDDEN = "这一行不给人看"
_VALUES = [(0.893, 46008, 1234.5), (8.0, 45659, 0.9), (0.5, 45351, None)]
_FORMATS = [
    ("0.0%", 'yyyy"年"m"月"d"日"', '"¥"#,##0.00'),
    ("General", "mm-dd-yy", '"¥"#,##0.00'),
    ("General", 'yyyy"年"m"月"d"日"', "General"),
]


def xlsx() -> bytes:
    """A title over all columns, a department over two rows, a hidden row, column and sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "门诊"
    sheet["A1"] = "某院门诊问答一览表"
    sheet.merge_cells("A1:G1")
    sheet.append([*ROWS[0], "密级"])
    for row, values, formats in zip(ROWS[1:], _VALUES, _FORMATS, strict=True):
        moment = datetime.datetime(1899, 12, 30) + datetime.timedelta(days=values[1])
        sheet.append([*row[:3], values[0], moment, values[2], "内部"])
        for column, code in zip("DEF", formats, strict=True):
            sheet[f"{column}{sheet.max_row}"].number_format = code
    sheet["A4"] = None
    sheet.merge_cells("A3:A4")
    sheet.append([HIDDEN, HIDDEN, HIDDEN])
    sheet.row_dimensions[6].hidden = True
    sheet.column_dimensions["G"].hidden = True
    book.create_sheet("空表")
    other = book.create_sheet("旧表")
    other.append(ROWS[0])
    other.append([HIDDEN] * 6)
    other.sheet_state = "hidden"
    return _saved(book)


def xlsx_of_two_sheets() -> bytes:
    """Two sheets with the columns, and one with a note before them; names over two rows."""
    book = openpyxl.Workbook()
    note = book.active
    note.title = "说明"
    note["A1"] = "本表由信息科整理，仅供参考。"
    for name, rows in (("内科", ROWS[1:3]), ("外科", ROWS[3:])):
        sheet = book.create_sheet(name)
        sheet.append(["科室", "问诊", None, "结果", None, None])
        sheet.append([None, "问题", "回答", "有效率", "日期", "价格"])
        for span in ("A1:A2", "B1:C1", "D1:F1"):
            sheet.merge_cells(span)
        for row in rows:
            sheet.append(row)
    return _saved(book)


def _saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def xlsx_written_oddly() -> bytes:
    """No places of cells, texts within cells and of several runs with how they are spoken, dates
    from 1904, strict namespaces, parts under other names, escapes of control characters."""
    strings = (
        '<si><r><rPr><b/></rPr><t>高血压</t></r><r><t xml:space="preserve">能吃咸菜吗？</t></r>'
        '<rPh sb="0" eb="1"><t>GAO</t></rPh></si>'
    )
    head = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in ROWS[0])

    def text(value: str, line: str = "\n") -> str:
        value = value.replace("<", "&lt;").replace("\n", line)
        return f'<c t="str"><f>A1</f><v>{value}</v></c>' if value else "<c/>"

    lines = [f"<row>{head}</row>"]
    for n, (row, values) in enumerate(zip(ROWS[1:], _VALUES, strict=True)):
        asked = '<c t="s"><v>0</v></c>' if n == 0 else text(row[1])
        price = f'<c s="3"><v>{values[2]}</v></c>' if values[2] is not None else "<c/>"
        day = 2 if n == 1 else 1
        lines.append(
            f"<row>{text(row[0])}{asked}{text(row[2], '_x000D_' + chr(10))}"
            f'<c s="{0 if n else 4}"><v>{values[0]}</v></c>'
            f'<c s="{day}"><v>{values[1] - 1462}</v></c>{price}</row>'
        )
    styles = (
        '<numFmts count="2"><numFmt numFmtId="170" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d'
        '&quot;日&quot;;@"/><numFmt numFmtId="171" formatCode="[$¥-804]#,##0.00;[Red]\\-0"/>'
        '</numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="170"/><xf numFmtId="14"/>'
        '<xf numFmtId="171"/><xf numFmtId="172"/></cellXfs>'
    ).replace("</numFmts>", '<numFmt numFmtId="172" formatCode="0.0%"/></numFmts>')
    main = _STRICT
    parts = {
        "[Content_Types].xml": '<Types><Override ContentType="application/vnd.openxmlformats-'
        'officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": _relations("../", {"r1": ("officeDocument", "/book/main.xml")}),
        "book/main.xml": f'<workbook xmlns="{main}" xmlns:r="{_REL}"><workbookPr date1904="1"/>'
        '<sheets><sheet name="表" sheetId="7" r:id="a"/></sheets></workbook>',
        "book/_rels/main.xml.rels": _relations(
            "", {"a": ("worksheet", "one.xml"), "b": ("sharedStrings", "texts.xml"),
                 "c": ("styles", "./styles.xml")},
        ),
        "book/one.xml": f'<x:worksheet xmlns:x="{main}" xmlns="{main}"><sheetData>'
        f"{''.join(lines)}</sheetData></x:worksheet>",
        "book/texts.xml": f'<sst xmlns="{main}">{strings}</sst>',
        "book/styles.xml": f'<styleSheet xmlns="{main}">{styles}</styleSheet>',

    }  # fmt: skip
    return zipped(parts)


def _relations(base: str, targets: dict[str, tuple[str, str]]) -> str:
    inner = "".join(
        f'<Relationship Id="{key}" Type="{_REL}/{kind}" Target="{target}"/>'
        for key, (kind, target) in targets.items()
    )
    return (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f"{inner}</Relationships>"
    )


def zipped(parts: dict[str, str | bytes], stored: Sequence[str] = ()) -> bytes:
    """Return a ZIP of parts; those ``stored`` are not compressed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            kind = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            archive.writestr(name, content, kind)
    return out.getvalue()


def xls() -> bytes:
    """Excel 97 to 2003, with what is merged and what is hidden."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import xlwt
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("门诊")
    sheet.write_merge(0, 0, 0, 6, "某院门诊问答一览表")
    for column, name in enumerate([*ROWS[0], "密级"]):
        sheet.write(1, column, name)
    for n, (row, values, formats) in enumerate(zip(ROWS[1:], _VALUES, _FORMATS, strict=True), 2):
        for column in (1, 2):
            sheet.write(n, column, row[column])
        for column, value, code in zip((3, 4, 5), values, formats, strict=True):
            if value is not None:
                code = "M/D/YY" if code == "mm-dd-yy" else code
                sheet.write(n, column, value, xlwt.easyxf(num_format_str=code))
        sheet.write(n, 6, "内部")
    sheet.write_merge(2, 3, 0, 0, "心内科")
    sheet.write(4, 0, "呼吸科")
    for column in range(3):
        sheet.write(5, column, HIDDEN)
    sheet.row(5).hidden = True
    sheet.col(6).hidden = True
    other = book.add_sheet("旧表")
    other.visibility = 1
    other.write(0, 0, HIDDEN)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xls_of_1995(codepage: int | None = 936) -> bytes:
    """Excel 5.0 and 95: texts are bytes of a code page, which the file may not name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from xlwt.CompoundDoc import XlsDoc

    def record(kind: int, data: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    codes = ["General", "0.0%", 'yyyy"年"m"月"d"日"', "#,##0.00"]
    globals_ = record(0x0809, struct.pack("<HHHH", 0x0500, 0x0005, 0x1000, 1995))
    if codepage is not None:
        globals_ += record(0x0042, struct.pack("<H", codepage))
    globals_ += record(
        0x0031, struct.pack("<HHHHHBBBB", 200, 0, 0, 400, 0, 0, 0, 134, 0) + b"\x04Song"
    )
    for n, code in enumerate(codes[1:], 164):
        text = code.encode("gbk")
        globals_ += record(0x041E, struct.pack("<HB", n, len(text)) + text)
    for n in (0, 164, 165, 166, 14):
        globals_ += record(0x00E0, struct.pack("<HHHHHHHH", 0, n, 0, 0, 0, 0, 0, 0))
    name = "门诊".encode("gbk")
    bound = len(globals_) + 4 + 7 + len(name) + 4
    globals_ += record(0x0085, struct.pack("<IBBB", bound, 0, 0, len(name)) + name)
    globals_ += record(0x000A)
    sheet = record(0x0809, struct.pack("<HHHH", 0x0500, 0x0010, 0x1000, 1995))
    sheet += record(0x0200, struct.pack("<HHHHH", 0, len(ROWS), 0, 6, 0))

    def label(row: int, column: int, text: str) -> bytes:
        data = text.encode("gbk")
        return record(0x0204, struct.pack("<HHHH", row, column, 0, len(data)) + data)

    for column, name_ in enumerate(ROWS[0]):
        sheet += label(0, column, name_)
    for n, (row, values) in enumerate(zip(ROWS[1:], _VALUES, strict=True), 1):
        for column in range(3):
            sheet += label(n, column, row[column])
        styles = (1 if n == 1 else 0, 4 if n == 2 else 2, 3)
        for column, value, style in zip((3, 4, 5), values, styles, strict=True):
            if value is not None:
                sheet += record(0x0203, struct.pack("<HHHd", n, column, style, value))
    sheet += record(0x000A)
    out = io.BytesIO()
    XlsDoc().save(out, globals_ + sheet)
    return out.getvalue()


def ods() -> bytes:
    """Shown texts beside values, what is merged, repeated, hidden and noted."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for name, long in (("office", "office"), ("table", "table"), ("text", "text"), ("style", "style"))
    )  # fmt: skip

    def cell(text: str, more: str = "") -> str:
        lines = text.replace("<", "&lt;").split("\n")
        return f"<table:table-cell {more}>{''.join(f'<text:p>{x}</text:p>' for x in lines if x)}</table:table-cell>"

    rows = [
        "<table:table-row>"
        + cell("某院门诊<text:s text:c='2'/>问答".replace("<", "\0").replace("\0", "<"), 'table:number-columns-spanned="7"').replace("&lt;", "<")
        + '<table:covered-table-cell table:number-columns-repeated="6"/></table:table-row>',
        f"<table:table-header-rows><table:table-row>{''.join(map(cell, [*ROWS[0], '密级']))}</table:table-row></table:table-header-rows>",
    ]  # fmt: skip
    for n, (row, values) in enumerate(zip(ROWS[1:], _VALUES, strict=True)):
        first = cell(row[0], 'table:number-rows-spanned="2"') if n == 0 else cell(row[0])
        first = "<table:covered-table-cell/>" if n == 1 else first
        note = "<office:annotation><text:p>批注不是正文</text:p></office:annotation>"
        rate = cell(row[3], f'office:value-type="float" office:value="{values[0]}"')
        rate = rate.replace("><text:p", f">{note}<text:p", 1)
        more = "".join(map(cell, row[4:6])) + cell("内部")
        rows.append(
            f"<table:table-row>{first}{cell(row[1])}{cell(row[2])}{rate}{more}"
            '<table:table-cell table:number-columns-repeated="16377"/></table:table-row>'
        )
    rows.append(
        f'<table:table-row table:visibility="collapse" table:number-rows-repeated="3">{cell(HIDDEN)}'
        f"{cell(HIDDEN)}{cell(HIDDEN)}</table:table-row>"
        '<table:table-row table:number-rows-repeated="1048500"><table:table-cell '
        'table:number-columns-repeated="16384"/></table:table-row>'
    )
    hidden = "".join(map(cell, ROWS[0]))
    content = (
        f"<office:document-content {spaces}><office:automatic-styles>"
        '<style:style style:name="ta1" style:family="table"><style:table-properties table:display="true"/></style:style>'
        '<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style>'
        "</office:automatic-styles><office:body><office:spreadsheet>"
        '<table:table table:name="门诊" table:style-name="ta1">'
        '<table:table-column table:number-columns-repeated="6"/><table:table-column table:visibility="collapse"/>'
        f"{''.join(rows)}</table:table>"
        f'<table:table table:name="旧表" table:style-name="ta2"><table:table-row>{hidden}</table:table-row>'
        f"<table:table-row>{cell(HIDDEN) * 6}</table:table-row></table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": f'<?xml version="1.0" encoding="UTF-8"?>{content}',
        },
        stored=("mimetype",),
    )


SHEETS = {
    "formats.xlsx": xlsx,
    "two_sheets.xlsx": xlsx_of_two_sheets,
    "written_oddly.xlsx": xlsx_written_oddly,
    "of_2003.xls": xls,
    "of_1995.xls": xls_of_1995,
    "of_1995_unnamed.xls": lambda: xls_of_1995(None),
    "shown.ods": ods,
}
"""Name -> what makes the file; each shows ROWS to a person and nothing else."""

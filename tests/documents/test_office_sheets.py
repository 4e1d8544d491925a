"""Sheets of workbooks are read as a person sees them, by every layout that reads tables."""

from __future__ import annotations

import gzip
import io
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from layout_reading import read
from office_sheets import HIDDEN, ROWS, SHEETS, xls_of_1995, zipped

from chimed_datasets.detection import detect
from chimed_datasets.errors import SourceError
from chimed_datasets.records import Malformed
from chimed_datasets.sources import FileReport, SourceFile, exams
from chimed_datasets.sources.documents.numbers import shown, shown_text
from chimed_datasets.sources.parsing.sheets import table_rows
from tests.common.files import put

MAPPED = {"kind": "thread", "fields": {"question": "问题", "answer": "回答", "department": "科室"}}
NAMES_OVER_TWO_ROWS = ["科室", "问诊/问题", "问诊/回答", "结果/有效率", "结果/日期", "结果/价格"]


def rows_of(place: Path, **own) -> list:
    file = SourceFile(place.name, str(place), place.stat().st_size)
    return list(table_rows(file, FileReport(), **own))


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_is_read_as_a_person_sees_it(tmp_path, name):
    got = rows_of(put(tmp_path, name, SHEETS[name]()))
    names = NAMES_OVER_TWO_ROWS if name == "two_sheets.xlsx" else ROWS[0]
    # The sheets of 1995 have no sign for the yuan.
    yuan = "" if "1995" in name else "¥"
    expected = [[cell.replace("¥", yuan) for cell in row] for row in ROWS[1:]]
    assert [list(row[1].values()) for row in got if isinstance(row, tuple)] == expected
    assert all(list(row[1]) == names for row in got if isinstance(row, tuple))
    told = [row for row in got if isinstance(row, Malformed)]
    assert len({row.key if isinstance(row, Malformed) else row[0] for row in got}) == len(got)
    if name in ("formats.xlsx", "of_2003.xls", "shown.ods"):
        assert {row.rule for row in told} == {
            "title_row", "hidden_column", "hidden_row", "hidden_sheet"
        }  # fmt: skip
        assert any(row.rule == "hidden_row" and HIDDEN in row.evidence for row in told)


@pytest.mark.parametrize("name", [name for name in SHEETS if name != "two_sheets.xlsx"])
@pytest.mark.parametrize("packed", ["plain", "gz", "other name"])
def test_layouts_of_tables_read_workbooks(tmp_path, name, packed):
    data = SHEETS[name]()
    given = {"plain": name, "gz": f"{name}.gz", "other name": "rows.csv"}[packed]
    place = put(tmp_path, given, gzip.compress(data) if packed == "gz" else data)
    for key, own in (("csv", MAPPED), ("qa_csv", {})):
        made = [one for one in read(key, place, **own) if not isinstance(one, Malformed)]
        assert [(t.department, t.question, t.answers[0].text) for t in made] == [
            tuple(row[:3]) for row in ROWS[1:]
        ]


def book(**sheets: list[list]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


TWO = {
    "甲": [["问题", "回答"], ["一", "甲一"]],
    "乙": [["问题", "回答", "备注"], ["二", "乙二", "注"]],
    "丙": [["方名", "组成"], ["四君子汤", "人参"]],
}


@pytest.mark.parametrize(
    ("sheet", "answers"),
    [(None, ["甲一", "乙二"]), ("乙", ["乙二"]), (1, ["甲一"]), ("2", ["乙二"])],
)
def test_the_key_sheet_names_a_sheet(tmp_path, sheet, answers):
    place = put(tmp_path, "a.xlsx", book(**TWO))
    made = read("csv", place, **MAPPED | {"fields": {"question": "问题", "answer": "回答"}},
                sheet=sheet)  # fmt: skip
    assert [t.answers[0].text for t in made if not isinstance(t, Malformed)] == answers
    told = [m.evidence for m in made if isinstance(m, Malformed)]
    if sheet is None:
        assert told == ["sheet '丙' has the columns 方名, 组成; the key `sheet` reads it"]


def test_a_sheet_that_is_not_there_is_told_with_those_that_are(tmp_path):
    place = put(tmp_path, "a.xlsx", book(**TWO))
    with pytest.raises(SourceError, match=r"^a\.xlsx: it has no sheet '丁'.*Known: 丙, 乙, 甲\.$"):
        read("csv", place, **MAPPED, sheet="丁")


def test_a_sheet_without_the_columns_says_what_it_has(tmp_path):
    place = put(tmp_path, "a.xlsx", book(甲=TWO["丙"]))
    with pytest.raises(SourceError, match="方名"):
        read("csv", place, fields={"text": "组成?", "title": "名"})


def test_columns_without_a_header_line_are_named(tmp_path):
    place = put(
        tmp_path, "a.xlsx", book(甲=[["人参", "属于", "补气药"], ["甘草", "属于", "补气药"]])
    )
    made = read("csv", place, header=["a", "b", "c"], fields={"text": "c", "title": "a"})
    assert [(d.title, d.text) for d in made] == [("人参", "补气药"), ("甘草", "补气药")]
    triples = read("entities", place, header=["subject", "predicate", "object"])
    assert [d.text for d in triples] == ["人参\n属于：补气药。", "甘草\n属于：补气药。"]


def test_a_note_beside_the_table_is_kept_and_a_row_across_is_no_row(tmp_path):
    made = openpyxl.Workbook()
    sheet = made.active
    for row in (
        ["方名", "组成"],
        ["一、补益剂", None],
        ["四君子汤", "人参", None, "常用"],
        ["方名", "组成"],
    ):
        sheet.append(row)
    sheet.merge_cells("A2:B2")
    out = io.BytesIO()
    made.save(out)
    got = rows_of(put(tmp_path, "a.xlsx", out.getvalue()))
    assert (got[0].rule, got[0].evidence) == ("title_row", "sheet 'Sheet', row 2: 一、补益剂")
    assert [row[1] for row in got[1:]] == [{"方名": "四君子汤", "组成": "人参", "D": "常用"}]


def test_a_benchmark_may_be_a_workbook(tmp_path):
    rows = [["题目", "A", "B", "答案"], ["补气用？", "人参", "大黄", "A"]]
    place = put(tmp_path, "a.xlsx", book(说明=[["考试说明"]], 题=rows))
    files = [SourceFile("a.xlsx", str(place), place.stat().st_size)]
    with pytest.raises(SourceError, match="'说明' has the columns 考试说明; the key `sheet`"):
        exams.read("mcq", files, FileReport())
    for sheet in ("题", 2):
        (item,) = exams.read("mcq", files, FileReport(), exams.Rows(sheet=sheet))
        assert (item.stem, item.options, item.answer) == ("补气用？", ("人参", "大黄"), "A")


def test_a_joined_table_may_be_a_workbook(tmp_path):
    put(tmp_path, "questions.csv", "id,问题\n1,咳嗽？\n".encode())
    put(tmp_path, "answers.xlsx", book(甲=[["id", "回答"], [1, "多喝水。"]]))
    (made,) = read(
        "csv", tmp_path, kind="thread", fields={"question": "问题", "answer": "answers.回答"},
        join={"with": "answers.xlsx", "on": "id"},
    )  # fmt: skip
    assert made.answers[0].text == "多喝水。"


@pytest.mark.parametrize("name", SHEETS)
def test_detect_knows_a_workbook(tmp_path, name):
    found = detect(put(tmp_path, name, SHEETS[name]()))
    assert found.form.startswith("a workbook (")
    assert found.best is not None
    assert found.best.layout in ("csv", "qa_csv")
    assert found.best.share == 1


DAMAGED = {
    "cut.xlsx": lambda: SHEETS["formats.xlsx"]()[:3000],
    "cut.xls": lambda: SHEETS["of_2003.xls"]()[:3000],
    "no_sheet.xlsx": lambda: zipped({"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x"}),
    "word.xlsx": lambda: zipped({"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}),
    "locked.xlsx": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage\0".encode("utf-16-le"),
    "doc.xls": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument\0".encode("utf-16-le"),
}  # fmt: skip
SAID = {
    "cut.xlsx": "damaged", "cut.xls": "damaged|unknown kind", "no_sheet.xlsx": "damaged",
    "word.xlsx": "Word document.*layout docx", "locked.xlsx": "password", "doc.xls": "save it as DOCX",
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_that_is_no_sound_workbook_is_one_row_of_the_ledger(tmp_path, name):
    (row,) = read("csv", put(tmp_path, name, DAMAGED[name]()), **MAPPED)
    assert (row.key, row.rule) == (f"{name}#0", "not_text")
    assert re.search(SAID[name], row.evidence), row.evidence


def test_a_workbook_that_unfolds_to_far_more_is_a_bomb(tmp_path):
    data = SHEETS["formats.xlsx"]()
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", 8, compresslevel=1) as new,
    ):
        for name in old.namelist():
            if name != "xl/worksheets/sheet1.xml":
                new.writestr(name, old.read(name))
                continue
            with new.open(name, "w", force_zip64=True) as part:
                part.write(b'<worksheet xmlns="x"><sheetData>')
                for _ in range(300):
                    part.write(b"<row/>" * 180_000)
                part.write(b"</sheetData></worksheet>")
    with pytest.raises(SourceError, match="bomb"):
        rows_of(put(tmp_path, "a.xlsx", out.getvalue()))


@pytest.mark.parametrize("data", [b"", b" \n"])
def test_a_workbook_with_nothing_in_it_holds_no_records(tmp_path, data):
    (row,) = read("csv", put(tmp_path, "a.xlsx", data), **MAPPED)
    assert (row.key, row.rule) == ("a.xlsx#0", "no_records")


def test_a_code_page_that_is_not_chinese_is_kept(tmp_path):
    # A file of the West with accents: they are none of GB18030's pairs.
    data = xls_of_1995(1252)
    got = rows_of(put(tmp_path, "a.xls", data))
    assert got[0][1]["回答"] == ROWS[1][2]


@dataclass(frozen=True)
class Number:
    value: float
    code: str
    text: str


NUMBERS = [
    Number(0.893, "0.0%", "89.3%"),
    Number(8.0, "General", "8"),
    Number(0.1 + 0.2, "General", "0.3"),
    Number(1 / 3, "General", "0.333333333"),
    Number(13912345678, "General", "13912345678"),
    Number(6901234567890, "General", "6901234567890"),
    Number(1e20, "General", "1E+20"),
    Number(1.234e-5, "General", "1.234E-05"),
    Number(-5, "0;(0)", "(5)"),
    Number(0, "0;-0;;@", ""),
    Number(-5.5, "0.0_ ;[Red]\\-0.0\\ ", "-5.5"),
    Number(1234567.891, "#,##0.00", "1,234,567.89"),
    Number(12345, '0.0,"千"', "12.3千"),
    Number(12345, "0!.0,", "1.2"),
    Number(13800138000, "000-0000-0000", "138-0013-8000"),
    Number(7, "00000", "00007"),
    Number(2.675, "0.00", "2.68"),
    Number(0.5, "#.##", ".5"),
    Number(1234, "0.00E+00", "1.23E+03"),
    Number(1.5, "# ?/?", "1 1/2"),
    Number(98.6, '0.0"℉"', "98.6℉"),
    Number(5, '[>=3]"高"0;[<3]"低"0', "高5"),
    Number(1234.5, '_ * #,##0.00_ ;_ * \\-#,##0.00_ ;_ * "-"??_ ;_ @_ ', "1,234.50"),
    Number(123, "[DBNum2]0", "壹佰贰拾叁"),
    Number(46008, 'yyyy"年"m"月"d"日"', "2025年12月17日"),
    Number(46008, '[DBNum1][$-804]yyyy"年"m"月"d"日"', "二〇二五年十二月十七日"),
    Number(46008, "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "2025年12月17日"),
    Number(46008, "aaaa", "星期三"),
    Number(46008.5, "yyyy/m/d h:mm", "2025/12/17 12:00"),
    Number(0.52, '上午/下午h"时"mm"分"', "下午12时28分"),
    Number(1.52, "[h]:mm:ss", "36:28:48"),
    Number(0.123456, "mm:ss.0", "57:46.6"),
]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: f"{n.value:g} as {n.code}")
def test_a_number_is_shown_as_its_format_says(number):
    assert shown(number.value, number.code) == number.text


def test_a_text_is_shown_as_its_format_says():
    assert shown_text("甲", '0;0;0;"科室："@') == "科室：甲"
    assert shown_text("甲", "0.00") == "甲"

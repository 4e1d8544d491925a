"""Proves that no file takes the machine along: hostile files at full size, each through a build.

    python tests/prove_bounds.py [NAME…] [--share 0.1] [--folder DIR] [--guard GIB]

Makes each file of CASES in a temporary folder (at most 2 GB at a time), builds a dataset of it in a
process of its own, and prints a line on it:

size    bytes of the file
s       CPU seconds of the build
plain   those seconds over what a plain file of this size takes in the same layout, or, where that
        is more, a plain file of so many records; each line of CSV or JSON Lines counts as one. Of a
        packed file the size is what is unfolded of it. The plain file has PLAIN_MB; its seconds
        beyond those of an empty build are taken times the ratio of sizes, or of records
GiB     peak memory of the build above that of the plain file, which is as large as the file where
        more records are kept of this one than of PLAIN_MB: those are what a build holds
exit    the build's; "guard" where it wanted more address space than --guard allows, "time" where it
        took more than LIMIT times the plain file
kept    good rows that are in the build, of how many that stood in the file
said    the last line that the build printed

A case fails at more than MAX_GIB above plain, more than MAX_RATIO times its time, any exit but 0
and 1, a traceback, a complaint about a recipe that is not the case's own file, and where fewer good
rows are kept than it says can be. Exit code 1 if one does.
It takes an hour; the tests have the same kinds of files in small.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import io
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from chimed_datasets.sources.files.opening import MAX_RATIO as UNFOLDED  # noqa: E402
from chimed_datasets.sources.files.opening import RATIO_FLOOR  # noqa: E402
from tests.common.made_pdfs import drawn, words  # noqa: E402
from tests.common.text import prose  # noqa: E402

MB = 1_000_000
PLAIN_MB = 24
MAX_GIB = 1.0
MAX_RATIO = 5.0
LIMIT = 12
"""A build is stopped after so many times the CPU seconds of a plain file, or a minute of them."""
share = 1.0
"""Of the sizes; --share sets it, for a quick look."""


class Case(NamedTuple):
    """path: the file's name. make: writes it and returns how many good rows it has; all of them
    must be kept where ``all_kept``. layout, own: the recipe's entry. record: what each record of a
    list begins with. unfolds: bytes that a packed file becomes."""

    path: str
    make: Callable[[BinaryIO], int]
    layout: str = "jsonl"
    own: Mapping[str, Any] = MappingProxyType({})
    all_kept: bool = True
    record: bytes = b""
    unfolds: int = 0


CASES: dict[str, Case] = {}
GOOD = [prose(n, 60) for n in range(12)]
JSON_ROWS = [json.dumps({"id": f"g{n}", "text": t}, ensure_ascii=False) for n, t in enumerate(GOOD)]
CSV_ROWS = [f"g{n},{text}" for n, text in enumerate(GOOD)]
HALF = len(GOOD) // 2
QUOTED = """{n},"{t}\\\\",\\\\\\\\"\\\\"\n"\n"""
SITE = {"site": "site.yaml"}
SITE_FILE = {
    "name": "site",
    "permission": "made for this proof",
    "license": "cc0-1.0",
    "contact": "https://example.org",
    "start_urls": ["https://example.org/"],
    "allowed_domains": ["example.org"],
    "pages": [{"kind": "article", "match": ".", "title": "h1", "text": "p"}],
}


def case(
    path: str,
    layout: str = "jsonl",
    all_kept: bool = True,
    record: bytes = b"",
    unfolds: int = 0,
    **own: Any,
) -> Callable[..., Any]:
    def add(make: Callable[[BinaryIO], int]) -> Callable[[BinaryIO], int]:
        CASES[make.__name__] = Case(path, make, layout, own, all_kept, record, unfolds)
        return make

    return add


def fill(out: BinaryIO, part: bytes, size: int) -> None:
    """Write ``part`` again and again, about ``size`` bytes."""
    size = int(size * share)
    block = part * max(1, min(size, MB) // len(part))
    for _ in range(max(1, size // len(block))):
        out.write(block)


def around(out: BinaryIO, rows: list[str], middle: bytes, size: int, end: bytes = b"\n") -> int:
    """Write half of the rows, a line that ``middle`` fills, and the other half."""
    out.write("".join(row + "\n" for row in rows[:HALF]).encode())
    fill(out, middle, size)
    out.write(end + "".join(row + "\n" for row in rows[HALF:]).encode())
    return len(rows)


# --- CSV -------------------------------------------------------------------------------------


def rows_of_csv(out: BinaryIO, size: int, pattern: str) -> int:
    """Write good rows, and rows of a pattern (with the row's number) between them."""
    out.write(b"id,text\n" + "".join(row + "\n" for row in CSV_ROWS[:HALF]).encode())
    written = number = 0
    while written < size * share:
        block = "".join(
            pattern.format(n=n, t=prose(n % 997, 20)) for n in range(number, number + 5000)
        )
        written += out.write(block.encode())
        number += 5000
    out.write("".join(row + "\n" for row in CSV_ROWS[HALF:]).encode())
    return len(CSV_ROWS)


@case("a.csv", "csv")
def csv_first_quote_never_closes(out: BinaryIO) -> int:
    out.write(b'id,text\nx,"')
    for n in range(int(share * 340 * MB) // 190):
        out.write(
            f"r{n},{GOOD[n % 12][:-1]}{n}\n".encode() if n >= 12 else f"{CSV_ROWS[n]}\n".encode()
        )
    return len(CSV_ROWS)


@case("a.csv", "csv")
def csv_every_row_opens_a_quote(out: BinaryIO) -> int:
    return rows_of_csv(out, 100 * MB, '{n},"{t}\n')


@case("a.csv", "csv")
def csv_every_row_has_text_behind_a_quote(out: BinaryIO) -> int:
    return rows_of_csv(out, 100 * MB, '{n},"{t}" 和"\n')


@case("a.csv", "csv")
def csv_of_5_million_bad_rows(out: BinaryIO) -> int:
    return rows_of_csv(out, 75 * MB, '{n},"a"b\n')


@case("a.csv", "csv")
def csv_quotes_and_backslashes(out: BinaryIO) -> int:
    return rows_of_csv(out, 100 * MB, QUOTED)


@case("a.csv", "csv", all_kept=False)
def csv_of_quotes_alone(out: BinaryIO) -> int:
    out.write(b"id,text\n")
    fill(out, b'"', 100 * MB)
    return 0


@case("a.csv", "csv")
def csv_lines_of_one_quote(out: BinaryIO) -> int:
    return rows_of_csv(out, 10 * MB, '"\n')


@case("a.csv", "csv")
def csv_quotes_beside_delimiters(out: BinaryIO) -> int:
    return rows_of_csv(out, 10 * MB, '",",\n')


@case("a.csv", "csv")
def csv_line_without_an_end(out: BinaryIO) -> int:
    out.write(b"id,text\n")
    return around(out, CSV_ROWS, b"a", 1500 * MB)


@case("a.csv", "csv", all_kept=False)
def csv_of_500_000_columns(out: BinaryIO) -> int:
    out.write(",".join(f"c{n}" for n in range(500_000)).encode() + b"\n")
    for _ in range(20):
        out.write(b"," * 499_999 + b"\n")
    return 0


@case("a.csv", "csv")
def csv_row_of_delimiters(out: BinaryIO) -> int:
    out.write(b"id,text\n")
    return around(out, CSV_ROWS, b",", 50 * MB)


@case("a.csv", "csv")
def csv_rows_of_delimiters_in_quotes(out: BinaryIO) -> int:
    out.write(b"id,text\n")
    return around(out, CSV_ROWS, b'"",' * 1000 + b"\n", 100 * MB)


@case("a.csv", "csv")
def csv_of_carriage_returns(out: BinaryIO) -> int:
    out.write(b"id,text\n")
    return around(out, CSV_ROWS, b"a,\r", 50 * MB)


@case("a.csv", "csv", all_kept=False)
def csv_header_without_an_end(out: BinaryIO) -> int:
    out.write(b'"id')
    fill(out, b"a\n", 100 * MB)
    return 0


@case("a.csv", "csv")
def csv_nul_lines(out: BinaryIO) -> int:
    out.write(b"id,text\n")
    return around(out, CSV_ROWS, b"\0", 200 * MB)


# --- JSON ------------------------------------------------------------------------------------


def in_list(out: BinaryIO, *middle: tuple[bytes, int]) -> int:
    """Write a list whose good rows stand before and behind what each (part, size) fills."""
    out.write(("[" + ",\n".join(JSON_ROWS[:HALF]) + ",\n").encode())
    for part, size in middle:
        fill(out, part, size) if size else out.write(part)
    out.write((",\n" + ",\n".join(JSON_ROWS[HALF:]) + "]").encode())
    return len(JSON_ROWS)


@case("a.jsonl")
def json_line_without_an_end(out: BinaryIO) -> int:
    return around(out, JSON_ROWS, b"a", 1500 * MB)


@case("a.json")
def json_list_with_a_string_of_1500_mb(out: BinaryIO) -> int:
    return in_list(out, (b'{"text": "', 0), (b"a", 1500 * MB), (b'"}', 0))


@case("a.json")
def json_list_with_a_string_that_never_ends(out: BinaryIO) -> int:
    in_list(out, (b'{"text": "', 0), (b'a\\"b', 300 * MB))
    return len(JSON_ROWS)


@case("a.jsonl")
def json_lines_with_a_few_nuls(out: BinaryIO) -> int:
    return around(out, JSON_ROWS, b"\0" * 500, 500)


@case("a.jsonl")
def json_lines_with_nuls(out: BinaryIO) -> int:
    return around(out, JSON_ROWS, b"\0", 200 * MB)


@case("a.jsonl")
def json_lines_with_nuls_before_a_row(out: BinaryIO) -> int:
    return around(out, JSON_ROWS, b"\0", 50 * MB, b"")


@case("a.jsonl")
def json_line_of_100_000_brackets(out: BinaryIO) -> int:
    return around(out, JSON_ROWS, b"[", MB // 10)


@case("a.jsonl")
def json_line_of_50_million_brackets(out: BinaryIO) -> int:
    return around(out, JSON_ROWS, b"[", 50 * MB)


@case("a.jsonl")
def json_lines_of_brackets(out: BinaryIO) -> int:
    return around(out, JSON_ROWS, b"[" * 999 + b"\n", 50 * MB)


@case("a.jsonl")
def json_line_of_objects_in_objects(out: BinaryIO) -> int:
    return around(out, JSON_ROWS, b'{"id":', 50 * MB)


@case("a.json")
def json_list_of_100_000_brackets(out: BinaryIO) -> int:
    return in_list(out, (b"[", MB // 10))


@case("a.json")
def json_list_of_50_million_brackets(out: BinaryIO) -> int:
    return in_list(out, (b"[", 50 * MB))


@case("a.json")
def json_list_of_objects_that_never_close(out: BinaryIO) -> int:
    return in_list(out, (b'{"id": "1", "text": [1, {"a": 2},\n', 100 * MB))


@case("a.json")
def json_list_of_objects_in_objects(out: BinaryIO) -> int:
    return in_list(out, (b'{"id":', 100 * MB))


@case("a.json", record=b'{"id": "')
def json_list_of_texts_that_never_close(out: BinaryIO) -> int:
    return in_list(out, (b'{"id": "1,\n', 20 * MB))


@case("a.json")
def json_list_of_python_dicts_that_never_close(out: BinaryIO) -> int:
    return in_list(out, (b"{'id': 1, 'text': [1,\n", 20 * MB))


@case("a.json")
def json_list_of_values_that_are_no_objects(out: BinaryIO) -> int:
    return in_list(out, (b"1,", 2 * MB), (b"1", 0))


@case("a.jsonl")
def json_line_of_many_values(out: BinaryIO) -> int:
    return around(out, JSON_ROWS, b"1 ", 2 * MB)


@case("a.jsonl")
def json_line_of_many_empty_objects(out: BinaryIO) -> int:
    return around(out, JSON_ROWS, b"{}", 2 * MB)


@case("a.jsonl")
def json_object_of_3_million_keys(out: BinaryIO) -> int:
    out.write(("\n".join(JSON_ROWS) + "\n{").encode())
    for n in range(int(share * 3_000_000)):
        out.write(b'"k%d":%d,' % (n, n))
    out.write(b'"id":"many","text":""}\n')
    return len(JSON_ROWS)


@case("a.json")
def json_list_with_an_object_of_3_million_keys(out: BinaryIO) -> int:
    out.write(("[" + ",\n".join(JSON_ROWS) + ",\n{").encode())
    for n in range(int(share * 3_000_000)):
        out.write(b'"k%d":%d,' % (n, n))
    out.write(b'"id":"many","text":""}]')
    return len(JSON_ROWS)


@case("a.jsonl")
def json_line_of_a_list_of_30_million(out: BinaryIO) -> int:
    return around(out, JSON_ROWS, b"[],", 60 * MB)


@case("a.jsonl")
def json_object_with_a_list_of_20_million(out: BinaryIO) -> int:
    out.write(("\n".join(JSON_ROWS) + '\n{"id": "x", "text": [').encode())
    fill(out, b"{},", 60 * MB)
    out.write(b"{}]}\n")
    return len(JSON_ROWS)


@case("a.jsonl")
def json_number_of_10_million_digits(out: BinaryIO) -> int:
    out.write(("\n".join(JSON_ROWS) + '\n{"id": "x", "text": ').encode())
    fill(out, b"9", 10 * MB)
    out.write(b"}\n")
    return len(JSON_ROWS)


@case("a.json")
def json_list_with_a_number_of_10_million_digits(out: BinaryIO) -> int:
    return in_list(out, (b'{"id": "x", "text": ', 0), (b"9", 10 * MB), (b"}", 0))


@case("a.jsonl")
def json_lines_of_one_sign(out: BinaryIO) -> int:
    return around(out, JSON_ROWS, b"{\n", 2 * MB)


@case("a.jsonl")
def json_empty_lines(out: BinaryIO) -> int:
    return around(out, JSON_ROWS, b"\n", 10 * MB)


@case("a.json", rows="data", all_kept=False)
def json_rows_that_are_never_found(out: BinaryIO) -> int:
    out.write(b'{"other": [')
    fill(out, b"1,", 100 * MB)
    return 0


# --- text and pages --------------------------------------------------------------------------


def good_text() -> bytes:
    return "".join(f"第{n + 1}章 甲\n{text}\n" for n, text in enumerate(GOOD)).encode()


@case("a.txt", "text")
def text_line_without_an_end(out: BinaryIO) -> int:
    fill(out, b"a", 1500 * MB)
    return 0


@case("a.txt", "text")
def text_of_100_mb_in_a_line(out: BinaryIO) -> int:
    out.write(good_text() + "第九十九章 乙\n".encode())
    fill(out, "热".encode(), 100 * MB)
    return len(GOOD)


@case("a.txt", "text")
def text_of_250_mb(out: BinaryIO) -> int:
    out.write(good_text() + "第九十九章 乙\n".encode())
    fill(out, "热寒湿\n".encode(), 250 * MB)
    return len(GOOD)


@case("a.txt", "text")
def text_of_250_mb_of_ascii(out: BinaryIO) -> int:
    out.write(good_text() + "第九十九章 乙\n".encode())
    fill(out, b"a\n", 250 * MB)
    return len(GOOD)


@case("a.txt", "text")
def text_of_10_million_empty_lines(out: BinaryIO) -> int:
    out.write(good_text())
    fill(out, b"\n", 10 * MB)
    return len(GOOD)


@case("a.txt", "text")
def text_of_brackets(out: BinaryIO) -> int:
    out.write(good_text() + "第九十九章 乙\n".encode())
    fill(out, "【".encode(), 100 * MB)
    return len(GOOD)


@case("a.txt", "text")
def text_of_lines_of_brackets(out: BinaryIO) -> int:
    out.write(good_text() + "第九十九章 乙\n".encode())
    fill(out, "【\n".encode(), 100 * MB)
    return len(GOOD)


@case("a.txt", "text")
def text_of_headings(out: BinaryIO) -> int:
    out.write(good_text())
    fill(out, "【成份】\n【热】\n".encode(), 100 * MB)
    return len(GOOD)


@case("a.txt", "text")
def text_of_levels(out: BinaryIO) -> int:
    out.write(good_text())
    fill(out, "第一卷\n第一篇\n第一章\n第一节\n".encode(), 50 * MB)
    return len(GOOD)


def page_of(*texts: str) -> bytes:
    return f"<html><body><h1>甲</h1>{''.join(f'<p>{t}</p>' for t in texts)}".encode()


@case("a.html", "html", all_kept=False, **SITE)
def html_of_400_mb(out: BinaryIO) -> int:
    out.write(page_of(GOOD[0]))
    fill(out, "<i>热".encode(), 400 * MB)
    return 0


@case("a.html", "html", **SITE)
def html_of_tags_in_one_another(out: BinaryIO) -> int:
    out.write(page_of(GOOD[0]))
    fill(out, "<i>热".encode(), 15 * MB)
    return 1


@case("a.html", "html", **SITE)
def html_of_opened_tags(out: BinaryIO) -> int:
    out.write(page_of(GOOD[0]))
    fill(out, b"<div>", 15 * MB)
    return 1


@case("a.warc", "warc")
def warc_with_a_huge_record(out: BinaryIO) -> int:
    huge = int(1500 * share) * MB
    for body, size in ((page_of(*GOOD[:3]), 0), (b"a", huge), (page_of(*GOOD[3:6]), 0)):
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        length = len(answer) + (size or len(body))
        out.write(
            b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
            b"WARC-Target-URI: https://example.org/\r\nWARC-Date: 2020-01-01T00:00:00Z\r\n"
            b"Content-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n"
            % length
        )
        out.write(answer)
        for _ in range(size // MB):
            out.write(body * MB)
        out.write(b"\r\n\r\n" if size else body + b"\r\n\r\n")
    return 2


# --- packed ----------------------------------------------------------------------------------


@case("a.jsonl.gz", all_kept=False)
def gz_of_1_gb_of_zeros(out: BinaryIO) -> int:
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as packed:
        fill(packed, b"\0", 1000 * MB)  # type: ignore[arg-type]
    return 0


@case("a.txt.gz", "text", all_kept=False)
def gz_of_1_gb_of_one_letter(out: BinaryIO) -> int:
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as packed:
        fill(packed, b"a", 1000 * MB)  # type: ignore[arg-type]
    return 0


def zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, data)
    return out.getvalue()


@case("a.zip")
def zip_bomb_in_zips(out: BinaryIO) -> int:
    bomb = zipped("a.jsonl", bytes(1000 * MB))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for n in range(50):
            file.writestr(f"{n}.zip", zipped("in.zip", bomb))
        file.writestr("good.jsonl", "\n".join(JSON_ROWS))
    return 0


@case("a.zip")
def zip_of_200_000_members(out: BinaryIO) -> int:
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("good.jsonl", "\n".join(JSON_ROWS))
        for n in range(200_000):
            file.writestr(f"{n}.pdf", b"x")
    return len(JSON_ROWS)


@case("a.zip")
def zip_of_20_000_files_of_rows(out: BinaryIO) -> int:
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("good.jsonl", "\n".join(JSON_ROWS))
        for n in range(20_000):
            file.writestr(f"{n}.jsonl", b"x")
    return len(JSON_ROWS)


@case("a.parquet", "parquet", unfolds=12 * MB * MB)
def parquet_of_one_text_a_million_times(out: BinaryIO) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    long = pa.array(["热" * (4 * MB)])
    column = pa.DictionaryArray.from_arrays(pa.array([0] * MB, pa.int32()), long)
    pq.write_table(pa.table({"text": column}), out)
    return 0


@case("a.parquet", "parquet")
def parquet_with_a_list_of_a_billion_nulls(out: BinaryIO) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    inner = pa.nulls(60 * MB, pa.int8())
    listed = pa.ListArray.from_arrays(pa.array([0, len(inner)], pa.int32()), inner)
    pq.write_table(pa.table({"text": [GOOD[0]], "many": listed}), out)
    return 0


# --- office ----------------------------------------------------------------------------------


def sheet_of(out: BinaryIO, piece: bytes, times: int, behind: bytes = b"", texts: int = 0) -> None:
    """Write an XLSX whose sheet has a good table and ``piece`` so many times."""
    head = b"".join(b'<c t="inlineStr"><is><t>%b</t></is></c>' % name for name in (b"id", b"text"))
    rows = b"".join(
        b'<row><c><v>%d</v></c><c t="inlineStr"><is><t>%b</t></is></c></row>' % (n, text.encode())
        for n, text in enumerate(GOOD)
    )
    relation = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr(
            "xl/workbook.xml",
            b'<workbook xmlns="m" xmlns:r="%b"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets>'
            b"</workbook>" % relation,
        )
        file.writestr(
            "xl/_rels/workbook.xml.rels",
            b'<Relationships xmlns="r"><Relationship Id="r1" Type="%b/worksheet" '
            b'Target="worksheets/a.xml"/><Relationship Id="r2" Type="%b/sharedStrings" '
            b'Target="strings.xml"/></Relationships>' % (relation, relation),
        )
        with file.open("xl/strings.xml", "w", force_zip64=True) as part:
            part.write(b'<sst xmlns="m">')
            for n in range(texts):
                part.write(b"<si><t>%d</t></si>" % n)
            part.write(b"</sst>")
        with file.open("xl/worksheets/a.xml", "w", force_zip64=True) as part:
            part.write(b'<worksheet xmlns="m"><sheetData><row>%b</row>%b' % (head, rows))
            block = piece * 1000
            for _ in range(times // 1000):
                part.write(block)
            part.write(b"</sheetData>%b</worksheet>" % behind)


@case("a.xlsx", "csv", unfolds=260 * MB, all_kept=False)
def xlsx_of_40_million_empty_rows(out: BinaryIO) -> int:
    sheet_of(out, b"<row/>", int(share * 40_000_000))
    return 0


@case("a.xlsx", "csv", unfolds=200 * MB)
def xlsx_of_7_million_texts(out: BinaryIO) -> int:
    sheet_of(out, b"", 0, texts=int(share * 7_000_000))
    return len(GOOD)


@case("a.xlsx", "csv", unfolds=260 * MB, all_kept=False)
def xlsx_of_a_cell_merged_over_a_million_rows(out: BinaryIO) -> int:
    merge = b'<mergeCells><mergeCell ref="A2:XFD1048576"/></mergeCells>'
    sheet_of(out, b'<row><c r="XFD1"><v>1</v></c></row>', int(share * 1_000_000), merge)
    return 0


@case("a.xlsx", "csv")
def xlsx_of_elements_in_one_another(out: BinaryIO) -> int:
    sheet_of(out, b"<row><c>", 1_000_000)
    return 0


@case("a.ods", "csv", unfolds=260 * MB, all_kept=False)
def ods_of_rows_that_come_again(out: BinaryIO) -> int:
    named = b"urn:oasis:names:tc:opendocument:xmlns:"
    cell = b"<t:table-cell><x:p>%b</x:p></t:table-cell>"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr(
            "content.xml",
            b'<d xmlns:t="%btable:1.0" xmlns:x="%btext:1.0"><t:table t:name="a"><t:table-row>%b'
            b'</t:table-row><t:table-row t:number-rows-repeated="900000000">%b</t:table-row>'
            b"</t:table></d>" % (named, named, cell % b"text", cell % (b"\xe7\x83\xad" * 9000)),
        )
    return 0


def docx_of(out: BinaryIO, piece: bytes, times: int, head: bytes = b"") -> None:
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("word/document.xml", "w", force_zip64=True) as part,
    ):
        part.write(b'<w:document xmlns:w="w"><w:body>%b' % head)
        for _ in range(times // 1000):
            part.write(piece * 1000)
        part.write(b"</w:body></w:document>")


@case("a.docx", "docx", unfolds=240 * MB, all_kept=False)
def docx_of_30_million_paragraphs(out: BinaryIO) -> int:
    docx_of(out, b"<w:p/>", int(share * 30_000_000))
    return 0


@case("a.docx", "docx", unfolds=16 * MB, all_kept=False)
def docx_of_a_paragraph_of_10_million_runs(out: BinaryIO) -> int:
    docx_of(out, b"<w:r/>", int(share * 10_000_000), b"<w:p>")
    return 0


@case("a.epub", "epub", unfolds=32 * MB, all_kept=False)
def epub_of_a_page_of_elements(out: BinaryIO) -> int:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("META-INF/container.xml", b'<c><rootfile full-path="a.opf"/></c>')
        file.writestr(
            "a.opf",
            b'<p><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
            b'</manifest><spine><itemref idref="a"/></spine></p>',
        )
        file.writestr("a.xhtml", b"<html><body>%b</body></html>" % (b"<p>a</p>" * 1_900_000))
    return 0


@case("a.xml", "mediawiki", all_kept=False)
def wiki_page_of_elements(out: BinaryIO) -> int:
    out.write(b"<mediawiki><page><title>a</title>")
    fill(out, b"<a/>", 200 * MB)
    return 0


@case("a.xml", "mediawiki")
def wiki_pages_that_close_nothing(out: BinaryIO) -> int:
    text = (b"{|\n" * 100_000, b"[[" * 200_000, b"&lt;b&gt;" * 100_000, b"{{" * 200_000)
    out.write(b"<mediawiki>")
    for n in range(int(share * 40)):
        page = b"<page><title>%d</title><ns>0</ns><id>%d</id><revision><text>%b</text></revision></page>"
        out.write(page % (n, n, text[n % 4]))
    out.write(b"</mediawiki>")
    return 0


# --- PDF -------------------------------------------------------------------------------------


@case("a.pdf", "pdf")
def pdf_with_a_page_of_100_mb(out: BinaryIO) -> int:
    out.write(drawn(words(20), words(int(3 * MB * share)), words(20)))
    return 0


@case("a.pdf", "pdf")
def pdf_of_a_gigabyte_of_blanks(out: BinaryIO) -> int:
    out.write(drawn(words(20), b" " * int(1000 * MB * share)))
    return 0


# --- recipes ---------------------------------------------------------------------------------


@case("recipe.yaml")
def recipe_of_100_000_brackets(out: BinaryIO) -> int:
    out.write(b"name: " + b"[" * 100_000)
    return 0


@case("recipe.yaml")
def recipe_of_aliases(out: BinaryIO) -> int:
    out.write(b"a0: &a0 [x]\n")
    for n in range(1, 40):
        out.write(b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)))
    return 0


# --- the run ---------------------------------------------------------------------------------


class Ran(NamedTuple):
    """cpu: seconds. peak: bytes that the process held at once. code: its exit, or why there is
    none. said: what it printed last. read, out: records met and records in the build."""

    cpu: float
    peak: int
    code: str
    said: str
    read: int
    out: int
    traceback: bool


def _bound(guard: int, limit: float) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (guard, guard))
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 5))


def built(folder: Path, guard: int, limit: float) -> Ran:
    """Build ``folder``'s recipe with one worker, within ``guard`` bytes of address space."""
    command = [sys.executable, "-c", "from chimed_datasets.cli import app; app()"]
    command += ["build", "--recipe", "recipe.yaml", "--out", "out", "--workers", "1"]
    log = folder / "log.txt"
    env = os.environ | {"PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT)), "NO_COLOR": "1"}
    with log.open("w") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=out,
            stderr=out,
            env=env,
            preexec_fn=lambda: _bound(guard, limit),
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    stopped = "time" if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL) else ""
    text = log.read_text("utf-8", "replace")
    if any(word in text for word in ("MemoryError", "bad_alloc", "Cannot allocate", "malloc of")):
        stopped = stopped or "guard"
    manifest = folder / "out" / "manifest.json"
    read = kept = 0
    if manifest.exists():
        (source,) = json.loads(manifest.read_text("utf-8"))["sources"]
        read, kept = source["in"], source["out"]
    last = next((x.strip() for x in reversed(text.splitlines()) if x.strip()), "")
    cpu = used.ru_utime + used.ru_stime
    code = stopped or str(process.returncode)
    return Ran(cpu, used.ru_maxrss * 1024, code, last, read, kept, "Traceback" in text)


def entry(layout: str, path: str, own: Mapping[str, Any]) -> dict[str, Any]:
    source: dict[str, Any] = {"name": "s", "layout": layout, "path": path, "license": "cc0-1.0"}
    if layout in ("csv", "jsonl", "parquet"):
        source |= {"fields": {"text": "text"}}
    stages = {"relevance": False} if layout == "warc" else {}
    return {"name": "small", "sources": [source | dict(own)], "stages": stages}


def write_recipe(folder: Path, layout: str, path: str, own: Mapping[str, Any]) -> None:
    (folder / "site.yaml").write_text(json.dumps(SITE_FILE), "utf-8")
    (folder / "recipe.yaml").write_text(json.dumps(entry(layout, path, own)), "utf-8")


def write_plain(path: Path, layout: str, size: int) -> None:
    """Write an ordinary file of about ``size`` bytes."""
    with path.open("wb") as out:
        written = number = 0
        out.write({"csv": b"id,text\n"}.get(layout, b""))
        while written < size or not number:
            rows = [(n, prose(n, 100)) for n in range(number, number + 500)]
            if layout == "csv":
                text = "".join(f"{n},{t}\n" for n, t in rows)
            elif layout in ("text", "html", "warc"):
                text = "".join(f"第{n + 1}章\n{t}\n" for n, t in rows)
            else:
                text = "".join(
                    json.dumps({"id": n, "text": t}, ensure_ascii=False) + "\n" for n, t in rows
                )
            written += out.write(text.encode())
            number += 500


def lines_of(path: Path) -> int:
    """Return how many lines a file has; of an archive those that it is written in, which tell
    nothing but are few."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(MB), b""))


@functools.cache
def plain(base: Path, layout: str, size: int, guard: int) -> Ran:
    """Build a plain file of ``size`` bytes, as text where the layout reads pages."""
    folder = Path(tempfile.mkdtemp(dir=base))
    name = {"csv": "a.csv", "text": "a.txt"}.get(layout, "a.jsonl")
    write_recipe(folder, layout, name, {})
    write_plain(folder / name, layout, size)
    ran = built(folder, guard, 3600)
    shutil.rmtree(folder)
    return ran


def as_plain(layout: str) -> str:
    texts = dict.fromkeys(("html", "warc", "docx", "epub", "mediawiki", "pdf"), "text")
    return {"parquet": "jsonl", **texts}.get(layout, layout)


def beside(base: Path, layout: str, size: int, guard: int, records: int = 0) -> tuple[float, int]:
    """Return the CPU seconds of a plain file of about ``size`` bytes, or of so many records where
    that is more, and the peak of the first."""
    none = plain(base, as_plain(layout), 0, guard)
    large = plain(base, as_plain(layout), PLAIN_MB * MB, guard)
    of_it = size / (PLAIN_MB * MB)
    seconds = none.cpu + (large.cpu - none.cpu) * max(of_it, records / max(1, large.read))
    return seconds, int(none.peak + (large.peak - none.peak) * min(1, of_it))


def prove(name: str, base: Path, guard: int) -> bool:
    """Make one file and build it; print its line. Return whether it is within the bounds."""
    made = CASES[name]
    folder = Path(tempfile.mkdtemp(dir=base))
    try:
        write_recipe(folder, made.layout, made.path, made.own)
        with (folder / made.path).open("wb") as out:
            good = made.make(out)
        size = (folder / made.path).stat().st_size
        records = lines_of(folder / made.path) if made.layout in ("csv", "jsonl") else 0
        if made.record:
            records = (folder / made.path).read_bytes().count(made.record)
        read = max(size, min(made.unfolds, max(RATIO_FLOOR, UNFOLDED * size)))
        seconds, peak = beside(base, made.layout, read, guard, records)
        ran = built(folder, guard, max(120.0, LIMIT * seconds))
        seconds, _ = beside(base, made.layout, read, guard, max(records, ran.read))
        if ran.out > plain(base, as_plain(made.layout), PLAIN_MB * MB, guard).out:
            peak = plain(base, as_plain(made.layout), size, guard).peak
    finally:
        shutil.rmtree(folder)
    above = (ran.peak - peak) / 2**30
    ratio = ran.cpu / seconds
    lost = made.all_kept and ran.out < good
    other = made.path != "recipe.yaml" and ran.said.startswith("chimed: recipe.yaml:")
    fails = above > MAX_GIB or ratio > MAX_RATIO or ran.code not in "01" or ran.traceback
    fails = fails or lost or other
    print(
        f"{'FAILS' if fails else 'ok':5} {name:44} {size / MB:8.1f} MB {ran.cpu:7.1f} s "
        f"{ratio:6.2f} x {above:+6.2f} GiB  exit {ran.code:5} kept {ran.out} of {good}  {ran.said[:150]}",
        flush=True,
    )
    return not fails


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="cases, or how their names begin. Left out: all.")
    parser.add_argument("--folder", type=Path, help="where the files are made. Default: /tmp.")
    parser.add_argument("--share", type=float, default=1, help="of the sizes, for a quick look.")
    parser.add_argument("--guard", type=float, default=12, help="GiB of address space of a build.")
    args = parser.parse_args()
    global share
    share = args.share
    names = [n for n in CASES if not args.names or n.startswith(tuple(args.names))]
    with tempfile.TemporaryDirectory(dir=args.folder) as base:
        within = [prove(name, Path(base), int(args.guard * 2**30)) for name in names]
    print(f"{sum(within)} of {len(within)} files within the bounds")
    return 0 if all(within) else 1


if __name__ == "__main__":
    sys.exit(main())

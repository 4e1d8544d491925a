"""Files that are not what their names say: refused with what they are, or read by their content."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import re
import shutil
import sqlite3
import zipfile
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import zstandard
from layout_reading import read

from chimed_datasets.errors import SourceError
from chimed_datasets.records import Malformed
from chimed_datasets.sources import SourceFile, layout
from chimed_datasets.sources.files.looks import compression_of, look
from tests.common.text import prose

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
ROWS = "department,title,ask,answer\n内科,头痛,头痛三天怎么办,多休息，量血压。\n"


def zip_of(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.writestr(name, b"<x/>" * 30)
    return out.getvalue()


def epub() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("mimetype", "application/epub+zip")
    return out.getvalue()


def database() -> bytes:
    with sqlite3.connect(":memory:") as base:
        base.execute("create table t (a text)")
        return base.serialize()


def written(write) -> bytes:
    out = io.BytesIO()
    write(pa.table({"text": ["头痛"]}), out)
    return out.getvalue()


NO_TEXT = {
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "a PDF"),
    "xlsx": (zip_of("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"), "Excel workbook"),
    "docx": (zip_of("[Content_Types].xml", "word/document.xml"), "Word document"),
    "pptx": (zip_of("[Content_Types].xml", "ppt/presentation.xml"), "presentation"),
    "epub": (epub(), "e-book"),
    "zip": (zip_of("a.txt"), "ZIP archive"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Office file"),
    "rar": (b"Rar!\x1a\x07\x01\x00" + b"\x33\x92" * 40, "RAR archive"),
    "7z": (b"7z\xbc\xaf\x27\x1c\x00\x04" + b"\x33\x92" * 40, "7z archive"),
    "png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", r"picture \(PNG\)"),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF\0", r"picture \(JPEG\)"),
    "gif": (b"GIF89a\x01\0\x01\0", r"picture \(GIF\)"),
    "bmp": (b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", r"picture \(BMP\)"),
    "tiff": (b"II*\0\x08\0\0\0", r"picture \(TIFF\)"),
    "webp": (b"RIFF\x24\0\0\0WEBPVP8 ", r"picture \(WebP\)"),
    "sqlite": (database(), "SQLite database"),
    "parquet": (written(pq.write_table), "Parquet file: layout parquet"),
    "feather": (written(pyarrow.feather.write_feather), "Arrow file"),
    "rtf": (rb"{\rtf1\ansi\deff0 {\fonttbl}}", "RTF document"),
    "tar": (bytes(257) + b"ustar\x0000" + bytes(240), "tar archive"),
    "xml": ('<?xml version="1.0" encoding="UTF-8"?>\n<rows><row>头痛</row></rows>'.encode(), "XML"),
    "pickle": (pickle.dumps([{"text": "头痛"}]), "pickle of Python"),
    "old pickle": (pickle.dumps({"text": "头痛"}, 2), "pickle of Python"),
    "binary": (bytes(range(256)) * 20, "binary file"),
    "warc": (b"WARC/1.0\r\nWARC-Type: warcinfo\r\n\r\n", "web archive: layout warc"),
}  # fmt: skip
PAGES = {
    "doctype": "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head></html>",
    "in capitals": "<HTML><BODY>404</BODY></HTML>",
    "blanks and a mark": "\ufeff\n\n  \t<html lang='zh'><body>头痛</body></html>",
    "a comment": "<!-- saved from\n url=(0014)about:internet -->\n<html></html>",
    "a table": "<table border=1><tr><td>问题</td><td>回答</td></tr></table>",
    "meta": '<meta http-equiv="Content-Type" content="text/html; charset=gbk"><table></table>',
    "xhtml": '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN">\n<html/>',
    "a title first": "<title>Error</title><h1>Error 500</h1>",
}
TEXTS = [
    b"",
    b"\0" * 900,
    b"BMI\xe6\x98\xaf\xe4\xbb\x80\xe4\xb9\x88",
    "PAR1 受体与血小板".encode(),
    "ORC 与药物代谢".encode(),
    "<篇名>伤寒论\n书名：伤寒论\n".encode(),
    "<title>伤寒论</title>\n<text>太阳之为病</text>".encode(),
    "<1.0 mmol/L 为偏低".encode(),
    b"<p>one</p>",
    "MM 是什么缩写".encode("utf-16-le"),
    "头痛，发热三天。".encode("utf-16"),
    "头痛，发热三天。".encode("utf-32"),
    "头痛，发热三天。\x1a".encode("gb18030"),
    b"a\0b" + "头痛".encode() * 90,
]


@pytest.mark.parametrize("name", NO_TEXT)
def test_a_file_that_is_no_text_is_known(name):
    data, said = NO_TEXT[name]
    found = look(data[:8192])
    assert found is not None
    assert found.rule == "not_text"
    assert re.search(said, found.evidence), found.evidence
    assert ": " in found.evidence  # what it is, and what to do


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("codec", ["utf-8", "gb18030", "utf-16"])
def test_a_web_page_is_known(page, codec):
    found = look(PAGES[page].encode(codec))
    assert found is not None
    assert found.rule == "is_html"


def test_a_web_page_is_named_by_its_title():
    found = look(PAGES["doctype"].encode())
    assert found is not None
    assert "502 Bad Gateway" in found.evidence


@pytest.mark.parametrize("data", TEXTS)
def test_text_is_text(data):
    assert look(data) is None


@pytest.mark.parametrize("key", ["text", "jsonl", "csv", "qa_csv", "sharegpt", "scored", "html",
                                 "parquet", "tcm_classics"])  # fmt: skip
@pytest.mark.parametrize("name", ["pdf", "xlsx", "binary", "pointer"])
def test_a_layout_refuses_what_it_does_not_take(tmp_path, key, name):
    data = POINTER if name == "pointer" else NO_TEXT[name][0]
    path = tmp_path / f"a{layout(key).suffixes[0]}"
    path.write_bytes(data)
    own = {"text": {}, "html": {"site": str(site(tmp_path))}}.get(key, {})
    if "kind" in layout(key).own_keys():
        own = {"kind": "thread", "fields": {"question": "q", "answer": "a"}}
    (row,) = read(key, path, **own)
    assert isinstance(row, Malformed)
    assert row.key == f"{path.name}#0"
    assert row.rule == ("lfs_pointer" if name == "pointer" else "not_text")


def site(folder: Path) -> Path:
    place = folder / "site.yaml"
    place.write_text(
        "name: s\nlicense: cc0-1.0\ncontact: https://a.example\nstart_urls: ['https://a.example/']\n"
        "allowed_domains: [a.example]\npages:\n  - {kind: article, match: '.*', text: body}\n",
        "utf-8",
    )
    return place


@pytest.mark.parametrize("key", ["text", "jsonl", "csv", "parquet", "scored"])
def test_a_web_page_is_refused_where_it_is_not_asked_for(tmp_path, key):
    path = tmp_path / f"a{layout(key).suffixes[0]}"
    path.write_text(PAGES["doctype"], "utf-8")
    mapped = {"kind": "thread", "fields": {"question": "q", "answer": "a"}}
    (row,) = read(key, path, **(mapped if "kind" in layout(key).own_keys() else {}))
    assert (row.key, row.rule) == (f"{path.name}#0", "is_html")
    assert "layout html" in row.evidence


@pytest.mark.parametrize("key", ["qa_csv", "scored"])
def test_the_other_files_are_read(tmp_path, key):
    fixture = Path(__file__).parents[1] / "fixtures"
    folder = tmp_path / "in"
    folder.mkdir()
    if key == "qa_csv":
        (folder / "b.csv").write_text(ROWS, "utf-8")
    else:
        shutil.copytree(fixture / key / "disc_medllm", folder, dirs_exist_ok=True)
    expected = read(key, folder)
    suffix = layout(key).suffixes[0]
    (folder / f"a{suffix}").write_bytes(POINTER)
    (folder / f"z{suffix}").write_bytes(NO_TEXT["pdf"][0])
    made = read(key, folder)
    refused = [
        m for m in made if isinstance(m, Malformed) and m.rule in ("lfs_pointer", "not_text")
    ]
    assert {m.key for m in refused} == {f"a{suffix}#0", f"z{suffix}#0"}
    assert [m for m in made if m not in refused] == expected


PACK = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_compressed_file_is_read_whatever_it_is_called(tmp_path, suffix, name):
    data = PACK[suffix](ROWS.encode())
    assert compression_of(data) == suffix
    (tmp_path / name).write_bytes(data)
    fs = fsspec.filesystem("memory")
    fs.pipe(f"/looks/{name}", data)
    try:
        for place in (str(tmp_path / name), f"memory://looks/{name}"):
            (record,) = read("qa_csv", place)
            assert (record.department, record.question) == ("内科", "头痛三天怎么办")
    finally:
        fs.rm("/looks", recursive=True)


def test_a_compressed_parquet_is_read_whatever_it_is_called(tmp_path):
    out = io.BytesIO()
    pq.write_table(pa.table({"text": [prose(1, 60)]}), out)
    (tmp_path / "a.parquet").write_bytes(gzip.compress(out.getvalue()))
    (record,) = read("parquet", tmp_path)
    assert record.text == prose(1, 60)


def test_a_file_opened_for_no_layout_is_as_it_is(tmp_path):
    (tmp_path / "a.txt").write_bytes(NO_TEXT["pdf"][0])
    file = SourceFile("a.txt", str(tmp_path / "a.txt"), 9)
    assert file.read() == NO_TEXT["pdf"][0]
    with pytest.raises(SourceError, match=r"^a\.txt: this is a PDF: layout pdf reads it"):
        SourceFile("a.txt", file.url, 9, takes=()).open()


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zst"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_pointer_is_known_under_any_name(tmp_path, name, mark):
    (tmp_path / name).write_bytes(mark + POINTER)
    (row,) = read("qa_csv", tmp_path / name)
    assert (row.key, row.rule) == (f"{name}#0", "lfs_pointer")

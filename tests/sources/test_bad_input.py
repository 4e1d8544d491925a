"""Bad input through a whole build: a clear line before anything is written, or a ledger row."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from chimed_datasets import build, validate
from chimed_datasets.errors import ChimedError
from chimed_datasets.recipe import parse
from chimed_datasets.sources.files import opening
from tests.common.files import write_jsonl
from tests.common.text import prose

GOOD = [{"id": n, "text": prose(n, 60)} for n in range(5)]
TEXT = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in GOOD)


def recipe_over(folder: Path, path: str, layout: str = "jsonl", **own: object):
    source = {"name": "bad", "layout": layout, "path": path, "license": "cc0-1.0", **own}
    return parse({"name": "small", "sources": [source]}, folder)


def tar_of(members: dict[str, bytes], mode: str = "w:gz", link: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo("link.jsonl")
            info.type, info.linkname = tarfile.SYMTYPE, link
            tar.addfile(info)
    return out.getvalue()


def zip_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return out.getvalue()


def parquet_of(**columns: list) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


# --- the build stops with one line, and writes nothing ---------------------------------------

NOISE = {"a.jsonl": (TEXT * 40).encode()}
STOPS: dict[str, tuple[str, Callable[[], bytes | None], str]] = {
    "missing": ("nowhere.jsonl", lambda: None, "there is no such file or folder"),
    "empty glob": ("*.none", lambda: None, "nothing matches"),
    "empty zip": ("a.zip", lambda: zip_of({}), "no file ending in"),
    "zip without rows": ("a.zip", lambda: zip_of({"a.pdf": b"x"}), "no file ending in"),
    "cut zip": ("a.zip", lambda: zip_of(NOISE)[:-40], r"a\.zip: cannot be read"),
    "cut tar.gz": ("a.tar.gz", lambda: tar_of(NOISE)[:-40], r"a\.tar\.gz: cannot be read"),
    "cut tar.xz": ("a.tar.xz", lambda: tar_of(NOISE, "w:xz")[:-40], r"a\.tar\.xz: cannot be read"),
    "cut gz": ("a.jsonl.gz", lambda: gzip.compress(TEXT.encode())[:-9], r"a\.jsonl\.gz: cannot be"),
    "cut xz": ("a.jsonl.xz", lambda: lzma.compress(TEXT.encode())[:-9], r"a\.jsonl\.xz: cannot be"),
    "cut zst": (
        "a.jsonl.zst",
        lambda: zstandard.compress(TEXT.encode())[:-9],
        r"a\.jsonl\.zst: cannot be read",
    ),
    "no gz": ("a.jsonl.gz", lambda: TEXT.encode(), r"a\.jsonl\.gz: cannot be read"),
    "no zip": ("a.zip", lambda: TEXT.encode(), r"a\.zip: cannot be read"),
    "path that leads out": (
        "a.zip",
        lambda: zip_of({"../../evil.jsonl": TEXT.encode()}),
        r"a\.zip: member '\.\./\.\./evil\.jsonl' leads outside the archive",
    ),
    "absolute path": (
        "a.tar.gz",
        lambda: tar_of({"/tmp/evil.jsonl": TEXT.encode()}),
        "leads outside the archive",
    ),
    "link": ("a.tar.gz", lambda: tar_of({}, link="/etc/passwd"), "is a link or a device"),
    "bomb": ("a.zip", lambda: zip_of({"a.jsonl": bytes(6_000_000)}), "decompression bomb"),
    "bomb gz": ("a.jsonl.gz", lambda: gzip.compress(bytes(6_000_000)), "decompression bomb"),
    "wrong column": (
        "a.jsonl",
        lambda: b'{"txet": "a"}\n',
        r"a\.jsonl: no column 'text' \(fields\.text\)\. Did you mean 'txet'\? Known: txet",
    ),
}
PARQUET_STOPS = {
    "wrong schema": (
        lambda: parquet_of(body=["a"]),
        r"a\.parquet: no column 'text' \(fields\.text\)\. .*body",
    ),
    "cut": (lambda: parquet_of(text=["a"] * 500)[:-50], r"a\.parquet: cannot be read"),
    "changed inside": (
        lambda: parquet_of(text=["a" * 99])[:4] + bytes(60) + parquet_of(text=["a" * 99])[64:],
        r"a\.parquet: cannot be read",
    ),
    "empty": (lambda: b"", r"a\.parquet: cannot be read"),
    "text": (lambda: TEXT.encode(), r"a\.parquet: cannot be read"),
}


def stopped(folder: Path, recipe) -> str:
    """Return what a build says that stops and leaves nothing behind."""
    with pytest.raises(ChimedError) as error:
        build(recipe, folder / "out", workers=1)
    assert not (folder / "out").exists()
    said = str(error.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("case", STOPS)
def test_a_build_stops_with_a_line(tmp_path, monkeypatch, case):
    monkeypatch.setattr(opening, "RATIO_FLOOR", 1_000_000)
    path, content, complaint = STOPS[case]
    if (data := content()) is not None:
        (tmp_path / path).write_bytes(data)
    said = stopped(tmp_path, recipe_over(tmp_path, path))
    assert re.search(complaint, said), said
    assert not list(tmp_path.parent.glob("**/evil*"))


@pytest.mark.parametrize("case", PARQUET_STOPS)
def test_a_build_stops_at_a_bad_parquet(tmp_path, case):
    content, complaint = PARQUET_STOPS[case]
    (tmp_path / "a.parquet").write_bytes(content())
    said = stopped(tmp_path, recipe_over(tmp_path, "a.parquet", "parquet"))
    assert re.search(complaint, said), said


# --- the build goes on, and the ledger tells -------------------------------------------------


def built(folder: Path, recipe, workers: int = 1) -> tuple[dict, list[tuple[str, str]]]:
    """Return the manifest's line on the source, and (key, rule) of each ledger row of reading."""
    manifest = build(recipe, folder / "out", workers=workers)
    assert validate(folder / "out") == []
    (source,) = manifest["sources"]
    assert source["in"] == source["out"] + source["dropped"]
    rows = pq.read_table(folder / "out" / "ledger" / "dropped.parquet").to_pylist()
    assert all(row["evidence"] and len(row["evidence"]) < 500 for row in rows)
    return source, sorted((row["key"], row["rule"]) for row in rows)


BAD_JSON = {
    "a.jsonl": (
        TEXT
        + '{"id": "type", "text": {"a": 1}}\n'
        + '{"id": "list", "text": [{"a": 1}]}\n'
        + '{"id": "nan", "text": NaN}\n'
        + '{"id": "inf", "text": Infinity}\n'
        + '{"id": "none"}\n'
        + '["no object"]\n'
        + "[" * 50_000
        + "\n"
        + '{"id": "cut", "text": "'
    ),
    "b.json": "[" + json.dumps(GOOD[0]) + ',{"id": "cut", "te',
    "c.jsonl": "",
    "d.json": "[]",
    "e.jsonl": "\0" * 500,
    "sub/f.jsonl": "<html><body>404</body></html>",
}


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_bad_rows_of_json(tmp_path, workers):
    for name, text in BAD_JSON.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(text, "utf-8")
    source, rows = built(tmp_path, recipe_over(tmp_path, "in"), workers)
    assert rows == [
        ("a.jsonl#10", "not_an_object"),
        ("a.jsonl#11", "json_invalid"),
        ("a.jsonl#12", "json_invalid"),
        ("a.jsonl#inf", "bad_value"),
        ("a.jsonl#list", "wrong_type"),
        ("a.jsonl#nan", "no_text"),
        ("a.jsonl#none", "missing_field"),
        ("a.jsonl#type", "wrong_type"),
        ("b.json#0", "exact"),
        ("b.json#1", "json_invalid"),
        ("c.jsonl#0", "no_records"),
        ("d.json#0", "no_records"),
        ("e.jsonl#0", "json_invalid"),
        ("sub/f.jsonl#0", "is_html"),
    ]
    assert (source["in"], source["out"]) == (19, 5)


def test_bad_rows_of_csv(tmp_path):
    head = "id,text\n"
    good = "".join(f"{row['id']},{row['text']}\n" for row in GOOD)
    files = {
        "a.csv": f'{head}{good}x,y,z\nlone\nq,"open\n8,{prose(8, 60)}\n',
        "b.csv": head,
        "c.csv": "",
        "d.csv": f"{head}9,{prose(9, 60)}\0\n",
        "e.csv": f"{head}10,{prose(10, 60)}\n".encode("gb18030") + b"11,\xff\xff\n",
    }
    (tmp_path / "in").mkdir()
    for name, text in files.items():
        (tmp_path / "in" / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    source, rows = built(tmp_path, recipe_over(tmp_path, "in", "csv"))
    assert rows == [
        ("a.csv#5", "csv_fields"),
        ("a.csv#6", "csv_fields"),
        ("a.csv#7", "csv_quote"),
        ("b.csv#0", "no_records"),
        ("c.csv#0", "no_records"),
        ("e.csv#11", "low_chinese"),
    ]
    assert source["out"] == 8
    assert source["replaced_bytes"] == {"e.csv": 2}


@pytest.mark.parametrize("column", [[1, 2], [b"\xff", b"a"], [["a"], ["b"]], [{"a": 1}, None]])
def test_a_parquet_with_columns_of_other_types(tmp_path, column):
    (tmp_path / "a.parquet").write_bytes(parquet_of(text=column))
    write_jsonl(tmp_path / "good.jsonl", GOOD)  # a build without any row stops
    sources = [
        {"name": "good", "layout": "jsonl", "path": "good.jsonl", "license": "cc0-1.0"},
        {"name": "bad", "layout": "parquet", "path": "a.parquet", "license": "cc0-1.0"},
    ]
    recipe = parse({"name": "small", "sources": sources}, tmp_path)
    manifest = build(recipe, tmp_path / "out", allow_empty=True)
    assert [(s["name"], s["in"], s["out"]) for s in manifest["sources"]] == [
        ("good", 5, 5),
        ("bad", 2, 0),
    ]


LONG = "热" * (50 * 2**20 // 3)
LONG_FILES: dict[str, tuple[str, Callable[[], str], dict]] = {
    "jsonl": ("a.jsonl", lambda: TEXT + json.dumps({"text": LONG}, ensure_ascii=False), {}),
    "csv": ("a.csv", lambda: f"id,text\n1,{GOOD[0]['text']}\n2,{LONG}\n", {}),
    "text": ("a.txt", lambda: f"第一章\n{GOOD[0]['text']}\n第二章\n{LONG}\n", {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("layout", LONG_FILES)
def test_a_record_of_50_mb_goes_to_the_ledger(tmp_path, layout):
    path, content, own = LONG_FILES[layout]
    (tmp_path / path).write_text(content(), "utf-8")
    source, rows = built(tmp_path, recipe_over(tmp_path, path, layout, **own))
    assert [rule for _, rule in rows] == ["too_long"]
    assert source["dropped"] == 1


@pytest.mark.slow
def test_a_line_of_70_mb_is_not_even_held(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{TEXT}{{"text": "{LONG}{LONG[: len(LONG) // 2]}"}}\n', "utf-8")
    _, rows = built(tmp_path, recipe_over(tmp_path, "a.jsonl"))
    assert rows == [("a.jsonl#5", "too_long")]


# --- files that are something else, or are not read --------------------------------------------


def test_files_that_are_something_else_are_told_of_and_the_others_read(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    write_jsonl(folder / "good.jsonl", GOOD)
    (folder / "page.jsonl").write_text("<!doctype html><title>403 Forbidden</title>", "utf-8")
    (folder / "pointer.jsonl").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    (folder / "table.jsonl").write_bytes(zip_of({"xl/workbook.xml": b"<x/>"}))
    (folder / "book.pdf").write_bytes(b"%PDF-1.4")
    (folder / "more.zip").write_bytes(zip_of({"deep.zip": zip_of({"a.docx": b"x"}), "README": b""}))
    told: list[str] = []
    manifest = build(recipe_over(tmp_path, "in"), tmp_path / "out", workers=1, tell=told.append)
    assert validate(tmp_path / "out") == []
    (source,) = manifest["sources"]
    assert (source["in"], source["out"]) == (8, 5)
    rows = pq.read_table(tmp_path / "out" / "ledger" / "dropped.parquet").to_pylist()
    assert sorted((row["key"], row["rule"]) for row in rows) == [
        ("page.jsonl#0", "is_html"),
        ("pointer.jsonl#0", "lfs_pointer"),
        ("table.jsonl#0", "not_text"),
    ]
    evidence = " ".join(row["evidence"] for row in rows)
    for said in ("403 Forbidden", "git lfs pull", "Excel workbook", "layout csv reads its sheets"):
        assert said in evidence
    line = (
        "source 'bad': 2 files are not read: book.pdf (layout pdf reads it), "
        "more.zip/deep.zip/a.docx (a document: layout docx reads it)"
    )
    assert told.count(line) == 1
    assert source["not_read"] == {
        "book.pdf": "layout pdf reads it",
        "more.zip/README": "its ending is none of .jsonl, .json, .ndjson",
        "more.zip/deep.zip/a.docx": "a document: layout docx reads it",
    }


def test_a_benchmark_that_is_no_text_is_named(tmp_path):
    write_jsonl(tmp_path / "good.jsonl", GOOD)
    (tmp_path / "exam.jsonl").write_bytes(b"%PDF-1.4")
    source = {"name": "s", "layout": "jsonl", "path": "good.jsonl", "license": "cc0-1.0"}
    benchmark = {"name": "exam", "layout": "questions", "path": "exam.jsonl"}
    content = {"name": "small", "sources": [source], "benchmarks": [benchmark]}
    recipe = parse({**content, "stages": {"decontaminate": {}}}, tmp_path)
    assert "exam.jsonl: this is a PDF" in stopped(tmp_path, recipe)

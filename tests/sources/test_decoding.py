"""Encodings: found, decoded, and what does not decode counted file by file."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_reading import read

from chimed_datasets.records import Malformed
from chimed_datasets.sources import FileReport, SourceFile
from chimed_datasets.sources.files import decoding as _decoding
from chimed_datasets.sources.files.decoding import HEAD_BYTES, decode, detect, lines, texts
from chimed_datasets.sources.files.opening import BUFFER

SIMPLIFIED = "浮脉主表，沉脉主里；患者发热三天，咳嗽有痰，建议查血常规。\n"
TRADITIONAL = "浮脈主表，沉脈主裡；發熱惡寒者，發於陽也，無熱惡寒者，發於陰也。\n"
ENCODINGS = [
    ("utf-8", b"", SIMPLIFIED, "utf-8"),
    ("utf-8", codecs.BOM_UTF8, SIMPLIFIED, "utf-8-sig"),
    ("gb18030", b"", SIMPLIFIED, "gb18030"),
    ("gbk", b"", SIMPLIFIED, "gb18030"),
    ("gb18030", b"", TRADITIONAL, "gb18030"),
    ("big5", b"", TRADITIONAL, "big5hkscs"),
    ("utf-16-le", codecs.BOM_UTF16_LE, SIMPLIFIED, "utf-16-le"),
    ("utf-16-be", codecs.BOM_UTF16_BE, TRADITIONAL, "utf-16-be"),
    ("utf-16-le", b"", SIMPLIFIED, "utf-16-le"),
    ("utf-16-be", b"", TRADITIONAL, "utf-16-be"),
]
in_every_encoding = pytest.mark.parametrize(
    ("codec", "mark", "text", "found"),
    ENCODINGS,
    ids=[f"{codec}{'-marked' if mark else ''}" for codec, mark, _, _ in ENCODINGS],
)


def stored(folder: Path, data: bytes, name: str = "a.txt") -> SourceFile:
    path = folder / name
    path.write_bytes(data)
    return SourceFile(name, str(path), len(data))


def read_lines(file: SourceFile) -> tuple[list[str | Malformed], FileReport]:
    report = FileReport()
    numbered = list(lines(file, report))
    assert [number for number, _ in numbered] == list(range(1, len(numbered) + 1))
    return [line for _, line in numbered], report


# --- which encoding --------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 40])
@in_every_encoding
def test_encodings_are_found(tmp_path, codec, mark, text, found, length):
    text = text * length
    data = mark + text.encode(codec)
    assert decode(data) == (text, found, 0)
    file = stored(tmp_path, data)
    expected = FileReport({"a.txt": found})
    assert read_lines(file) == (text.splitlines(), expected)
    report = FileReport()
    assert ("".join(texts(file, report)), report) == (text, expected)


@in_every_encoding
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_is_read_in_every_encoding(tmp_path, codec, mark, text, found, end):
    table = "department,title,ask,answer\n" + f"外科,發熱,{text.strip()},多喝水\n" * 3
    (tmp_path / "a.csv").write_bytes(mark + table.replace("\n", end).encode(codec))
    report = FileReport()
    made = read("qa_csv", tmp_path, report)
    told = [(m.department, m.title, m.question) for m in made]
    assert told == [("外科", "發熱", text.strip())] * 3
    assert report == FileReport({"a.csv": found})


@in_every_encoding
@pytest.mark.parametrize("as_lines", [False, True])
def test_json_is_read_in_every_encoding(tmp_path, codec, mark, text, found, as_lines):
    rows = [{"query": text, "response": "好" * n} for n in range(1, 4)]
    told = [json.dumps(row, ensure_ascii=False) for row in rows]
    whole = "\n".join(told) if as_lines else f"[{','.join(told)}]"
    (tmp_path / "a.json").write_bytes(mark + whole.encode(codec))
    report = FileReport()
    made = read("query_response", tmp_path, report)
    assert [[m.content for m in d.messages] for d in made] == [
        [row["query"], row["response"]] for row in rows
    ]
    assert report == FileReport({"a.json": found})


@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
@pytest.mark.parametrize("ahead", ["", "a,b\n" * HEAD_BYTES])
def test_a_nul_is_dirt_and_no_sign_of_utf16(tmp_path, codec, ahead):
    text = f"{ahead}\0{SIMPLIFIED * 4}\0\0\n"
    data = text.encode(codec)
    assert decode(data) == (text, codec, 0)
    assert read_lines(stored(tmp_path, data)) == (text.splitlines(), FileReport({"a.txt": codec}))


def test_plain_ascii_is_utf8(tmp_path):
    assert decode(b"ICD-10: J00\n").encoding == "utf-8"
    assert read_lines(stored(tmp_path, b"ICD-10: J00\n"))[1].encodings == {"a.txt": "utf-8"}
    assert decode(b"") == ("", "utf-8", 0)


@pytest.mark.parametrize("cut", range(1, 7))
@pytest.mark.parametrize(("codec", "text"), [("utf-8", SIMPLIFIED), ("gb18030", SIMPLIFIED),
                                             ("big5", TRADITIONAL)])  # fmt: skip
def test_a_head_that_ends_inside_a_character_is_no_hindrance(codec, text, cut):
    data = (text * 30).encode(codec)
    assert detect(data[:-cut]) == detect(data)


@pytest.mark.parametrize(
    ("codec", "text", "found"),
    [
        ("gb18030", SIMPLIFIED, "gb18030"),
        ("big5", TRADITIONAL, "big5hkscs"),
        ("utf-8", SIMPLIFIED, "utf-8"),
    ],
)
@pytest.mark.parametrize("ahead", [HEAD_BYTES + 7, BUFFER + 7])
def test_the_encoding_is_found_where_the_first_chinese_stands_late(
    tmp_path, codec, text, found, ahead
):
    ascii_part = "drug,dose\n" * (ahead // 10)
    data = (ascii_part + text * 3).encode(codec)
    assert decode(data)[1:] == (found, 0)
    made, report = read_lines(stored(tmp_path, data))
    assert made == (ascii_part + text * 3).splitlines()
    assert report == FileReport({"a.txt": found})
    report = FileReport()
    assert "".join(texts(stored(tmp_path, data), report)) == ascii_part + text * 3
    assert report == FileReport({"a.txt": found})


def test_a_character_that_two_blocks_share_is_whole(tmp_path):
    for codec in ("utf-8", "gb18030", "utf-16-le"):
        for shift in range(4):
            text = "a" * shift + "热" * (BUFFER // 2 + 9)
            data = text.encode(codec)
            made, report = read_lines(stored(tmp_path, data))
            assert made == [text], (codec, shift)
            assert not report.replaced


def test_only_line_feeds_end_a_line(tmp_path):
    text = "一\u2028二\x0b三\x85四\r\n五\x1e六\n"
    made, _ = read_lines(stored(tmp_path, text.encode()))
    assert made == ["一\u2028二\x0b三\x85四", "五\x1e六"]
    assert decode("一\r二\r\n三".encode()).text == "一\n二\n三"  # old Macs; whole files only


# --- what does not decode --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "text", "broken", "count"),
    [
        ("utf-8", SIMPLIFIED, b"\xff", 1),
        ("utf-8", SIMPLIFIED, b"\xe7\x83", 1),  # a character that lost its last byte
        ("gb18030", SIMPLIFIED, b"\xff", 1),
        ("gb18030", SIMPLIFIED, b"\xff \xff", 2),
        ("big5", TRADITIONAL, b"\xff", 1),
        ("utf-16-le", SIMPLIFIED, b"\x00\xd8", 1),  # half a surrogate pair
    ],
)
def test_broken_bytes_are_replaced_and_counted(tmp_path, codec, text, broken, count):
    before = after = text * 20
    data = before.encode(codec) + broken + "\n".encode(codec) + after.encode(codec)
    whole = decode(data)
    assert whole.replaced == whole.text.count("\ufffd") == count
    assert whole.text.startswith(before)
    assert whole.text.endswith(after)
    file = stored(tmp_path, data)
    for made, report in (read_lines(file), _joined(file)):
        assert "\n".join(made).count("\ufffd") == count
        assert report.replaced == {"a.txt": count}


def _joined(file: SourceFile) -> tuple[list[str], FileReport]:
    report = FileReport()
    return list(texts(file, report)), report


def test_a_replacement_character_of_the_text_itself_is_not_counted(tmp_path):
    data = f"{SIMPLIFIED}\ufffd\n".encode() + b"\xff\n"
    assert decode(data).replaced == 1
    assert read_lines(stored(tmp_path, data))[1].replaced == {"a.txt": 1}


def test_replacements_are_told_for_each_file(tmp_path):
    for name, broken in {"a.txt": 0, "b.txt": 1, "c.txt": 3}.items():
        (tmp_path / name).write_bytes(SIMPLIFIED.encode("gb18030") * 9 + b"\xff\n" * broken)
    report = FileReport()
    read("text", tmp_path, report)
    assert report.encodings == dict.fromkeys(("a.txt", "b.txt", "c.txt"), "gb18030")
    assert report.replaced == {"b.txt": 1, "c.txt": 3}


def test_what_is_read_in_part_is_reported_too(tmp_path):
    report = FileReport()
    numbered = lines(stored(tmp_path, SIMPLIFIED.encode("gb18030") * 9), report)
    next(numbered)
    numbered.close()
    assert report.encodings == {"a.txt": "gb18030"}


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["", SIMPLIFIED, TRADITIONAL * 20]))
def test_no_bytes_are_fatal(tmp_path_factory, noise, text):
    data = text.encode("gb18030") + noise
    whole = decode(data)
    assert whole.replaced <= whole.text.count("\ufffd")
    whole.text.encode("utf-8", "surrogatepass")
    file = stored(tmp_path_factory.getbasetemp(), data, "noise.txt")
    for made, report in (read_lines(file), _joined(file)):
        assert sum(report.replaced.values()) <= sum(line.count("\ufffd") for line in made)


# --- bounds ----------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["utf-8", "gb18030", "utf-16-le"])
def test_a_line_too_long_is_named_and_the_next_is_read(tmp_path, monkeypatch, codec):
    monkeypatch.setattr(_decoding, "MAX_RECORD_BYTES", 2 * BUFFER)
    long = "热" * (2 * BUFFER)
    text = f"前一行\n{long}\n{SIMPLIFIED}{long}"
    made, report = read_lines(stored(tmp_path, text.encode(codec)))
    assert [line if isinstance(line, str) else line.rule for line in made] == [
        "前一行", "too_long", SIMPLIFIED.strip(), "too_long",
    ]  # fmt: skip
    assert [m.key for m in made if isinstance(m, Malformed)] == ["a.txt#line-2", "a.txt#line-4"]
    assert "allowed 2,097,152: 热热热" in made[1].evidence
    assert len(made[1].evidence) < 400
    assert not report.replaced


def test_a_book_too_large_to_be_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_decoding, "MAX_TEXT_BYTES", BUFFER)
    (tmp_path / "a.txt").write_bytes(b"a" * (BUFFER + 1))
    with pytest.raises(_decoding.SourceError, match=r"^a\.txt: over 1,048,576 bytes.*smaller"):
        read("text", tmp_path)

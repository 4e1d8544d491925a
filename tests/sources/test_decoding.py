"""Encodings: found, decoded, and what does not decode counted file by file."""

from __future__ import annotations

import codecs
import hashlib
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


@pytest.mark.parametrize("codec", ["utf-16", "utf-32"])
def test_a_wide_file_may_be_cut_within_its_last_character(tmp_path, monkeypatch, codec):
    width = len("热".encode(codec)) // 2
    data = (SIMPLIFIED * 2).encode(codec) + "热".encode(codec)[-width:-1]
    for size in (width, len(data) - 1, len(data)):  # blocks of a mark alone, of half a character
        monkeypatch.setattr(_decoding, "BUFFER", size)
        made, report = read_lines(stored(tmp_path, data))
        assert made == [SIMPLIFIED.strip()] * 2 + ["\ufffd"], size
        assert list(report.replaced.values()) == [1]


def test_only_line_feeds_end_a_line(tmp_path):
    text = "一\u2028二\x0b三\x85四\r\n五\x1e六\n"
    made, _ = read_lines(stored(tmp_path, text.encode()))
    assert made == ["一\u2028二\x0b三\x85四", "五\x1e六"]
    assert decode("一\r二\r\n三".encode()).text == "一\n二\n三"  # old Macs; whole files only


# --- several encodings, marks and ends of lines in one file ----------------------------------

MIXED = [
    "孩子夜里发烧，要不要马上去医院？",
    "三十八度五以下先物理降温，多喝温水。",
    "老人起身时头晕眼花是什么原因？",
    "先测卧位和立位血压，起身要慢。",
    "皮肤起红疹并且发痒三天了。",
    "不要抓挠，先停用新的护肤品。",
]
MIXED_OLD = ["發熱惡寒者，發於陽也。", "無熱惡寒者，發於陰也。", "太陽病，頭痛發熱，汗出惡風。"] * 2


def every_way(folder: Path, data: bytes) -> list[tuple[str, str, int]]:
    """Return (text, encoding, replaced) of ``data`` as a book, as lines and as pieces."""
    file = stored(folder, data)
    made, lined = read_lines(file)
    pieced = FileReport()
    pieces = "".join(texts(file, pieced))
    return [
        tuple(decode(data)),
        ("\n".join([*made, ""]), lined.encodings["a.txt"], sum(lined.replaced.values())),
        (pieces, pieced.encodings["a.txt"], sum(pieced.replaced.values())),
    ]


@pytest.mark.parametrize(("other", "name", "text"), [("gb18030", "gb18030", MIXED),
                                                     ("big5", "big5hkscs", MIXED_OLD)])  # fmt: skip
@pytest.mark.parametrize(
    "of_utf8",
    [(0, 1, 2), (3, 4, 5), (0, 2, 4), (0, 1, 2, 3, 5), (2,), (5,)],
    ids=["first", "last", "by turns", "all but one", "one alone", "the last alone"],
)
@pytest.mark.parametrize("times", [1, 5000])
def test_each_line_is_read_in_its_own_encoding(tmp_path, other, name, text, of_utf8, times):
    """``times``: within a block, and over several."""
    whole = "\n".join([*text, ""]) * times
    rows = [line.encode("utf-8" if n in of_utf8 else other) for n, line in enumerate(text)]
    for made in every_way(tmp_path, b"\n".join([*rows, b""]) * times):
        assert made == (whole, f"utf-8+{name}", 0)


@pytest.mark.parametrize("first", ["utf-8", "gb18030"])
@pytest.mark.parametrize("as_lines", [True, False])
def test_rows_of_json_in_two_encodings(tmp_path, first, as_lines):
    (second,) = {"utf-8", "gb18030"} - {first}
    rows = [{"query": MIXED[n % 6], "response": "好" * (n % 50 + 1)} for n in range(8_000)]
    told = [json.dumps(row, ensure_ascii=False) for row in rows]
    data = b"\n".join(
        (line + "," * (not as_lines)).encode(first if n < 4_000 else second)
        for n, line in enumerate(told)
    )
    (tmp_path / "a.json").write_bytes(data if as_lines else b"[\n" + data[:-1] + b"\n]")
    report = FileReport()
    made = read("query_response", tmp_path, report)
    assert [[m.content for m in d.messages] for d in made] == [
        [row["query"], row["response"]] for row in rows
    ]
    assert report == FileReport({"a.json": "utf-8+gb18030"})


@pytest.mark.parametrize("others", [b"", "先测卧位和立位血压，起身要慢。\n".encode("gb18030")])
@pytest.mark.parametrize(
    "broken",
    [
        MIXED[0].encode()[:-1],
        MIXED[0].encode()[:10] + b"\xff" + MIXED[0].encode()[10:],
        MIXED[0].encode().replace("夜".encode(), "夜".encode()[:2]),
        "腹痛难忍".encode()[1:],
    ],
)
def test_a_line_of_utf8_with_a_broken_byte_stays_one(tmp_path, others, broken):
    data = others + "\n".join([*MIXED, ""]).encode() * 3 + broken + b"\n"
    for text, encoding, replaced in every_way(tmp_path, data):
        assert encoding == ("utf-8+gb18030" if others else "utf-8")
        assert text.count("\ufffd") == replaced > 0
        assert text.endswith("\n" + broken.decode("utf-8", "replace") + "\n")


def test_a_letter_of_latin_does_not_make_a_file_of_gbk(tmp_path):
    """The byte of Latin-1 and the next letter are a valid character of GBK."""
    data = ("\n".join([*MIXED, ""]) * 2).encode() + "Sjögren\n".encode("latin-1")
    for text, encoding, replaced in every_way(tmp_path, data):
        assert (encoding, replaced) == ("utf-8", 1)
        assert text.endswith("\nSj\ufffdgren\n")


@pytest.mark.parametrize("line", ["Sjögren 综合征", "α-干扰素", "β", "10 µg"])
def test_short_lines_of_utf8_beside_one_of_gbk(tmp_path, line):
    data = "\n".join([*MIXED, line, ""]).encode() + MIXED[0].encode("gb18030") + b"\n"
    for text, encoding, _ in every_way(tmp_path, data):
        assert text.split("\n")[-3:-1] == [line, MIXED[0]]
        assert encoding == "utf-8+gb18030"


@pytest.mark.parametrize("line", ["头痛", "枚", "第三章", "囧事", "〇", "瞭解", "镕·瞋·瞀"])
def test_short_lines_of_gbk_are_no_utf8(tmp_path, line):
    text = "\n".join([*MIXED, line, ""])
    for made in every_way(tmp_path, text.encode("gb18030")):
        assert made == (text, "gb18030", 0)


MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "gb18030": "\ufeff".encode("gb18030"),
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@pytest.mark.parametrize("codec", MARKS)
@pytest.mark.parametrize("marks", [1, 2, 3])
def test_marks_go_wherever_a_line_begins(tmp_path, codec, marks):
    part = MARKS[codec] * marks + "\n".join([*MIXED, ""]).encode(codec)
    for text, encoding, replaced in every_way(tmp_path, part * 3):
        assert text == "\n".join([*MIXED, ""]) * 3
        assert encoding.removesuffix("-sig") == codec
        assert not replaced


def test_a_mark_of_utf8_before_lines_of_gbk(tmp_path):
    for text, encoding, replaced in every_way(
        tmp_path, (codecs.BOM_UTF8 + "\n".join([*MIXED, ""]).encode("gb18030")) * 2
    ):
        assert (text, encoding, replaced) == ("\n".join([*MIXED, ""]) * 2, "gb18030", 0)


@pytest.mark.parametrize("codec", ["utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", [SIMPLIFIED, "id,text\n1,头痛\n", "𠮷野家的药\n" * 30])
def test_utf32_without_a_mark(tmp_path, codec, text):
    for made in every_way(tmp_path, text.encode(codec)):
        assert made == (text, codec, 0)


@pytest.mark.parametrize("size", [64, 5000])
def test_what_is_no_text_is_not_taken_for_utf16(size):
    """Any bytes are characters of UTF-16."""
    noise = hashlib.shake_256(b"seed").digest(size)
    for data in (noise, noise + bytes(size), bytes(size)):
        assert not detect(data).startswith("utf-16")


@pytest.mark.parametrize("codec", ["utf-8", "gb18030", "utf-16-le", "utf-32-be"])
@pytest.mark.parametrize("times", [1, 9_000])
def test_a_carriage_return_ends_lines_where_nothing_else_does(tmp_path, codec, times):
    data = ("\r".join([*MIXED, ""]) * times).encode(codec)
    for made in every_way(tmp_path, data):
        assert made == ("\n".join([*MIXED, ""]) * times, codec, 0)


def test_a_carriage_return_in_a_line_is_left_where_others_end_lines(tmp_path):
    made, _ = read_lines(stored(tmp_path, "一\r二\n三\r\n".encode()))
    assert made == ["一\r二", "三"]


@pytest.mark.parametrize("line", MIXED)
def test_the_wide_blank_of_gbk(tmp_path, line):
    """The standard for browsers has it so; Python makes a private character of it."""
    data = b"\xa3\xa0\xa3\xa0" + f"{line}\n".encode("gbk")
    for made in every_way(tmp_path, data):
        assert made == (f"\u3000\u3000{line}\n", "gb18030", 0)


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

"""No file takes the machine along: memory and time for files that no line or value ends in."""

from __future__ import annotations

import gc
import gzip
import subprocess
import sys
import time

import pytest

from chimed_datasets.records import Malformed
from chimed_datasets.sources import FileReport, SourceFile, layout
from chimed_datasets.sources.files.decoding import decode, line_blocks, texts

MIB = 1 << 20
READ = """
import resource, sys
from pathlib import Path
from chimed_datasets.records import Malformed
from chimed_datasets.sources import FileReport, layout
from chimed_datasets.sources.files.opening import SourceFile
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
key, small, large = sys.argv[1:]
found = layout(key)
own = {"kind": "thread", "fields": {"question": "q", "answer": "a"}}
options = found.options(own if "kind" in found.own_keys() else {})
def read(place):
    file = SourceFile(Path(place).name, place, Path(place).stat().st_size)
    return [m.rule for m in found.read([file], options, FileReport()) if isinstance(m, Malformed)]
read(small)
before = peak()
print(*sorted(set(read(large))), peak() - before)
"""
CONTENT = {
    "NULs": (b"", b"\0"),
    "one word": (b"", b"a"),
    "broken bytes": ("头痛\n".encode(), b"\xff"),
    "a list that does not end": (b"[", b"1"),
    "a text that does not end": (b'{"q": "', "热".encode()),
    "GBK": ("头痛发热三天怎么办\n".encode("gb18030"), "热".encode("gb18030")),
}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("jsonl", "one word"),
        ("jsonl", "a list that does not end"),
        ("jsonl", "a text that does not end"),
        ("jsonl", "GBK"),
        ("csv", "NULs"),
        ("csv", "broken bytes"),
    ],
)
def test_a_line_that_does_not_end_is_not_held(tmp_path, key, name):
    """200 MiB: more than three times what a line may have. Held as text it would be 400 and more."""
    head, filler = CONTENT[name]
    small, large = tmp_path / f"small.{key}", tmp_path / f"large.{key}"
    for place, size in ((small, MIB), (large, 200 * MIB)):
        with open(place, "wb") as out:
            out.write(b"q,a\n1,2\n" if key == "csv" else b"")
            out.write(head)
            for _ in range(size // MIB):
                out.write(filler * (MIB // len(filler)))
    done = subprocess.run(
        [sys.executable, "-c", READ, key, small, large], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    *rules, grown = done.stdout.split()
    assert {"too_long", "json_invalid"} & set(rules)
    assert int(grown) < 600, done.stdout


def test_a_small_file_of_one_huge_line(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"a" * (150 * MIB), 1))
    (row,) = line_blocks(SourceFile(path.name, str(path), path.stat().st_size), FileReport())
    assert row[1].rule == "too_long"


@pytest.mark.parametrize(
    "line",
    [
        b"\xff" * 50,
        "头痛".encode()[:-1],
        "头".encode() + b"\xff",
        "ö".encode() + "热".encode("gbk"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b" "])
def test_time_grows_with_the_size_alone(line, end):
    """However many lines are broken, or of however long lines they are."""
    took = []
    for size in (MIB, 4 * MIB):
        data = (line + end) * (size // len(line + end))
        start = time.process_time()
        decode(data)
        took.append(time.process_time() - start)
    assert took[1] < 12 * took[0] + 0.2


def test_pieces_without_an_end_are_cut_between_characters(tmp_path):
    for shift in range(3):
        path = tmp_path / "a.json"
        path.write_bytes(b"a" * shift + "热".encode() * (3 * MIB))
        pieces = list(texts(SourceFile(path.name, str(path), 9 * MIB), FileReport()))
        assert max(map(len, pieces)) < 3 * MIB
        assert "".join(pieces) == "a" * shift + "热" * (3 * MIB)


def read_all(folder, key, data):
    """Return (good rows, rules of the others, CPU seconds) of a file.

    Without the collector, as `timeit` measures: a collection walks over all that other tests left.
    """
    path = folder / f"a.{key}"
    path.write_bytes(data)
    found = layout({"json": "jsonl", "txt": "text"}.get(key, key))
    own = {"kind": "document", "fields": {"text": "text"}} if key != "txt" else {}
    options = found.options(own)
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        file = SourceFile(path.name, str(path), len(data))
        rows = list(found.read([file], options, FileReport()))
        took = time.process_time() - start
    finally:
        gc.enable()
    bad = [row.rule for row in rows if isinstance(row, Malformed)]
    return len(rows) - len(bad), bad, took


ROWS = [b'{"id": "g%d", "text": "abc"}' % n for n in range(12)]
HEAD = b"[" + b",\n".join(ROWS[:6]) + b",\n"
TAIL = b",\n" + b",\n".join(ROWS[6:]) + b"]"
NOT_CLOSED = {
    "objects in lists": b'{"id": "1", "text": [1, {"a": 2},\n',
    "objects in objects": b'{"id":',
    "lists of objects": b'[{"id":',
    "400 at a time": b'[{"id":' * 400 + b"}",
    "texts": b'{"id": "1,\n',
}


@pytest.mark.parametrize("name", NOT_CLOSED)
def test_a_list_whose_objects_never_close_costs_no_more_than_its_size(tmp_path, name):
    part = NOT_CLOSED[name]
    took = []
    for size in (MIB // 4, MIB):
        good, bad, seconds = read_all(tmp_path, "json", HEAD + part * (size // len(part)) + TAIL)
        assert good == 12
        assert set(bad) == {"json_invalid"}
        took.append(seconds)
    plain = (ROWS[0] + b",\n") * (MIB // (len(ROWS[0]) + 2))
    usual = read_all(tmp_path, "json", HEAD + plain + ROWS[0] + TAIL)[2]
    assert took[1] < 10 * took[0] + 0.2
    assert took[1] < 60 * usual + 0.5


def test_rows_behind_a_list_that_does_not_end_are_read_once(tmp_path):
    """Formerly again from each of the objects that are open."""
    took = []
    for opened in (1, 60):
        data = (
            HEAD + b'{"id": 1, "a": [0,\n' * opened + (ROWS[0] + b",\n") * 30_000 + ROWS[1] + b"]"
        )
        good, bad, seconds = read_all(tmp_path, "json", data)
        assert good == 30_007
        assert bad == ["json_invalid"]
        took.append(seconds)
    assert took[1] < 4 * took[0] + 0.2


def test_a_run_of_nuls_in_a_list_is_told_of_once(tmp_path):
    assert read_all(tmp_path, "json", HEAD + b"\0" * MIB + TAIL)[:2] == (12, ["json_invalid"])


MANY = {
    "a list in a row": b'{"id": "x", "text": [' + b"{}," * (3 * MIB) + b"1]}",
    "keys": b"{" + b",".join(b'"k%d":1' % n for n in range(2_200_000)) + b"}",
}


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("ending", ["jsonl", "json"])
def test_a_row_of_millions_of_values_is_too_long(tmp_path, name, ending):
    middle = MANY[name]
    head, tail = (
        (HEAD, TAIL) if ending == "json" else (b"\n".join(ROWS[:6]) + b"\n", b"\n" + ROWS[6])
    )
    good, bad, _ = read_all(tmp_path, ending, head + middle + tail)
    assert good == (12 if ending == "json" else 7)
    assert set(bad) == {"too_long"}


QUOTES = {
    "opened": b'1,"abc\n',
    "one": b'"\n',
    "text behind": b'1,"a" b"\n',
    "escaped": b'1,"a\\",\\\\"\\"\n"\n',
    "NULs": b'\0,"\0\n',
    "marks": b'\xef\xbb\xbf1,"\n',
    "carriage returns": b'1,"a\r\n',
}


@pytest.mark.parametrize("name", QUOTES)
def test_the_rows_between_quotes_that_part_nothing_cost_no_more_than_their_number(tmp_path, name):
    part = QUOTES[name]
    took = []
    for count in (10_000, 40_000):
        data = b"id,text\n" + b"7,abc\n" * 6 + part * count + b"8,abc\n" * 6
        good, _, seconds = read_all(tmp_path, "csv", data)
        assert good >= 6
        took.append(seconds)
    usual = read_all(tmp_path, "csv", b"id,text\n" + b"7,abcdef\n" * 40_000)[2]
    assert took[1] < 10 * took[0] + 0.2
    assert took[1] < 40 * usual + 0.5


OF_LINES = {
    "blank lines": ("jsonl", ROWS[0] + b"\n", b"\n", ROWS[1], 0.2),
    "lines of a blank": ("jsonl", ROWS[0] + b"\n", b" \r\n", ROWS[1], 0.2),
    "headers": ("csv", b"id,text\n", b"id,text\n", b"1,abc\n", 0.6),
    "names in quotes": ("csv", b"id,text\n", b'"id","text"\n', b"1,abc\n", 0.6),
    "letters": (
        "txt", "第一章\n热。\n第二章\n".encode(), b"a\n", "第三章\n寒。\n".encode(), 0.9,
    ),
}  # fmt: skip
USUAL = {
    "jsonl": b"\n".join(b'{"id": "g%d", "text": "abc"}' % n for n in range(200_000)),
    "csv": b"id,text\n" + b"".join(b"%d,abcdef\n" % n for n in range(200_000)),
    "txt": "热。\n\n".encode() * 200_000,
}


@pytest.mark.parametrize("name", OF_LINES)
def test_a_line_that_says_nothing_costs_less_than_a_row(tmp_path, name):
    key, before, line, behind, most = OF_LINES[name]
    usual = read_all(tmp_path, key, USUAL[key])[2]
    good, bad, took = read_all(tmp_path, key, before + line * 200_000 + behind)
    assert good == {"jsonl": 2, "csv": 1, "txt": 3}[key]
    assert bad == []
    assert took < most * usual + 0.05


def test_blank_lines_make_no_chapter_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr("chimed_datasets.sources.text.MAX_TEXT_LINES", 20)
    content = "第一章 甲\n热。\n" + " \n" * 40 + "寒。\n第二章 乙\n温。" + "\n" * 40
    (tmp_path / "a.txt").write_text(content, "utf-8")
    found = layout("text")
    file = SourceFile("a.txt", str(tmp_path / "a.txt"), len(content.encode()))
    first, second = found.read([file], found.options({}), FileReport())
    assert (first.text.split(), second.text) == (["热。", "寒。"], "温。")


def test_a_book_of_headings_is_not_held(tmp_path):
    """Two million of them: as one piece they would be 770 MiB."""
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_text("【成份】\n【热】\n" * 100, "utf-8")
    large.write_text("【成份】\n【热】\n" * 1_000_000, "utf-8")
    command = [sys.executable, "-c", READ, "text", small, large]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    rule, grown = done.stdout.split()
    assert rule == "empty_section"
    assert int(grown) < 250, done.stdout


LONG_BOOK = "\n".join(
    f"第{n}卷\n" + "".join(f"第{m}章 名\n第{n}卷第{m}章的字。\n\n第二段。\n" for m in range(1, 4))
    for n in range(1, 9)
)


@pytest.mark.parametrize("split", ["chapters", "blank_lines", "none"])
def test_a_book_of_very_many_lines_is_read_in_pieces(tmp_path, monkeypatch, split):
    found, read = layout("text"), []
    for allowed, content in ((4_000_000, LONG_BOOK), (20, LONG_BOOK)):
        monkeypatch.setattr("chimed_datasets.sources.text.MAX_TEXT_LINES", allowed)
        path = tmp_path / "a.txt"
        path.write_text(content, "utf-8")
        file = SourceFile(path.name, str(path), path.stat().st_size)
        read.append(list(found.read([file], found.options({"split": split}), FileReport())))
    if split == "none":  # one document of too many lines
        (row,) = read[1]
        assert row.rule == "too_long"
        assert f"{LONG_BOOK.count(chr(10)) + 1} lines in one document" in row.evidence
    else:
        assert read[0] == read[1]


def test_a_chapter_of_too_many_lines_costs_that_chapter_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("chimed_datasets.sources.text.MAX_TEXT_LINES", 20)
    path = tmp_path / "a.txt"
    path.write_text("第一章 甲\n热。\n第二章 乙\n" + "寒\n" * 99 + "第三章 丙\n温。\n", "utf-8")
    found = layout("text")
    file = SourceFile(path.name, str(path), path.stat().st_size)
    first, second, third = found.read([file], found.options({}), FileReport())
    assert (first.text, third.text) == ("热。", "温。")
    assert (second.rule, second.evidence) == ("too_long", "99 lines in one document, allowed 20")


@pytest.mark.parametrize("behind", [0, 1, 40])
def test_a_row_behind_very_many_nuls_is_read(tmp_path, monkeypatch, behind):
    monkeypatch.setattr("chimed_datasets.sources.files.decoding.MAX_RECORD_BYTES", 3 << 20)
    row = b'{"text": "' + b"a" * behind + b'"}\n'
    data = row + b"\0" * (5 << 20) + row + b"\0" * (5 << 20) + b"\n" + row
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    found = layout("jsonl")
    file = SourceFile(path.name, str(path), len(data))
    options = found.options({"fields": {"text": "text"}})
    made = list(found.read([file], options, FileReport()))
    assert [r.rule for r in made if isinstance(r, Malformed)].count("json_invalid") == 1
    assert [r.rule for r in made if isinstance(r, Malformed)].count("too_long") == 1


@pytest.mark.parametrize(
    ("constant", "allowed", "content", "rules"),
    [
        ("MAX_TEXT_LINES", 20, "一行\n" * 21, ["too_long"]),
        ("MAX_TEXT_LINES", 20, "一行\n" * 20, []),
        ("MAX_RECORD_BYTES", 300, "第一章 长\n" + "热" * 101 + "\n第二章 短\n寒", ["too_long"]),
        ("MAX_RECORD_BYTES", 303, "第一章 长\n" + "热" * 101 + "\n第二章 短\n寒", []),
    ],
)
def test_what_is_too_long_of_a_book_is_told(
    tmp_path, monkeypatch, constant, allowed, content, rules
):
    monkeypatch.setattr(f"chimed_datasets.sources.text.{constant}", allowed)
    path = tmp_path / "a.txt"
    path.write_text(content, "utf-8")
    found = layout("text")
    file = SourceFile(path.name, str(path), path.stat().st_size)
    made = list(found.read([file], found.options({}), FileReport()))
    assert [row.rule for row in made if isinstance(row, Malformed)] == rules
    many = constant == "MAX_TEXT_LINES"
    assert len(made) - len(rules) == (not rules if many else 2 - len(rules))

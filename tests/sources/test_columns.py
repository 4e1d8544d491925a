"""Rows read as they are stored, and column by column: the same as one by one, as text."""

from __future__ import annotations

import json
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimed_datasets import loops
from chimed_datasets.errors import SourceError
from chimed_datasets.records import (
    Answer,
    Columns,
    Dialogue,
    Document,
    Malformed,
    Message,
    QAThread,
    batches,
)
from chimed_datasets.sources import FileReport, SourceFile, layout
from chimed_datasets.sources.files import decoding as _decoding
from chimed_datasets.sources.files import opening
from chimed_datasets.sources.parsing import json as _rows
from tests.common.files import write_jsonl
from tests.common.stages import COMMON

SIZES = {"max_rows": 5, "max_chars": 60}
"""Of batches, small enough for a block to be cut."""

FIELDS = ("id", "text", "title", "book", "question", "answer", "department")
ODD = (
    *('""', '" "', '"\\u3000"', "null", "7", "1.5", "true", "NaN", "1e999", "[]", '["一", "二"]'),
    *(
        '{"a": "层"}',
        '"\\ud83d"',
        '"\\ud83d\\ude00"',
        '"\\u0000"',
        '"\t"',
        '"a\u2028b"',
        '" 首尾 "',
    ),
    *('"' + "长" * 70 + '"', '"' + "x" * 201 + '"', str(10**30), "\x00", '"'),
)
LINES = (
    *("", " ", "[1]", "3", "null", "{}", '{"text": "', '{"text": "文"},', '{"text": "文",}'),
    *('{"text": "一"} {"text": "二"}', '{"text": "一", "text": "二"}', "\ufeff{}", "“text”"),
    '{"question": "问", "answer": ["答", "又"], "text": "文"}',
)
BROKEN = (
    b'{"text": "\xe4\xb8"}',
    b'{"text": "a\xed\xa0\xbdb", "id": 1000000000000000000000}',
    b"\xff\xfe",
    b'{"\x80": "b"}',
)

plain = st.sampled_from(["一", "热者寒之。", "abc", " 甲 ", "a\nb", "é😀", "\u2028", "0", "1"])
plain_fields = st.fixed_dictionaries(
    {"text": plain, "question": plain, "answer": plain},
    optional=dict.fromkeys(("id", "title", "book", "department"), plain),
)


def written(row: dict[str, str], odd: dict[str, str]) -> str:
    """Return a row of texts, and of fields that are JSON already, as a line of JSON."""
    told = {name: json.dumps(text, ensure_ascii=False) for name, text in row.items()} | odd
    return "{" + ", ".join(f'"{name}": {value}' for name, value in told.items()) + "}"


odd_fields = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(ODD), min_size=1, max_size=2)
plain_row = st.builds(written, plain_fields, st.just({}))
odd_row = st.builds(written, plain_fields | st.just({}), odd_fields)
line = st.one_of(plain_row, plain_row, odd_row, st.sampled_from(LINES))


@st.composite
def files(draw) -> bytes:
    """A file of mostly plain rows, in any encoding and with either line end."""
    codec = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "gb18030", "utf-16"]))
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r\r\n"]))
    parts = [draw(plain_row), *draw(st.lists(line, max_size=14))]
    stored = [
        (part + end).encode(codec if not n else codec.replace("-sig", ""), "replace")
        for n, part in enumerate(parts)
    ]
    if codec == "utf-16":
        return "".join(part + end for part in parts).encode(codec)
    if draw(st.integers(0, 3)) == 0:
        stored.insert(draw(st.integers(0, len(stored))), draw(st.sampled_from(BROKEN)) + b"\n")
    data = b"".join(stored)
    return data if draw(st.booleans()) else data.removesuffix(b"\n")


OPTIONS = (
    {},
    {"fields": {"title": "title", "book": "book", "page": "id"}},
    {"fields": {"text": "question", "domain": "department", "book": "book"}, "id": "text"},
    {"fields": {"title": "title", "part": "book.a"}},
    {"strip": {"text": ["热"]}},
    {"kind": "thread"},
    {"kind": "thread", "fields": {"department": "department", "title": "title", "b": "book"}},
    {"kind": "thread", "fields": {"keyphrases": "title"}},
    {"kind": "dialogue", "fields": {"messages": "answer"}},
)


def outcome(key: str, file: SourceFile, own: dict, how: str) -> tuple:
    """Return the batches, malformed rows and report; or the error."""
    found, report, bad = layout(key), FileReport(), []

    def sound():
        for item in getattr(found, how)([file], found.options(own), report):
            if isinstance(item, Malformed):
                bad.append(item)
            else:
                yield item

    try:
        made = [b.serialize().to_pybytes() for b in batches(sound(), **SIZES, **COMMON)]
    except SourceError as error:
        return (str(error),)
    return made, bad, report


@pytest.mark.parametrize("own", OPTIONS, ids=json.dumps)
@settings(max_examples=30, deadline=None)
@given(
    data=files(),
    buffer=st.sampled_from([40, 300, 1 << 20]),
    rows=st.sampled_from([3, 1024]),
    small=st.sampled_from([0, 0, opening.SMALL]),  # larger files are read by lines
)
def test_whichever_way_rows_are_read_they_are_the_same(
    tmp_path_factory, own, data, buffer, rows, small
):
    path = tmp_path_factory.getbasetemp() / "a.jsonl"
    path.write_bytes(data)
    file = SourceFile("a.jsonl", str(path), len(data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_decoding, "BUFFER", buffer)
        patch.setattr(_rows, "BLOCK_ROWS", rows)
        patch.setattr(opening, "SMALL", small)
        ways = [outcome("jsonl", file, own, how) for how in ("read", "read_columns")]
        patch.setattr(_decoding.Lines, "utf8", lambda lines: None)  # all of it decoded first
        expected = outcome("jsonl", file, own, "read")
    assert ways == [expected, expected]


def arrays_of(file: Path, key: str, **own: object) -> list:
    """Return what a layout yields of a file that is no small one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "SMALL", 0)
        return made(file, key, **own)


@pytest.mark.skipif(loops.compiled() is None, reason="the loops are not compiled here")
def test_plain_lines_come_as_arrays(tmp_path):
    rows = [
        {"id": 7, "text": "一\n二", "title": " 题 ", "book": "书", "n": [1, {"a": None}]},
        {"text": "三🙂", "id": " x ", "title": None, "page": "9", "book": "NULL"},
        {"text": "四", "title": "甲\u2028乙", "id": "7", "book": "", "m": 1.5},
    ]
    path = write_jsonl(tmp_path / "a.jsonl", rows)
    own = {"fields": {"title": "title", "book": "book", "p": "page"}}
    (columns,) = arrays_of(path, "jsonl", **own)
    assert isinstance(columns.fields["text"], pa.StringArray)
    assert columns.num_chars().tolist() == [3, 2, 1]
    assert columns[1:].num_chars().tolist() == [2, 1]
    assert columns.records() == list(read_rows(path, "jsonl", **own))
    assert [record.key for record in columns.records()] == ["a.jsonl#7", "a.jsonl#x", "a.jsonl#7~2"]
    with loops.switched(on=False):
        (lists,) = arrays_of(path, "jsonl", **own)
    assert isinstance(lists.fields["text"], list)
    assert lists.records() == columns.records()
    for mixed in ([columns, lists], [lists, columns[1:], *lists.records()], [columns[2:]]):
        one = list(batches(mixed, **SIZES, **COMMON))
        alike = [
            record for part in mixed for record in getattr(part, "records", lambda p=part: [p])()
        ]
        assert one == list(batches(alike, **SIZES, **COMMON))


@pytest.mark.skipif(loops.compiled() is None, reason="the loops are not compiled here")
def test_plain_pairs_come_as_arrays(tmp_path):
    row = {"id": "1", "prompt": "问", "chosen": "好<b>", "rejected": "坏处"}
    rows = [
        row,
        row | {"rejected": "{坏"},
        row | {"history": [["甲", "乙"]]},
        row,
        row | {"prompt": 3},
    ]
    path = write_jsonl(tmp_path / "a.jsonl", rows)
    found = arrays_of(path, "preference_pairs")
    assert [type(one) for one in found] == [Columns, Dialogue, Dialogue, Columns, Dialogue]
    assert isinstance(found[0].fields["candidates"], pa.FixedSizeListArray)
    alike = [record for part in found for record in getattr(part, "records", lambda p=part: [p])()]
    assert alike == list(read_rows(path, "preference_pairs"))
    with loops.switched(on=False):
        lists = arrays_of(path, "preference_pairs")
    mixed = [*found, *lists]
    assert list(batches(mixed, **SIZES, **COMMON)) == list(
        batches(alike + alike, **SIZES, **COMMON)
    )


SAID = (
    *("一", "热者寒之。", "abc", "甲 ", "a\nb", "é😀", " 甲", "", "\u3000", "NULL", "nan ", "[1]"),
    *("[甲]", '{"role": "user", "content": "问"}', '[{"role": "user", "content": "问"}]', "问："),
    *(
        "Human: 问\nAssistant:",
        "问：甲\n答：乙",
        "<user>: 甲 <bot>: 乙",
        "a < b",
        "a[THINK]b",
        "甲乙",
    ),
    *("<think>想</think>答", "<think>想", "\x1f甲", "甲\x1f"),
)
said = st.sampled_from(SAID)
beside = (
    "system",
    "history",
    "input",
    "department",
    "cate1",
    "messages",
    "Chosen",
    "tools",
    "images",
)
pairs = st.fixed_dictionaries(
    {"prompt": said, "chosen": said, "rejected": said},
    optional={
        "id": st.sampled_from(["1", " 2 ", ""]) | st.integers(0, 3),
        "score": st.just(0.5) | st.none(),
        **dict.fromkeys((*beside, "question", "reasoning_content"), said | st.none()),
    },
)
plain_pairs = st.fixed_dictionaries(dict.fromkeys(("prompt", "chosen", "rejected"), said))
PAIR_OPTIONS = (
    {},
    {"id": "prompt"},
    {"pair_origin": "llm_ranked"},
    {"pair_origin": "doctor_vs_model", "model": "m"},
    {"metadata": ["score"]},
    {"where": "chosen != 一"},
    {"strip": {"user": ["热"]}},
)


@pytest.mark.parametrize("own", PAIR_OPTIONS, ids=json.dumps)
@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(plain_pairs | plain_pairs | pairs, min_size=1, max_size=12),
    small=st.sampled_from([0, opening.SMALL]),
)
def test_pairs_are_the_same_as_columns(tmp_path_factory, own, rows, small):
    path = write_jsonl(tmp_path_factory.getbasetemp() / "pairs.jsonl", rows)
    file = SourceFile("pairs.jsonl", str(path), path.stat().st_size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "SMALL", small)
        ways = [outcome("preference_pairs", file, own, how) for how in ("read", "read_columns")]
    assert ways[0] == ways[1]


def test_plain_pairs_come_as_columns(tmp_path):
    row = {"id": "1", "query": "问", "response_chosen": "好", "rejected": "坏处", "score": 1}
    path = write_jsonl(tmp_path / "a.jsonl", [row, row | {"history": [["甲", "乙"]]}, row])
    one, other, last = made(path, "preference_pairs", pair_origin="rm_ranked")
    assert isinstance(other, Dialogue)
    assert one.records() == [
        Dialogue(
            "a.jsonl#1",
            [Message("user", "问")],
            [Answer("好", rank=0), Answer("坏处", rank=1)],
            metadata={"ranked_by": "rm"},
        )
    ]
    assert last.num_chars().tolist() == [4]


ROWS = [{"id": n, "text": f"文{n}", "title": " 题 "} for n in map(str, range(9))]


def read_rows(path: Path, key: str, **own: object) -> list:
    found = layout(key)
    file = SourceFile(path.name, str(path), path.stat().st_size)
    return list(found.read([file], found.options(own), FileReport()))


def made(path: Path, key: str = "jsonl", **own: object) -> list:
    found = layout(key)
    file = SourceFile(path.name, str(path), path.stat().st_size)
    return list(found.read_columns([file], found.options(own), FileReport()))


def test_plain_documents_come_as_columns(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", ROWS)
    (columns,) = made(path, fields={"title": "title", "n": "id", "page": "id"})
    assert isinstance(columns, Columns)
    assert columns[:1].records() == [
        Document("a.jsonl#0", "文0", title="题", metadata={"n": "0", "page": "0"})
    ]
    assert len(columns) == 9


def test_plain_threads_come_as_columns(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [{"question": "问", "answer": "答答"}])
    (columns,) = made(path, kind="thread")
    assert columns.records() == [QAThread("a.jsonl#0", "问", [Answer("答答")])]
    assert columns.num_chars().tolist() == [3]


@pytest.mark.parametrize("odd", [None, 7, "", " ", ["文"], {"a": "文"}])
def test_one_odd_row_sends_its_block_row_by_row(tmp_path, monkeypatch, odd):
    monkeypatch.setattr(_rows, "BLOCK_ROWS", 4)
    monkeypatch.setattr(opening, "SMALL", 0)  # the rows of a small file are one block
    rows = [*ROWS[:5], {"id": "x", "text": odd}, *ROWS[6:]]
    kinds = [type(item) for item in made(write_jsonl(tmp_path / "a.jsonl", rows))]
    assert kinds[0] is kinds[-1] is Columns
    assert kinds.count(Columns) == 2


@pytest.mark.parametrize(
    "sizes", [{"max_rows": 1}, {"max_rows": 4}, {"max_chars": 1}, {"max_chars": 5}, {}]
)
@pytest.mark.parametrize("parted", [[9], [4, 5], [1, 3, 5], [2, 1, 6]])
def test_columns_are_cut_where_records_are(sizes, parted):
    """Also where records come between them, as every second part here."""
    records = [Document(f"k{n}", "文" * (n % 4 + 1), title="题") for n in range(9)]
    mixed: list[Document | Columns] = []
    for part, end in enumerate(accumulate(parted)):
        some = records[end - parted[part] : end]
        fields = {name: [getattr(r, name) for r in some] for name in ("key", "text", "title")}
        mixed += some if part % 2 else [Columns(Document, fields)]
    expected = list(batches(records, **sizes, **COMMON))
    assert list(batches(mixed, **sizes, **COMMON)) == expected

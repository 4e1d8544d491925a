"""Lines of JSON that the compiled loops read, compared with orjson."""

from __future__ import annotations

import json

import numpy as np
import pytest

from chimed_datasets import loops
from chimed_datasets.loops import EDGE
from chimed_datasets.sources.parsing.row import NOTHING, NOTHING_CHARS
from tests.common import json_lines

pytestmark = pytest.mark.skipif(
    loops.compiled() is None, reason="the loops are not compiled here: pip install -e ."
)
MADE = loops.compiled()


def read(data: bytes, *names: str):
    return MADE.rows(data, [name.encode() for name in names], len(names), data.count(b"\n") + 1)


@pytest.mark.parametrize("seed", range(300))
def test_plain_lines_are_read_as_by_orjson(seed):
    json_lines.check(MADE, json_lines.lines(np.random.default_rng(seed)), plain=True)


@pytest.mark.parametrize("seed", range(600))
def test_odd_lines_are_refused_or_read_as_by_orjson(seed):
    random = np.random.default_rng(seed)
    data = json_lines.lines(random, 0.1)
    json_lines.check(MADE, data, plain=False)
    json_lines.check(MADE, json_lines.harmed(random, data), plain=False)


@pytest.mark.parametrize("piece", json_lines.PIECES)
@pytest.mark.parametrize("ascii", [False, True])
def test_every_text_alone_and_among_others(piece, ascii):
    for said in (piece, piece + "文", "文" + piece, "文" + piece + "文", piece * 70):
        row = json.dumps({"text": said, "id": said, "n": [said]}, ensure_ascii=ascii).encode()
        json_lines.check(MADE, row, plain=True)
        json_lines.check(MADE, row + b"\r\n\n" + row + b"\n", plain=True)


@pytest.mark.parametrize("scalar", json_lines.SCALARS)
def test_every_number_and_word(scalar):
    for row in (f'{{"id":{scalar}}}', f'{{"id" : {scalar} , "b":[{scalar},{{"c":{scalar}}}]}}'):
        json_lines.check(MADE, row.encode(), plain=True)


@pytest.mark.parametrize("odd", json_lines.ODD)
def test_what_is_odd_is_refused(odd):
    for row in (f'{{"id":{odd}}}', f'{{"other":{odd}}}', f'{{"other":[{odd}, 1]}}'):
        assert read(b'{"id":"1"}\n' + row.encode() + b"\n", "id") is None or odd == ""


@pytest.mark.parametrize(
    "line",
    [
        *(
            b"[1]",
            b"3",
            b'"a"',
            b"null",
            b"{",
            b"}",
            b'{"id"}',
            b'{"id":1',
            b'{"id":1}}',
            b'{"id":1},',
        ),
        *(b'{"id":1}{"id":2}', b'{"id":1} x', b'{,"id":1}', b'{"id":1,}', b'{"id" 1}', b"{'id':1}"),
        *(
            b'{"id":1,"id":2}',
            b'{"i\\u0064":1}',
            b'{"id":"a\tb"}',
            b'{"id":"a\x00b"}',
            b'{"id":"a\rb"}',
        ),
        *(
            b"\xef\xbb\xbf{}",
            b'{"id":"\xff"}',
            b'{"id":"\xe5\xa4"}',
            b'{"\xc0\x80":1}',
            b"\x0c",
            b"\t{}",
        ),
        *(b'{"id":"\xed\xa0\x80"}', b'{"id":"\xf4\x90\x80\x80"}', b'{"id":"\xf0\x8f\xbf\xbf"}'),
    ],
)
def test_lines_that_are_no_plain_object(line):
    for data in (line, line + b"\n", b'{"id":"1"}\n' + line + b"\n{}\n"):
        assert read(data, "id") is None


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n \n\n", b"{}", b"{ }\n\n{}"])
def test_blank_lines_and_empty_objects(data):
    json_lines.check(MADE, data, plain=True)


def test_words_for_nothing_are_told():
    rows = [
        json.dumps({"id": f"{a}{word}{b}"})
        for word in NOTHING
        for a in (" ", "")
        for b in ("", "\n")
    ]
    data = "\n".join(rows).encode()
    found = read(data, "id")
    look = MADE.texts(data, found[1][:, 0], found[2][:, 0], NOTHING_CHARS)[2]
    assert (look & EDGE).all()


def test_many_names_of_a_row():
    rows = [
        {f"n{k}": k for k in range(200)} | {"id": "甲"},
        {"id": "乙", "n1": {}},
        {"n5": 1, "id": "丙"},
    ]
    data = "\n".join(map(json.dumps, rows)).encode()
    json_lines.check(MADE, data, plain=True)


def test_what_does_not_fit_is_told():
    data = b'{"id":"ab"}'
    spans, marks = np.array([[7, 9]], np.int32), np.array([2], np.uint8)
    assert MADE.texts(data, spans, marks, 9)[0].tobytes() == b"ab"
    for wrong in ([[7, 99]], [[-1, 3]], [[9, 7]]):
        with pytest.raises(ValueError, match="offsets"):
            MADE.texts(data, np.array(wrong, np.int32), marks, 9)
    with pytest.raises(ValueError, match="offsets"):
        MADE.texts(data, spans, marks[:0], 9)
    with pytest.raises(
        ValueError, match="offsets"
    ):  # an escape that loops_rows would not have taken
        MADE.texts(b"\\x", np.array([[0, 2]], np.int32), np.array([2 | 8], np.uint8), 9)

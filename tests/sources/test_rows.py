"""Rows of JSON and CSV: what is read of files that are whole, and of files that are not."""

from __future__ import annotations

import csv
import io
import json
import random
import sys
import time
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimed_datasets.errors import SourceError
from chimed_datasets.records import Malformed
from chimed_datasets.sources import FileReport, SourceFile
from chimed_datasets.sources.files import decoding as _decoding
from chimed_datasets.sources.files.opening import BUFFER
from chimed_datasets.sources.parsing import json as _rows
from chimed_datasets.sources.parsing import names
from chimed_datasets.sources.parsing.csv import csv_rows
from chimed_datasets.sources.parsing.json import json_rows
from chimed_datasets.sources.parsing.row import Keys, text_of

A, B, C = ({"id": name, "n": n} for n, name in enumerate("abc"))
TOLD = [json.dumps(row) for row in (A, B, C)]


def stored(folder: Path, text: str | bytes, name: str) -> SourceFile:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    (folder / name).write_bytes(data)
    return SourceFile(name, str(folder / name), len(data))


def rows_in(folder: Path, text: str | bytes, reader: Any = json_rows) -> list:
    """Return the rows of a file with ``text``: objects, or (rule, evidence) of what is none."""
    name = "a.csv" if reader is csv_rows else "a.json"
    made = list(reader(stored(folder, text, name), FileReport()))
    keys = [m.key if isinstance(m, Malformed) else m[0] for m in made]
    assert len(set(keys)) == len(keys)
    assert all(key.startswith(f"{name}#") for key in keys)
    return [(m.rule, m.evidence) if isinstance(m, Malformed) else m[1] for m in made]


def rules(made: list) -> list:
    return [m[0] if isinstance(m, tuple) else m for m in made]


# --- JSON that is whole ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(TOLD),
        "\n\n".join(TOLD) + "\n \n",
        "\r\n".join(TOLD),
        ",\n".join(TOLD),
        "".join(TOLD),  # files put together without a line end
        f"{TOLD[0]}{TOLD[1]}\n{TOLD[2]}",
        f"[{', '.join(TOLD)}]",
        f" \n[\n{','.join(TOLD)}\n]\n",
        f"[{TOLD[0]},{TOLD[1]},{TOLD[2]},]",
        json.dumps([A, B, C], indent=4),
        "\n".join(json.dumps(row, indent=2) for row in (A, B, C)),  # as jq prints them
        "\ufeff" + "\n".join(TOLD),
    ],
)
def test_the_ways_to_write_rows(tmp_path, text):
    assert rows_in(tmp_path, text) == [A, B, C]


@pytest.mark.parametrize("text", ["", " \n\t\n", "[]", "[\n]", "\ufeff"])
def test_no_rows(tmp_path, text):
    assert rows_in(tmp_path, text) == []


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.text(max_size=3),
            st.recursive(
                st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=5),
                lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner),
                max_leaves=3,
            ),
            min_size=1,
            max_size=3,
        ),
        max_size=4,
    ),
    st.booleans(),
)
def test_what_json_writes_is_read(tmp_path_factory, rows, ascii_only):
    folder = tmp_path_factory.getbasetemp()
    told = [json.dumps(row, ensure_ascii=ascii_only) for row in rows]
    assert rows_in(folder, "\n".join(told)) == rows
    assert rows_in(folder, f"[{','.join(told)}]") == rows
    assert rows_in(folder, json.dumps(rows, ensure_ascii=ascii_only, indent=1)) == rows


def test_a_long_list_is_streamed(tmp_path):
    """80 MB of one list: memory holds a value, not the list."""
    row = json.dumps({"id": "x", "text": "热" * 20_000}, ensure_ascii=False)
    path = tmp_path / "a.json"
    with path.open("w", encoding="utf-8") as out:
        out.write("[")
        for n in range(1_350):
            out.write(("," if n else "") + row)
        out.write("]")
    assert path.stat().st_size > 80_000_000
    file = SourceFile("a.json", str(path), path.stat().st_size)
    held = _peak(lambda: sum(1 for _ in json_rows(file, FileReport())))
    assert held < 25_000_000


def _peak(run) -> int:
    """Return the most bytes that Python held while ``run`` read 1,350 rows."""
    import tracemalloc

    tracemalloc.start()
    try:
        assert run() == 1_350
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_value_over_many_pieces_is_read_in_linear_time(tmp_path):
    row = {"text": "热" * (7 * BUFFER // 3)}
    assert rows_in(tmp_path, json.dumps([row, A], ensure_ascii=False)) == [row, A]


@pytest.mark.parametrize("cut", range(-8, 9))
def test_a_number_or_word_cut_by_the_end_of_a_piece_is_whole(tmp_path, cut):
    for value in ("123456789012", "true", "null", '"\\u70ed"', "-1.5e-3"):
        start = f'[{{"pad": "{"a" * (BUFFER - 30 + cut)}", "v": '
        text = f'{start}{value}}},{{"v": {value}}},{value}]'
        first, second, bare = rows_in(tmp_path, text)
        assert first["v"] == second["v"] == json.loads(value)
        assert bare[0] == "not_an_object"


# --- JSON that is not ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "made"),
    [
        # lines: an error costs its line
        (f"{TOLD[0]}\n{TOLD[1][:-3]}\n{TOLD[2]}", [A, "json_invalid", C]),
        (f"{TOLD[0]}\n{TOLD[1]} and more\n{TOLD[2]}", [A, B, "json_invalid", C]),
        (f"{TOLD[0]}\n\x00\x00\n{TOLD[2]}", [A, "json_invalid", C]),
        (f'{TOLD[0]}\nnull\n7\n"x"\n[1]\n{TOLD[2]}', [A, *["not_an_object"] * 4, C]),
        ("<html>\n<p>404</p>\n</html>", ["json_invalid"] * 3),
        # lists: an error costs its value
        (f"[{TOLD[0]},{TOLD[1]},{TOLD[2][:-3]}", [A, B, "json_invalid"]),
        (f"[{TOLD[0]},{TOLD[1]}", [A, B]),  # nothing of the list is lost but its bracket
        (f'[{TOLD[0]},{{"id": "b" "n": 1}},{TOLD[2]}]', [A, "json_invalid", C]),
        (f"[{TOLD[0]},oops,{TOLD[2]}]", [A, "json_invalid", C]),
        (f"[{TOLD[0]},[],null,3.5,{TOLD[2]}]", [A, *["not_an_object"] * 3, C]),
        ("[" * 100_000, ["json_invalid"]),
        (f"{TOLD[0]}\n{'[' * 100_000}\n{TOLD[2]}", [A, "json_invalid", C]),
        ('{"id":' * 50_000 + "\n" + TOLD[2], ["json_invalid", C]),
        (f'[{{"id": {"[" * 5000}{"]" * 5000}}},{TOLD[2]}]', ["json_invalid", C]),
    ],
)
def test_an_error_costs_one_value(tmp_path, text, made):
    found = rows_in(tmp_path, text)
    assert rules(found) == made
    assert all(len(m[1]) < 300 for m in found if isinstance(m, tuple))


def test_the_evidence_tells_the_place(tmp_path):
    text = f'{TOLD[0]}\n{{"id": "b" "n": 1}}\n'
    ((_, evidence),) = rows_in(tmp_path, text)[1:]
    assert evidence == 'line 2: Expecting \',\' delimiter at +11: {"id": "b" "n": 1}'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"v": NaN}', "nan"),
        ('{"v": -Infinity}', "-inf"),
        ('{"v": 1e999}', "inf"),
        ('{"v": "a\tb"}', "'a\\tb'"),  # a bare TAB inside a string
        ('{"v": "a\x00b"}', "'a\\x00b'"),
        ('{"v": "\\ud800"}', "'\\ud800'"),
        ('{"v": 1, "v": 2}', "2"),
        ('{"v": 12345678901234567890}', "12345678901234567890"),
    ],
)
def test_what_is_tolerated(tmp_path, text, value):
    for whole in (text, f"[{text}]"):
        (row,) = rows_in(tmp_path, whole)
        assert repr(row["v"]) == value


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from('{}[]",:\\n1 at\n'), max_size=60))
def test_no_text_is_fatal_and_none_is_silent(tmp_path_factory, text):
    made = rows_in(tmp_path_factory.getbasetemp(), text)
    assert made or not set(text) - set("[], \n")


@pytest.mark.parametrize("as_list", [False, True])
def test_a_value_too_long_is_told_of_and_the_next_is_read(tmp_path, monkeypatch, as_list):
    for module in (_rows, _decoding):
        monkeypatch.setattr(module, "MAX_RECORD_BYTES", 3 * BUFFER)
    long = json.dumps({"id": "long", "text": "热" * (2 * BUFFER)}, ensure_ascii=False)
    fits = {"id": "fits", "text": "热" * (BUFFER - 100)}
    told = [TOLD[0], long, json.dumps(fits, ensure_ascii=False), TOLD[2]]
    made = rows_in(tmp_path, f"[{','.join(told)}]" if as_list else "\n".join(told))
    assert rules(made) == [A, "too_long", fits, C]
    assert "allowed 3,145,728" in made[1][1]


# --- CSV -------------------------------------------------------------------------------------

HEAD = "id,text\n"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (f"{HEAD}1,a\n2,b", ["a", "b"]),
        (f"\n \n{HEAD}\n1,a\n\n2,b\n,\n", ["a", "b"]),
        (f'{HEAD}1,"a,""b"""\n', ['a,"b"']),
        (f'{HEAD}1,"a\n\nb"\n', ["a\n\nb"]),
        (f"{HEAD}1,a,,\n", ["a"]),  # empty fields beyond the header
        (f'{HEAD}1,a"b"c\n', ['a"b"c']),
        (f"{HEAD}1,a\x00b\n", ["a\x00b"]),
        (f"{HEAD}1,a\u2028b\n", ["a\u2028b"]),
        ("text;id\na,b;1\n", ["a,b"]),
        (" text ,id\na,1\n", ["a"]),
        # errors cost their line
        (f"{HEAD}1,a\n2\n3,c\n", ["a", "csv_fields", "c"]),
        (f"{HEAD}1,a\n2,b,c\n3,c\n", ["a", "csv_fields", "c"]),
        (f'{HEAD}1,a\n2,"b\n3,c\n4,d\n', ["a", "csv_quote", "c", "d"]),
        (f'{HEAD}1,"a\n2,b"\n3,c\n', ["a\n2,b", "c"]),  # which CSV cannot tell from a field
        (f'{HEAD}1,a\n2,"b" c,"\n', ["a", "csv_quote"]),
        ("", []),
        (HEAD, []),
        ('"', ["csv_quote"]),
        ("\x00" * 100, []),
    ],
)
def test_csv(tmp_path, text, made):
    found = rows_in(tmp_path, text, csv_rows)
    assert [m[0] if isinstance(m, tuple) else m["text"] for m in found] == made


def test_columns_of_one_name_are_told_apart(tmp_path):
    assert rows_in(tmp_path, "a,a,b,a\n1,2,3,4\n", csv_rows) == [
        {"a": "1", "a~2": "2", "b": "3", "a~3": "4"}
    ]


def test_a_quote_never_closed_does_not_take_the_rest_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("chimed_datasets.sources.parsing.csv.MAX_ROW_LINES", 50)
    text = HEAD + '0,"open\n' + "".join(f"{n},t{n}\n" for n in range(1, 400))
    made = rows_in(tmp_path, text, csv_rows)
    assert made[0][0] == "csv_quote"
    assert made[0][1].startswith("line 2: ")
    assert [row["text"] for row in made[1:]] == [f"t{n}" for n in range(1, 400)]


def test_a_csv_field_too_long_is_told_of(tmp_path, monkeypatch):
    for module in (_rows, _decoding):
        monkeypatch.setattr(module, "MAX_RECORD_BYTES", BUFFER)
    before = csv.field_size_limit()
    try:
        csv.field_size_limit(1000)  # which the reader raises for itself
        text = f"{HEAD}1,{'a' * 5000}\n2,{'热' * BUFFER}\n3,c\n"
        made = rows_in(tmp_path, text, csv_rows)
    finally:
        csv.field_size_limit(before)
    assert rules(made) == [{"id": "1", "text": "a" * 5000}, "too_long", {"id": "3", "text": "c"}]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=5))
def test_what_csv_writes_is_read(tmp_path_factory, fields):
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b"])
    writer.writerows([*fields, ("热" * 20, "寒")])  # enough to tell the encoding by
    made = rows_in(tmp_path_factory.getbasetemp(), out.getvalue(), csv_rows)

    def plain(text: str) -> str:  # \r\n becomes \n; a lone surrogate is none of ours
        return text.encode("utf-8", "replace").decode().replace("\r\n", "\n")

    expected = [{"a": plain(a), "b": plain(b)} for a, b in fields if a or b]
    assert [row for row in made if row["a"] or row["b"]][:-1] == expected


ASKED = "question,answer\n"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        # a quote that is never closed costs its row alone
        (f'{ASKED}a,"b\nc,d\ne,"f"\ng,h\n', ["csv_quote", ["c", "d"], ["e", "f"], ["g", "h"]]),
        (f'{ASKED}a,"b\n"c","d\n\nd"\n', ["csv_quote", ["c", "d\n\nd"]]),
        ('question\tanswer\n"a\tb\nc\td\n', ["csv_quote", ["c", "d"]]),
        # lines of a field with quotes in it are no rows
        (f'{ASKED}a,"b\nc, "d" e\nf"\ng,h\n', ["csv_quote", ["g", "h"]]),
        (f'{ASKED}a,"b\nc, d\ne', ["csv_quote"]),
        # backslashes
        (f'{ASKED}"a\\"b\\"","\\"c\\", d"\n', [['a"b"', '"c", d']]),
        (f'{ASKED}"a\\"b","c""d"\n"e\\", f",g\n', [['a"b', 'c"d'], ['e", f', "g"]]),
        (f'{ASKED}"a\\","b\\""c"\n', [["a\\", 'b\\"c']]),  # by the book
        # words in quotes
        (f'{ASKED}"a"b,"c, d"\n', [['"a"b', "c, d"]]),
        (f'{ASKED}"a"b"c",d\n', ["csv_quote"]),  # which may be meant either way
        # cells that were left out
        ("a,b,c,d\n1,2,,\n1,2\n1,2\n", [["1", "2", "", ""]] * 3),
        ("a,b,c\n1,2,x\n1,2\n3,y\n1,2,x\n", [list("12x"), "csv_fields", "csv_fields", list("12x")]),
        # headers
        (f"\ufeff\ufeff{ASKED}a,b\n\ufeffQuestion , answer\nc,d\n", [["a", "b"], ["c", "d"]]),
        ('sep=;\nquestion;answer\na,b;c\n', [["a,b", "c"]]),
        ('"sep=:"\r\nquestion:answer\r\na:b\r\n', [["a", "b"]]),
        # carriage returns
        (f"{ASKED}a\rb,c\r\r\n", [["a\nb", "c"]]),
    ],
)  # fmt: skip
def test_csv_as_it_is_exported(tmp_path, text, made):
    found = rows_in(tmp_path, text, csv_rows)
    assert [m[0] if isinstance(m, tuple) else list(m.values()) for m in found] == made


def test_a_header_of_too_many_columns_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"a\.csv: line 1 names 500,001 columns, allowed 10,000"):
        rows_in(tmp_path, "," * 500_000, csv_rows)


def csv_seconds(tmp_path: Path, text: str) -> float:
    start = time.process_time()
    rows_in(tmp_path, text, csv_rows)
    return time.process_time() - start


@pytest.mark.parametrize(
    "unit",
    ['1,"a\n', 'q","x\n', '"""x\n', '"\n', '1,"x,\n', '1,"x""\n', '1,"x\n2,y"z\n', '"a"b,"c"d\n'],
)
def test_rows_that_open_quotes_cost_linear_time(tmp_path, unit):
    size = 1 << 14
    once = csv_seconds(tmp_path, HEAD + unit * (size // len(unit)))
    assert csv_seconds(tmp_path, HEAD + unit * (4 * size // len(unit))) < 8 * once + 1


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.text('",\n\\\t;a热 。', max_size=10), min_size=3, max_size=3), max_size=8),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([",", "\t", ";"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_csv_by_the_book_is_never_misjudged(tmp_path_factory, fields, quoting, delimiter, end):
    out = io.StringIO()
    writer = csv.writer(out, quoting=quoting, delimiter=delimiter, lineterminator=end)
    writer.writerows([["a", "b", "c"], *fields])
    made = rows_in(tmp_path_factory.getbasetemp(), out.getvalue(), csv_rows)
    assert [list(row.values()) for row in made] == [row for row in fields if any(row)]


# --- values ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("甲", "甲"),
        (None, ""),
        (float("nan"), ""),
        ([], ""),
        (["甲", None, "", ["乙", 3]], "甲\n乙\n3"),
        (3, "3"),
        (2.5, "2.5"),
        (True, "True"),
    ],
)
def test_values_as_text(value, text):
    assert text_of(value) == text


@pytest.mark.parametrize("value", [{}, {"a": 1}, ["甲", {"a": 1}], b"a", object()])
def test_what_is_no_text(value):
    with pytest.raises(TypeError, match="expected a text, got"):
        text_of(value)


@pytest.mark.parametrize("value", [float("inf"), -float("inf")])
def test_an_infinite_number_is_no_text(value):
    with pytest.raises(ValueError, match="inf"):
        text_of(value)


def test_deep_nesting_does_not_depend_on_the_limit_of_recursion(tmp_path):
    text = f'{{"v": {"[" * 900}{"]" * 900}}}\n{TOLD[0]}'
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(max(limit, 1000))
        assert rules(rows_in(tmp_path, text))[1:] == [A]
    finally:
        sys.setrecursionlimit(limit)


def test_a_header_in_another_order_names_the_columns_below_it(tmp_path):
    text = "甲,乙,丙\n1,2,3\n丙,甲 ,乙\n30,10,20\n甲,乙,丙\n100,200,300\n乙,甲,丁\n"
    made = rows_in(tmp_path, text, csv_rows)
    ones = {"甲": "1", "乙": "2", "丙": "3"}
    tables = [{name: value + zeros for name, value in ones.items()} for zeros in ("", "0", "00")]
    assert made[:3] == tables
    assert made[3:] == [{"甲": "乙", "乙": "甲", "丙": "丁"}]


def test_lists_that_follow_each_other_are_read(tmp_path):
    lists = json.dumps([{"a": 1}, {"a": 2}]), json.dumps([{"a": 3}], indent=1)
    for between in ("", "\n", ",", "\n\ufeff"):
        assert rows_in(tmp_path, between.join(lists)) == [{"a": 1}, {"a": 2}, {"a": 3}]


@pytest.mark.parametrize("held", [3, 40, names.HELD])
def test_keys_are_the_same_however_many_ids_are_held(monkeypatch, held):
    monkeypatch.setattr(names, "HELD", held)
    draw = random.Random(7)
    ids = [""] * 3 + [
        f"{draw.randrange(60)}{draw.choice(['', '', '~2', '~3'])}" for _ in range(900)
    ]
    keys = Keys("f")
    made = [keys.key(number, ident) for number, ident in enumerate(ids)]
    assert len(set(made)) == len(made)
    given: set[str] = {"0", "1", "2"}
    for ident, key in zip(ids[3:], made[3:], strict=True):
        numbered = (f"{ident}~{n}" for n in range(2, 999))
        assert key == f"f#{next(one for one in (ident, *numbered) if one not in given)}"
        given.add(key.removeprefix("f#"))


@pytest.mark.parametrize("held", [3, 40, names.HELD])
@pytest.mark.parametrize("seed", range(8))
def test_keys_of_many_rows_are_those_of_each(monkeypatch, held, seed):
    monkeypatch.setattr(names, "HELD", held)
    draw = random.Random(seed)
    odd = [None, 7, "", " 1 ", "x" * 201, "1~2", 2.5, True]
    ids = [
        draw.choice(odd) if draw.randrange(9) < seed % 3 else f"{draw.randrange(4 ** (seed + 2))}"
        for _ in range(60)
    ]
    keys = Keys("f")
    expected = [keys.key(number, ident) for number, ident in enumerate(ids)]
    cuts = [0, *sorted(draw.sample(range(60), 5)), 60]
    many = Keys("f")
    made = [key for a, b in pairwise(cuts) for key in many.of_rows(a, ids[a:b])]
    assert made == expected


def test_ten_million_ids_take_little_memory(monkeypatch):
    """20,000 names of 200 characters, of which 1,000 are held as they are."""
    monkeypatch.setattr(names, "HELD", 1000)
    tracemalloc.start()
    found = names.Names()
    assert all(found.add(f"{n:200}") for n in range(20_000))
    assert not any(found.add(f"{n:200}") for n in range(20_000))
    assert tracemalloc.get_traced_memory()[0] < 1_000_000
    tracemalloc.stop()

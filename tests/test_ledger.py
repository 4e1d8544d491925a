"""The ledger's evidence: short, on one line, and without a piece of a number that was cut."""

from __future__ import annotations

import json
import re

import pyarrow.parquet as pq
import pytest

from chimed_datasets import build, validate
from chimed_datasets.recipe import parse
from chimed_datasets.records import excerpt, shorten
from chimed_datasets.records.ledger import EVIDENCE_CHARS
from tests.common.files import write_jsonl
from tests.common.text import prose

PRIVATE = [
    "13812345678",
    "138 1234 5678",
    "138-1234-5678",
    "(010) 6234 5678",
    "（010）62345678",
    "＋８６ １３８１２３４５６７８",
    "6222 0200 1234 5678 905",
    "11010119900307123X",
    "zhang.san_88@example.com.cn",
    "https://example.com/u/13812345678?id=42#a",
    "一三八一二三四五六七八",
]
CHINESE = "头痛三天了，请问用什么药好呢。"


def test_what_is_short_stays():
    for text in (CHINESE, "", "13812345678", "a" * 80):
        assert excerpt(text) == text


def test_a_cut_is_marked():
    assert excerpt(CHINESE * 9) == (CHINESE * 9)[:80] + "…"
    assert excerpt(CHINESE, 3, 6) == f"…{CHINESE[3:6]}…"
    assert excerpt(CHINESE, 3, 99) == f"…{CHINESE[3:]}"
    assert excerpt("a" * 81) == "…"


@pytest.mark.parametrize("private", PRIVATE)
def test_a_number_is_in_an_excerpt_whole_or_not_at_all(private):
    text = f"{CHINESE}电话{private}，谢谢。{CHINESE}"
    begin, end = len(CHINESE) + 2, len(CHINESE) + 2 + len(private)
    for edge in range(begin + 1, end):
        # a bracket or plus sign may stay
        assert excerpt(text, 0, edge).rstrip("…(（＋") == f"{CHINESE}电话"
        assert excerpt(text, edge, 999).lstrip("…)）") == f"，谢谢。{CHINESE}"
    assert private in excerpt(text, 0, end + 1)
    assert private in excerpt(text, begin - 1, 999)


def test_shortened_text_is_cut_in_the_middle():
    text = shorten("甲" * 200 + "\n" + "乙" * 200)
    assert len(text) == EVIDENCE_CHARS - 1
    assert re.fullmatch("甲+…乙+", text)


ROWS = {
    "instruction": lambda text: {"instruction": text, "output": ""},
    "query_response": lambda text: {"query": text, "response": ""},
    "sharegpt": lambda text: {"conversations": [{"from": "human", "value": text}]},
    "ranked": lambda text: {"instruction": text, "output": []},
    "preference_pairs": lambda text: {"prompt": "问题", "chosen": text, "rejected": text},
    "scored": lambda text: {"prompt": "问题", "responses": text},
    "jsonl": lambda text: {"id": [text], "text": {"a": text}},
}


@pytest.mark.parametrize("layout", ROWS)
def test_no_piece_of_a_number_is_in_the_ledger(tmp_path, layout):
    """Wherever a snippet ends: between the digits, and so that the shortening cuts them."""
    texts = [
        f"{'痛' * n}电话13812345678，邮箱zhang88@example.com。{'热' * 90}" for n in range(0, 90, 2)
    ]
    good = [{"id": n, "text": prose(n, 60)} for n in range(3)]
    write_jsonl(tmp_path / "good.jsonl", good)
    write_jsonl(tmp_path / "bad.jsonl", [ROWS[layout](text) for text in texts])
    sources = [
        {"name": "good", "layout": "jsonl", "path": "good.jsonl", "license": "cc0-1.0"},
        {"name": "bad", "layout": layout, "path": "bad.jsonl", "license": "cc0-1.0"},
    ]
    recipe = parse({"name": "small", "sources": sources}, tmp_path)
    build(recipe, tmp_path / "out", workers=1, allow_empty=True)
    assert validate(tmp_path / "out") == []
    rows = pq.read_table(tmp_path / "out/ledger/dropped.parquet").to_pylist()
    evidence = [row["evidence"] for row in rows if row["source"] == "bad"]
    assert len(evidence) == len(texts)
    for told in evidence:
        assert not re.search("138|5678|zhang|example", told), told
        assert len(told) <= EVIDENCE_CHARS
    assert any("[手机号]" in told for told in evidence)


def test_json_cut_in_a_number_is_told_without_it(tmp_path):
    for n in range(40, 70):
        (tmp_path / f"{n}.jsonl").write_text(
            json.dumps({"text": "痛" * n + "13812345678"}, ensure_ascii=False)[:-2] + "\n", "utf-8"
        )
    write_jsonl(tmp_path / "good.jsonl", [{"text": prose(1, 60)}])
    source = {"name": "s", "layout": "jsonl", "path": ".", "license": "cc0-1.0"}
    build(parse({"name": "small", "sources": [source]}, tmp_path), tmp_path / "out", workers=1)
    rows = pq.read_table(tmp_path / "out/ledger/dropped.parquet").to_pylist()
    assert len(rows) == 30
    assert not [row["evidence"] for row in rows if re.search("138|5678", row["evidence"])]


def test_evidence_is_masked_before_it_is_shortened(tmp_path):
    """A row of CSV with a field too many is evidence as a whole."""
    lines = [f"{n},{'痛' * n}电话13812345678。{'热' * 99},x\n" for n in range(40)]
    (tmp_path / "a.csv").write_text(f"id,text\n1,{prose(1, 60)}\n{''.join(lines)}", "utf-8")
    source = {"name": "s", "layout": "csv", "path": "a.csv", "license": "cc0-1.0"}
    build(parse({"name": "small", "sources": [source]}, tmp_path), tmp_path / "out", workers=1)
    rows = pq.read_table(tmp_path / "out/ledger/dropped.parquet").to_pylist()
    assert [row["rule"] for row in rows] == ["csv_fields"] * len(lines)
    for row in rows:
        assert len(row["evidence"]) <= EVIDENCE_CHARS
        assert not re.search("138|5678", row["evidence"]), row["evidence"]

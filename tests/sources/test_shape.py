"""Files of another layout: what is refused by name, and what only looks like it."""

from __future__ import annotations

import json

import pytest
from layout_reading import read

from chimed_datasets.records import Malformed

ROW = {"question": "夜里盗汗怎么办？", "answer": "先查甲状腺，再看结核。"}
LINE = json.dumps(ROW, ensure_ascii=False)


@pytest.mark.parametrize("layout", ["text", "qa_blocks", "tcm_classics"])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{LINE}\n" * 3, "lines of JSON with question, answer: layout jsonl"),
        (LINE, "lines of JSON with question, answer: layout jsonl"),
        (json.dumps([ROW, ROW], indent=2), "a list of JSON objects with question, answer: layout jsonl"),
        (json.dumps([ROW, ROW]), "a list of JSON with question, answer: layout jsonl"),
        (json.dumps(ROW, indent=1), "JSON with question, answer: layout jsonl"),
        ("药名,性味,归经\n" + "甘草,甘平,入心肺脾胃经\n" * 3, "a table of 3 columns parted by commas: layout csv"),
        ('question,answer\n"盗汗,怎么办","先查甲状腺, 再看结核"\n', "a table of 2 columns parted by commas: layout csv"),
        (",题干,A,B\n0,盗汗怎么办,先查,再说\n1,自汗怎么办,补气,敛汗\n", "a table of 4 columns parted by commas: layout csv"),
        ("盗汗怎么办\t先查甲状腺。\n" * 5, "a table of 2 columns parted by tabs: layout csv"),
        ("盗汗怎么办\t先查甲状腺。\n\n" * 5, "a table of 2 columns parted by tabs: layout csv"),
        ("问题\t回答\n盗汗怎么办\t先查甲状腺。\n", "a table of 2 columns parted by tabs: layout csv"),
    ],
)  # fmt: skip
def test_rows_given_to_a_layout_of_text_are_refused_by_name(tmp_path, layout, text, told):
    (tmp_path / "a.txt").write_text(text, "utf-8")
    assert read(layout, tmp_path / "a.txt") == [Malformed("a.txt#0", "wrong_layout", told)]


@pytest.mark.parametrize(
    "text",
    [
        "麻黄汤中用桂枝,杏仁甘草四般施\n" * 6,
        "【盗汗】\n先查甲状腺。\n",
        "[盗汗] 先查甲状腺。\n[自汗] 补气。\n",
        "{甲} 乙\n",
        "第一章 盗汗\t1\n第二章 自汗\t15\n第三章 黄汗\t28\n第四章 脱汗\t30\n",
        "\t盗汗者，寐中汗出。\n" * 5,
        "盗汗方\n甘草\t三钱\n黄芪\t五钱\n煎服。\n",
        "血常规,CT\n先查,再说。\n好。\n",
    ],
)
def test_what_only_looks_like_rows_is_read(tmp_path, text):
    (tmp_path / "a.txt").write_text(text, "utf-8")
    found = read("text", tmp_path / "a.txt")
    assert "wrong_layout" not in {m.rule for m in found if isinstance(m, Malformed)}


def test_blocks_with_a_comma_in_each_head_are_read(tmp_path):
    (tmp_path / "a.txt").write_text("盗汗,夜里盗汗怎么办\n查甲状腺, 再看结核。\n\n" * 8, "utf-8")
    assert len(read("qa_blocks", tmp_path / "a.txt")) == 8


@pytest.mark.parametrize("layout", ["text", "tcm_classics"])
@pytest.mark.parametrize(
    "text", [f'盗汗,自汗\n"{"夜里出汗" * 40_000}\n', "[" * 60_000 + "\n盗汗者，阴虚也。\n"]
)
def test_a_look_at_the_head_bears_any_head(tmp_path, layout, text):
    path = tmp_path / "a.txt"
    path.write_text(text, "utf-8")
    assert read(layout, path)

"""How the manuals of Debian are compared, on a small one: nothing that is lost may go uncounted."""

from __future__ import annotations

import pytest

from tests.common.debian_pairs import Pair, compared, joined_wrongly, reference_of
from tests.prove_pdf import costs, edits

INDEX = '<html><body><p>书名</p><a href="ch01.zh-cn.html#a">第一章</a></body></html>'
CHAPTER = """<html><head><meta charset="utf-8"/></head><body>
<div class="navheader">上一页</div>
<div class="chapter"><h1>第 1 章 总论</h1>
<div class="toc">目录 1.1. 脾胃</div>
<h2>1.1. 脾胃</h2>
<p>脾胃为后天之本，见<a class="xref" href="#x">第 1.2 节 “肾”</a>与<a class="ulink" href="http://a.org/">甲</a>。<a
 href="#f"><sup class="footnote">[1]</sup></a></p>
<ul><li><p>气虚者，用四君子汤。</p><ul><li><p>痰湿重者，再加半夏。</p></li></ul></li></ul>
<ol><li><p>先煎</p></li><li><p>后下</p></li></ol>
<div class="table"><p class="title">表 1.1. 剂量</p><div class="table-contents"><table>
<tr><th>药名</th><th>剂量</th></tr><tr><td>党参</td><td>9g</td></tr></table></div></div>
<pre>$ echo "a"</pre>
<div class="footnotes"><div class="footnote"><p><sup class="para">[1] </sup>见卷三。</p></div></div>
</div><div class="navfooter">下一页</div></body></html>"""
READ = [
    "Chapter 1 总论", "1.1 脾胃", "脾胃为后天之本，见第1.2节与甲(http://a.org/)。", "• 气虚者，用四君子汤。",
    "– 痰湿重者，再加半夏。", "1. 先煎", "2. 后下", "$ echo ”a”", "药名 剂量", "党参 9g", "Table 1.1: 剂量",
]  # fmt: skip


@pytest.fixture
def reference(tmp_path):
    (tmp_path / "index.zh-cn.html").write_text(INDEX, "utf-8")
    (tmp_path / "ch01.zh-cn.html").write_text(CHAPTER, "utf-8")
    return reference_of(Pair("none.pdf", "."), tmp_path)


def found(reference, read, notes=("[1] 见卷三。",), below=()):
    return compared(reference, read, notes, below, edits, costs)


def test_what_was_read_rightly_has_no_error(reference):
    got = found(reference, READ)
    assert (got.errors, got.tables, got.missing, got.notes) == (0, 0, 0, (0, 7))
    assert got.left_out == {
        "addresses behind links (PDF)": 15, "links to other pages": 6, "marks of notes": 3, "notes": 7,
        "tables of contents": 8, "titles in references": 3,
    }  # fmt: skip
    assert joined_wrongly(reference, READ) == (0, 0)


@pytest.mark.parametrize("lost", [0, 1, 3, 4, 5, 7])
def test_a_paragraph_that_is_lost_is_an_error_of_its_length(reference, lost):
    read = READ[:lost] + READ[lost + 1 :]
    assert found(reference, read).errors == len(READ[lost].replace(" ", ""))


def test_what_is_too_much_is_an_error_of_its_length(reference):
    assert found(reference, [*READ[:4], "页眉页脚", *READ[4:]]).errors == 4


def test_a_table_that_is_lost_is_an_error_and_one_elsewhere_is_none(reference):
    got = found(reference, READ[:8])
    assert (got.errors, got.missing) == (len("药名剂量党参9gTable1.1:剂量"), 1)
    assert found(reference, [*READ[8:], *READ[:8]]).errors == 0
    assert found(reference, [*READ[:8], "药名 剂量", "党参 6g", READ[10]]).tables == 1


def test_what_a_page_cannot_show_of_a_table_is_left_out_and_counted(reference):
    got = found(reference, READ[:9], below=["党参9gTable1.1:剂量"])
    assert (got.errors, got.missing) == (0, 0)
    assert got.left_out["parts of tables below the edge of a page"] == len("党参9gTable1.1:剂量")


def test_notes_are_counted_apart(reference):
    assert found(reference, READ, notes=("[1] 见卷二。",)).notes == (1, 7)


def test_joins(reference):
    broken = [*READ[:2], READ[2][:9], READ[2][9:], *READ[3:]]
    assert joined_wrongly(reference, broken) == (1, 0)
    assert joined_wrongly(reference, [*READ[:3], READ[3] + READ[4], *READ[5:]]) == (0, 1)

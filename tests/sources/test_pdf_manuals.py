"""What manuals of several hundred pages do, as TeX sets them: each was met in one of Debian's."""

from __future__ import annotations

import pytest
from layout_reading import read

from chimed_datasets.records import Document
from chimed_datasets.sources.documents.pdf_flow import Layout, seam
from chimed_datasets.sources.documents.pdf_furniture import Furniture, without_notes
from chimed_datasets.sources.documents.pdf_lines import (
    HYPHENED,
    LOWERED,
    NOTE_SIGN,
    RAISED,
    Line,
    Page,
)
from tests.common import made_pdfs as made


def line(text: str, level: float = 400.0, size: float = 10.0, left: float = 57.0) -> Line:
    right = left + size * sum(1 if sign > "\u2e80" else 0.5 for sign in text)
    return Line(text, left, right, level, size, size, left, right)


def drawn(*pages: list[tuple], outline: tuple = (), width: float = 595) -> bytes:
    """Return a PDF of pieces of text, as (x, y, size, text); outline: (title, page, depth)."""
    canvas, out = made.new_canvas()
    for number, pieces in enumerate(pages):
        for title, on, depth in outline:
            if on == number:
                canvas.bookmarkPage(title)
                canvas.addOutlineEntry(title, title, depth)
        for x, y, size, text in pieces:
            canvas.setFont("STSong-Light", size)
            canvas.drawString(x, y, text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def got(folder, data: bytes, **own) -> list:
    (folder / "book.pdf").write_bytes(data)
    return [one for one in read("pdf", folder / "book.pdf", **own) if isinstance(one, Document)]


# --- notes ---------------------------------------------------------------------------------------


def apart(lines: list[Line], last: int = 0) -> tuple[str, list[tuple[str, str]]]:
    """Return the text with # for the marks of notes, and the notes as (mark, text)."""
    kept, notes = without_notes(lines, 10.0, False, 0, last)
    text = NOTE_SIGN.sub("#", "\n".join(one.text for one in kept))
    return text, [(mark, "".join(one.text for one in own)) for _, mark, own in notes]


def test_marks_that_are_characters_of_their_own():
    """A font with ⁴ to ⁹ alone gives 17 as 1⁷."""
    lines = [
        line(f"芍药甘草汤{RAISED}1⁷{LOWERED}主之。", 700),
        line(f"{RAISED}1⁷{LOWERED}见卷三。", 90, 8),
    ]
    assert apart(lines) == ("芍药甘草汤#主之。", [("17", "见卷三。")])


def test_marks_that_are_not_raised():
    text = [line("芍药甘草汤主之。1", 700), line("每日2次，饭后温服。2 再服。", 680)]
    foot = [line("1见卷三。", 100, 8), line("2见卷五，", 90, 8), line("下同。", 80, 8)]
    assert apart(text + foot) == (
        "芍药甘草汤主之。#\n每日2次，饭后温服。# 再服。",
        [("1", "见卷三。"), ("2", "见卷五，下同。")],
    )


def test_a_mark_that_may_be_a_number_stays_and_its_note_is_apart():
    text = [line("服2剂，又2剂，乃愈。", 700)]
    assert apart([*text, line("2见卷五。", 90, 7)], last=1) == (text[0].text, [("2", "见卷五。")])


@pytest.mark.parametrize(
    "foot",
    [
        [line("1 Source: gentoo", 100, 8), line("2 Section: x11", 90, 8)],  # numbers of lines
        [line("3型糖尿病", 100, 9)],  # the last row of a table
        [line("2见卷五。", 90, 9)],  # of about the size of the text, and no mark is sure
    ],
)
def test_small_lines_that_are_no_notes(foot):
    text = line("共服3剂，每日1次，每次2片。", 700)
    assert apart([text, *foot], last=1)[1] == []


def test_a_numbered_line_of_code_is_not_taken_for_a_note_of_that_number():
    text = line(f"版本控制系统{RAISED}⁸{LOWERED}位置。", 700)
    foot = [line("8 Vcs-Git: none", 110, 9), line(f"{RAISED}⁸{LOWERED}见卷八。", 90, 8)]
    assert apart([text, *foot]) == ("版本控制系统#位置。\n8 Vcs-Git: none", [("8", "见卷八。")])


# --- what runs over the pages ----------------------------------------------------------------------


def cut(pages: list[list[Line]]) -> list[list[str]]:
    """Return what is left of pages."""
    made_of = [Page(n, lines, 595.0, 842.0, False) for n, lines in enumerate(pages, 1)]
    furniture = Furniture()
    for page in made_of:
        furniture.add(page)
    return [[one.text for one in furniture.cut(page, 10.0, 12.0)[0]] for page in made_of]


def book(*last: str, within: str = "") -> list[list[Line]]:
    """Return pages with a head; each ends with one of the texts, ``within`` stands on all."""
    out = []
    for n, text in enumerate(last):
        page = [line("中医讲义", 797), line(f"第{n}节的文字，各页不同。{'甲乙丙丁戊己'[n]}", 750)]
        page += [line(f"又一行{n}", 700 - 20 * k) for k in range(3)]
        page += [line(within, 500)] if within else []
        out.append([*page, line(text, 82)])
    return out


def test_a_sentence_that_comes_again_is_no_running_foot():
    texts = [
        "尝试下列例子",
        "参见第6节。",
        "尝试下列例子",
        "参见第7节。",
        "尝试下列例子",
        "参见第8节。",
    ]
    pages = book(*texts, within="尝试下列例子")
    for page in pages:
        page.insert(3, line(f"参见第{len(page)}节。", 600))
    left = cut(pages)
    assert [page[-1] for page in left] == texts
    assert not any("中医讲义" in page for page in left)


def test_a_running_foot_is_cut_though_a_heading_is_the_same():
    pages = book(*["总论篇"] * 6)
    for page in pages:
        page[-1].level = 40.0
    pages[0].insert(2, line("总论篇", 720, 14))
    assert [page.count("总论篇") for page in cut(pages)] == [1, 0, 0, 0, 0, 0]


def test_the_first_line_of_code_on_a_page_stays():
    """Hints come again and again at the place where it stands."""
    pages = book("甲", "乙", "丙", "丁", "戊", "己", within="提示")
    for n, page in enumerate(pages):
        page[1] = line("提示" if n % 2 else f"$ script {'abcdef'[n]}", 752, 10 if n % 2 else 8.9)
    left = cut(pages)
    assert [page[0] for page in left] == [
        "$ script a", "提示", "$ script c", "提示", "$ script e", "提示",
    ]  # fmt: skip


# --- lines ---------------------------------------------------------------------------------------


def test_a_line_that_runs_over_the_edge_of_the_page_keeps_its_end(tmp_path):
    long = "目录为" + "/skole/host/directory" * 2
    pieces = [(57, 700, 10, "脾胃为后天之本。"), (400, 660, 10, long), (620, 600, 10, "裁切标记")]
    (one,) = got(tmp_path, drawn(pieces), headings="none")
    assert long in one.text
    assert "裁切标记" not in one.text


@pytest.mark.parametrize(
    ("text", "after", "joined"),
    [
        (f"an exam{HYPHENED}", "ple of it", "an example of it"),
        (f"debian{HYPHENED}", "edu 的手册", "debian-edu 的手册"),
        (f"见http://a.org/packaging{HYPHENED}", "manuals/fhs", "见http://a.org/packaging-manuals/fhs"),
        (f"CD{HYPHENED}", "ROM 一张", "CD-ROM 一张"),
        ("见http://a.org/prep/-", "standards/", "见http://a.org/prep/standards/"),
    ],
)  # fmt: skip
def test_a_hyphen_at_the_end_of_a_line(text, after, joined):
    layout = Layout()
    layout.add(Page(1, [line("用 Debian-Edu-Install 安装")], 595.0, 842.0, False), [])
    assert seam(text, line(after), layout.hyphened) == joined


def test_an_option_is_no_bullet(tmp_path):
    full = "组的成员须用以下命令编辑其文件并重新登录方可生效请看清楚运行命令"
    pieces = [(57, 740 - 12 * n, 10, text) for n, text in enumerate([full] * 5)]
    pieces += [(57, 680, 10, full[:-1] + "是"), (57, 668, 10, "-s编辑之。")]
    (one,) = got(tmp_path, drawn(pieces), headings="none")
    assert one.text.endswith("是-s编辑之。")


def test_a_line_that_is_stretched_has_no_blanks(tmp_path):
    stretched = [(57 + 17.5 * n, 700, 10, sign) for n, sign in enumerate("插件模块和补充软件包")]
    parted = [(57, 660, 10, "姓"), (75, 660, 10, "名"), (57, 640, 10, "脾胃为后天之本。")]
    (one,) = got(tmp_path, drawn([*stretched, *parted]), headings="none")
    assert one.text.startswith("插件模块和补充软件包")


# --- headings --------------------------------------------------------------------------------------

FIRST, SECOND = (
    "脾胃为后天之本，气血生化之源，故治病当先理之。" * 2,
    "肾为先天之本，藏精而主水，故虚者当先补之。" * 2,
)


def test_chapter_2_and_its_title_are_one_heading(tmp_path):
    pages = [
        [(57, 700, 20, f"Chapter {n}"), (57, 650, 24, title), (57, 600, 10, text)]
        for n, title, text in [(1, "总论", FIRST), (2, "各论", SECOND)]
    ]
    made_of = got(tmp_path, drawn(*pages))
    assert [(one.title, one.text) for one in made_of] == [
        ("Chapter 1 总论", FIRST),
        ("Chapter 2 各论", SECOND),
    ]


def test_a_list_of_headings_is_text(tmp_path):
    page = [
        (57, 760, 16, "14 概要"), (57, 720, 10, "• 一般管理"), (57, 700, 10, "• 教学"),
        (57, 640, 14, "14.1 一般管理"), (57, 610, 10, FIRST),
        (57, 560, 14, "14.2 命令行中的教学"), (57, 530, 10, SECOND),
    ]  # fmt: skip
    outline = (("概要", 0, 0), ("一般管理", 0, 1), ("教学", 0, 1))
    assert [(one.title, one.text) for one in got(tmp_path, drawn(page, outline=outline))] == [
        ("14 概要", "• 一般管理\n• 教学"),
        ("14.1 一般管理", FIRST),
        ("14.2 命令行中的教学", SECOND),
    ]


def test_headings_one_after_the_other_are_two(tmp_path):
    """The tables between them float elsewhere."""
    page = [
        (57, 790, 20, "7 图形"), (57, 720, 14, "7.7 远程桌面"), (57, 690, 14, "7.8 服务端"),
        *((57, 650 - 12 * n, 10, FIRST) for n in range(8)), (57, 760, 10, SECOND),
    ]  # fmt: skip
    page.insert(1, page.pop())
    text = "\n".join(f"{one.title}\n{one.text}" for one in got(tmp_path, drawn(page)))
    assert "7.7 远程桌面\n" in text
    assert "7.8 服务端\n" in text


# --- columns --------------------------------------------------------------------------------------

FULL = "脾胃为后天之本气血生化之源故治病当先理之肾为先天之本藏精而主水故虚者当先补之肺主气"


def column(*pieces: tuple[float, str]) -> list[tuple]:
    """Return lines one below the other: (left, text)."""
    return [(left, 760 - 12 * n, 10, text) for n, (left, text) in enumerate(pieces)]


def test_lines_of_a_box_go_on_behind_the_end_of_a_sentence(tmp_path):
    box = [(107, FULL[:-6] + "。"), (107, "其余各药照方煎服。")]
    page = column(*[(57, FULL)] * 6, *box)
    (one,) = got(tmp_path, drawn(page), headings="none")
    assert one.text.endswith(f"{FULL[:-6]}。其余各药照方煎服。")


def test_a_page_of_short_lines_has_the_edge_of_the_others(tmp_path):
    """Few of its lines end where the column does; most do not end together anywhere."""
    whole = column(*[(57, FULL)] * 30)
    short = column(*[(57, f"{n}．{FULL[:2 + n % 3]}") for n in range(1, 9)],
                   (57, "丸者缓也" * 3), (57, FULL[:38]), (57, FULL[:33] + "汤"), (57, "丙方：先煎后下各药"))  # fmt: skip
    (one,) = got(tmp_path, drawn(whole, short), headings="none")
    assert one.text.split("\n")[-4:] == [
        "丸者缓也" * 3,
        FULL[:38],
        FULL[:33] + "汤",
        "丙方：先煎后下各药",
    ]

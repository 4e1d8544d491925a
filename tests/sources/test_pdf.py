"""PDFs of known text, by the programs that make them in the world (tests/common/made_pdfs.py).

Those of LibreOffice, XeLaTeX and Chromium are made where these are installed; all of them stand in
docs/why/pdf.md, which tests/prove_pdf.py writes.
"""

from __future__ import annotations

import builtins
import gzip
import io
import os
import signal
import sys
import threading
import time
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layout_reading import FIXTURES, read

from chimed_datasets.detection import detect
from chimed_datasets.errors import ChimedError, RecipeError
from chimed_datasets.records import Document, Malformed
from chimed_datasets.sources import layout
from chimed_datasets.sources.documents import pdf_pages
from chimed_datasets.sources.documents.pdf_furniture import is_page_number, shape_of
from chimed_datasets.sources.documents.sections import NOTE, Block, documents
from tests import prove_pdf
from tests.common import made_pdfs as made
from tests.common.made_pdfs import Item

QUICK = (
    "fpdf2, heads left and right", "reportlab, a font", "two columns drawn row by row, not level",
    "a table drawn", "radicals for characters (fpdf2)", "a wrong ToUnicode", "scans with a stamp",
    "pages of rare names", "a user's password",
)  # fmt: skip


def cases() -> list:
    out = []
    for name in prove_pdf.CASES:
        quick = any(part in name for part in QUICK)
        out.append(pytest.param(name, marks=() if quick else pytest.mark.whole, id=name))
    return out


@pytest.mark.parametrize("name", cases())
def test_a_document_of_known_text(name):
    case = prove_pdf.CASES[name]
    if not made.environment_has(*case.needs):
        pytest.skip(f"{case.needs[0]} is not installed")
    assert prove_pdf.measured(name, case.make(), case.bound).faults == []


def put(folder, data: bytes, name: str = "book.pdf"):
    (folder / name).write_bytes(data)
    return folder / name


def rules(records) -> list[tuple[str, str]]:
    return [(one.key, one.rule) for one in records if isinstance(one, Malformed)]


def test_headings_make_documents():
    page, *rest = read("pdf", FIXTURES / "pdf" / "book.pdf")
    assert (page.key, page.rule) == ("book.pdf#page-2", "no_characters")
    assert page.evidence.startswith("page 2: ")
    assert [(one.title, one.metadata) for one in rest] == [
        ("第一章 总论", {"book": "book", "section": "脾胃病讲义", "pages": "1"}),
        ("1.1 常用方", {"book": "book", "section": "脾胃病讲义/第一章 总论", "pages": "1"}),
        ("第二章 调护", {"book": "book", "section": "脾胃病讲义", "pages": "1"}),
    ]
    assert rest[1].text.split("\n")[1:] == [
        "• 气滞腹胀者，加陈皮6g，名异功散。",
        "• 痰湿重者，再加半夏9g，名六君子汤。",
    ]


def test_a_file_as_one_document():
    _, one = read("pdf", FIXTURES / "pdf" / "book.pdf", headings="none")
    assert one.text.startswith("脾胃病讲义\n第一章 总论\n脾胃为后天之本，")


@pytest.mark.parametrize(
    ("title", "author", "told"),
    [
        ("伤寒论讲义", "张三", {"book": "伤寒论讲义", "author": "张三"}),
        ("Microsoft Word - 讲义.doc", "Administrator", {"book": "book"}),
        ("未命名", "lenovo", {"book": "book"}),
        ("C:\\work\\a.wps", "user1", {"book": "book"}),
        ("", "", {"book": "book"}),
    ],
)
def test_what_a_file_says_of_itself(tmp_path, title, author, told):
    pdf = made.pages_of(made.row_by_row([Item("p", "一日三次，饭后温服。")]))
    pdf.docinfo["/Title"], pdf.docinfo["/Author"] = title, author
    (one,) = read("pdf", put(tmp_path, made.saved(pdf)))
    assert one.metadata == told | {"pages": "1"}


def test_notes_stand_apart(tmp_path):
    """Marks are cut from the text; a note is told with its mark, and keeps its place if asked."""
    file = put(tmp_path, notes_page())
    (apart,) = read("pdf", file, headings="none")
    assert apart.metadata["notes"] == "[1] 见《伤寒论》卷三，又见于《金匮要略》。"
    assert apart.text == "桂枝汤主治太阳中风，头痛发热，汗出恶风。\n服后啜热稀粥，以助药力。"
    (end,) = read("pdf", file, headings="none", notes="end")
    assert end.text.split("\n") == [
        "桂枝汤主治太阳中风[1]，头痛发热，汗出恶风。",
        "服后啜热稀粥，以助药力。",
        "[1] 见《伤寒论》卷三，又见于《金匮要略》。",
    ]
    (cut,) = read("pdf", file, headings="none", notes="cut")
    assert (cut.text, "notes" in cut.metadata) == (apart.text, False)


def notes_page() -> bytes:
    canvas, out = made.new_canvas()
    for x, y, size, text in [
        (72, 700, 10, "桂枝汤主治太阳中风"), (162, 704, 6, "1"), (165.1, 700, 10, "，头痛发热，汗出恶风。"),
        (72, 660, 10, "服后啜热稀粥，以助药力。"),
        (72, 133, 5, "1"), (76, 130, 8, "见《伤寒论》卷三，又见于《金匮要略》。"),
    ]:  # fmt: skip
        canvas.setFont("STSong-Light", size)
        canvas.drawString(x, y, text)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


# --- pages that hold no text ---------------------------------------------------------------------


def test_more_than_half_garbage_is_refused_with_a_way_out(tmp_path):
    good = made.row_by_row([Item("p", "一日三次，饭后温服。")])
    file = put(tmp_path, made.bound(good, made.scanned(2)))
    made_of = read("pdf", file)
    assert rules(made_of) == [
        ("book.pdf#page-2", "page_is_picture"),
        ("book.pdf#page-3", "page_is_picture"),
        ("book.pdf#0", "no_text_layer"),
    ]
    assert not [one for one in made_of if isinstance(one, Document)]
    assert "2 of its 3 pages" in made_of[-1].evidence
    assert "OCR" in made_of[-1].evidence
    assert "Markdown" in made_of[-1].evidence


def test_half_is_not_more_than_half(tmp_path):
    good = made.row_by_row([Item("p", "一日三次，饭后温服。")])
    file = put(tmp_path, made.bound(good, made.scanned(1)))
    assert [type(one) for one in read("pdf", file)] == [Malformed, Document]


def test_blank_pages_are_not_missed(tmp_path):
    good = made.row_by_row([Item("p", "一日三次，饭后温服。")])
    pdf = made.pages_of(good)
    for _ in range(3):
        pdf.add_blank_page()
    (one,) = read("pdf", put(tmp_path, made.saved(pdf)))
    assert isinstance(one, Document)


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "rule", "said"),
    [
        (b"%PDF-1.7\nnothing of the kind", "damaged", "no PDF"),
        (b"no PDF at all", "damaged", "no PDF"),
    ],
)
def test_what_is_no_pdf(tmp_path, data, rule, said):
    (one,) = read("pdf", put(tmp_path, data))
    assert (one.key, one.rule) == ("book.pdf#0", rule)
    assert said in one.evidence


def test_a_users_password_is_told_and_an_owners_is_none(tmp_path):
    data = made.row_by_row([Item("p", "一日三次，饭后温服。")])
    (owned,) = read("pdf", put(tmp_path, made.with_password(data)))
    assert owned.text.endswith("一日三次，饭后温服。")
    (locked,) = read("pdf", put(tmp_path, made.with_password(data, user="u")))
    assert locked.rule == "needs_password"
    assert "password" in locked.evidence


def test_a_pdf_for_another_layout_is_told_which_reads_it(tmp_path):
    put(tmp_path, made.row_by_row([Item("p", "一日三次。")]), "book.txt")
    (one,) = read("text", tmp_path)
    assert (one.rule, one.evidence) == ("not_text", "this is a PDF: layout pdf reads it")


@pytest.mark.parametrize("pages", ["0", "5-3", "a", "-3", "1,2", 0])
def test_pages_that_are_no_range(pages):
    found = layout("pdf")
    with pytest.raises(RecipeError, match=r"pages: .* is no range of pages: write it as 5-300"):
        found.settled(found.options({"pages": pages}), None)


@pytest.mark.parametrize(
    ("pages", "numbers"), [("2-3", [2, 3]), ("3-", [3, 4]), (2, [2]), ("", [1, 2, 3, 4])]
)
def test_some_pages(tmp_path, pages, numbers):
    parts = [made.row_by_row([Item("p", f"这是第{sign}页的文字。")]) for sign in "甲乙丙丁"]
    (one,) = read("pdf", put(tmp_path, made.bound(*parts)), pages=pages)
    found = [n for n, sign in enumerate("甲乙丙丁", 1) if f"第{sign}页" in one.text]
    assert found == numbers


def test_without_the_extra_one_line_says_what_to_install(tmp_path, monkeypatch):
    put(tmp_path, made.row_by_row([Item("p", "一日三次。")]))
    for name in [name for name in sys.modules if name.startswith("pypdfium2")]:
        monkeypatch.delitem(sys.modules, name)
    ordinary = builtins.__import__

    def without(name, *rest):
        if name.startswith("pypdfium2"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return ordinary(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ChimedError) as told:
        read("pdf", tmp_path)
    assert "\n" not in str(told.value)
    assert "pip install 'chimed-datasets[office]'" in str(told.value)


# --- where it lies -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["book.pdf", "book.pdf.gz", "in.zip", "book.dat"])
def test_a_pdf_is_known(tmp_path, name):
    data = (FIXTURES / "pdf" / "book.pdf").read_bytes()
    if name.endswith(".gz"):
        data = gzip.compress(data)
    if name.endswith(".zip"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("book.pdf", data)
        data = out.getvalue()
    found = detect(put(tmp_path, data, name))
    assert (found.form, found.best.layout) == ("a PDF", "pdf")
    assert dict(found.best.options) == {}


def test_only_the_beginning_of_a_long_book_is_looked_at(tmp_path):
    file = put(tmp_path, made.many_pages(300))
    found = detect(file)
    assert found.best.layout == "pdf"
    assert found.best.records[0].metadata["pages"] == "1-20"


@pytest.mark.slow
def test_memory_does_not_grow_with_the_pages(tmp_path):
    peaks = [prove_pdf.peak_of(put(tmp_path, made.many_pages(n))) for n in (200, 2000)]
    assert peaks[1] < peaks[0] + 64 * 1024 * 1024


# --- bounds --------------------------------------------------------------------------------------


@pytest.mark.whole
@pytest.mark.skipif(sys.platform != "linux", reason="pages are read in this process there")
def test_a_page_that_takes_too_much_is_lost_and_no_other(tmp_path):
    file = put(tmp_path, made.drawn(made.words(20), made.words(3_000_000), made.words(20)))
    lost, one = read("pdf", file)
    assert (lost.key, lost.rule) == ("book.pdf#page-2", "page_damaged")
    assert one.metadata["pages"] == "1-3"
    assert prove_pdf.peak_of(file) < 3 * 1024**3


def test_pages_that_share_what_they_show_are_no_way_to_grow(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf_pages, "MORE_GLYPHS", 20_000)
    monkeypatch.setattr(pdf_pages, "GLYPHS_PER_BYTE", 1)
    file = put(tmp_path, made.drawn(made.words(60), pages=[0] * 200))
    made_of = read("pdf", file)
    assert rules(made_of) == [("book.pdf#0", "too_long")]


def test_too_many_lost_pages_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf_pages, "PAGE_SECONDS", 0.001)
    file = put(tmp_path, made.drawn(*[made.words(4000)] * 9))
    (one,) = read("pdf", file)
    assert (one.key, one.rule) == ("book.pdf#0", "damaged")
    assert "0.001 s a page" in one.evidence


@pytest.mark.skipif(sys.platform != "linux", reason="pages are read in this process there")
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_page_whose_reader_is_killed_is_read_again(tmp_path, monkeypatch, at):
    """By a machine without memory, say: a record does not hang on that."""
    file = put(tmp_path, made.drawn(*[made.words(60)] * 3))
    whole = read("pdf", file)
    page_of, was = pdf_pages.page_of, tmp_path / "was"

    def killed(drawn, **more):
        if drawn.number == at and not was.exists():
            was.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return page_of(drawn, **more)

    monkeypatch.setattr(pdf_pages, "page_of", killed)
    assert read("pdf", file) == whole
    assert was.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="pages are read in this process there")
@pytest.mark.parametrize("at", [1, 2])
def test_a_reader_that_stands_still_is_started_again(tmp_path, monkeypatch, at):
    """It waits for a lock that a thread held, of which there is none in a process that was forked."""
    file = put(tmp_path, made.drawn(*[made.words(60)] * 2))
    whole = read("pdf", file)
    page_of, was = pdf_pages.page_of, tmp_path / "was"

    def waiting(drawn, **more):
        if drawn.number == at and not was.exists():
            was.touch()
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
        return page_of(drawn, **more)

    monkeypatch.setattr(pdf_pages, "page_of", waiting)
    monkeypatch.setattr(pdf_pages, "STILL_SECONDS", 0.5)
    assert read("pdf", file) == whole
    assert was.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="pages are read in this process there")
def test_a_reader_that_is_slow_is_waited_for(tmp_path, monkeypatch):
    """It works, and for longer than one may stand still; so does one that waits now and then."""
    file = put(tmp_path, made.drawn(made.words(60)))
    whole = read("pdf", file)
    page_of, runs = pdf_pages.page_of, tmp_path / "runs"

    def slow(drawn, **more):
        with runs.open("a") as stream:
            stream.write("x")
        ends = time.process_time() + 0.8
        while time.process_time() < ends:
            sum(range(20_000))
            time.sleep(0.01)
        return page_of(drawn, **more)

    monkeypatch.setattr(pdf_pages, "page_of", slow)
    monkeypatch.setattr(pdf_pages, "STILL_SECONDS", 0.5)
    assert read("pdf", file) == whole
    assert runs.read_text() == "x"


# --- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("第 3 页 共 5 页", True), ("— 3 —", True), ("· 12 ·", True), ("- 1 -", True), ("2", True),
        ("1/3", True), ("iv", True), ("第三页", True), ("Page 3 of 9", True), ("三", True),
        ("３", True), ("第3章", False), ("3片", False), ("图 3", False), ("2024年", False),
    ],
)  # fmt: skip
def test_page_numbers(text, number):
    assert is_page_number(shape_of(text)) is number


def test_blocks_become_documents():
    blocks = [
        Block(0, "前言。", 1), Block(10, "第一章", 2), Block(20, "第一节", 2), Block(0, "文一。", 2),
        Block(NOTE, "[1] 注。", 3), Block(20, "第二节", 4), Block(20, "第三节", 5), Block(0, "文三。", 6),
        Block(10, "第二章", 7),
    ]  # fmt: skip
    got = list(documents(blocks, "a.pdf", "书", {"book": "书"}))
    assert [
        (one.rule, one.evidence)
        if isinstance(one, Malformed)
        else (one.title, one.text, one.metadata)
        for one in got
    ] == [
        (None, "前言。", {"book": "书", "pages": "1"}),
        (
            "第一节",
            "文一。",
            {"book": "书", "section": "第一章", "pages": "2-3", "notes": "[1] 注。"},
        ),
        ("第一章", "第二节", {"book": "书", "pages": "4"}),
        ("第三节", "文三。", {"book": "书", "section": "第一章", "pages": "5-6"}),
        ("empty_section", "第二章"),
    ]
    assert [one.key for one in got] == [f"a.pdf#{n}" for n in range(5)]


SIGNS = "脾胃为后天之本，。、；（）“”1.2%gA•第一章 \u3000\n⼼⻛□\ue000\U00020000"


@settings(
    max_examples=40, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(st.lists(st.tuples(
    st.text(st.sampled_from(SIGNS), min_size=1, max_size=60),
    st.floats(-50, 900), st.floats(-50, 900), st.sampled_from([0.5, 5, 10, 20, 300]),
    st.sampled_from([0, 90, 45, 180]),
), max_size=30))  # fmt: skip
def test_text_that_stands_anywhere_is_read(tmp_path, pieces):
    """Whatever is drawn where: keys are unique, texts are clean, nothing is raised."""
    canvas, out = made.new_canvas()
    for text, x, y, size, angle in pieces:
        canvas.saveState()
        canvas.translate(x, y)
        canvas.rotate(angle)
        canvas.setFont("STSong-Light", size)
        canvas.drawString(0, 0, text)
        canvas.restoreState()
    canvas.showPage()
    canvas.save()
    got = read("pdf", put(tmp_path, out.getvalue()))
    assert len({one.key for one in got}) == len(got)
    for one in got:
        if isinstance(one, Document):
            texts = (one.text, one.title or "", *one.metadata.values())
            assert not any(
                (ord(sign) < 32 and sign != "\n") or ord(sign) >= 0xF0000
                for text in texts
                for sign in text
            )
            assert one.text.strip()

"""E-books become Documents by heading, in the order of reading."""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from layout_reading import read
from office_docx import DOCX
from office_epub import EPUB, epub
from office_sheets import zipped

from chimed_datasets.detection import detect
from chimed_datasets.records import Malformed
from tests.common.files import put


@pytest.mark.parametrize("name", EPUB)
@pytest.mark.parametrize("packed", [False, True])
def test_a_book_is_read_in_its_order(tmp_path, name, packed):
    known = EPUB[name]()
    place = put(
        tmp_path, name + ".gz" * packed, gzip.compress(known.data) if packed else known.data
    )
    made = read("epub", place)
    assert [(one.title, one.text.split("\n")) for one in made] == known.sections
    notes = [note for one in made for note in one.metadata.get("notes", "").split("\n") if note]
    assert notes == known.notes
    assert not [gone for gone in known.absent if gone in str(made)]


def test_what_the_book_says_of_itself_is_metadata(tmp_path):
    made = read("epub", put(tmp_path, "a.epub", EPUB["order_of_the_spine.epub"]().data))
    assert made[2].metadata == {"book": "诊断学", "author": "甲", "section": "第二章 脉诊"}
    (whole,) = read("epub", tmp_path / "a.epub", headings="none")
    assert whole.title == "诊断学"
    assert whole.text.startswith("第一章 望诊\n")


def test_ruby_and_notes_are_choices(tmp_path):
    place = put(tmp_path, "a.epub", EPUB["ruby_and_entities.epub"]().data)
    (made,) = read("epub", place, ruby="brackets")
    assert "匹（音匹）痹（bì）证" in made.text
    known = EPUB["notes_of_epub_3.epub"]()
    place = put(tmp_path, "b.epub", known.data)
    (end,) = read("epub", place, notes="end")
    assert end.text.split("\n") == [*known.sections[0][1], *known.notes]
    (cut,) = read("epub", place, notes="cut")
    assert "notes" not in cut.metadata


def test_a_page_that_is_not_there_is_told_and_the_others_are_read(tmp_path):
    data = epub(
        [("a.xhtml", "<h1>甲</h1><p>一。</p>", ""), ("b.xhtml", "", "")],
        spine=["b.xhtml", "a.xhtml"],
    )
    import io
    import zipfile

    parts = zipfile.ZipFile(io.BytesIO(data))
    kept = {name: parts.read(name) for name in parts.namelist() if not name.endswith("b.xhtml")}
    made = read("epub", put(tmp_path, "a.epub", zipped(kept)))
    assert [type(one).__name__ for one in made] == ["Document", "Malformed"]
    assert (made[1].key, made[1].rule) == ("a.epub#page-0", "damaged")
    assert "b.xhtml" in made[1].evidence


LOCKED = (
    '<encryption xmlns:e="e"><e:EncryptedData><e:EncryptionMethod Algorithm="{}"/></e:EncryptedData>'
    "</encryption>"
)
REFUSED = {
    "word.epub": (DOCX["notes.docx"]().data, "layout docx"),
    "archive.epub": (zipped({"a.txt": "甲"}), r"\.zip"),
    "cut.epub": (EPUB["no_xml.epub"]().data[:700], "damaged"),
    "no_book.epub": (zipped({"META-INF/container.xml": "<a/>"}), "damaged.*names no book"),
    "locked.epub": (
        epub([("a.xhtml", "甲", "")], **{"META-INF/encryption.xml": LOCKED.format("aes")}),
        "DRM",
    ),
    "text.epub": ("这是一本书。".encode(), "no e-book"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_sound_book_is_one_row_of_the_ledger(tmp_path, name):
    data, said = REFUSED[name]
    (row,) = read("epub", put(tmp_path, name, data))
    assert isinstance(row, Malformed)
    assert (row.key, row.rule) == (f"{name}#0", "not_text")
    assert re.search(said, row.evidence), row.evidence


def test_hidden_fonts_are_no_locked_book(tmp_path):
    fonts = {"META-INF/encryption.xml": LOCKED.format("http://www.idpf.org/2008/embedding")}
    (made,) = read("epub", put(tmp_path, "a.epub", epub([("a.xhtml", "<p>甲。</p>", "")], **fonts)))
    assert made.text == "甲。"


def test_detect_knows_a_book(tmp_path):
    found = detect(put(tmp_path, "书.epub", EPUB["order_of_the_spine.epub"]().data))
    assert (found.form, found.best.layout) == ("an e-book (EPUB)", "epub")


def test_many_items_and_notes_are_read_in_time_that_grows_with_them(tmp_path):
    notes = "".join(f'<li id="n{n}">注{n}</li>' for n in range(20_000))
    body = f'<ul>{"<li>甲</li>" * 50_000}</ul><section class="footnotes"><ol>{notes}</ol></section>'
    (made,) = read("epub", put(tmp_path, "a.epub", epub([("a.xhtml", body, "")])))
    assert made.text.count("甲") == 50_000
    assert made.metadata["notes"].count("注") == 20_000

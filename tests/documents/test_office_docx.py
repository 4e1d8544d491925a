"""Word documents become Documents by heading; what a person does not see never comes."""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from layout_reading import read
from office_docx import DOCX, GONE, docx, heading, level, paragraph
from office_sheets import SHEETS, zipped

from chimed_datasets.detection import detect
from chimed_datasets.records import Malformed
from chimed_datasets.sources.documents.numerals import label_of
from tests.common.files import put


@pytest.mark.parametrize("name", DOCX)
def test_a_document_is_read_by_its_headings(tmp_path, name):
    known = DOCX[name]()
    made = read("docx", put(tmp_path, name, known.data), **known.own)
    assert [(one.title, one.text.split("\n")) for one in made] == known.sections
    notes = [note for one in made for note in one.metadata.get("notes", "").split("\n") if note]
    assert notes == known.notes
    every = str(made)
    assert not [gone for gone in known.absent if gone in every]
    assert {one.metadata["book"] for one in made} == {name.removesuffix(".docx")}


@pytest.mark.parametrize("given", ["a.docx.gz", "a.docm", "a.txt"])
def test_a_document_is_known_by_its_content(tmp_path, given):
    known = DOCX["by_headings.docx"]()
    data = gzip.compress(known.data) if given.endswith(".gz") else known.data
    made = read("docx", put(tmp_path, given, data))
    assert [one.title for one in made] == [title for title, _ in known.sections]


def test_headings_notes_and_labels_are_choices(tmp_path):
    known = DOCX["notes.docx"]()
    place = put(tmp_path, "a.docx", known.data)
    (end,) = read("docx", place, notes="end")
    assert end.text.split("\n") == [*known.sections[0][1], *known.notes]
    (cut,) = read("docx", place, notes="cut")
    assert "notes" not in cut.metadata
    known = DOCX["by_headings.docx"]()
    (whole,) = read("docx", put(tmp_path, "b.docx", known.data), headings="none")
    lines = [line for title, lines in known.sections for line in (title, *lines)]
    assert (whole.title, whole.text.split("\n")) == ("b", lines)
    (plain,) = read("docx", put(tmp_path, "c.docx", DOCX["lists.docx"]().data), labels=False)
    assert not re.search("[一二五]、|•|1\\.", plain.text)
    spoken = read("docx", put(tmp_path, "d.docx", DOCX["fields_and_hidden_text.docx"]().data),
                  ruby="brackets")  # fmt: skip
    assert "党参（dǎng shēn）补气。" in spoken[0].text


def test_the_headings_above_and_the_title_of_the_document_are_metadata(tmp_path):
    core = "<p xmlns:dc='d'><dc:title>方剂学讲义</dc:title><dc:creator>某某</dc:creator></p>"
    data = docx(
        heading("总论"), heading("治法", 2), paragraph("汗法。"), heading("各论"), paragraph("解表剂。"),
        **{"docProps/core.xml": core},
    )  # fmt: skip
    first, second = read("docx", put(tmp_path, "a.docx", data))
    assert first.metadata == {"book": "方剂学讲义", "section": "总论"}
    assert second.metadata == {"book": "方剂学讲义"}


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
REFUSED = {
    "old.doc": (OLE + "WordDocument\0".encode("utf-16-le"), r"\(doc\).*save it as DOCX"),
    "locked.docx": (OLE + "EncryptedPackage\0".encode("utf-16-le"), "a password"),
    "sheet.docx": (SHEETS["formats.xlsx"](), "layout csv"),
    "archive.docx": (zipped({"a.txt": "甲"}), r"\.zip"),
    "cut.docx": (DOCX["by_headings.docx"]().data[:900], "damaged"),
    "no_body.docx": (zipped({"word/document.xml": "<a/>"}), "damaged.*no paragraph"),
    "no_xml.docx": (zipped({"word/document.xml": "<a"}), "damaged"),
    "rich.docx": (b"{\\rtf1\\ansi\\deff0}", "RTF"),
    "page.docx": (b"<html><body>1</body></html>", "web page"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_sound_document_is_one_row_of_the_ledger(tmp_path, name):
    data, said = REFUSED[name]
    (row,) = read("docx", put(tmp_path, name, data))
    assert isinstance(row, Malformed)
    assert row.key == f"{name}#0"
    assert re.search(said, row.evidence), row.evidence


@pytest.mark.parametrize("key", ["text", "csv", "jsonl", "html"])
def test_other_layouts_send_a_document_here(tmp_path, key):
    if key == "html":
        pytest.importorskip("parsel")
    own = {"csv": {"fields": {"text": "a"}}, "jsonl": {"fields": {"text": "a"}}}.get(key, {})
    if key == "html":
        (tmp_path / "s.yaml").write_text(
            "name: s\nlicense: cc0-1.0\ncontact: https://a.example\nallowed_domains: [a.example]\n"
            "start_urls: ['https://a.example/']\npages: [{kind: article, match: '.*', text: body}]\n",
            "utf-8",
        )
        own = {"site": str(tmp_path / "s.yaml")}
    (row,) = read(key, put(tmp_path, "a.docx", DOCX["by_headings.docx"]().data), **own)
    assert row.rule == "not_text"
    assert "layout docx reads it" in row.evidence


def test_detect_knows_a_document(tmp_path):
    place = put(tmp_path, "讲义.docx", DOCX["by_headings.docx"]().data)
    found = detect(place)
    assert (found.form, found.best.layout) == ("a Word document (DOCX)", "docx")
    assert found.grade != "guess"
    old = detect(put(tmp_path, "a.doc", REFUSED["old.doc"][0]))
    assert old.best is None
    assert "save it as DOCX" in old.reason


def test_a_note_that_refers_to_itself_and_styles_in_a_circle_end(tmp_path):
    mark = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    data = docx(
        paragraph("甲", mark, style="x"), paragraph("乙", mark),
        styles="".join(
            f'<w:style w:styleId="{a}"><w:name w:val="{a}"/><w:basedOn w:val="{b}"/></w:style>'
            for a, b in ("xy", "yx")
        ),
        footnotes=f'<w:footnote w:id="2">{paragraph("注", mark)}</w:footnote>',
        numbering=f'<w:abstractNum w:abstractNumId="1">{level(0, "bullet", "x")}</w:abstractNum>',
    )  # fmt: skip
    (made,) = read("docx", put(tmp_path, "a.docx", data))
    assert (made.text, made.metadata["notes"]) == ("甲\n乙", "注")
    assert GONE not in made.text


@pytest.mark.parametrize(
    ("number", "kind", "label"),
    [
        (3, "decimal", "3"), (3, "upperRoman", "III"), (28, "lowerLetter", "bb"),
        (12, "chineseCounting", "十二"), (105, "japaneseCounting", "一百零五"),
        (3, "ideographTraditional", "丙"), (3, "decimalEnclosedCircleChinese", "③"),
        (20, "chineseLegalSimplified", "贰拾"), (3, "decimalZero", "03"), (3, "unknown", "3"),
        (4, "ideographZodiac", "卯"), (0, "upperRoman", "0"), (5, "decimalFullWidth", "５"),
    ],
)  # fmt: skip
def test_numbers_of_lists(number, kind, label):
    assert label_of(number, kind) == label

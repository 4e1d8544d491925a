"""Pages of wiki dumps become Documents, as a reader sees them."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))

from layout_reading import outcome, read
from office_docx import GONE
from office_wiki import PIECES, SEARCH, WIKI, dump, page

from chimed_datasets.detection import detect
from chimed_datasets.errors import SourceError
from chimed_datasets.records import Malformed
from chimed_datasets.sources.documents.variants import resolved
from chimed_datasets.sources.documents.wikitext import page_of
from tests.common.files import put

ALL = [("mediawiki", name, make) for name, make in WIKI.items()] + [
    ("cirrussearch", name, make) for name, make in SEARCH.items()
]


@pytest.mark.parametrize(("key", "name", "make"), ALL, ids=[name for _, name, _ in ALL])
def test_pages_are_read_as_they_are_seen(tmp_path, key, name, make):
    known = make()
    made = read(key, put(tmp_path, name, known.data))
    good = [one for one in made if not isinstance(one, Malformed)]
    assert [(one.title, one.text.split("\n")) for one in good] == known.sections
    assert {one.rule for one in made if isinstance(one, Malformed)} == {"other_page"}
    assert GONE not in str(good)


@pytest.mark.parametrize("name", PIECES)
def test_a_piece_of_wiki_text(name):
    written, seen = PIECES[name]
    assert page_of(written).text == seen


RULES = {
    "-{zh-cn:甲;zh-tw:乙;zh-hk:丙}-": {"zh-cn": "甲", "zh-tw": "乙", "zh-hk": "丙", "zh-sg": "甲"},
    "-{zh-hans:甲;zh-cn:乙}-": {"zh-cn": "乙", "zh-hans": "甲", "zh-tw": "乙"},
    "-{zh-tw:甲}-": {"zh-cn": "甲", "zh-hk": "甲"},
    "-{zh:甲;zh-hant:乙}-": {"zh-cn": "甲", "zh-tw": "乙"},
    "-{R|甲:乙}-": {"zh-cn": "甲:乙"},
    "-{N|zh-tw}-": {"zh-cn": "台灣正體"},
    "-{zh-hans;zh-hant|甲}-": {"zh-cn": "甲"},
    "-{-|zh-hans:甲}-": {"zh-cn": ""},
    "-{D|zh-hans:甲;zh-hant:乙}-": {"zh-cn": "甲"},
    "甲-{{乙}}": {"zh-cn": "甲-{{乙}}"},
    "-{甲": {"zh-cn": "-{甲"},
    "甲}-": {"zh-cn": "甲}-"},
    "<!-- -{ -->-{甲}-": {"zh-cn": "甲"},
    "<pre>-{甲}-</pre>-{乙}-": {"zh-cn": "<pre>-{甲}-</pre>乙"},
    "-{zh-hans:甲&amp;乙;zh-hant:丙}-": {"zh-cn": "甲&amp;乙"},
    "{{t|-{zh-hans:甲;zh-hant:乙}-}}-{丙}-": {"zh-cn": "{{t|甲}}丙", "zh-tw": "{{t|乙}}丙"},
}


@pytest.mark.parametrize("rule", RULES)
def test_rules_of_scripts(rule):
    for variant, seen in RULES[rule].items():
        assert resolved(rule, variant) == seen


def test_namespaces_categories_and_the_variant_are_choices(tmp_path):
    text = "-{zh-hans:软件;zh-hant:軟體}-。"
    place = put(
        tmp_path,
        "a.xml",
        dump(
            page("甲", f"{text}[[Category:心血管疾病]]", ident=10),
            page("乙", f"{text}[[分类:音乐|x]]", ident=11),
            page("Help:丙", text, space=12, ident=12),
        ),
    )
    made = read("mediawiki", place, namespaces=[0, 12], variant="zh-tw")
    assert [(one.title, one.text) for one in made] == [
        (t, "軟體。") for t in ("甲", "乙", "Help:丙")
    ]
    made = read("mediawiki", place, categories=["疾病", "药物"])
    assert outcome(made) == [("10", "Document"), ("11", "other_page"), ("12", "other_page")]
    assert made[0].metadata["keyphrases"] == "心血管疾病"


def test_a_page_of_templates_has_no_text_and_a_huge_one_is_too_long(tmp_path):
    pages = dump(page("甲", "{{消歧义}}", ident=10), page("乙", "乙" * 3_000_001, ident=11))
    assert outcome(read("mediawiki", put(tmp_path, "a.xml", pages))) == [
        ("10", "no_text"),
        ("11", "too_long"),
    ]


def test_a_dump_that_is_cut_off_gives_the_pages_before(tmp_path):
    data = WIKI["zhwiki-articles.xml"]().data
    made = read("mediawiki", put(tmp_path, "a.xml", data[: data.index(GONE.encode(), -2000)]))
    assert outcome(made)[0] == ("2", "Document")
    assert outcome(made)[-1] == ("end", "damaged")


@pytest.mark.parametrize("body", ["text", "source_text"])
def test_the_body_of_a_search_dump_is_a_choice(tmp_path, body):
    row = {
        "title": "甲",
        "namespace": 0,
        "text": "平文。",
        "source_text": "'''维基'''{{x}}文。",
        "category": ["药"],
    }
    rows = [row, row | {"namespace": "0"}, row | {"text": "", "source_text": " "}, {"title": "乙"}]
    data = "\n".join(json.dumps(one) for one in rows).encode()
    made = read("cirrussearch", put(tmp_path, "a.json", data), body=body)
    assert made[0].text == {"text": "平文。", "source_text": "维基文。"}[body]
    assert [rule for _, rule in outcome(made)[1:]] == ["wrong_type", "no_text", "missing_field"]
    assert (
        outcome(read("cirrussearch", tmp_path / "a.json", categories=["病"]))[0][1] == "other_page"
    )


@pytest.mark.parametrize("name", WIKI)
def test_detect_knows_a_dump(tmp_path, name):
    found = detect(put(tmp_path, name, WIKI[name]().data))
    assert (found.form, found.best.layout) == ("a dump of a wiki (MediaWiki XML)", "mediawiki")


def test_detect_knows_a_search_dump(tmp_path):
    found = detect(put(tmp_path, "a.json", SEARCH["zhwiki-cirrussearch.json"]().data))
    assert found.best.layout == "cirrussearch"


def test_other_layouts_send_a_dump_here(tmp_path):
    (row,) = read("text", put(tmp_path, "a.txt", WIKI["zhwiki-articles.xml"]().data))
    assert "layout mediawiki reads it" in row.evidence


@pytest.mark.no_cover
@pytest.mark.parametrize("sign", ["-{", "{{", "[[", "{|\n", "<nowiki>", "<ref>", "<!--", "'''", "}-", "<b>",
                                  "-{zh:", "{{{", "\n*", "==\n", "[http://a ", "&#", "-{zh-hans:a;", "|-\n|"])  # fmt: skip
def test_signs_that_come_again_and_again_take_little_time(sign):
    start = time.process_time()
    for times in (60_000, 3_000):
        with contextlib.suppress(ValueError):
            page_of("甲" + sign * (times // len(sign)))
    assert time.process_time() - start < 10


def test_a_page_that_closes_nothing_is_told(tmp_path):
    pages = dump(page("甲", "{|\n" * 30_000, ident=10), page("乙", "乙。", ident=11))
    made = read("mediawiki", put(tmp_path, "a.xml", pages))
    assert outcome(made) == [("10", "bad_value"), ("11", "Document")]
    assert "30,000 templates, links or elements in it are never closed" in made[0].evidence


@pytest.mark.parametrize("layout", ["mediawiki", "cirrussearch"])
def test_an_unknown_variant_is_refused(tmp_path, layout):
    with pytest.raises(Exception, match="variant"):
        read(layout, put(tmp_path, "a.xml", b""), variant="zh-xx")


def test_what_is_no_dump_is_told(tmp_path):
    (row,) = read("mediawiki", put(tmp_path, "a.xml", b"<?xml version='1.0'?><rows/>"))
    assert row.rule == "no_records"
    (row,) = read("mediawiki", put(tmp_path, "b.xml", b"<rows><row>"))
    assert row.rule == "damaged"
    with pytest.raises(SourceError):
        read(
            "mediawiki", put(tmp_path, "c.xml.bz2", WIKI["zhwiki-multistream.xml.bz2"]().data[:200])
        )

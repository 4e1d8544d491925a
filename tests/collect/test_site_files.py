"""Site files: what they must state, which addresses they want; and the layout `html`, which reads
saved pages by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import chimed_datasets as chimed
from chimed_datasets.collect.examples import ENCYCLOPEDIA, PLATFORM
from chimed_datasets.collect.examples.content import ENTRIES, THREADS
from chimed_datasets.collect.examples.site import encyclopedia, platform
from chimed_datasets.errors import RecipeError
from chimed_datasets.recipe import parse
from chimed_datasets.records import Document, Malformed, QAThread
from chimed_datasets.sources import FileReport
from chimed_datasets.sources.site.site_file import load_site

from archives import served  # isort: skip
from tests.sources.layout_reading import read

THREAD = {
    "kind": "thread",
    "match": "^/q/",
    "question": ".q",
    "answers": {"each": ".a", "text": "p"},
}
ARTICLE = {"kind": "article", "match": "^/e/", "text": ".text"}
LEAST = {
    "name": "my-site",
    "license": "cc0-1.0",
    "contact": "https://example.org/me",
    "start_urls": ["https://qa.example.org/"],
    "allowed_domains": ["qa.example.org"],
    "pages": [THREAD],
}


def site_file(folder: Path, **changes: Any) -> Path:
    """Write the least site file with ``changes``; None takes a key out."""
    content = {key: value for key, value in (LEAST | changes).items() if value is not None}
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return path


# --- what a site file must say ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"license": None}, "neither license nor permission is stated"),
        ({"license": ""}, "license: must not be empty"),
        ({"contact": None}, "'contact' is missing"),
        ({"contact": "我的地址"}, "contact: "),  # an HTTP header has no Chinese
        ({"contact": "a@b.c\r\nHost: x"}, "contact: "),
        ({"name": "我的站"}, "name: "),
        ({"start_urls": []}, "start_urls: "),
        ({"start_urls": ["ftp://qa.example.org/"]}, "start_urls, entry 1: 'ftp://qa.example.org/': expected"),
        ({"start_urls": ["http://me:pw@qa.example.org/"]}, "without a user name"),
        ({"start_urls": ["https://example.org/"]}, "https://example.org/ is not within allowed_domains"),
        ({"start_url": ["x"], "start_urls": None}, "unknown key 'start_url'. Did you mean 'start_urls'?"),
        ({"allowed_domains": []}, "allowed_domains: "),
        ({"follow": ["("]}, "follow, entry 1: '(' is not a regular expression"),
        ({"pages": []}, "pages: "),
        ({"pages": [THREAD | {"kind": "threat"}]}, "unknown kind 'threat'. Did you mean 'thread'?"),
        ({"pages": [THREAD | {"title": "h1["}]}, "title.select: 'h1[' is neither CSS nor XPath"),
        ({"pages": [THREAD | {"title": "//h1["}]}, "title.select: '//h1[' is neither CSS nor XPath"),
        ({"pages": [THREAD | {"titel": "h1"}]}, "pages, entry 1: unknown key 'titel'. Did you mean 'title'?"),
        ({"pages": [THREAD | {"title": {"selekt": "h1"}}]}, "Did you mean 'select'? Known: pattern"),
        ({"pages": [THREAD | {"answers": {"each": ".a"}}]}, "answers: 'text' is missing"),
        ({"pages": [ARTICLE | {"text": None}]}, "text: "),
        ({"pages": [ARTICLE | {"metadata": {"Ä": "h1"}}]}, "metadata.Ä"),
        ({"pace": {"delay": -1}}, "pace.delay: "),
        ({"pace": {"dealy": 1}}, "pace: unknown key 'dealy'. Did you mean 'delay'?"),
        ({"max_page_bytes": "much"}, "max_page_bytes: "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_a_line(tmp_path, changes, told):
    path = site_file(tmp_path, **changes)
    with pytest.raises(RecipeError) as error:
        load_site(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert told in message
    assert len(message.splitlines()) <= 3
    assert len(message) < 500


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        ({}, "cc0-1.0"),
        ({"permission": "a letter"}, "cc0-1.0"),
        ({"permission": "a letter", "license": None}, "by permission: a letter"),
    ],
)
def test_permission_or_licence(tmp_path, changes, terms):
    assert load_site(site_file(tmp_path, **changes)).terms == terms


def test_a_gentle_pace_is_the_default(tmp_path):
    pace = load_site(site_file(tmp_path)).pace
    assert pace.delay >= 1
    assert pace.throttle
    assert pace.concurrency == 1


# --- addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://qa.example.org/q/1", True),
        ("https://QA.Example.org./q/1", True),
        ("https://m.qa.example.org/q/1", True),
        ("https://qa.example.org:8443/list/2", True),
        ("https://qa.example.org/list/?page=2", True),
        ("https://evilqa.example.org/q/1", False),
        ("https://example.org/q/1", False),
        ("https://qa.example.org.evil.test/q/1", False),
        ("https://qa.example.org@evil.test/q/1", False),
        ("https://evil.test/?https://qa.example.org/q/1", False),
        ("https://qa.example.org/user/1", False),
        ("https://qa.example.org/q/1/print/", False),
        ("https://qa.example.org/", False),
    ],
)
def test_which_links_are_followed(tmp_path, url, wanted):
    site = load_site(site_file(tmp_path, follow=["^/list/"], ignore=["/print/"]))
    assert site.wants(url) == wanted


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("http://h/q/1?sid=9", "http://h/q/1"),
        ("http://h/q/1?sid=9&page=2&x=%B2%A1", "http://h/q/1?page=2&x=%B2%A1"),
        ("http://h/q/1?page=2&sid=", "http://h/q/1?page=2"),
        ("http://h/q/1;jsessionid=A9?page=2#top", "http://h/q/1?page=2"),
        ("http://h/q;jsessionid=A9/1", "http://h/q/1"),
        ("http://h/q/1?psid=9&side=1", "http://h/q/1?psid=9&side=1"),
    ],
)
def test_session_ids_are_cut_out(tmp_path, url, bare):
    site = load_site(site_file(tmp_path, session_params=["sid", "jsessionid"]))
    assert site.without_session(url) == bare


# --- saved pages -----------------------------------------------------------------------------


def test_saved_pages_say_what_the_crawl_says(tmp_path):
    """Bytes as the server sent them, GBK and broken, without its headers."""
    for number in range(len(THREADS)):
        page = served(platform, f"/question/{number}")
        (tmp_path / f"{number:02d}.html").write_bytes(page.body)
    report = FileReport()
    made = read("html", tmp_path, report, site=str(PLATFORM))
    assert len(made) == len(THREADS)
    for number, (record, told) in enumerate(zip(made, THREADS, strict=True)):
        assert isinstance(record, QAThread)
        assert record.title == told.title
        assert record.question.startswith(told.question)
        assert record.department == told.department
        assert record.keyphrases == told.phrases
        assert {a.text: a.adopted for a in record.answers} == {
            text: k == told.best for k, text in enumerate(told.answers)
        }
        assert record.metadata["permission"].startswith("the example site")
        if number % 2 == 0 and told.best is not None:  # as the page has it: in a box at its top
            assert record.answers[0].adopted


def test_saved_entries(tmp_path):
    for number in range(len(ENTRIES)):
        page = served(encyclopedia, f"/entry/{number}")
        (tmp_path / f"{number}.html").write_bytes(page.body)
    made = read("html", tmp_path, site=str(ENCYCLOPEDIA))
    assert [type(m) for m in made] == [Document] * len(ENTRIES)
    assert [m.title for m in made] == [entry.name for entry in ENTRIES]
    assert made[1].metadata == {
        "updated": "2024-05-02",
        "permission": "the example site of chimed-datasets, written for it and free to collect",
    }
    assert "分享" not in "".join(m.text for m in made)


MARKED = THREAD | {
    "answers": {
        "each": ".best, .a",
        "text": "p",
        "adopted": ".star",
        "recommended": {"select": ".mark", "pattern": "推荐"},
        "author": ".who",
    }
}
UNMARKED = THREAD | {"answers": {"each": ".best, .a", "text": "p"}}


@pytest.mark.parametrize(
    ("body", "rule", "answers"),
    [
        # First, last, and in a box below: the order is the page's, the mark goes with its answer.
        ("<div class=a><i class=star></i><p>甲</div><div class=a><p>乙</div>", MARKED,
         [("甲", True, False), ("乙", False, False)]),
        ("<div class=a><p>甲</div><div class=a><p>乙</p><i class=star></i></div>", MARKED,
         [("甲", False, False), ("乙", True, False)]),
        ("<div class=a><p>甲</div><div class=best><i class=star></i><p>乙</div>", MARKED,
         [("甲", False, False), ("乙", True, False)]),
        # In a box and again in the list: once, with the marks of both.
        ("<div class=best><i class=star></i><p>乙</div><div class=a><p>甲</div>"
         "<div class=a><b class=mark>推荐</b><p>乙</div>", MARKED,
         [("乙", True, True), ("甲", False, False)]),
        # The same words of two writers are two answers.
        ("<div class=a><p>甲</p><b class=who>王</b></div>"
         "<div class=a><p>甲</p><b class=who>李</b></div>", MARKED,
         [("甲", False, False), ("甲", False, False)]),
        ("<div class=a><b class=mark>热门</b><p>甲</div>", MARKED, [("甲", False, False)]),
        ("<div class=a><p> </div><div class=a><p>甲</div>", MARKED, [("甲", False, False)]),
        # A mark that the site file does not name is unknown, not false.
        ("<div class=a><i class=star></i><p>甲</div>", UNMARKED, [("甲", None, None)]),
        # Unclosed, and closed what was never open.
        ("<table><tr><td><div class=a><p>甲</b></span><div class=a><p>乙", MARKED, None),
    ],
)  # fmt: skip
def test_answers_in_different_places(tmp_path, body, rule, answers):
    (tmp_path / "page.html").write_text(f"<html><p class=q>头痛怎么办？</p>{body}", "utf-8")
    site = site_file(tmp_path, pages=[rule])
    (made,) = read("html", tmp_path / "page.html", site=str(site))
    found = [(a.text, a.adopted, a.recommended) for a in made.answers]
    if answers is None:
        assert [text for text, *_ in found][-1] == "乙"
    else:
        assert found == answers


@pytest.mark.parametrize(
    ("body", "rule"),
    [("<p class=a><p>甲", "no_question"), ("<p class=q>头痛？", "no_answer"), ("", "no_question")],
)
def test_a_page_that_is_none_is_told(tmp_path, body, rule):
    (tmp_path / "page.html").write_text(f"<html>{body}", "utf-8")
    (made,) = read("html", tmp_path / "page.html", site=str(site_file(tmp_path)))
    assert isinstance(made, Malformed)
    assert made.rule == rule


def test_the_kind_of_page_that_fits_is_used(tmp_path):
    (tmp_path / "a.html").write_text("<html><p class=text>风寒感冒，恶寒重。", "utf-8")
    site = site_file(tmp_path, pages=[THREAD, ARTICLE])
    (made,) = read("html", tmp_path / "a.html", site=str(site))
    assert made.text == "风寒感冒，恶寒重。"


def test_saved_pages_through_a_build(tmp_path):
    """Question and answers come out with the licence of the recipe and the site's permission."""
    (tmp_path / "saved").mkdir()
    for number in range(len(THREADS)):
        page = served(platform, f"/question/{number}")
        (tmp_path / "saved" / f"{number}.html").write_bytes(page.body)
    (tmp_path / "site.yaml").write_text(PLATFORM.read_text("utf-8"), "utf-8")
    source = {"name": "saved", "layout": "html", "path": "saved/", "site": "site.yaml",
              "license": "cc-by-4.0"}  # fmt: skip
    manifest = chimed.build(parse({"sources": [source]}, tmp_path), tmp_path / "built")
    assert chimed.validate(tmp_path / "built") == []
    assert [s["out"] for s in manifest["sources"]] == [len(THREADS)]

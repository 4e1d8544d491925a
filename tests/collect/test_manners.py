"""What a crawl does where a site is odd: robots.txt that moves, pages that unpack to a flood,
addresses behind a refresh, waits that a site asks for."""

from __future__ import annotations

import gzip
import itertools

from chimed_datasets.collect.examples.content import ENTRIES
from chimed_datasets.collect.examples.site import HUGE, Page, Site, Trouble, encyclopedia, platform

from crawling import FAST, answered, crawl, jsonl, outcomes, site_file  # isort: skip

ARTICLES = [{"kind": "article", "match": "^/entry/", "text": "article .content"}]
FLOOD = gzip.compress(b"<p>" + b"0" * 50_000_000)
HTML = ("Content-Type", "text/html; charset=utf-8")


def test_robots_txt_may_move(tmp_path):
    """A moved robots.txt holds; one that leads nowhere, round or never ends closes its host."""

    def pages(site, path):
        if path == "/rules/robots.txt":
            return Page(b"User-agent: *\nDisallow: /entry/1\n")
        return encyclopedia(site, path)

    def to(where):
        return Page(status=301, headers=(("Location", where),))

    ways = {
        "moved": to("/rules/robots.txt"),
        "nowhere": to("http://127.0.0.1:1/robots.txt"),
        "round": to("/robots.txt"),
        "endless": Page(HUGE),
    }
    sites = {name: Site(pages, trouble=Trouble(robots=way)) for name, way in ways.items()}
    with sites["moved"], sites["nowhere"], sites["round"], sites["endless"]:
        path = site_file(
            tmp_path,
            sites["moved"],
            start_urls=[f"{site.url}/" for site in sites.values()],
            follow=["^/$"],
            pages=ARTICLES,
            max_page_bytes="200kB",
        )
        crawl(path, tmp_path / "out")
        asked = {name: answered(site) for name, site in sites.items()}
    moved = set(asked.pop("moved")) - {"/rules/robots.txt"}
    allowed = [f"/entry/{name}" for name in (*range(len(ENTRIES)), "stub") if f"{name}"[0] != "1"]
    assert moved == {"/", *allowed}
    assert asked == {"nowhere": [], "round": [], "endless": []}
    refused = [r for r in jsonl(tmp_path / "out" / "ledger.jsonl") if r["reason"] != "robots"]
    closed = [r for r in refused if r["url"].endswith("/") and r["reason"] != "links_only"]
    assert {r["reason"] for r in closed} == {"robots_unreachable"}
    assert len(closed) == 3


def odd(site: Site, path: str) -> Page:
    """Pages that a crawler must take with care; the first of them leads to the others."""
    found = {
        "/": "".join(f"<a href='/list/{n}'>x</a>" for n in ("flood", "away", "cookie", "deep")),
        "/list/away": "<meta http-equiv=refresh content='0; url=http://10.0.0.8/list/inside'>",
        "/list/cookie": "<meta http-equiv=refresh content='0; url=/list/cookie?sid=9'>",
        "/list/deep": "<p>" + "<div>" * 2_000 + "深" + "<a href=/list/end>末</a>",
        "/list/end": "<p>到头了</p>",
    }
    if path == "/list/flood":
        return Page(FLOOD, headers=(HTML, ("Content-Encoding", "gzip")))
    if path not in found:
        return Page(status=404)
    return Page(f"<html>{found[path]}".encode(), headers=(HTML,))


def test_odd_pages(tmp_path):
    with Site(odd) as site:
        path = site_file(tmp_path, site, max_page_bytes="1MB")
        crawl(path, tmp_path / "out")
    found = outcomes(tmp_path / "out")
    assert found["list/flood"] == "too_large"
    assert found["list/away"] == "redirect_offsite"
    assert found["list/end"] in ("links_only", "nothing_new")
    assert "error" not in found.values()
    tries = [asked.path for asked in site.log]
    assert tries.count("/list/cookie") <= 6  # a page that refreshes itself for ever


def test_the_wait_that_a_site_asks_for(tmp_path):
    """Thread 3 answers 429 once, with a Retry-After of a second: nothing is asked meanwhile."""
    with Site(platform) as site:
        pace = FAST | {"concurrency": 1}
        starts = [f"{site.url}/question/{number}" for number in (3, 0, 1)]
        path = site_file(tmp_path, site, start_urls=starts, pace=pace)
        crawl(path, tmp_path / "out")
    asked = [a for a in site.log if a.path != "/robots.txt"]
    (refused,) = (k for k, a in enumerate(asked) if a.status == 429)
    assert asked[refused + 1].time - asked[refused].time > 0.9
    assert "question/3" not in outcomes(tmp_path / "out")


def test_the_wait_that_a_site_asks_for_is_not_for_ever(tmp_path):
    """Whoever asks for hours is left for another day, at once."""

    def pages(site, path):
        later = Page(status=503, headers=(("Retry-After", "7200"),))
        return later if path == "/entry/0" else encyclopedia(site, path)

    with Site(pages) as site:
        path = site_file(tmp_path, site, follow=["^/$"], pages=ARTICLES)
        crawl(path, tmp_path / "out")
    assert outcomes(tmp_path / "out")["entry/0"] == "status_503"
    assert [a.path for a in site.log].count("/entry/0") == 1
    times = [a.time for a in site.log]
    assert max(later - sooner for sooner, later in itertools.pairwise(times)) < 10

"""The crawl: Scrapy's engine, downloader and throttle over our frontier, resolver and manners."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

from scrapy import Spider
from scrapy.crawler import CrawlerProcess
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadTimeoutError,
    IgnoreRequest,
)
from scrapy.http import Request, Response
from scrapy.logformatter import LogFormatter
from twisted.python.failure import Failure
from w3lib.url import canonicalize_url, safe_url_string

from .._version import __version__
from ..errors import CollectError
from ..lang import N_, _
from ..sources.parsing.row import RowError
from ..sources.site import pages
from ..sources.site.site_file import Site
from .addresses import PublicResolver, is_public
from .export import export
from .frontier import Frontier, Link, PageOutcome
from .manners import NotAsked, host_of


class Collected(NamedTuple):
    """counts:  the number of addresses by what became of them: "record", "waiting", or why not.
    passing: how many of those without a record may have one another day.
    example: why the first of those has none, where there is no record at all; else ""."""

    counts: dict[str, int]
    passing: int
    example: str = ""


Progress = Callable[[str, int, int, int], None]
"""Called with ("collect", addresses done, addresses known, records of this run)."""
PASSING = {408, 425, 429, 500, 502, 503, 504, 522, 524}
MANNERS = "chimed_datasets.collect.manners"


def collect(
    site: Site,
    out: Path,
    *,
    allow_private: bool = False,
    limit: int | None = None,
    retry: bool = False,
    progress: Progress | None = None,
) -> Collected:
    """Fetch ``site`` into the folder ``out`` and return what became of its addresses.

    Run again on the same folder, it goes on where it was, also after a kill. ``limit`` bounds the
    pages fetched in this run; ``retry`` asks again for pages that failed in passing;
    ``allow_private`` lets it connect to addresses that are not public, and asks for those that
    were left out for it.

    Raises :class:`CollectError` where ``out`` is in use or belongs to another site file. Scrapy's
    reactor runs once in a process, and so does this function.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = _("{out}: no folder to collect into ({reason}).")
        raise CollectError(said.format(out=out, reason=error.strerror)) from None
    frontier = Frontier(out / "state.sqlite", fingerprint(site))
    try:
        frontier.add(link for url in site.start_urls if (link := link_to(site, url)))
        if retry:
            frontier.retry()
        if allow_private:
            frontier.reopen("not_public")
        not_public: dict[str, str] = {}
        resolver = partial(PublicResolver, allow_private=allow_private, not_public=not_public)
        settings = _settings(site, out, allow_private) | {"TWISTED_DNS_RESOLVER": resolver}
        process = CrawlerProcess(settings)
        failures: list[Failure] = []
        process.crawl(
            SiteSpider, site=site, frontier=frontier, not_public=not_public, limit=limit,
            progress=progress,
        ).addErrback(failures.append)  # fmt: skip
        process.start()
        for failure in failures:
            said = _("the crawl broke off ({reason}).")
            raise CollectError(said.format(reason=failure.getErrorMessage()))
        export(frontier, site, out)
        counts, example = frontier.counts(), ""
        if not counts.get("record"):
            first = next(frontier.without_record())
            example = f"{first['url']}: {first['evidence'] or first['reason']}"
        return Collected(counts, frontier.passing(), example)
    finally:
        frontier.close()


def fingerprint(site: Site) -> str:
    """Return a hash over what decides which pages are fetched and how they are read."""
    content = site.model_dump_json(exclude={"pace", "contact", "max_page_bytes", "max_barren"})
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def link_to(site: Site, url: str) -> Link:
    """Return the link to ``url`` as it is asked for and as it is known by."""
    bare = site.without_session(url)
    return Link(canonicalize_url(bare), bare)


def _settings(site: Site, out: Path, allow_private: bool) -> dict[str, Any]:
    pace = site.pace
    return {
        "USER_AGENT": f"chimed-datasets/{__version__} (+{site.contact})",
        "ROBOTSTXT_OBEY": True,
        # A robots.txt names the product, not the version and the contact behind it.
        "ROBOTSTXT_USER_AGENT": "chimed-datasets",
        "CHIMED_ALLOW_PRIVATE": allow_private,
        "CHIMED_RETRY_WAIT": pace.retry_wait,
        "DOWNLOAD_DELAY": pace.delay,
        "AUTOTHROTTLE_ENABLED": pace.throttle,
        "AUTOTHROTTLE_START_DELAY": pace.delay,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": float(pace.concurrency),
        # No more, or those that queue behind a host's slot would not hear of a rest it asks for.
        "CONCURRENT_REQUESTS": pace.concurrency * len(site.allowed_domains),
        "CONCURRENT_REQUESTS_PER_DOMAIN": pace.concurrency,
        "DOWNLOAD_TIMEOUT": pace.timeout,
        "DOWNLOAD_MAXSIZE": int(site.max_page_bytes),
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "DOWNLOAD_HANDLERS": {"data": None, "file": None, "ftp": None, "s3": None},
        "RETRY_TIMES": pace.retries,
        "RETRY_GIVE_UP_LOG_LEVEL": "INFO",
        "REDIRECT_MAX_TIMES": 5,
        "HTTPERROR_ALLOW_ALL": True,
        "HTTPPROXY_ENABLED": False,  # behind a proxy nobody knows what it connects to
        "SCHEDULER": "chimed_datasets.collect.crawl.Scheduler",
        "DOWNLOADER_MIDDLEWARES": {
            "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,  # see Scheduler
            "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
            f"{MANNERS}.Robots": 100,
            "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
            f"{MANNERS}.Patience": 550,
        },
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "DEFAULT_REQUEST_HEADERS": {
            "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1",
            "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5",
        },
        "LOG_FILE": str(out / "scrapy.log"),
        "LOG_LEVEL": "INFO",
        "LOG_FORMATTER": "chimed_datasets.collect.crawl.Quiet",
    }


class SiteSpider(Spider):
    """Takes pages in. It yields nothing to Scrapy: an outcome, its row and its links go to the
    frontier at once, and the scheduler takes the next address from there.

    not_public: host -> an address of it that was left out, filled by the resolver as it goes.
    """

    name = "site"

    def __init__(
        self,
        site: Site,
        frontier: Frontier,
        not_public: dict[str, str],
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(site.name)
        self.site, self.frontier, self.limit = site, frontier, limit
        self.not_public = not_public
        self.progress = progress or (lambda *__: None)
        counts = frontier.counts()
        self.known = sum(counts.values())
        self.finished = self.known - counts.get("waiting", 0)
        self.taken = 0
        self.progress("collect", self.finished, self.known, 0)

    async def start(self) -> Any:  # the scheduler has the start_urls from the frontier
        return
        yield

    def request(self, key: str, url: str, barren: int) -> Request:
        """Return the request of a page; ``key`` is what the frontier knows it by."""
        return Request(
            url,
            callback=self.took,
            errback=self.failed,
            dont_filter=True,  # the frontier knows what was asked for
            meta={"key": key, "barren": barren},
        )

    # --- outcomes ----------------------------------------------------------------------------

    def took(self, response: Response) -> None:
        """Take in a page, whatever its status."""
        meta = response.request.meta  # type: ignore[union-attr]
        try:
            self.done(meta["key"], self._outcome(response, meta["barren"]))
        except Exception as error:  # one page that breaks us is that page's loss alone
            self.logger.exception("while reading %s", response.url)
            self.done(meta["key"], PageOutcome("error", f"{type(error).__name__}: {error}"))

    def _outcome(self, response: Response, barren: int) -> PageOutcome:
        address = response.ip_address
        private = self.crawler.settings.getbool("CHIMED_ALLOW_PRIVATE")
        if address is not None and not private and not is_public(str(address)):
            return PageOutcome("not_public", str(address))
        if response.status != 200:
            passing = response.status in PASSING
            return PageOutcome(f"status_{response.status}", response.url, passing=passing)
        header = (response.headers.get("Content-Type") or b"").decode("latin-1")
        if not pages.is_page(header, response.body):
            return PageOutcome("not_html", header or "no Content-Type")
        text, encoding, replaced = pages.decode_page(response.body, header)
        page = pages.parse(text)
        links = self._links(page, response.url, encoding)
        rule = self.site.page(self.site.without_session(response.url))
        reason, evidence, row = "links_only", f"{len(links)} links", None
        if rule is not None:
            try:
                row, reason, evidence = pages.row_of(page, rule, self.site), "record", ""
            except RowError as error:
                reason, evidence = error.rule, error.evidence
        if row is not None and replaced:
            evidence = f"{replaced} undecodable bytes replaced ({encoding})"
        kind = rule.kind if rule and row else None
        barren = 0 if row is not None or self._news(links) else barren + 1
        if barren >= self.site.max_barren:
            new = {link.key for link in links} - self.frontier.known(link.key for link in links)
            evidence += f"; {barren} pages in a row led to nothing new, {len(new)} links left"
            reason, links = "nothing_new", []
        return PageOutcome(reason, evidence, False, kind, row, links, barren)

    def _links(self, page: Any, url: str, encoding: str) -> list[Link]:
        """Return the links to follow, in the order of the page, each once."""
        base = urljoin(url, page.css("base::attr(href)").get("").strip())
        links: dict[str, Link] = {}
        for element in page.css("a[href], area[href]"):
            if "nofollow" in (element.attrib.get("rel") or "").lower().split():
                continue
            try:
                target = urljoin(base, element.attrib["href"].strip())
                if not target.startswith(("http://", "https://")):
                    continue
                link = link_to(self.site, safe_url_string(target, encoding))
            except ValueError:  # no address at all, as http://[
                continue
            if self.site.wants(link.url):
                links.setdefault(link.key, link)
        return list(links.values())

    def _news(self, links: list[Link]) -> bool:
        """Whether a page that gave no record leads to one that is not known yet. A listing that
        only leads to more of itself (a calendar, a last page that links to the next) does not."""
        records = [link.key for link in links if self.site.page(link.url) is not None]
        return len(self.frontier.known(records)) < len(records)

    def failed(self, failure: Failure) -> None:
        """Write down why a page could not be fetched."""
        request: Request = failure.request  # type: ignore[attr-defined]
        error = failure.value
        host = host_of(request.url)
        words = " ".join(str(error).split())[:300]
        if isinstance(error, NotAsked):
            outcome = PageOutcome(error.rule, error.evidence, error.passing)
        elif isinstance(error, CannotResolveHostError):
            if host in self.not_public:
                outcome = PageOutcome("not_public", self.not_public[host])
            else:
                outcome = PageOutcome("unknown_host", host, passing=True)
        elif isinstance(error, DownloadCancelledError):
            most = f"more than {int(self.site.max_page_bytes):,} bytes"
            outcome = PageOutcome("too_large", most)
        elif isinstance(error, DownloadTimeoutError):
            outcome = PageOutcome("timeout", f"{self.site.pace.timeout:g} s", passing=True)
        elif isinstance(error, IgnoreRequest):
            unpacked = "DOWNLOAD_MAXSIZE" in words  # a small body that is a large one unpacked
            outcome = PageOutcome("too_large" if unpacked else "redirects", words)
        else:
            evidence = f"{type(error).__name__}: {words}"
            outcome = PageOutcome("connection", evidence, passing=True)
        self.done(request.meta["key"], outcome)

    def done(self, key: str, outcome: PageOutcome) -> None:
        """Write an outcome to the frontier and tell of the progress."""
        self.known += self.frontier.finish(key, outcome)
        self.finished += 1
        self.taken += outcome.reason == "record"
        self.progress("collect", self.finished, self.known, self.taken)


class Scheduler:
    """Hands the frontier's addresses to Scrapy's engine. Retries, and redirects of a page to itself
    (with a session id, say), stay in memory: their page still waits in the frontier."""

    def __init__(self, spider: SiteSpider) -> None:
        self.spider = spider
        self.again: deque[Request] = deque()
        self.begun = 0

    @classmethod
    def from_crawler(cls, crawler: Any) -> Scheduler:
        return cls(crawler.spider)

    def has_pending_requests(self) -> bool:
        return bool(self.again) or (self._may_begin() and self.spider.frontier.has_next())

    def _may_begin(self) -> bool:
        return self.spider.limit is None or self.begun < self.spider.limit

    def next_request(self) -> Request | None:
        if self.again:
            return self.again.popleft()
        waiting = self.spider.frontier.next() if self._may_begin() else None
        if waiting is None:
            return None
        self.begun += 1
        return self.spider.request(*waiting)

    def enqueue_request(self, request: Request) -> bool:
        """Take a retry, or a redirect: one to another page makes that page an address of its own,
        under the same rules as a link."""
        spider, meta = self.spider, request.meta
        target = link_to(spider.site, request.url)
        if target.key == meta["key"]:
            self.again.append(request)
            return True
        where = f"to {request.url}"
        if not spider.site.allows(request.url):
            outcome = PageOutcome("redirect_offsite", where)
        elif not spider.site.wants(target.url):
            outcome = PageOutcome("redirect_unwanted", where)
        elif meta["barren"] + 1 >= spider.site.max_barren:
            outcome = PageOutcome("redirects", where)
        else:
            barren = meta["barren"] + 1
            outcome = PageOutcome("redirect", where, links=[target], barren=barren)
        spider.done(meta["key"], outcome)
        return True


class Quiet(LogFormatter):
    """No log line for a page: the frontier tells of every one."""

    def crawled(self, request: Request, response: Response, spider: Spider) -> Any:
        return None


MEANINGS = {
    "links_only": N_("led on, without a record of their own"),
    "nothing_new": N_("left: the pages before them led to nothing new"),
    "redirect": N_("led to another address of the site"),
    "redirect_offsite": N_("led out of allowed_domains"),
    "redirect_unwanted": N_("led to an address that the site file does not want"),
    "redirects": N_("led on and on"),
    "robots": N_("forbidden by robots.txt"),
    "robots_unreachable": N_("not asked for, as robots.txt could not be read"),
    "not_public": N_("at no public address; --allow-private is for a site of your own"),
    "unknown_host": N_("at a host that has no address"),
    "connection": N_("not reached, or broken off"),
    "timeout": N_("not answered in time"),
    "too_large": N_("larger than max_page_bytes"),
    "not_html": N_("no web page"),
    "no_question": N_("without a question where the site file looks for it"),
    "no_answer": N_("without an answer where the site file looks for it"),
    "no_text": N_("without a text where the site file looks for it"),
    "error": N_("a page that broke us; see scrapy.log"),
}


def summary(collected: Collected, out: Path) -> Iterator[str]:
    """Yield the closing lines of a crawl into the folder ``out``."""
    counts = dict(collected.counts)
    known, records, waiting = (
        sum(counts.values()), counts.pop("record", 0), counts.pop("waiting", 0)
    )  # fmt: skip
    yield _("{records:,} records of {known:,} addresses known, {waiting:,} waiting.").format(
        records=records, known=known, waiting=waiting
    )
    wide, long = len(f"{max(counts.values(), default=0):,}"), max(map(len, counts), default=0)
    for reason, count in sorted(counts.items(), key=lambda item: -item[1]):
        answered = _("answered with status {status}").format(status=reason.removeprefix("status_"))
        meaning = _(MEANINGS[reason]) if reason in MEANINGS else answered
        yield f"  {count:>{wide},} {reason:<{long}}  {meaning}"
    if collected.example:
        yield _("The first: {example}").format(example=collected.example)
    if counts:
        yield _("{ledger} tells it of every address.").format(ledger=out / "ledger.jsonl")
    if waiting:
        yield _("Run it again to go on.")
    if collected.passing:
        said = _("{n:,} failed in passing: --retry asks for them again.")
        yield said.format(n=collected.passing)
    if records:
        said = _("Build the records: chimed build {recipe} --out NEW_FOLDER")
        yield said.format(recipe=out / "recipe.yaml")

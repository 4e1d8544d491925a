"""How a crawl behaves: robots.txt that fails closed, and waits where a site asks for them.

robots.txt, by RFC 9309 and stricter where it leaves a choice:
    200       its rules hold; a Crawl-delay longer than the site file's delay is kept to
    404, 410  there are no rules: the site may be crawled
    other     no page of the host is fetched. For 5xx, time-outs, broken connections and a file
              beyond the size limit the RFC demands it ("unreachable"); for 401, 403, 429 and
              the other 4xx it would let a crawler in, and we do not go.
It is asked for once a run and host, with the same retries as a page.
"""

from __future__ import annotations

import asyncio
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Request, Response
from twisted.internet.defer import Deferred

LONGEST_WAIT = 120.0
"""Seconds. Where a site asks for a longer rest, the page is left for another run."""


class NotAsked(IgnoreRequest):
    """A request that is not made. ``rule`` goes to the ledger; ``passing``: may change."""

    def __init__(self, rule: str, evidence: str, passing: bool = False) -> None:
        super().__init__(f"{rule}: {evidence}")
        self.rule, self.evidence, self.passing = rule, evidence, passing


class _Closed:
    """Stands for the rules of a host whose robots.txt could not be read."""

    def __init__(self, why: str) -> None:
        self.why = why


class Robots(RobotsTxtMiddleware):
    """Scrapy's, which lets everything pass where robots.txt fails; this one nothing."""

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status in (404, 410):
            response = response.replace(body=b"")
        elif response.status != 200:
            raise _NoRules(f"status {response.status}")
        await super()._parse_robots(response, netloc, request)
        self._keep_to_delay(self._parsers[netloc])

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        why = str(exc) if isinstance(exc, _NoRules) else f"{type(exc).__name__}: {exc}"
        waiting, closed = self._parsers[netloc], _Closed(why[:200])
        self._parsers[netloc] = closed  # type: ignore[assignment]
        if isinstance(waiting, Deferred):
            waiting.callback(closed)  # type: ignore[arg-type]

    def process_request_2(self, rp: Any, request: Request) -> None:
        if not isinstance(rp, _Closed):
            try:
                super().process_request_2(rp, request)
            except IgnoreRequest:
                raise NotAsked("robots", "robots.txt forbids it") from None
        elif address := _not_public(self.crawler, request):
            raise NotAsked("not_public", address)
        else:
            raise NotAsked("robots_unreachable", f"robots.txt: {rp.why}", passing=True)

    def _keep_to_delay(self, parser: Any) -> None:
        delay = parser.rp.crawl_delay(self._robotstxt_useragent)
        if not delay:
            return
        downloader = self.crawler.engine.downloader
        downloader._delay = max(downloader._delay or 0, delay)
        for slot in downloader.slots.values():
            slot.delay = max(slot.delay, delay)
        throttle = self.crawler.get_extension(AutoThrottle)
        if throttle is not None:
            throttle.mindelay = max(throttle.mindelay, delay)
            throttle.maxdelay = max(throttle.maxdelay, delay)


class _NoRules(IgnoreRequest):
    """Robots.txt came with a status that is none of 200, 404 and 410. (Scrapy logs no trace of an
    IgnoreRequest.)"""


class Patience(RetryMiddleware):
    """Scrapy's retries, with a rest for the whole host before each."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.first_wait = settings.getfloat("CHIMED_RETRY_WAIT")
        self.rest_until: dict[str, float] = {}

    async def process_request(self, request: Request, spider: Any = None) -> None:
        host = host_of(request.url)
        while (wait := self.rest_until.get(host, 0) - time.monotonic()) > 0:
            await asyncio.sleep(wait)

    def process_response(self, request: Request, response: Response, spider: Any = None) -> Any:
        if response.status in self.retry_http_codes:
            asked = retry_after(response)
            if asked is not None and asked > LONGEST_WAIT:
                return response
            self._rest(request, asked)
        return super().process_response(request, response)

    def process_exception(self, request: Request, exception: Exception, spider: Any = None) -> Any:
        if isinstance(exception, self.exceptions_to_retry):
            if _not_public(self.crawler, request):
                return None
            self._rest(request, None)
        return super().process_exception(request, exception)

    def _rest(self, request: Request, asked: float | None) -> None:
        tried = request.meta.get("retry_times", 0)
        if tried < self.max_retry_times:
            wait = min(self.first_wait * 2**tried, LONGEST_WAIT) if asked is None else asked
            until = time.monotonic() + wait
            host = host_of(request.url)
            self.rest_until[host] = max(until, self.rest_until.get(host, 0))


def host_of(url: str) -> str:
    """Return the host of an address as a resolver is asked for it: without port and brackets."""
    return urlsplit(url).hostname or ""


def _not_public(crawler: Any, request: Request) -> str | None:
    """Return the address of a request's host that was left out for not being public, if one was."""
    address: str | None = crawler.spider.not_public.get(host_of(request.url))
    return address


def retry_after(response: Response) -> float | None:
    """Return the seconds that a response asks to wait, None where it does not say."""
    text = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None

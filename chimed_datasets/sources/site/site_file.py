"""The site file (YAML): where the pages of a site are, and what stands where on them.

One file serves three: ``chimed collect`` fetches by it, the layouts `html` and `warc` read saved
pages by it. Selectors are CSS, or XPath where they begin with "/", "./" or "(".
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    Field,
    ValidationError,
    model_validator,
)

from ...errors import RecipeError, SourceError, broken_extra, told
from ...lang import _
from ...settings import StrictModel, faults_of, in_order, read_marked


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(
            _("{text!r} is not a regular expression ({error})").format(text=text, error=error)
        ) from None
    return text


def _selector(text: str) -> str:
    try:
        import parsel
    except ImportError as error:
        raise SourceError(broken_extra(error, "collect")) from None
    page = parsel.Selector(text="<p></p>")
    try:
        page.xpath(text) if is_xpath(text) else page.css(text)
    except Exception as error:  # cssselect and lxml raise a dozen kinds
        reason = " ".join(str(error).split())
        raise ValueError(
            _("{text!r} is neither CSS nor XPath ({reason})").format(text=text, reason=reason)
        ) from None
    return text


def is_xpath(selector: str) -> bool:
    return selector.startswith(("/", "./", "("))


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_pattern)]
Selector = Annotated[str, Field(min_length=1), AfterValidator(_selector)]


class Pick(StrictModel):
    """What one field is: the text of what ``select`` finds, or of that what ``pattern`` matches
    (its first group where it has one)."""

    select: Selector
    pattern: Pattern | None = None


def _as_pick(given: Any) -> Any:
    return {"select": given} if isinstance(given, str) else given


Picked = Annotated[Pick, BeforeValidator(_as_pick)]


class Answers(StrictModel):
    """The answers of a thread: ``each`` finds them in page order, the others look inside one.

    ``adopted`` and ``recommended`` are true where something is found. A mark that is left out here
    is unknown; it is not taken for false.
    """

    each: Selector
    text: Picked
    adopted: Picked | None = None
    recommended: Picked | None = None
    author: Picked | None = None


class ThreadPage(StrictModel):
    """A page with a question and its answers."""

    kind: Literal["thread"]
    match: Pattern
    remove: list[Selector] = Field(default_factory=list)
    title: Picked | None = None
    department: Picked | None = None
    question: Picked
    patient_info: Picked | None = None
    question_time: Picked | None = None
    keyphrases: Picked | None = None
    answers: Answers
    follow_ups: Picked | None = None


FieldName = Annotated[str, Field(pattern=r"^[a-z_]+$")]


class ArticlePage(StrictModel):
    """A page with one text; ``metadata`` are further fields of its own naming."""

    kind: Literal["article"]
    match: Pattern
    remove: list[Selector] = Field(default_factory=list)
    title: Picked | None = None
    text: Picked
    metadata: dict[Annotated[str, Field(pattern=r"^[a-z_]+$")], Picked] = Field(
        default_factory=dict
    )


Page = Annotated[ThreadPage | ArticlePage, Field(discriminator="kind")]


class Pace(StrictModel):
    """How gently the site is asked.

    delay:       least seconds between two requests to a host; with ``throttle`` the wait grows
                 with the site's own slowness. A longer Crawl-delay of robots.txt is kept to.
    concurrency: requests to a host at a time.
    timeout:     seconds for one request.
    retries:     how often a page that failed in passing (429, 5xx, timeout) is asked for again.
    retry_wait:  seconds before the first of them, doubled each time; a Retry-After goes before.
    """

    delay: Annotated[float, Field(ge=0)] = 1.0
    throttle: bool = True
    concurrency: Annotated[int, Field(ge=1, le=16)] = 1
    timeout: Annotated[float, Field(gt=0)] = 30
    retries: Annotated[int, Field(ge=0, le=10)] = 3
    retry_wait: Annotated[float, Field(ge=0)] = 5


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError(
            _("{url!r}: expected an address as http(s)://host/… without a user name").format(
                url=url
            )
        )
    return url


class Site(StrictModel):
    """A whole site file.

    name:            names the records' source.
    license:         under which the records may be used, where one is stated.
    permission:      by whom and when collecting was allowed. One of the two is needed; both go
                     into the records.
    contact:         an address or page of yours, sent in the user agent.
    start_urls, allowed_domains: where to begin, and the hosts (with their subdomains) to stay on.
    follow:          patterns over path and query of links to walk along; those that match a page
                     under ``pages`` are walked along too.
    ignore:          patterns of links never asked for.
    session_params:  names of session ids in addresses; they are cut out.
    pages:           what stands where; the first whose ``match`` fits an address is used.
    max_page_bytes:  a larger page is given up.
    max_barren:      a chain of this many pages in a row that lead to nothing new is left.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=48)]
    license: Annotated[str, Field(min_length=1)] | None = None
    permission: Annotated[str, Field(min_length=1)] | None = None
    contact: Annotated[str, Field(min_length=3, pattern=r"^[\x20-\x7e]+$")]
    domain: Literal["tcm", "modern", "general"] = "modern"
    start_urls: Annotated[list[Annotated[str, AfterValidator(_web_address)]], Field(min_length=1)]
    allowed_domains: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
    follow: list[Pattern] = Field(default_factory=list)
    ignore: list[Pattern] = Field(default_factory=list)
    session_params: list[str] = Field(default_factory=list)
    pages: Annotated[list[Page], Field(min_length=1)]
    pace: Pace = Pace()
    max_page_bytes: ByteSize = ByteSize(8 * 1024 * 1024)
    max_barren: Annotated[int, Field(ge=1)] = 20

    @model_validator(mode="after")
    def _check(self) -> Site:
        if not (self.license or self.permission):
            raise ValueError(
                _(
                    "neither license nor permission is stated: say under which of them the pages "
                    "may be collected"
                )
            )
        for url in self.start_urls:
            if not self.allows(url):
                raise ValueError(
                    _("start_urls: {url} is not within allowed_domains").format(url=url)
                )
        return self

    @property
    def terms(self) -> str:
        """What stands in the records' license."""
        return self.license or f"by permission: {self.permission}"

    def allows(self, url: str) -> bool:
        """Whether ``url`` is on one of the allowed domains."""
        host = (urlsplit(url).hostname or "").rstrip(".")
        return any(
            host == d or host.endswith(f".{d}") for d in map(str.lower, self.allowed_domains)
        )

    def page(self, url: str) -> ThreadPage | ArticlePage | None:
        """Return what stands where on the page at ``url``, or None for one to walk along."""
        path = path_of(url)
        return next((page for page in self.pages if re.search(page.match, path)), None)

    def wants(self, url: str) -> bool:
        """Whether a link to ``url`` is to be followed."""
        path = path_of(url)
        if not self.allows(url) or any(re.search(p, path) for p in self.ignore):
            return False
        return self.page(url) is not None or any(re.search(p, path) for p in self.follow)

    def without_session(self, url: str) -> str:
        """Return ``url`` without fragment and session ids; its other parts stay byte for byte."""
        parts = urlsplit(url)
        path, query = parts.path, parts.query
        if self.session_params:
            names = "|".join(map(re.escape, self.session_params))
            path = re.sub(rf";(?:{names})=[^/;]*", "", path)
            kept = [p for p in query.split("&") if p.partition("=")[0] not in self.session_params]
            query = "&".join(kept)
        return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def path_of(url: str) -> str:
    """Return path and query of ``url``: what the patterns are matched against."""
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def load_site(path: str | Path) -> Site:
    """Read and check a site file. Raises :class:`RecipeError` that names file and key."""
    path = Path(path)
    marked = read_marked(path, "site file")
    content, faults = marked.content, list(marked.faults)
    if not isinstance(content, dict):
        raise RecipeError(
            _("{path}: a site file is a mapping with the keys start_urls and pages.").format(
                path=path
            )
        )
    try:
        site = Site.model_validate(content)
    except ValidationError as error:
        faults += map(marked.places.placed, faults_of(error, content))
    if faults:
        faults = in_order(faults, content)
        raise RecipeError(told(faults, str(path)), faults=faults)
    return site

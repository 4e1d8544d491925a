"""Web archives written by hand, and the measure of what is kept of a page."""

from __future__ import annotations

import html
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from chimed_datasets.collect.examples.site import Page

PAGES = sorted((Path(__file__).parents[1] / "fixtures" / "warc" / "pages").glob("*.html"))
"""Pages of many kinds. What stands between ``<!--keep-->`` and ``<!--/keep-->`` is main text."""
_KEEP = re.compile(r"<!--keep-->(.*?)<!--/keep-->", re.S)


def record(
    url: str,
    body: bytes,
    kind: str = "response",
    status: str = "200 OK",
    content_type: str = "text/html; charset=utf-8",
    headers: str = "",
    http: bool = True,
) -> bytes:
    """Return one WARC record."""
    if http:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{headers}\r\n"
        body, content_type = head.encode() + body, f"application/http; msgtype={kind}"
    about = {
        "WARC-Type": kind,
        "WARC-Target-URI": url,
        "WARC-Date": "2024-05-01T08:00:00Z",
        "WARC-Record-ID": "<urn:uuid:0>",
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in about.items())
    return f"WARC/1.0\r\n{lines}\r\n".encode() + body + b"\r\n\r\n"


def served(pages: Any, path: str) -> Page:
    """Return what an example site answers for ``path`` after its first, troubled answer."""
    site = SimpleNamespace(tries={path: 2}, sessions=iter(range(9)), server_port=80)
    return pages(site, path)


def archived(host: str, pages: Any, paths: list[str]) -> list[bytes]:
    """Return the records of an example site's pages."""
    out = []
    for path in paths:
        page = served(pages, path)
        told = dict(page.headers)
        kind = told.pop("Content-Type", "text/html")
        out.append(record(f"http://{host}{path}", page.body, content_type=kind))
    return out


class Kept(NamedTuple):
    """How much of the main text was kept, and how much of what was kept is none (0 to 1)."""

    share: float
    foreign: float


def bare(text: str) -> str:
    """Return ``text`` without its marks: what `kept` wants as input."""
    return text.replace("<!--keep-->", "").replace("<!--/keep-->", "")


def kept(page: str, found: str) -> Kept:
    """Compare what was ``found`` on a marked page with its main text, piece by piece."""
    pieces = [
        piece
        for part in _KEEP.findall(page)
        for piece in re.split(r"\W+", re.sub(r"<[^>]*>", "\n", html.unescape(part)))
        if piece
    ]
    rest = re.sub(r"\W+", "", found)
    share = 0
    for piece in sorted(pieces, key=len, reverse=True):
        if piece in rest:
            share += len(piece)
            rest = rest.replace(piece, "\0", 1)
    foreign = len(rest.replace("\0", ""))
    return Kept(share / sum(map(len, pieces)), foreign / max(share + foreign, 1))

"""The two example sites as HTTP servers of the standard library, with the trouble of real sites.

The platform's pages are GBK under a wrong Content-Type, their HTML is broken here and there, links
carry a new session id on every page, lists go on for ever, some pages answer 404, 429 or 500,
some lead to another domain or a private address, and one has no end. The encyclopedia is UTF-8 and
tidy. ``Trouble`` says how robots.txt behaves, and holds pages back, for tests.
"""

from __future__ import annotations

import html
import itertools
import select
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from .content import ENTRIES, THREADS, Entry, Thread

HUGE_BYTES = 200 * 1024 * 1024
PER_LIST = 4


class Asked(NamedTuple):
    """One request: when, for what (session ids cut), answered with which status, bytes sent.

    ``status`` is 0 where the answer could not be sent whole."""

    time: float
    path: str
    status: int
    sent: int


@dataclass
class Trouble:
    """robots: "rules", "missing" (404), "forbidden" (403), "failing" (500), "hanging", or a Page.
    held:   pages that are answered only when ``release`` is set.
    slow:   one more page, which never answers.
    delay:  Crawl-delay of robots.txt, seconds."""

    robots: str | Page = "rules"
    held: set[str] = field(default_factory=set)
    release: threading.Event = field(default_factory=threading.Event)
    slow: bool = False
    delay: float = 0


class Site(ThreadingHTTPServer):
    """One of the two sites; ``log`` lists all that was asked for, ``holding`` what is held back."""

    daemon_threads = True

    def __init__(
        self,
        pages: Any,
        port: int = 0,
        trouble: Trouble | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        super().__init__((address, port), _Handler)
        self.address = address
        self.pages = pages
        self.trouble = trouble or Trouble()
        self.log: list[Asked] = []
        self.agents: set[str] = set()
        self.holding: set[str] = set()
        self.tries: dict[str, int] = {}
        self.sessions = itertools.count(1)

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.server_port}"

    def __enter__(self) -> Site:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.trouble.release.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A crawler that hangs up is nothing to write home about."""


class Page(NamedTuple):
    """What a path answers with."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        site, path = self.server, plain(self.path)
        site.agents.add(self.headers.get("User-Agent", ""))
        self.sent = 0
        status = 0
        try:
            if path in site.trouble.held:
                site.holding.add(path)
                site.trouble.release.wait(60)
                if self._hung_up():
                    return
            if path == "/robots.txt":
                page = _robots(site)
            else:
                site.tries[path] = site.tries.get(path, 0) + 1
                page = site.pages(site, path)
            status = self._answer(page)
        finally:
            site.log.append(Asked(time.time(), path, status, self.sent))

    def _hung_up(self) -> bool:
        """Whether the crawler is gone: an answer would go nowhere, without an error."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""

    def _answer(self, page: Page) -> int:
        self.send_response(page.status)
        for name, value in page.headers:
            self.send_header(name, value)
        if page.body is not HUGE:
            self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        if page.body is HUGE:
            block = b"<p>" + b"x" * 65533
            while self.sent < HUGE_BYTES:
                self.wfile.write(block)
                self.sent += len(block)
        else:
            self.wfile.write(page.body)
            self.sent = len(page.body)
        self.wfile.flush()
        return page.status

    def log_message(self, format: str, *args: Any) -> None:
        pass


HUGE = b"huge"


def plain(target: str) -> str:
    """Return path and query without session ids: the page itself."""
    path, _, query = target.partition("?")
    path = path.partition(";")[0]
    kept = "&".join(p for p in query.split("&") if p and not p.startswith("sid="))
    return f"{path}?{kept}" if kept else path


def _robots(site: Site) -> Page:
    how = site.trouble.robots
    if isinstance(how, Page):
        return how
    if how == "hanging":
        site.trouble.release.wait(60)
    if how in ("missing", "forbidden", "failing"):
        return Page(status={"missing": 404, "forbidden": 403, "failing": 500}[how])
    wait = f"Crawl-delay: {site.trouble.delay:g}\n" if site.trouble.delay else ""
    text = f"User-agent: *\nDisallow: /question/internal\n{wait}"
    return Page(text.encode(), headers=(("Content-Type", "text/plain"),))


# --- the platform ----------------------------------------------------------------------------


def platform(site: Site, path: str) -> Page:
    """Answer for a path of the platform."""
    parts = urlsplit(path)
    where = parts.path.strip("/").split("/")
    sid = f"sid={next(site.sessions):06d}"
    if parts.path == "/":
        return _gbk("首页", _home(sid))
    if where[0] == "list":
        number = int(parse_qs(parts.query).get("page", ["1"])[0])
        return _gbk("问题列表", _list(number, sid))
    if where[0] != "question":
        return Page("<h1>没有这个页面</h1>".encode("gb18030"), 404)
    name = where[1]
    if name.isdecimal() and int(name) < len(THREADS):
        first = site.tries[path] == 1
        if name == "3" and first:  # too many requests: once
            return Page(status=429, headers=(("Retry-After", "1"),))
        if name == "5" and first:  # out of order: once
            return Page(status=500)
        if name == "7" and first:  # not without a session id, on the same page
            return Page(status=302, headers=(("Location", f"/question/7?{sid}"),))
        return _gbk(THREADS[int(name)].title, _thread(THREADS[int(name)], int(name), sid))
    odd = {
        "broken": Page(status=500),
        "elsewhere": Page(
            status=301, headers=(("Location", f"http://localhost:{site.server_port}/question/0"),)
        ),
        "intranet": Page(status=302, headers=(("Location", "http://10.0.0.8/question/0"),)),
        "moved": Page(status=301, headers=(("Location", f"/question/2;jsessionid=A1?{sid}"),)),
        "circle": Page(status=302, headers=(("Location", "/question/circle2"),)),
        "circle2": Page(status=302, headers=(("Location", "/question/circle"),)),
        "huge": Page(HUGE, headers=(("Content-Type", "text/html"),)),
        "huge-told": Page(HUGE, headers=(("Content-Type", "text/html"),
                                         ("Content-Length", str(HUGE_BYTES)))),
        "scan": Page(b"%PDF-1.4", headers=(("Content-Type", "application/pdf"),)),
        "unanswered": _gbk("还没有人回答", "<h1>药能和茶一起吃吗</h1><div class=question>"
                           "<div class=text>医生开的药片可以用茶水送服吗？</div></div>"),
    }  # fmt: skip
    if name == "slow" and site.trouble.slow:
        site.trouble.release.wait(60)
    return odd.get(name, Page(b"gone", 404))


ODD = ("broken", "elsewhere", "intranet", "moved", "circle", "huge", "huge-told", "scan",
       "unanswered", "internal", "lost", "slow")  # fmt: skip


def _gbk(title: str, body: str) -> Page:
    """A page as a server set up long ago sends it: wrong header, right bytes, broken HTML."""
    text = (
        f"<html><head><meta http-equiv=Content-Type content='text/html; charset=gb2312'>"
        f"<title>{title}_示例问答网</title><script>var t='广告';</script></head><body>"
        f"<div class=nav><a href=/>首页</a> <a href=/user/login>登录</a>"
        f"<a href='/list/?page=1'>全部问题</a></div>{body}"
        f"<div class=foot>示例网站，内容均为虚构，不是医疗建议</div>"
    )
    kind = (("Content-Type", "text/html; charset=ISO-8859-1"),)
    return Page(text.encode("gb18030"), headers=kind)


def _home(sid: str) -> str:
    odd = "".join(f"<li><a href='/question/{name}?{sid}'>{name}</a>" for name in ODD)
    return (
        f"<h1>示例问答网</h1><ul><li><a href='/list/?page=1&{sid}'>问题</a>{odd}"
        f"<li><a href='http://localhost/'>友情链接</a>"
        f"<li><a href='javascript:void(0)'>收藏</a><li><a href='mailto:a@example.org'>联系</a>"
        f"<li><a href='http://['>坏链接</a></ul>"
    )


def _list(number: int, sid: str) -> str:
    """A page of the list; past its end it shows the last page and still links to the next."""
    pages = -(-len(THREADS) // PER_LIST)
    start = (min(number, pages) - 1) * PER_LIST
    items = "".join(
        f"<li><a href='/question/{k};jsessionid=X{sid[4:]}#answers'>{t.title}</a>"
        for k, t in enumerate(THREADS[start : start + PER_LIST], start)
    )
    before = f"<a href='?page={number - 1}&{sid}'>上一页</a>" if number > 1 else ""
    return f"<ul>{items}</ul>{before}<a href='?{sid}&page={number + 1}'>下一页</a>"


def _thread(thread: Thread, number: int, sid: str) -> str:
    """A thread's page. Where the adopted answer stands differs: on even pages in a box above the
    others, on odd ones among them."""
    boxed = thread.best if number % 2 == 0 else None
    crumbs = "".join(f"<a href='/list/?page=1'>{d}</a> &gt; " for d in
                     thread.department.split(">"))  # fmt: skip
    patient = f"<ul class=patient><li>{thread.patient}</ul>" if thread.patient else ""
    tags = "".join(f"<a>{phrase}</a>" for phrase in thread.phrases)
    answers = [
        f"<span class=doctor>医生{number}{k}</span>"
        + ("<b class=mark-adopted>已采纳</b>" if k == thread.best else "")
        + ("<b class=mark>推荐</b>" if k == 0 and number % 3 == 0 else "")
        + f"<p class=text>{html.escape(text)}<div class=ad>点击咨询专家</div>"
        for k, text in enumerate(thread.answers)
    ]
    box = f"<div class='best-answer'>{answers[boxed]}</div>" if boxed is not None else ""
    rest = "".join(f"<div class=answer>{a}</div>" for k, a in enumerate(answers) if k != boxed)
    # A stray end tag, an attribute without its quote, paragraphs that are never closed.
    return (
        f"<div class=crumbs>{crumbs}</span></div><h1>{thread.title}</h1>"
        f"<div class=question><div class=text>{html.escape(thread.question)}"
        f"<!-- 广告位 --><p class=ad>名医在线</div>{patient}"
        f"<span class=time>提问时间：2024-03-{number + 1:02d} 08:15</span></div>"
        f"<div class=tags>{tags}</div>{box}<div class=answers>{rest}</div>"
        f"<div class=follow-up><p class=text>谢谢，我再观察一下。</p></div>"
        f"<a href='/question/{number}/print/?{sid}'>打印</a><table><tr><td>"
    )


# --- the encyclopedia ------------------------------------------------------------------------


def encyclopedia(site: Site, path: str) -> Page:
    """Answer for a path of the encyclopedia."""
    where = urlsplit(path).path.strip("/").split("/")
    if path in ("/", "/index"):
        links = "".join(f"<li><a href='/entry/{k}'>{e.name}</a></li>" for k, e in
                        enumerate(ENTRIES))  # fmt: skip
        return _utf8("目录", f"<nav><ul>{links}</ul></nav>")
    if where[0] == "entry" and where[1].isdecimal() and int(where[1]) < len(ENTRIES):
        number = int(where[1])
        return _utf8(ENTRIES[number].name, _entry(ENTRIES[number], number))
    if path == "/entry/stub":
        return _utf8("待写", "<h1>待写</h1><article></article>")
    return Page(b"gone", 404)


def _utf8(title: str, body: str) -> Page:
    text = (
        f"<!DOCTYPE html><html lang=zh><head><meta charset=utf-8><title>{title}</title></head>"
        f"<body><header>示例百科</header>{body}<footer>内容均为虚构，不是医疗建议</footer></body></html>"
    )
    return Page(text.encode(), headers=(("Content-Type", "text/html; charset=utf-8"),))


def _entry(entry: Entry, number: int) -> str:
    paragraphs = "".join(f"<p>{p}</p>\n" for p in entry.paragraphs)
    items = "".join(f"<li>{item}</li>" for item in entry.items)
    table = "".join(f"<tr><th>{a}</th><td>{b}</td></tr>" for a, b in entry.table)
    other = (number + 1) % len(ENTRIES)
    return (
        f"<article><h1>{entry.name}</h1><div class=share>分享到微博</div>"
        f"<div class=content>{paragraphs}<ul>{items}</ul><table>{table}</table></div>"
        f"<span class=updated>更新于 2024-05-{number + 1:02d}</span></article>"
        f"<aside class=related><a href='/entry/{other}'>相关</a>"
        f"<a href='/entry/stub'>待写</a></aside>"
    )

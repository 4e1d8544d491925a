"""A web server on this machine: files with their ETag or date, in parts where they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.publish.serving import Handler, Server, serving


class Web(Server):
    """files: name -> bytes, at ``endpoint``/NAME. tells: what is said of a file: "etag", "date" or
    "". knows_ranges: whether a part of a file can be asked for. heeds: whether If-Range is heeded.
    then: is called after the next answer with bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.dates: dict[str, str] = {}
        self.tells = "etag"
        self.knows_ranges = self.heeds = True
        self.then: Callable[[], object] | None = None

    def gets(self, name: str) -> int:
        return self.requests.count(f"GET /{name}")


@contextmanager
def served_web() -> Iterator[Web]:
    with serving(Web(), _Handler) as server:
        yield server


class _Handler(Handler):
    state: Web

    def file(self, name: str) -> None:
        data = self.state.files.get(name)
        if data is None:
            self.error(404, "none", "no such file")
            return
        headers = {}
        if self.state.tells == "etag":
            headers["ETag"] = f'"{hashlib.md5(data).hexdigest()}"'
        elif self.state.tells == "date":
            headers["Last-Modified"] = self.state.dates.get(name, "Mon, 30 Nov 2026 08:00:00 GMT")
        if not self.state.heeds:
            del self.headers["If-Range"]
        if self.command == "GET" and self.state.then:
            self.state.then, then = None, self.state.then
            then()
        if self.state.knows_ranges:
            self.send_part(data, headers)
        else:
            self.send(200, data, headers)

    @property
    def routes(self) -> list:
        return [("GET HEAD", r"/(.+)", _Handler.file)]

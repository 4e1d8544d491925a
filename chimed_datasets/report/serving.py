"""The report's page over all rows, served to this machine's own browser.

It listens on 127.0.0.1 alone. Each address begins with a token that is drawn at random for each
run: another user of the machine, or a page of another site, does not know it. There are one page
and four questions, no files: a path leads nowhere. Only GET is answered.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from ..built.check_list import Checked, checked
from ..built.dataset import Built
from ..errors import ChimedError, ReportError
from ..lang import _
from .page import page_of_all
from .whole import DROP_KEYS, ROW_KEYS, Whole

HOST = "127.0.0.1"
MOST = 100
"""Records that one answer has."""
LONGEST = 4_000
"""Characters of an address."""
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Server:
    """The page of a build and the answers to it. ``address`` opens it.

    port: 0 for any that is free. Raises :class:`ReportError` where it is in use or DuckDB is not
    installed, and :class:`InvalidDataset` for a build that names files outside its folder.
    """

    def __init__(self, built: Built, port: int = 0) -> None:
        self.whole = Whole(built)
        self.html = page_of_all(built, built.statistics()).encode()
        self.token = secrets.token_urlsafe(24)
        self.checks: list[Checked] | None = None
        self._checking = threading.Thread(target=self._check, args=[built], daemon=True)
        try:
            self.http = _Http((HOST, port), _handler(self))
        except (OSError, OverflowError) as error:
            self.whole.close()
            raise ReportError(
                _("{host}:{port} cannot be listened on: {error}.").format(
                    host=HOST, port=port, error=error
                )
            ) from None
        self.port = self.http.server_port
        self.address = f"http://{HOST}:{self.port}/{self.token}/"

    def run(self) -> None:
        """Answer until :meth:`close` is called."""
        self._checking.start()
        self.http.serve_forever(poll_interval=0.2)

    def close(self) -> None:
        """Stop answering."""
        self.http.shutdown()
        self.http.server_close()
        self.whole.close()

    def _check(self, built: Built) -> None:
        try:
            self.checks = checked(built)
        except (ChimedError, OSError) as error:
            self.checks = [Checked("the checks ran to their end", False, "", [str(error)])]

    def answer(self, what: str, asked: dict[str, str]) -> Any:
        """Return the answer to a question of page.js, as JSON can hold it; None: there is none."""
        name = asked.get("list", "")
        if what == "checks":
            told = [check._asdict() for check in self.checks or ()]
            return {"done": self.checks is not None, "checks": told}
        if what == "get":
            return {"found": self.whole.get(name, asked.get("id", ""), asked.get("config", ""))}
        if name not in ("rows", "drops"):
            return None
        keys = ROW_KEYS if name == "rows" else DROP_KEYS
        state = {key: asked[key] for key in ("q", *keys) if asked.get(key)}
        if what == "counts":
            return self.whole.counts(name, state)
        if what == "find":
            start, most = (_number(asked.get(key, "0")) for key in ("from", "most"))
            return self.whole.find(name, state, start, min(most, MOST)).as_dict()
        return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that has gone on hangs up: that is no news."""


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "chimed", ""
        protocol_version = "HTTP/1.1"
        timeout = 60

        def do_GET(self) -> None:
            hosts = (f"{HOST}:{server.port}", f"localhost:{server.port}")
            if self.headers.get("Host") not in hosts:  # a name of another's that leads here
                self._send(HTTPStatus.FORBIDDEN, b"another host\n")
                return
            address = urlsplit(self.path)
            __, token, *rest = (address.path + "/").split("/")
            if len(self.path) > LONGEST or not _same(token, server.token):
                self._send(HTTPStatus.NOT_FOUND, b"not here\n")
                return
            path = "/".join(rest).rstrip("/")
            if path == "":
                self._send(HTTPStatus.OK, server.html, "text/html; charset=utf-8")
                return
            what = path.removeprefix("api/")
            if path == what:
                self._send(HTTPStatus.NOT_FOUND, b"not here\n")
                return
            self._answer(what, dict(parse_qsl(address.query, max_num_fields=30)))

        def _answer(self, what: str, asked: dict[str, str]) -> None:
            try:
                found = server.answer(what, asked)
            except Exception as error:  # the page shows it, whatever it is
                line = " ".join(str(error).split())[:300] or type(error).__name__
                self._send(HTTPStatus.INTERNAL_SERVER_ERROR, f"{line}\n".encode())
                return
            if found is None:
                self._send(HTTPStatus.NOT_FOUND, b"no such question\n")
            else:
                option = orjson.OPT_SERIALIZE_NUMPY
                self._send(HTTPStatus.OK, orjson.dumps(found, option=option), "application/json")

        def _send(self, status: HTTPStatus, body: bytes, kind: str = "text/plain") -> None:
            self.send_response(status)
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """An address holds the token and what was searched for: nothing is written down."""

    return Handler


def _same(one: str, other: str) -> bool:
    """Tell whether two texts are the same, in a time that does not depend on where they differ."""
    digests = (hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in (one, other))
    return secrets.compare_digest(*digests)

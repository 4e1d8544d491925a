"""What the hubs on this machine share: a server over HTTP whose requests can be made to fail."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Fault:
    method: str
    path: str
    what: int | str
    times: int
    headers: dict[str, str]


class Server:
    """What a server remembers. ``requests``: "METHOD /path" of each; ``sent``: path -> bytes of
    each answer that it began to send, in the order of the requests."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.sent: dict[str, list[int]] = {}
        self.faults: list[Fault] = []
        self.lock = threading.Lock()
        self.stop_stalling = threading.Event()
        self.endpoint = ""

    def fail(
        self,
        method: str,
        path: str,
        what: int | str,
        times: int = 1,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Answer the next ``times`` requests whose path matches with a status (and headers), or
        "cut" the connection, or do what is asked and cut it then ("late"); or end it in the middle
        of the answer ("half"), or reset it there ("reset") or send nothing more
        until ``stop_stalling`` ("stall"), or send other bytes ("lie") or one too many ("more")."""
        self.faults.append(Fault(method, path, what, times, headers or {}))

    def fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.method == method and fault.times and re.search(fault.path, path):
                    fault.times -= 1
                    return fault
        return None

    def bytes_of(self, pattern: str) -> int:
        """Return how many bytes of files whose path matches were sent."""
        return sum(sum(sizes) for path, sizes in self.sent.items() if re.search(pattern, path))


_S = TypeVar("_S", bound=Server)


@contextmanager
def serving(state: _S, handler: type[Handler]) -> Iterator[_S]:
    """Answer requests by ``handler`` until the end of the block; sets ``state.endpoint``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (handler,), {"state": state}))
    server.daemon_threads = True
    state.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Finds the route of a request. ``routes``: methods, pattern of the path, what answers."""

    state: Any
    routes: Any
    protocol_version = "HTTP/1.1"

    def log_message(self, *told: object) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    # --- what comes in and goes out ---------------------------------------------------------

    def _any(self) -> None:
        self.path, _, query = self.path.partition("?")
        self.path = unquote(urlsplit(self.path).path)
        self.query = parse_qs(query)
        self.state.requests.append(f"{self.command} {self.path}")
        fault = self.state.fault(self.command, self.path)
        self.what = what = fault and fault.what
        self.late = what == "late"
        length = int(self.headers.get("Content-Length") or 0)
        if what == "cut":
            self.rfile.read(length // 2)
            self.close_connection = True
            self.connection.shutdown(2)
            return
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            self.body = self._chunks()
        else:
            self.body = self.rfile.read(length)
        if isinstance(what, int):
            told = {"Content-Type": "application/json", **fault.headers}
            self.send(what, b'{"error": "as the test asked"}', told)
            return
        for method, pattern, answer in self.routes:
            found = re.fullmatch(pattern, self.path)
            if found and self.command in method.split():
                answer(self, *found.groups())
                return
        self.error(404, "EntryNotFound", f"no such address: {self.command} {self.path}")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _any

    def _chunks(self) -> bytes:
        out = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            out += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return out

    def send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        if self.late:
            self.close_connection = True
            self.connection.shutdown(2)
            return
        data += b"x" if self.what == "more" and self.command == "GET" else b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.what == "lie" and data:
            data = bytes([data[0] ^ 1]) + data[1:]
        broken = self.what in ("half", "reset", "stall")
        data = data[: len(data) // 2] if broken else data
        if status < 300:
            self.state.sent.setdefault(self.path, []).append(len(data))
        self.wfile.write(data)
        if broken:
            self.wfile.flush()
            time.sleep(0.05)  # a reset takes away what was not read yet
            if self.what == "stall":
                self.state.stop_stalling.wait(60)
            self.close_connection = True
            if self.what == "reset":
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.rfile.close()
                os.close(self.connection.detach())
            else:
                self.connection.shutdown(2)

    def json(self, content: object, status: int = 200) -> None:
        self.send(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def error(self, status: int, code: str, message: str) -> None:
        self.json({"error": message, "code": code}, status)

    def send_part(self, data: bytes, headers: dict[str, str]) -> None:
        """Send a file, or the bytes of it that the request asks for."""
        status = 200
        wanted = self.headers.get("If-Range")
        same = wanted in (None, headers.get("ETag"), headers.get("Last-Modified"))
        asked = self.headers.get("Range") or "" if same else ""
        if found := re.fullmatch(r"bytes=(\d+)-(\d*)", asked):
            start, end = int(found[1]), int(found[2] or len(data) - 1)
            end = min(end, len(data) - 1)
            headers = {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}"}
            data, status = data[start : end + 1], 206
        self.send(status, data, headers)

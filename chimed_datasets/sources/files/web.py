"""Files on the web: what a server says of one, and its bytes from any place on.

The session is that of fsspec's own file system, with all that a user set for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fsspec
from fsspec.asyn import sync

from ...lang import _
from .far import Changed, Far, passing, status_of

_SILENCE = 60  # seconds without a byte
_BLOCK = 1024 * 1024


def is_web(address: str) -> bool:
    return address.startswith(("http://", "https://")) and "::" not in address


def about(address: str) -> Far:
    """Return what the server says of a file. Raises FileNotFoundError, and errors of the client."""
    try:
        headers = _headers(address, "HEAD")
        if headers.get("Content-Length", "0") == "0":  # so say some that know only when they send
            headers = _headers(address, "GET")
    except Exception as error:
        # Some let a file be read but not be asked about: signed addresses, scripts.
        if passing(error) or not (isinstance(error, FileNotFoundError) or status_of(error)):
            raise
        headers = _headers(address, "GET")
    etag, date = headers.get("ETag", ""), headers.get("Last-Modified", "")
    encoded = headers.get("Content-Encoding", "identity") != "identity"
    told = headers.get("Content-Length", "")
    size = int(told) if told.isdecimal() and not encoded else None
    strong = etag if etag and not etag.startswith("W/") else date
    version = _version(headers)
    return Far(address, f"{version} {size}" if version else "", size, etag=strong)


def _headers(address: str, method: str) -> Any:
    with _asked(address, method, {}) as response:
        return response.headers


def _version(headers: Any) -> str:
    """Return what changes with a file. What says that an ETag is weak does not: servers and what
    stands before them differ in that for the same file."""
    return str(headers.get("ETag", "").removeprefix("W/") or headers.get("Last-Modified", ""))


@contextmanager
def _asked(address: str, method: str, headers: dict[str, str]) -> Iterator[Any]:
    from fsspec.implementations import http  # slow

    fs, __ = fsspec.url_to_fs(address)

    async def ask() -> Any:
        session = await fs.set_session()
        own = dict(fs.kwargs)
        silence = http.aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=_SILENCE)
        every = {**own.pop("headers", {}), "Accept-Encoding": "identity", **headers}
        options = {"timeout": silence, **own, "headers": every}
        response = await session.request(
            method, fs.encode_url(address), allow_redirects=True, **options
        )
        if response.status in (404, 410):
            response.close()
            raise FileNotFoundError(address)
        if response.status >= 400:
            response.close()
            response.raise_for_status()
        return response

    async def close() -> None:
        response.close()

    response = sync(fs.loop, ask)
    try:
        yield response
    finally:
        sync(fs.loop, close)


@contextmanager
def blocks(far: Far, start: int) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Yield where the bytes begin that come (``start``, or 0 where the server sends only the whole)
    and the bytes. Raises errors of the client."""
    headers = {"Range": f"bytes={start}-"} if start else {}
    if start and far.etag:
        headers["If-Range"] = far.etag
    fs, __ = fsspec.url_to_fs(far.address)
    with _asked(far.address, "GET", headers) as response:
        encoded = response.headers.get("Content-Encoding", "identity") != "identity"
        part = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        begins = start if response.status == 206 and part and not encoded else 0
        if begins and _version(response.headers) != far.version.rpartition(" ")[0]:
            raise Changed(_("it changed while it was fetched"))

        def each() -> Iterator[bytes]:
            while block := sync(fs.loop, response.content.read, _BLOCK):
                yield block

        yield begins, each()

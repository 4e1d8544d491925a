"""A file at an address: what its server says of it, and what it may answer when it is asked."""

from __future__ import annotations

import email.utils
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ...lang import _

LONGEST_WAIT = 120.0
"""Seconds. A server that asks for a longer rest is left for another run."""
PAUSES = [1.0, 2.0, 4.0, 8.0, 16.0]
"""Seconds between tries that bring nothing new."""
_BUFFER = 1024 * 1024


class OnHub(NamedTuple):
    """Where a file lies on the Hub of huggingface_hub. kind: of the repository, "dataset" and the
    like. commit: the full hash."""

    kind: str
    repo: str
    commit: str
    path: str


@dataclass(frozen=True)
class Far:
    """A file at an address, as its server tells of it.

    address: as the recipe's user knows it; errors name it.
    version: what changes when the file does (a commit, an ETag, a hash), "" where the server says
             nothing like it.
    size:    bytes, None where they are not told.
    sha256:  hex, "" where it is not told.
    blob:    git's sha1 of the file (hex), "" where it is not told.
    etag:    what ``If-Range`` takes, on the web: a strong ETag or a date, or "".
    hub:     where it lies on the Hub, or None.
    """

    address: str
    version: str = ""
    size: int | None = None
    sha256: str = ""
    blob: str = ""
    etag: str = ""
    hub: OnHub | None = None


class Digests(NamedTuple):
    """Hashes of a file (hex). blob: git's sha1. pointer: git's sha1 of the pointer that stands for
    the file in a repository with Git LFS."""

    size: int
    sha256: str
    blob: str
    pointer: str


_known: dict[tuple[str, int, int], Digests] = {}


def digests(path: str | Path) -> Digests:
    """Return the hashes of a local file. One that has not changed is read once a process."""
    with open(path, "rb") as stream:
        stat = os.fstat(stream.fileno())
        key = (os.path.realpath(path), stat.st_size, stat.st_mtime_ns)
        if key in _known:
            return _known[key]
        whole, blob = hashlib.sha256(), _git(stat.st_size)
        size = 0
        while block := stream.read(_BUFFER):
            whole.update(block)
            blob.update(block)
            size += len(block)
    text = (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{whole.hexdigest()}\nsize {size}\n"
    )
    pointer = _git(len(text))
    pointer.update(text.encode())
    found = Digests(size, whole.hexdigest(), blob.hexdigest(), pointer.hexdigest())
    _known[key] = found
    return found


def _git(size: int) -> Any:
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def differs(far: Far, found: Digests) -> str:
    """Return how a file is not what its server says of it, or ""."""
    if far.blob and far.blob == found.pointer:  # size and hash are those of its pointer
        return ""
    if far.size is not None and far.size != found.size:
        return _("{size:,} bytes, stated are {stated:,}").format(size=found.size, stated=far.size)
    if far.sha256 and far.sha256 != found.sha256:
        return _("its sha256 is {found}…, stated is {stated}…").format(
            found=found.sha256[:16], stated=far.sha256[:16]
        )
    if far.blob and far.blob != found.blob:
        return _("its git hash is {found}…, stated is {stated}…").format(
            found=found.blob[:16], stated=far.blob[:16]
        )
    return ""


# --- what a server answers -------------------------------------------------------------------


class Passing(OSError):
    """A fault that may pass. wait: seconds that the server asks for, None where it asks for none.
    reached: whether it answered at all."""

    def __init__(self, what: str, wait: float | None = None, reached: bool = True) -> None:
        super().__init__(what)
        self.wait, self.reached = wait, reached


class Changed(Passing):
    """A file is no longer the one of which a part came."""


_STATUSES = (408, 425, 429, 500, 502, 503, 504)
# The clients beneath fsspec are not ours to import: their errors are known by name.
_UNREACHED = {"ConnectError", "ConnectTimeout", "ProxyError", "ClientConnectorError", "gaierror",
              "OfflineModeIsEnabled", "ConnectionRefusedError", "NewConnectionError"}  # fmt: skip
_BROKEN = {"TransportError", "ClientConnectionError", "ClientPayloadError", "ChunkedEncodingError",
           "ConnectionError", "Timeout", "TimeoutError", "ProtocolError"}  # fmt: skip


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that an error of any client tells of, or None."""
    response = getattr(error, "response", None)
    for status in (
        getattr(error, "status", None),
        getattr(error, "status_code", None),
        getattr(response, "status_code", None),
    ):
        if isinstance(status, int) and status:
            return status
    return None


def passing(error: BaseException) -> Passing | None:
    """Return the fault that an error of any client stands for, or None where it will not pass."""
    if isinstance(error, Passing):
        return error
    if status := status_of(error):
        headers = getattr(error, "headers", None) or getattr(
            getattr(error, "response", None), "headers", None
        )
        if status in _STATUSES:
            answers = _("the server answers {status}").format(status=status)
            return Passing(answers, retry_after(headers or {}))
        return None
    one: BaseException | None = error
    while one is not None:  # a file system may hide what happened behind an error of its own
        names = {kind.__name__ for kind in type(one).__mro__}
        if names & (_UNREACHED | _BROKEN):
            reached = not names & _UNREACHED and "gaierror" not in str(one)
            if "OfflineModeIsEnabled" in names:
                return Passing(_("HF_HUB_OFFLINE is set"), reached=False)
            what = _("the server cannot be reached ({error})")
            if reached:
                what = _("the connection broke ({error})")
            return Passing(what.format(error=type(one).__name__), reached=reached)
        one = one.__cause__
    return None


def retry_after(headers: Any) -> float | None:
    """Return the seconds of a Retry-After, or of a date in it; None where there is none."""
    text = str(headers.get("Retry-After") or headers.get("retry-after") or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, IndexError):
        return None


_T = TypeVar("_T")


def patiently(call: Callable[[], _T], tries: int = 4) -> _T:
    """Return what ``call`` returns. A fault that may pass is waited for; a server that is not
    there, or that asks for a long rest, is not. Raises :class:`Passing` then."""
    for number in range(tries):
        try:
            return call()
        except Exception as error:
            fault = passing(error)
            if fault is None:
                raise
            last = number == tries - 1
            if last or not fault.reached or (fault.wait or 0) > LONGEST_WAIT:
                raise fault from error
            time.sleep(fault.wait if fault.wait is not None else PAUSES[number])
    raise AssertionError("unreachable")

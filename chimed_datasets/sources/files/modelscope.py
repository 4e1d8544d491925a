"""Files of datasets on ModelScope, as a file system of fsspec that reads.

An address is ``modelscope://OWNER/NAME[@REVISION][/PATH]``; without a revision it is ``master``. A
slash in a revision is written ``%2F``.
`modelscope_hub`, the client of the package `modelscope`, speaks to the server; it knows the token
and the site. A file that is opened is read in parts of 8 MiB, each asked for by its place.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import unquote

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from ...errors import broken_extra
from ...lang import _
from . import far as fars
from .far import Passing, passing

PROTOCOL = "modelscope"
_PART = 8 * 1024 * 1024
_BUFFER = 1024 * 1024
_BLOCK = 64 * 1024
"""Of a block that is cut the client hands on nothing."""
_TRIES = 4


class _Place(NamedTuple):
    """A path taken apart: ``repo`` is OWNER/NAME, ``path`` is "" for the repository itself."""

    repo: str
    revision: str
    path: str


class _Entry(NamedTuple):
    """What ModelScope says of a file. version, sha256: "" where it does not tell them."""

    size: int
    version: str
    sha256: str


class ModelScopeFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The files of all datasets on ModelScope that the user may read.

    A repository is listed once; a later address is looked up anew.
    """

    protocol = PROTOCOL
    root_marker = ""
    cachable = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._api: Any = None
        self._trees: dict[tuple[str, str], dict[str, _Entry]] = {}

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        return str(path).removeprefix(f"{PROTOCOL}:").strip("/")

    @property
    def api(self) -> Any:
        """The client. Raises :class:`ImportError` where it is not installed."""
        if self._api is None:
            try:
                from modelscope_hub import HubApi, HubConfig
            except ImportError as error:
                raise ImportError(broken_extra(error, "modelscope")) from None
            if "MODELSCOPE_LOG_LEVEL" not in os.environ:  # it tells of every page of a listing
                logging.getLogger("modelscope_hub").setLevel(logging.CRITICAL)
            self._api = HubApi(HubConfig())
        return self._api

    def _tree(self, place: _Place) -> dict[str, _Entry]:
        """Return what is told of each file of a revision."""
        key = (place.repo, place.revision)
        if key not in self._trees:
            files = self._asked(
                place,
                lambda: self.api.list_repo_files(place.repo, "dataset", revision=place.revision),
            )
            self._trees[key] = {file.path: _entry(file) for file in files if not file.is_dir}
        return self._trees[key]

    def _asked(self, place: _Place, call: Any) -> Any:
        """Return what ``call`` returns; errors of the client become those of a file system."""
        for number in range(_TRIES):
            try:
                return call()
            except Exception as error:
                fault = self._fault(place, error)
                if not isinstance(fault, Passing) or number == _TRIES - 1:
                    raise fault from None
                time.sleep(fault.wait if fault.wait is not None else fars.PAUSES[number])
        raise AssertionError("unreachable")

    def _fault(self, place: _Place, error: Exception) -> Exception:
        """Return what an error of the client is for a file system."""
        site = self.api.legacy.endpoint
        from modelscope_hub import errors

        if isinstance(error, errors.NotExistError):
            return FileNotFoundError(f"{place.repo}@{place.revision}/{place.path}")
        if isinstance(error, errors.AuthenticationError | errors.PermissionDeniedError):
            denied = _(
                "{site} does not let you read {repo} ({status}): run `modelscope login`, or set "
                "MODELSCOPE_API_TOKEN"
            )
            return PermissionError(
                denied.format(site=site, repo=place.repo, status=error.status_code)
            )
        if isinstance(error, errors.APIError):
            what = _("{site} answers {status}").format(site=site, status=error.status_code)
            wait = getattr(error, "retry_after", None)
            return Passing(what, wait) if error.retryable or passing(error) else OSError(what)
        if isinstance(error, errors.NetworkError | OSError) or passing(error):
            broke = _("the connection to {site} broke ({error})")
            return Passing(broke.format(site=site, error=type(error).__name__))
        return error

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """Return name, type and size (bytes; 0 for a folder) of a file or a folder."""
        name = self._strip_protocol(path)
        place = _taken_apart(name)
        tree = self._tree(place)
        if place.path in tree:
            return {"name": name, "type": "file", **tree[place.path]._asdict()}
        if not place.path or any(file.startswith(f"{place.path}/") for file in tree):
            return {"name": name, "type": "directory", "size": 0}
        raise FileNotFoundError(path)

    def isfile(self, path: str) -> bool:
        return self._kind(path) == "file"

    def isdir(self, path: str) -> bool:
        return self._kind(path) == "directory"

    def _kind(self, path: str) -> str:
        """Return the type of what is there, or "". fsspec's own takes any fault for an absence."""
        try:
            return str(self.info(path)["type"])
        except FileNotFoundError:
            return ""

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        """Return what is in a folder, or the one file that ``path`` is."""
        here = self.info(path)
        found = {here["name"]: here}
        if here["type"] == "directory":
            place = _taken_apart(here["name"])
            start = f"{place.path}/" if place.path else ""
            inside = (f for f in self._tree(place) if f.startswith(start))
            names = {f[len(start) :].partition("/")[0] for f in inside}
            found = {n: self.info(n) for n in sorted(f"{here['name']}/{name}" for name in names)}
        return list(found.values()) if detail else list(found)

    def _open(self, path: str, mode: str = "rb", **options: Any) -> _File:
        if mode != "rb":
            raise NotImplementedError("files on ModelScope are read here, not written")
        return _File(self, path, size=self.size_of(path), block_size=_PART)

    def size_of(self, path: str) -> int:
        """Return the bytes of a file. It asks for the first one rather than list a repository."""
        place = _taken_apart(self._strip_protocol(path))
        if (place.repo, place.revision) in self._trees:
            return int(self.info(path)["size"])
        headers = self._asked(place, lambda: self._part(place, 0, 1))[1]
        found = re.fullmatch(r"bytes \d+-\d+/(\d+)", headers.get("Content-Range", ""))
        size = found[1] if found else headers.get("Content-Length")
        return int(size if size is not None else self.info(path)["size"])

    @contextmanager
    def blocks(self, path: str, start: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Yield where the bytes of a file begin that come (``start``, or 0 where it comes whole),
        and the bytes. Nothing is tried again: a fault that may pass is :class:`.far.Passing`."""
        place = _taken_apart(self._strip_protocol(path))
        asked = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        try:
            answer = self.api.legacy.download_stream(
                place.repo, "dataset", place.path, place.revision, headers=asked
            )
        except Exception as error:
            raise self._fault(place, error) from None

        def each() -> Iterator[bytes]:
            try:
                yield from answer.iter_content(_BLOCK)
            except Exception as error:
                raise self._fault(place, error) from None

        with answer:
            yield start if answer.status_code == 206 else 0, each()

    def part(self, path: str, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` to ``end``; a connection that breaks is made anew."""
        place = _taken_apart(self._strip_protocol(path))
        content: bytes = self._asked(place, lambda: self._part(place, start, end))[0]
        return content

    def _part(self, place: _Place, start: int, end: int) -> tuple[bytes, Any]:
        """Return bytes of a file and the headers of the answer."""
        asked = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        answer = self.api.legacy.download_stream(
            place.repo, "dataset", place.path, place.revision, headers=asked
        )
        with answer:
            skip = 0 if answer.status_code == 206 else start  # a small file may come whole
            content = bytearray()
            for block in answer.iter_content(_BUFFER):
                content += block[skip:]
                skip = max(0, skip - len(block))
                if len(content) >= end - start:
                    break
            return bytes(content[: end - start]), answer.headers


class _File(AbstractBufferedFile):  # type: ignore[misc]
    """One file, read in parts."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        content: bytes = self.fs.part(self.path, start, end)
        if len(content) != end - start:
            ends = _("it ends at byte {at:,} of {size:,}")
            raise OSError(ends.format(at=start + len(content), size=self.size))
        return content


def with_slashes(path: str) -> str:
    """Return ``modelscope:OWNER/NAME`` as fsspec reads it; any other path as it is."""
    start = f"{PROTOCOL}:"
    if path.startswith(start) and not path.startswith(f"{start}//"):
        return f"{start}//{path.removeprefix(start)}"
    return path


def _entry(file: Any) -> _Entry:
    sha256 = (file.sha256 or "").lower()
    version = sha256 or (f"{file.last_modified} {file.size}" if file.last_modified else "")
    return _Entry(int(file.size), version, sha256)


def _taken_apart(path: str) -> _Place:
    owner, __, rest = path.partition("/")
    name, __, inside = rest.partition("/")
    name, __, revision = name.partition("@")
    if not owner or not name:
        raise ValueError(f"{path!r}: an address reads modelscope:OWNER/NAME[@REVISION]/PATH")
    return _Place(f"{owner}/{name}", unquote(revision) or "master", inside)

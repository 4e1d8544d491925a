"""The members of RAR and 7z archives, by the machine's libarchive."""

from __future__ import annotations

import contextlib
import io
import locale
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from ...errors import SourceError, broken_extra
from ...lang import _
from .opening import BUFFER, SourceFile


def safe(archive: SourceFile, name: str) -> str:
    """Return the name of a member. Raises :class:`SourceError` for one that leads outside."""
    path = PurePosixPath(name.replace("\\", "/"))
    drive = bool(path.parts) and path.parts[0][1:2] == ":"
    if path.is_absolute() or ".." in path.parts or drive:
        raise SourceError(
            _("{name}: member {name_2!r} leads outside the archive.").format(
                name=archive.name, name_2=name
            )
        )
    return str(path)


def _library(name: str) -> Any:
    """Return libarchive-c. Raises :class:`SourceError` where it, or what it stands on, is not
    there. name: of the file that needs it."""
    try:
        import libarchive
    except ModuleNotFoundError as error:
        what = broken_extra(error, "office")
        raise SourceError(_("{name}: {what}.").format(name=name, what=what)) from None
    except (ImportError, OSError, AttributeError, TypeError):  # it finds no library
        raise SourceError(
            _(
                "{name}: reading RAR and 7z takes libarchive, which this machine lacks: install "
                "it (apt install libarchive13, brew install libarchive), or unpack the file "
                "yourself."
            ).format(name=name)
        ) from None
    return libarchive


def members(archive: SourceFile, path: str) -> Iterator[tuple[str, BinaryIO]]:
    """Yield (name, content) of each member of the archive at the local ``path``.

    Raises :class:`SourceError` for one that is damaged or needs a password, for a member that is
    a link or a device, and where libarchive is not there.
    """
    library = _library(archive.name)
    with (
        _told(archive, library.ArchiveError),
        _names_as_utf8(),
        library.file_reader(path) as opened,
    ):
        for entry in opened:
            if entry.isdir:
                continue
            name = safe(archive, _name(entry.pathname, archive))
            if not entry.isfile or entry.islnk or entry.issym:
                raise SourceError(
                    _("{name}: member {name_2!r} is a link or a device.").format(
                        name=archive.name, name_2=name
                    )
                )
            content: Any = _Member(entry.get_blocks(BUFFER), archive, library.ArchiveError)
            yield name, io.BufferedReader(content, BUFFER)


@contextlib.contextmanager
def _told(archive: SourceFile, kind: type[Exception]) -> Iterator[None]:
    """Turn an error of libarchive, of the class ``kind``, into one line that names the file."""
    try:
        yield
    except kind as error:
        told = " ".join(str(getattr(error, "msg", None) or error).split())[:200]
        if any(word in told.lower() for word in ("encrypt", "passphrase", "password")):
            said = _("{name}: it needs a password; unpack it yourself.")
        else:
            said = _("{name}: cannot be read ({reason}).")
        raise SourceError(said.format(name=archive.name, reason=told)) from None


def _name(name: str | bytes | None, archive: SourceFile) -> str:
    """Return a member's name; bytes are UTF-8, or Chinese of an old program."""
    if isinstance(name, str):
        return name
    if not name:
        raise SourceError(
            _("{name}: a member has no name that can be read.").format(name=archive.name)
        )
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("gb18030", "replace")


@contextlib.contextmanager
def _names_as_utf8() -> Iterator[None]:
    """Let names be Chinese where the locale of the process knows none: libarchive asks it."""
    before = locale.setlocale(locale.LC_CTYPE)
    changed = "utf" not in before.lower()
    if changed:
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    try:
        yield
    finally:
        if changed:
            locale.setlocale(locale.LC_CTYPE, before)


class _Member(io.RawIOBase):
    """A member's bytes, block by block. kind: the class of what may go wrong."""

    def __init__(self, blocks: Iterator[bytes], archive: SourceFile, kind: type[Exception]) -> None:
        self.blocks, self.left, self.archive, self.kind = blocks, b"", archive, kind

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.left:
            with _told(self.archive, self.kind):
                block = next(self.blocks, None)
            if block is None:
                return 0
            self.left = block
        size = min(len(buffer), len(self.left))
        buffer[:size] = self.left[:size]
        self.left = self.left[size:]
        return size

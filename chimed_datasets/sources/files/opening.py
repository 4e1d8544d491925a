"""One file of a source, local or remote: its bytes, unfolded within bounds, and its name."""

from __future__ import annotations

import glob
import hashlib
import io
import lzma
import os
import shutil
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

import fsspec
import pyarrow as pa

from ...errors import ChimedError, SourceError
from ...lang import _
from . import cache
from .far import Far, digests
from .looks import HEAD, Look, compression_of, is_pointer, look
from .parts import Part

fsspec.register_implementation(
    "modelscope", f"{__package__}.modelscope.ModelScopeFileSystem", clobber=True
)

COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".xz": "xz"}
_COMPRESSED = tuple(COMPRESSIONS)
BY_LIBARCHIVE = (".rar", ".7z")
ARCHIVES = (
    ".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tzst", *(f".tar{c}" for c in COMPRESSIONS),
    *BY_LIBARCHIVE,
)  # fmt: skip

MAX_RATIO = 200
"""Text compresses some 3 to 40 times; a bomb a thousand times and more."""
RATIO_FLOOR = 256 * 1024 * 1024
"""Bytes out below which the ratio does not matter: they do no harm."""
MAX_BYTES = 256 * 1024**3
"""Bytes that one compressed file or archive may become."""
BUFFER = 1024 * 1024
_TO_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)  # Windows
SMALL = 256 * 1024
"""A file of this machine up to this size is read in one piece: of many such files most of the time
goes into opening and buffers."""


class Begun(NamedTuple):
    """A file whose first bytes were looked at.

    stream:      all its bytes, decompressed.
    compression: a key of :data:`COMPRESSIONS`, "" where it is not compressed.
    look:        what it is that is no text, or None.
    """

    stream: BinaryIO
    compression: str
    look: Look | None


@dataclass(frozen=True)
class SourceFile:
    """One file of a source.

    name: its path relative to the source's ``path`` (archive name and member for an archive),
          with ``/``; it is part of every record's key, so it must not depend on the machine.
    url:  where its bytes are, for fsspec (a plain path for a local file).
    size: bytes as stored.
    takes: the kinds of files beside text (see :mod:`.looks`) that its reader takes; None where
          anything is to be opened as it is.
    far:  what its server says of it, where it is at an address whose files are kept here.
    copy: where its bytes lie on this machine, for one that was fetched; else "".
    part: the part of it that is read; None for all.
    unfolded: where its decompressed bytes lie while a build reads them; else "".
    """

    name: str
    url: str
    size: int
    takes: tuple[str, ...] | None = field(default=None, compare=False, repr=False)
    far: Far | None = field(default=None, compare=False, repr=False)
    copy: str = field(default="", compare=False, repr=False)
    part: Part | None = None
    unfolded: str = field(default="", compare=False, repr=False)

    @property
    def is_away(self) -> bool:
        """Whether its bytes come over the network as they are read."""
        return is_remote(self.url) and not self.copy

    @property
    def faults(self) -> tuple[type[Exception], ...]:
        """What may go wrong where its bytes are; see :func:`faults`."""
        return faults(self.url) if self.is_away else ()

    def stored(self) -> BinaryIO:
        """Open the bytes as stored, or those that they were unfolded to."""
        if self.unfolded:
            return open(self.unfolded, "rb")
        if self.copy and self.far and not os.path.exists(self.copy):
            return open(cache.fetch(self.far), "rb")  # on another machine, or it was cleared
        if not self.copy and self.far and (kept := cache.at_hand(self.far)):
            return open(kept, "rb")
        return open_stored(self.copy or self.url)

    def local(self, place: Path) -> str:
        """Return the path of its bytes on this machine; those that are not kept are copied to
        ``place``."""
        if self.far is not None:
            return str(cache.fetch(self.far))
        if not self.is_away:
            return self.copy or self.url
        with open_stored(self.url) as stream, open(place, "wb") as out:
            shutil.copyfileobj(stream, out, BUFFER)
        return str(place)

    def stamp(self) -> tuple[int, int]:
        """Return bytes and time of change (ns) as they are now; 0 and 0 for a remote file."""
        if is_remote(self.url):
            return 0, 0
        try:
            stat = os.stat(self.url)
        except OSError:
            with explained(self.name):
                raise
        return stat.st_size, stat.st_mtime_ns

    def small(self) -> bytes | None:
        """Return the bytes as stored of a file of this machine with at most :data:`SMALL` of them;
        None for any other file, and for one that is not what it was when it was found. Raises
        ``OSError``."""
        if (
            not 0 < self.size <= SMALL
            or self.part
            or self.unfolded
            or self.copy
            or self.far
            or is_remote(self.url)
        ):
            return None
        opened = os.open(self.url, _TO_READ)  # half the time of a stream
        try:
            data = os.read(opened, self.size + 1)
        finally:
            os.close(opened)
        return data if len(data) == self.size else None

    def open(self) -> BinaryIO:
        """Open the decompressed bytes. Raises :class:`SourceError` here or while reading, and
        :class:`NotTaken` for a file that its reader does not take.

        Where it is known what the reader takes, a file is decompressed by its content, whatever
        its name says.
        """
        with explained(self.name, (*BROKEN, *self.faults)):
            if self.takes is None:
                raw = self.stored()
                suffix = "" if self.unfolded else compression(self.name)
                return decompressed(raw, suffix, self.name, self.size)
            begun = self.begun()
            if begun.look is not None and begun.look.kind not in self.takes:
                begun.stream.close()
                raise NotTaken(self.name, begun.look)
            return begun.stream

    def plain(self) -> bytes | None:
        """Return what a small file holds (see :meth:`small`); None where it is to be opened: it is
        compressed, cannot be read, or its reader may not take it."""
        with suppress(OSError):
            data = self.small()
            if data is not None and not self._suffix(head := data[:HEAD]):
                return data if self.takes is None or look(head) is None else None
        return None

    def begun(self) -> Begun:
        """Open the bytes, decompressed by their content, and say what they are. Raises
        :class:`SourceError`."""
        with explained(self.name, (*BROKEN, *self.faults)), ExitStack() as opened:
            data = self.small()
            if data is not None and not self._suffix(data[:HEAD]):
                whole: Any = io.BytesIO(data)
                return Begun(_buffered(whole), "", look(data[:HEAD]))
            begun = opened.enter_context(_buffered(self.stored()))
            suffix = self._suffix(begun.peek(HEAD))
            unfolded = decompressed(begun, suffix, self.name, self.size)
            stream = opened.enter_context(_buffered(unfolded))
            found = look(stream.peek(HEAD)[:HEAD])
            opened.pop_all()
            return Begun(stream, suffix, found)

    def _suffix(self, head: bytes) -> str:
        """Return a key of :data:`COMPRESSIONS`, or ""."""
        if self.unfolded or is_pointer(head):  # also under the name of a compressed file
            return ""
        return compression_of(head) or compression(self.name)

    def read(self) -> bytes:
        """Return all decompressed bytes. Raises :class:`SourceError`."""
        with self.open() as stream:
            return stream.read()


def _buffered(stream: BinaryIO) -> io.BufferedReader:
    """Return ``stream`` as one whose first bytes can be looked at before they are read."""
    if isinstance(stream, io.BufferedReader):
        return stream
    unbuffered: Any = stream
    return io.BufferedReader(unbuffered, BUFFER)


class NotTaken(SourceError):
    """A file is no text, nor anything else that its reader takes.

    name: the file's. look: what it is.
    """

    def __init__(self, name: str, look: Look) -> None:
        super().__init__(_("{name}: {what}.").format(name=name, what=look.told))
        self.name, self.look = name, look

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.look)


@dataclass
class FileReport:
    """What reading one unit met: for each file the encoding found and the bytes replaced by U+FFFD;
    and how many reasoning traces there were, by their spelling."""

    encodings: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    traces: dict[str, int] = field(default_factory=dict)

    def note(self, name: str, encoding: str, replaced: int = 0) -> None:
        """Set a file's encoding and add to its count of replacements."""
        self.encodings[name] = encoding
        if replaced:
            self.replaced[name] = self.replaced.get(name, 0) + replaced

    def add(self, other: FileReport) -> None:
        """Add what reading other files, or another part of a file, met."""
        for name, encoding in other.encodings.items():
            self.note(name, encoding, other.replaced.get(name, 0))
        for spelling, count in other.traces.items():
            self.traces[spelling] = self.traces.get(spelling, 0) + count


BROKEN = (OSError, EOFError, ValueError, lzma.LZMAError, pa.ArrowException, ImportError)
"""What goes wrong with bytes that are opened and unfolded."""


@contextmanager
def explained(name: str, kinds: tuple[type[Exception], ...] = BROKEN) -> Iterator[None]:
    """Turn what goes wrong with the file ``name`` into a :class:`SourceError` that names it.

    kinds: the errors that count as the file's fault, not as ours.
    """
    try:
        yield
    except ChimedError:
        raise
    except kinds as error:
        if isinstance(error, FileNotFoundError):
            raise SourceError(_("{name}: there is no such file.").format(name=name)) from None
        if isinstance(error, ImportError):  # fsspec says what to install for a file system
            raise SourceError(_("{name}: {why}").format(name=name, why=error)) from None
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SourceError(
            _("{name}: cannot be read ({reason}).").format(name=name, reason=reason)
        ) from error


def is_remote(path: str) -> bool:
    return "://" in path


def faults(url: str) -> tuple[type[Exception], ...]:
    """Return what may go wrong at an address: every file system's client has errors of its own."""
    return (Exception,) if is_remote(url) else ()


def open_stored(url: str) -> BinaryIO:
    """Open the bytes as stored."""
    if not is_remote(url):
        return open(url, "rb")
    opened = fsspec.open(url, "rb")
    stream: BinaryIO = opened.open()
    # The file system of a chain (zip://a::file://b) closes its archive when it is collected.
    weakref.finalize(stream, _let_go, opened).atexit = False
    return stream


def _let_go(_: Any) -> None:
    """Do nothing: that it is called with something has kept that alive."""


def decompressed(raw: BinaryIO, suffix: str, name: str, size: int) -> BinaryIO:
    """Return the stream of what is in ``raw``, bounded in bytes and ratio.

    suffix: a key of :data:`COMPRESSIONS`, or another for bytes that are not compressed.
    name, size: what errors say, and the bytes that the ratio starts from.
    """
    if suffix not in COMPRESSIONS:
        return raw
    if suffix == ".xz":
        stream: Any = lzma.LZMAFile(raw)  # noqa: SIM115
    else:  # this reader notices a truncated stream in all three; that of zstandard does not
        stream = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), COMPRESSIONS[suffix])
    return io.BufferedReader(_Bounded(stream, raw, name, size), BUFFER)


class _Bounded(io.RawIOBase):
    """A decompressing stream that stops a bomb and names the file in every error."""

    def __init__(self, stream: Any, raw: BinaryIO, name: str, size: int) -> None:
        self.stream, self.raw, self.name, self.size, self.out = stream, raw, name, size, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with explained(self.name):
            data = self.stream.read(len(buffer))
        buffer[: len(data)] = data
        self.out += len(data)
        check_growth(self.name, self.size, self.out)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self.stream.close()
            self.raw.close()
        super().close()


def check_growth(name: str, stored: int, out: int) -> None:
    """Raise :class:`SourceError` where ``stored`` bytes have become too many bytes ``out``."""
    if out > MAX_BYTES:
        raise SourceError(
            _("{name}: becomes more than {max_bytes:,} bytes; unpack it yourself.").format(
                name=name, max_bytes=MAX_BYTES
            )
        )
    if out > RATIO_FLOOR and out > MAX_RATIO * max(stored, 1):
        raise SourceError(
            _(
                "{name}: {stored:,} bytes become more than {out:,} (over {max_ratio} "
                "times): taken for a decompression bomb."
            ).format(name=name, stored=stored, out=out, max_ratio=MAX_RATIO)
        )


def sha256(file: SourceFile) -> str:
    """Return the hex SHA-256 of the bytes as stored."""
    with suppress(OSError):  # which is told of below
        if (data := file.small()) is not None:
            return hashlib.sha256(data).hexdigest()
    digest = hashlib.sha256()
    with explained(file.name, (*BROKEN, *file.faults)):
        if file.copy and os.path.exists(file.copy):
            return digests(file.copy).sha256
    with explained(file.name, (*BROKEN, *file.faults)), file.stored() as stream:
        while block := stream.read(BUFFER):
            digest.update(block)
    return digest.hexdigest()


# --- names -----------------------------------------------------------------------------------


def compression(name: str) -> str:
    """Return the compression suffix of ``name``, or ""."""
    if not name.lower().endswith(_COMPRESSED):  # nearly no name needs a look at its parts
        return ""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in COMPRESSIONS else ""


def is_archive(name: str) -> bool:
    return name.lower().endswith(ARCHIVES)


def inner(name: str) -> str:
    """Return ``name`` without its compression suffix."""
    ending = compression(name)
    return name[: len(name) - len(ending)] if ending else name


def wanted(name: str, suffixes: tuple[str, ...]) -> bool:
    """Whether ``name`` has one of ``suffixes``, compression aside."""
    return inner(name).lower().endswith(suffixes)


def matches(name: str, pattern: str) -> bool:
    """Whether a file is one that ``pattern`` names: a glob of its name, or of the last parts of its
    path, compression aside.

    >>> matches("data/zh/train.jsonl.gz", "zh/*.jsonl"), matches("data/train.jsonl", "rain.jsonl")
    (True, False)
    """
    return PurePosixPath(name).match(pattern) or PurePosixPath(inner(name)).match(pattern)


@dataclass(frozen=True)
class Choice:
    """Which files of a folder or archive are read.

    suffixes: endings, compression aside, of those that a layout reads.
    patterns: globs, see :func:`matches`; where there are any, they decide and not the endings.
    """

    suffixes: tuple[str, ...]
    patterns: tuple[str, ...] = ()

    def takes(self, name: str) -> bool:
        if self.patterns:
            return any(matches(name, pattern) for pattern in self.patterns)
        return wanted(name, self.suffixes)

    @property
    def endings(self) -> tuple[str, ...]:
        """The endings that a file may have."""
        named = (PurePosixPath(inner(pattern)).suffix for pattern in self.patterns)
        return (*self.suffixes, *(end for end in named if end and not glob.has_magic(end)))

    def of_archive(self, archive: str) -> Choice:
        """Return what is read of an archive: all that the layout reads, where a pattern names the
        archive itself."""
        if any(matches(archive, pattern) for pattern in self.patterns):
            return Choice(self.suffixes)
        return self


def hidden(name: str) -> bool:
    """Whether a part of the path is a system's own: .DS_Store, ._x, __MACOSX."""
    if name.startswith(".") or "/." in name:
        return True
    return "__MACOSX" in name and "__MACOSX" in name.split("/")


def readable(name: str) -> str:
    """Return a file name that is not UTF-8 (surrogate escapes) as the Chinese it stands for."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("gb18030", "replace")
    return name

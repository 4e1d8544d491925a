"""Unpack the wanted members of an archive, safely."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ...errors import SourceError
from ...lang import N_, _, speaking
from . import libarchive
from .libarchive import safe
from .looks import HEAD, look, why_not_read
from .opening import (
    BROKEN,
    BUFFER,
    BY_LIBARCHIVE,
    SourceFile,
    check_growth,
    decompressed,
    explained,
    hidden,
    inner,
    is_archive,
    readable,
    wanted,
)

MAX_MEMBERS = 1_000_000
MAX_DEPTH = 3
"""An archive in an archive in an archive is unpacked, one in that is not."""
_DEEP = N_("it lies too deep in archives")
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, NotImplementedError)
_SHORT = {".tgz": ".gz", ".tbz2": ".bz2", ".txz": ".xz", ".tzst": ".zst"}


Passed = dict[str, str]
"""Files that are passed over: name -> why."""


@dataclass
class _Bounds:
    """What an archive has become so far, with all archives in it."""

    archive: SourceFile
    members: int = 0
    size: int = 0

    def add_member(self) -> None:
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise SourceError(
                _("{name}: more than {max_members:,} files in it.").format(
                    name=self.archive.name, max_members=MAX_MEMBERS
                )
            )

    def add(self, size: int) -> None:
        self.size += size
        check_growth(self.archive.name, self.archive.size, self.size)


def unpack(
    archive: SourceFile, folder: Path, suffixes: tuple[str, ...]
) -> tuple[list[SourceFile], Passed]:
    """Unpack the members of ``archive`` that end in ``suffixes`` into the new ``folder``, and those
    of the archives in it; return them, and the members that are passed over.

    Members are stored under numbers, so that no name in the archive ever becomes a path. Raises
    :class:`SourceError` for a damaged archive, for a name that leads outside, for links and
    devices, and for an archive that grows past the limits. An archive in it that is damaged or
    hostile is passed over.
    """
    return _unpack(archive, folder, suffixes, _Bounds(archive), 1)


def _unpack(
    archive: SourceFile, folder: Path, suffixes: tuple[str, ...], bounds: _Bounds, depth: int
) -> tuple[list[SourceFile], Passed]:
    files: list[SourceFile] = []
    passed: Passed = {}
    names: dict[str, int] = {}
    folder.mkdir(parents=True, exist_ok=True)
    with explained(archive.name, (*BROKEN, *_DAMAGED, *archive.faults)):
        for number, (name, stream) in enumerate(_members(archive, folder / "archive")):
            if hidden(name):
                continue
            within = is_archive(name)
            if not (wanted(name, suffixes) or (within and depth < MAX_DEPTH)):
                if len(passed) < MAX_MEMBERS:
                    why = why_not_read(PurePosixPath(inner(name)).suffix, suffixes)
                    passed[f"{archive.name}/{name}"] = _DEEP if within else why
                continue
            bounds.add_member()
            place = folder / f"{number:06d}"
            with open(place, "wb") as out:
                while block := stream.read(BUFFER):
                    out.write(block)
                    bounds.add(len(block))
                size = out.tell()
            names[name] = names.get(name, 0) + 1
            if names[name] > 1:  # the same path twice: both are kept
                name = f"{name}~{names[name]}"
            file = SourceFile(f"{archive.name}/{name}", str(place), size)
            if not within:
                files.append(file)
                continue
            inside = folder / f"{number:06d}-in"
            try:
                with speaking("en"):  # the manifest tells of it
                    if what := no_archive(file):
                        raise SourceError(what)
                    more, left = _unpack(file, inside, suffixes, bounds, depth + 1)
            except SourceError as error:
                bounds.add(0)  # which raises where this archive has grown too far
                more, left = [], {file.name: str(error).removeprefix(f"{file.name}: ")}
            files += more
            passed |= left
            place.unlink()
    return files, passed


def members(archive: SourceFile, place: Path) -> Generator[tuple[str, BinaryIO], None, None]:
    """Yield the name and the bytes of each member of ``archive``, one after another; nothing is
    unpacked that is not read. place: for a copy of a remote archive.

    Raises :class:`SourceError` as :func:`unpack` does.
    """
    with explained(archive.name, (*BROKEN, *_DAMAGED, *archive.faults)):
        yield from _members(archive, place)


def _members(archive: SourceFile, place: Path) -> Iterator[tuple[str, BinaryIO]]:
    if archive.name.lower().endswith(BY_LIBARCHIVE):
        return libarchive.members(archive, archive.local(place))
    return _zip(archive, place) if archive.name.lower().endswith(".zip") else _tar(archive)


def no_archive(file: SourceFile) -> str:
    """Return what a local file is that has an archive's name and is a pointer or a page, or ""."""
    if file.is_away:
        return ""
    with explained(file.name), file.stored() as stream:
        found = look(stream.read(HEAD))
    if found is not None and found.rule != "not_text":
        return found.told
    kind = found.kind if found is not None else "text"
    if file.name.lower().endswith(BY_LIBARCHIVE) and kind not in ("rar", "7z", "zip"):
        return _("it has the name of an archive and is none")
    return ""


def _tar(archive: SourceFile) -> Iterator[tuple[str, BinaryIO]]:
    suffix = PurePosixPath(archive.name).suffix.lower()
    codec = _SHORT.get(suffix, suffix)
    with (
        decompressed(archive.stored(), codec, archive.name, archive.size) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        for member in tar:
            if member.isdir():
                continue
            name = safe(archive, readable(member.name))
            if not member.isfile():
                raise SourceError(
                    _("{name}: member {name_2!r} is a link or a device.").format(
                        name=archive.name, name_2=name
                    )
                )
            content = tar.extractfile(member)
            assert content is not None  # it is a file
            yield name, content  # type: ignore[misc]


def _zip(archive: SourceFile, place: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Yield (name, content) of each member; a remote archive is first copied to ``place``."""
    # Its directory stands at the end, and not every server lets one jump there.
    with zipfile.ZipFile(archive.local(place)) as file:
        for member in file.infolist():
            if member.is_dir():
                continue
            name = safe(archive, _zip_name(member))
            if (member.external_attr >> 16) & 0o170000 not in (0, 0o100000):
                raise SourceError(
                    _("{name}: member {name_2!r} is a link or a device.").format(
                        name=archive.name, name_2=name
                    )
                )
            if member.flag_bits & 1:
                raise SourceError(
                    _("{name}: it needs a password; unpack it yourself.").format(name=archive.name)
                )
            with file.open(member) as content:
                yield name, content  # type: ignore[misc]


def _zip_name(member: zipfile.ZipInfo) -> str:
    """Without the UTF-8 flag `zipfile` reads names as cp437; Chinese tools mean GBK."""
    name = member.filename
    if member.flag_bits & 0x800 or name.isascii():
        return name
    try:
        stored = name.encode("cp437")
    except UnicodeEncodeError:
        return name
    for encoding in ("utf-8", "gb18030"):
        try:
            return stored.decode(encoding)
        except UnicodeDecodeError:
            continue
    return name

"""Unpack the wanted members of an archive, safely."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ...errors import SourceError
from .opening import (
    BROKEN,
    BUFFER,
    SourceFile,
    check_growth,
    decompressed,
    explained,
    faults,
    fetched,
    hidden,
    open_stored,
    readable,
    wanted,
)

MAX_MEMBERS = 1_000_000
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, NotImplementedError)
_SHORT = {".tgz": ".gz", ".tbz2": ".bz2", ".txz": ".xz", ".tzst": ".zst"}


def unpack(archive: SourceFile, folder: Path, suffixes: tuple[str, ...]) -> list[SourceFile]:
    """Unpack the members of ``archive`` that end in ``suffixes`` into the new ``folder``.

    Members are stored under numbers, so that no name in the archive ever becomes a path. Raises
    :class:`SourceError` for a damaged archive, for a name that leads outside, for links and
    devices, and for an archive that grows past the limits.
    """
    is_zip = archive.name.lower().endswith(".zip")
    members = _zip(archive, folder / "archive") if is_zip else _tar(archive)
    files: list[SourceFile] = []
    names: dict[str, int] = {}
    total = 0
    folder.mkdir(parents=True, exist_ok=True)
    with explained(archive.name, (*BROKEN, *_DAMAGED, *faults(archive.url))):
        for name, stream in members:
            if hidden(name) or not wanted(name, suffixes):
                continue
            if len(files) >= MAX_MEMBERS:
                raise SourceError(f"{archive.name}: more than {MAX_MEMBERS:,} files in it.")
            place = folder / f"{len(files):06d}"
            size = 0
            with open(place, "wb") as out:
                while block := stream.read(BUFFER):
                    out.write(block)
                    size += len(block)
                    check_growth(archive.name, archive.size, total + size)
            total += size
            names[name] = names.get(name, 0) + 1
            if names[name] > 1:  # the same path twice: both are kept
                name = f"{name}~{names[name]}"
            files.append(SourceFile(f"{archive.name}/{name}", str(place), size))
    return files


def _safe(archive: SourceFile, name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    drive = bool(path.parts) and path.parts[0][1:2] == ":"
    if path.is_absolute() or ".." in path.parts or drive:
        raise SourceError(f"{archive.name}: member {name!r} leads outside the archive.")
    return str(path)


def _tar(archive: SourceFile) -> Iterator[tuple[str, BinaryIO]]:
    suffix = PurePosixPath(archive.name).suffix.lower()
    codec = _SHORT.get(suffix, suffix)
    with (
        decompressed(open_stored(archive.url), codec, archive.name, archive.size) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        for member in tar:
            if member.isdir():
                continue
            name = _safe(archive, readable(member.name))
            if not member.isfile():
                raise SourceError(f"{archive.name}: member {name!r} is a link or a device.")
            content = tar.extractfile(member)
            assert content is not None  # it is a file
            yield name, content  # type: ignore[misc]


def _zip(archive: SourceFile, place: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Yield (name, content) of each member; a remote archive is first copied to ``place``."""
    # Its directory stands at the end, and not every server lets one jump there.
    with zipfile.ZipFile(fetched(archive.url, place)) as file:
        for member in file.infolist():
            if member.is_dir():
                continue
            name = _safe(archive, _zip_name(member))
            if (member.external_attr >> 16) & 0o170000 not in (0, 0o100000):
                raise SourceError(f"{archive.name}: member {name!r} is a link or a device.")
            if member.flag_bits & 1:
                raise SourceError(f"{archive.name}: it needs a password; unpack it yourself.")
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

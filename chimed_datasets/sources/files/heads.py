"""The beginnings of the files of a path: what is enough to see how they are laid out.

A copy of a beginning is plain: it is read many times over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import SourceError
from .archives import members, no_archive
from .finding import files_of
from .looks import Look, compression_of, is_about
from .opening import (
    BUFFER,
    Choice,
    SourceFile,
    check_growth,
    hidden,
    inner,
    is_archive,
    is_remote,
)

HEAD_BYTES = 512 * 1024
"""So much of a file is looked at, decompressed; of each of several a part of it."""
LEAST_BYTES = 64 * 1024
MEMBERS = 8
"""Members of an archive that are looked at: those behind them cost time to reach."""
FILES = 32
"""Files of a folder that are looked at."""
WHOLE_BYTES = 64 * 1024 * 1024
"""Such a file in an archive is copied whole, up to this size: what it is stands at its end."""
WHOLE = ("parquet", "pdf", "zip", "ole")
"""The kinds of files, see :mod:`.looks`, whose beginning alone is of no use."""
_OF_WHOLE = (b"PAR1", b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


@dataclass(frozen=True)
class Head:
    """The beginning of a file.

    file:        what a reader gets: the file itself, or a plain copy of its beginning, whose name
                 has no ending of a compression.
    cut:         whether the file goes on behind it.
    compression: ".gz" and the like, or "".
    look:        what it is that is no text, or None.
    data:        the bytes, decompressed; empty where nobody reads them as text.
    stored:      how many bytes the file has as it is stored; of a member of an archive, those that
                 were looked at.
    """

    file: SourceFile
    cut: bool
    compression: str
    look: Look | None
    data: bytes
    stored: int = 0


@dataclass(frozen=True)
class Heads:
    """The beginnings of the files that a path stands for, sorted by name.

    found:    how many files there are; None where an archive was not read to its end.
    archives: the names of the archives among them.
    faults:   files that cannot be read -> why.
    """

    heads: list[Head]
    found: int | None
    archives: list[str]
    faults: dict[str, str]


def heads(
    path: str,
    base: Path,
    staging: Path,
    *,
    size: int = HEAD_BYTES,
    files: int = FILES,
    patterns: tuple[str, ...] = (),
) -> Heads:
    """Return the beginnings of the files that ``path`` stands for, as of :func:`.finding.find`.

    staging: a folder for copies. size: bytes, decompressed, of all files together, but some of
    each. files: how many files are looked at, of an archive at most MEMBERS. patterns: globs of
    the files that are meant; those beside them are passed over.

    Licences, scripts and the like are passed over beside other files. Raises
    :class:`SourceError` where the path leads nowhere.
    """
    listed = [file for file, _ in files_of(path, base)]
    choice = Choice((), patterns)
    if patterns:
        listed = [file for file in listed if choice.takes(file.name) or is_archive(file.name)]
    listed = [file for file in listed if not is_about(file.name)] or listed
    staging.mkdir(parents=True, exist_ok=True)
    copies = iter(range(10**9))
    out: list[Head] = []
    archives: list[str] = []
    faults: dict[str, str] = {}
    found: int | None = len(listed)
    chosen = _spread(listed, files)
    each = max(size // max(len(chosen), 1), LEAST_BYTES)
    for file in chosen:
        try:
            if not is_archive(file.name):
                out.append(_head(file, staging / f"{next(copies):06d}", each))
                continue
            if what := no_archive(file):
                faults[file.name] = what
                continue
            archives.append(file.name)
            share = max(each // MEMBERS, LEAST_BYTES)
            own = choice.of_archive(file.name)
            more, ended = _of_archive(file, lambda: staging / f"{next(copies):06d}", share, own)
            out += more
            found = found + len(more) - 1 if found is not None and ended else None
        except SourceError as error:
            faults[file.name] = str(error).removeprefix(file.name).lstrip(":： ")
    return Heads(out, found, archives, faults)


def _spread(files: list[SourceFile], most: int) -> list[SourceFile]:
    """Return at most so many files, from all over the list."""
    step = -(-len(files) // most) or 1
    return files[::step]


def _of_archive(
    archive: SourceFile, place: Callable[[], Path], size: int, choice: Choice
) -> tuple[list[Head], bool]:
    """Return the beginnings of the first members, and whether there are no others."""
    out: list[Head] = []
    about: list[Head] = []
    with closing(members(archive, place())) as every:
        for name, stream in every:
            if hidden(name) or is_archive(name) or (choice.patterns and not choice.takes(name)):
                continue
            if len(out) == MEMBERS:
                return out, False
            copy = place()
            data = stream.read(size + 1)
            cut = len(data) > size
            if cut and (
                data.startswith(_OF_WHOLE) or compression_of(data)
            ):  # no use without the end
                data, cut = data + stream.read(WHOLE_BYTES), False
            copy.write_bytes(data)
            stored = SourceFile(f"{archive.name}/{name}", str(copy), len(data))
            head = _head(stored, place(), size, cut=cut)
            (about if is_about(name) else out).append(head)
    return out or about, True


def _head(file: SourceFile, copy: Path, size: int, *, cut: bool = False) -> Head:
    """Return the beginning of a file. cut: it is one already."""
    begun = file.begun()
    with begun.stream as stream:
        whole = begun.look is not None and begun.look.kind in WHOLE
        if whole and not begun.compression and not cut:
            return Head(file, False, begun.compression, begun.look, b"", file.size)
        most = WHOLE_BYTES if whole else size
        data = stream.read(most + 1)
    more = cut or len(data) > most
    if not more and not begun.compression and not is_remote(file.url):
        return Head(file, False, begun.compression, begun.look, data, file.size)
    stored = file.size
    data = _whole_lines(data[:size]) if more else data
    copy.write_bytes(data)
    file = replace(file, name=inner(file.name), url=str(copy), size=len(data))
    return Head(file, more, begun.compression, begun.look, data, stored)


def _whole_lines(data: bytes) -> bytes:
    """Return a beginning without the piece of a line at its end, if it has lines."""
    if data.count(b"\0") * 8 > len(data):  # a character has two bytes, or four
        return data[: len(data) // 4 * 4]
    end = data.rfind(b"\n") + 1
    return data[:end] if 2 * end > len(data) else data


def first_files(
    path: str,
    base: Path,
    staging: Path,
    suffixes: tuple[str, ...],
    patterns: Sequence[str] = (),
    most: int = MEMBERS,
) -> list[SourceFile]:
    """Return the first files that :func:`.finding.find` would, under the same names, and at most so
    many members of each archive: those behind them are not unpacked.

    Raises :class:`SourceError` as that does.
    """
    out: list[SourceFile] = []
    choice = Choice(suffixes, tuple(patterns))
    staging.mkdir(parents=True, exist_ok=True)
    for number, (file, given) in enumerate(files_of(path, base)):
        if not is_archive(file.name):
            out += [file] if given or choice.takes(file.name) else []
        elif not no_archive(file) and len(out) < most:
            own = choice.of_archive(file.name)
            out += _members_of(file, staging / f"{number:05d}", own, most)
    return sorted(out, key=lambda file: file.name)


def _members_of(archive: SourceFile, folder: Path, choice: Choice, most: int) -> list[SourceFile]:
    out: list[SourceFile] = []
    folder.mkdir()
    with closing(members(archive, folder / "archive")) as every:
        for name, stream in every:
            if hidden(name) or not choice.takes(name):
                continue
            place, size = folder / f"{len(out):06d}", 0
            with place.open("wb") as copy:
                while block := stream.read(BUFFER):
                    size += copy.write(block)
                    check_growth(archive.name, archive.size, size)
            out.append(SourceFile(f"{archive.name}/{name}", str(place), size))
            if len(out) == most:
                break
    return out

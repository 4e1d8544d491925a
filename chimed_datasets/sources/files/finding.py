"""A path of the recipe becomes files: a file, a folder, a glob, an archive, an address."""

from __future__ import annotations

import glob
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import fsspec

from ...errors import RecipeError, SourceError, did_you_mean
from .looks import is_about, why_not_read
from .modelscope import with_slashes
from .opening import (
    BROKEN,
    Choice,
    SourceFile,
    explained,
    faults,
    hidden,
    inner,
    is_archive,
    is_remote,
    readable,
)


class Stored(NamedTuple):
    """What a path stands for, as it is stored: nothing is unpacked.

    files:    those that are read as they are.
    archives: those that are to be unpacked.
    passed:   those of folders that are not read: name -> why.
    given:    names of archives that the path itself names.
    left:     names of files that the patterns leave out.
    """

    files: list[SourceFile]
    archives: list[SourceFile]
    passed: dict[str, str]
    given: set[str]
    left: list[str]


class Found(NamedTuple):
    """What a path stands for.

    files:  those that are read, sorted by name.
    passed: those of folders and archives that are not, sorted by name -> why.
    stored: what they were before archives were unpacked.
    stamps: of the archives, before they were unpacked.
    """

    files: list[SourceFile]
    passed: dict[str, str]
    stored: Stored
    stamps: list[tuple[int, int]]


def resolve(
    path: str, base: Path, staging: Path, suffixes: tuple[str, ...], patterns: Sequence[str] = ()
) -> list[SourceFile]:
    """Return the files that ``path`` stands for; see :func:`find`."""
    return find(path, base, staging, suffixes, patterns).files


def find(
    path: str, base: Path, staging: Path, suffixes: tuple[str, ...], patterns: Sequence[str] = ()
) -> Found:
    """Return the files that ``path`` stands for, sorted by name, and those passed over.

    path:     a file (of any suffix), a folder, a glob, an archive, or an fsspec address of any of
              these; relative to ``base``. ``modelscope:OWNER/NAME[@REVISION]/PATH`` is one too.
    staging:  a folder for the members of archives; made when it is needed.
    suffixes: endings looked for in folders and archives, compression aside.
    patterns: globs of the files that are read there, whatever their endings; left out, all with
              one of ``suffixes``. What they do not name is not missed. A file that ``path`` itself
              names is read.

    Raises :class:`SourceError` where nothing is found, or an archive is damaged or hostile.
    """
    from .archives import unpack

    there = stored(path, base, suffixes, patterns)
    choice = Choice(suffixes, tuple(patterns))
    files, passed = there.files.copy(), there.passed.copy()
    stamps = [archive.stamp() for archive in there.archives]
    for number, archive in enumerate(there.archives):
        own = choice.of_archive(archive.name)
        members, left = unpack(archive, staging / f"{number:05d}", own.endings)
        chosen = [m for m in members if not own.patterns or own.takes(m.name)]
        files += members if archive.name in there.given and not chosen else chosen
        passed |= left if not own.patterns else {}
    passed = dict(sorted(passed.items()))
    if not files:
        names = [*there.passed, *there.left, *(archive.name for archive in there.archives)]
        if patterns:
            meant = did_you_mean(patterns[0], names)
            raise SourceError(f"{path}: no file is one of {', '.join(patterns)}.{meant}")
        seen = {PurePosixPath(inner(name)).suffix for name in names} - {""}
        what = f"it has {', '.join(sorted(seen))}" if seen else "it is empty"
        told = f" {told}." if (told := not_read(passed)) else ""
        raise SourceError(f"{path}: no file ending in {' or '.join(suffixes)}; {what}.{told}")
    files.sort(key=lambda file: file.name)
    return Found(files, passed, there, stamps)


def stored(
    path: str, base: Path, suffixes: tuple[str, ...], patterns: Sequence[str] = ()
) -> Stored:
    """Return what :func:`find` begins with. Raises :class:`SourceError` where nothing is there."""
    from .archives import no_archive

    found = Stored([], [], {}, set(), [])
    choice = Choice(suffixes, tuple(patterns))
    for file, given in files_of(path, base):
        if is_archive(file.name):
            if what := no_archive(file):
                found.passed[file.name] = what
                continue
            found.archives.append(file)
            if given:
                found.given.add(file.name)
        elif given or choice.takes(file.name):
            found.files.append(file)
        elif patterns:
            found.left.append(file.name)
        else:
            found.passed[file.name] = why_not_read(PurePosixPath(inner(file.name)).suffix, suffixes)
    return found


_REPOSITORY = re.compile(r"(hf://datasets/|modelscope:(?://)?)([^/@]+/[^/@]+)(@[^/]*)?(/.*)?")
_GITHUB = re.compile(r"(github://[^/@:]+:[^/@]+)@[^/]*(/.*)?")


def at_revision(path: str, revision: str) -> str:
    """Return the address of a repository on a hub, or of files in it, at a revision.

    Raises :class:`RecipeError` where ``path`` is no such address, or names a revision itself.

    >>> at_revision("hf://datasets/ada/notes/train.json", "v1.2")
    'hf://datasets/ada/notes@v1.2/train.json'
    """
    if at_github := _GITHUB.fullmatch(path):
        return f"{at_github[1]}@{revision}{at_github[2] or ''}"
    found = _REPOSITORY.fullmatch(path)
    if found is None:
        raise RecipeError(
            f"revision: {path!r} is no repository on a hub (hf://datasets/OWNER/NAME/…, "
            "modelscope:OWNER/NAME/… or github://OWNER:NAME@BRANCH/…)."
        )
    if found[3]:
        raise RecipeError(f"revision: {path!r} names a revision itself ({found[3]}).")
    return f"{found[1]}{found[2]}@{revision.replace('/', '%2F')}{found[4] or ''}"


NAMED = 5
"""So many files that are passed over are named in one line."""


def not_read(passed: Mapping[str, str]) -> str:
    """Return what to say of the files that are passed over, "" where nobody misses them.

    passed: name -> why.
    """
    missed = [name for name in passed if not is_about(name)]
    if not missed:
        return ""
    many = f"{len(missed):,} files are" if len(missed) > 1 else "1 file is"
    named = ", ".join(f"{name} ({passed[name]})" for name in missed[:NAMED])
    more = f" and {len(missed) - NAMED:,} more" if len(missed) > NAMED else ""
    return f"{many} not read: {named}{more}"


Listed = list[tuple[SourceFile, bool]]
"""Files, and whether each was named by the user (else it was found in a folder)."""


def files_of(path: str, base: Path) -> Listed:
    """Return all files that ``path`` stands for, of any ending, archives as they are, sorted by
    name; see :func:`find`. Raises :class:`SourceError` where it leads nowhere."""
    path = with_slashes(path)
    with explained(path, (*BROKEN, *faults(path))):
        listed = _remote(path) if is_remote(path) else _local(path, base)
    return sorted(listed, key=lambda pair: pair[0].name)


def _local(path: str, base: Path) -> Listed:
    place = base / Path(path).expanduser()
    if place.is_file():
        return [(_local_file(place, place.parent), True)]
    if place.is_dir():
        return [(_local_file(p, place), False) for p in _walk(place)]
    if not glob.has_magic(path):
        raise SourceError(f"{path}: there is no such file or folder (looked in {base}).")
    parts = place.parts
    fixed = Path(*parts[: next(i for i, part in enumerate(parts) if glob.has_magic(part))])
    matches = [Path(m) for m in glob.glob(str(place), recursive=True) if "__MACOSX" not in m]
    if not matches:
        raise SourceError(f"{path}: nothing matches (looked in {base}).")
    named = {m for m in matches if m.is_file()}
    walked = {p for m in matches if m.is_dir() for p in _walk(m)} - named
    return [(_local_file(p, fixed), p in named) for p in named | walked]


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not hidden(name))
        for name in sorted(names):
            if not hidden(name) and (place := Path(root, name)).is_file():
                yield place


def _local_file(place: Path, root: Path) -> SourceFile:
    name = readable(place.relative_to(root).as_posix())
    return SourceFile(name, str(place.absolute()), place.stat().st_size)


def _remote(path: str) -> Listed:
    if "::" in path:  # a chain of file systems names one file
        name = next(_last(part) for part in path.split("::") if "://" in part)
        with fsspec.open(path, "rb") as stream:
            size = stream.seek(0, io.SEEK_END)
        return [(SourceFile(name, path, size), True)]
    fs, root = fsspec.url_to_fs(path)
    if fs.isfile(root) and not path.endswith("/"):  # on the web every address is a file
        return [(_remote_file(fs, root, _last(root), path), True)]
    if fs.isdir(root):
        return _remote_files(fs, fs.find(root), root, False, path)
    if not glob.has_magic(root):
        raise SourceError(f"{path}: there is no such file or folder.")
    matches = fs.glob(root)
    if not matches:
        raise SourceError(f"{path}: nothing matches.")
    parts = root.split("/")
    fixed = "/".join(parts[: next(i for i, part in enumerate(parts) if glob.has_magic(part))])
    named = {m for m in matches if fs.isfile(m)}
    walked = {p for m in matches if m not in named for p in fs.find(m)} - named
    return _remote_files(fs, named, fixed, True, path) + _remote_files(
        fs, walked, fixed, False, path
    )


def _remote_files(fs: Any, places: Iterable[str], root: str, given: bool, address: str) -> Listed:
    files = []
    for place in places:
        name = place[len(root) :].lstrip("/")
        if given or not hidden(name):
            files.append((_remote_file(fs, place, name, address), given))
    return files


def _remote_file(fs: Any, place: str, name: str, address: str) -> SourceFile:
    """Return a file at ``place``. address: that of the user, which names the repository where the
    places of a file system do not (github://OWNER:NAME@REVISION/…)."""
    size = fs.size(place) or 0  # a web server need not tell it
    repository = re.match(r"github://[^/@]*@[^/]*", address)
    url = f"{repository[0]}/{place}" if repository else fs.unstrip_protocol(place)
    return SourceFile(name, url, size)


def _last(address: str) -> str:
    """Return the file's name at the end of an address; on the web without query and escapes."""
    if address.startswith(("http://", "https://")):
        address = unquote(urlsplit(address).path)
    return PurePosixPath(address).name

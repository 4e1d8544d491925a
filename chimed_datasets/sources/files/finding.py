"""A path of the recipe becomes files: a file, a folder, a glob, an archive, an address."""

from __future__ import annotations

import glob
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path, PurePosixPath
from stat import S_ISREG
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import fsspec

from ...errors import RecipeError, SourceError, did_you_mean
from ...lang import N_, _, language, retold, speaking
from . import cache, hub, web
from .far import Far, Passing, passing, patiently
from .looks import is_about, why_not_read
from .modelscope import with_slashes
from .opening import (
    BROKEN,
    BY_LIBARCHIVE,
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
    notes:    lines on what a user must know of an address.
    """

    files: list[SourceFile]
    archives: list[SourceFile]
    passed: dict[str, str]
    given: set[str]
    left: list[str]
    notes: list[str]


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
    path: str,
    base: Path,
    staging: Path,
    suffixes: tuple[str, ...],
    patterns: Sequence[str] = (),
    progress: cache.Progress = lambda *_: None,
    fetch: bool = True,
) -> Found:
    """Return the files that ``path`` stands for, sorted by name, and those passed over. Those at
    an address are fetched, where they are not kept here; see :mod:`.cache`.

    path:     a file (of any suffix), a folder, a glob, an archive, or an fsspec address of any of
              these; relative to ``base``. ``modelscope:OWNER/NAME[@REVISION]/PATH`` is one too.
    staging:  a folder for the members of archives; made when it is needed.
    suffixes: endings looked for in folders and archives, compression aside.
    patterns: globs of the files that are read there, whatever their endings; left out, all with
              one of ``suffixes``. What they do not name is not missed. A file that ``path`` itself
              names is read.
    progress: called while files are fetched.
    fetch:    whether they are; else they are read from their address, as far as they are read.

    Raises :class:`SourceError` where nothing is found, where a file cannot be fetched, or an
    archive is damaged or hostile.
    """
    from .archives import unpack

    there = stored(path, base, suffixes, patterns, progress, fetch)
    choice = Choice(suffixes, tuple(patterns))
    files, passed = there.files.copy(), there.passed.copy()
    stamps = [archive.stamp() for archive in there.archives]
    for number, archive in enumerate(there.archives):
        own = choice.of_archive(archive.name)
        # What may be of another kind, or takes a library that is not here, does not end the build
        # where it lies beside files that can be read: it is told of, in the manifest, too.
        needed = archive.name in there.given or not archive.name.lower().endswith(BY_LIBARCHIVE)
        try:
            with speaking(language() if needed else "en"):
                members, left = unpack(archive, staging / f"{number:05d}", own.endings)
        except SourceError as error:
            if needed:
                raise
            passed[archive.name] = str(error).removeprefix(f"{archive.name}: ")
            continue
        chosen = [m for m in members if not own.patterns or own.takes(m.name)]
        files += members if archive.name in there.given and not chosen else chosen
        if not (members or left or archive.name in there.given):
            left = {archive.name: N_("an archive without a file")}
        passed |= left if not own.patterns else {}
    passed = dict(sorted(passed.items()))
    if not files:
        names = [*there.passed, *there.left, *(archive.name for archive in there.archives)]
        if patterns:
            meant = did_you_mean(patterns[0], names)
            raise SourceError(
                _("{path}: no file is one of {patterns}.{meant}").format(
                    path=path, patterns=", ".join(patterns), meant=meant
                )
            )
        seen = {PurePosixPath(inner(name)).suffix for name in names} - {""}
        if seen:
            said = _("{path}: no file ending in {suffixes}; it has {seen}.")
        else:
            said = _("{path}: no file ending in {suffixes}; it is empty.")
        wanted = _(" or ").join(suffixes)
        said = said.format(path=path, suffixes=wanted, seen=", ".join(sorted(seen)))
        if told := not_read(passed):
            said += _(" {told}.").format(told=told)
        raise SourceError(said)
    files.sort(key=lambda file: file.name)
    return Found(files, passed, there, stamps)


def stored(
    path: str,
    base: Path,
    suffixes: tuple[str, ...],
    patterns: Sequence[str] = (),
    progress: cache.Progress = lambda *_: None,
    fetch: bool = True,
) -> Stored:
    """Return what :func:`find` begins with. Raises :class:`SourceError` where nothing is there."""
    from .archives import no_archive

    choice = Choice(suffixes, tuple(patterns))
    listed, notes = _listed(path, base)
    found = Stored([], [], {}, set(), [], notes)
    if fetch:
        listed = _fetched(listed, choice, progress)
        far = [(file.name, given, file.far) for file, given in listed if file.far]
        if far and not notes:
            cache.keep_listing(with_slashes(path), far)
    for file, given in listed:
        if is_archive(file.name):
            with speaking("en"):  # the manifest tells of it
                what = no_archive(file)
            if what:
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
            _(
                "revision: {path!r} is no repository on a hub (hf://datasets/OWNER/NAME/…, "
                "modelscope:OWNER/NAME/… or github://OWNER:NAME@BRANCH/…)."
            ).format(path=path)
        )
    if found[3]:
        raise RecipeError(
            _("revision: {path!r} names a revision itself ({found}).").format(
                path=path, found=found[3]
            )
        )
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
    one = _("{name} ({why})")
    named = [
        one.format(name=name, why=retold(passed[name]).rstrip("。")) for name in missed[:NAMED]
    ]
    if len(missed) == 1:
        said = _("1 file is not read: {named}")
    elif len(missed) <= NAMED:
        said = _("{n:,} files are not read: {named}")
    else:
        said = _("{n:,} files are not read: {named} and {more:,} more")
    more = len(missed) - NAMED
    return said.format(n=len(missed), named=_(", ").join(named), more=more)


Listed = list[tuple[SourceFile, bool]]
"""Files, and whether each was named by the user (else it was found in a folder)."""


def files_of(path: str, base: Path) -> Listed:
    """Return all files that ``path`` stands for, of any ending, archives as they are, sorted by
    name; see :func:`find`. Raises :class:`SourceError` where it leads nowhere."""
    return _listed(path, base)[0]


def _listed(path: str, base: Path) -> tuple[Listed, list[str]]:
    """Return what :func:`files_of` does, and lines on where it was looked up."""
    path = with_slashes(path)
    notes: list[str] = []
    with explained(path, (*BROKEN, *faults(path))):
        listed = _remote(path, notes) if is_remote(path) else _local(path, base)
    return sorted(listed, key=lambda pair: pair[0].name), notes


def _fetched(listed: Listed, choice: Choice, progress: cache.Progress) -> Listed:
    """Return files with a copy on this machine of each that is read; see :mod:`.cache`."""
    if not any(file.far for file, __ in listed):
        return listed
    wanted = [
        file.far
        for file, given in listed
        if file.far and (given or is_archive(file.name) or choice.takes(file.name))
    ]
    copies = dict(zip(wanted, cache.fetch_all(wanted, progress), strict=True))
    out: Listed = []
    for file, given in listed:
        if file.far in copies:
            copy = copies[file.far]
            file = replace(file, copy=str(copy), size=copy.stat().st_size)
        out.append((file, given))
    return out


def _local(path: str, base: Path) -> Listed:
    given = Path(os.path.expandvars(path)).expanduser()
    place = (base / given).absolute()
    if found := _local_file(str(place), str(place.parent)):
        return [(found, True)]
    if place.is_dir():
        return [(file, False) for file in _walk(str(place), str(place))]
    if not glob.has_magic(str(given)):
        raise SourceError(
            _("{path}: there is no such file or folder (looked in {base}).").format(
                path=path, base=base
            )
        )
    root = str(base.absolute())
    fixed = str(Path(root, *takewhile(lambda part: not glob.has_magic(part), given.parts)))
    pattern = str(Path(glob.escape(root), given))  # the folder of a recipe may have brackets
    matches = [m for m in glob.glob(pattern, recursive=True) if "__MACOSX" not in m]
    if not matches:
        raise SourceError(
            _("{path}: nothing matches (looked in {base}).").format(path=path, base=base)
        )
    named: dict[str, SourceFile] = {}
    walked: dict[str, SourceFile] = {}
    for match in matches:
        if found := _local_file(match, fixed):
            named[found.url] = found
        elif os.path.isdir(match):
            walked |= {file.url: file for file in _walk(str(Path(match)), fixed)}
    others = [(file, False) for url, file in walked.items() if url not in named]
    return [*((file, True) for file in named.values()), *others]


def _walk(folder: str, top: str) -> Iterator[SourceFile]:
    """Yield the files in a folder, named from ``top``."""
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not hidden(name)]
        for name in names:
            if not hidden(name) and (file := _local_file(os.path.join(root, name), top)):
                yield file


def _local_file(place: str, top: str) -> SourceFile | None:
    """Return the file at a place below ``top``; None where there is none. There may be very many
    files: a path as an object costs more than all else that is done here."""
    try:
        stat = os.stat(place)
    except OSError:  # also a link that leads nowhere
        return None
    if not S_ISREG(stat.st_mode):
        return None
    name = place[len(top) :].replace(os.sep, "/").lstrip("/")
    return SourceFile(readable(name), place, stat.st_size)


def _remote(path: str, notes: list[str]) -> Listed:
    if "::" in path:  # a chain of file systems names one file
        name = next(_last(part) for part in path.split("::") if "://" in part)
        with fsspec.open(path, "rb") as stream:
            size = stream.seek(0, io.SEEK_END)
        return [(SourceFile(name, path, size), True)]
    fs, __ = fsspec.url_to_fs(path)
    if _is_near(fs):
        return _files(path)
    try:
        if path.startswith("hf://") and hub.is_offline():
            raise Passing(_("HF_HUB_OFFLINE is set"), reached=False)
        listed = patiently(lambda: _files(path))
    except Passing as fault:
        kept = cache.listing(path)
        if kept is None and (others := _of_snapshot(path)):
            said = _("{path}: {fault}; its files are those that the Hub's cache has")
            notes.append(said.format(path=path, fault=fault))
            return others
        if kept is None:
            again = _("{path}: {fault}; run the same command again later.")
            once = _(
                "{path}: {fault}; its files are not in the cache: run the same command once with "
                "a network."
            )
            said = again if fault.reached else once
            raise SourceError(said.format(path=path, fault=fault)) from fault
        day, files = kept
        said = _("{path}: {fault}; its files are those of {day}, from the cache")
        notes.append(said.format(path=path, fault=fault, day=day))
        return [(_far_file(name, far), given) for name, given, far in files]
    return listed


def _of_snapshot(path: str) -> Listed:
    """Return the files of an address that other tools of the Hub fetched, at the commit that they
    knew."""
    there = hub.snapshot(path) if path.startswith("hf://") else None
    if there is None:
        return []
    try:
        listed = _local(str(there.folder / there.on.path), there.folder)
    except SourceError:
        return []
    known = [(file.name, there.stated(Path(file.url)), given) for file, given in listed]
    return [(_far_file(name, far), given) for name, far, given in known if far]


_NEAR = {"file", "local", "memory"}
"""File systems whose files are on this machine: nothing is kept of them."""
_VERSIONS = ("ETag", "etag", "sha", "version", "generation", "md5Hash", "xet_hash", "mtime",
             "LastModified", "last_modified", "modify")  # fmt: skip
"""What file systems call that which changes with a file, the best first."""


def _is_near(fs: Any) -> bool:
    names = {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
    return bool(names & _NEAR)


def _files(path: str) -> Listed:
    """Return the files that an address stands for now."""
    if web.is_web(path) and not path.endswith("/") and not set("*[") & set(path):
        return [(_far_file(_last(path), web.about(path)), True)]
    fs, root = fsspec.url_to_fs(path)
    fs.invalidate_cache()
    on_hub = hub.pinned(fs, root) if path.startswith("hf://") else None
    if on_hub:
        root = on_hub[0]

    def file(info: Any, name: str) -> SourceFile:
        place = info["name"]
        if on_hub:
            return _far_file(name, hub.stated(info, *on_hub[1:]))
        repository = re.match(r"github://[^/@]*@[^/]*", path)
        url = f"{repository[0]}/{place}" if repository else fs.unstrip_protocol(place)
        if _is_near(fs):
            return SourceFile(name, url, info["size"] or 0)
        return _far_file(name, web.about(url) if web.is_web(url) else _far(url, info))

    here = _info(fs, root)
    if here and here["type"] == "file" and not path.endswith("/"):
        return [(file(here, _last(root)), True)]
    if here and here["type"] == "directory":
        return _named(fs.find(root, detail=True).values(), root, False, file)
    if not glob.has_magic(root):
        raise SourceError(_("{path}: there is no such file or folder.").format(path=path))
    matches = fs.glob(root, detail=True)
    if not matches:
        raise SourceError(_("{path}: nothing matches.").format(path=path))
    parts = root.split("/")
    fixed = "/".join(parts[: next(i for i, part in enumerate(parts) if glob.has_magic(part))])
    named = {m: info for m, info in matches.items() if info["type"] == "file"}
    walked = {
        m: info
        for folder in matches.keys() - named.keys()
        for m, info in fs.find(folder, detail=True).items()
        if m not in named
    }
    return _named(named.values(), fixed, True, file) + _named(walked.values(), fixed, False, file)


def _info(fs: Any, root: str) -> Any:
    """Return what is at a place, or None. fsspec's own look takes any fault for an absence."""
    try:
        return fs.info(root)
    except FileNotFoundError as error:
        if fault := passing(error):
            raise fault from error
        return None


def _named(
    infos: Iterable[Any], root: str, given: bool, file: Callable[[Any, str], SourceFile]
) -> Listed:
    files = []
    for info in infos:
        name = info["name"][len(root) :].lstrip("/")
        if given or not hidden(name):
            files.append((file(info, name), given))
    return files


def _far_file(name: str, far: Far) -> SourceFile:
    return SourceFile(name, far.address, far.size or 0, far=far)


def _far(url: str, info: Any) -> Far:
    """Return what a file system tells of a file."""
    version = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
    blob = version if url.startswith("github://") else ""
    size = info.get("size")
    told = f"{version} {size}" if version else ""
    return Far(url, told, size, info.get("sha256") or "", blob)


def _last(address: str) -> str:
    """Return the file's name at the end of an address; on the web without query and escapes."""
    if address.startswith(("http://", "https://")):
        address = unquote(urlsplit(address).path)
    return PurePosixPath(address).name

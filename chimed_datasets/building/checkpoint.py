"""Checkpoints: what a build that died had finished, so that the same command goes on from there.

A part (a unit of reading, a shard of writing) is a folder of its own. It is made under another
name and renamed when it is whole, so that no half part ever stands under its name. Its
``done.json`` says under which key it was made (recipe, code and input), which files it has with
size and hash, and what its maker reported. A part whose key or files differ is refused with the
reason, and made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xxhash

from .._version import __version__
from ..lang import N_

DONE = "done.json"
CHANGED = N_("the recipe, the library or the input changed")
_DAMAGED, _DAMAGED_FILE = N_("its {name} is damaged"), N_("its file {name} is damaged")
PARTIAL = ".partial-"
_DECIDING = ("datasets", "numpy", "opencc", "orjson", "pyarrow")
"""Packages on which bytes depend."""
_MADE = (".pyc", ".so", ".pyd")
"""What is compiled from the library's files, and does what they do."""


def key_of(*parts: str) -> str:
    """Return 128 bits (hex) over ``parts``, each told apart from the next."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()[:32]


def code_key() -> str:
    """Return a key over this library's files, Python and the packages on which bytes depend."""
    return key_of(*library().values())


@lru_cache(maxsize=1)
def library() -> Mapping[str, str]:
    """Return this library, Python and the packages on which bytes depend: name -> version, of the
    library also a hash of its files, as they were when this was first asked."""
    digest = hashlib.sha256()
    for package in ("chimed_datasets", "chimed_datasets.builders", "chimed_datasets.cards"):
        root = Path(str(resources.files(package)))
        for path in sorted(p for p in root.rglob("*") if p.suffix not in _MADE and p.is_file()):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return {
        "the library": f"{__version__} {digest.hexdigest()[:32]}",
        "Python": platform.python_version(),
        **{name: version(name) for name in _DECIDING},
    }


@contextmanager
def making(place: Path) -> Iterator[Path]:
    """Yield a new folder to make a part in; it becomes ``place`` when the block ends well.

    The folder's name is drawn each time: a process of an earlier build that is still about
    to die, or one on a node of a cluster that is taken for lost, has no say in it. Two that make
    the same part at once make the same files; either may have the name.
    """
    partial = place.with_name(f"{place.name}{PARTIAL}{secrets.token_hex(8)}")
    partial.mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    while True:
        try:
            os.rename(partial, place)
        except OSError:
            if not place.exists():
                raise
            old = partial.with_name(f"{partial.name}-old")
            with suppress(FileNotFoundError):  # another took it away first
                os.rename(place, old)
            shutil.rmtree(old, ignore_errors=True)
        else:
            return


def seal(
    part: Path, key: str, report: dict[str, Any], origin: Mapping[str, str] | None = None
) -> None:
    """Write ``done.json`` over the files of ``part``; ``report`` is anything JSON can hold.
    origin: what ``key`` was taken of."""
    files = {path.name: _describe(path) for path in sorted(part.iterdir())}
    note = {"key": key, "origin": origin or {}, "files": files, "report": report}
    (part / DONE).write_text(json.dumps(note, ensure_ascii=False), "utf-8")


def arrange(folder: Path, places: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give each finished part in ``folder`` the name under which it is wanted now; take away what
    is not wanted, and what was never finished. Whoever calls it must hold the build's folder.

    places: key -> name. Returns the notes of the finished parts that were taken away.
    """
    gone, moved = [], []
    for part in sorted(folder.iterdir()) if folder.exists() else ():
        if PARTIAL in part.name:
            shutil.rmtree(part, ignore_errors=True)
            continue
        try:
            note = json.loads((part / DONE).read_text("utf-8"))
            name = places.get(note["key"])
        except (OSError, ValueError, KeyError, TypeError):
            if part.name not in places.values():  # else :func:`finished` says what is wrong with it
                shutil.rmtree(part, ignore_errors=True)
            continue
        if name is None:
            gone.append(note)
            shutil.rmtree(part)
        elif name != part.name:
            aside = folder / f"moved-{note['key']}"  # whoever dies here finds it by its key
            os.rename(part, aside)
            moved.append((aside, folder / name))
    for aside, place in moved:
        shutil.rmtree(place, ignore_errors=True)  # one that is damaged, or was there twice
        os.rename(aside, place)
    return gone


def finished(place: Path, key: str) -> tuple[dict[str, Any] | None, str]:
    """Return the report of the part at ``place``, or None and why it is not used ("" where there
    is none)."""
    if not place.exists():
        return None, ""
    try:
        note = json.loads((place / DONE).read_text("utf-8"))
        made, files, report = note["key"], note["files"], note["report"]
    except (OSError, ValueError, KeyError, TypeError):
        return None, _DAMAGED.format(name=DONE)
    if made != key:
        return None, CHANGED
    for name, described in files.items():
        try:
            same = _describe(place / name) == described
        except OSError:
            same = False
        if not same:
            return None, _DAMAGED_FILE.format(name=name)
    return report, ""


def _describe(path: Path) -> list[Any]:
    """Return size and hash of a file."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return [path.stat().st_size, digest.hexdigest()]


def work_place(out: Path) -> Path:
    """Return the folder beside ``out`` that a build works in."""
    return out.with_name(f".{out.name}.building")


def finished_parts(out: Path) -> int:
    """Return how many units and shards a stopped build into ``out`` has finished."""
    notes = (work_place(out) / "work").glob(f"*/*/{DONE}")
    return sum(PARTIAL not in note.parent.name for note in notes)


# --- one build in a place at a time ----------------------------------------------------------


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Make ``folder`` where need be and hold it; yields whether nobody else does.

    The folder itself is locked, so that no lock file is left behind; the lock goes with the
    process, however that dies. Where a file system cannot lock a folder, nobody is kept out.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        folder.mkdir(parents=True, exist_ok=True)
        yield True
        return
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            held = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            yield False
            return
        except OSError:
            pass
        if folder.exists() and os.path.samestat(os.fstat(held), folder.stat()):
            break
        os.close(held)  # whoever had it took the folder away
    try:
        yield True
    finally:
        os.close(held)


def exchange(new: Path, old: Path) -> bool:
    """Let two folders change names at once (Linux); return whether that could be done."""
    import ctypes

    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    here, both = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(rename(here, os.fsencode(new), here, os.fsencode(old), both) == 0)

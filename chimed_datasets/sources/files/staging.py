"""A temporary folder for what must be unpacked, which others can tell from an abandoned one.

Whoever works in it holds a lock on it. The lock goes with the process, however that dies; the
folder stays where it was killed, until somebody takes it away.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "chimed-staging-"


@contextmanager
def staging() -> Iterator[Path]:
    """Yield a new temporary folder; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name, locked(Path(name)):
        yield Path(name)


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Hold a folder that is there; yields whether nobody else does. Where that cannot be told, such
    as on a file system without locks, it is False."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield False
        return
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(held)


def remove_abandoned() -> list[tuple[Path, int]]:
    """Take away what killed processes of this user left of :func:`staging`; return the folders and
    their bytes."""
    gone = []
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")):
        try:
            ours = folder.lstat().st_uid == os.getuid()
        except (OSError, AttributeError):  # gone meanwhile; Windows
            continue
        with locked(folder) as free:
            if ours and free:
                gone.append((folder, size_of(folder)))
                shutil.rmtree(folder, ignore_errors=True)
    return gone


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder, or of a file."""
    if not folder.is_dir():
        return folder.lstat().st_size if folder.exists() else 0
    size = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(root, name)).st_size
            except OSError:  # gone meanwhile
                continue
    return size

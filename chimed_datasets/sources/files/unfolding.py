"""A large compressed file is unfolded once, so that its parts can be read side by side.

A stream of gzip or xz is read from its beginning; of bzip2 and Zstandard few files have frames that
could be read by themselves.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from ...errors import SourceError
from .opening import BUFFER, SourceFile

LEAST_STORED = 8 * 1024 * 1024
"""A compressed file of fewer bytes is read as it is: text becomes some four times as large."""
_SHARE_OF_DISK = 4
"""At most one in so many free bytes is taken."""


def unfold(file: SourceFile, place: Path) -> bool:
    """Write the decompressed bytes of a file to ``place``. Returns False, with nothing written, for
    a file that is not compressed, is broken or takes too much room: it is to be read as it is."""
    if place.exists():
        return True
    place.parent.mkdir(parents=True, exist_ok=True)
    room = shutil.disk_usage(place.parent).free // _SHARE_OF_DISK
    partial = place.with_suffix(f".{os.getpid()}")
    try:
        begun = file.begun()
        with begun.stream as stream:
            if (
                not begun.compression
                or begun.look is not None
                or not _copied(stream, partial, room)
            ):
                return False
        os.replace(partial, place)
    except (SourceError, OSError):  # reading tells of it
        return False
    finally:
        partial.unlink(missing_ok=True)
    return True


def _copied(stream: Any, place: Path, most: int) -> bool:
    """Tell whether all of a stream was written, in no more than ``most`` bytes."""
    with open(place, "wb") as out:
        while block := stream.read(BUFFER):
            if out.tell() + len(block) > most:
                return False
            out.write(block)
    return True

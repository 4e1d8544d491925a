"""What the machines of a build must share, checked before any work is done.

Workers on other machines write into the work folder beside the target and read each other's
files there; they read local sources under the same paths; and their library must be the same,
or bytes would differ from machine to machine.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import BuildError
from ..executors import Executor
from ..lang import _
from ..plugins import Guest
from ..sources import SourceFile
from ..sources.files.opening import is_remote
from . import checkpoint

_LOOKED_AT = 1000
"""Files of sources that every machine is asked for: the first, and others evenly spread."""


class Sought(NamedTuple):
    """What a machine should find. ``token`` stands in the file of that name in ``folder``."""

    folder: Path
    token: str
    files: tuple[tuple[str, int], ...]
    code: str
    guests: tuple[Guest, ...] = ()


def check_local(out: str) -> None:
    """Raise :class:`BuildError` for a target that is no folder of a disk."""
    if re.match(r"\w{2,}:/", out):  # a Path has made one slash of two
        raise BuildError(
            _(
                "{out}: a dataset is built on a disk, where it can appear at once: build "
                "there, then copy the folder (`chimed push` for the Hub). Sources may be "
                "at any fsspec address."
            ).format(out=out)
        )


def check_shared(
    executor: Executor,
    folder: Path,
    files: Sequence[SourceFile],
    guests: tuple[Guest, ...] = (),
) -> None:
    """Raise :class:`BuildError` where a machine of ``executor`` lacks what it needs.

    folder: the work's. files: of all sources; those at remote addresses are not asked for.
    guests: code from outside the package.
    """
    if not executor.everywhere(_answer, None):
        return
    token = f"seen-{secrets.token_hex(8)}"
    local = [(file.url, file.size) for file in files if not is_remote(file.url)]
    step = -(-len(local) // _LOOKED_AT) or 1
    sought = Sought(folder, token, tuple(local[::step]), checkpoint.code_key(), guests)
    path = sought.folder / token
    path.write_text(token, "utf-8")
    try:
        for machine, complaint in executor.everywhere(look_for, sought):
            if complaint:
                raise BuildError(
                    _("{machine}: {complaint}").format(machine=machine, complaint=complaint)
                )
    finally:
        path.unlink()


def _answer(__: None, machine: str) -> str:
    return machine


def look_for(sought: Sought, machine: str) -> str:
    """Return what is wrong on this machine, or ""."""
    own = sought.folder / f"{sought.token}-{os.getpid()}"
    try:
        if (sought.folder / sought.token).read_text("utf-8") != sought.token:
            return _(
                "{folder} is another folder there: put --out on a disk that all machines share, "
                "under one path."
            ).format(folder=sought.folder)
        own.write_text(machine, "utf-8")
        own.unlink()
    except FileNotFoundError:
        return _(
            "{folder} is not there: put --out on a disk that all machines share, under one path."
        ).format(folder=sought.folder)
    except OSError as error:
        return _(
            "{folder} cannot be written there ({reason}): put --out on a disk that all machines "
            "share, under one path."
        ).format(folder=sought.folder, reason=error.strerror)
    if checkpoint.code_key() != sought.code:
        return _(
            "this library, Python, NumPy or Arrow is of another version there: install the same."
        )
    for guest in sought.guests:
        try:
            guest.load()
        except Exception as error:  # whatever its first lines raise
            said = _("{guest} cannot be imported there ({reason}): install it there.")
            return said.format(guest=guest, reason=guest.fault(error))
    for path, size in sought.files:
        seen = os.stat(path).st_size if os.path.exists(path) else None
        if seen != size:
            said = _(
                "source file {path} is of {seen:,} bytes there, not {size:,}: put sources on a "
                "shared disk, or at an address."
            )
            if seen is None:
                said = _(
                    "source file {path} is not there: put sources on a shared disk, or at an "
                    "address."
                )
            return said.format(path=path, seen=seen, size=size)
    return ""

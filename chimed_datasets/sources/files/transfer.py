"""Bytes of a file at an address come here once: what was cut goes on where it stopped, what may
pass is tried again, and what is not as it was announced is not taken."""

from __future__ import annotations

import errno
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec

from ...errors import SourceError
from ...lang import _
from . import far as fars
from . import hub, web
from .far import LONGEST_WAIT, Changed, Far, Passing, differs, digests, passing, status_of
from .modelscope import ModelScopeFileSystem

Told = Callable[[int], None]
"""Called with the bytes that came, below 0 where some were in vain."""
_BLOCK = 1024 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Stopped(Exception):
    """Another file could not be fetched, or the user stopped it: no use in going on."""


def transfer(far: Far, part: Path, told: Told, stop: threading.Event, mend: str) -> None:
    """Bring the bytes of ``far`` into the file ``part``; what lies there already is its beginning.

    mend: what to do where ``part`` cannot be written.

    Raises :class:`SourceError`, one line: then ``part`` is what came so far, or is gone where it is
    not what the server states.
    """
    goes_on = bool(far.version) and far.size is not None
    if not goes_on or (part.exists() and part.stat().st_size > (far.size or 0)):
        part.unlink(missing_ok=True)
    before = part.stat().st_size if part.exists() else 0
    told(before)
    _check_room(far, part, before, mend)
    while True:
        _bring(far, part, told, stop, mend, goes_on)
        differing = differs(far, digests(part))
        if not differing:
            return
        came = part.stat().st_size
        part.unlink()
        told(-came)
        if not before:
            raise SourceError(
                _(
                    "{address}: what came is not what its server states ({differing}): it "
                    "was not read. Run the same command again; if it stays so, tell the "
                    "owner of the file."
                ).format(address=far.address, differing=differing)
            )
        before = 0  # the beginning lay here, and may have gone bad: once more from the start


def _check_room(far: Far, part: Path, before: int, mend: str) -> None:
    free = shutil.disk_usage(part.parent).free
    if far.size is not None and far.size - before > free:
        raise SourceError(
            _(
                "{address}: {size:,} bytes are to come, and the disk of the cache {parent} "
                "has {free:,} left: {mend}."
            ).format(
                address=far.address,
                size=far.size - before,
                parent=part.parent,
                free=free,
                mend=mend,
            )
        )


def _bring(
    far: Far, part: Path, told: Told, stop: threading.Event, mend: str, goes_on: bool
) -> None:
    """Fetch what is missing in ``part``. Tries that get no further than one before are counted."""
    furthest = part.stat().st_size if part.exists() else 0
    tries = 0
    while True:
        have = part.stat().st_size if part.exists() else 0
        if not goes_on and have:
            told(-have)
            part.unlink()
            have = 0
        try:
            _once(far, part, have, told, stop)
            now = part.stat().st_size
            if far.size is None or now >= far.size:
                return
            if far.blob and not differs(far, digests(part)):  # the size told is that of a pointer
                return
            broke = _("the connection broke at byte {now:,} of {size:,}")
            raise Passing(broke.format(now=now, size=far.size))
        except (Stopped, SourceError):
            raise
        except Exception as error:
            if _of_disk(error, part):
                raise _unwritable(far, part, error, mend) from error
            fault = passing(error)
            if fault is None:
                raise SourceError(_refusal(far, error)) from error
            if isinstance(fault, Changed):
                told(-have)
                part.unlink(missing_ok=True)
            now = part.stat().st_size if part.exists() else 0
            tries = 1 if now > furthest else tries + 1
            furthest = max(furthest, now)
            asked = fault.wait
            if asked is not None and asked > LONGEST_WAIT:
                raise SourceError(
                    _(
                        "{address}: cannot be read ({fault}, and asks to wait {asked:,.0f} "
                        "seconds). Run the same command again then."
                    ).format(address=far.address, fault=fault, asked=asked)
                ) from error
            if tries > len(fars.PAUSES):
                again = _again(fault, now if goes_on else 0)
                raise SourceError(
                    _("{address}: cannot be read ({fault}). {again}").format(
                        address=far.address, fault=fault, again=again
                    )
                ) from error
            if stop.wait(fars.PAUSES[tries - 1] if asked is None else asked):
                raise Stopped from None


def _again(fault: Passing, came: int) -> str:
    if not fault.reached:
        return _("It is not in the cache: run the same command once with a network.")
    if not came:
        return _("Run the same command again later.")
    said = _("Run the same command again later. {came:,} bytes of it are kept.")
    return said.format(came=came)


def _once(far: Far, part: Path, have: int, told: Told, stop: threading.Event) -> None:
    """Ask once, for what lies behind ``have`` bytes."""
    if far.size is not None and have == far.size and have:
        return
    with _blocks(far, have) as (begins, blocks), part.open("r+b" if have else "wb") as out:
        if begins != have:
            told(begins - have)
            out.truncate(begins)
        out.seek(begins)
        for block in blocks:
            if stop.is_set():
                raise Stopped
            out.write(block)
            told(len(block))


@contextmanager
def _blocks(far: Far, start: int) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Yield where the bytes begin and the bytes, from whatever file system has them."""
    if far.hub is not None:
        with hub.blocks(far, start) as found:
            yield found
    elif web.is_web(far.address):
        with web.blocks(far, start) as found:
            yield found
    else:
        fs, path = fsspec.url_to_fs(far.address)
        if isinstance(fs, ModelScopeFileSystem):
            with fs.blocks(path, start) as found:
                yield found
            return
        with fs.open(path, "rb") as stream:
            if start:
                stream.seek(start)
            yield start, iter(lambda: stream.read(_BLOCK), b"")


def _of_disk(error: Exception, part: Path) -> bool:
    """Whether it is the file here that an error is about."""
    if not isinstance(error, OSError) or isinstance(error, Passing):
        return False
    return error.errno in _FULL or (error.filename is not None and str(error.filename) == str(part))


def _unwritable(far: Far, part: Path, error: Any, mend: str) -> SourceError:
    if error.errno in _FULL:
        return SourceError(
            _(
                "{address}: the disk of the cache {parent} is full: {mend}. The same "
                "command goes on where it was."
            ).format(address=far.address, parent=part.parent, mend=mend)
        )
    return SourceError(unwritable(far, part.parent, error, mend))


def unwritable(far: Far, folder: Path, error: OSError, mend: str) -> str:
    """Return one line on a cache that cannot be written."""
    why = (error.strerror or type(error).__name__).rstrip(".")
    return _("{address}: the cache {folder} cannot be written ({why}): {mend}.").format(
        address=far.address, folder=folder, why=why, mend=mend
    )


def _refusal(far: Far, error: Exception) -> str:
    status = status_of(error)
    if isinstance(error, FileNotFoundError) or status in (404, 410):
        return _("{name}: there is no such file.").format(name=far.address)
    if status in (401, 403):
        if far.hub is not None:
            said = _(
                "{address}: the Hub does not let you read it ({status}): accept its conditions on "
                "its page, and run `hf auth login` or set HF_TOKEN."
            )
        else:
            said = _("{address}: the server does not let you read it ({status}).")
        return said.format(address=far.address, status=status)
    if status:
        said = _("{address}: cannot be read (the server answers {status}).")
        return said.format(address=far.address, status=status)
    reason = " ".join(str(error).split()) or type(error).__name__
    return _("{name}: cannot be read ({reason}).").format(name=far.address, reason=reason)

"""Files of addresses, kept on this machine: each comes over the network once a revision.

Files of the Hub lie in the cache of `huggingface_hub` (HF_HUB_CACHE), where its other tools look as
well. All others lie in the folder CHIMED_CACHE, by default `chimed` in HF_HOME:

    files/KEY        the bytes; KEY is a hash of the address and the file's version
    files/KEY.json   the address, version, size and sha256
    files/KEY.part   what came of a file so far
    listings/KEY     which files an address stands for, for a machine without a network
    locks/KEY        held while a file is fetched

What is kept is compared with its hash before it is used. Nothing of a build depends on where a
file lies.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ...errors import SourceError
from ...lang import _
from . import hub
from .far import Far, OnHub, differs, digests, passing
from .transfer import Stopped, Told, transfer, unwritable

VARIABLE = "CHIMED_CACHE"
_SECONDS_BETWEEN = 0.2  # that tell of progress
TOGETHER = 4
"""Files that are fetched at once."""
Progress = Callable[[int, int], None]
"""Called with the bytes that came and those that are to come in all, as far as they are told."""


def folder() -> Path:
    """Return where files lie that are not of the Hub. It need not be there."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else hub.home() / "chimed"


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _mend(far: Far) -> str:
    variable = "HF_HUB_CACHE" if far.hub is not None else VARIABLE
    return _("make room there, or set {variable} to another folder").format(variable=variable)


def _place(far: Far) -> Path:
    return folder() / "files" / _key(far.address, far.version)


# --- what is kept ------------------------------------------------------------------------------


def at_hand(far: Far) -> Path | None:
    """Return the file in the cache, as it is there, where its size is right; else None."""
    try:
        if far.hub is not None:
            place = hub.kept(far)
        else:
            place = _place(far) if far.version else None
        if place is None or not place.is_file():
            return None
        size = place.stat().st_size
    except OSError:
        return None
    return place if far.size in (None, size) or (far.blob and not far.sha256) else None


def kept(far: Far) -> Path | None:
    """Return the file in the cache where it is sound, else None. It is read to its end once a
    process."""
    place = at_hand(far)
    if place is None:
        return None
    try:
        found = digests(place)
        if far.hub is None:
            note = json.loads(place.with_suffix(".json").read_text("utf-8"))
            if (note["size"], note["sha256"]) != (found.size, found.sha256):
                return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if differs(far, found) else place


# --- fetching ----------------------------------------------------------------------------------


def fetch(far: Far) -> Path:
    """Return where the bytes of a file lie on this machine; see :func:`fetch_all`."""
    return fetch_all([far])[0]


def fetch_all(wanted: Sequence[Far], progress: Progress = lambda *_: None) -> list[Path]:
    """Return where the bytes of files at addresses lie on this machine, fetched where they were
    not kept. Raises :class:`SourceError`, one line."""
    stop = threading.Event()
    lock = threading.Lock()
    came, total = 0, 0

    def begin(far: Far) -> Told:
        nonlocal total
        with lock:
            total += far.size or 0

        def told(size: int) -> None:
            nonlocal came
            with lock:
                came += size

        return told

    pool = ThreadPoolExecutor(TOGETHER)
    opened = ExitStack()
    if any(far.hub for far in wanted):
        opened.enter_context(hub.quiet())
    try:
        work = [pool.submit(_fetch, far, begin, stop) for far in wanted]
        while True:
            done, left = wait(work, _SECONDS_BETWEEN, FIRST_EXCEPTION)
            if came or total:
                progress(came, max(total, came))
            for one in done:
                if (error := one.exception()) is not None:
                    raise error
            if not left:
                return [one.result() for one in work]
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        opened.close()


def _fetch(far: Far, begin: Callable[[Far], Told], stop: threading.Event) -> Path:
    """Return where the bytes of a file lie on this machine. begin: called when it is to be fetched,
    and returns what is called with the bytes that came. Raises :class:`SourceError`."""
    if (place := kept(far)) is not None:
        return place
    if far.hub is not None and hub.is_offline():
        raise SourceError(
            _(
                "{address}: HF_HUB_OFFLINE is set, and it is not in the cache: run the "
                "same command once without it."
            ).format(address=far.address)
        )
    with _writing(far), _locked(far, stop):
        if (place := kept(far)) is not None:  # another process was first
            return place
        return (_from_hub if far.hub is not None else _from_elsewhere)(far, begin(far), stop)


def _from_hub(far: Far, told: Told, stop: threading.Event) -> Path:
    if hub.is_too_large(far):
        try:
            place = hub.downloaded(far)
        except Exception as error:
            why = " ".join(str(error).split())
            raise SourceError(
                _("{address}: cannot be fetched ({why}).").format(address=far.address, why=why)
            ) from error
    else:
        blob = hub.blob(far)
        there = blob.is_file() and not differs(far, digests(blob))  # of another commit
        part = blob.with_name(f"{blob.name}.chimed.incomplete")
        if not there:
            blob.parent.mkdir(parents=True, exist_ok=True)
            transfer(far, part, told, stop, _mend(far))
        try:
            place = hub.downloaded(far) if there else hub.take_up(far, part)
        except Exception as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise
            fault = passing(error) or error
            raise SourceError(
                _("{address}: {split}. Run the same command again later.").format(
                    address=far.address, split=" ".join(str(fault).split())
                )
            ) from error
    if differing := differs(far, digests(place)):
        raise SourceError(
            _(
                "{address}: what lies in the cache at {place} is not what the Hub states "
                "({differing}): remove it, and run the same command again."
            ).format(address=far.address, place=place, differing=differing)
        )
    return place


def _from_elsewhere(far: Far, told: Told, stop: threading.Event) -> Path:
    place = _place(far)
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_suffix(".part")
    transfer(far, part, told, stop, _mend(far))
    found = digests(part)
    if not far.version:  # under its content: another build may be reading what came before
        place = place.with_name(f"{place.name}-{found.sha256[:16]}")
    note = {
        "address": far.address,
        "version": far.version,
        "size": found.size,
        "sha256": found.sha256,
        "fetched": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    _write(place.with_suffix(".json"), note)
    os.replace(part, place)
    return place


def _write(path: Path, content: Any) -> None:
    """Write JSON so that it is there whole or not at all."""
    new = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    new.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
    os.replace(new, path)


@contextmanager
def _writing(far: Far) -> Iterator[None]:
    """Turn what the system says of the cache's folder into one line."""
    try:
        yield
    except SourceError:
        raise
    except OSError as error:
        where = hub.cache_folder() if far.hub is not None else folder()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SourceError(
                _("{address}: the disk of the cache {where} is full: {mend}.").format(
                    address=far.address, where=where, mend=_mend(far)
                )
            ) from error
        raise SourceError(unwritable(far, where, error, _mend(far))) from error


@contextmanager
def _locked(far: Far, stop: threading.Event) -> Iterator[None]:
    """Wait until no other process fetches the file."""
    # A lock of the Hub's files lies in its cache: a cache may be shared by machines.
    root = hub.cache_folder() / ".locks" / "chimed" if far.hub is not None else folder() / "locks"
    root.mkdir(parents=True, exist_ok=True)
    name = far.sha256 or far.blob if far.hub is not None else _key(far.address, far.version)
    lock = FileLock(root / f"{name}.lock", thread_local=False)
    while not stop.is_set():
        try:
            lock.acquire(timeout=1)
            break
        except Timeout:
            continue
    else:
        raise Stopped
    try:
        yield
    finally:
        lock.release()


# --- listings ----------------------------------------------------------------------------------


def keep_listing(address: str, files: Sequence[tuple[str, bool, Far]]) -> None:
    """Note which files an address stands for: (name, whether it was given, the file). Where it
    cannot be written, nobody misses it before there is no network."""
    listed = [[name, given, dataclasses.asdict(far)] for name, given, far in files]
    place = folder() / "listings" / _key(address)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _write(place, {"address": address, "day": time.strftime("%Y-%m-%d"), "files": listed})
    except OSError:
        pass


def listing(address: str) -> tuple[str, list[tuple[str, bool, Far]]] | None:
    """Return the day when an address was listed last, and its files then; None where it never
    was."""
    try:
        note = json.loads((folder() / "listings" / _key(address)).read_text("utf-8"))
        files = [
            (name, given, Far(**{**far, "hub": OnHub(*far["hub"]) if far["hub"] else None}))
            for name, given, far in note["files"]
        ]
        return note["day"], files
    except (OSError, ValueError, KeyError, TypeError):
        return None

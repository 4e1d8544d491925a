"""The place of a build: a folder beside the target, held by one build, swapped at the end.

A build that came to nothing leaves the ledger of what it dropped in ``NAME.ledger`` beside the
target; the next one that ends well takes it away.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import BuildError
from ..lang import _
from . import checkpoint
from .dropped import Dropped


def why(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return (
            "no space left on the device; what was finished is kept, and the same command goes on"
        )
    return error.strerror or str(error)


FINISHED, OLD, UNPACKED = "finished.json", "old", "unpacked"


@contextmanager
def workplace(out: Path, command: str) -> Iterator[Path | None]:
    """Hold the folder beside ``out`` that a build is made in; None where it was all done before.

    It stays after a crash if a unit was finished, and is gone otherwise. Before it goes it gets a
    name that says which command was finished: its last removal is that of the name.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = checkpoint.work_place(out)
    with checkpoint.alone(folder) as ours:
        if not ours:
            raise BuildError(
                _("another build into {out} is under way: wait for it, or stop it.").format(out=out)
            )
        finished = out.with_name(f".{out.name}.finished-{command[:16]}")
        done = finished.exists() or _is_finished(folder, out, command)
        for rest in out.parent.glob(f".{out.name}.finished-*"):
            shutil.rmtree(rest, ignore_errors=True)
        restore(out, folder)
        try:
            yield None if done else folder
        except BaseException:
            restore(out, folder)
            shutil.rmtree(folder / "work" / UNPACKED, ignore_errors=True)  # it is done again
            if checkpoint.finished_parts(out):
                raise
            shutil.rmtree(folder, ignore_errors=True)
            raise
        os.rename(folder, finished)
        shutil.rmtree(finished, ignore_errors=True)


def _is_finished(folder: Path, out: Path, command: str) -> bool:
    try:
        finished = json.loads((folder / FINISHED).read_text("utf-8"))
        built = json.loads((out / "manifest.json").read_text("utf-8"))
        return bool(finished == {"command": command, "fingerprint": built["fingerprint"]})
    except (OSError, ValueError, KeyError, TypeError):
        return False


def check_name(out: Path) -> None:
    """Raise :class:`BuildError` for a target that has no name of its own: ``.``, ``..``, ``/``.

    The finished dataset takes its name, and work goes on beside it.
    """
    if out.name in ("", ".."):
        raise BuildError(
            _("{out}: name a folder of its own, such as {out_2}.").format(
                out=out, out_2=out / "NAME"
            )
        )


def exists(out: Path, changed: str) -> BuildError:
    """Return the error of a build into what is there and is not up to date."""
    return BuildError(
        _(
            "{out} exists: pass --overwrite to replace it, or another --out. It is not up "
            "to date: {changed}."
        ).format(out=out, changed=changed)
    )


def check_target(out: Path) -> None:
    """Raise :class:`BuildError` where ``out`` is not to be replaced."""
    if not out.exists():
        return
    if not out.is_dir() or (any(out.iterdir()) and not (out / "manifest.json").exists()):
        raise BuildError(
            _("{out} is not a dataset built by chimed: it will not be replaced.").format(out=out)
        )


def swap(target: Path, out: Path, folder: Path) -> None:
    """Put the finished dataset in place; a reader sees the old one or the new one.

    The old one has the name of ``target`` afterwards. A system that cannot exchange two names has
    neither under ``out`` for a moment; whoever dies there leaves it to :func:`restore`, which the
    next run must call before it clears ``folder``.
    """
    if not out.exists():
        os.rename(target, out)
    elif not checkpoint.exchange(target, out):
        os.rename(out, folder / OLD)
        os.rename(target, out)
        os.rename(folder / OLD, target)


def restore(out: Path, folder: Path) -> None:
    """Give the old dataset its name back where a run died in :func:`swap`; where the new one has
    it already, the old one goes."""
    if not out.exists() and (folder / OLD).exists():
        os.rename(folder / OLD, out)
    shutil.rmtree(folder / OLD, ignore_errors=True)


# --- what a build that came to nothing leaves --------------------------------------------------

ROWS, IGNORE = "dropped.parquet", ".gitignore"


def leave_ledger(out: Path, dropped: Dropped) -> str:
    """Write the rows of what was dropped beside ``out``; return the sentence that says where.

    Git does not see the folder. One that holds anything else is not ours: it stays as it is, and
    the sentence is "".
    """
    place = out.with_name(f"{out.name}.ledger")
    if not len(dropped) or not _is_ours(place):
        return ""
    place.mkdir(parents=True, exist_ok=True)
    (place / IGNORE).write_text("*\n", "utf-8")
    dropped.write(place / ROWS)
    return _(" The ledger of what was dropped is {place}.").format(place=place / ROWS)


def clear_ledger(out: Path) -> None:
    """Take away what an earlier build into ``out`` left when it came to nothing."""
    place = out.with_name(f"{out.name}.ledger")
    if place.is_dir() and _is_ours(place):
        shutil.rmtree(place, ignore_errors=True)


def _is_ours(place: Path) -> bool:
    if not place.exists():
        return True
    return place.is_dir() and {path.name for path in place.iterdir()} <= {ROWS, IGNORE}

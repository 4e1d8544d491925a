"""What stopped builds left: named when a build starts, and taken away where nothing is lost.

Nothing goes that a living process holds, nothing that the same command could go on from, and
nothing that holds more than a build leaves.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from ..lang import N_, _
from ..sources.files.staging import locked, remove_abandoned, size_of
from . import checkpoint
from .place import FINISHED
from .progress import Tell

_LEFT = re.compile(r"\.(.+)\.(building|finished-[0-9a-f]{16})")
_KEPT = ("units", "cuts", "shards")
"""Folders of the work with what was finished, and where large files are cut."""
_OWN = {"work", "dataset", "again", FINISHED}
"""All that a build leaves in its folder. One with anything else stays: it may hold a dataset that
was to be replaced."""


def clean_own(folder: Path, tell: Tell) -> None:
    """Take away what no build goes on from of an earlier run in ``folder``, which is held."""
    work = folder / "work"
    rest = [folder / "dataset", folder / "again"]
    rest += [path for path in _within(work) if path.name not in _KEPT]
    parts = [p for name in _KEPT for p in _within(work / name) if checkpoint.PARTIAL in p.name]
    rest = [path for path in rest if path.exists()]
    size = sum(map(size_of, [*rest, *parts]))
    for path in (*rest, *parts):
        _remove(path)
    if size:
        said = _("removed what the last run left unfinished: {bytes}")
        if len(parts) == 1:
            said = _("removed what the last run left unfinished: {bytes}, 1 unfinished part")
        elif parts:
            said = _("removed what the last run left unfinished: {bytes}, {n} unfinished parts")
        tell(said.format(bytes=_bytes(size), n=len(parts)))


def clean_beside(out: Path, tell: Tell) -> None:
    """Name what builds into other folders beside ``out`` left, and take away what is of no use."""
    for folder, size in remove_abandoned():
        tell(
            _("removed what a stopped run left: {folder} ({bytes})").format(
                folder=folder, bytes=_bytes(size)
            )
        )
    for folder in sorted(out.absolute().parent.glob(".*")):
        match = _LEFT.fullmatch(folder.name)
        if match and match[1] != out.name and folder.is_dir() and not folder.is_symlink():
            _look_at(folder, out.with_name(match[1]), tell)


def _look_at(folder: Path, target: Path, tell: Tell) -> None:
    shown = target.with_name(folder.name)
    with locked(folder) as free:
        if not free or not {path.name for path in _within(folder)} <= _OWN:
            return  # of a living build; or more than a build's
        parts = [note.parent for note in (folder / "work").glob(f"*/*/{checkpoint.DONE}")]
        size = _bytes(size_of(folder))
        done = ".finished-" in folder.name
        if not done and _are_of_use(parts):
            many = _("1 finished part")
            if len(parts) != 1:
                many = _("{n:,} finished parts").format(n=len(parts))
            tell(
                _(
                    "a stopped build left {shown} ({size}, {many}): build into {target} "
                    "again to go on, or delete it"
                ).format(shown=shown, size=size, many=many, target=target)
            )
            return
        shutil.rmtree(folder, ignore_errors=True)
        tell(
            _("removed what a stopped build left: {shown} ({size})").format(shown=shown, size=size)
        )


def _are_of_use(parts: list[Path]) -> bool:
    """Whether a build of this version could use one of some finished parts again."""
    library = checkpoint.library() if parts else {}
    for part in parts:
        try:
            origin = json.loads((part / checkpoint.DONE).read_text("utf-8"))["origin"]
            if origin.items() >= library.items():
                return True
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return False


def _within(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _bytes(size: int) -> str:
    for unit in (N_("bytes"), "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {_(unit)}"
        size //= 1000
    return f"{size:,} GB"

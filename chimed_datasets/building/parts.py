"""Large files are read as several units: where they are cut, and what stands before each part.

A compressed file is unfolded into the folder of the work before. The parts of a file are looked
through by the workers before any is read, see :mod:`..sources.files.parts`. What came of that is
noted in the folder of the work, so that a build that goes on does not look again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..errors import SourceError
from ..executors import Executor
from ..lang import _
from ..sources.files import parts as bounds
from ..sources.files import unfolding
from ..sources.files.parts import Before, Part, Tally
from . import checkpoint
from .plan import Unit
from .read import Chain

CUTS, UNFOLDED = "cuts", "unfolded"
"""The folders of the notes and of the unfolded files, under that of the work."""
_SHARE = 8
"""A compressed file of less than one in so many bytes of all is read as it is: the workers have
enough to do side by side."""


def in_parts(chain: Chain, units: Sequence[Unit], executor: Executor) -> list[Unit]:
    """Return the units; one of a large file that can be cut as its parts."""
    total = sum(unit.size for unit in units)
    alone = [
        unit
        for unit in units
        if unit.limit is None
        and len(unit.files) == 1
        and unit.source.reader.cuts(unit.source.options)
    ]
    notes: dict[int, Path] = {}  # by the unit's number
    folded: list[Unit] = []
    cut: dict[int, list[Unit]] = {}
    fresh: dict[int, list[Unit]] = {}
    for unit in alone:
        if _is_folded(unit, total):
            folded.append(_unfolded(chain, unit))
        elif files := unit.source.reader.parts(unit.files[0], unit.source.options):
            places = (f"{part.start}-{part.end}" for file in files if (part := file.part))
            notes[unit.number] = _note(chain, unit, *places)
            fresh[unit.number] = [replace(unit, files=(file,)) for file in files]
    for unit in folded:
        notes[unit.number] = _note(chain, unit, UNFOLDED, str(bounds.PART_BYTES))
    _clear(chain.folder / CUTS, set(notes.values()))
    known = {number: found for number, note in notes.items() if (found := _read(note)) is not None}
    new = [unit for unit in folded if unit.number not in known]
    for unit, done in zip(new, executor.run(_unfold, None, new) if new else (), strict=True):
        if done and (files := unit.source.reader.parts(unit.files[0], unit.source.options)):
            fresh[unit.number] = [replace(unit, files=(file,)) for file in files]
    whole = {unit.number: unit for unit in (*units, *folded)}
    cut = {number: _units(whole[number], found) for number, found in known.items()}
    fresh = {number: found for number, found in fresh.items() if number not in known}
    asked = [part for found in fresh.values() for part in found]
    tallies = iter(list(executor.run(look_through, None, asked)) if asked else [])
    for number, made in fresh.items():
        own = [next(tallies) for __ in made]
        placed = made[0].source.reader.placed([part.files[0] for part in made], own)
        found = [file.part for file in placed if file.part]
        _write(notes[number], found)
        cut[number] = _units(made[0], found)
    return [one for unit in units for one in cut.get(unit.number) or [unit]]


# --- compressed files ----------------------------------------------------------------------------


def _is_folded(unit: Unit, total: int) -> bool:
    """Tell whether the file of a unit is compressed, and large among all that is read."""
    (file,) = unit.files
    if file.size < unfolding.LEAST_STORED or file.size * _SHARE < total or file.is_away:
        return False
    begun = file.begun()
    begun.stream.close()
    return bool(begun.compression)


def _unfolded(chain: Chain, unit: Unit) -> Unit:
    """Return a unit whose file is read where it is unfolded to."""
    place = chain.folder / UNFOLDED / checkpoint.key_of(chain.key(unit))
    return replace(unit, files=(replace(unit.files[0], unfolded=str(place)),))


def _unfold(_: None, unit: Unit) -> bool:
    (file,) = unit.files
    return unfolding.unfold(replace(file, unfolded="", part=None), Path(file.unfolded))


def unfold_again(units: Sequence[Unit], executor: Executor) -> None:
    """Unfold the files of which parts are still to be read, where a build goes on. Raises
    :class:`SourceError` where one cannot be."""
    wanted = {file.unfolded: unit for unit in units for file in unit.files if file.unfolded}
    left = [unit for place, unit in wanted.items() if not os.path.exists(place)]
    for unit, done in zip(left, executor.run(_unfold, None, left) if left else (), strict=True):
        if not done:
            raise SourceError(
                _("{name}: cannot be unfolded: the disk is too full.").format(
                    name=unit.files[0].name
                )
            )


def clear_unfolded(chain: Chain) -> None:
    """Take away what was unfolded, when all of it is read."""
    shutil.rmtree(chain.folder / UNFOLDED, ignore_errors=True)


def _units(unit: Unit, parts: Sequence[Part]) -> list[Unit]:
    (file,) = unit.files
    return [replace(unit, files=(replace(file, part=part),)) for part in parts]


def look_through(_: None, unit: Unit) -> Tally:
    """Return what the rows of a part of a file are called."""
    return unit.source.reader.tally(unit.files[0], unit.source.options)


# --- notes ---------------------------------------------------------------------------------------


def _note(chain: Chain, unit: Unit, *more: str) -> Path:
    return chain.folder / CUTS / f"{checkpoint.key_of(chain.key(unit), *more)}.json"


def _read(note: Path) -> list[Part] | None:
    try:
        return [_part(content) for content in json.loads(note.read_text("utf-8"))]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _part(content: dict[str, Any]) -> Part:
    before = content["before"]
    taken = {int(name): number for name, number in before["taken"].items()}
    return Part(**{**content, "before": Before(**{**before, "taken": taken})})


def _write(note: Path, parts: Sequence[Part]) -> None:
    note.parent.mkdir(exist_ok=True)
    partial = note.with_suffix(checkpoint.PARTIAL)
    partial.write_text(json.dumps([asdict(part) for part in parts]), "utf-8")
    os.replace(partial, note)


def _clear(folder: Path, notes: set[Path]) -> None:
    """Take away the notes of files that changed, or are no longer read."""
    for path in folder.iterdir() if folder.exists() else ():
        if path not in notes:
            path.unlink()

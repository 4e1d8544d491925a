"""Large files are read as several units: where they are cut, and what stands before each part.

The parts of a file are looked through by the workers before any is read, see
:mod:`..sources.files.parts`. What came of that is noted in the folder of the work, so that a build
that goes on does not look again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..executors import Executor
from ..sources.files.parts import Before, Part, Tally
from . import checkpoint
from .plan import Unit
from .read import Chain

CUTS = "cuts"
"""The folder of the notes, under that of the work."""


def in_parts(chain: Chain, units: Sequence[Unit], executor: Executor) -> list[Unit]:
    """Return the units; one of a large file that can be cut as its parts."""
    folder = chain.folder / CUTS
    fresh: dict[int, list[Unit]] = {}  # by the unit's number
    notes: dict[int, Path] = {}
    cut: dict[int, list[Unit]] = {}
    for unit in units:
        if unit.limit is not None or len(unit.files) != 1:
            continue
        files = unit.source.reader.parts(unit.files[0], unit.source.options)
        if not files:
            continue
        parts = [replace(unit, files=(file,)) for file in files]
        bounds = (f"{part.start}-{part.end}" for file in files if (part := file.part))
        note = notes[unit.number] = folder / f"{checkpoint.key_of(chain.key(unit), *bounds)}.json"
        if (known := _read(note)) is None:
            fresh[unit.number] = parts
        else:
            cut[unit.number] = _units(unit, known)
    _clear(folder, set(notes.values()))
    asked = [part for parts in fresh.values() for part in parts]
    tallies = iter(list(executor.run(look_through, None, asked)) if asked else [])
    for number, parts in fresh.items():
        own = [next(tallies) for _ in parts]
        source = parts[0].source
        placed = source.reader.placed([part.files[0] for part in parts], own)
        found = [file.part for file in placed if file.part]
        _write(notes[number], found)
        cut[number] = _units(parts[0], found)
    return [one for unit in units for one in cut.get(unit.number) or [unit]]


def _units(unit: Unit, parts: Sequence[Part]) -> list[Unit]:
    (file,) = unit.files
    return [replace(unit, files=(replace(file, part=part),)) for part in parts]


def look_through(_: None, unit: Unit) -> Tally:
    """Return what the rows of a part of a file are called."""
    return unit.source.reader.tally(unit.files[0], unit.source.options)


# --- notes ---------------------------------------------------------------------------------------


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

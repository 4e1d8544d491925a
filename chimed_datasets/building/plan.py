"""The plan of a build: the sources' files become units of work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import Fault, SourceError, told
from ..lang import _
from ..recipe import Recipe, Source
from ..sources import SourceFile, exams
from ..sources.files.cache import Progress
from ..sources.files.finding import Stored, find, not_read, stored
from ..sources.files.opening import SMALL, is_remote, sha256
from ..sources.files.parts import Part
from . import checkpoint, origin
from .origin import Origin
from .progress import Opening, Tell, silent

UNIT_BYTES = 8 * 1024 * 1024
"""Files of a source are put together into units of work of about this size."""


@dataclass(frozen=True)
class Unit:
    """Files of one source that are read together, or a part of one; ``limit`` bounds their records.
    The parts of a file have one number."""

    number: int
    source: Source
    files: tuple[SourceFile, ...]
    limit: int | None = None

    @property
    def part(self) -> Part | None:
        """The part of the one file that is read; None for whole files."""
        return self.files[0].part if self.files else None

    @property
    def place(self) -> str:
        """The folder of its checkpoint, under the folder of the work."""
        behind = f"-{self.part.number:05d}" if self.part else ""
        return f"units/{self.number:05d}{behind}"

    @property
    def size(self) -> int:
        """The bytes that are read."""
        return self.part.size if self.part else sum(file.size for file in self.files)


@dataclass(frozen=True)
class Plan:
    """The work, every source's files by the source's name, and what they were then.

    passed: by the source's name, the files that are not read -> why.
    stored: by the source's name, its files before archives were unpacked.
    hashes: by the source's name, the sha256 of its files, in their order; see :meth:`hashed`.
    """

    units: list[Unit]
    files: dict[str, list[SourceFile]]
    stamps: dict[str, list[tuple[int, int]]]
    passed: dict[str, dict[str, str]]
    stored: dict[str, Stored]
    hashes: dict[str, list[str]] = field(default_factory=dict)

    def hashed(self, opening: Opening = silent) -> Plan:
        """Return the plan with the hashes of all files: most of it needs them."""
        hashes = {}
        for number, (name, files) in enumerate(self.files.items()):
            opening("check", name, number, len(self.files))
            hashes[name] = hashed(files)
        return replace(self, hashes=hashes)

    def notes(self) -> list[str]:
        """Return the lines that its user must see: what addresses could not be looked up, and for
        each source which of its files are not read and may be missed."""
        offline = [note for stored in self.stored.values() for note in stored.notes]
        return offline + [
            _("source {name!r}: {line}").format(name=name, line=line)
            for name, passed in self.passed.items()
            if (line := not_read(passed))
        ]

    def origins(self, common: Origin) -> dict[int, Origin]:
        """Return what each unit is made from, by its number. common: what all units are."""
        of_file = {
            (name, file.name): digest
            for name, files in self.files.items()
            for file, digest in zip(files, self.hashes[name], strict=True)
        }
        entries = {unit.source.name: unit.source for unit in self.units}
        keys = {name: origin.of_source(source) for name, source in entries.items()}
        return {
            unit.number: origin.of_unit(
                common,
                keys[unit.source.name],
                [(file.name, of_file[unit.source.name, file.name]) for file in unit.files],
            )
            for unit in self.units
        }

    def stored_keys(self) -> dict[str, str]:
        """Return a key over each source's files as they are stored: see :func:`stored_key`."""
        return {
            name: stored_key(stored, self.files[name], self.hashes[name])
            for name, stored in self.stored.items()
        }

    def check_unchanged(self) -> None:
        """Raise :class:`SourceError` where a file is no longer what it was when it was planned."""
        for name, found in self.files.items():
            files = [*found, *self.stored[name].archives]
            for file, stamp in zip(files, self.stamps[name], strict=True):
                if file.stamp() != stamp:
                    raise SourceError(
                        _(
                            "source {name!r}: {name_2} changed while the build read it; "
                            "run the same command again."
                        ).format(name=name, name_2=file.name)
                    )


def plan(
    recipe: Recipe,
    staging: Path,
    limit: int | None = None,
    opening: Opening = silent,
    fetch: bool = True,
) -> Plan:
    """Find every source's files and cut them into units. fetch: whether files at addresses are
    fetched; else they are read from there, as far as they are read.

    Raises :class:`SourceError` for a path that leads nowhere, before anything is written but
    the archives unpacked into ``staging``.
    """
    units: list[Unit] = []
    files: dict[str, list[SourceFile]] = {}
    passed: dict[str, dict[str, str]] = {}
    stored_: dict[str, Stored] = {}
    stamps: dict[str, list[tuple[int, int]]] = {}
    faults: list[Fault] = []
    for number, source in enumerate(recipe.sources):
        opening("open", source.name, number, len(recipe.sources))
        layout = source.reader
        place = staging / source.name
        try:
            found, passed[source.name], as_stored, before = find(
                source.address, recipe.base, place, layout.suffixes, source.files,
                fetching(opening, source.name, number, len(recipe.sources)), fetch,
            )  # fmt: skip
        except SourceError as error:
            faults.append(fault_of(recipe, source, error, "path"))
            if is_remote(source.address):  # the others may be as slow to fail
                break
            continue
        files[source.name], stored_[source.name] = found, as_stored
        stamps[source.name] = [*(file.stamp() for file in found), *before]
        together = layout.together(source.options) or limit is not None
        for group in [found] if together else _groups(found):
            units.append(Unit(len(units), source, tuple(group), limit))
    faults += lost_benchmarks(recipe)
    if faults:
        raise SourceError(told(faults), source=_source_of(faults[0]), faults=faults)
    return Plan(units, files, stamps, passed, stored_)


def fault_of(recipe: Recipe, source: Source, error: SourceError, *keys: str) -> Fault:
    """Return what is wrong with a source, with the line of the key that it is about: ``keys``
    lead to it, or the error names it."""
    named = re.search(r"[(（](\w{1,64}(?:\.\w{1,64}){0,4})[)）][.。]", str(error))
    place = keys or tuple(named[1].split(".") if named else ())
    owner = _("source {name!r}").format(name=source.name)
    said = str(error).removeprefix(owner).lstrip(":： ")
    at = ("sources", source.name)
    return Fault(said, at=at, owner=owner, line=recipe.line_of("sources", source.name, *place))


def lost_benchmarks(recipe: Recipe) -> list[Fault]:
    """Return what is wrong with the paths of the benchmarks that records are compared with; one at
    an address is not looked up."""
    faults: list[Fault] = []
    for entry in recipe.benchmarks if recipe.stages.decontaminate else ():
        if is_remote(entry.address) or entry.address.startswith("modelscope:"):
            continue
        try:
            stored(entry.address, recipe.base, exams.SUFFIXES, entry.files)
        except SourceError as error:
            line = recipe.line_of("benchmarks", entry.name, "path")
            owner = _("benchmark {name}").format(name=repr(entry.name))
            faults.append(Fault(str(error), at=("benchmarks", entry.name), owner=owner, line=line))
    return faults


def _source_of(fault: Fault) -> str | None:
    """Return the name of the source that a fault is of; None for one of a benchmark."""
    return str(fault.at[-1]) if fault.at[0] == "sources" else None


def fetching(opening: Opening, source: str, number: int, sources: int) -> Progress:
    """Return what tells of the bytes of a source that come over the network."""

    def told(came: int, total: int) -> None:
        said = _("{source} {came:,.1f} of {total:,.1f} MB")
        came_to = said.format(source=source, came=came / 1e6, total=total / 1e6)
        opening("fetch", came_to, number, sources)

    return told


def hashed(files: Sequence[SourceFile]) -> list[str]:
    """Return the sha256 of each file, in their order."""
    pool = ThreadPoolExecutor(4)  # hashing and reading both let go of the GIL
    try:
        asked = [
            None if file.size <= SMALL and not file.is_away else pool.submit(sha256, file)
            for file in files
        ]
        # To wake a thread takes longer than a small file does.
        return [
            sha256(file) if large is None else large.result()
            for file, large in zip(files, asked, strict=True)
        ]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # who is interrupted waits for nothing


def stored_key(stored: Stored, files: Sequence[SourceFile] = (), hashes: Sequence[str] = ()) -> str:
    """Return a key over a source's files as they are stored. An archive counts as the one file that
    it is; but one of which no copy is kept by its members, since it would be fetched once more.

    files, hashes: what was found in ``stored`` and its sha256, where that is known.
    """
    known = {file.name: digest for file, digest in zip(files, hashes, strict=True)}
    whole = [file for file in stored.files if file.name not in known]
    whole += [file for file in stored.archives if not file.is_away]
    found = known | dict(zip((file.name for file in whole), hashed(whole), strict=True))
    far = tuple(f"{file.name}/" for file in stored.archives if file.is_away)
    named = {file.name for file in (*stored.files, *stored.archives)}
    return checkpoint.key_of(
        *(f"{n} {found[n]}" for n in sorted(found) if n in named or (far and n.startswith(far))),
        *(f"{name} is not read: {why}" for name, why in sorted(stored.passed.items())),
    )


def stored_keys(
    recipe: Recipe, staging: Path, opening: Opening = silent, tell: Tell = silent
) -> dict[str, str]:
    """Return what :meth:`Plan.stored_keys` would; only archives of which no copy is kept are
    unpacked. tell: gets a line on each address that could not be looked up.

    Raises :class:`SourceError`.
    """
    keys = {}
    for number, source in enumerate(recipe.sources):
        opening("check", source.name, number, len(recipe.sources))
        suffixes = source.reader.suffixes
        told = fetching(opening, source.name, number, len(recipe.sources))
        there = stored(source.address, recipe.base, suffixes, source.files, told)
        for note in there.notes:
            tell(note)
        if any(archive.is_away for archive in there.archives):
            place = staging / source.name
            found = find(source.address, recipe.base, place, suffixes, source.files)
            keys[source.name] = stored_key(found.stored, found.files, hashed(found.files))
        else:
            keys[source.name] = stored_key(there)
    return keys


def _groups(files: Iterable[SourceFile]) -> Iterator[list[SourceFile]]:
    group: list[SourceFile] = []
    size = 0
    for file in files:
        if group and size + file.size > UNIT_BYTES:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.size
    if group:
        yield group

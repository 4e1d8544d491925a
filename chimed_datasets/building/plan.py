"""The plan of a build: the sources' files become units of work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import SourceError
from ..recipe import Recipe, Source
from ..sources import SourceFile
from ..sources.files.finding import find, not_read
from ..sources.files.opening import sha256
from . import checkpoint

UNIT_BYTES = 8 * 1024 * 1024
"""Files of a source are put together into units of work of about this size."""


@dataclass(frozen=True)
class Unit:
    """Files of one source that are read together; ``limit`` bounds their records."""

    number: int
    source: Source
    files: tuple[SourceFile, ...]
    limit: int | None = None


@dataclass(frozen=True)
class Plan:
    """The work, every source's files by the source's name, and what they were then.

    passed: by the source's name, the files that are not read -> why.
    """

    units: list[Unit]
    files: dict[str, list[SourceFile]]
    stamps: dict[str, list[tuple[int, int]]]
    passed: dict[str, dict[str, str]]

    @cached_property
    def hashes(self) -> dict[str, list[str]]:
        """The sha256 of every source's files, in their order."""
        with ThreadPoolExecutor(4) as pool:  # hashing and reading both let go of the GIL
            return {name: list(pool.map(sha256, files)) for name, files in self.files.items()}

    def not_read(self) -> list[str]:
        """Return a line for each source with files that are not read and may be missed."""
        return [
            f"source {name!r}: {line}"
            for name, passed in self.passed.items()
            if (line := not_read(passed))
        ]

    def keys(self, base: str) -> dict[int, str]:
        """Return the key of each unit by its number: ``base``, and the content of its files."""
        of_file = {
            (name, file.name): digest
            for name, files in self.files.items()
            for file, digest in zip(files, self.hashes[name], strict=True)
        }
        return {
            unit.number: checkpoint.key_of(
                base,
                unit.source.name,
                *(f"{f.name} {of_file[unit.source.name, f.name]}" for f in unit.files),
            )
            for unit in self.units
        }

    def check_unchanged(self) -> None:
        """Raise :class:`SourceError` where a file is no longer what it was when it was planned."""
        for name, files in self.files.items():
            for file, stamp in zip(files, self.stamps[name], strict=True):
                if file.stamp() != stamp:
                    raise SourceError(
                        f"source {name!r}: {file.name} changed while the build read it; "
                        "run the same command again."
                    )


def plan(recipe: Recipe, staging: Path, limit: int | None = None) -> Plan:
    """Find every source's files and cut them into units.

    Raises :class:`SourceError` for a path that leads nowhere, before anything is written but
    the archives unpacked into ``staging``.
    """
    units: list[Unit] = []
    files: dict[str, list[SourceFile]] = {}
    passed: dict[str, dict[str, str]] = {}
    for source in recipe.sources:
        layout = source.reader
        found, passed[source.name] = find(
            source.address, recipe.base, staging / source.name, layout.suffixes, source.files
        )
        files[source.name] = found
        together = layout.together(source.options) or limit is not None
        for group in [found] if together else _groups(found):
            units.append(Unit(len(units), source, tuple(group), limit))
    stamps = {name: [file.stamp() for file in found] for name, found in files.items()}
    return Plan(units, files, stamps, passed)


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

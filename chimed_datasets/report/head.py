"""The head of the report as data: what went in and came out, from where, and if it is sound."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypedDict

from ..built.check_list import checked
from ..built.dataset import Built
from ..built.statistics import Statistics


class SourceHead(TypedDict):
    """A source: its records that came in and were kept, and their share (0 to 1; 0 where none came
    in)."""

    name: str
    licence: str
    domain: str
    origin: str
    layout: str
    came_in: int
    kept: int
    share: float


class SplitHead(TypedDict):
    """A split of a config: its rows, their characters, and the share (0 to 1) of the config's
    rows."""

    config: str
    split: str
    rows: int
    chars: int
    share: float


class Head(TypedDict):
    """What stands at the top of a report.

    name, version, fingerprint: of the build; version is the library with its version.
    date:          when its manifest was written here, as 2026-11-30 in UTC. A build has no date of
                   its own: the same input gives the same bytes. A copy has the day of the copy.
    files, bytes:  the data files, and their size.
    came_in, kept: records, and ``share``, the part (0 to 1) that was kept.
    rows, han:     rows of all configs, and the Chinese characters in them.
    checks:        those of `chimed validate`, each with the fields of :class:`.check_list.Checked`.
    """

    name: str
    version: str
    fingerprint: str
    date: str
    files: int
    bytes: int
    came_in: int
    kept: int
    share: float
    rows: int
    han: int
    sources: list[SourceHead]
    splits: list[SplitHead]
    checks: list[dict[str, Any]]


def head(built: Built, statistics: Statistics, checks: bool = True) -> Head:
    """Return the head of a build.

    checks: whether to run every check, which reads all rows; without, the list of checks is empty.
    """
    manifest = built.manifest
    sources: list[SourceHead] = [
        {
            "name": source["name"],
            "licence": source["license"],
            "domain": source["domain"],
            "origin": source["origin"],
            "layout": source["layout"],
            "came_in": source["in"],
            "kept": source["out"],
            "share": _share(source["out"], source["in"]),
        }
        for source in manifest["sources"]
    ]
    splits: list[SplitHead] = [
        {
            "config": config,
            "split": split,
            "rows": figures["rows"],
            "chars": figures["chars"],
            "share": _share(figures["rows"], of_config["all"]["rows"]),
        }
        for config, of_config in statistics.items()
        for split, figures in of_config.items()
        if split != "all"
    ]
    came_in, kept = (sum(source[key] for source in sources) for key in ("came_in", "kept"))
    files = [entry for _, _, entry in built.files()]
    written = (built.folder / "manifest.json").stat().st_mtime
    return {
        "name": manifest["name"],
        "version": manifest["library"],
        "fingerprint": manifest["fingerprint"],
        "date": datetime.fromtimestamp(written, UTC).date().isoformat(),
        "files": len(files),
        "bytes": sum(entry["bytes"] for entry in files),
        "came_in": came_in,
        "kept": kept,
        "share": _share(kept, came_in),
        "rows": sum(split["rows"] for split in splits),
        "han": sum(of_config["all"]["han_chars"] for of_config in statistics.values()),
        "sources": sources,
        "splits": splits,
        "checks": [one._asdict() for one in checked(built)] if checks else [],
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0

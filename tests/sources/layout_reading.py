"""Read files by a layout as a build does; what every layout must keep is checked on the way."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from chimed_datasets.records import Malformed, Record, batches
from chimed_datasets.sources import FileReport, layout
from chimed_datasets.sources.files.finding import resolve

FIXTURES = Path(__file__).parents[1] / "fixtures"


def read(
    key: str, path: Path, report: FileReport | None = None, **own: object
) -> list[Record | Malformed]:
    """Return all that a layout makes of a file or folder: unique keys, records Arrow can hold.
    ``own`` are the layout's own keys."""
    found = layout(key)
    options = found.options(own)
    if hasattr(options, "at"):
        options = options.at(Path("/"))
    if report is None:
        report = FileReport()
    with TemporaryDirectory() as staging:
        files = resolve(str(path), Path("/"), Path(staging), found.suffixes)
        made = list(found.read(files, options, report))
    assert len({m.key for m in made}) == len(made)
    good = [m for m in made if not isinstance(m, Malformed)]
    assert sum(b.num_rows for b in batches(good, source="s", license="l", domain="d")) == len(good)
    return made


def read_rows(key: str, folder: Path, rows: list, **own: object) -> list[Record | Malformed]:
    """Return what a layout makes of ``rows`` in a JSON file."""
    path = folder / "rows.json"
    path.write_text(json.dumps(rows), "utf-8")
    return read(key, path, **own)


def outcome(made: list[Record | Malformed]) -> list[tuple[str, str]]:
    """Return (key behind the #, rule or class) of each."""
    return [
        (m.key.split("#")[1], m.rule if isinstance(m, Malformed) else type(m).__name__)
        for m in made
    ]


def spoken(record: Record | Malformed) -> list[tuple[str, str]]:
    """Return the (role, content) of a dialogue's messages."""
    return [(m.role, m.content) for m in record.messages]

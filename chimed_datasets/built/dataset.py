"""A built dataset on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import InvalidDataset
from . import manifest as manifests

WITHHELD = "withheld/rows.parquet"
"""Ids and hashes of the rows that were left out of what was handed on."""


@dataclass(frozen=True)
class Built:
    """A built dataset on disk."""

    folder: Path
    manifest: dict[str, Any]

    def statistics(self) -> dict[str, Any]:
        """Read ``statistics.json``: config -> split -> figures."""
        return json.loads((self.folder / "statistics.json").read_text("utf-8"))

    def ledger(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """Read ``ledger/<name>.parquet`` (kept, dropped or refused)."""
        return pq.read_table(self.folder / "ledger" / f"{name}.parquet", columns=columns)

    def files(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield (config, split, entry) for every data file that the manifest names."""
        for config, splits in self.manifest["configs"].items():
            for split, entries in splits.items():
                for entry in entries:
                    yield config, split, entry


def open_built(folder: str | Path) -> Built:
    """Open a built dataset. Raises :class:`InvalidDataset` where ``folder`` is none."""
    folder = Path(folder)
    path = folder / "manifest.json"
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InvalidDataset(
            f"{folder} holds no dataset built by chimed (no manifest.json)."
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidDataset(f"{path} is not valid JSON: {error}.") from None
    if not isinstance(content, dict) or content.get("format") != manifests.FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        raise InvalidDataset(f"{path} has format {found!r}; this version reads {manifests.FORMAT}.")
    return Built(folder, content)


def repeated(ids: pa.ChunkedArray) -> list[str]:
    """Return the values that occur more than once."""
    counts = pc.value_counts(ids)
    return counts.filter(pc.greater(counts.field("counts"), 1)).field("values").to_pylist()

"""A built dataset on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import InvalidDataset
from ..lang import _
from .manifest import FORMAT, LIBRARY, DataFile, Manifest
from .statistics import Statistics

if TYPE_CHECKING:
    from datasets import Features

WITHHELD = "withheld/rows.parquet"
"""Ids and hashes of the rows that were left out of what was handed on."""


@dataclass(frozen=True)
class Built:
    """A built dataset on disk: its folder, and what ``manifest.json`` says."""

    folder: Path
    manifest: Manifest

    def is_of_this_version(self) -> bool:
        """Tell whether this version of the library built it.

        >>> chimed.open_built("chimed2").is_of_this_version()
        True
        """
        return self.manifest["library"] == LIBRARY

    @property
    def schema_version(self) -> int:
        """The version of the data files' columns: 2, or 1 for a build of 0.1.0.

        >>> chimed.open_built("chimed2").schema_version
        2
        """
        return self.manifest.get("schema_version", 1)

    def statistics(self) -> Statistics:
        """Read ``statistics.json``: config -> split, and "all" for all splits -> figures.

        The figures are counts of rows, characters and words, and rows by length, domain, source,
        department and origin.

        >>> chimed.open_built("chimed2").statistics()["sft"]["all"]["rows"]
        141
        """
        content = json.loads((self.folder / "statistics.json").read_text("utf-8"))
        return cast(Statistics, content)

    def features(self) -> dict[str, Features]:
        """Return config -> its columns, as ``datasets.Features``.

        They are those that are declared, or, where another version built it, those of the config's
        first data file.

        >>> chimed.open_built("chimed2").features()["pretrain"]["num_chars"].dtype
        'int64'
        """
        from datasets import Features

        columns = declared(self.manifest)
        first = {config: entry["file"] for config, __, entry in reversed(list(self.files()))}
        for config, file in first.items():
            if config not in columns:  # a guest's: its builder need not be here
                columns[config] = Features.from_arrow_schema(pq.read_schema(self.folder / file))
        if self.is_of_this_version():
            return {config: columns[config] for config in self.manifest["configs"]}
        for config, file in first.items():
            schema = pq.read_schema(self.folder / file)
            if not schema.equals(columns[config].arrow_schema):
                columns[config] = Features.from_arrow_schema(schema)
        return columns

    def ledger(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """Read ``ledger/<name>.parquet`` as a ``pyarrow.Table``.

        name: ``"kept"``, ``"dropped"`` or ``"refused"``; ``"texts"`` where texts are kept.
        columns: those to read. Left out: all.

        >>> chimed.open_built("chimed2").ledger("kept", ["id", "split"]).num_rows
        243
        """
        return pq.read_table(self.folder / "ledger" / f"{name}.parquet", columns=columns)

    def files(self) -> Iterator[tuple[str, str, DataFile]]:
        """Yield (config, split, entry) for every data file that the manifest names.

        An entry is a dict: ``file`` (its path in the folder), ``rows``, ``bytes`` and ``sha256``.

        >>> built = chimed.open_built("chimed2")
        >>> sum(entry["rows"] for config, split, entry in built.files() if config == "sft")
        141
        """
        for config, splits in self.manifest["configs"].items():
            for split, entries in splits.items():
                for entry in entries:
                    yield config, split, entry


def declared(manifest: Manifest) -> dict[str, Features]:
    """Return config -> columns of a build's configs that this package declares."""
    from ..rows import builders

    own = builders()
    return {name: own[name].features for name in manifest["configs"] if name in own}


def of_schema_1(features: Features) -> Features:
    """Return a config's columns as builds of schema 1 have them: without reasoning."""
    from datasets import Features

    schema = features.arrow_schema
    fields = [field for field in schema if field.name != "reasoning_flags"]
    return Features.from_arrow_schema(pa.schema([f.with_type(_bare(f.type)) for f in fields]))


def _bare(type_: pa.DataType) -> pa.DataType:
    if not (pa.types.is_list(type_) and pa.types.is_struct(type_.value_type)):
        return type_
    inner = type_.value_type
    return pa.list_(
        pa.struct([inner.field(name) for name in inner.names if name != "reasoning_content"])
    )


def about(manifest: Manifest) -> dict[str, str]:
    """Return config -> one line on it."""
    from ..rows import builders

    own = {name: builder.about for name, builder in builders().items()}
    return own | {g["name"]: g["about"] for g in manifest.get("guests", ()) if "about" in g}


def open_built(folder: str | Path) -> Built:
    """Open a built dataset. Raises :class:`InvalidDataset` where ``folder`` is none."""
    folder = Path(folder)
    path = folder / "manifest.json"
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InvalidDataset(
            _("{folder} holds no dataset built by chimed (no manifest.json).").format(folder=folder)
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidDataset(
            _("{path} is not valid JSON: {error}.").format(path=path, error=error)
        ) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        version = content.get("format") if isinstance(content, dict) else None
        raise InvalidDataset(
            _("{path} has format {version!r}; this version reads {format}.").format(
                path=path, version=version, format=FORMAT
            )
        )
    return Built(folder, cast(Manifest, content))


def owner_column(schema: pa.Schema) -> str:
    """Return the column of a config that holds the id of the record behind a row."""
    return "thread_id" if "thread_id" in schema.names else "id"


def repeated(ids: pa.ChunkedArray) -> list[str]:
    """Return the values that occur more than once.

    Of very many those with the same last character are counted at a time, which takes less memory.
    """
    parts: Iterable[pa.ChunkedArray] = [ids]
    if len(ids) > _COUNTED_AT_ONCE:
        last = pc.utf8_slice_codeunits(ids, -1)
        parts = (ids.filter(pc.equal(last, one)) for one in sorted(pc.unique(last).to_pylist()))
    found: list[str] = []
    for part in parts:
        counts = pc.value_counts(part)
        values = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
        found += cast("list[str]", values.to_pylist())
    return found


_COUNTED_AT_ONCE = 1_000_000

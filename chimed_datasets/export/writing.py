"""A build's rows, written file by file in a format; what it cannot hold goes to a ledger."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson
import pyarrow.parquet as pq

from ..built.dataset import Built
from ..errors import ChimedError, ExportError, did_you_mean
from ..rows import Refusal
from .formats import Format

LOST = "lost.jsonl"
"""The ledger of an export: a line for everything that the format could not hold."""
_ROWS_AT_ONCE = 1000


class Lost(NamedTuple):
    """A row, or a part of one, that the format could not hold."""

    config: str
    split: str
    id: str
    rule: str
    evidence: str


@dataclass
class Exported:
    """A file of an export. ``rows``: read. ``lines``: written. ``lost``: rule -> times."""

    config: str
    split: str
    file: str
    rows: int = 0
    lines: int = 0
    lost: Counter[str] = field(default_factory=Counter)


def write_export(
    built: Built,
    form: Format,
    out: str | Path,
    *,
    configs: Sequence[str] = (),
    overwrite: bool = False,
) -> list[Exported]:
    """Write the rows of a build in a format to the folder ``out``; return its files.

    configs: those to write; empty: all that the format takes.

    The folder appears whole or not at all. ``lost.jsonl`` in it has a line for everything that the
    format could not hold; a file that would have no line is not written. Raises
    :class:`ExportError` where ``out`` exists, where the build has no such config, and where the
    format's own code fails.
    """
    out = Path(out)
    wanted = _wanted(built, form, configs)
    if out.exists() and not overwrite:
        raise ExportError(f"{out} exists: name another --out, or pass --overwrite.")
    out.parent.mkdir(parents=True, exist_ok=True)
    files: dict[tuple[str, str], Exported] = {}
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as work:
        target = Path(work) / "export"
        target.mkdir()
        with (target / LOST).open("wb") as ledger:
            for config, split, entry in built.files():
                if config not in wanted:
                    continue
                name = f"{config}-{split}.jsonl"
                told = files.setdefault((config, split), Exported(config, split, name))
                with (target / name).open("ab") as file:
                    lines = _lines(built.folder / entry["file"], form, told, ledger)
                    file.writelines(orjson.dumps(line) + b"\n" for line in lines)
        written = [one for one in files.values() if one.lines]
        for one in files.values():
            if not one.lines:
                (target / one.file).unlink()
        if form.finish is not None:
            with _told_of(form):
                form.finish(target, written)
        if overwrite:
            shutil.rmtree(out, ignore_errors=True)
        target.rename(out)
    return list(files.values())


def _wanted(built: Built, form: Format, configs: Sequence[str]) -> set[str]:
    """Return the configs to write. Raises :class:`ExportError` for one that is not there."""
    there = set(built.manifest["configs"])
    for config in configs:
        if config not in there:
            raise ExportError(
                f"{built.folder} has no config {config!r}.{did_you_mean(config, there)}"
            )
    taken = there if form.configs is None else there & set(form.configs)
    wanted = set(configs) or taken
    if not wanted or wanted - taken:
        allowed = ", ".join(form.configs or ())
        raise ExportError(
            f"format {form.key!r} takes {allowed}; asked for {', '.join(sorted(wanted or there))}."
        )
    return wanted


def _lines(path: Path, form: Format, told: Exported, ledger: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield the lines of a data file; count in ``told``, and write what is lost to ``ledger``."""
    for batch in pq.ParquetFile(path).iter_batches(_ROWS_AT_ONCE):
        for row in batch.to_pylist():
            told.rows += 1
            with _told_of(form, row["id"]):
                made = list(form.convert(told.config, row))
                if not made:
                    made = [Refusal("no_line", "the format gave no line and no reason")]
            for one in made:
                if isinstance(one, Refusal):
                    lost = Lost(told.config, told.split, row["id"], one.rule, one.evidence)
                    ledger.write(orjson.dumps(lost._asdict()) + b"\n")
                    told.lost[one.rule] += 1
                else:
                    told.lines += 1
                    yield one


@contextmanager
def _told_of(form: Format, row: str = "") -> Iterator[None]:
    """Errors of a guest's code become one line that names it, and the row."""
    try:
        yield
    except ChimedError:
        raise
    except Exception as error:
        if form.guest is None:
            raise
        at = f", row {row}" if row else ""
        raise ExportError(f"{form.guest}{at}: {form.guest.fault(error)}") from error

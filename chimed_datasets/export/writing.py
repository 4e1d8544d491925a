"""A build's rows, written file by file in a format; what it cannot hold goes to a ledger."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson
import pyarrow.parquet as pq

from ..built import licences
from ..built.dataset import Built
from ..errors import ChimedError, ExportError, did_you_mean
from ..lang import _
from ..rows import Refusal
from . import talks
from .formats import Format
from .writers import WRITERS, Writer

LOST = "lost.jsonl"
"""The ledger of an export: a line for everything that the format could not hold."""
_ROWS_AT_ONCE = 1000


class Lost(NamedTuple):
    """A row, or a part of one, that the format could not hold.

    file:    the file that lacks it.
    source, license: of the row; "" where it has none.
    whole:   whether the file lacks the whole row.
    """

    config: str
    split: str
    id: str
    rule: str
    evidence: str
    file: str
    source: str
    license: str
    whole: bool


@dataclass
class Exported:
    """A file of an export.

    rows:     read.
    lines:    written.
    out:      rows of which any line was written.
    lost:     rule -> rows of which something is lost.
    parts:    rule -> those of them of which the rest is in the file.
    long:     rows written that have more characters than ``cutoff``.
    licences: (source, licence) -> rows written.
    name:     of the file, without the split: the config, or another of the format's.
    """

    config: str
    split: str
    file: str
    rows: int = 0
    lines: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    out: int = 0
    parts: Counter[str] = field(default_factory=Counter)
    long: int = 0
    licences: Counter[tuple[str, str]] = field(default_factory=Counter)
    name: str = ""

    @property
    def gone(self) -> int:
        """Rows of which no line was written."""
        return self.rows - self.out


def write_export(
    built: Built,
    form: Format,
    out: str | Path,
    *,
    configs: Sequence[str] = (),
    overwrite: bool = False,
    cutoff: int | None = None,
    withheld: Collection[str] = (),
    removed: Mapping[str, str] | None = None,
) -> list[Exported]:
    """Write the rows of a build in a format to the folder ``out``; return its files.

    configs: those to write; empty: all that the format takes.
    cutoff:  characters; longer rows are counted, and written all the same.
    withheld: sources whose rows are left out.
    removed: records that are left out, by id, with the reason.

    The folder appears whole or not at all. ``lost.jsonl`` in it has a line for everything that the
    format could not hold; a file that would have no line is not written. Raises
    :class:`ExportError` where ``out`` exists, where the build has no such config, and where the
    format's own code fails.
    """
    out = Path(out)
    wanted = _wanted(built, form, configs)
    if out.exists() and not overwrite:
        raise ExportError(
            _("{out} exists: name another --out, or pass --overwrite.").format(out=out)
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    files: dict[tuple[str, str], Exported] = {}
    writers: dict[str, Writer] = {}
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as work:
        target = Path(work) / "export"
        target.mkdir()
        with (target / LOST).open("wb") as ledger, ExitStack() as open_files:
            for config, split, entry in built.files():
                if config not in wanted:
                    continue
                for name in form.files.get(config, (config,)):
                    file = f"{name}-{split}.{form.writes}"
                    told = files.setdefault((name, split), Exported(config, split, file, name=name))
                    if file not in writers:
                        make = WRITERS[form.writes]
                        writers[file] = make(target / file, form.schemas.get(name))
                        open_files.callback(writers[file].close)
                    path = built.folder / entry["file"]
                    stays = _Stays(withheld, removed or {})
                    _write(path, form, told, writers[file], ledger, cutoff, stays)
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


def remarks(
    built: Built, form: Format, files: Sequence[Exported], cutoff: int | None = None
) -> Iterator[str]:
    """Yield what the user of an export should know: licences of its rows, rows that are withheld,
    rows that a trainer may cut, and that the format was not tried."""
    rows: Counter[tuple[str, str]] = Counter()
    for file in files:
        rows |= file.licences  # several files of one config hold the same rows
    by_licence: dict[str, set[str]] = {}
    for source, licence in rows:
        by_licence.setdefault(licence, set()).add(source)
    if any(by_licence):
        one_of = _("{name} ({why})")
        each = (
            one_of.format(name=name, why=_(", ").join(sorted(by_licence[name])))
            for name in sorted(by_licence)
        )
        said = _("licences of its rows, by source: {licences}. An export is for your own use.")
        yield said.format(licences=_("; ").join(each))
    for one in licences.restricted(built.manifest):
        if (one.source, one.licence) in rows:
            yield _(
                "source {source} may not be handed on: {licence}: {why}. --withhold leaves its "
                "rows out."
            ).format(source=one.source, licence=one.licence, why=one.why)
    withheld = built.manifest.get("withheld")
    if withheld:
        names = ", ".join(source["name"] for source in withheld["sources"])
        yield _(
            "{rows:,} rows of {names} are withheld from this copy, and not in the export: `chimed "
            "rehydrate` makes them again from your own copy of the source."
        ).format(rows=withheld["rows"], names=names)
    for file in files:
        if file.long:
            yield _(
                "{file}: {long:,} of {out:,} rows have more than {cutoff:,} characters: a trainer "
                "may cut them."
            ).format(file=file.file, long=file.long, out=file.out, cutoff=cutoff)
    if form.guest is None and not form.tried:
        said = _("{key} was not tried: its form is by the trainer's documents alone.")
        yield said.format(key=form.key)


class _Stays(NamedTuple):
    """What may not leave by an export."""

    withheld: Collection[str]
    removed: Mapping[str, str]

    def why_not(self, row: Mapping[str, Any]) -> Refusal | None:
        """Return why a row is left out; nothing of its text."""
        if row.get("source") in self.withheld:
            return Refusal("withheld", "the source's licence")
        owner = row.get("thread_id") or row["id"]
        if owner in self.removed:
            return Refusal("taken_down", self.removed[owner])
        return None


def _wanted(built: Built, form: Format, configs: Sequence[str]) -> set[str]:
    """Return the configs to write. Raises :class:`ExportError` for one that is not there."""
    there = set(built.manifest["configs"])
    for config in configs:
        if config not in there:
            raise ExportError(
                _("{folder} has no config {config!r}.{did_you_mean}").format(
                    folder=built.folder, config=config, did_you_mean=did_you_mean(config, there)
                )
            )
    taken = there if form.configs is None else there & set(form.configs)
    wanted = set(configs) or taken
    if not wanted or wanted - taken:
        allowed = ", ".join(form.configs or ())
        raise ExportError(
            _("format {key!r} takes {allowed}; asked for {value}.").format(
                key=form.key, allowed=allowed, value=", ".join(sorted(wanted or there))
            )
        )
    return wanted


def _write(
    path: Path,
    form: Format,
    told: Exported,
    writer: Writer,
    ledger: BinaryIO,
    cutoff: int | None,
    stays: _Stays,
) -> None:
    """Write the rows of a data file, count in ``told``, and tell ``ledger`` what is lost."""
    for row in _rows(path):
        told.rows += 1
        why_not = stays.why_not(row)
        with _told_of(form, row["id"]):
            made = [why_not] if why_not else list(form.convert(told.name, row))
            lines = [one for one in made if not isinstance(one, Refusal)]
            refused = [one for one in made if isinstance(one, Refusal)]
            if not made:
                refused = [Refusal("no_line", "the format gave no line and no reason")]
            full = [why for why in map(writer.write, lines) if why is not None]
        count = len(lines) - len(full)
        told.lines += count
        source, licence = row.get("source") or "", row.get("license") or ""
        for one in refused + full[:1]:
            told.lost[one.rule] += 1
            told.parts[one.rule] += count > 0
            lost = Lost(told.config, told.split, row["id"], *one, told.file, source, licence,
                        whole=count == 0)  # fmt: skip
            ledger.write(orjson.dumps(lost._asdict()) + b"\n")
        if count:
            told.out += 1
            told.licences[source, licence] += 1
            told.long += cutoff is not None and talks.chars(told.config, row) > cutoff


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_ROWS_AT_ONCE):
            yield from batch.to_pylist()


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

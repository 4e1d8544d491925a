"""A look at the first records of each source, before anything takes long.

A field that no row has, or a layout that does not fit, is seen in the first rows: then the build
stops at once, and not after hours. Rows that are damaged stop nothing here: the rest may be sound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from ..errors import Fault, SourceError, told
from ..lang import N_, _, retold, speaking
from ..recipe import Recipe, Source
from ..records import Malformed, Record, kind_of
from ..sources import FileReport, SourceFile
from .dropped import Dropped, while_read
from .losses import Loss, by_rule, reasons
from .plan import UNIT_BYTES, fault_of
from .progress import Warn
from .read import ledger_rows, malformed_rows

FIRST = 20
"""Records of a source that are looked at."""
OTHER_FILES = 8
"""Further files that are looked into before a source is called wrong for the rows of its first."""
WRONG_FIELD = frozenset(f"read/{rule}" for rule in ("missing_field", "not_an_object", "wrong_type"))
"""Rules that tell of a wrong field or layout rather than of a damaged row."""


_KINDS = (N_("document"), N_("thread"), N_("dialogue"), N_("exam"))
"""Kinds of records, as they are counted."""


@dataclass(frozen=True)
class Look:
    """What the first records of a source are.

    kinds:   how many are sound, by their kind.
    loss:    what was lost of them.
    dropped: its rows of the ledger.
    whole:   whether the source has no more records than these.
    misfit:  whether a wrong field or layout is why none is sound, in other files neither.
    stages:  of the recipe, which may mask.
    """

    kinds: Mapping[str, int]
    loss: Loss
    dropped: Dropped
    whole: bool
    misfit: bool
    stages: Sequence[Any]

    def check(self) -> None:
        """Raise :class:`.losses.Stopped` where nothing is sound and a wrong field is why, or where
        there is nothing else."""
        if self.misfit or (self.whole and self.loss.all):
            raise self.loss.stop(self.stages, self.dropped, first=not self.whole)

    def lines(self) -> list[str]:
        """Return what a dry run says of the records."""
        seen, lost = self.loss.read, self.loss.lost
        if not seen:
            return []
        kinds = _(", ").join(f"{_(kind)} {n}" for kind, n in sorted(self.kinds.items()))
        read = _("{n} can be read ({kinds})") if kinds else _("{n} can be read")
        read = read.format(n=seen - lost, kinds=kinds)
        if lost:
            said = _("{read}, {lost} cannot ({reasons})")
            read = said.format(read=read, lost=lost, reasons=reasons(self.loss.rules))
        if seen == 1:
            said = _("  all 1 record: {read}") if self.whole else _("  the first 1 record: {read}")
        elif self.whole:
            said = _("  all {seen} records: {read}")
        else:
            said = _("  the first {seen} records: {read}")
        line = said.format(seen=seen, read=read)
        return [Warn(line) if lost and self.loss.great else line]


def look_at(
    recipe: Recipe, files: Mapping[str, Sequence[SourceFile]], limit: int | None = None
) -> Iterator[Look]:
    """Yield a look at the first records of each source, in the recipe's order.

    files: by the source's name. limit: how many records of a source will be read.

    Raises :class:`SourceError` as reading would, at the end: what is wrong with several sources is
    told together.
    """
    faults: list[Fault] = []
    errors: list[SourceError] = []
    stages = tuple(recipe.stages.in_order().values())
    for source in recipe.sources:
        own = files[source.name]
        report = FileReport()
        try:
            found = [] if _takes_all(source, own) else _first(source, own, report, limit)
        except SourceError as error:
            errors.append(error)
            faults.append(fault_of(recipe, source, error))
            continue
        whole = len(found) <= FIRST  # one more was asked for
        found = found[:FIRST]
        bad = [one for one in found if isinstance(one, Malformed)]
        kinds = Counter(kind_of(one) for one in found if not isinstance(one, Malformed))
        table = pa.Table.from_batches([malformed_rows(source.name, bad)])
        dropped = while_read(ledger_rows(table, recipe.removed, stages))
        encodings = set(report.encodings.values())
        loss = Loss(source, len(found), by_rule(dropped, stages), encodings, own)
        wrong = loss.all and not whole and loss.rules.keys() <= WRONG_FIELD
        misfit = wrong and not _some_fits(source, own)
        yield Look(kinds, loss, Dropped(more=dropped), whole, misfit, stages)
    if errors:
        first = errors[0]
        raise SourceError(
            told(faults), source=first.source, key=first.key, faults=faults
        ) from first


def _takes_all(source: Source, files: Sequence[SourceFile]) -> bool:
    """Whether a layout reads all files before the first record, and that takes long."""
    far = any(file.is_away for file in files)
    return source.reader.together(source.options) and (
        far or sum(file.size for file in files) > UNIT_BYTES
    )


def _first(
    source: Source, files: Sequence[SourceFile], report: FileReport, limit: int | None = None
) -> list[Record | Malformed]:
    """Return the first records, and one more where there is one and ``limit`` lets it."""
    most = min(FIRST + 1, limit or FIRST + 1)
    try:
        with speaking("en"):  # where nothing comes through, a ledger holds what is told of rows
            records: Any = source.reader.read(files, source.options, report)  # a generator
            with closing(records):
                return list(islice(records, most))
    except SourceError as error:
        said = _("source {name!r}: {error}")
        message = said.format(name=source.name, error=retold(str(error)))
        raise SourceError(message, source=source.name, key=error.key) from error


def _some_fits(source: Source, files: Sequence[SourceFile]) -> bool:
    """Whether one of some further files begins with a sound record."""
    others = [] if source.reader.needs_all(source.options) else files[1:]
    step = -(-len(others) // OTHER_FILES) or 1
    return any(
        not isinstance(record, Malformed)
        for file in others[::step]
        for record in _first(source, [file], FileReport())
    )

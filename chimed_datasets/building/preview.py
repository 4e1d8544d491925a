"""The first records of a source as they are read, and what each stage makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from .. import records
from ..built.changes import Change as Change
from ..built.changes import Piece as Piece
from ..built.changes import changes
from ..built.changes import marked as marked
from ..errors import RecipeError, SourceError, did_you_mean
from ..lang import _
from ..recipe import Recipe, Source, takedowns
from ..records import Malformed, Record
from ..records.ledger import as_read
from ..records.texts import Texts, texts_of
from ..sources import FileReport
from ..sources.files.finding import resolve
from ..sources.files.heads import first_files
from ..sources.files.staging import staging
from ..stages import OVER_ALL
from .prepared import benchmark_files, benchmark_index, per_batch
from .read import ledger_rows, malformed_rows


@dataclass(frozen=True)
class Step:
    """What a stage did to a record: nothing, where there are no changes and no rule.

    rule, evidence: why it dropped the record.
    """

    stage: str
    changes: tuple[Change, ...] = ()
    rule: str = ""
    evidence: str = ""


@dataclass
class Shown:
    """A record on its way. texts: as it was read; now: as it came out, empty where it was dropped
    or is none; last: as it came out, or was when it was dropped."""

    key: str
    id: str
    kind: str
    texts: Texts
    steps: list[Step] = field(default_factory=list)
    now: Texts = ()
    last: Texts = ()

    @property
    def dropped(self) -> Step | None:
        return self.steps[-1] if self.steps and self.steps[-1].rule else None


@dataclass(frozen=True)
class Previewed:
    """The first records of a source. stages: the names of those that they went through."""

    source: Source
    shown: list[Shown]
    stages: tuple[str, ...]


def preview(recipe: Recipe, only: str | None = None, n: int = 3) -> Iterator[Previewed]:
    """Yield the first ``n`` records of each source, or of the source ``only``, with what each stage
    that looks at a record by itself does to them. Of an archive the first members are unpacked.

    Raises :class:`RecipeError` for an unknown source, and what reading raises.
    """
    names = [source.name for source in recipe.sources]
    if only is not None and only not in names:
        raise RecipeError(
            _("unknown source {only!r}.{did_you_mean}").format(
                only=only, did_you_mean=did_you_mean(only, names)
            )
        )
    with staging() as place:
        index, __ = benchmark_index(recipe, benchmark_files(recipe, place))
        stages = per_batch(recipe.stages, index)
        for source in recipe.sources:
            if only in (None, source.name):
                found = _first(recipe, source, place / source.name, n)
                yield Previewed(
                    source,
                    list(through(recipe, source, found, stages)),
                    tuple(stage.name for stage in stages),
                )


def decided_later(recipe: Recipe) -> list[str]:
    """Return the stages that look at all records, and that a preview cannot show."""
    return [name for name, on in recipe.stages.in_order().items() if name in OVER_ALL and on]


def _first(recipe: Recipe, source: Source, staging: Path, n: int) -> list[Record | Malformed]:
    layout = source.reader
    whole = layout.needs_all(source.options)
    find = resolve if whole else first_files
    try:
        files = find(source.address, recipe.base, staging, layout.suffixes, source.files)
        if not files:  # its error says what is there
            place = staging / "all"
            files = resolve(source.address, recipe.base, place, layout.suffixes, source.files)
        found: list[Record | Malformed] = []
        for unit in [files] if whole else [[file] for file in files]:
            read: Any = layout.read(unit, source.options, FileReport())
            with closing(read):
                found += islice(read, n - len(found))
            if len(found) >= n:
                break
        return found
    except SourceError as error:
        message = _("source {name!r}: {error}").format(name=source.name, error=error)
        raise SourceError(message, source=source.name, key=error.key) from error


def through(
    recipe: Recipe, source: Source, found: Sequence[Record | Malformed], stages: Sequence[Any]
) -> Iterator[Shown]:
    """Yield what each stage makes of records, in the order in which they were read."""
    shown: dict[str, Shown] = {}
    sound = [one for one in found if not isinstance(one, Malformed)]
    bad = [one for one in found if isinstance(one, Malformed)]
    told = pa.Table.from_batches([malformed_rows(source.name, bad)])
    for row in ledger_rows(
        told, recipe.removed, tuple(recipe.stages.in_order().values())
    ).to_pylist():
        step = Step(row["stage"], (), row["rule"], row["evidence"])
        shown[row["key"]] = Shown(row["key"], row["id"], "", (), [step])
    for malformed in bad:
        if malformed.read is not None:
            one = shown[malformed.key]
            one.texts = one.last = (("read", as_read(malformed.read)),)
    for table in records.batches(
        sound,
        source=source.name,
        license=source.license,
        domain=source.domain,
        origin=source.origin,
    ):
        batch = records.Batch(table)
        states = _states(batch)
        for key, (id_, texts) in states.items():
            shown[key] = Shown(key, id_, batch.kind, texts, [], texts, texts)
            if id_ in recipe.removed:
                step = Step(takedowns.STAGE, (), takedowns.LISTED, recipe.removed[id_])
                shown[key].steps.append(step)
        for stage in stages:
            result = stage(batch)
            batch = result.batch
            drops = pa.Table.from_batches([result.drops])
            rows = ledger_rows(drops, {}, tuple(recipe.stages.in_order().values())).to_pylist()
            reasons = {row["key"]: row for row in rows}
            after = _states(batch)
            for key in states:
                one = shown[key]
                if one.dropped:
                    continue
                if key in reasons:
                    step = Step(stage.name, (), reasons[key]["rule"], reasons[key]["evidence"])
                    one.now = ()
                else:
                    now = after[key][1]
                    step = Step(stage.name, tuple(changes(one.now, now)))
                    one.now = one.last = now
                one.steps.append(step)
    for record in found:
        yield shown[record.key]


def _states(batch: records.Batch) -> dict[str, tuple[str, Texts]]:
    """Return key -> id and texts of the records of a batch."""
    return {row["key"]: (row["id"], texts_of(row)) for row in batch.table.to_pylist()}

"""The first records of a source as they are read, and what each stage makes of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from .. import records
from ..errors import RecipeError, SourceError, did_you_mean
from ..recipe import Recipe, Source, takedowns
from ..records import Malformed, Record
from ..sources import FileReport
from ..sources.files.finding import resolve
from ..sources.files.heads import first_files
from ..sources.files.staging import staging
from ..stages import OVER_ALL
from .prepared import benchmark_files, benchmark_index, per_batch
from .read import ledger_rows, malformed_rows

Texts = tuple[tuple[str, str], ...]
"""The texts of a record: (place, text), as ("question", "…") or ("answer 2", "…")."""


@dataclass(frozen=True)
class Change:
    """A text that a stage changed; None where it was not there before, or is not there after."""

    place: str
    before: str | None
    after: str | None


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
    or is none."""

    key: str
    id: str
    kind: str
    texts: Texts
    steps: list[Step] = field(default_factory=list)
    now: Texts = ()

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
        raise RecipeError(f"unknown source {only!r}.{did_you_mean(only, names)}")
    with staging() as place:
        index, _ = benchmark_index(recipe, benchmark_files(recipe, place))
        stages = per_batch(recipe.stages, index)
        for source in recipe.sources:
            if only in (None, source.name):
                found = _first(recipe, source, place / source.name, n)
                yield Previewed(
                    source,
                    list(_through(recipe, source, found, stages)),
                    tuple(stage.name for stage in stages),
                )


def decided_later(recipe: Recipe) -> list[str]:
    """Return the stages that look at all records, and that a preview cannot show."""
    return [name for name, on in recipe.stages.in_order().items() if name in OVER_ALL and on]


def _first(recipe: Recipe, source: Source, staging: Path, n: int) -> list[Record | Malformed]:
    layout = source.reader
    find = resolve if layout.joined else first_files
    try:
        files = find(source.path, recipe.base, staging, layout.suffixes)
        if not files:  # its error says what is there
            files = resolve(source.path, recipe.base, staging / "all", layout.suffixes)
        read: Any = layout.read(files, source.options, FileReport())
        with closing(read):
            return list(islice(read, n))
    except SourceError as error:
        message = f"source {source.name!r}: {error}"
        raise SourceError(message, source=source.name, key=error.key) from error


def _through(
    recipe: Recipe, source: Source, found: Sequence[Record | Malformed], stages: Sequence[Any]
) -> Iterator[Shown]:
    """Yield the records in the order in which they were read."""
    shown: dict[str, Shown] = {}
    sound = [one for one in found if not isinstance(one, Malformed)]
    bad = [one for one in found if isinstance(one, Malformed)]
    told = pa.Table.from_batches([malformed_rows(source.name, bad)])
    for row in ledger_rows(
        told, recipe.removed, tuple(recipe.stages.in_order().values())
    ).to_pylist():
        step = Step(row["stage"], (), row["rule"], row["evidence"])
        shown[row["key"]] = Shown(row["key"], row["id"], "", (), [step])
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
            shown[key] = Shown(key, id_, batch.kind, texts, [], texts)
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
                    step = Step(stage.name, tuple(_changes(one.now, now)))
                    one.now = now
                one.steps.append(step)
    for record in found:
        yield shown[record.key]


def _states(batch: records.Batch) -> dict[str, tuple[str, Texts]]:
    """Return key -> id and texts of the records of a batch."""
    return {row["key"]: (row["id"], tuple(_texts(row))) for row in batch.table.to_pylist()}


def _texts(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the texts of a record as it stands in a batch."""
    for name in ("department", "title", "question", "text"):
        if row.get(name):
            yield name, row[name]
    for message in row.get("messages") or ():
        yield from _said(message["role"], message["content"], message)
    for name, what in (("answers", "answer"), ("candidates", "reply")):
        items = row.get(name) or ()
        for number, item in enumerate(items, 1):
            yield from _said(f"{what} {number}" if len(items) > 1 else what, item["text"], item)
    if row.get("keyphrases"):
        yield "keyphrases", "、".join(row["keyphrases"])
    for name, value in row.get("metadata") or ():
        yield name, value


def _said(place: str, text: str, item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if item.get("reasoning_content"):
        yield f"{place}'s reasoning", item["reasoning_content"]
    yield place, text


def _changes(before: Texts, after: Texts) -> Iterator[Change]:
    """Yield what differs between two states of a record."""
    if len(before) == len(after):
        for (place, old), (_, new) in zip(before, after, strict=True):
            if old != new:
                yield Change(place, old, new)
        return
    for op, a, b, c, d in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        if op == "equal":
            continue
        gone, come = before[a:b], after[c:d]
        for (place, old), (_, new) in zip(gone, come, strict=False):
            yield Change(place, old, new)
        yield from (Change(place, old, None) for place, old in gone[len(come) :])
        yield from (Change(place, None, new) for place, new in come[len(gone) :])


# --- what changed within a text --------------------------------------------------------------

MOST_COMPARED = 2_000
"""Pieces of more characters are marked as a whole: to compare them sign by sign takes long."""
NEAR = 24
"""Characters that are shown on each side of a change."""


@dataclass(frozen=True)
class Piece:
    """A piece of a text. sign: "=" where it stayed, "-" where it went, "+" where it came, "…" in
    place of what stayed and is not shown."""

    sign: str
    text: str


def marked(before: str | None, after: str | None, near: int = NEAR) -> list[Piece]:
    """Return a text with what changed in it; of what stayed only what is near a change.

    >>> marked("太陽病，發熱。", "太阳病，发热。")[:3]
    [Piece(sign='=', text='太'), Piece(sign='-', text='陽'), Piece(sign='+', text='阳')]
    """
    pieces = list(_pieces(before or "", after or ""))
    out: list[Piece] = []
    for at, piece in enumerate(pieces):
        if piece.sign != "=" or len(piece.text) <= 2 * near + 10:
            out.append(piece)
            continue
        first, last = at == 0, at == len(pieces) - 1
        if not first:
            out.append(Piece("=", piece.text[:near]))
        out.append(Piece("…", "…"))
        if not last:
            out.append(Piece("=", piece.text[-near:]))
    return out


def _pieces(before: str, after: str) -> Iterator[Piece]:
    for op, old, new in _opcodes(before.splitlines(True), after.splitlines(True)):
        old_text, new_text = "".join(old), "".join(new)
        if op == "equal":
            yield Piece("=", old_text)
        elif op == "replace" and max(len(old_text), len(new_text)) <= MOST_COMPARED:
            for kind, a, b in _opcodes(old_text, new_text):
                if kind == "equal":
                    yield Piece("=", "".join(a))
                    continue
                yield from (Piece(s, "".join(t)) for s, t in (("-", a), ("+", b)) if t)
        else:
            yield from (Piece(s, t) for s, t in (("-", old_text), ("+", new_text)) if t)


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, Any, Any]]:
    for op, a, b, c, d in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        yield op, old[a:b], new[c:d]

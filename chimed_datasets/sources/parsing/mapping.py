"""Field mapping: rows of any columns become Documents, QA threads, Dialogues or exam items.

What a recipe says of it is :mod:`.mapped`; a row becomes a record in :mod:`.mapped_record`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

from ...errors import SourceError, did_you_mean
from ...lang import _
from ...records import Columns, Malformed, Record
from ..files.opening import FileReport, SourceFile, matches
from .by_ending import any_rows
from .flat import FlatRows
from .groups import threads
from .mapped import Mapped, trace_columns
from .mapped_columns import PlainColumns
from .mapped_record import converter, exam_rows
from .messages import as_data
from .on_disk import join_rows
from .paths import LOOK_AHEAD, check_there, look_at, looked_at, optional, replaced
from .row import KeyedRow, RowError, each
from .traces import Spelt
from .where import condition

__all__ = [
    "Mapped",
    "check_columns",
    "columns",
    "files_records",
    "records",
    "small_columns",
    "trace_columns",
]

Items = Iterable[KeyedRow | Malformed]


def records(
    rows: Items, options: Mapped, spelt: Spelt | None = None, table: Items | None = None
) -> Iterator[Record | Malformed]:
    """Yield a record for each row, or each group of them; ``spelt`` counts reasoning traces by
    spelling.

    table: the rows of the table that the recipe joins.
    """
    if options.each:
        rows = chain.from_iterable(_exploded(item, options.each) for item in rows)
    if options.join and table is not None:
        rows = join_rows(rows, table, *options.join.columns, options.join.name)
    if options.where is not None:
        rows = map(condition(options.where).of, rows)
    if options.kind == "exam":
        rows = chain.from_iterable(map(exam_rows(options), rows))
    convert = converter(options, spelt)
    if options.group:
        adopted = "adopted" in options.fields
        yield from threads(rows, options.group, convert, named=bool(options.id), adopted=adopted)
    else:
        yield from each(rows, convert)


def files_records(
    files: Sequence[SourceFile],
    rows: Callable[[SourceFile], Items],
    options: Mapped,
    report: FileReport,
) -> Iterator[Record | Malformed]:
    """Yield what :func:`records` makes of every file; ``rows`` reads one.

    With ``join`` or ``group`` all files of the source come at once. Those that ``join`` names are
    the table, whose rows are joined to those of all others.

    Raises :class:`SourceError` where a column of ``options`` is in none of the first rows of a
    file, and where ``join`` names no file, or all.
    """
    named = {} if options.BEHIND_FIRST else options.columns(sure=True)
    joined = [options.join.name] if options.join else []
    tables = [f for f in files if options.join and matches(f.name, options.join.with_)]
    others = [file for file in files if file not in tables]
    if options.join and not (tables and others):
        there = did_you_mean(options.join.with_, [file.name for file in files])
        what = "is no file of the source" if others else "names every file of the source"
        raise SourceError(
            _("join.with: {with_!r} {what}.{there}").format(
                with_=options.join.with_, what=what, there=there
            )
        )
    every = (looked_at(rows(file), named, joined) for file in others)
    if not options.together:
        for of_file in every:
            yield from records(of_file, options, report.traces)
        return
    table = chain.from_iterable(any_rows(file, report, ident="") for file in tables)
    whole = chain.from_iterable(every)
    yield from records(whole, options, report.traces, table if options.join else None)


def _exploded(item: KeyedRow | Malformed, column: str) -> Items:
    """Return a row for each item of the list in a column; the row itself, where there is none."""
    if isinstance(item, Malformed):
        return [item]
    key, row = item
    items = optional(column)(row)
    try:
        items = as_data(items)
    except RowError:  # a text that only begins as a list does
        return [item]
    if not isinstance(items, list) or not items:
        return [item]
    return [
        (f"{key}#{n}" if n else key, replaced(row, column, inner)) for n, inner in enumerate(items)
    ]


def columns(
    blocks: Iterable[list[KeyedRow | Malformed] | FlatRows],
    options: Mapped,
    spelt: Spelt | None = None,
) -> Iterator[Record | Malformed | Columns]:
    """Yield what :func:`records` makes of the rows of all blocks of a file; those of a block in
    which nothing is out of the ordinary as Columns. Neither ``join`` nor ``group`` may be given.

    Raises :class:`SourceError` where a column of ``options`` is in none of the first rows.
    """
    convert, plain = converter(options, spelt), PlainColumns(options)
    select = condition(options.where).of if options.where is not None else None
    if column := options.each:
        blocks = ([row for item in block for row in _exploded(item, column)] for block in blocks)
    blocks = iter(blocks)
    first: list[list[KeyedRow | Malformed] | FlatRows] = []
    while sum(map(len, first)) < LOOK_AHEAD and (block := next(blocks, None)) is not None:
        first.append(block)
    begun = list(islice(chain.from_iterable(first), LOOK_AHEAD))
    if not options.BEHIND_FIRST:
        look_at(begun, options.columns(sure=True))
    for block in chain(first, blocks):
        if isinstance(block, FlatRows):
            if columns := plain.of_flat(block):
                yield columns
                continue
            block = list(block)
        if select:
            block = list(map(select, block))
            chosen: list[KeyedRow | Malformed] = [
                item for item in block if not isinstance(item, Malformed)
            ]
            columns = plain.of_block(chosen) if chosen else None
            if columns or not chosen:
                yield from (item for item in block if isinstance(item, Malformed))
                if columns:
                    yield columns
                continue
        if options.kind == "exam":
            block = list(chain.from_iterable(map(exam_rows(options), block)))
        if columns := plain.of_block(block):
            yield columns
        else:
            yield from each(block, convert)


SMALL_ROWS, SMALL_BYTES = 1024, 1024 * 1024
"""So many rows, or bytes, of small files become records at once."""


def small_columns(
    files: Sequence[SourceFile],
    rows: Callable[[SourceFile], list[KeyedRow] | None],
    options: Mapped,
    report: FileReport,
) -> Iterator[tuple[list[SourceFile], Sequence[Record | Malformed | Columns]]]:
    """Yield all files in their order: several small ones with what :func:`columns` would make of
    them, or one with nothing, which is to be read by itself.

    rows: returns the rows of a small file of UTF-8 where they are sound, else None.
    """
    if options.together or options.each or options.where is not None or options.kind == "exam":
        yield from (([file], ()) for file in files)
        return
    convert, plain = converter(options, report.traces), PlainColumns(options)
    for group, block in _side_by_side(files, rows, options.columns(sure=True)):
        if not block:
            yield group, ()
            continue
        for file in group:
            report.note(file.name, "utf-8")
        columns = plain.of_block(block)
        yield group, [columns] if columns else list(each(block, convert))


def _side_by_side(
    files: Sequence[SourceFile],
    rows: Callable[[SourceFile], list[KeyedRow] | None],
    sure: Mapping[str, str],
) -> Iterator[tuple[list[SourceFile], list[KeyedRow | Malformed]]]:
    """Yield all files in their order: several with their rows, which have the columns that are
    ``sure``, or one that has none of these, without rows."""
    held: list[SourceFile] = []
    block: list[KeyedRow | Malformed] = []
    size = 0
    for file in files:
        found = rows(file) or []
        sound = bool(found) and _are_there(sure, found[:LOOK_AHEAD])
        if held and not (sound and len(block) < SMALL_ROWS and size < SMALL_BYTES):
            yield held, block
            held, block, size = [], [], 0
        if sound:
            held.append(file)
            block += found
            size += file.size
        else:
            yield [file], []
    if held:
        yield held, block


def _are_there(named: Mapping[str, str], first: Sequence[KeyedRow]) -> bool:
    if first[0][1].keys() >= set(named.values()):
        return True
    try:
        look_at(first, named)
    except SourceError:
        return False
    return True


def check_columns(options: Mapped, there: list[str], file: str) -> None:
    """Raise :class:`SourceError` for a mapped column that is not ``there``."""
    check_there(options.columns(sure=True), there, file)

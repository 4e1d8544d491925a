"""The end of a build: shards get their names, the account is drawn up and must hold, and
ledger, statistics, manifest and card are written.

    ledger/dropped.parquet   a row for every record that is in no config
    ledger/kept.parquet      a row for every record that is: its group, its split, its rows; where
                             near-duplicates are weighed, what it differs in from one it is near;
                             where these are searched for, a record that it stands inside
    ledger/refused.parquet   why a kept record gives a config no row
    ledger/texts.parquet     texts of dropped records, see `texts`
    dataset_info.json        the data files as LLaMA-Factory is told of them
"""

from __future__ import annotations

import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..built import bias, figures, llama_factory, manifest, texts
from ..built.card import render
from ..built.dataset import repeated
from ..built.manifest import (
    Account,
    Configs,
    ContainedEntry,
    DataFile,
    Manifest,
    Measured,
    to_json,
)
from ..built.parquet import Columns
from ..built.statistics import Tally, of_configs
from ..errors import BuildError
from ..executors import Executor
from ..executors.local import LocalExecutor
from ..lang import _
from ..records import ledger
from ..rows import ON_REQUEST, builders
from ..stages.split import SPLITS
from . import provenance
from .decide import passages, weighed
from .decide.contained import Inside
from .dropped import GROUP_ROWS, Dropped
from .features import numbers_of
from .kept_rows import kept_rows
from .losses import Stopped, added, by_rule, reasons
from .store import names_of
from .texts import Sought, sought, write_texts
from .write import REFUSALS, ShardReport

if TYPE_CHECKING:
    from .prepared import Prepared

_KEPT, _REFUSED = "ledger/kept.parquet", "ledger/refused.parquet"


def close(
    prepared: Prepared, written: list[ShardReport], target: Path, executor: Executor | None = None
) -> Manifest:
    """Write the finished dataset to ``target`` and return its manifest. executor: who may do a part
    of it meanwhile.

    All tables of the ledger at once would be most of what a large build holds: each that is written
    goes.
    """
    (target / "ledger").mkdir(parents=True)
    configs = _place_shards(written, target)
    rows = _rows_by_record(prepared, written)
    refused = _refused(prepared, written)
    in_some = np.logical_or.reduce([counts > 0 for counts in rows.values()])
    dropped = dropped_rows(prepared, refused, in_some)
    with _aside(Aside(target, sought(prepared, dropped.more)), executor, in_some.any()) as aside:
        refused = refused.filter(pa.array(in_some[refused["index"].to_numpy()])).drop(["index"])
        pieces = range(0, max(len(refused), 1), GROUP_ROWS)
        _write_ledger(target / _REFUSED, (refused.slice(at, GROUP_ROWS) for at in pieces))
        refused = refused.select(["config", "rule"])
        pa.default_memory_pool().release_unused()
        kept = _write_kept(prepared, rows, in_some, target / _KEPT)
        account = _account(prepared, kept, dropped)
        _check_told_once(kept, dropped, target / _KEPT)
        if not in_some.any():
            stages = tuple(prepared.recipe.stages.in_order().values())
            lost = reasons(added(by_rule(table, stages) for table in dropped.tables()))
            said = _("no record came through: the sources hold none.")
            if lost:
                said = _("no record came through: {n:,} were dropped ({lost}).")
            raise Stopped(said.format(n=len(dropped), lost=lost), dropped)
        dropped.write(target / "ledger" / "dropped.parquet")
        pa.default_memory_pool().release_unused()
        statistics = of_configs(_tallies(written))
        (target / "statistics.json").write_text(to_json(statistics), "utf-8")
        llama_factory.write_inline(target, configs, statistics)
        measured = _measured(prepared, in_some)
        measured |= aside()
    if (target / texts.FILE).is_file():
        measured["texts"] = texts.count(target)
    content = provenance.make(prepared, configs, account, dropped, refused, measured, target)
    (target / "manifest.json").write_text(to_json(content), "utf-8")
    (target / "README.md").write_text(
        render(content, statistics, columns=_columns(prepared, content)), "utf-8"
    )
    llama_factory.write(target, content, statistics)
    return content


class Aside(NamedTuple):
    """What is done aside of the rest: the bias is measured, the texts are written."""

    target: Path
    texts: Sought


def _do_aside(shared: Aside, part: str) -> Measured:
    if part == "bias":
        return bias.of_folder(shared.target)
    write_texts(shared.texts, shared.target)
    return {}


@contextmanager
def _aside(
    shared: Aside, executor: Executor | None, worthwhile: bool
) -> Iterator[Callable[[], Measured]]:
    """Begin what two workers of this machine can do while the block goes on; yield what waits for
    it and returns what was measured. Where there are none, it is done when it is waited for."""
    parts = ("bias", "texts")

    def done(found: Iterable[Measured]) -> Measured:
        measured, __ = found
        return measured

    if not (worthwhile and isinstance(executor, LocalExecutor) and executor.workers > 1):
        yield lambda: done(_do_aside(shared, part) for part in parts)
        return
    with ThreadPoolExecutor(1) as thread:  # it only waits
        found = thread.submit(lambda: list(executor.run(_do_aside, shared, parts)))
        yield lambda: done(found.result())


def _columns(prepared: Prepared, content: Manifest) -> dict[str, Columns]:
    """Return config -> columns, for the configs that have rows."""
    declared = builders(prepared.context.guests)
    return {name: declared[name].columns for name in content["configs"]}


def _write_ledger(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write tables so that the bytes do not depend on the pieces that their columns come in."""
    out: pq.ParquetWriter | None = None
    try:
        for table in tables:
            out = out or pq.ParquetWriter(path, table.schema, compression="zstd")
            out.write_table(table.combine_chunks())
            del table  # before the next one is made
            pa.default_memory_pool().release_unused()
    finally:
        if out:
            out.close()


class _Kept(NamedTuple):
    """What the account needs of the rows of kept.parquet: how many there are of each source, and a
    number (uint64) that follows from the id of each."""

    sources: Counter[str]
    numbers: np.ndarray


def _write_kept(
    prepared: Prepared, rows: dict[str, np.ndarray], in_some: np.ndarray, path: Path
) -> _Kept:
    sources: Counter[str] = Counter()
    numbers: list[np.ndarray] = []

    def noted() -> Iterator[pa.Table]:
        for table in kept_rows(prepared.store, prepared.decision, rows, in_some):
            sources.update(manifest.count(table["source"]))
            numbers.extend(map(numbers_of, table["id"].chunks))
            yield table
            del table  # before the next one is made

    _write_ledger(path, noted())
    return _Kept(sources, np.concatenate([np.zeros(0, np.uint64), *numbers]))


def _tallies(written: list[ShardReport]) -> dict[str, dict[str, list[Tally]]]:
    """Return config -> split -> the tallies of its shards."""
    tallies: dict[str, dict[str, list[Tally]]] = {}
    for report in written:
        tallies.setdefault(report.config, {}).setdefault(report.split, []).append(report.tally)
    return tallies


def _place_shards(written: list[ShardReport], target: Path) -> Configs:
    """Put the shards that hold rows under their names; return config -> split -> files."""
    by_split: dict[tuple[str, str], list[ShardReport]] = defaultdict(list)
    for report in written:
        if report.rows:
            by_split[report.config, report.split].append(report)
    configs: Configs = defaultdict(dict)
    for (config, split), reports in by_split.items():
        (target / config).mkdir(exist_ok=True)
        files: list[DataFile] = []
        for number, report in enumerate(reports):
            name = f"{config}/{split}-{number:05d}-of-{len(reports):05d}.parquet"
            _link(report.path, target / name)
            files.append({"file": name, "rows": report.rows, **report.file})
        configs[config][split] = files
    return dict(configs)


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, so that the checkpoint it is part of stays whole; else copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _rows_by_record(prepared: Prepared, written: list[ShardReport]) -> dict[str, np.ndarray]:
    """Return, for each config, how many rows every record gave it (int32)."""
    rows = {config: np.zeros(len(prepared.store), np.int32) for config in prepared.context.settings}
    for report in written:
        index, count = report.emitted().T
        rows[report.config][index] = count
    return rows


def _refused(prepared: Prepared, written: list[ShardReport]) -> pa.Table:
    """Return who was refused (id, source), by which config, rule and evidence, and the index of
    the record, in the order of configs and records."""
    parts = [report.refused() for report in written]
    refusals = pa.concat_tables([REFUSALS.empty_table(), *parts])
    shard = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    every, back = np.unique(refusals["index"].to_numpy(), return_inverse=True)
    names = _names(prepared, every).take(pa.array(back))
    return pa.table(
        {
            "id": names["id"],
            "source": names["source"],
            "config": pa.array([r.config for r in written], pa.string()).take(pa.array(shard)),
            "rule": refusals["rule"],
            "evidence": refusals["evidence"],
            "index": refusals["index"],
        }
    )


def _names(prepared: Prepared, indices: np.ndarray) -> pa.Table:
    return names_of(prepared.store, indices, ["id", "source", "key"])


def dropped_rows(prepared: Prepared, refused: pa.Table, in_some: np.ndarray) -> Dropped:
    """All ledger rows: of the units, of the duplicates, and of records that fit no config."""
    without = prepared.decision.keep & ~in_some
    final = refused.filter(pa.array(without[refused["index"].to_numpy()]))
    # A record that two configs refuse: a ranking without a winner is no reply for sft either,
    # and what kept it out is the later config's reason. A config on request has the last word
    # nowhere, so that asking for it changes no reason of what is still dropped.
    late = pc.is_in(final["config"], pa.array(ON_REQUEST))
    final = pa.concat_tables([final.filter(late), final.filter(pc.invert(late))])
    index = final["index"].to_numpy()
    last = len(index) - 1 - np.unique(index[::-1], return_index=True)[1]
    final = final.take(pa.array(last))
    names = _names(prepared, final["index"].to_numpy())
    nothing = pa.nulls(len(final), pa.string())
    unfit = pa.table(
        [*names.columns, final["config"], final["rule"], final["evidence"], nothing],
        schema=ledger.SCHEMA,
    )
    folder = prepared.context.folder
    files = [folder / name for report in prepared.reports for name in report.ledger_files]
    return Dropped(files, pa.concat_tables([prepared.decision.drops, unfit]))


def _account(prepared: Prepared, kept: _Kept, dropped: Dropped) -> dict[str, Account]:
    """Return in, out and dropped by source. Raises :class:`BuildError` where they do not add
    up."""
    read: Counter[str] = Counter()
    for report in prepared.reports:
        read[report.source] += report.read
    out = kept.sources
    lost = Counter({name: n for (name,), n in dropped.counts("source").items()})
    account: dict[str, Account] = {}
    for source in prepared.recipe.sources:
        name = source.name
        account[name] = {"in": read[name], "out": out[name], "dropped": lost[name]}
        if read[name] != out[name] + lost[name]:
            raise BuildError(
                _(
                    "source {name!r}: {read} records came in, but {out} went out and "
                    "{lost} were dropped: the build is not kept."
                ).format(name=name, read=read[name], out=out[name], lost=lost[name])
            )
    return account


def _check_told_once(kept: _Kept, dropped: Dropped, path: Path) -> None:
    """Raise :class:`BuildError` where a record is told of twice.

    Ids are strings of some thirty letters: sorted are numbers that follow from them, and only ids
    of one number are compared. path: of kept.parquet.
    """

    def ids_of_dropped() -> Iterator[pa.StringArray]:
        for table in dropped.tables("id"):
            yield from table["id"].chunks

    numbers = np.concatenate([kept.numbers, *map(numbers_of, ids_of_dropped())])
    numbers.sort()
    again = np.unique(numbers[1:][numbers[1:] == numbers[:-1]])
    if not len(again):
        return
    with pq.ParquetFile(path) as file:
        ids = chain(ids_of_dropped(), (batch["id"] for batch in file.iter_batches(columns=["id"])))
        several = [one.filter(pa.array(np.isin(numbers_of(one), again))) for one in ids]
    for one in repeated(pa.chunked_array(several, pa.string())):
        raise BuildError(_("record {one} is told of twice: the build is not kept.").format(one=one))


def _measured(prepared: Prepared, in_some: np.ndarray) -> Measured:
    """Return what was measured beyond counts: the splits, the stages, what was learnt."""
    group, split = prepared.decision.group[in_some], prepared.decision.split[in_some]
    there = np.zeros((len(prepared.store), len(SPLITS)), bool)  # a group is named by a record
    there[group, split] = True
    splits = np.bincount(there.sum(axis=1), minlength=2)
    measured: Measured = {
        "groups": {"all": int(splits[1:].sum()), "in_two_splits": int(splits[2:].sum())},
        "selftest": figures.of_stages(dict(prepared.recipe.stages)),
        "learnt": prepared.learnt,
    }
    if prepared.decision.alike is not None:
        alike = [
            one for one in prepared.decision.alike if in_some[one.index] and in_some[one.other]
        ]
        measured["weighed"] = weighed.counted(alike)
    if prepared.decision.inside is not None:
        measured["contained"] = _contained(prepared, prepared.decision.inside, in_some)
    if prepared.passed:
        measured["passages"] = passages.counted(prepared.passed, in_some)
    return measured


def _contained(prepared: Prepared, inside: Inside, in_some: np.ndarray) -> ContainedEntry:
    """Return what is told of records that stand mostly inside others."""
    drawn, split = inside.drawn, prepared.decision.split
    apart = inside.apart.among(in_some)
    told = apart.where((drawn[apart.text] > 0) & (drawn[apart.text] != drawn[apart.holder]))
    moved = in_some & (drawn != split)
    to_train = moved & (split == 0)
    entry: ContainedEntry = {
        "apart": len(np.unique(told.text)),
        "to_train": int(to_train.sum()),
        "held_out": int((moved & ~to_train).sum()),
    }
    if inside.every is not None:
        told = inside.every.among(in_some)
        entry["kept"] = len(np.unique(told.text))
    if len(told.text):
        one = int(np.argmax(prepared.features["chars"][told.text]))
        text, holder = int(told.text[one]), int(told.holder[one])
        names = {i: _names(prepared, np.array([i]))["id"][0].as_py() for i in (text, holder)}
        share = round(float(told.share[one]), 4)
        entry["example"] = {"record": names[text], "inside": names[holder], "share": share}
    return entry

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
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
from ..stages.near.chosen import Alike
from ..stages.near.containment import Pairs
from ..stages.split import SPLITS
from . import provenance
from .decide import passages, weighed
from .decide.contained import Inside
from .dropped import GROUP_ROWS, Dropped
from .losses import Stopped, added, by_rule, reasons
from .store import names_of
from .texts import Sought, sought, write_texts
from .write import REFUSALS, ShardReport

if TYPE_CHECKING:
    from .prepared import Prepared

_KEPT = ("id", "source", "key", "group", "split")
"""Columns of kept.parquet; behind them each config has one: its rows of the record (int32)."""


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
        _write_ledger(target, "refused", refused)
        refused = refused.select(["config", "rule"])
        pa.default_memory_pool().release_unused()
        kept = _kept(prepared, rows, in_some)
        with ThreadPoolExecutor(1) as thread:  # Arrow compresses while this goes on
            written_kept = thread.submit(_write_ledger, target, "kept", kept)
            account = _account(prepared, kept, dropped)
            if len(kept) == 0:
                stages = tuple(prepared.recipe.stages.in_order().values())
                lost = reasons(added(by_rule(table, stages) for table in dropped.tables()))
                said = _("no record came through: the sources hold none.")
                if lost:
                    said = _("no record came through: {n:,} were dropped ({lost}).")
                raise Stopped(said.format(n=len(dropped), lost=lost), dropped)
            dropped.write(target / "ledger" / "dropped.parquet")
            written_kept.result()
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


def _write_ledger(target: Path, name: str, table: pa.Table) -> None:
    """Write a table so that its bytes do not depend on the pieces that its columns come in."""
    path = target / "ledger" / f"{name}.parquet"
    with pq.ParquetWriter(path, table.schema, compression="zstd") as out:
        for start in range(0, max(len(table), 1), GROUP_ROWS):
            out.write_table(table.slice(start, GROUP_ROWS).combine_chunks())


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


def _kept(prepared: Prepared, rows: dict[str, np.ndarray], in_some: np.ndarray) -> pa.Table:
    index = np.flatnonzero(in_some)
    names = _names(prepared, index)
    group, split = prepared.decision.group[index], prepared.decision.split[index]
    is_head = np.zeros(len(prepared.store), bool)
    is_head[group] = True
    heads, back = np.flatnonzero(is_head), (np.cumsum(is_head) - 1)[group]
    table = pa.table(
        [
            *names.columns,
            _names(prepared, heads)["id"].take(pa.array(back)),
            pa.array(SPLITS).take(pa.array(split)),
            *(pa.array(counts[index]) for counts in rows.values()),
        ],
        names=[*_KEPT, *rows],
    )
    alike, inside = prepared.decision.alike, prepared.decision.inside
    if alike is not None:
        table = _with_alike(table, index, alike)
    return table if inside is None else _with_inside(table, index, inside.every or inside.apart)


def _with_alike(kept: pa.Table, index: np.ndarray, alike: Sequence[Alike]) -> pa.Table:
    """Add what each kept record differs in from the kept one that it is near: `near` (its id),
    `reason`, and on both of a pair that contradict each other `contradicts` (the other's id)."""
    place = np.full(max([-1, *index[-1:], *(max(a.index, a.other) for a in alike)]) + 1, -1)
    place[index] = np.arange(len(index))
    ids = kept["id"].combine_chunks()
    near: list[str | None] = [None] * len(ids)
    reason, contradicts = near.copy(), near.copy()
    for one in alike:
        row, other = int(place[one.index]), int(place[one.other])
        if row < 0 or other < 0:
            continue
        near[row], reason[row] = ids[other].as_py(), f"kept: {one.reason}"
        if one.contradicts:
            contradicts[row] = ids[other].as_py()
            contradicts[other] = contradicts[other] or ids[row].as_py()
    for name, column in (("near", near), ("reason", reason), ("contradicts", contradicts)):
        kept = kept.append_column(name, pa.array(column, pa.string()))
    return kept


def _with_inside(kept: pa.Table, index: np.ndarray, inside: Pairs) -> pa.Table:
    """Add the record that each kept record mostly stands inside: `inside` (its id), and `share`, of
    its n-grams those that stand there. Of several it is the one with the largest share."""
    told = np.zeros(index.max(initial=-1) + 1, bool)
    told[index] = True
    inside = inside.among(told)
    text, first = np.unique(inside.text, return_index=True)
    rows = np.searchsorted(index, text)
    holder = np.full(len(index), -1)
    holder[rows] = np.searchsorted(index, inside.holder[first])
    share = np.zeros(len(index), np.float32)
    share[rows] = inside.share[first]
    nobody = holder < 0
    names = kept["id"].combine_chunks().take(pa.array(holder, mask=nobody))
    table = kept.append_column("inside", names)
    return table.append_column("share", pa.array(share, mask=nobody))


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


def _account(prepared: Prepared, kept: pa.Table, dropped: Dropped) -> dict[str, Account]:
    """Return in, out and dropped by source. Raises :class:`BuildError` where they do not add
    up or a record is told of twice."""
    read: Counter[str] = Counter()
    for report in prepared.reports:
        read[report.source] += report.read
    out = manifest.count(kept["source"])
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
    told = [table["id"] for table in dropped.tables("id")]
    chunks = [chunk for column in (kept["id"], *told) for chunk in column.chunks]
    ids = pa.chunked_array(chunks, pa.string())
    for one in repeated(ids):
        raise BuildError(_("record {one} is told of twice: the build is not kept.").format(one=one))
    return account


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

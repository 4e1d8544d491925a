"""The folder that a generation writes, and the store that outcomes wait in until it is written.

DIR/records.jsonl    a line for each generated record (layout "generated")
DIR/ledger.parquet   a row for each input without a result, and for each record that the
                     stages dropped before (columns of `chimed_datasets.records.ledger`)
DIR/manifest.json    what was asked of what, the account, and what the answers cost
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import GenerateError
from ..lang import _
from ..records import Record, kind_of, ledger
from .inputs import Input
from .tasks import Outcome

LEDGER_ROWS = 4096


class Outcomes:
    """What became of each input, by its number: on disk, for there may be millions, and they come
    in any order. It does not outlive the run: what a run resumes from is the cache."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE outcomes (n INTEGER PRIMARY KEY, records BLOB, drops BLOB)")
        self.account: dict[str, Counter[str]] = {}
        self.inputs = self.results = 0

    def put(self, number: int, given: Input, outcome: Outcome) -> None:
        """Keep an outcome. Every part that is due is done or dropped."""
        name = given.job.key if given.job else "generate"
        due = given.item.parts
        if outcome.done + len(outcome.drops) != due:
            raise GenerateError(
                _(
                    "task {name!r}, {id}: {due} results were due, but {done} came and "
                    "{drops} were dropped."
                ).format(
                    name=name,
                    id=given.item.record["id"],
                    due=due,
                    done=outcome.done,
                    drops=len(outcome.drops),
                )
            )
        account = self.account.setdefault(name, Counter())
        account["inputs"] += due
        self.inputs += due
        account["results"] += outcome.done
        self.results += outcome.done
        account["records"] += len(outcome.records)
        account.update(f"dropped.{drop.rule}" for drop in outcome.drops)
        record = given.item.record
        parts = [record["key"], given.item.name]
        drops = [
            (
                record["id"],
                record["source"],
                "#".join(filter(None, [*parts, drop.part])),
                name,
                drop.rule,
                ledger.shorten(drop.evidence),
                None,
            )
            for drop in outcome.drops
        ]
        lines = b"".join(map(line, outcome.records))
        self._db.execute(
            "INSERT INTO outcomes VALUES (?, ?, ?)", (number, lines, json.dumps(drops))
        )

    def lines(self) -> Iterator[bytes]:
        """Yield the records' lines, in the order of the inputs."""
        yield from (row[0] for row in self._db.execute("SELECT records FROM outcomes ORDER BY n"))

    def drops(self) -> Iterator[pa.Table]:
        """Yield ledger rows, in the order of the inputs."""
        held: list[list[str | None]] = []
        for (drops,) in self._db.execute("SELECT drops FROM outcomes ORDER BY n"):
            held += json.loads(drops)
            if len(held) >= LEDGER_ROWS:
                yield _table(held)
                held = []
        if held:
            yield _table(held)

    def close(self) -> None:
        self._db.close()


def _table(rows: list[list[str | None]]) -> pa.Table:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return pa.table(columns, schema=ledger.SCHEMA)


def line(record: Record) -> bytes:
    """Return a record as a line of records.jsonl; what is empty is left out."""
    content = {"kind": kind_of(record)} | _full(dataclasses.asdict(record))
    return orjson.dumps(content) + b"\n"


def _full(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _full(v) for k, v in value.items() if v is not None and v not in ([], {})}
    if isinstance(value, list):
        return [_full(one) for one in value]
    return value


def write(folder: Path, before: Iterable[pa.Table], outcomes: Outcomes) -> None:
    """Write records and ledger; ``before`` are the ledger rows of the stages."""
    with (folder / "records.jsonl").open("wb") as file:
        file.writelines(outcomes.lines())
    with pq.ParquetWriter(folder / "ledger.parquet", ledger.SCHEMA, compression="zstd") as writer:
        for table in (*before, *outcomes.drops()):
            writer.write_table(table.cast(ledger.SCHEMA))


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Write the manifest, last of all."""
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    (folder / "manifest.json").write_text(text, "utf-8")

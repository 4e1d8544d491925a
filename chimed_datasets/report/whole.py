"""All rows and dropped records of a build, to be filtered, counted and searched: by DuckDB.

What is filtered by is a table in memory, some 40 bytes a row; texts stay in the files. Which row
groups may hold a word is known once a thread has read all texts (:mod:`.bigrams`); until then, and
for the groups that may, they are read. Nothing is written, and no file outside the folder is read.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..built import texts as kept
from ..built.dataset import Built, owner_column
from ..built.statistics import INLINE, LENGTH_EDGES, row_texts
from ..errors import InvalidDataset, ReportError, broken_extra
from ..lang import _
from ..stages.mask import PLACEHOLDERS
from . import items, listing, sampling
from .bigrams import Bigrams
from .explain import untitled

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]
NONE = "—"
"""What a filter says for a record that has no value."""
THREADS = min(4, os.cpu_count() or 1)
GROUPS_KEPT, SEARCHES_KEPT, COUNTS_KEPT = 32, 4, 64
MOST_WORDS, MOST_CHARS = 8, 100
"""Words of a search that are looked at, and characters of one."""
ROW_KEYS = ("config", "source", "split", "department", "origin", "domain", "length", "tag")
DROP_KEYS = ("stage", "rule", "source", "tag")
_TEXTS = ("text", "messages", "prompt", "chosen", "rejected", "completion")
_SOUGHT = (*_TEXTS, "title", "department", "keyphrases", "answer", "explanation")
_ORIGINS = ("origin", "pair_origin", "mark")


class Group(NamedTuple):
    """A row group of a data file. start: the number of its first row among all rows."""

    path: Path
    config: str
    split: str
    number: int
    start: int
    rows: int


@dataclass
class Found:
    """A page of records, where the next one begins, and whether there is more."""

    items: list[Row]
    next: int
    more: bool

    def as_dict(self) -> Row:
        """Return it as JSON can hold it."""
        return {"items": self.items, "next": self.next, "more": self.more}


class Whole:
    """The rows and dropped records of a build.

    Raises :class:`InvalidDataset` for a manifest that names a file outside the folder, and
    :class:`ReportError` where DuckDB is not installed.
    """

    def __init__(self, built: Built) -> None:
        try:
            import duckdb
        except ImportError as error:
            raise ReportError(broken_extra(error, "serve")) from None
        self.built = built
        self.groups = list(_groups(built))
        self.starts = np.array([group.start for group in self.groups], np.int64)
        self.rows = self.groups[-1].start + self.groups[-1].rows if self.groups else 0
        self.about = sampling.notes(built)
        self.exams = sampling.exams(built)
        self.tags = _tag_names(self.about)
        self.index = Bigrams(len(self.groups))
        self.read = 0  # groups whose texts were read
        self.ids: tuple[np.ndarray, np.ndarray] | None = None
        self.connection = duckdb.connect(
            ":memory:", config={"autoinstall_known_extensions": "false"}
        )
        self._lock = threading.Lock()
        self._schemas: dict[Path, pa.Schema] = {}
        self._tables: OrderedDict[int, pa.Table] = OrderedDict()
        self._searches: OrderedDict[tuple[Any, ...], Search] = OrderedDict()
        self._counts: OrderedDict[tuple[Any, ...], Row] = OrderedDict()
        self._stop = threading.Event()
        self._load_rows()
        self._load_drops()
        self.connection.execute("SET enable_external_access = false")
        self.connection.execute("SET lock_configuration = true")
        self._reader = threading.Thread(target=self._read_texts, daemon=True)
        self._reader.start()

    def close(self) -> None:
        """Stop reading and searching."""
        self._stop.set()
        for search in self._searches.values():
            search.cancelled.set()
        self._reader.join()

    def wait(self) -> None:
        """Wait until all texts were read."""
        self._reader.join()

    # --- what is filtered by --------------------------------------------------------------------

    def _load_rows(self) -> None:
        """Make the table of rows: a number, its labels, the first row of its prompt, its turn."""
        con = self.connection
        labels = ("config", "split", "source", "department", "origin", "domain")
        known = self._values(labels)
        self.departments = known["department"]
        for name, values in known.items():
            con.execute(f"CREATE TYPE {name}_t AS ENUM (SELECT unnest(?::VARCHAR[]))", [values])
        columns = ", ".join(f"{name} {name}_t" for name in labels)
        con.execute(f"CREATE TABLE base ({columns})")
        for path, own in _by_file(self.groups):
            have = pq.read_schema(path).names
            origin = next((name for name in _ORIGINS if name in have), None)
            chosen = [
                f'TRY_CAST("{name}" AS {label}_t)' if name in have else f"NULL::{label}_t"
                for name, label in (
                    ("source", "source"),
                    ("department", "department"),
                    (origin or "", "origin"),
                    ("domain", "domain"),
                )
            ]
            con.execute(
                f"INSERT INTO base SELECT ?::config_t, ?::split_t, {', '.join(chosen)} "
                "FROM read_parquet(?)",
                [own[0].config, own[0].split, str(path)],
            )
        codes = con.execute(
            "SELECT enum_code(config)::UINTEGER * 65536 + COALESCE(enum_code(source), 65535) AS c "
            "FROM base"
        ).fetchnumpy()["c"]
        turns = _turns(np.asarray(codes))
        numbers = np.arange(self.rows, dtype=np.int32)
        more = pa.table({"n": numbers, "turn": turns, "head": self._heads()})
        con.register("more", more)
        con.execute("CREATE TABLE rows AS SELECT * FROM base POSITIONAL JOIN more")
        con.unregister("more")
        con.execute("DROP TABLE base")
        con.execute(f"CREATE TABLE cells AS {_cells('rows', labels)}")

    def _values(self, labels: Sequence[str]) -> dict[str, list[str]]:
        """Return label -> the values that the statistics name."""
        about = self.built.manifest
        found: dict[str, dict[str, None]] = {label: {} for label in labels}
        found["config"] = dict.fromkeys(about["configs"])
        found["split"] = dict.fromkeys(s for splits in about["configs"].values() for s in splits)
        found["source"] = dict.fromkeys(source["name"] for source in about["sources"])
        for splits in self.built.statistics().values():
            for label in ("department", "origin", "domain"):
                found[label].update(dict.fromkeys(splits["all"][label]))
        return {label: [v for v in values if v] or [NONE] for label, values in found.items()}

    def _heads(self) -> np.ndarray:
        """Return int32[rows], the first row of the prompt of each row: of configs that are shown by
        prompt its record's, else itself. The rows of a record stand together."""
        heads = np.arange(self.rows, dtype=np.int32)
        for path, own in _by_file(self.groups):
            if own[0].config in items.GROUPED and "thread_id" in pq.read_schema(path).names:
                threads = pq.read_table(path, columns=["thread_id"])["thread_id"].combine_chunks()
                if len(threads) > 1:
                    same = pc.equal(threads[1:], threads[:-1]).to_numpy(zero_copy_only=False)
                    mine = heads[own[0].start : own[0].start + len(threads)]
                    mine[1:][same] = 0
                    np.maximum.accumulate(mine, out=mine)
        return heads

    def _load_drops(self) -> None:
        path = _inside(self.built.folder, "ledger/dropped.parquet")
        known = kept.ids(self.built.folder)
        self.connection.register("known", pa.table({"id": known}))
        self.connection.execute(
            "CREATE TABLE drops AS SELECT row_number() OVER (PARTITION BY stage, rule ORDER BY "
            "id NOT IN (SELECT id FROM known), hash(id)) AS turn, id, source, key, stage, rule, "
            "COALESCE(evidence, '') AS evidence, twin, id IN (SELECT id FROM known) AS has_text, "
            "1 AS records "
            "FROM read_parquet(?)",
            [str(path)],
        )
        self.connection.unregister("known")
        self.drops = self.connection.execute("SELECT count(*) FROM drops").fetchone()[0]  # type: ignore[index]

    # --- the texts, once ------------------------------------------------------------------------

    def _read_texts(self) -> None:
        """Read all texts: what row groups hold, how long each row is, its tags, and record ids."""
        lengths = np.zeros(self.rows, np.uint8)
        tags = np.zeros(self.rows, np.uint32)
        names = np.zeros(self.rows, np.uint64)
        with ThreadPoolExecutor(2) as pool:
            reads = (pool.submit(self._looked_through, at) for at in range(len(self.groups)))
            waiting: list[Any] = []
            for at in range(len(self.groups)):
                waiting += islice(reads, 3 - len(waiting))
                if self._stop.is_set():
                    return
                length, tag, number, texts = waiting.pop(0).result()
                group = self.groups[at]
                here = slice(group.start, group.start + group.rows)
                lengths[here], tags[here], names[here] = length, tag, number
                self.index.add(at, texts)
                self.read = at + 1
        order = np.argsort(names, kind="stable")
        self.ids = names[order], order
        con = self.connection.cursor()
        con.register("more", pa.table({"length": lengths, "tags": tags}))
        con.execute("CREATE TABLE told AS SELECT * FROM rows POSITIONAL JOIN more")
        con.unregister("more")
        labels = ("config", "split", "source", "department", "origin", "domain", "length", "tags")
        con.execute(f"CREATE TABLE told_cells AS {_cells('told', labels)}")
        with self._lock:
            self._counts.clear()

    def _looked_through(self, at: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[pa.Array]]:
        """Return uint8[rows] the bin of each row's length, uint32[rows] its tags as bits,
        uint64[rows] a number of its record's id, and all texts that are searched."""
        group = self.groups[at]
        table = self.texts(group, ("id", "thread_id"))
        chars, texts = np.zeros(group.rows, np.int64), np.zeros(group.rows, np.int64)
        bits = {name: np.uint32(1 << k) for k, name in enumerate(self.tags)}
        tags = np.zeros(group.rows, np.uint32)
        for name in table.column_names:
            column = table[name].combine_chunks()
            for path, row, text in _strings(column, name):
                if path == "text" or path.endswith(".content"):
                    size = pc.fill_null(pc.utf8_length(text), 0).to_numpy()
                    np.add.at(chars, row, size)
                    np.add.at(texts, row, 1)
                    tags[row[_true(pc.starts_with(text, INLINE))]] |= bits[items.REASONING]
                    tags[row[_masked(text)]] |= bits[items.MASKED]
                elif path.endswith(".reasoning_content"):
                    tags[row[_true(pc.greater(pc.utf8_length(text), 0))]] |= bits[items.REASONING]
        chars += np.maximum(texts - 1, 0)
        owners = table[owner_column(table.schema)].combine_chunks()
        for at_row, name in enumerate(owners.to_pylist() if self.about else ()):
            for tag in _tags_of(self.about.get(name, {})):
                tags[at_row] |= bits[tag]
        if group.config in items.GROUPED:
            same = _true(pc.equal(owners[1:], owners[:-1]))
            tags[1:][same] |= bits[items.SEVERAL]
            tags[:-1][same] |= bits[items.SEVERAL]
        bins = (np.searchsorted(LENGTH_EDGES, chars, side="right") - 1).astype(np.uint8)
        sought = [
            text
            for name in table.column_names
            if name in _SOUGHT
            for path, __, text in _strings(table[name].combine_chunks(), name)
            if not path.endswith(".role")
        ]
        return bins, tags, _numbers(owners), sought

    def texts(self, group: Group, also: Sequence[str] = ()) -> pa.Table:
        """Return the columns of a row group that are searched, and others."""
        have = self._schema(group.path).names
        names = [name for name in (*_SOUGHT, *also) if name in have]
        with pq.ParquetFile(group.path) as file:
            return file.read_row_group(group.number, columns=names, use_threads=False)

    # --- questions ------------------------------------------------------------------------------

    def counts(self, name: str, state: Mapping[str, str]) -> Row:
        """Return rows under the filters, how many there are of each value of each filter when the
        others are set, and how much of the rows was searched so far (0 to 1)."""
        key = (name, *sorted(state.items()))
        with self._lock:
            if key in self._counts:
                return self._counts[key]
        told = self._has_tags()
        keys, table = self._about(name)
        con = self.connection.cursor()
        search = self._search(state) if name == "rows" else None
        done = search is None or search.done
        facets: dict[str, list[list[Any]]] = {}
        if search is not None:  # a table of its own: each filter is asked for it
            con.register("hits", pa.table({"n": search.so_far()}))
            labels = "config, split, source, department, origin, domain"
            labels += ", length, tags" if told else ""
            con.execute(
                f"CREATE TEMP TABLE found AS SELECT {labels}, 1 AS records FROM {table} "
                "SEMI JOIN hits USING (n)"
            )
            table = "found"
        elif name == "rows":
            table = "told_cells" if told else "cells"
        where, values = self._where(name, state)
        (rows,) = con.execute(
            f"SELECT COALESCE(sum(records), 0)::BIGINT FROM {table} WHERE {where}", values
        ).fetchone() or (0,)
        for one in keys:
            if not told and one in ("length", "tag") and name == "rows":
                continue
            where, values = self._where(name, {k: v for k, v in state.items() if k != one})
            facets[one] = self._facet(con, name, table, one, where, values)
        answer = {
            "rows": rows,
            "of": self.rows if name == "rows" else self.drops,
            "facets": facets,
            "seen": 1.0 if search is None else search.seen,
            "done": done and told,
        }
        if answer["done"]:
            with self._lock:
                self._counts[key] = answer
                while len(self._counts) > COUNTS_KEPT:
                    self._counts.popitem(last=False)
        return answer

    def _facet(
        self, con: duckdb.DuckDBPyConnection, name: str, table: str, key: str, where: str,
        values: Sequence[Any],
    ) -> list[list[Any]]:  # fmt: skip
        if key == "tag":
            parts = self._tag_parts(name)
            asked = ", ".join(
                f"COALESCE(sum(records) FILTER ({sql}), 0)::BIGINT" for sql in parts.values()
            )
            counts = con.execute(f"SELECT {asked} FROM {table} WHERE {where}", values).fetchone()
            return [[tag, n] for tag, n in zip(parts, counts or (), strict=False) if n]
        found = con.execute(
            f"SELECT {key}, sum(records)::BIGINT FROM {table} WHERE {where} GROUP BY 1", values
        ).fetchall()
        if key == "length":
            return [[_bin(int(value)), n] for value, n in found]
        if key == "department":
            return _with_those_above(found)
        return [[NONE if value in (None, "") else value, n] for value, n in found]

    def _has_tags(self) -> bool:
        return self.ids is not None and not self._reader.is_alive()

    def _about(self, name: str) -> tuple[Sequence[str], str]:
        if name == "drops":
            return DROP_KEYS, "drops"
        return ROW_KEYS, "told" if self._has_tags() else "rows"

    def _tag_parts(self, name: str) -> dict[str, str]:
        """Return tag -> the condition that a row has it."""
        if name == "drops":
            return {items.TEXT_KEPT: "has_text", items.TWIN: "twin IS NOT NULL"}
        return {tag: f"(tags & {1 << k}) <> 0" for k, tag in enumerate(self.tags)}

    def _where(self, name: str, state: Mapping[str, str]) -> tuple[str, list[Any]]:
        """Return a condition for the filters, its values apart. Names are ours, never the
        reader's."""
        parts, values = ["TRUE"], []
        for key in self._about(name)[0]:
            value = state.get(key)
            if not value:
                continue
            if key == "tag":
                parts.append(self._tag_parts(name).get(value, "FALSE"))
            elif key == "length":
                bins = [k for k in range(len(LENGTH_EDGES)) if _overlaps(_bin(k), value)]
                parts.append(f"length IN ({', '.join(map(str, bins))})" if bins else "FALSE")
            elif key == "department" and value != NONE:
                under = [one for one in self.departments if f"{one}>".startswith(f"{value}>")]
                parts.append(f"department IN ({', '.join('?' * len(under))})" if under else "FALSE")
                values += under
            elif value == NONE:
                parts.append(f"({key} IS NULL)")
            else:
                parts.append(
                    f"{key}::VARCHAR = ?" if name == "drops" else f"{key} = TRY_CAST(? AS {key}_t)"
                )
                values.append(value)
        if name == "drops":
            self._add_words(state, parts, values)
        if not self._has_tags() and name == "rows" and (state.get("length") or state.get("tag")):
            parts.append("FALSE")  # not counted yet
        return " AND ".join(parts), values

    def _add_words(self, state: Mapping[str, str], parts: list[str], values: list[Any]) -> None:
        """Add what dropped records must hold, in what the ledger says or in a kept text."""
        for word in words_of(state):
            ids = self._kept_with(word)
            sql = "contains(lower(concat_ws(chr(10), id, key, evidence, twin)), ?)"
            parts.append(f"({sql} OR list_contains(?::VARCHAR[], id))")
            values += [word, ids]

    def _kept_with(self, word: str) -> list[str]:
        """Return the dropped records whose kept text holds a word."""
        path = self.built.folder / kept.FILE
        if not path.is_file():
            return []
        found: list[str] = []
        with pq.ParquetFile(_inside(self.built.folder, kept.FILE)) as file:
            for batch in file.iter_batches(8_192, columns=["id", "texts"]):
                table = pa.Table.from_batches([batch])
                where = listing.holding(table.select(["texts"]), word)
                found += table["id"].filter(pa.array(where)).to_pylist()
        return found

    def find(self, name: str, state: Mapping[str, str], start: int, most: int) -> Found:
        """Return the records from ``start`` on that the filters mean: rows in turn over configs and
        sources, those with words in the order of the files."""
        if name == "drops":
            return self._find_drops(state, start, most)
        search = self._search(state)
        if search is not None:
            numbers, after, more = search.page(start, most)
        else:
            told = self._in_turn(state, start, most + 1)
            numbers, more = told[:most], len(told) > most
            after = start + len(numbers)
        return Found(self._rows(numbers), after, more)

    def _in_turn(self, state: Mapping[str, str], start: int, most: int) -> list[int]:
        """Return the rows that the filters mean, from ``start`` on, in turn over configs and
        sources. First among the first ones of each source, which is a hundred times less."""
        where, values = self._where("rows", state)
        __, table = self._about("rows")
        found: list[int] = []
        for bound in ((start + most) * 16, self.rows):
            sql = (
                f"SELECT n FROM {table} WHERE turn < {bound} AND {where} "
                f"ORDER BY turn, config, source, n LIMIT {most} OFFSET {start}"
            )
            found = [n for (n,) in self.connection.cursor().execute(sql, values).fetchall()]
            if len(found) == most:
                break
        return found

    def _rows(self, numbers: Sequence[int]) -> list[Row]:
        """Return rows as the page shows them, the rows of a prompt as one."""
        table = self._about("rows")[1]
        if not numbers:
            return []
        marks = ", ".join("?" * len(numbers))
        con = self.connection.cursor()
        heads = dict(
            con.execute(
                f"SELECT n, head FROM {table} WHERE n IN ({marks})", list(numbers)
            ).fetchall()
        )
        wanted = list(dict.fromkeys(heads[n] for n in numbers))
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self._row, wanted))

    def _row(self, head: int, whole: bool = False) -> Row:
        at = int(np.searchsorted(self.starts, head, side="right")) - 1
        group = self.groups[at]
        own = self._prompt(at, head - group.start)
        owner = own[0].get("thread_id") or own[0]["id"]
        about = self.about.get(owner, {})
        beside: dict[str, Row] = {}
        if whole:
            named = [about[name] for name in ("near", "contradicts", "inside") if about.get(name)]
            beside = {name: text for name in named if (text := self._text_of(name))}
        return items.of_rows(group.config, group.split, own, about, beside)

    def _prompt(self, at: int, row: int) -> list[Row]:
        """Return a row, with those behind it that have its prompt."""
        table = self._group(at)
        first = table.slice(row, 1).to_pylist()[0]
        if self.groups[at].config not in items.GROUPED:
            return [first]
        threads = table["thread_id"].slice(row, items.REPLIES * 4).to_pylist()
        same = next((k for k, one in enumerate(threads) if one != threads[0]), len(threads))
        return table.slice(row, same).to_pylist()  # type: ignore[no-any-return]

    def _schema(self, path: Path) -> pa.Schema:
        if path not in self._schemas:
            self._schemas[path] = pq.read_schema(path)
        return self._schemas[path]

    def _group(self, at: int) -> pa.Table:
        """Return a row group; the last few are kept."""
        with self._lock:
            if at in self._tables:
                self._tables.move_to_end(at)
                return self._tables[at]
        group = self.groups[at]
        with pq.ParquetFile(group.path) as file:
            table = file.read_row_group(group.number, use_threads=False)
        with self._lock:
            self._tables[at] = table
            while len(self._tables) > GROUPS_KEPT:
                self._tables.popitem(last=False)
        return table

    def _find_drops(self, state: Mapping[str, str], start: int, most: int) -> Found:
        where, values = self._where("drops", state)
        found = (
            self.connection.cursor()
            .execute(
                "SELECT id, source, key, stage, rule, evidence, twin FROM drops "
                f"WHERE {where} ORDER BY turn, stage, rule, id LIMIT {most + 1} OFFSET {start}",
                values,
            )
            .fetchall()
        )
        names = ("id", "source", "key", "stage", "rule", "evidence", "twin")
        rows = [dict(zip(names, row, strict=True)) for row in found[:most]]
        texts = {row["id"]: row for row in kept.kept(self.built.folder, {r["id"] for r in rows})}
        shown = [
            items.of_drop(row, texts.get(row["id"]), {}, self.exams.get(row["id"], [])[:3])
            for row in rows
        ]
        return Found(shown, start + len(rows), len(found) > most)

    def get(self, name: str, record: str, config: str = "") -> Row | None:
        """Return a record or row with all that is shown of it, and the list that it is in.

        config: of a record with rows in several configs, the row in this one."""
        if name in ("", "rows"):
            owner = record if self._places(record, config) else record.rpartition("-")[0]
            for n in self._places(owner, config):
                return {"list": "rows", "item": self._row(self._head(n), whole=True)}
        if name in ("", "drops"):
            return self._drop(record)
        return None

    def _head(self, n: int) -> int:
        sql = f"SELECT head FROM {self._about('rows')[1]} WHERE n = ?"
        (head,) = self.connection.cursor().execute(sql, [n]).fetchone() or (n,)
        return int(head)

    def _drop(self, record: str) -> Row | None:
        names = ("id", "source", "key", "stage", "rule", "evidence", "twin")
        sql = f"SELECT {', '.join(names)} FROM drops WHERE id = ?"
        found = self.connection.cursor().execute(sql, [record]).fetchone()
        if not found:
            return None
        row = dict(zip(names, found, strict=True))
        text = next(iter(kept.kept(self.built.folder, [record])), None)
        twin = self._text_of(row["twin"]) if row["twin"] else None
        twins = {str(row["twin"]): twin} if twin else {}
        exams = self.exams.get(record, [])[:3]
        return {"list": "drops", "item": items.of_drop(row, text, twins, exams)}

    def _text_of(self, record: str) -> Row | None:
        """Return source, config and text of a kept record."""
        for n in self._places(record):
            at = int(np.searchsorted(self.starts, n, side="right")) - 1
            row = self._group(at).slice(n - self.groups[at].start, 1).to_pylist()[0]
            text = "\n".join(untitled(row, one) for one in row_texts(row))[: items.BESIDE_CHARS]
            return {"source": row["source"], "config": self.groups[at].config, "text": text}
        return None

    def _places(self, record: str, config: str = "") -> list[int]:
        """Return the first row of a record (in a config), in a list; an empty one where it has
        none."""
        if self.ids is not None:
            names, order = self.ids
            (number,) = _numbers(pa.array([record]))
            first, last = (int(np.searchsorted(names, number, side)) for side in ("left", "right"))
            for n in order[first : min(last, first + 100)].tolist():
                at = int(np.searchsorted(self.starts, n, side="right")) - 1
                if config and self.groups[at].config != config:
                    continue
                table = self._group(at)
                if table[owner_column(table.schema)][n - self.groups[at].start].as_py() == record:
                    return [n]
            return []
        for path, own in _by_file(self.groups):
            if config and own[0].config != config:
                continue
            owner = owner_column(pq.read_schema(path))
            where = pc.indices_nonzero(
                pc.equal(pq.read_table(path, columns=[owner])[owner], record)
            )
            if len(where):
                return [own[0].start + where[0].as_py()]
        return []

    # --- words ----------------------------------------------------------------------------------

    def _search(self, state: Mapping[str, str]) -> Search | None:
        """Return the search for the words of a state, begun now or before; None without words.
        Others that still run are stopped: who asks has gone on."""
        words = words_of(state)
        if not words:
            return None
        key = (words, *sorted((k, v) for k, v in state.items() if k != "q"))
        with self._lock:
            search = self._searches.get(key)
            if search is None or search.cancelled.is_set():
                for other in self._searches.values():
                    if not other.done:
                        other.cancelled.set()
                search = Search(self, words, self._meant(state))
                self._searches[key] = search
                while len(self._searches) > SEARCHES_KEPT:
                    self._searches.popitem(last=False)[1].cancelled.set()
            self._searches.move_to_end(key)
        return search

    def _meant(self, state: Mapping[str, str]) -> np.ndarray | None:
        """Return bool[rows], which rows the filters mean; None for all."""
        if not any(state.get(key) for key in ROW_KEYS):
            return None
        where, values = self._where("rows", state)
        sql = f"SELECT n FROM {self._about('rows')[1]} WHERE {where}"
        meant = np.zeros(self.rows, bool)
        meant[self.connection.cursor().execute(sql, values).fetchnumpy()["n"]] = True
        return meant


class Search:
    """A search for words, by threads of its own: in groups of each config in turn."""

    def __init__(self, whole: Whole, words: Sequence[str], meant: np.ndarray | None) -> None:
        self.whole, self.words, self.meant = whole, words, meant
        self.cancelled = threading.Event()
        self.done, self.seen = False, 0.0
        self._found: list[np.ndarray] = []
        self._size = 0
        self._news = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        order = self._order()
        with ThreadPoolExecutor(THREADS) as pool:
            jobs = (pool.submit(self._of_group, at) for at in order)
            waiting: list[Any] = []
            for number in range(len(order)):
                waiting += islice(jobs, THREADS + 1 - len(waiting))
                if self.cancelled.is_set():
                    break
                rows = waiting.pop(0).result()
                with self._news:
                    self._found.append(rows)
                    self._size += len(rows)
                    self.seen = (number + 1) / len(order)
                    self._news.notify_all()
        with self._news:
            self.done = not self.cancelled.is_set()
            self.seen = 1.0 if self.done else self.seen
            self._news.notify_all()

    def _order(self) -> list[int]:
        """Return the groups to look through."""
        groups = self.whole.groups
        may = self.whole.index.may_hold(self.words)
        by_config: dict[str, list[int]] = {}
        for at in np.flatnonzero(may).tolist():
            group = groups[at]
            mine = slice(group.start, group.start + group.rows)
            if self.meant is None or self.meant[mine].any():
                by_config.setdefault(group.config, []).append(at)
        return sampling.in_turn(by_config.values())

    def _of_group(self, at: int) -> np.ndarray:
        """Return int64[n], the rows of a group that hold all words and are meant."""
        group = self.whole.groups[at]
        if self.cancelled.is_set():
            return np.zeros(0, np.int64)
        table = self.whole.texts(group)
        holds = np.ones(group.rows, bool)
        if self.meant is not None:
            holds &= self.meant[group.start : group.start + group.rows]
        for word in self.words:
            if holds.any():
                holds &= listing.holding(table, word)
        return np.flatnonzero(holds) + group.start

    def page(self, start: int, most: int) -> tuple[list[int], int, bool]:
        """Return rows from ``start`` on, where the next ones begin, and whether there may be more;
        wait until there are so many."""
        with self._news:
            self._news.wait_for(
                lambda: self._size > start + most or self.done or self.cancelled.is_set()
            )
            found = self.so_far()[start : start + most].tolist()
            return found, start + len(found), self._size > start + most

    def so_far(self) -> np.ndarray:
        """Return int64[n], what was found."""
        return np.concatenate([np.zeros(0, np.int64), *self._found])


def words_of(state: Mapping[str, str]) -> tuple[str, ...]:
    """Return the words that are searched for, in lower case."""
    words = state.get("q", "").lower().split()[:MOST_WORDS]
    return tuple(word[:MOST_CHARS] for word in words)


def _cells(table: str, labels: Sequence[str]) -> str:
    """Return a query for how many rows have the same labels: some thousand cells tell the counts of
    millions of rows."""
    return f"SELECT {', '.join(labels)}, count(*) AS records FROM {table} GROUP BY ALL"


# --- files -----------------------------------------------------------------------------------


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a file. Raises :class:`InvalidDataset` where it is outside the folder."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InvalidDataset(
            _("{folder}: {name!r} of its manifest lies outside the folder.").format(
                folder=folder, name=name
            )
        )
    return path


def _groups(built: Built) -> Iterator[Group]:
    start = 0
    for config, split, entry in built.files():
        path = _inside(built.folder, entry["file"])
        about = pq.read_metadata(path)
        for number in range(about.num_row_groups):
            rows = about.row_group(number).num_rows
            yield Group(path, config, split, number, start, rows)
            start += rows


def _by_file(groups: Sequence[Group]) -> Iterator[tuple[Path, list[Group]]]:
    files: dict[Path, list[Group]] = {}
    for group in groups:
        files.setdefault(group.path, []).append(group)
    yield from files.items()


# --- columns ---------------------------------------------------------------------------------


def _strings(column: pa.Array, name: str) -> Iterator[tuple[str, np.ndarray, pa.Array]]:
    """Yield the name of a field, int64[n] the row of each text, and the texts, however deep."""
    yield from _nested(column, name, np.arange(len(column)))


def _nested(
    column: pa.Array, name: str, rows: np.ndarray
) -> Iterator[tuple[str, np.ndarray, pa.Array]]:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield name, rows, column
    elif pa.types.is_list(kind):
        parents = pc.list_parent_indices(column).to_numpy()
        yield from _nested(pc.list_flatten(column), name, rows[parents])
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _nested(pc.struct_field(column, field.name), f"{name}.{field.name}", rows)


def _true(mask: pa.Array) -> np.ndarray:
    found: np.ndarray = pc.fill_null(mask, False).to_numpy(zero_copy_only=False)
    return found


def _masked(text: pa.Array) -> np.ndarray:
    """Return bool[n], which texts hold a placeholder."""
    found = _true(pc.match_substring(text, "["))
    if found.any():
        at = np.flatnonzero(found)
        some = text.take(pa.array(at))
        holds = np.zeros(len(at), bool)
        for sign in set(PLACEHOLDERS.values()):
            holds |= _true(pc.match_substring(some, sign))
        found[at] = holds
    return found


def _numbers(ids: pa.Array) -> np.ndarray:
    """Return uint64[n], a number for each id: that of its last 16 hex digits."""
    ends = pc.utf8_slice_codeunits(pc.utf8_lpad(ids, 16, "0"), -16)
    signs = np.frombuffer("".join(ends.to_pylist()).encode("ascii", "replace"), np.uint8)
    digits = _HEX[signs.reshape(-1, 16)].astype(np.uint64)
    found: np.ndarray = (digits << np.arange(60, -1, -4, dtype=np.uint64)).sum(1, dtype=np.uint64)
    return found


_HEX = np.arange(256, dtype=np.uint8) & 15
for _k, _sign in enumerate("0123456789abcdef"):
    _HEX[ord(_sign)] = _k


def _turns(codes: np.ndarray) -> np.ndarray:
    """Return int32[n], the place of each row among those of its code."""
    order = np.argsort(codes, kind="stable")
    ranked = codes[order]
    first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if len(ranked) else ranked
    sizes = np.diff(np.r_[first, len(ranked)])
    turns = np.empty(len(codes), np.int32)
    turns[order] = np.arange(len(codes)) - np.repeat(first, sizes)
    return turns


def _bin(k: int) -> str:
    most = LENGTH_EDGES[k + 1] - 1 if k + 1 < len(LENGTH_EDGES) else ""
    return f"{LENGTH_EDGES[k]}-{most}"


def _overlaps(one: str, other: str) -> bool:
    """Tell whether two ranges "least-most" share a length."""
    try:
        ends = [
            (int(least or 0), int(most) if most else 1 << 60)
            for least, __, most in (text.partition("-") for text in (one, other))
        ]
    except ValueError:
        return False
    return ends[0][0] <= ends[1][1] and ends[1][0] <= ends[0][1]


def _with_those_above(counts: Sequence[tuple[str | None, int]]) -> list[list[Any]]:
    """Return the counts of departments, those of "内科>心血管内科" in 内科 as well."""
    found: dict[str, int] = {}
    for value, n in counts:
        parts = value.split(">") if value else [NONE]
        for k in range(len(parts)):
            name = ">".join(parts[: k + 1])
            found[name] = found.get(name, 0) + n
    return [[name, n] for name, n in found.items()]


# --- tags ------------------------------------------------------------------------------------


def _tag_names(about: Mapping[str, Row]) -> list[str]:
    """Return the tags that rows may have, at most 32."""
    unlike = sorted({tag for one in about.values() if (tag := items.unlike(one.get("reason")))})
    own = [items.REASONING, items.MASKED, items.SEVERAL, items.CONTRADICTS, items.INSIDE]
    return [*own, *unlike][:32]


def _tags_of(about: Mapping[str, Any]) -> list[str]:
    tags = [items.unlike(about.get("reason"))]
    tags += [items.CONTRADICTS] if about.get("contradicts") else []
    tags += [items.INSIDE] if about.get("inside") else []
    return [tag for tag in tags if tag]

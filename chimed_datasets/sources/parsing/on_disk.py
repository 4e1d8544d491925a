"""Rows of two tables joined by a key, and rows of one grouped by it, however many there are.

Rows are held in a database of SQLite that has no name: it lies in memory while it is small, and in
a file of the folder for temporary files (TMPDIR) where it is not, which is gone when it is closed.
"""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import Any, NamedTuple

from ...records import Malformed, excerpt
from .paths import optional
from .row import KeyedRow, text_of

Item = KeyedRow | Malformed
CACHE_KIB = 64 * 1024
"""What the database holds in memory."""
_ROWS = 1024


def join_rows(
    rows: Iterable[Item], table: Iterable[Item], ours: str, theirs: str, name: str
) -> Iterator[Item]:
    """Yield each row with its partner, a row of ``table``, in the new field ``name``; once for each
    partner where it has several.

    ours, theirs: the columns (or dotted paths) whose values are the same in partners.

    A row without a partner, of either side, is Malformed under "no_partner". Those of ``table``
    come last, in its order.
    """
    key_of = _key(ours)
    with closing(_database()) as db:
        db.execute("CREATE TABLE held (n INTEGER PRIMARY KEY, value TEXT, row BLOB)")
        yield from _put(db, table, _key(theirs))
        db.execute("CREATE INDEX by_value ON held (value)")
        (size,) = db.execute("SELECT COALESCE(MAX(n), 0) FROM held").fetchone()
        met = bytearray(size + 1)
        select = "SELECT n, row FROM held WHERE value = ? ORDER BY n"
        for item in rows:
            if isinstance(item, Malformed):
                yield item
                continue
            key, row = item
            value = key_of(row)
            partners = db.execute(select, (value,)) if value else ()
            count = 0
            for count, (number, data) in enumerate(partners, 1):
                met[number] = 1
                partner = pickle.loads(data)[1]
                yield key if count == 1 else f"{key}#{count - 1}", {**row, name: partner}
            if count == 0:
                yield _alone(key, ours, value, row)
        for number in range(1, size + 1):
            if not met[number]:
                found = "SELECT value, row FROM held WHERE n = ?"
                value, data = db.execute(found, (number,)).fetchone()
                key, row = pickle.loads(data)
                yield _alone(key, theirs, value, row)


class Group(NamedTuple):
    """Rows that share a value, as text: "" for a row without one, which is alone. They are fetched
    as they are asked for."""

    value: str
    rows: Iterator[KeyedRow]


def group_rows(rows: Iterable[Item], by: str) -> Iterator[Group | Malformed]:
    """Yield the rows that have the same value in the column (or dotted path) ``by``, in their
    order; groups in that of their first rows. A row without a value is a group of its own."""
    with closing(_database()) as db:
        db.execute("CREATE TABLE held (n INTEGER PRIMARY KEY, value TEXT, row BLOB)")
        yield from _put(db, rows, _key(by))
        db.execute("CREATE INDEX by_value ON held (value)")
        db.execute("CREATE TABLE firsts (n INTEGER PRIMARY KEY, value TEXT)")
        db.execute(
            "INSERT INTO firsts SELECT MIN(n), value FROM held WHERE value != '' GROUP BY value"
        )
        db.execute("INSERT INTO firsts SELECT n, '' FROM held WHERE value = ''")
        for number, value in db.execute("SELECT n, value FROM firsts ORDER BY n"):
            found = db.execute(
                "SELECT row FROM held WHERE value = ? ORDER BY n"
                if value
                else "SELECT row FROM held WHERE n = ?",
                (value or number,),
            )
            yield Group(value, (pickle.loads(data) for (data,) in found))


def _database() -> sqlite3.Connection:
    db = sqlite3.connect("", isolation_level=None)
    for setting in (f"cache_size = -{CACHE_KIB}", "journal_mode = OFF", "synchronous = OFF"):
        db.execute(f"PRAGMA {setting}")
    return db


def _put(
    db: sqlite3.Connection, rows: Iterable[Item], value_of: Callable[[Any], str]
) -> Iterator[Malformed]:
    """Store rows; yield those that are none."""
    rows = iter(rows)
    while part := list(islice(rows, _ROWS)):
        yield from (item for item in part if isinstance(item, Malformed))
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO held (value, row) VALUES (?, ?)",
            (
                (value_of(item[1]), pickle.dumps(item, pickle.HIGHEST_PROTOCOL))
                for item in part
                if not isinstance(item, Malformed)
            ),
        )
        db.execute("COMMIT")


def _key(column: str) -> Callable[[Any], str]:
    """Return what gets the value that partners share, as text: 12, "12" and 12.0 are the same."""
    get = optional(column)

    def value_of(row: Any) -> str:
        value = get(row)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        try:
            return text_of(value).strip().encode("utf-8", "replace").decode()
        except (TypeError, ValueError):
            return ""

    return value_of


def _alone(key: str, column: str, value: str, row: dict[str, Any]) -> Malformed:
    said = f"{column} is {value!r}" if value else f"{column} has no value"
    texts = (text for text in row.values() if isinstance(text, str) and text.strip() != value)
    return Malformed(key, "no_partner", f"{said}: {excerpt(max(texts, key=len, default=''))}")

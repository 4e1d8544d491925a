"""The frontier: every address that a crawl knows and what became of it, in one SQLite file.

A page's outcome, its row and the links found on it are written in one transaction. So whenever a
crawl is killed, each address is either done, with all that it led to, or still waiting: resumed, no
page that was taken in is fetched again and none is lost. (Scrapy's own job directory writes its
queues when it is closed; it does not survive a kill.)
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CollectError
from ..lang import _

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pages (
    number INTEGER PRIMARY KEY,    -- in the order of discovery
    key TEXT NOT NULL UNIQUE,      -- canonical address: two spellings of one page are one page
    url TEXT NOT NULL,             -- as it is asked for
    barren INTEGER NOT NULL,       -- pages in a row, up to the one that links here, without news
    reason TEXT,                   -- NULL while it waits; "record", or why there is none
    evidence TEXT NOT NULL DEFAULT '',
    passing INTEGER NOT NULL DEFAULT 0,  -- 1 where the reason may be gone another day
    kind TEXT,                     -- thread or article
    row TEXT,                      -- the record, as JSON
    time REAL
);
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_AHEAD = 200


class Link(NamedTuple):
    """An address to fetch: its canonical form, and the form to ask for."""

    key: str
    url: str


class Waiting(NamedTuple):
    """An address that is to be fetched now."""

    key: str
    url: str
    barren: int


class PageOutcome(NamedTuple):
    """What became of an address.

    reason:   "record", or why there is none.
    evidence: what the reason rests on; 500 characters are kept.
    passing:  whether the reason may be gone another day.
    kind:     "thread" or "article", of a record.
    row:      the record.
    links:    the addresses found on the page.
    barren:   the pages in a row without news, this one included.
    """

    reason: str
    evidence: str = ""
    passing: bool = False
    kind: str | None = None
    row: dict[str, Any] | None = None
    links: Iterable[Link] = ()
    barren: int = 0


class Frontier:
    """The addresses of one crawl; see the module. One process at a time may hold it open."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        """Open or begin a frontier. Raises :class:`CollectError` where it is in use, or was begun
        with another ``fingerprint`` (what decides which pages are fetched and read how)."""
        self.path = path
        try:
            # Autocommit: transactions are begun and ended below, in sight.
            self.db = sqlite3.connect(path, timeout=1, isolation_level=None)
            self.db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute("PRAGMA synchronous=NORMAL")
            self.db.executescript(_SCHEMA)
            self.db.execute("INSERT OR IGNORE INTO about VALUES ('fingerprint', ?)", (fingerprint,))
        except sqlite3.OperationalError as error:
            said = _("{path}: cannot be opened ({error}).")
            if "locked" in str(error):
                said = _("{path}: in use by another crawl ({error}).")
            raise CollectError(said.format(path=path, error=error)) from None
        except sqlite3.DatabaseError as error:
            raise CollectError(
                _("{path}: not a crawl's state ({error}).").format(path=path, error=error)
            ) from None
        (begun,) = self._one("SELECT value FROM about WHERE name = 'fingerprint'")
        if begun != fingerprint:
            self.close()
            raise CollectError(
                _(
                    "{parent} was begun with another site file: what decides which pages "
                    "are fetched and how they are read has changed. Take another --out."
                ).format(parent=path.parent)
            )
        self._last = 0
        self._ahead: deque[Waiting] = deque()

    def close(self) -> None:
        self.db.close()

    def _one(self, query: str, *values: Any) -> Any:
        return self.db.execute(query, values).fetchone()

    def add(self, links: Iterable[Link], barren: int = 0) -> int:
        """Add the addresses that are not known yet; return how many these are."""
        new = 0
        for link in links:
            done = self.db.execute(
                "INSERT OR IGNORE INTO pages (key, url, barren) VALUES (?, ?, ?)", (*link, barren)
            )
            new += done.rowcount
        return new

    def known(self, keys: Iterable[str]) -> set[str]:
        """Return those of ``keys`` that are known."""
        return {k for k in keys if self._one("SELECT 1 FROM pages WHERE key = ?", k)}

    def next(self) -> Waiting | None:
        """Return the next address to fetch, each once in the life of this object."""
        self._look_ahead()
        return self._ahead.popleft() if self._ahead else None

    def has_next(self) -> bool:
        self._look_ahead()
        return bool(self._ahead)

    def _look_ahead(self) -> None:
        if self._ahead:
            return
        rows = self.db.execute(
            "SELECT number, key, url, barren FROM pages WHERE number > ? AND reason IS NULL "
            "ORDER BY number LIMIT ?",
            (self._last, _AHEAD),
        ).fetchall()
        for number, *rest in rows:
            self._last = number
            self._ahead.append(Waiting(*rest))

    def finish(self, key: str, page: PageOutcome) -> int:
        """Write what became of an address, its row, and the links found there: all or nothing.
        Return how many of the links are new."""
        row = json.dumps(page.row, ensure_ascii=False) if page.row is not None else None
        values = (page.reason, page.evidence[:500], int(page.passing), page.kind, row, time.time())
        self.db.execute("BEGIN IMMEDIATE")
        try:
            self.db.execute(
                "UPDATE pages SET reason = ?, evidence = ?, passing = ?, kind = ?, row = ?, "
                "time = ? WHERE key = ?",
                (*values, key),
            )
            new = self.add(page.links, page.barren)
            self.db.execute("COMMIT")
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        return new

    def retry(self) -> int:
        """Let the pages that failed in passing wait again; return how many these are."""
        return self.db.execute(
            "UPDATE pages SET reason = NULL, passing = 0 WHERE passing = 1"
        ).rowcount

    def reopen(self, reason: str) -> int:
        """Let the addresses without a record for ``reason`` wait again; return how many."""
        return self.db.execute(
            "UPDATE pages SET reason = NULL WHERE reason = ?", (reason,)
        ).rowcount

    def passing(self) -> int:
        """Return the number of addresses that failed in passing."""
        (count,) = self._one("SELECT count(*) FROM pages WHERE passing = 1")
        return int(count)

    def counts(self) -> dict[str, int]:
        """Return the number of addresses by reason; "waiting" are those not fetched yet."""
        rows = self.db.execute(
            "SELECT coalesce(reason, 'waiting'), count(*) FROM pages GROUP BY reason ORDER BY 1"
        )
        return dict(rows.fetchall())

    def rows(self, kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield (key, url, row) of the records of a kind, sorted by key."""
        rows = self.db.execute(
            "SELECT key, url, row FROM pages WHERE reason = 'record' AND kind = ? ORDER BY key",
            (kind,),
        )
        for key, url, row in rows:
            yield key, url, json.loads(row)

    def without_record(self) -> Iterator[dict[str, Any]]:
        """Yield the ledger: every address that gave no record, sorted by address."""
        rows = self.db.execute(
            "SELECT url, coalesce(reason, 'waiting'), evidence, passing FROM pages "
            "WHERE reason IS NOT 'record' ORDER BY key"
        )
        for url, reason, evidence, passing in rows:
            yield {"url": url, "reason": reason, "evidence": evidence, "passing": bool(passing)}

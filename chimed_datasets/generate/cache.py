"""The cache: every answer that came, in one SQLite file. It is all that a run resumes from.

An answer is stored in the same breath in which it is read from the socket. With write-ahead
logging a process killed at any moment loses no stored answer (a power cut may lose the last
ones, and damages nothing), and several processes may write at once.

What is no answer (an error status, a dropped connection, a time-out, a body that is no
completion) is never stored. An answer that came whole but was not accepted was paid for: it is
kept, marked as bad, and :meth:`Cache.forget_bad` makes room for another try.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from ..errors import GenerateError
from ..lang import _
from .exchange import Completion

VERSION = 1
_TABLES = """
CREATE TABLE answers (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, text TEXT NOT NULL, finish TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    created TEXT NOT NULL, bad INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE spent (requests INTEGER NOT NULL, tokens INTEGER NOT NULL, nano INTEGER NOT NULL);
INSERT INTO spent VALUES (0, 0, 0);
"""
_BUSY_SECONDS = 60


def connect(path: Path) -> sqlite3.Connection:
    """Open the cache file, made where there is none. Raises :class:`GenerateError`."""
    try:
        db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute("BEGIN IMMEDIATE")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in _TABLES.split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version={VERSION}")
        db.execute("COMMIT")
    except sqlite3.Error as error:
        raise GenerateError(
            _("{path}: cannot be used as a cache ({error}).").format(path=path, error=error)
        ) from None
    if version not in (0, VERSION):
        raise GenerateError(
            _(
                "{path}: a cache of version {version}; this library writes version {version_2}."
            ).format(path=path, version=version, version_2=VERSION)
        )
    return db


class Cache:
    """Answers by the key of their request."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def get(self, key: str) -> Completion | None:
        row = self._db.execute(
            "SELECT text, finish, prompt_tokens, completion_tokens, created"
            " FROM answers WHERE key = ?",
            (key,),
        ).fetchone()
        return Completion(*row) if row else None

    def put(self, key: str, model: str, answer: Completion) -> Completion:
        """Store an answer and return the stored one: of two writers, the first is right."""
        done = self._db.execute(
            "INSERT INTO answers (key, model, text, finish, prompt_tokens, completion_tokens,"
            " created) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (key, model, *answer),
        )
        return answer if done.rowcount else self.get(key) or answer

    def mark_bad(self, keys: Iterable[str]) -> None:
        """Mark answers that led to no result."""
        update = "UPDATE answers SET bad = 1 WHERE key = ? AND NOT bad"
        self._db.executemany(update, [(key,) for key in keys])

    def forget_bad(self) -> int:
        """Delete the marked answers, so that they are asked for again; return how many."""
        return self._db.execute("DELETE FROM answers WHERE bad").rowcount

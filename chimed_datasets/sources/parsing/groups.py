"""Rows of a group become a thread with their answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...records import Malformed, QAThread, Record, excerpt
from ..files.decoding import MAX_RECORD_BYTES
from .on_disk import group_rows
from .row import MAX_ID_CHARS, KeyedRow, each

_ANSWER_BYTES = 256
"""What an answer takes in memory beyond its text."""


def threads(
    rows: Iterable[KeyedRow | Malformed],
    by: str,
    convert: Callable[[str, dict[str, Any]], Record],
    *,
    named: bool = False,
    adopted: bool = False,
) -> Iterator[Record | Malformed]:
    """Yield a thread for the rows of each group: the first says the question and all about it.

    Files may number their groups each for itself: what asks another question in another file is
    a thread of that file.

    by: the column that is the same in a group, whose value is the thread's key. convert: makes a
    thread of a row. named: rows have names of their own, and the first gives the key. adopted: a
    thread has an adopted answer, or is Malformed.
    """
    for group in group_rows(rows, by):
        if isinstance(group, Malformed):
            yield _of_group(group)
            continue
        made_of: dict[str, QAThread] = {}
        sizes: Counter[str] = Counter()
        met: set[str] = set()
        for made in each(group.rows, convert):
            if not isinstance(made, QAThread):
                assert isinstance(made, Malformed)
                yield _of_group(made)
                continue
            file, asked = made.key.partition("#")[0], made.question.strip()
            whole = made_of.get(asked)
            if whole is None and file in met:
                yield _of_group(Malformed(made.key, "group_differs", excerpt(made.question)))
                continue
            met.add(file)
            sizes[asked] += sum(_ANSWER_BYTES + 3 * len(a.text) for a in made.answers)
            if whole is None:
                if not named:
                    made.key = _key_of_group(made.key, group.value)
                made_of[asked] = made
            elif sizes[asked] <= MAX_RECORD_BYTES:
                whole.answers += made.answers
            else:
                whole.answers.clear()
        for asked, whole in made_of.items():
            if not whole.answers:
                size = f"{sizes[asked]:,} bytes of answers, allowed {MAX_RECORD_BYTES:,}"
                yield Malformed(whole.key, "too_long", f"{size}: {excerpt(whole.question)}")
            elif adopted and not any(a.adopted for a in whole.answers):
                yield Malformed(whole.key, "no_adopted", excerpt(whole.question))
            else:
                yield whole


def _key_of_group(key: str, value: str) -> str:
    """Return the key of a group whose first row has the key ``key``: its value, if it is one."""
    if value and len(value) <= MAX_ID_CHARS:
        return f"{key.partition('#')[0]}#{value}"
    return _as_row(key)


def _as_row(key: str) -> str:
    """Return a key that no group has, of a row: groups are named by their values."""
    return key.replace("#", "#row ", 1)


def _of_group(row: Malformed) -> Malformed:
    return Malformed(_as_row(row.key), row.rule, row.evidence)

"""Rows of JSON and CSV files, one by one, each with its key; bad rows become Malformed.

A row's key is ``file#id`` where the row has an ``id``, else ``file#ordinal`` (from 0). A key that
comes again in the file gets ``~2``, ``~3``: keys are unique by construction.
"""

from __future__ import annotations

import csv
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from ..records import Malformed, Record
from ._decoding import MAX_RECORD_BYTES, lines, texts
from ._files import FileReport, SourceFile

Row = tuple[str, dict[str, Any]]
MAX_ID_CHARS = 200


class RowError(Exception):
    """Raised while a row is made into a record: the row becomes Malformed under ``rule``."""

    def __init__(self, rule: str, evidence: str) -> None:
        super().__init__(rule, evidence)
        self.rule, self.evidence = rule, evidence


def each(
    rows: Iterable[Row | Malformed],
    convert: Callable[[str, dict[str, Any]], Record | Malformed | Iterable[Record | Malformed]],
) -> Iterator[Record | Malformed]:
    """Yield ``convert(key, row)`` for every row, one record or several.

    What a conversion raises makes the row Malformed: RowError under its own rule, KeyError under
    "missing_field", TypeError or AttributeError under "wrong_type", ValueError under "bad_value".
    """
    for row in rows:
        if isinstance(row, Malformed):
            yield row
            continue
        key, values = row
        try:
            made = convert(key, values)
            if isinstance(made, Iterable):
                yield from made
            else:
                yield made
        except RowError as error:
            yield Malformed(key, error.rule, error.evidence)
        except KeyError as error:
            there = ", ".join(map(str, values)) or "none"
            yield Malformed(key, "missing_field", f"no {error.args[0]!r}; fields: {there}")
        except (TypeError, AttributeError) as error:
            yield Malformed(key, "wrong_type", str(error))
        except ValueError as error:
            yield Malformed(key, "bad_value", str(error))


def text_of(value: Any) -> str:
    """Return a value as text: lists are joined by newlines, numbers written out, None is "".

    Raises ``TypeError`` for a mapping.
    """
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, (list, tuple)):
        return "\n".join(filter(None, map(text_of, value)))
    if isinstance(value, (int, float)):
        return str(value)
    raise TypeError(f"expected a text, got {type(value).__name__}: {str(value)[:60]}")


class Keys:
    """Gives every row of a file its key."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.used: dict[str, int] = {}
        self.plain = 0  # ordinals below this were given out before the first id was met

    def key(self, ordinal: int, native: Any = None) -> str:
        """Return the key of row number ``ordinal`` whose own id is ``native``."""
        if not isinstance(native, (str, int, float)) or isinstance(native, bool):
            name = ""
        else:
            name = str(native).strip()
        if not name or len(name) > MAX_ID_CHARS:
            if not self.used:
                self.plain = ordinal + 1
                return f"{self.file}#{ordinal}"
            name = str(ordinal)
        return f"{self.file}#{self._unique(name)}"

    def _unique(self, name: str) -> str:
        count = self.used.get(name, 0)
        if not count and not (name.isdecimal() and str(int(name)) == name and int(name) < self.plain):
            self.used[name] = 1
            return name
        for count in itertools.count(max(count, 1) + 1):
            if (other := f"{name}~{count}") not in self.used:
                self.used[name] = count
                self.used[other] = 1
                return other
        raise AssertionError


# --- JSON ------------------------------------------------------------------------------------

_TOLERANT = json.JSONDecoder(strict=False)
_FIRST_KEY = re.compile(r'\{\s*("[^"\\]*")')


def json_rows(file: SourceFile, report: FileReport) -> Iterator[Row | Malformed]:
    """Yield the objects of a JSON Lines file, of one list, or of one object.

    NaN, Infinity and control characters inside strings are tolerated. What is broken is
    Malformed under "json_invalid", what is no object under "not_an_object".
    """
    keys = Keys(file.name)
    numbered = lines(file, report)
    start: list[tuple[int, str | Malformed]] = []
    for item in numbered:
        start.append(item)
        if len(start) == 1 and isinstance(item[1], str) and not item[1].strip():
            start.pop()
        elif len(start) == 1 and isinstance(item[1], str) and item[1].lstrip().startswith("["):
            break
        elif len(start) == 2:
            break
    numbered = itertools.chain(start, numbered)
    values = _values(numbered) if _spans_lines(start) else _line_values(numbered)
    for ordinal, (where, value) in enumerate(values):
        if isinstance(value, dict):
            yield keys.key(ordinal, value.get("id")), value
        elif isinstance(value, Malformed):
            yield Malformed(keys.key(ordinal), value.rule, f"{where}: {value.evidence}")
        else:
            snippet = json.dumps(value, ensure_ascii=False)[:80]
            yield Malformed(keys.key(ordinal), "not_an_object", f"{where}: {snippet}")

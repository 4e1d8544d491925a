"""A row with its key, and what may go wrong between a row and a record.

A row's key is ``file#id`` where the row has an ``id``, else ``file#ordinal`` (from 0). A key that
comes again in the file gets ``~2``, ``~3``: keys are unique by construction.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ...errors import did_you_mean
from ...lang import N_
from ...records import Dialogue, Document, ExamItem, Malformed, QAThread, Record, excerpt
from ..files.opening import SourceFile
from ..files.parts import NOTHING_BEFORE, Before, Tally, hash_of
from .names import HELD, Names

KeyedRow = tuple[str, dict[str, Any]]


MAX_ID_CHARS = 200


class RowError(Exception):
    """Raised while a row is made into a record: the row becomes Malformed under ``rule``."""

    def __init__(self, rule: str, evidence: str) -> None:
        super().__init__(rule, evidence)
        self.rule, self.evidence = rule, evidence


_ONE = (Document, QAThread, Dialogue, ExamItem, Malformed)


def each(
    rows: Iterable[KeyedRow | Malformed],
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
            if isinstance(made, _ONE):
                if isinstance(made, Malformed) and made.read is None:
                    made.read = values
                yield made
            else:
                yield from made
        except RowError as error:
            yield Malformed(key, error.rule, error.evidence, values)
        except KeyError as error:
            missing = _missing(str(error.args[0]), values, key)
            yield Malformed(key, "missing_field", missing, values)
        except (TypeError, AttributeError) as error:
            yield Malformed(key, "wrong_type", str(error), values)
        except ValueError as error:
            yield Malformed(key, "bad_value", str(error), values)


def named(names: Sequence[str]) -> Callable[[list[Any]], dict[str, Any]] | None:
    """Return what makes an object of a row that is a list, its items under ``names``; None where
    there are no names. A row of another length is refused: RowError "wrong_type"."""

    def of_list(items: list[Any]) -> dict[str, Any]:
        if len(items) != len(names):
            why = f"a list of {len(items)}, header names {len(names)}: {excerpt(repr(items))}"
            raise RowError("wrong_type", why)
        return dict(zip(names, items, strict=True))

    return of_list if names else None


_SHOWN_FIELDS = 30
_ASKS = re.compile(r"ask|quest|query|prompt|instruct|problem|问|提问|input", re.I)
_REPLIES = re.compile(r"answer|repl|respon|output|target|solution|答|回复", re.I)


def _missing(name: str, row: dict[str, Any], key: str) -> str:
    """Return what a row without the field ``name`` has, and what would read it."""
    names = [excerpt(" ".join(str(field).split())) for field in list(row)[:_SHOWN_FIELDS]]
    told = N_("no {name!r}; fields: {fields}")
    told = told.format(name=name, fields=", ".join(names) or "none")
    if len(row) > len(names):
        told += f" and {len(row) - len(names)} more"
    if hint := did_you_mean(name, names).partition(" Known:")[0].strip():
        return f"{told}. {hint}"
    question = next((field for field in names if _ASKS.search(field)), None)
    answer = next((f for f in names if f != question and _REPLIES.search(f)), None)
    if question and answer:
        file = key.partition("#")[0].lower()
        kinds = {"csv": (".csv", ".tsv"), "parquet": (".parquet", ".pq")}
        layout = next((k for k, ends in kinds.items() if any(e in file for e in ends)), "jsonl")
        told += (
            f"; layout: {layout}, kind: thread, "
            f"fields: {{question: {question}, answer: {answer}}} would read it"
        )
    return told


NOTHING = frozenset(
    (
        "", "NULL", "Null", "null", "(NULL)", "(Null)", "(null)", "[NULL]", "[null]", "<NULL>",
        "<null>", "NaN", "Nan", "NAN", "nan", "-NaN", "-nan", "<NA>", "<nan>", "<NaN>", "<none>",
        "<None>", "None", "none", "NONE", "N/A", "n/a", "N/a", "NA", "#N/A", "#N/A N/A", "#NA",
        "#n/a", r"\N", r"\\N", "nil", "Nil", "NIL", "<nil>", "undefined", "Undefined", "NaT",
        "<NaT>", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN", "#NULL!", "#REF!", "#VALUE!",
        "#DIV/0!", "#NAME?", "#NUM!",
    )
)  # fmt: skip
"""Whole values, without the blanks around, by which programs write that there is nothing."""
NOTHING_CHARS = max(map(len, NOTHING))


def is_nothing(text: str) -> bool:
    """Whether a text is empty, or one of the words by which programs write an empty value
    (:data:`NOTHING`: NULL, nan, None, N/A, ``\\N`` and the like)."""
    bare = text.strip()
    return len(bare) <= NOTHING_CHARS and bare in NOTHING


def text_of(value: Any) -> str:
    """Return a value as text: lists are joined by newlines, numbers written out, None is "".

    So is NaN, by which tables mark what is missing, and a text that is a word for nothing, see
    :func:`is_nothing`. Raises ``TypeError`` for a mapping, ``ValueError`` for an infinite number.
    """
    if isinstance(value, str):
        if len(value) <= 2 * NOTHING_CHARS and value.strip() in NOTHING:
            return "" if value.strip() else value
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and math.isinf(value):
        raise ValueError(f"expected a text, got {value!r}")
    if isinstance(value, (list, tuple)):
        return "\n".join(filter(None, map(text_of, value)))
    if isinstance(value, (int, float)):
        return str(value)
    raise TypeError(f"expected a text, got {type(value).__name__}: {excerpt(str(value))}")


class Keys:
    """Gives every row of a file its key. Where no row has an id, it holds nothing in memory.

    before: what stands before the rows, where they are a part of the file.
    """

    only_counts = False

    def __init__(self, file: str, before: Before = NOTHING_BEFORE) -> None:
        self.file = file
        self.first = before.ordinal
        self.names = Names()
        self.repeats: dict[str, int] = {}  # the last number behind a name that came again
        self.plain = before.plain  # ordinals below it were given out before the first id was met
        self._named = before.named
        self._taken = dict(before.taken)

    def key(self, ordinal: int, native: Any = None) -> str:
        """Return the key of row number ``ordinal`` whose own id is ``native``."""
        name = _name_of(native)
        if not name:
            if not (self.names or self._named):
                self.plain = ordinal + 1
                return f"{self.file}#{ordinal}"
            name = str(ordinal)
        return f"{self.file}#{self._unique(name)}"

    def of_rows(self, ordinal: int, natives: Sequence[Any]) -> list[str]:
        """Return the keys of rows that follow one another, the first of which has this number."""
        if not self.plain and not self._taken and set(map(type, natives)) == {str}:
            names = list(map(str.strip, natives))
            fresh = set(names)
            good = len(fresh) == len(names) and "" not in fresh
            if good and max(map(len, names)) <= MAX_ID_CHARS and self.names.add_new(fresh):
                return [f"{self.file}#{name}" for name in names]
        return [self.key(ordinal + n, native) for n, native in enumerate(natives)]

    def end(self, ordinal: int, sure: bool = True) -> None:
        """Take note that there are no more rows; ``ordinal`` is one behind the last. sure: whether
        they are the same whatever stands before and behind them."""

    def _unique(self, name: str) -> str:
        if self._taken and (number := self._taken.pop(hash_of(name), 0)):
            self.names.add(name)
            self.repeats[name] = number
        if not (self.plain and self._is_given_ordinal(name)) and self.names.add(name):
            return name
        number = self.repeats.get(name, 1) + 1
        while not self.names.add(other := f"{name}~{number}"):
            number += 1
        if len(self.repeats) >= HELD:
            self.repeats.clear()  # the next number is then looked for from 2
        self.repeats[name] = number
        return other

    def _is_given_ordinal(self, name: str) -> bool:
        return name.isascii() and name.isdecimal() and int(name) < self.plain


class Counted(Keys):
    """Notes what the rows of a part of a file are called, and gives none a key."""

    only_counts = True

    def __init__(self, file: str, tally: Tally) -> None:
        super().__init__(file)
        self.tally = tally

    def key(self, ordinal: int, native: Any = None) -> str:
        self.tally.add(ordinal, _name_of(native))
        return ""

    def of_rows(self, ordinal: int, natives: Sequence[Any]) -> list[str]:
        """Note them one by one."""
        return [self.key(ordinal + n, native) for n, native in enumerate(natives)]

    def end(self, ordinal: int, sure: bool = True) -> None:
        self.tally.rows = ordinal
        self.tally.unsure = self.tally.unsure or not sure


def keys_of(file: SourceFile) -> Keys:
    """Return what gives the rows of a file, or of a part of one, their keys."""
    if file.part is None:
        return Keys(file.name)
    if file.part.tally is not None:
        return Counted(file.name, file.part.tally)
    return Keys(file.name, file.part.before)


def _name_of(native: Any) -> str:
    """Return the name that a row has by its own id, or ""."""
    if type(native) is str:
        name = native.strip()
    else:
        number = isinstance(native, (str, int, float)) and not isinstance(native, bool)
        name = str(native).strip() if number else ""
    return "" if len(name) > MAX_ID_CHARS else name

"""What came of some texts, and how a stage is called over texts in place of records."""

from __future__ import annotations

import reprlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any, NamedTuple, TypeAlias, TypeVar

import pyarrow as pa

from ..errors import ChimedError, RecipeError, did_you_mean
from ..lang import _
from ..records import (
    Answer,
    Batch,
    Document,
    QAThread,
    Record,
    Result,
    batches,
    shorten,
    text_columns,
)
from ..settings import checked
from ..stages.mask import Mask

T = TypeVar("T")
Stage = Callable[[Batch], Result]
Texts: TypeAlias = str | Iterable[str | None] | pa.Array | pa.ChunkedArray
"""One text, or many of which some may be missing (None, null)."""

_ROWS = 1024
"""Texts that are between Arrow and Python at a time."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A text that did not stay.

    index:    its place among the texts that were given, from 0.
    rule:     why, in a word; see the reference of drop rules.
    evidence: the piece of text or the figure behind it, as the ledger of a build has it: with
              personal data masked, 120 characters at most.
    twin:     the place of the text that is kept instead (``near_duplicates`` alone).
    items:    the keys of the questions that were found in it (``decontaminate`` alone).
    """

    index: int
    rule: str
    evidence: str
    twin: int | None = None
    items: tuple[str, ...] = ()

    def __repr__(self) -> str:
        told = ((part.name, getattr(self, part.name)) for part in fields(self))
        shown = (f"{name}={value!r}" for name, value in told if value not in (None, ()))
        return f"Drop({', '.join(shown)})"


class Outcome(NamedTuple):
    """What came of some texts.

    texts:  in the shape in which they were given: a str gives a str, a list or another iterable a
            list, an Arrow array an array of its type (a dictionary one: of strings), a chunked
            array a chunked one. Each has its place; None (null) stands for one that was dropped or
            missing before.
    drops:  a :class:`Drop` for each text that was dropped, in their order.
    counts: how often each rule changed something, as the stage of a build counts it.
    """

    texts: Any
    drops: list[Drop]
    counts: dict[str, int]

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={_SHORT.repr(value)}" for name, value in self._asdict().items())
        return f"Outcome({inner})"


class _Short(reprlib.Repr):
    """Thousands of texts are shown as their first few."""

    def repr1(self, x: Any, level: int) -> str:
        if isinstance(x, (pa.Array, pa.ChunkedArray)):
            return f"<{len(x):,} texts in Arrow, {x.null_count:,} null>"
        return repr(x) if isinstance(x, Drop) else super().repr1(x, level)


_SHORT = _Short()
_SHORT.maxlist, _SHORT.maxdict, _SHORT.maxstring = 6, 100, 100


@dataclass(frozen=True)
class Given:
    """Texts as they were given; each may be looked at again."""

    texts: Any
    caller: str

    @classmethod
    def of(cls, texts: Texts, caller: str) -> Given:
        """``caller``: the function that errors name. Raises :class:`ChimedError`."""
        if isinstance(texts, (pa.Array, pa.ChunkedArray)):
            _check_type(texts.type, caller)
        elif not isinstance(texts, str):
            if not isinstance(texts, Iterable):
                raise ChimedError(
                    _("{caller}: {expected}, got {name__}.").format(
                        caller=caller, expected=_EXPECTED, name__=type(texts).__name__
                    )
                )
            texts = list(texts)
            for index, text in enumerate(texts):
                if text is not None and not isinstance(text, str):
                    kind = type(text).__name__
                    raise ChimedError(
                        _(
                            "{caller}: text {index} is of the type {kind}; a text is a "
                            "str, or None where it is missing."
                        ).format(caller=caller, index=index, kind=kind)
                    )
        return cls(texts, caller)

    @property
    def in_arrow(self) -> bool:
        return isinstance(self.texts, (pa.Array, pa.ChunkedArray))

    def __len__(self) -> int:
        return 1 if isinstance(self.texts, str) else len(self.texts)

    def __iter__(self) -> Iterator[str | None]:
        if isinstance(self.texts, str):
            yield self.texts
        elif self.in_arrow:
            for start in range(0, len(self), _ROWS):
                yield from self.texts.slice(start, _ROWS).to_pylist()
        else:
            yield from self.texts

    def shaped(self, new: Iterable[str | None]) -> Any:
        """Return as many texts in the shape of those that were given."""
        if isinstance(self.texts, str):
            return next(iter(new))
        if not self.in_arrow:
            return list(new)
        type_ = self.texts.type
        if pa.types.is_dictionary(type_) or pa.types.is_null(type_):
            type_ = pa.string()
        rest = iter(new)
        chunks = iter(lambda: list(islice(rest, _ROWS)), [])
        made = pa.chunked_array([pa.array(chunk, type_) for chunk in chunks], type_)
        return made if isinstance(self.texts, pa.ChunkedArray) else made.combine_chunks()

    def batches(self, record: Callable[[str, str], Record]) -> Iterator[Batch]:
        """Yield the texts that are not missing as records, in batches as a build has them.

        record: makes a record of a key, which is the text's index, and the text.
        """
        made = (record(str(index), text) for index, text in enumerate(self) if text is not None)
        for table in batches(made, source=self.caller, license="", domain="general"):
            yield Batch(table)


_EXPECTED = "expected a str, a list of str and None, or an Arrow array of strings"


def _check_type(type_: pa.DataType, caller: str) -> None:
    inner = type_.value_type if pa.types.is_dictionary(type_) else type_
    known = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_null,
    )
    if not any(check(inner) for check in known):
        raise ChimedError(
            _("{caller}: {expected}, got an Arrow array of {type_}.").format(
                caller=caller, expected=_EXPECTED, type_=type_
            )
        )


class Field(NamedTuple):
    """Where in a record a text is put: how a record is made of key and text, and its column."""

    record: Callable[[str, str], Record]
    column: str


FIELDS = {
    "text": Field(Document, "text"),
    "question": Field(lambda key, text: QAThread(key, text, [Answer("")]), "question"),
    "answer": Field(lambda key, text: QAThread(key, "", [Answer(text)]), "answers"),
}


def through(given: Given, stages: Sequence[Stage], field: Field = FIELDS["text"]) -> Outcome:
    """Take texts through the stages, batch by batch as a build does."""
    drops: list[Drop] = []
    counts: Counter[str] = Counter()

    def changed() -> Iterator[str | None]:
        at = 0
        for batch in given.batches(field.record):
            last = int(batch.table["key"][-1].as_py())
            for stage in stages:
                result = stage(batch)
                batch = result.batch
                drops.extend(_dropped(result))
                counts.update(result.counts)
            texts, __ = text_columns(batch.table.column(field.column))
            keys = map(int, batch.table["key"].to_pylist())
            left = dict(zip(keys, texts.to_pylist(), strict=True))
            yield from map(left.get, range(at, last + 1))
            at = last + 1
        yield from [None] * (len(given) - at)

    texts = given.shaped(changed())
    return Outcome(texts, drops, dict(counts))


def _dropped(result: Result) -> Iterator[Drop]:
    if not result.drops.num_rows:
        return
    items = defaultdict(list)
    for match in result.matches:
        items[match.record].append(match.item)
    evidence, __ = Mask().masked(result.drops["evidence"])  # as the ledger tells of it
    for row, told in zip(result.drops.to_pylist(), evidence.to_pylist(), strict=True):
        found = tuple(items[row["id"]])
        yield Drop(int(row["key"]), row["rule"], shorten(told), items=found)


def settled(stage: type[T], given: Mapping[str, Any], caller: str, own: Sequence[str] = ()) -> T:
    """Return a stage with its settings checked.

    own: what ``caller`` takes beside the settings: they are named where a key is unknown.

    Raises :class:`RecipeError` that names the caller and the key.
    """
    name: str = stage.name  # type: ignore[attr-defined]
    known = [*(setting.name for setting in fields(stage)), *own]  # type: ignore[arg-type]
    try:
        for key in given:
            if key not in known:
                raise RecipeError(
                    _("{caller}: unknown key {key!r}.{did_you_mean}").format(
                        caller=caller, key=key, did_you_mean=did_you_mean(key, known)
                    )
                )
        # To check takes a millisecond, which counts where one text is looked at.
        return checked(stage, given, caller) if given else stage()
    except RecipeError as error:
        error.stage = name
        raise

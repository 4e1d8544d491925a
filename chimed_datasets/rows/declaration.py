"""What a builder module declares: one dataset config, as a table that can be read aloud.

The modules stand in ``builders/`` (importable as ``chimed_datasets.builders``); each holds one
:class:`Builder` named ``BUILDER``. `building.write` makes their rows and writes them to parquet;
`hf` makes real `datasets` builders of them, which give the same rows.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from .. import plugins
from ..errors import Fault, RecipeError, told
from ..lang import _
from ..plugins import Guest
from ..settings import checked, sift

if TYPE_CHECKING:
    from datasets import Features

CONFIGS = ("pretrain", "sft", "preference")
"""The configs that every build makes."""
ON_REQUEST = ("unpaired", "exam")
"""Those that a recipe has to ask for, see :attr:`Builder.part_of`. `exam` is asked for by its
name, or by a source of exam items."""
OWN = (*CONFIGS, *ON_REQUEST)
Row = dict[str, Any]
"""A record, a message or a row of a config, by the names of its fields."""


class Refusal(NamedTuple):
    """Why a record of the right kind gives no row in this config."""

    rule: str
    evidence: str = ""


class Rows(NamedTuple):
    """Rows that a batch of records gives.

    table:   of the builder's schema.
    record:  int64[rows], the batch row that each is from, ascending.
    refused: batch rows that give none, ascending, and why.
    left:    int64, ascending: batch rows that are not among these, and have to be ``to_row``.
    """

    table: pa.Table
    record: np.ndarray
    refused: list[tuple[int, Refusal]]
    left: np.ndarray = np.zeros(0, np.int64)


class Choice(Protocol):
    """Which of the rows that all records offer a build takes."""

    def rule(self, pair: int) -> str:
        """Return why the row with this hash does not stay; "" where it does."""


class _Columns:
    """What :attr:`Builder.features` is: as it was given until it is asked for. A build needs Arrow
    alone, and to import `datasets` takes nearly as long as to import all that it needs."""

    def __set__(self, builder: Builder, given: Features | pa.Schema) -> None:
        vars(builder)["columns"] = given

    def __get__(self, builder: Builder | None, _: type) -> Any:
        if builder is None:
            return self
        if not isinstance(builder.columns, pa.Schema):
            return builder.columns
        if "made" not in vars(builder):
            from datasets import Features

            vars(builder)["made"] = Features.from_arrow_schema(builder.columns)
        return vars(builder)["made"]


@dataclass(frozen=True)
class Builder:
    """One config of the dataset.

    name:     the config's name.
    about:    one line for the card.
    kinds:    the record kinds that it takes.
    features: the columns, as `datasets` has them; where Arrow's types say all, an Arrow schema may
              be given.
    settings: a frozen dataclass, set under ``builders: {name: …}`` in a recipe.
    part_of:  the config whose settings it shares; it is made only where these have something true
              under its name. None: it has settings of its own, and is made always, or where a
              recipe asks for it by its name (:data:`ON_REQUEST`).

    Callables that say what a record gives:

    to_row:   ``(record, settings, choice)`` to rows, or to a :class:`Refusal`. ``record`` is one of
              :func:`.labels.labelled`: a dict of the record's schema with ``label_origin`` beside.
              A row has the columns of ``features``, and its ``id`` starts with the record's id.
              Where a record may give several rows, the column ``thread_id`` is the record's id.
              ``choice`` is a :class:`Choice`, or None where the record alone decides.

    Faster ways to the same, for a whole record batch; each may be left out:

    to_table: ``(batch, settings)`` to the :class:`Rows` that ``to_row`` would give, column by
              column, or None where it has to be ``to_row``. Called only where the stage `label`
              does not run: the records have no labels but their own. Where there is ``choose``, it
              gets the :class:`Choice` as well, behind them.
    sift:     ``(batch, settings)`` to the batch rows that give none, and why, as ``to_row`` would
              say: records that need no look one by one, nor one by ``to_table`` and ``survey``.

    A choice over all records; both may be left out, where a row depends on its record alone:

    survey:   ``(batch, splits, settings)`` to an array of figures; ``splits`` are the codes of the
              records' splits (int8[rows]).
    choose:   ``(arrays of figures, settings)`` to the :class:`Choice`, from those of all kept
              records, in any order.
    """

    name: str
    about: str
    kinds: tuple[str, ...]
    features: Features
    settings: type
    to_row: Callable[[Row, Any, Any], Iterator[Row | Refusal]]
    to_table: Callable[..., Rows | None] | None = None
    sift: Callable[[pa.RecordBatch, Any], dict[int, Refusal]] | None = None
    survey: Callable[[pa.RecordBatch, np.ndarray, Any], np.ndarray] | None = None
    choose: Callable[[Sequence[np.ndarray], Any], Choice] | None = None
    part_of: str | None = None

    @property
    def columns(self) -> Features | pa.Schema:
        """The columns as they were given."""
        given: Features | pa.Schema = vars(self)["columns"]
        return given

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the rows; `datasets` makes a new one each time."""
        given = self.columns
        return given if isinstance(given, pa.Schema) else given.arrow_schema


Builder.features = _Columns()  # in the class it would be a default


@lru_cache(maxsize=1)
def _own() -> dict[str, Builder]:
    modules = (importlib.import_module(f"chimed_datasets.builders.{name}") for name in OWN)
    return {module.BUILDER.name: module.BUILDER for module in modules}


def builders(guests: Sequence[Guest] = ()) -> dict[str, Builder]:
    """Return the declared builders by name: pretrain, sft, preference, those on request, and behind
    them those of ``guests``. Which ones a recipe asks for is told by :func:`builder_settings`."""
    return _own() | {builder.name: builder for builder in map(of_guest, guests)}


def of_guest(guest: Guest) -> Builder:
    """Return the builder of a guest. Raises :class:`RecipeError` where it is none."""
    found = guest.load()
    builder = getattr(found, "BUILDER", found)
    if not isinstance(builder, Builder):
        raise RecipeError(_("{guest}: its module names its Builder BUILDER.").format(guest=guest))
    if not re.fullmatch(r"[a-z][a-z0-9_]*", builder.name):
        raise RecipeError(
            _("{guest}: the config is named {name!r}: take a-z, 0-9 and _.").format(
                guest=guest, name=builder.name
            )
        )
    if builder.name in OWN:
        raise RecipeError(
            _("{guest}: the config {name!r} is one of the package.").format(
                guest=guest, name=builder.name
            )
        )
    for column in ("id", "source", "license"):
        if column not in builder.features:
            raise RecipeError(
                _(
                    "{guest}: the config {name!r} has no column {column!r}; id, source and "
                    "license are needed to check, withhold and take down rows."
                ).format(guest=guest, name=builder.name, column=column)
            )
    return builder


def guest_builders(
    given: Mapping[str, Any], base: Path, *, allow_code: bool = False
) -> tuple[Guest, ...]:
    """Return the guests that the ``builders:`` of a recipe name, in their order.

    Raises :class:`RecipeError` for one that cannot be loaded, and for two of one name.
    """
    found: dict[str, Guest] = {}
    known = plugins.offered("builders", CONFIGS)
    for key in given:
        if key in OWN or not (plugins.names_code(key) or key in known):
            continue  # what is none is told with the settings
        guest = plugins.find("builders", key, base, allow_code=allow_code, own=CONFIGS)
        name = of_guest(guest).name
        if name in found:
            raise RecipeError(
                _("builders: {key!r} and {key_2!r} both make {name!r}.").format(
                    key=found[name].key, key_2=key, name=name
                )
            )
        found[name] = guest
    return tuple(found.values())


def builder_settings(
    given: Mapping[str, Mapping[str, Any]], guests: Sequence[Guest] = ()
) -> dict[str, Any]:
    """Check the ``builders:`` part of a recipe; return the settings by config, in the order of
    :func:`builders`: of the configs that a build of it makes, and of no other.

    guests: those that it names. Raises :class:`RecipeError`.
    """
    keys = {of_guest(guest).name: guest.key for guest in guests}
    faults: list[Fault] = []
    settings: dict[str, Any] = {}
    known = [*plugins.offered("builders", OWN), *keys.values()]
    written = sift(given, known, what="config")
    for name in [name for name in written.given if name in ON_REQUEST]:
        part_of = _own()[name].part_of
        if part_of is not None:
            said = _(
                "it has no settings of its own; set `builders: {{{part_of}: {{{name}: true}}}}`."
            ).format(part_of=part_of, name=name)
            faults.append(Fault(said, at=(name,)))
    for name, builder in builders(guests).items():
        if builder.part_of is None:
            if name in ON_REQUEST and name not in written.given:
                continue
            key = keys.get(name, name)
            try:
                own = written.given.get(key)
                settings[name] = checked(builder.settings, own, f"builders.{name}")
            except RecipeError as error:
                faults += (fault.under(key) for fault in error.faults)
        elif builder.part_of in settings and getattr(settings[builder.part_of], name):
            settings[name] = settings[builder.part_of]
    if faults := [*written.faults, *map(written.as_written, faults)]:
        raise RecipeError(told([fault.under("builders") for fault in faults]), faults=faults)
    return settings

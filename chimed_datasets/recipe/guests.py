"""A stage from outside the package, as the build runs it.

A guest's stage is a frozen dataclass, as ours are: its fields are its settings, ``name`` is its
name in the ledger, ``after`` says which stage it follows ("read" is the first place). It is called
with a batch and returns a :class:`~chimed_datasets.stages.Result`. What it returns is checked
for every batch, since nobody of ours has read its code: each record goes on or is dropped once.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .. import plugins
from ..errors import BuildError, ChimedError, RecipeError, did_you_mean
from ..lang import _
from ..plugins import Guest
from ..records import Batch, Result, ledger
from ..settings import checked
from ..stages import ORDER, PER_BATCH, SpanFinder
from ..stages.text.spans import masked_by, masked_texts

FIRST = "read"
"""What a stage follows that comes before all of ours."""


@dataclass(frozen=True)
class GuestStage:
    """A guest's stage with its settings; it can be sent to any process.

    name, after: as its class says.
    settings:    all of them, by name, as JSON can hold them.
    """

    guest: Guest
    name: str
    after: str
    settings: Mapping[str, Any]

    @cached_property
    def stage(self) -> Any:
        """The guest's own object, made once in each process."""
        return checked(_class_of(self.guest), self.settings, f"stages.{self.guest.key}")

    def __getstate__(self) -> dict[str, Any]:
        """Another process makes its own object: it may hold a model."""
        return {name: value for name, value in vars(self).items() if name != "stage"}

    def __call__(self, batch: Batch) -> Result:
        """Run the stage on a batch. Raises :class:`BuildError` for what it must not do."""
        with self._named():
            if self.finder:
                return masked_by(batch, self.name, self.finder, self.stage.placeholders)
            result = self.stage(batch)
        self._check(batch, result)
        return result  # type: ignore[no-any-return]

    @property
    def finder(self) -> SpanFinder | None:
        """What finds personal data, where the stage masks."""
        return getattr(self.stage, "spans", None)

    def masked(self, texts: pa.StringArray) -> pa.StringArray:
        """Return the ledger's evidence as the stage masks it; most stages do not."""
        if self.finder is None:
            return texts
        with self._named():
            return masked_texts(texts, self.name, self.finder, self.stage.placeholders)[0]

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Errors of the guest's code become one line that names it."""
        try:
            yield
        except ChimedError:
            raise
        except Exception as error:
            raise BuildError(f"{self.guest}: {self.guest.fault(error)}", stage=self.name) from error

    def _check(self, batch: Batch, result: Any) -> None:
        if not isinstance(result, Result) or not isinstance(result.batch, Batch):
            raise BuildError(
                _(
                    "{guest}: it returned {name__}; a stage returns a Result, see "
                    "chimed_datasets.stages.part."
                ).format(guest=self.guest, name__=type(result).__name__),
                stage=self.name,
            )
        if result.batch.table.schema != batch.table.schema or result.drops.schema != ledger.SCHEMA:
            raise BuildError(
                _("{guest}: it changed the columns of the batch.").format(guest=self.guest),
                stage=self.name,
            )
        if set(result.drops["stage"].to_pylist()) - {self.name}:
            raise BuildError(
                _("{guest}: its drops name another stage than {name!r}.").format(
                    guest=self.guest, name=self.name
                ),
                stage=self.name,
            )
        after = pa.concat_arrays([result.batch.table["id"], result.drops["id"]])
        same = pc.array_sort_indices(after)
        before = batch.table["id"]
        if not after.take(same).equals(before.take(pc.array_sort_indices(before))):
            raise BuildError(
                _(
                    "{guest}: {num_rows} records came in, {num_rows_2} went on and "
                    "{num_rows_3} were dropped with a reason: each record goes on or is "
                    "dropped, once."
                ).format(
                    guest=self.guest,
                    num_rows=batch.num_rows,
                    num_rows_2=result.batch.num_rows,
                    num_rows_3=result.drops.num_rows,
                ),
                stage=self.name,
            )


def _class_of(guest: Guest) -> type:
    """Return the stage's class: ``STAGE`` of the module, or what the name leads to."""
    found = guest.load()
    stage = getattr(found, "STAGE", found)
    if not (isinstance(stage, type) and dataclasses.is_dataclass(stage)):
        raise RecipeError(
            _("{guest}: a stage is a frozen dataclass; its module names it STAGE.").format(
                guest=guest
            )
        )
    return stage


def stage_of(guest: Guest, given: Any) -> GuestStage:
    """Return a guest's stage with the settings that a recipe gives it.

    Raises :class:`RecipeError` where the guest is no stage, or does not take the settings.
    """
    stage = _class_of(guest)
    name, after = getattr(stage, "name", None), getattr(stage, "after", None)
    if not (isinstance(name, str) and re.fullmatch(r"[a-z][a-z0-9_]*", name)):
        raise RecipeError(
            _("{guest}: `name` is {name!r}; a stage has one of a-z, 0-9 and _.").format(
                guest=guest, name=name
            )
        )
    if name in ORDER:
        raise RecipeError(
            _("{guest}: `name` is {name!r}, which a stage of the package has.").format(
                guest=guest, name=name
            )
        )
    places = (FIRST, *PER_BATCH)
    if after not in places:
        hint = did_you_mean(str(after), places)
        raise RecipeError(
            _("{guest}: `after` is {after!r}: it names no stage to follow.{hint}").format(
                guest=guest, after=after, hint=hint
            )
        )
    if not (hasattr(stage, "spans") or "__call__" in dir(stage)):
        raise RecipeError(
            _("{guest}: a stage has __call__(batch), or spans(texts) to mask.").format(guest=guest)
        )
    marks = getattr(stage, "placeholders", None)
    if hasattr(stage, "spans") and not isinstance(marks, Mapping):
        raise RecipeError(
            _("{guest}: it has `spans`; add `placeholders`, as {{'name': '[姓名]'}}.").format(
                guest=guest
            )
        )
    where = f"stages.{guest.key}"
    made: Any = checked(stage, {} if given is True else given, where)
    return GuestStage(guest, name, after, dataclasses.asdict(made))


def guest_stages(
    given: Mapping[str, Any], own: Collection[str], base: Path, allow_code: bool
) -> dict[str, Any]:
    """Return the ``stages:`` of a recipe with a :class:`GuestStage` for each that is not of
    ``own``; ``false`` leaves one out.

    Raises :class:`RecipeError` for an unknown one, and for two of one name.
    """
    out: dict[str, Any] = {}
    names: dict[str, str] = {}
    for key, value in given.items():
        if key in own or isinstance(value, GuestStage):
            out[key] = value
            continue
        known = plugins.offered("stages", own)
        if not (plugins.names_code(key) or key in known):
            raise RecipeError(
                _("stages.{key}: unknown key {key!r}.{did_you_mean}").format(
                    key=key, did_you_mean=did_you_mean(str(key), known)
                )
            )
        if value is False or value is None:
            continue
        guest = plugins.find("stages", key, base, allow_code=allow_code, own=own)
        stage = stage_of(guest, value)
        if stage.name in names:
            raise RecipeError(
                _("stages: {names!r} and {key!r} are both named {name!r}.").format(
                    names=names[stage.name], key=key, name=stage.name
                )
            )
        names[stage.name] = key
        out[key] = stage
    return out

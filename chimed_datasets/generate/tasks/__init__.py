"""Tasks: one module per task; the file's name is the task's key in a recipe.

A task module holds

    ``Settings`` a frozen dataclass of what its entry in a recipe may say beyond the common keys,
    ``KINDS``    the record kinds that it takes,
    ``MODELS``   "one", or "several" where each does its part (candidates, votes),
    ``Output``   the pydantic model of one answer,
    ``items(record, settings, models)``  the record's :class:`TaskItem` s, or a
                 :class:`~chimed_datasets.rows.Refusal`,
    ``run(item, job)``  a coroutine that asks (:meth:`Job.ask`) and returns an :class:`Outcome`.

Its prompt is ``prompts/<key>.jinja``. The first line of its docstring is its summary. A task from
outside the package is such a module too (:mod:`chimed_datasets.plugins`), with its prompt beside
it: ``my_task.jinja`` beside ``my_task.py``.

A record is a dict of its kind's schema (:data:`chimed_datasets.records.SCHEMAS`).
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pydantic import BaseModel

from ... import plugins
from ...errors import RecipeError
from ...lang import _
from ...plugins import Guest
from ...records import Record

if TYPE_CHECKING:
    from ...rows import Refusal
    from ..checks import Complaint
    from ..exchange import Reply
    from ..models import Model

PROMPTS = Path(__file__).parents[1] / "prompts"

__all__ = ["PROMPTS", "Drop", "Outcome", "Task", "TaskItem", "task", "tasks"]


class Drop(NamedTuple):
    """A part of an item that has no result: ``part`` names it within the record."""

    part: str
    rule: str
    evidence: str


@dataclass(frozen=True)
class TaskItem:
    """One input of a task: a record, or a piece of one.

    name:  tells it from the other items of the record; empty where there is only one.
    parts: how many results are due. An outcome's ``done`` and its drops add up to it.
    """

    record: dict[str, Any]
    data: Any
    name: str = ""
    parts: int = 1


@dataclass
class Outcome:
    """What became of an item."""

    records: list[Record] = field(default_factory=list)
    done: int = 0
    drops: list[Drop] = field(default_factory=list)


class Job(Protocol):
    """What a task may ask of the run: its entry in the recipe, put to its models.

    key:      the task's key in the recipe.
    settings: the task's ``Settings``, checked.
    """

    settings: Any
    models: Sequence[Model]

    @property
    def key(self) -> str: ...

    async def ask(
        self,
        data: Mapping[str, Any],
        check: Callable[[Any], Complaint | None],
        model: Model | None = None,
        sample: int = 0,
    ) -> Reply[Any]:
        """Return an answer about ``data`` that ``check`` accepts. Raises :class:`Failed`."""
        ...

    def provenance(self, record: Mapping[str, Any], *replies: Reply[Any]) -> dict[str, str]:
        """Return the metadata of a record that was made of ``record`` by these replies."""
        ...


@dataclass(frozen=True)
class Task:
    """A task module as the run sees it."""

    key: str
    summary: str
    kinds: tuple[str, ...]
    several: bool
    settings_type: type
    output: type[BaseModel]
    prompt: Path
    items: Callable[[dict[str, Any], Any, int], Iterable[TaskItem] | Refusal]
    run: Callable[[TaskItem, Job], Awaitable[Outcome]]
    guest: Guest | None = None

    def own_keys(self) -> list[str]:
        """Return the names of the task's own keys in a recipe."""
        return [field.name for field in dataclasses.fields(self.settings_type)]

    def check_models(self, names: list[str]) -> None:
        """Raise :class:`RecipeError` where there are more models than the task has use for."""
        if len(names) > 1 and not self.several:
            raise RecipeError(
                _("task {key!r}: models: takes one, got {names}.").format(
                    key=self.key, names=len(names)
                )
            )


def tasks() -> list[str]:
    """Return the keys of all tasks, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def task(key: str, base: Path = Path(), *, allow_code: bool = False) -> Task:
    """Return one task: the package's own, or a guest's, see :func:`.plugins.find`.

    Raises :class:`RecipeError` with a hint for an unknown key, for code that is not allowed, and
    for a guest that is no task.
    """
    if key in tasks():
        return _of_module(key, importlib.import_module(f".{key}", __name__), PROMPTS)
    return of_guest(plugins.find("tasks", key, base, allow_code=allow_code, own=tasks()))


def of_guest(guest: Guest) -> Task:
    """Return the task of a guest that was found. Raises :class:`RecipeError` where it is none."""
    module = guest.load()
    for name in ("KINDS", "MODELS", "Settings", "Output", "items", "run"):
        if not hasattr(module, name):
            raise RecipeError(_("{guest}: a task has {name}.").format(guest=guest, name=name))
    return _of_module(guest.key, module, Path(module.__file__).parent, guest)


def _of_module(key: str, module: ModuleType, prompts: Path, guest: Guest | None = None) -> Task:
    return Task(
        key=key,
        summary=(module.__doc__ or "").strip().partition("\n")[0],
        kinds=module.KINDS,
        several=module.MODELS == "several",
        settings_type=module.Settings,
        output=module.Output,
        prompt=prompts / f"{Path(module.__file__ or key).stem}.jinja",
        items=module.items,
        run=module.run,
        guest=guest,
    )

"""The recipe of a generation: records, models, tasks and the most that it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PositiveInt,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from ..errors import Fault, RecipeError, did_you_mean, told
from ..lang import _
from ..plugins import Guest
from ..recipe import Benchmark, Name, Source, Stages, of_no_code, refused_code, without_code
from ..recipe import Recipe as BuildRecipe
from ..settings import (
    Faulty,
    Marked,
    Places,
    checked,
    faults_in,
    faults_of,
    gathered,
    in_order,
    made,
    read_marked,
    sift,
)
from . import tasks
from .models import Endpoint, Limits, Model, Strict


class TaskEntry(BaseModel):
    """A task and the models that do it. Keys beyond these belong to the task.

    prompt:  a prompt file in place of the task's own.
    repairs: how often a model may mend an answer that does not parse or is not accepted.
    """

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    task: str
    models: Annotated[list[Name], Field(min_length=1)]
    prompt: str | None = None
    repairs: Annotated[int, Field(ge=0, le=10)] = 2
    _settings: Any = PrivateAttr(None)
    _guest: Guest | None = PrivateAttr(None)

    @model_validator(mode="wrap")
    @classmethod
    def _settle(
        cls, given: Any, make: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        if not isinstance(given, Mapping) or not isinstance(given.get("task"), str):
            return make(given)
        context, name = info.context or {}, given["task"]
        base, allow_code = context.get("base", Path()), context.get("allow_code", False)
        with gathered("task"):
            task = tasks.task(name, base, allow_code=allow_code)
        keys = sift(given, [*cls.model_fields, *task.own_keys()])
        own = {key: value for key, value in keys.given.items() if key not in cls.model_fields}
        faults: list[Fault] = []
        settings: Any = None
        try:
            settings = checked(task.settings_type, own, f"task {name!r}")
        except RecipeError as error:
            faults += map(keys.as_written, error.faults)
        try:
            entry = made(make, keys, faults, secret=True)
        except Faulty as error:
            raise Faulty([fault.of(f"task {name!r}") for fault in error.faults]) from None
        entry._guest, entry._settings = task.guest, settings
        return entry

    @property
    def settings(self) -> Any:
        """The task's own settings, checked."""
        return self._settings

    @property
    def work(self) -> tasks.Task:
        """The task itself."""
        return tasks.of_guest(self._guest) if self._guest else tasks.task(self.task)


class Recipe(Strict):
    """A whole recipe. ``sample`` draws that many inputs over all records (by ``seed``)."""

    name: Name
    seed: int = 42
    sources: Annotated[list[Source], Field(min_length=1)]
    benchmarks: list[Benchmark] = Field(default_factory=list)
    stages: Stages = Stages()
    sample: PositiveInt | None = None
    endpoint: Endpoint
    models: Annotated[list[Model], Field(min_length=1)]
    tasks: Annotated[list[TaskEntry], Field(min_length=1)]
    budget: Limits = Limits()
    _base: Path = PrivateAttr(default_factory=Path)

    @model_validator(mode="after")
    def _check_names(self) -> Recipe:
        for kind in ("sources", "benchmarks", "models"):
            names = [entry.name for entry in getattr(self, kind)]
            for name in names:
                if names.count(name) > 1:
                    raise RecipeError(
                        _("{kind}: the name {name!r} is used twice.").format(kind=kind, name=name)
                    )
        used = [task.task for task in self.tasks]
        for key in used:
            if used.count(key) > 1:
                raise RecipeError(
                    _("tasks: {key!r} stands twice; give its models in one entry.").format(key=key)
                )
        known = {model.name: model for model in self.models}
        for task in self.tasks:
            for number, name in enumerate(task.models):
                where = f"task {task.task!r}: models: "
                if name not in known:
                    raise RecipeError(
                        _("{where}unknown model {name!r}.{did_you_mean}").format(
                            where=where, name=name, did_you_mean=did_you_mean(name, known)
                        )
                    )
                if name in task.models[:number]:
                    raise RecipeError(
                        _("{where}{name!r} stands twice.").format(where=where, name=name)
                    )
                if self.budget.money is not None and known[name].price is None:
                    raise RecipeError(
                        _("budget.money: model {name!r} has no price.").format(name=name)
                    )
            task.work.check_models(task.models)
        return self

    @property
    def base(self) -> Path:
        """The folder that relative paths start from: the recipe file's own."""
        return self._base

    @property
    def guests(self) -> list[Guest]:
        """All code from outside the package."""
        return [
            *self.inputs().guests,
            *(task.work.guest for task in self.tasks if task.work.guest),
        ]

    def models_of(self, task: TaskEntry) -> list[Model]:
        """Return a task's models in the order in which it names them."""
        return [next(m for m in self.models if m.name == name) for name in task.models]

    def endpoint_of(self, model: Model) -> Endpoint:
        return model.endpoint or self.endpoint

    def inputs(self) -> BuildRecipe:
        """Return the recipe by which a build would clean this recipe's sources."""
        same = ("name", "seed", "sources", "benchmarks", "stages")
        return BuildRecipe.model_validate(
            {key: getattr(self, key) for key in same} | {"ledger": {"texts": "none"}},
            context={"base": self._base, "removed": {}},
        )


def load(path: str | Path, *, allow_code: bool = False) -> Recipe:
    """Read and check a recipe file.

    allow_code: whether code that the recipe names by path or by import may run.

    Raises :class:`RecipeError` that names file and key.
    """
    path = Path(path)
    marked = read_marked(path, "recipe")
    return parse(
        marked.content, base=path.parent, where=str(path), allow_code=allow_code, marked=marked
    )


def parse(
    content: Any,
    base: Path,
    where: str = "recipe",
    *,
    allow_code: bool = False,
    marked: Marked | None = None,
) -> Recipe:
    """Check a recipe given as a mapping; see :func:`load`. marked: where its parts stand."""
    if not isinstance(content, Mapping):
        raise RecipeError(
            _(
                "{where}: a recipe is a mapping with the keys sources, endpoint, models and tasks."
            ).format(where=where)
        )
    marked = marked or Marked(content, Places())
    faults = list(marked.faults)
    refused = [] if allow_code else refused_code(content, base)
    given = without_code(content) if refused else content
    found: list[Fault] = []
    try:
        recipe = Recipe.model_validate(given, context={"base": base, "allow_code": allow_code})
    except RecipeError as error:
        found = list(faults_in(error, content))
    except ValidationError as error:
        found = faults_of(error, content, secret=True)
    found = [*refused, *(of_no_code(found, content) if refused else found)]
    if faults := [*faults, *map(marked.places.placed, found)]:
        faults = in_order(faults, content)
        raise RecipeError(told(faults, where), faults=faults)
    recipe._base = base
    return recipe

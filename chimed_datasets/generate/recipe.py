"""The recipe of a generation: records, models, tasks and the most that it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from ..errors import RecipeError, did_you_mean
from ..recipe import Benchmark, Name, Source, Stages
from ..recipe import Recipe as BuildRecipe
from ..settings import read_yaml, settings
from . import tasks


def _plain_url(url: str) -> str:
    """A key in the address would end in logs and manifests."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected an address as http://127.0.0.1:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("name, password and query do not belong in the address: use api_key_env")
    return url


class _Model(BaseModel):
    # What was given may be a key in the wrong place: errors must not repeat it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Endpoint(_Model):
    """A server that speaks the OpenAI chat API.

    api_key_env: the environment variable that holds its key; left out for a server without one.
    concurrency: requests under way at once, at most.
    timeout:     seconds that one request may take from first to last byte.
    attempts:    how often a row's request may fail (5xx, dropped, timed out, broken body) before
                 the row goes to the ledger. A refusal (429, 503) is no failure of the row.
    backoff:     seconds before the first new attempt; each later one waits twice as long.
    patience:    seconds that the endpoint may refuse everything before the run stops.
    structured:  how an answer's shape is asked for; "auto" finds the best that the server takes.
    """

    base_url: Annotated[str, AfterValidator(_plain_url)]
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    concurrency: Annotated[int, Field(ge=1, le=1024)] = 8
    timeout: Annotated[float, Field(gt=0)] = 120
    attempts: PositiveInt = 5
    backoff: Annotated[float, Field(ge=0)] = 0.5
    patience: Annotated[float, Field(gt=0)] = 3600
    structured: Literal["auto", "json_schema", "json_object", "text"] = "auto"


class Price(_Model):
    """Money for a million tokens, in the currency of ``budget.money``."""

    prompt: Annotated[float, Field(ge=0)]
    completion: Annotated[float, Field(ge=0)]


_TAKEN = {
    "model", "messages", "temperature", "top_p", "max_tokens", "max_completion_tokens", "seed",
    "n", "stream", "response_format",
}  # fmt: skip
_ELSEWHERE = "sampling has keys of its own, and several answers are the task's affair"


class Model(_Model):
    """A model with its sampling parameters; a null one is not sent.

    name:     what tasks call it (one model may stand here under several names and temperatures).
    model:    what the server calls it.
    extra:    further fields of the request body, as the server knows them.
    endpoint: where it is served, where that is not the recipe's endpoint.
    """

    name: Name
    model: Annotated[str, Field(min_length=1)]
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: PositiveInt = 1024
    seed: int | None = None
    extra: dict[str, Any] = {}
    price: Price | None = None
    endpoint: Endpoint | None = None

    @field_validator("extra")
    @classmethod
    def _check_extra(cls, extra: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(_TAKEN & set(extra)):
            raise ValueError(f"{', '.join(taken)} cannot stand here; {_ELSEWHERE}")
        return extra

    def parameters(self, sample: int = 0) -> dict[str, Any]:
        """Return the sampling parameters of the ``sample``-th answer to one question."""
        given = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "seed": None if self.seed is None else self.seed + sample,
        }
        return {key: value for key, value in given.items() if value is not None} | self.extra


class Budget(_Model):
    """The most that may be spent into one output folder, over all runs; none given: no limit.

    requests: sent, those that failed or were refused included.
    tokens:   of prompts and answers.
    money:    by the models' prices.
    """

    requests: PositiveInt | None = None
    tokens: PositiveInt | None = None
    money: Annotated[float, Field(gt=0)] | None = None


class Task(BaseModel):
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

    @model_validator(mode="after")
    def _check_settings(self) -> Task:
        task = tasks.task(self.task)
        extra = self.__pydantic_extra__ or {}
        for key in extra:
            if key not in task.own_keys():
                known = [*Task.model_fields, *task.own_keys()]
                hint = did_you_mean(key, known)
                raise RecipeError(f"task {self.task!r}: unknown key {key!r}.{hint}")
        self._settings = settings(task.settings_type, extra, f"task {self.task!r}")
        return self

    @property
    def settings(self) -> Any:
        """The task's own settings, checked."""
        return self._settings


class Recipe(_Model):
    """A whole recipe. ``sample`` draws that many inputs over all records (by ``seed``)."""

    name: Name
    seed: int = 42
    sources: Annotated[list[Source], Field(min_length=1)]
    benchmarks: list[Benchmark] = []
    stages: Stages = Stages()
    sample: PositiveInt | None = None
    endpoint: Endpoint
    models: Annotated[list[Model], Field(min_length=1)]
    tasks: Annotated[list[Task], Field(min_length=1)]
    budget: Budget = Budget()
    _base: Path = PrivateAttr(default_factory=Path)

    @model_validator(mode="after")
    def _check_names(self) -> Recipe:
        for kind in ("sources", "benchmarks", "models"):
            names = [entry.name for entry in getattr(self, kind)]
            for name in names:
                if names.count(name) > 1:
                    raise RecipeError(f"{kind}: the name {name!r} is used twice.")
        used = [task.task for task in self.tasks]
        for key in used:
            if used.count(key) > 1:
                raise RecipeError(f"tasks: {key!r} stands twice; give its models in one entry.")
        known = {model.name: model for model in self.models}
        for task in self.tasks:
            for number, name in enumerate(task.models):
                where = f"task {task.task!r}: models: "
                if name not in known:
                    raise RecipeError(f"{where}unknown model {name!r}.{did_you_mean(name, known)}")
                if name in task.models[:number]:
                    raise RecipeError(f"{where}{name!r} stands twice.")
                if self.budget.money is not None and known[name].price is None:
                    raise RecipeError(f"budget.money: model {name!r} has no price.")
            tasks.task(task.task).check_models(task.models)
        return self

    @property
    def base(self) -> Path:
        """The folder that relative paths start from: the recipe file's own."""
        return self._base

    def models_of(self, task: Task) -> list[Model]:
        """Return a task's models in the order in which it names them."""
        return [next(m for m in self.models if m.name == name) for name in task.models]

    def endpoint_of(self, model: Model) -> Endpoint:
        return model.endpoint or self.endpoint

    def inputs(self) -> BuildRecipe:
        """Return the recipe by which a build would clean this recipe's sources."""
        recipe = BuildRecipe(
            name=self.name,
            seed=self.seed,
            sources=self.sources,
            benchmarks=self.benchmarks,
            stages=self.stages,
        )
        recipe._base = self._base
        return recipe


def load(path: str | Path) -> Recipe:
    """Read and check a recipe file. Raises :class:`RecipeError` that names file and key."""
    path = Path(path)
    return parse(read_yaml(path, "recipe"), base=path.parent, where=str(path))


def parse(content: Any, base: Path, where: str = "recipe") -> Recipe:
    """Check a recipe given as a mapping; see :func:`load`."""
    if not isinstance(content, Mapping):
        raise RecipeError(
            f"{where}: a recipe is a mapping with the keys sources, endpoint, models and tasks."
        )
    try:
        recipe = Recipe.model_validate(content)
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from None
    except ValidationError as error:
        raise RecipeError(f"{where}: {_explain(error)}") from None
    recipe._base = base
    return recipe


_MODELS: dict[str, type[BaseModel]] = {
    "sources": Source,
    "benchmarks": Benchmark,
    "stages": Stages,
    "endpoint": Endpoint,
    "price": Price,
    "models": Model,
    "tasks": Task,
    "budget": Budget,
}


def _explain(error: ValidationError) -> str:
    """Unlike a build's errors, these never repeat what was given: it may be a key."""
    first = error.errors(include_input=False, include_url=False)[0]
    loc = [str(part) for part in first["loc"]]
    where = ".".join(loc)
    if first["type"] != "extra_forbidden":
        return f"{where}: {first['msg']}."
    known = next((_MODELS[part] for part in reversed(loc[:-1]) if part in _MODELS), Recipe)
    return f"{where}: unknown key {loc[-1]!r}.{did_you_mean(loc[-1], known.model_fields)}"

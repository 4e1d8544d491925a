"""The recipe: which sources, which benchmarks, which thresholds. Checked before any work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from .. import sources
from ..errors import RecipeError, did_you_mean
from ..settings import first_message, read_yaml, settings
from ..sources.exams import LAYOUTS as BENCHMARK_LAYOUTS
from ..stages.clean import Clean
from ..stages.decontaminate import Decontaminate
from ..stages.deduplicate import Deduplicate
from ..stages.filter import Filter
from ..stages.label import Label
from ..stages.mask import Mask
from ..stages.relevance import Relevance
from ..stages.simplify import Simplify
from ..stages.split import Split
from . import takedowns

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Source(BaseModel):
    """One source: where it is, how it is laid out, under which licence it may be used.

    name:    the source's name, part of every record's id: a-z, 0-9, ``-`` and ``_``.
    layout:  how its files are laid out, one of those below (``chimed sources`` lists them).
    path:    a file, a folder, a glob or an archive (.zip, .tar.*, .gz, .bz2, .xz, .zst), relative
             to the recipe's folder; or an fsspec address of any of these.
    license: under which the source may be used, as an SPDX id in lower case (``cc-by-4.0``). It
             stands in every row.
    domain:  of the records that name none themselves: Chinese medicine, modern medicine, neither.
    origin:  who wrote the texts of the records that do not say so themselves.

    Keys beyond these belong to the layout.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    name: Name
    layout: str
    path: str
    license: Annotated[str, Field(min_length=1)]
    domain: Literal["tcm", "modern", "general"] = "modern"
    origin: Literal["human", "llm"] = "human"
    _options: Any = PrivateAttr(None)

    @model_validator(mode="after")
    def _check_options(self) -> Source:
        extra = self.__pydantic_extra__ or {}
        for key in extra:  # a typing error in a common key is not the layout's business
            layout = sources.layout(self.layout)
            if key not in layout.own_keys():
                known = [*Source.model_fields, *layout.own_keys()]
                raise RecipeError(
                    f"source {self.name!r}: unknown key {key!r}.{did_you_mean(key, known)}"
                )
        self._options = sources.layout(self.layout).options(extra)
        return self

    def settle(self, base: Path) -> None:
        """Read the files that the layout's own keys name, relative to ``base``."""
        if hasattr(self._options, "at"):
            try:
                self._options = self._options.at(base)
            except RecipeError as error:
                raise RecipeError(f"source {self.name!r}: {error}") from None

    @property
    def options(self) -> Any:
        """The layout's own options, checked."""
        return self._options


class Benchmark(_Model):
    """A benchmark whose items must not be in the dataset. It is read, never copied.

    name:   what reports call it.
    layout: how its files are laid out, one of those below.
    path:   as the path of a source.
    """

    name: Name
    layout: str
    path: str

    @model_validator(mode="after")
    def _check_layout(self) -> Benchmark:
        if self.layout not in BENCHMARK_LAYOUTS:
            raise RecipeError(
                f"benchmark {self.name!r}: unknown layout {self.layout!r}."
                + did_you_mean(self.layout, BENCHMARK_LAYOUTS)
            )
        return self


def _stage(cls: Any) -> BeforeValidator:
    """``false`` switches a stage off; a mapping sets its fields."""

    def check(given: Any) -> Any:
        if given is False or given is None or isinstance(given, cls):
            return given or None
        return settings(cls, {} if given is True else given, f"stages.{cls.name}")

    return BeforeValidator(check)


class Stages(_Model):
    """The settings of every stage; ``false`` switches one off."""

    clean: Annotated[Clean | None, _stage(Clean)] = Clean()
    simplify: Annotated[Simplify | None, _stage(Simplify)] = Simplify()
    filter: Annotated[Filter | None, _stage(Filter)] = Filter()
    mask: Annotated[Mask | None, _stage(Mask)] = Mask()
    decontaminate: Annotated[Decontaminate | None, _stage(Decontaminate)] = Decontaminate()
    relevance: Annotated[Relevance | None, _stage(Relevance)] = Relevance()
    deduplicate: Annotated[Deduplicate | None, _stage(Deduplicate)] = Deduplicate()
    split: Annotated[Split, _stage(Split)] = Split()
    label: Annotated[Label | None, _stage(Label)] = None


class Recipe(_Model):
    """A whole recipe.

    name:       the dataset's name, and the folder it is built into unless ``--out`` names another.
    seed:       decides the splits.
    shard_size: bytes of text in one parquet file, also as 256MiB or 1GB.
    sources:    what the dataset is made of; see below.
    benchmarks: what must not be in it; see below.
    stages:     what is done to every record; see below. ``false`` switches a stage off.
    builders:   settings of the three configs, by name; see below.
    takedowns:  a file of ids of records that no build takes, one a line, with the reason after a
                blank. Their copies (records of the same cluster of duplicates) go as well. Left
                out: takedowns.txt beside the recipe, where there is one.
    """

    name: Name = "chimed2"
    seed: int = 42
    shard_size: ByteSize = ByteSize(256 * 1024 * 1024)
    sources: Annotated[list[Source], Field(min_length=1)]
    benchmarks: list[Benchmark] = []
    stages: Stages = Stages()
    builders: dict[str, dict[str, Any]] = {}
    takedowns: str | None = None
    _base: Path = PrivateAttr(default_factory=Path)
    _removed: dict[str, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _check_names(self) -> Recipe:
        for kind in ("sources", "benchmarks"):
            seen: set[str] = set()
            for entry in getattr(self, kind):
                if entry.name in seen:
                    raise RecipeError(f"{kind}: the name {entry.name!r} is used twice.")
                seen.add(entry.name)
        return self

    @property
    def asked(self) -> set[str]:
        """The names of the sources that the stage `relevance` judges."""
        stage = self.stages.relevance
        if stage is None:
            return set()
        layouts = {source.name: source.layout for source in self.sources}
        return stage.asked(layouts, {source.name: source.domain for source in self.sources})

    @model_validator(mode="after")
    def _check_relevance(self) -> Recipe:
        _ = self.asked
        return self

    @model_validator(mode="after")
    def _check_builders(self) -> Recipe:
        if self.builders:  # the declarations import `datasets`, which takes a second
            from ..rows import builder_settings

            builder_settings(self.builders)
        return self

    @property
    def base(self) -> Path:
        """The folder that relative paths start from: the recipe file's own."""
        return self._base

    @property
    def takedowns_path(self) -> Path:
        """Where the file of taken down records is, or would be."""
        return self._base / (self.takedowns or takedowns.DEFAULT)

    @property
    def removed(self) -> dict[str, str]:
        """The reasons of the records that were taken down, by id."""
        return self._removed


def load(path: str | Path) -> Recipe:
    """Read and check a recipe file. Raises :class:`RecipeError` that names file and key."""
    path = Path(path)
    return parse(read_yaml(path, "recipe"), base=path.parent, where=str(path))


def parse(content: Any, base: Path, where: str = "recipe") -> Recipe:
    """Check a recipe given as a mapping; see :func:`load`."""
    if not isinstance(content, dict):
        raise RecipeError(f"{where}: a recipe is a mapping with the key 'sources'.")
    try:
        recipe = Recipe.model_validate(content)
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from None
    except ValidationError as error:
        raise RecipeError(f"{where}: {_explain(error)}") from None
    recipe._base = base
    if recipe.takedowns or recipe.takedowns_path.is_file():
        try:
            recipe._removed = takedowns.read(recipe.takedowns_path)
        except RecipeError as error:
            raise RecipeError(f"{where}: {error}") from None
    for source in recipe.sources:
        source.settle(base)
    return recipe


_MODELS: dict[str, type[BaseModel]] = {
    "sources": Source,
    "benchmarks": Benchmark,
    "stages": Stages,
}


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] != "extra_forbidden":
        return first_message(error)
    *parents, key = first["loc"]
    model = _MODELS.get(str(parents[0]), Recipe) if parents else Recipe
    where = ".".join(str(p) for p in first["loc"])
    return f"{where}: unknown key {key!r}.{did_you_mean(str(key), model.model_fields)}"

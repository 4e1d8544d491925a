"""The recipe: which sources, which benchmarks, which thresholds. Checked before any work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from .. import plugins, sources
from ..errors import RecipeError, did_you_mean
from ..known import Entry, Kind
from ..known import entry as known_entry
from ..lang import named
from ..settings import StrictModel, checked, explained, read_yaml
from ..sources import exams
from ..sources.exams import LAYOUTS as BENCHMARK_LAYOUTS
from ..sources.files.finding import at_revision
from ..stages.clean import Clean
from ..stages.decontaminate import Decontaminate
from ..stages.deduplicate import Deduplicate
from ..stages.filter import Filter
from ..stages.label import Label
from ..stages.mask import Mask
from ..stages.passages import Passages
from ..stages.relevance import Relevance
from ..stages.simplify import Simplify
from ..stages.split import Split
from . import takedowns
from .guests import FIRST, GuestStage, guest_stages

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]


def _base_of(info: ValidationInfo) -> Path:
    """Return the folder that relative paths start from: the current one, unless told."""
    return Path((info.context or {}).get("base", ""))


def allows_code(info: ValidationInfo) -> bool:
    """Whether code that a recipe names by path or import may run: not unless told."""
    return bool((info.context or {}).get("allow_code", False))


class Place(BaseModel):
    """Where the files of a source or benchmark lie."""

    KNOWN: ClassVar[Kind]
    if TYPE_CHECKING:  # each says them itself, in an order of its own
        path: str
        files: list[str]
        revision: str | None
        known: str | None

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: Any) -> Any:
        """What is known of a corpus stands in for what the recipe does not say."""
        name = given.get("known") if isinstance(given, Mapping) else None
        if name is None:
            return given
        return known_entry(cls.KNOWN, str(name)).filled(given)

    @property
    def entry(self) -> Entry | None:
        """What is known of it, where the recipe calls it by its name."""
        return known_entry(self.KNOWN, self.known) if self.known else None

    @model_validator(mode="after")
    def _check_revision(self) -> Self:
        _ = self.address
        return self

    @property
    def address(self) -> str:
        """The path, of a repository at the revision that is asked for."""
        return at_revision(self.path, self.revision) if self.revision else self.path

    @model_serializer(mode="wrap")
    def _without_empty(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What is not said is not written, so that builds of before stay what they are."""
        written: dict[str, Any] = dump(self)
        return {k: v for k, v in written.items() if k not in _UNSAID or v not in (None, [])}


_UNSAID = ("files", "revision", "known", "rows", "header", "question")


class Source(Place):
    """One source: where it is, how it is laid out, under which licence it may be used.

    name:    the source's name, part of every record's id: a-z, 0-9, ``-`` and ``_``.
    layout:  how its files are laid out, one of those below (``chimed sources`` lists them), or one
             from outside the package.
    path:    a file, a folder, a glob or an archive (.zip, .tar.*, .gz, .bz2, .xz, .zst), relative
             to the recipe's folder; or an fsspec address of any of these, also
             ``modelscope:OWNER/NAME[@REVISION]/PATH``; a file there is fetched once a revision,
             and kept.
    files:   globs of the files of a folder, repository or archive that are read (train_*.json),
             whatever their endings; left out, all that the layout reads.
    revision: of a repository on a hub, a commit or tag that its files are taken from.
    known:   the name of a public corpus (``chimed known`` lists them), which says all other keys,
             the name as well; what stands beside it counts before that, such as the path of one's
             own copy.
    license: under which the source may be used, as an SPDX id in lower case (``cc-by-4.0``). It
             stands in every row.
    domain:  of the records that name none themselves: Chinese medicine, modern medicine, neither.
    origin:  who wrote the texts of the records that do not say so themselves.

    Keys beyond these belong to the layout.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    KNOWN: ClassVar[Kind] = "sources"

    name: Name
    layout: str
    path: str
    files: list[str] = Field(default_factory=list)
    revision: str | None = None
    known: str | None = None
    license: Annotated[str, Field(min_length=1)]
    domain: Literal["tcm", "modern", "general"] = "modern"
    origin: Literal["human", "llm"] = "human"
    _options: Any = PrivateAttr(None)
    _guest: plugins.Guest | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _settle(self, info: ValidationInfo) -> Source:
        try:
            base = _base_of(info)
            layout = sources.layout(self.layout, base, allow_code=allows_code(info))
            self._guest = layout.guest
            self._options = self._settled(layout, base)
        except RecipeError as error:
            error.source = self.name
            raise
        return self

    def _settled(self, layout: sources.Layout, base: Path) -> Any:
        extra = self.__pydantic_extra__ or {}
        for key in extra:  # a typing error in a common key is not the layout's business
            if key not in layout.own_keys():
                known = [*Source.model_fields, *layout.own_keys()]
                raise RecipeError(
                    f"source {self.name!r}: unknown key {key!r}.{did_you_mean(key, known)}"
                )
        options = layout.options(extra)
        try:
            return layout.settled(options, base)
        except RecipeError as error:
            raise RecipeError(f"source {self.name!r}: {error}") from None

    @property
    def options(self) -> Any:
        """What the layout's ``read`` gets: its own keys, checked, and what the files hold that
        they name."""
        return self._options

    @property
    def gives_exams(self) -> bool:
        """Whether its records are exam items."""
        return self.layout == "exam" or getattr(self._options, "kind", None) == "exam"

    @property
    def guest(self) -> plugins.Guest | None:
        """The layout, where it comes from outside the package."""
        return self._guest

    @property
    def reader(self) -> sources.Layout:
        """The layout that reads the files."""
        return sources.of_guest(self._guest) if self._guest else sources.layout(self.layout)


class Benchmark(Place, StrictModel):
    """A benchmark whose items must not be in the dataset. It is read, never copied.

    name:   what reports call it.
    layout: how its files are laid out, one of those below.
    path:   as the path of a source.
    files:  globs of the files that are read, as of a source.
    revision: as of a source.
    known:  the name of a public benchmark (``chimed known`` lists them), as of a source.
    rows:   the dotted path of the list in which the rows stand ({"data": [...]}: data); ``*``
            stands for all fields of an object.
    header: the names of the columns, in their order, of a table without a header line.
    question: the column that is the question, where it has none of the usual names.
    sheet:  of a workbook: the name of a sheet, or its number from 1; left out, every sheet with
            the columns of the first.
    """

    KNOWN: ClassVar[Kind] = "benchmarks"

    name: Name
    layout: str
    path: str
    files: list[str] = Field(default_factory=list)
    revision: str | None = None
    known: str | None = None
    rows: str | None = None
    header: list[str] = Field(default_factory=list)
    question: str | None = None
    sheet: str | int | None = None

    @property
    def form(self) -> exams.Rows:
        """Where its rows stand, as ``exams.read`` takes it."""
        return exams.Rows(self.rows or "", tuple(self.header), self.question or "", self.sheet)

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
        try:
            return checked(cls, {} if given is True else given, f"stages.{cls.name}")
        except RecipeError as error:
            error.stage = cls.name
            raise

    return BeforeValidator(check)


class Stages(BaseModel):
    """The settings of every stage; ``false`` switches one off. Other keys name stages from outside
    the package."""

    model_config = ConfigDict(extra="allow", frozen=True)

    clean: Annotated[Clean | None, _stage(Clean)] = Clean()
    simplify: Annotated[Simplify | None, _stage(Simplify)] = Simplify()
    filter: Annotated[Filter | None, _stage(Filter)] = Filter()
    mask: Annotated[Mask | None, _stage(Mask)] = Mask()
    decontaminate: Annotated[Decontaminate | None, _stage(Decontaminate)] = Decontaminate()
    relevance: Annotated[Relevance | None, _stage(Relevance)] = Relevance()
    passages: Annotated[Passages | None, _stage(Passages)] = Passages()
    deduplicate: Annotated[Deduplicate | None, _stage(Deduplicate)] = Deduplicate()
    split: Annotated[Split, _stage(Split)] = Split()
    label: Annotated[Label | None, _stage(Label)] = None

    @model_validator(mode="before")
    @classmethod
    def _find_guests(cls, given: Any, info: ValidationInfo) -> Any:
        if not isinstance(given, Mapping):
            return given
        return guest_stages(given, cls.model_fields, _base_of(info), allows_code(info))

    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A guest's stage is written as in the recipe: where its file lies is this machine's."""
        written: dict[str, Any] = dump(self)
        guests = self.__pydantic_extra__ or {}
        return written | {key: dict(guests[key].settings) for key in guests if key in written}

    @property
    def guests(self) -> tuple[GuestStage, ...]:
        """The stages from outside the package, as the recipe names them."""
        return tuple((self.__pydantic_extra__ or {}).values())

    def in_order(self) -> dict[str, Any]:
        """Return the stages by name in the order in which a record meets them; None: left out."""
        out: dict[str, Any] = {}
        for name in (FIRST, *type(self).model_fields):
            if name != FIRST:
                out[name] = getattr(self, name)
            out |= {guest.name: guest for guest in self.guests if guest.after == name}
        return out


class Ledger(StrictModel):
    """What the ledger holds beyond a row for each dropped record.

    texts: of which dropped records ``ledger/texts.parquet`` keeps the texts, masked as the data:
           of 50 of each rule and source, of all, or of none.
    """

    texts: Literal["all", "sample", "none"] = "sample"


_PARTS: dict[str, type[BaseModel]] = {
    "benchmarks": Benchmark, "ledger": Ledger, "stages": Stages,
}  # fmt: skip


class Recipe(StrictModel):
    """A whole recipe. Paths start from the folder of its file, or the current one without a file.

    name:       the dataset's name, and the folder it is built into unless ``--out`` names another.
    seed:       decides the splits.
    shard_size: bytes of text in one parquet file, also as 256MiB or 1GB.
    sources:    what the dataset is made of: name, layout, path and license of each, and more.
    benchmarks: what must not be in it: name, layout and path of each.
    stages:     settings of what is done to every record, by stage; ``false`` switches one off.
    builders:   settings of the configs, by name.
    takedowns:  a file of ids of records that no build takes, one a line, with the reason after a
                blank. Their copies (records of the same cluster of duplicates) go as well. Left
                out: takedowns.txt beside the recipe, where there is one.
    ledger:     of which dropped records the texts are kept; see below.
    lang:       the language of the card, and of what is printed where nobody asks for another: en
                or zh. Left out: the card is in English.
    """

    name: Name = "chimed2"
    seed: int = 42
    shard_size: ByteSize = ByteSize(256 * 1024 * 1024)
    sources: Annotated[list[Source], Field(min_length=1)]
    benchmarks: list[Benchmark] = Field(default_factory=list)
    stages: Stages = Stages()
    builders: dict[str, dict[str, Any]] = Field(default_factory=dict)
    takedowns: str | None = None
    ledger: Ledger = Ledger()
    lang: Literal["en", "zh"] | None = None
    _base: Path = PrivateAttr(default_factory=Path)
    _removed: dict[str, str] = PrivateAttr(default_factory=dict)
    _guest_builders: tuple[plugins.Guest, ...] = PrivateAttr(())

    @model_validator(mode="wrap")
    @classmethod
    def _settle(
        cls, given: Any, make: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """Make the whole recipe, however it is made.

        The context may hold ``base``, ``allow_code``, and ``removed`` in place of what the file of
        takedowns says.
        """
        if not allows_code(info):
            plugins.refuse_code(named_code(given), _base_of(info))
        try:
            recipe = make(given)
        except ValidationError as error:
            raise RecipeError(explained(error, cls, _PARTS)) from None
        recipe._base = _base_of(info)
        removed = (info.context or {}).get("removed")
        if removed is None and (recipe.takedowns or recipe.takedowns_path.is_file()):
            removed = takedowns.read(recipe.takedowns_path)
        recipe._removed = removed or {}
        return recipe

    @field_validator("lang", mode="before")
    @classmethod
    def _check_lang(cls, given: Any) -> Any:
        return (named(given) or given) if isinstance(given, str) else given

    @model_serializer(mode="wrap")
    def _without_lang(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A recipe that names no language is written as it was before there was one."""
        written: dict[str, Any] = write(self)
        if written.get("lang", "") is None:
            del written["lang"]
        return written

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
    def _check_builders(self, info: ValidationInfo) -> Recipe:
        if self.builders:  # the declarations import `datasets`, which takes a second
            from ..rows import builder_settings, guest_builders

            self._guest_builders = guest_builders(
                self.builders, _base_of(info), allow_code=allows_code(info)
            )
            settings = builder_settings(self.builders, self._guest_builders)
            unpaired, names = settings["preference"].unpaired, [one.name for one in self.sources]
            for name in unpaired.scores if unpaired else ():
                if name not in names:
                    raise RecipeError(
                        f"builders.preference.unpaired.scores: unknown source {name!r}."
                        f"{did_you_mean(name, names)}"
                    )
        return self

    @property
    def builders_asked(self) -> dict[str, dict[str, Any]]:
        """The settings of the configs that a build makes, as they are written: with `exam`, where
        a source gives exam items."""
        if "exam" in self.builders or not any(source.gives_exams for source in self.sources):
            return self.builders
        return {**self.builders, "exam": {}}

    @property
    def guest_builders(self) -> tuple[plugins.Guest, ...]:
        """The builders from outside the package."""
        return self._guest_builders

    @property
    def guests(self) -> dict[plugins.Guest, str]:
        """All code from outside the package, and what it is called where it is at work: a layout
        by its key, a stage and a config by their names."""
        found = {source.guest: source.layout for source in self.sources if source.guest}
        found |= {stage.guest: stage.name for stage in self.stages.guests}
        if self._guest_builders:
            from ..rows import of_guest

            found |= {guest: of_guest(guest).name for guest in self._guest_builders}
        return found

    @property
    def base(self) -> Path:
        """The folder that relative paths start from: the recipe file's own, or the current one."""
        return self._base

    @property
    def takedowns_path(self) -> Path:
        """Where the file of taken down records is, or would be."""
        return self._base / (self.takedowns or takedowns.DEFAULT)

    @property
    def removed(self) -> dict[str, str]:
        """The reasons of the records that were taken down, by id."""
        return self._removed


def named_code(content: Any) -> list[tuple[str, str]]:
    """Return (kind, key) for all code that a recipe names by path or by import, unchecked."""
    if not isinstance(content, Mapping):
        return []
    sources, tasks = content.get("sources"), content.get("tasks")
    keys = {
        "layouts": [one.get("layout") for one in _mappings(sources)],
        "stages": content.get("stages"),
        "builders": content.get("builders"),
        "tasks": [one.get("task") for one in _mappings(tasks)],
    }
    return [
        (kind, key)
        for kind, given in keys.items()
        if isinstance(given, list | Mapping)
        for key in given
        if plugins.names_code(key)
    ]


def _mappings(given: Any) -> list[Mapping[str, Any]]:
    return [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []


def load(path: str | Path, *, allow_code: bool = False) -> Recipe:
    """Read a recipe file (YAML) and check it.

    allow_code: whether code that the recipe names by path or by import may run. What installed
                packages offer by entry point runs without.

    Relative paths in it start from its folder. Raises :class:`RecipeError` that names file and key.

    >>> recipe = chimed.load_recipe("my.yaml")
    >>> recipe.name, [source.layout for source in recipe.sources]
    ('mine', ['qa_csv'])
    """
    path = Path(path)
    content = read_yaml(path, "recipe")
    return parse(content, base=path.parent, where=str(path), allow_code=allow_code)


def parse(content: Any, base: Path, where: str = "recipe", *, allow_code: bool = False) -> Recipe:
    """Check a recipe given as a mapping; see :func:`load`."""
    if not isinstance(content, dict):
        raise RecipeError(f"{where}: a recipe is a mapping with the key 'sources'.")
    try:
        context = {"base": base, "allow_code": allow_code}
        return Recipe.model_validate(content, context=context)
    except RecipeError as error:
        raise RecipeError(
            f"{where}: {error}", source=error.source, key=error.key, stage=error.stage
        ) from None

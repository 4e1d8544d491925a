"""The recipe: which sources, which benchmarks, which thresholds. Checked before any work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
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
from ..errors import (
    Fault,
    RecipeError,
    behind,
    hint,
    listed,
    nearest,
    told,
    without_known,
)
from ..known import Entry, Kind
from ..known import entry as known_entry
from ..lang import N_, _, named, then
from ..settings import (
    NAME,
    Faulty,
    Marked,
    Places,
    StrictModel,
    checked,
    faults_in,
    faults_of,
    gathered,
    in_order,
    lines_with_wide_colons,
    made,
    read_marked,
    shown,
    sift,
)
from ..sources import exams
from ..sources.exams import LAYOUTS as BENCHMARK_LAYOUTS
from ..sources.files.finding import at_revision
from ..sources.parsing.labels import DOMAIN_OF
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

Name = Annotated[str, Field(pattern=NAME, max_length=64)]


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

    @classmethod
    def _filled(cls, given: Mapping[str, Any], faults: list[Fault]) -> dict[str, Any]:
        """What is known of a corpus stands in for what the recipe does not say. faults: get what
        is wrong with its name."""
        name = given.get("known")
        if name is None:
            return dict(given)
        try:
            return known_entry(cls.KNOWN, str(name)).filled(given)
        except RecipeError as error:
            said, known = without_known(str(error))
            faults.append(Fault(behind(said, "known") or said, known, at=("known",)))
            return dict(given)

    @property
    def entry(self) -> Entry | None:
        """What is known of it, where the recipe calls it by its name."""
        return known_entry(self.KNOWN, self.known) if self.known else None

    @model_validator(mode="after")
    def _check_revision(self) -> Self:
        with gathered():
            __ = self.address
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


Domain = Literal["tcm", "modern", "general"]


def _domain(given: Any) -> Any:
    """Return the domain that a word for it means; what is no such word as it is."""
    if not isinstance(given, str):
        return given
    return DOMAIN_OF.get(re.sub(r"[\s_-]{1,99}", "", given[:64]).lower(), given)


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
    license: under which the source may be used, as an SPDX id in lower case (``cc-by-4.0``); also
             written ``licence``. It stands in every row. A build names one that is no id, with the
             nearest.
    domain:  of the records that name none themselves: Chinese medicine, modern medicine, neither;
             also in other words, as 中医 or 西医.
    origin:  who wrote the texts of the records that do not say so themselves.

    Keys beyond these belong to the layout.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    KNOWN: ClassVar[Kind] = "sources"
    ALSO: ClassVar[Mapping[str, str]] = {"licence": "license"}
    SAID_AS: ClassVar[Mapping[str, str]] = {
        "format": "layout", "type": "layout", "form": "layout", "formatting": "layout",
        "file": "path", "file_name": "path", "filename": "path", "folder": "path", "dir": "path",
        "data_path": "path", "url": "path", "location": "path", "glob": "files",
        "lang": "domain", "field": "fields", "columns": "fields", "mapping": "fields",
        "id_field": "id", "commit": "revision", "filter": "where", "spdx": "license",
        "名称": "name", "格式": "layout", "路径": "path", "许可证": "license", "许可": "license",
        "领域": "domain", "来源": "origin", "字段": "fields",
    }  # fmt: skip

    name: Name
    layout: str
    path: str
    files: list[str] = Field(default_factory=list)
    revision: str | None = None
    known: str | None = None
    license: Annotated[str, Field(min_length=1)]
    domain: Annotated[Domain, BeforeValidator(_domain)] = "modern"
    origin: Literal["human", "llm"] = "human"
    _options: Any = PrivateAttr(None)
    _guest: plugins.Guest | None = PrivateAttr(None)

    @model_validator(mode="wrap")
    @classmethod
    def _settle(
        cls, given: Any, make: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """Make the entry with the layout's own keys checked, and tell all that is wrong with it."""
        if not isinstance(given, Mapping):
            return make(given)
        base, faults = _base_of(info), list[Fault]()
        layout, asked = cls._layout_of(given, base, allows_code(info), faults)
        keys = sift(
            given, [*cls.model_fields, *(layout.own_keys() if layout else ())],
            also=cls.ALSO, said_as=cls.SAID_AS, lacking=None if layout else _LACKING,
        )  # fmt: skip
        keys.given = cls._filled(keys.given, faults)
        options = None
        if layout and asked:
            extra = {key: keys.given[key] for key in keys.given if key not in cls.model_fields}
            keys.given |= {"layout": layout.key, **layout.preset, **extra}
            try:
                options = layout.settled(layout.options(extra), base)
            except RecipeError as error:
                faults += map(keys.as_written, faults_in(error, extra))
        try:
            source = made(make, keys, faults)
        except Faulty as error:
            raise Faulty(_of_entry(cls.KNOWN, given, error.faults)) from None
        source._guest, source._options = layout.guest if layout else None, options
        return source

    @classmethod
    def _layout_of(
        cls, given: Mapping[str, Any], base: Path, allow_code: bool, faults: list[Fault]
    ) -> tuple[sources.Layout | None, bool]:
        """Return the layout that an entry names, or else the one that it may mean, and whether its
        own keys are to be looked at. faults: get what is wrong with the name."""
        key = given.get("layout") or cls._filled(given, []).get("layout")
        for other in given if key is None else ():
            if other not in cls.model_fields:
                meant = nearest(str(other), cls.model_fields, cls.SAID_AS)
                key = given[other] if meant == "layout" else key
        if not isinstance(key, str):
            return None, False
        try:
            return sources.layout(key, base, allow_code=allow_code), True
        except RecipeError as error:
            said, known = without_known(str(error))
            faults.append(Fault(said, known, at=("layout",)))
        like = sources.like(key)
        if like is None or plugins.names_code(key):
            return None, False
        return sources.layout(like, base, allow_code=allow_code), True

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
    SAID_AS: ClassVar[Mapping[str, str]] = Source.SAID_AS

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

    @model_validator(mode="wrap")
    @classmethod
    def _settle(cls, given: Any, make: ModelWrapValidatorHandler[Self]) -> Self:
        """Make the entry, and tell all that is wrong with it."""
        if not isinstance(given, Mapping):
            return make(given)
        faults: list[Fault] = []
        keys = sift(given, cls.model_fields, said_as=cls.SAID_AS)
        keys.given = cls._filled(keys.given, faults)
        layout = keys.given.get("layout")
        if isinstance(layout, str) and layout not in BENCHMARK_LAYOUTS:
            said = _("unknown layout {shown}.{hint}").format(
                shown=shown(layout), hint=hint(nearest(layout, BENCHMARK_LAYOUTS))
            )
            if layout in sources.layouts():
                said = _("{said} {layout!r} is a layout of sources.").format(
                    said=said, layout=layout
                )
            faults.append(Fault(said, listed(BENCHMARK_LAYOUTS), at=("layout",)))
        try:
            return made(make, keys, faults)
        except Faulty as error:
            raise Faulty(_of_entry(cls.KNOWN, given, error.faults)) from None


_LACKING = {
    "name": N_("Give it a short one, in small Latin letters, digits, - and _."),
    "layout": N_("`chimed detect FILE` finds the one that reads a file."),
    "path": N_("Say where its files are: a file, a folder, a glob, an archive or an address."),
    "license": N_(
        "Say under which one it may be used: an SPDX id such as cc-by-4.0, or not-stated."
    ),
    "sources": N_(
        "Say what the dataset is made of: `sources:`, and under it `- name: …` with layout, path "
        "and license."
    ),
}
"""What is said where a key is missing."""


def _of_entry(kind: Kind, given: Mapping[str, Any], faults: Iterable[Fault]) -> list[Fault]:
    """Return the faults of an entry of ``sources`` or ``benchmarks`` under its name."""
    found = list(faults)
    if any(fault.at == ("known",) for fault in found):  # which might have said it
        found = [fault for fault in found if fault.kind != "missing"]
    name = given.get("name") or given.get("known")
    if isinstance(name, str):
        found = [fault.of(_owner(kind, name)) for fault in found]
    return [_with_mend(fault) for fault in found]


def _with_mend(fault: Fault) -> Fault:
    """Return a fault that says what to write where something is missing."""
    mend = _LACKING.get(str(fault.at[-1])) if fault.kind == "missing" and fault.at else None
    mend = mend and _(mend)
    return (
        replace(fault, said=fault.said + then(mend)) if mend and mend not in fault.said else fault
    )


def _stage(cls: Any) -> BeforeValidator:
    """``false`` switches a stage off; a mapping sets its fields."""

    def check(given: Any) -> Any:
        if given is False or given is None or isinstance(given, cls):
            return given or None
        with gathered():
            return checked(cls, {} if given is True else given, f"stages.{cls.name}")

    return BeforeValidator(check)


def _is_guest(key: Any) -> bool:
    return plugins.names_code(key)


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

    @model_validator(mode="wrap")
    @classmethod
    def _settle(
        cls, given: Any, make: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """Make the settings with the stages from outside, and tell all that is wrong."""
        if not isinstance(given, Mapping):
            return make(given)
        own, faults = cls.model_fields, list[Fault]()
        keys = sift(given, plugins.offered("stages", own), passed=_is_guest)
        try:
            keys.given = guest_stages(keys.given, own, _base_of(info), allows_code(info))
        except RecipeError as error:
            faults += faults_in(error)
            keys.given = {key: value for key, value in keys.given.items() if key in own}
        return made(make, keys, faults)

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


def _builders(given: Any, info: ValidationInfo) -> Any:
    """Look whether the settings of all configs are sound, and return them as they are."""
    if isinstance(given, Mapping) and given:  # the declarations take a while to import
        from ..rows import builder_settings, guest_builders

        with gathered():
            guests = guest_builders(given, _base_of(info), allow_code=allows_code(info))
            builder_settings(given, guests)
    return given


def _across(given: Any) -> list[Fault]:
    """Return what is wrong between the parts of a recipe: names that stand twice, and names of
    sources that there are none of. What is wrong within a part is passed over."""
    found: list[Fault] = []
    for kind in ("sources", "benchmarks"):
        first: dict[str, int] = {}
        for number, name in enumerate(_names(given, kind)):
            if name is not None and first.setdefault(name, number) != number:
                said = _("the name {name!r} is used twice, first by entry {first}.").format(
                    name=name, first=first[name] + 1
                )
                fault = Fault(said, at=("name",)).of(_owner(kind, name))
                found.append(fault.under(kind, number))
    names = [name for name in _names(given, "sources") if name is not None]
    for place in (("builders", "preference", "unpaired", "scores"),
                  ("stages", "relevance", "sources")):  # fmt: skip
        asked = _under(given, place)
        for number, name in enumerate(asked if isinstance(asked, Mapping | list) else ()):
            if isinstance(name, str) and name not in names and names:
                said = _("unknown source {shown}.{hint}").format(
                    shown=shown(name), hint=hint(nearest(name, names))
                )
                at = (*place, name if isinstance(asked, Mapping) else number)
                found.append(Fault(said, listed(names), at=at))
    return found


def _names(given: Any, kind: str) -> list[str | None]:
    """Return the names of the entries of a list; None for one without."""
    entries = _under(given, (kind,))
    names = []
    for one in entries if isinstance(entries, list | tuple) else ():
        name = getattr(one, "name", None)
        if isinstance(one, Mapping):
            name = one.get("name", one.get("known"))
        names.append(name if isinstance(name, str) else None)
    return names


def _under(given: Any, keys: Iterable[str]) -> Any:
    for key in keys:
        given = given.get(key) if isinstance(given, Mapping) else None
    return given


def _error(
    faults: Iterable[Fault], given: Any, where: str = "", places: Places | None = None
) -> RecipeError:
    """Return the error that tells all faults of a recipe, in their order."""
    places = places or Places()
    ordered = in_order((places.placed(_with_mend(fault)) for fault in faults), given)
    source = stage = None
    for fault in ordered:
        name = str(fault.at[1]) if len(fault.at) > 1 else None
        if fault.at[:1] == ("stages",):
            stage = stage or name
        elif fault.at[:1] == ("sources",) and name is not None:
            names = _names(given, "sources")
            source = source or (names[int(name)] if name.isdecimal() else None)
    return RecipeError(told(ordered, where), source=source, stage=stage, faults=ordered)


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
    builders: Annotated[dict[str, dict[str, Any]], BeforeValidator(_builders)] = Field(
        default_factory=dict
    )
    takedowns: str | None = None
    ledger: Ledger = Ledger()
    lang: Literal["en", "zh"] | None = None
    _base: Path = PrivateAttr(default_factory=Path)
    _removed: dict[str, str] = PrivateAttr(default_factory=dict)
    _guest_builders: tuple[plugins.Guest, ...] = PrivateAttr(())
    _places: Places = PrivateAttr(default_factory=Places)

    @model_validator(mode="wrap")
    @classmethod
    def _settle(
        cls, given: Any, make: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """Make the whole recipe, however it is made.

        The context may hold ``base``, ``allow_code``, and ``removed`` in place of what the file of
        takedowns says.
        """
        refused = [] if allows_code(info) else refused_code(given, _base_of(info))
        whole, given = given, without_code(given) if refused else given
        found = _across(given)
        removed = (info.context or {}).get("removed")
        try:
            recipe = make(given)
            recipe._base = _base_of(info)
            if removed is None and (recipe.takedowns or recipe.takedowns_path.is_file()):
                removed = takedowns.read(recipe.takedowns_path)
        except ValidationError as error:
            found += faults_of(error, given)
        except RecipeError as error:
            found += faults_in(error, given)
        if refused:
            found = [*refused, *of_no_code(found, whole)]
        if found:
            raise _error(found, whole)
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
        __ = self.asked
        return self

    @model_validator(mode="after")
    def _find_builders(self, info: ValidationInfo) -> Recipe:
        if self.builders:
            from ..rows import guest_builders

            self._guest_builders = guest_builders(
                self.builders, _base_of(info), allow_code=allows_code(info)
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

    def line_of(self, kind: str, name: str, *keys: str) -> int | None:
        """Return the line, from 1, of an entry of ``kind`` ("sources", "benchmarks") in the
        recipe's file, or of a key in it; None where the recipe is of no file."""
        names = [entry.name for entry in getattr(self, kind)]
        return self._places.of((kind, names.index(name), *keys))[0] if name in names else None

    @property
    def takedowns_path(self) -> Path:
        """Where the file of taken down records is, or would be."""
        return takedowns.place(self._base, self.takedowns)

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


def refused_code(content: Any, base: Path) -> list[Fault]:
    """Return the one fault that tells all code that a recipe names, which may not run; none where
    it names none."""
    try:
        plugins.refuse_code(named_code(content), base)
    except RecipeError as error:
        return [Fault(str(error))]
    return []


def without_code(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe without the stages and builders that are code: what is wrong with the rest
    of it can be told. Sources and tasks stay for the sake of their other keys."""
    out = dict(content)
    for kind in ("stages", "builders"):
        if isinstance(given := out.get(kind), Mapping):
            out[kind] = {key: given[key] for key in given if not plugins.names_code(key)}
    return out


def of_no_code(faults: Iterable[Fault], content: Any) -> list[Fault]:
    """Return faults without those that :func:`refused_code` tells: of layouts and tasks that are
    code."""

    def is_code(fault: Fault) -> bool:
        if len(fault.at) != 3 or fault.at[::2] not in (("sources", "layout"), ("tasks", "task")):
            return False
        kind, number, key = fault.at
        return plugins.names_code(content[kind][number].get(key))

    return [fault for fault in faults if not is_code(fault)]


def _mappings(given: Any) -> list[Mapping[str, Any]]:
    return [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []


def load(path: str | Path, *, allow_code: bool = False) -> Recipe:
    """Read a recipe file (YAML) and check it.

    allow_code: whether code that the recipe names by path or by import may run. What installed
                packages offer by entry point runs without.

    Relative paths in it start from its folder. Raises :class:`RecipeError` that names all faults,
    each by its line; its ``faults`` are these one by one.

    >>> recipe = chimed.load_recipe("my.yaml")
    >>> recipe.name, [source.layout for source in recipe.sources]
    ('mine', ['qa_csv'])
    """
    path = Path(path)
    marked = read_marked(path, "recipe")
    base, where = path.parent, str(path)
    return parse(marked.content, base, where, allow_code=allow_code, marked=marked)


def parse(
    content: Any,
    base: Path,
    where: str = "recipe",
    *,
    allow_code: bool = False,
    marked: Marked | None = None,
) -> Recipe:
    """Check a recipe given as a mapping; see :func:`load`. marked: where its parts stand."""
    if not isinstance(content, dict):
        raise RecipeError(
            _("{where}: a recipe is a mapping with the key 'sources'.{no}").format(
                where=where, no=_no(content)
            )
        )
    marked = marked or Marked(content, Places())
    faults = list(marked.faults)
    try:
        context = {"base": base, "allow_code": allow_code}
        recipe = Recipe.model_validate(content, context=context)
    except RecipeError as error:
        faults += faults_in(error, content)
    if faults:
        raise _error(faults, content, where, marked.places)
    recipe._places = marked.places
    return recipe


def _owner(kind: str, name: Any) -> str:
    """Return what a fault is of, in words. kind: sources or benchmarks."""
    told = _("source {name}") if kind == "sources" else _("benchmark {name}")
    return told.format(name=shown(name))


def _no(content: Any) -> str:
    """Return what to do with content that is no mapping, as a sentence behind another."""
    if isinstance(content, list):
        return _(" This is a list: write `sources:` above it, and indent the list below.")
    if isinstance(content, str):
        wide = lines_with_wide_colons(content)
        return wide or _(" Behind each key write a colon and a blank.")
    return ""

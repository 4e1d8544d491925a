"""Entries of known sources and benchmarks: what one says, and how it is found and checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from ..errors import RecipeError, did_you_mean
from ..lang import _
from ..settings import checked, read_yaml

Kind = Literal["sources", "benchmarks"]
KINDS: tuple[Kind, ...] = ("sources", "benchmarks")


@dataclass(frozen=True)
class Licence:
    """A licence as it is stated. id: an SPDX id in lower case, or in words with hyphens what stands
    in its place (not-stated). by: who states it, and where."""

    id: str
    by: str


@dataclass(frozen=True)
class Republish:
    """Whether the texts may be handed on. why: the ground, as it is stated."""

    allowed: bool
    why: str


@dataclass(frozen=True)
class Defect:
    """What is wrong with a corpus. where: a place to look."""

    what: str
    where: str


@dataclass(frozen=True)
class Checked:
    """When the entry was last held against what. when: a day, as 2026-11-30."""

    when: str
    against: str


@dataclass(frozen=True)
class Entry:
    """A known source or benchmark.

    name:       as a recipe calls it; that of its file.
    kind:       "sources" or "benchmarks".
    title:      as its publisher calls it.
    path:       where it lies, as the path of a source; null where no address leads to its files (a
                login, a drive).
    layout:     which layout reads it.
    licence:    as stated, and by whom. id is an SPDX id in lower case, or words with hyphens, such
                as not-stated.
    checked:    when and against what the entry was last checked.
    page:       a page that describes it.
    files:      globs of the files that are read.
    omits:      what of it is not read, and why.
    revision:   a commit or tag, where one is known.
    options:    the layout's own keys, or rows, header and question of a benchmark.
    columns:    all fields of a row, as published, whether they are read or not: --check compares
                them with those of the files. Left out, it compares none.
    size:       as stated, in words.
    bytes:      file -> bytes, where they were seen.
    tier:       "public" (a free licence is stated), "research" (non-commercial or academic use
                alone), "ask" (a login, or no licence is stated), "closed" (re-use is forbidden).
    domain, origin: as of a source.
    language:   a list: "zh" and others.
    script:     "simplified", "traditional" or "both".
    model:      which model wrote the texts.
    republish:  whether the texts may be handed on; left out, as the licence says.
    defects:    what is wrong with it, and where in it.
    contains:   what it holds of others: names of entries, or words.
    citation:   a paper or page to cite.
    refused:    why no build takes it.
    """

    name: str
    kind: Kind
    title: str
    path: str | None
    layout: str
    licence: Licence
    checked: Checked
    page: str
    files: list[str] = field(default_factory=list)
    omits: str | None = None
    revision: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    size: str = ""
    bytes: dict[str, int] = field(default_factory=dict)
    tier: Literal["public", "research", "ask", "closed"] = "ask"
    domain: Literal["tcm", "modern", "general"] = "modern"
    language: list[str] = field(default_factory=lambda: ["zh"])
    script: Literal["simplified", "traditional", "both"] = "simplified"
    origin: Literal["human", "llm"] = "human"
    model: str | None = None
    republish: Republish | None = None
    defects: list[Defect] = field(default_factory=list)
    contains: list[str] = field(default_factory=list)
    citation: str | None = None
    refused: str | None = None

    def filled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return a recipe's entry that says ``known: NAME``, with all that this one knows.

        given: what the recipe says; it counts before what is known. With a path of one's own the
        revision, and with another layout the keys of the layout are not taken over.

        Raises :class:`RecipeError` where no build takes it.
        """
        if self.refused:
            raise RecipeError(
                _("known: {name!r} is refused: {refused}.").format(
                    name=self.name, refused=self.refused
                )
            )
        if self.path is None and "path" not in given:
            raise RecipeError(
                _(
                    "known: {name!r} has no address that files can be fetched from: get it "
                    "at {page}, and say path: with your copy."
                ).format(name=self.name, page=self.page)
            )
        own: dict[str, Any] = {
            "name": self.name,
            "layout": self.layout,
            "path": self.path,
            "files": self.files,
            "revision": None if "path" in given else self.revision,
        }
        if self.kind == "sources":
            own |= {"license": self.licence.id, "domain": self.domain, "origin": self.origin}
        own |= self.options if given.get("layout", self.layout) == self.layout else {}
        return {**own, **given}

    def as_dict(self) -> dict[str, Any]:
        """Return all of it, as JSON can hold it; what is not said is left out."""
        every = dataclasses.asdict(self)
        return {key: value for key, value in every.items() if value not in (None, [], {}, "")}


def names(kind: Kind) -> list[str]:
    """Return the names of all entries of a kind, sorted."""
    return sorted(
        path.name.removesuffix(".yaml")
        for path in _folder(kind).iterdir()
        if path.name.endswith(".yaml")
    )


def entry(kind: Kind, name: str) -> Entry:
    """Return an entry. Raises :class:`RecipeError` for an unknown name.

    >>> entry("sources", "huatuo26m-lite").licence.id
    'apache-2.0'
    """
    if name not in names(kind):
        hint = did_you_mean(str(name), names(kind))
        raise RecipeError(
            _("known: there is no entry {name!r} among the {kind}.{hint}").format(
                name=name, kind=kind, hint=hint
            )
        )
    return _loaded(kind, name)


def entries(kind: Kind) -> list[Entry]:
    """Return all entries of a kind, by name."""
    return [entry(kind, name) for name in names(kind)]


def listed(name: str) -> list[Entry]:
    """Return the entries of this name: a source, a benchmark, or both. Raises
    :class:`RecipeError` where there is none."""
    found = [entry(kind, name) for kind in KINDS if name in names(kind)]
    if not found:
        every = {one for kind in KINDS for one in names(kind)}
        raise RecipeError(
            _("known: there is no entry {name!r}.{did_you_mean}").format(
                name=name, did_you_mean=did_you_mean(name, every)
            )
        )
    return found


def read_entry(path: Path, kind: Kind) -> Entry:
    """Return the entry in a file. Raises :class:`RecipeError` that names the file and the key."""
    content = read_yaml(path, "entry of a known source")
    if not isinstance(content, dict):
        raise RecipeError(
            _("{path}: an entry is a mapping with the keys title, path and more.").format(path=path)
        )
    for key in ("name", "kind"):
        if key in content:
            raise RecipeError(
                _("{path}: {key}: it is told by the file's place and name.").format(
                    path=path, key=key
                )
            )
    name = path.name.removesuffix(".yaml")
    return checked(Entry, {**content, "name": name, "kind": kind}, str(path))


def _folder(kind: Kind) -> Any:
    return resources.files(__package__) / kind


@lru_cache(256)
def _loaded(kind: Kind, name: str) -> Entry:
    with resources.as_file(_folder(kind) / f"{name}.yaml") as path:
        return read_entry(path, kind)

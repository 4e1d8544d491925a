"""What was something made from? A unit's answer, and that of a whole build, piece by piece.

Each piece has a name that a user understands ("stage filter", "its files") and a key. Two things
of equal origin have the same bytes; of others the pieces that differ say what changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..lang import N_, _, retold
from ..plugins import described
from ..recipe import Recipe, Source
from ..recipe.guests import GuestStage
from ..sources import SourceFile
from ..sources.files.opening import sha256
from . import checkpoint
from .decide.contained import are_sampled

Origin = dict[str, str]
"""What a thing was made from: name of a piece -> its key."""
_AFTER_READING = ("relevance", "split", "label")
"""Stages that no unit goes through: they look at all records, and need nothing of the reading."""
OF_A_SOURCE = ("its recipe entry", "its files")
"""Pieces of a unit that are its source's own."""
_PIECES = ("sources", "benchmarks", "stages", "builders", "takedowns")
"""Keys of the recipe that are told piece by piece."""
_LATER = ("name", "shard_size", "lang")
"""Keys that no unit depends on."""
_ORDER = "the order of "
_NAMED = 3
"""So many pieces that changed are named in one line."""


def key_of(origin: Origin) -> str:
    """Return 128 bits (hex) over an origin."""
    return checkpoint.key_of(*(f"{name}={key}" for name, key in sorted(origin.items())))


def changed(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return the names of the pieces that two origins do not share, those of ``new`` first."""
    if not old:  # no earlier version says what it made a unit from
        return ["the library"]
    names = [name for name in {**new, **old} if old.get(name) != new.get(name)]
    return [name for name in names if not name.startswith(_ORDER)] or names


_IN_WORDS = (
    N_("the library"), N_("the list of takedowns"), N_("the code of builders"),
    N_("the recipe entry of source {name}"), N_("the files of source {name}"),
    N_("its recipe entry"), N_("its files"), N_("the order of {name}"),
)  # fmt: skip
"""What pieces are called, which files of a build hold in English: see ``retold``."""


def in_words(names: Sequence[str]) -> str:
    """Return "a, b and 3 others changed"."""
    more = len(names) - _NAMED
    if more > 1:
        said = _("{names} and {more} others changed")
    elif more == 1:
        said = _("{names} and 1 other changed")
    else:
        said = _("{names} changed")
    return said.format(names=_(", ").join(map(retold, names[:_NAMED])), more=more)


# --- of a unit -----------------------------------------------------------------------------------


def of_all(
    recipe: Recipe, exam_files: Mapping[str, Sequence[SourceFile]], limit: int | None
) -> Origin:
    """Return what every unit is made from beside its source: library, stages, benchmarks.

    exam_files: by the name of a benchmark that records are compared with.
    """
    return {
        **checkpoint.library(),
        "--limit": str(limit),
        **_others(recipe),
        **_stages(recipe, [name for name in _names(recipe) if name not in _AFTER_READING]),
        "stage split": str(are_sampled(recipe.stages)),
        **_benchmarks(recipe, exam_files),
        "the list of takedowns": checkpoint.key_of(json.dumps(recipe.removed)),
    }


def of_source(source: Source) -> str:
    """Return a key over a source's entry of the recipe, and what its layout makes of it."""
    return checkpoint.key_of(
        source.model_dump_json(), repr(source.options), json.dumps(_about([source.guest]))
    )


def of_unit(common: Origin, entry: str, files: Iterable[tuple[str, str]]) -> Origin:
    """Return a unit's origin. common: see :func:`of_all`; entry: see :func:`of_source`; files:
    their names and hashes."""
    content = checkpoint.key_of(*(f"{name} {digest}" for name, digest in files))
    return {**common, **dict(zip(OF_A_SOURCE, (entry, content), strict=True))}


# --- of a whole build ----------------------------------------------------------------------------


def of_build(recipe: Recipe, common: Origin, stored: Mapping[str, str]) -> Origin:
    """Return what a build is made from. common: see :func:`of_all`; stored: source -> key over its
    files as they are stored."""
    builders = {f"builders.{name}": _key(value) for name, value in recipe.builders.items()}
    sources: Origin = {}
    for source in recipe.sources:
        sources[f"the recipe entry of source {source.name}"] = of_source(source)
        sources[f"the files of source {source.name}"] = stored[source.name]
    return {
        **common,
        **_stages(recipe, _names(recipe)),
        **sources,
        f"{_ORDER}sources": ", ".join(source.name for source in recipe.sources),
        **{name: str(getattr(recipe, name)) for name in _LATER},
        **builders,
        f"{_ORDER}builders": ", ".join(recipe.builders),
        "the code of builders": _key(_about(recipe.guest_builders)),
    }


# --- pieces --------------------------------------------------------------------------------------


def _key(value: Any) -> str:
    return checkpoint.key_of(json.dumps(value, ensure_ascii=False, default=str))


def _about(guests: Iterable[Any]) -> list[Mapping[str, str]]:
    return described(guest for guest in guests if guest is not None)


def _others(recipe: Recipe) -> Origin:
    """Return the keys of the recipe that have no pieces of their own: whoever adds one need not
    think of checkpoints."""
    written = json.loads(recipe.model_dump_json(exclude={*_PIECES, *_LATER}))
    return {name: _key(value) for name, value in written.items()}


def _names(recipe: Recipe) -> list[str]:
    return list(recipe.stages.in_order())


def _stages(recipe: Recipe, names: Iterable[str]) -> Origin:
    """Return the settings of the stages ``names``, and in which order all of these run."""
    written = json.loads(recipe.stages.model_dump_json())
    stages = recipe.stages.in_order()
    found: Origin = {}
    for name in names:
        stage = stages[name]
        guest = isinstance(stage, GuestStage)
        found[f"stage {name}"] = (
            _key([dict(stage.settings), _about([stage.guest])]) if guest else _key(written[name])
        )
    return {**found, f"{_ORDER}stages": ", ".join(name for name in names if stages[name])}


def _benchmarks(recipe: Recipe, files: Mapping[str, Sequence[SourceFile]]) -> Origin:
    found = {
        f"benchmark {one.name}": checkpoint.key_of(
            one.model_dump_json(), *(f"{file.name} {sha256(file)}" for file in files[one.name])
        )
        for one in recipe.benchmarks
        if one.name in files
    }
    return {**found, f"{_ORDER}benchmarks": ", ".join(files)}

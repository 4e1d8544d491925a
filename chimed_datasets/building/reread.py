"""A record of a build looked at again: its kept text, or its source read once more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from .. import recipe as recipes
from ..built import texts
from ..built.changes import Change, changes
from ..built.manifest import Manifest
from ..errors import ChimedError, SourceError
from ..lang import _
from ..recipe import Recipe
from ..sources import FileReport, exams
from ..sources.files.finding import resolve
from ..sources.files.opening import is_remote
from ..sources.files.staging import staging
from ..stages import PER_BATCH
from ..stages.mask import PLACEHOLDERS
from .losses import masked
from .prepared import benchmark_files, benchmark_index, per_batch
from .preview import Shown, Step, through


def from_kept(row: dict[str, Any], evidence: str) -> Shown:
    """Return a dropped record as its kept text tells it. row: of :func:`.texts.kept`."""
    steps = [
        Step(stage, tuple(changes(before, after))) for stage, before, after in texts.states(row)
    ]
    dropped = Step(row["stage"], (), row["rule"], evidence)
    first = row["before"][0]["texts"] if row["before"] else row["texts"]
    shown = Shown(row["key"], row["id"], row["kind"] or "", tuple(first), [*steps, dropped])
    shown.last = tuple(row["texts"])
    return shown


def recipe_of(manifest: Manifest, base: Path, *, allow_code: bool = False) -> Recipe:
    """Return the recipe by which a build treated its records one by one, with paths that start
    from ``base``."""
    keys = {g["name"]: g["key"] for g in manifest.get("guests", ()) if g["kind"] == "stages"}
    stages: dict[str, Any] = {"deduplicate": False, "relevance": False, "passages": False}
    stages |= {
        keys.get(name, name): stage["settings"] if stage else False
        for name, stage in manifest["stages"].items()
        if name in PER_BATCH or name in keys
    }
    content = {
        "name": manifest["name"],
        "seed": manifest["seed"],
        "sources": manifest["recipe"]["sources"],
        "benchmarks": manifest["recipe"].get("benchmarks", []),
        "stages": stages,
    }
    return recipes.parse(content, base, "manifest.json", allow_code=allow_code)


def read_again(
    recipe: Recipe, name: str, key: str, sizes: Mapping[str, int]
) -> tuple[Shown, list[str]]:
    """Read a record of the source ``name`` again and take it through the stages that look at a
    record by itself; return it, and what should be known beside.

    sizes: file -> bytes of the source's files when it was built, where that is known.

    Raises :class:`SourceError` where the source is not at hand or holds no such record.
    """
    source = next((one for one in recipe.sources if one.name == name), None)
    if source is None:
        raise SourceError(_("the recipe has no source {name!r}").format(name=name), source=name)
    notes: list[str] = []
    with staging() as place:
        layout = source.reader
        files = resolve(
            source.address, recipe.base, place / "source", layout.suffixes, source.files
        )
        mine = (
            files
            if layout.together(source.options)
            else [f for f in files if key.startswith(f.name)] or files
        )
        read: Any = layout.read(mine, source.options, FileReport())
        with closing(read):
            record = next((one for one in read if one.key == key), None)
        if record is None:
            raise SourceError(
                _("{path} has no {key} now").format(path=source.path, key=key), source=name
            )
        notes += [
            f"{file.name} has changed since the build."
            for file in mine
            if key.startswith(file.name) and sizes.get(file.name, file.size) != file.size
        ]
        index = None
        try:
            index, __ = benchmark_index(recipe, benchmark_files(recipe, place))
        except ChimedError as error:
            notes.append(f"Not compared with the benchmarks: {error}")
        stages = per_batch(recipe.stages, index)
        (shown,) = through(recipe, source, [record], stages)
    return shown, notes


def changed_in(
    recipe: Recipe, name: str, keys: Collection[str]
) -> dict[str, list[tuple[str, tuple[Change, ...]]]]:
    """Read records of the source ``name`` again and return, for each key, (stage, what it changed)
    of the stages that look at a record by itself. Texts are masked as the data, and what came
    before a text in which more is masked is left out: markup may have hidden a number.

    Raises what reading raises.
    """
    source = next((one for one in recipe.sources if one.name == name), None)
    if source is None:
        raise SourceError(_("the recipe has no source {name!r}").format(name=name), source=name)
    wanted = set(keys)
    with staging() as place:
        layout = source.reader
        files = resolve(
            source.address, recipe.base, place / "source", layout.suffixes, source.files
        )
        if not layout.together(source.options):
            files = [f for f in files if any(key.startswith(f.name) for key in wanted)] or files
        read: Any = layout.read(files, source.options, FileReport())
        found = []
        with closing(read):
            for record in read:
                if record.key in wanted:
                    found.append(record)
                    if len(found) == len(wanted):
                        break
        stages = per_batch(recipe.stages, None)
        shown = list(through(recipe, source, found, stages))
    return {one.key: _masked_steps(one, stages) for one in shown}


def _masked_steps(shown: Shown, stages: Sequence[Any]) -> list[tuple[str, tuple[Change, ...]]]:
    signs = set(PLACEHOLDERS.values())
    out: list[tuple[str, tuple[Change, ...]]] = []
    for step in reversed(shown.steps):
        told = []
        for change in step.changes:
            texts_ = pa.array([change.before or "", change.after or ""])
            before, after = masked(texts_, stages).to_pylist()
            if sum(map(before.count, signs)) < sum(map(after.count, signs)):
                return out[::-1]
            if before != after:
                told.append(
                    Change(
                        change.place,
                        None if change.before is None else before,
                        None if change.after is None else after,
                    )
                )
        if told:
            out.append((step.stage, tuple(told)))
    return out[::-1]


def is_address(path: str) -> bool:
    """Whether a path of a recipe leads to another machine."""
    return is_remote(path) or path.startswith("modelscope:")


def exam_items(recipe: Recipe, wanted: Mapping[str, Collection[str]]) -> dict[tuple[str, str], str]:
    """Return (benchmark, key) -> the text of an item, stem and options on lines of their own.

    wanted: the keys of the items, by benchmark. Raises what reading a benchmark raises.
    """
    found: dict[tuple[str, str], str] = {}
    with staging() as place:
        for entry in recipe.benchmarks:
            if entry.name not in wanted:
                continue
            files = resolve(
                entry.address, recipe.base, place / entry.name, exams.SUFFIXES, entry.files
            )
            for item in exams.read(entry.layout, files, FileReport(), entry.form):
                if item.key in wanted[entry.name]:
                    found[entry.name, item.key] = "\n".join([item.stem, *item.options])
    return found

"""One adapter: a declaration in ``builders/`` becomes a real `datasets` builder.

from chimed_datasets import dataset_builder

builder = dataset_builder("sft", "my.yaml")
builder.download_and_prepare(num_proc=2)
builder.as_dataset(split="train")          # or builder.as_streaming_dataset()
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
from datasets.builder import Key
from filelock import FileLock

from ._version import __version__
from .building import origin
from .building.plan import plan
from .building.prepared import Prepared, benchmark_files, prepare
from .building.write import Shard, WriteContext, config_rows
from .errors import RecipeError, did_you_mean
from .lang import _
from .recipe import Recipe
from .recipe import load as load_recipe
from .rows import ON_REQUEST, builder_settings, builders


@dataclass
class ChimedConfig(datasets.BuilderConfig):  # type: ignore[misc]  # `datasets` has no types
    """``recipe`` is the path of a recipe file; ``allow_code``: see :func:`dataset_builder`."""

    recipe: str = ""
    allow_code: bool = False


class Chimed(datasets.ArrowBasedBuilder):  # type: ignore[misc]
    """The declared configs as a `datasets` builder; make it with :func:`dataset_builder`."""

    BUILDER_CONFIG_CLASS = ChimedConfig
    VERSION = datasets.Version(__version__)

    def _info(self) -> datasets.DatasetInfo:
        known = builders()
        if self.config.name not in known:
            recipe = load_recipe(self.config.recipe, allow_code=self.config.allow_code)
            known = builders(recipe.guest_builders)
        declared = known[self.config.name]
        return datasets.DatasetInfo(description=declared.about, features=declared.features)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        prepared = self._prepared()
        by_split: dict[str, list[Shard]] = {}
        for shard in prepared.shards:
            if shard.config == self.config.name:
                by_split.setdefault(shard.split, []).append(shard)
        return [
            datasets.SplitGenerator(
                name=split, gen_kwargs={"shards": shards, "context": prepared.context}
            )
            for split, shards in by_split.items()
        ]

    def _generate_tables(
        self, shards: list[Shard], context: WriteContext
    ) -> Iterator[tuple[Key, pa.Table]]:
        declared = builders(context.guests)[self.config.name]
        for number, shard in enumerate(shards):
            for part, (__, rows) in enumerate(config_rows(declared, context, shard.indices)):
                if len(rows.table):
                    yield Key(number, part), rows.table

    def _prepared(self) -> Prepared:
        """Read and judge the sources once for all configs; later ones find the result."""
        folder = Path(self._cache_dir_root) / "chimed-work" / str(self.hash)
        done = folder / "prepared.pickle"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(str(folder) + ".lock"):
            if not done.exists():
                fresh = prepare(
                    load_recipe(self.config.recipe, allow_code=self.config.allow_code), folder
                )
                partial = done.with_suffix(".partial")
                partial.write_bytes(pickle.dumps(fresh))
                partial.rename(done)
            # Written by this function, under the user's own cache: not foreign data.
            prepared: Prepared = pickle.loads(done.read_bytes())
            return prepared


def dataset_builder(
    config: str,
    recipe: str | Path,
    cache_dir: str | Path | None = None,
    *,
    allow_code: bool = False,
) -> Chimed:
    """Return a `datasets` builder (an ``ArrowBasedBuilder``) of one config of a recipe.

    config: ``"pretrain"``, ``"sft"`` or ``"preference"``, or another that the recipe asks for.
    recipe: the path of a recipe file.
    cache_dir: where it keeps what it prepared. Left out: the cache of `datasets`.
    allow_code: whether code that the recipe names by path or import may run.

    Its cache is keyed by the recipe, the content of every source file and this library's code,
    so that a changed source is never served from an old cache. Raises :class:`RecipeError`.

    >>> builder = chimed.dataset_builder("sft", "my.yaml")
    >>> builder.download_and_prepare()
    >>> builder.as_dataset(split="test").num_rows
    1
    """
    path = Path(recipe).resolve()
    checked = load_recipe(path, allow_code=allow_code)
    known = builder_settings(checked.builders_asked, checked.guest_builders)
    if config in ON_REQUEST and config not in known:
        raise RecipeError(
            _("the recipe does not ask for the config {config!r}.").format(config=config)
        )
    if config not in known:
        raise RecipeError(
            _("unknown config {config!r}.{did_you_mean}").format(
                config=config, did_you_mean=did_you_mean(config, known)
            )
        )
    return Chimed(
        cache_dir=str(cache_dir) if cache_dir else None,
        dataset_name=checked.name,
        config_name=config,
        hash=content_hash(checked),
        recipe=str(path),
        allow_code=allow_code,
    )


def content_hash(recipe: Recipe) -> str:
    """Return 64 bits (hex) over a recipe, the bytes of its sources, and this library's code."""
    with tempfile.TemporaryDirectory(prefix="chimed-") as folder:
        work = plan(recipe, Path(folder)).hashed()
        common = origin.of_all(recipe, benchmark_files(recipe, Path(folder)), None)
        made_from = origin.of_build(recipe, common, work.stored_keys())
    return origin.key_of(made_from)[:16]

"""Texts that are looked up where they lie are those of the batches."""

from __future__ import annotations

import numpy as np
import pytest

from chimed_datasets import load_recipe, loops
from chimed_datasets.building.decide import deduplicate
from chimed_datasets.building.decide.texts_on_disk import TextsOnDisk, note_pieces, texts_at
from chimed_datasets.building.prepared import prepare
from chimed_datasets.records import Batch
from chimed_datasets.samples import RECIPE


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return prepare(load_recipe(RECIPE), tmp_path_factory.mktemp("work")).store


def on_disk(store, folder, system: bool) -> TextsOnDisk:
    groups = deduplicate.groups_of(store)
    files = tuple(folder / f"{number}.npy" for number in range(len(groups)))
    for path, group in zip(files, groups, strict=True):
        note_pieces(path, group.segments, system)
    return TextsOnDisk(store, files, tuple(group.first for group in groups), system)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("system", [True, False])
@pytest.mark.parametrize("size", [5, 1 << 17], ids=["many groups", "one group"])
def test_texts_are_those_of_their_batches(store, size, system, compiled, tmp_path, monkeypatch):
    monkeypatch.setattr(deduplicate, "AT_ONCE", size)
    texts = on_disk(store, tmp_path, system)
    whole = []
    for _, table in store.blocks():
        batch = Batch(table)
        found = batch.compared if system else batch.compared_without_system
        points = found.points.tobytes().decode("utf-32-le")
        whole += [points[a:b] for a, b in zip(found.offsets, found.offsets[1:], strict=False)]
    random = np.random.default_rng(size)
    some = random.choice(len(store), 2 * len(store))  # some come again, others not at all
    with loops.switched(on=compiled):
        for indices in (some, np.arange(len(store)), some[:1], some[:0]):
            wanted = [whole[index] for index in indices.tolist()]
            assert texts(indices).to_pylist() == wanted
            assert texts_at(store, indices, system).to_pylist() == wanted

"""Clusters found in parts are those found at once."""

from __future__ import annotations

import random

import numpy as np
import pytest

from chimed_datasets import load_recipe
from chimed_datasets.building.decide import deduplicate, texts_on_disk
from chimed_datasets.building.features import feature_path, feature_rows, feature_type
from chimed_datasets.building.prepared import prepare
from chimed_datasets.executors.local import LocalExecutor
from chimed_datasets.stages.deduplicate import Deduplicate
from chimed_datasets.stages.near.clusters import cluster
from tests.common.files import write_jsonl
from tests.common.text import SYLLABLES, prose

STAGE = Deduplicate()


def edited(text: str, draw: random.Random) -> str:
    at = draw.randrange(len(text))
    return text[:at] + draw.choice(SYLLABLES) + text[at + 1 :]


@pytest.fixture
def prepared(workshop):
    """Families of one to five near copies and equal texts, over three segments; and one template
    of which 60 texts are cut, too many for one bucket."""
    draw = random.Random(5)
    texts = []
    for family in range(60):
        texts.append(prose(family, 90))
        for _ in range(draw.randrange(5)):
            texts.append(edited(texts[-1], draw) if draw.random() < 0.8 else texts[-1])
    head, tail = prose(998, 60), prose(999, 60)
    texts += [head + prose(2000 + n, 20) + tail for n in range(60)]
    draw.shuffle(texts)
    for n in range(3):
        rows = [{"id": f"{n}-{i}", "text": text} for i, text in enumerate(texts[n::3])]
        write_jsonl(workshop / f"family{n}.jsonl", rows)
    recipe = workshop / "recipe.yaml"
    entry = (
        "- {{name: family{0}, layout: jsonl, path: family{0}.jsonl, license: mit, kind: document,"
        " fields: {{text: text}}}}\n"
    )
    recipe.write_text("sources:\n" + "".join(entry.format(n) for n in range(3)), "utf-8")
    (workshop / "work").mkdir()
    return prepare(load_recipe(recipe), workshop / "work")


def found(prepared, workers: int = 1):
    folder = prepared.context.folder
    executor = LocalExecutor(workers)
    features = feature_rows(feature_type(STAGE.bands), prepared.store.segments)
    result = deduplicate.find_clusters(prepared.store, features, STAGE, folder, executor)
    assert not (folder / "bands").exists()
    return result


def at_once(prepared):
    """The clusters of all records, with all their keys in memory."""
    paths = [feature_path(segment.path) for segment in prepared.store.segments]
    rows = np.concatenate([np.fromfile(path, feature_type(STAGE.bands)) for path in paths])
    store = prepared.store
    texts = lambda index: texts_on_disk.texts_at(store, index)  # noqa: E731
    return cluster(rows["exact"], rows["bands"], texts, STAGE, rows["chars"])


def test_small_builds_are_done_in_one_part(prepared):
    for one, other in zip(found(prepared), at_once(prepared), strict=True):
        np.testing.assert_array_equal(one, other)


def test_parts_change_no_cluster(prepared, monkeypatch):
    whole = at_once(prepared)
    assert len(np.unique(whole.root)) < 0.7 * len(whole.root)
    for size in (7, 50):
        monkeypatch.setattr(deduplicate, "AT_ONCE", size)
        assert len(deduplicate.groups_of(prepared.store)) == 3
        parted = found(prepared)
        np.testing.assert_array_equal(parted.root, whole.root)
        np.testing.assert_array_equal(parted.exact, whole.exact)
        linked = parted.partner >= 0
        np.testing.assert_array_equal(linked, whole.partner >= 0)
        assert (parted.root[parted.partner[linked]] == parted.root[linked]).all()
        assert (parted.similarity[linked] >= STAGE.threshold).all()


def test_who_does_the_parts_changes_nothing(prepared, monkeypatch):
    monkeypatch.setattr(deduplicate, "AT_ONCE", 60)
    for one, other in zip(found(prepared, 1), found(prepared, 2), strict=True):
        np.testing.assert_array_equal(one, other)


def test_no_task_is_handed_all_keys(prepared, monkeypatch):
    monkeypatch.setattr(deduplicate, "AT_ONCE", 60)
    held: list[int] = []
    search = deduplicate.near_links

    def watched(known, parts, *more):
        held.extend(len(part.item) for part in parts)
        return search(known, parts, *more)

    monkeypatch.setattr(deduplicate, "near_links", watched)
    found(prepared)
    ranges = -(-len(prepared.store) // 60)
    assert len(held) == ranges * STAGE.bands
    assert max(held) < 3 * 60  # a bucket is never parted: the template's texts share one

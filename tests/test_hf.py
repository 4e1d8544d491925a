"""The declared configs as real `datasets` builders."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from chimed_datasets import build, dataset_builder, load_recipe
from chimed_datasets.errors import RecipeError
from chimed_datasets.rows import CONFIGS, builders
from tests.common.files import write_jsonl
from tests.common.text import prose


@pytest.mark.parametrize("config", CONFIGS)
def test_builder_gives_the_rows_of_a_build(workshop, tmp_path, config):
    build(load_recipe(workshop / "recipe.yaml"), workshop / "out")
    builder = dataset_builder(config, workshop / "recipe.yaml", cache_dir=tmp_path / "cache")
    streamed = {s: list(rows) for s, rows in builder.as_streaming_dataset().items()}
    builder.download_and_prepare()
    prepared = builder.as_dataset()
    assert prepared["train"].features == builders()[config].features
    assert set(prepared) == {"train", "validation", "test"}
    for split, rows in prepared.items():
        files = sorted((workshop / "out" / config).glob(f"{split}-*.parquet"))
        assert list(rows["id"]) == [i for f in files for i in pq.read_table(f)["id"].to_pylist()]
        assert streamed[split] == list(rows)


def test_num_proc(workshop, tmp_path, monkeypatch):
    text = (workshop / "recipe.yaml").read_text() + "shard_size: 3000\n"
    (workshop / "recipe.yaml").write_text(text)
    rows = {}
    for processes in (None, 2):
        builder = dataset_builder(
            "sft", workshop / "recipe.yaml", cache_dir=tmp_path / f"cache-{processes}"
        )
        builder.download_and_prepare(num_proc=processes)
        rows[processes] = builder.as_dataset(split="train")["id"][:]
    assert rows[2] == rows[None]
    assert len(rows[2]) > 30


def test_a_changed_source_is_not_served_from_the_cache(workshop, tmp_path):
    def ids() -> list[str]:
        builder = dataset_builder("pretrain", workshop / "recipe.yaml", cache_dir=tmp_path / "c")
        builder.download_and_prepare()
        return [i for rows in builder.as_dataset().values() for i in rows["id"]]

    before = ids()
    write_jsonl(workshop / "docs.jsonl", [{"id": i, "text": prose(i, 80)} for i in range(41)])
    assert len(ids()) == len(before) + 1


def test_unknown_config(workshop):
    with pytest.raises(RecipeError, match="Did you mean 'sft'"):
        dataset_builder("stf", workshop / "recipe.yaml")

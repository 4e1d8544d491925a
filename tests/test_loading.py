"""What the data files and the card say of types, so that every version of `datasets` loads them.

`make matrix` (prove_loads.py) loads a build in the versions themselves.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import ClassLabel, Features, Json, List, Value, load_dataset
from datasets.exceptions import NonMatchingSplitsSizesError

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.built.manifest import SCHEMA_VERSION
from chimed_datasets.built.parquet import file_schema, is_plain
from chimed_datasets.publish.rehydrate import rehydrate
from chimed_datasets.publish.withholding import withhold
from chimed_datasets.rows import builders
from tests.common.files import write_jsonl
from tests.common.sources import page
from tests.common.text import prose

TEXT = Value("string")
GUEST = '''"""wards: a config with types that Arrow cannot say."""
from dataclasses import dataclass
from datasets import {imported}, Features, List, Value
from chimed_datasets.rows import Builder
@dataclass(frozen=True)
class Settings:
    """Nothing can be set."""
def to_row(record, settings, choice=None):
    row = {{"id": record["id"], "source": record["source"], "license": record["license"]}}
    yield {{**row, "ward": {value}, "parts": [{{"text": record["question"], "size": 3}}]}}
TEXT = Value("string")
FEATURES = Features({{"id": TEXT, "source": TEXT, "license": TEXT, "ward": {ward},
                     "parts": List({{"text": TEXT, "size": Value("int16")}})}})
BUILDER = Builder("wards", "Questions by ward.", ("thread",), FEATURES, Settings, to_row)
'''
LABEL = {"imported": "ClassLabel", "ward": 'ClassLabel(names=["even", "odd"])', "value": 1}
AS_JSON = {"imported": "Json", "ward": "Json()", "value": "'{\"a\": 1}'"}
PLAIN = {"imported": "ClassLabel", "ward": 'Value("int8")', "value": 1}


def made(folder: Path, guest: dict | None = None) -> Path:
    """Build documents, threads and, where one is given, a guest's config ``wards``."""
    docs = [{"text": prose(i, 80), **({"book": "伤寒论"} if i % 2 else {})} for i in range(20)]
    write_jsonl(folder / "docs.jsonl", docs)
    write_jsonl(folder / "pages.jsonl", [page(i) for i in range(20)])
    content: dict = {
        "name": "small",
        "sources": [
            {"name": "docs", "layout": "jsonl", "path": "docs.jsonl", "license": "mit",
             "kind": "document", "fields": {"text": "text", "book": "book"}},
            {"name": "pages", "layout": "chimed_pages", "path": "pages.jsonl", "license": "mit"},
        ],
        "builders": {"preference": {"unpaired": {"repeat_paired": True}}},
    }  # fmt: skip
    if guest:
        (folder / "wards.py").write_text(GUEST.format(**guest), "utf-8")
        content["builders"]["./wards.py"] = {}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    build(load_recipe(folder / "recipe.yaml", allow_code=True), folder / "out", progress=False)
    return folder / "out"


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    return made(tmp_path_factory.mktemp("own"))


def front(folder: Path) -> dict:
    return yaml.safe_load((folder / "README.md").read_text("utf-8").split("---\n")[1])


@pytest.mark.parametrize(
    ("feature", "plain"),
    [
        (TEXT, True),
        (Value("int8"), True),
        ({"a": TEXT, "b": {"c": Value("float64")}}, True),
        (List(TEXT), True),
        ([TEXT], True),
        (List({"role": TEXT, "content": TEXT}), True),
        (List(List(TEXT)), True),
        (List(TEXT, length=3), False),
        (Json(), False),
        (ClassLabel(names=["a", "b"]), False),
        (List({"label": ClassLabel(names=["a", "b"])}), False),
    ],
)
def test_the_schema_of_a_file_holds_what_arrow_cannot_say(feature, plain):
    features = Features({"x": feature, "many": List({"y": TEXT})})
    assert is_plain(features) is plain
    schema = file_schema(features)
    assert schema.equals(features.arrow_schema)
    assert Features.from_arrow_schema(schema) == features, "read back, nothing is lost"
    assert (schema.metadata is None) is plain
    if not plain:
        told = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
        assert told["many"] == [{"y": {"dtype": "string", "_type": "Value"}}]


def test_own_configs_are_plain():
    for builder in builders().values():
        assert is_plain(builder.features), builder.name


def test_no_data_file_names_a_type_of_datasets(own):
    for _, _, entry in open_built(own).files():
        assert pq.read_schema(own / entry["file"]).metadata is None


@pytest.fixture(scope="module")
def exams(tmp_path_factory) -> Path:
    """A build of exam items: the config ``exam``."""
    folder = tmp_path_factory.mktemp("exams")
    items = [
        {
            "question": prose(i, 30),
            "options": [prose(9 * i + n, 6) for n in range(4)],
            "answer": "B",
        }
        for i in range(20)
    ]
    write_jsonl(folder / "items.jsonl", items)
    source = {"name": "items", "layout": "exam", "path": "items.jsonl", "license": "mit"}
    content = {"name": "exams", "sources": [source]}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(content), "utf-8")
    build(load_recipe(folder / "recipe.yaml"), folder / "out", progress=False)
    return folder / "out"


def test_without_the_card_the_types_are_the_same(own, exams, tmp_path):
    for config, builder in builders().items():
        folder = exams if config == "exam" else own
        files = [str(p) for p in (folder / config).glob("*.parquet")]
        rows = load_dataset("parquet", data_files=files, cache_dir=str(tmp_path), split="train")
        assert rows.features == builder.features


def test_metadata_is_json_text_that_is_never_null(own, tmp_path):
    rows = load_dataset(str(own), "pretrain", split="train", cache_dir=str(tmp_path))
    assert {type(text) for text in rows["metadata"]} == {str}
    assert {json.dumps(json.loads(text)) for text in rows["metadata"]} == {
        "{}",
        json.dumps({"book": "伤寒论"}),
    }
    table = pd.concat(pd.read_parquet(path) for path in (own / "pretrain").glob("*.parquet"))
    books = table["metadata"].map(json.loads).map(lambda about: about.get("book"))
    assert books.value_counts().to_dict() == {"伤寒论": 10}


def test_a_card_that_miscounts_is_refused(own, tmp_path):
    shutil.copytree(own, tmp_path / "copy")
    card = (own / "README.md").read_text("utf-8")
    wrong = re.sub(r"num_examples: (\d+)", lambda m: f"num_examples: {int(m[1]) + 1}", card)
    (tmp_path / "copy" / "README.md").write_text(wrong, "utf-8")
    for config in ("pretrain", "sft", "preference"):
        with pytest.raises(NonMatchingSplitsSizesError):
            load_dataset(str(tmp_path / "copy"), config, cache_dir=str(tmp_path / "cache"))


def test_the_card_and_the_manifest_say_so(own):
    assert "Loads with `datasets` 2.16 or later." in (own / "README.md").read_text("utf-8")
    assert open_built(own).manifest["schema_version"] == SCHEMA_VERSION == 2
    assert list(open_built(own).manifest)[:3] == ["fingerprint", "name", "format"]


@pytest.mark.parametrize("guest", [LABEL, AS_JSON, PLAIN], ids=["label", "json", "plain"])
def test_a_guests_types_are_read_back_without_the_guest(tmp_path, guest):
    out = made(tmp_path, guest)
    assert validate(out) == []
    built = open_built(out)
    scope: dict = {}
    exec(GUEST.format(**guest), scope)  # what the guest declares
    assert built.features()["wards"] == scope["FEATURES"]
    rows = load_dataset(str(out), "wards", split="train", cache_dir=str(tmp_path / "cache"))
    assert rows.features == scope["FEATURES"]
    assert len(rows[0]["parts"]) == 1
    infos = {info["config_name"]: info for info in front(out)["dataset_info"]}
    plain = guest is PLAIN
    assert {name for name, info in infos.items() if "features" not in info} == (
        set() if plain else {"wards"}
    ), "a type that an old version does not know would keep it from loading any config"
    told = "or later, but `wards` only with versions that"
    assert (told in (out / "README.md").read_text("utf-8")) is not plain


def test_a_guests_types_survive_withholding(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the guest's path is relative
    out = made(tmp_path, LABEL)
    copy = withhold(open_built(out), ["docs"], tmp_path / "copy")
    again = withhold(open_built(out), ["pages"], tmp_path / "again")
    paths = {"pages": str(tmp_path / "pages.jsonl")}
    rehydrate(again.folder, paths, tmp_path / "back", allow_code=True)
    for folder in (copy.folder, tmp_path / "back"):
        assert validate(folder) == []
        for path in (folder / "wards").glob("*.parquet"):
            features = Features.from_arrow_schema(pq.read_schema(path))
            assert features == open_built(out).features()["wards"]
    for path in (tmp_path / "back" / "pretrain").glob("*.parquet"):
        assert pq.read_schema(path).field("metadata").type == pa.string()

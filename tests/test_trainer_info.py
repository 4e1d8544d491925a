"""dataset_info.json beside a build: LLaMA-Factory reads the data files by it as they are.

``make trainers`` reads such builds with LLaMA-Factory itself.
"""

from __future__ import annotations

import json

import pytest

from chimed_datasets import open_built, validate
from chimed_datasets.built.llama_factory import FILE, FORMS
from chimed_datasets.cli import app
from chimed_datasets.publish.hub import outgoing
from tests.common import exports

INLINE = {"sft": {"reasoning": "inline"}}


@pytest.fixture(scope="module")
def inline(tmp_path_factory):
    return open_built(exports.made(tmp_path_factory.mktemp("inline"), builders=INLINE))


def told(built) -> dict:
    return json.loads((built.folder / FILE).read_text("utf-8"))


def test_an_entry_for_each_split(inline):
    names = {f"{c}-{s}": e["file"] for c, s, e in inline.files() if c in ("pretrain", "sft")}
    assert {name: entry["file_name"] for name, entry in told(inline).items()} == names
    for name, entry in told(inline).items():
        assert {k: v for k, v in entry.items() if k != "file_name"} == FORMS[name.partition("-")[0]]
    assert validate(inline.folder) == []


def test_traces_in_a_field_are_not_declared(tmp_path):
    """LLaMA-Factory would leave them out without a word."""
    built = open_built(exports.made(tmp_path, builders={"sft": {"reasoning": "keep"}}))
    assert {name.partition("-")[0] for name in told(built)} == {"pretrain"}


def test_several_shards_go_through_the_card(tmp_path):
    built = open_built(exports.made(tmp_path, builders=INLINE, shard_size="4KiB"))
    many = {f"{c}-{s}": len(files) for c, splits in built.manifest["configs"].items()
            for s, files in splits.items()}  # fmt: skip
    assert max(many.values()) > 1
    for name, entry in told(built).items():
        config, _, split = name.partition("-")
        if many[name] > 1:
            place = {key: entry[key] for key in ("script_url", "subset", "split")}
            assert place == {"script_url": ".", "subset": config, "split": split}
        else:
            assert entry["file_name"].startswith(f"{config}/{split}-")


def test_the_same_bytes_with_more_workers(inline, tmp_path):
    from chimed_datasets import build

    build(
        exports.write_recipe(tmp_path, builders=INLINE), tmp_path / "b", workers=2, progress=False
    )
    assert (tmp_path / "b" / FILE).read_bytes() == (inline.folder / FILE).read_bytes()


def test_validate_and_card(tmp_path, capsys):
    built = open_built(exports.made(tmp_path))
    path = built.folder / FILE
    content = path.read_bytes()
    path.write_text("{}", "utf-8")
    assert validate(built.folder) == [
        f"{FILE}: not that of this build: `chimed card DIR` writes it again"
    ]
    with pytest.raises(SystemExit) as ended:
        app(["card", str(built.folder)])
    assert ended.value.code == 0
    assert path.read_bytes() == content
    assert validate(built.folder) == []
    path.unlink()
    assert validate(built.folder) == [], "a build of an older version has none"


def test_it_goes_out_with_a_push(inline):
    with outgoing(inline.folder) as what:
        assert FILE in [file.name for file in what.files]


def test_a_withheld_copy_has_one_that_fits(tmp_path):
    built = open_built(exports.made(tmp_path, licence="contract", builders=INLINE))
    assert "sft-train" in told(built)
    with outgoing(built.folder, withhold=True) as what:
        assert FILE in [file.name for file in what.files]
        entries = told(what.built)
        assert {name.partition("-")[0] for name in entries} == {"pretrain"}
        for entry in entries.values():
            assert (what.built.folder / entry["file_name"]).is_file()

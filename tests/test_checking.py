"""`validate` passes on a sound build and names what was tampered with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chimed_datasets import build, load_recipe, open_built, validate
from chimed_datasets.built import manifest as manifests
from chimed_datasets.errors import InvalidDataset


@pytest.fixture
def sound(workshop) -> Path:
    build(load_recipe(workshop / "recipe.yaml"), workshop / "out")
    assert validate(workshop / "out") == []
    return workshop / "out"


def resign(folder: Path) -> None:
    """Bring hashes, counts and fingerprint up to date, as somebody would who covers a change."""
    built = open_built(folder)
    for _, _, entry in built.files():
        path = folder / entry["file"]
        entry |= {"rows": pq.read_metadata(path).num_rows, **manifests.describe(path)}
    for name in built.manifest["files"]:
        built.manifest["files"][name] = manifests.describe(folder / name)
    content = {k: v for k, v in built.manifest.items() if k != "fingerprint"}
    content = {"fingerprint": manifests.fingerprint(content), **content}
    (folder / "manifest.json").write_text(json.dumps(content, ensure_ascii=False))
    from chimed_datasets.built.card import render

    statistics = json.loads((folder / "statistics.json").read_text())
    (folder / "README.md").write_text(render(content, statistics))


def edit(path: Path, change) -> None:
    table = pq.read_table(path)
    rows = change(table.to_pylist())
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)


def flip_a_byte(folder: Path) -> None:
    path = next((folder / "sft").glob("train-*.parquet"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def change_a_seed(folder: Path) -> None:
    content = json.loads((folder / "manifest.json").read_text())
    content["seed"] = 7
    (folder / "manifest.json").write_text(json.dumps(content))


def move_a_thread(folder: Path) -> None:
    """A thread in two splits: its row is copied from train to test."""
    train, test = (next((folder / "sft").glob(f"{s}-*.parquet")) for s in ("train", "test"))
    row = pq.read_table(train).to_pylist()[0]
    edit(test, lambda rows: [*rows, {**row, "id": row["id"] + "-9"}])
    resign(folder)


def split_a_group(folder: Path) -> None:
    """Two kept records of different splits are told to be of one group."""

    def join(rows):
        other = next(r for r in rows if r["split"] != rows[0]["split"])
        other["group"] = rows[0]["group"]
        return rows

    edit(folder / "ledger/kept.parquet", join)
    resign(folder)


def lose_a_ledger_row(folder: Path) -> None:
    edit(folder / "ledger/dropped.parquet", lambda rows: rows[1:])
    resign(folder)


def tell_twice(folder: Path) -> None:
    kept = pq.read_table(folder / "ledger/kept.parquet").to_pylist()[0]
    edit(folder / "ledger/dropped.parquet", lambda rows: [{**rows[0], "id": kept["id"]}])
    resign(folder)


def repeat_a_row(folder: Path) -> None:
    edit(next((folder / "pretrain").glob("train-*.parquet")), lambda rows: [*rows, rows[0]])
    resign(folder)


def equal_sides(folder: Path) -> None:
    path = next((folder / "preference").glob("train-*.parquet"))
    edit(path, lambda rows: [{**rows[0], "rejected": rows[0]["chosen"]}, *rows[1:]])
    resign(folder)


def no_reply(folder: Path) -> None:
    path = next((folder / "sft").glob("train-*.parquet"))
    edit(path, lambda rows: [{**rows[0], "messages": rows[0]["messages"][:1]}, *rows[1:]])
    resign(folder)


def drop_a_column(folder: Path) -> None:
    path = next((folder / "sft").glob("train-*.parquet"))
    pq.write_table(pq.read_table(path).drop(["origin"]), path)
    resign(folder)


@pytest.mark.parametrize(
    ("tamper", "complaint"),
    [
        (flip_a_byte, "changed since the build (size or sha256 differs)"),
        (change_a_seed, "manifest.json: changed since the build"),
        (move_a_thread, "but belongs to train"),
        (split_a_group, "stands in more than one split"),
        (lose_a_ledger_row, "source 'pages' read 51 records, but 50 are kept and 0 dropped"),
        (tell_twice, "is told of twice"),
        (repeat_a_row, "stands twice"),
        (equal_sides, "has equal or empty sides"),
        (no_reply, "has the roles ['user']"),
        (drop_a_column, "columns are not those of config 'sft'"),
        (lambda f: next((f / "sft").glob("test-*")).unlink(), "missing"),
        (lambda f: (f / "README.md").unlink(), "README.md: missing"),
        (lambda f: (f / "README.md").write_text("hello"), "README.md: not the card of this build"),
        (
            lambda f: shutil.copy(next((f / "sft").glob("test-*")), f / "sft/more.parquet"),
            "sft/more.parquet: not in the manifest",
        ),
    ],
)
def test_tampering_is_found(sound, tamper, complaint):
    tamper(sound)
    found = validate(sound)
    assert any(complaint in line for line in found), found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no dataset built by chimed"),
        ("{", "not valid JSON"),
        ('{"format": 99}', "format 99"),
    ],
)
def test_not_a_dataset(tmp_path, content, message):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InvalidDataset, match=message):
        validate(tmp_path)

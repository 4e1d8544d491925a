"""`validate` passes on a sound build and names what was tampered with."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from typer.testing import CliRunner

from chimed_datasets import __version__, build, load_recipe, open_built, validate
from chimed_datasets.built import card, manifest
from chimed_datasets.built.checks import notes
from chimed_datasets.cli import app
from chimed_datasets.errors import ChimedError, InvalidDataset
from chimed_datasets.publish.extras import write_extras
from chimed_datasets.publish.hub import outgoing

OTHER = "chimed-datasets 0.0.9"


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
        entry |= {"rows": pq.read_metadata(path).num_rows, **manifest.describe(path)}
    for name in built.manifest["files"]:
        built.manifest["files"][name] = manifest.describe(folder / name)
    content = manifest.signed(manifest.unsigned(built.manifest))
    (folder / "manifest.json").write_text(json.dumps(content, ensure_ascii=False))
    card.write(open_built(folder))


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
        (
            flip_a_byte,
            "changed since the build (size or sha256 differs): take the build's own, or build again",
        ),
        (
            change_a_seed,
            "manifest.json: changed since the build (its fingerprint does not match): take the build's own, or build again",
        ),
        (move_a_thread, "but belongs to train"),
        (split_a_group, "stands in more than one split: build again"),
        (
            lose_a_ledger_row,
            "source 'pages' read 51 records, but 50 are kept and 0 dropped: build again",
        ),
        (tell_twice, "is told of twice: build again"),
        (repeat_a_row, "stands twice: build again"),
        (equal_sides, "has equal or empty sides: build again"),
        (no_reply, "has the roles ['user'] and does not end with the assistant: build again"),
        (drop_a_column, "columns are not those of config 'sft': build again"),
        (lambda f: next((f / "sft").glob("test-*")).unlink(), "missing: take the build's own"),
        (
            lambda f: (f / "README.md").unlink(),
            "README.md: missing (load_dataset needs it): `chimed card DIR` writes it",
        ),
        (
            lambda f: (f / "README.md").write_text("hello"),
            "README.md: not the card of this build: `chimed card DIR` writes it again",
        ),
        (
            lambda f: shutil.copy(next((f / "sft").glob("test-*")), f / "sft/more.parquet"),
            "sft/more.parquet: not in the manifest: move it out of the folder",
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


def test_the_same_files_elsewhere_make_the_same_fingerprint(sound):
    """Their hashes tell what they were; where they lay is no part of it."""
    content = open_built(sound).manifest
    moved = json.loads(json.dumps(content))
    for source in moved["recipe"]["sources"]:
        source["path"] = f"/elsewhere/{source['path']}"
    assert manifest.fingerprint(manifest.unsigned(moved)) == content["fingerprint"]
    for change in ({"seed": 7}, {"name": "another"}):
        other = manifest.unsigned({**content, **change})
        assert manifest.fingerprint(other) != content["fingerprint"]
    moved["sources"][0]["sha256"] = "0" * 64
    assert manifest.fingerprint(manifest.unsigned(moved)) != content["fingerprint"]


def test_a_build_whose_fingerprint_holds_its_paths_is_sound(sound):
    content = json.loads((sound / "manifest.json").read_text())
    content["fingerprint"] = manifest.older_fingerprint(manifest.unsigned(content))
    (sound / "manifest.json").write_text(json.dumps(content, ensure_ascii=False))
    card.write(open_built(sound))
    assert validate(sound) == []


# --- a build of another version ---------------------------------------------------------------


def of_another_version(folder: Path) -> None:
    """The manifest names another version, and the card is of another template."""
    content = json.loads((folder / "manifest.json").read_text())
    content = manifest.signed(manifest.unsigned({**content, "library": OTHER}))
    (folder / "manifest.json").write_text(json.dumps(content, ensure_ascii=False))
    front = (folder / "README.md").read_text().split("---\n")[1]
    (folder / "README.md").write_text(f"---\n{front}---\n\nA card of another template.\n")


def drop_a_column_everywhere(folder: Path) -> None:
    for path in (folder / "sft").glob("*.parquet"):
        pq.write_table(pq.read_table(path).drop(["origin"]), path)
    resign(folder)


def test_a_build_of_another_version_is_sound(sound):
    of_another_version(sound)
    assert validate(sound) == []
    (note,) = notes(sound)
    assert note == (
        f"README.md: of {OTHER}, not compared with the card of chimed-datasets {__version__}: "
        f"`chimed card DIR` writes it again"
    )
    ran = CliRunner().invoke(app, ["validate", str(sound)])
    assert ran.exit_code == 0
    assert ran.stderr.strip() == note
    assert ran.stdout.replace("\n", "") == f"{sound} is sound."
    with outgoing(sound) as what:
        assert what.built.manifest["library"] == OTHER


def test_a_build_of_this_version_has_no_notes(sound):
    assert notes(sound) == []


def test_its_card_is_written_anew(sound):
    of_another_version(sound)
    assert CliRunner().invoke(app, ["card", str(sound)]).exit_code == 0
    assert "A card of another template." not in (sound / "README.md").read_text()
    assert validate(sound) == notes(sound) == []


@pytest.mark.parametrize("package", ["vl_convert", "mlcroissant"])
def test_its_card_is_written_anew_where_nothing_can_be_drawn(sound, monkeypatch, package):
    of_another_version(sound)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ChimedError, match=r"is not installed.*the card was written without it"):
        write_extras(open_built(sound))
    assert validate(sound) == notes(sound) == []


def test_its_columns_may_be_others(sound, tmp_path):
    drop_a_column_everywhere(sound)
    of_another_version(sound)
    assert validate(sound) == []
    assert CliRunner().invoke(app, ["card", str(sound)]).exit_code == 0
    assert validate(sound) == notes(sound) == []
    rows = load_dataset(str(sound), "sft", cache_dir=str(tmp_path), split="train")
    assert "origin" not in rows.column_names
    assert "| `origin` |" not in (sound / "README.md").read_text()


def test_its_files_have_the_same_columns(sound):
    drop_a_column(sound)
    of_another_version(sound)
    assert any("columns are not those of config 'sft'" in line for line in validate(sound))


def test_its_other_promises_are_kept(sound):
    repeat_a_row(sound)
    of_another_version(sound)
    assert any("stands twice" in line for line in validate(sound))

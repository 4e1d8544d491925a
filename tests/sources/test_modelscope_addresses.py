"""Sources at ModelScope, read from a server on this machine by its real client."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chimed_datasets import build, load_recipe, validate
from chimed_datasets.errors import SourceError
from chimed_datasets.sources import FileReport, layout
from chimed_datasets.sources.files.finding import resolve
from tests.common.sources import recipe
from tests.common.text import prose
from tests.publish import scope
from tests.publish.scope import ModelScope

ROWS = [{"id": n, "text": prose(n, 60)} for n in range(8)]
TEXT = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), out)
    return out.getvalue()


FILES = {
    "README.md": "# 资料\n".encode(),
    "data/a.jsonl": TEXT,
    "data/b.jsonl.gz": gzip.compress(TEXT),
    "data/.hidden/c.jsonl": TEXT,
    "rows.parquet": parquet(),
    "资料/一 二.jsonl": TEXT,
}


@pytest.fixture
def modelscope(monkeypatch, tmp_path) -> Iterator[ModelScope]:
    with scope.serve({scope.TOKEN: "org"}) as server:
        scope.log_in(server, monkeypatch, tmp_path / "home")
        server.put("org/raw", FILES)
        yield server


def texts(address: str, staging: Path, key: str = "jsonl") -> list[str]:
    """Return the names of the files at an address and check that they hold the rows."""
    found = layout(key)
    files = resolve(address, Path("/nowhere"), staging, found.suffixes)
    for file in files:
        made = list(found.read([file], found.options({}), FileReport()))
        assert [m.text for m in made] == [row["text"] for row in ROWS]
    return [file.name for file in files]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("", ["data/a.jsonl", "data/b.jsonl.gz", "资料/一 二.jsonl"]),
        ("/", ["data/a.jsonl", "data/b.jsonl.gz", "资料/一 二.jsonl"]),
        ("@master/data", ["a.jsonl", "b.jsonl.gz"]),
        ("/data/a.jsonl", ["a.jsonl"]),
        ("/data/*.gz", ["b.jsonl.gz"]),
        ("/**/*.gz", ["data/b.jsonl.gz"]),
        ("/资料/*", ["一 二.jsonl"]),
        ("@v1/资料/一 二.jsonl", ["一 二.jsonl"]),
    ],
)
@pytest.mark.parametrize("start", ["modelscope:", "modelscope://"])
@pytest.mark.parametrize("ranges", [True, False])
def test_what_an_address_finds(modelscope, tmp_path, start, path, names, ranges):
    modelscope.knows_ranges = ranges
    repo = modelscope.repos["org/raw"]
    repo.tags["v1"] = repo.branches["master"]
    assert texts(f"{start}org/raw{path}", tmp_path) == names


def test_a_revision_is_that_one(modelscope, tmp_path):
    repo = modelscope.repos["org/raw"]
    repo.tags["old"] = repo.tags["of/may"] = repo.branches["master"]
    repo.commit("master", {}, "all gone")
    for name in ("old", "of%2Fmay"):
        assert texts(f"modelscope:org/raw@{name}/data/a.jsonl", tmp_path) == ["a.jsonl"]
    with pytest.raises(SourceError, match="there is no such file"):
        texts("modelscope:org/raw/data/a.jsonl", tmp_path)


def test_parquet_and_a_chain(modelscope, tmp_path):
    assert texts("modelscope:org/raw/rows.parquet", tmp_path, "parquet") == ["rows.parquet"]
    chain = "simplecache::modelscope://org/raw/data/a.jsonl"
    assert texts(chain, tmp_path) == ["a.jsonl"]


def test_a_large_file_comes_in_parts_and_a_broken_one_again(modelscope):
    data = random.Random(1).randbytes(20 * 1024 * 1024)
    modelscope.put("org/large", {"a.bin": data})
    modelscope.fail("GET", "/repo$", "cut", times=2)
    with fsspec.open("modelscope://org/large/a.bin") as stream:
        assert stream.read() == data
        stream.seek(9_000_000)
        assert stream.read(10) == data[9_000_000:9_000_010]
    asked = [line for line in modelscope.requests if line.endswith("/repo")]
    assert 3 <= len(asked) <= 9
    assert not any(line.endswith("/tree") for line in modelscope.requests)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("modelscope:org/raw/none.jsonl", "there is no such file"),
        ("modelscope:org/raw@none/data", "there is no such file"),
        ("modelscope:org/none", "there is no such file"),
        ("modelscope:others/theirs", "there is no such file"),
        ("modelscope:org/raw/*.csv", "nothing matches"),
        ("modelscope:org", r"an address reads modelscope:OWNER/NAME\[@REVISION\]/PATH"),
    ],
)
def test_an_address_that_leads_nowhere(modelscope, tmp_path, address, said):
    modelscope.put("others/theirs", FILES)
    with pytest.raises(SourceError, match=said) as error:
        texts(address, tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (401, r"does not let you read org/raw \(401\): run `modelscope login`"),
        (403, r"does not let you read org/raw \(403\): run `modelscope login`"),
        (503, "answers 503"),
        ("cut", "the connection to http://.* broke"),
    ],
)
@pytest.mark.parametrize("path", ["/repo/tree", "/repo$"])
def test_a_server_that_does_not_answer(modelscope, tmp_path, capfd, path, what, said):
    modelscope.fail("GET", path, what, times=100)
    with pytest.raises(SourceError, match=said) as error:
        texts("modelscope:org/raw/data/a.jsonl", tmp_path)
    seen = capfd.readouterr()
    assert scope.TOKEN not in str(error.value) + seen.out + seen.err
    assert seen.out + seen.err == ""


def test_the_client_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "modelscope_hub", None)
    with pytest.raises(SourceError, match=r"pip install 'chimed-datasets\[modelscope\]'"):
        texts("modelscope:org/raw", tmp_path)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_build_from_there_has_the_bytes_of_one_from_a_copy(modelscope, tmp_path, workers):
    """Manifest, card and the note of what it was made from tell the addresses, so these differ."""
    path = recipe(tmp_path)
    names = ["docs.jsonl", "pages.jsonl", "ranked.jsonl"]
    modelscope.put("org/sources", {name: (tmp_path / name).read_bytes() for name in names})
    build(load_recipe(path), tmp_path / "near")
    far = tmp_path / "far.yaml"
    text = path.read_text("utf-8").replace("path: ", "path: modelscope:org/sources/")
    far.write_text(text, "utf-8")
    for name in names:
        os.remove(tmp_path / name)
    # A process of its own: workers have the environment that the first build of a process had.
    app = [sys.executable, "-c", "from chimed_datasets.cli import app; app()", "build"]
    options = ["--recipe", far, "--out", tmp_path / "far", "--workers", workers]
    subprocess.run([*app, *map(str, options)], check=True)
    assert validate(tmp_path / "far") == []
    built = {p.relative_to(tmp_path / "near") for p in (tmp_path / "near").rglob("*.*")}
    assert built == {p.relative_to(tmp_path / "far") for p in (tmp_path / "far").rglob("*.*")}
    for name in built - {Path("manifest.json"), Path("README.md"), Path(".origin.json")}:
        assert (tmp_path / "far" / name).read_bytes() == (tmp_path / "near" / name).read_bytes()


def test_archives(modelscope, tmp_path):
    """An archive there is unpacked as one here is."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "rows.jsonl").write_bytes(TEXT)
    for kind in ("zip", "xztar"):
        packed = Path(shutil.make_archive(str(tmp_path / "packed"), kind, folder))
        modelscope.put("org/packed", {packed.name: packed.read_bytes()})
        found = texts(f"modelscope:org/packed/{packed.name}", tmp_path / kind)
        assert [name.rpartition("/")[2] for name in found] == ["rows.jsonl"]

"""Sources at fsspec addresses: memory, file, chains, and a web server on this machine."""

from __future__ import annotations

import contextlib
import functools
import gzip
import http.server
import io
import json
import re
import socket
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chimed_datasets import build, validate
from chimed_datasets.errors import SourceError
from chimed_datasets.recipe import parse
from chimed_datasets.sources import FileReport, layout
from chimed_datasets.sources.files.finding import resolve
from chimed_datasets.sources.files.opening import sha256
from tests.common.text import prose

ROWS = [{"id": n, "text": prose(n, 60)} for n in range(8)]
TEXT = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("in/rows.jsonl", TEXT)
        file.writestr("in/read.me", b"x")
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz") as tar:
        info = tarfile.TarInfo("in/rows.jsonl")
        info.size = len(TEXT)
        tar.addfile(info, io.BytesIO(TEXT))
    return out.getvalue()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), out)
    return out.getvalue()


FILES = {
    "rows.jsonl": TEXT,
    "rows.jsonl.gz": gzip.compress(TEXT),
    "rows.zip": zipped(),
    "rows.tar.xz": tarred(),
    "rows.parquet": parquet(),
    "资料/一 二.jsonl": TEXT,
}


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "shelf"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def memory() -> Iterator[str]:
    fs = fsspec.filesystem("memory")
    fs.pipe({f"/shelf/{name}": content for name, content in FILES.items()})
    yield "memory://shelf"
    fs.rm("/shelf", recursive=True)


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; says nothing; knows no ranges, as `python -m http.server`."""

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if name.startswith("gone"):
            self.send_error(410)
        elif name.startswith("broken"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(TEXT) * 2))
            self.end_headers()
            self.wfile.write(TEXT)
            self.close_connection = True
        else:
            super().do_GET()

    def do_HEAD(self) -> None:
        if self.path.rpartition("/")[2].startswith(("gone", "broken")):
            self.send_error(405)
        else:
            super().do_HEAD()


@pytest.fixture
def web(shelf: Path) -> Iterator[str]:
    """Serve ``shelf``; yield its address."""
    handler = functools.partial(_Handler, directory=str(shelf))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def texts(address: str, staging: Path, key: str = "jsonl") -> list[str]:
    """Return the names of the files at an address and check that they hold the rows."""
    found = layout(key)
    files = resolve(address, Path("/nowhere"), staging, found.suffixes)
    for file in files:
        made = list(found.read([file], found.options({}), FileReport()))
        assert [m.text for m in made] == [row["text"] for row in ROWS]
        assert [m.key for m in made] == [f"{file.name}#{n}" for n in range(len(ROWS))]
        assert re.fullmatch("[0-9a-f]{64}", sha256(file))
    return [file.name for file in files]


PLACES = [
    ("{}/rows.jsonl", ["rows.jsonl"]),
    ("{}/rows.jsonl.gz", ["rows.jsonl.gz"]),
    ("{}/rows.zip", ["rows.zip/in/rows.jsonl"]),
    ("{}/rows.tar.xz", ["rows.tar.xz/in/rows.jsonl"]),
]
WHOLE = [
    "rows.jsonl",
    "rows.jsonl.gz",
    "rows.tar.xz/in/rows.jsonl",
    "rows.zip/in/rows.jsonl",
    "资料/一 二.jsonl",
]
FOLDERS = [
    ("{}", WHOLE),
    ("{}/", WHOLE),
    ("{}/*.gz", ["rows.jsonl.gz"]),
    ("{}/资料", ["一 二.jsonl"]),
    ("{}/**/*.jsonl", ["rows.jsonl", "资料/一 二.jsonl"]),
]


@pytest.mark.parametrize(("path", "names"), PLACES + FOLDERS)
def test_memory(tmp_path, memory, path, names):
    assert texts(path.format(memory), tmp_path / "staging") == names


@pytest.mark.parametrize(("path", "names"), PLACES + FOLDERS)
def test_files(tmp_path, shelf, path, names):
    assert texts(path.format(f"file://{shelf}"), tmp_path / "staging") == names


@pytest.mark.parametrize(("path", "names"), PLACES)
def test_the_web(tmp_path, web, path, names):
    assert texts(path.format(web), tmp_path / "staging") == names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("资料/一%20二.jsonl", "一 二.jsonl"),
        ("资料/一 二.jsonl", "一 二.jsonl"),
        ("rows.jsonl.gz?version=2", "rows.jsonl.gz"),
        ("rows.zip?download=a/b", "rows.zip/in/rows.jsonl"),
    ],
)
def test_addresses_of_the_web_with_escapes_or_a_query(tmp_path, web, path, name):
    assert texts(f"{web}/{path}", tmp_path / "staging") == [name]


@pytest.mark.parametrize(
    ("chain", "name"),
    [
        ("zip://in/rows.jsonl::{}/rows.zip", "rows.jsonl"),
        ("simplecache::{}/rows.jsonl", "rows.jsonl"),
        ("simplecache::{}/rows.zip", "rows.zip/in/rows.jsonl"),
        ("tar://in/rows.jsonl::{}/rows.tar.xz", "rows.jsonl"),
    ],
)
@pytest.mark.parametrize("place", ["memory", "file", "web"])
def test_chains(tmp_path, request, shelf, place, chain, name):
    at = f"file://{shelf}" if place == "file" else request.getfixturevalue(place)
    if place == "web" and chain.startswith("zip"):  # it has to jump to the archive's end
        assert "range requests" in complaint(chain.format(at), tmp_path / "staging")
        return
    assert texts(chain.format(at), tmp_path / "staging") == [name]


@pytest.mark.parametrize("place", ["memory", "file", "web"])
def test_parquet(tmp_path, request, shelf, place):
    at = f"file://{shelf}" if place == "file" else request.getfixturevalue(place)
    assert texts(f"{at}/rows.parquet", tmp_path / "staging", "parquet") == ["rows.parquet"]


# --- what goes wrong -------------------------------------------------------------------------


def complaint(address: str, staging: Path) -> str:
    with pytest.raises(SourceError) as error:
        texts(address, staging)
    said = str(error.value)
    assert "\n" not in said
    assert len(said) < 500
    return said


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("memory://nowhere/a.jsonl", "there is no such file or folder"),
        ("memory://nowhere/*.jsonl", "nothing matches"),
        ("zip://none.jsonl::memory://shelf/rows.zip", "none.jsonl"),
        ("zip://a::memory://shelf/none.zip", "there is no such file"),
        ("nosuch://a/b.jsonl", "[Pp]rotocol"),
        ("ftp://127.0.0.1:1/a.jsonl", "cannot be read"),
    ],
)
def test_an_address_that_leads_nowhere(tmp_path, memory, address, said):
    assert re.search(said, complaint(address, tmp_path / "staging"))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none.jsonl", "there is no such file"),
        ("gone.jsonl", "cannot be read|there is no such file"),
        ("broken.jsonl", "cannot be read"),
        ("rows.jsonl/", "there is no such file"),
    ],
)
def test_a_page_that_is_not_there(tmp_path, web, path, said):
    found = complaint(f"{web}/{path}", tmp_path / "staging")
    assert re.search(said, found), found


def test_a_server_that_is_not_there(tmp_path):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    found = complaint(f"http://127.0.0.1:{port}/rows.jsonl", tmp_path / "staging")
    assert f"127.0.0.1:{port}" in found


@pytest.mark.parametrize(
    ("place", "workers"), [("file", 1), ("web", 1), pytest.param("web", 2, marks=pytest.mark.slow)]
)
def test_a_build_from_an_address(tmp_path, request, shelf, place, workers):
    at = f"file://{shelf}" if place == "file" else request.getfixturevalue("web")
    sources = [
        {"name": "plain", "layout": "jsonl", "path": f"{at}/rows.jsonl", "license": "cc0-1.0"},
        {"name": "zip", "layout": "jsonl", "path": f"{at}/rows.zip", "license": "cc0-1.0"},
    ]
    recipe = parse({"name": "far", "sources": sources}, tmp_path)
    manifest = build(recipe, tmp_path / "out", workers=workers)
    assert validate(tmp_path / "out") == []
    assert [(s["in"], s["out"]) for s in manifest["sources"]] == [(8, 8), (8, 0)]

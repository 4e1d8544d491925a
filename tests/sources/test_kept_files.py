"""Files at addresses travel once: they are kept, gone on with where cut, and compared with what
their server states. Real servers on this machine: the web, a Hub, ModelScope."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import pickle
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import fsspec
import huggingface_hub
import pytest
from fsspec import AbstractFileSystem

from chimed_datasets import build
from chimed_datasets.building import dry_run
from chimed_datasets.errors import SourceError
from chimed_datasets.recipe import parse
from chimed_datasets.sources.files import far
from chimed_datasets.sources.files.finding import find, resolve
from chimed_datasets.sources.files.heads import heads
from chimed_datasets.sources.files.opening import sha256
from tests.common.text import prose
from tests.known.hub_server import served_hub
from tests.publish import scope
from tests.publish.hub import File, Repo
from tests.publish.serving import Server
from tests.sources.web_server import served_web

ROWS = [{"id": n, "text": prose(n, 60)} for n in range(8)]
TEXT = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()
LARGE = random.Random(7).randbytes(3_000_000)
BLOCK = 64 * 1024
"""So much of what came before a cut may be lost in a client."""


class Place(NamedTuple):
    """A server, the address of its files, and how to put them there. sent: what paths of files
    match."""

    server: Server
    address: str
    put: Callable[[dict[str, bytes]], None]
    sent: str


@pytest.fixture
def web() -> Iterator[Place]:
    with served_web() as server:
        yield Place(server, f"{server.endpoint}/{{}}", server.files.update, "^/")


@pytest.fixture
def hub(monkeypatch) -> Iterator[Place]:
    with served_hub(monkeypatch) as server:
        repo = server.repos["ada/notes"] = Repo(private=False)

        def put(files: dict[str, bytes]) -> None:
            large = {n: File(data, len(data) > 1_000_000) for n, data in files.items()}
            repo.commit("main", large, "files of a test")

        yield Place(server, "hf://datasets/ada/notes/{}", put, "/resolve/")


@pytest.fixture
def modelscope(monkeypatch, tmp_path) -> Iterator[Place]:
    with scope.serve({scope.TOKEN: "org"}) as server:
        scope.log_in(server, monkeypatch, tmp_path / "home")

        def put(files: dict[str, bytes]) -> None:
            server.put("org/raw", files)

        yield Place(server, "modelscope:org/raw/{}", put, "/repo$")


@pytest.fixture(params=["web", "hub", "modelscope"])
def place(request) -> Place:
    return request.getfixturevalue(request.param)


def read(address: str, tmp_path: Path) -> bytes:
    (file,) = resolve(address, tmp_path, tmp_path / "staging", (".jsonl", ".bin"))
    content = file.read()
    assert sha256(file) == hashlib.sha256(content).hexdigest()
    assert file.size == len(content)
    return content


def complaint(address: str, tmp_path: Path) -> str:
    with pytest.raises(SourceError) as error:
        read(address, tmp_path)
    said = str(error.value)
    assert "\n" not in said
    assert len(said) < 500
    assert scope.TOKEN not in said
    return said


# --- once ------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [TEXT, LARGE, b""])
def test_a_file_comes_once_and_again_when_it_changed(tmp_path, place, data):
    place.put({"a.bin": data})
    address = place.address.format("a.bin")
    for _ in range(3):
        assert read(address, tmp_path) == data
    assert place.server.bytes_of(place.sent) == len(data)
    place.put({"a.bin": data + b"more"})
    for _ in range(2):
        assert read(address, tmp_path) == data + b"more"
    assert place.server.bytes_of(place.sent) == 2 * len(data) + 4


def test_a_file_known_by_its_date_comes_once(tmp_path, web):
    web.server.tells = "date"
    web.put({"a.bin": TEXT})
    for _ in range(2):
        assert read(web.address.format("a.bin"), tmp_path) == TEXT
    assert web.server.bytes_of("a.bin") == len(TEXT)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_a_server_that_lets_a_file_be_read_but_not_be_asked_about(tmp_path, web, status):
    web.put({"a.bin": TEXT})
    web.server.fail("HEAD", "a.bin", status, times=9)
    for _ in range(2):
        assert read(web.address.format("a.bin?key=1"), tmp_path) == TEXT


def test_a_file_of_which_nothing_is_told_comes_once_a_build(tmp_path, web):
    web.server.tells = ""
    web.put({"a.bin": TEXT})
    for data in (TEXT, TEXT[::-1]):  # of the same size
        web.put({"a.bin": data})
        assert read(web.address.format("a.bin"), tmp_path) == data
    assert web.server.gets("a.bin") == 2


def test_a_revision_of_the_hub_is_kept_beside_another(tmp_path, hub):
    hub.put({"a.jsonl": TEXT})
    first = hub.server.repos["ada/notes"].branches["main"]
    hub.put({"a.jsonl": TEXT * 2})
    for _ in range(2):
        old = f"hf://datasets/ada/notes@{first}/a.jsonl"
        assert read(old, tmp_path) == TEXT
        assert read("hf://datasets/ada/notes/a.jsonl", tmp_path) == TEXT * 2
    assert hub.server.bytes_of("/resolve/") == 3 * len(TEXT)


def test_a_file_that_a_new_commit_left_alone_stays(tmp_path, hub):
    hub.put({"a.jsonl": TEXT, "b.jsonl": TEXT * 2})
    for _ in range(3):
        hub.put({"a.jsonl": TEXT, "b.jsonl": TEXT * 2})
        assert read("hf://datasets/ada/notes/a.jsonl", tmp_path) == TEXT
    assert hub.server.bytes_of("/resolve/") == len(TEXT)


@pytest.mark.parametrize("status", [503, 403])
def test_a_file_that_came_and_could_not_be_linked_does_not_come_again(
    tmp_path, hub, monkeypatch, status
):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # the client's own waits
    hub.put({"a.jsonl": TEXT})
    hub.server.fail("HEAD", "/resolve/", status, times=99)
    assert "hf://datasets/ada/notes/a.jsonl: " in complaint(
        "hf://datasets/ada/notes/a.jsonl", tmp_path
    )
    for fault in hub.server.faults:
        fault.times = 0
    assert read("hf://datasets/ada/notes/a.jsonl", tmp_path) == TEXT
    assert hub.server.bytes_of("/resolve/") == len(TEXT)


def test_what_other_tools_of_the_hub_fetched_is_used(tmp_path, hub, caches):
    from huggingface_hub import hf_hub_download

    hub.put({"in/a.jsonl": TEXT})
    commit = hub.server.repos["ada/notes"].branches["main"]
    theirs = {"repo_type": "dataset", "cache_dir": caches / "hub"}
    hf_hub_download("ada/notes", "in/a.jsonl", revision=commit, **theirs)
    assert read("hf://datasets/ada/notes/in/a.jsonl", tmp_path) == TEXT
    hub.put({"b.jsonl": TEXT * 2})
    assert read("hf://datasets/ada/notes/b.jsonl", tmp_path) == TEXT * 2
    commit = hub.server.repos["ada/notes"].branches["main"]
    hf_hub_download("ada/notes", "b.jsonl", revision=commit, **theirs)
    assert hub.server.bytes_of("/resolve/") == 3 * len(TEXT)


class Shelf(AbstractFileSystem):
    """A store such as S3: it tells an ETag, and lets one jump."""

    protocol = "shelf"
    root_marker = ""
    files: ClassVar[dict[str, bytes]] = {}
    opened: ClassVar[list[str]] = []

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        start = self._strip_protocol(path)
        found = [
            {"name": name, "size": len(data), "type": "file", "ETag": hashlib.md5(data).hexdigest()}
            for name, data in self.files.items()
            if not start or name == start or name.startswith(f"{start}/")
        ]
        if not found:
            raise FileNotFoundError(path)
        return found if detail else [one["name"] for one in found]

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        self.opened.append(path)
        return io.BytesIO(self.files[path])


def test_a_store_of_any_other_kind(tmp_path):
    fsspec.register_implementation("shelf", Shelf, clobber=True)
    Shelf.files["in/a.jsonl"] = TEXT
    for _ in range(2):
        assert read("shelf://in/a.jsonl", tmp_path) == TEXT
        (file,) = resolve("shelf://in", tmp_path, tmp_path / "staging", (".jsonl",))
        assert file.read() == TEXT
    assert Shelf.opened == ["in/a.jsonl"]


# --- cut, refused, asked to wait -----------------------------------------------------------------


@pytest.mark.parametrize("how", ["half", "reset"])
def test_a_cut_file_goes_on_where_it_stopped(tmp_path, place, how):
    place.put({"a.bin": LARGE})
    place.server.fail("GET", place.sent, how, times=2)
    assert read(place.address.format("a.bin"), tmp_path) == LARGE
    sizes = next(sizes for path, sizes in place.server.sent.items() if re.search(place.sent, path))
    assert len(sizes) == 3
    assert sizes[0] == len(LARGE) // 2
    lost = sum(sizes) - len(LARGE)
    if how == "half":
        assert 0 <= lost <= 2 * BLOCK
    else:  # a reset takes away what lies between the server and us
        assert 0 <= lost < len(LARGE)


def test_a_cut_build_goes_on_in_the_next_run(tmp_path, place):
    place.put({"a.bin": LARGE})
    place.server.fail("GET", place.sent, "half", times=1)
    place.server.fail("GET", place.sent, 503, times=20)
    said = complaint(place.address.format("a.bin"), tmp_path)
    assert "answers 503" in said
    (kept,) = re.findall(r"Run the same command again later. ([\d,]+) bytes of it are kept.", said)
    assert 0 <= len(LARGE) // 2 - int(kept.replace(",", "")) <= BLOCK
    for fault in place.server.faults:
        fault.times = 0
    assert read(place.address.format("a.bin"), tmp_path) == LARGE
    assert 0 <= place.server.bytes_of(place.sent) - len(LARGE) <= BLOCK


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_build_that_is_stopped_while_it_fetches(tmp_path, web, caches, how):
    rows = TEXT * 200
    web.put({"a.jsonl": rows})
    web.server.fail("GET", "a.jsonl", "stall")
    source = {"name": "a", "layout": "jsonl", "path": web.address.format("a.jsonl")}
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(json.dumps({"sources": [{**source, "license": "cc0-1.0"}]}), "utf-8")
    app = [sys.executable, "-c", "from chimed_datasets.cli import app; app()", "build"]
    args = [*app, "--recipe", str(recipe), "--out", str(tmp_path / "out")]
    run = subprocess.Popen(args, stderr=subprocess.PIPE, text=True)
    while not (parts := list(caches.rglob("*.part"))) or not parts[0].stat().st_size:
        time.sleep(0.05)
    run.send_signal(how)
    if how == signal.SIGINT:
        time.sleep(0.5)
    web.server.stop_stalling.set()
    said = run.communicate(timeout=60)[1]
    assert "Traceback" not in said
    assert run.returncode == (130 if how == signal.SIGINT else -9)
    subprocess.run(args, check=True)
    assert 0 <= web.server.bytes_of("a.jsonl") - len(rows) <= 4 * BLOCK


def test_a_server_without_parts_sends_all_again(tmp_path, web):
    web.server.knows_ranges = False
    web.put({"a.bin": LARGE})
    web.server.fail("GET", "a.bin", "half", times=2)
    assert read(web.address.format("a.bin"), tmp_path) == LARGE
    assert web.server.bytes_of("a.bin") == 2 * len(LARGE)


@pytest.mark.parametrize("tells", ["etag", "date"])
@pytest.mark.parametrize("heeds", [True, False])
def test_a_file_that_changes_while_it_comes_is_no_mixture(tmp_path, web, tells, heeds):
    """heeds: whether the server knows If-Range."""
    other = LARGE[::-1]
    web.server.tells, web.server.heeds = tells, heeds
    web.put({"a.bin": LARGE})
    web.server.fail("GET", "a.bin", "half")
    web.server.then = lambda: (
        web.put({"a.bin": other}),
        web.server.dates.update({"a.bin": "Tue, 01 Dec 2026 08:00:00 GMT"}),
    )
    assert read(web.address.format("a.bin"), tmp_path) == other


@pytest.mark.parametrize("faults", [(429, 503, "cut"), (500, 502, 504), ("cut", "cut", 408)])
def test_what_passes_is_tried_again(tmp_path, place, faults):
    place.put({"a.bin": TEXT})
    for fault in faults:
        place.server.fail("GET", place.sent, fault)
    assert read(place.address.format("a.bin"), tmp_path) == TEXT


def test_a_server_is_given_the_rest_that_it_asks_for(tmp_path, web):
    web.put({"a.bin": TEXT})
    web.server.fail("GET", "a.bin", 429, headers={"Retry-After": "1"})
    begun = time.monotonic()
    assert read(web.address.format("a.bin"), tmp_path) == TEXT
    assert 1 <= time.monotonic() - begun < 5
    web.put({"b.bin": TEXT})
    web.server.fail("GET", "b.bin", 429, headers={"Retry-After": "3600"})
    said = complaint(web.address.format("b.bin"), tmp_path)
    assert "answers 429, and asks to wait 3,600 seconds" in said


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": "0"}, 0),
        ({"Retry-After": "Mon, 30 Nov 2020 08:00:00 GMT"}, 0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_what_a_server_asks_for(headers, seconds):
    assert far.retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, r"does not let you read (it|org/raw) \(401\)"),
        (403, r"does not let you read (it|org/raw) \(403\)"),
        (404, "there is no such file"),
        (418, "answers 418"),
    ],
)
def test_a_server_that_refuses(tmp_path, place, status, said):
    place.put({"a.bin": TEXT})
    place.server.fail("GET", place.sent, status, times=9)
    assert re.search(said, complaint(place.address.format("a.bin"), tmp_path))
    assert len(place.server.sent.get(place.sent, [])) == 0


# --- not as announced ------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["hub", "modelscope"], indirect=True)
def test_what_is_not_as_announced_is_refused(tmp_path, place):
    place.put({"a.bin": TEXT})
    place.server.fail("GET", place.sent, "lie", times=9)
    said = complaint(place.address.format("a.bin"), tmp_path)
    assert "what came is not what its server states (its " in said
    assert "it was not read" in said
    for fault in place.server.faults:
        fault.times = 0
    assert read(place.address.format("a.bin"), tmp_path) == TEXT


def test_a_file_of_another_size_is_refused(tmp_path, place):
    place.put({"a.bin": TEXT})
    place.server.fail("GET", place.sent, "more", times=9)
    said = complaint(place.address.format("a.bin"), tmp_path)
    assert f"({len(TEXT) + 1:,} bytes, stated are {len(TEXT):,})" in said


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_beginning_that_went_bad_is_fetched_anew(tmp_path, hub, caches):
    hub.put({"a.bin": LARGE})
    hub.server.fail("GET", "/resolve/", "half")
    hub.server.fail("GET", "/resolve/", 503, times=9)
    complaint(hub.address.format("a.bin"), tmp_path)
    for fault in hub.server.faults:
        fault.times = 0
    (part,) = (caches / "hub").rglob("*.incomplete")
    part.write_bytes(b"x" * part.stat().st_size)
    assert read(hub.address.format("a.bin"), tmp_path) == LARGE
    assert list((caches / "hub").rglob("*.incomplete")) == []


@pytest.mark.parametrize("how", ["shorter", "other"])
def test_a_kept_file_that_was_damaged_is_fetched_again(tmp_path, place, caches, how):
    place.put({"a.bin": LARGE})
    address = place.address.format("a.bin")
    assert read(address, tmp_path) == LARGE
    (kept,) = (p for p in caches.rglob("*") if p.is_file() and not p.is_symlink()
               and p.stat().st_size == len(LARGE))  # fmt: skip
    kept.write_bytes(LARGE[:-1] if how == "shorter" else b"x" + LARGE[1:])
    for _ in range(2):
        assert read(address, tmp_path) == LARGE
    assert place.server.bytes_of(place.sent) == 2 * len(LARGE)


def test_the_pointer_of_git_lfs_tells_what_a_file_must_be(tmp_path):
    """GitHub lists a large file by the size and the hash of its pointer."""
    path = _written(tmp_path / "a", LARGE)
    text = (
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{hashlib.sha256(LARGE).hexdigest()}\nsize {len(LARGE)}\n"
    ).encode()
    blob = hashlib.sha1(b"blob %d\0" % len(text) + text).hexdigest()
    listed = far.Far("github://a:b@c/d", "v", len(text), blob=blob)
    assert far.differs(listed, far.digests(path)) == ""
    assert far.differs(listed, far.digests(_written(tmp_path / "b", TEXT))) != ""


# --- the cache's own troubles ----------------------------------------------------------------


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path, place, caches, monkeypatch):
    caches.parent.mkdir(parents=True, exist_ok=True)
    caches.write_bytes(b"")  # a file where a folder should be
    place.put({"a.bin": TEXT})
    said = complaint(place.address.format("a.bin"), tmp_path)
    assert re.search(r"the cache .* cannot be written \(.*\): make room there, or set \w+ to", said)


def test_a_cache_that_may_only_be_read_is_read(tmp_path, place, caches):
    place.put({"a.bin": TEXT})
    read(place.address.format("a.bin"), tmp_path)
    folders = [caches, *(p for p in caches.rglob("*") if p.is_dir() and not p.is_symlink())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert read(place.address.format("a.bin"), tmp_path) == TEXT
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_disk_without_room_is_seen_before(tmp_path, place, monkeypatch):
    place.put({"a.bin": LARGE})

    class Usage(NamedTuple):
        free: int = 1_000

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage())
    said = complaint(place.address.format("a.bin"), tmp_path)
    assert "3,000,000 bytes are to come, and the disk of the cache" in said
    assert "has 1,000 left" in said
    assert place.server.bytes_of(place.sent) == 0


FULL = """
import resource, signal, sys
from pathlib import Path
from chimed_datasets.errors import SourceError
from chimed_datasets.sources.files.finding import resolve
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    resolve(sys.argv[1], Path(), Path(sys.argv[2]), (".bin",))
except SourceError as error:
    print(error)
"""


def test_a_disk_that_fills_up_is_one_line_and_goes_on(tmp_path, web):
    web.put({"a.bin": LARGE})
    address = web.address.format("a.bin")
    run = subprocess.run(
        [sys.executable, "-c", FULL, address, str(tmp_path)], capture_output=True, text=True
    )
    assert "is full: make room there, or set CHIMED_CACHE to another folder." in run.stdout
    assert run.stdout.count("\n") == 1
    assert run.stderr == ""
    before = web.server.bytes_of("a.bin")
    assert read(address, tmp_path) == LARGE
    assert web.server.bytes_of("a.bin") - before == len(LARGE) - 1_000_000


def test_two_at_once_fetch_once(tmp_path, place):
    place.put({"a.bin": LARGE})
    found: list[bytes] = []

    def one() -> None:
        found.append(read(place.address.format("a.bin"), tmp_path))

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [LARGE] * 3
    assert place.server.bytes_of(place.sent) == len(LARGE)


def test_two_processes_at_once_fetch_once(tmp_path, web):
    web.put({"a.bin": LARGE})
    code = FULL.replace("1_000_000", "100_000_000") + "else:\n    print('done')\n"
    args = [sys.executable, "-c", code, web.address.format("a.bin"), str(tmp_path)]
    runs = [subprocess.Popen(args, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [run.communicate()[0] for run in runs] == ["done\n"] * 2
    assert web.server.bytes_of("a.bin") == len(LARGE)


def test_a_file_that_the_hub_sends_by_its_own_protocol_alone(tmp_path, hub, monkeypatch):
    """Over 50 GB, by `hf_xet`, which is not installed here."""
    monkeypatch.setattr("huggingface_hub.constants.MAX_HTTP_DOWNLOAD_SIZE", 1_000)
    hub.put({"a.bin": LARGE})
    said = complaint("hf://datasets/ada/notes/a.bin", tmp_path)
    assert said.startswith(
        "hf://datasets/ada/notes/a.bin: cannot be fetched (The file is too large"
    )
    assert "pip install hf_xet" in said


def test_a_copy_that_is_not_on_this_machine_is_fetched_there(tmp_path, place, caches):
    """A worker of a cluster, or a cache that was cleared while a build ran."""
    place.put({"a.jsonl": TEXT})
    (file,) = resolve(place.address.format("a.jsonl"), tmp_path, tmp_path, (".jsonl",))
    shutil.rmtree(caches)
    assert pickle.loads(pickle.dumps(file)).read() == TEXT
    assert place.server.bytes_of(place.sent) == 2 * len(TEXT)


def test_a_look_at_the_beginning_fetches_no_file_and_uses_a_kept_one(tmp_path, web):
    web.put({"a.jsonl": TEXT})
    address = web.address.format("a.jsonl")
    (head,) = heads(address, tmp_path, tmp_path / "one").heads
    assert head.data == TEXT
    read(address, tmp_path)
    sent = web.server.bytes_of("a.jsonl")
    (head,) = heads(address, tmp_path, tmp_path / "two").heads
    assert head.data == TEXT
    assert web.server.bytes_of("a.jsonl") == sent


def test_a_dry_run_fetches_no_file(tmp_path, web, caches):
    web.put({"a.jsonl": TEXT})
    source = {"name": "a", "layout": "jsonl", "path": web.address.format("a.jsonl")}
    recipe = parse({"sources": [{**source, "license": "cc0-1.0"}]}, tmp_path)
    line, *_ = dry_run(recipe)
    assert line.startswith(f"a: 1 file, {len(TEXT):,} bytes")
    assert not caches.exists()


def test_a_branch_with_slashes_and_a_folder(tmp_path, hub):
    repo = hub.server.repos["ada/notes"]
    files = {"in/a.jsonl": File(TEXT, False), "in/no.csv": File(b"x", False)}
    repo.commit("refs/convert/parquet", files, "converted")
    for _ in range(2):
        found = resolve(
            "hf://datasets/ada/notes@refs%2Fconvert%2Fparquet/in", tmp_path, tmp_path, (".jsonl",)
        )
        assert [(one.name, one.url) for one in found] == [
            ("a.jsonl", "hf://datasets/ada/notes@refs%2Fconvert%2Fparquet/in/a.jsonl")
        ]
        assert found[0].read() == TEXT
    assert hub.server.bytes_of("/resolve/") == len(TEXT)


# --- without a network -----------------------------------------------------------------------


def test_without_a_network_the_kept_files_are_read(tmp_path, web):
    web.put({"a.jsonl": TEXT})
    address = web.address.format("a.jsonl")
    read(address, tmp_path)
    web.server.fail("HEAD", "", "cut", times=99)
    found = find(address, tmp_path, tmp_path / "staging", (".jsonl",))
    assert found.files[0].read() == TEXT
    (note,) = found.stored.notes
    day = time.strftime("%Y-%m-%d")
    assert re.fullmatch(
        rf"{re.escape(address)}: the connection broke \(.*\); its files are those of {day}, "
        "from the cache",
        note,
    )


def test_offline_on_purpose(tmp_path, hub, monkeypatch):
    hub.put({"in/a.jsonl": TEXT, "in/b.txt": TEXT, "c.jsonl": TEXT})
    assert read("hf://datasets/ada/notes/in", tmp_path) == TEXT
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    asked = len(hub.server.requests)
    assert read("hf://datasets/ada/notes/in", tmp_path) == TEXT
    said = complaint("hf://datasets/ada/notes/c.jsonl", tmp_path)
    assert said == (
        "hf://datasets/ada/notes/c.jsonl: HF_HUB_OFFLINE is set; its files are not in the cache: "
        "run the same command once with a network."
    )
    assert len(hub.server.requests) == asked


def test_offline_is_the_hub_alone(tmp_path, web, monkeypatch):
    """A cluster that does not reach the Hub has servers of its own."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    web.put({"a.jsonl": TEXT})
    assert read(web.address.format("a.jsonl"), tmp_path) == TEXT


@pytest.mark.parametrize("at", ["", "@main", "@{}"])
@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("", ["in/a.jsonl", "in/b.jsonl"]),
        ("/in", ["a.jsonl", "b.jsonl"]),
        ("/in/a.jsonl", ["a.jsonl"]),
        ("/*/b*", ["in/b.jsonl"]),
    ],
)
def test_offline_with_what_another_tool_fetched(
    tmp_path, hub, caches, monkeypatch, at, path, names
):
    from huggingface_hub import hf_hub_download

    hub.put({"in/a.jsonl": TEXT, "in/b.jsonl": TEXT})
    for name in ("in/a.jsonl", "in/b.jsonl"):
        hf_hub_download("ada/notes", name, repo_type="dataset", cache_dir=caches / "hub")
    address = f"hf://datasets/ada/notes{at.format(hub.server.repos['ada/notes'].branches['main'])}"
    online = resolve(address + path, tmp_path, tmp_path / "staging", (".jsonl",))
    shutil.rmtree(caches / "chimed")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    found = find(address + path, tmp_path, tmp_path / "staging", (".jsonl",))
    assert [file.name for file in found.files] == names
    assert found.files == online
    assert [file.read() for file in found.files] == [TEXT] * len(names)
    (note,) = found.stored.notes
    assert note.endswith("HF_HUB_OFFLINE is set; its files are those that the Hub's cache has")


def test_offline_with_a_file_that_is_gone_from_the_cache(tmp_path, hub, caches, monkeypatch):
    hub.put({"a.jsonl": TEXT})
    read("hf://datasets/ada/notes/a.jsonl", tmp_path)
    for path in (caches / "hub").rglob("blobs/*"):
        path.unlink()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    said = complaint("hf://datasets/ada/notes/a.jsonl", tmp_path)
    assert said == (
        "hf://datasets/ada/notes/a.jsonl: HF_HUB_OFFLINE is set, and it is not in the cache: run "
        "the same command once without it."
    )


def test_a_server_that_is_gone(tmp_path, web, hub, monkeypatch):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        gone = f"http://127.0.0.1:{taken.getsockname()[1]}"
    said = complaint(f"{gone}/a.jsonl", tmp_path)
    assert "the server cannot be reached (ClientConnectorError); its files are not in" in said
    hub.put({"a.jsonl": TEXT, "b.jsonl": TEXT})
    address, other = map(hub.address.format, ("a.jsonl", "b.jsonl"))
    read(address, tmp_path)
    for name, value in (
        ("ENDPOINT", gone),
        ("HUGGINGFACE_CO_URL_TEMPLATE", f"{gone}/{{repo_id}}/resolve/{{revision}}/{{filename}}"),
    ):
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
    huggingface_hub.HfFileSystem.clear_instance_cache()
    assert read(address, tmp_path) == TEXT
    said = complaint(other, tmp_path)
    assert "the server cannot be reached (ConnectError); its files are not in the cache" in said


# --- builds ----------------------------------------------------------------------------------


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_the_bytes_of_a_build_do_not_tell_of_the_cache(tmp_path, web, caches, monkeypatch, workers):
    web.put({"a.jsonl": TEXT, "b.jsonl": TEXT.replace(b'"id": ', b'"id": 9')})
    sources = [
        {"name": n, "layout": "jsonl", "path": web.address.format(f"{n}.jsonl"),
         "license": "cc0-1.0"}
        for n in ("a", "b")
    ]  # fmt: skip
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("c.jsonl", TEXT)
    web.put({"c.zip": packed.getvalue()})
    sources.append({**sources[0], "name": "c", "path": web.address.format("c.zip")})
    recipe = parse({"name": "far", "sources": sources}, tmp_path)
    seen = []

    class Watch:
        def __call__(self, *_: object) -> None:
            pass

        def opening(self, what: str, source: str, done: int, total: int) -> None:
            seen.append((what, source))

    build(recipe, tmp_path / "one", workers=workers, progress=Watch())
    assert any(
        what == "fetch" and re.fullmatch(r"a \d+\.\d of \d+\.\d MB", source)
        for what, source in seen
    )
    sent = web.server.bytes_of("")
    assert sent == sum(map(len, web.server.files.values()))
    build(recipe, tmp_path / "two", workers=workers)
    build(recipe, tmp_path / "two", workers=workers)  # it is up to date
    assert web.server.bytes_of("") == sent
    monkeypatch.setenv("CHIMED_CACHE", str(tmp_path / "elsewhere"))
    build(recipe, tmp_path / "three", workers=workers)
    assert web.server.bytes_of("") == 2 * sent
    assert digests(tmp_path / "one") == digests(tmp_path / "two") == digests(tmp_path / "three")
    for path in (tmp_path / "three").rglob("*"):
        if path.is_file():
            assert str(tmp_path).encode() not in path.read_bytes()
            assert caches.name.encode() not in path.read_bytes()
